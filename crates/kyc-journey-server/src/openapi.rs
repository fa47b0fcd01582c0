//! The interface as an OpenAPI 3.1 document.

use provider_core::http::StatusCode;
use provider_core::schemars::SchemaGenerator;
use provider_core::schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::problem::{PROBLEM_JSON, Problem};
use crate::routes::{API, OUTSIDE, Parameter, Reply, Route};

/// What may come of every operation: the rules of the request, the token, the host and the origin, the method, the rate, the store.
const EVERYWHERE: &[u16] = &[401, 403, 405, 421, 422, 429, 500, 503];

/// What may come of an operation without the token.
const OUTSIDE_EVERYWHERE: &[u16] = &[401, 403, 405, 421, 429, 503];

const ABOUT: &str = "Durable KYC journeys: each is begun once, goes on over restarts, and says what happened and what it waits for.

Every request of the API brings `Authorization: Bearer` and the server's token. Errors are problem documents of RFC 9457, which name the \
field and the rule and repeat no value. Members may be added to replies: ignore those that you do not know.";

/// The OpenAPI 3.1 document of what a [`JourneyServer`](crate::JourneyServer) serves, but for the operator's page. It is made of the table
/// that the router is made of.
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = SchemaGenerator::new(settings);
    let problem = generator.subschema_for::<Problem>().to_value();
    let mut paths = Map::new();
    for (routes, security, tag) in [
        (API, json!([{ "token": [] }]), "journeys"),
        (OUTSIDE, json!([]), "reports"),
    ] {
        for route in routes {
            let mut operation = operation(route, &mut generator, &problem);
            if let Value::Object(members) = &mut operation {
                members.insert("security".to_owned(), security.clone());
                members.insert("tags".to_owned(), json!([tag]));
            }
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            if let Value::Object(path) = path {
                path.insert(route.method.to_owned(), operation);
            }
        }
    }
    let mut schemas = Value::Object(generator.take_definitions(true));
    for_other_languages(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "KYC journeys",
            "version": "1",
            "description": ABOUT,
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas,
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator, problem: &Value) -> Value {
    let (summary, description) = route.about.split_once("\n\n").unwrap_or((route.about, ""));
    let mut operation = json!({
        "operationId": route.id,
        "summary": summary,
        "description": description,
        "parameters": route.parameters.iter().map(|given| parameter(given, generator)).collect::<Vec<_>>(),
    });
    let mut replies = Map::new();
    for reply in route.replies {
        replies.insert(reply.status.to_string(), reply_object(reply, generator));
    }
    let is_outside = OUTSIDE.iter().any(|other| other.id == route.id);
    let everywhere = match is_outside {
        true => OUTSIDE_EVERYWHERE,
        false => EVERYWHERE,
    };
    for status in everywhere.iter().chain(route.problems) {
        let reason = StatusCode::from_u16(*status).ok();
        let reason = reason.and_then(|status| status.canonical_reason());
        let object = json!({
            "description": reason.unwrap_or_default(),
            "content": { PROBLEM_JSON: { "schema": problem } },
        });
        replies.insert(status.to_string(), object);
    }
    if let Value::Object(members) = &mut operation {
        if description.is_empty() {
            members.remove("description");
        }
        if let Some(body) = route.body {
            let schema = body(generator).to_value();
            let body = json!({
                "required": true,
                "content": { "application/json": { "schema": schema } },
            });
            members.insert("requestBody".to_owned(), body);
        }
        members.insert("responses".to_owned(), replies.into());
    }
    operation
}

fn parameter(given: &Parameter, generator: &mut SchemaGenerator) -> Value {
    json!({
        "name": given.name,
        "in": given.place,
        "required": given.required,
        "description": given.about,
        "schema": (given.schema)(generator).to_value(),
    })
}

fn reply_object(reply: &Reply, generator: &mut SchemaGenerator) -> Value {
    let mut object = json!({ "description": reply.about });
    if let (Value::Object(members), Some((kind, schema))) = (&mut object, reply.content) {
        let schema = schema(generator).to_value();
        members.insert("content".to_owned(), json!({ kind: { "schema": schema } }));
    }
    object
}

/// Without what concerns Rust alone: the default of an `Option`, examples, sections such as *Errors*.
fn for_other_languages(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("default").is_some_and(Value::is_null) {
                members.remove("default");
            }
            if let Some(Value::String(description)) = members.get_mut("description") {
                let ends = ["\n```", "\n# "].into_iter();
                let end = ends.filter_map(|end| description.find(end)).min();
                description.truncate(end.unwrap_or(description.len()));
                *description = description.trim().replace("`None`", "null");
            }
            members.values_mut().for_each(for_other_languages);
        }
        Value::Array(values) => values.iter_mut().for_each(for_other_languages),
        _ => {}
    }
}
