//! The algorithm table: object identifier ↔ XML URI ↔ name ↔ accepted-until date, in one place.
//!
//! A row without an algorithm is known by name only: its use is reported by that name as
//! unsupported, never as valid and never as invalid.

use time::OffsetDateTime;
use time::macros::datetime;

use super::{GostCurve, KeyKind, PssParameters};

/// Digest algorithms this program computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// SHA-1 (FIPS 180-4); refused in signatures, still used to name keys and certificates.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// Streebog with 512 bits (GOST R 34.11-2012, RFC 6986).
    Streebog512,
    /// Streebog with 256 bits.
    Streebog256,
    /// GOST R 34.11-94 (RFC 5831) with the S-box of its test parameters (RFC 4357 §11.2), which is
    /// the one GOST 34.311-95 means.
    Gost94,
}

/// Signature algorithms this program verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8017 §8.2); known so that the policy refuses it by name.
    RsaPkcs1Sha1,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256, MGF1 of the same digest, salt as long as the digest (RFC 8017 §8.1).
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512.
    RsaPssSha512,
    /// ECDSA with SHA-256; the curve follows from the key.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// ECDSA with SHA-512.
    EcdsaSha512,
    /// GOST R 34.10-2012 (RFC 7091) with 512 bits, over Streebog-512.
    Gost512,
    /// GOST R 34.10-2012 with 256 bits, over Streebog-256.
    Gost256,
    /// GOST 34.310-2004, over GOST 34.311-95.
    Gost2004,
    /// RSASSA-PSS with another mask or salt than the three above; made by
    /// [`SignatureAlgorithm::pss`] only. It shares their rows.
    RsaPss(PssParameters),
}

/// An algorithm that was named but is not implemented, or not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported algorithm: {name}")]
pub struct UnsupportedAlgorithm {
    /// The algorithm's name from the table, or the identifier as it was found.
    pub name: String,
}

/// One digest algorithm of the table.
#[derive(Debug)]
pub struct DigestRow {
    /// The algorithm, where this program computes it.
    pub algorithm: Option<DigestAlgorithm>,
    /// The standard name.
    pub name: &'static str,
    /// Object identifiers in dotted form.
    pub oids: &'static [&'static str],
    /// XML digest method URIs; the first is the one written.
    pub xml_uris: &'static [&'static str],
    /// Accepted in signatures until this moment; `None` has no end yet.
    pub accepted_until: Option<OffsetDateTime>,
}

/// One signature algorithm of the table.
#[derive(Debug)]
pub struct SignatureRow {
    /// The algorithm, where this program verifies it.
    pub algorithm: Option<SignatureAlgorithm>,
    /// The standard name.
    pub name: &'static str,
    /// Object identifiers in dotted form that name key type and digest together.
    pub oids: &'static [&'static str],
    /// XML signature method URIs; the first is the one written.
    pub xml_uris: &'static [&'static str],
    /// The digest, where it is one of ours.
    pub digest: Option<DigestAlgorithm>,
    /// Accepted until this moment; `None` has no end yet.
    pub accepted_until: Option<OffsetDateTime>,
}

/// ETSI TS 119 312 and the national rules end SHA-1 and MD5; the date is the one of NIST SP 800-131A.
const SHA1_END: Option<OffsetDateTime> = Some(datetime!(2014-01-01 0:00 UTC));

/// Every digest algorithm known by name.
pub const DIGESTS: &[DigestRow] = &[
    DigestRow {
        algorithm: Some(DigestAlgorithm::Sha1),
        name: "SHA-1",
        oids: &["1.3.14.3.2.26"],
        xml_uris: &[
            "http://www.w3.org/2000/09/xmldsig#sha1",
            "http://www.w3.org/2001/04/xmldsig-more#sha1",
        ],
        accepted_until: SHA1_END,
    },
    DigestRow {
        algorithm: Some(DigestAlgorithm::Sha256),
        name: "SHA-256",
        oids: &["2.16.840.1.101.3.4.2.1"],
        xml_uris: &["http://www.w3.org/2001/04/xmlenc#sha256"],
        accepted_until: None,
    },
    DigestRow {
        algorithm: Some(DigestAlgorithm::Sha384),
        name: "SHA-384",
        oids: &["2.16.840.1.101.3.4.2.2"],
        xml_uris: &["http://www.w3.org/2001/04/xmldsig-more#sha384"],
        accepted_until: None,
    },
    DigestRow {
        algorithm: Some(DigestAlgorithm::Sha512),
        name: "SHA-512",
        oids: &["2.16.840.1.101.3.4.2.3"],
        xml_uris: &["http://www.w3.org/2001/04/xmlenc#sha512"],
        accepted_until: None,
    },
    DigestRow {
        algorithm: Some(DigestAlgorithm::Streebog512),
        name: "Streebog-512",
        oids: &["1.2.398.3.10.1.3.3", "1.2.643.7.1.1.2.3"],
        xml_uris: &["urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34112015-512"],
        accepted_until: None,
    },
    DigestRow {
        algorithm: Some(DigestAlgorithm::Streebog256),
        name: "Streebog-256",
        oids: &["1.2.398.3.10.1.3.2", "1.2.643.7.1.1.2.2"],
        xml_uris: &["urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34112015-256"],
        accepted_until: None,
    },
    DigestRow {
        algorithm: Some(DigestAlgorithm::Gost94),
        name: "GOST 34.311-95",
        oids: &["1.2.398.3.10.1.3.1"],
        xml_uris: &["http://www.w3.org/2001/04/xmldsig-more#gost34311"],
        accepted_until: None,
    },
    DigestRow {
        algorithm: None,
        name: "MD5",
        oids: &["1.2.840.113549.2.5"],
        xml_uris: &["http://www.w3.org/2001/04/xmldsig-more#md5"],
        accepted_until: SHA1_END,
    },
];

/// Every signature algorithm known by name.
pub const SIGNATURES: &[SignatureRow] = &[
    row(
        Some(SignatureAlgorithm::RsaPkcs1Sha1),
        "RSASSA-PKCS1-v1_5 with SHA-1",
        &["1.2.840.113549.1.1.5", "1.3.14.3.2.29"],
        &[
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha1",
        ],
        Some(DigestAlgorithm::Sha1),
        SHA1_END,
    ),
    row(
        Some(SignatureAlgorithm::RsaPkcs1Sha256),
        "RSASSA-PKCS1-v1_5 with SHA-256",
        &["1.2.840.113549.1.1.11"],
        &["http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"],
        Some(DigestAlgorithm::Sha256),
        None,
    ),
    row(
        Some(SignatureAlgorithm::RsaPkcs1Sha384),
        "RSASSA-PKCS1-v1_5 with SHA-384",
        &["1.2.840.113549.1.1.12"],
        &["http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"],
        Some(DigestAlgorithm::Sha384),
        None,
    ),
    row(
        Some(SignatureAlgorithm::RsaPkcs1Sha512),
        "RSASSA-PKCS1-v1_5 with SHA-512",
        &["1.2.840.113549.1.1.13"],
        &["http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"],
        Some(DigestAlgorithm::Sha512),
        None,
    ),
    // The PSS parameters of X.509 and CMS stand beside the identifier (RFC 4055 §3.1), so these
    // rows have no OID of their own: see `SignatureAlgorithm::pss`.
    row(
        Some(SignatureAlgorithm::RsaPssSha256),
        "RSASSA-PSS with SHA-256",
        &[],
        &["http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"],
        Some(DigestAlgorithm::Sha256),
        None,
    ),
    row(
        Some(SignatureAlgorithm::RsaPssSha384),
        "RSASSA-PSS with SHA-384",
        &[],
        &["http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"],
        Some(DigestAlgorithm::Sha384),
        None,
    ),
    row(
        Some(SignatureAlgorithm::RsaPssSha512),
        "RSASSA-PSS with SHA-512",
        &[],
        &["http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"],
        Some(DigestAlgorithm::Sha512),
        None,
    ),
    row(
        Some(SignatureAlgorithm::EcdsaSha256),
        "ECDSA with SHA-256",
        &["1.2.840.10045.4.3.2"],
        &["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"],
        Some(DigestAlgorithm::Sha256),
        None,
    ),
    row(
        Some(SignatureAlgorithm::EcdsaSha384),
        "ECDSA with SHA-384",
        &["1.2.840.10045.4.3.3"],
        &["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"],
        Some(DigestAlgorithm::Sha384),
        None,
    ),
    row(
        Some(SignatureAlgorithm::EcdsaSha512),
        "ECDSA with SHA-512",
        &["1.2.840.10045.4.3.4"],
        &["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"],
        Some(DigestAlgorithm::Sha512),
        None,
    ),
    // The identifier of the key kind stands for the algorithm too: so national CMS names it.
    row(
        Some(SignatureAlgorithm::Gost512),
        "GOST R 34.10-2012 (512 bits) with Streebog-512",
        &["1.2.398.3.10.1.1.2.3.2", "1.2.398.3.10.1.1.2.2"],
        &["urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-512"],
        Some(DigestAlgorithm::Streebog512),
        None,
    ),
    row(
        Some(SignatureAlgorithm::Gost256),
        "GOST R 34.10-2012 (256 bits) with Streebog-256",
        &["1.2.398.3.10.1.1.2.3.1", "1.2.398.3.10.1.1.2.1"],
        &["urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-256"],
        Some(DigestAlgorithm::Streebog256),
        None,
    ),
    row(
        Some(SignatureAlgorithm::Gost2004),
        "GOST 34.310-2004 with GOST 34.311-95",
        &["1.2.398.3.10.1.1.1.2", "1.2.398.3.10.1.1.1.1"],
        &["http://www.w3.org/2001/04/xmldsig-more#gost34310-gost34311"],
        Some(DigestAlgorithm::Gost94),
        None,
    ),
    row(
        None,
        "RSASSA-PKCS1-v1_5 with MD5",
        &["1.2.840.113549.1.1.4"],
        &["http://www.w3.org/2001/04/xmldsig-more#rsa-md5"],
        None,
        SHA1_END,
    ),
    row(
        None,
        "ECDSA with SHA-1",
        &["1.2.840.10045.4.1"],
        &["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"],
        Some(DigestAlgorithm::Sha1),
        SHA1_END,
    ),
    row(
        None,
        "RSASSA-PSS with SHA-1",
        &[],
        &["http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1"],
        Some(DigestAlgorithm::Sha1),
        SHA1_END,
    ),
    row(
        None,
        "DSA",
        &["1.2.840.10040.4.3", "2.16.840.1.101.3.4.3.2"],
        &[
            "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
            "http://www.w3.org/2009/xmldsig11#dsa-sha256",
        ],
        None,
        None,
    ),
    row(
        None,
        "HMAC",
        &[],
        &[
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha384",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-md5",
        ],
        None,
        None,
    ),
    // The same mathematics with another byte order (RFC 9215 §2): to be read by no one's mistake.
    row(None, "GOST R 34.10-2012 (512 bits) of RFC 9215", &["1.2.643.7.1.1.3.3"], &[], None, None),
    row(None, "GOST R 34.10-2012 (256 bits) of RFC 9215", &["1.2.643.7.1.1.3.2"], &[], None, None),
];

const fn row(
    algorithm: Option<SignatureAlgorithm>,
    name: &'static str,
    oids: &'static [&'static str],
    xml_uris: &'static [&'static str],
    digest: Option<DigestAlgorithm>,
    accepted_until: Option<OffsetDateTime>,
) -> SignatureRow {
    SignatureRow { algorithm, name, oids, xml_uris, digest, accepted_until }
}

impl UnsupportedAlgorithm {
    fn named(name: &str) -> Self {
        // Identifiers come from input: only a bounded piece of one is repeated.
        Self { name: name.chars().take(128).collect() }
    }
}

impl DigestAlgorithm {
    /// The row of the table.
    pub fn row(self) -> &'static DigestRow {
        // The first rows of the table stand in the order of the enum; a test checks it.
        &DIGESTS[self as usize]
    }

    /// Length of the digest, in octets.
    pub fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 | Self::Streebog256 | Self::Gost94 => 32,
            Self::Sha384 => 48,
            Self::Sha512 | Self::Streebog512 => 64,
        }
    }

    /// The algorithm with this standard name.
    pub fn from_name(name: &str) -> Option<Self> {
        DIGESTS.iter().find(|row| row.name == name).and_then(|row| row.algorithm)
    }

    /// The algorithm with this dotted object identifier.
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] with the known name, or the identifier.
    pub fn from_oid(oid: &str) -> Result<Self, UnsupportedAlgorithm> {
        Self::find(oid, |row| row.oids)
    }

    /// The algorithm with this XML digest method.
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] with the known name, or the URI.
    pub fn from_xml_uri(uri: &str) -> Result<Self, UnsupportedAlgorithm> {
        Self::find(uri, |row| row.xml_uris)
    }

    fn find(
        wanted: &str,
        names: fn(&DigestRow) -> &'static [&'static str],
    ) -> Result<Self, UnsupportedAlgorithm> {
        let row = DIGESTS.iter().find(|row| names(row).contains(&wanted));
        let name = row.map_or(wanted, |row| row.name);
        row.and_then(|row| row.algorithm).ok_or_else(|| UnsupportedAlgorithm::named(name))
    }
}

impl SignatureAlgorithm {
    /// The row of the table.
    pub fn row(self) -> &'static SignatureRow {
        let usual = match self {
            Self::RsaPss(parameters) => Self::usual_pss(parameters.digest()).unwrap_or(self),
            usual => usual,
        };
        // A test checks that every algorithm has its row.
        SIGNATURES.iter().find(|row| row.algorithm == Some(usual)).unwrap_or(&SIGNATURES[0])
    }

    /// The row's name, with the parameters where they are not the usual ones.
    pub fn name(self) -> String {
        let name = self.row().name.to_owned();
        match self {
            Self::RsaPss(parameters) => name + &parameters.suffix(),
            _ => name,
        }
    }

    /// The algorithm of this [`SignatureAlgorithm::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        SIGNATURES.iter().find_map(|row| {
            let algorithm = row.algorithm?;
            match name.strip_prefix(row.name)? {
                "" => Some(algorithm),
                suffix => PssParameters::from_suffix(row.digest?, suffix).map(Self::RsaPss),
            }
        })
    }

    /// Whether values are pairs of numbers, which X.509 and CMS write in DER.
    pub fn is_ecdsa(self) -> bool {
        matches!(self, Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512)
    }

    /// The digest the signature is made over.
    pub fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaPkcs1Sha1 => DigestAlgorithm::Sha1,
            Self::RsaPkcs1Sha256 | Self::RsaPssSha256 | Self::EcdsaSha256 => {
                DigestAlgorithm::Sha256
            }
            Self::RsaPkcs1Sha384 | Self::RsaPssSha384 | Self::EcdsaSha384 => {
                DigestAlgorithm::Sha384
            }
            Self::RsaPkcs1Sha512 | Self::RsaPssSha512 | Self::EcdsaSha512 => {
                DigestAlgorithm::Sha512
            }
            Self::Gost512 => DigestAlgorithm::Streebog512,
            Self::Gost256 => DigestAlgorithm::Streebog256,
            Self::Gost2004 => DigestAlgorithm::Gost94,
            Self::RsaPss(parameters) => parameters.digest(),
        }
    }

    /// The algorithm with this dotted object identifier.
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] with the known name, or the identifier.
    pub fn from_oid(oid: &str) -> Result<Self, UnsupportedAlgorithm> {
        Self::find(oid, |row| row.oids)
    }

    /// The algorithm with this XML signature method.
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] with the known name, or the URI.
    pub fn from_xml_uri(uri: &str) -> Result<Self, UnsupportedAlgorithm> {
        Self::find(uri, |row| row.xml_uris)
    }

    /// The algorithm of a CMS signer that names its key type only (`rsaEncryption`,
    /// `id-ecPublicKey`) beside its digest (RFC 5754 §3.2).
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] where the pair is none of ours.
    pub fn from_key_and_digest(
        oid: &str,
        digest: DigestAlgorithm,
    ) -> Result<Self, UnsupportedAlgorithm> {
        match (oid, digest) {
            ("1.2.840.113549.1.1.1", DigestAlgorithm::Sha1) => Ok(Self::RsaPkcs1Sha1),
            ("1.2.840.113549.1.1.1", DigestAlgorithm::Sha256) => Ok(Self::RsaPkcs1Sha256),
            ("1.2.840.113549.1.1.1", DigestAlgorithm::Sha384) => Ok(Self::RsaPkcs1Sha384),
            ("1.2.840.113549.1.1.1", DigestAlgorithm::Sha512) => Ok(Self::RsaPkcs1Sha512),
            ("1.2.840.10045.2.1", DigestAlgorithm::Sha256) => Ok(Self::EcdsaSha256),
            ("1.2.840.10045.2.1", DigestAlgorithm::Sha384) => Ok(Self::EcdsaSha384),
            ("1.2.840.10045.2.1", DigestAlgorithm::Sha512) => Ok(Self::EcdsaSha512),
            _ => Self::from_oid(oid),
        }
    }

    /// RSASSA-PSS with these parameters.
    pub fn pss(parameters: PssParameters) -> Self {
        let usual = Self::usual_pss(parameters.digest()).filter(|_| parameters.is_usual());
        usual.unwrap_or(Self::RsaPss(parameters))
    }

    fn usual_pss(digest: DigestAlgorithm) -> Option<Self> {
        match digest {
            DigestAlgorithm::Sha256 => Some(Self::RsaPssSha256),
            DigestAlgorithm::Sha384 => Some(Self::RsaPssSha384),
            DigestAlgorithm::Sha512 => Some(Self::RsaPssSha512),
            _ => None,
        }
    }

    /// The algorithm this program signs with, for a key of this kind.
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] with the key's name.
    pub fn for_key(kind: &KeyKind) -> Result<Self, UnsupportedAlgorithm> {
        match kind {
            KeyKind::Rsa { bits } if !(2048..=8192).contains(bits) => {
                Err(UnsupportedAlgorithm::named(&format!("RSA with {bits} bits")))
            }
            KeyKind::Rsa { .. } => Ok(Self::RsaPkcs1Sha256),
            KeyKind::P256 => Ok(Self::EcdsaSha256),
            KeyKind::P384 => Ok(Self::EcdsaSha384),
            KeyKind::Gost(GostCurve::Tc26A512) => Ok(Self::Gost512),
            KeyKind::Gost(GostCurve::Tc26A256) => Ok(Self::Gost256),
            KeyKind::Gost(GostCurve::CryptoProA) => Ok(Self::Gost2004),
            KeyKind::Other(name) => Err(UnsupportedAlgorithm::named(name)),
        }
    }

    fn find(
        wanted: &str,
        names: fn(&SignatureRow) -> &'static [&'static str],
    ) -> Result<Self, UnsupportedAlgorithm> {
        let row = SIGNATURES.iter().find(|row| names(row).contains(&wanted));
        let name = row.map_or(wanted, |row| row.name);
        row.and_then(|row| row.algorithm).ok_or_else(|| UnsupportedAlgorithm::named(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_enums() {
        for (index, row) in DIGESTS.iter().enumerate() {
            assert!(row.algorithm.is_none_or(|algorithm| algorithm as usize == index));
        }
        for row in SIGNATURES {
            let same = |algorithm: SignatureAlgorithm| algorithm.row().name == row.name;
            assert!(row.algorithm.is_none_or(same), "{}", row.name);
            let digest = row.algorithm.map(SignatureAlgorithm::digest);
            assert!(digest.is_none() || digest == row.digest, "{}", row.name);
        }
    }

    #[test]
    fn no_identifier_names_two_algorithms() {
        let mut seen = std::collections::HashSet::new();
        let digests = DIGESTS.iter().flat_map(|row| row.oids.iter().chain(row.xml_uris));
        let signatures = SIGNATURES.iter().flat_map(|row| row.oids.iter().chain(row.xml_uris));
        for identifier in digests.chain(signatures) {
            assert!(seen.insert(identifier), "{identifier} stands twice");
        }
    }

    #[test]
    fn what_is_not_implemented_is_unsupported_by_name() {
        let error = SignatureAlgorithm::from_oid("1.2.643.7.1.1.3.3").unwrap_err();
        assert_eq!(error.name, "GOST R 34.10-2012 (512 bits) of RFC 9215");
        let error = DigestAlgorithm::from_xml_uri("urn:nobody").unwrap_err();
        assert_eq!(error.name, "urn:nobody");
    }

    #[test]
    fn names_are_read_again_with_their_parameters() {
        let usual = SIGNATURES.iter().filter_map(|row| row.algorithm);
        let other = [(DigestAlgorithm::Sha512, 20), (DigestAlgorithm::Sha256, 222)];
        let other = other.map(|(mask, salt)| {
            let parameters = PssParameters::new(DigestAlgorithm::Sha256, mask, salt).unwrap();
            SignatureAlgorithm::pss(parameters)
        });
        for algorithm in usual.chain(other) {
            assert_eq!(SignatureAlgorithm::from_name(&algorithm.name()), Some(algorithm));
        }
        assert_eq!(other[0].row().name, "RSASSA-PSS with SHA-256");
        assert_eq!(SignatureAlgorithm::from_name("ECDSA with SHA-256, salt of 1"), None);
    }
}
