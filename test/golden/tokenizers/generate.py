"""Writes cases.json.gz: what the Rust library makes of texts with small tokenizers; see README.md.

    pip install tokenizers==0.23.3
    python generate.py
"""

import gzip
import json
import pathlib
import random

from tokenizers import AddedToken as A, Regex, Tokenizer, models, processors
from tokenizers import decoders as D, normalizers as N, pre_tokenizers as P, trainers as T

CORPUS = ["The old house, it's dark & cold. Who did it? Plum's knife in the hall at 12:30, 1234567 times!",
 "Colonel Mustard didn't; they'll say we've seen I'm he'd. naïve café Äpfel groß ÉCOLE",
 "def f(x):\n    return x + 1\n\n\tprint('hello world')  # comment\r\n", "日本語のテキスト 中文 한국어 русский язык العربية हिन्दी ไทย",
 "emoji 🕵️ 👩‍👩‍👧 ½ ² ﬁ ǆ \u00a0 \u200b \u3000 x", "<|im_start|>user\nHi<|im_end|>", "   spaces   between    words ", "a" * 30 + "b" * 7] * 3
TEXTS = CORPUS[:8] + ["", " ", "  ", "\n", "\n\n x", "x \n\n y", "Hello world", " Hello world", "hello  world", "Hello, World!\n\nHow are you?", "I'M HE'LL THEY'VE 'S", "I’m", "12345 67 8", "3.14159e-10", "１２３ ４", "e\u0301 é", "A\u030a Å ﬁ", "İstanbul ıI", "ΣΑΣ Σ", "ſ K Å",
 "<s>hi</s>", "<|end|>", "x<|end|>y", " <|end|> ", "a<mask>b", "a <mask> b", "word<tok>word", "<tok> x", "<unk>", "\u2581under\u2581", "▁▁", "\t\t", "\r\n\r\n", "…—–“”‘’", "a\u0000b", "𝒳𝒴 𐍈", "zz\ud7ff", "!!!???", "a.b.c", "foo_bar-baz", "C'EST", "dog's dogs'", "don't can't", "x" * 100, "I am 25 years old and 1000000 people", "<|im_start|><|im_end|>", "mixed 日本 and English 混合", "tail space ", "\u2028x\u2029", "\x85y\x0b", "\ufeffbom", "한글", "한", "क्षि", "กำ", "👍🏽👍"]
rnd = random.Random(5)
ALPH = list("abcdeABC 012\n\t'.,!?-_éßあ漢🕵<|>") + ["  ", "'s", "'LL", "\r\n", "\u00a0", "<|end|>", "<tok>", "<mask>", "\x85", "\ufeff", "\u2028", "\u3000", "\x0b", "\x1c", "\u200b", "ſ", "K", "İ", "Σ", "e\u0301", "１", "²", "Ⅷ", "क्षि", "한", "👩‍👩‍👧", "\u180e"]
TEXTS += ["".join(rnd.choice(ALPH) for _ in range(rnd.randint(1, 40))) for _ in range(40)]
GPT4 = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
QWEN2 = GPT4.replace("{1,3}", "")
O200K = r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
TEKKEN = r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
SPECIAL = ["<unk>", "<s>", "</s>", "<|end|>", "<|im_start|>", "<|im_end|>"]
def bl(): return P.ByteLevel(add_prefix_space=False, use_regex=False)
def bbpe(pre, norm=None, vocab=420, extra=None, post=None, **model):
    t = Tokenizer(models.BPE(**model)); t.pre_tokenizer = pre; t.decoder = D.ByteLevel()
    if norm: t.normalizer = norm
    t.train_from_iterator(CORPUS, T.BpeTrainer(vocab_size=vocab, initial_alphabet=P.ByteLevel.alphabet(), special_tokens=SPECIAL, show_progress=False))
    if post: t.post_processor = post
    if extra: t.add_tokens(extra)
    return t
def split(rx, behavior="isolated", invert=False): return P.Split(Regex(rx), behavior, invert)
def spm_bpe(norm, pre, dec, vocab=500, fuse=True, byte=True):
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse, byte_fallback=byte))
    if norm: t.normalizer = norm
    if pre: t.pre_tokenizer = pre
    sp = SPECIAL + ([f"<0x{i:02X}>" for i in range(256)] if byte else [])
    t.train_from_iterator([c for c in CORPUS if "日" not in c], T.BpeTrainer(vocab_size=vocab, special_tokens=sp, show_progress=False))
    t.decoder = dec
    j = json.loads(t.to_str()); j["added_tokens"] = [a for a in j["added_tokens"] if not a["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(j))
def normalized(t):
    j = json.loads(t.to_str())
    for token in j["added_tokens"]:
        token["normalized"] = True
    return Tokenizer.from_str(json.dumps(j))
SPD = lambda strip=True: D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse()] + ([D.Strip(" ", 1, 0)] if strip else []))
def unigram(norm, pre, dec):
    t = Tokenizer(models.Unigram())
    if norm: t.normalizer = norm
    t.pre_tokenizer = pre; t.decoder = dec
    t.train_from_iterator(CORPUS, T.UnigramTrainer(vocab_size=300, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False))
    return t
def wordpiece(norm, pre, **kw):
    t = Tokenizer(models.WordPiece(unk_token="<unk>")); t.normalizer = norm; t.pre_tokenizer = pre; t.decoder = D.WordPiece(prefix="##", cleanup=False)
    t.train_from_iterator(CORPUS, T.WordPieceTrainer(vocab_size=400, special_tokens=SPECIAL, show_progress=False)); return t
M = {
 "gpt2": bbpe(P.ByteLevel(add_prefix_space=False)),
 "gpt2, prefix space": bbpe(P.ByteLevel(add_prefix_space=True)),
 "qwen2": bbpe(P.Sequence([split(QWEN2), bl()]), N.NFC()),
 "qwen3, added": bbpe(P.Sequence([split(QWEN2), bl()]), N.NFC(), extra=[A("<think>", normalized=False), A("</think>", normalized=False), "<tok>"]),
 "llama 3": bbpe(P.Sequence([split(GPT4), bl()]), ignore_merges=True, post=processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])])),
 "gpt-oss": bbpe(P.Sequence([split(O200K), bl()])),
 "mistral nemo": bbpe(P.Sequence([split(TEKKEN), bl()]), ignore_merges=True),
 "deepseek": bbpe(P.Sequence([split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), bl()])),
 "deepseek coder": bbpe(P.Sequence([split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), P.Digits(individual_digits=True), bl()])),
 "falcon": bbpe(P.Sequence([P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=False), P.Digits(individual_digits=False), split(r"[0-9][0-9][0-9]")])),
 "command-r": bbpe(P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)]), N.NFC()),
 "smollm": bbpe(P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)])),
 "olmo, special flags": bbpe(P.Sequence([split(GPT4), bl()]), extra=[A("<mask>", lstrip=True), A("<tok>", rstrip=True), A("word", single_word=True)]),
 "added, normalized": bbpe(P.ByteLevel(add_prefix_space=False), N.NFKC(), extra=[A("<tok>", normalized=True), A("ﬁ", normalized=True), A("<mask>", normalized=False, lstrip=True, rstrip=True)]),
 "llama 2": spm_bpe(N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), None, SPD()),
 "llama 2, not fused": spm_bpe(N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), None, SPD(), fuse=False, byte=False),
 "mistral, metaspace first": spm_bpe(None, P.Metaspace("▁", prepend_scheme="first", split=False), D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])),
 "llama 2, normalized tokens": normalized(spm_bpe(N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), None, SPD())),
 "metaspace always": spm_bpe(None, P.Metaspace("▁", prepend_scheme="always"), D.Metaspace("▁", prepend_scheme="always")),
 "metaspace never": spm_bpe(None, P.Metaspace("▁", prepend_scheme="never"), D.Metaspace("▁", prepend_scheme="never")),
 "gemma": spm_bpe(N.Replace(" ", "▁"), P.Split(" ", "merged_with_previous"), SPD(False)),
 "yi": spm_bpe(N.Replace(" ", "▁"), None, SPD(False)),
 "unigram metaspace": unigram(N.NFKC(), P.Metaspace("▁"), D.Metaspace("▁")),
 "unigram, spaces collapsed": unigram(N.Sequence([N.NFKC(), N.Replace(Regex(" {2,}"), " ")]), P.Metaspace("▁"), D.Metaspace("▁")),
 "unigram, nmt": unigram(N.Sequence([N.Nmt(), N.NFKC(), N.Replace(Regex(" {2,}"), " ")]), P.Metaspace("▁"), D.Metaspace("▁")),
 "bert": wordpiece(N.BertNormalizer(lowercase=True), P.BertPreTokenizer()),
 "bert, cased": wordpiece(N.BertNormalizer(lowercase=False, strip_accents=False), P.BertPreTokenizer()),
 "wordpiece": wordpiece(N.Sequence([N.NFD(), N.Lowercase(), N.StripAccents()]), P.Whitespace()),
 "whitespace split": wordpiece(N.Strip(), P.WhitespaceSplit()),
 "split removed": bbpe(P.Sequence([P.Split(" ", "removed"), bl()])),
 "split next": bbpe(P.Sequence([P.Split(" ", "merged_with_next"), bl()])),
 "split contiguous": bbpe(P.Sequence([split(r"\s", "contiguous"), bl()])),
 "split inverted": bbpe(P.Sequence([split(r"\w+|[^\w\s]+", "removed", True), bl()])),
 "char delimiter": bbpe(P.Sequence([P.CharDelimiterSplit("-"), bl()])),
 "unicode scripts": bbpe(P.Sequence([P.UnicodeScripts(), bl()])),
}
t = Tokenizer(models.WordLevel({"<unk>": 0, "hello": 1, "world": 2, "<|end|>": 3}, unk_token="<unk>")); t.pre_tokenizer = P.Whitespace(); M["word level"] = t
t = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<unk>")); t.normalizer = N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()]); t.pre_tokenizer = P.Sequence([split(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", "removed", True), P.ByteLevel(add_prefix_space=False)]); t.decoder = D.ByteLevel()
t.train_from_iterator(CORPUS, T.BpeTrainer(vocab_size=420, special_tokens=SPECIAL, end_of_word_suffix="</w>", initial_alphabet=P.ByteLevel.alphabet(), show_progress=False)); M["clip"] = t
out = []
for name, t in M.items():
    rows = []
    for x in TEXTS:
        ids = t.encode(x, add_special_tokens=False).ids
        rows.append([x, ids, t.decode(ids, skip_special_tokens=False), t.decode(ids, skip_special_tokens=True)])
    out.append({"name": name, "tokenizer": json.loads(t.to_str()), "rows": rows})
data = json.dumps(out, ensure_ascii=False).encode("utf-8")
path = pathlib.Path(__file__).parent / "cases.json.gz"
path.write_bytes(gzip.compress(data, mtime=0))
print(len(out), "tokenizers,", sum(len(one["rows"]) for one in out), "texts,", path.stat().st_size, "bytes")
