//! How much one run may use.

use std::time::Duration;

/// Limits of one run of a program (one test set, or one input).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Processor time of each process, rounded up to whole seconds.
    pub cpu: Duration,
    /// Wall time of the whole run.
    pub wall: Duration,
    /// Bytes of memory: private memory of all processes together, and the address space of each (twice
    /// that for compiled programs).
    pub memory: u64,
    /// Processes and threads at once.
    pub processes: u64,
    /// Bytes written to standard output and standard error together.
    pub output: u64,
    /// Bytes of files in the program's temporary directory.
    pub files: u64,
}

impl Default for Limits {
    /// 5 s of processor and 10 s of wall time, 512 MiB, 32 processes, 4 MiB of output, 64 MiB of files.
    fn default() -> Self {
        Limits {
            cpu: Duration::from_secs(5),
            wall: Duration::from_secs(10),
            memory: 512 << 20,
            processes: 32,
            output: 4 << 20,
            files: 64 << 20,
        }
    }
}

impl Limits {
    /// Limits for compilers, which need more of everything than the programs they make.
    pub(crate) fn compiler() -> Self {
        Limits {
            cpu: Duration::from_secs(60),
            wall: Duration::from_secs(90),
            memory: 4 << 30,
            processes: 64,
            output: 64 << 20,
            files: 512 << 20,
        }
    }
}
