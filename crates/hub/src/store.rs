//! The folder of models.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::HubError;
use crate::web::Repository;
use crate::{package, path};

/// The name under which the default model is kept.
const DEFAULT: &str = "SmolLM2-135M-Instruct";
/// The default model's file.
const DEFAULT_FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
/// Where the default model comes from on the hub, if no package client has it.
const DEFAULT_REPO: &str = "HuggingFaceTB/SmolLM2-135M-Instruct";

/// What a fetch is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It began something.
    Step(String),
    /// It has some bytes of a file.
    Bytes {
        /// The file.
        file: String,
        /// Bytes so far.
        done: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
    },
}

/// A model on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredModel {
    /// The name it is asked for by.
    pub name: String,
    /// The file or folder to load.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The folder of models.
#[derive(Clone, Debug)]
pub struct Hub {
    root: PathBuf,
}

impl Hub {
    /// The folder `models` below [`data_dir`](crate::data_dir); it need not exist yet.
    ///
    /// # Errors
    /// No home folder is known.
    pub fn open() -> Result<Hub, HubError> {
        Ok(Hub {
            root: path::data_dir()?.join("models"),
        })
    }

    /// The models there are, by name.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn list(&self) -> Result<Vec<StoredModel>, HubError> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(HubError::io("can't read", &self.root, e)),
        };
        let mut models: Vec<StoredModel> = entries
            .flatten()
            .filter_map(|entry| self.stored(&entry.path()))
            .collect();
        models.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(models)
    }

    /// The file or folder that `spec` names: `default`, a path, a fetched model's name, or a Hugging Face repo id.
    ///
    /// # Errors
    /// There is none; the message says how to get it.
    pub fn resolve(&self, spec: &str) -> Result<PathBuf, HubError> {
        let path = Path::new(spec);
        if spec != "default" && path.exists() {
            return Ok(path.to_owned());
        }
        let looks_like_path = path.is_absolute() || spec.starts_with('.') || spec.ends_with(".gguf");
        if looks_like_path {
            return Err(HubError::NotHere(format!("there is no model at {spec}")));
        }
        let folder = self.root.join(folder_name(repo_and_file(spec)?.0));
        match self.stored(&folder) {
            Some(model) => Ok(model.path),
            None => {
                let what = if spec == "default" {
                    "the default model".to_owned()
                } else {
                    format!("the model '{spec}'")
                };
                Err(HubError::NotHere(format!(
                    "{what} is not on this machine: run `strawberry model pull {spec}`"
                )))
            }
        }
    }

    /// Fetches `default` or a Hugging Face repository (`owner/name`, optionally `owner/name:file-or-quantisation`),
    /// unless it is here already, and returns what to load.
    ///
    /// # Errors
    /// No source has it or can be reached, the hash is wrong, or it can't be written.
    pub async fn pull(
        &self,
        spec: &str,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<PathBuf, HubError> {
        if let Ok(here) = self.resolve(spec) {
            return Ok(here);
        }
        let (repo, file) = repo_and_file(spec)?;
        let folder = self.root.join(folder_name(repo));
        fs::create_dir_all(&folder).map_err(|e| HubError::io("can't make the folder", &folder, e))?;
        if repo == "default" {
            let target = folder.join(DEFAULT_FILE);
            if let Err(by_package) = package::fetch(&target, progress).await {
                if !matches!(by_package, HubError::NoSource(_)) {
                    return Err(by_package);
                }
                progress(Progress::Step(format!("the hub, {DEFAULT_REPO}")));
                if let Err(by_web) = self.pull_repository(DEFAULT_REPO, None, &folder, progress).await {
                    return Err(HubError::NoSource(format!(
                        "the default model can't be fetched. By package: {by_package}. From the hub: {by_web}. \
                         Check the network, or `apt-get install python3-pip`, or give a model file with --model"
                    )));
                }
            }
        } else {
            self.pull_repository(repo, file, &folder, progress).await?;
        }
        self.resolve(spec)
    }

    async fn pull_repository(
        &self,
        repo: &str,
        file: Option<&str>,
        folder: &Path,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), HubError> {
        let repository = Repository::new(repo)?;
        for name in repository.choose(file).await? {
            let target = folder.join(Path::new(&name).file_name().unwrap_or_default());
            if !target.exists() {
                repository.fetch(&name, &target, progress).await?;
            }
        }
        Ok(())
    }

    /// Removes a fetched model and returns where it was.
    ///
    /// # Errors
    /// There is none of this name, or it can't be removed.
    pub fn rm(&self, spec: &str) -> Result<PathBuf, HubError> {
        let folder = self.root.join(folder_name(repo_and_file(spec)?.0));
        match fs::remove_dir_all(&folder) {
            Ok(()) => Ok(folder),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(HubError::NotHere(format!(
                "no fetched model '{spec}': `strawberry model list` shows what there is"
            ))),
            Err(e) => Err(HubError::io("can't remove", &folder, e)),
        }
    }

    /// The model in a folder, if a whole one is there.
    fn stored(&self, folder: &Path) -> Option<StoredModel> {
        let files: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|e| e.path()).collect();
        let ends = |p: &&PathBuf, ending: &str| p.extension().is_some_and(|e| e == ending);
        let path = match files.iter().find(|p| ends(p, "gguf")) {
            Some(gguf) => gguf.clone(),
            None => {
                let whole = files.iter().any(|p| ends(&p, "safetensors"))
                    && files
                        .iter()
                        .any(|p| p.file_name().is_some_and(|n| n == "config.json"))
                    && !files.iter().any(|p| ends(&p, "part"));
                whole.then(|| folder.to_owned())?
            }
        };
        let size = |p: &PathBuf| fs::metadata(p).map_or(0, |m| m.len());
        let bytes = if path.is_file() {
            size(&path)
        } else {
            files.iter().map(size).sum()
        };
        let name = folder.file_name()?.to_str()?.replace("--", "/");
        Some(StoredModel { name, path, bytes })
    }
}

/// Splits `owner/name:file` and refuses what can be no name.
fn repo_and_file(spec: &str) -> Result<(&str, Option<&str>), HubError> {
    let (repo, file) = spec
        .split_once(':')
        .map_or((spec, None), |(repo, file)| (repo, Some(file)));
    let part = |p: &str| {
        !p.is_empty()
            && !p.starts_with('.')
            && p.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let parts: Vec<&str> = repo.split('/').collect();
    if parts.len() > 2 || !parts.iter().all(|p| part(p)) {
        return Err(HubError::BadName(spec.to_owned()));
    }
    Ok((repo, file))
}

fn folder_name(repo: &str) -> String {
    if repo == "default" {
        DEFAULT.to_owned()
    } else {
        repo.replace('/', "--")
    }
}

/// SHA-256 of a file in hexadecimal digits.
pub(crate) fn hash_file(path: &Path) -> Result<String, HubError> {
    let failed = |e| HubError::io("can't read", path, e);
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut HashWriter(&mut hash)).map_err(failed)?;
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub() -> (tempfile::TempDir, Hub) {
        let dir = tempfile::tempdir().unwrap();
        let hub = Hub {
            root: dir.path().join("models"),
        };
        (dir, hub)
    }

    #[test]
    fn a_model_is_found_once_it_is_whole() {
        let (_dir, hub) = hub();
        assert!(hub.list().unwrap().is_empty());
        assert!(
            hub.resolve("default")
                .unwrap_err()
                .to_string()
                .contains("model pull default")
        );
        let folder = hub.root.join("me--tiny");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("m.part"), "half").unwrap();
        assert!(hub.resolve("me/tiny").is_err());
        fs::write(folder.join("m.gguf"), "whole").unwrap();
        assert_eq!(hub.resolve("me/tiny").unwrap(), folder.join("m.gguf"));
        assert_eq!(hub.list().unwrap()[0].name, "me/tiny");
        hub.rm("me/tiny").unwrap();
        assert!(hub.rm("me/tiny").is_err());
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let (_dir, hub) = hub();
        for bad in ["..", "a/../b", "a/b/c", "", "x y"] {
            assert!(hub.rm(bad).is_err(), "{bad}");
        }
        assert!(
            hub.resolve("/no/such.gguf")
                .unwrap_err()
                .to_string()
                .contains("there is no model at")
        );
    }

    #[test]
    fn a_file_with_the_wrong_hash_is_not_put_in_place() {
        let (dir, _) = hub();
        let (part, target) = (dir.path().join("a.part"), dir.path().join("a.gguf"));
        fs::write(&part, "abc").unwrap();
        let error = package::put_in_place(&part, &target, Some(package::SHA256)).unwrap_err();
        assert!(matches!(error, HubError::WrongHash { .. }) && !part.exists() && !target.exists());
        fs::write(&part, "abc").unwrap();
        // SHA-256 of "abc": FIPS 180-2, appendix B.1.
        let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        package::put_in_place(&part, &target, Some(right)).unwrap();
        assert!(target.exists());
    }
}
