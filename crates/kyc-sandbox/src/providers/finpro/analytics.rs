//! The analysis of account data, and of statements in PDF.
//!
//! The members of requests and of both envelopes are documented, but for those of a file; errors, words of a status besides
//! `COMPLETED` and the whole of the XML are the sandbox's own choice. The figures are invented; those of a scripted person's accounts
//! add up with their transactions.

use http::HeaderValue;

use super::Finpro;
use super::body::{Refused, RequestBody, invalid};
use super::deposit::{Members, attributes, element};
use super::fi_data::{Delivered, valid};
use super::fi_request::active;
use super::options::ExcelForm;
use super::workbook::workbook;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::state::bank::{Account, Analysis, Month};

/// Statements that were sent. They are analysed for so many questions.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Statements {
    token: String,
    pending_polls: u32,
}

/// The transaction and the journey that an analysis names.
type Subject = (String, Option<String>);

/// Whose data is analysed.
struct Analysed {
    /// The id of the consent.
    consent: String,
    subject: Subject,
    delivered: Vec<Delivered>,
}

/// Below it are the spreadsheets that are replied as links.
pub(crate) const REPORTS: &str = "/finpro/reports";
/// The content type of a spreadsheet.
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(super) fn json(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let Analysed {
            subject, delivered, ..
        } = finpro.analysed(body)?;
        let (overall, profiles) = match analyse(&delivered) {
            None => (no_figures(), Vec::new()),
            Some(analysis) => {
                let mut overall = figures(&analysis);
                let months = analysis.months.iter().map(month).map(Json::Object);
                overall.push(("monthlyAnalysis", Json::List(months.collect())));
                let profiles = profiles(&delivered).map(Json::Object).collect();
                (overall, profiles)
            }
        };
        let analysis = Json::Object(vec![
            ("overallAnalysis", Json::Object(overall)),
            ("accountProfiles", Json::List(profiles)),
        ]);
        let data = Json::Object(vec![
            ("bankingAnalysis", analysis),
            ("rawData", Json::Object(Vec::new())),
        ]);
        Ok(finpro.analysis(subject, data))
    })
}

pub(super) fn excel(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let links = body.texts("linkRefNumber")?;
        let Analysed {
            consent: id,
            subject,
            mut delivered,
        } = finpro.analysed(body)?;
        if !links.is_empty() {
            delivered.retain(|one| links.contains(&one.linked.link.as_str()));
        }
        Ok(match finpro.settings.excel_form() {
            ExcelForm::Link => {
                let links = match links.as_slice() {
                    [] => String::new(),
                    links => format!("links={}&", links.join(",")),
                };
                let place = match finpro.simulation.ids.are_deterministic() {
                    // Recorded replies lead nowhere.
                    true => "https://bucket.example.test/report.xlsx?".to_owned(),
                    false => format!("{}{REPORTS}/{id}.xlsx?{links}", request.origin()),
                };
                let link = Json::Object(vec![
                    ("s3Url", format!("{place}X-Amz-Signature=invented").into()),
                    ("expiresIn", 3600_i64.into()),
                ]);
                finpro.analysis(subject, link)
            }
            ExcelForm::File => Reply::bytes(
                200,
                HeaderValue::from_static(XLSX),
                workbook(&delivered, analyse(&delivered).as_ref()).into(),
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
        let delivered = finpro.analysed(body)?.delivered;
        let analysis = match analyse(&delivered) {
            None => "<bankingAnalysis/>".to_owned(),
            Some(analysis) => {
                let months = analysis.months.iter().map(month);
                let months: String = months
                    .map(|month| element("monthlyAnalysis", &month))
                    .collect();
                let profiles = profiles(&delivered);
                let profiles: String = profiles
                    .map(|profile| element("accountProfile", &profile))
                    .collect();
                format!(
                    "<bankingAnalysis><overallAnalysis{}>{months}</overallAnalysis>{profiles}</bankingAnalysis>",
                    attributes(&figures(&analysis))
                )
            }
        };
        let document =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{analysis}</Response>");
        Ok(Reply::text(200, "application/xml", document))
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

/// The analysis of a scripted person's accounts; `None` of everybody else's.
fn analyse(delivered: &[Delivered]) -> Option<Analysis> {
    let accounts = delivered.iter().filter_map(|one| one.account.as_ref());
    Analysis::of(accounts)
}

fn amount(paise: i64) -> Json {
    Json::Decimal(Account::rupees(paise))
}

/// The figures of accounts without bank data.
pub(super) fn no_figures() -> Members {
    vec![
        ("totalEmiTxns", 0_i64.into()),
        ("bankPenaltiesDetected", false.into()),
    ]
}

/// The figures of an analysis, in rupees. Two of the members are documented.
pub(super) fn figures(analysis: &Analysis) -> Members {
    let count = |count: usize| Json::Number(i64::try_from(count).unwrap_or(i64::MAX));
    let ratio = analysis.obligations_ratio();
    vec![
        ("startDate", analysis.first.to_string().into()),
        ("endDate", analysis.last.to_string().into()),
        ("openingBalance", amount(analysis.opening)),
        ("closingBalance", amount(analysis.closing)),
        ("totalCredits", amount(analysis.credits)),
        ("totalDebits", amount(analysis.debits)),
        ("averageBalance", amount(analysis.average)),
        (
            "averageBalanceLast3Months",
            amount(analysis.average_of_three),
        ),
        ("minimumBalance", amount(analysis.minimum)),
        ("averageMonthlyIncome", amount(analysis.income())),
        // Percent.
        ("fixedObligationsRatio", ratio.map_or(Json::Null, amount)),
        ("totalEmiTxns", count(analysis.instalments)),
        ("totalEmiReturns", count(analysis.returns)),
        ("bankPenaltiesDetected", analysis.has_penalties.into()),
    ]
}

fn month(month: &Month) -> Members {
    vec![
        ("month", month.first.strftime("%Y-%m").to_string().into()),
        ("credits", amount(month.credits)),
        ("debits", amount(month.debits)),
        ("income", amount(month.income)),
        ("closingBalance", amount(month.closing)),
    ]
}

/// The figures of each account.
fn profiles(delivered: &[Delivered]) -> impl Iterator<Item = Members> {
    delivered.iter().filter_map(|one| {
        let account = one.account.as_ref()?;
        let mut members = vec![
            ("maskedAccountNumber", account.number.as_str().into()),
            ("bank", account.bank.name.into()),
        ];
        members.extend(figures(&Analysis::of(std::iter::once(account))?));
        Some(members)
    })
}

impl Finpro {
    /// The spreadsheet at a link: of a consent's accounts, or of those with these link references.
    pub(crate) fn report(&self, file: &str, links: &[&str]) -> Option<Vec<u8>> {
        let id = file.strip_suffix(".xlsx")?;
        let consent = self.active_consent(id).ok()?;
        let mut delivered = self.delivered(&consent).ok()?;
        if !links.is_empty() {
            delivered.retain(|one| links.contains(&one.linked.link.as_str()));
        }
        Some(workbook(&delivered, analyse(&delivered).as_ref()))
    }

    /// What is asked about: the data of an active consent, named by its id and any journey, or by the orchestrated journey that
    /// asked for it.
    fn analysed(&self, body: &RequestBody<'_>) -> Result<Analysed, Refused> {
        let given = (
            body.text("consentID")?,
            body.text("journeyID")?,
            body.text("transactionId")?,
        );
        let (consent, subject) = match given {
            (Some(id), Some(journey), None) => {
                let transaction = self.simulation.ids.uuid().to_string();
                let consent = self.active_consent(valid(id)?)?;
                (consent, (transaction, Some(journey.to_owned())))
            }
            (None, None, Some(transaction)) => {
                let consent = active(self.of_transaction(transaction)?)?;
                let journey = consent.journey.map(|journey| journey.to_string());
                (consent, (transaction.to_owned(), journey))
            }
            _ => {
                return Err((
                    "InvalidPayload",
                    "consentID and journeyID are required, or transactionId",
                ));
            }
        };
        Ok(Analysed {
            delivered: self.delivered(&consent)?,
            consent: consent.id,
            subject,
        })
    }

    /// Data in both envelopes.
    fn analysis(&self, (transaction, journey): Subject, data: Json) -> Reply {
        let analysis = Json::Object(vec![
            ("status", "SUCCESS".into()),
            ("message", "Success".into()),
            ("status_code", "success".into()),
            ("transaction_id", transaction.into()),
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
