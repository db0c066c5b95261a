//! Certificates and what makes them believable: profile, path, revocation, trust store.

mod answers;
mod certificate;
mod checker;
#[cfg(test)]
mod checker_tests;
mod constraints;
mod crl;
mod crl_cache;
mod crl_index;
mod crl_status;
pub(crate) mod der;
mod evidence;
mod extensions;
mod fetch;
mod general_name;
mod known;
mod large;
mod name;
pub mod ocsp;
#[cfg(test)]
mod ocsp_tests;
mod path;
mod path_request;
#[cfg(test)]
mod path_tests;
mod policy;
mod revocation;
mod rules;
mod signed;
#[cfg(test)]
pub(crate) mod testing;
mod trust;

pub use certificate::{Certificate, CertificateError};
pub use checker::{
    RevocationChecker, RevocationConfig, RevocationMemory, RevocationMethod, RevocationMode,
};
pub use crl::{Crl, CrlEntry, CrlError};
pub use evidence::WithEvidence;
pub(crate) use evidence::bears_out;
pub use extensions::{
    BasicConstraints, DistributionPoint, KeyUsage, NameConstraints, PolicyConstraints,
};
pub use fetch::{AllowedHosts, Fetch, FetchError, HttpFetch};
pub use general_name::GeneralName;
pub use known::{known_certificate, read_known};
pub use large::Large;
pub use name::Name;
pub use path::{Path, PathFailure, validate};
pub use path_request::{PathRequest, Purpose};
pub use policy::PolicyRequest;
pub use revocation::{Freshness, RevocationAnswer, RevocationSource, RevocationStatus};
pub(crate) use signed::pss;
pub use trust::{TrustError, TrustStore, read_certificates};
