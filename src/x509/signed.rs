//! What an issuer signs: the algorithm identifier beside a value, and the check of the value.

use time::OffsetDateTime;

use super::der::{self, DerError, Reader};
use crate::crypto::{
    DigestAlgorithm, KeyKind, PublicKey, SignatureAlgorithm, UnsupportedAlgorithm, ValueForm,
    VerifyError, verify,
};

const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";
const MGF1: &str = "1.2.840.113549.1.1.8";

/// An `AlgorithmIdentifier` (RFC 5280 §4.1.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AlgorithmIdentifier {
    pub oid: String,
    /// The parameters' DER; an absent value and NULL are the same here.
    pub parameters: Option<Vec<u8>>,
}

/// Something signed: the received octets, never a re-encoding of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'a> {
    pub octets: &'a [u8],
    pub algorithm: &'a AlgorithmIdentifier,
    pub value: &'a [u8],
}

impl AlgorithmIdentifier {
    /// Reads the next element.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DerError> {
        let mut inner = reader.enter(der::SEQUENCE)?;
        let oid = inner.oid()?;
        let parameters = match inner.peek() {
            None => None,
            Some(_) => Some(inner.element()?).filter(|element| element.tag != der::NULL),
        };
        inner.finish()?;
        Ok(Self { oid, parameters: parameters.map(|element| element.whole.to_vec()) })
    }

    /// The signature algorithm it names.
    pub(crate) fn signature(&self) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
        if self.oid != RSASSA_PSS {
            return SignatureAlgorithm::from_oid(&self.oid);
        }
        let unsupported = |_| unsupported("RSASSA-PSS with unusual parameters");
        let parameters = self.parameters.as_deref().unwrap_or_default();
        let digest = pss_digest(parameters).map_err(unsupported)??;
        SignatureAlgorithm::pss(digest)
    }
}

impl Signed<'_> {
    /// Checks the value with `key`, and that the algorithm is accepted at `at` (the time of
    /// judgement).
    ///
    /// # Errors
    /// [`VerifyError`]; an algorithm past its date is unsupported, by name.
    pub(crate) fn verify(&self, key: &PublicKey, at: OffsetDateTime) -> Result<(), VerifyError> {
        self.verify_by(self.accepted(at)?, key)
    }

    /// The algorithm, if it is accepted at this time.
    pub(crate) fn accepted(&self, at: OffsetDateTime) -> Result<SignatureAlgorithm, VerifyError> {
        let algorithm = self.algorithm.signature()?;
        accepted(algorithm, at)?;
        Ok(algorithm)
    }

    /// Checks the value alone.
    pub(crate) fn verify_by(
        &self,
        algorithm: SignatureAlgorithm,
        key: &PublicKey,
    ) -> Result<(), VerifyError> {
        verify(algorithm, ValueForm::Der, key, self.octets, self.value)
    }
}

/// Whether a signature algorithm is accepted at this time.
///
/// # Errors
/// [`UnsupportedAlgorithm`] by name.
pub(crate) fn accepted(
    algorithm: SignatureAlgorithm,
    at: OffsetDateTime,
) -> Result<(), UnsupportedAlgorithm> {
    let ends = [algorithm.row().accepted_until, algorithm.digest().row().accepted_until];
    match ends.into_iter().flatten().any(|end| at > end) {
        true => Err(unsupported(algorithm.row().name)),
        false => Ok(()),
    }
}

/// Whether a key is of a kind and size that is accepted. The numbers are those of NIST SP 800-57
/// part 1 §5.6.3 (112 bits of strength), which the national rules share.
///
/// # Errors
/// [`UnsupportedAlgorithm`] by name.
pub(crate) fn accepted_key(kind: &KeyKind) -> Result<(), UnsupportedAlgorithm> {
    match kind {
        KeyKind::Rsa { bits } if *bits < 2048 => Err(unsupported(&format!("RSA with {bits} bits"))),
        KeyKind::Other(name) => Err(unsupported(name)),
        KeyKind::Rsa { .. } | KeyKind::P256 | KeyKind::P384 | KeyKind::Gost(_) => Ok(()),
    }
}

// RFC 4055 §3.1. All the defaults are SHA-1, so each field must be there.
fn pss_digest(
    parameters: &[u8],
) -> Result<Result<DigestAlgorithm, UnsupportedAlgorithm>, DerError> {
    if parameters.is_empty() {
        return Ok(Err(unsupported("RSASSA-PSS with SHA-1")));
    }
    let mut fields = Reader::only(parameters, der::SEQUENCE)?;
    let mut field = |tag| fields.optional(tag).map(|found| found.map(|e| Reader::new(e.content)));
    let (digest, mask, salt, trailer) = (field(0xa0)?, field(0xa1)?, field(0xa2)?, field(0xa3)?);
    fields.finish()?;
    let (Some(mut digest), Some(mut mask), Some(mut salt)) = (digest, mask, salt) else {
        return Ok(Err(unsupported("RSASSA-PSS with SHA-1")));
    };
    let digest = AlgorithmIdentifier::read(&mut digest)?;
    let mask = AlgorithmIdentifier::read(&mut mask)?;
    let masked = mask.parameters.as_deref().unwrap_or_default();
    let masked = AlgorithmIdentifier::read(&mut Reader::new(masked))?;
    let salt = der::small(salt.integer()?)?;
    let trailer = trailer.map_or(Ok(1), |mut field| der::small(field.integer()?))?;
    let algorithm = match DigestAlgorithm::from_oid(&digest.oid) {
        Ok(algorithm) => algorithm,
        Err(error) => return Ok(Err(unsupported(&format!("RSASSA-PSS with {}", error.name)))),
    };
    let usual = mask.oid == MGF1
        && masked.oid == digest.oid
        && salt as usize == algorithm.length()
        && trailer == 1;
    if usual { Ok(Ok(algorithm)) } else { Err(DerError("unusual parameters")) }
}

fn unsupported(name: &str) -> UnsupportedAlgorithm {
    UnsupportedAlgorithm { name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "2.16.840.1.101.3.4.2.1";

    fn identifier(oid: &str, parameters: &[u8]) -> Vec<u8> {
        der::write(der::SEQUENCE, &[&der::write_oid(oid), parameters])
    }

    fn pss(digest: &str, mask: &str, salt: u8) -> AlgorithmIdentifier {
        let parameters = der::write(
            der::SEQUENCE,
            &[
                &der::write(0xa0, &[&identifier(digest, &[5, 0])]),
                &der::write(0xa1, &[&identifier(MGF1, &identifier(mask, &[5, 0]))]),
                &der::write(0xa2, &[&[2, 1, salt]]),
            ],
        );
        let der = identifier(RSASSA_PSS, &parameters);
        AlgorithmIdentifier::read(&mut Reader::new(&der)).unwrap()
    }

    #[test]
    fn pss_needs_one_digest_and_a_salt_of_its_length() {
        assert_eq!(pss(SHA256, SHA256, 32).signature(), Ok(SignatureAlgorithm::RsaPssSha256));
        let sha1 = "1.3.14.3.2.26";
        for odd in [pss(SHA256, sha1, 32), pss(SHA256, SHA256, 20), pss(sha1, sha1, 20)] {
            assert!(odd.signature().unwrap_err().name.starts_with("RSASSA-PSS"));
        }
        let bare = AlgorithmIdentifier { oid: RSASSA_PSS.to_owned(), parameters: None };
        assert_eq!(bare.signature().unwrap_err().name, "RSASSA-PSS with SHA-1");
    }

    #[test]
    fn sha1_ends_with_its_date() {
        use time::macros::datetime;
        let sha1 = SignatureAlgorithm::RsaPkcs1Sha1;
        assert!(accepted(sha1, datetime!(2013-12-31 0:00 UTC)).is_ok());
        let refused = accepted(sha1, datetime!(2014-01-02 0:00 UTC)).unwrap_err();
        assert_eq!(refused.name, "RSASSA-PKCS1-v1_5 with SHA-1");
    }
}
