//! The columns of the matrix: every operation of every provider, as it is called and as it is answered.
//!
//! A new operation is a type that implements [`Column`] and a line in [`all`]; the proof fails while
//! `fixtures/<provider>/<operation>` exists without one.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use consent_hmac::{RecordConsent, SharedSecret, Signer, Veriff};
use deepvue_digilocker::{Consent, Deepvue, DocType, InitiateSession};
use finpass::{Finpass, Initialize};
use finpro_profile::{AaId, CheckProfile, Finpro, UserConsentId};
use provider_core::jiff::Timestamp;
use provider_core::{
    BaseUrl, CallObserver, Client, Clock, Email, Endpoint, Error, Mobile, Operation, Pan, Provider,
    Transport,
};
use serde::Serialize;
use serde_json::json;

use crate::canaries::planted::*;
use crate::failure::{Failure, Result};

/// When the secret that is being replaced stops to count.
pub(crate) const ROTATION_ENDS: &str = "2030-01-01T00:00:00Z";

/// The most that a request is made to carry: more than the sockets between can hold.
const LARGE: usize = 6 << 20;

/// How long a request's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// As in real life.
    Usual,
    /// Longer than what fits between two sockets.
    Large,
}

/// One operation: how it is called, and what answers it.
pub(crate) trait Column: Sync + 'static {
    /// The operation.
    type Endpoint: Endpoint<Output: Debug + Serialize> + Debug + 'static;

    /// The provider with planted credentials.
    fn provider(base_url: BaseUrl) -> <Self::Endpoint as Endpoint>::Provider;

    /// A request full of planted values.
    fn request(size: Size) -> Self::Endpoint;

    /// A correct answer to it.
    fn answer() -> Answer;

    /// The headers that vouch for a body; `None` if the provider signs nothing.
    fn vouch(_secret: &str, _body: &[u8]) -> Option<Vec<(&'static str, String)>> {
        None
    }
}

/// A correct answer, and the parts of it that can go wrong.
pub(crate) struct Answer {
    /// Status code and reason.
    pub(crate) status: &'static str,
    /// The body.
    pub(crate) body: String,
    /// Members that must be there, as they stand in the body.
    pub(crate) required: Vec<String>,
    /// A member that may be null.
    pub(crate) optional: Option<String>,
    /// A member that is an integer of at most 64 bits.
    pub(crate) integer: Option<&'static str>,
    /// A member of which unlisted values are taken.
    pub(crate) open: Option<&'static str>,
    /// A correct answer to another person's request, if an answer says whose it is.
    pub(crate) another: Option<String>,
    /// A documented refusal that repeats the input.
    pub(crate) refusal: String,
}

struct FinpassInitialize;

impl Column for FinpassInitialize {
    type Endpoint = Initialize;

    fn provider(base_url: BaseUrl) -> Finpass {
        Finpass::new(
            finpass::ApiKey::new(FINPASS_KEY).unwrap(),
            finpass::ApiSecret::new(FINPASS_SECRET).unwrap(),
        )
        .with_base_url(base_url)
    }

    fn request(size: Size) -> Initialize {
        let mobile = Mobile::parse(MOBILE).unwrap();
        Initialize::new(mobile, finpass::ConsentType::LoanUnderwriting)
            .set_pan_number(Pan::parse(PAN).unwrap())
            .set_email(Email::parse(EMAIL).unwrap())
            .set_webhook_url(padded(WEBHOOK_URL, size))
            .set_return_url(RETURN_URL)
    }

    fn answer() -> Answer {
        let client_id = member("client_id", AA_SESSION);
        let url = member("redirect_url", CONSENT_URL);
        let mobile = member("mobile_number", MOBILE);
        let pan = member("pan_number", PAN);
        let email = member("email_id", EMAIL);
        let message = member("message", SUCCESS_MESSAGE);
        let data = format!("{client_id},{mobile},{pan},{email},{url}");
        let ends =
            format!(r#""status_code":200,"success":true,{message},"message_code":"success""#);
        let body = format!(r#"{{"data":{{{data}}},{ends}}}"#);
        Answer {
            status: "200 OK",
            another: Some(body.replace(MOBILE, OTHER_MOBILE)),
            required: vec![client_id, url, r#""success":true"#.to_owned()],
            optional: Some(email),
            integer: Some(r#""status_code":200"#),
            open: None,
            refusal: json!({
                "status_code": 400,
                "success": false,
                "message": REFUSAL_MESSAGE,
                "message_code": REFUSAL_CODE,
                "data": {"mobile_number": MOBILE, "name": ECHOED_NAME},
            })
            .to_string(),
            body,
        }
    }
}

struct FinproCheckProfile;

impl Column for FinproCheckProfile {
    type Endpoint = CheckProfile;

    fn provider(base_url: BaseUrl) -> Finpro {
        let credentials = finpro_profile::Credentials {
            client_id: finpro_profile::ClientId::new(FINPRO_CLIENT).unwrap(),
            client_secret: finpro_profile::ClientSecret::new(FINPRO_SECRET).unwrap(),
            organisation_id: finpro_profile::OrganisationId::new(FINPRO_ORGANISATION).unwrap(),
            app_identifier: finpro_profile::AppIdentifier::new(FINPRO_APP).unwrap(),
        };
        Finpro::new(base_url, credentials)
    }

    fn request(size: Size) -> CheckProfile {
        let aggregators = match size {
            Size::Usual => 2,
            Size::Large => LARGE / 53,
        };
        let aggregator = AaId::parse(&"onemoney1".repeat(5)).unwrap();
        CheckProfile::new(
            Mobile::parse(MOBILE).unwrap(),
            UserConsentId::parse(CONSENT_ID).unwrap(),
        )
        .set_aa_ids(std::iter::repeat_n(aggregator, aggregators))
    }

    fn answer() -> Answer {
        let aa_id = r#""aaId":"onemoney""#.to_owned();
        let error = member("errorMessage", ROW_ERROR);
        let first = format!(
            r#"{{{aa_id},"registrationStatus":true,"hasLinkedAccounts":true,"status":"success"}}"#
        );
        let second = format!(
            r#"{{"aaId":"finvu","registrationStatus":null,"hasLinkedAccounts":null,"status":"failed",{error}}}"#
        );
        let rows = format!(r#""data":[{first},{second}]"#);
        let body = format!(
            r#"{{"ver":"1.0.0","timestamp":"2030-01-01T00:00:00.000Z","txnid":"{TRANSACTION_ID}",{rows}}}"#
        );
        Answer {
            status: "200 OK",
            body,
            required: vec![aa_id, rows],
            optional: Some(r#""ver":"1.0.0""#.to_owned()),
            integer: None,
            open: Some(r#""status":"success""#),
            another: None,
            refusal: json!({
                "ver": "1.0.0",
                "status": "error",
                "error": {
                    "code": REFUSAL_CODE,
                    "message": REFUSAL_MESSAGE,
                    "details": format!("{REFUSAL_DETAIL} {MOBILE} {VUA}"),
                },
            })
            .to_string(),
        }
    }
}

struct VeriffRecordConsent;

impl Column for VeriffRecordConsent {
    type Endpoint = RecordConsent;

    fn provider(base_url: BaseUrl) -> Veriff {
        let secret = |text: &'static str| SharedSecret::new(text).unwrap();
        let ends: Timestamp = ROTATION_ENDS.parse().unwrap();
        let key = consent_hmac::ApiKey::new(VERIFF_KEY).unwrap();
        Veriff::new(base_url, key, &secret(VERIFF_SECRET))
            .or_verify_until(&secret(VERIFF_PREVIOUS), ends)
    }

    fn request(size: Size) -> RecordConsent {
        let session = consent_hmac::SessionId::parse(SESSION_ID).unwrap();
        let text = padded(CONSENT_TEXT, size);
        RecordConsent::new(session, consent_hmac::ConsentType::Aadhaar, true, text)
    }

    fn answer() -> Answer {
        let id = member("id", CONSENT_RECORD);
        let session = member("sessionId", SESSION_ID);
        let context = r#""context":"consent""#;
        let body = format!("{{{id},{context},{session}}}");
        Answer {
            status: "200 OK",
            another: Some(body.replace(SESSION_ID, OTHER_SESSION_ID)),
            required: vec![id, session],
            optional: Some(context.to_owned()),
            integer: None,
            open: Some(context),
            refusal: json!({"status": "fail", "code": REFUSAL_CODE, "message": REFUSAL_MESSAGE})
                .to_string(),
            body,
        }
    }

    fn vouch(secret: &str, body: &[u8]) -> Option<Vec<(&'static str, String)>> {
        let signer = Signer::new(&SharedSecret::new(secret.to_owned()).unwrap());
        let signature = signer.sign(body).to_string();
        Some(vec![
            ("x-auth-client", VERIFF_KEY.to_owned()),
            ("x-hmac-signature", signature.clone()),
            ("vrf-auth-client", VERIFF_KEY.to_owned()),
            ("vrf-hmac-signature", signature),
        ])
    }
}

struct DeepvueInitiateSession;

impl Column for DeepvueInitiateSession {
    type Endpoint = InitiateSession;

    fn provider(base_url: BaseUrl) -> Deepvue {
        Deepvue::new(
            deepvue_digilocker::ClientId::new(DEEPVUE_CLIENT).unwrap(),
            deepvue_digilocker::ClientSecret::new(DEEPVUE_SECRET).unwrap(),
        )
        .with_base_url(base_url)
    }

    fn request(size: Size) -> InitiateSession {
        let consent = Consent::given_by_person();
        InitiateSession::new(consent, "KYC", padded(REDIRECT_URL, size))
            .set_doc_types([DocType::Aadhaar])
    }

    fn answer() -> Answer {
        let id = member("transaction_id", TRANSACTION_ID);
        let url = member("authorization_url", AUTHORIZATION_URL);
        let message = member("message", SUCCESS_MESSAGE);
        let body = format!(
            r#"{{"code":201,"timestamp":1738305237960,{id},"sub_code":"SUCCESS",{message},"data":{{{url}}}}}"#
        );
        Answer {
            status: "201 Created",
            required: vec![id, url],
            optional: Some(message),
            integer: Some(r#""timestamp":1738305237960"#),
            open: Some(r#""sub_code":"SUCCESS""#),
            another: None,
            refusal: json!({"detail": [{
                "loc": ["body", REFUSAL_DETAIL],
                "msg": REFUSAL_MESSAGE,
                "type": REFUSAL_CODE,
                "input": REDIRECT_URL,
            }]})
            .to_string(),
            body,
        }
    }
}

/// Every operation.
pub(crate) fn all() -> Vec<Subject> {
    vec![
        Subject::of::<FinpassInitialize>(),
        Subject::of::<FinproCheckProfile>(),
        Subject::of::<VeriffRecordConsent>(),
        Subject::of::<DeepvueInitiateSession>(),
    ]
}

/// `"name":"value"`, as it stands in a body.
fn member(name: &str, value: &str) -> String {
    format!("{}:{}", json!(name), json!(value))
}

fn padded(text: &str, size: Size) -> String {
    let padding = match size {
        Size::Usual => 0,
        Size::Large => LARGE,
    };
    format!("{text}{}", "p".repeat(padding))
}

/// The headers by which a peer that knows a secret vouches for a body.
type Vouch = fn(&str, &[u8]) -> Option<Vec<(&'static str, String)>>;

/// A column without its type: what a row of the table is asked about.
pub(crate) struct Subject {
    pub(crate) provider: &'static str,
    pub(crate) operation: Operation,
    pub(crate) answer: Answer,
    vouch: Vouch,
    client: fn(Way) -> Result<Arc<dyn Calls>>,
}

/// How a client of a column is made.
pub(crate) struct Way {
    pub(crate) base_url: String,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn CallObserver>,
}

impl Subject {
    fn of<C: Column>() -> Self {
        Self {
            provider: <C::Endpoint as Endpoint>::Provider::NAME,
            operation: C::Endpoint::OPERATION,
            answer: C::answer(),
            vouch: C::vouch,
            client: client::<C>,
        }
    }

    /// A client with the standard policy of repeats.
    pub(crate) fn client(&self, way: Way) -> Result<Arc<dyn Calls>> {
        (self.client)(way)
    }

    /// Whether the provider signs its answers.
    pub(crate) fn signs(&self) -> bool {
        (self.vouch)(VERIFF_SECRET, b"").is_some()
    }

    /// The headers that vouch for this body; none if the provider signs nothing.
    pub(crate) fn vouched(&self, body: &[u8]) -> Vec<(&'static str, String)> {
        self.vouched_with(VERIFF_SECRET, body)
    }

    /// The same with another secret.
    pub(crate) fn vouched_with(&self, secret: &str, body: &[u8]) -> Vec<(&'static str, String)> {
        (self.vouch)(secret, body).unwrap_or_default()
    }
}

fn client<C: Column>(way: Way) -> Result<Arc<dyn Calls>> {
    let base_url = BaseUrl::parse("base URL", &way.base_url)?;
    let client = Client::builder(C::provider(base_url))
        .transport(way.transport)
        .clock(way.clock)
        .observer(way.observer)
        .build()?;
    Ok(Arc::new(Kept::<C>(client)))
}

/// What a call came to, with all that can be printed of it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) request_id: String,
    pub(crate) attempts: u32,
    /// The value as JSON.
    pub(crate) value: String,
    /// `Debug` of the response, in both forms.
    pub(crate) printed: String,
}

type Calling<'c> = Pin<Box<dyn Future<Output = Result<Answered, Error>> + Send + 'c>>;

/// A client of one operation.
pub(crate) trait Calls: Send + Sync {
    /// Makes the call.
    fn call(&self, size: Size, deadline: Duration) -> Calling<'_>;

    /// `Debug` of the client, of the prepared call and of the request.
    fn printed(&self) -> [String; 3];
}

struct Kept<C: Column>(Client<<C::Endpoint as Endpoint>::Provider>);

impl<C: Column> Calls for Kept<C> {
    fn call(&self, size: Size, deadline: Duration) -> Calling<'_> {
        let call = self.0.call(C::request(size)).with_timeout(deadline);
        Box::pin(async move {
            let response = call.await?;
            Ok(Answered {
                request_id: response.request_id().to_string(),
                attempts: response.attempts(),
                value: serde_json::to_string(response.value()).unwrap_or_default(),
                printed: format!("{response:?}\n{response:#?}"),
            })
        })
    }

    fn printed(&self) -> [String; 3] {
        let request = C::request(Size::Usual);
        let request_text = format!("{request:?}\n{request:#?}");
        let call = self.0.call(request);
        [
            format!("{:?}\n{:#?}", self.0, self.0),
            format!("{call:?}\n{call:#?}"),
            request_text,
        ]
    }
}

/// Fails if an operation has fixtures and no column, or a column and no fixtures.
pub(crate) fn check_complete(subjects: &[Subject]) -> Result<()> {
    let columns: BTreeSet<String> = subjects
        .iter()
        .map(|subject| format!("{}/{}", subject.provider, subject.operation.name))
        .collect();
    let operations = operations()?;
    if columns == operations {
        return Ok(());
    }
    let different: Vec<_> = columns.symmetric_difference(&operations).collect();
    Err(Failure::new(format!(
        "columns and fixtures differ in {different:?}"
    )))
}

/// `<provider>/<operation>` of all that have fixtures.
fn operations() -> Result<BTreeSet<String>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut operations = BTreeSet::new();
    for provider in fs::read_dir(fixtures)? {
        let provider = provider?;
        for operation in fs::read_dir(provider.path())? {
            let operation = operation?;
            if !operation.file_type()?.is_dir() {
                continue;
            }
            let (provider, operation) = (provider.file_name(), operation.file_name());
            operations.insert(format!(
                "{}/{}",
                provider.to_string_lossy(),
                operation.to_string_lossy()
            ));
        }
    }
    Ok(operations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_with_fixtures_is_a_column() {
        check_complete(&all()).unwrap();
        assert!(check_complete(&all()[1..]).is_err());
    }

    #[test]
    fn the_parts_of_an_answer_stand_in_it() {
        for subject in all() {
            let answer = &subject.answer;
            let parts = answer.required.iter().chain(&answer.optional);
            for part in parts
                .map(String::as_str)
                .chain(answer.integer)
                .chain(answer.open)
            {
                assert_eq!(answer.body.matches(part).count(), 1, "{part}");
            }
            assert_ne!(answer.another.as_ref(), Some(&answer.body));
        }
    }
}
