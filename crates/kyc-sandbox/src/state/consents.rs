//! The consents of Veriff's sessions.

use uuid::Uuid;

use super::recent::Recent;
use super::store::{Room, Word};

/// The scope in which the latest consent is binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LatestScope {
    /// Of all consents of the session.
    Session,
    /// Of the consents of the same type of the session.
    SessionAndType,
}

/// A recorded consent. Its text is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredConsent {
    id: String,
    kind: String,
    approved: bool,
    binding: bool,
}

impl StoredConsent {
    /// The consent's id, as in the reply.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `ine`, `bipa` or `aadhaar`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether the end-user approved.
    pub fn approved(&self) -> bool {
        self.approved
    }

    /// Whether it is binding: no later consent has replaced it.
    pub fn is_binding(&self) -> bool {
        self.binding
    }
}

#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
struct Stored {
    session: Uuid,
    id: String,
    #[cfg_attr(
        feature = "state-file",
        serde(deserialize_with = "super::store::form::word")
    )]
    kind: Word,
    approved: bool,
}

/// The consents of all sessions; the oldest are forgotten beyond the capacity.
#[derive(Debug)]
pub(crate) struct Consents(Recent<Stored>);

impl Consents {
    pub(crate) fn new(capacity: usize, room: Room) -> Self {
        Self(Recent::new(capacity, room))
    }

    pub(crate) fn record(&self, session: Uuid, id: String, kind: &'static str, approved: bool) {
        self.0.add(Stored {
            session,
            id,
            kind,
            approved,
        });
    }

    /// The consents of one session, oldest first.
    pub(crate) fn of(&self, session: Uuid, scope: LatestScope) -> Vec<StoredConsent> {
        let stored = self.0.filter(|consent| consent.session == session);
        let mut later_kinds: Vec<&str> = Vec::new();
        let mut newest_first: Vec<StoredConsent> = Vec::new();
        for consent in stored.into_iter().rev() {
            let binding = match scope {
                LatestScope::Session => newest_first.is_empty(),
                LatestScope::SessionAndType => !later_kinds.contains(&consent.kind),
            };
            later_kinds.push(consent.kind);
            newest_first.push(StoredConsent {
                id: consent.id,
                kind: consent.kind.to_owned(),
                approved: consent.approved,
                binding,
            });
        }
        newest_first.reverse();
        newest_first
    }
}
