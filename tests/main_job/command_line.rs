//! The command line in the folder of a demonstration that has run: what it left verifies without
//! further options, here and by other programs, and nothing that was changed does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use qoltanba::cms;
use qoltanba::crypto::{SignatureAlgorithm, digest};
use qoltanba::token::{Signer as _, sign_checked};
use serde_json::Value;

use crate::kit::service::PROGRAM;
use crate::kit::{self, algorithm};

/// A demonstration that was told to its end; its service and doubles have stopped.
pub static DEMO: LazyLock<PathBuf> = LazyLock::new(demo);

const DOCUMENTS: [(&str, &str); 10] = [
    ("licence-request.xml", "XML"),
    ("licence.xml", "XML"),
    ("licence-kk.pdf", "PDF"),
    ("licence-ru.pdf", "PDF"),
    ("licence-en.pdf", "PDF"),
    ("refusal-request.xml", "XML"),
    ("refusal.xml", "XML"),
    ("refusal-kk.pdf", "PDF"),
    ("refusal-ru.pdf", "PDF"),
    ("refusal-en.pdf", "PDF"),
];

fn demo() -> PathBuf {
    kit::world();
    // Kept between runs: making its keys is what takes long, and running it again is safe.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demo-{}", algorithm().as_str()));
    let port = match algorithm() {
        qoltanba::pki::Algorithm::Rsa => "21980",
        qoltanba::pki::Algorithm::P256 => "21990",
        qoltanba::pki::Algorithm::Gost => "21970",
    };
    let told = Command::new(PROGRAM)
        .args(["demo", "--once", "--dir", dir.to_str().unwrap(), "--port", port])
        .args(["--algorithm", algorithm().as_str()])
        .env_remove("SOFTHSM2_CONF")
        .output()
        .unwrap();
    let (out, err) = (text(&told.stdout), text(&told.stderr));
    assert!(told.status.success(), "{out}{err}");
    dir
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// The program in the demonstration's folder, with the environment a person would have.
pub fn qoltanba(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(&*DEMO).env_remove("SOFTHSM2_CONF");
    command.env("THE_PIN", pin("first-head")).output().unwrap()
}

#[track_caller]
pub fn exits(output: &Output, code: i32) -> String {
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)))
}

fn document(name: &str) -> PathBuf {
    DEMO.join("documents").join(name)
}

pub fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn pin(holder: &str) -> String {
    let world = qoltanba::pki::World::open(&DEMO.join("pki")).unwrap();
    fs::read_to_string(world.pin_path(holder).unwrap()).unwrap().trim().to_owned()
}

/// The keys of an object, in alphabetical order.
fn keys(object: &Value) -> String {
    let mut keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys.join(" ")
}

#[test]
fn every_document_passes_without_options_after_the_doubles_have_stopped() {
    for (name, format) in DOCUMENTS {
        let path = format!("documents/{name}");
        let said = exits(&qoltanba(&["verify", &path]), 0);
        assert!(said.starts_with("TOTAL-PASSED"), "{said}");
        let output = qoltanba(&["verify", "--json", &path]);
        exits(&output, 0);
        let report = json(&output);
        assert_eq!(keys(&report), "document licence policy signatures verdict");
        assert_eq!(keys(&report["document"]), "format sha256 size");
        assert_eq!(report["document"]["format"], format);
        assert_eq!(report["document"]["size"], fs::metadata(document(name)).unwrap().len());
        assert_eq!(report["verdict"], "TOTAL-PASSED");
        let [signature] = report["signatures"].as_array().unwrap().as_slice() else {
            panic!("{name}: one signature is expected: {report}");
        };
        let wanted = "algorithm certificate claimedTime coversWholeDocument format \
            id identity laterChanges reasons revocation signedScope signer subIndication \
            timestamps trustedTime verdict warnings";
        // Claims are told where there are some.
        assert_eq!(keys(signature).replace(" claims", ""), wanted);
        assert_eq!(keys(&signature["signer"]), "bin iin name organisation roles");
        assert_eq!(keys(&signature["trustedTime"]), "source time");
        assert_eq!(keys(&signature["certificate"]), "issuer notAfter notBefore serial");
        assert_eq!(keys(&signature["revocation"]), "at source status");
        assert_eq!(signature["revocation"]["status"], "good");
        assert_eq!(signature["revocation"]["source"], "crl", "the responder has stopped");
        assert_eq!(signature["coversWholeDocument"], true);
        assert_eq!(signature["subIndication"], Value::Null);
        let level = if format == "XML" { "XAdES-B-B" } else { "PAdES-B-B" };
        assert_eq!(signature["format"], level);
        if name.starts_with("licence") && !name.contains("request") {
            assert!(report["licence"]["number"].is_string(), "{report}");
            assert_eq!(report["licence"]["matchesRegister"], true);
        }
    }
}

#[test]
fn other_programs_accept_what_was_made() {
    let root = DEMO.join("pki/trust/root.pem");
    let ca = DEMO.join("pki/certs/ca.pem");
    for (name, format) in DOCUMENTS {
        let path = document(name);
        if format == "XML" {
            let arguments = [
                "--verify",
                "--trusted-pem",
                shown(&root),
                "--untrusted-pem",
                shown(&ca),
                "--enabled-key-data",
                "x509",
                "--id-attr:Id",
                "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
                shown(&path),
            ];
            kit::run("xmlsec1", &arguments);
        } else {
            let said = kit::run("pdfsig", &["-nocert", shown(&path)]);
            assert!(said.contains("Signature is Valid"), "{name}: {said}");
            assert!(said.contains("Total document signed"), "{name}: {said}");
        }
    }
}

/// Judges a changed document by the library, with the demonstration's trust store, so that
/// thousands can be tried; the command line itself is asked for a few.
fn verdict(verifier: &qoltanba::validation::Verifier, octets: &[u8]) -> Option<String> {
    let question = qoltanba::validation::Question {
        document: octets,
        content: None,
        at: None,
        now: time::OffsetDateTime::now_utc(),
        purpose: Default::default(),
        language: qoltanba::text::Language::En,
    };
    let verified = verifier.verify(&question).ok()?;
    Some(verified.report.verdict.as_str().to_owned())
}

fn offline() -> qoltanba::validation::Verifier {
    let path = DEMO.join("qoltanba.toml");
    let mut config = qoltanba::config::Config::load(&path).unwrap();
    config.revocation.mode = qoltanba::config::RevocationSetting::Offline;
    config.verifier(&[]).unwrap()
}

/// Flips a bit of every `stride`th octet (a prime: it passes through places of every kind). Of
/// signed content each flip fails, or leaves nothing that can be read; the command line, asked for
/// some of them, says so by its exit code.
fn flip(name: &str, format: &str, stride: usize) {
    let verifier = offline();
    let dir = kit::scratch(&format!("flipped-{name}"));
    let whole = fs::read(document(name)).unwrap();
    assert_eq!(verdict(&verifier, &whole).as_deref(), Some("TOTAL-PASSED"));
    let content = content(&whole, format);
    let (mut failed, mut asked) = (0, 0);
    let places = (0..whole.len()).step_by(stride).filter(|place| content(*place));
    for (round, place) in places.enumerate() {
        let mut changed = whole.clone();
        changed[place] ^= [0x01, 0x20, 0x80, 0x04][round % 4];
        let judged = verdict(&verifier, &changed);
        let fails = judged.as_deref().is_none_or(|verdict| verdict == "TOTAL-FAILED");
        assert!(fails, "{name}: octet {place}: {judged:?}");
        failed += 1;
        if round % 50 == 0 {
            let path = dir.join(name);
            fs::write(&path, &changed).unwrap();
            let output = qoltanba(&["verify", shown(&path)]);
            exits(&output, if judged.is_some() { 1 } else { 3 });
            asked += 1;
        }
    }
    assert!(failed > 100 && asked > 2, "{name}: {failed} flips, {asked} on the command line");
}

#[test]
fn no_flipped_octet_of_a_licence_passes() {
    flip("licence.xml", "XML", 13);
}

#[test]
fn no_flipped_octet_of_a_request_passes() {
    flip("refusal-request.xml", "XML", 17);
}

#[test]
fn no_flipped_octet_of_a_printed_licence_passes() {
    flip("licence-kk.pdf", "PDF", 211);
}

/// Which octets are signed content: of an XML everything but the signature itself, of a PDF the
/// ranges around its hexadecimal value.
fn content(whole: &[u8], format: &str) -> impl Fn(usize) -> bool + use<> {
    let find = |needle: &[u8]| {
        whole.windows(needle.len()).position(|window| window == needle).expect("a signature")
    };
    let (from, to) = if format == "XML" {
        let end = b"</ds:Signature>";
        (find(b"<ds:Signature "), find(end) + end.len())
    } else {
        let range = find(b"/ByteRange");
        let text = String::from_utf8_lossy(&whole[range..range + 200]).into_owned();
        let numbers = text.split('[').nth(1).unwrap().split(']').next().unwrap().to_owned();
        let numbers: Vec<usize> =
            numbers.split_whitespace().map(|number| number.parse().unwrap()).collect();
        (numbers[1], numbers[2])
    };
    move |place| !(from..to).contains(&place)
}

#[test]
fn changes_of_a_signature_itself_do_not_pass() {
    let verifier = offline();
    let whole = fs::read_to_string(document("licence.xml")).unwrap();
    for element in [
        "ds:SignatureValue",
        "ds:DigestValue",
        "ds:X509Certificate",
        "xades:SigningTime",
        "ds:X509SerialNumber",
    ] {
        let Some(start) = whole.find(&format!("<{element}")) else { continue };
        let start = start + whole[start..].find('>').unwrap() + 1;
        let end = start + whole[start..].find('<').unwrap();
        for place in (start..end).step_by(7) {
            let old = whole.as_bytes()[place];
            if !old.is_ascii_alphanumeric() {
                continue;
            }
            let mut changed = whole.clone().into_bytes();
            changed[place] = if old == b'7' { b'3' } else { b'7' };
            let judged = verdict(&verifier, &changed);
            assert_ne!(judged.as_deref(), Some("TOTAL-PASSED"), "{element} at {place}");
        }
    }
}

#[test]
fn files_that_cannot_be_judged_exit_with_3() {
    let dir = kit::scratch("unusable");
    let write = |name: &str, octets: &[u8]| {
        let path = dir.join(name);
        fs::write(&path, octets).unwrap();
        path
    };
    let (xml, pdf) =
        (fs::read(document("licence.xml")).unwrap(), fs::read(document("licence-kk.pdf")).unwrap());
    let files = [
        (write("empty", b""), "unknown-format"),
        (write("garbage", &[7; 4096]), "unknown-format"),
        (write("unsigned.xml", b"<a/>"), "not-signed"),
        (write("cut.xml", &xml[..xml.len() / 2]), "broken-document"),
        (write("cut.pdf", &pdf[..pdf.len() / 2]), "broken-document"),
        (dir.join("absent.xml"), "no-such-file"),
        (dir.clone(), ""),
    ];
    for (path, code) in &files {
        let said = exits(&qoltanba(&["verify", shown(path)]), 3);
        assert!(said.contains(code), "{}: {said}", path.display());
        assert!(said.starts_with("qoltanba: "), "{said}");
    }
    // One octet too many; the file takes no room on the disk.
    let large = dir.join("large.pdf");
    let limit = qoltanba::limits::DOCUMENT_BYTES as u64;
    fs::File::create(&large).unwrap().set_len(limit + 1).unwrap();
    let said = exits(&qoltanba(&["verify", shown(&large)]), 3);
    assert!(said.contains("document-too-large") && said.contains("33554432"), "{said}");
}

#[test]
fn a_different_trust_another_time_and_no_revocation() {
    let licence = shown(&document("licence.xml")).to_owned();
    let verify = |arguments: &[&str], code| {
        let output = qoltanba(&[&["verify", "--json"], arguments, &[&licence]].concat());
        exits(&output, code);
        json(&output)["signatures"][0].clone()
    };
    let off = verify(&["--revocation", "off"], 0);
    assert_eq!(off["revocation"]["status"], "not-checked");
    let offline = verify(&["--revocation", "offline"], 0);
    assert_eq!(offline["revocation"]["source"], "crl");
    // Trust of the certificates named, and of no others.
    let (trust, ca) = (DEMO.join("pki/trust"), DEMO.join("pki/certs/ca.cer"));
    verify(&["--trust", shown(&trust), "--trust", shown(&ca)], 0);
    let (twin_root, twin) =
        (DEMO.join("pki/certs/twin-root.pem"), DEMO.join("pki/certs/twin-ca.pem"));
    let twin = verify(&["--trust", shown(&twin_root), "--trust", shown(&twin)], 2);
    assert_eq!(twin["reasons"][0]["code"], "untrusted-issuer");
    assert_eq!(twin["subIndication"], "NO_CERTIFICATE_CHAIN_FOUND");
    let early = verify(&["--at", "2020-01-01T00:00:00Z"], 2);
    assert_eq!(early["reasons"][0]["code"], "not-yet-valid");
    assert_eq!(early["trustedTime"]["source"], "given");
    let late = verify(&["--at", "2099-01-01T00:00:00Z"], 2);
    assert_eq!(late["reasons"][0]["code"], "expired");
    // Without the cache of the configuration nobody can say, until a list is given.
    let bare = DEMO.join("bare.toml");
    fs::write(&bare, "[trust]\ncertificates = [\"pki/trust\", \"pki/certs/ca.cer\"]\n").unwrap();
    let bare = ["--config", shown(&bare)];
    let unknown = verify(&[&bare[..], &["--revocation", "offline"]].concat(), 2);
    assert_eq!(unknown["reasons"][0]["code"], "revocation-unknown");
    assert_eq!(unknown["subIndication"], "TRY_LATER");
    let cached = fs::read_dir(DEMO.join("crl")).unwrap().map(|entry| entry.unwrap().path());
    let lists: Vec<_> =
        cached.filter(|path| path.extension().is_some_and(|e| e == "crl")).collect();
    let lists: Vec<_> = lists.iter().flat_map(|path| ["--crl", shown(path)]).collect();
    let given = verify(&[&bare[..], &["--revocation", "offline"], &lists].concat(), 0);
    assert_eq!(given["revocation"]["source"], "crl");

    for wrong in [&["--at", "yesterday"][..], &["--revocation", "maybe"], &["--no-such"]] {
        let output = qoltanba(&[&["verify"], wrong, &[&licence]].concat());
        assert!(!output.status.success() && !output.stderr.is_empty());
    }
}

#[test]
fn a_detached_signature_needs_its_content() {
    let dir = kit::scratch("detached");
    let (content, signature) = (dir.join("content.txt"), dir.join("content.p7s"));
    fs::write(&content, "Мазмұн\n").unwrap();
    let octets = fs::read(&content).unwrap();
    let world = kit::world();
    let signer = world.signer("first-head").unwrap();
    let kind = &signer.certificate().public_key().kind;
    let algorithm = SignatureAlgorithm::for_key(kind).unwrap();
    let imprint = digest(algorithm.digest(), &octets);
    let options = cms::SigningOptions::default();
    let prepared = cms::prepare(&imprint, signer.certificate(), algorithm, options).unwrap();
    let value = sign_checked(&signer, prepared.to_be_signed()).unwrap();
    let cms = prepared.complete(&value).unwrap();
    fs::write(&signature, cms).unwrap();
    let (trust, ca) = (world.trust_dir(), world.certificate_path("ca").unwrap());
    let common = [
        "verify",
        "--json",
        "--revocation",
        "off",
        "--trust",
        shown(&trust),
        "--trust",
        shown(&ca),
    ];
    let verify = |more: &[&str], code| {
        let output = qoltanba(&[&common, more, &[shown(&signature)]].concat());
        exits(&output, code);
        json(&output)["signatures"][0].clone()
    };
    verify(&["--content", shown(&content)], 0);
    let without = verify(&[], 2);
    assert_eq!(without["reasons"][0]["code"], "content-missing");
    fs::write(&content, "Мазмун\n").unwrap();
    let other = verify(&["--content", shown(&content)], 1);
    assert_eq!(other["reasons"][0]["code"], "content-changed");
}

#[test]
fn documents_are_signed_with_the_pin_from_file_or_environment() {
    let dir = kit::scratch("signed");
    let unsigned = dir.join("letter.xml");
    fs::write(&unsigned, "<letter xmlns=\"urn:test\"><to>Комитет</to></letter>").unwrap();
    let licence = document("licence-kk.pdf");
    let pdf = dir.join("letter.pdf");
    fs::copy(&licence, &pdf).unwrap();
    let pin_file = dir.join("pin");
    fs::write(&pin_file, pin("first-head")).unwrap();
    // Nobody answers any more, and lists in the cache are fresh: the verdict is a whole one.
    for (path, suffix, pin) in [
        (&unsigned, "letter.signed.xml", ["--pin-file", shown(&pin_file)]),
        (&unsigned, "letter.signed.xml", ["--pin-env", "THE_PIN"]),
        (&pdf, "letter.signed.pdf", ["--pin-env", "THE_PIN"]),
    ] {
        let signed = dir.join(suffix);
        let _ = fs::remove_file(&signed);
        let key = ["sign", "--token", "applicant-first-head"];
        let said = exits(&qoltanba(&[&key, &pin[..], &[shown(path)]].concat()), 0);
        assert!(said.starts_with("TOTAL-PASSED"), "{said}");
        let output = qoltanba(&["verify", "--json", shown(&signed)]);
        exits(&output, 0);
        let report = json(&output);
        let last = report["signatures"].as_array().unwrap().last().unwrap();
        assert_eq!(last["signer"]["iin"], "780921310808");
    }
    let elsewhere = dir.join("elsewhere.xml");
    let arguments = [
        "sign",
        "--token",
        "applicant-first-head",
        "--pin-env",
        "THE_PIN",
        "--role",
        "Басшы",
        "--output",
        shown(&elsewhere),
        shown(&unsigned),
    ];
    exits(&qoltanba(&arguments), 0);
    assert!(fs::read_to_string(&elsewhere).unwrap().contains("Басшы"));
}

#[test]
fn what_cannot_be_signed_is_not_written() {
    let dir = kit::scratch("unsigned");
    let letter = dir.join("letter.xml");
    fs::write(&letter, "<letter/>").unwrap();
    let wrong = dir.join("wrong");
    fs::write(&wrong, "17171717").unwrap();
    let sign = |arguments: &[&str], path: &Path| {
        qoltanba(&[&["sign"], arguments, &[shown(path)]].concat())
    };
    let good = ["--token", "applicant-first-head", "--pin-env", "THE_PIN"];
    let said =
        exits(&sign(&["--token", "applicant-first-head", "--pin-file", shown(&wrong)], &letter), 1);
    assert!(said.contains("pin-incorrect") && !said.contains("17171717"), "{said}");
    let absent = ["--token", "applicant-first-head", "--pin-env", "NO_SUCH_VARIABLE"];
    let said = exits(&sign(&absent, &letter), 3);
    assert!(said.contains("NO_SUCH_VARIABLE"), "{said}");
    let said = exits(&sign(&["--token", "no-such-token", "--pin-env", "THE_PIN"], &letter), 3);
    assert!(said.contains("no-such-token"), "{said}");
    let said = exits(&sign(&[&good[..], &["--key", "nobody"]].concat(), &letter), 3);
    assert!(said.contains("no-such-key"), "{said}");
    let text = dir.join("letter.txt");
    fs::write(&text, "Хат").unwrap();
    exits(&sign(&good, &text), 3);
    fs::write(dir.join("broken.xml"), "<letter>").unwrap();
    exits(&sign(&good, &dir.join("broken.xml")), 3);
    // An expired certificate signs, but what it signs does not pass, and is not written.
    let expired = dir.join("expired-pin");
    fs::write(&expired, pin("expired")).unwrap();
    let said =
        exits(&sign(&["--token", "applicant-expired", "--pin-file", shown(&expired)], &letter), 1);
    assert!(said.contains("expired"), "{said}");
    let written: Vec<_> =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!written.iter().any(|name| name.to_string_lossy().contains("signed")), "{written:?}");
}

#[test]
fn tokens_keys_certificates_and_the_state_of_the_machine() {
    let said = exits(&qoltanba(&["token", "list"]), 0);
    assert!(said.contains("applicant-first-head") && said.contains("officer-head"), "{said}");
    let tokens = json(&qoltanba(&["token", "list", "--json"]));
    let labels = tokens.as_array().unwrap().iter().map(|token| token["label"].as_str().unwrap());
    assert!(labels.into_iter().any(|label| label == "applicant-person"), "{tokens}");

    let named = ["token", "keys", "--token", "applicant-first-head"];
    let said = exits(&qoltanba(&named), 0);
    assert!(said.contains("IIN780921310808"), "{said}");
    let held = json(&qoltanba(&[&named[..], &["--json"]].concat()));
    assert_eq!(held[0]["certificate"]["iin"], "780921310808");
    exits(&qoltanba(&["token", "keys", "--token", "no-such-token"]), 3);
    exits(&qoltanba(&["token", "list", "--module", "/nowhere.so"]), 2);

    let said = exits(&qoltanba(&["cert", "show", "pki/certs/first-head.cer"]), 0);
    for part in ["780921310808", "150340001226", "first-head", "signing documents"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let shown = json(&qoltanba(&["cert", "show", "--json", "pki/certs/first-head.pem"]));
    let fields = "bin iin issuer key name notAfter notBefore organisation roles serial sha256 \
        subject use";
    assert_eq!(keys(&shown), fields);
    assert_eq!(shown["serial"], held[0]["certificate"]["serial"]);
    exits(&qoltanba(&["cert", "show", "qoltanba.toml"]), 3);

    let said = exits(&qoltanba(&["doctor"]), 0);
    assert!(said.contains("trust") && said.contains("module"), "{said}");
    let findings = json(&qoltanba(&["doctor", "--json"]));
    assert!(findings.as_array().unwrap().iter().all(|finding| finding["outcome"] != "BAD"));
    let broken = DEMO.join("broken.toml");
    fs::write(&broken, "[trust]\ncertificate = []\n").unwrap();
    let said = exits(&qoltanba(&["doctor", "--config", broken.to_str().unwrap()]), 1);
    assert!(said.contains("BAD") && said.contains("certificate"), "{said}");

    let said = exits(&qoltanba(&["audit", "verify"]), 0);
    assert!(said.contains("whole"), "{said}");
    let log = exits(&qoltanba(&["audit", "export"]), 0);
    let rows = json(&qoltanba(&["audit", "verify", "--json"]))["rows"].as_u64().unwrap();
    assert_eq!(log.lines().count() as u64, rows);
}
