//! The id of one call.

use std::fmt;

use http::HeaderValue;
use serde::{Serialize, Serializer};

use crate::values::{InvalidRequest, PathId, random_bits};

/// The id of one call, sent as `x-request-id` with each of its attempts and kept in its response or error.
///
/// No provider documents this header; providers and gateways may log it. Quote it to support together with the provider's
/// own transaction id where there is one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The header that it is sent in.
    pub const HEADER: http::HeaderName = http::HeaderName::from_static("x-request-id");

    /// Parses the caller's own id: 1 to 128 characters of `A-Z a-z 0-9 _ -`.
    ///
    /// # Errors
    ///
    /// Empty, longer, or another character. Do not put personal data into it: it is sent and logged.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let id = PathId::parse("request_id", text)?;
        HeaderValue::from_str(id.as_str())
            .map(Self)
            .map_err(|_| InvalidRequest::new("request_id", "must be printable ASCII"))
    }

    /// Creates a random id.
    ///
    /// # Errors
    ///
    /// The system provides no randomness.
    pub fn random() -> Result<Self, InvalidRequest> {
        random_bits().map(Self::from_bits)
    }

    pub(crate) fn from_bits(bits: u128) -> Self {
        let mut digits = [0; 32];
        // 16 bytes are 32 digits and digits are a legal header; neither step can fail.
        let _ = hex::encode_to_slice(bits.to_be_bytes(), &mut digits);
        Self(HeaderValue::from_bytes(&digits).unwrap_or_else(|_| HeaderValue::from_static("-")))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

crate::text_input! {
    RequestId, "A call's id: 1 to 128 characters of A-Z, a-z, 0-9, _ and -.", pattern: "^[A-Za-z0-9_-]{1,128}$"
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.as_str())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_request_id_is_legal_and_unique() {
        let (one, other) = (RequestId::random().unwrap(), RequestId::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(RequestId::parse(one.as_str()).unwrap(), one);
        assert_eq!(one.as_str().len(), 32);
    }

    #[test]
    fn a_request_id_prints_as_it_is_sent() {
        let id = RequestId::parse("order-7").unwrap();
        assert_eq!(format!("{id} {id:?}"), "order-7 RequestId(order-7)");
        assert_eq!(id.header_value(), "order-7");
        assert_eq!(
            RequestId::from_bits(0x2a).as_str(),
            format!("{:032x}", 0x2a)
        );
    }
}
