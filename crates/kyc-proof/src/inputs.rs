//! Requests of every operation that a sandbox can answer: a person it knows, a session, and ids that it gave out before.

use std::collections::HashMap;
use std::sync::Mutex;

use kyc_proof::catalogue::Subject;
use provider_core::{InvalidRequest, RequestId};
use serde_json::Value;

use crate::planted::texts;

/// The ids in replies so far, by provider and member.
#[derive(Debug, Default)]
pub(crate) struct Inputs(Mutex<HashMap<(&'static str, String), String>>);

impl Inputs {
    /// The operation's `request` about this mobile number and this session; a member that a reply had gets its last value.
    pub(crate) fn of(
        &self,
        subject: &Subject,
        request: &Value,
        mobile: &str,
        session: &str,
    ) -> Value {
        let mut input = request.clone();
        let given = self.0.lock().unwrap();
        for (at, text) in texts(request) {
            let place = input.pointer_mut(&at).unwrap();
            if text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
                *place = mobile.into();
            } else if is_uuid(&text) {
                *place = session.into();
            } else if let Some(id) = given.get(&(subject.provider, member(&at))) {
                *place = id.as_str().into();
            }
        }
        input
    }

    /// Keeps the ids of a reply.
    pub(crate) fn learn(&self, subject: &Subject, reply: &Value) {
        let mut given = self.0.lock().unwrap();
        let ids = texts(reply).into_iter();
        let ids = ids.filter(|(at, _)| at.ends_with("id") || at.ends_with("Id"));
        given.extend(ids.map(|(at, id)| ((subject.provider, member(&at)), id)));
    }
}

fn member(at: &str) -> String {
    at.rsplit('/').next().unwrap_or_default().to_owned()
}

fn is_uuid(text: &str) -> bool {
    let mut digits = text.bytes();
    text.len() == 36 && digits.all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The id of the call with this number.
pub(crate) fn request_id(number: u64) -> Result<RequestId, InvalidRequest> {
    RequestId::parse(&format!("call-{number}"))
}
