//! Every row of the matrix, F1 to F107. The table stands in a macro so that a case is a line.

use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use kyc_proof::companies::Headers;
use provider_core::ErrorKind::{
    Api, Connect, Credentials, Decode, InvalidRequest, RateLimited, Timeout, Transport,
    Unrecognized, Verification,
};
use provider_core::Outcome::{Done, NotSent, Refused, Unknown};
use provider_core::bytes::Bytes;
use provider_core::testing::tolerance::Mutation;
use provider_core::{ErrorKind, Idempotency, Outcome};
use serde_json::Value;

use super::case::Cases::{NotApplicable, NotProvoked};
use super::case::Drive::{
    Again, DropAtEachPoll, DropAtStall, Often, Shutdown, WithoutDescriptors, WithoutRoots,
};
use super::case::Expect::{Dropped, Fails, FailsAtLast, Understood};
use super::case::Repeat::{Always, IfHarmless, Never};
use super::case::{Case, Expect, Hits, Idle, Repeat, Row, Stage, Variant, WallClock};
use super::column::Column;
use super::server::Script::{AtConnection, AtRequest};
use super::server::Step::{Finish, Flood, Head, Pause, Reset, Stall, Trickle};
use super::server::{Script, Step};
use super::transports::Certificate;
use super::wire::{
    answer, correct, done_then, head, read_then, send, successes, vouched, vouched_and, well,
};
use crate::planted::*;

const SOON: Duration = Duration::from_millis(2);
const SLOWLY: Duration = Duration::from_millis(20);
const BRIEFLY: Duration = Duration::from_millis(500);
const SEVEN: Duration = Duration::from_secs(7);
const SEVEN_PAST: &str = "Fri, 01 Jun 2029 00:00:07 GMT";
const HOUR: i64 = 3600;
const GIB: usize = 1 << 30;
/// So many that a tenth of them is the retry budget.
const CALLS: u32 = 200;
/// A fatal alert: the protocol version is not supported.
const ALERT: &[u8] = &[21, 3, 1, 0, 2, 2, 70];
const AFTER_THE_ROTATION: WallClock = WallClock::At("2031-01-01T00:00:00Z");
const GOOD: Stage = Stage::Tls(Certificate::Good);

const NO_JOURNAL: &str =
    "nothing here is kept on disk: what began is reported to the caller, who keeps it";
const NO_TIME: &str = "no provider signs a time; the signature covers the body alone";
const NO_HTTP_2: &str = "HTTP/1.1 only, by ALPN too";
const UNSIGNED: &str = "replies are not signed: TLS alone vouches";
const NO_CERTIFICATE: &str =
    "no certificate was refused, so it counts as a connection that was not made";
const TOTAL: &str = "one deadline for the whole call: an attempt has no limit of its own, so none is cut short and repeated";
const BROKE_OFF: &str =
    "the exchange broke off: there is no whole body that could be called malformed";
const RACE: &str = "a race: the reset comes before or after the connection counts as made";
const EVICTED: &str = "the connection is closed before the next call; what comes at the same moment as the next request cannot be distinguished \
                       from its answer, because HTTP/1.1 numbers nothing";
const TOO_LARGE: &str =
    "transport, cause \"longer than the limit\": asking again would end the same way";
const NOT_REPEATED: &str =
    "an Unsafe operation is not repeated: gateways send 503 after the request was passed on, too";
const WITHIN_BUDGET: &str =
    "the first call as tabled; all 200 together at most 1.1 requests each, by the retry budget";

/// After the effect, these steps.
fn done(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case::new(name, done_then(steps))
}

/// Without the effect, these steps.
fn read(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case::new(name, read_then(steps))
}

/// After the effect these steps; the deadline passes.
fn silent(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Case {
    done(name, steps).times_out().note(TOTAL)
}

/// After the effect these steps; the exchange broke off.
fn broken(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Case {
    done(name, steps).fails(Transport, Unknown, IfHarmless)
}

/// The server is well and is not reached.
fn unreached(c: &Column, stage: Stage) -> Case {
    let case = Case::new("", well(c)).at(stage).hits(Hits::Always);
    case.fails(Connect, NotSent, Always)
}

fn refused_certificate(c: &Column, certificate: Certificate) -> [Case; 1] {
    let case = Case::new("", well(c)).at(Stage::Tls(certificate));
    [case.fails(Verification, NotSent, Never)]
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
    let refusal = send(answer("413 Content Too Large", &[], c.refusal()));
    Case::new(name, AtRequest(vec![Head, refusal, then])).large(c)
}

/// The correct reply's head and body, framed otherwise.
fn framed(c: &Column, framing: (&'static str, &str), body: impl AsRef<[u8]>) -> Step {
    let mut headers = c.vouched(c.body().as_bytes());
    headers.push((framing.0, framing.1.to_owned()));
    send([head(&c.status(), &headers).as_slice(), body.as_ref()].concat())
}

fn chunked(c: &Column, chunks: impl AsRef<[u8]>) -> Step {
    framed(c, ("transfer-encoding", "chunked"), chunks)
}

fn chunk(text: &str) -> String {
    format!("{:x};x={CHUNK_EXTENSION}\r\n{text}\r\n", text.len())
}

/// Half of the body that was announced.
fn short(c: &Column) -> Step {
    let (body, length) = (c.body(), c.body().len());
    let announced = ("content-length", &*length.to_string());
    framed(c, announced, &body.as_bytes()[..length / 2])
}

fn lengths(lengths: &[&str]) -> Step {
    let length = |length: &&str| ("content-length", (*length).to_owned());
    let headers: Vec<_> = lengths.iter().map(length).collect();
    send(head("200 OK", &headers))
}

/// The correct reply and, at once or later, what nobody asked for.
fn trailed(c: &Column, name: &'static str, extra: impl AsRef<[u8]>, pause: Duration) -> Case {
    let extra = extra.as_ref();
    let steps = match pause.is_zero() {
        true => vec![send([&correct(c), extra].concat())],
        false => vec![send(correct(c)), Pause(pause), send(extra.to_vec())],
    };
    done(name, steps).evicts().note(EVICTED)
}

fn forged(c: &Column) -> Bytes {
    vouched(c, c.forged())
}

/// The correct reply without its last bytes.
fn all_but(c: &Column, last: usize) -> Step {
    let bytes = correct(c);
    send(bytes.slice(..bytes.len() - last))
}

fn interim(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nlink: <https://{HTML}.example.test/>\r\n\r\n")
}

/// A redirect to each kind of place. Servers that answer so have or have not done what was asked.
fn redirect(status: &'static str, moved: bool) -> [Case; 2] {
    let script = |origin: &str| {
        let location = match origin {
            "" => String::new(),
            origin => format!("{}/{LOCATION}", origin.trim_end_matches('/')),
        };
        let reply = answer(status, &[("location", location)], "");
        let reply = [Step::SendAddressed(
            String::from_utf8(reply.to_vec()).unwrap(),
        )];
        match moved {
            true => read_then(reply),
            false => done_then(reply),
        }
    };
    let targets = [
        ("to the same host", "http://127.0.0.1:{port}"),
        ("to another host", "http://localhost:{bystander}"),
        ("to another scheme", "https://127.0.0.1:{bystander}"),
        ("to a relative place", "/"),
        ("to nowhere", ""),
    ];
    let targets = targets.map(|(name, origin)| Variant::new(name, script(origin)));
    let (outcome, note) = match moved {
        true => (Refused, ""),
        false => (Unknown, "nothing says that it was not done"),
    };
    let cases = [
        Case::each("", targets),
        Case::new("from TLS to plain text", script("http://127.0.0.1:1")).at(GOOD),
    ];
    cases.map(|case| case.fails(Unrecognized, outcome, IfHarmless).note(note))
}

fn page() -> String {
    format!("<html><body>{HTML}</body></html>")
}

/// Each of these statuses, with a reason of the peer's own if it has none, with the documented refusal and with a page.
fn statuses(
    c: &Column,
    statuses: &[&'static str],
    then: fn([Step; 1]) -> Script,
    (kind, outcome, repeat): (ErrorKind, Outcome, Repeat),
    of_page: Expect,
) -> Case {
    let headers = [("www-authenticate", format!("Basic realm=\"{CHALLENGE}\""))];
    let variants = statuses.iter().flat_map(|status| {
        let line = match status.contains(' ') {
            true => (*status).to_owned(),
            false => format!("{status} {REASON}"),
        };
        let script = |body: String| then([send(answer(&line, &headers, body))]);
        let mut page = Variant::new(format!("{status}, a page"), script(page()));
        page.expect = Some(of_page);
        [Variant::new(*status, script(c.refusal())), page]
    });
    Case::each("", variants).fails(kind, outcome, repeat)
}

fn refusals(c: &Column, list: &[&'static str], kind: ErrorKind) -> [Case; 1] {
    let of_page = Fails(Unrecognized, Refused, IfHarmless);
    [statuses(
        c,
        list,
        read_then,
        (kind, Refused, Never),
        of_page,
    )]
}

/// The server breaks, after it has done what was asked.
fn breaks(c: &Column, list: &[&'static str]) -> Case {
    let result = (Api, Unknown, IfHarmless);
    statuses(
        c,
        list,
        done_then,
        result,
        Fails(result.0, result.1, result.2),
    )
}

fn refusal(c: &Column, status: &str, retry_after: Option<&str>) -> [Step; 1] {
    let wait = |wait: &str| ("retry-after", wait.to_owned());
    let headers: Vec<_> = retry_after.map(wait).into_iter().collect();
    [send(answer(status, &headers, c.refusal()))]
}

fn throttled(c: &Column, name: &'static str, retry_after: Option<&str>) -> Case {
    let steps = refusal(c, "429 Too Many Requests", retry_after);
    read(name, steps).fails(RateLimited, Refused, Always)
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
    done(name, [send(vouched(c, body))])
}

/// It is nothing of the provider's, unless the provider vouches for it.
fn foreign(c: &Column, name: &'static str, bytes: impl AsRef<[u8]>) -> Case {
    unless_signed(c, body(c, name, bytes), Decode, Done)
}

/// It begins like the reply, and is no JSON or not of the reply's form.
fn unread(c: &Column, name: &'static str, bytes: impl AsRef<[u8]>) -> Case {
    body(c, name, bytes).fails(Decode, Done, Never)
}

/// Each place of the reply after this mutation, with the result that the published table has.
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

fn not_a_number(value: &Value, _: Option<&str>) -> Option<String> {
    let is_leaf = !value.is_object() && !value.is_array();
    is_leaf.then(|| "NaN".to_owned())
}

/// Whether a success says more than that it is one.
fn holds_data(c: &Column) -> bool {
    let reply = c.exchange.reply.as_object();
    reply.is_some_and(|reply| {
        reply
            .values()
            .any(|member| member.is_object() || member.is_array())
    })
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

/// A success under a status that refuses.
fn denied(c: &Column, status: &'static str) -> Case {
    let case = done(status, [send(answer(status, &[], c.body()))]);
    case.fails(Api, Unknown, IfHarmless)
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

fn endless(c: &Column, name: &'static str, framing: (&str, String), piece: Vec<u8>) -> Case {
    let head = send(head(&c.status(), &[framing]));
    let case = done(name, [head, Flood(piece.into(), Duration::ZERO)]);
    let case = case.fails(Transport, Unknown, Never);
    case.alone().note(TOO_LARGE)
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

/// The correct body with another header, a variant for each value.
fn labelled(c: &Column, name: &'static str, header: &str, values: &[&str]) -> Case {
    let script = |value: &str| {
        let headers = [(header, value.to_owned())];
        done_then([send(vouched_and(c, &headers, c.body()))])
    };
    let variants = values
        .iter()
        .map(|value| Variant::new(*value, script(value)));
    Case::each(name, variants)
}

/// A script, for those who sign.
fn if_signed(c: &Column, name: &'static str, script: impl FnOnce(Headers) -> Script) -> Case {
    let script = || script(c.vouched(c.body().as_bytes()));
    let variant = c.signs_replies().then(|| Variant::new("", script()));
    Case::each(name, variant).unless(UNSIGNED)
}

/// A signature where none is documented: it neither helps nor harms.
fn undocumented(c: &Column, name: &'static str, values: &[&str]) -> Case {
    let header = |value: &&str| ("x-hmac-signature", (*value).to_owned());
    let headers: Headers = values.iter().map(header).collect();
    let script = done_then([send(vouched_and(c, &headers, c.body()))]);
    let variant = (!c.signs_replies()).then(|| Variant::new("", script));
    Case::each(name, variant).unless("replies are signed")
}

/// The correct body under other headers, for those who sign.
fn signed(c: &Column, name: &'static str, change: impl FnOnce(Headers) -> Headers) -> Case {
    if_signed(c, name, |headers| {
        done_then([send(answer(&c.status(), &change(headers), c.body()))])
    })
}

/// The same, and it must not be believed.
fn refused(c: &Column, name: &'static str, change: impl FnOnce(Headers) -> Headers) -> Case {
    signed(c, name, change).fails(Verification, Unknown, Never)
}

/// The signature written otherwise.
fn digits(headers: Headers, change: impl Fn(&str) -> String) -> Headers {
    let changed = headers
        .into_iter()
        .map(|(name, value)| match name.ends_with("signature") {
            true => (name, change(&value)),
            false => (name, value),
        });
    changed.collect()
}

fn written(c: &Column, name: &'static str, change: impl Fn(&str) -> String) -> Case {
    refused(c, name, |headers| digits(headers, change))
}

fn flip_first_digit(signature: &str) -> String {
    let other = if signature.starts_with('0') { "1" } else { "0" };
    format!("{other}{}", &signature[1..])
}

fn with_secret(c: &Column, name: &'static str, secret: &str) -> Case {
    signed(c, name, |_| c.vouched_with(secret, c.body().as_bytes()))
}

/// The signature in a header of this form, as bytes on the wire: what HTTP itself changes or refuses.
fn on_the_wire(c: &Column, name: &'static str, lines: impl Fn(&str) -> String) -> Case {
    if_signed(c, name, |vouched| {
        let reply = answer(&c.status(), &[], c.body());
        let reply = String::from_utf8(reply.to_vec()).unwrap();
        let lines = format!("\r\n{}\r\n", lines(&vouched[1].1));
        done_then([send(reply.replacen("\r\n", &lines, 1)), Finish])
    })
}

fn trailer(c: &Column, vouched: &Headers) -> Script {
    let (chunk, signature) = (chunk(&c.body()), &vouched[1].1);
    let chunks = format!("{chunk}0\r\nx-hmac-signature: {signature}\r\n\r\n");
    let headers = [
        ("transfer-encoding", "chunked".to_owned()),
        ("trailer", "x-hmac-signature".to_owned()),
    ];
    let head = head(&c.status(), &headers);
    done_then([send([head, chunks.into_bytes()].concat())])
}

/// Dropped when the server has come so far.
fn dropped(name: &'static str, script: Script) -> Case {
    Case::new(name, script).driven(DropAtStall).gives([Dropped])
}

/// Throttled until this date, while the wall clock shows something else.
fn until(c: &Column, name: &'static str, date: &str, clock: WallClock) -> Case {
    throttled(c, name, Some(date)).clock(clock)
}

fn overwhelmed(script: Script) -> Case {
    let case = Case::new("", script).driven(Often(CALLS));
    case.hits(Hits::Always).note(WITHIN_BUDGET)
}

macro_rules! rows {
    ($($number:literal $fault:literal => $cases:expr;)+) => {
        vec![$(Row { number: $number, fault: $fault, cases: $cases.into() }),+]
    };
}

/// All rows, as they are for one operation.
pub(crate) fn all(c: &Column) -> Vec<Row> {
    let lost = Fails(Transport, Unknown, IfHarmless);
    let unmade = Fails(Connect, NotSent, Always);
    let text = |bytes: &str| send(bytes.to_owned());
    rows! {
        1 "name not found" => [unreached(c, Stage::NoSuchName)];
        2 "resolver hangs" => [
            unreached(c, Stage::SilentResolver).fails(Connect, NotSent, Never).within(BRIEFLY)
                .note("the deadline ends it, while nothing is sent yet"),
        ];
        3 "resolver gives a dead address first" => [
            Case::new("", well(c)).at(Stage::DeadAddressFirst).connects_within(Duration::from_secs(1)),
        ];
        4 "connection refused" => [unreached(c, Stage::Refused)];
        5 "first packet ignored" => [unreached(c, Stage::Ignored).connects_within(BRIEFLY)];
        6 "no file descriptor left" => [
            unreached(c, Stage::Plain).driven(WithoutDescriptors).alone(),
        ];
        7 "certificate expired" => refused_certificate(c, Certificate::Expired);
        8 "certificate for another name" => refused_certificate(c, Certificate::OtherName);
        9 "certificate of an unknown authority" => refused_certificate(c, Certificate::UnknownAuthority);
        10 "certificate signed by itself" => refused_certificate(c, Certificate::SelfSigned);
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
        13 "no root certificates on the machine" => [
            Case::new("", well(c)).driven(WithoutRoots).fails(InvalidRequest, NotSent, Never).attempts(0)
                .note("found when the transport is built: no attempt is made"),
        ];
        14 "proxy variables in the environment" => [Case::new("", well(c)).note("every cell of this table runs with them")];
        15 "kept connection was ended, and the end was seen" => [Case::new("", well(c)).driven(Again(Idle::Ended))];
        16 "kept connection breaks as the request is sent" => [
            Case::new("reset at its first byte", AtRequest(vec![Reset])).driven(Again(Idle::Kept)).gives([lost]),
            Case::new("ended at the same time", AtRequest(vec![Finish])).driven(Again(Idle::Ending)).hits(Hits::Once)
                .gives([Understood, lost])
                .note("a race: either a new connection is made, or the request was lost on the old one"),
            Case::new("new one reset before it is read", AtConnection(vec![Reset])).note(RACE)
                .gives([lost, unmade, FailsAtLast(Connect, Unknown), FailsAtLast(Transport, Unknown)]),
        ];
        17 "reset in the middle of the body" => [
            Case::new("", AtRequest(vec![Head, Reset])).large(c).gives([lost]),
        ];
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
        20 "100-continue never comes" =>
            NotApplicable("no request asks for it; the server objects to an `expect` header in every cell");
        21 "silence after the whole request" => [silent("", [Stall])];
        22 "done, and then no answer" => [broken("reset", [Reset]), broken("ended", [Finish])];
        23 "head byte by byte without end" => [
            silent("", [send(format!("HTTP/1.1 200 {REASON}\r\nx-a: ")), Flood("a".into(), SLOWLY)]),
        ];
        24 "interim answers" => [
            silent("without end", [Flood(interim("103 Early Hints").into(), SLOWLY)]),
            // Alone, because it takes all of a processor. Long ones: hyper reads megabytes of them before a timer is looked at, and a
            // short one takes it as much time as a long one.
            silent("without end and without pause", [
                Flood(interim(&format!("100 Continue\r\nx-a: {}", "a".repeat(4_000))).into(), Duration::ZERO),
            ]).alone()
                .gives([Fails(Transport, Unknown, IfHarmless), Fails(Timeout, Unknown, Never)]).within(Duration::from_secs(2))
                .note("over hyper a broken exchange after 64 KiB; reqwest lets nobody count, so the deadline ends it"),
            done("a few", [send(interim("103 Early Hints").repeat(3)), send(correct(c))]),
            done("switching protocols unasked", [
                text("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"), Finish,
            ]).fails(Unrecognized, Unknown, IfHarmless),
        ];
        25 "head too long" => [
            broken("10,000 headers", {
                let many: String = (0..10_000).map(|i| format!("x-{i}: {RUBBISH}\r\n")).collect();
                [send(format!("HTTP/1.1 200 OK\r\n{many}\r\n")), Finish]
            }),
            broken("a header of 1 MiB", [
                send(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", RUBBISH.repeat((1 << 20) / RUBBISH.len()))), Finish,
            ]),
        ].map(|case| case.note("a head that cannot be read breaks the exchange off, like any other")).into_iter().chain([
            done("a header of 100 kB", [
                send(format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", RUBBISH.repeat(100_000 / RUBBISH.len()))),
            ]).fails(Transport, Unknown, Never).note(TOO_LARGE),
        ]).collect::<Vec<_>>();
        26 "body byte by byte without end" => [
            silent("", [framed(c, ("content-length", "1000000"), ""), Flood(" ".into(), SLOWLY)]),
        ];
        27 "body stalls half way" => [
            silent("", [all_but(c, 40), Stall]),
        ];
        28 "slow and alive" => [done("", [Trickle(correct(c), 16, SOON)])];
        29 "body shorter than announced" => [
            broken("ended", [short(c), Finish]),
            broken("reset", [short(c), Reset]),
            broken("two lengths", [lengths(&["1", "2"]), Finish]),
            broken("length is no number", [lengths(&[RUBBISH]), Finish]),
        ].map(|case| case.note(BROKE_OFF));
        30 "chunks without an end" => [
            broken("ended", [chunked(c, chunk(&c.body())), Finish]),
            broken("length is no number", [chunked(c, format!("{RUBBISH}\r\n")), Finish]),
            broken("longer than its length", [chunked(c, format!("1\r\n{}\r\n0\r\n\r\n", c.body())), Finish]),
            broken("no HTTP at all", [send(format!("{RUBBISH}\r\n\r\n")), Finish]),
            done("with an end", [chunked(c, format!("{}0\r\n\r\n", chunk(&c.body())))]),
        ];
        31 "bytes after the end" => [
            trailed(c, "rubbish", RUBBISH, Duration::ZERO),
            trailed(c, "a forged answer", forged(c), Duration::ZERO),
            trailed(c, "a forged answer, later", forged(c), SOON),
            // Nothing but the end of the connection ends it.
            done("an answer of its own length", [framed(c, ("connection", "close"), c.body()), Finish]),
            read("a second answer after a refusal", [
                send([answer("404 Not Found", &[], c.refusal()), forged(c)].concat()),
            ]).fails(Api, Refused, Never),
        ];
        // 307 and 308 say that another address handles the request unchanged, so this one did not.
        32 "301 Moved Permanently" => redirect("301 Moved Permanently", false);
        33 "302 Found" => redirect("302 Found", false);
        34 "303 See Other" => redirect("303 See Other", false);
        35 "307 Temporary Redirect" => redirect("307 Temporary Redirect", true);
        36 "308 Permanent Redirect" => redirect("308 Permanent Redirect", true);
        37 "refused by a 4xx" => refusals(
            c, &["400 Bad Request", "404 Not Found", "410 Gone", "422 Unprocessable Content", "451"], Api,
        );
        38 "401 and 403" => refusals(c, &["401 Unauthorized", "403 Forbidden"], Credentials);
        39 "409" => refusals(c, &["409 Conflict"], Api);
        40 "429 with seconds" => [throttled(c, "", Some("7")).pauses(SEVEN)];
        41 "429 with a date" => ["Friday, 01-Jun-29 00:00:07 GMT", "Fri Jun  1 00:00:07 2029", SEVEN_PAST]
            .map(|date| throttled(c, date, Some(date)).pauses(SEVEN)).into_iter().chain([
                read("by a clock that is far ahead", {
                    let headers = [("date", "Fri, 01 Jun 2029 05:30:00 GMT"), ("retry-after", "Fri, 01 Jun 2029 05:30:07 GMT")];
                    [send(answer("429 Too Many Requests", &headers.map(|(name, value)| (name, value.to_owned())), c.refusal()))]
                }).fails(RateLimited, Refused, Always).pauses(SEVEN).note("the peer's own `Date` tells its clock"),
            ]).collect::<Vec<_>>();
        42 "429 without a wait" => [throttled(c, "", None)];
        43 "429 with a wait that is none" => [
            throttled(c, "negative", Some("-1")),
            throttled(c, "a word", Some(REASON)),
            throttled(c, "too long a number", Some("99999999999999999999")),
        ].map(|case| case.fails(RateLimited, Refused, Never).note("a wait is asked for: at least a minute, which is longer than the deadline"));
        44 "429 with 10^9 s" => [
            throttled(c, "", Some("1000000000")).fails(RateLimited, Refused, Never)
                .note("the wait is longer than the rest of the deadline"),
        ];
        45 "500" => [breaks(c, &["500 Internal Server Error", "500"])];
        46 "502, 503, 504, 408" => [
            breaks(c, &["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "408 Request Timeout"]),
            done("503 with seconds", refusal(c, "503 Service Unavailable", Some("7")))
                .fails(Api, Unknown, IfHarmless).pauses(SEVEN).note(NOT_REPEATED),
        ];
        47 "599" => [breaks(c, &["599"])];
        48 "200 with a page" => [
            in_its_place(done("", [send(answer(&c.status().replace("OK", REASON), &[], page()))])),
            in_its_place(done("nothing at all", [send(answer(&c.status(), &[], ""))])),
            unless_signed(c, done("JSON of somebody else's", [send(answer(&c.status(), &[], wrong()))]), Verification, Unknown),
            if_signed(c, "signed", |_| done_then([send(vouched(c, page()))])).fails(Decode, Done, Never),
        ];
        49 "204 with a body" => [
            unless_signed(c, done("", [send(answer("204 No Content", &c.vouched(c.body().as_bytes()), c.body()))]), Verification, Unknown)
                .note("HTTP knows no body there, so there is none to read or to verify"),
        ];
        50 "charset and content type" => [
            foreign(c, "UTF-16", c.body().encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()),
            labelled(c, "another type or charset named", "content-type", &["text/html; charset=latin1", "application/json; charset=utf-16"])
                .note("the content type is not asked: the bytes decide"),
            done("no content type", {
                let correct = String::from_utf8(correct(c).to_vec()).unwrap();
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
            places(c, "each", |value, _| value.is_number().then(|| "9223372036854775808".to_owned())).unless("no integer in its reply"),
        ];
        58 "1.0 for 1" => [
            places(c, "each", |value, _| value.is_number().then(|| format!("{value}.0"))).unless("no integer in its reply"),
        ];
        59 "NaN" => [places(c, "each", not_a_number)];
        60 "null" => [mutated(c, "each place", Mutation::Nulled), foreign(c, "the whole", "null")];
        61 "bytes that are no UTF-8" => [
            unread(c, "in the first text", no_utf_8(c)),
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
            body(c, "in an unknown field", with_more(c, &format!("\"{UNKNOWN_KEY}\":{}", deep())))
                .note("what is not read does not nest"),
        ];
        65 "1 GiB" => [
            endless(c, "announced", ("content-length", GIB.to_string()), spaces()),
            endless(c, "in chunks", ("transfer-encoding", "chunked".to_owned()), [&b"10000\r\n"[..], &spaces(), b"\r\n"].concat()),
            endless(c, "until the connection ends", ("connection", "close".to_owned()), spaces()),
        ];
        66 "compressed unasked" => [
            unless_signed(c, done("64 MiB in 64 KiB", [send(vouched_and(c, &[("content-encoding", "gzip".to_owned())], bomb()))]), Decode, Done)
                .alone().note("nothing is ever unpacked"),
            labelled(c, "label only", "content-encoding", &["gzip", "zstd", "br", VARIANT]).note("the bytes decide, not the label"),
        ];
        67 "signature missing" => [
            refused(c, "all headers", |_| Vec::new()),
            refused(c, "the signatures", |headers| headers.into_iter().filter(|(name, _)| !name.ends_with("signature")).collect()),
            undocumented(c, "a wrong one where none is documented", &["00"]),
            undocumented(c, "two where none is documented", &["", "00"]),
            if_signed(c, "after the body, in a trailer", |headers| trailer(c, &headers)).fails(Verification, Unknown, Never),
        ];
        68 "signature wrong" => [
            written(c, "one digit", flip_first_digit),
            refused(c, "of another body", |_| c.vouched(b"{}")),
            refused(c, "addressed to another client", |headers| {
                let other = VERIFF_KEY.replace('3', "4");
                headers.into_iter().map(|(name, value)| (name, if value == VERIFF_KEY { other.clone() } else { value })).collect()
            }),
        ];
        69 "signed with another key" => [with_secret(c, "", VERIFF_FOREIGN).fails(Verification, Unknown, Never)];
        70 "signature cut off" => [written(c, "", |value| value[..32].to_owned())];
        71 "signature empty" => [written(c, "", |_| String::new())];
        72 "two signatures" => [
            refused(c, "one wrong", |mut headers| { headers.push(("x-hmac-signature", "0".repeat(64))); headers }),
            refused(c, "the same twice", |mut headers| { headers.extend(headers.clone()); headers }),
            written(c, "in one header", |value| format!("{value}, {value}")),
            refused(c, "of both names, one wrong", |headers| {
                let wrong = |(name, value)| if name == "vrf-hmac-signature" { (name, flip_first_digit(value)) } else { (name, String::from(value)) };
                headers.iter().map(|(name, value)| wrong((*name, value.as_str()))).collect()
            }),
            on_the_wire(c, "90 of them", |right| format!("x-hmac-signature: {right}\r\n").repeat(90).trim_end().to_owned())
                .fails(Verification, Unknown, Never),
            on_the_wire(c, "10,000 of them", |right| format!("x-hmac-signature: {right}\r\n").repeat(10_000).trim_end().to_owned())
                .fails(Transport, Unknown, IfHarmless),
        ].map(|case| case.note("also when they agree: which of them a peer means is anybody's guess"));
        73 "signature written otherwise" => [
            signed(c, "capitals", |headers| digits(headers, str::to_ascii_uppercase)),
            signed(c, "space around it", |headers| digits(headers, |value| format!("  {value}\t"))),
            on_the_wire(c, "its name in capitals", |right| format!("X-HMAC-SIGNATURE: {right}")),
        ].map(|case| case.note("the same 32 bytes: digits of either case, and HTTP trims a header's value")).into_iter().chain([
            written(c, "space within", |value| value.replacen(&value[..8], &format!("{} ", &value[..7]), 1)),
            on_the_wire(c, "on two lines", |right| format!("x-hmac-signature: {}\r\n {}", &right[..32], &right[32..]))
                .fails(Transport, Unknown, IfHarmless),
            on_the_wire(c, "space before the colon", |right| format!("x-hmac-signature : {right}")).fails(Transport, Unknown, IfHarmless),
            on_the_wire(c, "a NUL inside", |right| format!("x-hmac-signature: {}\0", &right[1..])).fails(Transport, Unknown, IfHarmless),
            on_the_wire(c, "1 MiB of it", |right| format!("x-hmac-signature: {}", right.repeat(16 * 1024))).fails(Transport, Unknown, IfHarmless),
        ]).collect::<Vec<_>>();
        74 "another algorithm named" => [
            written(c, "before it", |value| format!("sha512={value}")),
            written(c, "by its length", |value| value.repeat(2)),
            written(c, "base64", |_| "A".repeat(43) + "="),
        ];
        75 "timestamp stale" => NotApplicable(NO_TIME);
        76 "timestamp in the future" => NotApplicable(NO_TIME);
        77 "timestamp at the ends of i64" => NotApplicable(NO_TIME);
        78 "timestamp with a sign or zeros" => NotApplicable(NO_TIME);
        79 "timestamp that is no number" => NotApplicable(NO_TIME);
        80 "genuine answer to another request" => [
            Case::each("", successes(c, c.others())).unless("a reply repeats nothing of its request")
                .note("each text that repeats the request's; what a provider may repeat in another form is not compared"),
        ];
        81 "genuine old answer to the same request, replayed" => [
            if_signed(c, "", |_| read_then([send(correct(c))])).replayed()
                .note("believed: Veriff's signature binds the body to nothing else, and TLS is what keeps a replayer out"),
        ];
        82 "body written anew by a middlebox" => [
            if_signed(c, "", |headers| {
                done_then([send(answer(&c.status(), &headers, c.body().replace(':', ": ")))])
            }).fails(Verification, Unknown, Never),
        ];
        83 "key being replaced" => [
            with_secret(c, "signed with the new one", VERIFF_SECRET),
            with_secret(c, "signed with the old one", VERIFF_PREVIOUS),
            with_secret(c, "the new one, after the end", VERIFF_SECRET).clock(AFTER_THE_ROTATION),
            with_secret(c, "the old one, at the very end", VERIFF_PREVIOUS).clock(WallClock::At(ROTATION_ENDS))
                .fails(Verification, Unknown, Never),
            with_secret(c, "the old one, after the end", VERIFF_PREVIOUS).clock(AFTER_THE_ROTATION).fails(Verification, Unknown, Never),
        ];
        84 "server's clock ten minutes off" => [
            labelled(c, "", "date", &["Thu, 31 May 2029 23:50:00 GMT", "Fri, 01 Jun 2029 00:10:00 GMT", "never"])
                .note("no request and no answer is signed with a time, so nothing depends on it"),
        ];
        85 "GOAWAY around our stream" => NotApplicable(NO_HTTP_2);
        86 "REFUSED_STREAM" => NotApplicable(NO_HTTP_2);
        87 "RST_STREAM" => NotApplicable(NO_HTTP_2);
        88 "SETTINGS with no stream" => NotApplicable(NO_HTTP_2);
        89 "silent death of the path" => NotApplicable(NO_HTTP_2);
        90 "call dropped" => [
            done("at each poll in turn", [Trickle(correct(c), 64, Duration::from_millis(1))])
                .driven(DropAtEachPoll).gives([Dropped])
                .note("first never polled, then polled once, and so on until it comes to its end"),
            dropped("while the head of the request is on its way", AtRequest(vec![Stall])),
            dropped("after the request", done_then([Stall])),
            dropped("in the head of the answer", done_then([send("HTTP/1.1 200 OK\r\ncontent-"), Stall])),
            dropped("in the body of the answer", done_then([all_but(c, 20), Stall])),
            dropped("in the handshake", AtConnection(vec![Stall])).at(GOOD),
        ];
        91 "killed at each point of the journal" => NotApplicable(NO_JOURNAL);
        92 "disk full" => NotApplicable(NO_JOURNAL);
        93 "SQLite busy" => NotApplicable(NO_JOURNAL);
        94 "Postgres lost at commit" => NotApplicable(NO_JOURNAL);
        95 "journal cut off" => NotApplicable(NO_JOURNAL);
        96 "wall clock jumps by an hour" => [
            Case::new("", well(c)).clock(WallClock::Jumping(-HOUR)),
            done("and the server breaks", refusal(c, "503 Service Unavailable", None))
                .clock(WallClock::Jumping(HOUR)).fails(Api, Unknown, IfHarmless),
            until(c, "ahead, throttled until a date", SEVEN_PAST, WallClock::Jumping(HOUR))
                .note("by our clock it has passed, and no `Date` tells the peer's: repeated as without a wait"),
            until(c, "back, throttled until a date", SEVEN_PAST, WallClock::Jumping(-HOUR)).fails(RateLimited, Refused, Never)
                .note("the date counts for a minute, which is longer than the deadline; that does not count on the wall clock"),
        ];
        97 "monotonic clock jumps" => NotProvoked("it cannot be moved while sockets are real");
        98 "leap second" => [
            until(c, "throttled until one", "Sat, 31 Dec 2016 23:59:60 GMT", WallClock::At("2016-12-31T23:59:58Z"))
                .pauses(Duration::from_secs(1)),
        ];
        99 "fork() after first use" => NotApplicable("the workspace forbids unsafe code, and std has no fork");
        100 "runtime shut down in the middle of a call" => [
            done("", [Stall]).driven(Shutdown).gives([Dropped]).note("the next call, on another runtime, works"),
        ];
        101 "nothing but 503" => [overwhelmed(done_then(refusal(c, "503 Service Unavailable", None))).fails(Api, Unknown, IfHarmless)];
        102 "nothing but 429" => [overwhelmed(read_then(refusal(c, "429 Too Many Requests", None))).fails(RateLimited, Refused, Always)];
        103 "some stragglers" => [
            done("", [Pause(Duration::from_millis(50)), send(correct(c))]).driven(Often(10))
                .note("never hedged: one request a call"),
        ];
        104 "slow reader of a stream of pages" => NotApplicable("no operation gives pages");
        105 "success and refusal at once" => [
            Case::each("a refusal's members", successes(c, vec![("beside the data".to_owned(), with_more(c, &refusing(c)))])),
            places(c, "a status that refuses", |value, member| {
                (member == Some("status") && holds_data(c)).then(|| if_text(value, "\"fail\"")).flatten()
            }).unless("no status beside data in its reply"),
            denied(c, "409 Conflict"),
            denied(c, "424 Failed Dependency"),
        ].map(|case| case.note("nobody knows which of the two is true"));
        106 "empty text" => [places(c, "each text", |value, _| if_text(value, "\" \""))];
        107 "reply comes once more, for the next request" => [
            Case::each("", (!c.operation().reply_is_correlated).then(|| {
                Variant::new("", AtRequest(vec![Step::Unused, Step::Request, Step::Effect, send(correct(c))]))
            })).driven(Again(Idle::Kept)).unless("a reply to another request is refused, F80: connections are shared")
                .note("the server breaks a connection that is used again: each request comes on one of its own"),
        ];
    }
}
