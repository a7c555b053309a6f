//! Which activity of OCSF's API Activity a verb is.
//!
//! AWS shows `create` as Create and publishes no list. The others by what they do:
//!
//! | activity | verbs |
//! |---|---|
//! | Create 1 | `create`; `post`, as URLs that are no resource's are logged with the HTTP method |
//! | Read 2 | `get`, `list`, `watch`, `watchlist`; `head`, `options` |
//! | Update 3 | `update`, `patch`; `put` |
//! | Delete 4 | `delete`, `deletecollection` |
//! | Other 99 | every other: `connect`, `proxy`, and verbs of authorisation such as `bind`, `escalate`, `impersonate`, `use`, `approve`, `sign` |
//! | Unknown 0 | none |

/// An activity with what depends on it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// `activity_id`
    pub id: i32,
    /// `activity_name`; `None` for 99, where the verb is the name.
    pub name: Option<&'static str>,
    /// `type_name`
    pub type_name: &'static str,
}

/// The activity of a verb.
pub fn activity(verb: &str) -> Activity {
    let (id, name, type_name) = match verb {
        "create" | "post" => (1, Some("Create"), "API Activity: Create"),
        "get" | "list" | "watch" | "watchlist" | "head" | "options" => {
            (2, Some("Read"), "API Activity: Read")
        }
        "update" | "patch" | "put" => (3, Some("Update"), "API Activity: Update"),
        "delete" | "deletecollection" => (4, Some("Delete"), "API Activity: Delete"),
        "" => (0, Some("Unknown"), "API Activity: Unknown"),
        _ => (99, None, "API Activity: Other"),
    };
    Activity { id, name, type_name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activities() {
        for (verb, id) in [
            ("create", 1),
            ("get", 2),
            ("list", 2),
            ("watch", 2),
            ("patch", 3),
            ("deletecollection", 4),
            ("put", 3),
            ("impersonate", 99),
            ("connect", 99),
            ("", 0),
        ] {
            assert_eq!(activity(verb).id, id, "{verb}");
        }
        assert_eq!(activity("proxy").name, None);
        assert_eq!(activity("watch").type_name, "API Activity: Read");
    }
}
