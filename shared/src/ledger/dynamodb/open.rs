//! Open groups, for a person who asks why one does not end, or ends it.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::{DynamoLedger, Item, group_key, group_of, object_key, string, text, unbuilt};
use crate::ledger::{Group, Lease, Ledger as _, LedgerError, Standing};
use crate::notification::ObjectRef;

/// A group that is not done, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenGroup {
    /// The group.
    pub group: Group,
    /// When the lease of whoever ran it last is over, in milliseconds since the epoch; 0 if it was given back.
    pub lease_until: i64,
    /// True if all outputs are written down that it may have in the lake.
    pub names_outputs: bool,
}

fn open_group_of(id: &str, entry: &Item) -> Option<OpenGroup> {
    Some(OpenGroup {
        group: group_of(id, entry)?,
        lease_until: entry.get("lease")?.as_n().ok()?.parse().ok()?,
        names_outputs: entry.contains_key("outputs") && !entry.contains_key("unnamed"),
    })
}

impl DynamoLedger {
    /// An open group; `None` if it is done or there is none.
    ///
    /// # Errors
    /// If the table cannot be read, or the entry is none of a group.
    pub async fn open_group(&self, id: &str) -> Result<Option<OpenGroup>, LedgerError> {
        let found = self.get(&[group_key(id)]).await?;
        let Some(entry) = found.into_values().find(|entry| string(entry, "state") == Some("open")) else {
            return Ok(None);
        };
        let reason = format!("the entry of group {id} cannot be read");
        open_group_of(id, &entry).map(Some).ok_or(LedgerError { operation: "look up a group", reason })
    }

    /// Frees the members of a group and forgets it, in one transaction. Whoever does that holds its lease and has removed
    /// all that the group has in the lake. False if it is done or another's by now: then nothing is changed.
    ///
    /// # Errors
    /// If the table cannot be written; it may have been done all the same.
    pub async fn give_up(&self, group: &Group, lease: &Lease) -> Result<bool, LedgerError> {
        // Entries of members expire before that of their group, and then others may have claimed them.
        let members: Vec<ObjectRef> =
            group.remaining().into_iter().map(|member| group.members[member].clone()).collect();
        let standings = self.look_up(&members).await?;
        let is_ours = |standing: &Standing| matches!(standing, Standing::Open(id) if *id == group.id);
        let ours = members.iter().zip(&standings).filter(|(_, standing)| is_ours(standing));
        let mut items =
            ours.map(|(member, _)| self.free(group, object_key(member))).collect::<Result<Vec<_>, _>>()?;
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("id", group_key(&group.id))
            .condition_expression("#owner = :owner AND #state = :open")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":owner", text(&lease.owner))
            .expression_attribute_values(":open", text("open"));
        items.push(TransactWriteItem::builder().delete(delete.build().map_err(unbuilt)?).build());
        self.transact("give a group up", items).await
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::super::number;
    use super::*;

    #[test]
    fn outputs_that_were_too_many_are_not_taken_for_none() {
        let members = serde_json::to_string(&[ObjectRef::new("raw", "a")]).unwrap();
        let mut entry = Item::from([("members".to_owned(), text(members)), ("lease".to_owned(), number(7))]);
        let open = open_group_of("g", &entry).unwrap();
        assert_eq!((open.lease_until, open.names_outputs), (7, false));
        entry.insert("outputs".to_owned(), text("[]"));
        assert!(open_group_of("g", &entry).unwrap().names_outputs);
        entry.insert("unnamed".to_owned(), AttributeValue::Bool(true));
        assert!(!open_group_of("g", &entry).unwrap().names_outputs);
        entry.remove("lease");
        assert_eq!(open_group_of("g", &entry), None);
    }
}
