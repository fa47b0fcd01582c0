//! Whose journeys they are, and who takes what they say.

use async_trait::async_trait;
use kyc_journey::{EffectId, JourneyId, LedgerEntry, Notice, Undelivered};
use kyc_journey_performer::{Addresses, Applicant, Applicants, ConsentLog, NoApplicant, Notices};
use provider_core::{Masked, Mobile, Pan};

/// One person for every journey, or nobody.
#[derive(Debug)]
pub(crate) struct Somebody(pub(crate) Result<Applicant, NoApplicant>);

impl Somebody {
    pub(crate) fn with_mobile(mobile: &str, base: &str) -> Self {
        let addresses = Addresses::new(base).unwrap();
        let applicant = Applicant::new(Mobile::parse(mobile).unwrap(), addresses)
            .set_pan(Some(Pan::parse("NAMPV0000V").unwrap()))
            .set_name(Some(Masked::new("Asha")), Some(Masked::new("Made-Up")))
            .set_date_of_birth(Some(Masked::new("1990-01-01")))
            .set_notice_text(Some(Masked::new("I agree that my identity is verified.")));
        Self(Ok(applicant))
    }
}

impl Default for Somebody {
    fn default() -> Self {
        Self::with_mobile("9000000001", "https://lender.example.test/kyc/")
    }
}

#[async_trait]
impl Applicants for Somebody {
    async fn applicant(&self, _: &JourneyId) -> Result<Applicant, NoApplicant> {
        self.0.clone()
    }
}

/// Takes everything, and keeps nothing.
#[derive(Debug)]
pub(crate) struct Nowhere;

#[async_trait]
impl Notices for Nowhere {
    async fn notify(&self, _: &EffectId, _: &Notice) -> Result<(), Undelivered> {
        Ok(())
    }
}

#[async_trait]
impl ConsentLog for Nowhere {
    async fn record(&self, _: &EffectId, _: &LedgerEntry) -> Result<(), Undelivered> {
        Ok(())
    }
}
