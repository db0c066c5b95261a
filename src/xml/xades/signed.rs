//! The signed properties (EN 319 132-1 §5.2), as far as they are understood here.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{child, children, malformed, only};
use crate::crypto::{DigestAlgorithm, digest};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::SignerClaims;
use crate::x509::Certificate;
use crate::xml::document::Element;
use crate::xml::{DSIG, encoding};

/// The type of a reference to signed properties (EN 319 132-1 §4.4.2).
pub(in crate::xml) const SIGNED_PROPERTIES_TYPE: &str =
    "http://uri.etsi.org/01903#SignedProperties";

/// The signed properties of one signature.
pub(in crate::xml) struct Properties<'a> {
    /// The `SignedProperties` element; nothing here counts unless the signature covers it.
    pub element: Element<'a>,
    /// `SigningTime`.
    pub signing_time: Option<OffsetDateTime>,
    /// Roles, commitments and formats.
    pub claims: SignerClaims,
    /// `AllDataObjectsTimeStamp` and `IndividualDataObjectsTimeStamp`, in their order.
    pub content_stamps: Vec<Element<'a>>,
    /// The digests that name the signing certificate.
    certificates: Vec<Result<(DigestAlgorithm, Vec<u8>), Reason>>,
}

impl<'a> Properties<'a> {
    /// The signed properties in `QualifyingProperties`.
    ///
    /// # Errors
    /// A reason where they are broken or stand twice.
    pub(in crate::xml) fn read(qualifying: Element<'a>) -> Result<Option<Self>, Reason> {
        let Some(element) = only(qualifying, "SignedProperties")? else { return Ok(None) };
        let properties = only(element, "SignedSignatureProperties")?;
        let time = properties.and_then(|found| child(found, "SigningTime"));
        let signing_time = match time {
            None => None,
            Some(time) => Some(date_time(&time.text()).ok_or_else(|| {
                malformed("a signing time that is no date and time with its zone")
            })?),
        };
        let named = |name| properties.and_then(|found| child(found, name));
        let references = [named("SigningCertificateV2"), named("SigningCertificate")];
        let certificates = references.into_iter().flatten().map(certificate_digest).collect();
        let objects = only(element, "SignedDataObjectProperties")?;
        let stamps = objects.into_iter().flat_map(Element::children).filter(|property| {
            matches!(property.name(), "AllDataObjectsTimeStamp" | "IndividualDataObjectsTimeStamp")
                && property.namespace() == Some(crate::xml::XADES)
        });
        Ok(Some(Self {
            element,
            signing_time,
            claims: claims(properties, objects),
            content_stamps: stamps.take(limits::TIMESTAMPS + 1).collect(),
            certificates,
        }))
    }

    /// The certificate the properties name, out of `carried`; `None` if they name none. Where both
    /// versions of the property stand, they must name the same.
    pub(in crate::xml) fn signer(
        &self,
        carried: &[Certificate],
    ) -> Option<Result<Certificate, Reason>> {
        let mut named: Option<&Certificate> = None;
        for reference in &self.certificates {
            let (algorithm, expected) = match reference {
                Ok(found) => found,
                Err(reason) => return Some(Err(reason.clone())),
            };
            let matches = |one: &&Certificate| digest(*algorithm, one.der()) == *expected;
            match carried.iter().find(matches) {
                Some(found) if named.is_none_or(|named| named == found) => named = Some(found),
                _ => {
                    let detail =
                        "the signed reference names a certificate that is not carried along";
                    return Some(Err(Reason::new(ReasonCode::CertificateMismatch, detail)));
                }
            }
        }
        named.cloned().map(Ok)
    }
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

/// What the signer says of itself and of the content: claimed roles (§5.2.6), commitments (§5.2.3)
/// and formats (§5.2.4).
fn claims(signature: Option<Element<'_>>, objects: Option<Element<'_>>) -> SignerClaims {
    let text = |element: Element<'_>| -> String {
        element.text().trim().chars().take(limits::CLAIM_TEXT).collect()
    };
    let roles = ["SignerRoleV2", "SignerRole"].into_iter().filter_map(|name| {
        let role = signature.and_then(|found| child(found, name))?;
        child(role, "ClaimedRoles")
    });
    let roles = roles.flat_map(|roles| children(roles, "ClaimedRole"));
    let properties = |name| objects.into_iter().flat_map(move |found| children(found, name));
    let commitments = properties("CommitmentTypeIndication")
        .filter_map(|indication| child(child(indication, "CommitmentTypeId")?, "Identifier"));
    let formats = properties("DataObjectFormat").filter_map(|format| child(format, "MimeType"));
    SignerClaims {
        roles: roles.take(limits::CLAIMS).map(text).collect(),
        commitments: commitments.take(limits::CLAIMS).map(text).collect(),
        content_types: formats.take(limits::CLAIMS).map(text).collect(),
    }
}

/// `xsd:dateTime`; without a zone it names no moment.
fn date_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.trim(), &Rfc3339).ok()
}
