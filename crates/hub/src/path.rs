//! Where things are kept.

use std::env::var_os;
use std::path::PathBuf;

use crate::error::HubError;

/// The folder of everything Strawberry keeps: `STRAWBERRY_HOME`, or `strawberry` in the XDG data folder
/// (`XDG_DATA_HOME`, by default `~/.local/share`; XDG Base Directory Specification 0.8).
///
/// # Errors
/// Neither variable nor a home folder is set.
pub fn data_dir() -> Result<PathBuf, HubError> {
    let set = |name| var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("STRAWBERRY_HOME")
        .or_else(|| {
            set("XDG_DATA_HOME")
                .filter(|p| p.is_absolute())
                .map(|p| p.join("strawberry"))
        })
        .or_else(|| set("HOME").map(|p| p.join(".local/share/strawberry")))
        .ok_or(HubError::NoHome)
}
