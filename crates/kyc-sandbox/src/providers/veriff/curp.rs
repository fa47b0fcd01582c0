//! CURP results: what the Mexican population registry says about a verified person.
//!
//! The query and the two members are documented; which refusal a missing version is, is not.

use super::Veriff;
use crate::exchange::{Json, ReceivedRequest, Reply};

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    if request
        .query("version")
        .is_none_or(|version| version.is_empty())
    {
        return veriff.refusal(400, "1102", "Mandatory parameters are missing");
    }
    let (_, session) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let known = |value: &'static str| -> Json {
        let known = Veriff::went_through(&veriff.find(session)).then_some(value);
        known.into()
    };
    veriff.success(vec![
        ("statusCurp", known("RCN")),
        ("curp", known("SAMP900101MDFRSL09")),
    ])
}
