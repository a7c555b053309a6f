//! The checks of a deployment.

mod catalog;
mod formation;
mod function;
mod keys;
mod lake;
mod ledger;
mod log;
mod mapping;
mod operator;
mod policy;
mod queue;
mod raw;
mod role;
mod rule;
mod stack;
mod subscription;
mod variables;

use std::error::Error;
use std::future::Future;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use shared::store::s3::explain;

use super::{Checks, Verdict};
use crate::deployment::{DeployedSource, Deployment, StackName, is_denied};

/// Examines a deployment.
///
/// # Errors
/// If its stack cannot be read.
pub(super) async fn examine(name: &StackName) -> anyhow::Result<Checks> {
    let deployment = Deployment::find(name).await?;
    let mut checks = Checks::default();
    Box::pin(stack::examine(&deployment, &mut checks)).await;
    Box::pin(lake::examine(&deployment, &mut checks)).await;
    Box::pin(keys::examine(&deployment, &mut checks)).await;
    Box::pin(catalog::examine_database(&deployment, &mut checks)).await;
    for source in &deployment.sources {
        Box::pin(examine_source(&deployment, source, &mut checks)).await;
    }
    Box::pin(operator::examine(&deployment, &mut checks)).await;
    Ok(checks)
}

async fn examine_source(deployment: &Deployment, source: &DeployedSource, checks: &mut Checks) {
    Box::pin(raw::examine(deployment, source, checks)).await;
    Box::pin(subscription::examine(deployment, source, checks)).await;
    Box::pin(rule::examine(deployment, source, checks)).await;
    let timeout = Box::pin(function::examine(deployment, source, checks)).await;
    Box::pin(queue::examine(deployment, source, timeout, checks)).await;
    Box::pin(mapping::examine(deployment, source, checks)).await;
    Box::pin(log::examine(deployment, source, checks)).await;
    Box::pin(ledger::examine(deployment, source, checks)).await;
    Box::pin(catalog::examine(deployment, source, checks)).await;
    Box::pin(role::examine(deployment, source, checks)).await;
}

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unanswered {
    /// The service's error code, or nothing.
    code: String,
    /// 404 and the like.
    status: Option<u16>,
    /// Region of the bucket that was asked for, which S3 names in its refusals too.
    bucket_region: Option<String>,
    /// For a person.
    reason: String,
    /// How to get an answer.
    remedy: String,
}

impl Unanswered {
    /// True if there is no such thing.
    fn is_absent(&self) -> bool {
        self.status == Some(404)
            || self.code.contains("NotFound")
            || self.code.contains("NonExistent")
            || self.code.starts_with("NoSuch")
    }

    /// True if the bucket is in another region than `region`.
    fn is_elsewhere(&self, region: &str) -> bool {
        self.bucket_region.as_deref().is_some_and(|found| found != region)
    }

    /// The verdict where nothing can be told.
    fn not_checked(&self) -> Verdict {
        Verdict::not_checked(&self.reason, &self.remedy)
    }
}

/// Makes a call. `permission` is what the caller needs for it.
async fn ask<T, E>(
    permission: &str,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, Unanswered>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    // Boxed, because the futures of the AWS SDK are large and deeply nested.
    Box::pin(call).await.map_err(|error| {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
        let status = error.raw_response().map(|response| response.status().as_u16());
        let header = error.raw_response().and_then(|response| response.headers().get("x-amz-bucket-region"));
        let (reason, remedy) = if is_denied(&error) {
            let remedy = "attach it to whoever runs this, or have it run by somebody who has it";
            (format!("your credentials lack {permission}"), remedy.to_owned())
        } else {
            let action = permission.split(' ').next().unwrap_or_default();
            let remedy = format!("run this again; if it stays, look yourself: the call is {action}");
            (explain(&error), remedy)
        };
        let bucket_region = header.map(str::to_owned);
        Unanswered { code: code.to_owned(), status, bucket_region, reason, remedy }
    })
}

impl Deployment {
    /// A command of the AWS command line, for the region of the stack.
    fn command(&self, words: &str) -> String {
        format!("aws {words} --region {}", self.region)
    }

    /// What deploys the template again, which restores what it describes.
    fn redeploy(&self) -> String {
        format!("deploy the stack {} again (`make deploy`)", self.stack)
    }
}
