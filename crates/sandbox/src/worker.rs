//! A started sandbox with its channel and pipes; for Python, the harness waiting for its first message.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::cgroup::Cgroup;
use crate::error::SandboxError;
use crate::process::{Pipes, Process};
use crate::spawn::{Image, spawn};

/// The longest message either side may send.
const LONGEST: usize = 64 << 20;

/// A sandboxed process with everything that is connected to it.
pub(crate) struct Worker {
    pub process: Process,
    pub channel: Channel,
    pub pipes: Pipes,
}

impl Worker {
    /// Starts `image`, sending `greeting` first. See [`spawn`] for the thread this must run on.
    pub(crate) fn start(
        image: &Image,
        greeting: &[u8],
        core: Option<usize>,
        groups: Option<&Path>,
    ) -> Result<Worker, SandboxError> {
        let group = groups
            .map(|home| Cgroup::make(home, Some(&image.limits)))
            .transpose();
        let group = group.map_err(|e| SandboxError::os("making a cgroup", e))?;
        Worker::start_in(image, greeting, core, group)
    }

    /// The same, in a group that has been made.
    pub(crate) fn start_in(
        image: &Image,
        greeting: &[u8],
        core: Option<usize>,
        group: Option<Cgroup>,
    ) -> Result<Worker, SandboxError> {
        let (stdin_read, stdin) = pipe()?;
        let (stdout, stdout_write) = pipe()?;
        let (stderr, stderr_write) = pipe()?;
        let (ours, theirs) = UnixStream::pair().map_err(|e| SandboxError::os("a socket pair", e))?;
        for file in [&stdin, &stdout, &stderr] {
            // SAFETY: sets a flag on a descriptor we own.
            unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        }
        let fds = [
            stdin_read.as_raw_fd(),
            stdout_write.as_raw_fd(),
            stderr_write.as_raw_fd(),
            theirs.as_raw_fd(),
        ];
        let process = spawn(image, fds, core, group)?;
        ours.set_write_timeout(Some(image.limits.wall.max(Duration::from_millis(1))))
            .map_err(|e| SandboxError::os("a socket", e))?;
        let mut channel = Channel {
            stream: ours,
            buffer: Vec::new(),
            searched: 0,
        };
        // A process that died already is noticed by whoever uses it.
        let _ = channel.stream.write_all(greeting);
        Ok(Worker {
            process,
            channel,
            pipes: Pipes {
                stdin: Some(stdin),
                stdout: Some(stdout),
                stderr: Some(stderr),
            },
        })
    }
}

/// A pipe: (read end, write end), both closed on exec.
fn pipe() -> Result<(File, File), SandboxError> {
    let mut fds = [0; 2];
    // SAFETY: `fds` has room for the two descriptors.
    if unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
        return Err(SandboxError::os("a pipe", std::io::Error::last_os_error()));
    }
    // SAFETY: the call succeeded, so both descriptors are ours alone.
    unsafe {
        Ok((
            OwnedFd::from_raw_fd(fds[0]).into(),
            OwnedFd::from_raw_fd(fds[1]).into(),
        ))
    }
}

/// What reading a channel gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A whole line, without its end.
    Whole(Vec<u8>),
    /// Not yet.
    Partial,
    /// The other side closed the channel.
    Closed,
    /// The line is longer than allowed.
    TooLong,
}

/// Lines over a socket.
pub(crate) struct Channel {
    stream: UnixStream,
    buffer: Vec<u8>,
    searched: usize,
}

impl Channel {
    pub(crate) fn fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// Sends one message; `false` when the other side is gone or does not read.
    pub(crate) fn send(&mut self, message: &impl Serialize) -> bool {
        match serde_json::to_vec(message) {
            Ok(mut line) => {
                // Newlines inside strings are escaped; the harness wants ASCII lines.
                line.push(b'\n');
                self.stream.write_all(&line).is_ok()
            }
            Err(_) => false,
        }
    }

    /// Sends a line as it is.
    pub(crate) fn forward(&mut self, line: &[u8]) -> bool {
        self.stream.write_all(line).is_ok() && self.stream.write_all(b"\n").is_ok()
    }

    /// A line that was read already.
    pub(crate) fn buffered(&mut self) -> Option<Vec<u8>> {
        let end = self.searched + self.buffer[self.searched..].iter().position(|&b| b == b'\n')?;
        let rest = self.buffer.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.buffer, rest);
        line.pop();
        self.searched = 0;
        Some(line)
    }

    /// Reads once; call it when the descriptor is readable.
    pub(crate) fn read_line(&mut self) -> Line {
        self.searched = self.buffer.len();
        let mut chunk = [0u8; 65536];
        match self.stream.read(&mut chunk) {
            Ok(0) => return Line::Closed,
            Ok(n) => self.buffer.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => return Line::Partial,
            Err(_) => return Line::Closed,
        }
        match self.buffered() {
            Some(line) => Line::Whole(line),
            None if self.buffer.len() > LONGEST => Line::TooLong,
            None => Line::Partial,
        }
    }
}
