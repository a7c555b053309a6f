//! The failed files of a folder.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::RedriveArgs;

/// Runs the command.
pub(super) fn run(_args: &RedriveArgs, _lake: &Path, _out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not yet")
}
