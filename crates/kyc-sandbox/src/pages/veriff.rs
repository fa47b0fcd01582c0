//! Veriff as a person sees it: agree, choose where and with what, take three pictures, hand in, return.
//!
//! There is no camera: each picture is one of six that are prepared. There is no QR code either: a sandbox listens on its own
//! machine, which another device's camera cannot reach; the address is shown instead.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use maud::{Markup, html};
use uuid::Uuid;

use super::browser;
use super::forms::{
    Visit, console_link, error, exits, form, host_of, is_web_address, plain, radio, submit,
};
use super::layout::{Frame, page, respond, see_other};
use crate::exchange::settle;
use crate::invented::{Subject, png};
use crate::providers::veriff::{Session, Veriff};
use crate::state::{DecisionStatus, Phase, Picture, Progress, RESUBMISSIONS, Through, iso};

const SERVICE: &str = "Veriff";
/// Whose face and card the prepared pictures show.
const SEED: u64 = 7;

const COUNTRIES: [(&str, &str); 4] = [
    ("IN", "India"),
    ("EE", "Estonia"),
    ("MX", "Mexico"),
    ("US", "United States"),
];
const DOCUMENTS: [(&str, &str); 4] = [
    ("PASSPORT", "Passport"),
    ("ID_CARD", "Identity card"),
    ("DRIVERS_LICENSE", "Driving licence"),
    ("RESIDENCE_PERMIT", "Residence permit"),
];

/// The pages below `/veriff`.
pub(crate) fn routes(veriff: Arc<Veriff>) -> Router {
    Router::new()
        .route("/veriff/v/{token}", get(visit).post(visit))
        .route("/veriff/pictures/{subject}/{picture}", get(picture))
        .with_state(veriff)
}

/// A screen on which the person is asked for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Agree,
    Device,
    Document,
    Front,
    Back,
    Face,
}

impl Step {
    const ALL: [Self; 6] = [
        Self::Agree,
        Self::Device,
        Self::Document,
        Self::Front,
        Self::Back,
        Self::Face,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Agree => "start",
            Self::Device => "device",
            Self::Document => "document",
            Self::Front => "front",
            Self::Back => "back",
            Self::Face => "face",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    fn title(self) -> &'static str {
        match self {
            Self::Agree => "Verify who you are",
            Self::Device => "Where do you want to go on?",
            Self::Document => "Your document",
            Self::Front => "The front of your document",
            Self::Back => "The back of your document",
            Self::Face => "Your face",
        }
    }

    /// Whether this step is of the way at all: a passport has no back.
    fn is_needed(self, progress: &Progress) -> bool {
        self != Self::Back || progress.document.is_none_or(|(_, kind)| kind != "PASSPORT")
    }

    fn is_done(self, progress: &Progress) -> bool {
        let taken = |index: usize| progress.pictures.get(index).is_some_and(Option::is_some);
        match self {
            Self::Agree => progress.agreed,
            Self::Device => progress.device,
            Self::Document => progress.document.is_some(),
            Self::Front => taken(0),
            Self::Back => taken(1),
            Self::Face => taken(2),
        }
    }

    /// The first step that is open.
    fn open(progress: &Progress) -> Self {
        let mut steps = Self::ALL.into_iter();
        let open = |step: &Self| step.is_needed(progress) && !step.is_done(progress);
        steps.find(open).unwrap_or(Self::Face)
    }

    /// The step before this one on the person's way.
    fn before(self, progress: &Progress) -> Option<Self> {
        let mut earlier = Self::ALL.into_iter().rev().filter(|step| *step < self);
        earlier.find(|step| step.is_needed(progress))
    }
}

/// A session while its page is made.
struct Screen<'a> {
    session: &'a Session,
    path: String,
    token: Uuid,
    now: String,
}

impl Screen<'_> {
    fn frame<'f>(&'f self, title: &'f str) -> Frame<'f> {
        Frame {
            title,
            service: SERVICE,
            now: &self.now,
            message: None,
        }
    }

    fn at(&self, name: &str) -> String {
        format!("{}?at={name}", self.path)
    }

    fn callback(&self) -> Option<&str> {
        let callback = self.session.given.callback.as_deref();
        callback.filter(|url| is_web_address(url))
    }

    /// The way back to whoever asked, if there is one.
    fn return_link(&self) -> Markup {
        html! {
            @match self.callback() {
                Some(url) => p { a.button.primary href=(url) { "Return to " (host_of(url)) } },
                None => p { "You can close this page: whoever sent you gave no address to return to." },
            }
        }
    }

    fn exits(&self, back: Option<&str>) -> Markup {
        exits(back, &self.at("leave"), self.session.journey)
    }

    /// Says how things are.
    fn say(
        &self,
        status: StatusCode,
        title: &str,
        words: &[&str],
        next: Option<(&str, &str)>,
    ) -> Response {
        plain(status, &self.frame(title), words, next)
    }
}

async fn visit(
    State(veriff): State<Arc<Veriff>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    settle(&*veriff);
    let now = iso(veriff.now_ms());
    let lost = |status, title, words: &[&str]| {
        let frame = Frame {
            title,
            service: SERVICE,
            now: &now,
            message: None,
        };
        plain(status, &frame, words, None)
    };
    let Some((id, form_token)) = veriff.open_page(&token) else {
        let words = "There is no verification at this address, or it was deleted. Go back to whoever sent you, and ask for a new one.";
        return lost(StatusCode::NOT_FOUND, "Nothing here", &[words]);
    };
    let Some(visit) = Visit::read(request).await else {
        let words = "What was sent could not be read. Go back, and send the form again.";
        return lost(StatusCode::BAD_REQUEST, "That did not arrive", &[words]);
    };
    let session = veriff.find(id);
    let screen = Screen {
        session: &session,
        path: format!("/veriff/v/{token}"),
        token: form_token,
        now: now.clone(),
    };
    match visit.is_form() {
        true => act(&veriff, id, &screen, &visit),
        false => show(&screen, &visit),
    }
}

fn show(screen: &Screen<'_>, visit: &Visit) -> Response {
    let verification = &screen.session.verification;
    let at = visit.query("at").unwrap_or_default();
    let progress = match verification.progress() {
        Some(progress) if verification.is_open() => progress,
        _ => return show_state(screen, StatusCode::OK),
    };
    let open = Step::open(progress);
    let is_another = browser::is_by_another(visit, verification.browser());
    match (at, Step::of(at)) {
        ("leave", _) => show_leaving(screen),
        ("disagreed", _) if progress.disagreed => show_disagreed(screen),
        (_, Some(Step::Agree)) if is_another => {
            show_step(screen, Step::Agree, progress, StatusCode::OK, None)
        }
        _ if is_another => show_begun_elsewhere(screen),
        ("phone", _) if open >= Step::Device => show_phone(screen, &visit.origin),
        (_, Some(step)) if step > open => {
            let first = format!("This comes later. First: {}.", open.title());
            let next = Some(("Go on", screen.path.as_str()));
            screen.say(StatusCode::CONFLICT, "Not yet", &[&first], next)
        }
        (_, Some(step)) if step.is_needed(progress) => {
            show_step(screen, step, progress, StatusCode::OK, None)
        }
        _ => show_step(screen, open, progress, StatusCode::OK, None),
    }
}

fn show_step(
    screen: &Screen<'_>,
    step: Step,
    progress: &Progress,
    status: StatusCode,
    wrong: Option<&str>,
) -> Response {
    let content = match step {
        Step::Agree => agree(screen),
        Step::Device => html! {
            fieldset {
                legend { "Go on" }
                (radio("device", "here", true, &html! { "here" }))
                (radio("device", "phone", false, &html! { "on my phone" }))
            }
            (submit("Go on"))
        },
        Step::Document => document(progress),
        Step::Front => pictures("card-front", "The front of the document", progress, 0),
        Step::Back => pictures("card-back", "The back of the document", progress, 1),
        Step::Face => pictures("face", "A picture of your face", progress, 2),
    };
    let back = step.before(progress).map(|before| screen.at(before.name()));
    let number = screen.session.verification.number();
    let content = html! {
        @if number > 1 {
            p.muted { (attempt_words(number)) }
        }
        (error(wrong))
        @if wrong == Some(BLURRED) {
            figure {
                img src={ "/veriff/pictures/" (subject_of(step)) "/good" } alt="Everything on this picture is sharp." width="120" height="152";
                figcaption { "Like this one." }
            }
        }
        (form(screen.token, &html! {
            input type="hidden" name="step" value=(step.name());
            (content)
        }))
        (screen.exits(back.as_deref()))
    };
    page(status, &screen.frame(step.title()), &content)
}

fn attempt_words(number: usize) -> String {
    match number > RESUBMISSIONS {
        true => format!("Attempt {number}: one more than there are. It is declined."),
        false => format!("Attempt {number} of {RESUBMISSIONS}"),
    }
}

fn agree(screen: &Screen<'_>) -> Markup {
    let verification = &screen.session.verification;
    let again = verification.decision().map(|(_, decided)| decided);
    html! {
        @if let Some(decided) = again {
            p { "Please try once more. " (reason_words(decided.reason_code)) }
            button.primary type="submit" name="agree" value="yes" { "Try again" }
        } @else {
            @let asks = screen.callback().map_or("Whoever sent you here", host_of);
            p { (asks) " wants to know who you are. Veriff takes pictures of your document and of your face, and compares them." }
            p { "I agree that my biometric data are used to verify my identity." }
            button.primary type="submit" name="agree" value="yes" { "Agree" }
            button type="submit" name="agree" value="no" { "Disagree" }
        }
    }
}

fn document(progress: &Progress) -> Markup {
    let (country, kind) = progress.document.unwrap_or(("IN", "PASSPORT"));
    html! {
        label for="country" { "Who issued it?" }
        select #country name="country" {
            @for (code, name) in COUNTRIES {
                option value=(code) selected[code == country] { (name) }
            }
        }
        fieldset {
            legend { "What is it?" }
            @for (value, name) in DOCUMENTS {
                (radio("document", value, value == kind, &html! { (name) }))
            }
        }
        (submit("Go on"))
    }
}

fn pictures(subject: &str, legend: &str, progress: &Progress, index: usize) -> Markup {
    let taken = progress.pictures.get(index).copied().flatten();
    html! {
        fieldset {
            legend { (legend) }
            @for picture in Picture::ALL {
                @let label = html! {
                    img src={ "/veriff/pictures/" (subject) "/" (picture.name()) } alt="" width="60" height="76";
                    " " (words_of(picture))
                };
                (radio("picture", picture.name(), taken == Some(picture), &label))
            }
        }
        (submit("Use this picture"))
    }
}

fn words_of(picture: Picture) -> &'static str {
    match picture {
        Picture::Good => "good",
        Picture::Blurred => "blurred: is refused at once",
        Picture::Glare => "glare: must be taken again",
        Picture::Cropped => "cropped: must be taken again",
        Picture::Expired => "of an expired document: must be another one",
        Picture::OtherFace => "another face: is declined",
    }
}

const BLURRED: &str =
    "This picture is blurred. Everything on it must be readable. Choose another one.";
const CHOOSE: &str = "Nothing is chosen. Choose one.";

/// Why something has to be done again, or was not accepted.
fn reason_words(code: Option<u16>) -> &'static str {
    match code {
        Some(103) => "The face is not the one on the document.",
        Some(106) => "The document belongs to a known fraud.",
        Some(203) => "The document was not whole on the picture.",
        Some(204) => "The picture was not good enough to read.",
        Some(207) => "The document has expired: use another one.",
        Some(539) => "There were too many attempts.",
        _ => "Something on the pictures could not be used.",
    }
}

fn subject_of(step: Step) -> &'static str {
    match step {
        Step::Front => "card-front",
        Step::Back => "card-back",
        _ => "face",
    }
}

fn show_leaving(screen: &Screen<'_>) -> Response {
    let content = html! {
        p { "Nothing is lost: this address works for seven days from when it was made. Whoever does not finish by then has abandoned it." }
        p { a.button href=(screen.path) { "Go on after all" } }
        (screen.return_link())
    };
    page(StatusCode::OK, &screen.frame("You are leaving"), &content)
}

fn show_begun_elsewhere(screen: &Screen<'_>) -> Response {
    let words = "Somebody began here with another browser. Whoever begins here instead begins again; nothing is handed in yet.";
    let start = screen.at(Step::Agree.name());
    let next = Some(("Begin here instead", start.as_str()));
    browser::refuse(SERVICE, &screen.now, words, next)
}

fn show_disagreed(screen: &Screen<'_>) -> Response {
    let content = html! {
        p { "Without your consent nothing is taken, and nobody is told anything." }
        p { a.button href=(screen.at("start")) { "Back to the question" } }
        (screen.return_link())
    };
    page(StatusCode::OK, &screen.frame("You did not agree"), &content)
}

fn show_phone(screen: &Screen<'_>, origin: &str) -> Response {
    let address = format!("{origin}{}", screen.path);
    let content = html! {
        p { "Open this address there, on any device that reaches the sandbox. Only one browser goes on: whoever begins there begins again, and this one stops." }
        p { a href=(address) { (address) } }
        (screen.exits(Some(&screen.at("device"))))
    };
    page(StatusCode::OK, &screen.frame("On your phone"), &content)
}

/// What became of the session, to whoever comes when nothing can be done any more.
fn show_state(screen: &Screen<'_>, status: StatusCode) -> Response {
    let verification = &screen.session.verification;
    let (title, words) = match verification.phase() {
        Phase::Decided(decided) => {
            let when = iso(decided.at_ms);
            let title = match decided.status {
                DecisionStatus::Approved => "You are verified",
                DecisionStatus::Declined => "You could not be verified",
                DecisionStatus::Expired | DecisionStatus::Abandoned => "This link is over",
                DecisionStatus::Review => "Somebody is looking at it",
                DecisionStatus::ResubmissionRequested => "Please try once more",
            };
            let words = match decided.status {
                DecisionStatus::Declined => {
                    format!("{} Since {when}.", reason_words(decided.reason_code))
                }
                DecisionStatus::Expired | DecisionStatus::Abandoned => {
                    format!("Nobody finished in time. Over since {when}. Ask for a new link.")
                }
                _ => format!("Since {when}."),
            };
            (title, words)
        }
        _ => {
            let number = verification.number();
            let words = format!(
                "Attempt {number} is handed in, and nothing can be changed any more. The decision takes a while."
            );
            ("Handed in", words)
        }
    };
    let content = html! {
        p { (words) }
        @if matches!(verification.phase(), Phase::Submitted(_)) {
            label for="progress" { "Being looked at" }
            progress #progress {}
            p { a href=(screen.path) { "Look again" } }
        }
        (screen.return_link())
        @if let Some(journey) = screen.session.journey {
            p { (console_link(journey)) }
        }
    };
    page(status, &screen.frame(title), &content)
}

fn act(veriff: &Veriff, id: Uuid, screen: &Screen<'_>, visit: &Visit) -> Response {
    if !visit.may_act(Some(screen.token)) {
        let words = "This form is not from this page. Nothing was done.";
        let next = Some(("Open the page again", screen.path.as_str()));
        return screen.say(StatusCode::FORBIDDEN, "Not from here", &[words], next);
    }
    let verification = &screen.session.verification;
    let progress = match verification.progress() {
        Some(progress) if verification.is_open() => progress,
        _ => return show_state(screen, StatusCode::CONFLICT),
    };
    let open = Step::open(progress);
    let is_another = browser::is_by_another(visit, verification.browser());
    let start = Step::Agree.name();
    if is_another && (visit.field("step"), visit.query("at")) != (start, Some(start)) {
        return show_begun_elsewhere(screen);
    }
    let not_next = |title, words: &str| {
        let words = format!("{words} {}.", open.title());
        let next = Some(("Go on", screen.path.as_str()));
        screen.say(StatusCode::CONFLICT, title, &[&words], next)
    };
    let step = match Step::of(visit.field("step")) {
        Some(step) if step <= open && step.is_needed(progress) => step,
        _ => return not_next("Not yet", "This comes later, or not at all. First:"),
    };
    let wrong = |words| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        show_step(screen, step, progress, status, Some(words))
    };
    match step {
        Step::Agree => match visit.field("agree") {
            "yes" => {
                let browser = browser::name_of(visit);
                agreed(veriff, id, screen, browser, is_another);
                return browser::see_other_as(browser, &screen.path);
            }
            // In another tab, perhaps: a consent is not withdrawn by a question that was answered.
            "no" if progress.agreed => {
                return not_next(
                    "Already agreed",
                    "You agreed before, and this changes nothing. Next:",
                );
            }
            "no" => {
                veriff.proceed(id, "did not agree", |progress| progress.disagreed = true);
                return see_other(&screen.at("disagreed"));
            }
            _ => return wrong(CHOOSE),
        },
        Step::Device => match visit.field("device") {
            "here" => {
                veriff.proceed(id, "goes on here", |progress| progress.device = true);
            }
            "phone" => return see_other(&screen.at("phone")),
            _ => return wrong(CHOOSE),
        },
        Step::Document => {
            let known = |list: [(&'static str, &str); 4], name: &str| {
                let mut values = list.into_iter().map(|(value, _)| value);
                values.find(|value| *value == visit.field(name))
            };
            let chosen = known(COUNTRIES, "country").zip(known(DOCUMENTS, "document"));
            let Some(document) = chosen else {
                return wrong(CHOOSE);
            };
            let words = format!("chose {} of {}", document.1, document.0);
            veriff.proceed(id, &words, |progress| progress.document = Some(document));
        }
        Step::Front | Step::Back | Step::Face => {
            let picture = match Picture::of(visit.field("picture")) {
                Some(Picture::Blurred) => return wrong(BLURRED),
                Some(picture) => picture,
                None => return wrong(CHOOSE),
            };
            let index = match step {
                Step::Front => 0,
                Step::Back => 1,
                _ => 2,
            };
            let words = format!("took a picture: {}, {}", step.name(), picture.name());
            veriff.proceed(id, &words, |progress| {
                if let Some(taken) = progress.pictures.get_mut(index) {
                    *taken = Some(picture);
                }
            });
            if step == Step::Face {
                veriff.submit(veriff.now_ms(), id, Through::Pages);
            }
        }
    }
    see_other(&screen.path)
}

/// The person begins, or begins again with what was chosen before; in another browser with nothing.
fn agreed(veriff: &Veriff, id: Uuid, screen: &Screen<'_>, browser: Uuid, is_another: bool) {
    veriff.start(veriff.now_ms(), id);
    let mut attempts = screen.session.verification.attempts().iter().rev();
    let before = attempts.nth(1).map(|attempt| attempt.progress.document);
    veriff.proceed(id, "agreed to be verified", |progress| {
        if is_another {
            *progress = Progress::default();
        }
        (progress.agreed, progress.disagreed) = (true, false);
        progress.browser = Some(browser);
        if let Some(document) = before.filter(|_| !is_another) {
            progress.device = true;
            progress.document = progress.document.or(document);
        }
    });
}

/// A prepared picture.
async fn picture(Path((subject, picture)): Path<(String, String)>) -> Response {
    let subject = match subject.as_str() {
        "face" => Some(Subject::Face),
        "card-front" => Some(Subject::CardFront),
        "card-back" => Some(Subject::CardBack),
        _ => None,
    };
    let Some((subject, picture)) = subject.zip(Picture::of(&picture)) else {
        let text = "text/plain; charset=utf-8";
        return respond(StatusCode::NOT_FOUND, text, "no such picture".to_owned());
    };
    let mut response = Response::new(Body::from(png(subject, SEED, picture)));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, "max-age=86400"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
