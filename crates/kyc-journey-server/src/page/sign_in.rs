//! Signing in with the server's token.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use maud::html;
use provider_core::http::header::{HOST, LOCATION, SET_COOKIE};
use provider_core::http::{HeaderMap, HeaderValue, StatusCode};

use super::frame::{self, Page};
use crate::guard;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::sessions::cookie_name;
use crate::state::Shared;

/// The form.
pub(super) fn form(server: &Shared, status: StatusCode) -> Response {
    let is_wrong = status == StatusCode::UNAUTHORIZED;
    let content = html! {
        main.alone {
            h1 { "KYC journeys" }
            form.filter method="post" action={ (server.path) "/sign-in" } {
                label.above {
                    "The server's token"
                    input type="password" name="token" required autocomplete="current-password" autofocus
                        aria-describedby=[is_wrong.then_some("wrong")];
                }
                button type="submit" { "Sign in" }
            }
            @if is_wrong {
                p.why #wrong role="alert" { "That is another token." }
            }
        }
    };
    frame::document(
        server,
        &Page {
            status,
            title: "Sign in",
            content,
        },
    )
}

pub(super) async fn sign_in(
    State(server): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match signed_in(&server, peer, &headers, body).await {
        Ok(Some(cookie)) => to_list(&server, &cookie),
        Ok(None) => form(&server, StatusCode::UNAUTHORIZED),
        Err(problem) => frame::problem(&server, &problem),
    }
}

async fn signed_in(
    server: &Shared,
    peer: Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<Option<String>, Problem> {
    let body = guard::body(server, body).await?;
    let token = form_urlencoded::parse(&body).find(|(name, _)| name == "token");
    if !token.is_some_and(|(_, token)| server.token.is(token.trim())) {
        return match server.sign_ins.take(&peer) {
            true => Ok(None),
            false => Err(Problem::too_many(60)),
        };
    }
    let random = || Ok::<_, Problem>(format!("{:032x}", server.clock.random()?));
    let secret = format!("{}{}", random()?, random()?);
    server.sessions.begin(&secret, random()?);
    Ok(Some(cookie(server, headers, &secret, "")))
}

pub(super) async fn sign_out(
    State(server): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Err(problem) = is_own_form(&server, &headers, body).await {
        return frame::problem(&server, &problem);
    }
    server.sessions.end(&headers);
    to_list(&server, &cookie(&server, &headers, "", "; Max-Age=0"))
}

/// Whether a form is one of this session's own pages.
pub(super) async fn is_own_form(
    server: &Shared,
    headers: &HeaderMap,
    body: Body,
) -> Result<(), Problem> {
    let csrf = server.sessions.csrf(headers);
    let csrf = csrf.ok_or_else(Problem::signed_out)?;
    let body = guard::body(server, body).await?;
    let mut pairs = form_urlencoded::parse(&body);
    match pairs.any(|(name, value)| name == "csrf" && *value == *csrf) {
        true => Ok(()),
        false => Err(Problem::old_form()),
    }
}

/// No script reads it, and no other site sends it. A browser that came by the public name came by TLS.
fn cookie(server: &Shared, headers: &HeaderMap, secret: &str, more: &str) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let secure = match host.is_some_and(|host| guard::is_loopback(&host.to_ascii_lowercase())) {
        true => "",
        false => "; Secure",
    };
    let path = match server.path.as_str() {
        "" => "/",
        path => path,
    };
    let name = cookie_name(headers);
    format!("{name}={secret}; Path={path}; HttpOnly; SameSite=Strict{secure}{more}")
}

fn to_list(server: &Shared, cookie: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (LOCATION, format!("{}/", server.path)),
        (SET_COOKIE, cookie.to_owned()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}
