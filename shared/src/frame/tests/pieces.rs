//! What becomes of an object must not depend on the pieces in which it arrives: they are as the network cuts them, and a
//! group that is run again has to come to the same records.

use super::*;

/// What objects are made of here, whole and broken.
const PARTS: &[&[u8]] = &[
    b"{\"a\":1}",
    b"{\"Records\":[",
    b"{\"Findings\":[",
    b"{\"Findings\"",
    b"{\"digestS3Object\":\"",
    b"{\"b\":\"x\\\"y\"}",
    b"{\"c\":[[[]]]}",
    b"{\"d\":\"0123456789 0123456789 0123456789\"}",
    b"{\"e\":1,\"f\":2,\"g\":3,\"h\":4}",
    b"{\"i\" 2}",
    b"{\"j\":\"\xc3\xa9\xf0\x9f\x98\x80\"}",
    b"null",
    b"12",
    b"-0.5e3",
    b"[",
    b"]",
    b"]}",
    b"{",
    b"}",
    b",",
    b":",
    b"\"",
    b"\\",
    b" ",
    b"                                                  ",
    b"\n",
    b"\r\n",
    b"\t",
    b"\x0c",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xc3",
    b"\xf0\x9f",
    b"plain words 1 2",
];

const FRAMINGS: [Framing; 4] = [FRAMING, VALUES, Framing::Values { list: None }, Framing::Lines];

fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.max(2_000), failure_persistence: None, ..config }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_pieces_give_the_same_records(
        parts in prop::collection::vec(prop::sample::select(PARTS), 0..14),
        max_record in prop::sample::select(&[10_usize, 24, 40, 10_000][..]),
        depth in prop::sample::select(&[2_usize, 500][..]),
        fields in prop::sample::select(&[3_usize, 10_000][..]),
        chunk in 1..60_usize,
    ) {
        let object = parts.concat();
        for framing in FRAMINGS {
            let in_pieces_of = |chunk| {
                let limits = Limits { depth, fields };
                frame_by(Frames::new(framing, max_record, limits), &object, chunk)
            };
            let whole = in_pieces_of(usize::MAX);
            for chunk in [1, chunk] {
                let other = in_pieces_of(chunk);
                let shown = String::from_utf8_lossy(&object);
                if whole.1.is_ok() || other.1.is_ok() {
                    prop_assert_eq!(&other, &whole, "{:?} in pieces of {}: {:?}", framing, chunk, shown);
                }
            }
        }
    }
}
