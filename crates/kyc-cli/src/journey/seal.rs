//! Seals what a file of journeys holds, under a key that lies beside it.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use hmac::{Hmac, Mac as _};
use kyc_journey::{Domain, Place as Sealed, SealError, Sealer};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files::secret_file;
use crate::files::temporary;
use crate::storage::place::Place;

const VERSION: u8 = 1;
const NONCE: usize = 12;
/// One half seals, the other one makes digests.
const KEY: usize = 64;

/// AES-256-GCM, bound to the place.
pub(crate) struct FileSealer(Zeroizing<[u8; KEY]>);

impl fmt::Debug for FileSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileSealer(***)")
    }
}

/// Where the key of journeys is.
fn key_path(place: &Place) -> PathBuf {
    place.beside(".key")
}

impl FileSealer {
    /// Reads the key of these journeys; `None` if they have none.
    pub(crate) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        let field = place.keys_field();
        let not_a_key = || Failure::configuration(field, "is no key of journeys");
        let failed = |error: &io::Error| Failure::file(field, "read", error);
        let opened = secret_file::open(&key_path(place));
        let opened = opened.map_err(|error| secret_file::refused(field, "", &error))?;
        let Some(mut file) = opened else {
            return Ok(None);
        };
        let mut key = Zeroizing::new([0; KEY]);
        let whole = file.read_exact(&mut *key);
        let more = whole.and_then(|()| file.read(&mut [0]));
        match more {
            Ok(0) => Ok(Some(Self(key))),
            Ok(_) => Err(not_a_key()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(not_a_key()),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Makes the key of journeys that are new, unless it lies there already.
    pub(crate) fn create(place: &Place) -> Result<Self, Failure> {
        let field = place.keys_field();
        let mut key = Zeroizing::new([0; KEY]);
        let rule = "the system gives no randomness";
        getrandom::fill(&mut *key).map_err(|_| Failure::configuration("system", rule))?;
        match Self::write(&key_path(place), &key) {
            Ok(()) => Ok(Self(key)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let gone = || Failure::configuration(field, "is gone again");
                Self::read(place)?.ok_or_else(gone)
            }
            Err(error) => Err(Failure::file(field, "written", &error)),
        }
    }

    /// Puts a key in its place as a whole, where none is yet.
    fn write(path: &Path, key: &[u8; KEY]) -> io::Result<()> {
        let mut file = temporary::beside(path)?;
        file.write_all(key)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        Ok(())
    }

    fn cipher(&self) -> Aes256Gcm {
        let mut key = Zeroizing::new([0; 32]);
        let (half, _) = self.0.split_at(32);
        key.copy_from_slice(half);
        Aes256Gcm::new((&*key).into())
    }
}

/// All parts of a place, each so that none can be moved into another.
fn associated(place: &Sealed<'_>) -> Vec<u8> {
    let journey = place.journey.map_or("", |journey| journey.as_str());
    let class = place.class.map_or("", |class| class.as_str());
    let seq = place.seq.to_string();
    let mut data = vec![VERSION];
    for part in [place.body.as_str(), journey, class, &seq] {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        data.extend(length.to_be_bytes());
        data.extend(part.as_bytes());
    }
    data
}

impl Sealer for FileSealer {
    fn seal(&self, place: &Sealed<'_>, body: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::Unavailable)?;
        let payload = Payload {
            msg: body,
            aad: &associated(place),
        };
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| SealError::Unavailable)?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, place: &Sealed<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError::Altered)?;
        let (nonce, text) = rest
            .split_first_chunk::<NONCE>()
            .ok_or(SealError::Altered)?;
        if *version != VERSION {
            return Err(SealError::Altered);
        }
        let payload = Payload {
            msg: text,
            aad: &associated(place),
        };
        let opened = self.cipher().decrypt(&Nonce::from(*nonce), payload);
        opened.map_err(|_| SealError::Altered)
    }

    fn digest(&self, domain: Domain, text: &[u8]) -> [u8; 32] {
        let (_, half) = self.0.split_at(32);
        let mut digest = [0; 32];
        // A key of any length is accepted.
        if let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(half) {
            mac.update(domain.as_str().as_bytes());
            mac.update(&[0]);
            mac.update(text);
            digest.copy_from_slice(&mac.finalize().into_bytes());
        }
        digest
    }
}

/// Stands in for a key that is lost: what is sealed stays so, and nothing is written.
#[derive(Debug)]
pub(crate) struct NoKey;

impl Sealer for NoKey {
    fn seal(&self, _: &Sealed<'_>, _: &[u8]) -> Result<Vec<u8>, SealError> {
        Err(SealError::NoKey)
    }

    fn open(&self, _: &Sealed<'_>, _: &[u8]) -> Result<Vec<u8>, SealError> {
        Err(SealError::NoKey)
    }

    fn digest(&self, _: Domain, _: &[u8]) -> [u8; 32] {
        [0; 32]
    }
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::fs;

    use kyc_journey::{BodyKind, DataClass, JourneyId, Seq};

    use super::*;

    #[test]
    fn what_was_sealed_opens_in_its_place_only() {
        let directory = tempfile::tempdir().unwrap();
        let database = Place::File(directory.path().join("journeys.db"));
        let sealer = FileSealer::create(&database).unwrap();
        let (one, other) = (JourneyId::from_bits(1), JourneyId::from_bits(2));
        let place = |journey, seq, class| Sealed {
            journey: Some(journey),
            body: BodyKind::Payload,
            seq: Seq::new(seq),
            class: Some(class),
        };
        let here = place(&one, 1, DataClass::Links);
        let sealed = sealer.seal(&here, b"CANARY").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"CANARY"));
        assert_ne!(sealed, sealer.seal(&here, b"CANARY").unwrap());
        // The key is the same one the next time.
        let again = FileSealer::create(&database).unwrap();
        assert_eq!(
            again.open(&here, &sealed).as_deref(),
            Ok(b"CANARY".as_slice())
        );
        let elsewhere = [
            place(&other, 1, DataClass::Links),
            place(&one, 2, DataClass::Links),
            place(&one, 1, DataClass::Codes),
            Sealed {
                body: BodyKind::State,
                ..here
            },
            Sealed {
                journey: None,
                ..here
            },
        ];
        for place in elsewhere {
            assert_eq!(again.open(&place, &sealed), Err(SealError::Altered));
        }
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(again.open(&here, &altered), Err(SealError::Altered));
            assert_eq!(again.open(&here, &sealed[..at]), Err(SealError::Altered));
        }
        let stranger = FileSealer::create(&Place::File(directory.path().join("other.db"))).unwrap();
        assert_eq!(stranger.open(&here, &sealed), Err(SealError::Altered));
        let digest = |sealer: &FileSealer, domain| sealer.digest(domain, b"text");
        let known = digest(&sealer, Domain::EventKey);
        assert_eq!(known, digest(&again, Domain::EventKey));
        assert_ne!(known, digest(&again, Domain::Reference));
        assert_ne!(known, digest(&stranger, Domain::EventKey));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_key() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::tempdir().unwrap();
        let database = Place::File(directory.path().join("journeys.db"));
        FileSealer::create(&database).unwrap();
        let mode = fs::metadata(key_path(&database))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o644] {
            fs::set_permissions(key_path(&database), fs::Permissions::from_mode(mode)).unwrap();
            assert!(FileSealer::read(&database).is_err(), "{mode:o}");
        }
        fs::set_permissions(key_path(&database), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(FileSealer::read(&database).is_ok());
        for bytes in [vec![], vec![1; KEY - 1], vec![1; KEY + 1]] {
            fs::write(key_path(&database), bytes).unwrap();
            assert!(FileSealer::read(&database).is_err());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_stands_there_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let database = Place::File(directory.path().join("journeys.db"));
        let place = key_path(&database);
        assert!(FileSealer::write(&directory.path().join("none/key"), &[1; KEY]).is_err());
        FileSealer::write(&place, &[1; KEY]).unwrap();
        let again = FileSealer::write(&place, &[2; KEY]).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&place).unwrap(), [1; KEY]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
