//! One file of a folder: its kind, its limits, its documents.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use super::{decode, html, roff};
use crate::passage::Document;

/// Text read of one file at most, after decompression. What lies behind is left out, and said.
pub const MOST_TEXT: u64 = 16 << 20;
/// The longest line of a JSONL file.
const MOST_LINE: u64 = 4 << 20;
/// The largest PDF that is handed to the extractor.
const MOST_PDF: u64 = 256 << 20;
/// How long a PDF's text may take.
const PDF_TIME: Duration = Duration::from_secs(60);

/// Endings of files that are no text for readers.
const NOT_TEXT: [&str; 48] = [
    "png",
    "jpg",
    "jpeg",
    "gif",
    "webp",
    "ico",
    "bmp",
    "tif",
    "tiff",
    "svg",
    "eps",
    "ps",
    "mp3",
    "mp4",
    "ogg",
    "wav",
    "flac",
    "avi",
    "mkv",
    "webm",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "zip",
    "bz2",
    "xz",
    "zst",
    "7z",
    "tar",
    "tgz",
    "jar",
    "so",
    "o",
    "a",
    "exe",
    "dll",
    "bin",
    "class",
    "pyc",
    "db",
    "sqlite",
    "gguf",
    "safetensors",
    "css",
    "map",
    "lock",
    "inv",
];

/// Reads a file. Each document goes to `sink`; the result is a remark about what was left out, if anything.
///
/// # Errors
/// Why the file has no text, in a few words.
pub fn read(path: &Path, name: &str, sink: &mut dyn FnMut(Document)) -> Result<Option<String>, String> {
    let compressed = name.ends_with(".gz");
    let inner = name.strip_suffix(".gz").unwrap_or(name);
    let ending = inner
        .rsplit('/')
        .next()
        .and_then(|n| n.rsplit_once('.'))
        .map_or("", |(_, e)| e);
    let ending = ending.to_ascii_lowercase();
    if NOT_TEXT.contains(&ending.as_str()) {
        return Err("no text".to_owned());
    }
    if ending == "pdf" && !compressed {
        let (text, remark) = pdf(path)?;
        sink(document(name, "", text));
        return Ok(remark);
    }
    let file = File::open(path).map_err(|e| format!("can't be read: {e}"))?;
    let reader: Box<dyn Read> = if compressed {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    if matches!(ending.as_str(), "jsonl" | "ndjson") {
        return jsonl(BufReader::new(reader), name, sink);
    }
    let mut bytes = Vec::new();
    reader
        .take(MOST_TEXT + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("can't be read: {e}"))?;
    let more = bytes.len() as u64 > MOST_TEXT;
    bytes.truncate(MOST_TEXT as usize);
    let text = decode::text(bytes).ok_or("no text")?;
    let page = match ending.as_str() {
        "html" | "htm" | "xhtml" => {
            let (title, text) = html::text(&text);
            document(name, &title, text)
        }
        _ if roff::is(&text) => {
            let (title, text) = roff::text(&text);
            document(name, &title, text)
        }
        _ => document(name, "", text),
    };
    if page.text.trim().is_empty() {
        return Err("empty".to_owned());
    }
    sink(page);
    Ok(more.then(|| format!("only its first {} MiB were read", MOST_TEXT >> 20)))
}

/// A document; without a title of its own it takes its first heading, or its name.
fn document(name: &str, title: &str, text: String) -> Document {
    let title = if title.trim().is_empty() {
        text.lines()
            .take(5)
            .find_map(|l| l.strip_prefix("# "))
            .map_or_else(|| name.to_owned(), |t| t.trim().chars().take(200).collect())
    } else {
        title.trim().chars().take(200).collect()
    };
    Document {
        name: name.to_owned(),
        title,
        text,
    }
}

/// Every line of a JSONL file is a document, named `file#L1`, `file#L2`, …
fn jsonl(
    mut reader: impl BufRead,
    name: &str,
    sink: &mut dyn FnMut(Document),
) -> Result<Option<String>, String> {
    let (mut bad, mut good) = (0u64, 0u64);
    for number in 1u64.. {
        let mut line = Vec::new();
        let read = (&mut reader)
            .take(MOST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|e| format!("can't be read: {e}"))?;
        if read == 0 {
            break;
        }
        if read as u64 == MOST_LINE && line.last() != Some(&b'\n') {
            bad += 1;
            skip_line(&mut reader).map_err(|e| format!("can't be read: {e}"))?;
            continue;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Value>(&line) {
            Ok(value) => {
                let (title, text) = row(&value);
                if !text.trim().is_empty() {
                    good += 1;
                    sink(document(&format!("{name}#L{number}"), &title, text));
                }
            }
            Err(_) => bad += 1,
        }
    }
    match (good, bad) {
        (0, 0) => Err("empty".to_owned()),
        (0, _) => Err("no line is JSON".to_owned()),
        (_, 0) => Ok(None),
        (_, bad) => Ok(Some(format!("{bad} lines are no JSON or too long"))),
    }
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let (used, end) = match buffer.iter().position(|&b| b == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(used);
        if end {
            return Ok(());
        }
    }
}

/// Title and text of a row: the usual fields (also those of arXiv's metadata), or every string in it.
fn row(value: &Value) -> (String, String) {
    let field = |names: &[&str]| {
        names
            .iter()
            .find_map(|n| value.get(n).and_then(Value::as_str))
            .map(str::to_owned)
    };
    let title = field(&["title", "headline", "name", "question"]).unwrap_or_default();
    let text = field(&["text", "abstract", "body", "content"]).unwrap_or_else(|| match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(key, value)| match value {
                Value::String(text) => Some(format!("{key}: {text}\n")),
                Value::Number(number) => Some(format!("{key}: {number}\n")),
                _ => None,
            })
            .collect(),
        _ => String::new(),
    });
    (crate::sentence::on_one_line(&title), text)
}

/// The text of a PDF by `pdftotext`, in a process of its own: PDF is too intricate to be read in this one.
fn pdf(path: &Path) -> Result<(String, Option<String>), String> {
    if std::fs::metadata(path).is_ok_and(|m| m.len() > MOST_PDF) {
        return Err(format!("a PDF of more than {} MiB", MOST_PDF >> 20));
    }
    let mut child = Command::new("pdftotext")
        .args(["-q", "-enc", "UTF-8"])
        .arg(path)
        .arg("-")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|_| "PDF needs the program `pdftotext` (Debian and Ubuntu: poppler-utils)".to_owned())?;
    let output = child.stdout.take();
    let watch = std::thread::spawn(move || {
        let start = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if start.elapsed() < PDF_TIME => std::thread::sleep(Duration::from_millis(10)),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return None;
                }
            }
        }
    });
    let mut bytes = Vec::new();
    if let Some(output) = output {
        output
            .take(MOST_TEXT + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| e.to_string())?;
    }
    let status = watch.join().ok().flatten().ok_or("the PDF took too long")?;
    let more = bytes.len() as u64 > MOST_TEXT;
    if !status.success() && !more {
        return Err("a PDF that is damaged or encrypted".to_owned());
    }
    bytes.truncate(MOST_TEXT as usize);
    let text = String::from_utf8_lossy(&bytes).replace('\u{c}', "\n\n");
    if text.trim().is_empty() {
        return Err("a PDF without text (scanned?)".to_owned());
    }
    Ok((
        text,
        more.then(|| format!("only its first {} MiB of text were read", MOST_TEXT >> 20)),
    ))
}
