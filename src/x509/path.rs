//! Path building: from a certificate to a trust anchor through whatever candidates there are.

use super::path_request::PathRequest;
use super::rules::judge;
use super::{Certificate, TrustStore};
use crate::crypto::VerifyError;
use crate::limits;
use crate::reason::{Reason, ReasonCode};

/// A validated path, leaf first and anchor last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<Certificate>);

/// Why no path is valid.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct PathFailure {
    /// The most useful reason: that of the candidate which came closest.
    pub reason: Reason,
    /// The certificate it is about.
    pub certificate: Option<Certificate>,
    /// The path that came closest, complete and with good signatures, so that an expired
    /// certificate can still be asked for its revocation.
    pub path: Option<Path>,
}

impl Path {
    /// The certificates, leaf first and anchor last.
    pub fn certificates(&self) -> &[Certificate] {
        &self.0
    }

    /// The issuer of the leaf; `None` if the leaf is itself the anchor.
    pub fn issuer(&self) -> Option<&Certificate> {
        self.0.get(1)
    }

    /// The trust anchor.
    pub fn anchor(&self) -> Option<&Certificate> {
        self.0.last()
    }

    /// Each certificate that somebody can revoke, with its issuer, leaf first.
    pub fn links(&self) -> impl Iterator<Item = (&Certificate, &Certificate)> {
        self.0.iter().zip(self.0.iter().skip(1))
    }
}

/// Finds a path from the leaf to an anchor that is valid by RFC 5280 §6.1. Revocation is asked
/// apart, link by link ([`Path::links`]).
///
/// # Errors
/// [`PathFailure`] with the reason of the candidate that came closest to being valid.
pub fn validate(trust: &TrustStore, request: &PathRequest<'_>) -> Result<Path, PathFailure> {
    let mut search =
        Search { trust, request, budget: Budget::default(), edges: Vec::new(), best: None };
    let mut path = vec![request.leaf.clone()];
    if trust.is_anchor(request.leaf)
        && let Some(found) = search.complete(&path)
    {
        return Ok(found);
    }
    let nobody = || PathFailure {
        reason: Reason::new(ReasonCode::UntrustedIssuer, "nobody known issued the certificate"),
        certificate: Some(request.leaf.clone()),
        path: None,
    };
    search.extend(&mut path).ok_or_else(|| search.best.unwrap_or_else(nobody))
}

/// The work one search may do; the sources of the numbers stand in the limits table.
struct Budget {
    signatures: usize,
    candidates: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { signatures: limits::PATH_SIGNATURES, candidates: limits::PATH_CANDIDATES }
    }
}

impl Budget {
    fn signature(&mut self) -> Option<()> {
        self.signatures = self.signatures.checked_sub(1)?;
        Some(())
    }

    fn candidate(&mut self) -> Option<()> {
        self.candidates = self.candidates.checked_sub(1)?;
        Some(())
    }
}

struct Search<'a> {
    trust: &'a TrustStore,
    request: &'a PathRequest<'a>,
    budget: Budget,
    /// Signatures checked, by the places of the two certificates in memory.
    edges: Vec<((usize, usize), Result<(), VerifyError>)>,
    /// The failure that came closest.
    best: Option<PathFailure>,
}

impl Search<'_> {
    // Depth first; recursion is bounded by the length of a path.
    fn extend(&mut self, path: &mut Vec<Certificate>) -> Option<Path> {
        let child = path.last()?.clone();
        let counted = path.iter().skip(1).filter(|one| !one.is_self_issued()).count();
        if path.len() >= limits::PATH_LENGTH || counted > self.request.intermediates {
            self.note(ReasonCode::UntrustedIssuer, "the path is too long", &child, None);
            return None;
        }
        for issuer in self.candidates(&child) {
            if self.budget.candidate().is_none() {
                self.note(ReasonCode::PathInvalid, SPENT, &child, None);
                return None;
            }
            let same = |one: &Certificate| {
                one.subject().matches(issuer.subject())
                    && one.public_key().spki == issuer.public_key().spki
            };
            if path.iter().any(same) || !self.signed(&child, &issuer) {
                continue;
            }
            let anchor = self.trust.is_anchor(&issuer);
            path.push(issuer);
            let found = if anchor { self.complete(path) } else { None };
            let found = found.or_else(|| self.extend(path));
            if found.is_some() {
                return found;
            }
            path.pop();
        }
        None
    }

    fn complete(&mut self, path: &[Certificate]) -> Option<Path> {
        match judge(path, self.request) {
            Ok(()) => Some(Path(path.to_vec())),
            Err((reason, certificate)) => {
                self.note(reason.code, &reason.detail, certificate, Some(path));
                None
            }
        }
    }

    // Certificates with the issuer's name: anchors first, then those whose key identifier fits,
    // then those valid at the time.
    fn candidates(&self, child: &Certificate) -> Vec<Certificate> {
        let extra = self.request.extra.iter().take(limits::CERTIFICATES);
        let extra = extra.filter(|one| one.subject().matches(child.issuer()));
        let mut found: Vec<Certificate> =
            self.trust.named(child.issuer()).chain(extra).cloned().collect();
        let at = self.request.at;
        found.sort_by_key(|one| {
            let wrong_key = match (child.authority_key_id(), one.subject_key_id()) {
                (Some(wanted), Some(has)) => wanted != has,
                _ => false,
            };
            let out_of_time = at < one.not_before() || at > one.not_after();
            (wrong_key, !self.trust.is_anchor(one), out_of_time)
        });
        found.dedup();
        found
    }

    fn signed(&mut self, child: &Certificate, issuer: &Certificate) -> bool {
        let edge = (child.address(), issuer.address());
        let known = self.edges.iter().find(|known| known.0 == edge).map(|known| known.1.clone());
        let result = match known {
            Some(result) => result,
            None => {
                if self.budget.signature().is_none() {
                    self.note(ReasonCode::PathInvalid, SPENT, child, None);
                    return false;
                }
                let signed = child.signed();
                // The algorithm has its date, which is looked at whether the value is known or not.
                let result = signed.accepted(self.request.at).and_then(|algorithm| {
                    let known = self.trust.good_signatures();
                    known.check(child, issuer, || signed.verify_by(algorithm, issuer.public_key()))
                });
                self.edges.push((edge, result.clone()));
                result
            }
        };
        match result {
            Ok(()) => return true,
            Err(VerifyError::Unsupported(error)) => {
                self.note(ReasonCode::UnsupportedAlgorithm, &error.name, child, None);
            }
            Err(VerifyError::Wrong | VerifyError::WrongKey) => {
                let detail = format!("{child:?} was not signed by the key of {issuer:?}");
                self.note(ReasonCode::UntrustedIssuer, &detail, child, None);
            }
        }
        false
    }

    // Keeps the failure that came closest; among equals the first, whose candidate fitted best.
    fn note(
        &mut self,
        code: ReasonCode,
        detail: &str,
        certificate: &Certificate,
        path: Option<&[Certificate]>,
    ) {
        let rank = |code, complete: bool| (complete, closeness(code));
        let best = self.best.as_ref();
        let old = best.map(|best| rank(best.reason.code, best.path.is_some()));
        if old.is_none_or(|old| old < rank(code, path.is_some())) {
            self.best = Some(PathFailure {
                reason: Reason::new(code, detail),
                certificate: Some(certificate.clone()),
                path: path.map(|path| Path(path.to_vec())),
            });
        }
    }
}

const SPENT: &str = "the work allowed for building a path was spent";

fn closeness(code: ReasonCode) -> u8 {
    match code {
        ReasonCode::UntrustedIssuer => 0,
        ReasonCode::UnsupportedAlgorithm => 1,
        ReasonCode::PathInvalid => 2,
        ReasonCode::WrongKeyUsage => 3,
        _ => 4,
    }
}
