//! The store on folders: what `lake` runs on. A bucket is a folder, a key a path below it. An entity tag of 64 hex digits
//! is the SHA-256 of the bytes: if an object is asked for by it, reading other bytes ends in an error.

mod upkeep;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};

use super::{Body, Store, StoreError, Upload};
use crate::durable;
use crate::notification::ObjectRef;

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;

/// Objects as files.
#[derive(Debug, Clone, Copy, Default)]
pub struct FolderStore;

/// A file that is being written beside its final place.
#[derive(Debug)]
pub struct FolderUpload {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    completed: bool,
}

/// The file of a key. Keys come from names and notifications, so one that would leave its folder is refused.
fn path(operation: &'static str, bucket: &str, key: &str) -> Result<PathBuf, StoreError> {
    let relative = Path::new(key);
    if key.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        let reason = "the key is not a path below the folder".to_owned();
        return Err(StoreError::Failed { operation, location: format!("{bucket}/{key}"), reason });
    }
    Ok(Path::new(bucket).join(relative))
}

fn failed(operation: &'static str, path: &Path, error: &std::io::Error) -> StoreError {
    let location = path.display().to_string();
    match error.kind() {
        std::io::ErrorKind::NotFound => StoreError::NotFound { location },
        std::io::ErrorKind::PermissionDenied => StoreError::Denied { location, reason: error.to_string() },
        _ => StoreError::Failed { operation, location, reason: error.to_string() },
    }
}

fn changed(path: &Path) -> StoreError {
    let reason = "its content is another than the one that was asked for".to_owned();
    StoreError::Failed { operation: "get", location: path.display().to_string(), reason }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens a file to read it. Whoever opens a pipe or a device may wait for ever, so nothing but a regular file is opened.
///
/// # Errors
/// If it cannot be opened, or is something else.
pub fn open(path: &Path) -> std::io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

/// SHA-256 of a file's bytes, in hex: its entity tag.
///
/// # Errors
/// If it cannot be read.
pub fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    Ok(hex(hash))
}

impl Store for FolderStore {
    type Upload = FolderUpload;

    async fn get(&self, object: &ObjectRef) -> Result<Body, StoreError> {
        let path = path("get", &object.bucket, &object.key)?;
        let file = open(&path).map_err(|error| failed("get", &path, &error))?;
        let size = file.metadata().ok().map(|metadata| metadata.len());
        let check = object.etag.clone().filter(|etag| etag.len() == 64).map(|etag| (Sha256::new(), etag));
        let chunks = futures::stream::unfold(Some((file, path, check)), |state| async {
            let (mut file, path, mut check) = state?;
            let mut chunk = vec![0; CHUNK];
            match file.read(&mut chunk) {
                Ok(0) => {
                    let (hash, etag) = check?;
                    (hex(hash) != etag).then(|| (Err(changed(&path)), None))
                }
                Ok(length) => {
                    chunk.truncate(length);
                    if let Some((hash, _)) = &mut check {
                        hash.update(&chunk);
                    }
                    Some((Ok(Bytes::from(chunk)), Some((file, path, check))))
                }
                Err(error) => Some((Err(failed("get", &path, &error)), None)),
            }
        });
        Ok(Body { size, chunks: chunks.boxed() })
    }

    async fn create(&self, bucket: &str, key: &str) -> Result<FolderUpload, StoreError> {
        let target = path("put", bucket, key)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // Hidden and not `.parquet`: no reader of the lake takes it for an object.
        let temporary = target.with_file_name(format!(".{name}.part"));
        let folder = target.parent().unwrap_or(Path::new("."));
        durable::create_folders(folder).map_err(|error| failed("put", folder, &error))?;
        let file = File::create(&temporary).map_err(|error| failed("put", &temporary, &error))?;
        Ok(FolderUpload { file, temporary, target, completed: false })
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        let path = path("delete", bucket, key)?;
        durable::remove(&path).map_err(|error| failed("delete", &path, &error))
    }
}

impl Upload for FolderUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.file.write_all(&bytes).map_err(|error| failed("put", &self.temporary, &error))
    }

    async fn complete(mut self) -> Result<(), StoreError> {
        let outcome = self.file.sync_all().and_then(|()| std::fs::rename(&self.temporary, &self.target));
        self.completed = outcome.is_ok();
        outcome
            .and_then(|()| durable::sync_parent(&self.target))
            .map_err(|error| failed("put", &self.target, &error))
    }

    async fn abort(self) {}
}

impl Drop for FolderUpload {
    fn drop(&mut self) {
        if !self.completed {
            // Best effort: a leftover is hidden and the next run of the same input replaces it.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn an_object_comes_into_being_whole_or_never() {
        let folder = tempfile::tempdir().unwrap();
        let bucket = folder.path().to_str().unwrap();
        let object = ObjectRef::new(bucket, "a/b.txt");
        block_on(async {
            let mut upload = FolderStore.create(bucket, "a/b.txt").await.unwrap();
            upload.write(Bytes::from_static(b"one ")).await.unwrap();
            assert!(matches!(FolderStore.get(&object).await, Err(StoreError::NotFound { .. })));
            drop(upload);
            assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 0);

            let mut upload = FolderStore.create(bucket, "a/b.txt").await.unwrap();
            upload.write(Bytes::from_static(b"one ")).await.unwrap();
            upload.write(Bytes::from_static(b"two")).await.unwrap();
            upload.complete().await.unwrap();
            let body = FolderStore.get(&object).await.unwrap();
            let chunks: Vec<_> = body.chunks.collect().await;
            assert_eq!(body.size, Some(7));
            assert_eq!(chunks, [Ok(Bytes::from_static(b"one two"))]);
            for _ in 0..2 {
                FolderStore.delete(bucket, "a/b.txt").await.unwrap();
                assert!(matches!(FolderStore.get(&object).await, Err(StoreError::NotFound { .. })));
            }
        });
    }

    #[test]
    fn other_bytes_than_the_ones_asked_for_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let etag = sha256(&path).unwrap();
        assert_eq!(etag, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let object = ObjectRef { etag: Some(etag), ..ObjectRef::new(folder.path().to_str().unwrap(), "abc") };
        let read =
            || block_on(async { FolderStore.get(&object).await.unwrap().chunks.collect::<Vec<_>>().await });
        assert_eq!(read(), [Ok(Bytes::from_static(b"abc"))]);
        std::fs::write(&path, "abd").unwrap();
        assert!(read().last().unwrap().as_ref().unwrap_err().to_string().contains("content"));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(sha256(&path).unwrap_err().to_string().contains("not a regular file"));
        assert!(sha256(folder.path()).is_err());
        let object = ObjectRef::new(folder.path().to_str().unwrap(), "pipe");
        let Err(error) = block_on(FolderStore.get(&object)) else { panic!("a pipe was opened") };
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }

    #[test]
    fn keys_cannot_leave_the_folder() {
        for key in ["../x", "/etc/passwd", "a/../../x", ""] {
            assert!(path("get", "bucket", key).is_err(), "{key}");
        }
    }
}
