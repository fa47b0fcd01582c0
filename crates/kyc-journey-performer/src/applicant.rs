//! The person of a journey, found when a call needs them.

use std::fmt;

use async_trait::async_trait;
use kyc_journey::{Correlation, JourneyId, Provider};
use provider_core::{Email, InvalidRequest, Masked, Mobile, Pan, check_web_url};

/// Finds the person of a journey, just before a call that needs it. A journey's state knows no person, only its own id: either the
/// application keeps who it belongs to, or the payload of its start says it, which [`StoredApplicants`](crate::StoredApplicants) reads.
#[async_trait]
pub trait Applicants: fmt::Debug + Send + Sync {
    /// The person of this journey.
    ///
    /// # Errors
    ///
    /// Nobody is known, or the store cannot be read. Nothing is sent, and the journey tries again later.
    async fn applicant(&self, journey: &JourneyId) -> Result<Applicant, NoApplicant>;
}

/// The person of a journey was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoApplicant {
    /// The journey belongs to nobody, such as after an erasure.
    Unknown,
    /// The store cannot be read now.
    Unavailable,
}

impl fmt::Display for NoApplicant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the journey belongs to nobody",
            Self::Unavailable => "the person of the journey cannot be read now",
        })
    }
}

impl std::error::Error for NoApplicant {}

/// What is personal in a journey's calls, and where its person and its webhooks come back to. `Debug` prints no value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applicant {
    /// The mobile number, 10 digits.
    pub mobile: Mobile,
    /// Where the person and webhooks come back to.
    pub addresses: Addresses,
    /// The PAN.
    pub pan: Option<Pan>,
    /// The e-mail address.
    pub email: Option<Email>,
    /// The given name, as documents have it.
    pub first_name: Option<Masked>,
    /// The family name, as documents have it.
    pub last_name: Option<Masked>,
    /// The date of birth, `YYYY-MM-DD`.
    pub date_of_birth: Option<Masked>,
    /// The text of the notice that the person agreed to, exactly as it was shown. Without it no consent is recorded at Veriff.
    pub notice_text: Option<Masked>,
    /// What the documents are for, as DigiLocker shows it to this person; what the performer was given for everybody if `None`. Nothing stores
    /// it here: say the same for each call of a session.
    pub purpose: Option<Masked>,
    /// The Aadhaar number, 12 digits, where the person wants a one-time code for it. Nothing stores it here: give it for that call only.
    pub aadhaar_number: Option<Masked>,
}

impl Applicant {
    /// A person with a mobile number, and where they come back to.
    pub fn new(mobile: Mobile, addresses: Addresses) -> Self {
        Self {
            mobile,
            addresses,
            pan: None,
            email: None,
            first_name: None,
            last_name: None,
            date_of_birth: None,
            notice_text: None,
            purpose: None,
            aadhaar_number: None,
        }
    }

    /// The PAN.
    #[must_use]
    pub fn set_pan(mut self, pan: Option<Pan>) -> Self {
        self.pan = pan;
        self
    }

    /// The e-mail address.
    #[must_use]
    pub fn set_email(mut self, email: Option<Email>) -> Self {
        self.email = email;
        self
    }

    /// The given and the family name, as documents have them.
    #[must_use]
    pub fn set_name(mut self, first: Option<Masked>, last: Option<Masked>) -> Self {
        (self.first_name, self.last_name) = (first, last);
        self
    }

    /// The date of birth, `YYYY-MM-DD`.
    #[must_use]
    pub fn set_date_of_birth(mut self, day: Option<Masked>) -> Self {
        self.date_of_birth = day;
        self
    }

    /// The text of the notice that the person agreed to, exactly as it was shown.
    #[must_use]
    pub fn set_notice_text(mut self, text: Option<Masked>) -> Self {
        self.notice_text = text;
        self
    }

    /// What the documents are for, as DigiLocker shows it to this person.
    #[must_use]
    pub fn set_purpose(mut self, purpose: Option<Masked>) -> Self {
        self.purpose = purpose;
        self
    }

    /// The Aadhaar number, where the person wants a one-time code for it.
    #[must_use]
    pub fn set_aadhaar_number(mut self, number: Option<Masked>) -> Self {
        self.aadhaar_number = number;
        self
    }
}

/// Where a journey's person and its webhooks come back to: below one address of the application, with the journey's token in the path,
/// because whether a provider keeps a query is not documented. Who knows such an address can report in the provider's place, so `Debug`
/// prints none.
///
/// ```
/// use kyc_journey::{Correlation, CorrelationToken, Leg, Provider};
/// use kyc_journey_performer::Addresses;
///
/// let addresses = Addresses::new("https://lender.example.test/kyc")?;
/// let correlation = Correlation { token: CorrelationToken::from_bits(7), leg: Leg::Accounts, attempt: 1 };
/// let token = "00000000000000000000000000000007-accounts-1";
/// assert_eq!(
///     addresses.return_url(&correlation).expose(),
///     format!("https://lender.example.test/kyc/return/{token}")
/// );
/// assert_eq!(
///     addresses.hook_url(Provider::Finpass, &correlation).expose(),
///     format!("https://lender.example.test/kyc/hooks/finpass/{token}")
/// );
/// assert!(Addresses::new("https://lender.example.test/kyc?a=b").is_err());
/// # Ok::<(), kyc_journey::provider_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses(Masked);

impl Addresses {
    /// Addresses below this one.
    ///
    /// # Errors
    ///
    /// It is no absolute `http` or `https` URL, or has a query or a fragment.
    pub fn new(base: impl Into<Masked>) -> Result<Self, InvalidRequest> {
        let base = base.into();
        check_web_url("base", base.expose())?;
        match base.expose().contains(['?', '#']) {
            true => Err(InvalidRequest::new(
                "base",
                "must have neither a query nor a fragment",
            )),
            false => Ok(Self(Masked::new(base.expose().trim_end_matches('/')))),
        }
    }

    /// Where a person's browser returns: `/return/<token>-<leg>-<attempt>`.
    pub fn return_url(&self, correlation: &Correlation) -> Masked {
        let base = self.0.expose();
        Masked::new(format!("{base}/return/{}", correlation.expose()))
    }

    /// Where a provider's webhooks go: `/hooks/<provider>/<token>-<leg>-<attempt>`.
    pub fn hook_url(&self, provider: Provider, correlation: &Correlation) -> Masked {
        let (base, provider) = (self.0.expose(), provider.as_str());
        Masked::new(format!("{base}/hooks/{provider}/{}", correlation.expose()))
    }
}
