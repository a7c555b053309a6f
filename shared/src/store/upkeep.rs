//! What an operator's verbs need of a store besides reading and writing. No function has the permissions for it.

use std::future::Future;

use bytes::Bytes;

use super::{Store, StoreError};
use crate::notification::ObjectRef;

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Bucket and key, size, and the entity tag where the store has one.
    pub object: ObjectRef,
    /// When it was written, in milliseconds since the epoch.
    pub written: i64,
}

/// What has to be true of the place that is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There is no object.
    Absent,
    /// There is the object with this entity tag.
    Is(String),
}

/// Lists, replaces and removes objects.
///
/// S3 checks conditions itself, so of two writers one fails with [`StoreError::Conflict`]. A folder has no entity tags:
/// there only [`Condition::Absent`] is checked, and who writes has to hold the lake's lock.
pub trait Upkeep: Store {
    /// The objects whose keys begin with `prefix`, by key. Hidden files of a folder are none.
    fn list(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send;

    /// The folders directly below `prefix`, which ends with a slash: key prefixes with the closing slash, by name. Only
    /// those that hold an object at any depth.
    fn folders(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Writes a small object whole, and answers its entity tag where the store has one.
    fn put(
        &self,
        bucket: &str,
        key: &str,
        bytes: Bytes,
        condition: &Condition,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// Begins an object that takes the place of `object`, as long as that is still the one of its entity tag.
    fn replace(&self, object: &ObjectRef) -> impl Future<Output = Result<Self::Upload, StoreError>> + Send;

    /// Removes an object, as long as it is still the one of its entity tag. One that is not there is a success.
    fn remove(&self, object: &ObjectRef) -> impl Future<Output = Result<(), StoreError>> + Send;
}
