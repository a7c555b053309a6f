//! `lake`: a security lake in a folder. The same sources and the same pipeline as the functions, no AWS. And, with the
//! feature `aws`, what an operator does, on a folder or on a deployment: see [`place`].

mod clock;
#[cfg(feature = "aws")]
mod deployment;
mod doctor;
mod files;
mod grid;
mod ingest;
mod lake;
mod place;
mod quarantine;
mod questions;
mod recognise;
mod redrive;
mod repair;
mod replay;
mod report;
mod rows;
mod selection;
mod sources;
mod status;
mod summary;
mod tables;
mod terminal;
mod views;

use std::fmt;
use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write};
use std::process::ExitCode;

use clap::Parser;

/// A security lake in a folder: raw AWS logs in, OCSF tables in Parquet out, laid out as Amazon Security Lake.
///
/// The usual order is ingest, tables, report; `rows` shows what a row looks like, `views` lets DuckDB run
/// Security Lake's published queries on the folder. `quarantine` is for the records that could not become rows.
///
/// To operate a lake there are status, doctor, repair, replay and redrive. They work on a folder (--lake) and on a
/// deployment (--stack).
#[derive(Debug, Parser)]
#[command(name = "lake", version, after_help = EXAMPLES)]
enum Command {
    Ingest(ingest::IngestArgs),
    Tables(tables::TablesArgs),
    Rows(rows::RowsArgs),
    Views(views::ViewsArgs),
    Report(report::ReportArgs),
    Quarantine(quarantine::QuarantineArgs),
    Status(status::StatusArgs),
    Replay(replay::ReplayArgs),
    Redrive(redrive::RedriveArgs),
    Repair(repair::RepairArgs),
    Doctor(doctor::DoctorArgs),
}

const EXAMPLES: &str = "\
Examples:
  lake ingest ~/logs --lake ./lake
  lake tables --lake ./lake
  lake report --lake ./lake
  lake rows cloud_trail_mgmt_2_0 --lake ./lake --limit 3
  lake views --lake ./lake > views.sql
  lake quarantine list --lake ./lake
  lake doctor --lake ./lake
  lake status --stack open-security-lake";

/// Something that the person at the keyboard has to change in the command. Ends in exit code 2, as the errors
/// of clap do.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

impl Command {
    fn run(&self, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        match self {
            Self::Ingest(args) => ingest::run(args, out),
            Self::Tables(args) => tables::run(args, out),
            Self::Rows(args) => rows::run(args, out),
            Self::Views(args) => views::run(args, out),
            Self::Report(args) => report::run(args, out),
            Self::Quarantine(args) => quarantine::run(args, out),
            Self::Status(args) => status::run(args, out),
            Self::Replay(args) => replay::run(args, out),
            Self::Redrive(args) => redrive::run(args, out),
            Self::Repair(args) => repair::run(args, out),
            Self::Doctor(args) => doctor::run(args, out),
        }
    }
}

fn main() -> ExitCode {
    let command = Command::parse();
    // A file or another program gets every byte; a terminal acts on some.
    let stdout = io::stdout().lock();
    let stdout: Box<dyn Write> =
        if stdout.is_terminal() { Box::new(terminal::Tame::new(stdout)) } else { Box::new(stdout) };
    let mut out = BufWriter::new(stdout);
    let outcome = command.run(&mut out).and_then(|code| {
        out.flush()?;
        Ok(code)
    });
    match outcome {
        Ok(code) => code,
        // `lake rows … | head` has seen enough.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where even stderr is closed, the exit code still tells.
            let _ = writeln!(terminal::stderr(), "error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    };
    error.chain().any(is)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Command::command().debug_assert();
    }
}
