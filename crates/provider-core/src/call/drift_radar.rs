//! What replies have that the documentation has not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

use super::catalogue::CatalogueEntry;
use crate::wire::{Provider, without_padding};

/// The most different drifts that are counted. A peer that writes ever new members must not fill the memory.
const MOST_DRIFTS: usize = 1_000;

/// The schema keyword that lists members which are known and which the type does not name so: other spellings, and what is left
/// to the reply's bytes.
const ALSO: &str = "x-kyc-members";

/// The deepest place in a reply that is looked at.
const DEEPEST: usize = 64;

/// How a reply differs from what is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DriftKind {
    /// A member that is not documented.
    UnknownMember,
    /// A text that is not among the listed values.
    UnknownValue,
    /// A value of another JSON type, or a null where there is always something.
    OtherType,
    /// An HTTP status that is not documented. The path is empty.
    UndocumentedStatus(StatusCode),
}

impl DriftKind {
    /// The kind in words, as it appears in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownMember => "unknown_member",
            Self::UnknownValue => "unknown_value",
            Self::OtherType => "other_type",
            Self::UndocumentedStatus(_) => "undocumented_status",
        }
    }
}

/// A difference, wherever it was seen. It never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Drift {
    /// The provider's name.
    pub provider: &'static str,
    /// The operation's name.
    pub operation: &'static str,
    /// The place in the reply: `$.data.accounts[].status`. A member's name that does not look like a name is `*`.
    pub path: String,
    /// What differs there.
    pub kind: DriftKind,
}

/// Counts how replies differ from what is documented, so that a change of a provider is noticed on the day it comes, and not when
/// something fails: every client that it is given to hands it its replies, after they have been verified.
///
/// It compares with the schemas of the crate's types, which are what the providers' pages say. A difference fails no call.
///
/// ```
/// # use std::sync::Arc;
/// # use provider_core::{CatalogueEntry, ClientBuilder, DriftRadar, Provider};
/// # fn watched<P: Provider>(catalogue: &'static [CatalogueEntry<P>], builder: ClientBuilder<P>) -> ClientBuilder<P> {
/// // `FinpassClient::CATALOGUE`, of each client
/// let radar = Arc::new(DriftRadar::new().watch(catalogue));
/// let builder = builder.drift_radar(Arc::clone(&radar));
/// // Now and then:
/// for (drift, times) in radar.drifts() {
///     println!("{times} times {} at {} of {}", drift.kind.as_str(), drift.path, drift.operation);
/// }
/// # builder
/// # }
/// ```
#[derive(Default)]
pub struct DriftRadar {
    operations: BTreeMap<(&'static str, &'static str), Documented>,
    counts: Mutex<BTreeMap<Drift, u64>>,
    replies: AtomicU64,
    #[cfg(feature = "opentelemetry")]
    counter: Option<opentelemetry::metrics::Counter<u64>>,
}

/// What is documented of one operation.
struct Documented {
    statuses: &'static [u16],
    /// `None` if the reply is a file.
    reply: Option<Value>,
    definitions: Map<String, Value>,
}

impl DriftRadar {
    /// Creates a radar that watches nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches the operations of one client; those that it does not know are not looked at.
    #[must_use]
    pub fn watch<P: Provider>(mut self, catalogue: &[CatalogueEntry<P>]) -> Self {
        for entry in catalogue {
            let mut generator = SchemaGenerator::default();
            let is_json = entry.operation().content_types.is_empty();
            let reply = is_json
                .then(|| entry.reply_schema(&mut generator))
                .flatten();
            let documented = Documented {
                statuses: P::STATUSES,
                reply: reply.map(schemars::Schema::to_value),
                definitions: generator.take_definitions(true),
            };
            let operation = (P::NAME, entry.operation().name);
            self.operations.insert(operation, documented);
        }
        self
    }

    /// Counts in a metric as well: `kyc.client.drift`, with the attributes `kyc.provider`, `kyc.operation`, `kyc.drift.kind` and
    /// `kyc.drift.path`.
    #[cfg(feature = "opentelemetry")]
    #[must_use]
    pub fn with_meter(mut self, meter: &opentelemetry::metrics::Meter) -> Self {
        let counter = meter
            .u64_counter("kyc.client.drift")
            .with_description("Differences between replies and their documentation.");
        self.counter = Some(counter.build());
        self
    }

    /// The differences so far and how often each was seen, in the order of providers, operations and paths. At most 1,000
    /// different ones are kept.
    pub fn drifts(&self) -> Vec<(Drift, u64)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|(drift, times)| (drift.clone(), *times))
            .collect()
    }

    /// How many replies it has looked at, whoever sent them. Where there was none, nothing differs and nothing is known.
    pub fn replies(&self) -> u64 {
        self.replies.load(Ordering::Relaxed)
    }

    /// Looks at the status of any reply. Nobody vouches for it: a gateway's is counted too.
    pub(super) fn status(
        &self,
        provider: &'static str,
        operation: &'static str,
        status: StatusCode,
    ) {
        self.replies.fetch_add(1, Ordering::Relaxed);
        let Some(documented) = self.operations.get(&(provider, operation)) else {
            return;
        };
        let is_listed = documented.statuses.contains(&status.as_u16());
        if !documented.statuses.is_empty() && !is_listed {
            let kind = DriftKind::UndocumentedStatus(status);
            self.count(provider, operation, vec![(String::new(), kind)]);
        }
    }

    /// Compares the body of a success. A client does it with each reply that has been verified; call it for replies that
    /// were kept.
    pub fn reply(&self, provider: &'static str, operation: &'static str, body: &[u8]) {
        let Some(documented) = self.operations.get(&(provider, operation)) else {
            return;
        };
        // What is no JSON at all is an error already.
        let body = serde_json::from_slice(without_padding(body));
        let (Some(schema), Ok(body)) = (&documented.reply, body) else {
            return;
        };
        let mut comparison = Comparison {
            definitions: &documented.definitions,
            path: vec!["$".to_owned()],
            found: Vec::new(),
        };
        comparison.compare(schema, &body);
        self.count(provider, operation, comparison.found);
    }

    fn count(
        &self,
        provider: &'static str,
        operation: &'static str,
        found: Vec<(String, DriftKind)>,
    ) {
        if found.is_empty() {
            return;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, kind) in found {
            let drift = Drift {
                provider,
                operation,
                path,
                kind,
            };
            let is_full = counts.len() >= MOST_DRIFTS;
            if is_full && !counts.contains_key(&drift) {
                continue;
            }
            #[cfg(feature = "opentelemetry")]
            if let Some(counter) = &self.counter {
                counter.add(1, &attributes(&drift));
            }
            let times = counts.entry(drift).or_default();
            *times = times.saturating_add(1);
        }
    }
}

#[cfg(feature = "opentelemetry")]
fn attributes(drift: &Drift) -> [opentelemetry::KeyValue; 4] {
    use opentelemetry::KeyValue;

    [
        KeyValue::new("kyc.provider", drift.provider),
        KeyValue::new("kyc.operation", drift.operation),
        KeyValue::new("kyc.drift.kind", drift.kind.as_str()),
        KeyValue::new("kyc.drift.path", drift.path.clone()),
    ]
}

impl fmt::Debug for DriftRadar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriftRadar")
            .field("operations", &self.operations.len())
            .finish_non_exhaustive()
    }
}

/// A reply beside its schema.
struct Comparison<'s> {
    definitions: &'s Map<String, Value>,
    path: Vec<String>,
    found: Vec<(String, DriftKind)>,
}

impl<'s> Comparison<'s> {
    fn found(&mut self, kind: DriftKind) {
        self.found.push((self.path.concat(), kind));
    }

    /// The schema that a reference leads to.
    fn resolve(&self, mut schema: &'s Value) -> &'s Value {
        // A reference to itself is no schema.
        for _ in 0..DEEPEST {
            let place = schema.get("$ref").and_then(Value::as_str);
            let name = place.and_then(|place| place.rsplit('/').next());
            match name.and_then(|name| self.definitions.get(name)) {
                Some(definition) => schema = definition,
                None => break,
            }
        }
        schema
    }

    fn compare(&mut self, schema: &'s Value, value: &Value) {
        let schema = self.resolve(schema);
        let alternatives = ["anyOf", "oneOf"]
            .into_iter()
            .find_map(|keyword| schema.get(keyword)?.as_array());
        if let Some(alternatives) = alternatives {
            let fits = |alternative: &&Value| {
                let alternative = self.resolve(alternative);
                is_of_type(alternative, value) && !(is_free(alternative) && alternatives.len() > 1)
            };
            match alternatives.iter().find(fits) {
                Some(alternative) if self.path.len() < DEEPEST => self.compare(alternative, value),
                Some(_) => {}
                None if alternatives
                    .iter()
                    .any(|alternative| is_free(self.resolve(alternative))) => {}
                None => self.found(DriftKind::OtherType),
            }
            return;
        }
        if !is_of_type(schema, value) {
            return self.found(DriftKind::OtherType);
        }
        match value {
            Value::Object(members) => self.compare_members(schema, members),
            Value::Array(items) => {
                if let Some(schema) = schema.get("items") {
                    self.at("[]".to_owned(), |at| {
                        items.iter().for_each(|item| at.compare(schema, item));
                    });
                }
            }
            Value::String(text) => {
                let listed = schema.get("examples").and_then(Value::as_array);
                let is_listed =
                    |listed: &Vec<Value>| listed.iter().any(|listed| listed == text.as_str());
                if !listed.is_none_or(is_listed) {
                    self.found(DriftKind::UnknownValue);
                }
            }
            _ => {}
        }
    }

    fn compare_members(&mut self, schema: &'s Value, members: &Map<String, Value>) {
        let rest = schema.get("additionalProperties");
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            // The keys of a map are data.
            let values = rest.map(|schema| members.values().map(move |value| (schema, value)));
            for (schema, value) in values.into_iter().flatten() {
                self.at(".*".to_owned(), |at| at.compare(schema, value));
            }
            return;
        };
        let lists = |keyword: &str, name: &str| {
            let listed = schema.get(keyword).and_then(Value::as_array);
            listed.is_some_and(|listed| listed.iter().any(|listed| listed == name))
        };
        // The rest of an account's body is what the institution wrote.
        let is_open = rest == Some(&Value::Bool(true));
        for (name, value) in members {
            match properties.get(name) {
                // Null is absent, unless the member has to be there.
                Some(_) if value.is_null() && !lists("required", name) => {}
                Some(schema) => self.at(format!(".{name}"), |at| at.compare(schema, value)),
                None if is_open || lists(ALSO, name) => {}
                None => self.at(format!(".{}", printable_member(name)), |at| {
                    at.found(DriftKind::UnknownMember);
                }),
            }
        }
    }

    /// Does something one step further down.
    fn at(&mut self, step: String, work: impl FnOnce(&mut Self)) {
        if self.path.len() < DEEPEST {
            self.path.push(step);
            work(self);
            self.path.pop();
        }
    }
}

/// A member's name as it is printed: `*` for one that may be a value, because it has the digits of a number or is no name of a
/// program's. What a peer sends as a name may be anybody's.
pub fn printable_member(name: &str) -> &str {
    let is_name = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && name.bytes().filter(u8::is_ascii_digit).count() < 4;
    if is_name { name } else { "*" }
}

/// Whether the schema says nothing of the value.
fn is_free(schema: &Value) -> bool {
    schema == &Value::Bool(true)
        || schema.as_object().is_some_and(|keywords| {
            ["type", "anyOf", "oneOf", "$ref"]
                .into_iter()
                .all(|keyword| !keywords.contains_key(keyword))
        })
}

/// Whether the value has one of the schema's types.
fn is_of_type(schema: &Value, value: &Value) -> bool {
    let is = |name: &Value| match (name.as_str(), value) {
        (Some("null"), Value::Null)
        | (Some("boolean"), Value::Bool(_))
        | (Some("string"), Value::String(_))
        | (Some("array"), Value::Array(_))
        | (Some("object"), Value::Object(_))
        | (Some("number"), Value::Number(_)) => true,
        (Some("integer"), Value::Number(number)) => number.is_i64() || number.is_u64(),
        _ => false,
    };
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().any(is),
        Some(name) => is(name),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The kinds and places of what differs.
    fn compare(schema: Value, reply: &Value) -> Vec<String> {
        let definitions = schema.get("$defs").and_then(Value::as_object);
        let definitions = definitions.cloned().unwrap_or_default();
        let mut comparison = Comparison {
            definitions: &definitions,
            path: vec!["$".to_owned()],
            found: Vec::new(),
        };
        comparison.compare(&schema, reply);
        let found = comparison.found.iter();
        found
            .map(|(path, kind)| format!("{} {path}", kind.as_str()))
            .collect()
    }

    fn documented() -> Value {
        json!({
            "type": "object",
            "required": ["id", "rows"],
            "properties": {
                "id": { "type": "string" },
                "count": { "type": ["integer", "null"] },
                "state": { "anyOf": [{ "$ref": "#/$defs/State" }, { "type": "null" }] },
                "rows": { "type": "array", "items": { "$ref": "#/$defs/Row" } },
                "one_or_many": { "anyOf": [{ "type": "array", "items": { "$ref": "#/$defs/Row" } }, { "$ref": "#/$defs/Row" }] },
                "places": { "type": "object", "additionalProperties": { "type": "integer" } },
                "body": { "type": "object", "properties": {}, "additionalProperties": true },
                "anything": true,
            },
            "x-kyc-members": ["identifier"],
            "$defs": {
                "State": { "type": "string", "examples": ["open", "done"] },
                "Row": { "type": "object", "properties": { "name": { "type": "string" } } },
            },
        })
    }

    #[test]
    fn a_reply_as_documented_has_no_drift() {
        for reply in [
            json!({ "id": "1", "rows": [] }),
            json!({ "id": "1", "rows": [{ "name": "a" }, {}], "count": 7, "state": "done", "identifier": 1 }),
            json!({ "id": "1", "rows": [], "count": null, "state": null, "places": { "a": 1 }, "anything": [{}] }),
            json!({ "id": "1", "rows": [], "one_or_many": { "name": "a" }, "body": { "x": { "y": 1 } } }),
            json!({ "id": "1", "rows": [], "one_or_many": [{ "name": "a" }] }),
        ] {
            assert_eq!(compare(documented(), &reply), [""; 0], "{reply}");
        }
    }

    #[test]
    fn each_difference_is_named_by_its_place_and_without_its_value() {
        let reply = json!({
            "id": null,
            "rows": [{ "name": 1 }, { "nick_name": "CANARY" }, "CANARY"],
            "count": "CANARY",
            "state": "CANARY",
            "one_or_many": 7,
            "places": { "9000000001": "CANARY" },
            "9000000001": 1,
            "a b": 1,
        });
        assert_eq!(
            compare(documented(), &reply),
            [
                "unknown_member $.*",
                "unknown_member $.*",
                "other_type $.count",
                "other_type $.id",
                "other_type $.one_or_many",
                "other_type $.places.*",
                "other_type $.rows[].name",
                "unknown_member $.rows[].nick_name",
                "other_type $.rows[]",
                "unknown_value $.state",
            ]
        );
    }

    #[test]
    fn what_is_endless_ends() {
        let itself = json!({ "$ref": "#/$defs/A", "$defs": { "A": { "$ref": "#/$defs/A" } } });
        assert_eq!(compare(itself, &json!(1)), [""; 0]);
        let tree = json!({ "$ref": "#/$defs/A", "$defs": { "A": { "properties": { "a": { "$ref": "#/$defs/A" } } } } });
        let deep = (0..100).fold(json!({ "b": 1 }), |inner, _| json!({ "a": inner }));
        assert_eq!(compare(tree, &deep), [""; 0]);

        let radar = DriftRadar::new();
        assert_eq!(radar.replies(), 0);
        radar.status("toy", "ask", StatusCode::OK);
        assert_eq!(radar.replies(), 1);
        for number in 0..MOST_DRIFTS + 1 {
            // A name of a program's with few digits.
            let letters: String = number
                .to_string()
                .bytes()
                .map(|byte| char::from(byte + 49))
                .collect();
            radar.count("toy", "ask", vec![(letters, DriftKind::UnknownMember)]);
        }
        radar.count(
            "toy",
            "ask",
            vec![("a".to_owned(), DriftKind::UnknownMember)],
        );
        let drifts = radar.drifts();
        assert_eq!(drifts.len(), MOST_DRIFTS);
        assert_eq!(drifts.iter().map(|(_, times)| times).sum::<u64>(), 1_001);
    }
}
