//! Events on demand: the way to each is walked as a caller and a person would, so that later calls agree with what was told.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Request;
use provider_core::{Body, ExchangeLimits, Transport as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::exchange::FaultKind;
use crate::sandbox::Sandbox;
use crate::state::{
    AggregatorConsentStatus, DecisionStatus, JourneyId, Provider, Through, WebhookId,
    WebhookSigning,
};

/// How far ahead a journey's timers are taken: what a person or a provider does at once, and not what happens days later.
const SOON_MS: i64 = 30 * 60 * 1000;

/// An event that can be triggered, and the way to it.
#[derive(Debug, Clone, Copy)]
struct Event {
    provider: Provider,
    name: &'static str,
    way: Way,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    /// A consent that FinPro is asked for, with these statuses one after the other.
    Consent(&'static [AggregatorConsentStatus]),
    /// The data of an active consent; the digit says what becomes of it.
    Data(u8),
    /// A Veriff session that is decided.
    Decision(DecisionStatus),
    Started,
    Submitted,
    Screened(&'static str),
    PortalStatus,
}

use AggregatorConsentStatus::{Active, Expired, Paused, Pending, Rejected, Revoked};

const EVENTS: [Event; 19] = [
    finpro("CONSENT_APPROVED", Way::Consent(&[Active])),
    finpro("CONSENT_REJECTED", Way::Consent(&[Rejected])),
    finpro("CONSENT_PAUSED", Way::Consent(&[Active, Paused])),
    finpro("CONSENT_RESUMED", Way::Consent(&[Active, Paused, Active])),
    finpro("CONSENT_REVOKED", Way::Consent(&[Active, Revoked])),
    finpro("CONSENT_EXPIRED", Way::Consent(&[Active, Expired])),
    finpro("DATA_READY", Way::Data(0)),
    finpro("DATA_DENIED", Way::Data(5)),
    finpro("SESSION_FAILED", Way::Data(3)),
    finpro("SESSION_EXPIRED", Way::Data(4)),
    veriff("event.started", Way::Started),
    veriff("event.submitted", Way::Submitted),
    veriff("decision.approved", Way::Decision(DecisionStatus::Approved)),
    veriff("decision.declined", Way::Decision(DecisionStatus::Declined)),
    veriff(
        "decision.resubmission_requested",
        Way::Decision(DecisionStatus::ResubmissionRequested),
    ),
    veriff("decision.expired", Way::Decision(DecisionStatus::Expired)),
    veriff("decision.review", Way::Decision(DecisionStatus::Review)),
    veriff("watchlist.initial_result", Way::Screened("Watch")),
    veriff("user_defined_status", Way::PortalStatus),
];

const fn finpro(name: &'static str, way: Way) -> Event {
    Event {
        provider: Provider::Finpro,
        name,
        way,
    }
}

const fn veriff(name: &'static str, way: Way) -> Event {
    Event {
        provider: Provider::Veriff,
        name,
        way,
    }
}

/// An event to trigger.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), kyc_sandbox::TriggerError> {
/// use kyc_sandbox::{Sandbox, Trigger};
///
/// let sandbox = Sandbox::default();
/// let trigger = Trigger::of("veriff.decision.declined")?.set("reasonCode", "106");
/// let triggered = sandbox.trigger(trigger).await?;
/// let webhook = sandbox.webhook(triggered.webhook);
/// assert!(webhook.is_some_and(|webhook| webhook.event == "decision.declined"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Trigger {
    event: Event,
    changes: Vec<(String, String)>,
    signing: WebhookSigning,
    times: u8,
    journey: Option<JourneyId>,
}

/// What was made for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Triggered {
    /// The event's own webhook.
    pub webhook: WebhookId,
    /// All that were made on the way, in order, the event's own among them.
    pub made: Vec<WebhookId>,
}

/// Why an event is not triggered. Nothing was changed: the way is walked in a copy first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TriggerError {
    /// No event has this name.
    #[error("no such event; the nearest is {nearest}")]
    UnknownEvent {
        /// The name that is most like it.
        nearest: String,
    },
    /// The event's body has no such member.
    #[error("the event has no such member; the nearest is {nearest}")]
    UnknownMember {
        /// The whole path of the member that is most like it.
        nearest: String,
    },
    /// Several members have this name: give the whole path.
    #[error("several members have this name; give the whole path: {}", paths.join(", "))]
    AmbiguousMember {
        /// The whole paths of all of them, in the order of the body.
        paths: Vec<String>,
    },
    /// The event is not one that the journey can come to.
    #[error(
        "the journey has no consent or session that this event can be of, or its state does not lead there; \
         without a journey the way is walked from its beginning"
    )]
    NotOfJourney,
    /// The way to the event is blocked, by a setting or by a fault that is switched on.
    #[error("the sandbox did not get there: a setting or a fault is in the way")]
    Blocked,
}

impl Trigger {
    /// An event by its name, such as `veriff.decision.approved` or `finpro.CONSENT_APPROVED`.
    ///
    /// # Errors
    ///
    /// [`TriggerError::UnknownEvent`] with the name that is most like it.
    pub fn of(name: &str) -> Result<Self, TriggerError> {
        let is = |event: &&Event| event.full_name() == name;
        match EVENTS.iter().find(is) {
            Some(event) => Ok(Self {
                event: *event,
                changes: Vec::new(),
                signing: WebhookSigning::Genuine,
                times: 1,
                journey: None,
            }),
            None => Err(TriggerError::UnknownEvent {
                nearest: nearest(name, Self::names()).unwrap_or_default(),
            }),
        }
    }

    /// The names of all events.
    pub fn names() -> impl Iterator<Item = String> {
        EVENTS.iter().map(Event::full_name)
    }

    /// Lets it happen to the newest consent or session of this journey, from where that stands, instead of a new one.
    #[must_use]
    pub fn of_journey(mut self, journey: JourneyId) -> Self {
        self.journey = Some(journey);
        self
    }

    /// Changes a member of the webhook's body: its name where only one has it, or its path with dots, which of a member of the
    /// body itself begins with one: `.status`. The text is JSON where it is, else a text. Later calls do not know of the change.
    #[must_use]
    pub fn set(mut self, member: &str, value: &str) -> Self {
        self.changes.push((member.to_owned(), value.to_owned()));
        self
    }

    /// Signs with another secret, or not at all.
    #[must_use]
    pub fn signed(mut self, signing: WebhookSigning) -> Self {
        self.signing = signing;
        self
    }

    /// Sends it so many times, although it is accepted.
    #[must_use]
    pub fn times(mut self, times: u8) -> Self {
        self.times = times.max(1);
        self
    }
}

impl Event {
    fn full_name(&self) -> String {
        format!("{}.{}", self.provider, self.name)
    }
}

impl Sandbox {
    /// Lets an event happen now, and returns the webhooks that were made on the way to it. They are delivered as any: by a [served](Sandbox::serve) sandbox by itself, else by [`deliver_due`](Sandbox::deliver_due).
    ///
    /// # Errors
    ///
    /// [`TriggerError::UnknownMember`] and [`TriggerError::AmbiguousMember`] for a change of a member that the body has not, or has
    /// several times; [`TriggerError::NotOfJourney`] for a journey that does not lead there; [`TriggerError::Blocked`] where a
    /// setting or a fault is in the way. Nothing is changed then, but where another caller came between.
    pub async fn trigger(&self, trigger: Trigger) -> Result<Triggered, TriggerError> {
        let simulation = self.simulation();
        // Nothing is sent before it is as it is wanted, and what others make on demand is not taken for its own.
        let making = simulation.making.lock().await;
        let id = match trigger.journey {
            Some(journey) => {
                let id = self.newest_of(trigger.event, journey);
                Some(id.ok_or(TriggerError::NotOfJourney)?)
            }
            None => None,
        };
        let rehearsal = self.rehearsal(trigger.event, id.as_deref());
        rehearsal.come_to(&trigger, id.as_deref()).await?;

        let before = simulation.outbox.newest();
        let result = self.come_to(&trigger, id.as_deref()).await;
        let made = simulation.outbox.after(before);
        if result.is_err() {
            for webhook in &made {
                simulation.outbox.remove(webhook.id);
            }
        }
        drop(making);
        simulation.keep();
        result.map(|webhook| Triggered {
            webhook,
            made: made.iter().map(|webhook| webhook.id).collect(),
        })
    }

    /// A sandbox in which an event can be come to without any change of this one: with its settings and the faults that meet
    /// whoever calls, and with the consent or session of this id, if the event is to happen to one.
    fn rehearsal(&self, event: Event, id: Option<&str>) -> Self {
        let settings = self.settings().clone();
        let settings = settings
            .without_faults()
            .with_documents(BTreeMap::new())
            .with_webhook_transport(None)
            .with_fixed_time(Some(self.now()));
        let rehearsal = Self::new(settings);
        for (_, fault) in self.faults() {
            let meets = matches!(fault.kind(), FaultKind::Failure(_)) && fault.journey().is_none();
            if meets {
                // It was checked when it was switched on here.
                let _on = rehearsal.switch_fault_on(fault);
            }
        }
        if let Some(id) = id {
            let (to, from) = (rehearsal.providers(), self.providers());
            match event.provider {
                Provider::Finpro => to.finpro.copy_consent(&from.finpro, id),
                _ => to.veriff.copy_session(&from.veriff, id),
            }
        }
        rehearsal
    }

    /// Lets the event happen, to the consent or session of this id or to a new one, and makes its webhook as it is wanted.
    async fn come_to(
        &self,
        trigger: &Trigger,
        id: Option<&str>,
    ) -> Result<WebhookId, TriggerError> {
        let outbox = &self.simulation().outbox;
        let before = outbox.newest();
        match id {
            Some(id) => self
                .go_on(trigger.event, id)
                .ok_or(TriggerError::NotOfJourney)?,
            None => self
                .walk(trigger.event.way)
                .await
                .ok_or(TriggerError::Blocked)?,
        }
        let made = outbox.after(before);
        let mut newest_first = made.iter().rev();
        let webhook = newest_first
            .find(|webhook| webhook.event == trigger.event.name)
            .ok_or(TriggerError::Blocked)?;
        let body = changed(&webhook.body, &trigger.changes)?;
        outbox.change(webhook.id, |webhook| {
            if let Some(body) = body {
                webhook.body = body.into();
            }
            webhook.signing = trigger.signing;
            webhook.repeats = trigger.times.saturating_sub(1);
        });
        Ok(webhook.id)
    }

    async fn walk(&self, way: Way) -> Option<()> {
        match way {
            Way::Consent(statuses) => {
                let (handle, _) = self.consent("9000000000").await?;
                self.decide_each(&handle, statuses)
            }
            Way::Data(digit) => {
                let (handle, mobile) = self.consent(&format!("9001000{digit}00")).await?;
                self.hurry(&mobile);
                let listed = json!({"consentHandle": [handle]});
                let listed = self.ask_finpro("/v3/getconsentslist", &listed).await?;
                let id = listed.pointer("/data/0/consentID")?.as_str()?.to_owned();
                self.ask_finpro("/fi/request", &json!({"consentId": id}))
                    .await?;
                self.hurry(&mobile);
                Some(())
            }
            Way::Decision(decision) => {
                let session = self.session("Sample").await?;
                self.lead_to(session, decision)
            }
            Way::Started => {
                let session = self.session("Sample").await?;
                self.start(session)
            }
            Way::Submitted => {
                let session = self.session("Sample").await?;
                self.submit(session)
            }
            Way::Screened(first_name) => {
                let session = self.session(first_name).await?;
                self.hurry(&session.to_string());
                Some(())
            }
            Way::PortalStatus => {
                let session = self.session("Sample").await?.to_string();
                self.set_portal_status(&session, "triggered", None)
                    .then_some(())
            }
        }
    }

    /// The id of the newest consent or session of a journey, whichever an event is of.
    fn newest_of(&self, event: Event, journey: JourneyId) -> Option<String> {
        let (finpro, veriff) = (&self.providers().finpro, &self.providers().veriff);
        let ids = self.simulation().journeys.ids(journey);
        let mut newest_first = ids.into_iter().rev();
        newest_first.find(|id| match event.provider {
            Provider::Finpro => finpro.consent_status(id).is_some(),
            _ => veriff.knows(id),
        })
    }

    /// Goes on to an event from where this consent or session stands. `None` before anything is changed, if that does not lead
    /// there.
    fn go_on(&self, event: Event, id: &str) -> Option<()> {
        let Way::Consent(statuses) = event.way else {
            let session = Uuid::try_parse(id).ok()?;
            return match event.way {
                Way::Decision(decision) => self.lead_to(session, decision),
                Way::Started => self.start(session),
                Way::Submitted => self.submit(session),
                Way::PortalStatus => self.set_portal_status(id, "triggered", None).then_some(()),
                // What the person's name or number says comes of those.
                Way::Screened(_) | Way::Data(_) | Way::Consent(_) => None,
            };
        };
        let now = self.providers().finpro.consent_status(id)?;
        self.decide_each(id, rest(statuses, now)?)
    }

    fn decide_each(&self, handle: &str, statuses: &[AggregatorConsentStatus]) -> Option<()> {
        let mut statuses = statuses.iter();
        statuses
            .all(|status| self.decide_consent(handle, *status))
            .then_some(())
    }

    fn start(&self, session: Uuid) -> Option<()> {
        let veriff = &self.providers().veriff;
        veriff.start(self.now_ms(), session).then_some(())
    }

    /// Through the API: the notice of a resubmission is not held back then.
    fn submit(&self, session: Uuid) -> Option<()> {
        let veriff = &self.providers().veriff;
        veriff.start(self.now_ms(), session);
        veriff
            .submit(self.now_ms(), session, Through::Api)
            .then_some(())
    }

    /// Lets the person come and hand in, where that is before the decision, and decides.
    fn lead_to(&self, session: Uuid, decision: DecisionStatus) -> Option<()> {
        // Nobody came to a session that expires.
        if decision != DecisionStatus::Expired {
            let _before = self.submit(session);
        }
        self.decide(&session.to_string(), decision).then_some(())
    }

    /// Lets happen now what is planned soon in the journey of this id, and what follows from it.
    fn hurry(&self, id: &str) {
        let simulation = self.simulation();
        let Some(journey) = simulation.journeys.find(id) else {
            return;
        };
        let soon_ms = simulation.now_ms().saturating_add(SOON_MS);
        // A journey ends after some steps; a script that did not would be a mistake.
        for _ in 0..100 {
            let next = Provider::ALL.into_iter().find_map(|provider| {
                let timer = simulation.schedule(provider).take_of(journey, soon_ms)?;
                Some((provider, timer))
            });
            let Some((provider, timer)) = next else {
                return;
            };
            self.providers()
                .due(provider, simulation.now_ms(), Some(journey), timer);
        }
    }

    /// Asks FinPro for a consent of the person with this mobile number; returns its handle and the number.
    async fn consent(&self, mobile: &str) -> Option<(String, String)> {
        let settings = self.settings().finpro();
        let product = settings.products().first()?;
        let aggregator = settings.aggregators().first()?;
        let body = json!({"productID": product, "vua": format!("{mobile}@{aggregator}")});
        let asked = self.ask_finpro("/v3/requestconsent", &body).await?;
        let data = asked.get("data").unwrap_or(&asked);
        let handle = data.get("consent_handle")?.as_str()?;
        Some((handle.to_owned(), mobile.to_owned()))
    }

    /// Creates a Veriff session of a person with this first name.
    async fn session(&self, first_name: &str) -> Option<Uuid> {
        let key = self.settings().veriff().api_key();
        let person = json!({"firstName": first_name, "lastName": "Person"});
        let body = json!({"verification": {"person": person}});
        let headers = [("x-auth-client", key.as_str())];
        let created = self.ask("/veriff/v1/sessions", &headers, &body).await?;
        let id = created.pointer("/verification/id")?.as_str()?;
        Uuid::try_parse(id).ok()
    }

    async fn ask_finpro(&self, path: &str, body: &Value) -> Option<Value> {
        let settings = self.settings().finpro();
        let headers = [
            ("client_id", settings.client_id().as_str()),
            ("client_secret", settings.client_secret()),
            ("organisationid", settings.organisation_id()),
            ("appidentifier", settings.app_identifier()),
        ];
        self.ask(&format!("/finpro{path}"), &headers, body).await
    }

    /// Calls an operation as a caller does; `None` if it is refused.
    async fn ask(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Option<Value> {
        let mut request = Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Body::from(body.to_string().into_bytes()))
            .ok()?;
        let limits = ExchangeLimits::new(Duration::from_secs(10), 1024 * 1024);
        let reply = self.transport().send(request, limits).await.ok()?;
        reply.status().is_success().then_some(())?;
        serde_json::from_slice(reply.body()).ok()
    }
}

/// A body with these members changed; `None` if there is none to change.
fn changed(body: &[u8], changes: &[(String, String)]) -> Result<Option<String>, TriggerError> {
    if changes.is_empty() {
        return Ok(None);
    }
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut paths = Vec::new();
    collect(&body, "", &mut paths);
    for (member, value) in changes {
        let is = |path: &&String| match member.strip_prefix('.') {
            Some(whole) => *path == whole,
            None if member.contains('.') => *path == member,
            None => last(path) == member,
        };
        let found: Vec<&String> = paths.iter().filter(is).collect();
        let path = match found.as_slice() {
            [path] => path,
            [] => {
                let nearest = nearest_path(member, &paths).unwrap_or_default();
                return Err(TriggerError::UnknownMember { nearest });
            }
            several => {
                return Err(TriggerError::AmbiguousMember {
                    paths: several.iter().map(|path| whole(path)).collect(),
                });
            }
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value.as_str()));
        if let Some(place) = body.pointer_mut(&format!("/{}", path.replace('.', "/"))) {
            *place = value;
        }
    }
    Ok(Some(body.to_string()))
}

/// The statuses that are left on this way for a consent that has this one; none where it is not on the way.
fn rest(
    way: &'static [AggregatorConsentStatus],
    now: AggregatorConsentStatus,
) -> Option<&'static [AggregatorConsentStatus]> {
    let before = |at: &usize| match at.checked_sub(1) {
        Some(before) => way.get(before).copied(),
        None => Some(Pending),
    };
    let mut places = (0..way.len()).rev();
    let at = places.find(|at| before(at) == Some(now)).or_else(|| {
        // What ends a consent ends one that is paused, too.
        let last = way.len().checked_sub(1)?;
        let ends = way
            .last()
            .is_some_and(|end| *end != Active && now.may_become(*end));
        ends.then_some(last)
    })?;
    way.get(at..)
}

/// A path as it is written in a change: one of a single name could be meant as a name.
fn whole(path: &str) -> String {
    match path.contains('.') {
        true => path.to_owned(),
        false => format!(".{path}"),
    }
}

/// The path that is most like what was written for one, by its end.
fn nearest_path(member: &str, paths: &[String]) -> Option<String> {
    let names = member.split('.').count();
    let end = |path: &String| {
        let parts: Vec<&str> = path.split('.').collect();
        let from = parts.len().saturating_sub(names);
        parts.get(from..).unwrap_or_default().join(".")
    };
    paths
        .iter()
        .min_by_key(|path| distance(member, &end(path)))
        .cloned()
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// The paths of all members.
fn collect(value: &Value, path: &str, paths: &mut Vec<String>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                paths.push(below(name));
                collect(value, &below(name), paths);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, &below(&index.to_string()), paths);
            }
        }
        _ => {}
    }
}

/// The name that is most like this one.
fn nearest(name: &str, names: impl Iterator<Item = String>) -> Option<String> {
    names.min_by_key(|known| distance(name, known))
}

/// How many letters have to be changed, and then how many of those only in their case.
fn distance(name: &str, known: &str) -> (usize, usize) {
    let folded = strsim::levenshtein(&name.to_lowercase(), &known.to_lowercase());
    (folded, strsim::levenshtein(name, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let unknown = |name| match Trigger::of(name) {
            Err(TriggerError::UnknownEvent { nearest }) => nearest,
            _ => String::new(),
        };
        assert_eq!(unknown("finpro.DATA_RDY"), "finpro.DATA_READY");
        assert_eq!(
            unknown("veriff.decision.aproved"),
            "veriff.decision.approved"
        );
        assert_eq!(
            unknown("finpro.consent_approved"),
            "finpro.CONSENT_APPROVED"
        );
    }

    #[test]
    fn what_is_left_of_a_way_begins_where_a_consent_stands() {
        let resumed: &[_] = &[Active, Paused, Active];
        let revoked: &[_] = &[Active, Revoked];
        for (way, now, left) in [
            (resumed, Pending, Some(resumed)),
            (resumed, Active, Some([Paused, Active].as_slice())),
            (resumed, Paused, Some(&[Active])),
            (resumed, Revoked, None),
            (revoked, Paused, Some(&[Revoked])),
            (&[Active], Paused, None),
            (&[Active], Active, None),
            (&[Rejected], Active, None),
        ] {
            assert_eq!(rest(way, now), left, "{way:?} {now:?}");
        }
    }

    #[test]
    fn a_member_is_changed_by_its_name_or_path() {
        let body = br#"{"a":{"id":1,"code":2},"b":[{"id":3}]}"#;
        let change =
            |member: &str, value: &str| changed(body, &[(member.to_owned(), value.to_owned())]);
        assert_eq!(
            change("code", "7"),
            Ok(Some(r#"{"a":{"code":7,"id":1},"b":[{"id":3}]}"#.to_owned()))
        );
        assert_eq!(
            change("b.0.id", "x"),
            Ok(Some(
                r#"{"a":{"code":2,"id":1},"b":[{"id":"x"}]}"#.to_owned()
            ))
        );
        assert_eq!(
            change("id", "1"),
            Err(TriggerError::AmbiguousMember {
                paths: vec!["a.id".to_owned(), "b.0.id".to_owned()]
            })
        );
        for (member, path) in [
            ("cod", "a.code"),
            ("CODE", "a.code"),
            ("x.code", "a.code"),
            ("0.id", "b.0.id"),
            (".code", "a.code"),
        ] {
            let nearest = path.to_owned();
            assert_eq!(
                change(member, "1"),
                Err(TriggerError::UnknownMember { nearest }),
                "{member}"
            );
        }
        let body = br#"{"status":"success","verification":{"status":"approved"}}"#;
        let change = |member: &str| changed(body, &[(member.to_owned(), "x".to_owned())]);
        assert_eq!(
            change("status"),
            Err(TriggerError::AmbiguousMember {
                paths: vec![".status".to_owned(), "verification.status".to_owned()]
            })
        );
        assert_eq!(
            change("verification.status"),
            Ok(Some(
                r#"{"status":"success","verification":{"status":"x"}}"#.to_owned()
            ))
        );
        assert_eq!(
            change(".status"),
            Ok(Some(
                r#"{"status":"x","verification":{"status":"approved"}}"#.to_owned()
            ))
        );
        let body = br#"{"a":{"id":1,"code":2},"b":[{"id":3}]}"#;
        assert_eq!(changed(body, &[]), Ok(None));
    }
}
