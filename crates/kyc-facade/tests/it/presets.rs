//! The presets: cached rows for FinPro, one owner of retries, fallbacks over the real clients, and circuits that open
//! whoever sets the deadline.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use kyc_facade::finpro_profile::CachedProfiles;
use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::http::{HeaderMap, Request, StatusCode};
use kyc_facade::provider_core::testing::conformance;
use kyc_facade::provider_core::{
    Body, CallOptions, ExchangeLimits, Mobile, Outcome, RawResponse, RetryPolicy, Transport,
    TransportError, TransportErrorKind, async_trait,
};
use kyc_facade::{ByRule, Fallback, Hedged, Kyc, KycBuilder};
use kyc_sandbox::settings::{ConsentDecisions, Failure};
use kyc_sandbox::{
    AggregatorConsentStatus, DecisionStatus, DeepvueSettings, FinpassSettings, FinproSettings,
    Provider, Sandbox, Settings, VeriffSettings,
};

use crate::sandbox::{Clients, applicant, builder, clients};

/// Records the path of each request and answers like the transport below, or with one status, or not at all.
#[derive(Debug, Clone)]
struct Counted {
    below: Arc<dyn Transport>,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Counted {
    fn over(below: impl Transport) -> Self {
        Self {
            below: Arc::new(below),
            paths: Arc::default(),
        }
    }

    /// The number of requests whose path contains this text.
    fn count(&self, part: &str) -> usize {
        let paths = self.paths.lock().unwrap();
        paths.iter().filter(|path| path.contains(part)).count()
    }
}

#[async_trait]
impl Transport for Counted {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        self.paths
            .lock()
            .unwrap()
            .push(request.uri().path().to_owned());
        self.below.send(request, limits).await
    }
}

#[derive(Debug)]
struct Always(StatusCode);

#[async_trait]
impl Transport for Always {
    async fn send(
        &self,
        _: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        Ok(RawResponse::new(self.0, HeaderMap::new(), "".into()))
    }
}

#[derive(Debug)]
struct Silent;

#[async_trait]
impl Transport for Silent {
    async fn send(
        &self,
        _: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        std::future::pending().await
    }
}

#[derive(Debug)]
struct Dead;

#[async_trait]
impl Transport for Dead {
    async fn send(
        &self,
        _: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        Err(TransportError::new(TransportErrorKind::Connect))
    }
}

#[tokio::test(start_paused = true)]
async fn rows_of_finpro_are_cached_until_they_are_forgotten() {
    let transport = Counted::over(Sandbox::default().transport());
    let kept = builder(Arc::new(transport.clone())).build();
    for _ in 0..2 {
        let report = kept.onboard(applicant("9000000001")).await;
        assert!(report.is_complete());
    }
    assert_eq!(transport.count("/profile"), 1, "the preset keeps it");
    assert_eq!(transport.count("/consents"), 2, "and nothing else");

    let profiles = CachedProfiles::new(clients(Arc::new(transport.clone())).unwrap().finpro);
    let own = builder(Arc::new(transport.clone()))
        .finpro(profiles.clone())
        .build();
    own.onboard(applicant("9000000001")).await;
    profiles.forget(&Mobile::parse("9000000001").unwrap());
    own.onboard(applicant("9000000001")).await;
    assert_eq!(transport.count("/profile"), 3);

    let client = clients(Arc::new(transport.clone())).unwrap().finpro;
    let uncached = builder(Arc::new(transport.clone()))
        .aggregator_discovery(Arc::new(client))
        .build();
    for _ in 0..2 {
        uncached.onboard(applicant("9000000001")).await;
    }
    assert_eq!(
        transport.count("/profile"),
        5,
        "a bare client asks each time"
    );
}

#[tokio::test(start_paused = true)]
async fn one_retry_policy_for_all_steps_makes_the_onboarding_the_owner_of_retries() {
    // Two of the four operations may be retried when the outcome is unknown; after a 429 each may.
    for (status, by_the_clients) in [(503, 2 * 3 + 2), (429, 4 * 3)] {
        let requests = async |prepare: fn(kyc_facade::KycBuilder) -> kyc_facade::KycBuilder| {
            let transport = Counted::over(Always(StatusCode::from_u16(status).unwrap()));
            let kyc = prepare(builder(Arc::new(transport.clone()))).build();
            let report = kyc.onboard(applicant("9000000001")).await;
            assert_eq!(report.errors().count(), 4);
            transport.count("")
        };
        assert_eq!(requests(|kyc| kyc).await, by_the_clients, "HTTP {status}");
        let never = |kyc: kyc_facade::KycBuilder| kyc.retry(RetryPolicy::never());
        assert_eq!(requests(never).await, 4, "HTTP {status}");
        let twice =
            |kyc: kyc_facade::KycBuilder| kyc.retry(RetryPolicy::standard().with_max_attempts(2));
        let expected = if status == 429 { 4 * 2 } else { 2 * 2 + 2 };
        assert_eq!(requests(twice).await, expected, "HTTP {status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_onboarding_can_have_its_own_retry_policy() {
    let transport = Counted::over(Always(StatusCode::TOO_MANY_REQUESTS));
    let kyc = builder(Arc::new(transport.clone())).build();
    kyc.onboard(applicant("9000000001"))
        .with_retry(RetryPolicy::never())
        .await;
    assert_eq!(transport.count(""), 4);
}

/// A peer in each of its moods, and a provider whose first server cannot be reached.
fn setup<C: ?Sized + std::fmt::Debug>(
    answering: &Sandbox,
    fallback: impl Fn(Clients, Clients) -> Arc<C> + 'static,
) -> conformance::Setup<C> {
    let failing = |failure: Failure| -> Arc<dyn Transport> {
        let failure = Some(failure);
        let settings = Settings::default()
            .with_veriff(VeriffSettings::default().with_failure(failure.clone()))
            .with_deepvue(DeepvueSettings::default().with_failure(failure.clone()))
            .with_finpro(FinproSettings::default().with_failure(failure.clone()))
            .with_finpass(FinpassSettings::default().with_failure(failure));
        Arc::new(Sandbox::new(settings).transport())
    };
    conformance::Setup::new(
        Arc::new(answering.transport()),
        failing(Failure::new(400)),
        failing(Failure::new(503).after_effect()),
        move |transport| {
            fallback(
                clients(Arc::new(Dead)).unwrap(),
                clients(transport).unwrap(),
            )
        },
    )
}

#[tokio::test(start_paused = true)]
async fn a_fallback_can_be_used_as_a_provider() {
    let sandbox = Sandbox::default();
    let recorder = setup(&sandbox, |dead, alive| {
        let first = Fallback::<dyn ConsentRecorder>::new(Arc::new(dead.veriff));
        Arc::new(first.or(Arc::new(alive.veriff))) as Arc<dyn ConsentRecorder>
    });
    let consent = |session| {
        let (kind, answer) = (ConsentKind::Aadhaar, ConsentAnswer::Approved);
        ConsentStatement::new(session, kind, answer, "I agree that it is me.")
    };
    let (one, other) = (
        consent("d69a07cf-4434-4d36-be6c-d22af7dc01fb"),
        consent("11111111-1111-4111-8111-111111111111"),
    );
    conformance::consent_recorder(&recorder, one, other).await;

    let access = setup(&sandbox, |dead, alive| {
        let first = Fallback::<dyn DocumentAccess>::new(Arc::new(dead.deepvue));
        Arc::new(first.or(Arc::new(alive.deepvue))) as Arc<dyn DocumentAccess>
    })
    .replies_say_nothing();
    let request = DocumentAccessRequest::new(
        AccessConsent::given_by_person(),
        "KYC",
        "https://lender.example.test/back",
    )
    .set_documents([DocumentKind::Pan]);
    conformance::document_access(&access, request.clone(), request).await;

    // The failure of a read is the first provider's, whatever becomes of the next one.
    let discovery = setup(&sandbox, |dead, alive| {
        let first = Fallback::<dyn AggregatorDiscovery>::new(Arc::new(alive.finpro));
        Arc::new(first.or(Arc::new(dead.finpro))) as Arc<dyn AggregatorDiscovery>
    })
    .replies_say_nothing();
    let query = |mobile: &str| AggregatorQuery::new(Mobile::parse(mobile).unwrap(), "ref-1");
    let named = ["onemoney", "finvu"].map(|id| AggregatorId::parse(id).unwrap());
    let answered = query("9000000001").set_aggregators(named);
    conformance::aggregator_discovery(&discovery, answered.clone(), query("9000000006")).await;
    let dead = clients(Arc::new(Dead)).unwrap().finpro;
    let alive = clients(Arc::new(sandbox.transport())).unwrap().finpro;
    let second = Fallback::<dyn AggregatorDiscovery>::new(Arc::new(dead)).or(Arc::new(alive));
    let standings = second.discover(answered, CallOptions::new()).await;
    assert_eq!(standings.unwrap().len(), 2);

    let opener = setup(&sandbox, |dead, alive| {
        let first = Fallback::<dyn AggregatorConsent>::new(Arc::new(dead.finpass));
        Arc::new(first.or(Arc::new(alive.finpass))) as Arc<dyn AggregatorConsent>
    });
    let request = |mobile: &str| {
        let mobile = Mobile::parse(mobile).unwrap();
        AggregatorConsentRequest::new(mobile, ConsentPurpose::LoanUnderwriting)
    };
    conformance::aggregator_consent(&opener, request("9000000001"), request("9000000002")).await;
}

/// Finpass first, and FinPro where Finpass certainly did nothing.
#[tokio::test(start_paused = true)]
async fn finpro_opens_the_consent_that_finpass_certainly_did_not() {
    let sandbox = Sandbox::default();
    let over = |finpass: Arc<dyn Transport>| {
        let alive = clients(Arc::new(sandbox.transport())).unwrap();
        Kyc::builder()
            .finpro(alive.finpro)
            .finpass(clients(finpass).unwrap().finpass)
            .or_aggregator_consent(Arc::new(alive.finpro_consents))
            .build()
    };
    let report = over(Arc::new(Dead)).onboard(applicant("9000000001")).await;
    let session = report.aggregator_consent.value().unwrap();
    assert_eq!(session.provider, Some("finpro"));
    assert_eq!(session.aggregator, report.choice.aggregator);
    assert_eq!(session.aggregator.as_ref().unwrap().as_str(), "onemoney");

    // Finpass refused the person, or may have opened a session: no other provider is asked.
    let refusing = Arc::new(sandbox.transport());
    for (finpass, mobile, outcome) in [
        (
            refusing as Arc<dyn Transport>,
            "9000000009",
            Outcome::Refused,
        ),
        (
            Arc::new(Silent) as Arc<dyn Transport>,
            "9000000001",
            Outcome::Unknown,
        ),
    ] {
        let report = over(finpass).onboard(applicant(mobile)).await;
        let error = report.aggregator_consent.error().unwrap();
        assert_eq!((error.provider(), error.outcome()), ("finpass", outcome));
    }
    let ledger = sandbox.ledger();
    let opened = ledger.operation_counts(Provider::Finpro, "request-consent-v3");
    assert_eq!(opened.effects, 1);
}

/// The rule sees the aggregator that was found.
#[tokio::test(start_paused = true)]
async fn a_rule_chooses_the_provider_of_the_consent() {
    let sandbox = Sandbox::default();
    let setup = setup(&sandbox, |_, alive| {
        let rule = |request: &AggregatorConsentRequest| request.aggregator.is_some();
        let chosen = ByRule::otherwise(Arc::new(alive.finpass));
        Arc::new(chosen.when(rule, Arc::new(alive.finpro_consents))) as Arc<dyn AggregatorConsent>
    });
    let request = |mobile: &str| {
        let mobile = Mobile::parse(mobile).unwrap();
        AggregatorConsentRequest::new(mobile, ConsentPurpose::LoanUnderwriting)
    };
    conformance::aggregator_consent(&setup, request("9000000001"), request("9000000002")).await;

    let alive = clients(Arc::new(sandbox.transport())).unwrap();
    let chosen = ByRule::otherwise(Arc::new(alive.finpass)).when(
        |request| request.aggregator.is_some(),
        Arc::new(alive.finpro_consents),
    );
    let kyc = |discovery: bool| {
        let kyc = Kyc::builder().aggregator_consent(Arc::new(chosen.clone()));
        match discovery {
            true => kyc.finpro(alive.finpro.clone()).build(),
            false => kyc.build(),
        }
    };
    for (discovery, provider) in [(true, "finpro"), (false, "finpass")] {
        let report = kyc(discovery).onboard(applicant("9000000001")).await;
        let session = report.aggregator_consent.value().unwrap();
        assert_eq!(session.provider, Some(provider));
    }
}

/// A session is read at the provider that opened it: where it names none, at the first one.
#[tokio::test(start_paused = true)]
async fn a_fallback_can_be_used_to_verify_who_a_person_is() {
    let sandbox = Sandbox::default();
    let setup = setup(&sandbox, |dead, alive| {
        let first = Fallback::<dyn IdentityVerification>::new(Arc::new(alive.sessions));
        Arc::new(first.or(Arc::new(dead.sessions))) as Arc<dyn IdentityVerification>
    });
    let request = VerificationRequest::new().set_name("Sample", "Person");
    let decide = |reference: &ProviderReference, verdict: &Verdict| {
        let decision = match verdict {
            Verdict::Approved => DecisionStatus::Approved,
            Verdict::Declined => DecisionStatus::Declined,
            _ => return false,
        };
        sandbox.decide(reference.as_str(), decision)
    };
    conformance::identity_verification(&setup, request, decide).await;
}

/// The same of documents.
#[tokio::test(start_paused = true)]
async fn a_fallback_can_be_used_to_read_documents() {
    let sandbox = Sandbox::default();
    let setup = setup(&sandbox, |dead, alive| {
        let first = Fallback::<dyn SharedDocuments>::new(Arc::new(alive.deepvue));
        Arc::new(first.or(Arc::new(dead.deepvue))) as Arc<dyn SharedDocuments>
    })
    .fails_where_it_answers()
    .replies_say_nothing();
    let opener = clients(Arc::new(sandbox.transport())).unwrap().deepvue;
    let consent = AccessConsent::given_by_person;
    let open = async || {
        let url = "https://lender.example.test/back";
        let request = DocumentAccessRequest::new(consent(), "KYC", url);
        let opened = opener.open_session(request, CallOptions::new()).await;
        SessionAccess::new(consent(), "KYC", &opened.unwrap())
    };
    let returns = |session: &SessionReference| {
        let id = session.reference.as_str();
        [
            format!("?code=c-{id}&state={id}").into(),
            format!("?error=access_denied&state={id}").into(),
            "?code=c".into(),
        ]
    };
    conformance::shared_documents(&setup, open, returns).await;
}

/// A consent is followed at the provider that opened it.
#[tokio::test(start_paused = true)]
async fn a_fallback_can_be_used_to_follow_a_consent() {
    let finpro = FinproSettings::default().with_consent_decisions(ConsentDecisions::Pending);
    let sandbox = Sandbox::new(Settings::default().with_finpro(finpro));
    let setup = setup(&sandbox, |dead, alive| {
        let fiu = |clients: Clients| clients.finpro_consents.client().clone();
        let first = Fallback::<dyn AggregatorData>::new(Arc::new(fiu(alive)));
        Arc::new(first.or(Arc::new(fiu(dead)))) as Arc<dyn AggregatorData>
    })
    .fails_where_it_answers();
    let consents = clients(Arc::new(sandbox.transport()))
        .unwrap()
        .finpro_consents;
    let people = ["9000000001", "9000000002", "9000000003"];
    let mut sessions = Vec::new();
    for mobile in people {
        let mobile = Mobile::parse(mobile).unwrap();
        let request = AggregatorConsentRequest::new(mobile, ConsentPurpose::LoanUnderwriting);
        let opened = consents.open_consent(request, CallOptions::new()).await;
        sessions.push(SessionReference::from(&opened.unwrap()));
    }
    let decide = |consent: &ProviderReference, standing: &ConsentStanding| {
        let status = match standing {
            ConsentStanding::Active => AggregatorConsentStatus::Active,
            ConsentStanding::Rejected => AggregatorConsentStatus::Rejected,
            ConsentStanding::Revoked => AggregatorConsentStatus::Revoked,
            _ => return false,
        };
        sandbox.decide_consent(consent.as_str(), status)
    };
    let sessions = sessions.try_into().unwrap();
    conformance::aggregator_data(&setup, sessions, &people, decide).await;
}

/// Runs three rounds of 50 concurrent onboardings. Returns the number of requests that reach a silent provider.
async fn three_rounds(prepare: impl FnOnce(crate::sandbox::Clients) -> KycBuilder) -> [usize; 3] {
    let transport = Counted::over(Silent);
    let kyc = prepare(clients(Arc::new(transport.clone())).unwrap()).build();
    let mut rounds = [0; 3];
    let mut before = 0;
    for round in &mut rounds {
        let people = (0..50).map(|person| format!("90000000{person:02}"));
        let onboardings = people.map(|mobile| kyc.onboard(applicant(&mobile)).into_future());
        for report in join_all(onboardings).await {
            assert_eq!(report.errors().count(), 1);
        }
        *round = transport.count("") - before;
        before = transport.count("");
    }
    rounds
}

/// An onboarding cancels every call just before its operation's own deadline.
#[tokio::test(start_paused = true)]
async fn a_silent_provider_of_any_preset_opens_its_circuit() {
    let presets: [fn(crate::sandbox::Clients) -> KycBuilder; 4] = [
        |clients| Kyc::builder().finpro(clients.finpro),
        |clients| Kyc::builder().finpass(clients.finpass),
        |clients| Kyc::builder().veriff(clients.veriff),
        |clients| Kyc::builder().deepvue(clients.deepvue),
    ];
    for (row, preset) in presets.into_iter().enumerate() {
        assert_eq!(three_rounds(preset).await, [50, 0, 0], "preset {row}");
    }
}

/// The bare client, and every wrapper that shares, hedges or divides the time of a query.
#[tokio::test(start_paused = true)]
async fn no_wrapper_hides_a_silent_finpro() {
    let discovery =
        |provider: Arc<dyn AggregatorDiscovery>| Kyc::builder().aggregator_discovery(provider);
    let bare = three_rounds(|clients| discovery(Arc::new(clients.finpro))).await;
    assert_eq!(bare, [50, 0, 0]);

    let hedged = three_rounds(|clients| {
        let profiles = CachedProfiles::new(clients.finpro);
        discovery(Arc::new(Hedged::new(
            Arc::new(profiles),
            Duration::from_secs(4),
        )))
    });
    assert_eq!(hedged.await, [50, 0, 0]);

    // Each has half of the time, and its own circuit.
    let other = Counted::over(Silent);
    let second = clients(Arc::new(other.clone())).unwrap().finpro;
    let divided = three_rounds(|clients| {
        let first = CachedProfiles::new(clients.finpro);
        let fallback = Fallback::<dyn AggregatorDiscovery>::new(Arc::new(first));
        discovery(Arc::new(fallback.or(Arc::new(CachedProfiles::new(second)))))
    });
    let [sent, probes @ ..] = divided.await;
    assert_eq!(sent, 50);
    assert!(probes.iter().sum::<usize>() <= 5, "{probes:?}");
    assert!((50..=55).contains(&other.count("")), "of 150");
}

/// After a silent discovery, half of the onboarding's time is left for the consent.
#[tokio::test(start_paused = true)]
async fn the_time_after_discovery_is_enough_to_detect_a_silent_consent_provider() {
    let transport = Counted::over(Silent);
    let clients = clients(Arc::new(transport.clone())).unwrap();
    let kyc = Kyc::builder()
        .finpro(clients.finpro)
        .finpass(clients.finpass)
        .build();
    // In the second round one probe of FinPro hangs, and its onboarding also sends the probe of Finpass.
    for sent in [50, 51] {
        let people = (0..50).map(|person| format!("90000000{person:02}"));
        join_all(people.map(|mobile| kyc.onboard(applicant(&mobile)).into_future())).await;
        assert_eq!(transport.count("account-aggregator"), sent);
    }
}
