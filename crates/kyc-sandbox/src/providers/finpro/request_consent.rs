//! Consent requests: the customer is asked.
//!
//! Routes, request members and what a reply is about are documented; the names in replies are those that integrators report,
//! and the errors are the sandbox's own choice.

use super::Finpro;
use super::body::{DOWN, Refused, RequestBody, invalid};
use super::customers::{FI, journey_date};
use super::options::{ConsentReply, RedirectMember, UnknownName};
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::providers::address::{is_return_address, millis};
use crate::providers::aggregator::FINPRO_ENTRY;
use crate::state::bank::{Account, BANKS};
use crate::state::{
    AggregatorConsent, AggregatorConsentStatus, LinkedAccount, MobileScript, PeopleAct, people,
};

/// The accounts of an institution, with which the sandbox's are invented.
pub(super) const ACCOUNTS: [(&str, &str); 2] =
    [("DEPOSIT", "XXXXXX0001"), ("TERM_DEPOSIT", "XXXXXX0002")];
/// Those that some people have beside their own.
const MORE_ACCOUNTS: [(&str, &str); 2] =
    [("TERM_DEPOSIT", "XXXXXX0002"), ("DEPOSIT", "XXXXXX0003")];
/// The institution where a request names none.
pub(super) const FIP: &str = "FIP-1";

pub(super) fn v2(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        complete(body)?;
        let consent = finpro.ask(body, &[])?;
        Ok(finpro.requested(&consent, Vec::new()))
    })
}

pub(super) fn v3(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let fips = body.texts("fipID")?;
        let consent = finpro.ask(body, &fips)?;
        let handles = [consent.handle.as_str()];
        let mut members = vec![finpro.redirection(request, "webRedirectionUrl", &handles)];
        if let Some(transaction) = &consent.transaction {
            members.push(("transaction_id", transaction.as_str().into()));
        }
        Ok(finpro.requested(&consent, members))
    })
}

pub(super) fn v4(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        complete(body)?;
        let mut fips = body.texts("fipID")?;
        if fips.is_empty() {
            fips = finpro.institutions(body)?;
        }
        let asked = fips.iter().map(|fip| finpro.ask(body, &[fip]));
        let consents = asked.collect::<Result<Vec<_>, _>>()?;
        let effect = consents.first().map(|consent| consent.handle.clone());
        let rows = fips.iter().zip(&consents).map(|(fip, consent)| {
            Json::Object(vec![
                ("fipID", (*fip).into()),
                ("consent_handle", consent.handle.as_str().into()),
                ("status", "PENDING".into()),
            ])
        });
        let reply = finpro.success(vec![("data", Json::List(rows.collect()))]);
        Ok(reply.with_effect(effect.unwrap_or_default()))
    })
}

/// What versions 2 and 4 require.
fn complete(body: &RequestBody<'_>) -> Result<(), Refused> {
    for name in [
        "productID",
        "partyIdentifierType",
        "partyIdentifierValue",
        "accountID",
    ] {
        body.required(name)?;
    }
    Ok(())
}

/// The name of an institution; one that is not listed has the first one's.
fn name_of(fip: &str) -> &'static str {
    let mut listed = BANKS.iter();
    let listed = listed.find(|bank| bank.fip_id == fip);
    listed.map_or("Invented Bank", |bank| bank.name)
}

impl Finpro {
    /// The institutions where the customer has accounts.
    fn institutions(&self, body: &RequestBody<'_>) -> Result<Vec<&'static str>, Refused> {
        let (user, _) = body.required("vua")?.split_once('@').unwrap_or_default();
        let Some(script) = MobileScript::of(user) else {
            return Ok(vec![FIP]);
        };
        let accounts = self.simulation.accounts(script);
        Ok(accounts.iter().map(|account| account.bank.fip_id).collect())
    }

    /// Opens a consent for the accounts at these institutions, or at any.
    fn ask(&self, body: &RequestBody<'_>, fips: &[&str]) -> Result<AggregatorConsent, Refused> {
        let (one, list) = (body.text("productID")?, body.texts("productIDList")?);
        let (products, product) = match (one, list.first()) {
            (Some(one), None) => (vec![one], one),
            (None, Some(first)) => (list.clone(), *first),
            _ => return Err(invalid("one of productID and productIDList is required")),
        };
        let vua = body.required("vua")?;
        let Some((_, aggregator)) = vua
            .split_once('@')
            .filter(|(user, at)| !user.is_empty() && !at.is_empty() && !at.contains('@'))
        else {
            return Err(invalid("vua is not valid"));
        };
        let party = body.text("partyIdentifierValue")?;
        if let Some(kind) = body.text("partyIdentifierType")?
            && !["MOBILE", "EMAIL", "PAN"].contains(&kind)
        {
            return Err(invalid("partyIdentifierType is not valid"));
        }
        let known = |known: &[String], name: &str| known.iter().any(|known| known == name);
        if *self.settings.unknown_product() == UnknownName::Refused
            && !products
                .iter()
                .all(|product| known(self.settings.products(), product))
        {
            return Err(invalid(match one {
                Some(_) => "productID is not one of the organisation's",
                None => "productIDList has one that is not the organisation's",
            }));
        }
        if *self.settings.unknown_aggregator() == UnknownName::Refused
            && !known(self.settings.aggregators(), aggregator)
        {
            return Err(("FP0029", "InvalidAA"));
        }
        let return_url = body.text("redirectUrl")?;
        if return_url.is_some_and(|url| !is_return_address(url)) {
            return Err(invalid("redirectUrl is not valid"));
        }
        let now_ms = self.simulation.clock.now_ms();
        let mut consent = AggregatorConsent {
            handle: String::new(),
            id: String::new(),
            product: product.to_owned(),
            account: body.text("accountID")?.map(str::to_owned),
            vua: vua.to_owned(),
            party: party.map(str::to_owned),
            status: AggregatorConsentStatus::Pending,
            was_given: false,
            created_ms: now_ms,
            changed_ms: now_ms,
            expires_ms: now_ms.saturating_add(millis(*self.settings.consent_life())),
            offered: Vec::new(),
            accounts: Vec::new(),
            fips: fips.iter().map(|fip| (*fip).to_owned()).collect(),
            return_url: return_url.map(str::to_owned),
            script: None,
            journey: None,
            transaction: None,
        };
        let person = consent.person().to_owned();
        let aggregator = aggregator.to_owned();
        consent.script = MobileScript::of(&person);
        if self.is_down(&person) {
            return Err(DOWN);
        }
        let ids = &self.simulation.ids;
        consent.handle = ids.uuid().to_string();
        consent.id = ids.uuid().to_string();
        consent.transaction = (!list.is_empty()).then(|| ids.uuid().to_string());
        consent.offered = match consent.script {
            Some(script) => self.links(script, fips),
            None => self.sample_links(&ACCOUNTS, if fips.is_empty() { &[FIP] } else { fips }),
        };
        if self.simulation.people_act == PeopleAct::ByScript && people::is_listed(&person) {
            // The documented people have their accounts in lists from the start.
            consent.accounts.clone_from(&consent.offered);
        }
        let journeys = &self.simulation.journeys;
        let journey = journeys.of(&person);
        // What is asked of an active consent names its id alone.
        for id in [&consent.handle, &consent.id] {
            journeys.name(journey, id);
        }
        if let Some(transaction) = &consent.transaction {
            journeys.name(journey, transaction);
        }
        consent.journey = Some(journey);
        let decides = self.decides(&person, &aggregator);
        self.begin(&consent, decides);
        Ok(consent)
    }

    /// Links to the accounts that every institution has of everybody else.
    fn sample_links(&self, accounts: &[(&'static str, &str)], fips: &[&str]) -> Vec<LinkedAccount> {
        let accounts = fips
            .iter()
            .flat_map(|fip| accounts.iter().map(move |account| (fip, *account)));
        let link = |(fip, (fi_type, number)): (&&str, (&'static str, &str))| LinkedAccount {
            link: self.simulation.ids.uuid().to_string(),
            fip_id: (*fip).to_owned(),
            fi_type,
            masked_number: number.to_owned(),
            bank: name_of(fip),
            kind: "SAVINGS",
            scripted: None,
            joint: false,
        };
        accounts.map(link).collect()
    }

    /// Links to a scripted person's accounts at these institutions, or at any.
    fn links(&self, script: MobileScript, fips: &[&str]) -> Vec<LinkedAccount> {
        let accounts = self.simulation.accounts(script).into_iter().enumerate();
        let asked =
            accounts.filter(|(_, account)| fips.is_empty() || fips.contains(&account.bank.fip_id));
        let link = |(index, account): (usize, Account)| LinkedAccount {
            link: self.simulation.ids.uuid().to_string(),
            fip_id: account.bank.fip_id.to_owned(),
            fi_type: "DEPOSIT",
            bank: account.bank.name,
            kind: account.kind.word(),
            masked_number: account.number,
            scripted: Some(index),
            // The two holders of an archetype's account share it; who has only a joint account does not.
            joint: script.is_joint(),
        };
        let mut links: Vec<_> = asked.map(link).collect();
        let more = MORE_ACCOUNTS.get(..script.more_accounts(links.len()));
        if let (Some(more), Some(first)) = (more, links.first()) {
            let fip = first.fip_id.clone();
            links.extend(self.sample_links(more, &[&fip]));
        }
        links
    }

    /// The member with the URL where customers decide about these consents.
    pub(super) fn redirection(
        &self,
        request: &ReceivedRequest,
        documented: &'static str,
        handles: &[&str],
    ) -> (&'static str, Json) {
        let name = match self.settings.redirect_member() {
            RedirectMember::AsDocumented => documented,
            RedirectMember::Url => "webRedirectionUrl",
            RedirectMember::CapitalUrl => "webRedirectionURL",
        };
        // The parameters are documented, and what they hold is not.
        // Recorded replies lead nowhere, so that they are the same wherever the sandbox is.
        let origin = match self.simulation.ids.are_deterministic() {
            true => "https://aggregator.example.test",
            false => request.origin(),
        };
        let path = match self.simulation.ids.are_deterministic() {
            true => "/consent",
            false => FINPRO_ENTRY,
        };
        let url = format!(
            "{origin}{path}?ecreq={}&reqdate={}&fi={FI}",
            handles.join("."),
            journey_date(self.simulation.now_ms())
        );
        (name, url.into())
    }

    fn requested(&self, consent: &AggregatorConsent, more: Vec<(&'static str, Json)>) -> Reply {
        let mut members = vec![("consent_handle", consent.handle.as_str().into())];
        members.extend(more);
        let reply = match self.settings.consent_reply() {
            ConsentReply::InData => {
                members.insert(0, ("status", "PENDING".into()));
                self.success(vec![("data", Json::Object(members))])
            }
            ConsentReply::Flat => self.success(members),
        };
        reply
            .with_effect(consent.handle.clone())
            .of_journey(consent.journey)
            .with_change("consent asked for")
    }
}
