//! The person's e-Aadhaar.

use std::time::Duration;

use provider_core::{
    DecodeError, Idempotency, Mark, Masked, Operation, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, read_object};
use crate::personal;
use crate::session_request::post;
use crate::{Consent, DocumentText, TransactionId, document};

/// The request of a session's e-Aadhaar (`[docs: e-aadhaar]`), once its authorisation is complete. With a provider of the same shape
/// a call before the person has consented spoils the session (`[3p]`): it is no way to ask how the session is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetEAadhaar {
    /// That the person agreed: Y, the only value
    consent: Consent,
    /// Why the documents are wanted
    purpose: String,
    /// The session's id, the transaction_id of the reply that opened it
    initial_deepvue_transaction_id: TransactionId,
    /// Whether the reply has a PDF, too; it has none by default
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generate_pdf: Option<bool>,
}

provider_core::request! { GetEAadhaar }

impl GetEAadhaar {
    /// Creates a request.
    pub fn new(consent: Consent, purpose: impl Into<String>, session: TransactionId) -> Self {
        Self {
            consent,
            purpose: purpose.into(),
            initial_deepvue_transaction_id: session,
            generate_pdf: None,
        }
    }

    /// Asks for a PDF, too, or says that none is wanted.
    #[must_use]
    pub fn set_generate_pdf(mut self, generate_pdf: bool) -> Self {
        self.generate_pdf = Some(generate_pdf);
        self
    }
}

/// The reply (`[docs: e-aadhaar]`).
pub type EAadhaarReply = Envelope<EAadhaar>;

/// An e-Aadhaar. The page speaks of its XML, which is not in the reply, so its signature cannot be verified this way.
///
/// All of it is personal, and `Debug` prints none of it. An Aadhaar number may come unmasked, in any text: do not store the
/// reply as it came. This client hides all but the last four digits everywhere but in
/// [`Response::body`](provider_core::Response::body), and takes a reply without any of these parts for an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EAadhaar {
    /// The Aadhaar number, masked but for its last four digits; the mask's form is not documented. This client never shows more
    /// of it.
    #[serde(default, deserialize_with = "personal::masked_uid")]
    pub masked_uid: Option<Masked>,
    /// Who it is.
    #[serde(default, deserialize_with = "lenient::object")]
    pub proof_of_identity: Option<ProofOfIdentity>,
    /// Where the person lives.
    #[serde(default, deserialize_with = "lenient::object")]
    pub proof_of_address: Option<ProofOfAddress>,
    /// The photo in base64; its type is not documented.
    #[serde(default, deserialize_with = "document::optional")]
    pub photo: Option<DocumentText>,
    /// The PDF in base64, if it was asked for.
    #[serde(default, deserialize_with = "document::optional")]
    pub document_pdf: Option<DocumentText>,
}

/// Who the person is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProofOfIdentity {
    /// The date of birth; its form is not documented.
    #[serde(default, deserialize_with = "personal::text")]
    pub dob: Option<Masked>,
    /// The gender.
    #[serde(default, deserialize_with = "personal::text")]
    pub gender: Option<Masked>,
    /// The name.
    #[serde(default, deserialize_with = "personal::text")]
    pub name: Option<Masked>,
}

/// Where the person lives. Parts that other providers have, such as a landmark, are in
/// [`Response::body`](provider_core::Response::body).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProofOfAddress {
    /// In whose care.
    #[serde(default, deserialize_with = "personal::text")]
    pub care_of: Option<Masked>,
    /// The district.
    #[serde(default, deserialize_with = "personal::text")]
    pub district: Option<Masked>,
    /// The house.
    #[serde(default, deserialize_with = "personal::text")]
    pub house: Option<Masked>,
    /// The locality.
    #[serde(default, deserialize_with = "personal::text")]
    pub locality: Option<Masked>,
    /// The street.
    #[serde(default, deserialize_with = "personal::text")]
    pub street: Option<Masked>,
    /// The village, town or city.
    #[serde(default, deserialize_with = "personal::text")]
    pub vtc: Option<Masked>,
    /// The postal code.
    #[serde(default, deserialize_with = "personal::text")]
    pub pincode: Option<Masked>,
    /// The state.
    #[serde(default, deserialize_with = "personal::text")]
    pub state: Option<Masked>,
    /// The country.
    #[serde(default, deserialize_with = "personal::text")]
    pub country: Option<Masked>,
}

fn read(response: &Verified) -> Result<EAadhaarReply, ResponseError> {
    let reply: EAadhaarReply = read_object(response)?;
    let data = &reply.data;
    let is_empty = data.masked_uid.is_none()
        && data.proof_of_identity.is_none()
        && data.proof_of_address.is_none();
    match is_empty {
        true => Err(DecodeError::missing_data("$.data").into()),
        false => Ok(reply),
    }
}

post!(
    GetEAadhaar => EAadhaar,
    Operation::new(
        "e-aadhaar",
        "POST /v1/kyc/digilocker/eaadhaar",
        Idempotency::Safe,
    )
    // A photo and a PDF.
    .with_timeout(Duration::from_secs(60))
    .documented(Mark::Docs),
    read
);
