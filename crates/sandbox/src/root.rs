//! The minimal root a sandboxed process sees: read-only binds of named host paths, nothing else.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::SandboxError;

/// Where the host's tree hangs while the new root is being filled.
pub(crate) const OLD_ROOT: &str = "/.host";
/// Devices a program may use.
const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// One bind mount, as C strings ready for use after `clone`.
pub(crate) struct Bind {
    /// The host's path below [`OLD_ROOT`].
    pub source: CString,
    /// The path in the new root.
    pub target: CString,
}

/// What to make in an empty root, in order: directories, empty files and links, binds.
pub(crate) struct Root {
    pub directories: Vec<CString>,
    pub files: Vec<CString>,
    /// (link text, link path).
    pub links: Vec<(CString, CString)>,
    pub binds: Vec<Bind>,
    pub devices: Vec<Bind>,
}

impl Root {
    /// A root holding `paths` at the places they have on the host. Symbolic links on the way to a path
    /// are made again, so that both spellings work.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Root, SandboxError> {
        let mut plan = Plan::default();
        for path in paths {
            plan.add(path, 0)?;
        }
        plan.directory(Path::new("/tmp"));
        plan.directory(Path::new("/dev"));
        plan.links
            .insert((PathBuf::from("/tmp"), PathBuf::from("/dev/shm")));
        // A path below another bound directory is already there.
        let bound: Vec<PathBuf> = plan.binds.iter().cloned().collect();
        let inside = |p: &Path| bound.iter().any(|b| p != b && p.starts_with(b));
        plan.binds.retain(|p| !inside(p));
        plan.directories.retain(|p| !inside(p));
        plan.links.retain(|(_, p)| !inside(p));
        let mut files = Vec::new();
        let mut directories = plan.directories;
        for path in &plan.binds {
            if path.is_dir() {
                directories.insert(path.clone());
            } else {
                files.push(c_string(path)?);
            }
        }
        let mut devices = Vec::new();
        for device in DEVICES {
            files.push(c_string(Path::new(device))?);
            devices.push(bind(Path::new(device))?);
        }
        Ok(Root {
            directories: directories
                .iter()
                .map(|p| c_string(p))
                .collect::<Result<_, _>>()?,
            files,
            links: plan
                .links
                .iter()
                .map(|(to, at)| Ok((c_string(to)?, c_string(at)?)))
                .collect::<Result<_, SandboxError>>()?,
            binds: plan.binds.iter().map(|p| bind(p)).collect::<Result<_, _>>()?,
            devices,
        })
    }
}

#[derive(Default)]
struct Plan {
    directories: BTreeSet<PathBuf>,
    links: BTreeSet<(PathBuf, PathBuf)>,
    binds: BTreeSet<PathBuf>,
}

impl Plan {
    /// The parents of `path`, outermost first (the set's order), without the root itself.
    fn directory(&mut self, path: &Path) {
        for parent in path.ancestors().filter(|p| p.parent().is_some()) {
            self.directories.insert(parent.to_path_buf());
        }
    }

    fn add(&mut self, path: &Path, depth: u32) -> Result<(), SandboxError> {
        if !path.is_absolute() || depth > 20 {
            return Err(SandboxError::Setup(format!(
                "{} is not an absolute path without link loops",
                path.display()
            )));
        }
        let mut walked = PathBuf::from("/");
        let parts: Vec<_> = path.components().skip(1).collect();
        for (i, part) in parts.iter().enumerate() {
            walked.push(part);
            let Ok(link) = std::fs::read_link(&walked) else {
                continue;
            };
            let parent = walked.parent().unwrap_or(Path::new("/")).to_path_buf();
            self.directory(&parent);
            let target = normal(&parent.join(&link));
            self.links.insert((link, walked));
            let rest: PathBuf = parts[i + 1..].iter().collect();
            return self.add(
                &if rest.as_os_str().is_empty() {
                    target
                } else {
                    target.join(rest)
                },
                depth + 1,
            );
        }
        if !walked.exists() {
            return Err(SandboxError::Setup(format!("{} does not exist", path.display())));
        }
        if let Some(parent) = walked.parent() {
            self.directory(parent);
        }
        self.binds.insert(walked);
        Ok(())
    }
}

/// A path without `.` and `..`, by text.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::from("/");
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => out.push(name),
            std::path::Component::ParentDir => {
                out.pop();
            }
            _ => {}
        }
    }
    out
}

fn bind(path: &Path) -> Result<Bind, SandboxError> {
    let mut source = PathBuf::from(OLD_ROOT);
    source.extend(path.components().skip(1));
    Ok(Bind {
        source: c_string(&source)?,
        target: c_string(path)?,
    })
}

/// A path as a C string.
pub(crate) fn c_string(path: &Path) -> Result<CString, SandboxError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| SandboxError::Setup(format!("{} contains a NUL byte", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_made_again_and_its_target_bound() {
        let dir = std::env::temp_dir().join(format!("strawberry-root-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("real/sub")).unwrap();
        let _ = std::os::unix::fs::symlink("real", dir.join("alias"));
        let root = Root::of(&[dir.join("alias/sub"), dir.join("real")]).unwrap();
        let real = std::fs::canonicalize(dir.join("real")).unwrap();
        assert_eq!(root.binds.len(), 1);
        assert_eq!(root.binds[0].target, c_string(&real).unwrap());
        assert!(
            root.links
                .iter()
                .any(|(to, at)| to.as_bytes() == b"real" && at.as_bytes().ends_with(b"/alias"))
        );
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_missing_or_relative_path_is_refused() {
        assert!(Root::of(&[PathBuf::from("/no/such/path")]).is_err());
        assert!(Root::of(&[PathBuf::from("etc")]).is_err());
    }
}
