//! Deepvue's operations: documents from DigiLocker.

use deepvue_digilocker::{
    CompleteAuthorization, Consent, DigilockerClient, DigilockerCode, DocType, GetEAadhaar,
    GetFile, InitiateSession, IssuedFile, ListIssuedFiles, TransactionId, YesNo,
};
use kyc_journey::{Answer, Correlation, DataClass, DocumentKind, Failure, FoundFile, Operation};
use provider_core::capability::ProviderReference;

use crate::applicant::Applicant;
use crate::asked::{Asked, Told, reference};

#[derive(Debug, Clone)]
pub(crate) struct Deepvue {
    client: DigilockerClient,
    purpose: String,
}

impl Deepvue {
    pub(crate) fn new(client: DigilockerClient, purpose: String) -> Self {
        Self { client, purpose }
    }

    pub(crate) async fn perform(&self, asked: &Asked<'_>) -> Result<Told, Failure> {
        match &asked.call.operation {
            Operation::OpenDocuments {
                correlation,
                wanted,
            } => self.open(asked, correlation, wanted).await,
            Operation::CompleteAuthorization { session, .. } => self.complete(asked, session).await,
            Operation::ListIssuedFiles { session } => self.list(asked, session).await,
            Operation::FetchEAadhaar { session } => self.e_aadhaar(asked, session).await,
            Operation::FetchFile { session, item, .. } => self.file(asked, session, *item).await,
            _ => Err(asked.unfit("operation", "must be one of Deepvue's")),
        }
    }

    async fn open(
        &self,
        asked: &Asked<'_>,
        correlation: &Correlation,
        wanted: &[DocumentKind],
    ) -> Result<Told, Failure> {
        let applicant = asked.applicant().await?;
        let url = applicant.addresses.return_url(correlation);
        let request = InitiateSession::new(consent(), self.shown(&applicant), url)
            .set_doc_types(doc_types(wanted));
        let call = self.client.initiate_session(request);
        let opened = asked.make(call).await?.into_value();
        let answer = Answer::Opened {
            reference: reference(opened.transaction_id.as_str())?,
        };
        let url = opened.data.authorization_url;
        Ok(Told::with(answer, DataClass::Links, url.expose()))
    }

    /// The purpose, the same for each call of a session.
    async fn purpose(&self, asked: &Asked<'_>) -> Result<String, Failure> {
        Ok(self.shown(&asked.applicant().await?))
    }

    fn shown(&self, applicant: &Applicant) -> String {
        match &applicant.purpose {
            Some(purpose) => purpose.expose().to_owned(),
            None => self.purpose.clone(),
        }
    }

    async fn complete(
        &self,
        asked: &Asked<'_>,
        session: &ProviderReference,
    ) -> Result<Told, Failure> {
        let code = DigilockerCode::parse(asked.payload()?);
        let code = code.map_err(|error| asked.not_sent(&error))?;
        let session = transaction(asked, session)?;
        let request =
            CompleteAuthorization::new(consent(), self.purpose(asked).await?, session, code);
        let call = self.client.complete_authorization(request);
        let completed = asked.make(call).await?;
        let authorization = &completed.value().data;
        // Who the person is, is in the e-Aadhaar too, whose masked form is the one to keep.
        Ok(Told::plain(Answer::Authorized {
            has_e_aadhaar: authorization.eaadhaar == Some(YesNo::Yes),
            consent_until: authorization.consent_ends(),
        }))
    }

    async fn list(&self, asked: &Asked<'_>, session: &ProviderReference) -> Result<Told, Failure> {
        let session = transaction(asked, session)?;
        let request = ListIssuedFiles::new(consent(), self.purpose(asked).await?, session);
        let call = self.client.issued_files(request);
        let files = asked.make(call).await?.into_value();
        let files = files.data;
        let kinds = (0..).zip(files.iter().map(kind));
        let found = kinds.filter_map(|(item, kind)| Some(FoundFile { item, kind: kind? }));
        let found = found.collect();
        // As `file` reads it again.
        let list = serde_json::to_string(&*files).map_err(|_| Failure::unreadable())?;
        Ok(Told::with(
            Answer::Files { found },
            DataClass::Documents,
            list,
        ))
    }

    async fn e_aadhaar(
        &self,
        asked: &Asked<'_>,
        session: &ProviderReference,
    ) -> Result<Told, Failure> {
        let session = transaction(asked, session)?;
        let request = GetEAadhaar::new(consent(), self.purpose(asked).await?, session);
        let call = self.client.e_aadhaar(request);
        let read = asked.make(call).await?;
        // Not the body: what is read has the number masked, whatever was sent.
        let record = serde_json::to_string(&read.value().data);
        let record = record.map_err(|_| Failure::unreadable())?;
        Ok(Told::with(Answer::File, DataClass::Documents, record))
    }

    async fn file(
        &self,
        asked: &Asked<'_>,
        session: &ProviderReference,
        item: u32,
    ) -> Result<Told, Failure> {
        let files: Vec<IssuedFile> = serde_json::from_str(asked.payload()?)
            .map_err(|_| asked.unfit("payload", "must be a list of documents"))?;
        let file = usize::try_from(item).ok().and_then(|item| files.get(item));
        let file = file.ok_or_else(|| asked.unfit("item", "must be in the list"))?;
        let session = transaction(asked, session)?;
        let uri = file.uri.clone();
        let request = GetFile::new(consent(), self.purpose(asked).await?, session, uri);
        let call = self.client.file(request);
        let read = asked.make(call).await?.into_value();
        Ok(Told::with(
            Answer::File,
            DataClass::Documents,
            read.data.expose(),
        ))
    }
}

/// A journey makes no call without the person's consent.
fn consent() -> Consent {
    Consent::given_by_person()
}

fn transaction(asked: &Asked<'_>, session: &ProviderReference) -> Result<TransactionId, Failure> {
    TransactionId::parse(session.as_str()).map_err(|error| asked.not_sent(&error))
}

/// The kind of a listed document, by DigiLocker's codes; `None` for one that no plan can want.
/// Each kind once, whatever the plan says: a document that nobody wants is not asked for.
fn doc_types(wanted: &[DocumentKind]) -> impl Iterator<Item = DocType> {
    let kinds = DocumentKind::ALL
        .iter()
        .filter(|kind| wanted.contains(kind));
    kinds.map(|kind| match kind {
        DocumentKind::EAadhaar => DocType::Aadhaar,
        DocumentKind::Pan => DocType::Pan,
        DocumentKind::DrivingLicence => DocType::Dl,
    })
}

fn kind(file: &IssuedFile) -> Option<DocumentKind> {
    match file.doctype.as_deref()? {
        "ADHAR" => Some(DocumentKind::EAadhaar),
        "PANCR" => Some(DocumentKind::Pan),
        "DRVLC" => Some(DocumentKind::DrivingLicence),
        _ => None,
    }
}
