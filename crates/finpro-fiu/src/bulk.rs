//! Data of many consents at once: a batch as JSON or as a file, and its status.

use std::fmt;
use std::time::Duration;

use finpro_profile::{Envelope, Finpro};
use provider_core::http::HeaderValue;
use provider_core::serde_json::{Map, Value};
use provider_core::{
    BuiltRequest, DecodeError, Endpoint, Form, Idempotency, InvalidRequest, Items, Label, Mark,
    Masked, Operation, RequestBuilder, ResponseError, Verified, lenient,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::values::{self, NOT_TAKEN, check_each, check_not_empty, is_same, rule};
use crate::{ConfigId, ConsentId, FiAccount, ReferenceId, SessionId, UtcTime};

/// A consent of a batch, and what of its data is fetched. What is absent is as for the whole batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct BulkConsent {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED
    consent_id: ConsentId,
    /// The beginning of the data, such as 2030-01-01T00:00:00Z
    #[serde(
        rename = "fiDataRangeFrom",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    fi_data_range_from: Option<UtcTime>,
    /// The end of the data
    #[serde(
        rename = "fiDataRangeTo",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    fi_data_range_to: Option<UtcTime>,
    /// The configuration's id; no page says where it is from
    #[serde(rename = "configId", default, skip_serializing_if = "Option::is_none")]
    config_id: Option<ConfigId>,
}

provider_core::request! { BulkConsent }

impl BulkConsent {
    /// A consent with the range and configuration of the batch.
    pub fn new(consent: ConsentId) -> Self {
        Self {
            consent_id: consent,
            fi_data_range_from: None,
            fi_data_range_to: None,
            config_id: None,
        }
    }

    /// Sets the range of the data.
    #[must_use]
    pub fn set_range(mut self, from: UtcTime, to: UtcTime) -> Self {
        (self.fi_data_range_from, self.fi_data_range_to) = (Some(from), Some(to));
        self
    }

    /// Sets the configuration.
    #[must_use]
    pub fn set_config(mut self, config: ConfigId) -> Self {
        self.config_id = Some(config);
        self
    }

    /// Checks the row at this index, whose range may be partly the batch's.
    fn check(
        &self,
        index: usize,
        from: Option<UtcTime>,
        to: Option<UtcTime>,
    ) -> Result<(), InvalidRequest> {
        let of_row = |error: InvalidRequest| {
            let field = format!("consents_list[{index}].{}", error.field());
            error.for_field(field)
        };
        let consent = self.consent_id.check();
        consent.map_err(|error| of_row(error.for_field("consent_id")))?;
        let range = (
            self.fi_data_range_from.or(from),
            self.fi_data_range_to.or(to),
        );
        UtcTime::check_range(range.0, range.1, "fiDataRangeTo").map_err(of_row)
    }
}

/// A batch of consents whose data is to be fetched (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct ScheduleFiRequests {
    /// Your own id of the batch, 5 to 60 letters, digits, - and _; not one that you used before
    reference_id: ReferenceId,
    /// The consents, at most 10,000; one that is named twice is fetched twice
    #[cfg_attr(
        feature = "schema",
        schemars(extend("x-kyc-file" = {
            "encoding": "json", "maxBytes": ConsentsFile::MAX_BYTES,
            "description": "A file of JSON: a list of at most 10,000 objects with consent_id, and fiDataRangeFrom, fiDataRangeTo and configId if they have their own",
        }))
    )]
    consents_list: Vec<BulkConsent>,
    /// The beginning of the data of consents without one of their own, such as 2030-01-01T00:00:00Z
    #[serde(
        rename = "fiDataRangeFrom",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    fi_data_range_from: Option<UtcTime>,
    /// The end of the data of consents without one of their own
    #[serde(
        rename = "fiDataRangeTo",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    fi_data_range_to: Option<UtcTime>,
    /// The configuration's id for consents without one of their own; no page says where it is from
    #[serde(rename = "configId", default, skip_serializing_if = "Option::is_none")]
    config_id: Option<ConfigId>,
}

provider_core::request! { ScheduleFiRequests }

impl ScheduleFiRequests {
    /// How many consents a batch has at most.
    pub const MAX_CONSENTS: usize = 10_000;

    /// Creates a batch.
    pub fn new(reference: ReferenceId, consents: impl IntoIterator<Item = BulkConsent>) -> Self {
        Self {
            reference_id: reference,
            consents_list: consents.into_iter().collect(),
            fi_data_range_from: None,
            fi_data_range_to: None,
            config_id: None,
        }
    }

    /// Sets the range of consents without one of their own.
    #[must_use]
    pub fn set_range(mut self, from: UtcTime, to: UtcTime) -> Self {
        (self.fi_data_range_from, self.fi_data_range_to) = (Some(from), Some(to));
        self
    }

    /// Sets the configuration of consents without one of their own.
    #[must_use]
    pub fn set_config(mut self, config: ConfigId) -> Self {
        self.config_id = Some(config);
        self
    }
}

impl Endpoint for ScheduleFiRequests {
    type Provider = Finpro;
    type Output = Envelope<BulkBatch>;

    const OPERATION: Operation =
        scheduling("schedule-fi-requests", "POST /v2/schedule/fi/requests");

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpro>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        self.reference_id.check()?;
        check_not_empty(&self.consents_list, "consents_list")?;
        rule(
            self.consents_list.len() <= Self::MAX_CONSENTS,
            "consents_list",
            "must be at most 10,000 consents",
        )?;
        let (from, to) = (self.fi_data_range_from, self.fi_data_range_to);
        UtcTime::check_range(from, to, "fiDataRangeTo")?;
        for (index, consent) in self.consents_list.iter().enumerate() {
            consent.check(index, from, to)?;
        }
        request.json(self)
    }

    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError> {
        let batch: Envelope<BulkBatch> = Envelope::read_object(response)?;
        is_same(batch.data.reference_id.as_ref(), Some(&self.reference_id))?;
        Ok(batch)
    }
}

/// A file of consents: CSV or JSON, UTF-8, at most 10 MB (`[docs]`; 10 MiB here). `Debug` prints its size.
///
/// CSV has the columns `consentId`, which is required, `fiDataRangeFrom`, `fiDataRangeTo` and `configId`, and no byte order
/// mark. [`of_consents`](Self::of_consents) writes one. The form of JSON is not documented (`[unknown]`).
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct ConsentsFile(Masked);

provider_core::text_input! {
    ConsentsFile, "CSV with a column consentId, or JSON, of at most 10 MiB."
}

impl ConsentsFile {
    /// How many bytes it has at most.
    pub const MAX_BYTES: usize = 10 * 1024 * 1024;

    /// Checks the text of a file. What begins with `[` or `{` is JSON.
    ///
    /// # Errors
    ///
    /// More than 10 MiB, or no consent; a byte order mark or NUL; JSON that is none; CSV without the column `consentId`, with
    /// one that is not documented, or with one twice, with a row of more or fewer cells, or with a quote that is not closed; a range that ends before it begins,
    /// which is named with its row, from 1.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        const FILE: &str = "file";
        rule(
            text.len() <= Self::MAX_BYTES,
            FILE,
            "must be at most 10 MiB",
        )?;
        rule(
            !text.starts_with('\u{feff}'),
            FILE,
            "must not begin with a byte order mark",
        )?;
        rule(!text.contains('\0'), FILE, "must not contain NUL")?;
        match is_json(text) {
            true => check_json(text)?,
            false => check_csv(text)?,
        }
        Ok(Self(Masked::new(text)))
    }

    /// Checks the bytes of a file.
    ///
    /// # Errors
    ///
    /// Not UTF-8, or as of [`parse`](Self::parse).
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, InvalidRequest> {
        let limited = bytes.len() <= Self::MAX_BYTES;
        rule(limited, "file", "must be at most 10 MiB")?;
        let text = std::str::from_utf8(bytes);
        Self::parse(text.map_err(|_| InvalidRequest::new("file", "must be UTF-8"))?)
    }

    /// Writes a file of these consents.
    ///
    /// # Errors
    ///
    /// No consent, one that breaks a rule, which is named with its index, or more than 10 MiB.
    pub fn of_consents<'a>(
        consents: impl IntoIterator<Item = &'a BulkConsent>,
    ) -> Result<Self, InvalidRequest> {
        let mut csv = String::from("consentId,fiDataRangeFrom,fiDataRangeTo,configId\n");
        let time = |time: Option<UtcTime>| time.map_or_else(String::new, |time| time.to_string());
        for (index, consent) in consents.into_iter().enumerate() {
            consent.check(index, None, None)?;
            let config = consent.config_id.as_ref().map(ConfigId::as_str);
            let row = [
                consent.consent_id.as_str().to_owned(),
                time(consent.fi_data_range_from),
                time(consent.fi_data_range_to),
                quoted(config.unwrap_or_default()),
            ];
            csv.push_str(&row.join(","));
            csv.push('\n');
        }
        Self::parse(&csv)
    }

    fn name_and_type(&self) -> (&'static str, HeaderValue) {
        match is_json(self.0.expose()) {
            true => (
                "consents.json",
                HeaderValue::from_static("application/json"),
            ),
            false => ("consents.csv", HeaderValue::from_static("text/csv")),
        }
    }
}

const NO_CONSENT: &str = "must name at least one consent";

fn check_json(text: &str) -> Result<(), InvalidRequest> {
    const FILE: &str = "file";
    let read = serde_json::from_str::<IgnoredAny>(text).is_ok();
    rule(read, FILE, "begins like JSON and is none")?;
    match serde_json::from_str::<Vec<IgnoredAny>>(text) {
        Ok(rows) => rule(!rows.is_empty(), FILE, NO_CONSENT),
        // Its form is not documented.
        Err(_) => Ok(()),
    }
}

fn check_csv(text: &str) -> Result<(), InvalidRequest> {
    const FILE: &str = "file";
    const COLUMNS: [&str; 4] = ["consentId", "fiDataRangeFrom", "fiDataRangeTo", "configId"];
    let header = text.lines().next().unwrap_or_default();
    let columns = cells(header).ok_or_else(|| InvalidRequest::new(FILE, UNCLOSED))?;
    let place = |name: &str| columns.iter().position(|column| column == name);
    rule(
        place("consentId").is_some(),
        FILE,
        "must be JSON, or CSV with a column consentId",
    )?;
    rule(
        columns.iter().all(|column| COLUMNS.contains(&&**column)),
        FILE,
        "has a column other than consentId, fiDataRangeFrom, fiDataRangeTo and configId",
    )?;
    let repeated = COLUMNS
        .iter()
        .any(|name| columns.iter().filter(|column| column == name).count() > 1);
    rule(!repeated, FILE, "has a column twice")?;
    let rows = || text.lines().skip(1).filter(|line| !line.trim().is_empty());
    rule(rows().next().is_some(), FILE, NO_CONSENT)?;
    let ends = (place("fiDataRangeFrom"), place("fiDataRangeTo"));
    for (index, row) in rows().enumerate() {
        let row_error = |rule| {
            let field = format!("{FILE}[{}]", index.saturating_add(1));
            InvalidRequest::new(field, rule)
        };
        let cells = cells(row).ok_or_else(|| row_error(UNCLOSED))?;
        if cells.len() != columns.len() {
            return Err(row_error("must have as many cells as the first line"));
        }
        let time = |place: Option<usize>| {
            let cell = place.and_then(|place| cells.get(place));
            cell.and_then(|cell| UtcTime::parse(cell).ok())
        };
        let of_row = |error: InvalidRequest| {
            let field = format!("{FILE}[{}].{}", index.saturating_add(1), error.field());
            error.for_field(field)
        };
        UtcTime::check_range(time(ends.0), time(ends.1), "fiDataRangeTo").map_err(of_row)?;
    }
    Ok(())
}

const UNCLOSED: &str = "has a quote that is not closed, or text beside one";

/// The cells of a line of CSV, without blanks around them; `None` if their quotes do not match. A line break in quotes is none.
fn cells(line: &str) -> Option<Vec<String>> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let begin = rest.trim_start();
        let after = match begin.strip_prefix('"') {
            Some(mut inner) => {
                let mut cell = String::new();
                loop {
                    let (text, after) = inner.split_once('"')?;
                    cell.push_str(text);
                    match after.strip_prefix('"') {
                        Some(more) => {
                            cell.push('"');
                            inner = more;
                        }
                        None => {
                            cells.push(cell);
                            break after.trim_start();
                        }
                    }
                }
            }
            None => {
                let end = begin.find(',').unwrap_or(begin.len());
                let (cell, after) = begin.split_at(end);
                if cell.contains('"') {
                    return None;
                }
                cells.push(cell.trim_end().to_owned());
                after
            }
        };
        if after.is_empty() {
            return Some(cells);
        }
        rest = after.strip_prefix(',')?;
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['[', '{'])
}

/// A value of CSV.
fn quoted(value: &str) -> String {
    match value.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value.to_owned(),
    }
}

impl fmt::Debug for ConsentsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConsentsFile({} bytes)", self.0.expose().len())
    }
}

/// A batch's configuration: any members, because none is documented (`[unknown]`). `Debug` prints nothing of them.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BulkConfig(Map<String, Value>);

impl BulkConfig {
    /// A configuration of these members.
    pub fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// Its members.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for BulkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BulkConfig({} members)", self.0.len())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for BulkConfig {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BulkConfig".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "object", "description": "Any members.", "additionalProperties": true})
    }
}

/// A file of consents whose data is to be fetched (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct UploadFiRequests {
    /// The file: CSV with a column consentId, or JSON, of at most 10 MiB
    #[cfg_attr(
        feature = "schema",
        schemars(extend("format" = "binary", "x-kyc-file" = {
            "encoding": "text", "maxBytes": ConsentsFile::MAX_BYTES,
            "description": "The file itself: CSV with a column consentId, or JSON, in UTF-8 without a byte order mark, of at most 10 MiB",
        }))
    )]
    file: ConsentsFile,
    /// Your id of the batch, 5 to 60 letters, digits, - and _; made by FinPro if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference_id: Option<ReferenceId>,
    /// The batch's configuration, as JSON; its members are not documented
    #[serde(default, skip_serializing_if = "Option::is_none")]
    global_config: Option<BulkConfig>,
    /// The beginning of the data of consents without one of their own, such as 2030-01-01T00:00:00Z
    #[serde(
        rename = "fiDataRangeFrom",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    fi_data_range_from: Option<UtcTime>,
    /// The end of the data of consents without one of their own
    #[serde(
        rename = "fiDataRangeTo",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    fi_data_range_to: Option<UtcTime>,
    /// The configuration's id for consents without one of their own; no page says where it is from
    #[serde(rename = "configId", default, skip_serializing_if = "Option::is_none")]
    config_id: Option<ConfigId>,
}

provider_core::request! { UploadFiRequests }

impl UploadFiRequests {
    /// Creates a request with this file. FinPro makes an id for the batch: set one of your own, with which a batch is found
    /// whose reply was lost.
    pub fn new(file: ConsentsFile) -> Self {
        Self {
            file,
            reference_id: None,
            global_config: None,
            fi_data_range_from: None,
            fi_data_range_to: None,
            config_id: None,
        }
    }

    /// Sets your id of the batch. Its alias `tracking_id` is never sent.
    #[must_use]
    pub fn set_reference(mut self, reference: ReferenceId) -> Self {
        self.reference_id = Some(reference);
        self
    }

    /// Sets the batch's configuration.
    #[must_use]
    pub fn set_global_config(mut self, config: BulkConfig) -> Self {
        self.global_config = Some(config);
        self
    }

    /// Sets the range of consents without one of their own.
    #[must_use]
    pub fn set_range(mut self, from: UtcTime, to: UtcTime) -> Self {
        (self.fi_data_range_from, self.fi_data_range_to) = (Some(from), Some(to));
        self
    }

    /// Sets the configuration of consents without one of their own.
    #[must_use]
    pub fn set_config(mut self, config: ConfigId) -> Self {
        self.config_id = Some(config);
        self
    }
}

impl Endpoint for UploadFiRequests {
    type Provider = Finpro;
    type Output = Envelope<BulkBatch>;

    const OPERATION: Operation =
        scheduling("upload-fi-requests", "POST /fi/requests/schedule/upload/v3")
            .with_timeout(Duration::from_secs(120))
            .sending_form();

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpro>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        let reference = self.reference_id.as_ref();
        reference.map_or(Ok(()), ReferenceId::check)?;
        let (from, to) = (self.fi_data_range_from, self.fi_data_range_to);
        UtcTime::check_range(from, to, "fiDataRangeTo")?;
        let (name, content_type) = self.file.name_and_type();
        let content = self.file.0.expose().as_bytes().to_vec();
        let config = self.config_id.as_ref().map(ConfigId::as_str);
        let mut form = Form::new()
            .file("file", name, content_type, content)
            .optional_text("reference_id", reference.map(ReferenceId::as_str));
        if let Some(config) = &self.global_config {
            form = form.json("global_config", config);
        }
        let form = form
            .optional_text("fiDataRangeFrom", from.map(|time| time.to_string()))
            .optional_text("fiDataRangeTo", to.map(|time| time.to_string()))
            .optional_text("configId", config);
        request.multipart(&form)
    }

    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError> {
        let batch: Envelope<BulkBatch> = Envelope::read_object(response)?;
        let told = batch.data.reference_id.as_ref();
        is_same(told, self.reference_id.as_ref())?;
        // Without it nobody can ask for the batch.
        if told.or(self.reference_id.as_ref()).is_none() {
            return Err(DecodeError::missing_data("$.data.reference_id").into());
        }
        Ok(batch)
    }
}

provider_core::open_enum! {
    /// The status of a batch or of a row of it (`[docs]`).
    pub enum BulkStatus {
        /// Accepted.
        Ready = "READY",
        /// Data is requested.
        InProgress = "IN_PROGRESS",
        /// Data is fetched: of all rows, for a batch.
        Completed = "COMPLETED",
        /// Not done: the batch as a whole, for a batch.
        Failed = "FAILED",
    }
}

/// A batch that was accepted (`[docs]`). This client refuses a reply that names another one than the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BulkBatch {
    /// The id with which its status is asked for.
    #[serde(default, deserialize_with = "values::id")]
    pub reference_id: Option<ReferenceId>,
    /// FinPro's id.
    #[serde(default, deserialize_with = "lenient::text")]
    pub batch_id: Option<Label>,
    /// The status.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<BulkStatus>,
    /// How many rows it has; for a batch that was sent as JSON.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub total_records: Option<u64>,
    /// Where its progress is seen; for a batch that was sent as JSON.
    #[serde(default, deserialize_with = "lenient::text")]
    pub tracking_url: Option<Masked>,
    /// Where the file is kept; for a file.
    #[serde(default, deserialize_with = "lenient::text")]
    pub storage_type: Option<Masked>,
}

provider_core::open_enum! {
    /// Whether a row that failed can be tried again (`[docs]`).
    pub enum RetryEligible {
        /// As it is.
        Yes = "Yes",
        /// Never.
        No = "No",
        /// After a change.
        WithModifications = "YesWithModifications",
    }
}

/// Which rows of a batch the reply has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct BulkFilters {
    /// Only those with one of these statuses: READY, IN_PROGRESS, COMPLETED, FAILED
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    status: Vec<BulkStatus>,
    /// Only those that can be tried again, or not: Yes, No or YesWithModifications
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_eligible: Option<RetryEligible>,
    /// Only those with this text in them
    #[serde(default, skip_serializing_if = "Option::is_none")]
    search: Option<Masked>,
}

impl BulkFilters {
    fn check(&self) -> Result<(), InvalidRequest> {
        const STATUS: &str = "filters.status";
        check_each(&self.status, STATUS, |status| {
            rule(!matches!(status, BulkStatus::Unknown(_)), STATUS, NOT_TAKEN)
        })?;
        let unknown = matches!(self.retry_eligible, Some(RetryEligible::Unknown(_)));
        rule(!unknown, "filters.retry_eligible", NOT_TAKEN)
    }
}

/// A question for the status of a batch and its rows (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetBulkStatus {
    /// The id of the batch, the reference_id of schedule-fi-requests or upload-fi-requests: 5 to 60 letters, digits, - and _
    reference_id: ReferenceId,
    /// Which rows the reply has; all if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filters: Option<BulkFilters>,
    /// The page; no page of FinPro says where they begin, and the sandbox's begin with 1
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    /// How many rows a page has
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    /// Whether rows have the balances of their accounts
    #[serde(default, skip_serializing_if = "Option::is_none")]
    include_balances: Option<bool>,
}

provider_core::request! { GetBulkStatus }

impl GetBulkStatus {
    /// Asks about a batch.
    pub fn new(reference: ReferenceId) -> Self {
        Self {
            reference_id: reference,
            filters: None,
            page: None,
            limit: None,
            include_balances: None,
        }
    }

    /// Asks for rows with one of these statuses only.
    #[must_use]
    pub fn set_status(mut self, statuses: impl IntoIterator<Item = BulkStatus>) -> Self {
        self.filters.get_or_insert_default().status = statuses.into_iter().collect();
        self
    }

    /// Asks only for rows of which this is true.
    #[must_use]
    pub fn set_retry_eligible(mut self, eligible: RetryEligible) -> Self {
        self.filters.get_or_insert_default().retry_eligible = Some(eligible);
        self
    }

    /// Asks for rows with this text only. In what it is looked for is not documented (`[unknown]`).
    #[must_use]
    pub fn set_search(mut self, text: impl Into<Masked>) -> Self {
        self.filters.get_or_insert_default().search = Some(text.into());
        self
    }

    /// Asks for one page. The number of the first one is not documented (`[unknown]`).
    #[must_use]
    pub fn set_page(mut self, page: u32, limit: u32) -> Self {
        (self.page, self.limit) = (Some(page), Some(limit));
        self
    }

    /// Asks for the accounts and their balances, too.
    #[must_use]
    pub fn set_include_balances(mut self, include: bool) -> Self {
        self.include_balances = Some(include);
        self
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        self.reference_id.check()?;
        self.filters.as_ref().map_or(Ok(()), BulkFilters::check)
    }
}

/// The status of a batch (`[docs]`). This client refuses a reply that names another one than the request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BulkProgress {
    /// The status of the batch.
    pub batch_status: BulkStatus,
    /// Your id of it.
    #[serde(default, deserialize_with = "values::id")]
    pub reference_id: Option<ReferenceId>,
    /// FinPro's id of it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub batch_id: Option<Label>,
    /// The number of rows by status.
    #[serde(default, deserialize_with = "lenient::object")]
    pub summary: Option<BulkSummary>,
    /// What it was made of, and when.
    #[serde(default, deserialize_with = "lenient::object")]
    pub metadata: Option<BulkMetadata>,
    /// Which page of the rows it is.
    #[serde(default, deserialize_with = "lenient::object")]
    pub pagination: Option<BulkPage>,
    /// The rows of the page. This client sets aside one that it cannot read, see [`Items::unread`].
    #[serde(default, deserialize_with = "values::one_or_many")]
    pub records: Items<BulkRecord>,
}

/// The number of rows of a batch by status (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BulkSummary {
    /// All rows.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub total: Option<u64>,
    /// Accepted.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub ready: Option<u64>,
    /// Their data is requested.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub in_progress: Option<u64>,
    /// Their data is fetched.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub completed: Option<u64>,
    /// Not done.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub failed: Option<u64>,
}

/// What a batch was made of, and when (`[docs]`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BulkMetadata {
    /// The file's name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub file_name: Option<Masked>,
    /// When it was sent.
    #[serde(default, deserialize_with = "lenient::text")]
    pub submitted_at: Option<Masked>,
    /// When it changed.
    #[serde(default, deserialize_with = "lenient::text")]
    pub last_updated_at: Option<Masked>,
    /// How much of it is done, from 0 to 100.
    #[serde(default, deserialize_with = "values::number")]
    pub progress_percentage: Option<f64>,
    /// Its configuration.
    #[serde(default, deserialize_with = "lenient::value")]
    pub global_config: Option<BulkConfig>,
}

/// Which page of a batch's rows a reply has (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BulkPage {
    /// The page.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub page: Option<u32>,
    /// How many rows a page has.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub limit: Option<u32>,
    /// How many rows there are.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub total: Option<u64>,
    /// How many pages there are.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub total_pages: Option<u32>,
    /// Whether there is a page after it.
    #[serde(default, deserialize_with = "lenient::boolean_or_text")]
    pub has_next: Option<bool>,
    /// Whether there is a page before it.
    #[serde(default, deserialize_with = "lenient::boolean_or_text")]
    pub has_prev: Option<bool>,
}

/// A row of a batch (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BulkRecord {
    /// The row's number, unique in FinPro.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub id: Option<u64>,
    /// The consent.
    #[serde(default, deserialize_with = "values::id")]
    pub consent_id: Option<ConsentId>,
    /// The status.
    pub status: BulkStatus,
    /// Whether it can be tried again.
    #[serde(default, deserialize_with = "lenient::text")]
    pub retry_eligible: Option<RetryEligible>,
    /// The session in which its data is fetched, once it is requested.
    #[serde(default, deserialize_with = "values::id")]
    pub session_id: Option<SessionId>,
    /// Why it failed.
    #[serde(default, deserialize_with = "lenient::object")]
    pub error: Option<BulkError>,
    /// The accounts, if balances are asked for. What they consist of is not documented (`[unknown]`). This client keeps them as
    /// they came.
    #[serde(default, deserialize_with = "lenient::value")]
    pub account_details: Option<Items<FiAccount>>,
}

/// Why a row of a batch failed. Its members are not documented (`[unknown]`); these are those of FinPro's refusals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("x-kyc-members" = ["errorCode", "error_code", "errorMsg", "error_message"])))]
#[non_exhaustive]
pub struct BulkError {
    /// The code.
    #[serde(
        alias = "errorCode",
        alias = "error_code",
        default,
        deserialize_with = "lenient::text"
    )]
    pub code: Option<Label>,
    /// For people.
    #[serde(
        alias = "errorMsg",
        alias = "error_message",
        default,
        deserialize_with = "lenient::text"
    )]
    pub message: Option<Masked>,
}

impl Endpoint for GetBulkStatus {
    type Provider = Finpro;
    type Output = Envelope<BulkProgress>;

    const OPERATION: Operation =
        Operation::new("bulk-status", "POST /bulk/status", Idempotency::Safe)
            .documented(Mark::Docs);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpro>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        self.check()?;
        request.json(self)
    }

    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError> {
        let progress: Envelope<BulkProgress> = Envelope::read(response)?;
        let told = progress.data.reference_id.as_ref();
        is_same(told, Some(&self.reference_id))?;
        Ok(progress)
    }
}

/// A reference is taken once (`[docs]`), and what a second call with it does is not documented.
const fn scheduling(name: &'static str, route: &'static str) -> Operation {
    Operation::new(name, route, Idempotency::Unsafe)
        .documented(Mark::Docs)
        .settled_by(
            "ask for the status of the batch by its reference_id: 404 says that there is none",
        )
}
