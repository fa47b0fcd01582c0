//! One reply at a time with its signature or its body altered, around bodies of every sort.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consent_hmac::Veriff;
use provider_core::RawResponse;
use sha2::{Digest, Sha224, Sha256, Sha512};

use provider_core::VerificationError::{
    ConflictingHeaders, MalformedSignature, MissingSignature, OtherClient, RepeatedHeader,
    SignatureMismatch,
};

use super::Table;
use super::Verdict::{self, Accepted, Refused};
use super::veriff::{
    API_KEY, Headers, NOW, OTHER_CLIENT, OTHER_SECRET, REPLY, SECRET, SESSION, VRF, VRF_CLIENT, X,
    X_CLIENT, call, check, integration, mac, reply, sign,
};

/// A reply that is not what Veriff sent.
struct Forgery {
    row: &'static str,
    what: &'static str,
    headers: Headers,
    body: Vec<u8>,
    expected: Verdict,
}

/// What a forger may put around a forgery: the right JSON, no JSON, a refusal in Veriff's form, nesting that breaks
/// parsers, nothing. Whoever reads any of it before the check gives another error for it.
fn bodies() -> Vec<Vec<u8>> {
    vec![
        REPLY.into(),
        b"\xff\xfe{\"id\":".to_vec(),
        br#"{"status":"fail","code":"1819","message":"made up"}"#.to_vec(),
        b"[".repeat(10_000),
        Vec::new(),
    ]
}

pub(super) async fn run(table: &mut Table) -> Result<()> {
    for forgery in bodies().iter().flat_map(|body| around(body)) {
        let Forgery {
            row,
            what,
            headers,
            body,
            expected,
        } = forgery;
        let raw = reply(&headers, &body);
        let found = meets(integration(), raw.clone(), expected).await?;
        table.add(row, what, expected, found);
        // To believe unsigned replies changes what becomes of those and of no other.
        let lenient = integration().accept_unsigned_replies();
        if expected == Refused(MissingSignature) {
            let what = "no signature, told to accept that: a limit, TLS alone vouches";
            let found = meets(lenient, raw, Accepted).await?;
            table.add(row, what, Accepted, found);
        } else {
            let found = meets(lenient, raw, expected).await?;
            table.add(row, what, expected, found);
        }
    }
    Ok(())
}

/// The verdict of the check alone and of a whole call; the first that is not `expected`.
async fn meets(veriff: Veriff, raw: RawResponse, expected: Verdict) -> Result<Verdict> {
    let alone = check(&veriff, &raw, NOW);
    if alone != expected {
        return Ok(alone);
    }
    let called = call(veriff, raw, NOW).await?;
    match &called.result {
        // What is believed is read, and most of these bodies are no answer or say no.
        Err(error) if expected == Accepted && error.verification().is_none() => Ok(Accepted),
        _ => called.verdict(),
    }
}

/// Everything that is altered around one body.
fn around(body: &[u8]) -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    let right = &sign(SECRET, body);
    let other = &sign(OTHER_SECRET, body);
    let mut add = |row, what, headers: Headers, expected: Verdict| {
        let body = body.to_vec();
        forgeries.push(Forgery {
            row,
            what,
            headers,
            body,
            expected,
        });
    };
    let value = |text: &str| text.as_bytes().to_vec();
    let signed = |text: &str| vec![(X, value(text))];

    for headers in [
        vec![],
        vec![(X_CLIENT, value(API_KEY))],
        vec![(X_CLIENT, value(API_KEY)), (VRF_CLIENT, value(API_KEY))],
    ] {
        add("F67", "no signature", headers, Refused(MissingSignature));
    }
    let elsewhere = "the right signature in another header";
    for name in [
        "x-signature",
        "signature",
        "authorization",
        "x-hub-signature-256",
        "hmac-signature",
    ] {
        add(
            "F67",
            elsewhere,
            vec![(name, value(right))],
            Refused(MissingSignature),
        );
    }
    for bit in 0..256 {
        let mut bytes = mac(SECRET, body);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let text = hex::encode(bytes);
        add(
            "F68",
            "one bit of the signature changed",
            signed(&text),
            Refused(SignatureMismatch),
        );
    }
    for (row, what, texts) in mismatches(body) {
        for text in texts {
            add(row, what, signed(&text), Refused(SignatureMismatch));
        }
    }
    for (row, what, texts) in malformed(body) {
        for text in texts {
            add(row, what, signed(&text), Refused(MalformedSignature));
        }
    }
    for headers in [
        vec![(VRF, value(""))],
        vec![(X, value("")), (VRF, value(""))],
    ] {
        add("F71", "empty", headers, Refused(MalformedSignature));
    }
    let two = "two headers, equal or not";
    for (name, text) in [(X, right), (X, other), (VRF, right), (VRF, other)] {
        let headers = vec![(name, value(right)), (name, value(text))];
        add("F72", two, headers, Refused(RepeatedHeader));
    }
    for (first, second) in [(right, other), (other, right)] {
        let headers = vec![(X, value(first)), (VRF, value(second))];
        add(
            "F72",
            "x- and vrf- differ",
            headers,
            Refused(ConflictingHeaders),
        );
    }
    for (name, also) in [(X_CLIENT, X), (VRF_CLIENT, VRF)] {
        let headers = vec![
            (name, value(API_KEY)),
            (name, value(API_KEY)),
            (also, value(right)),
        ];
        add(
            "F72",
            "two headers with our key",
            headers,
            Refused(RepeatedHeader),
        );
    }
    // A single one that was decoded would be malformed, a single one that was compared would match: none was looked at.
    let many = "10,000 signatures, right, wrong or malformed";
    for text in [right, other, "malformed"] {
        for names in [[X, X], [VRF, VRF], [X, VRF]] {
            let headers = (0..10_000).map(|at| (names[at % 2], value(text))).collect();
            add("F72", many, headers, Refused(RepeatedHeader));
        }
    }
    let upper = "upper case: legal, hexadecimal digits have no case";
    let mixed = format!("{}{}", right[..32].to_ascii_uppercase(), &right[32..]);
    for text in [right.to_ascii_uppercase(), mixed] {
        add("F73", upper, signed(&text), Accepted);
    }
    let foreign = "signed rightly, for another client id";
    for (name, also) in [
        (X_CLIENT, X),
        (X_CLIENT, VRF),
        (VRF_CLIENT, X),
        (VRF_CLIENT, VRF),
    ] {
        let (trailed, listed) = (format!("{API_KEY} "), format!("{API_KEY},{API_KEY}"));
        for client in [OTHER_CLIENT, "", " ", &API_KEY[1..], &trailed, &listed] {
            let headers = vec![(name, value(client)), (also, value(right))];
            add("-", foreign, headers, Refused(OtherClient));
        }
    }
    let timestamp = "a timestamp in a header: legal, nothing reads it";
    let times = [
        "-9223372036854775808",
        "9223372036854775807",
        "+00001767225600",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ];
    for name in ["date", "x-timestamp", "x-hmac-timestamp"] {
        for text in times {
            let headers = vec![(X, value(right)), (name, value(text))];
            add("F75-F79", timestamp, headers, Accepted);
        }
    }
    forgeries.extend(rewritten(body));
    forgeries
}

type Texts = (&'static str, &'static str, Vec<String>);

/// Signatures of the right form that are wrong.
fn mismatches(body: &[u8]) -> Vec<Texts> {
    let mut reversed = mac(SECRET, body);
    reversed.reverse();
    let upper = SECRET.to_ascii_uppercase();
    let as_uuid = hex::decode(SECRET.replace('-', "")).expect("hexadecimal digits");
    let keys: [&[u8]; 9] = [
        OTHER_SECRET.as_bytes(),
        upper.as_bytes(),
        &as_uuid,
        &SECRET.replace('-', "").into_bytes(),
        &format!("{SECRET}\n").into_bytes(),
        API_KEY.as_bytes(),
        SESSION.as_bytes(),
        b"",
        b"null",
    ];
    let sha256 = |parts: [&[u8]; 2]| {
        let digest = Sha256::new().chain_update(parts[0]).chain_update(parts[1]);
        hex::encode(digest.finalize())
    };
    let else_signed = vec![
        hex::encode([0; 32]),
        hex::encode([0xff; 32]),
        hex::encode(reversed),
        sign(SECRET, b"another body"),
        // What a client or a path could have leaked.
        sign(
            SECRET,
            br#"{"type":"ine","approved":true,"text":"I agree."}"#,
        ),
        sign(SECRET, SESSION.as_bytes()),
    ];
    let other_algorithms = vec![
        hex::encode(&hmac_sha512(body)[..32]),
        hex::encode(&Sha512::digest(body)[..32]),
        sha256([body, b""]),
        sha256([body, SECRET.as_bytes()]),
        sha256([SECRET.as_bytes(), body]),
        sign(body, SECRET.as_bytes()),
        sign(SECRET, &mac(SECRET, body)),
    ];
    vec![
        ("F68", "a signature over something else", else_signed),
        ("F69", "another key", keys.map(|key| sign(key, body)).into()),
        (
            "F74",
            "another algorithm in 64 digits, the legacy one too",
            other_algorithms,
        ),
    ]
}

/// Texts that are no signature.
fn malformed(body: &[u8]) -> Vec<Texts> {
    let right = &*sign(SECRET, body);
    let owned = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let pairs: Vec<&str> = (0..64).step_by(2).map(|at| &right[at..at + 2]).collect();
    let between = [",", ", ", ";", " ", "\t"];
    let named = [
        "sha256=",
        "SHA256=",
        "sha-256=",
        "hmac-sha256 ",
        "sha1=",
        "sha512=",
        "md5=",
        "v0=",
        "v1=",
        "t=1767225600,v1=",
        "alg=none;",
    ];
    let spaced = vec![
        format!(" {right}"),
        format!("{right} "),
        format!("\t{right}"),
        format!("{} {}", &right[..32], &right[32..]),
        format!(" {}", &right[1..]),
        format!("{}\t", &right[..63]),
        format!("{right}\u{a0}"),
    ];
    let written_otherwise = vec![
        format!("0x{right}"),
        format!("0x{}", &right[2..]),
        format!("\"{right}\""),
        format!("{right},"),
        pairs.join(":"),
        pairs.join("-"),
        format!("%{}", pairs.join("%")),
        format!("é{}", &right[2..]),
        // A full-width digit one, in as many bytes as three digits.
        format!("\u{ff11}{}", &right[3..]),
        format!("g{}", &right[1..]),
        format!("-{}", &right[1..]),
        format!("+{}", &right[1..]),
    ];
    let other_encodings = vec![
        STANDARD.encode(mac(SECRET, body)),
        hex::encode(hmac_sha512(body)),
        hex::encode(Sha224::digest(body)),
    ];
    let no_signature = owned(&["none", "null", "undefined", "true", "eyJhbGciOiJub25lIn0."]);
    vec![
        (
            "F70",
            "cut short",
            (1..64).map(|length| right[..length].to_owned()).collect(),
        ),
        (
            "F70",
            "too long",
            ["0", "00", right]
                .map(|tail| format!("{right}{tail}"))
                .into(),
        ),
        ("F71", "empty", owned(&["", " ", "\t"])),
        (
            "F72",
            "two signatures in one header",
            between
                .map(|between| format!("{right}{between}{right}"))
                .into(),
        ),
        ("F73", "white space in the value", spaced),
        ("F73", "written in another way", written_otherwise),
        (
            "F74",
            "an algorithm named before the signature",
            named.map(|name| format!("{name}{right}")).into(),
        ),
        ("F74", "no signature, by name", no_signature),
        (
            "F74",
            "another encoding, a digest of another length",
            other_encodings,
        ),
    ]
}

/// The signature of one body over another that a middlebox made of it.
fn rewritten(body: &[u8]) -> Vec<Forgery> {
    let text = String::from_utf8_lossy(body);
    let mut altered: Vec<(&str, Vec<u8>)> = Vec::new();
    for rewritten in [
        text.replace(':', ": ").replace(',', ", "),
        text.replace(',', ",\n  "),
        text.replace('-', "\\u002d"),
        text.replace('/', "\\/"),
        text.replace("sessionId", "session\\u0049d"),
        text.replacen('{', "{\"status\":\"success\",", 1),
        text.replacen("consent", "Consent", 1),
        text.replacen(r#""context":"consent","#, "", 1),
        // The order of keys.
        r#"{"context":"consent","id":"123e4567-e89b-12d3-a456-426614174000","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#.to_owned(),
    ] {
        altered.push(("the body written again", rewritten.into_bytes()));
    }
    for (before, after) in [
        ("", "\n"),
        ("", "\r\n"),
        ("", " "),
        ("", "\0"),
        ("\u{feff}", ""),
        (" ", ""),
        ("\n", ""),
    ] {
        let whole = [before.as_bytes(), body, after.as_bytes()].concat();
        altered.push(("bytes before or after the body", whole));
    }
    altered.push(("bytes before or after the body", [body, body].concat()));
    for length in 0..body.len().min(200) {
        altered.push(("the body cut short", body[..length].to_vec()));
    }
    for bit in 0..body.len().min(200) * 8 {
        let mut flipped = body.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        altered.push(("one bit of the body changed", flipped));
    }
    let utf_16 = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    altered.push(("the body in another character set", utf_16));
    altered.push(("the body in base64", STANDARD.encode(body).into_bytes()));
    // What changes nothing in this body is no alteration.
    altered.retain(|(_, altered)| altered != body);
    let headers = || vec![(X, sign(SECRET, body).into_bytes())];
    let expected = Refused(SignatureMismatch);
    let forgery = |(what, body)| Forgery {
        row: "F82",
        what,
        headers: headers(),
        body,
        expected,
    };
    altered.into_iter().map(forgery).collect()
}

fn hmac_sha512(body: &[u8]) -> [u8; 64] {
    use hmac::{Hmac, KeyInit, Mac};

    let mac = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes any key");
    mac.chain_update(body).finalize().into_bytes().into()
}
