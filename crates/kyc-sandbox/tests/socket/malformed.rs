//! Malformed and abusive HTTP: each case ends as documented, and an ordinary request is answered afterwards.

use crate::peer::{
    INIT, INIT_BODY, PROVIDERS, Step, alive, body, init_head, raw, serve, speak, statuses,
};
use kyc_sandbox::{Settings, credentials};

/// The bytes sent, and the statuses of the replies before the connection is closed.
struct Row {
    name: &'static str,
    steps: Vec<Step>,
    statuses: &'static [u16],
    /// The peer is still writing when the reply arrives. It may then see the reset instead of the reply.
    writing: bool,
}

/// The connection is closed without a reply.
const CLOSED: &[u16] = &[];

fn row(name: &'static str, steps: Vec<Step>, statuses: &'static [u16]) -> Row {
    Row {
        name,
        steps,
        statuses,
        writing: false,
    }
}

fn sent(name: &'static str, bytes: impl Into<Vec<u8>>, statuses: &'static [u16]) -> Row {
    row(name, vec![Step::Send(bytes.into())], statuses)
}

/// More than the sandbox reads.
fn flood(name: &'static str, steps: Vec<Step>, statuses: &'static [u16]) -> Row {
    Row {
        writing: true,
        ..row(name, steps, statuses)
    }
}

/// The head of a Finpass request with these headers and `connection: close`, then these bytes.
fn with(headers: &str, rest: impl AsRef<[u8]>) -> Vec<u8> {
    let head = init_head(&format!("connection: close\r\n{headers}"));
    [head.as_bytes(), rest.as_ref()].concat()
}

/// A header with a value of this length.
fn padded(length: usize) -> String {
    format!("x-a: {}\r\n", "a".repeat(length))
}

fn chunked(rest: &str) -> String {
    init_head("connection: close\r\ntransfer-encoding: chunked\r\n") + rest
}

/// The body as one chunk, without the last one.
fn chunk() -> String {
    format!("{:x}\r\n{INIT_BODY}\r\n", INIT_BODY.len())
}

fn length() -> String {
    format!("content-length: {}\r\n", INIT_BODY.len())
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

fn post(target: &str) -> String {
    let head = init_head(&format!("connection: close\r\n{}", length()));
    format!("{head}{INIT_BODY}").replace(INIT, target)
}

fn request_lines() -> Vec<Row> {
    vec![
        sent("binary", b"\x00\x01\xff\xfe\r\n\r\n".as_slice(), &[400]),
        sent("one word", "POST\r\n\r\n", &[400]),
        sent("no version", "POST /\r\n\r\n", &[400]),
        sent(
            "another version",
            "POST / HTTP/9.9\r\nhost: x\r\n\r\n",
            &[400],
        ),
        sent("another protocol", "EHLO x\r\n\r\n", &[400]),
        sent("spaces", "POST   /   HTTP/1.1\r\nhost: x\r\n\r\n", &[400]),
        sent(
            "NUL in the path",
            "GET /fin\0pass HTTP/1.1\r\nhost: x\r\n\r\n",
            &[400],
        ),
        sent(
            "a character that is no ASCII",
            "GET /é HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            &[404],
        ),
        flood("without end", vec![Step::Repeat(vec![b'A'; 8192])], &[431]),
        flood(
            "a path without end",
            vec![
                Step::Send(b"GET /".to_vec()),
                Step::Repeat(vec![b'a'; 8192]),
            ],
            &[431],
        ),
        flood(
            "blank lines without end",
            vec![Step::Repeat(b"\r\n".repeat(4096))],
            &[431],
        ),
        sent(
            "a method of its own",
            get(INIT).replace("GET", "BREW"),
            &[405],
        ),
        sent(
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
            &[400],
        ),
        sent(
            "HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            CLOSED,
        ),
        sent(
            "CONNECT",
            "CONNECT elsewhere.example.test:443 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            &[404],
        ),
        sent(
            "OPTIONS *",
            "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            &[404],
        ),
        // It is not a proxy: the path counts, and nothing is forwarded.
        sent(
            "another host",
            get("http://elsewhere.example.test/x"),
            &[404],
        ),
        row(
            "a provider's path at another host",
            vec![Step::Send(
                post(&format!("http://elsewhere.example.test{INIT}")).into(),
            )],
            &[200],
        ),
    ]
}

fn paths() -> Vec<Row> {
    let target = |name, target: &str| sent(name, post(target), &[404]);
    vec![
        target("an unknown path", "/elsewhere"),
        target(
            "dots",
            "/finpro/..//finpass/api/v1/services/account-aggregator/init",
        ),
        target(
            "encoded dots",
            "/finpro/%2e%2e/finpass/api/v1/services/account-aggregator/init",
        ),
        target(
            "an encoded slash",
            "/finpass%2fapi/v1/services/account-aggregator/init",
        ),
        target(
            "an encoded NUL",
            "/finpass/api/v1/services/account-aggregator/init%00",
        ),
        target("encoded bytes that are no text", "/finpass/%ff%fe"),
        target("a broken escape", "/finpass/%zz"),
        target(
            "a slash more",
            "/finpass/api/v1/services/account-aggregator/init/",
        ),
        target(
            "another case",
            "/FINPASS/api/v1/services/account-aggregator/init",
        ),
        sent(
            "a session that leads away",
            // Signed and complete, so that the session alone is wrong.
            String::from_utf8(PROVIDERS[2].request(PROVIDERS[2].good.as_bytes()))
                .unwrap()
                .replace("d69a07cf-4434-4d36-be6c-d22af7dc01fb", "%2e%2e%2f%2e%2e"),
            &[404],
        ),
    ]
}

fn headers() -> Vec<Row> {
    let many = |count: usize| {
        (0..count)
            .map(|n| format!("x-{n}: 1\r\n"))
            .collect::<String>()
    };
    vec![
        sent(
            "no host",
            "GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
            &[400],
        ),
        sent("two hosts", with("host: y\r\n", ""), &[400]),
        row(
            "no host before HTTP/1.1",
            vec![Step::Send(
                post(INIT).replace("HTTP/1.1\r\nhost: x", "HTTP/1.0").into(),
            )],
            &[200],
        ),
        sent("no name", with(": 1\r\n", ""), &[400]),
        sent("no colon", with("what is this\r\n", ""), &[400]),
        sent("a space before the colon", with("x-a : 1\r\n", ""), &[400]),
        sent("a folded line", with("x-a: 1\r\n 2\r\n", ""), &[400]),
        sent("NUL in a value", with("x-a: 1\0\r\n", ""), &[400]),
        sent("a bare carriage return", with("x-a: 1\r2\r\n", ""), &[400]),
        sent("101 headers", with(&many(101), ""), &[431]),
        flood(
            "10,000 headers",
            vec![Step::Send(with(&many(10_000), ""))],
            &[431],
        ),
        flood(
            "a header of 100 kB",
            vec![Step::Send(with(&padded(100_000), ""))],
            &[431],
        ),
        flood(
            "a head one byte over 64 KiB",
            vec![Step::Send({
                let rest = with(&padded(0), "").len();
                with(&padded(64 * 1024 + 1 - rest), "")
            })],
            &[431],
        ),
        flood(
            "a header of 1 MiB",
            vec![Step::Send(with(
                &format!("x-a: {}\r\n", "a".repeat(1 << 20)),
                "",
            ))],
            &[431],
        ),
        flood(
            "a header without end",
            vec![
                Step::Send(b"GET / HTTP/1.1\r\nx-a: ".to_vec()),
                Step::Repeat(vec![b'a'; 8192]),
            ],
            &[431],
        ),
        flood(
            "headers without end",
            vec![
                Step::Send(b"GET / HTTP/1.1\r\n".to_vec()),
                Step::Repeat(b"x-a: 1\r\n".repeat(1024)),
            ],
            &[431],
        ),
        sent(
            "credentials that are no text",
            post(INIT).replace(credentials::FINPASS_API_KEY, "\u{ff}"),
            &[401],
        ),
        sent(
            "no content type",
            post(INIT).replace("content-type: application/json\r\n", ""),
            &[422],
        ),
        sent(
            "another content type",
            post(INIT).replace("application/json", "text/plain"),
            &[422],
        ),
        sent(
            "two content types",
            with(
                &format!("content-type: application/json\r\n{}", length()),
                INIT_BODY,
            ),
            &[422],
        ),
        row(
            "an upgrade",
            vec![Step::Send(with(
                &format!("connection: upgrade\r\nupgrade: websocket\r\n{}", length()),
                INIT_BODY,
            ))],
            &[200],
        ),
    ]
}

fn framing() -> Vec<Row> {
    let length = length();
    vec![
        sent(
            "a malformed length",
            with("content-length: minus one\r\n", ""),
            &[400],
        ),
        sent(
            "a negative length",
            with("content-length: -1\r\n", ""),
            &[400],
        ),
        sent(
            "a signed length",
            with("content-length: +70\r\n", ""),
            &[400],
        ),
        sent(
            "a length past 64 bits",
            with("content-length: 18446744073709551616\r\n", ""),
            &[400],
        ),
        sent(
            "two lengths",
            with("content-length: 1\r\ncontent-length: 2\r\n", "ab"),
            &[400],
        ),
        sent(
            "two lengths in one",
            with("content-length: 1, 2\r\n", "ab"),
            &[400],
        ),
        row(
            "the same length twice",
            vec![Step::Send(with(&length.repeat(2), INIT_BODY))],
            &[200],
        ),
        // The remaining bytes start no request, because the connection ends.
        row(
            "more than the length",
            vec![Step::Send(with(
                &length,
                format!("{INIT_BODY}{}", post(INIT)),
            ))],
            &[200],
        ),
        row(
            "less than the length, and the end",
            vec![Step::Send(with(&length, "{\"mob")), Step::HalfClose],
            &[400],
        ),
        // The chunks count, and the connection ends, so that a peer that trusts the length cannot smuggle a request.
        row(
            "chunks and a length",
            vec![Step::Send(with(
                "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
                format!("{}0\r\n\r\n", chunk()),
            ))],
            &[200],
        ),
        sent(
            "chunks before HTTP/1.1",
            chunked("0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0"),
            &[400],
        ),
        sent(
            "another coding",
            with("transfer-encoding: gzip\r\n", ""),
            &[400],
        ),
        sent(
            "chunked, and then another",
            with("transfer-encoding: chunked, gzip\r\n", ""),
            &[400],
        ),
        sent("a malformed chunk size", chunked("zz\r\nabc\r\n"), &[400]),
        sent(
            "a chunk size past 64 bits",
            chunked("10000000000000000\r\nabc\r\n"),
            &[400],
        ),
        sent(
            "a chunk that is longer than it says",
            chunked("3\r\nabcd\r\n0\r\n\r\n"),
            &[400],
        ),
        sent(
            "a chunk without its end",
            chunked("3\r\nabc0\r\n\r\n"),
            &[400],
        ),
        flood(
            "a chunk extension without end",
            vec![
                Step::Send(chunked("1;").into()),
                Step::Repeat(vec![b'a'; 8192]),
            ],
            &[400],
        ),
        flood(
            "trailers without end",
            vec![
                Step::Send(chunked(&format!("{}0\r\n", chunk())).into()),
                Step::Repeat(b"x-a: 1\r\n".repeat(1024)),
            ],
            &[400],
        ),
        flood(
            "chunks without end",
            vec![
                Step::Send(chunked("").into()),
                Step::Repeat([b"2000\r\n".as_slice(), &[b' '; 0x2000], b"\r\n"].concat()),
            ],
            &[413],
        ),
        row(
            "chunks of one byte",
            vec![Step::Send(
                chunked(
                    &INIT_BODY
                        .bytes()
                        .map(|byte| format!("1;ext=\"x\"\r\n{}\r\n", char::from(byte)))
                        .chain(["0\r\nx-trailer: 1\r\n\r\n".to_owned()])
                        .collect::<String>(),
                )
                .into(),
            )],
            &[200],
        ),
        sent(
            "64 KiB and a byte",
            with("content-length: 65537\r\n", vec![b' '; 65_537]),
            &[413],
        ),
        sent(
            "1 MiB",
            with("content-length: 1048576\r\n", vec![b' '; 1 << 20]),
            &[413],
        ),
        flood(
            "a gigabyte",
            vec![
                Step::Send(with("content-length: 1073741824\r\n", "")),
                Step::Repeat(vec![b' '; 8192]),
            ],
            &[413],
        ),
        // Answered without waiting for it.
        sent(
            "the promise of a gigabyte",
            with("content-length: 1073741824\r\n", ""),
            &[413],
        ),
        flood(
            "an endless body for a route that reads none",
            vec![
                Step::Send(chunked("").replace(INIT, "/x").into()),
                Step::Repeat([b"2000\r\n".as_slice(), &[b' '; 0x2000], b"\r\n"].concat()),
            ],
            &[404],
        ),
        row(
            "an expectation that is met",
            vec![
                Step::Send(with(&format!("expect: 100-continue\r\n{length}"), "")),
                Step::Send(INIT_BODY.into()),
            ],
            &[100, 200],
        ),
        sent(
            "the promise of a gigabyte, if it is wanted",
            with("expect: 100-continue\r\ncontent-length: 1073741824\r\n", ""),
            &[413],
        ),
        sent(
            "the promise of a body that is a byte too long, if it is wanted",
            with("expect: 100-continue\r\ncontent-length: 65537\r\n", ""),
            &[413],
        ),
        // It is not decoded; the bytes are the body.
        sent(
            "gzip",
            with(
                "content-encoding: gzip\r\ncontent-length: 10\r\n",
                b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
            ),
            &[422],
        ),
        row(
            "three requests at once",
            vec![Step::Send({
                let kept = format!("{}{INIT_BODY}", init_head(&length));
                format!("{kept}{kept}{}", post(INIT)).into()
            })],
            &[200, 200, 200],
        ),
        row(
            "a good request, then garbage",
            vec![Step::Send(
                format!("{}{INIT_BODY}\0\0\0\r\n\r\n", init_head(&length)).into(),
            )],
            &[200, 400],
        ),
        row(
            "a good request, and no more",
            vec![
                Step::Send(format!("{}{INIT_BODY}", init_head(&length)).into()),
                Step::HalfClose,
            ],
            &[200],
        ),
    ]
}

#[tokio::test]
async fn malformed_traffic_ends_as_documented_and_the_next_request_works() {
    let (sandbox, served) = serve(Settings::default()).await;
    let address = served.address();
    let mut effects = 0;
    let mut wrong = Vec::new();
    for row in [request_lines(), paths(), headers(), framing()]
        .into_iter()
        .flatten()
    {
        let replies = speak(address, row.steps).await;
        let statuses = statuses(&replies);
        if statuses != row.statuses && !(row.writing && statuses == CLOSED) {
            wrong.push(format!("{}: {replies:?}", row.name));
        }
        alive(address).await;
        // A session for each success, the ordinary one among them.
        effects += 1 + statuses.iter().filter(|status| **status == 200).count();
        if sandbox.ledger().total().effects != u64::try_from(effects).unwrap() {
            wrong.push(format!("{}: another number of effects", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Invalid JSON as the value of an unread field.
fn invalid_values() -> Vec<(&'static str, Vec<u8>)> {
    let nested = |depth: usize, open: &str, close: &str| {
        format!("{}{}", open.repeat(depth), close.repeat(depth)).into_bytes()
    };
    vec![
        ("a word", b"undefined".to_vec()),
        ("no number", b"NaN".to_vec()),
        ("infinity", b"-Infinity".to_vec()),
        ("a number past every other", b"1e400".to_vec()),
        ("a text that is not UTF-8", b"\"\xff\"".to_vec()),
        ("half of a surrogate pair", br#""\ud800""#.to_vec()),
        ("a control character", b"\"\0\"".to_vec()),
        ("128 levels", nested(127, "[", "]")),
        ("30,000 lists in lists", nested(30_000, "[", "]")),
        ("5,000 objects in objects", nested(5_000, "{\"a\":", "}")),
        ("lists without end", nested(60_000, "[", "")),
    ]
}

/// Bodies that are not a JSON object.
fn invalid_bodies() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", vec![]),
        ("spaces", b"   ".to_vec()),
        ("null", b"null".to_vec()),
        ("a text", b"\"text\"".to_vec()),
        ("a list", b"[]".to_vec()),
        ("an empty object", b"{}".to_vec()),
        ("a broken object", b"{not json".to_vec()),
        ("bytes that are no text", vec![0xff, 0xfe, 0xfd]),
        (
            "20,000 lists in a list",
            format!("[{}[]]", "[],".repeat(20_000)).into_bytes(),
        ),
    ]
}

#[tokio::test]
async fn bodies_that_are_not_json_get_each_providers_refusal() {
    let (sandbox, served) = serve(Settings::default()).await;
    let mut wrong = Vec::new();
    for provider in &PROVIDERS {
        let fields = &provider.good.as_bytes()[1..];
        let with_value = |value: &[u8]| [b"{\"unread\":", value, b",", fields].concat();
        let good = provider.good.as_bytes();
        let utf_16 = provider.good.encode_utf16().flat_map(u16::to_le_bytes);
        let mut bodies = invalid_bodies();
        bodies.push(("a byte order mark", [b"\xef\xbb\xbf", good].concat()));
        bodies.push(("UTF-16", utf_16.collect()));
        bodies.push(("two objects", good.repeat(2)));
        for (name, value) in invalid_values() {
            bodies.push((name, with_value(&value)));
        }
        let (refused, form) = provider.invalid;
        for (name, content) in bodies {
            let reply = raw(served.address(), &provider.request(&content)).await;
            if statuses(&reply) != [refused] || !body(&reply).contains(form) {
                wrong.push(format!("{} {name}: {reply}", provider.path));
            }
        }
        // The accepted baseline: the deepest nesting and the largest number.
        let nested = format!("{}1e308{}", "[".repeat(126), "]".repeat(126));
        let request = provider.request(&with_value(nested.as_bytes()));
        let reply = raw(served.address(), &request).await;
        if statuses(&reply) != [provider.success] {
            wrong.push(format!("{} good: {reply}", provider.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(sandbox.ledger().total().effects, 3, "FinPro has none");
}

#[tokio::test]
async fn the_last_of_two_equal_keys_counts() {
    let (_, served) = serve(Settings::default()).await;
    for provider in &PROVIDERS {
        let fields = provider.good.strip_prefix('{').unwrap();
        let (first, _) = fields.split_once(':').unwrap();
        let overridden = format!("{{{first}:[],{fields}");
        let overriding = format!("{},{first}:[]}}", provider.good.strip_suffix('}').unwrap());
        for (content, expected) in [
            (overridden, provider.success),
            (overriding, provider.invalid.0),
        ] {
            let request = provider.request(content.as_bytes());
            let reply = raw(served.address(), &request).await;
            assert_eq!(statuses(&reply), [expected], "{content}: {reply}");
        }
    }
}
