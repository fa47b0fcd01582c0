//! The body of a request.

use std::fmt;

use bytes::Bytes;

/// The bytes of a request. `Debug` prints their number, never the bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body(Bytes);

impl Body {
    /// The bytes, shared without a copy.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The bytes, by value and without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_its_bytes_and_prints_their_number() {
        for body in [
            Body::from(Bytes::from_static(b"CANARY")),
            Body::from(b"CANARY".to_vec()),
        ] {
            assert_eq!(format!("{body:?}"), "Body(6 bytes)");
            assert_eq!(
                (&body.bytes()[..], body.as_ref()),
                (&b"CANARY"[..], &b"CANARY"[..])
            );
            assert_eq!(body.into_bytes(), "CANARY");
        }
    }
}
