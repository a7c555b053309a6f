//! A deployment of template.yaml: what its stack made, found by the stack's name, and the clients to work on it.
//!
//! The stack is the one place that a person has to name. Everything else (queues, functions, tables, buckets) is read
//! from its outputs, resources and parameters, and a stack of another template is refused.

mod clients;
mod error;
mod keys;
pub(crate) mod send;
mod stack;

use std::future::Future;

use anyhow::Context as _;
use shared::catalog::glue::GlueCatalog;
use shared::source::Source;
use shared::store::s3::S3Store;
use shared::table::TableDefinition;

pub(crate) use self::clients::Clients;
pub(crate) use self::error::{is_denied, refused};
pub(crate) use self::keys::matches;
use self::stack::Stack;

/// A stack as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StackName {
    /// Its name.
    pub(crate) name: String,
    /// Its region; `None` for that of the AWS settings.
    pub(crate) region: Option<String>,
}

/// What a stack of template.yaml made.
#[derive(Debug)]
pub(crate) struct Deployment {
    /// Name of the stack.
    pub(crate) stack: String,
    /// `us-east-1`
    pub(crate) region: String,
    /// Account of the stack: twelve digits.
    pub(crate) account: String,
    /// `aws`, `aws-cn` or `aws-us-gov`
    pub(crate) partition: String,
    /// Bucket of the lake.
    pub(crate) lake_bucket: String,
    /// Glue database of the tables.
    pub(crate) database: String,
    /// Sources that are switched on, in the order in which `lake` knows them.
    pub(crate) sources: Vec<DeployedSource>,
    /// Outputs, parameters and resources, for what has no field here.
    pub(crate) described: Stack,
    /// Clients of the AWS services, in the stack's region.
    pub(crate) clients: Clients,
}

/// A source that is switched on, and its part of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeployedSource {
    /// Name of the source: `vpc-flow`.
    pub(crate) name: &'static str,
    /// What its names in the template begin with: `VpcFlow`.
    pub(crate) prefix: String,
    /// Name of the function.
    pub(crate) function: String,
    /// ARN of the function's role.
    pub(crate) role: String,
    /// Queue of the announcements.
    pub(crate) queue: Queue,
    /// Queue of the announcements that failed.
    pub(crate) dead_letters: Queue,
    /// Name of the ledger's table.
    pub(crate) ledger: String,
    /// Id of the event source mapping, which hands the queue's messages to the function.
    pub(crate) mapping: String,
    /// Bucket of the raw logs.
    pub(crate) raw_bucket: String,
    /// Account that owns the raw bucket, if it is not the stack's.
    pub(crate) raw_account: Option<String>,
    /// Pattern of the raw logs' keys: `*` for any characters.
    pub(crate) keys: String,
    /// Tables that the function writes.
    pub(crate) tables: Vec<&'static TableDefinition>,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    /// By which SQS is asked.
    pub(crate) url: String,
    /// By which policies name it.
    pub(crate) arn: String,
}

impl Deployment {
    /// Reads what the stack made. Needs `cloudformation:DescribeStacks` and `cloudformation:ListStackResources` on it.
    ///
    /// # Errors
    /// If there is no such stack, it may not be read, or it is not of this template.
    pub(crate) async fn find(name: &StackName) -> anyhow::Result<Self> {
        let clients = Clients::connect(name.region.as_deref()).await?;
        let stack = Stack::describe(&clients.cloudformation, &name.name, &clients.region).await?;
        Self::of(stack, clients)
    }

    fn of(stack: Stack, clients: Clients) -> anyhow::Result<Self> {
        let not_ours = || {
            format!(
                "the stack {} is not one of this project's template, or of another version of it; deploy the template \
                 that belongs to this `lake`, or name the stack that is meant",
                stack.name
            )
        };
        let sources = stack.sources().with_context(not_ours)?;
        Ok(Self {
            stack: stack.name.clone(),
            region: clients.region.clone(),
            account: stack.account().with_context(not_ours)?.to_owned(),
            partition: stack.partition().with_context(not_ours)?.to_owned(),
            lake_bucket: stack.output("LakeBucketName").with_context(not_ours)?.to_owned(),
            database: stack.output("DatabaseName").with_context(not_ours)?.to_owned(),
            sources,
            described: stack,
            clients,
        })
    }

    /// The sources of those names that are on, or all if no name is given.
    ///
    /// # Errors
    /// [`crate::Usage`] if one of them is not on.
    pub(crate) fn chosen(&self, names: &[String]) -> anyhow::Result<Vec<&DeployedSource>> {
        let on: Vec<&str> = self.sources.iter().map(|source| source.name).collect();
        if let Some(off) = names.iter().find(|name| !on.contains(&name.as_str())) {
            let message =
                format!("the source {off} is not on in the stack {}: {}", self.stack, on.join(", "));
            return Err(crate::Usage(message).into());
        }
        let is_chosen =
            |source: &&DeployedSource| names.is_empty() || names.iter().any(|name| name == source.name);
        Ok(self.sources.iter().filter(is_chosen).collect())
    }
}

impl Deployment {
    /// The lake's bucket and the raw buckets, as the functions read and write them.
    pub(crate) fn store(&self) -> S3Store {
        let key = self.described.parameter("LakeKmsKeyArn").unwrap_or_default();
        S3Store::new(self.clients.s3.clone(), Some(key.to_owned()).filter(|key| !key.is_empty()))
    }

    /// The lake's catalogue.
    pub(crate) fn catalog(&self) -> GlueCatalog {
        GlueCatalog::new(self.clients.glue.clone(), &self.lake_bucket, &self.region)
    }
}

impl DeployedSource {
    /// The source itself.
    pub(crate) fn source(&self) -> Option<Box<dyn Source>> {
        crate::sources::ALL.iter().map(|make| make()).find(|source| source.name() == self.name)
    }

    /// The part of every raw key in front of the pattern's first star.
    pub(crate) fn key_prefix(&self) -> &str {
        self.keys.split('*').next().unwrap_or_default()
    }
}

/// Runs the asynchronous part of a command to its end, on this thread.
///
/// # Errors
/// As the command, or if there is no runtime to be had.
pub(crate) fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}
