//! The invented people, from outside.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::{Refusal, reply, with};
use crate::sandbox::Sandbox;
use crate::state::MobileScript;
use crate::state::people::{self, PEOPLE, Person};

pub(super) async fn list(State(_): State<Sandbox>) -> Response {
    let people: Vec<Value> = PEOPLE.iter().map(documented).collect();
    reply(Ok(json!({"people": people})))
}

fn documented(person: &Person) -> Value {
    json!({
        "mobile": person.mobile,
        "description": person.description,
        "onemoney": person.onemoney.as_str(),
        "finvu": person.finvu.as_str(),
        "anumati": person.anumati.as_str(),
        "finpro": person.profile_check.as_str(),
        "finpass": person.session_start.as_str(),
    })
}

pub(super) async fn show(State(_): State<Sandbox>, Path(mobile): Path<String>) -> Response {
    if !people::is_mobile_number(&mobile) {
        return reply(Err(Refusal::invalid("mobile", "must be ten digits")));
    }
    let script = MobileScript::of(&mobile).map(|script| {
        json!({
            "journey": script.journey,
            "webhook": script.webhook,
            "data": script.data,
            "archetype": script.archetype,
        })
    });
    let person = documented(&people::find(&mobile));
    reply(Ok(with(
        person,
        [("mobile", mobile.into()), ("script", script.into())],
    )))
}
