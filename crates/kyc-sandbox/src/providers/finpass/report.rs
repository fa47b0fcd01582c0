//! Fetch JSON Report and Fetch PDF Report: what a session's accounts have.
//!
//! The routes, the rule for `request_id` and the members of the PDF report are documented. Those of the JSON report are upstream's
//! and those that its clients read. The rest is the sandbox's own choice, by settings: the person consents at once.

use super::options::ReportState;
use super::{Finpass, required, success};
use crate::exchange::{ExtraFields, Json, ReceivedRequest, Reply};

/// The accounts of every session. All of them are invented.
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
    let client_id = match session(finpass, request) {
        Ok(client_id) => client_id,
        Err(refusal) => return refusal,
    };
    let state = finpass.report_state(&client_id);
    let shares = |number: &str| finpass.shares(&client_id, number);
    let mut data = vec![("client_id", client_id.as_str().into())];
    match state {
        ReportState::Ready | ReportState::Partial => {
            let accounts = ACCOUNTS
                .iter()
                .enumerate()
                .filter(|(index, _)| state.of_account(*index) == "READY");
            let accounts = accounts.filter(|(_, (_, _, number))| shares(number));
            let accounts = accounts.map(|(_, (id, _, number))| account(id, number));
            data.push(("account_aggregator_json", Json::List(accounts.collect())));
        }
        ReportState::Pending | ReportState::Failed => {
            data.push(("status", state.of_account(0).into()));
        }
    }
    success(data)
}

pub(super) fn pdf(finpass: &Finpass, request: &ReceivedRequest) -> Reply {
    let client_id = match session(finpass, request) {
        Ok(client_id) => client_id,
        Err(refusal) => return refusal,
    };
    let state = finpass.report_state(&client_id);
    let report = |(index, (id, fip_id, number)): (usize, &(&str, &str, &str))| {
        let status = state.of_account(index);
        let link = format!("{}/{id}.pdf?sig=invented", finpass.settings.report_url());
        Json::Object(vec![
            ("fip_id", (*fip_id).into()),
            ("account_number", (*number).into()),
            ("status", status.into()),
            (
                "statement_report_link",
                (status == "READY").then_some(link).into(),
            ),
        ])
    };
    let shared = ACCOUNTS.iter().enumerate();
    let shared = shared.filter(|(_, (_, _, number))| finpass.shares(&client_id, number));
    let reports = shared.map(report).collect();
    success(vec![
        ("client_id", client_id.as_str().into()),
        ("reports", Json::List(reports)),
    ])
}

/// The session of a fetch whose ids are accepted.
fn session(finpass: &Finpass, request: &ReceivedRequest) -> Result<String, Reply> {
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
        _ => Ok(client_id),
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
