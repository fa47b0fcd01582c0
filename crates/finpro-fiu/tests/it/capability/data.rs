//! Following a consent and reading its accounts: the suite, and what is not believed.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use finpro_fiu::FiuClient;
use kyc_sandbox::settings::{ConsentDecisions, DataOutcome, Failure};
use kyc_sandbox::{AggregatorConsentStatus, FinproSettings, Sandbox, Settings};
use provider_core::capability::{
    AccountData, AggregatorConsent, AggregatorData, ConsentStanding, DataRange, DataReadiness,
    FollowedConsent, ProviderReference, SessionReference,
};
use provider_core::jiff::Timestamp;
use provider_core::testing::{ScriptedTransport, Step, conformance};
use provider_core::{
    CallOptions, Error, ErrorKind, Outcome, Transport, VerificationError, async_trait,
};
use serde_json::{Value, json};

use super::{HANDLE, client, consents, minimal};

const PEOPLE: [&str; 3] = ["9000000001", "9000000002", "9000000003"];

/// People who decide when the test says so.
fn undecided() -> FinproSettings {
    FinproSettings::default().with_consent_decisions(ConsentDecisions::Pending)
}

fn reference(text: &str) -> SessionReference {
    SessionReference::new(ProviderReference::parse(text).unwrap())
}

/// A person's consent in the sandbox, on which nobody has decided.
async fn opened(sandbox: &Sandbox, mobile: &str) -> SessionReference {
    let session = consents(Arc::new(sandbox.transport()))
        .open_consent(minimal(mobile), CallOptions::new())
        .await;
    SessionReference::from(&session.unwrap())
}

fn decided(sandbox: &Sandbox, consent: &ProviderReference, standing: &ConsentStanding) -> bool {
    let status = match standing {
        ConsentStanding::Active => AggregatorConsentStatus::Active,
        ConsentStanding::Paused => AggregatorConsentStatus::Paused,
        ConsentStanding::Rejected => AggregatorConsentStatus::Rejected,
        ConsentStanding::Revoked => AggregatorConsentStatus::Revoked,
        ConsentStanding::Expired => AggregatorConsentStatus::Expired,
        _ => return false,
    };
    sandbox.decide_consent(consent.as_str(), status)
}

/// Runs the suite on what `implement` makes of a client.
async fn suite(implement: fn(FiuClient) -> Arc<dyn AggregatorData>) {
    let peer = |failure| {
        let finpro = undecided().with_failure(failure);
        Sandbox::new(Settings::default().with_finpro(finpro))
    };
    let transport = |sandbox: &Sandbox| -> Arc<dyn Transport> { Arc::new(sandbox.transport()) };
    let answers = peer(None);
    let setup = conformance::Setup::new(
        transport(&answers),
        transport(&peer(Some(Failure::new(400)))),
        transport(&answers),
        move |transport| implement(client(transport)),
    )
    .fails_where_it_answers();
    let [first, second, third] = PEOPLE.map(|mobile| opened(&answers, mobile));
    let sessions = [first.await, second.await, third.await];
    conformance::aggregator_data(&setup, sessions, &PEOPLE, |consent, standing| {
        decided(&answers, consent, standing)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn finpro_implements_aggregator_data() {
    suite(|client| Arc::new(client)).await;
}

/// What becomes of a call's answer.
type Answers<T> = fn(Result<T, Error>) -> Result<T, Error>;

/// FinPro with one flaw: each function is what one looks like.
#[derive(Clone)]
struct Flawed {
    client: FiuClient,
    session: fn(SessionReference) -> SessionReference,
    range: fn(Option<DataRange>) -> Option<DataRange>,
    repeats: fn(&Error) -> bool,
    follows: Answers<FollowedConsent>,
    ready: Answers<DataReadiness>,
    reads: Answers<Vec<AccountData>>,
    printed: &'static str,
}

impl Flawed {
    fn new(client: FiuClient) -> Self {
        Self {
            client,
            session: |session| session,
            range: |range| range,
            repeats: |_| false,
            follows: |followed| followed,
            ready: |ready| ready,
            reads: |read| read,
            printed: "Flawed",
        }
    }
}

impl fmt::Debug for Flawed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.printed)
    }
}

#[async_trait]
impl AggregatorData for Flawed {
    fn provider_name(&self) -> &'static str {
        self.client.provider_name()
    }

    async fn follow_consent(
        &self,
        session: SessionReference,
        options: CallOptions,
    ) -> Result<FollowedConsent, Error> {
        let session = (self.session)(session);
        (self.follows)(self.client.follow_consent(session, options).await)
    }

    async fn request_data(
        &self,
        consent: SessionReference,
        range: Option<DataRange>,
        options: CallOptions,
    ) -> Result<SessionReference, Error> {
        let range = (self.range)(range);
        let request = |options| self.client.request_data(consent.clone(), range, options);
        match request(options.clone()).await {
            Err(error) if (self.repeats)(&error) => request(options).await,
            requested => requested,
        }
    }

    async fn data_readiness(
        &self,
        data: SessionReference,
        options: CallOptions,
    ) -> Result<DataReadiness, Error> {
        (self.ready)(self.client.data_readiness(data, options).await)
    }

    async fn read_accounts(
        &self,
        consent: SessionReference,
        options: CallOptions,
    ) -> Result<Vec<AccountData>, Error> {
        (self.reads)(self.client.read_accounts(consent, options).await)
    }
}

/// The suite fails on each flaw, and on nothing else.
#[test]
fn the_suite_finds_what_an_implementation_does_wrong() {
    type Implement = fn(FiuClient) -> Arc<dyn AggregatorData>;
    let passes = |implement: Implement| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(suite(implement)))).is_ok()
    };
    macro_rules! flaw {
        ($($member:ident: $flaw:expr),*) => {
            |client| Arc::new(Flawed { $($member: $flaw,)* ..Flawed::new(client) })
        };
    }
    assert!(passes(flaw!()));
    let flaws: [(&str, Implement); 9] = [
        ("repeats what is open", flaw!(repeats: Error::is_unsettled)),
        (
            "repeats a refusal",
            flaw!(repeats: |error| error.outcome() == Outcome::Refused),
        ),
        (
            "takes whoever is pending for a grant",
            flaw!(follows: |followed| followed.map(|followed| match followed.standing {
                ConsentStanding::Pending => {
                    FollowedConsent::new(ConsentStanding::Active, followed.consent)
                }
                _ => followed,
            })),
        ),
        (
            "takes a withdrawal for a pause",
            flaw!(follows: |followed| followed.map(|followed| match followed.standing {
                ConsentStanding::Revoked => {
                    FollowedConsent::new(ConsentStanding::Paused, followed.consent)
                }
                _ => followed,
            })),
        ),
        (
            "reads another provider's consent",
            flaw!(session: |session| session.set_provider(None)),
        ),
        (
            "sends a range that ends before it begins",
            flaw!(range: |_| None),
        ),
        (
            "believes a reply to another request",
            flaw!(ready: |ready| match ready {
                Err(error) if error.kind() == ErrorKind::Verification => Ok(DataReadiness::Ready),
                ready => ready,
            }),
        ),
        (
            "finds no accounts where there are none yet",
            flaw!(reads: |read| match read {
                Err(error) if error.outcome() == Outcome::Refused => Ok(Vec::new()),
                read => read,
            }),
        ),
        ("prints a mobile number", flaw!(printed: "of 9000000001")),
    ];
    for (flaw, implement) in flaws {
        assert!(!passes(implement), "{flaw}");
    }
}

/// A client that sends once, and gets a reply with this `data`.
fn replying(data: &Value) -> (FiuClient, ScriptedTransport) {
    let body = json!({"ver": "1.21.0", "status": "success", "data": data});
    let transport = ScriptedTransport::new([Step::respond(200, body.to_string())]);
    (crate::client(transport.clone()), transport)
}

async fn follow(rows: &[Value]) -> Result<FollowedConsent, Error> {
    let (client, _) = replying(&json!(rows));
    let followed = client.follow_consent(reference(HANDLE), CallOptions::new());
    followed.await
}

fn row(status: &str) -> Value {
    json!({"consentHandle": HANDLE, "consentID": "c-1", "status": status})
}

/// A row that names neither its consent nor its request.
fn nameless(status: &str) -> Value {
    json!({"status": status})
}

#[tokio::test(start_paused = true)]
async fn each_documented_word_is_a_standing_and_no_other_one_is_a_grant() {
    for (word, standing) in [
        ("PENDING", ConsentStanding::Pending),
        ("ACTIVE", ConsentStanding::Active),
        ("RESUMED", ConsentStanding::Active),
        ("PAUSED", ConsentStanding::Paused),
        ("REJECTED", ConsentStanding::Rejected),
        ("REVOKED", ConsentStanding::Revoked),
        ("EXPIRED", ConsentStanding::Expired),
    ] {
        // A row for each account of a consent is usual.
        let followed = follow(&[row(word), row(word)]).await.unwrap();
        assert_eq!(followed.standing, standing, "{word}");
        let consent = followed.consent.unwrap();
        assert_eq!(consent.provider.as_deref(), Some("finpro"));
        assert_eq!(consent.reference.as_str(), "c-1");
    }
    for word in ["", "active", "ACTIVE ", "APPROVED", "made_up"] {
        let followed = follow(&[row(word)]).await.unwrap();
        assert_eq!(followed.standing, ConsentStanding::Unclear(word.into()));
        assert!(!followed.standing.is_active() && !followed.standing.is_final());
        assert_eq!(followed.consent, None, "{word}: nothing to request data by");
        assert!(word.is_empty() || !format!("{followed:?}").contains(word));
    }
}

/// In whichever order: rows of one reply are no history.
#[tokio::test(start_paused = true)]
async fn rows_that_contradict_each_other_are_no_grant() {
    let mut other_id = row("ACTIVE");
    other_id["consentID"] = json!("c-2");
    for (one, another) in [
        (nameless("ACTIVE"), nameless("REVOKED")),
        (row("ACTIVE"), nameless("PENDING")),
        (row("ACTIVE"), other_id),
    ] {
        for rows in [[one.clone(), another.clone()], [another, one]] {
            let followed = follow(&rows).await.unwrap();
            let unclear = matches!(followed.standing, ConsentStanding::Unclear(_));
            assert!(unclear && followed.consent.is_none(), "{rows:?}");
        }
    }
    // Of rows that name one consent, the list itself is refused.
    for rows in [["ACTIVE", "REVOKED"], ["REVOKED", "ACTIVE"]] {
        let error = follow(&rows.map(row)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome(), error.is_unsettled()),
            (ErrorKind::Api, Outcome::Unknown, false)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_unreadable_or_of_another_consent_is_an_error() {
    let decode = |error: Error, place: &str| {
        let found = (error.kind(), error.provider());
        assert_eq!(found, (ErrorKind::Decode, "finpro"), "{place}");
        let decode = error.decode().unwrap().to_string();
        assert!(decode.contains(place), "{decode}");
    };
    decode(follow(&[]).await.unwrap_err(), "$.data[]");
    decode(
        follow(&[row("ACTIVE"), json!({"status": 7})])
            .await
            .unwrap_err(),
        "$.data[]",
    );
    let mut other = row("ACTIVE");
    other["consentHandle"] = json!("7d1f6a3e-0c52-4b8e-9a41-5b2c9e7d1f60");
    let error = follow(&[row("ACTIVE"), other]).await.unwrap_err();
    assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));

    let account = json!({"linkReferenceNumber": "l-1", "fiType": "DEPOSIT"});
    let (client, _) = replying(&json!([account, 7]));
    let read = client.read_accounts(reference("c-1"), CallOptions::new());
    decode(read.await.unwrap_err(), "$.data[]");
    let (client, _) = replying(&json!({"consentId": "c-1"}));
    let begun = client.request_data(reference("c-1"), None, CallOptions::new());
    let error = begun.await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Done, "a session has begun");
    assert!(error.is_unsettled());

    for (wrong, field) in [
        ("not-a-uuid", "consentHandle[0]"),
        ("a b", "consentHandle[0]"),
    ] {
        let (client, transport) = replying(&json!([]));
        let followed = client.follow_consent(reference(wrong), CallOptions::new());
        let error = followed.await.unwrap_err();
        assert_eq!(error.invalid_request().unwrap().field(), field);
        assert!(transport.sent().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_is_sent_as_it_is_and_not_when_it_ends_before_it_begins() {
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let (from, to) = (time("2029-01-01T00:00:00Z"), time("2030-01-01T00:00:00Z"));
    let begun = json!({"consentId": "c-1", "sessionId": "s-1"});
    let (client, transport) = replying(&begun);
    let range = Some(DataRange { from, to });
    let requested = client.request_data(reference("c-1"), range, CallOptions::new());
    let requested = requested.await.unwrap();
    assert_eq!(requested, reference("s-1").set_provider(Some("finpro")));
    let sent = transport.only().json();
    assert_eq!(
        (&sent["fiDataRangeFrom"], &sent["fiDataRangeTo"]),
        (
            &json!("2029-01-01T00:00:00.000Z"),
            &json!("2030-01-01T00:00:00.000Z")
        )
    );
    let (client, transport) = replying(&begun);
    let range = Some(DataRange { from: to, to: from });
    let refused = client.request_data(reference("c-1"), range, CallOptions::new());
    let error = refused.await.unwrap_err();
    assert_eq!(error.invalid_request().unwrap().field(), "fiDataRangeTo");
    assert!(transport.sent().is_empty());
}

/// Data is there where both the session and the accounts say so.
#[tokio::test(start_paused = true)]
async fn a_session_is_as_ready_as_its_accounts_are() {
    use DataReadiness::{Denied, Expired, Failed, Partial, Pending, Ready, Unclear};

    let unclear = |word: &str| Unclear(word.into());
    for (word, accounts, expected) in [
        ("PENDING", &["DELIVERED"][..], Pending),
        ("DATA_READY", &["DELIVERED", "READY"], Ready),
        ("DATA_READY", &[], Ready),
        ("DATA_READY", &["DELIVERED", "TIMEOUT"], Partial),
        ("DATA_READY", &["DELIVERED", "PENDING"], Partial),
        ("DATA_READY", &["DELIVERED", "MADE_UP"], Partial),
        ("DATA_READY", &["DENIED", "TIMEOUT"], unclear("DATA_READY")),
        ("TIMEOUT", &["TIMEOUT"], Failed),
        ("TIMEOUT", &["DELIVERED", "TIMEOUT"], Partial),
        ("SESSION_EXPIRED", &["DELIVERED", "TIMEOUT"], Partial),
        ("SESSION_EXPIRED", &[], Expired),
        ("SESSION_FAILED", &[], Failed),
        ("DATA_DENIED", &["DELIVERED"], Denied),
        ("data_ready", &["DELIVERED"], unclear("data_ready")),
        ("", &["DELIVERED"], unclear("")),
    ] {
        let account = |status: &&str| json!({"linkRefNumber": "l", "fiStatus": status});
        let links: Vec<_> = accounts.iter().map(account).collect();
        let data = json!({"sessionId": "s-1", "eventStatus": word, "linkRefNumbers": links});
        let (client, _) = replying(&data);
        let readiness = client.data_readiness(reference("s-1"), CallOptions::new());
        assert_eq!(readiness.await.unwrap(), expected, "{word} {accounts:?}");
    }
    let data = json!({
        "sessionId": "s-1", "eventStatus": "DATA_READY", "linkRefNumbers": [{"linkRefNumber": "l"}, 7],
    });
    let (client, _) = replying(&data);
    let readiness = client.data_readiness(reference("s-1"), CallOptions::new());
    assert_eq!(readiness.await.unwrap(), Partial, "an unread account");
}

/// Some institutions answer, some do not, and some are late.
#[tokio::test(start_paused = true)]
async fn a_consent_is_followed_to_the_accounts_that_are_there() {
    for (outcome, readiness, accounts) in [
        (DataOutcome::Ready, DataReadiness::Ready, 2),
        (DataOutcome::Partial, DataReadiness::Partial, 1),
        (DataOutcome::Timeout, DataReadiness::Failed, 0),
    ] {
        let finpro = undecided().with_pending_polls(1).with_data_outcome(outcome);
        let sandbox = Sandbox::new(Settings::default().with_finpro(finpro));
        let session = opened(&sandbox, PEOPLE[0]).await;
        assert!(decided(
            &sandbox,
            &session.reference,
            &ConsentStanding::Active
        ));
        let client = client(Arc::new(sandbox.transport()));
        let followed = client.follow_consent(session, CallOptions::new());
        let consent = followed.await.unwrap().consent.unwrap();
        let data = client.request_data(consent.clone(), None, CallOptions::new());
        let data = data.await.unwrap();
        for expected in [DataReadiness::Pending, readiness] {
            let told = client.data_readiness(data.clone(), CallOptions::new());
            assert_eq!(told.await.unwrap(), expected);
        }
        let read = client.read_accounts(consent, CallOptions::new());
        let read = read.await.unwrap();
        assert_eq!(read.len(), accounts, "{outcome:?}");
        for account in read {
            assert!(account.reference.is_some() && account.masked_number.is_some());
            assert!(account.kind.is_some() && account.institution.is_some());
        }
    }
}
