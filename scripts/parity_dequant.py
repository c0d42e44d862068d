#!/usr/bin/env python3
"""Compares the engine's dequantisation with that of the `gguf` package, format by format.

    python scripts/parity_dequant.py [BLOCKS] [--golden]

Needs `gguf` and `numpy` from PyPI. Random blocks (10 000 of each format unless told otherwise), with
scales of every size including subnormal ones, go through both; values must agree to the bit or to 1 ulp.
`--golden` prints the table in crates/engine/src/quant/tests.rs. Exit status 1 when a format differs.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, dequantize

ROOT = Path(__file__).resolve().parent.parent
# Format: bytes per block, weights per block, where f16 scales lie.
FORMATS = {
    "F32": (4, 1, []),
    "F16": (2, 1, [0]),
    "BF16": (2, 1, []),
    "Q8_0": (34, 32, [0]),
    "Q4_0": (18, 32, [0]),
    "Q4_1": (20, 32, [0, 2]),
    "Q5_0": (22, 32, [0]),
    "Q5_1": (24, 32, [0, 2]),
    "Q4_K": (144, 256, [0, 2]),
    "Q5_K": (176, 256, [0, 2]),
    "Q6_K": (210, 256, [208]),
}


def reference(name, blocks):
    """The package's values of `blocks` (rows of bytes)."""
    return dequantize(blocks.reshape(1, -1), GGMLQuantizationType[name]).astype(np.float32).ravel()


def ours(name, blocks):
    command = ["cargo", "run", "-q", "--release", "-p", "strawberry-engine", "--example", "dequant", name]
    done = subprocess.run(command, input=blocks.tobytes(), capture_output=True, cwd=ROOT, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr.decode())
    return np.frombuffer(done.stdout, dtype="<f4")


def random_blocks(name, count, rng):
    size, _, scales = FORMATS[name]
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    if name in ("F32", "BF16"):
        # No infinities or NaNs: clear the top exponent bit.
        blocks[:, -1] &= 0xBF
    for at in scales:
        blocks[:, at + 1] &= 0xBF
    return blocks


def ordered(values):
    """Floats as integers in which neighbours differ by one."""
    bits = values.view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def golden():
    for name, (size, _, scales) in FORMATS.items():
        block = np.array([(i * 167 + 13) % 256 for i in range(size * 4)], dtype=np.uint8).reshape(4, size)
        for at in [*scales, *([2] if name == "F32" else []), *([0] if name == "BF16" else [])]:
            block[:, at + 1] = 0x2E
        values = reference(name, block)
        digest = hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()
        print(f'    (DType::{name.replace("_K", "K")}, 0x{int(values.view(np.uint32)[0]):08x}, "{digest}"),')


def main():
    if "--golden" in sys.argv:
        golden()
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rng = np.random.default_rng(7)
    failed = False
    for name in FORMATS:
        blocks = random_blocks(name, count, rng)
        expected, got = reference(name, blocks), ours(name, blocks)
        if expected.shape != got.shape:
            sys.exit(f"{name}: {got.shape} values instead of {expected.shape}")
        ulps = np.abs(ordered(expected) - ordered(got))
        exact = float(np.mean(expected.view(np.uint32) == got.view(np.uint32)))
        failed |= bool(ulps.max() > 1)
        print(f"{name:5} {len(got):9} values  bit-equal {exact:8.4%}  largest difference {ulps.max()} ulp")
    sys.exit(failed)


if __name__ == "__main__":
    main()
