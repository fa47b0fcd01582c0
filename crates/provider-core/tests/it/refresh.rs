//! A provider that fetches a token before an attempt, where the one at hand has expired.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_core::http::HeaderValue;
use provider_core::http::request::Parts;
use provider_core::jiff::Timestamp;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, BoxFuture, BuiltRequest, Client, Endpoint, Error,
    ErrorKind, Fault, Idempotency, InvalidRequest, KnownMembers, Operation, Outcome, Provider,
    RawResponse, RequestBuilder, ResponseError, RetryPolicy, VerificationError, Verified,
};
use tokio::time::Instant;

const LIFETIME: Duration = Duration::from_secs(60);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Issue = fn(u32) -> BoxFuture<'static, Result<String, BoxError>>;

#[derive(Debug)]
struct Renewing {
    base_url: BaseUrl,
    token: Mutex<Option<(String, Instant)>>,
    fetching: tokio::sync::Mutex<()>,
    issued: Arc<AtomicU32>,
    issue: Issue,
}

impl Renewing {
    fn is_alive(&self) -> bool {
        let token = self.token.lock().unwrap();
        token.as_ref().is_some_and(|(_, end)| Instant::now() < *end)
    }
}

impl Provider for Renewing {
    const NAME: &'static str = "renewing";
    const SIGNS_REQUESTS: bool = false;
    const ENVELOPE: KnownMembers = KnownMembers::new(&[], &[]);

    fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    fn refresh(&self) -> Option<BoxFuture<'_, Result<(), BoxError>>> {
        (!self.is_alive()).then(|| {
            Box::pin(async {
                let _only_one = self.fetching.lock().await;
                // Another call may have fetched it meanwhile.
                if !self.is_alive() {
                    let token = (self.issue)(self.issued.fetch_add(1, Ordering::Relaxed)).await?;
                    *self.token.lock().unwrap() = Some((token, Instant::now() + LIFETIME));
                }
                Ok(())
            }) as _
        })
    }

    fn authorize(
        &self,
        head: &mut Parts,
        _: Option<&[u8]>,
        _: &Attempt,
    ) -> Result<(), InvalidRequest> {
        let token = self.token.lock().unwrap();
        let (token, _) = token
            .as_ref()
            .expect("a token, because refresh was awaited");
        let token = HeaderValue::try_from(token).unwrap();
        head.headers.insert("authorization", token);
        Ok(())
    }

    fn verify(&self, _: &RawResponse, _: Timestamp) -> Result<Authenticity, VerificationError> {
        Ok(Authenticity::Unsigned)
    }

    fn allowance(&self, _: &RawResponse, _: Timestamp) -> Option<Allowance> {
        None
    }

    fn fault(&self, _: &RawResponse) -> Option<Fault> {
        None
    }
}

struct Ask;

impl Endpoint for Ask {
    type Provider = Renewing;
    type Output = ();
    const OPERATION: Operation = Operation::new("ask", "GET /v1/ask", Idempotency::Safe);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Renewing>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        request.empty()
    }

    fn response(&self, _: &Verified) -> Result<(), ResponseError> {
        Ok(())
    }
}

fn client(issue: Issue, steps: Vec<Step>) -> (Client<Renewing>, ScriptedTransport, Arc<AtomicU32>) {
    let transport = ScriptedTransport::new(steps);
    let issued = Arc::<AtomicU32>::default();
    let provider = Renewing {
        base_url: BaseUrl::parse("BASE_URL", "https://renewing.example.test").unwrap(),
        token: Mutex::default(),
        fetching: tokio::sync::Mutex::default(),
        issued: Arc::clone(&issued),
        issue,
    };
    let client = Client::builder(provider).transport(Arc::new(transport.clone()));
    (client.build().unwrap(), transport, issued)
}

fn in_a_second(number: u32) -> BoxFuture<'static, Result<String, BoxError>> {
    Box::pin(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(format!("token-{number}"))
    })
}

fn fine() -> Step {
    Step::respond(200, "{}")
}

#[tokio::test(start_paused = true)]
async fn calls_that_come_together_wait_for_one_token_which_serves_until_it_expires() {
    let (client, transport, issued) = client(in_a_second, vec![fine(), fine(), fine(), fine()]);
    let [one, two] = [client.clone(), client.clone()];
    let (one, two) = tokio::join!(one.call(Ask), two.call(Ask));
    assert!(one.is_ok() && two.is_ok());
    client.call(Ask).await.unwrap();
    assert_eq!(issued.load(Ordering::Relaxed), 1);
    tokio::time::sleep(LIFETIME).await;
    client.call(Ask).await.unwrap();
    let sent = transport.sent();
    let tokens: Vec<_> = sent
        .iter()
        .map(|sent| sent.header("authorization"))
        .collect();
    assert_eq!(tokens, ["token-0", "token-0", "token-0", "token-1"]);
}

/// The token expires while the first attempt is waited for.
#[tokio::test(start_paused = true)]
async fn a_retry_refreshes_too() {
    let (client, transport, _) = client(in_a_second, vec![Step::respond(503, ""), fine()]);
    let call = client.call(Ask).with_timeout(10 * LIFETIME);
    let pauses = RetryPolicy::standard().with_pauses(LIFETIME, LIFETIME);
    call.with_retry(pauses).await.unwrap();
    let sent = transport.sent();
    assert_eq!(sent.len(), 2);
    assert!(sent[1].header("authorization").starts_with("token-"));
}

#[tokio::test(start_paused = true)]
async fn without_a_token_nothing_is_sent_and_the_error_says_why() {
    let refused: Issue = |_| {
        Box::pin(async {
            let error = Error::new(ErrorKind::Api, Outcome::Refused).at("renewing", "token");
            Err(error.into())
        })
    };
    let (refusing, transport, _) = client(refused, Vec::new());
    let error = refusing.call(Ask).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome(), error.attempts()),
        (ErrorKind::Api, Outcome::NotSent, 0)
    );
    assert!(
        error.report().contains("renewing token"),
        "{}",
        error.report()
    );
    assert!(transport.sent().is_empty());

    let foreign: Issue = |_| Box::pin(async { Err("no such token".into()) });
    let (refusing, transport, _) = client(foreign, Vec::new());
    let error = refusing.call(Ask).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert!(error.report().contains("no such token"));
    assert!(transport.sent().is_empty());

    let silent: Issue = |_| Box::pin(std::future::pending());
    let (waiting, transport, _) = client(silent, Vec::new());
    let call = waiting.call(Ask).with_timeout(Duration::from_secs(5));
    let error = call.await.unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome(), error.elapsed()),
        (ErrorKind::Timeout, Outcome::NotSent, Duration::from_secs(5))
    );
    assert!(transport.sent().is_empty());
}
