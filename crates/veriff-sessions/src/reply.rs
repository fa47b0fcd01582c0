//! What every reply about a session has: a status, and often the session's id.

use consent_hmac::{SessionId, Veriff};
use provider_core::lenient::Told;
use provider_core::lint::mask_aadhaar;
use provider_core::{FaultClass, Masked, ResponseError, VerificationError, Verified, lenient};
use serde::{Deserialize as _, Deserializer};

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

/// The number of a person or of a document. Of a whole Aadhaar number in it all but the last four digits are hidden, because it must not
/// reach any output; the reply's own bytes have it.
pub(crate) fn id_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Masked>, D::Error> {
    let number: Option<Masked> = lenient::text(deserializer)?;
    Ok(number.map(|number| Masked::new(mask_aadhaar(number.expose()))))
}

/// The status of a reply, which must not be lost if it is there and no text: it is no success then.
pub(crate) fn status<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ReplyStatus>, D::Error> {
    let told = Told::deserialize(deserializer)?;
    let is_success = told.is_success();
    let status = told.into_text().map(|text| ReplyStatus::from(&*text));
    Ok(match status {
        Some(ReplyStatus::Unknown(_)) if is_success => Some(ReplyStatus::Success),
        status => status,
    })
}

/// Refuses a reply whose status tells a failure, whatever stands beside it, and one that is `about` another session
/// than the request: the signature covers the body only, so a genuine reply to another request would verify too.
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
    if matches!(
        status,
        None | Some(ReplyStatus::Success | ReplyStatus::Created)
    ) {
        return Ok(());
    }
    match Veriff::refusal(response) {
        // It contradicts itself.
        Some(fault) if done => Err(fault.with_class(FaultClass::Contradictory).into()),
        Some(fault) => Err(fault.into()),
        None => Ok(()),
    }
}
