//! Webhooks about consents and data.
//!
//! Their members and words are documented, and that they are signed with HMAC-SHA256. The header, the encoding and what exactly is
//! signed are the sandbox's own choice, by settings.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Finpro;
use super::options::{WebhookCategory, WebhookEncoding, WebhookPayload};
use crate::exchange::Json;
use crate::state::{
    AggregatorConsent, AggregatorConsentStatus, DataOutcome, DataSession, LinkedAccount, Provider,
    Webhook, WebhookDraft, WebhookSigning, iso,
};
use crate::webhooks::script::{Content, Place, plan};

/// What the event of something is called that is on no page.
const STRANGE: &str = "CONSENT_SOMETHING_NEW";
/// A secret that was never FinPro's.
const FORGERS_SECRET: &str = "a secret of somebody else";

/// A moment as FinPro writes a consent's end in webhooks: without a zone.
pub(super) fn without_zone(ms: i64) -> String {
    iso(ms).get(..19).unwrap_or_default().replace('T', " ")
}

impl Finpro {
    /// Tells that a consent's status became another one.
    pub(super) fn tell_status(&self, consent: &AggregatorConsent, before: AggregatorConsentStatus) {
        use AggregatorConsentStatus::{Active, Expired, Paused, Pending, Rejected, Revoked};

        let (event, message) = match (before, consent.status) {
            (Paused, Active) => ("CONSENT_RESUMED", "The customer resumed the consent"),
            (_, Active) => ("CONSENT_APPROVED", "The customer approved the consent"),
            (_, Rejected) => ("CONSENT_REJECTED", "The customer rejected the consent"),
            (_, Paused) => ("CONSENT_PAUSED", "The customer paused the consent"),
            (_, Revoked) => ("CONSENT_REVOKED", "The consent was revoked"),
            (_, Expired) => ("CONSENT_EXPIRED", "The consent is over"),
            (_, Pending) => return,
        };
        let place = match before {
            Pending => Place::First,
            _ => Place::Later,
        };
        self.tell(
            consent,
            WebhookCategory::Consent,
            event,
            place,
            message,
            Vec::new(),
        );
    }

    /// Tells how a data session ended.
    pub(super) fn tell_data(&self, consent: &AggregatorConsent, session: &DataSession) {
        let (event, message) = match session.outcome {
            DataOutcome::Ready | DataOutcome::Partial => ("DATA_READY", "Data is ready"),
            DataOutcome::Timeout => ("SESSION_FAILED", "The institution did not answer"),
            DataOutcome::Expired => ("SESSION_EXPIRED", "The session's time ran out"),
            DataOutcome::Denied => ("DATA_DENIED", "The data was refused"),
        };
        let extended = *self.settings.webhook_payload() == WebhookPayload::Extended;
        let account = |(index, account): (usize, &LinkedAccount)| {
            // Webhooks and the status call have different words.
            let status = match DataSession::words(Some(session.outcome), index).1 {
                "DELIVERED" => "READY",
                other => other,
            };
            let mut members = vec![
                ("linkRefNumber", account.link.as_str().into()),
                ("fiStatus", status.into()),
            ];
            if extended {
                members.extend([
                    ("fipName", "Invented Bank".into()),
                    ("fipId", account.fip_id.as_str().into()),
                    ("maskedAccountNumber", account.masked_number.as_str().into()),
                ]);
            }
            Json::Object(members)
        };
        let mut members = Vec::new();
        if session.outcome != DataOutcome::Expired {
            let accounts = consent.accounts.iter().enumerate().map(account);
            members.push(("linkRefNumbers", Json::List(accounts.collect())));
        }
        if extended {
            members.push(("sessionId", session.id.as_str().into()));
        }
        if extended && event == "DATA_READY" {
            members.extend([
                ("dataExpiry", iso(session.expires_ms).into()),
                // A text, as it is reported to be.
                ("firstTimeFetch", session.first.to_string().into()),
            ]);
        }
        self.tell(
            consent,
            WebhookCategory::Data,
            event,
            Place::Later,
            message,
            members,
        );
        let is_wanted = self
            .settings
            .webhook_categories()
            .contains(&WebhookCategory::DataExt);
        // The data of a year is made for those alone who want it.
        if event == "DATA_READY"
            && is_wanted
            && let Ok(accounts) = self.delivered(consent)
        {
            let data = serde_json::from_slice::<serde_json::Value>(self.data(&accounts).body());
            let data = data
                .ok()
                .and_then(|mut data| Some(data.get_mut("data")?.take()));
            let members = data.map(|data| ("data", Json::Echo(data)));
            self.tell(
                consent,
                WebhookCategory::DataExt,
                "DATA_PUSH",
                Place::Later,
                "Data is ready",
                members.into_iter().collect(),
            );
        }
    }

    fn tell(
        &self,
        consent: &AggregatorConsent,
        category: WebhookCategory,
        event: &'static str,
        place: Place,
        message: &str,
        members: Vec<(&'static str, Json)>,
    ) {
        if !self.settings.webhook_categories().contains(&category) {
            return;
        }
        let digit = consent.script.map_or(0, |script| script.webhook);
        for planned in plan(digit, place) {
            let strange = planned.content == Content::Strange;
            let event = if strange { STRANGE } else { event };
            let mut body = self.common(consent, category, event, message);
            body.extend(members.iter().cloned());
            if strange {
                body.push(("memberOnNoPage", Json::List(vec![Json::Null])));
            }
            let draft = WebhookDraft {
                provider: Provider::Finpro,
                event,
                journey: consent.journey,
                url: None,
                body: Json::Object(body).to_compact(),
            };
            self.simulation
                .webhook(draft, planned.signing, planned.repeats, planned.after_ms);
        }
    }

    /// The members of every webhook.
    fn common(
        &self,
        consent: &AggregatorConsent,
        category: WebhookCategory,
        event: &'static str,
        message: &str,
    ) -> Vec<(&'static str, Json)> {
        let kind = match category {
            WebhookCategory::Consent => "CONSENT",
            WebhookCategory::Data => "DATA",
            WebhookCategory::DataExt => "DATA_EXT",
        };
        let extended = *self.settings.webhook_payload() == WebhookPayload::Extended;
        let id = match consent.approved_id() {
            Some(id) => id,
            None => self.rejected_id(consent),
        };
        let vua = if extended {
            masked(&consent.vua)
        } else {
            consent.vua.clone()
        };
        let mut members = vec![
            ("timestamp", iso(self.simulation.now_ms()).into()),
            ("consentHandle", consent.handle.as_str().into()),
            ("eventType", kind.into()),
            ("eventStatus", event.into()),
            ("consentId", id.into()),
            ("vua", vua.into()),
            ("eventMessage", message.into()),
        ];
        if extended {
            members.extend([
                ("productID", consent.product.as_str().into()),
                ("accountID", consent.account.as_deref().into()),
                ("fetchType", "PERIODIC".into()),
                ("consentExpiry", without_zone(consent.expires_ms).into()),
            ]);
        }
        members
    }

    /// What stands for the id of a consent that was never given: both documented forms, in turn.
    fn rejected_id(&self, consent: &AggregatorConsent) -> &'static str {
        let refused = |other: &AggregatorConsent| {
            other.vua == consent.vua && other.status == AggregatorConsentStatus::Rejected
        };
        match self.consents.filter(refused).len() {
            0 | 1 => "",
            count if count.is_multiple_of(2) => "<NULL>",
            _ => "",
        }
    }

    /// The header with a webhook's signature.
    pub(super) fn signature(&self, webhook: &Webhook) -> Option<(Cow<'static, str>, String)> {
        let settings = &self.settings;
        let secret = match webhook.signing {
            WebhookSigning::Genuine => settings.webhook_secret(),
            WebhookSigning::OldSecret => settings.old_webhook_secret(),
            WebhookSigning::Forged => FORGERS_SECRET,
            WebhookSigning::Unsigned => return None,
        };
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
        let mac = mac.chain_update(&webhook.body).finalize().into_bytes();
        let written = match settings.webhook_encoding() {
            WebhookEncoding::Hex => hex::encode(mac),
            WebhookEncoding::Base64 => STANDARD.encode(mac),
        };
        let value = format!("{}{written}", settings.webhook_prefix());
        Some((settings.webhook_header().clone().into(), value))
    }
}

/// A virtual user account as extended webhooks have it, with the last three characters of the user.
fn masked(vua: &str) -> String {
    let (user, aggregator) = vua.split_once('@').unwrap_or((vua, ""));
    let hidden = user.chars().count().saturating_sub(3);
    let shown: String = user.chars().skip(hidden).collect();
    format!("{}{shown}@{aggregator}", "X".repeat(hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_characters_of_a_user_are_shown() {
        assert_eq!(masked("9001000773@onemoney"), "XXXXXXX773@onemoney");
        assert_eq!(masked("\u{905}b@x"), "\u{905}b@x");
    }

    #[test]
    fn a_moment_has_no_zone() {
        assert_eq!(without_zone(1_893_456_000_000), "2030-01-01 00:00:00");
    }
}
