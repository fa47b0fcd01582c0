//! The members of a request's body, and FinPro's refusals of them.

use serde_json::{Map, Value};

use super::Finpro;
use crate::exchange::{Json, NullOptional, ReceivedRequest, Reply};
use crate::state::WireClock;

/// A refusal in the flat form: code and text.
pub(super) type Refused = (&'static str, &'static str);

/// A body that cannot be accepted.
pub(super) const fn invalid(text: &'static str) -> Refused {
    ("InvalidRequest", text)
}

/// The body of a request to one of the operations whose refusals are flat.
pub(super) struct RequestBody<'f> {
    finpro: &'f Finpro,
    members: Map<String, Value>,
}

impl RequestBody<'_> {
    fn member(&self, name: &str) -> Option<&Value> {
        let absent = *self.finpro.settings.null_optional() == NullOptional::Absent;
        self.members
            .get(name)
            .filter(|value| !(absent && value.is_null()))
    }

    /// An object that must be there.
    pub(super) fn object(&self, name: &str) -> Result<Self, Refused> {
        match self.member(name) {
            Some(Value::Object(members)) => Ok(Self {
                finpro: self.finpro,
                members: members.clone(),
            }),
            _ => Err(invalid("a required member is missing")),
        }
    }

    /// An optional text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refused> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid("a member must be a string")),
        }
    }

    /// A text that must be there and not be empty.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refused> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or(invalid("a required member is missing"))
    }

    /// A list of texts, or one text; empty if it is absent.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, Refused> {
        match self.member(name) {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(items)) => {
                let texts = items.iter().map(Value::as_str);
                let texts: Option<Vec<&str>> = texts.collect();
                texts.ok_or(invalid("a member must be a list of strings"))
            }
            Some(_) => Err(invalid("a member must be a list of strings")),
        }
    }
}

impl Finpro {
    /// Reads a body and handles it; a refusal is flat, and its status the setting's.
    pub(super) fn flat(
        &self,
        request: &ReceivedRequest,
        handle: impl FnOnce(&RequestBody<'_>) -> Result<Reply, Refused>,
    ) -> Reply {
        let read = request.json_object(*self.settings.content_type());
        let read = read.map_err(|problem| invalid(problem.text()));
        let handled = read.and_then(|members| {
            handle(&RequestBody {
                finpro: self,
                members,
            })
        });
        handled.unwrap_or_else(|(code, text)| {
            let body = self.flat_body("1.21.0", code, text);
            Reply::json(*self.settings.validation_status(), &body)
        })
    }

    /// `{ver, timestamp, status: "failure", errorCode, errorMsg}`.
    pub(super) fn flat_body(&self, version: &'static str, code: &str, text: &str) -> Json {
        Json::Object(vec![
            ("ver", version.into()),
            ("timestamp", WireClock::iso(self.clock.now_ms()).into()),
            ("status", "failure".into()),
            ("errorCode", code.into()),
            ("errorMsg", text.into()),
        ])
    }

    /// `{ver, status: "success", timestamp}` and these members.
    pub(super) fn success(&self, members: Vec<(&'static str, Json)>) -> Reply {
        let mut all = vec![
            ("ver", "1.21.0".into()),
            ("status", "success".into()),
            ("timestamp", WireClock::iso(self.clock.now_ms()).into()),
        ];
        all.extend(members);
        Reply::json(200, &Json::Object(all))
    }
}
