//! No body may panic, and no key may change on its way, whatever it holds.

use proptest::{prelude::*, sample::Index};
use serde_json::Value;

use super::*;

/// One body of every shape.
fn bodies() -> Vec<String> {
    let created = s3(&[record("ObjectCreated:Put", "a+b%2B%E3%81%82"), record("ObjectRemoved:Delete", "b")]);
    vec![
        sns(&sns(&created)),
        sns("CloudTrail validation message."),
        created,
        eventbridge("a").to_string(),
        notice(&["a", "b"]),
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"raw"}"#.to_owned(),
    ]
}

/// The JSON pointers of all parts of a value, the value itself included.
fn pointers(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| pointers(member, &format!("{at}/{name}"), into));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, &format!("{at}/{index}"), into));
        }
        _ => {}
    }
}

/// What every outcome must hold, beside having come without a panic.
fn sound(body: &str) {
    match parse(body) {
        Ok(read) => {
            assert!(!read.objects.is_empty() || !read.ignored.is_empty(), "nothing and no reason: {body}");
            assert!(
                read.objects.iter().all(|object| !object.bucket.is_empty() && !object.key.is_empty()),
                "{body}"
            );
        }
        Err(error) => assert!(error.to_string().len() < 2_000, "{error}"),
    }
}

proptest! {
    #[test]
    fn any_text(body in any::<String>()) {
        sound(&body);
        sound(&sns(&body));
    }

    #[test]
    fn any_json_like_text(body in r#"[{}\[\]",:a%+0-9 ]{0,60}"#) {
        sound(&body);
    }

    #[test]
    fn bodies_with_changed_characters(
        body in proptest::sample::select(bodies()),
        changes in proptest::collection::vec((any::<Index>(), 0..3_u8, any::<char>()), 1..6),
    ) {
        let mut characters: Vec<char> = body.chars().collect();
        for (index, how, character) in changes {
            if characters.is_empty() {
                break;
            }
            let at = index.index(characters.len());
            match how {
                0 => characters[at] = character,
                1 => characters.insert(at, character),
                _ => characters.truncate(at),
            }
        }
        sound(&characters.into_iter().collect::<String>());
    }

    #[test]
    fn bodies_with_a_part_of_another_type(
        body in proptest::sample::select(bodies()),
        index in any::<Index>(),
        part in proptest::sample::select(vec![
            json!(null), json!(true), json!(-1), json!(1e300), json!(""), json!("%"), json!([]), json!([[]]),
            json!({}), json!({"name": 1}), json!({"Type": "Notification", "Message": "{}"}),
        ]),
    ) {
        let mut value: Value = serde_json::from_str(&body).unwrap();
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        *value.pointer_mut(&all[index.index(all.len())]).unwrap() = part;
        sound(&value.to_string());
    }

    #[test]
    fn literal_keys_stay_as_they_are(key in ".+") {
        prop_assert_eq!(keys(&eventbridge(&key).to_string()), [key.clone()]);
        prop_assert_eq!(keys(&sns(&notice(&[&key]))), [key.clone()]);
    }
}
