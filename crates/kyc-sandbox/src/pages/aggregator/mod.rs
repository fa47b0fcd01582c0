//! An account aggregator as a person sees it: asked for consents, and later among those that were given.

mod mine;
mod screens;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::form::{PageForm, names_this_host, read_form, refusal};
use super::layout::see_other;
use crate::exchange::query;
use crate::providers::aggregator::{
    FINPASS_ENTRY, FINPASS_VISITS, FINPRO_ENTRY, FINPRO_VISITS, Visits,
};
use crate::providers::finpass::Finpass;
use crate::providers::finpro::Finpro;
use crate::state::flow::{Action, Flow, Reason};
use crate::state::{Bounded, iso};
use crate::time::Providers;

/// How many people can look at their consents at a time.
const MINE: usize = 1000;

/// What the pages need.
#[derive(Clone)]
struct Pages {
    providers: Providers,
    /// Whether other machines may reach the sandbox, under any name.
    any_host: bool,
    /// People who look at their consents, by a name that is only theirs.
    mine: Arc<Bounded<String, Flow>>,
}

/// The aggregator's pages.
pub(crate) fn router(providers: Providers, any_host: bool) -> Router {
    let pages = Pages {
        providers,
        any_host,
        mine: Arc::new(Bounded::new(MINE)),
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
        .route("/aa/me", get(mine::begin).post(mine::sign_in))
        .route("/aa/me/{visit}", get(mine::show).post(mine::send))
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

async fn show<P: Among>(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let now = pages.settled();
    if !names_this_host(request.headers(), request.uri(), pages.any_host) {
        return refusal(StatusCode::FORBIDDEN, OTHER_HOST, &now);
    }
    let provider = P::of(&pages.providers);
    provider.act(&name, Action::Open);
    match provider.view(&name) {
        Some(view) => screens::page_of(&view, &now),
        None => unknown(&now),
    }
}

async fn send<P: Among>(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let now = pages.settled();
    let form = match read_form(request, pages.any_host, &now).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let provider = P::of(&pages.providers);
    let Some(view) = provider.view(&name) else {
        return unknown(&now);
    };
    if !is_of(&form, &view.flow) {
        return refusal(StatusCode::FORBIDDEN, OTHER_FORM, &now);
    }
    if let Some(action) = action_of(&form) {
        provider.act(&name, action);
    }
    see_other(&format!("{}/{name}", P::VISITS))
}

const OTHER_HOST: &str =
    "The sandbox is not reached under this name. Use the address that it printed.";
const OTHER_FORM: &str = "This form is not of this request, or it is an old one. Nothing was changed. Open the link again.";

/// Whether a form was made for this flow.
fn is_of(form: &PageForm, flow: &Flow) -> bool {
    !flow.token.is_empty() && form.text("token") == flow.token
}

fn unknown(now: &str) -> Response {
    let words = "There is no such request here. It may be of another sandbox, or of one that was started anew. Ask the lender for a new link.";
    refusal(StatusCode::NOT_FOUND, words, now)
}

/// What a form means.
fn action_of(form: &PageForm) -> Option<Action> {
    let text = |name: &str| form.text(name).to_owned();
    Some(match form.text("do") {
        "mobile" => Action::ConfirmMobile(text("mobile")),
        "otp" => Action::Otp(text("otp")),
        "bank-otp" => Action::BankOtp(text("otp")),
        "resend" => Action::Resend,
        "banks" => Action::ChooseBanks {
            banks: form.numbers("bank"),
            pan: text("pan"),
            born: text("born"),
        },
        "accounts" => Action::TickAccounts(form.texts("account").map(str::to_owned).collect()),
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
