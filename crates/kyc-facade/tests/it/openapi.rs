//! The document of an invented provider, whose operations have a path, a query, a body, or no parameters.

use kyc_facade::openapi::{Document, DocumentError, Kind, Member, Place, members};
use kyc_facade::provider_core::http::request::Parts;
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::schemars::{self, JsonSchema};
use kyc_facade::provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, BuiltRequest, Content, Endpoint, Fault, Idempotency,
    InvalidRequest, KnownMembers, Mark, Operation, PathId, Provider, RawResponse, RequestBuilder,
    ResponseError, VerificationError, Verified,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug)]
struct Acme;

impl Provider for Acme {
    const NAME: &'static str = "acme";
    const SIGNS_REQUESTS: bool = true;
    const ENVELOPE: KnownMembers = KnownMembers::new(&[], &[]);

    fn base_url(&self) -> &BaseUrl {
        unreachable!("nothing is sent")
    }

    fn authorize(
        &self,
        _: &mut Parts,
        _: Option<&[u8]>,
        _: &Attempt,
    ) -> Result<(), InvalidRequest> {
        Ok(())
    }

    fn verify(&self, _: &RawResponse, _: Timestamp) -> Result<Authenticity, VerificationError> {
        Ok(Authenticity::Unsigned)
    }

    fn allowance(&self, _: &RawResponse, _: Timestamp) -> Option<Allowance> {
        None
    }

    fn fault(&self, _: &RawResponse) -> Option<Fault> {
        None
    }
}

/// The reply.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Reply {
    person: Option<Person>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Person {
    name: String,
}

/// Reads a decision.
///
/// ```
/// use acme;
/// ```
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ReadDecision {
    /// The page.
    #[schemars(extend("x-query" = "pageNumber"))]
    page: Option<u16>,
    /// The session, see [`Acme`].
    #[schemars(with = "String", extend("x-path" = "id"))]
    session_id: PathId,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct CloseSession {
    #[schemars(with = "String", extend("x-path" = "id"))]
    session_id: PathId,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct OpenSession {
    tags: Vec<String>,
    person: Person,
    note: Option<String>,
}

macro_rules! endpoint {
    ($request:ty, $operation:expr) => {
        impl Endpoint for $request {
            type Provider = Acme;
            type Output = Reply;

            const OPERATION: Operation = $operation;

            fn request<'a>(
                &'a self,
                request: RequestBuilder<'a, Acme>,
            ) -> Result<BuiltRequest<'a>, InvalidRequest> {
                request.empty()
            }

            fn response(&self, response: &Verified) -> Result<Reply, ResponseError> {
                Ok(response.json()?)
            }
        }
    };
}

endpoint! {
    ReadDecision,
    Operation::new("read-decision", "GET /v1/sessions/{id}/decision", Idempotency::Safe)
        .signing_segment("id")
        .documented(Mark::Upstream)
}
endpoint! {
    CloseSession,
    Operation::new("close-session", "POST /v1/sessions/{id}/close", Idempotency::Repeatable)
        .settled_by("close it again")
        .documented(Mark::Docs)
}
endpoint! {
    OpenSession,
    Operation::new("open-session", "POST /v1/sessions", Idempotency::Unsafe)
        .settled_by("list the sessions")
        .documented(Mark::Seed)
}

provider_core::operations! {
    /// Calls Acme.
    #[catalogue]
    struct AcmeClient(Acme) {
        /// Reads a decision: `GET /v1/sessions/{id}/decision`.
        ///
        /// # Errors
        ///
        /// Many.
        read_decision(ReadDecision);

        /// Closes a session.
        close_session(CloseSession);

        /// Opens a session.
        open_session(OpenSession);
    }
}

const ACME: &str = r#"{
    "openapi": "3.1.0", "info": {"title": "Acme", "version": "1"}, "servers": [], "security": [],
    "components": {"securitySchemes": {}, "responses": {"401": {"description": "Refused."}}, "schemas": {}}
}"#;

/// A picture of it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct FetchPicture {
    #[schemars(with = "String", extend("x-path" = "id"))]
    session_id: PathId,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct SendPicture {
    /// The file, in Base64 here.
    picture: String,
}

impl Endpoint for FetchPicture {
    type Provider = Acme;
    type Output = Content;

    const OPERATION: Operation = Operation::new(
        "fetch-picture",
        "GET /v1/sessions/{id}/picture",
        Idempotency::Safe,
    )
    .signing_segment("id")
    .replying_with(&["image/*", "application/pdf"]);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Acme>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        request.empty()
    }

    fn response(&self, response: &Verified) -> Result<Content, ResponseError> {
        Ok(response.content()?)
    }
}

endpoint! {
    SendPicture,
    Operation::new("send-picture", "POST /v1/pictures", Idempotency::Unsafe)
        .settled_by("list the pictures")
        .sending_form()
}

provider_core::operations! {
    /// Calls Acme about pictures.
    #[catalogue]
    struct PictureClient(Acme) {
        /// Fetches a picture.
        fetch_picture(FetchPicture);

        /// Sends a picture.
        send_picture(SendPicture);
    }
}

/// Its member fills a placeholder that the route does not have.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Astray {
    #[schemars(with = "String", extend("x-path" = "session"))]
    session_id: PathId,
}

/// Its route has a placeholder that no member fills.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Unfilled {
    #[schemars(with = "String")]
    session_id: PathId,
}

/// Two members fill one placeholder.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Twice {
    #[schemars(with = "String", extend("x-path" = "id"))]
    session_id: PathId,
    #[schemars(with = "String", extend("x-path" = "id"))]
    other_id: PathId,
}

endpoint! { Astray, Operation::new("astray", "POST /v1/{id}", Idempotency::Safe) }
endpoint! { Unfilled, Operation::new("unfilled", "POST /v1/{id}", Idempotency::Safe) }
endpoint! { Twice, Operation::new("twice", "POST /v1/{id}", Idempotency::Safe) }

provider_core::operations! {
    /// Calls Acme wrongly.
    #[catalogue]
    struct WrongClient(Acme) {
        /// One.
        astray(Astray);
        /// Two.
        unfilled(Unfilled);
        /// Three.
        twice(Twice);
    }
}

#[test]
fn a_path_and_its_members_match_in_both_directions() {
    let said = WrongClient::CATALOGUE.iter().map(|entry| {
        let error = Document::new(ACME, [entry]).unwrap_err();
        error.to_string()
    });
    assert_eq!(
        said.collect::<Vec<_>>(),
        [
            "astray: the member session_id has x-path session, and the route no such placeholder",
            "unfilled: no member has x-path id, which is a placeholder of the route",
            "twice: other_id and session_id have x-path id, and one placeholder is filled by one member",
        ]
    );
}

#[test]
fn files_and_forms_have_their_own_types() {
    let document = Document::new(ACME, PictureClient::CATALOGUE).unwrap();
    let document = serde_json::to_value(document).unwrap();
    let fetch = &document["paths"]["/v1/sessions/{session_id}/picture"]["get"];
    let bytes = json!({"schema": {"type": "string", "format": "binary"}});
    assert_eq!(
        fetch["responses"]["2XX"]["content"],
        json!({"image/*": bytes, "application/pdf": bytes})
    );
    let send = &document["paths"]["/v1/pictures"]["post"];
    assert_eq!(
        send["requestBody"]["content"],
        json!({"multipart/form-data": {"schema": {"$ref": "#/components/schemas/SendPicture"}}})
    );
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let names: Vec<_> = schemas.keys().collect();
    assert!(!names.contains(&&"Content".to_owned()), "{names:?}");
}

fn document() -> Value {
    serde_json::to_value(Document::new(ACME, AcmeClient::CATALOGUE).unwrap()).unwrap()
}

#[test]
fn members_outside_the_body_are_parameters_named_as_in_the_path() {
    let document = document();
    let decision = &document["paths"]["/v1/sessions/{session_id}/decision"]["get"];
    assert_eq!(
        decision["parameters"],
        json!([
            {"name": "session_id", "in": "path", "required": true, "description": "The session, see `Acme`.", "schema": {"type": "string"}},
            {
                "name": "pageNumber", "in": "query", "required": false, "description": "The page.", "x-kyc-member": "page",
                "schema": {"type": "integer", "format": "uint16", "minimum": 0, "maximum": 65535},
            },
        ])
    );
    assert_eq!(decision["x-kyc-signs"], "path:session_id");
    assert_eq!(decision["requestBody"], Value::Null);
    assert_eq!(
        document["components"]["schemas"]["ReadDecision"],
        Value::Null
    );
    let close = &document["paths"]["/v1/sessions/{session_id}/close"]["post"];
    assert_eq!(
        close["requestBody"],
        Value::Null,
        "nothing is left for a body"
    );
    assert_eq!(
        document["components"]["schemas"]["CloseSession"],
        Value::Null
    );
}

#[test]
fn a_body_is_described_as_it_is_sent_and_a_reply_leniently() {
    let document = document();
    let open = &document["paths"]["/v1/sessions"]["post"];
    assert_eq!(
        open["requestBody"],
        json!({"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OpenSession"}}}})
    );
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        schemas["OpenSession"],
        json!({
            "type": "object", "required": ["tags", "person"],
            "properties": {
                "tags": {"type": "array", "items": {"type": "string"}},
                "person": {"$ref": "#/components/schemas/Person"},
                "note": {"type": "string"},
            },
        })
    );
    assert_eq!(
        open["responses"]["2XX"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/Reply"
    );
    assert_eq!(
        open["responses"]["401"],
        json!({"$ref": "#/components/responses/401"})
    );
    let person = &schemas["Reply"]["properties"]["person"];
    assert_eq!(
        person["anyOf"],
        json!([{"$ref": "#/components/schemas/Person"}, {"type": "null"}])
    );
}

#[test]
fn operations_have_marks_and_an_unconfirmed_one_is_labelled() {
    let document = document();
    let decision = &document["paths"]["/v1/sessions/{session_id}/decision"]["get"];
    assert_eq!(decision["operationId"], "read_decision");
    assert_eq!(decision["summary"], "Reads a decision");
    assert_eq!(
        (&decision["x-kyc-mark"], &decision["x-kyc-idempotency"]),
        (&json!("upstream"), &json!("safe"))
    );
    let description = decision["description"].as_str().unwrap();
    assert!(
        description.starts_with("**Unconfirmed** (`[upstream]`): "),
        "{description}"
    );
    assert!(
        description.ends_with("Reads a decision: `GET /v1/sessions/{id}/decision`."),
        "{description}"
    );
    let open = &document["paths"]["/v1/sessions"]["post"];
    assert_eq!(
        (&open["description"], &open["x-kyc-signs"]),
        (&json!("Opens a session."), &json!("body"))
    );
}

#[test]
fn members_have_a_place_and_a_kind() {
    let found = AcmeClient::CATALOGUE
        .iter()
        .map(members)
        .collect::<Vec<_>>();
    let member = |name: &str, place, required, description: &str, kind| Member {
        name: name.to_owned(),
        place,
        required,
        description: description.to_owned(),
        kind,
        listed: Vec::new(),
        file: None,
    };
    let path = || Place::Path("id".to_owned());
    let query = Place::Query("pageNumber".to_owned());
    let expected = [
        vec![
            member(
                "session_id",
                path(),
                true,
                "The session, see `Acme`.",
                Kind::Text,
            ),
            member("page", query, false, "The page.", Kind::Integer),
        ],
        vec![member("session_id", path(), true, "", Kind::Text)],
        vec![
            member(
                "tags",
                Place::Body,
                true,
                "",
                Kind::List(Box::new(Kind::Text)),
            ),
            member("person", Place::Body, true, "", Kind::Other),
            member("note", Place::Body, false, "", Kind::Text),
        ],
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_only_one_operation_has_is_in_the_provider_s_own_part() {
    let mut acme: Value = serde_json::from_str(ACME).unwrap();
    acme["components"]["responses"]["404"] = json!({"description": "The session is unknown."});
    acme["tags"] = json!([{"name": "sessions", "description": "Sessions."}]);
    acme["x-kyc-operations"] = json!({
        "open_session": {
            "tags": ["sessions"], "status": 201,
            "responses": {"404": null, "503": {"description": "No room."}},
        },
        "close_session": {"tags": ["sessions"]},
    });
    let document = Document::new(&acme.to_string(), AcmeClient::CATALOGUE).unwrap();
    let document = serde_json::to_value(document).unwrap();
    assert_eq!(document["tags"], acme["tags"]);
    assert_eq!(document.get("x-kyc-operations"), None);
    let responses = |operation: &Value| {
        let responses = operation["responses"].as_object().unwrap();
        responses.keys().cloned().collect::<Vec<_>>()
    };
    let open = &document["paths"]["/v1/sessions"]["post"];
    assert_eq!(open["tags"], json!(["sessions"]));
    assert_eq!(responses(open), ["201", "401", "503"]);
    assert_eq!(open["responses"]["503"]["description"], "No room.");
    assert_eq!(open["responses"]["201"]["description"], "Success.");
    let close = &document["paths"]["/v1/sessions/{session_id}/close"]["post"];
    assert_eq!(responses(close), ["2XX", "401", "404"]);
    let decision = &document["paths"]["/v1/sessions/{session_id}/decision"]["get"];
    assert_eq!(decision.get("tags"), None);
    for (own, unknown) in [(json!({"tag": "a"}), "tag"), (json!({"tags": "a"}), "tags")] {
        acme["x-kyc-operations"] = json!({"open_session": own});
        let error = Document::new(&acme.to_string(), AcmeClient::CATALOGUE).unwrap_err();
        assert!(matches!(error, DocumentError::Provider(_)), "{unknown}");
    }
}

#[test]
fn a_malformed_provider_part_is_an_error() {
    for text in ["", "{}", r#"{"openapi": "3.1.0", "paths": {}}"#] {
        let error = Document::new(text, AcmeClient::CATALOGUE).unwrap_err();
        assert!(matches!(error, DocumentError::Provider(_)), "{error}");
    }
}
