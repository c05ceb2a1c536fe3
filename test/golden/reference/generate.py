"""Computes the golden numbers of this folder with PyTorch: gradients of a loss with a divergence from a reference.

python generate.py, in an environment with torch and transformers.

The policy is ../qwen2. The reference has its weights, every second element of a parameter multiplied by 1.0625 and the
others by 0.9375, in float32. All is computed in float64; `torchFloat32Error` is the error of the same in float32.
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM
from transformers.models.qwen2 import modeling_qwen2

HERE = Path(__file__).parent
POLICY = "../qwen2"
KL = 0.3
TEMPERATURE = 0.8
CLIP = 0.2
# Elements of each parameter's gradient that are stored.
SAMPLES = 6


def norm_in_own_dtype(self, x):
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def rotary_in_own_dtype(self, x, position_ids):
    width = self.config.hidden_size // self.config.num_attention_heads
    frequencies = 1.0 / 1000000.0 ** (torch.arange(0, width, 2).double() / width)
    angles = position_ids[..., None].double() * frequencies
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


# Transformers computes norms and angles in float32, whatever the dtype of the weights.
modeling_qwen2.Qwen2RMSNorm.forward = norm_in_own_dtype
modeling_qwen2.Qwen2RotaryEmbedding.forward = rotary_in_own_dtype


def policy(dtype):
    return AutoModelForCausalLM.from_pretrained(HERE / POLICY, dtype=torch.float32).to(dtype)


def reference(dtype):
    model = AutoModelForCausalLM.from_pretrained(HERE / POLICY, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            flat = parameter.view(-1)
            factor = torch.full_like(flat, 0.9375)
            factor[::2] = 1.0625
            flat.mul_(factor)
    return model.to(dtype)


def make_groups():
    torch.manual_seed(23)
    draw = lambda n: torch.randint(3, 264, (n,)).tolist()
    return [
        {"prompt": draw(7), "answers": [draw(5), draw(9)], "advantages": [0.8, -1.2]},
        {"prompt": draw(12), "answers": [draw(1), draw(6), draw(4)], "advantages": [1.5, -0.5, 0.3]},
    ]


def logprobs(model, prompt, answer):
    row = torch.tensor([prompt + answer])
    logits = model(row).logits[0, len(prompt) - 1 : -1] / TEMPERATURE
    return torch.log_softmax(logits, -1).gather(1, torch.tensor(answer)[:, None])[:, 0]


def divergence(name, x):
    return {"k1": -x, "k2": x * x / 2, "k3": x.exp() - x - 1}[name]


def compute(groups, estimator, dtype):
    model, ref = policy(dtype), reference(dtype)
    answers = [(g, a) for g in groups for a in range(len(g["answers"]))]
    loss, kl, tokens = 0.0, 0.0, 0
    for g, a in answers:
        new = logprobs(model, g["prompt"], g["answers"][a])
        with torch.no_grad():
            old_of_reference = logprobs(ref, g["prompt"], g["answers"][a])
        old = torch.tensor(g["oldLogprobs"][a], dtype=torch.float32).to(dtype)
        ratio = (new - old).exp()
        advantage = g["advantages"][a]
        surrogate = -torch.min(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)
        terms = divergence(estimator, old_of_reference - new)
        loss = loss + (surrogate + KL * terms).mean() / len(answers)
        kl += terms.sum().item()
        tokens += len(new)
    loss.backward()
    return loss.item(), kl / tokens, {n: p.grad.double() for n, p in model.named_parameters()}


def main():
    groups = make_groups()
    with torch.no_grad():
        double = policy(torch.float64)
        for g in groups:
            # Ratios on both sides of the bounds, in float32 as a sampler reports them.
            g["oldLogprobs"] = []
            for answer in g["answers"]:
                now = logprobs(double, g["prompt"], answer)
                shift = torch.tensor([0.31 * ((t % 3) - 1) for t in range(len(answer))])
                g["oldLogprobs"].append((now + shift).float().tolist())
    cases = []
    for name in ["k1", "k2", "k3"]:
        loss, kl, grads = compute(groups, name, torch.float64)
        loss32, kl32, grads32 = compute(groups, name, torch.float32)
        worst = max(((grads[n] - grads32[n]).abs().max() / grads[n].abs().max()).item() for n in grads)
        parameters = {}
        for n, g in grads.items():
            flat = g.reshape(-1)
            at = [i * (len(flat) - 1) // (SAMPLES - 1) for i in range(SAMPLES)]
            parameters[n] = {
                "norm": float(f"{flat.norm().item():.9g}"),
                "largest": float(f"{flat.abs().max().item():.9g}"),
                "at": at,
                "values": [float(f"{flat[i].item():.9g}") for i in at],
            }
        cases.append(
            {
                "estimator": name,
                "loss": loss,
                "divergence": kl,
                "torchFloat32Error": float(f"{worst:.2e}"),
                "gradient": parameters,
            }
        )
        print(name, loss, kl, worst, abs(loss - loss32), abs(kl - kl32))
    golden = {
        "madeWith": {"torch": torch.__version__, "transformers": transformers.__version__},
        "model": POLICY,
        "klCoefficient": KL,
        "temperature": TEMPERATURE,
        "clip": CLIP,
        "groups": groups,
        "cases": cases,
    }
    (HERE / "gradients.json").write_text(json.dumps(golden) + "\n")


main()
