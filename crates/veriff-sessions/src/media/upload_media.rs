//! Uploads a picture of a session.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consent_hmac::SessionId;
use provider_core::{
    Idempotency, InvalidRequest, Mark, Masked, Operation, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use super::{MediaContext, MediaFile};
use crate::endpoint::with_body;
use crate::reply::{ReplyStatus, accept};

/// The type of a picture that is uploaded (`[docs]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaType {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// HEIF.
    Heif,
    /// HEIC.
    Heic,
    /// WebP.
    Webp,
    /// PDF, whose first five pages count; after agreement with Veriff only.
    Pdf,
}

provider_core::named_enum! {
    MediaType("image.content") {
        Jpeg = "image/jpeg",
        Png = "image/png",
        Heif = "image/heif",
        Heic = "image/heic",
        Webp = "image/webp",
        Pdf = "application/pdf",
    }
}

impl MediaType {
    /// The type of a file, by its first bytes; `None` for one that is not taken.
    pub fn of_file(file: &[u8]) -> Option<Self> {
        match file {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            // The brand of an ISO media file.
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4)? {
                b"heic" | b"heix" | b"hevc" | b"hevx" => Some(Self::Heic),
                b"mif1" | b"msf1" | b"heim" | b"heis" => Some(Self::Heif),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The request that uploads one picture. Upload all of them before the session is submitted (`[docs]`).
///
/// The data of a document's chip are uploaded by the same route, in a wrapper whose name is not known (`[unknown]`). This
/// client does not upload them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct UploadMedia {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
    /// The picture
    image: Picture,
}

/// A picture.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Picture {
    /// What it shows: document-front, document-back, face, or another context
    context: MediaContext,
    /// The picture in base64, after a data URI's beginning such as data:image/jpeg;base64, or without one; at most 24 MB of
    /// base64, of a PDF at most 20 MB of the file
    #[cfg_attr(
        feature = "schema",
        schemars(extend("x-kyc-file" = {
            "encoding": "data-uri", "maxBytes": UploadMedia::MAX_PDF_BYTES,
            "description": "The picture itself, not base64: JPEG, PNG, WebP, HEIF or HEIC of about 17 MB at most, or a PDF of at most 20 MB",
        }))
    )]
    content: Masked,
    /// When it was taken, such as 2030-01-01T00:00:00.000Z
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    image: &'a Picture,
}

provider_core::request! { UploadMedia }

impl UploadMedia {
    /// The most characters of base64 of a picture: 24 MB, about 17 MB of the file (`[docs]`).
    pub const MAX_PICTURE_BASE64: usize = 24_000_000;
    /// The most bytes of a PDF: 20 MB (`[docs]`).
    pub const MAX_PDF_BYTES: usize = 20_000_000;

    /// Creates a request that uploads this file, as a data URI, which is the documented form.
    pub fn new(session_id: SessionId, context: MediaContext, kind: MediaType, file: &[u8]) -> Self {
        let mut content = format!("data:{};base64,", kind.as_str());
        STANDARD.encode_string(file, &mut content);
        Self::from_base64(session_id, context, content)
    }

    /// Creates a request that uploads a file in base64, with or without `data:image/jpeg;base64,` before it: the older of two
    /// samples has none.
    pub fn from_base64(
        session_id: SessionId,
        context: MediaContext,
        content: impl Into<Masked>,
    ) -> Self {
        Self {
            session_id,
            image: Picture {
                context,
                content: content.into(),
                timestamp: None,
            },
        }
    }

    /// Sets when the picture was taken, in ISO 8601.
    #[must_use]
    pub fn set_timestamp(mut self, timestamp: impl Into<String>) -> Self {
        self.image.timestamp = Some(timestamp.into());
        self
    }

    fn body(&self) -> Result<Body<'_>, InvalidRequest> {
        self.image.check()?;
        Ok(Body { image: &self.image })
    }

    fn read(&self, response: &Verified) -> Result<UploadedMedia, ResponseError> {
        let reply: UploadedMedia = lenient::reply(response, &[])?;
        let about = reply.image.session_id.as_deref();
        accept(response, reply.status.as_ref(), &self.session_id, about)?;
        Ok(reply)
    }
}

impl Picture {
    fn check(&self) -> Result<(), InvalidRequest> {
        const CONTENT: &str = "image.content";
        let refused = |rule: &'static str| Err(InvalidRequest::new(CONTENT, rule));
        if self.context.as_str().is_empty() {
            return Err(InvalidRequest::new("image.context", "must not be empty"));
        }
        let timestamp = self.timestamp.as_deref();
        if timestamp.is_some_and(|text| text.parse::<provider_core::jiff::Timestamp>().is_err()) {
            let rule = "must be a time in ISO 8601";
            return Err(InvalidRequest::new("image.timestamp", rule));
        }
        let content = self.content.expose();
        let (kind, encoded) = match content.strip_prefix("data:") {
            None => (None, content),
            Some(uri) => match uri.split_once(";base64,") {
                // As many write it.
                Some(("image/jpg", encoded)) => (Some(MediaType::Jpeg), encoded),
                Some((kind, encoded)) => (Some(kind.parse::<MediaType>()?), encoded),
                None => return refused("must have ;base64, after its type"),
            },
        };
        // The first bytes of every PDF, %PDF-, in base64.
        let is_pdf = encoded.starts_with("JVBERi");
        if kind.is_some_and(|kind| (kind == MediaType::Pdf) != is_pdf) {
            return refused("is of another type than it says");
        }
        let bytes = encoded.trim_end_matches('=').len().saturating_mul(3) / 4;
        let fits = match is_pdf {
            true => bytes <= UploadMedia::MAX_PDF_BYTES,
            false => encoded.len() <= UploadMedia::MAX_PICTURE_BASE64,
        };
        if !fits {
            return refused("must be at most 24 MB of base64, a PDF at most 20 MB");
        }
        match encoded.is_empty() || !is_base64(encoded.as_bytes()) {
            true => refused("must be base64"),
            false => Ok(()),
        }
    }
}

/// Whether it is base64 in the standard alphabet, with padding. Not decoded whole: it may be large.
fn is_base64(text: &[u8]) -> bool {
    const STEP: usize = 4096;
    let mut decoded = [0; STEP];
    let last = text.len().saturating_sub(1) / STEP;
    let mut steps = text.chunks(STEP).enumerate();
    steps.all(|(index, step)| {
        // Padding ends it.
        let padded = step.contains(&b'=') && index != last;
        !padded && STANDARD.decode_slice(step, &mut decoded).is_ok()
    })
}

/// The reply: the picture as it is stored (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct UploadedMedia {
    /// `success`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<ReplyStatus>,
    /// The picture. This client refuses one that belongs to another session than the request.
    pub image: MediaFile,
}

with_body!(
    UploadMedia, Self::body, Self::read => UploadedMedia,
    // Each call adds a picture.
    Operation::new("upload-media", "POST /v1/sessions/{id}/media", Idempotency::Unsafe)
        .settled_by("list the session's media: a picture of this context and size is there if it was uploaded")
        .with_timeout(std::time::Duration::from_secs(120))
        .documented(Mark::Docs)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_type_is_seen_by_its_first_bytes() {
        for (file, expected) in [
            (&b"\xff\xd8\xff\xe0"[..], Some(MediaType::Jpeg)),
            (b"\x89PNG\r\n\x1a\n", Some(MediaType::Png)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(MediaType::Webp)),
            (b"\0\0\0\x18ftypheic", Some(MediaType::Heic)),
            (b"\0\0\0\x18ftypmif1", Some(MediaType::Heif)),
            (b"%PDF-1.4", Some(MediaType::Pdf)),
            (b"\0\0\0\x18ftypmp42", None),
            (b"\0\0\0\x18ftyp", None),
            (b"<html>", None),
            (b"", None),
        ] {
            assert_eq!(MediaType::of_file(file), expected, "{file:?}");
        }
    }
}
