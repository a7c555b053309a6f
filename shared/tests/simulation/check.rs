//! What has to hold when everything has come to rest.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use shared::ledger::seen::Origin;

use super::bugs::Bug;
use super::logs::TABLE;
use super::world::{State, World};

/// Records by id, and how often each is in the lake or in quarantine.
pub(crate) type Counts = BTreeMap<String, u32>;

/// Counts what is in the lake and in quarantine.
pub(crate) fn check(world: &World, expected: &Counts, broken: &[String]) -> Result<(), String> {
    let state = world.state();
    let (found, latest) = find(&state)?;
    let lost: Vec<&String> = expected.keys().filter(|id| !found.contains_key(*id)).collect();
    let double: Vec<&String> = found.iter().filter(|(_, count)| **count > 1).map(|(id, _)| id).collect();
    let strange: Vec<&String> = found.keys().filter(|id| !expected.contains_key(*id)).collect();
    if !lost.is_empty() || !double.is_empty() || !strange.is_empty() {
        return Err(format!("lost {lost:?}, more than once {double:?}, from nowhere {strange:?}"));
    }
    if let Some(message) =
        state.dead_letters.iter().find(|message| !broken.iter().any(|key| message.body.contains(key)))
    {
        return Err(format!("given up for no reason: {}", message.body));
    }
    if world.has(Bug::NoLedger) {
        return Ok(());
    }
    for (origin, seen) in &state.seen {
        if latest.get(origin).is_none_or(|latest| *latest < seen.latest) {
            return Err(format!("{origin:?} is ahead of the lake: {seen:?}"));
        }
    }
    let behind = latest
        .iter()
        .find(|(origin, latest)| state.seen.get(*origin).is_none_or(|seen| seen.latest < **latest));
    match behind {
        Some(behind) if !state.missed => Err(format!("what was seen is behind {behind:?}: {:?}", state.seen)),
        _ => Ok(()),
    }
}

/// What a reader finds: the records, in the lake and in quarantine, and the latest time by origin.
pub(crate) fn find(state: &State) -> Result<(Counts, BTreeMap<Origin, i64>), String> {
    let (mut found, mut latest) = (Counts::new(), BTreeMap::new());
    for (key, bytes) in &state.lake {
        if key.starts_with("quarantine/") {
            let mut text = String::new();
            MultiGzDecoder::new(bytes.as_slice())
                .read_to_string(&mut text)
                .map_err(|error| format!("{key}: {error}"))?;
            for line in text.lines() {
                let entry: serde_json::Value = serde_json::from_str(line).unwrap();
                let raw = entry["raw"].as_str().unwrap_or_default();
                *found.entry(raw.trim_start_matches("bad ").to_owned()).or_default() += 1;
            }
            continue;
        }
        let prefix = format!("{}/", key.rsplit_once('/').unwrap().0);
        if !state.partitions.contains(&prefix) {
            continue; // no reader finds it
        }
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone()))
            .map_err(|error| format!("{key}: {error}"))?;
        for row in reader.get_row_iter(None).map_err(|error| error.to_string())? {
            let row = row.map_err(|error| error.to_string())?;
            let time =
                row.get_column_iter().find(|(name, _)| *name == "time").map(|(_, time)| time.to_string());
            let time: i64 = time.and_then(|time| time.parse().ok()).unwrap_or_default();
            let known: &mut i64 = latest.entry(origin(&prefix)).or_insert(time);
            *known = time.max(*known);
            let uid = row.get_column_iter().find(|(name, _)| *name == "uid").map(|(_, uid)| uid.to_string());
            *found.entry(uid.unwrap_or_default().trim_matches('"').to_owned()).or_default() += 1;
        }
    }
    Ok((found, latest))
}

/// The origin of a partition's rows.
fn origin(prefix: &str) -> Origin {
    let value = |name: &str| {
        let part = prefix.split('/').find_map(|part| part.strip_prefix(name));
        part.unwrap_or_default().to_owned()
    };
    Origin { table: TABLE.id(), account: value("accountId="), region: value("region=") }
}
