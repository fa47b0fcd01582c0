//! Reads the documents that a person shared in a session in the browser.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::document_access::{AccessConsent, DocumentKind};
use super::reference::SessionReference;
use crate::call::CallOptions;
use crate::error::Error;
use crate::values::{InvalidRequest, Masked};
use crate::wire::Label;

/// What each call about a session states again: that the person agreed, why the documents are wanted, and of which session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionAccess {
    /// The person agreed to this access.
    pub consent: AccessConsent,
    /// The purpose, in the caller's words; the person may see it.
    pub purpose: String,
    /// The session that the person was sent to.
    pub session: SessionReference,
}

impl SessionAccess {
    /// Access to the documents of this session.
    pub fn new(
        consent: AccessConsent,
        purpose: impl Into<String>,
        session: impl Into<SessionReference>,
    ) -> Self {
        Self {
            consent,
            purpose: purpose.into(),
            session: session.into(),
        }
    }
}

/// What the browser's return says about a session. It proves nothing but what it says: the session is the person's own only if
/// the return came to your own logged-in user for whom it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessReturn {
    /// The person granted access, to some documents at least, perhaps to none. A grant is short-lived: complete the access at
    /// once.
    Granted(AccessGrant),
    /// The person, or the keeper of the documents for them, said no.
    Denied,
    /// Neither: never take it for a grant or a denial.
    Unclear(UnclearReturn),
}

/// Why a browser's return is unclear.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnclearReturn {
    /// It has neither a code nor an error.
    Silent,
    /// A code or a denial, and no session that it belongs to.
    NoSession,
    /// A code and an error, or several of them.
    Contradictory,
    /// An error that is not a denial, in its own word.
    Failed(Label),
    /// It is not encoded as a query is, or the code has characters that none has.
    Malformed,
    /// It is longer, or has more parameters, than is read.
    TooLong,
}

/// The code of a return with which the access to one session is completed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessGrant {
    session: SessionReference,
    code: Masked,
}

impl AccessGrant {
    /// The code of a return that belongs to this session.
    pub fn new(session: SessionReference, code: impl Into<Masked>) -> Self {
        Self {
            session,
            code: code.into(),
        }
    }

    /// The code, for the session of whose return it is.
    ///
    /// # Errors
    ///
    /// It is another session's.
    pub fn code_for(&self, session: &SessionReference) -> Result<&Masked, InvalidRequest> {
        match self.session.reference == session.reference {
            true => Ok(&self.code),
            false => Err(InvalidRequest::new(
                "grant",
                "must be of the return of this session",
            )),
        }
    }
}

/// A completed access: who granted it and for how long, as far as the provider tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantedAccess {
    /// The person's name.
    pub name: Option<Masked>,
    /// The person's date of birth, `YYYY-MM-DD`.
    pub date_of_birth: Option<Masked>,
    /// For how long documents can be read from now on.
    pub readable_for: Option<Duration>,
    /// When the person's consent ends.
    pub consent_ends: Option<Timestamp>,
    /// The provider that answered, if several may: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl GrantedAccess {
    /// An access about which the provider tells nothing.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::masked_text! {
    /// The key of a document in a session, in the provider's form. It may hold an identifier of the person.
    pub struct DocumentReference;
}

/// A document that the person shared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedDocument {
    /// The key with which it is read.
    pub reference: DocumentReference,
    /// What it is; a kind that is not listed is kept in the provider's word. `None` if the provider does not say.
    pub kind: Option<DocumentKind>,
    /// Its name, for people.
    pub name: Option<Masked>,
    /// Who issued it, for people.
    pub issuer: Option<Masked>,
}

impl SharedDocument {
    /// A document with this key.
    pub fn new(reference: DocumentReference) -> Self {
        Self {
            reference,
            kind: None,
            name: None,
            issuer: None,
        }
    }
}

/// The documents that the person shared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentList {
    /// Those that can be read.
    pub documents: Vec<SharedDocument>,
    /// How many more the provider listed in a form that is not understood. Unless it is 0 the list is not whole: a document
    /// that is missing in it may have been shared.
    pub not_understood: usize,
    /// The provider that answered, if several may: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl DocumentList {
    /// A list, and how many of its rows were not understood.
    pub fn new(documents: Vec<SharedDocument>, not_understood: usize) -> Self {
        Self {
            documents,
            not_understood,
            provider: None,
        }
    }
}

crate::open_enum! {
    /// What a document looks like, by its first characters.
    pub enum DocumentFormat {
        /// A PDF.
        Pdf = "pdf",
        /// XML.
        Xml = "xml",
        /// A JPEG.
        Jpeg = "jpeg",
        /// A PNG.
        Png = "png",
        /// An HTML page: somebody's error page, and not a document.
        Html = "html",
        /// The URL of a document.
        Link = "link",
        /// Anything else.
        Other = "other",
    }
}

/// Why a document is not what was asked for. The original is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentError {
    /// It looks like another format.
    OtherFormat(DocumentFormat),
    /// It is an HTML page. Ask the provider, with the ids of the call.
    Page,
    /// It is neither base64 nor anything else that is known.
    NotBase64,
    /// Its end is missing.
    Truncated,
    /// XML that is not UTF-8, or says that it is in another encoding.
    Encoding,
    /// XML with a document type, in which it may declare entities: a parser that expands them reads files or fills the memory.
    DocumentType,
}

impl std::error::Error for DocumentError {}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherFormat(found) => {
                write!(f, "the document is in another format: {}", found.as_str())
            }
            Self::Page => f.write_str("the document is an HTML page"),
            Self::NotBase64 => f.write_str("the document is not base64"),
            Self::Truncated => f.write_str("the document is not complete"),
            Self::Encoding => f.write_str("the document is XML that is not UTF-8"),
            Self::DocumentType => {
                f.write_str("the document is XML with a document type, which may declare entities")
            }
        }
    }
}

/// A document as it was read. `Debug` prints its format, and nothing of what is in it.
///
/// ```
/// use provider_core::capability::{Document, DocumentError, DocumentFormat};
///
/// let document = Document::new(DocumentFormat::Xml, Ok(b"<a/>".to_vec()), "PGEvPg==");
/// assert_eq!(document.bytes(&DocumentFormat::Xml)?, b"<a/>");
/// let other = DocumentError::OtherFormat(DocumentFormat::Xml);
/// assert_eq!(document.bytes(&DocumentFormat::Pdf), Err(other));
/// # Ok::<(), DocumentError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// What it looks like; what it is, only [`bytes`](Self::bytes) checks.
    pub format: DocumentFormat,
    /// The document as the provider sent it, byte for byte: perhaps encoded, and unchecked.
    pub original: Masked,
    /// The provider that answered, if several may: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
    decoded: Result<Zeroizing<Vec<u8>>, DocumentError>,
}

impl Document {
    /// A document that looks like this: its bytes, decoded, or what is wrong with them.
    pub fn new(
        format: DocumentFormat,
        decoded: Result<Vec<u8>, DocumentError>,
        original: impl Into<Masked>,
    ) -> Self {
        Self {
            format,
            original: original.into(),
            provider: None,
            decoded: decoded.map(Zeroizing::new),
        }
    }

    /// The document's bytes in the format that is asked for; a link's are its URL. Nothing is converted.
    ///
    /// # Errors
    ///
    /// It looks like something else, or is no whole document in that format.
    pub fn bytes(&self, format: &DocumentFormat) -> Result<&[u8], DocumentError> {
        let is_none = matches!(self.format, DocumentFormat::Html | DocumentFormat::Other);
        match &self.decoded {
            Ok(bytes) if self.format == *format => Ok(bytes),
            // What is wrong says more than that it is something else.
            Err(error) if self.format == *format || is_none => Err(error.clone()),
            _ => Err(DocumentError::OtherFormat(self.format.clone())),
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("format", &self.format)
            .field("provider", &self.provider)
            .field("decoded", &self.decoded.as_ref().map(|_| "***"))
            .finish_non_exhaustive()
    }
}

/// Reads what a person shared in a session that a [`DocumentAccess`](super::DocumentAccess) opened: reads the browser's return,
/// completes the access, then lists and reads documents.
#[async_trait]
pub trait SharedDocuments: fmt::Debug + Send + Sync {
    /// Returns the provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Checks an input as the calls themselves would, without sending anything.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` with the field and the rule, also for a session of another provider.
    fn check_access(&self, access: &SessionAccess) -> Result<(), Error>;

    /// Reads what the browser's return says about a session: `return_url` is the URL that the browser asked for, or its query.
    /// Nothing is sent.
    ///
    /// # Errors
    ///
    /// `Verification`: the return names another session. It belongs to somebody else, or is forged. `InvalidRequest` for a
    /// session of another provider.
    fn read_return(
        &self,
        session: &SessionReference,
        return_url: &Masked,
    ) -> Result<AccessReturn, Error>;

    /// Completes the access to a session with the grant of its return. An act: a grant may be good for one use, and the use
    /// may be billed.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind): `InvalidRequest` for a session of another provider, or a grant of another session.
    async fn complete_access(
        &self,
        access: SessionAccess,
        grant: AccessGrant,
        options: CallOptions,
    ) -> Result<GrantedAccess, Error>;

    /// Lists the documents of a session to which access is complete. A read: it may be repeated.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind): `InvalidRequest` for a session of another provider. A row that cannot be
    /// understood is no error: it is counted in [`DocumentList::not_understood`].
    async fn list_documents(
        &self,
        access: SessionAccess,
        options: CallOptions,
    ) -> Result<DocumentList, Error>;

    /// Reads one document of a session to which access is complete. A read: it may be repeated.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind): `InvalidRequest` for a session of another provider, `Api` for a document that is not
    /// there. One that comes in another format than expected, or torn, is no error: [`Document::bytes`] says so.
    async fn read_document(
        &self,
        access: SessionAccess,
        document: DocumentReference,
        options: CallOptions,
    ) -> Result<Document, Error>;
}
