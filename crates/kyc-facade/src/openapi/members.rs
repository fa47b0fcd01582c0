//! The members of a request: their kind, and their place in the HTTP request.

use provider_core::schemars::SchemaGenerator;
use provider_core::schemars::generate::SchemaSettings;
use provider_core::{CatalogueEntry, Provider};
use serde_json::{Map, Value};

use super::prose::prose;

/// A member of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name in JSON; `image.content` is the member `content` of the object `image`.
    pub name: String,
    /// Its place in the HTTP request.
    pub place: Place,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Its documentation, in Markdown; of a member that carries a file, what the file is.
    pub description: String,
    /// The kind of its value.
    pub kind: Kind,
    /// The values that the provider lists, if the list is open: another one is sent as it is.
    pub listed: Vec<String>,
    /// How the value is made of a file, if it carries one: `extend("x-kyc-file" = …)` on the field.
    pub file: Option<FileMember>,
}

/// A member whose value is a file, or is in one: longer than a person types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMember {
    /// How the file becomes the value.
    pub encoding: FileEncoding,
    /// The most bytes of the file.
    pub max_bytes: usize,
}

/// How a file becomes a member's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileEncoding {
    /// Its text, UTF-8: `text`.
    Text,
    /// The JSON in it: `json`.
    Json,
    /// A data URI of a picture or a PDF: `data-uri`.
    DataUri,
    /// A list of objects, each of which has one PDF in base64 in a member of a name that the caller knows: `named-pdf`.
    NamedPdf,
}

impl FileMember {
    /// The schema keyword: an object of `encoding`, `maxBytes` and `description`, which says what the file is, where the field's own
    /// documentation says what is sent.
    pub(crate) const KEYWORD: &'static str = "x-kyc-file";

    fn of(schema: &Value) -> Option<Self> {
        let keyword = schema.get(Self::KEYWORD)?;
        let encoding = match keyword.get("encoding")?.as_str()? {
            "text" => FileEncoding::Text,
            "json" => FileEncoding::Json,
            "data-uri" => FileEncoding::DataUri,
            "named-pdf" => FileEncoding::NamedPdf,
            _ => return None,
        };
        let max_bytes = keyword.get("maxBytes")?.as_u64()?;
        let max_bytes = usize::try_from(max_bytes).ok()?;
        Some(Self {
            encoding,
            max_bytes,
        })
    }
}

/// The place of a member in the HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the path, in place of this placeholder of the route: `extend("x-path" = "id")` on the field.
    Path(String),
    /// In the query, as the parameter of this name: `extend("x-query" = "version")` on the field.
    Query(String),
    /// In the body.
    Body,
}

/// The kind of a member's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A list of such values.
    List(Box<Kind>),
    /// Anything deeper.
    Other,
}

/// The members of an operation's request: the required ones in the order of their declaration, then the others by name. An object
/// that carries a file is its own members. Empty if the client was built without `schema`.
pub fn members<P: Provider>(entry: &CatalogueEntry<P>) -> Vec<Member> {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = entry.request_schema(&mut SchemaGenerator::new(settings));
    let schema = schema.and_then(|schema| schema.as_object().cloned());
    let schema = schema.unwrap_or_default();
    members_of(&schema, "", true)
}

/// The members of an object, whose names begin so.
fn members_of(schema: &Map<String, Value>, prefix: &str, all_required: bool) -> Vec<Member> {
    let required = required(schema);
    let mut properties: Vec<_> = properties(schema).collect();
    properties.sort_by_key(|(name, _)| {
        let at = required.iter().position(|required| required == name);
        at.unwrap_or(required.len())
    });
    let members = properties.into_iter().flat_map(|(name, schema)| {
        let is_required = all_required && required.contains(&name.as_str());
        let name = format!("{prefix}{name}");
        if carries_a_file(schema)
            && let Some(object) = schema.as_object()
        {
            return members_of(object, &format!("{name}."), is_required);
        }
        let described = schema.get(FileMember::KEYWORD).unwrap_or(schema);
        let description = described.get("description").and_then(Value::as_str);
        vec![Member {
            name,
            place: Place::of(schema),
            required: is_required,
            description: prose(description.unwrap_or_default()),
            kind: Kind::of(schema),
            listed: listed(schema),
            file: FileMember::of(schema),
        }]
    });
    members.collect()
}

/// Whether it is an object with a member that carries a file.
fn carries_a_file(schema: &Value) -> bool {
    let members = schema.as_object().into_iter().flat_map(properties);
    let mut files = members.filter_map(|(_, schema)| FileMember::of(schema));
    files.next().is_some()
}

pub(crate) fn properties(schema: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// The listed values of an open enumeration, of an optional one, or of the items of a list.
fn listed(schema: &Value) -> Vec<String> {
    let texts = |schema: &Value| -> Option<Vec<String>> {
        let examples = schema.get("examples")?.as_array()?;
        examples
            .iter()
            .map(|text| text.as_str().map(str::to_owned))
            .collect()
    };
    let alternatives = schema.get("anyOf").and_then(Value::as_array);
    let inner = alternatives
        .into_iter()
        .flatten()
        .chain(schema.get("items"));
    texts(schema)
        .or_else(|| inner.into_iter().find_map(texts))
        .unwrap_or_default()
}

pub(crate) fn required(schema: &Map<String, Value>) -> Vec<&str> {
    let names = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    names.filter_map(Value::as_str).collect()
}

impl Place {
    /// The schema keyword that names a placeholder of the route.
    pub(crate) const PATH: &'static str = "x-path";
    /// The schema keyword that names a parameter of the query.
    pub(crate) const QUERY: &'static str = "x-query";

    pub(crate) fn of(schema: &Value) -> Self {
        let named = |keyword| {
            schema
                .get(keyword)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        named(Self::PATH)
            .map(Self::Path)
            .or_else(|| named(Self::QUERY).map(Self::Query))
            .unwrap_or(Self::Body)
    }
}

impl Kind {
    fn of(schema: &Value) -> Self {
        let alternatives = ["anyOf", "oneOf"]
            .into_iter()
            .find_map(|keyword| schema.get(keyword)?.as_array());
        if let Some(alternatives) = alternatives {
            let is_null = |schema: &Value| schema.get("type").is_some_and(|word| word == "null");
            let mut kinds = alternatives
                .iter()
                .filter(|schema| !is_null(schema))
                .map(Self::of);
            let Some(first) = kinds.next() else {
                return Self::Other;
            };
            return if kinds.all(|kind| kind == first) {
                first
            } else {
                Self::Other
            };
        }
        let words: Vec<_> = match schema.get("type") {
            Some(Value::String(word)) => vec![word.as_str()],
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        match words.iter().find(|word| **word != "null") {
            Some(&"string") => Self::Text,
            Some(&"boolean") => Self::Boolean,
            Some(&"integer") => Self::Integer,
            Some(&"number") => Self::Number,
            Some(&"array") => match schema.get("items").map(Self::of) {
                Some(kind @ (Self::Text | Self::Boolean | Self::Integer | Self::Number)) => {
                    Self::List(Box::new(kind))
                }
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_and_lists_of_scalars_have_a_kind() {
        for (schema, kind) in [
            (json!({"type": "string", "pattern": "^.$"}), Kind::Text),
            (json!({"type": ["string", "null"]}), Kind::Text),
            (
                json!({"oneOf": [{"type": "string", "const": "a"}, {"type": "string", "enum": ["b"]}]}),
                Kind::Text,
            ),
            (
                json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
                Kind::Integer,
            ),
            (json!({"type": "boolean"}), Kind::Boolean),
            (json!({"type": "number"}), Kind::Number),
            (
                json!({"type": "array", "items": {"type": "string"}}),
                Kind::List(Box::new(Kind::Text)),
            ),
            (
                json!({"type": "array", "items": {"type": "array", "items": {"type": "string"}}}),
                Kind::Other,
            ),
            (json!({"type": "array"}), Kind::Other),
            (json!({"type": "object"}), Kind::Other),
            (
                json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
                Kind::Other,
            ),
            (json!({"anyOf": []}), Kind::Other),
            (json!({}), Kind::Other),
            (json!(true), Kind::Other),
        ] {
            assert_eq!(Kind::of(&schema), kind, "{schema}");
        }
    }
}
