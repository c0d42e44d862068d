//! What tests can say, and how failures are told.

use strawberry_core::{Problem, Reference, TestCase, Verdict, Verifier};
use strawberry_sandbox::Outcome::{
    BadReference, MemoryLimit, NoProgram, Passed, RuntimeError, TimeLimit, WrongAnswer,
};
use strawberry_sandbox::{Against, CodeVerifier, Language, Options, Sandbox, SandboxError, capabilities};

use crate::support::{asserts, asserts_in, check, check_in, hasty, limits, script};

/// Things tests do that are more than `f(x) == literal`; all right, so each must pass.
#[test]
fn tests_see_the_program_as_if_it_were_theirs() {
    let program = r#"
import collections, datetime, decimal, enum, fractions, math, re
from dataclasses import dataclass

class Node:
    def __init__(self, value, left=None):
        self.value, self.left = value, left
    def __repr__(self): return "Node(%r)" % self.value
    def __len__(self): return 3
    def __add__(self, other): return Node(self.value + (other.value if isinstance(other, Node) else other))
    def __eq__(self, other): return isinstance(other, Node) and self.value == other.value
    def __hash__(self): return hash(self.value)
    def __contains__(self, item): return item == self.value
    def __getitem__(self, key): return (self.value, key)
    def __enter__(self): return self
    def __exit__(self, *a): self.value = "left"
    @property
    def twice(self): return 2 * self.value

@dataclass(order=True)
class Point:
    x: int
    y: int = 0

class Stop(ValueError): pass
class Color(enum.Enum):
    RED = 1
Pair = collections.namedtuple("Pair", "a b")
class MyInt(int): pass

counter = 0
def bump():
    global counter
    counter += 1
    return counter
def same(x): return x
def sort(xs): xs.sort()
def fill(d): d["k"] = [1]
def fail(x): raise Stop("bad", x)
def gen(n):
    yield from range(n)
def apply(f, *args, **kwargs): return f(*args, **kwargs)
def total(xs): return sum(x for x in xs)
def depth(node): return 0 if node is None else 1 + depth(node.left)
def adder(n): return lambda x: x + n
def keyword(*, a, b=2): return (a, b)
"#;
    let tests = [
        "assert same(1.5) == 1.5 and same(True) is True and same(None) is None",
        "assert same(10 ** 5000) == 10 ** 5000 and same(-2 ** 70) == -2 ** 70",
        "assert same({1: (2, [3]), 'a': {4, 5}, (1, 2): frozenset([6])}) == {1: (2, [3]), 'a': {4, 5}, (1, 2): frozenset([6])}",
        "assert same(b'\\x00\\xff') == b'\\x00\\xff' and same(1 + 2j) == 1 + 2j and same('\\ud800é\\n') == '\\ud800é\\n'",
        "assert same(float('inf')) == float('inf') and same(float('nan')) != same(float('nan'))",
        "assert same(range(3)) == range(3) and type(same((1,))) is tuple and isinstance(same([]), list)",
        "from decimal import Decimal\nfrom fractions import Fraction\nassert same(Decimal('1.10')) == Decimal('1.1') and same(Fraction(1, 3)) == Fraction(1, 3)",
        "from collections import *\nassert same(OrderedDict(a=1)) == OrderedDict(a=1) and same(Counter('aab'))['a'] == 2 and same(deque([1])) == deque([1])",
        "import datetime\nassert same(datetime.date(2020, 2, 29)) == datetime.date(2020, 2, 29) and same(datetime.timedelta(1)).days == 1",
        "n = Node(1)\nn.left = Node(2)\nassert depth(n) == 2 and n.left.value == 2 and n.twice == 2 and repr(n) == 'Node(1)' and len(n) == 3",
        "assert Node(1) + Node(2) == Node(3) and (Node(1) + 5).value == 6 and 1 in Node(1) and Node(1)[7] == (1, 7)",
        "assert Node(1) != Node(2) and Node(1) is not None and len({Node(1), Node(1)}) == 1",
        "n = Node(1)\nassert same(n) is n and isinstance(n, Node) and not isinstance(3, Node) and not isinstance(n, Point)",
        "with Node(5) as n:\n    assert n.value == 5\nassert n.value == 'left'",
        "assert Point(1, 2) == Point(1, 2) and Point(1) < Point(2) and str(Point(1)) == 'Point(x=1, y=0)'",
        "assert Color.RED == Color.RED and Color.RED.value == 1 and Color(1) is Color.RED",
        "assert Pair(1, 2) == (1, 2) and Pair(1, 2).b == 2 and same(Pair(1, 2))[0] == 1",
        "assert MyInt(3) == 3 and MyInt(3) < 4 and MyInt(3) + 1 == 4",
        "assert bump() == 1\nassert bump() == 2\nassert counter == 2",
        "xs = [3, 1, 2]\nsort(xs)\nassert xs == [1, 2, 3]",
        "d = {}\nfill(d)\nassert d == {'k': [1]}",
        "try:\n    fail(3)\n    assert False\nexcept Stop as e:\n    assert e.args == ('bad', 3)",
        "try:\n    fail(3)\nexcept ValueError:\n    pass\nelse:\n    assert False",
        "assert list(gen(3)) == [0, 1, 2] and next(gen(1)) == 0 and sum(gen(4)) == 6",
        "assert apply(lambda a, b=1: a + b, 2, b=3) == 5 and apply(max, [1, 5]) == 5 and apply(same, 4) == 4",
        "assert total(x * x for x in range(4)) == 14 and total(iter([1, 2])) == 3",
        "class Mine:\n    value = 7\nassert apply(lambda m: m.value, Mine()) == 7 and apply(Mine).value == 7",
        "def boom():\n    raise KeyError('k')\ntry:\n    apply(boom)\n    assert False\nexcept KeyError:\n    pass",
        "assert adder(3)(4) == 7 and keyword(a=1) == (1, 2) and keyword(b=3, a=1) == (1, 3)",
        "assert math.floor(2.5) == 2 and re.sub('a', 'b', 'aa') == 'bb'",
        "def check(candidate):\n    assert candidate(5) == 5\n    assert [candidate(i) for i in range(3)] == [0, 1, 2]\ncheck(same)",
        "assert all(same(i) == i for i in range(5)) and (lambda: same(2))() == 2",
        "assert same([1, 2]) == [1, 2], 'with a message'",
        "assert same(Pair(1, 2)) + (3,) == (1, 2, 3) and 1 in Pair(1, 2) and MyInt(7) % 4 == 3 and 10 - MyInt(7) == 3",
        "assert (Node(1) + 5) == Node(6) and divmod(MyInt(7), 2) == (3, 1) and 2 ** MyInt(3) == 8",
        "assert 1 < same(2) < 3 and not same([]) and same('x')",
    ];
    let report = asserts(program, &tests);
    assert_eq!(report.outcome, Passed, "{report:#?}");
    // Each can fail: the same tests against a program whose functions give nothing.
    let hollow = "def same(x): return 99\nsort = fill = bump = same";
    for test in &tests[..9] {
        assert_eq!(asserts(hollow, &[test]).outcome, WrongAnswer, "{test}");
    }
}

#[test]
fn a_failure_names_the_test_and_the_values() {
    let report = asserts(
        "def f(x):\n    print('seen', x)\n    return x + 1",
        &["assert f(1) == 2", "assert f(2) == [5]"],
    );
    assert_eq!((report.outcome, report.failed_test), (WrongAnswer, Some(2)));
    assert_eq!(report.evidence, "got 3, compared with [5]");
    assert_eq!(report.test.as_deref(), Some("assert f(2) == [5]"));
    assert_eq!(report.stdout, "seen 1\nseen 2\n");
    let report = asserts(
        "def f(x):\n    return 1 // x",
        &["assert f(1) == 1", "assert f(0) == 1"],
    );
    assert_eq!((report.outcome, report.failed_test), (RuntimeError, Some(2)));
    assert!(
        report.evidence.contains("ZeroDivisionError") && report.evidence.contains("line 2"),
        "{}",
        report.evidence
    );
    let report = asserts_in(
        hasty(),
        "import time\ndef f(x):\n    time.sleep(60 * x)\n    return x",
        &["assert f(0) == 0", "assert f(1) == 1"],
    );
    assert_eq!((report.outcome, report.failed_test), (TimeLimit, Some(2)));
    let report = asserts("x = [0] * 10 ** 12", &["assert True"]);
    assert_eq!(report.outcome, MemoryLimit);
    let report = script(
        "import sys\nn = int(input())\nprint('a')\nprint(n)",
        "5\n",
        "a\n6",
    );
    assert_eq!((report.outcome, report.failed_test), (WrongAnswer, Some(1)));
    assert_eq!(report.evidence, "line 2: got '5', expected '6'");
    assert!(
        asserts("def g(): return 1", &["assert f() == 1"])
            .evidence
            .contains("'f'")
    );
}

#[test]
fn useless_references_are_unscored() {
    let right = "def f(): return 1";
    assert_eq!(asserts(right, &[]).outcome, BadReference);
    assert_eq!(asserts(right, &[" "]).outcome, BadReference);
    assert_eq!(asserts(right, &["assert f( == 1"]).outcome, BadReference);
    assert_eq!(check(right, Against::Cases(vec![])).outcome, BadReference);
    let setup = Against::Tests {
        setup: "undefined_module.x = int('z')".into(),
        tests: vec!["assert f() == 1".into()],
    };
    assert_ne!(check(right, setup).outcome, Passed);
    let setup = Against::Tests {
        setup: "x = int('z')".into(),
        tests: vec!["assert f() == 1".into()],
    };
    assert_eq!(check(right, setup).outcome, BadReference);
    let setup = Against::Tests {
        setup: "import math\nwant = math.pi".into(),
        tests: vec!["assert f() < want".into()],
    };
    assert_eq!(check(right, setup).outcome, Passed);
    assert_eq!(asserts("", &["assert True"]).outcome, NoProgram);
}

#[test]
fn input_and_output_are_compared_outside() {
    let add = "import sys\nprint(sum(map(int, sys.stdin.read().split())))";
    let case = |stdin: &str, stdout: &str| TestCase {
        stdin: stdin.into(),
        stdout: stdout.into(),
    };
    let report = check(
        add,
        Against::Cases(vec![case("1 2", "3\n"), case("", "0"), case("5\n6\n", "11")]),
    );
    assert_eq!(report.outcome, Passed, "{report:#?}");
    let report = check(
        add,
        Against::Cases(vec![case("1 2", "3"), case("1", "2"), case("x", "")]),
    );
    assert_eq!((report.outcome, report.failed_test), (WrongAnswer, Some(2)));
    // Input far larger than a pipe, read or not.
    let big = "7 ".repeat(500_000);
    assert_eq!(
        check(add, Against::Cases(vec![case(&big, "3500000")])).outcome,
        Passed
    );
    assert_eq!(
        check("print(1)", Against::Cases(vec![case(&big, "1")])).outcome,
        Passed
    );
    assert_eq!(
        script("print(input() + '!')\nexit()", "é\n", "é!").outcome,
        Passed
    );
}

#[test]
fn a_checker_decides() {
    let checker = "import sys\ni, o, a = (open(p).read() for p in sys.argv[1:4])\nif sorted(o.split()) != sorted(i.split()) or a != 'any order':\n    print('not the same words')\n    sys.exit(1)\n";
    let against = |program: &str| Against::Checker {
        program: program.into(),
        cases: vec![TestCase {
            stdin: "b a".into(),
            stdout: "any order".into(),
        }],
    };
    assert_eq!(
        check("print(*reversed(input().split()))", against(checker)).outcome,
        Passed
    );
    let report = check("print('a')", against(checker));
    assert_eq!(report.outcome, WrongAnswer);
    assert!(report.evidence.contains("not the same words"), "{report:#?}");
    assert_eq!(
        check("print('a')\nraise SystemExit(1)", against(checker)).outcome,
        RuntimeError
    );
    assert_eq!(
        check("print(1)", against("this is no Python")).outcome,
        BadReference
    );
    assert_eq!(
        check_in(hasty(), "print(1)", against("while True: pass")).outcome,
        BadReference
    );
    let none = Against::Checker {
        program: "import sys\nsys.exit(open('output').read() != 'x\\n')".into(),
        cases: vec![],
    };
    assert_eq!(check("print('x')", none).outcome, Passed);
}

#[test]
fn the_verifier_finds_and_judges() {
    let verifier = CodeVerifier::new(
        std::sync::Arc::new(
            Sandbox::new(Options {
                limits: limits(),
                slots: Some(1),
                ..Options::default()
            })
            .unwrap(),
        ),
        Language::Python,
    );
    let mut problem = Problem::question("Square a number.");
    assert!(verifier.judge(&problem, "```python\nx\n```").is_none());
    problem.reference = Some(Reference::Tests(vec!["assert f(3) == 9".into()]));
    let right = "Here:\n```python\ndef f(x):\n    return x * x  \n```\n";
    let judgement = verifier.judge(&problem, right).unwrap();
    assert_eq!(
        (judgement.verdict, judgement.method.as_str()),
        (Verdict::Correct, "assert tests")
    );
    let wrong = verifier
        .judge(&problem, "```python\ndef f(x): return x\n```")
        .unwrap();
    assert_eq!(wrong.verdict, Verdict::Incorrect);
    assert_eq!(
        wrong.evidence,
        "wrong_answer: test 1 `assert f(3) == 9`: got 3, compared with 9"
    );
    assert_eq!(
        verifier.judge(&problem, "```json\n{}\n```").unwrap().verdict,
        Verdict::NoAnswer
    );
    let a = verifier.extract(&problem, right).unwrap();
    let b = verifier
        .extract(&problem, "```py\ndef f(x):\n\n    return x * x\n```")
        .unwrap();
    assert!(a.marked && verifier.equivalent(&problem, &a, &b));
    problem.reference = Some(Reference::Cases(vec![TestCase {
        stdin: "2".into(),
        stdout: "4".into(),
    }]));
    assert_eq!(
        verifier
            .judge(&problem, "```python\nprint(int(input())**2)\n```")
            .unwrap()
            .verdict,
        Verdict::Correct
    );
}

#[test]
fn capabilities_are_reported_and_a_missing_interpreter_is_refused() {
    let found = capabilities(&Options::default());
    assert!(found.usable(), "{found}");
    assert!(found.to_string().lines().count() >= 5, "{found}");
    let missing = Options {
        python: Some("/no/such/python".into()),
        ..Options::default()
    };
    assert!(!capabilities(&missing).usable());
    match Sandbox::new(missing) {
        Err(SandboxError::MissingTool(why)) => assert!(why.contains("/no/such/python"), "{why}"),
        other => panic!("expected a missing tool, got {:?}", other.err()),
    }
    assert!(matches!(
        Sandbox::new(Options {
            python: Some("/bin/true".into()),
            ..Options::default()
        }),
        Err(SandboxError::MissingTool(_))
    ));
}
