//! Embeds the web app, when `make web` has built it.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut list = String::from("&[\n");
    for folder in ["", "assets/"] {
        let Ok(files) = fs::read_dir(dist.join(folder)) else {
            continue;
        };
        let mut files: Vec<_> = files.collect::<io::Result<_>>()?;
        files.sort_by_key(fs::DirEntry::file_name);
        for file in files.iter().filter(|f| f.path().is_file()) {
            let name = format!("{folder}{}", file.file_name().display());
            writeln!(
                list,
                "({name:?}, include_bytes!({:?}).as_slice()),",
                fs::canonicalize(file.path())?
            )
            .map_err(io::Error::other)?;
        }
    }
    list.push(']');
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("web.rs"), list)
}
