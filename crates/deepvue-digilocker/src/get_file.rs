//! One of the person's documents.

use std::time::Duration;

use provider_core::lint::Findings;
use provider_core::{
    BuiltRequest, DecodeError, Endpoint, Idempotency, InvalidRequest, Mark, Operation,
    RequestBuilder, ResponseError, Verified,
};
use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, read};
use crate::session_request::check_purpose;
use crate::{Consent, Deepvue, DocumentText, FileUri, TransactionId};

/// The request of one document (`[docs: download-file]`), once the session's authorisation is complete. No page has a way to ask for
/// another type than comes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetFile {
    /// That the person agreed: Y, the only value
    consent: Consent,
    /// Why the documents are wanted
    purpose: String,
    /// The session's id, the transaction_id of the reply that opened it
    initial_deepvue_transaction_id: TransactionId,
    /// The document's key, from the list of issued files
    uri: FileUri,
}

provider_core::request! { GetFile }

impl GetFile {
    /// Creates a request for the document with the key of an [`IssuedFile`](crate::IssuedFile).
    pub fn new(
        consent: Consent,
        purpose: impl Into<String>,
        session: TransactionId,
        uri: FileUri,
    ) -> Self {
        Self {
            consent,
            purpose: purpose.into(),
            initial_deepvue_transaction_id: session,
            uri,
        }
    }
}

/// The reply: the document as text, whose encoding no page tells.
pub type FileReply = Envelope<DocumentText>;

impl Endpoint for GetFile {
    type Provider = Deepvue;
    type Output = FileReply;

    const OPERATION: Operation =
        Operation::new("file", "POST /v1/kyc/digilocker/file", Idempotency::Safe)
            .with_timeout(Duration::from_secs(60))
            // No limit is documented.
            .with_max_reply_bytes(16 * 1024 * 1024)
            .documented(Mark::Docs);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Deepvue>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        check_purpose(&self.purpose)?;
        if self.uri.expose().trim().is_empty() {
            return Err(InvalidRequest::new("uri", "must not be empty"));
        }
        request.json(self)
    }

    fn lint(&self, findings: &mut Findings<'_>) {
        findings.free_text("purpose", &self.purpose);
    }

    fn response(&self, response: &Verified) -> Result<FileReply, ResponseError> {
        let file: FileReply = read(response)?;
        match file.data.expose().trim() {
            "" => Err(DecodeError::missing_data("$.data").into()),
            _ => Ok(file),
        }
    }
}
