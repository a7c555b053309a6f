//! A file of the quarantine that is being written anew.

use std::io::{self, Write};

use anyhow::Context as _;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use shared::store::{Upkeep, Upload};
use tokio::runtime::Runtime;

use super::{QuarantineFile, Shelf};

/// Compressed bytes that are held before they are sent.
const PIECE: usize = 1 << 20;

/// The new content, which takes the place of the old at [`Rewrite::commit`]. Dropping it leaves the old.
pub(super) struct Rewrite<'a, S: Upkeep> {
    shelf: &'a Shelf<S>,
    file: QuarantineFile,
    encoder: GzEncoder<Pieces<'a, S::Upload>>,
    is_empty: bool,
}

/// Bytes on their way to an upload.
struct Pieces<'a, U> {
    runtime: &'a Runtime,
    upload: U,
    pending: Vec<u8>,
}

impl<U: Upload> Pieces<'_, U> {
    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.pending));
        self.runtime.block_on(self.upload.write(piece)).map_err(io::Error::other)
    }
}

impl<U: Upload> Write for Pieces<'_, U> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a, S: Upkeep> Rewrite<'a, S> {
    /// Begins.
    ///
    /// # Errors
    /// If the lake cannot be written.
    pub(super) fn new(shelf: &'a Shelf<S>, file: &QuarantineFile) -> anyhow::Result<Self> {
        let runtime = &shelf.runtime;
        let upload = runtime.block_on(shelf.store.replace(&file.object));
        let upload = upload.with_context(|| format!("cannot replace {}", file.object))?;
        let pieces = Pieces { runtime, upload, pending: Vec::new() };
        let encoder = GzEncoder::new(pieces, Compression::fast());
        Ok(Self { shelf, file: file.clone(), encoder, is_empty: true })
    }

    /// Appends lines.
    ///
    /// # Errors
    /// As the store.
    pub(super) fn keep(&mut self, lines: &[u8]) -> io::Result<()> {
        self.is_empty &= lines.is_empty();
        self.encoder.write_all(lines)
    }

    /// Puts the new content in the place of the old; a file without lines goes.
    ///
    /// # Errors
    /// As the store; the old content is there then, or what somebody else has put there.
    pub(super) fn commit(self) -> anyhow::Result<()> {
        let Self { shelf, file, encoder, is_empty } = self;
        let cannot_replace = || format!("cannot replace {}", file.object);
        if is_empty {
            // The upload is dropped, and leaves nothing.
            return shelf.runtime.block_on(shelf.store.remove(&file.object)).with_context(cannot_replace);
        }
        let mut pieces = encoder.finish().with_context(cannot_replace)?;
        pieces.send().with_context(cannot_replace)?;
        shelf.runtime.block_on(pieces.upload.complete()).with_context(cannot_replace)
    }
}
