//! Key-encryption keys: the seam to whoever keeps them, and one in a file.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aes_kw::{KeyInit as _, KwAes256};
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::ids::random;

/// A wrapped secret, and which key-encryption key unwraps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The id of the key-encryption key.
    pub key_id: String,
    /// The wrapped secret.
    pub bytes: Vec<u8>,
}

/// Keeps key-encryption keys and wraps secrets with them: a file, or a key management service.
///
/// Erasure relies on [`rotate`](Self::rotate) and [`destroy_earlier`](Self::destroy_earlier): once a key is destroyed, nothing that it wrapped
/// opens, in no backup. A service that only schedules the destruction says so in its documentation.
pub trait KeyWrapper: fmt::Debug + Send + Sync + 'static {
    /// The id of the key that [`wrap`](Self::wrap) uses, as of now: also if another process has rotated meanwhile.
    ///
    /// # Errors
    ///
    /// The keys cannot be read.
    fn key_id(&self) -> Result<String, KeyError>;

    /// Wraps a secret of 16 bytes or more, a multiple of 8.
    ///
    /// # Errors
    ///
    /// The keys cannot be read, or the service failed.
    fn wrap(&self, secret: &[u8]) -> Result<Wrapped, KeyError>;

    /// Unwraps a secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::Gone`] if its key was destroyed, [`KeyError::Altered`] if it is not what was wrapped.
    fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// Makes a new key, which wraps from now on. The earlier ones still unwrap. Durable when it returns.
    ///
    /// # Errors
    ///
    /// The keys cannot be written, or the service failed.
    fn rotate(&self) -> Result<(), KeyError>;

    /// Destroys every key but the current one, for ever.
    ///
    /// # Errors
    ///
    /// The keys cannot be written, or the service failed.
    fn destroy_earlier(&self) -> Result<(), KeyError>;
}

/// Key-encryption keys in order; the last is the current one.
#[derive(Clone)]
struct Keks(Vec<(String, Zeroizing<[u8; 32]>)>);

impl Keks {
    fn new() -> Result<Self, KeyError> {
        let mut keys = Self(Vec::new());
        keys.add()?;
        Ok(keys)
    }

    fn add(&mut self) -> Result<(), KeyError> {
        let id: [u8; 8] = random().map_err(|_| KeyError::Randomness)?;
        let key: [u8; 32] = random().map_err(|_| KeyError::Randomness)?;
        self.0.push((hex::encode(id), Zeroizing::new(key)));
        Ok(())
    }

    fn current(&self) -> Result<&(String, Zeroizing<[u8; 32]>), KeyError> {
        self.0.last().ok_or(KeyError::Malformed)
    }

    /// Whether there was another one.
    fn keep_current(&mut self) -> bool {
        let earlier = self.0.len().saturating_sub(1);
        self.0.drain(..earlier);
        earlier > 0
    }

    fn wrap(&self, secret: &[u8]) -> Result<Wrapped, KeyError> {
        let (id, key) = self.current()?;
        let mut bytes = vec![0; secret.len().saturating_add(8)];
        KwAes256::new((&**key).into())
            .wrap_key(secret, &mut bytes)
            .map_err(|_| KeyError::Service("a secret of this length cannot be wrapped".into()))?;
        Ok(Wrapped {
            key_id: id.clone(),
            bytes,
        })
    }

    /// `None` if no key has this id.
    fn unwrap(&self, wrapped: &Wrapped) -> Option<Result<Zeroizing<Vec<u8>>, KeyError>> {
        let (_, key) = self.0.iter().find(|(id, _)| *id == wrapped.key_id)?;
        let mut secret = Zeroizing::new(vec![0; wrapped.bytes.len().saturating_sub(8)]);
        let unwrapped = KwAes256::new((&**key).into()).unwrap_key(&wrapped.bytes, &mut secret);
        let unwrapped = unwrapped.map(|_| ()).map_err(|_| KeyError::Altered);
        Some(unwrapped.map(|()| secret))
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Key-encryption keys in memory, gone with the process: for tests and demonstrations.
pub struct MemoryKeyWrapper(Mutex<Keks>);

impl MemoryKeyWrapper {
    /// With a new key.
    ///
    /// # Errors
    ///
    /// The system provides no randomness.
    pub fn new() -> Result<Self, KeyError> {
        Ok(Self(Mutex::new(Keks::new()?)))
    }
}

impl fmt::Debug for MemoryKeyWrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryKeyWrapper(***)")
    }
}

impl KeyWrapper for MemoryKeyWrapper {
    fn key_id(&self) -> Result<String, KeyError> {
        Ok(held(&self.0).current()?.0.clone())
    }

    fn wrap(&self, secret: &[u8]) -> Result<Wrapped, KeyError> {
        held(&self.0).wrap(secret)
    }

    fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        held(&self.0).unwrap(wrapped).unwrap_or(Err(KeyError::Gone))
    }

    fn rotate(&self) -> Result<(), KeyError> {
        held(&self.0).add()
    }

    fn destroy_earlier(&self) -> Result<(), KeyError> {
        held(&self.0).keep_current();
        Ok(())
    }
}

#[cfg(unix)]
pub use file::FileKeyWrapper;

#[cfg(unix)]
mod file {
    use std::fs::{self, File, Metadata, OpenOptions};
    use std::io::{self, Read as _, Seek as _, Write as _};
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
    use std::path::{Path, PathBuf};

    use super::{Keks, KeyError, KeyWrapper, Mutex, Wrapped, Zeroizing, fmt, held};
    use crate::ids::from_hex;
    use crate::secret_file::open_secret_file;

    const FIRST_LINE: &str = "kyc-consent key-encryption keys, form 1. A copy of this file undoes erasure: keep it out of backups.";
    /// A file with two keys has less than 300 bytes.
    const MOST_BYTES: u64 = 4096;

    /// Key-encryption keys in a file of their own, which is its owner's alone. Nothing else protects them: keep the file on
    /// another volume than the ledger, and out of every backup that outlives an erasure.
    ///
    /// A key is destroyed by writing zeros over it before its file is gone. A disk that moves blocks about, as flash and
    /// copy-on-write file systems do, may keep the old ones; where that matters, use a key management service.
    pub struct FileKeyWrapper {
        path: PathBuf,
        keys: Mutex<Read>,
    }

    /// The keys as they were read, and what told that file from others.
    struct Read {
        keys: Keks,
        stamp: Stamp,
    }

    /// Another file under the same name has another one: inode, length, and when it was made.
    #[derive(PartialEq)]
    struct Stamp([i64; 4]);

    impl Stamp {
        fn of(metadata: &Metadata) -> Self {
            let [inode, length] = [metadata.ino(), metadata.len()].map(u64::cast_signed);
            Self([inode, length, metadata.ctime(), metadata.ctime_nsec()])
        }
    }

    impl Read {
        /// Reads the file again if it is another one by now.
        fn refresh(&mut self, path: &Path) -> Result<&Keks, KeyError> {
            if Stamp::of(&fs::metadata(path)?) != self.stamp {
                *self = read(path)?;
            }
            Ok(&self.keys)
        }
    }

    impl fmt::Debug for FileKeyWrapper {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("FileKeyWrapper(***)")
        }
    }

    impl FileKeyWrapper {
        /// Creates the file with a new key, readable and writable by its owner alone.
        ///
        /// # Errors
        ///
        /// The file exists already, or cannot be written.
        pub fn create(path: impl Into<PathBuf>) -> Result<Self, KeyError> {
            let path = path.into();
            write_new(&path, &Keks::new()?)?;
            sync_directory(&path)?;
            Self::open(path)
        }

        /// Opens the file.
        ///
        /// # Errors
        ///
        /// As for [`open_secret_file`](crate::open_secret_file), or it is not in its form.
        pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeyError> {
            let path = path.into();
            let keys = Mutex::new(read(&path)?);
            Ok(Self { path, keys })
        }

        /// Changes the keys on disk, if `change` says so, then in memory. Of several processes one at a time.
        fn change(
            &self,
            change: impl FnOnce(&mut Keks) -> Result<bool, KeyError>,
        ) -> Result<(), KeyError> {
            let mut held = held(&self.keys);
            // What a link leads to is changed, and its lock is the one of every link to it.
            let path = &fs::canonicalize(&self.path)?;
            let lock = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(beside(path, "lock"))?;
            lock.lock()?;
            // What a killed change left.
            let new = beside(path, "new");
            match OpenOptions::new().write(true).open(&new) {
                Ok(left) => {
                    wipe(left)?;
                    fs::remove_file(&new)?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
            let mut read_now = read(path)?;
            if !change(&mut read_now.keys)? {
                *held = read_now;
                return Ok(());
            }
            let old = OpenOptions::new().write(true).open(path)?;
            write_new(&new, &read_now.keys)?;
            fs::rename(&new, path)?;
            sync_directory(path)?;
            // The old file has no name any more, only this handle.
            wipe(old)?;
            *held = read(path)?;
            Ok(())
        }
    }

    impl KeyWrapper for FileKeyWrapper {
        fn key_id(&self) -> Result<String, KeyError> {
            Ok(held(&self.keys).refresh(&self.path)?.current()?.0.clone())
        }

        fn wrap(&self, secret: &[u8]) -> Result<Wrapped, KeyError> {
            held(&self.keys).refresh(&self.path)?.wrap(secret)
        }

        fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, KeyError> {
            let mut held = held(&self.keys);
            // Asked often, so the file is looked at only for a key that is not known.
            if let Some(unwrapped) = held.keys.unwrap(wrapped) {
                return unwrapped;
            }
            let keys = held.refresh(&self.path)?;
            keys.unwrap(wrapped).unwrap_or(Err(KeyError::Gone))
        }

        fn rotate(&self) -> Result<(), KeyError> {
            self.change(|keys| keys.add().map(|()| true))
        }

        fn destroy_earlier(&self) -> Result<(), KeyError> {
            // Asked at each start, when there is nothing to destroy, and nothing that a killed change left.
            let is_alone = held(&self.keys).refresh(&self.path)?.0.len() == 1;
            let new = beside(&fs::canonicalize(&self.path)?, "new");
            if is_alone && fs::symlink_metadata(new).is_err() {
                return Ok(());
            }
            self.change(|keys| Ok(keys.keep_current()))
        }
    }

    fn beside(path: &Path, ending: &str) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        name.into()
    }

    fn read(path: &Path) -> Result<Read, KeyError> {
        let mut file = open_secret_file(path)?;
        let metadata = file.metadata()?;
        if metadata.len() > MOST_BYTES {
            return Err(KeyError::Malformed);
        }
        let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES as usize));
        (&mut file)
            .take(MOST_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => KeyError::Malformed,
                kind => KeyError::Io(kind),
            })?;
        let keys = parse(&text).ok_or(KeyError::Malformed)?;
        let stamp = Stamp::of(&metadata);
        Ok(Read { keys, stamp })
    }

    fn parse(text: &str) -> Option<Keks> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let known = lines.next()? == FIRST_LINE;
        let keys = lines.map(|line| {
            let (id, key) = line.split_once(' ')?;
            from_hex::<8>(id)?;
            Some((id.to_owned(), Zeroizing::new(from_hex(key)?)))
        });
        let keys: Option<Vec<_>> = keys.collect();
        keys.filter(|keys| known && !keys.is_empty()).map(Keks)
    }

    /// Writes the keys to a file that must not exist yet. Durable but for its name.
    fn write_new(path: &Path, keys: &Keks) -> Result<(), KeyError> {
        let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES as usize));
        text.push_str(FIRST_LINE);
        for (id, key) in &keys.0 {
            let key = Zeroizing::new(hex::encode(**key));
            for part in ["\n", id, " ", &key] {
                text.push_str(part);
            }
        }
        text.push('\n');
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        Ok(file.sync_all()?)
    }

    fn sync_directory(path: &Path) -> Result<(), KeyError> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        Ok(File::open(directory)?.sync_all()?)
    }

    fn wipe(mut file: File) -> Result<(), KeyError> {
        let length = usize::try_from(file.metadata()?.len().min(MOST_BYTES)).unwrap_or(0);
        file.rewind()?;
        file.write_all(&vec![0; length])?;
        Ok(file.sync_all()?)
    }

    #[cfg(test)]
    mod tests {
        use std::os::unix::fs::PermissionsExt as _;

        use super::*;

        const SECRET: [u8; 16] = *b"0123456789abcdef";

        fn directory() -> (tempfile::TempDir, PathBuf) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("kek");
            (directory, path)
        }

        #[test]
        fn a_key_file_is_created_once_and_is_its_owner_s_alone() {
            let (_directory, path) = directory();
            assert_eq!(
                FileKeyWrapper::open(&path).unwrap_err(),
                KeyError::Io(io::ErrorKind::NotFound)
            );
            let wrapped = FileKeyWrapper::create(&path)
                .unwrap()
                .wrap(&SECRET)
                .unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
            let again = FileKeyWrapper::create(&path).unwrap_err();
            assert_eq!(again, KeyError::Io(io::ErrorKind::AlreadyExists));
            let opened = FileKeyWrapper::open(&path).unwrap();
            assert_eq!(*opened.unwrap(&wrapped).unwrap(), SECRET);
            for mode in [0o640, 0o604, 0o660, 0o601] {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                let refused = FileKeyWrapper::open(&path).unwrap_err();
                assert_eq!(refused, KeyError::OpenToOthers { mode });
            }
        }

        #[test]
        fn only_a_regular_file_in_its_form_is_a_key_file() {
            let (directory, path) = directory();
            drop(FileKeyWrapper::create(&path).unwrap());
            assert_eq!(
                FileKeyWrapper::open(directory.path()).unwrap_err(),
                KeyError::NoFile
            );
            let text = fs::read_to_string(&path).unwrap();
            for wrong in [
                String::new(),
                text.replace("form 1", "form 2"),
                text.replace('\n', "\r\n"),
                text.trim_end().to_owned(),
                format!("{FIRST_LINE}\n"),
                text.repeat(40),
            ] {
                fs::write(&path, wrong).unwrap();
                assert_eq!(
                    FileKeyWrapper::open(&path).unwrap_err(),
                    KeyError::Malformed
                );
            }
            fs::write(&path, b"\xff").unwrap();
            assert_eq!(
                FileKeyWrapper::open(&path).unwrap_err(),
                KeyError::Malformed
            );
        }

        #[test]
        fn a_destroyed_key_unwraps_nothing_and_its_bytes_are_gone() {
            let (directory, path) = directory();
            let keys = FileKeyWrapper::create(&path).unwrap();
            let other_process = FileKeyWrapper::open(&path).unwrap();
            let before = keys.wrap(&SECRET).unwrap();
            let old_text = fs::read_to_string(&path).unwrap();
            let old_key = old_text.lines().nth(1).unwrap().to_owned();
            // Still open, so that it shows what became of the old file's bytes.
            let mut old_file = File::open(&path).unwrap();
            keys.rotate().unwrap();
            let after = keys.wrap(&SECRET).unwrap();
            assert_ne!(before.key_id, after.key_id);
            assert_eq!(*keys.unwrap(&before).unwrap(), SECRET);
            assert_eq!(
                *other_process.unwrap(&after).unwrap(),
                SECRET,
                "it reads the file again"
            );
            keys.destroy_earlier().unwrap();
            assert_eq!(keys.unwrap(&before).unwrap_err(), KeyError::Gone);
            assert_eq!(*keys.unwrap(&after).unwrap(), SECRET);
            let mut bytes = Vec::new();
            old_file.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, vec![0; old_text.len()]);
            // A process that wraps in between does it under the key that stays.
            assert_eq!(other_process.wrap(&SECRET).unwrap().key_id, after.key_id);
            let before = fs::metadata(&path).unwrap().ino();
            keys.destroy_earlier().unwrap();
            assert_eq!(
                fs::metadata(&path).unwrap().ino(),
                before,
                "there was nothing to do"
            );
            for entry in fs::read_dir(directory.path()).unwrap() {
                let text = fs::read_to_string(entry.unwrap().path()).unwrap();
                assert!(!text.contains(&old_key));
            }
        }

        #[test]
        fn a_link_stays_one_and_what_it_leads_to_is_rotated() {
            let (directory, path) = directory();
            let before = FileKeyWrapper::create(&path)
                .unwrap()
                .wrap(&SECRET)
                .unwrap();
            let link = directory.path().join("link");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            let linked = FileKeyWrapper::open(&link).unwrap();
            assert_eq!(*linked.unwrap(&before).unwrap(), SECRET);
            linked.rotate().unwrap();
            linked.destroy_earlier().unwrap();
            assert!(link.is_symlink() && path.is_file());
            let direct = FileKeyWrapper::open(&path).unwrap();
            assert_eq!(direct.unwrap(&before).unwrap_err(), KeyError::Gone);
            assert_eq!(direct.key_id().unwrap(), linked.key_id().unwrap());
        }

        #[test]
        fn what_a_killed_rotation_left_is_wiped_and_does_not_block_the_next() {
            let (directory, path) = directory();
            let keys = FileKeyWrapper::create(&path).unwrap();
            let left = directory.path().join("kek.new");
            fs::write(&left, "left").unwrap();
            keys.rotate().unwrap();
            assert!(!left.exists());
            FileKeyWrapper::open(&path).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_back_and_altered_ones_do_not() {
        let keys = MemoryKeyWrapper::new().unwrap();
        for secret in [vec![1; 16], vec![2; 32]] {
            let wrapped = keys.wrap(&secret).unwrap();
            assert_eq!(*keys.unwrap(&wrapped).unwrap(), secret);
            assert_eq!(wrapped.key_id, keys.key_id().unwrap());
            for at in 0..wrapped.bytes.len() {
                let mut altered = wrapped.clone();
                altered.bytes[at] ^= 1;
                assert_eq!(keys.unwrap(&altered), Err(KeyError::Altered));
            }
            let other = Wrapped {
                key_id: "other".to_owned(),
                ..wrapped
            };
            assert_eq!(keys.unwrap(&other), Err(KeyError::Gone));
        }
        assert!(keys.wrap(&[1; 17]).is_err());
        let empty = Wrapped {
            key_id: keys.key_id().unwrap(),
            bytes: Vec::new(),
        };
        assert_eq!(keys.unwrap(&empty), Err(KeyError::Altered));
    }

    #[test]
    fn rfc_3394_s_vector_wraps_as_printed() {
        // 4.6: 256 bits of key data with a 256-bit key.
        let key = std::array::from_fn(|index| index as u8);
        let keys = Keks(vec![("k".to_owned(), Zeroizing::new(key))]);
        let ascending = |range: std::ops::RangeInclusive<u8>, step: usize| range.step_by(step);
        let mut data: Vec<u8> = ascending(0x00..=0xff, 0x11).collect();
        data.extend(0x00..=0x0f);
        let wrapped = keys.wrap(&data).unwrap();
        let expected = [
            "28c9f404c4b810f4",
            "cbccb35cfb87f826",
            "3f5786e2d80ed326",
            "cbc7f0e71a99f43b",
            "fb988b9b7a02dd21",
        ];
        assert_eq!(hex::encode(wrapped.bytes), expected.concat());
    }
}
