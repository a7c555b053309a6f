use std::collections::HashSet;

use futures::executor::block_on;

use super::failed::FailedFile;
use super::*;
use crate::pipeline::OutputSettings;
use crate::table::definitions::{VPC_FLOW_1_0, VPC_FLOW_2_0};

const TABLES: &[&TableDefinition] = &[&VPC_FLOW_1_0, &VPC_FLOW_2_0];

fn version(versions: &str) -> TableSet {
    TableSet::of(TABLES, |table| versions.split(',').any(|wanted| wanted == table.version))
}

fn object(key: &str) -> ObjectRef {
    ObjectRef { etag: Some("00".repeat(32)), size: Some(1), ..ObjectRef::new("/raw", key) }
}

fn group(keys: &[&str], versions: &str) -> Group {
    let settings = OutputSettings { tables: version(versions).ids(TABLES), ..OutputSettings::default() };
    Group::new(keys.iter().map(|key| object(key)).collect(), settings)
}

fn lease() -> Lease {
    Lease { owner: "lake".to_owned(), now: 0, until: 0 }
}

/// Brings files into tables.
fn bring(ledger: &FolderLedger, keys: &[&str], versions: &str) {
    let group = group(keys, versions);
    block_on(async {
        assert!(ledger.claim(&group, &lease()).await.unwrap());
        assert!(ledger.decide(&group, &[], &[], &lease()).await.unwrap());
        ledger.finish(&group).await.unwrap();
    });
}

fn standing(ledger: &FolderLedger, key: &str, versions: &str) -> Standing {
    block_on(ledger.wanting(version(versions)).look_up(&[object(key)])).unwrap().remove(0)
}

#[test]
fn a_file_is_done_if_it_is_in_all_tables_that_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let state = FolderState::open(folder.path()).unwrap();
    let ledger = state.ledger("s", TABLES).unwrap();
    bring(&ledger, &["a"], "2.0");
    assert_eq!(standing(&ledger, "a", "2.0"), Standing::Done);
    assert_eq!(standing(&ledger, "a", "1.0,2.0"), Standing::Free);
    assert_eq!(ledger.missing(&object("a"), version("1.0,2.0")), version("1.0"));
    assert_eq!(block_on(ledger.claim(&group(&["a"], "2.0"), &lease())), Ok(false));
    bring(&ledger, &["a"], "1.0");
    let again = state.ledger("s", TABLES).unwrap();
    for ledger in [ledger, again] {
        assert_eq!(standing(&ledger, "a", "1.0,2.0"), Standing::Done);
    }
    let paths = HashSet::from(["/raw/a", "/raw/b"]);
    let tables = state.tables_of("s", TABLES, &paths).unwrap();
    assert_eq!(tables, HashMap::from([("/raw/a".to_owned(), version("1.0,2.0"))]));
}

#[test]
fn rows_cannot_come_into_a_table_twice() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = FolderState::open(folder.path()).unwrap().ledger("s", TABLES).unwrap();
    bring(&ledger, &["a"], "2.0");
    let refused = block_on(ledger.claim(&group(&["a"], "1.0,2.0"), &lease())).unwrap_err();
    assert!(refused.reason.contains("/raw/a is in VPC_FLOW@2.0 already"), "{refused}");
}

#[test]
fn a_group_that_was_recorded_and_not_closed_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let state = FolderState::open(folder.path()).unwrap();
    let ledger = state.ledger("s", TABLES).unwrap();
    let open = group(&["a", "b"], "2.0");
    block_on(ledger.claim(&open, &lease())).unwrap();
    block_on(ledger.decide(&open, &[1], &["k".to_owned()], &lease())).unwrap();
    let pending = std::fs::read(ledger.pending_path()).unwrap();
    block_on(ledger.finish(&open)).unwrap();
    assert!(!ledger.pending_path().exists());
    std::fs::write(ledger.pending_path(), &pending).unwrap();
    let again = state.ledger("s", TABLES).unwrap();
    assert!(again.open_groups().is_empty() && !again.pending_path().exists());
    assert_eq!(
        [standing(&again, "a", "2.0"), standing(&again, "b", "2.0")],
        [Standing::Done, Standing::Free]
    );
}

#[test]
fn a_line_that_is_no_record_is_an_error_unless_an_open_group_writes_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let state = FolderState::open(folder.path()).unwrap();
    let ledger = state.ledger("s", TABLES).unwrap();
    bring(&ledger, &["a", "b"], "2.0");
    // Cut off within a character.
    let open = group(&["c", "d\u{e4}"], "2.0");
    block_on(ledger.claim(&open, &lease())).unwrap();
    block_on(ledger.decide(&open, &[], &[], &lease())).unwrap();
    let (record, pending) = (folder.path().join("state/ingested/s.jsonl"), ledger.pending_path());
    let before = std::fs::read(&record).unwrap();
    let groups = std::fs::read(&pending).unwrap();
    block_on(ledger.finish(&open)).unwrap();
    let after = std::fs::read(&record).unwrap();

    // Wherever the process has ended, its group is finished and every line is whole then.
    for end in before.len()..=after.len() {
        std::fs::write(&record, &after[..end]).unwrap();
        std::fs::write(&pending, &groups).unwrap();
        let again = state.ledger("s", TABLES).unwrap();
        for group in again.open_groups() {
            block_on(again.take_over(&group.id, &lease())).unwrap().unwrap();
            block_on(again.finish(&group)).unwrap();
        }
        let last = state.ledger("s", TABLES).unwrap();
        for key in ["a", "b", "c", "d\u{e4}"] {
            assert_eq!(standing(&last, key, "2.0"), Standing::Done, "{key} after {end}");
        }
        assert!(!examine_record(state.path(), "s", TABLES).unwrap().is_cut_off);
    }

    // Without that group the file of the line would be forgotten, and so would others.
    let refused = |bytes: &[u8], line: &str| {
        std::fs::write(&record, bytes).unwrap();
        let error = state.ledger("s", TABLES).unwrap_err().to_string();
        assert!(error.contains("state/ingested/s.jsonl") && error.contains(line), "{error}");
        let error = state.tables_of("s", TABLES, &HashSet::new()).unwrap_err().to_string();
        assert!(error.contains("restore it from a copy"), "{error}");
    };
    refused(&after[..before.len() + 20], "line 3");
    std::fs::write(&pending, &groups).unwrap();
    refused(&before[..before.len() - 20], "line 2");
    refused(&[before.as_slice(), b"\0\0"].concat(), "line 3");
    refused(&vec![0; before.len()], "line 1");
    refused(&[b"{\0", &before[2..]].concat(), "line 1");
    refused(&[b"\xff", &before[1..]].concat(), "line 1");
    refused(&[b"\n", before.as_slice()].concat(), "line 1");
    std::fs::write(&record, &after[..before.len() + 20]).unwrap();
    let read = examine_record(state.path(), "s", TABLES).unwrap();
    assert_eq!(read, Record { lines: 2, is_cut_off: true });
}

#[test]
fn lakes_of_earlier_versions_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let state = FolderState::open(folder.path()).unwrap();
    let sha256 = "00".repeat(32);
    // Without tables: from before there was a choice. The last line was cut off.
    let lines =
        format!("{{\"path\":\"/raw/a\",\"sha256\":\"{sha256}\",\"bytes\":1}}\n{{\"path\":\"/raw/b\",\"sh");
    std::fs::write(folder.path().join("state/ingested/s.jsonl"), lines).unwrap();
    let options =
        r#"{"region":"eu-west-1","codec":"gzip","max_object_bytes":3,"max_record_bytes":2,"buffer_bytes":1}"#;
    let files = format!(r#"[{{"bucket":"/raw","key":"b","bytes":7,"sha256":"{sha256}"}}]"#);
    let pending = folder.path().join("state/pending/s.json");
    std::fs::write(&pending, format!(r#"{{"options":{options},"files":{files}}}"#)).unwrap();
    let ledger = state.ledger("s", TABLES).unwrap();
    assert_eq!(
        [standing(&ledger, "a", "2.0"), standing(&ledger, "a", "1.0")],
        [Standing::Done, Standing::Free]
    );
    let open = ledger.open_groups().remove(0);
    assert_eq!(standing(&ledger, "b", "2.0"), Standing::Open(open.id.clone()));
    let settings = open.settings.clone().unwrap();
    assert_eq!((settings.tables, settings.buffer_bytes), (vec!["VPC_FLOW@2.0".to_owned()], 1));
    assert_eq!((settings.region.as_deref(), settings.codec), (Some("eu-west-1"), crate::layout::Codec::Gzip));
    assert_eq!((open.members[0].size, &open.left_out), (Some(7), &None));
    block_on(async {
        assert!(ledger.take_over(&open.id, &lease()).await.unwrap().is_some());
        assert!(ledger.decide(&open, &[], &[], &lease()).await.unwrap());
        ledger.finish(&open).await.unwrap();
    });
    let again = state.ledger("s", TABLES).unwrap();
    assert_eq!(
        [standing(&again, "a", "2.0"), standing(&again, "b", "2.0")],
        [Standing::Done, Standing::Done]
    );

    std::fs::write(&pending, r#"{"options":{"codec":"brotli"},"files":[]}"#).unwrap();
    let error = state.ledger("s", TABLES).unwrap_err().to_string();
    assert!(error.contains("interrupted ingest"), "{error}");
}

#[test]
fn a_table_that_is_not_known_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = FolderState::open(folder.path()).unwrap().ledger("s", TABLES).unwrap();
    let mut newer = group(&["a"], "2.0");
    assert_eq!(ledger.tables_of_group(&newer), Ok(version("2.0")));
    newer.settings.as_mut().unwrap().tables.push("VPC_FLOW@9.0".to_owned());
    assert_eq!(ledger.tables_of_group(&newer), Err("VPC_FLOW@9.0".to_owned()));
}

#[test]
fn after_a_write_that_failed_nothing_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = FolderState::open(folder.path()).unwrap().ledger("s", TABLES).unwrap();
    let blocked = folder.path().join("state/pending/s.json.part");
    std::fs::create_dir(&blocked).unwrap();
    assert!(block_on(ledger.claim(&group(&["a"], "2.0"), &lease())).is_err());
    assert!(ledger.trouble().unwrap().contains("state/pending/s.json"), "{:?}", ledger.trouble());
    std::fs::remove_dir(&blocked).unwrap();
    assert!(block_on(ledger.claim(&group(&["a"], "2.0"), &lease())).is_err());
    assert!(ledger.open_groups().is_empty());
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let state = FolderState::open(folder.path()).unwrap();
    let ledger = state.ledger("s", TABLES).unwrap();
    drop(state);
    let refused = FolderState::open(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("another ingest is running"), "{refused}");
    assert!(FolderState::is_in_use(folder.path()));
    drop(ledger);
    assert!(!FolderState::is_in_use(folder.path()));
    FolderState::open(folder.path()).unwrap();
}

#[test]
fn who_asks_whether_it_is_in_use_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    drop(FolderState::open(folder.path()).unwrap());
    let probe = std::fs::File::open(folder.path().join("state/lock")).unwrap();
    probe.try_lock_shared().unwrap();
    let asking = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(5));
        drop(probe);
    });
    FolderState::open(folder.path()).unwrap();
    asking.join().unwrap();
}

#[test]
fn failed_files_are_kept_until_they_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let state = FolderState::open(folder.path()).unwrap();
    let file = |path: &str| FailedFile { path: path.to_owned(), sha256: None, reason: "bad gzip".to_owned() };
    assert_eq!(failed::read(state.path(), "s").unwrap(), []);
    failed::replace(&state, "s", &[file("/b"), file("/a")]).unwrap();
    assert_eq!(failed::read(state.path(), "s").unwrap(), [file("/a"), file("/b")]);
    failed::replace(&state, "s", &[]).unwrap();
    assert!(!folder.path().join("state/failed/s.jsonl").exists());
}
