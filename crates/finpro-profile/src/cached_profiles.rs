//! Check Profile with less traffic: concurrent callers share a call, and rows are cached.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use provider_core::{
    CallOptions, Endpoint, Error, ErrorKind, Idempotency, InvalidRequest, Outcome, Provider,
    RequestId, Response,
};
use tokio::time::Instant;

use crate::kept_rows::{KeptRows, Known, PersonKey};
use crate::single_flight::{Flight, Flights, Ticket};
use crate::{
    AaId, CheckProfile, Finpro, FinproProfileClient, ProfileReport, ProfileRow, RowStatus,
};

/// A [`FinproProfileClient`] with a cache. Cheap to clone; clones share the cache.
///
/// - Callers join a call that is in flight for the same question: one request answers all of them. The mobile number and
///   the aggregators identify a question; the `userConsentId` does not.
/// - Rows with the status `success` and a known [`readiness`](ProfileRow::readiness) are cached for 10 minutes, by mobile
///   number and aggregator. Failures, time-outs and errors never are.
/// - If cached rows answer a part of a question, only the missing aggregators are asked.
///
/// A person who has just registered needs a fresh answer: [`forget`](Self::forget) the number, or ask
/// [`with_fresh_rows`](CachedCheck::with_fresh_rows).
///
/// ```no_run
/// use finpro_profile::{CachedProfiles, CheckProfile, FinproProfileClient};
///
/// # async fn ask(client: FinproProfileClient, request: CheckProfile) -> Result<(), provider_core::Error> {
/// let profiles = CachedProfiles::new(client); // make one, share it
/// for row in profiles.check_profile(request).await?.rows {
///     println!("{}: {}", row.aa_id, row.readiness().as_str());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CachedProfiles(Arc<Shared>);

struct Shared {
    client: FinproProfileClient,
    kept: KeptRows,
    // Held for every lookup in `kept` that decides what is asked, and for every change of it, so that an answer that has
    // just arrived is not requested again, and one that was forgotten meanwhile is not cached.
    flights: Mutex<Flights<Question, Answer>>,
}

/// The question of one call: the person, and the aggregators. None means all.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    person: PersonKey,
    aggregators: BTreeSet<String>,
}

type Answer = Result<Arc<Response<ProfileReport>>, Error>;

impl CachedProfiles {
    /// How long rows are cached by default.
    pub const TIME_TO_LIVE: Duration = Duration::from_secs(10 * 60);
    /// How many rows are cached by default.
    pub const MAX_ROWS: u64 = 10_000;

    /// Wraps a client with the default settings.
    pub fn new(client: FinproProfileClient) -> Self {
        Self::with_settings(client, Self::TIME_TO_LIVE, Self::MAX_ROWS)
    }

    /// Starts building a cached client with settings of its own.
    pub fn builder(client: FinproProfileClient) -> CachedProfilesBuilder {
        CachedProfilesBuilder {
            client,
            time_to_live: Self::TIME_TO_LIVE,
            max_rows: Self::MAX_ROWS,
        }
    }

    fn with_settings(client: FinproProfileClient, time_to_live: Duration, max_rows: u64) -> Self {
        Self(Arc::new(Shared {
            client,
            kept: KeptRows::new(time_to_live, max_rows),
            flights: Mutex::default(),
        }))
    }

    /// Asks account aggregators whether they know a mobile number, like [`FinproProfileClient::check_profile`], unless the
    /// answer is cached or in flight.
    ///
    /// # Errors
    ///
    /// Awaiting it can return [`provider_core::Error`]. A failed call fails for all callers that joined it, and nothing is
    /// cached.
    pub fn check_profile(&self, request: CheckProfile) -> CachedCheck<'_> {
        CachedCheck {
            profiles: self,
            request,
            options: CallOptions::default(),
            fresh: false,
        }
    }

    /// Wipes the cached rows of a person. The answer of a call in flight is returned to its callers and not cached.
    pub fn forget(&self, mobile: &provider_core::Mobile) {
        let person = self.0.kept.key(mobile);
        self.0.forget(person, &mut self.0.flights());
    }

    /// Wipes all cached rows. The answers of calls in flight are not cached.
    pub fn clear(&self) {
        let mut flights = self.0.flights();
        flights.disown(|_| true);
        self.0.kept.clear();
    }

    /// The inner client. Its own calls are neither shared nor cached.
    pub fn client(&self) -> &FinproProfileClient {
        &self.0.client
    }
}

impl From<FinproProfileClient> for CachedProfiles {
    fn from(client: FinproProfileClient) -> Self {
        Self::new(client)
    }
}

impl fmt::Debug for CachedProfiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedProfiles")
            .field("client", &self.0.client)
            .field("kept", &self.0.kept)
            .field("in_flight", &self.0.flights().len())
            .finish_non_exhaustive()
    }
}

/// The settings of a [`CachedProfiles`] before it is built.
#[derive(Debug, Clone)]
pub struct CachedProfilesBuilder {
    client: FinproProfileClient,
    time_to_live: Duration,
    max_rows: u64,
}

impl CachedProfilesBuilder {
    /// Sets how long a row is cached: 5 to 15 minutes, as MoneyOne suggests; 10 by default.
    #[must_use]
    pub fn time_to_live(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = time_to_live;
        self
    }

    /// Sets about how many rows are cached, one for each person and aggregator; 10,000 by default. Beyond that, the least
    /// recently used person is evicted first. With 0 nothing is cached, and calls in flight are still shared.
    #[must_use]
    pub fn max_rows(mut self, max_rows: u64) -> Self {
        self.max_rows = max_rows;
        self
    }

    /// Builds the cached client.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`]: `time_to_live` is not 5 to 15 minutes.
    pub fn build(self) -> Result<CachedProfiles, InvalidRequest> {
        const SHORTEST: Duration = Duration::from_secs(5 * 60);
        const LONGEST: Duration = Duration::from_secs(15 * 60);
        if !(SHORTEST..=LONGEST).contains(&self.time_to_live) {
            let rule = "must be 5 to 15 minutes";
            return Err(InvalidRequest::new("time_to_live", rule));
        }
        Ok(CachedProfiles::with_settings(
            self.client,
            self.time_to_live,
            self.max_rows,
        ))
    }
}

/// A prepared question: change its options, then `.await` it.
///
/// Dropping the future leaves the call to the other callers that joined it; the last one to leave cancels it. A call that
/// is cancelled after a long enough silence still counts for the [circuit breaker](provider_core::CircuitBreaker).
#[must_use = "a question is not sent until it is awaited"]
pub struct CachedCheck<'c> {
    profiles: &'c CachedProfiles,
    request: CheckProfile,
    options: CallOptions,
    fresh: bool,
}

/// The rows of a mobile number, cached and new ones together.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CachedReport {
    /// One row for each aggregator, in the requested order, or in FinPro's if all were asked.
    pub rows: Vec<ProfileRow>,
    /// FinPro's reply to this question, or to the call that was joined; `None` if all rows were cached. It has the request
    /// id, FinPro's own id and the rest of the rate limit.
    pub reply: Option<Arc<Response<ProfileReport>>>,
}

impl CachedCheck<'_> {
    /// Replaces all options at once.
    ///
    /// The deadline limits only this caller's wait: when it expires, the caller gets `Timeout` and the call goes on for the
    /// others. The call itself has the deadline of the client or the operation, so a longer one has no effect. The request
    /// id, the retry policy and the `userConsentId` are those of the first caller.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Wipes the cached rows of the person and asks again. It does not join an earlier call; later callers join its call.
    pub fn with_fresh_rows(mut self) -> Self {
        self.fresh = true;
        self
    }

    async fn run(self) -> Result<CachedReport, Error> {
        let started = Instant::now();
        let person = self.profiles.0.kept.key(&self.request.mobile_number);
        let limit = [self.options.timeout, self.options.time_limit]
            .into_iter()
            .flatten()
            .min();
        let order: Vec<String> = texts(&self.request.aa_id).collect();
        let (known, flight) = self.profiles.0.look_or_ask(person, self)?;
        let Some(flight) = flight else {
            let rows = merge(&order, known, &[]);
            return Ok(CachedReport { rows, reply: None });
        };
        let request_id = flight.request_id().clone();
        let reply = match limit {
            Some(limit) => tokio::time::timeout(limit, flight).await,
            None => Ok(flight.await),
        };
        let Ok(reply) = reply else {
            return Err(Error::new(ErrorKind::Timeout, Outcome::Unknown)
                .at(Finpro::NAME, CheckProfile::OPERATION.name)
                .with_idempotency(Idempotency::Safe)
                .with_request_id(request_id)
                .with_elapsed(started.elapsed()));
        };
        let reply = reply?;
        let rows = merge(&order, known, &reply.value().data);
        Ok(CachedReport {
            rows,
            reply: Some(reply),
        })
    }
}

impl<'c> IntoFuture for CachedCheck<'c> {
    type Output = Result<CachedReport, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for CachedCheck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCheck")
            .field("options", &self.options)
            .field("fresh", &self.fresh)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn flights(&self) -> MutexGuard<'_, Flights<Question, Answer>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, person: PersonKey, flights: &mut Flights<Question, Answer>) {
        flights.disown(|question| question.person == person);
        self.kept.forget(person);
    }

    /// The cached rows, and the call that requests the missing ones, if any.
    fn look_or_ask(
        self: &Arc<Self>,
        person: PersonKey,
        check: CachedCheck<'_>,
    ) -> Result<(Known, Option<Flight<Answer>>), Error> {
        let mut flights = self.flights();
        if check.fresh {
            self.forget(person, &mut flights);
        }
        let known = self.kept.of(person, Instant::now());
        let Some(missing) = missing(&check.request.aa_id, &known) else {
            return Ok((known, None));
        };
        let question = Question {
            person,
            aggregators: texts(&missing).collect(),
        };
        if let Some(flight) = flights.join(&question) {
            return Ok((known, Some(flight)));
        }
        let request = check.request.set_aa_ids(missing);
        let flight = self.ask(&mut flights, question, request, check.options)?;
        Ok((known, Some(flight)))
    }

    fn ask(
        self: &Arc<Self>,
        flights: &mut Flights<Question, Answer>,
        question: Question,
        request: CheckProfile,
        mut options: CallOptions,
    ) -> Result<Flight<Answer>, Error> {
        let request_id = match options.request_id {
            Some(request_id) => request_id,
            None => RequestId::random().map_err(|error| {
                Error::from(error).at(Finpro::NAME, CheckProfile::OPERATION.name)
            })?,
        };
        options.request_id = Some(request_id.clone());
        // One caller's deadline must not end a call that others have joined.
        options.timeout = None;
        options.time_limit = None;
        let begin = |ticket: Ticket| {
            let landing = Landing {
                shared: Arc::clone(self),
                question: question.clone(),
                ticket,
            };
            async move {
                let call = landing.shared.client.check_profile(request);
                let answer = call.with_options(options).await.map(Arc::new);
                landing.keep(&answer);
                answer
            }
        };
        Ok(flights.begin(question.clone(), request_id, begin))
    }
}

/// Removes a call from those in flight when it ends, whatever its result.
struct Landing {
    shared: Arc<Shared>,
    question: Question,
    ticket: Ticket,
}

impl Landing {
    /// Caches the cacheable rows, unless the person was forgotten since the call started.
    fn keep(&self, answer: &Answer) {
        let mut flights = self.shared.flights();
        let owned = flights.end(&self.question, self.ticket);
        if let (true, Ok(response)) = (owned, answer) {
            let rows = &response.value().data;
            let all = self.question.aggregators.is_empty();
            self.shared
                .kept
                .keep(self.question.person, rows, all, Instant::now());
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        // So a flight must not be dropped while the lock is held: the last one drops the call, which ends here.
        self.shared.flights().end(&self.question, self.ticket);
    }
}

fn texts(aa_ids: &[AaId]) -> impl Iterator<Item = String> + '_ {
    aa_ids.iter().map(|aa_id| aa_id.as_str().to_owned())
}

/// The aggregators that have to be asked: none (`None`), these, or all (empty).
fn missing(asked: &[AaId], known: &Known) -> Option<Vec<AaId>> {
    let kept: HashSet<&str> = known.rows.iter().map(|row| &*row.aa_id).collect();
    let unknown = |aa_id: &str| !kept.contains(aa_id);
    let missing: Vec<AaId> = if asked.is_empty() {
        // If one of them cannot be requested by name, all have to be asked.
        let named = known.listed.as_ref().and_then(|listed| {
            let unknown = listed.iter().filter(|aa_id| unknown(aa_id));
            unknown.map(|aa_id| AaId::parse(aa_id).ok()).collect()
        });
        let Some(named) = named else {
            return Some(Vec::new());
        };
        named
    } else {
        let mut seen = BTreeSet::new();
        let unknown = asked.iter().filter(|aa_id| unknown(aa_id.as_str()));
        unknown
            .filter(|aa_id| seen.insert(aa_id.as_str()))
            .cloned()
            .collect()
    };
    (!missing.is_empty()).then_some(missing)
}

/// The rows that answer the question: new ones, and cached ones for aggregators that were not asked or did not succeed this
/// time.
fn merge(asked: &[String], known: Known, replied: &[ProfileRow]) -> Vec<ProfileRow> {
    let Known { rows: kept, listed } = known;
    let kept: HashMap<&str, &ProfileRow> = kept.iter().map(|row| (&*row.aa_id, row)).collect();
    let order = match (asked, listed) {
        ([], listed) => listed.unwrap_or_default(),
        (asked, _) => asked.to_vec(),
    };
    let mut places = HashMap::<&str, usize>::new();
    for (place, aa_id) in order.iter().enumerate() {
        places.entry(aa_id).or_insert(place);
    }
    let mut named: HashSet<&str> = replied.iter().map(|row| &*row.aa_id).collect();
    let mut rows: Vec<ProfileRow> = replied
        .iter()
        .map(|row| match kept.get(&*row.aa_id) {
            Some(kept) if row.status != RowStatus::Success => (*kept).clone(),
            _ => row.clone(),
        })
        .collect();
    for aa_id in &order {
        if let (Some(row), true) = (kept.get(&**aa_id), named.insert(aa_id)) {
            rows.push((*row).clone());
        }
    }
    rows.sort_by_key(|row| places.get(&*row.aa_id).copied().unwrap_or(usize::MAX));
    rows
}
