//! Veriff as a [`ConsentRecorder`].

use provider_core::capability::{
    ConsentKind, ConsentRecorder, ConsentStatement, ProviderReference, RecordedConsent,
};
use provider_core::{
    CallOptions, DecodeError, Endpoint, Error, Idempotency, InvalidRequest, Provider, async_trait,
};

use crate::{ConsentClient, ConsentType, RecordConsent, SessionId, Veriff};

fn at_operation(error: impl Into<Error>) -> Error {
    error.into().at(Veriff::NAME, RecordConsent::OPERATION.name)
}

fn request(consent: &ConsentStatement) -> Result<RecordConsent, InvalidRequest> {
    Ok(RecordConsent::new(
        SessionId::parse(&consent.session)?,
        match &consent.kind {
            ConsentKind::Aadhaar => ConsentType::Aadhaar,
            ConsentKind::Ine => ConsentType::Ine,
            ConsentKind::Bipa => ConsentType::Bipa,
            other => ConsentType::from(other.as_str()),
        },
        consent.answer,
        consent.text.clone(),
    ))
}

#[async_trait]
impl ConsentRecorder for ConsentClient {
    fn provider_name(&self) -> &'static str {
        Veriff::NAME
    }

    fn idempotency(&self) -> Idempotency {
        RecordConsent::OPERATION.idempotency
    }

    fn check_consent(&self, consent: &ConsentStatement) -> Result<(), Error> {
        self.client()
            .check(&request(consent).map_err(at_operation)?)
    }

    async fn record_consent(
        &self,
        consent: ConsentStatement,
        options: CallOptions,
    ) -> Result<RecordedConsent, Error> {
        let request = request(&consent).map_err(at_operation)?;
        let recorded = self.record_consent(request).with_options(options).await?;
        recorded.read::<RecordConsent, _>(|recorded| {
            ProviderReference::parse(recorded.id)
                .map(RecordedConsent::new)
                .map_err(|_| DecodeError::missing_data("$.id"))
        })
    }
}
