//! A sandbox that runs, found by the environment or by the file that each `kyc sandbox` leaves while it serves.

use std::cmp::Reverse;
use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kyc_facade::provider_core::http::{Method, Request, StatusCode, Uri};
use kyc_facade::provider_core::secrecy::ExposeSecret as _;
use kyc_facade::provider_core::{
    BaseUrl, Body, Error, ExchangeLimits, HyperTransport, InvalidRequest, Outcome, Settings,
    Transport as _, TransportErrorKind,
};
use serde_json::{Value, json};

use super::read::text;
use crate::failure::Failure;
use crate::files::secret_file;

/// The URL of a running sandbox.
pub(crate) const URL: &str = "KYC_SANDBOX_URL";
/// The token that steers it.
pub(crate) const TOKEN: &str = "KYC_SANDBOX_TOKEN";

/// Moving the clock waits for webhooks to be answered.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Whoever listens on this machine accepts at once.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const REPLY_BYTES: usize = 64 * 1024 * 1024;

/// A sandbox that runs.
pub(crate) struct Running {
    url: String,
    /// Where the URL is from.
    from: &'static str,
    token: String,
    transport: HyperTransport,
}

impl Running {
    /// Finds the sandbox that runs.
    pub(crate) fn find() -> Result<Self, Failure> {
        let settings = Settings::environment();
        let given = (settings.optional(URL)?, settings.optional(TOKEN)?);
        let (from, (url, token)) = match given {
            (Some(url), Some(token)) => {
                let [url, token] = [url, token].map(|value| value.expose_secret().to_owned());
                (URL, (url, token))
            }
            (Some(_), None) => {
                return Err(Failure::configuration(
                    TOKEN,
                    "is required with KYC_SANDBOX_URL",
                ));
            }
            (None, _) => ("the address of the last one", RunningFile::read()?),
        };
        let url = url.trim_end_matches('/').to_owned();
        if url
            .parse::<Uri>()
            .ok()
            .is_none_or(|uri| uri.scheme_str() != Some("http"))
        {
            return Err(Failure::configuration(
                URL,
                "must be the http URL of a sandbox",
            ));
        }
        let transport = HyperTransport::builder().without_tls().build()?;
        Ok(Self {
            url,
            from,
            token,
            transport,
        })
    }

    /// Whether this address is of this sandbox.
    pub(crate) fn serves(&self, address: &BaseUrl) -> bool {
        const HERE: [Option<&str>; 3] = [Some("127.0.0.1"), Some("localhost"), Some("[::1]")];
        let uris = [self.url.clone(), address.to_string()].map(|text| text.parse::<Uri>());
        let [Ok(own), Ok(other)] = uris else {
            return false;
        };
        let is_here = |uri: &Uri| HERE.contains(&uri.host());
        own.port_u16() == other.port_u16()
            && (own.host() == other.host() || (is_here(&own) && is_here(&other)))
    }

    /// The page of the console that explains a reply of the sandbox that runs: which call it was, and why it was answered so. None
    /// where a provider answered, or nobody did.
    pub(crate) fn explains(error: &Error) -> Option<String> {
        error.status()?;
        let provider = error.provider();
        let name = format!("{}_BASE_URL", provider.to_ascii_uppercase());
        let address = env::var(name).ok()?;
        let address = BaseUrl::parse("address", &address).ok()?;
        let sandbox = Self::find().ok()?;
        let operation = error.operation();
        let page = format!("/latest?filter=provider:{provider}+operation:{operation}");
        sandbox
            .serves(&address)
            .then(|| format!("{}{page}", sandbox.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::DELETE, path, None).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .body(Body::from(
                body.map(Value::to_string).unwrap_or_default().into_bytes(),
            ));
        let request = request
            .map_err(|_| Failure::configuration(TOKEN, "must be visible ASCII characters"))?;
        let limits = ExchangeLimits::new(TIMEOUT, REPLY_BYTES);
        let none = format!(
            "no sandbox answers at {}; start one with `kyc sandbox`",
            self.from
        );
        let reply = self.transport.send(request, limits).await;
        let reply = reply.map_err(|error| match error.kind() {
            TransportErrorKind::Timeout | TransportErrorKind::Interrupted => Failure::unreached(
                "the sandbox did not answer to the end; it may have done what it was asked for",
                Outcome::Unknown,
            ),
            _ => Failure::unreached(&*none, Outcome::NotSent),
        })?;
        // Another server answers there.
        let unreached = || Failure::unreached(&*none, Outcome::Unknown);
        let value: Value = serde_json::from_slice(reply.body()).map_err(|_| unreached())?;
        let member = |name: &str| value.pointer(&format!("/error/{name}"));
        let refused = |field: &str, rule: &str| {
            let refused = InvalidRequest::new(field.to_owned(), rule.to_owned());
            Err(Failure::RefusedBySandbox(refused))
        };
        match (member("field"), member("rule")) {
            (_, Some(Value::String(rule))) if reply.status() == StatusCode::UNAUTHORIZED => {
                refused(TOKEN, rule)
            }
            (Some(Value::String(field)), Some(Value::String(rule))) => refused(field, rule),
            _ if reply.status().is_success() && is_of_a_sandbox(&method, path, body, &value) => {
                Ok(value)
            }
            _ => Err(unreached()),
        }
    }
}

/// Whether a success has what a sandbox answers this request with: another server answers there otherwise.
fn is_of_a_sandbox(method: &Method, path: &str, body: Option<&Value>, answer: &Value) -> bool {
    let has_text = |name: &str| answer.get(name).is_some_and(Value::is_string);
    let has_items = |name: &str| answer.get(name).is_some_and(Value::is_array);
    let is_read = *method == Method::GET;
    let mut segments = path.split('/').skip(2);
    match (segments.next().unwrap_or_default(), segments.next()) {
        ("clock", None) => has_text("now") && has_text("mode"),
        ("triggers", None) if !is_read => has_text("webhook") && has_items("webhooks"),
        ("triggers", None) => has_items("events"),
        ("faults", None) if !is_read => has_text("id") && has_text("provider"),
        (list @ ("faults" | "journeys" | "people" | "webhooks"), None) if is_read => {
            has_items(list)
        }
        ("faults" | "journeys" | "webhooks", Some(_)) => has_text("id"),
        ("people", _) => has_text("mobile") && has_text("description"),
        ("returns", Some(_)) => has_text("url"),
        ("webhook-urls", None) => {
            let urls = answer.as_object().into_iter().flatten();
            let set = body.and_then(Value::as_object).into_iter().flatten();
            let is_set =
                |(name, url): (&String, &Value)| answer.get(name).unwrap_or(&Value::Null) == url;
            answer.is_object()
                && urls.map(|(_, url)| url).all(Value::is_string)
                && set.into_iter().all(is_set)
        }
        _ => answer
            .as_object()
            .is_some_and(|members| !members.is_empty()),
    }
}

/// The file that tells of one sandbox that runs, for its owner only. Each sandbox has its own.
pub(crate) struct RunningFile {
    path: PathBuf,
}

/// What a file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    /// In Unix milliseconds.
    started_ms: u64,
    url: String,
    token: String,
}

impl Told {
    /// What the files of a directory tell, newest first, each with its path.
    fn all(directory: &Path) -> Vec<(Self, PathBuf)> {
        let files = fs::read_dir(directory).into_iter().flatten().flatten();
        let is_ours = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("sandbox") && name.ends_with(".json"))
        };
        let paths = files.map(|file| file.path()).filter(is_ours);
        let mut told: Vec<_> = paths
            .filter_map(|path| Some((Self::read(&path)?, path)))
            .collect();
        told.sort_by_key(|(told, _)| Reverse(told.started_ms));
        told
    }

    fn read(path: &Path) -> Option<Self> {
        // It holds a token.
        let file = secret_file::open(path).ok()??;
        let value: Value = serde_json::from_reader(file).ok()?;
        Some(Self {
            started_ms: value.get("started_ms").and_then(Value::as_u64).unwrap_or(0),
            url: text(&value, "url")?.to_owned(),
            token: text(&value, "token")?.to_owned(),
        })
    }
}

/// Whether something listens there. A sandbox that was killed has left its file.
fn answers(url: &str) -> bool {
    let authority = url.parse::<Uri>().ok().and_then(|uri| {
        let authority = uri.authority()?;
        Some(authority.as_str().to_owned())
    });
    let addresses = authority.and_then(|authority| authority.to_socket_addrs().ok());
    addresses
        .into_iter()
        .flatten()
        .any(|address| TcpStream::connect_timeout(&address, CONNECT_TIMEOUT).is_ok())
}

impl RunningFile {
    /// In the directory that the system keeps for what runs, or in the user's cache.
    fn directory() -> Option<PathBuf> {
        let directory = |name: &str| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let cache =
            || directory("XDG_CACHE_HOME").or_else(|| Some(directory("HOME")?.join(".cache")));
        let base = directory("XDG_RUNTIME_DIR").or_else(cache)?;
        Some(base.join("kyc"))
    }

    /// Tells of a sandbox. Where there is no such directory, nothing is told: the environment still can be.
    pub(crate) fn write(url: &str, token: &str) -> Option<Self> {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let told = Told {
            started_ms: u64::try_from(started.as_millis()).ok()?,
            url: url.to_owned(),
            token: token.to_owned(),
        };
        Self::write_in(&Self::directory()?, process::id(), &told, answers)
    }

    /// Takes away what was left by those that answer no more, and tells of this one.
    fn write_in(
        directory: &Path,
        process: u32,
        told: &Told,
        answers: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        for (left, path) in Told::all(directory) {
            // Where this one listens no other one does.
            if left.url == told.url || !answers(&left.url) {
                let _ = fs::remove_file(path);
            }
        }
        let path = directory.join(format!("sandbox-{process}.json"));
        let Told {
            started_ms,
            url,
            token,
        } = told;
        let text = json!({"started_ms": started_ms, "url": url, "token": token}).to_string();
        let write = || -> io::Result<()> {
            fs::create_dir_all(directory)?;
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(text.as_bytes())?;
            file.persist(&path)?;
            Ok(())
        };
        write().ok()?;
        Some(Self { path })
    }

    /// The newest sandbox that runs.
    fn read() -> Result<(String, String), Failure> {
        let directory = Self::directory();
        let newest = directory.and_then(|directory| Self::newest_in(&directory, answers));
        newest.map(|told| (told.url, told.token)).ok_or_else(|| {
            let rule = "no sandbox runs that is known; start `kyc sandbox`, or set KYC_SANDBOX_URL and KYC_SANDBOX_TOKEN";
            Failure::configuration(URL, rule)
        })
    }

    fn newest_in(directory: &Path, answers: impl Fn(&str) -> bool) -> Option<Told> {
        let all = Told::all(directory).into_iter();
        all.map(|(told, _)| told).find(|told| answers(&told.url))
    }
}

impl Drop for RunningFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn told(started_ms: u64, port: u16) -> Told {
        Told {
            started_ms,
            url: format!("http://127.0.0.1:{port}"),
            token: format!("token-{started_ms}"),
        }
    }

    #[test]
    fn the_newest_that_runs_is_found_and_one_that_stops_leaves_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path().join("kyc");
        let runs = |_: &str| true;
        assert_eq!(RunningFile::newest_in(&here, runs), None);
        let first = RunningFile::write_in(&here, 1, &told(10, 1), runs);
        let second = RunningFile::write_in(&here, 2, &told(20, 2), runs);
        assert_eq!(RunningFile::newest_in(&here, runs), Some(told(20, 2)));
        drop(second);
        assert_eq!(RunningFile::newest_in(&here, runs), Some(told(10, 1)));

        // The third was killed: its file is left, passed over, and taken away by the next one.
        std::mem::forget(RunningFile::write_in(&here, 3, &told(30, 3), runs));
        let runs = |url: &str| !url.ends_with(":3");
        assert_eq!(RunningFile::newest_in(&here, runs), Some(told(10, 1)));
        let fourth = RunningFile::write_in(&here, 4, &told(40, 4), runs);
        assert_eq!(Told::all(&here).len(), 2);
        drop((first, fourth));
        assert_eq!(Told::all(&here).len(), 0);

        // One that was killed, and whose address another one has now.
        std::mem::forget(RunningFile::write_in(&here, 5, &told(50, 5), runs));
        let _sixth = RunningFile::write_in(&here, 6, &told(60, 5), runs);
        assert_eq!(Told::all(&here).len(), 1);
        assert_eq!(RunningFile::newest_in(&here, runs), Some(told(60, 5)));
    }

    #[test]
    fn whoever_listens_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        assert!(answers(&url));
        drop(listener);
        assert!(!answers(&url) && !answers("nowhere") && !answers(""));
    }
}
