//! The failed files of a folder, which `lake ingest` keeps in the lake: see [`failed`].

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use shared::ledger::folder;
use shared::ledger::folder::failed::{self, FailedFile, UNRECOGNISED};
use shared::store::folder as store;

use super::RedriveArgs;
use super::reason::Reason;
use super::summary::{self, Entry, Summary};
use crate::ingest::{self, IngestArgs, survey};
use crate::sources::{self, Sources, Verdict};
use crate::{files, lake};

/// Files of a lake that could not be brought in; each is counted once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    /// Of a source that is known.
    pub(crate) failed: u64,
    /// Of none.
    pub(crate) unrecognised: u64,
    /// Those that the next ingest brings in first, whatever it is asked for.
    pub(crate) waiting: u64,
}

/// How many files of the lake have failed, and how many wait.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn count(lake: &Path) -> anyhow::Result<Counts> {
    let mut waiting = BTreeSet::new();
    for name in sources::names() {
        waiting.extend(self::waiting(lake, name)?);
    }
    let mut failed = BTreeSet::new();
    for name in sources::names() {
        failed.extend(failed::read(&state(lake), name)?.into_iter().map(|file| file.path));
    }
    let is_left = |path: &String| !waiting.contains(path);
    let unrecognised = failed::read(&state(lake), UNRECOGNISED)?;
    let unrecognised = unrecognised.into_iter().map(|file| file.path).filter(|path| !failed.contains(path));
    Ok(Counts {
        unrecognised: unrecognised.filter(is_left).count() as u64,
        failed: failed.iter().filter(|path| is_left(path)).count() as u64,
        waiting: waiting.len() as u64,
    })
}

/// The files of the open groups of a source: an ingest was interrupted, could not write the lake, or is at work.
fn waiting(lake: &Path, name: &str) -> anyhow::Result<BTreeSet<String>> {
    let Some(index) = sources::index(name) else { return Ok(BTreeSet::new()) };
    let groups = folder::open_groups(&state(lake), name, sources::ALL[index]().tables())?;
    let paths = groups.iter().flat_map(|group| {
        group.remaining().into_iter().map(|member| {
            let object = &group.members[member];
            Path::new(&object.bucket).join(&object.key).to_string_lossy().into_owned()
        })
    });
    Ok(paths.collect())
}

fn state(lake: &Path) -> PathBuf {
    lake.join("state")
}

/// Runs the command.
pub(super) fn run(args: &RedriveArgs, lake: &Path, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (mut summaries, mut code) = (Vec::new(), ExitCode::SUCCESS);
    for name in sources::names().into_iter().chain([UNRECOGNISED]) {
        let waiting = waiting(lake, name)?;
        let mut files = failed::read(&state(lake), name)?;
        files.retain(|file| !waiting.contains(&file.path));
        if (files.is_empty() && waiting.is_empty())
            || !(args.source.is_empty() || args.source.iter().any(|wanted| wanted == name))
        {
            continue;
        }
        let source = (name != UNRECOGNISED).then_some(name);
        let known = known(lake, source, files.iter().map(|file| file.path.as_str()))?;
        let kept_in = failed::file(&state(lake), name).display().to_string();
        let mut summary = Summary::new(name, kept_in, args.entries);
        summary.waiting = waiting.len() as u64;
        let mut moving = Vec::new();
        for mut file in files {
            let (reason, trouble) = reason(&file, source, lake, &known);
            if let Some(trouble) = trouble {
                file.reason = format!("{trouble}; when it failed: {}", file.reason);
            }
            *summary.reasons.entry(reason).or_default() += 1;
            if args.moves(reason) {
                moving.push((file, reason));
            } else {
                summary.note(args, entry(file, reason, None));
            }
        }
        if !moving.is_empty() {
            let paths = || moving.iter().map(|(file, _)| file.path.as_str()).filter(|path| exists(path));
            // One that is in the lake, as a log of whatever source, is not said to be one of this: it would come in again.
            for (is_known, source) in [(false, source), (true, None)] {
                let those: Vec<&str> = paths().filter(|path| known.contains(*path) == is_known).collect();
                if those.is_empty() {
                    continue;
                }
                // What fails again is told as an ingest tells it, on stderr, and stays on the list.
                let ingest = arguments(lake, source, those.into_iter())?;
                if ingest::bring_in(&ingest, &|_, _| true, &mut io::sink())? != ExitCode::SUCCESS {
                    code = ExitCode::FAILURE;
                }
            }
            let landed = self::known(lake, source, paths())?;
            for (file, reason) in moving {
                let done = landed.contains(&file.path).then_some("moved");
                summary.moved += u64::from(done.is_some());
                summary.note(args, entry(file, reason, done));
            }
        }
        summaries.push(summary);
    }
    summary::print(&summaries, args, "raw files that failed", out)?;
    Ok(code)
}

fn exists(path: &str) -> bool {
    Path::new(path).exists()
}

/// What would become of a file today, and why it cannot be read. Of no source, it has to be recognised. A folder is there
/// for what stands in it.
fn reason(
    file: &FailedFile,
    source: Option<&str>,
    lake: &Path,
    known: &BTreeSet<String>,
) -> (Reason, Option<io::Error>) {
    let path = Path::new(&file.path);
    let opened = if path.is_dir() { File::open(path) } else { store::open(path) };
    match opened {
        _ if known.contains(&file.path) => (Reason::Known, None),
        Ok(_) if source.is_none() && path.is_file() && !is_recognised(path, lake) => {
            (Reason::Unrecognised, None)
        }
        Ok(_) => (Reason::Ready, None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => (Reason::AccessDenied, Some(error)),
        Err(error) => (Reason::NoSuchObject, Some(error)),
    }
}

fn is_recognised(path: &Path, lake: &Path) -> bool {
    let sources = Sources::new(None);
    let found = files::find(&[path.to_owned()], lake);
    found.files.iter().all(|(path, file)| sources.recognise(path, &file.key) != Verdict::Unknown)
}

fn entry(file: FailedFile, reason: Reason, done: Option<&'static str>) -> Entry {
    Entry {
        id: file.path.clone(),
        sent: None,
        reason,
        detail: Some(file.reason),
        objects: vec![file.path],
        delivery_error: None,
        done,
    }
}

/// Those of the files that are in the lake, as logs of this source or of another.
fn known<'a>(
    lake: &Path,
    source: Option<&str>,
    paths: impl Iterator<Item = &'a str>,
) -> anyhow::Result<BTreeSet<String>> {
    let paths: Vec<&str> = paths.filter(|path| exists(path)).collect();
    if paths.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut known = survey::in_the_lake(lake, &paths, source)?;
    let surveyed = survey::survey(&arguments(lake, source, paths.into_iter())?, &|_, _| true)?;
    let of_source = surveyed.into_iter().flat_map(|one| one.known);
    known.extend(of_source.map(|file| Path::new(&file.bucket).join(&file.key).display().to_string()));
    Ok(known)
}

fn arguments<'a>(
    lake: &Path,
    source: Option<&str>,
    paths: impl Iterator<Item = &'a str>,
) -> anyhow::Result<IngestArgs> {
    let region = lake::region(lake)?;
    let mut options: Vec<OsString> = vec!["--lake".into(), lake.into(), "--region".into(), region.into()];
    options.extend(source.map(|source| format!("--source={source}").into()));
    options.push("--".into());
    IngestArgs::of(options.into_iter().chain(paths.map(OsString::from)))
}
