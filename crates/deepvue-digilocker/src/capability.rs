//! Deepvue as a [`DocumentAccess`], and as [`SharedDocuments`] and [`SharedIdentity`].

use std::time::Duration;

use provider_core::capability::{
    AccessGrant, AccessReturn, BrowserUrl, Document, DocumentAccess, DocumentAccessRequest,
    DocumentFormat, DocumentKind, DocumentList, DocumentReference, DocumentSession, GrantedAccess,
    IdentityRecord, PostalAddress, ProviderReference, SessionAccess, SessionReference,
    SharedDocument, SharedDocuments, SharedIdentity,
};
use provider_core::{
    CallOptions, DecodeError, Endpoint, Error, ErrorKind, InvalidRequest, Masked, Outcome,
    Provider, async_trait,
};

use crate::{
    Authorization, BrowserReturn, CompleteAuthorization, Consent, Deepvue, DigilockerClient,
    DigilockerCode, DocType, DocumentText, EAadhaar, FileUri, GetEAadhaar, GetFile,
    InitiateSession, IssuedFile, ListIssuedFiles, ProofOfAddress, TransactionId,
};

fn at<E: Endpoint>(error: impl Into<Error>) -> Error {
    error.into().at(Deepvue::NAME, E::OPERATION.name)
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

fn transaction(session: &SessionReference) -> Result<TransactionId, InvalidRequest> {
    let reference = session.reference_at(Deepvue::NAME)?;
    TransactionId::parse(reference.as_str()).map_err(|error| error.for_field("session"))
}

fn completion(
    access: &SessionAccess,
    grant: &AccessGrant,
) -> Result<CompleteAuthorization, InvalidRequest> {
    let session = transaction(&access.session)?;
    let code = DigilockerCode::parse(grant.code_for(&access.session)?.expose())?;
    let consent = Consent::given_by_person();
    Ok(CompleteAuthorization::new(
        consent,
        &*access.purpose,
        session,
        code,
    ))
}

fn list(access: &SessionAccess) -> Result<ListIssuedFiles, InvalidRequest> {
    let session = transaction(&access.session)?;
    let consent = Consent::given_by_person();
    Ok(ListIssuedFiles::new(consent, &*access.purpose, session))
}

fn file(access: &SessionAccess, document: &DocumentReference) -> Result<GetFile, InvalidRequest> {
    let session = transaction(&access.session)?;
    let consent = Consent::given_by_person();
    let uri = FileUri::new(document.expose());
    Ok(GetFile::new(consent, &*access.purpose, session, uri))
}

fn identity(access: &SessionAccess) -> Result<GetEAadhaar, InvalidRequest> {
    let session = transaction(&access.session)?;
    let consent = Consent::given_by_person();
    Ok(GetEAadhaar::new(consent, &*access.purpose, session))
}

fn granted(authorization: Authorization) -> GrantedAccess {
    let mut granted = GrantedAccess::new();
    granted.date_of_birth = authorization
        .date_of_birth()
        .map(|date| Masked::new(date.to_string()));
    granted.readable_for = authorization.expires_in.map(Duration::from_secs);
    granted.consent_ends = authorization.consent_ends();
    granted.name = authorization.name;
    granted
}

fn shared(file: IssuedFile) -> SharedDocument {
    let mut document = SharedDocument::new(DocumentReference::new(file.uri.expose()));
    let kind = file.doctype.filter(|kind| !kind.is_empty());
    document.kind = kind.map(|kind| match &*kind {
        "ADHAR" => DocumentKind::Aadhaar,
        "PANCR" => DocumentKind::Pan,
        "DRVLC" => DocumentKind::DrivingLicence,
        other => DocumentKind::from(other),
    });
    document.name = file.name;
    document.issuer = file.issuer;
    document
}

fn document(text: &DocumentText) -> Document {
    let format = text.format();
    let decoded = match &format {
        DocumentFormat::Xml => text.xml().map(String::into_bytes),
        DocumentFormat::Jpeg | DocumentFormat::Png => text.picture(),
        DocumentFormat::Link => text.link().map(|url| url.as_bytes().to_vec()),
        // Of what is no document, this says what is wrong with it.
        _ => text.pdf(),
    };
    Document::new(format, decoded, text.expose())
}

fn address(proof: ProofOfAddress) -> PostalAddress {
    let mut address = PostalAddress::new();
    address.care_of = proof.care_of;
    address.house = proof.house;
    address.street = proof.street;
    address.locality = proof.locality;
    address.town = proof.vtc;
    address.district = proof.district;
    address.state = proof.state;
    address.postal_code = proof.pincode;
    address.country = proof.country;
    address
}

fn record(aadhaar: EAadhaar) -> IdentityRecord {
    let mut record = IdentityRecord::new();
    record.masked_number = aadhaar.masked_uid;
    if let Some(proof) = aadhaar.proof_of_identity {
        record.name = proof.name;
        record.date_of_birth = proof.dob;
        record.gender = proof.gender;
    }
    record.address = aadhaar.proof_of_address.map(address);
    record.photo = aadhaar.photo.as_ref().map(document);
    record
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
            .await?;
        session.read::<InitiateSession, _>(|session| {
            let url = BrowserUrl::new(session.data.authorization_url.expose());
            ProviderReference::parse(session.transaction_id.as_str())
                .map(|reference| DocumentSession::new(reference, url))
                .map_err(|_| DecodeError::missing_data("$.transaction_id"))
        })
    }
}

#[async_trait]
impl SharedDocuments for DigilockerClient {
    fn provider_name(&self) -> &'static str {
        Deepvue::NAME
    }

    fn check_access(&self, access: &SessionAccess) -> Result<(), Error> {
        let request = list(access).map_err(at::<ListIssuedFiles>)?;
        self.client().check(&request)
    }

    fn read_return(
        &self,
        session: &SessionReference,
        return_url: &Masked,
    ) -> Result<AccessReturn, Error> {
        let id = transaction(session).map_err(at::<CompleteAuthorization>)?;
        let provider = self.client().provider();
        let returned = provider.return_form().read(return_url.expose(), &id);
        let returned = returned.map_err(|error| {
            let error = Error::new(ErrorKind::Verification, Outcome::NotSent).with_source(error);
            at::<CompleteAuthorization>(error)
        })?;
        Ok(match returned {
            BrowserReturn::Approved(code) => {
                AccessReturn::Granted(AccessGrant::new(session.clone(), code.expose()))
            }
            BrowserReturn::Denied => AccessReturn::Denied,
            BrowserReturn::Unclear(reason) => AccessReturn::Unclear(reason),
        })
    }

    async fn complete_access(
        &self,
        access: SessionAccess,
        grant: AccessGrant,
        options: CallOptions,
    ) -> Result<GrantedAccess, Error> {
        let request = completion(&access, &grant).map_err(at::<CompleteAuthorization>)?;
        let completed = self.complete_authorization(request).with_options(options);
        Ok(granted(completed.await?.into_value().data))
    }

    async fn list_documents(
        &self,
        access: SessionAccess,
        options: CallOptions,
    ) -> Result<DocumentList, Error> {
        let request = list(&access).map_err(at::<ListIssuedFiles>)?;
        let listed = self.issued_files(request).with_options(options).await?;
        let files = listed.into_value().data;
        let not_understood = files.unread_count();
        let documents = files.into_vec().into_iter().map(shared).collect();
        Ok(DocumentList::new(documents, not_understood))
    }

    async fn read_document(
        &self,
        access: SessionAccess,
        reference: DocumentReference,
        options: CallOptions,
    ) -> Result<Document, Error> {
        let request = file(&access, &reference).map_err(at::<GetFile>)?;
        let read = self.file(request).with_options(options).await?;
        Ok(document(&read.into_value().data))
    }
}

#[async_trait]
impl SharedIdentity for DigilockerClient {
    fn provider_name(&self) -> &'static str {
        Deepvue::NAME
    }

    fn check_identity(&self, access: &SessionAccess) -> Result<(), Error> {
        let request = identity(access).map_err(at::<GetEAadhaar>)?;
        self.client().check(&request)
    }

    async fn read_identity(
        &self,
        access: SessionAccess,
        options: CallOptions,
    ) -> Result<IdentityRecord, Error> {
        let request = identity(&access).map_err(at::<GetEAadhaar>)?;
        let read = self.e_aadhaar(request).with_options(options).await?;
        Ok(record(read.into_value().data))
    }
}
