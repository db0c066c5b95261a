//! Responders and CRL servers that misbehave: what the verdict is, and that the report says why.
//! The command line for the same services.

mod kit;

use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use qoltanba::pki::double::{How, Service};
use qoltanba::text::Language;
use qoltanba::validation::{
    Diagnostic, Question, SignatureReport, SubIndication, Verdict, Verified, Verifier,
};
use qoltanba::x509::{
    HttpFetch, RevocationChecker, RevocationConfig, RevocationMethod, RevocationSource, TrustStore,
};
use qoltanba::xml;
use time::OffsetDateTime;

/// Standing orders belong to the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ORDERS: Mutex<()> = Mutex::new(());
    let guard = ORDERS.lock().unwrap_or_else(PoisonError::into_inner);
    // A test that failed may have left its order.
    for service in [Service::Ocsp, Service::Crl] {
        kit::double().misbehave(service, How::None, 1.0, None);
    }
    guard
}

fn signed() -> &'static [u8] {
    static SIGNED: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let signer = kit::world().signer("person").unwrap();
        let options = xml::SigningOptions::new(OffsetDateTime::now_utc());
        xml::sign("<request>өтініш</request>".as_bytes(), &signer, &options).unwrap()
    });
    &SIGNED
}

fn checker(order: &[RevocationMethod]) -> RevocationChecker {
    let host = kit::world().base_url().trim_start_matches("http://").to_owned();
    let config = RevocationConfig {
        order: order.to_vec(),
        allowed_hosts: vec![host],
        pause_after_failure: time::Duration::ZERO,
        trust: Some(Arc::new(trust())),
        ..RevocationConfig::default()
    };
    // The slow double takes three seconds.
    let fetch = HttpFetch::within(&config.allowed_hosts, Duration::from_millis(800));
    RevocationChecker::new(config, Arc::new(fetch))
}

fn trust() -> TrustStore {
    let world = kit::world();
    let certificate = |id| world.certificate(id).unwrap();
    TrustStore::new(vec![certificate("root")], vec![certificate("ca")])
}

/// Judges the signed document while the doubles misbehave.
fn judged(order: &[RevocationMethod]) -> SignatureReport {
    judge(order, signed()).report.signatures.into_iter().next().unwrap()
}

fn judge(order: &[RevocationMethod], document: &[u8]) -> Verified {
    let source: Arc<dyn RevocationSource> = Arc::new(checker(order));
    let verifier = Verifier::new(trust(), Some(source));
    let question = Question {
        document,
        content: None,
        at: None,
        now: OffsetDateTime::now_utc(),
        purpose: Default::default(),
        language: Language::En,
    };
    verifier.verify(&question).unwrap()
}

/// Whether the report a person reads says this of the signer's own certificate.
fn says(report: &SignatureReport, wanted: &str) -> bool {
    report.reasons.iter().any(|reason| {
        reason.code.as_str() == "revocation-unknown"
            && !reason.detail.starts_with("issuer ")
            && reason.detail.contains(wanted)
    })
}

#[test]
fn a_misbehaving_responder_leaves_the_verdict_open_and_the_report_says_why() {
    let (double, _alone) = (kit::double(), alone());
    let only = [RevocationMethod::Ocsp];
    for (how, why) in [
        (How::Down, "answered with status 503"),
        (How::Closed, "does not answer"),
        (How::Slow, "did not answer in time"),
        (How::Stale, "the response is stale"),
        (How::WrongSignature, "the signature of the response is wrong"),
        (How::WrongNonce, "the nonce of the response is not the one sent"),
        (How::WrongCertId, "the response is about another certificate"),
        (How::Garbage, "not an OCSP response"),
        (How::Unknown, "does not know this certificate"),
    ] {
        double.misbehave(Service::Ocsp, how, 1.0, None);
        let report = judged(&only);
        let and_crl = judged(&[RevocationMethod::Ocsp, RevocationMethod::Crl]);
        double.misbehave(Service::Ocsp, How::None, 1.0, None);
        assert_eq!(report.verdict, Verdict::Indeterminate, "{how:?}");
        assert_eq!(report.sub_indication, Some(SubIndication::TryLater), "{how:?}");
        assert!(says(&report, why), "{how:?}: {:?}", report.reasons);
        // The CRL answers in its place.
        let verdict = (and_crl.verdict, and_crl.revocation.source.as_str());
        assert_eq!(verdict, (Verdict::TotalPassed, "crl"), "{how:?}: {:?}", and_crl.reasons);
    }
    let behaved = judged(&[RevocationMethod::Ocsp, RevocationMethod::Crl]);
    let verdict = (behaved.verdict, behaved.revocation.source.as_str());
    assert_eq!(verdict, (Verdict::TotalPassed, "ocsp"));
}

#[test]
fn a_misbehaving_crl_server_leaves_the_verdict_open_and_the_report_says_why() {
    let (double, _alone) = (kit::double(), alone());
    let only = [RevocationMethod::Crl];
    for (how, why) in [
        (How::Down, "answered with status 503"),
        (How::Closed, "does not answer"),
        (How::Slow, "did not answer in time"),
        (How::Stale, "the CRL is stale"),
        (How::WrongSignature, "the signature of the CRL is wrong"),
        (How::Garbage, "not a CRL"),
        (How::Unknown, "answered with status 404"),
    ] {
        double.misbehave(Service::Crl, how, 1.0, None);
        let report = judged(&only);
        let and_ocsp = judged(&[RevocationMethod::Crl, RevocationMethod::Ocsp]);
        double.misbehave(Service::Crl, How::None, 1.0, None);
        assert_eq!(report.verdict, Verdict::Indeterminate, "{how:?}");
        assert_eq!(report.sub_indication, Some(SubIndication::TryLater), "{how:?}");
        assert!(says(&report, why), "{how:?}: {:?}", report.reasons);
        // The responder answers for the signer; the authority names no responder, so that its own
        // status stays open.
        let told = (and_ocsp.revocation.status.as_str(), and_ocsp.revocation.source.as_str());
        assert_eq!(told, ("good", "ocsp"), "{how:?}: {:?}", and_ocsp.reasons);
        assert!(and_ocsp.reasons.iter().all(|one| one.detail.starts_with("issuer ")), "{how:?}");
    }
    assert_eq!(judged(&only).verdict, Verdict::TotalPassed);
}

#[test]
fn a_delta_that_needs_a_newer_base_is_left_out() {
    let (double, _alone) = (kit::double(), alone());
    // Only the first list asked for, the full one, is old; the delta refers to a newer one.
    double.misbehave(Service::Crl, How::Stale, 1.0, Some(1));
    let report = judged(&[RevocationMethod::Crl]);
    double.misbehave(Service::Crl, How::None, 1.0, None);
    assert_eq!(report.verdict, Verdict::Indeterminate, "{:?}", report.reasons);
    assert_eq!(report.sub_indication, Some(SubIndication::TryLater));
    let why = "a delta CRL was left out: it needs a newer base CRL";
    assert!(says(&report, why), "{:?}", report.reasons);
}

/// The date of an algorithm holds also where the signature was computed before.
#[test]
fn a_list_signed_with_sha1_is_not_believed_after_sha1_has_ended() {
    let dir = kit::scratch("sha1-crl");
    let path = |name: &str| dir.join(name).display().to_string();
    let config = format!(
        "[ca]\ndefault_ca=own\n[own]\ndatabase={}\ndefault_md=sha1\ndefault_crl_days=30\n\
         crlnumber={}\n",
        path("index"),
        path("number")
    );
    for (name, text) in [("config", config.as_str()), ("index", ""), ("number", "01\n")] {
        std::fs::write(path(name), text).unwrap();
    }
    let (key, certificate) = (path("key"), path("certificate"));
    let fixed = ["-nodes", "-days", "30", "-subj", "/CN=Old"];
    let make = ["req", "-x509", "-newkey", "rsa:2048", "-keyout", &key, "-out", &certificate];
    kit::run("openssl", &[&make[..], &fixed].concat());
    let list = path("list");
    let sign = ["ca", "-gencrl", "-config", &path("config"), "-keyfile", &key];
    kit::run("openssl", &[&sign[..], &["-cert", &certificate, "-out", &list]].concat());

    let issuer = qoltanba::x509::read_certificates(&std::fs::read(&certificate).unwrap()).unwrap();
    let list = qoltanba::x509::Crl::load(list.as_ref()).unwrap();
    let verified = |at| list.verify(issuer[0].public_key(), at);
    let (then, today) = (time::macros::datetime!(2012-01-01 0:00 UTC), OffsetDateTime::now_utc());
    assert_eq!(verified(then), Ok(()));
    let refused = verified(today).unwrap_err().to_string();
    assert!(refused.contains("SHA-1"), "{refused}");
    assert_eq!(verified(then), Ok(()), "and still for that time");
}

#[test]
fn a_stored_answer_that_its_evidence_does_not_bear_out_is_not_believed() {
    let (_double, _alone) = (kit::double(), alone());
    let signer = kit::world().signer("revoked").unwrap();
    let options = xml::SigningOptions::new(OffsetDateTime::now_utc());
    let document = xml::sign(b"<request/>", &signer, &options).unwrap();
    for order in [&[RevocationMethod::Ocsp, RevocationMethod::Crl][..], &[RevocationMethod::Crl]] {
        let verified = judge(order, &document);
        let stored = serde_json::to_value(verified.diagnostic()).unwrap();
        let replayed = |stored: &serde_json::Value| {
            let stored = Diagnostic::read(stored.to_string().as_bytes()).unwrap();
            stored.replay(None, Language::En).unwrap()
        };
        let same = replayed(&stored);
        assert_eq!(serde_json::to_value(same.diagnostic()).unwrap(), stored, "{order:?}");
        assert_eq!(same.report.signatures[0].reasons, verified.report.signatures[0].reasons);
        assert_eq!(verified.report.signatures[0].reasons[0].code.as_str(), "revoked");

        let mut changed = stored.clone();
        for answer in changed["answers"].as_array_mut().unwrap() {
            answer["status"] = serde_json::json!({ "is": "good" });
        }
        let report = &replayed(&changed).report.signatures[0];
        assert_eq!(report.sub_indication, Some(SubIndication::TryLater), "{order:?}");
        assert!(says(report, "the stored evidence says something else"), "{:?}", report.reasons);
    }
}

fn qoltanba(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_qoltanba")).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().unwrap(), text)
}

fn pem(id: &str) -> String {
    kit::world().dir().join(format!("certs/{id}.pem")).display().to_string()
}

#[test]
fn the_command_line_validates_looks_up_and_asks() {
    let (_double, _alone) = (kit::double(), alone());
    let dir = kit::scratch("x509-cli");
    let file = |name: &str| dir.join(name).display().to_string();
    let list = ureq::get(kit::world().addresses().crl()).call().unwrap();
    std::fs::write(file("full.crl"), list.into_body().read_to_vec().unwrap()).unwrap();

    // ocsp ask
    let ask = |id: &str, more: &[&str]| {
        let ca = pem("ca");
        qoltanba(&[&["ocsp", "ask", "--issuer", &ca][..], more, &[&pem(id)]].concat())
    };
    let (code, said) = ask("person", &["--out", &file("person.ocsp")]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("good"), "{said}");
    let (code, said) = ask("revoked", &["--json"]);
    assert_eq!(code, 1, "{said}");
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&json["status"], &json["reason"]), (&"revoked".into(), &"keyCompromise".into()));
    assert_eq!(ask("on-hold", &[]).0, 2);
    let (code, said) = ask("person", &["--url", "http://127.0.0.1:24999/"]);
    assert!(code == 2 && said.contains("does not answer"), "{code} {said}");

    // crl info, crl lookup
    let (code, said) = qoltanba(&["crl", "info", "--issuer", &pem("ca"), &file("full.crl")]);
    assert!(code == 0 && said.contains("signature  right"), "{code} {said}");
    let (code, said) = qoltanba(&["crl", "info", "--issuer", &pem("root"), &file("full.crl")]);
    assert!(code == 1 && said.contains("wrong"), "{code} {said}");
    let lookup = |how: &str, what: &str| {
        qoltanba(&["crl", "lookup", how, what, "--json", &file("full.crl")])
    };
    let serial = kit::world().entry("revoked").unwrap().serial.clone();
    for (how, what) in [("--certificate", pem("revoked")), ("--serial", serial)] {
        let (code, said) = lookup(how, &what);
        assert!(code == 1 && said.contains("keyCompromise"), "{code} {said}");
    }
    assert_eq!(lookup("--certificate", &pem("person")).0, 0);
    assert_eq!(lookup("--serial", "zz").0, 3);

    // x509 verify
    let verify = |id: &str, more: &[&str]| {
        let (root, ca) = (pem("root"), pem("ca"));
        let fixed = ["x509", "verify", "--trust", &root, "--intermediate", &ca];
        qoltanba(&[&fixed[..], more, &[&pem(id)]].concat())
    };
    let (code, said) = verify("person", &[]);
    assert!(code == 0 && said.starts_with("VALID") && said.contains("was not asked"), "{said}");
    let (code, said) = verify("person", &["--ocsp", &file("person.ocsp"), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json["revocation"][0]["status"], "good");
    assert_eq!(json["path"].as_array().unwrap().len(), 3);
    // Nothing was given about the authority itself.
    assert_eq!((code, &json["verdict"]), (2, &"indeterminate".into()), "{said}");
    let (code, said) = verify("revoked", &["--crl", &file("full.crl")]);
    assert!(code == 1 && said.contains("keyCompromise"), "{code} {said}");
    let (code, said) = verify("expired", &[]);
    assert!(code == 1 && said.contains("was valid until"), "{code} {said}");
    assert_eq!(verify("expired", &["--at", "not a time"]).0, 3, "usage");
    let (code, said) = verify("untrusted", &[]);
    assert!(code == 2 && said.starts_with("INDETERMINATE"), "{code} {said}");
    let (code, said) = verify("person", &["--crl", &pem("person")]);
    assert!(code == 3, "{code} {said}");
    // x509 verify under a policy
    let source = qoltanba::validation::Policy::built_in().unwrap().source().to_owned();
    let policy = |name: &str, from: &str, to: &str| {
        assert!(source.contains(from), "{from}");
        std::fs::write(file(name), source.replace(from, to)).unwrap();
        file(name)
    };
    let lists = ["--crl", &file("full.crl")];
    let under = |policy: &str, more: &[&str]| {
        verify("person", &[&["--policy", policy], &lists[..], more].concat())
    };
    let (code, said) = under("kz-2026", &["--json"]);
    assert_eq!(code, 2, "nothing was given about the authority: {said}");
    let patient =
        policy("patient.toml", "issuer-revocation = \"fail\"", "issuer-revocation = \"warn\"");
    let (code, said) = under(&patient, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &json["verdict"]), (0, &"valid".into()), "{said}");
    assert_eq!(json["policy"]["id"], "kz-2026");
    let octets = std::fs::read(&patient).unwrap();
    let digest = qoltanba::crypto::digest(qoltanba::crypto::DigestAlgorithm::Sha256, &octets);
    assert_eq!(json["policy"]["sha256"], qoltanba::crypto::hex(&digest));
    assert_eq!(json["warnings"][0]["code"], "revocation-unknown", "{said}");
    // The order of the policy: whoever takes only OCSP does not take the list.
    let only = policy("only-ocsp.toml", "order = [\"ocsp\", \"crl\"]", "order = [\"ocsp\"]");
    let (code, said) = under(&only, &[]);
    assert!(code == 2 && said.contains("policy kz-2026 version 1, SHA-256 "), "{code} {said}");
    let ended =
        source.replace("with SHA-256\"", "with SHA-256\"\nuntil = \"2020-01-01T00:00:00Z\"");
    std::fs::write(file("ended.toml"), ended).unwrap();
    let (code, said) = under(&file("ended.toml"), &[]);
    assert!(code == 2 && said.contains("is accepted until 2020-01-01 only"), "{code} {said}");
    let (code, said) = verify("revoked", &["--policy", &patient, "--crl", &file("full.crl")]);
    assert!(code != 0 && said.contains("keyCompromise"), "{code} {said}");
    assert_eq!(under("nobody", &[]).0, 3, "no such policy");
    assert_eq!(under(&file("full.crl"), &[]).0, 3, "no policy at all");
    assert_eq!(under(&patient, &["--purpose", "any"]).0, 3, "usage");
    let (_, help) = qoltanba(&["x509", "verify", "--help"]);
    assert!(help.contains("--policy <FILE|ID>") && help.contains("strict.toml"), "{help}");

    let tsp = [&["tsp", "stamp"][..], &["tsp", "verify"]];
    let others = [&["x509", "verify"][..], &["crl", "info"], &["crl", "lookup"], &["ocsp", "ask"]];
    for command in tsp.into_iter().chain(others) {
        let (code, said) = qoltanba(&[command, &["--help"]].concat());
        assert!(code == 0 && said.contains("Exit codes"), "{said}");
    }
}
