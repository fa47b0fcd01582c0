//! The place of a decode error, for types that let the peer choose keys.

use std::collections::BTreeMap;

use kyc_proof::scripted::{answer, reply};
use provider_core::http::{Request, StatusCode};
use provider_core::jiff::Timestamp;
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, Body, Endpoint, Fault, Idempotency, InvalidRequest,
    Operation, Provider, RawResponse, ResponseError, Segment, VerificationError, Verified,
    post_json,
};
use serde::{Deserialize, Serialize};

use crate::canary;
use crate::replies::assert_is_no_value;

pub(crate) fn run(input: &[u8]) {
    let provider = Anyone(BaseUrl::of_static_host("anyone.example.test"));
    let body = canary::plant(input);
    match answer(provider.clone(), Ask, reply(StatusCode::OK, body)) {
        Ok(response) => {
            let value = response.into_value();
            let written = serde_json::to_vec(&value).unwrap();
            let again = answer(provider, Ask, reply(StatusCode::OK, written)).unwrap();
            assert_eq!(*again.value(), value);
        }
        Err(error) => {
            assert_is_no_value(&error);
            let keys = error.decode().unwrap().path().split(['.', '[']);
            for key in keys {
                let digits = key.bytes().filter(u8::is_ascii_digit).count();
                assert!(key.ends_with(']') || digits <= 3, "{error:?}");
            }
            canary::assert_unprinted(input, &error);
        }
    }
}

#[derive(Debug, Clone)]
struct Anyone(BaseUrl);

impl Provider for Anyone {
    const NAME: &'static str = "anyone";

    fn base_url(&self) -> &BaseUrl {
        &self.0
    }

    fn authorize(&self, _: &mut Request<Body>, _: &Attempt) -> Result<(), InvalidRequest> {
        Ok(())
    }

    fn verify(&self, _: &RawResponse, _: Timestamp) -> Result<Authenticity, VerificationError> {
        Ok(Authenticity::Unsigned)
    }

    fn allowance(&self, _response: &RawResponse, _now: Timestamp) -> Option<Allowance> {
        None
    }

    fn fault(&self, _: &RawResponse) -> Option<Fault> {
        None
    }
}

struct Ask;

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

    const OPERATION: Operation = Operation::new("ask", "POST /ask", Idempotency::Safe);

    fn request(&self, provider: &Anyone, _: &Attempt) -> Result<Request<Body>, InvalidRequest> {
        post_json(provider.base_url().join(&[Segment::Literal("/ask")])?, &())
    }

    fn response(&self, response: &Verified) -> Result<Answer, ResponseError> {
        Ok(response.json()?)
    }
}
