"""Tests the API with the clients people use: `python run.py BINARY [MODEL] [part …]`.

Parts: python, node, open-responses, jobs, fuzz, load (default: all but load). The packages are in requirements.txt and package.json.
"""

import pathlib
import subprocess
import sys

from server import Server

HERE = pathlib.Path(__file__).parent


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    binary, model = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "default"
    parts = sys.argv[3:] or ["python", "node", "open-responses", "jobs", "fuzz"]
    for part in parts:
        arguments = ["--effort", "none"] if part in ("fuzz", "open-responses") else []
        server = Server(binary, model, *arguments)
        try:
            if part == "python":
                import openai_test
                openai_test.run(server.base)
            elif part == "node":
                subprocess.run(["node", HERE / "openai_test.mjs", server.base], check=True)
            elif part == "open-responses":
                import open_responses_test
                open_responses_test.run(server.base)
            elif part == "jobs":
                import jobs_test
                jobs_test.run(server)
            elif part == "fuzz":
                import fuzz_test
                fuzz_test.run(server)
            elif part == "load":
                import load_test
                load_test.run(server)
            else:
                raise SystemExit(f"no part '{part}'\n{__doc__}")
            log = open(server.log.name).read()
            assert "panicked" not in log, log
        finally:
            server.stop()


main()
