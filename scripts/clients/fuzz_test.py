"""Generated requests on the OpenAPI document, good and malformed: no 5xx, and the server lives on.

Good ones are answered, so a small model saves time: `cargo run --release -p strawberry-engine --example tiny -- llama DIR`
writes a tiny one, `DIR/model.gguf`.
"""

import subprocess
import sys
import tempfile
import urllib.request


def run(server, examples=250):
    """`examples` for each of the operations in each phase; all in all more than 2,000 requests."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", server.url + "/openapi.json", "--checks", "not_a_server_error",
               "--mode", "all", "--max-examples", str(examples), "--request-timeout", "120", "--workers", "2",
               "--phases", "coverage,fuzzing", "--seed", "1", "--suppress-health-check", "all"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)
    print(done.stdout[-3000:], flush=True)
    assert done.returncode == 0, "schemathesis found a failure"
    metrics = urllib.request.urlopen(server.url + "/metrics").read().decode()
    counts = {}
    for line in metrics.splitlines():
        if line.startswith("strawberry_requests_total{"):
            status = line.split('status="')[1][0]
            counts[status] = counts.get(status, 0) + int(line.split()[-1])
    total = sum(counts.values())
    print("generated requests by status:", {f"{k}xx": v for k, v in sorted(counts.items())}, flush=True)
    assert total >= 2000 and "5" not in counts, counts
