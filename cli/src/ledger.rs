//! What has been ingested, so that nothing lands twice. It lives in the lake:
//!
//! | file | what |
//! |---|---|
//! | `state/lock` | held while an ingest runs; two at once would overwrite each other's catalogue |
//! | `state/ingested/<source>.jsonl` | a line for each file in the lake: path, SHA-256 of its bytes, size, tables |
//! | `state/pending/<source>.json` | the files being ingested, and the settings that matter to the output |
//! | `state/retry.json` | the records of the quarantine that are being retried |
//!
//! A file counts as the same if its path and its content are. Its rows are in the tables that its lines name,
//! together; where further tables are wanted of it later, it is ingested into those alone. (It is read whole
//! then, so its records that are in quarantine come there again.) The names of a group's Parquet objects derive
//! from the files of the group. A group is therefore noted before its first row is written, and taken back
//! when its files are recorded; one that was interrupted in between is ingested again as it was, under the
//! same names, before anything else is. So an ingest may be killed at any point, and the next one leaves each
//! row once. A machine that loses power may lose more: folders are not synced to disk, only files are.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::table::TableDefinition;

use crate::selection::TableSet;

/// A file of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// See [`crate::files::RawFile`].
    pub(crate) bucket: String,
    /// See [`crate::files::RawFile`].
    pub(crate) key: String,
    /// Size as stored.
    pub(crate) bytes: u64,
    /// SHA-256 of the stored bytes, in hex.
    pub(crate) sha256: String,
}

impl Member {
    /// The file's absolute path.
    pub(crate) fn path(&self) -> PathBuf {
        Path::new(&self.bucket).join(&self.key)
    }
}

/// Settings that the output of a group depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Options {
    /// Region that names database and tables.
    pub(crate) region: String,
    /// `zstd` or `gzip`
    pub(crate) codec: String,
    /// See [`shared::pipeline::Settings`].
    pub(crate) max_object_bytes: u64,
    /// See [`shared::pipeline::Settings`].
    pub(crate) max_record_bytes: usize,
    /// See [`shared::pipeline::Settings`]; absent in the notes of earlier versions, as is what follows.
    #[serde(default = "max_depth")]
    pub(crate) max_depth: usize,
    /// See [`shared::pipeline::Settings`].
    #[serde(default = "max_fields")]
    pub(crate) max_fields: usize,
    /// See [`shared::pipeline::Settings`].
    #[serde(default)]
    pub(crate) drop_repeated_events: bool,
    /// See [`shared::pipeline::Settings`].
    pub(crate) buffer_bytes: usize,
}

fn max_depth() -> usize {
    512
}

fn max_fields() -> usize {
    256 << 10
}

/// Files that are ingested together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// How.
    pub(crate) options: Options,
    /// Into which tables, as `SOURCE@version`; none in the notes of a lake from before there was a choice.
    #[serde(default)]
    pub(crate) tables: Vec<String>,
    /// Which.
    pub(crate) files: Vec<Member>,
}

/// A line of the record.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    path: std::borrow::Cow<'a, str>,
    sha256: std::borrow::Cow<'a, str>,
    bytes: u64,
    /// As [`Group::tables`].
    #[serde(default)]
    tables: Vec<String>,
}

/// The record of a lake. Holding it is holding the lock.
#[derive(Debug)]
pub(crate) struct Ledger {
    state: PathBuf,
    _lock: File,
}

/// The record of one source.
#[derive(Debug)]
pub(crate) struct SourceLedger {
    ingested: PathBuf,
    pending: PathBuf,
    tables: &'static [&'static TableDefinition],
    known: HashMap<[u8; 16], TableSet>,
}

impl Ledger {
    /// Takes the lock of the lake in `lake`.
    ///
    /// # Errors
    /// If another process holds it or the state cannot be written.
    pub(crate) fn open(lake: &Path) -> anyhow::Result<Self> {
        let state = lake.join("state");
        for folder in ["ingested", "pending"] {
            fs::create_dir_all(state.join(folder))
                .with_context(|| format!("cannot make {}", state.display()))?;
        }
        let path = state.join("lock");
        let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { state, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("another ingest is running on {}; run this again when it has ended", lake.display())
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// The folder of the lake's state.
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    /// The tables that the files of these paths are in, whatever their content was.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub(crate) fn tables_of(
        &self,
        source: &str,
        tables: &'static [&'static TableDefinition],
        paths: &HashSet<&str>,
    ) -> anyhow::Result<HashMap<String, TableSet>> {
        let mut found: HashMap<String, TableSet> = HashMap::new();
        for line in lines(&self.state.join("ingested").join(format!("{source}.jsonl")))?.lines() {
            let Ok(line) = serde_json::from_str::<Line<'_>>(line) else { continue };
            if paths.contains(&*line.path) {
                let known = found.entry(line.path.into_owned()).or_default();
                *known = known.with(named(tables, &line.tables));
            }
        }
        Ok(found)
    }

    /// Reads the record of a source that fills these tables.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn source(
        &self,
        name: &str,
        tables: &'static [&'static TableDefinition],
    ) -> anyhow::Result<SourceLedger> {
        let ingested = self.state.join("ingested").join(format!("{name}.jsonl"));
        let pending = self.state.join("pending").join(format!("{name}.json"));
        let text = lines(&ingested)?;
        // A line that was cut off belongs to a group that is still pending, so it is written again.
        let mut ledger = SourceLedger { ingested, pending, tables, known: HashMap::new() };
        for line in text.lines().filter_map(|line| serde_json::from_str::<Line<'_>>(line).ok()) {
            ledger.add(fingerprint(&line.path, &line.sha256), named(tables, &line.tables));
        }
        Ok(ledger)
    }
}

/// The text of a source's record; none before its first ingest.
fn lines(ingested: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(ingested) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", ingested.display())),
    }
}

/// Tables of those names; the ones of source version 2.0, once the only ones, if there is no name.
fn named(tables: &'static [&'static TableDefinition], names: &[String]) -> TableSet {
    TableSet::of(tables, |table| match names {
        [] => table.is_default(),
        names => names.contains(&table.id()),
    })
}

/// A file's path and content in 16 bytes: a lake may know millions of files.
fn fingerprint(path: &str, sha256: &str) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(path);
    hash.update([0]);
    hash.update(sha256);
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&hash.finalize()[..16]);
    fingerprint
}

impl SourceLedger {
    /// The tables among `wanted` that do not have this file with this content yet.
    pub(crate) fn missing(&self, member: &Member, wanted: TableSet) -> TableSet {
        let known = self.known.get(&fingerprint(&member.path().to_string_lossy(), &member.sha256));
        wanted.without(known.copied().unwrap_or_default())
    }

    /// The tables of a group.
    ///
    /// # Errors
    /// If there is none of that name: then the lake was filled by a newer `lake`.
    pub(crate) fn tables(&self, group: &Group) -> anyhow::Result<TableSet> {
        let is_known = |name: &&String| self.tables.iter().any(|table| table.id() == **name);
        if let Some(name) = group.tables.iter().find(|name| !is_known(name)) {
            bail!("{} names the table {name}, which this `lake` does not know", self.pending.display());
        }
        Ok(named(self.tables, &group.tables))
    }

    fn add(&mut self, fingerprint: [u8; 16], tables: TableSet) {
        let known = self.known.entry(fingerprint).or_default();
        *known = known.with(tables);
    }

    /// The group that an earlier run did not finish.
    ///
    /// # Errors
    /// If there is one and it cannot be read.
    pub(crate) fn pending(&self) -> anyhow::Result<Option<Group>> {
        let bytes = match fs::read(&self.pending) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", self.pending.display()));
            }
        };
        serde_json::from_slice(&bytes).map(Some).with_context(|| {
            format!("{} names the files of an interrupted ingest and cannot be read", self.pending.display())
        })
    }

    /// Notes a group before its first row is written.
    ///
    /// # Errors
    /// If that fails; nothing may be written then.
    pub(crate) fn begin(&self, group: &Group) -> anyhow::Result<()> {
        let temporary = self.pending.with_extension("part");
        let write = || -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(&serde_json::to_vec(group)?)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.pending)
        };
        write().with_context(|| format!("cannot write {}", self.pending.display()))
    }

    /// Records files whose rows are durable in these tables and whose partitions are registered, and takes their
    /// group back.
    ///
    /// # Errors
    /// If that fails. The group is then still pending and the next run repeats it.
    pub(crate) fn finish(&mut self, landed: &[Member], tables: TableSet) -> anyhow::Result<()> {
        let names: Vec<String> = tables.definitions(self.tables).iter().map(|table| table.id()).collect();
        let write = || -> io::Result<()> {
            let mut text = Vec::new();
            if !ends_with_newline(&self.ingested)? {
                text.push(b'\n');
            }
            for member in landed {
                let path = member.path();
                let line = Line {
                    path: path.to_string_lossy(),
                    sha256: member.sha256.as_str().into(),
                    bytes: member.bytes,
                    tables: names.clone(),
                };
                serde_json::to_writer(&mut text, &line)?;
                text.push(b'\n');
            }
            let mut file = OpenOptions::new().create(true).append(true).open(&self.ingested)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::remove_file(&self.pending)
        };
        write().with_context(|| format!("cannot record what was ingested in {}", self.ingested.display()))?;
        for member in landed {
            self.add(fingerprint(&member.path().to_string_lossy(), &member.sha256), tables);
        }
        Ok(())
    }
}

/// True for a file that is absent, empty or ends in a whole line.
fn ends_with_newline(path: &Path) -> io::Result<bool> {
    use std::io::{Seek as _, SeekFrom};

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

/// SHA-256 of a file's bytes, in hex.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &[&TableDefinition] =
        &[&shared::table::definitions::VPC_FLOW_1_0, &shared::table::definitions::VPC_FLOW_2_0];

    fn version(version: &str) -> TableSet {
        TableSet::of(TABLES, |table| version.split(',').any(|wanted| wanted == table.version))
    }

    fn is_in(ledger: &SourceLedger, member: &Member, versions: &str) -> bool {
        ledger.missing(member, version(versions)).is_empty()
    }

    fn member(key: &str) -> Member {
        Member { bucket: "/raw".into(), key: key.into(), bytes: 1, sha256: "00".into() }
    }

    fn group(files: Vec<Member>) -> Group {
        let options = Options {
            region: "us-east-1".into(),
            codec: "zstd".into(),
            max_object_bytes: 1,
            max_record_bytes: 1,
            max_depth: 16,
            max_fields: 256,
            drop_repeated_events: false,
            buffer_bytes: 1,
        };
        Group { options, tables: vec!["VPC_FLOW@2.0".into()], files }
    }

    #[test]
    fn a_group_is_pending_until_it_is_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let mut source = ledger.source("s", TABLES).unwrap();
        source.begin(&group(vec![member("a"), member("b")])).unwrap();
        assert_eq!(
            ledger.source("s", TABLES).unwrap().pending().unwrap(),
            Some(group(vec![member("a"), member("b")]))
        );
        assert!(!is_in(&source, &member("a"), "2.0"));
        source.finish(&[member("a")], version("2.0")).unwrap();
        let again = ledger.source("s", TABLES).unwrap();
        assert_eq!(again.pending().unwrap(), None);
        assert!(is_in(&again, &member("a"), "2.0") && !is_in(&again, &member("b"), "2.0"));
        assert!(!is_in(&again, &Member { sha256: "01".into(), ..member("a") }, "2.0"));
    }

    #[test]
    fn a_file_is_known_table_by_table() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let mut source = ledger.source("s", TABLES).unwrap();
        for versions in ["2.0", "1.0"] {
            assert_eq!(source.missing(&member("a"), version("1.0,2.0")).without(version(versions)), {
                version(if versions == "2.0" { "1.0" } else { "" })
            });
            source.begin(&group(vec![member("a")])).unwrap();
            source.finish(&[member("a")], version(versions)).unwrap();
        }
        assert!(is_in(&source, &member("a"), "1.0,2.0"));
        assert!(is_in(&ledger.source("s", TABLES).unwrap(), &member("a"), "1.0,2.0"));
    }

    #[test]
    fn notes_without_tables_mean_2_0() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let path = folder.path().join("state/ingested/s.jsonl");
        fs::write(&path, "{\"path\":\"/raw/a\",\"sha256\":\"00\",\"bytes\":1}\n").unwrap();
        let source = ledger.source("s", TABLES).unwrap();
        assert!(is_in(&source, &member("a"), "2.0") && !is_in(&source, &member("a"), "1.0"));
        let mut old = group(vec![member("b")]);
        old.tables.clear();
        assert_eq!(source.tables(&old).unwrap(), version("2.0"));
        old.tables.push("VPC_FLOW@9.0".into());
        assert!(source.tables(&old).unwrap_err().to_string().contains("VPC_FLOW@9.0"));
    }

    #[test]
    fn a_line_that_was_cut_off_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let path = folder.path().join("state/ingested/s.jsonl");
        fs::write(&path, "{\"path\":\"/raw/a\",\"sha256\":\"00\",\"bytes\":1}\n{\"path\":\"/raw/b\",\"sh")
            .unwrap();
        let mut source = ledger.source("s", TABLES).unwrap();
        assert!(is_in(&source, &member("a"), "2.0") && !is_in(&source, &member("b"), "2.0"));
        source.begin(&group(vec![member("b")])).unwrap();
        source.finish(&[member("b")], version("2.0")).unwrap();
        let again = ledger.source("s", TABLES).unwrap();
        assert!(is_in(&again, &member("a"), "2.0") && is_in(&again, &member("b"), "2.0"));
    }

    #[test]
    fn one_ingest_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let held = Ledger::open(folder.path()).unwrap();
        let refused = Ledger::open(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("another ingest is running"), "{refused}");
        drop(held);
        Ledger::open(folder.path()).unwrap();
    }

    #[test]
    fn hash_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, "abc").unwrap();
        assert_eq!(
            sha256(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
