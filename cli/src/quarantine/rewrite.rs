//! A file of the quarantine that is being written anew.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::QuarantineFile;

/// The new content, beside the old until [`Rewrite::commit`]. Dropping it leaves the old.
#[derive(Debug)]
pub(super) struct Rewrite {
    encoder: Option<GzEncoder<BufWriter<File>>>,
    temporary: PathBuf,
    target: PathBuf,
    is_empty: bool,
}

impl Rewrite {
    /// Begins.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(super) fn new(file: &QuarantineFile) -> anyhow::Result<Self> {
        // Hidden, as every object of the lake is that is being written.
        let temporary = file.path.with_file_name(format!(".{}.part", file.name));
        let created =
            File::create(&temporary).with_context(|| format!("cannot write {}", temporary.display()))?;
        let encoder = GzEncoder::new(BufWriter::new(created), Compression::fast());
        Ok(Self { encoder: Some(encoder), temporary, target: file.path.clone(), is_empty: true })
    }

    /// Appends lines.
    ///
    /// # Errors
    /// As the disk.
    pub(super) fn keep(&mut self, lines: &[u8]) -> io::Result<()> {
        self.is_empty &= lines.is_empty();
        match &mut self.encoder {
            Some(encoder) => encoder.write_all(lines),
            None => Ok(()),
        }
    }

    /// Puts the new content in the place of the old; a file without lines goes.
    ///
    /// # Errors
    /// As the disk; the old content is there then.
    pub(super) fn commit(mut self) -> anyhow::Result<()> {
        let commit = || -> io::Result<()> {
            if self.is_empty {
                return fs::remove_file(&self.target);
            }
            if let Some(encoder) = self.encoder.take() {
                let file = encoder.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.sync_all()?;
            }
            fs::rename(&self.temporary, &self.target)
        };
        let target = self.target.clone();
        let mut commit = commit;
        commit().with_context(|| format!("cannot replace {}", target.display()))
    }
}

impl Drop for Rewrite {
    fn drop(&mut self) {
        // Best effort: a leftover is hidden, and the next retry replaces it.
        let _ = fs::remove_file(&self.temporary);
    }
}
