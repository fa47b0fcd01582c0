//! What callers ask of one journey.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use kyc_journey::{
    Event, EventKey, Fact, Journey, JourneyId, JourneyRecord, JourneyStatus, Leg, LegStatus,
    OperatorTask, Reason, ReceiptId, TimerPurpose, Verdict,
};
use provider_core::http::StatusCode;
use provider_core::jiff::Timestamp;
use provider_core::request_from_json;

use super::{Answer, ConsentAnswer, GivenConsent, JourneyView, Resolve, Resume, find, json};
use crate::guard::{self, InPath};
use crate::problem::Problem;
use crate::state::{Inner, Shared};

pub(crate) async fn cancel(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
) -> Result<Response, Problem> {
    let record = end(&server, &id, Fact::Cancel).await?;
    Ok(json(StatusCode::OK, &JourneyView::of(&record)))
}

pub(crate) async fn withdraw(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
) -> Result<Response, Problem> {
    let record = withdrawn(&server, &id).await?;
    Ok(json(StatusCode::OK, &JourneyView::of(&record)))
}

pub(crate) async fn consent(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
    body: Body,
) -> Result<Response, Problem> {
    let body = guard::body(&server, body).await?;
    let answer: ConsentAnswer = request_from_json(&body)?;
    let (id, record) = find(&server, &id).await?;
    let status = record.state.status();
    let fact = match (answer.answer, answer.consent) {
        // Whoever lost the reply says it again.
        (Answer::Refused, None) if status == JourneyStatus::Refused => {
            return Ok(json(StatusCode::OK, &JourneyView::of(&record)));
        }
        // No journey that has ended waits for an answer, and each one would be an event of it.
        (Answer::Refused, None) if status.is_end() => return Err(not_awaited(status)),
        (Answer::Refused, None) => Fact::ConsentRefused,
        (Answer::Refused, Some(_)) => {
            return Err(Problem::invalid(
                "consent",
                "must not be there if it was refused",
            ));
        }
        (answer, given) => {
            let is_renewal = matches!(answer, Answer::Renewed);
            if let Some(given) = &given {
                given.check(&server)?;
            }
            let is_said = server.receipts.is_some() || given.is_some();
            let brings_receipt = given.as_ref().is_some_and(|given| given.receipt.is_some());
            let is_new =
                is_renewal && !brings_receipt && !record.state.is_renewed(server.clock.now());
            if !is_new && is_said && is_known(&record.state, given.as_ref()) {
                return Ok(json(StatusCode::OK, &JourneyView::of(&record)));
            }
            let (receipt, expires_at) = agreed(&server, &record, is_renewal, given).await?;
            match is_renewal {
                true => Fact::ConsentRenewed {
                    receipt,
                    expires_at,
                },
                false => Fact::ConsentGiven {
                    receipt,
                    expires_at,
                },
            }
        }
    };
    let is_given = matches!(fact, Fact::ConsentGiven { .. });
    let answered = command(&server, &id, &record, None, fact).await;
    if is_given && answered.is_err() {
        take_back(&server, &id).await?;
    }
    Ok(json(StatusCode::OK, &JourneyView::of(&answered?)))
}

/// Whether the consent is the one under which the journey runs, or ran to its end.
fn is_known(state: &Journey, given: Option<&GivenConsent>) -> bool {
    let Some(known) = state.receipt() else {
        return false;
    };
    let Some(given) = given.filter(|given| given.receipt.is_some()) else {
        return true;
    };
    let mut timers = state.timers().into_iter();
    let expiry = timers.find(|timer| timer.name.purpose == TimerPurpose::ConsentExpiry);
    // Of one that has ended nothing expires.
    let ends_then = state.status().is_end() || expiry.map(|timer| timer.at) == given.expires_at;
    given.receipt.as_ref() == Some(known) && ends_then
}

fn not_awaited(status: JourneyStatus) -> Problem {
    Problem::not_now(format!("must allow it: it is {}", status.as_str()))
}

/// Withdraws what was written for a journey that ended otherwise at the same time: nobody goes on under it, and it is not left live.
pub(crate) async fn take_back(server: &Inner, id: &JourneyId) -> Result<(), Problem> {
    let Some(receipts) = &server.receipts else {
        return Ok(());
    };
    let record = server.engine.read(id).await?;
    let is_left = |state: &Journey| state.status().is_end() && state.receipt().is_none();
    if record.is_some_and(|record| is_left(&record.state)) {
        receipts.take_back(id).await?;
    }
    Ok(())
}

/// The receipt of a consent, with its end: the caller's, or one that is written here before the journey hears of it.
async fn agreed(
    server: &Inner,
    record: &JourneyRecord,
    is_renewal: bool,
    given: Option<GivenConsent>,
) -> Result<(ReceiptId, Option<Timestamp>), Problem> {
    let (state, given) = (
        &record.state,
        given.map(|given| (given.receipt, given.expires_at)),
    );
    let written = match (&server.receipts, given) {
        (None, Some((Some(_), _))) if !is_renewal && state.status().is_end() => {
            return Err(not_awaited(state.status()));
        }
        (None, Some((Some(receipt), expires_at))) => return Ok((receipt, expires_at)),
        (None, _) => {
            return Err(Problem::invalid("consent", "must be there if it was given"));
        }
        // What the journey does not wait for is not written.
        (Some(receipts), _) => match (is_renewal, state.receipt()) {
            (true, Some(known)) => receipts.renew(state.id(), known).await?,
            (false, _) if state.status() == JourneyStatus::AwaitConsent => {
                receipts.give(state.id()).await?
            }
            _ => {
                // Whoever wrote a receipt may have died before it was taken back.
                take_back(server, state.id()).await?;
                return Err(not_awaited(state.status()));
            }
        },
    };
    Ok((written.id, written.expires_at))
}

/// Withdraws the consent of a journey: in the ledger first, from where on no call begins.
async fn withdrawn(server: &Inner, id: &str) -> Result<JourneyRecord, Problem> {
    let (found, record) = find(server, id).await?;
    let over = [JourneyStatus::Withdrawn, JourneyStatus::Refused];
    if let Some(receipts) = &server.receipts
        && !over.contains(&record.state.status())
    {
        receipts.withdraw(&found).await?;
        // It was told with the other journeys under the same consent.
        let record = server.engine.read(&found).await?;
        let told = record.filter(|record| record.state.status() == JourneyStatus::Withdrawn);
        if let Some(record) = told {
            return Ok(record);
        }
    }
    end(server, id, Fact::Withdrawn).await
}

pub(crate) async fn resume(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
    body: Body,
) -> Result<Response, Problem> {
    let body = guard::body(&server, body).await?;
    let resume: Resume = match body.is_empty() {
        true => Resume::default(),
        false => request_from_json(&body)?,
    };
    let record = go_on(&server, &id, resume.leg).await?;
    Ok(json(StatusCode::OK, &JourneyView::of(&record)))
}

pub(crate) async fn resolve(
    State(server): State<Shared>,
    InPath(id): InPath<String>,
    body: Body,
) -> Result<Response, Problem> {
    let body = guard::body(&server, body).await?;
    let resolve: Resolve = match body.is_empty() {
        true => Resolve::default(),
        false => request_from_json(&body)?,
    };
    let record = resolved(&server, &id, resolve.leg).await?;
    Ok(json(StatusCode::OK, &JourneyView::of(&record)))
}

/// Ends a journey, unless it has ended so.
pub(crate) async fn end(server: &Inner, id: &str, fact: Fact) -> Result<JourneyRecord, Problem> {
    let (id, record) = find(server, id).await?;
    let has_ended_so = match fact {
        Fact::Cancel => record.state.status() == JourneyStatus::Cancelled,
        Fact::Withdrawn => record.state.status() == JourneyStatus::Withdrawn,
        _ => false,
    };
    // Whoever lost the reply asks again.
    if has_ended_so {
        return Ok(record);
    }
    command(server, &id, &record, None, fact).await
}

/// Lets the legs go on for which somebody had to act, or one of them.
pub(crate) async fn go_on(
    server: &Inner,
    id: &str,
    only: Option<Leg>,
) -> Result<JourneyRecord, Problem> {
    let (id, mut record) = find(server, id).await?;
    let legs = Leg::ALL.iter().copied();
    let legs = legs.filter(|leg| only.is_none_or(|only| only == *leg));
    let state = &record.state;
    let facts: Vec<_> = legs
        .filter_map(|leg| Some((leg, state.resuming(leg)?)))
        .collect();
    if facts.is_empty() {
        return Err(stays(state, only));
    }
    for (leg, fact) in facts {
        record = command(server, &id, &record, Some(leg), fact).await?;
    }
    Ok(record)
}

/// Says that a person has done what was left to one, of all legs or of one.
pub(crate) async fn resolved(
    server: &Inner,
    id: &str,
    only: Option<Leg>,
) -> Result<JourneyRecord, Problem> {
    let (id, mut record) = find(server, id).await?;
    let state = &record.state;
    let is_meant = |(leg, _): &(Leg, OperatorTask)| only.is_none_or(|only| only == *leg);
    let left: Vec<_> = state.by_hand().filter(is_meant).collect();
    // Whoever lost the reply says it again.
    if left.is_empty() && !state.resolved().any(|done| is_meant(&done)) {
        return Err(match only {
            Some(leg) => {
                Problem::leg_not_now(format!("{} has nothing left to a person", leg.as_str()))
            }
            None => Problem::not_now("must have something left to a person: it has nothing"),
        });
    }
    for (leg, task) in left {
        record = command(server, &id, &record, Some(leg), Fact::Resolved { task }).await?;
    }
    Ok(record)
}

/// Why nobody can make the journey go on, or one leg of it.
fn stays(state: &Journey, only: Option<Leg>) -> Problem {
    let status = state.status();
    let Some(leg) = only.filter(|_| !status.is_end()) else {
        let status = status.as_str();
        return Problem::not_now(format!(
            "must wait for the person or an operator: it is {status}"
        ));
    };
    let leg_status = state.leg_status(leg);
    let why = match leg_status {
        LegStatus::NotPlanned => "is not in the journey's plan".to_owned(),
        LegStatus::Waiting => "waits for other legs, and begins then".to_owned(),
        LegStatus::Open => "is open, and goes on by itself".to_owned(),
        _ => format!("is {}, and nobody can make it go on", leg_status.as_str()),
    };
    Problem::leg_not_now(format!("{} {why}", leg.as_str()))
}

/// Submits a command. The same one at the same state is one command, however often it is sent.
async fn command(
    server: &Inner,
    id: &JourneyId,
    record: &JourneyRecord,
    leg: Option<Leg>,
    fact: Fact,
) -> Result<JourneyRecord, Problem> {
    let about = leg.map_or("journey", Leg::as_str);
    let key = format!("{}-{about}-{}", fact.name(), record.state.seq());
    // A clock that was set back tells no journey an earlier time.
    let at = server.clock.now().max(record.updated_at);
    let event = Event::new(EventKey::command(&key)?, at, leg, fact);
    let is_resolved = matches!(event.fact, Fact::Resolved { .. });
    let submitted = server.engine.submit(id, event).await?;
    // Of two who resolve it at once, the second says what is known.
    let is_known = is_resolved && submitted.reason == Some(Reason::Known);
    match submitted.verdict {
        Verdict::Applied | Verdict::Duplicate => read_again(server, id).await,
        _ if is_known => read_again(server, id).await,
        _ => {
            let reason = submitted.reason.map(|reason| reason.as_str());
            let reason = reason.unwrap_or("not_expected");
            let status = submitted.status.as_str();
            Err(Problem::not_now(format!(
                "must allow it: it is {status}, and the verdict was {reason}"
            )))
        }
    }
}

async fn read_again(server: &Inner, id: &JourneyId) -> Result<JourneyRecord, Problem> {
    let record = server.engine.read(id).await?;
    record.ok_or_else(Problem::no_journey)
}
