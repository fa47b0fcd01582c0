//! Time passes in the sandbox: what is due happens, in order, whether its clock runs or is moved.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;

use crate::exchange::{ProviderApi, settle};
use crate::providers::deepvue::Deepvue;
use crate::providers::finpass::Finpass;
use crate::providers::finpro::Finpro;
use crate::providers::veriff::Veriff;
use crate::state::{
    ClockMode, Delivery, JourneyId, Planned, PlannedName, Provider, Simulation, Stop, Taken, Timer,
    Webhook, WebhookId, WebhookSigning, What, planned,
};
use crate::webhooks::{Sender, pause_ms};

/// All providers, and what they share.
#[derive(Debug, Clone)]
pub(crate) struct Providers {
    pub(crate) simulation: Simulation,
    pub(crate) finpass: Arc<Finpass>,
    pub(crate) finpro: Arc<Finpro>,
    pub(crate) veriff: Arc<Veriff>,
    pub(crate) deepvue: Arc<Deepvue>,
    pub(crate) sender: Sender,
    /// Where webhooks go that name no URL themselves.
    pub(crate) webhook_urls: Arc<Mutex<BTreeMap<Provider, String>>>,
}

/// What happened while the clock was moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advanced {
    /// Changes by themselves: steps of persons, expiries, data, decisions.
    pub changes: u64,
    /// Attempts to deliver a webhook that were accepted.
    pub delivered: u64,
    /// Attempts to deliver a webhook that were refused, or reached nobody.
    pub failed: u64,
    /// Webhooks that were due and not sent, such as for want of a URL.
    pub not_sent: u64,
}

impl Providers {
    /// Lets everything happen that is due, but deliveries.
    pub(crate) fn settle(&self) {
        settle(&*self.finpass);
        settle(&*self.finpro);
        settle(&*self.veriff);
        settle(&*self.deepvue);
    }

    /// Moves the clock to a time; what is due on the way happens at its own time, in order, and each webhook is answered
    /// before time goes on.
    pub(crate) async fn advance_to(&self, to_ms: i64) -> Advanced {
        let mut advanced = Advanced::default();
        loop {
            let next_ms = self
                .simulation
                .next_ms()
                .filter(|next_ms| *next_ms <= to_ms);
            self.simulation.clock.move_to(next_ms.unwrap_or(to_ms));
            let now_ms = self.simulation.now_ms();
            let before = advanced.clone();
            for provider in Provider::ALL {
                let due = || self.simulation.schedule(provider).take_due(now_ms);
                while let Some((at_ms, journey, timer)) = due() {
                    advanced.changes = advanced.changes.saturating_add(1);
                    self.due(provider, at_ms, journey, timer);
                }
            }
            for delivery in self.deliver_due().await {
                match delivery {
                    Delivery::Answered(_) if delivery.is_accepted() => {
                        advanced.delivered = advanced.delivered.saturating_add(1);
                    }
                    _ if delivery.why_not_sent().is_some() => {
                        advanced.not_sent = advanced.not_sent.saturating_add(1);
                    }
                    _ => advanced.failed = advanced.failed.saturating_add(1),
                }
            }
            if next_ms.is_none() && advanced == before {
                return advanced;
            }
        }
    }

    /// What is going to happen in a journey, or in all, at each provider, in order.
    pub(crate) fn planned(
        &self,
        journey: Option<JourneyId>,
    ) -> [Box<dyn Iterator<Item = Planned> + '_>; 6] {
        let of = |provider| self.simulation.schedule(provider).of(journey);
        let webhooks = self.simulation.deliveries.of(journey);
        [
            Box::new(planned(of(Provider::Finpass), |t| self.finpass.comes(t))),
            Box::new(planned(of(Provider::Finpro), |t| self.finpro.comes(t))),
            Box::new(planned(of(Provider::Veriff), |t| self.veriff.comes(t))),
            Box::new(planned(of(Provider::Deepvue), |t| self.deepvue.comes(t))),
            Box::new(self.veriff.planned_ends(journey)),
            Box::new(planned(webhooks, |_| Some("webhook"))),
        ]
    }

    /// What is planned next that may lead to an event of this name which is not planned yet: what a person or a provider does,
    /// and not what happens if nobody does anything.
    pub(crate) fn leads_to(&self, name: PlannedName<'_>) -> Option<Planned> {
        let [finpass, finpro, veriff, ..] = self.planned(name.journey);
        let (of_consents, of_verifications) = name.led_to_by();
        let first = |mut list: Box<dyn Iterator<Item = Planned> + '_>, events: &[&str]| {
            list.find(|planned| events.contains(&planned.event))
        };
        let firsts = [
            first(finpass, of_consents),
            first(finpro, of_consents),
            first(veriff, of_verifications),
        ];
        let firsts = firsts.into_iter().flatten();
        firsts.min_by_key(|planned| (planned.at_ms, planned.journey))
    }

    /// Moves the clock to the next event of this name, as far as this time, by what leads to it if it is not planned yet.
    /// `None` where what was planned was called off on the way, or is later.
    pub(crate) async fn advance_until(
        &self,
        name: PlannedName<'_>,
        latest_ms: i64,
    ) -> (Option<Planned>, Advanced) {
        let mut advanced = Advanced::default();
        loop {
            // What happens before may call it off.
            let event = name.soonest(self.planned(name.journey));
            let next = event.clone().or_else(|| self.leads_to(name));
            let Some(next) = next.filter(|next| next.at_ms <= latest_ms) else {
                return (None, advanced);
            };
            let stop = Stop::before(&next, self.simulation.next_ms());
            let (Stop::OnTheWay(stop_ms) | Stop::There(stop_ms)) = stop;
            let more = self.advance_to(stop_ms).await;
            advanced.changes = advanced.changes.saturating_add(more.changes);
            advanced.delivered = advanced.delivered.saturating_add(more.delivered);
            advanced.failed = advanced.failed.saturating_add(more.failed);
            advanced.not_sent = advanced.not_sent.saturating_add(more.not_sent);
            if matches!(stop, Stop::There(_)) && event.is_some() {
                return (event, advanced);
            }
        }
    }

    pub(crate) fn due(
        &self,
        provider: Provider,
        at_ms: i64,
        journey: Option<JourneyId>,
        timer: Timer,
    ) {
        match provider {
            Provider::Finpass => self.finpass.due(at_ms, journey, timer),
            Provider::Finpro => self.finpro.due(at_ms, journey, timer),
            Provider::Veriff => self.veriff.due(at_ms, journey, timer),
            Provider::Deepvue => self.deepvue.due(at_ms, journey, timer),
        }
    }

    /// Attempts the deliveries that are due: one after the other within a journey, journeys beside each other.
    pub(crate) async fn deliver_due(&self) -> Vec<Delivery> {
        // Taken as a whole, so that of an event that is still made nothing is, and its clock is not run past.
        let made = self.simulation.making.lock().await;
        // Nobody is told of what would not be known any more.
        self.simulation.keep();
        let now_ms = self.simulation.now_ms();
        let schedule = &self.simulation.deliveries;
        let mut by_journey = BTreeMap::<Option<JourneyId>, Vec<(WebhookId, Taken)>>::new();
        while let Some((journey, timer, taken)) = schedule.begin_due(now_ms) {
            match timer {
                Timer::Delivery(id) => by_journey.entry(journey).or_default().push((id, taken)),
                _ => schedule.done(taken),
            }
        }
        drop(made);
        let deliveries = join_all(by_journey.into_values().map(async |webhooks| {
            let mut deliveries = Vec::with_capacity(webhooks.len());
            for (id, taken) in webhooks {
                // Somebody sent it again meanwhile, and it was accepted.
                let is_done = |webhook: Webhook| webhook.is_done();
                if self.simulation.outbox.get(id).is_some_and(is_done) {
                    schedule.done(taken);
                    continue;
                }
                deliveries.extend(self.deliver(id).await);
                schedule.done(taken);
                self.simulation.keep();
            }
            deliveries
        }));
        deliveries.await.into_iter().flatten().collect()
    }

    /// Makes the next attempt to deliver a webhook now instead of when it is planned.
    pub(crate) async fn resend(&self, id: WebhookId) -> Option<Delivery> {
        self.simulation.deliveries.forget(&Timer::Delivery(id));
        self.deliver(id).await
    }

    /// Attempts to deliver a webhook, and plans the next attempt where one is needed.
    pub(crate) async fn deliver(&self, id: WebhookId) -> Option<Delivery> {
        let webhook = self.simulation.outbox.get(id)?;
        let headers = self.sent_headers(&webhook);
        let portal = || self.webhook_urls().get(&webhook.provider).cloned();
        let url = webhook.url.clone().or_else(portal);
        let delivery = self.sender.send(&webhook, url.as_deref(), headers).await;
        let attempt = webhook.attempts.len().saturating_add(1);
        let now_ms = self.simulation.now_ms();
        self.simulation.outbox.record(id, now_ms, delivery);
        let what = What::Webhook {
            id,
            provider: webhook.provider,
            event: webhook.event,
            attempt,
            delivery,
        };
        self.simulation
            .happenings
            .add(now_ms, webhook.journey, what);
        let is_done = || {
            let webhook = self.simulation.outbox.get(id);
            webhook.is_none_or(|webhook| webhook.is_done())
        };
        let again = match delivery {
            _ if delivery.why_not_sent().is_some() => None,
            // Whoever forges takes a refusal as the end.
            _ if webhook.signing == WebhookSigning::Forged => None,
            _ if delivery.is_accepted() => (!is_done()).then_some(REPEAT_MS),
            _ => pause_ms(attempt),
        };
        if let Some(pause_ms) = again {
            self.simulation.deliver_after(pause_ms, webhook.journey, id);
        }
        Some(delivery)
    }

    /// Where each provider's webhooks go that name no URL themselves.
    pub(crate) fn webhook_urls(&self) -> MutexGuard<'_, BTreeMap<Provider, String>> {
        self.webhook_urls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// All headers with which a webhook is sent: those of its provider, and whose it is here.
    pub(crate) fn sent_headers(&self, webhook: &Webhook) -> Vec<(Cow<'static, str>, String)> {
        let mut headers = vec![("content-type".into(), "application/json".to_owned())];
        headers.extend(self.webhook_headers(webhook));
        headers.push(("x-sandbox-webhook".into(), webhook.id.to_string()));
        let journey = webhook.journey.map(|journey| journey.to_string());
        headers.extend(journey.map(|journey| ("x-sandbox-journey".into(), journey)));
        headers
    }

    /// The headers of a webhook that its provider has.
    pub(crate) fn webhook_headers(&self, webhook: &Webhook) -> Vec<(Cow<'static, str>, String)> {
        match webhook.provider {
            Provider::Finpass => self.finpass.webhook_headers(webhook),
            Provider::Finpro => self.finpro.webhook_headers(webhook),
            Provider::Veriff => self.veriff.webhook_headers(webhook),
            Provider::Deepvue => self.deepvue.webhook_headers(webhook),
        }
    }

    /// Lets things happen when they are due, until it is dropped.
    pub(crate) async fn run(&self) {
        loop {
            self.settle();
            self.deliver_due().await;
            self.simulation.keep();
            let next = self.simulation.next_ms();
            let wait = next.and_then(|next_ms| self.simulation.clock.real_time_until(next_ms));
            // Also wakes a clock whose mode was changed.
            let wait = wait.unwrap_or(IDLE).min(IDLE);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.simulation.timer_added.notified() => {}
            }
        }
    }
}

/// The pause before a webhook is sent again although it was accepted, in milliseconds.
const REPEAT_MS: i64 = 64;
/// How long nothing is looked for when nothing is due.
const IDLE: Duration = Duration::from_secs(1);

/// Unix milliseconds as a time.
pub(crate) fn system_time(ms: i64) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

/// The words that tell of a mode.
pub(crate) fn mode_words(mode: ClockMode) -> String {
    match mode {
        ClockMode::Real => "runs in real time".to_owned(),
        ClockMode::Frozen => "stands still".to_owned(),
        ClockMode::Fast(factor) => format!("runs {factor} times as fast"),
    }
}
