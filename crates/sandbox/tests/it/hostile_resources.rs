//! Attempts to use more than is allowed, to outlive the check, and to take others down.

use strawberry_sandbox::Outcome::{
    self, CompileError, MemoryLimit, OutputLimit, Passed, RuntimeError, TimeLimit, WrongAnswer,
};

use crate::support::{asserts_in, expect_each, script_in};

const PROGRAMS: &[(&str, &str, Outcome)] = &[
    (
        "fork bomb",
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
        TimeLimit,
    ),
    (
        "fork bomb that waits",
        "import os, time\ntry:\n    while True:\n        os.fork()\nexcept OSError:\n    time.sleep(60)",
        TimeLimit,
    ),
    (
        "process count",
        "import os, time\nn = 0\ntry:\n    while True:\n        if os.fork() == 0:\n            time.sleep(60)\n        n += 1\nexcept OSError:\n    print('done' if n < 16 else n)",
        Passed,
    ),
    (
        "thread bomb",
        "import threading, time\ntry:\n    while True:\n        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nexcept RuntimeError:\n    print('done')\nimport os\nos._exit(0 if print('', flush=True) is None else 1)",
        Passed,
    ),
    (
        "memory bomb",
        "x = []\nwhile True:\n    x.append(bytes(1 << 20))",
        MemoryLimit,
    ),
    ("one huge object", "x = 'a' * (1 << 40)", MemoryLimit),
    (
        "memory in children",
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        x = b'x' * (100 << 20)\n        time.sleep(60)\ntime.sleep(60)",
        MemoryLimit,
    ),
    (
        "memory in orphans",
        "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n        if os.fork() == 0:\n            x = b'x' * (100 << 20)\n            time.sleep(60)\n        os._exit(0)\ntime.sleep(60)",
        MemoryLimit,
    ),
    (
        "shared anonymous memory",
        "import mmap\nm = [mmap.mmap(-1, 64 << 20) for _ in range(64)]",
        RuntimeError,
    ),
    (
        "memory in pipes",
        "import os\nps = []\ntry:\n    while True:\n        ps.append(os.pipe())\nexcept OSError:\n    print('done')",
        Passed,
    ),
    ("output flood", "while True:\n    print('x' * 1000)", OutputLimit),
    (
        "error flood",
        "import sys\nwhile True:\n    sys.stderr.write('x' * 1000)",
        OutputLimit,
    ),
    (
        "output flood by children",
        "import os\nos.fork()\nos.fork()\nwhile True:\n    os.write(1, b'x' * 65536)",
        OutputLimit,
    ),
    (
        "one huge line",
        "import sys\nsys.stdout.write('x' * (8 << 20))",
        OutputLimit,
    ),
    ("sleep", "import time\ntime.sleep(60)", TimeLimit),
    ("busy", "while True:\n    pass", TimeLimit),
    (
        "busy threads",
        "import threading\ndef f():\n    while True:\n        pass\nfor _ in range(4):\n    threading.Thread(target=f).start()",
        TimeLimit,
    ),
    ("busy in C", "x = 3 ** (10 ** 9)", TimeLimit),
    (
        "busy regular expression",
        "import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
        TimeLimit,
    ),
    (
        "all signals blocked",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nfor s in range(1, 65):\n    try:\n        signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError):\n        pass\nwhile True:\n    pass",
        TimeLimit,
    ),
    (
        "an alarm handler that never ends",
        "import signal\ndef f(*a):\n    while True:\n        pass\nsignal.signal(signal.SIGALRM, f)\nsignal.alarm(1)\nsignal.pause()",
        TimeLimit,
    ),
    (
        "stop oneself",
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(60)",
        TimeLimit,
    ),
    (
        "wait for input that ended",
        "import sys\nassert sys.stdin.read() == ''\nprint('done')",
        Passed,
    ),
    (
        "wait for a child that waits",
        "import os, time\nif os.fork() == 0:\n    time.sleep(60)\nos.wait()",
        TimeLimit,
    ),
    (
        "close everything and spin",
        "import os\nos.closerange(0, 100)\nwhile True:\n    pass",
        TimeLimit,
    ),
    (
        "close everything and sleep",
        "import os, time\nos.closerange(0, 100)\ntime.sleep(60)",
        TimeLimit,
    ),
    (
        "leave a daemon",
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(60)\n    os._exit(0)\nprint('done')",
        Passed,
    ),
    (
        "kill everyone",
        "import os, signal\nif os.fork() == 0:\n    try:\n        os.kill(-1, signal.SIGKILL)\n    except OSError:\n        pass\n    os._exit(0)\nos.wait()\nprint('done')",
        Passed,
    ),
    (
        "kill the parent",
        "import os, signal\nfor pid in (os.getppid(), 2, 3, 1000):\n    try:\n        os.kill(pid, signal.SIGKILL)\n    except OSError:\n        pass\nprint('done')",
        Passed,
    ),
    (
        "kill a host's process by number",
        "import os, signal\nfor pid in range(2, 40000):\n    try:\n        os.kill(pid, signal.SIGKILL)\n    except OSError:\n        pass\nprint('done')",
        Passed,
    ),
    (
        "deep recursion",
        "def f(n):\n    return f(n + 1)\nf(0)",
        RuntimeError,
    ),
    (
        "deep recursion in C",
        "import gc\ngc.disable()\nx = ()\nfor _ in range(10 ** 6):\n    x = (x,)\nhash(x)",
        RuntimeError,
    ),
    ("abort", "import os\nos.abort()", RuntimeError),
    (
        "a null pointer",
        "import ctypes\nctypes.string_at(0)",
        RuntimeError,
    ),
    (
        "leave with an error",
        "import sys\nprint('done')\nsys.exit(3)",
        RuntimeError,
    ),
    ("raise", "raise ValueError('no')", RuntimeError),
    ("wrong output", "print('nothing')", WrongAnswer),
    ("no output", "pass", WrongAnswer),
    ("nested brackets", "OPEN", CompileError),
    ("a long sum", "SUM", Passed),
    ("a NUL byte", "print('done')\0", CompileError),
    (
        "a strange encoding line",
        "# coding: rot13\nprint('done')",
        Passed,
    ),
    ("an unknown encoding", "# coding: no-such\nprint('done')", Passed),
    ("an indentation error", "if True:\nprint('done')", CompileError),
    (
        "many digits",
        "print('done' if len(str(10 ** 4000)) == 4001 else '')\nint('9' * 100000)",
        RuntimeError,
    ),
    (
        "a random number generator",
        "import random, secrets, hashlib\nprint('done' if secrets.token_bytes(8) else '')",
        Passed,
    ),
    (
        "sub-processes work",
        "import subprocess, sys\nprint(subprocess.run([sys.executable, '-S', '-c', 'print(\"done\")'], capture_output=True, text=True).stdout)",
        Passed,
    ),
    (
        "asyncio works",
        "import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    print('done')\nasyncio.run(f())",
        Passed,
    ),
    (
        "threads work",
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(3) as p:\n    print('done' if sum(p.map(abs, [-1, -2])) == 3 else '')",
        Passed,
    ),
    (
        "multiprocessing works",
        "import multiprocessing as m\nl = m.get_context('fork').Lock()\nwith l:\n    print('done')",
        Passed,
    ),
];

/// The rows that are too long to write out.
fn source(code: &str) -> String {
    match code {
        "OPEN" => "(".repeat(100_000),
        "SUM" => format!("x = {}1\nprint('done')", "1 + ".repeat(900)),
        other => other.to_owned(),
    }
}

#[test]
fn every_glutton_gets_its_verdict() {
    expect_each(PROGRAMS, |pool, code| script_in(pool, &source(code), "", "done"));
}

#[test]
fn gluttons_are_stopped_while_the_tests_ask_them() {
    let rows: &[(&str, &str, Outcome)] = &[
        ("busy at load", "while True:\n    pass", TimeLimit),
        (
            "busy when called",
            "def f():\n    while True:\n        pass",
            TimeLimit,
        ),
        (
            "asleep when called",
            "import time\ndef f():\n    time.sleep(60)",
            TimeLimit,
        ),
        (
            "memory when called",
            "def f():\n    x = []\n    while True:\n        x.append(bytes(1 << 20))",
            MemoryLimit,
        ),
        (
            "output when called",
            "def f():\n    while True:\n        print('x' * 1000)",
            OutputLimit,
        ),
        (
            "a huge result",
            "def f():\n    return 'x' * (100 << 20)",
            MemoryLimit,
        ),
        (
            "an endless result",
            "def f():\n    while True:\n        yield 1",
            WrongAnswer,
        ),
        (
            "a crash when called",
            "import ctypes\ndef f():\n    ctypes.string_at(0)",
            RuntimeError,
        ),
        (
            "fork bomb when called",
            "import os\ndef f():\n    while True:\n        try:\n            os.fork()\n        except OSError:\n            pass",
            TimeLimit,
        ),
    ];
    expect_each(rows, |pool, code| asserts_in(pool, code, &["assert f() == 1"]));
}
