//! The adapter that comes with the program: the default model, taught short calculations (`models/`).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const NAME: &str = "smollm2-135m-steps";
const CONFIG: &[u8] = include_bytes!("../../../models/smollm2-135m-steps/adapter_config.json");
const WEIGHTS: &[u8] = include_bytes!("../../../models/smollm2-135m-steps/adapter_model.safetensors");

/// The adapter's folder below the data folder `home`, written there if this version's is not there yet.
///
/// # Errors
/// The folder can't be written.
pub fn steps(home: &Path) -> io::Result<PathBuf> {
    let folder = home.join("adapters").join(NAME);
    fs::create_dir_all(&folder)?;
    // The weights last: where they are right, all is.
    for (file, bytes) in [
        ("adapter_config.json", CONFIG),
        ("adapter_model.safetensors", WEIGHTS),
    ] {
        let path = folder.join(file);
        if fs::read(&path).is_ok_and(|there| there == bytes) {
            continue;
        }
        let part = folder.join(format!("{file}.{}.part", std::process::id()));
        let mut out = fs::File::create(&part)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&part, &path)?;
    }
    Ok(folder)
}
