//! The sessions as they go on: by the caller's requests, by their person's pages and by script.

use uuid::Uuid;

use super::Deepvue;
use super::options::{DigilockerCodes, ReturnParameters};
use crate::invented::Identity;
use crate::providers::address::{RETURNS, millis, shown, with_parameters};
use crate::state::digilocker::{Authorization, Stage};
use crate::state::{JourneyId, MobileScript, PeopleAct, Provider, Timer};

/// What is remembered of a session.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Session {
    pub(crate) authorization: Authorization,
    /// What the caller said it is for.
    pub(crate) purpose: String,
    pub(crate) redirect_url: Option<String>,
    pub(crate) journey: Option<JourneyId>,
}

/// Whether the link of a session can still be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Works,
    /// The person took too long, or the session is over.
    Expired,
    /// The caller exchanged the code.
    Used,
}

impl Deepvue {
    /// The time on the sandbox's clock.
    pub(crate) fn now_ms(&self) -> i64 {
        self.simulation.now_ms()
    }

    /// Who has this number.
    pub(crate) fn identity(&self, mobile: &str) -> Identity {
        Identity::of(mobile, self.simulation.data_seed)
    }

    /// A new code: not of the ids that replies have.
    pub(crate) fn new_secret() -> Uuid {
        Uuid::new_v4()
    }

    /// Whether the sign-in page takes numbers that may be somebody's.
    pub(crate) fn takes_any_number(&self) -> bool {
        *self.settings.real_looking_numbers()
    }

    /// Remembers a session, and lets its person act who is scripted.
    pub(super) fn open(&self, id: &str, session: Session) {
        let journey = session.journey;
        let acts = self.simulation.people_act == PeopleAct::ByScript;
        let after_ms = session.authorization.acts_after_ms();
        self.sessions.update(id.into(), |_| session);
        if let Some(after_ms) = after_ms.filter(|_| acts) {
            let timer = Timer::Person { id: id.into() };
            self.simulation
                .after(after_ms, Provider::Deepvue, journey, timer);
        }
    }

    /// The session of this id, as long as it lasts.
    pub(crate) fn find(&self, id: &str) -> Option<Session> {
        let lifetime_ms = millis(*self.settings.session_lifetime());
        let now_ms = self.now_ms();
        let is_open = |session: &Session| {
            now_ms.saturating_sub(session.authorization.opened_ms) <= lifetime_ms
        };
        self.sessions.get(id).filter(is_open)
    }

    /// The session of this id, also when it is over, and whether its link works.
    pub(crate) fn find_link(&self, id: &str) -> Option<(Session, Link)> {
        let session = self.sessions.get(id)?;
        let authorization = &session.authorization;
        let age_ms = self.now_ms().saturating_sub(authorization.opened_ms);
        let lifetime_ms = match authorization.is_answered() {
            true => millis(*self.settings.session_lifetime()),
            false => millis(*self.settings.link_lifetime())
                .min(millis(*self.settings.session_lifetime())),
        };
        let link = match authorization.is_complete {
            true => Link::Used,
            false if age_ms > lifetime_ms => Link::Expired,
            false => Link::Works,
        };
        Some((session, link))
    }

    /// Changes a session's authorization, and tells of it in these words where something came of it.
    pub(crate) fn change<R>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Authorization) -> (R, Option<String>),
    ) -> Option<R> {
        let changed = self.sessions.change(id, |session| {
            let (result, words) = change(&mut session.authorization);
            let back = match session.authorization.is_answered() {
                true => self.return_url(id, session),
                false => None,
            };
            let words = words.map(|words| match back {
                Some(url) => format!("{words}{RETURNS}{}", shown(&url)),
                None => words,
            });
            (result, words, session.journey)
        });
        changed.map(|(result, words, journey)| {
            if let Some(words) = words {
                self.simulation.step(Provider::Deepvue, journey, &words);
            }
            result
        })
    }

    /// What comes of a timer.
    pub(super) fn comes_of(&self, timer: &Timer) -> Option<&'static str> {
        let Timer::Person { id } = timer else {
            return None;
        };
        let authorization = self.sessions.get(&**id)?.authorization;
        let is_over = authorization.is_answered() || authorization.stage == Stage::Locked;
        (!is_over).then_some("step")
    }

    /// What happens when a timer is due.
    pub(super) fn timer_due(&self, at_ms: i64, timer: &Timer) {
        let Timer::Person { id } = timer else {
            return;
        };
        self.change(id, |authorization| {
            let acted = authorization.act(at_ms, code_of(id));
            let words = match authorization.stage {
                Stage::SignIn | Stage::SignUp | Stage::Otp => "came, and gave no password",
                Stage::Consent => "signed in, and left",
                Stage::Locked => "gave three wrong passwords",
                Stage::Allowed if authorization.granted.is_empty() => "ticked no document",
                Stage::Allowed => "allowed the documents",
                Stage::Denied => "allowed nothing",
            };
            ((), acted.then(|| words.to_owned()))
        });
    }

    /// Whether this code completes the authorization.
    pub(super) fn takes(&self, id: &str, authorization: &Authorization, code: &str) -> bool {
        let scripted = MobileScript::of(&authorization.whose.mobile).is_some();
        let acted = scripted || authorization.stage != Stage::SignIn;
        if acted || self.simulation.people_act == PeopleAct::OnPages {
            let lifetime_ms = millis(*self.settings.code_lifetime());
            return authorization.takes(code, self.now_ms(), lifetime_ms);
        }
        match self.settings.codes() {
            DigilockerCodes::Any => true,
            DigilockerCodes::OfSession => code == code_of(id),
        }
    }

    /// Where a person who has answered is sent; nowhere if the caller named no URL.
    pub(crate) fn return_url(&self, id: &str, session: &Session) -> Option<String> {
        let url = session.redirect_url.as_deref()?;
        let (code, state) = match self.settings.return_parameters() {
            ReturnParameters::CodeAndState => ("code", "state"),
            ReturnParameters::DigilockerCodeAndState => ("digilocker_code", "state"),
            ReturnParameters::DigilockerCodeAndTransactionId => {
                ("digilocker_code", "transaction_id")
            }
        };
        let authorization = &session.authorization;
        let answer = match (authorization.stage, authorization.code()) {
            (Stage::Allowed, Some(made)) => format!("{code}={made}"),
            (Stage::Denied, _) => "error=access_denied".to_owned(),
            _ => return None,
        };
        Some(with_parameters(url, &format!("{answer}&{state}={id}")))
    }

    /// Where the person of this session was sent, once there is an answer.
    pub(crate) fn returned(&self, id: &str) -> Option<String> {
        let session = self.find(id)?;
        self.return_url(id, &session)
    }
}

/// The code of a session whose person did not act on the pages.
fn code_of(id: &str) -> String {
    format!("code-{id}")
}
