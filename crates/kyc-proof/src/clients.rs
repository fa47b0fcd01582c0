//! The clients of all four providers, put together alike, and one made-up call of each operation.

use std::sync::Arc;
use std::time::Duration;

use consent_hmac::{ConsentClient, RecordConsent, SessionId, SharedSecret, Veriff};
use deepvue_digilocker::{Consent, Deepvue, DigilockerClient, InitiateSession};
use finpass::{Finpass, FinpassClient, Initialize};
use finpro_profile::{
    CheckProfile, Credentials, Finpro, FinproProfileClient, OrganisationId, UserConsentId,
};
use kyc_sandbox::{BaseUrls, credentials};
use provider_core::{
    BaseUrl, CallObserver, CircuitBreaker, Client, ClientBuilder, Clock, Error, Idempotency,
    InvalidRequest, Mobile, Provider, RequestId, RetryPolicy, SystemClock, Transport,
};

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Initialize,
    CheckProfile,
    RecordConsent,
    InitiateSession,
}

impl Operation {
    pub(crate) const ALL: [Self; 4] = [
        Self::Initialize,
        Self::CheckProfile,
        Self::RecordConsent,
        Self::InitiateSession,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Initialize => "finpass initialize",
            Self::CheckProfile => "finpro check-profile",
            Self::RecordConsent => "veriff record-consent",
            Self::InitiateSession => "deepvue initiate-session",
        }
    }

    /// What a repeat does, said here once more: a proof does not take the word of what it is about.
    pub(crate) fn idempotency(self) -> Idempotency {
        match self {
            Self::CheckProfile => Idempotency::Safe,
            Self::RecordConsent => Idempotency::Repeatable,
            Self::Initialize | Self::InitiateSession => Idempotency::Unsafe,
        }
    }
}

/// How all four are put together; the rest is as the builder has it.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retry: RetryPolicy,
    pub(crate) circuit_breaker: CircuitBreaker,
    pub(crate) observer: Option<Arc<dyn CallObserver>>,
    pub(crate) timeout: Option<Duration>,
}

impl Setup {
    /// The builder's own settings over this transport.
    pub(crate) fn standard(transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            clock: Arc::new(SystemClock),
            retry: RetryPolicy::standard(),
            circuit_breaker: CircuitBreaker::standard(),
            observer: None,
            timeout: None,
        }
    }

    fn build<P: Provider, C: From<Client<P>>>(&self, provider: P) -> Result<C, Error> {
        let mut builder = ClientBuilder::new(provider)
            .transport(Arc::clone(&self.transport))
            .clock(Arc::clone(&self.clock))
            .retry(self.retry)
            .circuit_breaker(self.circuit_breaker);
        if let Some(observer) = &self.observer {
            builder = builder.observer(Arc::clone(observer));
        }
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        builder.build()
    }
}

/// One client a provider, against the sandbox's credentials.
#[derive(Debug)]
pub(crate) struct Clients {
    finpass: FinpassClient,
    finpro: FinproProfileClient,
    veriff: ConsentClient,
    deepvue: DigilockerClient,
}

/// Whom and what a call is about.
#[derive(Debug, Clone)]
pub(crate) struct Inputs {
    /// A number of [`kyc_sandbox::people`].
    pub(crate) mobile: String,
    /// A UUID.
    pub(crate) session: String,
    pub(crate) request_id: RequestId,
}

impl Clients {
    pub(crate) fn new(base_urls: &BaseUrls, setup: &Setup) -> Result<Self, Error> {
        let base_url = |url: &str| BaseUrl::parse("base_url", url);
        let finpass = Finpass::new(
            finpass::ApiKey::new(credentials::FINPASS_API_KEY)?,
            finpass::ApiSecret::new(credentials::FINPASS_API_SECRET)?,
        );
        let finpro = Credentials {
            client_id: finpro_profile::ClientId::new(credentials::FINPRO_CLIENT_ID)?,
            client_secret: finpro_profile::ClientSecret::new(credentials::FINPRO_CLIENT_SECRET)?,
            organisation_id: OrganisationId::new(credentials::FINPRO_ORGANISATION_ID)?,
            app_identifier: finpro_profile::AppIdentifier::new(credentials::FINPRO_APP_IDENTIFIER)?,
        };
        let veriff = Veriff::new(
            base_url(&base_urls.veriff)?,
            consent_hmac::ApiKey::new(credentials::VERIFF_API_KEY)?,
            &SharedSecret::new(credentials::VERIFF_SHARED_SECRET)?,
        );
        let deepvue = Deepvue::new(
            deepvue_digilocker::ClientId::new(credentials::DEEPVUE_CLIENT_ID)?,
            deepvue_digilocker::ClientSecret::new(credentials::DEEPVUE_CLIENT_SECRET)?,
        );
        Ok(Self {
            finpass: setup.build(finpass.with_base_url(base_url(&base_urls.finpass)?))?,
            finpro: setup.build(Finpro::new(base_url(&base_urls.finpro)?, finpro))?,
            veriff: setup.build(veriff)?,
            deepvue: setup.build(deepvue.with_base_url(base_url(&base_urls.deepvue)?))?,
        })
    }

    /// Makes one call, and gives the id of what it did; `None` for a read.
    pub(crate) async fn call(
        &self,
        operation: Operation,
        inputs: Inputs,
    ) -> Result<Option<String>, Error> {
        let Inputs {
            mobile,
            session,
            request_id,
        } = inputs;
        match operation {
            Operation::Initialize => {
                let mobile = Mobile::parse(&mobile)?;
                let request = Initialize::new(mobile, finpass::ConsentType::LoanUnderwriting);
                let call = self.finpass.initialize(request);
                let answer = call.with_request_id(request_id).await?;
                Ok(Some(answer.value().data.client_id.as_str().to_owned()))
            }
            Operation::CheckProfile => {
                let mobile = Mobile::parse(&mobile)?;
                let request = CheckProfile::new(mobile, UserConsentId::parse("ref-1")?);
                let call = self.finpro.check_profile(request);
                call.with_request_id(request_id).await?;
                Ok(None)
            }
            Operation::RecordConsent => {
                let request = RecordConsent::new(
                    SessionId::parse(&session)?,
                    consent_hmac::ConsentType::Aadhaar,
                    true,
                    "I agree that my identity is verified.",
                );
                let call = self.veriff.record_consent(request);
                let answer = call.with_request_id(request_id).await?;
                Ok(Some(answer.value().id.clone()))
            }
            Operation::InitiateSession => {
                let request = InitiateSession::new(
                    Consent::given_by_person(),
                    "KYC",
                    "https://lender.example.test/back",
                );
                let call = self.deepvue.initiate_session(request);
                let answer = call.with_request_id(request_id).await?;
                Ok(Some(answer.value().transaction_id.as_str().to_owned()))
            }
        }
    }
}

/// The id of the call with this number.
pub(crate) fn request_id(number: u64) -> Result<RequestId, InvalidRequest> {
    RequestId::parse(&format!("call-{number}"))
}
