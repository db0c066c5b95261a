use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use tempfile::TempDir;
use time::macros::datetime;

use super::*;
use crate::cms::testing::{attempt, p256, rsa, run, stands};
use crate::reason::ReasonCode;
use crate::signature::{FoundSignature, Level, SignatureFormat};
use crate::testing::corpora;
use crate::token::{Signer, SoftwareSigner, sign_checked};

static SIGNER: LazyLock<SoftwareSigner> = LazyLock::new(|| p256("Әйгерім Құдайбергенова"));
static SIGNED: LazyLock<Vec<u8>> = LazyLock::new(|| sign(&plain(), &*SIGNER, &options()).unwrap());

/// A page with a line of text.
pub(super) fn plain() -> Vec<u8> {
    use printpdf::{BuiltinFont, Mm, Op, PdfDocument, PdfPage, PdfSaveOptions, Pt, TextItem};
    let font = printpdf::PdfFontHandle::Builtin(BuiltinFont::Helvetica);
    let operations = vec![
        Op::StartTextSection,
        Op::SetTextCursor { pos: printpdf::Point::new(Mm(20.0), Mm(250.0)) },
        Op::SetFont { font, size: Pt(20.0) },
        Op::ShowText { items: vec![TextItem::Text("Licence 1".to_owned())] },
        Op::EndTextSection,
    ];
    let mut document = PdfDocument::new("Licence");
    document.with_pages(vec![PdfPage::new(Mm(210.0), Mm(297.0), operations)]);
    document.save(&PdfSaveOptions::default(), &mut Vec::new())
}

/// The same document in another dress of qpdf's.
fn dressed(arguments: &[&str]) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("in.pdf"), plain()).unwrap();
    run(folder.path(), "qpdf", &[&["in.pdf", "out.pdf"], arguments].concat());
    std::fs::read(folder.path().join("out.pdf")).unwrap()
}

pub(super) fn options() -> SigningOptions {
    SigningOptions::at(datetime!(2026-11-21 10:15 UTC))
}

pub(super) fn stamped() -> SigningOptions {
    let font = include_bytes!("../licensing/assets/fonts/NotoSerif-Regular.ttf").as_slice().into();
    let lines = [
        "Қол қойылды: Әйгерім Құдайбергенова",
        "БСН 123456789021 · бірінші басшы",
        "Уәкілетті орган: Ғылым және өнеркәсіп Үйлестіру Һ І басқармасы",
        "21.11.2026 15:15 (UTC+5)",
    ];
    let stamp = Stamp {
        page: 0,
        rect: [60.0, 80.0, 320.0, 150.0],
        lines: lines.map(str::to_owned).to_vec(),
        font,
    };
    SigningOptions {
        name: Some("Әйгерім (басшы)".to_owned()),
        reason: Some("Licence".to_owned()),
        location: Some("Astana".to_owned()),
        stamp: Some(stamp),
        ..options()
    }
}

pub(super) fn accepted(found: &[FoundSignature]) -> bool {
    found.iter().any(|one| stands(one) && one.scope.covers_whole_document)
}

pub(super) fn pdfsig(pdf: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("s.pdf"), pdf).unwrap();
    run(folder.path(), "qpdf", &["--check", "s.pdf"]);
    let output = attempt(folder.path(), "pdfsig", &["-nocert", "s.pdf"]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn codes(found: &FoundSignature) -> Vec<ReasonCode> {
    found.faults.iter().map(|fault| fault.code).collect()
}

fn look(name: &str, pdf: &[u8]) {
    // For the eyes of whoever works on the stamp.
    if let Some(folder) = std::env::var_os("QOLTANBA_LOOK") {
        std::fs::write(Path::new(&folder).join(name), pdf).unwrap();
    }
}

#[test]
fn other_programs_accept_what_we_sign() {
    let folder = TempDir::new().unwrap();
    let signers: [&dyn Signer; 2] = [&*SIGNER, &rsa(folder.path())];
    for signer in signers {
        for options in [options(), stamped()] {
            let pdf = sign(&plain(), signer, &options).unwrap();
            let said = pdfsig(&pdf);
            assert!(said.contains("Signature is Valid"), "{said}");
            assert!(said.contains("Total document signed"), "{said}");
            assert!(said.contains("ETSI.CAdES.detached"), "{said}");
            look("stamped.pdf", &pdf);
            let found = read(&pdf).unwrap();
            assert_eq!(found.len(), 1);
            assert!(accepted(&found), "{:?}", found[0].faults);
            assert_eq!(found[0].format, SignatureFormat::Pades(Level::B));
            assert_eq!(found[0].id, "Signature1");
            assert_eq!(found[0].claimed_time, Some(options.signing_time));
            assert!(found[0].warnings.is_empty());
        }
    }
}

#[test]
fn every_kind_of_cross_reference_is_continued() {
    for arguments in [
        &["--object-streams=generate"][..],
        &["--object-streams=disable"],
        &["--linearize"],
        &["--linearize", "--object-streams=generate"],
    ] {
        let pdf = sign(&dressed(arguments), &*SIGNER, &stamped()).unwrap();
        let pdf = sign(&pdf, &*SIGNER, &options()).unwrap();
        let said = pdfsig(&pdf);
        assert_eq!(said.matches("Signature is Valid").count(), 2, "{arguments:?}: {said}");
        let found = read(&pdf).unwrap();
        assert_eq!(found.iter().filter(|one| stands(one)).count(), 2, "{:?}", found[0].faults);
    }
}

#[test]
fn the_stamp_can_be_copied_out() {
    let folder = TempDir::new().unwrap();
    let pdf = sign(&plain(), &*SIGNER, &stamped()).unwrap();
    // The stamp with its cut-down font weighs little beside the room for the signature.
    let invisible = SIGNED.len();
    assert!(pdf.len() < invisible + 25_000, "{} bytes more", pdf.len() - invisible);
    std::fs::write(folder.path().join("s.pdf"), pdf).unwrap();
    let text = run(folder.path(), "pdftotext", &["-layout", "s.pdf", "-"]);
    assert!(text.contains("Әйгерім Құдайбергенова"), "{text}");
    assert!(text.contains("басқармасы"), "{text}");
    assert!(text.contains("өнеркәсіп Үйлестіру Һ І"), "{text}");
}

#[test]
fn two_signatures_in_sequence_both_stand() {
    let second = p256("Second");
    let mut options = stamped();
    if let Some(stamp) = &mut options.stamp {
        stamp.rect = [60.0, 160.0, 320.0, 230.0];
    }
    let pdf = sign(&sign(&plain(), &*SIGNER, &stamped()).unwrap(), &second, &options).unwrap();
    look("twice.pdf", &pdf);
    let said = pdfsig(&pdf);
    assert_eq!(said.matches("Signature is Valid").count(), 2, "{said}");
    let found = read(&pdf).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(stands), "{:?} {:?}", found[0].faults, found[1].faults);
    assert!(!found[0].scope.covers_whole_document);
    assert!(found[1].scope.covers_whole_document);
    assert_eq!(found[1].id, "Signature2");
}

#[test]
fn a_prepared_document_survives_storage() {
    let key = &*SIGNER;
    let prepared = prepare(&plain(), key.certificate(), key.algorithm(), &options()).unwrap();
    let stored = prepared.to_bytes().unwrap();
    let prepared = Prepared::from_bytes(&stored).unwrap();
    let value = sign_checked(key, prepared.to_be_signed()).unwrap();
    assert!(accepted(&read(&prepared.clone().complete(&value).unwrap()).unwrap()));
    let wrong = prepared.complete(&[7; 64]).unwrap_err();
    assert_eq!(wrong, PdfError::Cms(crate::cms::CmsError::WrongValue));
    assert!(Prepared::from_bytes(&stored[1..]).is_err());
}

#[test]
fn the_signed_revision_is_the_one_that_was_signed() {
    let base = attach(&plain(), "a.xml", "text/xml", Relationship::Source, b"<a/>").unwrap();
    let once = sign(&base, &*SIGNER, &options()).unwrap();
    let twice = sign(&once, &p256("Second"), &options()).unwrap();
    let found = read(&twice).unwrap();
    let revision = signed_revision(&twice, &found[0]).unwrap();
    assert_eq!(revision, once);
    assert_eq!(attachments(revision).unwrap()[0].data, b"<a/>");
    assert_eq!(signed_revision(&twice, &found[1]), Some(twice.as_slice()));
    assert_eq!(signed_revision(&SIGNED, &found[0]), None);
}

#[test]
fn a_small_file_cannot_ask_for_endless_work() {
    // Many fields that all lean on one large object.
    let base = plain();
    let file = super::file::File::open(&base).unwrap();
    let mut update = super::update::Update::new(&file);
    let large = update.reserve();
    update.object((large, 0), format!("[{}]", "1 ".repeat(20_000)).as_bytes());
    let mut fields = String::new();
    for _ in 0..1_000 {
        let field = update.reserve();
        update.object((field, 0), format!("<</FT {large} 0 R/T {large} 0 R>>").as_bytes());
        fields.push_str(&format!("{field} 0 R "));
    }
    let (root, catalog) = file.catalog().unwrap();
    let form = format!("<</Fields[{fields}]>>").into_bytes();
    update.rewrite(root, &catalog, &[("AcroForm", form)]).unwrap();
    let hostile = update.finish();
    let start = std::time::Instant::now();
    assert!(matches!(read(&hostile), Err(PdfError::TooMany(_))));
    assert!(start.elapsed().as_secs() < 30);
}

#[test]
fn bombs_do_not_go_off() {
    let mut bomb = plain();
    for name in ["a", "b"] {
        let zeros = vec![0; crate::limits::PDF_STREAM_BYTES / 2 + 1];
        bomb = attach(&bomb, name, "", Relationship::Source, &zeros).unwrap();
    }
    assert!(bomb.len() < 500_000);
    assert!(matches!(attachments(&bomb), Err(PdfError::TooMany(_))));
    let zeros = vec![0; crate::limits::PDF_STREAM_BYTES + 1];
    let bomb = attach(&plain(), "a", "", Relationship::Source, &zeros).unwrap();
    assert!(matches!(attachments(&bomb), Err(PdfError::Malformed(_))));
}

#[test]
fn attachments_come_back() {
    let xml = "<licence>Ә</licence>".as_bytes();
    for base in [plain(), dressed(&["--object-streams=generate"])] {
        let pdf = attach(&base, "lïcence.xml", "text/xml", Relationship::Source, xml).unwrap();
        let pdf = attach(&pdf, "a.xml", "text/xml", Relationship::Alternative, b"x").unwrap();
        let pdf = sign(&pdf, &*SIGNER, &options()).unwrap();
        assert!(pdfsig(&pdf).contains("Signature is Valid"));
        let found = attachments(&pdf).unwrap();
        assert_eq!(found.len(), 2);
        let licence = found.iter().find(|one| one.name == "lïcence.xml").unwrap();
        assert_eq!((licence.media_type.as_str(), licence.data.as_slice()), ("text/xml", xml));
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("s.pdf"), pdf).unwrap();
        let listed = run(folder.path(), "pdfdetach", &["-list", "s.pdf"]);
        assert!(listed.contains("2 embedded files"), "{listed}");
    }
    assert_eq!(attachments(&plain()).unwrap(), []);
}

#[test]
fn encrypted_files_get_a_clear_answer() {
    let pdf = dressed(&["--encrypt", "a", "b", "256", "--"]);
    assert_eq!(sign(&pdf, &*SIGNER, &options()).unwrap_err(), PdfError::Encrypted);
    assert_eq!(read(&pdf).unwrap_err(), PdfError::Encrypted);
}

#[test]
fn a_document_certified_against_any_change_is_not_signed_again() {
    let base = plain();
    let file = super::file::File::open(&base).unwrap();
    let (root, catalog) = file.catalog().unwrap();
    for (level, refused) in [(1, true), (2, false)] {
        let permissions = format!(
            "<</DocMDP<</Type/Sig/Reference[<</TransformMethod/DocMDP/TransformParams<</P {level}>>>>]>>>>"
        );
        let mut update = super::update::Update::new(&file);
        update.rewrite(root, &catalog, &[("Perms", permissions.into_bytes())]).unwrap();
        let result = sign(&update.finish(), &*SIGNER, &options());
        assert_eq!(result.is_err(), refused);
        assert!(!refused || result.unwrap_err() == PdfError::Certified);
    }
}

#[test]
fn a_signature_has_the_room_it_needs() {
    let small = SigningOptions { for_timestamp: false, ..options() };
    let folder = TempDir::new().unwrap();
    let rsa = rsa(folder.path());
    let issuer = rsa.certificate().clone();
    for (signer, certificates) in [(p256("A"), 0), (rsa, 0), (p256("C"), 1)] {
        let certificates = vec![issuer.clone(); certificates];
        let small = SigningOptions { certificates: certificates.clone(), ..small.clone() };
        let large = SigningOptions { certificates, ..options() };
        let [small, large] = [small, large].map(|one| sign(&plain(), &signer, &one).unwrap());
        assert!(large.len() - small.len() >= 2 * crate::limits::PDF_TIMESTAMP_BYTES);
        let at = small.windows(11).position(|window| window == b"/Contents <").unwrap();
        let end = at + small[at..].iter().position(|octet| *octet == b'>').unwrap();
        let zeros = small[at..end].iter().rev().take_while(|octet| **octet == b'0').count();
        assert!((64..1_800).contains(&zeros), "{zeros} digits left");
        assert!(stands(&read(&small).unwrap()[0]));
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let sign = |options: &SigningOptions| sign(&SIGNED, &*SIGNER, options).unwrap_err();
    let mut there_is_no_page = stamped();
    there_is_no_page.stamp.as_mut().unwrap().page = 7;
    assert_eq!(sign(&there_is_no_page), PdfError::NoSuchPage(7));
    let mut no_font = stamped();
    no_font.stamp.as_mut().unwrap().font = b"no font".as_slice().into();
    assert!(matches!(sign(&no_font), PdfError::Stamp(_)));
    let mut no_room = stamped();
    no_room.stamp.as_mut().unwrap().rect = [10.0, 10.0, f32::NAN, 20.0];
    assert!(matches!(sign(&no_room), PdfError::Stamp(_)));
    for name in ["Signature1", "a.b", ""] {
        let options = SigningOptions { field_name: Some(name.to_owned()), ..options() };
        assert!(matches!(sign(&options), PdfError::Unsupported(_)), "{name}");
    }
}

#[test]
fn what_is_appended_is_found() {
    for tail in [&b" "[..], b"\n", b"\n\n\n", b"%\n", b"junk", b"\n%%EOF\n"] {
        let pdf = [SIGNED.as_slice(), tail].concat();
        match read(&pdf) {
            Ok(found) => {
                assert!(!accepted(&found));
                assert!(codes(&found[0]).contains(&ReasonCode::AddedAfterSigning));
            }
            Err(error) => assert!(matches!(error, PdfError::Malformed(_)), "{error}"),
        }
    }
}

/// The forger's own update: any object, with a good cross-reference table behind it.
fn updated(pdf: &[u8], objects: &[(u32, &str)]) -> Vec<u8> {
    let file = super::file::File::open(pdf).unwrap();
    let mut update = super::update::Update::new(&file);
    for (number, text) in objects {
        update.object((*number, 0), text.as_bytes());
    }
    update.finish()
}

#[test]
fn an_update_after_signing_is_found_even_under_another_signature() {
    let file = super::file::File::open(&SIGNED).unwrap();
    let pages = super::tree::pages(&file).unwrap();
    let ((page, _), loaded) = &pages[0];
    let text = file.text(loaded, loaded.value.span.clone());
    let changed = super::file::with_entries(text, &[("Rotate", b"180".to_vec())]).unwrap();
    let changed = String::from_utf8(changed).unwrap();
    let forged = updated(&SIGNED, &[(*page, &changed)]);
    let found = read(&forged).unwrap();
    assert_eq!(codes(&found[0]), [ReasonCode::AddedAfterSigning]);
    // Signing over the forgery does not make the first signature whole again.
    let again = sign(&forged, &p256("Forger"), &options()).unwrap();
    let found = read(&again).unwrap();
    assert_eq!(codes(&found[0]), [ReasonCode::AddedAfterSigning]);
    assert!(found[0].faults[0].detail.contains(&format!("object {page}: page 1 was changed")));
    assert!(stands(&found[1]));
}

#[test]
fn an_object_that_was_referred_to_and_comes_later_is_found() {
    // A shadow attack: the signed page refers to an object that does not exist yet.
    let file_octets = plain();
    let file = super::file::File::open(&file_octets).unwrap();
    let ((page, _), loaded) = &super::tree::pages(&file).unwrap()[0];
    let text = file.text(loaded, loaded.value.span.clone());
    let base = super::file::with_entries(text, &[("Thumb", b"900 0 R".to_vec())]).unwrap();
    let base = updated(&file_octets, &[(*page, &String::from_utf8(base).unwrap())]);
    let signed = sign(&base, &*SIGNER, &options()).unwrap();
    assert!(accepted(&read(&signed).unwrap()));
    let mut forged = updated(&signed, &[]);
    let before = super::file::File::open(&forged).unwrap().next_number();
    assert!(before < 900);
    let objects: Vec<(u32, &str)> = vec![(900, "(evil)")];
    let file = super::file::File::open(&signed).unwrap();
    let mut update = super::update::Update::new(&file);
    while update.reserve() < 900 {}
    for (number, text) in objects {
        update.object((number, 0), text.as_bytes());
    }
    forged = update.finish();
    let again = sign(&forged, &p256("Forger"), &options()).unwrap();
    let found = read(&again).unwrap();
    assert_eq!(codes(&found[0]), [ReasonCode::AddedAfterSigning]);
}

/// A document whose signature verifies over any byte ranges and with any CMS message: the tricks
/// that only the structure tells.
fn forged(
    tail: &str,
    range: impl Fn(usize, usize, usize) -> Vec<usize>,
    wrap: impl Fn(Vec<u8>) -> Vec<u8>,
) -> Vec<u8> {
    let base = plain();
    let file = super::file::File::open(&base).unwrap();
    let mut update = super::update::Update::new(&file);
    let [signature, field, form] = [0; 3].map(|_| update.reserve());
    let head = "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Contents <";
    let text =
        format!("{head}{}>{tail}/ByteRange {:60}/M(D:20261121000000Z)>>", "0".repeat(16_000), " ");
    let start = update.object((signature, 0), text.as_bytes());
    let text = format!("<</FT/Sig/T(S)/V {signature} 0 R>>");
    update.object((field, 0), text.as_bytes());
    update.object((form, 0), format!("<</Fields[{field} 0 R]/SigFlags 3>>").as_bytes());
    let (root, catalog) = file.catalog().unwrap();
    let reference = format!("{form} 0 R").into_bytes();
    update.rewrite(root, &catalog, &[("AcroForm", reference)]).unwrap();
    let mut pdf = update.finish();
    let gap = start + head.len() - 1..start + head.len() + 16_001;
    let numbers = range(gap.start, gap.end, pdf.len());
    let place = gap.end + tail.len() + "/ByteRange ".len();
    let text = format!("{numbers:?}").replace(',', "");
    pdf[place..place + text.len()].copy_from_slice(text.as_bytes());
    let covered: Vec<u8> = numbers
        .chunks(2)
        .flat_map(|pair| pdf[pair[0]..(pair[0] + pair[1]).min(pdf.len())].to_vec())
        .collect();
    let digest = crate::crypto::digest(crate::crypto::DigestAlgorithm::Sha256, &covered);
    let key = &*SIGNER;
    let options = crate::cms::SigningOptions::default();
    let prepared = crate::cms::prepare(&digest, key.certificate(), key.algorithm(), options);
    let prepared = prepared.unwrap();
    let value = sign_checked(key, prepared.to_be_signed()).unwrap();
    let cms = crate::crypto::hex(&wrap(prepared.complete(&value).unwrap()));
    pdf[gap.start + 1..gap.start + 1 + cms.len()].copy_from_slice(cms.as_bytes());
    pdf
}

#[test]
fn byte_ranges_that_leave_out_more_than_the_signature_are_refused() {
    let honest = |a: usize, b: usize, size: usize| vec![0, a, b, size - b];
    let same = |cms: Vec<u8>| cms;
    assert!(accepted(&read(&forged("", honest, same)).unwrap()), "the helper itself must work");
    type Range = Box<dyn Fn(usize, usize, usize) -> Vec<usize>>;
    let tricks: Vec<(&str, Range)> = vec![
        ("larger gap behind", Box::new(|a, b, size| vec![0, a, b + 9, size - b - 9])),
        ("larger gap before", Box::new(|a, b, size| vec![0, a - 9, b, size - b])),
        ("string inside", Box::new(|a, b, size| vec![0, a + 1, b - 1, size - b + 1])),
        ("not from the start", Box::new(|a, b, size| vec![1, a - 1, b, size - b])),
        ("end left out", Box::new(|a, b, size| vec![0, a, b, size - b - 7])),
        ("three pieces", Box::new(|a, b, size| vec![0, a, b, 30, b + 40, size - b - 40])),
        ("one piece", Box::new(|_, _, size| vec![0, size])),
        ("beyond the end", Box::new(|a, b, size| vec![0, a, b, size - b + 1])),
    ];
    for (name, range) in tricks {
        let tail = "/Note(something else)";
        let found = read(&forged(tail, range, same)).unwrap();
        assert_eq!(found.len(), 1, "{name}");
        assert!(!stands(&found[0]), "{name}");
        assert!(!found[0].faults.is_empty(), "{name}");
        if name.contains("gap") {
            let refused = codes(&found[0]).iter().all(|code| *code == ReasonCode::Refused);
            assert!(refused, "{name}");
        }
    }
    let honest = |a: usize, b: usize, size: usize| vec![0, a, b, size - b];
    let doubled = read(&forged("/Contents <00>", honest, same)).unwrap();
    assert!(!doubled[0].faults.is_empty());
}

#[test]
fn the_string_of_the_signature_holds_nothing_but_digits() {
    let found = read(&SIGNED).unwrap();
    assert!(accepted(&found));
    let start = SIGNED.windows(11).position(|window| window == b"/Contents <").unwrap();
    let end = start + SIGNED[start..].iter().position(|octet| *octet == b'>').unwrap();
    for odd in [&b"0 "[..], b" 0", b"  ", b"\n0", b"00>"] {
        let mut pdf = SIGNED.clone();
        let octets = end - odd.len()..end;
        pdf[octets].copy_from_slice(odd);
        if let Ok(found) = read(&pdf) {
            assert!(!found.iter().any(stands), "{}", odd.escape_ascii());
        }
    }
}

#[test]
fn odd_messages_inside_are_refused() {
    let honest = |a: usize, b: usize, size: usize| vec![0, a, b, size - b];
    let junk = read(&forged("", honest, |cms| [cms.as_slice(), b"junk"].concat())).unwrap();
    assert_eq!(codes(&junk[0]), [ReasonCode::Refused]);
    let garbage = read(&forged("", honest, |_| vec![0x30, 0x03, 0x02, 0x01, 0x01])).unwrap();
    assert_eq!(codes(&garbage[0]), [ReasonCode::Malformed]);
    let key = &*SIGNER;
    let attached = |_| {
        let digest = crate::crypto::digest(crate::crypto::DigestAlgorithm::Sha256, b"other");
        let options =
            crate::cms::SigningOptions { content: Some(b"other".to_vec()), ..Default::default() };
        let prepared = crate::cms::prepare(&digest, key.certificate(), key.algorithm(), options);
        let prepared = prepared.unwrap();
        let value = sign_checked(key, prepared.to_be_signed()).unwrap();
        prepared.complete(&value).unwrap()
    };
    let attached = read(&forged("", honest, attached)).unwrap();
    assert!(!stands(&attached[0]));
    assert!(codes(&attached[0]).contains(&ReasonCode::Refused));
}

#[test]
fn a_broken_second_signature_covers_nothing() {
    let mut pdf = sign(&SIGNED, &p256("Forger"), &options()).unwrap();
    let found = read(&pdf).unwrap();
    assert!(found.iter().all(stands));
    // The last octet of the second signature's dictionary is changed.
    let at = pdf.windows(3).rposition(|window| window == b"/M(").unwrap() + 6;
    pdf[at] ^= 1;
    let found = read(&pdf).unwrap();
    assert!(!found.iter().any(stands), "{:?}", found[0].faults);
}

#[test]
fn two_fields_cannot_share_a_signature() {
    let file = super::file::File::open(&SIGNED).unwrap();
    let (_, catalog) = file.catalog().unwrap();
    let form = catalog.dictionary().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
    let form_text = file.load(form).unwrap().unwrap();
    let form_text = file.text(&form_text, form_text.value.span.clone());
    let value = super::tree::fields(&file).unwrap()[0].value.clone().unwrap();
    let value = value.as_reference().unwrap();
    let mut update = super::update::Update::new(&file);
    let twin = update.reserve();
    let text = format!("<</FT/Sig/T(Twin)/V {} 0 R>>", value.0);
    update.object((twin, 0), text.as_bytes());
    let fields = update.appended(form_text, "Fields", &format!("{twin} 0 R")).unwrap();
    let text = super::file::with_entries(form_text, &[("Fields", fields)]).unwrap();
    update.object(form, &text);
    let found = read(&update.finish()).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|one| codes(one).first() == Some(&ReasonCode::Refused)));
}

#[test]
fn published_forgeries_are_refused_with_a_reason() {
    let Some(corpora) = corpora("published PDF forgeries") else { return };
    let folder = corpora.join("pdf-insecurity");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pdf") {
            continue;
        }
        seen += 1;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match read(&std::fs::read(&path).unwrap()) {
            Err(error) => eprintln!("{name}: {error}"),
            Ok(found) => {
                assert!(!found.is_empty(), "{name}: no signature and no reason");
                for one in &found {
                    assert!(!stands(one), "{name}");
                    assert!(!one.faults.is_empty(), "{name}: no reason");
                    eprintln!("{name}: {:?}", one.faults);
                }
            }
        }
    }
    assert_eq!(seen, 21);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_changed_octet_breaks_the_signature(place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut pdf = SIGNED.clone();
        let gap = read(&pdf).unwrap()[0].scope.items[0].what.clone();
        let gap: Vec<usize> = gap
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        let at = place.index(gap[1] + pdf.len() - gap[2]);
        let at = if at < gap[1] { at } else { at - gap[1] + gap[2] };
        pdf[at] ^= 1 << bit;
        if let Ok(found) = read(&pdf) {
            prop_assert!(!found.iter().any(stands), "octet {at}");
        }
    }

    #[test]
    fn damaged_files_are_no_panic(cut in any::<prop::sample::Index>(), junk in prop::collection::vec(any::<u8>(), 0..40)) {
        let at = cut.index(SIGNED.len());
        let _ = read(&[&SIGNED[..at], &junk].concat());
        let mut pdf = SIGNED.clone();
        let end = (at + junk.len()).min(pdf.len());
        pdf[at..end].copy_from_slice(&junk[..end - at]);
        let _ = read(&pdf);
        let _ = attachments(&pdf);
        let _ = prepare(&pdf, SIGNER.certificate(), SIGNER.algorithm(), &options());
    }
}
