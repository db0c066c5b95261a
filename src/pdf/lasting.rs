//! What makes signatures last: document time-stamps and the security store (EN 319 142-1 §5.4),
//! handed to every signature they are for. A document time-stamp is nobody's signature.

use lopdf::{Dictionary, Object};

use super::dss::Store;
use super::file::File;
use crate::cms;
use crate::crypto::{DigestAlgorithm, verify};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{
    CarriedTimestamp, FoundSignature, Level, SignatureFormat, Stamped, TimestampKind,
};
use crate::x509::Certificate;

/// A document time-stamp whose place in the file is proven.
pub(super) struct DocumentStamp {
    /// Where the octets it covers end.
    pub end: usize,
    token: Vec<u8>,
    over: Stamped,
}

/// Whether a signature dictionary is a document time-stamp (EN 319 142-1 §5.4.3).
pub(super) fn is_time_stamp(dictionary: &Dictionary) -> bool {
    let name = |key: &[u8]| dictionary.get(key).and_then(Object::as_name).unwrap_or_default();
    name(b"Type") == b"DocTimeStamp" || name(b"SubFilter") == b"ETSI.RFC3161"
}

impl DocumentStamp {
    /// Reads one from `/Contents`; `digest` is that of everything else up to `end`.
    pub(super) fn read(
        contents: &[u8],
        end: usize,
        digest: &dyn Fn(DigestAlgorithm) -> Vec<u8>,
    ) -> Result<Self, Reason> {
        let (_, rest) = cms::parse(contents)
            .map_err(|error| Reason::new(ReasonCode::Malformed, error.to_string()))?;
        if rest.iter().any(|octet| *octet != 0) {
            return Err(Reason::new(ReasonCode::Refused, "something follows the time-stamp"));
        }
        let token = contents.get(..contents.len() - rest.len()).unwrap_or_default().to_vec();
        let algorithm = cms::imprint(&token).and_then(|imprint| imprint.0);
        let algorithm = algorithm.unwrap_or(DigestAlgorithm::Sha256);
        Ok(Self { end, token, over: Stamped::Digest(algorithm, digest(algorithm)) })
    }

    /// Whether it is a signed statement over these octets; by whom is judged elsewhere.
    pub(super) fn stands(&self) -> bool {
        let signed = cms::read(&self.token, None).unwrap_or_default();
        let [found] = signed.as_slice() else { return false };
        let (Ok(algorithm), Some(certificate)) = (&found.algorithm, &found.certificate) else {
            return false;
        };
        let imprint = cms::imprint(&self.token)
            .and_then(|(algorithm, value, _)| Some(self.over.digest(algorithm?) == Some(value)));
        let key = certificate.public_key();
        imprint == Some(true)
            && found.faults.is_empty()
            && verify(*algorithm, found.value_form, key, &found.signed_octets, &found.value).is_ok()
    }
}

/// Hands time-stamps and store to the signatures; `ends` says where each one's octets end.
pub(super) fn hand_out(
    file: &File<'_>,
    stamps: &mut [DocumentStamp],
    ends: &[Option<usize>],
    found: &mut [FoundSignature],
) {
    stamps.sort_by_key(|stamp| stamp.end);
    let (store, oddity) = match Store::read(file) {
        Ok(store) => (store, None),
        Err(error) => {
            let detail = format!("the security store cannot be read: {error}");
            (Store::default(), Some(Reason::new(ReasonCode::Malformed, detail)))
        }
    };
    // What the newest time-stamp covers must hold values already, or it preserves none.
    let archived = stamps.last().is_some_and(|stamp| {
        let store = file.revision(stamp.end).and_then(|revision| Store::read(&revision));
        store.is_ok_and(|store| store.evidence().next().is_some())
    });
    let certificates: Vec<Certificate> =
        store.certificates.iter().filter_map(|held| Certificate::from_der(&held.1).ok()).collect();
    let values: Vec<Vec<u8>> = store.evidence().cloned().collect();
    for (one, end) in found.iter_mut().zip(ends) {
        one.warnings.extend(oddity.clone());
        let room = limits::CERTIFICATES.saturating_sub(one.certificates.len());
        let fresh = certificates.iter().filter(|held| !one.certificates.contains(held));
        let fresh: Vec<Certificate> = fresh.take(room).cloned().collect();
        one.certificates.extend(fresh);
        for value in &values {
            if !one.evidence.contains(value) {
                one.evidence.push(value.clone());
            }
        }
        let later = stamps.iter().filter(|stamp| end.is_some_and(|end| end < stamp.end));
        let before = one.timestamps.len();
        one.timestamps.extend(later.map(|stamp| CarriedTimestamp {
            kind: TimestampKind::Archive,
            token: stamp.token.clone(),
            over: stamp.over.clone(),
        }));
        let covered = one.timestamps.len() > before;
        let stamped = one.timestamps.iter().any(|stamp| stamp.kind != TimestampKind::Content);
        if let SignatureFormat::Pades(inside) = one.format {
            let level = match (stamped, !values.is_empty() || inside >= Level::Lt) {
                (false, _) => Level::B,
                (true, false) => Level::T,
                (true, true) if covered && archived => Level::Lta,
                (true, true) => Level::Lt,
            };
            one.format = SignatureFormat::Pades(level);
        }
    }
}
