#!/usr/bin/env python3
"""Compares the engine with llama.cpp, side by side, on the same model and the same work.

    python benches/peers/compare.py MODEL.gguf [--runs 5] [--threads 2] [--case PROMPT,NEW,ATTEMPTS ...]
                                    [--quantisations Q4_0,Q8_0,Q4_1]

Needs llama-cpp-python built for this machine (`CMAKE_ARGS=-DGGML_NATIVE=ON pip install --no-binary :all:
llama-cpp-python`). Runs are interleaved (engine, then llama.cpp in each quantisation, then again), each in its
own process. The engine runs MODEL as it is; llama.cpp also gets it rewritten in the other quantisations, and
its best median counts. Prints, per case, the medians, the ratio and the ratios' range over the runs. On a busy
machine compare `cpu_tok_s` (per second of processor time) rather than wall-clock rates.
"""

import argparse
import ctypes
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CASES = ["48,64,1", "48,64,16", "48,64,64", "2048,64,64", "512,16,1"]


def quantise(model, folder, kind):
    """The model rewritten by llama.cpp as `kind`."""
    import llama_cpp

    target = folder / f"{kind}.gguf"
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind}")
    params.allow_requantize = True
    code = llama_cpp.llama_model_quantize(model.encode(), str(target).encode(), ctypes.byref(params))
    if code != 0:
        raise SystemExit(f"llama.cpp could not write {kind}")
    return str(target)


def engine_program():
    """The engine's benchmark, built."""
    build = ["cargo", "bench", "-q", "-p", "strawberry-engine", "--bench", "engine", "--no-run", "--message-format=json"]
    output = subprocess.run(build, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = [json.loads(line).get("executable") for line in output.splitlines()]
    return [path for path in found if path][-1]


def run(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", action="append", metavar="PROMPT,NEW,ATTEMPTS")
    parser.add_argument("--quantisations", default="Q4_0,Q8_0,Q4_1")
    parser.add_argument("--engine", help="the built benchmark program (default: build it)")
    options = parser.parse_args()
    program = options.engine or engine_program()
    with tempfile.TemporaryDirectory() as folder:
        peers = {"as it is": options.model}
        for kind in filter(None, options.quantisations.split(",")):
            peers[kind] = quantise(options.model, Path(folder), kind)
        for case in options.case or CASES:
            prompt, new, attempts = case.split(",")
            ours, theirs = [], {name: [] for name in peers}
            for _ in range(options.runs):
                report = run([program, options.model, "--prompt", prompt, "--new", new,
                              "--attempts", attempts, "--threads", str(options.threads)])
                ours.append({"prefill": report["prefill"], "decode": report["decode"][0]})
                for name, path in peers.items():
                    command = [sys.executable, HERE / "run_llama_cpp.py", path, prompt, new, attempts]
                    theirs[name].append(run([*command, str(options.threads)]))
            print(f"prompt {prompt}, {new} new tokens, {attempts} attempts, {options.threads} threads, "
                  f"{options.runs} runs")
            for phase in ["prefill", "decode"]:
                for clock in ["tok_s", "cpu_tok_s"]:
                    median = lambda runs: statistics.median(run[phase][clock] for run in runs)
                    best = max(peers, key=lambda name: median(theirs[name]))
                    ratios = [a[phase][clock] / b[phase][clock] for a, b in zip(ours, theirs[best])]
                    print(f"  {phase} {clock}: {median(ours):.1f} against "
                          + ", ".join(f"{median(runs):.1f} ({name})" for name, runs in theirs.items())
                          + f": {median(ours) / median(theirs[best]):.2f}x [{min(ratios):.2f}, {max(ratios):.2f}]",
                          flush=True)


if __name__ == "__main__":
    main()
