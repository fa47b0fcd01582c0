//! The OpenAPI document.

use std::collections::BTreeMap;
use std::fmt;

use provider_core::schemars::SchemaGenerator;
use provider_core::schemars::generate::SchemaSettings;
use provider_core::{CatalogueEntry, Provider};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::members::FileMember;
use super::operation::{DEFINITIONS, OperationObject, OwnPart, describe};
use super::prose::prose;

/// An OpenAPI 3.1 document. It serialises in the usual order, and its fields may be changed before: a sandbox sets its own
/// `servers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The version of OpenAPI, `3.1.0`.
    pub openapi: String,
    /// Title, version and description.
    pub info: Map<String, Value>,
    /// The addresses.
    pub servers: Vec<Value>,
    /// The security requirements of every operation.
    pub security: Vec<Value>,
    /// The subjects of operations, by which generated clients are grouped.
    #[serde(default)]
    pub tags: Vec<Value>,
    /// What the provider's own part says of single operations, by the client's method.
    #[serde(default, skip_serializing, rename = "x-kyc-operations")]
    own: BTreeMap<String, OwnPart>,
    /// The operations, by path and by method.
    #[serde(skip_deserializing)]
    pub paths: BTreeMap<String, BTreeMap<String, OperationObject>>,
    /// The referenced components.
    pub components: Components,
}

/// The components that the rest of a document refers to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Components {
    /// The credential headers.
    pub security_schemes: BTreeMap<String, Value>,
    /// The refusals by status; every operation has all of them.
    pub responses: BTreeMap<String, Value>,
    /// The schemas of requests, replies and refusals.
    pub schemas: BTreeMap<String, Value>,
}

/// Why a document cannot be created.
#[derive(Debug)]
#[non_exhaustive]
pub enum DocumentError {
    /// The provider's own part is not a document without operations.
    Provider(serde_json::Error),
    /// An operation has no schema: its client was built without the feature `schema`.
    NoSchema(&'static str),
    /// A member of an operation's request stands in the path, `x-path`, where the route has no such placeholder.
    NoPlaceholder {
        /// The client's method.
        method: &'static str,
        /// The request's member.
        member: String,
        /// What its `x-path` says.
        placeholder: String,
    },
    /// A placeholder of an operation's route is filled by no member of its request, or by several.
    Unfilled {
        /// The client's method.
        method: &'static str,
        /// The placeholder.
        placeholder: &'static str,
        /// The members whose `x-path` says so.
        members: Vec<String>,
    },
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(_) => {
                f.write_str("the provider's own part of the document is malformed")
            }
            Self::NoSchema(method) => write!(f, "{method} was built without a schema"),
            Self::NoPlaceholder {
                method,
                member,
                placeholder,
            } => write!(
                f,
                "{method}: the member {member} has x-path {placeholder}, and the route no such placeholder"
            ),
            Self::Unfilled {
                method,
                placeholder,
                members,
            } if members.is_empty() => write!(
                f,
                "{method}: no member has x-path {placeholder}, which is a placeholder of the route"
            ),
            Self::Unfilled {
                method,
                placeholder,
                members,
            } => write!(
                f,
                "{method}: {} have x-path {placeholder}, and one placeholder is filled by one member",
                members.join(" and ")
            ),
        }
    }
}

impl std::error::Error for DocumentError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Provider(error) => Some(error),
            Self::NoSchema(_) | Self::NoPlaceholder { .. } | Self::Unfilled { .. } => None,
        }
    }
}

impl Document {
    /// Creates the document of a provider's operations.
    ///
    /// `provider` is the provider's own part: an OpenAPI document without operations, whose `components.responses` are the
    /// refusals by status. Its `x-kyc-operations` say of single operations, by the client's method, what is no other one's: the
    /// `tags`, the `status` of a success where a page documents it, and in `responses` its own words for a refusal.
    ///
    /// # Errors
    ///
    /// [`DocumentError`]: a mistake in the provider's crate.
    pub fn new<'e, P: Provider>(
        provider: &str,
        operations: impl IntoIterator<Item = &'e CatalogueEntry<P>>,
    ) -> Result<Self, DocumentError> {
        let mut document: Self = serde_json::from_str(provider).map_err(DocumentError::Provider)?;
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = DEFINITIONS.into();
        });
        let mut generator = SchemaGenerator::new(settings);
        for entry in operations {
            let described = describe(entry, &mut generator, &document.components.responses);
            let (path, mut operation) = described?;
            if let Some(own) = document.own.remove(entry.method()) {
                own.amend(&mut operation);
            }
            let method = entry
                .operation()
                .route
                .method()
                .as_str()
                .to_ascii_lowercase();
            document
                .paths
                .entry(path)
                .or_default()
                .insert(method, operation);
        }
        document.explain(GENERATED);
        let mut schemas = Value::Object(generator.take_definitions(true));
        for_other_languages(&mut schemas);
        if let Value::Object(schemas) = schemas {
            document.components.schemas.extend(schemas);
        }
        Ok(document)
    }
}

/// What the generated parts mean, whatever the provider is.
const GENERATED: &str = "`x-kyc-idempotency` says whether a call may be repeated: `safe` is a read; `repeatable` does no harm when it \
    is sent again; `unsafe` opens, bills or sends something each time, so do not repeat one whose outcome you do not know.\n\n\
    `x-kyc-members` of a schema lists members that replies are known to have and that are not described: other \
    spellings of one that is, and what only the reply as it came has. `examples` are the values that the provider lists; such lists are \
    open unless a schema has `enum` or `const`, so expect another value.";

impl Document {
    /// Adds a paragraph to the introduction.
    fn explain(&mut self, paragraph: &str) {
        let description = self.info.entry("description").or_insert_with(|| "".into());
        let before = description.as_str().unwrap_or_default();
        *description = format!("{before}\n\n{paragraph}").trim_start().into();
    }
}

/// Rewrites the Rust-specific parts of schemas: their descriptions, the default of an `Option`, and that unknown members of a
/// request are refused, which is this library's rule and on no page of a provider, and how a command reads a file.
fn for_other_languages(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = prose(description);
                if description.is_empty() {
                    members.remove("description");
                }
            }
            if members.get("additionalProperties") == Some(&Value::Bool(false)) {
                members.remove("additionalProperties");
            }
            if members.get("default").is_some_and(Value::is_null) {
                members.remove("default");
            }
            members.remove(FileMember::KEYWORD);
            members.values_mut().for_each(for_other_languages);
        }
        Value::Array(values) => values.iter_mut().for_each(for_other_languages),
        _ => {}
    }
}
