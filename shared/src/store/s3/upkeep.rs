//! Listing, replacing and removing objects of S3.

use aws_sdk_s3::types::Object;
use bytes::Bytes;

use super::{S3Store, S3Upload, location, store_error};
use crate::notification::ObjectRef;
use crate::store::{Condition, Listed, StoreError, Upkeep};

fn listed(bucket: &str, object: Object) -> Listed {
    let written = object.last_modified().and_then(|time| time.to_millis().ok()).unwrap_or_default();
    let size = object.size().and_then(|size| u64::try_from(size).ok());
    let key = object.key.unwrap_or_default();
    Listed { object: ObjectRef { etag: object.e_tag, size, ..ObjectRef::new(bucket, key) }, written }
}

impl Upkeep for S3Store {
    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        let mut pages = self.client.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| store_error("list", format!("s3://{bucket}/{prefix}"), &error))?;
            found.extend(page.contents.unwrap_or_default().into_iter().map(|object| listed(bucket, object)));
        }
        Ok(found)
    }

    async fn folders(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let request = self.client.list_objects_v2().bucket(bucket).prefix(prefix).delimiter("/");
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| store_error("list", format!("s3://{bucket}/{prefix}"), &error))?;
            found.extend(page.common_prefixes.unwrap_or_default().into_iter().filter_map(|one| one.prefix));
        }
        Ok(found)
    }

    async fn put(
        &self,
        bucket: &str,
        key: &str,
        bytes: Bytes,
        condition: &Condition,
    ) -> Result<Option<String>, StoreError> {
        let mut upload = S3Upload::new(self.client.clone(), bucket, key, self.kms_key_id.clone());
        upload.condition = Some(condition.clone());
        upload.put_bytes(bytes).await
    }

    async fn replace(&self, object: &ObjectRef) -> Result<S3Upload, StoreError> {
        let (bucket, key) = (&object.bucket, &object.key);
        let mut upload = S3Upload::new(self.client.clone(), bucket, key, self.kms_key_id.clone());
        upload.condition = object.etag.clone().map(Condition::Is);
        Ok(upload)
    }

    async fn remove(&self, object: &ObjectRef) -> Result<(), StoreError> {
        let request = self.client.delete_object().bucket(&object.bucket).key(&object.key);
        let deleted = request.set_if_match(object.etag.clone()).send().await;
        match deleted.map_err(|error| store_error("delete", location(object), &error)) {
            Err(StoreError::NotFound { .. }) => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }
}
