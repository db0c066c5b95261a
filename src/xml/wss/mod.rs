//! WS-Security (OASIS WSS 1.0 and 1.1, X.509 token profile) over SOAP 1.1 and 1.2, in the form the
//! state's gateway uses: the Body is signed by its `wsu:Id` under exclusive canonicalization, and
//! the certificate comes as a key identifier.
//!
//! A signed element moved to another place keeps its digest. So a signature counts only if what
//! it covers is *the* Body child of *the* Envelope root, and if it stands in the one Security
//! header that is addressed to the reader. What is handed on are the canonical octets of that Body.

mod envelope;
mod fault;
mod make;
mod open;
#[cfg(test)]
mod tests;
mod token;

pub use envelope::{SoapVersion, is_message};
pub use fault::SoapError;
pub use make::{MessageOptions, TokenForm, prepare, sign};
pub use open::{Freshness, Message, Receiver, open};

pub(super) use envelope::is_envelope;
pub(super) use open::judge;
pub(super) use token::certificates;

pub(super) use super::ids::WSU;

/// Namespace of the Security header (WSS 1.0).
pub const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";

/// `ValueType` of one X.509 v3 certificate (X.509 token profile §3.1).
const X509V3: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
/// `EncodingType` of base64, the default one.
const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";
