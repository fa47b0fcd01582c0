//! What holds of every request and every reply, for properties and for the fuzzer.

use provider_core::http::{Method, Uri};
use provider_core::testing::tolerance::pointers;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{
    BaseUrl, CallOptions, DecodeErrorCategory, Error, ErrorKind, Outcome, Response, input_from_json,
};
use serde_json::{Map, Value};
use url::Url;

use crate::catalogue::{Exchange, Setup, Subject, refusal_response, with_exchanges};
use crate::companies::SANDBOX;
use crate::scripted::ready;

fn holds(holds: bool, text: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| text.to_owned())
}

/// A text as it is, any other value as JSON.
pub fn plain(value: &Value) -> String {
    let json = || value.to_string();
    value.as_str().map_or_else(json, str::to_owned)
}

/// An empty text, list or object may count as absent.
fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value == ""
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(Map::is_empty)
}

/// The members of an object that are not empty.
fn filled(value: &Value) -> Vec<(&String, &Value)> {
    let members = value.as_object().into_iter().flatten();
    members.filter(|(_, value)| !is_empty(value)).collect()
}

/// The value without empty members, however deep.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), without_empty(value)));
            members.filter(|(_, value)| !is_empty(value)).collect()
        }
        Value::Array(items) => items.iter().map(without_empty).collect(),
        value => value.clone(),
    }
}

/// Whether every member is there, and the same. A member that can have one value only may be filled in beside them.
fn holds_all(written: &Value, taken: &Value) -> bool {
    match (written, taken) {
        (Value::Object(written), Value::Object(taken)) => {
            let same = |(name, taken)| written.get(name).is_some_and(|it| holds_all(it, taken));
            taken.iter().all(same)
        }
        _ => written == taken,
    }
}

/// Whether a request that passes the check is sent with all of its members and no others, and one that does not pass is not
/// sent, and the call says the same.
///
/// # Errors
///
/// What does not hold.
pub fn request_is_sent_as_taken(subject: &Subject, input: &Value) -> Result<(), String> {
    let (client, transport) = subject.scripted(SANDBOX, [refusal_response()]);
    let checked = client.check(input.clone());
    let Err(error) = ready(client.call(input.clone(), CallOptions::new())) else {
        return Err("a refusal is a success".to_owned());
    };
    if let Err(refused) = checked {
        let (kind, outcome) = (refused.kind(), error.outcome());
        let same = error.invalid_request() == refused.invalid_request();
        holds(
            kind == ErrorKind::InvalidRequest,
            "refused for another reason",
        )?;
        holds(
            same && outcome == Outcome::NotSent,
            "the call says otherwise",
        )?;
        return holds(transport.sent().is_empty(), "sent although it is invalid");
    }
    holds(error.status().is_some(), "not sent although it is valid")?;
    let written = client.read(input.clone());
    let written = written.map_err(|error| error.to_string())?;
    let kept = holds_all(&without_empty(&written), &without_empty(input));
    holds(
        kept,
        &format!("{}: a member is lost or changed", subject.name()),
    )?;

    let (sent, method) = (transport.only(), subject.operation.route.method());
    holds(sent.method == Method::from(method), "another method")?;
    let has_body = !sent.body.is_empty();
    holds(
        has_body == method.has_body(),
        "a body where none belongs, or none",
    )?;
    let body: Value = serde_json::from_slice(&sent.body).unwrap_or_default();
    // A form has each value as it is.
    let form = subject.operation.sends_form;
    let form = form.then(|| String::from_utf8_lossy(&sent.body));
    let query = sent.uri.query().unwrap_or_default().as_bytes();
    let query: Vec<_> = url::form_urlencoded::parse(query).collect();
    for (name, value) in filled(&written) {
        let text = plain(value);
        let sent = body.get(name) == Some(value)
            || form.as_ref().is_some_and(|form| form.contains(&text))
            || sent.uri.path().split('/').any(|segment| segment == text)
            || query
                .iter()
                .any(|(other, value)| other == name && *value == text);
        holds(sent, &format!("{name} is not sent"))?;
    }
    let mut members = body.as_object().into_iter().flatten();
    let asked = members.all(|(name, value)| written.get(name) == Some(value));
    holds(asked, "a member that is not of the request")
}

/// Whether a request is sent below this base, to these segments and to nothing else, also as a URL parser reads it.
fn address_is_kept(base: &str, segments: &[&str], sent: &str) -> Result<(), String> {
    let expected = format!("{base}/{}", segments.join("/"));
    holds(sent == expected, "another address")?;
    // An address that is none to this parser, which is reqwest's, is refused before anything is sent.
    let (Ok(base_url), Ok(url)) = (Url::parse(base), Url::parse(sent)) else {
        return Ok(());
    };
    holds(url.origin() == base_url.origin(), "another origin")?;
    let rest = (url.fragment(), url.username(), url.password());
    holds(rest == (None, "", None), "a fragment or a user")?;
    holds(url.query().is_none(), "a query")?;
    let read: Vec<&str> = url.path_segments().into_iter().flatten().collect();
    let below = base.split("://").nth(1).unwrap_or_default();
    let above = read.len().checked_sub(segments.len());
    let kept = above == Some(below.split('/').skip(1).count()) && read.ends_with(segments);
    holds(kept, "other segments")
}

/// The result of a call whose success has this body.
///
/// # Errors
///
/// Those of the call.
pub fn read(
    subject: &Subject,
    exchange: &Exchange,
    body: Vec<u8>,
) -> Result<Response<Value>, Error> {
    let reply = subject.reply(SANDBOX, exchange.status, body);
    subject.answer(SANDBOX, exchange.input.clone(), reply)
}

/// Whether the result of a success with this body says nothing that the body does not say, and reads the same when it is
/// written again; or whether its error is one that a success may have.
///
/// # Errors
///
/// What does not hold.
pub fn reply_is_read_as_sent(
    subject: &Subject,
    exchange: &Exchange,
    body: &[u8],
    result: &Result<Response<Value>, Error>,
) -> Result<(), String> {
    let response = match result {
        Ok(response) => response,
        Err(error) => return may_be_of_a_success(error),
    };
    // `Value` has no repeated members: an item that is not read because of one would be read the second time.
    if input_from_json(body).is_err() {
        return Ok(());
    }
    let value = response.value();
    let again = read(subject, exchange, value.to_string().into_bytes());
    let again = again.map_err(|error| error.report())?;
    holds(again.value() == value, "written again it reads otherwise")?;
    // A field that is skipped may be what no `Value` can hold: nesting past the limit, a number out of range.
    match serde_json::from_slice::<Value>(body) {
        Ok(sent) => holds(is_part_of(value, &sent), "it says more than the reply"),
        Err(_) => Ok(()),
    }
}

/// Whether the one says nothing that the other does not say. `null` and nothing are the same, a type fills in a flag or
/// a list that is missing or is none, and a number may be its text.
fn is_part_of(kept: &Value, sent: &Value) -> bool {
    let number = |value: &Value| plain(value).trim().parse::<f64>().ok();
    match (kept, sent) {
        (Value::Object(kept), Value::Object(sent)) => kept
            .iter()
            .all(|(key, kept)| is_part_of(kept, sent.get(key).unwrap_or(&Value::Null))),
        (Value::Array(kept), Value::Array(sent)) => {
            let mut pairs = kept.iter().zip(sent);
            kept.len() == sent.len() && pairs.all(|(kept, sent)| is_part_of(kept, sent))
        }
        (Value::Null, _) => true,
        (Value::Bool(_), sent) if !sent.is_boolean() => true,
        (Value::Array(kept), sent) if !sent.is_array() => kept.is_empty(),
        _ => {
            plain(kept) == plain(sent)
                || number(kept).is_some_and(|kept| Some(kept) == number(sent))
        }
    }
}

/// What may be wrong with a 2xx, and its outcome.
fn may_be_of_a_success(error: &Error) -> Result<(), String> {
    let known = match (error.kind(), error.outcome()) {
        (ErrorKind::Decode, Outcome::Done) => error.decode().is_some_and(|decode| {
            let without_place = decode.category() == DecodeErrorCategory::MissingData;
            decode.path().starts_with('$') && (decode.line() == 0) == without_place
        }),
        (ErrorKind::Api, Outcome::Refused | Outcome::Unknown) => error.fault().is_some(),
        (ErrorKind::Credentials, Outcome::Refused) => true,
        (ErrorKind::Verification | ErrorKind::Unrecognized, Outcome::Unknown) => true,
        _ => false,
    };
    holds(
        known && error.attempts() == 1,
        &format!("{error:?} for a success"),
    )
}

/// An operation with a request, and the places of the request that stand in the path.
#[derive(Debug)]
pub struct Addressed {
    subject: Subject,
    request: Value,
    ids: Vec<String>,
}

impl Addressed {
    /// Every operation.
    pub fn all() -> Vec<Self> {
        let addressed = |(subject, exchange): (Subject, Exchange)| {
            let mut addressed = Self {
                subject,
                request: exchange.input,
                ids: Vec::new(),
            };
            let sent = addressed.sent("https://provider.example.test", "");
            let path = sent.map(|uri| uri.path().to_owned()).unwrap_or_default();
            let template = addressed.subject.operation.route.path().split('/');
            let segments = template.zip(path.split('/'));
            let filled = segments.filter(|(template, _)| template.starts_with('{'));
            let filled: Vec<_> = filled.map(|(_, segment)| Some(segment)).collect();
            addressed.ids = pointers(&addressed.request);
            let text = |at: &str| addressed.request.pointer(at).and_then(Value::as_str);
            addressed.ids.retain(|at| filled.contains(&text(at)));
            addressed
        };
        with_exchanges().into_iter().map(addressed).collect()
    }

    /// Whether an id stands in the path.
    pub fn has_id(&self) -> bool {
        !self.ids.is_empty()
    }

    /// Where a call with this base URL and this id is sent to.
    fn sent(&self, base: &str, id: &str) -> Option<Uri> {
        let mut request = self.request.clone();
        for at in &self.ids {
            if let Some(place) = request.pointer_mut(at) {
                *place = id.into();
            }
        }
        let transport = ScriptedTransport::new([Step::Respond(refusal_response())]);
        let client = self
            .subject
            .connect(base, &Setup::scripted(transport.clone()));
        let _ = ready(client.ok()?.call(request, CallOptions::new()));
        transport.sent().pop().map(|sent| sent.uri)
    }

    /// Whether a call with this base URL and this id is sent; if it is, its address is kept.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub fn is_sent(&self, base: &str, id: &str) -> Result<bool, String> {
        let parsed = match BaseUrl::parse("BASE_URL", base) {
            Ok(parsed) => parsed,
            // Its words are of a fixed list by their type.
            Err(error) if error.field() == "BASE_URL" => return Ok(false),
            Err(_) => return Err("another field".to_owned()),
        };
        let written = parsed.to_string();
        let again = BaseUrl::parse("BASE_URL", &written);
        holds(again == Ok(parsed), "written again it is another")?;
        let Some(uri) = self.sent(base, id) else {
            return Ok(false);
        };
        // Veriff's base URL is printed with `/v1` and without.
        let base = match self.subject.provider {
            "veriff" => written.strip_suffix("/v1").unwrap_or(&written),
            _ => &written,
        };
        let segments = self.subject.operation.route.path().split('/').skip(1);
        let is_id = |segment: &str| segment.starts_with('{');
        let filled = segments.map(|segment| if is_id(segment) { id } else { segment });
        // The operation's own query is of its other members: it is the same for any id.
        let own = self.sent(base, "A");
        let query = own.as_ref().and_then(Uri::query);
        let own = query.map(|query| format!("?{query}")).unwrap_or_default();
        let sent = uri.to_string();
        let sent = sent.strip_suffix(&own).unwrap_or(&sent);
        address_is_kept(base, &filled.collect::<Vec<_>>(), sent).map(|()| true)
    }
}
