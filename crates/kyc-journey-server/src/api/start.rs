//! `POST /v1/journeys`.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use kyc_journey::{Event, EventKey, Fact, JourneyId, JourneyRecord, JourneyStatus, Verdict};
use kyc_journey_performer::{Addresses, Applicant};
use provider_core::http::header::{HeaderName, LOCATION};
use provider_core::http::{HeaderMap, HeaderValue, StatusCode};
use provider_core::jiff::civil::Date;
use provider_core::{InvalidRequest, Masked, input_from_json, request_from_value};

use super::commands::take_back;
use super::{GivenConsent, JourneyView, StartJourney, json};
use crate::guard;
use crate::plan::plan_from_value;
use crate::problem::Problem;
use crate::state::{Inner, Shared};

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

pub(crate) async fn start(
    State(server): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let key = key(&headers)?;
    let body = guard::body(&server, body).await?;
    let start = read(&body)?;
    check(&server, &start)?;
    // In one order of its members, however the caller wrote them.
    let written = serde_json::to_vec(&start).map_err(|_| Problem::internal())?;
    let id = server.digests.journey(key);
    note(&server, &id, &start).await?;
    let (record, is_new) = begin(&server, &id, start, &written).await?;
    let status = match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let mut response = json(status, &JourneyView::of(&record));
    let place = format!("{}/v1/journeys/{id}", server.path);
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

fn key(headers: &HeaderMap) -> Result<&str, Problem> {
    let is_visible = |key: &&str| {
        matches!(key.len(), 1..=255) && key.bytes().all(|byte| matches!(byte, b'!'..=b'~'))
    };
    let key = guard::text(headers, &IDEMPOTENCY_KEY).filter(is_visible);
    key.ok_or_else(|| {
        Problem::invalid(
            IDEMPOTENCY_KEY.as_str(),
            "must be there once, 1 to 255 visible characters",
        )
    })
}

fn read(body: &[u8]) -> Result<StartJourney, InvalidRequest> {
    let body = input_from_json(body)?;
    if let Some(plan) = body.get("plan") {
        let of_plan = |error: InvalidRequest| {
            let field = match error.field() {
                "request" | "plan" => "plan".to_owned(),
                field => format!("plan.{field}"),
            };
            error.for_field(field)
        };
        plan_from_value(plan.clone()).map_err(of_plan)?;
    }
    request_from_value(body)
}

/// Refuses what nobody here can carry out, and what a provider would refuse once the journey is under way.
fn check(server: &Inner, start: &StartJourney) -> Result<(), Problem> {
    let is_day = |text: &Masked| {
        let day = text.expose().parse::<Date>();
        day.is_ok_and(|day| day.year() > 0 && day.to_string() == text.expose())
    };
    if !start.applicant.date_of_birth.as_ref().is_none_or(is_day) {
        let rule = "must be a day as YYYY-MM-DD";
        return Err(Problem::invalid("applicant.date_of_birth", rule));
    }
    let plan = &start.plan;
    for leg in plan.legs() {
        if !server.providers.contains(&plan.provider(leg)) {
            let rule = "needs a provider that is not set up here";
            return Err(Problem::invalid(format!("plan.{}", leg.as_str()), rule));
        }
    }
    Ok(())
}

/// Refuses a consent that is not written as it is here, and notes in the ledger whose journey it is, if that is not begun.
async fn note(server: &Inner, id: &JourneyId, start: &StartJourney) -> Result<(), Problem> {
    if let Some(consent) = &start.consent {
        consent.check(server)?;
    }
    let Some(receipts) = &server.receipts else {
        return Ok(());
    };
    // A repetition counts as it did, although the notice may be another one by now.
    if server.engine.read(id).await?.is_some() {
        return Ok(());
    }
    let is_notice = |text: &Masked| text.expose() == receipts.notice_text();
    if !start.notice_text.as_ref().is_none_or(is_notice) {
        let rule = "must be the text of the notice that the ledger of consents has";
        return Err(Problem::invalid("notice_text", rule));
    }
    Ok(receipts.begin(id, &start.applicant.mobile).await?)
}

async fn begin(
    server: &Inner,
    id: &JourneyId,
    start: StartJourney,
    written: &[u8],
) -> Result<(JourneyRecord, bool), Problem> {
    let StartJourney {
        applicant: person,
        mut plan,
        consent,
        notice_text,
    } = start;
    let own = server.receipts.as_ref();
    let notice_text = notice_text.or_else(|| Some(Masked::new(own?.notice_text())));
    // Veriff is given the text, or nothing is recorded there.
    if let (None, Some(verification)) = (&notice_text, &mut plan.verification) {
        verification.records_consent = false;
    }
    // Where the person comes back to is the application's, and not stored.
    let addresses = Addresses::new("http://localhost")?;
    let applicant = Applicant::new(person.mobile, addresses)
        .set_pan(person.pan)
        .set_email(person.email)
        .set_name(person.first_name, person.last_name)
        .set_date_of_birth(person.date_of_birth)
        .set_notice_text(notice_text);
    let now = server.clock.now();
    let random = server.clock.random()?;
    let fact = Fact::Start {
        plan: Box::new(plan),
        token: server.digests.token(random),
    };
    // The key of the event is the body's digest: the engine itself tells a repetition from another start.
    let digest = server.digests.of_start(written);
    let key = EventKey::command(&format!("start:{digest}"))?;
    let event = Event::new(key, now, None, fact).set_payload(applicant.to_payload());
    let submitted = server.engine.submit(id, event).await?;
    let is_new = match submitted.verdict {
        Verdict::Applied => true,
        Verdict::Duplicate if submitted.reason.is_none() => false,
        _ => return Err(Problem::key_reused()),
    };
    // Also of a repetition: the process may have died in between.
    if let Some(consent) = consent
        && let Some(fact) = given(server, id, consent).await?
    {
        let key = EventKey::command("start-consent")?;
        let event = Event::new(key, now, None, fact);
        let submitted = server.engine.submit(id, event).await?;
        if !matches!(submitted.verdict, Verdict::Applied | Verdict::Duplicate) {
            take_back(server, id).await?;
        }
    }
    let record = server.engine.read(id).await?;
    Ok((record.ok_or_else(Problem::no_journey)?, is_new))
}

/// The consent that a start brings; `None` if the journey waits for none.
async fn given(
    server: &Inner,
    id: &JourneyId,
    consent: GivenConsent,
) -> Result<Option<Fact>, Problem> {
    let Some(receipts) = &server.receipts else {
        let expires_at = consent.expires_at;
        let given = |receipt| Fact::ConsentGiven {
            receipt,
            expires_at,
        };
        return Ok(consent.receipt.map(given));
    };
    let record = server.engine.read(id).await?;
    let waits = |record: JourneyRecord| record.state.status() == JourneyStatus::AwaitConsent;
    if !record.is_some_and(waits) {
        return Ok(None);
    }
    let written = receipts.give(id).await?;
    Ok(Some(Fact::ConsentGiven {
        receipt: written.id,
        expires_at: written.expires_at,
    }))
}
