//! `lake report`: answers to a few security questions, straight from the Parquet files.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{ArrowPrimitiveType, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::grid::{self, Grid};
use crate::lake::{self, LakeFile};
use crate::questions::{self, Answer};

/// The table that the questions are about.
const TABLE: &str = "CLOUD_TRAIL_MGMT@2.0";

/// The leaves that an [`Event`] is made of; nothing else is read.
const LEAVES: [&str; 12] = [
    "time",
    "class_uid",
    "status",
    "api.operation",
    "api.response.error",
    "actor.user.type",
    "actor.user.name",
    "actor.user.uid",
    "actor.user.uid_alt",
    "actor.invoked_by",
    "src_endpoint.ip",
    "user.uid",
];

/// Answer a few security questions from the management events of a lake.
///
/// What root has done, who failed to sign in, who assumed which role, who is denied most often. Each answer
/// comes with the Athena query that gives the same.
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

/// What the questions need of an event.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Event<'a> {
    /// `time`, in milliseconds since the epoch
    pub(crate) time: i64,
    /// `accountid`
    pub(crate) account: Option<&'a str>,
    /// `class_uid`
    pub(crate) class_uid: Option<i32>,
    /// `status`
    pub(crate) status: Option<&'a str>,
    /// `api.operation`
    pub(crate) operation: Option<&'a str>,
    /// `api.response.error`
    pub(crate) error: Option<&'a str>,
    /// `actor.user.type`
    pub(crate) user_type: Option<&'a str>,
    /// `actor.user.name`
    pub(crate) user_name: Option<&'a str>,
    /// `actor.user.uid`
    pub(crate) user_uid: Option<&'a str>,
    /// `actor.user.uid_alt`
    pub(crate) user_uid_alt: Option<&'a str>,
    /// `actor.invoked_by`
    pub(crate) invoked_by: Option<&'a str>,
    /// `src_endpoint.ip`
    pub(crate) source_ip: Option<&'a str>,
    /// `user.uid`
    pub(crate) target_uid: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// Who called: an ARN, or else an AWS service, or else an id.
    pub(crate) fn caller(&self) -> Option<&'a str> {
        self.user_uid.or(self.invoked_by).or(self.user_uid_alt)
    }
}

/// Runs the command.
///
/// # Errors
/// If the lake has no management events or cannot be read.
pub(crate) fn run(args: &ReportArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let table = lake::find(&args.lake, TABLE)?;
    let mut answers: Vec<Answer> = questions::ALL.iter().map(questions::Question::answer).collect();
    for file in table.files()? {
        read(&file, &mut answers)
            .with_context(|| format!("cannot read the Parquet file {}", file.path.display()))?;
    }
    if args.json {
        let answers: Vec<Value> = answers.iter().map(|answer| to_json(answer, table.region())).collect();
        serde_json::to_writer(&mut *out, &json!({ "questions": answers }))?;
        writeln!(out)?;
    } else {
        for answer in &answers {
            print(answer, table.region(), out)?;
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

/// Shows the events of a file to the questions.
fn read(file: &LakeFile, answers: &mut [Answer]) -> anyhow::Result<()> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&file.path)?)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), LEAVES);
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        let columns = EventColumns::new(&batch)?;
        for row in 0..batch.num_rows() {
            let event = columns.event(row, file.value("accountid"));
            answers.iter_mut().for_each(|answer| answer.add(&event));
        }
    }
    Ok(())
}

/// A leaf of a batch, with the structs around it.
struct Leaf<'a> {
    parents: Vec<&'a StructArray>,
    values: &'a ArrayRef,
}

impl<'a> Leaf<'a> {
    fn new(batch: &'a RecordBatch, path: &str) -> anyhow::Result<Self> {
        let mut names = path.split('.');
        let first = names.next().and_then(|name| batch.column_by_name(name));
        let mut values = first.with_context(|| format!("the column {path} is missing"))?;
        let mut parents = Vec::new();
        for name in names {
            let parent = values.as_struct_opt().with_context(|| format!("{path} is not in a struct"))?;
            values = parent.column_by_name(name).with_context(|| format!("the column {path} is missing"))?;
            parents.push(parent);
        }
        Ok(Self { parents, values })
    }

    fn is_null(&self, row: usize) -> bool {
        self.values.is_null(row) || self.parents.iter().any(|parent| parent.is_null(row))
    }

    fn text(&self, row: usize) -> Option<&'a str> {
        if self.is_null(row) { None } else { Some(self.values.as_string_opt::<i32>()?.value(row)) }
    }

    fn number<T: ArrowPrimitiveType>(&self, row: usize) -> Option<T::Native> {
        if self.is_null(row) { None } else { Some(self.values.as_primitive_opt::<T>()?.value(row)) }
    }
}

/// The columns of a batch of events.
struct EventColumns<'a> {
    leaves: [Leaf<'a>; LEAVES.len()],
}

impl<'a> EventColumns<'a> {
    fn new(batch: &'a RecordBatch) -> anyhow::Result<Self> {
        let leaves: Vec<Leaf<'a>> =
            LEAVES.iter().map(|path| Leaf::new(batch, path)).collect::<anyhow::Result<_>>()?;
        let leaves = leaves.try_into().map_err(|_| anyhow::anyhow!("columns are missing"))?;
        Ok(Self { leaves })
    }

    fn event(&self, row: usize, account: Option<&'a str>) -> Event<'a> {
        let [time, class, status, operation, error, kind, name, uid, uid_alt, service, ip, target] =
            &self.leaves;
        Event {
            time: time.number::<Int64Type>(row).unwrap_or_default(),
            account,
            class_uid: class.number::<Int32Type>(row),
            status: status.text(row),
            operation: operation.text(row),
            error: error.text(row),
            user_type: kind.text(row),
            user_name: name.text(row),
            user_uid: uid.text(row),
            user_uid_alt: uid_alt.text(row),
            invoked_by: service.text(row),
            source_ip: ip.text(row),
            target_uid: target.text(row),
        }
    }
}
