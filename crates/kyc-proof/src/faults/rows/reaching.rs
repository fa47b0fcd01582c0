//! F1 to F14: reaching the peer.

use std::time::Duration;

use provider_core::ErrorKind::{Connect, InvalidRequest, Verification};
use provider_core::Outcome::NotSent;

use super::{not_provoked, row};
use crate::faults::case::Repeat::{Always, Never};
use crate::faults::case::{Case, Drive, Environment, Hits, Row, Stage};
use crate::faults::server::{Script, Step};
use crate::faults::transports::Certificate;
use crate::faults::wire::{send, well};

/// The server would answer and is not reached.
fn unreached(name: &'static str, stage: Stage) -> Case {
    let case = Case::new(name, well).at(stage).hits(Hits::Always);
    case.fails(Connect, NotSent, Always)
}

fn refused_certificate(certificate: Certificate) -> Case {
    Case::new("", well)
        .at(Stage::Tls(certificate))
        .fails(Verification, NotSent, Never)
}

/// The handshake goes wrong in this way.
fn handshake(name: &'static str, steps: Vec<Step>) -> Case {
    Case::new(name, move |_| Script::AtConnection(steps.clone()))
        .at(Stage::Tls(Certificate::Good))
        .fails(Connect, NotSent, Always)
}

/// A fatal alert: the protocol version is not supported.
const ALERT: &[u8] = &[21, 3, 1, 0, 2, 2, 70];

/// A ServerHello that chooses TLS 1.1.
fn old_hello() -> Vec<u8> {
    let mut hello = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    hello
}

fn in_process(environment: Environment) -> Case {
    Case::new("", well)
        .driven(Drive::InProcess(environment))
        .hits(Hits::Always)
}

const SOON: Duration = Duration::from_millis(100);

pub(super) fn rows() -> Vec<Row> {
    let no_resolver = "the transports take no resolver, and the machine's is left alone";
    vec![
        row(1, "name not found", [unreached("", Stage::NoSuchName)]),
        not_provoked(2, "resolver hangs", no_resolver),
        not_provoked(3, "resolver gives a dead address first", no_resolver),
        row(4, "connection refused", [unreached("", Stage::Refused)]),
        row(
            5,
            "first packet ignored",
            [unreached("", Stage::Ignored).connects_within(SOON)],
        ),
        row(
            6,
            "no file descriptor left",
            [in_process(Environment::NoDescriptors).fails(Connect, NotSent, Always)],
        ),
        row(
            7,
            "certificate expired",
            [refused_certificate(Certificate::Expired)],
        ),
        row(
            8,
            "certificate for another name",
            [refused_certificate(Certificate::OtherName)],
        ),
        row(
            9,
            "certificate of an unknown authority",
            [refused_certificate(Certificate::UnknownAuthority)],
        ),
        row(
            10,
            "certificate signed by itself",
            [refused_certificate(Certificate::SelfSigned)],
        ),
        row(
            11,
            "TLS 1.1 only",
            [
                handshake("says so by an alert", vec![send(ALERT), Step::Finish]),
                handshake(
                    "chooses it all the same",
                    vec![send(old_hello()), Step::Finish],
                ),
            ]
            .map(|case| {
                case.note(
                    "no certificate was refused, so it counts as a connection that was not made",
                )
            }),
        ),
        row(
            12,
            "handshake breaks",
            [
                handshake("stalls", vec![Step::Stall]).connects_within(SOON),
                handshake("reset", vec![Step::Reset]),
                handshake("ended", vec![Step::Finish]),
                handshake("no TLS", vec![send("220 ready\r\n"), Step::Finish]),
            ],
        ),
        row(
            13,
            "no root certificates on the machine",
            [in_process(Environment::NoRoots)
                .fails(InvalidRequest, NotSent, Never)
                .attempts(0)
                .note("found when the transport is built: no attempt is made")],
        ),
        row(
            14,
            "proxy variables in the environment",
            [in_process(Environment::Proxy)],
        ),
    ]
}
