//! One row of a batch's results, as it is written.

use kyc_facade::finpro_profile::{BatchAnswer, ProfileReport, ProfileRow};
use kyc_facade::provider_core::{Error, Mobile, Outcome, Response};
use serde::Serialize;

use super::kept::ask_again;
use super::masked::{printable, without_number};
use super::tag::Tag;

/// One row of the file. It does not contain the mobile number: line and reference identify it.
#[derive(Serialize)]
pub(super) struct ResultRow<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "userConsentId")]
    user_consent_id: Option<&'a str>,
    outcome: &'static str,
    attempts: u64,
    request_id: Option<&'a str>,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum What<'a> {
    Answer {
        txnid: Option<&'a str>,
        rows: Vec<AggregatorRow<'a>>,
    },
    Failure {
        /// Whether the next run with `--resume` asks again.
        ask_again: bool,
        error: RowError<'a>,
    },
}

/// One aggregator's row, without its text, which may contain personal data.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AggregatorRow<'a> {
    aa_id: &'a str,
    registration_status: Option<bool>,
    has_linked_accounts: Option<bool>,
    status: &'a str,
    readiness: &'static str,
}

#[derive(Serialize)]
struct RowError<'a> {
    kind: &'static str,
    status: Option<u16>,
    code: Option<&'a str>,
    message: String,
}

impl<'a> ResultRow<'a> {
    pub(super) fn of(answer: &'a BatchAnswer<Tag>) -> Self {
        let BatchAnswer { tag, result, .. } = answer;
        let (outcome, request_id) = match result {
            Ok(response) => (Outcome::Done, Some(response.request_id())),
            Err(error) => (error.outcome(), error.request_id()),
        };
        let mobile = tag.mobile.as_ref();
        Self {
            line: tag.line,
            reference: tag.reference.as_deref(),
            user_consent_id: tag.generated_id.as_deref(),
            outcome: outcome.as_str(),
            attempts: answer.attempts,
            request_id: request_id.map(|id| id.as_str()),
            what: match result {
                Ok(response) => What::answer(response, mobile),
                Err(error) => What::failure(error, mobile),
            },
        }
    }
}

impl<'a> What<'a> {
    fn answer(response: &'a Response<ProfileReport>, mobile: Option<&Mobile>) -> Self {
        let report = response.value();
        let rows = report.data.iter();
        Self::Answer {
            txnid: report.txnid.as_deref().map(|text| printable(text, mobile)),
            rows: rows.map(|row| AggregatorRow::new(row, mobile)).collect(),
        }
    }

    fn failure(error: &'a Error, mobile: Option<&Mobile>) -> Self {
        let code = error.fault().and_then(|fault| fault.printable_code());
        Self::Failure {
            ask_again: ask_again(error),
            error: RowError {
                kind: error.kind().as_str(),
                status: error.status().map(|status| status.as_u16()),
                code: code.map(|code| without_number(code, mobile)),
                message: without_number(&error.report_line(), mobile).to_owned(),
            },
        }
    }
}

impl<'a> AggregatorRow<'a> {
    fn new(row: &'a ProfileRow, mobile: Option<&Mobile>) -> Self {
        Self {
            aa_id: printable(&row.aa_id, mobile),
            registration_status: row.registration_status,
            has_linked_accounts: row.has_linked_accounts,
            status: printable(row.status.as_str(), mobile),
            readiness: row.readiness().as_str(),
        }
    }
}
