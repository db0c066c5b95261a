//! Levels, step by step, and what breaks them.

use time::macros::datetime;

use super::*;
use crate::crypto::{DigestAlgorithm, digest};
use crate::reason::ReasonCode;
use crate::signature::{FoundSignature, Level, SignatureFormat, TimestampKind};
use crate::timestamp::Token;
use crate::timestamp::testing::{Says, tsa};
use crate::token::Signer;
use crate::x509::testing::{Authority, Holder};
use crate::xml::c14n::{Canonicalization, Subset};
use crate::xml::encoding;
use crate::xml::testing::{p256_signer, rsa_signer, value_holds, xmlsec1_accepts};
use crate::xml::{Covers, SigningOptions, counter_sign, read, sign};

const TEXT: &[u8] =
    "<!-- x --><l:licence xmlns:l='urn:l' xmlns='urn:d' n='1'>\r\n<a>Ә</a><!-- y -->\
    </l:licence>"
        .as_bytes();

struct Stamper(Holder);

impl Stamper {
    fn new() -> Self {
        Self(tsa(&Authority::root("Root")))
    }

    fn token(&self, over: &Stamped) -> Vec<u8> {
        let imprint = over.digest(DigestAlgorithm::Sha256).unwrap();
        Says { imprint, ..Says::about(b"", datetime!(2026-11-21 12:00 UTC)) }.token(&self.0)
    }

    /// Every level up to LTA with two archive time-stamps.
    fn levels(&self, signed: &[u8], n: usize) -> Vec<Vec<u8>> {
        let t = with_timestamp(signed, n, &self.token(&to_be_stamped(signed, None, n).unwrap()));
        let lt = with_material(t.as_ref().unwrap(), n, &self.material(b"crl 1", b"ocsp 1"));
        let lta = self.archived(lt.as_ref().unwrap(), n);
        let more = with_material(&lta, n, &self.material(b"crl 2", b"ocsp 1")).unwrap();
        let again = self.archived(&more, n);
        vec![signed.to_vec(), t.unwrap(), lt.unwrap(), lta, more, again]
    }

    fn archived(&self, document: &[u8], n: usize) -> Vec<u8> {
        let (over, draft) = to_be_archived(document, None, n).unwrap();
        draft.finish(&self.token(&over)).unwrap()
    }

    fn material(&self, crl: &[u8], ocsp: &[u8]) -> ValidationMaterial {
        let certificate = self.0.certificate.der().to_vec();
        ValidationMaterial {
            certificates: vec![certificate.clone(), certificate],
            ocsp: vec![ocsp.to_vec()],
            crls: vec![crl.to_vec(), b"crl 0".to_vec()],
        }
    }
}

fn options() -> SigningOptions {
    SigningOptions::new(datetime!(2026-11-21 11:00 UTC))
}

/// Which time-stamps are over what they were made for.
fn stamps(found: &FoundSignature) -> Vec<(TimestampKind, bool)> {
    let stamps = found.timestamps.iter().map(|stamp| {
        let info = Token::read(&stamp.token).unwrap().info().clone();
        (stamp.kind, stamp.over.digest(info.digest.unwrap()) == Some(info.imprint))
    });
    stamps.collect()
}

#[test]
fn each_level_is_reached_and_told() {
    use TimestampKind::{Archive, Signature};
    for signer in [&*p256_signer().0, &*rsa_signer().0] {
        let signed = sign(TEXT, signer, &options()).unwrap();
        let stamper = Stamper::new();
        let levels = stamper.levels(&signed, 0);
        let kinds: [&[TimestampKind]; 6] = [
            &[],
            &[Signature],
            &[Signature],
            &[Signature, Archive],
            &[Signature, Archive],
            &[Signature, Archive, Archive],
        ];
        let reached = [Level::B, Level::T, Level::Lt, Level::Lta, Level::Lta, Level::Lta];
        for ((document, kinds), level) in levels.iter().zip(kinds).zip(reached) {
            let found = read(document, None).unwrap().remove(0);
            assert_eq!((&found.faults, &found.warnings), (&vec![], &vec![]));
            assert_eq!(found.format, SignatureFormat::Xades(level));
            assert!(value_holds(&found));
            let expected: Vec<_> = kinds.iter().map(|kind| (*kind, true)).collect();
            assert_eq!(stamps(&found), expected);
            assert!(xmlsec1_accepts(document, signer.certificate()));
        }
        let found = read(levels.last().unwrap(), None).unwrap().remove(0);
        assert_eq!(found.certificates.len(), 2, "the signer's, and the authority's once");
        let evidence: Vec<_> =
            found.evidence.iter().map(|one| String::from_utf8_lossy(one)).collect();
        assert_eq!(evidence, ["crl 1", "crl 0", "ocsp 1", "crl 2"]);
        let last = String::from_utf8(levels.last().unwrap().clone()).unwrap();
        assert_eq!(last.matches("<xadesv141:TimeStampValidationData").count(), 1);
        assert_eq!(last.matches("<xades:UnsignedSignatureProperties").count(), 1);
        // Nothing new: nothing is written.
        let same = with_material(last.as_bytes(), 0, &stamper.material(b"crl 1", b"ocsp 1"));
        assert_eq!(same.unwrap(), last.as_bytes());
    }
}

#[test]
fn an_archive_time_stamp_covers_all_that_was_there() {
    let stamper = Stamper::new();
    let signed = sign(TEXT, &*p256_signer().0, &options()).unwrap();
    let levels = stamper.levels(&signed, 0);
    let text = String::from_utf8(levels[3].clone()).unwrap();
    // An object of the signature that nothing else covers.
    let with_object = String::from_utf8(levels[2].clone()).unwrap();
    let with_object = with_object
        .replace("</ds:Signature>", "<ds:Object><x>1</x></ds:Object></ds:Signature>")
        .into_bytes();
    let with_object = String::from_utf8(stamper.archived(&with_object, 0)).unwrap();
    let certificate = crate::xml::encoding::encode(p256_signer().0.certificate().der());
    for (text, from, to) in [
        (&text, "Ә", "Ғ"),
        (&text, "<ds:X509Data>", "<ds:X509Data> "),
        (&text, "<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>x</ds:KeyName>"),
        (&text, &*certificate, &*format!("{certificate} ")),
        (&text, "<xades:CertificateValues>", "<xades:CertificateValues> "),
        (&text, "<xades:CRLValues>", "<xades:CRLValues Id='x'>"),
        (&text, "<xades:SignatureTimeStamp>", "<xades:SignatureTimeStamp Id='x'>"),
        (&text, "</ds:SignatureValue>", "\n</ds:SignatureValue>"),
        (&with_object, "<x>1</x>", "<x>2</x>"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, *text, "{from}");
        let archive = |text: &str| {
            stamps(&read(text.as_bytes(), None).unwrap()[0]).pop()
                == Some((TimestampKind::Archive, true))
        };
        assert!(archive(text), "{from}");
        assert!(!archive(&changed), "{from}");
    }
}

#[test]
fn the_method_of_each_time_stamp_is_honoured_and_others_are_told() {
    let stamper = Stamper::new();
    let signed = sign(TEXT, &*p256_signer().0, &options()).unwrap();
    let t = stamper.levels(&signed, 0).swap_remove(1);
    let t = String::from_utf8(t).unwrap();
    let exclusive = "<xades:SignatureTimeStamp><ds:CanonicalizationMethod \
                     Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    assert!(t.contains(exclusive));
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    for method in [String::new(), format!("<ds:CanonicalizationMethod Algorithm=\"{inclusive}\"/>")]
    {
        let changed = t.replace(exclusive, &format!("<xades:SignatureTimeStamp>{method}"));
        let found = read(changed.as_bytes(), None).unwrap().remove(0);
        assert_eq!(stamps(&found), [(TimestampKind::Signature, false)]);
        let Stamped::Octets(octets) = &found.timestamps[0].over else { panic!() };
        // The namespaces around the value go along in the inclusive form.
        assert!(String::from_utf8_lossy(octets).contains("xmlns:l=\"urn:l\""));
    }
    for (odd, named) in [
        ("<xades:SigAndRefsTimeStamp/>", "SigAndRefsTimeStamp"),
        ("<xades:RefsOnlyTimeStamp/>", "RefsOnlyTimeStamp"),
        ("<xades:CompleteCertificateRefs/>", "CompleteCertificateRefs"),
        (
            "<xades:SignatureTimeStamp><xades:XMLTimeStamp/></xades:SignatureTimeStamp>",
            "XMLTimeStamp",
        ),
        (
            "<xades:SignatureTimeStamp><xades:Include URI='#x'/><xades:EncapsulatedTimeStamp>AA==\
          </xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp>",
            "includes",
        ),
        ("<xades:CounterSignature/>", "CounterSignature"),
        (
            "<xades:CertificateValues><xades:OtherCertificate/></xades:CertificateValues>",
            "OtherCertificate",
        ),
        (
            "<xades:CertificateValues><xades:EncapsulatedX509Certificate>AA==\
          </xades:EncapsulatedX509Certificate></xades:CertificateValues>",
            "certificate",
        ),
    ] {
        let end = "</xades:UnsignedSignatureProperties>";
        let changed = t.replace(end, &format!("{odd}{end}"));
        let found = read(changed.as_bytes(), None).unwrap().remove(0);
        assert_eq!(found.faults, vec![], "{named}");
        assert_eq!(found.format, SignatureFormat::Xades(Level::T));
        let [warning] = found.warnings.as_slice() else { panic!("{named}: {:?}", found.warnings) };
        assert!(warning.detail.contains(named), "{}", warning.detail);
    }
}

#[test]
fn content_time_stamps_are_read() {
    let (stamper, signer) = (Stamper::new(), p256_signer().0);
    // The stamp is over the document without signatures, which the template's reference gives.
    let plain = read(&sign(TEXT, &*signer, &options()).unwrap(), None).unwrap().remove(0);
    let token = stamper.token(&Stamped::from(plain.scope.octets[0].as_slice()));
    let token = crate::xml::encoding::encode(&token);
    let property = |name: &str, include: &str| {
        format!(
            "<xades:{name}>{include}<xades:EncapsulatedTimeStamp>{token}</xades:EncapsulatedTimeStamp>\
             </xades:{name}>"
        )
    };
    for property in [
        property("AllDataObjectsTimeStamp", ""),
        property("IndividualDataObjectsTimeStamp", "<xades:Include URI='#s-document'/>"),
    ] {
        let options = SigningOptions { signature_id: Some("s".to_owned()), ..options() };
        let signed = signed_with(TEXT, &*signer, &options, &property);
        let found = read(&signed, None).unwrap().remove(0);
        assert_eq!((&found.faults, &found.warnings), (&vec![], &vec![]));
        assert!(value_holds(&found));
        assert_eq!(stamps(&found), [(TimestampKind::Content, true)]);
    }
}

/// Signs with one more signed property, which we do not make but read.
fn signed_with(
    text: &[u8],
    signer: &dyn Signer,
    options: &SigningOptions,
    property: &str,
) -> Vec<u8> {
    let signed = String::from_utf8(sign(text, signer, options).unwrap()).unwrap();
    let form = |text: &str, name: &str| {
        let document = Document::parse(text.as_bytes()).unwrap();
        let apex = document.root().descendants().find(|element| element.name() == name);
        let subset = Subset { apex, excluded: &[] };
        Canonicalization::EXCLUSIVE.octets(&document, subset, usize::MAX).unwrap()
    };
    let hashed = |text: &str| {
        encoding::encode(&digest(DigestAlgorithm::Sha256, &form(text, "SignedProperties")))
    };
    let end = "</xades:SignedDataObjectProperties>";
    let changed = signed.replace(end, &format!("{property}{end}"));
    let changed = changed.replace(&hashed(&signed), &hashed(&changed));
    let value =
        |text: &str| text.split("-value\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let fresh = signer.sign(&form(&changed, "SignedInfo")).unwrap();
    changed.replace(&value(&changed), &encoding::encode(&fresh)).into_bytes()
}

#[test]
fn counter_signatures_cover_the_value_and_survive_archiving() {
    let (first, second) = (p256_signer().0, rsa_signer().0);
    let stamper = Stamper::new();
    let signed = sign(TEXT, &*first, &options()).unwrap();
    let counted = counter_sign(&signed, 0, &*second, &options()).unwrap();
    let found = read(&counted, None).unwrap();
    assert_eq!(found.len(), 2);
    for signature in &found {
        assert_eq!((&signature.faults, &signature.warnings), (&vec![], &vec![]));
        assert!(value_holds(signature));
        assert_eq!(signature.format, SignatureFormat::Xades(Level::B));
    }
    let scope = &found[1].scope;
    assert_eq!((scope.items[0].kind.as_str(), &scope.items[0].what), ("signature", &found[0].id));
    assert!(!scope.covers_whole_document);
    assert!(scope.octets[0].starts_with(b"<ds:SignatureValue"));
    assert_eq!(found[1].certificate.as_ref(), Some(second.certificate()));
    assert!(found[1].claims.content_types.is_empty());
    // Both reach level LTA: the counter-signature first, since it lies in the other one.
    let inner = stamper.levels(&counted, 1).pop().unwrap();
    let both = stamper.levels(&inner, 0).pop().unwrap();
    for signature in read(&both, None).unwrap() {
        assert_eq!(signature.format, SignatureFormat::Xades(Level::Lta));
        assert!(stamps(&signature).iter().all(|(_, holds)| *holds));
    }
    // Not in another signature's property, nor over something else.
    let text = String::from_utf8(counted).unwrap();
    let twice = String::from_utf8(sign(text.as_bytes(), &*first, &options()).unwrap());
    assert!(twice.is_ok());
    let moved = text.replace("-value\"", "-valve\"").replace("-value\"", "");
    let found = read(moved.as_bytes(), None).unwrap();
    assert!(!found[1].faults.is_empty());
}

#[test]
fn a_counter_signature_of_something_else_is_a_fault() {
    let (first, second) = (p256_signer().0, rsa_signer().0);
    let signed = sign(b"<a><b Id='b'/></a>", &*first, &options()).unwrap();
    let over_b = SigningOptions { covers: Covers::Element("b".to_owned()), ..options() };
    let other = String::from_utf8(sign(b"<b Id='b'/>", &*second, &over_b).unwrap()).unwrap();
    let (from, to) = (other.find("<ds:Signature ").unwrap(), other.rfind("</b>").unwrap());
    let property = format!("<xades:CounterSignature>{}</xades:CounterSignature>", &other[from..to]);
    let made = add(&signed, None, 0, |_, _| Ok(property.clone())).unwrap();
    let found = read(&made, None).unwrap();
    let fault = &found[1].faults[0];
    assert_eq!(fault.code, ReasonCode::Malformed, "{fault}");
    assert!(fault.detail.contains("counter-signature"), "{fault}");
}

#[test]
fn a_signature_that_another_covers_is_left_alone() {
    let (first, second) = (p256_signer().0, rsa_signer().0);
    let stamper = Stamper::new();
    let once = sign(TEXT, &*first, &options()).unwrap();
    let twice = sign(&once, &*second, &options()).unwrap();
    let over = to_be_stamped(&twice, None, 0).unwrap();
    let error = with_timestamp(&twice, 0, &stamper.token(&over)).unwrap_err();
    assert!(error.to_string().contains("covers this one"), "{error}");
    stamper.levels(&twice, 1);
    // Side by side, each can be extended.
    let beside = SigningOptions { covers: Covers::DocumentWithoutSignatures, ..options() };
    let once = sign(TEXT, &*first, &beside).unwrap();
    let twice = sign(&once, &*second, &beside).unwrap();
    let all = stamper.levels(&stamper.levels(&twice, 0).pop().unwrap(), 1).pop().unwrap();
    for found in read(&all, None).unwrap() {
        assert_eq!(found.format, SignatureFormat::Xades(Level::Lta));
        assert_eq!((&found.faults, &found.warnings), (&vec![], &vec![]));
    }
    assert!(to_be_stamped(&twice, None, 2).is_err());
    assert!(to_be_archived(&twice, None, 2).is_err());
    assert!(with_timestamp(b"<a/>", 0, b"x").is_err());
}

#[test]
fn a_lifetime_of_renewals_is_read_and_the_surplus_is_told() {
    use crate::limits;
    let stamper = Stamper::new();
    let signed = sign(TEXT, &*p256_signer().0, &options()).unwrap();
    let mut document = stamper.levels(&signed, 0).remove(3);
    for year in 0..40 {
        let crl = format!("crl of year {year}");
        document = with_material(&document, 0, &stamper.material(crl.as_bytes(), b"")).unwrap();
        document = stamper.archived(&document, 0);
    }
    let found = read(&document, None).unwrap().remove(0);
    assert_eq!((&found.faults, &found.warnings), (&vec![], &vec![]));
    assert_eq!((found.timestamps.len(), found.evidence.len()), (42, 44));
    assert!(stamps(&found).iter().all(|(_, holds)| *holds));
    // One property with more tokens than anybody needs.
    let text = String::from_utf8(document).unwrap();
    let (head, tail) = text.rsplit_once("<xades:EncapsulatedTimeStamp").unwrap();
    let end = "</xades:EncapsulatedTimeStamp>";
    let (token, tail) = tail.split_once(end).unwrap();
    let token = format!("<xades:EncapsulatedTimeStamp{token}{end}");
    let many = format!("{head}{}{tail}", token.repeat(limits::TIMESTAMPS - 1));
    let found = read(many.as_bytes(), None).unwrap().remove(0);
    assert_eq!(found.timestamps.len(), limits::TIMESTAMPS);
    assert_eq!((found.faults.len(), found.warnings.len()), (0, 1));
}

/// The outer layers of a token with indefinite lengths, as some authorities send it.
fn ber(token: &[u8]) -> Vec<u8> {
    use crate::x509::der::{Reader, SEQUENCE, write, write_oid};
    let mut message = Reader::only(token, SEQUENCE).unwrap();
    let kind = write_oid(&message.oid().unwrap());
    let signed = message.enter(0xa0).unwrap().enter(SEQUENCE).unwrap();
    let signed = write(0x30, &[signed.rest()]);
    [&[0x30, 0x80], &kind[..], &[0xa0, 0x80], &signed, &[0, 0, 0, 0]].concat()
}

#[test]
fn a_token_in_ber_is_compared_by_the_algorithm_of_its_own_imprint() {
    let stamper = Stamper::new();
    let signed = sign(TEXT, &*p256_signer().0, &options()).unwrap();
    let lta = String::from_utf8(stamper.levels(&signed, 0).remove(3)).unwrap();
    let archive = read(lta.as_bytes(), None).unwrap().remove(0).timestamps.remove(1);
    let with = |imprint: Vec<u8>| {
        let says = Says::about(b"", datetime!(2026-11-21 12:00 UTC));
        let says = Says { imprint, imprint_oid: "2.16.840.1.101.3.4.2.3", ..says };
        let token = encoding::encode(&ber(&says.token(&stamper.0)));
        lta.replace(&encoding::encode(&archive.token), &token)
    };
    let found = read(with(vec![0; 64]).as_bytes(), None).unwrap().remove(0);
    assert_eq!(stamps(&found)[1], (TimestampKind::Archive, false));
    let over = found.timestamps[1].over.digest(DigestAlgorithm::Sha512).unwrap();
    let found = read(with(over).as_bytes(), None).unwrap().remove(0);
    assert_eq!(stamps(&found)[1], (TimestampKind::Archive, true));
}
