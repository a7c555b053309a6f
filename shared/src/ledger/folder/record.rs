//! The text of a folder's ledger: what is in the lake, and what is open.

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
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

/// What a look through the record of what was ingested has come across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Lines that are whole.
    pub lines: u64,
    /// True if another one was cut off, which an open group writes again.
    pub is_cut_off: bool,
}

impl Lines {
    /// Shows each line: path, SHA-256 and tables. A last one that was cut off is passed over if one of the `open` groups
    /// writes it again; any other that is no record is an error, since its file would come in a second time.
    pub(super) fn each(
        &self,
        tables: &'static [&'static TableDefinition],
        open: &[Group],
        mut show: impl FnMut(&str, &str, TableSet),
    ) -> Result<Record, FolderError> {
        let mut record = Record { lines: 0, is_cut_off: false };
        // Not as text: a line may be cut off within a character.
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(record),
            Err(error) => return Err(failed_to("read", &self.path, &error)),
        };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match serde_json::from_slice::<Line<'_>>(line) {
                Ok(line) => show(&line.path, &line.sha256, named(tables, &line.tables)),
                Err(_) if !line.ends_with(b"\n") && is_written_again(line, open, tables) => {
                    record.is_cut_off = true;
                    continue;
                }
                Err(error) => {
                    let reason = format!(
                        "line {} is not the record of a file ({error}), and the files of lines that are lost would come \
                         in a second time; restore it from a copy, or, if the file of that line is in a later line too, \
                         remove the line",
                        record.lines + 1
                    );
                    return Err(failed_to("read", &self.path, &reason));
                }
            }
            record.lines += 1;
        }
        Ok(record)
    }

    /// Adds a line for each object.
    pub(super) fn append(&self, objects: &[&ObjectRef], tables: &[String]) -> Result<(), FolderError> {
        let append = || -> io::Result<()> {
            let mut text = Vec::new();
            for object in objects {
                line(object, tables, &mut text)?;
            }
            end_last_line(&self.path)?;
            let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            file.write_all(&text)?;
            file.sync_all()?;
            durable::sync_parent(&self.path)
        };
        append().map_err(|error| failed_to("record what was ingested in", &self.path, &error))
    }
}

/// The line of an object that is in these tables.
fn line(object: &ObjectRef, tables: &[String], text: &mut Vec<u8>) -> io::Result<()> {
    let (path, sha256) = names(object);
    let bytes = object.size.unwrap_or_default();
    serde_json::to_writer(
        &mut *text,
        &Line { path: path.into(), sha256: sha256.into(), bytes, tables: tables.to_vec() },
    )?;
    text.push(b'\n');
    Ok(())
}

/// True if one of the groups will write a line that begins so: then whoever wrote it has ended before the group was
/// taken out of the open ones, and no file is forgotten.
fn is_written_again(cut: &[u8], open: &[Group], tables: &'static [&'static TableDefinition]) -> bool {
    open.iter().any(|group| {
        let ids = tables_of(group, tables).ids(tables);
        group.remaining().into_iter().any(|member| {
            let mut whole = Vec::new();
            line(&group.members[member], &ids, &mut whole).is_ok() && whole.starts_with(cut)
        })
    })
}

/// The tables of a group.
pub(super) fn tables_of(group: &Group, tables: &'static [&'static TableDefinition]) -> TableSet {
    named(tables, group.settings.as_ref().map_or(&[], |settings| &settings.tables))
}

/// Makes the file, if it is there, end in a whole line: one that was cut off is taken away, so that nothing stands
/// between records that is none.
fn end_last_line(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    if last == *b"\n" {
        return Ok(());
    }
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    let begin = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if serde_json::from_slice::<Line<'_>>(&bytes[begin..]).is_ok() {
        return file.write_all(b"\n"); // only its end was cut off
    }
    file.set_len(begin as u64)
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
