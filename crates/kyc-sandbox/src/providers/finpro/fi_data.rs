//! The data of a consent that is ready.
//!
//! Requests, the outer members and the codes are documented; the body of an account is by a setting as on the page or as live
//! replies are reported to be. The values are invented.

use http::HeaderValue;

use super::Finpro;
use super::body::{Refused, RequestBody, invalid};
use super::deposit;
use super::fi_request::range;
use super::options::AccountBody;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::providers::statement::{Stated, statement};
use crate::state::bank::Account;
use crate::state::in_india;
use crate::state::{AggregatorConsent, DataSession, LinkedAccount, Range};

/// A linked account that a session delivered, and the bank data of a scripted person's.
pub(super) struct Delivered {
    pub(super) linked: LinkedAccount,
    pub(super) account: Option<Account>,
}

impl Delivered {
    /// The transactions of a range only. What is delivered of everybody else has no dates that matter.
    fn within(self, range: Range) -> Self {
        let [from, to] = [range.from, range.to].map(|end| end.map(in_india));
        Self {
            account: self.account.map(|account| account.between(from, to)),
            ..self
        }
    }

    fn balances(&self) -> Json {
        let scripted = self.account.as_ref().map(deposit::balance);
        scripted.map_or_else(balances, Json::Object)
    }
}

pub(super) fn all(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let (id, account) = (body.text("consentID")?, body.text("accountID")?);
        let transaction = body.text("transactionId")?;
        let range = range(body, "transactionsStartDate", "transactionsEndDate")?;
        let delivered = match (id, account, transaction) {
            (Some(id), None, None) => finpro.delivered(&finpro.consent(valid(id)?)?)?,
            (None, Some(account), None) => finpro.of_account(account)?,
            (None, None, Some(transaction)) => {
                finpro.delivered(&finpro.of_transaction(transaction)?)?
            }
            _ => {
                return Err((
                    "InvalidPayload",
                    "exactly one of consentID, accountID and transactionId is required",
                ));
            }
        };
        let delivered: Vec<_> = delivered.into_iter().map(|one| one.within(range)).collect();
        Ok(finpro.data(&delivered))
    })
}

pub(super) fn pdf(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let range = range(body, "transactionsStartDate", "transactionsEndDate")?;
        let links = body.texts("linkRefNumber")?;
        if links.is_empty() {
            return Err(invalid("linkRefNumber is required"));
        }
        let delivered = finpro.of_links(body, &links)?.into_iter();
        let delivered: Vec<_> = delivered.map(|one| one.within(range)).collect();
        let stated = delivered.iter().map(|one| Stated {
            bank: one.linked.bank,
            number: &one.linked.masked_number,
            account: one.account.as_ref(),
        });
        let pdf = statement(&stated.collect::<Vec<_>>());
        let kind = HeaderValue::from_static("application/pdf");
        Ok(Reply::bytes(200, kind, pdf.into()).with_header(
            "content-disposition",
            "attachment; filename=\"statement.pdf\"",
        ))
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
        let version = *finpro.settings.deposit_version();
        let account = |Delivered { linked: account, account: scripted }: &Delivered| {
            if let Some(scripted) = scripted {
                return deposit::xml(account, scripted, version);
            }
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
        let row = |delivered: &Delivered| {
            let mut row = head(&delivered.linked);
            row.push(("balance", delivered.balances()));
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
        ("maskedAccountNumber", account.masked_number.as_str().into()),
        ("fiType", account.fi_type.into()),
        ("bank", account.bank.into()),
    ]
}

fn balances() -> Json {
    Json::Object(vec![
        ("currentBalance", "1239.50".into()),
        ("currency", "INR".into()),
        ("balanceDateTime", "2029-12-31T00:00:00+05:30".into()),
    ])
}

impl Finpro {
    pub(super) fn data(&self, accounts: &[Delivered]) -> Reply {
        let account = |delivered: &Delivered| {
            if let Some(account) = &delivered.account {
                return self.deposit(&delivered.linked, account);
            }
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
            let mut members = head(&delivered.linked);
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

    /// An account of a scripted person.
    fn deposit(&self, linked: &LinkedAccount, account: &Account) -> Json {
        let version = *self.settings.deposit_version();
        let holders = account.holders.iter();
        let holder = |holder| Json::Object(deposit::holder(holder, version));
        let mut holders: Vec<Json> = holders.map(holder).collect();
        let rows = account.rows();
        let row = |row| Json::Object(deposit::transaction(row, version));
        let rows = Json::List(rows.iter().map(row).collect());
        let kind = ("type", account.holding().into());
        let mut members = head(linked);
        members.extend(match self.settings.account_body() {
            AccountBody::AsDocumented => vec![
                ("transactions", rows),
                ("balance", Json::Object(deposit::balance(account))),
                ("profile", Json::Object(vec![kind])),
                // An object for one holder, as documented; a list for two.
                (
                    "holder",
                    match holders.len() {
                        1 => holders.remove(0),
                        _ => Json::List(holders),
                    },
                ),
                ("summary", Json::Object(deposit::summary(account, version))),
            ],
            AccountBody::Rebit => {
                let holders = Json::Object(vec![kind, ("Holder", Json::List(holders))]);
                let mut transactions = deposit::period(account);
                transactions.push(("Transaction", rows));
                vec![
                    ("Summary", Json::Object(deposit::summary(account, version))),
                    ("Profile", Json::Object(vec![("Holders", holders)])),
                    ("Transactions", Json::Object(transactions)),
                ]
            }
        });
        Json::Object(members)
    }

    /// The accounts of the active consent with these links, or all of them.
    fn of_links(&self, body: &RequestBody<'_>, links: &[&str]) -> Result<Vec<Delivered>, Refused> {
        let consent = self.active_consent(valid(body.required("consentID")?)?)?;
        let mut accounts = self.delivered(&consent)?;
        if !links.is_empty() {
            accounts.retain(|account| links.contains(&account.linked.link.as_str()));
        }
        if accounts.is_empty() {
            Err(("NoDataFound", "No data of this account"))
        } else {
            Ok(accounts)
        }
    }

    /// The accounts of all consents with this reference of the caller's. One that several of them share is that of the newest.
    fn of_account(&self, account: &str) -> Result<Vec<Delivered>, Refused> {
        let of = |consent: &AggregatorConsent| {
            consent.approved_id().is_some() && consent.account.as_deref() == Some(account)
        };
        let mut refused = ("NoDataFound", "No such account");
        let mut found: Option<Vec<Delivered>> = None;
        for consent in self.consents.filter(of) {
            match self.delivered(&consent) {
                Ok(delivered) => {
                    let found = found.get_or_insert_default();
                    found.retain(|known| {
                        !delivered
                            .iter()
                            .any(|new| new.linked.is_same(&known.linked))
                    });
                    found.extend(delivered);
                }
                Err(refusal) => refused = refusal,
            }
        }
        found.ok_or(refused)
    }

    /// The approved consent of an orchestrated journey.
    pub(super) fn of_transaction(&self, transaction: &str) -> Result<AggregatorConsent, Refused> {
        let of = |consent: &AggregatorConsent| {
            consent.approved_id().is_some() && consent.transaction.as_deref() == Some(transaction)
        };
        let found = self.consents.find(of);
        found.ok_or(("NoDataFound", "No such transaction"))
    }

    /// The accounts that the consent's latest session delivered, with the transactions of its range.
    pub(super) fn delivered(&self, consent: &AggregatorConsent) -> Result<Vec<Delivered>, Refused> {
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
        let accounts = self.with_data(consent, accounts.map(|(_, account)| account));
        let within = |one: Delivered| one.within(session.range);
        Ok(accounts.into_iter().map(within).collect())
    }

    /// Accounts of a consent with their bank data as it is now, if the customer is scripted.
    fn with_data<'c>(
        &self,
        consent: &AggregatorConsent,
        accounts: impl Iterator<Item = &'c LinkedAccount>,
    ) -> Vec<Delivered> {
        let scripted = consent
            .script
            .map(|script| self.simulation.accounts(script));
        let data = |linked: &LinkedAccount| {
            let account = scripted.as_ref().zip(linked.scripted);
            Delivered {
                account: account.and_then(|(all, index)| all.get(index).cloned()),
                linked: linked.clone(),
            }
        };
        accounts.map(data).collect()
    }

    /// The accounts of a consent, each with its balance now.
    pub(super) fn balances(&self, consent: &AggregatorConsent) -> Vec<(LinkedAccount, Json)> {
        let accounts = self.with_data(consent, consent.accounts.iter()).into_iter();
        let balance = |delivered: Delivered| {
            let balances = delivered.balances();
            (delivered.linked, balances)
        };
        accounts.map(balance).collect()
    }
}
