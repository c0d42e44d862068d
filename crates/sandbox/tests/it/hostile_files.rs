//! Attempts on files, secrets, descriptors and other processes' places.

use std::process::Command;

use strawberry_sandbox::Outcome::{self, Passed};

use crate::support::{attempt, attempt_source, expect_each, script};

const ATTEMPTS: &[(&str, &str, Outcome)] = &[
    (
        "read the users",
        "open('/etc/passwd').read()\nescaped = True",
        Passed,
    ),
    (
        "read the password hashes",
        "open('/etc/shadow').read()\nescaped = True",
        Passed,
    ),
    (
        "read the environment of process 1",
        "open('/proc/1/environ', 'rb').read()\nescaped = True",
        Passed,
    ),
    (
        "go through /proc",
        "escaped = os.path.exists('/proc/self') or os.path.exists('/proc/1/root')",
        Passed,
    ),
    (
        "go through /sys",
        "escaped = os.path.exists('/sys/kernel') or os.path.exists('/sys/fs/cgroup')",
        Passed,
    ),
    ("find the old root", "escaped = os.path.exists('/.host')", Passed),
    (
        "only what the interpreter needs",
        "escaped = not set(os.listdir('/')) <= {'usr', 'lib', 'lib64', 'bin', 'etc', 'tmp', 'dev', 'opt', 'root', 'home', 'nix', 'work'} or os.listdir('/tmp') != []",
        Passed,
    ),
    (
        "nothing but the loader's cache in /etc",
        "escaped = os.path.exists('/etc') and os.listdir('/etc') != ['ld.so.cache']",
        Passed,
    ),
    (
        "climb above the root",
        "os.chdir('/..')\nos.chdir('../../../..')\nescaped = os.path.exists('etc/hostname') or os.path.exists('boot')",
        Passed,
    ),
    (
        "follow a planted link",
        "os.symlink('../../../../../../etc/passwd', '/tmp/link')\nopen('/tmp/link').read()\nescaped = True",
        Passed,
    ),
    (
        "a link through a descriptor's directory",
        "fd = os.open('/tmp', os.O_RDONLY)\nos.open('../etc/passwd', os.O_RDONLY, dir_fd=fd)\nescaped = True",
        Passed,
    ),
    (
        "a magic link",
        "os.symlink('/proc/self/root/etc/passwd', '/tmp/magic')\nopen('/tmp/magic').read()\nescaped = True",
        Passed,
    ),
    (
        "write beside the root",
        "open('/owned', 'w').write('x')\nescaped = True",
        Passed,
    ),
    (
        "change the root's mode",
        "os.chmod('/', 0o777)\nescaped = True",
        Passed,
    ),
    (
        "rewrite the interpreter",
        "open(sys.executable, 'r+b').write(b'x')\nescaped = True",
        Passed,
    ),
    (
        "rewrite the library",
        "open(os.__file__, 'a').write('x')\nescaped = True",
        Passed,
    ),
    (
        "remove the library",
        "os.unlink(os.__file__)\nescaped = True",
        Passed,
    ),
    (
        "plant a compiled module",
        "import importlib.util\nopen(importlib.util.cache_from_source(os.__file__) + '.x', 'w')\nescaped = True",
        Passed,
    ),
    (
        "a hard link to the interpreter",
        "os.link(sys.executable, '/tmp/python')\nescaped = True",
        Passed,
    ),
    (
        "touch the library",
        "os.utime(os.__file__)\nescaped = True",
        Passed,
    ),
    (
        "give a file away",
        "open('/tmp/f', 'w')\nos.chown('/tmp/f', 0, 0)\nescaped = True",
        Passed,
    ),
    (
        "a set-user-id copy",
        "open('/tmp/f', 'wb').write(open(sys.executable, 'rb').read(4096))\nos.chmod('/tmp/f', 0o6755)\nescaped = os.stat('/tmp/f').st_uid == 0",
        Passed,
    ),
    (
        "create a device entry",
        "open('/dev/owned', 'w')\nescaped = True",
        Passed,
    ),
    (
        "physical memory",
        "escaped = any(os.path.exists(p) for p in ('/dev/mem', '/dev/kmem', '/dev/port', '/dev/kmsg'))",
        Passed,
    ),
    (
        "disks and terminals",
        "escaped = set(os.listdir('/dev')) != {'null', 'zero', 'full', 'random', 'urandom', 'shm'}",
        Passed,
    ),
    (
        "open the terminal",
        "os.open('/dev/tty', os.O_RDWR)\nescaped = True",
        Passed,
    ),
    ("a new terminal", "os.openpty()\nescaped = True", Passed),
    ("a named pipe", "os.mkfifo('/tmp/pipe')\nescaped = True", Passed),
    (
        "fill the disk",
        "with open('/tmp/big', 'wb') as f:\n    for _ in range(1000):\n        f.write(bytes(1 << 20))\nescaped = True",
        Passed,
    ),
    (
        "fill the disk with many files",
        "for i in range(64):\n    open('/tmp/%d' % i, 'wb').write(bytes(1 << 20))\nescaped = True",
        Passed,
    ),
    (
        "fill the disk with names",
        "for i in range(100000):\n    os.close(os.open('/tmp/%d' % i, os.O_CREAT))\nescaped = True",
        Passed,
    ),
    (
        "a sparse file",
        "os.truncate(os.open('/tmp/s', os.O_CREAT | os.O_RDWR), 1 << 40)\nescaped = True",
        Passed,
    ),
    (
        "a deep directory",
        "for i in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\nescaped = os.path.exists('/etc/passwd')",
        Passed,
    ),
    (
        "open descriptors",
        "def is_open(fd):\n    try:\n        os.fstat(fd)\n        return True\n    except OSError:\n        return False\nescaped = [fd for fd in range(4096) if is_open(fd)] != [0, 1, 2]",
        Passed,
    ),
    (
        "descriptors that are files of the host",
        "import stat\nescaped = not all(stat.S_ISFIFO(os.fstat(fd).st_mode) for fd in range(3))",
        Passed,
    ),
    (
        "run a shell",
        "os.execv('/bin/sh', ['sh', '-c', 'echo ESCAPED'])",
        Passed,
    ),
    (
        "a shared library of one's own stays inside",
        "escaped = os.system('id') == 0",
        Passed,
    ),
    (
        "the environment",
        "escaped = set(os.environ) - {'PATH', 'HOME', 'TMPDIR', 'LANG', 'PYTHONUTF8', 'PYTHONHASHSEED', 'TZ', 'LC_CTYPE', 'LD_LIBRARY_PATH'} != set()",
        Passed,
    ),
    (
        "another user's home",
        "import pwd\nescaped = len(pwd.getpwall()) > 0",
        Passed,
    ),
    (
        "be alone",
        "escaped = os.getpid() != 1 or os.getppid() != 0",
        Passed,
    ),
];

#[test]
fn attempts_on_files_are_contained() {
    expect_each(ATTEMPTS, attempt);
}

#[test]
fn harmless_attempts_succeed_outside() {
    let harmless = [
        "read the users",
        "go through /proc",
        "find secrets",
        "be alone",
        "follow a planted link",
    ];
    for (name, body, _) in ATTEMPTS.iter().filter(|(name, ..)| harmless.contains(name)) {
        let body = body.replace(
            "/tmp/link",
            &format!("/tmp/strawberry-link-{}", std::process::id()),
        );
        let output = Command::new("python3")
            .args(["-c", &attempt_source(&body)])
            .output()
            .expect("python3 runs");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "ESCAPED",
            "{name}: {output:?}"
        );
    }
    let _ = std::fs::remove_file(format!("/tmp/strawberry-link-{}", std::process::id()));
}

/// Secrets in this process's environment (every variable it has), its home, and its temporary files.
#[test]
fn planted_secrets_are_not_found() {
    let marker = "strawberry-planted-secret";
    let places: Vec<std::path::PathBuf> = [std::env::var_os("HOME"), Some(std::env::temp_dir().into())]
        .into_iter()
        .flatten()
        .map(|dir| std::path::PathBuf::from(dir).join(format!(".{marker}-{}", std::process::id())))
        .filter(|path| std::fs::write(path, marker).is_ok())
        .collect();
    assert!(!places.is_empty());
    let names: Vec<String> = std::env::vars_os()
        .map(|(k, _)| k.to_string_lossy().into_owned())
        .collect();
    let known = [
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "TZ",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
    ];
    let foreign: Vec<&String> = names.iter().filter(|n| !known.contains(&n.as_str())).collect();
    assert!(!foreign.is_empty(), "the test needs a variable to look for");
    let code = format!(
        "import os\nfound = [n for n in {foreign:?} if n in os.environ]\n\
         for place in {places:?}:\n    found += [place] if os.path.exists(place) else []\n\
         for top, _, files in os.walk('/'):\n    found += [top for f in files if '{marker}' in f]\n\
         print(found)\n"
    );
    let report = script(&code, "", "[]");
    for place in &places {
        std::fs::remove_file(place).unwrap();
    }
    assert_eq!(report.outcome, Passed, "{report:#?}");
}

#[test]
fn nothing_is_left_for_the_next_program() {
    let code = "import os\nprint(os.listdir('/tmp'))\nopen('/tmp/left', 'w').write('x')\nos.symlink('/tmp/left', '/dev/shm/link')";
    for _ in 0..6 {
        assert_eq!(script(code, "", "[]").outcome, Passed);
    }
}
