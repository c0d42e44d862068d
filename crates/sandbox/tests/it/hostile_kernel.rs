//! Attempts to use the kernel against the host. Each must be contained, and must not disturb the verdict.

use strawberry_sandbox::Outcome::{self, Passed, RuntimeError};

use crate::support::{attempt, attempt_source, expect_each};

const ATTEMPTS: &[(&str, &str, Outcome)] = &[
    (
        "ptrace: be traced",
        "escaped = call('SYS_ptrace', 0, 0, 0, 0) == 0",
        Passed,
    ),
    (
        "ptrace: attach to process 1",
        "escaped = call('SYS_ptrace', 16, 1, 0, 0) == 0",
        Passed,
    ),
    (
        "process_vm_readv",
        "b = ctypes.create_string_buffer(64)\niov = (ctypes.c_ulong * 2)(ctypes.addressof(b), 8)\nescaped = call('SYS_process_vm_readv', os.getpid(), iov, 1, iov, 1, 0) >= 0",
        Passed,
    ),
    (
        "process_vm_writev",
        "b = ctypes.create_string_buffer(64)\niov = (ctypes.c_ulong * 2)(ctypes.addressof(b), 8)\nescaped = call('SYS_process_vm_writev', os.getpid(), iov, 1, iov, 1, 0) >= 0",
        Passed,
    ),
    (
        "kcmp",
        "escaped = call('SYS_kcmp', os.getpid(), os.getpid(), 1, 0, 0) >= 0",
        Passed,
    ),
    (
        "mount a tmpfs",
        "escaped = call('SYS_mount', b'x', b'/tmp', b'tmpfs', 0, None) == 0",
        Passed,
    ),
    (
        "mount proc",
        "os.mkdir('/tmp/p')\nescaped = call('SYS_mount', b'proc', b'/tmp/p', b'proc', 0, None) == 0",
        Passed,
    ),
    (
        "remount the root writable",
        "escaped = call('SYS_mount', None, b'/', None, 32 | 4096, None) == 0",
        Passed,
    ),
    (
        "mount by the new interface",
        "escaped = call('SYS_fsopen', b'tmpfs', 0) >= 0 or call('SYS_open_tree', -100, b'/', 1) >= 0",
        Passed,
    ),
    (
        "change mount attributes",
        "a = (ctypes.c_ulonglong * 4)(0, 1, 0, 0)\nescaped = call('SYS_mount_setattr', -100, b'/', 0, a, 32) == 0",
        Passed,
    ),
    (
        "unmount",
        "escaped = call('SYS_umount2', b'/tmp', 2) == 0",
        Passed,
    ),
    (
        "pivot_root",
        "escaped = call('SYS_pivot_root', b'/tmp', b'/tmp') == 0",
        Passed,
    ),
    (
        "chroot and climb out",
        "os.mkdir('/tmp/jail')\nfd = os.open('/', os.O_RDONLY)\nescaped = call('SYS_chroot', b'/tmp/jail') == 0\nif escaped:\n    os.fchdir(fd)\n    for _ in range(64):\n        os.chdir('..')",
        Passed,
    ),
    (
        "unshare a user namespace",
        "escaped = call('SYS_unshare', 0x10000000) == 0",
        Passed,
    ),
    (
        "unshare a mount namespace",
        "escaped = call('SYS_unshare', 0x00020000) == 0",
        Passed,
    ),
    ("setns", "escaped = call('SYS_setns', 0, 0) == 0", Passed),
    (
        "clone into a new user namespace",
        "r = call('SYS_clone', 0x10000000 | 17, 0, 0, 0, 0)\nif r == 0:\n    os._exit(0)\nescaped = r > 0",
        Passed,
    ),
    (
        "clone into a new network namespace",
        "r = call('SYS_clone', 0x40000000 | 17, 0, 0, 0, 0)\nif r == 0:\n    os._exit(0)\nescaped = r > 0",
        Passed,
    ),
    (
        "clone3 hides its flags in memory",
        "a = (ctypes.c_ulonglong * 11)(0x10000000, 0, 0, 0, 17)\nr = call('SYS_clone3', a, 88)\nif r == 0:\n    os._exit(0)\nescaped = r > 0",
        Passed,
    ),
    (
        "bpf",
        "a = ctypes.create_string_buffer(128)\nescaped = call('SYS_bpf', 0, a, 128) >= 0",
        Passed,
    ),
    (
        "io_uring",
        "a = ctypes.create_string_buffer(120)\nescaped = call('SYS_io_uring_setup', 4, a) >= 0",
        Passed,
    ),
    (
        "keyctl: join a session keyring",
        "escaped = call('SYS_keyctl', 1, None) >= 0",
        Passed,
    ),
    (
        "add_key",
        "escaped = call('SYS_add_key', b'user', b'k', b'v', 1, -3) >= 0",
        Passed,
    ),
    (
        "request_key",
        "escaped = call('SYS_request_key', b'user', b'k', None, -3) >= 0",
        Passed,
    ),
    ("userfaultfd", "escaped = call('SYS_userfaultfd', 1) >= 0", Passed),
    (
        "perf_event_open",
        "a = ctypes.create_string_buffer(128)\na[4] = 112\nescaped = call('SYS_perf_event_open', a, 0, -1, -1, 0) >= 0",
        Passed,
    ),
    (
        "kexec_load",
        "escaped = call('SYS_kexec_load', 0, 0, None, 0) == 0",
        Passed,
    ),
    (
        "load a module",
        "escaped = call('SYS_init_module', b'x', 1, b'') == 0 or call('SYS_finit_module', 0, b'', 0) == 0",
        Passed,
    ),
    (
        "unload a module",
        "escaped = call('SYS_delete_module', b'x', 0) == 0",
        Passed,
    ),
    (
        "reboot",
        "escaped = call('SYS_reboot', 0xfee1dead - (1 << 32), 672274793, 0) == 0",
        Passed,
    ),
    (
        "swapon",
        "escaped = call('SYS_swapon', b'/tmp/x', 0) == 0",
        Passed,
    ),
    (
        "become root",
        "escaped = call('SYS_setuid', 0) == 0 or call('SYS_setgid', 0) == 0 or call('SYS_setresuid', 0, 0, 0) == 0",
        Passed,
    ),
    (
        "run as root already",
        "escaped = 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid())",
        Passed,
    ),
    (
        "setgroups",
        "g = (ctypes.c_uint * 1)(0)\nescaped = call('SYS_setgroups', 1, g) == 0",
        Passed,
    ),
    (
        "capset",
        "h = (ctypes.c_uint * 2)(0x20080522, 0)\nd = (ctypes.c_uint * 6)(0xffffffff, 0xffffffff, 0, 0, 0, 0)\nescaped = call('SYS_capset', h, d) == 0",
        Passed,
    ),
    (
        "prctl: ambient capabilities",
        "escaped = call('SYS_prctl', 47, 2, 0, 0, 0) == 0",
        Passed,
    ),
    (
        "prctl: keep capabilities",
        "escaped = call('SYS_prctl', 8, 1, 0, 0, 0) == 0",
        Passed,
    ),
    (
        "prctl: let others trace",
        "escaped = call('SYS_prctl', 0x59616d61, -1, 0, 0, 0) == 0",
        Passed,
    ),
    (
        "prctl: become a reaper, move the heap",
        "escaped = call('SYS_prctl', 36, 1, 0, 0, 0) == 0 or call('SYS_prctl', 35, 7, 0, 0, 0) == 0",
        Passed,
    ),
    (
        "prctl: survive the parent",
        "escaped = call('SYS_prctl', 1, 0, 0, 0, 0) == 0",
        Passed,
    ),
    (
        "a seccomp filter with a listener",
        "p = ctypes.create_string_buffer(64)\nescaped = call('SYS_seccomp', 1, 8, p) >= 0",
        Passed,
    ),
    (
        "personality",
        "escaped = call('SYS_personality', 0x0040000) >= 0",
        Passed,
    ),
    (
        "process accounting",
        "escaped = call('SYS_acct', b'/tmp/a') == 0",
        Passed,
    ),
    (
        "quotactl",
        "escaped = call('SYS_quotactl', 0x800002, None, 0, None) == 0",
        Passed,
    ),
    (
        "the kernel's log",
        "b = ctypes.create_string_buffer(4096)\nescaped = call('SYS_syslog', 3, b, 4096) > 0",
        Passed,
    ),
    (
        "set the clock",
        "t = (ctypes.c_long * 2)(1, 0)\nescaped = call('SYS_settimeofday', t, None) == 0 or call('SYS_clock_settime', 0, t) == 0",
        Passed,
    ),
    (
        "slew the clock",
        "b = ctypes.create_string_buffer(512)\nescaped = call('SYS_adjtimex', b) >= 0",
        Passed,
    ),
    (
        "rename the host",
        "escaped = call('SYS_sethostname', b'owned', 5) == 0 or os.uname().nodename != 'sandbox'",
        Passed,
    ),
    (
        "make a block device",
        "escaped = call('SYS_mknodat', -100, b'/tmp/disk', 0o60666, 0xfe00) == 0",
        Passed,
    ),
    (
        "open by handle",
        "b = ctypes.create_string_buffer(128)\nm = ctypes.c_int()\nescaped = call('SYS_name_to_handle_at', -100, b'/tmp', b, ctypes.byref(m), 0) == 0 or call('SYS_open_by_handle_at', -100, b, 0) >= 0",
        Passed,
    ),
    (
        "fanotify",
        "escaped = call('SYS_fanotify_init', 0, 0) >= 0",
        Passed,
    ),
    (
        "memfd",
        "escaped = call('SYS_memfd_create', b'x', 0) >= 0",
        Passed,
    ),
    (
        "System V shared memory",
        "escaped = call('SYS_shmget', 1, 1 << 30, 0o1666) >= 0",
        Passed,
    ),
    (
        "System V queues and semaphores",
        "escaped = call('SYS_msgget', 1, 0o1666) >= 0 or call('SYS_semget', 1, 1, 0o1666) >= 0",
        Passed,
    ),
    (
        "POSIX queues",
        "escaped = call('SYS_mq_open', b'q', 0o102, 0o666, None) >= 0",
        Passed,
    ),
    (
        "steal a descriptor",
        "fd = call('SYS_pidfd_open', 1, 0)\nescaped = call('SYS_pidfd_getfd', fd, 0, 0) >= 0",
        Passed,
    ),
    (
        "leave the processor",
        "m = (ctypes.c_ulong * 16)(*[0xffffffffffffffff] * 16)\nescaped = call('SYS_sched_setaffinity', 0, 128, m) >= 0 or len(os.sched_getaffinity(0)) != 1",
        Passed,
    ),
    (
        "real-time priority",
        "p = ctypes.c_int(50)\nescaped = call('SYS_sched_setscheduler', 0, 1, ctypes.byref(p)) == 0 or call('SYS_setpriority', 0, 0, -20) == 0",
        Passed,
    ),
    ("lock memory", "escaped = call('SYS_mlockall', 3) == 0", Passed),
    (
        "move pages about",
        "escaped = call('SYS_migrate_pages', 0, 0, None, None) >= 0 or call('SYS_mbind', 0, 0, 0, None, 0, 0) >= 0",
        Passed,
    ),
    (
        "splice",
        "r, w = os.pipe()\nescaped = call('SYS_splice', r, None, w, None, 1, 2) >= 0 or call('SYS_vmsplice', w, None, 0, 0) >= 0",
        Passed,
    ),
    (
        "raise a limit",
        "import resource\ntry:\n    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))\n    escaped = True\nexcept ValueError:\n    pass",
        Passed,
    ),
    (
        "limits of another process",
        "b = (ctypes.c_ulong * 2)()\nif os.fork() == 0:\n    os._exit(0 if call('SYS_prlimit64', 1, 7, None, b) != 0 else 1)\nescaped = os.wait()[1] != 0",
        Passed,
    ),
    (
        "type into a terminal",
        "escaped = any(call('SYS_ioctl', fd, 0x5412, b'x') == 0 for fd in range(3))",
        Passed,
    ),
    (
        "terminal selection",
        "escaped = any(call('SYS_ioctl', fd, 0x541c, b'\\x0b') == 0 for fd in range(3))",
        Passed,
    ),
    (
        "a TCP connection",
        "s = socket.socket()\ns.settimeout(1)\ns.connect(('127.0.0.1', 22))\nescaped = True",
        Passed,
    ),
    (
        "an IPv6 listener",
        "s = socket.socket(socket.AF_INET6)\ns.bind(('::', 0))\nescaped = True",
        Passed,
    ),
    (
        "a UDP packet",
        "s = socket.socket(type=socket.SOCK_DGRAM)\ns.sendto(b'x', ('8.8.8.8', 53))\nescaped = True",
        Passed,
    ),
    (
        "a raw socket",
        "s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\nescaped = True",
        Passed,
    ),
    (
        "a packet socket",
        "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\nescaped = True",
        Passed,
    ),
    (
        "a netlink socket",
        "s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)\nescaped = True",
        Passed,
    ),
    (
        "an abstract Unix socket",
        "s = socket.socket(socket.AF_UNIX)\ns.bind('\\0strawberry')\nescaped = True",
        Passed,
    ),
    (
        "a Unix socket in the file system",
        "s = socket.socket(socket.AF_UNIX)\ns.bind('/tmp/s')\nescaped = True",
        Passed,
    ),
    (
        "crypto and vsock sockets",
        "for family in (38, 40):\n    try:\n        socket.socket(family, socket.SOCK_STREAM)\n        escaped = True\n    except OSError:\n        pass",
        Passed,
    ),
    (
        "an inet socket pair",
        "escaped = call('SYS_socket', 2, 1, 0) >= 0\nsocket.socketpair(socket.AF_INET)\nescaped = True",
        Passed,
    ),
    (
        "resolve a name",
        "socket.getaddrinfo('example.org', 80)\nescaped = True",
        Passed,
    ),
];

#[test]
fn attempts_on_the_kernel_are_contained() {
    expect_each(ATTEMPTS, attempt);
}

/// System calls of other ABIs would pass a filter that knows only one.
#[cfg(target_arch = "x86_64")]
#[test]
fn other_system_call_abis_do_not_work() {
    let x32 = "escaped = libc.syscall(ctypes.c_long(0x40000000 + 39)) > 0";
    // mov eax, 20 (getpid of the 32-bit ABI); int 0x80; ret
    let i386 = "import mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(bytes.fromhex('b814000000cd80c3'))\nf = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\nescaped = f() > 0";
    expect_each(&[("x32", x32, Passed)], attempt);
    expect_each(&[("i386", i386, RuntimeError)], attempt);
}

/// The attempts can tell: the harmless ones succeed outside the sandbox.
#[test]
fn harmless_attempts_succeed_outside() {
    let harmless = [
        "ptrace: be traced",
        "kcmp",
        "memfd",
        "an abstract Unix socket",
        "a UDP socket",
        "leave the processor",
    ];
    for (name, body, _) in ATTEMPTS.iter().filter(|(name, ..)| harmless.contains(name)) {
        let output = std::process::Command::new("python3")
            .args(["-c", &attempt_source(body)])
            .output()
            .expect("python3 runs");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "ESCAPED",
            "{name}: {output:?}"
        );
    }
}
