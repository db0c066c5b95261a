//! The files of the national test authority, RSA and GOST, against what an independent reader
//! found in them (`kz/expected.json`).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use qoltanba::cms;
use qoltanba::crypto::{KeyKind, VerifyError, hex, verify};
use qoltanba::signature::FoundSignature;
use qoltanba::token::{KeyChoice, Pin, Pkcs12, Pkcs12Error, Signer as _, sign_checked};
use qoltanba::x509::ocsp::{OcspCheck, OcspResponse};
use qoltanba::x509::{
    Certificate, Crl, Freshness, PathRequest, Purpose, RevocationStatus, TrustStore,
    read_certificates, validate,
};
use qoltanba::xml;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

struct Corpus {
    folder: PathBuf,
    authorities: Vec<Certificate>,
    holders: Vec<Certificate>,
}

#[test]
fn every_file_of_the_national_test_authority() {
    let root = corpora_root();
    let root = Path::new(&root).join("kz");
    if !root.exists() {
        say("skipped: kz is not there; set QOLTANBA_CORPORA to the corpora");
        return;
    }
    let expected = std::fs::read(root.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let expected = expected.as_object().unwrap();
    let folder = root.join("nuca-test");
    let authorities = ["ca/nca_rsa_test.crt", "ca/nca_gost_test.crt", "ca/nca_gost2015_test.cer"];
    let authorities = authorities.map(|name| certificate(&folder.join(name))).to_vec();
    let keys = expected.iter().filter(|(_, about)| about["kind"] == "p12");
    let holders = keys
        .map(|(name, about)| holder(&folder.join(name), about["password"].as_str().unwrap()))
        .collect();
    let corpus = Corpus { folder, authorities, holders };

    let mut seen = 0;
    for (name, about) in expected {
        let octets = std::fs::read(corpus.folder.join(name)).unwrap();
        println!("{name}");
        match (about["kind"].as_str(), name.split('/').next().unwrap()) {
            (Some("cert"), _) => {
                corpus.certificate(&certificate(&corpus.folder.join(name)), &about["cert"]);
            }
            (Some("p12"), _) => {
                let certificate = key_file(&octets, about["password"].as_str().unwrap());
                let serial = about["certs"][0]["serial"].as_str().unwrap();
                assert_eq!(&certificate, corpus.holder(serial));
                corpus.certificate(&certificate, &about["certs"][0]);
            }
            (Some("crl"), _) => corpus.crl(&octets, about),
            (Some("ocsp"), _) => corpus.ocsp(&octets, about),
            (Some("cms"), _) => signed_message(&octets, about),
            (None | Some("xmldsig"), "signed") => signed_xml(name, &octets),
            (None, "tsp") => time_stamp(&octets),
            other => panic!("{name}: nobody knows {other:?}"),
        }
        seen += 1;
    }
    say(&format!("kz {seen}/{}", expected.len()));
    assert_eq!(seen, expected.len());
}

// Past the test runner, which keeps the words of a passing test to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Corpus {
    fn holder(&self, serial: &str) -> &Certificate {
        let mut all = self.holders.iter();
        all.find(|one| one.serial_hex().trim_start_matches('0') == serial).unwrap()
    }

    fn issuer(&self, leaf: &Certificate) -> Option<&Certificate> {
        self.authorities.iter().find(|one| one.subject().matches(leaf.issuer()))
    }

    fn certificate(&self, found: &Certificate, about: &Value) {
        let kind = match about["key"].as_str().unwrap() {
            "RSA" => "RSA-",
            "GOST2015-512" => "GOST R 34.10-2012 (512 bits)",
            "GOST2004-256" => "GOST 34.310-2004",
            other => panic!("{other}"),
        };
        assert!(found.public_key().kind.to_string().starts_with(kind));
        let Some(issuer) = self.issuer(found) else {
            // An authority, whose root is not among the files.
            assert!(self.authorities.contains(found));
            return;
        };
        assert!(about["issuerVerified"].as_str().is_some());
        let trust = TrustStore::new(self.authorities.clone(), Vec::new());
        let path = |leaf, at| {
            let request = PathRequest { purpose: Purpose::Any, ..PathRequest::new(leaf, &[], at) };
            validate(&trust, &request).map(|path| path.issuer().cloned())
        };
        let valid = found.not_before() + Duration::DAY;
        assert_eq!(path(found, valid).unwrap().as_ref(), Some(issuer));
        let late = path(found, found.not_after() + Duration::DAY).unwrap_err();
        assert_eq!(late.reason.code.as_str(), "expired");
        // The last octet belongs to the issuer's signature.
        let mut forged = found.der().to_vec();
        *forged.last_mut().unwrap() ^= 1;
        let forged = Certificate::from_der(&forged).unwrap();
        let refused = path(&forged, valid).unwrap_err();
        assert_eq!(refused.reason.code.as_str(), "untrusted-issuer");
    }

    fn crl(&self, octets: &[u8], about: &Value) {
        let crl = Crl::read(octets).unwrap();
        let mut issuers = self.authorities.iter();
        let issuer = issuers.find(|one| one.subject().matches(crl.issuer())).unwrap();
        assert_eq!(crl.verify(issuer.public_key(), crl.this_update()), Ok(()));
        let mut forged = octets.to_vec();
        let at = forged.len() - 1;
        forged[at] ^= 1;
        let forged = Crl::read(&forged).unwrap().verify(issuer.public_key(), crl.this_update());
        assert_eq!(forged, Err(VerifyError::Wrong));

        let revoked = about["revoked"].as_array().unwrap();
        assert_eq!(crl.len(), revoked.len());
        assert_eq!(crl.next_update().unwrap(), moment(&about["nextUpdate"]));
        for entry in revoked {
            let serial = serial(entry[0].as_str().unwrap());
            let found = crl.find(&serial, crl.issuer()).expect("a revoked serial is found");
            assert_eq!(found.since, moment(&entry[1]));
        }
    }

    fn ocsp(&self, octets: &[u8], about: &Value) {
        let certificate = self.holder(about["serial"].as_str().unwrap());
        let issuer = self.issuer(certificate).unwrap();
        let made = moment(&about["thisUpdate"]);
        let freshness = Freshness::default();
        let check = OcspCheck { certificate, issuer, nonce: None, at: made, now: made, freshness };
        let answer = OcspResponse::read(octets).unwrap().check(&check).unwrap();
        match about["status"].as_str().unwrap() {
            "revoked" => assert!(
                !matches!(answer.status, RevocationStatus::Good | RevocationStatus::Unknown),
                "{:?}",
                answer.status
            ),
            // Asked after the certificate had expired, so `good` proves nothing (RFC 6960 §4.4.4).
            _ => {
                assert_eq!(answer.status, RevocationStatus::Unknown);
                assert!(answer.note.unwrap().contains("had expired"));
            }
        }
        let year = octets.windows(5).position(|part| part == b"20220");
        let mut forged = octets.to_vec();
        forged[year.unwrap() + 3] ^= 1;
        assert!(OcspResponse::read(&forged).and_then(|one| one.check(&check)).is_err());
    }
}

// The key signs what its certificate verifies, and no file that was changed or cut is opened.
fn key_file(octets: &[u8], password: &str) -> Certificate {
    let open = |octets: &[u8], password: &str| Pkcs12::read(octets, &Pin::new(password.to_owned()));
    let file = open(octets, password).unwrap();
    assert_eq!(file.certificates().len(), 1);
    let keys = file.keys();
    assert_eq!(keys.len(), 1);
    let certificate = keys[0].certificate.clone().unwrap();
    // The authority names keys by their identifier.
    assert_eq!(certificate.subject_key_id(), Some(&*keys[0].id));
    assert_eq!(keys[0].label, hex(&keys[0].id));
    let signer = file.signer(&KeyChoice::Only).unwrap();
    assert_eq!(signer.certificate(), &certificate);
    sign_checked(&signer, "құжат".as_bytes()).unwrap();

    assert_eq!(open(octets, "Qwerty13").unwrap_err(), Pkcs12Error::WrongPassword);
    for end in (0..octets.len()).step_by(7) {
        let refused = open(&octets[..end], password).unwrap_err();
        assert!(matches!(refused, Pkcs12Error::Malformed(_)), "{end}: {refused}");
    }
    for at in (0..octets.len()).step_by(11) {
        let mut changed = octets.to_vec();
        changed[at] ^= 1;
        if let Ok(file) = open(&changed, password) {
            assert_eq!(file.keys()[0].public_key, keys[0].public_key);
        }
    }
    certificate
}

fn signed_message(octets: &[u8], about: &Value) {
    // The expected file has the SHA-256 of the detached content; this is the content.
    let detached = about["detachedContent"].as_str().map(|_| &b"test123"[..]);
    let found = cms::read(octets, detached).unwrap();
    let signers = about["signers"].as_array().unwrap();
    assert_eq!(found.len(), signers.len());
    for (found, expected) in found.iter().zip(signers) {
        let serial = found.certificate.as_ref().unwrap().serial_hex();
        assert_eq!(expected["serial"], serial.trim_start_matches('0'));
        let oids = found.algorithm.as_ref().unwrap().row().oids;
        assert!(oids.contains(&expected["sigAlg"].as_str().unwrap()));
        stands(found);
    }
    if detached.is_some() {
        for found in cms::read(octets, Some(b"test124")).unwrap() {
            assert!(!found.faults.is_empty());
        }
    }
}

fn signed_xml(name: &str, octets: &[u8]) {
    let found = xml::read(octets, None);
    let wanted = match name.rsplit('.').nth(1).unwrap() {
        "XML_SIGNED_VALID_STRING" => 1,
        "XML_SIGNED_VALID_STRING_TWO_SIGNERS" => 2,
        "XML_INVALID_STRING" => return assert!(found.is_err()),
        _ => 0,
    };
    let found = found.unwrap();
    assert_eq!(found.len(), wanted);
    found.iter().for_each(stands);
}

// A token, alone or inside a response, is a CMS signature over what it states.
fn time_stamp(octets: &[u8]) {
    let signed_data = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let kind = octets.windows(signed_data.len()).position(|part| part == signed_data).unwrap();
    // The header of the sequence before the identifier: 30 82 and a length of two octets.
    let found = cms::read(&octets[kind - 4..], None).unwrap();
    assert_eq!(found.len(), 1);
    stands(&found[0]);
}

fn stands(found: &FoundSignature) {
    assert_eq!(found.faults, vec![]);
    let key = found.certificate.as_ref().unwrap().public_key();
    let algorithm = *found.algorithm.as_ref().unwrap();
    let check =
        |octets: &[u8], value: &[u8]| verify(algorithm, found.value_form, key, octets, value);
    assert_eq!(check(&found.signed_octets, &found.value), Ok(()));
    let mut value = found.value.clone();
    value[0] ^= 1;
    assert_eq!(check(&found.signed_octets, &value), Err(VerifyError::Wrong));
    assert_eq!(check(b"other", &found.value), Err(VerifyError::Wrong));
    // The halves, or their octets, in the other order: RFC 9215 reads them so, and nobody here.
    if matches!(key.kind, KeyKind::Gost(_)) {
        let mut value = found.value.clone();
        value.reverse();
        assert_eq!(check(&found.signed_octets, &value), Err(VerifyError::Wrong));
    }
}

fn certificate(path: &Path) -> Certificate {
    Certificate::from_der_or_pem(&std::fs::read(path).unwrap()).unwrap()
}

// The certificate of a PKCS#12 file, read by openssl.
fn holder(file: &Path, password: &str) -> Certificate {
    let output = Command::new("openssl")
        .args(["pkcs12", "-legacy", "-nokeys", "-passin", &format!("pass:{password}"), "-in"])
        .arg(file)
        .output()
        .unwrap();
    read_certificates(&output.stdout).unwrap().remove(0)
}

fn moment(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap()
}

fn serial(text: &str) -> Vec<u8> {
    let even = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
    let mut octets: Vec<u8> = (0..even.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&even[at..at + 2], 16).unwrap())
        .collect();
    if octets[0] >= 0x80 {
        octets.insert(0, 0);
    }
    octets
}

fn corpora_root() -> String {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora");
    std::env::var("QOLTANBA_CORPORA").unwrap_or_else(|_| beside.to_owned())
}
