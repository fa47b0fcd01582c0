//! Check Profile with less traffic: one call for all who ask the same question, and cached rows.

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

/// A [`FinproProfileClient`] that asks less often. Cheap to clone; clones share what is kept.
///
/// - A question that is in flight already is joined: one request for all who ask it. The mobile number and the aggregators
///   make the question; the `userConsentId` does not.
/// - Rows with the status `success` and a known [`readiness`](ProfileRow::readiness) are kept for 10 minutes, by mobile
///   number and aggregator. Failures, time-outs and errors never are.
/// - A question that is answered in part by kept rows asks for the missing aggregators only.
///
/// A person who has just registered wants a fresh answer: [`forget`](Self::forget) the number, or ask
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
    // Held for every look at `kept` that decides what is asked, and for every change of it: so that an answer which
    // has just come is not asked for again, and one that was forgotten meanwhile is not kept.
    flights: Mutex<Flights<Question, Answer>>,
}

/// What one call asks: about whom, and which aggregators. None means all.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    person: PersonKey,
    aggregators: BTreeSet<String>,
}

type Answer = Result<Arc<Response<ProfileReport>>, Error>;

impl CachedProfiles {
    /// How long rows are kept unless the builder says otherwise.
    pub const TIME_TO_LIVE: Duration = Duration::from_secs(10 * 60);
    /// How many rows are kept unless the builder says otherwise.
    pub const MAX_ROWS: u64 = 10_000;

    /// Wraps a client with the default settings.
    pub fn new(client: FinproProfileClient) -> Self {
        Self::with_settings(client, Self::TIME_TO_LIVE, Self::MAX_ROWS)
    }

    /// Begins with settings of its own.
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

    /// Asks account aggregators whether they know a mobile number, as [`FinproProfileClient::check_profile`] does, unless
    /// the answer is known or on its way.
    ///
    /// # Errors
    ///
    /// Awaiting it gives [`provider_core::Error`]. A failed call fails for all who waited for it, and nothing is kept.
    pub fn check_profile(&self, request: CheckProfile) -> CachedCheck<'_> {
        CachedCheck {
            profiles: self,
            request,
            options: CallOptions::default(),
            fresh: false,
        }
    }

    /// Wipes what is kept about a person. The answer to a call in flight is given to those who wait for it and not kept.
    pub fn forget(&self, mobile: &provider_core::Mobile) {
        let person = self.0.kept.key(mobile);
        self.0.forget(person, &mut self.0.flights());
    }

    /// Wipes what is kept about everybody, and keeps no answer to a call in flight.
    pub fn clear(&self) {
        let mut flights = self.0.flights();
        flights.disown(|_| true);
        self.0.kept.clear();
    }

    /// The client inside. What it is asked directly is neither shared nor kept.
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

/// Settings of a [`CachedProfiles`] before it is built.
#[derive(Debug, Clone)]
pub struct CachedProfilesBuilder {
    client: FinproProfileClient,
    time_to_live: Duration,
    max_rows: u64,
}

impl CachedProfilesBuilder {
    /// How long a row is kept: 5 to 15 minutes, as MoneyOne suggests; 10 unless set.
    #[must_use]
    pub fn time_to_live(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = time_to_live;
        self
    }

    /// About how many rows are kept, one for each person and aggregator; 10,000 unless set. Beyond that the person who was
    /// not asked about for longest goes first. With 0 nothing is kept, and questions in flight are still shared.
    #[must_use]
    pub fn max_rows(mut self, max_rows: u64) -> Self {
        self.max_rows = max_rows;
        self
    }

    /// Builds it.
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

/// One prepared question: change its options, then `.await` it.
///
/// Dropping the future leaves the call to the others who wait for it; the last one to go cancels it. A call that is cancelled
/// after it got no answer for long enough still counts for the [circuit breaker](provider_core::CircuitBreaker).
#[must_use = "a question is not asked until it is awaited"]
pub struct CachedCheck<'c> {
    profiles: &'c CachedProfiles,
    request: CheckProfile,
    options: CallOptions,
    fresh: bool,
}

/// What is known about a mobile number, kept rows and new ones together.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CachedReport {
    /// One row for each aggregator, in the order in which they were asked for, or in FinPro's if all were.
    pub rows: Vec<ProfileRow>,
    /// What FinPro replied to this question, or to the one whose call was shared; `None` if all rows were kept ones. It has
    /// the request id, FinPro's own id and what is left of the rate limit.
    pub reply: Option<Arc<Response<ProfileReport>>>,
}

impl CachedCheck<'_> {
    /// Replaces all options at once.
    ///
    /// The deadline bounds this caller's wait: when it passes, the caller gets `Timeout` and the call goes on for the others.
    /// The call itself keeps the deadline of the client or the operation, so a longer one has no effect. The request id, the
    /// retry policy and the `userConsentId` are the first caller's.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Wipes what is kept about the person and asks anew. It does not wait for a call that began before, and those who ask
    /// after it share its answer.
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

    /// What is kept, and the call that brings the rest, if there is a rest.
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
        // One caller's deadline must not end a call that others wait for.
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

/// Removes a call from those in flight when it ends, however it ends.
struct Landing {
    shared: Arc<Shared>,
    question: Question,
    ticket: Ticket,
}

impl Landing {
    /// Keeps what may be kept, unless the person was forgotten since the call began.
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
        // So no flight may be dropped by whoever holds the lock: its call goes with the last one, and lands here.
        self.shared.flights().end(&self.question, self.ticket);
    }
}

fn texts(aa_ids: &[AaId]) -> impl Iterator<Item = String> + '_ {
    aa_ids.iter().map(|aa_id| aa_id.as_str().to_owned())
}

/// Which aggregators have to be asked: none of them (`None`), these, or all (empty).
fn missing(asked: &[AaId], known: &Known) -> Option<Vec<AaId>> {
    let kept: HashSet<&str> = known.rows.iter().map(|row| &*row.aa_id).collect();
    let unknown = |aa_id: &str| !kept.contains(aa_id);
    let missing: Vec<AaId> = if asked.is_empty() {
        // Unless each can be asked for by its name, there is no shorter question than the one for all.
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

/// The rows that answer the question: new ones, kept ones for what was not asked or did not succeed this time.
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
