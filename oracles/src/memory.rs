//! Buckets and a catalogue in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt as _;
use shared::catalog::{Catalog, CatalogError, TablePartition};
use shared::notification::ObjectRef;
use shared::store::{Body, Store, StoreError, Upload};

/// Raw objects, and what was made of them.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// Raw objects by key.
    pub raw: Arc<BTreeMap<String, Bytes>>,
    /// Bytes of a piece in which bodies arrive, their size not being told; whole and with their size if none.
    pub piece: Option<usize>,
    /// Objects of the lake by key.
    pub lake: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// Prefixes of the partitions that were registered.
    pub registered: Arc<Mutex<BTreeSet<String>>>,
}

impl Store for Memory {
    type Upload = Writing;

    async fn get(&self, object: &ObjectRef) -> Result<Body, StoreError> {
        let not_found = || StoreError::NotFound { location: object.key.clone() };
        let bytes = self.raw.get(&object.key).cloned().ok_or_else(not_found)?;
        let length = bytes.len();
        let piece = self.piece.unwrap_or(length).max(1);
        let pieces =
            (0..length).step_by(piece).map(move |start| Ok(bytes.slice(start..length.min(start + piece))));
        let size = self.piece.is_none().then_some(length as u64);
        Ok(Body { size, chunks: futures::stream::iter(pieces).boxed() })
    }

    async fn create(&self, _: &str, key: &str) -> Result<Writing, StoreError> {
        Ok(Writing { lake: Arc::clone(&self.lake), key: key.to_owned(), bytes: Vec::new() })
    }

    async fn delete(&self, _: &str, key: &str) -> Result<(), StoreError> {
        self.lake.lock().unwrap().remove(key);
        Ok(())
    }
}

/// An object of the lake that is being written.
#[derive(Debug)]
pub struct Writing {
    lake: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    key: String,
    bytes: Vec<u8>,
}

impl Upload for Writing {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn complete(self) -> Result<(), StoreError> {
        let before = self.lake.lock().unwrap().insert(self.key.clone(), self.bytes);
        assert!(before.is_none(), "{} was written twice by one invocation", self.key);
        Ok(())
    }

    async fn abort(self) {}
}

impl Catalog for Memory {
    async fn register(&self, partitions: &[TablePartition]) -> Vec<Result<(), CatalogError>> {
        let mut registered = self.registered.lock().unwrap();
        registered.extend(partitions.iter().map(TablePartition::prefix));
        partitions.iter().map(|_| Ok(())).collect()
    }
}
