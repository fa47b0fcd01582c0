//! Media: files that are uploaded, listed and downloaded.
//!
//! The members, the contexts and the codes are documented; the status of a success, and whether files are signed, are not.
//! What a person went through on Veriff's own pages has two invented pictures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;
use uuid::Uuid;

use super::Veriff;
use super::options::{MEDIA_DOCUMENT, MEDIA_FACE, MediaSigning};
use crate::exchange::{Json, ProviderApi, ReceivedRequest, Reply};
use crate::state::{DecisionStatus, Phase, Through, Word};

/// A picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01\
\x48\xaf\xa4\x71\0\0\0\0IEND\xaeB`\x82";

const CONTEXTS: [&str; 16] = [
    "document-and-face",
    "document-and-face-pre",
    "document-back",
    "document-back-pre",
    "document-front",
    "document-front-pre",
    "document-front-with-signature",
    "document-front-with-signature-pre",
    "document-front-face-cropped",
    "face",
    "face-pre",
    "face-nfc",
    "face-reference",
    "face-cropped",
    "address-front",
    "registry-face",
];

/// A file.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct File {
    #[cfg_attr(
        feature = "state-file",
        serde(deserialize_with = "crate::state::form::word")
    )]
    context: Word,
    #[cfg_attr(
        feature = "state-file",
        serde(deserialize_with = "crate::state::form::word")
    )]
    mimetype: Word,
    #[cfg_attr(
        feature = "state-file",
        serde(with = "crate::state::form::base64_bytes")
    )]
    bytes: Bytes,
}

impl File {
    fn invented(context: &'static str) -> Self {
        Self {
            context,
            mimetype: "image/png",
            bytes: Bytes::from_static(PNG),
        }
    }

    fn described(&self, request: &ReceivedRequest, id: Uuid, session: Uuid) -> Json {
        let extension = self.mimetype.rsplit('/').next().unwrap_or_default();
        Json::Object(vec![
            ("id", id.to_string().into()),
            ("name", format!("{}.{extension}", self.context).into()),
            ("context", self.context.into()),
            ("timestamp", Json::Null),
            (
                "size",
                Json::Number(i64::try_from(self.bytes.len()).unwrap_or(i64::MAX)),
            ),
            ("mimetype", self.mimetype.into()),
            (
                "url",
                format!("{}/v1/media/{id}", request.base_url()).into(),
            ),
            ("sessionId", session.to_string().into()),
        ])
    }
}

pub(super) fn upload(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let Ok(body) = request.json_object(*veriff.settings.content_type()) else {
        return veriff.error(400);
    };
    let file = match read(body.get("image")) {
        Ok(file) => file,
        Err((code, message)) => return veriff.refusal(400, code, message),
    };
    let (_, session) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let journey = veriff.find(session).journey;
    let id = veriff.simulation.ids.uuid();
    let described = file.described(request, id, session);
    veriff.media.update(id, |_| file.clone());
    let most = *veriff.settings.media_bytes();
    veriff.media.trim(|file| file.bytes.len(), most);
    let stored = veriff.change(session, |session| {
        let number = session.verification.number();
        let is_open = session.verification.is_open();
        if is_open {
            session
                .media
                .retain(|(_, id)| veriff.media.get(id).is_some());
            session.media.push((number, id));
        }
        is_open
    });
    if !stored {
        return veriff.error(409).of_journey(journey);
    }
    let members = vec![("status", "success".into()), ("image", described)];
    veriff
        .signed_in_order(*veriff.settings.upload_status(), members)
        .with_effect(id.to_string())
        .of_journey(journey)
        .with_change("stored a file")
}

fn read(image: Option<&Value>) -> Result<File, (&'static str, &'static str)> {
    let Some(image) = image.and_then(Value::as_object) else {
        return Err(("1400", "Image data is missing"));
    };
    let (Some(context), Some(content)) = (image.get("context"), image.get("content")) else {
        return Err(("1403", "A property of the image is missing"));
    };
    let known = CONTEXTS.into_iter().find(|known| context == known);
    let context = known.ok_or(("1402", "The context is not supported"))?;
    let no_base64 = ("1401", "The image is not in base64");
    let content = content.as_str().ok_or(no_base64)?;
    let encoded = match content.strip_prefix("data:") {
        Some(uri) => uri.split_once(";base64,").ok_or(no_base64)?.1,
        None => content,
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| no_base64)?;
    if bytes.is_empty() {
        return Err(("1400", "Image data is missing"));
    }
    let mimetype = match bytes.as_slice() {
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'R', b'I', b'F', b'F', ..] => "image/webp",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "image/heic",
        _ => "image/jpeg",
    };
    Ok(File {
        context,
        mimetype,
        bytes: bytes.into(),
    })
}

pub(super) fn of_session(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    match veriff.session(request) {
        Ok((_, session)) => {
            let number = veriff.find(session).verification.number();
            list(veriff, request, session, number)
        }
        Err(refusal) => refusal,
    }
}

pub(super) fn of_attempt(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let (session, number) = match veriff.path_id(request) {
        Ok((_, attempt)) => veriff.session_of(attempt),
        Err(refusal) => return refusal,
    };
    match veriff.exists(session) {
        true => list(veriff, request, session, number),
        false => veriff.error(404),
    }
}

/// The files of one of a session's attempts.
fn list(veriff: &Veriff, request: &ReceivedRequest, id: Uuid, number: usize) -> Reply {
    let session = veriff.find(id);
    let uploaded = session.media.iter();
    let uploaded = uploaded.filter(|(attempt, _)| *attempt == number);
    let mut files: Vec<_> = uploaded
        .filter_map(|(_, id)| Some((*id, veriff.media.get(id)?)))
        .collect();
    let attempts = session.verification.attempts();
    let attempt = number.checked_sub(1).and_then(|index| attempts.get(index));
    let on_pages = attempt.is_some_and(|attempt| match attempt.phase {
        Phase::Submitted(through) => through == Through::Pages,
        Phase::Decided(decided) => !matches!(
            decided.status,
            DecisionStatus::Expired | DecisionStatus::Abandoned
        ),
        Phase::Created | Phase::Started => false,
    });
    if files.is_empty() && on_pages {
        let invented = |id| Some((Uuid::try_parse(id).ok()?, invented(id)?));
        files.extend(
            [MEDIA_FACE, MEDIA_DOCUMENT]
                .into_iter()
                .filter_map(invented),
        );
    }
    let files = files.iter();
    let images = files.map(|(file_id, file)| file.described(request, *file_id, id));
    veriff
        .success(vec![
            ("status", "success".into()),
            ("images", Json::List(images.collect())),
            ("videos", Json::List(Vec::new())),
        ])
        .of_journey(session.journey)
}

fn invented(id: &str) -> Option<File> {
    match id {
        MEDIA_FACE => Some(File::invented("face")),
        MEDIA_DOCUMENT => Some(File::invented("document-front")),
        _ => None,
    }
}

pub(super) fn download(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let id = match veriff.path_id(request) {
        Ok((_, id)) => id,
        Err(refusal) => return refusal,
    };
    let Some(file) = veriff.media.get(&id).or_else(|| invented(&id.to_string())) else {
        return veriff.error(404);
    };
    let content_type = HeaderValue::from_static(file.mimetype);
    let reply = Reply::bytes(200, content_type, file.bytes.clone());
    match veriff.settings.media_signing() {
        MediaSigning::Signed => veriff.with_signature(reply, &file.bytes),
        MediaSigning::Unsigned => reply,
    }
}
