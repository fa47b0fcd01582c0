//! AA-BSA: journeys of consent and analysis.
//!
//! The routes, the members of requests and replies and four words for a status are documented. The words for the data fetch and for
//! endings other than the analysis, every error, and the members of a transaction are the sandbox's own choice, by settings.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::customers::Addresses;
use super::options::JourneyOutcome;
use super::{Family, Finpass, required};
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::providers::aggregator::FINPASS_VISITS;
use crate::providers::amounts;
use crate::state::bank::{Account, Analysis, Month, Row};
use crate::state::people::{self, SessionStart};
use crate::state::{MobileScript, iso};

/// How long a person has for a journey.
pub(super) const HALF_AN_HOUR_MS: i64 = 30 * 60 * 1000;

/// A journey. Each question for its status takes it one step on, until it has its outcome.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Journey {
    consent_type: String,
    masked_mobile: String,
    /// Whose accounts it has, if the mobile number is a script.
    script: Option<MobileScript>,
    questions: u32,
}

pub(super) fn init(finpass: &Finpass, request: &ReceivedRequest) -> Reply {
    let parsed = finpass.object(request).and_then(|body| parse(&body));
    let (mobile, consent_type, at) = match parsed {
        Ok(parsed) => parsed,
        Err(message) => return invalid(finpass, &message),
    };
    if finpass.is_down(&mobile) {
        return refusal(503, "Service Unavailable", "SERVICE_UNAVAILABLE");
    }
    match people::find(&mobile).session_start {
        SessionStart::Opens => {}
        SessionStart::RefusedInside200 => {
            return refusal(200, "The journey was not started.", "JOURNEY_NOT_STARTED");
        }
        SessionStart::Breaks => {
            return refusal(500, "Internal Server Error", "INTERNAL_SERVER_ERROR");
        }
    }
    let id = finpass.simulation.ids.hex();
    let (_, tail) = id.split_at(20);
    let client_id = format!("bsa_clnt_{tail}");
    let (_, last) = mobile.split_at(6);
    let journey = Journey {
        consent_type: consent_type.clone(),
        masked_mobile: format!("XXXXXX{last}"),
        script: MobileScript::of(&mobile),
        questions: 0,
    };
    // In memory once.
    let shared: Arc<str> = Arc::from(client_id.as_str());
    finpass.journeys.update(Arc::clone(&shared), |_| journey);
    finpass.ask(&shared, &mobile, Family::Journey, at);
    let journey = finpass.simulation.journeys.find(&client_id);
    let page = finpass.page(
        request,
        finpass.settings.journey_url().as_ref(),
        FINPASS_VISITS,
        "j",
    );
    let url = format!("{page}/{client_id}");
    let expires = finpass
        .simulation
        .clock
        .now_ms()
        .saturating_add(HALF_AN_HOUR_MS);
    success(vec![
        ("client_id", client_id.as_str().into()),
        ("journey_url", url.into()),
        ("status", "initiated".into()),
        ("consent_type", consent_type.into()),
        ("expires_at", iso(expires).into()),
    ])
    .with_effect(shared)
    .of_journey(journey)
    .with_change("journey opened, waits for the person")
}

fn parse(body: &Map<String, Value>) -> Result<(String, String, Addresses), String> {
    let mobile = required(body, "mobile_number")?;
    if !people::is_mobile_number(&mobile) {
        return Err("mobile_number must be a 10-digit mobile number.".to_owned());
    }
    let consent_type = match body.get("consent_type") {
        None => "loan_underwriting".to_owned(),
        Some(_) => required(body, "consent_type")?,
    };
    if !["loan_underwriting", "loan_monitoring"].contains(&&*consent_type) {
        return Err("consent_type must be loan_underwriting or loan_monitoring.".to_owned());
    }
    let address = |name| match body.contains_key(name) {
        true => required(body, name).map(Some),
        false => Ok(None),
    };
    let at = Addresses {
        return_url: address("redirect_url")?,
        webhook_url: address("webhook_url")?,
    };
    Ok((mobile, consent_type, at))
}

pub(super) fn status(finpass: &Finpass, request: &ReceivedRequest) -> Reply {
    let (client_id, journey) = match find(finpass, request) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let asked = Journey {
        questions: journey.questions.saturating_add(1),
        ..journey.clone()
    };
    finpass
        .journeys
        .update(client_id.as_str().into(), |_| asked);
    let asked_id = client_id.clone();
    let updated_ms = finpass.changed_ms(&client_id);
    let updated_ms = updated_ms.unwrap_or_else(|| finpass.simulation.now_ms());
    success(vec![
        ("client_id", client_id.into()),
        ("status", word(finpass, &asked_id, &journey).into()),
        ("consent_type", journey.consent_type.into()),
        ("mobile_number", journey.masked_mobile.into()),
        ("updated_at", iso(updated_ms).into()),
    ])
}

pub(super) fn statement(finpass: &Finpass, request: &ReceivedRequest) -> Reply {
    let (client_id, script) = match complete(finpass, request) {
        Ok(complete) => complete,
        Err(refusal) => return refusal,
    };
    if let Some(script) = script {
        let accounts = finpass.simulation.accounts(script);
        let accounts = accounts.iter().enumerate().map(scripted).collect();
        return success(vec![
            ("client_id", client_id.into()),
            ("accounts", Json::List(accounts)),
        ]);
    }
    let transaction = |day: &str, amount: &str| {
        Json::Object(vec![
            ("date", day.into()),
            ("amount", Json::Decimal(amount.to_owned())),
            ("narration", "INVENTED".into()),
        ])
    };
    let account = Json::Object(vec![
        ("account_id", "acc_0001".into()),
        ("account_number", "XXXXXXXXXX0001".into()),
        ("ifsc", "ZZZZ0000001".into()),
        ("bank_name", "Invented Bank".into()),
        ("holder_name", "INVENTED PERSON".into()),
        ("account_type", "Savings".into()),
        ("opening_balance", Json::Decimal("0.50".to_owned())),
        ("closing_balance", Json::Decimal("1239.50".to_owned())),
        ("statement_from", "2029-01-01".into()),
        ("statement_to", "2029-12-31".into()),
        (
            "transactions",
            Json::List(vec![
                transaction("2029-12-30", "2000.00"),
                transaction("2029-12-31", "-761.00"),
            ]),
        ),
    ]);
    success(vec![
        ("client_id", client_id.into()),
        ("accounts", Json::List(vec![account])),
    ])
}

pub(super) fn analysis(finpass: &Finpass, request: &ReceivedRequest) -> Reply {
    let (client_id, script) = match complete(finpass, request) {
        Ok(complete) => complete,
        Err(refusal) => return refusal,
    };
    let scripted = script.and_then(|script| Analysis::of(&finpass.simulation.accounts(script)));
    if let Some(analysis) = scripted {
        let mut members = analysed(client_id, &analysis);
        if !*finpass.settings.undocumented_members() {
            members.truncate(DOCUMENTED);
        }
        return success(members);
    }
    let amount = |text: &str| Json::Decimal(text.to_owned());
    success(vec![
        ("client_id", client_id.into()),
        (
            "analysis_period",
            Json::Object(vec![
                ("start_date", "2029-01-01".into()),
                ("end_date", "2029-12-31".into()),
            ]),
        ),
        (
            "summary",
            Json::Object(vec![
                ("total_credits", amount("2000.00")),
                ("total_debits", amount("761.00")),
                ("average_monthly_balance", amount("620.00")),
                ("minimum_monthly_balance", amount("0.50")),
            ]),
        ),
        (
            "income",
            Json::Object(vec![
                ("average_monthly_income", amount("2000.00")),
                ("income_stability_score", 72_u16.into()),
                (
                    "identified_salary_credits",
                    Json::List(vec![Json::Object(vec![
                        ("month", "2029-12".into()),
                        ("amount", amount("2000.00")),
                    ])]),
                ),
            ]),
        ),
    ])
}

/// An account of a scripted person. Of a transaction only the date is documented.
fn scripted((index, account): (usize, &Account)) -> Json {
    let amount = |paise| Json::Decimal(Account::rupees(paise));
    let holders: Vec<&str> = account.holders.iter().map(|holder| &*holder.name).collect();
    let account_type = match account.kind.word() {
        "CURRENT" => "Current",
        _ => "Savings",
    };
    let row = |row: &Row<'_>| {
        let transaction = row.transaction;
        let mut members = vec![
            ("date", transaction.at.date().to_string().into()),
            ("amount", amounts::number(transaction.paise, row.form)),
            ("narration", transaction.narration.as_str().into()),
            ("transaction_id", row.id.into()),
            ("mode", transaction.mode.word(2).into()),
        ];
        if let Some(balance) = row.balance {
            members.push(("balance", amounts::number(balance, row.form)));
        }
        Json::Object(members)
    };
    Json::Object(vec![
        (
            "account_id",
            format!("acc_{:04}", index.saturating_add(1)).into(),
        ),
        ("account_number", account.number.as_str().into()),
        ("ifsc", account.bank.ifsc.into()),
        ("bank_name", account.bank.name.into()),
        ("holder_name", holders.join(", ").into()),
        ("account_type", account_type.into()),
        ("opening_balance", amount(account.opening)),
        ("closing_balance", amount(account.closing())),
        ("statement_from", account.first.to_string().into()),
        ("statement_to", account.last.to_string().into()),
        (
            "transactions",
            Json::List(account.rows().iter().map(row).collect()),
        ),
    ])
}

/// How many of an analysis' members are documented. They are the first.
const DOCUMENTED: usize = 4;

/// An analysis. The members of the ratio, the trend and the flags, which the page names in its prose, are the sandbox's own choice.
fn analysed(client_id: String, analysis: &Analysis) -> Vec<(&'static str, Json)> {
    let amount = |paise| Json::Decimal(Account::rupees(paise));
    let name = |month: &Month| Json::from(month.first.strftime("%Y-%m").to_string());
    let with_salary = analysis.months.iter().filter(|month| month.salary > 0);
    let salaries = with_salary.map(|month| {
        Json::Object(vec![
            ("month", name(month)),
            ("amount", amount(month.salary)),
        ])
    });
    let trend = analysis.months.iter().map(|month| {
        Json::Object(vec![
            ("month", name(month)),
            ("credits", amount(month.credits)),
            ("debits", amount(month.debits)),
            ("closing_balance", amount(month.closing)),
        ])
    });
    let count = |count: usize| Json::Number(i64::try_from(count).unwrap_or(i64::MAX));
    vec![
        ("client_id", client_id.into()),
        (
            "analysis_period",
            Json::Object(vec![
                ("start_date", analysis.first.to_string().into()),
                ("end_date", analysis.last.to_string().into()),
            ]),
        ),
        (
            "summary",
            Json::Object(vec![
                ("total_credits", amount(analysis.credits)),
                ("total_debits", amount(analysis.debits)),
                ("average_monthly_balance", amount(analysis.average)),
                ("minimum_monthly_balance", amount(analysis.minimum)),
            ]),
        ),
        (
            "income",
            Json::Object(vec![
                ("average_monthly_income", amount(analysis.income())),
                ("income_stability_score", Json::Number(analysis.stability())),
                ("identified_salary_credits", Json::List(salaries.collect())),
            ]),
        ),
        // Percent with two decimals.
        (
            "fixed_obligations_ratio",
            analysis.obligations_ratio().map_or(Json::Null, amount),
        ),
        ("monthly_cash_flow", Json::List(trend.collect())),
        (
            "risk_flags",
            Json::Object(vec![
                ("emi_bounces", count(analysis.returns)),
                ("bank_penalties", analysis.has_penalties.into()),
            ]),
        ),
    ]
}

/// The journey that the query names.
fn find(finpass: &Finpass, request: &ReceivedRequest) -> Result<(String, Journey), Reply> {
    let client_id = request.query("client_id").filter(|id| !id.is_empty());
    let client_id = client_id.ok_or_else(|| invalid(finpass, "client_id is required."))?;
    match finpass.journeys.get(client_id.as_str()) {
        Some(journey) => Ok((client_id, journey)),
        None => {
            let status = *finpass.settings.invalid_client_status();
            Err(refusal(
                status,
                "Invalid or expired client id.",
                "INVALID_CLIENT_ID",
            ))
        }
    }
}

/// The id of the journey that the query names and whose accounts it has, if its analysis is there.
fn complete(
    finpass: &Finpass,
    request: &ReceivedRequest,
) -> Result<(String, Option<MobileScript>), Reply> {
    let (client_id, journey) = find(finpass, request)?;
    if word(finpass, &client_id, &journey) == "analysis_complete" {
        return Ok((client_id, journey.script));
    }
    let status = *finpass.settings.journey_not_complete_status();
    Err(refusal(
        status,
        "The analysis is not complete.",
        "ANALYSIS_NOT_COMPLETE",
    ))
}

/// How the journey is when it is asked for now.
fn word(finpass: &Finpass, client_id: &str, journey: &Journey) -> &'static str {
    if let Some(word) = finpass.living_word(client_id) {
        return word;
    }
    let settings = &finpass.settings;
    if journey.questions >= *settings.journey_steps() {
        return match settings.journey_outcome() {
            JourneyOutcome::Complete => "analysis_complete",
            JourneyOutcome::Denied => "consent_denied",
            JourneyOutcome::Failed => "failed",
            JourneyOutcome::Expired => "expired",
        };
    }
    match journey.questions {
        0 => "initiated",
        1 => "consent_pending",
        2 => "consent_granted",
        _ => "data_fetching",
    }
}

fn success(data: Vec<(&'static str, Json)>) -> Reply {
    let body = Json::Object(vec![
        ("success", true.into()),
        ("message", "Success".into()),
        ("data", Json::Object(data)),
    ]);
    Reply::json(200, &body)
}

fn invalid(finpass: &Finpass, message: &str) -> Reply {
    refusal(
        *finpass.settings.validation_status(),
        message,
        "INVALID_INPUT",
    )
}

/// The form of a sister page's errors.
fn refusal(status: u16, message: &str, code: &str) -> Reply {
    let body = Json::Object(vec![
        ("success", false.into()),
        ("message", message.into()),
        ("error_code", code.into()),
    ]);
    Reply::json(status, &body)
}
