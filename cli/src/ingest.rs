//! `lake ingest`: raw files in, the lake's tables out.

mod failures;
mod run;
pub(crate) mod survey;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shared::layout::Codec;
use shared::ledger::folder::{FolderState, failed};
use shared::pipeline::Settings;
use shared::source::EventId;
use shared::store::folder::sha256;
use tokio::runtime::Builder;

use self::failures::Failures;
use self::run::Ingest;

use crate::Usage;
use crate::files::{self, RawFile};
use crate::quarantine;
use crate::selection::Selection;
use crate::sources::{self, Sources, Verdict};
use crate::summary::{Failed, Summary};
use crate::terminal;

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

    /// Deepest nesting of a record
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = between(16, 512))]
    max_depth: u64,

    /// Members and elements of a record, at most
    #[arg(long, value_name = "N", default_value_t = 256 << 10, value_parser = between(256, 4 << 20))]
    max_fields: u64,

    /// Skip CloudTrail events whose id occurred among the files that are ingested together
    ///
    /// For logs of several trails that record the same events. Files of other sources are refused with it: their
    /// records have no id that tells an event.
    #[arg(long)]
    drop_repeated_events: bool,
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
/// As [`run()`].
pub(crate) fn bring_in(args: &IngestArgs, takes: Takes<'_>, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(&args.lake)
        .with_context(|| format!("cannot make the lake {}", args.lake.display()))?;
    let lake = fs::canonicalize(&args.lake)?;
    if let Some(path) = args.paths.iter().find(|path| path.starts_with(&lake)) {
        let message = format!("{} is in the lake itself; give a path with raw logs", path.display());
        return Err(Usage(message).into());
    }
    let state = FolderState::open(&lake)?;
    quarantine::refuse_interrupted(&state)?;
    let found = files::find(&args.paths, &lake);
    let mut summary = Summary::default();
    let mut unrecognised = Failures::read(&state, failed::UNRECOGNISED)?;
    unrecognised.look_again(&args.paths);
    for failed in &found.failed {
        unrecognised.failed(Path::new(&failed.object), None, &failed.reason);
    }
    summary.objects.failed = found.failed;
    for (reason, count) in found.skipped {
        summary.objects.skipped.insert(reason.to_owned(), count);
    }

    let Sorted { logs, passed_over, unknown } = sort(found.files, args.source.as_deref(), takes, &state)?;
    for (path, reason) in &passed_over {
        summary.skip(reason);
        unrecognised.landed(path);
    }
    for path in unknown.iter().map(run::path) {
        let reason = format!(
            "neither its path nor its beginning is that of a log; to take the file for a log of a source give \
             --source ({})",
            sources::names().join(", ")
        );
        unrecognised.failed(&path, None, &reason);
        summary.objects.failed.push(Failed { object: path.display().to_string(), reason });
    }
    if args.drop_repeated_events {
        refuse_without_id(&logs)?;
    }
    let mut ingest = Ingest {
        lake: &lake,
        settings: Settings {
            codec: Codec::parse(&args.codec).context("the codec is zstd or gzip")?,
            max_object_bytes: args.max_object_bytes,
            max_record_bytes: usize::try_from(args.max_record_bytes)?,
            max_depth: usize::try_from(args.max_depth)?,
            max_fields: usize::try_from(args.max_fields)?,
            drop_repeated_events: args.drop_repeated_events,
            buffer_bytes: usize::try_from(args.buffer_bytes)?,
            region: Some(args.region.clone()),
            ..Settings::new(lake.to_str().context("the lake's path is not UTF-8; choose another folder")?)
        },
        selection: args.tables.clone(),
        runtime: Builder::new_current_thread().build()?,
        bar: progress_bar(args.json, logs.iter().flatten().map(|file| file.bytes).sum()),
        summary,
        failures: sources::names()
            .into_iter()
            .map(|name| Failures::read(&state, name))
            .collect::<anyhow::Result<_>>()?,
        unrecognised,
    };
    for (source, files) in sources::ALL.iter().copied().enumerate().zip(logs) {
        ingest.source(source, &state, files)?;
    }
    ingest.bar.finish_and_clear();
    // Last: a file whose source is known by now is in the lake or on that source's list before it leaves this one.
    ingest.unrecognised.write(&state)?;
    let summary = ingest.summary;
    if args.json {
        serde_json::to_writer(&mut *out, &summary)?;
        writeln!(out)?;
    } else {
        summary.print(out, &mut terminal::stderr())?;
    }
    Ok(if summary.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Refuses files of sources whose events cannot be told apart.
fn refuse_without_id(logs: &[Vec<RawFile>]) -> Result<(), Usage> {
    for (make, files) in sources::ALL.iter().zip(logs) {
        let source = make();
        if let (Some(file), EventId::None(reason)) = (files.first(), source.event_id()) {
            return Err(Usage(format!(
                "--drop-repeated-events cannot be used with {}, which is a log of {}: {reason}; ingest the others by \
                 themselves, without it",
                run::path(file).display(),
                source.name()
            )));
        }
    }
    Ok(())
}

/// Which files are meant, by the name of their source.
pub(crate) type Takes<'a> = &'a dyn Fn(&str, &RawFile) -> bool;

/// What files are.
struct Sorted {
    /// Logs by source, in the order of [`sources::ALL`].
    logs: Vec<Vec<RawFile>>,
    /// Those that are no logs, with the reason.
    passed_over: Vec<(PathBuf, &'static str)>,
    /// Those whose source nothing tells.
    unknown: Vec<RawFile>,
}

/// Tells logs from what is none. A forced source takes files whose source nothing tells for its own, and they stay logs
/// of that source in later runs, which need not be told: whatever they look like, as long as their content is the same.
///
/// # Errors
/// If the record of what was ingested cannot be read.
fn sort(
    files: BTreeMap<PathBuf, RawFile>,
    forced: Option<&str>,
    takes: Takes<'_>,
    state: &FolderState,
) -> anyhow::Result<Sorted> {
    let sources = Sources::new(forced);
    let mut found = Vec::new();
    let mut passed_over = Vec::new();
    for (path, file) in files {
        match sources.recognise(&path, &file.key) {
            Verdict::Log(index) => found.push((Some(index), file)),
            Verdict::NotALog(reason) => passed_over.push((path, reason)),
            Verdict::Unknown => found.push((None, file)),
        }
    }
    if forced.is_none() {
        stay(&mut found, state)?;
    }
    let names = sources::names();
    let mut sorted =
        Sorted { logs: names.iter().map(|_| Vec::new()).collect(), passed_over, unknown: Vec::new() };
    for (index, file) in found {
        match index {
            Some(index) if takes(names[index], &file) => sorted.logs[index].push(file),
            Some(_) => {}
            None => sorted.unknown.push(file),
        }
    }
    Ok(sorted)
}

/// Makes files logs of the source that they came in as, or wait to.
///
/// # Errors
/// If the record of what was ingested cannot be read.
fn stay(found: &mut [(Option<usize>, RawFile)], state: &FolderState) -> anyhow::Result<()> {
    let paths: Vec<PathBuf> = found.iter().map(|(_, file)| run::path(file)).collect();
    let wanted = paths.iter().filter_map(|path| path.to_str()).collect();
    let mut known = Vec::new();
    for make in sources::ALL {
        let source = make();
        known.push(state.contents_of(source.name(), source.tables(), &wanted)?);
    }
    for ((index, _), path) in found.iter_mut().zip(&paths) {
        let Some(name) = path.to_str() else { continue };
        let with_name = || (0..known.len()).filter(|source| known[*source].contains_key(name));
        if !with_name().any(|source| Some(source) != *index) {
            continue;
        }
        // One that cannot be read is told where it is ingested.
        let sha256 = sha256(path).unwrap_or_default();
        let has = |source: &usize| known[*source].get(name).is_some_and(|all| all.contains(&sha256));
        if !index.as_ref().is_some_and(has) {
            // Where nothing else tells what it is, it may have another content than before.
            *index = with_name().find(has).or(*index).or_else(|| with_name().next());
        }
    }
    Ok(())
}

fn progress_bar(json: bool, bytes: u64) -> ProgressBar {
    if json || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr()).with_style(style)
}
