use super::*;

/// Knows one id as its own.
struct Known;

const OWN: &str = "0f4f5c92-6d3a-4b43-8f9e-0a8a6f3e1c11";

impl Provenance for Known {
    fn is_own_id(&self, id: &str) -> bool {
        id.trim_start_matches("aa_") == OWN
    }
}

fn request(text: &str) -> Masked {
    body(text.as_bytes(), "application/json", Author::Caller, &Known)
}

fn seen(text: &str) -> String {
    request(text).seen()
}

/// A number with a right check digit, made here so that no file holds one.
fn aadhaar() -> String {
    format!("2345{}{}", "6789", "0124")
}

/// A PAN that could be somebody's.
fn pan() -> String {
    format!("ABC{}1234F", "PE")
}

#[test]
fn nested_json_is_masked_by_name_and_form() {
    let mobile = format!("98{}", "76543210");
    let text = format!(
        r#"{{"mobile_number":"{mobile}","consent_type":"loan_underwriting",
  "who":{{"firstName":"Ramesh","pan":"{}","pans":["AAAPA0000A"],"age":41,"ok":true}},
  "list":[{{"email":"r.k@example.test"}},{{"accountNumber":"12345678901"}}],
  "vua":"{mobile}@onemoney","note":"for Ramesh","session":"{OWN}","other":"7d8bb1b8-67d4-4a2c-9b52-7f9f8f5d2c33"}}"#,
        pan()
    );
    assert_eq!(
        seen(&text),
        r#"{"mobile_number":"98••••••10","consent_type":"loan_underwriting",
  "who":{"firstName":"R•••••","pan":"A••••1••••","pans":["AAAPA0000A"],"age":41,"ok":true},
  "list":[{"email":"••••••••••••"},{"accountNumber":"•••••••8901"}],
  "vua":"98••••••10@onemoney","note":"[10 characters]","session":"0f4f5c92-6d3a-4b43-8f9e-0a8a6f3e1c11","other":"7d8b… (36 characters)"}"#
    );
}

#[test]
fn what_is_provably_invented_is_labelled() {
    let text = format!(
        r#"{{"pan":"AAAPA0000A","client_id":"aa_{OWN}","name":"Sample Person","firstName":"Resubmit","holder":"RAVI TESTWALA"}}"#
    );
    let masked = request(&text);
    let invented: Vec<&str> = masked
        .pieces
        .iter()
        .filter(|piece| piece.shown == Shown::Invented)
        .map(|piece| piece.text.as_str())
        .collect();
    assert_eq!(
        invented,
        [
            "AAAPA0000A",
            &format!("aa_{OWN}"),
            "Sample Person",
            "Resubmit",
            "RAVI TESTWALA"
        ]
    );
    assert!(!masked.looks_real);
    assert_eq!(masked.seen(), text);
}

#[test]
fn mobiles_are_masked_whoever_wrote_them_and_however() {
    for before in ["", "+91", "91", "0"] {
        let mobile = format!("{before}9000000001");
        for text in [
            format!(r#"{{"x":"{mobile}"}}"#),
            format!(r#"{{"message":"sent to {mobile}."}}"#),
            format!(r#"{{"{mobile}":1}}"#),
            format!(r#"{{"x":{mobile}}}"#),
            format!(r#"["{mobile}"]"#),
        ] {
            let masked = body(text.as_bytes(), "application/json", Author::Sandbox, &Known).seen();
            assert!(!masked.contains("000000"), "{text} {masked}");
        }
    }
    let escaped = r#"{"x":"\u0039000000001"}"#;
    assert!(!seen(escaped).contains("000000001"), "{}", seen(escaped));
    assert!(!seen(r#"{"x":"9000 000 001"}"#).contains("000 001"));
}

#[test]
fn broken_json_hides_as_much() {
    for text in [
        r#"{"mobile_number":"9000000001"#,
        r#"{"mobile_number":9000000001"#,
        r#"{mobile_number:9000000001}"#,
        r#"["9000000001""#,
        r#"{"a":"b" "9000000001" }"#,
        "\u{feff}{\"m\":\"9000000001\"}",
        r#"{"pan_number":"\"9000000001"#,
    ] {
        assert!(!seen(text).contains("000000"), "{text} {}", seen(text));
    }
    let deep = format!("{}\"9000000001\"{}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(!seen(&deep).contains("000000"));
    let inside = r#"{"payload":"{\"mobile\":\"9000000001\"}"}"#;
    assert_eq!(seen(inside), r#"{"payload":"[27 characters]"}"#);
}

#[test]
fn real_looking_numbers_raise_the_warning_and_others_do_not() {
    assert!(request(&format!(r#"{{"id":"{}"}}"#, aadhaar())).looks_real);
    let grouped = format!(
        "{} {} {}",
        &aadhaar()[..4],
        &aadhaar()[4..8],
        &aadhaar()[8..]
    );
    assert!(request(&format!(r#"{{"text":"it is {grouped} indeed"}}"#)).looks_real);
    assert!(!seen(&format!(r#"{{"text":"it is {grouped}"}}"#)).contains(&grouped[..9]));
    assert!(request(&format!(r#"{{"note":"{}"}}"#, pan())).looks_real);
    // The check digit is wrong.
    let wrong = format!(r#"{{"id":"{}{}"}}"#, "23456789", "0125");
    for harmless in [
        wrong.as_str(),
        r#"{"pan":"AAAPA0000A"}"#,
        r#"{"timestamp":1893456000000,"aadhaar":"XXXXXXXX1234"}"#,
        r#"{"mobile":"9000000001"}"#,
    ] {
        assert!(!request(harmless).looks_real, "{harmless}");
    }
    assert_eq!(
        seen(r#"{"aadhaar":"XXXXXXXX1234"}"#),
        r#"{"aadhaar":"XXXXXXXX1234"}"#
    );
    assert_eq!(seen(&wrong), r#"{"id":"••••••••0125"}"#);
}

#[test]
fn xml_is_masked_in_attributes_and_texts() {
    let text = r#"<?xml version="1.0"?><KycRes xmlns="urn:x"><Poi name="Ramesh Kumar" dob='1990-01-01' phone="&#57;876543210"/><Pan>AAAPA0000A</Pan><Co>S/O Suresh</Co><Status>ACTIVE</Status><!-- Ramesh --></KycRes>"#;
    let masked = body(text.as_bytes(), "application/xml", Author::Caller, &Known).seen();
    assert_eq!(
        masked,
        r#"<?xml version="1.0"?><KycRes xmlns="urn:x"><Poi name="R•••••••••••" dob='••••••••••' phone="&#••••••••••10"/><Pan>AAAPA0000A</Pan><Co>••••••••••</Co><Status>ACTIVE</Status>[15 characters]</KycRes>"#
    );
    for broken in [
        "<a name=\"Ramesh",
        "<a>Ramesh Kumar",
        "<a name='Ramesh Kumar'",
        "<9000000001",
    ] {
        let masked = body(broken.as_bytes(), "text/xml", Author::Caller, &Known).seen();
        assert!(
            !masked.contains("amesh") && !masked.contains("000000"),
            "{masked}"
        );
    }
}

#[test]
fn forms_queries_and_paths_are_masked() {
    let form = "mobile=98%37654%33210&state=ACTIVE&name=Ramesh+Kumar&9000000001=x&flag";
    let masked = body(
        form.as_bytes(),
        "application/x-www-form-urlencoded",
        Author::Caller,
        &Known,
    );
    assert_eq!(
        masked.seen(),
        "mobile=98••••••••••10&state=ACTIVE&name=R•••••••••••&90••••••01=x&flag"
    );
    let at = |text: &str| target(text, Author::Caller, &Known).seen();
    assert_eq!(
        at("/v1/sessions/9000000001?code=abc"),
        "/v1/sessions/90••••••01?code=abc"
    );
    assert_eq!(
        at(&format!("/v1/sessions/{OWN}/decision")),
        format!("/v1/sessions/{OWN}/decision")
    );
    assert_eq!(
        at("/v1/sessions/7d8bb1b8-67d4-4a2c-9b52-7f9f8f5d2c33"),
        "/v1/sessions/7d8b… (36 characters)"
    );
    assert_eq!(at("/getallfidataPdf"), "/getallfidataPdf");
    assert_eq!(
        at("/x?token=0123456789abcdef"),
        "/x?token=0123… (16 characters)"
    );
}

#[test]
fn headers_show_no_credential_and_no_signature() {
    let text = "host: 127.0.0.1:8787\nx-api-key: sandbox-finpass-key\nx-hmac-signature: 8d59f58d580b3d4d\nx-request-id: call-0123456789abcdef0123456789\nauthorization: Bearer abcdefghijklmnop\nx-strange: Ramesh Kumar\n";
    assert_eq!(
        head(text.as_bytes(), Author::Caller, &Known).seen(),
        "host: 127.0.0.1:8787\nx-api-key: sand… (19 characters)\nx-hmac-signature: 8d59… (16 characters)\nx-request-id: call-0123456789abcdef0123456789\nauthorization: Bear… (23 characters)\nx-strange: [12 characters]\n"
    );
}

#[test]
fn files_and_other_bytes_are_not_shown() {
    let form = "--b\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n9000000001\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.csv\"\r\n\r\nRamesh,1\r\n--b--\r\n";
    let masked = body(
        form.as_bytes(),
        "multipart/form-data; boundary=b",
        Author::Caller,
        &Known,
    );
    assert!(masked.seen().contains("90••••••01") && masked.seen().contains("[8 characters]"));
    let bytes = [b"\xff\xfe9000000001 Ramesh Kumar".as_slice(), &[0xff; 64]].concat();
    let masked = body(&bytes, "application/octet-stream", Author::Caller, &Known).seen();
    assert!(
        !masked.contains("000000") && !masked.contains("Ramesh"),
        "{masked}"
    );
}

#[test]
fn the_sandbox_s_own_words_are_seen() {
    let text = r#"{"status":"success","message":"Payload Too Large","timestamp":1893456000000,"count":3,"at":"2030-01-01T00:00:00.000Z","photo":"aGVsbG8gd29ybGQgaGVsbG8="}"#;
    let masked = body(text.as_bytes(), "application/json", Author::Sandbox, &Known).seen();
    assert_eq!(
        masked,
        text.replace("aGVsbG8gd29ybGQgaGVsbG8=", "[24 characters]")
    );
    let url = r#"{"redirect_url":"https://lender.example.test/back?mobile=9000000001"}"#;
    assert_eq!(
        seen(url),
        r#"{"redirect_url":"https://lender.example.test/back?mobile=90••••••01"}"#
    );
}

#[test]
fn what_is_cut_out_is_what_was_sent() {
    let text = "{ \"mobile_number\" : \"9000000001\" ,\r\n \"x\":[1,\"\\u00e9\"]}\n";
    let whole: String = request(text)
        .pieces
        .into_iter()
        .map(|piece| piece.text)
        .collect();
    assert_eq!(whole, text);
}
