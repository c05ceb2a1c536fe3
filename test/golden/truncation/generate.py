"""Makes cases.json: logits, and what Transformers' logits processors leave of them.

python generate.py, in an environment with torch and transformers.
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import (
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

VOCABULARY = 48
STOP_TOKENS = [2, 5]
PROMPT = [1, 1, 1, 1]
OPTIONS = [
    {},
    {"topK": 5},
    {"topP": 0.9},
    {"minP": 0.1},
    {"temperature": 0.6, "topK": 12, "topP": 0.8},
    {"temperature": 1.4, "topP": 0.95, "minP": 0.05},
    {"temperature": 0.8, "topK": 30, "topP": 0.7, "minP": 0.2},
    {"topK": 1},
    {"minNewTokens": 3, "topP": 0.6},
    {"temperature": 2.5, "topK": 20, "minP": 0.3},
]


def processors(options):
    made = LogitsProcessorList()
    if "minNewTokens" in options:
        least = options["minNewTokens"]
        made.append(MinNewTokensLengthLogitsProcessor(len(PROMPT), least, STOP_TOKENS, device="cpu"))
    for name, warper in [
        ("temperature", TemperatureLogitsWarper),
        ("topK", TopKLogitsWarper),
        ("topP", TopPLogitsWarper),
        ("minP", MinPLogitsWarper),
    ]:
        if name in options:
            made.append(warper(options[name]))
    return made


def case(options):
    logits = (torch.randn(VOCABULARY) * 2.5).mul(1000).round().div(1000)
    more = {}
    if "minNewTokens" in options:
        # The stop token would be the most likely.
        logits[STOP_TOKENS[0]] = 9.5
        more = {"stopTokenIds": STOP_TOKENS}
    ids = torch.tensor([[*PROMPT, 3]])
    scores = processors(options)(ids, logits[None].clone())[0]
    logprobs = torch.log_softmax(scores.double(), -1)
    kept = {str(i): round(p, 7) for i, p in enumerate(logprobs.tolist()) if p > -1e30}
    return {**options, **more, "logits": [round(z, 3) for z in logits.tolist()], "logprobs": kept}


torch.manual_seed(7)
cases = ",\n".join("    " + json.dumps(case(options)) for options in OPTIONS)
made_with = f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}"
text = f'{{\n  "madeWith": "{made_with}",\n  "cases": [\n{cases}\n  ]\n}}\n'
(Path(__file__).parent / "cases.json").write_text(text)
