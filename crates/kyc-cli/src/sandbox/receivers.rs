//! The receivers of webhooks that the environment configures, and words for what they receive.

use kyc_facade::finpro_fiu::{FinproEvent, FinproWebhooks};
use kyc_facade::provider_core::Settings;
use kyc_facade::provider_core::lenient::Printable;
use kyc_facade::provider_core::webhook::Receiver;
use kyc_facade::veriff_sessions::{Verdict, VeriffEvent, VeriffWebhooks};

use crate::failure::Failure;

/// The receiver of Veriff's webhooks; none where its settings are not there.
pub(super) fn veriff_if_configured() -> Result<Option<Receiver<VeriffWebhooks>>, Failure> {
    let settings = Settings::environment();
    match settings.any(VeriffWebhooks::SETTINGS)? {
        true => veriff(&settings).map(Some),
        false => Ok(None),
    }
}

/// The receiver of Veriff's webhooks.
pub(super) fn veriff(settings: &Settings) -> Result<Receiver<VeriffWebhooks>, Failure> {
    Ok(Receiver::new(VeriffWebhooks::from_settings(settings)?))
}

/// The longest body.
pub(super) const MAX_BODY_BYTES: usize = Receiver::<VeriffWebhooks>::MAX_BODY_BYTES;

/// The receiver of FinPro's webhooks; none where its settings are not there.
pub(super) fn finpro_if_configured() -> Result<Option<Receiver<FinproWebhooks>>, Failure> {
    let settings = Settings::environment();
    match settings.any(FinproWebhooks::SETTINGS)? {
        true => finpro(&settings).map(Some),
        false => Ok(None),
    }
}

/// The receiver of FinPro's webhooks.
pub(super) fn finpro(settings: &Settings) -> Result<Receiver<FinproWebhooks>, Failure> {
    Ok(Receiver::new(FinproWebhooks::from_settings(settings)?))
}

/// What an event of FinPro is, in a word.
pub(super) fn finpro_words(event: &FinproEvent) -> String {
    match event {
        FinproEvent::Consent(event) => word(event.status.as_str()),
        FinproEvent::Data(event) => word(event.status.as_str()),
        FinproEvent::DataPush(_) => "DATA_PUSH".to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// What an event of Veriff is, in a word or two.
pub(super) fn veriff_words(event: &VeriffEvent) -> String {
    let decision = match event {
        VeriffEvent::Decision(decision) => decision.verdict(),
        VeriffEvent::Flow(flow) => {
            let action = flow.action.as_deref().unwrap_or_default();
            return format!("event.{}", word(action));
        }
        VeriffEvent::FullAuto(_) => return "full-auto".to_owned(),
        VeriffEvent::UserDefinedStatus(_) => return "user-defined-status".to_owned(),
        VeriffEvent::Watchlist(_) => return "watchlist".to_owned(),
        _ => return "unknown".to_owned(),
    };
    let word = match decision {
        Verdict::Approved => "approved",
        Verdict::Declined => "declined",
        Verdict::ResubmissionRequested => "resubmission_requested",
        Verdict::Expired => "expired",
        Verdict::Abandoned => "abandoned",
        Verdict::ExpiredOrAbandoned => "expired_or_abandoned",
        Verdict::Review => "review",
        _ => "unclear",
    };
    format!("decision.{word}")
}

/// A provider's word, unless it looks like more than a word.
fn word(text: &str) -> String {
    Printable(text).as_str().unwrap_or("unknown").to_owned()
}
