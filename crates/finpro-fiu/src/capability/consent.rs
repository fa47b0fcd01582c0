//! FinPro as an [`AggregatorConsent`].

use std::time::Duration;

use finpro_profile::Finpro;
use provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorConsentSession, AggregatorId,
    BrowserUrl, ConsentPurpose, ProviderReference,
};
use provider_core::{
    CallOptions, DecodeError, Endpoint, Error, Idempotency, InvalidRequest, Masked, Outcome,
    Provider, async_trait,
};

use super::at;
use crate::{
    AccountId, ConsentHandle, EncryptRedirection, FiuClient, PartyIdentifier, ProductId,
    RedirectionUrl, RequestConsentV3, ReturnUrl, Vua,
};

/// Asks for consents through FinPro, version 3, with what a neutral request has no word for: the template of each purpose, the
/// aggregator of a request that names none, and your reference of the application. Cheap to clone.
///
/// ```
/// use finpro_fiu::{AggregatorConsents, FiuClient, ProductId};
/// use finpro_fiu::finpro_profile::provider_core::capability::{AggregatorId, ConsentPurpose};
///
/// # fn consents(client: FiuClient) -> Result<AggregatorConsents, Box<dyn std::error::Error>> {
/// let consents = AggregatorConsents::new(client, AggregatorId::parse("onemoney")?)
///     .with_product(ConsentPurpose::LoanUnderwriting, ProductId::parse("LOAN-1")?);
/// # Ok(consents)
/// # }
/// ```
///
/// The person is named by mobile number, and by PAN if there is one. The e-mail address is not sent: no page of the operation
/// has it. The reply has the handle as its reference; if it has no URL, that is read with a second call.
#[derive(Debug, Clone)]
pub struct AggregatorConsents {
    client: FiuClient,
    default_aggregator: AggregatorId,
    products: Vec<(ConsentPurpose, ProductId)>,
    account: Option<AccountId>,
    webhook_url: Option<Masked>,
}

impl AggregatorConsents {
    /// Asks through this client, at `default_aggregator` if a request names none.
    pub fn new(client: FiuClient, default_aggregator: AggregatorId) -> Self {
        Self {
            client,
            default_aggregator,
            products: Vec::new(),
            account: None,
            webhook_url: None,
        }
    }

    /// Sets the consent template for a purpose. A request for a purpose without one is refused.
    #[must_use]
    pub fn with_product(mut self, purpose: ConsentPurpose, product: ProductId) -> Self {
        self.products.retain(|(known, _)| *known != purpose);
        self.products.push((purpose, product));
        self
    }

    /// Sets your reference of the account or application; it is the same for all requests of this value, so set it on a clone
    /// for each application.
    #[must_use]
    pub fn with_account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// States where FinPro reports changes, as it was agreed with MoneyOne: no request can change it, and one that asks for
    /// another URL is refused.
    #[must_use]
    pub fn with_webhook_url(mut self, url: impl Into<Masked>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// The client that it calls.
    pub fn client(&self) -> &FiuClient {
        &self.client
    }

    fn request(
        &self,
        consent: &AggregatorConsentRequest,
    ) -> Result<RequestConsentV3, InvalidRequest> {
        let product = self
            .products
            .iter()
            .find(|(purpose, _)| *purpose == consent.purpose);
        let (_, product) = product.ok_or_else(|| {
            InvalidRequest::new("purpose", "must be one for which a product is configured")
        })?;
        if consent.webhook_url.is_some() && consent.webhook_url != self.webhook_url {
            let rule = "must be absent or the configured one: it is agreed with MoneyOne";
            return Err(InvalidRequest::new("webhook_url", rule));
        }
        let aggregator = consent
            .aggregator
            .as_ref()
            .unwrap_or(&self.default_aggregator);
        let vua = Vua::parse(&format!(
            "{}@{}",
            consent.mobile.expose(),
            aggregator.as_str()
        ))
        .map_err(|error| error.for_field("aggregator"))?;
        let mut request = RequestConsentV3::new(product.clone(), vua)
            .set_party(PartyIdentifier::mobile(&consent.mobile));
        if let Some(account) = &self.account {
            request = request.set_account(account.clone());
        }
        if let Some(pan) = &consent.pan {
            request = request.set_pan(pan.clone());
        }
        if let Some(url) = &consent.return_url {
            request = request.set_redirect_url(ReturnUrl::parse(url.expose())?);
        }
        Ok(request)
    }

    /// Reads where the customer decides. The consent is asked for by now, whatever becomes of this call.
    async fn url_of(
        &self,
        handle: ConsentHandle,
        consent: &AggregatorConsentRequest,
        options: CallOptions,
    ) -> Result<RedirectionUrl, Error> {
        let mut question = EncryptRedirection::new([handle]);
        if let Some(pan) = &consent.pan {
            question = question.set_pan(pan.clone());
        }
        if let Some(url) = &consent.return_url {
            let url = ReturnUrl::parse(url.expose()).map_err(asked_for)?;
            question = question.set_redirect_url(url);
        }
        let read = self
            .client
            .encrypt_redirection(question)
            .with_options(options)
            .await;
        let read = read.map_err(asked_for)?.into_value();
        Ok(read.data.web_redirection_url)
    }
}

/// The failure of what follows a consent that was asked for.
fn asked_for(error: impl Into<Error>) -> Error {
    let error = error.into();
    let mut done = Error::new(error.kind(), Outcome::Done)
        .with_idempotency(Idempotency::Unsafe)
        .with_settling(RequestConsentV3::OPERATION.settling)
        .with_fault(error.fault().cloned())
        .with_retry_after(error.retry_after())
        .with_elapsed(error.elapsed());
    if let Some(id) = error.request_id() {
        done = done.with_request_id(id.clone());
    }
    at::<RequestConsentV3>(done.with_source(error))
}

/// What a second call of the same step may take.
fn time_left(mut options: CallOptions, passed: Duration) -> CallOptions {
    let left = |limit: Option<Duration>| limit.map(|limit| limit.saturating_sub(passed));
    (options.timeout, options.time_limit) = (left(options.timeout), left(options.time_limit));
    options
}

#[async_trait]
impl AggregatorConsent for AggregatorConsents {
    fn provider_name(&self) -> &'static str {
        Finpro::NAME
    }

    fn check_request(&self, consent: &AggregatorConsentRequest) -> Result<(), Error> {
        let request = self.request(consent).map_err(at::<RequestConsentV3>)?;
        self.client.client().check(&request)
    }

    async fn open_consent(
        &self,
        consent: AggregatorConsentRequest,
        options: CallOptions,
    ) -> Result<AggregatorConsentSession, Error> {
        let request = self.request(&consent).map_err(at::<RequestConsentV3>)?;
        let asked = self
            .client
            .request_consent_v3(request)
            .with_options(options.clone())
            .await?;
        let elapsed = asked.elapsed();
        let (reference, asked) = asked.read::<RequestConsentV3, _>(|asked| {
            let reference = ProviderReference::parse(asked.data.consent_handle.as_str());
            let missing = |_| DecodeError::missing_data("$.data.consent_handle");
            Ok((reference.map_err(missing)?, asked.data))
        })?;
        let url = match asked.web_redirection_url {
            Some(url) => url,
            None => {
                let options = time_left(options, elapsed);
                self.url_of(asked.consent_handle, &consent, options).await?
            }
        };
        let url = BrowserUrl::new(url.expose());
        Ok(AggregatorConsentSession::new(
            reference,
            url,
            consent.aggregator,
        ))
    }
}
