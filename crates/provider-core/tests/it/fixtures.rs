//! Fixtures that are wrong: what fails says in which file, and where.

use std::fs;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use provider_core::Client;
use provider_core::http::HeaderMap;
use provider_core::testing::{Fixture, ScriptedTransport, fixture, tolerance};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::catalogue::ToyClient;
use crate::toy::Toy;

fn exchange() -> Value {
    json!({
        "source": {"kind": "documented", "reference": "made up"},
        "input": {"order_id": "ord-1", "mobile": "9000000001", "parts": [1]},
        "request": {"method": "POST", "path": "/v1/orders/ord-1/ask", "headers": {}, "body": [1]},
        "response": {
            "status": 200,
            "headers": {"x-toy-signature": "length=20"},
            "body": {"by_place": {"a": 1}},
        },
        "expected": {"value": {"by_place": {"a": 1}}},
    })
}

/// What the checks of a provider say of this file: of every exchange, and of how much of a reply may be odd.
async fn said_of(exchange: &Value) -> [String; 2] {
    let directory = TempDir::new().unwrap();
    let toy = directory.path().join("toy");
    fs::create_dir_all(toy.join("ask")).unwrap();
    fs::write(toy.join("ask/odd.json"), exchange.to_string()).unwrap();
    let client = |transport: ScriptedTransport| -> Client<Toy> {
        let builder = Client::builder(Toy::default()).transport(std::sync::Arc::new(transport));
        builder.build().unwrap()
    };
    let entries = &ToyClient::CATALOGUE[..1];
    let all = async {
        let no_default = |_: &str| panic!("a fixture with a request");
        fixture::check_catalogue(entries, &toy, no_default, |_, script| client(script)).await;
    };
    let all = AssertUnwindSafe(all).catch_unwind().await;
    let mutated = async {
        let signed = |body: &[u8]| {
            let signature = format!("length={}", body.len());
            HeaderMap::from_iter([(crate::toy::SIGNATURE, signature.parse().unwrap())])
        };
        let fixtures = Fixture::all(toy.join("ask"));
        tolerance::snapshot(&entries[0], &fixtures, signed, client).await;
    };
    let mutated = AssertUnwindSafe(mutated).catch_unwind().await;
    [all, mutated].map(|result| match result {
        Ok(()) => String::new(),
        Err(panic) => *panic.downcast::<String>().expect("a message"),
    })
}

fn changed(pointer: &str, value: Value) -> Value {
    let mut exchange = exchange();
    *exchange.pointer_mut(pointer).unwrap() = value;
    exchange
}

#[tokio::test(start_paused = true)]
async fn a_fixture_that_is_right_says_nothing() {
    assert_eq!(said_of(&exchange()).await, ["", ""]);
}

#[tokio::test(start_paused = true)]
async fn an_input_that_is_missing_or_wrong_is_named_with_its_file() {
    for said in said_of(&changed("/input/order_id", json!(7))).await {
        assert!(
            said.starts_with("toy/ask/odd.json: `input`: no request of ask: order_id: "),
            "{said}"
        );
    }
    let mut without = exchange();
    without.as_object_mut().unwrap().remove("input");
    for said in said_of(&without).await {
        assert!(
            said.starts_with("toy/ask/odd.json: `input`, which is absent, "),
            "{said}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_fails_unchanged_has_no_snapshot() {
    let [all, mutated] = said_of(&changed("/response/body/by_place", json!("a"))).await;
    assert!(all.starts_with("toy/ask/odd.json: "), "{all}");
    assert!(
        mutated.starts_with("toy/ask/odd.json: the reply fails as it is on file"),
        "{mutated}"
    );
    assert!(mutated.contains("unexpected shape"), "{mutated}");
}

#[tokio::test(start_paused = true)]
async fn a_header_or_a_body_that_cannot_be_sent_is_named_with_its_file() {
    let odd = changed("/response/headers", json!({"a b": "c"}));
    let [all, _] = said_of(&odd).await;
    assert!(all.starts_with("toy/ask/odd.json: header a b: "), "{all}");
    let odd = changed("/response/status", json!(7));
    let [all, mutated] = said_of(&odd).await;
    assert!(all.starts_with("toy/ask/odd.json: status: "), "{all}");
    assert!(
        mutated.starts_with("toy/ask/odd.json: status: "),
        "{mutated}"
    );
}
