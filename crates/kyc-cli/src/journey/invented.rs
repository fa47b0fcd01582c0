//! Who takes part in a journey in the sandbox.

use std::time::Duration;

use async_trait::async_trait;
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::{Clock, InvalidRequest, Masked, Mobile, SystemClock};
use kyc_journey::{EffectId, JourneyId, LedgerEntry, Notice, Undelivered};
use kyc_journey_performer::{Addresses, Applicant, Applicants, ConsentLog, NoApplicant, Notices};
use kyc_sandbox::{MobileScript, Sandbox};

/// Somebody who approves everything.
const APPROVES: &str = "9001000000";
const NOTICE: &str = "I agree that my identity is verified and my accounts are read.";

/// The application: it knows the person of one journey, and has nobody to tell: what a journey says is in its history.
#[derive(Debug)]
pub(crate) struct Lender(JourneyId, Applicant);

impl Lender {
    /// The lender whose journey is that of the person with this number.
    pub(crate) fn of(journey: JourneyId, mobile: &Mobile) -> Result<Self, InvalidRequest> {
        // DigiLocker's person is the script in the address, Veriff's the one in the number, or a name where there is none.
        let script = MobileScript::of(mobile.expose()).map(|_| mobile.expose());
        let base = format!("https://lender.example.test/{}", script.unwrap_or(APPROVES));
        let name = script.is_none().then(|| Masked::new("Approve"));
        let applicant = Applicant::new(mobile.clone(), Addresses::new(base)?)
            .set_name(name, None)
            .set_notice_text(Some(Masked::new(NOTICE)));
        Ok(Self(journey, applicant))
    }
}

#[async_trait]
impl Applicants for Lender {
    async fn applicant(&self, journey: &JourneyId) -> Result<Applicant, NoApplicant> {
        match *journey == self.0 {
            true => Ok(self.1.clone()),
            false => Err(NoApplicant::Unknown),
        }
    }
}

#[async_trait]
impl Notices for Lender {
    async fn notify(&self, _: &EffectId, _: &Notice) -> Result<(), Undelivered> {
        Ok(())
    }
}

#[async_trait]
impl ConsentLog for Lender {
    async fn record(&self, _: &EffectId, _: &LedgerEntry) -> Result<(), Undelivered> {
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
