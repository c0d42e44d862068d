#!/usr/bin/env python3
"""Asks through llama-cpp-python's own OpenAI-compatible server and checks what comes back.

    .venv/bin/python scripts/peer_server_test.py [--bin target/release/strawberry] [--model FILE.gguf]

Starts the server on a free port with its own defaults, runs `strawberry ask --model http://…/v1` at
several efforts, checks the JSON, asks a server that is not there, and stops the server. Needs
`llama-cpp-python[server]` (scripts/requirements.txt) and the default model (`strawberry model pull`).
Exit 0 when all checks hold.
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
QUESTION = "What is 2 + 2? Answer with a number."


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until_ready(base, server, log, seconds=120):
    for _ in range(seconds * 5):
        if server.poll() is not None:
            sys.exit(f"the server ended at once:\n{pathlib.Path(log.name).read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{base}/models", timeout=5) as response:
                return json.load(response)["data"][0]["id"]
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"the server was not ready within {seconds} s")


def strawberry(binary, *args):
    return subprocess.run([binary, *args], capture_output=True, text=True, timeout=600)


def default_model(binary):
    done = strawberry(binary, "model", "info", "default", "--json")
    if done.returncode != 0:
        sys.exit(f"no default model ({done.stderr.strip()}): run `strawberry model pull default`, or give --model")
    return json.loads(done.stdout)["path"]


def check(what, holds, shown):
    print(("ok    " if holds else "FAIL  ") + what)
    if not holds:
        print(f"      {shown}")
    return holds


def ask(binary, model, *args):
    done = strawberry(binary, "ask", "--json", "--seed", "7", "--model", model, *args, QUESTION)
    if done.returncode != 0:
        print(f"FAIL  ask {' '.join(args)}: exit {done.returncode}\n      {done.stderr.strip()}")
        return None
    return json.loads(done.stdout)


def checks(binary, base, name):
    one = ask(binary, f"{base}#{name}", "--effort", "none")
    if one is None:
        return False
    usage = one["usage"]
    fine = [
        check("effort none samples once", usage["samples"] == 1 and len(one["attempts"]) == 1, one),
        check("the attempt has a text", one["attempts"][0]["text"].strip() != "", one),
        check("tokens are counted", 0 < usage["completion_tokens"] <= 1024, usage),
        check("the model is named", base in json.dumps(one["model"]), one["model"]),
    ]
    # Without a name: the server's only model. Several attempts: this server takes one at a time.
    many = ask(binary, base, "--samples", "4", "--strategy", "majority", "--tokens", "600")
    if many is None:
        return False
    exported = strawberry(binary, "trace", "export", many["trace_id"]).stdout.splitlines()
    events = [json.loads(line) for line in exported]
    finishes = [e["attempt"]["finish"] for e in events if e["event"] == "sampled"]
    fine += [
        check("several attempts are made", 2 <= many["usage"]["samples"] <= 4, many["usage"]),
        check("their trace is kept", len(finishes) == len(many["attempts"]), exported),
        check("none of them was interrupted", "failed" not in finishes, finishes),
        check("losing attempts count as reasoning", many["usage"]["reasoning_tokens"] > 0, many["usage"]),
    ]
    nobody = f"http://127.0.0.1:{free_port()}/v1"
    done = strawberry(binary, "ask", "--no-trace", "--model", nobody, QUESTION)
    one_line = len(done.stderr.strip().splitlines()) == 1
    fine += [
        check("a server that is not there: exit 1", done.returncode == 1, done.returncode),
        check("… and one line that names it", one_line and nobody in done.stderr, done.stderr),
    ]
    return all(fine)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=str(ROOT / "target/release/strawberry"))
    parser.add_argument("--model", help="a .gguf file (default: strawberry's default model)")
    args = parser.parse_args()
    model = args.model or default_model(args.bin)
    base = f"http://127.0.0.1:{free_port()}/v1"
    port = base.split(":")[2].split("/")[0]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", model, "--host", "127.0.0.1", "--port", port]
    command += ["--n_ctx", "2048", "--verbose", "false"]
    with tempfile.TemporaryDirectory() as home, tempfile.NamedTemporaryFile(suffix=".log") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            os.environ["STRAWBERRY_HOME"] = home  # the traces of this test are nobody's business
            name = wait_until_ready(base, server, log)
            fine = checks(args.bin, base, name)
        finally:
            server.terminate()
            server.wait(timeout=30)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
