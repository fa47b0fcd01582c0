//! The id of a verification session.

use provider_core::{InvalidRequest, PathId};
use serde::Serialize;

/// The id of a verification session: 1 to 128 characters of `A-Z a-z 0-9 _ -`. Documented as a UUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct SessionId(PathId);

impl SessionId {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// Empty, longer than 128, or any other character: dots, slashes, percent signs and control characters could change the
    /// path.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        PathId::parse("session_id", text).map(Self)
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The id as a segment of a path.
    pub fn as_path_id(&self) -> &PathId {
        &self.0
    }

    /// Whether `id`, from a reply, is this session's: equal byte for byte, or the same UUID in another case.
    pub fn is(&self, id: &str) -> bool {
        let is_uuid = |text: &str| {
            text.len() == 36
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        };
        let own = self.as_str();
        own == id || (is_uuid(own) && is_uuid(id) && own.eq_ignore_ascii_case(id))
    }
}

provider_core::text_input! {
    SessionId,
    "The id of a verification session: 1 to 128 characters of A-Z a-z 0-9 _ -; documented as a UUID.",
    pattern: "^[A-Za-z0-9_-]{1,128}$"
}

#[cfg(test)]
mod tests {
    use super::SessionId;

    fn same(one: &str, other: &str) -> bool {
        SessionId::parse(one).unwrap().is(other)
    }

    #[test]
    fn case_is_ignored_between_uuids_only() {
        let uuid = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
        assert!(same(uuid, &uuid.to_uppercase()));
        assert!(same("Session-1", "Session-1"));
        assert!(!same("Session-1", "session-1"));
        assert!(!same(uuid, "d69a07cf-4434-4d36-be6c-d22af7dc01fc"));
        // As long as a UUID, but not one.
        let long = "session-of-36-characters-0123456789a";
        assert!(!same(long, &long.to_uppercase()));
    }
}
