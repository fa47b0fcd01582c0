//! The data of a consent that is ready.
//!
//! Requests, the outer members and the codes are documented; the body of an account is by a setting as on the page or as live
//! replies are reported to be. The values are invented.

use super::Finpro;
use super::body::{Refused, RequestBody, invalid};
use super::fi_request::range;
use super::options::AccountBody;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::{AggregatorConsent, DataSession, LinkedAccount};

/// A document of one page without anything on it.
const PDF: &str = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";

pub(super) fn all(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let (id, account) = (body.text("consentID")?, body.text("accountID")?);
        let given = [id, account, body.text("transactionId")?];
        if given.iter().flatten().count() != 1 {
            return Err((
                "InvalidPayload",
                "exactly one of consentID and accountID is required",
            ));
        }
        range(body, "transactionsStartDate", "transactionsEndDate")?;
        let consent = match id {
            Some(id) => finpro.consent(valid(id)?)?,
            None => {
                let of = |consent: &AggregatorConsent| {
                    consent.approved_id().is_some() && consent.account.as_deref() == account
                };
                let found = finpro.consents.filter(of).into_iter().next_back();
                found.ok_or(("NoDataFound", "No such account"))?
            }
        };
        Ok(finpro.data(&finpro.delivered(&consent)?))
    })
}

pub(super) fn pdf(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        range(body, "transactionsStartDate", "transactionsEndDate")?;
        let links = body.texts("linkRefNumber")?;
        if links.is_empty() {
            return Err(invalid("linkRefNumber is required"));
        }
        finpro.of_links(body, &links)?;
        Ok(
            Reply::text(200, "application/pdf", PDF.to_owned()).with_header(
                "content-disposition",
                "attachment; filename=\"statement.pdf\"",
            ),
        )
    })
}

pub(super) fn one(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let link = body.required("linkReferenceNumber")?;
        Ok(finpro.data(&finpro.of_links(body, &[link])?))
    })
}

pub(super) fn xml(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let link = body.required("linkReferenceNumber")?;
        let accounts = finpro.of_links(body, &[link])?;
        let account = |account: &LinkedAccount| {
            format!(
                "<Account linkedAccRef=\"{}\" maskedAccNumber=\"{}\" version=\"1.1\" type=\"{}\"><Summary currentBalance=\"1239.50\" currency=\"INR\"/></Account>",
                account.link,
                account.masked_number,
                account.fi_type.to_ascii_lowercase()
            )
        };
        let accounts: String = accounts.iter().map(account).collect();
        let document = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><ver>1.21.0</ver><status>success</status>{accounts}</Response>"
        );
        Ok(Reply::text(200, "application/xml", document))
    })
}

pub(super) fn balance(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let links: Vec<_> = body.text("linkReferenceNumber")?.into_iter().collect();
        let accounts = finpro.of_links(body, &links)?;
        let row = |account: &LinkedAccount| {
            let mut row = head(account);
            row.push(("balance", balances()));
            Json::Object(row)
        };
        // An object for one account, a list for all of them.
        let data = match accounts.as_slice() {
            [account] if !links.is_empty() => row(account),
            accounts => Json::List(accounts.iter().map(row).collect()),
        };
        Ok(finpro.success(vec![("data", data)]))
    })
}

pub(super) fn latest(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let data = finpro.data(&finpro.of_links(body, &[])?);
        // What was delivered is not new any more.
        Ok(data.with_effect(body.required("consentID")?.to_owned()))
    })
}

/// An id of the documented characters.
pub(super) fn valid(id: &str) -> Result<&str, Refused> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let valid = id.bytes().all(allowed);
    valid
        .then_some(id)
        .ok_or(invalid("an id has characters that are not allowed"))
}

fn head(account: &LinkedAccount) -> Vec<(&'static str, Json)> {
    vec![
        ("linkReferenceNumber", account.link.as_str().into()),
        ("maskedAccountNumber", account.masked_number.into()),
        ("fiType", account.fi_type.into()),
        ("bank", "Invented Bank".into()),
    ]
}

pub(super) fn balances() -> Json {
    Json::Object(vec![
        ("currentBalance", "1239.50".into()),
        ("currency", "INR".into()),
        ("balanceDateTime", "2029-12-31T00:00:00+05:30".into()),
    ])
}

impl Finpro {
    pub(super) fn data(&self, accounts: &[LinkedAccount]) -> Reply {
        let account = |account: &LinkedAccount| {
            let holder = Json::Object(vec![
                ("name", "INVENTED PERSON".into()),
                ("dob", "1990-01-31".into()),
                ("nominee", "REGISTERED".into()),
            ]);
            let transaction = |id: &str, kind: &str, amount: &str| {
                Json::Object(vec![
                    ("txnId", id.into()),
                    ("type", kind.into()),
                    ("mode", "UPI".into()),
                    ("amount", amount.into()),
                    ("currentBalance", "1239.50".into()),
                    ("transactionTimestamp", "2029-12-30T10:00:00+05:30".into()),
                    ("narration", "INVENTED".into()),
                ])
            };
            let transactions = Json::List(vec![
                transaction("T-1", "CREDIT", "2000.00"),
                transaction("T-2", "DEBIT", "760.50"),
            ]);
            let mut members = head(account);
            members.extend(match self.settings.account_body() {
                AccountBody::AsDocumented => vec![
                    ("transactions", transactions),
                    ("balance", balances()),
                    ("profile", Json::Object(vec![("type", "SINGLE".into())])),
                    ("holder", holder),
                    ("summary", balances()),
                ],
                AccountBody::Rebit => vec![
                    ("Summary", balances()),
                    (
                        "Profile",
                        Json::Object(vec![("Holders", Json::Object(vec![("Holder", holder)]))]),
                    ),
                    (
                        "Transactions",
                        Json::Object(vec![("Transaction", transactions)]),
                    ),
                ],
            });
            Json::Object(members)
        };
        let accounts = accounts.iter().map(account).collect();
        self.success(vec![("data", Json::List(accounts))])
    }

    /// The accounts of the active consent with these links, or all of them.
    fn of_links(
        &self,
        body: &RequestBody<'_>,
        links: &[&str],
    ) -> Result<Vec<LinkedAccount>, Refused> {
        let consent = self.active_consent(valid(body.required("consentID")?)?)?;
        let mut accounts = self.delivered(&consent)?;
        if !links.is_empty() {
            accounts.retain(|account| links.contains(&account.link.as_str()));
        }
        if accounts.is_empty() {
            Err(("NoDataFound", "No data of this account"))
        } else {
            Ok(accounts)
        }
    }

    /// The accounts that the consent's latest session delivered.
    pub(super) fn delivered(
        &self,
        consent: &AggregatorConsent,
    ) -> Result<Vec<LinkedAccount>, Refused> {
        let sessions = self
            .sessions
            .filter(|session| session.consent_id == consent.id);
        let Some(session) = sessions.last().filter(|session| !session.is_pending()) else {
            return Err(("NoDataAvailable", "No data has been fetched"));
        };
        if self.simulation.now_ms() >= session.expires_ms {
            return Err(("DataIsDeleted", "The data was deleted"));
        }
        let delivered = |(index, _): &(usize, &LinkedAccount)| {
            DataSession::words(Some(session.outcome), *index).1 == "DELIVERED"
        };
        let accounts = consent.accounts.iter().enumerate().filter(delivered);
        Ok(accounts.map(|(_, account)| account.clone()).collect())
    }
}
