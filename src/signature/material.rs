//! What a signature needs to be verified later without asking anybody.

/// Certificates and revocation values, DER, each once (EN 319 132-1 §5.5, EN 319 122-1 §5.5,
/// EN 319 142-1 §5.4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidationMaterial {
    /// Certificates of every path: the signer's, the time-stamping authorities', the responders'.
    pub certificates: Vec<Vec<u8>>,
    /// OCSP responses (`OCSPResponse`).
    pub ocsp: Vec<Vec<u8>>,
    /// CRLs.
    pub crls: Vec<Vec<u8>>,
}
