//! The writing of properties.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::XADES_141;
use crate::crypto::{DigestAlgorithm, digest};
use crate::signature::ValidationMaterial;
use crate::x509::Certificate;
use crate::xml::c14n::Canonicalization;
use crate::xml::document::Element;
use crate::xml::{DSIG, Writer, XADES, encoding};

/// What is written into qualifying properties.
pub(in crate::xml) struct Written<'a> {
    /// `#` and the signature's id.
    pub target: &'a str,
    /// The id of the signed properties.
    pub id: &'a str,
    /// `#` and the id of the reference to the document.
    pub document_reference: &'a str,
    pub signing_time: OffsetDateTime,
    pub signer_role: Option<&'a str>,
    /// `CommitmentTypeId/Identifier`.
    pub commitment: Option<&'a str>,
    /// `DataObjectFormat/MimeType`; empty for a counter-signature, which has none (§6.3).
    pub content_type: &'a str,
    pub certificate: &'a Certificate,
}

/// Writes `QualifyingProperties` with what level B-B needs (EN 319 132-1 §6.3).
pub(in crate::xml) fn write_properties(writer: &mut Writer, written: &Written<'_>) {
    let sha256 = DigestAlgorithm::Sha256;
    let fingerprint = encoding::encode(&digest(sha256, written.certificate.der()));
    let method = sha256.row().xml_uris.first().copied().unwrap_or_default();
    let namespaces = [("xmlns:xades", XADES), ("Target", written.target)];
    writer.start("xades:QualifyingProperties", &namespaces);
    writer.start("xades:SignedProperties", &[("Id", written.id)]);
    writer.start("xades:SignedSignatureProperties", &[]);
    writer.element("xades:SigningTime", &[], &moment(written.signing_time));
    writer.start("xades:SigningCertificateV2", &[]).start("xades:Cert", &[]);
    writer.start("xades:CertDigest", &[]);
    writer.element("ds:DigestMethod", &[("Algorithm", method)], "");
    writer.element("ds:DigestValue", &[], &fingerprint);
    writer.end().end().end();
    if let Some(role) = written.signer_role {
        writer.start("xades:SignerRoleV2", &[]).start("xades:ClaimedRoles", &[]);
        writer.element("xades:ClaimedRole", &[], role).end().end();
    }
    writer.end();
    if written.content_type.is_empty() && written.commitment.is_none() {
        writer.end().end();
        return;
    }
    writer.start("xades:SignedDataObjectProperties", &[]);
    if !written.content_type.is_empty() {
        let reference = [("ObjectReference", written.document_reference)];
        writer.start("xades:DataObjectFormat", &reference);
        writer.element("xades:MimeType", &[], written.content_type).end();
    }
    if let Some(commitment) = written.commitment {
        writer.start("xades:CommitmentTypeIndication", &[]);
        writer.start("xades:CommitmentTypeId", &[]);
        writer.element("xades:Identifier", &[], commitment).end();
        writer.element("xades:ObjectReference", &[], written.document_reference).end();
    }
    writer.end().end().end();
}

/// The place where unsigned properties of a signature go, for the names that are bound there.
pub(in crate::xml) struct Home<'a>(pub Element<'a>);

impl Home<'_> {
    /// Opens an element and declares the prefixes that are not bound here.
    fn start(&self, writer: &mut Writer, name: &str, prefixes: &[(&str, &str)]) {
        let missing = prefixes
            .iter()
            .filter(|(prefix, uri)| self.0.binding(prefix).is_none_or(|(_, bound)| bound != *uri));
        let missing: Vec<_> =
            missing.map(|(prefix, uri)| (format!("xmlns:{prefix}"), *uri)).collect();
        let attributes: Vec<_> = missing.iter().map(|(name, uri)| (name.as_str(), *uri)).collect();
        writer.start(name, &attributes);
    }

    /// An element of this name of the namespace 1.3.2 around what is written already.
    pub(in crate::xml) fn around(&self, name: &str, inside: &str) -> String {
        let mut writer = Writer::fragment();
        self.start(&mut writer, &format!("xades:{name}"), &[("xades", XADES)]);
        writer.raw(inside);
        writer.into_string()
    }
}

/// `SignatureTimeStamp`, or the archive time-stamp of 1.4.1, over exclusive forms.
pub(in crate::xml) fn stamp(home: &Home<'_>, archive: bool, token: &[u8]) -> String {
    let mut writer = Writer::fragment();
    let (name, prefixes) = match archive {
        false => ("xades:SignatureTimeStamp", &[("xades", XADES), ("ds", DSIG)][..]),
        true => (
            "xadesv141:ArchiveTimeStamp",
            &[("xadesv141", XADES_141), ("xades", XADES), ("ds", DSIG)][..],
        ),
    };
    home.start(&mut writer, name, prefixes);
    let how = Canonicalization::EXCLUSIVE.uri();
    writer.element("ds:CanonicalizationMethod", &[("Algorithm", how)], "");
    writer.element("xades:EncapsulatedTimeStamp", &[], &encoding::encode(token));
    writer.into_string()
}

/// `CertificateValues` and `RevocationValues`, or, where an archive time-stamp covers those
/// already, one `TimeStampValidationData` with both (§5.4, §5.5.1).
pub(in crate::xml) fn values(
    home: &Home<'_>,
    later: bool,
    material: &ValidationMaterial,
) -> String {
    let mut out = String::new();
    if !material.certificates.is_empty() {
        let mut writer = Writer::fragment();
        home.start(&mut writer, "xades:CertificateValues", &[("xades", XADES)]);
        for der in &material.certificates {
            writer.element("xades:EncapsulatedX509Certificate", &[], &encoding::encode(der));
        }
        out += &writer.into_string();
    }
    let groups = [
        ("xades:CRLValues", "xades:EncapsulatedCRLValue", &material.crls),
        ("xades:OCSPValues", "xades:EncapsulatedOCSPValue", &material.ocsp),
    ];
    if groups.iter().any(|(_, _, items)| !items.is_empty()) {
        let mut writer = Writer::fragment();
        home.start(&mut writer, "xades:RevocationValues", &[("xades", XADES)]);
        for (group, name, items) in groups.iter().filter(|(_, _, items)| !items.is_empty()) {
            writer.start(group, &[]);
            for der in *items {
                writer.element(name, &[], &encoding::encode(der));
            }
            writer.end();
        }
        out += &writer.into_string();
    }
    if !later || out.is_empty() {
        return out;
    }
    let mut writer = Writer::fragment();
    let prefixes = [("xadesv141", XADES_141), ("xades", XADES)];
    home.start(&mut writer, "xadesv141:TimeStampValidationData", &prefixes);
    writer.raw(&out);
    writer.into_string()
}

/// Whole seconds, in UTC.
fn moment(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.format(&Rfc3339).unwrap_or_default()
}
