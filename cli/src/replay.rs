//! `lake replay`: raw objects once more.

mod folder;
mod range;
#[cfg(feature = "aws")]
mod stack;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;

use self::range::TimeRange;
use crate::place::{Place, PlaceArgs};
use crate::{Usage, ingest, sources};

/// Announce raw objects again, so that those that are missing come into the lake.
///
/// On a deployment (--stack) the source's raw bucket is listed and each log in it that is not in the lake is sent to
/// the source's queue, as S3 would announce it. On a folder (--lake) the raw files of PATH are brought in. Either way what is
/// in the lake already stays as it is: the same command may be run again at any time.
///
/// Without --go nothing is done; the command tells what it would do.
///
/// The ledger of a deployment remembers objects for 45 days. An older one may be in the lake although the ledger does
/// not know it, and its rows would double, so it is left out unless --not-in-lake says that none of them is there.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// Files or folders with raw logs; only with --lake
    #[arg(value_name = "PATH", value_parser = ingest::existing, conflicts_with = "stack")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    place: PlaceArgs,

    /// Only this source; may be given several times [default: all that are on]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(sources::names()))]
    source: Vec<String>,

    /// Only objects whose key begins so
    #[arg(long, value_name = "KEY")]
    prefix: Option<String>,

    /// Only objects from this day or moment on, such as 2026-03-14 or 2026-03-14T09:00:00Z
    ///
    /// The day in the key decides where there is one, as a whole; otherwise when the object was last written.
    #[arg(long, value_name = "TIME", value_parser = range::begin)]
    from: Option<i64>,

    /// Only objects up to this day, which still counts, or before this moment
    #[arg(long, value_name = "TIME", value_parser = range::end)]
    to: Option<i64>,

    /// Objects a second; only with --stack
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    #[arg(conflicts_with = "lake")]
    #[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "only with --stack"))]
    rate: u32,

    /// Announce objects too that are older than the ledger remembers; only with --stack
    #[arg(long, conflicts_with = "lake")]
    #[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "only with --stack"))]
    not_in_lake: bool,

    /// Do it, instead of telling what would be done
    #[arg(long)]
    go: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  lake replay --stack lake --source cloudtrail --from 2026-03-01 --to 2026-03-14
      what two weeks of CloudTrail would be
  lake replay --stack lake --source cloudtrail --from 2026-03-01 --to 2026-03-14 --rate 50 --go
      announces them, 50 objects a second
  lake replay ~/logs --lake ./lake --source vpc-flow --from 2026-03-01 --go
      brings the flow logs of a folder in that are not in the lake

Exit code: 0 done, 1 something failed, 2 usage.";

impl ReplayArgs {
    fn range(&self) -> TimeRange {
        TimeRange { from: self.from, to: self.to }
    }
}

/// Runs the command.
///
/// # Errors
/// If the place cannot be read, or a message not be sent.
pub(crate) fn run(args: &ReplayArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from >= to
    {
        return Err(Usage("--to is before --from".to_owned()).into());
    }
    match args.place.place()? {
        Place::Folder(lake) => folder::run(args, &lake, out),
        #[cfg(feature = "aws")]
        Place::Stack(name) => crate::deployment::block_on(stack::run(args, &name, out)),
    }
}
