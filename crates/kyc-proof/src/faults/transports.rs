//! The transports that operations are tried over, and the certificates of the server at their other end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use provider_core::{Error, HyperTransport, ReqwestTransport, Transport, TransportBuilder};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::planted::{CERTIFICATE_NAME, CERTIFICATE_ORGANISATION};

/// Whom a transport trusts.
pub(crate) enum Roots<'w> {
    /// Nobody: it has no TLS.
    None,
    /// These authorities.
    Pem(&'w str),
    /// The platform's.
    Platform,
}

/// A way to make one, which gives up connecting after this time.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) make: fn(Roots<'_>, Duration) -> Result<Arc<dyn Transport>, Error>,
}

/// Every transport, the default one first.
pub(crate) const TRANSPORTS: &[Kind] = &[
    Kind {
        name: "hyper",
        make: |roots, connect| {
            Ok(Arc::new(
                set(HyperTransport::builder(), roots, connect).build()?,
            ))
        },
    },
    Kind {
        name: "reqwest",
        make: |roots, connect| {
            Ok(Arc::new(
                set(ReqwestTransport::builder(), roots, connect).build()?,
            ))
        },
    },
];

fn set<T>(
    builder: TransportBuilder<T>,
    roots: Roots<'_>,
    connect_timeout: Duration,
) -> TransportBuilder<T> {
    let builder = builder.connect_timeout(connect_timeout);
    match roots {
        Roots::None => builder.without_tls(),
        Roots::Pem(pem) => builder.root_certificates(pem.as_bytes()),
        Roots::Platform => builder,
    }
}

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Certificate {
    Good,
    Expired,
    OtherName,
    UnknownAuthority,
    SelfSigned,
}

/// The configurations of servers, by what is wrong with their certificates, and the authority that clients trust.
pub(crate) struct Certificates {
    pub(crate) servers: BTreeMap<Certificate, Arc<ServerConfig>>,
    /// In PEM.
    pub(crate) roots: String,
}

impl Certificates {
    pub(crate) fn new() -> Result<Self> {
        use Certificate::{Expired, Good, OtherName, SelfSigned, UnknownAuthority};

        let mut servers = BTreeMap::new();
        let (known, unknown) = (authority()?, authority()?);
        for certificate in [Good, Expired, OtherName, UnknownAuthority, SelfSigned] {
            let host = match certificate {
                OtherName => CERTIFICATE_NAME,
                _ => "localhost",
            };
            let mut params = named(CertificateParams::new([host.to_owned()])?);
            if certificate == Expired {
                params.not_before = rcgen::date_time_ymd(2020, 1, 1);
                params.not_after = rcgen::date_time_ymd(2020, 2, 1);
            }
            let key = KeyPair::generate()?;
            let signed: CertificateDer<'static> = match certificate {
                SelfSigned => params.self_signed(&key)?.into(),
                UnknownAuthority => params.signed_by(&key, &unknown)?.into(),
                _ => params.signed_by(&key, &known)?.into(),
            };
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
            // Not `ServerConfig::builder`: it installs a provider for the whole process.
            let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(vec![signed], key)?;
            servers.insert(certificate, Arc::new(config));
        }
        let roots = known.pem();
        Ok(Self { servers, roots })
    }
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = named(CertificateParams::default());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn named(mut params: CertificateParams) -> CertificateParams {
    let name = &mut params.distinguished_name;
    name.push(DnType::OrganizationName, CERTIFICATE_ORGANISATION);
    name.push(DnType::CommonName, CERTIFICATE_NAME);
    params
}
