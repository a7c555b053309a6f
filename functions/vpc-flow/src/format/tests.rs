use proptest::prelude::*;

use super::*;

fn values(line: &str, limit: usize) -> Vec<&str> {
    let mut bounds = Vec::new();
    split(line, Separator::Blanks, limit, &mut bounds);
    bounds.iter().map(|&(from, to)| &line[from..to]).collect()
}

#[test]
fn a_header_in_any_order() {
    let format = Format::of_header("log-status future-field srcaddr bytes", false).unwrap();
    let line = "OK later 192.0.2.7 840";
    let mut bounds = Vec::new();
    format.split(line, &mut bounds);
    let record = Record { line, bounds: &bounds, format: &format };
    assert_eq!(record.get(Field::SrcAddr), "192.0.2.7");
    assert_eq!((record.get(Field::LogStatus), record.get(Field::Bytes)), ("OK", "840"));
    assert_eq!(record.get(Field::DstAddr), "");
    assert_eq!(record.rest().collect::<Vec<_>>(), [("future_field", "later")]);
    assert!(!format.repeats() && !format.is_transit_gateway());
}

#[test]
fn the_first_of_equal_names_counts() {
    let format = Format::of_header("srcaddr srcaddr bytes new new", false).unwrap();
    let line = "a b 5 c d";
    let mut bounds = Vec::new();
    format.split(line, &mut bounds);
    let record = Record { line, bounds: &bounds, format: &format };
    assert_eq!(record.get(Field::SrcAddr), "a");
    assert_eq!(record.rest().collect::<Vec<_>>(), [("srcaddr", "b"), ("new", "c"), ("new", "d")]);
    assert!(format.repeats());
}

#[test]
fn what_may_be_a_header() {
    for line in [
        "version",
        "account_id,action,az_id",
        "  interface-id\tsrcaddr",
        "ecs-task-id bytes",
        "new-field srcaddr dstaddr",
    ] {
        assert!(Format::of_header(line, false).is_some(), "{line}");
    }
    for line in [
        "",
        "AAAA",
        "some text",
        "OK ACCEPT",
        "2 111122223333 eni-1",
        "tgw-edge 192.0.2.7 198.51.100.4",
        "region bytes 100",
        "region prod",
        "version new other",
        "srcaddr - dstaddr",
        "srcaddr,,dstaddr",
        "version srcaddr\raction log-status",
        "tgw-edge packets-lost-here",
        "ecs-cluster_name",
    ] {
        assert!(Format::of_header(line, false).is_none(), "{line}");
    }
    assert!(Format::of_header("tgw-id version resource-type", false).unwrap().is_transit_gateway());
    assert!(Format::of_header("version packets_lost_blackhole", false).unwrap().is_transit_gateway());
}

#[test]
fn a_header_contradicts_the_format_in_force() {
    for (format, line, is_header) in [
        ("version srcaddr", "version srcaddr", true),
        ("version srcaddr", "dstaddr new bytes", true),
        ("ecs-cluster-name srcaddr", "start end", true),
        ("ecs-cluster-name srcaddr", "region", false),
        ("ecs-cluster-name ecs-service-name", "region start", false),
        ("ecs-cluster-name", "ecs-cluster-name", false),
        ("srcaddr", "srcaddr", true),
    ] {
        let [format, header] = [format, line].map(|line| Format::of_header(line, false).unwrap());
        assert_eq!(format.rules_out(&header), is_header, "{line} under {format:?}");
    }
}

#[test]
fn values_between_commas() {
    let format = Format::of_header("account_id,action,bytes", false).unwrap();
    let mut bounds = Vec::new();
    format.split("111122223333,,5", &mut bounds);
    assert_eq!(bounds, [(0, 12), (13, 13), (14, 15)]);
    format.split("a,b,c,d", &mut bounds);
    assert_eq!(bounds.len(), 4);
}

#[test]
fn the_default_format_and_more() {
    let format = Format::default_and(2);
    assert_eq!(format.fields(), 16);
    assert!(format.has(Field::LogStatus) && !format.has(Field::VpcId));
    assert_eq!(format.rest, [(14, "field_15".to_owned()), (15, "field_16".to_owned())]);
}

proptest! {
    #[test]
    fn blanks_are_found_wherever_they_are(line in "[a-zé\u{80}\u{20}\t\u{1}-]{0,60}", limit in 0..12_usize) {
        let all: Vec<&str> = line.split(|c: char| c <= ' ').filter(|word| !word.is_empty()).collect();
        prop_assert_eq!(values(&line, usize::MAX), all.clone());
        let some = values(&line, limit);
        prop_assert!(all.starts_with(&some) && some.len() >= all.len().min(limit + 1).min(some.len()));
        prop_assert!((all.len() > limit) == (some.len() > limit));
    }
}
