//! The invented people, from outside.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::{Refusal, object, reply, text, with};
use crate::sandbox::Sandbox;
use crate::state::people::{self, PEOPLE, Person};
use crate::state::{Invented, MobileScript, NotInvented};

/// The longest name of a person who is invented.
const NAME: usize = 60;

/// The documented people, then those who were invented here.
pub(super) async fn list(State(sandbox): State<Sandbox>) -> Response {
    let own = sandbox.simulation().invented.all();
    let own = own.iter().map(invented);
    let people: Vec<Value> = PEOPLE.iter().map(documented).chain(own).collect();
    reply(Ok(json!({"people": people})))
}

/// `{"like": ["approve", "webhook-twice"], "archetype": "05", "name": "the one who pays late"}`.
pub(super) async fn invent(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(new(&sandbox, body).await)
}

async fn new(sandbox: &Sandbox, body: Body) -> Result<Value, Refusal> {
    let body = object(body, &["like", "archetype", "name"]).await?;
    let likes = match body.get("like") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(likes)) => likes
            .iter()
            .map(|like| {
                like.as_str()
                    .ok_or_else(|| Refusal::invalid("like", "must be texts"))
            })
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(Refusal::invalid("like", "must be a list")),
    };
    let name = text(&body, "name")?;
    let is_name = |name: &str| {
        let length = name.chars().count();
        (1..=NAME).contains(&length)
            && name == name.trim()
            && name.chars().all(|c| c.is_alphanumeric() || " .,'-".contains(c))
            // Nothing that could be somebody's number.
            && name.chars().filter(char::is_ascii_digit).count() <= 4
    };
    if name.is_some_and(|name| !is_name(name)) {
        return Err(Refusal::invalid(
            "name",
            "must be 1 to 60 letters, digits, blanks, dots, commas, apostrophes and hyphens, with at most four digits",
        ));
    }
    let script = MobileScript::like(&likes, text(&body, "archetype")?);
    let script = script.map_err(|refused| match refused {
        NotInvented::Like { place, choices } => Refusal::invalid(
            "like",
            format!("name {place} must be one of these: {choices}"),
        ),
        NotInvented::Twice(one, other) => Refusal::invalid(
            "like",
            format!(
                "{one} and {other} say something about the same; take at most one of a journey, one of webhooks (webhook-) and one of data (data-)"
            ),
        ),
        NotInvented::Archetype(choices) => {
            Refusal::invalid("archetype", format!("must be one of: {choices}"))
        }
    })?;
    let simulation = sandbox.simulation();
    let is_used = |mobile: &str| simulation.journeys.find(mobile).is_some();
    let person = simulation
        .invented
        .invent(script, name.map(str::to_owned), is_used);
    let person = person.ok_or_else(|| {
        let rule =
            "has no free number left that says this; take another archetype, or another sandbox";
        Refusal::invalid("like", rule)
    })?;
    Ok(invented(&person))
}

fn invented(person: &Invented) -> Value {
    let does = person.script.words();
    let description = match &person.name {
        Some(name) => format!("{name}: {}", does.join(", ")),
        None => does.join(", "),
    };
    with(
        documented(&people::find(&person.mobile)),
        [
            ("mobile", person.mobile.as_str().into()),
            ("name", person.name.clone().into()),
            ("description", description.into()),
            ("does", does.into()),
            ("script", digits(person.script)),
        ],
    )
}

fn digits(script: MobileScript) -> Value {
    json!({
        "journey": script.journey,
        "webhook": script.webhook,
        "data": script.data,
        "archetype": script.archetype,
    })
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
    let script = MobileScript::of(&mobile);
    let does = script.map(MobileScript::words);
    let script = script.map(digits);
    let person = documented(&people::find(&mobile));
    reply(Ok(with(
        person,
        [
            ("mobile", mobile.into()),
            ("does", does.into()),
            ("script", script.into()),
        ],
    )))
}
