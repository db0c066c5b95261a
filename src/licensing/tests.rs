//! The documents' XML: round trips of anything a person may type, and strict reading.

use proptest::prelude::*;
use time::macros::datetime;
use time::{Date, OffsetDateTime};

use super::print::tests::{GOODS, licence, refusal};
use super::*;
use crate::identity::Applicant;
use crate::text::Language;
use crate::xml::{Document, XmlError};

fn request() -> RequestDocument {
    let licence = licence(GOODS);
    RequestDocument {
        id: licence.origin.request_id,
        service: licence.service,
        service_name: licence.service_name,
        procedure: "issue".to_owned(),
        form: "trade-import-2026".to_owned(),
        language: Language::Kk,
        applicant: licence.holder,
        applicant_name: licence.holder_name,
        fields: licence.fields,
        consent: "Заңмен қорғалатын құпияны құрайтын мәліметтерді пайдалануға келісемін."
            .to_owned(),
        attachments: vec![Attachment {
            name: "келісімшарт <1> & «көшірме».pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            size: 184_320,
            sha256: "0123456789abcdef".repeat(4),
        }],
        payment: Some(PaymentInfo {
            reference: "PSH-2026-88120".to_owned(),
            amount: 4_325_000,
            paid_at: datetime!(2026-11-19 09:12:44 UTC),
        }),
        created_at: datetime!(2026-11-19 14:15:02 +5),
    }
}

/// Any text that XML 1.0 can carry.
fn words() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| {
        let carried = |c: &char| {
            matches!(c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}'))
        };
        text.chars().filter(carried).collect()
    })
}

fn wording() -> impl Strategy<Value = Wording> {
    [words(), words(), words()].prop_map(|[kk, ru, en]| Wording { kk, ru, en })
}

fn applicant() -> impl Strategy<Value = Applicant> {
    ("[0-9]{12}", any::<bool>()).prop_map(|(number, person)| match person {
        true => Applicant::Person { iin: number.parse().unwrap() },
        false => Applicant::Organisation { bin: number.parse().unwrap() },
    })
}

fn fields() -> impl Strategy<Value = Vec<Field>> {
    let field = (words(), any::<u8>(), wording(), words())
        .prop_map(|(id, number, label, value)| Field { id, number, label, value });
    prop::collection::vec(field, 0..6)
}

fn attachments() -> impl Strategy<Value = Vec<Attachment>> {
    let attachment = (words(), words(), any::<u64>(), "[0-9a-f]{64}")
        .prop_map(|(name, media_type, size, sha256)| Attachment { name, media_type, size, sha256 });
    prop::collection::vec(attachment, 0..5)
}

fn moment() -> impl Strategy<Value = OffsetDateTime> {
    // 1990 to 2150
    (631_152_000i64..5_680_281_600).prop_map(|at| OffsetDateTime::from_unix_timestamp(at).unwrap())
}

fn day() -> impl Strategy<Value = Date> {
    moment().prop_map(OffsetDateTime::date)
}

proptest! {
    #[test]
    fn a_request_survives_its_xml(
        id in words(), service_name in wording(), applicant in applicant(), name in words(),
        fields in fields(), attachments in attachments(), consent in words(),
        payment in prop::option::of((words(), any::<u64>(), moment())), created_at in moment(),
    ) {
        let payment = payment
            .map(|(reference, amount, paid_at)| PaymentInfo { reference, amount, paid_at });
        let given = RequestDocument {
            id, service_name, applicant, applicant_name: name, fields, attachments, consent,
            payment, created_at, ..request()
        };
        let xml = given.to_xml();
        prop_assert_eq!(&RequestDocument::from_xml(&xml).unwrap(), &given);
        prop_assert_eq!(given.to_xml(), xml);
    }

    #[test]
    fn a_licence_survives_its_xml(
        number in words(), kind in words(), kind_name in wording(), holder in applicant(),
        conditions in prop::collection::vec(wording(), 0..4), fields in fields(),
        valid_from in day(), valid_to in day(), issued_at in moment(), permit in any::<bool>(),
        main in prop::option::of((words(), day())),
    ) {
        let annex_to = main.map(|(number, issued)| AnnexTo { number, issued });
        let document = if permit { DocumentKind::Permit } else { DocumentKind::Licence };
        let given = Licence {
            number, kind, kind_name, holder, conditions, fields, valid_from, valid_to, issued_at,
            document, annex_to, ..licence("")
        };
        prop_assert_eq!(Licence::from_xml(&given.to_xml()).unwrap(), given);
    }

    #[test]
    fn a_refusal_survives_its_xml(
        reason in words(), grounds in prop::collection::vec((words(), wording()), 0..4),
        applicant in applicant(), issued_at in moment(),
    ) {
        let grounds = grounds.into_iter().map(|(code, text)| Ground { code, text }).collect();
        let given = Refusal { reason, grounds, applicant, issued_at, ..refusal() };
        prop_assert_eq!(Refusal::from_xml(&given.to_xml()).unwrap(), given);
    }

    #[test]
    fn a_damaged_document_gives_an_error_or_a_document_but_never_a_panic(
        at in 0usize..6000, octet in any::<u8>(),
    ) {
        let mut xml = request().to_xml();
        let at = at % xml.len();
        xml[at] = octet;
        if let Ok(read) = RequestDocument::from_xml(&xml) {
            // Whatever was read is what stands there: nothing was skipped or guessed.
            prop_assert_eq!(RequestDocument::from_xml(&read.to_xml()).unwrap(), read);
        }
    }
}

#[test]
fn reading_is_strict() {
    let xml = String::from_utf8(request().to_xml()).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(xml.contains(from), "{from}");
        let changed = xml.replacen(from, to, 1);
        RequestDocument::from_xml(changed.as_bytes()).expect_err(to).to_string()
    };
    let cases = [
        ("<Procedure>issue</Procedure>", "", "Request lacks Procedure"),
        (
            "<Procedure>issue</Procedure>",
            "<Procedure>issue</Procedure><Procedure>x</Procedure>",
            "Request has Procedure more than once",
        ),
        ("<Procedure>", "<Extra/><Procedure>", "Request must not have Extra there"),
        ("<Procedure>", "text<Procedure>", "Request must not have text there"),
        (
            "<Procedure>",
            "<Procedure note=\"\">",
            "Procedure must not have the attribute note there",
        ),
        ("<Procedure>", "<Procedure xmlns=\"urn:other\">", "Request lacks Procedure"),
        ("<Procedure>issue", "<Procedure><b>issue</b>", "Procedure must not have b there"),
        ("<Language>kk", "<Language>de", "Language is not one of kk, ru, en"),
        ("<BIN>9401", "<BIN>94O1", "BIN is not twelve digits"),
        ("number=\"15\"", "number=\"+15\"", "number is not a whole number in range"),
        ("number=\"15\"", "number=\"256\"", "number is not a whole number in range"),
        ("<Size>184320", "<Size>0184320", "Size is not a whole number in range"),
        ("<SHA256>0123", "<SHA256>012Z", "SHA256 is not 64 lower-case hexadecimal digits"),
        ("unit=\"tiyn\"", "unit=\"tenge\"", "Amount is not in tiyn"),
        ("2026-11-19T09:15:02Z", "19.11.2026", "CreatedAt is not a date and time of RFC 3339"),
        (
            "xml:lang=\"ru\"",
            "xml:lang=\"kk\"",
            "Name is not in the languages kk, ru, en in this order",
        ),
        (
            "</CreatedAt>",
            "</CreatedAt><CreatedAt>2026-11-19T09:15:02Z</CreatedAt>",
            "Request has CreatedAt more than once",
        ),
        (
            "urn:qoltanba:request:1",
            "urn:qoltanba:request:2",
            "the document begins with Request of urn:qoltanba:request:2, not with Request of \
             urn:qoltanba:request:1",
        ),
    ];
    for (from, to, message) in cases {
        assert_eq!(refused(from, to), message);
    }
    let broken = RequestDocument::from_xml(b"<Request");
    assert!(matches!(broken, Err(DocumentError::Xml(XmlError::Malformed { .. }))));
    assert!(matches!(Licence::from_xml(xml.as_bytes()), Err(DocumentError::Root { .. })));
}

#[test]
fn too_many_attachments_are_refused() {
    let mut request = request();
    let one = request.attachments[0].clone();
    request.attachments = vec![one; crate::limits::ATTACHMENTS + 1];
    let refused = RequestDocument::from_xml(&request.to_xml());
    assert!(matches!(refused, Err(DocumentError::Value { .. })));
}

#[test]
fn an_identifier_given_twice_never_becomes_an_xml_id() {
    let mut licence = licence(GOODS);
    licence.fields[1].id = licence.fields[0].id.clone();
    let xml = licence.to_xml();
    let document = Document::parse(&xml).unwrap();
    for element in document.root().descendants() {
        for (_, name, _) in element.attributes() {
            assert!(!name.eq_ignore_ascii_case("id"), "{} has {name}", element.name());
        }
    }
}
