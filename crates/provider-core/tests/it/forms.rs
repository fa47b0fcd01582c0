//! Forms with files, read back by an independent parser.

use provider_core::http::HeaderValue;
use provider_core::http::header::CONTENT_TYPE;
use provider_core::jiff::Timestamp;
use provider_core::{Attempt, Form, Idempotency, Operation, RequestBuilder};

use crate::toy::Toy;

const UPLOAD: Operation =
    Operation::new("upload", "POST /v1/upload", Idempotency::Unsafe).settled_by("list the uploads");

fn form() -> Form {
    let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    Form::new()
        .text(
            "reference_id",
            "upload-1\r\n--provider-core-0000000000000000--\r\n",
        )
        .json("global_config", &serde_json::json!({"a": ["b"]}))
        .file(
            "fi\"le",
            "B\u{fc}cher \"1\".bin",
            HeaderValue::from_static("application/octet-stream"),
            binary,
        )
        .text("empty", "")
}

#[tokio::test]
async fn a_form_means_the_same_to_another_parser() {
    let (content_type, body) = form().encode().unwrap();
    let boundary = multer::parse_boundary(content_type.to_str().unwrap()).unwrap();
    // In small pieces, so that they also split the boundary.
    let pieces: Vec<_> = body
        .chunks(7)
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
        .collect();
    let mut parsed = multer::Multipart::new(futures_util::stream::iter(pieces), boundary);
    let mut found = Vec::new();
    while let Some(field) = parsed.next_field().await.unwrap() {
        let name = field.name().unwrap().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(ToString::to_string);
        found.push((name, file_name, content_type, field.bytes().await.unwrap()));
    }
    let texts: Vec<_> = found
        .iter()
        .map(|(name, file_name, content_type, _)| {
            (name.as_str(), file_name.as_deref(), content_type.as_deref())
        })
        .collect();
    assert_eq!(
        texts,
        [
            ("reference_id", None, None),
            ("global_config", None, Some("application/json")),
            (
                "fi%22le",
                Some("B\u{fc}cher %221%22.bin"),
                Some("application/octet-stream")
            ),
            ("empty", None, None),
        ]
    );
    assert_eq!(
        found[0].3,
        "upload-1\r\n--provider-core-0000000000000000--\r\n"
    );
    assert_eq!(found[1].3, r#"{"a":["b"]}"#);
    assert_eq!(
        found[2].3,
        (0..=255).cycle().take(100_000).collect::<Vec<u8>>()
    );
    assert_eq!(found[3].3, "");
}

#[test]
fn a_form_is_signed_as_it_is_sent_and_equal_in_every_attempt() {
    let toy = Toy::default();
    let built = |number| {
        let attempt = Attempt::new(number, Timestamp::UNIX_EPOCH, u128::from(number));
        let built = RequestBuilder::new(&toy, &UPLOAD, &attempt)
            .multipart(&form())
            .unwrap();
        let signed = built.signed_bytes().unwrap().to_vec();
        assert_eq!(signed, built.request().body().as_ref());
        (built.request().headers()[CONTENT_TYPE].clone(), signed)
    };
    assert_eq!(built(1), built(2));
    assert_eq!(
        built(1).0,
        "multipart/form-data; boundary=provider-core-0000000000000001"
    );
}
