//! Data of many consents at once.
//!
//! Members, limits and the words of a status are documented. What a reference that is used before gets, the form of a file of
//! JSON and the members of a row's error are the sandbox's own choice.

use serde_json::{Map, Value};

use super::Finpro;
use super::body::{Refused, RequestBody, invalid};
use super::fi_data::valid;
use super::fi_request::{range, range_between};
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::providers::address::millis;
use crate::state::{DataOutcome, DataSession, LinkedAccount, Pending, Range, iso};

const MAX_CONSENTS: usize = 10_000;
const MAX_FILE_BYTES: usize = 10 * 1024 * 1024;

/// A batch. It is in progress for so many questions.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Batch {
    reference: String,
    id: String,
    file_name: Option<String>,
    config: Option<Value>,
    rows: Vec<Row>,
    pending_polls: u32,
    submitted_ms: i64,
}

/// A consent of a batch, and the session in which its data is fetched; none if it is not active.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
struct Row {
    consent: String,
    session: Option<String>,
}

impl Row {
    /// The status and whether it can be tried again.
    fn words(&self, pending: bool) -> (&'static str, &'static str) {
        match (pending, &self.session) {
            (true, _) => ("IN_PROGRESS", "No"),
            (false, Some(_)) => ("COMPLETED", "No"),
            (false, None) => ("FAILED", "YesWithModifications"),
        }
    }
}

pub(super) fn schedule(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let reference = reference(body.required("reference_id")?)?;
        let consents = body.objects("consents_list")?;
        let rows: Result<Vec<_>, Refused> = consents
            .iter()
            .map(|consent| {
                let range = range(consent, "fiDataRangeFrom", "fiDataRangeTo")?;
                consent.text("configId")?;
                let consent = valid(consent.required("consent_id")?)?;
                Ok((consent.to_owned(), range))
            })
            .collect();
        let batch = finpro.accept(body, reference.to_owned(), None, rows?)?;
        let tracking = format!("{}/bulk/{}", request.base_url(), batch.id);
        let reply = finpro.success(vec![
            ("txnid", finpro.simulation.ids.uuid().to_string().into()),
            ("message", "Batch scheduled".into()),
            (
                "data",
                Json::Object(vec![
                    ("reference_id", batch.reference.as_str().into()),
                    ("batch_id", batch.id.as_str().into()),
                    ("status", "READY".into()),
                    ("total_records", number(batch.rows.len())),
                    ("tracking_url", tracking.into()),
                ]),
            ),
        ]);
        Ok(reply.with_effect(batch.id))
    })
}

pub(super) fn upload(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat_form(request, |body, file| {
        let (name, content) = file.ok_or(invalid("file is required"))?;
        if content.len() > MAX_FILE_BYTES {
            return Err(invalid("file must be at most 10 MB"));
        }
        let reference = match body.text("reference_id")?.or(body.text("tracking_id")?) {
            Some(given) => reference(given)?.to_owned(),
            None => finpro.simulation.ids.uuid().to_string(),
        };
        let batch = finpro.accept(body, reference, Some(name.to_owned()), rows_of(content)?)?;
        let reply = finpro.success(vec![
            ("txnid", finpro.simulation.ids.uuid().to_string().into()),
            ("message", "File uploaded".into()),
            (
                "data",
                Json::Object(vec![
                    ("reference_id", batch.reference.as_str().into()),
                    ("batch_id", batch.id.as_str().into()),
                    ("storage_type", "memory".into()),
                    ("status", "READY".into()),
                ]),
            ),
        ]);
        Ok(reply.with_effect(batch.id))
    })
}

pub(super) fn status(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    let mut unknown = false;
    let reply = finpro.flat(request, |body| {
        let reference = reference(body.required("reference_id")?)?;
        let (statuses, eligible, search) = match body.has("filters") {
            false => (Vec::new(), None, None),
            true => {
                let filters = body.object("filters")?;
                let owned = |text: &str| text.to_owned();
                let statuses = filters.texts("status")?.into_iter().map(owned).collect();
                let eligible = filters.text("retry_eligible")?.map(owned);
                (statuses, eligible, filters.text("search")?.map(owned))
            }
        };
        let (page, limit) = (body.number("page")?, body.number("limit")?);
        let balances = body.flag("include_balances")?.unwrap_or(false);
        let polled = finpro.batches.change(
            |batch| batch.reference == reference,
            |batch| {
                let pending = batch.pending_polls > 0;
                batch.pending_polls = batch.pending_polls.saturating_sub(1);
                (batch.clone(), pending)
            },
        );
        let Some((batch, pending)) = polled else {
            unknown = true;
            return Err(invalid("No such reference_id"));
        };
        let is_asked = |(_, row): &(usize, &Row)| {
            let (status, retry) = row.words(pending);
            (statuses.is_empty() || statuses.iter().any(|asked| asked == status))
                && eligible.as_deref().is_none_or(|asked| asked == retry)
                && search
                    .as_deref()
                    .is_none_or(|text| row.consent.contains(text))
        };
        let rows: Vec<_> = batch.rows.iter().enumerate().filter(is_asked).collect();
        let page = finpro.page(page, limit);
        let pages = rows.len().div_ceil(page.rows);
        let record = |(index, row): &(usize, &Row)| finpro.record(*index, row, pending, balances);
        let records = page.of(&rows).map(record);
        let data = Json::Object(vec![
            ("reference_id", batch.reference.as_str().into()),
            ("batch_id", batch.id.as_str().into()),
            (
                "batch_status",
                if pending { "IN_PROGRESS" } else { "COMPLETED" }.into(),
            ),
            ("summary", batch.summary(pending)),
            ("metadata", batch.metadata(pending)),
            (
                "pagination",
                Json::Object(vec![
                    ("page", number(page.number)),
                    ("limit", number(page.rows)),
                    ("total", number(rows.len())),
                    ("total_pages", number(pages)),
                    ("has_next", (page.number < pages).into()),
                    ("has_prev", (page.number > 1).into()),
                ]),
            ),
            ("records", Json::List(records.collect())),
        ]);
        Ok(finpro.success(vec![("message", "Batch".into()), ("data", data)]))
    });
    match unknown {
        true => reply.with_status(404),
        false => reply,
    }
}

/// The documented form of a reference.
fn reference(text: &str) -> Result<&str, Refused> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let valid = (5..=60).contains(&text.len()) && text.bytes().all(allowed);
    valid
        .then_some(text)
        .ok_or(invalid("reference_id is not valid"))
}

fn number(count: usize) -> Json {
    Json::Number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The consents in a file, each with its range: the columns `consentId`, `fiDataRangeFrom` and `fiDataRangeTo` of CSV, or the members
/// of these names, or `consent_id`, of a list of JSON.
fn rows_of(content: &[u8]) -> Result<Vec<(String, Range)>, Refused> {
    let text = std::str::from_utf8(content).map_err(|_| invalid("file must be UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(invalid("file must not have a byte order mark"));
    }
    let rows: Option<Vec<(String, [Option<String>; 2])>> =
        if text.trim_start().starts_with(['[', '{']) {
            let rows: Vec<Map<String, Value>> = serde_json::from_str(text)
                .map_err(|_| invalid("file must be a list of objects"))?;
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
            let row = |row: &Map<String, Value>| {
                let consent = text(row.get("consentId").or(row.get("consent_id")))?;
                let ends = ["fiDataRangeFrom", "fiDataRangeTo"].map(|name| text(row.get(name)));
                Some((consent, ends))
            };
            rows.iter().map(row).collect()
        } else {
            let mut lines = text.lines();
            let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
            let columns = ["consentId", "fiDataRangeFrom", "fiDataRangeTo"]
                .map(|name| columns.iter().position(|column| column.trim() == name));
            let row = |line: &str| {
                let cell = |column: Option<usize>| {
                    let cell = line.split(',').nth(column?)?;
                    Some(cell.trim().to_owned())
                };
                let [consent, from, to] = columns.map(cell);
                let given = |end: Option<String>| end.filter(|end| !end.is_empty());
                Some((consent?, [given(from), given(to)]))
            };
            lines
                .filter(|line| !line.trim().is_empty())
                .map(row)
                .collect()
        };
    let rows = rows.ok_or(invalid("file must have a consentId in every row"))?;
    let checked = rows.into_iter().map(|(consent, [from, to])| {
        if consent.is_empty() || valid(&consent).is_err() {
            return Err(invalid("file has a consentId that is not valid"));
        }
        Ok((consent, range_between(from.as_deref(), to.as_deref())?))
    });
    checked.collect()
}

impl Batch {
    fn summary(&self, pending: bool) -> Json {
        let of = |status: &str| {
            let rows = self.rows.iter();
            number(rows.filter(|row| row.words(pending).0 == status).count())
        };
        Json::Object(vec![
            ("total", number(self.rows.len())),
            ("ready", of("READY")),
            ("in_progress", of("IN_PROGRESS")),
            ("completed", of("COMPLETED")),
            ("failed", of("FAILED")),
        ])
    }

    fn metadata(&self, pending: bool) -> Json {
        let submitted = iso(self.submitted_ms);
        let config = self.config.clone();
        Json::Object(vec![
            ("file_name", self.file_name.as_deref().into()),
            ("submitted_at", submitted.as_str().into()),
            ("last_updated_at", submitted.into()),
            (
                "progress_percentage",
                (if pending { 0_i64 } else { 100 }).into(),
            ),
            ("global_config", config.map_or(Json::Null, Json::Echo)),
        ])
    }
}

impl Finpro {
    /// Keeps a batch, and begins a session for each of its active consents.
    fn accept(
        &self,
        body: &RequestBody<'_>,
        reference: String,
        file_name: Option<String>,
        consents: Vec<(String, Range)>,
    ) -> Result<Batch, Refused> {
        let range = range(body, "fiDataRangeFrom", "fiDataRangeTo")?;
        body.text("configId")?;
        if !(1..=MAX_CONSENTS).contains(&consents.len()) {
            return Err(invalid("a batch has 1 to 10,000 consents"));
        }
        let is = |batch: &Batch| batch.reference == reference;
        if !self.batches.filter(is).is_empty() {
            return Err(invalid("reference_id is already used"));
        }
        let now_ms = self.simulation.clock.now_ms();
        let row = |(consent, own): (String, Range)| {
            let session = self.active_consent(&consent).ok().map(|_| {
                let session = DataSession {
                    id: self.simulation.ids.uuid().to_string(),
                    consent_id: consent.clone(),
                    outcome: DataOutcome::Ready,
                    pending: Pending::Polls(0),
                    first: false,
                    requested_ms: now_ms,
                    range: Range {
                        from: own.from.or(range.from),
                        to: own.to.or(range.to),
                    },
                    expires_ms: now_ms.saturating_add(millis(*self.settings.data_life())),
                };
                let id = session.id.clone();
                self.sessions.add(session);
                id
            });
            Row { consent, session }
        };
        let batch = Batch {
            reference,
            id: self.simulation.ids.uuid().to_string(),
            file_name,
            config: body.echoed("global_config").or(body.echoed("globalConfig")),
            rows: consents.into_iter().map(row).collect(),
            pending_polls: *self.settings.pending_polls(),
            submitted_ms: now_ms,
        };
        self.batches.add(batch.clone());
        Ok(batch)
    }

    fn record(&self, index: usize, row: &Row, pending: bool, with_balances: bool) -> Json {
        let (status, retry) = row.words(pending);
        let error = match status {
            "FAILED" => Json::Object(vec![
                ("code", "InvalidConsentId".into()),
                ("message", "No such active consent".into()),
            ]),
            _ => Json::Null,
        };
        let mut record = vec![
            ("id", number(index.saturating_add(1))),
            ("consent_id", row.consent.as_str().into()),
            ("status", status.into()),
            ("retry_eligible", retry.into()),
            ("session_id", row.session.as_deref().into()),
            ("error", error),
        ];
        if with_balances && let Ok(consent) = self.consent(&row.consent) {
            let accounts = self.balances(&consent).into_iter();
            let account = |(account, balance): (LinkedAccount, Json)| {
                Json::Object(vec![
                    ("linkReferenceNumber", account.link.into()),
                    ("maskedAccountNumber", account.masked_number.into()),
                    ("balance", balance),
                ])
            };
            let accounts = accounts.map(account).collect();
            record.push(("account_details", Json::List(accounts)));
        }
        Json::Object(record)
    }
}
