//! What an ingest would bring in, without doing it.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use shared::ledger::folder::FolderState;
use shared::notification::ObjectRef;
use shared::store::folder::sha256;

use super::{IngestArgs, Takes, sort};
use crate::files::{self, RawFile};
use crate::sources;

/// The files of a source, and whether each is in the lake already.
pub(crate) struct Surveyed {
    /// Name of the source.
    pub(crate) source: &'static str,
    /// Those that the lake has in all tables that are wanted.
    pub(crate) known: Vec<RawFile>,
    /// Those that it does not have.
    pub(crate) missing: Vec<RawFile>,
}

/// Looks at the files that [`bring_in`](super::bring_in) would ingest. One that cannot be read is missing.
///
/// # Errors
/// If the lake's state cannot be read, or another `lake` is at work on it.
pub(crate) fn survey(args: &IngestArgs, takes: Takes<'_>) -> anyhow::Result<Vec<Surveyed>> {
    let found = files::find(&args.paths, &args.lake);
    let state = FolderState::open(&args.lake)?;
    let logs = sort(found.files, args.source.as_deref(), takes, &state)?.logs;
    let mut surveyed = Vec::new();
    for (make, files) in sources::ALL.iter().zip(logs) {
        let source = make();
        let wanted = args.tables.of(source.as_ref());
        let ledger = state.ledger(source.name(), source.tables())?;
        let is_known = |file: &RawFile| {
            let Ok(sha256) = sha256(&Path::new(&file.bucket).join(&file.key)) else { return false };
            let object = ObjectRef {
                etag: Some(sha256),
                size: Some(file.bytes),
                ..ObjectRef::new(&file.bucket, &file.key)
            };
            ledger.missing(&object, wanted).is_empty()
        };
        let (known, missing) = files.into_iter().partition(is_known);
        surveyed.push(Surveyed { source: source.name(), known, missing });
    }
    Ok(surveyed)
}

/// Those of the paths whose content the lake has as a log of any source but this one.
///
/// # Errors
/// As [`survey()`].
pub(crate) fn in_the_lake(
    lake: &Path,
    paths: &[&str],
    but: Option<&str>,
) -> anyhow::Result<BTreeSet<String>> {
    let state = FolderState::open(lake)?;
    let wanted: HashSet<&str> = paths.iter().copied().collect();
    let mut known = BTreeSet::new();
    for make in sources::ALL {
        let source = make();
        if Some(source.name()) == but {
            continue;
        }
        for (path, contents) in state.contents_of(source.name(), source.tables(), &wanted)? {
            if sha256(Path::new(&path)).is_ok_and(|sha256| contents.contains(&sha256)) {
                known.insert(path);
            }
        }
    }
    Ok(known)
}
