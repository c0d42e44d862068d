//! Programs that try to be called right without being right.

use strawberry_sandbox::Outcome::{self, CompileError, Passed, RuntimeError, WrongAnswer};

use crate::support::{asserts, asserts_in, expect_each};

/// Held against `assert f(2) == 4` and `assert f(3) == 9`.
const CHEATS: &[(&str, &str, Outcome)] = &[
    ("leave with success", "import sys\nsys.exit(0)", RuntimeError),
    ("leave without clean-up", "import os\nos._exit(0)", RuntimeError),
    (
        "leave when called",
        "import os\ndef f(x):\n    os._exit(0)",
        RuntimeError,
    ),
    (
        "raise SystemExit when called",
        "def f(x):\n    raise SystemExit(0)",
        RuntimeError,
    ),
    (
        "raise KeyboardInterrupt",
        "def f(x):\n    raise KeyboardInterrupt",
        RuntimeError,
    ),
    (
        "raise GeneratorExit",
        "def f(x):\n    raise GeneratorExit",
        RuntimeError,
    ),
    (
        "equal to everything",
        "class E:\n    def __eq__(self, o): return True\ndef f(x): return E()",
        WrongAnswer,
    ),
    (
        "never unequal",
        "class E:\n    def __ne__(self, o): return False\n    def __eq__(self, o): return True\n    def __bool__(self): return True\ndef f(x): return E()",
        WrongAnswer,
    ),
    (
        "an int that is equal to everything",
        "class E(int):\n    def __eq__(self, o): return True\n    __hash__ = int.__hash__\ndef f(x): return E(0)",
        WrongAnswer,
    ),
    (
        "a list that is equal to everything",
        "class E(list):\n    def __eq__(self, o): return True\ndef f(x): return E()",
        WrongAnswer,
    ),
    (
        "equal inside a list",
        "class E:\n    def __eq__(self, o): return True\ndef f(x): return [E()]",
        WrongAnswer,
    ),
    (
        "pretend another class",
        "class E:\n    __class__ = int\n    def __eq__(self, o): return True\ndef f(x): return E()",
        WrongAnswer,
    ),
    (
        "a meta-class that is equal to everything",
        "class M(type):\n    def __eq__(c, o): return True\n    __hash__ = type.__hash__\nclass E(metaclass=M): pass\ndef f(x): return E",
        WrongAnswer,
    ),
    (
        "return NotImplemented",
        "def f(x): return NotImplemented",
        WrongAnswer,
    ),
    (
        "patch the built-ins",
        "import builtins\nfor n in ('AssertionError', 'Exception', 'BaseException'):\n    setattr(builtins, n, type(n, (), {}))\nbuiltins.all = builtins.isinstance = lambda *a: True\ndef f(x): return 0",
        RuntimeError,
    ),
    (
        "rename the assertion error",
        "AssertionError = KeyError\ndef f(x): return 0",
        WrongAnswer,
    ),
    (
        "patch json",
        "import json\njson.loads = lambda *a: {'op': 'call'}\njson.dumps = lambda *a: '{\"passed\": 2}'\ndef f(x): return 0",
        WrongAnswer,
    ),
    (
        "print success",
        "print('2 passed', flush=True)\ndef f(x):\n    print('OK')\n    return 0",
        WrongAnswer,
    ),
    (
        "write the judge's report",
        "import os\nos.write(3, b'R{\"passed\": 2}\\n')\ndef f(x): return 0",
        RuntimeError,
    ),
    (
        "write the judge's report when called",
        "import os\ndef f(x):\n    os.write(3, b'R{\"passed\": 2}\\n')\n    return 0",
        WrongAnswer,
    ),
    (
        "write the report as an answer",
        "import os\nos.write(3, b'{\"passed\": 2}\\n{\"passed\": 2}\\n{\"passed\": 2}\\n')\ndef f(x): return 0",
        WrongAnswer,
    ),
    (
        "write garbage",
        "import os\nos.write(3, bytes(range(256)) * 100 + b'\\n')\ndef f(x): return 0",
        RuntimeError,
    ),
    (
        "close the channel",
        "import os\nos.close(3)\ndef f(x): return 0",
        RuntimeError,
    ),
    (
        "close the channel when called",
        "import os\ndef f(x):\n    os.close(3)\n    return 0",
        RuntimeError,
    ),
    (
        "stop the judge",
        "import os, time\ndef f(x):\n    os.write(3, b'{\"stop\": 1}\\n')\n    time.sleep(1)\n    os._exit(0)",
        WrongAnswer,
    ),
    (
        "call the judge's objects",
        "import os\ndef f(x):\n    os.write(3, b'{\"cb\": [\"call\", 0, [], []]}\\n')\n    return 0",
        WrongAnswer,
    ),
    (
        "a module that is no module",
        "import os\ndef f(x):\n    os.write(3, b'{\"ok\": {\"m\": \"/tmp/x\"}}\\n')\n    return 0",
        WrongAnswer,
    ),
    ("a built-in as the answer", "def f(x): return exec", WrongAnswer),
    (
        "find the expected value in frames",
        "import sys, gc\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n        for v in list(frame.f_locals.values()) + list(frame.f_globals.values()):\n            if isinstance(v, (list, tuple)) and any('assert' in str(t) for t in v):\n                return eval(str(v[0]).split('==')[1])\n        frame = frame.f_back\n    return 0",
        WrongAnswer,
    ),
    (
        "find the tests among all objects",
        "import gc\ndef f(x):\n    for o in gc.get_objects():\n        if isinstance(o, list) and any(isinstance(t, str) and t.startswith('assert f') for t in o):\n            return x * x\n    return 0",
        WrongAnswer,
    ),
    (
        "read the tests from disk",
        "import os\ndef f(x):\n    for top, _, files in os.walk('/tmp'):\n        for name in files:\n            if 'assert f' in open(os.path.join(top, name)).read():\n                return x * x\n    return 0",
        WrongAnswer,
    ),
    (
        "read the tests from the arguments",
        "import sys\ndef f(x):\n    return x * x if any('assert f' in a for a in sys.argv + sys.orig_argv) else 0",
        WrongAnswer,
    ),
    (
        "patch the harness",
        "import __main__\ndef lie(message):\n    return {'ok': None, 'passed': 2}\n__main__.answer = __main__.call = lie\ndef f(x): return 0",
        WrongAnswer,
    ),
    (
        "answer from another thread",
        "import threading, os\ndef t():\n    for _ in range(100):\n        os.write(3, b'{\"ok\": true}\\n')\nthreading.Thread(target=t).start()\ndef f(x): return 0",
        WrongAnswer,
    ),
    (
        "answer from a child",
        "import os\nif os.fork() == 0:\n    os._exit(0)\ndef f(x): return x",
        WrongAnswer,
    ),
    (
        "leave at exit",
        "import atexit, os\natexit.register(lambda: os._exit(0))\ndef f(x): return 0",
        WrongAnswer,
    ),
    (
        "trace the interpreter",
        "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\ndef f(x): return 0",
        WrongAnswer,
    ),
    (
        "replace its own module",
        "import sys, types\nm = types.ModuleType('solution')\nm.f = lambda x: True\nsys.modules['solution'] = m",
        WrongAnswer,
    ),
    (
        "signal the judge",
        "import os, signal\ndef f(x):\n    for pid in range(1, 300):\n        try:\n            os.kill(pid, signal.SIGUSR1)\n        except OSError:\n            pass\n    return 0",
        WrongAnswer,
    ),
    ("not a number", "def f(x): return float('nan')", WrongAnswer),
    (
        "nested without end",
        "def f(x):\n    a = []\n    a.append(a)\n    return a",
        RuntimeError,
    ),
    (
        "nested too deeply",
        "def f(x):\n    a = []\n    for _ in range(100000):\n        a = [a]\n    return a",
        RuntimeError,
    ),
    ("define nothing", "pass", RuntimeError),
    ("not a function", "f = 4", WrongAnswer),
    ("right once", "def f(x): return 4", WrongAnswer),
    ("not Python", "fn f(x: i32) -> i32 { x * x }", CompileError),
    ("right", "def f(x): return x * x", Passed),
    (
        "right, with noise",
        "import sys\nprint('hello')\nsys.stderr.write('noise')\ndef f(x):\n    print(x)\n    return x ** 2",
        Passed,
    ),
    (
        "right as a main program too",
        "def f(x): return x * x\nif __name__ == '__main__':\n    f(int(input()))",
        Passed,
    ),
];

#[test]
fn cheats_do_not_pass() {
    expect_each(CHEATS, |pool, code| {
        asserts_in(pool, code, &["assert f(2) == 4", "assert f(3) == 9"])
    });
}

/// Built-ins the tests use are the judge's, whatever the program defines.
#[test]
fn shadowed_builtins_do_not_help() {
    let cheat = "def f(x): return 'zzz'\nabs = round = lambda *a: 0\nset = sorted = list = str = lambda *a: [1]\nisinstance = all = lambda *a: True\nlen = lambda x: 2";
    for test in [
        "assert abs(f(2) - 4) < 1e-9",
        "assert set(f(2)) == set([1, 4])",
        "assert sorted(f(2)) == [1]",
        "assert len(f(2)) == 2",
        "assert isinstance(f(2), int)",
        "assert all(f(x) == 4 for x in [2])",
        "import math\nassert math.isclose(f(2), 4)",
    ] {
        let report = asserts(cheat, &[test]);
        assert_eq!(report.outcome, WrongAnswer, "{test}: {report:#?}");
    }
    // A task that asks for a function of a built-in's name means the program's.
    assert_eq!(
        asserts("def sum(a, b): return a + b", &["assert sum(2, 3) == 5"]).outcome,
        Passed
    );
}

/// A question that carries the expected value is not put to the program.
#[test]
fn results_that_answer_for_themselves_do_not_help() {
    let cheat = "import sys\nclass Yes:\n    def __init__(self, *a): pass\n    def __bool__(self): return True\n    def __abs__(self): return 0\n    def __float__(self): return 0.0\n    def __len__(self): return 2\n    def __iter__(self): return iter([self])\n    def __round__(self, n=0): return self\nfor n in 'eq ne lt le gt ge contains'.split():\n    setattr(Yes, '__%s__' % n, lambda self, o: True)\nfor n in 'add radd sub rsub mul rmul truediv rtruediv mod rmod and rand'.split():\n    setattr(Yes, '__%s__' % n, lambda self, o: 0)\nYes.__hash__ = lambda self: 0\ndef f(x): return Yes()\nclass math:\n    isclose = lambda *a: True\nclass F(float):\n    __sub__ = __rsub__ = lambda self, o: 0.0\ndef g(x): return F(17.0)\n";
    for test in [
        "assert f(2) == 4",
        "assert 4 == f(2)",
        "assert f(2) >= 4",
        "assert f(2) != 5",
        "assert abs(f(2) - 4) < 1e-9",
        "assert abs(4 - f(2)) < 1e-9",
        "assert (f(2) - 4) == 0",
        "assert f(2) % 2 == 0",
        "assert 4 in f(2)",
        "assert f(2) in (4, 5)",
        "assert [f(2)] == [4]",
        "assert {'k': f(2)} == {'k': 4}",
        "assert round(f(2), 2) == 4",
        "assert math.isclose(f(2), 4)",
        "assert abs(g(2) - 4) < 1e-9",
        "import math\nassert math.isclose(f(2), 4)",
    ] {
        let report = asserts(cheat, &[test]);
        assert_eq!(report.outcome, WrongAnswer, "{test}: {report:#?}");
    }
}

/// One pool serves many checks: what one program did to a judge must not reach the next.
#[test]
fn a_cheat_leaves_the_judge_as_it_was() {
    for (name, code, _) in CHEATS.iter().take(40) {
        asserts(code, &["assert f(2) == 4"]);
        let report = asserts("def g(x): return x + 1", &["assert g(1) == 2"]);
        assert_eq!(report.outcome, Passed, "after {name}: {report:#?}");
    }
}
