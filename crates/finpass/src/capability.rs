//! Finpass as an [`AggregatorConsent`].

use provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorConsentSession, BrowserUrl,
    ConsentPurpose, ProviderReference,
};
use provider_core::{CallOptions, DecodeError, Error, Provider, async_trait};

use crate::{ConsentType, Finpass, FinpassClient, Initialize};

fn request(consent: &AggregatorConsentRequest) -> Initialize {
    let consent_type = match &consent.purpose {
        ConsentPurpose::LoanUnderwriting => ConsentType::LoanUnderwriting,
        ConsentPurpose::LoanMonitoring => ConsentType::LoanMonitoring,
        // Finpass's list of values is open.
        other => ConsentType::from(other.as_str()),
    };
    let mut request = Initialize::new(consent.mobile.clone(), consent_type);
    if let Some(pan) = &consent.pan {
        request = request.set_pan_number(pan.clone());
    }
    if let Some(email) = &consent.email {
        request = request.set_email(email.clone());
    }
    if let Some(url) = &consent.webhook_url {
        request = request.set_webhook_url(url.expose());
    }
    if let Some(url) = &consent.return_url {
        request = request.set_return_url(url.expose());
    }
    request
}

/// Finpass chooses the aggregator itself: a requested one is not sent, and the session names none.
#[async_trait]
impl AggregatorConsent for FinpassClient {
    fn provider_name(&self) -> &'static str {
        Finpass::NAME
    }

    fn check_request(&self, consent: &AggregatorConsentRequest) -> Result<(), Error> {
        self.client().check(&request(consent))
    }

    async fn open_consent(
        &self,
        consent: AggregatorConsentRequest,
        options: CallOptions,
    ) -> Result<AggregatorConsentSession, Error> {
        let opened = self
            .initialize(request(&consent))
            .with_options(options)
            .await?;
        opened.read::<Initialize, _>(|opened| {
            let url = BrowserUrl::new(opened.data.consent_url.expose());
            ProviderReference::parse(opened.data.client_id.as_str())
                .map(|reference| AggregatorConsentSession::new(reference, url, None))
                .map_err(|_| DecodeError::missing_data("$.data.client_id"))
        })
    }
}
