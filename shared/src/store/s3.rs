//! The store on S3.
//!
//! # Reading
//! A small object (up to 8 MiB, which is nearly every raw log) is read by a task of its own from the moment it is
//! opened, so that its bytes arrive while the CPU works on another one; a connection that breaks in mid-body is
//! tried again a few times. A larger object streams as it is consumed, so memory does not follow its size; a
//! connection that breaks then is an error, and the queue brings the message back.
//!
//! How objects are written: [`S3Upload`].
//!
//! The futures of the AWS SDK are large and deeply nested; they are boxed here, so that whatever awaits the store
//! stays small.

#[cfg(test)]
pub(crate) mod tests;
mod upkeep;
mod upload;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tokio::task::JoinHandle;

pub use self::upload::S3Upload;
use super::{Body, Store, StoreError};
use crate::config::Config;
use crate::notification::ObjectRef;

/// Objects up to this size, in bytes, are read whole by a task of their own.
const SMALL: u64 = 8 * 1024 * 1024;

/// How often a small body is read before its object counts as unreadable.
const READS: u32 = 4;

/// Wait before the second read of a body; doubled before each further one.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Objects in S3.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    kms_key_id: Option<String>,
}

impl S3Store {
    /// A store that writes with the bucket's own encryption, or with SSE-KMS and `kms_key_id` where one is given.
    pub fn new(client: Client, kms_key_id: Option<String>) -> Self {
        Self { client, kms_key_id }
    }

    /// The store of a function: a client of its own from the settings of `aws`.
    pub fn connect(aws: &SdkConfig, config: &Config) -> Self {
        let settings = aws_sdk_s3::config::Builder::from(aws).force_path_style(config.path_style).build();
        Self::new(Client::from_conf(settings), config.kms_key_id.clone())
    }
}

impl Store for S3Store {
    type Upload = S3Upload;

    async fn get(&self, object: &ObjectRef) -> Result<Body, StoreError> {
        let output = Box::pin(open(&self.client, object)).await?;
        let size = size(&output);
        let chunks = if size.is_some_and(|size| size <= SMALL) {
            let reading = tokio::spawn(read_whole(self.client.clone(), object.clone(), output));
            stream::once(Prefetch { reading, location: location(object) }).boxed()
        } else {
            stream_body(output.body, size, location(object)).boxed()
        };
        Ok(Body { size, chunks })
    }

    async fn identify(&self, object: &ObjectRef) -> Result<ObjectRef, StoreError> {
        let request = self.client.head_object().bucket(&object.bucket).key(&object.key);
        let head = request.send().await.map_err(|error| store_error("head", location(object), &error))?;
        let version = head.version_id().map(str::to_owned);
        let size = head.content_length().and_then(|size| u64::try_from(size).ok());
        Ok(ObjectRef { version, etag: head.e_tag().map(str::to_owned), size, ..object.clone() })
    }

    async fn create(&self, bucket: &str, key: &str) -> Result<S3Upload, StoreError> {
        Ok(S3Upload::new(self.client.clone(), bucket, key, self.kms_key_id.clone()))
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        let request = self.client.delete_object().bucket(bucket).key(key).send();
        let location = || format!("s3://{bucket}/{key}");
        Box::pin(request).await.map(|_| ()).map_err(|error| store_error("delete", location(), &error))
    }
}

/// The object as messages name it.
fn location(object: &ObjectRef) -> String {
    format!("s3://{object}")
}

fn size(output: &GetObjectOutput) -> Option<u64> {
    output.content_length().and_then(|length| u64::try_from(length).ok())
}

async fn open(client: &Client, object: &ObjectRef) -> Result<GetObjectOutput, StoreError> {
    let request = client.get_object().bucket(&object.bucket).key(&object.key);
    let request = match (&object.version, &object.etag) {
        (Some(version), _) if version != "null" => request.version_id(version),
        // Another content under the same key is another object, which is announced by itself.
        (_, Some(etag)) => request.if_match(format!("\"{}\"", etag.trim_matches('"'))),
        _ => request,
    };
    request.send().await.map_err(|error| store_error("get", location(object), &error))
}

/// A body that is being read by a task. Dropping it stops the task.
struct Prefetch {
    reading: JoinHandle<Result<Bytes, StoreError>>,
    location: String,
}

impl Future for Prefetch {
    type Output = Result<Bytes, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.reading).poll(context).map(|outcome| {
            outcome.unwrap_or_else(|error| Err(failed("get", self.location.clone(), error.to_string())))
        })
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Reads a small body to its end, from the start again where the connection broke.
async fn read_whole(client: Client, object: ObjectRef, first: GetObjectOutput) -> Result<Bytes, StoreError> {
    let mut output = first;
    let mut wait = READ_AGAIN_AFTER;
    for _ in 1..READS {
        match read_once(output, location(&object)).await {
            Ok(bytes) => return Ok(bytes),
            Err(error) => tracing::debug!(%error, "body broke off, reading it again"),
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
        output = open(&client, &object).await?;
    }
    read_once(output, location(&object)).await
}

async fn read_once(output: GetObjectOutput, location: String) -> Result<Bytes, StoreError> {
    let size = size(&output);
    let capacity = size.unwrap_or(0).min(SMALL);
    let mut whole = Vec::with_capacity(usize::try_from(capacity).unwrap_or_default());
    let chunks = stream_body(output.body, size, location);
    let mut chunks = std::pin::pin!(chunks);
    while let Some(chunk) = chunks.next().await {
        whole.extend_from_slice(&chunk?);
    }
    Ok(Bytes::from(whole))
}

/// The chunks of a body. One that ends before or after the size that S3 announced ends with an error.
fn stream_body(
    body: ByteStream,
    size: Option<u64>,
    location: String,
) -> impl futures::Stream<Item = Result<Bytes, StoreError>> + Send {
    stream::unfold(Some((body, 0, location)), move |state| async move {
        let (mut body, received, location) = state?;
        let chunk = match body.next().await {
            None if size.is_some_and(|size| size != received) => {
                Err(format!("the body ended after {received} bytes, expected {}", size.unwrap_or_default()))
            }
            None => return None,
            Some(Err(error)) => Err(chain(&error)),
            Some(Ok(chunk)) => Ok(chunk),
        };
        match chunk {
            Ok(chunk) => {
                let received = received + chunk.len() as u64;
                Some((Ok(chunk), Some((body, received, location))))
            }
            Err(reason) => Some((Err(failed("get", location, reason)), None)),
        }
    })
}

fn failed(operation: &'static str, location: String, reason: String) -> StoreError {
    StoreError::Failed { operation, location, reason }
}

fn store_error<E>(operation: &'static str, location: String, error: &SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    match (code, status) {
        (Some("NoSuchKey" | "NoSuchBucket" | "NoSuchVersion"), _) | (_, Some(404)) => {
            StoreError::NotFound { location }
        }
        // S3 answers 409 where another conditional write of the key is on its way.
        (_, Some(409 | 412)) if operation != "get" => StoreError::Conflict { location },
        (_, Some(412)) => failed(
            operation,
            location,
            "it was overwritten after it was announced; its new content is announced by itself".to_owned(),
        ),
        (Some("AccessDenied"), _) | (_, Some(403)) => StoreError::Denied { location, reason: explain(error) },
        _ => failed(operation, location, explain(error)),
    }
}

/// What an AWS service said, or what kept it from answering: for a person, and without the request, whose headers
/// hold the session's token.
pub fn explain<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            match (answer.err().code(), answer.err().message()) {
                // No error of the service's: most likely an answer that is not as it is documented.
                (None, None) => {
                    format!("the answer cannot be read (status {status}): {}", chain(answer.err()))
                }
                (code, message) => {
                    let (code, message) = (code.unwrap_or("no error code"), message.unwrap_or("no message"));
                    format!("{code} (status {status}): {message}")
                }
            }
        }
        other => chain(other),
    }
}

/// An error and its causes, outermost first.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
