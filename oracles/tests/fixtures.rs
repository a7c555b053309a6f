//! The oracles over the samples, the events and fixtures of their own, so that the fuzz targets cannot rot.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use oracles::subject::{self, Subject};
use oracles::{decode, frame, notification, object};
use shared::source::KeyClass;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn beside(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn fixtures(subject: &Subject) -> Vec<PathBuf> {
    files(&beside("fixtures").join((subject.make)().name()))
}

#[test]
fn objects_of_every_source() {
    for subject in subject::ALL {
        object::check(subject, subject.neighbour.as_bytes());
        object::check(subject, b"");
        for path in fixtures(subject) {
            println!("{}", path.display());
            object::check(subject, &std::fs::read(path).unwrap());
        }
    }
}

#[test]
fn the_smallest_sample_of_every_source() {
    let mut all = [files(&beside("../samples/AWSLogs")), files(&beside("../samples/central"))].concat();
    all.sort_by_key(|path| path.metadata().unwrap().len());
    for subject in subject::ALL {
        let is_log =
            |path: &&PathBuf| matches!((subject.make)().classify(path.to_str().unwrap()), KeyClass::Log(_));
        let path = all.iter().find(is_log).unwrap();
        println!("{}", path.display());
        object::check(subject, &std::fs::read(path).unwrap());
    }
}

#[test]
fn frames_and_decoding() {
    for subject in subject::ALL {
        for path in fixtures(subject) {
            println!("{}", path.display());
            let stored = std::fs::read(path).unwrap();
            decode::check(&stored);
            frame::check(&decode::reference(&stored, 1 << 20).unwrap_or(stored));
        }
    }
    for path in files(&beside("fixtures/frame")).into_iter().chain(files(&beside("fixtures/decode"))) {
        println!("{}", path.display());
        let bytes = std::fs::read(path).unwrap();
        decode::check(&bytes);
        frame::check(&bytes);
    }
}

#[test]
fn notifications() {
    for path in
        files(&beside("../events")).iter().filter(|path| path.extension().is_some_and(|ext| ext == "json"))
    {
        println!("{}", path.display());
        let event: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for message in event["Records"].as_array().unwrap() {
            notification::check(message["body"].as_str().unwrap().as_bytes());
        }
    }
    for path in files(&beside("fixtures/notification")) {
        println!("{}", path.display());
        notification::check(&std::fs::read(path).unwrap());
    }
}
