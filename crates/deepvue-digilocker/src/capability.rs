//! Deepvue as a [`DocumentAccess`].

use provider_core::capability::{
    BrowserUrl, DocumentAccess, DocumentAccessRequest, DocumentKind, DocumentSession,
    ProviderReference,
};
use provider_core::{CallOptions, DecodeError, Endpoint, Error, Provider, async_trait};

use crate::{Consent, Deepvue, DigilockerClient, DocType, InitiateSession};

fn at_operation(error: impl Into<Error>) -> Error {
    error
        .into()
        .at(Deepvue::NAME, InitiateSession::OPERATION.name)
}

fn request(access: &DocumentAccessRequest) -> InitiateSession {
    let doc_types = access.documents.iter().map(|kind| match kind {
        DocumentKind::Aadhaar => DocType::Aadhaar,
        DocumentKind::Pan => DocType::Pan,
        DocumentKind::DrivingLicence => DocType::Dl,
        other => DocType::from(other.as_str()),
    });
    // The neutral type states the same, and has no other value either.
    let consent = Consent::given_by_person();
    InitiateSession::new(consent, &*access.purpose, access.return_url.clone())
        .set_doc_types(doc_types)
}

#[async_trait]
impl DocumentAccess for DigilockerClient {
    fn provider_name(&self) -> &'static str {
        Deepvue::NAME
    }

    fn check_session(&self, access: &DocumentAccessRequest) -> Result<(), Error> {
        self.client().check(&request(access))
    }

    async fn open_session(
        &self,
        access: DocumentAccessRequest,
        options: CallOptions,
    ) -> Result<DocumentSession, Error> {
        let session = self
            .initiate_session(request(&access))
            .with_options(options)
            .await?
            .into_value();
        let url = BrowserUrl::new(session.data.authorization_url.expose());
        ProviderReference::parse(session.transaction_id.as_str())
            .map(|reference| DocumentSession::new(reference, url))
            .map_err(|_| at_operation(DecodeError::missing_data("$.transaction_id")))
    }
}
