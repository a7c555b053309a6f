//! Who may retry records of a bucket: `state/retry-lease.json`. A folder has a lock instead.
//!
//! A lease is taken by a conditional write, so of two that come at once one is refused. It is renewed while the retry
//! runs, and ends by itself some time after one that was killed. Should two run all the same, because one slept past the
//! end of its lease, nothing is doubled: rows are written under the same names from the same records, and a file of the
//! quarantine is replaced only if it still is the one that was read.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use shared::notification::ObjectRef;
use shared::store::{Condition, StoreError, Upkeep};
use shared::time::to_rfc3339;

use super::Shelf;

const KEY: &str = "state/retry-lease.json";

/// How long a lease holds when it is not renewed.
const HOLDS: Duration = Duration::from_secs(600);

/// What the object says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    /// Tells one run from another.
    holder: String,
    /// Milliseconds since the epoch.
    until: i64,
}

/// A lease that is held. It ends at [`Lease::end`], or some time after the last renewal.
#[derive(Debug)]
pub(super) struct Lease {
    holder: String,
    etag: Option<String>,
}

impl Lease {
    /// Takes it. `now` is in milliseconds since the epoch.
    ///
    /// # Errors
    /// If another retry holds it.
    #[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "a folder has a lock instead"))]
    pub(super) fn take<S: Upkeep>(shelf: &Shelf<S>, now: i64) -> anyhow::Result<Self> {
        let holder = format!("{}@{now}", std::process::id());
        let condition = match read(shelf)? {
            None => Condition::Absent,
            Some((found, _)) if found.until > now => bail!(
                "another retry is running on this lake, or was killed a moment ago; its lease ends at {}, run this \
                 again then",
                to_rfc3339(found.until)
            ),
            Some((_, etag)) => Condition::Is(etag.unwrap_or_default()),
        };
        let mut lease = Self { holder, etag: None };
        lease.write(shelf, now, &condition)?;
        Ok(lease)
    }

    /// Makes it hold for longer.
    ///
    /// # Errors
    /// If another retry has taken it over.
    pub(super) fn renew<S: Upkeep>(&mut self, shelf: &Shelf<S>, now: i64) -> anyhow::Result<()> {
        let condition = Condition::Is(self.etag.clone().unwrap_or_default());
        self.write(shelf, now, &condition)
    }

    /// Gives it back.
    ///
    /// # Errors
    /// If that fails; it ends by itself then.
    pub(super) fn end<S: Upkeep>(self, shelf: &Shelf<S>) -> anyhow::Result<()> {
        let object = ObjectRef { etag: self.etag, ..ObjectRef::new(&shelf.bucket, KEY) };
        shelf.runtime.block_on(shelf.store.remove(&object)).context("cannot give back the lease of the retry")
    }

    fn write<S: Upkeep>(&mut self, shelf: &Shelf<S>, now: i64, condition: &Condition) -> anyhow::Result<()> {
        let holds = i64::try_from(HOLDS.as_millis()).unwrap_or(i64::MAX);
        let content = Content { holder: self.holder.clone(), until: now.saturating_add(holds) };
        let bytes = Bytes::from(serde_json::to_vec(&content)?);
        match shelf.runtime.block_on(shelf.store.put(&shelf.bucket, KEY, bytes, condition)) {
            Ok(etag) => self.etag = etag,
            // The answer to a first attempt may have been lost: then what is there is ours.
            Err(StoreError::Conflict { .. }) => match read(shelf)? {
                Some((found, etag)) if found == content => self.etag = etag,
                _ => bail!(
                    "another retry has begun on this lake; this one has stopped, and nothing is doubled"
                ),
            },
            Err(error) => return Err(error).context("cannot take the lease of the retry"),
        }
        Ok(())
    }
}

fn read<S: Upkeep>(shelf: &Shelf<S>) -> anyhow::Result<Option<(Content, Option<String>)>> {
    let Some(bytes) = bytes(shelf, KEY)? else { return Ok(None) };
    let listed = shelf.runtime.block_on(shelf.store.list(&shelf.bucket, KEY))?;
    let etag = listed.into_iter().find(|one| one.object.key == KEY).and_then(|one| one.object.etag);
    let content = serde_json::from_slice(&bytes)
        .with_context(|| format!("{KEY} cannot be read; remove it if no retry runs"))?;
    Ok(Some((content, etag)))
}

/// The bytes of a small object; `None` if there is none.
pub(super) fn bytes<S: Upkeep>(shelf: &Shelf<S>, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let object = ObjectRef::new(&shelf.bucket, key);
    let read = async {
        let mut body = shelf.store.get(&object).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.chunks.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(bytes)
    };
    match shelf.runtime.block_on(read) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {key}")),
    }
}
