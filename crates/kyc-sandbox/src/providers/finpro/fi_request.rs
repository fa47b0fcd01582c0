//! FI requests and their status.
//!
//! Members and the words of a status are documented; errors and outcomes are the sandbox's own choice.

use jiff::Timestamp;

use super::Finpro;
use super::body::{Refused, RequestBody, invalid};
use super::webhooks::without_zone;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::providers::address::millis;
use crate::state::{
    AggregatorConsent, AggregatorConsentStatus, DataSession, LinkedAccount, MobileScript, Pending,
    Provider, Range, Timer, iso,
};

pub(super) fn request(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let id = body.required("consentId")?;
        let range = range(body, "fiDataRangeFrom", "fiDataRangeTo")?;
        let consent = finpro.active_consent(id)?;
        let script = consent.script.map(MobileScript::data);
        let now_ms = finpro.simulation.now_ms();
        let life_ms = script.and_then(|script| script.life_ms);
        let life_ms = life_ms.unwrap_or(millis(*finpro.settings.data_life()));
        let session = DataSession {
            id: finpro.simulation.ids.uuid().to_string(),
            consent_id: id.to_owned(),
            outcome: script.map_or(*finpro.settings.data_outcome(), |script| script.outcome),
            pending: match script {
                Some(_) => Pending::Timer,
                None => Pending::Polls(*finpro.settings.pending_polls()),
            },
            first: finpro
                .sessions
                .filter(|session| session.consent_id == id)
                .is_empty(),
            requested_ms: now_ms,
            expires_ms: now_ms.saturating_add(life_ms),
            range,
        };
        if let Some(after_ms) = script.and_then(|script| script.after_ms) {
            let timer = Timer::Data {
                session: session.id.as_str().into(),
            };
            let simulation = &finpro.simulation;
            simulation.after(after_ms, Provider::Finpro, consent.journey, timer);
        }
        let data = Json::Object(vec![
            ("consentId", id.into()),
            ("sessionId", session.id.as_str().into()),
        ]);
        let effect = session.id.clone();
        finpro.sessions.add(session.clone());
        if !session.is_pending() {
            finpro.data_arrived(&session);
        }
        // No `status`, as documented.
        let reply = Json::Object(vec![
            ("ver", "1.21.0".into()),
            ("timestamp", iso(finpro.simulation.clock.now_ms()).into()),
            ("response", "ok".into()),
            ("data", data),
        ]);
        Ok(Reply::json(200, &reply)
            .with_effect(effect)
            .of_journey(consent.journey)
            .with_change("data session begun"))
    })
}

pub(super) fn status(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let (id, handle, session) = (
            body.text("consentId")?,
            body.text("consentHandle")?,
            body.text("sessionId")?,
        );
        if id.is_none() && handle.is_none() && session.is_none() {
            return Err(invalid("consentId, consentHandle or sessionId is required"));
        }
        let of = |consent: &AggregatorConsent| {
            id.is_none_or(|id| consent.id == id)
                && handle.is_none_or(|handle| consent.handle == handle)
        };
        let consents = finpro.consents.filter(of);
        let is = |asked: &DataSession| {
            session.is_none_or(|id| asked.id == id)
                && consents
                    .iter()
                    .any(|consent| consent.id == asked.consent_id)
        };
        let polled = finpro
            .sessions
            .change(is, |session| (session.clone(), session.poll()));
        let found = polled.and_then(|(session, (outcome, arrives))| {
            if arrives {
                finpro.data_arrived(&session);
            }
            let mut consents = consents.iter();
            let consent = consents.find(|consent| consent.id == session.consent_id)?;
            Some((consent, session, outcome))
        });
        let (consent, session, outcome) = found.ok_or(invalid("No such session"))?;
        let account = |(index, account): (usize, &LinkedAccount)| {
            Json::Object(vec![
                ("linkRefNumber", account.link.as_str().into()),
                ("fiStatus", DataSession::words(outcome, index).1.into()),
                ("fipName", account.bank.into()),
                ("fipId", account.fip_id.as_str().into()),
                ("maskedAccountNumber", account.masked_number.as_str().into()),
            ])
        };
        let requested = iso(session.requested_ms);
        let expiry = iso(session.expires_ms);
        let data = Json::Object(vec![
            ("timestamp", requested.as_str().into()),
            ("consentHandle", consent.handle.as_str().into()),
            ("eventType", "DATA".into()),
            ("eventStatus", DataSession::words(outcome, 0).0.into()),
            ("consentId", consent.id.as_str().into()),
            ("vua", consent.vua.as_str().into()),
            ("eventMessage", "Invented".into()),
            ("datafetchDate", requested.into()),
            ("productID", consent.product.as_str().into()),
            ("accountID", consent.account.as_deref().into()),
            ("fetchType", "PERIODIC".into()),
            ("consentExpiry", without_zone(consent.expires_ms).into()),
            ("sessionId", session.id.as_str().into()),
            ("dataExpiry", expiry.into()),
            ("firstTimeFetch", session.first.into()),
            (
                "linkRefNumbers",
                Json::List(consent.accounts.iter().enumerate().map(account).collect()),
            ),
        ]);
        let reply = finpro.success(vec![("message", "Invented".into()), ("data", data)]);
        Ok(reply.of_journey(consent.journey))
    })
}

/// The range between two moments. Refuses one that is not ISO 8601, and a range that ends before it begins.
pub(super) fn range(body: &RequestBody<'_>, from: &str, to: &str) -> Result<Range, Refused> {
    range_between(body.text(from)?, body.text(to)?)
}

/// The same of two texts.
pub(super) fn range_between(from: Option<&str>, to: Option<&str>) -> Result<Range, Refused> {
    let moment = |text: Option<&str>| -> Result<Option<Timestamp>, Refused> {
        let parsed = text.map(|text| text.parse().map_err(|_| invalid("a date is not ISO 8601")));
        parsed.transpose()
    };
    let (from, to) = (moment(from)?, moment(to)?);
    match from.zip(to) {
        Some((from, to)) if to < from => Err(invalid("the range ends before it begins")),
        _ => Ok(Range { from, to }),
    }
}

/// The consent, if it is active.
pub(super) fn active(consent: AggregatorConsent) -> Result<AggregatorConsent, Refused> {
    match consent.status {
        AggregatorConsentStatus::Active => Ok(consent),
        _ => Err(("InvalidStatus", "The consent is not active")),
    }
}

impl Finpro {
    /// The approved consent with this id.
    pub(super) fn consent(&self, id: &str) -> Result<AggregatorConsent, Refused> {
        let found = self
            .consents
            .find(|consent| consent.approved_id() == Some(id));
        found.ok_or(("InvalidConsentId", "No such consent"))
    }

    /// The active consent with this id.
    pub(super) fn active_consent(&self, id: &str) -> Result<AggregatorConsent, Refused> {
        active(self.consent(id)?)
    }
}
