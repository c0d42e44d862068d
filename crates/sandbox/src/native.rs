//! C and Rust: compiled in one sandbox, run in another.
//!
//! The compiler sees the toolchain and nothing else. Programs are linked statically, handed over in
//! memory, and run in a root that holds no file at all.

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::Command;

use crate::cases::{Script, finish};
use crate::check::Language;
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::pool::Shared;
use crate::report::{CodeReport, Outcome, tail};
use crate::root::Root;
use crate::seccomp;
use crate::spawn::{Executable, Image};
use crate::worker::Worker;

/// Runs the compiler and writes the program it made to standard output.
const DRIVER: &str = r#"
import subprocess, sys
result = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, capture_output=True)
if result.returncode != 0:
    sys.stderr.buffer.write(result.stderr[:8000])
    sys.exit(1)
sys.stdout.buffer.write(open("program", "rb").read())
"#;

/// A compiler and the sandbox it runs in.
pub(crate) struct Toolchain {
    image: Image,
    command: Vec<String>,
    source: &'static str,
}

impl Toolchain {
    /// Finds the host's compiler for a language and sees that it makes static programs.
    pub(crate) fn find(language: Language, shared: &Shared) -> Result<Toolchain, SandboxError> {
        let (command, mut paths, libraries, source, hello) = match language {
            Language::Rust => {
                let sysroot = asked("rustc", &["--print", "sysroot"])?;
                let rustc = format!("{sysroot}/bin/rustc");
                let linker = real_gcc()?;
                let command = [
                    &rustc,
                    "--sysroot",
                    &sysroot,
                    "--edition",
                    "2021",
                    "-O",
                    "-C",
                    "target-feature=+crt-static",
                ];
                let mut command: Vec<String> = command.iter().map(|s| s.to_string()).collect();
                command.extend([
                    "-C".into(),
                    format!("linker={linker}"),
                    "-C".into(),
                    "debuginfo=0".into(),
                    "-o".into(),
                    "program".into(),
                    "main.rs".into(),
                ]);
                let libraries = Some(format!("{sysroot}/lib"));
                (
                    command,
                    vec![PathBuf::from(sysroot)],
                    libraries,
                    "main.rs",
                    "fn main() {}",
                )
            }
            _ => {
                let mut command = vec![real_gcc()?];
                command.extend(
                    ["-std=gnu17", "-O2", "-static", "-o", "program", "main.c", "-lm"].map(String::from),
                );
                (command, vec![], None, "main.c", "int main(void) { return 0; }")
            }
        };
        for system in [
            "/usr/bin",
            "/usr/lib",
            "/usr/lib64",
            "/usr/libexec",
            "/usr/include",
            "/lib",
            "/lib64",
            "/bin",
        ] {
            if PathBuf::from(system).exists() {
                paths.push(PathBuf::from(system));
            }
        }
        let image = shared
            .python
            .image(Limits::compiler(), &paths, libraries.as_deref())?;
        let toolchain = Toolchain {
            image,
            command,
            source,
        };
        match toolchain.compile(hello, shared, None)? {
            Ok(_) => Ok(toolchain),
            Err(report) => Err(SandboxError::MissingTool(format!(
                "the {language} compiler makes no static programs here (is the static C library installed?): {}",
                report.evidence
            ))),
        }
    }

    /// Compiles a source to a program in memory, or reports why not.
    pub(crate) fn compile(
        &self,
        source: &str,
        shared: &Shared,
        core: Option<usize>,
    ) -> Result<Result<File, CodeReport>, SandboxError> {
        let worker = Worker::start(&self.image, &shared.greeting, core, shared.cgroups.as_deref())?;
        let args: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let script = Script::new(DRIVER, &[(self.source, source)], &args);
        let done = finish(worker, Some(&script), &[], &self.image.limits);
        if let Some(report) = done.report {
            let stderr = tail(&done.captured.stderr, 2000);
            let why = if stderr.trim().is_empty() {
                report.evidence
            } else {
                stderr.trim().to_owned()
            };
            return Ok(Err(CodeReport::new(Outcome::CompileError, why)));
        }
        // SAFETY: the name is a C string; the result is checked.
        let fd = unsafe { libc::memfd_create(c"program".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(SandboxError::os(
                "a file in memory",
                std::io::Error::last_os_error(),
            ));
        }
        // SAFETY: the call succeeded, so the descriptor is ours alone.
        let mut file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
        file.write_all(&done.captured.stdout)
            .map_err(|e| SandboxError::os("a file in memory", e))?;
        // Executing needs that no one has it open for writing.
        let read_only = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
            .map_err(|e| SandboxError::os("a file in memory", e))?;
        Ok(Ok(read_only))
    }

    /// The sandbox image of a compiled program.
    pub(crate) fn image(&self, program: File, limits: Limits) -> Result<Image, SandboxError> {
        let strings =
            |list: &[&str]| -> Vec<CString> { list.iter().filter_map(|s| CString::new(*s).ok()).collect() };
        Ok(Image {
            root: Root::of(&[])?,
            executable: Executable::Memory(program.into()),
            args: strings(&["program"]),
            env: strings(&["HOME=/tmp", "TMPDIR=/tmp", "LANG=C.UTF-8", "TZ=UTC"]),
            limits,
            // So that the watch over used memory says "memory" before an allocation fails and crashes.
            address_space: limits.memory.saturating_mul(2),
            filter: seccomp::program()?,
        })
    }
}

/// The first line a host tool prints.
fn asked(tool: &str, args: &[&str]) -> Result<String, SandboxError> {
    let output = Command::new(tool)
        .args(args)
        .output()
        .map_err(|e| SandboxError::MissingTool(format!("no '{tool}' was found: {e}")))?;
    let line = String::from_utf8_lossy(&output.stdout)
        .lines()
        .next()
        .unwrap_or("")
        .trim()
        .to_owned();
    if line.is_empty() {
        Err(SandboxError::MissingTool(format!(
            "'{tool}' does not say where it is"
        )))
    } else {
        Ok(line)
    }
}

/// The C compiler's real path: the new root has no `/etc/alternatives`.
fn real_gcc() -> Result<String, SandboxError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|dir| [dir.join("gcc"), dir.join("cc")])
        .find_map(|candidate| candidate.canonicalize().ok())
        .map(|p| p.display().to_string())
        .ok_or_else(|| SandboxError::MissingTool("no C compiler (gcc or cc) was found on the PATH".into()))
}
