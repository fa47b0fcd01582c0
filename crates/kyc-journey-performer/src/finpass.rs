//! Finpass's operations: bank accounts by an account aggregator.

use finpass::{
    ConsentType, DataRequestId, FetchJsonReport, FinpassClient, GetAnalysis, GetJourneyStatus,
    GetStatementResult, Initialize, InitializeJourney, JourneyId, JourneyState, JourneyUrl,
    JsonReportData, RefreshData, ReportFlow, SessionId,
};
use kyc_journey::{Answer, Correlation, DataClass, Failure, FinpassFlow, Operation, Provider};
use provider_core::Masked;
use provider_core::capability::ProviderReference;

use crate::asked::{Asked, Told, body, reference};

#[derive(Debug, Clone)]
pub(crate) struct Finpass {
    client: FinpassClient,
}

impl Finpass {
    pub(crate) fn new(client: FinpassClient) -> Self {
        Self { client }
    }

    pub(crate) async fn perform(&self, asked: &Asked<'_>) -> Result<Told, Failure> {
        match &asked.call.operation {
            Operation::OpenAccounts { correlation, flow } => match consent_type(*flow) {
                Some(consent) => self.open(asked, correlation, consent).await,
                None => self.open_journey(asked, correlation).await,
            },
            Operation::FetchReports {
                client,
                request,
                flow,
            } => match consent_type(*flow) {
                Some(_) => self.fetch(asked, client, request.as_ref()).await,
                None => self.fetch_journey(asked, client).await,
            },
            Operation::RefreshData { client } => self.refresh(asked, client).await,
            _ => Err(asked.unfit("operation", "must be one of Finpass's")),
        }
    }

    async fn open(
        &self,
        asked: &Asked<'_>,
        correlation: &Correlation,
        consent: ConsentType,
    ) -> Result<Told, Failure> {
        let applicant = asked.applicant().await?;
        let addresses = &applicant.addresses;
        let mut request = Initialize::new(applicant.mobile.clone(), consent)
            .set_webhook_url(addresses.hook_url(Provider::Finpass, correlation).expose())
            .set_return_url(addresses.return_url(correlation).expose());
        if let Some(pan) = applicant.pan {
            request = request.set_pan_number(pan);
        }
        if let Some(email) = applicant.email {
            request = request.set_email(email);
        }
        let call = self.client.initialize(request);
        let opened = asked.make(call).await?.into_value().data;
        let reference = reference(opened.client_id.as_str())?;
        let url = opened.consent_url.expose();
        Ok(Told::with(
            Answer::Opened { reference },
            DataClass::Links,
            url,
        ))
    }

    async fn open_journey(
        &self,
        asked: &Asked<'_>,
        correlation: &Correlation,
    ) -> Result<Told, Failure> {
        let applicant = asked.applicant().await?;
        let addresses = &applicant.addresses;
        let request = InitializeJourney::new(
            applicant.mobile.clone(),
            ConsentType::LoanUnderwriting,
            JourneyUrl::at(addresses.return_url(correlation)),
            JourneyUrl::at(addresses.hook_url(Provider::Finpass, correlation)),
        );
        let call = self.client.initialize_journey(request);
        let opened = asked.make(call).await?.into_value().data;
        let reference = reference(opened.client_id.as_str())?;
        let url = opened.journey_url.expose();
        Ok(Told::with(
            Answer::Opened { reference },
            DataClass::Links,
            url,
        ))
    }

    async fn fetch(
        &self,
        asked: &Asked<'_>,
        client: &ProviderReference,
        request: Option<&ProviderReference>,
    ) -> Result<Told, Failure> {
        let client = SessionId::parse(client.as_str()).map_err(|error| asked.not_sent(&error))?;
        let request_id = request.map(|request| DataRequestId::parse(request.as_str()));
        let request_id = request_id
            .transpose()
            .map_err(|error| asked.not_sent(&error))?;
        // Which of the two flows it is, the id says: before the first refresh there is none.
        let flow = ReportFlow::Underwriting { request_id };
        let call = self
            .client
            .fetch_json_report(FetchJsonReport::new(client, flow));
        let fetched = asked.make(call).await?;
        Ok(Told::with(
            counted(&fetched.value().data),
            DataClass::AccountData,
            body(&fetched),
        ))
    }

    /// The status, and once it is complete the accounts and what Finpass concludes from them: three reads.
    async fn fetch_journey(
        &self,
        asked: &Asked<'_>,
        client: &ProviderReference,
    ) -> Result<Told, Failure> {
        let client = JourneyId::parse(client.as_str()).map_err(|error| asked.not_sent(&error))?;
        let call = self
            .client
            .journey_status(GetJourneyStatus::new(client.clone()));
        let status = asked.make(call).await?.into_value().data.status;
        let (pending, failed) = match status.state() {
            Some(JourneyState::AnalysisComplete) => (0, 0),
            Some(JourneyState::Denied | JourneyState::Failed | JourneyState::Expired) => (0, 1),
            // A word that is not documented ends nothing.
            _ => (1, 0),
        };
        if (pending, failed) != (0, 0) {
            return Ok(Told::plain(Answer::Reports {
                ready: 0,
                pending,
                failed,
            }));
        }
        let call = self
            .client
            .statement_result(GetStatementResult::new(client.clone()));
        let statement = asked.make(call).await?;
        let call = self.client.analysis_json(GetAnalysis::new(client));
        let analysis = asked.make(call).await?;
        let accounts = &statement.value().data.accounts;
        let answer = Answer::Reports {
            ready: count(accounts.len()),
            pending: 0,
            failed: count(accounts.unread_count()),
        };
        let (statement, analysis) = (body(&statement), body(&analysis));
        let both = format!(
            r#"{{"statement":{},"analysis":{}}}"#,
            statement.expose(),
            analysis.expose()
        );
        Ok(Told::with(
            answer,
            DataClass::AccountData,
            Masked::new(both),
        ))
    }

    async fn refresh(
        &self,
        asked: &Asked<'_>,
        client: &ProviderReference,
    ) -> Result<Told, Failure> {
        let client = SessionId::parse(client.as_str()).map_err(|error| asked.not_sent(&error))?;
        let call = self.client.refresh_data(RefreshData::new(client));
        let refreshed = asked.make(call).await?;
        let request = reference(refreshed.value().data.request_id.as_str())?;
        Ok(Told::plain(Answer::Refreshing { request }))
    }
}

/// What a session is for; `None` for a journey of AA-BSA, which is another family.
fn consent_type(flow: FinpassFlow) -> Option<ConsentType> {
    match flow {
        FinpassFlow::Underwriting => Some(ConsentType::LoanUnderwriting),
        FinpassFlow::Monitoring => Some(ConsentType::LoanMonitoring),
        FinpassFlow::Analyzer => None,
    }
}

/// How many accounts of a report are in which state. The words are those of the PDF report (`[docs]`), of which upstream shows `READY`
/// here; any other one ends nothing. An account without a word is there. One that cannot be read never will be, though its JSON is kept.
fn counted(report: &JsonReportData) -> Answer {
    let is = |word: Option<&str>, known: &str| {
        word.is_some_and(|word| word.trim().eq_ignore_ascii_case(known))
    };
    let listed = report.account_aggregator_json.as_ref();
    let accounts = listed.map(|accounts| &**accounts).unwrap_or_default();
    let unread = listed.map_or(0, |accounts| accounts.unread_count());
    let words = || accounts.iter().map(|account| account.status.as_deref());
    let failed = words().filter(|word| is(*word, "FAILED")).count();
    let ready = words()
        .filter(|word| word.is_none() || is(*word, "READY"))
        .count();
    let pending = accounts.len().saturating_sub(failed).saturating_sub(ready);
    // Without an account, the session's own word says whether there will be one.
    let (pending, failed) = match accounts.is_empty() && unread == 0 {
        true if is(report.status.as_deref(), "FAILED") => (0, 1),
        true => (1, 0),
        false => (pending, failed),
    };
    Answer::Reports {
        ready: count(ready),
        pending: count(pending),
        failed: count(failed.saturating_add(unread)),
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
