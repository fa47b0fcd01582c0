//! The keys of a ledger: one for each person and class, the index of persons, and their erasure.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hmac::Mac as _;
use jiff::Timestamp;
use provider_core::Mobile;
use zeroize::Zeroizing;

use crate::error::{KeyError, LedgerError, StoreError};
use crate::ids::{Digest, LedgerId, Subject, random};
use crate::mac::keyed;
use crate::receipt::whole;
use crate::retention::{Class, Erased};
use crate::seal::DataKey;
use crate::store::Reservation;
use crate::wrapper::{KeyWrapper, Wrapped};

/// A row of a [`KeyStore`]: a wrapped secret under a name that says nothing about anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// The name.
    pub name: Vec<u8>,
    /// The secret.
    pub wrapped: Wrapped,
    /// Since when it exists, in whole microseconds.
    pub since: Timestamp,
}

/// Where wrapped keys lie: a file of its own, apart from the ledger.
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// Which ledger the keys belong to; `None` if the store is new.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn ledger(&self) -> Result<Option<LedgerId>, StoreError>;

    /// Ties a new store to a ledger. Durable when it returns.
    ///
    /// # Errors
    ///
    /// The store failed, or belongs to another ledger.
    fn tie(&self, ledger: LedgerId) -> Result<(), StoreError>;

    /// The row of this name.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn get(&self, name: &[u8]) -> Result<Option<KeyRow>, StoreError>;

    /// The rows whose names begin so.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn list(&self, prefix: &[u8]) -> Result<Vec<KeyRow>, StoreError>;

    /// Inserts all rows or, if the name of one is taken, none, and says which. Durable when it returns, because a key has to
    /// outlive what it seals.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn insert(&self, rows: &[KeyRow]) -> Result<bool, StoreError>;

    /// Puts `new` in the place of `old` if that is still as it was, and says whether it was. Durable when it returns.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn replace(&self, old: &KeyRow, new: &KeyRow) -> Result<bool, StoreError>;

    /// Deletes rows, so that their bytes are not in the store any more when it returns, as far as the store can say so: the keys rotate
    /// the key-encryption key after it, without which the bytes open nothing.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn delete(&self, names: &[Vec<u8>]) -> Result<(), StoreError>;

    /// Replaces every secret by what `rewrap` returns for it, all or none, those too that others insert meanwhile; they wait. Nothing of
    /// the earlier ones is in the store when it returns, as far as the store can say so.
    ///
    /// # Errors
    ///
    /// The store failed, or `rewrap` did.
    fn rewrap(
        &self,
        rewrap: &mut dyn FnMut(&Wrapped) -> Result<Wrapped, KeyError>,
    ) -> Result<(), LedgerError>;

    /// Lets nobody else rotate the key-encryption key, in this process or another, until what it returns is dropped or the process dies;
    /// `None` if somebody does now. Two at once would destroy keys that the other one has just wrapped something under.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn reserve_rotation(&self) -> Result<Option<Reservation<'_>>, StoreError>;

    /// How many persons have data keys.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn persons(&self) -> Result<u64, StoreError>;
}

/// Wrapped keys in memory, gone with the process.
#[derive(Debug, Default)]
pub struct MemoryKeyStore {
    kept: Mutex<Kept>,
    is_rotating: AtomicBool,
}

/// Whose keys they are, and the keys by name.
type Kept = (Option<LedgerId>, BTreeMap<Vec<u8>, KeyRow>);

impl MemoryKeyStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, f: impl FnOnce(&mut Kept) -> T) -> T {
        f(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl KeyStore for MemoryKeyStore {
    fn ledger(&self) -> Result<Option<LedgerId>, StoreError> {
        Ok(self.with(|(ledger, _)| *ledger))
    }

    fn tie(&self, ledger: LedgerId) -> Result<(), StoreError> {
        self.with(|(tied, _)| match tied {
            Some(tied) if *tied != ledger => Err(other_ledger()),
            tied => {
                *tied = Some(ledger);
                Ok(())
            }
        })
    }

    fn get(&self, name: &[u8]) -> Result<Option<KeyRow>, StoreError> {
        Ok(self.with(|(_, rows)| rows.get(name).cloned()))
    }

    fn list(&self, prefix: &[u8]) -> Result<Vec<KeyRow>, StoreError> {
        Ok(self.with(|(_, rows)| {
            let from = rows.range(prefix.to_vec()..);
            let found = from.take_while(|(name, _)| name.starts_with(prefix));
            found.map(|(_, row)| row.clone()).collect()
        }))
    }

    fn insert(&self, new: &[KeyRow]) -> Result<bool, StoreError> {
        Ok(self.with(|(_, rows)| {
            if new.iter().any(|row| rows.contains_key(&row.name)) {
                return false;
            }
            rows.extend(new.iter().map(|row| (row.name.clone(), row.clone())));
            true
        }))
    }

    fn replace(&self, old: &KeyRow, new: &KeyRow) -> Result<bool, StoreError> {
        Ok(self.with(|(_, rows)| match rows.get_mut(&old.name) {
            Some(row) if row == old => {
                *row = new.clone();
                true
            }
            _ => false,
        }))
    }

    fn delete(&self, names: &[Vec<u8>]) -> Result<(), StoreError> {
        self.with(|(_, rows)| names.iter().for_each(|name| drop(rows.remove(name))));
        Ok(())
    }

    fn rewrap(
        &self,
        rewrap: &mut dyn FnMut(&Wrapped) -> Result<Wrapped, KeyError>,
    ) -> Result<(), LedgerError> {
        self.with(|(_, rows)| {
            let mut rewrapped = rows.clone();
            for row in rewrapped.values_mut() {
                row.wrapped = rewrap(&row.wrapped)?;
            }
            *rows = rewrapped;
            Ok(())
        })
    }

    fn reserve_rotation(&self) -> Result<Option<Reservation<'_>>, StoreError> {
        let is_taken = self.is_rotating.swap(true, Ordering::AcqRel);
        Ok((!is_taken)
            .then(|| Reservation::until(|| self.is_rotating.store(false, Ordering::Release))))
    }

    fn persons(&self) -> Result<u64, StoreError> {
        let rows = self.list(DATA)?;
        let mut persons: Vec<_> = rows.iter().filter_map(|row| row.name.get(1..17)).collect();
        persons.dedup();
        Ok(u64::try_from(persons.len()).unwrap_or(u64::MAX))
    }
}

pub(crate) fn other_ledger() -> StoreError {
    StoreError::Refused(crate::error::Refusal::OtherLedger)
}

/// The beginnings of names. A data key's name goes on with the person and the class.
pub(crate) const DATA: &[u8] = b"d";
const INDEX: &[u8] = b"i";
/// A digest on which all processes agree; the name goes on with what it is of.
const AGREED: &[u8] = b"a";
const LINK: &[u8] = b"l";
const INDEX_KEY: &[u8] = b"k";
/// An erasure that has begun and is not recorded yet: the name goes on with the person and a random number.
const BEGUN: &[u8] = b"e";
/// What is said again of an erasure that is over: the name goes on with its note's random number, and nothing of it with the person.
const SAID: &[u8] = b"s";
/// Wrappers take whole blocks of so many bytes.
const BLOCK: usize = 8;

/// The name of a note, whose erasure it notes, and what it says.
pub(crate) type Begun = (Vec<u8>, Subject, Zeroizing<Vec<u8>>);

/// Since when something is said again, and what.
pub(crate) type Said = (Timestamp, Zeroizing<Vec<u8>>);

/// The keys of one ledger: those in the store, and the key-encryption key that opens them.
#[derive(Debug, Clone)]
pub struct Keys {
    store: Arc<dyn KeyStore>,
    wrapper: Arc<dyn KeyWrapper>,
}

impl Keys {
    /// Keys in `store`, wrapped by `wrapper`.
    pub fn new(store: Arc<dyn KeyStore>, wrapper: Arc<dyn KeyWrapper>) -> Self {
        Self { store, wrapper }
    }

    /// Ties new keys to the ledger, and refuses keys that cannot open what the ledger has sealed.
    pub(crate) fn attach(
        &self,
        ledger: LedgerId,
        persons: impl FnOnce() -> Result<u64, StoreError>,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        if !self.check(ledger, persons)? {
            self.store.tie(ledger)?;
        }
        // From here on there is always a row that tells.
        self.secret(INDEX_KEY, now).map(drop)
    }

    /// Refuses keys that cannot open what the ledger has sealed, and writes nothing. `false`: they are new, and no ledger's yet.
    pub(crate) fn check(
        &self,
        ledger: LedgerId,
        persons: impl FnOnce() -> Result<u64, StoreError>,
    ) -> Result<bool, LedgerError> {
        let tied = self.store.ledger()?;
        match tied {
            Some(tied) if tied != ledger => return Err(other_ledger().into()),
            Some(_) => {}
            // A new file beside a ledger that has sealed something: the one that it was sealed with is lost.
            None => match persons()? {
                0 => {}
                persons => return Err(KeyError::Lost { persons }.into()),
            },
        }
        self.fit()?;
        Ok(tied.is_some())
    }

    /// Refuses a wrapper that has not the key under which the keys are: any row tells whether it has the one that wrapped them all.
    fn fit(&self) -> Result<(), LedgerError> {
        let Some(row) = self.store.get(INDEX_KEY)? else {
            return Ok(());
        };
        match self.wrapper.unwrap(&row.wrapped) {
            Ok(_) => Ok(()),
            Err(KeyError::Gone) => {
                let persons = self.store.persons()?;
                Err(KeyError::Lost { persons }.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The person with this mobile number, if there is one.
    ///
    /// # Errors
    ///
    /// The store or the wrapper failed.
    pub fn find(&self, mobile: &Mobile) -> Result<Option<Subject>, LedgerError> {
        let Some(key) = self.store.get(INDEX_KEY)? else {
            return Ok(None);
        };
        let tag = tag(&self.wrapper.unwrap(&key.wrapped)?, mobile)?;
        let row = self.store.get(&name(INDEX, &tag))?;
        row.map(|row| self.subject_of(&row)).transpose()
    }

    /// The person with this mobile number, with a new pseudonym if there is none yet.
    ///
    /// # Errors
    ///
    /// The store or the wrapper failed, or the system provides no randomness.
    pub fn subject(&self, mobile: &Mobile, now: Timestamp) -> Result<Subject, LedgerError> {
        let tag = tag(&*self.secret(INDEX_KEY, now)?.0, mobile)?;
        let at = name(INDEX, &tag);
        if let Some(row) = self.store.get(&at)? {
            return self.subject_of(&row);
        }
        let subject = Subject::random()?;
        // The second row finds the first when the person is erased.
        let rows = [
            self.row(at.clone(), subject.as_bytes(), now)?,
            self.row(name(LINK, subject.as_bytes()), &tag, now)?,
        ];
        if self.store.insert(&rows)? {
            let [index, link] = rows;
            self.settle(index, subject.as_bytes())?;
            self.settle(link, &tag)?;
            return Ok(subject);
        }
        // Somebody else was faster.
        let row = self.store.get(&at)?.ok_or(KeyError::Gone)?;
        self.subject_of(&row)
    }

    /// What the index has for a mobile number, as a digest; `None`: there is no index yet.
    pub(crate) fn number(&self, mobile: &Mobile) -> Result<Option<Digest>, LedgerError> {
        let Some(key) = self.store.get(INDEX_KEY)? else {
            return Ok(None);
        };
        let tag = tag(&self.wrapper.unwrap(&key.wrapped)?, mobile)?;
        Ok(Some(Digest::of(&tag)))
    }

    /// The same for a person's; `None`: no number leads to the person.
    pub(crate) fn number_of(&self, subject: Subject) -> Result<Option<Digest>, LedgerError> {
        let Some(link) = self.store.get(&name(LINK, subject.as_bytes()))? else {
            return Ok(None);
        };
        Ok(Some(Digest::of(&self.wrapper.unwrap(&link.wrapped)?)))
    }

    fn subject_of(&self, row: &KeyRow) -> Result<Subject, LedgerError> {
        let bytes = self.wrapper.unwrap(&row.wrapped)?;
        let bytes = <[u8; 16]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Altered)?;
        Ok(Subject::from_bytes(bytes))
    }

    /// The key of this person and class, a new one if there is none yet. It is durable when it is returned.
    ///
    /// # Errors
    ///
    /// The store or the wrapper failed, or the system provides no randomness.
    pub fn data_key(
        &self,
        subject: Subject,
        class: Class,
        now: Timestamp,
    ) -> Result<DataKey, LedgerError> {
        self.secret(&data_name(subject, class), now)
    }

    /// The key of this person and class; `None` if there is none, or not any more.
    ///
    /// # Errors
    ///
    /// The store or the wrapper failed.
    pub fn existing(&self, subject: Subject, class: Class) -> Result<Option<DataKey>, LedgerError> {
        let row = self.store.get(&data_name(subject, class))?;
        row.map(|row| self.open(&row)).transpose()
    }

    /// Whether a digest is the one on which every process that has these keys agrees, by a name of the caller's: it is the one of whoever
    /// asked first. So processes find out that they bring different keys of another kind, before anything is written under them.
    ///
    /// # Errors
    ///
    /// The store or the wrapper failed.
    pub fn agree(&self, on: &str, digest: &Digest, now: Timestamp) -> Result<bool, LedgerError> {
        let at = name(AGREED, on.as_bytes());
        let secret = digest.as_bytes();
        if self.store.get(&at)?.is_none() {
            let row = self.row(at.clone(), secret, now)?;
            if self.store.insert(std::slice::from_ref(&row))? {
                self.settle(row, secret)?;
                return Ok(true);
            }
        }
        let row = self.store.get(&at)?.ok_or(KeyError::Gone)?;
        Ok(*self.wrapper.unwrap(&row.wrapped)? == secret)
    }

    /// Whether there is a digest on which they [agree](Self::agree).
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn is_agreed(&self, on: &str) -> Result<bool, StoreError> {
        let row = self.store.get(&name(AGREED, on.as_bytes()))?;
        Ok(row.is_some())
    }

    /// The classes of which there is data of this person, and since when.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn classes(&self, subject: Subject) -> Result<Vec<(Class, Timestamp)>, StoreError> {
        let rows = self.store.list(&name(DATA, subject.as_bytes()))?;
        let class = |row: &KeyRow| Class::from_number(*row.name.last()?);
        let classes = rows
            .iter()
            .map(|row| class(row).map(|class| (class, row.since)));
        classes
            .collect::<Option<_>>()
            .ok_or(StoreError::Unreadable("name of a data key"))
    }

    /// Destroys the keys of these classes that are as old as they say, and the link from the mobile number if `unlink`: deletes
    /// them, rotates the key-encryption key, and destroys the earlier one, so that no copy of the store opens them either. Doing it
    /// again does no harm.
    ///
    /// # Errors
    ///
    /// The store or the wrapper failed. Do it again: what was deleted stays deleted. [`KeyError::Rotating`] if another rotation is under way,
    /// and nothing was done.
    pub fn destroy(
        &self,
        subject: Subject,
        classes: &[Erased],
        unlink: bool,
    ) -> Result<(), LedgerError> {
        let _alone = self.alone()?;
        self.destroy_alone(subject, classes, unlink)
    }

    /// As [`destroy`](Self::destroy), of a caller that [rotates alone](Self::alone).
    pub(crate) fn destroy_alone(
        &self,
        subject: Subject,
        classes: &[Erased],
        unlink: bool,
    ) -> Result<(), LedgerError> {
        // A key that was made since belongs to what came after the erasure.
        let there = self.classes(subject)?.into_iter();
        let meant = there.filter(|(class, since)| {
            let mut classes = classes.iter();
            classes.any(|erased| erased.class == *class && erased.since == *since)
        });
        let mut names: Vec<_> = meant.map(|(class, _)| data_name(subject, class)).collect();
        let link = name(LINK, subject.as_bytes());
        if unlink && let Some(row) = self.store.get(&link)? {
            let tag = self.wrapper.unwrap(&row.wrapped)?;
            names.extend([name(INDEX, &tag), link]);
        }
        self.store.delete(&names)?;
        self.rotate_alone()
    }

    /// Notes what is about to be destroyed, and returns the note's name. It is durable then: whoever opens the keys after a crash
    /// [finds](Self::begun) it.
    pub(crate) fn begin(
        &self,
        subject: Subject,
        what: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, LedgerError> {
        let number: [u8; 16] = random()?;
        let at = [BEGUN, subject.as_bytes(), &number].concat();
        let secret = in_blocks(what);
        let row = self.row(at.clone(), &secret, now)?;
        match self.store.insert(std::slice::from_ref(&row))? {
            true => self.settle(row, &secret)?,
            false => return Err(StoreError::Conflict.into()),
        }
        Ok(at)
    }

    /// The erasures that have begun and are not over: the note's name, whose, and what was noted.
    pub(crate) fn begun(&self) -> Result<Vec<Begun>, LedgerError> {
        let rows = self.store.list(BEGUN)?.into_iter();
        let begun = rows.map(|row| {
            let subject = row.name.get(1..17).and_then(|bytes| bytes.try_into().ok());
            let subject = subject.ok_or(StoreError::Unreadable("name of an erasure"))?;
            let what = self.wrapper.unwrap(&row.wrapped)?;
            Ok((row.name, Subject::from_bytes(subject), what))
        });
        begun.collect()
    }

    /// Forgets what was noted, once it is done and recorded, and keeps what is to be [said](Self::said) again of it.
    pub(crate) fn conclude(
        &self,
        note: Vec<u8>,
        say: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        if let Some(say) = say {
            let number = note.get(17..).unwrap_or_default();
            let secret = in_blocks(say);
            let row = self.row(name(SAID, number), &secret, now)?;
            // If it is there, whoever was about to forget the note died.
            if self.store.insert(std::slice::from_ref(&row))? {
                self.settle(row, &secret)?;
            }
        }
        Ok(self.store.delete(&[note])?)
    }

    /// What is said again of erasures that are over, and since when it is.
    pub(crate) fn said(&self) -> Result<Vec<Said>, LedgerError> {
        let rows = self.store.list(SAID)?.into_iter();
        let said = rows.map(|row| Ok((row.since, self.wrapper.unwrap(&row.wrapped)?)));
        said.collect()
    }

    /// Forgets what has been said again for long enough.
    pub(crate) fn forget_said(&self, before: Timestamp) -> Result<(), LedgerError> {
        let rows = self.store.list(SAID)?.into_iter();
        let over = rows.filter(|row| row.since < before);
        let names: Vec<_> = over.map(|row| row.name).collect();
        match names.is_empty() {
            true => Ok(()),
            false => Ok(self.store.delete(&names)?),
        }
    }

    /// Wraps all keys under a new key-encryption key and destroys the earlier one.
    ///
    /// # Errors
    ///
    /// The store or the wrapper failed. Do it again; nothing is lost. [`KeyError::Rotating`] if another rotation is under way, and nothing
    /// was done.
    pub fn rotate(&self) -> Result<(), LedgerError> {
        let _alone = self.alone()?;
        self.rotate_alone()
    }

    fn rotate_alone(&self) -> Result<(), LedgerError> {
        self.wrapper.rotate()?;
        self.rewrap()?;
        self.finish_rotation()
    }

    /// Rotates alone from here on, or is refused: then nothing was written.
    pub(crate) fn alone(&self) -> Result<Reservation<'_>, LedgerError> {
        let alone = self.unless_rotating()?.ok_or(KeyError::Rotating)?;
        // Of a file that is another machine's, that machine may have rotated.
        self.fit()?;
        Ok(alone)
    }

    /// Rotates alone from here on, unless somebody else does.
    pub(crate) fn unless_rotating(&self) -> Result<Option<Reservation<'_>>, LedgerError> {
        Ok(self.store.reserve_rotation()?)
    }

    /// A rotation that was killed left keys under an earlier key, or the earlier key itself: which, the rows tell. Only
    /// whoever rotates alone may ask: the key that another one has just made wraps nothing yet.
    pub(crate) fn finish_rotation(&self) -> Result<(), LedgerError> {
        let current = self.wrapper.key_id()?;
        if let Some(row) = self.store.get(INDEX_KEY)?
            && row.wrapped.key_id != current
        {
            self.rewrap()?;
        }
        Ok(self.wrapper.destroy_earlier()?)
    }

    fn rewrap(&self) -> Result<(), LedgerError> {
        self.store.rewrap(&mut |wrapped| {
            let secret = self.wrapper.unwrap(wrapped)?;
            self.wrapper.wrap(&secret)
        })
    }

    fn secret(&self, name: &[u8], now: Timestamp) -> Result<DataKey, LedgerError> {
        if let Some(row) = self.store.get(name)? {
            return self.open(&row);
        }
        let key = DataKey::random()?;
        let row = self.row(name.to_vec(), key.expose(), now)?;
        if self.store.insert(std::slice::from_ref(&row))? {
            self.settle(row, key.expose())?;
            return Ok(key);
        }
        let row = self.store.get(name)?.ok_or(KeyError::Gone)?;
        self.open(&row)
    }

    /// A rotation by another process may have passed between a row's wrapping and its insertion, and did not see it: then it is
    /// wrapped again before its key is gone, and before anything is sealed under it.
    fn settle(&self, mut row: KeyRow, secret: &[u8]) -> Result<(), LedgerError> {
        while self.wrapper.key_id()? != row.wrapped.key_id {
            let again = self.row(row.name.clone(), secret, row.since)?;
            if !self.store.replace(&row, &again)? {
                break;
            }
            row = again;
        }
        Ok(())
    }

    fn open(&self, row: &KeyRow) -> Result<DataKey, LedgerError> {
        let bytes = self.wrapper.unwrap(&row.wrapped)?;
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return Err(KeyError::Altered.into());
        }
        key.copy_from_slice(&bytes);
        Ok(DataKey(key))
    }

    fn row(&self, name: Vec<u8>, secret: &[u8], now: Timestamp) -> Result<KeyRow, KeyError> {
        Ok(KeyRow {
            name,
            wrapped: self.wrapper.wrap(secret)?,
            since: whole(now),
        })
    }
}

/// JSON as wrappers take it: it may end in blanks.
fn in_blocks(what: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut secret = Zeroizing::new(what.to_vec());
    secret.resize(what.len().next_multiple_of(BLOCK), b' ');
    secret
}

fn name(begins: &[u8], rest: &[u8]) -> Vec<u8> {
    [begins, rest].concat()
}

fn data_name(subject: Subject, class: Class) -> Vec<u8> {
    [DATA, subject.as_bytes(), &[class.number()]].concat()
}

/// What the index has in place of a mobile number. Without the key nobody finds the number by trying all.
fn tag(key: &[u8], mobile: &Mobile) -> Result<[u8; 32], KeyError> {
    let key = <&[u8; 32]>::try_from(key).map_err(|_| KeyError::Altered)?;
    let mut mac = keyed(key);
    mac.update(b"kyc-consent mobile 1");
    mac.update(mobile.expose().as_bytes());
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wrapper::MemoryKeyWrapper;

    fn keys() -> (Keys, Arc<MemoryKeyStore>, Arc<MemoryKeyWrapper>) {
        let store = Arc::new(MemoryKeyStore::new());
        let wrapper = Arc::new(MemoryKeyWrapper::new().unwrap());
        let keys = Keys::new(store.clone(), wrapper.clone());
        (keys, store, wrapper)
    }

    fn mobile(last: u32) -> Mobile {
        Mobile::parse(&format!("90000000{last:02}")).unwrap()
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn erased(class: Class) -> Erased {
        Erased { class, since: NOW }
    }

    #[test]
    fn a_number_has_one_pseudonym_and_the_store_has_no_number() {
        let (keys, store, _) = keys();
        assert_eq!(keys.find(&mobile(1)).unwrap(), None);
        let subject = keys.subject(&mobile(1), NOW).unwrap();
        assert_eq!(keys.subject(&mobile(1), NOW).unwrap(), subject);
        assert_eq!(keys.find(&mobile(1)).unwrap(), Some(subject));
        assert_ne!(keys.subject(&mobile(2), NOW).unwrap(), subject);
        assert_eq!(keys.find(&mobile(3)).unwrap(), None);
        let printed = format!("{store:?}");
        assert!(!printed.contains("9000000001"));
        // Two numbers under two index keys have nothing in common.
        let other = self::keys().0;
        other.subject(&mobile(1), NOW).unwrap();
        let tags = |keys: &Keys| keys.store.list(INDEX).unwrap()[0].name.clone();
        assert_ne!(tags(&keys), tags(&other));
    }

    #[test]
    fn each_person_and_class_has_a_key_of_its_own() {
        let (keys, _, _) = keys();
        let [a, b] = [1, 2].map(|last| keys.subject(&mobile(last), NOW).unwrap());
        let key = |subject, class| *keys.data_key(subject, class, NOW).unwrap().expose();
        let all = [
            key(a, Class::Ledger),
            key(a, Class::Evidence),
            key(b, Class::Ledger),
        ];
        assert_eq!(key(a, Class::Ledger), all[0]);
        assert!(all[0] != all[1] && all[0] != all[2]);
        assert!(keys.existing(b, Class::Evidence).unwrap().is_none());
        assert_eq!(
            keys.classes(a).unwrap(),
            [(Class::Ledger, NOW), (Class::Evidence, NOW)]
        );
        assert_eq!(keys.store.persons().unwrap(), 2);
    }

    #[test]
    fn what_is_destroyed_is_gone_from_every_copy_and_the_rest_opens() {
        let (keys, store, wrapper) = keys();
        let [a, b] = [1, 2].map(|last| keys.subject(&mobile(last), NOW).unwrap());
        for subject in [a, b] {
            keys.data_key(subject, Class::Ledger, NOW).unwrap();
            keys.data_key(subject, Class::Evidence, NOW).unwrap();
        }
        let copy = Arc::new(MemoryKeyStore::new());
        copy.insert(&store.list(b"").unwrap()).unwrap();
        keys.destroy(a, &[erased(Class::Evidence)], false).unwrap();
        assert!(keys.existing(a, Class::Evidence).unwrap().is_none());
        assert!(keys.existing(a, Class::Ledger).unwrap().is_some());
        assert_eq!(keys.find(&mobile(1)).unwrap(), Some(a));
        keys.destroy(a, &[erased(Class::Ledger)], true).unwrap();
        assert_eq!(keys.find(&mobile(1)).unwrap(), None);
        assert!(store.list(LINK).unwrap().len() == 1 && store.list(INDEX).unwrap().len() == 1);
        assert!(keys.existing(b, Class::Evidence).unwrap().is_some());
        assert_eq!(keys.find(&mobile(2)).unwrap(), Some(b));
        let from_copy = Keys::new(copy, wrapper);
        for class in [Class::Evidence, Class::Ledger] {
            let gone = from_copy.existing(a, class).unwrap_err();
            assert!(matches!(gone, LedgerError::Keys(KeyError::Gone)));
        }
        assert!(from_copy.find(&mobile(1)).is_err());
        keys.destroy(a, &[erased(Class::Ledger)], true).unwrap();
    }

    #[test]
    fn processes_agree_on_what_the_first_one_brought() {
        let (keys, _, _) = keys();
        let [ours, theirs] = [b"ours".as_slice(), b"theirs"].map(Digest::of);
        assert!(!keys.is_agreed("journeys").unwrap());
        for _ in 0..2 {
            assert!(keys.agree("journeys", &ours, NOW).unwrap());
            assert!(!keys.agree("journeys", &theirs, NOW).unwrap());
            assert!(keys.is_agreed("journeys").unwrap());
            keys.rotate().unwrap();
        }
        assert!(keys.agree("others", &theirs, NOW).unwrap());
    }

    #[test]
    fn a_rotation_that_was_killed_is_finished_at_the_next_start() {
        let (keys, store, wrapper) = keys();
        let ledger = LedgerId::random().unwrap();
        keys.attach(ledger, || Ok(0), NOW).unwrap();
        let subject = keys.subject(&mobile(1), NOW).unwrap();
        let first = wrapper.key_id().unwrap();
        // Before the rows were wrapped again, and before the old key was destroyed.
        wrapper.rotate().unwrap();
        keys.attach(ledger, || Ok(1), NOW).unwrap();
        keys.finish_rotation().unwrap();
        let now = wrapper.key_id().unwrap();
        assert!(
            store
                .list(b"")
                .unwrap()
                .iter()
                .all(|row| row.wrapped.key_id == now)
        );
        let under_first = Wrapped {
            key_id: first,
            bytes: vec![0; 24],
        };
        assert_eq!(wrapper.unwrap(&under_first), Err(KeyError::Gone));
        assert_eq!(keys.find(&mobile(1)).unwrap(), Some(subject));
    }

    /// A store on which somebody else's rotation passes right before a row is inserted.
    #[derive(Debug)]
    struct Overtaken(Arc<MemoryKeyStore>, Keys, std::sync::atomic::AtomicBool);

    impl KeyStore for Overtaken {
        fn ledger(&self) -> Result<Option<LedgerId>, StoreError> {
            self.0.ledger()
        }
        fn tie(&self, ledger: LedgerId) -> Result<(), StoreError> {
            self.0.tie(ledger)
        }
        fn get(&self, name: &[u8]) -> Result<Option<KeyRow>, StoreError> {
            self.0.get(name)
        }
        fn list(&self, prefix: &[u8]) -> Result<Vec<KeyRow>, StoreError> {
            self.0.list(prefix)
        }
        fn insert(&self, rows: &[KeyRow]) -> Result<bool, StoreError> {
            if self.2.swap(false, std::sync::atomic::Ordering::SeqCst) {
                self.1.rotate().unwrap();
            }
            self.0.insert(rows)
        }
        fn replace(&self, old: &KeyRow, new: &KeyRow) -> Result<bool, StoreError> {
            self.0.replace(old, new)
        }
        fn delete(&self, names: &[Vec<u8>]) -> Result<(), StoreError> {
            self.0.delete(names)
        }
        fn rewrap(
            &self,
            rewrap: &mut dyn FnMut(&Wrapped) -> Result<Wrapped, KeyError>,
        ) -> Result<(), LedgerError> {
            self.0.rewrap(rewrap)
        }
        fn reserve_rotation(&self) -> Result<Option<Reservation<'_>>, StoreError> {
            self.0.reserve_rotation()
        }
        fn persons(&self) -> Result<u64, StoreError> {
            self.0.persons()
        }
    }

    #[test]
    fn a_key_that_another_process_s_rotation_overtook_is_not_lost() {
        let (other, store, wrapper) = keys();
        let overtaken = Overtaken(store, other.clone(), true.into());
        let keys = Keys::new(Arc::new(overtaken), wrapper);
        let subject = Subject::random().unwrap();
        let key = *keys.data_key(subject, Class::Ledger, NOW).unwrap().expose();
        let found = other.existing(subject, Class::Ledger).unwrap().unwrap();
        assert_eq!(found.expose(), &key);
    }

    #[test]
    fn lost_keys_say_how_many_persons_they_held() {
        let (keys, store, _) = keys();
        let ledger = LedgerId::random().unwrap();
        keys.attach(ledger, || Ok(0), NOW).unwrap();
        for last in 1..=3 {
            let subject = keys.subject(&mobile(last), NOW).unwrap();
            keys.data_key(subject, Class::Ledger, NOW).unwrap();
            keys.data_key(subject, Class::Evidence, NOW).unwrap();
        }
        let lost = |keys: &Keys, ledger, persons| match keys.attach(ledger, || Ok(persons), NOW) {
            Err(LedgerError::Keys(KeyError::Lost { persons })) => Some(persons),
            Err(LedgerError::Store(error)) if error == other_ledger() => None,
            other => panic!("{other:?}"),
        };
        let other_key = Arc::new(MemoryKeyWrapper::new().unwrap());
        assert_eq!(lost(&Keys::new(store, other_key), ledger, 3), Some(3));
        let (new, _, _) = self::keys();
        assert_eq!(lost(&new, ledger, 7), Some(7));
        assert_eq!(lost(&keys, LedgerId::random().unwrap(), 3), None);
    }
}
