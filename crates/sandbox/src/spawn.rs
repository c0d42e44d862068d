//! Starts one process in fresh namespaces with everything taken away that it does not need.
//!
//! The order matters and is the whole of the design (`clone3(2)`, `pivot_root(2)`, `landlock(7)`,
//! `seccomp(2)`, `user_namespaces(7)`): clone into new user, pid, net, ipc, uts and mount namespaces; build a
//! root of read-only binds; leave the host's tree; limits; give up identity and capabilities; no new
//! privileges; Landlock; seccomp; exec. The new process is process 1 of its namespace, so its end ends all.
//!
//! This file is the parent's side; what the child does is in `child.rs`.

use std::ffi::CString;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use libc::{c_char, c_int};
use seccompiler::BpfProgram;

use crate::cgroup::Cgroup;
use crate::child::{self, ChildFds, INSIDE_ID, Plan, STEPS};
use crate::error::SandboxError;
use crate::landlock;
use crate::limits::Limits;
use crate::process::Process;
use crate::root::Root;

/// The host user a program runs as when the host process is root: `nobody`.
const NOBODY: libc::uid_t = 65534;
/// A step of the parent's.
const IDENTITY: &str = "the identity map of a user namespace";
/// From `linux/sched.h`; the constant in `libc` is too narrow.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// What is executed: a file of the new root, or a program held in memory.
pub(crate) enum Executable {
    Path(CString),
    Memory(OwnedFd),
}

/// Everything about a kind of sandboxed process that can be prepared once.
pub(crate) struct Image {
    pub root: Root,
    pub executable: Executable,
    pub args: Vec<CString>,
    pub env: Vec<CString>,
    pub limits: Limits,
    /// Bytes of address space of each process.
    pub address_space: u64,
    pub filter: BpfProgram,
}

/// Starts `image`; `core` pins it to one processor. The calling thread must outlive the process: the
/// kernel kills the process when that thread ends.
pub(crate) fn spawn(
    image: &Image,
    fds: ChildFds,
    core: Option<usize>,
    cgroup: Option<Cgroup>,
) -> Result<Process, SandboxError> {
    let (mut ours, theirs) = UnixStream::pair().map_err(|e| SandboxError::os("a socket pair", e))?;
    let argv = pointers(&image.args);
    let envp = pointers(&image.env);
    let tmp_options = CString::new(format!(
        "size={},nr_inodes=16k,mode=777",
        image.limits.files.max(4096)
    ))
    .map_err(|_| SandboxError::Setup("tmpfs options".into()))?;
    let plan = Plan {
        image,
        fds,
        core,
        setup: theirs.as_raw_fd(),
        parent_end: ours.as_raw_fd(),
        argv: &argv,
        envp: &envp,
        tmp_options: &tmp_options,
        // SAFETY: geteuid has no preconditions.
        as_root: unsafe { libc::geteuid() } == 0,
        landlock_abi: landlock::abi(),
    };
    if plan.landlock_abi == 0 {
        return Err(unavailable(
            "Landlock",
            std::io::Error::from_raw_os_error(libc::ENOSYS),
        ));
    }
    let mut pidfd: c_int = -1;
    // SAFETY: clone_args is plain data for which all-zero is valid.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = (libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_PIDFD) as u64;
    args.pidfd = &raw mut pidfd as u64;
    if let Some(group) = &cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = group.fd() as u64;
    }
    // SAFETY: without CLONE_VM this is a fork: the child gets its own copy of everything `plan` refers to.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<libc::clone_args>()) };
    if pid == 0 {
        // SAFETY: we are the child between clone and exec.
        unsafe { child::run(&plan) }
    }
    if pid < 0 {
        return Err(unavailable("new namespaces", std::io::Error::last_os_error()));
    }
    let pid = pid as libc::pid_t;
    // SAFETY: clone3 succeeded with CLONE_PIDFD, so the descriptor is ours.
    let mut process = Process::new(pid, unsafe { OwnedFd::from_raw_fd(pidfd) }, cgroup);
    drop(theirs);
    map_identity(pid, plan.as_root).map_err(|e| unavailable(IDENTITY, e))?;
    ours.write_all(b"g")
        .map_err(|e| SandboxError::os("starting a sandbox", e))?;
    let mut report = Vec::new();
    ours.read_to_end(&mut report)
        .map_err(|e| SandboxError::os("starting a sandbox", e))?;
    match report.as_slice() {
        [] => Ok(process),
        [step, errno @ ..] if errno.len() == 4 => {
            process.kill();
            let errno = i32::from_ne_bytes([errno[0], errno[1], errno[2], errno[3]]);
            let step = STEPS
                .get(usize::from(*step))
                .copied()
                .unwrap_or("an unknown step");
            Err(unavailable(step, std::io::Error::from_raw_os_error(errno)))
        }
        _ => Err(SandboxError::Setup("the child's report is garbled".into())),
    }
}

fn unavailable(step: &'static str, error: std::io::Error) -> SandboxError {
    let hint = match (step, error.raw_os_error()) {
        ("new namespaces", Some(libc::ENOSPC)) => "; raise /proc/sys/user/max_user_namespaces",
        ("new namespaces", Some(libc::EPERM)) => {
            "; set kernel.unprivileged_userns_clone=1, or allow user namespaces in the container"
        }
        ("new namespaces", Some(libc::EAGAIN)) => "; too many processes for this user",
        (IDENTITY, _) => {
            "; root needs to map user 65534 here: give the container more user ids, or run as an ordinary user"
        }
        ("Landlock", _) => "; needs Linux 5.13 or later with `landlock` among the enabled security modules",
        (_, Some(libc::EPERM | libc::EACCES)) => {
            "; a security module may forbid it (on Ubuntu: kernel.apparmor_restrict_unprivileged_userns=0)"
        }
        _ => "",
    };
    SandboxError::Unavailable {
        step,
        cause: error.to_string(),
        hint,
    }
}

/// Maps the inside user. Root maps itself too, for the set-up only, and the program to `nobody`.
fn map_identity(pid: libc::pid_t, as_root: bool) -> std::io::Result<()> {
    let map = |outside: libc::uid_t| {
        if as_root {
            format!("0 0 1\n{INSIDE_ID} {NOBODY} 1\n")
        } else {
            format!("{INSIDE_ID} {outside} 1\n")
        }
    };
    // SAFETY: geteuid and getegid have no preconditions.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    if !as_root {
        std::fs::write(format!("/proc/{pid}/setgroups"), "deny")?;
    }
    std::fs::write(format!("/proc/{pid}/gid_map"), map(gid))?;
    std::fs::write(format!("/proc/{pid}/uid_map"), map(uid))
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings
        .iter()
        .map(|s| s.as_ptr())
        .chain([std::ptr::null()])
        .collect()
}
