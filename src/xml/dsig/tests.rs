//! Signatures made by others, and attacks.

mod key_info;
mod manifest;
mod vectors;
mod work;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::*;
use crate::crypto::SignatureAlgorithm;
use crate::limits;
use crate::testing::corpora;
use crate::xml::c14n::{Canonicalization, Method, Subset};
use crate::xml::testing::{
    Dice, TestSigner, document, p256_signer, rsa_signer, value_holds, xmlsec1_signs,
};

const ENVELOPED: &str = crate::xml::ENVELOPED;
const BASE64: &str = "http://www.w3.org/2000/09/xmldsig#base64";

/// A reference of a template: its URI and its transforms, each an algorithm with its content.
fn reference(uri: &str, transforms: &[(&str, &str)]) -> String {
    let mut out = format!("<ds:Reference URI=\"{uri}\"><ds:Transforms>");
    for (algorithm, content) in transforms {
        let _ = write!(out, "<ds:Transform Algorithm=\"{algorithm}\">{content}</ds:Transform>");
    }
    let digest = "http://www.w3.org/2001/04/xmlenc#sha256";
    out + &format!(
        "</ds:Transforms><ds:DigestMethod Algorithm=\"{digest}\"/><ds:DigestValue/></ds:Reference>"
    )
}

/// A signature template for xmlsec1.
fn template(
    signer: &TestSigner,
    canonicalization: &str,
    references: &str,
    objects: &str,
) -> String {
    let method = signer.0.algorithm().row().xml_uris[0];
    format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{canonicalization}\"/>\
         <ds:SignatureMethod Algorithm=\"{method}\"/>{references}</ds:SignedInfo>\
         <ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo>{objects}</ds:Signature>"
    )
}

fn methods() -> impl Iterator<Item = Canonicalization> {
    let methods = [Method::Inclusive10, Method::Inclusive11, Method::Exclusive];
    let with = |method| [false, true].map(|comments| Canonicalization::new(method, comments));
    methods.into_iter().flat_map(with)
}

fn codes(found: &FoundSignature) -> Vec<&'static str> {
    let mut codes: Vec<_> = found.faults.iter().map(|fault| fault.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn what_xmlsec1_signs_is_read_and_holds() {
    for signer in [p256_signer(), rsa_signer()] {
        for how in methods() {
            let uri = how.uri();
            let references = [
                reference("", &[(ENVELOPED, ""), (uri, "")]),
                reference("#piece", &[(uri, "")]),
                reference("#object", &[(BASE64, "")]),
                reference("#object", &[]),
                reference("content.txt", &[]),
            ];
            let object = "<ds:Object xml:id='object'> 0ps\n= </ds:Object>";
            let text = format!(
                "<!-- x --><r xmlns='urn:r' xml:lang='kk'>\r\n<p xml:id='piece'>Ә<!-- y --></p>{}</r>",
                template(&signer, uri, &references.concat(), object)
            );
            let content = "мазмұн\r\n".as_bytes();
            let signed = xmlsec1_signs(&text, &signer, &[("content.txt", content)]);
            let found = read(&signed, Some(content)).unwrap().remove(0);
            assert_eq!(found.faults, vec![], "{uri}");
            assert!(value_holds(&found), "{uri}");
            assert_eq!(found.format, SignatureFormat::XmlDsig);
            assert!(found.scope.covers_whole_document);
            let kinds: Vec<_> = found.scope.items.iter().map(|item| item.kind.as_str()).collect();
            assert_eq!(kinds, ["document", "element", "element", "element", "content"]);
            assert_eq!(found.scope.octets[2], [0xD2, 0x9B]);
            assert_eq!(found.scope.octets[4], content);
            assert_eq!(codes(&read(&signed, None).unwrap()[0]), ["content-missing"]);
            assert_eq!(codes(&read(&signed, Some(b"?")).unwrap()[0]), ["content-changed"]);
        }
    }
}

#[test]
fn subtrees_are_canonical_as_libxml2_has_them() {
    let mut dice = Dice(crate::xml::c14n::differential::seed());
    let signer = p256_signer();
    for _ in 0..40 * crate::xml::c14n::differential::rounds() {
        let mut ids = Vec::new();
        let mut text = document(&mut dice, &mut ids);
        let mut references = reference("", &[(ENVELOPED, "")]);
        // The root holds the signature itself.
        let parsed = Document::parse(text.as_bytes()).unwrap();
        let root_id = parsed.root().attribute_of(crate::xml::XML, "id");
        ids.retain(|id| Some(id.as_str()) != root_id);
        for id in ids.iter().take(limits::XML_REFERENCES - 2) {
            let how = methods().nth(dice.below(6)).unwrap();
            let prefixes: Vec<_> = (0..dice.below(4))
                .map(|_| dice.pick(&["#default", "p", "q", "қ", "ns1", "unbound"]))
                .collect();
            let listed = how.method == Method::Exclusive && !dice.one_in(3);
            let content = if listed { inclusive(&prefixes) } else { String::new() };
            references += &reference(&format!("#{id}"), &[(how.uri(), &content)]);
        }
        let end = text.rfind("</").unwrap();
        if text[end..].contains("<!--") || text[end..].contains("<?") {
            continue;
        }
        text.insert_str(
            end,
            &template(&signer, Canonicalization::EXCLUSIVE.uri(), &references, ""),
        );
        let signed = xmlsec1_signs(&text, &signer, &[]);
        let found = read(&signed, None).unwrap().remove(0);
        assert_eq!(found.faults, vec![], "{}", String::from_utf8_lossy(&signed));
        assert!(value_holds(&found));
    }
}

fn inclusive(prefixes: &[&str]) -> String {
    format!(
        "<e:InclusiveNamespaces xmlns:e='http://www.w3.org/2001/10/xml-exc-c14n#' PrefixList='{}'/>",
        prefixes.join(" ")
    )
}

#[test]
fn signatures_of_the_national_test_authority() {
    let Some(corpora) = corpora("national test signatures") else { return };
    let file = |name: &str| {
        let path = corpora.join("kz/nuca-test/signed").join(name);
        read(&std::fs::read(path).unwrap(), None).unwrap()
    };
    let one = file("XmlServiceTest.XML_SIGNED_VALID_STRING.xml").remove(0);
    assert_eq!((&one.faults, &one.warnings), (&vec![], &vec![]));
    assert!(value_holds(&one) && one.scope.covers_whole_document);
    assert_eq!(one.scope.octets, [b"<a><b>test</b></a>"]);

    let two = file("XmlServiceTest.XML_SIGNED_VALID_STRING_TWO_SIGNERS.xml");
    assert_eq!(two.len(), 2);
    assert_eq!(two[0].faults, vec![]);
    assert!(value_holds(&two[0]));
    assert_eq!(two[0].warnings[0].code, ReasonCode::AddedAfterSigning);
    assert_eq!(two[1].algorithm, Ok(SignatureAlgorithm::Gost512));
    assert_eq!(two[1].faults, vec![]);
    assert!(value_holds(&two[1]));
}

#[test]
fn documents_that_attack_the_parser_are_refused_at_once() {
    let Some(corpora) = corpora("hostile XML") else { return };
    for file in std::fs::read_dir(corpora.join("bad-xml")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        let octets = std::fs::read(&path).unwrap();
        let start = Instant::now();
        let refused = Document::parse(&octets).is_err();
        assert!(start.elapsed() < Duration::from_millis(50), "{}", path.display());
        // The other control, simple-ns.xml, has a relative namespace name, which C14N 1.0 forbids.
        let harmless = path.ends_with("simple.xml");
        assert_eq!(refused, !harmless, "{}", path.display());
    }
}

/// A signed licence in an envelope, referred to by its id; made once.
fn enveloped_licence() -> (String, Vec<u8>) {
    let signer = p256_signer();
    let exclusive = Canonicalization::EXCLUSIVE.uri();
    let references = reference("#licence", &[(exclusive, "")]);
    let text =
        format!("<env><head/>{HONEST}{}</env>", template(&signer, exclusive, &references, ""));
    let signed = String::from_utf8(xmlsec1_signs(&text, &signer, &[])).unwrap();
    let found = read(signed.as_bytes(), None).unwrap().remove(0);
    assert!(found.faults.is_empty() && value_holds(&found));
    assert!(!found.scope.covers_whole_document);
    (signed, found.scope.octets[0].clone())
}

const HONEST: &str = "<licence xml:id=\"licence\"><number>KZ-1</number></licence>";

#[test]
fn wrapping_never_gets_unsigned_content_through() {
    let (signed, honest) = enveloped_licence();
    let evil = HONEST.replace("KZ-1", "KZ-666");
    let unnamed = evil.replace(" xml:id=\"licence\"", "");
    let renamed = evil.replace("xml:id=\"licence\"", "Id=\"other\"");
    let put = |what: &str| signed.replace(HONEST, what);
    let into_object = |object: &str| {
        put(&unnamed)
            .replace("</ds:Signature>", &format!("<ds:Object>{object}</ds:Object></ds:Signature>"))
    };
    let attacks = [
        ("sibling before", put(&format!("{unnamed}{HONEST}"))),
        ("sibling after", put(&format!("{HONEST}{renamed}"))),
        ("ancestor", put(&unnamed.replace("<number>", &format!("{HONEST}<number>")))),
        ("inside Object", into_object(HONEST)),
        ("in the header", put(&unnamed).replace("<head/>", &format!("<head>{HONEST}</head>"))),
        ("moved with a wrapper", put(&format!("{unnamed}<wrapper>{HONEST}</wrapper>"))),
        ("id twice", put(&format!("{evil}{HONEST}"))),
        ("Id and xml:id", put(&format!("{}{HONEST}", evil.replace("xml:id", "Id")))),
        ("ID and xml:id", put(&format!("{HONEST}{}", evil.replace("xml:id", "ID")))),
        ("id and xml:id", put(&format!("{HONEST}{}", evil.replace("xml:id", "id")))),
        ("id taken over", put(&evil)),
        ("no # in the reference", signed.replace("URI=\"#licence\"", "URI=\"licence\"")),
        ("whole document instead", signed.replace("URI=\"#licence\"", "URI=\"\"")),
        ("comment in text", put(&HONEST.replace("KZ-1", "KZ<!-- -->-1"))),
        ("comment in the digest", signed.replace("<ds:DigestValue>", "<ds:DigestValue><!-- -->")),
        ("xpointer", signed.replace("URI=\"#licence\"", "URI=\"#xpointer(id('licence'))\"")),
    ];
    for (name, text) in attacks {
        let Ok(found) = read(text.as_bytes(), None) else { continue };
        for found in found {
            let holds = found.faults.is_empty() && value_holds(&found);
            if holds {
                assert_eq!(found.scope.octets, std::slice::from_ref(&honest), "{name}");
                assert!(!found.scope.covers_whole_document, "{name}");
            }
            let handed = found.scope.octets.concat();
            assert!(!String::from_utf8_lossy(&handed).contains("666"), "{name}");
        }
    }
}

#[test]
fn an_id_that_stands_twice_refuses_the_document() {
    let (signed, _) = enveloped_licence();
    for name in ["Id", "ID", "id"] {
        let doubled = signed.replace("<head/>", &format!("<head {name}=\"licence\"/>"));
        assert!(matches!(read(doubled.as_bytes(), None), Err(XmlError::Refused(_))), "{name}");
    }
}

#[test]
fn what_is_not_on_the_list_is_refused_by_name() {
    let (signed, _) = enveloped_licence();
    let exclusive = Canonicalization::EXCLUSIVE.uri();
    let transform = format!("<ds:Transform Algorithm=\"{exclusive}\"/>");
    for (other, content) in [
        ("http://www.w3.org/TR/1999/REC-xslt-19991116", ""),
        ("http://www.w3.org/TR/1999/REC-xpath-19991116", "<ds:XPath>1</ds:XPath>"),
        ("http://www.w3.org/2002/06/xmldsig-filter2", ""),
        ("urn:unknown", ""),
    ] {
        let changed = format!("<ds:Transform Algorithm=\"{other}\">{content}</ds:Transform>");
        assert!(signed.contains(&transform));
        let changed = signed.replace(&transform, &changed);
        let found = read(changed.as_bytes(), None).unwrap().remove(0);
        let fault = found.faults.first().unwrap();
        assert_eq!(fault.code, ReasonCode::Refused);
        assert!(fault.detail.contains(other), "{}", fault.detail);
        assert_eq!(found.scope.octets, [b""]);
    }
    let four = signed.replace(&transform, &transform.repeat(4));
    assert_eq!(codes(&read(four.as_bytes(), None).unwrap()[0]), ["refused"]);
    let start = signed.find("<ds:Reference").unwrap();
    let end = signed.find("</ds:SignedInfo>").unwrap();
    let one = &signed[start..end];
    let many = signed.replace(one, &one.repeat(limits::XML_REFERENCES + 1));
    assert_eq!(codes(&read(many.as_bytes(), None).unwrap()[0]), ["refused"]);
    let crowd = "<a>".to_owned()
        + &format!("<s xmlns='{DSIG}'/>").replace("<s", "<Signature").repeat(65)
        + "</a>";
    assert!(matches!(read(crowd.as_bytes(), None), Err(XmlError::Limit(_))));
}

#[test]
fn the_xpath_forms_of_enveloped_signatures_are_taken() {
    let signer = p256_signer();
    let exclusive = Canonicalization::EXCLUSIVE.uri();
    let filter = |path: &str| {
        format!(
            "<f:XPath xmlns:f=\"http://www.w3.org/2002/06/xmldsig-filter2\" Filter=\"subtract\">{path}</f:XPath>"
        )
    };
    let sign = |text: &str, path: &str| {
        let content = filter(path);
        let transforms =
            [("http://www.w3.org/2002/06/xmldsig-filter2", content.as_str()), (exclusive, "")];
        let made = template(&signer, exclusive, &reference("", &transforms), "");
        let text = text.replace("<a>", &format!("<a>{made}"));
        String::from_utf8(xmlsec1_signs(&text, &signer, &[])).unwrap()
    };
    let once = sign("<a><b/></a>", "here()/ancestor::ds:Signature[1]");
    let found = read(once.as_bytes(), None).unwrap().remove(0);
    assert!(found.faults.is_empty() && value_holds(&found), "{:?}", found.faults);
    // Two signers side by side: neither covers the other.
    let once = sign("<a><b/></a>", "/descendant::ds:Signature");
    let twice = sign(&once, "/descendant::ds:Signature");
    for found in read(twice.as_bytes(), None).unwrap() {
        assert!(found.faults.is_empty() && value_holds(&found), "{:?}", found.faults);
        assert_eq!(found.scope.octets, [b"<a><b></b></a>"]);
        assert!(found.scope.covers_whole_document && found.warnings.is_empty());
    }
}

#[test]
fn a_small_document_with_an_enormous_canonical_form_is_stopped() {
    let uri = "urn:".to_owned() + &"x".repeat(100_000);
    let leaves = "<p:b/>".repeat(20_000);
    let text = format!("<a xmlns:p='{uri}'>{leaves}</a>");
    let document = Document::parse(text.as_bytes()).unwrap();
    let limit = limits::XML_CANONICAL_BYTES;
    let form = Canonicalization::EXCLUSIVE.octets(&document, Subset::DOCUMENT, limit);
    assert_eq!(form, Err(XmlError::Limit("octets of a canonical form")));
}

proptest::proptest! {
    #[test]
    fn any_change_of_a_signature_is_no_panic(at: u16, octet: u8) {
        let mut signed = SIGNED.clone();
        let at = usize::from(at) % signed.len();
        signed[at] = octet;
        let _ = read(&signed, None);
    }
}

static SIGNED: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
    let time = time::OffsetDateTime::UNIX_EPOCH;
    let options = crate::xml::SigningOptions::new(time);
    crate::xml::sign(b"<a Id='b'>text</a>", &*p256_signer().0, &options).unwrap()
});
