//! TLS by certificate files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// A certificate chain and its key, ready to be used. Clones share them.
#[derive(Clone)]
pub struct Tls(Arc<Parts>);

struct Parts {
    certificates: PathBuf,
    key: PathBuf,
    acceptor: RwLock<TlsAcceptor>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Files that cannot be used for TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not PEM, or cannot be read.
    #[error("{path} cannot be read as PEM")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// A file holds no certificate.
    #[error("{path} holds no certificate in PEM")]
    Empty {
        /// The file.
        path: String,
    },
    /// The certificate and the key do not serve.
    #[error("the certificate and the key cannot be used")]
    Unusable(#[from] rustls::Error),
}

impl Tls {
    /// Reads a certificate chain, the server's own certificate first, and its private key.
    ///
    /// # Errors
    /// Names the file that is not PEM; a key that is not the certificate's.
    pub fn read(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(Parts {
            certificates: certificates.to_owned(),
            key: key.to_owned(),
            acceptor: RwLock::new(read(certificates, key)?),
        })))
    }

    /// Reads the files again, for connections from here on: a renewed certificate needs no restart.
    ///
    /// # Errors
    /// As [`Self::read`]; then what was read before stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = read(&self.0.certificates, &self.0.key)?;
        *self.0.acceptor.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.0.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read(certificates: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let file = |path: &Path| {
        let path = path.display().to_string();
        move |source| TlsError::File { path, source }
    };
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(file(certificates))?;
    if chain.is_empty() {
        return Err(TlsError::Empty { path: certificates.display().to_string() });
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(file(key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
