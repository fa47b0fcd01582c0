//! Providers' webhooks, as events of their journeys.

use kyc_journey::{
    Correlation, DataClass, Event, EventKey, Fact, Payload, Provider, SessionState, Source,
};
use provider_core::capability::ProviderReference;
use provider_core::http::HeaderMap;
use provider_core::jiff::Timestamp;
use provider_core::webhook::{EventKey as Identity, Receiver, Refusal, Scheme};
use provider_core::{InvalidRequest, Masked, Settings};

/// Verifies providers' webhooks, and says what they report in the journey's words. Without the settings of a provider, every webhook of it
/// is refused.
///
/// | provider | what counts |
/// |---|---|
/// | Veriff, FinPro | what is signed; whose journey it is says the body, and the path of the address only where the body does not |
/// | Finpass | nothing is signed, so it is a hint: a reason to ask, which the reply confirms; the token in the path says whose |
/// | Deepvue | sends none |
///
/// Each kind that is known and from which no journey follows anything is [`Fact::Noted`]: an integration's own status, scores,
/// pushed data. Each kind that is not known is [`Fact::Unrecognized`].
#[derive(Debug, Clone, Default)]
pub struct Webhooks {
    #[cfg(feature = "veriff")]
    veriff: Option<Receiver<veriff_sessions::VeriffWebhooks>>,
    #[cfg(feature = "finpro")]
    finpro: Option<Receiver<finpro_fiu::FinproWebhooks>>,
}

impl Webhooks {
    /// The longest body: 1 MiB.
    pub const MAX_BODY_BYTES: usize = 1024 * 1024;

    /// Refuses everything that has to be signed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the secrets of each provider of which any setting for webhooks is there.
    ///
    /// # Errors
    ///
    /// A setting is missing beside others of the same provider, or invalid; the error names it, never the value.
    pub fn from_settings(settings: &Settings) -> Result<Self, InvalidRequest> {
        let mut webhooks = Self::new();
        #[cfg(feature = "veriff")]
        // The API key is there for calls, too.
        if settings.any(&["VERIFF_WEBHOOK_SECRET"])? {
            let scheme = veriff_sessions::VeriffWebhooks::from_settings(settings)?;
            webhooks = webhooks.veriff(scheme);
        }
        #[cfg(feature = "finpro")]
        if settings.any(finpro_fiu::FinproWebhooks::SETTINGS)? {
            let scheme = finpro_fiu::FinproWebhooks::from_settings(settings)?;
            webhooks = webhooks.finpro(scheme);
        }
        Ok(webhooks)
    }

    /// Accepts Veriff's that are signed like this.
    #[cfg(feature = "veriff")]
    #[must_use]
    pub fn veriff(mut self, scheme: veriff_sessions::VeriffWebhooks) -> Self {
        self.veriff = Some(Receiver::new(scheme));
        self
    }

    /// Accepts FinPro's that are signed like this.
    #[cfg(feature = "finpro")]
    #[must_use]
    pub fn finpro(mut self, scheme: finpro_fiu::FinproWebhooks) -> Self {
        self.finpro = Some(Receiver::new(scheme));
        self
    }

    /// Whether a provider signs what it sends, so that what belongs to no journey yet may be kept.
    pub fn are_signed(provider: Provider) -> bool {
        matches!(provider, Provider::Veriff | Provider::FinPro)
    }

    /// The event that a webhook is: `about` is what stood in the path, if anything did. The same webhook is the same event; of Finpass,
    /// which names none, all that say the same within a minute.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: not authentic, of a provider that is not set up or sends none, too large; of Finpass, without a token.
    pub fn event(
        &self,
        provider: Provider,
        about: Option<Correlation>,
        headers: &HeaderMap,
        body: &[u8],
        at: Timestamp,
    ) -> Result<Event, Refusal> {
        if body.len() > Self::MAX_BODY_BYTES {
            return Err(Refusal::TooLarge);
        }
        match provider {
            #[cfg(feature = "veriff")]
            Provider::Veriff => match &self.veriff {
                Some(receiver) => veriff(receiver, about, headers, body, at),
                None => Err(Refusal::Unconfigured),
            },
            #[cfg(feature = "finpro")]
            Provider::FinPro => match &self.finpro {
                Some(receiver) => finpro(receiver, about, headers, body, at),
                None => Err(Refusal::Unconfigured),
            },
            #[cfg(feature = "finpass")]
            Provider::Finpass => finpass(about.ok_or(Refusal::WrongToken)?, body, at),
            _ => Err(Refusal::Unconfigured),
        }
    }
}

fn reference(id: &str) -> Option<ProviderReference> {
    ProviderReference::parse(id).ok()
}

fn named(text: Option<&str>, about: Option<Correlation>) -> Option<Correlation> {
    text.and_then(|text| Correlation::parse(text).ok())
        .or(about)
}

fn key<P: Scheme>(identity: Identity) -> EventKey {
    EventKey::hook(P::PROVIDER, identity.as_bytes())
}

#[cfg(feature = "veriff")]
fn veriff(
    receiver: &Receiver<veriff_sessions::VeriffWebhooks>,
    about: Option<Correlation>,
    headers: &HeaderMap,
    body: &[u8],
    at: Timestamp,
) -> Result<Event, Refusal> {
    use kyc_journey::{Screening, SessionNews};
    use veriff_sessions::{ScreeningFinding, Verdict, VeriffEvent, VeriffWebhooks};

    let verified = receiver.verify(headers, body, at)?;
    let key = key::<VeriffWebhooks>(verified.meta().key);
    let source = |session: Option<&str>, told: Option<&Masked>| {
        let session = session.and_then(reference);
        Source::new(session, named(told.map(Masked::expose), about))
    };
    let (fact, is_evidence) = match verified.parse() {
        Ok(VeriffEvent::Decision(event)) => match reference(&event.verification.id) {
            Some(session) => {
                let mut news = crate::veriff::news(&session, &event.verification);
                news.source.correlation = news.source.correlation.or(about);
                if event.verdict() == Verdict::Unclear {
                    news.state = SessionState::Unknown;
                }
                (Fact::Session(news.set_is_signed(true)), true)
            }
            None => (Fact::Unrecognized(source(None, None)), false),
        },
        Ok(VeriffEvent::Flow(event)) => {
            let source = source(Some(&event.session_id), event.vendor_data.as_ref());
            let fact = match event.state() {
                Some(state) => {
                    let attempt = event.attempt_id.as_deref().and_then(reference);
                    let news = SessionNews::new(source, crate::veriff::state(state));
                    Fact::Session(news.set_attempt(attempt).set_is_signed(true))
                }
                None => Fact::Unrecognized(source),
            };
            (fact, false)
        }
        Ok(VeriffEvent::Watchlist(event)) => {
            let source = source(Some(&event.session_id), event.vendor_data.as_ref());
            let needs_review = event.finding() != ScreeningFinding::NoMatch;
            (Fact::Screened(Screening::new(source, needs_review)), true)
        }
        Ok(other) => {
            let source = source(other.session_id(), None);
            match VeriffWebhooks::is_known(&other) {
                true => (Fact::Noted(source), false),
                false => (Fact::Unrecognized(source), false),
            }
        }
        // It is authentic, and would come again the same.
        Err(_) => (Fact::Unrecognized(source(None, None)), false),
    };
    let payload = is_evidence.then(|| Payload {
        class: DataClass::Evidence,
        content: Masked::new(String::from_utf8_lossy(body)),
    });
    Ok(Event::new(key, at, None, fact).set_payload(payload))
}

#[cfg(feature = "finpro")]
fn finpro(
    receiver: &Receiver<finpro_fiu::FinproWebhooks>,
    about: Option<Correlation>,
    headers: &HeaderMap,
    body: &[u8],
    at: Timestamp,
) -> Result<Event, Refusal> {
    use finpro_fiu::{AccountId, ConsentHandle, ConsentId, FinproEvent, FinproWebhooks, SessionId};
    use kyc_journey::{ConsentNews, DataNews};

    let verified = receiver.verify(headers, body, at)?;
    let key = key::<FinproWebhooks>(verified.meta().key);
    let source = |handle: Option<&ConsentHandle>, account: Option<&AccountId>| {
        let handle = handle.and_then(|handle| reference(handle.as_str()));
        Source::new(handle, named(account.map(AccountId::as_str), about))
    };
    let consent = |id: Option<&ConsentId>| id.and_then(|id| reference(id.as_str()));
    let fact = match verified.parse() {
        Ok(FinproEvent::Consent(event)) => {
            let source = source(Some(&event.consent_handle), event.account_id.as_ref());
            let news = ConsentNews::new(source, crate::finpro::consent_state(event.state()))
                .set_consent(consent(event.consent_id.as_ref()))
                .set_at(event.at());
            Fact::Consent(news)
        }
        Ok(FinproEvent::Data(event)) => {
            let source = source(Some(&event.consent_handle), event.account_id.as_ref());
            let session = event.session_id.as_ref().map(SessionId::as_str);
            let (delivered, accounts) = crate::finpro::counts(&event.link_ref_numbers);
            let news = DataNews::new(source, crate::finpro::data_state(&event.status))
                .set_consent(consent(event.consent_id.as_ref()))
                .set_session(session.and_then(reference))
                .set_delivered(delivered, accounts)
                .set_until(crate::finpro::time(event.data_expiry.as_deref()))
                .set_at(event.at());
            Fact::Data(news)
        }
        // What it brings along is fetched instead: its form is documented nowhere.
        Ok(other) => {
            let source = source(other.consent_handle(), None);
            match FinproWebhooks::is_known(&other) {
                true => Fact::Noted(source),
                false => Fact::Unrecognized(source),
            }
        }
        Err(_) => Fact::Unrecognized(source(None, None)),
    };
    Ok(Event::new(key, at, None, fact))
}

/// What the body says is not read: whoever knows the address could name another person's session in it.
#[cfg(feature = "finpass")]
fn finpass(about: Correlation, body: &[u8], at: Timestamp) -> Result<Event, Refusal> {
    const MINUTE: i64 = 60;

    if body.len() > finpass::FinpassHints::MAX_BODY_BYTES {
        return Err(Refusal::TooLarge);
    }
    let minute = at.as_second().div_euclid(MINUTE).to_be_bytes();
    let provider = Provider::Finpass.as_str();
    let about_bytes = about.expose();
    let identity = Identity::of(provider, &[about_bytes.as_bytes(), &minute, body]);
    let key = EventKey::hook(provider, identity.as_bytes());
    let fact = Fact::Hint(Source::new(None, Some(about)));
    Ok(Event::new(key, at, None, fact))
}
