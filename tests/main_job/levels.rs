//! Requests and results at the level the operator wants, and signatures raised on the command
//! line.

use std::fs;

use qoltanba::config::{Config, RevocationSetting};
use qoltanba::pki::Algorithm;
use qoltanba::text::Language;
use qoltanba::validation::{Question, TimeSource, Verdict, Verified};
use serde_json::json;
use time::OffsetDateTime;

use crate::calm;
use crate::kit::service::{Service, Setup, free_port};
use crate::kit::walk::{Walk, once};
use crate::kit::{algorithm, world};

/// The double's policy of time-stamps: the national one for its keys.
fn policy() -> &'static str {
    match algorithm() {
        Algorithm::Gost => "1.2.398.3.3.2.6.4",
        Algorithm::Rsa | Algorithm::P256 => "1.2.398.3.3.2.6.2",
    }
}

fn with_level(level: &str, authority: &str) -> Setup {
    let mut setup = Setup::default();
    setup.revocation += &format!(
        "\n[time-stamps]\nauthorities = [\"{authority}\"]\npolicy = \"{}\"\n\
         level = \"{level}\"\n",
        policy()
    );
    setup
}

/// Judged with nobody to ask.
fn offline(service: &Service, document: &[u8]) -> Verified {
    let mut config = Config::load(&service.dir().join("qoltanba.toml")).unwrap();
    config.revocation.mode = RevocationSetting::Offline;
    let question = Question {
        document,
        content: None,
        at: None,
        now: OffsetDateTime::now_utc(),
        purpose: Default::default(),
        language: Language::En,
    };
    config.verifier(&[]).unwrap().verify(&question).unwrap()
}

#[test]
fn request_and_result_are_kept_at_the_level_the_operator_wants() {
    let _calm = calm();
    let setup = with_level("LT", &world().addresses().tsp());
    let service = Service::start_with("level", &setup);
    let walk = Walk::new(&service, "first-head", "level", &once);
    walk.begin();
    walk.pay();
    walk.register();
    let decision = json!({ "decision": "issue" });
    walk.review(&decision);
    walk.decide(&decision);
    for (name, level) in [
        ("request.xml", "XAdES-B-LT"),
        ("result.xml", "XAdES-B-LT"),
        ("result-kk.pdf", "PAdES-B-LT"),
        ("result-en.pdf", "PAdES-B-LT"),
    ] {
        let verified = offline(&service, &walk.document(name));
        let report = &verified.report;
        assert_eq!(report.verdict, Verdict::TotalPassed, "{name}: {report:?}");
        assert_eq!(report.signatures[0].format.as_str(), level, "{name}");
        assert_eq!(verified.judgements[0].time.source, TimeSource::TimeStamp, "{name}");
    }
}

#[test]
fn without_a_time_stamp_nothing_is_registered_and_the_same_call_succeeds_later() {
    let _calm = calm();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let service = Service::start_with("level-down", &with_level("T", &nobody));
    let walk = Walk::paid(&service, "person");
    walk.choose("person").expect(200);
    let prepared = walk.prepare().expect(200);
    walk.complete(&prepared).refused(503, "no-time-stamp");
    assert_eq!(walk.case()["incomingNumber"], serde_json::Value::Null);
    // The operator names an authority that answers; what was prepared still waits.
    let path = service.dir().join("qoltanba.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&nobody, &world().addresses().tsp())).unwrap();
    service.restart();
    let case = walk.complete(&prepared).expect(200);
    assert!(case["incomingNumber"].is_string(), "{case}");
}

#[test]
fn a_signature_is_raised_on_the_command_line_and_renewed() {
    let _calm = calm();
    let service = Service::start("level-command");
    let options = qoltanba::xml::SigningOptions::new(OffsetDateTime::now_utc());
    let signer = world().signer("person").unwrap();
    let signed = qoltanba::xml::sign("<a>өтініш</a>".as_bytes(), &signer, &options).unwrap();
    let dir = service.dir();
    fs::write(dir.join("a.xml"), &signed).unwrap();
    let tsa = world().addresses().tsp();
    let raise = |level: &str, from: &str, to: &str| {
        let arguments = ["preserve", "--level", level, "--tsa", &tsa, "--output", to, from];
        service.command(&arguments)
    };
    for (level, from, to) in [("T", "a.xml", "t.xml"), ("LTA", "t.xml", "lta.xml")] {
        let output = raise(level, from, to);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found = qoltanba::xml::read(&fs::read(dir.join(to)).unwrap(), None).unwrap();
        assert_eq!(found[0].format.as_str(), format!("XAdES-B-{level}"));
    }
    assert!(raise("LTA", "lta.xml", "again.xml").status.success());
    let again = offline(&service, &fs::read(dir.join("again.xml")).unwrap());
    assert_eq!(again.report.verdict, Verdict::TotalPassed, "{:?}", again.report);
    assert_eq!(again.judgements[0].timestamps.len(), 3);

    // What does not pass is not raised.
    let changed = String::from_utf8(signed).unwrap().replace("өтініш", "басқа");
    fs::write(dir.join("changed.xml"), changed).unwrap();
    let output = raise("T", "changed.xml", "never.xml");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!dir.join("never.xml").exists());
}
