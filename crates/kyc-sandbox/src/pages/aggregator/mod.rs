//! An account aggregator as a person sees it: asked for consents, and later among those that were given.

mod mine;
mod screens;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::browser;
use super::forms::{Visit, plain};
use super::layout::{Frame, see_other};
use crate::exchange::query;
use crate::providers::aggregator::{
    FINPASS_ENTRY, FINPASS_VISITS, FINPRO_ENTRY, FINPRO_VISITS, MY_CONSENTS, VisitView, Visits,
};
use crate::providers::finpass::Finpass;
use crate::providers::finpro::Finpro;
use crate::state::flow::{Action, Flow, Problem, Reason};
use crate::state::{Bounded, iso};
use crate::time::Providers;

/// How many people can look at their consents at a time.
const MINE: usize = 1000;

/// What the pages need.
#[derive(Clone)]
struct Pages {
    providers: Providers,
    /// People who look at their consents, by a name that is only theirs.
    mine: Arc<Bounded<String, Flow>>,
}

/// The aggregator's pages.
pub(crate) fn router(providers: Providers) -> Router {
    let room = providers.simulation.store.room("people at their consents");
    let pages = Pages {
        providers,
        mine: Arc::new(Bounded::new(MINE, room)),
    };
    let visit = |path: &str| format!("{path}/{{visit}}");
    Router::new()
        .route(FINPRO_ENTRY, get(enter_finpro))
        .route(FINPASS_ENTRY, get(enter_finpass))
        .route(
            &visit(FINPRO_VISITS),
            get(show::<Finpro>).post(send::<Finpro>),
        )
        .route(
            &visit(FINPASS_VISITS),
            get(show::<Finpass>).post(send::<Finpass>),
        )
        .route(MY_CONSENTS, get(mine::begin).post(mine::sign_in))
        .route(&visit(MY_CONSENTS), get(mine::show).post(mine::send))
        .with_state(pages)
}

/// A provider among those of a sandbox.
trait Among: Visits {
    fn of(providers: &Providers) -> &Self;
}

impl Among for Finpro {
    fn of(providers: &Providers) -> &Self {
        &providers.finpro
    }
}

impl Among for Finpass {
    fn of(providers: &Providers) -> &Self {
        &providers.finpass
    }
}

impl Pages {
    /// The time on the sandbox's clock, after what is due has happened.
    fn settled(&self) -> String {
        self.providers.settle();
        iso(self.providers.simulation.now_ms())
    }
}

/// From FinPro's redirection to the page of its visit.
async fn enter_finpro(State(pages): State<Pages>, request: Request) -> Response {
    let handles = query(request.uri(), "ecreq").unwrap_or_default();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    if handles.is_empty() || !handles.bytes().all(is_name) {
        return unknown(&pages.settled());
    }
    see_other(&format!("{FINPRO_VISITS}/{handles}"))
}

/// From the URL of a session to its page. The URL is not encoded as URLs are, as in the documented example.
async fn enter_finpass(State(pages): State<Pages>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let part = |from: &str| {
        let (_, rest) = query.split_once(from)?;
        rest.split('+')
            .next()
            .filter(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    match (part("reqdate"), part("fi=")) {
        (Some(first), Some(rest)) => see_other(&format!("{FINPASS_VISITS}/aa_{first}_{rest}")),
        _ => unknown(&pages.settled()),
    }
}

/// What another browser than the one that signed in asks for, to begin here instead.
const INSTEAD: &str = "start";

async fn show<P: Among>(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let now = pages.settled();
    let Some(visit) = Visit::read(request).await else {
        return unreadable(&now);
    };
    let provider = P::of(&pages.providers);
    provider.act(&name, Action::Open);
    let Some(view) = provider.view(&name) else {
        return unknown(&now);
    };
    if !browser::is_by_another(&visit, view.flow.browser) {
        return screens::page_of(&view, &now);
    }
    match visit.query("at") {
        Some(INSTEAD) if view.is_open() => screens::begin_instead(&view, None, &now),
        _ => begun_elsewhere(&view, &now, &format!("{}/{name}", P::VISITS)),
    }
}

/// What another browser than the one that signed in gets.
fn begun_elsewhere(view: &VisitView, now: &str, path: &str) -> Response {
    let service = screens::service_of(view);
    if view.is_open() {
        let words = "Somebody signed in here with another browser. Whoever signs in here instead begins again; nothing was shared yet.";
        let instead = format!("{path}?at={INSTEAD}");
        let next = Some(("Sign in here instead", instead.as_str()));
        return browser::refuse(&service, now, words, next);
    }
    let words = format!(
        "Somebody signed in here with another browser, and the request is over. Ask {} for a link of your own.",
        view.lender
    );
    browser::refuse(&service, now, &words, None)
}

async fn send<P: Among>(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let now = pages.settled();
    let Some(visit) = Visit::read(request).await else {
        return unreadable(&now);
    };
    let provider = P::of(&pages.providers);
    let Some(view) = provider.view(&name) else {
        return unknown(&now);
    };
    if !visit.may_act(view.flow.token) {
        return foreign(&now);
    }
    let path = format!("{}/{name}", P::VISITS);
    let action = action_of(&visit);
    if browser::is_by_another(&visit, view.flow.browser) {
        match &action {
            Some(Action::ConfirmMobile { mobile, .. })
                if visit.query("at") == Some(INSTEAD) && view.is_open() =>
            {
                if mobile.trim() != &*view.flow.mobile {
                    return screens::begin_instead(&view, Some(Problem::OtherMobile), &now);
                }
            }
            _ => return begun_elsewhere(&view, &now, &path),
        }
    }
    let signs_in = match &action {
        Some(Action::ConfirmMobile { browser, .. }) => *browser,
        _ => None,
    };
    if let Some(action) = action {
        provider.act(&name, action);
    }
    match signs_in {
        Some(browser) => browser::see_other_as(browser, &path),
        None => see_other(&path),
    }
}

fn refusal(status: StatusCode, words: &str, now: &str) -> Response {
    let frame = Frame {
        title: "That did not work",
        service: "Account aggregator",
        now,
        message: None,
    };
    plain(status, &frame, &[words], None)
}

fn unreadable(now: &str) -> Response {
    let words =
        "The form is too long or cannot be read. Nothing was changed. Go back, and send it again.";
    refusal(StatusCode::BAD_REQUEST, words, now)
}

fn foreign(now: &str) -> Response {
    let words = "This form is not of this request, or it was sent from elsewhere. Nothing was changed. Open the link again.";
    refusal(StatusCode::FORBIDDEN, words, now)
}

fn unknown(now: &str) -> Response {
    let words = "There is no such request here. It may be of another sandbox, or of one that was started anew. Ask the lender for a new link.";
    refusal(StatusCode::NOT_FOUND, words, now)
}

/// What a form means.
fn action_of(form: &Visit) -> Option<Action> {
    let text = |name: &str| form.field(name).to_owned();
    Some(match form.field("do") {
        "mobile" => Action::ConfirmMobile {
            mobile: text("mobile"),
            browser: Some(browser::name_of(form)),
        },
        "otp" => Action::Otp(text("otp")),
        "bank-otp" => Action::BankOtp(text("otp")),
        "resend" => Action::Resend,
        "banks" => Action::ChooseBanks {
            banks: form.numbers("bank"),
            pan: text("pan"),
            born: text("born"),
        },
        "accounts" => Action::TickAccounts(form.fields("account").map(str::to_owned).collect()),
        "skip" => Action::SkipBank,
        "approve" => Action::Approve(form.numbers("consent")),
        "reject" => Action::Reject,
        "reason" => {
            let chosen = form.numbers("reason");
            let reason = chosen.first().and_then(|at| Reason::ALL.get(*at));
            return Some(reason.map_or(Action::NoReason, |reason| Action::Because(*reason)));
        }
        "back" => Action::Back,
        "leave" => Action::Leave,
        "again" => Action::Again,
        _ => return None,
    })
}
