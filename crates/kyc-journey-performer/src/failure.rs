//! What an error of a client is to a journey.

use kyc_journey::{Failure, Operation, Provider, Refusal};
use provider_core::{Error, ErrorKind, FaultClass, Outcome};

/// The failure that an error is: its outcome is the client's, its refusal by the documented codes.
pub(crate) fn failure(operation: &Operation, error: &Error) -> Failure {
    let failure = match error.outcome() {
        Outcome::NotSent => Failure::not_sent(),
        Outcome::Refused => Failure::refused(refusal(operation, error)),
        Outcome::Unknown => Failure::unknown(),
        Outcome::Done => Failure::unreadable(),
    };
    // Whole seconds, so that nobody asks too early.
    let seconds = error.retry_after().map(|wait| {
        let begun = u64::from(wait.subsec_nanos() > 0);
        u32::try_from(wait.as_secs().saturating_add(begun)).unwrap_or(u32::MAX)
    });
    failure.set_retry_after(seconds)
}

fn refusal(operation: &Operation, error: &Error) -> Refusal {
    let status = error.status().map(|status| status.as_u16());
    match error.kind() {
        // Veriff deletes on request only (`[3p]`); the key itself is fine.
        ErrorKind::Credentials
            if status == Some(403) && matches!(operation, Operation::DeleteSession { .. }) =>
        {
            return Refusal::Forbidden;
        }
        ErrorKind::Credentials => return Refusal::Credentials,
        ErrorKind::RateLimited => return Refusal::RateLimited,
        _ => {}
    }
    let fault = error.fault();
    let code = fault.and_then(|fault| fault.code());
    let by_code = code.and_then(|code| match operation.provider() {
        Provider::FinPro => finpro(code),
        Provider::Veriff => veriff(code),
        Provider::Finpass => finpass(code),
        // Its refusals have a text and no code.
        Provider::Deepvue => None,
    });
    let by_class = fault.and_then(|fault| match fault.class() {
        FaultClass::TooEarly => Some(Refusal::NotYet),
        FaultClass::AlreadyDone => Some(Refusal::AlreadySo),
        _ => None,
    });
    by_code.or(by_class).unwrap_or(match (operation, status) {
        // What Deepvue says of a code that is used, old or another session's is documented nowhere (`[unknown]`). Whatever it
        // refuses, this code is of no more use, and the person can bring another one.
        (Operation::CompleteAuthorization { .. }, _) => Refusal::Code,
        (_, Some(404)) => Refusal::NotFound,
        _ => Refusal::Other,
    })
}

/// The codes of FinPro's pages, and those of integrators (`[3p]`) for the same.
fn finpro(code: &str) -> Option<Refusal> {
    Some(match code {
        // One integrator meets it inside a success (`[3p]`). That there never will be any data it does not say.
        "NoDataFound" | "FP0063" => Refusal::NotYet,
        "DataIsDeleted" | "FP0061" => Refusal::Deleted,
        "InvalidStatus" => Refusal::AlreadySo,
        "InvalidConsentId" | "FP0034" => Refusal::NotFound,
        "FP0058" => Refusal::Consent,
        _ => return None,
    })
}

/// The codes of Veriff's pages.
fn veriff(code: &str) -> Option<Refusal> {
    Some(match code {
        "1303" | "1304" => Refusal::AlreadySo,
        "INVALID_OTP" | "INVALID_INPUT_OTP" | "OTP_NOT_GENERATED" => Refusal::Code,
        "INVALID_SESSION_DETAILS" => Refusal::NotFound,
        "OTP_REQUEST_TOO_SOON" | "INVALID_RESEND_ATTEMPT" => Refusal::RateLimited,
        _ => return None,
    })
}

/// Reported of a sister product (`[3p]`); Finpass documents no code for it.
fn finpass(code: &str) -> Option<Refusal> {
    matches!(code, "invalid_client_id" | "invalid_request_id").then_some(Refusal::NotFound)
}
