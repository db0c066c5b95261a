//! XAdES properties (ETSI EN 319 132-1), read and written.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::document::Element;
use super::{DSIG, Writer, XADES, encoding};
use crate::crypto::{DigestAlgorithm, digest};
use crate::reason::{Reason, ReasonCode};
use crate::x509::Certificate;

/// The type of a reference to signed properties (EN 319 132-1 §4.4.2).
pub(super) const SIGNED_PROPERTIES_TYPE: &str = "http://uri.etsi.org/01903#SignedProperties";

/// The signed properties of one signature.
pub(super) struct Properties<'a> {
    /// The `SignedProperties` element; nothing here counts unless the signature covers it.
    pub element: Element<'a>,
    /// `SigningTime`.
    pub signing_time: Option<OffsetDateTime>,
    /// The digest that names the signing certificate.
    certificate: Option<Result<(DigestAlgorithm, Vec<u8>), Reason>>,
}

impl<'a> Properties<'a> {
    /// The properties in the objects of this signature.
    ///
    /// # Errors
    /// A reason where they are broken, stand twice, or belong to another signature.
    pub(super) fn find(signature: Element<'a>) -> Result<Option<Self>, Reason> {
        let objects = signature.children().filter(|child| child.is(DSIG, "Object"));
        let mut qualifying = objects
            .flat_map(Element::children)
            .filter(|child| child.is(XADES, "QualifyingProperties"));
        let Some(found) = qualifying.next() else { return Ok(None) };
        if qualifying.next().is_some() {
            return Err(malformed("qualifying properties stand twice"));
        }
        let target = found.attribute("Target").and_then(|target| target.strip_prefix('#'));
        if target.is_none() || target != signature.attribute("Id") {
            return Err(malformed("qualifying properties of another signature"));
        }
        let mut signed = found.children().filter(|child| child.is(XADES, "SignedProperties"));
        let (element, surplus) = (signed.next(), signed.next());
        let Some(element) = element else { return Ok(None) };
        if surplus.is_some() {
            return Err(malformed("signed properties stand twice"));
        }
        let properties = child(element, "SignedSignatureProperties");
        let time = properties.and_then(|found| child(found, "SigningTime"));
        let signing_time = match time {
            None => None,
            Some(time) => Some(date_time(&time.text()).ok_or_else(|| {
                malformed("a signing time that is no date and time with its zone")
            })?),
        };
        let named = properties.and_then(|found| {
            child(found, "SigningCertificateV2").or_else(|| child(found, "SigningCertificate"))
        });
        Ok(Some(Self { element, signing_time, certificate: named.map(certificate_digest) }))
    }

    /// The certificate the properties name, out of `carried`; `None` if they name none.
    pub(super) fn signer(&self, carried: &[Certificate]) -> Option<Result<Certificate, Reason>> {
        let (algorithm, expected) = match self.certificate.as_ref()? {
            Ok(found) => found,
            Err(reason) => return Some(Err(reason.clone())),
        };
        let mut carried = carried.iter();
        let found = carried.find(|one| digest(*algorithm, one.der()) == *expected).cloned();
        Some(found.ok_or_else(|| {
            let detail = "the signed reference names a certificate that is not carried along";
            Reason::new(ReasonCode::CertificateMismatch, detail)
        }))
    }
}

/// What is written into qualifying properties.
pub(super) struct Written<'a> {
    /// `#` and the signature's id.
    pub target: &'a str,
    /// The id of the signed properties.
    pub id: &'a str,
    /// `#` and the id of the reference to the document.
    pub document_reference: &'a str,
    pub signing_time: OffsetDateTime,
    pub signer_role: Option<&'a str>,
    pub certificate: &'a Certificate,
}

/// Writes `QualifyingProperties` with what level B-B needs (EN 319 132-1 §6.3).
pub(super) fn write_properties(writer: &mut Writer, written: &Written<'_>) {
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
    writer.start("xades:SignedDataObjectProperties", &[]);
    let reference = [("ObjectReference", written.document_reference)];
    writer.start("xades:DataObjectFormat", &reference);
    writer.element("xades:MimeType", &[], "application/xml");
    writer.end().end().end().end();
}

/// Whole seconds, in UTC.
fn moment(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.format(&Rfc3339).unwrap_or_default()
}

/// The first `Cert` is the signer's (EN 319 132-1 §5.2.2).
fn certificate_digest(named: Element<'_>) -> Result<(DigestAlgorithm, Vec<u8>), Reason> {
    let digest = child(named, "Cert").and_then(|cert| child(cert, "CertDigest"));
    let digest = digest.ok_or_else(|| malformed("a certificate reference without digest"))?;
    let part = |name| digest.children().find(|found| found.is(DSIG, name));
    let method = part("DigestMethod").and_then(|method| method.attribute("Algorithm"));
    let algorithm =
        DigestAlgorithm::from_xml_uri(method.unwrap_or_default()).map_err(|unknown| {
            Reason::new(ReasonCode::UnsupportedAlgorithm, format!("digest {}", unknown.name))
        })?;
    let value = part("DigestValue").and_then(|value| encoding::decode(&value.text()));
    let value = value.ok_or_else(|| malformed("a certificate digest that is no base64"))?;
    Ok((algorithm, value))
}

fn child<'a>(element: Element<'a>, name: &str) -> Option<Element<'a>> {
    element.children().find(|child| child.is(XADES, name))
}

/// `xsd:dateTime`; without a zone it names no moment.
fn date_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.trim(), &Rfc3339).ok()
}

fn malformed(what: &str) -> Reason {
    Reason::new(ReasonCode::Malformed, what)
}
