//! Overlap with files that must not be trained on: test sets.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::SynthError;
use crate::quality::{hash, ngrams};

/// A row that shares a run of this many words is dropped.
pub const DROP: usize = 13;
/// A row that shares a run of this many words is counted.
pub const FLAG: usize = 8;
/// The largest file read, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// What a question has in common with the banned texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overlap {
    /// Nothing of note.
    None,
    /// A run of [`FLAG`] words.
    Flagged,
    /// A run of [`DROP`] words, or a whole banned text that is shorter than that.
    Banned,
}

/// Hashes of word runs of banned texts; the texts themselves aren't kept.
#[derive(Debug, Default)]
pub struct BanList {
    drop: HashSet<u64>,
    flag: HashSet<u64>,
    whole: HashSet<u64>,
    /// How many texts were read.
    pub texts: usize,
    /// From which files.
    pub files: Vec<PathBuf>,
}

/// The words of a text in lower case, without punctuation and without words that contain digits.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .map(|w| w.replace('\'', "").to_lowercase())
        .filter(|w| !w.is_empty() && !w.chars().any(|c| c.is_ascii_digit()))
        .collect()
}

impl BanList {
    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        let words = words(text);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words.is_empty() {
            return;
        }
        self.texts += 1;
        self.drop.extend(ngrams(&words, DROP));
        self.flag.extend(ngrams(&words, FLAG));
        if (5..DROP).contains(&words.len()) {
            self.whole.insert(hash(words.join(" ").as_bytes()));
        }
    }

    /// What a text has in common with the list.
    pub fn overlap(&self, text: &str) -> Overlap {
        let words = words(text);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if ngrams(&words, DROP).iter().any(|h| self.drop.contains(h))
            || self.whole.contains(&hash(words.join(" ").as_bytes()))
        {
            Overlap::Banned
        } else if ngrams(&words, FLAG).iter().any(|h| self.flag.contains(h)) {
            Overlap::Flagged
        } else {
            Overlap::None
        }
    }

    /// Adds every `.jsonl`, `.json`, `.csv` and `.txt` file under a path. Of JSON, every string is a text; of CSV, every field; of plain text,
    /// every line.
    pub fn add_path(&mut self, path: &Path) -> Result<(), SynthError> {
        let meta = fs::metadata(path).map_err(SynthError::io(path))?;
        if meta.is_dir() {
            let mut entries: Vec<PathBuf> = fs::read_dir(path)
                .map_err(SynthError::io(path))?
                .filter_map(Result::ok)
                .map(|e| e.path())
                .collect();
            entries.sort();
            for entry in entries {
                let known = entry
                    .extension()
                    .is_some_and(|e| ["jsonl", "json", "csv", "txt"].iter().any(|k| e == *k));
                if known || entry.is_dir() {
                    self.add_path(&entry)?;
                }
            }
            return Ok(());
        }
        if meta.len() > MAX_FILE {
            return Err(SynthError::Option(format!(
                "{}: larger than 1 GiB; split it",
                path.display()
            )));
        }
        let text = fs::read_to_string(path).map_err(SynthError::io(path))?;
        let row = |line: usize, reason: String| SynthError::Row {
            path: path.to_owned(),
            line,
            reason,
        };
        match path.extension().and_then(|e| e.to_str()) {
            Some("jsonl") => {
                for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
                    let value: Value = serde_json::from_str(line).map_err(|e| row(i + 1, e.to_string()))?;
                    self.add_json(&value);
                }
            }
            Some("json") => {
                let value: Value = serde_json::from_str(&text).map_err(|e| row(e.line(), e.to_string()))?;
                self.add_json(&value);
            }
            Some("csv") => {
                for (i, record) in csv::Reader::from_reader(text.as_bytes()).records().enumerate() {
                    let record = record.map_err(|e| row(i + 2, e.to_string()))?;
                    record.iter().for_each(|field| self.add(field));
                }
            }
            _ => text.lines().for_each(|line| self.add(line)),
        }
        self.files.push(path.to_owned());
        Ok(())
    }

    fn add_json(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(all) => all.iter().for_each(|v| self.add_json(v)),
            Value::Object(all) => all.values().for_each(|v| self.add_json(v)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "Sam walked 12 miles to the old mill by the river and then rowed a small boat back home in 3 hours.";

    #[test]
    fn numbers_and_punctuation_do_not_hide_an_overlap() {
        let mut list = BanList::default();
        list.add(TEXT);
        list.add("How many apples are there now?");
        let other = TEXT
            .replace("12", "95")
            .replace("3 hours", "half an hour")
            .to_uppercase();
        assert_eq!(list.overlap(&other), Overlap::Banned);
        assert_eq!(
            list.overlap("One day Ann walked to the old mill by the river and then slept."),
            Overlap::Flagged
        );
        assert_eq!(list.overlap("Tom has 3 apples."), Overlap::None);
        assert_eq!(list.overlap("How many apples are there now?"), Overlap::Banned);
    }

    #[test]
    fn reads_files_and_says_which_line_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        fs::write(&path, format!("{{\"question\": \"{TEXT}\", \"n\": 3}}\n")).unwrap();
        fs::write(
            dir.path().join("b.csv"),
            "Body,Ques\n\"A, b\",\"Which words of this sentence are in here?\"\n",
        )
        .unwrap();
        let mut list = BanList::default();
        list.add_path(dir.path()).unwrap();
        assert_eq!((list.overlap(TEXT), list.files.len()), (Overlap::Banned, 2));
        fs::write(&path, "{}\n{broken\n").unwrap();
        let error = list.add_path(&path).unwrap_err().to_string();
        assert!(error.contains("a.jsonl, line 2"), "{error}");
    }
}
