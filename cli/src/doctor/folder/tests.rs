use super::*;
use crate::doctor::check::State;

#[test]
fn space() {
    let judged = |free| judge_space(free, Path::new("/lake")).state;
    assert_eq!(
        [judged(None), judged(Some(FREE)), judged(Some(FREE - 1))],
        [State::NotChecked, State::Ok, State::Problem]
    );
    let folder = tempfile::tempdir().unwrap();
    assert!(free_space(folder.path()).is_some());
}

#[test]
fn records() {
    let lake = tempfile::tempdir().unwrap();
    let state = lake.path().join("state");
    fs::create_dir_all(state.join("ingested")).unwrap();
    let judged = |text: &str| {
        fs::write(state.join("ingested/waf.jsonl"), text).unwrap();
        judge_record(Path::new("r"), folder::examine_record(&state, "waf", &[])).state
    };
    let line = r#"{"path":"/raw/a","sha256":"00","bytes":1}"#;
    assert_eq!(judged(""), State::Ok);
    assert_eq!(judged(&format!("{line}\n{line}\n")), State::Ok);
    // No group is open that would write the line again.
    assert_eq!(judged(&format!("{line}\n{{\"pa")), State::Problem);
    assert_eq!(judged(&format!("{line}\nx\n{line}\n")), State::Problem);
    assert_eq!(judged("x\n"), State::Problem);
    assert_eq!(judged("\0\0\0"), State::Problem);
}

#[test]
fn failed_files() {
    let judged = |failed, source| judge_failed(failed, source, Path::new("/lake"));
    assert_eq!(judged(Ok(Vec::new()), "waf"), None);
    let file = FailedFile { path: "/raw/a".into(), sha256: None, reason: "is cut off".into() };
    let unknown = judged(Ok(vec![file.clone()]), failed::UNRECOGNISED).unwrap();
    assert_eq!(unknown.found, "1 files of no known source are not in the lake, the first /raw/a: is cut off");
    assert!(unknown.remedy.unwrap().contains("lake ingest PATH --source NAME --lake /lake"));
    let verdict = judged(Ok(vec![file]), "waf").unwrap();
    assert_eq!(verdict.found, "1 files of waf are not in the lake, the first /raw/a: is cut off");
    assert!(verdict.remedy.unwrap().ends_with("lake redrive --lake /lake --go"));
    let unread = judged(Err(std::io::Error::other("cannot read the list")), "waf").unwrap();
    assert!(unread.state == State::Problem && unread.found == "cannot read the list");
}

#[test]
fn unfinished_files() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(judge_leftovers(&leftovers(folder.path())).state, State::Ok);
    fs::create_dir(folder.path().join("aws")).unwrap();
    let path = folder.path().join("aws/.x.parquet.part");
    fs::write(&path, "").unwrap();
    let verdict = judge_leftovers(&leftovers(folder.path()));
    assert!(verdict.remedy.unwrap().ends_with(path.to_str().unwrap()));
}
