//! One operation in OpenAPI.

use std::collections::BTreeMap;

use provider_core::schemars::SchemaGenerator;
use provider_core::{CatalogueEntry, Mark, Operation, Provider, Signs};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::document::DocumentError;
use super::members::{Place, properties, required};
use super::prose::{headline, prose};

/// The place of schemas in a document, as a JSON pointer.
pub(crate) const DEFINITIONS: &str = "/components/schemas";

/// One operation of a document.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationObject {
    /// The name of the client's method.
    pub operation_id: &'static str,
    /// Its subject.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// A short summary.
    pub summary: String,
    /// The description, in Markdown. It labels an operation that the provider's own pages do not state.
    pub description: String,
    /// Whether the provider calls it deprecated.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// How well it is documented: `seed`, `docs`, `upstream`, `3p` or `unknown`.
    #[serde(rename = "x-kyc-mark")]
    pub mark: &'static str,
    /// Its idempotency: `safe`, `repeatable` or `unsafe`.
    #[serde(rename = "x-kyc-idempotency")]
    pub idempotency: &'static str,
    /// What the request's signature covers: `nothing`, `body`, or `path:` and a parameter's name.
    #[serde(rename = "x-kyc-signs")]
    pub signs: String,
    /// The parameters of path and query.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// The body, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<Value>,
    /// The replies by status.
    pub responses: BTreeMap<String, Value>,
}

/// The status of a success, where none is documented.
const ANY_SUCCESS: &str = "2XX";

/// What the provider's own part of the document says of one operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnPart {
    /// Its subject.
    tags: Vec<String>,
    /// The status of a success, if a page documents it.
    status: Option<u16>,
    /// Refusals by status, in place of those of every operation; null is for one that it has not.
    #[serde(default)]
    responses: BTreeMap<String, Option<Value>>,
}

impl OwnPart {
    /// Writes it into the operation.
    pub(crate) fn amend(self, operation: &mut OperationObject) {
        operation.tags = self.tags;
        if let Some(status) = self.status
            && let Some(success) = operation.responses.remove(ANY_SUCCESS)
        {
            operation.responses.insert(status.to_string(), success);
        }
        for (status, refusal) in self.responses {
            match refusal {
                Some(refusal) => operation.responses.insert(status, refusal),
                None => operation.responses.remove(&status),
            };
        }
    }
}

/// A parameter in the path or the query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    /// The name: the request's member in the path, the wire's name in the query.
    pub name: String,
    /// `path` or `query`.
    #[serde(rename = "in")]
    pub place: &'static str,
    /// Whether it is required.
    pub required: bool,
    /// Its description, in Markdown.
    pub description: String,
    /// Its schema.
    pub schema: Value,
    /// The request's member, if it has another name.
    #[serde(rename = "x-kyc-member", skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

/// Describes an operation and gives its path, in which a placeholder has the name of the request's member. What it refers
/// to is in `generator`.
///
/// # Errors
///
/// The client was built without `schema`, or the placeholders of the route are not the members that say so.
pub(crate) fn describe<P: Provider>(
    entry: &CatalogueEntry<P>,
    generator: &mut SchemaGenerator,
    refusals: &BTreeMap<String, Value>,
) -> Result<(String, OperationObject), DocumentError> {
    let operation = entry.operation();
    let no_schema = || DocumentError::NoSchema(entry.method());
    let request = entry.request_schema(generator).ok_or_else(no_schema)?;
    let request = request.to_value();
    // A file is its bytes; generators make something of the format alone.
    let mut reply = files(operation.content_types);
    if operation.content_types.is_empty() {
        let schema = entry.reply_schema(generator).ok_or_else(no_schema)?;
        reply = content("application/json", schema.as_value());
        reply.extend(files(operation.or_content_types));
    }
    let name = request.get("$ref").and_then(Value::as_str);
    let name = name
        .and_then(|place| place.rsplit('/').next())
        .unwrap_or_default();
    let definitions = generator.definitions_mut();
    require_what_is_sent(definitions, name);
    let mut parameters = Vec::new();
    let mut has_body = false;
    if let Some(Value::Object(definition)) = definitions.get_mut(name) {
        parameters = take_parameters(definition);
        has_body = operation.route.method().has_body() && properties(definition).next().is_some();
    }
    if !has_body {
        definitions.remove(name);
    }
    check_path(entry.method(), operation, &parameters)?;
    let mut path = operation.route.path().to_owned();
    for (placeholder, parameter) in &parameters {
        let braced = |name: &str| format!("{{{name}}}");
        path = path.replace(&braced(placeholder), &braced(&parameter.name));
    }
    let signs = match operation.signs {
        Signs::Body if P::SIGNS_REQUESTS => "body".to_owned(),
        Signs::Segment(signed) if P::SIGNS_REQUESTS => {
            let parameter = parameters
                .iter()
                .find(|(placeholder, _)| placeholder == signed);
            format!(
                "path:{}",
                parameter.map_or(signed, |(_, parameter)| &parameter.name)
            )
        }
        _ => "nothing".to_owned(),
    };
    let mut parameters: Vec<_> = parameters
        .into_iter()
        .map(|(_, parameter)| parameter)
        .collect();
    parameters.sort_by_key(|parameter| (parameter.place, path.find(&parameter.name)));
    let body_type = match operation.sends_form {
        true => "multipart/form-data",
        false => "application/json",
    };
    let body = json!({ "required": true, "content": content(body_type, &request) });
    let success = json!({ "description": "Success.", "content": reply });
    let refusals = refusals.keys().map(|status| {
        let place = format!("#/components/responses/{status}");
        (status.clone(), json!({ "$ref": place }))
    });
    let responses = [(ANY_SUCCESS.to_owned(), success)]
        .into_iter()
        .chain(refusals);
    let described = OperationObject {
        operation_id: entry.method(),
        tags: Vec::new(),
        summary: headline(&entry.summary()),
        description: description(entry.documentation(), operation.mark),
        deprecated: operation.is_deprecated,
        mark: operation.mark.as_str(),
        idempotency: operation.idempotency.as_str(),
        signs,
        parameters,
        request_body: has_body.then_some(body),
        responses: responses.collect(),
    };
    Ok((path, described))
}

/// The contents of files of these types.
fn files(types: &[&str]) -> Map<String, Value> {
    let file = |file: &&str| match *file {
        // Any JSON.
        "application/json" => ("application/json".to_owned(), json!({})),
        file => {
            let text = file.starts_with("text/") || file.ends_with("xml");
            let schema = match text {
                true => json!({ "type": "string" }),
                false => json!({ "type": "string", "format": "binary" }),
            };
            (file.to_owned(), json!({ "schema": schema }))
        }
    };
    types.iter().map(file).collect()
}

/// The content of a body of this type.
fn content(content_type: &str, schema: &Value) -> Map<String, Value> {
    let described = json!({ "schema": schema });
    Map::from_iter([(content_type.to_owned(), described)])
}

/// Checks that each placeholder of the route is filled by one member, and each member that says so fills one.
fn check_path(
    method: &'static str,
    operation: &Operation,
    parameters: &[(String, Parameter)],
) -> Result<(), DocumentError> {
    let in_path = || parameters.iter().filter(|(_, it)| it.place == "path");
    let mut placeholders = operation.route.placeholders();
    let astray = in_path().find(|(placeholder, _)| {
        let mut placeholders = operation.route.placeholders();
        !placeholders.any(|known| known == placeholder)
    });
    if let Some((placeholder, parameter)) = astray {
        return Err(DocumentError::NoPlaceholder {
            method,
            member: parameter.name.clone(),
            placeholder: placeholder.clone(),
        });
    }
    let filled_by = |placeholder: &str| -> Vec<String> {
        let members = in_path().filter(|(filled, _)| filled == placeholder);
        members.map(|(_, member)| member.name.clone()).collect()
    };
    placeholders.try_for_each(|placeholder| match filled_by(placeholder) {
        members if members.len() == 1 => Ok(()),
        members => Err(DocumentError::Unfilled {
            method,
            placeholder,
            members,
        }),
    })
}

/// The documentation; for an operation that the provider's own pages do not state, it starts with a note.
fn description(documentation: &str, mark: Mark) -> String {
    let source = match mark {
        Mark::Seed | Mark::Docs => return prose(documentation),
        Mark::Upstream => {
            "the information comes from a company that the provider probably relays to"
        }
        Mark::ThirdParty => "the information comes from third parties, or is an inference",
        Mark::Unknown => "it is not documented",
    };
    let (mark, documentation) = (mark.as_str(), prose(documentation));
    format!(
        "**Unconfirmed** (`[{mark}]`): the provider's own pages do not state request and reply; {source}.\n\n{documentation}"
    )
}

/// Removes from a request's schema the members that are not in the body, and returns each as a parameter, with the
/// placeholder of the route that it fills, or an empty text. The remaining members are described as they are sent: an
/// absent one is not null.
fn take_parameters(request: &mut Map<String, Value>) -> Vec<(String, Parameter)> {
    let all_required: Vec<_> = required(request).into_iter().map(str::to_owned).collect();
    let Some(Value::Object(properties)) = request.get_mut("properties") else {
        return Vec::new();
    };
    let mut taken = Vec::new();
    properties.retain(|member, schema| {
        without_null(schema);
        let (name, place, placeholder) = match Place::of(schema) {
            Place::Body => return true,
            Place::Path(placeholder) => (member.clone(), "path", placeholder),
            Place::Query(name) => (name, "query", String::new()),
        };
        let mut schema = schema.take();
        let mut take = |keyword| schema.as_object_mut()?.remove(keyword);
        let _ = (take(Place::PATH), take(Place::QUERY));
        let description = take("description");
        let parameter = Parameter {
            member: (name != *member).then(|| member.clone()),
            required: place == "path" || all_required.contains(member),
            name,
            place,
            description: prose(
                description
                    .as_ref()
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            ),
            schema,
        };
        taken.push((placeholder, parameter));
        false
    });
    let stays = |name: &String| properties.contains_key(name);
    let required: Vec<_> = all_required.into_iter().filter(stays).collect();
    request.insert("required".to_owned(), required.into());
    taken
}

/// Requires the members of a request that are always sent: one with a default is optional for the library's own callers, and the
/// provider knows nothing of the default, which is left out.
fn require_what_is_sent(definitions: &mut Map<String, Value>, name: &str) {
    let mut seen = vec![name.to_owned()];
    let mut at = 0;
    while let Some(name) = seen.get(at).cloned() {
        at = at.saturating_add(1);
        let Some(Value::Object(definition)) = definitions.get_mut(&name) else {
            continue;
        };
        let mut names: Vec<_> = required(definition)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let schemas = definition
            .get_mut("properties")
            .and_then(Value::as_object_mut);
        for (member, schema) in schemas.into_iter().flatten() {
            // A default of the query is the page's own example.
            let is_sent = matches!(Place::of(schema), Place::Body)
                && schema
                    .get("default")
                    .is_some_and(|default| !default.is_null());
            if is_sent && let Some(schema) = schema.as_object_mut() {
                schema.remove("default");
            }
            if is_sent && !names.contains(member) {
                names.push(member.clone());
            }
            let referred = schema.get("$ref").and_then(Value::as_str);
            let referred = referred.and_then(|place| place.rsplit('/').next());
            if let Some(referred) = referred
                && !seen.iter().any(|name| name == referred)
            {
                seen.push(referred.to_owned());
            }
        }
        if !names.is_empty() {
            definition.insert("required".to_owned(), names.into());
        }
    }
}

/// Removes null from the types of a value: Rust's `Option`.
fn without_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            schema["type"] = only;
        }
    }
    if let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") {
        alternatives.retain(|schema| schema.get("type").is_none_or(|name| name != "null"));
    }
}
