//! Where a person's browser comes back to.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use kyc_facade::deepvue_digilocker::{BrowserReturn, TransactionId};
use kyc_facade::finpro_fiu::ReturnParameters;
use kyc_facade::provider_core::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use kyc_facade::provider_core::{Plus, RequestId, is_same_text, query_parameters};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::connections::answer_each;
use crate::terminal::output::Output;

/// What the path begins with that a browser comes back to. A token follows, which only whoever was given the address knows.
const PATH: &str = "/back";
const BACK: &str = "You are back. Go on in the terminal; this window can be closed.";

/// The browsers that came back.
pub(crate) struct Returns {
    url: String,
    expected: Expected,
    received: mpsc::Receiver<String>,
    /// Dropped, it ends the server.
    _going: watch::Sender<()>,
}

/// The returns that are waited for. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Expected(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// The sessions' ids, and whether the return from one came.
    sessions: HashMap<String, bool>,
    /// Whether one came from an aggregator, which names nothing that is known here.
    from_aggregator: bool,
}

/// Why a return is refused. Nothing of it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// The host is another name for this machine, as a page elsewhere gives it one.
    Host,
    /// The address has another token, or none.
    Address,
    /// The parameters cannot be read.
    Malformed,
    /// It names no session that is waited for.
    Foreign,
    /// The return from this session came before.
    Reused,
}

impl Refused {
    fn status(self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Address => StatusCode::NOT_FOUND,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::Reused => StatusCode::CONFLICT,
        }
    }

    fn rule(self) -> &'static str {
        match self {
            Self::Host => "a return was refused: its host is another one",
            Self::Address => "a return was refused: its address is another one",
            Self::Malformed => "a return was refused: its parameters cannot be read",
            Self::Foreign => "a return was refused: it names no session that is waited for",
            Self::Reused => "a return was refused: it came before",
        }
    }
}

impl Expected {
    /// Waits for the return from the session with this id, once.
    pub(crate) fn session(&self, id: &str) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.sessions.entry(id.to_owned()).or_insert(false);
    }

    /// Takes a return, by its path and query: from a session that is waited for, or from an aggregator, and the first.
    fn take(&self, url: &str) -> Result<(), Refused> {
        const OF_A_SESSION: [&str; 5] = [
            "code",
            "digilocker_code",
            "state",
            "transaction_id",
            "error",
        ];
        let parameters = query_parameters(url, Plus::Space).ok_or(Refused::Malformed)?;
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names = |id: &str| parameters.iter().any(|(_, value)| is_same_text(value, id));
        let mut sessions = waiting.sessions.iter_mut();
        let came = match sessions.find(|(id, _)| names(id)) {
            Some((id, came)) => {
                let id = TransactionId::parse(id).map_err(|_| Refused::Foreign)?;
                // Of two that contradict each other one is another session's.
                BrowserReturn::read(url, &id).map_err(|_| Refused::Foreign)?;
                came
            }
            None => {
                let mut names = parameters.iter().map(|(name, _)| name.as_str());
                if names.any(|name| OF_A_SESSION.contains(&name)) {
                    return Err(Refused::Foreign);
                }
                // That it came to this address says for whom it is.
                ReturnParameters::of_url(url).map_err(|_| Refused::Foreign)?;
                &mut waiting.from_aggregator
            }
        };
        match std::mem::replace(came, true) {
            true => Err(Refused::Reused),
            false => Ok(()),
        }
    }
}

impl Returns {
    /// Waits for browsers, on this machine only.
    pub(crate) async fn listen(output: Output) -> io::Result<Self> {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = socket.local_addr()?;
        let token = RequestId::random().map_err(io::Error::other)?;
        let path = format!("{PATH}/{token}");
        let url = format!("http://{address}{path}");
        let (sender, received) = mpsc::channel(16);
        let (going, end) = watch::channel(());
        let expected = Expected::default();
        let waiting = expected.clone();
        let answer = move |request: Request<Incoming>| {
            let back = back(&request, address, &path, &waiting);
            let response = match back {
                None => page(StatusCode::NOT_FOUND, ""),
                Some(Ok(())) => {
                    // As many as are waited for find a place.
                    let _ = sender.try_send(request.uri().to_string());
                    page(StatusCode::OK, BACK)
                }
                Some(Err(refused)) => {
                    output.warn("browser", refused.rule());
                    let rule = refused.rule();
                    page(refused.status(), &format!("Nothing was done: {rule}."))
                }
            };
            std::future::ready(response)
        };
        tokio::spawn(answer_each(socket, answer, end));
        Ok(Self {
            url,
            expected,
            received,
            _going: going,
        })
    }

    /// Where they come back to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The returns that are waited for.
    pub(super) fn expected(&self) -> Expected {
        self.expected.clone()
    }

    /// The path and query of one that came back, if one did.
    pub(super) fn next(&mut self) -> Option<String> {
        self.received.try_recv().ok()
    }
}

/// Takes a return; none if it is not meant for one.
fn back<B>(
    request: &Request<B>,
    address: SocketAddr,
    path: &str,
    expected: &Expected,
) -> Option<Result<(), Refused>> {
    let asked = request.uri().path();
    let is_return = asked.strip_prefix(PATH);
    let is_return = is_return.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if request.method() != Method::GET || !is_return {
        return None;
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let is_own = |host: &HeaderValue| {
        let host = host.to_str().unwrap_or_default();
        host == address.to_string()
            || host.eq_ignore_ascii_case(&format!("localhost:{}", address.port()))
    };
    if !matches!((hosts.next(), hosts.next()), (Some(host), None) if is_own(host)) {
        return Some(Err(Refused::Host));
    }
    if !is_same_text(asked, path) {
        return Some(Err(Refused::Address));
    }
    Some(expected.take(&request.uri().to_string()))
}

fn page(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let html = match text {
        "" => String::new(),
        text => format!(
            "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Back</title><p>{text}</p></html>"
        ),
    };
    let mut response = Response::new(Full::from(html));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "0c8c7833678e412f9fec77dbe0494562";
    const OTHER: &str = "00000000000000000000000000000000";

    #[test]
    fn each_session_comes_back_once_and_no_other_one_does() {
        let expected = Expected::default();
        let own = format!("/back/t?code=c-1&state={SESSION}");
        assert_eq!(
            expected.take(&own),
            Err(Refused::Foreign),
            "not yet waited for"
        );
        expected.session(SESSION);
        for (query, refused) in [
            (String::new(), Refused::Foreign),
            ("code=x".to_owned(), Refused::Foreign),
            ("ecres=foreign".to_owned(), Refused::Foreign),
            (
                format!("error=access_denied&state={OTHER}"),
                Refused::Foreign,
            ),
            ("error=access_denied".to_owned(), Refused::Foreign),
            (format!("code=c-1&state={OTHER}"), Refused::Foreign),
            (
                format!("code=c-1&state={SESSION}&transaction_id={OTHER}"),
                Refused::Foreign,
            ),
            (
                format!("ecres=a&resdate=b&fi=c&state={OTHER}"),
                Refused::Foreign,
            ),
            ("code=%zz".to_owned(), Refused::Malformed),
        ] {
            assert_eq!(
                expected.take(&format!("/back/t?{query}")),
                Err(refused),
                "{query}"
            );
        }
        assert_eq!(expected.take(&own), Ok(()));
        assert_eq!(expected.take(&own), Err(Refused::Reused));
        let denied = format!("/back/t?error=access_denied&state={SESSION}");
        assert_eq!(expected.take(&denied), Err(Refused::Reused));
        expected.session(SESSION);
        assert_eq!(expected.take(&own), Err(Refused::Reused), "told of twice");

        let aggregator = "/back/t?ecres=a&resdate=b&fi=c";
        assert_eq!(expected.take(aggregator), Ok(()));
        assert_eq!(expected.take(aggregator), Err(Refused::Reused));
    }

    #[test]
    fn a_return_comes_to_its_own_address() {
        let address: SocketAddr = ([127, 0, 0, 1], 4711).into();
        let answer = |method: Method, uri: &str, hosts: &[&str]| {
            let expected = Expected::default();
            expected.session(SESSION);
            let mut request = Request::builder().method(method).uri(uri);
            for host in hosts {
                request = request.header(header::HOST, *host);
            }
            back(&request.body(()).unwrap(), address, "/back/t", &expected)
        };
        let own = format!("/back/t?code=c-1&state={SESSION}");
        let get = |uri: &str, hosts: &[&str]| answer(Method::GET, uri, hosts);
        for host in ["127.0.0.1:4711", "localhost:4711", "LOCALHOST:4711"] {
            assert_eq!(get(&own, &[host]), Some(Ok(())));
        }
        for hosts in [
            &["evil.example"][..],
            &["evil.example:4711"],
            &["127.0.0.1:4712"],
            &["127.0.0.1"],
            &["127.0.0.1:4711", "127.0.0.1:4711"],
            &[],
        ] {
            assert_eq!(get(&own, hosts), Some(Err(Refused::Host)), "{hosts:?}");
        }
        let query = own.split_once('?').unwrap().1;
        for path in ["/back", "/back/", "/back/T", "/back/t/", "/back/u"] {
            let uri = format!("{path}?{query}");
            assert_eq!(
                get(&uri, &["127.0.0.1:4711"]),
                Some(Err(Refused::Address)),
                "{uri}"
            );
        }
        for uri in ["/", "/favicon.ico", "/backup"] {
            assert_eq!(get(uri, &["127.0.0.1:4711"]), None, "{uri}");
        }
        assert_eq!(answer(Method::POST, &own, &["127.0.0.1:4711"]), None);
    }
}
