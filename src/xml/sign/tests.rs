//! What we sign, read by us and by xmlsec1.

use super::*;
use crate::reason::ReasonCode;
use crate::signature::{FoundSignature, Level, SignatureFormat};
use crate::xml::read;
use crate::xml::testing::{Dice, document, p256_signer, rsa_signer, value_holds, xmlsec1_accepts};
use proptest::prelude::*;
use time::macros::datetime;

const LICENCE: &str = "<?xml version=\"1.0\"?>\n<!-- before -->\n<l:licence xmlns:l='urn:l' \
    xmlns='urn:d' number='KZ-1'>\r\n <holder>Қазақстан &amp; Ә</holder>\n</l:licence>\n";

fn options() -> SigningOptions {
    SigningOptions::new(datetime!(2026-11-21 12:00:00.5 +5))
}

fn only(document: &[u8]) -> FoundSignature {
    let mut found = read(document, None).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn what_we_sign_is_accepted_by_us_and_by_xmlsec1() {
    for signer in [&*p256_signer().0, &*rsa_signer().0] {
        for text in [LICENCE, "<a/>", "<a xmlns='urn:a' b = '&gt;'\n/><!-- after -->"] {
            let options =
                SigningOptions { signer_role: Some("басшы <&>".to_owned()), ..options() };
            let signed = sign(text.as_bytes(), signer, &options).unwrap();
            let found = only(&signed);
            assert_eq!((&found.faults, &found.warnings), (&vec![], &vec![]));
            assert_eq!(found.format, SignatureFormat::Xades(Level::B));
            assert_eq!(found.claimed_time, Some(datetime!(2026-11-21 07:00:00 UTC)));
            assert_eq!(found.certificate.as_ref(), Some(signer.certificate()));
            assert!(found.scope.covers_whole_document);
            assert_eq!(found.scope.items.len(), 1);
            assert!(value_holds(&found));
            let covered = Document::parse(&found.scope.octets[0]).unwrap();
            let original = Document::parse(text.as_bytes()).unwrap();
            assert_eq!(covered.root().text(), original.root().text());
            assert!(xmlsec1_accepts(&signed, signer.certificate()));
        }
    }
}

#[test]
fn a_prepared_document_can_be_stored_and_takes_only_its_own_value() {
    let signer = p256_signer().0;
    let certificate = signer.certificate();
    let prepared =
        prepare(LICENCE.as_bytes(), certificate, signer.algorithm(), &options()).unwrap();
    let stored = Prepared::from_bytes(&prepared.to_bytes()).unwrap();
    assert_eq!(stored, prepared);
    let value = signer.sign(stored.to_be_signed()).unwrap();
    let signed = stored.complete(&value).unwrap();
    assert!(value_holds(&only(&signed)));
    let other = signer.sign(b"something else").unwrap();
    assert_eq!(prepared.complete(&other), Err(XmlError::WrongValue));
    assert!(Prepared::from_bytes(b"{}").is_err());
}

#[test]
fn a_later_signer_signs_over_the_earlier_ones() {
    let (first, second) = (p256_signer().0, rsa_signer().0);
    let once = sign(LICENCE.as_bytes(), &*first, &options()).unwrap();
    let twice = sign(&once, &*second, &options()).unwrap();
    let thrice = sign(&twice, &*first, &options()).unwrap();
    let found = read(&thrice, None).unwrap();
    assert_eq!(found.len(), 3);
    for (index, signature) in found.iter().enumerate() {
        assert_eq!(signature.faults, vec![], "signature {index}");
        assert!(value_holds(signature));
        assert!(signature.scope.covers_whole_document);
        let added = signature.warnings.iter().any(|w| w.code == ReasonCode::AddedAfterSigning);
        assert_eq!(added, index < 2, "signature {index}");
    }
    let covered = String::from_utf8(found[1].scope.octets[0].clone()).unwrap();
    assert_eq!(covered.matches("<ds:Signature ").count(), 1);
}

#[test]
fn ids_that_are_taken_are_refused() {
    let options = SigningOptions { signature_id: Some("s".to_owned()), ..options() };
    let signer = p256_signer().0;
    assert!(sign(b"<a id='s'/>", &*signer, &options).is_err());
    assert!(sign(b"<a Id='x'><b ID='x'/></a>", &*signer, &options).is_err());
    let wrong = SigningOptions { signature_id: Some("a b".to_owned()), ..options };
    assert!(sign(b"<a/>", &*signer, &wrong).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_document_can_be_signed_and_verified(seed in any::<u64>()) {
        let text = document(&mut Dice(seed), &mut Vec::new());
        let signed = sign(text.as_bytes(), &*p256_signer().0, &options()).unwrap();
        let found = only(&signed);
        prop_assert_eq!(&found.faults, &vec![]);
        prop_assert!(value_holds(&found));
    }
}

#[test]
fn any_changed_octet_of_the_content_is_found() {
    let text = document(&mut Dice(7), &mut Vec::new());
    let signed = sign(text.as_bytes(), &*p256_signer().0, &options()).unwrap();
    let honest = only(&signed).scope.octets;
    let content = String::from_utf8_lossy(&signed).find("<ds:Signature ").unwrap();
    for at in 0..content {
        for flip in [0x01, 0x20] {
            let mut changed = signed.clone();
            changed[at] ^= flip;
            let Ok(found) = read(&changed, None) else { continue };
            let caught = found.iter().any(|found| !found.faults.is_empty());
            // Octets that carry no meaning (in the declaration, in a comment, a quote's kind)
            // may change: what is handed on is then what was signed.
            let same = found.len() == 1 && found[0].scope.octets == honest;
            assert!(caught || same, "octet {at} changed unseen");
        }
    }
}

/// The applicant, then the head, then the seal; what each covers is told exactly.
#[test]
fn several_signers_in_each_form() {
    let applicant = p256_signer().0;
    let head = rsa_signer().0;
    let seal = crate::xml::testing::named_signer(&[("2.5.4.3", "Seal")]).0;
    let options = |id: &str, covers: Covers| SigningOptions {
        signature_id: Some(id.to_owned()),
        covers,
        ..options()
    };
    let names = |document: &[u8]| {
        let found = read(document, None).unwrap();
        for signature in &found {
            assert_eq!(signature.faults, vec![], "{}", signature.id);
            assert!(value_holds(signature));
        }
        let scope = |one: &FoundSignature| {
            let item = &one.scope.items[0];
            (one.id.clone(), item.kind.clone(), item.what.clone(), one.scope.covers_whole_document)
        };
        found.iter().map(scope).collect::<Vec<_>>()
    };
    let row = |id: &str, kind: &str, what: &str, whole| {
        (id.to_owned(), kind.to_owned(), what.to_owned(), whole)
    };
    // One after the other, each over the earlier ones: a later one can be taken away.
    let mut sequence = b"<r><x/></r>".to_vec();
    for (id, signer) in [("s1", &applicant), ("s2", &head), ("s3", &seal)] {
        sequence = sign(&sequence, &**signer, &options(id, Covers::Document)).unwrap();
    }
    assert_eq!(
        names(&sequence),
        [
            row("s1", "document", "r", true),
            row("s2", "document", "r, with the signatures s1", true),
            row("s3", "document", "r, with the signatures s1, s2", true),
        ]
    );
    let text = String::from_utf8(sequence).unwrap();
    let cut = text.find("<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Id=\"s3\"");
    let without = text[..cut.unwrap()].to_owned() + "</r>";
    assert_eq!(names(without.as_bytes()).len(), 2);
    let from = text.find("Id=\"s1\"").unwrap();
    let (start, end) =
        (text[..from].rfind('<').unwrap(), text.find("</ds:Signature>").unwrap() + 15);
    let found = read((text[..start].to_owned() + &text[end..]).as_bytes(), None).unwrap();
    assert!(found.iter().all(|one| one.faults[0].code == ReasonCode::ContentChanged));

    // Side by side: the order says nothing.
    let mut beside = b"<r><x/></r>".to_vec();
    for (id, signer) in [("s1", &applicant), ("s2", &head), ("s3", &seal)] {
        let covers = Covers::DocumentWithoutSignatures;
        beside = sign(&beside, &**signer, &options(id, covers)).unwrap();
        assert!(xmlsec1_accepts(&beside, applicant.certificate()));
    }
    let rows = ["s1", "s2", "s3"].map(|id| row(id, "document", "r", true));
    assert_eq!(names(&beside), rows);
    assert!(read(&beside, None).unwrap().iter().all(|one| one.warnings.is_empty()));

    // One in the other: the applicant signs a request, the head the letter around it.
    let inner = options("s1", Covers::Element("request".to_owned()));
    let request = sign(b"<request Id='request'><x/></request>", &*applicant, &inner).unwrap();
    let letter = format!("<letter>{}</letter>", String::from_utf8(request).unwrap());
    let letter = sign(letter.as_bytes(), &*head, &options("s2", Covers::Document)).unwrap();
    assert_eq!(
        names(&letter),
        [
            row("s1", "element", "request \"#request\"", false),
            row("s2", "document", "letter, with the signatures s1", true),
        ]
    );
    // The head countersigns, and the seal signs the whole.
    let first = sign(b"<r/>", &*applicant, &options("s1", Covers::Document)).unwrap();
    let second = counter_sign(&first, 0, &*head, &options("s2", Covers::Document)).unwrap();
    let third = sign(&second, &*seal, &options("s3", Covers::Document)).unwrap();
    assert_eq!(
        names(&third),
        [
            row("s1", "document", "r", true),
            row("s2", "signature", "s1", false),
            row("s3", "document", "r, with the signatures s1, s2", true),
        ]
    );
    // Once the whole is signed, nobody can slip a counter-signature in.
    assert!(counter_sign(&third, 0, &*head, &options("s4", Covers::Document)).is_err());
}

#[test]
fn what_the_signer_says_is_read_again() {
    let commitment = "http://uri.etsi.org/01903/v1.2.2#ProofOfApproval";
    let options = SigningOptions {
        signer_role: Some("басшы".to_owned()),
        commitment: Some(commitment.to_owned()),
        ..options()
    };
    let signed = sign(b"<a/>", &*p256_signer().0, &options).unwrap();
    let claims = only(&signed).claims;
    assert_eq!(claims.roles, ["басшы"]);
    assert_eq!(claims.commitments, [commitment]);
    assert_eq!(claims.content_types, ["application/xml"]);
    let text = String::from_utf8(signed).unwrap();
    // Both versions of the certificate reference are read, and must name the same.
    let digest = |algorithm: &str, value: &str| {
        format!(
            "<xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm='{algorithm}'/>\
             <ds:DigestValue>{value}</ds:DigestValue></xades:CertDigest></xades:Cert>"
        )
    };
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let own = digest(
        sha1,
        &encoding::encode(&crate::crypto::digest(
            DigestAlgorithm::Sha1,
            p256_signer().0.certificate().der(),
        )),
    );
    let (v2, after) = ("<xades:SigningCertificateV2>", "</xades:SigningCertificateV2>");
    for (reference, fits) in [(own, true), (digest(sha1, "AAAA"), false)] {
        let both =
            format!("{after}<xades:SigningCertificate>{reference}</xades:SigningCertificate>");
        let changed = text.replace(after, &both);
        let codes: Vec<_> = only(changed.as_bytes()).faults.iter().map(|one| one.code).collect();
        assert_eq!(!codes.contains(&ReasonCode::CertificateMismatch), fits);
        let old = changed.replace(v2, "<xades:Old>").replace(after, "</xades:Old>");
        let codes: Vec<_> = only(old.as_bytes()).faults.iter().map(|one| one.code).collect();
        assert_eq!(!codes.contains(&ReasonCode::CertificateMismatch), fits);
    }
}

#[test]
fn each_canonicalization_is_made_and_accepted_elsewhere() {
    use crate::xml::c14n::{Canonicalization, Method};
    // What is around the signature is in its inclusive forms: declarations, xml: attributes.
    let text = "<!-- x --><l:licence xmlns:l='urn:l' xmlns='urn:d' xml:lang='kk' xml:space='preserve'>\r\n\
                <a id='a' l:z=\"1\">\u{4d8}<!-- y --></a></l:licence>"
        .as_bytes();
    let signer = &*p256_signer().0;
    for method in [Method::Inclusive10, Method::Inclusive11, Method::Exclusive] {
        for comments in [false, true] {
            let canonicalization = Canonicalization::new(method, comments);
            let options = |covers| SigningOptions {
                covers,
                canonicalization: canonicalization.clone(),
                ..options()
            };
            let whole = sign(text, signer, &options(Covers::Document)).unwrap();
            let beside = options(Covers::DocumentWithoutSignatures);
            for signed in [
                whole.clone(),
                sign(text, signer, &beside).unwrap(),
                sign(&whole, signer, &options(Covers::Document)).unwrap(),
                sign(text, signer, &options(Covers::Element("a".to_owned()))).unwrap(),
                counter_sign(&whole, 0, signer, &options(Covers::Document)).unwrap(),
            ] {
                let found = read(&signed, None).unwrap();
                for one in &found {
                    assert_eq!(one.faults, vec![], "{method:?}");
                    assert!(value_holds(one), "{method:?} {comments}");
                }
                let written = String::from_utf8(signed).unwrap();
                assert!(written.contains(&format!("\"{}\"", canonicalization.uri())));
            }
            assert!(xmlsec1_accepts(&whole, signer.certificate()), "{method:?} {comments}");
            let changed = String::from_utf8(whole).unwrap().replace("\u{4d8}", "\u{4d9}");
            assert!(!read(changed.as_bytes(), None).unwrap()[0].faults.is_empty());
        }
    }
    let with_prefixes = Canonicalization {
        inclusive_prefixes: vec!["l".to_owned()],
        ..Canonicalization::EXCLUSIVE
    };
    let refused = SigningOptions { canonicalization: with_prefixes, ..options() };
    assert!(matches!(sign(text, signer, &refused), Err(XmlError::Refused(_))));
}
