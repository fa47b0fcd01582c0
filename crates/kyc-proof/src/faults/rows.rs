//! Every row of the matrix. The table stands in a macro so that a case is a line.

use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use kyc_proof::companies::Headers;
use provider_core::ErrorKind::{
    Api, Connect, Credentials, Decode, RateLimited, Timeout, Transport, Unrecognized, Verification,
};
use provider_core::Outcome::{Done, NotSent, Refused, Unknown};
use provider_core::testing::tolerance::Mutation;
use provider_core::{ErrorKind, Idempotency, Outcome};
use serde_json::Value;

use super::case::Drive::{Again, DropAtEachPoll, Shutdown, WithoutDescriptors};
use super::case::Expect::{Dropped, Fails, FailsAtLast, Understood};
use super::case::Repeat::{Always, IfHarmless, Never};
use super::case::{Case, Idle, Repeat, Stage, Variant};
use super::column::Column;
use super::server::Script::{AtConnection, AtRequest};
use super::server::Step::{Finish, Flood, Head, Reset, Stall, Trickle};
use super::server::{Script, Step};
use super::transports::Certificate;
use super::wire::{Reply, done_then, read_then, send, successes};
use crate::planted::*;
use crate::process::stranger;

const SOON: Duration = Duration::from_millis(2);
const SLOWLY: Duration = Duration::from_millis(20);
const BRIEFLY: Duration = Duration::from_millis(500);
const SEVEN: Duration = Duration::from_secs(7);
const GIB: usize = 1 << 30;
/// A fatal alert: the protocol version is not supported.
const ALERT: &[u8] = &[21, 3, 1, 0, 2, 2, 70];
const GOOD: Stage = Stage::Tls(Certificate::Good);

const UNSIGNED: &str = "replies are not signed: TLS alone vouches";
const NO_CERTIFICATE: &str =
    "no certificate was refused, so it counts as a connection that was not made";
const TOTAL: &str = "one deadline for the whole call: an attempt has no limit of its own, so none is cut short and repeated";
const BROKE_OFF: &str =
    "the exchange broke off: there is no whole body that could be called malformed";
const EVICTED: &str = "the connection is closed before the next call; what comes at the same moment as the next request cannot be distinguished \
                       from its answer, because HTTP/1.1 numbers nothing";
const TOO_LARGE: &str =
    "transport, cause \"longer than the limit\": asking again would end the same way";

/// After the effect, these steps.
fn done(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case::new(name, done_then(steps))
}

/// After the effect these steps; the deadline passes.
fn silent(steps: impl IntoIterator<Item = Step>) -> Case {
    done("", steps).times_out().note(TOTAL)
}

/// After the effect these steps; the exchange broke off.
fn broken(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Case {
    done(name, steps).fails(Transport, Unknown, IfHarmless)
}

/// The server is well and is not reached.
fn unreached(c: &Column, stage: Stage) -> Case {
    let case = Case::new("", done_then([send(Reply::correct(c))]))
        .at(stage)
        .once(false);
    case.fails(Connect, NotSent, Always)
}

fn refused_certificate(c: &Column, certificate: Certificate) -> Case {
    let case = Case::new("", done_then([send(Reply::correct(c))])).at(Stage::Tls(certificate));
    case.fails(Verification, NotSent, Never)
}

fn handshake(name: &'static str, steps: Vec<Step>) -> Case {
    let case = Case::new(name, AtConnection(steps)).at(GOOD);
    case.fails(Connect, NotSent, Always)
}

/// A ServerHello that chooses TLS 1.1.
fn old_hello() -> Vec<u8> {
    let before: &[u8] = &[22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    [before, &[7; 32], &[0, 0, 0x2f, 0]].concat()
}

/// A refusal as soon as the head is there, and then this.
fn early_refusal(c: &Column, name: &'static str, then: Step) -> Case {
    let refusal = send(Reply::new("413 Content Too Large", c.refusal()));
    Case::new(name, AtRequest(vec![Head, refusal, then])).large(c)
}

fn chunk(text: &str) -> String {
    format!("{:x};x={CHUNK_EXTENSION}\r\n{text}\r\n", text.len())
}

/// The correct reply without its last bytes.
fn all_but(c: &Column, last: usize) -> Step {
    let bytes = Reply::correct(c).bytes();
    send(bytes.slice(..bytes.len() - last))
}

/// The correct reply and, at once or later, what nobody asked for.
fn trailed(c: &Column, name: &'static str, extra: impl AsRef<[u8]>, later: bool) -> Case {
    let (reply, extra) = (Reply::correct(c).bytes(), extra.as_ref());
    let steps = match later {
        false => vec![send([&reply, extra].concat())],
        true => vec![
            Trickle(reply.clone(), reply.len(), SOON),
            send(extra.to_vec()),
        ],
    };
    done(name, steps).evicts().note(EVICTED)
}

fn interim(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nlink: <https://{HTML}.example.test/>\r\n\r\n")
}

/// A redirect to each kind of place. Servers that answer so have or have not done what was asked.
fn redirect(
    status: &str,
    then: fn([Step; 1]) -> Script,
    outcome: Outcome,
    note: &'static str,
) -> [Case; 2] {
    let places = [
        ("to a relative place", format!("/{LOCATION}")),
        (
            "to another host",
            format!("http://localhost:{}/{LOCATION}", stranger()),
        ),
        (
            "to another host, by TLS",
            format!("https://localhost:{}/{LOCATION}", stranger()),
        ),
        ("to nowhere", String::new()),
    ];
    ["", "from TLS"].map(|name| {
        let to = |(to, place): &(&str, String)| {
            let reply = Reply::new(status, "").with("location", place);
            Variant::new(*to, then([send(reply)]))
        };
        let case = Case::each(name, places.iter().map(to)).note(note);
        let case = case.at(if name.is_empty() { Stage::Plain } else { GOOD });
        case.fails(Unrecognized, outcome, IfHarmless)
    })
}

fn page() -> String {
    format!("<html><body>{HTML}</body></html>")
}

/// Each of these statuses, with a reason of the peer's own if it has none, with the documented refusal and with a page, which
/// nobody can tell from a gateway's.
fn statuses(
    c: &Column,
    statuses: &[&str],
    then: fn([Step; 1]) -> Script,
    results: [(ErrorKind, Outcome, Repeat); 2],
) -> [Case; 2] {
    let challenge = format!("Basic realm=\"{CHALLENGE}\"");
    let cases = [
        ("", c.refusal(), results[0]),
        ("a page", page(), results[1]),
    ];
    cases.map(|(name, body, (kind, outcome, repeat))| {
        let variant = |status: &&str| {
            let line = match status.contains(' ') {
                true => (*status).to_owned(),
                false => format!("{status} {REASON}"),
            };
            let reply = Reply::new(line, &body).with("www-authenticate", &challenge);
            Variant::new(*status, then([send(reply)]))
        };
        Case::each(name, statuses.iter().map(variant)).fails(kind, outcome, repeat)
    })
}

fn refusals(c: &Column, list: &[&str], kind: ErrorKind) -> [Case; 2] {
    let results = [(kind, Refused, Never), (Unrecognized, Refused, IfHarmless)];
    statuses(c, list, read_then, results)
}

/// The server breaks, after it has done what was asked.
fn breaks(c: &Column, list: &[&str]) -> [Case; 2] {
    statuses(c, list, done_then, [(Api, Unknown, IfHarmless); 2])
}

fn throttled(c: &Column, name: &'static str, headers: &[(&str, &str)]) -> Case {
    let reply = Reply::new("429 Too Many Requests", c.refusal());
    let with = |reply: Reply, (name, value): &(&str, &str)| reply.with(name, value);
    let reply = headers.iter().fold(reply, with);
    Case::new(name, read_then([send(reply)])).fails(RateLimited, Refused, Always)
}

/// Nothing vouches for it: no signature, where replies are signed, and no member of the provider's envelope.
fn in_its_place(case: Case) -> Case {
    case.fails(Unrecognized, Unknown, IfHarmless)
}

/// The same where replies are not signed; where they are, this.
fn unless_signed(c: &Column, case: Case, kind: ErrorKind, outcome: Outcome) -> Case {
    match c.signs_replies() {
        true => case.fails(kind, outcome, Never),
        false => in_its_place(case),
    }
}

/// The body is this instead, and the provider vouches for it.
fn body(c: &Column, name: &'static str, body: impl AsRef<[u8]>) -> Case {
    done(name, [send(Reply::vouched(c, body))])
}

/// It is nothing of the provider's, unless the provider vouches for it.
fn foreign(c: &Column, name: &'static str, bytes: impl AsRef<[u8]>) -> Case {
    unless_signed(c, body(c, name, bytes), Decode, Done)
}

/// It begins like the reply, and is no JSON or not of the reply's form.
fn unread(c: &Column, name: &'static str, bytes: impl AsRef<[u8]>) -> Case {
    body(c, name, bytes).fails(Decode, Done, Never)
}

/// Each place of the reply after this mutation, with the result that the snapshots have.
fn mutated(c: &Column, name: &'static str, mutation: Mutation) -> Case {
    Case::each(name, successes(c, c.mutated(mutation)))
}

/// Each place of the reply that has another text for it.
fn places(
    c: &Column,
    name: &'static str,
    change: impl Fn(&Value, Option<&str>) -> Option<String>,
) -> Case {
    Case::each(name, successes(c, c.with_raw(change)))
}

fn if_text(value: &Value, text: &str) -> Option<String> {
    value.is_string().then(|| text.to_owned())
}

fn if_number(value: &Value, text: impl Fn(&Value) -> String) -> Option<String> {
    value.is_number().then(|| text(value))
}

/// The first half of a reply, which may still vouch for itself.
fn half(c: &Column) -> Case {
    let body = c.body().into_bytes();
    let half = &body[..body.len() / 2];
    match c.result_of(half) {
        Fails(Decode, ..) => unread(c, "half", half),
        _ => foreign(c, "half", half),
    }
}

/// The body with more members at its beginning.
fn with_more(c: &Column, members: &str) -> String {
    c.body().replacen('{', &format!("{{{members},"), 1)
}

/// The members by which providers refuse, where the reply has none of the same name.
fn refusing(c: &Column) -> String {
    let status = match c.body().contains("\"status\"") {
        true => "",
        false => "\"status\":\"fail\",",
    };
    format!("{status}\"detail\":\"{WRONG_VALUE}\",\"errorCode\":\"X\",\"error_code\":\"X\"")
}

fn unknown_member(c: &Column) -> String {
    let values = format!("[\"{ECHOED_NAME}\",\"{ECHOED_ADDRESS}\",\"{VUA}\",1e400]");
    with_more(
        c,
        &format!("\"{UNKNOWN_KEY}\":{{\"{UNKNOWN_VALUE}\":{values}}}"),
    )
}

fn no_utf_8(c: &Column) -> Vec<u8> {
    let mut body = c.body().into_bytes();
    let text = body.windows(2).position(|pair| pair == b":\"").unwrap() + 2;
    body[text] = 0xff;
    body
}

fn endless(c: &Column, name: &'static str, framing: (&str, &str), piece: Vec<u8>) -> Case {
    let head = send(Reply::new(c.status(), "").framed(framing.0, framing.1, ""));
    let case = done(name, [head, Flood(piece.into(), Duration::ZERO)]);
    case.fails(Transport, Unknown, Never)
        .alone()
        .note(TOO_LARGE)
}

fn spaces() -> Vec<u8> {
    vec![b' '; 64 << 10]
}

/// 64 MiB of spaces, compressed.
fn bomb() -> &'static [u8] {
    static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        (0..1024).for_each(|_| encoder.write_all(&spaces()).unwrap());
        encoder.finish().unwrap()
    });
    &BOMB
}

/// JSON that is nowhere expected.
fn wrong() -> String {
    format!("{{\"{WRONG_VALUE}\":[\"{WRONG_VALUE}\"]}}")
}

fn deep() -> String {
    format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))
}

/// The correct body with a header that means nothing there, a variant for each value.
fn labelled(c: &Column, name: &'static str, header: &str, values: &[&str]) -> Case {
    let variant = |value: &&str| {
        let reply = Reply::correct(c).with(header, value);
        Variant::new(*value, done_then([send(reply)]))
    };
    Case::each(name, values.iter().map(variant)).note("it is not asked: the bytes decide")
}

/// A script, for those who sign: it gets the headers that vouch for the correct body.
fn if_signed(c: &Column, name: &'static str, script: impl FnOnce(Headers) -> Script) -> Case {
    let script = || script(c.vouched(c.body().as_bytes()));
    let variant = c.signs_replies().then(|| Variant::new("", script()));
    Case::each(name, variant).unless(UNSIGNED)
}

/// The correct body under other headers, which must not be believed.
fn forged(c: &Column, name: &'static str, headers: Headers) -> Case {
    let reply = Reply::new(c.status(), c.body()).all(&headers);
    let script = |_| done_then([send(reply)]);
    if_signed(c, name, script).fails(Verification, Unknown, Never)
}

/// The signature in a header of this form, as bytes on the wire: what HTTP itself changes or refuses.
fn on_the_wire(c: &Column, name: &'static str, line: impl Fn(&str) -> String) -> Case {
    if_signed(c, name, |vouched| {
        let reply = Reply::new(c.status(), c.body()).line(line(&vouched[1].1));
        done_then([send(reply)])
    })
}

fn trailer(c: &Column, vouched: &Headers) -> Script {
    let (chunk, signature) = (chunk(&c.body()), &vouched[1].1);
    let chunks = format!("{chunk}0\r\nx-hmac-signature: {signature}\r\n\r\n");
    let reply = Reply::new(c.status(), "").chunked(chunks);
    done_then([send(reply.with("trailer", "x-hmac-signature"))])
}

macro_rules! rows {
    ($($number:literal $fault:literal => $cases:expr;)+) => {{
        let mut all = Vec::new();
        $(all.extend($cases.into_iter().map(|case: Case| case.in_row($number, $fault)));)+
        all
    }};
}

/// The cases of all rows, as they are for one operation.
pub(crate) fn all(c: &Column) -> Vec<Case> {
    let lost = Fails(Transport, Unknown, IfHarmless);
    let unmade = Fails(Connect, NotSent, Always);
    let text = |bytes: &str| send(bytes.to_owned());
    let correct = Reply::correct(c);
    let forgery = Reply::vouched(c, c.forged()).bytes();
    let framed =
        |name: &str, value: &str, body: &[u8]| send(correct.clone().framed(name, value, body));
    let chunked = |chunks: String| send(correct.clone().chunked(chunks));
    let short = || {
        framed(
            "content-length",
            &c.body().len().to_string(),
            &c.body().as_bytes()[..c.body().len() / 2],
        )
    };
    rows! {
        1 "name not found" => [unreached(c, Stage::NoSuchName)];
        4 "connection refused" => [unreached(c, Stage::Refused)];
        6 "no file descriptor left" => [unreached(c, Stage::Plain).driven(WithoutDescriptors).alone()];
        7 "certificate expired" => [refused_certificate(c, Certificate::Expired)];
        8 "certificate for another name" => [refused_certificate(c, Certificate::OtherName)];
        9 "certificate of an unknown authority" => [refused_certificate(c, Certificate::UnknownAuthority)];
        10 "certificate signed by itself" => [refused_certificate(c, Certificate::SelfSigned)];
        11 "TLS 1.1 only" => [
            handshake("says so by an alert", vec![send(ALERT), Finish]).note(NO_CERTIFICATE),
            handshake("chooses it all the same", vec![send(old_hello()), Finish]).note(NO_CERTIFICATE),
        ];
        12 "handshake breaks" => [
            handshake("stalls", vec![Stall]).connects_within(BRIEFLY),
            handshake("stalls until the deadline", vec![Stall]).fails(Connect, NotSent, Never).within(BRIEFLY),
            handshake("reset", vec![Reset]),
            handshake("ended", vec![Finish]),
            handshake("no TLS", vec![text("220 ready\r\n"), Finish]),
        ];
        15 "kept connection was ended, and the end was seen" => [Case::new("", done_then([send(Reply::correct(c))])).driven(Again(Idle::Ended))];
        16 "kept connection breaks as the request is sent" => [
            Case::new("reset at its first byte", AtRequest(vec![Reset])).driven(Again(Idle::Kept)).gives([lost]),
            Case::new("ended at the same time", AtRequest(vec![Finish])).driven(Again(Idle::Ending)).once(true)
                .gives([Understood, lost])
                .note("a race: either a new connection is made, or the request was lost on the old one"),
            Case::new("new one reset before it is read", AtConnection(vec![Reset]))
                .gives([lost, unmade, FailsAtLast(Connect, Unknown), FailsAtLast(Transport, Unknown)])
                .note("a race: the reset comes before or after the connection counts as made"),
        ];
        17 "reset in the middle of the body" => [Case::new("", AtRequest(vec![Head, Reset])).large(c).gives([lost])];
        18 "peer stops reading" => [
            Case::new("", AtRequest(vec![Head, Stall])).times_out().large(c).within(Duration::from_millis(600)),
        ];
        19 "refused before the body is read" => [
            early_refusal(c, "and read on", Finish).fails(Api, Refused, Never),
            early_refusal(c, "and reset", Reset).note("a race: a reset may overtake the answer").gives({
                let repeated = c.operation().idempotency != Idempotency::Unsafe;
                let last = repeated.then_some(FailsAtLast(Api, Unknown));
                [Fails(Api, Refused, Never), lost].into_iter().chain(last)
            }),
        ];
        21 "silence after the whole request" => [silent([Stall])];
        22 "done, and then no answer" => [broken("reset", [Reset]), broken("ended", [Finish])];
        23 "head byte by byte without end" => [
            silent([send(format!("HTTP/1.1 200 {REASON}\r\nx-a: ")), Flood("a".into(), SLOWLY)]),
        ];
        24 "interim answers" => [
            silent([Flood(interim("103 Early Hints").into(), SLOWLY)]),
            // Alone, because it takes all of a processor. Long ones: hyper reads megabytes of them before a timer is looked at, and a
            // short one takes it as much time as a long one.
            done("without end and without pause", [
                Flood(interim(&format!("100 Continue\r\nx-a: {}", "a".repeat(4_000))).into(), Duration::ZERO),
            ]).alone().gives([lost, Fails(Timeout, Unknown, Never)]).within(Duration::from_secs(2))
                .note("over hyper a broken exchange after 64 KiB; reqwest lets nobody count, so the deadline ends it"),
            done("a few", [send(interim("103 Early Hints").repeat(3)), send(correct.clone())]),
            in_its_place(done("switching protocols unasked", [
                text("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"), Finish,
            ])),
        ];
        25 "head too long" => [
            broken("10,000 headers", {
                let many: String = (0..10_000).map(|i| format!("x-{i}: {RUBBISH}\r\n")).collect();
                [send(format!("HTTP/1.1 200 OK\r\n{many}\r\n")), Finish]
            }).note("a head that cannot be read breaks the exchange off, like any other"),
            broken("a header of 1 MiB", [send(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", RUBBISH.repeat(52_429))), Finish]),
            done("a header of 100 kB", [send(format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", RUBBISH.repeat(5_000)))])
                .fails(Transport, Unknown, Never).note(TOO_LARGE),
        ];
        26 "body byte by byte without end" => [silent([framed("content-length", "1000000", b""), Flood(" ".into(), SLOWLY)])];
        27 "body stalls half way" => [silent([all_but(c, 40), Stall])];
        28 "slow and alive" => [done("", [Trickle(correct.bytes(), 16, SOON)])];
        29 "body shorter than announced" => [
            broken("ended", [short(), Finish]),
            broken("reset", [short(), Reset]),
            broken("two lengths", [send(Reply::new("200 OK", "").framed("content-length", "1", "").with("content-length", "2")), Finish]),
            broken("length is no number", [framed("content-length", RUBBISH, b""), Finish]),
        ].map(|case| case.note(BROKE_OFF));
        30 "chunks without an end" => [
            broken("ended", [chunked(chunk(&c.body())), Finish]),
            broken("length is no number", [chunked(format!("{RUBBISH}\r\n")), Finish]),
            broken("longer than its length", [chunked(format!("1\r\n{}\r\n0\r\n\r\n", c.body())), Finish]),
            broken("no HTTP at all", [send(format!("{RUBBISH}\r\n\r\n")), Finish]),
            done("with an end", [chunked(format!("{}0\r\n\r\n", chunk(&c.body())))]),
        ];
        31 "bytes after the end" => [
            trailed(c, "rubbish", RUBBISH, false),
            trailed(c, "a forged answer", &forgery, false),
            trailed(c, "a forged answer, later", &forgery, true),
            // Nothing but the end of the connection ends it.
            done("an answer of its own length", [framed("connection", "close", c.body().as_bytes()), Finish]),
            Case::new("a second answer after a refusal", read_then([
                send([Reply::new("404 Not Found", c.refusal()).bytes(), forgery].concat()),
            ])).fails(Api, Refused, Never),
        ];
        32 "301 Moved Permanently" => redirect("301 Moved Permanently", done_then, Unknown, "nothing says that it was not done");
        33 "302 Found" => redirect("302 Found", done_then, Unknown, "nothing says that it was not done");
        34 "303 See Other" => redirect("303 See Other", done_then, Unknown, "nothing says that it was not done");
        35 "307 Temporary Redirect" => redirect("307 Temporary Redirect", read_then, Refused, "another address handles it: this one did not");
        36 "308 Permanent Redirect" => redirect("308 Permanent Redirect", read_then, Refused, "another address handles it: this one did not");
        37 "refused by a 4xx" => refusals(
            c, &["400 Bad Request", "404 Not Found", "409 Conflict", "410 Gone", "422 Unprocessable Content", "451"], Api,
        );
        38 "401 and 403" => refusals(c, &["401 Unauthorized", "403 Forbidden"], Credentials);
        40 "429 with seconds" => [throttled(c, "", &[("retry-after", "7")]).pauses(SEVEN)];
        41 "429 with a date" => [
            ("by a clock that is far ahead", ["Fri, 01 Jun 2029 05:30:00 GMT", "Fri, 01 Jun 2029 05:30:07 GMT"]),
            ("a leap second", ["Sat, 31 Dec 2016 23:59:52 GMT", "Sat, 31 Dec 2016 23:59:60 GMT"]),
        ].map(|(name, [now, until])| throttled(c, name, &[("date", now), ("retry-after", until)]).pauses(SEVEN)
            .note("the peer's own `Date` tells its clock"));
        42 "429 without a wait" => [throttled(c, "", &[])];
        43 "429 with a wait that is none, or too long" => ["-1", REASON, "1000000000"].map(|wait| {
            throttled(c, if wait == REASON { "a word" } else { wait }, &[("retry-after", wait)]).fails(RateLimited, Refused, Never)
                .note("a wait that nobody understands is at least a minute, and the deadline comes before its end")
        });
        45 "5xx and 408" => breaks(c, &[
            "500 Internal Server Error", "500", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "408 Request Timeout", "599",
        ]);
        46 "503 with seconds" => [
            done("", [send(Reply::new("503 Service Unavailable", c.refusal()).with("retry-after", "7"))]).fails(Api, Unknown, IfHarmless).pauses(SEVEN)
                .note("an Unsafe operation is not repeated: gateways send 503 after the request was passed on, too"),
        ];
        48 "200 with a page" => [
            in_its_place(done("", [send(Reply::new(c.status().replace("OK", REASON), page()))])),
            in_its_place(done("nothing at all", [send(Reply::new(c.status(), ""))])),
            unless_signed(c, done("JSON of somebody else's", [send(Reply::new(c.status(), wrong()))]), Verification, Unknown),
            if_signed(c, "signed", |_| done_then([send(Reply::vouched(c, page()))])).fails(Decode, Done, Never),
        ];
        49 "204 with a body" => [
            unless_signed(c, done("", [send(Reply::new("204 No Content", c.body()).all(&c.vouched(c.body().as_bytes())))]), Verification, Unknown)
                .note("HTTP knows no body there, so there is none to read or to verify"),
        ];
        50 "headers that mean nothing" => [
            labelled(c, "type and charset", "content-type", &["text/html; charset=latin1", "application/json; charset=utf-16"]),
            labelled(c, "encoding", "content-encoding", &["gzip", "zstd", "br", VARIANT]),
            labelled(c, "date", "date", &["Thu, 31 May 2029 23:50:00 GMT", "Fri, 01 Jun 2029 00:10:00 GMT", "never"]),
            labelled(c, "a signature where none is documented", "x-hmac-signature", if c.signs_replies() { &[] } else { &["00", ""] })
                .unless("replies are signed"),
            done("no content type", {
                let correct = String::from_utf8(correct.bytes().to_vec()).unwrap();
                [send(correct.replace("content-type: application/json\r\n", ""))]
            }),
        ];
        51 "JSON cut off" => [
            half(c),
            foreign(c, "nothing", ""),
            unread(c, "the last byte", &c.body()[..c.body().len() - 1]),
        ];
        52 "wrong type" => [
            places(c, "each place", |_, _| Some(wrong())),
            mutated(c, "each place, a plain one", Mutation::Retyped),
            foreign(c, "the whole", wrong()),
            foreign(c, "a list", format!("[{}]", wrong())),
        ];
        53 "field missing" => [mutated(c, "each", Mutation::Dropped)];
        54 "unknown field" => [body(c, "", unknown_member(c)), mutated(c, "in each object and list", Mutation::Extended)];
        55 "unlisted value of an enumeration" => [
            places(c, "each text is another", |value, _| if_text(value, &format!("\"{VARIANT}\""))),
        ];
        56 "repeated field" => [places(c, "each", |value, member| Some(format!("{value},{:?}:{value}", member?)))];
        57 "integer above 2^63" => [
            places(c, "each", |value, _| if_number(value, |_| "9223372036854775808".to_owned())).unless("no integer in its reply"),
        ];
        58 "1.0 for 1" => [places(c, "each", |value, _| if_number(value, |value| format!("{value}.0"))).unless("no integer in its reply")];
        59 "NaN" => [
            places(c, "each", |value, _| (!value.is_object() && !value.is_array()).then(|| "NaN".to_owned())),
        ];
        60 "null" => [mutated(c, "each place", Mutation::Nulled), foreign(c, "the whole", "null")];
        61 "bytes that are no UTF-8" => [
            unread(c, "in the first text", no_utf_8(c)),
            foreign(c, "UTF-16", c.body().encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()),
            places(c, "half a pair, escaped, in each text", |value, _| if_text(value, r#""\ud800""#)),
        ];
        62 "byte order mark" => [
            body(c, "", format!("\u{feff}{}", c.body())),
            body(c, "and NULs after the end", format!("\u{feff}{}\0\0", c.body())),
            foreign(c, "two of them", format!("\u{feff}\u{feff}{}", c.body())),
        ];
        63 "more after the end of the JSON" => [
            unread(c, "rubbish", format!("{}{RUBBISH}", c.body())),
            unread(c, "the same again", c.body().repeat(2)),
        ];
        64 "10,000 levels" => [
            foreign(c, "the whole", deep()),
            body(c, "in an unknown field", with_more(c, &format!("\"{UNKNOWN_KEY}\":{}", deep()))).note("what is not read does not nest"),
        ];
        65 "1 GiB" => [
            endless(c, "announced", ("content-length", &GIB.to_string()), spaces()),
            endless(c, "in chunks", ("transfer-encoding", "chunked"), [&b"10000\r\n"[..], &spaces(), b"\r\n"].concat()),
            endless(c, "until the connection ends", ("connection", "close"), spaces()),
        ];
        66 "64 MiB compressed into 64 KiB" => [
            unless_signed(c, done("", [send(Reply::vouched(c, bomb()).with("content-encoding", "gzip"))]), Decode, Done)
                .alone().note("nothing is ever unpacked"),
        ];
        67 "signature missing" => [
            forged(c, "", Vec::new()),
            if_signed(c, "after the body, in a trailer", |headers| trailer(c, &headers)).fails(Verification, Unknown, Never),
        ];
        68 "signature wrong" => [
            forged(c, "of another body", c.vouched(b"{}")),
            forged(c, "with another key", c.vouched_with(VERIFF_FOREIGN, c.body().as_bytes())),
        ];
        72 "two signatures" => [
            on_the_wire(c, "90 of them", |right| format!("x-hmac-signature: {right}\r\n").repeat(90).trim_end().to_owned())
                .fails(Verification, Unknown, Never),
            on_the_wire(c, "10,000 of them", |right| format!("x-hmac-signature: {right}\r\n").repeat(10_000).trim_end().to_owned())
                .gives([lost]),
        ].map(|case| case.note("also when they agree: which of them a peer means is anybody's guess"));
        73 "signature written otherwise" => [
            on_the_wire(c, "space around it", |right| format!("x-hmac-signature:   {right}\t")),
            on_the_wire(c, "its name in capitals", |right| format!("X-HMAC-SIGNATURE: {right}")),
            on_the_wire(c, "on two lines", |right| format!("x-hmac-signature: {}\r\n {}", &right[..32], &right[32..])).gives([lost]),
            on_the_wire(c, "space before the colon", |right| format!("x-hmac-signature : {right}")).gives([lost]),
            on_the_wire(c, "a NUL inside", |right| format!("x-hmac-signature: {}\0", &right[1..])).gives([lost]),
            on_the_wire(c, "1 MiB of it", |right| format!("x-hmac-signature: {}", right.repeat(16 * 1024))).gives([lost]),
        ];
        80 "genuine answer to another request" => [
            Case::each("", successes(c, c.others())).unless("a reply repeats nothing of its request")
                .note("each text that repeats the request's; what a provider may repeat in another form is not compared"),
        ];
        81 "genuine old answer to the same request, replayed" => [
            if_signed(c, "", |_| read_then([send(correct.clone())]))
                .note("believed: Veriff's signature binds the body to nothing else, and TLS is what keeps a replayer out"),
        ];
        90 "call dropped at each of its polls" => [
            done("", [Trickle(correct.bytes(), 64, Duration::from_millis(1))]).at(GOOD).driven(DropAtEachPoll).gives([Dropped])
                .note("first never polled, then polled once, and so on until it comes to its end"),
        ];
        100 "runtime shut down in the middle of a call" => [
            done("", [Stall]).driven(Shutdown).gives([Dropped]).note("the next call, on another runtime, works"),
        ];
        105 "success and refusal at once" => [
            Case::each("a refusal's members", successes(c, vec![("beside the data".to_owned(), with_more(c, &refusing(c)))])),
            places(c, "a status that refuses", |value, member| {
                (member == Some("status") && c.replies_with_data()).then(|| if_text(value, "\"fail\"")).flatten()
            }).unless("no status beside data in its reply"),
            Case::each("under a status that refuses", ["409 Conflict", "424 Failed Dependency"].map(|status| {
                Variant::new(status, done_then([send(Reply::new(status, c.body()))]))
            })).fails(Api, Unknown, IfHarmless),
        ].map(|case| case.note("nobody knows which of the two is true"));
        106 "empty text" => [places(c, "each text", |value, _| if_text(value, "\" \""))];
        107 "reply comes once more, for the next request" => [
            Case::each("", (!c.operation().reply_is_correlated).then(|| {
                Variant::new("", AtRequest(vec![Step::Unused, Step::Request, Step::Effect, send(correct.clone())]))
            })).driven(Again(Idle::Kept)).unless("a reply to another request is refused, F80: connections are shared")
                .note("the server breaks a connection that is used again: each request comes on one of its own"),
        ];
    }
}
