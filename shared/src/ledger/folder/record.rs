//! The text of a folder's ledger: what is in the lake, and what is open.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{FolderError, Group, failed_to};
use crate::durable;
use crate::layout::Codec;
use crate::notification::ObjectRef;
use crate::pipeline::OutputSettings;
use crate::table::{TableDefinition, TableSet};

/// A line of `state/ingested/<source>.jsonl`.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    path: Cow<'a, str>,
    sha256: Cow<'a, str>,
    bytes: u64,
    /// As `SOURCE@version`; none in a lake from before there was a choice of tables.
    #[serde(default)]
    tables: Vec<String>,
}

/// `state/ingested/<source>.jsonl`.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) path: PathBuf,
}

impl Lines {
    /// Shows each line: path, SHA-256 and tables. One that was cut off is passed over.
    pub(super) fn each(
        &self,
        tables: &'static [&'static TableDefinition],
        mut show: impl FnMut(&str, &str, TableSet),
    ) -> Result<(), FolderError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed_to("read", &self.path, &error)),
        };
        for line in text.lines().filter_map(|line| serde_json::from_str::<Line<'_>>(line).ok()) {
            show(&line.path, &line.sha256, named(tables, &line.tables));
        }
        Ok(())
    }

    /// Adds a line for each object.
    pub(super) fn append(&self, objects: &[&ObjectRef], tables: &[String]) -> Result<(), FolderError> {
        let append = || -> io::Result<()> {
            let mut text = Vec::new();
            if !ends_with_newline(&self.path)? {
                text.push(b'\n');
            }
            for object in objects {
                let (path, sha256) = names(object);
                let bytes = object.size.unwrap_or_default();
                let line = Line { path: path.into(), sha256: sha256.into(), bytes, tables: tables.to_vec() };
                serde_json::to_writer(&mut text, &line)?;
                text.push(b'\n');
            }
            let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            file.write_all(&text)?;
            file.sync_all()?;
            durable::sync_parent(&self.path)
        };
        append().map_err(|error| failed_to("record what was ingested in", &self.path, &error))
    }
}

/// True for a file that is absent, empty or ends in a whole line.
fn ends_with_newline(path: &Path) -> io::Result<bool> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Tables of those names; the ones of source version 2.0, once the only ones, if there is no name.
pub(super) fn named(tables: &'static [&'static TableDefinition], names: &[String]) -> TableSet {
    TableSet::of(tables, |table| match names {
        [] => table.is_default(),
        names => names.contains(&table.id()),
    })
}

/// Path and SHA-256 of an object.
pub(super) fn names(object: &ObjectRef) -> (String, String) {
    let path = Path::new(&object.bucket).join(&object.key);
    (path.to_string_lossy().into_owned(), object.etag.clone().unwrap_or_default())
}

/// A file's path and content in 16 bytes: a lake may know millions of files.
pub(super) fn fingerprint(path: &str, sha256: &str) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(path);
    hash.update([0]);
    hash.update(sha256);
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&hash.finalize()[..16]);
    fingerprint
}

/// `state/pending/<source>.json`: as it is written, or as it was in lakes of earlier versions, with one group.
#[derive(Deserialize)]
#[serde(untagged)]
enum Pending {
    Groups {
        groups: Vec<Group>,
    },
    Earlier {
        options: Options,
        #[serde(default)]
        tables: Vec<String>,
        files: Vec<Member>,
    },
}

#[derive(Deserialize)]
struct Options {
    region: String,
    codec: Codec,
    max_object_bytes: u64,
    max_record_bytes: usize,
    buffer_bytes: usize,
}

#[derive(Deserialize)]
struct Member {
    bucket: String,
    key: String,
    bytes: u64,
    sha256: String,
}

/// The open groups that a file holds.
pub(super) fn read_pending(
    path: &Path,
    tables: &'static [&'static TableDefinition],
) -> Result<Vec<Group>, FolderError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed_to("read", path, &error)),
    };
    match serde_json::from_slice(&bytes) {
        Ok(Pending::Groups { groups }) => Ok(groups),
        Ok(Pending::Earlier { options, tables: names, files }) => {
            Ok(vec![earlier(options, names, files, tables)])
        }
        Err(error) => {
            let reason =
                format!("it names the files of an interrupted ingest and cannot be understood ({error})");
            Err(failed_to("read", path, &reason))
        }
    }
}

/// The group of an earlier version. It may have rows in the lake or not.
fn earlier(
    options: Options,
    names: Vec<String>,
    files: Vec<Member>,
    tables: &'static [&'static TableDefinition],
) -> Group {
    let object = |member: Member| ObjectRef {
        etag: Some(member.sha256),
        size: Some(member.bytes),
        ..ObjectRef::new(member.bucket, member.key)
    };
    let settings = OutputSettings {
        tables: if names.is_empty() { named(tables, &[]).ids(tables) } else { names },
        codec: options.codec,
        buffer_bytes: options.buffer_bytes,
        max_record_bytes: options.max_record_bytes,
        max_object_bytes: options.max_object_bytes,
        region: Some(options.region),
        version: String::new(),
        ..OutputSettings::default()
    };
    Group::new(files.into_iter().map(object).collect(), settings)
}

/// The text of open groups.
pub(super) fn pending_text(groups: &[Group]) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(&serde_json::json!({ "groups": groups }))?;
    text.push(b'\n');
    Ok(text)
}
