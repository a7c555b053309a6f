//! Files that are there after a power cut if they were said to be: contents and the names in their folders are both
//! brought to the disk. What stands at a path is the old file or the new one, never a part.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

/// Replaces the file at `path`, whose folder is there. What is written first stands beside it as `….part`.
///
/// # Errors
/// As the file system. Before the replacement the old file stands; after it, the new one does.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let temporary = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&temporary); // a full disk gets its room back; the next write replaces it otherwise
    })?;
    sync_parent(path)
}

/// Removes the file at `path`. One that is not there is a success.
///
/// # Errors
/// As the file system.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes a folder and those above it that are not there.
///
/// # Errors
/// As the file system.
pub fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folders(parent)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists || !folder.is_dir() => Err(error),
        _ => sync_parent(folder),
    }
}

/// Brings the name of a file to the disk.
///
/// # Errors
/// As the file system.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()), // other systems do not open folders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file.json");
        assert!(replace(&path, b"x").is_err());
        create_folders(path.parent().unwrap()).unwrap();
        create_folders(path.parent().unwrap()).unwrap();
        replace(&path, b"old").unwrap();
        // The place of what is written first is taken, so nothing can be replaced.
        let blocked = path.with_file_name("file.json.part");
        fs::create_dir(&blocked).unwrap();
        assert!(replace(&path, b"new").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        fs::remove_dir(&blocked).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_where_a_folder_has_to_be_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "x").unwrap();
        assert!(create_folders(&folder.path().join("a")).is_err());
        assert!(create_folders(&folder.path().join("a/b")).is_err());
    }
}
