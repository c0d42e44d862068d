#!/usr/bin/env python3
"""llama.cpp's tokens per second for attempts that share a prompt, as one JSON object.

    python run_llama_cpp.py MODEL.gguf PROMPT NEW ATTEMPTS THREADS

The prompt is evaluated once and its cells are shared by all sequences (unified cache, `seq_cp`); then every
step decodes one token of each in a single batch, as fast as `llama_decode` goes: no sampling, no text.
"""

import ctypes
import json
import resource
import sys
import time

import llama_cpp as ll


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(model, prompt, new, attempts, threads):
    silent = ll.llama_log_callback(lambda level, text, data: None)
    ll.llama_log_set(silent, ctypes.c_void_p(0))
    ll.llama_backend_init()
    loaded = ll.llama_model_load_from_file(model.encode(), ll.llama_model_default_params())
    params = ll.llama_context_default_params()
    params.n_ctx = prompt + attempts * new + 256
    params.n_batch = params.n_ubatch = 512
    params.n_seq_max = attempts + 1
    params.n_threads = params.n_threads_batch = threads
    params.kv_unified = True
    context = ll.llama_init_from_model(loaded, params)
    memory = ll.llama_get_memory(context)
    vocab = ll.llama_vocab_n_tokens(ll.llama_model_get_vocab(loaded))
    token = lambda i: (i * 7919 + 11) % vocab

    batch = ll.llama_batch_init(max(512, attempts), 0, 1)

    def decode(entries):
        batch.n_tokens = len(entries)
        for i, (value, position, sequence, wanted) in enumerate(entries):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = value, position, 1
            batch.seq_id[i][0], batch.logits[i] = sequence, wanted
        if ll.llama_decode(context, batch) != 0:
            raise SystemExit("llama_decode failed")

    def timed(work, tokens):
        wall, cpu = time.perf_counter(), cpu_seconds()
        work()
        ll.llama_synchronize(context)
        return {
            "tok_s": tokens / (time.perf_counter() - wall),
            "cpu_tok_s": tokens / max(1e-9, cpu_seconds() - cpu),
        }

    def prefill():
        for start in range(0, prompt, 512):
            end = min(prompt, start + 512)
            decode([(token(i), i, 0, i == prompt - 1) for i in range(start, end)])

    def steps():
        for step in range(new):
            decode([(token(i * 131 + step * 17), prompt + step, i + 1, True) for i in range(attempts)])

    report = {"prompt": prompt, "new": new, "attempts": attempts, "prefill": timed(prefill, prompt)}
    for i in range(attempts):
        ll.llama_memory_seq_cp(memory, 0, i + 1, -1, -1)
    report["decode"] = timed(steps, attempts * new)
    print(json.dumps(report))


if __name__ == "__main__":
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    main(sys.argv[1], *map(int, sys.argv[2:]))
