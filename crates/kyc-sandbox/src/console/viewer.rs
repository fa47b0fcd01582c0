//! Who looks at the console, and how.

use axum::extract::{Path, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::form::{Form, encoded};
use super::frame;
use crate::control::{Guard, cookie_name, with_whole_body};
use crate::exchange::ConnectionInfo;
use crate::pages::layout::see_other;

const THEME: &str = "kyc_sandbox_theme";
const MASK: &str = "kyc_sandbox_mask";

/// Who looks, and how.
#[derive(Debug, Clone, Default)]
pub(super) struct Viewer {
    /// Whether the token was told, so that the viewer may act.
    pub(super) is_known: bool,
    /// `dark`, `light`, or as the system says.
    pub(super) theme: Option<&'static str>,
    /// Whether also what is invented is masked, for a screen that others see.
    pub(super) masks_all: bool,
    /// Scheme and authority of this sandbox.
    pub(super) origin: String,
    /// Path and query of the page.
    pub(super) page: String,
    pub(super) query: String,
}

impl Viewer {
    fn of(guard: &Guard, request: &Request) -> Self {
        let headers = request.headers();
        let info = request.extensions().get::<ConnectionInfo>();
        Self {
            is_known: guard.is_known(headers),
            theme: match cookie(headers, THEME) {
                Some("dark") => Some("dark"),
                Some("light") => Some("light"),
                _ => None,
            },
            masks_all: cookie(headers, MASK) == Some("all"),
            origin: info.map_or_else(String::new, |info| info.origin.to_string()),
            page: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
        }
    }

    /// A value of the page's query; empty where there is none.
    pub(super) fn query(&self, name: &str) -> String {
        Form::parse(&self.query).text(name).to_owned()
    }

    /// The page itself, to come back to.
    pub(super) fn here(&self) -> String {
        match self.query.is_empty() {
            true => self.page.clone(),
            false => format!("{}?{}", self.page, self.query),
        }
    }

    /// The same as a value in a query.
    pub(super) fn back(&self) -> String {
        encoded(&self.here())
    }
}

/// The cookie of this name.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let mut cookies = cookies.split("; ");
    cookies.find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='))
}

/// Lets in who may see the console, lets who brings the token act from now on, and says why to others.
pub(super) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let viewer = Viewer::of(&guard, &request);
    let refusal = guard.refusal(&request);
    let may_become_known = match refusal {
        None => true,
        // Where also reading needs the token, the link that brings it is let in.
        Some((status, _)) => status == StatusCode::UNAUTHORIZED && *request.method() == Method::GET,
    };
    let token = viewer.query("token");
    if may_become_known && viewer.page == "/" && !token.is_empty() {
        return match guard.accepts(&token) {
            true => known(&guard, request.headers()),
            false => frame::problem(
                &viewer,
                StatusCode::UNAUTHORIZED,
                "This token is not the sandbox's",
                "A sandbox has a new token each time it starts. Open the link that it printed last.",
            ),
        };
    }
    if let Some((status, rule)) = refusal {
        return frame::problem(
            &viewer,
            status,
            "Not allowed",
            &format!("The request {rule}."),
        );
    }
    match with_whole_body(request).await {
        Ok(mut request) => {
            request.extensions_mut().insert(viewer);
            next.run(request).await
        }
        Err((status, rule)) => {
            frame::problem(&viewer, status, "Not read", &format!("The request {rule}."))
        }
    }
}

/// The console, from now on known to be somebody who brought the token.
fn known(guard: &Guard, headers: &HeaderMap) -> Response {
    let cookie = format!("{}={}; HttpOnly", cookie_name(headers), guard.cookie());
    with_cookie(see_other("/"), &cookie)
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    let cookie = format!("{cookie}; SameSite=Strict; Path=/");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Back to the page from which somebody came, if it is one of the console's.
fn back(request: &Request) -> Response {
    let form = Form::parse(request.uri().query().unwrap_or_default());
    let back = form.text("back");
    // `//host` would lead elsewhere.
    let is_own = back.starts_with('/') && !back.starts_with("//") && !back.contains('\\');
    see_other(if is_own { back } else { "/" })
}

/// Looks dark or light from now on, or as the system says.
pub(super) async fn theme(Path(theme): Path<String>, request: Request) -> Response {
    match theme.as_str() {
        "dark" | "light" => with_cookie(
            back(&request),
            &format!("{THEME}={theme}; Max-Age=31536000"),
        ),
        _ => with_cookie(back(&request), &format!("{THEME}=; Max-Age=0")),
    }
}

/// Masks everything from now on, or only what may be a person's.
pub(super) async fn mask(Path(mask): Path<String>, request: Request) -> Response {
    match mask.as_str() {
        "all" => with_cookie(back(&request), &format!("{MASK}=all")),
        _ => with_cookie(back(&request), &format!("{MASK}=; Max-Age=0")),
    }
}
