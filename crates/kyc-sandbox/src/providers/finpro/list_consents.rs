//! Consent lists.
//!
//! The members of version 1 are documented; those of the others are what integrators report. What an unknown customer, handle
//! or id gets is the sandbox's own choice: an empty list. So is what a page is: the rows of the list by their number.

use super::Finpro;
use super::body::{Refused, RequestBody, invalid};
use super::options::UniqueAccounts;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::{AggregatorConsent, LinkedAccount, iso, people};

pub(super) fn v1(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let (mobile, product) = (mobile(body)?, body.required("productID")?);
        let (page, limit) = (body.number("pageno")?, body.number("limit")?);
        let consents = finpro
            .consents
            .filter(|consent| consent.is_of(mobile) && consent.product == product);
        let rows = consents.iter().flat_map(|consent| {
            let row = |account: &LinkedAccount| {
                let mut row = members(consent);
                row.push(("fiTypes", Json::List(vec![account.fi_type.into()])));
                row.push(("fipId", account.fip_id.as_str().into()));
                row.push(("maskedAccountNumber", account.masked_number.as_str().into()));
                Json::Object(row)
            };
            if consent.accounts.is_empty() {
                // The customer has shared none, and the consent is there all the same.
                return vec![Json::Object(members(consent))];
            }
            consent.accounts.iter().map(row).collect::<Vec<_>>()
        });
        Ok(finpro.list(finpro.paged(rows.collect(), page, limit)))
    })
}

pub(super) fn v2(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        finpro.of_party(body, &["MOBILE", "EMAIL", "PAN"])
    })
}

pub(super) fn v3(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let (handles, ids) = (body.texts("consentHandle")?, body.texts("consentID")?);
        match (handles.is_empty(), ids.is_empty()) {
            (true, true) => {
                finpro.of_party(body, &["MOBILE", "EMAIL", "PAN", "AADHAR", "DOB", "GSTIN"])
            }
            (false, false) => Err(invalid("consentHandle and consentID exclude each other")),
            _ => Ok(finpro.list(finpro.rows(|consent| {
                handles.contains(&consent.handle.as_str())
                    || consent.approved_id().is_some_and(|id| ids.contains(&id))
            }))),
        }
    })
}

pub(super) fn accounts(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let (mobile, product) = (mobile(body)?, body.required("productID")?);
        let status = body.texts("status")?;
        let page = body.number("pageNumber")?;
        let any = *finpro.settings.unique_accounts() == UniqueAccounts::AnyTemplate;
        let rows = finpro.rows(|consent| {
            consent.is_of(mobile)
                && (any || consent.product == product)
                && (status.is_empty() || status.contains(&consent.status.as_str()))
        });
        // The name of the member with the length of a page is on no page.
        Ok(finpro.list(finpro.paged(rows, page, None)))
    })
}

fn mobile<'b>(body: &'b RequestBody<'_>) -> Result<&'b str, Refused> {
    let mobile = body.required("mobileNumber")?;
    people::is_mobile_number(mobile)
        .then_some(mobile)
        .ok_or(invalid("mobileNumber must be exactly 10 numeric digits"))
}

fn members(consent: &AggregatorConsent) -> Vec<(&'static str, Json)> {
    let created = iso(consent.created_ms);
    vec![
        ("consentID", consent.approved_id().into()),
        ("consentHandle", consent.handle.as_str().into()),
        ("status", consent.status.as_str().into()),
        ("productID", consent.product.as_str().into()),
        ("accountID", consent.account.as_deref().into()),
        ("aaId", consent.user().1.into()),
        ("createdOn", created.as_str().into()),
        ("modifiedOn", iso(consent.changed_ms).into()),
        ("consentStart", created.into()),
        ("consentExpiry", iso(consent.expires_ms).into()),
        ("fetchType", "PERIODIC".into()),
    ]
}

impl Finpro {
    fn list(&self, rows: Vec<Json>) -> Reply {
        self.success(vec![("data", Json::List(rows))])
    }

    /// The rows of consents for which this holds, each with its accounts.
    fn rows(&self, holds: impl Fn(&AggregatorConsent) -> bool) -> Vec<Json> {
        let row = |consent: &AggregatorConsent| {
            let account = |account: &LinkedAccount| {
                Json::Object(vec![
                    ("fipName", account.bank.into()),
                    ("fipId", account.fip_id.as_str().into()),
                    ("accountType", account.kind.into()),
                    ("linkReferenceNumber", account.link.as_str().into()),
                    ("maskedAccountNumber", account.masked_number.as_str().into()),
                    ("fiType", account.fi_type.into()),
                ])
            };
            let mut row = members(consent);
            row.push(("vua", consent.vua.as_str().into()));
            let accounts = consent.accounts.iter().map(account);
            row.push(("accounts", Json::List(accounts.collect())));
            Json::Object(row)
        };
        self.consents.filter(holds).iter().map(row).collect()
    }

    fn of_party(&self, body: &RequestBody<'_>, kinds: &[&str]) -> Result<Reply, Refused> {
        if !kinds.contains(&body.required("partyIdentifierType")?) {
            return Err(invalid("partyIdentifierType is not valid"));
        }
        let party = body.required("partyIdentifierValue")?;
        let (product, account) = (body.required("productID")?, body.required("accountID")?);
        Ok(self.list(self.rows(|consent| {
            consent.is_of(party)
                && consent.product == product
                && consent.account.as_deref() == Some(account)
        })))
    }
}
