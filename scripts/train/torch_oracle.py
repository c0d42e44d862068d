"""Compares loss and gradients of `strawberry-train` with PyTorch on the same model and rows.

usage: python scripts/train/torch_oracle.py MODEL.gguf

Needs torch, transformers, gguf and safetensors, and the release builds of
    cargo build --release -p strawberry-train --examples
(found under CARGO_TARGET_DIR or target/). transformers reads the GGUF file with its own reader, so the order of the rows
of q and k is compared as well.
"""

import json
import os
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

TARGET = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release")


def our(program, *args):
    return subprocess.run([os.path.join(TARGET, program), *args], check=True, capture_output=True, text=True).stdout


def loss_of(model, rows):
    """Mean negative log-likelihood of all completion tokens, each row by itself."""
    total, count = 0.0, 0
    for row in rows:
        tokens = torch.tensor([row["tokens"]])
        logits = model(tokens[:, :-1]).logits[0]
        learned = tokens[0, row["prompt"]:]
        part = torch.nn.functional.cross_entropy(logits[row["prompt"] - 1:], learned, reduction="sum")
        total = total + part
        count += len(learned)
    return total / count


def gradients(model_file):
    rows = []
    shared = [1, 9690, 198, 2683]
    for i, (prompt, completion) in enumerate([(12, 9), (30, 14), (5, 3), (21, 40)]):
        own = [(i * 7919 + j * 104729) % 49000 + 17 for j in range(prompt + completion)]
        rows.append({"tokens": shared + own, "prompt": len(shared) + prompt})
    with tempfile.TemporaryDirectory() as scratch:
        rows_file, out = os.path.join(scratch, "rows.json"), os.path.join(scratch, "out.safetensors")
        with open(rows_file, "w") as f:
            json.dump(rows, f)
        print(our("examples/gradients", model_file, rows_file, out).strip())
        ours = load_file(out)
    folder, name = os.path.split(os.path.abspath(model_file))
    model = LlamaForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    loss = loss_of(model, rows)
    loss.backward()
    worst = max(
        ((torch.linalg.norm(p.grad - ours[name]) / torch.linalg.norm(p.grad)).item(), name)
        for name, p in model.named_parameters()
    )
    zero = [name for name, p in model.named_parameters() if not ours[name].any()]
    error = abs(loss.item() - ours["loss"].item())
    print(f"torch {torch.__version__}: loss {loss.item():.6f}, difference {error:.1e}")
    print(f"largest relative difference of a gradient: {worst[0]:.1e} ({worst[1]}); without gradient: {zero}")
    assert error < 1e-4 and worst[0] < 1e-4 and not zero


if __name__ == "__main__":
    gradients(sys.argv[1])
