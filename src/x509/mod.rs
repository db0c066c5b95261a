//! Certificates and what makes them believable: profile, path, revocation, trust store.

mod certificate;
mod constraints;
pub(crate) mod der;
mod extensions;
mod general_name;
mod name;
mod path;
mod policy;
mod rules;
mod signed;
mod trust;

pub use certificate::{Certificate, CertificateError};
pub use extensions::{
    BasicConstraints, DistributionPoint, KeyUsage, NameConstraints, PolicyConstraints,
};
pub use general_name::GeneralName;
pub use name::Name;
pub use path::{Path, PathFailure, PathRequest, Purpose, validate};
pub use policy::PolicyRequest;
pub use trust::{TrustError, TrustStore, read_certificates};
