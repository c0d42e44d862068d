//! A cgroup (version 2) of its own for a process, where the host lets us make one.
//!
//! Optional: the sandbox is complete without it (limits of processes, and the supervisor's watch over
//! the memory of all of them together). Where the parent of our own group has the `memory` and `pids`
//! controllers enabled for its children and is writable, both limits are also the kernel's.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::Limits;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A cgroup holding one sandboxed process and its children; removed when dropped.
pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Where groups can be made, or why not.
    pub(crate) fn home() -> Result<PathBuf, String> {
        let mounts = fs::read_to_string("/proc/self/mounts").map_err(|e| e.to_string())?;
        let mount = mounts
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ').skip(1);
                Some((words.next()?, words.next()?))
            })
            .find(|(_, kind)| *kind == "cgroup2")
            .map(|(at, _)| PathBuf::from(at))
            .ok_or("no cgroup2 file system is mounted")?;
        let own = fs::read_to_string("/proc/self/cgroup").map_err(|e| e.to_string())?;
        let own = own
            .lines()
            .find_map(|l| l.strip_prefix("0::/"))
            .ok_or("this process is in no cgroup2 group")?;
        let own = mount.join(own);
        let home = if own == mount {
            own
        } else {
            own.parent().unwrap_or(&mount).to_path_buf()
        };
        let enabled = fs::read_to_string(home.join("cgroup.subtree_control"))
            .map_err(|e| format!("{}: {e}", home.display()))?;
        for needed in ["memory", "pids"] {
            if !enabled.split_whitespace().any(|c| c == needed) {
                return Err(format!(
                    "the {needed} controller is not enabled in {}",
                    home.display()
                ));
            }
        }
        Cgroup::make(&home, None).map_err(|e| format!("no group can be made in {}: {e}", home.display()))?;
        Ok(home)
    }

    /// A new group below `home`; with limits where given.
    pub(crate) fn make(home: &Path, limits: Option<&Limits>) -> std::io::Result<Cgroup> {
        let name = format!(
            "strawberry-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = home.join(name);
        fs::create_dir(&path)?;
        let group = Cgroup { path };
        if let Some(limits) = limits {
            fs::write(group.path.join("memory.max"), limits.memory.to_string())?;
            fs::write(group.path.join("pids.max"), limits.processes.to_string())?;
            // Kernels without swap accounting lack this file.
            let _ = fs::write(group.path.join("memory.swap.max"), "0");
        }
        Ok(group)
    }

    /// Puts a process into the group.
    pub(crate) fn add(&self, pid: libc::pid_t) -> std::io::Result<()> {
        fs::write(self.path.join("cgroup.procs"), pid.to_string())
    }

    /// Whether the kernel killed a process of the group for want of memory.
    pub(crate) fn out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        events
            .lines()
            .any(|l| l.strip_prefix("oom_kill ").is_some_and(|n| n.trim() != "0"))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs no controllers, only a writable cgroup2 mount, which few build hosts have.
    #[test]
    #[ignore = "needs a writable cgroup2 file system"]
    fn a_sandbox_starts_in_its_group_and_takes_it_along() {
        let python = crate::python::Python::find(Path::new("python3")).unwrap();
        let image = python.image(Limits::default(), &[], None).unwrap();
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let home = mounts
            .lines()
            .find(|l| l.contains(" cgroup2 "))
            .and_then(|l| l.split(' ').nth(1))
            .unwrap();
        let group = Cgroup::make(Path::new(home), None).unwrap();
        let path = group.path.clone();
        let worker = crate::worker::Worker::start_in(&image, &[], None, Some(group)).unwrap();
        assert_eq!(
            fs::read_to_string(path.join("cgroup.procs"))
                .unwrap()
                .lines()
                .count(),
            1
        );
        drop(worker);
        assert!(!path.exists());
    }

    #[test]
    fn a_group_leaves_nothing_behind() {
        let home = std::env::temp_dir().join(format!("strawberry-cgroup-{}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        let group = Cgroup::make(&home, None).unwrap();
        assert!(group.path.is_dir());
        fs::write(home.join("probe"), "").unwrap();
        assert!(!group.out_of_memory());
        drop(group);
        assert_eq!(fs::read_dir(&home).unwrap().count(), 1);
        fs::remove_dir_all(home).unwrap();
    }
}
