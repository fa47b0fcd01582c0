//! Consent requests: the customer is asked, and decides by the setting.
//!
//! Routes, request members and what a reply is about are documented; the names in replies are those that integrators report,
//! and the errors are the sandbox's own choice.

use super::Finpro;
use super::body::{Refused, RequestBody, invalid};
use super::options::{ConsentDecisions, ConsentReply, RedirectMember};
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::people::{self, Behaviour};
use crate::state::{AggregatorConsent, AggregatorConsentStatus, LinkedAccount};

/// The accounts of an institution, with which the sandbox's are invented.
pub(super) const ACCOUNTS: [(&str, &str); 2] =
    [("DEPOSIT", "XXXXXX0001"), ("TERM_DEPOSIT", "XXXXXX0002")];
/// The institution where a request names none.
pub(super) const FIP: &str = "FIP-1";

pub(super) fn v2(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        complete(body)?;
        let consent = finpro.ask(body, &[FIP])?;
        Ok(finpro.requested(&consent, Vec::new()))
    })
}

pub(super) fn v3(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let fips = fips(body)?;
        let orchestrated = !body.texts("productIDList")?.is_empty();
        let consent = finpro.ask(body, &fips)?;
        let mut members = vec![finpro.redirection("webRedirectionUrl", &[&consent.handle])];
        if orchestrated {
            members.push((
                "transaction_id",
                finpro.simulation.ids.uuid().to_string().into(),
            ));
        }
        Ok(finpro.requested(&consent, members))
    })
}

pub(super) fn v4(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        complete(body)?;
        let fips = fips(body)?;
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

/// The institutions that are asked.
fn fips<'b>(body: &'b RequestBody<'_>) -> Result<Vec<&'b str>, Refused> {
    let mut fips = body.texts("fipID")?;
    if fips.is_empty() {
        fips.push(FIP);
    }
    Ok(fips)
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

impl Finpro {
    /// Opens a consent.
    fn ask(&self, body: &RequestBody<'_>, fips: &[&str]) -> Result<AggregatorConsent, Refused> {
        let product = match (
            body.text("productID")?,
            body.texts("productIDList")?.first(),
        ) {
            (Some(product), None) => product,
            (None, Some(first)) => first,
            _ => return Err(invalid("one of productID and productIDList is required")),
        };
        let vua = body.required("vua")?;
        let Some((user, aggregator)) = vua
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
        let status = match (
            self.settings.consent_decisions(),
            people::find(user).at(aggregator),
        ) {
            (ConsentDecisions::ByPerson, Behaviour::Linked | Behaviour::LinkedSlowly) => {
                AggregatorConsentStatus::Active
            }
            (ConsentDecisions::ByPerson, Behaviour::Registered) => {
                AggregatorConsentStatus::Rejected
            }
            _ => AggregatorConsentStatus::Pending,
        };
        let account = |(fip, (fi_type, masked_number)): (&&str, (&'static str, &'static str))| {
            LinkedAccount {
                link: self.simulation.ids.uuid().to_string(),
                fip_id: (*fip).to_owned(),
                fi_type,
                masked_number,
                joint: false,
            }
        };
        let now_ms = self.simulation.clock.now_ms();
        let consent = AggregatorConsent {
            handle: self.simulation.ids.uuid().to_string(),
            id: self.simulation.ids.uuid().to_string(),
            product: product.to_owned(),
            account: body.text("accountID")?.map(str::to_owned),
            vua: vua.to_owned(),
            party: party.map(str::to_owned),
            status,
            created_ms: now_ms,
            changed_ms: now_ms,
            accounts: fips
                .iter()
                .flat_map(|fip| ACCOUNTS.map(|account| (fip, account)))
                .map(account)
                .collect(),
        };
        self.consents.add(consent.clone());
        Ok(consent)
    }

    /// The member with the URL where customers decide about these consents.
    pub(super) fn redirection(
        &self,
        documented: &'static str,
        handles: &[&str],
    ) -> (&'static str, Json) {
        let name = match self.settings.redirect_member() {
            RedirectMember::AsDocumented => documented,
            RedirectMember::Url => "webRedirectionUrl",
            RedirectMember::CapitalUrl => "webRedirectionURL",
        };
        // The parameters are documented, and what they hold is not.
        let url = format!(
            "https://aggregator.example.test/consent?ecreq={}&reqdate=010120300000000&fi=sandbox",
            handles.join(".")
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
        reply.with_effect(consent.handle.clone())
    }
}
