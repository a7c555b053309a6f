//! `lake redrive`: what failed, once more.

pub(crate) mod folder;
mod reason;
#[cfg(feature = "aws")]
mod stack;
mod summary;

use std::io::Write;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;

use self::reason::Reason;
use crate::place::{Place, PlaceArgs};
use crate::sources;

/// Look at what was given up, and send it through the lake again.
///
/// On a deployment (--stack) that is the dead-letter queue of each source: announcements that failed five times. Each is
/// tried today, with your credentials: would it fail again, and for which reason? With --go those that would not are sent to
/// the source's queue and then deleted from the dead-letter queue; whichever moment it is interrupted at, none is
/// lost, and the ledger keeps rows from doubling. On a folder (--lake) it is the list of raw files that failed.
///
/// Without --go nothing is moved. Messages that are looked at are hidden from others
/// meanwhile.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RedriveArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// Only this source; may be given several times [default: all that are on]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(sources::names()))]
    source: Vec<String>,

    /// Only what is there for this reason; may be given several times [default with --go: ready]
    #[arg(long, value_name = "REASON")]
    reason: Vec<Reason>,

    /// List each entry, not only the counts
    #[arg(long)]
    entries: bool,

    /// Messages a second; only with --stack
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    #[arg(conflicts_with = "lake")]
    #[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "only with --stack"))]
    rate: u32,

    /// How long messages that are looked at are hidden from others, in seconds; only with --stack
    ///
    /// They are given back at the end; if the command is killed, they come back by themselves after that time.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u16).range(5..=43_200))]
    #[arg(conflicts_with = "lake")]
    #[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "only with --stack"))]
    hide_seconds: u16,

    /// Give up the group of this id, of which an object is gone for good; only with --stack
    ///
    /// Its rows leave the lake, as far as they are there, and its objects are free: the others can be redriven then. `--entries`
    /// tells the ids of groups that cannot end. Without --go it tells what would be removed.
    #[arg(long, value_name = "GROUP", value_parser = group_id)]
    #[arg(conflicts_with_all = ["lake", "reason", "entries"])]
    #[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "only with --stack"))]
    give_up: Option<String>,

    /// Do it, instead of telling what is there
    #[arg(long)]
    go: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  lake redrive --stack lake
      how many dead letters each source has, by what would become of them today
  lake redrive --stack lake --source cloudtrail --entries
      each of CloudTrail's, with its object
  lake redrive --stack lake --go
      sends back what would not fail any more
  lake redrive --stack lake --go --reason known
      deletes those whose objects are in the lake by now
  lake redrive --stack lake --give-up 0123456789abcdef0123456789abcdef --go
      frees the objects of a group that cannot end; the next redrive brings in those that are there

Exit code: 0 done, 1 something failed, 2 usage.";

fn group_id(text: &str) -> Result<String, String> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == 32 && text.bytes().all(is_digit) {
        Ok(text.to_owned())
    } else {
        Err("expected the 32 hex digits that --entries names".to_owned())
    }
}

impl RedriveArgs {
    /// Whether what is there for that reason is listed.
    fn lists(&self, reason: Reason) -> bool {
        self.reason.is_empty() || self.reason.contains(&reason)
    }

    /// Whether what is there for that reason is moved, or deleted if it is known.
    fn moves(&self, reason: Reason) -> bool {
        let wanted =
            if self.reason.is_empty() { reason == Reason::Ready } else { self.reason.contains(&reason) };
        self.go && wanted
    }
}

/// Runs the command.
///
/// # Errors
/// If the place cannot be read, or a message not be moved.
pub(crate) fn run(args: &RedriveArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match args.place.place()? {
        Place::Folder(lake) => folder::run(args, &lake, out),
        #[cfg(feature = "aws")]
        Place::Stack(name) => crate::deployment::block_on(stack::run(args, &name, out)),
    }
}
