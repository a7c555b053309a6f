//! `lake views`: SQL that shows the lake to DuckDB under Security Lake's names.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::lake::{self, Table};

/// Print SQL that shows the lake to DuckDB under Security Lake's names.
///
/// It makes a schema and a view for each database and table, so a published Athena query on Security Lake
/// runs as it is. Run it again after a new table has appeared; new files of a known table need nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ViewsArgs {
    /// Folder of the lake
    #[arg(long, value_name = "DIR", value_parser = lake::existing)]
    lake: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  lake views --lake ./lake > views.sql
  duckdb -init views.sql";

/// Functions and types that published queries use and DuckDB lacks, under the names that a translation to DuckDB's
/// SQL leaves them.
const ATHENA: &str = include_str!("views/athena.sql");

/// Runs the command.
///
/// # Errors
/// If the catalogue cannot be read or the lake's path cannot be written in SQL.
pub(crate) fn run(args: &ViewsArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let tables = lake::tables(&args.lake)?;
    if tables.is_empty() {
        writeln!(out, "-- no tables yet; `lake ingest` fills the lake")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "-- Athena has its timestamps in UTC.\nSET TimeZone = 'UTC';")?;
    // Any Parquet file with structs sets DuckDB 2.0.0 off, whoever wrote it.
    writeln!(
        out,
        "-- DuckDB 2.0.0 fails with it on a filter on a struct's member before ORDER BY and LIMIT."
    )?;
    writeln!(out, "SET disabled_optimizers = 'late_materialization';\n")?;
    let databases: BTreeSet<&str> = tables.iter().map(|table| table.entry.database.as_str()).collect();
    for database in databases {
        writeln!(out, "CREATE SCHEMA IF NOT EXISTS {};", identifier(database))?;
    }
    for table in &tables {
        writeln!(out, "\n{}", view(table, &args.lake)?)?;
    }
    // At the end: a DuckDB that is too old for it has the views all the same.
    write!(out, "\n{ATHENA}")?;
    Ok(ExitCode::SUCCESS)
}

fn view(table: &Table, lake: &Path) -> anyhow::Result<String> {
    let lake = lake.to_str().context("the lake's path is not UTF-8")?;
    let files = format!("{}/{}*/*/*/*.parquet", glob_escape(lake), table.entry.location);
    let column = |name| match identifier(name) {
        // DuckDB names a partition key as the path does (`accountId`) unless told otherwise.
        name if table.entry.partition_keys.iter().any(|key| identifier(&key.name) == name) => {
            format!("  {name} AS {name}")
        }
        name => format!("  {name}"),
    };
    let columns: Vec<String> = table.column_order().into_iter().map(column).collect();
    Ok(format!(
        "CREATE OR REPLACE VIEW {}.{} AS\nSELECT\n{}\nFROM read_parquet(\n  {},\n  \
         hive_partitioning = true, hive_types_autocast = false, union_by_name = true\n);",
        identifier(&table.entry.database),
        identifier(&table.entry.name),
        columns.join(",\n"),
        literal(&files),
    ))
}

/// A name in SQL. Quoted, since `user` and `time` are key words somewhere.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A path that a glob takes to the letter.
fn glob_escape(path: &str) -> String {
    path.chars().fold(String::new(), |mut escaped, character| {
        if matches!(character, '*' | '?' | '[') {
            escaped.extend(['[', character, ']']);
        } else {
            escaped.push(character);
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_path_ends_its_quotes_or_is_a_pattern() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(glob_escape("/a[1]*?/b"), "/a[[]1][*][?]/b");
    }
}
