//! What all providers of one sandbox share: the clock, what is going to happen, and what happened.

use std::ops::Deref;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{Mutex, Notify};

use super::bank::{self, Account};
use super::happenings::{Happenings, What};
use super::outbox::{Outbox, WebhookDraft, WebhookId, WebhookSigning};
use super::schedule::{Schedule, Timer};
use super::store::{Store, Unwritten};
use super::{
    Clock, ClockMode, Ids, InventedPeople, JourneyId, Journeys, MobileScript, PeopleAct, Provider,
};

/// How many happenings are kept.
const HAPPENINGS: usize = 10_000;
/// How many webhooks are kept.
const WEBHOOKS: usize = 10_000;

/// Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Simulation(Arc<Parts>);

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    /// Who takes a person's part.
    pub(crate) people_act: PeopleAct,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    /// Of invented bank data.
    pub(crate) data_seed: u64,
    schedules: [Schedule; 4],
    pub(crate) deliveries: Schedule,
    pub(crate) journeys: Journeys,
    pub(crate) invented: InventedPeople,
    pub(crate) outbox: Outbox,
    pub(crate) happenings: Happenings,
    /// Held while an event is made on demand: nothing is delivered before it is as it is wanted.
    pub(crate) making: Mutex<()>,
    /// Wakes whoever waits for the next timer.
    pub(crate) timer_added: Notify,
}

impl Deref for Simulation {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Simulation {
    /// Goes on where the one in the store ended.
    pub(crate) fn new(
        store: Store,
        deterministic: bool,
        fixed_time: Option<SystemTime>,
        data_seed: u64,
        people_act: PeopleAct,
    ) -> Self {
        Self(Arc::new(Parts {
            people_act,
            ids: Ids::new(deterministic, store.room("ids")),
            clock: Clock::new(fixed_time, deterministic, store.room("clock")),
            data_seed,
            schedules: [
                "timers of finpass",
                "timers of finpro",
                "timers of veriff",
                "timers of deepvue",
            ]
            .map(|name| Schedule::new(store.room(name))),
            deliveries: Schedule::new(store.room("deliveries")),
            journeys: Journeys::new(&store),
            invented: InventedPeople::new(store.room("people")),
            outbox: Outbox::new(WEBHOOKS, &store),
            happenings: Happenings::new(HAPPENINGS, store.room("happenings")),
            making: Mutex::new(()),
            timer_added: Notify::new(),
            store,
        }))
    }

    /// Writes what has changed, before anybody is told of it.
    pub(crate) fn write(&self) -> Result<(), Unwritten> {
        // A fast clock runs on without a change, and whoever is answered sees it.
        let runs_fast = || matches!(self.clock.mode(), ClockMode::Fast(_));
        if self.store.is_kept() && (self.store.has_changes() || runs_fast()) {
            self.clock.keep();
        }
        self.store.write()
    }

    /// The same, where nobody can be told that it failed: whoever is answered next is.
    pub(crate) fn keep(&self) {
        let _written = self.write();
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// What is going to happen at a provider.
    pub(crate) fn schedule(&self, provider: Provider) -> &Schedule {
        let [finpass, finpro, veriff, deepvue] = &self.schedules;
        match provider {
            Provider::Finpass => finpass,
            Provider::Finpro => finpro,
            Provider::Veriff => veriff,
            Provider::Deepvue => deepvue,
        }
    }

    /// Lets this happen at a provider after so many milliseconds.
    pub(crate) fn after(
        &self,
        ms: i64,
        provider: Provider,
        journey: Option<JourneyId>,
        timer: Timer,
    ) {
        let at_ms = self.now_ms().saturating_add(ms);
        self.at(at_ms, provider, journey, timer);
    }

    /// Lets this happen at a provider at a time.
    pub(crate) fn at(
        &self,
        at_ms: i64,
        provider: Provider,
        journey: Option<JourneyId>,
        timer: Timer,
    ) {
        self.schedule(provider).add(at_ms, journey, timer);
        self.timer_added.notify_one();
    }

    /// The bank accounts of a scripted person.
    pub(crate) fn accounts(&self, script: MobileScript) -> Vec<Account> {
        bank::accounts(script, self.data_seed, self.clock.today())
    }

    /// The time of the next timer of all.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        let all = self.schedules.iter().chain([&self.deliveries]);
        all.filter_map(Schedule::next_ms).min()
    }

    /// Tells of a person's step.
    pub(crate) fn step(&self, provider: Provider, journey: Option<JourneyId>, words: &str) {
        let words = words.to_owned();
        let what = What::Step { provider, words };
        self.happenings.add(self.now_ms(), journey, what);
    }

    /// Tells of a change that nobody asked for.
    pub(crate) fn change(&self, provider: Provider, journey: Option<JourneyId>, words: &str) {
        let words = words.to_owned();
        let what = What::Change { provider, words };
        self.happenings.add(self.now_ms(), journey, what);
    }

    /// Tells of what somebody did or saw in the sandbox itself.
    pub(crate) fn console(&self, journey: Option<JourneyId>, words: String) {
        self.happenings
            .add(self.now_ms(), journey, What::Console { words });
    }

    /// Makes a webhook and lets it be delivered after so many milliseconds, or never.
    pub(crate) fn webhook(
        &self,
        draft: WebhookDraft,
        signing: WebhookSigning,
        repeats: u8,
        after_ms: Option<i64>,
    ) -> WebhookId {
        let journey = draft.journey;
        let id = self.outbox.add(draft, self.now_ms(), signing, repeats);
        if let Some(after_ms) = after_ms {
            self.deliver_after(after_ms, journey, id);
        }
        id
    }

    /// Lets a webhook be delivered, once more or for the first time, after so many milliseconds.
    pub(crate) fn deliver_after(&self, ms: i64, journey: Option<JourneyId>, id: WebhookId) {
        let at_ms = self.now_ms().saturating_add(ms);
        self.deliveries.add(at_ms, journey, Timer::Delivery(id));
        self.timer_added.notify_one();
    }
}
