//! `kyc erase`.

use kyc_consent::{
    Erasure, ErasureOrder, ErasureReason, Follower, KeptBy, KeptClass, ReceiptRow, RecentErasure,
    Subject, Term,
};
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::{Clock as _, SystemClock};
use serde::Serialize;

use super::class_name;
use crate::arguments::Erase;
use crate::failure::Failure;
use crate::journey::{Standing, Store, looks};
use crate::storage::ledger::{Ledger, failed, is_withdrawn};
use crate::storage::place::{MEND, Place};
use crate::terminal::output::Output;

pub(crate) async fn run(arguments: &Erase, output: Output) -> Result<(), Failure> {
    let place = Place::of(&arguments.store)?;
    let ledger = match arguments.dry_run {
        true => Ledger::to_read(&place)?,
        false => Ledger::existing(&place)?,
    };
    if !arguments.dry_run {
        ledger.finish_cut_off()?;
    }
    if let Some(cut_off) = ledger.cut_off_erasure(&arguments.whose)? {
        let (subject, erasure) = (cut_off.subject, &cut_off.erasure);
        let is_finished = !ledger.is_to_read();
        output.tell(match is_finished {
            true => "an earlier erasure of this person was cut off; it has been finished now",
            false => "an erasure of this person has begun, and was cut off: it is finished without --dry-run",
        });
        let answer = Answer::of(subject, erasure, !is_finished);
        return print(&answer, output);
    }
    // Whoever lost the answer asks again, also after another command finished what was cut off.
    if let Some(recent) = ledger.recent_erasure(&arguments.whose)? {
        output.tell("the person who had this mobile number was erased within the last day");
        return print(&Answer::again(&recent, arguments.dry_run), output);
    }
    let subject = ledger.someone(&arguments.whose)?;
    let now = SystemClock.now();
    let state = ledger.0.state(subject).map_err(|error| failed(&error))?;
    let is_live = |row: &&ReceiptRow| row.rule.is_none() && row.is_live(now);
    if state.receipts.iter().any(|row| is_live(&row)) {
        let withdraw = place.command(&format!("consent withdraw {subject}"));
        let rule = format!("has a live consent, under which journeys go on; `{withdraw}` ends it");
        return Err(Failure::configuration(arguments.whose.field(), rule));
    }
    let followers = ledger.0.followers(subject);
    let followers = followers.map_err(|error| failed(&error))?;
    let looks = refuse_what_is_left(&place, followers, &state.receipts, arguments).await?;
    let order = ErasureOrder {
        reason: ErasureReason::Request,
        classes: None,
        relationship_ended: None,
    };
    let erasure = match arguments.dry_run {
        true => ledger.0.would_erase(subject, &order),
        false => ledger.0.erase(subject, &order),
    };
    let erasure = erasure.map_err(|error| failed(&error))?;
    let answer = Answer {
        looks,
        ..Answer::of(subject, &erasure, arguments.dry_run)
    };
    print(&answer, output)
}

/// What was erased, or would be.
#[derive(Serialize)]
struct Answer {
    /// None of one that is told again: the number leads to the person no more.
    subject: Option<String>,
    dry_run: bool,
    erased: Vec<&'static str>,
    kept: Vec<Kept>,
    unlinked: bool,
    /// What journeys look for after it, which names no person: consents that were left open, to be revoked.
    looks: Option<String>,
}

#[derive(Serialize)]
struct Kept {
    class: &'static str,
    why: String,
    until: Option<Timestamp>,
}

impl Answer {
    fn of(subject: Subject, erasure: &Erasure, dry_run: bool) -> Self {
        let erased = erasure.erased.iter();
        let kept = erasure.kept.iter().map(|kept| Kept {
            class: class_name(kept.class),
            why: why(kept),
            until: kept.until,
        });
        Self {
            subject: Some(subject.to_string()),
            dry_run,
            erased: erased.map(|erased| class_name(erased.class)).collect(),
            kept: kept.collect(),
            unlinked: erasure.unlinked,
            looks: None,
        }
    }

    fn again(recent: &RecentErasure, dry_run: bool) -> Self {
        let kept = recent.kept.iter().map(|class| Kept {
            class: class_name(*class),
            why: "as the erasure before said".to_owned(),
            until: None,
        });
        Self {
            subject: None,
            dry_run,
            erased: recent.erased.iter().copied().map(class_name).collect(),
            kept: kept.collect(),
            unlinked: true,
            looks: None,
        }
    }
}

/// Says it.
fn print(answer: &Answer, output: Output) -> Result<(), Failure> {
    if output.json {
        return output.answer(answer, None);
    }
    let (erases, unlinks) = match answer.dry_run {
        true => ("would erase", "the mobile number would lead"),
        false => ("erased", "the mobile number leads"),
    };
    for class in &answer.erased {
        output.told(&format!("{erases} {class}"))?;
    }
    for Kept { class, why, until } in &answer.kept {
        let until = until.map(|until| format!(", until {until}"));
        output.told(&format!("kept {class}: {why}{}", until.unwrap_or_default()))?;
    }
    output.told(&match answer.unlinked {
        true => format!("{unlinks} to the person no more"),
        false => format!("{unlinks} to the person still"),
    })?;
    match &answer.looks {
        Some(looks) => output.told(&format!("to be done: {looks}")),
        None => Ok(()),
    }
}

/// A journey that still waits for a consent would take one after the erasure, and write it under the erased person; and what one has to
/// give back nobody would find any more by the person. What one looks for is found by the journey's id, which is told; where that takes
/// the person's name, a person has to look in the end.
async fn refuse_what_is_left(
    place: &Place,
    followers: Vec<Follower>,
    receipts: &[ReceiptRow],
    arguments: &Erase,
) -> Result<Option<String>, Failure> {
    let are_lost = matches!(place, Place::File(path) if !path.exists());
    if followers.is_empty() || are_lost {
        return Ok(None);
    }
    let store = match arguments.dry_run {
        true => Store::reading(place).await?,
        // What stands in the file is enough: what has ended stays so.
        false => Store::even_if_held(place).await?,
    };
    let (mut going_on, mut giving_back, mut damaged) = (Vec::new(), Vec::new(), Vec::new());
    let mut looking = Vec::new();
    for standing in store.journeys_of(followers).await? {
        let Standing {
            follower,
            id,
            record,
        } = standing;
        let Some(record) = record else {
            // Nobody can tell what it has to give back.
            damaged.push(follower.name);
            continue;
        };
        let waits = store.waiting_of(&id, Some(&record)).await? > 0;
        let state = record.state;
        let mut rows = receipts.iter();
        let row = rows.find(|row| Some(row.id) == follower.receipt);
        // One whose consent was withdrawn ends, and gives back what it opened, once it is told.
        let is_untold = !state.status().is_end() && row.is_some_and(is_withdrawn);
        if is_untold || waits {
            giving_back.push(id);
        } else if !state.status().is_end() {
            going_on.push(follower.name);
        } else if let Some((_, last)) = looks(&state) {
            looking.push((id, last));
        }
    }
    let rule = match (
        going_on.as_slice(),
        giving_back.as_slice(),
        damaged.as_slice(),
    ) {
        ([], [], []) => return store.looks_of(&looking).await,
        ([], [], journeys) => format!(
            "has journeys that cannot be read, because they are damaged, so that nobody can tell what they have to give back: {}; {MEND}",
            journeys.join(", ")
        ),
        ([], journeys, _) => {
            let names: Vec<_> = journeys.iter().map(ToString::to_string).collect();
            format!(
                "has journeys with clean-up calls outstanding: {}; {}",
                names.join(", "),
                store.what_to_do(journeys).await?
            )
        }
        (journeys, ..) => {
            let withdraw = |id: &String| {
                let command = place.command(&format!("journey withdraw {id}"));
                format!("`{command}`")
            };
            let commands: Vec<_> = journeys.iter().map(withdraw).collect();
            let (journeys, commands) = (journeys.join(", "), commands.join(", "));
            format!("has journeys that have not ended: {journeys}; end each: {commands}")
        }
    };
    Err(Failure::configuration(arguments.whose.field(), rule))
}

fn why(class: &KeptClass) -> String {
    match &class.by {
        KeptBy::Hold { reason, by, .. } => format!("held for {reason}, by {by}"),
        KeptBy::Term(Term::ConsentRecord) => "records of consent are kept for 7 years".to_owned(),
        KeptBy::Term(Term::Pmla) => {
            "records of identity are kept for 5 years after the relationship".to_owned()
        }
        KeptBy::LiveReceipt => "another consent is live".to_owned(),
        _ => "something that is not known here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kyc_facade::provider_core::{Masked, Mobile};
    use kyc_journey::{
        CorrelationToken, DataClass, DocumentKind, DocumentsPlan, Event, EventKey, Fact,
        JourneyEngine as _, JourneyId, Payload, Plan, Seq,
    };
    use kyc_journey_sqlite::SqliteEngine;

    use super::*;
    use crate::journey::FileSealer;

    /// Also of a copy of the journeys that was made before, and with the copy's own keys.
    #[tokio::test]
    async fn an_erased_person_s_payloads_are_not_there_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journeys.db");
        let place = Place::File(path.clone());
        let file = Arc::new(FileSealer::create(&place).unwrap());
        let ledger = Ledger::open(&place).unwrap();
        let engine = SqliteEngine::open(&path, ledger.sealer(file.clone())).unwrap();
        let journey = JourneyId::from_bits(17);
        let mobile = Mobile::parse("9000000001").unwrap();
        assert!(ledger.follow(&journey, &mobile).unwrap());
        let plan = Plan::new().set_documents(Some(DocumentsPlan::new([DocumentKind::Pan])));
        let token = CorrelationToken::from_bits(1);
        let plan = Box::new(plan);
        let key = EventKey::command("start").unwrap();
        let start = Fact::Start { plan, token };
        let event = Event::new(key, Timestamp::UNIX_EPOCH, None, start);
        let payload = Payload {
            class: DataClass::Person,
            content: Masked::new("CANARY"),
        };
        let event = event.set_payload(Some(payload.clone()));
        engine.submit(&journey, event).await.unwrap();
        let read = engine.payload(&journey, Seq::new(1)).await.unwrap();
        assert_eq!(read, Some(payload));
        drop(engine);
        let copies = [".ledger-keys", ".ledger-keys-wal"].map(|suffix| {
            let name = place.beside(suffix);
            (name.clone(), std::fs::read(name).unwrap_or_default())
        });
        let order = ErasureOrder {
            reason: ErasureReason::Request,
            classes: None,
            relationship_ended: None,
        };
        let subject = ledger.0.find(&mobile).unwrap().unwrap();
        ledger.0.erase(subject, &order).unwrap();
        let reopened = || SqliteEngine::open(&path, ledger.sealer(file.clone())).unwrap();
        let engine = reopened();
        assert_eq!(engine.payload(&journey, Seq::new(1)).await.unwrap(), None);
        // What was done is there, without the person.
        assert!(engine.read(&journey).await.unwrap().is_some());
        drop(engine);
        drop(ledger);
        for (name, bytes) in copies {
            std::fs::write(name, bytes).unwrap();
        }
        // Its keys do not open under the key that is left.
        let error = Ledger::open(&place).unwrap_err();
        assert!(format!("{error:?}").contains("lost"), "{error:?}");
    }
}
