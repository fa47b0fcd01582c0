//! The members of a request's body, and FinPro's refusals of them.

use serde_json::{Map, Value};

use super::Finpro;
use crate::exchange::{Json, NullOptional, Part, ReceivedRequest, Reply};
use crate::state::iso;

/// A refusal in the flat form: code and text.
pub(super) type Refused = (&'static str, &'static str);

/// A body that cannot be accepted.
pub(super) const fn invalid(text: &'static str) -> Refused {
    ("InvalidRequest", text)
}

/// An aggregator that cannot be reached just now: 503.
pub(super) const DOWN: Refused = ("ServiceUnavailable", "The account aggregator is down");

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

    /// Whether there is a member.
    pub(super) fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// An optional number of things.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, Refused> {
        let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
        let member = self.member(name);
        let read = member.map(|value| number(value).ok_or(invalid("a member must be a number")));
        read.transpose()
    }

    /// An optional truth value.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refused> {
        let member = self.member(name);
        let read = member.map(|value| value.as_bool().ok_or(invalid("a member must be a boolean")));
        read.transpose()
    }

    /// Whether a member is a PDF as Base64, which tells by its beginning.
    pub(super) fn has_pdf(&self) -> bool {
        let mut texts = self.members.values().filter_map(Value::as_str);
        texts.any(|text| text.starts_with("JVBERi0"))
    }

    /// Any member, to be repeated.
    pub(super) fn echoed(&self, name: &str) -> Option<Value> {
        self.member(name).cloned()
    }

    /// A list of objects that must be there.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, Refused> {
        let Some(Value::Array(items)) = self.member(name) else {
            return Err(invalid("a required member is missing"));
        };
        let object = |item: &Value| match item {
            Value::Object(members) => Ok(Self {
                finpro: self.finpro,
                members: members.clone(),
            }),
            _ => Err(invalid("a member must be a list of objects")),
        };
        items.iter().map(object).collect()
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
        self.handled(read.and_then(|members| {
            handle(&RequestBody {
                finpro: self,
                members,
            })
        }))
    }

    /// Reads a form, whose members are texts, JSON where they are that, and a file with its name, and handles it like
    /// [`flat`](Self::flat).
    pub(super) fn flat_form(
        &self,
        request: &ReceivedRequest,
        handle: impl FnOnce(&RequestBody<'_>, Option<(&str, &[u8])>) -> Result<Reply, Refused>,
    ) -> Reply {
        let Some(parts) = request.form() else {
            return self.handled(Err(invalid("the body must be multipart/form-data")));
        };
        let mut members = Map::new();
        let mut file = None;
        for Part {
            name,
            file_name,
            content,
        } in &parts
        {
            let text = String::from_utf8_lossy(content);
            if name == "file" {
                file = Some((file_name.as_deref().unwrap_or_default(), *content));
            } else {
                let object = serde_json::from_str(&text).ok().filter(Value::is_object);
                let value = object.unwrap_or_else(|| text.into_owned().into());
                members.insert(name.clone(), value);
            }
        }
        let body = RequestBody {
            finpro: self,
            members,
        };
        self.handled(handle(&body, file))
    }

    /// The reply, or the refusal.
    fn handled(&self, handled: Result<Reply, Refused>) -> Reply {
        handled.unwrap_or_else(|(code, text)| {
            let body = self.flat_body("1.21.0", code, text);
            let status = match (code, text) {
                DOWN => 503,
                _ => *self.settings.validation_status(),
            };
            Reply::json(status, &body)
        })
    }

    /// `{ver, timestamp, status: "failure", errorCode, errorMsg}`.
    pub(super) fn flat_body(&self, version: &'static str, code: &str, text: &str) -> Json {
        Json::Object(vec![
            ("ver", version.into()),
            ("timestamp", iso(self.simulation.clock.now_ms()).into()),
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
            ("timestamp", iso(self.simulation.clock.now_ms()).into()),
        ];
        all.extend(members);
        Reply::json(200, &Json::Object(all))
    }
}
