//! Why a call to Glue failed, and whether trying again helps.

use std::error::Error;

use aws_sdk_glue::config::http::HttpResponse;
use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};

use crate::store::s3::explain;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// Glue's error code, or empty where Glue did not answer.
    pub(super) code: String,
    pub(super) reason: String,
    pub(super) retryable: bool,
}

impl Failure {
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let code =
            error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default().to_owned();
        let status = error.raw_response().map(|response| response.status().as_u16());
        let answered = matches!(error, SdkError::ServiceError(_));
        let built = !matches!(error, SdkError::ConstructionFailure(_));
        let retryable =
            is_retryable(&code) || status.is_some_and(|status| status >= 500) || (built && !answered);
        Self { code, reason: explain(error), retryable }
    }

    /// A failure that Glue has no part in, and that trying again does not mend.
    pub(super) fn ours(reason: String) -> Self {
        Self { code: String::new(), reason, retryable: false }
    }

    /// Creating what exists is a success.
    pub(super) fn is_success(&self) -> bool {
        self.code == "AlreadyExistsException"
    }

    /// True if one entry can be to blame for the whole call.
    pub(super) fn is_about_an_entry(&self) -> bool {
        matches!(
            self.code.as_str(),
            "AlreadyExistsException" | "InvalidInputException" | "ValidationException"
        )
    }
}

/// The outcome of a call that creates something.
pub(super) fn succeeded<T, E>(outcome: Result<T, SdkError<E, HttpResponse>>) -> Result<(), Failure>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match outcome.map_err(|error| Failure::of(&error)) {
        Err(failure) if !failure.is_success() => Err(failure),
        _ => Ok(()),
    }
}

/// Error codes that time alone mends.
pub(super) fn is_retryable(code: &str) -> bool {
    matches!(
        code,
        "ConcurrentModificationException"
            | "InternalServerException"
            | "InternalServiceException"
            | "OperationTimeoutException"
            | "RequestLimitExceeded"
            | "ResourceNotReadyException"
            | "ServiceUnavailableException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException"
    )
}
