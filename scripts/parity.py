#!/usr/bin/env python3
"""Compares the engine's logits and greedy tokens with other programs' on the same model.

    python scripts/parity.py                             `tiny`, and `llama` with the default model
    python scripts/parity.py llama MODEL.gguf            20 prompts, 48 greedy tokens each
    python scripts/parity.py tiny                        tiny random models, f32
    python scripts/parity.py itself MODEL.gguf           llama.cpp's integer path against itself
    python scripts/parity.py perplexity MODEL.gguf TEXT [TOKENS]
                                                         every quantisation, with keys and values in 16 and in
                                                         8 bits, against its dequantised f32

Needs llama-cpp-python, gguf and numpy from PyPI. Exit status 1 when a bound is missed.

Both programs round activations to 8 bits before they multiply them with quantised weights, so neither gives
the model's exact logits and they need not give each other's: `llama` compares exact with exact (dequantised
weights, f32) for the tokens, and then how far each quantised path is from that for the logits.
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PROMPTS = [
    "What is the capital of France?",
    "Tom has 3 apples and buys 5 more. How many apples does he have?",
    "Write a short poem about the sea.",
    "Explain why the sky is blue.",
    "List three prime numbers greater than 10.",
    "Translate 'good morning' into Spanish.",
    "What is 17 * 23?",
    "Who wrote Romeo and Juliet?",
    "Give me a recipe for pancakes.",
    "Summarise the plot of Cinderella in two sentences.",
    "What is photosynthesis?",
    "A train travels 60 km in 45 minutes. What is its speed in km/h?",
    "Name the planets of the solar system.",
    "Write a Python function that reverses a string.",
    "What is the difference between a virus and a bacterium?",
    "If today is Tuesday, what day is it in 10 days?",
    "Describe a sunset to someone who has never seen one.",
    "How do I tie a bow tie?",
    "What are the benefits of regular exercise?",
    "Convert 5 miles to kilometres.",
]
NEW = 48


def example(name, *args, stdin=None):
    """The output of one of the engine's example programs."""
    command = ["cargo", "run", "-q", "--release", "-p", "strawberry-engine", "--example", name, "--", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=True).stdout


def score(model, requests, *options):
    """Answers of `examples/score.rs`; its options may name a file for the logits of all given tokens."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    return [json.loads(line) for line in example("score", model, *options, stdin=lines).splitlines()]


def cosines(a, b):
    """Cosines between corresponding rows."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def llama(model):
    """Greedy tokens and prompt logits against llama.cpp."""
    from llama_cpp import Llama

    def prompts_through(path, new):
        """Tokens of the prompts, their logits, and what is chosen after them, by llama.cpp."""
        peer = Llama(str(path), n_ctx=512, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False)
        tokens, logits, chosen = [], [], []
        for prompt in PROMPTS:
            text = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
            tokens.append(peer.tokenize(text.encode(), add_bos=False, special=True))
            peer.reset()
            peer.eval(tokens[-1])
            logits.append(peer.scores[: len(tokens[-1])].copy())
            choice = []
            for _ in range(new):
                row = peer.scores[peer.n_tokens - 1].copy()
                choice.append((int(row.argmax()), row))
                peer.eval([choice[-1][0]])
            chosen.append(choice)
        return tokens, np.concatenate(logits), chosen

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        dequantised(model, folder / "f32.gguf")
        tokens, theirs, chosen = prompts_through(folder / "f32.gguf", NEW)
        _, theirs_quantised, _ = prompts_through(model, 0)
        replies = score(model, [{"tokens": t, "greedy": NEW} for t in tokens], "--exact", folder / "exact")
        score(model, [{"tokens": t} for t in tokens], folder / "quantised")
        exact = np.fromfile(folder / "exact", np.float32).reshape(theirs.shape)
        quantised = np.fromfile(folder / "quantised", np.float32).reshape(theirs.shape)
    same, far = 0, 0
    for prompt, reply, choice in zip(PROMPTS, replies, chosen):
        at = next((i for i, (ours, peer) in enumerate(zip(reply["greedy"], choice)) if ours != peer[0]), None)
        if at is None:
            same += 1
            continue
        row = choice[at][1]
        gap = float(row[choice[at][0]] - row[reply["greedy"][at]])
        far += gap >= 0.05 or reply["gaps"][at] >= 0.05
        print(f"differs at token {at}: their gap {gap:.4f}, ours {reply['gaps'][at]:.4f}: {prompt}")
    worst = cosines(exact, theirs).min()
    print(f"exact: {same} of {len(PROMPTS)} prompts identical for {NEW} tokens, {far} differ beyond a near-tie")
    print(f"exact: smallest cosine of a prompt position's logits {worst:.6f}")
    ours, peer = cosines(quantised, exact), cosines(theirs_quantised, exact)
    print(f"quantised against exact: mean cosine {ours.mean():.6f}, llama.cpp's {peer.mean():.6f}; "
          f"smallest {ours.min():.6f}, llama.cpp's {peer.min():.6f}")
    return same >= 18 and far == 0 and worst >= 0.999 and ours.mean() >= 0.999 and ours.mean() >= peer.mean() - 1e-4


def itself(model):
    """How far llama.cpp's integer path is from itself when only the order of float sums changes.

    Activations are rounded to 8 bits before every product, so a difference of 1e-7 that moves one of them over
    an edge becomes a difference of 1/127, which moves others: no two orders of summation agree for long. It
    bounds what agreement another program can have with it. Tokens go in one by one, by the chunk, and with
    flash attention.
    """
    from llama_cpp import Llama

    def run(chunk, **options):
        peer = Llama(str(model), n_ctx=512, n_batch=chunk, n_ubatch=chunk, n_threads=1, n_threads_batch=1,
                     logits_all=True, verbose=False, **options)
        logits, chosen = [], []
        for prompt in PROMPTS:
            text = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
            peer.reset()
            peer.eval(peer.tokenize(text.encode(), add_bos=False, special=True))
            logits.append(peer.scores[: peer.n_tokens].copy())
            choice = []
            for _ in range(NEW):
                choice.append(int(peer.scores[peer.n_tokens - 1].argmax()))
                peer.eval(choice[-1:])
            chosen.append(choice)
        return np.concatenate(logits), chosen

    logits, chosen = run(512)
    for name, other in [("again", run(512)), ("one by one", run(1)), ("flash attention", run(512, flash_attn=True))]:
        cosine = cosines(logits, other[0])
        same = sum(a == b for a, b in zip(chosen, other[1]))
        print(f"llama.cpp, {name}: {same} of {len(PROMPTS)} greedy texts identical, cosine mean {cosine.mean():.6f}, "
              f"smallest {cosine.min():.6f}", flush=True)
    return True


def tiny():
    """Tiny random models in f32 against llama.cpp."""
    from llama_cpp import Llama

    good = True
    tokens = [(i * 37 + 11) % 250 for i in range(70)]
    for kind in ["llama", "llama3", "qwen2", "qwen3"]:
        with tempfile.TemporaryDirectory() as folder:
            example("tiny", kind, folder)
            model, file = Path(folder) / "model.gguf", Path(folder) / "logits"
            # 0 is GGML_TYPE_F32: keys and values aren't rounded.
            peer = Llama(str(model), n_ctx=512, logits_all=True, type_k=0, type_v=0, flash_attn=False, verbose=False)
            peer.eval(tokens)
            theirs = peer.scores[: len(tokens)].copy()
            for path in [model, folder]:
                score(path, [{"tokens": tokens}], file)
                ours = np.fromfile(file, np.float32).reshape(theirs.shape)
                worst = float(np.abs(ours - theirs).max())
                good &= worst < 1e-4
                print(f"{kind}, {'GGUF' if path == model else 'safetensors'}: largest difference {worst:.1e} "
                      f"of logits up to {np.abs(theirs).max():.1f}")
        print("   last row:", ", ".join(f"{x:.6f}" for x in theirs[-1, :6]))
    return good


def dequantised(model, to):
    """Writes the model with every tensor in f32."""
    import gguf

    reader = gguf.GGUFReader(model)
    arch = str(bytes(reader.fields["general.architecture"].parts[-1]), "utf-8")
    writer = gguf.GGUFWriter(to, arch)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        sub = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, sub_type=sub)
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        writer.add_tensor(tensor.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantise(model, to, kind):
    """Lets llama.cpp write the model in another quantisation."""
    import llama_cpp

    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind}")
    params.allow_requantize = True
    params.nthread = 2
    if llama_cpp.llama_model_quantize(str(model).encode(), str(to).encode(), ctypes.byref(params)) != 0:
        raise SystemExit(f"llama.cpp could not write {kind}")


def perplexity(model, text, count=50_000):
    """The int8 path against f32 on the same, dequantised, weights."""
    from llama_cpp import Llama

    tokens = Llama(model, vocab_only=True, verbose=False).tokenize(Path(text).read_bytes(), add_bos=False)
    tokens = tokens[: int(count)]
    windows = [{"tokens": tokens[i : i + 512]} for i in range(0, len(tokens), 512) if len(tokens) > i + 1]
    predicted = sum(len(window["tokens"]) - 1 for window in windows)

    def measure(path, *options):
        return float(np.exp(sum(reply["nll"] for reply in score(path, windows, *options)) / predicted))

    good = True
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "f32.gguf"
        dequantised(model, source)
        for kind in ["", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K_M", "Q5_K_M", "Q6_K"]:
            path = Path(model) if not kind else Path(folder) / f"{kind}.gguf"
            if kind:
                quantise(source, path, kind)
            ours, int8, exact = measure(path), measure(path, "--kv", "int8"), measure(path, "--exact")
            good &= abs(ours / exact - 1) < 0.01 and abs(int8 / exact - 1) < 0.01
            print(f"{kind or path.name}: {ours:.4f}, dequantised {exact:.4f}, ratio {ours / exact:.5f}; "
                  f"with 8-bit keys and values {int8:.4f}, ratio {int8 / exact:.5f}", flush=True)
            if kind:
                path.unlink()
    return good


def default_model():
    """Where `strawberry model pull default` puts it."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    home = Path(os.environ.get("STRAWBERRY_HOME") or Path(data) / "strawberry")
    found = sorted(home.rglob("SmolLM2-135M-Instruct*.gguf"))
    if not found:
        raise SystemExit(f"no default model under {home}; run `strawberry model pull default`")
    return str(found[0])


def main(command="all", *args):
    if command == "all" and not args:
        return all([tiny(), llama(default_model())])
    commands = {"llama": llama, "tiny": tiny, "itself": itself, "perplexity": perplexity}
    if command not in commands:
        raise SystemExit(__doc__)
    return commands[command](*args)


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
