//! Follows a journey in the sandbox: carries out what it asks for, takes its person's part, and moves the clock.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use kyc_facade::consent_hmac::{ConsentType, Veriff};
use kyc_facade::deepvue_digilocker::Deepvue;
use kyc_facade::finpass::Finpass;
use kyc_facade::finpro_profile::Finpro;
use kyc_facade::provider_core::capability::AggregatorId;
use kyc_facade::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_facade::provider_core::{Clock as _, Settings};
use kyc_journey::{
    Correlation, Event, EventKey, Fact, HistoryEntry, Journey, JourneyId, JourneyRecord, Leg,
    Payload, Provider, ReceiptId, Runner, Seq,
};
use kyc_journey_performer::{ProviderClients, Returns, VeriffSettings};
use kyc_sandbox::{Sandbox, ServedSandbox};

use super::awaited::awaited;
use super::invented::{APPROVES, Lender, Nowhere, SandboxClock, addresses, purpose};
use super::store::Store;
use crate::clients::{CallSettings, Clients};
use crate::failure::Failure;
use crate::product;
use crate::sandbox::serve;
use crate::storage::ledger;
use crate::storage::place::failed;
use crate::storage::terms::ConsentTerms;

/// How long a call may take; a plan's `call_deadline` is no shorter by default.
const CALL: Duration = Duration::from_secs(60);
/// How long it is tried to store something; half of `--timeout` if that is shorter, so that what the disk says is told.
const PATIENCE: Duration = Duration::from_secs(10);
/// How far the clock is moved at first where nothing is due earlier, so that the person's next step is noticed; each time a tenth
/// further, until something happens.
const STEP: Duration = Duration::from_secs(30);
const LONGEST_STEP: Duration = Duration::from_secs(60 * 60);
/// How far it is moved in all: longer than a journey lasts by default.
const LONGEST: SignedDuration = SignedDuration::from_hours(40 * 24);

/// What the sandbox knows.
const AGGREGATOR: &str = "onemoney";

/// A journey that is followed.
pub(crate) struct Following {
    store: Store,
    id: JourneyId,
    terms: ConsentTerms,
    sandbox: Sandbox,
    served: ServedSandbox,
    clock: Arc<SandboxClock>,
    runner: Runner,
    timeout: Option<Duration>,
}

/// Where a journey stood at last, and whether what happened could be printed.
pub(crate) struct Followed {
    record: JourneyRecord,
    written: bool,
}

impl Following {
    /// Prepares to follow a journey.
    pub(crate) async fn new(
        store: Store,
        id: JourneyId,
        options: CallSettings,
    ) -> Result<Self, Failure> {
        let sandbox = store.sandbox_of(&id, kyc_sandbox::Settings::default());
        let sandbox = sandbox.await?;
        let served = sandbox.serve(([127, 0, 0, 1], 0).into()).await;
        let served = served.map_err(serve::failure)?;
        let timeout = options.timeout;
        let deadline = timeout.map_or(CALL, |timeout| timeout.min(CALL));
        let terms = ConsentTerms::of_the_sandbox()?;
        let consents = Arc::new(store.ledger.consents(&terms)?);
        store.write_ledger(&consents).await?;
        let clients = Clients::new(Settings::of(served.environment()), options);
        let clients = clients.gated(Arc::new(consents.gate()));
        let lender = Arc::new(Lender::of(store.engine.clone(), addresses()?));
        let veriff = VeriffSettings::new(ConsentType::Aadhaar).with_mobile_number();
        let performer = ProviderClients::new(lender, Arc::new(Nowhere), consents.clone())
            .with_consents(consents)
            .with_call_deadline(deadline)
            // Nobody is at a browser.
            .deepvue(clients.client(Deepvue::from_settings)?, purpose(APPROVES))
            .finpro(
                clients.client(Finpro::from_settings)?,
                product::parse(product::OF_THE_SANDBOX)?,
                AggregatorId::parse(AGGREGATOR)?,
            )
            .finpass(clients.client(Finpass::from_settings)?)
            .veriff(clients.client(Veriff::from_settings)?, veriff);
        let clock = Arc::new(SandboxClock(sandbox.clone()));
        let runner = Runner::new(store.engine.clone(), Arc::new(performer))
            .with_patience(deadline.mul_f64(0.5).min(PATIENCE));
        Ok(Self {
            timeout,
            runner: runner.with_clock(clock.clone()).only(id.clone()),
            store,
            id,
            terms,
            sandbox,
            served,
            clock,
        })
    }

    pub(crate) fn id(&self) -> &JourneyId {
        &self.id
    }

    /// The command that goes on with it.
    pub(crate) fn resuming(&self) -> String {
        self.store.resuming(self.id.as_str())
    }

    /// Waits while another process carries the journey out. The clock of what nobody carries out must not be moved.
    pub(crate) async fn once_left(&self, wait: impl FnMut()) -> Result<(), Failure> {
        self.store.once_left(&self.id, wait).await
    }

    /// Leaves what is to be done to others.
    pub(crate) async fn leave(&self) {
        self.store.leave().await;
    }

    /// Moves the clock to where the journey's was.
    pub(crate) async fn catch_up(&self, to: Timestamp) {
        let behind = to.duration_since(self.clock.now());
        if behind.is_positive() {
            self.sandbox.advance(behind.unsigned_abs()).await;
        }
    }

    /// Submits something that somebody did.
    pub(crate) async fn submit(
        &self,
        key: &str,
        leg: Option<Leg>,
        fact: Fact,
        payload: Option<Payload>,
    ) -> Result<(), Failure> {
        let key = EventKey::command(key)?;
        let event = Event::new(key, self.clock.now(), leg, fact).set_payload(payload);
        let submitted = self.store.engine.submit(&self.id, event).await;
        submitted.map(drop).map_err(failed)
    }

    /// The person gives the consent, once.
    pub(crate) async fn consent(&self) -> Result<(), Failure> {
        let agreed = self.store.ledger.agree(&self.id, &self.terms);
        let receipt = agreed.map_err(|error| ledger::failed(&error))?.id;
        let given = Fact::ConsentGiven {
            receipt: ReceiptId::parse(receipt.to_string())?,
            expires_at: None,
        };
        self.submit("consent", None, given, None).await
    }

    /// For how long the command may run.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Follows the journey until it ends, or somebody has to act; one that has ended, until nothing is left to be given back. `tell`
    /// gets what happened after an event.
    pub(crate) async fn follow(
        &self,
        after: Seq,
        mut tell: impl FnMut(&[HistoryEntry]) -> io::Result<()>,
    ) -> Result<Followed, Failure> {
        let begun = self.clock.now();
        let (mut seen, mut step, mut written) = (after, STEP, true);
        let mut returned = HashSet::new();
        loop {
            self.runner.run_until_idle().await.map_err(failed)?;
            let record = self.store.engine.read(&self.id).await.map_err(failed)?;
            let state = record.as_ref().map(|record| &record.state);
            let came_back = self.come_back(state, &mut returned).await?;
            let happened = self.store.engine.history(&self.id, seen).await;
            let happened = happened.map_err(failed)?;
            if let Some(last) = happened.last() {
                (seen, step) = (last.seq, STEP);
                // The journey goes on, whether anybody reads of it or not.
                written = tell(&happened).is_ok() && written;
            }
            if came_back {
                continue;
            }
            let record = record.ok_or_else(|| Failure::configuration("ID", "was forgotten"))?;
            let late = self.clock.now().duration_since(begun) > LONGEST;
            let next = awaited(&record.state).map(|timer| timer.at).min();
            let Some(next) = next.filter(|_| !late) else {
                return Ok(Followed { record, written });
            };
            let wait = next.duration_since(self.clock.now());
            let wait = Duration::try_from(wait).unwrap_or_default();
            self.sandbox.advance(wait.min(step)).await;
            step = step.mul_f64(1.1).min(LONGEST_STEP);
        }
    }

    /// Lets the person's browser come back from whatever the journey opened. `true` if it did for the first time.
    async fn come_back(
        &self,
        state: Option<&Journey>,
        returned: &mut HashSet<EventKey>,
    ) -> Result<bool, Failure> {
        let Some(state) = state else {
            return Ok(false);
        };
        let mut came_back = false;
        for reference in state.references() {
            let (id, leg) = (reference.id.as_str(), reference.leg);
            let url = match reference.provider {
                Provider::Deepvue => self.sandbox.digilocker_return(id),
                Provider::FinPro | Provider::Finpass => self.sandbox.consent_return_url(id),
                // What was decided there is asked for.
                Provider::Veriff => None,
            };
            let attempt = state.leg(leg).map_or(1, |leg| leg.attempt);
            let correlation = state.token().map(|token| Correlation {
                token: *token,
                leg,
                attempt,
            });
            let Some((url, correlation)) = url.zip(correlation) else {
                continue;
            };
            let now = self.clock.now();
            let event = Returns::new().event(reference.provider, correlation, &url, now);
            let Some(event) = event.filter(|event| returned.insert(event.key.clone())) else {
                continue;
            };
            let submitted = self.store.engine.submit(&self.id, event).await;
            submitted.map_err(failed)?;
            came_back = true;
        }
        Ok(came_back)
    }

    /// Ends the sandbox.
    pub(crate) async fn end(self, followed: Followed) -> (Store, JourneyRecord, bool) {
        self.served.shutdown().await;
        (self.store, followed.record, followed.written)
    }
}
