//! `kyc onboard --complete`: what follows once the person has answered, to the end of the journey.

use std::future::Future;
use std::time::{Duration, Instant};

use kyc_facade::OnboardingReport;
use kyc_facade::deepvue_digilocker::DigilockerClient;
use kyc_facade::finpro_fiu::FiuClient;
use kyc_facade::provider_core::capability::{
    AccessConsent, AccessReturn, AggregatorData, ConsentStanding, DataReadiness,
    IdentityVerification, SessionAccess, SessionReference, SharedDocuments, SharedIdentity,
    VerificationSession,
};
use kyc_facade::provider_core::{CallOptions, Error, Masked};
use kyc_facade::veriff_sessions::SessionsClient;
use serde_json::{Value, json};

use super::person::Person;
use crate::failure::exit_code;

/// A step after the onboarding, and what came of it.
pub(crate) struct Finished {
    pub(crate) step: &'static str,
    pub(crate) provider: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

/// What came of a step.
pub(crate) enum Outcome {
    /// It is done: what is known now, without anything personal.
    Done(String),
    /// The person, or a provider, said no, or nobody answered in time.
    Ended(String),
    Failed(Error),
}

impl Finished {
    pub(crate) fn result(&self) -> &'static str {
        match self.outcome {
            Outcome::Done(_) => "done",
            Outcome::Ended(_) => "ended",
            Outcome::Failed(_) => "failed",
        }
    }

    pub(crate) fn detail(&self) -> String {
        match &self.outcome {
            Outcome::Done(words) | Outcome::Ended(words) => words.clone(),
            Outcome::Failed(error) => error.report_line(),
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match &self.outcome {
            Outcome::Done(_) => 0,
            // As for a provider that refuses.
            Outcome::Ended(_) => 4,
            Outcome::Failed(error) => exit_code(error),
        }
    }

    /// The step as JSON.
    pub(crate) fn value(&self) -> Value {
        json!({
            "step": self.step,
            "provider": self.provider,
            "result": self.result(),
            "detail": self.detail(),
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
    /// Waits for the person, and reads what was shared and decided.
    pub(crate) async fn run(
        &self,
        report: &OnboardingReport,
        verification: &VerificationSession,
        person: &mut Person,
    ) -> Vec<Finished> {
        let mut finished = Vec::new();
        if let Some(session) = report.documents.value() {
            let reading = self.read_documents(session.into(), person);
            finished.push(
                step(
                    "read-documents",
                    SharedDocuments::provider_name(&self.documents),
                    reading,
                )
                .await,
            );
        }
        if let Some(consent) = report.aggregator_consent.value() {
            let reading = self.read_accounts(consent.into(), person);
            finished.push(step("read-accounts", self.accounts.provider_name(), reading).await);
        }
        let reading = self.read_verdict(verification.into(), person);
        finished.push(step("read-decision", self.verification.provider_name(), reading).await);
        finished
    }

    async fn read_documents(
        &self,
        session: SessionReference,
        person: &mut Person,
    ) -> Result<Outcome, Error> {
        let Some(returned) = person.return_of(session.reference.as_str()).await else {
            return Ok(Outcome::Ended("the person did not come back".to_owned()));
        };
        let documents: &dyn SharedDocuments = &self.documents;
        let grant = match documents.read_return(&session, &Masked::from(returned.as_str()))? {
            AccessReturn::Granted(grant) => grant,
            AccessReturn::Denied => return Ok(Outcome::Ended("the person said no".to_owned())),
            _ => return Ok(Outcome::Ended("the return is unclear".to_owned())),
        };
        let access = SessionAccess::new(AccessConsent::given_by_person(), &*self.purpose, session);
        documents
            .complete_access(access.clone(), grant, options())
            .await?;
        let listed = documents.list_documents(access.clone(), options()).await?;
        let mut bytes: usize = 0;
        for document in &listed.documents {
            let read =
                documents.read_document(access.clone(), document.reference.clone(), options());
            let read = read.await?;
            match read.bytes(&read.format) {
                Ok(document) => bytes = bytes.saturating_add(document.len()),
                Err(error) => {
                    return Ok(Outcome::Ended(format!(
                        "a document cannot be read: {error}"
                    )));
                }
            }
        }
        let identity: &dyn SharedIdentity = &self.documents;
        let number = match identity.read_identity(access, options()).await {
            Ok(record) if record.masked_number.is_some() => ", the identity record",
            Ok(_) => ", an identity record without a number",
            // Who shared no identity record has none to be read.
            Err(_) => "",
        };
        let count = listed.documents.len();
        Ok(Outcome::Done(format!(
            "{}, {bytes} bytes{number}",
            counted(count, "document")
        )))
    }

    async fn read_accounts(
        &self,
        session: SessionReference,
        person: &mut Person,
    ) -> Result<Outcome, Error> {
        let accounts: &dyn AggregatorData = &self.accounts;
        let consent = loop {
            let followed = accounts.follow_consent(session.clone(), options()).await?;
            match followed.consent {
                Some(consent) if followed.standing.is_active() => break consent,
                _ if followed.standing.is_final() => {
                    return Ok(Outcome::Ended(standing(&followed.standing).to_owned()));
                }
                _ => {}
            }
            if !person.wait().await {
                return Ok(Outcome::Ended(
                    "nobody decided about the consent in time".to_owned(),
                ));
            }
        };
        let data = accounts
            .request_data(consent.clone(), None, options())
            .await?;
        loop {
            match accounts.data_readiness(data.clone(), options()).await? {
                DataReadiness::Ready | DataReadiness::Partial => break,
                DataReadiness::Pending => {}
                DataReadiness::Denied => {
                    return Ok(Outcome::Ended("the data was refused".to_owned()));
                }
                DataReadiness::Failed => {
                    return Ok(Outcome::Ended("the data could not be fetched".to_owned()));
                }
                DataReadiness::Expired => {
                    return Ok(Outcome::Ended("the data's time ran out".to_owned()));
                }
                _ => return Ok(Outcome::Ended("how far the data is, is unclear".to_owned())),
            }
            if !person.wait().await {
                return Ok(Outcome::Ended("the data did not come in time".to_owned()));
            }
        }
        let read = accounts.read_accounts(consent, options()).await?;
        let bytes: usize = read.iter().map(|account| account.json.expose().len()).sum();
        Ok(Outcome::Done(format!(
            "{}, {bytes} bytes",
            counted(read.len(), "account")
        )))
    }

    async fn read_verdict(
        &self,
        session: SessionReference,
        person: &mut Person,
    ) -> Result<Outcome, Error> {
        loop {
            let decision = self
                .verification
                .read_verdict(session.clone(), options())
                .await?;
            let words = decision.verdict.as_str();
            if decision.verdict.is_final() {
                return Ok(match words {
                    "approved" => Outcome::Done(words.to_owned()),
                    words => Outcome::Ended(words.to_owned()),
                });
            }
            if !person.wait().await {
                return Ok(Outcome::Ended(format!("{words}: nothing final in time")));
            }
        }
    }
}

/// What became of a consent that is not active.
fn standing(standing: &ConsentStanding) -> &'static str {
    match standing {
        ConsentStanding::Rejected => "the person rejected the consent",
        ConsentStanding::Revoked => "the person revoked the consent",
        ConsentStanding::Expired => "the consent expired",
        _ => "the consent is not active",
    }
}

/// So many of something.
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn options() -> CallOptions {
    CallOptions::default()
}

async fn step(
    step: &'static str,
    provider: &'static str,
    taken: impl Future<Output = Result<Outcome, Error>>,
) -> Finished {
    let started = Instant::now();
    let outcome = taken.await.unwrap_or_else(Outcome::Failed);
    Finished {
        step,
        provider,
        outcome,
        took: started.elapsed(),
    }
}
