#!/usr/bin/env python3
"""Writes seed inputs for the fuzz targets into fuzz/corpus/<target>/.

    python3 scripts/fuzz_seeds.py

Only Python's standard library is needed; the tiny models come from `cargo run --example tiny`.
"""

import struct
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"

TEMPLATES = [
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + "
    "'<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\\n{% endif %}",
    "{%- set ns = namespace(last=messages|length - 1, multi=true) %}{%- for m in messages[::-1] %}"
    "{%- if ns.multi and m.role == 'user' and not m.content.startswith('<tool>') %}"
    "{%- set ns.multi = false %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}{{ ns.last }}",
    "{%- if tools %}{{ tools | tojson(indent=4) }}{% for t in tools %}{{ t.function.name | upper }}"
    "{% endfor %}{%- endif %}{% macro f(x, y=1) %}{{ x }}{{ y }}{% endmacro %}{{ f(3, y=2) }}",
    "{% if messages[0]['role'] != 'user' %}{{ raise_exception('Roles must alternate') }}{% endif %}",
    "{{ strftime_now('%d %b %Y') }}{% set x = [1, 2] + [3] %}{{ x | join(', ') }}{{ 'a' * 3 }}{{ 7 // 2 }}"
    "{{ messages | map(attribute='content') | list }}{{ messages | selectattr('role', 'equalto', 'user') | list }}",
    "{% generation %}{{ messages[-1].content.split(' ')[0].strip().title() }}{% endgeneration %}"
    "{% for k, v in {'b': 1, 'a': 2} | dictsort %}{{ loop.index }}{{ k ~ v }}{% if loop.last %}{% break %}{% endif %}"
    "{% endfor %}{{ 'x' if enable_thinking is defined and enable_thinking else 'y' }}{{ '%s' | format(1.5) }}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x | length }}",
]

SSE = [
    b'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\ndata: [DONE]\n\n',
    b'data: {"choices":[{"delta":{"reasoning_content":"Hm","tool_calls":[{"index":0,"id":"a",'
    b'"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,'
    b'"completion_tokens":2}}\r\n\r\n: comment\r\n\r\ndata: [DONE]\r\n\r\n',
    b'{"choices":[{"message":{"content":"<think>a</think>b"},"finish_reason":"stop"}]}',
    b'data: {"error":{"message":"no"}}\n\n',
]


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def metaspace():
    """A tokenizer.json in the style of Llama 2."""
    return (
        '{"added_tokens":[{"id":1,"content":"<s>","special":true}],"normalizer":{"type":"Sequence","normalizers":'
        '[{"type":"Prepend","prepend":"\u2581"},{"type":"Replace","pattern":{"String":" "},"content":"\u2581"},'
        '{"type":"NFKC"}]},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits",'
        '"individual_digits":true},{"type":"Split","pattern":{"Regex":"\\\\p{L}+|\\\\s+(?!\\\\S)"},"behavior":'
        '"Isolated","invert":false}]},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":'
        '{"id":"<s>","type_id":0}}]},"model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,'
        '"ignore_merges":true,"vocab":{"<unk>":0,"<s>":1,"<0xC3>":2,"\u2581":3,"h":4,"\u2581h":5},'
        '"merges":["\u2581 h"]}}'
    )


def main():
    for kind in ["llama", "llama3", "qwen2", "qwen3"]:
        with tempfile.TemporaryDirectory() as folder:
            command = ["cargo", "run", "-q", "--release", "-p", "strawberry-engine", "--example", "tiny", kind, folder]
            subprocess.run(command, cwd=ROOT, check=True)
            files = Path(folder)
            gguf = (files / "model.gguf").read_bytes()
            write("gguf", f"{kind}.gguf", gguf)
            # The header alone, too small to load, leaves the fuzzer fewer bytes to search.
            write("gguf", f"{kind}-header.gguf", gguf[: len(gguf) // 8])
            weights = (files / "model.safetensors").read_bytes()
            (length,) = struct.unpack("<Q", weights[:8])
            write("safetensors", f"{kind}-header.safetensors", weights[: 8 + length + 64])
            text = "Hello the 1234 <|im_end|> \u00e9 \u65e5\n\n  x".encode()
            json = (files / "tokenizer.json").read_bytes()
            write("tokenizer", f"{kind}.bin", struct.pack("<H", len(text)) + text + json)
    small = b'{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"u":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]}}'
    write("safetensors", "small", struct.pack("<Q", len(small)) + small + bytes(12))
    text = b"<s>h h\xc3\xa9 12"
    write("tokenizer", "metaspace.bin", struct.pack("<H", len(text)) + text + metaspace().encode())
    for i, template in enumerate(TEMPLATES):
        write("template", f"{i}.jinja", template.encode())
    for i, body in enumerate(SSE):
        # The first byte says how the bytes are cut.
        write("sse", f"stream-{i}", b"\x0e" + body)


if __name__ == "__main__":
    main()
