use std::sync::LazyLock;

use tempfile::TempDir;
use time::macros::datetime;

use super::tests::{accepted, options, pdfsig, plain, stamped};
use super::*;
use crate::cms::testing::{p256, run, stands};
use crate::crypto::{DigestAlgorithm, digest};
use crate::reason::ReasonCode;
use crate::signature::{Level, SignatureFormat, Stamped, TimestampKind, ValidationMaterial};
use crate::timestamp::testing::{Says, tsa};
use crate::token::{Signer as _, SoftwareSigner, sign_checked};
use crate::x509::testing::{Authority, Holder};

static OFFICER: LazyLock<SoftwareSigner> = LazyLock::new(|| p256("Officer"));
static HEAD: LazyLock<SoftwareSigner> = LazyLock::new(|| p256("Head"));
static TSA: LazyLock<Holder> = LazyLock::new(|| tsa(&Authority::root("Time")));

fn token(over: &Stamped) -> Vec<u8> {
    let imprint = over.digest(DigestAlgorithm::Sha256).unwrap();
    Says { imprint, ..Says::about(b"", datetime!(2026-11-21 11:00 UTC)) }.token(&TSA)
}

fn material() -> ValidationMaterial {
    ValidationMaterial {
        certificates: vec![TSA.certificate.der().to_vec()],
        ocsp: vec![vec![0x30, 3, 0x0a, 1, 0]],
        crls: vec![vec![0x30, 3, 2, 1, 7]],
    }
}

fn archived(pdf: &[u8]) -> Vec<u8> {
    let (over, draft) = to_be_archived(pdf, None, 0).unwrap();
    draft.finish(&token(&over)).unwrap()
}

fn timestamped(pdf: &[u8], n: usize) -> Result<Vec<u8>, PdfError> {
    with_timestamp(pdf, n, &token(&to_be_stamped(pdf, None, n).unwrap()))
}

fn levels(pdf: &[u8]) -> Vec<SignatureFormat> {
    let found = read(pdf).unwrap();
    for one in &found {
        assert!(stands(one), "{:?}", one.faults);
        assert!(one.warnings.is_empty(), "{:?}", one.warnings);
        for stamp in &one.timestamps {
            let (algorithm, value, _) = crate::cms::imprint(&stamp.token).unwrap();
            assert_eq!(stamp.over.digest(algorithm.unwrap()), Some(value));
        }
    }
    found.iter().map(|one| one.format).collect()
}

#[test]
fn each_level_is_what_is_read_back() {
    let pades = |level| vec![SignatureFormat::Pades(level)];
    let b = sign(&plain(), &*OFFICER, &stamped()).unwrap();
    assert_eq!(levels(&b), pades(Level::B));
    let t = timestamped(&b, 0).unwrap();
    assert_eq!((levels(&t), t.len()), (pades(Level::T), b.len()));
    let lt = with_material(&t, 0, &material()).unwrap();
    assert_eq!(levels(&lt), pades(Level::Lt));
    let lta = archived(&lt);
    assert_eq!(levels(&lta), pades(Level::Lta));
    // A document time-stamp is nobody's signature, and covers what stood before it.
    let found = read(&lta).unwrap().remove(0);
    for wanted in ["validation data (DSS)", "a document time-stamp was added"] {
        assert!(
            found.scope.later.iter().any(|one| one.contains(wanted)),
            "{:?}",
            found.scope.later
        );
    }
    assert!(!found.scope.later.iter().any(|one| one.contains("signature field was added")));
    let kinds: Vec<_> = found.timestamps.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [TimestampKind::Signature, TimestampKind::Archive]);
    assert_eq!(found.evidence.len(), 2);
    assert!(found.certificates.contains(&TSA.certificate));
    // What is there is not put in again.
    let again = archived(&with_material(&lta, 0, &material()).unwrap());
    assert_eq!(levels(&again), pades(Level::Lta));
    let count = |pdf: &[u8]| pdf.windows(15).filter(|one| one == b"ETSI.RFC3161\n/B").count();
    assert_eq!((count(&lta), count(&again)), (1, 2));
    assert_eq!(read(&again).unwrap()[0].evidence.len(), 2);
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.pdf"), &again).unwrap();
    run(folder.path(), "qpdf", &["--check", "a.pdf"]);
    let said = pdfsig(&again);
    // pdfsig knows no document time-stamps.
    assert_eq!(said.matches("Signature is Valid").count(), 1, "{said}");
}

#[test]
fn a_time_stamp_alone_makes_level_t() {
    let b = sign(&plain(), &*OFFICER, &options()).unwrap();
    assert_eq!(levels(&archived(&b)), [SignatureFormat::Pades(Level::T)]);
    // Values that no time-stamp covers are not archived.
    let late = with_material(&archived(&b), 0, &material()).unwrap();
    assert_eq!(levels(&late), [SignatureFormat::Pades(Level::Lt)]);
}

#[test]
fn a_time_stamp_is_not_put_under_a_later_signature() {
    let once = sign(&plain(), &*OFFICER, &options()).unwrap();
    let twice = sign(&once, &*HEAD, &options()).unwrap();
    let refused = timestamped(&twice, 0).unwrap_err();
    assert!(matches!(refused, PdfError::Unsupported(_)), "{refused}");
    assert_eq!(levels(&timestamped(&twice, 1).unwrap()).len(), 2);
    let wrong = with_timestamp(&once, 0, &token(&Stamped::Octets(vec![1]))).unwrap_err();
    assert_eq!(wrong, PdfError::Cms(crate::cms::CmsError::WrongTimestamp));
    let (_, draft) = to_be_archived(&once, None, 0).unwrap();
    assert!(draft.finish(&token(&Stamped::Octets(vec![1]))).is_err());
    let missing = to_be_stamped(&once, None, 1).unwrap_err();
    assert_eq!(missing, PdfError::Cms(crate::cms::CmsError::NoSuchSigner(1)));
}

#[test]
fn officer_head_and_seal_sign_one_after_the_other_and_all_last() {
    let names = ["officer", "head", "seal"];
    let fields: Vec<EmptyField> = names
        .iter()
        .zip([60.0, 140.0, 220.0])
        .map(|(name, y)| EmptyField {
            name: (*name).to_owned(),
            page: 0,
            rect: [60.0, y, 320.0, y + 70.0],
        })
        .collect();
    let mut pdf = prepare_fields(&plain(), &fields).unwrap();
    assert_eq!(empty_fields(&pdf).unwrap(), names);
    assert!(prepare_fields(&pdf, &fields[..1]).is_err());
    let seal = p256("Seal");
    for (signer, name) in [&*OFFICER, &*HEAD, &seal].into_iter().zip(names) {
        let options = SigningOptions { field_name: Some(name.to_owned()), ..stamped() };
        pdf =
            timestamped(&sign(&pdf, signer, &options).unwrap(), read(&pdf).unwrap().len()).unwrap();
    }
    assert!(empty_fields(&pdf).unwrap().is_empty());
    assert_eq!(levels(&pdf), [SignatureFormat::Pades(Level::T); 3]);
    let lt = with_material(&pdf, 0, &material()).unwrap();
    assert_eq!(levels(&lt), [SignatureFormat::Pades(Level::Lt); 3]);
    assert_eq!(levels(&archived(&lt)), [SignatureFormat::Pades(Level::Lta); 3]);
    let found = read(&pdf).unwrap();
    let ids: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, names);
    let said = pdfsig(&archived(&lt));
    assert_eq!(said.matches("Signature is Valid").count(), 3, "{said}");
    // A field is signed once.
    let again = SigningOptions { field_name: Some("head".to_owned()), ..options() };
    assert!(sign(&pdf, &*HEAD, &again).is_err());
}

#[test]
fn a_certification_says_what_may_follow() {
    for (level, closed) in [
        (Certification::NoChanges, true),
        (Certification::FormFilling, false),
        (Certification::Annotations, false),
    ] {
        let options = SigningOptions { certification: Some(level), ..options() };
        let pdf = sign(&plain(), &*HEAD, &options).unwrap();
        assert_eq!(levels(&pdf), [SignatureFormat::Pades(Level::B)]);
        let text = format!(
            "/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/V/1.2/P {}",
            level as u8
        );
        assert!(pdf.windows(text.len()).any(|one| one == text.as_bytes()));
        assert!(pdfsig(&pdf).contains("Signature is Valid"));
        // Material to verify it later may follow whatever the level.
        let lta = archived(&with_material(&timestamped(&pdf, 0).unwrap(), 0, &material()).unwrap());
        assert_eq!(levels(&lta), [SignatureFormat::Pades(Level::Lta)]);
        let second = sign(&pdf, &*OFFICER, &super::tests::options());
        assert_eq!(second.is_err(), closed);
        // Only the first signature certifies.
        let late = sign(&pdf, &*OFFICER, &options).unwrap_err();
        assert!(matches!(late, PdfError::Unsupported(_) | PdfError::Certified), "{late}");
    }
}

#[test]
fn a_signature_made_elsewhere_is_taken_only_for_this_document() {
    let prepared = prepare_external(&plain(), &stamped()).unwrap();
    let prepared = External::from_bytes(&prepared.to_bytes().unwrap()).unwrap();
    let algorithm = DigestAlgorithm::Sha256;
    assert_eq!(prepared.digest(algorithm), digest(algorithm, &prepared.to_be_signed()));
    let agent = |value: &[u8], content: Option<&[u8]>| {
        let key = &*HEAD;
        let options = crate::cms::SigningOptions {
            content: content.map(<[u8]>::to_vec),
            ..Default::default()
        };
        let one = crate::cms::prepare(value, key.certificate(), key.algorithm(), options).unwrap();
        let value = sign_checked(key, one.to_be_signed()).unwrap();
        one.complete(&value).unwrap()
    };
    let message = agent(&prepared.digest(algorithm), None);
    let pdf = prepared.complete(&message).unwrap();
    assert!(accepted(&read(&pdf).unwrap()));
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(&message);
    assert_eq!(prepared.complete(text.as_bytes()).unwrap(), pdf);
    // Over another document, with content, by two, or damaged.
    let other = agent(&digest(algorithm, b"other"), None);
    let refused = prepared.complete(&other).unwrap_err();
    assert!(matches!(refused, PdfError::NotForThis(_)), "{refused}");
    let octets = prepared.to_be_signed();
    let attached = agent(&prepared.digest(algorithm), Some(&octets));
    assert!(matches!(prepared.complete(&attached), Err(PdfError::NotForThis(_))));
    let key = &*OFFICER;
    let content = crate::cms::Content::Detached(&octets);
    let second = crate::cms::prepare_beside(
        &message,
        &content,
        key.certificate(),
        key.algorithm(),
        Default::default(),
    );
    let second = second.unwrap();
    let value = sign_checked(key, second.to_be_signed()).unwrap();
    let two = second.complete(&value).unwrap();
    assert!(matches!(prepared.complete(&two), Err(PdfError::NotForThis(_))));
    let mut damaged = message;
    *damaged.last_mut().unwrap() ^= 1;
    assert!(prepared.complete(&damaged).is_err());
    assert!(External::from_bytes(&prepared.to_bytes().unwrap()[1..]).is_err());
}

#[test]
fn a_document_time_stamp_that_is_broken_is_told_and_proves_nothing() {
    let lt =
        with_material(&sign(&plain(), &*OFFICER, &options()).unwrap(), 0, &material()).unwrap();
    let mut lta = archived(&lt);
    // The token becomes one over other data.
    let bad = token(&Stamped::Octets(b"other".to_vec()));
    let at = lta.windows(12).rposition(|one| one == b"ETSI.RFC3161").unwrap();
    let gap = at + lta[at..].windows(10).position(|one| one == b"/Contents ").unwrap() + 10;
    let end = gap + lta[gap..].iter().position(|one| *one == b'>').unwrap() + 1;
    super::hole::fill(&mut lta, &(gap..end), &bad).unwrap();
    let found = read(&lta).unwrap().remove(0);
    let stamp = &found.timestamps[0];
    let (algorithm, value, _) = crate::cms::imprint(&stamp.token).unwrap();
    assert_ne!(stamp.over.digest(algorithm.unwrap()), Some(value));
    // No token at all.
    super::hole::fill(&mut lta, &(gap..end), b"no token").unwrap();
    let found = read(&lta).unwrap().remove(0);
    assert!(found.timestamps.is_empty());
    assert_eq!(found.warnings[0].code, ReasonCode::TimestampInvalid);
}
