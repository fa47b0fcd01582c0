//! A provider that nobody is: any address, any query, and replies in which the peer chooses keys.

use std::collections::BTreeMap;

use kyc_proof::catalogue::Setup;
use kyc_proof::checks::address_is_kept;
use kyc_proof::scripted::ready;
use provider_core::http::Uri;
use provider_core::http::request::Parts as Head;
use provider_core::jiff::Timestamp;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, BuiltRequest, Client, Endpoint, Error, Fault,
    Idempotency, InvalidRequest, Operation, PathId, Provider, RawResponse, RequestBuilder,
    Response, ResponseError, VerificationError, Verified,
};
use serde::{Deserialize, Serialize};

use crate::canary;
use crate::parts::Parts;

/// The body of a reply.
pub(crate) fn json_paths(input: &[u8]) {
    let base = BaseUrl::of_static_host("anyone.example.test");
    let ask = || Ask {
        id: PathId::parse("id", "1").unwrap(),
        query: Vec::new(),
    };
    let answer = |body| call(base.clone(), ask(), body).0;
    match answer(canary::plant(input)) {
        Ok(response) => {
            let value = response.into_value();
            let again = answer(serde_json::to_vec(&value).unwrap()).unwrap();
            assert_eq!(*again.value(), value);
        }
        Err(error) => {
            for key in error.decode().unwrap().path().split(['.', '[']) {
                let digits = key.bytes().filter(u8::is_ascii_digit).count();
                assert!(key.ends_with(']') || digits <= 3, "{error:?}");
            }
            canary::assert_unprinted(input, &error);
        }
    }
}

/// An address, an id, and a query.
pub(crate) fn address(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (Some(text), Some(id)) = (parts.text(), parts.text()) else {
        return;
    };
    let query = [parts.text(), parts.text()].map(|text| text.unwrap_or_default().to_owned());
    let base = match BaseUrl::parse("BASE_URL", text) {
        Ok(base) => base,
        Err(error) => {
            // Its words are of a fixed list, and the input is not among them.
            assert_eq!(error.field(), "BASE_URL");
            assert!(error.rule().starts_with("must "));
            return;
        }
    };
    let written = base.to_string();
    assert_eq!(BaseUrl::parse("BASE_URL", &written).unwrap(), base);

    let id = PathId::parse("id", id).unwrap_or_else(|_| PathId::parse("id", "made-up").unwrap());
    let ask = Ask {
        id: id.clone(),
        query: query.to_vec(),
    };
    let Some(sent) = call(base, ask, Vec::new()).1 else {
        return;
    };
    let [name, value] = &query;
    let segments = ["v1", "sessions", id.as_str(), "decision"];
    address_is_kept(&written, &segments, &[(name, value)], &sent).unwrap();
}

/// The result of a call, and where it was sent.
fn call(base: BaseUrl, ask: Ask, body: Vec<u8>) -> (Result<Response<Answer>, Error>, Option<Uri>) {
    let transport = ScriptedTransport::new([Step::respond(200, body)]);
    let client: Client<Anyone> = Setup::scripted(transport.clone())
        .build(Anyone(base))
        .unwrap();
    let result = ready(client.call(ask));
    let sent = transport.sent().into_iter().map(|sent| sent.uri).next();
    (result, sent)
}

#[derive(Debug, Clone)]
struct Anyone(BaseUrl);

impl Provider for Anyone {
    const NAME: &'static str = "anyone";
    const SIGNS_REQUESTS: bool = false;
    const ENVELOPE: &'static [&'static str] = &["data"];

    fn base_url(&self) -> &BaseUrl {
        &self.0
    }

    fn authorize(&self, _: &mut Head, _: Option<&[u8]>, _: &Attempt) -> Result<(), InvalidRequest> {
        Ok(())
    }

    fn verify(&self, _: &RawResponse, _: Timestamp) -> Result<Authenticity, VerificationError> {
        Ok(Authenticity::Unsigned)
    }

    fn allowance(&self, _: &RawResponse, _: Timestamp) -> Option<Allowance> {
        None
    }

    fn fault(&self, _: &RawResponse) -> Option<Fault> {
        None
    }
}

struct Ask {
    id: PathId,
    /// A name and a value, or nothing.
    query: Vec<String>,
}

/// Maps at the top and below, sequences, options, an enumeration with data, and fields that are denied.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Answer(BTreeMap<String, Entry>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    counts: BTreeMap<String, u8>,
    #[serde(default)]
    list: Vec<Kind>,
    #[serde(default)]
    next: Option<Box<Entry>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Named { name: String },
    Numbers(u8, i64),
}

impl Endpoint for Ask {
    type Provider = Anyone;
    type Output = Answer;

    const OPERATION: Operation =
        Operation::new("ask", "GET /v1/sessions/{id}/decision", Idempotency::Safe);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Anyone>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        let request = request.segment("id", &self.id);
        match &*self.query {
            [name, value] => request.query(name, value).empty(),
            _ => request.empty(),
        }
    }

    fn response(&self, response: &Verified) -> Result<Answer, ResponseError> {
        Ok(response.json()?)
    }
}
