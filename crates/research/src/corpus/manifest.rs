//! What an index holds: the files it was made from, so that the next run reads only what changed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::crawl::Listed;

/// The version of index, manifest and readers of files. An index of another version is made anew.
pub(crate) const FORMAT: u32 = 3;
const FILE: &str = "manifest.json";

/// One file of the corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub size: u64,
    pub changed_ns: u64,
    /// Passages made from it.
    pub passages: u64,
    /// Bytes of text in them.
    pub text_bytes: u64,
    /// Why it has none, or what was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl Entry {
    /// Whether the file still is what was read.
    pub(crate) fn is(&self, file: &Listed) -> bool {
        self.size == file.size && self.changed_ns == file.changed_ns
    }
}

/// The files of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub format: u32,
    pub files: BTreeMap<String, Entry>,
}

impl Manifest {
    /// The manifest in `folder`; `None` where there is none that can be used.
    pub(crate) fn load(folder: &Path) -> Option<Manifest> {
        let bytes = std::fs::read(folder.join(FILE)).ok()?;
        let manifest: Manifest = serde_json::from_slice(&bytes).ok()?;
        (manifest.format == FORMAT).then_some(manifest)
    }

    /// Writes it, as a whole or not at all.
    pub(crate) fn save(&self, folder: &Path) -> std::io::Result<()> {
        let part = folder.join("manifest.part");
        std::fs::write(&part, serde_json::to_vec(self)?)?;
        std::fs::rename(part, folder.join(FILE))
    }

    /// A hash of the files' names, sizes and times: two corpora with the same one hold the same passages.
    pub(crate) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for (name, entry) in &self.files {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update(entry.size.to_le_bytes());
            hash.update(entry.changed_ns.to_le_bytes());
        }
        hash.finalize()[..16].iter().map(|b| format!("{b:02x}")).collect()
    }
}
