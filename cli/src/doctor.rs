//! `lake doctor`: is everything there that the lake needs, and what is to be done where it is not.
//!
//! A check is a call that reads something, and a judgement on what it answered. The judgements are functions of plain
//! values, so each is tested by itself. Nothing is changed. What may not be read, or is not understood, is told as *not
//! checked* with what to do about that; it is never taken for well.

#[cfg(feature = "aws")]
mod aws;
mod check;
mod folder;

use std::io::Write;
use std::process::ExitCode;

use self::check::{Checks, Verdict};
use crate::place::{Place, PlaceArgs};

/// Check everything that a lake needs, and say what to do where something is amiss.
///
/// Of a deployment: every permission, queue, notification, key and table, of each source. Of a folder: its files, its
/// catalogue and its state. Changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// Print a JSON line for each check
    #[arg(long)]
    json: bool,

    /// Exit code 1 also if something could not be checked
    #[arg(long)]
    strict: bool,
}

const EXAMPLES: &str = "\
Examples:
  lake doctor --lake ./lake
  lake doctor --stack open-security-lake

Exit code: 0 no problem was found, 1 there is a problem (with --strict, or something could not be checked), 2 usage.";

/// Runs the command.
///
/// # Errors
/// If there is no such deployment, or it may not be read at all.
pub(crate) fn run(args: &DoctorArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let checks = match args.place.place()? {
        Place::Folder(lake) => folder::examine(&lake),
        #[cfg(feature = "aws")]
        Place::Stack(name) => crate::deployment::block_on(aws::examine(&name))?,
    };
    if args.json {
        checks.write_json(out)?;
    } else {
        checks.print(out)?;
    }
    Ok(if checks.are_ok(args.strict) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
