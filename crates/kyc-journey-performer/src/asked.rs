//! A call as each provider's part gets it, and what that part says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kyc_journey::{Answer, DataClass, EffectCall, Failure, Payload};
use provider_core::capability::ProviderReference;
use provider_core::{
    Call, CallOptions, ConsentEvidence, Endpoint, Error, ErrorKind, Idempotency, InvalidRequest,
    Masked, Outcome, Provider, RequestId, Response, RetryPolicy,
};

use crate::applicant::{Applicant, Applicants};
use crate::failure::failure;
use crate::seams::{Consents, ProviderCall, Unproved};

/// A call that is to be made.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) call: &'a EffectCall,
    pub(crate) applicants: &'a dyn Applicants,
    pub(crate) consents: Option<&'a dyn Consents>,
    pub(crate) deadline: Duration,
    /// Whether a client's gate refused what was proved.
    pub(crate) is_refused: AtomicBool,
}

/// What a call said.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) answer: Answer,
    pub(crate) payload: Option<Payload>,
}

impl Asked<'_> {
    /// Makes a call, within the limits of the journey's.
    pub(crate) async fn make<E: Endpoint>(
        &self,
        call: Call<'_, E>,
    ) -> Result<Response<E::Output>, Failure> {
        self.make_with(call, self.options()).await
    }

    /// Makes a call. Consent is proved for it and nothing else, just before; that it was used is written just after.
    pub(crate) async fn make_with<E: Endpoint>(
        &self,
        call: Call<'_, E>,
        options: CallOptions,
    ) -> Result<Response<E::Output>, Failure> {
        let provider = <E::Provider as Provider>::NAME;
        let about = ProviderCall::new(&self.call.id, provider, E::OPERATION.name);
        let about = about.set_gives_back(!self.call.operation.needs_consent());
        let shown = self.proved(&about).await?;
        let options = match &shown {
            Some(shown) => options.with_consent(shown.clone()),
            None => options,
        };
        let result = call.with_options(options).await;
        let outcome = match &result {
            Ok(_) => Some("ok"),
            Err(error) if error.outcome() == Outcome::NotSent => None,
            Err(error) => Some(error.outcome().as_str()),
        };
        if let (Some(shown), Some(outcome)) = (shown, outcome) {
            self.used(&about, &shown, outcome).await;
        }
        result.map_err(|error| self.failed(&error))
    }

    async fn proved(&self, about: &ProviderCall<'_>) -> Result<Option<ConsentEvidence>, Failure> {
        let Some(consents) = self.consents else {
            return Ok(None);
        };
        consents.prove(about).await.map_err(|error| {
            let (effect, operation) = (&self.call.id, about.operation);
            tracing::warn!(%effect, operation, %error, "a call was not made");
            match error {
                Unproved::Withdrawn => Failure::withdrawn(),
                Unproved::Expired => Failure::without_consent(),
                Unproved::NotCovered => Failure::not_covered(),
                Unproved::Unavailable => Failure::not_sent(),
            }
        })
    }

    /// What a call did is known by now and must not be lost for the sake of its entry.
    async fn used(&self, about: &ProviderCall<'_>, shown: &ConsentEvidence, outcome: &'static str) {
        if let Some(consents) = self.consents
            && let Err(error) = consents.used(about, shown, outcome).await
        {
            let (effect, operation) = (&self.call.id, about.operation);
            tracing::error!(%effect, operation, outcome, %error, "the use of a consent is not in the ledger");
        }
    }

    /// An unsafe call is one attempt, because the journey marks one: it alone decides about another. Everything else may be repeated,
    /// and the client repeats it at once and within the deadline, which spares the journey a write for each blip.
    pub(crate) fn options(&self) -> CallOptions {
        let id = &self.call.id;
        let mut options = CallOptions::new().with_time_limit(self.deadline);
        if self.call.operation.idempotency() == Idempotency::Unsafe {
            options = options.with_retry(RetryPolicy::never());
        }
        // One id a call, the same in the journey's history, in the provider's log and to support.
        match RequestId::parse(&format!("{}-{}-{}", id.journey, id.seq, id.ordinal)) {
            Ok(id) => options.with_request_id(id),
            Err(_) => options,
        }
    }

    /// The person.
    pub(crate) async fn applicant(&self) -> Result<Applicant, Failure> {
        let journey = &self.call.id.journey;
        self.applicants.applicant(journey).await.map_err(|error| {
            tracing::warn!(effect = %self.call.id, %error, "a call was not made");
            Failure::not_sent()
        })
    }

    /// What came with the event that the call names.
    pub(crate) fn payload(&self) -> Result<&str, Failure> {
        let payload = self.call.payload.as_ref();
        let payload = payload.ok_or_else(|| self.unfit("payload", "must still be there"))?;
        Ok(payload.content.expose())
    }

    /// What became of a call that failed.
    pub(crate) fn failed(&self, error: &Error) -> Failure {
        let (effect, operation) = (&self.call.id, self.call.operation.name());
        tracing::warn!(%effect, operation, error = error.report_line(), "a call failed");
        if error.kind() == ErrorKind::NoConsent && error.outcome() == Outcome::NotSent {
            self.is_refused.store(true, Ordering::Relaxed);
            return Failure::not_covered();
        }
        failure(&self.call.operation, error)
    }

    /// Nothing was sent, because an input breaks a rule.
    pub(crate) fn not_sent(&self, error: &InvalidRequest) -> Failure {
        let (effect, operation) = (&self.call.id, self.call.operation.name());
        tracing::warn!(%effect, operation, %error, "a call was not made");
        Failure::not_sent()
    }

    /// Nothing was sent, because an input is missing.
    pub(crate) fn unfit(&self, field: &'static str, rule: &'static str) -> Failure {
        self.not_sent(&InvalidRequest::new(field, rule))
    }
}

impl Told {
    /// An answer without anything personal.
    pub(crate) fn plain(answer: Answer) -> Self {
        Self {
            answer,
            payload: None,
        }
    }

    /// An answer, and what is personal in it.
    pub(crate) fn with(answer: Answer, class: DataClass, content: impl Into<Masked>) -> Self {
        let content = content.into();
        Self {
            answer,
            payload: Some(Payload { class, content }),
        }
    }
}

/// A provider's id for the journey. It was read within the same limits, so that it always is one.
pub(crate) fn reference(id: &str) -> Result<ProviderReference, Failure> {
    ProviderReference::parse(id).map_err(|_| Failure::unreadable())
}

/// The body of a verified reply, as it came.
pub(crate) fn body<T>(response: &provider_core::Response<T>) -> Masked {
    Masked::new(String::from_utf8_lossy(response.body()).into_owned())
}
