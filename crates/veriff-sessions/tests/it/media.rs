//! Files: what is refused before it is sent, whose files are believed, and what is left of a download.

use consent_hmac::SessionId;
use provider_core::bytes::Bytes;
use provider_core::http::{HeaderMap, StatusCode};
use provider_core::testing::{ScriptedTransport, Step, StreamEnd};
use provider_core::{Error, ErrorKind, Outcome, ReplyHead, VerificationError};
use serde_json::{Value, json};
use tempfile::TempDir;
use veriff_sessions::{
    DownloadMedia, ListSessionMedia, MediaContext, MediaId, MediaList, MediaType, UploadMedia,
};

use crate::sessions::replying;
use crate::{SESSION, client, signed};

fn session() -> SessionId {
    SessionId::parse(SESSION).unwrap()
}

/// Uploads to a peer that accepts everything, and says what was sent to it.
async fn upload(request: UploadMedia) -> Result<Value, Error> {
    let reply = format!(r#"{{"image":{{"id":"media-1","sessionId":"{SESSION}"}}}}"#);
    let transport = replying(200, &reply);
    client(transport.clone()).upload_media(request).await?;
    Ok(transport.only().json())
}

/// The member that is refused before anything is sent.
async fn refused(request: UploadMedia) -> String {
    let transport = ScriptedTransport::new([]);
    let error = client(transport.clone()).upload_media(request).await;
    let error = error.unwrap_err();
    let found = (error.kind(), error.outcome(), transport.sent().len());
    assert_eq!(found, (ErrorKind::InvalidRequest, Outcome::NotSent, 0));
    error.to_string()
}

#[tokio::test]
async fn a_picture_that_is_none_is_refused_before_anything_is_sent() {
    for (content, rule) in [
        ("", "must be base64"),
        ("data:image/png;base64,", "must be base64"),
        ("/9j/4AA", "must be base64"),
        ("/9j_4AAQ", "must be base64"),
        ("/9j/4AA=/9j/4AAQ", "must be base64"),
        ("/9j/ 4AAQ", "must be base64"),
        (
            "data:image/png,/9j/4AAQ",
            "must have ;base64, after its type",
        ),
        (
            "data:text/html;base64,PGh0bWw+",
            "must be one of: image/jpeg",
        ),
        ("data:image/png;base64,JVBERi0xLjQK", "is of another type"),
        ("data:application/pdf;base64,/9j/4AAQ", "is of another type"),
    ] {
        let request = UploadMedia::from_base64(session(), MediaContext::Face, content);
        let error = refused(request).await;
        assert!(
            error.contains("image.content") && error.contains(rule),
            "{content}: {error}"
        );
        assert!(content.is_empty() || !error.contains(content), "{error}");
    }
    let picture = |context: &str| UploadMedia::from_base64(session(), context.into(), "/9j/4AAQ");
    assert!(refused(picture("")).await.contains("image.context"));
    let timed = picture("face").set_timestamp("1.1.2030");
    assert!(refused(timed).await.contains("image.timestamp"));
    // Padding that is not at the end of a step, far from the beginning.
    let content = format!("{}AA=={}", "A".repeat(4096), "A".repeat(4096));
    let request = UploadMedia::from_base64(session(), MediaContext::Face, content);
    assert!(refused(request).await.contains("must be base64"));
}

#[tokio::test]
async fn what_is_larger_than_the_page_allows_is_refused_before_anything_is_sent() {
    let jpeg = |bytes: usize| {
        let file = vec![0_u8; bytes];
        UploadMedia::new(
            session(),
            MediaContext::DocumentFront,
            MediaType::Jpeg,
            &file,
        )
    };
    let largest = UploadMedia::MAX_PICTURE_BASE64 / 4 * 3;
    assert!(refused(jpeg(largest + 1)).await.contains("at most 24 MB"));
    let sent = upload(jpeg(largest)).await.unwrap();
    let content = sent["image"]["content"].as_str().unwrap();
    let encoded = content.strip_prefix("data:image/jpeg;base64,").unwrap();
    assert_eq!(encoded.len(), UploadMedia::MAX_PICTURE_BASE64);

    let pdf = |bytes: usize| {
        let mut file = b"%PDF-1.4\n".to_vec();
        file.resize(bytes, b' ');
        UploadMedia::new(session(), MediaContext::AddressFront, MediaType::Pdf, &file)
    };
    let largest = UploadMedia::MAX_PDF_BYTES;
    assert!(
        refused(pdf(largest + 1))
            .await
            .contains("a PDF at most 20 MB")
    );
    assert!(upload(pdf(largest)).await.is_ok());
}

#[tokio::test]
async fn both_forms_of_a_picture_are_sent_as_they_are() {
    for content in ["/9j/4AAQ", "data:image/jpg;base64,/9j/4AAQ", "/9j/4A=="] {
        let request = UploadMedia::from_base64(session(), MediaContext::Face, content);
        let sent = upload(request).await.unwrap();
        assert_eq!(
            sent,
            json!({"image": {"context": "face", "content": content}})
        );
    }
    let request = UploadMedia::new(session(), MediaContext::Face, MediaType::Webp, b"RIFF");
    let printed = format!("{request:?}");
    assert!(!printed.contains("UklGRg"), "{printed}");
}

async fn list(body: &str) -> Result<MediaList, Error> {
    let request = ListSessionMedia::new(session());
    let list = client(replying(200, body)).session_media(request).await;
    Ok(list?.into_value())
}

#[tokio::test]
async fn a_file_of_another_session_is_not_believed_and_one_without_an_id_is_set_aside() {
    let other = r#"{"id":"b","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;
    for body in [
        format!(r#"{{"images":[{{"id":"a"}},{other}]}}"#),
        format!(r#"{{"images":[],"videos":[{other}]}}"#),
        format!(r#"{{"images":[],"nfcDocuments":[{other}]}}"#),
    ] {
        let error = list(&body).await.unwrap_err();
        assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
    }
    let body = r#"{"images":[{"id":7},{"id":"../x"},{"id":"a","size":"9"},3],"videos":7}"#;
    let media = list(body).await.unwrap();
    let ids: Vec<_> = media.files().map(|file| file.id.as_str()).collect();
    assert_eq!((ids, media.images.unread_count()), (vec!["7", "a"], 2));
    assert_eq!(media.images[1].size, Some(9));
    for body in ["{}", r#"{"images":null}"#, r#"{"images":[],"images":[]}"#] {
        assert_eq!(list(body).await.unwrap_err().kind(), ErrorKind::Decode);
    }
    let named = json!({"images": [{"id": "a", "name": "CANARY", "context": "CANARY", "timestamp": "CANARY",
        "mimetype": "CANARY", "url": "CANARY", "duration": "CANARY"}]});
    let printed = format!("{:?}", list(&named.to_string()).await.unwrap());
    assert!(!printed.contains("CANARY"), "{printed}");
}

const FILE: &[u8] = b"\xff\xd8\xff made up";

fn head(content_type: &str, over: &[u8]) -> ReplyHead {
    let mut headers: HeaderMap = signed(over);
    headers.insert("content-type", content_type.parse().unwrap());
    ReplyHead::new(StatusCode::OK, headers)
}

/// Downloads into a directory, and says what is in it then.
async fn download(step: Step) -> (Result<u64, Error>, Vec<String>) {
    let directory = TempDir::new().unwrap();
    let request = DownloadMedia::new(MediaId::parse("media-1").unwrap());
    let client = client(ScriptedTransport::new([step]));
    let call = client.download_media(request);
    let call = call.with_retry(provider_core::RetryPolicy::never());
    let stored = call.download(directory.path().join("face.jpg")).await;
    let names = std::fs::read_dir(directory.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.collect();
    (stored.map(|stored| stored.value().size()), names)
}

#[tokio::test]
async fn a_download_is_whole_and_verified_or_leaves_nothing() {
    let pieces = || FILE.chunks(4).map(Bytes::from_static).collect();
    let whole = |head| Step::Stream(head, pieces(), StreamEnd::Whole);
    let (stored, names) = download(whole(head("image/jpeg", FILE))).await;
    assert_eq!(
        (stored.unwrap(), names),
        (FILE.len() as u64, vec!["face.jpg".to_owned()])
    );

    let cut = StreamEnd::Fail(provider_core::TransportErrorKind::Interrupted);
    for (step, kind) in [
        (
            whole(head("image/jpeg", b"another")),
            ErrorKind::Verification,
        ),
        // The id is signed in the request; the reply signs its body.
        (
            whole(head("image/jpeg", b"media-1")),
            ErrorKind::Verification,
        ),
        (whole(head("text/html", FILE)), ErrorKind::Decode),
        (
            Step::Stream(head("image/jpeg", FILE), pieces(), cut),
            ErrorKind::Transport,
        ),
    ] {
        let (error, names) = download(step).await;
        assert_eq!((error.unwrap_err().kind(), names), (kind, vec![]));
    }
}

#[tokio::test]
async fn a_download_without_an_end_stops_at_the_cap_and_leaves_nothing() {
    const PIECE: &[u8] = &[0; 1024 * 1024];
    let pieces = vec![Bytes::from_static(PIECE); DownloadMedia::MAX_BYTES / PIECE.len() + 1];
    let (error, names) = download(Step::Stream(
        head("video/webm", b""),
        pieces,
        StreamEnd::Hang,
    ))
    .await;
    assert_eq!(
        (error.unwrap_err().kind(), names),
        (ErrorKind::Transport, vec![])
    );
}

#[tokio::test]
async fn chip_data_are_json_and_a_refusal_is_not_taken_for_them() {
    let ask = async |body: &str| {
        let request = DownloadMedia::new(MediaId::parse("media-1").unwrap());
        let response = provider_core::RawResponse::new(
            StatusCode::OK,
            head("application/json", body.as_bytes()).headers().clone(),
            body.to_owned().into(),
        );
        let client = client(ScriptedTransport::new([Step::Respond(response)]));
        client.download_media(request).await
    };
    assert_eq!(ask(r#"{"com":"YBZf"}"#).await.unwrap().value().size(), 14);
    let refused = ask(r#"{"status":"fail","code":"1104"}"#).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Api);
}
