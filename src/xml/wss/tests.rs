use super::*;
use crate::reason::ReasonCode;
use crate::signature::{FoundSignature, SignatureFormat};
use crate::text::Language;
use crate::xml::testing::{Dice, document, p256_signer, rsa_signer, value_holds};
use crate::xml::{Document, Prepared, read};
use proptest::prelude::*;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

/// The gateway's synchronous form (its prefixes, its empty default namespace).
const MESSAGE: &str = "<?xml version=\"1.0\"?>\r\n<SOAP-ENV:Envelope \
    xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\">\n <SOAP-ENV:Body>\
    <SendMessage xmlns=\"http://bip.bee.kz/SyncChannel/v10/Types\"><request xmlns=\"\">\
    <requestInfo><serviceId>Қызмет &amp; A</serviceId></requestInfo>\
    <requestData><data>&lt;a/></data></requestData></request></SendMessage></SOAP-ENV:Body>\
    </SOAP-ENV:Envelope>";

fn options() -> MessageOptions {
    MessageOptions::new(NOW)
}

fn signed(message: &str, options: &MessageOptions) -> String {
    String::from_utf8(sign(message.as_bytes(), &*p256_signer().0, options).unwrap()).unwrap()
}

fn opened(message: &str) -> Result<Message, SoapError> {
    open(message.as_bytes(), &Receiver::default())
}

fn only(message: &str) -> FoundSignature {
    let mut found = read(message.as_bytes(), None).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn a_signed_message_has_the_gateways_form_and_opens_to_its_body() {
    let text = signed(MESSAGE, &options());
    let order = [
        "<SOAP-ENV:Header><wsse:Security ",
        ":mustUnderstand=\"1\"><ds:Signature ",
        "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
        "<ds:Reference URI=\"#id-",
        "<wsse:KeyIdentifier EncodingType=\"",
        "#Base64Binary\" ValueType=\"",
        "#X509v3\">",
        "</wsse:Security></SOAP-ENV:Header><SOAP-ENV:Body xmlns:wsu=\"",
        " wsu:Id=\"id-",
        "<SendMessage xmlns=\"http://bip.bee.kz/SyncChannel/v10/Types\"><request xmlns=\"\">",
    ];
    let mut rest = text.as_str();
    for piece in order {
        rest =
            rest.split_once(piece).unwrap_or_else(|| panic!("no {piece} in its place: {text}")).1;
    }
    let message = opened(&text).unwrap();
    assert_eq!(message.version, SoapVersion::V11);
    assert_eq!(message.signature.format, SignatureFormat::WsSecurity);
    assert_eq!(message.signature.certificate.as_ref(), Some(p256_signer().0.certificate()));
    assert!(value_holds(&message.signature));
    let body = String::from_utf8(message.body).unwrap();
    assert!(body.starts_with("<SOAP-ENV:Body xmlns:SOAP-ENV="), "{body}");
    assert!(body.contains("Қызмет &amp; A") && body.contains("&lt;a/&gt;"), "{body}");
    // The same signature, judged as a document's.
    let found = only(&text);
    assert_eq!((&found.faults, &found.warnings), (&vec![], &vec![]));
    assert_eq!(found.scope.octets, vec![body.into_bytes()]);
    assert!(!found.scope.covers_whole_document);
}

#[test]
fn each_envelope_can_be_signed_and_opened() {
    let soap12 = SoapVersion::V12.namespace();
    let messages = [
        MESSAGE.to_owned(),
        format!("<Envelope xmlns='{soap12}'><Header/><Body/></Envelope>"),
        format!(
            "<e:Envelope xmlns:e='{soap12}' xmlns:wsu='urn:x'><e:Header><wsu:a b='>'/>\
                 </e:Header><e:Body wsu:y='1'>x</e:Body></e:Envelope>"
        ),
        format!(
            "<e:Envelope xmlns:e='{soap12}'><e:Header><s:Security xmlns:s='{WSSE}' b=\">'\">\
                 <s:UsernameToken/></s:Security></e:Header><e:Body xmlns:u='{WSU}' u:Id='own'/>\
                 </e:Envelope>"
        ),
        format!(
            "<e:Envelope xmlns:e='{soap12}'><e:Header><s:Security xmlns:s='{WSSE}'/>\
                 </e:Header><e:Body/></e:Envelope>"
        ),
    ];
    for message in &messages {
        for lifetime in [None, Some(Duration::minutes(5))] {
            for token in [TokenForm::KeyIdentifier, TokenForm::BinarySecurityToken] {
                let options = MessageOptions { lifetime, token, ..options() };
                let octets = sign(message.as_bytes(), &*rsa_signer().0, &options).unwrap();
                let opened = open(&octets, &Receiver::default()).unwrap();
                assert!(value_holds(&opened.signature));
                assert_eq!(opened.signature.claimed_time, lifetime.map(|_| NOW));
                assert!(opened.body.ends_with(b"Body>"));
                // Who signs again over the same header is told so.
                let again = sign(&octets, &*rsa_signer().0, &options);
                assert!(matches!(again, Err(SoapError::Security(_))), "{again:?}");
            }
        }
    }
}

#[test]
fn the_key_may_be_elsewhere() {
    let signer = rsa_signer().0;
    let prepared =
        prepare(MESSAGE.as_bytes(), signer.certificate(), signer.algorithm(), &options()).unwrap();
    let stored = Prepared::from_bytes(&prepared.to_bytes()).unwrap();
    let value = signer.sign(stored.to_be_signed()).unwrap();
    assert!(open(&stored.complete(&value).unwrap(), &Receiver::default()).is_ok());
    assert!(prepared.complete(b"other").is_err());
}

#[test]
fn xmlsec1_finds_the_value_and_digests_right() {
    let signer = rsa_signer().0;
    let octets = sign(MESSAGE.as_bytes(), &*signer, &options()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.xml"), &octets).unwrap();
    std::fs::write(folder.path().join("c.der"), signer.certificate().der()).unwrap();
    crate::xml::testing::run(
        "openssl",
        "x509 -inform DER -in c.der -pubkey -noout -out k.pem",
        folder.path(),
    );
    let body = "http://schemas.xmlsoap.org/soap/envelope/:Body";
    let arguments = format!("--verify --id-attr:Id {body} --pubkey-pem k.pem m.xml");
    crate::xml::testing::run("xmlsec1", &arguments, folder.path());
}

#[test]
fn only_the_header_addressed_to_the_reader_counts() {
    let to_bus = MessageOptions { actor: Some("urn:bus".to_owned()), ..options() };
    let text = signed(MESSAGE, &to_bus);
    assert!(matches!(opened(&text), Err(SoapError::Security(_))));
    let bus = Receiver { actor: Some("urn:bus"), ..Receiver::default() };
    assert!(open(text.as_bytes(), &bus).is_ok());
    assert_eq!(only(&text).faults[0].code, ReasonCode::Refused);
    // One for each actor stand side by side.
    let both = signed(&text, &options());
    assert!(opened(&both).is_ok() && open(both.as_bytes(), &bus).is_ok());
    // Two for the same receiver do not, whatever is in the second one.
    let doubled = both.replace(
        "</SOAP-ENV:Header>",
        &format!("<s:Security xmlns:s='{WSSE}'/></SOAP-ENV:Header>"),
    );
    assert!(matches!(opened(&doubled), Err(SoapError::Security(_))));
    let next = "http://schemas.xmlsoap.org/soap/actor/next";
    let doubled = doubled
        .replace("/></SOAP-ENV:Header>", &format!(" SOAP-ENV:actor='{next}'/></SOAP-ENV:Header>"));
    assert!(matches!(opened(&doubled), Err(SoapError::Security(_))));
}

#[test]
fn what_must_be_understood_is_understood_or_refused() {
    let block = "<SOAP-ENV:Header><x:route xmlns:x='urn:x' SOAP-ENV:mustUnderstand='1'/>";
    let text = signed(MESSAGE, &options()).replace("<SOAP-ENV:Header>", block);
    let odd = vec![("urn:x".to_owned(), "route".to_owned())];
    assert_eq!(opened(&text).unwrap_err(), SoapError::NotUnderstood(odd));
    let understood = Receiver { understood: &[("urn:x", "route")], ..Receiver::default() };
    assert!(open(text.as_bytes(), &understood).is_ok());
    let optional = text.replace(
        "<x:route xmlns:x='urn:x' SOAP-ENV:mustUnderstand='1'/>",
        "<x:route xmlns:x='urn:x' SOAP-ENV:mustUnderstand='0'/>",
    );
    assert!(opened(&optional).is_ok());
    let elsewhere = text.replace("'1'/>", "'1' SOAP-ENV:actor='urn:bus'/>");
    assert!(opened(&elsewhere).is_ok());
}

#[test]
fn freshness_needs_a_signed_time_within_the_window() {
    let stamped = MessageOptions { lifetime: Some(Duration::minutes(5)), ..options() };
    let judged = |text: &str, now| {
        let (window, skew) = (Duration::minutes(10), Duration::seconds(30));
        let receiver =
            Receiver { freshness: Some(Freshness { now, window, skew }), ..Receiver::default() };
        open(text.as_bytes(), &receiver).map(|_| ())
    };
    let text = signed(MESSAGE, &stamped);
    for (seconds, fresh) in [(0, true), (-29, true), (-31, false), (329, true), (331, false)] {
        let outcome = judged(&text, NOW + Duration::seconds(seconds));
        assert_eq!(outcome.is_ok(), fresh, "{seconds}: {outcome:?}");
        assert!(fresh || matches!(outcome, Err(SoapError::Expired(_))));
    }
    let long = MessageOptions { lifetime: Some(Duration::days(9)), ..options() };
    let text = signed(MESSAGE, &long);
    assert!(judged(&text, NOW + Duration::minutes(10)).is_ok());
    assert!(judged(&text, NOW + Duration::minutes(11)).is_err());
    // No time, or one that nobody signed, is not fresh.
    let bare = signed(MESSAGE, &options());
    assert!(matches!(judged(&bare, NOW), Err(SoapError::Expired(_))));
    let stamp = "<u:Timestamp xmlns:u='WSU'><u:Created>2026-11-21T12:00:00Z</u:Created>\
                 </u:Timestamp></wsse:Security>"
        .replace("WSU", WSU);
    let added = bare.replace("</wsse:Security>", &stamp);
    assert!(opened(&added).is_ok());
    assert!(matches!(judged(&added, NOW), Err(SoapError::Expired(_))));
}

#[test]
fn changed_content_and_surplus_parts_are_refused() {
    let text = signed(MESSAGE, &options());
    let failed = |text: String| match opened(&text) {
        Err(SoapError::Failed(reasons)) => reasons[0].code,
        other => panic!("{other:?}"),
    };
    assert_eq!(failed(text.replace("Қызмет", "Қызмед")), ReasonCode::ContentChanged);
    let twice = text.replace("</SOAP-ENV:Envelope>", "<SOAP-ENV:Body/></SOAP-ENV:Envelope>");
    assert!(matches!(opened(&twice), Err(SoapError::NotSoap(_))));
    assert_eq!(only(&twice).faults[0].code, ReasonCode::Malformed);
    let odd = MESSAGE.replace("http://schemas.xmlsoap.org/soap/envelope/", "urn:soap");
    assert_eq!(opened(&odd).unwrap_err(), SoapError::Version);
    assert!(matches!(opened(MESSAGE), Err(SoapError::Security(_))));
    assert!(matches!(opened("<a/>"), Err(SoapError::NotSoap(_))));
    assert!(matches!(opened("<a>"), Err(SoapError::Xml(_))));
    // A transform that hides content, and a signature that covers something else.
    let base64 = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"/>";
    let at = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    assert_eq!(failed(text.replace(at, &format!("{at}{base64}"))), ReasonCode::Malformed);
}

#[test]
fn faults_name_code_and_reason_in_every_language() {
    let failed = SoapError::Failed(vec![ReasonCode::ContentChanged.into()]);
    let cases = [
        (failed, "sec:FailedCheck"),
        (SoapError::Expired(String::new()), "sec:MessageExpired"),
        (SoapError::refused(""), "sec:InvalidSecurity"),
        (SoapError::Version, "soap:VersionMismatch"),
        (SoapError::NotUnderstood(vec![("urn:x".into(), "y".into())]), "soap:MustUnderstand"),
        (SoapError::Failed(vec![ReasonCode::RevocationUnknown.into()]), "soap:"),
        (SoapError::Failed(vec![ReasonCode::Revoked.into()]), "sec:InvalidSecurityToken"),
    ];
    for (error, code) in cases {
        for version in [SoapVersion::V11, SoapVersion::V12] {
            for language in Language::ALL {
                let fault = error.fault(version, language);
                let text = String::from_utf8(fault.clone()).unwrap();
                let fault = Document::parse(&fault).unwrap();
                assert!(is_envelope(fault.root()));
                assert!(text.contains(&format!(">{code}")), "{text}");
                assert!(text.contains(error.message(language)), "{text}");
                let others = Language::ALL.iter().filter(|l| text.contains(error.message(**l)));
                assert_eq!(others.count(), if version == SoapVersion::V12 { 3 } else { 1 });
            }
        }
    }
    let refused = SoapError::refused("x");
    assert_eq!(refused.http_status(SoapVersion::V11), 500);
    assert_eq!(refused.http_status(SoapVersion::V12), 400);
    assert_eq!(SoapError::Version.http_status(SoapVersion::V12), 500);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_content_can_be_signed_and_opened(seed in any::<u64>()) {
        let content = document(&mut Dice(seed), &mut Vec::new());
        let content = content.split_once("?>\r\n").map_or(content.as_str(), |(_, rest)| rest);
        let message = format!(
            "<Envelope xmlns='{}'><Body>{content}</Body></Envelope>",
            SoapVersion::V12.namespace()
        );
        // A content that begins with an instruction lost more than its declaration above.
        prop_assume!(Document::parse(message.as_bytes()).is_ok());
        let opened = open(signed(&message, &options()).as_bytes(), &Receiver::default()).unwrap();
        prop_assert!(value_holds(&opened.signature));
        let original = Document::parse(message.as_bytes()).unwrap();
        let body = Document::parse(&opened.body).unwrap();
        let texts = |document: &Document| {
            document.root().descendants().skip(1).map(|one| one.text()).collect::<Vec<_>>()
        };
        let original = texts(&original);
        prop_assert_eq!(&original[1..], &texts(&body)[..]);
    }

    #[test]
    fn any_octets_are_opened_or_refused(text in ".{0,200}") {
        let _ = opened(&text);
        let _ = opened(&format!("<Envelope xmlns='{}'>{text}</Envelope>",
            SoapVersion::V11.namespace()));
    }
}
