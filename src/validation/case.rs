//! What a judgement is made from, beside the signature.

use time::OffsetDateTime;

use super::Purpose;
use super::policy::Policy;
use crate::x509::{RevocationSource, TrustStore};

/// Everything a judgement depends on beside the signature.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub trust: &'a TrustStore,
    pub revocation: Option<&'a dyn RevocationSource>,
    pub policy: &'a Policy,
    pub purpose: Purpose,
    pub now: OffsetDateTime,
}
