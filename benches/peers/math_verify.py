"""Times Strawberry's mathematics verifier beside Math-Verify, on the same pairs in the same run.

    pip install 'math-verify[antlr4_13_2]' latex2sympy2_extended antlr4-python3-runtime
    cargo build --release -p strawberry-verify --example math_bench
    python benches/peers/math_verify.py FILE.jsonl [--rows 1000] [--bench target/release/examples/math_bench]

FILE has one object a line with `solution` (ending in \\boxed{}); each solution is held against its own answer
and against the answer of the next row. Both sides extract, parse and compare, one thread, one process; the
time of starting either is left out. Both are given the same texts; the verdicts are compared too.
"""

import argparse
import json
import os
import subprocess
import sys
import time


def boxed(text):
    start = text.rfind("\\boxed")
    brace = text.find("{", start)
    if start < 0 or brace < 0:
        return None
    depth = 0
    for i in range(brace, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[brace + 1 : i]
    return None


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("file")
    args.add_argument("--rows", type=int, default=1000)
    args.add_argument("--bench", default="target/release/examples/math_bench")
    args = args.parse_args()

    with open(args.file, encoding="utf-8") as f:
        rows = [json.loads(line)["solution"] for line in f]
    rows = [(boxed(s), s) for s in rows if boxed(s)][: args.rows]
    pairs = []
    for i, (answer, solution) in enumerate(rows):
        pairs.append((answer, solution))
        pairs.append((rows[(i + 1) % len(rows)][0], solution))

    # This file has the name of the module: its folder must not be searched first.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
    try:
        from math_verify import parse, verify
    except ImportError:
        sys.exit("math-verify is not installed: see the top of this file")
    parse("$1$")  # The first call loads the grammar.
    peer, times = [], []
    for answer, solution in pairs:
        start = time.perf_counter()
        peer.append(bool(verify(parse(f"${answer}$"), parse(solution))))
        times.append(time.perf_counter() - start)

    lines = "".join(json.dumps({"reference": a, "response": s}) + "\n" for a, s in pairs)
    out = subprocess.run([args.bench], input=lines, capture_output=True, text=True, check=True).stdout
    ours = json.loads(out)

    total = sum(times)
    times.sort()
    agree = sum(p == (v == "correct") for p, v in zip(peer, ours["verdicts"]))
    report = {
        "pairs": len(pairs),
        "math_verify_per_s": round(len(pairs) / total, 1),
        "strawberry_per_s": round(ours["per_s"], 1),
        "ratio": round(ours["per_s"] * total / len(pairs), 1),
        "math_verify_p999_ms": round(1e3 * times[len(times) * 999 // 1000], 3),
        "strawberry_p999_ms": ours["p999_ms"],
        "same_verdicts": agree,
    }
    print(json.dumps(report, indent=2))
    for (answer, solution), p, v in zip(pairs, peer, ours["verdicts"]):
        if p != (v == "correct"):
            print(json.dumps({"reference": answer, "answer": boxed(solution), "math_verify": p, "strawberry": v}))


if __name__ == "__main__":
    main()
