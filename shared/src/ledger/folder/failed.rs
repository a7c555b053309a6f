//! Files that could not be brought into the lake: a folder's dead-letter queue. `state/failed/<source>.jsonl` has a line
//! for each, by path. A file leaves it when it lands or is gone. Those of which no source is known stand in
//! `state/failed/unrecognised.jsonl` ([`UNRECOGNISED`]).

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::FolderState;
use crate::durable;

/// Stands for the source where nobody knows it. No source is called so.
pub const UNRECOGNISED: &str = "unrecognised";

/// A file that is not in the lake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FailedFile {
    /// Its absolute path.
    pub path: String,
    /// SHA-256 of the bytes that failed, in hex; `None` if they could not be read.
    pub sha256: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// Where the failed files of a source stand. `state` is the folder `state` of the lake.
pub fn file(state: &Path, source: &str) -> PathBuf {
    state.join("failed").join(format!("{source}.jsonl"))
}

/// The failed files of a source, by path. `state` is the folder `state` of the lake; reading needs no lock.
///
/// # Errors
/// If the list cannot be read or a line is none of these. The error names the list, and the line.
pub fn read(state: &Path, source: &str) -> io::Result<Vec<FailedFile>> {
    let path = file(state, source);
    let failed = |error: io::Error, line: &str| {
        io::Error::new(error.kind(), format!("cannot read {}{line}: {error}", path.display()))
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error, "")),
    };
    let file = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| failed(error.into(), &format!(", line {}", index + 1)))
    };
    text.lines().enumerate().map(file).collect()
}

/// Replaces the failed files of a source. None at all leaves no file.
///
/// # Errors
/// If it cannot be written; the former ones stand then.
pub fn replace(state: &FolderState, source: &str, failed: &[FailedFile]) -> io::Result<()> {
    let path = file(state.path(), source);
    if failed.is_empty() {
        return durable::remove(&path);
    }
    let mut sorted: Vec<&FailedFile> = failed.iter().collect();
    sorted.sort();
    let mut text = Vec::new();
    for file in sorted {
        serde_json::to_writer(&mut text, file)?;
        text.push(b'\n');
    }
    durable::replace(&path, &text)
}
