//! Rows of a batch's input: CSV lines below a header, or JSON objects.

use csv_core::ReadRecordResult;
use kyc_facade::finpro_profile::{AaId, CheckProfile, UserConsentId};
use kyc_facade::provider_core::{InvalidRequest, Mobile, RequestId};
use serde_json::{Map, Value};

const MOBILE_NUMBER: &str = "mobileNumber";
const USER_CONSENT_ID: &str = "userConsentId";
const AA_ID: &str = "aaId";
const REFERENCE: &str = "reference";
const KNOWN: [&str; 4] = [MOBILE_NUMBER, USER_CONSENT_ID, AA_ID, REFERENCE];
const KNOWN_TEXT: &str = "is unknown; must be one of mobileNumber, userConsentId, aaId, reference";

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

/// A question, and its generated id if the line has none.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) question: CheckProfile,
    pub(super) generated_id: Option<String>,
}

/// Reads lines of one input.
pub(super) struct Rows {
    format: Form,
}

enum Form {
    Csv(Box<Csv>),
    JsonLines,
}

struct Csv {
    reader: csv_core::Reader,
    /// The field of each column.
    columns: Vec<&'static str>,
    fields: Vec<u8>,
    ends: Vec<usize>,
}

impl Rows {
    /// Rows of JSON lines.
    pub(super) fn json_lines() -> Self {
        Self {
            format: Form::JsonLines,
        }
    }

    /// Rows of a CSV file that begins with this line.
    ///
    /// # Errors
    ///
    /// An unknown or duplicate column, or no column for the mobile number. The column's text is not printed, because the
    /// header may be missing.
    pub(super) fn csv(header: &[u8]) -> Result<Self, InvalidRequest> {
        let mut csv = Csv {
            reader: csv_core::Reader::new(),
            columns: Vec::new(),
            fields: Vec::new(),
            // One more than a row may have, to detect rows with too many.
            ends: vec![0; KNOWN.len().saturating_add(1)],
        };
        let header = match header.trim_ascii().is_empty() {
            true => Vec::new(),
            false => csv.split(header)?,
        };
        for (at, name) in header.into_iter().enumerate() {
            let column = || format!("column {}", at.saturating_add(1));
            let Some(known) = KNOWN.into_iter().find(|known| *known == name) else {
                return Err(InvalidRequest::new(column(), KNOWN_TEXT));
            };
            if csv.columns.contains(&known) {
                return Err(InvalidRequest::new(column(), "is a duplicate"));
            }
            csv.columns.push(known);
        }
        if !csv.columns.contains(&MOBILE_NUMBER) {
            let rule = "the first line has to name this column";
            return Err(InvalidRequest::new(MOBILE_NUMBER, rule));
        }
        Ok(Self {
            format: Form::Csv(Box::new(csv)),
        })
    }

    /// Reads one line, which is not blank.
    pub(super) fn read(&mut self, line: &[u8]) -> Row {
        match &mut self.format {
            Form::Csv(csv) => csv.row(line),
            Form::JsonLines => json(line),
        }
    }
}

impl Csv {
    /// The fields of one line.
    fn split(&mut self, line: &[u8]) -> Result<Vec<String>, InvalidRequest> {
        // With the line feed, because a quoted field that is still open there is unterminated: a line is a row, so that one
        // stray quote cannot swallow the rest of the file.
        let line = &[line, b"\n"].concat();
        self.fields.resize(line.len(), 0);
        let (result, read, _, fields) =
            self.reader
                .read_record(line, &mut self.fields, &mut self.ends);
        if result != ReadRecordResult::Record || read != line.len() {
            self.reader.reset();
            let rule = match result {
                ReadRecordResult::OutputEndsFull => "has more fields than there are columns",
                _ => "must be one row, with each quote closed",
            };
            return Err(InvalidRequest::new("line", rule));
        }
        let ends = self.ends.get(..fields).unwrap_or_default();
        let mut from = 0;
        ends.iter()
            .map(|end| {
                let field = self.fields.get(from..*end).unwrap_or_default();
                from = *end;
                text(field).map(str::to_owned)
            })
            .collect()
    }

    fn row(&mut self, line: &[u8]) -> Row {
        let fields = match self.split(line) {
            Ok(fields) if fields.len() == self.columns.len() => fields,
            Ok(_) => {
                return Row::broken("line", "must have as many fields as there are columns");
            }
            Err(error) => return Row::refused(error),
        };
        let of = |name: &str| {
            let at = self.columns.iter().position(|column| *column == name)?;
            fields.get(at).map(String::as_str)
        };
        let aa_ids = of(AA_ID).unwrap_or_default();
        Row::new(
            of(MOBILE_NUMBER),
            of(USER_CONSENT_ID),
            several(aa_ids).collect(),
            of(REFERENCE),
        )
    }
}

fn json(line: &[u8]) -> Row {
    let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(line) else {
        return Row::broken("line", "must be one JSON object");
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
    pub(super) fn broken(field: impl Into<String>, rule: &'static str) -> Self {
        Self::refused(InvalidRequest::new(field.into(), rule))
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
            question: CheckProfile::new(mobile, id).set_aa_ids(aa_ids),
            generated_id,
        })
    }
}

/// Splits several ids in one text.
fn several(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ';']).filter(|id| !id.is_empty())
}

fn text(bytes: &[u8]) -> Result<&str, InvalidRequest> {
    std::str::from_utf8(bytes).map_err(|_| InvalidRequest::new("line", "must be UTF-8"))
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
        let mut rows = Rows::csv(b"reference,aaId,userConsentId,mobileNumber").unwrap();
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
        let mut rows = Rows::json_lines();
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
        let mut rows = Rows::csv(b"mobileNumber,aaId").unwrap();
        for (line, expected) in [
            (&b"CANARY,"[..], ten_digits),
            (b",", ten_digits),
            (b"\"9000000001", quoted),
            (b"9000000001,\"CANARY", quoted),
            (b"9000000001\r,CANARY", quoted),
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
        let object = "line: must be one JSON object";
        let long = format!(
            r#"{{"mobileNumber":"9000000001","reference":"{}"}}"#,
            "x".repeat(201)
        );
        for (line, expected) in [
            ("9000000001", object),
            (r#"{"mobileNumber":"CANARY"#, object),
            (r#"{"mobileNumber":"9000000001"} {}"#, object),
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
                r#"{"CANARY":"9000000001"}"#,
                "field 1: is unknown; must be one of mobileNumber, userConsentId, aaId, reference",
            ),
            (&long, "reference: must be at most 200 characters"),
        ] {
            assert_eq!(rule(&Rows::json_lines().read(line.as_bytes())), expected);
        }
    }

    #[test]
    fn a_bad_row_keeps_its_reference() {
        let mut rows = Rows::csv(b"mobileNumber,reference").unwrap();
        assert_eq!(rows.read(b"1,a-7").reference.as_deref(), Some("a-7"));
    }

    #[test]
    fn an_unexpected_header_is_refused() {
        let refused = |header: &[u8]| Rows::csv(header).err().unwrap().to_string();
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
