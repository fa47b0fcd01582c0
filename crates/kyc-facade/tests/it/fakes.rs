//! One fake for all capabilities: waits, then returns a configured result, and records its inputs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::{
    CallOptions, Error, ErrorKind, Idempotency, InvalidRequest, Masked, Outcome, async_trait,
};

#[derive(Debug, Clone, Default)]
pub(crate) struct Fake {
    pub(crate) name: &'static str,
    pub(crate) delay: Duration,
    pub(crate) fails: Option<Error>,
    /// The effect of recording a consent again; unsafe if nothing is said.
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) standings: Vec<AggregatorStanding>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    pub(crate) refuses_input: bool,
    pub(crate) options: Arc<Mutex<Vec<CallOptions>>>,
}

impl Fake {
    pub(crate) fn after(seconds: u64) -> Self {
        Self {
            delay: Duration::from_secs(seconds),
            ..Self::default()
        }
    }

    pub(crate) fn failing(kind: ErrorKind, outcome: Outcome) -> Self {
        Self::failing_with(Error::new(kind, outcome).at("fake", "act"))
    }

    pub(crate) fn failing_with(error: Error) -> Self {
        Self {
            fails: Some(error),
            ..Self::default()
        }
    }

    pub(crate) fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    fn name(&self) -> &'static str {
        match self.name {
            "" => "fake",
            name => name,
        }
    }

    pub(crate) fn finding(mut self, standings: &[(&str, Readiness)]) -> Self {
        self.standings = standings
            .iter()
            .map(|(id, readiness)| {
                AggregatorStanding::new(AggregatorId::parse(*id).unwrap(), *readiness)
            })
            .collect();
        self
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn check(&self) -> Result<(), Error> {
        if self.refuses_input {
            return Err(InvalidRequest::new("field", "is wrong").into());
        }
        Ok(())
    }

    async fn act(&self, asked: String, options: CallOptions) -> Result<(), Error> {
        self.options.lock().unwrap().push(options);
        self.asked.lock().unwrap().push(asked);
        tokio::time::sleep(self.delay).await;
        self.fails.clone().map_or(Ok(()), Err)
    }
}

fn reference() -> ProviderReference {
    ProviderReference::parse("r-1").unwrap()
}

#[async_trait]
impl ConsentRecorder for Fake {
    fn provider_name(&self) -> &'static str {
        self.name()
    }

    fn idempotency(&self) -> Idempotency {
        self.idempotency.unwrap_or(Idempotency::Unsafe)
    }

    fn check_consent(&self, _: &ConsentStatement) -> Result<(), Error> {
        self.check()
    }

    async fn record_consent(
        &self,
        consent: ConsentStatement,
        options: CallOptions,
    ) -> Result<RecordedConsent, Error> {
        self.act(format!("record {}", consent.answer.as_str()), options)
            .await?;
        Ok(RecordedConsent::new(reference()))
    }
}

#[async_trait]
impl DocumentAccess for Fake {
    fn provider_name(&self) -> &'static str {
        self.name()
    }

    fn check_session(&self, _: &DocumentAccessRequest) -> Result<(), Error> {
        self.check()
    }

    async fn open_session(
        &self,
        request: DocumentAccessRequest,
        options: CallOptions,
    ) -> Result<DocumentSession, Error> {
        self.act(format!("documents for {}", request.purpose), options)
            .await?;
        Ok(DocumentSession::new(
            reference(),
            BrowserUrl::new("https://documents.example.test"),
        ))
    }
}

#[async_trait]
impl AggregatorDiscovery for Fake {
    fn provider_name(&self) -> &'static str {
        self.name()
    }

    fn check_query(&self, _: &AggregatorQuery) -> Result<(), Error> {
        self.check()
    }

    async fn discover(
        &self,
        query: AggregatorQuery,
        options: CallOptions,
    ) -> Result<AggregatorStandings, Error> {
        self.act(format!("discover {}", query.query_id), options)
            .await?;
        Ok(self.standings.clone().into())
    }
}

#[async_trait]
impl AggregatorConsent for Fake {
    fn provider_name(&self) -> &'static str {
        self.name()
    }

    fn check_request(&self, _: &AggregatorConsentRequest) -> Result<(), Error> {
        self.check()
    }

    async fn open_consent(
        &self,
        request: AggregatorConsentRequest,
        options: CallOptions,
    ) -> Result<AggregatorConsentSession, Error> {
        let aggregator = request
            .aggregator
            .as_ref()
            .map_or("-", |id| id.as_str())
            .to_owned();
        self.act(format!("consent at {aggregator}"), options)
            .await?;
        Ok(AggregatorConsentSession::new(
            reference(),
            BrowserUrl::new("https://consent.example.test"),
            request.aggregator,
        ))
    }
}

#[async_trait]
impl IdentityVerification for Fake {
    fn provider_name(&self) -> &'static str {
        self.name()
    }

    fn check_verification(&self, _: &VerificationRequest) -> Result<(), Error> {
        self.check()
    }

    async fn open_verification(
        &self,
        _: VerificationRequest,
        options: CallOptions,
    ) -> Result<VerificationSession, Error> {
        self.act("verification".to_owned(), options).await?;
        let url = BrowserUrl::new("https://verification.example.test");
        Ok(VerificationSession::new(reference(), url))
    }

    async fn read_verdict(
        &self,
        session: SessionReference,
        options: CallOptions,
    ) -> Result<VerificationDecision, Error> {
        self.act(
            format!("verdict of {}", session.reference.as_str()),
            options,
        )
        .await?;
        Ok(VerificationDecision::new(Verdict::Approved, None))
    }
}

#[async_trait]
impl SharedDocuments for Fake {
    fn provider_name(&self) -> &'static str {
        self.name()
    }

    fn check_access(&self, _: &SessionAccess) -> Result<(), Error> {
        self.check()
    }

    fn read_return(&self, session: &SessionReference, url: &Masked) -> Result<AccessReturn, Error> {
        self.asked
            .lock()
            .unwrap()
            .push(format!("return {}", url.expose()));
        Ok(AccessReturn::Granted(AccessGrant::new(
            session.clone(),
            "c-1",
        )))
    }

    async fn complete_access(
        &self,
        access: SessionAccess,
        grant: AccessGrant,
        options: CallOptions,
    ) -> Result<GrantedAccess, Error> {
        let code = grant.code_for(&access.session).unwrap().expose();
        self.act(format!("complete with {code}"), options).await?;
        Ok(GrantedAccess::new())
    }

    async fn list_documents(
        &self,
        access: SessionAccess,
        options: CallOptions,
    ) -> Result<DocumentList, Error> {
        self.act(
            format!("documents of {}", access.session.reference.as_str()),
            options,
        )
        .await?;
        Ok(DocumentList::new(Vec::new(), 0))
    }

    async fn read_document(
        &self,
        _: SessionAccess,
        document: DocumentReference,
        options: CallOptions,
    ) -> Result<Document, Error> {
        self.act(format!("document {}", document.expose()), options)
            .await?;
        Ok(Document::new(
            DocumentFormat::Xml,
            Ok(b"<a/>".to_vec()),
            "<a/>",
        ))
    }
}

#[async_trait]
impl SharedIdentity for Fake {
    fn provider_name(&self) -> &'static str {
        self.name()
    }

    fn check_identity(&self, _: &SessionAccess) -> Result<(), Error> {
        self.check()
    }

    async fn read_identity(
        &self,
        access: SessionAccess,
        options: CallOptions,
    ) -> Result<IdentityRecord, Error> {
        let id = access.session.reference.as_str();
        self.act(format!("identity of {id}"), options).await?;
        Ok(IdentityRecord::new())
    }
}

#[async_trait]
impl AggregatorData for Fake {
    fn provider_name(&self) -> &'static str {
        self.name()
    }

    async fn follow_consent(
        &self,
        session: SessionReference,
        options: CallOptions,
    ) -> Result<FollowedConsent, Error> {
        let asked = format!("consent of {}", session.reference.as_str());
        self.act(asked, options).await?;
        let consent = SessionReference::new(reference());
        Ok(FollowedConsent::new(ConsentStanding::Active, Some(consent)))
    }

    async fn request_data(
        &self,
        consent: SessionReference,
        _: Option<DataRange>,
        options: CallOptions,
    ) -> Result<SessionReference, Error> {
        let asked = format!("data of {}", consent.reference.as_str());
        self.act(asked, options).await?;
        Ok(SessionReference::new(reference()))
    }

    async fn data_readiness(
        &self,
        data: SessionReference,
        options: CallOptions,
    ) -> Result<DataReadiness, Error> {
        let asked = format!("readiness of {}", data.reference.as_str());
        self.act(asked, options).await?;
        Ok(DataReadiness::Ready)
    }

    async fn read_accounts(
        &self,
        consent: SessionReference,
        options: CallOptions,
    ) -> Result<Vec<AccountData>, Error> {
        let asked = format!("accounts of {}", consent.reference.as_str());
        self.act(asked, options).await?;
        Ok(vec![AccountData::new("{}")])
    }
}
