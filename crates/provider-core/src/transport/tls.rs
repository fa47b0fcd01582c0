//! TLS by rustls, with a cryptography provider that is independent of the process default.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;

use super::builder::Roots;
use crate::values::InvalidRequest;

/// The protocols that are offered, the preferred one first.
const PROTOCOLS: &[&[u8]] = match cfg!(feature = "http2") {
    true => &[b"h2", b"http/1.1"],
    false => &[b"http/1.1"],
};

/// A configuration for the protocols of this build; `None` if TLS is disabled.
pub(crate) fn client_config(roots: &Roots) -> Result<Option<ClientConfig>, InvalidRequest> {
    let unusable = |rule: &'static str| InvalidRequest::new("root certificates", rule);
    if matches!(roots, Roots::None) {
        return Ok(None);
    }
    let config = match roots {
        Roots::Pem(pem) => builder()?.with_root_certificates(store(pem)?),
        Roots::Platform | Roots::None => builder()?.with_platform_verifier().map_err(|_| {
            unusable("this machine has none; install ca-certificates or supply your own")
        })?,
    };
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
    Ok(Some(config))
}

/// A configuration that trusts nobody.
#[cfg(feature = "reqwest")]
pub(crate) fn without_roots() -> Result<ClientConfig, InvalidRequest> {
    Ok(builder()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, InvalidRequest> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| InvalidRequest::new("root certificates", "no TLS version is available"))
}

fn store(pem: &[u8]) -> Result<RootCertStore, InvalidRequest> {
    let unusable = |rule: &'static str| InvalidRequest::new("root certificates", rule);
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| unusable("not PEM"))?;
        store
            .add(certificate)
            .map_err(|_| unusable("not a certificate authority"))?;
    }
    if store.is_empty() {
        return Err(unusable("no certificate in the PEM text"));
    }
    Ok(store)
}
