//! What every home of the ledger has to obey, as a test that runs on any of them. A home is new: nothing is in it.

use shared::ledger::{Group, Lease, Ledger, Standing};
use shared::notification::ObjectRef;
use shared::pipeline::OutputSettings;

const HOUR: i64 = 3_600_000;

/// A time at which nothing has run out.
const NOW: i64 = 1_800_000_000_000;

pub(crate) fn object(law: &str, key: &str) -> ObjectRef {
    // As long as a SHA-256, as the folder's ledger knows contents.
    ObjectRef {
        etag: Some("ab".repeat(32)),
        size: Some(7),
        ..ObjectRef::new("raw", format!("{law}/{key}.log"))
    }
}

fn group(law: &str, keys: &[&str]) -> Group {
    let settings = OutputSettings {
        tables: vec!["VPC_FLOW@2.0".to_owned()],
        buffer_bytes: 1 << 20,
        region: Some("eu-west-1".to_owned()),
        ..OutputSettings::default()
    };
    Group::new(keys.iter().map(|key| object(law, key)).collect(), settings)
}

fn lease(owner: &str, now: i64) -> Lease {
    Lease { owner: owner.to_owned(), now, until: now + HOUR }
}

fn keys(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("aws/VPC_FLOW/2.0/{name}.zstd.parquet")).collect()
}

async fn standings<L: Ledger>(ledger: &L, law: &str, keys: &[&str]) -> Vec<Standing> {
    let objects: Vec<ObjectRef> = keys.iter().map(|key| object(law, key)).collect();
    ledger.look_up(&objects).await.unwrap()
}

fn open(group: &Group) -> Standing {
    Standing::Open(group.id.clone())
}

/// Claims a group and decides that all its members stay.
async fn decided<L: Ledger>(ledger: &L, law: &str, keys: &[&str], lease: &Lease) -> Group {
    let group = group(law, keys);
    assert!(ledger.claim(&group, lease).await.unwrap());
    assert!(ledger.decide(&group, &[], &[], lease).await.unwrap());
    group
}

/// All laws.
pub(crate) async fn hold_for<L: Ledger>(ledger: &L) {
    a_claim_is_whole_or_nothing(ledger).await;
    a_living_lease_protects(ledger).await;
    what_was_begun_is_handed_on(ledger).await;
    who_leaves_is_free(ledger).await;
    a_group_without_members_is_gone(ledger).await;
    a_decision_is_the_owners(ledger).await;
    outputs_are_noted_by_the_owner_of_a_decided_group(ledger).await;
    what_is_done_stays_done(ledger).await;
    a_lease_is_given_back_by_its_owner(ledger).await;
    runs_without_an_end_are_counted(ledger).await;
    nothing_is_asked_for(ledger).await;
}

async fn a_claim_is_whole_or_nothing<L: Ledger>(ledger: &L) {
    const LAW: &str = "claim";
    let me = lease("me", NOW);
    assert_eq!(standings(ledger, LAW, &["a", "b", "c"]).await, vec![Standing::Free; 3]);
    let first = group(LAW, &["a", "b"]);
    assert!(ledger.claim(&first, &me).await.unwrap());
    assert!(!ledger.claim(&first, &me).await.unwrap(), "the same group again");
    assert!(!ledger.claim(&group(LAW, &["b", "c"]), &lease("you", NOW)).await.unwrap());
    assert_eq!(standings(ledger, LAW, &["c", "b", "a"]).await, [Standing::Free, open(&first), open(&first)]);
    // Another content of the same place is another object.
    let other = ObjectRef { etag: Some("cd".repeat(32)), ..object(LAW, "a") };
    assert_eq!(ledger.look_up(&[other]).await.unwrap(), [Standing::Free]);
    // As many as there may be.
    let many: Vec<String> = (0..ledger.max_members()).map(|number| format!("many-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let group = decided(ledger, LAW, &many, &me).await;
    ledger.finish(&group).await.unwrap();
    assert_eq!(standings(ledger, LAW, &many).await, vec![Standing::Done; many.len()]);
}

async fn a_living_lease_protects<L: Ledger>(ledger: &L) {
    const LAW: &str = "lease";
    let me = lease("me", NOW);
    let group = group(LAW, &["a"]);
    assert!(ledger.claim(&group, &me).await.unwrap());
    assert_eq!(
        ledger.take_over(&group.id, &lease("you", NOW + HOUR)).await.unwrap(),
        None,
        "at its last moment"
    );
    let taken = ledger.take_over(&group.id, &lease("you", NOW + HOUR + 1)).await.unwrap();
    let runs = taken.as_ref().map_or(0, |taken| taken.runs);
    assert_eq!(taken, Some(Group { runs, ..group.clone() }));
    assert_eq!(ledger.take_over(&group.id, &lease("third", NOW + HOUR + 2)).await.unwrap(), None);
    assert_eq!(ledger.take_over(&"0".repeat(32), &me).await.unwrap(), None, "there is no such group");
}

async fn what_was_begun_is_handed_on<L: Ledger>(ledger: &L) {
    const LAW: &str = "handed-on";
    let group = group(LAW, &["a", "b", "c"]);
    assert!(ledger.claim(&group, &lease("me", NOW)).await.unwrap());
    assert!(ledger.decide(&group, &[1], &keys(&["x"]), &lease("me", NOW)).await.unwrap());
    let later = lease("you", NOW + 2 * HOUR);
    let taken = ledger.take_over(&group.id, &later).await.unwrap().unwrap();
    let runs = taken.runs;
    assert_eq!(taken, Group { left_out: Some(vec![1]), outputs: keys(&["x"]), runs, ..group.clone() });
    assert!(ledger.note_outputs(&taken, &keys(&["x", "y"]), &later).await.unwrap());
    let again = ledger.take_over(&group.id, &lease("third", NOW + 4 * HOUR)).await.unwrap().unwrap();
    assert_eq!(again.outputs, keys(&["x", "y"]));
}

async fn who_leaves_is_free<L: Ledger>(ledger: &L) {
    const LAW: &str = "leaves";
    let me = lease("me", NOW);
    let group = group(LAW, &["a", "b", "c"]);
    assert!(ledger.claim(&group, &me).await.unwrap());
    assert!(ledger.decide(&group, &[0, 2], &[], &me).await.unwrap());
    assert_eq!(
        standings(ledger, LAW, &["a", "b", "c"]).await,
        [Standing::Free, open(&group), Standing::Free]
    );
    let next = decided(ledger, LAW, &["a"], &me).await;
    ledger.finish(&group).await.unwrap();
    assert_eq!(standings(ledger, LAW, &["a", "b", "c"]).await, [open(&next), Standing::Done, Standing::Free]);
}

async fn a_group_without_members_is_gone<L: Ledger>(ledger: &L) {
    const LAW: &str = "gone";
    let me = lease("me", NOW);
    let group = group(LAW, &["a", "b"]);
    assert!(ledger.claim(&group, &me).await.unwrap());
    assert!(ledger.decide(&group, &[0, 1], &[], &me).await.unwrap());
    assert_eq!(standings(ledger, LAW, &["a", "b"]).await, vec![Standing::Free; 2]);
    assert_eq!(ledger.take_over(&group.id, &lease("you", NOW + 2 * HOUR)).await.unwrap(), None);
    assert!(ledger.claim(&group, &me).await.unwrap(), "the same objects once more");
}

async fn a_decision_is_the_owners<L: Ledger>(ledger: &L) {
    const LAW: &str = "decision";
    let (me, you) = (lease("me", NOW), lease("you", NOW + 2 * HOUR));
    let group = group(LAW, &["a", "b", "c"]);
    assert!(!ledger.decide(&group, &[], &[], &me).await.unwrap(), "it was never claimed");
    assert!(ledger.claim(&group, &me).await.unwrap());
    let taken = ledger.take_over(&group.id, &you).await.unwrap().unwrap();
    assert!(!ledger.decide(&group, &[0], &[], &me).await.unwrap(), "it is another's");
    assert_eq!(standings(ledger, LAW, &["a"]).await, [open(&group)]);
    assert!(ledger.decide(&taken, &[0], &[], &you).await.unwrap());
    // Once only, unless nobody else can be at it; then it only grows.
    let decided = Group { left_out: Some(vec![0]), ..group };
    assert_eq!(ledger.decide(&decided, &[0, 1], &[], &you).await.unwrap(), ledger.is_exclusive());
    let b = if ledger.is_exclusive() { Standing::Free } else { open(&decided) };
    assert_eq!(standings(ledger, LAW, &["a", "b", "c"]).await, [Standing::Free, b, open(&decided)]);
}

async fn outputs_are_noted_by_the_owner_of_a_decided_group<L: Ledger>(ledger: &L) {
    const LAW: &str = "outputs";
    let (me, you) = (lease("me", NOW), lease("you", NOW + 2 * HOUR));
    let group = group(LAW, &["a"]);
    assert!(ledger.claim(&group, &me).await.unwrap());
    assert!(!ledger.note_outputs(&group, &keys(&["x"]), &me).await.unwrap(), "it is not decided");
    assert!(ledger.decide(&group, &[], &[], &me).await.unwrap());
    assert!(!ledger.note_outputs(&group, &keys(&["x"]), &you).await.unwrap(), "it is another's");
    assert!(ledger.note_outputs(&group, &keys(&["x"]), &me).await.unwrap());
    ledger.finish(&group).await.unwrap();
    assert!(!ledger.note_outputs(&group, &keys(&["y"]), &me).await.unwrap(), "it is done");
}

async fn what_is_done_stays_done<L: Ledger>(ledger: &L) {
    const LAW: &str = "done";
    let me = lease("me", NOW);
    let group = decided(ledger, LAW, &["a"], &me).await;
    ledger.finish(&group).await.unwrap();
    ledger.release(&group, &me).await.unwrap();
    assert_eq!(ledger.take_over(&group.id, &lease("you", NOW + 2 * HOUR)).await.unwrap(), None);
    assert!(!ledger.claim(&self::group(LAW, &["a", "b"]), &me).await.unwrap());
    assert!(!ledger.claim(&group, &me).await.unwrap());
    ledger.finish(&group).await.unwrap(); // a run that was at it at the same time
    assert_eq!(standings(ledger, LAW, &["a", "b"]).await, [Standing::Done, Standing::Free]);
}

async fn a_lease_is_given_back_by_its_owner<L: Ledger>(ledger: &L) {
    const LAW: &str = "release";
    let (me, you) = (lease("me", NOW), lease("you", NOW));
    let group = decided(ledger, LAW, &["a"], &me).await;
    ledger.release(&group, &you).await.unwrap();
    assert_eq!(ledger.take_over(&group.id, &you).await.unwrap(), None, "it was not theirs to give back");
    ledger.release(&group, &me).await.unwrap();
    let taken = ledger.take_over(&group.id, &you).await.unwrap().unwrap();
    assert_eq!(taken.left_out, Some(Vec::new()));
}

/// Where the home is used by one process at a time, whoever starts the next one has seen how the last one ended.
async fn runs_without_an_end_are_counted<L: Ledger>(ledger: &L) {
    const LAW: &str = "runs";
    let group = group(LAW, &["a"]);
    assert!(ledger.claim(&group, &lease("me", NOW)).await.unwrap());
    for (run, then) in [(2, None), (3, Some(0)), (1, Some(1)), (2, None), (3, None)] {
        let next = lease("me", NOW + 2 * i64::from(run) * HOUR);
        let taken = ledger.take_over(&group.id, &Lease { now: i64::MAX / 2, ..next.clone() }).await.unwrap();
        let taken = taken.unwrap();
        assert_eq!(taken.runs, if ledger.is_exclusive() { 1 } else { run });
        if let Some(runs) = then {
            ledger.release(&Group { runs, ..taken }, &next).await.unwrap();
        }
    }
}

async fn nothing_is_asked_for<L: Ledger>(ledger: &L) {
    assert_eq!(ledger.look_up(&[]).await.unwrap(), []);
}
