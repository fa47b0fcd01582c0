//! What the people do whom a session or a journey asks: at once, by the script in their number, or on the pages.
//!
//! That consent status updates go to `webhook_url`, and that people return to `redirect_url`, is documented. Bodies, words and
//! parameters are the sandbox's own choice.

use std::sync::{Arc, PoisonError};

use super::options::ReportState;
use super::report::others;
use super::{BanksOfScript, Family, Finpass};
use crate::exchange::Json;
use crate::providers::address::{is_return_address, millis, with_parameters};
use crate::providers::aggregator::{ConsentView, FINPASS_VISITS, VisitView, Visits};
use crate::state::flow::{Action, Bank, BankAnswer, Ending, Flow};
use crate::state::{
    AggregatorConsentStatus, DataOutcome, DataScript, JourneyId, LinkedAccount, MobileScript,
    PeopleAct, Provider, Simulation, Timer, WebhookDraft, WebhookSigning, iso, people,
};
use crate::webhooks::script::{Content, Place, plan};

/// After how many milliseconds the data of a consent that was given is being fetched.
const FETCHING_MS: i64 = 1000;

/// Of how many scripted people the banks are kept, because working them out takes long: the latest ones.
const BANKS_OF_SCRIPTS: usize = 64;

/// How far the data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Data {
    /// Nobody asked for it.
    Granted,
    Fetching,
    Done(DataOutcome),
}

/// A person whom a session or a journey asks for a consent.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Asked {
    family: Family,
    script: Option<MobileScript>,
    journey: Option<JourneyId>,
    /// Whether the person consented at once, so that settings say how far everything is.
    at_once: bool,
    pub(super) status: AggregatorConsentStatus,
    was_given: bool,
    changed_ms: i64,
    expires_ms: i64,
    data: Data,
    shared: Box<[String]>,
    return_url: Option<Box<str>>,
    webhook_url: Option<Box<str>>,
    flow: Flow,
}

/// What a request says about the person.
pub(super) struct Addresses {
    pub(super) return_url: Option<String>,
    pub(super) webhook_url: Option<String>,
}

impl Asked {
    /// The word for a journey of AA-BSA.
    fn word(&self) -> &'static str {
        use AggregatorConsentStatus::{Expired, Pending, Rejected};

        match (self.status, self.data) {
            (Pending, _) if self.flow.opened => "consent_pending",
            (Pending, _) => "initiated",
            (Rejected, _) => "consent_denied",
            (Expired, _) if !self.was_given => "expired",
            (_, Data::Granted) => "consent_granted",
            (_, Data::Fetching) => "data_fetching",
            (_, Data::Done(DataOutcome::Ready | DataOutcome::Partial)) => "analysis_complete",
            (_, Data::Done(_)) => "failed",
        }
    }

    fn data_script(&self) -> DataScript {
        self.script.map_or(DataScript::READY, MobileScript::data)
    }
}

impl Finpass {
    /// Asks a person for a consent.
    pub(super) fn ask(&self, client_id: &Arc<str>, mobile: &str, family: Family, at: Addresses) {
        let script = MobileScript::of(mobile);
        let act = self.simulation.people_act;
        let at_once = act == PeopleAct::ByScript && people::is_listed(mobile);
        let journeys = &self.simulation.journeys;
        let shared_mobile: Arc<str> = Arc::from(mobile);
        let journey = journeys.of_shared(Arc::clone(&shared_mobile));
        journeys.name_shared(journey, Arc::clone(client_id));
        let now_ms = self.simulation.now_ms();
        let life_ms = millis(*self.settings.consent_life());
        // Recorded ids stay as they are.
        let token = (!at_once).then(|| self.simulation.ids.uuid());
        let banks = match script {
            // Whoever consented at once goes through no screens.
            _ if at_once => Arc::default(),
            None => Arc::clone(&self.banks_of_others),
            Some(script) => self.banks_of(script),
        };
        let mut flow = Flow::new(token, shared_mobile, banks, 1);
        flow.sends_otp = script.is_none_or(MobileScript::sends_otp);
        let asked = Asked {
            family,
            script,
            journey: Some(journey),
            at_once,
            status: AggregatorConsentStatus::Pending,
            was_given: false,
            changed_ms: now_ms,
            expires_ms: now_ms.saturating_add(life_ms),
            data: Data::Granted,
            shared: Box::default(),
            return_url: at
                .return_url
                .filter(|url| is_return_address(url))
                .map(Into::into),
            webhook_url: at.webhook_url.map(Into::into),
            flow,
        };
        self.asked
            .update(Arc::clone(client_id), |_| Arc::new(asked));
        if at_once {
            self.set_status(client_id, AggregatorConsentStatus::Active, None);
            return;
        }
        let link_life_ms = match family {
            Family::Session => millis(*self.settings.link_life()),
            Family::Journey => super::journey::HALF_AN_HOUR_MS,
        };
        let id = Arc::clone(client_id);
        self.plan(
            now_ms,
            link_life_ms,
            Some(journey),
            Timer::LinkExpires { id },
        );
        if act == PeopleAct::ByScript {
            self.plan_next(client_id, now_ms);
        }
    }

    /// The banks of a scripted person, which all sessions of a day share.
    fn banks_of(&self, script: MobileScript) -> Arc<[Bank]> {
        let today = self.simulation.clock.today();
        let known = self.banks_of_scripts.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        let mut of_today = known.iter().filter(|one| one.day == today);
        if let Some(one) = of_today.find(|one| one.script == script) {
            return Arc::clone(&one.banks);
        }
        let banks = banks(&self.simulation, Some(script));
        known.truncate(BANKS_OF_SCRIPTS.saturating_sub(1));
        let kept = BanksOfScript {
            day: today,
            script,
            banks: Arc::clone(&banks),
        };
        known.insert(0, kept);
        banks
    }

    fn plan(&self, from_ms: i64, after_ms: i64, journey: Option<JourneyId>, timer: Timer) {
        let at_ms = from_ms.saturating_add(after_ms);
        self.simulation.at(at_ms, Provider::Finpass, journey, timer);
    }

    fn plan_next(&self, client_id: &str, at_ms: i64) {
        let Some(asked) = self.asked.get(client_id) else {
            return;
        };
        let next = asked
            .script
            .and_then(|script| script.next_action(&asked.flow));
        if let Some((pause_ms, _)) = next {
            let id = client_id.into();
            self.plan(at_ms, pause_ms, asked.journey, Timer::Person { id });
        }
    }

    /// What comes of a timer.
    pub(super) fn comes_of(&self, timer: &Timer) -> Option<&'static str> {
        let may_become = |id: &str, status| {
            let asked = self.asked.get(id);
            asked.is_some_and(|asked| asked.status.may_become(status))
        };
        match timer {
            Timer::Person { id } => {
                let asked = self.asked.get(&**id)?;
                asked.script?.next_action(&asked.flow).map(|_| "step")
            }
            Timer::LinkExpires { id } => {
                let asked = self.asked.get(&**id)?;
                (asked.status == AggregatorConsentStatus::Pending).then_some("expired")
            }
            Timer::Consent { handle, status } => {
                may_become(handle, *status).then_some(status.word())
            }
            Timer::Data { .. } => Some("data"),
            _ => None,
        }
    }

    /// What is due.
    pub(super) fn on_timer(&self, at_ms: i64, timer: &Timer) {
        match timer {
            Timer::Person { id } => {
                let Some(asked) = self.asked.get(&**id) else {
                    return;
                };
                let next = asked
                    .script
                    .and_then(|script| script.next_action(&asked.flow));
                if let Some((_, action)) = next {
                    // Nothing is left to do where somebody else has decided.
                    if self.act(id, action) {
                        self.plan_next(id, at_ms);
                    }
                }
            }
            Timer::LinkExpires { id } => {
                let asked = self.asked.get(&**id);
                if asked.is_some_and(|asked| asked.status == AggregatorConsentStatus::Pending) {
                    self.set_status(id, AggregatorConsentStatus::Expired, None);
                }
            }
            Timer::Consent { handle, status } => {
                self.set_status(handle, *status, None);
            }
            Timer::Data { session } => self.go_on(session, at_ms),
            _ => {}
        }
    }

    /// Takes the data of a consent that was given one step on.
    fn go_on(&self, client_id: &str, at_ms: i64) {
        let asked = self.asked.change(client_id, |known| {
            let asked = Arc::make_mut(known);
            asked.data = match asked.data {
                Data::Granted => Data::Fetching,
                Data::Fetching | Data::Done(_) => Data::Done(asked.data_script().outcome),
            };
            Arc::clone(known)
        });
        let Some(asked) = asked else {
            return;
        };
        if asked.data == Data::Fetching
            && let Some(after_ms) = asked.data_script().after_ms
        {
            let session = client_id.into();
            self.plan(at_ms, after_ms, asked.journey, Timer::Data { session });
        }
        if asked.family == Family::Journey {
            self.tell(client_id, &asked, Place::Later);
        }
    }

    /// Changes the status of a consent where the old one allows it, with all that follows.
    pub(super) fn set_status(
        &self,
        client_id: &str,
        status: AggregatorConsentStatus,
        links: Option<&[String]>,
    ) -> bool {
        use AggregatorConsentStatus::{Active, Expired, Pending};

        let now_ms = self.simulation.now_ms();
        let changed = self.asked.change(client_id, |known| {
            let before = known.status;
            if !before.may_become(status) {
                return None;
            }
            let asked = Arc::make_mut(known);
            (asked.status, asked.changed_ms) = (status, now_ms);
            if before == Pending && status == Active {
                asked.was_given = true;
                let all = asked.flow.banks.iter().flat_map(|bank| &bank.accounts);
                let shared =
                    all.filter(|account| links.is_none_or(|links| links.contains(&account.link)));
                asked.shared = shared
                    .map(|account| account.masked_number.to_owned())
                    .collect();
            }
            Some((Arc::clone(known), before))
        });
        let Some((asked, before)) = changed.flatten() else {
            return false;
        };
        let words = format!("consent {}", status.as_str());
        self.simulation
            .change(Provider::Finpass, asked.journey, &words);
        if before == Pending && status == Active {
            let plan = |after_ms, timer| self.plan(now_ms, after_ms, asked.journey, timer);
            let consent = |status| Timer::Consent {
                handle: client_id.into(),
                status,
            };
            plan(asked.expires_ms.saturating_sub(now_ms), consent(Expired));
            for (after_ms, status) in asked.script.map(MobileScript::later).into_iter().flatten() {
                plan(after_ms, consent(status));
            }
            if !asked.at_once {
                let session = client_id.into();
                plan(FETCHING_MS, Timer::Data { session });
            }
        }
        let silent = asked.script.is_some_and(MobileScript::is_silent);
        // What becomes of a consent after its data is no news of a journey.
        let is_news = asked.family == Family::Session || before == Pending;
        if is_news && !(silent && before == Pending && status == Expired) {
            let place = match before {
                Pending => Place::First,
                _ => Place::Later,
            };
            self.tell(client_id, &asked, place);
        }
        true
    }

    /// Sends a webhook about the status, if the session has an address for it.
    fn tell(&self, client_id: &str, asked: &Asked, place: Place) {
        let Some(url) = &asked.webhook_url else {
            return;
        };
        let (event, word) = match asked.family {
            Family::Session => ("consent.status", asked.status.as_str()),
            Family::Journey if asked.at_once => match *self.settings.journey_steps() {
                0 => ("journey.status", "analysis_complete"),
                _ => return,
            },
            Family::Journey => ("journey.status", asked.word()),
        };
        let digit = asked.script.map_or(0, |script| script.webhook);
        for planned in plan(digit, place) {
            // Without signatures there are none to forge.
            if planned.signing == WebhookSigning::Forged {
                continue;
            }
            let strange = planned.content == Content::Strange;
            let mut body = vec![
                ("client_id", client_id.into()),
                (
                    "event",
                    if strange { "something.new" } else { event }.into(),
                ),
                (
                    "status",
                    if strange { "something_new" } else { word }.into(),
                ),
                ("timestamp", iso(self.simulation.now_ms()).into()),
            ];
            if strange {
                body.push(("member_on_no_page", Json::List(vec![Json::Null])));
            }
            let draft = WebhookDraft {
                provider: Provider::Finpass,
                event,
                journey: asked.journey,
                url: Some(url.to_string()),
                body: Json::Object(body).to_compact(),
            };
            self.simulation.webhook(
                draft,
                WebhookSigning::Unsigned,
                planned.repeats,
                planned.after_ms,
            );
        }
    }

    /// How far the reports of a session are.
    pub(super) fn report_state(&self, client_id: &str) -> ReportState {
        use AggregatorConsentStatus::{Active, Pending};

        let by_setting = *self.settings.report_state();
        let Some(asked) = self.asked.get(client_id).filter(|asked| !asked.at_once) else {
            return by_setting;
        };
        match (asked.status, asked.data) {
            (Pending, _) => ReportState::Pending,
            (status, _) if status != Active && !asked.was_given => ReportState::Failed,
            (_, Data::Granted | Data::Fetching) => ReportState::Pending,
            (_, Data::Done(DataOutcome::Ready)) => by_setting,
            (_, Data::Done(DataOutcome::Partial)) => ReportState::Partial,
            (_, Data::Done(_)) => ReportState::Failed,
        }
    }

    /// Whether a session's person shares the account with this masked number.
    pub(super) fn shares(&self, client_id: &str, masked_number: &str) -> bool {
        let asked = self.asked.get(client_id).filter(|asked| !asked.at_once);
        asked.is_none_or(|asked| {
            // Before that it is not known, and nothing is there anyhow.
            !asked.was_given || asked.shared.iter().any(|shared| shared == masked_number)
        })
    }

    /// Whether the link of a session was not used in time, so that the session is not known any more.
    pub(super) fn is_expired(&self, client_id: &str) -> bool {
        let asked = self.asked.get(client_id);
        asked.is_some_and(|asked| {
            asked.status == AggregatorConsentStatus::Expired && !asked.was_given
        })
    }

    /// How the consent of a session is, if anybody was asked for it.
    pub(super) fn consent_status(&self, client_id: &str) -> Option<AggregatorConsentStatus> {
        Some(self.asked.get(client_id)?.status)
    }

    /// The word for a journey whose person acts in time; `None` if settings say how far it is.
    pub(super) fn living_word(&self, client_id: &str) -> Option<&'static str> {
        let asked = self.asked.get(client_id).filter(|asked| !asked.at_once)?;
        Some(asked.word())
    }

    /// When the person of a journey last changed something.
    pub(super) fn changed_ms(&self, client_id: &str) -> Option<i64> {
        let asked = self.asked.get(client_id).filter(|asked| !asked.at_once)?;
        Some(asked.changed_ms)
    }

    /// The address to which the person of a session returns, once there is nothing more to do.
    pub(crate) fn return_url(&self, client_id: &str) -> Option<String> {
        use AggregatorConsentStatus::Pending;

        let asked = self.asked.get(client_id)?;
        if asked.status == Pending && asked.flow.ending.is_none() {
            return None;
        }
        let url = match asked.family {
            _ if asked.return_url.is_some() => asked.return_url.as_deref(),
            // The documented default.
            Family::Journey => Some("https://finpass.ai/"),
            Family::Session => None,
        };
        let word = match asked.family {
            Family::Session => asked.status.as_str(),
            Family::Journey => asked.word(),
        };
        let parameters = format!("client_id={client_id}&status={word}");
        url.map(|url| with_parameters(url, &parameters))
    }

    fn view_of(client_id: &str, asked: &Asked) -> ConsentView {
        let purpose = match asked.family {
            Family::Session => "Account data for a loan",
            Family::Journey => "Account data for a loan, and its analysis",
        };
        ConsentView {
            id: client_id.to_owned(),
            lender: LENDER.to_owned(),
            purpose: purpose.to_owned(),
            status: asked.status,
            since_ms: asked.changed_ms,
            expires_ms: asked.expires_ms,
            accounts: asked.shared.to_vec(),
        }
    }
}

/// Who asks. Finpass's requests name nobody.
const LENDER: &str = "Invented Lender";

/// The banks of a person, each with an account: those of a scripted person's bank data, or those that the reports of everybody
/// else have.
pub(super) fn banks(simulation: &Simulation, script: Option<MobileScript>) -> Arc<[Bank]> {
    let own = script.map(|script| simulation.accounts(script));
    let own = own.unwrap_or_default();
    let others = others(script, own.len()).iter();
    let mut banks = own
        .iter()
        .map(|account| (account.bank.fip_id, account.number.as_str()))
        .chain(others.map(|(_, fip_id, number)| (*fip_id, *number)))
        .map(|(fip_id, number)| bank(fip_id, number, script))
        .collect();
    if let Some(script) = script {
        script.arrange(&mut banks);
    }
    banks.into()
}

fn bank(fip_id: &str, masked_number: &str, script: Option<MobileScript>) -> Bank {
    let account = LinkedAccount {
        link: format!("{fip_id}.{masked_number}"),
        fip_id: fip_id.to_owned(),
        fi_type: "DEPOSIT",
        masked_number: masked_number.to_owned(),
        bank: "Invented Bank",
        kind: "SAVINGS",
        scripted: None,
        joint: script.is_some_and(MobileScript::is_joint),
    };
    Bank {
        fip_id: fip_id.to_owned(),
        answer: BankAnswer::Found,
        accounts: vec![account],
    }
}

impl Visits for Finpass {
    const VISITS: &'static str = FINPASS_VISITS;

    fn view(&self, name: &str) -> Option<VisitView> {
        let asked = self.asked.get(name)?;
        Some(VisitView {
            consents: vec![Self::view_of(name, &asked)],
            journey: asked.journey,
            lender: LENDER.to_owned(),
            aggregator: "Invented aggregator".to_owned(),
            return_url: self.return_url(name),
            flow: asked.flow.clone(),
        })
    }

    fn act(&self, name: &str, action: Action) -> bool {
        let pending = AggregatorConsentStatus::Pending;
        let Some(before) = self.asked.get(name).filter(|asked| asked.status == pending) else {
            return false;
        };
        let opens = action == Action::Open && !before.flow.opened;
        if opens || action != Action::Open {
            self.simulation
                .step(Provider::Finpass, before.journey, action.words());
        }
        let now_ms = self.simulation.now_ms();
        let acted = self.asked.change(name, |known| {
            let asked = Arc::make_mut(known);
            let ending = asked.flow.act(action, now_ms);
            if opens {
                asked.changed_ms = now_ms;
            }
            (ending, Arc::clone(known))
        });
        let Some((ending, asked)) = acted else {
            return false;
        };
        if opens && asked.family == Family::Journey {
            self.tell(name, &asked, Place::Later);
        }
        match ending {
            Some(Ending::Approved { links, .. }) => {
                self.set_status(name, AggregatorConsentStatus::Active, Some(&links));
            }
            Some(Ending::Rejected(_)) => {
                self.set_status(name, AggregatorConsentStatus::Rejected, None);
            }
            _ => {}
        }
        true
    }

    fn given(&self, person: &str) -> Vec<ConsentView> {
        let given = self
            .asked
            .filter(|asked| &*asked.flow.mobile == person && asked.was_given);
        let views = given.iter();
        views.map(|(id, asked)| Self::view_of(id, asked)).collect()
    }

    fn change_given(&self, person: &str, id: &str, status: AggregatorConsentStatus) -> bool {
        let asked = self.asked.get(id);
        asked.is_some_and(|asked| &*asked.flow.mobile == person && asked.was_given)
            && self.set_status(id, status, None)
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::*;
    use crate::state::{Entry, Happening};

    /// Tens of thousands of each are kept.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn what_is_kept_by_the_thousands_is_small() {
        assert!(size_of::<Asked>() <= 240, "{}", size_of::<Asked>());
        assert!(size_of::<Happening>() <= 112, "{}", size_of::<Happening>());
        assert!(size_of::<Entry>() <= 80, "{}", size_of::<Entry>());
        assert!(size_of::<Timer>() <= 24, "{}", size_of::<Timer>());
        assert_eq!(size_of::<Option<JourneyId>>(), 8);
    }

    #[test]
    fn sessions_of_a_scripted_person_share_the_banks() {
        let sandbox = crate::Sandbox::default();
        let finpass = &sandbox.providers().finpass;
        let script = MobileScript::of("9001000000").map(|script| finpass.banks_of(script));
        let again = MobileScript::of("9001000000").map(|script| finpass.banks_of(script));
        let other = MobileScript::of("9001000001").map(|script| finpass.banks_of(script));
        assert!(matches!((&script, &again), (Some(one), Some(two)) if Arc::ptr_eq(one, two)));
        assert!(matches!((&script, &other), (Some(one), Some(two)) if !Arc::ptr_eq(one, two)));
    }
}
