//! Opens a session in which the person grants access to documents.

use provider_core::lint::Findings;
use provider_core::{
    BuiltRequest, DecodeError, Endpoint, Idempotency, InvalidRequest, Mark, Masked, Operation,
    RequestBuilder, ResponseError, Verified, check_id, check_person_url, check_web_url,
};
use serde::{Deserialize, Serialize, Serializer};

use crate::Deepvue;
use crate::envelope::{Envelope, read_object};
use crate::session_request::check_purpose;

/// States that the person agreed. There is no default and no other value: the caller who constructs it is responsible for
/// it.
///
/// ```
/// let consent = deepvue_digilocker::Consent::given_by_person();
/// ```
///
/// ```compile_fail
/// let consent = deepvue_digilocker::Consent::default();
/// ```
///
/// ```compile_fail
/// let consent = deepvue_digilocker::Consent(());
/// ```
///
/// ```compile_fail
/// let consent = deepvue_digilocker::Consent::from("Y");
/// ```
///
/// A request in JSON has to state it too: `"consent": "Y"` and no other value.
///
/// ```
/// use deepvue_digilocker::Consent;
/// use provider_core::serde_json;
///
/// assert!(serde_json::from_str::<Consent>("\"Y\"").is_ok());
/// assert!(serde_json::from_str::<Consent>("true").is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent(());

impl Consent {
    /// States that the person agreed to this use of DigiLocker.
    pub fn given_by_person() -> Self {
        Self(())
    }
}

impl Consent {
    fn parse(text: &str) -> Result<Self, InvalidRequest> {
        match text {
            "Y" => Ok(Self::given_by_person()),
            _ => Err(InvalidRequest::new(
                "consent",
                "must be Y: the person agreed",
            )),
        }
    }
}

provider_core::text_input! { Consent, "Y: the person agreed. Without it nothing is sent.", pattern: "^Y$" }

impl Serialize for Consent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("Y")
    }
}

/// Purposes that Deepvue's consent guide lists (`[docs: /consent-and-compliance]`). The field is free text; the guide warns
/// that wrong or generic purposes can suspend an account.
pub mod purpose {
    /// Know your customer.
    pub const KYC: &str = "KYC";
    /// Know your business.
    pub const KYB: &str = "KYB";
    /// A credit check.
    pub const CREDIT_CHECK: &str = "Credit Check";
    /// Verification of an employment.
    pub const EMPLOYMENT_VERIFICATION: &str = "Employment Verification";
    /// A background check.
    pub const BACKGROUND_CHECK: &str = "Background Check";
}

provider_core::open_enum! {
    /// A kind of document (`[seed]`).
    pub enum DocType {
        /// Aadhaar.
        Aadhaar = "aadhaar",
        /// Permanent Account Number card.
        Pan = "pan",
        /// Driving licence.
        Dl = "dl",
    }
}

provider_core::masked_text! {
    /// The URL where the person grants access, byte for byte as Deepvue sent it.
    pub struct AuthorizationUrl;
}

/// The request: the person's agreement, the purpose, where the browser returns to, and which documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct InitiateSession {
    /// That the person agreed: Y, the only value
    consent: Consent,
    /// Why the documents are wanted
    purpose: String,
    /// Where the person's browser comes back to, an absolute http or https URL
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redirect_url: Option<Masked>,
    /// Which documents: aadhaar, pan, dl
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    doc_types: Vec<DocType>,
}

provider_core::request! { InitiateSession }

impl InitiateSession {
    /// Creates a request for all kinds of documents, which returns to `redirect_url`, an absolute `http` or `https` URL.
    ///
    /// `purpose` is free text, see [`purpose`]; its limits are not documented.
    pub fn new(
        consent: Consent,
        purpose: impl Into<String>,
        redirect_url: impl Into<Masked>,
    ) -> Self {
        Self {
            redirect_url: Some(redirect_url.into()),
            ..Self::without_redirect(consent, purpose)
        }
    }

    /// Creates a request without `redirect_url`. Deepvue does not mark the field as required, but no other way back is
    /// documented.
    pub fn without_redirect(consent: Consent, purpose: impl Into<String>) -> Self {
        Self {
            consent,
            purpose: purpose.into(),
            redirect_url: None,
            doc_types: Vec::new(),
        }
    }

    /// Limits the kinds of documents. Empty means all again: Deepvue does not document the effect of an empty list, so none
    /// is sent.
    #[must_use]
    pub fn set_doc_types(mut self, doc_types: impl IntoIterator<Item = DocType>) -> Self {
        self.doc_types = doc_types.into_iter().collect();
        self
    }
}

/// A session that is open (`[seed]`).
pub type InitiatedSession = Envelope<SessionData>;

/// The data of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SessionData {
    /// Where to send the person's browser. Its lifetime is not documented.
    pub authorization_url: AuthorizationUrl,
}

impl Endpoint for InitiateSession {
    type Provider = Deepvue;
    type Output = InitiatedSession;

    const OPERATION: Operation = Operation::new(
        "initiate-session",
        "POST /v1/kyc/digilocker/initiate-session",
        // No idempotency key is documented, and a second call may open a second session.
        Idempotency::Unsafe,
    )
    // No status or session-list route is documented.
    .settled_by(
        "no look-up is documented; without its URL the person cannot use a lost session, so opening another one is \
         safe, but may be billed; ask Deepvue about the price with the time and the request id",
    )
    .documented(Mark::Seed);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Deepvue>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        check_purpose(&self.purpose)?;
        if let Some(url) = &self.redirect_url {
            check_web_url("redirect_url", url.expose())?;
        }
        for (index, kind) in self.doc_types.iter().enumerate() {
            check_id("doc_types", kind.as_str())
                .map_err(|error| error.for_field(format!("doc_types[{index}]")))?;
        }
        request.json(self)
    }

    fn lint(&self, findings: &mut Findings<'_>) {
        findings.free_text("purpose", &self.purpose);
    }

    fn response(&self, response: &Verified) -> Result<InitiatedSession, ResponseError> {
        let session: InitiatedSession = read_object(response)?;
        // A browser must not be sent to another scheme, such as `javascript:`.
        check_person_url("authorization_url", session.data.authorization_url.expose())
            .map_err(|_| DecodeError::missing_data("$.data.authorization_url"))?;
        Ok(session)
    }
}
