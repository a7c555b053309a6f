use super::*;

fn entry(state: &str, left_out: Option<&str>) -> Item {
    let members = [ObjectRef::new("raw", "a"), ObjectRef::new("raw", "b")];
    let mut entry = Item::from([
        ("state".to_owned(), text(state)),
        ("members".to_owned(), text(serde_json::to_string(&members).unwrap())),
    ]);
    entry.extend(left_out.map(|left_out| ("left_out".to_owned(), text(left_out))));
    entry
}

#[test]
fn a_group_of_an_earlier_version_has_neither_settings_nor_outputs() {
    let mut item = entry("open", None);
    let group = group_of("g", &item).unwrap();
    assert_eq!((group.settings, group.outputs, group.members.len()), (None, Vec::new(), 2));
    item.insert("settings".to_owned(), text(r#"{"tables":["WAF@2.0"],"codec":"gzip"}"#));
    item.insert("outputs".to_owned(), text(r#"["k"]"#));
    let group = group_of("g", &item).unwrap();
    assert_eq!(
        (group.settings.unwrap().tables, group.outputs),
        (vec!["WAF@2.0".to_owned()], vec!["k".to_owned()])
    );
    item.insert("settings".to_owned(), text("not json"));
    assert_eq!(group_of("g", &item), None);
}

#[test]
fn too_many_outputs_are_not_written_down() {
    let keys = |count: usize| vec!["k".repeat(97); count];
    assert_eq!(outputs_attribute(&keys(1_999)).unwrap().0, "outputs");
    assert_eq!(outputs_attribute(&keys(2_001)).unwrap(), ("unnamed", AttributeValue::Bool(true)));
}

#[test]
fn who_left_a_group_is_not_done_with_it() {
    let [a, b] = ["a", "b"].map(|key| ObjectRef::new("raw", key));
    let of = |object: &ObjectRef, entry: Option<&Item>| standing(object, "g".to_owned(), entry);
    let done = entry("done", Some("[1]"));
    assert_eq!([of(&a, Some(&done)), of(&b, Some(&done))], [Standing::Done, Standing::Free]);
    assert_eq!(of(&b, Some(&entry("done", Some("[]")))), Standing::Done);
    for open in [None, Some(&entry("open", None)), Some(&entry("open", Some("[]")))] {
        assert_eq!(of(&b, open), Standing::Open("g".to_owned()));
    }
    assert_eq!(of(&b, Some(&entry("done", Some("not json")))), Standing::Open("g".to_owned()));
}
