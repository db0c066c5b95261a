//! The ASN.1 of RFC 5652 and RFC 5035 as far as signatures need it. Everything that is signed, or
//! judged by another room, stays an [`Any`]: the octets as they were received.

use rasn::prelude::*;
use rasn_cms::{AlgorithmIdentifier, EncapsulatedContentInfo};

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
    #[rasn(tag(universal, 17))]
    pub signer_infos: SequenceOf<SignerInfo>,
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

/// `Attribute`.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct Attribute {
    pub kind: ObjectIdentifier,
    #[rasn(tag(universal, 17))]
    pub values: SequenceOf<Any>,
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
