//! `lake report`: answers to a few security questions, straight from the Parquet files.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use shared::store::folder::open;

use crate::grid::{self, Grid};
use crate::lake::{self, LakeFile};
use crate::questions::{self, Answer, Question, Row};

/// Answer a few security questions from the tables of a lake.
///
/// What root has done, who failed to sign in, who is denied most often; who sends most and whose flows are rejected;
/// which domains are asked for and blocked; how severe the findings are; which web requests are blocked. Those whose
/// table the lake has, each with the Athena query that gives the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lake report --lake ./lake\n  lake report --lake ./lake --json")]
pub(crate) struct ReportArgs {
    /// Folder of the lake
    #[arg(long, value_name = "DIR", value_parser = lake::existing)]
    lake: PathBuf,

    /// Print one JSON object: questions with their columns, rows and SQL
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// If no question is about a table of the lake, or the lake cannot be read.
pub(crate) fn run(args: &ReportArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let tables = lake::tables(&args.lake)?;
    if tables.is_empty() {
        bail!("the lake {} has no tables yet; `lake ingest` fills it", args.lake.display());
    }
    let mut answered = Vec::new();
    for table in &tables {
        let is_about = |question: &&Question| question.table == table.id();
        let mut answers: Vec<Answer> = questions::all().filter(is_about).map(Answer::new).collect();
        if !answers.is_empty() {
            for file in table.files()? {
                read(&file, &mut answers)
                    .with_context(|| format!("cannot read the Parquet file {}", file.path.display()))?;
            }
        }
        answered.extend(answers.into_iter().map(|answer| (answer, table.region())));
    }
    if answered.is_empty() {
        bail!("no question is about a table of this lake; they are about those of source version 2.0");
    }
    let place =
        |answer: &Answer| questions::all().position(|question| std::ptr::eq(question, answer.question()));
    answered.sort_by_key(|(answer, _)| place(answer));
    if args.json {
        let answers: Vec<Value> = answered.iter().map(|(answer, region)| to_json(answer, region)).collect();
        serde_json::to_writer(&mut *out, &json!({ "questions": answers }))?;
        writeln!(out)?;
    } else {
        for (answer, region) in &answered {
            print(answer, region, out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn to_json(answer: &Answer, region: &str) -> Value {
    let question = answer.question();
    json!({
        "name": question.name,
        "question": question.text,
        "columns": question.columns(),
        "rows": answer.rows(),
        "sql": question.sql(region),
    })
}

fn print(answer: &Answer, region: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let (question, rows) = (answer.question(), answer.rows());
    let columns = question.columns();
    writeln!(out, "{}\n", question.text)?;
    let mut grid = Grid::new(&columns);
    for row in &rows {
        for (column, value) in row.values().enumerate() {
            if value.is_u64() {
                grid.right(column);
            }
        }
        let cell = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(count) => grid::number(count.as_u64().unwrap_or_default()),
            _ => "-".to_owned(),
        };
        grid.row(row.values().map(cell));
    }
    if rows.is_empty() {
        writeln!(out, "  none")?;
    } else {
        grid.print(out, "  ")?;
    }
    writeln!(out)?;
    for line in question.sql(region).lines() {
        writeln!(out, "    {line}")?;
    }
    writeln!(out)?;
    Ok(())
}

/// Shows the rows of a file to the questions.
fn read(file: &LakeFile, answers: &mut [Answer]) -> anyhow::Result<()> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(open(&file.path)?)?;
    let leaves = answers.iter().flat_map(|answer| answer.question().leaves).copied();
    let mask = ProjectionMask::columns(builder.parquet_schema(), leaves.chain(["time"]));
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        let time = Leaf::new(&batch, "time")?;
        for answer in &mut *answers {
            let leaves = answer.question().leaves;
            let leaves: Vec<Leaf<'_>> =
                leaves.iter().map(|path| Leaf::new(&batch, path)).collect::<anyhow::Result<_>>()?;
            for row in 0..batch.num_rows() {
                answer.add(&BatchRow { time: &time, leaves: &leaves, account: file.value("accountid"), row });
            }
        }
    }
    Ok(())
}

/// A leaf of a batch, with the structs around it.
struct Leaf<'a> {
    path: &'static str,
    parents: Vec<&'a StructArray>,
    values: &'a ArrayRef,
}

impl<'a> Leaf<'a> {
    fn new(batch: &'a RecordBatch, path: &'static str) -> anyhow::Result<Self> {
        let mut names = path.split('.');
        let first = names.next().and_then(|name| batch.column_by_name(name));
        let mut values = first.with_context(|| format!("the column {path} is missing"))?;
        let mut parents = Vec::new();
        for name in names {
            let parent = values.as_struct_opt().with_context(|| format!("{path} is not in a struct"))?;
            values = parent.column_by_name(name).with_context(|| format!("the column {path} is missing"))?;
            parents.push(parent);
        }
        Ok(Self { path, parents, values })
    }

    fn is_null(&self, row: usize) -> bool {
        self.values.is_null(row) || self.parents.iter().any(|parent| parent.is_null(row))
    }

    fn text(&self, row: usize) -> Option<&'a str> {
        if self.is_null(row) { None } else { Some(self.values.as_string_opt::<i32>()?.value(row)) }
    }

    fn number(&self, row: usize) -> Option<i64> {
        if self.is_null(row) {
            return None;
        }
        let long = self.values.as_primitive_opt::<Int64Type>().map(|values| values.value(row));
        long.or_else(|| Some(i64::from(self.values.as_primitive_opt::<Int32Type>()?.value(row))))
    }
}

/// A row of a batch, as a question sees it.
struct BatchRow<'a> {
    time: &'a Leaf<'a>,
    leaves: &'a [Leaf<'a>],
    account: Option<&'a str>,
    row: usize,
}

impl BatchRow<'_> {
    fn leaf(&self, path: &str) -> Option<&Leaf<'_>> {
        let found = self.leaves.iter().find(|leaf| leaf.path == path);
        debug_assert!(found.is_some(), "{path} is none of the question's leaves");
        found
    }
}

impl Row for BatchRow<'_> {
    fn time(&self) -> i64 {
        self.time.number(self.row).unwrap_or_default()
    }

    fn account(&self) -> Option<&str> {
        self.account
    }

    fn text(&self, leaf: &str) -> Option<&str> {
        self.leaf(leaf)?.text(self.row)
    }

    fn number(&self, leaf: &str) -> Option<i64> {
        self.leaf(leaf)?.number(self.row)
    }
}
