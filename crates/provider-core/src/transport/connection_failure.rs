//! Finds out from the error chain of a broken connection how far a request got.

use std::error::Error as StdError;

/// Whether the connection was closed before any of the request was written to it, usually because it was idle for too long.
/// hyper reports that as cancelled, and nothing else.
pub(crate) fn never_begun(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return error.is_canceled();
        }
        cause = error.source();
    }
    false
}

/// Why the peer's certificate was refused, if that is the cause of the failure.
#[cfg(feature = "rustls")]
pub(crate) fn refused_certificate(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    use rustls::{CertificateError as Reason, Error as Tls};

    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<Tls>() {
            return match tls {
                Tls::NoCertificatesPresented => Some("the peer sent none"),
                Tls::InvalidCertificate(reason) => Some(match reason {
                    Reason::Expired
                    | Reason::ExpiredContext { .. }
                    | Reason::NotValidYet
                    | Reason::NotValidYetContext { .. } => "it is not valid at this time",
                    Reason::NotValidForName | Reason::NotValidForNameContext { .. } => {
                        "it is for another name"
                    }
                    Reason::UnknownIssuer | Reason::BadSignature => {
                        "no trusted authority signed it"
                    }
                    Reason::Revoked => "it was revoked",
                    _ => "it is not valid",
                }),
                _ => None,
            };
        }
        // `io::Error` returns its inner error, often another `io::Error`, from `get_ref` and skips it in `source`.
        cause = match error.downcast_ref::<std::io::Error>() {
            Some(error) => error
                .get_ref()
                .map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(not(feature = "rustls"))]
pub(crate) fn refused_certificate(_error: &(dyn StdError + 'static)) -> Option<&'static str> {
    // The operating system's library does not distinguish a refused certificate from a broken handshake.
    None
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use http_body_util::Full;
    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::wire::{TransportError, TransportErrorKind};

    /// The error of a request on a connection that the server closes, before the request or after reading some of it.
    async fn broken(read_first: bool) -> hyper::Error {
        let (near, mut far) = tokio::io::duplex(1024);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near))
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        sender.ready().await.unwrap();
        let request = Request::new(Full::new(Bytes::from_static(b"body")));
        if read_first {
            let sending = tokio::spawn(sender.send_request(request));
            far.read_u8().await.unwrap();
            drop(far);
            return sending.await.unwrap().unwrap_err();
        }
        drop(far);
        let _ = connection.await.unwrap();
        sender.send_request(request).await.unwrap_err()
    }

    #[cfg(feature = "rustls")]
    #[test]
    fn a_refused_certificate_is_reported_with_its_reason() {
        use rustls::{CertificateError as Reason, Error as Tls};

        let nested = |tls: Tls| std::io::Error::other(std::io::Error::other(tls));
        let of = |tls: Tls| {
            let plain = refused_certificate(&tls);
            assert_eq!(refused_certificate(&nested(tls.clone())), plain, "{tls}");
            let by_us = TransportError::new(TransportErrorKind::Connect).with_source(nested(tls));
            assert_eq!(refused_certificate(&by_us), plain);
            plain
        };
        assert_eq!(of(Tls::NoCertificatesPresented), Some("the peer sent none"));
        for (reason, text) in [
            (Reason::Expired, "it is not valid at this time"),
            (Reason::NotValidYet, "it is not valid at this time"),
            (Reason::NotValidForName, "it is for another name"),
            (Reason::UnknownIssuer, "no trusted authority signed it"),
            (Reason::BadSignature, "no trusted authority signed it"),
            (Reason::Revoked, "it was revoked"),
            (Reason::BadEncoding, "it is not valid"),
        ] {
            assert_eq!(of(Tls::InvalidCertificate(reason)), Some(text));
        }
        assert_eq!(of(Tls::DecryptError), None);
        assert_eq!(refused_certificate(&std::io::Error::other("reset")), None);
    }

    #[tokio::test]
    async fn a_request_that_was_never_written_is_distinguished_from_one_that_may_have_been_read() {
        let interrupted = || TransportError::new(TransportErrorKind::Interrupted);
        assert!(never_begun(&broken(false).await));
        assert!(never_begun(&interrupted().with_source(broken(false).await)));
        assert!(!never_begun(&broken(true).await));
        assert!(!never_begun(&interrupted()));
    }
}
