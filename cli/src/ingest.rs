//! `lake ingest`: raw files in, the lake's tables out.

pub(crate) mod survey;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shared::catalog::folder::FolderCatalog;
use shared::layout::Codec;
use shared::notification::ObjectRef;
use shared::pipeline::{Pipeline, Settings};
use shared::store::folder::FolderStore;
use tokio::runtime::{Builder, Runtime};

use crate::Usage;
use crate::files::{self, RawFile};
use crate::ledger::{self, Group, Ledger, Member, Options, SourceLedger};
use crate::quarantine;
use crate::recognise;
use crate::selection::{Selection, TableSet};
use crate::sources::{self, Make, Sources, Verdict};
use crate::summary::{Failed, Summary};

/// Files that are ingested together at most: their rows share one Parquet object a partition.
const GROUP_FILES: usize = 512;

/// Stored bytes that are ingested together at most, unless one file alone is larger.
const GROUP_BYTES: u64 = 256 << 20;

/// Bring raw logs into a lake.
///
/// The source of a file is found from its path, if that has the shape that AWS's log delivery writes, or else
/// from what stands at its beginning. A file that is no log (a digest, a log of another service) is skipped and counted, as are symbolic
/// links and hidden files. So is a file that is in the lake already, the same path with the same content: the
/// same command may be run again at any time, also after it was interrupted.
///
/// Records that cannot be normalised are kept, with the reason, under quarantine/ in the lake.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IngestArgs {
    /// Files or folders with raw logs
    #[arg(required = true, value_name = "PATH", value_parser = existing)]
    paths: Vec<PathBuf>,

    /// Folder of the lake; made if it is not there
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,

    /// Take files whose path says nothing for logs of this source, whatever stands in them
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(sources::names()))]
    source: Option<String>,

    /// Tables to write, as SOURCE@version [default: all of source version 2.0]
    ///
    /// A comma list such as VPC_FLOW@1.0,VPC_FLOW@2.0. A file whose rows are in some of the tables already is
    /// ingested into the others alone.
    #[arg(long, value_name = "LIST", env = "SOURCES", default_value = "", hide_default_value = true)]
    #[arg(hide_env_values = true, value_parser = Selection::parse)]
    tables: Selection,

    /// Region of the lake: it is part of the names of database and tables
    #[arg(long, default_value = "us-east-1", value_parser = region)]
    region: String,

    /// Compression of the Parquet files
    #[arg(long, default_value = "zstd", value_parser = ["zstd", "gzip"])]
    codec: String,

    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,

    /// Rows held in memory before they are written, in bytes
    #[arg(long, value_name = "N", default_value_t = 48 << 20, value_parser = between(1 << 20, 1 << 30))]
    buffer_bytes: u64,

    /// Largest raw file, decompressed, in bytes
    #[arg(long, value_name = "N", default_value_t = 4 << 30, value_parser = between(1, u64::MAX))]
    max_object_bytes: u64,

    /// Largest record, in bytes
    #[arg(long, value_name = "N", default_value_t = 32 << 20, value_parser = between(64 << 10, 256 << 20))]
    max_record_bytes: u64,
}

const EXAMPLES: &str = "\
Examples:
  lake ingest ~/logs --lake ./lake
      everything below ~/logs, for example a copy of a trail's bucket
  lake ingest ~/logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03 --lake ./lake
      one month of one account and region
  lake ingest export.json.gz --source cloudtrail --lake ./lake --json
      a file with a name of its own, of which the source is said
  lake ingest ~/logs --tables VPC_FLOW@1.0,VPC_FLOW@2.0 --lake ./lake
      VPC flow logs alone, into the tables of both source versions

Exit code: 0 everything landed or was skipped for a reason, 1 something was quarantined or failed, 2 usage.";

fn between(low: u64, high: u64) -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(low..=high)
}

/// An absolute path without links; so a file has one name, however it was given.
pub(crate) fn existing(text: &str) -> Result<PathBuf, String> {
    fs::canonicalize(text).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        _ => error.to_string(),
    })
}

/// Checks the name of a region.
pub(crate) fn region(text: &str) -> Result<String, String> {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if text.split('-').count() >= 3 && text.split('-').all(is_part) {
        Ok(text.to_owned())
    } else {
        Err("expected a region such as us-east-1".to_owned())
    }
}

impl IngestArgs {
    /// The arguments of `lake ingest` in the order of a command line, for other commands that bring files in: what they
    /// do not say has its default.
    ///
    /// # Errors
    /// As the command line.
    pub(crate) fn of(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<Self> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: IngestArgs,
        }
        let name = OsString::from("lake ingest");
        Ok(Line::try_parse_from(std::iter::once(name).chain(arguments))?.args)
    }
}

/// Runs the command.
///
/// # Errors
/// If the lake cannot be written, or its state cannot be read.
pub(crate) fn run(args: &IngestArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    bring_in(args, &|_, _| true, out)
}

/// Runs the command for those files that `takes` accepts.
///
/// # Errors
/// As [`run`].
pub(crate) fn bring_in(args: &IngestArgs, takes: Takes<'_>, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(&args.lake)
        .with_context(|| format!("cannot make the lake {}", args.lake.display()))?;
    let lake = fs::canonicalize(&args.lake)?;
    if let Some(path) = args.paths.iter().find(|path| path.starts_with(&lake)) {
        let message = format!("{} is in the lake itself; give a path with raw logs", path.display());
        return Err(Usage(message).into());
    }
    let ledger = Ledger::open(&lake)?;
    quarantine::refuse_interrupted(&ledger)?;
    let found = files::find(&args.paths, &lake);
    let mut summary = Summary::default();
    summary.objects.failed = found.failed;
    for (reason, count) in found.skipped {
        summary.objects.skipped.insert(reason.to_owned(), count);
    }

    let logs = sort(found.files, args.source.as_deref(), takes, &mut summary);
    let mut ingest = Ingest {
        lake: &lake,
        options: Options {
            region: args.region.clone(),
            codec: args.codec.clone(),
            max_object_bytes: args.max_object_bytes,
            max_record_bytes: usize::try_from(args.max_record_bytes)?,
            buffer_bytes: usize::try_from(args.buffer_bytes)?,
        },
        selection: args.tables.clone(),
        runtime: Builder::new_current_thread().build()?,
        bar: progress_bar(args.json, logs.iter().flatten().map(|file| file.bytes).sum()),
        summary,
    };
    for (make, files) in sources::ALL.iter().zip(logs) {
        ingest.source(*make, &ledger, files)?;
    }
    ingest.bar.finish_and_clear();
    let summary = ingest.summary;
    if args.json {
        serde_json::to_writer(&mut *out, &summary)?;
        writeln!(out)?;
    } else {
        summary.print(out, &mut io::stderr())?;
    }
    Ok(if summary.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Which files are meant, by the name of their source.
pub(crate) type Takes<'a> = &'a dyn Fn(&str, &RawFile) -> bool;

/// Files by source, in the order of [`sources::ALL`]. Those that are no logs are counted, those whose source nothing
/// tells are failures; a forced source takes those for its own.
fn sort(
    files: BTreeMap<PathBuf, RawFile>,
    forced: Option<&str>,
    takes: Takes<'_>,
    summary: &mut Summary,
) -> Vec<Vec<RawFile>> {
    let (sources, names) = (Sources::new(forced), sources::names());
    let mut logs: Vec<Vec<RawFile>> = sources::ALL.iter().map(|_| Vec::new()).collect();
    for (path, file) in files {
        let index = match sources.classify(&file.key) {
            Verdict::Log(index) => Some(index),
            Verdict::NotALog(reason) => {
                summary.skip(reason);
                continue;
            }
            Verdict::Unknown => recognise::source_of(&path).and_then(sources::index),
        };
        match index {
            Some(index) if takes(names[index], &file) => logs[index].push(file),
            Some(_) => {}
            None => summary.objects.failed.push(Failed {
                object: path.display().to_string(),
                reason: format!(
                    "neither its path nor its beginning is that of a log; to take the file for a log of a \
                     source give --source ({})",
                    names.join(", ")
                ),
            }),
        }
    }
    logs
}

fn progress_bar(json: bool, bytes: u64) -> ProgressBar {
    if json || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr()).with_style(style)
}

/// What became of a group.
enum Ended {
    /// All of it is in the lake or is known not to be.
    Recorded,
    /// The lake could not be written; the group stays pending.
    Stopped,
}

/// One run of the command.
struct Ingest<'a> {
    lake: &'a Path,
    options: Options,
    selection: Selection,
    runtime: Runtime,
    bar: ProgressBar,
    summary: Summary,
}

impl Ingest<'_> {
    /// Ingests the files of one source: first what an earlier run left unfinished, then the rest in groups.
    fn source(&mut self, make: Make, ledger: &Ledger, files: Vec<RawFile>) -> anyhow::Result<()> {
        let source = make();
        let wanted = self.selection.of(source.as_ref());
        let mut ledger = ledger.source(source.name(), source.tables())?;
        let mut replayed = HashMap::new();
        if let Some(mut group) = ledger.pending()? {
            let tables = ledger.tables(&group)?;
            writeln!(
                io::stderr(),
                "first the {} files of an ingest that was interrupted",
                group.files.len()
            )?;
            let recorded: Vec<Member> = group.files.iter().map(as_it_is_now).collect();
            let ended = self.group(make, &mut ledger, &mut group, tables, &recorded)?;
            let landed = |member: &Member| (member.path(), ledger.missing(member, tables).is_empty());
            replayed = recorded.iter().map(landed).collect();
            if let Ended::Stopped = ended {
                self.give_up(files.iter().map(path).filter(|path| !replayed.contains_key(path)));
                return Ok(());
            }
        }
        // Files that need the same tables are ingested together.
        let mut groups: BTreeMap<TableSet, Vec<Member>> = BTreeMap::new();
        let mut files = files.into_iter();
        while let Some(file) = files.next() {
            if wanted.is_empty() {
                self.summary.skip("source_not_enabled");
                self.bar.inc(file.bytes);
                continue;
            }
            let was_replayed = replayed.get(&path(&file)).copied();
            if was_replayed == Some(false) {
                continue; // the trouble with it has been told
            }
            let Some(member) = self.member(file) else { continue };
            let tables = ledger.missing(&member, wanted);
            if tables.is_empty() {
                if was_replayed.is_none() {
                    self.summary.skip("already_ingested");
                }
                self.bar.inc(member.bytes);
                continue;
            }
            let group = groups.entry(tables).or_default();
            group.push(member);
            let bytes: u64 = group.iter().map(|member| member.bytes).sum();
            if group.len() >= GROUP_FILES || bytes >= GROUP_BYTES {
                let group = std::mem::take(group);
                if let Ended::Stopped = self.new_group(make, &mut ledger, tables, group)? {
                    let waiting = groups.values().flatten().map(Member::path);
                    self.give_up(waiting.chain(files.map(|file| path(&file))));
                    return Ok(());
                }
            }
        }
        while let Some((tables, group)) = groups.pop_first() {
            if let Ended::Stopped = self.new_group(make, &mut ledger, tables, group)? {
                self.give_up(groups.values().flatten().map(Member::path));
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads a file once for its hash. `None` if that fails, which is then reported.
    fn member(&mut self, file: RawFile) -> Option<Member> {
        let path = path(&file);
        match ledger::sha256(&path) {
            Ok(sha256) => Some(Member { bucket: file.bucket, key: file.key, bytes: file.bytes, sha256 }),
            Err(error) => {
                let reason = format!("cannot be read: {error}");
                self.summary.objects.failed.push(Failed { object: path.display().to_string(), reason });
                self.bar.inc(file.bytes);
                None
            }
        }
    }

    fn new_group(
        &mut self,
        make: Make,
        ledger: &mut SourceLedger,
        tables: TableSet,
        files: Vec<Member>,
    ) -> anyhow::Result<Ended> {
        if files.is_empty() {
            return Ok(Ended::Recorded);
        }
        let recorded = files.clone();
        let names = tables.definitions(make().tables()).iter().map(|table| table.id()).collect();
        let mut group = Group { options: self.options.clone(), tables: names, files };
        ledger.begin(&group)?;
        self.group(make, ledger, &mut group, tables, &recorded)
    }

    /// Ingests a group that is noted as pending. `recorded` are its files as they are recorded if they land.
    fn group(
        &mut self,
        make: Make,
        ledger: &mut SourceLedger,
        group: &mut Group,
        tables: TableSet,
        recorded: &[Member],
    ) -> anyhow::Result<Ended> {
        let source = make();
        let definitions = tables.definitions(source.tables());
        let catalog = FolderCatalog::new(self.lake, &group.options.region);
        let settings = settings(self.lake, &group.options)?;
        let pipeline = Pipeline::new(source, definitions, FolderStore, catalog, settings)?;
        // The content is part of an object's identity, so a file that changes gets rows of its own.
        let object = |member: &Member| ObjectRef {
            etag: Some(member.sha256.clone()),
            size: Some(member.bytes),
            ..ObjectRef::new(&member.bucket, &member.key)
        };
        let objects: Vec<ObjectRef> = group.files.iter().map(object).collect();
        let bar = self.bar.clone();
        let report = self.runtime.block_on(pipeline.ingest(objects.clone(), &|bytes| bar.inc(bytes)));
        self.summary.add(&report);
        let mut stopped = false;
        let mut failed: HashSet<usize> = HashSet::new();
        for failure in &report.failures {
            stopped |= failure.partial;
            failed.insert(failure.index);
            let object = group.files[failure.index].path().display().to_string();
            let reason = if failure.partial {
                format!("{}; make the lake writable and run this again", failure.reason)
            } else {
                // The file is named beside it.
                let named = format!("{}: ", objects[failure.index]);
                failure.reason.strip_prefix(&named).unwrap_or(&failure.reason).to_owned()
            };
            self.summary.objects.failed.push(Failed { object, reason });
        }
        if stopped {
            // Some of these files' rows are in the lake and some are not: the next run repeats the group.
            return Ok(Ended::Stopped);
        }
        let landed = recorded.iter().enumerate().filter(|(index, _)| !failed.contains(index));
        let landed: Vec<Member> = landed.map(|(_, member)| member.clone()).collect();
        ledger.finish(&landed, tables)?;
        Ok(Ended::Recorded)
    }

    /// Reports files that are not tried because the lake cannot be written.
    fn give_up(&mut self, paths: impl Iterator<Item = PathBuf>) {
        for path in paths {
            let reason = "not tried, because the lake could not be written before".to_owned();
            self.summary.objects.failed.push(Failed { object: path.display().to_string(), reason });
        }
    }
}

/// A file's absolute path.
fn path(file: &RawFile) -> PathBuf {
    Path::new(&file.bucket).join(&file.key)
}

/// A file of an interrupted group as it is to be recorded: with the content that it has now.
fn as_it_is_now(member: &Member) -> Member {
    // A file that is gone fails in the pipeline and is not recorded.
    let sha256 = ledger::sha256(&member.path()).unwrap_or_else(|_| member.sha256.clone());
    Member { sha256, ..member.clone() }
}

fn settings(lake: &Path, options: &Options) -> anyhow::Result<Settings> {
    let bucket = lake.to_str().context("the lake's path is not UTF-8; choose another folder")?;
    Ok(Settings {
        codec: Codec::parse(&options.codec).context("unknown codec in the state of an interrupted ingest")?,
        max_object_bytes: options.max_object_bytes,
        max_record_bytes: options.max_record_bytes,
        buffer_bytes: options.buffer_bytes,
        region: Some(options.region.clone()),
        ..Settings::new(bucket)
    })
}
