//! What callers with the token ask for, and what they are told.

pub(crate) mod commands;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod start;

use kyc_journey::{
    DocumentKind, JourneyId, JourneyRecord, JourneyStatus, Leg, LegStatus, Operation, OperatorTask,
    Plan, ReceiptId, UnknownRequest,
};
use provider_core::http::StatusCode;
use provider_core::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use provider_core::jiff::Timestamp;
use provider_core::schemars::JsonSchema;
use provider_core::{Email, Masked, Mobile, Pan};
use serde::{Deserialize, Serialize};

use axum::response::{IntoResponse, Response};
use provider_core::http::HeaderValue;

use crate::problem::Problem;
use crate::state::Inner;

/// What a journey begins with.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct StartJourney {
    /// Who it is about. It is kept sealed, until the consent is refused, withdrawn or over.
    pub(crate) applicant: Person,
    /// What it is to reach.
    pub(crate) plan: Plan,
    /// The consent, if the person has given it; the journey waits for it otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) consent: Option<GivenConsent>,
    /// The text of the consent's notice, exactly as it is shown. Without it no consent is recorded at Veriff. Where the server keeps the
    /// ledger of consents, it is the text of its notice, which need not be given; any other is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) notice_text: Option<Masked>,
}

/// Who a journey is about.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct Person {
    /// The mobile number, 10 digits.
    pub(crate) mobile: Mobile,
    /// The PAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pan: Option<Pan>,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<Email>,
    /// The given name, as documents have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_name: Option<Masked>,
    /// The family name, as documents have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_name: Option<Masked>,
    /// The date of birth, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) date_of_birth: Option<Masked>,
}

/// A consent that was given. Where the server keeps the ledger of consents, it has no member: the receipt is written there, and its terms
/// say when it ends.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct GivenConsent {
    /// Its receipt in the application's consent ledger: required where the server keeps none, and refused where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<ReceiptId>,
    /// When it ends, RFC 3339; it has no end of its own otherwise. Refused where the server keeps the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub(crate) expires_at: Option<Timestamp>,
}

impl GivenConsent {
    /// Refuses what the ledger of the server says itself; or, without one, a consent without a receipt.
    pub(crate) fn check(&self, server: &Inner) -> Result<(), Problem> {
        let rule = match &server.receipts {
            None if self.receipt.is_none() => ("receipt", "is required"),
            Some(_) if self.receipt.is_some() => {
                ("receipt", "must not be given: it is written here")
            }
            Some(_) if self.expires_at.is_some() => (
                "expires_at",
                "must not be given: the terms of the consent say it",
            ),
            _ => return Ok(()),
        };
        let (field, rule) = rule;
        Err(Problem::invalid(format!("consent.{field}"), rule))
    }
}

/// What the person answered to the consent's notice.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct ConsentAnswer {
    /// What the person answered.
    pub(crate) answer: Answer,
    /// The consent, if it was given or renewed; not needed where the server keeps the ledger.
    #[serde(default)]
    pub(crate) consent: Option<GivenConsent>,
}

/// An answer: `given`, `refused`, or `renewed` before the end of one that lives.
// Documented variants become a `oneOf`, of which generators make less.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(crate = "provider_core::schemars", rename = "ConsentDecision")]
pub(crate) enum Answer {
    Given,
    Refused,
    Renewed,
}

/// Which legs go on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct Resume {
    /// Only this one; each that can otherwise.
    #[serde(default)]
    pub(crate) leg: Option<Leg>,
}

/// What was done of what was left to a person.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct Resolve {
    /// Only what was left of this leg; all of it otherwise.
    #[serde(default)]
    pub(crate) leg: Option<Leg>,
}

/// Where a journey stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct JourneyView {
    /// Its id.
    pub(crate) id: JourneyId,
    /// Where it stands.
    pub(crate) status: JourneyStatus,
    /// Whether it stays so without a command.
    pub(crate) has_ended: bool,
    /// The receipt of the consent under which it runs, while there is one.
    pub(crate) receipt: Option<ReceiptId>,
    /// The number of its last event.
    pub(crate) seq: u64,
    /// When its first event was received.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(crate) created_at: Timestamp,
    /// When its last event was received.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(crate) updated_at: Timestamp,
    /// Its legs.
    pub(crate) legs: Vec<LegView>,
    /// What happens by itself, the soonest first.
    pub(crate) timers: Vec<TimerView>,
}

/// Where a leg stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct LegView {
    /// Which leg.
    pub(crate) leg: Leg,
    /// Whether the journey completes only with it.
    pub(crate) required: bool,
    /// Where it stands, whatever its provider.
    pub(crate) status: LegStatus,
    /// The name of its state.
    pub(crate) phase: &'static str,
    /// How often it was begun.
    pub(crate) attempt: u32,
    /// The call whose outcome is unknown.
    pub(crate) unsettled: Option<&'static str>,
    /// How often something was asked for again of which it is not known whether it was billed.
    pub(crate) maybe_billed: u32,
    /// The documents that were wanted and are not there.
    pub(crate) missing: Vec<DocumentKind>,
    /// How often the person had to try again in the same session.
    pub(crate) resubmissions: u32,
    /// What is left to a person to do at the provider, such as to revoke a consent, until `…/resolve` says that it was done.
    pub(crate) by_hand: Vec<OperatorTask>,
    /// Requests by which that is found at the provider, where nobody knows what they opened there.
    pub(crate) unknown_requests: Vec<UnknownRequest>,
    /// The calls that give something back and wait for an operator, also after the journey's end: `…/resume` makes them again.
    pub(crate) held: Vec<&'static str>,
}

/// Something that happens by itself.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "provider_core::schemars")]
pub(crate) struct TimerView {
    /// What, as `<leg or journey>.<purpose>`.
    pub(crate) timer: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(crate) at: Timestamp,
}

impl JourneyView {
    pub(crate) fn of(record: &JourneyRecord) -> Self {
        let state = &record.state;
        let leg = |leg: Leg| {
            let view = state.leg(leg)?;
            Some(LegView {
                leg,
                required: state.plan().is_some_and(|plan| plan.is_required(leg)),
                status: view.status,
                phase: view.phase,
                attempt: view.attempt,
                unsettled: view.unsettled.map(Operation::name),
                maybe_billed: view.maybe_billed,
                missing: view.missing.to_vec(),
                resubmissions: view.resubmissions,
                by_hand: view.by_hand,
                unknown_requests: view.unknown_requests,
                held: view.held.into_iter().map(Operation::name).collect(),
            })
        };
        let timers = state.timers().into_iter().map(|timer| TimerView {
            timer: timer.name.to_string(),
            at: timer.at,
        });
        let mut timers: Vec<_> = timers.collect();
        timers.sort_by_key(|timer| timer.at);
        Self {
            id: state.id().clone(),
            status: state.status(),
            has_ended: has_ended(record),
            receipt: state.receipt().cloned(),
            seq: state.seq().get(),
            created_at: record.created_at,
            updated_at: record.updated_at,
            legs: Leg::ALL.iter().copied().filter_map(leg).collect(),
            timers,
        }
    }
}

/// Whether nothing more happens by itself: optional legs go on after a journey has completed.
pub(crate) fn has_ended(record: &JourneyRecord) -> bool {
    let is_open = |leg: &Leg| record.state.leg_status(*leg) == LegStatus::Open;
    record.state.status().is_end() && !Leg::ALL.iter().any(is_open)
}

/// The journey of this id.
pub(crate) async fn find(server: &Inner, id: &str) -> Result<(JourneyId, JourneyRecord), Problem> {
    let id = JourneyId::parse(id).map_err(|_| Problem::no_journey())?;
    let record = server.engine.read(&id).await?;
    let record = record.ok_or_else(Problem::no_journey)?;
    Ok((id, record))
}

/// A reply that no cache keeps.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => {
            let mut response = (status, body).into_response();
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => {
            tracing::error!(category = ?error.classify(), "a reply cannot be written");
            Problem::internal().into_response()
        }
    }
}

/// The pairs of a query: each parameter is one of these, and given once unless it is the one that may be repeated.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn read(
        query: Option<&str>,
        known: &[&str],
        repeatable: Option<&str>,
    ) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs: Vec<(String, String)> = pairs.into_owned().collect();
        for (place, (name, _)) in pairs.iter().enumerate() {
            // A name that is not known may be anything, so that it is not repeated.
            if !known.contains(&name.as_str()) {
                let rule = format!("may have: {}", known.join(", "));
                return Err(Problem::invalid("query", rule));
            }
            let before = pairs.iter().take(place);
            if repeatable != Some(name.as_str())
                && before.into_iter().any(|(other, _)| other == name)
            {
                return Err(Problem::invalid(name.clone(), "must be given once"));
            }
        }
        Ok(Self(pairs))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(given, _)| given == name);
        named.map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &'static str) -> Result<Option<u64>, Problem> {
        let number = self.get(name).map(str::parse);
        number
            .transpose()
            .map_err(|_| Problem::invalid(name, "must be a whole number"))
    }

    /// How many are wanted, 1 to 100.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        const MOST: u64 = 100;

        match self.number("limit")?.unwrap_or(MOST) {
            limit @ 1..=MOST => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
            _ => Err(Problem::invalid("limit", "must be 1 to 100")),
        }
    }
}
