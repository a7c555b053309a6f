//! The ledger in a DynamoDB table whose key is the text `id`.
//!
//! | item | attributes |
//! |---|---|
//! | `object#<64 hex>`, by the object's identity | `group`, `expires` |
//! | `group#<32 hex>` | `state` (`open`, `done`), `owner`, `lease`, `members`, `left_out`, `settings`, `outputs` (all four JSON), `unnamed`, `runs`, `expires` |
//!
//! What was last seen is in items of its own: see `seen`.
//!
//! `expires` is the table's time to live, in seconds. A group's entry outlives those of its members, so that no
//! member is ever without its group. Groups from before `settings` and `outputs` were written down have neither. A list
//! of outputs of more than [`MAX_OUTPUTS_BYTES`] is not written down, as an item holds 400 KB; the entry says so by
//! `unnamed` (true), and keeps the list of the runs before.

pub mod open;
mod seen;

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Display, Write as _};
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, KeysAndAttributes, Put, ReturnValue, TransactWriteItem, Update,
};
use sha2::{Digest as _, Sha256};

use super::seen::{Arrivals, Origin, Seen};
use super::{Group, Lease, Ledger, LedgerError, Standing, TTL_DAYS};
use crate::notification::ObjectRef;
use crate::store::s3::explain;

/// Items of one `BatchGetItem` call at most.
const MAX_GET: usize = 100;

/// How often keys are asked for that DynamoDB has left unprocessed.
const GETS: usize = 8;

/// Members of a group at most: a group is claimed in one transaction, which holds 100 items.
const MAX_MEMBERS: usize = 99;

/// Keys of a group's outputs, as JSON, at most, in bytes: about 1,500 keys. The members beside them are 120 KB at most.
pub const MAX_OUTPUTS_BYTES: usize = 200_000;

type Item = HashMap<String, AttributeValue>;

/// The ledger in DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    client: Client,
    table: String,
    known: Arc<Mutex<seen::Known>>,
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn object_key(object: &ObjectRef) -> AttributeValue {
    let mut key = "object#".to_owned();
    for byte in Sha256::digest(object.identity()) {
        let _ = write!(key, "{byte:02x}"); // a String takes everything
    }
    text(key)
}

fn group_key(id: &str) -> AttributeValue {
    text(format!("group#{id}"))
}

fn expires(lease: &Lease, days: i64) -> AttributeValue {
    number(lease.now / 1000 + days * 86_400)
}

fn string<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The group of an entry; `None` if it cannot be read.
fn group_of(id: &str, entry: &Item) -> Option<Group> {
    let members = serde_json::from_str(string(entry, "members")?).ok()?;
    let left_out = string(entry, "left_out").map(serde_json::from_str).transpose().ok()?;
    let settings = string(entry, "settings").map(serde_json::from_str).transpose().ok()?;
    let outputs = string(entry, "outputs").map(serde_json::from_str).transpose().ok()?.unwrap_or_default();
    let runs = entry.get("runs").and_then(|runs| runs.as_n().ok()?.parse().ok()).unwrap_or(1);
    Some(Group { id: id.to_owned(), members, left_out, settings, outputs, runs })
}

/// The attribute that says which outputs there are, or that they are too many.
fn outputs_attribute(outputs: &[String]) -> Result<(&'static str, AttributeValue), LedgerError> {
    let json = serde_json::to_string(outputs).map_err(unbuilt)?;
    let fits = json.len() <= MAX_OUTPUTS_BYTES;
    Ok(if fits { ("outputs", text(json)) } else { ("unnamed", AttributeValue::Bool(true)) })
}

/// How an object stands whose entry named the group `id`, by the group's entry, which was read after it.
fn standing(object: &ObjectRef, id: String, entry: Option<&Item>) -> Standing {
    if entry.and_then(|entry| string(entry, "state")) != Some("done") {
        return Standing::Open(id);
    }
    // Between the two it may have been decided that the object leaves, and the others may have been finished.
    let nobody_left = entry.and_then(|entry| string(entry, "left_out")) == Some("[]");
    match entry.and_then(|entry| group_of(&id, entry)) {
        _ if nobody_left => Standing::Done,
        Some(group) if group.has_left(object) => Standing::Free,
        Some(_) => Standing::Done,
        None => Standing::Open(id),
    }
}

/// A request that cannot be built: only a mistake in the code can cause it.
fn unbuilt(error: impl Display) -> LedgerError {
    LedgerError { operation: "build a request", reason: error.to_string() }
}

/// True if a condition did not hold, or another transaction was at the same items.
fn is_refused(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error()
    else {
        return false;
    };
    let codes: Vec<&str> =
        canceled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    let is_expected =
        |code: &&str| matches!(*code, "None" | "ConditionalCheckFailed" | "TransactionConflict");
    codes.iter().all(is_expected) && codes.iter().any(|code| *code != "None")
}

/// True if the condition of a single write did not hold.
fn is_condition<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.as_service_error().is_some_and(|error| error.code() == Some("ConditionalCheckFailedException"))
}

impl DynamoLedger {
    /// The ledger of a function: a client of its own from the settings of `aws`.
    pub fn connect(aws: &SdkConfig, table: &str) -> Self {
        Self { client: Client::new(aws), table: table.to_owned(), known: Arc::default() }
    }

    /// The items of those keys, by key.
    async fn get(&self, keys: &[AttributeValue]) -> Result<HashMap<String, Item>, LedgerError> {
        let failed = |reason| LedgerError { operation: "look up objects", reason };
        let mut found = HashMap::new();
        for keys in keys.chunks(MAX_GET) {
            let mut wanted: Vec<Item> =
                keys.iter().map(|key| Item::from([("id".to_owned(), key.clone())])).collect();
            for _ in 0..GETS {
                let request =
                    KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
                let request = request.map_err(unbuilt)?;
                let call = self.client.batch_get_item().request_items(&self.table, request).send();
                let answer = Box::pin(call).await.map_err(|error| failed(explain(&error)))?;
                for item in answer.responses.unwrap_or_default().into_values().flatten() {
                    if let Some(id) = string(&item, "id").map(str::to_owned) {
                        found.insert(id, item);
                    }
                }
                let rest = answer.unprocessed_keys.unwrap_or_default().into_values().next();
                wanted = rest.map(|rest| rest.keys).unwrap_or_default();
                if wanted.is_empty() {
                    break;
                }
            }
            if !wanted.is_empty() {
                return Err(failed("the table is throttled".to_owned()));
            }
        }
        Ok(found)
    }

    fn put(&self, item: Item) -> Result<TransactWriteItem, LedgerError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(id)").build().map_err(unbuilt)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Frees a member that leaves the group.
    fn free(&self, group: &Group, member: AttributeValue) -> Result<TransactWriteItem, LedgerError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("id", member)
            .condition_expression("#group = :group")
            .expression_attribute_names("#group", "group")
            .expression_attribute_values(":group", text(&group.id));
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(unbuilt)?).build())
    }

    async fn transact(
        &self,
        operation: &'static str,
        items: Vec<TransactWriteItem>,
    ) -> Result<bool, LedgerError> {
        match Box::pin(self.client.transact_write_items().set_transact_items(Some(items)).send()).await {
            Ok(_) => Ok(true),
            Err(error) if is_refused(&error) => Ok(false),
            Err(error) => Err(LedgerError { operation, reason: explain(&error) }),
        }
    }

    /// An update of a group's entry.
    fn update(&self, id: &str) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key("id", group_key(id))
    }
}

impl Ledger for DynamoLedger {
    fn max_members(&self) -> usize {
        MAX_MEMBERS
    }

    async fn look_up(&self, objects: &[ObjectRef]) -> Result<Vec<Standing>, LedgerError> {
        let keys: Vec<AttributeValue> = objects.iter().map(object_key).collect();
        let found = self.get(&keys).await?;
        let id_of = |key: &AttributeValue| string(found.get(key.as_s().ok()?)?, "group").map(str::to_owned);
        let groups: Vec<Option<String>> = keys.iter().map(id_of).collect();
        let mut ids: Vec<&String> = groups.iter().flatten().collect();
        ids.sort_unstable();
        ids.dedup();
        let entries = self.get(&ids.into_iter().map(|id| group_key(id)).collect::<Vec<_>>()).await?;
        let standing = |(object, id): (&ObjectRef, Option<String>)| {
            let Some(id) = id else { return Standing::Free };
            let entry = entries.get(&format!("group#{id}"));
            standing(object, id, entry)
        };
        Ok(objects.iter().zip(groups).map(standing).collect())
    }

    async fn claim(&self, group: &Group, lease: &Lease) -> Result<bool, LedgerError> {
        let members = serde_json::to_string(&group.members).map_err(unbuilt)?;
        let mut entry = Item::from([
            ("id".to_owned(), group_key(&group.id)),
            ("state".to_owned(), text("open")),
            ("owner".to_owned(), text(&lease.owner)),
            ("lease".to_owned(), number(lease.until)),
            ("members".to_owned(), text(members)),
            ("runs".to_owned(), number(group.runs.into())),
            ("expires".to_owned(), expires(lease, TTL_DAYS + 7)),
        ]);
        if let Some(settings) = &group.settings {
            entry.insert("settings".to_owned(), text(serde_json::to_string(settings).map_err(unbuilt)?));
        }
        let mut items = vec![self.put(entry)?];
        for member in &group.members {
            items.push(self.put(Item::from([
                ("id".to_owned(), object_key(member)),
                ("group".to_owned(), text(&group.id)),
                ("expires".to_owned(), expires(lease, TTL_DAYS)),
            ]))?);
        }
        self.transact("claim objects", items).await
    }

    async fn take_over(&self, id: &str, lease: &Lease) -> Result<Option<Group>, LedgerError> {
        let failed = |reason| LedgerError { operation: "take a group over", reason };
        let call = self
            .update(id)
            .update_expression("SET #owner = :owner, lease = :until ADD runs :one")
            .condition_expression("#state = :open AND lease < :now")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":owner", text(&lease.owner))
            .expression_attribute_values(":until", number(lease.until))
            .expression_attribute_values(":now", number(lease.now))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":open", text("open"))
            .return_values(ReturnValue::AllNew)
            .send();
        let item = match Box::pin(call).await {
            Ok(answer) => answer.attributes.unwrap_or_default(),
            Err(error) if is_condition(&error) => return Ok(None),
            Err(error) => return Err(failed(explain(&error))),
        };
        let unusable = || failed(format!("the entry of group {id} cannot be read"));
        group_of(id, &item).map(Some).ok_or_else(unusable)
    }

    async fn decide(
        &self,
        group: &Group,
        left_out: &[usize],
        outputs: &[String],
        lease: &Lease,
    ) -> Result<bool, LedgerError> {
        const UNDECIDED: &str = "#owner = :owner AND attribute_not_exists(left_out)";
        let leaving = left_out.iter().map(|&member| object_key(&group.members[member]));
        let mut items = leaving.map(|member| self.free(group, member)).collect::<Result<Vec<_>, _>>()?;
        let item = TransactWriteItem::builder();
        items.push(if left_out.len() == group.members.len() {
            let delete = Delete::builder()
                .table_name(&self.table)
                .key("id", group_key(&group.id))
                .condition_expression(UNDECIDED)
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":owner", text(&lease.owner));
            item.delete(delete.build().map_err(unbuilt)?).build()
        } else {
            let left_out = serde_json::to_string(left_out).map_err(unbuilt)?;
            let (name, outputs) = outputs_attribute(outputs)?;
            let update = Update::builder()
                .table_name(&self.table)
                .key("id", group_key(&group.id))
                .update_expression(format!("SET left_out = :left_out, {name} = :outputs"))
                .condition_expression(UNDECIDED)
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":owner", text(&lease.owner))
                .expression_attribute_values(":outputs", outputs)
                .expression_attribute_values(":left_out", text(left_out));
            item.update(update.build().map_err(unbuilt)?).build()
        });
        self.transact("decide on a group", items).await
    }

    async fn note_outputs(
        &self,
        group: &Group,
        outputs: &[String],
        lease: &Lease,
    ) -> Result<bool, LedgerError> {
        const OPERATION: &str = "note the outputs of a group";
        let (name, outputs) = outputs_attribute(outputs)?;
        let call = self
            .update(&group.id)
            .update_expression(format!("SET {name} = :outputs"))
            .condition_expression("#owner = :owner AND #state = :open AND attribute_exists(left_out)")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":outputs", outputs)
            .expression_attribute_values(":owner", text(&lease.owner))
            .expression_attribute_values(":open", text("open"))
            .send();
        match Box::pin(call).await {
            Ok(_) => Ok(true),
            Err(error) if is_condition(&error) => Ok(false),
            Err(error) => Err(LedgerError { operation: OPERATION, reason: explain(&error) }),
        }
    }

    async fn finish(&self, group: &Group) -> Result<(), LedgerError> {
        let call = self
            .update(&group.id)
            .update_expression("SET #state = :done")
            .condition_expression("attribute_exists(id)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":done", text("done"))
            .send();
        let failed = |reason| LedgerError { operation: "finish a group", reason };
        Box::pin(call).await.map(|_| ()).map_err(|error| failed(explain(&error)))
    }

    async fn release(&self, group: &Group, lease: &Lease) -> Result<(), LedgerError> {
        let call = self
            .update(&group.id)
            .update_expression("SET lease = :over, runs = :runs")
            .condition_expression("#owner = :owner AND #state = :open")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":over", number(0))
            .expression_attribute_values(":runs", number(group.runs.into()))
            .expression_attribute_values(":owner", text(&lease.owner))
            .expression_attribute_values(":open", text("open"))
            .send();
        match Box::pin(call).await {
            Ok(_) => Ok(()),
            Err(error) if is_condition(&error) => Ok(()),
            Err(error) => Err(LedgerError { operation: "release a group", reason: explain(&error) }),
        }
    }

    async fn note(&self, arrivals: &Arrivals, now: i64) -> Result<(), LedgerError> {
        self.note_arrivals(arrivals, now).await
    }

    async fn seen(&self) -> Result<BTreeMap<Origin, Seen>, LedgerError> {
        self.all_seen().await
    }
}

#[cfg(test)]
mod tests;
