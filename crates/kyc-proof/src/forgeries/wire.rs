//! Replies as bytes on a socket, through both transports: what HTTP itself changes or refuses.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use provider_core::VerificationError::{ConflictingHeaders, MalformedSignature, MissingSignature};
use provider_core::{HyperTransport, ReqwestTransport, Transport};

use super::Verdict::{self, Accepted, NoReply, Refused};
use super::veriff::{NOW, REPLY, SECRET, record, sign, with_secret};
use super::{Called, Table};
use crate::failure::Result;

pub(super) async fn run(table: &mut Table) -> Result<()> {
    let transports: [Arc<dyn Transport>; 2] = [
        Arc::new(ReqwestTransport::builder().without_tls().build()?),
        Arc::new(HyperTransport::builder().without_tls().build()?),
    ];
    for (row, what, expected, bytes) in cases() {
        let what = format!("on the wire: {what}");
        for transport in &transports {
            let server = Server::start(bytes.clone())?;
            let veriff = with_secret(SECRET, &format!("http://{}", server.address));
            let result = record(veriff, Arc::clone(transport), NOW).await?;
            let requests = server.requests.load(Ordering::SeqCst);
            let called = Called { result, requests };
            table.add(row, &what, expected, called.verdict()?);
        }
    }
    Ok(())
}

type WireCase = (&'static str, &'static str, Verdict, Vec<u8>);

fn cases() -> Vec<WireCase> {
    let right = sign(SECRET, REPLY.as_bytes());
    let length = REPLY.len();
    let reply = |lines: &str| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{lines}\r\n{REPLY}").into_bytes()
    };
    let signature = format!("x-hmac-signature: {right}\r\n");
    let chunked = |trailer: &str| {
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-hmac-signature\r\n\r\n{length:x}\r\n{REPLY}\r\n0\r\n{trailer}\r\n"
        )
        .into_bytes()
    };
    let mut nul = reply(&signature);
    let inside = nul
        .windows(4)
        .position(|at| at == &right.as_bytes()[..4])
        .unwrap_or_default();
    nul[inside] = 0;
    let spaced = format!("x-hmac-signature: {} {}\r\n", &right[..32], &right[32..]);
    let folded = format!(
        "x-hmac-signature: {}\r\n {}\r\n",
        &right[..32],
        &right[32..]
    );
    let padded = format!("x-hmac-signature: \t {right} \t \r\n");
    let upper = format!("X-HMAC-SIGNATURE: {right}\r\n");
    let before_colon = format!("x-hmac-signature : {right}\r\n");
    let long = format!("x-hmac-signature: {}\r\n", right.repeat(16 * 1024));
    let padded_what = "space and tab around the value: legal, HTTP drops it";
    let many = "10,000 signatures: too many headers for HTTP";
    let (malformed, conflicting) = (Refused(MalformedSignature), Refused(ConflictingHeaders));
    let trailer = "the signature after the body, in a trailer";
    vec![
        ("-", "as Veriff sends it", Accepted, reply(&signature)),
        (
            "F73",
            "names in capitals: legal, they have no case",
            Accepted,
            reply(&upper),
        ),
        ("F73", padded_what, Accepted, reply(&padded)),
        ("F73", "space inside the value", malformed, reply(&spaced)),
        ("F73", "the value on two lines", NoReply, reply(&folded)),
        (
            "F73",
            "space before the colon",
            NoReply,
            reply(&before_colon),
        ),
        ("F73", "a NUL inside the value", NoReply, nul),
        (
            "F67",
            trailer,
            Refused(MissingSignature),
            chunked(&signature),
        ),
        (
            "F72",
            "two equal headers",
            conflicting,
            reply(&signature.repeat(2)),
        ),
        (
            "F72",
            "90 signatures",
            conflicting,
            reply(&signature.repeat(90)),
        ),
        ("F72", many, NoReply, reply(&signature.repeat(10_000))),
        (
            "F72",
            "a signature of 1 MiB: too long for HTTP",
            NoReply,
            reply(&long),
        ),
    ]
}

/// Answers every request with the same bytes and hangs up.
struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start(reply: Vec<u8>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        // It ends with the program: nobody connects once its case is over.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that hangs up early has what it wanted.
                let _ = answer(stream, &reply, &counter);
            }
        });
        Ok(Self { address, requests })
    }
}

fn answer(mut stream: TcpStream, reply: &[u8], requests: &AtomicUsize) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    // The body of the one request is sent in full with its head; its end is a brace.
    while !request.ends_with(b"}") {
        let read = stream.read(&mut part)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&part[..read]);
    }
    requests.fetch_add(1, Ordering::SeqCst);
    stream.write_all(reply)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // Until the other side has read all of it.
    while stream.read(&mut part)? > 0 {}
    Ok(())
}
