//! The pictures, videos and chip data of a session: their descriptions, and the files themselves.

mod upload_media;

use std::fmt;
use std::time::Duration;

use consent_hmac::{SessionId, Veriff};
use provider_core::lenient::Printable;
use provider_core::{
    Content, Idempotency, Items, Mark, Masked, Operation, ResponseError, VerificationError,
    Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::endpoint::by_id;
use crate::ids::{AttemptId, MediaId};
use crate::reply::{self, ReplyStatus, refused};

pub use upload_media::{MediaType, UploadMedia, UploadedMedia};

provider_core::open_enum! {
    /// What a file shows (`[docs]`). Names that end in `-pre` are of the moment before the picture was taken.
    pub enum MediaContext {
        /// The document beside the person's face.
        DocumentAndFace = "document-and-face",
        /// The same, before.
        DocumentAndFacePre = "document-and-face-pre",
        /// The back of the document.
        DocumentBack = "document-back",
        /// The same, before.
        DocumentBackPre = "document-back-pre",
        /// The front of the document.
        DocumentFront = "document-front",
        /// The same, before.
        DocumentFrontPre = "document-front-pre",
        /// The front of the document with the signature.
        DocumentFrontWithSignature = "document-front-with-signature",
        /// The same, before.
        DocumentFrontWithSignaturePre = "document-front-with-signature-pre",
        /// The face that was cut out of the front of the document.
        DocumentFrontFaceCropped = "document-front-face-cropped",
        /// The person's face.
        Face = "face",
        /// The same, before.
        FacePre = "face-pre",
        /// The face in the document's chip.
        FaceNfc = "face-nfc",
        /// The face that the person's is compared with.
        FaceReference = "face-reference",
        /// The face that was cut out.
        FaceCropped = "face-cropped",
        /// The front of a proof of address.
        AddressFront = "address-front",
        /// The face in a registry.
        RegistryFace = "registry-face",
    }
}

provider_core::masked_text! {
    /// Where a file is, as Veriff sent it. [`DownloadMedia`] needs the id only.
    pub struct MediaUrl;
}

/// The description of a file. A size is a number or text. This client reads the id strictly, and either type of a size.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MediaFile {
    /// The id to download it by.
    #[serde(deserialize_with = "lenient::id")]
    pub id: MediaId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: Option<Masked>,
    /// What it shows.
    #[serde(default, deserialize_with = "lenient::text")]
    pub context: Option<MediaContext>,
    /// Always null (`[docs]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub timestamp: Option<Masked>,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub size: Option<u64>,
    /// Of a video, its length in seconds.
    #[serde(default, deserialize_with = "lenient::text")]
    pub duration: Option<Masked>,
    /// Its type, such as `image/jpeg`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub mimetype: Option<Masked>,
    /// Where it is.
    #[serde(default, deserialize_with = "lenient::value")]
    pub url: Option<MediaUrl>,
    /// The session that it belongs to.
    #[serde(default, deserialize_with = "lenient::text")]
    pub session_id: Option<String>,
}

/// Prints no text of Veriff's but the id.
impl fmt::Debug for MediaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaFile")
            .field("id", &Printable(self.id.as_str()))
            .field("context", &self.context)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// The files of a session or of one of its attempts (`[docs]`). There are no videos in test integrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MediaList {
    /// `success`.
    #[serde(default, deserialize_with = "reply::status")]
    pub status: Option<ReplyStatus>,
    /// The pictures.
    pub images: Items<MediaFile>,
    /// The videos.
    #[serde(default, deserialize_with = "lenient::value")]
    pub videos: Option<Items<MediaFile>>,
    /// What was read from the document's chip. Only a newer version of the page has it (`[docs]`).
    #[serde(default, deserialize_with = "lenient::value")]
    pub nfc_documents: Option<Items<MediaFile>>,
}

impl MediaList {
    /// All files: pictures, videos, chip data.
    pub fn files(&self) -> impl Iterator<Item = &MediaFile> {
        let others = [&self.videos, &self.nfc_documents];
        self.images
            .iter()
            .chain(others.into_iter().flatten().flatten())
    }
}

/// The request of the files of a session's latest attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct ListSessionMedia {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
}

provider_core::request! { ListSessionMedia }

impl ListSessionMedia {
    /// Creates a request for the files of this session.
    pub fn new(session_id: SessionId) -> Self {
        Self { session_id }
    }

    fn read(&self, response: &Verified) -> Result<MediaList, ResponseError> {
        let list: MediaList = lenient::reply(response, &[])?;
        refused(response, list.status.as_ref(), true)?;
        let is_own = |file: &MediaFile| {
            let session = file.session_id.as_deref();
            session.is_none_or(|id| self.session_id.is(id))
        };
        if !list.files().all(is_own) {
            return Err(VerificationError::OtherRequest.into());
        }
        Ok(list)
    }
}

by_id!(
    ListSessionMedia.session_id, Self::read => MediaList,
    Operation::new("session-media", "GET /v1/sessions/{id}/media", Idempotency::Safe)
        .documented(Mark::Docs)
);

/// The request of the files of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct ListAttemptMedia {
    /// The attempt's id, from attempts: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    attempt_id: AttemptId,
}

provider_core::request! { ListAttemptMedia }

impl ListAttemptMedia {
    /// Creates a request for the files of this attempt.
    pub fn new(attempt_id: AttemptId) -> Self {
        Self { attempt_id }
    }

    fn read(_: &Self, response: &Verified) -> Result<MediaList, ResponseError> {
        let list: MediaList = lenient::reply(response, &[])?;
        refused(response, list.status.as_ref(), true)?;
        Ok(list)
    }
}

by_id!(
    ListAttemptMedia.attempt_id, Self::read => MediaList,
    Operation::new("attempt-media", "GET /v1/attempts/{id}/media", Idempotency::Safe)
        .documented(Mark::Docs)
);

/// The request of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct DownloadMedia {
    /// The file's id, from session-media or attempt-media: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    media_id: MediaId,
}

provider_core::request! { DownloadMedia }

impl DownloadMedia {
    /// The largest file that is taken. Veriff documents no limit (`[unknown]`); what is uploaded is at most 20 MB.
    pub const MAX_BYTES: usize = 64 * 1024 * 1024;

    /// Creates a request for this file, of which a list of media has the id.
    pub fn new(media_id: MediaId) -> Self {
        Self { media_id }
    }

    fn read(_: &Self, response: &Verified) -> Result<Content, ResponseError> {
        // Chip data are JSON, as a refusal is.
        match Veriff::refusal(response) {
            Some(fault) => Err(fault.into()),
            None => Ok(response.content()?),
        }
    }
}

by_id!(
    DownloadMedia.media_id, Self::read => Content,
    Operation::new("download-media", "GET /v1/media/{id}", Idempotency::Safe)
        // JPEG, PNG and WebM and, of a chip, JSON are documented; what is uploaded has other types too.
        .replying_with(&["image/*", "video/*", "application/pdf", "application/json"])
        .with_max_reply_bytes(DownloadMedia::MAX_BYTES)
        .with_timeout(Duration::from_secs(120))
        .documented(Mark::Docs)
);
