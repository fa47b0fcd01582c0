//! Sealing: AES-256-GCM under one key for each person and class, bound to the place where the sealed data lies.

use std::fmt;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use zeroize::Zeroizing;

use crate::error::{KeyError, SealError};
use crate::ids::{Subject, random};
use crate::retention::Class;

const VERSION: u8 = 1;
const NONCE: usize = 12;

/// A key of 256 bits. Wiped on drop; `Debug` prints nothing of it.
pub struct DataKey(pub(crate) Zeroizing<[u8; 32]>);

impl DataKey {
    /// A new one, from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// The system provides none.
    pub fn random() -> Result<Self, KeyError> {
        let bytes = random().map_err(|_| KeyError::Randomness)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The one with these bytes, for wrappers.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes, for wrappers. Do not copy them into anything that outlives the call.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(***)")
    }
}

/// Where sealed data lies. It opens nowhere else, and as nobody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'p> {
    /// The table or collection.
    pub table: &'p str,
    /// The row's key.
    pub row: &'p [u8],
    /// Whose data it is.
    pub subject: Subject,
    /// Its class.
    pub class: Class,
    /// The row's version, so that an older one cannot be put back; 0 where rows do not change.
    pub version: u32,
}

impl Place<'_> {
    /// All parts, each so that none can be moved into another.
    fn associated_data(&self) -> Vec<u8> {
        let length = |part: &[u8]| u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes();
        let mut data = b"kyc-consent seal".to_vec();
        data.push(VERSION);
        data.extend(length(self.table.as_bytes()));
        data.extend(self.table.as_bytes());
        data.extend(length(self.row));
        data.extend(self.row);
        data.extend(self.subject.as_bytes());
        data.push(self.class.number());
        data.extend(self.version.to_be_bytes());
        data
    }
}

/// Seals `plain` for this place.
///
/// # Errors
///
/// The system provides no randomness.
pub fn seal(key: &DataKey, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, KeyError> {
    let nonce: [u8; NONCE] = random().map_err(|_| KeyError::Randomness)?;
    let payload = Payload {
        msg: plain,
        aad: &place.associated_data(),
    };
    // It fails only for more than 64 GiB.
    let text = cipher(key)
        .encrypt(&Nonce::from(nonce), payload)
        .map_err(|_| KeyError::Service("too much data to seal at once".to_owned()))?;
    Ok([&[VERSION], nonce.as_slice(), &text].concat())
}

/// Opens what was sealed for this place.
///
/// # Errors
///
/// It was altered, lies elsewhere, or is in a later form.
pub fn open(
    key: &DataKey,
    place: &Place<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (version, rest) = sealed.split_first().ok_or(SealError::Altered)?;
    if *version != VERSION {
        return Err(SealError::Form);
    }
    let (nonce, text) = rest
        .split_first_chunk::<NONCE>()
        .ok_or(SealError::Altered)?;
    let payload = Payload {
        msg: text,
        aad: &place.associated_data(),
    };
    let opened = cipher(key).decrypt(&Nonce::from(*nonce), payload);
    opened.map(Zeroizing::new).map_err(|_| SealError::Altered)
}

fn cipher(key: &DataKey) -> Aes256Gcm {
    Aes256Gcm::new((&*key.0).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place {
        table: "entry",
        row: b"1",
        subject: Subject::from_bytes([1; 16]),
        class: Class::Ledger,
        version: 0,
    };

    #[test]
    fn what_was_sealed_opens_in_its_place_only() {
        let key = DataKey::random().unwrap();
        let sealed = seal(&key, &PLACE, b"CANARY").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"CANARY"));
        assert_eq!(*open(&key, &PLACE, &sealed).unwrap(), b"CANARY");
        let other = DataKey::random().unwrap();
        assert_eq!(open(&other, &PLACE, &sealed), Err(SealError::Altered));
        for elsewhere in [
            Place {
                table: "entr",
                row: b"y1",
                ..PLACE
            },
            Place { row: b"2", ..PLACE },
            Place {
                subject: Subject::from_bytes([2; 16]),
                ..PLACE
            },
            Place {
                class: Class::Identity,
                ..PLACE
            },
            Place {
                version: 1,
                ..PLACE
            },
        ] {
            assert_eq!(open(&key, &elsewhere, &sealed), Err(SealError::Altered));
        }
        assert_eq!(format!("{key:?}"), "DataKey(***)");
    }

    #[test]
    fn any_altered_byte_is_found() {
        let key = DataKey::random().unwrap();
        let sealed = seal(&key, &PLACE, b"text").unwrap();
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(open(&key, &PLACE, &altered).is_err(), "{at}");
            assert!(open(&key, &PLACE, &sealed[..at]).is_err(), "{at}");
        }
        assert_eq!(open(&key, &PLACE, &[]), Err(SealError::Altered));
        assert_eq!(open(&key, &PLACE, &[2; 40]), Err(SealError::Form));
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time() {
        let key = DataKey::random().unwrap();
        let once = seal(&key, &PLACE, b"text").unwrap();
        assert_ne!(once, seal(&key, &PLACE, b"text").unwrap());
    }
}
