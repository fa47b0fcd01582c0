//! A browser's return, as an event of its journey.

use kyc_journey::{
    Correlation, DataClass, Event, EventKey, Fact, Payload, Provider, Return, ReturnEnd, Source,
};
use provider_core::Masked;
#[cfg(feature = "deepvue")]
use provider_core::capability::ProviderReference;
use provider_core::jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// The longest query that is read.
const MAX_LEN: usize = 16 * 1024;

/// Reads browsers' returns to [`return_url`](crate::Addresses::return_url). A return proves nothing but what it says.
#[derive(Debug, Clone, Default)]
pub struct Returns {
    #[cfg(feature = "deepvue")]
    digilocker: deepvue_digilocker::ReturnForm,
}

impl Returns {
    /// Reads the parameters under the names that are likely.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads DigiLocker's parameters under other names: no page of Deepvue names them (`[unknown]`).
    #[cfg(feature = "deepvue")]
    #[must_use]
    pub fn with_digilocker_form(mut self, form: deepvue_digilocker::ReturnForm) -> Self {
        self.digilocker = form;
        self
    }

    /// The event that a return is: `correlation` is what stood in the path, and `url` the address that the browser opened. The same
    /// return is the same event.
    ///
    /// `None` for a return without parameters, such as a preview of the link, and for one with more than 16 KiB of them: it changes
    /// nothing.
    pub fn event(
        &self,
        provider: Provider,
        correlation: Correlation,
        url: &str,
        at: Timestamp,
    ) -> Option<Event> {
        let (_, query) = url.split('#').next()?.split_once('?')?;
        if query.is_empty() || query.len() > MAX_LEN {
            return None;
        }
        let query = format!("?{query}");
        let (reference, end, payload) = match provider {
            #[cfg(feature = "deepvue")]
            Provider::Deepvue => self.digilocker(&query),
            // FinPro alone can read it.
            Provider::FinPro => (None, ReturnEnd::Unclear, Some(query.clone())),
            // What the others add is documented nowhere: the person is back, which is a reason to look.
            _ => (None, ReturnEnd::Unclear, None),
        };
        let mut digest = Sha256::new();
        digest.update(correlation.expose());
        digest.update(&query);
        let source = Source::new(reference, Some(correlation));
        let fact = Fact::Returned(Return::new(source, end));
        let key = EventKey::person(&digest.finalize().into());
        let payload = payload.map(|content| Payload {
            class: DataClass::Codes,
            content: Masked::new(content),
        });
        Some(Event::new(key, at, Some(correlation.leg), fact).set_payload(payload))
    }

    /// The session that DigiLocker's return names, how it ended, and the code. Whether the session is the journey's own, the journey
    /// decides.
    #[cfg(feature = "deepvue")]
    fn digilocker(&self, query: &str) -> (Option<ProviderReference>, ReturnEnd, Option<String>) {
        use deepvue_digilocker::BrowserReturn;

        let (session, said) = self.digilocker.read_unmatched(query);
        let reference = session.and_then(|id| ProviderReference::parse(id.as_str()).ok());
        match said {
            BrowserReturn::Approved(code) => {
                let code = Some(code.expose().to_owned());
                (reference, ReturnEnd::Approved, code)
            }
            BrowserReturn::Denied => (reference, ReturnEnd::Denied, None),
            _ => (reference, ReturnEnd::Unclear, None),
        }
    }
}
