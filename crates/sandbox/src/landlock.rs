//! Landlock, by its three system calls.
//!
//! The `landlock` crate allocates and opens paths in its caller's view; here the rules are made after
//! `clone`, inside the new root, where only plain system calls are safe. Numbers are from the kernel's
//! `include/uapi/linux/landlock.h`.

use libc::{c_int, c_long};

const READ: u64 = 1 | 1 << 2 | 1 << 3; // execute, read file, read directory
const WRITE_FILE: u64 = 1 << 1;
const TRUNCATE: u64 = 1 << 14;
/// Remove and make directories, files, sockets, pipes, links, move between directories; no device nodes.
const CHANGE_TREE: u64 = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 13;
const RULE_PATH_BENEATH: c_int = 1;

#[repr(C)]
struct RulesetAttr {
    fs: u64,
    net: u64,
    scoped: u64,
}

#[repr(C, packed)]
struct PathBeneathAttr {
    allowed: u64,
    parent: i32,
}

/// The kernel's Landlock version; 0 when it has none.
pub(crate) fn abi() -> i32 {
    // SAFETY: with a null attribute of size 0 and the version flag (1) the call only returns a number.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0usize, 0usize, 1u32) };
    i32::try_from(version.max(0)).unwrap_or(0)
}

/// Confines the calling thread for good: read and run anything in the root, change only `/tmp`, write
/// to the devices in `/dev`, no TCP, no signals or abstract sockets out of the domain.
/// Needs `no_new_privs`. `false` with `errno` set on failure.
///
/// # Safety
/// May be called between `clone` and `exec`: it makes system calls only and allocates nothing.
pub(crate) unsafe fn restrict_self(abi: i32) -> bool {
    let fs = match abi {
        1 => (1 << 13) - 1,
        2 => (1 << 14) - 1,
        3 | 4 => (1 << 15) - 1,
        _ => (1u64 << 16) - 1,
    };
    let attr = RulesetAttr {
        fs,
        net: if abi >= 4 { 3 } else { 0 },
        scoped: if abi >= 6 { 3 } else { 0 },
    };
    let size = if abi >= 6 {
        24usize
    } else if abi >= 4 {
        16
    } else {
        8
    };
    // SAFETY: `attr` outlives the call and is at least `size` bytes long.
    let ruleset = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &attr, size, 0u32) };
    if ruleset < 0 {
        return false;
    }
    for (path, allowed) in [
        (c"/", READ),
        (c"/tmp", READ | WRITE_FILE | TRUNCATE | CHANGE_TREE),
        (c"/dev", WRITE_FILE),
    ] {
        // SAFETY: `path` is a C string; a negative result is handled.
        let parent = unsafe { libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) };
        if parent < 0 {
            return false;
        }
        let rule = PathBeneathAttr {
            allowed: allowed & fs,
            parent,
        };
        // SAFETY: `rule` has the kernel's packed layout and outlives the call.
        let added = unsafe {
            libc::syscall(
                libc::SYS_landlock_add_rule,
                ruleset,
                RULE_PATH_BENEATH,
                &rule,
                0u32,
            )
        };
        if added != 0 {
            return false;
        }
    }
    // SAFETY: the call takes plain numbers.
    let done: c_long = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0u32) };
    done == 0
}
