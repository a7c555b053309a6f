//! `lake tables`: what a lake holds.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;
use serde::Serialize;
use shared::store::folder::open;
use shared::time::to_rfc3339;

use crate::grid::{self, Grid};
use crate::lake::{self, Table};

/// Show the tables of a lake: rows, files, partitions, bytes, time range.
///
/// Figures come from the footers of the Parquet files; no row is read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lake tables --lake ./lake\n  lake tables --lake ./lake --json")]
pub(crate) struct TablesArgs {
    /// Folder of the lake
    #[arg(long, value_name = "DIR", value_parser = lake::existing)]
    lake: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Listing {
    tables: Vec<Figures>,
}

/// Figures of one table. Times are RFC 3339, null in a table without rows.
#[derive(Debug, Serialize)]
struct Figures {
    database: String,
    table: String,
    source: String,
    version: String,
    rows: u64,
    files: u64,
    partitions: u64,
    bytes: u64,
    first: Option<String>,
    last: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// If the lake cannot be read.
pub(crate) fn run(args: &TablesArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let tables = lake::tables(&args.lake)?;
    let figures: Vec<Figures> = tables.iter().map(figures).collect::<Result<_, _>>()?;
    if args.json {
        serde_json::to_writer(&mut *out, &Listing { tables: figures })?;
        writeln!(out)?;
    } else if tables.is_empty() {
        writeln!(out, "no tables yet; `lake ingest` fills the lake")?;
    } else {
        print(&tables, &figures, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One block a database, as a lake has one for each region it was filled for.
fn print(tables: &[Table], figures: &[Figures], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut rows = tables.iter().zip(figures).peekable();
    while let Some((first, _)) = rows.peek() {
        let database = first.entry.database.clone();
        writeln!(out, "{database}")?;
        let mut grid =
            Grid::new(&["table", "rows", "files", "partitions", "bytes", "first event", "last event"]);
        (1..=4).for_each(|column| grid.right(column));
        while let Some((table, figures)) = rows.next_if(|(table, _)| table.entry.database == database) {
            let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_owned());
            grid.row([
                table.short_name().to_owned(),
                grid::number(figures.rows),
                grid::number(figures.files),
                grid::number(figures.partitions),
                grid::bytes(figures.bytes),
                time(&figures.first),
                time(&figures.last),
            ]);
        }
        grid.print(out, "  ")?;
    }
    Ok(())
}

fn figures(table: &Table) -> anyhow::Result<Figures> {
    let (mut rows, mut bytes, mut times) = (0, 0, None);
    let files = table.files()?;
    for file in &files {
        let (count, range) = rows_and_times(&file.path)?;
        rows += count;
        bytes += file.bytes;
        times = union(times, range);
    }
    Ok(Figures {
        database: table.entry.database.clone(),
        table: table.entry.name.clone(),
        source: table.source.clone(),
        version: table.version.clone(),
        rows,
        files: files.len() as u64,
        partitions: table.entry.partitions.len() as u64,
        bytes,
        first: times.map(|(first, _)| to_rfc3339(first)),
        last: times.map(|(_, last)| to_rfc3339(last)),
    })
}

/// Rows of a Parquet file, and the times of its first and last event in milliseconds since the epoch; from its footer.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn rows_and_times(path: &Path) -> anyhow::Result<(u64, Option<(i64, i64)>)> {
    let footer = footer(path)?;
    let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or_default();
    Ok((rows, time_range(&footer)))
}

fn footer(path: &Path) -> anyhow::Result<ParquetMetaData> {
    let read = || -> anyhow::Result<ParquetMetaData> {
        Ok(ParquetMetaDataReader::new().parse_and_finish(&open(path)?)?)
    };
    read().with_context(|| format!("cannot read the Parquet file {}", path.display()))
}

/// First and last `time`, from the statistics.
fn time_range(footer: &ParquetMetaData) -> Option<(i64, i64)> {
    let columns = footer.file_metadata().schema_descr().columns();
    let time = columns.iter().position(|column| column.path().string() == "time")?;
    let range = |group: &parquet::file::metadata::RowGroupMetaData| match group.column(time).statistics() {
        Some(Statistics::Int64(times)) => Some((*times.min_opt()?, *times.max_opt()?)),
        _ => None,
    };
    footer.row_groups().iter().map(range).fold(None, union)
}

fn union(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (one, other) => one.or(other),
    }
}
