//! C and Rust by the same path. These need compilers, and say so by failing when there are none.

use strawberry_core::TestCase;
use strawberry_sandbox::Outcome::{
    self, BadReference, CompileError, MemoryLimit, OutputLimit, Passed, RuntimeError, TimeLimit, WrongAnswer,
};
use strawberry_sandbox::{Against, CodeCheck, CodeReport, Language};

use crate::support::{pool_for, sandbox};

fn run(expected: Outcome, language: Language, code: &str, stdin: &str, stdout: &str) -> CodeReport {
    let against = Against::Cases(vec![TestCase {
        stdin: stdin.into(),
        stdout: stdout.into(),
    }]);
    pool_for(expected).check(&CodeCheck {
        language,
        code: code.into(),
        against,
    })
}

fn expect(language: Language, rows: &[(&str, Outcome)]) {
    for (code, outcome) in rows {
        let report = run(*outcome, language, code, "3 4\n", "7\n");
        assert_eq!(report.outcome, *outcome, "{code}\n{report:#?}");
    }
}

#[test]
fn c_programs_get_their_verdicts() {
    expect(
        Language::C,
        &[
            (
                "#include <stdio.h>\n#include <math.h>\nint main(void) { int a, b; if (scanf(\"%d %d\", &a, &b) != 2) return 1; printf(\"%d\\n\", (int)floor(a + b + 0.5)); }",
                Passed,
            ),
            ("#include <stdio.h>\nint main(void) { puts(\"8\"); }", WrongAnswer),
            ("int main(void) { return x; }", CompileError),
            (
                "#include \"/etc/passwd\"\nint main(void) { return 0; }",
                CompileError,
            ),
            ("int main(void) { volatile int *p = 0; return *p; }", RuntimeError),
            ("int main(void) { for (;;); }", TimeLimit),
            (
                "#include <stdio.h>\nint main(void) { for (;;) puts(\"xxxxxxxxxxxxxxxxxxxxxxxxxxxx\"); }",
                OutputLimit,
            ),
            (
                "#include <unistd.h>\n#include <stdio.h>\nint main(void) { printf(\"%d\\n\", access(\"/etc\", 0) + access(\"/usr\", 0) + access(\"/bin\", 0) == -3 ? 7 : 0); }",
                Passed,
            ),
            (
                "#include <unistd.h>\n#include <sys/syscall.h>\nint main(void) { for (;;) fork(); }",
                TimeLimit,
            ),
            (
                "#include <stdlib.h>\n#include <string.h>\nint main(void) { for (;;) { char *p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); else abort(); } }",
                MemoryLimit,
            ),
        ],
    );
}

#[test]
fn rust_programs_get_their_verdicts() {
    expect(
        Language::Rust,
        &[
            (
                "use std::io::*;\nfn main() { let mut s = String::new(); stdin().read_to_string(&mut s).unwrap(); let t: i32 = s.split_whitespace().map(|w| w.parse::<i32>().unwrap()).sum(); println!(\"{t}\"); }",
                Passed,
            ),
            ("fn main() { println!(\"8\"); }", WrongAnswer),
            ("fn main() { let x: i32 = \"a\"; }", CompileError),
            (
                "fn main() { println!(\"{}\", include_str!(\"/etc/passwd\")); }",
                CompileError,
            ),
            ("fn main() { panic!(\"no\"); }", RuntimeError),
            (
                "fn main() { let mut v = vec![]; loop { v.push(vec![1u8; 1 << 20]); } }",
                MemoryLimit,
            ),
        ],
    );
}

#[test]
fn asserts_are_for_python() {
    let against = Against::Tests {
        setup: String::new(),
        tests: vec!["assert(f(1) == 2);".into()],
    };
    let report = sandbox().check(&CodeCheck {
        language: Language::C,
        code: "int f(int x) { return x; }".into(),
        against,
    });
    assert_eq!(report.outcome, BadReference);
}
