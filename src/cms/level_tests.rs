use std::cell::Cell;
use std::sync::LazyLock;

use proptest::prelude::*;
use tempfile::TempDir;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::testing::{attempt, p256, rsa, run, stands};
use super::*;
use crate::crypto::{DigestAlgorithm, digest};
use crate::reason::ReasonCode;
use crate::signature::{
    FoundSignature, Level, SignatureFormat, Stamped, TimestampKind, ValidationMaterial,
};
use crate::timestamp::testing::{Says, tsa};
use crate::token::{Signer, SoftwareSigner, sign_checked};
use crate::x509::testing::{Authority, Holder};

const CONTENT: &[u8] = "Лицензия № 2".as_bytes();
const TIME: OffsetDateTime = datetime!(2026-11-21 10:00 UTC);

static SIGNER: LazyLock<SoftwareSigner> = LazyLock::new(|| p256("Officer"));
static HEAD: LazyLock<SoftwareSigner> = LazyLock::new(|| p256("Head"));
static TSA: LazyLock<Holder> = LazyLock::new(|| tsa(&Authority::root("Time")));
static ARCHIVED: LazyLock<Vec<u8>> = LazyLock::new(|| archived(&raised(&signed(true)), TIME));

fn signed(attached: bool) -> Vec<u8> {
    let options =
        SigningOptions { content: attached.then(|| CONTENT.to_vec()), ..Default::default() };
    let digest = digest(DigestAlgorithm::Sha256, CONTENT);
    let key = &*SIGNER;
    let prepared = prepare(&digest, key.certificate(), key.algorithm(), options).unwrap();
    completed(prepared, key)
}

fn completed(prepared: Prepared, key: &dyn Signer) -> Vec<u8> {
    let prepared = Prepared::from_bytes(&prepared.to_bytes().unwrap()).unwrap();
    let value = sign_checked(key, prepared.to_be_signed()).unwrap();
    prepared.complete(&value).unwrap()
}

fn token(over: &Stamped, time: OffsetDateTime) -> Vec<u8> {
    let imprint = over.digest(DigestAlgorithm::Sha256).unwrap();
    Says { imprint, ..Says::about(b"", time) }.token(&TSA)
}

/// A CRL and an OCSP response as the reader knows them; what they say is nobody's concern here.
fn material() -> ValidationMaterial {
    ValidationMaterial {
        certificates: vec![TSA.certificate.der().to_vec()],
        ocsp: vec![vec![0x30, 3, 0x0a, 1, 0]],
        crls: vec![vec![0x30, 3, 2, 1, 7]],
    }
}

/// Level LT.
fn raised(cms: &[u8]) -> Vec<u8> {
    let over = to_be_stamped(cms, None, 0).unwrap();
    let cms = with_timestamp(cms, 0, &token(&over, TIME)).unwrap();
    with_material(&cms, 0, &material()).unwrap()
}

fn archived(cms: &[u8], time: OffsetDateTime) -> Vec<u8> {
    let (over, draft) = to_be_archived(cms, None, 0).unwrap();
    draft.finish(&token(&over, time)).unwrap()
}

fn kinds(found: &FoundSignature) -> Vec<TimestampKind> {
    found.timestamps.iter().map(|one| one.kind).collect()
}

/// Whether each time-stamp was made over what the reader says.
fn fits(found: &FoundSignature) -> Vec<bool> {
    let fits = |one: &crate::signature::CarriedTimestamp| {
        let (algorithm, value, _) = imprint(&one.token).unwrap();
        one.over.digest(algorithm.unwrap()) == Some(value)
    };
    found.timestamps.iter().map(fits).collect()
}

#[test]
fn each_level_is_what_is_read_back() {
    use TimestampKind::{Archive, Signature};
    let levels = |cms: &[u8]| {
        let found = read(cms, None).unwrap().remove(0);
        assert!(stands(&found), "{:?}", found.faults);
        assert!(fits(&found).iter().all(|one| *one), "{:?}", kinds(&found));
        (found.format, kinds(&found), found.evidence.len())
    };
    let b = signed(true);
    assert_eq!(levels(&b), (SignatureFormat::Cades(Level::B), vec![], 0));
    let over = to_be_stamped(&b, None, 0).unwrap();
    let t = with_timestamp(&b, 0, &token(&over, TIME)).unwrap();
    assert_eq!(levels(&t), (SignatureFormat::Cades(Level::T), vec![Signature], 0));
    let lt = with_material(&t, 0, &material()).unwrap();
    assert_eq!(levels(&lt), (SignatureFormat::Cades(Level::Lt), vec![Signature], 2));
    // What is there already is not put in again.
    assert_eq!(with_material(&lt, 0, &material()).unwrap(), lt);
    let lta = archived(&lt, TIME + Duration::days(1));
    assert_eq!(levels(&lta), (SignatureFormat::Cades(Level::Lta), vec![Signature, Archive], 2));
    let again = archived(&lta, TIME + Duration::days(900));
    assert_eq!(levels(&again).1, [Signature, Archive, Archive]);
    let stamps = read(&again, None).unwrap().remove(0).timestamps;
    let times: Vec<_> = stamps.iter().map(|one| imprint(&one.token).unwrap().2).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_lifetime_of_renewals_is_read() {
    let mut cms = ARCHIVED.clone();
    for year in 1..40 {
        cms = archived(&cms, TIME + Duration::days(365 * year));
    }
    let found = read(&cms, None).unwrap().remove(0);
    assert!(stands(&found) && found.warnings.is_empty(), "{:?}", found.warnings);
    assert_eq!(found.format, SignatureFormat::Cades(Level::Lta));
    assert_eq!(fits(&found), vec![true; 41]);
}

#[test]
fn detached_content_is_asked_for_once_for_each_algorithm() {
    let cms = raised(&signed(false));
    let (over, draft) = to_be_archived(&cms, Some(CONTENT), 0).unwrap();
    let cms = draft.finish(&token(&over, TIME)).unwrap();
    let asked = Cell::new(0);
    let streamed = |algorithm| {
        asked.set(asked.get() + 1);
        digest(algorithm, CONTENT)
    };
    let found = read_with(&cms, &Content::Digested(&streamed)).unwrap().remove(0);
    assert!(stands(&found));
    assert_eq!((fits(&found), asked.get()), (vec![true, true], 1));
    assert_eq!(found.format, SignatureFormat::Cades(Level::Lta));
    // Other content leaves neither the signature nor the archive time-stamp.
    let found = read(&cms, Some(b"other")).unwrap().remove(0);
    assert!(!stands(&found));
    assert_eq!(fits(&found), [true, false]);
}

#[test]
fn what_was_added_later_is_not_covered_by_the_archive_time_stamp() {
    let over = to_be_stamped(&ARCHIVED, None, 0).unwrap();
    let late = with_timestamp(&ARCHIVED, 0, &token(&over, TIME - Duration::days(99))).unwrap();
    let found = read(&late, None).unwrap().remove(0);
    use TimestampKind::{Archive, Signature};
    // The newcomer says it is older; it stands behind the archive time-stamp all the same.
    assert_eq!(kinds(&found), [Signature, Archive, Signature]);
    assert_eq!(fits(&found), [true; 3]);
}

#[test]
fn what_the_archive_time_stamp_names_cannot_be_taken_away_or_changed() {
    let mut message = read::whole(&ARCHIVED).unwrap();
    message.signed.crls = None;
    let found = read(&message.write().unwrap(), None).unwrap().remove(0);
    assert_eq!(fits(&found), [true, false]);
    let mut message = read::whole(&ARCHIVED).unwrap();
    let last = message.signed.certificates.as_mut().unwrap().pop().unwrap();
    assert!(!last.as_bytes().is_empty());
    let found = read(&message.write().unwrap(), None).unwrap().remove(0);
    assert!(!fits(&found).into_iter().all(|one| one));
}

#[test]
fn tokens_over_something_else_are_not_taken() {
    let cms = signed(true);
    let other = token(&Stamped::Octets(b"other".to_vec()), TIME);
    assert_eq!(with_timestamp(&cms, 0, &other), Err(CmsError::WrongTimestamp));
    assert_eq!(with_timestamp(&cms, 0, &cms), Err(CmsError::WrongTimestamp));
    let (over, draft) = to_be_archived(&cms, None, 0).unwrap();
    assert_eq!(draft.clone().finish(&other), Err(CmsError::WrongTimestamp));
    assert!(draft.finish(&token(&over, TIME)).is_ok());
    assert_eq!(to_be_stamped(&cms, None, 1), Err(CmsError::NoSuchSigner(1)));
    assert!(to_be_archived(&signed(false), None, 0).is_err());
}

#[test]
fn a_second_signer_leaves_the_first_and_its_archive_time_stamp_as_they_were() {
    let key = &*HEAD;
    let options = || SigningOptions { signing_time: Some(TIME), ..Default::default() };
    let beside = |content: &Content<'_>, cms: &[u8]| {
        prepare_beside(cms, content, key.certificate(), key.algorithm(), options())
    };
    let both = completed(beside(&Content::Inside, &ARCHIVED).unwrap(), key);
    let before = read::whole(&ARCHIVED).unwrap().signed.signer_infos[0].clone();
    assert_eq!(read::whole(&both).unwrap().signed.signer_infos[0], before);
    let found = read(&both, None).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(stands), "{:?}", found[1].faults);
    assert_eq!(fits(&found[0]), [true, true]);
    assert_eq!(found[1].certificate.as_ref(), Some(key.certificate()));
    assert_eq!(found[1].format, SignatureFormat::Cades(Level::B));
    // The second is raised by itself.
    let over = to_be_stamped(&both, None, 1).unwrap();
    let t = with_timestamp(&both, 1, &token(&over, TIME)).unwrap();
    let found = read(&t, None).unwrap();
    assert_eq!(found[1].format, SignatureFormat::Cades(Level::Lt));
    assert_eq!(fits(&found[0]), [true, true]);
    // Content that the first did not sign is not signed beside it.
    let other = beside(&Content::Detached(b"other"), &signed(false)).unwrap_err();
    assert_eq!(other, CmsError::WrongDigest);
    assert_eq!(beside(&Content::Inside, &signed(false)).unwrap_err(), CmsError::WrongDigest);
}

#[test]
fn a_counter_signature_is_a_signature_over_the_other_one() {
    let key = &*HEAD;
    let counter = |cms: &[u8], n| {
        prepare_counter(cms, n, key.certificate(), key.algorithm(), SigningOptions::default())
    };
    let cms = completed(counter(&signed(true), 0).unwrap(), key);
    let found = read(&cms, None).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(stands), "{:?}", found[1].faults);
    let scope = &found[1].scope;
    assert_eq!(found[1].id, "signature-1.1");
    assert_eq!(
        (scope.items[0].kind.as_str(), scope.items[0].what.as_str()),
        ("signature", "signature-1")
    );
    assert_eq!(scope.octets, [found[0].value.clone()]);
    assert!(!scope.covers_whole_document);
    assert_eq!(found[1].certificate.as_ref(), Some(key.certificate()));
    // Put under another signature, it counter-signs nothing.
    let whole = read::whole(&cms).unwrap();
    let attribute = whole.signers[0].info.unsigned_attributes.as_ref().unwrap()[0].clone();
    let mut other = read::whole(&signed(true)).unwrap();
    other.add_unsigned(0, attribute).unwrap();
    other.add_certificates(whole.signed.certificates.unwrap()).unwrap();
    let found = read(&other.write().unwrap(), None).unwrap();
    assert!(stands(&found[0]));
    assert_eq!(found[1].faults[0].code, ReasonCode::ContentChanged);
    assert_eq!(counter(&cms, 1).unwrap_err(), CmsError::NoSuchSigner(1));
}

#[test]
fn a_signer_of_the_content_is_no_counter_signer() {
    // The signed attributes differ: a content type is signed, or is not.
    let mut cms = read::whole(&signed(true)).unwrap();
    let signer = cms.signed.signer_infos[0].clone();
    let attribute = wire::attribute(wire::COUNTER_SIGNATURE, signer).unwrap();
    cms.add_unsigned(0, attribute).unwrap();
    let found = read(&cms.write().unwrap(), None).unwrap();
    assert!(found[1].faults.iter().any(|one| one.code == ReasonCode::Malformed));
}

#[test]
fn openssl_reads_every_level_and_every_signer() {
    let folder = TempDir::new().unwrap();
    let key = &*HEAD;
    let (certificate, algorithm) = (key.certificate(), key.algorithm());
    let options = SigningOptions::default;
    let beside =
        prepare_beside(&ARCHIVED, &Content::Inside, certificate, algorithm, options()).unwrap();
    let both = completed(beside, key);
    let counter = prepare_counter(&ARCHIVED, 0, certificate, algorithm, options()).unwrap();
    let countered = completed(counter, key);
    for cms in [&raised(&signed(true)), &ARCHIVED, &both, &countered] {
        // The made-up CRL and OCSP response are none for openssl.
        let mut message = read::whole(cms).unwrap();
        message.signed.crls = None;
        std::fs::write(folder.path().join("s.cms"), message.write().unwrap()).unwrap();
        let line = "cms -verify -binary -inform DER -in s.cms -out out -noverify";
        run(folder.path(), "openssl", &line.split(' ').collect::<Vec<_>>());
        assert_eq!(std::fs::read(folder.path().join("out")).unwrap(), CONTENT);
    }
}

#[test]
fn a_signer_that_openssl_added_stands_beside_ours() {
    let folder = TempDir::new().unwrap();
    let _ = rsa(folder.path());
    std::fs::write(folder.path().join("s.cms"), signed(true)).unwrap();
    let line = "cms -resign -binary -inform DER -in s.cms -outform DER -out t.cms -signer c.pem \
                -inkey k.pem -nodetach";
    let output = attempt(folder.path(), "openssl", &line.split_whitespace().collect::<Vec<_>>());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = read(&std::fs::read(folder.path().join("t.cms")).unwrap(), None).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(stands));
}

proptest! {
    #[test]
    fn a_flipped_octet_of_an_archived_message_is_no_panic_and_no_other_content(
        at in 0usize..5000, bit in 0u8..8
    ) {
        let mut cms = ARCHIVED.clone();
        let at = at % cms.len();
        cms[at] ^= 1 << bit;
        if let Ok(found) = read(&cms, None) {
            for found in found {
                prop_assert!(!stands(&found) || found.scope.octets == [CONTENT]);
            }
            let _ = (to_be_stamped(&cms, None, 0), to_be_archived(&cms, None, 0));
        }
    }
}
