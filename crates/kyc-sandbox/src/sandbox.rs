//! The sandbox itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;

use crate::exchange::{self, ActiveFaults, Fault, FaultError, FaultId, Operation, ProviderApi};
use crate::pages;
use crate::providers::deepvue::Deepvue;
use crate::providers::finpass::Finpass;
use crate::providers::finpro::Finpro;
use crate::providers::veriff::Veriff;
use crate::settings::Settings;
#[cfg(feature = "state-file")]
use crate::state::StateFileError;
use crate::state::{
    AggregatorConsentStatus, ClockMode, DecisionStatus, Delivery, Ledger, Provider, Room,
    Simulation, Store, StoredConsent, Unmasked, Webhook, WebhookId, What, iso, last_ms,
};
use crate::time::{Advanced, Providers, mode_words, system_time};
use crate::webhooks::Sender;

/// The four providers with their state. Clones share it.
#[derive(Clone)]
pub struct Sandbox {
    settings: Arc<Settings>,
    ledger: Ledger,
    providers: Providers,
    faults: ActiveFaults,
    /// The webhook URLs that were not in the settings.
    urls: Room,
    token: Arc<str>,
    unmasked: Arc<Unmasked>,
    /// The providers' routes; the others need the sandbox itself.
    router: Router,
}

impl Sandbox {
    /// A sandbox with its own state, in memory.
    pub fn new(settings: Settings) -> Self {
        Self::on(Store::default(), settings)
    }

    /// A sandbox that keeps its state in a file, and goes on where the last one ended that kept its state there. The file
    /// is made if there is none, and is free for another sandbox once the last clone, transport and
    /// [served sandbox](crate::ServedSandbox) of this one is gone.
    ///
    /// What was answered is in the file before the reply leaves, so that a process may end at any moment. Where it cannot be
    /// written, such as on a full disk, every request is answered 500 until it can. A method writes what it changed as well; what
    /// it could not write is written before the next reply.
    ///
    /// The clock goes on too: one that stands still stood still meanwhile, and any other ran as the real one. What was due
    /// meanwhile happens first, in order. [Deterministic ids](Settings::with_deterministic_ids) go on, and a
    /// [fixed time](Settings::with_fixed_time) is that of a new file only. The settings themselves are not kept, and the README
    /// says what else is not.
    ///
    /// ```
    /// use kyc_sandbox::{Sandbox, Settings};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("sandbox.state");
    /// let sandbox = Sandbox::open(Settings::default(), &path)?;
    /// # Ok::<(), kyc_sandbox::StateFileError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`StateFileError`] for a file that is not a sandbox's, or cannot be used now; it is not changed then.
    #[cfg(feature = "state-file")]
    pub fn open(
        settings: Settings,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Self, StateFileError> {
        Self::on_file(settings, path.as_ref(), None)
    }

    /// As [`open`](Self::open), for an application that keeps state of its own which belongs to this one: a new file is marked with the
    /// owner's name, and one that has another mark, or was begun without one, is refused. `open` asks for no mark.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and [`OtherOwner`](StateFileError::OtherOwner).
    #[cfg(feature = "state-file")]
    pub fn open_for(
        owner: &str,
        settings: Settings,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Self, StateFileError> {
        Self::on_file(settings, path.as_ref(), Some(owner))
    }

    #[cfg(feature = "state-file")]
    fn on_file(
        settings: Settings,
        path: &std::path::Path,
        owner: Option<&str>,
    ) -> Result<Self, StateFileError> {
        let store = Store::open(path)?;
        let is_new = store.is_empty();
        let room = store.room("owner");
        let marks: BTreeMap<String, bool> = room.take().into_iter().collect();
        match owner {
            Some(owner) if is_new => room.put(owner, &true),
            Some(owner) if !marks.contains_key(owner) => return Err(StateFileError::OtherOwner),
            _ => {}
        }
        let sandbox = Self::on(store.clone(), settings);
        store.begin()?;
        sandbox.simulation().write()?;
        Ok(sandbox)
    }

    fn on(store: Store, settings: Settings) -> Self {
        let deterministic = *settings.deterministic_ids();
        let faults = ActiveFaults::new(&store);
        let urls = store.room("webhook urls");
        let mut webhook_urls: BTreeMap<Provider, String> = urls.take().into_iter().collect();
        webhook_urls.extend(settings.webhook_urls().clone());
        let simulation = Simulation::new(
            store,
            deterministic,
            *settings.fixed_time(),
            *settings.data_seed(),
            *settings.people_act(),
        );
        let ledger = Ledger::new(*settings.ledger_capacity());
        let limit = *settings.body_limit();

        let shared = || simulation.clone();
        let providers = Providers {
            finpass: Arc::new(Finpass::new(settings.finpass().clone(), shared())),
            finpro: Arc::new(Finpro::new(settings.finpro().clone(), shared())),
            veriff: Arc::new(Veriff::new(settings.veriff().clone(), shared())),
            deepvue: Arc::new(Deepvue::new(settings.deepvue().clone(), shared())),
            sender: Sender::new(
                settings.webhook_transport().clone(),
                *settings.allow_other_machines(),
            ),
            webhook_urls: Arc::new(Mutex::new(webhook_urls)),
            simulation,
        };
        let router = Router::new()
            .nest(
                "/finpass",
                table(&providers.finpass, &ledger, &faults, limit),
            )
            .nest("/finpro", table(&providers.finpro, &ledger, &faults, limit))
            .nest("/veriff", table(&providers.veriff, &ledger, &faults, limit))
            .nest(
                "/deepvue",
                table(&providers.deepvue, &ledger, &faults, limit),
            )
            .merge(pages::guarded(
                pages::veriff::routes(Arc::clone(&providers.veriff))
                    .merge(pages::digilocker::routes(Arc::clone(&providers.deepvue)))
                    .merge(pages::aggregator::router(providers.clone()))
                    .merge(pages::files::routes(providers.clone())),
                providers.simulation.clone(),
                *settings.allow_other_machines(),
            ));
        Self {
            settings: Arc::new(settings),
            ledger,
            providers,
            faults,
            urls,
            token: Arc::from(uuid::Uuid::new_v4().simple().to_string()),
            unmasked: Arc::default(),
            router,
        }
    }

    /// The operations of all providers, in the order of their tables.
    pub fn operations() -> Vec<Operation> {
        exchange::operations::<Finpass>()
            .chain(exchange::operations::<Finpro>())
            .chain(exchange::operations::<Veriff>())
            .chain(exchange::operations::<Deepvue>())
            .collect()
    }

    /// The ledger of all requests and effects, past and future.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// The settings that it was created with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The consents that Veriff recorded for a session, oldest first. Empty for an id that is not a UUID.
    pub fn consents(&self, session_id: &str) -> Vec<StoredConsent> {
        self.providers.veriff.consents(session_id)
    }

    /// Decides about a consent that FinPro was asked for, by its handle, or that Finpass was asked for, by the `client_id`.
    /// Returns `false` for an unknown id, and where its status does not allow it: see
    /// [`AggregatorConsentStatus::may_become`].
    pub fn decide_consent(&self, id: &str, status: AggregatorConsentStatus) -> bool {
        let Providers {
            finpro, finpass, ..
        } = &self.providers;
        let decided = finpro.decide(id, status) || finpass.decide(id, status);
        self.keep();
        decided
    }

    /// The address to which the person of a consent returns, by FinPro's handle or Finpass's `client_id`, with the
    /// parameters of the return. `None` for an unknown id, before the person is done, and where no address was given.
    pub fn consent_return_url(&self, id: &str) -> Option<String> {
        self.providers.settle();
        let Providers {
            finpro, finpass, ..
        } = &self.providers;
        let visit = finpro.visit(&[id]);
        let url = visit.and_then(|visit| finpro.return_url(&visit));
        let url = url.or_else(|| finpass.return_url(id));
        self.keep();
        url
    }

    /// Decides about a Veriff session, replacing an earlier decision: from now on `GET /v1/sessions/{id}/decision` replies
    /// with it, and a webhook tells of it. A resubmission that is requested opens another attempt. Returns `false` for an id
    /// that is not a UUID, which no session has, and for a session that was deleted.
    pub fn decide(&self, session_id: &str, decision: DecisionStatus) -> bool {
        let decided = self.providers.veriff.decide(session_id, decision);
        self.keep();
        decided
    }

    /// Gives a Veriff session a status as its portal does: the session's attempts list it, and a webhook tells of it. Returns
    /// `false` for an id that is not a UUID, and for a session that was deleted.
    pub fn set_portal_status(&self, session_id: &str, status: &str, reason: Option<&str>) -> bool {
        let veriff = &self.providers.veriff;
        let is_set = veriff.set_portal_status(session_id, status, reason);
        self.keep();
        is_set
    }

    /// The URL to which DigiLocker sent a person back, with the code or the refusal, by the session's `transaction_id`: what a
    /// browser would open. `None` until the person has answered, and where the caller named no URL.
    pub fn digilocker_return(&self, transaction_id: &str) -> Option<String> {
        self.providers.settle();
        let returned = self.providers.deepvue.returned(transaction_id);
        self.keep();
        returned
    }

    /// The URL to which Veriff sent a person back, the session's `callback`, by the session's id: nothing is added to it. `None`
    /// until the person has handed in an attempt, and where the caller named no URL.
    pub fn verification_return(&self, session_id: &str) -> Option<String> {
        self.providers.settle();
        let returned = self.providers.veriff.returned(session_id);
        self.keep();
        returned
    }

    /// The time on the sandbox's clock.
    pub fn now(&self) -> SystemTime {
        system_time(self.providers.simulation.now_ms())
    }

    /// How the sandbox's clock runs.
    pub fn clock_mode(&self) -> ClockMode {
        self.providers.simulation.clock.mode()
    }

    /// Lets the sandbox's clock run in another way from now on.
    pub fn set_clock_mode(&self, mode: ClockMode) {
        let simulation = &self.providers.simulation;
        simulation.clock.set_mode(mode);
        let words = mode_words(mode);
        self.tell(What::Clock { words });
        self.keep();
        simulation.timer_added.notify_one();
    }

    /// Moves the sandbox's clock forward, as far as the year 9999. What is due on the way happens at its own time, in order; each webhook is sent and
    /// answered, for at most ten real seconds, before time goes on. It needs a tokio runtime with timers where webhooks are
    /// sent.
    pub async fn advance(&self, by: Duration) -> Advanced {
        let simulation = &self.providers.simulation;
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let to_ms = simulation.now_ms().saturating_add(by_ms);
        let to_ms = to_ms.min(last_ms());
        let words = format!("moved to {}", iso(to_ms));
        self.tell(What::Clock { words });
        let advanced = self.providers.advance_to(to_ms).await;
        self.keep();
        advanced
    }

    /// Switches a fault on, until it has met its last request or is switched off. Of several failures that meet a request the
    /// one that was switched on first answers, of several delays the longest counts.
    ///
    /// # Errors
    ///
    /// [`FaultError`] for a status outside 200 to 599 or without a body, an operation that the provider has not, a journey that this
    /// sandbox has not, a count of 0, and a share outside 1 to 100 %. Nothing is switched on then.
    pub fn switch_fault_on(&self, fault: Fault) -> Result<FaultId, FaultError> {
        fault.check()?;
        let journeys = &self.simulation().journeys;
        if fault
            .journey()
            .is_some_and(|journey| !journeys.has(journey))
        {
            return Err(FaultError::new("journey", "is none of this sandbox"));
        }
        let what = fault.words();
        let id = self.faults.add(fault);
        let words = format!("{id} is on: {what}");
        self.tell(What::Fault { words });
        self.keep();
        Ok(id)
    }

    /// Switches a fault off. Returns `false` if it is not on.
    pub fn switch_fault_off(&self, id: FaultId) -> bool {
        let was_on = self.faults.remove(id).is_some();
        if was_on {
            let words = format!("{id} is off");
            self.tell(What::Fault { words });
            self.keep();
        }
        was_on
    }

    /// The faults that are on, in the order in which they were switched on.
    pub fn faults(&self) -> Vec<(FaultId, Fault)> {
        self.faults.all()
    }

    /// What the console shows although it is masked.
    pub(crate) fn unmasked(&self) -> &Unmasked {
        &self.unmasked
    }

    /// What all providers share.
    pub(crate) fn simulation(&self) -> &Simulation {
        &self.providers.simulation
    }

    /// The providers.
    pub(crate) fn providers(&self) -> &Providers {
        &self.providers
    }

    /// The providers' routes alone.
    pub(crate) fn provider_router(&self) -> Router {
        self.router.clone()
    }

    /// Writes what was changed. A caller that cannot be told that it failed is told so by the next reply.
    fn keep(&self) {
        self.providers.simulation.keep();
    }

    pub(crate) fn tell(&self, what: What) {
        let simulation = &self.providers.simulation;
        simulation.happenings.add(simulation.now_ms(), None, what);
    }

    /// Whether a provider's id is of something that was opened here: a session, a consent, a client's id.
    pub fn knows(&self, id: &str) -> bool {
        self.providers.simulation.journeys.find(id).is_some()
    }

    /// The webhooks that were made, oldest first; the newest 10,000.
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.providers.simulation.outbox.all()
    }

    /// A webhook that is still kept.
    pub fn webhook(&self, id: WebhookId) -> Option<Webhook> {
        self.providers.simulation.outbox.get(id)
    }

    /// Where each provider's webhooks go that name no URL themselves.
    pub fn webhook_urls(&self) -> BTreeMap<Provider, String> {
        self.providers.webhook_urls().clone()
    }

    /// Whether webhooks are sent to this URL. Otherwise the outcome of an attempt, which [says why](Delivery::why_not_sent).
    ///
    /// # Errors
    ///
    /// [`Delivery::UnusableUrl`] or [`Delivery::OtherMachine`].
    pub fn check_webhook_url(&self, url: &str) -> Result<(), Delivery> {
        self.providers.sender.takes(url).map(|_| ())
    }

    /// Sends a provider's webhooks to this URL from now on, those that name no URL themselves; to none, nowhere. One that
    /// [is not taken](Self::check_webhook_url) is told in the outcome of each attempt.
    pub fn set_webhook_url(&self, provider: Provider, url: Option<String>) {
        let mut urls = self.providers.webhook_urls();
        match url {
            Some(url) => {
                self.urls.put(&provider, &url);
                urls.insert(provider, url);
            }
            None => {
                self.urls.remove(&provider);
                urls.remove(&provider);
            }
        }
        drop(urls);
        self.keep();
    }

    /// The token that steers this sandbox from outside: `authorization: Bearer …` to the paths below `/sandbox`.
    pub fn control_token(&self) -> &str {
        &self.token
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.providers.simulation.now_ms()
    }

    /// The headers with which a webhook is sent, beside its content type.
    pub fn webhook_headers(&self, webhook: &Webhook) -> Vec<(Cow<'static, str>, String)> {
        self.providers.webhook_headers(webhook)
    }

    /// Sends a webhook again: the same bytes with the same signature. It is the next attempt: one that was planned is not made, and
    /// another one is planned if it is not accepted. `None` for an id that no webhook has.
    pub async fn resend(&self, webhook: WebhookId) -> Option<Delivery> {
        let delivery = self.providers.resend(webhook).await;
        self.keep();
        delivery
    }

    /// Lets happen what is due, and attempts the deliveries that are. A sandbox that is [served](Self::serve) does so by itself;
    /// one in process does the first before each request, and the second when it is asked to.
    pub async fn deliver_due(&self) -> Vec<Delivery> {
        self.providers.settle();
        let deliveries = self.providers.deliver_due().await;
        self.keep();
        deliveries
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

fn table<P: ProviderApi>(
    api: &Arc<P>,
    ledger: &Ledger,
    faults: &ActiveFaults,
    body_limit: usize,
) -> Router {
    exchange::router(Arc::clone(api), ledger.clone(), faults.clone(), body_limit)
}
