//! Who gave an answer, where several providers may have.

use provider_core::capability::{
    AggregatorConsentSession, AggregatorStanding, DocumentSession, RecordedConsent,
};

/// An answer that can say which provider gave it.
pub(crate) trait GivenBy {
    /// Who gave it, if it says so.
    fn given_by(&self) -> Option<&'static str>;

    /// Says who gave it, unless it does already.
    fn name(&mut self, provider: &'static str);
}

macro_rules! given_by {
    ($($answer:ty),+) => {$(
        impl GivenBy for $answer {
            fn given_by(&self) -> Option<&'static str> {
                self.provider
            }

            fn name(&mut self, provider: &'static str) {
                self.provider.get_or_insert(provider);
            }
        }
    )+};
}

given_by!(
    RecordedConsent,
    DocumentSession,
    AggregatorStanding,
    AggregatorConsentSession
);

impl<T: GivenBy> GivenBy for Vec<T> {
    fn given_by(&self) -> Option<&'static str> {
        self.first()?.given_by()
    }

    fn name(&mut self, provider: &'static str) {
        self.iter_mut().for_each(|answer| answer.name(provider));
    }
}
