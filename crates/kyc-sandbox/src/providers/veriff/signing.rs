//! Veriff's signatures.

use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use sha2::Sha256;

/// Whether `signature` is the HMAC-SHA256 of `message`. Compares in constant time.
pub(super) fn verifies(secret: &str, message: &[u8], signature: &[u8]) -> bool {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .is_ok_and(|mac| mac.chain_update(message).verify_slice(signature).is_ok())
}

/// The HMAC-SHA256 of `message`, in 64 lower-case hexadecimal digits. The key is the text of the secret.
pub(crate) fn sign(secret: &str, message: &[u8]) -> String {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mac| hex::encode(mac.chain_update(message).finalize().into_bytes()))
        .unwrap_or_default()
}

/// Whether a request's signature is over its body; if not, it is over the id in its path.
pub(crate) fn signs_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PATCH | Method::PUT)
}

/// The id in a path, whatever stands before it; empty if there is none.
pub(crate) fn id_in(path: &str) -> &str {
    let mut parts = path.split('/');
    let id = parts.find(|part| uuid::Uuid::try_parse(part).is_ok());
    id.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = crate::credentials::VERIFF_SHARED_SECRET;
    const D: &str =
        r#"{"type":"ine","approved":true,"text":"User agrees to share their INE details"}"#;
    const F: &str = r#"{"id":"123e4567-e89b-12d3-a456-426614174000","context":"consent","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;

    #[test]
    fn check_values_come_out() {
        assert_eq!(
            sign(SECRET, D.as_bytes()),
            "8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4"
        );
        assert_eq!(
            sign(SECRET, F.as_bytes()),
            "d1f79874eb0cc174f45c8b8e240a9797ec90a18298ae5828f8d8daac5b66eb92"
        );
        assert_eq!(
            sign(SECRET, b""),
            "4005304bae46f8a0c2b1fbd7088f9dded39dc1040be754dede2bf198ab44b7c8"
        );
        assert_eq!(
            sign(SECRET, b"aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7"),
            "895cb3fd31139d89aeb7b263682e15479ab57651e70591256ad2c14fde4950dd"
        );
        assert_eq!(
            sign("Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn spaces_and_other_keys_do_not_verify() {
        let d = hex::decode("8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4")
            .unwrap();
        assert!(verifies(SECRET, D.as_bytes(), &d));
        assert!(!verifies("another", D.as_bytes(), &d));
        assert!(!verifies(SECRET, D.replace(':', ": ").as_bytes(), &d));
        assert!(!verifies(SECRET, D.as_bytes(), &d[..31]));
        assert!(!verifies(SECRET, D.as_bytes(), &[]));
    }
}
