//! The reading of replies, of every operation.

use anyhow::Result;
use kyc_proof::catalogue::{Exchange, Subject, with_exchanges};
use kyc_proof::checks::{read, reply_is_read_as_sent};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use provider_core::testing::tolerance::{Mutation, pointers};
use provider_core::{ErrorKind, Outcome};
use serde_json::{Map, Value, json};

use super::Trial;
use super::values::{json, text};
use crate::planted::{Printed, is_uuid, printed, texts};

/// An operation, its exchange, and the value that its reply is read as.
type Read = (Subject, Exchange, Value);

/// Operations whose fixture has another spelling, no list around a single item, or no `data`, all of which are read. They
/// are sent what their type writes; what a change of it does is in the snapshots of tolerance.
const READ_IN_OTHER_FORMS: [&str; 4] = [
    "finpro decrypt-redirection",
    "finpro get-fi-data",
    "finpro request-consent-v4",
    "finpro revoke-consent",
];

fn is_read_in_other_forms(subject: &Subject) -> bool {
    READ_IN_OTHER_FORMS.contains(&subject.name().as_str())
}

fn all_read() -> Vec<Read> {
    let with_value = |(subject, mut exchange): (Subject, Exchange)| {
        let body = exchange.reply.to_string().into_bytes();
        let value = read(&subject, &exchange, body).expect("a success");
        let value = value.into_value();
        if is_read_in_other_forms(&subject) {
            exchange.reply = value.clone();
        }
        (subject, exchange, value)
    };
    with_exchanges().into_iter().map(with_value).collect()
}

/// Fields that nobody has documented. None of them is one of the names by which a provider refuses.
fn others() -> impl Strategy<Value = Map<String, Value>> {
    btree_map(text(6).prop_map(|name| format!("x{name}")), json(), 0..3)
        .prop_map(|fields| fields.into_iter().collect())
}

/// Takes these members from every object.
fn remove(value: &mut Value, others: &Map<String, Value>) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !others.contains_key(name));
            members
                .values_mut()
                .for_each(|member| remove(member, others));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, others)),
        _ => {}
    }
}

/// Adds fields to an object and to every object in it.
fn add(body: &mut Value, others: &Map<String, Value>) {
    match body {
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| add(value, others));
            fields.extend(others.clone());
        }
        Value::Array(values) => values.iter_mut().for_each(|value| add(value, others)),
        _ => {}
    }
}

pub(super) fn replies_lose_nothing(trial: &Trial) -> Result<()> {
    let all = all_read();
    let edits = vec((any::<Index>(), text(12)), 0..6);
    let mutation = (any::<Index>(), select(&Mutation::ALL[..]));
    let cases = (any::<Index>(), edits, vec(mutation, 0..2), others());
    let says = "a reply decodes without loss, whatever else is in it";
    trial.holds(says, cases, |(which, edits, mutations, others)| {
        let (subject, exchange, value) = which.get(&all);
        let mutations = match is_read_in_other_forms(subject) {
            true => Vec::new(),
            false => mutations,
        };
        let (mut body, mut expected) = (exchange.reply.clone(), value.clone());
        for (at, text) in edits {
            let texts = texts(&body);
            let (at, _) = at.get(&texts);
            let before = exchange.reply.pointer(at).and_then(Value::as_str);
            let text: String = match printed(subject.provider, at, "") {
                // An id that later stands in a path has an alphabet, and an empty one is none.
                _ if before.is_some_and(is_uuid) => text
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .chain(['1'])
                    .collect(),
                // No id has a control character.
                Printed::ByItsOwner => {
                    let shown = text.chars().filter(|character| !character.is_control());
                    shown.chain(['.']).collect()
                }
                Printed::Never => format!("{text}."),
            };
            let text = Value::from(text);
            *body.pointer_mut(at).unwrap() = text.clone();
            if let Some(place) = expected.pointer_mut(at) {
                *place = text;
            }
        }
        let is_whole = mutations.is_empty();
        for (at, mutation) in mutations {
            let places = pointers(&body);
            let mutated = mutation.apply(&body, at.get::<String>(&places));
            body = mutated.unwrap_or(body);
        }
        add(&mut body, &others);
        let body = body.to_string().into_bytes();
        let result = read(subject, exchange, body.clone());
        reply_is_read_as_sent(subject, exchange, &body, &result)
            .map_err(|error| TestCaseError::fail(format!("{}: {error}", subject.name())))?;
        if let (Ok(response), true) = (result, is_whole) {
            // What is kept as raw JSON keeps the others too.
            let mut read = response.into_value();
            remove(&mut read, &others);
            remove(&mut expected, &others);
            prop_assert_eq!(read, expected);
        }
        Ok(())
    })
}

/// A value that must not be printed, in each type that JSON has.
fn foreign() -> [Value; 6] {
    [
        "CANARY-9081726354".into(),
        9_081_726_354_u64.into(),
        (-9_081_726_354_i64).into(),
        0.908_172_635_4.into(),
        json!(["CANARY-9081726354"]),
        json!({"CANARY-9081726354": true}),
    ]
}

/// The JSON path of a pointer: `$.data[0].aaId`.
fn path(pointer: &str) -> String {
    let is_index = |segment: &str| segment.bytes().all(|byte| byte.is_ascii_digit());
    let segments = pointer.split('/').skip(1);
    let segments = segments.map(|segment| match is_index(segment) {
        true => format!("[{segment}]"),
        false => format!(".{segment}"),
    });
    format!("${}", segments.collect::<String>())
}

pub(super) fn another_type_is_named_by_its_path(trial: &Trial) -> Result<()> {
    let all = all_read();
    let foreign = select(foreign().to_vec());
    let cases = (any::<Index>(), any::<Index>(), foreign, others());
    let says = "a field of another type is named by its path, and its value nowhere";
    trial.holds(says, cases, |(which, place, value, others)| {
        let (subject, exchange, _) = which.get(&all);
        let places = pointers(&exchange.reply);
        let place = place.get(&places);
        let mut body = exchange.reply.clone();
        add(&mut body, &others);
        *body.pointer_mut(place).unwrap() = value;
        let Err(error) = read(subject, exchange, body.to_string().into_bytes()) else {
            return Ok(());
        };
        let printed = format!("{error} {error:?} {}", error.report());
        let given_away = printed.contains("CANARY") || printed.contains("0817263");
        prop_assert!(!given_away, "{}", printed);
        match (error.kind(), error.outcome()) {
            (ErrorKind::Decode, Outcome::Done) | (ErrorKind::Unrecognized, Outcome::Unknown) => {
                let (found, wrong) = (error.decode().unwrap().path(), path(place));
                // What may stand in several places is missing in what holds it.
                let named = match is_read_in_other_forms(subject) {
                    true => found.starts_with(&wrong) || wrong.starts_with(found),
                    false => found.starts_with(&wrong),
                };
                prop_assert!(named, "{} for {}", found, place);
            }
            // Another's reply, or a number that refuses.
            (ErrorKind::Verification, Outcome::Unknown) | (ErrorKind::Api, _) => {}
            other => return Err(TestCaseError::fail(format!("{other:?} for {place}"))),
        }
        Ok(())
    })
}
