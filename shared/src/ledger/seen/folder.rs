//! What was last seen, in a folder: `state/seen/<table>.json` in the lake, by account and region. A file is replaced
//! whole. Whoever writes has the lake to itself.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::{Arrival, Arrivals, Origin, Seen};

/// By account and region.
type Table = BTreeMap<String, BTreeMap<String, Seen>>;

fn folder(lake: &Path) -> PathBuf {
    lake.join("state").join("seen")
}

/// Notes what has come into the lake in the folder `lake`. `now` is in milliseconds since the epoch.
///
/// # Errors
/// If a file cannot be read or written.
pub fn note(lake: &Path, arrivals: &Arrivals, now: i64) -> std::io::Result<()> {
    let mut tables: BTreeMap<&str, Vec<(&Origin, Arrival)>> = BTreeMap::new();
    for (origin, arrival) in arrivals {
        tables.entry(&origin.table).or_default().push((origin, *arrival));
    }
    for (name, arrivals) in tables {
        let path = folder(lake).join(format!("{name}.json"));
        let mut table = read_table(&path)?;
        for (origin, arrival) in arrivals {
            let regions = table.entry(origin.account.clone()).or_default();
            let seen = Seen::after(regions.get(&origin.region), arrival, now);
            regions.insert(origin.region.clone(), seen);
        }
        replace(&path, &serde_json::to_vec_pretty(&table)?).map_err(|error| named(&path, &error))?;
    }
    Ok(())
}

/// All that was last seen of the lake in the folder `lake`; nothing if nothing was ever noted.
///
/// # Errors
/// If a file cannot be read, or is none of ours.
pub fn read(lake: &Path) -> std::io::Result<BTreeMap<Origin, Seen>> {
    let files = match std::fs::read_dir(folder(lake)) {
        Ok(files) => files,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut all = BTreeMap::new();
    for file in files {
        let path = file?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else {
            continue;
        };
        for (account, regions) in read_table(&path)? {
            all.extend(regions.into_iter().map(|(region, seen)| {
                (Origin { table: name.to_owned(), account: account.clone(), region }, seen)
            }));
        }
    }
    Ok(all)
}

fn read_table(path: &Path) -> std::io::Result<Table> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            let expected =
                "expected what was last seen by account and region; remove it, and it is made anew";
            Error::new(ErrorKind::InvalidData, format!("{}: {expected}: {error}", path.display()))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Table::new()),
        Err(error) => Err(named(path, &error)),
    }
}

fn named(path: &Path, error: &Error) -> Error {
    Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension("part");
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(table: &str, region: &str) -> Origin {
        Origin { table: table.to_owned(), account: "111122223333".to_owned(), region: region.to_owned() }
    }

    #[test]
    fn what_was_noted_is_read() {
        let lake = tempfile::tempdir().unwrap();
        assert_eq!(read(lake.path()).unwrap(), BTreeMap::new());
        let (flow, waf) = (origin("VPC_FLOW@2.0", "us-east-1"), origin("WAF@2.0", "eu-west-1"));
        let arrival = |latest, rows| Arrival { latest, rows };
        note(lake.path(), &[(flow.clone(), arrival(10, 1)), (waf.clone(), arrival(20, 2))].into(), 100)
            .unwrap();
        note(lake.path(), &[(flow.clone(), arrival(5, 9))].into(), 200).unwrap();
        let expected = [
            (flow, Seen { latest: 10, arrived: 100, ingested: 200, rows: 9 }),
            (waf, Seen { latest: 20, arrived: 100, ingested: 100, rows: 2 }),
        ];
        assert_eq!(read(lake.path()).unwrap(), expected.into());
    }

    #[test]
    fn a_file_of_another_kind_is_named() {
        let lake = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder(lake.path())).unwrap();
        std::fs::write(folder(lake.path()).join("WAF@2.0.json"), "[1]").unwrap();
        let error = read(lake.path()).unwrap_err().to_string();
        assert!(error.contains("WAF@2.0.json") && error.contains("remove it"), "{error}");
        let arrivals = [(origin("WAF@2.0", "us-east-1"), Arrival { latest: 1, rows: 1 })].into();
        assert!(note(lake.path(), &arrivals, 2).is_err());
    }
}
