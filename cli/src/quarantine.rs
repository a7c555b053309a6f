//! `lake quarantine`: the records that could not become rows.
//!
//! An entry is named by its file and its line in it, `<32 hex>:<line>`. A retry takes lines away, so a name holds
//! until then.

mod list;
mod note;
mod outcome;
mod retry;
mod rewrite;
mod show;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use flate2::read::MultiGzDecoder;
use shared::quarantine::Entry;

pub(crate) use self::note::refuse_interrupted;

/// Look at the records that could not become rows, and try them again.
#[derive(Debug, clap::Args)]
pub(crate) struct QuarantineArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Retry(retry::RetryArgs),
}

/// Which entries.
#[derive(Debug, clap::Args)]
struct Filter {
    /// Only records of this function, such as cloudtrail
    #[arg(long, value_name = "NAME")]
    function: Option<String>,

    /// Only records that are there for this reason, such as `missing_event_time`
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
}

impl Filter {
    fn takes_function(&self, name: &str) -> bool {
        self.function.as_deref().is_none_or(|wanted| wanted == name)
    }

    fn takes_reason(&self, reason: &str) -> bool {
        self.reason.as_deref().is_none_or(|wanted| wanted == reason)
    }
}

/// Runs the command.
///
/// # Errors
/// If the quarantine cannot be read or, for a retry, the lake cannot be written.
pub(crate) fn run(args: &QuarantineArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(args) => list::run(args, out),
        Command::Show(args) => show::run(args, out),
        Command::Retry(args) => retry::run(args, out),
    }
}

/// How the names of the quarantine's files end.
const ENDING: &str = ".jsonl.gz";

/// A file of the quarantine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct QuarantineFile {
    /// Whose records it holds: the name of its folder.
    function: String,
    /// 32 hex digits.
    name: String,
    path: PathBuf,
}

impl QuarantineFile {
    /// Its key in the lake.
    fn key(&self) -> String {
        format!("quarantine/{}/{}{ENDING}", self.function, self.name)
    }

    /// The name of the entry in that line.
    fn id(&self, line: u64) -> String {
        format!("{}:{line}", self.name)
    }

    /// Shows every line, with its number from 1, to `each`.
    fn each_line(&self, mut each: impl FnMut(u64, &str) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let cannot_read = || format!("cannot read {}", self.path.display());
        let file = File::open(&self.path).with_context(cannot_read)?;
        let mut reader = BufReader::new(MultiGzDecoder::new(BufReader::new(file)));
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
    fn each_entry(
        &self,
        mut each: impl FnMut(u64, &str, Entry<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.each_line(|number, text| {
            let entry = serde_json::from_str(text)
                .with_context(|| format!("{}: line {number} is no entry", self.path.display()))?;
            each(number, text, entry)
        })
    }
}

/// How many records are in a lake's quarantine.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn count(lake: &Path) -> anyhow::Result<u64> {
    let mut count = 0;
    for file in files(lake)? {
        file.each_line(|_, _| {
            count += 1;
            Ok(())
        })?;
    }
    Ok(count)
}

/// The files of a lake's quarantine, by function and name.
fn files(lake: &Path) -> anyhow::Result<Vec<QuarantineFile>> {
    let mut files = Vec::new();
    for (function, folder) in entries(&lake.join("quarantine"))? {
        if !folder.is_dir() {
            continue;
        }
        for (name, path) in entries(&folder)? {
            // A hidden file is one that is being written.
            let name = name.strip_suffix(ENDING).filter(|name| !name.starts_with('.'));
            if let Some(name) = name {
                files.push(QuarantineFile { function: function.clone(), name: name.to_owned(), path });
            }
        }
    }
    Ok(files)
}

/// What stands in a folder, by name; nothing if there is no such folder.
fn entries(folder: &Path) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let cannot_read = || format!("cannot read {}", folder.display());
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(cannot_read),
    };
    let mut entries = BTreeMap::new();
    for entry in listing {
        let path = entry.with_context(cannot_read)?.path();
        match path.file_name().and_then(|name| name.to_str()) {
            Some(name) => entries.insert(name.to_owned(), path),
            None => bail!("{} has a name that is not UTF-8", path.display()),
        };
    }
    Ok(entries)
}
