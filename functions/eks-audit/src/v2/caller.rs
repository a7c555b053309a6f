//! Who asked, from where, and in which account.

use std::borrow::Cow;

use shared::json::{Kind, Raw};
use shared::ocsf::{self, ObservableType};
use shared::rows::{Leaf, Rows};

use super::leaves::Leaves;
use super::{Context, Mapping};
use crate::key::is_account;
use crate::record::{Record, User};

impl Mapping {
    pub(super) fn actor(&mut self, rows: &mut Rows, user: &User<'_>) {
        self.put(rows, self.leaves.actor_user_name, "user.username", user.username());
        self.put(rows, self.leaves.actor_user_uid, "user.uid", user.uid());
        match user.username().filter(Raw::is_scalar) {
            Some(name) => {
                let name = ocsf::bounded(name.as_text(&mut self.scratch).unwrap_or_default());
                self.leaves.observables.push(rows, "actor.user.name", ObservableType::UserName, name);
            }
            // OCSF wants a name or a uid. Requests that failed to say who they are have neither.
            None if !user.uid().is_some_and(|uid| uid.is_scalar()) => {
                rows.text(self.leaves.actor_user_name, "Unknown");
            }
            None => {}
        }
        match user.groups() {
            Some(groups) if groups.kind == Kind::Array => {
                let (mut cursor, mut first) = (groups.cursor(), true);
                while let Ok(true) = cursor.next_element(&mut first) {
                    let Ok(group) = cursor.value() else { break };
                    if group.is_scalar() {
                        rows.element(self.leaves.actor_user_groups);
                    }
                    self.put(rows, self.leaves.actor_user_group_name, "user.groups[]", Some(group));
                }
            }
            groups => self.leave("user.groups", groups),
        }
        let (extra, leaves) = (&user.extra, &self.leaves);
        let lists = [
            (leaves.actor_session_credential_uid, "user.extra.accessKeyId[]", extra.access_key_id()),
            (leaves.actor_session_issuer, "user.extra.canonicalArn[]", extra.canonical_arn()),
            (leaves.actor_session_uid, "user.extra.sessionName[]", extra.session_name()),
        ];
        for (leaf, path, value) in lists {
            self.first(rows, leaf, path, value);
        }
        self.leave("user.extra.arn", extra.arn());
        self.leave("user.extra.principalId", extra.principal_id());
        self.leave_rest("user.extra", &extra.rest);
        self.leave_rest("user", &user.rest);
    }

    /// Writes the first of a list of texts, whose elements stand at `path`; the others are left over.
    fn first(&mut self, rows: &mut Rows, leaf: Leaf<str>, path: &str, value: Option<Raw<'_>>) {
        let Some(list) = value.filter(|value| value.kind == Kind::Array) else {
            self.put(rows, leaf, path.trim_end_matches("[]"), value);
            return;
        };
        let (mut cursor, mut at_start, mut is_written) = (list.cursor(), true, false);
        while let Ok(true) = cursor.next_element(&mut at_start) {
            let Ok(element) = cursor.value() else { break };
            if is_written || !element.is_scalar() {
                self.unmapped.add(path, element);
            } else {
                self.put(rows, leaf, path, Some(element));
                is_written = true;
            }
        }
    }

    pub(super) fn source_endpoint(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let (mut is_named, mut index) = (false, 0);
        if let Some(addresses) = record.source_ips() {
            self.unmapped.add("sourceIPs", addresses);
            let (mut cursor, mut at_start) = (addresses.cursor(), true);
            while addresses.kind == Kind::Array
                && let Ok(true) = cursor.next_element(&mut at_start)
            {
                let Ok(address) = cursor.value() else { break };
                if address.kind == Kind::String {
                    let text = address.as_text(&mut self.scratch).unwrap_or_default();
                    if index == 0 {
                        is_named = self.leaves.source(rows, text);
                    } else if ocsf::is_ip(text) {
                        self.leaves.intermediate(rows, text);
                    }
                }
                index += 1;
            }
        }
        if !is_named {
            rows.text(self.leaves.src_endpoint_name, "Unknown");
        }
    }
}

impl Leaves {
    /// Writes the client, by its address if it has one; false if it has nothing to be known by.
    fn source(&self, rows: &mut Rows, text: &str) -> bool {
        if ocsf::is_ip(text) {
            rows.text(self.src_endpoint_ip, text);
            self.observables.push(rows, "src_endpoint.ip", ObservableType::IpAddress, text);
        } else if !text.is_empty() {
            rows.text(self.src_endpoint_name, ocsf::bounded(text));
        }
        !text.is_empty()
    }

    /// Writes a proxy's address.
    fn intermediate(&self, rows: &mut Rows, text: &str) {
        rows.element(self.src_endpoint_intermediate_ips);
        rows.text(self.src_endpoint_intermediate_ip, text);
        self.observables.push(rows, "src_endpoint.intermediate_ips[]", ObservableType::IpAddress, text);
    }
}

/// The account that the cluster is in: the log group's, else the key's, else the caller's.
pub(super) fn account<'a>(record: &Record<'a>, context: &Context<'a>) -> Option<Cow<'a, str>> {
    let known = [context.owner, context.facts.account.as_deref()];
    let known = known.into_iter().flatten().find(|account| is_account(account));
    known.map(Cow::Borrowed).or_else(|| caller_account(record.user.extra.arn()?))
}

/// The account in the first of the caller's ARNs.
fn caller_account(arns: Raw<'_>) -> Option<Cow<'_, str>> {
    let arn = match arns.kind {
        Kind::Array => {
            let mut cursor = arns.cursor();
            if cursor.next_element(&mut true).ok()? { cursor.value().ok()? } else { return None }
        }
        _ => arns,
    };
    let account = |arn: &str| {
        let start = arn.match_indices(':').nth(3)?.0 + 1;
        let text = arn.get(start..start + 12)?;
        (arn.starts_with("arn:") && is_account(text) && arn[start + 12..].starts_with(':')).then_some(start)
    };
    match arn.scalar()? {
        Cow::Borrowed(arn) => account(arn).map(|start| Cow::Borrowed(&arn[start..start + 12])),
        Cow::Owned(arn) => account(&arn).map(|start| Cow::Owned(arn[start..start + 12].to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use shared::json::Cursor;

    use super::*;

    #[test]
    fn accounts_of_callers() {
        for (text, account) in [
            (
                r#"["arn:aws:sts::111122223333:assumed-role/a/b","arn:aws:iam::444455556666:user/c"]"#,
                Some("111122223333"),
            ),
            (r#""arn:aws-us-gov:iam::111122223333:user\/c""#, Some("111122223333")),
            ("[]", None),
            ("7", None),
            (r#"["arn:aws:sts::1111222233334:x"]"#, None),
            (r#"["arn:aws:iam::aws:policy/x"]"#, None),
            (r#"["x:y:z::111122223333:w"]"#, None),
        ] {
            let value = Cursor::new(text).value().unwrap();
            assert_eq!(caller_account(value).as_deref(), account, "{text}");
        }
    }
}
