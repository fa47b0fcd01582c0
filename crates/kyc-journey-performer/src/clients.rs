//! The performer.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use kyc_journey::{
    EffectCall, EffectId, Failure, LedgerEntry, Notice, Performed, Performer, Undelivered,
};

use crate::applicant::Applicants;
use crate::asked::{Asked, Told};
use crate::seams::{ConsentLog, Consents, Notices};

/// Makes the calls of journeys with the providers' clients.
///
/// A provider that is not set up is never called: what a journey asks of it fails as not sent, so plan only what is set up.
///
/// # Retries
///
/// One owner each. A call that is [unsafe](provider_core::Idempotency::Unsafe) is one attempt, whatever the client's own policy is: the
/// journey has marked one as begun, and decides alone whether there is another. A safe or repeatable one follows the client's policy
/// within the [deadline](Self::with_call_deadline), in memory; what is over then is the journey's to repeat, later and durably.
///
/// # Consent
///
/// With [`with_consents`](Self::with_consents) each call carries a proof of its own, made after the journey's mark and just before the
/// call, also where one call of a journey is two to the provider. A call that no consent covers is not made, and the journey is told
/// which kind of not: [over](Failure::without_consent), or [not covered](Failure::not_covered).
///
/// # Personal data
///
/// What a call needs of the person comes from the [`Applicants`], and what an answer has of them goes into the payload, never into the
/// answer.
#[derive(Debug, Clone)]
pub struct ProviderClients {
    applicants: Arc<dyn Applicants>,
    notices: Arc<dyn Notices>,
    log: Arc<dyn ConsentLog>,
    consents: Option<Arc<dyn Consents>>,
    deadline: Duration,
    #[cfg(feature = "deepvue")]
    deepvue: Option<crate::deepvue::Deepvue>,
    #[cfg(feature = "finpro")]
    finpro: Option<crate::finpro::FinPro>,
    #[cfg(feature = "finpass")]
    finpass: Option<crate::finpass::Finpass>,
    #[cfg(feature = "veriff")]
    veriff: Option<crate::veriff::Veriff>,
}

impl ProviderClients {
    /// Without a provider, for the journeys of these people; what a journey says goes to `notices`, and what became of its consent to
    /// `log`.
    pub fn new(
        applicants: Arc<dyn Applicants>,
        notices: Arc<dyn Notices>,
        log: Arc<dyn ConsentLog>,
    ) -> Self {
        Self {
            applicants,
            notices,
            log,
            consents: None,
            deadline: Duration::from_secs(60),
            #[cfg(feature = "deepvue")]
            deepvue: None,
            #[cfg(feature = "finpro")]
            finpro: None,
            #[cfg(feature = "finpass")]
            finpass: None,
            #[cfg(feature = "veriff")]
            veriff: None,
        }
    }

    /// Proves consent just before each call, shows it to the client, and writes that it was used. Without, calls show nothing: a client
    /// with a gate sends none of them, and one without sends them all.
    #[must_use]
    pub fn with_consents(mut self, consents: Arc<dyn Consents>) -> Self {
        self.consents = Some(consents);
        self
    }

    /// How long a call may take, retries of the client included; 60 seconds, as in a [`Plan`](kyc_journey::Plan), whose
    /// `call_deadline` must not be shorter: a look-up that finds nothing is believed only after it. A client's or an operation's shorter
    /// deadline stays.
    #[must_use]
    pub fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Documents by Deepvue, for a purpose that DigiLocker shows to the person.
    #[cfg(feature = "deepvue")]
    #[must_use]
    pub fn deepvue(
        mut self,
        client: deepvue_digilocker::DigilockerClient,
        purpose: impl Into<String>,
    ) -> Self {
        self.deepvue = Some(crate::deepvue::Deepvue::new(client, purpose.into()));
        self
    }

    /// Bank accounts by FinPro: consents of this template, at this aggregator where a journey names none.
    #[cfg(feature = "finpro")]
    #[must_use]
    pub fn finpro(
        mut self,
        client: finpro_fiu::FiuClient,
        product: finpro_fiu::ProductId,
        aggregator: provider_core::capability::AggregatorId,
    ) -> Self {
        self.finpro = Some(crate::finpro::FinPro::new(client, product, aggregator));
        self
    }

    /// Bank accounts by Finpass.
    #[cfg(feature = "finpass")]
    #[must_use]
    pub fn finpass(mut self, client: finpass::FinpassClient) -> Self {
        self.finpass = Some(crate::finpass::Finpass::new(client));
        self
    }

    /// Verification by Veriff.
    #[cfg(feature = "veriff")]
    #[must_use]
    pub fn veriff(
        mut self,
        client: veriff_sessions::SessionsClient,
        settings: crate::VeriffSettings,
    ) -> Self {
        self.veriff = Some(crate::veriff::Veriff::new(client, settings));
        self
    }

    async fn told(&self, asked: &Asked<'_>) -> Result<Told, Failure> {
        match asked.call.operation.provider() {
            #[cfg(feature = "deepvue")]
            kyc_journey::Provider::Deepvue => match &self.deepvue {
                Some(deepvue) => deepvue.perform(asked).await,
                None => Err(not_set_up(asked)),
            },
            #[cfg(feature = "finpro")]
            kyc_journey::Provider::FinPro => match &self.finpro {
                Some(finpro) => finpro.perform(asked).await,
                None => Err(not_set_up(asked)),
            },
            #[cfg(feature = "finpass")]
            kyc_journey::Provider::Finpass => match &self.finpass {
                Some(finpass) => finpass.perform(asked).await,
                None => Err(not_set_up(asked)),
            },
            #[cfg(feature = "veriff")]
            kyc_journey::Provider::Veriff => match &self.veriff {
                Some(veriff) => veriff.perform(asked).await,
                None => Err(not_set_up(asked)),
            },
            #[allow(unreachable_patterns, reason = "reached without a provider feature")]
            _ => Err(not_set_up(asked)),
        }
    }
}

fn not_set_up(asked: &Asked<'_>) -> Failure {
    asked.unfit("provider", "must be one that is set up")
}

#[async_trait]
impl Performer for ProviderClients {
    async fn perform(&self, call: &EffectCall) -> Performed {
        let asked = Asked {
            call,
            applicants: &*self.applicants,
            consents: self.consents.as_deref(),
            deadline: self.deadline,
            is_refused: AtomicBool::new(false),
        };
        let mut told = Box::pin(self.told(&asked)).await;
        // A consent of the person ended between the proof and the call. Nothing was sent: what is left is asked of the ledger.
        let is_refused = asked.is_refused.into_inner() && self.consents.is_some();
        if is_refused && told.as_ref().err() == Some(&Failure::not_covered()) {
            let asked = Asked {
                is_refused: AtomicBool::new(false),
                ..asked
            };
            told = Box::pin(self.told(&asked)).await;
        }
        match told {
            Ok(Told { answer, payload }) => Performed {
                result: Ok(answer),
                payload,
            },
            Err(failure) => Performed {
                result: Err(failure),
                payload: None,
            },
        }
    }

    async fn notify(&self, id: &EffectId, notice: &Notice) -> Result<(), Undelivered> {
        self.notices.notify(id, notice).await
    }

    async fn record(&self, id: &EffectId, entry: &LedgerEntry) -> Result<(), Undelivered> {
        self.log.record(id, entry).await
    }
}
