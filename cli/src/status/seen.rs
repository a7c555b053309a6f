//! The latest event of a table, account and region.

use std::io::Write;

use serde::Serialize;
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
    /// When its rows came into the lake.
    ingested: Option<String>,
    /// From the one to the other, in seconds.
    lag_seconds: Option<i64>,
    /// From the latest event until now, in seconds.
    age_seconds: Option<i64>,
}

impl Seen {
    /// `event` and `ingested` are in milliseconds since the epoch.
    pub(super) fn new(
        [table, account, region]: [String; 3],
        rows: Option<u64>,
        event: Option<i64>,
        ingested: Option<i64>,
    ) -> Self {
        Self {
            table,
            account,
            region,
            rows,
            last_event: event.map(to_rfc3339),
            ingested: ingested.map(to_rfc3339),
            lag_seconds: event.zip(ingested).map(|(event, ingested)| (ingested - event) / 1000),
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
            text(&seen.ingested),
            span(seen.lag_seconds),
            span(seen.age_seconds),
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
        let names = || ["T@2.0", "111122223333", "us-east-1"].map(str::to_owned);
        let seen = Seen::new(names(), None, Some(clock::now() - 7_200_000), Some(clock::now() - 7_140_000));
        assert_eq!(seen.lag_seconds, Some(60));
        assert!(seen.too_old(3_600).unwrap().contains("2h 0m old"));
        assert!(seen.too_old(7_300).is_none());
        assert!(Seen::new(names(), None, None, None).too_old(0).is_none());
    }
}
