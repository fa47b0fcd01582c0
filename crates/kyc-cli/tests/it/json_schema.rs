//! The part of JSON Schema that the documents use.

use serde_json::{Map, Value};

/// Keywords that are annotations, or not worth checking.
const NOTES: [&str; 10] = [
    "x-kyc-members",
    "default",
    "description",
    "examples",
    "format",
    "maximum",
    "minimum",
    "pattern",
    "title",
    "x-kyc-member",
];

/// The places where a value violates a schema, one per line. References point into the document.
pub(crate) fn problems(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    check(document, schema, value, "$", &mut problems);
    problems
}

fn check(document: &Value, schema: &Value, value: &Value, place: &str, problems: &mut Vec<String>) {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    for (keyword, rule) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$ref" => {
                let referred = rule.as_str().unwrap().trim_start_matches('#');
                check(
                    document,
                    document.pointer(referred).unwrap(),
                    value,
                    place,
                    problems,
                );
                true
            }
            "type" => match rule {
                Value::Array(types) => types.iter().any(|name| is_of(value, name)),
                name => is_of(value, name),
            },
            "const" => rule == value,
            "anyOf" => {
                let mut schemas = rule.as_array().unwrap().iter();
                schemas.any(|schema| self::problems(document, schema, value).is_empty())
            }
            "oneOf" => {
                let schemas = rule.as_array().unwrap().iter();
                let fits = |schema: &&Value| self::problems(document, schema, value).is_empty();
                schemas.filter(fits).count() == 1
            }
            "allOf" => {
                let mut schemas = rule.as_array().unwrap().iter();
                schemas.all(|schema| self::problems(document, schema, value).is_empty())
            }
            "required" => {
                let mut names = rule.as_array().unwrap().iter();
                names.all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "enum" => rule.as_array().unwrap().contains(value),
            // Any other members are allowed.
            "additionalProperties" if rule == true => true,
            "additionalProperties" if rule.is_object() => {
                let members = value.as_object().unwrap_or(&none).iter();
                for (name, value) in members.filter(|(name, _)| !properties.contains_key(*name)) {
                    check(document, rule, value, &format!("{place}.{name}"), problems);
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(*rule, false);
                let mut names = value.as_object().unwrap_or(&none).keys();
                names.all(|name| properties.contains_key(name))
            }
            "properties" => {
                for (name, schema) in properties {
                    if let Some(value) = value.get(name) {
                        check(
                            document,
                            schema,
                            value,
                            &format!("{place}.{name}"),
                            problems,
                        );
                    }
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(
                        document,
                        rule,
                        value,
                        &format!("{place}[{index}]"),
                        problems,
                    );
                }
                true
            }
            note if NOTES.contains(&note) => true,
            other => panic!("{other}: not checked yet"),
        };
        if !holds {
            problems.push(format!("{place}: {keyword}"));
        }
    }
}

fn is_of(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    }
}
