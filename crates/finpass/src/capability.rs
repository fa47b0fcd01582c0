//! Finpass as an [`AggregatorConsent`].

use provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorConsentSession, BrowserUrl,
    ConsentPurpose, ProviderReference,
};
use provider_core::{Endpoint, Error, Provider, async_trait};

use crate::{ConsentType, Finpass, FinpassClient, Initialize};

/// Finpass chooses the aggregator by itself: the one asked for is not sent, and the session names none.
#[async_trait]
impl AggregatorConsent for FinpassClient {
    fn provider(&self) -> &'static str {
        Finpass::NAME
    }

    async fn open_consent(
        &self,
        request: AggregatorConsentRequest,
    ) -> Result<AggregatorConsentSession, Error> {
        let consent_type = match request.purpose {
            ConsentPurpose::LoanUnderwriting => ConsentType::LoanUnderwriting,
            ConsentPurpose::LoanMonitoring => ConsentType::LoanMonitoring,
            other => ConsentType::from(other.as_str()),
        };
        let mut initialize = Initialize::new(request.mobile, consent_type);
        if let Some(pan) = request.pan {
            initialize = initialize.set_pan_number(pan);
        }
        if let Some(email) = request.email {
            initialize = initialize.set_email(email);
        }
        if let Some(url) = request.webhook_url {
            initialize = initialize.set_webhook_url(url.expose());
        }
        if let Some(url) = request.return_url {
            initialize = initialize.set_redirect_url(url.expose());
        }
        let data = self.initialize(initialize).await?.into_value().data;
        let reference = ProviderReference::parse(data.client_id.as_str())
            .map_err(|error| Error::from(error).at(Finpass::NAME, Initialize::OPERATION.name))?;
        Ok(AggregatorConsentSession {
            reference,
            url: BrowserUrl::new(data.redirect_url.expose()),
            aggregator: None,
        })
    }
}
