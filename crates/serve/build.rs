//! Embeds the web app, when `make web` has built it.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Asked for when it runs: where a target folder serves several checkouts, this program may come from another.
    let dist = folder("CARGO_MANIFEST_DIR")?.join("../../web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let out = folder("OUT_DIR")?;
    let mut list = String::from("&[\n");
    for folder in ["", "assets/"] {
        let Ok(files) = fs::read_dir(dist.join(folder)) else {
            continue;
        };
        let mut files: Vec<_> = files.collect::<io::Result<_>>()?;
        files.sort_by_key(fs::DirEntry::file_name);
        for (i, file) in files.iter().filter(|f| f.path().is_file()).enumerate() {
            // Copied, because the app may be built again while the compiler runs.
            let copy = out.join(format!("{}{i}", folder.replace('/', "-")));
            fs::copy(file.path(), &copy)?;
            let name = format!("{folder}{}", file.file_name().display());
            writeln!(list, "({name:?}, include_bytes!({copy:?}).as_slice()),").map_err(io::Error::other)?;
        }
    }
    list.push(']');
    fs::write(out.join("web.rs"), list)
}

/// A folder that cargo names.
fn folder(variable: &str) -> io::Result<PathBuf> {
    let folder = env::var_os(variable).map(PathBuf::from);
    folder.ok_or_else(|| io::Error::other(format!("cargo sets {variable}")))
}
