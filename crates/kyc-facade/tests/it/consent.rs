//! Consent for each step, by a ledger and a gate.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_consent::{
    Basis, Code, ConsentLedger, DataKind, GateRules, Keys, MemoryKeyStore, MemoryKeyWrapper,
    MemoryStore, Notice, NoticeItems, Party, ProviderName, Purpose, Receipt, Recipient, Scope,
    Subject, Terms,
};
use kyc_facade::provider_core::capability::DocumentAccess;
use kyc_facade::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_facade::provider_core::{
    ClientDefaults, ConsentEvidence, Error, ErrorKind, MissingConsent, Mobile, Outcome, Settings,
    async_trait,
};
use kyc_facade::{Fallback, Kyc, OnboardingReport, StepConsent, StepName};
use kyc_sandbox::{Provider, Sandbox, SandboxTransport, credentials};

use crate::fakes::Fake;
use crate::sandbox::applicant;

const MOBILE: &str = "9000000001";
const ALL: [&str; 4] = ["deepvue", "finpass", "finpro", "veriff"];

fn purpose() -> Purpose {
    Purpose::new("kyc").unwrap()
}

fn kinds() -> Vec<DataKind> {
    vec![DataKind::new("identity-document").unwrap()]
}

fn rules() -> GateRules {
    let with = |rules: GateRules, name: &&str| {
        rules.provider(ProviderName::new(name).unwrap(), purpose(), kinds())
    };
    ALL.iter().fold(GateRules::new(), with)
}

/// A ledger in which the person agreed that these receive data.
fn ledger(recipients: &[&str]) -> (ConsentLedger, Subject) {
    let wrapper = MemoryKeyWrapper::new().unwrap();
    let keys = Keys::new(Arc::new(MemoryKeyStore::new()), Arc::new(wrapper));
    let ledger = ConsentLedger::open(Arc::new(MemoryStore::new().unwrap()), keys).unwrap();
    let subject = ledger.subject(&Mobile::parse(MOBILE).unwrap()).unwrap();
    let party = |name: &str| Party {
        id: format!("https://{name}.example.test"),
        name: name.to_owned(),
        address: "1 Made-up Road, Mumbai".to_owned(),
        contact: format!("privacy@{name}.example.test"),
    };
    let items = NoticeItems {
        data: vec![(kinds().remove(0), "your documents".to_owned())],
        purposes: vec![(purpose(), "to know who you are".to_owned())],
        service: "a loan".to_owned(),
        withdraw: "https://lender.example.test/withdraw".to_owned(),
        rights: "https://lender.example.test/rights".to_owned(),
        complain: "https://board.example.test/complain".to_owned(),
    };
    let now = Timestamp::now();
    let recipient = |name: &&str| Recipient {
        provider: ProviderName::new(name).unwrap(),
        party: party(name),
    };
    let terms = Terms {
        notice: Notice::new("kyc", "1", "en", "We read your documents.", items).unwrap(),
        purposes: vec![purpose()],
        kinds: kinds(),
        controller: party("lender"),
        recipients: recipients.iter().map(recipient).collect(),
        storage_locations: vec!["IN".to_owned()],
        retention: "P1Y".to_owned(),
        channel: Code::new("app").unwrap(),
        given_at: now,
        expires_at: now.checked_add(SignedDuration::from_hours(24)).unwrap(),
        basis: Basis::Consent,
    };
    ledger.give(&Receipt::new(subject, terms).unwrap()).unwrap();
    (ledger, subject)
}

struct OfPerson {
    ledger: ConsentLedger,
    subject: Subject,
    used: Mutex<Vec<(StepName, &'static str, &'static str)>>,
}

#[async_trait]
impl StepConsent for OfPerson {
    async fn prove(&self, _: StepName) -> Result<ConsentEvidence, MissingConsent> {
        let proofs = self.ledger.prove_each(self.subject, &rules())?;
        Ok(ConsentEvidence::from(&proofs))
    }

    async fn used(
        &self,
        step: StepName,
        provider: &'static str,
        shown: ConsentEvidence,
        outcome: &'static str,
    ) {
        let written = self
            .ledger
            .record_use_at(provider, shown, step.as_str(), outcome);
        written.unwrap();
        self.used.lock().unwrap().push((step, provider, outcome));
    }
}

/// The four providers over the sandbox, each with the ledger's gate.
fn gated(sandbox: &Sandbox, ledger: &ConsentLedger) -> Kyc {
    let defaults = ClientDefaults::new()
        .transport(Arc::new(sandbox.transport()))
        .consent_gate(Arc::new(ledger.gate(rules())));
    let settings = Settings::of(credentials::environment(&SandboxTransport::base_urls()));
    let builder = Kyc::builder().client_defaults(defaults);
    builder.providers_from(&settings).unwrap().build()
}

fn sent(sandbox: &Sandbox) -> u64 {
    let all = [
        Provider::Finpass,
        Provider::Finpro,
        Provider::Veriff,
        Provider::Deepvue,
    ];
    all.iter()
        .map(|provider| sandbox.ledger().counts(*provider).requests)
        .sum()
}

fn lacks_consent(report: &OnboardingReport) -> usize {
    let errors = report.errors();
    let lacking = errors.filter(|(_, error)| {
        assert_eq!(error.outcome(), Outcome::NotSent);
        error.kind() == ErrorKind::NoConsent
    });
    lacking.count()
}

#[tokio::test(start_paused = true)]
async fn each_step_shows_a_proof_and_its_use_is_written() {
    let sandbox = Sandbox::default();
    let (ledger, subject) = ledger(&ALL);
    let consent = Arc::new(OfPerson {
        ledger: ledger.clone(),
        subject,
        used: Mutex::default(),
    });
    let onboarding = gated(&sandbox, &ledger).onboard(applicant(MOBILE));
    let report = onboarding.with_consent(consent.clone()).await;
    assert!(report.is_complete(), "{report:?}");
    let mut used = consent.used.lock().unwrap().clone();
    used.sort_by_key(|(step, ..)| step.as_str());
    let expected = [
        (StepName::DiscoverAggregators, "finpro", "ok"),
        (StepName::OpenAggregatorConsent, "finpass", "ok"),
        (StepName::OpenDocuments, "deepvue", "ok"),
        (StepName::RecordConsent, "veriff", "ok"),
    ];
    assert_eq!(used, expected);
    // The consent and four uses.
    assert_eq!(ledger.verify(&[]).unwrap().seq, 5);
}

#[tokio::test(start_paused = true)]
async fn without_a_proof_a_gate_lets_no_step_through() {
    let sandbox = Sandbox::default();
    let (ledger, _) = ledger(&ALL);
    let report = gated(&sandbox, &ledger).onboard(applicant(MOBILE)).await;
    assert_eq!(lacks_consent(&report), 4, "{report:?}");
    assert_eq!(sent(&sandbox), 0);
}

#[tokio::test(start_paused = true)]
async fn a_step_fails_alone_where_the_consent_does_not_cover_it_and_all_do_once_it_is_withdrawn() {
    let sandbox = Sandbox::default();
    let (ledger, subject) = ledger(&["deepvue", "finpass", "finpro"]);
    let consent = Arc::new(OfPerson {
        ledger: ledger.clone(),
        subject,
        used: Mutex::default(),
    });
    let kyc = gated(&sandbox, &ledger);
    let report = kyc
        .onboard(applicant(MOBILE))
        .with_consent(consent.clone())
        .await;
    assert_eq!(lacks_consent(&report), 1, "{report:?}");
    assert!(report.consent.error().is_some());
    assert_eq!(consent.used.lock().unwrap().len(), 3);
    let before = sent(&sandbox);
    let app = Code::new("app").unwrap();
    ledger.withdraw(subject, Scope::All, &app).unwrap();
    let report = kyc
        .onboard(applicant(MOBILE))
        .with_consent(consent.clone())
        .await;
    assert_eq!(lacks_consent(&report), 4, "{report:?}");
    assert_eq!(sent(&sandbox), before);
    assert_eq!(consent.used.lock().unwrap().len(), 3);
}

/// Whoever proves consent does not answer.
struct Silent;

#[async_trait]
impl StepConsent for Silent {
    async fn prove(&self, _: StepName) -> Result<ConsentEvidence, MissingConsent> {
        std::future::pending().await
    }

    async fn used(&self, _: StepName, _: &'static str, _: ConsentEvidence, _: &'static str) {
        panic!("nothing was proved");
    }
}

#[tokio::test(start_paused = true)]
async fn a_proof_that_is_not_made_in_time_fails_its_step_within_the_deadline() {
    let sandbox = Sandbox::default();
    let (ledger, _) = ledger(&ALL);
    let onboarding = gated(&sandbox, &ledger).onboard(applicant(MOBILE));
    let onboarding = onboarding.with_consent(Arc::new(Silent));
    let longest = Duration::from_secs(3600);
    let report = tokio::time::timeout(longest, onboarding).await.unwrap();
    let mut errors = report.errors();
    assert!(errors.all(|(_, error)| {
        (error.kind(), error.outcome()) == (ErrorKind::Timeout, Outcome::NotSent)
    }));
    assert_eq!(report.errors().count(), 4, "{report:?}");
    assert_eq!(sent(&sandbox), 0);
}

#[tokio::test(start_paused = true)]
async fn each_provider_that_a_failed_step_was_sent_to_is_told() {
    let (ledger, subject) = ledger(&ALL);
    let consent = Arc::new(OfPerson {
        ledger,
        subject,
        used: Mutex::default(),
    });
    let failing = |kind, outcome, name| {
        let error = Error::new(kind, outcome).at(name, "act");
        Arc::new(Fake::failing_with(error).named(name))
    };
    let first = failing(ErrorKind::Connect, Outcome::NotSent, "deepvue");
    let second = failing(ErrorKind::RateLimited, Outcome::Refused, "finpass");
    let third = failing(ErrorKind::RateLimited, Outcome::Refused, "veriff");
    let documents = Fallback::<dyn DocumentAccess>::new(first)
        .or(second)
        .or(third);
    let kyc = Kyc::builder().document_access(Arc::new(documents)).build();
    let onboarding = kyc.onboard(applicant(MOBILE));
    let report = onboarding.with_consent(consent.clone()).await;
    assert!(report.documents.error().is_some(), "{report:?}");
    let used = consent.used.lock().unwrap().clone();
    let refused = Outcome::Refused.as_str();
    let to = |provider| (StepName::OpenDocuments, provider, refused);
    assert_eq!(used, [to("finpass"), to("veriff")]);
}
