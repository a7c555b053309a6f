//! Where a quarantine is kept: the objects below `quarantine/` of a lake, in a folder or a bucket.

use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;

use anyhow::Context as _;
use bytes::{Buf as _, Bytes};
use flate2::read::MultiGzDecoder;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use sha2::{Digest as _, Sha256};
use shared::notification::ObjectRef;
use shared::quarantine::Entry;
use shared::store::{StoreError, Upkeep};
use tokio::runtime::{Builder, Runtime};

/// How the names of the quarantine's files end.
const ENDING: &str = ".jsonl.gz";

/// A file of the quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QuarantineFile {
    /// Whose records it holds: the name of its folder.
    pub(super) function: String,
    /// 32 hex digits.
    pub(super) name: String,
    /// Where it is, with its entity tag where the store has such.
    pub(super) object: ObjectRef,
    /// When it was written, in milliseconds since the epoch.
    pub(super) written: i64,
}

impl QuarantineFile {
    /// The name of the entry in that line.
    pub(super) fn id(&self, line: u64) -> String {
        format!("{}:{line}", self.name)
    }
}

/// The quarantine of a lake, and the runtime that its store works on.
#[derive(Debug)]
pub(super) struct Shelf<S> {
    /// Folder or S3.
    pub(super) store: S,
    /// Path of the lake's folder, or its bucket.
    pub(super) bucket: String,
    /// Runs the calls one after the other, on this thread.
    pub(super) runtime: Runtime,
}

impl<S: Upkeep> Shelf<S> {
    /// The quarantine of the lake in a folder.
    pub(super) fn new(store: S, lake: &Path) -> anyhow::Result<Self> {
        let bucket = lake.to_str().context("the lake's path is not UTF-8; choose another folder")?;
        Self::of_bucket(store, bucket.to_owned(), Builder::new_current_thread().build()?)
    }

    /// The quarantine of a bucket.
    pub(super) fn of_bucket(store: S, bucket: String, runtime: Runtime) -> anyhow::Result<Self> {
        Ok(Self { store, bucket, runtime })
    }

    /// The files, by function and name.
    pub(super) fn files(&self) -> anyhow::Result<Vec<QuarantineFile>> {
        self.files_below("quarantine/")
    }

    /// The file as it is now; `None` if it is gone.
    pub(super) fn again(&self, file: &QuarantineFile) -> anyhow::Result<Option<QuarantineFile>> {
        let found = self.files_below(&file.object.key)?;
        Ok(found.into_iter().find(|found| found.object.key == file.object.key))
    }

    fn files_below(&self, prefix: &str) -> anyhow::Result<Vec<QuarantineFile>> {
        let listed = self.runtime.block_on(self.store.list(&self.bucket, prefix));
        let listed = listed.context("cannot list the quarantine")?;
        let file = |listed: shared::store::Listed| {
            let rest = listed.object.key.strip_prefix("quarantine/")?.strip_suffix(ENDING)?;
            let (function, name) = rest.split_once('/').filter(|(_, name)| !name.contains('/'))?;
            let (function, name) = (function.to_owned(), name.to_owned());
            Some(QuarantineFile { function, name, object: listed.object, written: listed.written })
        };
        Ok(listed.into_iter().filter_map(file).collect())
    }

    /// Reads a file from its beginning. What has taken its place meanwhile is an error.
    fn read(&self, file: &QuarantineFile) -> Result<Chunks<'_>, StoreError> {
        let body = self.runtime.block_on(self.store.get(&file.object))?;
        Ok(Chunks { runtime: &self.runtime, chunks: body.chunks, current: Bytes::new() })
    }

    /// SHA-256 of a file's bytes, in hex.
    pub(super) fn sha256(&self, file: &QuarantineFile) -> anyhow::Result<String> {
        let cannot_read = || format!("cannot read {}", file.object);
        let mut reader = self.read(file).with_context(cannot_read)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match reader.read(&mut buffer).with_context(cannot_read)? {
                0 => break,
                length => hash.update(&buffer[..length]),
            }
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Shows every line, with its number from 1, to `each`.
    pub(super) fn each_line(
        &self,
        file: &QuarantineFile,
        mut each: impl FnMut(u64, &str) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let cannot_read = || format!("cannot read {}", file.object);
        let chunks = self.read(file).with_context(cannot_read)?;
        let mut reader = BufReader::new(MultiGzDecoder::new(BufReader::new(chunks)));
        let (mut text, mut number) = (String::new(), 0);
        loop {
            text.clear();
            if reader.read_line(&mut text).with_context(cannot_read)? == 0 {
                return Ok(());
            }
            number += 1;
            each(number, &text)?;
        }
    }

    /// Shows every entry, with the number of its line and its text, to `each`.
    pub(super) fn each_entry(
        &self,
        file: &QuarantineFile,
        mut each: impl FnMut(u64, &str, Entry<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.each_line(file, |number, text| {
            let entry = serde_json::from_str(text)
                .with_context(|| format!("{}: line {number} is no entry", file.object))?;
            each(number, text, entry)
        })
    }
}

/// The bytes of an object, for readers that do not wait by themselves.
struct Chunks<'a> {
    runtime: &'a Runtime,
    chunks: BoxStream<'static, Result<Bytes, StoreError>>,
    current: Bytes,
}

impl Read for Chunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.runtime.block_on(self.chunks.next()) {
                None => return Ok(0),
                Some(Ok(chunk)) => self.current = chunk,
                Some(Err(error)) => return Err(io::Error::other(error)),
            }
        }
        let length = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
