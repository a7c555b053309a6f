//! `lake repair`: brings the catalogue into line with the lake and with the definitions of the tables.
//!
//! What is in the lake is never changed; only what the catalogue says of it. Without `--go` nothing is.

mod mend;
mod plan;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use shared::catalog::folder::{FolderCatalog, TableEntry};
use shared::ledger::folder::FolderState;
use shared::store::folder::FolderStore;
use shared::table::TableDefinition;

pub(crate) use self::plan::{Finding, What, plan};
use crate::grid::Grid;
use crate::place::{Place, PlaceArgs};
use crate::{ingest, lake, sources};

/// Mend the catalogue: register partitions that are in the lake and not in it, bring tables up to their definition.
///
/// Without --go this only tells. A table that somebody has changed, so that it is no older version of its definition, is
/// told of and never touched.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// Do it
    #[arg(long)]
    go: bool,

    /// Also take partitions out of the catalogue that hold no object
    #[arg(long)]
    remove_empty: bool,

    /// Of a folder whose catalogue has databases of several regions: which of them
    #[arg(long, value_name = "REGION", requires = "lake", value_parser = ingest::region)]
    catalog_region: Option<String>,

    /// Print a JSON line for each finding
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  lake repair --lake ./lake
  lake repair --stack open-security-lake
  lake repair --stack open-security-lake --go

Exit code: 0 there is nothing to do or all of it was done, 1 something remains, 2 usage.";

/// Every table that there is a definition of, by id.
pub(crate) fn every_table() -> Vec<&'static TableDefinition> {
    let mut tables: Vec<_> = sources::ALL.iter().flat_map(|make| make().tables().iter().copied()).collect();
    tables.sort_by_key(|table| table.id());
    tables
}

/// Runs the command.
///
/// # Errors
/// If the lake or the catalogue cannot be read, or the catalogue cannot be changed.
pub(crate) fn run(args: &RepairArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let done = match args.place.place()? {
        Place::Folder(lake) => {
            let cannot_read = || {
                format!(
                    "cannot read the catalogue; restore that file of it, or remove the file and run: lake repair --lake {} --go",
                    lake.display()
                )
            };
            let region = match &args.catalog_region {
                Some(region) => region.clone(),
                None => region_of(&FolderCatalog::tables(&lake).with_context(cannot_read)?)?,
            };
            // An ingest writes to the catalogue too.
            let _lock = args.go.then(|| FolderState::open(&lake)).transpose()?;
            let Some(bucket) = lake.to_str() else {
                bail!("the path of the lake {} is not UTF-8", lake.display());
            };
            let catalog = FolderCatalog::new(&lake, &region);
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            runtime.block_on(repair(args, &FolderStore, bucket, &catalog))?
        }
        #[cfg(feature = "aws")]
        Place::Stack(name) => crate::deployment::block_on(async {
            let deployment = crate::deployment::Deployment::find(&name).await?;
            let (store, catalog) = (deployment.store(), deployment.catalog());
            repair(args, &store, &deployment.lake_bucket, &catalog).await
        })?,
    };
    print(args, &done, out)
}

/// A finding and whether it was mended.
type Done = Vec<(Finding, bool)>;

async fn repair<S: shared::store::Upkeep, C: shared::catalog::Upkeep>(
    args: &RepairArgs,
    store: &S,
    bucket: &str,
    catalog: &C,
) -> anyhow::Result<Done> {
    let mut done = Vec::new();
    for table in every_table() {
        let findings = plan(store, bucket, catalog, table).await?;
        if args.go {
            done.extend(mend::mend(catalog, table, findings, args.remove_empty).await?);
        } else {
            done.extend(findings.into_iter().map(|finding| (finding, false)));
        }
    }
    Ok(done)
}

/// The region of a folder's catalogue.
///
/// # Errors
/// If it has databases of several.
pub(crate) fn region_of(entries: &[TableEntry]) -> anyhow::Result<String> {
    lake::region_of(entries, "choose one by `lake repair --catalog-region`")
}

fn print(args: &RepairArgs, done: &Done, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if args.json {
        for (finding, mended) in done {
            serde_json::to_writer(&mut *out, &finding.line(*mended, args.remove_empty))?;
            writeln!(out)?;
        }
    } else if done.is_empty() {
        writeln!(out, "the catalogue is as it should be; nothing to do")?;
    } else {
        let mut grid =
            Grid::new(&["table", "what", "where", "detail", if args.go { "outcome" } else { "with --go" }]);
        for (finding, mended) in done {
            let line = finding.line(*mended, args.remove_empty);
            grid.row([line.table, line.what.to_owned(), line.place, line.detail, line.outcome.to_owned()]);
        }
        grid.print(out, "")?;
    }
    let remains = done.iter().any(|(_, mended)| !mended);
    if remains && !args.go && !args.json {
        writeln!(out, "nothing was changed; --go does what can be done")?;
    }
    Ok(if remains { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
