//! Objects: where raw logs are read and where the lake is written.
//!
//! A trait with two homes: S3 ([`s3`], behind the feature `aws`) and folders ([`folder`]). A bucket of the folder
//! home is a folder's path. The pipeline knows only the trait; tests of faults wrap either home.

pub mod folder;
#[cfg(feature = "aws")]
pub mod s3;
mod upkeep;

use std::fmt;
use std::future::Future;

use bytes::Bytes;
use futures::stream::BoxStream;

pub use self::upkeep::{Condition, Listed, Upkeep};
use crate::notification::ObjectRef;

/// The bytes of an object as they arrive.
pub struct Body {
    /// Size in bytes, where the store says it.
    pub size: Option<u64>,
    /// The bytes, in pieces of any size.
    pub chunks: BoxStream<'static, Result<Bytes, StoreError>>,
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Body").field("size", &self.size).finish_non_exhaustive()
    }
}

/// Why the store could not do what was asked. Says which object; the pipeline says which message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such object. A notification can outrun its object or outlive it.
    #[error("no such object: {location}")]
    NotFound {
        /// Bucket and key.
        location: String,
    },
    /// The store refuses access.
    #[error("access denied: {location}: {reason}")]
    Denied {
        /// Bucket and key.
        location: String,
        /// What the store said.
        reason: String,
    },
    /// The object is not as the write expected it: somebody else has written it.
    #[error("changed by somebody else meanwhile: {location}")]
    Conflict {
        /// Bucket and key.
        location: String,
    },
    /// Anything else: throttling, network, disk.
    #[error("{operation} failed: {location}: {reason}")]
    Failed {
        /// `get`, `put`, …
        operation: &'static str,
        /// Bucket and key.
        location: String,
        /// What the store said.
        reason: String,
    },
}

impl StoreError {
    /// True if the same call may succeed later without anyone's doing. The queue retries in any case; this tells
    /// an operator whether waiting helps.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

/// Reads and writes objects.
pub trait Store: Send + Sync {
    /// An object that is being written. It comes into being at [`Upload::complete`], whole, or never.
    type Upload: Upload;

    /// Opens an object for reading.
    fn get(&self, object: &ObjectRef) -> impl Future<Output = Result<Body, StoreError>> + Send;

    /// The object with its version or entity tag and its size, where the store has such things.
    fn identify(&self, object: &ObjectRef) -> impl Future<Output = Result<ObjectRef, StoreError>> + Send {
        let object = object.clone();
        async move { Ok(object) }
    }

    /// Begins an object, replacing one of that key once it is complete.
    fn create(
        &self,
        bucket: &str,
        key: &str,
    ) -> impl Future<Output = Result<Self::Upload, StoreError>> + Send;

    /// Removes an object. One that is not there is a success.
    fn delete(&self, bucket: &str, key: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// See [`Store::Upload`]. Dropping an upload without completing it leaves no object behind; [`Upload::abort`]
/// also frees what the store already holds of it.
pub trait Upload: Send {
    /// Appends bytes.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes the object exist.
    fn complete(self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives the object up.
    fn abort(self) -> impl Future<Output = ()> + Send;
}
