//! What a person does on the console. The guard lets in only who brought the token.

use axum::body::Body;
use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use http::header::{CONTENT_LENGTH, HOST, HeaderName};
use http::{HeaderValue, Method, StatusCode, Uri};
use tower::ServiceExt as _;

use super::Own;
use super::detail::{self, Asked, Found};
use super::form::Form;
use super::frame;
use super::masking::{self, Author};
use super::viewer::Viewer;
use crate::exchange::ConnectionInfo;
use crate::pages::layout::see_other;
use crate::providers::veriff::signing::{id_in, sign, signs_body};
use crate::sandbox::Sandbox;
use crate::state::{DecisionStatus, JourneyId, Repeats, WebhookId, What};

fn invalid(viewer: &Viewer, words: &str) -> Response {
    frame::problem(viewer, StatusCode::BAD_REQUEST, "Not done", words)
}

/// Sends a webhook again.
pub(super) async fn resend(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Response {
    let sent = match id.parse::<WebhookId>() {
        Ok(id) => sandbox.resend(id).await,
        Err(_) => None,
    };
    match sent {
        Some(_) => see_other(&format!("/w/{id}")),
        None => detail::no_webhook(&viewer),
    }
}

/// Shows a masked value for a while, and says so in the stream.
pub(super) async fn unmask_call(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    Path(number): Path<String>,
    body: Body,
) -> Response {
    let Some(found) = detail::find_call(&sandbox, &number) else {
        return detail::no_call(&viewer);
    };
    let page = format!("/r/{}", found.happening.number);
    unmask(
        &sandbox,
        &page,
        found.happening.journey,
        &Form::read(body).await,
    );
    see_other(&page)
}

pub(super) async fn unmask_webhook(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let Some(webhook) = detail::find_webhook(&sandbox, &id) else {
        return detail::no_webhook(&viewer);
    };
    let page = format!("/w/{}", webhook.id);
    unmask(&sandbox, &page, webhook.journey, &Form::read(body).await);
    see_other(&page)
}

fn unmask(sandbox: &Sandbox, page: &str, journey: Option<JourneyId>, form: &Form) {
    let field = form.text("field");
    let is_field = field.len() < 40 && field.contains(':');
    if is_field && field.bytes().all(|byte| byte.is_ascii_graphic()) {
        sandbox.unmasked().show(page, field);
        let part = field.split(':').next().unwrap_or_default();
        let words = format!("unmasked a value of the {part} of {page} for 30 s");
        sandbox.simulation().console(journey, words);
    }
}

/// Sends a request again, byte for byte.
pub(super) async fn replay(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    Path(number): Path<String>,
    request: Request,
) -> Response {
    let Some(found) = detail::find_call(&sandbox, &number) else {
        return detail::no_call(&viewer);
    };
    let Some(wire) = &found.wire else {
        return detail::no_call(&viewer);
    };
    let sent = wire.request();
    if !sent.is_whole() {
        return invalid(&viewer, "The body of this call is not kept whole.");
    }
    let again = Again {
        target: wire.target().to_owned(),
        body: sent.body.to_vec(),
        is_edited: false,
    };
    send(&sandbox, &viewer, &found, again, request.extensions().get()).await
}

/// Sends a request again after it was changed, signed again.
pub(super) async fn edit(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    Path(number): Path<String>,
    request: Request,
) -> Response {
    let connection = request.extensions().get::<ConnectionInfo>().cloned();
    let form = Form::read(request.into_body()).await;
    let Some(found) = detail::find_call(&sandbox, &number) else {
        return detail::no_call(&viewer);
    };
    let Some(wire) = &found.wire else {
        return detail::no_call(&viewer);
    };
    let (sent, own) = (wire.request(), Own(&sandbox));
    if !sent.is_whole() {
        return invalid(&viewer, "The body of this call is not kept whole.");
    }
    let target = masking::target(wire.target(), Author::Caller, &own);
    let target = filled(form.text("target"), &detail::placeholders(&target).1);
    let body = match std::str::from_utf8(sent.body) {
        Ok(_) => {
            let content_type = sent.header("content-type").unwrap_or_default();
            let masked = masking::body(sent.body, content_type, Author::Caller, &own);
            let (before, hidden) = detail::placeholders(&masked);
            // A browser ends lines with CR LF, whatever stood there.
            let edited = match before.contains('\r') {
                true => form.exact("body").to_owned(),
                false => form.exact("body").replace("\r\n", "\n"),
            };
            filled(&edited, &hidden).into_bytes()
        }
        Err(_) => sent.body.to_vec(),
    };
    let again = Again {
        target,
        body,
        is_edited: true,
    };
    send(&sandbox, &viewer, &found, again, connection.as_ref()).await
}

/// An edited text with what was masked in its place.
fn filled(text: &str, hidden: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in hidden {
        text = text.replace(name, value);
    }
    text
}

/// A request that is sent again.
struct Again {
    target: String,
    body: Vec<u8>,
    is_edited: bool,
}

async fn send(
    sandbox: &Sandbox,
    viewer: &Viewer,
    found: &Found,
    again: Again,
    connection: Option<&ConnectionInfo>,
) -> Response {
    let Some(wire) = &found.wire else {
        return detail::no_call(viewer);
    };
    let number = found.happening.number;
    let provider = found.call.provider;
    let Ok(uri) = format!("/{provider}{}", again.target).parse::<Uri>() else {
        return invalid(viewer, "The path is no path of a URL.");
    };
    let mut request = Request::new(Body::empty());
    *request.method_mut() = wire.method.clone();
    for (name, value) in wire.request().headers() {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            request.headers_mut().append(name, value);
        }
    }
    if again.is_edited {
        if request.headers().contains_key(CONTENT_LENGTH) {
            let length = HeaderValue::from(again.body.len());
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        sign_again(sandbox, &mut request, uri.path(), &again.body);
    }
    *request.uri_mut() = uri;
    *request.body_mut() = Body::from(again.body);
    if let Some(connection) = connection {
        request.extensions_mut().insert(connection.clone());
    }
    request.extensions_mut().insert(Repeats {
        number,
        is_edited: again.is_edited,
    });
    let Ok(_answered) = sandbox.provider_router().oneshot(request).await;
    let is_it = |happening: &crate::state::Happening| match &happening.what {
        What::Call(call) => call
            .repeats
            .as_ref()
            .is_some_and(|repeats| repeats.number == number),
        _ => false,
    };
    let newest = sandbox.simulation().happenings.newest(1, is_it);
    match newest.first() {
        Some(happening) => see_other(&format!("/r/{}", happening.number)),
        None => see_other("/"),
    }
}

/// Veriff's signature over what is sent now, where there was one.
fn sign_again(sandbox: &Sandbox, request: &mut Request, path: &str, body: &[u8]) {
    const SIGNATURE: &str = "x-hmac-signature";
    if !request.headers().contains_key(SIGNATURE) {
        return;
    }
    let secrets = sandbox.settings().veriff().secrets();
    let secret = secrets.first().map_or("", String::as_str);
    let signed = match signs_body(request.method()) {
        true => body,
        false => id_in(path).as_bytes(),
    };
    let signature = sign(secret, signed);
    if let Ok(signature) = HeaderValue::from_str(&signature) {
        request.headers_mut().insert(SIGNATURE, signature);
    }
}

/// Decides in a person's place.
pub(super) async fn act(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    Path(journey): Path<String>,
    body: Body,
) -> Response {
    let form = Form::read(body).await;
    let (id, decision) = (form.text("id"), form.text("decision"));
    let Ok(journey) = journey.parse::<JourneyId>() else {
        return invalid(&viewer, "A journey's id is one such as j_19.");
    };
    let asked = detail::asked(&sandbox, journey);
    let done = asked.iter().any(|asked| match asked {
        Asked::Consent(handle, _) if handle == id => detail::consent_after(decision)
            .is_some_and(|status| sandbox.decide_consent(handle, status)),
        Asked::Verification(session) if session == id => {
            verification_after(decision).is_some_and(|status| sandbox.decide(session, status))
        }
        _ => false,
    });
    if !done {
        return invalid(
            &viewer,
            "Its state does not allow that, or it was decided meanwhile.",
        );
    }
    let words = format!("{decision} in the person's place");
    sandbox.simulation().console(Some(journey), words);
    see_other(&format!("/j/{journey}"))
}

fn verification_after(decision: &str) -> Option<DecisionStatus> {
    match decision {
        "approve" => Some(DecisionStatus::Approved),
        "deny" => Some(DecisionStatus::Declined),
        "expire" => Some(DecisionStatus::Expired),
        "resubmit" => Some(DecisionStatus::ResubmissionRequested),
        _ => None,
    }
}

/// Lets the person *approve* be onboarded, by a call to each provider.
pub(super) async fn run(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let connection = request.extensions().get::<ConnectionInfo>();
    for (path, headers, body) in first_calls(&sandbox) {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(path);
        let own = [("content-type", "application/json".to_owned())];
        for (name, value) in own.into_iter().chain(headers) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                request.headers_mut().insert(name, value);
            }
        }
        if let Some(connection) = connection {
            request.extensions_mut().insert(connection.clone());
            let host = connection.origin.trim_start_matches("http://");
            if let Ok(host) = HeaderValue::from_str(host) {
                request.headers_mut().insert(HOST, host);
            }
        }
        let Ok(_answered) = sandbox.provider_router().oneshot(request).await;
    }
    see_other("/")
}

type FirstCall = (&'static str, Vec<(&'static str, String)>, String);

fn first_calls(sandbox: &Sandbox) -> [FirstCall; 4] {
    const MOBILE: &str = "9001000000";
    let settings = sandbox.settings();
    let (finpass, finpro) = (settings.finpass(), settings.finpro());
    let (veriff, deepvue) = (settings.veriff(), settings.deepvue());
    let session = format!(
        r#"{{"verification":{{"person":{{"firstName":"Approve"}},"vendorData":"{MOBILE}"}}}}"#
    );
    let secret = veriff.secrets().first().map_or("", String::as_str);
    [
        (
            "/finpro/profile",
            vec![
                ("client_id", finpro.client_id().clone()),
                ("client_secret", finpro.client_secret().clone()),
                ("organisationid", finpro.organisation_id().clone()),
                ("appidentifier", finpro.app_identifier().clone()),
            ],
            format!(r#"{{"mobileNumber":"{MOBILE}","userConsentId":"console"}}"#),
        ),
        (
            "/finpass/api/v1/services/account-aggregator/init",
            vec![
                ("x-api-key", finpass.api_key().clone()),
                ("x-api-secret", finpass.api_secret().clone()),
            ],
            format!(r#"{{"mobile_number":"{MOBILE}","consent_type":"loan_underwriting"}}"#),
        ),
        (
            "/veriff/v1/sessions",
            vec![
                ("x-auth-client", veriff.api_key().clone()),
                ("x-hmac-signature", sign(secret, session.as_bytes())),
            ],
            session,
        ),
        (
            "/deepvue/v1/kyc/digilocker/initiate-session",
            vec![
                ("client-id", deepvue.client_id().clone()),
                ("x-api-key", deepvue.client_secret().clone()),
            ],
            r#"{"consent":"Y","purpose":"kyc"}"#.to_owned(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_masked_is_filled_in_where_it_still_stands() {
        let hidden = [
            ("«mobile number 1»".to_owned(), "9000000001".to_owned()),
            ("«PAN 2»".to_owned(), "x".to_owned()),
        ];
        assert_eq!(
            filled("{\"m\":\"«mobile number 1»\",\"new\":1}", &hidden),
            "{\"m\":\"9000000001\",\"new\":1}"
        );
    }
}
