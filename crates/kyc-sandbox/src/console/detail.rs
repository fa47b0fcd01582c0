//! One call, one webhook, one journey.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use super::copies::{self, Copied};
use super::frame::{self, Page};
use super::masking::{self, Author, Masked, Shown};
use super::nearest::{Nearest, credentials, nearest};
use super::row::{self, Rows};
use super::signature::{Examined, Keys, Verdict, examine};
use super::viewer::Viewer;
use super::{Own, journeys, list, people};
use crate::control::webhooks::outcome;
use crate::exchange::Operation;
use crate::providers::veriff::signing::{id_in, signs_body};
use crate::sandbox::Sandbox;
use crate::state::{
    AggregatorConsentStatus, Call, Delivery, Happening, JourneyId, Message, Provider, Webhook,
    WebhookSigning, What, Wire, iso,
};

/// How many rows stand beside a detail.
const BESIDE: usize = 60;

/// A call with its row and, if it is kept, what was on the wire.
pub(super) struct Found {
    pub(super) happening: Happening,
    pub(super) call: Call,
    pub(super) wire: Option<Arc<Wire>>,
}

/// The call of this number.
pub(super) fn find_call(sandbox: &Sandbox, number: &str) -> Option<Found> {
    let happenings = &sandbox.simulation().happenings;
    let happening = happenings.get(number.parse().ok()?)?;
    let What::Call(call) = &happening.what else {
        return None;
    };
    Some(Found {
        call: call.clone(),
        wire: happenings.wire(happening.number),
        happening,
    })
}

/// The page for a call that is not there.
pub(super) fn no_call(viewer: &Viewer) -> Response {
    frame::problem(
        viewer,
        StatusCode::NOT_FOUND,
        "No such call",
        "It never was, or it is so old that it is no longer kept: the newest 10,000 rows are.",
    )
}

/// The webhook of this id.
pub(super) fn find_webhook(sandbox: &Sandbox, id: &str) -> Option<Webhook> {
    sandbox.webhook(id.parse().ok()?)
}

/// The page for a webhook that is not there.
pub(super) fn no_webhook(viewer: &Viewer) -> Response {
    frame::problem(
        viewer,
        StatusCode::NOT_FOUND,
        "No such webhook",
        "It never was, or it is so old that it is no longer kept: the newest 10,000 are.",
    )
}

/// The operation of a call, if there is one.
pub(super) fn operation(call: &Call) -> Option<Operation> {
    let mut known = Sandbox::operations().into_iter();
    known.find(|known| known.provider == call.provider && known.name == call.operation)
}

pub(super) async fn call(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    Path(number): Path<String>,
) -> Response {
    let Some(found) = find_call(&sandbox, &number) else {
        return no_call(&viewer);
    };
    let title = format!(
        "Call {} – {} {}",
        number, found.call.provider, found.call.operation
    );
    let detail = html! {
        h1 { (found.call.provider) " " (found.call.operation) }
        (facts(&sandbox, &found))
        @match &found.wire {
            Some(wire) => (on_the_wire(&sandbox, &viewer, &found, wire)),
            None => p { "What was on the wire is no longer kept: that of the newest 1,000 calls since the sandbox started is." },
        }
    };
    beside(
        &sandbox,
        &viewer,
        &title,
        Some(&found.happening),
        found.happening.journey,
        &detail,
    )
}

/// A detail, and beside it the rows of its journey, or the newest ones.
fn beside(
    sandbox: &Sandbox,
    viewer: &Viewer,
    title: &str,
    current: Option<&Happening>,
    journey: Option<JourneyId>,
    detail: &Markup,
) -> Response {
    let is_beside = |happening: &Happening| journey.is_none() || happening.journey == journey;
    let happenings = sandbox.simulation().happenings.newest(BESIDE, is_beside);
    let mut rows = Rows::new(sandbox);
    let back = journey.map_or_else(|| "/".to_owned(), |journey| format!("/j/{journey}"));
    let content = html! {
        div.columns.detail {
            main {
                p { a data-back href=(back) { "Back" } }
                (detail)
            }
            nav.side aria-labelledby="beside-title" {
                h2 #beside-title {
                    @match journey {
                        Some(journey) => { "Journey " (journey) }
                        None => { "Newest" }
                    }
                }
                ol.rows {
                    @for happening in &happenings {
                        (rows.row(happening).render(current.map(|current| current.number)))
                    }
                }
            }
        }
    };
    let shows_more = !sandbox.unmasked().on(&viewer.page).is_empty();
    let page = Page {
        title,
        reloads: shows_more.then_some(30),
        content,
    };
    frame::page(sandbox, viewer, &page)
}

/// What is known of a call without its bytes.
fn facts(sandbox: &Sandbox, found: &Found) -> Markup {
    let (call, happening) = (&found.call, &found.happening);
    let journeys = &sandbox.simulation().journeys;
    html! {
        dl {
            dt { "Answered" } dd { (call.status) ", after " (row::took(call.took_us)) }
            dt { "At" } dd { time { (iso(happening.at_ms)) } " on the sandbox's clock" }
            @if let Some(journey) = happening.journey {
                dt { "Journey" }
                dd {
                    a href={ "/j/" (journey) } { (journey) }
                    @if let Some(person) = people::of_journey(journeys, Some(journey)) { " of " (person) }
                }
            }
            @if let Some(repeats) = &call.repeats {
                dt { "Sent by" }
                dd {
                    "the console, again from " a href={ "/r/" (repeats.number) } { "call " (repeats.number) }
                    @if repeats.is_edited { ", edited and signed again" }
                }
            }
        }
        section {
            h2 { "Why" }
            p { (why(call)) }
            p.muted { "The points that no contract settles are named settings of the sandbox; its documentation lists them as own choices." }
        }
        section {
            h2 { "What changed" }
            p {
                @match (&*call.changed, call.had_effect) {
                    ("", true) => "It took effect: something was opened, recorded or changed.",
                    ("", false) => "Nothing.",
                    (changed, _) => (changed),
                }
            }
        }
    }
}

/// The rule that decided, in words.
fn why(call: &Call) -> String {
    if !call.reason.is_empty() {
        // Each is a sentence without its first capital and its full stop.
        let mut letters = call.reason.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        return format!("{}{}.", first.collect::<String>(), letters.as_str());
    }
    let provider = call.provider;
    match (call.operation, call.status.as_u16()) {
        ("other", 405) => format!("{provider} has this path, and not with this method."),
        ("other", _) => format!("{provider} has no operation at this path."),
        (_, 429) => "The documented rate limit was reached.".to_owned(),
        (_, 413) => "The body was longer than the sandbox takes.".to_owned(),
        (_, 408) => "The body did not arrive in time.".to_owned(),
        _ if call.is_unverified => {
            let headers = credentials(provider).iter().map(|(name, _)| *name);
            let headers = headers.collect::<Vec<_>>().join(", ");
            format!(
                "Refused before the operation looked at it, by the credentials or the signature: {headers}."
            )
        }
        (operation, 400..=599) => {
            format!("The rules of {operation} refused it; the reply says which.")
        }
        (operation, _) => {
            format!("{operation} answered as documented. No fault was on that met it.")
        }
    }
}

/// The section of a message that a masked value stands in, for the button that shows it.
struct Part<'p> {
    name: &'p str,
    shown: &'p [String],
    viewer: &'p Viewer,
}

impl Part<'_> {
    /// A text with what is masked in it.
    fn render(&self, masked: &Masked) -> Markup {
        let mut place = 0_usize;
        html! {
            @for piece in &masked.pieces {
                @match piece.shown {
                    Shown::Plain => (piece.text),
                    Shown::Invented if self.viewer.masks_all => span.masked { "••••" },
                    Shown::Invented => span.invented title="invented by the sandbox" { (piece.text) },
                    Shown::Masked(kind) => {
                        @let field = { place = place.saturating_add(1); format!("{}:{place}", self.name) };
                        @if self.shown.contains(&field) {
                            span.unmasked { (piece.text) }
                        } @else if self.viewer.is_known && !self.viewer.masks_all {
                            button.masked form="unmask" name="field" value=(field)
                                title={ (kind.words()) ", masked: show it for 30 seconds" } { (piece.seen()) }
                        } @else {
                            span.masked title=(kind.words()) { (piece.seen()) }
                        }
                    }
                }
            }
        }
    }
}

fn on_the_wire(sandbox: &Sandbox, viewer: &Viewer, found: &Found, wire: &Wire) -> Markup {
    let own = Own(sandbox);
    let shown = match viewer.is_known {
        true => sandbox.unmasked().on(&viewer.page),
        false => Vec::new(),
    };
    let (request, reply) = (wire.request(), wire.reply());
    let (number, call) = (found.happening.number, &found.call);
    let target = masking::target(wire.target(), Author::Caller, &own);
    let bodies = [request, reply].map(|message| message.header("content-type").unwrap_or_default());
    let [request_type, reply_type] = bodies;
    let request_body = masking::body(request.body, request_type, Author::Caller, &own);
    let reply_body = masking::body(reply.body, reply_type, Author::Sandbox, &own);
    let operation = operation(call);
    let looks_real = request_body.looks_real || target.looks_real;
    let differs = differs(call, wire);
    let base_url = format!("{}/{}", viewer.origin, call.provider);
    let copied = Copied {
        provider: call.provider,
        base_url: &base_url,
        method: &wire.method,
        target: &target,
        request,
        body: &request_body,
    };
    let as_kyc = operation
        .as_ref()
        .and_then(|operation| copies::kyc(&copied, operation.name, operation.path));
    html! {
        form #unmask method="post" action={ "/r/" (number) "/unmask" } {}
        @if looks_real {
            p.error role="alert" { "This may be a real person. Nothing here needs one." }
        }
        @if let Some(nearest) = differs { (render_nearest(&nearest)) }
        @if let Some(examined) = signature(sandbox, call, wire) { (render_signature(&examined)) }
        (actions(viewer, number, wire, &copied, as_kyc.as_deref()))
        section {
            h2 { "Request" }
            div.wire tabindex="0" role="group" aria-label="Request, first line and headers" {
                (wire.method) " /" (call.provider)
                (Part { name: "target", shown: &shown, viewer }.render(&target)) "\n"
                (Part { name: "request-head", shown: &shown, viewer }.render(&masking::head(request.head, Author::Caller, &own)))
            }
            (body(viewer, &shown, "request-body", "Body of the request", &request_body, request))
        }
        section {
            h2 { "Reply" }
            div.wire tabindex="0" role="group" aria-label="Reply, status and headers" {
                (call.status) "\n"
                (Part { name: "reply-head", shown: &shown, viewer }.render(&masking::head(reply.head, Author::Sandbox, &own)))
            }
            (body(viewer, &shown, "reply-body", "Body of the reply", &reply_body, reply))
        }
    }
}

/// A body as it was sent, and what of its bytes is not seen.
fn body(
    viewer: &Viewer,
    shown: &[String],
    name: &'static str,
    label: &str,
    masked: &Masked,
    message: Message<'_>,
) -> Markup {
    html! {
        @if message.length > 0 {
            div.wire tabindex="0" role="group" aria-label=(label) {
                (Part { name, shown, viewer }.render(masked))
            }
        }
        p.muted { (raw(message)) }
    }
}

/// What is not seen of bytes, in words.
fn raw(message: Message<'_>) -> String {
    if message.length == 0 {
        return "No body.".to_owned();
    }
    let mut words = format!("{} bytes", message.length);
    let mut also = |what: &str| {
        words.push_str(", ");
        words.push_str(what);
    };
    if message.body.starts_with(b"\xef\xbb\xbf") {
        also("a byte order mark first");
    }
    if std::str::from_utf8(message.body).is_err() && message.is_whole() {
        also("not UTF-8");
    }
    if message.body.windows(2).any(|pair| pair == b"\r\n") {
        also("lines end with CR LF");
    }
    if message.is_whole() {
        match message.body {
            [.., b'\n'] => also("a newline last"),
            [.., b' ' | b'\t'] => also("a space last"),
            [.., _] => also("no newline last"),
            [] => {}
        }
    } else {
        also("of which the first 64 KiB are kept");
    }
    words.push('.');
    words
}

/// The nearest operation, where a call matched none or was refused.
fn differs(call: &Call, wire: &Wire) -> Option<Nearest> {
    let is_refused = call.operation == "other" || call.status.is_client_error();
    if !is_refused {
        return None;
    }
    let operations = match operation(call) {
        Some(operation) => vec![operation],
        None => Sandbox::operations(),
    };
    let request = wire.request();
    let found = nearest(
        &operations,
        call.provider,
        &wire.method,
        wire.target(),
        request,
    )?;
    (call.operation == "other" || !found.differences.is_empty()).then_some(found)
}

fn render_nearest(nearest: &Nearest) -> Markup {
    let operation = &nearest.operation;
    html! {
        section {
            h2 { "Nearest operation" }
            p { b { (operation.name) } ": " code { (operation.method) " " (operation.path) } }
            ul {
                @for difference in &nearest.differences { li { (difference) } }
            }
        }
    }
}

/// What is known of a signature, where there should be one.
fn signature(sandbox: &Sandbox, call: &Call, wire: &Wire) -> Option<Examined> {
    let request = wire.request();
    let received = request.header("x-hmac-signature")?;
    if call.provider != Provider::Veriff || !request.is_whole() {
        return None;
    }
    let settings = sandbox.settings().veriff();
    let keys = Keys {
        secrets: settings.secrets(),
        others: &[
            ("a secret that was replaced", settings.old_secret()),
            ("the API key", settings.api_key()),
        ],
    };
    let target = wire.target();
    let path = target.split('?').next().unwrap_or_default();
    let id = id_in(path);
    let (signed, text) = match signs_body(&wire.method) {
        true => ("the bytes of the body", request.body),
        false => ("the id in the path", id.as_bytes()),
    };
    let url = format!("/veriff{target}");
    let others: [(&'static str, &[u8]); 4] = [
        ("The id in the path", id.as_bytes()),
        ("The path", path.as_bytes()),
        ("The path with the query", target.as_bytes()),
        ("The path with the sandbox's prefix", url.as_bytes()),
    ];
    Some(examine(signed, text, received, &keys, &others))
}

fn render_signature(examined: &Examined) -> Markup {
    html! {
        section {
            h2 { "Signature" }
            dl {
                dt { "Signed is" } dd { (examined.signed) ", " (examined.length) " bytes" }
                dt { "Expected" } dd { code { (short(&examined.expected)) } }
                dt { "Received" } dd { code { (short(&examined.received)) } }
                dt { "Outcome" }
                dd {
                    @match &examined.verdict {
                        Verdict::Matches => "It matches.",
                        Verdict::Differs { byte, cause } => {
                            @if let Some(byte) = byte { "They differ from byte " (byte) " on. " }
                            strong { "Probable cause: " (cause) }
                        }
                    }
                }
            }
        }
    }
}

/// A signature, shortened.
fn short(signature: &str) -> String {
    let first: String = signature.chars().take(8).collect();
    format!("{first}… ({} characters)", signature.chars().count())
}

fn actions(
    viewer: &Viewer,
    number: u64,
    wire: &Wire,
    copied: &Copied<'_>,
    as_kyc: Option<&str>,
) -> Markup {
    let is_whole = wire.request().is_whole();
    html! {
        section {
            h2 { "Again" }
            div.buttons {
                @if viewer.is_known && is_whole {
                    form method="post" action={ "/r/" (number) "/replay" } {
                        button #replay { "Replay: send the same bytes" }
                    }
                    a.button href={ "/r/" (number) "/edit" } { "Edit and replay" }
                } @else if !is_whole {
                    p.muted { "It cannot be sent again: its body is not kept whole." }
                }
            }
            @if is_whole {
                details {
                    summary { "As curl" }
                    div.wire #curl tabindex="0" role="group" aria-label="As curl" { (copies::curl(copied)) }
                    button #copy-curl hidden type="button" data-copy="curl" { "Copy" }
                }
                @if let Some(command) = as_kyc {
                    details {
                        summary { "As kyc" }
                        div.wire #kyc tabindex="0" role="group" aria-label="As kyc" { (command) }
                        button hidden type="button" data-copy="kyc" { "Copy" }
                    }
                }
                p.muted { "Secrets and what is masked are variables in a copy; set them in your shell." }
            }
        }
    }
}

/// What a body is edited as: what is masked stands there by its place.
pub(super) fn placeholders(masked: &Masked) -> (String, Vec<(String, String)>) {
    let mut text = String::new();
    let mut hidden = Vec::new();
    for piece in &masked.pieces {
        match piece.shown {
            Shown::Plain | Shown::Invented => text.push_str(&piece.text),
            Shown::Masked(kind) => {
                let place = hidden.len().saturating_add(1);
                let name = format!("«{} {place}»", kind.words());
                text.push_str(&name);
                hidden.push((name, piece.text.clone()));
            }
        }
    }
    (text, hidden)
}

pub(super) async fn edit(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    Path(number): Path<String>,
) -> Response {
    let Some(found) = find_call(&sandbox, &number) else {
        return no_call(&viewer);
    };
    let Some(wire) = found.wire.as_ref().filter(|wire| wire.request().is_whole()) else {
        return frame::problem(
            &viewer,
            StatusCode::NOT_FOUND,
            "No longer kept",
            "What was on the wire of this call is not kept, or not whole.",
        );
    };
    let own = Own(&sandbox);
    let request = wire.request();
    let content_type = request.header("content-type").unwrap_or_default();
    let masked = masking::body(request.body, content_type, Author::Caller, &own);
    let (target, _) = placeholders(&masking::target(wire.target(), Author::Caller, &own));
    let (body, _) = placeholders(&masked);
    let is_text = std::str::from_utf8(request.body).is_ok();
    let detail = html! {
        h1 { "Edit and replay call " (number) }
        p { "Headers stay as they are, but a signature is made again. What stands between « and » is filled in with what was sent." }
        form method="post" action={ "/r/" (number) "/edit" } {
            label for="target" { (wire.method) " /" (found.call.provider) }
            input #target type="text" name="target" value=(target) autocomplete="off" spellcheck="false";
            @if is_text {
                label for="body" { "Body" }
                // A newline right after the tag would be lost.
                textarea #body name="body" rows="16" spellcheck="false" autocomplete="off" { "\n" (body) }
            } @else {
                p { "The body is no text, and is sent as it was." }
            }
            @if viewer.is_known {
                button.primary { "Send" }
            } @else {
                p.muted { "To send it, open the link with the token that the sandbox printed." }
            }
        }
    };
    let title = format!("Edit call {number}");
    beside(
        &sandbox,
        &viewer,
        &title,
        Some(&found.happening),
        found.happening.journey,
        &detail,
    )
}

pub(super) async fn webhook(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Response {
    let Some(webhook) = find_webhook(&sandbox, &id) else {
        return no_webhook(&viewer);
    };
    let detail = render_webhook(&sandbox, &viewer, &webhook);
    let title = format!("Webhook {id} – {} {}", webhook.provider, webhook.event);
    beside(&sandbox, &viewer, &title, None, webhook.journey, &detail)
}

fn render_webhook(sandbox: &Sandbox, viewer: &Viewer, webhook: &Webhook) -> Markup {
    let own = Own(sandbox);
    let shown = match viewer.is_known {
        true => sandbox.unmasked().on(&viewer.page),
        false => Vec::new(),
    };
    let masked = masking::body(&webhook.body, "application/json", Author::Sandbox, &own);
    let message = Message {
        head: b"",
        body: &webhook.body,
        length: webhook.body.len(),
    };
    let headers: String = sandbox
        .providers()
        .sent_headers(webhook)
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    let head = masking::head(headers.as_bytes(), Author::Sandbox, &own);
    let urls = sandbox.webhook_urls();
    let url = webhook.url.as_ref().or_else(|| urls.get(&webhook.provider));
    let url = url.map(|url| masking::target(url, Author::Caller, &own));
    html! {
        form #unmask method="post" action={ "/w/" (webhook.id) "/unmask" } {}
        h1 { (webhook.provider) " " (webhook.event) }
        dl {
            dt { "Id" } dd { (webhook.id) }
            dt { "Made" } dd { time { (iso(webhook.made_ms)) } " on the sandbox's clock" }
            @if let Some(journey) = webhook.journey {
                dt { "Journey" } dd { a href={ "/j/" (journey) } { (journey) } }
            }
            dt { "Goes to" }
            dd {
                @match &url {
                    Some(url) => (Part { name: "url", shown: &shown, viewer }.render(url)),
                    None => "nobody: no URL is set",
                }
            }
            dt { "Signed" } dd { (signing(webhook.signing)) }
            @if webhook.repeats > 0 {
                dt { "Sent also" } dd { (webhook.repeats) " times more although it is accepted" }
            }
        }
        section {
            h2 { "Attempts" }
            @if webhook.attempts.is_empty() { p { "None yet." } }
            ol {
                @for (at_ms, delivery) in &webhook.attempts {
                    li {
                        time { (iso(*at_ms)) } ": " (outcome(*delivery))
                        @if let Delivery::Answered(status) = delivery { " (" (status) ")" }
                        @if let Some(why) = delivery.why_not_sent() { ", because " (why) }
                    }
                }
            }
            @if viewer.is_known {
                form method="post" action={ "/w/" (webhook.id) "/resend" } {
                    button { "Resend: the same bytes and signature" }
                }
            }
        }
        section {
            h2 { "What is sent" }
            div.wire tabindex="0" role="group" aria-label="Headers of the webhook" {
                (Part { name: "head", shown: &shown, viewer }.render(&head))
            }
            (body(viewer, &shown, "body", "Body of the webhook", &masked, message))
        }
    }
}

fn signing(signing: WebhookSigning) -> &'static str {
    match signing {
        WebhookSigning::Genuine => "with the current secret, where the provider signs",
        WebhookSigning::OldSecret => "with a secret that was replaced",
        WebhookSigning::Forged => {
            "with a secret that was never the provider's: receivers must refuse it"
        }
        WebhookSigning::Unsigned => "not at all",
    }
}

pub(super) async fn journey(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Response {
    let journey = id.parse::<JourneyId>().ok();
    let happenings = match journey {
        Some(journey) => sandbox
            .simulation()
            .happenings
            .newest(list::ROWS, |happening| happening.journey == Some(journey)),
        None => Vec::new(),
    };
    let (Some(journey), false) = (journey, happenings.is_empty()) else {
        return frame::problem(
            &viewer,
            StatusCode::NOT_FOUND,
            "No such journey",
            "It never was, or nothing of it is kept any more.",
        );
    };
    let person = people::of_journey(&sandbox.simulation().journeys, Some(journey));
    let newest = *sandbox.simulation().happenings.watch().borrow();
    let content = html! {
        div.columns {
            nav.side aria-labelledby="journeys-title" {
                h2 #journeys-title { "Journeys" }
                div #journeys data-current=(journey) { (journeys::render(&sandbox, Some(journey))) }
            }
            main {
                p { a data-back href="/" { "Back" } }
                h1 {
                    "Journey " (journey)
                    @if let Some(person) = person { " of " (person) }
                }
                (person_s_part(&sandbox, &viewer, journey))
                h2 { "What happened, newest first" }
                ol.rows #rows data-after=(newest) data-filter={ "journey:" (journey) } data-most=(list::ROWS) {
                    (list::rows(&sandbox, &happenings))
                }
            }
        }
    };
    let page = Page {
        title: &format!("Journey {journey}"),
        reloads: frame::changing(),
        content,
    };
    frame::page(&sandbox, &viewer, &page)
}

/// What a person is asked in a journey, and what may be decided in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Consent(String, AggregatorConsentStatus),
    Verification(String),
}

/// All that is asked.
pub(super) fn asked(sandbox: &Sandbox, journey: JourneyId) -> Vec<Asked> {
    let providers = sandbox.providers();
    let ids = sandbox.simulation().journeys.ids(journey);
    let asked = ids.into_iter().filter_map(|id| {
        if let Some(status) = providers.finpro.consent_status(&id) {
            return Some(Asked::Consent(id, status));
        }
        providers
            .veriff
            .knows(&id)
            .then_some(Asked::Verification(id))
    });
    asked.collect()
}

/// What may be decided: what it is called, what is sent, and whether it is final.
pub(super) const DECISIONS: [(&str, &str, bool); 4] = [
    ("Approve", "approve", false),
    ("Deny", "deny", true),
    ("Expire", "expire", true),
    ("Ask for a resubmission", "resubmit", true),
];

/// What a decision makes of a consent.
pub(super) fn consent_after(decision: &str) -> Option<AggregatorConsentStatus> {
    match decision {
        "approve" => Some(AggregatorConsentStatus::Active),
        "deny" => Some(AggregatorConsentStatus::Rejected),
        "expire" => Some(AggregatorConsentStatus::Expired),
        _ => None,
    }
}

fn person_s_part(sandbox: &Sandbox, viewer: &Viewer, journey: JourneyId) -> Markup {
    let asked = asked(sandbox, journey);
    let may = |asked: &Asked, decision: &str| match asked {
        Asked::Consent(_, status) => {
            consent_after(decision).is_some_and(|next| status.may_become(next))
        }
        Asked::Verification(_) => true,
    };
    let button = |id: &str, name: &str, decision: &str, is_final: bool| {
        html! {
            form.inline method="post" action={ "/j/" (journey) "/act" } {
                input type="hidden" name="id" value=(id);
                button.danger[is_final] name="decision" value=(decision) { (name) }
            }
        }
    };
    html! {
        @if !asked.is_empty() {
            section {
                h2 { "In the person's place" }
                @for one in &asked {
                    @let (id, words) = match one {
                        Asked::Consent(id, status) => (id, format!("Consent at the aggregator, {status:?}")),
                        Asked::Verification(id) => (id, "Verification session".to_owned()),
                    };
                    p { (words) ": " code { (id) } }
                    @if viewer.is_known {
                        div.buttons {
                            @for (name, decision, is_final) in DECISIONS {
                                @if may(one, decision) {
                                    @if is_final {
                                        details.ask {
                                            summary { (name) "…" }
                                            p { "This cannot be taken back." }
                                            (button(id, &format!("Yes, {}", name.to_lowercase()), decision, true))
                                        }
                                    } @else {
                                        (button(id, name, decision, false))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
