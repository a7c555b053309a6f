//! `lake quarantine show`: entries as they are.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Context as _;
use serde_json::Value;
use shared::store::Upkeep;
use shared::store::folder::FolderStore;

use super::{QuarantineFile, Shelf};
use crate::Usage;
use crate::place::{Place, PlaceArgs};

/// Print entries whole, as JSON, or the records in them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ShowArgs {
    /// The entries, each as FILE:LINE from `lake quarantine list --entries`; a file alone means all in it
    #[arg(required = true, value_name = "ENTRY")]
    ids: Vec<Id>,

    #[command(flatten)]
    place: PlaceArgs,

    /// Print the record alone, byte for byte as it came, several with a line end between; of one that was too large
    /// its beginning
    #[arg(long)]
    raw: bool,
}

const EXAMPLES: &str = "\
Examples:
  lake quarantine show 0123456789abcdef0123456789abcdef:1 --lake ./lake
  lake quarantine show 0123456789abcdef0123456789abcdef:1 --lake ./lake --raw > record.json";

/// The name of an entry or of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Id {
    file: String,
    line: Option<u64>,
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (file, line) = match text.split_once(':') {
            Some((file, line)) => (file, Some(line.parse().map_err(|_| expected())?)),
            None => (text, None),
        };
        let is_hex = file.len() == 32 && file.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex { Ok(Self { file: file.to_lowercase(), line }) } else { Err(expected()) }
    }
}

fn expected() -> String {
    "expected 32 hex digits, and perhaps a colon and the number of a line".to_owned()
}

/// Runs the command.
///
/// # Errors
/// If there is no such entry or the quarantine cannot be read.
pub(super) fn run(args: &ShowArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match args.place.place()? {
        Place::Folder(lake) => show_all(args, &Shelf::new(FolderStore, &lake)?, out),
        #[cfg(feature = "aws")]
        Place::Stack(name) => show_all(args, &super::deployed(&name)?.1, out),
    }
}

fn show_all<S: Upkeep>(args: &ShowArgs, shelf: &Shelf<S>, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let files = shelf.files()?;
    let mut first = true;
    for id in &args.ids {
        let mut named = files.iter().filter(|file| file.name == id.file).peekable();
        if named.peek().is_none() {
            return Err(Usage(format!("the quarantine has no file {}", id.file)).into());
        }
        let mut shown = BTreeSet::new();
        for file in named {
            show(shelf, file, id.line, args.raw, &mut first, &mut shown, out)?;
        }
        if let Some(line) = id.line.filter(|line| !shown.contains(line)) {
            return Err(Usage(format!("the file {} has no line {line}", id.file)).into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show<S: Upkeep>(
    shelf: &Shelf<S>,
    file: &QuarantineFile,
    wanted: Option<u64>,
    raw: bool,
    first: &mut bool,
    shown: &mut BTreeSet<u64>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    shelf.each_entry(file, |line, text, entry| {
        if wanted.is_some_and(|wanted| wanted != line) {
            return Ok(());
        }
        shown.insert(line);
        if raw {
            if !*first {
                writeln!(out)?;
            }
            let record = entry.raw().with_context(|| format!("{} holds no record", file.id(line)))?;
            out.write_all(&record)?;
            if let Some(length) = entry.length {
                let id = file.id(line);
                writeln!(
                    io::stderr(),
                    "{id} is cut: these are the first {} of {length} bytes",
                    record.len()
                )?;
            }
        } else {
            // The line itself, with whatever else stands in it.
            let members: Value = serde_json::from_str(text)?;
            let mut named = serde_json::Map::from_iter([("id".to_owned(), Value::from(file.id(line)))]);
            named.extend(members.as_object().cloned().unwrap_or_default());
            writeln!(out, "{}", serde_json::to_string_pretty(&named)?)?;
        }
        *first = false;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let file = "0123456789abcdef0123456789ABCDEF";
        assert_eq!(Id::from_str(file), Ok(Id { file: file.to_lowercase(), line: None }));
        assert_eq!(Id::from_str(&format!("{file}:12")).map(|id| id.line), Ok(Some(12)));
        for wrong in ["", "12", "0123456789abcdef0123456789abcdeg", &format!("{file}:"), &format!("{file}:x")]
        {
            assert!(Id::from_str(wrong).is_err(), "{wrong}");
        }
    }
}
