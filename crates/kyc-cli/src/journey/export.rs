//! All that is kept of a journey, as JSON, without what is personal or secret.

use kyc_facade::provider_core::jiff::Timestamp;
use kyc_journey::{Fact, HistoryEntry, Journey, JourneyRecord, Seq, Verdict};
use serde::Serialize;
use serde_json::Value;

use super::store::Store;
use crate::failure::Failure;
use crate::storage::place::failed;
use crate::terminal::output::Output;

const HIDDEN: &str = "***";

/// An export. Its version rises when a member changes its meaning or goes.
#[derive(Serialize)]
struct Export {
    version: u32,
    journey: String,
    status: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
    state: Value,
    history: Value,
    /// What is kept with events, by its class; not what it says.
    payloads: Vec<Kept>,
    receipts: Vec<Receipt>,
}

#[derive(Serialize)]
struct Kept {
    seq: u64,
    class: &'static str,
}

/// A consent that was given or renewed.
#[derive(Serialize)]
struct Receipt {
    receipt: String,
    given_at: Timestamp,
    expires_at: Option<Timestamp>,
    /// Whether the journey runs under it now.
    is_live: bool,
}

/// Prints a journey with its history.
pub(crate) async fn print(store: &Store, record: &JourneyRecord) -> Result<(), Failure> {
    let state = &record.state;
    let history = store.engine.history(state.id(), Seq::ZERO).await;
    let history = history.map_err(failed)?;
    let mut payloads = Vec::new();
    for entry in &history {
        let kept = store.engine.payload(state.id(), entry.seq).await;
        payloads.extend(kept.map_err(failed)?.map(|kept| Kept {
            seq: entry.seq.get(),
            class: kept.class.as_str(),
        }));
    }
    let export = Export {
        version: 1,
        journey: state.id().to_string(),
        status: state.status().as_str(),
        created_at: record.created_at,
        updated_at: record.updated_at,
        state: masked(state, state)?,
        history: masked(state, &history)?,
        payloads,
        receipts: receipts(state, &history),
    };
    // It is for machines, whatever was asked for.
    Output { json: true }.answer(&export, None)
}

/// Without the journey's token: who has that can report in a provider's place.
fn masked(journey: &Journey, of: &impl Serialize) -> Result<Value, Failure> {
    let token = journey.token().map(|token| token.expose());
    let mut value = serde_json::to_value(of).map_err(|_| Failure::unprintable())?;
    if let Some(token) = token {
        hide(&mut value, &token);
    }
    Ok(value)
}

fn hide(value: &mut Value, secret: &str) {
    match value {
        Value::String(text) if text.contains(secret) => *text = text.replace(secret, HIDDEN),
        Value::Array(values) => values.iter_mut().for_each(|value| hide(value, secret)),
        Value::Object(members) => members.values_mut().for_each(|value| hide(value, secret)),
        _ => {}
    }
}

fn receipts(state: &Journey, history: &[HistoryEntry]) -> Vec<Receipt> {
    let applied = history
        .iter()
        .filter(|entry| entry.verdict == Verdict::Applied);
    let given = applied.filter_map(|entry| match &entry.fact {
        Fact::ConsentGiven {
            receipt,
            expires_at,
        }
        | Fact::ConsentRenewed {
            receipt,
            expires_at,
        } => Some(Receipt {
            receipt: receipt.as_str().to_owned(),
            given_at: entry.at,
            expires_at: *expires_at,
            is_live: state.receipt() == Some(receipt),
        }),
        _ => None,
    });
    given.collect()
}
