//! MFA: the one-time password that the Aadhaar database asks for.
//!
//! The members, the reasons and their statuses are documented, and that a failure may have status 200; how many passwords may
//! be asked for and may be wrong is not.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;
use uuid::Uuid;

use super::Veriff;
use super::options::{AADHAAR_UNKNOWN, MFA_CODE, MfaFailure, MfaLimits};
use super::sessions::Session;
use crate::exchange::{Json, ProviderApi, ReceivedRequest, Reply};
use crate::state::Through;

/// How long a password has to be waited for, as documented.
const INTERVAL: Duration = Duration::from_secs(60);
/// How many passwords are generated in a session, and how many may be wrong.
const MOST: u8 = 3;

/// What is remembered of a session's passwords.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Passwords {
    generated: u8,
    /// On the machine's clock, as rate limits.
    #[cfg_attr(feature = "state-file", serde(with = "last"))]
    last: Option<Instant>,
    wrong: u8,
    completed: bool,
}

/// A time of the machine's clock says nothing once the process has ended: the minute begins again.
#[cfg(feature = "state-file")]
mod last {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use tokio::time::Instant;

    pub(super) fn serialize<S: Serializer>(
        last: &Option<Instant>,
        writer: S,
    ) -> Result<S::Ok, S::Error> {
        last.is_some().serialize(writer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        reader: D,
    ) -> Result<Option<Instant>, D::Error> {
        Ok(bool::deserialize(reader)?.then(Instant::now))
    }
}

/// A reason and the HTTP status that the table gives it.
type Refused = (u16, &'static str);

const DONE: Refused = (400, "MFA_ALREADY_COMPLETED");

pub(super) fn generate(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    veriff.mfa(request, "identifier", |identifier, session| {
        let passwords = &mut session.passwords;
        let now = Instant::now();
        let limited = *veriff.settings.mfa_limits() == MfaLimits::AsDocumented;
        let is_number = identifier.len() == 12 && identifier.bytes().all(|b| b.is_ascii_digit());
        let too_soon = |last: Instant| now.saturating_duration_since(last) < INTERVAL;
        if passwords.completed {
            return Err(DONE);
        }
        if !is_number {
            return Err((400, "INVALID_INPUT_AADHAR"));
        }
        if identifier == AADHAAR_UNKNOWN {
            return Err((400, "INVALID_AADHAR"));
        }
        if limited && passwords.last.is_some_and(too_soon) {
            return Err((429, "OTP_REQUEST_TOO_SOON"));
        }
        if limited && passwords.generated >= MOST {
            return Err((429, "OTP_GENERATION_LIMIT_REACHED"));
        }
        passwords.generated = passwords.generated.saturating_add(1);
        passwords.last = Some(now);
        Ok(())
    })
}

pub(super) fn verify(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    veriff.mfa(request, "code", |code, session| {
        let passwords = &mut session.passwords;
        if passwords.completed {
            return Err(DONE);
        }
        if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err((400, "INVALID_INPUT_OTP"));
        }
        if passwords.last.is_none() {
            return Err((400, "OTP_NOT_GENERATED"));
        }
        passwords.completed = code == MFA_CODE;
        if passwords.completed {
            return Ok(());
        }
        passwords.wrong = passwords.wrong.saturating_add(1);
        if passwords.wrong < MOST {
            return Err((400, "INVALID_OTP"));
        }
        session.verification.submit(Through::Api);
        Err((429, "OTP_SUBMISSION_LIMIT_REACHED"))
    })
}

impl Veriff {
    /// Reads a request about a session's password, and changes the session as `step` says.
    fn mfa(
        &self,
        request: &ReceivedRequest,
        member: &str,
        step: impl FnOnce(&str, &mut Session) -> Result<(), Refused>,
    ) -> Reply {
        let Ok(body) = request.json_object(*self.settings.content_type()) else {
            return self.error(400);
        };
        let text = |body: &Map<String, Value>, name: &str| {
            let text = body.get(name).and_then(Value::as_str);
            text.map(str::to_owned)
        };
        let (Some(given), Some("aadhaar")) = (text(&body, member), text(&body, "type").as_deref())
        else {
            return self.error(400);
        };
        let (id, session) = match self.session(request) {
            Ok(session) => session,
            Err(refusal) => return refusal,
        };
        let (stepped, handed_in) = self.change(session, |session| {
            if !session.verification.is_open() {
                return (Err((400, "INVALID_SESSION_DETAILS")), None);
            }
            let stepped = step(&given, session);
            let handed_in = (!session.verification.is_open()).then(|| session.clone());
            (stepped, handed_in)
        });
        if let Some(handed_in) = handed_in {
            self.submitted(self.simulation.now_ms(), session, &handed_in);
        }
        self.mfa_reply(id, session, stepped)
    }

    fn mfa_reply(&self, id: &str, session: Uuid, stepped: Result<(), Refused>) -> Reply {
        let boolean = *self.settings.boolean_mfa_status();
        let status = match (boolean, stepped.is_ok()) {
            (true, done) => Json::Bool(done),
            (false, true) => "success".into(),
            (false, false) => "fail".into(),
        };
        let mut members = vec![("sessionId", id.into()), ("status", status)];
        let Err((refused, reason)) = stepped else {
            let effect = session.to_string();
            return self.success(members).with_effect(effect);
        };
        members.push(("reason", reason.into()));
        match self.settings.mfa_failure() {
            MfaFailure::InsideSuccess => self.success(members),
            MfaFailure::HttpStatus => Reply::json(refused, &Json::Object(members)),
        }
    }
}
