"""Many streams at once: no error, each stream's content is its own, none is left behind, memory is flat."""

import asyncio
import json
import statistics
import time
import urllib.parse

TOKENS = 64


async def stream(host, port, body):
    """Sends one request; returns text, seconds to the first text, tokens."""
    start, first, text, tokens = time.time(), None, "", 0
    reader, writer = await asyncio.open_connection(host, port)
    data = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + data)
    status = await reader.readline()
    assert b"200" in status, status
    async for line in reader:
        if not line.startswith(b"data: {"):
            continue
        chunk = json.loads(line[6:])
        assert "error" not in chunk, chunk
        if chunk.get("usage"):
            tokens = chunk["usage"]["completion_tokens"]
        if chunk["choices"] and (piece := chunk["choices"][0]["delta"].get("content")):
            first = first or time.time() - start
            text += piece
    writer.close()
    return text, first, tokens


def question(i):
    return {"messages": [{"role": "user", "content": f"Count from {i} upwards."}], "reasoning_effort": "none", "seed": i,
            "max_completion_tokens": TOKENS, "stream": True, "stream_options": {"include_usage": True}, "temperature": 0}


async def load(server, streams, seconds):
    address = urllib.parse.urlparse(server.url)
    host, port = address.hostname, address.port
    # What each question is answered when nothing else runs; the engine's answers don't depend on company.
    alone = [(await stream(host, port, question(i)))[0] for i in range(8)]
    times, firsts, tokens, rounds, memory = [], [], 0, [0] * streams, []
    begin = time.time()

    async def one(number):
        nonlocal tokens
        while time.time() - begin < seconds:
            start = time.time()
            text, first, spent = await stream(host, port, question(number))
            if number < len(alone):
                assert text == alone[number], f"stream {number} got another text"
            times.append(time.time() - start)
            firsts.append(first)
            tokens += spent
            rounds[number] += 1

    async def watch():
        while time.time() - begin < seconds:
            memory.append(server.memory())
            await asyncio.sleep(2)

    await asyncio.gather(watch(), *(one(i) for i in range(streams)))
    elapsed = time.time() - begin
    half = memory[len(memory) // 2:]
    print(f"{streams} streams for {elapsed:.0f} s: {len(times)} answers, 0 errors, {tokens / elapsed:.0f} tok/s, "
          f"answer in {statistics.median(times):.2f} s (slowest {max(times):.2f} s), first text in {statistics.median(firsts):.2f} s; "
          f"answers per stream {min(rounds)} to {max(rounds)}; memory {half[0]:.0f} to {half[-1]:.0f} MB", flush=True)
    assert max(times) <= 2 * statistics.median(times) + 1, "a stream was left behind"
    assert half[-1] <= half[0] * 1.05 + 5, "memory grows"


def run(server, streams=200, seconds=120):
    asyncio.run(load(server, streams, seconds))
