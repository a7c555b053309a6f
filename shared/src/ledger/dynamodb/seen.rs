//! What was last seen, in the ledger's table:
//!
//! | item | attributes |
//! |---|---|
//! | `seen` | `accounts`, the set of accounts there are items of |
//! | `seen#<account>` | `<table> <region>`, a map each: `latest`, `arrived`, `ingested`, `rows` |
//!
//! So all of it is read by keys, and never by a scan of the table, which holds an item for every raw object of weeks. A
//! group of objects costs one write an account. These items have no `expires`.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::StreamExt as _;

use super::{DynamoLedger, Item, is_condition, number, text};
use crate::ledger::LedgerError;
use crate::ledger::seen::{Arrival, Arrivals, Origin, Seen};
use crate::store::s3::explain;

/// The item that lists the accounts.
const ACCOUNTS: &str = "seen";

/// Entries of one write: an expression has 4 KB and 300 operators at most.
const ENTRIES: usize = 30;

/// Accounts written at the same time.
const CONCURRENCY: usize = 8;

/// How often a write is tried that others overtake.
const WRITES: usize = 4;

/// Accounts that an instance remembers. Beyond that it forgets them all and begins anew.
const REMEMBERED: usize = 10_000;

/// An account's entries by their attribute, `<table> <region>`.
type Entries = BTreeMap<String, Seen>;

/// What this instance knows to be in the table, by account. Being in it, an account is listed.
pub(super) type Known = HashMap<String, Entries>;

fn failed(reason: String) -> LedgerError {
    LedgerError { operation: "note what was seen", reason }
}

fn key(account: &str) -> AttributeValue {
    text(format!("{ACCOUNTS}#{account}"))
}

fn to_map(seen: &Seen) -> AttributeValue {
    let rows = AttributeValue::N(seen.rows.to_string());
    let times = [("latest", seen.latest), ("arrived", seen.arrived), ("ingested", seen.ingested)];
    let times = times.into_iter().map(|(name, time)| (name.to_owned(), number(time)));
    AttributeValue::M(times.chain([("rows".to_owned(), rows)]).collect())
}

fn from_map(value: &AttributeValue) -> Option<Seen> {
    let map = value.as_m().ok()?;
    let number = |name: &str| map.get(name)?.as_n().ok();
    Some(Seen {
        latest: number("latest")?.parse().ok()?,
        arrived: number("arrived")?.parse().ok()?,
        ingested: number("ingested")?.parse().ok()?,
        rows: number("rows")?.parse().ok()?,
    })
}

fn entries(item: &Item) -> Entries {
    item.iter().filter_map(|(name, value)| Some((name.clone(), from_map(value)?))).collect()
}

impl DynamoLedger {
    /// Notes arrivals at `now`, account by account.
    pub(super) async fn note_arrivals(&self, arrivals: &Arrivals, now: i64) -> Result<(), LedgerError> {
        let mut accounts: BTreeMap<&str, Vec<(String, Arrival)>> = BTreeMap::new();
        for (origin, arrival) in arrivals {
            let entry = format!("{} {}", origin.table, origin.region);
            accounts.entry(&origin.account).or_default().push((entry, *arrival));
        }
        self.list(accounts.keys().copied()).await?;
        let mut writes = Vec::new();
        for (account, arrivals) in accounts {
            for part in arrivals.chunks(ENTRIES) {
                writes.push(self.note_account(account.to_owned(), part.to_vec(), now));
            }
        }
        let outcomes: Vec<_> = futures::stream::iter(writes).buffered(CONCURRENCY).collect().await;
        outcomes.into_iter().collect()
    }

    /// Puts the accounts that are new to this instance on the list, before they have items.
    async fn list<'a>(&self, accounts: impl Iterator<Item = &'a str>) -> Result<(), LedgerError> {
        let new: Vec<String> = {
            let known = self.known();
            accounts.filter(|account| !known.contains_key(*account)).map(str::to_owned).collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(ACCOUNTS))
            .update_expression("ADD #accounts :new")
            .expression_attribute_names("#accounts", "accounts")
            .expression_attribute_values(":new", AttributeValue::Ss(new.clone()))
            .send();
        Box::pin(call).await.map_err(|error| failed(explain(&error)))?;
        let mut known = self.known();
        if known.len() + new.len() > REMEMBERED {
            known.clear();
        }
        known.extend(new.into_iter().map(|account| (account, Entries::new())));
        Ok(())
    }

    async fn note_account(
        &self,
        account: String,
        arrivals: Vec<(String, Arrival)>,
        now: i64,
    ) -> Result<(), LedgerError> {
        let account = account.as_str();
        for _ in 0..WRITES {
            let known = self.known().get(account).cloned().unwrap_or_default();
            let after = |(entry, arrival): &(String, Arrival)| {
                (entry.clone(), Seen::after(known.get(entry), *arrival, now))
            };
            let new: Entries = arrivals.iter().map(after).collect();
            if self.write(account, &new).await? {
                self.remember(account, new);
                return Ok(());
            }
            // Another instance was ahead of what this one knew.
            let found = self.get(&[key(account)]).await?;
            self.remember(account, found.values().next().map(entries).unwrap_or_default());
        }
        Err(failed(format!("others write account {account} at the same time")))
    }

    /// Writes an account's entries, unless one of them is ahead already.
    async fn write(&self, account: &str, entries: &Entries) -> Result<bool, LedgerError> {
        let mut call = self.client.update_item().table_name(&self.table).key("id", key(account));
        let (mut sets, mut conditions) = (Vec::new(), Vec::new());
        for (index, (name, seen)) in entries.iter().enumerate() {
            sets.push(format!("#e{index} = :e{index}"));
            conditions.push(format!(
                "(attribute_not_exists(#e{index}) OR #e{index}.#l < :l{index} \
                 OR #e{index}.#l = :l{index} AND #e{index}.#a >= :a{index})"
            ));
            call = call
                .expression_attribute_names(format!("#e{index}"), name)
                .expression_attribute_values(format!(":e{index}"), to_map(seen))
                .expression_attribute_values(format!(":l{index}"), number(seen.latest))
                .expression_attribute_values(format!(":a{index}"), number(seen.arrived));
        }
        let call = call
            .expression_attribute_names("#l", "latest")
            .expression_attribute_names("#a", "arrived")
            .update_expression(format!("SET {}", sets.join(", ")))
            .condition_expression(conditions.join(" AND "));
        match Box::pin(call.send()).await {
            Ok(_) => Ok(true),
            Err(error) if is_condition(&error) => Ok(false),
            Err(error) => Err(failed(explain(&error))),
        }
    }

    /// All that was last seen.
    pub(super) async fn all_seen(&self) -> Result<BTreeMap<Origin, Seen>, LedgerError> {
        let list = self.get(&[text(ACCOUNTS)]).await?;
        let accounts = list.get(ACCOUNTS).and_then(|item| item.get("accounts")?.as_ss().ok());
        let keys: Vec<AttributeValue> = accounts.into_iter().flatten().map(|account| key(account)).collect();
        let mut all = BTreeMap::new();
        for (id, item) in self.get(&keys).await? {
            let Some((_, account)) = id.split_once('#') else { continue };
            all.extend(entries(&item).into_iter().filter_map(|(entry, seen)| {
                let (table, region) = entry.split_once(' ')?;
                let [table, account, region] = [table, account, region].map(str::to_owned);
                Some((Origin { table, account, region }, seen))
            }));
        }
        Ok(all)
    }

    fn remember(&self, account: &str, entries: Entries) {
        self.known().entry(account.to_owned()).or_default().extend(entries);
    }

    /// Held for a look only, never across a call.
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // What a panicking holder left is a set of true facts all the same.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let seen = Seen { latest: -1, arrived: 2, ingested: 3, rows: u64::MAX };
        assert_eq!(from_map(&to_map(&seen)), Some(seen));
        assert_eq!(from_map(&text("seen#1")), None);
        let item =
            Item::from([("id".to_owned(), text("seen#1")), ("WAF@2.0 us-east-1".to_owned(), to_map(&seen))]);
        assert_eq!(entries(&item), Entries::from([("WAF@2.0 us-east-1".to_owned(), seen)]));
    }
}
