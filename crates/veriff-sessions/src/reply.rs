//! What every reply about a session has: a status, and often the session's id.

use consent_hmac::{SessionId, Veriff};
use provider_core::{FaultClass, ResponseError, VerificationError, Verified};

provider_core::open_enum! {
    /// The status of a reply (`[docs]`).
    pub enum ReplyStatus {
        /// The operation was done.
        Success = "success",
        /// A session was created: the word of the page on HTTP statuses (`[docs]`).
        Created = "created",
        /// It was not: such a reply is an error.
        Fail = "fail",
    }
}

/// Refuses a reply whose status tells a failure, whatever stands beside it, and one that is `about` another session than the
/// request: the signature covers the body only, so a genuine reply to another request would verify too.
pub(crate) fn accept(
    response: &Verified,
    status: Option<&ReplyStatus>,
    session: &SessionId,
    about: Option<&str>,
) -> Result<(), ResponseError> {
    refused(response, status, about.is_some())?;
    match about.is_none_or(|id| session.is(id)) {
        true => Ok(()),
        false => Err(VerificationError::OtherRequest.into()),
    }
}

/// Refuses a reply whose status tells a failure; `done` if the rest of it tells a success.
pub(crate) fn refused(
    response: &Verified,
    status: Option<&ReplyStatus>,
    done: bool,
) -> Result<(), ResponseError> {
    // The usual reply is not parsed again.
    let unusual = status.is_some_and(|status| *status != ReplyStatus::Success);
    match unusual.then(|| Veriff::refusal(response)).flatten() {
        // It contradicts itself.
        Some(fault) if done => Err(fault.with_class(FaultClass::Transient).into()),
        Some(fault) => Err(fault.into()),
        None => Ok(()),
    }
}
