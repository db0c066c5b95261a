//! What a judged signature needs to be verified later without asking anybody.

use super::Verified;
use crate::signature::ValidationMaterial;
use crate::x509::{Certificate, Path, RevocationStatus};

/// What is missing for a signature to be verified later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// The document has no such signature, or its path led to no anchor.
    #[error("the signature has no path to a trust anchor")]
    NoPath,
    /// Nobody could say whether this certificate is revoked.
    #[error("nobody said whether the certificate of {0} is revoked")]
    Unknown(String),
    /// The CRL is too large to be carried along.
    #[error("the CRL about the certificate of {0} is too large to be carried along")]
    TooLarge(String),
}

impl Verified {
    /// The certificates of the signature's path and of its time-stamps' paths, with an answer
    /// about each of them but the anchors.
    ///
    /// # Errors
    /// [`MaterialError`] where an answer is missing: half of the material would help nobody.
    pub fn material(&self, signature: usize) -> Result<ValidationMaterial, MaterialError> {
        let judgement = self.judgements.get(signature).ok_or(MaterialError::NoPath)?;
        let own = judgement.path.as_ref().ok_or(MaterialError::NoPath)?;
        let stamps = judgement.timestamps.iter().filter_map(|stamp| stamp.path.as_ref());
        let mut material = ValidationMaterial::default();
        for path in [own].into_iter().chain(stamps) {
            self.add(path, &mut material)?;
        }
        Ok(material)
    }

    fn add(&self, path: &Path, material: &mut ValidationMaterial) -> Result<(), MaterialError> {
        for certificate in path.certificates() {
            once(&mut material.certificates, certificate.der());
        }
        for (subject, issuer) in path.links() {
            let (octets, is_crl) = self.answer(subject, issuer)?;
            once(if is_crl { &mut material.crls } else { &mut material.ocsp }, octets);
        }
        Ok(())
    }

    fn answer(
        &self,
        subject: &Certificate,
        issuer: &Certificate,
    ) -> Result<(&[u8], bool), MaterialError> {
        let name = || subject.subject().to_string();
        let (subject, issuer) = (*subject.digest(), *issuer.digest());
        let answers = self.evidence.answers.iter().flatten();
        let about = answers.filter(|one| one.certificate == subject && one.issuer == issuer);
        let known = about.filter(|one| one.answer.status != RevocationStatus::Unknown);
        let answer = known.max_by_key(|one| one.answer.at);
        let answer = &answer.ok_or_else(|| MaterialError::Unknown(name()))?.answer;
        // Of a large CRL only the digest is kept, and no CRL is that small.
        match answer.evidence.len() {
            0..=32 => Err(MaterialError::TooLarge(name())),
            _ => Ok((&answer.evidence, answer.source == "crl")),
        }
    }
}

fn once(list: &mut Vec<Vec<u8>>, octets: &[u8]) {
    if !list.iter().any(|one| one == octets) {
        list.push(octets.to_vec());
    }
}
