//! Rows of a batch's input: CSV lines below a header, or JSON objects.

use kyc_facade::finpro_profile::{AaId, CheckProfile, UserConsentId};
use kyc_facade::provider_core::{InvalidRequest, Mobile, RequestId, input_from_json};
use serde_json::Value;

use super::csv::Csv;
use super::quotes::Quotes;

const MOBILE_NUMBER: &str = "mobileNumber";
const USER_CONSENT_ID: &str = "userConsentId";
const AA_ID: &str = "aaId";
const REFERENCE: &str = "reference";
const KNOWN: [&str; 4] = [MOBILE_NUMBER, USER_CONSENT_ID, AA_ID, REFERENCE];
const KNOWN_TEXT: &str = "is unknown; must be one of mobileNumber, userConsentId, aaId, reference";

const JSON_LINE: &str =
    "must be one JSON object of mobileNumber, userConsentId, aaId, reference, each at most once";

/// The format of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    JsonLines,
}

/// The question of a line.
#[derive(Debug)]
pub(super) struct Row {
    /// The caller's own id of the row.
    pub(super) reference: Option<String>,
    /// The question, or the field and the rule that it breaks.
    pub(super) request: Result<Request, InvalidRequest>,
}

/// A question, with the number that it is about, and its generated id if the line has none.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) question: CheckProfile,
    pub(super) mobile: Mobile,
    pub(super) generated_id: Option<String>,
}

/// Reads lines of one input.
pub(super) enum Rows {
    Csv(Box<Csv>),
    JsonLines,
}

impl Rows {
    /// Rows of a CSV file with this header.
    ///
    /// # Errors
    ///
    /// As [`Csv::below`].
    pub(super) fn csv(header: &[u8], delimiter: Option<u8>) -> Result<Self, InvalidRequest> {
        let csv = Csv::below(header, delimiter, &KNOWN, MOBILE_NUMBER)?;
        Ok(Self::Csv(Box::new(csv)))
    }

    /// Whether a line is no row.
    pub(super) fn is_blank(&self, line: &[u8]) -> bool {
        match self {
            Self::Csv(csv) => csv.is_blank(line),
            Self::JsonLines => line.trim_ascii().is_empty(),
        }
    }

    /// How a line's quotes stand where a quoted field may go on in the next line.
    pub(super) fn quotes(&self, line: &[u8], open: bool) -> Quotes {
        match self {
            Self::Csv(csv) => csv.quotes(line, open),
            Self::JsonLines => Quotes::Closed,
        }
    }

    /// Reads one line, which is not blank.
    pub(super) fn read(&mut self, line: &[u8]) -> Row {
        match self {
            Self::Csv(csv) => match csv.row(line) {
                Ok(field) => of_csv(field),
                Err(error) => Row::refused(error),
            },
            Self::JsonLines => json(line),
        }
    }
}

fn of_csv(field: impl Fn(&str) -> Option<String>) -> Row {
    let aa_ids = field(AA_ID).unwrap_or_default();
    Row::new(
        field(MOBILE_NUMBER).as_deref(),
        field(USER_CONSENT_ID).as_deref(),
        several(&aa_ids).collect(),
        field(REFERENCE).as_deref(),
    )
}

fn json(line: &[u8]) -> Row {
    let fields = match input_from_json(line) {
        Ok(Value::Object(fields)) => fields,
        Err(error) => {
            return match known(error.field()).map(str::to_owned) {
                Some(field) => Row::refused(error.for_field(field)),
                None => Row::broken("line", JSON_LINE),
            };
        }
        _ => return Row::broken("line", JSON_LINE),
    };
    if let Some(at) = fields.keys().position(|key| !KNOWN.contains(&key.as_str())) {
        let field = format!("field {}", at.saturating_add(1));
        return Row::broken(field, KNOWN_TEXT);
    }
    let text_of = |name: &'static str| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(InvalidRequest::new(name, "must be text")),
    };
    let aa_ids = match fields.get(AA_ID) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(several(text).collect()),
        Some(Value::Array(ids)) => ids.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let aa_ids = aa_ids.ok_or_else(|| InvalidRequest::new(AA_ID, "must be text or a list of it"));
    let all = || {
        let mobile = text_of(MOBILE_NUMBER)?;
        Ok((
            mobile,
            text_of(USER_CONSENT_ID)?,
            aa_ids?,
            text_of(REFERENCE)?,
        ))
    };
    match all() {
        Ok((mobile, id, aa_ids, reference)) => Row::new(mobile, id, aa_ids, reference),
        Err(error) => Row::refused(error),
    }
}

/// A member that is known, or an item of one. Another name, also one below it, may be a value that slipped there.
fn known(field: &str) -> Option<&str> {
    let item = field.split('.').next()?;
    let member = item.split('[').next()?;
    KNOWN.contains(&member).then_some(item)
}

impl Row {
    const LONGEST_REFERENCE: usize = 200;

    /// Creates a row from its fields. An empty optional field counts as absent.
    fn new(
        mobile: Option<&str>,
        id: Option<&str>,
        aa_ids: Vec<&str>,
        reference: Option<&str>,
    ) -> Self {
        let reference = reference.filter(|text| !text.is_empty());
        if reference.is_some_and(|text| text.chars().count() > Self::LONGEST_REFERENCE) {
            return Self::broken(REFERENCE, "must be at most 200 characters");
        }
        Self {
            reference: reference.map(str::to_owned),
            request: Request::new(
                mobile.unwrap_or_default(),
                id.filter(|id| !id.is_empty()),
                &aa_ids,
            ),
        }
    }

    /// Creates a row for a line that breaks a rule.
    pub(super) fn broken(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::refused(InvalidRequest::new(field.into(), rule.into()))
    }

    fn refused(error: InvalidRequest) -> Self {
        Self {
            reference: None,
            request: Err(error),
        }
    }
}

impl Request {
    fn new(mobile: &str, id: Option<&str>, aa_ids: &[&str]) -> Result<Self, InvalidRequest> {
        let mobile = Mobile::parse(mobile).map_err(|error| error.for_field(MOBILE_NUMBER))?;
        let generated_id = match id {
            Some(_) => None,
            None => Some(format!("kyc-{}", RequestId::random()?)),
        };
        let id = UserConsentId::parse(id.or(generated_id.as_deref()).unwrap_or_default())?;
        let aa_ids = aa_ids.iter().enumerate().map(|(at, text)| {
            AaId::parse(text).map_err(|error| error.for_field(format!("{AA_ID}[{at}]")))
        });
        let aa_ids = aa_ids.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            question: CheckProfile::new(mobile.clone(), id).set_aa_ids(aa_ids),
            mobile,
            generated_id,
        })
    }
}

/// Splits several ids in one text.
fn several(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ';']).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(row: &Row) -> Value {
        serde_json::to_value(&row.request.as_ref().unwrap().question).unwrap()
    }

    fn rule(row: &Row) -> String {
        row.request.as_ref().unwrap_err().to_string()
    }

    #[test]
    fn a_csv_row_is_read_by_its_header() {
        let header = b"reference,aaId,userConsentId,mobileNumber";
        let mut rows = Rows::csv(header, None).unwrap();
        let row = rows.read(br#""a, ""b""",onemoney; finvu;,ref-1,9000000001"#);
        assert_eq!(row.reference.as_deref(), Some(r#"a, "b""#));
        assert_eq!(
            asked(&row),
            json!({ "mobileNumber": "9000000001", "userConsentId": "ref-1", "aaId": ["onemoney", "finvu"] })
        );
        assert_eq!(row.request.unwrap().generated_id, None);
        let row = rows.read(b",,,9000000002");
        assert_eq!(row.reference, None);
        let id = row.request.as_ref().unwrap().generated_id.clone().unwrap();
        assert_eq!(
            asked(&row),
            json!({ "mobileNumber": "9000000002", "userConsentId": id })
        );
        assert!(id.starts_with("kyc-") && id.len() == 36, "{id}");
    }

    #[test]
    fn a_json_row_has_the_same_fields() {
        let mut rows = Rows::JsonLines;
        let row = rows.read(
            br#"{"mobileNumber":"9000000001","userConsentId":"ref-1","aaId":["onemoney","finvu"],"reference":"a"}"#,
        );
        assert_eq!(row.reference.as_deref(), Some("a"));
        assert_eq!(
            asked(&row),
            json!({ "mobileNumber": "9000000001", "userConsentId": "ref-1", "aaId": ["onemoney", "finvu"] })
        );
        let row = rows
            .read(br#"{"mobileNumber":"9000000001","aaId":"onemoney finvu","userConsentId":null}"#);
        assert_eq!(asked(&row)["aaId"], json!(["onemoney", "finvu"]));
    }

    #[test]
    fn a_bad_row_names_field_and_rule_without_the_value_and_affects_no_other() {
        let ten_digits = "mobileNumber: must be exactly 10 digits, without a country code";
        let quoted = "line: must be one row, with each quote closed";
        let stray = "line: must have quotes around whole fields only, doubled inside one";
        let mut rows = Rows::csv(b"mobileNumber,aaId", None).unwrap();
        for (line, expected) in [
            (&b"CANARY,"[..], ten_digits),
            (b",", ten_digits),
            (b"\"9000000001", quoted),
            (b"9000000001,\"CANARY", quoted),
            (
                b"9000000001\r,CANARY",
                "line: must not have a carriage return inside",
            ),
            (b"9000000001,5\" CANARY", stray),
            (b"\"9000000001\"CANARY,", stray),
            (
                b"9000000001",
                "line: must have as many fields as there are columns",
            ),
            (
                b"1,2,CANARY",
                "line: must have as many fields as there are columns",
            ),
            (
                b"1,2,3,4,5,CANARY",
                "line: has more fields than there are columns",
            ),
            (b"9000000001,\xff", "line: must be UTF-8"),
            (
                b"9000000001,onemoney CANARY@aa",
                "aaId[1]: must be 2 to 50 letters and digits, without @",
            ),
        ] {
            let row = rows.read(line);
            assert_eq!(rule(&row), expected, "{line:?}");
            asked(&rows.read(b"9000000001,onemoney"));
        }
        let object = format!("line: {JSON_LINE}");
        let deep = |name: &str| format!("{{\"{name}\":{}{}}}", "[".repeat(90), "]".repeat(90));
        let (deep, deep_canary) = (deep("aaId"), deep("CANARY"));
        let long = format!(
            r#"{{"mobileNumber":"9000000001","reference":"{}"}}"#,
            "x".repeat(201)
        );
        for (line, expected) in [
            ("9000000001", &*object),
            (r#"{"mobileNumber":"CANARY"#, &object),
            (r#"{"mobileNumber":"9000000001"} {}"#, &object),
            (&deep_canary, &object),
            (
                &deep,
                "aaId[0][0][0][0][0][0][0]: must be nested at most 64 deep",
            ),
            ("{}", ten_digits),
            (
                r#"{"mobileNumber":9000000001}"#,
                "mobileNumber: must be text",
            ),
            (
                r#"{"mobileNumber":"9000000001","aaId":[1]}"#,
                "aaId: must be text or a list of it",
            ),
            (
                r#"{"mobileNumber":"9000000001","aaId":[],"mobile\u004eumber":"9000000002"}"#,
                "mobileNumber: must not appear twice",
            ),
            (r#"{"CANARY":1,"CANARY":1}"#, &object),
            // A name below a known member may be a value, too.
            (
                r#"{"mobileNumber":"9000000001","reference":{"CANARY":1,"CANARY":2}}"#,
                "reference: must not appear twice",
            ),
            (
                r#"{"mobileNumber":"9000000001","aaId":["finvu",{"CANARY":1,"CANARY":2}]}"#,
                "aaId[1]: must not appear twice",
            ),
            (
                r#"{"CANARY":"9000000001"}"#,
                "field 1: is unknown; must be one of mobileNumber, userConsentId, aaId, reference",
            ),
            (&long, "reference: must be at most 200 characters"),
        ] {
            assert_eq!(rule(&Rows::JsonLines.read(line.as_bytes())), expected);
        }
    }

    #[test]
    fn a_bad_row_keeps_its_reference() {
        let mut rows = Rows::csv(b"mobileNumber,reference", None).unwrap();
        assert_eq!(rows.read(b"1,a-7").reference.as_deref(), Some("a-7"));
    }

    #[test]
    fn an_unexpected_header_is_refused() {
        let refused = |header: &[u8]| Rows::csv(header, None).err().unwrap().to_string();
        assert_eq!(
            refused(b"9000000001,a-1"),
            "column 1: is unknown; must be one of mobileNumber, userConsentId, aaId, reference"
        );
        assert_eq!(
            refused(b"mobileNumber,reference,mobileNumber"),
            "column 3: is a duplicate"
        );
        for header in [&b"reference"[..], b"", b" "] {
            assert_eq!(
                refused(header),
                "mobileNumber: the first line has to name this column"
            );
        }
        assert_eq!(
            refused(b"a,b,c,d,e,f"),
            "line: has more fields than there are columns"
        );
    }
}
