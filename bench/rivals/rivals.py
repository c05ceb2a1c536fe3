"""The same work as `gumshoe bench`, done by PyTorch, Transformers and TRL.

    python rivals.py train|rollout|iteration --shape 2m|25m --threads 2

Prints one JSON line when it is ready. Then, for every line on stdin, does one step and prints its
seconds: whoever calls decides when, so that two programs can take turns on one machine.
"""

import argparse
import json
import os
import sys
import time

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from transformers import Qwen2Config, Qwen2ForCausalLM

# vocabulary, hidden, intermediate, layers, heads, key heads, training batch
SHAPES = {
    "2m": (512, 192, 512, 4, 6, 2, 16),
    "25m": (4096, 512, 1408, 8, 8, 4, 8),
}
PROMPT, ANSWER, SEQUENCE = 256, 128, 512


def make_model(shape):
    vocabulary, hidden, intermediate, layers, heads, kv_heads, _ = SHAPES[shape]
    torch.manual_seed(1)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=intermediate,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            tie_word_embeddings=True,
            max_position_embeddings=4096,
        )
    )


def train(shape):
    """Forward and backward with cross entropy over a batch of sequences of 512 tokens."""
    model = make_model(shape)
    ids = torch.randint(0, SHAPES[shape][0], (SHAPES[shape][6], SEQUENCE))

    def step():
        model.zero_grad()
        model(ids, labels=ids).loss.backward()

    return step, ids.numel(), "tokens/s"


def rollout(shape):
    """Sampling of 128 new tokens after each of 32 prompts of 256 tokens."""
    model = make_model(shape).eval()
    prompts = torch.randint(3, SHAPES[shape][0], (32, PROMPT))

    def step():
        with torch.no_grad():
            model.generate(
                prompts,
                attention_mask=torch.ones_like(prompts),
                max_new_tokens=ANSWER,
                min_new_tokens=ANSWER,
                do_sample=True,
                top_k=0,
                pad_token_id=0,
            )

    return step, 32 * ANSWER, "new tokens/s"


def word_tokenizer(vocabulary):
    """A tokenizer whose words are w0, w1, ...: a prompt of n words has n tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {f"w{i}": i for i in range(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w1"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="w0", eos_token="w2", unk_token="w1"
    )


def iteration(shape, on_ready):
    """TRL's GRPOTrainer: 8 prompts of 256 tokens, 8 answers of exactly 128 tokens, one update."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    vocabulary = SHAPES[shape][0]
    words = torch.randint(3, vocabulary, (64, PROMPT)).tolist()
    prompts = [" ".join(f"w{i}" for i in row) for row in words]

    class TakeTurns(transformers.TrainerCallback):
        started = None

        def on_step_begin(self, *_, **__):
            if self.started is None:
                on_ready()
            if not sys.stdin.readline():
                os._exit(0)
            self.started = time.perf_counter()

        def on_step_end(self, *_, **__):
            print(json.dumps({"seconds": time.perf_counter() - self.started}), flush=True)

    config = GRPOConfig(
        output_dir="/tmp/rivals-trl",
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=64,
        num_generations=8,
        max_completion_length=ANSWER,
        generation_kwargs={"min_new_tokens": ANSWER, "max_new_tokens": ANSWER},
        beta=0.0,
        max_steps=1000,
        gradient_checkpointing=False,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    trainer = GRPOTrainer(
        model=make_model(shape),
        reward_funcs=lambda completions, **_: [float(i % 2) for i in range(len(completions))],
        args=config,
        train_dataset=Dataset.from_dict({"prompt": prompts}),
        processing_class=word_tokenizer(vocabulary),
        callbacks=[TakeTurns()],
    )
    trainer.train()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=["train", "rollout", "iteration"])
    parser.add_argument("--shape", choices=SHAPES, default="2m")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    if options.work == "iteration":
        import trl

        versions["trl"] = trl.__version__
        ready = {"ready": True, "versions": versions, "count": 1, "unit": "s"}
        iteration(options.shape, lambda: print(json.dumps(ready), flush=True))
        return
    step, count, unit = {"train": train, "rollout": rollout}[options.work](options.shape)
    step()
    print(json.dumps({"ready": True, "versions": versions, "count": count, "unit": unit}), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        step()
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)


main()
