//! The transports that operations are tried over, and the certificates of the server at their other end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use provider_core::{
    Error, HyperTransport, ReqwestTransport, Resolver, Transport, TransportBuilder, async_trait,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::planted::{CERTIFICATE_NAME, CERTIFICATE_ORGANISATION};

/// What a cell asks of a transport.
pub(crate) struct Wanted<'w> {
    pub(crate) roots: Roots<'w>,
    pub(crate) connect_timeout: Duration,
    /// The addresses of every name, instead of the machine's; of none at all, nobody ever answers.
    pub(crate) names: Option<&'static [IpAddr]>,
}

#[derive(Debug)]
struct Names(&'static [IpAddr]);

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        match self.0 {
            [] => std::future::pending().await,
            addresses => Ok(addresses.to_vec()),
        }
    }
}

/// Whom it trusts.
pub(crate) enum Roots<'w> {
    /// Nobody: it has no TLS.
    None,
    /// These authorities.
    Pem(&'w str),
    /// The platform's.
    Platform,
}

/// A way to make one.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&Wanted<'_>) -> Result<Arc<dyn Transport>, Error>,
}

/// Every transport, the default one first.
pub(crate) const TRANSPORTS: &[Kind] = &[
    Kind {
        name: "hyper",
        make: |wanted| Ok(Arc::new(set(HyperTransport::builder(), wanted).build()?)),
    },
    Kind {
        name: "reqwest",
        make: |wanted| Ok(Arc::new(set(ReqwestTransport::builder(), wanted).build()?)),
    },
];

fn set<T>(builder: TransportBuilder<T>, wanted: &Wanted<'_>) -> TransportBuilder<T> {
    let mut builder = builder.connect_timeout(wanted.connect_timeout);
    if let Some(addresses) = wanted.names {
        builder = builder.resolver(Arc::new(Names(addresses)));
    }
    match wanted.roots {
        Roots::None => builder.without_tls(),
        Roots::Pem(pem) => builder.root_certificates(pem.as_bytes()),
        Roots::Platform => builder,
    }
}

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certificate {
    Good,
    Expired,
    OtherName,
    UnknownAuthority,
    SelfSigned,
}

/// One authority that the clients trust, and one that they do not.
pub(crate) struct Authorities {
    known: CertifiedIssuer<'static, KeyPair>,
    unknown: CertifiedIssuer<'static, KeyPair>,
}

impl Authorities {
    pub(crate) fn new() -> Result<Self> {
        let authority = || -> Result<_> {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            name(&mut params);
            Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
        };
        Ok(Self {
            known: authority()?,
            unknown: authority()?,
        })
    }

    /// The authority that is trusted, in PEM.
    pub(crate) fn roots(&self) -> String {
        self.known.pem()
    }

    /// The configuration of a server.
    pub(crate) fn server(&self, certificate: Certificate) -> Result<Arc<ServerConfig>> {
        let host = match certificate {
            Certificate::OtherName => CERTIFICATE_NAME,
            _ => "localhost",
        };
        let mut params = CertificateParams::new([host.to_owned()])?;
        name(&mut params);
        if certificate == Certificate::Expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        }
        let key = KeyPair::generate()?;
        let signed: CertificateDer<'static> = match certificate {
            Certificate::SelfSigned => params.self_signed(&key)?.into(),
            Certificate::UnknownAuthority => params.signed_by(&key, &self.unknown)?.into(),
            _ => params.signed_by(&key, &self.known)?.into(),
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        // Not `ServerConfig::builder`: it installs a provider for the whole process.
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![signed], key)?;
        Ok(Arc::new(config))
    }
}

fn name(params: &mut CertificateParams) {
    let name = &mut params.distinguished_name;
    name.push(DnType::OrganizationName, CERTIFICATE_ORGANISATION);
    name.push(DnType::CommonName, CERTIFICATE_NAME);
}
