//! Time-stamps against the double of the authority and against openssl, and stored reports through
//! the command line.

mod kit;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use qoltanba::crypto::SystemRandom;
use qoltanba::pki::double::{How, Service};
use qoltanba::signature::Stamped;
use qoltanba::text::Language;
use qoltanba::timestamp::{self, TimestampClient, TimestampQuestion};
use qoltanba::validation::Diagnostic;
use qoltanba::x509::{HttpFetch, TrustStore};
use time::OffsetDateTime;

/// Standing orders belong to the whole process.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ORDERS: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ORDERS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn pem(id: &str) -> String {
    kit::world().dir().join(format!("certs/{id}.pem")).display().to_string()
}

/// A configuration that believes the test PKI and may ask its double.
fn configured(dir: &Path) -> PathBuf {
    let url = kit::world().addresses().tsp();
    let host = url.split('/').nth(2).unwrap();
    let text = format!(
        "[trust]\ncertificates = ['{}', '{}']\n[revocation]\nallowed_hosts = ['{host}']\n\
         [time-stamps]\nauthorities = ['{url}']\npolicy = '1.2.398.3.3.2.6.2'\n",
        kit::world().trust_dir().display(),
        pem("ca"),
    );
    let path = dir.join("qoltanba.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn qoltanba(config: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let config = config.display().to_string();
    let arguments = [&["--config", &config], arguments].concat();
    let Output { status, stdout, stderr } = kit::output(env!("CARGO_BIN_EXE_qoltanba"), &arguments);
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

struct Place {
    config: PathBuf,
    data: String,
    token: String,
}

fn place(name: &str) -> Place {
    let _ = (kit::world(), kit::double());
    let dir = kit::scratch(name);
    let data = dir.join("data");
    std::fs::write(&data, "мәтін").unwrap();
    Place {
        config: configured(&dir),
        data: data.display().to_string(),
        token: dir.join("token").display().to_string(),
    }
}

#[test]
fn what_is_stamped_here_openssl_accepts_and_the_other_way_round() {
    let _alone = alone();
    let Place { config, data, token } = place("stamp");
    let (code, said) = qoltanba(&config, &["tsp", "stamp", "--out", &token, &data]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("stands") && said.contains("1.2.398.3.3.2.6.2"), "{said}");
    let root = kit::world().trust_dir().join("root.pem").display().to_string();
    let ca = pem("ca");
    kit::run(
        "openssl",
        &[
            "ts",
            "-verify",
            "-token_in",
            "-in",
            &token,
            "-data",
            &data,
            "-CAfile",
            &root,
            "-untrusted",
            &ca,
        ],
    );
    let (code, said) = qoltanba(&config, &["tsp", "verify", "--token", &token, &data]);
    assert_eq!(code, Some(0), "{said}");
    // Over other data it proves nothing.
    let other = config.display().to_string();
    let (code, said) = qoltanba(&config, &["tsp", "verify", "--token", &token, &other]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("timestamp-invalid"), "{said}");

    // A response that openssl asked for.
    let query = format!("{token}.query");
    kit::run("openssl", &["ts", "-query", "-data", &data, "-sha384", "-cert", "-out", &query]);
    let mut response = ureq::post(&kit::world().addresses().tsp())
        .header("content-type", "application/timestamp-query")
        .send(std::fs::read(&query).unwrap().as_slice())
        .unwrap();
    std::fs::write(&token, response.body_mut().read_to_vec().unwrap()).unwrap();
    let (code, said) = qoltanba(&config, &["tsp", "verify", "--json", "--token", &token, &data]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_misbehaving_authority_gives_no_stamp_and_the_next_one_is_asked() {
    let _alone = alone();
    let Place { config, data, token } = place("misbehaving");
    let good = kit::world().addresses().tsp();
    for (how, told) in [
        ("down", "503"),
        ("garbage", "not a time-stamp"),
        ("unknown", "badRequest"),
        ("wrong-nonce", "nonce"),
        ("wrong-cert-id", "imprint"),
        ("wrong-signature", "bad-signature"),
    ] {
        let bad = format!("{good}?misbehave={how}");
        let arguments = ["tsp", "stamp", "--url", &bad, "--out", &token, &data];
        let (code, said) = qoltanba(&config, &arguments);
        assert_eq!(code, Some(2), "{how}: {said}");
        assert!(said.contains(told), "{how}: {said}");
        let arguments = ["tsp", "stamp", "--url", &bad, "--url", &good, "--out", &token, &data];
        let (code, said) = qoltanba(&config, &arguments);
        assert_eq!(code, Some(0), "{how}: {said}");
    }
}

/// With less patience than the command line has.
#[test]
fn an_authority_that_is_slow_or_breaks_off_gives_no_stamp_and_its_end_is_told() {
    let _alone = alone();
    let world = kit::world();
    kit::double();
    let good = world.addresses().tsp();
    let certificate = |id| world.certificate(id).unwrap();
    let trust = TrustStore::new(vec![certificate("root")], vec![certificate("ca")]);
    let now = OffsetDateTime::now_utc();
    let data = Stamped::Octets("мәтін".as_bytes().to_vec());
    let question = TimestampQuestion {
        data: &data,
        extra: &[],
        trust: &trust,
        revocation: None,
        at: now,
        now,
        policies: &[],
        accuracy: None,
        skew: time::Duration::minutes(5),
    };
    let client = |urls: &[&str]| {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        let hosts = [good.split('/').nth(2).unwrap().to_owned()];
        let fetch = HttpFetch::within(&hosts, std::time::Duration::from_millis(800));
        TimestampClient::new(urls, None, Arc::new(fetch), Arc::new(SystemRandom))
    };
    for (how, told) in [("slow", "did not answer in time"), ("closed", "does not answer")] {
        let bad = format!("{good}?misbehave={how}");
        let refused = client(&[&bad]).stamp(&question).unwrap_err().to_string();
        assert!(refused.contains(told), "{how}: {refused}");
        assert!(client(&[&bad, &good]).stamp(&question).is_ok(), "{how}");
    }
    // When the authority's certificate has expired, its token alone proves nothing any more.
    let (token, _) = client(&[&good]).stamp(&question).unwrap();
    let end = certificate("tsa").not_after();
    let at = |at| timestamp::verify(&token, &TimestampQuestion { at, ..question });
    assert!(at(end - time::Duration::SECOND).is_ok());
    assert_eq!(at(end + time::Duration::SECOND).unwrap_err().code.as_str(), "expired");
}

#[test]
fn a_revoked_authority_is_not_believed() {
    let _alone = alone();
    let Place { config, data, token } = place("revoked-tsa");
    let arguments = ["tsp", "stamp", "--out", &token, &data];
    kit::double().revoke("tsa", "keyCompromise", None).unwrap();
    let (code, said) = qoltanba(&config, &arguments);
    kit::double().release("tsa").unwrap();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("revoked"), "{said}");
    kit::double().misbehave(Service::Ocsp, How::Down, 1.0, Some(2));
    let (code, said) = qoltanba(&config, &arguments);
    assert_eq!(code, Some(0), "the CRL answers where OCSP is down: {said}");
}

#[test]
fn a_stored_diagnostic_is_judged_again_offline() {
    let _alone = alone();
    let Place { config, data, token: out } = place("replay");
    let signed = format!("{out}.p7s");
    let folder = Path::new(&out).parent().unwrap().display().to_string();
    // A signer of our own: openssl makes a CMS signature that nobody trusts.
    let (key, certificate) = (format!("{folder}/k.pem"), format!("{folder}/c.pem"));
    kit::run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=Own",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ],
    );
    kit::run(
        "openssl",
        &[
            "cms",
            "-sign",
            "-nodetach",
            "-binary",
            "-in",
            &data,
            "-signer",
            &certificate,
            "-inkey",
            &key,
            "-outform",
            "DER",
            "-out",
            &signed,
            "-cades",
        ],
    );
    let arguments = ["verify", "--trust", &certificate, "--revocation", "off"];
    let verify = |more: &[&str]| qoltanba(&config, &[&arguments, more, &[&signed]].concat());
    let (code, simple) = verify(&["--json"]);
    let (_, stored) = verify(&["--report", "diagnostic"]);
    let diagnostic = format!("{folder}/diagnostic.json");
    std::fs::write(&diagnostic, &stored).unwrap();
    let (again, replayed) = qoltanba(&config, &["report", "replay", "--json", &diagnostic]);
    assert_eq!((again, verdict(&replayed)), (code, verdict(&simple)));
    Diagnostic::read(stored.as_bytes()).unwrap().report(Language::Kk).unwrap();

    // Under another policy: 2048 bits are too few.
    let strict = format!("{folder}/strict.toml");
    let source = qoltanba::validation::Policy::built_in().unwrap().source().to_owned();
    std::fs::write(&strict, source.replace("bits = 2048", "bits = 3072")).unwrap();
    let arguments = ["report", "replay", "--policy", &strict, &diagnostic];
    let (_, said) = qoltanba(&config, &arguments);
    assert!(said.contains("RSA with 2048 bits is not accepted"), "{said}");
    let (_, same) = verify(&["--policy", &strict]);
    assert!(same.contains("RSA with 2048 bits is not accepted"), "{same}");

    let (_, xml) = verify(&["--report", "detailed", "--xml"]);
    let path = format!("{folder}/detailed.xml");
    std::fs::write(&path, &xml).unwrap();
    let count = "count(//blocks/item/checks/item)";
    let checks = kit::run("xmllint", &["--xpath", count, &path]);
    assert!(checks.trim().parse::<u32>().unwrap() > 8, "{checks}");
}

fn verdict(json: &str) -> (String, serde_json::Value) {
    let report: serde_json::Value = serde_json::from_str(json).unwrap();
    let first = &report["signatures"][0];
    (report["verdict"].to_string(), first["subIndication"].clone())
}
