//! Veriff's operations: who the person is.

use consent_hmac::{ConsentClient, ConsentType, RecordConsent, SessionId};
use kyc_journey::{
    Answer, Correlation, DataClass, Failure, Operation, SessionNews, SessionState, Source,
};
use provider_core::capability::{ConsentAnswer, ProviderReference};
use provider_core::jiff::Timestamp;
use veriff_sessions::{
    AadhaarNumber, CreateSession, DeleteSession, ExpectedPerson, GenerateMfa, GetAttempts,
    GetDecision, OneTimePassword, SessionsClient, SubmitSession, Verdict, Verification, VerifyMfa,
};

use crate::asked::{Asked, Told, body, reference};

/// What the calls to Veriff say besides the person's details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VeriffSettings {
    consent: ConsentType,
    sends_number: bool,
}

impl VeriffSettings {
    /// Records consents of this kind, such as [`ConsentType::Aadhaar`].
    pub fn new(consent: ConsentType) -> Self {
        Self {
            consent,
            sends_number: false,
        }
    }

    /// Also sends the person's mobile number with a session, which not every set-up needs.
    #[must_use]
    pub fn with_mobile_number(mut self) -> Self {
        self.sends_number = true;
        self
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Veriff {
    sessions: SessionsClient,
    consents: ConsentClient,
    settings: VeriffSettings,
}

impl Veriff {
    pub(crate) fn new(sessions: SessionsClient, settings: VeriffSettings) -> Self {
        Self {
            consents: ConsentClient::from(sessions.client().clone()),
            sessions,
            settings,
        }
    }

    pub(crate) async fn perform(&self, asked: &Asked<'_>) -> Result<Told, Failure> {
        match &asked.call.operation {
            Operation::CreateSession { correlation } => self.create(asked, correlation).await,
            Operation::RecordConsent { session } => self.record(asked, session).await,
            Operation::ReadDecision { session } => self.decision(asked, session).await,
            Operation::ListAttempts { session } => self.attempts(asked, session).await,
            Operation::SubmitSession { session } => self.submit(asked, session).await,
            Operation::SendOneTimeCode { session } => self.send_code(asked, session).await,
            Operation::CheckOneTimeCode { session, .. } => {
                let code = OneTimePassword::parse(asked.payload()?);
                let code = code.map_err(|error| asked.not_sent(&error))?;
                let request = VerifyMfa::new(id(asked, session)?, code);
                let call = self.sessions.verify_mfa(request);
                done(asked.make(call).await)
            }
            Operation::DeleteSession { session } => {
                let request = DeleteSession::new(id(asked, session)?);
                let call = self.sessions.delete_session(request);
                done(asked.make(call).await)
            }
            _ => Err(asked.unfit("operation", "must be one of Veriff's")),
        }
    }

    async fn create(&self, asked: &Asked<'_>, correlation: &Correlation) -> Result<Told, Failure> {
        let applicant = asked.applicant().await?;
        let mut person = ExpectedPerson::default();
        let number = provider_core::Masked::new(applicant.mobile.expose());
        person.phone_number = self.settings.sends_number.then_some(number);
        person.first_name = applicant.first_name;
        person.last_name = applicant.last_name;
        person.date_of_birth = applicant.date_of_birth;
        let details = [
            &person.first_name,
            &person.last_name,
            &person.date_of_birth,
            &person.phone_number,
        ];
        let knows_any = details.into_iter().any(Option::is_some);
        let mut request = CreateSession::new().set_vendor_data(correlation.expose());
        if knows_any {
            request = request.set_person(person);
        }
        // Veriff takes https only; without, its own page says when it is done, and the decision is read.
        let url = applicant.addresses.return_url(correlation);
        if url.expose().starts_with("https://") {
            request = request.set_callback(url);
        }
        let call = self.sessions.create_session(request);
        let created = asked.make(call).await?.into_value();
        let session = created.verification;
        let answer = Answer::Opened {
            reference: reference(session.id.as_str())?,
        };
        Ok(match session.url {
            Some(url) => Told::with(answer, DataClass::Links, url.expose()),
            // There is a session, and it is billed: it is known, though nobody can be sent there.
            None => Told::plain(answer),
        })
    }

    async fn record(
        &self,
        asked: &Asked<'_>,
        session: &ProviderReference,
    ) -> Result<Told, Failure> {
        let text = asked.applicant().await?.notice_text;
        let text = text.ok_or_else(|| asked.unfit("notice_text", "must be known"))?;
        let (session, kind) = (id(asked, session)?, self.settings.consent.clone());
        // A journey makes no call before the person agreed.
        let request = RecordConsent::new(session, kind, ConsentAnswer::Approved, text);
        let call = self.consents.record_consent(request);
        done(asked.make(call).await)
    }

    async fn decision(
        &self,
        asked: &Asked<'_>,
        session: &ProviderReference,
    ) -> Result<Told, Failure> {
        let call = self
            .sessions
            .decision(GetDecision::new(id(asked, session)?));
        let read = asked.make(call).await?;
        let Some(decided) = &read.value().verification else {
            return Ok(Told::plain(Answer::Done));
        };
        let told = answer(news(session, decided));
        Ok(Told::with(told.answer, DataClass::Evidence, body(&read)))
    }

    async fn attempts(
        &self,
        asked: &Asked<'_>,
        session: &ProviderReference,
    ) -> Result<Told, Failure> {
        let call = self
            .sessions
            .attempts(GetAttempts::new(id(asked, session)?));
        let read = asked.make(call).await?.into_value();
        let source = Source::new(Some(session.clone()), None);
        // The newest comes first.
        let Some(newest) = read.verifications.first() else {
            return Ok(answer(SessionNews::new(source, SessionState::Created)));
        };
        let state = veriff_sessions::SessionState::of(newest.status.as_ref(), None);
        let attempt = ProviderReference::parse(newest.id.as_str()).ok();
        let news = SessionNews::new(source, state.map_or(SessionState::Unknown, self::state));
        Ok(answer(news.set_attempt(attempt)))
    }

    async fn submit(
        &self,
        asked: &Asked<'_>,
        session: &ProviderReference,
    ) -> Result<Told, Failure> {
        let request = SubmitSession::new(id(asked, session)?);
        let call = self.sessions.submit_session(request);
        let submitted = asked.make(call).await?.into_value();
        let status = submitted.verification.status;
        let state = veriff_sessions::SessionState::of(status.as_ref(), None);
        let source = Source::new(Some(session.clone()), None);
        Ok(match state {
            Some(state) => answer(SessionNews::new(source, self::state(state))),
            None => Told::plain(Answer::Done),
        })
    }

    async fn send_code(
        &self,
        asked: &Asked<'_>,
        session: &ProviderReference,
    ) -> Result<Told, Failure> {
        let number = asked.applicant().await?.aadhaar_number;
        let number = number.ok_or_else(|| asked.unfit("aadhaar_number", "must be known"))?;
        let number = AadhaarNumber::parse(number.expose());
        let number = number.map_err(|error| asked.not_sent(&error))?;
        let request = GenerateMfa::new(id(asked, session)?, number);
        let call = self.sessions.generate_mfa(request);
        done(asked.make(call).await)
    }
}

fn id(asked: &Asked<'_>, session: &ProviderReference) -> Result<SessionId, Failure> {
    SessionId::parse(session.as_str()).map_err(|error| asked.not_sent(&error))
}

fn done<T>(result: Result<provider_core::Response<T>, Failure>) -> Result<Told, Failure> {
    result.map(|_| Told::plain(Answer::Done))
}

/// A reply is signed by the shared secret, or the client does not hand it on.
fn answer(news: SessionNews) -> Told {
    let news = Box::new(news.set_is_signed(true));
    Told::plain(Answer::SessionState { news })
}

pub(crate) fn news(session: &ProviderReference, decided: &Verification) -> SessionNews {
    let correlation = decided.vendor_data.as_ref();
    let correlation = correlation.and_then(|text| Correlation::parse(text.expose()).ok());
    let source = Source::new(Some(session.clone()), correlation);
    let state = match decided.verdict() {
        Verdict::Approved => SessionState::Approved,
        Verdict::Declined => SessionState::Declined,
        Verdict::ResubmissionRequested => SessionState::ResubmissionRequested,
        Verdict::Expired => SessionState::Expired,
        Verdict::Abandoned => SessionState::Abandoned,
        Verdict::Review => SessionState::Review,
        // 9104 alone, a contradiction, or a word that is not documented.
        _ => SessionState::Unknown,
    };
    let attempt = decided.attempt_id.as_deref();
    let attempt = attempt.and_then(|id| ProviderReference::parse(id).ok());
    let at: Option<Timestamp> = decided
        .decision_time
        .as_deref()
        .and_then(|at| at.parse().ok());
    SessionNews::new(source, state)
        .set_attempt(attempt)
        .set_at(at)
}

pub(crate) fn state(state: veriff_sessions::SessionState) -> SessionState {
    use veriff_sessions::SessionState as Known;

    match state {
        Known::Created => SessionState::Created,
        Known::Started => SessionState::Started,
        Known::Submitted => SessionState::Submitted,
        Known::Review => SessionState::Review,
        Known::ResubmissionRequested => SessionState::ResubmissionRequested,
        Known::Approved => SessionState::Approved,
        Known::Declined => SessionState::Declined,
        Known::Expired => SessionState::Expired,
        Known::Abandoned => SessionState::Abandoned,
        _ => SessionState::Unknown,
    }
}
