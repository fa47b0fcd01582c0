//! Fetch JSON Report and Fetch PDF Report: what a session's accounts have.
//!
//! The routes, the rule for `request_id` and the members of the PDF report are documented. Those of the JSON report are upstream's
//! and those that its clients read. The rest is the sandbox's own choice, by settings: the person consents at once.

use super::options::ReportState;
use super::{Finpass, required, success};
use crate::exchange::{ExtraFields, Json, ReceivedRequest, Reply};
use crate::providers::amounts;
use crate::providers::statement::{Stated, statement};
use crate::state::MobileScript;
use crate::state::bank::{Account, AmountForm, Holder, Row};

/// Below it are the files of PDF reports, by session.
pub(crate) const STATEMENTS: &str = "/finpass/statements";

/// The accounts of every session whose mobile number is no script. All of them are invented.
const ACCOUNTS: [(&str, &str, &str); 2] = [
    (
        "00000000-0000-4000-8000-000000000001",
        "INVENTED-FIP",
        "XXXXXXXXXX0001",
    ),
    (
        "00000000-0000-4000-8000-000000000002",
        "OTHER-FIP",
        "XXXXXXXXXX0002",
    ),
];

pub(super) fn json(finpass: &Finpass, request: &ReceivedRequest) -> Reply {
    let (client_id, script) = match session(finpass, request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let state = finpass.report_state(&client_id);
    let shares = |number: &str| finpass.shares(&client_id, number);
    let mut data = vec![("client_id", client_id.as_str().into())];
    match state {
        ReportState::Ready | ReportState::Partial => {
            let own = own(finpass, script);
            let others = others(script, own.len()).iter();
            let others = others.filter(|(_, _, number)| shares(number));
            let more = *finpass.settings.undocumented_members();
            let own = own
                .iter()
                .filter(|(_, account)| shares(&account.number))
                .map(|(id, account)| scripted(id, account, more));
            let accounts: Vec<Json> = own
                .chain(others.map(|(id, _, number)| account(id, number)))
                .collect();
            let accounts = accounts.into_iter().enumerate();
            let ready = accounts.filter(|(index, _)| state.of_account(*index) == "READY");
            let ready = ready.map(|(_, account)| account).collect();
            data.push(("account_aggregator_json", Json::List(ready)));
        }
        ReportState::Pending | ReportState::Failed => {
            data.push(("status", state.of_account(0).into()));
        }
    }
    success(data)
}

pub(super) fn pdf(finpass: &Finpass, request: &ReceivedRequest) -> Reply {
    let (client_id, script) = match session(finpass, request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let links = match finpass.settings.report_url() {
        Some(url) => url.clone(),
        // Recorded replies lead nowhere.
        None if finpass.simulation.ids.are_deterministic() => {
            "https://statements.example.test".to_owned()
        }
        None => format!("{}{STATEMENTS}/{client_id}", request.origin()),
    };
    let report = |statement: Statement| {
        let link = format!("{links}/{}.pdf?sig=invented", statement.id);
        Json::Object(vec![
            ("fip_id", statement.fip_id.into()),
            ("account_number", statement.number.as_str().into()),
            ("status", statement.status.into()),
            (
                "statement_report_link",
                (statement.status == "READY").then_some(link).into(),
            ),
        ])
    };
    let statements = statements(finpass, &client_id, script).into_iter();
    success(vec![
        ("client_id", client_id.as_str().into()),
        ("reports", Json::List(statements.map(report).collect())),
    ])
}

/// An account in a PDF report.
struct Statement {
    id: String,
    fip_id: &'static str,
    /// Masked.
    number: String,
    status: &'static str,
    account: Option<Account>,
}

/// The accounts of a session's PDF report.
fn statements(finpass: &Finpass, client_id: &str, script: Option<MobileScript>) -> Vec<Statement> {
    let state = finpass.report_state(client_id);
    let own = own(finpass, script);
    let others = others(script, own.len()).iter();
    let others =
        others.map(|(id, fip_id, number)| ((*id).to_owned(), *fip_id, (*number).to_owned(), None));
    let own = own.into_iter().map(|(id, account)| {
        let (fip_id, number) = (account.bank.fip_id, account.number.clone());
        (id, fip_id, number, Some(account))
    });
    let all = own.chain(others).enumerate();
    let all = all.map(|(index, (id, fip_id, number, account))| Statement {
        id,
        fip_id,
        number,
        status: state.of_account(index),
        account,
    });
    all.filter(|statement| finpass.shares(client_id, &statement.number))
        .collect()
}

impl Finpass {
    /// The file at a link of a session's PDF report; none where that has no such link.
    pub(crate) fn statement(&self, client_id: &str, file: &str) -> Option<Vec<u8>> {
        let id = file.strip_suffix(".pdf")?;
        let session = self.session(client_id)?;
        let mut statements = statements(self, client_id, session.script).into_iter();
        let found = statements.find(|one| one.id == id && one.status == "READY")?;
        Some(statement(&[Stated {
            bank: found
                .account
                .as_ref()
                .map_or(found.fip_id, |account| account.bank.name),
            number: &found.number,
            account: found.account.as_ref(),
        }]))
    }
}

/// The accounts of a scripted person's bank data, with their ids.
fn own(finpass: &Finpass, script: Option<MobileScript>) -> Vec<(String, Account)> {
    let Some(script) = script else {
        return Vec::new();
    };
    let accounts = finpass.simulation.accounts(script).into_iter();
    let named = accounts.enumerate();
    named
        .map(|(index, account)| (id(script, index), account))
        .collect()
}

/// The accounts of [`ACCOUNTS`] that a person has: a scripted one some beside so many own ones, everybody else all.
pub(super) fn others(
    script: Option<MobileScript>,
    own: usize,
) -> &'static [(&'static str, &'static str, &'static str)] {
    let count = script.map_or(ACCOUNTS.len(), |script| script.more_accounts(own));
    ACCOUNTS.get(..count).unwrap_or_default()
}

/// The session of a fetch whose ids are accepted, and whose accounts it has.
fn session(
    finpass: &Finpass,
    request: &ReceivedRequest,
) -> Result<(String, Option<MobileScript>), Reply> {
    let parsed = finpass.object(request).and_then(|body| {
        let client_id = required(&body, "client_id")?;
        let request_id = match body.get("request_id") {
            None => None,
            Some(_) => Some(required(&body, "request_id")?),
        };
        let known = 1_usize.saturating_add(usize::from(request_id.is_some()));
        if body.len() > known && *finpass.settings.extra_fields() == ExtraFields::Refused {
            return Err("The request body has unknown fields.".to_owned());
        }
        Ok((client_id, request_id))
    });
    let (client_id, request_id) = parsed.map_err(|message| finpass.invalid(&message))?;
    let Some(session) = finpass.session(&client_id) else {
        return Err(finpass.invalid_client_id());
    };
    match request_id {
        None if session.monitoring => {
            Err(finpass.invalid("request_id is required for loan_monitoring."))
        }
        Some(id) if !session.is_listed && !session.refreshes.contains(&id) => {
            let code = finpass.settings.unknown_request_code();
            let status = *finpass.settings.invalid_client_status();
            Err(finpass.refusal(status, "Invalid request id.", code))
        }
        _ => Ok((client_id, session.script)),
    }
}

fn account(id: &str, number: &str) -> Json {
    let transaction = |id: &str, kind: &str, amount: &str, balance: &str| {
        Json::Object(vec![
            ("transaction_id", id.into()),
            ("type", kind.into()),
            ("mode", "OTHERS".into()),
            ("amount", amount.into()),
            ("narration", "INVENTED".into()),
            ("transaction_balance", balance.into()),
            ("transaction_timestamp", "2029-12-30T10:00:00.0".into()),
            ("value_date", "2029-12-30".into()),
        ])
    };
    let transactions = vec![
        transaction("T-1", "CREDIT", "2000.00", "2000.00"),
        transaction("T-2", "DEBIT", "760.50", "1239.50"),
    ];
    Json::Object(vec![
        ("account_id", id.into()),
        ("status", "READY".into()),
        (
            "profile_details",
            Json::Object(vec![
                ("name", "INVENTED PERSON".into()),
                ("dob", "1990-01-31".into()),
                ("mobile", "9000000001".into()),
                ("nominee", "REGISTERED".into()),
            ]),
        ),
        (
            "summary_details",
            Json::Object(vec![
                ("status", "ACTIVE".into()),
                ("account_sub_type", "SAVINGS".into()),
            ]),
        ),
        (
            "fi_status_details",
            Json::Object(vec![("account_number", number.into())]),
        ),
        (
            "transaction_data",
            Json::Object(vec![("transaction_details", Json::List(transactions))]),
        ),
    ])
}

/// The id of a scripted person's account, in order.
fn id(script: MobileScript, index: usize) -> String {
    let mobile = script.mobile();
    let digits = mobile.get(4..).unwrap_or_default();
    format!("00000000-0000-4000-8000-{digits}{index:06}")
}

/// An account of a scripted person, with or without more than is documented or reported.
fn scripted(id: &str, account: &Account, more: bool) -> Json {
    let kept = |mut members: Vec<(&'static str, Json)>, known: usize| {
        if !more {
            members.truncate(known);
        }
        Json::Object(members)
    };
    let holder = |holder: &Holder| {
        vec![
            ("name", holder.name.as_str().into()),
            ("dob", holder.birth.to_string().into()),
            ("mobile", holder.mobile.as_str().into()),
            ("nominee", "REGISTERED".into()),
            ("email", holder.email.as_str().into()),
            ("pan", holder.pan.as_str().into()),
        ]
    };
    let mut holders = account.holders.iter().map(holder);
    let mut profile = holders.next().unwrap_or_default();
    let others: Vec<Json> = holders.map(Json::Object).collect();
    profile.push(("holding_type", account.holding().into()));
    if !others.is_empty() {
        profile.push(("joint_holders", Json::List(others)));
    }
    let amount = |paise| amounts::text(paise, AmountForm::Usual);
    let summary = vec![
        ("status", account.status().into()),
        ("account_sub_type", account.kind.word().into()),
        ("account_number", account.number.as_str().into()),
        ("current_balance", amount(account.balance)),
        ("currency", "INR".into()),
        (
            "balance_date_time",
            format!("{}T23:59:59.0", account.as_of).into(),
        ),
        ("branch", account.bank.branch.into()),
        ("ifsc_code", account.bank.ifsc.into()),
        ("opening_date", account.opened.to_string().into()),
        ("facility", account.facility().into()),
        ("drawing_limit", amount(account.limit)),
        ("current_od_limit", amount(account.available())),
    ];
    let fi_status = vec![
        ("account_number", account.number.as_str().into()),
        ("fip_id", account.bank.fip_id.into()),
    ];
    let rows = account.rows();
    let rows = rows.iter().map(|row| transaction(row, more)).collect();
    let data = vec![
        ("transaction_details", Json::List(rows)),
        ("start_date", account.first.to_string().into()),
        ("end_date", account.last.to_string().into()),
    ];
    Json::Object(vec![
        ("account_id", id.into()),
        ("status", "READY".into()),
        ("profile_details", kept(profile, 4)),
        ("summary_details", kept(summary, 3)),
        ("fi_status_details", kept(fi_status, 1)),
        ("transaction_data", kept(data, 1)),
    ])
}

fn transaction(row: &Row<'_>, more: bool) -> Json {
    let transaction = row.transaction;
    let amount = transaction.paise.saturating_abs();
    let mut members = vec![
        ("transaction_id", row.id.into()),
        ("type", transaction.direction().into()),
        ("mode", transaction.mode.word(1).into()),
        ("amount", amounts::text(amount, row.form)),
        ("narration", transaction.narration.as_str().into()),
        (
            "transaction_timestamp",
            format!("{}.0", transaction.at).into(),
        ),
        ("value_date", transaction.at.date().to_string().into()),
    ];
    if let Some(balance) = row.balance {
        members.push(("transaction_balance", amounts::text(balance, row.form)));
    }
    if more {
        members.push(("reference", transaction.reference.as_str().into()));
    }
    Json::Object(members)
}

impl ReportState {
    /// The word for an account.
    fn of_account(self, index: usize) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Partial if index == 0 => "READY",
            Self::Partial | Self::Pending => "PENDING",
            Self::Failed => "FAILED",
        }
    }
}
