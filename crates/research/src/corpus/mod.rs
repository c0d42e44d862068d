//! A folder as a source: crawled into an index that is brought up to date before it is searched.
//!
//! | file | what to change there |
//! |---|---|
//! | `crawl` | which files there are |
//! | `manifest` | which of them the index holds |
//! | `index` | the full-text index and its ranking |
//! | `vectors` | likeness in meaning, by a model's vectors |

mod crawl;
mod index;
mod manifest;
mod vectors;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use strawberry_core::Model;

use crate::passage::Passage;
use crate::source::{Found, Source, SourceError, fuse};
use crate::text::file;
use index::PassageIndex;
use manifest::{Entry, FORMAT, Manifest};
use vectors::Vectors;

/// Files read at once; between such groups the index may be committed.
const GROUP: usize = 512;
/// Passages after which the index is committed, so that a kill costs little.
const COMMIT_EVERY: u64 = 50_000;

/// Why a corpus can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CorpusError(String);

/// What bringing an index up to date did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Crawl {
    /// Files in the folder.
    pub files: usize,
    /// Files read now, because they are new or changed.
    pub read: usize,
    /// Files that were gone.
    pub removed: usize,
    /// Passages made now.
    pub passages: u64,
    /// Bytes of text in them.
    pub text_bytes: u64,
    /// Files without text and files of which something was left out, over the whole folder: (name, remark).
    pub remarks: Vec<(String, String)>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// A folder with its index.
pub struct Corpus {
    root: PathBuf,
    folder: PathBuf,
    index: PassageIndex,
    manifest: Manifest,
    vectors: Option<Vectors>,
}

impl Corpus {
    /// Opens the corpus in `root`, whose index is kept below `home`, and brings the index up to date:
    /// only new and changed files are read. `progress` is told files done and files to do.
    ///
    /// # Errors
    /// The folder can't be read or has no text at all, or the index can't be written.
    pub fn open(
        root: &Path,
        home: &Path,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<(Corpus, Crawl), CorpusError> {
        let shown = root.display();
        let root = root
            .canonicalize()
            .map_err(|e| CorpusError(format!("can't read the corpus '{shown}': {e}")))?;
        if !root.is_dir() {
            return Err(CorpusError(format!(
                "the corpus '{shown}' is no folder: give the folder the file is in"
            )));
        }
        let name: String = Sha256::digest(root.as_os_str().as_encoded_bytes())[..12]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let folder = home.join("index").join(name);
        let failed = |e: &dyn std::fmt::Display| {
            CorpusError(format!(
                "the index of '{shown}' in '{}' can't be used: {e}",
                folder.display()
            ))
        };
        let manifest = Manifest::load(&folder);
        if manifest.is_none() && folder.exists() {
            // Another format, or a first run that was killed before its first commit.
            std::fs::remove_dir_all(&folder).map_err(|e| failed(&e))?;
        }
        std::fs::create_dir_all(&folder).map_err(|e| failed(&e))?;
        let index = PassageIndex::open(&folder).map_err(|e| failed(&e))?;
        let mut corpus = Corpus {
            root,
            folder,
            index,
            manifest: manifest.unwrap_or(Manifest {
                format: FORMAT,
                ..Manifest::default()
            }),
            vectors: None,
        };
        let crawl = corpus
            .update(progress)
            .map_err(|e| CorpusError(format!("the index of '{shown}': {e}")))?;
        if corpus.index.len() == 0 {
            let first = crawl
                .remarks
                .iter()
                .take(3)
                .map(|(n, r)| format!("{n}: {r}"))
                .collect::<Vec<_>>()
                .join("; ");
            return Err(CorpusError(format!(
                "the corpus '{shown}' has no text: {} files{}{first}",
                crawl.files,
                if first.is_empty() { "" } else { "; " }
            )));
        }
        Ok((corpus, crawl))
    }

    /// Lets searches find by meaning too: makes the vectors that passages lack (once; they are kept), and fuses both
    /// rankings from now on. `progress` is told passages done and to do.
    ///
    /// # Errors
    /// The model does not embed, or the index can't be read or written.
    pub fn embed(
        &mut self,
        model: Arc<dyn Model>,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<(), CorpusError> {
        let failed = |e: String| CorpusError(format!("vectors for '{}': {e}", self.root.display()));
        let passages = self.index.all().map_err(|e| failed(e.to_string()))?;
        self.vectors = Some(Vectors::complete(&self.folder, model, &passages, progress).map_err(failed)?);
        Ok(())
    }

    /// How many passages there are.
    pub fn len(&self) -> u64 {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The folder of the index.
    pub fn index_folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes of text in all passages.
    pub fn text_bytes(&self) -> u64 {
        self.manifest.files.values().map(|e| e.text_bytes).sum()
    }

    /// The `most` best passages for `query`, best first; of passages that say the same only the best one.
    ///
    /// # Errors
    /// The index can't be read.
    pub fn find(&self, query: &str, most: usize) -> Result<Vec<Passage>, SourceError> {
        let candidates = most * 3 + 10;
        let found = self
            .index
            .search(query, candidates)
            .map_err(|e| self.unreadable(&e))?;
        let mut found: Vec<Passage> = found.into_iter().map(|(_, p)| p).collect();
        if let Some(vectors) = &self.vectors {
            let ids = vectors
                .search(query, candidates)
                .map_err(|e| SourceError(e.to_string()))?;
            let mut alike = Vec::new();
            for id in ids {
                alike.extend(self.passage(&id)?);
            }
            found = fuse(vec![found, alike], candidates);
        }
        let mut kept = crate::similar::distinct(found);
        kept.truncate(most);
        Ok(kept)
    }

    /// The passage with this id, if there is one.
    ///
    /// # Errors
    /// The index can't be read.
    pub fn passage(&self, id: &str) -> Result<Option<Passage>, SourceError> {
        self.index.get(id).map_err(|e| self.unreadable(&e))
    }

    fn unreadable(&self, error: &tantivy::TantivyError) -> SourceError {
        SourceError(format!(
            "the index of '{}' can't be read: {error}",
            self.root.display()
        ))
    }

    fn update(
        &mut self,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Crawl, Box<dyn std::error::Error>> {
        let start = Instant::now();
        let mut crawl = Crawl::default();
        let mut unlisted = Vec::new();
        let files = crawl::files(&self.root, &mut unlisted);
        crawl.files = files.len();
        let listed: std::collections::BTreeSet<&str> = files.iter().map(|f| f.name.as_str()).collect();
        let gone: Vec<String> = self
            .manifest
            .files
            .keys()
            .filter(|n| !listed.contains(n.as_str()))
            .cloned()
            .collect();
        let open: Vec<&crawl::Listed> = files
            .iter()
            .filter(|f| !self.manifest.files.get(&f.name).is_some_and(|e| e.is(f)))
            .collect();
        (crawl.removed, crawl.read) = (gone.len(), open.len());
        if !gone.is_empty() || !open.is_empty() {
            let mut writer = self.index.writer()?;
            for name in &gone {
                self.index.forget(&writer, name);
                self.manifest.files.remove(name);
            }
            let mut uncommitted = 0;
            for (group, files) in open.chunks(GROUP).enumerate() {
                progress(group * GROUP, open.len());
                files.iter().for_each(|f| self.index.forget(&writer, &f.name));
                let failure: Mutex<Option<tantivy::TantivyError>> = Mutex::new(None);
                let entries: Vec<Entry> = files
                    .par_iter()
                    .map(|listed| {
                        self.read(listed, &mut |passage| {
                            if let Err(error) = self.index.add(&writer, &listed.name, passage)
                                && let Ok(mut slot) = failure.lock()
                            {
                                *slot = Some(error);
                            }
                        })
                    })
                    .collect();
                if let Ok(Some(error)) = failure.into_inner() {
                    return Err(error.into());
                }
                for (listed, entry) in files.iter().zip(entries) {
                    crawl.passages += entry.passages;
                    crawl.text_bytes += entry.text_bytes;
                    uncommitted += entry.passages;
                    self.manifest.files.insert(listed.name.clone(), entry);
                }
                if uncommitted >= COMMIT_EVERY {
                    writer.commit()?;
                    self.manifest.save(&self.folder)?;
                    uncommitted = 0;
                }
            }
            writer.commit()?;
            writer.wait_merging_threads()?;
            // After the index: a file that is in the index but not here is read again, and its old passages go.
            self.manifest.save(&self.folder)?;
            self.index.reload()?;
            progress(open.len(), open.len());
        }
        crawl.remarks = unlisted;
        let remarks = self
            .manifest
            .files
            .iter()
            .filter_map(|(n, e)| Some((n.clone(), e.remark.clone()?)));
        crawl.remarks.extend(remarks);
        crawl.seconds = start.elapsed().as_secs_f64();
        Ok(crawl)
    }

    fn read(&self, listed: &crawl::Listed, sink: &mut dyn FnMut(&Passage)) -> Entry {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as u64);
        let mut entry = Entry {
            size: listed.size,
            changed_ns: listed.changed_ns,
            ..Entry::default()
        };
        let result = file::read(&self.root.join(&listed.name), &listed.name, &mut |document| {
            for passage in document.passages(now) {
                entry.passages += 1;
                entry.text_bytes += passage.text.len() as u64;
                sink(&passage);
            }
        });
        entry.remark = match result {
            Ok(remark) => remark,
            Err(why) => Some(why),
        };
        entry
    }
}

impl Source for Corpus {
    fn name(&self) -> String {
        self.root.display().to_string()
    }

    fn fingerprint(&self) -> String {
        let vectors = self.vectors.as_ref().map_or("", |_| "+vectors");
        format!("{}{vectors}", self.manifest.fingerprint())
    }

    fn search<'a>(&'a self, query: &'a str, most: usize) -> BoxFuture<'a, Result<Found, SourceError>> {
        Box::pin(async move {
            Ok(Found {
                passages: self.find(query, most)?,
                pages: Vec::new(),
            })
        })
    }
}
