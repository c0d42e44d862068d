"""kill -9 during 50 background jobs: all finish after the restart, exactly once."""

import time

from openai_test import client


def run(server, jobs=50, kills=3):
    c = client(server.base)
    model = c.models.list().data[0].id
    ids = [
        c.responses.create(model=model, input=f"What is {i} + {i}?", background=True, reasoning={"effort": "low"},
                           max_output_tokens=2000, metadata={"n": str(i)}, extra_body={"seed": i}).id
        for i in range(jobs)
    ]
    ended, killed = {}, 0
    while len(ended) < jobs:
        if killed < kills:
            server.kill()
            server.start()
            c = client(server.base)
            killed += 1
        for i, job in enumerate(ids):
            response = c.responses.retrieve(job)
            if response.status in ("queued", "in_progress"):
                assert job not in ended, "an ended job was begun again"
                continue
            assert response.status in ("completed", "incomplete") and response.metadata["n"] == str(i)
            text = response.output_text
            assert ended.setdefault(job, text) == text, "a job has two results"
        time.sleep(0.5)
    print(f"kill -9 {killed} times during {jobs} background jobs: each has exactly one result", flush=True)
