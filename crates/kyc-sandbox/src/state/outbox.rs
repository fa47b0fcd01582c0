//! Webhooks that were made, and the attempts to deliver them.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::recent::push;
use super::store::{Room, Store, Word};
use super::{JourneyId, Provider};

/// The id of a webhook, such as `w_7f2c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub struct WebhookId(u64);

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w_{:04x}", self.0)
    }
}

/// A text that is no webhook's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's id is `w_` and a hexadecimal number")]
pub struct ParseWebhookIdError(());

impl FromStr for WebhookId {
    type Err = ParseWebhookIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("w_").ok_or(ParseWebhookIdError(()))?;
        let number = u64::from_str_radix(digits, 16).map_err(|_| ParseWebhookIdError(()))?;
        Ok(Self(number))
    }
}

/// With what a webhook is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum WebhookSigning {
    /// With the provider's current secret.
    Genuine,
    /// With a secret that was replaced.
    OldSecret,
    /// With a secret that was never the provider's.
    Forged,
    /// Not at all.
    Unsigned,
}

/// The outcome of one attempt to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Delivery {
    /// The receiver answered with this HTTP status. A 2xx ends the attempts.
    Answered(u16),
    /// The receiver could not be reached, or did not answer in time.
    Failed,
    /// There is no URL to send it to: it is kept.
    NotSent,
    /// Its URL leads to another machine, and
    /// [`Settings::with_allow_other_machines`](crate::Settings::with_allow_other_machines) does not allow that.
    OtherMachine,
    /// Its URL is none that a request can be sent to.
    UnusableUrl,
    /// The sandbox has nothing to send with: [`Settings::with_webhook_transport`](crate::Settings::with_webhook_transport).
    NoTransport,
}

impl Delivery {
    /// Whether the receiver accepted the webhook.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }

    /// Why nothing was sent, in words; `None` where something was.
    pub fn why_not_sent(self) -> Option<&'static str> {
        match self {
            Self::Answered(_) | Self::Failed => None,
            Self::NotSent => Some("no URL is set"),
            Self::OtherMachine => Some(
                "the URL leads to another machine, which the sandbox does not allow: --allow-other-machines",
            ),
            Self::UnusableUrl => Some("the URL is no absolute http or https URL"),
            Self::NoTransport => Some("the sandbox has no transport for webhooks"),
        }
    }
}

/// A webhook, and what became of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Who sends it.
    pub provider: Provider,
    /// What it tells, such as `decision.approved` or `CONSENT_APPROVED`.
    pub event: &'static str,
    /// The journey that it is about.
    pub journey: Option<JourneyId>,
    /// When it was made, in Unix milliseconds of the sandbox's clock.
    pub made_ms: i64,
    /// Where it goes; without a URL it is kept and sent nowhere.
    pub url: Option<String>,
    /// With what it is signed.
    pub signing: WebhookSigning,
    /// The bytes that are sent each time.
    pub body: Bytes,
    /// The attempts, with their time, oldest first.
    pub attempts: Vec<(i64, Delivery)>,
    /// How often it is sent although it was accepted.
    pub repeats: u8,
}

impl Webhook {
    /// Whether no attempt is due any more: it was accepted as often as it is sent.
    pub(crate) fn is_done(&self) -> bool {
        let accepted = self.attempts.iter();
        let accepted = accepted.filter(|(_, delivery)| delivery.is_accepted());
        accepted.count() > usize::from(self.repeats)
    }
}

/// A webhook as it is kept, without its id.
#[derive(Debug)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
struct Kept {
    provider: Provider,
    #[cfg_attr(
        feature = "state-file",
        serde(deserialize_with = "super::store::form::word")
    )]
    event: Word,
    journey: Option<JourneyId>,
    made_ms: i64,
    url: Option<String>,
    signing: WebhookSigning,
    #[cfg_attr(
        feature = "state-file",
        serde(with = "super::store::form::base64_bytes")
    )]
    body: Bytes,
    attempts: Vec<(i64, Delivery)>,
    repeats: u8,
}

impl From<&Webhook> for Kept {
    fn from(webhook: &Webhook) -> Self {
        Self {
            provider: webhook.provider,
            event: webhook.event,
            journey: webhook.journey,
            made_ms: webhook.made_ms,
            url: webhook.url.clone(),
            signing: webhook.signing,
            body: webhook.body.clone(),
            attempts: webhook.attempts.clone(),
            repeats: webhook.repeats,
        }
    }
}

impl Kept {
    fn with_id(self, id: WebhookId) -> Webhook {
        Webhook {
            id,
            provider: self.provider,
            event: self.event,
            journey: self.journey,
            made_ms: self.made_ms,
            url: self.url,
            signing: self.signing,
            body: self.body,
            attempts: self.attempts,
            repeats: self.repeats,
        }
    }
}

/// What a provider says about a webhook before it has an id.
#[derive(Debug, Clone)]
pub(crate) struct WebhookDraft {
    pub(crate) provider: Provider,
    pub(crate) event: &'static str,
    pub(crate) journey: Option<JourneyId>,
    pub(crate) url: Option<String>,
    pub(crate) body: String,
}

/// The newest webhooks, oldest first.
#[derive(Debug)]
pub(crate) struct Outbox {
    capacity: usize,
    room: Room,
    /// Of how many were made.
    made: Room,
    webhooks: Mutex<Webhooks>,
}

#[derive(Debug, Default)]
struct Webhooks {
    made: u64,
    /// In the order of their ids.
    kept: VecDeque<Webhook>,
}

impl Webhooks {
    fn place(&self, id: WebhookId) -> Option<usize> {
        self.kept
            .binary_search_by_key(&id, |webhook| webhook.id)
            .ok()
    }
}

impl Outbox {
    /// The webhooks that were kept.
    pub(crate) fn new(capacity: usize, store: &Store) -> Self {
        let (room, made) = (store.room("webhooks"), store.room("webhooks made"));
        let kept = room.take::<WebhookId, Kept>().into_iter();
        let webhooks = Webhooks {
            made: made.take().pop().map_or(0, |((), made)| made),
            kept: kept.map(|(id, webhook)| webhook.with_id(id)).collect(),
        };
        Self {
            capacity,
            room,
            made,
            webhooks: Mutex::new(webhooks),
        }
    }

    fn keep(&self, webhook: &Webhook) {
        // A copy is made only where it is kept.
        if self.room.is_kept() {
            self.room.put(&webhook.id, &Kept::from(webhook));
        }
    }

    pub(crate) fn add(
        &self,
        draft: WebhookDraft,
        made_ms: i64,
        signing: WebhookSigning,
        repeats: u8,
    ) -> WebhookId {
        let mut webhooks = self.lock();
        webhooks.made = webhooks.made.saturating_add(1);
        let id = WebhookId(webhooks.made);
        self.made.put(&(), &webhooks.made);
        let webhook = Webhook {
            id,
            provider: draft.provider,
            event: draft.event,
            journey: draft.journey,
            made_ms,
            url: draft.url,
            signing,
            body: draft.body.into(),
            attempts: Vec::new(),
            repeats,
        };
        self.keep(&webhook);
        if webhooks.kept.len() >= self.capacity
            && let Some(oldest) = webhooks.kept.pop_front()
        {
            self.room.remove(&oldest.id);
        }
        push(&mut webhooks.kept, webhook, self.capacity);
        id
    }

    pub(crate) fn get(&self, id: WebhookId) -> Option<Webhook> {
        let webhooks = self.lock();
        let place = webhooks.place(id)?;
        webhooks.kept.get(place).cloned()
    }

    /// The newest attempt to deliver, with the event that it told of.
    pub(crate) fn last_attempt(&self) -> Option<(&'static str, Delivery)> {
        let webhooks = self.lock();
        let attempted = webhooks
            .kept
            .iter()
            .filter_map(|webhook| Some((webhook.event, *webhook.attempts.last()?)));
        let newest = attempted.max_by_key(|(_, (at_ms, _))| *at_ms);
        newest.map(|(event, (_, delivery))| (event, delivery))
    }

    pub(crate) fn all(&self) -> Vec<Webhook> {
        self.lock().kept.iter().cloned().collect()
    }

    /// The newest id, if there is one.
    pub(crate) fn newest(&self) -> Option<WebhookId> {
        self.lock().kept.back().map(|webhook| webhook.id)
    }

    /// Those that were made after this one.
    pub(crate) fn after(&self, id: Option<WebhookId>) -> Vec<Webhook> {
        let webhooks = self.lock();
        let before = webhooks
            .kept
            .partition_point(|webhook| Some(webhook.id) <= id);
        webhooks.kept.iter().skip(before).cloned().collect()
    }

    pub(crate) fn change(&self, id: WebhookId, change: impl FnOnce(&mut Webhook)) {
        let mut webhooks = self.lock();
        let place = webhooks.place(id);
        if let Some(webhook) = place.and_then(|place| webhooks.kept.get_mut(place)) {
            change(webhook);
            self.keep(webhook);
        }
    }

    pub(crate) fn remove(&self, id: WebhookId) {
        self.lock().kept.retain(|webhook| webhook.id != id);
        self.room.remove(&id);
    }

    pub(crate) fn record(&self, id: WebhookId, at_ms: i64, delivery: Delivery) {
        self.change(id, |webhook| webhook.attempts.push((at_ms, delivery)));
    }

    fn lock(&self) -> MutexGuard<'_, Webhooks> {
        self.webhooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
