//! The latest event of a table, account and region.

use std::io::Write;

use serde::Serialize;
use shared::ledger::seen::{Origin, Seen as Noted};
use shared::time::to_rfc3339;

use crate::clock;
use crate::grid::{self, Grid};

/// The latest of one place in the lake. Times are RFC 3339.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Seen {
    table: String,
    account: String,
    region: String,
    /// Rows, where they are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    /// When the latest event happened.
    last_event: Option<String>,
    /// From that until its rows were in the lake, in seconds.
    lag_seconds: Option<i64>,
    /// When anything last came into the lake, old logs too.
    ingested: Option<String>,
    /// From the latest event until now, in seconds.
    age_seconds: Option<i64>,
}

impl Seen {
    /// What the ledger has noted, and rows where they are counted.
    pub(super) fn new(origin: Origin, rows: Option<u64>, noted: &Noted) -> Self {
        Self {
            table: origin.table,
            account: origin.account,
            region: origin.region,
            rows,
            last_event: Some(to_rfc3339(noted.latest)),
            lag_seconds: Some(noted.lag() / 1000),
            ingested: Some(to_rfc3339(noted.ingested)),
            age_seconds: Some((clock::now() - noted.latest) / 1000),
        }
    }

    /// What the files tell where nothing was noted: rows, and the latest event in milliseconds since the epoch.
    pub(super) fn of_files(origin: Origin, rows: u64, event: Option<i64>) -> Self {
        Self {
            table: origin.table,
            account: origin.account,
            region: origin.region,
            rows: Some(rows),
            last_event: event.map(to_rfc3339),
            lag_seconds: None,
            ingested: None,
            age_seconds: event.map(|event| (clock::now() - event) / 1000),
        }
    }

    /// What it is sorted by.
    pub(super) fn place(&self) -> (&str, &str, &str) {
        (&self.table, &self.account, &self.region)
    }

    /// The problem, if its latest event is older than that, in seconds.
    pub(super) fn too_old(&self, most: i64) -> Option<String> {
        let age = self.age_seconds.filter(|age| *age > most)?;
        Some(format!(
            "{} of account {} in {}: the latest event is {} old, more than {}; see whether its logs still arrive in the \
             raw bucket, and whether messages wait",
            self.table,
            self.account,
            self.region,
            duration(age),
            duration(most)
        ))
    }
}

/// An age in seconds: `90s`, `90m`, `6h`, `2d`.
pub(super) fn age(text: &str) -> Result<i64, String> {
    let expected = || "expected an age such as 90m, 6h or 2d".to_owned();
    let (count, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(expected)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(expected()),
    };
    let count: u32 = count.parse().map_err(|_| expected())?;
    Ok(i64::from(count) * seconds)
}

/// Seconds as a person reads them, to two units.
fn duration(seconds: i64) -> String {
    let (sign, rest) = (if seconds < 0 { "-" } else { "" }, seconds.unsigned_abs());
    let text = match rest {
        0..60 => format!("{rest}s"),
        60..3_600 => format!("{}m {}s", rest / 60, rest % 60),
        3_600..86_400 => format!("{}h {}m", rest / 3_600, rest / 60 % 60),
        _ => format!("{}d {}h", rest / 86_400, rest / 3_600 % 24),
    };
    format!("{sign}{text}")
}

/// Prints all of them.
pub(super) fn print(all: &[Seen], out: &mut dyn Write) -> anyhow::Result<()> {
    if all.is_empty() {
        writeln!(out, "nothing was seen yet")?;
        return Ok(());
    }
    let mut grid = Grid::new(&["table", "account", "region", "rows", "last event", "ingested", "lag", "age"]);
    [3, 6, 7].into_iter().for_each(|column| grid.right(column));
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let span = |seconds: Option<i64>| seconds.map_or_else(|| "-".to_owned(), duration);
    for seen in all {
        grid.row([
            seen.table.clone(),
            seen.account.clone(),
            seen.region.clone(),
            seen.rows.map_or_else(|| "-".to_owned(), grid::number),
            text(&seen.last_event),
            span(seen.lag_seconds),
            span(seen.age_seconds),
            text(&seen.ingested),
        ]);
    }
    grid.print(out, "")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_and_told() {
        for (text, seconds) in [("90s", 90), ("90m", 5_400), ("6h", 21_600), ("2d", 172_800), ("0s", 0)] {
            assert_eq!(age(text), Ok(seconds), "{text}");
        }
        for wrong in ["", "h", "6", "-1h", "1.5h", "6 h", "6ä"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
        for (seconds, text) in
            [(5, "5s"), (90, "1m 30s"), (5_400, "1h 30m"), (180_000, "2d 2h"), (-90, "-1m 30s")]
        {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn an_old_event_is_a_problem() {
        let [table, account, region] = ["T@2.0", "111122223333", "us-east-1"].map(str::to_owned);
        let origin = Origin { table, account, region };
        let now = clock::now();
        let noted = Noted { latest: now - 7_200_000, arrived: now - 7_140_000, ingested: now, rows: 1 };
        let seen = Seen::new(origin.clone(), None, &noted);
        assert_eq!(seen.lag_seconds, Some(60));
        assert!(seen.too_old(3_600).unwrap().contains("2h 0m old"));
        assert!(seen.too_old(7_300).is_none());
        assert!(Seen::of_files(origin, 0, None).too_old(0).is_none());
    }
}
