//! Tolerance: how much of a reply may be missing or malformed before the answer is lost.
//!
//! Each place of a successful reply is dropped, set to null, given another type, and extended. The client's results are a
//! text that is kept as a snapshot and reviewed like code: a place that newly fails a reply shows up there.

use std::fmt::Write as _;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use super::fixture::{Expected, Fixture};
use super::scripted::{ScriptedTransport, Step};
use crate::call::{CallOptions, CatalogueEntry, Client};
use crate::resilience::RetryPolicy;
use crate::wire::{Provider, RawResponse};

/// A change to one place of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// The member or the item is removed.
    Dropped,
    /// It is replaced by `null`.
    Nulled,
    /// It is replaced by a value of another type: a list for text, text for everything else.
    Retyped,
    /// An object gets another member, a list another item, text more text.
    Extended,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Dropped, Self::Nulled, Self::Retyped, Self::Extended];

    /// The name in snapshots.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Nulled => "nulled",
            Self::Retyped => "retyped",
            Self::Extended => "extended",
        }
    }

    /// Returns the changed reply; `None` where the change makes no sense, such as an extended number.
    pub fn apply(self, reply: &Value, pointer: &str) -> Option<Value> {
        let mut mutated = reply.clone();
        match self {
            Self::Dropped => {
                let (above, last) = pointer.rsplit_once('/')?;
                match mutated.pointer_mut(above)? {
                    Value::Object(members) => members.remove(&unescaped(last)).map(drop)?,
                    Value::Array(items) => drop(items.remove(last.parse().ok()?)),
                    _ => return None,
                }
            }
            Self::Nulled => *mutated.pointer_mut(pointer)? = Value::Null,
            Self::Retyped => {
                let place = mutated.pointer_mut(pointer)?;
                *place = match place {
                    Value::String(_) => json!(["other"]),
                    _ => json!("other"),
                };
            }
            Self::Extended => match mutated.pointer_mut(pointer)? {
                Value::Object(members) => {
                    members.insert("added_by_the_provider".to_owned(), json!({"new": [1]}));
                }
                Value::Array(items) => items.push(json!({"added_by_the_provider": true})),
                _ => return None,
            },
        }
        (mutated != *reply).then_some(mutated)
    }
}

fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// Every place of a JSON value as a JSON pointer, the root first.
pub fn pointers(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, into: &mut Vec<String>) {
        into.push(at.to_owned());
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                walk(value, &format!("{at}/{name}"), into);
            }),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, value)| walk(value, &format!("{at}/{index}"), into)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    walk(value, "", &mut all);
    all
}

/// The snapshot of one operation: a line for each place of each successful fixture, with the client's result.
///
/// `sign` gives the headers that a reply with this body has; `client` is one of the client over a script.
///
/// # Panics
///
/// A reply fails as it stands on file: what became of its mutations would tell nothing.
pub async fn snapshot<P: Provider>(
    entry: &CatalogueEntry<P>,
    fixtures: &[Fixture],
    sign: impl Fn(&[u8]) -> HeaderMap,
    client: impl Fn(ScriptedTransport) -> Client<P>,
) -> String {
    let mut text = String::new();
    let successes = fixtures.iter().filter(|fixture| {
        !fixture.case.starts_with("recorded") && matches!(fixture.expected, Expected::Value(_))
    });
    for fixture in successes {
        let exact = fixture.response.body_text.as_deref();
        let body = fixture.response.body.clone();
        let reply = body.or_else(|| serde_json::from_str(exact?).ok());
        let (Some(input), Some(reply)) = (fixture.input(), &reply) else {
            continue;
        };
        let input = fixture.read_input(entry, input.clone());
        let status = http::StatusCode::from_u16(fixture.response.status)
            .unwrap_or_else(|error| panic!("{}: status: {error}", fixture.file));
        let call = async |reply: &Value| {
            let body = Bytes::from(reply.to_string());
            let response = RawResponse::new(status, sign(&body), body);
            let client = client(ScriptedTransport::new([Step::Respond(response)]));
            let options = CallOptions::new().with_retry(RetryPolicy::never());
            entry.call(&client, input.clone(), options).await
        };
        if let Err(error) = call(reply).await {
            panic!(
                "{}: the reply fails as it is on file, so that there is no snapshot: {}",
                fixture.file,
                error.report()
            );
        }
        let _ = writeln!(text, "{}", fixture.case);
        for pointer in pointers(reply) {
            let mut found = Vec::new();
            for mutation in Mutation::ALL {
                let Some(mutated) = mutation.apply(reply, &pointer) else {
                    continue;
                };
                let result = call(&mutated).await;
                found.push(format!(
                    "{} {}",
                    mutation.as_str(),
                    match &result {
                        Ok(_) => "ok".to_owned(),
                        Err(error) =>
                            format!("{}/{}", error.kind().as_str(), error.outcome().as_str()),
                    }
                ));
            }
            let place = if pointer.is_empty() { "/" } else { &pointer };
            let _ = writeln!(text, "  {place}: {}", found.join(", "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mutation_changes_its_place_and_nothing_else() {
        let reply = json!({"a": {"b/c": "x"}, "d": [1, 2], "e": null});
        assert_eq!(
            pointers(&reply),
            ["", "/a", "/a/b~1c", "/d", "/d/0", "/d/1", "/e"]
        );
        for (mutation, pointer, expected) in [
            (
                Mutation::Dropped,
                "/a/b~1c",
                Some(json!({"a": {}, "d": [1, 2], "e": null})),
            ),
            (
                Mutation::Dropped,
                "/d/0",
                Some(json!({"a": {"b/c": "x"}, "d": [2], "e": null})),
            ),
            (Mutation::Dropped, "", None),
            (
                Mutation::Nulled,
                "/d",
                Some(json!({"a": {"b/c": "x"}, "d": null, "e": null})),
            ),
            (Mutation::Nulled, "/e", None),
            (
                Mutation::Retyped,
                "/a/b~1c",
                Some(json!({"a": {"b/c": ["other"]}, "d": [1, 2], "e": null})),
            ),
            (
                Mutation::Retyped,
                "/d/1",
                Some(json!({"a": {"b/c": "x"}, "d": [1, "other"], "e": null})),
            ),
            (Mutation::Extended, "/d/1", None),
            (
                Mutation::Extended,
                "/d",
                Some(
                    json!({"a": {"b/c": "x"}, "d": [1, 2, {"added_by_the_provider": true}], "e": null}),
                ),
            ),
        ] {
            assert_eq!(
                mutation.apply(&reply, pointer),
                expected,
                "{mutation:?} {pointer}"
            );
        }
    }
}
