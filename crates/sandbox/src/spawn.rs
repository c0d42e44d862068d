//! Starts one process in fresh namespaces with everything taken away that it does not need.
//!
//! The order matters and is the whole of the design (`clone3(2)`, `pivot_root(2)`, `landlock(7)`,
//! `seccomp(2)`, `user_namespaces(7)`): clone into new user, pid, net, ipc, uts and mount namespaces; build a
//! root of read-only binds; leave the host's tree; limits; give up identity and capabilities; no new
//! privileges; Landlock; seccomp; exec. The new process is process 1 of its namespace, so its end ends all.
//!
//! Between `clone` and `exec` the child is a copy of a process that may have other threads: it makes
//! system calls on data prepared beforehand and neither allocates nor locks.

use std::ffi::CString;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use libc::{c_char, c_int, c_ulong};
use seccompiler::BpfProgram;

use crate::cgroup::Cgroup;
use crate::error::SandboxError;
use crate::landlock;
use crate::limits::Limits;
use crate::process::Process;
use crate::root::Root;

/// The user and group a program runs as, inside its namespace.
const INSIDE_ID: libc::uid_t = 1000;
/// The host user a program runs as when the host process is root: `nobody`.
const NOBODY: libc::uid_t = 65534;
/// From `linux/sched.h`; the constant in `libc` is too narrow.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// Bytes for the root's own directory entries; it holds mount points only.
const ROOT_OPTIONS: &std::ffi::CStr = c"size=1m,nr_inodes=1k,mode=755";

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

/// The child's descriptors 0, 1, 2 and 3.
pub(crate) type ChildFds = [RawFd; 4];

macro_rules! steps {
    ($($name:ident = $text:literal),* $(,)?) => {
        #[derive(Clone, Copy)]
        #[repr(u8)]
        enum Step { $($name),* }
        const STEPS: &[&str] = &[$($text),*];
    };
}
steps! {
    Sync = "waiting for the identity map", Session = "a new session", Private = "making mounts private",
    RootTmpfs = "a temporary file system for the root", Pivot = "changing the root", Fill = "filling the root",
    Bind = "binding a path of the root", ReadOnly = "making the root read-only", Tmp = "a temporary directory",
    Detach = "leaving the host's tree", Host = "naming the host", Affinity = "choosing a processor",
    Rlimit = "resource limits", Identity = "giving up the identity", Capabilities = "giving up capabilities",
    Fds = "arranging descriptors", NoNewPrivs = "no_new_privs", Landlock = "Landlock", Seccomp = "the seccomp filter",
    Exec = "executing the program",
}

/// `errno` with the step it belongs to.
type ChildResult = Result<(), Step>;

fn check(step: Step, result: impl Into<i64>) -> ChildResult {
    if result.into() < 0 { Err(step) } else { Ok(()) }
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
        unsafe { child(&plan) }
    }
    if pid < 0 {
        return Err(unavailable("new namespaces", std::io::Error::last_os_error()));
    }
    let pid = pid as libc::pid_t;
    // SAFETY: clone3 succeeded with CLONE_PIDFD, so the descriptor is ours.
    let mut process = Process::new(pid, unsafe { OwnedFd::from_raw_fd(pidfd) }, cgroup);
    drop(theirs);
    map_identity(pid, plan.as_root).map_err(|e| unavailable("the identity map of a user namespace", e))?;
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

struct Plan<'a> {
    image: &'a Image,
    fds: ChildFds,
    core: Option<usize>,
    setup: RawFd,
    parent_end: RawFd,
    argv: &'a [*const c_char],
    envp: &'a [*const c_char],
    tmp_options: &'a CString,
    as_root: bool,
    landlock_abi: i32,
}

/// The child's life until `exec`; reports the failing step and leaves otherwise.
///
/// # Safety
/// Only between `clone` and `exec`.
unsafe fn child(plan: &Plan) -> ! {
    let mut setup = plan.setup;
    // SAFETY: as the caller promises; every pointer comes from `plan`, which this copy owns.
    let failed = unsafe {
        match prepare(plan, &mut setup) {
            Ok(()) => exec(plan),
            Err(step) => step,
        }
    };
    // SAFETY: plain system calls on a local buffer.
    unsafe {
        let errno = (*libc::__errno_location()).to_ne_bytes();
        let report = [failed as u8, errno[0], errno[1], errno[2], errno[3]];
        libc::write(setup, report.as_ptr().cast(), report.len());
        libc::_exit(127)
    }
}

/// # Safety
/// Only between `clone` and `exec`.
unsafe fn prepare(plan: &Plan, setup: &mut RawFd) -> ChildResult {
    // SAFETY: system calls on prepared data, for the whole block; results are checked.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong, 0, 0, 0);
        libc::close(plan.parent_end);
        let mut go = 0u8;
        if libc::read(*setup, (&raw mut go).cast(), 1) != 1 {
            return Err(Step::Sync);
        }
        check(Step::Session, libc::setsid())?;
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        build_root(plan)?;
        check(Step::Host, libc::sethostname(c"sandbox".as_ptr(), 7))?;
        if let Some(core) = plan.core {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(core, &mut set);
            check(
                Step::Affinity,
                libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set),
            )?;
        }
        limit(&plan.image.limits, plan.image.address_space)?;
        give_up_identity(plan.as_root)?;
        arrange_fds(plan, setup)?;
        check(
            Step::NoNewPrivs,
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1 as c_ulong, 0, 0, 0),
        )?;
        // Changing the identity cleared this; the death of the parent must be noticed.
        check(
            Step::Session,
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong, 0, 0, 0),
        )?;
        if !landlock::restrict_self(plan.landlock_abi) {
            return Err(Step::Landlock);
        }
        let filter = libc::sock_fprog {
            len: plan.image.filter.len() as u16,
            filter: plan.image.filter.as_ptr().cast_mut().cast(),
        };
        check(
            Step::Seccomp,
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                0,
                &raw const filter,
            ),
        )
    }
}

/// # Safety
/// Only between `clone` and `exec`.
unsafe fn build_root(plan: &Plan) -> ChildResult {
    let root = &plan.image.root;
    let null = std::ptr::null();
    // SAFETY: system calls on C strings that outlive them; results are checked.
    unsafe {
        check(
            Step::Private,
            libc::mount(
                null,
                c"/".as_ptr(),
                null,
                libc::MS_REC | libc::MS_PRIVATE,
                null.cast(),
            ),
        )?;
        let flags = libc::MS_NOSUID | libc::MS_NODEV;
        check(
            Step::RootTmpfs,
            libc::mount(
                c"root".as_ptr(),
                c"/tmp".as_ptr(),
                c"tmpfs".as_ptr(),
                flags,
                ROOT_OPTIONS.as_ptr().cast(),
            ),
        )?;
        check(Step::Pivot, libc::mkdir(c"/tmp/.host".as_ptr(), 0o755))?;
        check(Step::Pivot, libc::chdir(c"/tmp".as_ptr()))?;
        check(
            Step::Pivot,
            libc::syscall(libc::SYS_pivot_root, c"/tmp".as_ptr(), c"/tmp/.host".as_ptr()),
        )?;
        check(Step::Pivot, libc::chdir(c"/".as_ptr()))?;
        libc::umask(0o022);
        for directory in &root.directories {
            if libc::mkdir(directory.as_ptr(), 0o755) < 0 && *libc::__errno_location() != libc::EEXIST {
                return Err(Step::Fill);
            }
        }
        for file in &root.files {
            let fd = libc::open(
                file.as_ptr(),
                libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC,
                0o444,
            );
            check(Step::Fill, fd)?;
            libc::close(fd);
        }
        for (text, at) in &root.links {
            check(Step::Fill, libc::symlink(text.as_ptr(), at.as_ptr()))?;
        }
        for bind in &root.binds {
            check(
                Step::Bind,
                libc::mount(
                    bind.source.as_ptr(),
                    bind.target.as_ptr(),
                    null,
                    libc::MS_BIND | libc::MS_REC,
                    null.cast(),
                ),
            )?;
        }
        // Everything so far but the host's tree becomes read-only, sub-mounts too.
        for bind in &root.binds {
            set_attributes(
                &bind.target,
                libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV,
            )?;
        }
        for device in &root.devices {
            check(
                Step::Bind,
                libc::mount(
                    device.source.as_ptr(),
                    device.target.as_ptr(),
                    null,
                    libc::MS_BIND,
                    null.cast(),
                ),
            )?;
            set_attributes(&device.target, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC)?;
        }
        check(
            Step::Tmp,
            libc::mount(
                c"tmp".as_ptr(),
                c"/tmp".as_ptr(),
                c"tmpfs".as_ptr(),
                flags,
                plan.tmp_options.as_ptr().cast(),
            ),
        )?;
        check(Step::Detach, libc::umount2(c"/.host".as_ptr(), libc::MNT_DETACH))?;
        check(Step::Detach, libc::rmdir(c"/.host".as_ptr()))?;
        let read_only = libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY | flags;
        check(
            Step::ReadOnly,
            libc::mount(null, c"/".as_ptr(), null, read_only, null.cast()),
        )?;
        check(Step::Tmp, libc::chdir(c"/tmp".as_ptr()))
    }
}

/// # Safety
/// Only between `clone` and `exec`.
unsafe fn set_attributes(path: &CString, set: u64) -> ChildResult {
    let attr = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: `attr` outlives the call and has the size given.
    check(Step::ReadOnly, unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    })
}

/// # Safety
/// Only between `clone` and `exec`.
unsafe fn limit(limits: &Limits, address_space: u64) -> ChildResult {
    let cpu = limits.cpu.as_secs() + u64::from(limits.cpu.subsec_nanos() > 0);
    let stack = limits.memory.min(16 << 20);
    for (resource, value) in [
        (libc::RLIMIT_AS, address_space),
        (libc::RLIMIT_CPU, cpu.max(1)),
        (libc::RLIMIT_NPROC, limits.processes),
        (libc::RLIMIT_FSIZE, limits.files),
        (libc::RLIMIT_STACK, stack),
        (libc::RLIMIT_NOFILE, 256),
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_MEMLOCK, 0),
        (libc::RLIMIT_MSGQUEUE, 0),
        (libc::RLIMIT_SIGPENDING, 256),
        (libc::RLIMIT_RTPRIO, 0),
    ] {
        let mut now = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: `now` is ours.
        check(Step::Rlimit, unsafe { libc::getrlimit(resource, &raw mut now) })?;
        let value = value.min(now.rlim_max);
        let new = libc::rlimit {
            rlim_cur: value,
            rlim_max: value,
        };
        // SAFETY: `new` is ours.
        check(Step::Rlimit, unsafe { libc::setrlimit(resource, &raw const new) })?;
    }
    Ok(())
}

/// # Safety
/// Only between `clone` and `exec`.
unsafe fn give_up_identity(as_root: bool) -> ChildResult {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: c_int,
    }
    // SAFETY: system calls on local data with the kernel's layout; raw calls, because glibc's wrappers
    // for changing identity signal threads this copy does not have.
    unsafe {
        for capability in 0..64 as c_ulong {
            if libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 {
                if *libc::__errno_location() == libc::EINVAL && capability > 0 {
                    break;
                }
                return Err(Step::Capabilities);
            }
        }
        if as_root {
            check(
                Step::Identity,
                libc::syscall(libc::SYS_setgroups, 0usize, std::ptr::null::<libc::gid_t>()),
            )?;
            check(
                Step::Identity,
                libc::syscall(libc::SYS_setresgid, INSIDE_ID, INSIDE_ID, INSIDE_ID),
            )?;
            check(
                Step::Identity,
                libc::syscall(libc::SYS_setresuid, INSIDE_ID, INSIDE_ID, INSIDE_ID),
            )?;
        }
        // Version 3: two 32-bit words each of effective, permitted and inheritable.
        let header = Header {
            version: 0x2008_0522,
            pid: 0,
        };
        let nothing = [0u32; 6];
        check(
            Step::Capabilities,
            libc::syscall(libc::SYS_capset, &raw const header, nothing.as_ptr()),
        )
    }
}

/// Puts the four descriptors in their places and marks all others to be closed by `exec`.
///
/// # Safety
/// Only between `clone` and `exec`.
unsafe fn arrange_fds(plan: &Plan, setup: &mut RawFd) -> ChildResult {
    // SAFETY: system calls on descriptor numbers.
    unsafe {
        let moved = libc::fcntl(*setup, libc::F_DUPFD_CLOEXEC, 10);
        check(Step::Fds, moved)?;
        *setup = moved;
        let mut high = [0; 4];
        for (to, from) in high.iter_mut().zip(plan.fds) {
            *to = libc::fcntl(from, libc::F_DUPFD_CLOEXEC, 10);
            check(Step::Fds, *to)?;
        }
        for (target, from) in high.iter().enumerate() {
            check(Step::Fds, libc::dup2(*from, target as c_int))?;
        }
        check(
            Step::Fds,
            libc::syscall(libc::SYS_close_range, 4u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC),
        )
    }
}

/// # Safety
/// Only between `clone` and `exec`.
unsafe fn exec(plan: &Plan) -> Step {
    let (fd, path, flags) = match &plan.image.executable {
        Executable::Path(path) => (libc::AT_FDCWD, path.as_ptr(), 0),
        Executable::Memory(fd) => (fd.as_raw_fd(), c"".as_ptr(), libc::AT_EMPTY_PATH),
    };
    // SAFETY: the argument vectors are null-terminated arrays of C strings that outlive the call.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            fd,
            path,
            plan.argv.as_ptr(),
            plan.envp.as_ptr(),
            flags,
        )
    };
    Step::Exec
}
