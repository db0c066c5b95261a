//! The ASN.1 of RFC 5652 and RFC 5035 as far as signatures need it. Everything that is signed, or
//! judged by another room, stays an [`Any`]: the octets as they were received.

use rasn::prelude::*;
use rasn_cms::{AlgorithmIdentifier, EncapsulatedContentInfo};

use super::CmsError;

/// `id-signedData`.
pub(super) const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
/// `id-data`.
pub(super) const DATA: &str = "1.2.840.113549.1.7.1";
/// `id-contentType`.
pub(super) const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
/// `id-messageDigest`.
pub(super) const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
/// `id-signingTime`.
pub(super) const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";
/// `id-aa-signingCertificate`: the SHA-1 form of RFC 2634.
pub(super) const SIGNING_CERTIFICATE: &str = "1.2.840.113549.1.9.16.2.12";
/// `id-aa-signingCertificateV2` (RFC 5035 §3).
pub(super) const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";
/// `id-aa-signatureTimeStampToken` (EN 319 122-1 §5.3).
pub(super) const SIGNATURE_TIME_STAMP: &str = "1.2.840.113549.1.9.16.2.14";
/// `id-aa-ets-contentTimestamp` (EN 319 122-1 §5.2.8).
pub(super) const CONTENT_TIME_STAMP: &str = "1.2.840.113549.1.9.16.2.20";
/// `id-countersignature` (RFC 5652 §11.4).
pub(super) const COUNTER_SIGNATURE: &str = "1.2.840.113549.1.9.6";
/// `id-aa-ets-certValues` (EN 319 122-1 §A.1.1.2).
pub(super) const CERTIFICATE_VALUES: &str = "1.2.840.113549.1.9.16.2.23";
/// `id-aa-ets-revocationValues` (EN 319 122-1 §A.1.2.2).
pub(super) const REVOCATION_VALUES: &str = "1.2.840.113549.1.9.16.2.24";
/// `adbe-revocationInfoArchival` (ISO 32000-1 §12.8.3.3.2): the same values, signed, in PDF.
pub(super) const ADBE_REVOCATION: &str = "1.2.840.113583.1.1.8";
/// `id-aa-ets-archiveTimestampV3` (EN 319 122-1 §5.5.3).
pub(super) const ARCHIVE_TIME_STAMP_V3: &str = "0.4.0.1733.2.4";
/// `id-aa-ATSHashIndex-v3` (EN 319 122-1 §5.5.2).
pub(super) const HASH_INDEX_V3: &str = "0.4.0.19122.1.5";
/// `id-ri-ocsp-response` (RFC 5940 §2.1): an `OCSPResponse` among the CRLs.
pub(super) const OCSP_RESPONSE: &str = "1.3.6.1.5.5.7.16.2";
/// `id-pkix-ocsp-basic` (RFC 6960 §4.2.1): a `BasicOCSPResponse` there.
pub(super) const OCSP_BASIC: &str = "1.3.6.1.5.5.7.48.1.1";
/// `id-ct-TSTInfo` (RFC 3161 §2.4.2).
pub(super) const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
/// `id-RSASSA-PSS`.
pub(super) const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";

/// `SignedData` (RFC 5652 §5.1). The sets are kept in the order they came in.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct SignedData {
    pub version: Integer,
    #[rasn(tag(universal, 17))]
    pub digest_algorithms: SequenceOf<AlgorithmIdentifier>,
    pub encap_content_info: EncapsulatedContentInfo,
    #[rasn(tag(0))]
    pub certificates: Option<SequenceOf<Any>>,
    #[rasn(tag(1))]
    pub crls: Option<SequenceOf<Any>>,
    /// Each a [`SignerInfo`], in the octets it was received in.
    #[rasn(tag(universal, 17))]
    pub signer_infos: SequenceOf<Any>,
}

/// `SignerInfo` (RFC 5652 §5.3).
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct SignerInfo {
    pub version: Integer,
    pub sid: SignerIdentifier,
    pub digest_algorithm: AlgorithmIdentifier,
    #[rasn(tag(0))]
    pub signed_attributes: Option<SequenceOf<Any>>,
    pub signature_algorithm: AlgorithmIdentifier,
    pub signature: OctetString,
    #[rasn(tag(1))]
    pub unsigned_attributes: Option<SequenceOf<Any>>,
}

/// `SignerIdentifier`.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(choice)]
pub(super) enum SignerIdentifier {
    IssuerAndSerial(IssuerAndSerial),
    #[rasn(tag(0))]
    KeyIdentifier(OctetString),
}

/// `IssuerAndSerialNumber`.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct IssuerAndSerial {
    pub issuer: Any,
    pub serial: Serial,
}

/// A `CertificateSerialNumber` as its octets: odd ones must survive unchanged.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(delegate, tag(universal, 2))]
pub(super) struct Serial(pub OctetString);

/// The signed attributes as they are digested: a `SET OF` instead of the implicit `[0]`
/// (RFC 5652 §5.4), each attribute in the octets it was received in.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(delegate, tag(universal, 17))]
pub(super) struct AttributeSet(pub SequenceOf<Any>);

/// The unsigned attributes of a signer.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(delegate, tag(1))]
pub(super) struct UnsignedSet(pub SequenceOf<Any>);

/// `Attribute`.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct Attribute {
    pub kind: ObjectIdentifier,
    #[rasn(tag(universal, 17))]
    pub values: SequenceOf<Any>,
}

/// `OtherRevocationInfoFormat` (RFC 5652 §10.2.1), a choice of `RevocationInfoChoice`.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(1))]
pub(super) struct OtherRevocationInfo {
    pub format: ObjectIdentifier,
    pub info: Any,
}

/// `RevocationValues` (EN 319 122-1 §A.1.2.2).
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct RevocationValues {
    #[rasn(tag(explicit(0)))]
    pub crls: Option<SequenceOf<Any>>,
    #[rasn(tag(explicit(1)))]
    pub ocsp: Option<SequenceOf<Any>>,
    #[rasn(tag(explicit(2)))]
    pub other: Option<Any>,
}

/// `ATSHashIndexV3` (EN 319 122-1 §5.5.2).
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct HashIndex {
    pub algorithm: AlgorithmIdentifier,
    pub certificates: SequenceOf<OctetString>,
    pub crls: SequenceOf<OctetString>,
    pub attributes: SequenceOf<OctetString>,
}

/// `SigningCertificateV2` (RFC 5035 §3).
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct SigningCertificateV2 {
    pub certificates: SequenceOf<CertificateIdV2>,
    pub policies: Option<Any>,
}

/// `ESSCertIDv2`; no hash algorithm means SHA-256.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct CertificateIdV2 {
    pub hash_algorithm: Option<AlgorithmIdentifier>,
    pub hash: OctetString,
    pub issuer_serial: Option<Any>,
}

/// `SigningCertificate` (RFC 2634 §5.4).
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct SigningCertificateV1 {
    pub certificates: SequenceOf<CertificateIdV1>,
    pub policies: Option<Any>,
}

/// `ESSCertID`: SHA-1.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct CertificateIdV1 {
    pub hash: OctetString,
    pub issuer_serial: Option<Any>,
}

/// The elements of a SEQUENCE, each in its own octets.
pub(super) fn elements(sequence: &[u8]) -> Option<Vec<Any>> {
    exactly(sequence)
}

/// The value that these octets, DER or BER, are and nothing beside it.
pub(super) fn exactly<T: Decode>(octets: &[u8]) -> Option<T> {
    let (value, rest) = rasn::ber::decode_with_remainder(octets).ok()?;
    rest.is_empty().then_some(value)
}

/// DER.
pub(super) fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, CmsError> {
    rasn::der::encode(value).map_err(|error| CmsError::Malformed(error.to_string()))
}

/// DER orders a `SET OF` by the encodings of its elements (X.690 §11.6); each stands once.
pub(super) fn as_set(elements: &mut Vec<Any>) {
    elements.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    elements.dedup_by(|a, b| a.as_bytes() == b.as_bytes());
}

/// An [`Attribute`] with one value, DER.
pub(super) fn attribute(kind: &str, value: Any) -> Result<Any, CmsError> {
    Ok(Any::new(encode(&Attribute { kind: oid(kind), values: vec![value] })?))
}

/// An object identifier from its dotted form.
pub(super) fn oid(dotted: &str) -> ObjectIdentifier {
    let arcs = dotted.split('.').filter_map(|arc| arc.parse().ok()).collect();
    ObjectIdentifier::new_unchecked(std::borrow::Cow::Owned(arcs))
}

/// The dotted form of an object identifier.
pub(super) fn dotted(oid: &ObjectIdentifier) -> String {
    let arcs: Vec<String> = oid.iter().map(u32::to_string).collect();
    arcs.join(".")
}
