//! What tells one event from another.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The key of an event: the same for the same event after a restart and on every machine, so that a database can hold it under
/// a unique constraint. A SHA-256 digest; nothing can be read from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey([u8; 32]);

impl EventKey {
    /// The key of an event of a provider that these parts identify. `["a", "bc"]` and `["ab", "c"]` differ.
    pub fn of(provider: &str, parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in std::iter::once(provider.as_bytes()).chain(parts.iter().copied()) {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_where_events_do_and_stay_the_same() {
        let parts: [&[&[u8]]; 4] = [&[b"a", b"bc"], &[b"ab", b"c"], &[b"abc"], &[]];
        for (at, one) in parts.iter().enumerate() {
            for other in &parts[..at] {
                assert_ne!(EventKey::of("p", one), EventKey::of("p", other));
            }
            assert_ne!(EventKey::of("p", one), EventKey::of("q", one));
        }
        assert_eq!(
            EventKey::of("veriff", &[b"{}"]).to_string(),
            "82fcfa261eeb0431bdbfbce6a69f422c3e76cdb9a21e9f9f3043ae399a92ba40"
        );
    }
}
