//! Webhooks, from outside.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Refusal, object, provider, reply, with};
use crate::sandbox::Sandbox;
use crate::state::{Delivery, Webhook, iso};

pub(super) async fn list(State(sandbox): State<Sandbox>) -> Response {
    let webhooks: Vec<Value> = sandbox.webhooks().iter().map(summary).collect();
    reply(Ok(json!({"webhooks": webhooks})))
}

pub(super) async fn show(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    reply(find(&sandbox, &id).map(|webhook| {
        let words = format!("showed the body of {} as it is", webhook.id);
        sandbox.simulation().console(webhook.journey, words);
        let headers = sandbox.providers().sent_headers(&webhook).into_iter();
        let headers: Value = headers
            .map(|(name, value)| (name.into_owned(), Value::from(value)))
            .collect();
        let body = String::from_utf8_lossy(&webhook.body);
        with(
            summary(&webhook),
            [
                ("headers", headers),
                ("body", body.into()),
                ("body_base64", STANDARD.encode(&webhook.body).into()),
            ],
        )
    }))
}

pub(super) async fn resend(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let webhook = match find(&sandbox, &id) {
        Ok(webhook) => webhook,
        Err(refusal) => return reply(Err(refusal)),
    };
    sandbox.resend(webhook.id).await;
    reply(find(&sandbox, &id).map(|webhook| summary(&webhook)))
}

fn find(sandbox: &Sandbox, id: &str) -> Result<Webhook, Refusal> {
    let id = id.parse();
    let id = id.map_err(|_| Refusal::invalid("id", "must be a webhook's id such as w_002a"))?;
    sandbox
        .webhook(id)
        .ok_or_else(|| Refusal::not_found("id", "no such webhook is kept"))
}

/// A webhook without its body.
pub(crate) fn summary(webhook: &Webhook) -> Value {
    let attempts = webhook.attempts.iter().map(|(at_ms, delivery)| {
        json!({
            "at": iso(*at_ms),
            "outcome": outcome(*delivery),
            "status": status(*delivery),
            "reason": delivery.why_not_sent(),
        })
    });
    json!({
        "id": webhook.id.to_string(),
        "provider": webhook.provider.as_str(),
        "event": webhook.event,
        "journey": webhook.journey.map(|journey| journey.to_string()),
        "made": iso(webhook.made_ms),
        "attempts": attempts.collect::<Vec<_>>(),
    })
}

/// An outcome in one word.
pub(crate) fn outcome(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Answered(_) if delivery.is_accepted() => "accepted",
        Delivery::Answered(_) => "refused",
        Delivery::Failed => "not reached",
        Delivery::NotSent
        | Delivery::OtherMachine
        | Delivery::UnusableUrl
        | Delivery::NoTransport => "not sent",
    }
}

fn status(delivery: Delivery) -> Option<u16> {
    match delivery {
        Delivery::Answered(status) => Some(status),
        _ => None,
    }
}

pub(super) async fn urls(State(sandbox): State<Sandbox>) -> Response {
    reply(Ok(known_urls(&sandbox)))
}

fn known_urls(sandbox: &Sandbox) -> Value {
    let urls = sandbox.webhook_urls().into_iter();
    urls.map(|(provider, url)| (provider.as_str().to_owned(), Value::from(url)))
        .collect()
}

/// `{"veriff": "http://127.0.0.1:3000/hooks", "finpro": null}`: null sends a provider's webhooks nowhere.
pub(super) async fn set_urls(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(changed_urls(&sandbox, body).await)
}

/// Why no webhooks are sent to a URL, as a rule.
fn url_rule(refused: Delivery) -> &'static str {
    match refused {
        Delivery::OtherMachine => {
            "must lead to this machine, such as http://127.0.0.1:3000/hooks; start the sandbox with --allow-other-machines for others"
        }
        _ => "must be an absolute http or https URL",
    }
}

async fn changed_urls(sandbox: &Sandbox, body: Body) -> Result<Value, Refusal> {
    let body = object(body, &["finpass", "finpro", "veriff", "deepvue"]).await?;
    let mut changes = Vec::with_capacity(body.len());
    for (name, url) in &body {
        let url = match url {
            Value::Null => None,
            Value::String(url) => match sandbox.check_webhook_url(url) {
                Ok(()) => Some(url.clone()),
                Err(refused) => return Err(Refusal::invalid("url", url_rule(refused))),
            },
            _ => return Err(Refusal::invalid("url", "must be a text or null")),
        };
        changes.push((provider(name)?, url));
    }
    for (provider, url) in changes {
        sandbox.set_webhook_url(provider, url);
    }
    Ok(known_urls(sandbox))
}
