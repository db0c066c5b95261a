//! Path validation and CRLs against NIST PKITS and x509-limbo, which nobody here wrote.
//!
//! `data/x509-divergences.json` lists the cases that end otherwise than their corpus says, each
//! with its reason. A case that ends otherwise and is not listed fails the test, and so does a
//! listed one that ends as its corpus says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qoltanba::x509::{
    Certificate, Fetch, FetchError, PathRequest, PolicyRequest, Purpose, RevocationChecker,
    RevocationConfig, RevocationMethod, RevocationMode, RevocationSource, RevocationStatus,
    TrustStore, validate,
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
    let root = corpora_root();
    let path = Path::new(&root).join(name);
    if !path.exists() {
        say(&format!("skipped: {name} is not there; set QOLTANBA_CORPORA to the corpora"));
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
    let right = results.len() - listed.len();
    say(&format!("{corpus} {right}/{} ({outside} out of scope)", results.len()));
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
    // The profile of the CA/Browser Forum is one of end entities with a named usage; what is not
    // of it asks for a usage only where the case says so.
    let usages = strings(&case["extended_key_usage"]);
    let of_profile = case["id"].as_str().is_some_and(|id| id.starts_with("webpki::"));
    let default = match case["validation_kind"].as_str() {
        Some("CLIENT") if of_profile => Some("clientAuth"),
        Some(_) if of_profile => Some("serverAuth"),
        _ => None,
    };
    let purpose = match usages.first().map(String::as_str).or(default) {
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

fn corpora_root() -> String {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora");
    std::env::var("QOLTANBA_CORPORA").unwrap_or_else(|_| beside.to_owned())
}

/// Prints a line that the test runner does not swallow.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}
