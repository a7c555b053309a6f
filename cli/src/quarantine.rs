//! `lake quarantine`: the records that could not become rows.
//!
//! An entry is named by its file and its line in it, `<32 hex>:<line>`. A retry takes lines away, so a name holds
//! until then. The same code works on a folder and on a bucket: see [`shelf::Shelf`].

mod lease;
mod list;
mod note;
mod outcome;
mod retry;
mod rewrite;
mod shelf;
mod show;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use shared::store::folder::FolderStore;

pub(crate) use self::note::refuse_interrupted;
use self::shelf::{QuarantineFile, Shelf};

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

/// How many records are in the quarantine of a lake in a folder.
///
/// # Errors
/// If a file of it cannot be read.
pub(crate) fn count(lake: &Path) -> anyhow::Result<u64> {
    let shelf = Shelf::new(FolderStore, lake)?;
    let mut records = 0;
    for file in shelf.files()? {
        shelf.each_entry(&file, |_, _, _| {
            records += 1;
            Ok(())
        })?;
    }
    Ok(records)
}

/// A deployment and its quarantine.
#[cfg(feature = "aws")]
fn deployed(
    name: &crate::deployment::StackName,
) -> anyhow::Result<(crate::deployment::Deployment, Shelf<shared::store::s3::S3Store>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let deployment = runtime.block_on(crate::deployment::Deployment::find(name))?;
    let shelf = Shelf::of_bucket(deployment.store(), deployment.lake_bucket.clone(), runtime)?;
    Ok((deployment, shelf))
}
