//! The single checks of a signature, each into the ledger.

use time::OffsetDateTime;

use super::Purpose;
use super::check::{Block, Ledger};
use super::policy::CheckName;
use crate::crypto::{SignatureAlgorithm, VerifyError, verify};
use crate::reason::{Reason, ReasonCode};
use crate::signature::FoundSignature;
use crate::x509::{Certificate, Path};

/// What the format found by itself, and whether there is a certificate.
pub(super) fn format(found: &FoundSignature, ledger: &mut Ledger<'_>) {
    if found.faults.is_empty() {
        ledger.fixed(Block::Format, "structure", Ok(()));
    }
    for fault in &found.faults {
        let (block, name) = match fault.code {
            ReasonCode::ContentChanged | ReasonCode::ContentMissing => {
                (Block::Cryptographic, "digests")
            }
            ReasonCode::CertificateMissing | ReasonCode::CertificateMismatch => {
                (Block::SigningCertificate, "signing-certificate")
            }
            _ => (Block::Format, "structure"),
        };
        ledger.fixed(block, name, Err(fault.clone()));
    }
    for oddity in &found.warnings {
        ledger.note(Block::Format, "oddity", oddity.clone());
    }
    let known = |code| found.faults.iter().any(|fault| fault.code == code);
    match &found.certificate {
        None if !known(ReasonCode::CertificateMissing) => {
            let missing = Err(ReasonCode::CertificateMissing.into());
            ledger.fixed(Block::SigningCertificate, "signing-certificate", missing);
        }
        Some(_) if !known(ReasonCode::CertificateMismatch) => {
            ledger.fixed(Block::SigningCertificate, "signing-certificate", Ok(()));
        }
        _ => {}
    }
    if !found.scope.covers_whole_document {
        let detail = "the signature covers a part of the document";
        let reason = Reason::new(ReasonCode::AddedAfterSigning, detail);
        ledger.ruled(Block::Acceptance, CheckName::WholeDocument, Err(reason));
    } else {
        ledger.ruled(Block::Acceptance, CheckName::WholeDocument, Ok(()));
    }
}

/// The signature value over the signed octets.
pub(super) fn value(found: &FoundSignature, ledger: &mut Ledger<'_>) {
    let Some(certificate) = &found.certificate else {
        return ledger.skipped(Block::Cryptographic, "value");
    };
    let unsupported = |name: &str| Reason::new(ReasonCode::UnsupportedAlgorithm, name);
    let result = match &found.algorithm {
        Err(error) => Err(unsupported(&error.name)),
        Ok(algorithm) => {
            let key = certificate.public_key();
            verify(*algorithm, found.value_form, key, &found.signed_octets, &found.value).map_err(
                |error| match error {
                    VerifyError::Unsupported(error) => unsupported(&error.name),
                    error => Reason::new(ReasonCode::BadSignature, error.to_string()),
                },
            )
        }
    };
    ledger.fixed(Block::Cryptographic, "value", result);
}

/// Algorithm, digests and key of the signature.
pub(super) fn algorithm(found: &FoundSignature, at: OffsetDateTime, ledger: &mut Ledger<'_>) {
    let unsupported = |why: String| Reason::new(ReasonCode::UnsupportedAlgorithm, why);
    if let Ok(algorithm) = &found.algorithm {
        let result = ledger.policy.accepts_algorithm(*algorithm, at).map_err(unsupported);
        ledger.ruled(Block::Acceptance, CheckName::Algorithm, result);
    }
    for digest in &found.digests {
        let result = ledger.policy.accepts_digest(*digest, at);
        let result = result.map_err(|why| unsupported(format!("digest: {why}")));
        ledger.ruled(Block::Acceptance, CheckName::Digest, result);
    }
    if let (Some(certificate), Ok(_)) = (&found.certificate, &found.algorithm) {
        let key = &certificate.public_key().kind;
        let result = ledger.policy.accepts_key(key, at).map_err(unsupported);
        ledger.ruled(Block::Acceptance, CheckName::KeySize, result);
    }
}

/// The same for the certificates that lead to the anchor, which is believed as it is.
pub(super) fn path_algorithms(path: &Path, at: OffsetDateTime, ledger: &mut Ledger<'_>) {
    let mut algorithms = Ok(());
    let mut keys = Ok(());
    for (subject, issuer) in path.links() {
        let named = |why: String| {
            let detail = format!("{}: {why}", subject.subject());
            Reason::new(ReasonCode::UnsupportedAlgorithm, detail)
        };
        let accepted = subject.signature_algorithm().map_err(|error| error.name);
        let accepted = accepted.and_then(|one| ledger.policy.accepts_algorithm(one, at));
        algorithms = algorithms.and(accepted.map_err(named));
        let key = ledger.policy.accepts_key(&issuer.public_key().kind, at);
        keys = keys.and(key.map_err(named));
    }
    ledger.ruled(Block::CertificatePath, CheckName::Algorithm, algorithms);
    ledger.ruled(Block::CertificatePath, CheckName::KeySize, keys);
}

/// Whether signatures of the certificate's key can be verified at all.
pub(super) fn key(certificate: &Certificate, ledger: &mut Ledger<'_>) {
    let known = SignatureAlgorithm::for_key(&certificate.public_key().kind);
    let result = known.map_err(|error| Reason::new(ReasonCode::UnsupportedAlgorithm, error.name));
    ledger.fixed(Block::Cryptographic, "key", result.map(|_| ()));
}

/// What the certificate may be used for.
pub(super) fn usage(certificate: &Certificate, purpose: Purpose, ledger: &mut Ledger<'_>) {
    const BLOCK: Block = Block::CertificatePath;
    let policy = ledger.policy;
    let wrong = |why: &str| Err(Reason::new(ReasonCode::WrongKeyUsage, why));
    let never = &policy.certificate().never;
    let extended = if never.iter().any(|oid| certificate.has_extended_key_usage(oid)) {
        wrong("the certificate is one of a time-stamping authority or OCSP responder")
    } else {
        Ok(())
    };
    ledger.ruled(BLOCK, CheckName::ExtendedKeyUsage, extended);
    let authority = certificate.basic_constraints().is_some_and(|constraints| constraints.ca);
    let usage = if authority {
        wrong("the certificate is one of a certification authority")
    } else {
        let accepted = policy.accepts_usage(certificate, purpose);
        accepted.map_err(|why| Reason::new(ReasonCode::WrongKeyUsage, why))
    };
    ledger.ruled(BLOCK, CheckName::KeyUsage, usage);
    // Login certificates have policies of their own.
    if purpose == Purpose::Document {
        let result = match policy.accepts_certificate_policy(certificate) {
            true => Ok(()),
            false => wrong("the certificate names no policy of signing certificates"),
        };
        ledger.ruled(BLOCK, CheckName::CertificatePolicy, result);
    }
}

/// The signing time the signer claims.
pub(super) fn claimed_time(
    claimed: Option<OffsetDateTime>,
    certificate: &Certificate,
    now: OffsetDateTime,
    ledger: &mut Ledger<'_>,
) {
    let Some(claimed) = claimed else {
        return ledger.skipped(Block::Acceptance, CheckName::ClaimedTime.as_str());
    };
    let ahead = i64::from(ledger.policy.timestamps().claimed_ahead_seconds);
    let implausible = |why| Err(Reason::new(ReasonCode::ClaimedTimeImplausible, why));
    let result = if claimed > now + time::Duration::seconds(ahead) {
        implausible("the claimed signing time lies in the future")
    } else if claimed < certificate.not_before() || claimed > certificate.not_after() {
        implausible("the claimed signing time lies outside the certificate's validity")
    } else {
        Ok(())
    };
    ledger.ruled(Block::Acceptance, CheckName::ClaimedTime, result);
}

pub(super) fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
