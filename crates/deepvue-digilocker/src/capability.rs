//! Deepvue as a [`DocumentAccess`].

use provider_core::capability::{
    BrowserUrl, DocumentAccess, DocumentAccessRequest, DocumentKind, DocumentSession,
    ProviderReference,
};
use provider_core::{Endpoint, Error, InvalidRequest, Provider, async_trait};

use crate::{Consent, Deepvue, DigilockerClient, DocType, InitiateSession};

#[async_trait]
impl DocumentAccess for DigilockerClient {
    fn provider(&self) -> &'static str {
        Deepvue::NAME
    }

    async fn open_session(&self, request: DocumentAccessRequest) -> Result<DocumentSession, Error> {
        let at_operation =
            |error| Error::from(error).at(Deepvue::NAME, InitiateSession::OPERATION.name);
        if !request.consented {
            return Err(at_operation(InvalidRequest::new(
                "consent",
                "the person has not given it",
            )));
        }
        let doc_types = request.documents.into_iter().map(|kind| match kind {
            DocumentKind::Aadhaar => DocType::Aadhaar,
            DocumentKind::Pan => DocType::Pan,
            DocumentKind::DrivingLicence => DocType::Dl,
            other => DocType::from(other.as_str()),
        });
        let initiate = InitiateSession::new(
            Consent::given_by_person(),
            request.purpose,
            request.return_url,
        )
        .set_doc_types(doc_types);
        let session = self.initiate_session(initiate).await?.into_value();
        let reference =
            ProviderReference::parse(session.transaction_id.as_str()).map_err(at_operation)?;
        Ok(DocumentSession {
            reference,
            url: BrowserUrl::new(session.data.authorization_url.expose()),
        })
    }
}
