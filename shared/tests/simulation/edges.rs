//! The edges of the system, each on the world.

use bytes::Bytes;
use futures::StreamExt as _;
use shared::catalog::{Catalog, CatalogError, TablePartition};
use shared::ledger::seen::{Arrivals, Seen};
use shared::ledger::{Group, Lease, Ledger, LedgerError, Standing};
use shared::notification::ObjectRef;
use shared::store::{Body, Store, StoreError, Upload};

use super::bugs::Bug;
use super::world::{Edge, Fate, GroupEntry, World};

fn failed(operation: &'static str, location: &str) -> StoreError {
    StoreError::Failed { operation, location: location.to_owned(), reason: "trouble".to_owned() }
}

pub(crate) struct Buckets(pub(crate) World);

pub(crate) struct Writing {
    world: World,
    key: String,
    bytes: Vec<u8>,
}

impl Store for Buckets {
    type Upload = Writing;

    async fn get(&self, object: &ObjectRef) -> Result<Body, StoreError> {
        if self.0.call(Edge::Raw).await != Fate::Done {
            return Err(failed("get", &object.key));
        }
        if self.0.state().deadly.as_ref() == Some(&object.key) {
            let panics = self.0.state().panics;
            assert!(!panics, "a deliberate panic");
            self.0.state().killed = true;
            std::future::pending::<()>().await;
        }
        let content = self.0.state().raw.get(&object.key).cloned();
        let not_found = || StoreError::NotFound { location: object.key.clone() };
        let (bytes, etag) = content.ok_or_else(not_found)?;
        if object.etag.as_ref().is_some_and(|wanted| *wanted != etag) {
            return Err(not_found()); // it was overwritten since
        }
        let size = Some(bytes.len() as u64);
        let pieces = bytes.chunks(bytes.len().div_ceil(3)).map(Bytes::copy_from_slice);
        let mut pieces: Vec<Bytes> = pieces.collect();
        {
            let mut state = self.0.state();
            let torn = !state.quiet && state.trouble > 0 && state.random.chance(3);
            if torn {
                pieces.pop(); // the connection ends early, and nobody says so
                state.met.insert("torn while read");
            }
        }
        let (world, key) = (self.0.clone(), object.key.clone());
        let chunks = futures::stream::iter(pieces).then(move |piece| {
            let (world, key) = (world.clone(), key.clone());
            async move {
                match world.call(Edge::Raw).await {
                    Fate::Done => Ok(piece),
                    _ => Err(failed("read", &key)),
                }
            }
        });
        Ok(Body { size, chunks: chunks.boxed() })
    }

    async fn identify(&self, object: &ObjectRef) -> Result<ObjectRef, StoreError> {
        if self.0.has(Bug::IdentityFromNotification) {
            return Ok(object.clone());
        }
        if self.0.call(Edge::Raw).await != Fate::Done {
            return Err(failed("head", &object.key));
        }
        let state = self.0.state();
        let (size, etag) =
            state.raw.get(&object.key).map(|(bytes, etag)| (bytes.len() as u64, etag.clone())).unzip();
        Ok(ObjectRef { etag, size, ..object.clone() })
    }

    async fn create(&self, _: &str, key: &str) -> Result<Writing, StoreError> {
        if self.0.call(Edge::Lake).await != Fate::Done {
            return Err(failed("create", key));
        }
        let mut key = key.to_owned();
        if self.0.has(Bug::NameFromClock) {
            let mut state = self.0.state();
            state.names += 1;
            key = key.replace(".parquet", &format!("{}.parquet", state.names));
        }
        Ok(Writing { world: self.0.clone(), key, bytes: Vec::new() })
    }

    async fn delete(&self, _: &str, key: &str) -> Result<(), StoreError> {
        let fate = self.0.call(Edge::Lake).await;
        if fate != Fate::Refused {
            self.0.state().lake.remove(key);
        }
        match self.0.call(Edge::Lake).await {
            Fate::Done if fate == Fate::Done => Ok(()),
            _ => Err(failed("delete", key)),
        }
    }
}

impl Upload for Writing {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        let fate = self.world.call(Edge::Lake).await;
        if fate == Fate::Refused {
            return Err(failed("write", &self.key));
        }
        self.bytes.extend_from_slice(&bytes);
        if self.world.has(Bug::VisibleWhileWritten) {
            self.world.state().lake.insert(self.key.clone(), self.bytes.clone());
        }
        if fate == Fate::Done { Ok(()) } else { Err(failed("write", &self.key)) }
    }

    async fn complete(self) -> Result<(), StoreError> {
        let fate = self.world.call(Edge::Lake).await;
        if fate == Fate::Refused {
            return Err(failed("complete", &self.key));
        }
        self.world.state().lake.insert(self.key.clone(), self.bytes);
        // An answer that is late: the deed is done, and the invocation may die before it hears of it.
        if self.world.call(Edge::Lake).await == Fate::Done && fate == Fate::Done {
            return Ok(());
        }
        Err(failed("complete", &self.key))
    }

    async fn abort(self) {
        self.world.call(Edge::Lake).await;
    }
}

pub(crate) struct Partitions(pub(crate) World);

impl Catalog for Partitions {
    async fn register(&self, partitions: &[TablePartition]) -> Vec<Result<(), CatalogError>> {
        let mut outcomes = Vec::new();
        if self.0.has(Bug::FinishBeforeRegister) {
            let decided = |entry: &&mut GroupEntry| entry.group.left_out.is_some();
            self.0.state().groups.values_mut().filter(decided).for_each(|entry| entry.done = true);
        }
        for partition in partitions {
            let mut fate = self.0.call(Edge::Catalogue).await;
            if self.0.state().cursed == Some(partition.partition.account.as_str()) {
                let panics = std::mem::take(&mut self.0.state().panics);
                assert!(!panics, "a deliberate panic");
                self.0.state().met.insert("a partition that cannot be registered");
                fate = Fate::Refused;
            }
            if fate != Fate::Refused {
                self.0.state().partitions.insert(partition.prefix());
            }
            outcomes.push(match fate {
                Fate::Refused | Fate::Torn if !self.0.has(Bug::SkipRegistration) => Err(CatalogError {
                    table: partition.table.id(),
                    partition: partition.prefix(),
                    reason: "throttled".to_owned(),
                    retryable: true,
                }),
                _ => Ok(()),
            });
        }
        outcomes
    }
}

pub(crate) struct Book(pub(crate) World);

impl Book {
    /// Makes a conditional write: `write` answers whether its condition holds, and changes nothing if not.
    async fn conditional(
        &self,
        operation: &'static str,
        write: impl FnOnce(&mut super::world::State) -> bool + Send,
    ) -> Result<bool, LedgerError> {
        let error = || LedgerError { operation, reason: "trouble".to_owned() };
        let fate = self.0.call(Edge::Ledger).await;
        if fate == Fate::Refused {
            return Err(error());
        }
        let held = write(&mut self.0.state());
        if self.0.call(Edge::Ledger).await == Fate::Done && fate == Fate::Done {
            Ok(held)
        } else {
            Err(error())
        }
    }

    fn identity(&self, object: &ObjectRef) -> String {
        match self.0.has(Bug::IdentityIsThePlace) {
            true => object.key.clone(),
            false => object.identity(),
        }
    }
}

impl Ledger for Book {
    fn max_members(&self) -> usize {
        self.0.state().max_members
    }

    async fn look_up(&self, objects: &[ObjectRef]) -> Result<Vec<Standing>, LedgerError> {
        if self.0.call(Edge::Ledger).await != Fate::Done {
            return Err(LedgerError { operation: "look up", reason: "trouble".to_owned() });
        }
        let ids: Vec<Option<String>> = {
            let state = self.0.state();
            objects.iter().map(|object| state.claims.get(&self.identity(object)).cloned()).collect()
        };
        // The groups are looked up after the objects, so much may have changed between the two.
        self.0.call(Edge::Ledger).await;
        let state = self.0.state();
        let standing = |(object, id): (&ObjectRef, Option<String>)| {
            let Some(id) = id else { return Standing::Free };
            let Some(entry) = state.groups.get(&id).filter(|entry| entry.done) else {
                return Standing::Open(id);
            };
            match entry.group.has_left(object) {
                true if !self.0.has(Bug::ForgetWhoLeft) => Standing::Free,
                _ => Standing::Done,
            }
        };
        Ok(objects.iter().zip(ids).map(standing).collect())
    }

    async fn claim(&self, group: &Group, lease: &Lease) -> Result<bool, LedgerError> {
        let late = self.0.has(Bug::ClaimAfterWrite);
        let finished = self.0.has(Bug::FinishFirst);
        self.conditional("claim", |state| {
            let identities: Vec<String> = group.members.iter().map(|member| self.identity(member)).collect();
            let taken = identities.iter().any(|identity| state.claims.contains_key(identity));
            if taken || state.groups.contains_key(&group.id) && !late {
                return false;
            }
            if !late {
                state.claims.extend(identities.into_iter().map(|identity| (identity, group.id.clone())));
            }
            let entry = GroupEntry {
                group: group.clone(),
                owner: lease.owner.clone(),
                until: lease.until,
                done: finished,
            };
            state.groups.insert(group.id.clone(), entry);
            true
        })
        .await
    }

    async fn take_over(&self, id: &str, lease: &Lease) -> Result<Option<Group>, LedgerError> {
        let (mut taken, count) = (None, !self.0.has(Bug::ForgetRuns));
        self.conditional("take over", |state| {
            let Some(entry) = state.groups.get_mut(id).filter(|entry| !entry.done && entry.until < lease.now)
            else {
                return false;
            };
            (entry.owner, entry.until) = (lease.owner.clone(), lease.until);
            entry.group.runs += u32::from(count);
            state.met.insert("a group taken over");
            taken = Some(entry.group.clone());
            true
        })
        .await?;
        if let Some(group) = taken.as_mut().filter(|_| self.0.has(Bug::IgnoreGroupSettings)) {
            group.settings = None;
        }
        Ok(taken)
    }

    async fn decide(
        &self,
        group: &Group,
        left_out: &[usize],
        outputs: &[String],
        lease: &Lease,
    ) -> Result<bool, LedgerError> {
        let forget = self.0.has(Bug::ForgetDecision);
        let forget_outputs = self.0.has(Bug::ForgetOutputs);
        let keep = self.0.has(Bug::ForgetToFree);
        self.conditional("decide", |state| {
            let Some(entry) = state.groups.get_mut(&group.id) else { return false };
            if entry.group.left_out.is_some() || entry.owner != lease.owner {
                return false;
            }
            if !forget {
                entry.group.left_out = Some(left_out.to_vec());
            }
            if !forget_outputs {
                entry.group.outputs = outputs.to_vec();
            }
            if left_out.len() == group.members.len() {
                state.groups.remove(&group.id);
                state.met.insert("a group given up");
            } else if !left_out.is_empty() {
                state.met.insert("a group that some have left");
            }
            for member in left_out.iter().filter(|_| !keep) {
                state.claims.remove(&self.identity(&group.members[*member]));
            }
            true
        })
        .await
    }

    async fn note_outputs(
        &self,
        group: &Group,
        outputs: &[String],
        lease: &Lease,
    ) -> Result<bool, LedgerError> {
        let forget = self.0.has(Bug::ForgetOutputs);
        self.conditional("note outputs", |state| {
            let Some(entry) = state.groups.get_mut(&group.id) else { return false };
            if entry.group.left_out.is_none() || entry.owner != lease.owner || entry.done {
                return false;
            }
            if !forget {
                entry.group.outputs = outputs.to_vec();
            }
            true
        })
        .await
    }

    async fn finish(&self, group: &Group) -> Result<(), LedgerError> {
        let late = self.0.has(Bug::ClaimAfterWrite);
        self.conditional("finish", |state| {
            if late {
                let claims = group.members.iter().map(|member| (self.identity(member), group.id.clone()));
                state.claims.extend(claims);
            }
            state.groups.get_mut(&group.id).is_some_and(|entry| {
                entry.done = true;
                true
            })
        })
        .await
        .map(|_| ())
    }

    async fn release(&self, group: &Group, lease: &Lease) -> Result<(), LedgerError> {
        let free = self.0.has(Bug::FreeOnRelease);
        self.conditional("release", |state| {
            state.met.insert("a lease given back");
            if free {
                state.groups.remove(&group.id);
                group.members.iter().for_each(|member| {
                    state.claims.remove(&self.identity(member));
                });
            }
            let entry = state.groups.get_mut(&group.id).filter(|entry| entry.owner == lease.owner);
            entry.is_some_and(|entry| {
                (entry.until, entry.group.runs) = (0, group.runs);
                true
            })
        })
        .await
        .map(|_| ())
    }

    async fn note(&self, arrivals: &Arrivals, now: i64) -> Result<(), LedgerError> {
        let forget = self.0.has(Bug::SeenMovesBack);
        let noted = self.conditional("note", |state| {
            for (origin, arrival) in arrivals {
                let before = state.seen.get(origin).filter(|_| !forget);
                let seen = Seen::after(before, *arrival, now);
                state.seen.insert(origin.clone(), seen);
            }
            true
        });
        let noted = noted.await.map(|_| ());
        if noted.is_ok() && !self.0.state().quiet {
            self.0.state().met.insert("a group done in the middle of trouble");
        }
        if noted.is_err() {
            let mut state = self.0.state();
            state.missed = true;
            state.met.insert("a note that failed");
        }
        noted
    }
}
