//! The sandbox as callers use it: a pool of slots, each on its own processor with interpreters that
//! have been started ahead of need.
//!
//! A program runs in a sandbox that was never used before and is never used again; only the judge of a
//! slot, which runs no program, serves many checks.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::cgroup::Cgroup;
use crate::check::{Against, CodeCheck, Language};
use crate::error::SandboxError;
use crate::extract::extract;
use crate::limits::Limits;
use crate::native::Toolchain;
use crate::python::Python;
use crate::report::{CodeReport, Outcome};
use crate::spawn::Image;
use crate::tests::Judge;
use crate::worker::Worker;
use crate::{cases, tests};

/// How a sandbox is set up.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Limits of every run.
    pub limits: Limits,
    /// The Python interpreter, as a path or a name on the `PATH`; `python3` when none is given.
    pub python: Option<PathBuf>,
    /// Checks at the same time; one for each processor this process may use when none is given.
    pub slots: Option<usize>,
}

/// A pool of sandboxes. Share it by reference; dropping it ends every process it started.
pub struct Sandbox {
    shared: Arc<Shared>,
    slots: Mutex<Vec<Slot>>,
    free: Condvar,
    starters: Vec<JoinHandle<()>>,
    toolchains: [OnceLock<Result<Toolchain, SandboxError>>; 2],
}

/// What starting an interpreter needs.
pub(crate) struct Shared {
    pub python: Python,
    pub image: Image,
    pub greeting: Vec<u8>,
    pub cgroups: Option<PathBuf>,
    pub options: Options,
}

/// One place where a check can run.
pub(crate) struct Slot {
    /// The processor everything in the slot is pinned to.
    pub core: Option<usize>,
    ready: Receiver<Result<Worker, SandboxError>>,
    /// The judge, once one was needed.
    pub judge: Option<Judge>,
}

impl Slot {
    /// An interpreter that nothing has run in.
    pub(crate) fn fresh(&self) -> Result<Worker, SandboxError> {
        // One that died while it waited (a host short of memory) says nothing about a program.
        for _ in 0..4 {
            let gone = |_| SandboxError::Setup("the thread that starts sandboxes is gone".into());
            let worker = self.ready.recv().map_err(gone)??;
            if worker.process.is_running() {
                return Ok(worker);
            }
        }
        Err(SandboxError::Setup(
            "sandboxes die before they are used; is the host out of memory?".into(),
        ))
    }
}

impl Sandbox {
    /// Finds the interpreter, starts the first sandbox to see that everything works, and starts the pool.
    pub fn new(options: Options) -> Result<Sandbox, SandboxError> {
        let wanted = options.python.clone().unwrap_or_else(|| PathBuf::from("python3"));
        let python = Python::find(&wanted)?;
        let image = python.image(options.limits, &[], None)?;
        drop(Worker::start(&image, &[], None, None)?);
        // Groups are a second fence: where one can be made but nothing started in it, go without.
        let starts = |home: &PathBuf| Worker::start(&image, &[], None, Some(home)).is_ok();
        let cgroups = Cgroup::home().ok().filter(starts);
        let greeting = python.greeting();
        let shared = Arc::new(Shared {
            python,
            image,
            greeting,
            cgroups,
            options,
        });
        let cores = cores();
        let count = shared.options.slots.unwrap_or(cores.len()).clamp(1, 1024);
        let mut slots = Vec::new();
        let mut starters = Vec::new();
        for number in 0..count {
            // A processor for each slot keeps a busy program from slowing the others; with more slots
            // than processors, sharing is what was asked for.
            let core = cores.get(number % cores.len().max(1)).copied();
            let (sender, ready) = sync_channel(1);
            let for_thread = Arc::clone(&shared);
            let starter = std::thread::Builder::new()
                .name(format!("sandbox-{number}"))
                .spawn(move || keep_ready(&for_thread, core, &sender))
                .map_err(|e| SandboxError::os("a thread that starts sandboxes", e))?;
            starters.push(starter);
            slots.push(Slot {
                core,
                ready,
                judge: None,
            });
        }
        Ok(Sandbox {
            shared,
            slots: Mutex::new(slots),
            free: Condvar::new(),
            starters,
            toolchains: [OnceLock::new(), OnceLock::new()],
        })
    }

    /// How many checks can run at the same time.
    pub fn slots(&self) -> usize {
        self.starters.len()
    }

    /// Where the processes' cgroups are made, if they have any.
    pub fn cgroups(&self) -> Option<&Path> {
        self.shared.cgroups.as_deref()
    }

    /// The interpreter's version: major, minor, micro.
    pub fn python_version(&self) -> [u32; 3] {
        self.shared.python.version
    }

    /// Runs a program against its tests; waits for a free slot first. Never fails: what keeps the
    /// sandbox from doing its work is [`Outcome::SandboxError`].
    pub fn check(&self, check: &CodeCheck) -> CodeReport {
        let started = Instant::now();
        let mut slot = self.take();
        let result = self.check_in(&mut slot, check);
        self.lock().push(slot);
        self.free.notify_one();
        let mut report = result.unwrap_or_else(|e| CodeReport::new(Outcome::SandboxError, e.to_string()));
        report.wall_ms = started.elapsed().as_millis() as u64;
        report
    }

    /// Runs the program that a model's response holds, as [`Sandbox::check`] does; one without a program is
    /// [`Outcome::NoProgram`].
    pub fn check_response(&self, response: &str, language: Language, against: Against) -> CodeReport {
        match extract(response, language) {
            Some(found) => self.check(&CodeCheck {
                language,
                code: found.code.to_owned(),
                against,
            }),
            None => CodeReport::new(Outcome::NoProgram, "no program was found in the response"),
        }
    }

    fn check_in(&self, slot: &mut Slot, check: &CodeCheck) -> Result<CodeReport, SandboxError> {
        let limits = &self.shared.options.limits;
        if check.code.trim().is_empty() {
            return Ok(CodeReport::new(Outcome::NoProgram, "the program is empty"));
        }
        match (&check.against, check.language) {
            (Against::Tests { setup, tests }, Language::Python) => {
                tests::run(slot, limits, &check.code, setup, tests)
            }
            (Against::Tests { .. }, language) => Ok(CodeReport::new(
                Outcome::BadReference,
                format!("tests are Python statements; hold a {language} program against cases or a checker"),
            )),
            (Against::Cases(cases), _) => {
                let program = match self.program(slot, check)? {
                    Ok(program) => program,
                    Err(report) => return Ok(report),
                };
                cases::run(slot, &self.shared, &program, cases, None)
            }
            (
                Against::Checker {
                    program: checker,
                    cases,
                },
                _,
            ) => {
                let program = match self.program(slot, check)? {
                    Ok(program) => program,
                    Err(report) => return Ok(report),
                };
                cases::run(slot, &self.shared, &program, cases, Some(checker))
            }
        }
    }

    /// The program ready to run, or why it can't be compiled.
    fn program<'a>(
        &self,
        slot: &Slot,
        check: &'a CodeCheck,
    ) -> Result<Result<cases::Program<'a>, CodeReport>, SandboxError> {
        let cell = match check.language {
            Language::Python => return Ok(Ok(cases::Program::Python(&check.code))),
            Language::C => &self.toolchains[0],
            Language::Rust => &self.toolchains[1],
        };
        let toolchain = cell
            .get_or_init(|| Toolchain::find(check.language, &self.shared))
            .as_ref()
            .map_err(Clone::clone)?;
        let compiled: Result<File, CodeReport> = toolchain.compile(&check.code, &self.shared, slot.core)?;
        Ok(match compiled {
            Ok(binary) => Ok(cases::Program::Native(Box::new(
                toolchain.image(binary, self.shared.options.limits)?,
            ))),
            Err(report) => Err(report),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Slot {
        let mut slots = self.lock();
        loop {
            match slots.pop() {
                Some(slot) => return slot,
                None => slots = self.free.wait(slots).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Without receivers the starting threads end.
        self.lock().clear();
        for starter in self.starters.drain(..) {
            let _ = starter.join();
        }
    }
}

/// Keeps two interpreters ready (one in the channel, one waiting to get in). The kernel kills a sandbox
/// when the thread that made it ends, so this thread lives as long as the pool.
fn keep_ready(shared: &Shared, core: Option<usize>, ready: &SyncSender<Result<Worker, SandboxError>>) {
    if let Some(core) = core {
        pin(core);
    }
    loop {
        let worker = Worker::start(&shared.image, &shared.greeting, core, shared.cgroups.as_deref());
        if ready.send(worker).is_err() {
            return;
        }
    }
}

/// Pins the calling thread, and so what it starts, to one processor. Where that fails, the sandboxed
/// process's own attempt says so.
fn pin(core: usize) {
    // SAFETY: a processor set is plain data for which all-zero is valid.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `core` came from a set of the same size; `set` is ours.
    unsafe {
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

/// The processors this process may use; empty where the kernel does not tell.
fn cores() -> Vec<usize> {
    // SAFETY: a processor set is plain data for which all-zero is valid.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is ours and has the size given.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) } < 0 {
        return vec![];
    }
    // SAFETY: the index is below the set's capacity.
    (0..libc::CPU_SETSIZE as usize)
        .filter(|&core| unsafe { libc::CPU_ISSET(core, &set) })
        .collect()
}
