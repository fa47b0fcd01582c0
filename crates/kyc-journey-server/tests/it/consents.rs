//! Consents that are written in a ledger before their journey hears of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use kyc_journey::{
    Event, EventKey, Fact, JourneyEngine as _, JourneyId, JourneyStatus, MemoryEngine, ReceiptId,
    Seq, Verdict,
};
use kyc_journey_server::{ConsentReceipts, NotWritten, WrittenReceipt};
use provider_core::Mobile;
use provider_core::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Answer, World, verification};

const NOTICE: &str = "I agree that my identity is verified.";

/// Notes what was written, and where the journey stood then; fails if it is told to.
#[derive(Debug, Default)]
struct Book {
    engine: OnceLock<Arc<MemoryEngine>>,
    people: Mutex<HashMap<JourneyId, String>>,
    written: Mutex<Vec<String>>,
    fails: Mutex<Option<(&'static str, NotWritten)>>,
    /// When the person's refusal comes in, while a receipt is written.
    refused: Mutex<Option<Moment>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    BeforeReceipt,
    AfterReceipt,
}

impl Book {
    async fn write(&self, what: &'static str, journey: &JourneyId) -> Result<usize, NotWritten> {
        if let Some((at, error)) = *self.fails.lock().unwrap()
            && at == what
        {
            return Err(error);
        }
        let engine = self.engine.get().unwrap();
        let record = engine.read(journey).await.unwrap();
        let status = record.map_or("none", |record| record.state.status().as_str());
        let mut written = self.written.lock().unwrap();
        written.push(format!("{what} {status}"));
        Ok(written.len())
    }

    async fn refuse_at(&self, moment: Moment, journey: &JourneyId) {
        if *self.refused.lock().unwrap() == Some(moment) {
            let engine = self.engine.get().unwrap();
            let at = engine.read(journey).await.unwrap().unwrap().updated_at;
            let key = EventKey::command("refused").unwrap();
            let event = Event::new(key, at, None, Fact::ConsentRefused);
            let refused = engine.submit(journey, event).await.unwrap();
            assert_eq!(refused.verdict, Verdict::Applied);
        }
    }

    fn fail(&self, at: Option<(&'static str, NotWritten)>) {
        *self.fails.lock().unwrap() = at;
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.written.lock().unwrap())
    }
}

fn receipt(number: usize) -> WrittenReceipt {
    WrittenReceipt {
        id: ReceiptId::parse(format!("written-{number}")).unwrap(),
        expires_at: None,
    }
}

#[async_trait]
impl ConsentReceipts for Book {
    fn notice_text(&self) -> &str {
        NOTICE
    }

    async fn begin(&self, journey: &JourneyId, person: &Mobile) -> Result<(), NotWritten> {
        let person = person.expose().to_owned();
        let known = self.people.lock().unwrap().get(journey).cloned();
        if known.is_some_and(|known| known != person) {
            return Err(NotWritten::OtherPerson);
        }
        self.write("begin", journey).await?;
        self.people.lock().unwrap().insert(journey.clone(), person);
        Ok(())
    }

    async fn give(&self, journey: &JourneyId) -> Result<WrittenReceipt, NotWritten> {
        self.refuse_at(Moment::BeforeReceipt, journey).await;
        let written = self.write("give", journey).await.map(receipt);
        self.refuse_at(Moment::AfterReceipt, journey).await;
        written
    }

    async fn take_back(&self, journey: &JourneyId) -> Result<(), NotWritten> {
        self.write("take back", journey).await.map(drop)
    }

    async fn renew(
        &self,
        journey: &JourneyId,
        known: &ReceiptId,
    ) -> Result<WrittenReceipt, NotWritten> {
        assert!(known.as_str().starts_with("written-"));
        self.write("renew", journey).await.map(receipt)
    }

    async fn withdraw(&self, journey: &JourneyId) -> Result<(), NotWritten> {
        self.write("withdraw", journey).await.map(drop)
    }
}

fn world() -> (World, Arc<Book>) {
    let book = Arc::new(Book::default());
    let world = World::keeping(book.clone());
    book.engine.set(world.engine.clone()).unwrap();
    (world, book)
}

fn consenting() -> Value {
    let mut body = verification();
    body["consent"] = json!({});
    body["notice_text"] = NOTICE.into();
    body
}

async fn command(world: &World, id: &str, name: &str, body: Option<Value>) -> Answer {
    let path = format!("/v1/journeys/{id}/{name}");
    world.call("POST", &path, body).await
}

#[tokio::test(start_paused = true)]
async fn a_start_without_the_notice_has_the_ledgers_or_records_none_at_the_provider() {
    let recorded = async |world: &World, body: &Value| {
        let id = JourneyId::parse(&world.started("ORDER-17", body).await).unwrap();
        let record = world.engine.read(&id).await.unwrap().unwrap();
        let kept = world.engine.payload(&id, Seq::new(1)).await.unwrap();
        let has_text = kept.unwrap().content.expose().contains("I agree");
        let plan = record.state.plan().unwrap().verification.clone();
        (has_text, plan.unwrap().records_consent)
    };
    let mut body = consenting();
    body.as_object_mut().unwrap().remove("notice_text");
    assert_eq!(recorded(&world().0, &body).await, (true, true));
    // Nothing that would fail for want of a text is planned.
    assert_eq!(
        recorded(&World::new(), &verification()).await,
        (false, false)
    );
}

#[tokio::test(start_paused = true)]
async fn each_answer_is_written_before_the_journey_hears_of_it() {
    let (world, book) = world();
    let begun = world.start("ORDER-17", &consenting()).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{begun:?}");
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(book.take(), ["begin none", "give await_consent"]);
    assert_eq!(begun.json()["receipt"], "written-2");
    // A repetition writes nothing.
    let again = world.start("ORDER-17", &consenting()).await;
    assert_eq!(again.status, StatusCode::OK, "{again:?}");
    assert_eq!(book.take(), [""; 0]);

    let renewed = command(&world, &id, "consent", Some(json!({ "answer": "renewed" }))).await;
    assert_eq!(renewed.json()["receipt"], "written-1", "{renewed:?}");
    assert_eq!(book.take(), ["renew running"]);
    for body in [
        json!({ "answer": "renewed" }),
        json!({ "answer": "renewed", "consent": {} }),
    ] {
        let again = command(&world, &id, "consent", Some(body)).await;
        assert_eq!(again.json(), renewed.json(), "{again:?}");
    }
    assert_eq!(book.take(), [""; 0]);
    // What the journey does not wait for is not written: it has the answer.
    for again in [
        json!({ "answer": "given" }),
        json!({ "answer": "given", "consent": {} }),
    ] {
        let given = command(&world, &id, "consent", Some(again)).await;
        assert_eq!(given.status, StatusCode::OK, "{given:?}");
        assert_eq!(given.json()["seq"], renewed.json()["seq"]);
    }
    let refused = command(&world, &id, "consent", Some(json!({ "answer": "refused" }))).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    assert_eq!(book.take(), [""; 0]);

    let withdrawn = command(&world, &id, "withdraw", None).await;
    assert_eq!(withdrawn.json()["status"], "withdrawn", "{withdrawn:?}");
    assert_eq!(withdrawn.json()["receipt"], Value::Null);
    assert_eq!(book.take(), ["withdraw running"]);
    let again = command(&world, &id, "withdraw", None).await;
    assert_eq!(again.json(), withdrawn.json(), "{again:?}");
    for answer in ["given", "renewed"] {
        let body = json!({ "answer": answer });
        let refused = command(&world, &id, "consent", Some(body)).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    }
    // But what was written for it and not taken would be.
    assert_eq!(book.take(), ["take back withdrawn"; 2]);

    // A consent that comes later, and one that is refused.
    let mut waits = consenting();
    waits.as_object_mut().unwrap().remove("consent");
    let id = world.started("ORDER-18", &waits).await;
    let given = json!({ "answer": "given", "consent": {} });
    let given = command(&world, &id, "consent", Some(given)).await;
    assert_eq!(given.json()["status"], "running", "{given:?}");
    assert_eq!(book.take(), ["begin none", "give await_consent"]);
    let id = world.started("ORDER-19", &waits).await;
    let refused = command(&world, &id, "consent", Some(json!({ "answer": "refused" }))).await;
    assert_eq!(refused.json()["status"], "refused", "{refused:?}");
    assert_eq!(book.take(), ["begin none"]);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_of_a_consent_that_is_refused_meanwhile_is_taken_back() {
    let mut waits = consenting();
    waits.as_object_mut().unwrap().remove("consent");
    for (moment, gave) in [
        (Moment::BeforeReceipt, "give refused"),
        (Moment::AfterReceipt, "give await_consent"),
    ] {
        let (world, book) = world();
        let id = world.started("ORDER-17", &waits).await;
        *book.refused.lock().unwrap() = Some(moment);
        let given = || command(&world, &id, "consent", Some(json!({ "answer": "given" })));
        let answer = given().await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
        assert_eq!(book.take(), ["begin none", gave, "take back refused"]);
        assert_eq!(world.status(&id).await, JourneyStatus::Refused);
        // Whoever died, or whose ledger failed, before it was taken back asks again.
        book.fail(Some(("take back", NotWritten::Unavailable)));
        let answer = given().await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        book.fail(None);
        let answer = given().await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
        assert_eq!(book.take(), ["take back refused"]);

        let begun = world.start("ORDER-18", &consenting()).await;
        assert_eq!(begun.json()["status"], "refused", "{begun:?}");
        assert_eq!(book.take(), ["begin none", gave, "take back refused"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_ledger_does_not_write_no_journey_hears_of() {
    let (world, book) = world();
    let unavailable = |answer: &Answer| {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        assert_eq!(answer.json()["type"], "/problems/ledger-unavailable");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("retry-after"), "1");
    };
    book.fail(Some(("begin", NotWritten::Unavailable)));
    unavailable(&world.start("ORDER-17", &consenting()).await);
    let listed = world.call("GET", "/v1/journeys", None).await.json();
    assert_eq!(listed["journeys"], json!([]));

    book.fail(Some(("give", NotWritten::Unavailable)));
    unavailable(&world.start("ORDER-17", &consenting()).await);
    let listed = world.call("GET", "/v1/journeys", None).await.json();
    assert_eq!(listed["journeys"][0]["status"], "await_consent");
    let id = listed["journeys"][0]["id"].as_str().unwrap();
    let given = || command(&world, id, "consent", Some(json!({ "answer": "given" })));
    unavailable(&given().await);
    for (error, status) in [
        (NotWritten::Withdrawn, StatusCode::CONFLICT),
        (NotWritten::Unknown, StatusCode::CONFLICT),
    ] {
        book.fail(Some(("give", error)));
        let refused = given().await;
        assert_eq!(refused.status, status, "{refused:?}");
        assert_eq!(refused.json()["type"], "/problems/not-now");
    }
    assert_eq!(world.status(id).await, JourneyStatus::AwaitConsent);

    // The same request goes on with it.
    book.fail(None);
    let begun = world.start("ORDER-17", &consenting()).await;
    assert_eq!(begun.json()["status"], "running", "{begun:?}");

    for (at, name, body) in [
        ("renew", "consent", Some(json!({ "answer": "renewed" }))),
        ("withdraw", "withdraw", None),
    ] {
        book.fail(Some((at, NotWritten::Unavailable)));
        unavailable(&command(&world, id, name, body).await);
        assert_eq!(world.status(id).await, JourneyStatus::Running);
    }
    book.fail(None);
    // Another person's start under the same key begins nothing.
    let mut other = consenting();
    other["applicant"]["mobile"] = "9001000001".into();
    let refused = world.start("ORDER-17", &other).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    assert_eq!(refused.json()["type"], "/problems/idempotency-key-reused");
}

#[tokio::test(start_paused = true)]
async fn what_the_ledger_says_itself_is_refused_of_callers() {
    let (world, book) = world();
    let id = world.started("ORDER-17", &consenting()).await;
    book.take();
    let with = |path: &str, value: Value| {
        let mut body = consenting();
        match path {
            "notice_text" => body[path] = value,
            member => body["consent"] = json!({ member: value }),
        }
        body
    };
    let end = "2100-01-01T00:00:00Z";
    for (body, field) in [
        (with("receipt", "CANARY".into()), "consent.receipt"),
        (with("expires_at", end.into()), "consent.expires_at"),
        (with("notice_text", "CANARY".into()), "notice_text"),
    ] {
        let refused = world.start("ORDER-18", &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(refused.json()["field"], field, "{body}");
        assert!(!refused.body.contains("CANARY"), "{refused:?}");
    }
    for (consent, field) in [
        (json!({ "receipt": "CANARY" }), "consent.receipt"),
        (json!({ "expires_at": end }), "consent.expires_at"),
    ] {
        let answer = json!({ "answer": "renewed", "consent": consent });
        let refused = command(&world, &id, "consent", Some(answer)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json()["field"], field, "{refused:?}");
    }
    assert_eq!(book.take(), [""; 0]);
    let listed = world.call("GET", "/v1/journeys", None).await.json();
    assert_eq!(listed["journeys"].as_array().unwrap().len(), 1);
}
