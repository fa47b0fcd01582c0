//! Deepvue as a [`DocumentAccess`].

use provider_core::capability::{
    BrowserUrl, DocumentAccess, DocumentAccessRequest, DocumentKind, DocumentSession,
    ProviderReference,
};
use provider_core::{
    CallOptions, DecodeError, Endpoint, Error, InvalidRequest, Provider, async_trait,
};

use crate::{Consent, Deepvue, DigilockerClient, DocType, InitiateSession};

fn at_operation(error: impl Into<Error>) -> Error {
    error
        .into()
        .at(Deepvue::NAME, InitiateSession::OPERATION.name)
}

fn request(access: &DocumentAccessRequest) -> Result<InitiateSession, InvalidRequest> {
    if !access.consented {
        return Err(InvalidRequest::new("consent", "the person has not agreed"));
    }
    let doc_types = access.documents.iter().map(|kind| match kind {
        DocumentKind::Aadhaar => DocType::Aadhaar,
        DocumentKind::Pan => DocType::Pan,
        DocumentKind::DrivingLicence => DocType::Dl,
        other => DocType::from(other.as_str()),
    });
    let consent = Consent::given_by_person();
    Ok(
        InitiateSession::new(consent, &*access.purpose, access.return_url.clone())
            .set_doc_types(doc_types),
    )
}

#[async_trait]
impl DocumentAccess for DigilockerClient {
    fn provider_name(&self) -> &'static str {
        Deepvue::NAME
    }

    fn check_session(&self, access: &DocumentAccessRequest) -> Result<(), Error> {
        self.client().check(&request(access).map_err(at_operation)?)
    }

    async fn open_session(
        &self,
        access: DocumentAccessRequest,
        options: CallOptions,
    ) -> Result<DocumentSession, Error> {
        let request = request(&access).map_err(at_operation)?;
        let session = self
            .initiate_session(request)
            .with_options(options)
            .await?
            .into_value();
        let url = BrowserUrl::new(session.data.authorization_url.expose());
        ProviderReference::parse(session.transaction_id.as_str())
            .map(|reference| DocumentSession::new(reference, url))
            .map_err(|_| at_operation(DecodeError::missing_data("$.transaction_id")))
    }
}
