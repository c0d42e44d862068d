//! What the host offers: each piece of the sandbox, tried for real.

use std::fmt;

use serde::Serialize;
use strawberry_core::TestCase;

use crate::cgroup::Cgroup;
use crate::check::{Against, CodeCheck, Language};
use crate::landlock;
use crate::pool::{Options, Sandbox};
use crate::report::Outcome;

/// One piece of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Capability {
    /// Its name.
    pub name: &'static str,
    /// Whether it works here.
    pub works: bool,
    /// Whether nothing runs without it.
    pub required: bool,
    /// What was found, or what is wrong and what to do.
    pub detail: String,
}

/// All pieces of the sandbox on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// The pieces, required ones first.
    pub pieces: Vec<Capability>,
}

impl Capabilities {
    /// Whether Python programs can be checked.
    pub fn usable(&self) -> bool {
        self.pieces.iter().all(|p| p.works || !p.required)
    }
}

impl fmt::Display for Capabilities {
    /// One line for each piece.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            let mark = match (piece.works, piece.required) {
                (true, _) => "ok",
                (false, true) => "MISSING",
                (false, false) => "absent",
            };
            writeln!(f, "{:<20} {mark:<8} {}", piece.name, piece.detail)?;
        }
        Ok(())
    }
}

/// Tries every piece. Starts processes, so it takes a fraction of a second; compilers add a second.
pub fn capabilities(options: &Options) -> Capabilities {
    let mut pieces = Vec::new();
    let mut piece = |name, required, result: Result<String, String>| {
        let works = result.is_ok();
        pieces.push(Capability {
            name,
            works,
            required,
            detail: result.unwrap_or_else(|e| e),
        });
    };
    piece("landlock", true, match landlock::abi() {
        0 => Err("not in this kernel; needs Linux 5.13 or later with `landlock` among the enabled security modules".into()),
        abi => Ok(format!("version {abi}{}", if abi < 6 { "; version 6 (Linux 6.12) also confines signals and abstract sockets" } else { "" })),
    });
    let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    piece(
        "seccomp",
        true,
        if actions.split_whitespace().any(|a| a == "errno") {
            Ok("filters are supported".into())
        } else {
            Err("this kernel has no seccomp filters".into())
        },
    );
    let sandbox = Sandbox::new(Options {
        slots: Some(1),
        ..options.clone()
    });
    piece(
        "sandbox",
        true,
        match &sandbox {
            Ok(sandbox) => trial(sandbox, Language::Python, "print(6 * 7)").map(|()| {
                let [major, minor, micro] = sandbox.python_version();
                format!("user, pid, net, ipc, uts and mount namespaces; ran Python {major}.{minor}.{micro}")
            }),
            Err(error) => Err(error.to_string()),
        },
    );
    let group = match sandbox.as_ref().ok().and_then(|s| s.cgroups()) {
        Some(home) => Ok(format!("limits of memory and processes in {}", home.display())),
        None => Err(Cgroup::home()
            .err()
            .unwrap_or_else(|| "no process can be started in one".into())),
    };
    let instead = "; memory and processes are limited by rlimits and by watching instead";
    piece("cgroup", false, group.map_err(|why| why + instead));
    for (name, language, program) in [
        (
            "c",
            Language::C,
            "#include <stdio.h>\nint main(void) { printf(\"%d\", 6 * 7); return 0; }",
        ),
        ("rust", Language::Rust, "fn main() { print!(\"{}\", 6 * 7) }"),
    ] {
        if let Ok(sandbox) = &sandbox {
            piece(
                name,
                false,
                trial(sandbox, language, program).map(|()| "compiled and ran a program".into()),
            );
        }
    }
    Capabilities { pieces }
}

/// Runs a program that prints 42.
fn trial(sandbox: &Sandbox, language: Language, program: &str) -> Result<(), String> {
    let cases = vec![TestCase {
        stdin: String::new(),
        stdout: "42".into(),
    }];
    let report = sandbox.check(&CodeCheck {
        language,
        code: program.into(),
        against: Against::Cases(cases),
    });
    if report.outcome == Outcome::Passed {
        Ok(())
    } else {
        Err(report.evidence)
    }
}
