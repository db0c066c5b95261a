//! Hints in KeyInfo: each must agree with the certificate.

use super::super::*;
use super::{codes, reference, template};
use crate::crypto::{DigestAlgorithm, digest};
use crate::testing::corpora;
use crate::x509::Certificate;
use crate::x509::der::{self, Reader};
use crate::x509::testing::Authority;
use crate::xml::c14n::Canonicalization;
use crate::xml::testing::{
    TestSigner, named_signer, p256_signer, rsa_signer, signer, value_holds, xmlsec1_signs,
};
use crate::xml::{SigningOptions, sign};

fn signed(signer: &TestSigner) -> String {
    let options = SigningOptions::new(time::macros::datetime!(2026-11-21 12:00 UTC));
    String::from_utf8(sign(b"<a/>", &*signer.0, &options).unwrap()).unwrap()
}

fn hints(certificate: &Certificate) -> Vec<String> {
    let base64 = |octets: &[u8]| encoding::encode(octets);
    let key = certificate.public_key();
    let serial = decimal(certificate.serial());
    let mut all = vec![
        format!(
            "<ds:X509Data><ds:X509SubjectName>{}</ds:X509SubjectName></ds:X509Data>",
            certificate.subject()
        ),
        format!(
            "<ds:X509Data><d:X509Digest xmlns:d='http://www.w3.org/2009/xmldsig11#' \
            Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'>{}</d:X509Digest></ds:X509Data>",
            base64(&digest(DigestAlgorithm::Sha256, certificate.der()))
        ),
        format!(
            "<d:DEREncodedKeyValue xmlns:d='http://www.w3.org/2009/xmldsig11#'>{}\
            </d:DEREncodedKeyValue>",
            base64(&key.spki)
        ),
    ];
    all.push(format!(
        "<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>{}\
        </ds:X509IssuerName><ds:X509SerialNumber>{serial}</ds:X509SerialNumber>\
        </ds:X509IssuerSerial></ds:X509Data>",
        certificate.issuer()
    ));
    if let Some(identifier) = certificate.subject_key_id() {
        all.push(format!(
            "<ds:X509Data><ds:X509SKI>{}</ds:X509SKI></ds:X509Data>",
            base64(identifier)
        ));
    }
    let value = match Reader::only(&key.octets, der::SEQUENCE) {
        Ok(mut fields) => {
            let (n, e) = (fields.integer().unwrap(), fields.integer().unwrap());
            format!(
                "<ds:RSAKeyValue><ds:Modulus>{}</ds:Modulus><ds:Exponent>{}</ds:Exponent>\
                </ds:RSAKeyValue>",
                base64(n),
                base64(e)
            )
        }
        Err(_) => format!(
            "<d:ECKeyValue xmlns:d='http://www.w3.org/2009/xmldsig11#'>\
            <d:NamedCurve URI='urn:oid:1.2.840.10045.3.1.7'/><d:PublicKey>{}</d:PublicKey>\
            </d:ECKeyValue>",
            base64(&key.octets)
        ),
    };
    all.push(format!("<ds:KeyValue>{value}</ds:KeyValue>"));
    all
}

/// A positive number of any length, by long division.
fn decimal(octets: &[u8]) -> String {
    let mut left = octets.to_vec();
    let mut digits = Vec::new();
    while left.iter().any(|octet| *octet != 0) {
        let mut rest = 0;
        for octet in &mut left {
            let value = rest << 8 | u32::from(*octet);
            (*octet, rest) = ((value / 10) as u8, value % 10);
        }
        digits.push(char::from_digit(rest, 10).unwrap());
    }
    digits.iter().rev().collect()
}

#[test]
fn each_hint_agrees_with_its_own_certificate_and_no_other() {
    let name = [("2.5.4.3", "Ә, Б"), ("2.5.4.6", "KZ")];
    let signers = [p256_signer(), rsa_signer(), named_signer(&name)];
    let mut tried = 0;
    for signer in &signers {
        let text = signed(signer);
        for other in &signers {
            let own = signer.0.certificate() == other.0.certificate();
            for hint in hints(other.0.certificate()) {
                let changed = text.replace("<ds:KeyInfo>", &format!("<ds:KeyInfo>{hint}"));
                let found = read(changed.as_bytes(), None).unwrap().remove(0);
                // Where the certificate has no key identifier, there is nothing to compare.
                let blind =
                    hint.contains("X509SKI") && signer.0.certificate().subject_key_id().is_none();
                let expected: &[&str] = if own || blind { &[] } else { &["certificate-mismatch"] };
                assert_eq!(codes(&found), expected, "{hint}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 45, "{tried}");
    // A key of another kind, and a certificate with nothing in common.
    let dsa = "<ds:KeyInfo><ds:KeyValue><ds:DSAKeyValue/></ds:KeyValue>";
    let changed = signed(&signers[0]).replace("<ds:KeyInfo>", dsa);
    assert_eq!(codes(&read(changed.as_bytes(), None).unwrap()[0]), ["certificate-mismatch"]);
}

#[test]
fn the_order_of_the_certificates_says_nothing() {
    let root = Authority::root("Root");
    let holder = root.signer();
    let key = signer(&holder.key.serialize_der(), holder.certificate.der());
    let exclusive = Canonicalization::EXCLUSIVE.uri();
    let references = reference("", &[(crate::xml::ENVELOPED, ""), (exclusive, "")]);
    let text = format!("<a>{}</a>", template(&key, exclusive, &references, ""));
    let text = String::from_utf8(xmlsec1_signs(&text, &key, &[])).unwrap();
    let put = |certificate: &Certificate| {
        let certificate = encoding::encode(certificate.der());
        let first = format!("<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>");
        text.replacen("<ds:X509Data>", &first, 1)
    };
    // Its issuer stands before it, or a stranger whom a hint rules out.
    let stranger = p256_signer().0;
    let hint = format!(
        "<ds:X509Data><ds:X509SubjectName>{}</ds:X509SubjectName></ds:X509Data></ds:KeyInfo>",
        holder.certificate.subject()
    );
    for text in
        [put(&root.certificate), put(stranger.certificate()).replace("</ds:KeyInfo>", &hint)]
    {
        let found = read(text.as_bytes(), None).unwrap().remove(0);
        assert_eq!(found.certificate.as_ref(), Some(&holder.certificate));
        assert_eq!(found.faults, vec![]);
        assert!(value_holds(&found));
    }
}

#[test]
fn the_national_test_signatures_keep_their_certificates() {
    let Some(corpora) = corpora("national test signatures") else { return };
    let path = corpora.join("kz/nuca-test/signed/XmlServiceTest.XML_SIGNED_VALID_STRING.xml");
    let found = read(&std::fs::read(path).unwrap(), None).unwrap().remove(0);
    assert!(value_holds(&found));
}
