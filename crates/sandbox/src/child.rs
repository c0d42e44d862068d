//! The child's life between `clone` and `exec`.
//!
//! There the child shares the memory of a process with other threads: it makes system calls on data
//! prepared beforehand, writes to its own stack and `errno` only, and neither allocates nor locks.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, RawFd};

use libc::{c_char, c_int, c_ulong};

use crate::landlock;
use crate::limits::Limits;
use crate::spawn::{Executable, Image};

/// The user and group a program runs as, inside its namespace.
pub(crate) const INSIDE_ID: libc::uid_t = 1000;
/// Bytes for the root's own directory entries; it holds mount points only.
const ROOT_OPTIONS: &CStr = c"size=1m,nr_inodes=1k,mode=755";

/// The child's descriptors 0, 1, 2 and 3.
pub(crate) type ChildFds = [RawFd; 4];

macro_rules! steps {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// Where the child's set-up can fail.
        #[derive(Clone, Copy)]
        #[repr(u8)]
        pub(crate) enum Step { $($name),* }
        /// The steps in words, by number.
        pub(crate) const STEPS: &[&str] = &[$($text),*];
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

/// What the child needs, all of it prepared by the parent.
pub(crate) struct Plan<'a> {
    pub image: &'a Image,
    pub fds: ChildFds,
    pub core: Option<usize>,
    pub setup: RawFd,
    pub parent_end: RawFd,
    pub argv: &'a [*const c_char],
    pub envp: &'a [*const c_char],
    pub tmp_options: &'a CString,
    pub as_root: bool,
    pub landlock_abi: i32,
}

/// The child's life until `exec`; reports the failing step and leaves otherwise.
///
/// # Safety
/// Only between `clone` and `exec`.
pub(crate) unsafe fn run(plan: &Plan) -> ! {
    let mut setup = plan.setup;
    // SAFETY: as the caller promises; every pointer comes from `plan`, which outlives this.
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
        check(Step::Sync, libc::write(*setup, c"r".as_ptr().cast(), 1) as i64)?;
        let mut go = 0u8;
        if libc::read(*setup, (&raw mut go).cast(), 1) != 1 {
            return Err(Step::Sync);
        }
        check(Step::Session, libc::setsid())?;
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
    // Handlers first: once signals are let in again, none of ours may run.
    for signal in 1..=64 {
        // SAFETY: an all-zero kernel `sigaction` means the default; numbers it refuses have no handlers.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, [0u64; 4].as_ptr(), 0usize, 8usize) };
    }
    // SAFETY: a signal set is plain data, and ours.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
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
