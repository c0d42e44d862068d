//! The files of a folder.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Folders deeper than this are left out.
const MOST_DEPTH: usize = 64;

/// A file as the folder lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its path inside the folder, with `/`.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was changed, in nanoseconds since the Unix epoch.
    pub changed_ns: u64,
}

/// All regular files below `root`, by name. Hidden files and folders and symbolic links are left out, so that
/// there are no cycles and nothing outside the folder is read; so are folders that can't be listed, which
/// `unreadable` collects.
pub(crate) fn files(root: &Path, unreadable: &mut Vec<(String, String)>) -> Vec<Listed> {
    let mut found = Vec::new();
    let mut folders: Vec<(PathBuf, usize)> = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let shown = || folder.strip_prefix(root).unwrap_or(&folder).display().to_string();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                unreadable.push((shown(), format!("can't be listed: {error}")));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) else {
                unreadable.push((path.display().to_string(), "its name is not UTF-8".to_owned()));
                continue;
            };
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            let Ok(kind) = entry.file_type() else { continue };
            if hidden || kind.is_symlink() {
                continue;
            }
            if kind.is_dir() {
                if depth < MOST_DEPTH && entry.file_name() != "node_modules" {
                    folders.push((path, depth + 1));
                }
            } else if kind.is_file()
                && let Ok(data) = entry.metadata()
            {
                let changed = data
                    .modified()
                    .ok()
                    .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
                found.push(Listed {
                    name: name.to_owned(),
                    size: data.len(),
                    changed_ns: changed.map_or(0, |d| d.as_nanos() as u64),
                });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}
