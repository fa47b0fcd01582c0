//! `kyc consent show`.

use kyc_consent::{Detail, EndReason, Entry, ReceiptRow, Subject, SubjectState};
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::class_name;
use super::verify::head_text;
use crate::arguments::ConsentShow;
use crate::failure::Failure;
use crate::storage::ledger::{Ledger, failed};
use crate::storage::place::Place;
use crate::terminal::output::Output;

pub(crate) fn run(arguments: &ConsentShow, output: Output) -> Result<(), Failure> {
    let ledger = Ledger::to_read(&Place::of(&arguments.store)?)?;
    match ledger.find(&arguments.whose)? {
        Some(subject) => person(&ledger, subject, output),
        None => whole(&ledger, output),
    }
}

fn whole(ledger: &Ledger, output: Output) -> Result<(), Failure> {
    let head = ledger.0.head().map_err(|error| failed(&error))?;
    let untold = ledger.0.untold("").map_err(|error| failed(&error))?;
    let answer = json!({
        "ledger": head.ledger.to_string(),
        "entries": head.seq,
        "head": head_text(&head),
        "untold": untold.len(),
    });
    output.answer(&answer, None)
}

fn person(ledger: &Ledger, subject: Subject, output: Output) -> Result<(), Failure> {
    let read = || {
        let state = ledger.0.state(subject)?;
        let history = ledger.0.history(subject)?;
        let followers = ledger.0.followers(subject)?;
        Ok((state, history, followers))
    };
    let (state, history, followers) = read().map_err(|error| failed(&error))?;
    let now = SystemClock.now();
    let journeys: Vec<&str> = followers.iter().map(|follower| &*follower.name).collect();
    if output.json {
        let entries: Vec<Value> = history.iter().map(entry).collect();
        let answer = json!({
            "subject": subject.to_string(),
            "epoch": state.epoch,
            "receipts": receipts(&state, now),
            "holds": holds(&state),
            "journeys": journeys,
            "entries": entries,
        });
        return output.answer(&answer, None);
    }
    output.told(&format!("person {subject}"))?;
    for row in &state.receipts {
        let (from, to) = (date(row.given_at), date(row.expires_at));
        let purposes = joined(row.purposes.iter().map(|purpose| purpose.as_str()));
        let providers = joined(row.providers.iter().map(|provider| provider.as_str()));
        let standing = standing(row, now);
        let line = format!(
            "receipt {} {standing}, {from} to {to}, for {purposes}, to {providers}",
            row.id
        );
        output.told(&line)?;
    }
    for hold in &state.holds {
        let (class, reason) = (class_name(hold.class), &hold.reason);
        output.told(&format!("hold {} of {class}: {reason}", hold.id))?;
    }
    for journey in journeys {
        output.told(&format!("journey {journey}"))?;
    }
    for (entry, says) in &history {
        let says = says.as_ref().map_or_else(|| "erased".to_owned(), words);
        output.told(&format!("{}  {}  {says}", entry.seq, date(entry.at)))?;
    }
    Ok(())
}

fn joined<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

/// To the second.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether a receipt counts, and if not, why.
fn standing(row: &ReceiptRow, now: Timestamp) -> &'static str {
    match row.ended {
        Some((_, EndReason::Withdrawn)) => "withdrawn",
        Some((_, EndReason::Renewed)) => "renewed",
        Some(_) => "expired",
        None if now >= row.expires_at => "expired",
        None if now < row.given_at => "not yet",
        None => "live",
    }
}

fn receipts(state: &SubjectState, now: Timestamp) -> Value {
    let rows = state.receipts.iter().map(|row| {
        json!({
            "receipt": row.id.to_string(),
            "standing": standing(row, now),
            "purposes": row.purposes,
            "kinds": row.kinds,
            "providers": row.providers,
            "rule": row.rule,
            "given_at": row.given_at,
            "expires_at": row.expires_at,
            "ended_at": row.ended.map(|(at, _)| at),
        })
    });
    rows.collect()
}

fn holds(state: &SubjectState) -> Value {
    let rows = state.holds.iter().map(|hold| {
        json!({
            "hold": hold.id.to_string(),
            "class": class_name(hold.class),
            "reason": hold.reason,
            "by": hold.by,
            "until": hold.until,
        })
    });
    rows.collect()
}

/// An entry, with what it says; null once that is erased.
fn entry((entry, says): &(Entry, Option<Detail>)) -> Value {
    json!({
        "seq": entry.seq,
        "at": entry.at,
        "kind": entry.kind,
        "receipt": entry.receipt.map(|receipt| receipt.to_string()),
        "says": says,
    })
}

fn words(says: &Detail) -> String {
    match says {
        Detail::Requested { notice } => format!("requested, by notice {} {}", notice.0, notice.1),
        Detail::Refused { notice } => format!("refused, after notice {} {}", notice.0, notice.1),
        Detail::Given(receipt) => format!("given, receipt {}", receipt.id()),
        Detail::Renewed { receipt, .. } => format!("renewed, receipt {}", receipt.id()),
        Detail::Withdrawn { channel } => format!("withdrawn, by {channel}"),
        Detail::Expired {} => "expired".to_owned(),
        Detail::Artefact(artefact) => format!("artefact at {}", artefact.provider),
        Detail::ArtefactEnded(artefact) => format!("artefact at {} is over", artefact.provider),
        Detail::Used(used) => format!(
            "used at {} by {} for {}: {}",
            used.provider, used.operation, used.purpose, used.outcome
        ),
        Detail::Deleted { class, .. } => format!("deleted {}", class_name(*class)),
        Detail::Erased { erased, kept } => {
            let erased = joined(erased.iter().map(|erased| class_name(erased.class)));
            let kept = joined(kept.iter().map(|kept| class_name(kept.class)));
            format!("erased {erased}; kept {kept}")
        }
        Detail::Held(hold) => format!("held {}: {}", class_name(hold.class), hold.reason),
        Detail::Released(hold) => format!("released {}", class_name(hold.class)),
        _ => "something that is not known here".to_owned(),
    }
}
