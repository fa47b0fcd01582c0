//! Veriff as an [`IdentityVerification`].

use provider_core::capability::Verdict as NeutralVerdict;
use provider_core::capability::{
    BrowserUrl, IdentityVerification, ProviderReference, SessionReference, VerificationDecision,
    VerificationRequest, VerificationSession,
};
use provider_core::{
    CallOptions, DecodeError, Endpoint, Error, InvalidRequest, Masked, Provider, async_trait,
};

use consent_hmac::{SessionId, Veriff};

use crate::{CreateSession, ExpectedPerson, GetDecision, SessionsClient, Verdict, Verification};

fn at<E: Endpoint>(error: impl Into<Error>) -> Error {
    error.into().at(Veriff::NAME, E::OPERATION.name)
}

fn creation(wanted: &VerificationRequest) -> CreateSession {
    let mut request = CreateSession::new();
    let person = ExpectedPerson {
        first_name: wanted.first_name.clone(),
        last_name: wanted.last_name.clone(),
        date_of_birth: wanted.date_of_birth.clone(),
        ..ExpectedPerson::default()
    };
    if [&person.first_name, &person.last_name, &person.date_of_birth]
        .iter()
        .any(|known| known.is_some())
    {
        request = request.set_person(person);
    }
    if let Some(reference) = &wanted.own_reference {
        request = request.set_vendor_data(reference.clone());
    }
    if let Some(url) = &wanted.return_url {
        request = request.set_callback(url.clone());
    }
    request
}

fn question(session: &SessionReference) -> Result<GetDecision, InvalidRequest> {
    let reference = session.reference_at(Veriff::NAME)?;
    SessionId::parse(reference.as_str()).map(GetDecision::new)
}

fn verdict(decided: &Verification) -> NeutralVerdict {
    match decided.verdict() {
        Verdict::Approved => NeutralVerdict::Approved,
        Verdict::Declined => NeutralVerdict::Declined,
        Verdict::ResubmissionRequested => NeutralVerdict::ResubmissionRequested,
        Verdict::Expired | Verdict::Abandoned | Verdict::ExpiredOrAbandoned => {
            NeutralVerdict::Expired
        }
        Verdict::Review => NeutralVerdict::Review,
        Verdict::Unclear => {
            let text = decided.status.value().cloned();
            NeutralVerdict::Unclear(text.unwrap_or_else(|| Masked::new("")))
        }
    }
}

#[async_trait]
impl IdentityVerification for SessionsClient {
    fn provider_name(&self) -> &'static str {
        Veriff::NAME
    }

    fn check_verification(&self, request: &VerificationRequest) -> Result<(), Error> {
        self.client().check(&creation(request))
    }

    async fn open_verification(
        &self,
        request: VerificationRequest,
        options: CallOptions,
    ) -> Result<VerificationSession, Error> {
        let created = self
            .create_session(creation(&request))
            .with_options(options)
            .await?;
        created.read::<CreateSession, _>(|created| {
            let created = created.verification;
            let reference = ProviderReference::parse(created.id.as_str())
                .map_err(|_| DecodeError::missing_data("$.verification.id"))?;
            let url = created.url;
            let url = url.ok_or(DecodeError::missing_data("$.verification.url"))?;
            Ok(VerificationSession::new(
                reference,
                BrowserUrl::new(url.expose()),
            ))
        })
    }

    async fn read_verdict(
        &self,
        session: SessionReference,
        options: CallOptions,
    ) -> Result<VerificationDecision, Error> {
        let request = question(&session).map_err(at::<GetDecision>)?;
        let decision = self
            .decision(request)
            .with_options(options)
            .await?
            .into_value();
        Ok(match decision.verification {
            Some(decided) => VerificationDecision::new(verdict(&decided), decided.reason),
            None => VerificationDecision::new(NeutralVerdict::Pending, None),
        })
    }
}
