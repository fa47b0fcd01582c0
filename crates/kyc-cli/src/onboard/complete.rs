//! `kyc onboard --complete`: what follows once the person has answered, to the end of the journey.

use std::future::Future;
use std::time::{Duration, Instant};

use kyc_facade::OnboardingReport;
use kyc_facade::deepvue_digilocker::DigilockerClient;
use kyc_facade::finpro_fiu::FiuClient;
use kyc_facade::provider_core::capability::{
    AccessConsent, AccessReturn, AggregatorData, ConsentStanding, DataReadiness, DocumentSession,
    IdentityVerification, SessionAccess, SessionReference, SharedDocuments, SharedIdentity,
    VerificationSession,
};
use kyc_facade::provider_core::{Error, ErrorKind, Masked};
use kyc_facade::veriff_sessions::SessionsClient;
use serde_json::{Value, json};

use super::person::{Person, Return};
use crate::failure::{EXIT_UNREACHED, exit_code};
use crate::terminal::output::counted;

/// The parts after the onboarding, in the order in which they are told.
const PARTS: [&str; 3] = ["read-documents", "read-accounts", "read-decision"];

/// A part after the onboarding, and what came of it.
pub(crate) struct Finished {
    pub(crate) step: &'static str,
    pub(crate) provider: &'static str,
    /// The provider's id of what was opened for it.
    reference: Option<String>,
    outcome: Outcome,
    pub(crate) took: Duration,
}

/// What came of a part.
enum Outcome {
    /// It is done.
    Done(Told),
    /// The person, or a provider, said no, or what was opened is over.
    Ended(Told),
    /// Nobody answered in time.
    NoAnswer(Told),
    Failed(Error),
    /// It was not begun, and why.
    Skipped(&'static str),
}

/// What is known now, without anything personal.
#[derive(Default)]
struct Told {
    /// One word for machines.
    status: &'static str,
    words: String,
    documents: Option<usize>,
    accounts: Option<usize>,
    bytes: Option<usize>,
    verdict: Option<&'static str>,
}

impl Told {
    fn new(status: &'static str, words: impl Into<String>) -> Self {
        Self {
            status,
            words: words.into(),
            ..Self::default()
        }
    }
}

fn ended(status: &'static str, words: impl Into<String>) -> Outcome {
    Outcome::Ended(Told::new(status, words))
}

fn no_answer(words: impl Into<String>) -> Outcome {
    Outcome::NoAnswer(Told::new("no_answer", words))
}

impl Finished {
    /// The parts of an onboarding of somebody who refused consent: none is begun.
    pub(crate) fn after_refusal() -> Vec<Self> {
        let refused = |step| Self::skipped(step, "the person refused consent");
        PARTS.map(refused).into()
    }

    fn skipped(step: &'static str, reason: &'static str) -> Self {
        Self {
            step,
            provider: "",
            reference: None,
            outcome: Outcome::Skipped(reason),
            took: Duration::ZERO,
        }
    }

    pub(crate) fn result(&self) -> &'static str {
        match self.outcome {
            Outcome::Done(_) => "done",
            Outcome::Ended(_) | Outcome::NoAnswer(_) => "ended",
            Outcome::Failed(_) => "failed",
            Outcome::Skipped(_) => "skipped",
        }
    }

    pub(crate) fn is_begun(&self) -> bool {
        !matches!(self.outcome, Outcome::Skipped(_))
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.outcome, Outcome::Done(_))
    }

    fn told(&self) -> Option<&Told> {
        match &self.outcome {
            Outcome::Done(told) | Outcome::Ended(told) | Outcome::NoAnswer(told) => Some(told),
            Outcome::Failed(_) | Outcome::Skipped(_) => None,
        }
    }

    pub(crate) fn detail(&self) -> String {
        match &self.outcome {
            Outcome::Done(told) | Outcome::Ended(told) | Outcome::NoAnswer(told) => {
                told.words.clone()
            }
            Outcome::Failed(error) => error.report_line(),
            Outcome::Skipped(reason) => (*reason).to_owned(),
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match &self.outcome {
            Outcome::Done(_) | Outcome::Skipped(_) => 0,
            // As for a provider that refuses.
            Outcome::Ended(_) => 4,
            // As for one that is too slow.
            Outcome::NoAnswer(_) => EXIT_UNREACHED,
            Outcome::Failed(error) => exit_code(error),
        }
    }

    /// The part as JSON, in the form that the README documents.
    pub(crate) fn value(&self) -> Value {
        let told = self.told();
        let status = match &self.outcome {
            Outcome::Failed(_) => "failed",
            Outcome::Skipped(_) => "skipped",
            _ => told.map_or("", |told| told.status),
        };
        let error = match &self.outcome {
            Outcome::Failed(error) => json!(error),
            _ => Value::Null,
        };
        json!({
            "step": self.step,
            "provider": self.provider,
            "result": self.result(),
            "status": status,
            "reference": self.reference,
            "documents": told.and_then(|told| told.documents),
            "accounts": told.and_then(|told| told.accounts),
            "bytes": told.and_then(|told| told.bytes),
            "verdict": told.and_then(|told| told.verdict),
            "detail": self.detail(),
            "error": error,
            "elapsed_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// The clients that finish a journey.
pub(crate) struct Completion {
    pub(crate) documents: DigilockerClient,
    pub(crate) accounts: FiuClient,
    pub(crate) verification: SessionsClient,
    /// Why the documents are wanted.
    pub(crate) purpose: String,
}

impl Completion {
    /// Waits for the person, and reads what was shared and decided. Each part is told as it ends.
    pub(crate) async fn run(
        &self,
        report: &OnboardingReport,
        verification: &VerificationSession,
        person: &Person,
        tell: impl Fn(&Finished),
    ) -> Vec<Finished> {
        let [documents, accounts, verdict] = PARTS;
        let documents = async {
            let Some(session) = report.documents.value() else {
                return Finished::skipped(documents, "no documents were opened");
            };
            let provider = SharedDocuments::provider_name(&self.documents);
            let reading = self.read_documents(session, person);
            step(documents, provider, &session.into(), person, reading).await
        };
        let accounts = async {
            let Some(session) = report.aggregator_consent.value() else {
                return Finished::skipped(accounts, "no aggregator consent was opened");
            };
            let session = session.into();
            let reading = self.read_accounts(&session, person);
            let provider = self.accounts.provider_name();
            step(accounts, provider, &session, person, reading).await
        };
        let verdict = async {
            let session = verification.into();
            let reading = self.read_verdict(&session, person);
            let provider = self.verification.provider_name();
            step(verdict, provider, &session, person, reading).await
        };
        let told = async |part: Finished| {
            tell(&part);
            part
        };
        // A clock that one part moves would take away what another is about to read.
        if person.is_scripted() {
            return vec![
                told(documents.await).await,
                told(accounts.await).await,
                told(verdict.await).await,
            ];
        }
        let (documents, accounts, verdict) = tokio::join!(
            async { told(documents.await).await },
            async { told(accounts.await).await },
            async { told(verdict.await).await },
        );
        vec![documents, accounts, verdict]
    }

    async fn read_documents(
        &self,
        opened: &DocumentSession,
        person: &Person,
    ) -> Result<Outcome, Error> {
        let session = SessionReference::from(opened);
        let back = person.return_of(session.reference.as_str(), opened.url.expose());
        let returned = match back.await {
            Return::Came(url) => url,
            Return::LinkExpired => {
                return Ok(ended(
                    "link_expired",
                    "the link expired before the person finished there",
                ));
            }
            Return::NoAnswer => return Ok(no_answer("the person did not come back in time")),
        };
        let documents: &dyn SharedDocuments = &self.documents;
        let grant = match documents.read_return(&session, &Masked::from(returned.as_str()))? {
            AccessReturn::Granted(grant) => grant,
            AccessReturn::Denied => return Ok(ended("denied", "the person said no")),
            _ => return Ok(ended("unclear", "the return is unclear")),
        };
        let access = SessionAccess::new(AccessConsent::given_by_person(), &*self.purpose, session);
        documents
            .complete_access(access.clone(), grant, person.options())
            .await?;
        let listed = documents
            .list_documents(access.clone(), person.options())
            .await?;
        let mut bytes: usize = 0;
        for document in &listed.documents {
            let reference = document.reference.clone();
            let read = documents
                .read_document(access.clone(), reference, person.options())
                .await?;
            match read.bytes(&read.format) {
                Ok(document) => bytes = bytes.saturating_add(document.len()),
                Err(error) => {
                    let words = format!("a document cannot be read: {error}");
                    return Ok(ended("unreadable", words));
                }
            }
        }
        let identity: &dyn SharedIdentity = &self.documents;
        let number = match identity.read_identity(access, person.options()).await {
            Ok(record) if record.masked_number.is_some() => ", the identity record",
            Ok(_) => ", an identity record without a number",
            // Who shared no identity record has none to be read.
            Err(_) => "",
        };
        let count = listed.documents.len();
        let words = format!("{}, {bytes} bytes{number}", counted(count, "document"));
        Ok(Outcome::Done(Told {
            documents: Some(count),
            bytes: Some(bytes),
            ..Told::new("shared", words)
        }))
    }

    async fn read_accounts(
        &self,
        session: &SessionReference,
        person: &Person,
    ) -> Result<Outcome, Error> {
        let accounts: &dyn AggregatorData = &self.accounts;
        let consent = loop {
            let followed = accounts.follow_consent(session.clone(), person.options());
            let followed = followed.await?;
            match followed.consent {
                Some(consent) if followed.standing.is_active() => break consent,
                _ if followed.standing.is_final() => return Ok(standing(&followed.standing)),
                _ => {}
            }
            if !person.wait().await {
                return Ok(no_answer("nobody decided about the consent in time"));
            }
        };
        let data = accounts
            .request_data(consent.clone(), None, person.options())
            .await?;
        loop {
            match accounts
                .data_readiness(data.clone(), person.options())
                .await?
            {
                DataReadiness::Ready | DataReadiness::Partial => break,
                DataReadiness::Pending => {}
                DataReadiness::Denied => return Ok(ended("data_denied", "the data was refused")),
                DataReadiness::Failed => {
                    return Ok(ended("data_failed", "the data could not be fetched"));
                }
                DataReadiness::Expired => {
                    return Ok(ended("data_expired", "the data's time ran out"));
                }
                _ => return Ok(ended("unclear", "how far the data is, is unclear")),
            }
            if !person.wait().await {
                return Ok(no_answer("the data did not come in time"));
            }
        }
        let read = accounts.read_accounts(consent, person.options()).await?;
        let bytes: usize = read.iter().map(|account| account.json.expose().len()).sum();
        let words = format!("{}, {bytes} bytes", counted(read.len(), "account"));
        Ok(Outcome::Done(Told {
            accounts: Some(read.len()),
            bytes: Some(bytes),
            ..Told::new("shared", words)
        }))
    }

    async fn read_verdict(
        &self,
        session: &SessionReference,
        person: &Person,
    ) -> Result<Outcome, Error> {
        loop {
            let decision = self
                .verification
                .read_verdict(session.clone(), person.options())
                .await?;
            let word = decision.verdict.as_str();
            let told = |status, words| Told {
                verdict: Some(word),
                ..Told::new(status, words)
            };
            if decision.verdict.is_final() {
                let told = told(
                    word,
                    match word {
                        "expired" => "expired: nobody came, or nobody finished".to_owned(),
                        word => word.to_owned(),
                    },
                );
                return Ok(match word {
                    "approved" => Outcome::Done(told),
                    _ => Outcome::Ended(told),
                });
            }
            if !person.wait().await {
                let words = format!("{word}: nothing final in time");
                return Ok(Outcome::NoAnswer(told("no_answer", words)));
            }
        }
    }
}

/// What became of a consent that is not active.
fn standing(standing: &ConsentStanding) -> Outcome {
    match standing {
        ConsentStanding::Rejected => ended("rejected", "the person rejected the consent"),
        ConsentStanding::Revoked => ended("revoked", "the person revoked the consent"),
        ConsentStanding::Expired => ended("expired", "the consent expired"),
        _ => ended("unclear", "the consent is not active"),
    }
}

async fn step(
    step: &'static str,
    provider: &'static str,
    session: &SessionReference,
    person: &Person,
    taken: impl Future<Output = Result<Outcome, Error>>,
) -> Finished {
    let started = Instant::now();
    let outcome = match taken.await {
        Ok(outcome) => outcome,
        // A question that the deadline cut short leaves nothing to find out.
        Err(error)
            if error.kind() == ErrorKind::Timeout
                && !error.is_unsettled()
                && person.patience() == Some(Duration::ZERO) =>
        {
            no_answer("the deadline came first")
        }
        Err(error) => Outcome::Failed(error),
    };
    Finished {
        step,
        provider,
        reference: Some(session.reference.as_str().to_owned()),
        outcome,
        took: started.elapsed(),
    }
}
