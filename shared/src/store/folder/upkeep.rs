//! Listing, replacing and removing files.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::{FolderStore, FolderUpload, failed, path};
use crate::notification::ObjectRef;
use crate::store::{Condition, Listed, Store as _, StoreError, Upkeep};

/// What stands in a folder, by name: key prefix with the closing slash or key, and path. Nothing if there is no such
/// folder. Hidden files are being written, and names that are not UTF-8 are no keys.
fn entries(bucket: &str, prefix: &str) -> Result<Vec<(String, std::path::PathBuf)>, StoreError> {
    let folder = Path::new(bucket).join(prefix);
    let listing = match fs::read_dir(&folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", &folder, &error)),
    };
    let mut entries = Vec::new();
    for entry in listing {
        let path = entry.map_err(|error| failed("list", &folder, &error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if !name.starts_with('.') {
            let slash = if path.is_dir() { "/" } else { "" };
            entries.push((format!("{prefix}{name}{slash}"), path));
        }
    }
    entries.sort();
    Ok(entries)
}

/// Adds every file below `prefix`, which is empty or ends with a slash.
fn walk(bucket: &str, prefix: &str, found: &mut Vec<Listed>) -> Result<(), StoreError> {
    for (key, path) in entries(bucket, prefix)? {
        if key.ends_with('/') {
            walk(bucket, &key, found)?;
            continue;
        }
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            // Gone since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed("list", &path, &error)),
        };
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let written = since.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default();
        let object = ObjectRef { size: Some(metadata.len()), ..ObjectRef::new(bucket, key) };
        found.push(Listed { object, written });
    }
    Ok(())
}

/// True if there is a file at any depth.
fn holds_a_file(bucket: &str, prefix: &str) -> Result<bool, StoreError> {
    for (key, _) in entries(bucket, prefix)? {
        if !key.ends_with('/') || holds_a_file(bucket, &key)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Upkeep for FolderStore {
    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        let folder = prefix.rfind('/').map_or("", |slash| &prefix[..=slash]);
        let mut found = Vec::new();
        walk(bucket, folder, &mut found)?;
        found.retain(|listed| listed.object.key.starts_with(prefix));
        found.sort_by(|a, b| a.object.key.cmp(&b.object.key));
        Ok(found)
    }

    async fn folders(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        for (key, _) in entries(bucket, prefix)? {
            if key.ends_with('/') && holds_a_file(bucket, &key)? {
                found.push(key);
            }
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
        let target = path("put", bucket, key)?;
        if *condition == Condition::Absent && target.exists() {
            return Err(StoreError::Conflict { location: target.display().to_string() });
        }
        let write = || -> std::io::Result<()> {
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder)?;
            }
            let temporary = target.with_extension("part");
            let mut file = File::create(&temporary)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &target)
        };
        write().map_err(|error| failed("put", &target, &error))?;
        Ok(None)
    }

    async fn replace(&self, object: &ObjectRef) -> Result<FolderUpload, StoreError> {
        self.create(&object.bucket, &object.key).await
    }

    async fn remove(&self, object: &ObjectRef) -> Result<(), StoreError> {
        let path = path("delete", &object.bucket, &object.key)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("delete", &path, &error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn what_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let bucket = folder.path().to_str().unwrap();
        for key in ["q/b/2.gz", "q/b/10.gz", "q/a.gz", "q/.a.part", "r/x"] {
            let path = folder.path().join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, key).unwrap();
        }
        fs::create_dir_all(folder.path().join("q/empty/deeper")).unwrap();
        let keys = |prefix: &str| -> Vec<String> {
            let listed = block_on(FolderStore.list(bucket, prefix)).unwrap();
            listed.into_iter().map(|listed| listed.object.key).collect()
        };
        assert_eq!(keys("q/"), ["q/a.gz", "q/b/10.gz", "q/b/2.gz"]);
        assert_eq!(keys("q/b/1"), ["q/b/10.gz"]);
        assert!(keys("nothing/").is_empty());
        assert_eq!(block_on(FolderStore.folders(bucket, "q/")).unwrap(), ["q/b/"]);
        assert_eq!(block_on(FolderStore.folders(bucket, "")).unwrap(), ["q/", "r/"]);
    }

    #[test]
    fn what_is_there_is_not_put_again() {
        let folder = tempfile::tempdir().unwrap();
        let bucket = folder.path().to_str().unwrap();
        let put = |text: &'static str| {
            block_on(FolderStore.put(bucket, "state/note", Bytes::from(text), &Condition::Absent))
        };
        put("one").unwrap();
        assert!(matches!(put("two"), Err(StoreError::Conflict { .. })));
        assert_eq!(fs::read(folder.path().join("state/note")).unwrap(), b"one");
        let object = ObjectRef::new(bucket, "state/note");
        block_on(FolderStore.remove(&object)).unwrap();
        block_on(FolderStore.remove(&object)).unwrap();
        put("three").unwrap();
    }
}
