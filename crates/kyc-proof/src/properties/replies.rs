//! The reading of replies, of every operation.

use kyc_proof::catalogue::{Exchange, Subject, operations};
use kyc_proof::companies::SANDBOX;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use provider_core::testing::tolerance::{Mutation, pointers};
use provider_core::{Error, ErrorKind, Outcome, Response};
use serde_json::{Map, Value, json};

use super::values::{json, text};
use crate::failure::Result;
use crate::planted::texts;

/// An operation with what its reply tolerates.
#[derive(Debug)]
struct Tolerance {
    subject: Subject,
    exchange: Exchange,
    /// Texts that may be any other.
    free: Vec<String>,
    /// Places that may be absent, and be null.
    optional: Vec<String>,
    /// Members that the operation's type has not, outermost first: they stand in the verified bytes alone.
    unread: Vec<String>,
    /// Places that the type fills where the reply leaves them out, with what stands there: every answer is a success.
    filled: Vec<(String, Value)>,
}

fn tolerances() -> Vec<Tolerance> {
    let tolerance = |subject: Subject| {
        let exchange = subject.exchange();
        let reply = &exchange.reply;
        let answers = |reply: Option<Value>| {
            reply.is_some_and(|reply| answer(&subject, &exchange, &reply).is_ok())
        };
        let free = texts(reply).into_iter().map(|(at, _)| at);
        let free = free.filter(|at| answers(with(reply, at, "any other text".into())));
        let optional = pointers(reply).into_iter().filter(|at| {
            [Mutation::Dropped, Mutation::Nulled]
                .iter()
                .all(|mutation| {
                    let mutated = mutation.apply(reply, at);
                    mutated.is_none() || answers(mutated)
                })
        });
        let (free, optional): (_, Vec<_>) = (free.collect(), optional.collect());
        let filled = optional.iter().filter_map(|at| {
            let dropped = Mutation::Dropped.apply(reply, at)?;
            let read = answer(&subject, &exchange, &dropped).ok()?.into_value();
            let value = read.pointer(at).filter(|value| !value.is_null())?;
            Some((at.clone(), value.clone()))
        });
        let filled = filled.collect();
        let read = answer(&subject, &exchange, reply).map(Response::into_value);
        let read = read.expect("a success");
        let unread = pointers(reply).into_iter().filter(|at| {
            reply.pointer(at).is_some_and(|value| !value.is_null()) && read.pointer(at).is_none()
        });
        let unread = unread.collect();
        Tolerance {
            subject,
            exchange,
            free,
            optional,
            unread,
            filled,
        }
    };
    operations().into_iter().map(tolerance).collect()
}

fn answer(
    subject: &Subject,
    exchange: &Exchange,
    reply: &Value,
) -> std::result::Result<Response<Value>, Error> {
    let reply = subject.reply(&SANDBOX, exchange.status, reply.to_string().into_bytes());
    subject.answer(&SANDBOX, exchange.input.clone(), reply)
}

fn with(value: &Value, at: &str, other: Value) -> Option<Value> {
    let mut value = value.clone();
    *value.pointer_mut(at)? = other;
    Some(value)
}

/// Puts the value at the place if that is absent or null, and the object around it is not.
fn fill(body: &mut Value, at: &str, value: &Value) {
    if let Some((object, name)) = at.rsplit_once('/')
        && let Some(Value::Object(fields)) = body.pointer_mut(object)
        && fields.get(name).is_none_or(Value::is_null)
    {
        fields.insert(name.to_owned(), value.clone());
    }
}

/// Fields that nobody has documented. None of them is one of the names by which a provider refuses.
fn others() -> impl Strategy<Value = Map<String, Value>> {
    btree_map(text(6).prop_map(|name| format!("x{name}")), json(), 0..3)
        .prop_map(|fields| fields.into_iter().collect())
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

/// The value without [`others`] and without members that are null, which say as much as those that are absent.
fn known(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, value)| !value.is_null() && !name.starts_with('x'))
            .map(|(name, value)| (name, known(value)))
            .collect(),
        Value::Array(values) => values.into_iter().map(known).collect(),
        other => other,
    }
}

pub(super) fn replies_lose_nothing(runner: &mut TestRunner) -> Result<()> {
    let tolerances = tolerances();
    let edits = vec((any::<Index>(), text(12)), 0..6);
    let omissions = vec((any::<Index>(), any::<bool>()), 0..2);
    let cases = (any::<Index>(), edits, omissions, others());
    runner.run(&cases, |(which, edits, omissions, others)| {
        let Tolerance {
            subject,
            exchange,
            free,
            optional,
            unread,
            filled,
        } = which.get(&tolerances);
        let mut sent = exchange.reply.clone();
        for (at, text) in edits.into_iter().filter(|_| !free.is_empty()) {
            // An empty id is no id.
            *sent.pointer_mut(&free[at.index(free.len())]).unwrap() = format!("{text}.").into();
        }
        for (at, null) in omissions.into_iter().filter(|_| !optional.is_empty()) {
            let mutation = if null {
                Mutation::Nulled
            } else {
                Mutation::Dropped
            };
            sent = mutation
                .apply(&sent, &optional[at.index(optional.len())])
                .unwrap_or(sent);
        }
        let mut body = sent.clone();
        add(&mut body, &others);
        match answer(subject, exchange, &body) {
            Ok(response) => {
                for at in unread {
                    sent = Mutation::Dropped.apply(&sent, at).unwrap_or(sent);
                }
                for (at, value) in filled {
                    fill(&mut sent, at, value);
                }
                prop_assert_eq!(known(response.into_value()), known(sent));
            }
            // A code that is not the code of a success refuses where `success` is left out, whatever else is there.
            Err(error)
                if error.kind() == ErrorKind::Api
                    && answer(subject, exchange, &sent)
                        .is_err_and(|error| error.kind() == ErrorKind::Api) => {}
            Err(error) => return Err(TestCaseError::fail(error.report())),
        }
        Ok(())
    })?;
    Ok(())
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
    let mut path = "$".to_owned();
    for segment in pointer.split('/').skip(1) {
        match segment.bytes().all(|byte| byte.is_ascii_digit()) {
            true => path.push_str(&format!("[{segment}]")),
            false => path.push_str(&format!(".{segment}")),
        }
    }
    path
}

pub(super) fn another_type_is_named_by_its_path(runner: &mut TestRunner) -> Result<()> {
    let tolerances = tolerances();
    let cases = (any::<Index>(), any::<Index>(), any::<Index>(), others());
    runner.run(&cases, |(which, place, value, others)| {
        let Tolerance {
            subject, exchange, ..
        } = which.get(&tolerances);
        let places = pointers(&exchange.reply);
        let place = place.get(&places);
        let mut body = exchange.reply.clone();
        add(&mut body, &others);
        *body.pointer_mut(place).unwrap() = value.get(&foreign()).clone();
        let Err(error) = answer(subject, exchange, &body) else {
            return Ok(());
        };
        let printed = format!("{error} {error:?} {}", error.report());
        prop_assert!(
            !printed.contains("CANARY") && !printed.contains("0817263"),
            "{}",
            printed
        );
        match (error.kind(), error.outcome()) {
            (ErrorKind::Decode, Outcome::Done) => {
                let found = error.decode().unwrap().path();
                prop_assert!(found.starts_with(&path(place)), "{} for {}", found, place);
            }
            // Another's reply, or a number that refuses.
            (ErrorKind::Verification, Outcome::Unknown) | (ErrorKind::Api, _) => {}
            other => return Err(TestCaseError::fail(format!("{other:?} for {place}"))),
        }
        Ok(())
    })?;
    Ok(())
}
