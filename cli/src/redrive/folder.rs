//! The failed files of a folder: `state/failed/<source>.jsonl` in the lake, which `lake ingest` keeps.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Deserialize;

use super::RedriveArgs;
use super::reason::Reason;
use super::summary::{self, Entry, Summary};
use crate::ingest::{self, IngestArgs, survey};
use crate::{lake, sources};

/// A line of the list.
#[derive(Debug, Deserialize)]
struct FailedFile {
    /// Absolute path.
    path: String,
    /// Why it failed.
    reason: String,
}

fn list(lake: &Path, source: &str) -> PathBuf {
    lake.join("state").join("failed").join(format!("{source}.jsonl"))
}

fn read(path: &Path) -> anyhow::Result<Vec<FailedFile>> {
    let cannot_read = || format!("cannot read the failed files in {}", path.display());
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(cannot_read),
    };
    text.lines().map(|line| serde_json::from_str(line).with_context(cannot_read)).collect()
}

/// How many files of the lake have failed.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn count(lake: &Path) -> anyhow::Result<u64> {
    let mut count = 0;
    for name in sources::names() {
        count += read(&list(lake, name))?.len() as u64;
    }
    Ok(count)
}

/// Runs the command.
pub(super) fn run(args: &RedriveArgs, lake: &Path, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (mut summaries, mut code) = (Vec::new(), ExitCode::SUCCESS);
    for name in sources::names() {
        let files = read(&list(lake, name))?;
        if files.is_empty() || !(args.source.is_empty() || args.source.iter().any(|wanted| wanted == name)) {
            continue;
        }
        let known = known(lake, name, files.iter().map(|file| file.path.as_str()))?;
        let mut summary = Summary::new(name, list(lake, name).display().to_string(), args.entries);
        let mut moving = Vec::new();
        for file in files {
            let reason = reason(&file, &known);
            *summary.reasons.entry(reason).or_default() += 1;
            if args.moves(reason) {
                moving.push((file, reason));
            } else {
                summary.note(args, entry(file, reason, None));
            }
        }
        if !moving.is_empty() {
            let paths = || moving.iter().map(|(file, _)| file.path.as_str()).filter(|path| exists(path));
            // What fails again is told as an ingest tells it, on stderr, and stays on the list.
            if paths().next().is_some() {
                let ingest = arguments(lake, name, paths())?;
                if ingest::bring_in(&ingest, &|_, _| true, &mut io::sink())? != ExitCode::SUCCESS {
                    code = ExitCode::FAILURE;
                }
            }
            let landed = self::known(lake, name, paths())?;
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

/// What would become of a file today.
fn reason(file: &FailedFile, known: &BTreeSet<String>) -> Reason {
    match File::open(&file.path) {
        _ if known.contains(&file.path) => Reason::Known,
        Ok(_) => Reason::Ready,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Reason::AccessDenied,
        Err(_) => Reason::NoSuchObject,
    }
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

/// Those of the files that are in the lake.
fn known<'a>(
    lake: &Path,
    source: &str,
    paths: impl Iterator<Item = &'a str>,
) -> anyhow::Result<BTreeSet<String>> {
    let paths: Vec<&str> = paths.filter(|path| exists(path)).collect();
    if paths.is_empty() {
        return Ok(BTreeSet::new());
    }
    let surveyed = survey::survey(&arguments(lake, source, paths.into_iter())?, &|_, _| true)?;
    let known = surveyed.into_iter().flat_map(|one| one.known);
    Ok(known.map(|file| Path::new(&file.bucket).join(&file.key).display().to_string()).collect())
}

fn arguments<'a>(
    lake: &Path,
    source: &str,
    paths: impl Iterator<Item = &'a str>,
) -> anyhow::Result<IngestArgs> {
    let region = lake::region(lake)?;
    let options: [OsString; 7] = [
        "--lake".into(),
        lake.into(),
        "--region".into(),
        region.into(),
        "--source".into(),
        source.into(),
        "--".into(),
    ];
    IngestArgs::of(options.into_iter().chain(paths.map(OsString::from)))
}
