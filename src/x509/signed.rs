//! What an issuer signs: the algorithm identifier beside a value, and the check of the value.

use time::OffsetDateTime;

use super::der::{self, DerError, Reader};
use crate::crypto::{
    DigestAlgorithm, KeyKind, PssParameters, PublicKey, SignatureAlgorithm, UnsupportedAlgorithm,
    ValueForm, VerifyError, verify,
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
        pss(self.parameters.as_deref().unwrap_or_default())
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
/// part 1 §5.6.3 (112 bits of strength), which the national rules share; that a modulus fills its
/// octets is what the CA/Browser Forum asks of document signers too (S/MIME BR §6.1.5).
///
/// # Errors
/// [`UnsupportedAlgorithm`] by name.
pub(crate) fn accepted_key(kind: &KeyKind) -> Result<(), UnsupportedAlgorithm> {
    match kind {
        KeyKind::Rsa { bits } if *bits < 2048 || !bits.is_multiple_of(8) => {
            Err(unsupported(&format!("RSA with {bits} bits")))
        }
        KeyKind::Other(name) => Err(unsupported(name)),
        KeyKind::Rsa { .. } | KeyKind::P256 | KeyKind::P384 | KeyKind::Gost(_) => Ok(()),
    }
}

/// RSASSA-PSS with these parameters (RFC 4055 §3.1); empty octets are absent ones.
///
/// # Errors
/// [`UnsupportedAlgorithm`] by name. The defaults mean SHA-1, so both digests must be named.
pub(crate) fn pss(parameters: &[u8]) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
    let unread = |_| unsupported("RSASSA-PSS with parameters that do not read");
    let (digest, mask, salt, trailer) = pss_fields(parameters).map_err(unread)?;
    let named = |oid: Option<String>| {
        let known = oid.map_or(Ok(DigestAlgorithm::Sha1), |oid| DigestAlgorithm::from_oid(&oid));
        known.map_err(|error| unsupported(&format!("RSASSA-PSS with {}", error.name)))
    };
    let (digest, mask) = (named(digest)?, named(mask)?);
    if trailer != 1 {
        return Err(unsupported("RSASSA-PSS with another trailer than 1"));
    }
    let salt = u16::try_from(salt).map_err(|_| unsupported("RSASSA-PSS with an endless salt"))?;
    PssParameters::new(digest, mask, salt).map(SignatureAlgorithm::pss)
}

type PssFields = (Option<String>, Option<String>, u32, u32);

// Digest, digest of the mask, length of the salt, trailer.
fn pss_fields(parameters: &[u8]) -> Result<PssFields, DerError> {
    if parameters.is_empty() {
        return Ok((None, None, 20, 1));
    }
    let mut fields = Reader::only(parameters, der::SEQUENCE)?;
    let mut field = |tag| fields.optional(tag).map(|found| found.map(|e| Reader::new(e.content)));
    let (digest, mask, salt, trailer) = (field(0xa0)?, field(0xa1)?, field(0xa2)?, field(0xa3)?);
    fields.finish()?;
    let identifier = |mut field: Reader<'_>| {
        let identifier = AlgorithmIdentifier::read(&mut field)?;
        field.finish().map(|()| identifier)
    };
    let digest = digest.map(identifier).transpose()?.map(|digest| digest.oid);
    let mask = mask.map(identifier).transpose()?.map(|mask| {
        if mask.oid != MGF1 {
            return Err(DerError("another mask than MGF1"));
        }
        let hash = mask.parameters.as_deref().unwrap_or_default();
        identifier(Reader::new(hash)).map(|hash| hash.oid)
    });
    let number = |field: Option<Reader<'_>>, default| match field {
        None => Ok(default),
        Some(mut field) => {
            let number = der::small(field.integer()?)?;
            field.finish().map(|()| number)
        }
    };
    Ok((digest, mask.transpose()?, number(salt, 20)?, number(trailer, 1)?))
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
    fn pss_parameters_are_read_and_sha_1_among_them_is_refused() {
        assert_eq!(pss(SHA256, SHA256, 32).signature(), Ok(SignatureAlgorithm::RsaPssSha256));
        for other in [pss(SHA256, SHA256, 20), pss(SHA256, "2.16.840.1.101.3.4.2.3", 32)] {
            let read = other.signature().unwrap();
            assert!(matches!(read, SignatureAlgorithm::RsaPss(_)), "{read:?}");
            assert_eq!(read.digest(), DigestAlgorithm::Sha256);
        }
        let sha1 = "1.3.14.3.2.26";
        let refused = pss(SHA256, sha1, 32).signature().unwrap_err();
        assert_eq!(refused.name, "RSASSA-PSS with SHA-256 and MGF1 of SHA-1");
        assert_eq!(pss(sha1, sha1, 20).signature().unwrap_err().name, "RSASSA-PSS with SHA-1");
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
