//! What is asked of a path.

use time::OffsetDateTime;

use super::Certificate;
use super::policy::PolicyRequest;
use crate::limits;

/// What the leaf is to be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing is asked of the leaf's key usage.
    #[default]
    Any,
    /// Signing documents: key usage, if present, has `nonRepudiation` (national profile), and the
    /// certificate is no authority's.
    Documents,
    /// The extended key usage names this dotted identifier, as RFC 5280 §4.2.1.12 lets an
    /// application demand, and the certificate is no authority's.
    Extended(&'static str),
    /// A delegated OCSP responder (RFC 6960 §4.2.2.2).
    OcspResponder,
    /// A time-stamping authority (RFC 3161 §2.3).
    TimeStamping,
    /// Signing CRLs (RFC 5280 §6.3.3 f).
    CrlIssuer,
}

/// What is to be validated.
#[derive(Clone, Copy, Debug)]
pub struct PathRequest<'a> {
    /// The certificate in question.
    pub leaf: &'a Certificate,
    /// Certificates that came along; they may serve as intermediates and are not trusted.
    pub extra: &'a [Certificate],
    /// The time of judgement.
    pub at: OffsetDateTime,
    /// What the leaf is to be used for.
    pub purpose: Purpose,
    /// What is asked of certificate policies.
    pub policies: PolicyRequest<'a>,
    /// How many intermediate certificates a path may have, self-issued ones not counted.
    pub intermediates: usize,
}

impl<'a> PathRequest<'a> {
    /// A request for any purpose and any policy.
    pub fn new(leaf: &'a Certificate, extra: &'a [Certificate], at: OffsetDateTime) -> Self {
        Self {
            leaf,
            extra,
            at,
            purpose: Purpose::Any,
            policies: PolicyRequest::default(),
            intermediates: limits::PATH_LENGTH,
        }
    }
}
