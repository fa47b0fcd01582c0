//! *Initialize* of AA-BSA: opens a journey of consent and analysis.

use provider_core::lint::Findings;
use provider_core::{
    BuiltRequest, DecodeError, Endpoint, Idempotency, InvalidRequest, Label, Mark, Masked, Mobile,
    Operation, RequestBuilder, ResponseError, Verified, check_id, check_person_url, check_web_url,
    lenient,
};
use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, read};
use crate::{ConsentType, ConsentUrl, Finpass, JourneyStatus};

provider_core::opaque_id! {
    /// The id of an AA-BSA journey, which every later call names: `client_id` on the wire, although it is no credential.
    ///
    /// It is no [`SessionId`](crate::SessionId): the two families' ids are not exchangeable.
    ///
    /// ```compile_fail
    /// # use finpass::{GetJourneyStatus, SessionId};
    /// let request = GetJourneyStatus::new(SessionId::parse("aa_1")?);
    /// # Ok::<(), finpass::provider_core::InvalidRequest>(())
    /// ```
    pub struct JourneyId("client_id");
}

/// Where a journey leads the person, or reports its changes. Without a URL it is Finpass's own site, so that the person is lost or
/// the report goes nowhere: it has to be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JourneyUrl {
    /// This absolute `http` or `https` URL.
    At(Masked),
    /// `https://finpass.ai/`, what Finpass does without one (`[docs: BSAJ-init]`).
    FinpassSite,
}

impl JourneyUrl {
    /// An absolute `http` or `https` URL.
    pub fn at(url: impl Into<Masked>) -> Self {
        Self::At(url.into())
    }

    fn into_url(self) -> Option<Masked> {
        match self {
            Self::At(url) => Some(url),
            Self::FinpassSite => None,
        }
    }
}

/// The request of *Initialize* of AA-BSA (`[docs: BSAJ-init]`): a mobile number, a purpose, and two addresses.
///
/// ```
/// use finpass::provider_core::Mobile;
/// use finpass::{ConsentType, InitializeJourney, JourneyUrl};
///
/// let request = InitializeJourney::new(
///     Mobile::parse("9000000001")?,
///     ConsentType::LoanUnderwriting,
///     JourneyUrl::at("https://lender.example.test/done"),
///     JourneyUrl::FinpassSite, // the status is polled
/// );
/// # Ok::<(), finpass::provider_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct InitializeJourney {
    /// The mobile number that is linked to the bank accounts, 10 digits
    mobile_number: Mobile,
    /// What the consent is for: loan_underwriting, loan_monitoring, or another text
    // Optional on the wire, with a default, and one of two; always sent, as it is.
    consent_type: ConsentType,
    /// Where the person's browser goes afterwards, an absolute http or https URL; without it to Finpass's own site
    #[serde(
        rename = "redirect_url",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    return_url: Option<Masked>,
    /// Where changes are reported, an absolute http or https URL; without it to Finpass's own site
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webhook_url: Option<Masked>,
}

provider_core::request! { InitializeJourney }

impl InitializeJourney {
    /// Creates a request. `return_url`, `redirect_url` on the wire, is where the person's browser goes after the journey;
    /// `webhook_url` is where changes of the journey are reported.
    pub fn new(
        mobile_number: Mobile,
        consent_type: ConsentType,
        return_url: JourneyUrl,
        webhook_url: JourneyUrl,
    ) -> Self {
        Self {
            mobile_number,
            consent_type,
            return_url: return_url.into_url(),
            webhook_url: webhook_url.into_url(),
        }
    }
}

/// The reply of *Initialize* of AA-BSA (`[docs: BSAJ-init]`).
pub type InitializedJourney = Envelope<JourneyData>;

/// A journey that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct JourneyData {
    /// The journey's id.
    #[serde(deserialize_with = "lenient::id")]
    pub client_id: JourneyId,
    /// Where to send the person's browser, an absolute `http` or `https` URL.
    pub journey_url: ConsentUrl,
    /// `initiated` at this point.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<JourneyStatus>,
    /// What the consent is for.
    #[serde(default, deserialize_with = "lenient::text")]
    pub consent_type: Option<ConsentType>,
    /// When the journey ends if the person has not consented, ISO 8601.
    #[serde(default, deserialize_with = "lenient::text")]
    pub expires_at: Option<Label>,
}

impl Endpoint for InitializeJourney {
    type Provider = Finpass;
    type Output = InitializedJourney;

    const OPERATION: Operation = Operation::new(
        "initialize-journey",
        "POST /api/v1/aa-bsa-journey/init",
        // No idempotency key is documented, and each call opens another journey.
        Idempotency::Unsafe,
    )
    .settled_by(
        "no look-up without the journey's id is documented; without its URL the person cannot use a lost journey, so \
         opening another one is safe, but may be billed; ask Finpass about the price with the time and the request id",
    )
    .documented(Mark::Docs);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpass>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        check_id("consent_type", self.consent_type.as_str())?;
        for (field, url) in [
            ("redirect_url", &self.return_url),
            ("webhook_url", &self.webhook_url),
        ] {
            if let Some(url) = url {
                check_web_url(field, url.expose())?;
            }
        }
        request.json(self)
    }

    fn lint(&self, findings: &mut Findings<'_>) {
        findings.mobile("mobile_number", &self.mobile_number);
    }

    fn response(&self, response: &Verified) -> Result<InitializedJourney, ResponseError> {
        let journey: InitializedJourney = read(response)?;
        if journey.data.client_id.as_str().trim().is_empty() {
            return Err(DecodeError::missing_data("$.data.client_id").into());
        }
        // A browser must not be sent to another scheme, such as `javascript:`.
        check_person_url("journey_url", journey.data.journey_url.expose())
            .map_err(|_| DecodeError::missing_data("$.data.journey_url"))?;
        Ok(journey)
    }
}
