//! What AWS refuses, said to the person who has to do something about it.

use std::error::Error;

use anyhow::anyhow;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use shared::store::s3::explain;

/// Codes by which the services say that the caller lacks a permission.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "AWS.SimpleQueueService.AccessDenied",
    "UnauthorizedOperation",
];

/// Codes by which they say that they do not know the caller.
const UNKNOWN_CALLER: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// The error of a call that could not be made. `what` says what it was for, `permission` which one it needs:
/// `sqs:SendMessage on arn:…`.
pub(crate) fn refused<E>(what: &str, permission: &str, error: &SdkError<E, HttpResponse>) -> anyhow::Error
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let reason = explain(error);
    match error {
        SdkError::ServiceError(_) if is_denied(error) => {
            anyhow!("cannot {what}: access denied; your credentials need {permission}: {reason}")
        }
        SdkError::ServiceError(_) if has_code(error, UNKNOWN_CALLER) => anyhow!(
            "cannot {what}: AWS does not take your credentials; sign in again (`aws sts get-caller-identity` shows who you are): {reason}"
        ),
        SdkError::ServiceError(_) => anyhow!("cannot {what}: {reason}"),
        _ => anyhow!(
            "cannot {what}: {reason}; see that you are signed in to AWS (`aws sts get-caller-identity`) and that the region's endpoint can be reached"
        ),
    }
}

/// True if the caller lacks a permission.
pub(crate) fn is_denied<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    has_code(error, DENIED) || (status == Some(403) && !has_code(error, UNKNOWN_CALLER))
}

fn has_code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, codes: &[&str]) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| codes.contains(&code))
}
