//! Documents and the identity record of a finished session in neutral terms: the suites against the in-process sandbox, and what is told of a list or a
//! document that is not as it should be.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use deepvue_digilocker::provider_core::capability::{
    AccessConsent, AccessGrant, AccessReturn, Document, DocumentAccess, DocumentAccessRequest,
    DocumentError, DocumentFormat, DocumentKind, DocumentList, DocumentReference, GrantedAccess,
    IdentityRecord, ProviderReference, SessionAccess, SessionReference, SharedDocuments,
    SharedIdentity, UnclearReturn,
};
use deepvue_digilocker::provider_core::testing::{ScriptedTransport, Step, conformance};
use deepvue_digilocker::provider_core::{
    CallOptions, Error, ErrorKind, Masked, Outcome, Transport, VerificationError, async_trait,
};
use deepvue_digilocker::{DigilockerClient, ReturnForm};
use kyc_sandbox::settings::{DigilockerCodes, Failure, FileForm};
use kyc_sandbox::{DeepvueSettings, Sandbox, Settings};

use crate::sandbox::{base_url, client, deepvue};

const PURPOSE: &str = "KYC of a new customer";

fn access(session: impl Into<SessionReference>) -> SessionAccess {
    SessionAccess::new(AccessConsent::given_by_person(), PURPOSE, session)
}

fn session(id: &str) -> SessionReference {
    SessionReference::new(ProviderReference::parse(id).unwrap())
}

fn url(query: &str) -> Masked {
    Masked::new(format!("https://lender.example.test/back?{query}"))
}

async fn opened(client: &DigilockerClient) -> SessionAccess {
    let request = DocumentAccessRequest::new(
        AccessConsent::given_by_person(),
        PURPOSE,
        "https://lender.example.test/back",
    );
    let session = client.open_session(request, CallOptions::new());
    let session = session.await.unwrap();
    let session = SessionReference::from(&session);
    access(session.set_provider(Some("deepvue")))
}

/// What `implement` makes of a client, and a client of its own of the peer that answers, with documents in this form.
fn setup<C: ?Sized + fmt::Debug + 'static>(
    form: FileForm,
    implement: fn(DigilockerClient) -> Arc<C>,
) -> (conformance::Setup<C>, DigilockerClient) {
    let peer = |failure| -> Arc<dyn Transport> {
        let deepvue = DeepvueSettings::default()
            .with_codes(DigilockerCodes::OfSession)
            .with_file_form(form)
            .with_failure(failure);
        Arc::new(Sandbox::new(Settings::default().with_deepvue(deepvue)).transport())
    };
    let answers = peer(None);
    let opener = client(&base_url(), Arc::clone(&answers));
    // A reply has an id of its own, and nothing of the request.
    let setup = conformance::Setup::new(
        Arc::clone(&answers),
        peer(Some(Failure::new(400))),
        answers,
        move |transport| implement(client(&base_url(), transport)),
    )
    .fails_where_it_answers()
    .replies_say_nothing();
    (setup, opener)
}

/// Runs the suite of documents.
async fn suite(form: FileForm, implement: fn(DigilockerClient) -> Arc<dyn SharedDocuments>) {
    let (setup, opener) = setup(form, implement);
    let returns = |session: &SessionReference| {
        let id = session.reference.as_str();
        [
            url(&format!("code=code-{id}&state={id}")),
            url(&format!("error=access_denied&state={id}")),
            url(&format!("code=code-{id}")),
        ]
    };
    conformance::shared_documents(&setup, async || opened(&opener).await, returns).await;
}

#[tokio::test(start_paused = true)]
async fn deepvue_implements_shared_documents() {
    for form in [
        FileForm::PdfBase64,
        FileForm::Xml,
        FileForm::XmlBase64,
        FileForm::Link,
    ] {
        suite(form, |client| Arc::new(client)).await;
    }
}

/// Runs the suite of identity records.
async fn identity_suite(implement: fn(DigilockerClient) -> Arc<dyn SharedIdentity>) {
    let (setup, opener) = setup(FileForm::PdfBase64, implement);
    let finished = async || {
        let access = opened(&opener).await;
        let id = access.session.reference.as_str();
        let returned = url(&format!("code=code-{id}&state={id}"));
        let returned = opener.read_return(&access.session, &returned).unwrap();
        let AccessReturn::Granted(grant) = returned else {
            panic!("a grant");
        };
        let completed = opener.complete_access(access.clone(), grant, CallOptions::new());
        completed.await.unwrap();
        access
    };
    let (session, other) = (finished().await, finished().await);
    conformance::shared_identity(&setup, session, other).await;
}

#[tokio::test(start_paused = true)]
async fn deepvue_implements_shared_identity() {
    identity_suite(|client| Arc::new(client)).await;
}

/// Deepvue with one flaw: each function is what one looks like.
#[derive(Clone)]
struct Flawed {
    client: DigilockerClient,
    returns: fn(Result<AccessReturn, Error>) -> Result<AccessReturn, Error>,
    access: fn(SessionAccess) -> SessionAccess,
    grant: fn(AccessGrant, &SessionAccess) -> AccessGrant,
    repeats: fn(&Error) -> bool,
    lists: fn(DocumentList) -> DocumentList,
    reads: fn(Result<Document, Error>) -> Result<Document, Error>,
    records: fn(Result<IdentityRecord, Error>) -> Result<IdentityRecord, Error>,
    printed: &'static str,
}

impl Flawed {
    fn new(client: DigilockerClient) -> Self {
        Self {
            client,
            returns: |returned| returned,
            access: |access| access,
            grant: |grant, _| grant,
            repeats: |_| false,
            lists: |listed| listed,
            reads: |document| document,
            records: |record| record,
            printed: "Flawed",
        }
    }
}

impl fmt::Debug for Flawed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.printed)
    }
}

#[async_trait]
impl SharedDocuments for Flawed {
    fn provider_name(&self) -> &'static str {
        SharedDocuments::provider_name(&self.client)
    }

    fn check_access(&self, access: &SessionAccess) -> Result<(), Error> {
        self.client.check_access(access)
    }

    fn read_return(&self, session: &SessionReference, url: &Masked) -> Result<AccessReturn, Error> {
        (self.returns)(self.client.read_return(session, url))
    }

    async fn complete_access(
        &self,
        access: SessionAccess,
        grant: AccessGrant,
        options: CallOptions,
    ) -> Result<GrantedAccess, Error> {
        let grant = (self.grant)(grant, &access);
        let complete = || {
            self.client
                .complete_access(access.clone(), grant.clone(), options.clone())
        };
        match complete().await {
            Err(error) if (self.repeats)(&error) => complete().await,
            completed => completed,
        }
    }

    async fn list_documents(
        &self,
        access: SessionAccess,
        options: CallOptions,
    ) -> Result<DocumentList, Error> {
        let access = (self.access)(access);
        self.client
            .list_documents(access, options)
            .await
            .map(self.lists)
    }

    async fn read_document(
        &self,
        access: SessionAccess,
        document: DocumentReference,
        options: CallOptions,
    ) -> Result<Document, Error> {
        (self.reads)(self.client.read_document(access, document, options).await)
    }
}

#[async_trait]
impl SharedIdentity for Flawed {
    fn provider_name(&self) -> &'static str {
        SharedIdentity::provider_name(&self.client)
    }

    fn check_identity(&self, access: &SessionAccess) -> Result<(), Error> {
        self.client.check_identity(access)
    }

    async fn read_identity(
        &self,
        access: SessionAccess,
        options: CallOptions,
    ) -> Result<IdentityRecord, Error> {
        let access = (self.access)(access);
        (self.records)(self.client.read_identity(access, options).await)
    }
}

fn passes(suite: impl Future<Output = ()>) -> bool {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(suite))).is_ok()
}

macro_rules! flaw {
    ($($member:ident: $flaw:expr),*) => {
        |client| Arc::new(Flawed { $($member: $flaw,)* ..Flawed::new(client) })
    };
}

/// Takes a session for one's own, whoever opened it.
fn of_anybody(mut access: SessionAccess) -> SessionAccess {
    access.session = access.session.set_provider(None);
    access
}

/// The suite fails on each flaw, and on nothing else.
#[test]
fn the_suite_finds_what_an_implementation_does_wrong() {
    type Implement = fn(DigilockerClient) -> Arc<dyn SharedDocuments>;
    let passes = |implement: Implement| passes(suite(FileForm::PdfBase64, implement));
    assert!(passes(flaw!()));
    let flaws: [(&str, Implement); 9] = [
        ("repeats what is open", flaw!(repeats: Error::is_unsettled)),
        (
            "takes a denial for unclear",
            flaw!(returns: |returned| returned.map(|returned| match returned {
                AccessReturn::Denied => AccessReturn::Unclear(UnclearReturn::Silent),
                returned => returned,
            })),
        ),
        (
            "takes what is unclear for a denial",
            flaw!(returns: |returned| returned.map(|returned| match returned {
                AccessReturn::Unclear(_) => AccessReturn::Denied,
                returned => returned,
            })),
        ),
        (
            "believes the return of another session",
            flaw!(returns: |returned| match returned {
                Err(error) if error.kind() == ErrorKind::Verification => Ok(AccessReturn::Denied),
                returned => returned,
            }),
        ),
        (
            "sends the grant of another session",
            flaw!(grant: |_, access| AccessGrant::new(access.session.clone(), "code")),
        ),
        (
            "lists the documents of another provider's session",
            flaw!(access: of_anybody),
        ),
        (
            "shows no document",
            flaw!(lists: |listed| DocumentList::new(Vec::new(), listed.not_understood)),
        ),
        (
            "takes any document for a whole one of another format",
            flaw!(reads: |document| document.map(|document| {
                Document::new(DocumentFormat::Html, Err(DocumentError::Page), document.original)
            })),
        ),
        ("prints a name", flaw!(printed: "of INVENTED PERSON")),
    ];
    for (flaw, implement) in flaws {
        assert!(!passes(implement), "{flaw}");
    }
}

/// The same of identity records.
#[test]
fn the_suite_of_identity_records_finds_what_is_wrong() {
    type Implement = fn(DigilockerClient) -> Arc<dyn SharedIdentity>;
    let passes = |implement: Implement| passes(identity_suite(implement));
    assert!(passes(flaw!()));
    let flaws: [(&str, Implement); 4] = [
        (
            "reads another provider's session",
            flaw!(access: of_anybody),
        ),
        (
            "knows nobody",
            flaw!(records: |record| record.map(|_| IdentityRecord::new())),
        ),
        (
            "shows more of the number",
            flaw!(records: |record| record.map(|mut record| {
                record.masked_number = Some("xxxxxxx12345".into());
                record
            })),
        ),
        ("prints a name", flaw!(printed: "of INVENTED PERSON")),
    ];
    for (flaw, implement) in flaws {
        assert!(!passes(implement), "{flaw}");
    }
}

fn scripted(data: &str) -> (DigilockerClient, ScriptedTransport) {
    let body = format!(r#"{{"code":200,"transaction_id":"call-1","data":{data}}}"#);
    let transport = ScriptedTransport::new([Step::respond(200, body)]);
    (client(&base_url(), Arc::new(transport.clone())), transport)
}

#[tokio::test(start_paused = true)]
async fn a_grant_tells_who_granted_it_as_far_as_that_can_be_read() {
    let (opener, _) = scripted("{}");
    let AccessReturn::Granted(grant) = opener
        .read_return(&session("t"), &url("code=c-1&state=t"))
        .unwrap()
    else {
        panic!("a grant");
    };
    let complete = async |data: &str| {
        let (client, transport) = scripted(data);
        let grant = grant.clone();
        let completed = client.complete_access(access(session("t")), grant, CallOptions::new());
        (completed.await.unwrap(), transport.only().json())
    };
    let (told, sent) = complete(
        r#"{"name":"CANARY","dob":"1021990","expires_in":3600,"consent_valid_till":"1768674599"}"#,
    )
    .await;
    let expected = serde_json::json!({
        "consent": "Y",
        "purpose": PURPOSE,
        "initial_deepvue_transaction_id": "t",
        "digilocker_code": "c-1",
    });
    assert_eq!(sent, expected);
    let text = |text: &Option<Masked>| text.as_ref().map(|text| text.expose().to_owned());
    assert_eq!(text(&told.name).as_deref(), Some("CANARY"));
    assert_eq!(text(&told.date_of_birth).as_deref(), Some("1990-02-01"));
    assert_eq!(told.readable_for.unwrap().as_secs(), 3600);
    assert_eq!(
        told.consent_ends.unwrap().to_string(),
        "2026-01-17T18:29:59Z"
    );
    assert!(!format!("{told:?} {grant:?}").contains("CANARY"));
    let (silent, _) = complete(r#"{"dob":"January 1990","consent_valid_till":"soon"}"#).await;
    assert_eq!(silent, GrantedAccess::new());
}

/// None of them is a grant, so nothing can be sent.
#[test]
fn what_a_return_says_is_a_table() {
    let (client, transport) = scripted("{}");
    let read = |query: &str| client.read_return(&session("t"), &url(query));
    for (query, reason) in [
        ("", UnclearReturn::Silent),
        ("code=c", UnclearReturn::NoSession),
        ("error=access_denied", UnclearReturn::NoSession),
        (
            "code=c&error=access_denied&state=t",
            UnclearReturn::Contradictory,
        ),
        (
            "error=server_error&state=t",
            UnclearReturn::Failed("server_error".into()),
        ),
        ("code=%zz&state=t", UnclearReturn::Malformed),
        (&"a".repeat(16 * 1024), UnclearReturn::TooLong),
    ] {
        let returned = read(query).unwrap();
        assert_eq!(returned, AccessReturn::Unclear(reason), "{query}");
    }
    let denied = read("error=access_denied&state=t").unwrap();
    assert_eq!(denied, AccessReturn::Denied);
    let error = read("code=c&state=CANARY").unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::Verification, Outcome::NotSent)
    );
    assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
    assert_eq!(error.provider(), "deepvue");
    assert!(!format!("{error:?} {error} {}", error.report()).contains("CANARY"));
    assert!(transport.sent().is_empty());
}

#[test]
fn a_return_is_read_in_the_form_of_the_provider() {
    let form = ReturnForm::default().set_code_name("auth").without_state();
    let client = DigilockerClient::builder(deepvue(&base_url()).with_return_form(form))
        .transport(Arc::new(ScriptedTransport::new([])))
        .build()
        .unwrap();
    let read = |query: &str| client.read_return(&session("t"), &url(query)).unwrap();
    let granted = AccessReturn::Granted(AccessGrant::new(session("t"), "c"));
    assert_eq!(read("auth=c"), granted);
    assert_eq!(read("code=c"), AccessReturn::Unclear(UnclearReturn::Silent));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_read_is_told_and_hides_no_other() {
    let (client, _) = scripted(
        r#"[{"uri":"a-ADHAR-CANARY","doctype":"ADHAR","name":"CANARY","issuer":"CANARY"},{"name":"CANARY"},"CANARY",
        {"uri":"b","doctype":"PANCR"},{"uri":"c","doctype":"DRVLC"},{"uri":"d","doctype":"HSCER"},{"uri":"e","doctype":""},
        {"uri":"f"}]"#,
    );
    let listed = client.list_documents(access(session("t")), CallOptions::new());
    let listed = listed.await.unwrap();
    assert_eq!(listed.not_understood, 2);
    let found: Vec<_> = listed
        .documents
        .iter()
        .map(|document| {
            let kind = document.kind.as_ref().map(DocumentKind::as_str);
            (document.reference.expose(), kind)
        })
        .collect();
    let expected = [
        ("a-ADHAR-CANARY", Some("aadhaar")),
        ("b", Some("pan")),
        ("c", Some("driving_licence")),
        ("d", Some("HSCER")),
        ("e", None),
        ("f", None),
    ];
    assert_eq!(found, expected);
    assert!(!format!("{listed:?}").contains("CANARY"));

    for data in ["{}", "\"CANARY\"", "null"] {
        let (client, _) = scripted(data);
        let listed = client.list_documents(access(session("t")), CallOptions::new());
        assert_eq!(
            listed.await.unwrap_err().kind(),
            ErrorKind::Decode,
            "{data}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_of_another_format_is_reported_and_kept() {
    use DocumentFormat::{Html, Jpeg, Link, Other, Pdf, Png, Xml};
    // The text that is sent, what it looks like, its bytes in that format, and what is said to who asks for a PDF.
    let other = |format: DocumentFormat| Err(DocumentError::OtherFormat(format));
    let link = "https://documents.example.test/a";
    for (text, format, bytes, pdf) in [
        (
            "JVBERi0xCiUlRU9GCg==",
            Pdf,
            Ok(&b"%PDF-1\n%%EOF\n"[..]),
            Ok(&b"%PDF-1\n%%EOF\n"[..]),
        ),
        (
            "JVBERi0xCg==",
            Pdf,
            Err(DocumentError::Truncated),
            Err(DocumentError::Truncated),
        ),
        ("<a/>", Xml, Ok(b"<a/>"), other(Xml)),
        ("PGEvPg==", Xml, Ok(b"<a/>"), other(Xml)),
        (
            "<!DOCTYPE a><a/>",
            Xml,
            Err(DocumentError::DocumentType),
            other(Xml),
        ),
        ("/9j/", Jpeg, Ok(b"\xff\xd8\xff"), other(Jpeg)),
        ("iVBORw0KGgo=", Png, Ok(b"\x89PNG\r\n\x1a\n"), other(Png)),
        (link, Link, Ok(link.as_bytes()), other(Link)),
        (
            "<html></html>",
            Html,
            Err(DocumentError::Page),
            Err(DocumentError::Page),
        ),
        (
            "made up!",
            Other,
            Err(DocumentError::NotBase64),
            Err(DocumentError::NotBase64),
        ),
        ("bWFkZSB1cA==", Other, other(Other), other(Other)),
    ] {
        let (client, transport) = scripted(&serde_json::to_string(text).unwrap());
        let document = client.read_document(
            access(session("t")),
            DocumentReference::new("u"),
            CallOptions::new(),
        );
        let document = document.await.unwrap();
        assert_eq!(transport.only().json()["uri"], "u");
        assert_eq!(document.format, format, "{text}");
        assert_eq!(document.bytes(&format), bytes, "{text}");
        assert_eq!(document.bytes(&Pdf), pdf, "{text}");
        assert_eq!(document.original.expose(), text);
        assert!(!format!("{document:?}").contains(text));
    }
}

#[tokio::test(start_paused = true)]
async fn each_part_of_an_identity_record_is_in_its_place() {
    let read = async |data: &str| {
        let (client, transport) = scripted(data);
        let read = client.read_identity(access(session("t")), CallOptions::new());
        let read = read.await;
        assert_eq!(
            transport.only().json()["initial_deepvue_transaction_id"],
            "t"
        );
        read
    };
    let record = read(
        r#"{"masked_uid":"xxxxxxxx1234","proof_of_identity":{"dob":"31-01-1990","gender":"F","name":"n"},"proof_of_address":
        {"care_of":"c","district":"d","house":"h","locality":"l","street":"s","vtc":"v","pincode":"p","state":"t","country":"i"},
        "photo":"/9j/"}"#,
    );
    let record = record.await.unwrap();
    let text = |text: &Option<Masked>| text.as_ref().unwrap().expose().to_owned();
    let address = record.address.clone().unwrap();
    let found = [
        &record.masked_number,
        &record.date_of_birth,
        &record.gender,
        &record.name,
        &address.care_of,
        &address.district,
        &address.house,
        &address.locality,
        &address.street,
        &address.town,
        &address.postal_code,
        &address.state,
        &address.country,
    ]
    .map(text);
    let expected = [
        "xxxxxxxx1234",
        "31-01-1990",
        "F",
        "n",
        "c",
        "d",
        "h",
        "l",
        "s",
        "v",
        "p",
        "t",
        "i",
    ];
    assert_eq!(found, expected);
    let photo = record.photo.as_ref().unwrap();
    assert_eq!(photo.bytes(&DocumentFormat::Jpeg), Ok(&b"\xff\xd8\xff"[..]));

    let mut only_number = IdentityRecord::new();
    only_number.masked_number = Some("xxxxxxxx1234".into());
    let record = read(r#"{"masked_uid":"xxxxxxxx1234"}"#).await.unwrap();
    assert_eq!(record, only_number);
    let error = read("{}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}
