"""Shows that other programs read what `strawberry train export` writes.

usage: python scripts/train/check_exports.py MODEL.gguf ADAPTER_FOLDER

For each program that is installed: transformers and peft (needs torch) load the start model as a folder and
the adapter beside it, and the adapted model's logits equal those of the folder with the adapter merged;
llama.cpp (llama-cpp-python) loads the GGUF files and its likelihoods are compared with F32's.
Needs the release build of strawberry (under CARGO_TARGET_DIR or target/).
"""

import importlib.util
import math
import os
import subprocess
import sys
import tempfile

STRAWBERRY = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release", "strawberry")
TOKENS = [1, 4093, 198, 1780, 553, 216, 35, 22, 12764, 284, 11195, 2252, 30, 1250, 800, 359, 2211, 47]


def export(model, out, *more):
    subprocess.run([STRAWBERRY, "train", "export", *more, "--model", model, "--out", out], check=True,
                   stdout=subprocess.DEVNULL)


def has(*names):
    return all(importlib.util.find_spec(name) for name in names)


def check_peft(model, adapter, scratch):
    import torch
    from peft import PeftModel
    from transformers import LlamaForCausalLM

    start, merged = os.path.join(scratch, "start"), os.path.join(scratch, "merged")
    export(model, start, "--format", "folder")
    export(model, merged, adapter, "--format", "folder")
    tokens = torch.tensor([TOKENS])
    with torch.no_grad():
        base = LlamaForCausalLM.from_pretrained(start, dtype=torch.float32)
        before = base(tokens).logits
        applied = PeftModel.from_pretrained(base, adapter)(tokens).logits
        folded = LlamaForCausalLM.from_pretrained(merged, dtype=torch.float32)(tokens).logits
    worst = (applied - folded).abs().max().item()
    moved = (applied - before).abs().max().item()
    print(f"transformers + peft: applied and merged differ by {worst:.1e} at most; the adapter moves logits by {moved:.1f}")
    assert worst < 1e-2 < moved


def check_llama_cpp(model, adapter, scratch):
    import numpy
    from llama_cpp import Llama

    losses = {}
    for name in ["F32", "F16", "Q8_0", "Q4_0", "Q4_K"]:
        path = os.path.join(scratch, name + ".gguf")
        export(model, path, adapter, "--format", name)
        llama = Llama(path, n_ctx=64, logits_all=True, verbose=False)
        llama.eval(TOKENS)
        logits = numpy.array(llama.scores[: len(TOKENS)], dtype=numpy.float64)
        peaks = logits.max(axis=1)
        sums = peaks + numpy.log(numpy.exp(logits - peaks[:, None]).sum(axis=1))
        losses[name] = float(numpy.mean([sums[i] - logits[i, TOKENS[i + 1]] for i in range(len(TOKENS) - 1)]))
        print(f"llama.cpp {name}: {os.path.getsize(path) / 1e6:.0f} MB, loss {losses[name]:.4f}")
        os.remove(path)
    for name, within in [("F16", 0.01), ("Q8_0", 0.05), ("Q4_0", 0.8), ("Q4_K", 0.8)]:
        assert math.isfinite(losses[name]) and abs(losses[name] - losses["F32"]) < within, name


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        done = 0
        if has("torch", "transformers", "peft"):
            check_peft(sys.argv[1], sys.argv[2], folder)
            done += 1
        if has("llama_cpp", "numpy"):
            check_llama_cpp(sys.argv[1], sys.argv[2], folder)
            done += 1
    if not done:
        sys.exit("install peft and torch, or llama-cpp-python: nothing could be checked")
