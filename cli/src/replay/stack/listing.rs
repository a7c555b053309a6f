//! What is in a raw bucket, page by page.

use std::collections::HashSet;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use shared::notification::ObjectRef;

use crate::deployment::refused;

/// An object of the listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// As S3 announced it: with its version where the bucket keeps versions, and its entity tag.
    pub(super) object: ObjectRef,
    /// When it was written, in milliseconds since the epoch.
    pub(super) written: i64,
    /// True if its key has been deleted since; the version is still there.
    pub(super) deleted: bool,
}

/// A listing of all versions below a prefix. In a bucket without versions each object is its one version.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    client: &'a Client,
    bucket: &'a str,
    prefix: &'a str,
    owner: &'a str,
    /// Key and version to go on behind; `None` behind the last page.
    next: Option<(Option<String>, Option<String>)>,
    /// Keys that are deleted by now. Only the last of a page can come up again in the next one.
    deleted: HashSet<String>,
}

impl<'a> Listing<'a> {
    /// A listing of the bucket, which must belong to the account `owner`.
    pub(super) fn new(client: &'a Client, bucket: &'a str, prefix: &'a str, owner: &'a str) -> Self {
        Self { client, bucket, prefix, owner, next: Some((None, None)), deleted: HashSet::new() }
    }

    /// The next objects, up to a thousand; `None` at the end.
    ///
    /// # Errors
    /// If the bucket may not be listed.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Vec<Listed>>> {
        let Some((key, version)) = self.next.take() else { return Ok(None) };
        let request = self.client.list_object_versions().bucket(self.bucket).prefix(self.prefix);
        let request = request.set_key_marker(key).set_version_id_marker(version);
        let call = request.expected_bucket_owner(self.owner).send();
        let page = Box::pin(call).await.map_err(|error| {
            let permission = format!(
                "s3:ListBucketVersions on the bucket {}, which is account {}'s",
                self.bucket, self.owner
            );
            refused(&format!("list the raw bucket {}", self.bucket), &permission, &error)
        })?;
        if page.is_truncated == Some(true) {
            self.next = Some((page.next_key_marker.clone(), page.next_version_id_marker.clone()));
        }
        Ok(Some(self.read(page)))
    }

    fn read(&mut self, page: ListObjectVersionsOutput) -> Vec<Listed> {
        let versions = page.versions.unwrap_or_default();
        let last = versions.last().and_then(|version| version.key.clone());
        for marker in page.delete_markers.unwrap_or_default() {
            if marker.is_latest == Some(true)
                && let Some(key) = marker.key
            {
                self.deleted.insert(key);
            }
        }
        let mut found = Vec::with_capacity(versions.len());
        for version in versions {
            let Some(key) = version.key else { continue };
            let deleted = self.deleted.contains(&key);
            let object = ObjectRef {
                // What a bucket without versions calls `null` names no content; S3 leaves it out of its notifications.
                version: version.version_id.filter(|version| version != "null"),
                etag: version.e_tag.map(|etag| etag.trim_matches('"').to_owned()),
                size: version.size.and_then(|size| u64::try_from(size).ok()),
                ..ObjectRef::new(self.bucket, key)
            };
            let written = version.last_modified.and_then(|time| time.to_millis().ok()).unwrap_or_default();
            found.push(Listed { object, written, deleted });
        }
        // A key's marker is its newest version, so it comes first, if need be at the end of the page before.
        let next_key = self.next.as_ref().and_then(|(key, _)| key.clone());
        self.deleted.retain(|key| Some(key) == last.as_ref() || Some(key) == next_key.as_ref());
        found
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::DateTime;
    use aws_sdk_s3::types::{DeleteMarkerEntry, ObjectVersion};

    use super::*;

    fn version(key: &str, id: &str) -> ObjectVersion {
        let version = ObjectVersion::builder().key(key).version_id(id).e_tag("\"tag\"").size(7);
        version.last_modified(DateTime::from_millis(5_000)).build()
    }

    #[test]
    fn versions_are_objects_as_s3_announces_them() {
        let settings = aws_sdk_s3::Config::builder().behavior_version_latest().build();
        let client = Client::from_conf(settings);
        let mut listing = Listing::new(&client, "raw", "", "111122223333");
        let marker = |key: &str, latest| DeleteMarkerEntry::builder().key(key).is_latest(latest).build();
        // The marker of `b` is the last entry of a page, its versions are on the next one.
        listing.next = Some((Some("b".to_owned()), Some("m".to_owned())));
        let first = ListObjectVersionsOutput::builder()
            .versions(version("a", "null"))
            .versions(version("aa", "v1"))
            .delete_markers(marker("aa", false))
            .delete_markers(marker("b", true))
            .build();
        let found = listing.read(first);
        listing.next = None;
        let more =
            ListObjectVersionsOutput::builder().versions(version("b", "v2")).versions(version("c", "v3"));
        let found = [found, listing.read(more.build())].concat();
        let told: Vec<_> = found
            .iter()
            .map(|listed| (listed.object.key.as_str(), listed.object.version.as_deref(), listed.deleted))
            .collect();
        let expected = [
            ("a", None, false),
            ("aa", Some("v1"), false),
            ("b", Some("v2"), true),
            ("c", Some("v3"), false),
        ];
        assert_eq!(told, expected);
        assert_eq!((found[0].object.etag.as_deref(), found[0].object.size), (Some("tag"), Some(7)));
        assert_eq!(found[0].written, 5_000);
    }
}
