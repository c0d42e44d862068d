//! One pool for all tests, and short ways to say what is checked.

use std::sync::OnceLock;
use std::time::Duration;

use strawberry_core::TestCase;
use strawberry_sandbox::{Against, CodeCheck, CodeReport, Language, Limits, Options, Outcome, Sandbox};

/// Small limits, with enough time that a busy host does not change a verdict.
pub fn limits() -> Limits {
    Limits {
        cpu: Duration::from_secs(10),
        wall: Duration::from_secs(30),
        memory: 256 << 20,
        processes: 16,
        output: 1 << 20,
        files: 16 << 20,
    }
}

/// The pool for programs that end.
pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| pool(limits()))
}

/// The pool for programs that never end by themselves.
pub fn hasty() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        pool(Limits {
            cpu: Duration::from_secs(1),
            wall: Duration::from_secs(2),
            ..limits()
        })
    })
}

fn pool(limits: Limits) -> Sandbox {
    Sandbox::new(Options {
        limits,
        ..Options::default()
    })
    .expect("this host can run the sandbox")
}

/// Where a program with this outcome is run.
pub fn pool_for(expected: Outcome) -> &'static Sandbox {
    if expected == Outcome::TimeLimit {
        hasty()
    } else {
        sandbox()
    }
}

pub fn check(code: &str, against: Against) -> CodeReport {
    check_in(sandbox(), code, against)
}

pub fn check_in(sandbox: &Sandbox, code: &str, against: Against) -> CodeReport {
    sandbox.check(&CodeCheck {
        language: Language::Python,
        code: code.to_owned(),
        against,
    })
}

/// A Python program against assert tests.
pub fn asserts(code: &str, tests: &[&str]) -> CodeReport {
    asserts_in(sandbox(), code, tests)
}

/// A Python program against assert tests, in a given pool.
pub fn asserts_in(sandbox: &Sandbox, code: &str, tests: &[&str]) -> CodeReport {
    check_in(
        sandbox,
        code,
        Against::Tests {
            setup: String::new(),
            tests: tests.iter().map(|t| t.to_string()).collect(),
        },
    )
}

/// A Python program on one input.
pub fn script(code: &str, stdin: &str, stdout: &str) -> CodeReport {
    script_in(sandbox(), code, stdin, stdout)
}

/// A Python program on one input, in a given pool.
pub fn script_in(sandbox: &Sandbox, code: &str, stdin: &str, stdout: &str) -> CodeReport {
    check_in(
        sandbox,
        code,
        Against::Cases(vec![TestCase {
            stdin: stdin.into(),
            stdout: stdout.into(),
        }]),
    )
}

/// Runs hostile rows and reports every surprise at once.
pub fn expect_each(rows: &[(&str, &str, Outcome)], run: impl Fn(&Sandbox, &str) -> CodeReport + Sync) {
    let surprises = std::sync::Mutex::new(Vec::new());
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..sandbox().slots() {
            scope.spawn(|| {
                while let Some((name, code, expected)) =
                    rows.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    let report = run(pool_for(*expected), code);
                    if report.outcome != *expected {
                        surprises
                            .lock()
                            .unwrap()
                            .push(format!("{name}: expected {expected:?}, got {report:#?}"));
                    }
                }
            });
        }
    });
    let surprises = surprises.into_inner().unwrap();
    assert!(
        surprises.is_empty(),
        "{} of {} rows:\n{}",
        surprises.len(),
        rows.len(),
        surprises.join("\n")
    );
}

/// Runs an attempt inside the sandbox: it must say `contained`.
pub fn attempt(sandbox: &Sandbox, body: &str) -> CodeReport {
    script_in(sandbox, &attempt_source(body), "", "contained")
}

/// A program around an attempt, which says what became of it. `escaped` is set by the attempt; an
/// operating system's refusal contains it; any other exception is a mistake in the test and shows.
pub fn attempt_source(body: &str) -> String {
    let numbers: Vec<String> = NUMBERS
        .iter()
        .map(|(name, number)| format!("{name:?}: {number}"))
        .collect();
    let body = body.trim().replace('\n', "\n    ");
    format!(
        "import ctypes, errno, os, socket, sys\n\
         libc = ctypes.CDLL(None, use_errno=True)\n\
         SYS = {{{}}}\n\
         def call(name, *args):\n    \
             return libc.syscall(ctypes.c_long(SYS[name]), *[a if isinstance(a, (bytes, ctypes._SimpleCData, ctypes.Array)) else ctypes.c_long(a) if isinstance(a, int) else a for a in args])\n\
         escaped = False\n\
         try:\n    {body}\n\
         except OSError:\n    escaped = False\n\
         print('ESCAPED' if escaped else 'contained')\n",
        numbers.join(", ")
    )
}

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name)),*] };
}
const NUMBERS: &[(&str, libc::c_long)] = numbers! {
    SYS_ptrace SYS_process_vm_readv SYS_process_vm_writev SYS_kcmp SYS_mount SYS_umount2 SYS_pivot_root SYS_chroot
    SYS_unshare SYS_setns SYS_clone SYS_clone3 SYS_bpf SYS_io_uring_setup SYS_keyctl SYS_add_key SYS_request_key
    SYS_userfaultfd SYS_perf_event_open SYS_kexec_load SYS_init_module SYS_finit_module SYS_delete_module SYS_reboot
    SYS_swapon SYS_setuid SYS_setgid SYS_setresuid SYS_setgroups SYS_capset SYS_prctl SYS_personality SYS_acct
    SYS_quotactl SYS_syslog SYS_settimeofday SYS_clock_settime SYS_adjtimex SYS_sethostname SYS_mknodat
    SYS_name_to_handle_at SYS_open_by_handle_at SYS_fanotify_init SYS_memfd_create SYS_shmget SYS_msgget SYS_semget
    SYS_mq_open SYS_pidfd_open SYS_pidfd_getfd SYS_sched_setaffinity SYS_sched_setscheduler SYS_setpriority SYS_splice
    SYS_vmsplice SYS_seccomp SYS_prlimit64 SYS_open_tree SYS_move_mount SYS_fsopen SYS_mount_setattr SYS_ioctl
    SYS_landlock_create_ruleset SYS_migrate_pages SYS_move_pages SYS_mbind SYS_getpid SYS_socket SYS_fchown SYS_mlockall
};
