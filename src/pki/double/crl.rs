//! Certificate revocation lists, full and delta (RFC 5280 §5), made anew for each request.

use rasn::prelude::*;
use rasn_pkix::{
    AuthorityKeyIdentifier, CertificateList, CrlReason, Extensions, RevokedCertificate,
    TbsCertList, Version,
};
use time::{Duration, OffsetDateTime};

use super::register::Revoked;
use super::{Double, How};
use crate::pki::PkiError;
use crate::pki::der::{self, oid};

/// Which list.
#[derive(Clone, Copy)]
pub(super) enum List {
    Root,
    Full,
    Delta,
}

impl List {
    /// The list served under this name.
    pub fn named(double: &Double, name: &str) -> Option<Self> {
        let addresses = double.world.addresses();
        let lists = [
            (Self::Root, addresses.root_crl()),
            (Self::Full, addresses.crl()),
            (Self::Delta, addresses.delta_crl()),
        ];
        let found = lists.into_iter().find(|(_, address)| address.rsplit('/').next() == Some(name));
        found.map(|(list, _)| list)
    }
}

pub(super) fn make(double: &Double, list: List, how: How) -> Result<Vec<u8>, PkiError> {
    let now = double.now();
    let register = &double.register;
    // The national full list lives half a year, so its age counts more than its next update.
    let (signer, entries, life) = match list {
        List::Root => (&double.root, register.full("root"), Duration::days(180)),
        List::Full => (&double.ca, register.full("ca"), Duration::days(180)),
        List::Delta => (&double.ca, register.delta("ca", now), Duration::DAY),
    };
    let this_update = if how == How::Stale { now - life - Duration::days(30) } else { now };
    let key_id = signer.certificate().subject_key_id().unwrap_or_default().to_vec();
    let authority =
        AuthorityKeyIdentifier { key_identifier: Some(key_id.into()), ..Default::default() };
    let mut extensions = vec![
        der::extension(oid::AUTHORITY_KEY_ID, &authority)?,
        der::extension(oid::CRL_NUMBER, &number(this_update))?,
    ];
    if matches!(list, List::Delta) {
        let mut base = der::extension(oid::DELTA_CRL, &number(register.base_at()))?;
        base.critical = true;
        extensions.push(base);
    }
    let algorithm = der::signature_algorithm(signer.algorithm())?;
    let entries: Result<Vec<_>, _> = entries.iter().map(entry).collect();
    let tbs = TbsCertList {
        version: Version::V2,
        signature: algorithm.clone(),
        issuer: der::decode(signer.certificate().subject().der())?,
        this_update: der::time(this_update)?,
        next_update: Some(der::time(this_update + life)?),
        revoked_certificates: entries?,
        crl_extensions: Some(Extensions::from(extensions)),
    };
    let mut value = der::sign(signer, &der::encode(&tbs)?)?;
    spoil(&mut value, how);
    der::encode(&CertificateList {
        tbs_cert_list: tbs,
        signature_algorithm: algorithm,
        signature: BitString::from_slice(&value),
    })
}

/// Flips the last bit of a signature value, if that is asked for.
pub(super) fn spoil(value: &mut [u8], how: How) {
    if let (How::WrongSignature, Some(last)) = (how, value.last_mut()) {
        *last ^= 1;
    }
}

/// Seconds since 1970 grow like a CRL number should, over restarts as well.
fn number(moment: OffsetDateTime) -> Integer {
    Integer::from(moment.unix_timestamp())
}

fn entry((serial, revoked): &(String, Revoked)) -> Result<RevokedCertificate, PkiError> {
    let extensions = match revoked.reason {
        // RFC 5280 §5.3.1: absent rather than unspecified.
        CrlReason::Unspecified => None,
        reason => Some(Extensions::from(vec![der::extension(oid::REASON_CODE, &reason)?])),
    };
    Ok(RevokedCertificate {
        user_certificate: der::serial(serial)?,
        revocation_date: der::time(revoked.at)?,
        crl_entry_extensions: extensions,
    })
}
