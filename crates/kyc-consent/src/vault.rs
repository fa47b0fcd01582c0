//! Key-encryption keys in a key management service: the transit engine of a Vault.

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provider_core::bytes::{Bytes, BytesMut};
use provider_core::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use provider_core::http::{Method, Request, StatusCode};
use provider_core::secrecy::{ExposeSecret as _, SecretString};
use provider_core::{
    BaseUrl, Body, ExchangeLimits, HyperTransport, InvalidRequest, RawResponse, Transport,
    TransportError, TransportErrorKind,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::KeyError;
use crate::wrapper::{KeyWrapper, Wrapped};

/// How long one exchange may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long the thread that makes it may take besides, to begin.
const SLACK: Duration = Duration::from_secs(30);
/// A key of a thousand versions has less.
const MOST_BYTES: usize = 256 * 1024;

/// Where a Vault is, and which of its keys is meant. `Debug` does not print the token.
#[derive(Clone)]
pub struct VaultSettings {
    address: BaseUrl,
    token: HeaderValue,
    namespace: Option<HeaderValue>,
    mount: String,
    key: String,
}

impl fmt::Debug for VaultSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultSettings")
            .field("address", &self.address)
            .field("mount", &self.mount)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl VaultSettings {
    /// A key of the engine at `transit`, at an address such as `https://vault.example.test:8200`.
    ///
    /// # Errors
    ///
    /// The address is no URL, or plain `http` to another machine; the token has a character that no header may have; the key is not
    /// 1 to 64 letters, digits, `-` and `_`.
    pub fn new(address: &str, token: &SecretString, key: &str) -> Result<Self, InvalidRequest> {
        let address = BaseUrl::parse("address", address)?;
        if address.is_clear_text_to_another_machine() {
            let rule = "plain http is allowed to this machine only; use https";
            return Err(InvalidRequest::new("address", rule));
        }
        Ok(Self {
            address,
            token: header("token", token.expose_secret())?,
            namespace: None,
            mount: segment("mount", "transit")?,
            key: segment("key", key)?,
        })
    }

    /// The engine at another mount.
    ///
    /// # Errors
    ///
    /// It is not 1 to 64 letters, digits, `-` and `_`.
    pub fn set_mount(mut self, mount: &str) -> Result<Self, InvalidRequest> {
        self.mount = segment("mount", mount)?;
        Ok(self)
    }

    /// A namespace of a Vault that has them.
    ///
    /// # Errors
    ///
    /// It has a character that no header may have.
    pub fn set_namespace(mut self, namespace: &str) -> Result<Self, InvalidRequest> {
        self.namespace = Some(header("namespace", namespace)?);
        Ok(self)
    }
}

fn header(field: &'static str, text: &str) -> Result<HeaderValue, InvalidRequest> {
    let value = HeaderValue::from_str(text).ok();
    let mut value = value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| InvalidRequest::new(field, "must be what a header may have"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn segment(field: &'static str, text: &str) -> Result<String, InvalidRequest> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match matches!(text.len(), 1..=64) && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err(InvalidRequest::new(
            field,
            "must be 1 to 64 letters, digits, hyphens or underscores",
        )),
    }
}

/// Key-encryption keys that never leave a Vault, or an OpenBao: each secret is wrapped and unwrapped by a call to its transit engine, of
/// 10 seconds at most, on a thread of its own. A key rotates by a new version, and an earlier version is destroyed by trimming, which takes
/// effect at once: AWS's and Google's services delete after a week at the earliest, and an erasure would be finished then only. What
/// Vault's own backups have is Vault's to destroy.
///
/// Make a key of the type `aes256-gcm96` that is neither exportable nor can be backed up in plain text, and give the token these
/// policies: `update` on `transit/encrypt/KEY`, `transit/decrypt/KEY`, `transit/keys/KEY/rotate`, `transit/keys/KEY/config` and
/// `transit/keys/KEY/trim`, `read` on `transit/keys/KEY`.
///
/// The names of paths and members are those of Vault's documentation of the transit engine's HTTP API.
pub struct VaultKeyWrapper {
    settings: VaultSettings,
    jobs: Mutex<Sender<Job>>,
}

/// A request, and where its reply goes.
type Job = (Request<Body>, Sender<Result<RawResponse, TransportError>>);

impl fmt::Debug for VaultKeyWrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultKeyWrapper")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Bytes that may hold a secret, overwritten when nobody needs them any more. Those that are shared with somebody are not: what a
/// connection has read stays in its own buffers.
struct Wiped(Bytes);

impl Wiped {
    /// Overwrites the bytes, if they are nobody else's.
    fn wipe(&mut self) -> Option<BytesMut> {
        let mut bytes = std::mem::take(&mut self.0).try_into_mut().ok()?;
        bytes.as_mut().zeroize();
        Some(bytes)
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// What Vault answers.
#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
}

/// No body of a request.
const NOTHING: Option<&str> = None;

/// What `encrypt` is asked.
#[derive(Serialize)]
struct Encrypt<'a> {
    plaintext: &'a str,
}

/// What `encrypt` answers.
#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

/// What `decrypt` answers.
#[derive(Deserialize)]
struct Decrypted {
    plaintext: String,
}

impl Drop for Decrypted {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

/// What Vault says of a key, in its words.
#[derive(Deserialize)]
struct KeyData {
    exportable: Option<bool>,
    allow_plaintext_backup: Option<bool>,
    derived: Option<bool>,
    latest_version: Option<u64>,
    min_decryption_version: Option<u64>,
    min_available_version: Option<u64>,
}

/// What Vault says of a key.
struct Key {
    latest: u64,
    /// Below this no version decrypts.
    decrypts_from: u64,
    /// Below this there is no version any more.
    is_there_from: u64,
}

impl VaultKeyWrapper {
    /// Connects over TLS with the platform's root certificates, or without TLS to this machine.
    ///
    /// # Errors
    ///
    /// TLS cannot be set up; or as for [`over`](Self::over).
    pub fn connect(settings: VaultSettings) -> Result<Self, KeyError> {
        let builder = match settings.address.is_https() {
            true => HyperTransport::builder(),
            false => HyperTransport::builder().without_tls(),
        };
        let transport = builder.build();
        let transport = transport.map_err(|error| KeyError::Service(error.to_string()))?;
        Self::over(settings, Arc::new(transport))
    }

    /// Connects over a transport, and reads the key.
    ///
    /// # Errors
    ///
    /// Vault does not answer, refuses the token, or has no such key; the key can be exported or backed up in plain text, so that an
    /// erasure would not be one; the system gives no thread.
    pub fn over(settings: VaultSettings, transport: Arc<dyn Transport>) -> Result<Self, KeyError> {
        let (jobs, queue) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_| service("the system gives no event loop"))?;
        let serve = move || serve(&runtime, &*transport, &queue);
        std::thread::Builder::new()
            .name("vault-keys".to_owned())
            .spawn(serve)
            .map_err(|_| service("the system gives no thread"))?;
        let wrapper = Self {
            settings,
            jobs: Mutex::new(jobs),
        };
        wrapper.key()?;
        Ok(wrapper)
    }

    /// The status, and what a success says.
    fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<(StatusCode, Option<T>), KeyError> {
        let VaultSettings { address, mount, .. } = &self.settings;
        let bytes = match body {
            Some(body) => serde_json::to_vec(body),
            None => Ok(Vec::new()),
        };
        let bytes = bytes.map_err(|_| service("the request cannot be written"))?;
        let bytes = Wiped(bytes.into());
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{address}/v1/{mount}/{path}"))
            .header("x-vault-token", self.settings.token.clone())
            .header("x-vault-request", "true");
        if let Some(namespace) = &self.settings.namespace {
            let name = HeaderName::from_static("x-vault-namespace");
            request = request.header(name, namespace.clone());
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Body::from(bytes.0.clone()));
        let request = request.map_err(|_| service("the request cannot be written"))?;
        let (reply, answer) = channel();
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = jobs.send((request, reply));
        sent.map_err(|_| service("its thread has ended"))?;
        drop(jobs);
        let answer = answer
            .recv_timeout(DEADLINE.saturating_add(SLACK))
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => service("it was too slow"),
                RecvTimeoutError::Disconnected => service("its thread has ended"),
            })?;
        // A transport's error has no part of a request and of a reply.
        let answer = answer.map_err(|error| KeyError::Service(error.to_string()))?;
        let (status, body) = (answer.status(), Wiped(answer.body().clone()));
        drop(answer);
        if body.0.len() > MOST_BYTES {
            return Err(service("its answer is too long"));
        }
        match status {
            StatusCode::NO_CONTENT => Ok((StatusCode::OK, None)),
            StatusCode::OK => match serde_json::from_slice::<Answer<T>>(&body.0) {
                Ok(answer) => Ok((StatusCode::OK, answer.data)),
                // What JSON says about itself may repeat what is in it.
                Err(_) => Err(unformed()),
            },
            // Its text may repeat what was sent.
            status => Ok((status, None)),
        }
    }

    /// What a call says that has to succeed.
    fn done<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<Option<T>, KeyError> {
        match self.call(method, path, body)? {
            (StatusCode::OK, data) => Ok(data),
            (status, _) => Err(refused(status)),
        }
    }

    fn path(&self, of: &str) -> String {
        format!("{of}/{}", self.settings.key)
    }

    fn key(&self) -> Result<Key, KeyError> {
        let asked = self.done(Method::GET, &self.path("keys"), NOTHING)?;
        let key: KeyData = asked.ok_or_else(unformed)?;
        if [key.exportable, key.allow_plaintext_backup] != [Some(false), Some(false)] {
            return Err(service(
                "the key can be exported or backed up in plain text, and an erasure would not be one",
            ));
        }
        if key.derived == Some(true) {
            return Err(service("the key derives others, and must not"));
        }
        let latest = key.latest_version.filter(|latest| *latest > 0);
        Ok(Key {
            latest: latest.ok_or_else(unformed)?,
            decrypts_from: key.min_decryption_version.unwrap_or(0),
            is_there_from: key.min_available_version.unwrap_or(0),
        })
    }
}

/// Makes one exchange at a time, until nobody can ask any more.
fn serve(runtime: &tokio::runtime::Runtime, transport: &dyn Transport, queue: &Receiver<Job>) {
    while let Ok((request, reply)) = queue.recv() {
        let limits = ExchangeLimits::new(DEADLINE, MOST_BYTES).with_connection_reuse(false);
        let exchange = runtime.block_on(async {
            let sent = tokio::time::timeout(DEADLINE, transport.send(request, limits));
            let late = || TransportError::new(TransportErrorKind::Timeout);
            sent.await.unwrap_or_else(|_| Err(late()))
        });
        // Whoever asked may have given up.
        drop(reply.send(exchange));
    }
}

fn service(what: &str) -> KeyError {
    KeyError::Service(what.to_owned())
}

fn unformed() -> KeyError {
    service("its answer is not in its form")
}

fn refused(status: StatusCode) -> KeyError {
    match status {
        StatusCode::FORBIDDEN => service("the token is refused, or may not do this"),
        StatusCode::NOT_FOUND => service("there is no such key, or no transit engine at the mount"),
        status => KeyError::Service(format!("it answered {}", status.as_u16())),
    }
}

/// The version in `vault:v3:…`.
fn version(sealed: &str) -> Option<u64> {
    let rest = sealed.strip_prefix("vault:v")?;
    let (version, text) = rest.split_once(':')?;
    let is_number = !version.starts_with('0') && version.bytes().all(|byte| byte.is_ascii_digit());
    version
        .parse()
        .ok()
        .filter(|_| is_number && !text.is_empty())
}

fn key_id(version: u64) -> String {
    format!("v{version}")
}

impl KeyWrapper for VaultKeyWrapper {
    fn key_id(&self) -> Result<String, KeyError> {
        Ok(key_id(self.key()?.latest))
    }

    fn wrap(&self, secret: &[u8]) -> Result<Wrapped, KeyError> {
        if secret.len() < 16 || !secret.len().is_multiple_of(8) {
            return Err(service("a secret of this length cannot be wrapped"));
        }
        let plain = Zeroizing::new(STANDARD.encode(secret));
        let body = Encrypt { plaintext: &plain };
        let answer = self.done(Method::POST, &self.path("encrypt"), Some(&body))?;
        let Encrypted { ciphertext } = answer.ok_or_else(unformed)?;
        let version = version(&ciphertext).ok_or_else(unformed)?;
        Ok(Wrapped {
            key_id: key_id(version),
            bytes: ciphertext.into_bytes(),
        })
    }

    fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let sealed = std::str::from_utf8(&wrapped.bytes).map_err(|_| KeyError::Altered)?;
        let version = version(sealed).ok_or(KeyError::Altered)?;
        if key_id(version) != wrapped.key_id {
            return Err(KeyError::Altered);
        }
        let body = json!({ "ciphertext": sealed });
        match self.call(Method::POST, &self.path("decrypt"), Some(&body))? {
            (StatusCode::OK, answer) => {
                let answer: Decrypted = answer.ok_or_else(unformed)?;
                let plain = STANDARD.decode(&answer.plaintext);
                plain.map(Zeroizing::new).map_err(|_| unformed())
            }
            // It says the same of a version that is gone and of what was altered, but for its words.
            (StatusCode::BAD_REQUEST, _) => {
                let key = self.key()?;
                let first = key.decrypts_from.max(key.is_there_from);
                match version < first || version > key.latest {
                    true => Err(KeyError::Gone),
                    false => Err(KeyError::Altered),
                }
            }
            (status, _) => Err(refused(status)),
        }
    }

    fn rotate(&self) -> Result<(), KeyError> {
        let path = format!("{}/rotate", self.path("keys"));
        let done: Result<Option<IgnoredAny>, _> = self.done(Method::POST, &path, Some(&json!({})));
        done.map(drop)
    }

    fn destroy_earlier(&self) -> Result<(), KeyError> {
        let key = self.key()?;
        if key.latest == 1 || key.is_there_from >= key.latest {
            return Ok(());
        }
        // It trims no further than to these, and not at all while either is unset.
        let config = json!({
            "min_decryption_version": key.latest,
            "min_encryption_version": key.latest,
        });
        let path = self.path("keys");
        let trim = json!({ "min_available_version": key.latest });
        for (of, body) in [("config", config), ("trim", trim)] {
            let path = format!("{path}/{of}");
            let _: Option<IgnoredAny> = self.done(Method::POST, &path, Some(&body))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_and_answered_is_overwritten() {
        let secret = Bytes::from(b"CANARY".to_vec());
        let shared = secret.clone();
        assert_eq!(Wiped(secret).wipe(), None, "somebody else reads it");
        let wiped = Wiped(shared).wipe();
        assert_eq!(wiped.as_deref(), Some([0; 6].as_slice()));
    }
}
