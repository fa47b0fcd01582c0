//! The person, and the inputs of each step.

use provider_core::capability::{
    AggregatorId, ConsentAnswer, ConsentPurpose, ConsentStatement, DocumentAccessRequest,
};
use provider_core::{Email, Masked, Mobile, Pan};
use serde::Deserialize;

/// A person to be onboarded. A step whose input is missing is skipped, with that reason.
///
/// `Debug` prints personal values masked.
///
/// As JSON it has the fields of its setters; only `mobile` is required, and an unknown member is refused. Read it with
/// [`request_from_json`](provider_core::request_from_json), whose errors name the member and the rule and never the value:
///
/// ```
/// use kyc_facade::Applicant;
/// use kyc_facade::provider_core::request_from_json;
///
/// let applicant: Applicant = request_from_json(
///     br#"{
///         "mobile": "9000000001",
///         "consent": {
///             "session": "00000000-0000-4000-8000-000000000001",
///             "kind": "aadhaar", "answer": "approved", "text": "I agree."
///         },
///         "documents": {"consent": true, "purpose": "KYC", "return_url": "https://lender.example.test"},
///         "query_id": "application-4711"
///     }"#,
/// )?;
/// let error = request_from_json::<Applicant>(br#"{"mobile": "+919000000001"}"#).unwrap_err();
/// assert_eq!(error.to_string(), "mobile: must be exactly 10 digits, without a country code");
/// # drop(applicant);
/// # Ok::<(), kyc_facade::provider_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Applicant {
    pub(crate) mobile: Mobile,
    pub(crate) pan: Option<Pan>,
    pub(crate) email: Option<Email>,
    pub(crate) consent: Option<ConsentStatement>,
    pub(crate) documents: Option<DocumentAccessRequest>,
    pub(crate) query_id: Option<String>,
    #[serde(default)]
    pub(crate) aggregators: Vec<AggregatorId>,
    #[serde(default = "lending")]
    pub(crate) purpose: ConsentPurpose,
    pub(crate) webhook_url: Option<Masked>,
    pub(crate) return_url: Option<Masked>,
}

provider_core::request! { read only: Applicant }

impl Applicant {
    /// A person by mobile number, for a lending decision.
    pub fn new(mobile: Mobile) -> Self {
        Self {
            mobile,
            pan: None,
            email: None,
            consent: None,
            documents: None,
            query_id: None,
            aggregators: Vec::new(),
            purpose: lending(),
            webhook_url: None,
            return_url: None,
        }
    }

    /// The person's PAN, for the aggregator consent.
    #[must_use]
    pub fn set_pan(mut self, pan: Pan) -> Self {
        self.pan = Some(pan);
        self
    }

    /// The person's e-mail address, for the aggregator consent.
    #[must_use]
    pub fn set_email(mut self, email: Email) -> Self {
        self.email = Some(email);
        self
    }

    /// The person's answer to the consent text, to be recorded. A refusal is recorded, and all other steps are skipped.
    #[must_use]
    pub fn set_consent(mut self, consent: ConsentStatement) -> Self {
        self.consent = Some(consent);
        self
    }

    /// The documents to request, and the purpose.
    #[must_use]
    pub fn set_documents(mut self, documents: DocumentAccessRequest) -> Self {
        self.documents = Some(documents);
        self
    }

    /// Your id for the query to aggregators, 1 to 100 characters. Without one, discovery is skipped.
    #[must_use]
    pub fn set_query_id(mut self, query_id: impl Into<String>) -> Self {
        self.query_id = Some(query_id.into());
        self
    }

    /// The aggregators to ask, the preferred one first. Empty means all.
    #[must_use]
    pub fn set_aggregators(mut self, aggregators: impl IntoIterator<Item = AggregatorId>) -> Self {
        self.aggregators = aggregators.into_iter().collect();
        self
    }

    /// What the financial data is for.
    #[must_use]
    pub fn set_purpose(mut self, purpose: ConsentPurpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Where the provider of the aggregator consent reports changes.
    #[must_use]
    pub fn set_webhook_url(mut self, url: impl Into<Masked>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// Where the person's browser goes after the aggregator consent.
    #[must_use]
    pub fn set_return_url(mut self, url: impl Into<Masked>) -> Self {
        self.return_url = Some(url.into());
        self
    }

    pub(crate) fn person(&self) -> Person {
        Person {
            mobile: self.mobile.clone(),
            pan: self.pan.clone(),
        }
    }

    pub(crate) fn answer(&self) -> Option<ConsentAnswer> {
        self.consent.as_ref().map(|consent| consent.answer)
    }
}

/// Whom a report is about; in memory only.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    mobile: Mobile,
    pan: Option<Pan>,
}

impl Person {
    /// The person of `earlier` with what is known now; `None` if it is another. The e-mail address identifies nobody, and a
    /// PAN only if both have one.
    pub(crate) fn same_as(self, earlier: Self) -> Option<Self> {
        let other_pan =
            matches!((&self.pan, &earlier.pan), (Some(pan), Some(known)) if pan != known);
        (self.mobile == earlier.mobile && !other_pan).then(|| Self {
            pan: self.pan.or(earlier.pan),
            mobile: self.mobile,
        })
    }
}

fn lending() -> ConsentPurpose {
    ConsentPurpose::LoanUnderwriting
}
