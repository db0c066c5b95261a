//! Certificates and what makes them believable: profile, path, revocation, trust store.

mod certificate;
mod name;

pub use certificate::{BasicConstraints, Certificate, CertificateError, KeyUsage};
pub use name::Name;
