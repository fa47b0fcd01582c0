//! Key-encryption keys in a Vault, played by a server of this process.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kyc_consent::{
    Class, ConsentLedger, DataKey, ErasureOrder, ErasureReason, KeyError, KeyStore as _,
    KeyWrapper, Keys, MemoryKeyStore, MemoryStore, Place, SealError, Subject, VaultKeyWrapper,
    VaultSettings, Wrapped, open, seal,
};
use provider_core::http::{HeaderMap, Request, StatusCode};
use provider_core::secrecy::SecretString;
use provider_core::{
    Body, ExchangeLimits, RawResponse, Transport, TransportError, TransportErrorKind, async_trait,
};
use serde_json::{Value, json};

use crate::support::consenting;

const TOKEN: &str = "hvs.CANARYTOKEN";
const SECRET: [u8; 32] = [7; 32];

/// What Vault's documentation says of a key of the transit engine.
#[derive(Debug)]
struct FakeVault {
    versions: BTreeMap<u64, DataKey>,
    latest: u64,
    min_decryption: u64,
    min_encryption: u64,
    min_available: u64,
    exportable: bool,
    /// Answers this instead, so many times.
    fails: Option<(StatusCode, Vec<u8>)>,
    calls: Vec<String>,
}

fn place(version: u64) -> Place<'static> {
    Place {
        table: "vault",
        row: b"",
        subject: Subject::from_bytes([0; 16]),
        class: Class::Transient,
        version: u32::try_from(version).unwrap(),
    }
}

impl FakeVault {
    fn new() -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            versions: BTreeMap::from([(1, DataKey::random().unwrap())]),
            latest: 1,
            min_decryption: 1,
            min_encryption: 0,
            min_available: 0,
            exportable: false,
            fails: None,
            calls: Vec::new(),
        }))
    }

    fn answer(&mut self, line: &str, token: Option<&str>, body: &[u8]) -> (StatusCode, Value) {
        self.calls.push(line.to_owned());
        if token != Some(TOKEN) {
            return (
                StatusCode::FORBIDDEN,
                json!({"errors": ["permission denied"]}),
            );
        }
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let number = |name: &str| body[name].as_u64().unwrap();
        let wrong = || {
            (
                StatusCode::BAD_REQUEST,
                json!({"errors": ["invalid ciphertext"]}),
            )
        };
        match line {
            "GET /v1/transit/keys/kyc" => (
                StatusCode::OK,
                json!({"data": {
                    "type": "aes256-gcm96",
                    "latest_version": self.latest,
                    "min_decryption_version": self.min_decryption,
                    "min_encryption_version": self.min_encryption,
                    "min_available_version": self.min_available,
                    "exportable": self.exportable,
                    "allow_plaintext_backup": false,
                    "derived": false,
                }}),
            ),
            "POST /v1/transit/encrypt/kyc" => {
                let plain = STANDARD
                    .decode(body["plaintext"].as_str().unwrap())
                    .unwrap();
                let key = &self.versions[&self.latest];
                let sealed = seal(key, &place(self.latest), &plain).unwrap();
                let text = format!("vault:v{}:{}", self.latest, STANDARD.encode(sealed));
                (StatusCode::OK, json!({"data": {"ciphertext": text}}))
            }
            "POST /v1/transit/decrypt/kyc" => {
                let text = body["ciphertext"].as_str().unwrap();
                let (version, text) = text
                    .strip_prefix("vault:v")
                    .unwrap()
                    .split_once(':')
                    .unwrap();
                let version: u64 = version.parse().unwrap();
                let Some(key) = self.versions.get(&version) else {
                    return wrong();
                };
                let Ok(sealed) = STANDARD.decode(text) else {
                    return wrong();
                };
                if version < self.min_decryption {
                    return wrong();
                }
                match open(key, &place(version), &sealed) {
                    Ok(plain) => (
                        StatusCode::OK,
                        json!({"data": {"plaintext": STANDARD.encode(&*plain)}}),
                    ),
                    Err(_) => wrong(),
                }
            }
            "POST /v1/transit/keys/kyc/rotate" => {
                self.latest += 1;
                self.versions
                    .insert(self.latest, DataKey::random().unwrap());
                (StatusCode::OK, json!({"data": {}}))
            }
            "POST /v1/transit/keys/kyc/config" => {
                self.min_decryption = number("min_decryption_version");
                self.min_encryption = number("min_encryption_version");
                (StatusCode::NO_CONTENT, Value::Null)
            }
            "POST /v1/transit/keys/kyc/trim" => {
                let first = number("min_available_version");
                if self.min_decryption < first || self.min_encryption < first {
                    return (StatusCode::BAD_REQUEST, json!({"errors": ["not allowed"]}));
                }
                self.min_available = first;
                self.versions.retain(|version, _| *version >= first);
                (StatusCode::NO_CONTENT, Value::Null)
            }
            _ => (StatusCode::NOT_FOUND, json!({"errors": []})),
        }
    }
}

#[derive(Debug, Clone)]
struct InProcess(Arc<Mutex<FakeVault>>);

#[async_trait]
impl Transport for InProcess {
    async fn send(
        &self,
        request: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let mut vault = self.0.lock().unwrap();
        if let Some((status, body)) = &vault.fails {
            let response = RawResponse::new(*status, HeaderMap::new(), body.clone().into());
            return Ok(response);
        }
        let line = format!("{} {}", request.method(), request.uri().path());
        let token = request.headers().get("x-vault-token");
        let token = token.map(|token| token.to_str().unwrap().to_owned());
        let (status, body) = vault.answer(&line, token.as_deref(), request.body().bytes());
        let body = serde_json::to_vec(&body).unwrap();
        Ok(RawResponse::new(status, HeaderMap::new(), body.into()))
    }
}

fn token(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn settings(address: &str) -> VaultSettings {
    VaultSettings::new(address, &token(TOKEN), "kyc").unwrap()
}

fn wrapper(vault: &Arc<Mutex<FakeVault>>) -> Result<VaultKeyWrapper, KeyError> {
    let settings = settings("https://vault.example.test:8200");
    VaultKeyWrapper::over(settings, Arc::new(InProcess(vault.clone())))
}

#[test]
fn secrets_come_back_until_their_version_is_destroyed() {
    let vault = FakeVault::new();
    let keys = wrapper(&vault).unwrap();
    let before = keys.wrap(&SECRET).unwrap();
    assert_eq!(
        (before.key_id.as_str(), keys.key_id().unwrap()),
        ("v1", "v1".to_owned())
    );
    assert_eq!(*keys.unwrap(&before).unwrap(), SECRET);
    keys.rotate().unwrap();
    let after = keys.wrap(&SECRET).unwrap();
    assert_eq!(
        (after.key_id.as_str(), keys.key_id().unwrap()),
        ("v2", "v2".to_owned())
    );
    assert_eq!(*keys.unwrap(&before).unwrap(), SECRET);
    keys.destroy_earlier().unwrap();
    assert_eq!(keys.unwrap(&before), Err(KeyError::Gone));
    assert_eq!(*keys.unwrap(&after).unwrap(), SECRET);
    assert_eq!(vault.lock().unwrap().versions.len(), 1);
    // There is nothing more to destroy, and nothing is asked for.
    let calls = vault.lock().unwrap().calls.len();
    keys.destroy_earlier().unwrap();
    assert_eq!(vault.lock().unwrap().calls.len(), calls + 1);
    // Killed between its two calls, it is finished the next time.
    keys.rotate().unwrap();
    {
        let mut vault = vault.lock().unwrap();
        (vault.min_decryption, vault.min_encryption) = (3, 3);
    }
    keys.destroy_earlier().unwrap();
    assert_eq!(vault.lock().unwrap().min_available, 3);
}

#[test]
fn what_was_altered_is_told_from_what_is_gone() {
    let vault = FakeVault::new();
    let keys = wrapper(&vault).unwrap();
    let wrapped = keys.wrap(&SECRET).unwrap();
    let text = String::from_utf8(wrapped.bytes.clone()).unwrap();
    for altered in [
        text.replace("vault:v1:", "vault:v1:AAAA"),
        text.replace("vault:v1:", "vault:v01:"),
        text.replace("vault:", "v:"),
        "vault:v1:".to_owned(),
        String::new(),
    ] {
        let altered = Wrapped {
            bytes: altered.into_bytes(),
            ..wrapped.clone()
        };
        assert_eq!(keys.unwrap(&altered), Err(KeyError::Altered));
    }
    let elsewhere = Wrapped {
        key_id: "v9".to_owned(),
        bytes: text.replace("vault:v1:", "vault:v9:").into_bytes(),
    };
    assert_eq!(keys.unwrap(&elsewhere), Err(KeyError::Gone));
    assert!(matches!(keys.wrap(&[1; 17]), Err(KeyError::Service(_))));
}

#[test]
fn a_ledger_s_erasure_reaches_the_vault() {
    let vault = FakeVault::new();
    let keys = wrapper(&vault).unwrap();
    let rows = Arc::new(MemoryKeyStore::new());
    let keys = Keys::new(rows.clone(), Arc::new(keys));
    let store = Arc::new(MemoryStore::new().unwrap());
    let ledger = ConsentLedger::open(store, keys).unwrap();
    let (subject, _) = consenting(&ledger);
    let place = Place {
        table: "t",
        row: b"1",
        subject,
        class: Class::Documents,
        version: 0,
    };
    let sealed = ledger.seal(&place, b"text").unwrap();
    assert_eq!(*ledger.unseal(&place, &sealed).unwrap(), b"text");
    let backup = rows.list(b"").unwrap();
    let order = ErasureOrder {
        reason: ErasureReason::Request,
        classes: None,
        relationship_ended: None,
    };
    ledger.erase(subject, &order).unwrap();
    let error = ledger.unseal(&place, &sealed).unwrap_err();
    assert_eq!(error.to_string(), SealError::Erased.to_string());
    // The ledger's own entries still open, a backup's keys do not.
    assert!(
        ledger
            .history(subject)
            .unwrap()
            .iter()
            .all(|(_, says)| says.is_some())
    );
    let again = wrapper(&vault).unwrap();
    for row in &backup {
        assert_eq!(again.unwrap(&row.wrapped), Err(KeyError::Gone));
    }
    ledger.verify(&[]).unwrap();
}

#[test]
fn what_must_not_be_used_is_refused_before_anything_is_sent() {
    for (address, bad_token, key, field) in [
        ("http://vault.example.test:8200", TOKEN, "kyc", "address"),
        ("vault.example.test", TOKEN, "kyc", "address"),
        ("https://vault.example.test", "", "kyc", "token"),
        ("https://vault.example.test", "CANARY\n", "kyc", "token"),
        ("https://vault.example.test", TOKEN, "", "key"),
        ("https://vault.example.test", TOKEN, "../sys", "key"),
        ("https://vault.example.test", TOKEN, &"k".repeat(65), "key"),
    ] {
        let error = VaultSettings::new(address, &token(bad_token), key).unwrap_err();
        assert_eq!(error.field(), field);
        assert!(!error.to_string().contains("CANARY"));
    }
    let settings = settings("http://127.0.0.1:8200");
    assert_eq!(
        settings.clone().set_mount("a/b").unwrap_err().field(),
        "mount"
    );
    assert_eq!(
        settings.clone().set_namespace("a\nb").unwrap_err().field(),
        "namespace"
    );
    assert!(!format!("{settings:?}").contains("CANARY"));
    let vault = FakeVault::new();
    let keys = wrapper(&vault).unwrap();
    assert!(!format!("{keys:?}").contains("CANARY"));
    vault.lock().unwrap().exportable = true;
    let error = wrapper(&vault).unwrap_err().to_string();
    assert!(error.contains("exported"), "{error}");
}

#[test]
fn what_the_service_says_is_never_repeated() {
    let vault = FakeVault::new();
    let keys = wrapper(&vault).unwrap();
    let wrapped = keys.wrap(&SECRET).unwrap();
    for (status, body) in [
        (StatusCode::OK, b"{\"data\": CANARY".to_vec()),
        (
            StatusCode::OK,
            b"{\"data\": {\"plaintext\": \"CANARY!\"}}".to_vec(),
        ),
        (StatusCode::OK, b"{}".to_vec()),
        (StatusCode::OK, vec![b' '; 300_000]),
        (StatusCode::FORBIDDEN, b"CANARY".to_vec()),
        (StatusCode::NOT_FOUND, b"CANARY".to_vec()),
        (StatusCode::SERVICE_UNAVAILABLE, b"CANARY".to_vec()),
        (StatusCode::FOUND, b"CANARY".to_vec()),
        (StatusCode::BAD_REQUEST, b"CANARY".to_vec()),
    ] {
        vault.lock().unwrap().fails = Some((status, body));
        let results = [
            keys.unwrap(&wrapped).map(drop),
            keys.wrap(&SECRET).map(drop),
            keys.key_id().map(drop),
        ];
        for result in results {
            let error = result.unwrap_err();
            assert!(matches!(error, KeyError::Service(_)), "{status}: {error}");
            assert!(!error.to_string().contains("CANARY"), "{error}");
        }
    }
    vault.lock().unwrap().fails = None;
    let other = VaultSettings::new("https://vault.example.test", &token("other"), "kyc").unwrap();
    let error = VaultKeyWrapper::over(other, Arc::new(InProcess(vault))).unwrap_err();
    assert!(error.to_string().contains("token"), "{error}");
}

/// A peer that never answers, or breaks off.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl Transport for Broken {
    async fn send(
        &self,
        _: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        Err(TransportError::new(TransportErrorKind::Interrupted))
    }
}

#[test]
fn a_service_that_is_away_is_an_error_and_says_so() {
    let settings = settings("https://vault.example.test");
    let error = VaultKeyWrapper::over(settings, Arc::new(Broken)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key service failed: the connection broke before the response was complete"
    );
}

/// Over a socket of this machine, as `connect` makes it.
#[test]
fn the_same_over_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let vault = FakeVault::new();
    let served = vault.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let (mut token, mut length) = (None, 0);
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                let Some((name, value)) = header.trim_end().split_once(": ") else {
                    break;
                };
                match name.to_ascii_lowercase().as_str() {
                    "x-vault-token" => token = Some(value.to_owned()),
                    "content-length" => length = value.parse().unwrap(),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let line = line.rsplit_once(' ').unwrap().0;
            let (status, body) = served.lock().unwrap().answer(line, token.as_deref(), &body);
            let body = match status {
                StatusCode::NO_CONTENT => String::new(),
                _ => body.to_string(),
            };
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close");
            write!(stream, "{head}\r\n\r\n{body}").unwrap();
        }
    });
    let keys = VaultKeyWrapper::connect(settings(&address)).unwrap();
    let wrapped = keys.wrap(&SECRET).unwrap();
    assert_eq!(*keys.unwrap(&wrapped).unwrap(), SECRET);
    keys.rotate().unwrap();
    keys.destroy_earlier().unwrap();
    assert_eq!(keys.unwrap(&wrapped), Err(KeyError::Gone));
}
