//! Veriff as a [`ConsentRecorder`].

use provider_core::capability::{
    ConsentKind, ConsentRecorder, ConsentStatement, ProviderReference, RecordedConsent,
};
use provider_core::{Endpoint, Error, Provider, async_trait};

use crate::{ConsentClient, ConsentType, RecordConsent, SessionId, Veriff};

#[async_trait]
impl ConsentRecorder for ConsentClient {
    fn provider(&self) -> &'static str {
        Veriff::NAME
    }

    async fn record_consent(&self, consent: ConsentStatement) -> Result<RecordedConsent, Error> {
        let at_operation =
            |error| Error::from(error).at(Veriff::NAME, RecordConsent::OPERATION.name);
        let consent_type = match consent.kind {
            ConsentKind::Aadhaar => ConsentType::Aadhaar,
            ConsentKind::Ine => ConsentType::Ine,
            ConsentKind::Bipa => ConsentType::Bipa,
            other => ConsentType::from(other.as_str()),
        };
        let session_id = SessionId::parse(&consent.session).map_err(at_operation)?;
        let request = RecordConsent::new(session_id, consent_type, consent.approved, consent.text);
        let recorded = self.record_consent(request).await?.into_value();
        let reference = ProviderReference::parse(recorded.id).map_err(at_operation)?;
        Ok(RecordedConsent { reference })
    }
}
