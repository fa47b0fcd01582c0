//! The suite of shared documents.

use std::sync::Arc;

use super::setup::{Does, Setup, options, prints_nothing};
use crate::call::CallOptions;
use crate::capability::{
    AccessGrant, AccessReturn, DocumentError, DocumentFormat, DocumentReference, SessionAccess,
    SessionReference, SharedDocuments,
};
use crate::error::{Error, ErrorKind, Outcome};
use crate::values::Masked;
use crate::wire::VerificationError;

/// Shared documents are read of the session that was granted and of no other; a denial or an unclear return is no grant, a
/// document in another format is reported, and completing the access is an act.
///
/// `open` opens a session at the peer; its person shares one document at least. `returns` are the URLs to which the browser
/// returns after a grant, after a denial, and with something that is neither; the first two name the session.
pub async fn shared_documents(
    setup: &Setup<dyn SharedDocuments>,
    open: impl AsyncFn() -> SessionAccess,
    returns: impl Fn(&SessionReference) -> [Masked; 3],
) {
    let documents = setup.client();
    let name = documents.provider_name();
    assert!(!name.is_empty());
    let (first, second) = (open().await, open().await);
    assert_ne!(
        first.session.reference, second.session.reference,
        "each session has a distinct reference"
    );
    documents
        .check_access(&first)
        .expect("an access that can be sent");

    let grant = |access: &SessionAccess| {
        let [granted, ..] = returns(&access.session);
        let returned = setup.client().read_return(&access.session, &granted);
        match returned.expect("a return that can be read") {
            AccessReturn::Granted(grant) => grant,
            other => panic!("a grant is one: {other:?}"),
        }
    };
    assert_returns(&*documents, &first.session, &second.session, &returns);

    let complete = |access: &SessionAccess, grant: &AccessGrant| {
        let (access, grant) = (access.clone(), grant.clone());
        async move |documents: Arc<dyn SharedDocuments>, options: CallOptions| {
            documents
                .complete_access(access.clone(), grant.clone(), options)
                .await
        }
    };
    let list = |access: &SessionAccess| {
        let access = access.clone();
        async move |documents: Arc<dyn SharedDocuments>, options: CallOptions| {
            documents.list_documents(access.clone(), options).await
        }
    };
    let read = |access: &SessionAccess, document: &DocumentReference| {
        let (access, document) = (access.clone(), document.clone());
        async move |documents: Arc<dyn SharedDocuments>, options: CallOptions| {
            documents
                .read_document(access.clone(), document.clone(), options)
                .await
        }
    };

    let (first_grant, second_grant) = (grant(&first), grant(&second));
    let granted = complete(&first, &first_grant)(Arc::clone(&documents), options()).await;
    let granted = granted.expect("the access is completed");
    let listed = list(&first)(Arc::clone(&documents), options()).await;
    let listed = listed.expect("the documents are listed");
    assert_eq!(listed.not_understood, 0, "of the peer's documents");
    let document = listed.documents.first().expect("a document");
    for document in &listed.documents {
        let read = read(&first, &document.reference)(Arc::clone(&documents), options()).await;
        let read = read.expect("a document that is listed can be read");
        assert!(!read.original.expose().is_empty(), "the original is kept");
        let bytes = read.bytes(&read.format).expect("a whole document");
        assert!(!bytes.is_empty());
        for other in DocumentFormat::KNOWN.iter().copied() {
            let other = DocumentFormat::from(other);
            let found = DocumentError::OtherFormat(read.format.clone());
            assert!(
                other == read.format || read.bytes(&other) == Err(found),
                "another format is reported"
            );
        }
        prints_nothing(&[read.original.expose()], &format!("{read:?}"));
    }
    let unknown = DocumentReference::new(format!("{}-unknown", document.reference.expose()));
    let error = read(&first, &unknown)(Arc::clone(&documents), options()).await;
    let error = error.expect_err("a document that is not there");
    assert_eq!(error.outcome(), Outcome::Refused, "{error:?}");

    let third = open().await;
    let third_grant = grant(&third);
    let [url, ..] = returns(&third.session);
    let code = third_grant.code_for(&third.session).expect("its own code");
    let texts = |text: &Option<Masked>| text.as_ref().map_or("", Masked::expose).to_owned();
    let (person, born) = (texts(&granted.name), texts(&granted.date_of_birth));
    let personal = [
        url.expose(),
        code.expose(),
        document.reference.expose(),
        &person,
        &born,
    ];
    prints_nothing(
        &personal,
        &format!("{granted:?} {listed:?} {third_grant:?}"),
    );
    setup
        .every_failure(Does::Act, &personal, complete(&third, &third_grant))
        .await;
    setup
        .every_failure(Does::Read, &personal, list(&first))
        .await;
    setup
        .every_failure(Does::Read, &personal, read(&first, &document.reference))
        .await;
    setup.another_reply(list(&third), list(&first)).await;
    setup
        .another_reply(
            read(&third, &document.reference),
            read(&first, &document.reference),
        )
        .await;

    let aimless = SessionAccess {
        purpose: " ".to_owned(),
        ..first.clone()
    };
    let elsewhere = SessionAccess {
        session: first.session.clone().set_provider(Some("another")),
        ..first.clone()
    };
    let name = provider_name;
    for wrong in [&aimless, &elsewhere] {
        let check = |documents: &(dyn SharedDocuments + 'static)| documents.check_access(wrong);
        setup
            .nothing_is_sent(name, Some(&check), complete(wrong, &first_grant))
            .await;
        setup.nothing_is_sent(name, None, list(wrong)).await;
        setup
            .nothing_is_sent(name, None, read(wrong, &document.reference))
            .await;
    }
    setup
        .nothing_is_sent(name, None, complete(&first, &second_grant))
        .await;
    let none = DocumentReference::new("");
    setup.nothing_is_sent(name, None, read(&first, &none)).await;
    let error = documents.read_return(&elsewhere.session, &url);
    assert_is(
        &error.expect_err("a session of another provider"),
        ErrorKind::InvalidRequest,
    );
}

fn provider_name(documents: &(dyn SharedDocuments + 'static)) -> &'static str {
    documents.provider_name()
}

/// A return is a grant, a denial or neither, of the session that it names.
fn assert_returns(
    documents: &dyn SharedDocuments,
    own: &SessionReference,
    other: &SessionReference,
    returns: impl Fn(&SessionReference) -> [Masked; 3],
) {
    let [granted, denied, unclear] = returns(own);
    let read = |url: &Masked| {
        let returned = documents.read_return(own, url);
        let returned = returned.expect("a return that can be read");
        prints_nothing(&[url.expose()], &format!("{returned:?}"));
        returned
    };
    assert!(matches!(read(&granted), AccessReturn::Granted(_)));
    assert_eq!(read(&denied), AccessReturn::Denied);
    assert!(matches!(read(&unclear), AccessReturn::Unclear(_)));
    let [granted, denied, _] = returns(other);
    for url in [granted, denied] {
        let error = documents.read_return(own, &url);
        let error = error.expect_err("a return of another session is refused");
        assert_is(&error, ErrorKind::Verification);
        assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
        prints_nothing(&[url.expose()], &format!("{error:?} {}", error.report()));
    }
}

/// Refused by whoever read it, before anything was sent.
fn assert_is(error: &Error, kind: ErrorKind) {
    assert_eq!(
        (error.kind(), error.outcome()),
        (kind, Outcome::NotSent),
        "{error:?}"
    );
    assert!(!error.provider().is_empty() && !error.is_unsettled());
}
