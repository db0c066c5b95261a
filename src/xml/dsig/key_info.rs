//! KeyInfo (xmldsig-core1 §4.5): certificates, and hints that must agree with the one believed.

use super::names;
use super::parts::malformed;
use super::reference::leaf;
use crate::crypto::{DigestAlgorithm, KeyKind, digest};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::x509::der::{self, Reader};
use crate::x509::{Certificate, read_known};
use crate::xml::document::Element;
use crate::xml::ids::Ids;
use crate::xml::{DSIG, encoding, wss};

/// Namespace of what XML Signature 1.1 added.
const DSIG11: &str = "http://www.w3.org/2009/xmldsig11#";

/// The certificates of KeyInfo, in their order; then those of a WS-Security token.
pub(super) fn certificates(
    key_info: Element<'_>,
    ids: &Ids<'_>,
) -> Result<Vec<Certificate>, Reason> {
    let is_hint = |child: &Element<'_>| !child.is(DSIG, "X509Certificate");
    if hints(key_info).filter(is_hint).nth(limits::KEY_HINTS).is_some() {
        return Err(Reason::new(ReasonCode::Refused, "too many hints in KeyInfo"));
    }
    let mut certificates = carried(key_info)?;
    certificates.extend(wss::certificates(key_info, ids)?);
    Ok(certificates)
}

/// The certificates of KeyInfo itself.
pub(super) fn carried(key_info: Element<'_>) -> Result<Vec<Certificate>, Reason> {
    let mut certificates = Vec::new();
    for element in x509(key_info).filter(|child| child.is(DSIG, "X509Certificate")) {
        if certificates.len() >= limits::CERTIFICATES {
            return Err(Reason::new(ReasonCode::Refused, "too many certificates in a signature"));
        }
        let certificate = leaf(element).and_then(|text| {
            let read = |_: &[u8]| Certificate::from_der(&encoding::decode(&text)?).ok();
            read_known(text.as_bytes(), read)
        });
        certificates.push(certificate.ok_or_else(|| malformed("a certificate that is none"))?);
    }
    Ok(certificates)
}

/// The signer's certificate among those of KeyInfo, whose order says nothing: one that every hint
/// fits and that issued none of the others.
pub(super) fn signer(key_info: Element<'_>, carried: &[Certificate]) -> Option<Certificate> {
    let issued = |one: &Certificate| {
        let mut others = carried.iter().filter(|other| *other != one);
        others.any(|other| other.issuer().matches(one.subject()))
    };
    let fits = |one: &&Certificate| disagreement(key_info, one).is_none();
    let best = carried.iter().find(|one| fits(one) && !issued(one));
    best.or_else(|| carried.iter().find(fits)).or(carried.first()).cloned()
}

/// The first hint that is understood and does not agree with the certificate.
pub(super) fn disagreement(key_info: Element<'_>, certificate: &Certificate) -> Option<Reason> {
    let odd = hints(key_info).find(|hint| !agrees(*hint, certificate))?;
    let detail = format!("{} does not agree with the certificate", odd.qualified_name());
    Some(Reason::new(ReasonCode::CertificateMismatch, detail))
}

/// Everything that says something about the key.
fn hints(key_info: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    let values = key_info.children().filter(|child| child.is(DSIG, "KeyValue"));
    let direct = key_info.children().filter(|child| child.is(DSIG11, "DEREncodedKeyValue"));
    values.flat_map(Element::children).chain(direct).chain(x509(key_info))
}

fn x509(key_info: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    key_info.children().filter(|child| child.is(DSIG, "X509Data")).flat_map(Element::children)
}

fn agrees(hint: Element<'_>, certificate: &Certificate) -> bool {
    let key = certificate.public_key();
    match (hint.namespace().unwrap_or_default(), hint.name()) {
        (DSIG, "RSAKeyValue") => {
            let written = (number(hint, "Modulus"), number(hint, "Exponent"));
            rsa(&key.octets).is_some_and(|(n, e)| written == (Some(n), Some(e)))
        }
        (DSIG, "DSAKeyValue") => matches!(key.kind, KeyKind::Other(_)),
        (DSIG11, "ECKeyValue") => {
            let curve = hint.children().find(|child| child.is(DSIG11, "NamedCurve"));
            let named = curve.is_none_or(|curve| {
                let uri = curve.attribute("URI").unwrap_or_default();
                match key.kind {
                    KeyKind::P256 => uri == "urn:oid:1.2.840.10045.3.1.7",
                    KeyKind::P384 => uri == "urn:oid:1.3.132.0.34",
                    KeyKind::Other(_) => true,
                    _ => false,
                }
            });
            let point = hint.children().find(|child| child.is(DSIG11, "PublicKey"));
            named && point.and_then(octets).is_some_and(|point| point == key.octets)
        }
        (DSIG11, "DEREncodedKeyValue") => octets(hint).is_some_and(|spki| spki == key.spki),
        (DSIG11, "X509Digest") => {
            let uri = hint.attribute("Algorithm").unwrap_or_default();
            DigestAlgorithm::from_xml_uri(uri).is_ok_and(|algorithm| {
                octets(hint).is_some_and(|value| value == digest(algorithm, certificate.der()))
            })
        }
        (DSIG, "X509SKI") => certificate
            .subject_key_id()
            .is_none_or(|identifier| octets(hint).as_deref() == Some(identifier)),
        (DSIG, "X509SubjectName") => {
            leaf(hint).is_some_and(|text| names::same(&text, certificate.subject()))
        }
        (DSIG, "X509IssuerSerial") => {
            let part = |name| {
                hint.children()
                    .find(|child| child.is(DSIG, name))
                    .and_then(leaf)
                    .unwrap_or_default()
            };
            names::same(&part("X509IssuerName"), certificate.issuer())
                && serial(&part("X509SerialNumber"), certificate.serial())
        }
        _ => true,
    }
}

fn octets(element: Element<'_>) -> Option<Vec<u8>> {
    leaf(element).and_then(|text| encoding::decode(&text))
}

/// `CryptoBinary` (§4.1), without leading zeros.
fn number(element: Element<'_>, name: &str) -> Option<Vec<u8>> {
    let part = element.children().find(|child| child.is(DSIG, name))?;
    Some(without_zeros(&octets(part)?).to_vec())
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 §A.1.1).
fn rsa(key: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut fields = Reader::only(key, der::SEQUENCE).ok()?;
    let modulus = without_zeros(fields.integer().ok()?).to_vec();
    Some((modulus, without_zeros(fields.integer().ok()?).to_vec()))
}

/// Whether a decimal number is this INTEGER, read with its sign or without.
fn serial(text: &str, integer: &[u8]) -> bool {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    // 20 octets (RFC 5280 §4.1.2.2) have 49 digits.
    if digits.is_empty() || digits.len() > 80 || !digits.bytes().all(|one| one.is_ascii_digit()) {
        return false;
    }
    let mut value: Vec<u8> = Vec::new();
    for digit in digits.bytes() {
        let mut carry = u16::from(digit - b'0');
        for octet in value.iter_mut().rev() {
            carry += u16::from(*octet) * 10;
            *octet = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            value.insert(0, carry as u8);
        }
    }
    if !negative {
        return value == without_zeros(integer);
    }
    let mut carry = true;
    let mut magnitude: Vec<u8> = integer.iter().map(|octet| !octet).collect();
    for octet in magnitude.iter_mut().rev() {
        (*octet, carry) = octet.overflowing_add(u8::from(carry));
    }
    integer.first().is_some_and(|octet| *octet >= 0x80) && value == without_zeros(&magnitude)
}

fn without_zeros(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    octets.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_serial_numbers_are_the_octets_of_the_certificate() {
        assert!(serial(" 256 ", &[1, 0]) && serial("0", &[0]) && serial("200", &[0, 200]));
        assert!(serial("-128", &[0x80]) && serial("-1", &[0xff]) && serial("255", &[0xff]));
        assert!(serial("340282366920938463463374607431768211455", &[0xff; 16]));
        assert!(!serial("257", &[1, 0]) && !serial("", &[0]) && !serial("1x", &[1]));
        assert!(!serial("-256", &[1, 0]) && !serial(&"9".repeat(81), &[1]));
    }
}
