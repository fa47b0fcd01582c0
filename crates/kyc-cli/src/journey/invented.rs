//! Who takes part in a journey in the sandbox.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::{Clock, InvalidRequest, Masked, Mobile, SystemClock};
use kyc_journey::{EffectId, JourneyEngine, JourneyId, Notice, Undelivered};
use kyc_journey_performer::{
    Addresses, Applicant, Applicants, NoApplicant, Notices, StoredApplicants,
};
use kyc_sandbox::{MobileScript, Sandbox};

use crate::storage::terms::NOTICE;

/// Somebody who approves everything.
pub(crate) const APPROVES: &str = "9001000000";

/// What DigiLocker shows to the person.
pub(crate) const PURPOSE: &str = "KYC of a new customer";

/// The application: its persons are kept in their journeys. DigiLocker's person is the script in the purpose, so that of whom the number is
/// one acts by it there, too, and nobody needs a browser.
#[derive(Debug)]
pub(crate) struct Lender(StoredApplicants);

impl Lender {
    /// The lender of these journeys, whose persons come back below this address.
    pub(crate) fn of(engine: Arc<dyn JourneyEngine>, addresses: Addresses) -> Self {
        Self(StoredApplicants::new(engine, addresses))
    }
}

#[async_trait]
impl Applicants for Lender {
    async fn applicant(&self, journey: &JourneyId) -> Result<Applicant, NoApplicant> {
        let applicant = self.0.applicant(journey).await?;
        let script = MobileScript::of(applicant.mobile.expose());
        let purpose = script.map(|_| purpose(applicant.mobile.expose()));
        Ok(applicant.set_purpose(purpose.map(Masked::new)))
    }
}

/// The purpose for the person with this number.
pub(crate) fn purpose(mobile: &str) -> String {
    format!("{PURPOSE}, {mobile}")
}

/// Where nobody comes back to, because what a browser would open is asked for.
pub(crate) fn addresses() -> Result<Addresses, InvalidRequest> {
    Addresses::new("https://lender.example.test")
}

/// The person with this number.
pub(crate) fn person(mobile: Mobile) -> Result<Applicant, InvalidRequest> {
    // Veriff's person is the script in the number, or a name where there is none.
    let is_scripted = MobileScript::of(mobile.expose()).is_some();
    let name = (!is_scripted).then(|| Masked::new("Approve"));
    let applicant = Applicant::new(mobile, addresses()?)
        .set_name(name, None)
        .set_notice_text(Some(Masked::new(NOTICE)));
    Ok(applicant)
}

/// Has nobody to tell: what a journey says is in its history.
#[derive(Debug)]
pub(crate) struct Nowhere;

#[async_trait]
impl Notices for Nowhere {
    async fn notify(&self, _: &EffectId, _: &Notice) -> Result<(), Undelivered> {
        Ok(())
    }
}

/// The sandbox's clock.
#[derive(Debug)]
pub(crate) struct SandboxClock(pub(crate) Sandbox);

#[async_trait]
impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        Timestamp::try_from(self.0.now()).unwrap_or_else(|_| SystemClock.now())
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        SystemClock.random()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
