//! Veriff: verification sessions, signed in both directions.

mod attempts;
mod collected_data;
mod create_session;
mod curp;
mod decision;
mod delete_session;
mod media;
mod mfa;
pub(crate) mod options;
mod person;
mod record_consent;
mod screening;
mod sessions;
pub(crate) mod signing;
mod submit_session;
mod webhooks;

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use uuid::Uuid;

use self::options::{
    ErrorSigning, KeyOrder, MalformedSession, ReplySigning, SESSION_BREAKS, SESSION_NOT_FOUND,
    SessionPolicy, UpperCaseSignature, VeriffSettings,
};
use self::sessions::Ends;
pub(crate) use self::sessions::Session;
use self::signing::{sign, signs_body, verifies};
use crate::exchange::{
    Admission, Faults, Header, Json, ProviderApi, ReceivedRequest, Reply, Route, reason,
};
use crate::state::{
    Bounded, Consents, DecisionStatus, JourneyId, Provider, RateWindows, Simulation, StoredConsent,
    Timer, Webhook,
};

/// Names a client that is not the caller's, for [`ReplySigning::ForeignClient`].
const FOREIGN_CLIENT: &str = "00000000-0000-4000-8000-0000000000ff";
/// Names a session that is not the caller's.
const ANOTHER_SESSION: &str = "00000000-0000-4000-8000-00000000a0a0";

/// In an hour and in a day, as documented.
const DELETIONS: [(Duration, u64); 2] = [
    (Duration::from_secs(60 * 60), 5),
    (Duration::from_secs(24 * 60 * 60), 10),
];
/// Where persons would be verified: no such host exists.
const SESSION_HOST: &str = "https://veriff.example.test";
/// What a session's token is, before its id.
const TOKEN: &str = "sandbox-token-of-";
/// The one operation whose requests need no signature.
const CREATE: &str = "/v1/sessions";

const MISSING_CLIENT: &str =
    "Mandatory X-AUTH-CLIENT header containing the API key is missing from the request.";

#[derive(Debug)]
pub(crate) struct Veriff {
    settings: VeriffSettings,
    simulation: Simulation,
    consents: Consents,
    /// The sessions about which somebody did something.
    sessions: Bounded<Uuid, Session>,
    ends: Ends,
    deletions: RateWindows,
    /// The files that were uploaded.
    media: Bounded<Uuid, media::File>,
    /// The time of what no one did at run time.
    started_ms: i64,
    /// Counts replies for [`KeyOrder::Varied`].
    turns: AtomicU64,
}

impl ProviderApi for Veriff {
    const PROVIDER: Provider = Provider::Veriff;
    const ROUTES: &'static [Route<Self>] = &[
        Route {
            method: Method::POST,
            template: CREATE,
            operation: "create-session",
            handler: create_session::handle,
        },
        Route {
            method: Method::PATCH,
            template: "/v1/sessions/{id}",
            operation: "submit-session",
            handler: submit_session::handle,
        },
        Route {
            method: Method::POST,
            template: "/v1/sessions/{id}/consents",
            operation: "record-consent",
            handler: record_consent::handle,
        },
        Route {
            method: Method::GET,
            template: "/v1/sessions/{id}/decision",
            operation: "decision",
            handler: decision::handle,
        },
        Route {
            method: Method::GET,
            template: "/v1/sessions/{id}/attempts",
            operation: "attempts",
            handler: attempts::handle,
        },
        Route {
            method: Method::POST,
            template: "/v1/sessions/{id}/media",
            operation: "upload-media",
            handler: media::upload,
        },
        Route {
            method: Method::GET,
            template: "/v1/sessions/{id}/media",
            operation: "session-media",
            handler: media::of_session,
        },
        Route {
            method: Method::GET,
            template: "/v1/attempts/{id}/media",
            operation: "attempt-media",
            handler: media::of_attempt,
        },
        Route {
            method: Method::GET,
            template: "/v1/media/{id}",
            operation: "download-media",
            handler: media::download,
        },
        Route {
            method: Method::GET,
            template: "/v1/sessions/{id}/person",
            operation: "person",
            handler: person::handle,
        },
        Route {
            method: Method::GET,
            template: "/v1/sessions/{id}/watchlist-screening",
            operation: "watchlist-screening",
            handler: screening::handle,
        },
        Route {
            method: Method::GET,
            template: "/v1/sessions/{id}/decision/curp-registry",
            operation: "curp-decision",
            handler: curp::handle,
        },
        Route {
            method: Method::POST,
            template: "/v1/sessions/{id}/collected-data",
            operation: "collected-data",
            handler: collected_data::handle,
        },
        Route {
            method: Method::POST,
            template: "/v1/sessions/{id}/mfa/generate",
            operation: "generate-mfa",
            handler: mfa::generate,
        },
        Route {
            method: Method::POST,
            template: "/v1/sessions/{id}/mfa/verify",
            operation: "verify-mfa",
            handler: mfa::verify,
        },
        Route {
            method: Method::DELETE,
            template: "/v1/sessions/{id}",
            operation: "delete-session",
            handler: delete_session::handle,
        },
    ];

    fn admit(&self, request: &ReceivedRequest) -> Admission {
        self.authenticate(request)
            .map_err(|(code, message)| self.refusal(*self.settings.auth_status(), code, message))
            .into()
    }

    fn error(&self, status: u16) -> Reply {
        let (code, message) = match status {
            400 => (
                self.settings.validation_code().as_str(),
                "Validation failed",
            ),
            401 => (self.settings.missing_client_code().as_str(), MISSING_CLIENT),
            404 => ("1101", "Resource not found"),
            500 => ("1101", "Something went wrong"),
            other => ("1101", reason(other)),
        };
        self.refusal(status, code, message)
    }

    fn faults(&self) -> Faults<'_> {
        self.settings.faults()
    }

    fn body_limit(&self, operation: &str) -> Option<usize> {
        (operation == "upload-media").then_some(*self.settings.upload_limit())
    }

    fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    fn due(&self, at_ms: i64, _journey: Option<JourneyId>, timer: Timer) {
        self.timer_due(at_ms, &timer);
    }

    fn comes(&self, timer: &Timer) -> Option<&'static str> {
        self.comes_of(timer)
    }

    fn webhook_headers(&self, webhook: &Webhook) -> Vec<(Cow<'static, str>, String)> {
        let headers = self.headers_of(webhook).into_iter();
        headers.map(|(name, value)| (name.into(), value)).collect()
    }
}

impl Veriff {
    pub(crate) fn new(settings: VeriffSettings, simulation: Simulation) -> Self {
        let capacity = *settings.consent_capacity();
        let room = |name| simulation.store.room(name);
        let started = room("beginning of veriff");
        let kept = started.take().pop();
        let started_ms = kept.map_or_else(|| simulation.now_ms(), |((), kept)| kept);
        started.put(&(), &started_ms);
        Self {
            consents: Consents::new(capacity, room("consents of veriff")),
            sessions: Bounded::new(capacity, room("sessions of veriff")),
            ends: Ends::new(room("ends of veriff")),
            deletions: RateWindows::new(&DELETIONS),
            media: Bounded::new(*settings.media_capacity(), room("files of veriff")),
            started_ms,
            turns: AtomicU64::new(0),
            settings,
            simulation,
        }
    }

    /// The consents of a session, oldest first. Empty for an id that is not a UUID.
    pub(crate) fn consents(&self, session_id: &str) -> Vec<StoredConsent> {
        Uuid::try_parse(session_id).map_or_else(
            |_| Vec::new(),
            |session| self.consents.of(session, *self.settings.latest_scope()),
        )
    }

    /// Whether it remembers a session: one that was created here, or that something happened to.
    pub(crate) fn knows(&self, session_id: &str) -> bool {
        Uuid::try_parse(session_id).is_ok_and(|session| self.sessions.get(&session).is_some())
    }

    /// Has a session of another one as well.
    pub(crate) fn copy_session(&self, other: &Self, session_id: &str) {
        let id = Uuid::try_parse(session_id).ok();
        if let Some((id, session)) = id.and_then(|id| Some((id, other.sessions.get(&id)?))) {
            self.sessions.update(id, |_| session.clone());
        }
    }

    /// Decides about a session, unless the id is not a UUID or the session was deleted.
    pub(crate) fn decide(&self, session_id: &str, decision: DecisionStatus) -> bool {
        let Some(id) = self.known(session_id) else {
            return false;
        };
        self.conclude(self.simulation.now_ms(), id, decision, None);
        true
    }

    /// Verifies the signature over the bytes as received: the body, or for a GET or DELETE the id in the path.
    fn authenticate(&self, request: &ReceivedRequest) -> Result<(), (&str, &'static str)> {
        let settings = &self.settings;
        let client = match request.header("x-auth-client") {
            Header::Once(client) if !client.is_empty() => client,
            Header::Once(_) | Header::Missing => {
                return Err((settings.missing_client_code(), MISSING_CLIENT));
            }
            Header::Repeated(_) => {
                return Err(("1815", "The x-auth-client header was sent twice."));
            }
        };
        if uuid(client).is_none() {
            return Err(("1802", "The API key is not a UUID."));
        }
        if client != settings.api_key().as_bytes() {
            return Err(("1803", "No integration has this API key."));
        }
        let signature = match request.header("x-hmac-signature") {
            Header::Missing if request.template() == CREATE => return Ok(()),
            Header::Once(signature) if !signature.is_empty() => signature,
            Header::Once(_) | Header::Missing | Header::Repeated(_) => {
                return Err((
                    settings.missing_signature_code(),
                    "The request needs one x-hmac-signature header.",
                ));
            }
        };
        let upper = signature.iter().any(u8::is_ascii_uppercase);
        let mut received = [0_u8; 32];
        let malformed = hex::decode_to_slice(signature, &mut received).is_err()
            || (upper && *settings.upper_case_signature() == UpperCaseSignature::Refused);
        if malformed {
            return Err((
                settings.malformed_signature_code(),
                "The x-hmac-signature header is not 64 hexadecimal digits.",
            ));
        }
        let (signed, mismatch) = match signs_body(request.method()) {
            true => (
                request.body(),
                (
                    "1819",
                    "The x-hmac-signature header does not match the request body.",
                ),
            ),
            false => (
                request.parameter("id").as_bytes(),
                (
                    "1818",
                    "The x-hmac-signature header does not match the id in the path.",
                ),
            ),
        };
        let mut secrets = settings.secrets().iter();
        if secrets.any(|secret| verifies(secret, signed, &received)) {
            Ok(())
        } else {
            Err(mismatch)
        }
    }

    /// The session that the path names, or the refusal if there is none.
    fn session<'r>(&self, request: &'r ReceivedRequest) -> Result<(&'r str, Uuid), Reply> {
        let (text, session) = self.path_id(request)?;
        match self.exists(session) {
            true => Ok((text, session)),
            false => Err(self.error(404)),
        }
    }

    /// The id in the path, or the refusal if it is of nothing.
    fn path_id<'r>(&self, request: &'r ReceivedRequest) -> Result<(&'r str, Uuid), Reply> {
        // A UUID never needs percent-encoding.
        let text = request.parameter("id");
        let Some(id) = uuid(text.as_bytes()) else {
            return Err(match self.settings.malformed_session() {
                MalformedSession::NotFound => self.error(404),
                MalformedSession::ValidationFailed => self.error(400),
            });
        };
        let is = |special: &str| Uuid::try_parse(special) == Ok(id);
        match (is(SESSION_BREAKS), is(SESSION_NOT_FOUND)) {
            (true, _) => Err(self.error(500)),
            (_, true) => Err(self.error(404)),
            _ => Ok((text, id)),
        }
    }

    fn exists(&self, session: Uuid) -> bool {
        let remembered = self.sessions.get(&session);
        !remembered.as_ref().is_some_and(|session| session.deleted)
            && match self.settings.sessions() {
                SessionPolicy::AnyUuid => true,
                SessionPolicy::Listed(sessions) => {
                    let mut sessions = sessions.iter();
                    remembered.is_some()
                        || sessions.any(|listed| Uuid::try_parse(listed) == Ok(session))
                }
            }
    }

    /// The id of one of a session's attempts. It is made of the session's, so that it needs no memory.
    fn attempt(session: Uuid, number: usize) -> Uuid {
        let mut bytes = session.into_bytes();
        bytes[0] ^= 0xa0 | (u8::try_from(number).unwrap_or(0x1f) & 0x1f);
        Uuid::from_bytes(bytes)
    }

    /// Whether a person was verified in a session.
    fn went_through(session: &Session) -> bool {
        use DecisionStatus::{Approved, Declined, ResubmissionRequested, Review};

        let decision = session.verification.decision();
        matches!(
            decision.map(|(_, decided)| decided.status),
            Some(Approved | Declined | ResubmissionRequested | Review)
        )
    }

    /// The reply that shows a session.
    fn session_reply(
        &self,
        status: u16,
        request: &ReceivedRequest,
        id: &str,
        session: &Session,
    ) -> Reply {
        let token = format!("{TOKEN}{id}");
        // Where nobody listens, and in recorded replies, it leads nowhere.
        let host = match request.is_served() && !self.simulation.ids.are_deterministic() {
            true => request.base_url(),
            false => SESSION_HOST,
        };
        let given = &session.given;
        let members = vec![
            ("id", id.into()),
            ("url", format!("{host}/v/{token}").into()),
            ("vendorData", given.vendor_data.clone().into()),
            ("endUserId", given.end_user_id.clone().into()),
            ("host", host.into()),
            ("status", session.verification.phase().as_str().into()),
            ("sessionToken", token.into()),
        ];
        self.signed_in_order(
            status,
            vec![
                ("status", "success".into()),
                ("verification", Json::Object(members)),
            ],
        )
    }

    /// A signed success with its members in the configured order.
    fn success(&self, members: Vec<(&'static str, Json)>) -> Reply {
        self.signed_in_order(200, members)
    }

    fn signed_in_order(&self, status: u16, mut members: Vec<(&'static str, Json)>) -> Reply {
        if *self.settings.key_order() == KeyOrder::Varied {
            let turn = self.turns.fetch_add(1, Ordering::Relaxed);
            let places = u64::try_from(members.len()).unwrap_or(1);
            // The first reply already differs from the documented order.
            let turned = turn.wrapping_add(1).checked_rem(places).unwrap_or(0);
            members.rotate_left(usize::try_from(turned).unwrap_or(0));
        }
        self.signed(status, &Json::Object(members))
    }

    fn signed(&self, status: u16, body: &Json) -> Reply {
        let compact = body.to_compact();
        let sent = match self.settings.reply_signing() {
            ReplySigning::ReserialisedAfterSigning => body.to_spaced(),
            _ => compact.clone(),
        };
        let reply = Reply::text(status, "application/json", sent);
        self.with_signature(reply, compact.as_bytes())
    }

    /// The reply with a signature over these bytes.
    fn with_signature(&self, reply: Reply, signed: &[u8]) -> Reply {
        let headers = self.signature_headers(signed);
        headers
            .iter()
            .fold(reply, |reply, (name, value)| reply.with_header(name, value))
    }

    fn refusal(&self, status: u16, code: &str, message: &str) -> Reply {
        let settings = &self.settings;
        let number = |text: &str| {
            text.parse::<i64>()
                .map_or_else(|_| text.into(), Json::Number)
        };
        let body = Json::Object(vec![
            (
                "status",
                if *settings.numeric_status() {
                    status.into()
                } else {
                    "fail".into()
                },
            ),
            (
                "code",
                if *settings.numeric_code() {
                    number(code)
                } else {
                    code.into()
                },
            ),
            ("message", message.into()),
        ]);
        match settings.error_signing() {
            ErrorSigning::Unsigned => Reply::json(status, &body),
            ErrorSigning::Signed => self.signed(status, &body),
        }
    }
}

/// A UUID in its usual form with hyphens; the crate accepts others too.
fn uuid(text: &[u8]) -> Option<Uuid> {
    (text.len() == 36)
        .then(|| Uuid::try_parse_ascii(text).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_a_uuid() {
        assert!(uuid(b"d69a07cf-4434-4d36-be6c-d22af7dc01fb").is_some());
        assert!(uuid(b"d69a07cf44344d36be6cd22af7dc01fb").is_none());
        assert!(uuid(b"{d69a07cf-4434-4d36-be6c-d22af7dc01fb}").is_none());
        assert!(uuid(b"").is_none());
    }
}
