//! The rules of RFC 5280 §6.1 for one candidate path. Signatures were checked while it was built.

use time::OffsetDateTime;

use super::Certificate;
use super::constraints::Constraints;
use super::known::known_structure;
use super::path_request::{PathRequest, Purpose};
use super::policy::{Policies, PolicyRequest};
use super::signed::accepted_key;
use crate::reason::{Reason, ReasonCode};

const ALTERNATIVE_NAMES: &str = "2.5.29.17";
const AUTHORITY_KEY: &str = "2.5.29.35";
/// RFC 5280 §4.1.2.2.
const SERIAL_OCTETS: usize = 20;

/// A broken rule and the certificate that breaks it.
pub(crate) type Fault<'a> = (Reason, &'a Certificate);

/// Judges `path`, leaf first and anchor last. Structure comes first, then the leaf's purpose,
/// then validity, so that `expired` says that nothing else is wrong.
pub(crate) fn judge<'a>(
    path: &'a [Certificate],
    request: &PathRequest<'_>,
) -> Result<(), Fault<'a>> {
    let Some((leaf, issuers)) = path.split_first() else { return Ok(()) };
    for certificate in path {
        accepted_key(&certificate.public_key().kind).map_err(|error| {
            (Reason::new(ReasonCode::UnsupportedAlgorithm, error.name), certificate)
        })?;
    }
    let structure = || structure(leaf, issuers, &request.policies);
    match request.policies.is_empty() {
        true => known_structure(path, structure)?,
        false => structure()?,
    }
    purpose(leaf, request.purpose).map_err(|reason| (reason, leaf))?;
    path.iter().try_for_each(|one| validity(one, request.at).map_err(|reason| (reason, one)))
}

fn structure<'a>(
    leaf: &'a Certificate,
    issuers: &'a [Certificate],
    request: &PolicyRequest<'_>,
) -> Result<(), Fault<'a>> {
    let invalid =
        |certificate, what: String| (Reason::new(ReasonCode::PathInvalid, what), certificate);
    let mut policies = Policies::new(request, issuers.len() as u32);
    let mut constraints = Constraints::default();
    let mut room = u32::MAX;
    // The anchor comes first. Its constraints bind the path too (RFC 5937 §3.2), its policies do
    // not: the operator chose it, and it may be of version 1.
    for (depth, issuer) in issuers.iter().rev().enumerate() {
        let fault = |what| invalid(issuer, what);
        well_formed(issuer).map_err(fault)?;
        if depth > 0 {
            if !issuer.is_self_issued() {
                constraints.check(issuer).map_err(fault)?;
            }
            policies.process(issuer, false).map_err(fault)?;
            policies.prepare(issuer).map_err(fault)?;
            if !issuer.is_self_issued() {
                let spent = "the path is longer than a path length constraint allows";
                room = room.checked_sub(1).ok_or_else(|| fault(spent.to_owned()))?;
            }
        } else {
            policies.constrain(issuer);
        }
        authority(issuer, depth == 0).map_err(|what| fault(what.to_owned()))?;
        identified(issuer, depth == 0).map_err(|what| fault(what.to_owned()))?;
        constraints.add(issuer);
        let length = issuer.basic_constraints().and_then(|constraints| constraints.path_length);
        room = room.min(length.unwrap_or(u32::MAX));
    }
    let fault = |what| invalid(leaf, what);
    well_formed(leaf).map_err(fault)?;
    if !issuers.is_empty() {
        identified(leaf, false).map_err(|what| fault(what.to_owned()))?;
        constraints.check(leaf).map_err(fault)?;
        policies.process(leaf, true).map_err(fault)?;
        policies.wrap_up(leaf, request).map_err(fault)?;
    }
    Ok(())
}

/// Whether one certificate may serve `purpose` at this time, its path apart.
pub(crate) fn purpose_allows(
    certificate: &Certificate,
    wanted: Purpose,
    at: OffsetDateTime,
) -> Result<(), Reason> {
    let invalid = |what| Reason::new(ReasonCode::PathInvalid, what);
    well_formed(certificate).map_err(invalid)?;
    accepted_key(&certificate.public_key().kind)
        .map_err(|error| Reason::new(ReasonCode::UnsupportedAlgorithm, error.name))?;
    purpose(certificate, wanted)?;
    validity(certificate, at)
}

// What must hold for every certificate of a path.
fn well_formed(certificate: &Certificate) -> Result<(), String> {
    let extensions = certificate.extensions();
    if let Some(oid) = extensions.malformed.first() {
        return Err(format!("extension {oid} is malformed"));
    }
    if let Some(oid) = extensions.unknown_critical() {
        return Err(format!("critical extension {oid} is unknown"));
    }
    let authority = certificate.basic_constraints().is_some_and(|constraints| constraints.ca);
    if !authority && certificate.key_usage().is_some_and(|usage| usage.key_cert_sign()) {
        return Err("a key that signs certificates without being an authority".to_owned());
    }
    if !authority && extensions.name_constraints.is_some() {
        return Err("name constraints outside of an authority".to_owned());
    }
    if certificate.issuer().is_empty() {
        return Err("the issuer has no name".to_owned());
    }
    let critical = |oid: &str| extensions.critical.iter().any(|known| known == oid);
    if certificate.subject().is_empty() && !critical(ALTERNATIVE_NAMES) {
        return Err("neither a subject nor a critical alternative name".to_owned());
    }
    // §4.1.2.2: longer ones are never accepted. Zero and negative ones are to be handled
    // gracefully.
    if certificate.serial().len() > SERIAL_OCTETS {
        return Err("the serial number is longer than 20 octets".to_owned());
    }
    Ok(())
}

// §4.2.1.1, §4.2.1.2: authorities name their key, and every certificate the key that signed it.
// An anchor need not, but a self-signed one must not name another.
fn identified(certificate: &Certificate, anchor: bool) -> Result<(), &'static str> {
    let (own, signer) = (certificate.subject_key_id(), certificate.authority_key_id());
    let authority = certificate.basic_constraints().is_some_and(|constraints| constraints.ca);
    if authority && own.is_none() {
        return Err("an authority without subject key identifier");
    }
    if signer.is_none() && (!anchor || certificate.has_extension(AUTHORITY_KEY)) {
        return Err("the certificate does not identify the key that signed it");
    }
    if anchor && certificate.is_self_issued() && signer.is_some() && signer != own {
        return Err("a self-signed certificate that names another key as its signer's");
    }
    Ok(())
}

// §6.1.4 (k), (n): whether the key may sign certificates.
fn authority(issuer: &Certificate, anchor: bool) -> Result<(), &'static str> {
    match issuer.basic_constraints() {
        Some(constraints) if constraints.ca => {}
        None if anchor && issuer.version() < 3 => {}
        _ => return Err("the issuer is no certification authority"),
    }
    if issuer.key_usage().is_some_and(|usage| !usage.key_cert_sign()) {
        return Err("the issuer's key usage does not allow signing certificates");
    }
    if issuer.subject().is_empty() {
        return Err("the issuer has no name");
    }
    Ok(())
}

fn purpose(leaf: &Certificate, purpose: Purpose) -> Result<(), Reason> {
    const AUTHORITY: &str = "the certificate is one of a certification authority";
    let wrong = |what: &str| Err(Reason::new(ReasonCode::WrongKeyUsage, what));
    let usage = leaf.key_usage();
    let authority = leaf.basic_constraints().is_some_and(|constraints| constraints.ca);
    let signs = usage.is_none_or(|usage| usage.digital_signature() || usage.non_repudiation());
    match purpose {
        Purpose::Any => Ok(()),
        // The national profile tells signing keys from login keys by this bit.
        Purpose::Documents => match usage {
            Some(usage) if !usage.non_repudiation() => wrong("key usage lacks nonRepudiation"),
            _ if authority => wrong(AUTHORITY),
            _ => Ok(()),
        },
        Purpose::Extended(_) if authority => wrong(AUTHORITY),
        Purpose::Extended(oid) if !leaf.has_extended_key_usage(oid) => {
            wrong(&format!("extended key usage lacks {oid}"))
        }
        Purpose::Extended(_) => Ok(()),
        // RFC 6960 §4.2.2.2, RFC 3161 §2.3: named, and not merely by the wildcard.
        Purpose::OcspResponder if !leaf.has_extended_key_usage("1.3.6.1.5.5.7.3.9") || !signs => {
            wrong("the certificate is not for signing OCSP responses")
        }
        Purpose::TimeStamping
            if leaf.extended_key_usage() != Some(&["1.3.6.1.5.5.7.3.8".to_owned()])
                || !leaf.critical_extensions().iter().any(|oid| oid == "2.5.29.37")
                || !signs =>
        {
            wrong("the certificate is not for time-stamping alone")
        }
        Purpose::CrlIssuer if usage.is_some_and(|usage| !usage.crl_sign()) => {
            wrong("key usage lacks cRLSign")
        }
        Purpose::OcspResponder | Purpose::TimeStamping | Purpose::CrlIssuer => Ok(()),
    }
}

fn validity(certificate: &Certificate, at: OffsetDateTime) -> Result<(), Reason> {
    // Certificates count whole seconds: the last one lasts until the next begins.
    if at < certificate.not_before() {
        let what = format!("{certificate:?} is valid from {}", certificate.not_before());
        return Err(Reason::new(ReasonCode::NotYetValid, what));
    }
    if at.unix_timestamp() > certificate.not_after().unix_timestamp() {
        let what = format!("{certificate:?} was valid until {}", certificate.not_after());
        return Err(Reason::new(ReasonCode::Expired, what));
    }
    Ok(())
}
