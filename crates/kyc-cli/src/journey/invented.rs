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

use crate::terms::NOTICE;

/// Somebody who approves everything.
const APPROVES: &str = "9001000000";

/// The application: its persons are kept in their journeys.
#[derive(Debug)]
pub(crate) struct Lender(StoredApplicants);

impl Lender {
    /// The lender of these journeys.
    pub(crate) fn of(engine: Arc<dyn JourneyEngine>) -> Result<Self, InvalidRequest> {
        let addresses = addresses(APPROVES)?;
        Ok(Self(StoredApplicants::new(engine, addresses)))
    }
}

/// The person with this number.
pub(crate) fn person(mobile: Mobile) -> Result<Applicant, InvalidRequest> {
    // Veriff's person is the script in the number, or a name where there is none.
    let is_scripted = MobileScript::of(mobile.expose()).is_some();
    let name = (!is_scripted).then(|| Masked::new("Approve"));
    let addresses = addresses(mobile.expose())?;
    let applicant = Applicant::new(mobile, addresses)
        .set_name(name, None)
        .set_notice_text(Some(Masked::new(NOTICE)));
    Ok(applicant)
}

/// Where the person with this number comes back to: DigiLocker's person is the script in the address.
fn addresses(mobile: &str) -> Result<Addresses, InvalidRequest> {
    let script = MobileScript::of(mobile).map_or(APPROVES, |_| mobile);
    Addresses::new(format!("https://lender.example.test/{script}"))
}

#[async_trait]
impl Applicants for Lender {
    async fn applicant(&self, journey: &JourneyId) -> Result<Applicant, NoApplicant> {
        let mut applicant = self.0.applicant(journey).await?;
        let addresses = addresses(applicant.mobile.expose());
        applicant.addresses = addresses.map_err(|_| NoApplicant::Unknown)?;
        Ok(applicant)
    }
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
