//! A running sandboxed process and the watch over it: output, time, memory, end.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use crate::cgroup::Cgroup;
use crate::limits::Limits;

/// How often the memory of the processes is looked at.
const TICK: Duration = Duration::from_millis(10);

/// As much as a pipe holds: output that comes faster than this can be read is a flood.
const FLOOD: usize = 64 * 1024;
/// How long a flood is left to wait, so that reading it takes no other slot's processor.
const FLOOD_PAUSE: Duration = Duration::from_millis(1);

/// How a process ended, and what it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// The exit status, or `None` after a signal.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Processor time of it and its waited-for children.
    pub cpu: Duration,
    /// Whether a cgroup's memory limit ended it.
    pub out_of_memory: bool,
}

/// Process 1 of a sandbox. Dropping it kills and reaps everything inside.
pub(crate) struct Process {
    pid: libc::pid_t,
    pidfd: OwnedFd,
    cgroup: Option<Cgroup>,
    exit: Option<Exit>,
}

impl Process {
    pub(crate) fn new(pid: libc::pid_t, pidfd: OwnedFd, cgroup: Option<Cgroup>) -> Self {
        Process {
            pid,
            pidfd,
            cgroup,
            exit: None,
        }
    }

    /// Readable once the process has ended.
    pub(crate) fn pidfd(&self) -> RawFd {
        self.pidfd.as_raw_fd()
    }

    /// Whether process 1 has not ended yet.
    pub(crate) fn is_running(&self) -> bool {
        let mut fd = poll_in(self.pidfd());
        // SAFETY: polls one descriptor without waiting.
        unsafe { libc::poll(&raw mut fd, 1, 0) == 0 }
    }

    /// Kills everything inside and waits until all of it is gone.
    pub(crate) fn kill(&mut self) -> Exit {
        if self.exit.is_none() {
            // SAFETY: a signal to a process we have not reaped, by its own descriptor.
            unsafe {
                libc::syscall(
                    libc::SYS_pidfd_send_signal,
                    self.pidfd.as_raw_fd(),
                    libc::SIGKILL,
                    0usize,
                    0u32,
                )
            };
        }
        self.wait()
    }

    /// Waits for the end. The kernel reports process 1 only after every process inside is dead.
    pub(crate) fn wait(&mut self) -> Exit {
        if let Some(exit) = self.exit {
            return exit;
        }
        let mut status = 0;
        // SAFETY: rusage is plain data for which all-zero is valid.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: waits for our own child; both results are ours. `__WALL`: it was cloned without an exit signal.
        while unsafe { libc::wait4(self.pid, &raw mut status, libc::__WALL, &raw mut usage) } < 0 {
            if std::io::Error::last_os_error().kind() != ErrorKind::Interrupted {
                break;
            }
        }
        let time = |t: libc::timeval| Duration::new(t.tv_sec.max(0) as u64, (t.tv_usec.max(0) as u32) * 1000);
        let exit = Exit {
            code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
            signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
            cpu: time(usage.ru_utime) + time(usage.ru_stime),
            out_of_memory: self.cgroup.as_ref().is_some_and(Cgroup::out_of_memory),
        };
        self.exit = Some(exit);
        self.cgroup = None;
        exit
    }

    /// Private memory of all processes inside, in bytes; 0 where `/proc` does not tell.
    pub(crate) fn memory(&self) -> u64 {
        // SAFETY: sysconf has no preconditions.
        let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        let mut total = 0;
        let mut pending = vec![self.pid];
        let mut seen = 0;
        while let Some(pid) = pending.pop() {
            seen += 1;
            if seen > 4096 {
                break;
            }
            let words = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
            let pages: Vec<u64> = words.split(' ').filter_map(|w| w.parse().ok()).collect();
            if let [_, resident, shared, ..] = pages[..] {
                total += resident.saturating_sub(shared) * page;
            }
            let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
                continue;
            };
            for task in tasks.flatten() {
                let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
                pending.extend(
                    children
                        .split_whitespace()
                        .filter_map(|c| c.parse::<libc::pid_t>().ok()),
                );
            }
        }
        total
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Why watching ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The process ended by itself.
    Exited(Exit),
    /// The wall clock ran out.
    Wall,
    /// More memory than allowed.
    Memory,
    /// More output than allowed.
    Output,
}

/// What a process wrote so far.
#[derive(Default)]
pub(crate) struct Captured {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// The parent's ends of a process's standard streams.
pub(crate) struct Pipes {
    pub stdin: Option<File>,
    /// `None` once the other end is closed.
    pub stdout: Option<File>,
    /// `None` once the other end is closed.
    pub stderr: Option<File>,
}

/// Watches one process: drains its output, counts its time and memory.
pub(crate) struct Watch<'a> {
    limits: &'a Limits,
    deadline: Instant,
    next_tick: Instant,
    pub captured: Captured,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        let now = Instant::now();
        Watch {
            limits,
            deadline: now + limits.wall,
            next_tick: now + TICK,
            captured: Captured::default(),
        }
    }

    /// Brings the end nearer, to `wall` from now.
    pub(crate) fn shorten(&mut self, wall: Duration) {
        self.deadline = self.deadline.min(Instant::now() + wall);
    }

    /// Waits until one of `also` is ready (then `Ok` with which, in their order), or the process must
    /// stop. `input` is fed to standard input meanwhile and shrinks as it is taken.
    pub(crate) fn until(
        &mut self,
        process: &mut Process,
        pipes: &mut Pipes,
        input: &mut &[u8],
        also: &[RawFd],
    ) -> Result<Vec<bool>, Stop> {
        loop {
            if input.is_empty() {
                pipes.stdin = None;
            }
            let mut fds = vec![
                poll_in(process.pidfd()),
                poll_in(number(&pipes.stdout)),
                poll_in(number(&pipes.stderr)),
                libc::pollfd {
                    fd: number(&pipes.stdin),
                    events: libc::POLLOUT,
                    revents: 0,
                },
            ];
            fds.extend(also.iter().map(|&fd| poll_in(fd)));
            let now = Instant::now();
            let wait = self.deadline.min(self.next_tick).saturating_duration_since(now);
            let millis = i32::try_from(wait.as_millis())
                .unwrap_or(i32::MAX)
                .saturating_add(1);
            // SAFETY: `fds` is an array of its own length.
            unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, millis) };
            if self.drain(pipes)? >= FLOOD {
                std::thread::sleep(FLOOD_PAUSE);
            }
            if fds[3].revents != 0 {
                feed(&mut pipes.stdin, input);
            }
            let ready: Vec<bool> = fds[4..].iter().map(|f| f.revents != 0).collect();
            if ready.contains(&true) {
                return Ok(ready);
            }
            if fds[0].revents != 0 {
                let exit = process.wait();
                self.drain(pipes)?;
                return Err(Stop::Exited(exit));
            }
            let now = Instant::now();
            if now >= self.deadline {
                return Err(Stop::Wall);
            }
            if now >= self.next_tick {
                if process.memory() > self.limits.memory {
                    return Err(Stop::Memory);
                }
                // A crowd of busy processes takes long to look at: never more than a twentieth of the time.
                let after = Instant::now();
                self.next_tick = after + TICK.max(20 * (after - now));
            }
        }
    }

    /// Takes what is in the pipes and says how many bytes; at most the limit plus one pipe's content is ever held.
    fn drain(&mut self, pipes: &mut Pipes) -> Result<usize, Stop> {
        let before = self.captured.stdout.len() + self.captured.stderr.len();
        let mut buffer = [0u8; 16384];
        for (file, kept) in [
            (&mut pipes.stdout, &mut self.captured.stdout),
            (&mut pipes.stderr, &mut self.captured.stderr),
        ] {
            // A writer faster than this reader must not keep us from looking at the clock.
            for _ in 0..16 {
                match file.as_mut().map(|f| f.read(&mut buffer)) {
                    Some(Ok(0)) => *file = None,
                    Some(Ok(n)) => kept.extend_from_slice(&buffer[..n]),
                    _ => break,
                }
            }
        }
        let held = self.captured.stdout.len() + self.captured.stderr.len();
        if held as u64 > self.limits.output {
            return Err(Stop::Output);
        }
        Ok(held - before)
    }
}

/// The descriptor's number; -1, which `poll` skips, for none.
fn number(file: &Option<File>) -> RawFd {
    file.as_ref().map_or(-1, |f| f.as_raw_fd())
}

fn poll_in(fd: RawFd) -> libc::pollfd {
    libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    }
}

/// Writes as much input as the pipe takes; a reader that went away ends it.
fn feed(stdin: &mut Option<File>, input: &mut &[u8]) {
    let Some(file) = stdin else { return };
    match file.write(input) {
        Ok(n) => *input = &input[n..],
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
        Err(_) => *input = &[],
    }
}
