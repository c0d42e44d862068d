//! Append-only JSONL files that survive being killed, and reading records back.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::SynthError;
use crate::record::Record;

/// Calls `row` with the line number (from 1) and text of every line that isn't empty.
pub fn read_lines(
    path: &Path,
    row: &mut dyn FnMut(usize, &str) -> Result<(), SynthError>,
) -> Result<(), SynthError> {
    let file = File::open(path).map_err(SynthError::io(path))?;
    let mut reader = BufReader::new(file);
    let (mut line, mut number) = (String::new(), 0);
    loop {
        line.clear();
        if reader.read_line(&mut line).map_err(SynthError::io(path))? == 0 {
            return Ok(());
        }
        number += 1;
        if !line.trim().is_empty() {
            row(number, line.trim_end())?;
        }
    }
}

/// Reads a JSONL file of any type; a broken line is an error that names it.
pub fn read_jsonl<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Vec<T>, SynthError> {
    let mut all = Vec::new();
    read_lines(path, &mut |line, text| {
        all.push(serde_json::from_str(text).map_err(|e| SynthError::Row {
            path: path.to_owned(),
            line,
            reason: e.to_string(),
        })?);
        Ok(())
    })?;
    Ok(all)
}

/// Reads a file of records.
pub fn read_records(path: &Path) -> Result<Vec<Record>, SynthError> {
    read_jsonl(path)
}

/// One line of a durable job: what was done, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done<T> {
    /// The unit of work.
    pub key: String,
    /// Its results (perhaps none).
    pub results: Vec<T>,
}

/// A durable job's journal: one line per finished unit of work. Opened again after a crash, it drops a torn last
/// line and knows which units are done, so each unit's results are there exactly once.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    done: HashSet<String>,
}

impl Journal {
    /// Opens or creates a journal.
    pub fn open(path: &Path) -> Result<Journal, SynthError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(SynthError::io(path))?;
        let mut done = HashSet::new();
        let mut end = 0u64;
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            let length = reader
                .read_until(b'\n', &mut line)
                .map_err(SynthError::io(path))?;
            if length == 0 || line.last() != Some(&b'\n') {
                break;
            }
            number += 1;
            #[derive(Deserialize)]
            struct Key {
                key: String,
            }
            let key: Key = serde_json::from_slice(&line).map_err(|e| SynthError::Row {
                path: path.to_owned(),
                line: number,
                reason: format!("not a journal of this job: {e}"),
            })?;
            done.insert(key.key);
            end += length as u64;
        }
        file.set_len(end).map_err(SynthError::io(path))?;
        file.seek(SeekFrom::End(0)).map_err(SynthError::io(path))?;
        Ok(Journal {
            path: path.to_owned(),
            file,
            done,
        })
    }

    /// Whether a unit is done.
    pub fn is_done(&self, key: &str) -> bool {
        self.done.contains(key)
    }

    /// How many units are done.
    pub fn len(&self) -> usize {
        self.done.len()
    }

    /// Whether nothing is done yet.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty()
    }

    /// Records a finished unit; on return its line is on disk.
    pub fn append<T: Serialize>(&mut self, key: &str, results: Vec<T>) -> Result<(), SynthError> {
        let mut line = serde_json::to_vec(&Done {
            key: key.to_owned(),
            results,
        })
        .map_err(|e| SynthError::Option(e.to_string()))?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .and_then(|()| self.file.sync_data())
            .map_err(SynthError::io(&self.path))?;
        self.done.insert(key.to_owned());
        Ok(())
    }

    /// All results so far, in the order in which their units were finished.
    pub fn results<T: for<'a> Deserialize<'a>>(&self) -> Result<Vec<T>, SynthError> {
        Ok(read_jsonl::<Done<T>>(&self.path)?
            .into_iter()
            .flat_map(|d| d.results)
            .collect())
    }
}

/// Writes records as JSONL under a temporary name and renames the file when it is complete.
pub struct JsonlWriter {
    path: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
}

impl JsonlWriter {
    /// Begins a file.
    pub fn create(path: &Path) -> Result<JsonlWriter, SynthError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        let partial = PathBuf::from(name);
        let file = File::create(&partial).map_err(SynthError::io(&partial))?;
        Ok(JsonlWriter {
            path: path.to_owned(),
            partial,
            out: BufWriter::with_capacity(1 << 20, file),
        })
    }

    /// Adds a row.
    pub fn write<T: Serialize>(&mut self, row: &T) -> Result<(), SynthError> {
        serde_json::to_writer(&mut self.out, row)
            .map_err(std::io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(SynthError::io(&self.partial))
    }

    /// Completes the file.
    pub fn finish(mut self) -> Result<(), SynthError> {
        self.out
            .flush()
            .and_then(|()| self.out.get_ref().sync_all())
            .map_err(SynthError::io(&self.partial))?;
        std::fs::rename(&self.partial, &self.path).map_err(SynthError::io(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_done_again_and_nothing_twice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        journal.append("a", vec![1, 2]).unwrap();
        journal.append("b", vec![3]).unwrap();
        drop(journal);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        let mut journal = Journal::open(&path).unwrap();
        assert!(journal.is_done("a") && !journal.is_done("b"));
        journal.append("b", vec![3]).unwrap();
        assert_eq!(journal.results::<i32>().unwrap(), vec![1, 2, 3]);
    }
}
