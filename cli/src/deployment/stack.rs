//! A stack as CloudFormation describes it, and how the names of template.yaml are read in it.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use shared::table::TableDefinition;

use super::error::refused;
use super::{DeployedSource, Queue};
use crate::sources;

/// A stack.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stack {
    /// Its name.
    pub(crate) name: String,
    /// Its ARN, which has region and account.
    pub(crate) id: String,
    /// `CREATE_COMPLETE`, `UPDATE_IN_PROGRESS`, …
    pub(crate) status: String,
    /// Values of the outputs.
    pub(crate) outputs: BTreeMap<String, String>,
    /// Values of the parameters, defaults included.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Physical ids of the resources, by their names in the template.
    pub(crate) resources: BTreeMap<String, String>,
}

impl Stack {
    /// Asks CloudFormation.
    ///
    /// # Errors
    /// If there is no such stack, or it may not be read.
    pub(crate) async fn describe(client: &Client, name: &str, region: &str) -> anyhow::Result<Self> {
        let call = client.describe_stacks().stack_name(name).send();
        let answer = Box::pin(call).await.map_err(|error| {
            let message = error.as_service_error().and_then(ProvideErrorMetadata::message).unwrap_or_default();
            if message.contains("does not exist") {
                return anyhow::anyhow!(
                    "there is no stack {name} in {region}; `aws cloudformation list-stacks --region {region}` lists what \
                     there is, --region names another region"
                );
            }
            let permission = format!("cloudformation:DescribeStacks on the stack {name}");
            refused(&format!("read the stack {name}"), &permission, &error)
        })?;
        let stack = answer.stacks.unwrap_or_default().into_iter().next();
        let stack = stack.with_context(|| format!("there is no stack {name} in {region}"))?;
        let pairs = |pairs: Vec<(Option<String>, Option<String>)>| {
            pairs.into_iter().filter_map(|(key, value)| Some((key?, value?))).collect::<BTreeMap<_, _>>()
        };
        let outputs = stack.outputs.unwrap_or_default().into_iter();
        let parameters = stack.parameters.unwrap_or_default().into_iter();
        Ok(Self {
            name: stack.stack_name.unwrap_or_else(|| name.to_owned()),
            id: stack.stack_id.unwrap_or_default(),
            status: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            outputs: pairs(outputs.map(|output| (output.output_key, output.output_value)).collect()),
            parameters: pairs(parameters.map(|one| (one.parameter_key, one.parameter_value)).collect()),
            resources: resources(client, name).await?,
        })
    }

    /// Account of the stack.
    pub(crate) fn account(&self) -> anyhow::Result<&str> {
        let account = self.id.split(':').nth(4).filter(|part| part.len() == 12);
        account.with_context(|| format!("the id of the stack, `{}`, names no account", self.id))
    }

    /// `aws`, `aws-cn`, `aws-us-gov`
    pub(crate) fn partition(&self) -> anyhow::Result<&str> {
        let partition = self.id.split(':').nth(1).filter(|part| part.starts_with("aws"));
        partition.with_context(|| format!("the id of the stack, `{}`, is no ARN", self.id))
    }

    /// Value of an output.
    pub(crate) fn output(&self, name: &str) -> anyhow::Result<&str> {
        let value = self.outputs.get(name).map(String::as_str).filter(|value| !value.is_empty());
        value.with_context(|| format!("it has no output {name}"))
    }

    /// Value of a parameter; the empty text too, which often means a default.
    pub(crate) fn parameter(&self, name: &str) -> anyhow::Result<&str> {
        let value = self.parameters.get(name).map(String::as_str);
        value.with_context(|| format!("it has no parameter {name}"))
    }

    /// Physical id of a resource.
    pub(crate) fn resource(&self, name: &str) -> anyhow::Result<&str> {
        let id = self.resources.get(name).map(String::as_str).filter(|id| !id.is_empty());
        id.with_context(|| format!("it has no resource {name}"))
    }

    /// The sources that are on, in the order in which `lake` knows them.
    ///
    /// # Errors
    /// If none is on, one is on that this `lake` does not know, or a part of one is missing.
    pub(crate) fn sources(&self) -> anyhow::Result<Vec<DeployedSource>> {
        const LAST: &str = "FunctionName";
        let mut prefixes: BTreeMap<usize, &str> = BTreeMap::new();
        for prefix in self.outputs.keys().filter_map(|name| name.strip_suffix(LAST)) {
            // The template writes `vpc-flow` as `VpcFlow`.
            let is_it = |name: &str| name.replace('-', "") == prefix.to_lowercase();
            let index = sources::names().iter().position(|name| is_it(name));
            let index = index
                .with_context(|| format!("its output {prefix}{LAST} is of a source that is unknown here"))?;
            prefixes.insert(index, prefix);
        }
        if prefixes.is_empty() {
            bail!("it has no function of any source (outputs <Source>{LAST})");
        }
        prefixes.into_iter().map(|(index, prefix)| self.source(index, prefix)).collect()
    }

    fn source(&self, index: usize, prefix: &str) -> anyhow::Result<DeployedSource> {
        let source = sources::ALL[index]();
        let output = |name: &str| self.output(&format!("{prefix}{name}")).map(str::to_owned);
        let queue = |name: &str| -> anyhow::Result<Queue> {
            Ok(Queue { url: output(&format!("{name}Url"))?, arn: output(&format!("{name}Arn"))? })
        };
        let own_bucket = self.parameter(&format!("{prefix}BucketName"))?;
        let raw_bucket = if own_bucket.is_empty() { self.parameter("RawBucketName")? } else { own_bucket };
        let raw_account = self.parameter("RawBucketAccountId")?;
        Ok(DeployedSource {
            name: source.name(),
            prefix: prefix.to_owned(),
            function: output("FunctionName")?,
            role: output("RoleArn")?,
            queue: queue("Queue")?,
            dead_letters: queue("DeadLetterQueue")?,
            ledger: self.resource(&format!("{prefix}Ledger"))?.to_owned(),
            mapping: self.resource(&format!("{prefix}EventSourceMapping"))?.to_owned(),
            raw_bucket: raw_bucket.to_owned(),
            raw_account: Some(raw_account.to_owned()).filter(|account| !account.is_empty()),
            keys: self.parameter(&format!("{prefix}Keys"))?.to_owned(),
            tables: self.tables(prefix, source.tables())?,
        })
    }

    /// The tables of a source. Those with one table have no parameter for it.
    fn tables(
        &self,
        prefix: &str,
        all: &'static [&'static TableDefinition],
    ) -> anyhow::Result<Vec<&'static TableDefinition>> {
        let name = format!("{prefix}Tables");
        let Some(list) = self.parameters.get(&name) else {
            return Ok(all.iter().copied().filter(|table| table.is_default()).collect());
        };
        let table = |id: &str| {
            let table = all.iter().copied().find(|table| table.id() == id);
            table.with_context(|| format!("its parameter {name} names a table that is unknown here: {id}"))
        };
        list.split(',').map(table).collect()
    }
}

/// Physical ids of all resources of a stack.
async fn resources(client: &Client, name: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut pages = client.list_stack_resources().stack_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let permission = format!("cloudformation:ListStackResources on the stack {name}");
            refused(&format!("read the resources of the stack {name}"), &permission, &error)
        })?;
        for resource in page.stack_resource_summaries.unwrap_or_default() {
            if let (Some(name), Some(id)) = (resource.logical_resource_id, resource.physical_resource_id) {
                found.insert(name, id);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
