//! Raw logs on disk: which files the given paths hold, and which bucket and key each stands for.
//!
//! A bucket is a folder's absolute path, a key the path below it. The cut is made where AWS's own keys begin,
//! in front of `AWSLogs`, so that a file has one name whichever folder above it was given. Elsewhere the cut is
//! made at the given folder, or at the folder of a given file.

use std::collections::BTreeMap;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use crate::summary::Failed;

/// The folder that every key of AWS's log delivery has.
const AWS_LOGS: &str = "AWSLogs";

/// A raw file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawFile {
    /// Absolute path of the folder that stands for the bucket.
    pub(crate) bucket: String,
    /// Path below it.
    pub(crate) key: String,
    /// Size as stored.
    pub(crate) bytes: u64,
}

/// What the given paths hold.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Files by absolute path.
    pub(crate) files: BTreeMap<PathBuf, RawFile>,
    /// What is passed over, by reason.
    pub(crate) skipped: BTreeMap<&'static str, u64>,
    /// What could not be read.
    pub(crate) failed: Vec<Failed>,
}

/// Walks the paths, which are absolute and free of links. Links, hidden files and folders and the lake itself
/// are not entered: what is ingested is what stands below the paths.
pub(crate) fn find(paths: &[PathBuf], lake: &Path) -> Found {
    let mut found = Found::default();
    let mut roots: Vec<&PathBuf> = Vec::new();
    let mut sorted: Vec<&PathBuf> = paths.iter().collect();
    sorted.sort();
    for path in sorted {
        // A path below another one is walked with it; the sort has put that one in front.
        if !roots.iter().any(|root| path.starts_with(root)) {
            roots.push(path);
        }
    }
    for path in roots {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => found.walk(path, lake),
            Ok(metadata) => found.add(path.parent().unwrap_or(Path::new("/")), path, metadata.file_type()),
            Err(error) => found.fail(path, &error),
        }
    }
    found
}

impl Found {
    fn walk(&mut self, root: &Path, lake: &Path) {
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match entries(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.fail(&folder, &error);
                    continue;
                }
            };
            for (path, kind) in entries {
                if path == lake {
                    continue;
                }
                if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                    self.skip("hidden");
                } else if kind.is_dir() {
                    folders.push(path);
                } else {
                    self.add(root, &path, kind);
                }
            }
        }
    }

    fn add(&mut self, root: &Path, path: &Path, kind: FileType) {
        if kind.is_symlink() {
            return self.skip("symbolic_link");
        }
        if !kind.is_file() {
            return self.skip("not_a_file");
        }
        let bytes = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) => return self.fail(path, &error),
        };
        match place(root, path) {
            Some(_) if bytes == 0 => self.skip("empty_object"),
            Some((bucket, key)) => {
                self.files.insert(path.to_owned(), RawFile { bucket, key, bytes });
            }
            None => self.failed.push(Failed {
                object: path.display().to_string(),
                reason: "the path is not UTF-8; rename the file".to_owned(),
            }),
        }
    }

    fn skip(&mut self, reason: &'static str) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    fn fail(&mut self, path: &Path, error: &io::Error) {
        let reason = format!("cannot be read: {error}");
        self.failed.push(Failed { object: path.display().to_string(), reason });
    }
}

/// What a folder holds; a link is told as a link.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, FileType)>> {
    fs::read_dir(folder)?
        .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))))
        .collect()
}

/// Bucket and key of a file below `root`. `None` if the path is not UTF-8.
fn place(root: &Path, path: &Path) -> Option<(String, String)> {
    let is_aws_logs = |folder: &&Path| folder.file_name().is_some_and(|name| name == AWS_LOGS);
    let above = path.parent()?.ancestors().find(is_aws_logs);
    let bucket = above.and_then(Path::parent).unwrap_or(root);
    let key = path.strip_prefix(bucket).ok()?;
    Some((bucket.to_str()?.to_owned(), key.to_str()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(root: &str, path: &str) -> (String, String) {
        place(Path::new(root), Path::new(path)).unwrap()
    }

    #[test]
    fn aws_keys_begin_at_aws_logs_whatever_folder_was_given() {
        let path = "/data/trail/AWSLogs/1/CloudTrail/r/a.json.gz";
        let expected = ("/data/trail".to_owned(), "AWSLogs/1/CloudTrail/r/a.json.gz".to_owned());
        for root in ["/data", "/data/trail", "/data/trail/AWSLogs/1/CloudTrail/r"] {
            assert_eq!(placed(root, path), expected);
        }
        assert_eq!(placed("/", "/AWSLogs/a"), ("/".to_owned(), "AWSLogs/a".to_owned()));
    }

    #[test]
    fn other_keys_begin_at_the_given_folder() {
        assert_eq!(placed("/data", "/data/x/a.json"), ("/data".to_owned(), "x/a.json".to_owned()));
    }

    #[cfg(unix)]
    #[test]
    fn only_what_stands_below_the_paths_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in
            ["logs/b/2.json", "logs/a/1.json", "logs/.hidden/3.json", "logs/.DS_Store", "lake/aws/x.parquet"]
        {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), "x").unwrap();
        }
        fs::write(root.join("outside.json"), "x").unwrap();
        fs::write(root.join("logs/empty.json"), "").unwrap();
        std::os::unix::fs::symlink(root.join("outside.json"), root.join("logs/link.json")).unwrap();
        let lake = root.join("lake");
        let found = find(&[root.join("logs/a"), root.clone()], &lake);
        let keys: Vec<&str> = found.files.values().map(|file| file.key.as_str()).collect();
        assert_eq!(keys, ["logs/a/1.json", "logs/b/2.json", "outside.json"]);
        assert_eq!(found.skipped, BTreeMap::from([("hidden", 2), ("empty_object", 1), ("symbolic_link", 1)]));
    }
}
