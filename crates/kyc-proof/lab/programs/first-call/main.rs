//! The server that first calls are made to: `first-call serve DIRECTORY` prints a port for HTTP and one for HTTPS, leaves the
//! certificate of its authority in `DIRECTORY/authority.pem`, and answers until its standard input ends.
//! `cargo xtask bench first-call` runs it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const REPLY: &str = r#"{"data":{"client_id":"aa_00000000_000040008000000000000001","mobile_number":"9000000001","pan_number":"AAAAA0000A","email_id":"person@example.test","redirect_url":"https://consent.example.test/onboarding?fi=000040008000000000000001+Rg==&reqdate00000000+X=="},"status_code":200,"success":true,"message":"Success","message_code":"success"}"#;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["serve", directory] = *arguments.as_slice() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let acceptor = acceptor(Path::new(directory))?;
        // The process that started this one ends it by closing the pipe.
        thread::spawn(|| {
            let _ended = io::copy(&mut io::stdin(), &mut io::sink());
            std::process::exit(0);
        });
        runtime.block_on(serve(acceptor))
    } else {
        // Without a command there is nothing to measure.
        println!("usage: first-call serve DIRECTORY");
        Ok(())
    }
}

/// A certificate for this machine, issued by an authority that the caller is told.
fn acceptor(directory: &Path) -> Result<TlsAcceptor> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    std::fs::write(directory.join("authority.pem"), authority.pem())?;
    let key = KeyPair::generate()?;
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(acceptor: TlsAcceptor) -> Result<()> {
    let plain = TcpListener::bind("127.0.0.1:0").await?;
    let secured = TcpListener::bind("127.0.0.1:0").await?;
    println!(
        "{} {}",
        plain.local_addr()?.port(),
        secured.local_addr()?.port()
    );
    tokio::spawn(async move {
        while let Ok((stream, _)) = secured.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true)?;
                answer(acceptor.accept(stream).await?).await
            });
        }
    });
    loop {
        let (stream, _) = plain.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(answer(stream));
    }
}

/// The same reply to every request of a connection.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{REPLY}",
        REPLY.len()
    );
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        seen.extend_from_slice(buffer.get(..read).unwrap_or_default());
        if is_complete(&seen) {
            stream.write_all(reply.as_bytes()).await?;
            stream.flush().await?;
            seen.clear();
        }
    }
}

fn is_complete(seen: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(seen) else {
        return false;
    };
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok());
    body.len() == length.unwrap_or(0)
}
