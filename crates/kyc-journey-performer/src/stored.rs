//! The person of a journey, kept in the journey.

use std::sync::Arc;

use async_trait::async_trait;
use kyc_journey::{DataClass, JourneyEngine, JourneyId, Payload};
use provider_core::{Email, Masked, Mobile, Pan};
use serde::{Deserialize, Serialize};

use crate::applicant::{Addresses, Applicant, Applicants, NoApplicant};

/// What is stored of a person. Members that are unknown are a later version's, and ignored.
#[derive(Serialize, Deserialize)]
struct Stored {
    mobile: Mobile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pan: Option<Pan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_name: Option<Masked>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_name: Option<Masked>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_of_birth: Option<Masked>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notice_text: Option<Masked>,
}

impl Applicant {
    /// The payload of the event that starts this person's journey, of class [`Person`](DataClass::Person): the engine seals it, and
    /// [`StoredApplicants`] reads it. It has neither the addresses, which are the application's, nor the Aadhaar number, which nothing
    /// stores. `None` if it cannot be written, which no value here can cause.
    pub fn to_payload(&self) -> Option<Payload> {
        let stored = Stored {
            mobile: self.mobile.clone(),
            pan: self.pan.clone(),
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            date_of_birth: self.date_of_birth.clone(),
            notice_text: self.notice_text.clone(),
        };
        let content = Masked::new(serde_json::to_string(&stored).ok()?);
        let class = DataClass::Person;
        Some(Payload { class, content })
    }
}

/// The persons of journeys whose start brought them as its [payload](Applicant::to_payload), read from the engine that keeps the
/// journeys: for an application that keeps no list of its own. A journey whose consent was refused, withdrawn or is over has no person
/// any more.
///
/// ```
/// use std::sync::Arc;
///
/// use kyc_journey::provider_core::Mobile;
/// use kyc_journey::provider_core::jiff::Timestamp;
/// use kyc_journey::{
///     CorrelationToken, DocumentKind, DocumentsPlan, Event, EventKey, Fact, JourneyEngine, JourneyId,
///     MemoryEngine, Plan,
/// };
/// use kyc_journey_performer::{Addresses, Applicant, Applicants as _, StoredApplicants};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let engine = Arc::new(MemoryEngine::new());
/// let addresses = Addresses::new("https://lender.example.test/kyc")?;
/// let applicant = Applicant::new(Mobile::parse("9000000001")?, addresses.clone());
/// let plan = Plan::new().set_documents(Some(DocumentsPlan::new([DocumentKind::Pan])));
/// let token = CorrelationToken::from_bits(0x5eed); // 128 random bits
/// let start = Fact::Start { plan: Box::new(plan), token };
/// let start = Event::new(EventKey::command("ORDER-17")?, Timestamp::UNIX_EPOCH, None, start)
///     .set_payload(applicant.to_payload());
/// let journey = JourneyId::from_bits(17);
/// engine.submit(&journey, start).await?;
///
/// let applicants = StoredApplicants::new(engine, addresses);
/// assert_eq!(applicants.applicant(&journey).await?, applicant);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct StoredApplicants {
    engine: Arc<dyn JourneyEngine>,
    addresses: Addresses,
}

impl StoredApplicants {
    /// Reads from this engine; everybody comes back to these addresses.
    pub fn new(engine: Arc<dyn JourneyEngine>, addresses: Addresses) -> Self {
        Self { engine, addresses }
    }
}

#[async_trait]
impl Applicants for StoredApplicants {
    async fn applicant(&self, journey: &JourneyId) -> Result<Applicant, NoApplicant> {
        let unavailable = |_| NoApplicant::Unavailable;
        let record = self.engine.read(journey).await.map_err(unavailable)?;
        let person = record.and_then(|record| record.state.person());
        let person = person.ok_or(NoApplicant::Unknown)?;
        let payload = self.engine.payload(journey, person).await;
        let payload = payload.map_err(unavailable)?;
        let payload = payload.filter(|payload| payload.class == DataClass::Person);
        let payload = payload.ok_or(NoApplicant::Unknown)?;
        // What JSON says about itself may repeat what is stored.
        let stored = serde_json::from_str::<Stored>(payload.content.expose());
        let stored = stored.map_err(|_| NoApplicant::Unavailable)?;
        let applicant = Applicant::new(stored.mobile, self.addresses.clone())
            .set_pan(stored.pan)
            .set_email(stored.email)
            .set_name(stored.first_name, stored.last_name)
            .set_date_of_birth(stored.date_of_birth)
            .set_notice_text(stored.notice_text);
        Ok(applicant)
    }
}
