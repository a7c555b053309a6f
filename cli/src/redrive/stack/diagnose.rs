//! What would become of a message today. Asked with the operator's credentials, which may read what the function may
//! not, and the other way round.

use std::collections::BTreeMap;

use anyhow::anyhow;
use aws_sdk_s3::error::SdkError;
use shared::ledger::dynamodb::DynamoLedger;
use shared::ledger::{Ledger as _, LedgerError, Standing};
use shared::notification::{self, ObjectRef};
use shared::source::{KeyClass, Source};
use shared::store::s3::explain;

use super::super::reason::Reason;
use crate::deployment::{DeployedSource, Deployment, is_denied, matches, refused};

/// What became of a look at a message.
#[derive(Debug)]
pub(super) struct Diagnosis {
    pub(super) reason: Reason,
    pub(super) detail: Option<String>,
    /// As bucket and key.
    pub(super) objects: Vec<String>,
}

/// Looks at the messages of a source.
#[derive(Debug)]
pub(super) struct Doctor<'a> {
    deployment: &'a Deployment,
    deployed: &'a DeployedSource,
    source: SourceBox,
    ledger: DynamoLedger,
    /// Largest object that the function reads, in bytes.
    max_object_bytes: Option<u64>,
    /// Open groups by id, and what keeps each from its end.
    gaps: BTreeMap<String, Option<String>>,
}

/// A source, which has no `Debug` of its own.
struct SourceBox(Box<dyn Source>);

impl std::fmt::Debug for SourceBox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0.name())
    }
}

impl<'a> Doctor<'a> {
    pub(super) fn new(deployment: &'a Deployment, deployed: &'a DeployedSource) -> anyhow::Result<Self> {
        let source =
            deployed.source().ok_or_else(|| anyhow!("the source {} is unknown here", deployed.name))?;
        let max_object_bytes = deployment.described.parameter("MaxObjectBytes").ok();
        Ok(Self {
            deployment,
            deployed,
            source: SourceBox(source),
            ledger: DynamoLedger::connect(&deployment.clients.settings, &deployed.ledger),
            max_object_bytes: max_object_bytes.and_then(|bytes| bytes.parse().ok()),
            gaps: BTreeMap::new(),
        })
    }

    /// Looks at a message.
    ///
    /// # Errors
    /// If it cannot be found out.
    pub(super) async fn diagnose(&mut self, body: &str) -> anyhow::Result<Diagnosis> {
        let objects = match notification::parse(body) {
            Ok(notification) => notification.objects,
            Err(error) => {
                let detail = Some(error.to_string());
                return Ok(Diagnosis { reason: Reason::NotUnderstood, detail, objects: Vec::new() });
            }
        };
        let mut worst = None;
        for object in &objects {
            let (reason, detail) = self.object(object).await?;
            if worst.as_ref().is_none_or(|(known, _)| reason < *known) {
                worst = Some((reason, detail));
            }
        }
        let nothing =
            || (Reason::Ready, Some("it announces nothing; the function acknowledges it".to_owned()));
        let (reason, detail) = worst.unwrap_or_else(nothing);
        let objects = objects.iter().map(|object| format!("{}/{}", object.bucket, object.key)).collect();
        Ok(Diagnosis { reason, detail, objects })
    }

    async fn object(&mut self, object: &ObjectRef) -> anyhow::Result<(Reason, Option<String>)> {
        if object.bucket != self.deployed.raw_bucket {
            let detail = format!("{object} is not in {}", self.deployed.raw_bucket);
            return Ok((Reason::OtherBucket, Some(detail)));
        }
        if object.key.ends_with('/') || object.size == Some(0) {
            return Ok((Reason::Ready, Some("it is empty, which is skipped".to_owned())));
        }
        match self.source.0.classify(&object.key) {
            KeyClass::NotALog(reason) => {
                return Ok((Reason::Ready, Some(format!("it is no log ({reason}), which is skipped"))));
            }
            KeyClass::Unknown => {
                let detail = format!("{object} is not named as a log of {} is", self.deployed.name);
                return Ok((Reason::Unrecognised, Some(detail)));
            }
            KeyClass::Log(_) => {}
        }
        let is_named = object.version.is_some() || object.etag.is_some();
        if is_named && let Some(settled) = self.standing(object).await? {
            return Ok(settled);
        }
        let found = match self.head(object).await? {
            Ok(found) => found,
            Err(refusal) => return Ok(refusal),
        };
        if !is_named && let Some(settled) = self.standing(&found).await? {
            return Ok(settled);
        }
        if !matches(&self.deployed.keys, &object.key) {
            let detail = format!("the function's role reads {} only, not {object}", self.deployed.keys);
            return Ok((Reason::AccessDenied, Some(detail)));
        }
        if is_overwritten(object, &found) {
            return Ok((
                Reason::NoSuchObject,
                Some(format!("{object} was overwritten after it was announced")),
            ));
        }
        match (found.size, self.max_object_bytes) {
            (Some(size), Some(most)) if size > most => Ok((
                Reason::TooLarge,
                Some(format!("{object} has {size} bytes, more than MaxObjectBytes ({most})")),
            )),
            _ => Ok((Reason::Ready, None)),
        }
    }

    /// What the ledger has to say, where that settles it.
    async fn standing(&mut self, object: &ObjectRef) -> anyhow::Result<Option<(Reason, Option<String>)>> {
        let standings =
            self.ledger.look_up(std::slice::from_ref(object)).await.map_err(|error| self.unread(&error))?;
        Ok(match standings.into_iter().next() {
            Some(Standing::Done) => Some((Reason::Known, None)),
            Some(Standing::Open(id)) => self.gap(id).await?.map(|gap| (Reason::GroupIncomplete, Some(gap))),
            Some(Standing::Free) | None => None,
        })
    }

    /// What keeps an open group from its end: a member that is gone or was overwritten, although its rows may be in the
    /// lake beside those of the others.
    async fn gap(&mut self, id: String) -> anyhow::Result<Option<String>> {
        if let Some(gap) = self.gaps.get(&id) {
            return Ok(gap.clone());
        }
        let group = self.ledger.open_group(&id).await.map_err(|error| self.unread(&error))?;
        let mut gap = None;
        // Whoever cannot be read leaves a group that is not decided.
        let group = group.map(|open| open.group);
        for group in group.iter().filter(|group| group.left_out.is_some()) {
            for index in group.remaining() {
                let member = &group.members[index];
                let Some(lacks) = self.lacks(member).await? else { continue };
                let content = member.etag.as_deref().unwrap_or_default().trim_matches('"');
                gap = Some(format!(
                    "{member} (entity tag {content}) {lacks}, of the {} of group {id}",
                    group.remaining().len()
                ));
                break;
            }
        }
        self.gaps.insert(id, gap.clone());
        Ok(gap)
    }

    /// Why an object of a group will never be read as it was, for all that one can see.
    ///
    /// # Errors
    /// If it cannot be found out.
    pub(super) async fn lacks(&self, member: &ObjectRef) -> anyhow::Result<Option<&'static str>> {
        Ok(match self.head(member).await? {
            Ok(found) if is_overwritten(member, &found) => Some("was overwritten"),
            Err((Reason::NoSuchObject, _)) => Some("is gone"),
            _ => None,
        })
    }

    fn unread(&self, error: &LedgerError) -> anyhow::Error {
        unread(error, self.deployed)
    }

    /// The object as it is now, or why it cannot be read.
    async fn head(&self, object: &ObjectRef) -> anyhow::Result<Result<ObjectRef, (Reason, Option<String>)>> {
        let version = object.version.clone().filter(|version| version != "null");
        let request = self.deployment.clients.s3.head_object().bucket(&object.bucket).key(&object.key);
        let head = match Box::pin(request.set_version_id(version).send()).await {
            Ok(head) => head,
            Err(error) if is_denied(&error) => {
                let detail = format!("{object}: {}", explain(&error));
                return Ok(Err((Reason::AccessDenied, Some(detail))));
            }
            Err(SdkError::ServiceError(answer))
                if matches!(answer.raw().status().as_u16(), 400 | 404 | 405) =>
            {
                // 405: the version is a delete marker; 400: it is no version id at all.
                return Ok(Err((Reason::NoSuchObject, Some(format!("there is no {object}")))));
            }
            Err(error) => {
                let permission = "s3:GetObject and s3:GetObjectVersion on the raw bucket";
                return Err(refused(&format!("look at {object}"), permission, &error));
            }
        };
        Ok(Ok(ObjectRef {
            version: head.version_id,
            etag: head.e_tag,
            size: head.content_length.and_then(|size| u64::try_from(size).ok()),
            ..ObjectRef::new(&object.bucket, &object.key)
        }))
    }
}

/// The error of a look into a source's ledger.
pub(super) fn unread(error: &LedgerError, source: &DeployedSource) -> anyhow::Error {
    anyhow!("{error}; your credentials need dynamodb:BatchGetItem on the table {}", source.ledger)
}

/// True if what is there now is not what was announced. A version is what it is.
fn is_overwritten(announced: &ObjectRef, found: &ObjectRef) -> bool {
    let tag = |object: &ObjectRef| object.etag.as_deref().map(|tag| tag.trim_matches('"').to_owned());
    let has_version = announced.version.as_deref().is_some_and(|version| version != "null");
    !has_version && announced.etag.is_some() && tag(announced) != tag(found)
}
