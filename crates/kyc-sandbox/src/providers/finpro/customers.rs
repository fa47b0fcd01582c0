//! What customers do: at once, by the script in their number, or on the pages.

use super::Finpro;
use super::options::{ConsentDecisions, JointAccounts};
use crate::providers::address::{millis, with_parameters};
use crate::providers::aggregator::{ConsentView, FINPRO_VISITS, VisitView, Visits};
use crate::state::flow::{Action, Bank, BankAnswer, Ending, Flow, Places};
use crate::state::people::{self, Behaviour};
use crate::state::{
    AggregatorConsent, AggregatorConsentStatus, JourneyId, LinkedAccount, MobileScript, Pending,
    PeopleAct, Provider, Timer,
};

/// How many consents one visit is about, at most.
const CONSENTS: usize = 10;
/// Banks that can be chosen beside those of the person, with what they answer.
const OTHER_BANKS: [(&str, BankAnswer); 2] = [
    ("BANK-WITHOUT-ACCOUNTS", BankAnswer::Found),
    ("BANK-OUT-OF-ORDER", BankAnswer::Fails),
];

/// A customer at an aggregator, asked for one or more consents.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Visit {
    pub(crate) flow: Flow,
    pub(crate) handles: Vec<String>,
    return_url: Option<String>,
    /// The `ecres` of the return, once there is one.
    returned: Option<String>,
}

/// What the parameters of a return stand for.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Returned {
    pub(crate) handles: Vec<String>,
    pub(crate) code: u16,
    pub(crate) userid: String,
    pub(crate) redirect: String,
    pub(crate) resdate: String,
    /// The ids of the transaction and of the session, which are the same each time that the return is looked at.
    pub(crate) ids: [String; 2],
}

/// The organisation in a return's parameters.
pub(super) const FI: &str = "sandbox";

/// Who decides about a consent.
pub(super) enum Decides {
    /// The customer, at once.
    AtOnce(AggregatorConsentStatus),
    /// The customer, in time.
    ByScript,
    /// Whoever uses the page, or a command.
    OnPage,
}

impl Finpro {
    pub(super) fn decides(&self, person: &str, aggregator: &str) -> Decides {
        let by_person = *self.settings.consent_decisions() == ConsentDecisions::ByPerson;
        if !by_person || self.simulation.people_act == PeopleAct::OnPages {
            return Decides::OnPage;
        }
        if MobileScript::of(person).is_some() {
            return Decides::ByScript;
        }
        match people::find(person).at(aggregator) {
            Behaviour::Linked | Behaviour::LinkedSlowly => {
                Decides::AtOnce(AggregatorConsentStatus::Active)
            }
            Behaviour::Registered => Decides::AtOnce(AggregatorConsentStatus::Rejected),
            _ => Decides::OnPage,
        }
    }

    /// Whether an aggregator is down for this person this time.
    pub(super) fn is_down(&self, person: &str) -> bool {
        MobileScript::of(person).is_some_and(|script| script.is_down(&self.refused, person))
    }

    /// Keeps a consent that was asked for, and lets its customer begin.
    pub(super) fn begin(&self, consent: &AggregatorConsent, decides: Decides) {
        self.consents.add(consent.clone());
        let handle = consent.handle.clone();
        match decides {
            Decides::AtOnce(status) => {
                self.set_status(&consent.handle, status, None);
            }
            Decides::ByScript | Decides::OnPage => {
                let id = handle.as_str().into();
                let timer = Timer::LinkExpires { id };
                let link_life = millis(*self.settings.link_life());
                let at_ms = consent.created_ms.saturating_add(link_life);
                self.simulation
                    .at(at_ms, Provider::Finpro, consent.journey, timer);
            }
        }
        if matches!(decides, Decides::ByScript) && self.visit(&[&handle]).is_some() {
            self.plan_next(&handle, consent.created_ms);
        }
    }

    /// Lets the scripted customer of a visit act, and plans what comes next.
    pub(super) fn act_by_script(&self, visit: &str, at_ms: i64) {
        let Some(found) = self.visits.get(visit) else {
            return;
        };
        let script = MobileScript::of(&found.flow.mobile);
        if let Some((_, action)) = script.and_then(|script| script.next_action(&found.flow)) {
            // Nothing is left to do where somebody else has decided.
            if self.act(visit, action) {
                self.plan_next(visit, at_ms);
            }
        }
    }

    fn plan_next(&self, visit: &str, at_ms: i64) {
        let Some(found) = self.visits.get(visit) else {
            return;
        };
        let script = MobileScript::of(&found.flow.mobile);
        if let Some((pause_ms, _)) = script.and_then(|script| script.next_action(&found.flow)) {
            let id = visit.into();
            let at_ms = at_ms.saturating_add(pause_ms);
            let journey = self.journey_of(&found);
            let timer = Timer::Person { id };
            self.simulation.at(at_ms, Provider::Finpro, journey, timer);
        }
    }

    /// Changes a consent's status where the old one allows it, with all that follows. On an approval these accounts are shared,
    /// or all of them.
    pub(super) fn set_status(
        &self,
        handle: &str,
        status: AggregatorConsentStatus,
        shared: Option<&[&LinkedAccount]>,
    ) -> Option<Result<AggregatorConsent, AggregatorConsentStatus>> {
        let now_ms = self.simulation.now_ms();
        let is = |consent: &AggregatorConsent| consent.handle == handle;
        let changed = self.consents.change(is, |consent| {
            let before = consent.status;
            consent.become_status(status, now_ms)?;
            if before == AggregatorConsentStatus::Pending
                && status == AggregatorConsentStatus::Active
            {
                consent.accounts.clone_from(&consent.offered);
                if let Some(shared) = shared {
                    consent
                        .accounts
                        .retain(|account| shared.iter().any(|shared| shared.is_same(account)));
                }
            }
            Ok((consent.clone(), before))
        })?;
        Some(changed.map(|(consent, before)| {
            self.follow(&consent, before);
            consent
        }))
    }

    /// What follows a change of a consent's status.
    fn follow(&self, consent: &AggregatorConsent, before: AggregatorConsentStatus) {
        use AggregatorConsentStatus::{Active, Expired, Pending};

        let words = format!("consent {}", consent.status.as_str());
        self.simulation
            .change(Provider::Finpro, consent.journey, &words);
        let silent = consent.script.is_some_and(MobileScript::is_silent);
        if !(silent && before == Pending && consent.status == Expired) {
            self.tell_status(consent, before);
        }
        if before != Pending || consent.status != Active {
            return;
        }
        let plan = |at_ms, status| {
            let handle = consent.handle.as_str().into();
            let timer = Timer::Consent { handle, status };
            self.simulation
                .at(at_ms, Provider::Finpro, consent.journey, timer);
        };
        plan(consent.expires_ms, Expired);
        for (after_ms, status) in consent
            .script
            .map(MobileScript::later)
            .into_iter()
            .flatten()
        {
            plan(consent.changed_ms.saturating_add(after_ms), status);
        }
    }

    /// Revokes a consent for the organisation.
    pub(super) fn revoke(
        &self,
        handle: &str,
    ) -> Option<Result<AggregatorConsent, AggregatorConsentStatus>> {
        let revoked = AggregatorConsentStatus::Revoked;
        if *self.settings.revocation_webhook() {
            return self.set_status(handle, revoked, None);
        }
        let now_ms = self.simulation.now_ms();
        let is = |consent: &AggregatorConsent| consent.handle == handle;
        self.consents.change(is, |consent| {
            consent.become_status(revoked, now_ms)?;
            Ok(consent.clone())
        })
    }

    /// What comes of a timer.
    pub(super) fn comes_of(&self, timer: &Timer) -> Option<&'static str> {
        match timer {
            Timer::Person { id } => {
                let flow = self.visits.get(&**id)?.flow;
                let script = MobileScript::of(&flow.mobile)?;
                script.next_action(&flow).map(|_| "step")
            }
            Timer::LinkExpires { id } => {
                let pending = AggregatorConsentStatus::Pending;
                (self.consent_status(id)? == pending).then_some("expired")
            }
            Timer::Consent { handle, status } => {
                let now = self.consent_status(handle)?;
                now.may_become(*status).then_some(status.word())
            }
            Timer::Data { .. } => Some("data"),
            _ => None,
        }
    }

    /// What is due.
    pub(super) fn on_timer(&self, at_ms: i64, timer: &Timer) {
        match timer {
            Timer::Person { id } => self.act_by_script(id, at_ms),
            Timer::LinkExpires { id }
                if self.consent_status(id) == Some(AggregatorConsentStatus::Pending) =>
            {
                self.set_status(id, AggregatorConsentStatus::Expired, None);
            }
            Timer::Consent { handle, status } => {
                self.set_status(handle, *status, None);
            }
            Timer::Data { session } => {
                let is = |asked: &crate::state::DataSession| *asked.id == **session;
                let arrived = self.sessions.change(is, |session| {
                    session.pending = Pending::Polls(0);
                    session.clone()
                });
                if let Some(session) = arrived {
                    self.data_arrived(&session);
                }
            }
            _ => {}
        }
    }

    /// Tells that a data session has its outcome.
    pub(super) fn data_arrived(&self, session: &crate::state::DataSession) {
        let is = |consent: &AggregatorConsent| consent.id == session.consent_id;
        if let Some(consent) = self.consents.find(is) {
            let (word, _) = crate::state::DataSession::words(Some(session.outcome), 0);
            let words = format!("data session {word}");
            self.simulation
                .change(Provider::Finpro, consent.journey, &words);
            self.tell_data(&consent, session);
        }
    }

    /// The name of the visit for these consents, which begins if there is none; `None` unless all are known and of one
    /// customer.
    pub(crate) fn visit(&self, handles: &[&str]) -> Option<String> {
        let name = handles.join(".");
        if self.visits.get(name.as_str()).is_some() {
            return Some(name);
        }
        let consents = self.consents_of(handles)?;
        let first = consents.first()?;
        if consents
            .iter()
            .any(|other| other.person() != first.person())
        {
            return None;
        }
        let mut banks: Vec<Bank> = Vec::new();
        for account in consents.iter().flat_map(|consent| &consent.offered) {
            match banks.iter_mut().find(|bank| bank.fip_id == account.fip_id) {
                // Consents that are asked for together have references of their own to the same accounts.
                Some(bank) if bank.accounts.iter().any(|known| known.is_same(account)) => {}
                Some(bank) => bank.accounts.push(account.clone()),
                None => banks.push(Bank {
                    fip_id: account.fip_id.clone(),
                    answer: BankAnswer::Found,
                    accounts: vec![account.clone()],
                }),
            }
        }
        let found = banks.len();
        for fip in &first.fips {
            if !banks.iter().any(|bank| bank.fip_id == *fip) {
                banks.push(Bank {
                    fip_id: fip.clone(),
                    answer: BankAnswer::Found,
                    accounts: Vec::new(),
                });
            }
        }
        let script = MobileScript::of(first.person());
        match script {
            Some(script) => script.arrange(&mut banks),
            None if first.fips.is_empty() => {
                banks.extend(OTHER_BANKS.map(|(fip_id, answer)| Bank {
                    fip_id: fip_id.to_owned(),
                    answer,
                    accounts: Vec::new(),
                }))
            }
            None => {}
        }
        let token = Some(self.simulation.ids.uuid());
        let mut flow = Flow::new(token, first.person(), banks, consents.len());
        if script.is_none() && found > 0 {
            flow.chosen = Places::first(found);
        }
        flow.sends_otp = script.is_none_or(MobileScript::sends_otp);
        flow.links_joint = *self.settings.joint_accounts() == JointAccounts::Linkable;
        let visit = Visit {
            flow,
            handles: handles.iter().map(|handle| (*handle).to_owned()).collect(),
            return_url: consents
                .iter()
                .find_map(|consent| consent.return_url.clone()),
            returned: None,
        };
        self.visits.update(name.clone(), |_| visit);
        Some(name)
    }

    /// Each of these consents, in order; `None` if one is unknown, or if there are too many.
    pub(crate) fn consents_of(
        &self,
        handles: &[impl AsRef<str>],
    ) -> Option<Vec<AggregatorConsent>> {
        if handles.is_empty() || handles.len() > CONSENTS {
            return None;
        }
        let mut consents = Vec::new();
        for handle in handles {
            let is = |consent: &AggregatorConsent| consent.handle == handle.as_ref();
            consents.push(self.consents.find(is)?);
        }
        Some(consents)
    }

    /// Lets the customer of a visit return to this address.
    pub(super) fn return_to(&self, handles: &[&str], url: &str) {
        if let Some(visit) = self.visit(handles) {
            self.visits.change(visit.as_str(), |visit| {
                visit.return_url = Some(url.to_owned());
            });
        }
    }

    /// Who asks.
    fn lender(&self) -> String {
        format!("Invented Lender ({})", self.settings.organisation_id())
    }

    fn view_of(&self, consent: &AggregatorConsent) -> ConsentView {
        let account =
            |account: &LinkedAccount| format!("{} {}", account.fip_id, account.masked_number);
        ConsentView {
            id: consent.handle.clone(),
            lender: self.lender(),
            purpose: format!("Underwriting of a loan, template {}", consent.product),
            status: consent.status,
            since_ms: consent.changed_ms,
            expires_ms: consent.expires_ms,
            accounts: consent.accounts.iter().map(account).collect(),
        }
    }

    fn journey_of(&self, visit: &Visit) -> Option<JourneyId> {
        let consents = self.consents_of(&visit.handles);
        consents.and_then(|consents| consents.first()?.journey)
    }

    /// The code with which the customer of a visit returns, once the visit has ended or nothing waits for the customer.
    fn code(&self, visit: &Visit) -> Option<u16> {
        use AggregatorConsentStatus::{Expired, Pending, Rejected};

        if let Some(ending) = &visit.flow.ending
            && !ending.is_open()
        {
            return Some(ending.code());
        }
        let consents = self.consents_of(&visit.handles)?;
        let all = |status| consents.iter().all(|consent| consent.status == status);
        if consents.iter().any(|consent| consent.status == Pending) {
            return visit.flow.ending.as_deref().map(Ending::code);
        }
        Some(if all(Rejected) {
            1
        } else if all(Expired) {
            2
        } else {
            0
        })
    }

    /// The address to which the customer of a visit returns, the same each time, once the visit has ended.
    pub(crate) fn return_url(&self, name: &str) -> Option<String> {
        let visit = self.visits.get(name)?;
        let code = self.code(&visit)?;
        let known = visit.returned.as_deref();
        let known = known.and_then(|ecres| Some((ecres.to_owned(), self.returns.get(ecres)?)));
        let (ecres, returned) = match known {
            Some(known) => known,
            None => {
                let consents = self.consents_of(&visit.handles)?;
                let ids = &self.simulation.ids;
                let ecres = ids.hex();
                let redirect = visit.return_url.clone();
                let returned = Returned {
                    handles: visit.handles.clone(),
                    code,
                    userid: consents.first()?.vua.clone(),
                    redirect: redirect.unwrap_or_else(|| self.settings.return_url().clone()),
                    resdate: journey_date(self.simulation.now_ms()),
                    ids: [ids.uuid().to_string(), ids.uuid().to_string()],
                };
                self.returns.update(ecres.clone(), |_| returned.clone());
                self.visits.change(name, |visit| {
                    visit.returned = Some(ecres.clone());
                });
                (ecres, returned)
            }
        };
        let parameters = format!("ecres={ecres}&resdate={}&fi={FI}", returned.resdate);
        Some(with_parameters(&returned.redirect, &parameters))
    }
}

impl Visits for Finpro {
    const VISITS: &'static str = FINPRO_VISITS;

    fn view(&self, name: &str) -> Option<VisitView> {
        let handles: Vec<_> = name.split('.').collect();
        let name = self.visit(&handles)?;
        let visit = self.visits.get(name.as_str())?;
        let consents = self.consents_of(&visit.handles)?;
        let first = consents.first()?;
        Some(VisitView {
            journey: first.journey,
            lender: self.lender(),
            aggregator: first.user().1.to_owned(),
            consents: consents
                .iter()
                .map(|consent| self.view_of(consent))
                .collect(),
            return_url: self.return_url(&name),
            flow: visit.flow,
        })
    }

    fn act(&self, name: &str, action: Action) -> bool {
        let Some(before) = self.visits.get(name) else {
            return false;
        };
        let waits = self.consents_of(&before.handles).is_some_and(|consents| {
            let pending =
                |consent: &AggregatorConsent| consent.status == AggregatorConsentStatus::Pending;
            consents.iter().any(pending)
        });
        if !waits {
            return false;
        }
        let opened = action == Action::Open;
        if !(opened && before.flow.opened) {
            let journey = self.journey_of(&before);
            self.simulation
                .step(Provider::Finpro, journey, action.words());
        }
        let now_ms = self.simulation.now_ms();
        let ending = self.visits.change(name, |visit| {
            let ending = visit.flow.act(action, now_ms);
            if ending.is_some() {
                visit.returned = None;
            }
            ending
        });
        match ending.flatten() {
            Some(Ending::Approved { consents, links }) => {
                let accounts = before.flow.banks.iter().flat_map(|bank| &bank.accounts);
                let shared: Vec<_> = accounts
                    .filter(|account| links.contains(&account.link))
                    .collect();
                for (at, handle) in before.handles.iter().enumerate() {
                    let status = if consents.contains(&at) {
                        AggregatorConsentStatus::Active
                    } else {
                        AggregatorConsentStatus::Rejected
                    };
                    self.set_status(handle, status, Some(&shared));
                }
            }
            Some(Ending::Rejected(_)) => {
                for handle in &before.handles {
                    self.set_status(handle, AggregatorConsentStatus::Rejected, None);
                }
            }
            _ => {}
        }
        true
    }

    fn given(&self, person: &str) -> Vec<ConsentView> {
        let given = |consent: &AggregatorConsent| {
            consent.person() == person && consent.approved_id().is_some()
        };
        let given = self.consents.filter(given);
        given.iter().map(|consent| self.view_of(consent)).collect()
    }

    fn change_given(&self, person: &str, id: &str, status: AggregatorConsentStatus) -> bool {
        let is = |consent: &AggregatorConsent| consent.handle == id && consent.person() == person;
        self.consents.find(is).is_some() && matches!(self.set_status(id, status, None), Some(Ok(_)))
    }
}

/// A moment as web redirection writes it: day, month, year, time and tenths of a second, in UTC.
pub(super) fn journey_date(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    let tenths = ms.rem_euclid(1000).div_euclid(100);
    format!("{}{tenths}", time.strftime("%d%m%Y%H%M%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_fifteen_digits() {
        assert_eq!(journey_date(1_893_456_000_000), "010120300000000");
        assert_eq!(journey_date(1_893_456_061_999), "010120300001019");
    }
}
