"""Makes the adapter of this folder and its golden numbers with PEFT.

python generate.py, in an environment with torch, transformers, peft and safetensors.
"""

import json
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from transformers.models.qwen2 import modeling_qwen2

HERE = Path(__file__).parent
BASE = "../qwen2-tied"
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STEP = dict(lr=0.01, beta1=0.9, beta2=0.99, eps=1e-8, weightDecay=0.1, maxGradNorm=0.5)


def norm_in_own_dtype(self, x):
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def rotary_in_own_dtype(self, x, position_ids):
    half = torch.arange(0, self.config.hidden_size // self.config.num_attention_heads, 2)
    width = self.config.hidden_size // self.config.num_attention_heads
    theta = 1000000.0
    frequencies = 1.0 / theta ** (half.double() / width)
    angles = position_ids[..., None].double() * frequencies
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


# Transformers computes norms and angles in float32, whatever the dtype of the weights.
modeling_qwen2.Qwen2RMSNorm.forward = norm_in_own_dtype
modeling_qwen2.Qwen2RotaryEmbedding.forward = rotary_in_own_dtype


def make_adapter():
    torch.manual_seed(17)
    base = AutoModelForCausalLM.from_pretrained(HERE / BASE, dtype=torch.float32)
    config = LoraConfig(r=3, lora_alpha=5, target_modules=TARGETS, task_type="CAUSAL_LM")
    model = get_peft_model(base, config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # B begins with 0, which would hide the gradient of A.
            if "lora_B" in name:
                parameter.normal_(0, 0.1)
    model.peft_config["default"].base_model_name_or_path = BASE
    model.save_pretrained(HERE)
    (HERE / "README.md").unlink()
    config_file = HERE / "adapter_config.json"
    text = json.loads(config_file.read_text())
    text["target_modules"] = TARGETS
    config_file.write_text(json.dumps(text, indent=2) + "\n")


def load(dtype):
    base = AutoModelForCausalLM.from_pretrained(HERE / BASE, dtype=torch.float32)
    model = peft.PeftModel.from_pretrained(base, HERE, is_trainable=True)
    return model.to(dtype)


def stored_name(name):
    return name.replace(".default", "")


def factors(model):
    return [(stored_name(n), p) for n, p in model.named_parameters() if "lora_" in n]


def token_logprobs(model, sequence):
    logits = model(torch.tensor([sequence])).logits[0, :-1]
    targets = torch.tensor(sequence[1:])
    return torch.log_softmax(logits, -1).gather(1, targets[:, None])[:, 0]


def score(model, inputs):
    outputs = {}
    for g, group in enumerate(inputs["groups"]):
        for a, answer in enumerate(group["answers"]):
            sequence = group["prompt"] + answer
            logits = model(torch.tensor([sequence])).logits[0, len(group["prompt"]) - 1 : -1]
            logprobs = torch.log_softmax(logits / inputs["temperature"], -1)
            outputs[f"logprobs.{g}.{a}"] = logprobs.gather(1, torch.tensor(answer)[:, None])[:, 0]
            outputs[f"entropies.{g}.{a}"] = -(logprobs.exp() * logprobs).sum(-1)
    return outputs


def cross_entropy(model, inputs):
    mask = torch.tensor(inputs["targetMask"][1:]).bool()
    loss = -token_logprobs(model, inputs["sequence"])[mask].mean()
    loss.backward()
    gradients = {f"grad.{name}": p.grad.clone() for name, p in factors(model)}
    model.zero_grad()
    return {"loss": loss[None], **gradients}


def train(model, inputs):
    rule = inputs["optimizer"]
    parameters = [p for _, p in factors(model)]
    optimizer = torch.optim.AdamW(
        parameters,
        lr=rule["lr"],
        betas=(rule["beta1"], rule["beta2"]),
        eps=rule["eps"],
        weight_decay=rule["weightDecay"],
    )

    def loss_of():
        return -torch.stack([token_logprobs(model, s).mean() for s in inputs["sequences"]]).mean()

    losses, norms = [], []
    for _ in range(inputs["steps"]):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        losses.append(loss.detach())
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, rule["maxGradNorm"]))
        optimizer.step()
    losses.append(loss_of().detach())
    after = {f"after.{name}": p.detach().clone() for name, p in factors(model)}
    return {"losses": torch.stack(losses), "gradNorms": torch.stack(norms), **after}


KINDS = {"score": score, "cross-entropy": cross_entropy, "train": train}


def make_cases():
    random = torch.Generator().manual_seed(5)

    def ids(count):
        return torch.randint(3, 250, (count,), generator=random).tolist()

    groups = [{"prompt": ids(9), "answers": [ids(4), ids(7)]}]
    sequence = ids(24)
    mask = [0] + torch.randint(0, 2, (23,), generator=random).tolist()
    sequences = [ids(12), ids(17)]
    optimizer = dict(type="adamw", **STEP)
    return {
        "score": dict(groups=groups, temperature=0.8),
        "cross-entropy": dict(sequence=sequence, targetMask=mask),
        "train": dict(sequences=sequences, steps=1, optimizer=optimizer),
    }


def main():
    make_adapter()
    cases, tensors = [], {}
    for kind, inputs in make_cases().items():
        wanted = KINDS[kind](load(torch.float64), inputs)
        in_float32 = KINDS[kind](load(torch.float32), inputs)
        outputs = {}
        for name, value in wanted.items():
            scale = value.abs().max().item()
            error = (value - in_float32[name].double()).abs().max().item() / scale
            tensor = f"{kind}/{name}"
            tensors[tensor] = value.detach().float().contiguous()
            outputs[name] = dict(
                tensor=tensor,
                scale=float(f"{scale:.6g}"),
                torchFloat32Error=float(f"{error:.3g}"),
                tolerance=float(f"{max(8 * error, 4e-6):.2g}"),
            )
        cases.append(dict(name=kind, kind=kind, inputs=inputs, outputs=outputs))
    made = dict(torch=torch.__version__, transformers=transformers.__version__, peft=peft.__version__)
    golden = dict(
        format="gumshoe-golden", version=1, madeWith=made, computedIn="float64", cases=cases
    )
    (HERE / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    save_file(tensors, HERE / "golden.safetensors")


main()
