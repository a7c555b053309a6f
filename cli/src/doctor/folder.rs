//! The checks of a lake in a folder.

mod files;

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use shared::catalog::folder::{FolderCatalog, TableEntry};
use shared::ledger::folder::failed::{self, FailedFile};
use shared::ledger::folder::{self, FolderError, Record};
use shared::ledger::seen;
use shared::store::folder::{self as store, FolderStore};
use shared::table::{Standing, TableDefinition, standing};

use super::{Checks, Verdict};
use crate::repair::{self, Finding, What, every_table};
use crate::sources;

/// Bytes that have to be free: one row group of the largest buffer that may be chosen.
const FREE: u64 = 1 << 30;

/// Examines a lake.
pub(super) fn examine(lake: &Path) -> Checks {
    let mut checks = Checks::default();
    checks.add("folder", "writable", writable(lake));
    checks.add("folder", "free space", judge_space(free_space(lake), lake));
    state(lake, &mut checks);
    checks.add("folder", "leftovers", judge_leftovers(&leftovers(lake)));
    checks.add("quarantine", "records", quarantine(lake));
    catalog(lake, &mut checks);
    checks
}

/// Whether a file can be made in the folder; it is removed again.
fn writable(lake: &Path) -> Verdict {
    let probe = lake.join(".doctor.part");
    let written = File::create(&probe).and_then(|_| fs::remove_file(&probe));
    match written {
        Ok(()) => Verdict::ok(lake.display().to_string()),
        Err(error) => {
            let path = lake.display();
            Verdict::problem(
                format!("{path} cannot be written: {error}"),
                format!("chmod u+rwX {path}, or free the disk"),
            )
        }
    }
}

/// Bytes that are free for this user. No call of the standard library tells it; `df` does, on every Unix.
fn free_space(lake: &Path) -> Option<u64> {
    let output = std::process::Command::new("df").arg("-Pk").arg(lake).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    // One heading, one line: file system, blocks, used, available, …
    let blocks: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(blocks * 1024)
}

fn judge_space(free: Option<u64>, lake: &Path) -> Verdict {
    match free {
        None => Verdict::not_checked(
            "`df` does not say how much is free",
            format!("see that 1 GB or more is free on the disk of {}", lake.display()),
        ),
        Some(free) if free >= FREE => Verdict::ok(format!("{} MB", free >> 20)),
        Some(free) => Verdict::problem(
            format!("{} MB are free", free >> 20),
            format!(
                "make room on the disk of {}; an ingest that finds none stops, and goes on when run again",
                lake.display()
            ),
        ),
    }
}

/// Lock, unfinished work and the record of what was ingested.
fn state(lake: &Path, checks: &mut Checks) {
    let state = lake.join("state");
    let locked = match store::open(&state.join("lock")) {
        Err(error) if error.kind() == ErrorKind::NotFound => Verdict::ok("nothing was ingested yet"),
        Err(error) if state.join("lock").is_dir() => Verdict::problem(
            format!("{}: {error}", state.join("lock").display()),
            format!("rmdir {}; the next ingest makes the file", state.join("lock").display()),
        ),
        Err(error) => unreadable(&state.join("lock"), &error),
        Ok(lock) => match lock.try_lock_shared() {
            Ok(()) => Verdict::ok("free"),
            Err(TryLockError::WouldBlock) => {
                Verdict::not_checked("an ingest or a retry is running", "run this again when it has ended")
            }
            Err(TryLockError::Error(error)) => Verdict::not_checked(
                format!("cannot be told: {error}"),
                "keep the lake on a file system that has locks",
            ),
        },
    };
    let is_running = locked.found.contains("is running");
    checks.add("state", "lock", locked);
    let unfinished =
        |path: &Path, is_sound: &dyn Fn(&[u8]) -> bool, what: &str, remedy: String| match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Verdict::ok("none"),
            Err(error) => unreadable(path, &error),
            Ok(bytes) if !is_sound(&bytes) => Verdict::problem(
                format!("{} cannot be read", path.display()),
                "restore it from a copy; without it the rows of what was interrupted can double",
            ),
            Ok(_) if is_running => Verdict::ok(format!("{what} is at work")),
            Ok(_) => Verdict::problem(format!("{what} was interrupted"), remedy),
        };
    for path in listing(&state.join("pending")) {
        if path.extension().is_some_and(|end| end == "json") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let remedy = "run the same `lake ingest` again; it finishes what was begun";
            checks.add(
                "state",
                "pending ingest",
                unfinished(
                    &path,
                    &|_| folder::open_groups(&state, &name, tables_of(&name)).is_ok(),
                    &format!("an ingest of {name}"),
                    remedy.to_owned(),
                ),
            );
        }
    }
    for name in sources::names().into_iter().chain([failed::UNRECOGNISED]) {
        if let Some(verdict) = judge_failed(failed::read(&state, name), name, lake) {
            checks.add("state", "failed files", verdict);
        }
    }
    let remedy = format!("lake quarantine retry --lake {}", lake.display());
    let is_sound = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
    let retry = unfinished(&state.join("retry.json"), &is_sound, "a retry", remedy);
    checks.add("state", "pending retry", retry);
    for path in listing(&state.join("ingested")) {
        let source = path.file_stem().unwrap_or_default().to_string_lossy();
        if folder::open_groups(&state, &source, tables_of(&source)).is_err() {
            let remedy = "mend what is told of the pending ingest, then run this again";
            let found = format!("{}: a line of it may belong to a group that is open", path.display());
            checks.add("state", "record", Verdict::not_checked(found, remedy));
            continue;
        }
        let record = folder::examine_record(&state, &source, tables_of(&source));
        let verdict = match record {
            // Between one look and the next the ingest may have begun to write.
            Err(error) if is_running => {
                Verdict::not_checked(error.to_string(), "run this again when the ingest has ended")
            }
            record => judge_record(&path, record),
        };
        checks.add("state", "record", verdict);
    }
    checks.add("state", "seen", judge_seen(seen::folder::read(lake).map(|seen| seen.len())));
}

/// The tables of the source of that name; none if there is no such source.
fn tables_of(source: &str) -> &'static [&'static TableDefinition] {
    sources::index(source).map_or(&[], |index| sources::ALL[index]().tables())
}

/// Judges whether what was seen can be read.
fn judge_seen(seen: std::io::Result<usize>) -> Verdict {
    match seen {
        Ok(places) => Verdict::ok(format!("{places} places")),
        Err(error) => Verdict::problem(error.to_string(), "remove that file; the next ingest makes it anew"),
    }
}

/// Judges the files of a source that could not be brought in, or those of no known source; `None` if there are none.
fn judge_failed(failed: std::io::Result<Vec<FailedFile>>, source: &str, lake: &Path) -> Option<Verdict> {
    let failed = match failed {
        Ok(failed) => failed,
        Err(error) => {
            let remedy = "restore it from a copy, or remove it and ingest the raw files again: those in the lake are left out";
            return Some(Verdict::problem(error.to_string(), remedy));
        }
    };
    let first = failed.first()?;
    let (whose, remedy) = if source == failed::UNRECOGNISED {
        let lake = lake.display();
        (
            "no known source",
            format!("say what they are (lake ingest PATH --source NAME --lake {lake}), or move them away"),
        )
    } else {
        (source, format!("mend or remove them, then: lake redrive --lake {} --go", lake.display()))
    };
    let found = format!(
        "{} files of {whose} are not in the lake, the first {}: {}",
        failed.len(),
        first.path,
        first.reason
    );
    Some(Verdict::problem(found, remedy))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Verdict {
    Verdict::problem(
        format!("{} cannot be read: {error}", path.display()),
        format!("chmod u+r {}", path.display()),
    )
}

/// Judges the record of what was ingested, as an ingest reads it.
fn judge_record(path: &Path, record: Result<Record, FolderError>) -> Verdict {
    let path = path.display();
    match record {
        Ok(Record { lines, is_cut_off: false }) => Verdict::ok(format!("{path}, {lines} lines")),
        Ok(Record { lines, is_cut_off: true }) => Verdict::ok(format!(
            "{path}, {lines} lines; the last is cut off and will be written again by the ingest that was interrupted"
        )),
        Err(error) => Verdict::problem(
            error.to_string(),
            format!("restore {path} from a copy; no ingest brings anything in before"),
        ),
    }
}

/// Files that somebody began to write and did not finish.
fn leftovers(lake: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![lake.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in listing(&folder) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "part") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn judge_leftovers(found: &[PathBuf]) -> Verdict {
    match found {
        [] => Verdict::ok("none"),
        [first, ..] => {
            let paths: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
            Verdict::problem(
                format!("{} files were begun and not finished, the first {}", found.len(), first.display()),
                format!("when no ingest is running: rm {}", paths.join(" ")),
            )
        }
    }
}

/// What stands in a folder, by name; nothing if it cannot be read.
fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn quarantine(lake: &Path) -> Verdict {
    match crate::quarantine::count(lake) {
        Err(error) => Verdict::problem(format!("{error:#}"), "restore the file from a copy, or remove it"),
        Ok(0) => Verdict::ok("none"),
        Ok(records) => Verdict::problem(
            format!("{records} records could not become rows"),
            format!("lake quarantine list --lake {}", lake.display()),
        ),
    }
}

/// The catalogue, and the files of its tables.
fn catalog(lake: &Path, checks: &mut Checks) {
    let entries = match FolderCatalog::tables(lake) {
        Ok(entries) => entries,
        Err(error) => {
            let path = lake.join("catalog");
            let remedy =
                format!("restore it, or remove it and run: lake repair --lake {} --go", lake.display());
            let found = format!("{} cannot be read: {error}", path.display());
            return checks.add("catalogue", "readable", Verdict::problem(found, remedy));
        }
    };
    checks.add("catalogue", "readable", Verdict::ok(format!("{} tables", entries.len())));
    let repair = format!("lake repair --lake {} --go", lake.display());
    for entry in &entries {
        checks.add("catalogue", "table", judge_table(entry, &repair));
    }
    let findings = match repair::region_of(&entries) {
        Err(error) => Err(error),
        Ok(region) => findings(lake, &region),
    };
    let verdict = match findings {
        Err(error) => Verdict::not_checked(format!("{error:#}"), "mend that, then run this again"),
        Ok(findings) => judge_partitions(&findings, &repair),
    };
    checks.add("catalogue", "partitions", verdict);
    for table in every_table() {
        if let Some(verdict) = files::examine(lake, table) {
            checks.add("files", "parquet", verdict);
        }
    }
}

fn findings(lake: &Path, region: &str) -> anyhow::Result<Vec<Finding>> {
    let bucket = lake.to_str().ok_or_else(|| anyhow::anyhow!("the lake's path is not UTF-8"))?;
    let catalog = FolderCatalog::new(lake, region);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut findings = Vec::new();
    for table in every_table() {
        findings.extend(runtime.block_on(repair::plan(&FolderStore, bucket, &catalog, table))?);
    }
    Ok(findings)
}

fn judge_table(entry: &TableEntry, repair: &str) -> Verdict {
    let name = &entry.name;
    let is_it = |table: &&&TableDefinition| shared::layout::table_prefix(table) == entry.location;
    let tables = every_table();
    let Some(table) = tables.iter().find(is_it) else {
        return Verdict::problem(
            format!("{name} lies at {}, where no table of this `lake` does", entry.location),
            "use the `lake` that made it, or remove its file from catalog/",
        );
    };
    match standing(table, entry.columns.iter().map(|column| (&column.name, &column.kind))) {
        Standing::Same => Verdict::ok(name),
        Standing::Behind(lacking) => Verdict::problem(format!("{name} lacks {}", lacking.join(", ")), repair),
        Standing::Foreign(difference) => Verdict::problem(
            format!("{name} was changed by somebody: {difference}"),
            format!("remove its file from catalog/ and run: {repair}"),
        ),
    }
}

fn judge_partitions(findings: &[Finding], repair: &str) -> Verdict {
    let count = |is_it: fn(&What) -> bool| findings.iter().filter(|finding| is_it(&finding.what)).count();
    let missing = count(|what| matches!(what, What::Unregistered(..)));
    let odd = count(|what| matches!(what, What::NoPartition(_) | What::Elsewhere(_)));
    let empty = count(|what| matches!(what, What::Empty(_)));
    if missing > 0 {
        return Verdict::problem(format!("{missing} are in the lake and not in the catalogue"), repair);
    }
    if odd > 0 {
        let found = format!("{odd} are not where they should be");
        return Verdict::problem(
            found,
            "`lake repair` lists them; move or remove what somebody has put there",
        );
    }
    match empty {
        0 => Verdict::ok("all registered"),
        empty => Verdict::not_checked(
            format!(
                "all registered; {empty} hold no file any more, and nothing tells whether it was removed on purpose"
            ),
            format!(
                "restore the files from a copy, or take the partitions out of the catalogue: {repair} --remove-empty"
            ),
        ),
    }
}

#[cfg(test)]
mod tests;
