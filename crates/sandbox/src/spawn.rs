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
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use libc::{c_char, c_int, c_ulong, c_void};
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
/// Bytes of stack for the child.
const CHILD_STACK: usize = 256 << 10;

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
    let pidfd = AtomicI32::new(-1);
    let mut stack = vec![0u8; CHILD_STACK];
    let shared = plan.as_root.then(Undumpable::enter);
    let (pid, introduced) = std::thread::scope(|scope| {
        let introduce = || introduce(&mut ours, &pidfd, plan.as_root, cgroup.as_ref());
        let helper = std::thread::Builder::new().spawn_scoped(scope, introduce);
        let helper = helper.map_err(|e| SandboxError::os("a thread that starts a sandbox", e))?;
        let pid = clone(&plan, &mut stack, &pidfd);
        // With the last copy of the child's end gone, the helper is at its end too.
        drop(theirs);
        Ok((pid, helper.join()))
    })?;
    drop(shared);
    let pid = pid.map_err(|e| unavailable("new namespaces", e))?;
    // SAFETY: clone succeeded with CLONE_PIDFD, so the descriptor is ours.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd.into_inner()) };
    let mut process = Process::new(pid, pidfd, cgroup);
    let report = match introduced {
        Ok(report) => report.map_err(|e| unavailable(IDENTITY, e))?,
        Err(_) => {
            return Err(SandboxError::Setup(
                "the thread that starts a sandbox failed".into(),
            ));
        }
    };
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

/// Makes the child. It shares our memory until it executes the program, as after `vfork`, because copying
/// the page tables of a process that holds a model takes longer than everything else here; the calling
/// thread stands still meanwhile.
fn clone(plan: &Plan, stack: &mut [u8], pidfd: &AtomicI32) -> std::io::Result<libc::pid_t> {
    extern "C" fn enter(plan: *mut c_void) -> c_int {
        // SAFETY: `plan` is the reference given to clone below, alive until that call returns.
        unsafe { child::run(&*plan.cast::<Plan>()) }
    }
    let flags = libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_PIDFD
        | libc::CLONE_VM
        | libc::CLONE_VFORK;
    // SAFETY: signal sets are plain data. No signal may run a handler of ours in the child, so all are
    // blocked around the call. The stack is ours, its top aligned to 16 bytes, and unused until the child
    // is gone from our memory, which is when the call returns.
    unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) =
            (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let top = stack.as_mut_ptr_range().end;
        let top = top.sub(top.addr() % 16);
        let pid = libc::clone(
            enter,
            top.cast(),
            flags,
            (&raw const *plan).cast_mut().cast(),
            pidfd.as_ptr(),
        );
        let error = std::io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        if pid < 0 { Err(error) } else { Ok(pid) }
    }
}

/// The helper's part while the calling thread stands still: when the child says it is there, puts it into
/// its group, maps its identity and lets it go on. Returns what the child reports; nothing is success.
fn introduce(
    ours: &mut UnixStream,
    pidfd: &AtomicI32,
    as_root: bool,
    cgroup: Option<&Cgroup>,
) -> std::io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    let mut there = [0u8; 1];
    if ours.read(&mut there)? == 0 {
        return Ok(rest);
    }
    let done = (|| {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.load(Ordering::Acquire)))?;
        let pid = info
            .lines()
            .find_map(|l| l.strip_prefix("Pid:"))
            .and_then(|p| p.trim().parse().ok());
        let pid = pid.ok_or_else(|| std::io::Error::other("the child's number is unknown"))?;
        if let Some(group) = cgroup {
            group.add(pid)?;
        }
        map_identity(pid, as_root)?;
        ours.write_all(b"g")
    })();
    if let Err(error) = done {
        // Nothing to read lets the child give up.
        ours.shutdown(std::net::Shutdown::Both)?;
        return Err(error);
    }
    ours.read_to_end(&mut rest)?;
    Ok(rest)
}

/// While a child of root shares our memory under another identity, that identity must not be able to
/// look at it. Changing the identity makes the memory "not dumpable"; the last child gone, this puts back
/// what was before.
struct Undumpable;

/// Children on their way, and what the flag was before the first.
static ON_THEIR_WAY: Mutex<(u32, c_int)> = Mutex::new((0, 1));

impl Undumpable {
    fn enter() -> Self {
        let mut state = ON_THEIR_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 == 0 {
            // SAFETY: takes and changes plain numbers.
            state.1 = unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) };
        }
        state.0 += 1;
        Undumpable
    }
}

impl Drop for Undumpable {
    fn drop(&mut self) {
        let mut state = ON_THEIR_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 -= 1;
        if state.0 == 0 {
            // SAFETY: takes and changes plain numbers.
            unsafe { libc::prctl(libc::PR_SET_DUMPABLE, c_ulong::from(state.1 == 1), 0, 0, 0) };
        }
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
