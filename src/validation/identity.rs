//! Identity rules: whether the certificate names whom the policy wants. Reported beside the
//! verdict, since a signature is no less valid for being somebody else's.

use super::policy::IdentityRules;
use crate::reason::{Reason, ReasonCode};
use crate::x509::Certificate;

/// What the identity rules found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityFinding {
    /// What the certificate lacks; empty if every rule holds.
    pub reasons: Vec<Reason>,
}

/// Applies the rules to the signer's certificate.
pub(super) fn check(rules: &IdentityRules, certificate: &Certificate) -> IdentityFinding {
    let holder = certificate.held_by();
    let mut reasons = Vec::new();
    if rules.iin && holder.iin.is_none() {
        reasons.push(Reason::new(ReasonCode::IinMismatch, "the certificate names no IIN"));
    }
    if rules.bin && holder.bin.is_none() {
        reasons.push(Reason::new(ReasonCode::BinMismatch, "the certificate names no BIN"));
    }
    let fits = holder.roles.iter().any(|role| rules.roles.contains(role));
    if holder.bin.is_some() && !rules.roles.is_empty() && !fits {
        let detail = "the certificate has none of the roles the policy names";
        reasons.push(Reason::new(ReasonCode::NoRightToSign, detail));
    }
    IdentityFinding { reasons }
}
