//! What has to hold when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use shared::ledger::seen::Origin;

use super::bugs::Bug;
use super::world::{State, World};

/// Records by id, and how often each has to be there.
pub(crate) type Counts = BTreeMap<String, u32>;

/// Where a record is, and how often: in a table (by its source version), or in quarantine.
pub(crate) type Places = BTreeMap<String, u32>;

/// The records by id, and the latest time by origin.
pub(crate) type Found = (BTreeMap<String, Places>, BTreeMap<Origin, i64>);

const QUARANTINE: &str = "quarantine";

/// Counts what is in the lake and in quarantine: each record is in quarantine, or a row in each of the tables that its
/// group was begun with.
pub(crate) fn check(world: &World, expected: &Counts, broken: &[String]) -> Result<(), String> {
    let state = world.state();
    let (found, latest) = find(&state.lake, &state.partitions)?;
    let tables = tables_of_groups(&state);
    let lost: Vec<&String> = expected.keys().filter(|id| !found.contains_key(*id)).collect();
    let strange: Vec<&String> = found.keys().filter(|id| !expected.contains_key(*id)).collect();
    let is_once = |id: &str, places: &Places| {
        let in_place: BTreeSet<String> = places.keys().cloned().collect();
        let in_tables = tables.get(id).is_none_or(|tables| *tables == in_place);
        let in_quarantine = places.len() == 1 && places.contains_key(QUARANTINE);
        places.values().all(|count| *count == 1)
            && (in_quarantine || in_tables && !places.contains_key(QUARANTINE))
    };
    let wrong: Vec<_> = found.iter().filter(|(id, places)| !is_once(id, places)).collect();
    if !lost.is_empty() || !wrong.is_empty() || !strange.is_empty() {
        return Err(format!(
            "lost {lost:?}, not where it has to be once {wrong:?}, from nowhere {strange:?}"
        ));
    }
    if let Some(message) =
        state.dead_letters.iter().find(|message| !broken.iter().any(|key| message.body.contains(key)))
    {
        return Err(format!("given up for no reason: {}", message.body));
    }
    if world.has(Bug::NoLedger) { Ok(()) } else { check_seen(&state, &latest) }
}

/// What was last seen is what is in the lake. Where another version of the code has moved rows of a group that was
/// half done, it may tell of the place where they were.
fn check_seen(state: &State, latest: &BTreeMap<Origin, i64>) -> Result<(), String> {
    for (origin, seen) in &state.seen {
        if !state.remapped && latest.get(origin).is_none_or(|latest| *latest < seen.latest) {
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
pub(crate) fn find(lake: &BTreeMap<String, Vec<u8>>, partitions: &BTreeSet<String>) -> Result<Found, String> {
    let mut found: BTreeMap<String, Places> = BTreeMap::new();
    let mut latest = BTreeMap::new();
    let mut add = |id: &str, place: &str| {
        *found.entry(id.to_owned()).or_default().entry(place.to_owned()).or_default() += 1;
    };
    for (key, bytes) in lake {
        if key.starts_with("quarantine/") {
            let mut text = String::new();
            MultiGzDecoder::new(bytes.as_slice())
                .read_to_string(&mut text)
                .map_err(|error| format!("{key}: {error}"))?;
            for line in text.lines() {
                let entry: serde_json::Value = serde_json::from_str(line).unwrap();
                let raw = entry["raw"].as_str().unwrap_or_default();
                let id = raw.trim_start_matches("bad ").split(' ').next();
                add(id.unwrap_or_default(), QUARANTINE);
            }
            continue;
        }
        let prefix = format!("{}/", key.rsplit_once('/').unwrap().0);
        if !partitions.contains(&prefix) {
            continue; // no reader finds it
        }
        let version = key.split('/').nth(2).unwrap();
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
            add(uid.unwrap_or_default().trim_matches('"'), version);
        }
    }
    Ok((found, latest))
}

/// The tables that the groups of the records were begun with, by record.
fn tables_of_groups(state: &State) -> BTreeMap<&str, BTreeSet<String>> {
    let mut tables = BTreeMap::new();
    for group in state.groups.values().map(|entry| &entry.group) {
        let Some(settings) = &group.settings else { continue };
        let versions: BTreeSet<String> =
            settings.tables.iter().filter_map(|id| Some(id.split_once('@')?.1.to_owned())).collect();
        let members = group.remaining().into_iter().map(|member| &group.members[member]);
        let records = members.filter_map(|member| state.records.get(member.etag.as_ref()?));
        tables.extend(records.flatten().map(|id| (id.as_str(), versions.clone())));
    }
    tables
}

/// The origin of a partition's rows.
fn origin(prefix: &str) -> Origin {
    let value = |name: &str| {
        let part = prefix.split('/').find_map(|part| part.strip_prefix(name));
        part.unwrap_or_default().to_owned()
    };
    let mut parts = prefix.split('/').skip(1);
    let table = format!("{}@{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Origin { table, account: value("accountId="), region: value("region=") }
}
