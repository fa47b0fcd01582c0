//! The origin of an answer: which of several providers gave it.

use provider_core::capability::{
    AggregatorConsentSession, AggregatorStanding, AggregatorStandings, Document, DocumentList,
    DocumentSession, GrantedAccess, IdentityRecord, ProviderReference, RecordedConsent,
    VerificationDecision, VerificationSession,
};

/// An answer that can name the provider that gave it.
pub(crate) trait Origin {
    /// The provider that gave it, if it is named.
    fn origin(&self) -> Option<&'static str>;

    /// Names the provider that gave it, unless one is named already.
    fn set_origin(&mut self, provider: &'static str);

    /// The provider's id for what was done, if it gives one.
    fn reference(&self) -> Option<&ProviderReference>;
}

macro_rules! origin {
    ($($answer:ty: $answered:pat => $reference:expr),+ $(,)?) => {$(
        impl Origin for $answer {
            fn origin(&self) -> Option<&'static str> {
                self.provider
            }

            fn set_origin(&mut self, provider: &'static str) {
                self.provider.get_or_insert(provider);
            }

            fn reference(&self) -> Option<&ProviderReference> {
                let $answered = self;
                $reference
            }
        }
    )+};
}

origin!(
    RecordedConsent: answer => Some(&answer.reference),
    DocumentSession: answer => Some(&answer.reference),
    AggregatorStanding: _ => None,
    AggregatorConsentSession: answer => Some(&answer.reference),
    VerificationSession: answer => Some(&answer.reference),
    VerificationDecision: _ => None,
    GrantedAccess: _ => None,
    DocumentList: _ => None,
    Document: _ => None,
    IdentityRecord: _ => None,
);

impl Origin for AggregatorStandings {
    fn origin(&self) -> Option<&'static str> {
        self.first()?.origin()
    }

    fn set_origin(&mut self, provider: &'static str) {
        self.standings
            .iter_mut()
            .for_each(|answer| answer.set_origin(provider));
    }

    fn reference(&self) -> Option<&ProviderReference> {
        None
    }
}
