//! Path validation and CRLs against NIST PKITS and x509-limbo, which nobody here wrote.
//!
//! `data/x509-divergences.json` lists the cases that end otherwise than their corpus says, each
//! with its reason. A case that ends otherwise and is not listed fails the test, and so does a
//! listed one that ends as its corpus says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qoltanba::crypto::VerifyError;
use qoltanba::x509::ocsp::{OcspCheck, OcspError, OcspResponse};
use qoltanba::x509::{
    Certificate, Crl, Fetch, FetchError, Freshness, PathRequest, PolicyRequest, Purpose,
    RevocationChecker, RevocationConfig, RevocationMethod, RevocationMode, RevocationSource,
    RevocationStatus, TrustStore, read_certificates, validate,
};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

#[derive(Deserialize)]
struct Divergence {
    case: String,
    expected: String,
    got: String,
    reason: String,
    #[serde(default)]
    out_of_scope: bool,
}

struct Nobody;

impl Fetch for Nobody {
    fn get(&self, url: &str, _: usize) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::NotAllowed(url.to_owned()))
    }

    fn post(&self, url: &str, _: &str, _: &[u8], _: usize) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::NotAllowed(url.to_owned()))
    }
}

struct Case<'a> {
    trust: TrustStore,
    request: PathRequest<'a>,
    crls: Vec<PathBuf>,
    revocation: bool,
}

impl Case<'_> {
    fn run(self) -> Result<(), String> {
        let path = validate(&self.trust, &self.request).map_err(|failure| failure.to_string())?;
        if !self.revocation {
            return Ok(());
        }
        let config = RevocationConfig {
            mode: RevocationMode::Offline,
            order: vec![RevocationMethod::Crl],
            crl_files: self.crls,
            trust: Some(Arc::new(self.trust)),
            ..RevocationConfig::default()
        };
        let checker = RevocationChecker::new(config, Arc::new(Nobody));
        for (certificate, issuer) in path.links() {
            let answer = checker.ask(certificate, issuer, self.request.at, self.request.at);
            if answer.status != RevocationStatus::Good {
                let why = answer.why.unwrap_or_default();
                return Err(format!("{certificate:?}: {:?} {why}", answer.status));
            }
        }
        Ok(())
    }
}

/// Results by case: whether it was accepted, and why not.
type Results = BTreeMap<String, (bool, Result<(), String>)>;

fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var("QOLTANBA_CORPORA").unwrap_or("/work/shared/corpora".to_owned());
    let path = Path::new(&root).join(name);
    if !path.exists() {
        println!("skipped: {name} is not there; set QOLTANBA_CORPORA to the corpora");
        return None;
    }
    Some(path)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// Compares with the listed divergences; gives the number of cases that count as right, and of
/// those out of scope.
fn settle(corpus: &str, results: &Results) -> (usize, usize) {
    let listed: BTreeMap<String, Vec<Divergence>> =
        serde_json::from_str(include_str!("data/x509-divergences.json")).unwrap();
    let listed = &listed[corpus];
    let mut wrong = Vec::new();
    for (case, (expected, got)) in results {
        let known = listed.iter().find(|one| one.case == *case);
        match (got.is_ok() == *expected, known) {
            (false, None) => wrong.push(format!("{case}: expected {expected}, got {got:?}")),
            (true, Some(_)) => wrong.push(format!("{case}: no longer diverges")),
            (false, Some(known)) => {
                assert_eq!(known.expected, if *expected { "valid" } else { "invalid" }, "{case}");
                assert_eq!(known.got, if got.is_ok() { "valid" } else { "invalid" }, "{case}");
                assert!(!known.reason.is_empty(), "{case} has no reason");
            }
            (true, None) => {}
        }
    }
    for known in listed.iter().filter(|known| !results.contains_key(&known.case)) {
        wrong.push(format!("{}: no such case", known.case));
    }
    let outside = listed.iter().filter(|known| known.out_of_scope).count();
    println!(
        "{corpus} {}/{} ({outside} out of scope)",
        results.len() - listed.len(),
        results.len()
    );
    assert!(wrong.is_empty(), "{} of {corpus}:\n{}", wrong.len(), wrong.join("\n"));
    (results.len() - listed.len(), outside)
}

#[test]
fn pkits() {
    let Some(folder) = corpus("pkits") else { return };
    let certificate = |name: &str| {
        Certificate::from_der(&std::fs::read(folder.join("certs").join(name)).unwrap()).unwrap()
    };
    let mut results = Results::new();
    let mut passing = Vec::new();
    for case in json(&folder.join("pkits.json")).as_array().unwrap() {
        let leaf = certificate(case["cert"].as_str().unwrap());
        let others = strings(&case["other_certs"]).iter().map(|name| certificate(name)).collect();
        let params = &case["params"];
        let acceptable = strings(&params["user_initial_policy_set"]);
        let acceptable: Vec<&str> = acceptable.iter().map(String::as_str).collect();
        let flag = |name: &str| params[name].as_bool() == Some(true);
        let mut crls = strings(&case["crls"]);
        crls.push("TrustAnchorRootCRL.crl".to_owned());
        let policies = PolicyRequest {
            acceptable: &acceptable,
            explicit: flag("initial_explicit_policy"),
            inhibit_mapping: flag("initial_policy_mapping_inhibit"),
            inhibit_any: flag("initial_any_policy_inhibit"),
        };
        let request = PathRequest::new(&leaf, &[], datetime!(2026-11-21 0:00 UTC));
        let run = Case {
            trust: TrustStore::new(vec![certificate("TrustAnchorRootCertificate.crt")], others),
            request: PathRequest { policies, ..request },
            crls: crls.iter().map(|name| folder.join("crls").join(name)).collect(),
            revocation: true,
        };
        let name = format!("{} {}", case["id"].as_str().unwrap(), case["name"].as_str().unwrap());
        let got = run.run();
        if let (Some(class), Err(why)) = (case["error"]["class"].as_str(), &got) {
            // Refused for the reason it was made for, and not for something in passing.
            let expected = match class {
                "RevokedError" => " { at: ",
                "InsufficientRevinfoError" | "StaleRevinfoError" => "Unknown",
                _ => "-",
            };
            if !why.contains(expected) {
                passing.push(format!("{name}: {class}, got {why}"));
            }
        }
        results.insert(name, (case.get("error").is_none(), got));
    }
    assert!(passing.is_empty(), "{}", passing.join("\n"));
    assert_eq!(results.len(), 246);
    settle("pkits", &results);
}

#[test]
fn x509_limbo() {
    let Some(folder) = corpus("x509-limbo") else { return };
    let mut results = Results::new();
    for case in json(&folder.join("limbo.json"))["testcases"].as_array().unwrap() {
        let name = case["id"].as_str().unwrap().to_owned();
        let expected = case["expected_result"] == "SUCCESS";
        results.insert(name, (expected, limbo(case)));
    }
    assert_eq!(results.len(), 193);
    settle("x509-limbo", &results);
}

fn limbo(case: &Value) -> Result<(), String> {
    let read =
        |pem: &str| Certificate::from_der_or_pem(pem.as_bytes()).map_err(|error| error.to_string());
    let several = |list: &Value| -> Vec<Certificate> {
        strings(list).iter().filter_map(|pem| read(pem).ok()).collect()
    };
    let leaf = read(case["peer_certificate"].as_str().unwrap())?;
    let extra = several(&case["untrusted_intermediates"]);
    let at = case["validation_time"].as_str();
    let at = at
        .map_or(datetime!(2026-11-21 0:00 UTC), |at| OffsetDateTime::parse(at, &Rfc3339).unwrap());
    let purpose = match strings(&case["extended_key_usage"]).first().map(String::as_str) {
        None => Purpose::Any,
        Some("serverAuth") => Purpose::Extended("1.3.6.1.5.5.7.3.1"),
        Some("clientAuth") => Purpose::Extended("1.3.6.1.5.5.7.3.2"),
        Some(other) => panic!("{other}"),
    };
    let mut request = PathRequest { purpose, ..PathRequest::new(&leaf, &extra, at) };
    if let Some(depth) = case["max_chain_depth"].as_u64() {
        request.intermediates = request.intermediates.min(depth as usize);
    }
    let directory = tempfile::tempdir().unwrap();
    let mut crls = Vec::new();
    for (number, pem) in strings(&case["crls"]).iter().enumerate() {
        crls.push(directory.path().join(format!("{number}.crl")));
        std::fs::write(&crls[number], pem).unwrap();
    }
    let anchors = several(&case["trusted_certs"]);
    let revocation = !crls.is_empty();
    Case { trust: TrustStore::new(anchors, Vec::new()), request, crls, revocation }.run()
}

// The bytes of the national test authority. What its RSA keys signed verifies; what its GOST keys
// signed is unsupported by name, never valid and never invalid.
#[test]
fn national_test_authority() {
    let Some(folder) = corpus("kz") else { return };
    let expected = json(&folder.join("expected.json"));
    let folder = folder.join("nuca-test");
    let read = |name: &str| {
        let octets = std::fs::read(folder.join(name)).unwrap();
        (Certificate::from_der_or_pem(&octets).unwrap(), octets)
    };
    let authorities = ["ca/nca_rsa_test.crt", "ca/nca_gost_test.crt", "ca/nca_gost2015_test.cer"];
    let authorities = authorities.map(|name| read(name).0);
    let trust = TrustStore::new(authorities.to_vec(), Vec::new());
    let issuer = |serial: &str| {
        let held =
            expected.as_object().unwrap().values().find(|one| one["cert"]["serial"] == serial);
        held.map(|held| held["cert"]["issuerVerified"].as_str().map(str::to_owned))
    };

    let mut seen = (0, 0);
    for name in ["individual_valid_sign_2004_rsa", "individual_valid_sign_2004_rsa_auth"] {
        let (leaf, _) = read(&format!("certs/{name}.cer"));
        assert!(issuer(&leaf.serial_hex()).unwrap().unwrap().contains("RSA"));
        let at = datetime!(2022-06-01 0:00 UTC);
        let request = |purpose, at| PathRequest { purpose, ..PathRequest::new(&leaf, &[], at) };
        let path = validate(&trust, &request(Purpose::Any, at)).unwrap();
        assert_eq!(path.issuer(), Some(&authorities[0]));
        let documents = validate(&trust, &request(Purpose::Documents, at));
        assert_eq!(documents.is_ok(), !name.ends_with("auth"), "{name}");
        let late = validate(&trust, &request(Purpose::Any, datetime!(2023-06-01 0:00 UTC)));
        assert_eq!(late.unwrap_err().reason.code.as_str(), "expired");
        seen.0 += 1;
    }
    let (leaf, _) = read("certs/ceo_valid_sign_2004_gost.cer");
    let at = datetime!(2022-06-01 0:00 UTC);
    let failure = validate(&trust, &PathRequest::new(&leaf, &[], at)).unwrap_err();
    assert_eq!(
        failure.reason.to_string(),
        "unsupported-algorithm: GOST 34.310-2004 with GOST 34.311-95"
    );

    let holders: Vec<Certificate> = expected
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, about)| about["kind"] == "p12")
        .map(|(name, about)| holder(&folder.join(name), about["password"].as_str().unwrap()))
        .collect();
    for (name, about) in expected.as_object().unwrap() {
        let octets = || std::fs::read(folder.join(name)).unwrap();
        if about["kind"] == "crl" {
            let crl = Crl::read(&octets()).unwrap();
            let revoked = about["revoked"].as_array().unwrap();
            assert_eq!(crl.len(), revoked.len(), "{name}");
            let next = about["nextUpdate"].as_str().unwrap();
            assert_eq!(crl.next_update(), OffsetDateTime::parse(next, &Rfc3339).ok());
            for entry in revoked {
                let serial = unhex(entry[0].as_str().unwrap());
                let found = crl.find(&serial, crl.issuer()).expect("a revoked serial is found");
                let since = OffsetDateTime::parse(entry[1].as_str().unwrap(), &Rfc3339).unwrap();
                assert_eq!(found.since, since, "{name}");
            }
            let mut issuers = authorities.iter();
            let issuer = issuers.find(|one| one.subject().matches(crl.issuer())).unwrap();
            match crl.verify(issuer.public_key(), crl.this_update()) {
                Ok(()) => {
                    assert_eq!(issuer, &authorities[0], "{name}");
                    let mut octets = octets();
                    octets[100] ^= 1;
                    let flipped = Crl::read(&octets)
                        .map(|crl| crl.verify(issuer.public_key(), crl.this_update()).is_ok());
                    assert_ne!(flipped, Ok(true), "{name} with a bit flipped");
                }
                Err(VerifyError::Unsupported(error)) => {
                    assert_ne!(issuer, &authorities[0], "{name}");
                    assert!(error.name.starts_with("GOST"), "{name}: {error}");
                }
                Err(error) => panic!("{name}: {error}"),
            }
            seen.1 += 1;
        }
        if about["kind"] == "ocsp" {
            let serial = about["serial"].as_str().unwrap();
            let leaf = holders
                .iter()
                .find(|one| one.serial_hex().trim_start_matches('0') == serial)
                .unwrap();
            let mut issuers = authorities.iter();
            let issuer = issuers.find(|one| one.subject().matches(leaf.issuer())).unwrap();
            let made =
                OffsetDateTime::parse(about["thisUpdate"].as_str().unwrap(), &Rfc3339).unwrap();
            let freshness = Freshness::default();
            let check = OcspCheck {
                certificate: leaf,
                issuer,
                nonce: None,
                at: made,
                now: made,
                freshness,
            };
            let mut octets = octets();
            match OcspResponse::read(&octets).unwrap().check(&check) {
                // Asked after the certificate had expired, so `good` proves nothing (RFC 6960
                // §4.4.4); but the signature is right, and the responder authorised.
                Ok(answer) => {
                    assert_eq!((issuer, about["status"].as_str()), (&authorities[0], Some("good")));
                    assert_eq!(answer.status, RevocationStatus::Unknown, "{name}");
                    assert!(answer.note.unwrap().contains("had expired"));
                    let place =
                        octets.windows(15).position(|part| part.ends_with(b"2022Z")).unwrap_or(90);
                    octets[place] ^= 1;
                    let flipped = OcspResponse::read(&octets).and_then(|one| one.check(&check));
                    assert!(flipped.is_err());
                }
                Err(OcspError::Unsupported(algorithm)) => {
                    assert_ne!(issuer, &authorities[0]);
                    assert!(algorithm.starts_with("GOST"), "{algorithm}");
                }
                Err(error) => panic!("{name}: {error}"),
            }
            seen.1 += 1;
        }
    }
    assert_eq!(seen, (2, 7));
}

// The certificate of a PKCS#12 file, read by openssl.
fn holder(file: &Path, password: &str) -> Certificate {
    let output = std::process::Command::new("openssl")
        .args(["pkcs12", "-legacy", "-nokeys", "-passin", &format!("pass:{password}"), "-in"])
        .arg(file)
        .output()
        .unwrap();
    read_certificates(&output.stdout).unwrap().remove(0)
}

fn unhex(text: &str) -> Vec<u8> {
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
