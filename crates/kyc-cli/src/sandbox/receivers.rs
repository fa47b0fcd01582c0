//! The receivers of webhooks that the environment configures, and words for what they receive.

use kyc_facade::finpro_fiu::{FinproEvent, FinproWebhooks};
use kyc_facade::provider_core::Settings;
use kyc_facade::provider_core::lenient::Printable;
use kyc_facade::provider_core::webhook::Receiver;
use kyc_facade::veriff_sessions::{CheckType, Verdict, VeriffEvent, VeriffWebhooks};

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
        VeriffEvent::FullAuto(_) => return "full_auto".to_owned(),
        VeriffEvent::UserDefinedStatus(_) => return "user_defined_status".to_owned(),
        VeriffEvent::Watchlist(screening) => {
            let why = screening.check_type.as_ref().map(CheckType::as_str);
            return format!("watchlist.{}", word(why.unwrap_or_default()));
        }
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

/// The events beside those that can be triggered: a receiver names each as a webhook's own words say.
const OTHER_EVENTS: [&str; 12] = [
    "veriff.event.waiting_complete",
    "veriff.decision.abandoned",
    "veriff.decision.expired_or_abandoned",
    "veriff.decision.unclear",
    "veriff.full_auto",
    "veriff.watchlist.updated_result",
    "veriff.unknown",
    "veriff.unreadable",
    "finpro.DATA_PUSH",
    "finpro.unknown",
    "finpro.unreadable",
    "finpass.hint",
];

/// The beginning of events' names that was meant, in the spelling of its names.
///
/// # Errors
///
/// No event begins so, with the name that is most like it.
pub(super) fn known_event(flag: &'static str, text: &str) -> Result<String, Failure> {
    let triggered = kyc_sandbox::Trigger::names();
    let names: Vec<String> = triggered.chain(OTHER_EVENTS.map(str::to_owned)).collect();
    let text = text.trim_end_matches('.');
    let begins = |name: &&String| begins(name, text) && !text.is_empty();
    if let Some(named) = names
        .iter()
        .find(begins)
        .and_then(|name| name.get(..text.len()))
    {
        return Ok(named.to_owned());
    }
    let text = text.to_ascii_lowercase();
    let distance = |name: &&String| strsim::levenshtein(&text, &name.to_ascii_lowercase());
    let nearest = names.iter().min_by_key(distance).map_or("", String::as_str);
    let rule = format!(
        "is no event, nor the beginning of one; the nearest is {nearest}, and `kyc trigger --list` has more"
    );
    Err(Failure::configuration(flag, rule))
}

/// Whether an event's name begins with these words, in upper or lower case: `veriff.decision` is every decision, and
/// `finpro.consent` whatever happens to a consent.
pub(super) fn begins(name: &str, words: &str) -> bool {
    name.split_at_checked(words.len())
        .is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(words) && (rest.is_empty() || rest.starts_with(['.', '_']))
        })
}

/// A provider's word, unless it looks like more than a word.
fn word(text: &str) -> String {
    Printable(text).as_str().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_that_can_be_triggered_is_known_whole_and_by_its_beginning() {
        let known = |text: &str| known_event("--events", text).ok();
        for name in kyc_sandbox::Trigger::names() {
            assert_eq!(known(&name).as_deref(), Some(name.as_str()));
            assert_eq!(known(&name.to_ascii_uppercase()), Some(name.clone()));
            let (provider, _) = name.split_once('.').unwrap();
            assert_eq!(known(provider).as_deref(), Some(provider));
        }
        assert_eq!(known("Veriff.Decision").as_deref(), Some("veriff.decision"));
        assert_eq!(known("finpro.consent").as_deref(), Some("finpro.CONSENT"));
        assert_eq!(known("veriff.").as_deref(), Some("veriff"));
        assert_eq!(known("finpass").as_deref(), Some("finpass"));
    }

    #[test]
    fn another_one_is_refused_with_the_nearest() {
        let refused = |text: &str| match known_event("--events", text) {
            Err(Failure::Error(error)) => error.to_string(),
            other => panic!("{text}: {other:?}"),
        };
        for (text, nearest) in [
            ("veriff.decision.aproved", "veriff.decision.approved"),
            ("finpro.consent_aproved", "finpro.CONSENT_APPROVED"),
            (
                "veriff.watchlist.initial_reslt",
                "veriff.watchlist.initial_result",
            ),
            ("veriff.decision.app", "veriff.decision."),
            ("finpas.hint", "finpass.hint"),
        ] {
            let told = refused(text);
            assert!(
                told.contains(&format!("the nearest is {nearest}")),
                "{told}"
            );
        }
        refused("acme.decision");
        refused("");
        refused("आ");
    }

    #[test]
    fn a_name_begins_with_whole_words() {
        assert!(begins("veriff.decision.approved", "veriff.decision"));
        assert!(begins("finpro.CONSENT_APPROVED", "finpro.consent"));
        assert!(begins(
            "veriff.watchlist.initial_result",
            "veriff.watchlist.initial_result"
        ));
        assert!(!begins("veriff.decision.approved", "veriff.decision.app"));
        assert!(!begins("veriff", "veriff.decision"));
    }
}
