#!/usr/bin/env python3
"""Compares the engine's tokenizers with llama.cpp's and transformers'.

    python scripts/parity_tokenizer.py MODEL...

A MODEL is a GGUF file (a vocabulary alone is enough), compared with `llama-cpp-python`, or a folder with
tokenizer.json, compared with `transformers`. Some hundred varied and random texts are encoded, with the
names of control tokens taken as text and as tokens. Exit status 1 when any differs.

For vocabularies whose own tokenizer puts text in normal form C (Qwen 2), texts are normalised first, as
llama.cpp does not.
"""

import json
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TEXTS = [
    "Hello, world!", " leading", "trailing ", "a\n\nb", "  two  spaces", "\t tab\tbed", "1234567 3.14159 1e-5",
    "naïve café — “quotes”", "日本語テキスト", "Привет мир", "😀👩‍👩‍👧 emoji", "'s 't don't we'll I'VE O'Neil",
    "def f(x):\n    return x**2\n\n\n", "   ", "\n", "\r\n\r\n", "a" * 300, "x = \\frac{1}{2}", "مرحبا بالعالم",
    "हिन्दी भाषा", "\u00a0nbsp", "é", "https://example.org/?a=b&c=d", "", "\u200b zero", "½ ² ٣ 一二三",
    "HelloWorld camelCase snake_case SHOUT", "(a)[b]{c}<d>", "=====>  ---- ....", "ﬁ ligature", "\u3000wide",
    "A\u0301 e\u0301", "한국어 문장입니다.", "ไทย", "\u0000\u0001 control", "the 12 the 123 the 1234 the 12345",
    "<s></s> <|im_start|>user\nhi<|im_end|> <|eot_id|> <think>", "[INST] x [/INST]", "$12.50 = 50% & more @you #tag",
]
LETTERS = "abcXYZ 0123 \n\t.,!?'\"<>|_-éüñßλж日本語😀  ’–\r()[]"


def texts():
    rng = random.Random(11)
    return TEXTS + ["".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 60))) for _ in range(400)]


def ours(model, lines, special):
    command = ["cargo", "run", "-q", "--release", "-p", "strawberry-engine", "--example", "encode", model]
    done = subprocess.run(
        command + (["special"] if special else []),
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True, text=True, cwd=ROOT, check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{model}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def llama_cpp(model, lines):
    from llama_cpp import Llama

    llama = Llama(model_path=model, vocab_only=True, verbose=False)
    pre = llama.metadata.get("tokenizer.ggml.pre")
    if pre == "qwen2":
        lines = [unicodedata.normalize("NFC", line) for line in lines]
    encode = lambda special: [llama.tokenize(t.encode(), add_bos=False, special=special) for t in lines]
    return lines, encode(False), encode(True)


def transformers(model, lines):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    # Only whole control tokens count here: transformers always finds the others.
    marks = [str(t) for t in tokenizer.get_added_vocab()]
    plain = [line for line in lines if not any(mark in line for mark in marks)]
    encode = lambda some: [tokenizer.encode(t, add_special_tokens=False) for t in some]
    return plain, encode(plain), encode(plain)


def main():
    failed = False
    for model in sys.argv[1:] or sys.exit(__doc__):
        model = str(Path(model).resolve())
        reference = llama_cpp if model.endswith(".gguf") else transformers
        lines, as_text, parsed = reference(model, texts())
        differences = []
        for special, expected in [(False, as_text), (True, parsed)]:
            for line, want, got in zip(lines, expected, ours(model, lines, special), strict=True):
                if want != got:
                    differences.append((special, line, want, got))
        print(f"{model}: {2 * len(lines) - len(differences)} of {2 * len(lines)} equal")
        for special, line, want, got in differences[:8]:
            print(f"  {'parsed' if special else 'text'} {line[:60]!r}\n    wanted {want[:16]}\n    got    {got[:16]}")
        failed |= bool(differences)
    sys.exit(failed)


if __name__ == "__main__":
    main()
