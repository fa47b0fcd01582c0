//! What FinPro computes of account data: as JSON, as a spreadsheet, as XML, and of statements in PDF.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use finpro_profile::{Envelope, Finpro};
use provider_core::lenient::Told;
use provider_core::{
    BuiltRequest, Content, DecodeError, DocumentFlaw, Endpoint, Fault, FaultClass, Idempotency,
    InvalidRequest, Label, Masked, Mobile, Operation, RequestBuilder, ResponseError, Verified,
    check_spreadsheet, lenient,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::endpoint::post;
use crate::fi_data::{operation, read};
use crate::values::{self, check_not_empty, is_same, rule};
use crate::{ConsentId, JourneyId, LinkRefNumber, RefToken, TransactionId, xml};

/// Whose data is analysed (`[docs]`, a guide): a consent's, in a journey that has ended, or that of an orchestrated journey.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline, extend("allOf" = [{"oneOf": [{"required": ["consentID", "journeyID"]}, {"required": ["transactionId"]}]}])))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct AnalyticsSubject {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED; it and journeyID, or
    /// transactionId, are required
    #[serde(rename = "consentID", default, skip_serializing_if = "Option::is_none")]
    consent_id: Option<ConsentId>,
    /// The consent's journey; no page says what gives its id
    #[serde(rename = "journeyID", default, skip_serializing_if = "Option::is_none")]
    journey_id: Option<JourneyId>,
    /// The id of an orchestrated journey, the transaction_id of request-consent-v3, instead of the consent
    #[serde(
        rename = "transactionId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    transaction_id: Option<TransactionId>,
}

provider_core::request! { AnalyticsSubject }

impl AnalyticsSubject {
    fn of_consent(consent: ConsentId, journey: JourneyId) -> Self {
        Self {
            consent_id: Some(consent),
            journey_id: Some(journey),
            transaction_id: None,
        }
    }

    fn of_transaction(transaction: TransactionId) -> Self {
        Self {
            transaction_id: Some(transaction),
            ..Self::default()
        }
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        check_subject(
            self.consent_id.as_ref(),
            self.journey_id.as_ref(),
            self.transaction_id.as_ref(),
        )
    }
}

fn check_subject(
    consent: Option<&ConsentId>,
    journey: Option<&JourneyId>,
    transaction: Option<&TransactionId>,
) -> Result<(), InvalidRequest> {
    match (consent, journey, transaction) {
        (Some(consent), Some(_), None) => consent.check(),
        (None, None, Some(_)) => Ok(()),
        (Some(_), None, None) => rule(false, "journeyID", "is required with consentID"),
        (None, _, None) => rule(
            false,
            "consentID",
            "it and journeyID must be given, or transactionId alone",
        ),
        (_, _, Some(_)) => rule(
            false,
            "consentID",
            "it and journeyID must not be given beside transactionId",
        ),
    }
}

/// A question for the analysis of account data as JSON (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct GetAnalyticsJson(AnalyticsSubject);

impl GetAnalyticsJson {
    /// Asks about a consent's data.
    pub fn of_consent(consent: ConsentId, journey: JourneyId) -> Self {
        Self(AnalyticsSubject::of_consent(consent, journey))
    }

    /// Asks about the data of an orchestrated journey.
    pub fn of_transaction(transaction: TransactionId) -> Self {
        Self(AnalyticsSubject::of_transaction(transaction))
    }
}

/// A question for the analysis of account data as XML, which one guide names and no page describes (`[unknown]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct GetAnalyticsXml(AnalyticsSubject);

impl GetAnalyticsXml {
    /// Asks about a consent's data.
    pub fn of_consent(consent: ConsentId, journey: JourneyId) -> Self {
        Self(AnalyticsSubject::of_consent(consent, journey))
    }

    /// Asks about the data of an orchestrated journey.
    pub fn of_transaction(transaction: TransactionId) -> Self {
        Self(AnalyticsSubject::of_transaction(transaction))
    }
}

/// A question for the analysis of account data as a spreadsheet (`[docs]`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("allOf" = [{"oneOf": [{"required": ["consentID", "journeyID"]}, {"required": ["transactionId"]}]}])))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetAnalyticsExcel {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED; it and journeyID, or
    /// transactionId, are required
    #[serde(rename = "consentID", default, skip_serializing_if = "Option::is_none")]
    consent_id: Option<ConsentId>,
    /// The consent's journey; no page says what gives its id
    #[serde(rename = "journeyID", default, skip_serializing_if = "Option::is_none")]
    journey_id: Option<JourneyId>,
    /// The id of an orchestrated journey, the transaction_id of request-consent-v3, instead of the consent
    #[serde(
        rename = "transactionId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    transaction_id: Option<TransactionId>,
    /// Of these accounts only: their linkRefNumber, from fi-request-status
    #[serde(
        rename = "linkRefNumber",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    link_ref_number: Vec<LinkRefNumber>,
}

provider_core::request! { GetAnalyticsExcel }

impl GetAnalyticsExcel {
    /// Asks about a consent's data.
    pub fn of_consent(consent: ConsentId, journey: JourneyId) -> Self {
        Self {
            consent_id: Some(consent),
            journey_id: Some(journey),
            ..Self::default()
        }
    }

    /// Asks about the data of an orchestrated journey.
    pub fn of_transaction(transaction: TransactionId) -> Self {
        Self {
            transaction_id: Some(transaction),
            ..Self::default()
        }
    }

    /// Asks about these accounts only.
    #[must_use]
    pub fn set_links(mut self, links: impl IntoIterator<Item = LinkRefNumber>) -> Self {
        self.link_ref_number = links.into_iter().collect();
        self
    }
}

/// An analysis in its second envelope (`[docs]`). One may say here that it failed. This client makes an error of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "{T}Analytics")
)]
#[non_exhaustive]
pub struct Analytics<T> {
    /// `SUCCESS`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<Masked>,
    /// For people.
    #[serde(default, deserialize_with = "lenient::text")]
    pub message: Option<Masked>,
    /// `success`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status_code: Option<Label>,
    /// The analysis' transaction.
    #[serde(default, deserialize_with = "lenient::text")]
    pub transaction_id: Option<Label>,
    /// The journey's transaction.
    #[serde(default, deserialize_with = "lenient::text")]
    pub journey_transaction_id: Option<Label>,
    /// The journey.
    #[serde(default, deserialize_with = "values::id")]
    pub journey_id: Option<JourneyId>,
    /// The analysis, or where it is.
    pub data: T,
}

/// Reads both envelopes.
fn analytics<T: DeserializeOwned + Serialize>(
    response: &Verified,
) -> Result<Envelope<Analytics<T>>, ResponseError> {
    #[derive(Serialize, Deserialize)]
    struct Inner {
        #[serde(default, deserialize_with = "lenient::text")]
        status: Option<Masked>,
        #[serde(default, deserialize_with = "lenient::text")]
        status_code: Option<Label>,
        #[serde(default, deserialize_with = "lenient::text")]
        message: Option<Masked>,
    }

    let failed = |status: &Masked| Told::Text(status.expose().to_owned()).is_failure();
    let read: Result<Envelope<Analytics<T>>, _> = Envelope::read(response);
    match &read {
        Ok(read) if !read.data.status.as_ref().is_some_and(failed) => {}
        Err(ResponseError::Fault(_)) => {}
        // What failed need not have data.
        _ => {
            let told: Result<Envelope<Inner>, _> = Envelope::read(response);
            let told = told
                .ok()
                .filter(|told| told.data.status.as_ref().is_some_and(failed));
            if let Some(Envelope { data, .. }) = told {
                let text = |masked: Masked| masked.expose().to_owned();
                let code = data.status_code.as_deref().map(str::to_owned);
                let mut fault = Fault::new().with_code(code);
                if read.is_ok() {
                    // Nobody knows which of the two is true.
                    fault = fault.with_class(FaultClass::Contradictory);
                }
                return Err(fault.with_message(data.message.map(text)).into());
            }
        }
    }
    read
}

/// An analysis as JSON. What it consists of differs by journey and is documented by a sample only: it is kept as it came.
///
/// `Debug` prints nothing of it, which is personal data.
#[derive(Clone)]
pub struct Report(Box<RawValue>);

impl Report {
    /// The analysis as JSON text, byte for byte. It is personal data; do not log it.
    pub fn json(&self) -> &str {
        self.0.get()
    }
}

impl<'de> Deserialize<'de> for Report {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        match json.get().starts_with('{') {
            true => Ok(Self(json)),
            false => Err(serde::de::Error::custom("not an object")),
        }
    }
}

impl Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Report({} bytes)", self.json().len())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Report {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Report".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "object", "description": "An analysis; its members differ by journey.", "additionalProperties": true})
    }
}

provider_core::masked_text! {
    /// An address from which anyone can download a file for a time. Never log it.
    pub struct DownloadUrl;
}

/// Where a spreadsheet is (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExcelLink {
    /// The signed address. It is not FinPro's: fetch it without credentials.
    #[serde(rename = "s3Url")]
    pub s3_url: DownloadUrl,
    /// For how many seconds it can be downloaded: 3600 in the sample.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub expires_in: Option<u64>,
}

/// A spreadsheet, in the form that the organisation is set up for (`[docs]`).
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[non_exhaustive]
pub enum AnalyticsExcel {
    /// Where it is.
    Link(Envelope<Analytics<ExcelLink>>),
    /// The file itself.
    #[cfg_attr(feature = "schema", schemars(skip))]
    File(Content),
}

post!(
    GetAnalyticsJson, |request| request.0.check(), analytics => Envelope<Analytics<Report>>,
    read("analytics-json", "POST /analytics/json"),
    answer: |request, read| {
        let asked = request.0.journey_id.as_ref();
        Ok(is_same(read.data.journey_id.as_ref(), asked)?)
    }
);
post!(
    GetAnalyticsXml, |request| request.0.check(), xml::document => Content,
    read("analytics-xml", "POST /analytics/xml")
        .replying_with(&["application/xml", "text/xml"])
        .documented(provider_core::Mark::Unknown)
);

impl Endpoint for GetAnalyticsExcel {
    type Provider = Finpro;
    type Output = AnalyticsExcel;

    const OPERATION: Operation =
        read("analytics-excel", "POST /analytics/excel").or_replying_with(&[
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.ms-excel",
            "application/octet-stream",
        ]);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpro>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        check_subject(
            self.consent_id.as_ref(),
            self.journey_id.as_ref(),
            self.transaction_id.as_ref(),
        )?;
        request
            .accept(
                "application/json, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, \
                 application/vnd.ms-excel, application/octet-stream",
            )
            .json(self)
    }

    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError> {
        match check_spreadsheet(response.raw().body()) {
            Ok(()) => Ok(AnalyticsExcel::File(response.content()?)),
            Err(flaw @ DocumentFlaw::Truncated) => Err(DecodeError::from(flaw).into()),
            Err(_) => {
                let link: Envelope<Analytics<ExcelLink>> = analytics(response)?;
                is_same(link.data.journey_id.as_ref(), self.journey_id.as_ref())?;
                Ok(AnalyticsExcel::Link(link))
            }
        }
    }
}

/// A statement of a bank in PDF, as one of the objects in `fileData`. The names of an object's members are not documented
/// (`[unknown]`), so they are given: ask MoneyOne. `Debug` prints no value.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct StatementFile(BTreeMap<String, Masked>);

impl StatementFile {
    /// A file whose content is in the member `name`, as Base64.
    ///
    /// # Errors
    ///
    /// The content is no PDF.
    pub fn new(name: impl Into<String>, pdf: &[u8]) -> Result<Self, InvalidRequest> {
        let content = Masked::new(STANDARD.encode(pdf));
        let file = Self(BTreeMap::from([(name.into(), content)]));
        file.check().map(|()| file)
    }

    /// Adds another member, such as a file name or a password.
    #[must_use]
    pub fn set_member(mut self, name: impl Into<String>, text: impl Into<Masked>) -> Self {
        self.0.insert(name.into(), text.into());
        self
    }

    /// The longest member is the content.
    fn check(&self) -> Result<(), InvalidRequest> {
        const FIELD: &str = "fileData";
        let longest = self.0.values().max_by_key(|text| text.expose().len());
        let Some(longest) = longest else {
            return rule(
                false,
                FIELD,
                "must have a member with the content as Base64",
            );
        };
        let content = STANDARD.decode(longest.expose());
        rule(
            content.is_ok(),
            FIELD,
            "must be Base64: standard alphabet, padded, without line breaks",
        )?;
        let is_pdf = content.is_ok_and(|content| content.starts_with(b"%PDF-"));
        rule(is_pdf, FIELD, "must be a PDF")
    }
}

impl<'de> Deserialize<'de> for StatementFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = Self(BTreeMap::deserialize(deserializer)?);
        let checked = file.check().map_err(InvalidRequest::into_deserialize_error);
        checked.map(|()| file)
    }
}

impl fmt::Debug for StatementFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for StatementFile {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StatementFile".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "Members of text; the longest is a PDF as Base64.",
            "additionalProperties": { "type": "string" },
        })
    }
}

/// Statements of a bank to be analysed (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct PushPdfAnalytics {
    /// The customer's full name
    customer_name: Masked,
    /// The customer's mobile number, 10 digits
    mobile_number: Mobile,
    /// The customer's loan account
    loan_account_number: Masked,
    /// The statements: objects of texts, of which the longest is a PDF in base64; no page names the members
    // No limit is documented (`[unknown]`).
    #[cfg_attr(
        feature = "schema",
        schemars(extend("x-kyc-file" = {
            "encoding": "named-pdf", "maxBytes": 20_000_000,
            "description": "A statement: the name of the member that carries it, and the PDF itself, not base64, of at most 20 MB",
        }))
    )]
    #[serde(rename = "fileData")]
    file_data: Vec<StatementFile>,
}

provider_core::request! { PushPdfAnalytics }

impl PushPdfAnalytics {
    /// Creates a request with these statements.
    pub fn new(
        customer_name: impl Into<Masked>,
        mobile_number: Mobile,
        loan_account_number: impl Into<Masked>,
        files: impl IntoIterator<Item = StatementFile>,
    ) -> Self {
        Self {
            customer_name: customer_name.into(),
            mobile_number,
            loan_account_number: loan_account_number.into(),
            file_data: files.into_iter().collect(),
        }
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        for (text, field) in [
            (&self.customer_name, "customer_name"),
            (&self.loan_account_number, "loan_account_number"),
        ] {
            rule(!text.expose().trim().is_empty(), field, "must not be empty")?;
        }
        check_not_empty(&self.file_data, "fileData")?;
        for (index, file) in self.file_data.iter().enumerate() {
            let checked = file.check();
            checked.map_err(|error| error.for_field(format!("fileData[{index}]")))?;
        }
        Ok(())
    }
}

/// Statements that were accepted (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PdfAnalyticsPushed {
    /// With it the analysis is asked for. Keep it: nothing else tells it.
    pub ref_token: RefToken,
    /// For people.
    #[serde(default, deserialize_with = "lenient::text")]
    pub message: Option<Masked>,
}

/// A question for the status of an analysis of statements (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetPdfAnalyticsStatus {
    /// The ref_token of push-pdf-analytics
    ref_token: RefToken,
}

provider_core::request! { GetPdfAnalyticsStatus }

impl GetPdfAnalyticsStatus {
    /// Asks about these statements.
    pub fn new(token: RefToken) -> Self {
        Self { ref_token: token }
    }
}

provider_core::open_enum! {
    /// How the analysis of statements is. One word is documented; any other means that it is not complete.
    pub enum PdfAnalyticsState {
        /// It can be read.
        Completed = "COMPLETED",
    }
}

/// The status of an analysis of statements (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PdfAnalyticsStatus {
    /// The status.
    pub status: PdfAnalyticsState,
    /// For people.
    #[serde(default, deserialize_with = "lenient::text")]
    pub message: Option<Masked>,
}

/// A question for the analysis of statements, once it is complete (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetPdfAnalyticsJson {
    /// The ref_token of push-pdf-analytics
    ref_token: RefToken,
}

provider_core::request! { GetPdfAnalyticsJson }

impl GetPdfAnalyticsJson {
    /// Asks for the analysis of these statements.
    pub fn new(token: RefToken) -> Self {
        Self { ref_token: token }
    }
}

post!(
    PushPdfAnalytics, Self::check, Envelope::read => Envelope<PdfAnalyticsPushed>,
    operation("push-pdf-analytics", "POST /pirimid/analytics/pdf/push", Idempotency::Unsafe)
        .settled_by("no call finds statements without their ref_token: ask MoneyOne before pushing them again"),
    lint: |request, findings| {
        findings.mobile("mobile_number", &request.mobile_number);
        findings.free_text("customer_name", request.customer_name.expose());
    }
);
post!(
    GetPdfAnalyticsStatus, |_| Ok(()), Envelope::read => Envelope<PdfAnalyticsStatus>,
    read("pdf-analytics-status", "POST /pirimid/analytics/pdf/pull/status")
);
post!(
    GetPdfAnalyticsJson, |_| Ok(()), analytics => Envelope<Analytics<Report>>,
    read("pdf-analytics-json", "POST /pirimid/analytics/pdf/pull/json")
);
