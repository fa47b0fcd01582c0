//! Veriff's webhooks: decisions, events, screening, statuses of the portal, and decisions of the fully automatic plan.
//!
//! The members are documented; the kind in a status webhook was cut off, and of the fully automatic one only the score, the
//! insights and the person are. Bodies are signed as replies are.

use uuid::Uuid;

use super::decision::verification;
use super::options::ReplySigning;
use super::screening;
use super::sessions::{PortalStatus, Session};
use super::{FOREIGN_CLIENT, Veriff, sign};
use crate::exchange::Json;
use crate::state::{Decided, DecisionStatus, Provider, Webhook, WebhookDraft, WebhookSigning, iso};
use crate::webhooks::script::{Content, Place, plan};

/// From where the person came: an address that is nobody's.
const IP: &str = "192.0.2.1";
/// A secret that was never the integration's.
const FORGED: &str = "forged";

impl Veriff {
    /// Tells that a person came or handed in.
    pub(super) fn tell_event(&self, id: Uuid, session: &Session, code: u16, action: &'static str) {
        if !self.settings.event_webhooks() {
            return;
        }
        let number = session.verification.number();
        let body = Json::Object(vec![
            ("id", id.to_string().into()),
            ("attemptId", Self::attempt(id, number).to_string().into()),
            ("feature", "selfid".into()),
            ("code", code.into()),
            ("action", action.into()),
            ("vendorData", session.given.vendor_data.clone().into()),
            ("endUserId", session.given.end_user_id.clone().into()),
        ]);
        let event = match code {
            7001 => "event.started",
            _ => "event.submitted",
        };
        self.send(session, event, &body);
    }

    /// Tells what was decided.
    pub(super) fn tell_decision(&self, id: Uuid, session: &Session) {
        let Some((number, decided)) = session.verification.decision() else {
            return;
        };
        if *self.settings.full_auto() {
            let body = self.full_auto(id, session, number, decided);
            return self.send(session, "full_auto", &body);
        }
        let event = match decided.status {
            DecisionStatus::Approved => "decision.approved",
            DecisionStatus::Declined => "decision.declined",
            DecisionStatus::ResubmissionRequested => "decision.resubmission_requested",
            DecisionStatus::Expired => "decision.expired",
            DecisionStatus::Abandoned => "decision.abandoned",
            DecisionStatus::Review => "decision.review",
        };
        let body = Json::Object(vec![
            ("status", "success".into()),
            (
                "verification",
                verification(&id.to_string(), id, session, number, decided),
            ),
            ("technicalData", Json::Object(vec![("ip", IP.into())])),
        ]);
        self.send(session, event, &body);
    }

    fn full_auto(&self, id: Uuid, session: &Session, number: usize, decided: Decided) -> Json {
        let approved = decided.status == DecisionStatus::Approved;
        let (status, _) = decided.status.pair();
        let (first_name, last_name) = session.names();
        let person = vec![
            ("firstName", first_name.into()),
            ("lastName", last_name.into()),
        ];
        let insight = Json::Object(vec![
            ("label", "documentRecognised".into()),
            ("result", if approved { "yes" } else { "no" }.into()),
            ("category", "document".into()),
        ]);
        let score = if approved { "0.98" } else { "0.12" };
        let verification = vec![
            ("decisionScore", Json::Decimal(score.to_owned())),
            ("decision", status.into()),
            ("person", Json::Object(person)),
            ("insights", Json::List(vec![insight])),
        ];
        Json::Object(vec![
            ("status", "success".into()),
            ("eventType", "fullauto".into()),
            ("sessionId", id.to_string().into()),
            ("attemptId", Self::attempt(id, number).to_string().into()),
            ("vendorData", session.given.vendor_data.clone().into()),
            ("endUserId", session.given.end_user_id.clone().into()),
            ("time", iso(decided.at_ms).into()),
            (
                "data",
                Json::Object(vec![("verification", Json::Object(verification))]),
            ),
        ])
    }

    /// Tells what screening found.
    pub(super) fn tell_screening(&self, id: Uuid, session: &Session) {
        let Some(screened) = session.screened else {
            return;
        };
        if !self.settings.screening_webhooks() {
            return;
        }
        let event = match screened.is_update {
            true => "watchlist.updated_result",
            false => "watchlist.initial_result",
        };
        let body = screening::body(&id.to_string(), id, session, screened);
        self.send(session, event, &body);
    }

    /// Tells that somebody gave the session a status in the portal.
    pub(super) fn tell_portal_status(&self, id: Uuid, session: &Session, made: &PortalStatus) {
        let verification = vec![
            ("id", id.to_string().into()),
            ("userDefinedData", made.members()),
        ];
        let attempt = Self::attempt(id, made.attempt).to_string();
        let body = Json::Object(vec![
            (
                "data",
                Json::Object(vec![("verification", Json::Object(verification))]),
            ),
            ("time", iso(made.at_ms).into()),
            ("attemptId", attempt.into()),
            ("eventType", "user-status.created".into()),
        ]);
        self.send(session, "user_defined_status", &body);
    }

    /// Makes the webhook, or what the person's number makes of it.
    fn send(&self, session: &Session, event: &'static str, body: &Json) {
        let place = match event {
            "event.started" => Place::First,
            _ => Place::Later,
        };
        let digit = session.mobile.map_or(0, |script| script.webhook);
        for planned in plan(digit, place) {
            let strange;
            let (event, body) = match planned.content {
                Content::Genuine => (event, body),
                Content::Strange => {
                    strange = strange_body();
                    ("strange", &strange)
                }
            };
            let draft = WebhookDraft {
                provider: Provider::Veriff,
                event,
                journey: session.journey,
                url: None,
                body: match self.settings.reply_signing() {
                    ReplySigning::ReserialisedAfterSigning => body.to_spaced(),
                    _ => body.to_compact(),
                },
            };
            self.simulation
                .webhook(draft, planned.signing, planned.repeats, planned.after_ms);
        }
    }

    /// The headers of a webhook: those of a reply with its body.
    pub(super) fn headers_of(&self, webhook: &Webhook) -> Vec<(&'static str, String)> {
        let body = &webhook.body;
        let secret = match webhook.signing {
            WebhookSigning::Genuine => None,
            WebhookSigning::OldSecret => Some(self.settings.old_secret().as_str()),
            WebhookSigning::Forged => Some(FORGED),
            WebhookSigning::Unsigned => return Vec::new(),
        };
        if let Some(secret) = secret {
            // In the places of a genuine one, so that nothing but the signature is wrong.
            let pair = Some((self.settings.api_key().as_str(), sign(secret, body)));
            return match self.settings.reply_signing() {
                ReplySigning::XPairOnly => signed_pairs(pair, None),
                ReplySigning::VrfPairOnly => signed_pairs(None, pair),
                _ => signed_pairs(pair.clone(), pair),
            };
        }
        if *self.settings.reply_signing() == ReplySigning::ReserialisedAfterSigning {
            let value = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
            return self.signature_headers(value.to_string().as_bytes());
        }
        self.signature_headers(body)
    }

    /// The headers over these bytes, as [`ReplySigning`] says.
    pub(super) fn signature_headers(&self, signed: &[u8]) -> Vec<(&'static str, String)> {
        let settings = &self.settings;
        let current = settings.secrets().first().map_or("", String::as_str);
        let signature = sign(current, signed);
        let old = || sign(settings.old_secret(), signed);
        let ours = settings.api_key().as_str();

        let (x, vrf) = match settings.reply_signing() {
            ReplySigning::BothPairs | ReplySigning::ReserialisedAfterSigning => {
                (Some((ours, signature.clone())), Some((ours, signature)))
            }
            ReplySigning::XPairOnly => (Some((ours, signature)), None),
            ReplySigning::VrfPairOnly => (None, Some((ours, signature))),
            ReplySigning::DifferingPairs => (Some((ours, signature)), Some((ours, old()))),
            ReplySigning::Unsigned => (None, None),
            ReplySigning::UpperCaseHex => {
                let upper = signature.to_ascii_uppercase();
                (Some((ours, upper.clone())), Some((ours, upper)))
            }
            ReplySigning::OldSecret => (Some((ours, old())), Some((ours, old()))),
            ReplySigning::ForeignClient => (
                Some((FOREIGN_CLIENT, signature.clone())),
                Some((FOREIGN_CLIENT, signature)),
            ),
        };
        signed_pairs(x, vrf)
    }
}

/// The headers with the two pairs of a client and its signature.
fn signed_pairs(
    x: Option<(&str, String)>,
    vrf: Option<(&str, String)>,
) -> Vec<(&'static str, String)> {
    let x = x.into_iter().flat_map(|(client, signature)| {
        [
            ("x-auth-client", client.to_owned()),
            ("x-hmac-signature", signature),
        ]
    });
    let vrf = vrf.into_iter().flat_map(|(client, signature)| {
        [
            ("vrf-auth-client", client.to_owned()),
            ("vrf-hmac-signature", signature),
        ]
    });
    x.chain(vrf).collect()
}

impl PortalStatus {
    /// The members in which it is told and listed.
    pub(super) fn members(&self) -> Json {
        let code = self.status.to_lowercase().replace(' ', "_");
        Json::Object(vec![
            ("reason", self.reason.clone().into()),
            ("reasonCode", Json::Null),
            ("status", self.status.clone().into()),
            ("statusCode", code.into()),
            ("createdAt", iso(self.at_ms).into()),
        ])
    }
}

/// What no page tells of.
fn strange_body() -> Json {
    Json::Object(vec![
        ("eventType", "sandbox.strange".into()),
        ("unheardOf", Json::List(vec![1_u16.into(), Json::Null])),
    ])
}
