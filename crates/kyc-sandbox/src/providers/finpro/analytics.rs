//! The analysis of account data, and of statements in PDF.
//!
//! The members of requests and of both envelopes are documented, but for those of a file; errors, words of a status besides
//! `COMPLETED` and the whole of the XML are the sandbox's own choice. The figures are invented.

use super::Finpro;
use super::body::{Refused, RequestBody, invalid};
use super::fi_data::valid;
use super::options::ExcelForm;
use crate::exchange::{Json, ReceivedRequest, Reply};

/// Statements that were sent. They are analysed for so many questions.
#[derive(Debug, Clone)]
pub(super) struct Statements {
    token: String,
    pending_polls: u32,
}

/// An archive of one empty file without a name of meaning.
const XLSX: &str = "PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0x\
PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x\
PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x1f\0\0\0\0\0";

pub(super) fn json(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let journey = finpro.analysed(body)?;
        let overall = Json::Object(vec![
            ("totalEmiTxns", 0_i64.into()),
            ("bankPenaltiesDetected", false.into()),
        ]);
        let analysis = Json::Object(vec![
            ("overallAnalysis", overall),
            ("accountProfiles", Json::List(Vec::new())),
        ]);
        let data = Json::Object(vec![
            ("bankingAnalysis", analysis),
            ("rawData", Json::Object(Vec::new())),
        ]);
        Ok(finpro.analysis(&journey, data))
    })
}

pub(super) fn excel(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        body.texts("linkRefNumber")?;
        let journey = finpro.analysed(body)?;
        Ok(match finpro.settings.excel_form() {
            ExcelForm::Link => {
                let link = Json::Object(vec![
                    (
                        "s3Url",
                        "https://bucket.example.test/report.xlsx?X-Amz-Signature=invented".into(),
                    ),
                    ("expiresIn", 3600_i64.into()),
                ]);
                finpro.analysis(&journey, link)
            }
            ExcelForm::File => Reply::text(
                200,
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                XLSX.to_owned(),
            )
            .with_header(
                "content-disposition",
                "attachment; filename=\"report.xlsx\"",
            ),
        })
    })
}

pub(super) fn xml(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        finpro.analysed(body)?;
        let document =
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><bankingAnalysis/></Response>";
        Ok(Reply::text(200, "application/xml", document.to_owned()))
    })
}

pub(super) fn push(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        body.required("customer_name")?;
        body.required("mobile_number")?;
        body.required("loan_account_number")?;
        let files = body.objects("fileData")?;
        if files.is_empty() || !files.iter().all(RequestBody::has_pdf) {
            return Err(invalid("fileData must be PDFs as Base64"));
        }
        let token = finpro.simulation.ids.uuid().to_string();
        finpro.statements.add(Statements {
            token: token.clone(),
            pending_polls: *finpro.settings.pending_polls(),
        });
        let data = Json::Object(vec![
            ("ref_token", token.as_str().into()),
            ("message", "PDF uploaded".into()),
        ]);
        // No `ver`, as documented.
        let reply = Json::Object(vec![("status", "success".into()), ("data", data)]);
        Ok(Reply::json(200, &reply).with_effect(token))
    })
}

pub(super) fn status(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let pending = finpro.polled(body.required("ref_token")?, true)?;
        let (word, text) = match pending {
            true => ("PROCESSING", "Processing"),
            false => ("COMPLETED", "Processing complete"),
        };
        let data = Json::Object(vec![("status", word.into()), ("message", text.into())]);
        let reply = Json::Object(vec![("status", "success".into()), ("data", data)]);
        Ok(Reply::json(200, &reply))
    })
}

pub(super) fn pdf_json(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        if finpro.polled(body.required("ref_token")?, false)? {
            return Err(("NoDataAvailable", "The analysis is not complete"));
        }
        let analysis = Json::Object(vec![("accountProfiles", Json::List(Vec::new()))]);
        let data = Json::Object(vec![
            ("status", "SUCCESS".into()),
            ("message", "Success".into()),
            ("data", Json::Object(vec![("bankingAnalysis", analysis)])),
        ]);
        Ok(finpro.success(vec![("data", data)]))
    })
}

impl Finpro {
    /// The journey that is asked about: one of an active consent with data, because the sandbox orchestrates none.
    fn analysed(&self, body: &RequestBody<'_>) -> Result<String, Refused> {
        let given = (
            body.text("consentID")?,
            body.text("journeyID")?,
            body.text("transactionId")?,
        );
        match given {
            (Some(id), Some(journey), None) => {
                let consent = self.active_consent(valid(id)?)?;
                self.delivered(&consent)?;
                Ok(journey.to_owned())
            }
            (None, None, Some(_)) => Err(("NoDataFound", "No such transaction")),
            _ => Err((
                "InvalidPayload",
                "consentID and journeyID are required, or transactionId",
            )),
        }
    }

    /// Data in both envelopes.
    fn analysis(&self, journey: &str, data: Json) -> Reply {
        let analysis = Json::Object(vec![
            ("status", "SUCCESS".into()),
            ("message", "Success".into()),
            ("status_code", "success".into()),
            (
                "transaction_id",
                self.simulation.ids.uuid().to_string().into(),
            ),
            ("journey_id", journey.into()),
            ("data", data),
        ]);
        self.success(vec![("data", analysis)])
    }

    /// Whether statements are still analysed; counts the question if it is one.
    fn polled(&self, token: &str, counts: bool) -> Result<bool, Refused> {
        let polled = self.statements.change(
            |statements| statements.token == token,
            |statements| {
                let pending = statements.pending_polls;
                statements.pending_polls = pending.saturating_sub(counts.into());
                pending > 0
            },
        );
        polled.ok_or(invalid("No such ref_token"))
    }
}
