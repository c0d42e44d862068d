"""Starts the server under test in a home of its own, with any model."""

import os
import re
import subprocess
import tempfile
import time
import urllib.request


class Server:
    """A `strawberry serve` on a free port; `kill` is kill -9, `start` starts it again on the same home."""

    def __init__(self, binary, model, *arguments):
        self.binary, self.model, self.arguments = binary, model, arguments
        self.home = tempfile.TemporaryDirectory()
        self.log = open(os.path.join(self.home.name, "serve.log"), "ab")
        self.process = None
        self.start()

    def start(self):
        command = [self.binary, "serve", "--port", "0", "--model", self.model, *self.arguments]
        environment = dict(os.environ, STRAWBERRY_HOME=self.home.name)
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        address = re.search(r"http://\S+", line)
        if not address:
            raise SystemExit(f"the server did not start: {line}{open(self.log.name).read()}")
        self.url = address.group()
        self.base = self.url + "/v1"
        for _ in range(100):
            try:
                urllib.request.urlopen(self.url + "/ready", timeout=5)
                return
            except OSError:
                time.sleep(0.1)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Stops it politely; returns its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def memory(self):
        """Resident memory in MB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) / 1000 for line in status if line.startswith("VmRSS"))
