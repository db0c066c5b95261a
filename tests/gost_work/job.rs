//! The demonstration with GOST keys in PKCS#12 files, and the command line in its folder: keys from
//! files, and from a token whose module makes GOST signatures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use qoltanba::pki::World;
use serde_json::Value;

use crate::kit;
use crate::kit::service::PROGRAM;

/// A demonstration that was told to its end.
static DEMO: LazyLock<PathBuf> = LazyLock::new(|| {
    let dir = kit::scratch("gost-demo");
    let arguments = ["demo", "--once", "--algorithm", "gost", "--port", "21960", "--dir"];
    let told = Command::new(PROGRAM)
        .args(arguments)
        .arg(&dir)
        .env_remove("SOFTHSM2_CONF")
        .output()
        .unwrap();
    exits(&told, 0);
    dir
});

fn qoltanba(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(&*DEMO).env_remove("SOFTHSM2_CONF");
    command.envs(variables.iter().copied()).output().unwrap()
}

#[track_caller]
fn exits(output: &Output, code: i32) -> String {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn report(document: &str) -> Value {
    let output = qoltanba(&["verify", "--json", document], &[]);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_documents_of_the_demonstration_carry_gost_signatures_that_stand() {
    for kind in ["licence", "refusal"] {
        for form in ["-request.xml", ".xml", "-kk.pdf", "-ru.pdf", "-en.pdf"] {
            let name = format!("documents/{kind}{form}");
            let report = report(&name);
            assert_eq!(report["verdict"], "TOTAL-PASSED", "{name}: {report}");
            let signature = &report["signatures"][0];
            let algorithm = "GOST R 34.10-2012 (512 bits) with Streebog-512";
            assert_eq!(signature["algorithm"], algorithm, "{name}");

            let mut forged = fs::read(DEMO.join(&name)).unwrap();
            let wanted: &[u8] = if form.ends_with("pdf") { b"/MediaBox" } else { b"</" };
            let at = forged.windows(wanted.len()).position(|part| part == wanted).unwrap();
            forged[at - 1] ^= 1;
            let path = DEMO.join(format!("forged-{kind}{form}"));
            fs::write(&path, forged).unwrap();
            let output = qoltanba(&["verify", shown(&path)], &[]);
            assert_ne!(output.status.code(), Some(0), "{name}");
        }
    }
    let said = exits(&qoltanba(&["audit", "verify"], &[]), 0);
    assert!(!said.is_empty());
}

#[test]
fn a_pkcs12_file_signs_with_its_password_only() {
    let world = World::open(&DEMO.join("pki")).unwrap();
    let dir = kit::scratch("gost-p12");
    let key = world.key_path("first-head").unwrap().unwrap();
    let pin = world.pin_path("first-head").unwrap();
    let (file, password) = (["--p12", shown(&key)], fs::read_to_string(&pin).unwrap());
    let letter = dir.join("letter.xml");
    fs::write(&letter, "<хат>мәтін</хат>").unwrap();
    let licence = dir.join("licence.pdf");
    fs::copy(DEMO.join("documents/licence-kk.pdf"), &licence).unwrap();
    for (document, signed, sources) in [
        (&letter, "letter.signed.xml", ["--pin-file", shown(&pin)]),
        (&licence, "licence.signed.pdf", ["--pin-env", "THE_PASSWORD"]),
    ] {
        let arguments = [&["sign"], &file[..], &sources, &[shown(document)]].concat();
        let said = exits(&qoltanba(&arguments, &[("THE_PASSWORD", password.trim())]), 0);
        assert!(said.starts_with("TOTAL-PASSED"), "{said}");
        let report = report(shown(&dir.join(signed)));
        let last = report["signatures"].as_array().unwrap().last().unwrap();
        assert_eq!(last["signer"]["iin"], "780921310808");
    }

    let other = dir.join("other.xml");
    fs::write(&other, "<хат/>").unwrap();
    let with = |key: &Path, password: &str, more: &[&str]| {
        let own = ["sign", "--p12", shown(key), "--pin-env", "THE_PASSWORD"];
        let arguments = [&own[..], more, &[shown(&other)]].concat();
        qoltanba(&arguments, &[("THE_PASSWORD", password)])
    };
    let said = exits(&with(&key, "17171717", &[]), 1);
    assert!(said.contains("password-incorrect") && !said.contains("17171717"), "{said}");
    let octets = fs::read(&key).unwrap();
    let cut = dir.join("cut.p12");
    fs::write(&cut, &octets[..octets.len() / 2]).unwrap();
    assert!(exits(&with(&cut, password.trim(), &[]), 3).contains("broken-key-file"));
    assert!(exits(&with(&dir.join("none.p12"), "x", &[]), 3).contains("no-such-file"));
    let nobody = with(&key, password.trim(), &["--key", "nobody"]);
    assert!(exits(&nobody, 3).contains("no-such-key"));
    let certificate = world.certificate_path("person").unwrap();
    let another = with(&key, password.trim(), &["--certificate", shown(&certificate)]);
    assert!(exits(&another, 1).contains("key-mismatch"));
    exits(&with(&key, password.trim(), &["--token", "x"]), 3);
    assert!(!dir.join("other.signed.xml").exists());
}

/// The module that is built beside the tests.
fn module() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap().join("examples/libgost_module.so");
    assert!(built.exists(), "cargo build --example gost_module makes {}", built.display());
    built
}

#[test]
fn tokens_sign_in_the_way_their_module_is_configured() {
    let world = World::open(&DEMO.join("pki")).unwrap();
    let key = world.key_path("officer-head").unwrap().unwrap();
    let pin = fs::read_to_string(world.pin_path("officer-head").unwrap()).unwrap();
    let own = fs::read_to_string(DEMO.join("qoltanba.toml")).unwrap();
    let module = module();
    let sign = |name: &str, mechanism: &str, pin: &str| {
        let config = DEMO.join(format!("{name}.toml"));
        let token = format!("[token]\nmodules = ['{}']\n{mechanism}\n", module.display());
        fs::write(&config, format!("{own}\n{token}")).unwrap();
        let letter = DEMO.join(format!("{name}.xml"));
        fs::write(&letter, "<хат>мәтін</хат>").unwrap();
        let arguments =
            ["--config", shown(&config), "sign", "--pin-env", "THE_PIN", shown(&letter)];
        qoltanba(&arguments, &[("THE_PIN", pin), ("GOST_MODULE_P12", shown(&key))])
    };
    let mechanism = |number: &str, input: &str, value: &str| {
        format!(
            "[[token.gost]]\nkey = 'gost-512'\nmechanism = {number}\ninput = '{input}'\n\
             value = '{value}'\n"
        )
    };
    for (name, number, input, value) in [
        ("standard", "0x1201", "digest", "s-r-big"),
        ("reversed", "0x80000001", "digest-reversed", "r-s-big"),
        ("message", "0x80000002", "message", "s-r-little"),
        ("national", "0x80000003", "digest", "r-s-little"),
    ] {
        let said = exits(&sign(name, &mechanism(number, input, value), pin.trim()), 0);
        assert!(said.starts_with("TOTAL-PASSED"), "{said}");
        let report = report(&format!("{name}.signed.xml"));
        assert_eq!(report["signatures"][0]["signer"]["iin"], "700511310804");
    }
    // In every other order, and from a module that gives something else, no signature leaves.
    for (name, number, input, value) in [
        ("wrong-value", "0x80000003", "digest", "s-r-little"),
        ("wrong-input", "0x80000003", "digest-reversed", "r-s-little"),
        ("broken", "0x80000004", "digest", "r-s-little"),
    ] {
        let said = exits(&sign(name, &mechanism(number, input, value), pin.trim()), 1);
        assert!(said.contains("key-mismatch"), "{said}");
    }
    let said = exits(&sign("absent", &mechanism("0x1209", "digest", "s-r-big"), pin.trim()), 4);
    assert!(said.contains("MechanismInvalid"), "{said}");
    let said = exits(&sign("untold", "", pin.trim()), 3);
    assert!(said.contains("names no mechanism"), "{said}");
    let right = mechanism("0x80000003", "digest", "r-s-little");
    assert!(exits(&sign("pin", &right, "17171717"), 1).contains("pin-incorrect"));
}
