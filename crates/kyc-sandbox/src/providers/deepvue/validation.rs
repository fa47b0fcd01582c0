//! Deepvue's validation items.

use serde_json::Value;

use super::options::ValidationItems;
use crate::exchange::Json;

/// One problem of a body: its location, its kind, and the value that was sent.
pub(super) struct Problem {
    pub(super) at: Vec<Json>,
    pub(super) kind: Kind,
    pub(super) input: Value,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Missing,
    NotText,
    NotBoolean,
    NotAnObject,
    NotJson,
    NotAList,
    UnknownDocType,
    ConsentNotGiven,
    EmptyText,
    EmptyList,
    Repeated,
    NotHttps,
}

impl Kind {
    /// `msg` and `type` in both forms. Only those of a missing field in the first form are documented; the others are those
    /// of the framework with this form.
    fn words(self, items: ValidationItems) -> (&'static str, &'static str) {
        use ValidationItems::{PydanticV1 as V1, PydanticV2 as V2};
        match (self, items) {
            (Self::Missing, V1) => ("field required", "value_error.missing"),
            (Self::Missing, V2) => ("Field required", "missing"),
            (Self::NotText, V1) => ("str type expected", "type_error.str"),
            (Self::NotText, V2) => ("Input should be a valid string", "string_type"),
            (Self::NotBoolean, V1) => ("value could not be parsed to a boolean", "type_error.bool"),
            (Self::NotBoolean, V2) => ("Input should be a valid boolean", "bool_type"),
            (Self::NotAnObject, V1) => ("value is not a valid dict", "type_error.dict"),
            (Self::NotAnObject, V2) => (
                "Input should be a valid dictionary or object to extract fields from",
                "model_attributes_type",
            ),
            (Self::NotJson, V1) => (
                "Expecting value: line 1 column 1 (char 0)",
                "value_error.jsondecode",
            ),
            (Self::NotJson, V2) => ("JSON decode error", "json_invalid"),
            (Self::NotAList, V1) => ("value is not a valid list", "type_error.list"),
            (Self::NotAList, V2) => ("Input should be a valid list", "list_type"),
            (Self::UnknownDocType, V1) => (
                "value is not a valid enumeration member; permitted: 'aadhaar', 'pan', 'dl'",
                "type_error.enum",
            ),
            (Self::UnknownDocType, V2) => ("Input should be 'aadhaar', 'pan' or 'dl'", "enum"),
            (Self::ConsentNotGiven, V1) => {
                ("unexpected value; permitted: 'Y'", "value_error.const")
            }
            (Self::ConsentNotGiven, V2) => ("Input should be 'Y'", "literal_error"),
            (Self::EmptyText, V1) => (
                "ensure this value has at least 1 characters",
                "value_error.any_str.min_length",
            ),
            (Self::EmptyText, V2) => (
                "String should have at least 1 character",
                "string_too_short",
            ),
            (Self::EmptyList, V1) => (
                "ensure this value has at least 1 items",
                "value_error.list.min_items",
            ),
            (Self::EmptyList, V2) => (
                "List should have at least 1 item after validation, not 0",
                "too_short",
            ),
            (Self::Repeated, V1) => (
                "the list has duplicated items",
                "value_error.list.unique_items",
            ),
            (Self::Repeated, V2) => ("Value error, the list has duplicated items", "value_error"),
            (Self::NotHttps, V1) => ("URL scheme not permitted", "value_error.url.scheme"),
            (Self::NotHttps, V2) => ("URL scheme should be 'https'", "url_scheme"),
        }
    }
}

impl Problem {
    pub(super) fn item(self, items: ValidationItems) -> Json {
        let (message, kind) = self.kind.words(items);
        let place = Json::List(self.at);
        Json::Object(match items {
            ValidationItems::PydanticV1 => {
                vec![
                    ("loc", place),
                    ("msg", message.into()),
                    ("type", kind.into()),
                ]
            }
            ValidationItems::PydanticV2 => vec![
                ("type", kind.into()),
                ("loc", place),
                ("msg", message.into()),
                ("input", Json::Echo(self.input)),
            ],
        })
    }
}
