//! The test PKI and its services, judged by OpenSSL.

mod kit;

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use qoltanba::crypto::SystemRandom;
use qoltanba::pki::double::{How, Service};
use qoltanba::pki::{Algorithm, Options, PkiError, World, create, softhsm};
use time::OffsetDateTime;

const GOOD: [&str; 13] = [
    "person",
    "first-head",
    "employee-signing",
    "employee",
    "officer-chancery",
    "officer-head-of-department",
    "officer-expert",
    "officer-legal-service",
    "officer-head",
    "seal",
    "payment-gateway",
    "revoked",
    "on-hold",
];

/// Standing orders and revocations belong to the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ORDERS: Mutex<()> = Mutex::new(());
    ORDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pem(id: &str) -> String {
    kit::world().dir().join(format!("certs/{id}.pem")).display().to_string()
}

fn root() -> String {
    kit::world().trust_dir().join("root.pem").display().to_string()
}

fn openssl(arguments: &[&str]) -> String {
    kit::run("openssl", arguments)
}

fn refused(arguments: &[&str]) -> String {
    let output = kit::output("openssl", arguments);
    assert!(!output.status.success(), "openssl {arguments:?} accepted it");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn verify(id: &str) -> Vec<String> {
    let list = ["verify", "-x509_strict", "-CAfile", &root(), "-untrusted", &pem("ca"), &pem(id)];
    list.map(str::to_owned).to_vec()
}

fn strings(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn fetch(address: &str) -> Result<Vec<u8>, ureq::Error> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(1))).build().into();
    agent.get(address).call()?.body_mut().read_to_vec()
}

fn saved(dir: &Path, name: &str, octets: &[u8]) -> String {
    let path = dir.join(name);
    std::fs::write(&path, octets).unwrap();
    path.display().to_string()
}

#[test]
fn openssl_accepts_every_good_path_and_refuses_the_bad_ones() {
    let _ = kit::world();
    for id in GOOD {
        openssl(&strings(&verify(id)));
    }
    let reasons = [
        ("expired", "certificate has expired"),
        ("not-yet-valid", "not yet valid"),
        // Same names as the real authority, another key.
        ("untrusted", "unable to get local issuer certificate"),
    ];
    for (id, reason) in reasons {
        let said = refused(&strings(&verify(id)));
        assert!(said.contains(reason) || said.contains("signature failure"), "{id}: {said}");
    }
    for part in ["-subject", "-issuer"] {
        let name = |id| openssl(&["x509", "-in", &pem(id), "-noout", part]);
        assert_eq!(name("person"), name("untrusted"));
    }
}

#[test]
fn certificates_show_the_national_profile() {
    let world = kit::world();
    let text = |id: &str| {
        let options = "-nameopt=utf8,sep_comma_plus_space,sname";
        openssl(&["x509", "-in", &pem(id), "-noout", "-text", options])
    };
    let contains = |text: &str, all: &[&str]| {
        for wanted in all {
            assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
        }
    };
    let base = world.base_url();
    let alg = world.algorithm().as_str();
    contains(
        &text("first-head"),
        &[
            "CN=ҚАҺАРМАНОВ ЖЕҢІС, SN=ҚАҺАРМАНОВ, serialNumber=IIN780921310808, C=KZ, L=ӨСКЕМЕН, \
         ST=ШЫҒЫС ҚАЗАҚСТАН ОБЛЫСЫ, O=«ҰЛЫ ДАЛА САУДА» ЖШС (ТЕСТ), GN=ҒАЛЫМҰЛЫ, OU=BIN150340001226",
            "Key Usage: critical\n                Digital Signature, Non Repudiation",
            "E-mail Protection, 1.2.398.3.3.4.1.2, 1.2.398.3.3.4.1.2.1",
            "Policy: 1.2.398.3.3.2.1",
            "CPS: http://pki.gov.kz/cps",
            &format!("URI:{base}/crl/nca_{alg}_test.crl"),
            &format!("URI:{base}/crl/nca_d_{alg}_test.crl"),
            &format!("OCSP - URI:{base}/ocsp"),
            &format!("CA Issuers - URI:{base}/cert/nca_{alg}_test.cer"),
        ],
    );
    contains(
        &text("person"),
        &["E-mail Protection, 1.2.398.3.3.4.1.1\n", "Policy: 1.2.398.3.3.2.3"],
    );
    let seal = text("seal");
    contains(&seal, &["UID=1.2.398.6.999.1.1, CN=ЛИЦЕНЗИЯЛАУ", "OU=BIN141040001226"]);
    assert!(!seal.contains("IIN"));
    contains(&text("wrong-usage"), &["Digital Signature, Key Encipherment", "TLS Web Client"]);
    contains(&text("ca"), &["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign"]);
    // Octet for octet: key usage of a signing certificate, and UTF8String.
    let dump = openssl(&["asn1parse", "-in", &pem("person")]);
    contains(&dump, &["[HEX DUMP]:030206C0", "UTF8STRING        :ҮКІМЕТҰЛЫ"]);
    for entry in world.entries() {
        let certificate = world.certificate(&entry.id).unwrap();
        let mut serial = certificate.subject_key_id().unwrap().to_vec();
        serial[0] &= 0x7f;
        serial[0] |= if serial[0] < 0x10 { 0x10 } else { 0 };
        assert_eq!(certificate.serial(), serial, "{}", entry.id);
        let issuer = world.certificate(&entry.issuer).unwrap();
        assert_eq!(certificate.authority_key_id(), issuer.subject_key_id(), "{}", entry.id);
    }
}

#[test]
fn openssl_accepts_the_lists_and_sees_run_time_revocations_in_both() {
    let (world, double, _alone) = (kit::world(), kit::double(), alone());
    let dir = kit::scratch("crl");
    let addresses = world.addresses();
    let text = |name: &str, address: String, issuer: &str| {
        let file = saved(&dir, name, &fetch(&address).unwrap());
        let text = openssl(&["crl", "-in", &file, "-CAfile", &pem(issuer), "-text", "-noout"]);
        assert!(text.contains("verify OK"), "{text}");
        text
    };
    let full = || text("full.crl", addresses.crl(), "ca");
    let delta = || text("delta.crl", addresses.delta_crl(), "ca");
    let serial = |id: &str| world.entry(id).unwrap().serial.to_uppercase();
    assert!(text("root.crl", addresses.root_crl(), "root").contains("No Revoked Certificates"));
    assert!(delta().contains("Delta CRL Indicator: critical"));
    let before = full();
    assert!(before.contains(&serial("revoked")) && before.contains("Key Compromise"), "{before}");
    assert!(before.contains(&serial("on-hold")) && before.contains("Certificate Hold"));
    assert!(!before.contains(&serial("employee")) && !delta().contains(&serial("revoked")));

    double.revoke(&serial("employee"), "superseded", None).unwrap();
    double.release("on-hold").unwrap();
    let (after, changes) = (full(), delta());
    assert!(after.contains(&serial("employee")) && after.contains("Superseded"));
    assert!(!after.contains(&serial("on-hold")));
    assert!(changes.contains(&serial("employee")) && changes.contains("Remove From CRL"));

    double.release("employee").unwrap();
    double.revoke("on-hold", "certificateHold", None).unwrap();
    assert!(!full().contains(&serial("employee")));
    assert!(double.revoke("on-hold", "no such reason", None).is_err());
    assert!(double.revoke("0badc0de", "superseded", None).is_err());

    let list = fetch(&addresses.crl()).unwrap();
    let list = openssl(&["crl", "-in", &saved(&dir, "full.crl", &list)]);
    let mut checked = verify("revoked");
    let list = saved(&dir, "full.pem", list.as_bytes());
    checked.splice(1..1, ["-crl_check".to_owned(), "-CRLfile".to_owned(), list]);
    assert!(refused(&strings(&checked)).contains("certificate revoked"));
}

/// What `openssl ocsp` says about a certificate, over HTTP, with a nonce.
fn ocsp(id: &str, query: &str) -> Result<String, String> {
    let url = format!("{}{query}", kit::world().addresses().ocsp());
    let arguments = [
        "ocsp",
        "-sha256",
        "-issuer",
        &pem("ca"),
        "-cert",
        &pem(id),
        "-url",
        &url,
        "-CAfile",
        &root(),
        "-verify_other",
        &pem("ca"),
        "-status_age",
        "600",
        "-timeout",
        "2",
        "-nonce",
    ];
    let output = kit::output("openssl", &arguments);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let sound = output.status.success() && text.contains("Response verify OK");
    if sound && !text.contains("WARNING") { Ok(text) } else { Err(text) }
}

#[test]
fn openssl_accepts_the_responder_and_sees_run_time_revocations() {
    let (double, _alone) = (kit::double(), alone());
    for (id, status) in [
        ("person", "good"),
        ("revoked", "revoked"),
        ("on-hold", "certificateHold"),
        // The twin has a serial number the real authority never issued.
        ("untrusted", "unknown"),
    ] {
        let said = ocsp(id, "").unwrap();
        assert!(said.contains(status), "{id}: {said}");
    }
    double.revoke("officer-expert", "cessationOfOperation", None).unwrap();
    assert!(ocsp("officer-expert", "").unwrap().contains("cessationOfOperation"));
    double.release("officer-expert").unwrap();
    assert!(ocsp("officer-expert", "").unwrap().contains(": good"));
}

#[test]
fn the_responder_misbehaves_as_it_is_told() {
    let (double, _alone) = (kit::double(), alone());
    for (how, seen) in [
        ("wrong-signature", "Response Verify Failure"),
        ("wrong-nonce", "Nonce Verify error"),
        ("wrong-cert-id", "No Status found"),
        ("stale", "Status times invalid"),
        ("garbage", "Error querying OCSP responder"),
        ("down", "Error querying OCSP responder"),
        ("closed", "Error querying OCSP responder"),
        ("slow", "Error querying OCSP responder"),
    ] {
        let said = match ocsp("person", &format!("?misbehave={how}")) {
            Ok(said) | Err(said) => said,
        };
        assert!(said.contains(seen), "{how}: {said}");
    }
    let unknown = ocsp("person", "?misbehave=unknown").unwrap();
    assert!(unknown.contains(": unknown"), "{unknown}");

    double.misbehave(Service::Ocsp, How::Down, 1.0, Some(1));
    assert!(ocsp("person", "").is_err());
    assert!(ocsp("person", "").is_ok(), "only once was asked for");
}

#[test]
fn a_closed_connection_brings_no_octet_and_a_slow_one_comes_late() {
    let _double = kit::double();
    let address = kit::world().base_url().trim_start_matches("http://").to_owned();
    let ask = |how: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let name = kit::world().addresses().crl();
        let path = name.split(&address).nth(1).unwrap().to_owned();
        let request =
            format!("GET {path}?misbehave={how} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let (started, mut answer) = (Instant::now(), Vec::new());
        let _ = stream.read_to_end(&mut answer);
        (answer, started.elapsed())
    };
    assert!(ask("closed").0.is_empty());
    assert!(ask("down").0.starts_with(b"HTTP/1.1 503"));
    assert!(ask("unknown").0.starts_with(b"HTTP/1.1 404"));
    let (answer, time) = ask("slow");
    assert!(answer.starts_with(b"HTTP/1.1 200") && time >= Duration::from_secs(3), "{time:?}");
}

#[test]
fn openssl_accepts_time_stamps_and_refuses_those_made_wrong() {
    let (world, dir) = (kit::world(), kit::scratch("tsp"));
    let _double = kit::double();
    let data = saved(&dir, "data", "мәтін".as_bytes());
    let query = dir.join("query").display().to_string();
    let answer = |how: &str| {
        openssl(&["ts", "-query", "-data", &data, "-sha256", "-cert", "-out", &query]);
        let url = format!("{}?misbehave={how}", world.addresses().tsp());
        let mut response = ureq::post(&url)
            .header("content-type", "application/timestamp-query")
            .send(std::fs::read(&query).unwrap().as_slice())
            .unwrap();
        saved(&dir, "answer", &response.body_mut().read_to_vec().unwrap())
    };
    let check = |answer: &str| {
        let roots = [root(), pem("ca")];
        let arguments = [
            "ts",
            "-verify",
            "-in",
            answer,
            "-queryfile",
            &query,
            "-CAfile",
            &roots[0],
            "-untrusted",
            &roots[1],
        ];
        let output = kit::output("openssl", &arguments);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    let (accepted, said) = check(&answer("none"));
    assert!(accepted, "{said}");
    let text =
        openssl(&["ts", "-reply", "-in", &dir.join("answer").display().to_string(), "-text"]);
    assert!(text.contains("Policy OID: 1.2.398.3.3.2.6.2"), "{text}");
    for (how, seen) in [
        ("wrong-signature", "signature failure"),
        ("wrong-nonce", "nonce mismatch"),
        ("wrong-cert-id", "message imprint mismatch"),
        ("unknown", "rejection"),
        ("garbage", "Error"),
    ] {
        let (accepted, said) = check(&answer(how));
        assert!(!accepted && said.to_lowercase().contains(&seen.to_lowercase()), "{how}: {said}");
    }
    let stale = answer("stale");
    let text = openssl(&["ts", "-reply", "-in", &stale, "-text"]);
    let yesterday = (OffsetDateTime::now_utc() - Duration::from_secs(24 * 3600)).day();
    assert!(text.contains(&format!(" {yesterday} ")), "{text}");
}

#[test]
fn the_double_is_controlled_over_http_and_refuses_nonsense() {
    let (_double, _alone) = (kit::double(), alone());
    let base = kit::world().base_url();
    let post = |what: &str, body: &str| {
        let sent = ureq::post(format!("{base}/control/{what}"))
            .header("content-type", "application/json")
            .send(body);
        match sent {
            Ok(response) => response.status().as_u16(),
            Err(ureq::Error::StatusCode(code)) => code,
            Err(error) => panic!("{error}"),
        }
    };
    let state = || String::from_utf8(fetch(&format!("{base}/control/state")).unwrap()).unwrap();
    let serial = kit::world().entry("employee-signing").unwrap().serial.clone();
    let order =
        format!(r#"{{"serial":"{serial}","reason":"superseded","at":"2026-01-02T03:04:05Z"}}"#);
    assert_eq!(post("revoke", &order), 204);
    assert!(state().contains("2026-01-02T03:04:05Z"), "{}", state());
    assert_eq!(post("hold", r#"{"id":"employee-signing"}"#), 204);
    assert!(ocsp("employee-signing", "").unwrap().contains("certificateHold"));
    assert_eq!(post("release", &format!(r#"{{"serial":"{serial}"}}"#)), 204);
    assert!(ocsp("employee-signing", "").unwrap().contains(": good"));
    assert_eq!(post("misbehave", r#"{"service":"tsp","how":"garbage","rate":0.5,"times":3}"#), 204);
    assert!(state().contains(r#""tsp":{"how":"garbage""#), "{}", state());
    assert_eq!(post("misbehave", r#"{"service":"tsp","how":"none"}"#), 204);
    assert_eq!(post("misbehave", r#"{"service":"tsp","how":"down","rate":7}"#), 400);
    assert_eq!(post("revoke", r#"{"serial":"nobody"}"#), 400);
    assert_eq!(post("misbehave", r#"{"service":"tsp","how":"politely"}"#), 422);
    let garbage = ureq::post(kit::world().addresses().ocsp()).send([0x30_u8, 0x80].as_slice());
    assert_eq!(garbage.unwrap().body_mut().read_to_vec().unwrap(), [0x30, 3, 10, 1, 1]);
}

fn options(world: &World) -> Options {
    Options {
        algorithm: world.algorithm(),
        base_url: world.base_url().to_owned(),
        module: world.module_path().map(Path::to_owned),
        now: OffsetDateTime::now_utc(),
    }
}

#[test]
fn making_it_again_keeps_what_is_there_and_other_options_are_refused() {
    let world = kit::world();
    let again = create(world.dir(), &options(world), &SystemRandom, &mut |_| panic!("made anew"));
    assert_eq!(again.unwrap().entries(), world.entries());
    let other = Options { base_url: "http://127.0.0.1:1".to_owned(), ..options(world) };
    let refused = create(world.dir(), &other, &SystemRandom, &mut |_| {});
    assert!(matches!(refused, Err(PkiError::OtherOptions(_))));
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(world.pin_path("person").unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(world.trust_dir()).unwrap().count(), 1);
    let elsewhere = create(&kit::scratch("unset"), &options(world), &SystemRandom, &mut |_| {});
    assert!(matches!(elsewhere, Err(PkiError::NotConfigured(_))));
}

/// Names the directory for the child process of the next test.
const CHILD: &str = "QOLTANBA_TEST_WORLD";

#[test]
fn a_half_made_directory_is_made_anew() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return make_a_world(Path::new(&dir));
    }
    let _ = kit::world();
    let dir = kit::scratch("half-made");
    // SoftHSM looks for tokens when it is loaded, so each run is a process of its own.
    let make = || {
        let made = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_half_made_directory_is_made_anew"])
            .env(CHILD, &dir)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        World::open(&dir).unwrap().entry("person").unwrap().serial.clone()
    };
    let first = make();
    assert_eq!(make(), first, "a whole one is kept");
    std::fs::remove_file(dir.join("index.json")).unwrap();
    assert_ne!(make(), first, "a half-made one is not");
}

fn make_a_world(dir: &Path) {
    softhsm::enter(dir).unwrap();
    let options = Options {
        algorithm: Algorithm::P256,
        base_url: "http://127.0.0.1:1".to_owned(),
        module: softhsm::module(),
        now: OffsetDateTime::now_utc(),
    };
    let world = create(dir, &options, &SystemRandom, &mut |_| {}).unwrap();
    world.signer("person").unwrap();
}
