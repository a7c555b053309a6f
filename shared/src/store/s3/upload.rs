//! Writing an object to S3.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ServerSideEncryption};
use bytes::Bytes;

use super::{explain, failed, store_error};
use crate::store::{Condition, StoreError, Upload};

/// Size of an upload's parts, in bytes. S3 asks for 5 MiB at least and takes 10,000 parts.
pub(super) const PART: usize = 8 * 1024 * 1024;

/// An object that is being written to S3.
///
/// An object of up to 8 MiB is one `PutObject`. A larger one is a multipart upload in parts of 8 MiB, which makes
/// at most 80 GiB. Either comes into being whole, at [`Upload::complete`]. A failed or aborted upload frees its
/// parts; one that is only dropped (the function was killed) cannot, because freeing them is a network call. The
/// lake bucket's lifecycle rule `AbortIncompleteMultipartUpload` removes what such an upload leaves.
#[derive(Debug)]
pub struct S3Upload {
    client: Client,
    bucket: String,
    key: String,
    kms_key_id: Option<String>,
    /// What has to be true of the key when the object comes into being.
    pub(super) condition: Option<Condition>,
    /// What no part holds yet; at most [`PART`] bytes.
    pending: Vec<Bytes>,
    pending_bytes: usize,
    multipart: Option<Multipart>,
    /// Set by the first failure: an object with a gap must not come into being.
    failure: Option<StoreError>,
}

#[derive(Debug)]
struct Multipart {
    id: String,
    parts: Vec<CompletedPart>,
}

impl Upload for S3Upload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let outcome = Box::pin(self.append(bytes)).await;
        if let Err(error) = &outcome {
            self.failure = Some(error.clone());
            Box::pin(self.free()).await;
        }
        outcome
    }

    async fn complete(mut self) -> Result<(), StoreError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let outcome = Box::pin(self.finish()).await;
        if outcome.is_err() {
            Box::pin(self.free()).await;
        }
        outcome
    }

    async fn abort(mut self) {
        Box::pin(self.free()).await;
    }
}

impl S3Upload {
    pub(super) fn new(client: Client, bucket: &str, key: &str, kms_key_id: Option<String>) -> Self {
        Self {
            client,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            kms_key_id,
            condition: None,
            pending: Vec::new(),
            pending_bytes: 0,
            multipart: None,
            failure: None,
        }
    }

    async fn append(&mut self, mut bytes: Bytes) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            // A part leaves only when more follows: S3 refuses an empty last part.
            if self.pending_bytes == PART {
                self.send_part().await?;
            }
            let piece = bytes.split_to(bytes.len().min(PART - self.pending_bytes));
            self.pending_bytes += piece.len();
            self.pending.push(piece);
        }
        Ok(())
    }

    /// Takes the pending bytes as one piece; without a copy where they are one already.
    fn take_pending(&mut self) -> Bytes {
        self.pending_bytes = 0;
        let mut pending = std::mem::take(&mut self.pending);
        match pending.len() {
            1 => pending.swap_remove(0),
            _ => Bytes::from(pending.concat()),
        }
    }

    async fn send_part(&mut self) -> Result<(), StoreError> {
        if self.multipart.is_none() {
            self.multipart = Some(Multipart { id: self.begin_multipart().await?, parts: Vec::new() });
        }
        let part = self.take_pending();
        let location = self.location();
        let Some(multipart) = &mut self.multipart else { return Ok(()) };
        let number = i32::try_from(multipart.parts.len() + 1).unwrap_or(i32::MAX);
        let request = self.client.upload_part().bucket(&self.bucket).key(&self.key).upload_id(&multipart.id);
        let request = request.part_number(number).checksum_algorithm(ChecksumAlgorithm::Crc32);
        let sent = request.body(ByteStream::from(part)).send().await;
        let sent = sent.map_err(|error| store_error("put", location, &error))?;
        // S3 wants every part's checksum again at the end, or it refuses an upload that was begun with checksums.
        let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
        multipart.parts.push(part.set_checksum_crc32(sent.checksum_crc32).build());
        Ok(())
    }

    async fn begin_multipart(&self) -> Result<String, StoreError> {
        let request = self.client.create_multipart_upload().bucket(&self.bucket).key(&self.key);
        let (content_type, content_encoding) = content(&self.key);
        let (encryption, key_id, bucket_key) = self.encryption();
        let begun = request
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .content_type(content_type)
            .set_content_encoding(content_encoding)
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key_id)
            .set_bucket_key_enabled(bucket_key)
            .send()
            .await
            .map_err(|error| store_error("put", self.location(), &error))?;
        let missing = || failed("put", self.location(), "the answer names no upload".to_owned());
        begun.upload_id.ok_or_else(missing)
    }

    async fn finish(&mut self) -> Result<(), StoreError> {
        if self.multipart.is_none() {
            let body = self.take_pending();
            return self.put_bytes(body).await.map(|_| ());
        }
        if self.pending_bytes > 0 {
            self.send_part().await?;
        }
        let Some(multipart) = &self.multipart else { return Ok(()) };
        let parts = CompletedMultipartUpload::builder().set_parts(Some(multipart.parts.clone())).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(&self.key);
        let (absent, is) = self.conditions();
        let request = request.set_if_none_match(absent).set_if_match(is);
        let completed = request.upload_id(&multipart.id).multipart_upload(parts).send().await;
        completed.map(|_| ()).map_err(|error| store_error("put", self.location(), &error))
    }

    /// The headers of [`S3Upload::condition`]: `If-None-Match` and `If-Match`.
    fn conditions(&self) -> (Option<String>, Option<String>) {
        match &self.condition {
            None => (None, None),
            Some(Condition::Absent) => (Some("*".to_owned()), None),
            Some(Condition::Is(etag)) => (None, Some(etag.clone())),
        }
    }

    /// Writes the whole object by one call, and answers its entity tag.
    pub(super) async fn put_bytes(&self, body: Bytes) -> Result<Option<String>, StoreError> {
        let (absent, is) = self.conditions();
        let (content_type, content_encoding) = content(&self.key);
        let (encryption, key_id, bucket_key) = self.encryption();
        let request =
            self.client.put_object().bucket(&self.bucket).key(&self.key).body(ByteStream::from(body));
        let put = request
            .content_type(content_type)
            .set_content_encoding(content_encoding)
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key_id)
            .set_bucket_key_enabled(bucket_key)
            .set_if_none_match(absent)
            .set_if_match(is)
            .send()
            .await;
        put.map(|put| put.e_tag).map_err(|error| store_error("put", self.location(), &error))
    }

    /// Frees the parts that S3 holds. Best effort: the bucket's lifecycle rule removes what is left.
    async fn free(&mut self) {
        self.pending.clear();
        self.pending_bytes = 0;
        let Some(multipart) = self.multipart.take() else { return };
        let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(&self.key);
        if let Err(error) = request.upload_id(multipart.id).send().await {
            let (location, reason) = (self.location(), explain(&error));
            tracing::warn!(%location, %reason, "upload not aborted, the bucket's lifecycle rule will remove its parts");
        }
    }

    fn location(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// The headers of SSE-KMS. A bucket key spares one call to KMS for nearly every object.
    fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>, Option<bool>) {
        match &self.kms_key_id {
            Some(key) => (Some(ServerSideEncryption::AwsKms), Some(key.clone()), Some(true)),
            None => (None, None, None),
        }
    }
}

/// Content type and encoding of what the lake writes.
fn content(key: &str) -> (&'static str, Option<String>) {
    if key.ends_with(".parquet") {
        ("application/vnd.apache.parquet", None)
    } else if key.ends_with(".jsonl.gz") {
        ("application/x-ndjson", Some("gzip".to_owned()))
    } else if key.ends_with(".json") {
        ("application/json", None)
    } else {
        ("application/octet-stream", None)
    }
}
