//! The failed files of a source while a run goes on.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use shared::ledger::folder::FolderState;
use shared::ledger::folder::failed::{self, FailedFile};

/// The failed files of a source, by path; see [`failed`].
pub(super) struct Failures {
    source: String,
    before: Vec<FailedFile>,
    files: BTreeMap<String, FailedFile>,
}

impl Failures {
    /// What earlier runs have left.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read(state: &FolderState, source: &str) -> anyhow::Result<Self> {
        let before = failed::read(state.path(), source)?;
        let files = before.iter().map(|file| (file.path.clone(), file.clone())).collect();
        Ok(Self { source: source.to_owned(), before, files })
    }

    /// A file cannot be brought in.
    pub(super) fn failed(&mut self, path: &Path, sha256: Option<String>, reason: &str) {
        let path = path.to_string_lossy().into_owned();
        let file = FailedFile { path: path.clone(), sha256, reason: reason.to_owned() };
        self.files.insert(path, file);
    }

    /// Folders that could not be read are forgotten where they are looked at again, which is below these paths.
    pub(super) fn look_again(&mut self, paths: &[PathBuf]) {
        let is_below = |path: &Path| paths.iter().any(|above| path.starts_with(above));
        self.files.retain(|path, _| !(Path::new(path).is_dir() && is_below(Path::new(path))));
    }

    /// A file is in the lake, or is known to have no place there, or its source takes care of it.
    pub(super) fn landed(&mut self, path: &Path) {
        self.files.remove(&*path.to_string_lossy());
    }

    /// Writes down what is left. Files that are gone are not; one whose folder cannot be looked into may be there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&mut self, state: &FolderState) -> anyhow::Result<()> {
        self.files.retain(|path, _| !is_gone(Path::new(path)));
        let files: Vec<FailedFile> = self.files.values().cloned().collect();
        if files == self.before {
            return Ok(());
        }
        failed::replace(state, &self.source, &files)
            .with_context(|| format!("cannot write state/failed/{}.jsonl of the lake", self.source))?;
        self.before = files;
        Ok(())
    }
}

fn is_gone(path: &Path) -> bool {
    match path.try_exists() {
        Ok(is_there) => !is_there,
        Err(error) => error.kind() == ErrorKind::NotADirectory,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_gone_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let state = FolderState::open(folder.path()).unwrap();
        let mut failures = Failures::read(&state, "s").unwrap();
        let there = folder.path().join("there");
        std::fs::write(&there, "x").unwrap();
        // That of a name too long is an error, as that of a folder that may not be entered.
        let hidden = folder.path().join("x".repeat(300));
        for path in [&there, &hidden, &folder.path().join("gone")] {
            failures.failed(path, None, "torn");
        }
        failures.write(&state).unwrap();
        let listed = failed::read(state.path(), "s").unwrap();
        let paths: Vec<&Path> = listed.iter().map(|file| Path::new(&file.path)).collect();
        assert_eq!(paths, [there, hidden]);
    }
}
