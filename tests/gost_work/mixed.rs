//! GOST and RSA in one document.

use qoltanba::crypto::DigestAlgorithm;
use qoltanba::signature::Stamped;
use qoltanba::validation::{SignatureReport, TimeSource, Verdict};
use qoltanba::x509::RevocationMethod;
use qoltanba::{pdf, xml};
use rasn::prelude::SetOf;

use crate::kit;
use crate::place::{GOST, forged, judged, message, now, printed, rewritten, stamp, stamped};

const GOST_NAME: &str = "GOST R 34.10-2012 (512 bits) with Streebog-512";
const RSA_NAME: &str = "RSASSA-PKCS1-v1_5 with SHA-256";

const ORDER: [RevocationMethod; 2] = [RevocationMethod::Ocsp, RevocationMethod::Crl];

fn both(document: &[u8]) -> Vec<SignatureReport> {
    // Tokens first: this process may start anew.
    let rsa = kit::world();
    let _ = kit::double();
    judged(&[rsa, &GOST.world], &ORDER, document)
}

#[track_caller]
fn all(reports: &[SignatureReport], verdict: Verdict, algorithms: [&str; 2]) {
    assert_eq!(reports.len(), 2);
    for report in reports {
        assert_eq!(report.verdict, verdict, "{}: {:?}", report.algorithm, report.reasons);
    }
    let mut found: Vec<_> = reports.iter().map(|report| report.algorithm.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, algorithms);
}

#[test]
fn one_cms_with_an_rsa_and_a_gost_signer() {
    let rsa = kit::world().signer("first-head").unwrap();
    let gost = GOST.world.signer("first-head").unwrap();
    let content = "мәтін".as_bytes();
    let other: rasn_cms::ContentInfo = rasn::der::decode(&message(content, &gost)).unwrap();
    let other: rasn_cms::SignedData = rasn::der::decode(other.content.as_bytes()).unwrap();
    let together = rewritten(&message(content, &rsa), |signed| {
        macro_rules! join {
            ($($field:ident).+) => {{
                let own = signed.$($field).+.to_vec();
                let theirs = other.$($field).+.to_vec();
                SetOf::from_vec(own.into_iter().chain(theirs).cloned().collect())
            }};
        }
        let (own, theirs) = (signed.certificates.take().unwrap(), other.certificates.clone());
        let theirs = theirs.unwrap();
        let certificates = own.to_vec().into_iter().chain(theirs.to_vec()).cloned().collect();
        signed.certificates = Some(SetOf::from_vec(certificates));
        signed.digest_algorithms = join!(digest_algorithms);
        signed.signer_infos = join!(signer_infos);
    });
    all(&both(&together), Verdict::TotalPassed, [GOST_NAME, RSA_NAME]);
    all(&both(&forged("CMS", &together)), Verdict::TotalFailed, [GOST_NAME, RSA_NAME]);
    // Who trusts one hierarchy only is told so of the other signer.
    let gost = judged(&[&GOST.world], &ORDER, &together);
    let passed = |report: &&SignatureReport| report.verdict == Verdict::TotalPassed;
    assert_eq!(gost.iter().filter(passed).count(), 1);
}

#[test]
fn an_xml_signed_with_rsa_and_then_with_gost() {
    let rsa = kit::world().signer("first-head").unwrap();
    let gost = GOST.world.signer("officer-head").unwrap();
    let options = xml::SigningOptions::new(now());
    let once = xml::sign("<хат>мәтін</хат>".as_bytes(), &rsa, &options).unwrap();
    let twice = xml::sign(&once, &gost, &options).unwrap();
    all(&both(&twice), Verdict::TotalPassed, [GOST_NAME, RSA_NAME]);
    all(&both(&forged("XML", &twice)), Verdict::TotalFailed, [GOST_NAME, RSA_NAME]);
}

#[test]
fn a_licence_pdf_signed_with_gost_under_an_rsa_time_stamp() {
    let world = kit::world();
    let _ = kit::double();
    let gost = GOST.world.signer("officer-head").unwrap();
    let signed = pdf::sign(&printed(), &gost, &pdf::SigningOptions::at(now())).unwrap();
    let sha256 = DigestAlgorithm::Sha256;
    let Stamped::Octets(value) = pdf::to_be_stamped(&signed, None, 0).unwrap() else {
        panic!("the value of a signature is short");
    };
    let token = stamp(world, sha256, &value);
    let mut document = pdf::with_timestamp(&signed, 0, token.der()).unwrap();
    let [report] = &both(&document)[..] else { panic!("one signature") };
    assert_eq!(report.verdict, Verdict::TotalPassed, "{:?}", report.reasons);
    assert_eq!(report.algorithm, GOST_NAME);
    assert!(report.timestamps[0].valid, "{:?}", report.timestamps);
    assert_eq!(report.trusted_time.source, TimeSource::TimeStamp);

    // A time-stamp over something else moves nothing.
    restamp(&mut document, |message| stamped(message, |_| stamp(world, sha256, b"else")));
    let [report] = &both(&document)[..] else { panic!("one signature") };
    assert!(!report.timestamps[0].valid);
    assert_eq!(report.trusted_time.source, TimeSource::Now);
}

/// Changes the CMS in the gap of the only signature of a PDF.
fn restamp(document: &mut [u8], change: impl FnOnce(&[u8]) -> Vec<u8>) {
    let start = document.windows(11).position(|part| part == b"/Contents <").unwrap() + 11;
    let end = start + document[start..].iter().position(|octet| *octet == b'>').unwrap();
    let digit = |octet: u8| char::from(octet).to_digit(16).unwrap() as u8;
    let octets: Vec<u8> =
        document[start..end].chunks(2).map(|two| digit(two[0]) << 4 | digit(two[1])).collect();
    // A SEQUENCE with a length of two octets, then zeros.
    let length = 4 + usize::from(octets[2]) * 256 + usize::from(octets[3]);
    let changed = qoltanba::crypto::hex(&change(&octets[..length]));
    document[start..end].fill(b'0');
    document[start..start + changed.len()].copy_from_slice(changed.as_bytes());
}
