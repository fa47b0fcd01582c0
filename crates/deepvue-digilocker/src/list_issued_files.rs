//! The documents that were issued to the person.

use provider_core::{Idempotency, Items, Label, Mark, Masked, Operation, ResponseError, Verified};
use serde::{Deserialize, Serialize};

use crate::envelope::{self, Envelope};
use crate::personal;
use crate::session_request::post;
use crate::{Consent, TransactionId};

/// The request of a session's documents (`[docs: issued-files]`), once its authorisation is complete.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct ListIssuedFiles {
    /// That the person agreed: Y, the only value
    consent: Consent,
    /// Why the documents are wanted
    purpose: String,
    /// The session's id, the transaction_id of the reply that opened it
    initial_deepvue_transaction_id: TransactionId,
}

provider_core::request! { ListIssuedFiles }

impl ListIssuedFiles {
    /// Creates a request.
    pub fn new(consent: Consent, purpose: impl Into<String>, session: TransactionId) -> Self {
        Self {
            consent,
            purpose: purpose.into(),
            initial_deepvue_transaction_id: session,
        }
    }
}

/// The reply (`[docs: issued-files]`). A document that cannot be read does not fail the others, see [`Items::unread`]; a whole Aadhaar
/// number in it is hidden there, too. Whether an
/// account without documents gives an empty list, and whether the list is limited to the session's kinds, is not documented
/// (`[unknown]`).
pub type IssuedFiles = Envelope<Items<IssuedFile>>;

provider_core::masked_text! {
    /// The key of a document, `<issuer>-<kind>-<document>`. The last part may be an identifier of the person, such as the PAN.
    /// It is kept as it came, unmasked: the document is fetched with it.
    pub struct FileUri;
}

/// A document that was issued to the person: the eleven members that DigiLocker has, too (`[docs: issued-files]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct IssuedFile {
    /// The key with which the document is fetched.
    pub uri: FileUri,
    /// The name for people.
    #[serde(default, deserialize_with = "personal::text")]
    pub name: Option<Masked>,
    /// `file`.
    #[serde(rename = "type", default, deserialize_with = "personal::text")]
    pub kind: Option<Label>,
    /// Usually blank.
    #[serde(default, deserialize_with = "personal::text")]
    pub size: Option<Label>,
    /// When it changed: its form differs between providers.
    #[serde(default, deserialize_with = "personal::text")]
    pub date: Option<Label>,
    /// Usually blank.
    #[serde(default, deserialize_with = "personal::text")]
    pub parent: Option<Label>,
    /// The types in which the issuer has it, such as `application/pdf` and `application/xml`. In which of them it is fetched is
    /// not documented (`[unknown]`).
    #[serde(default, deserialize_with = "personal::texts")]
    pub mime: Option<Vec<String>>,
    /// The kind in five letters: `ADHAR`, `PANCR`, `DRVLC` and others.
    #[serde(default, deserialize_with = "personal::text")]
    pub doctype: Option<Label>,
    /// What it is, for people.
    #[serde(default, deserialize_with = "personal::text")]
    pub description: Option<Masked>,
    /// The issuer, such as `in.gov.uidai`.
    #[serde(default, deserialize_with = "personal::text")]
    pub issuerid: Option<Label>,
    /// The issuer's name.
    #[serde(default, deserialize_with = "personal::text")]
    pub issuer: Option<Masked>,
}

fn read(response: &Verified) -> Result<IssuedFiles, ResponseError> {
    let files: IssuedFiles = envelope::read(response)?;
    Ok(files.map(|files| files.map_unread(personal::json)))
}

post!(
    ListIssuedFiles => Items<IssuedFile>,
    Operation::new(
        "issued-files",
        "POST /v1/kyc/digilocker/issued-files",
        Idempotency::Safe,
    )
    .documented(Mark::Docs),
    read
);
