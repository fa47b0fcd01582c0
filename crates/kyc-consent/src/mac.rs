//! HMAC-SHA256 with a key of 256 bits.

use hmac::{Hmac, KeyInit as _};
use sha2::Sha256;
use zeroize::Zeroize as _;

/// An HMAC-SHA256 under this key.
pub(crate) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // Shorter than a block, so RFC 2104 fills it with zeros.
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mac = Hmac::new(&block);
    block.as_mut_slice().zeroize();
    mac
}

#[cfg(test)]
mod tests {
    use hmac::Mac as _;

    use super::*;

    #[test]
    fn it_is_the_hmac_of_the_key() {
        let key: [u8; 32] = std::array::from_fn(|index| index as u8);
        let mut same = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        same.update(b"message");
        let mut mac = keyed(&key);
        mac.update(b"message");
        assert_eq!(mac.finalize().into_bytes(), same.finalize().into_bytes());
    }
}
