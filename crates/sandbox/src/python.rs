//! The Python interpreter: where it is, what it needs, and the harness it runs.

use std::ffi::CString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::error::SandboxError;
use crate::limits::Limits;
use crate::root::{Root, c_string};
use crate::seccomp;
use crate::spawn::{Executable, Image};

/// The harness, in the order its parts need one another.
const HARNESS: [&str; 4] = [
    include_str!("python/codec.py"),
    include_str!("python/program.py"),
    include_str!("python/judge.py"),
    include_str!("python/main.py"),
];
/// Reads the compiled harness from descriptor 3 and becomes it.
const BOOTSTRAP: &str = "import os,marshal\nn=int(os.read(3,8))\nb=b''\nwhile len(b)<n:b+=os.read(3,n-len(b))\nexec(marshal.loads(b))";
const OLDEST: [u32; 2] = [3, 8];

/// A usable interpreter.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Python {
    /// The real path of the executable.
    pub executable: PathBuf,
    /// Major, minor, micro.
    pub version: [u32; 3],
    implementation: String,
    /// What the executable needs: standard library, shared libraries, the loader and its cache.
    paths: Vec<PathBuf>,
    /// Where a shared `libpython` is: the loader can't find it beside the executable without `/proc`.
    library_path: Vec<String>,
    /// The compiled harness, in hexadecimal.
    harness: String,
}

impl Python {
    /// Asks the interpreter `wanted` (a path, or a name on the `PATH`) about itself.
    pub(crate) fn find(wanted: &Path) -> Result<Python, SandboxError> {
        let missing = |why: String| {
            SandboxError::MissingTool(format!(
                "no usable Python interpreter '{}': {why}; install Python 3.8 or later, or name another",
                wanted.display()
            ))
        };
        let mut child = Command::new(wanted)
            .args(["-s", "-B", "-c", include_str!("python/discover.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| missing(e.to_string()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // An interpreter that does not read it says why on standard error.
            let _ = stdin.write_all(HARNESS.join("\n").as_bytes());
        }
        let output = child.wait_with_output().map_err(|e| missing(e.to_string()))?;
        if !output.status.success() {
            return Err(missing(
                String::from_utf8_lossy(&output.stderr)
                    .trim()
                    .chars()
                    .take(500)
                    .collect(),
            ));
        }
        let python: Python = serde_json::from_slice(&output.stdout)
            .map_err(|e| missing(format!("it answered nonsense: {e}")))?;
        if python.implementation != "cpython" || python.version[..2] < OLDEST[..] {
            return Err(missing(format!(
                "it is {} {:?}",
                python.implementation, python.version
            )));
        }
        Ok(python)
    }

    /// The message that makes a fresh interpreter the harness.
    pub(crate) fn greeting(&self) -> Vec<u8> {
        let code: Vec<u8> = (0..self.harness.len() / 2)
            .filter_map(|i| u8::from_str_radix(self.harness.get(2 * i..2 * i + 2)?, 16).ok())
            .collect();
        let mut message = format!("{:<8}", code.len()).into_bytes();
        message.extend(code);
        message
    }

    /// A sandbox image of this interpreter with `also` readable and shared libraries of `libraries` found.
    pub(crate) fn image(
        &self,
        limits: Limits,
        also: &[PathBuf],
        libraries: Option<&str>,
    ) -> Result<Image, SandboxError> {
        let mut paths = vec![self.executable.clone()];
        paths.extend(self.paths.iter().cloned());
        paths.extend(also.iter().cloned());
        let executable = c_string(&self.executable)?;
        let strings =
            |list: &[&str]| -> Vec<CString> { list.iter().filter_map(|s| CString::new(*s).ok()).collect() };
        let mut args = vec![executable.clone()];
        args.extend(strings(&["-s", "-S", "-B", "-c", BOOTSTRAP]));
        let mut env = strings(&[
            "PATH=/usr/bin:/bin",
            "HOME=/tmp",
            "TMPDIR=/tmp",
            "LANG=C.UTF-8",
            "PYTHONUTF8=1",
            "PYTHONHASHSEED=0",
            "TZ=UTC",
        ]);
        let libraries: Vec<&str> = self
            .library_path
            .iter()
            .map(String::as_str)
            .chain(libraries)
            .collect();
        if !libraries.is_empty() {
            env.extend(CString::new(format!("LD_LIBRARY_PATH={}", libraries.join(":"))));
        }
        Ok(Image {
            root: Root::of(&paths)?,
            executable: Executable::Path(executable),
            args,
            env,
            limits,
            address_space: limits.memory,
            filter: seccomp::program()?,
        })
    }
}
