//! Finpass's webhooks: hints that something may have changed.

use std::fmt;
use std::time::Duration;

use provider_core::http::Request;
use provider_core::lenient;
use provider_core::webhook::http_body::Body;
use provider_core::webhook::{BoxError, PathToken, Refusal, decode, read_post};
use provider_core::{Label, bytes::Bytes};
use serde::Deserialize;

use crate::{JourneyId, SessionId};

/// Receives the webhooks whose address is the `webhook_url` of [`Initialize`](crate::Initialize) and
/// [`InitializeJourney`](crate::InitializeJourney).
///
/// Finpass documents no signature, no header and no body (`[unknown]`): whoever knows the address can send anything. So what is
/// received is a [`Hint`], which tells no state and is no [`Verified`](provider_core::webhook::Verified): it is a reason to ask
/// Finpass now. The reply of that call, authenticated by TLS, is what counts; a forged hint costs one call.
///
/// A secret token in the path keeps strangers from causing calls. It is not a signature: it is in Finpass's logs, and perhaps in
/// those of a proxy.
///
/// ```
/// use finpass::provider_core::webhook::PathToken;
/// use finpass::provider_core::{Error, Progress};
/// use finpass::{FinpassClient, FinpassHints, GetJourneyStatus, Hint, JourneyId, JourneyState};
///
/// // The webhook_url is https://your.example/hooks/finpass/ and the token.
/// let hints = FinpassHints::new(PathToken::new("made-up-token-with-32-characters")?);
///
/// /// Asks Finpass about the journey, if the hint may be about it.
/// async fn confirm(
///     hint: Hint,
///     journey: &JourneyId,
///     client: &FinpassClient,
///     progress: &mut Progress<JourneyState>,
/// ) -> Result<(), Error> {
///     if hint.may_be_about_journey(journey) {
///         let status = client.journey_status(GetJourneyStatus::new(journey.clone())).await?;
///         status.value().data.told(progress);
///     }
///     Ok(())
/// }
/// # Ok::<(), finpass::provider_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone)]
pub struct FinpassHints {
    token: Option<PathToken>,
}

impl FinpassHints {
    /// The largest body: 64 KiB.
    pub const MAX_BODY_BYTES: usize = 64 * 1024;
    /// The time in which a body has to arrive.
    pub const RECEIVE_WITHIN: Duration = Duration::from_secs(4);

    /// Accepts hints whose path ends in this token.
    pub fn new(token: PathToken) -> Self {
        let token = Some(token);
        Self { token }
    }

    /// Accepts hints from anybody who knows the address. Limit how often they make you ask.
    pub fn from_anybody() -> Self {
        Self { token: None }
    }

    /// Receives a request; `token` is the last segment of its path. Answer 200 at once, and ask Finpass later.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: another token, before anything of the body is read; not a POST; too large, too slow, incomplete.
    pub async fn receive<B>(
        &self,
        token: Option<&str>,
        request: Request<B>,
    ) -> Result<Hint, Refusal>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        self.check(token)?;
        let raw = read_post(request, Self::MAX_BODY_BYTES, Self::RECEIVE_WITHIN).await?;
        Ok(Hint { raw })
    }

    /// The same of bytes that were read by others, at most [`MAX_BODY_BYTES`](Self::MAX_BODY_BYTES).
    ///
    /// # Errors
    ///
    /// [`Refusal`]: another token, too large.
    pub fn hint(&self, token: Option<&str>, body: Bytes) -> Result<Hint, Refusal> {
        self.check(token)?;
        match body.len() <= Self::MAX_BODY_BYTES {
            true => Ok(Hint { raw: body }),
            false => Err(Refusal::TooLarge),
        }
    }

    fn check(&self, token: Option<&str>) -> Result<(), Refusal> {
        match &self.token {
            Some(own) => own.check(token),
            None => Ok(()),
        }
    }
}

/// Something may have changed at Finpass: ask. Nothing in it is believed, so it has no members.
///
/// `Debug` prints nothing of the bytes.
#[derive(Clone)]
pub struct Hint {
    raw: Bytes,
}

impl Hint {
    /// The bytes, unverified. Their form is not documented (`[unknown]`); they may hold personal data.
    pub fn unverified_bytes(&self) -> &Bytes {
        &self.raw
    }

    /// Whether it may be about this session: it names it, or it names none.
    pub fn may_be_about(&self, session: &SessionId) -> bool {
        self.may_name(session.as_str())
    }

    /// Whether it may be about this journey: it names it, or it names none.
    pub fn may_be_about_journey(&self, journey: &JourneyId) -> bool {
        self.may_name(journey.as_str())
    }

    /// In every reply `client_id` is the id, at the top or in `data`; in a webhook it is `[unknown]`.
    fn may_name(&self, id: &str) -> bool {
        #[derive(Deserialize)]
        struct Received {
            #[serde(default, deserialize_with = "lenient::text")]
            client_id: Option<Label>,
            #[serde(default, deserialize_with = "lenient::object")]
            data: Option<Data>,
        }

        #[derive(Deserialize)]
        struct Data {
            #[serde(default, deserialize_with = "lenient::text")]
            client_id: Option<Label>,
        }

        // What cannot be read names none.
        let Ok(received) = decode::<Received>(&self.raw) else {
            return true;
        };
        let data = received.data.and_then(|data| data.client_id);
        let mut named = [received.client_id, data].into_iter().flatten().peekable();
        named.peek().is_none() || named.any(|named| &*named == id)
    }
}

impl fmt::Debug for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hint({} bytes)", self.raw.len())
    }
}
