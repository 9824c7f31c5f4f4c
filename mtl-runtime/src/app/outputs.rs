//! The files that a command writes: none over another one, and none in a folder that is not there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// An option and its file, if it names one.
pub(super) type Named<'a> = (&'a str, Option<&'a Path>);

/// Refuses files to write that cannot be, before any work is done: two that are one, one that is read, one in no folder.
pub(super) fn check(reads: &[Named<'_>], writes: &[Named<'_>]) -> Result<()> {
    let mut known: Vec<(&str, PathBuf)> = Vec::new();
    let named = |files: &[Named<'_>]| -> Vec<(String, PathBuf)> {
        files.iter().filter_map(|(option, path)| Some(((*option).to_owned(), (*path)?.to_owned()))).collect()
    };
    let (reads, writes) = (named(reads), named(writes));
    known.extend(reads.iter().map(|(option, path)| (option.as_str(), place(path))));
    for (option, path) in &writes {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(Error::io(path, format!("its folder does not exist; create it first, or change `{option}`")));
        }
        if path.is_dir() {
            return Err(Error::io(path, format!("a folder, and `{option}` names a file")));
        }
        let own = place(path);
        // A device takes what several write.
        let ordinary = fs::metadata(path).map_or(true, |of| of.is_file());
        if let Some((other, _)) = known.iter().find(|(_, other)| *other == own).filter(|_| ordinary) {
            return Err(Error::io(path, format!("`{other}` and `{option}` are one file: it would be lost")));
        }
        known.push((option, own));
    }
    Ok(())
}

/// Where a file is or would be, whatever it is called.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = || Some(fs::canonicalize(folder).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(beside).unwrap_or_else(|| path.to_owned())
}
