//! XML: a checked tree, a writer, canonical forms, and signatures (XMLDSig, XAdES) over them.
//!
//! Nothing here trusts a place in a document: what was signed is handed on as the canonical octets
//! that were digested, and consumers parse those.

pub mod c14n;
mod chars;
mod document;
mod dsig;
mod encoding;
mod error;
mod extend;
mod ids;
mod parse;
mod place;
#[cfg(test)]
mod random;
mod sign;
mod stream;
#[cfg(test)]
pub(crate) mod testing;
mod writer;
pub mod wss;
mod xades;

pub use document::{Document, Element};
pub use dsig::{read, read_over};
pub use error::XmlError;
pub use extend::{Draft, to_be_archived, to_be_stamped, with_material, with_timestamp};
pub use sign::{
    Covers, Prepared, SigningOptions, counter_sign, prepare, prepare_counter_signature, sign,
};
pub use stream::read_large;
pub use writer::Writer;

/// Namespace of XML signatures (W3C xmldsig-core1).
pub const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Namespace of XAdES (ETSI EN 319 132-1).
pub const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
/// Namespace of the prefix `xml`.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// Namespace of the prefix `xmlns`.
pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The enveloped transform (xmldsig-core1 §6.6.4).
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// The transform of XPath Filter 2.0 (W3C xmldsig-filter2).
const FILTER2: &str = "http://www.w3.org/2002/06/xmldsig-filter2";
