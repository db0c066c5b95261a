//! PKCS#12 files that OpenSSL writes, old and new, and ours read by OpenSSL.

use std::path::Path;
use std::process::Command;

use qoltanba::crypto::{GostCurve, GostPrivateKey, SystemRandom};
use qoltanba::token::{
    KeyChoice, Pin, Pkcs12, Pkcs12Error, SignError, Signer as _, SoftwareKey, sign_checked,
};
use qoltanba::x509::{Certificate, read_certificates};

const PASSWORD: &str = "Сөз Aa1";

fn openssl(dir: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).current_dir(dir).output();
    let output = output.expect("openssl must be installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {said}");
    output.stdout
}

fn read(file: &[u8], password: &str) -> Result<Pkcs12, Pkcs12Error> {
    Pkcs12::read(file, &Pin::new(password.to_owned()))
}

/// A key and its certificate, `key.pem` and `certificate.pem`.
fn pair(kind: &[&str]) -> (tempfile::TempDir, Certificate) {
    let dir = tempfile::tempdir().unwrap();
    let own = ["req", "-x509", "-nodes", "-subj", "/CN=Person", "-days", "2"];
    let files = ["-keyout", "key.pem", "-out", "certificate.pem"];
    openssl(dir.path(), &[&own[..], &files, kind].concat());
    let pem = std::fs::read(dir.path().join("certificate.pem")).unwrap();
    let certificate = read_certificates(&pem).unwrap().remove(0);
    (dir, certificate)
}

fn export(dir: &Path, options: &[&str]) -> Vec<u8> {
    let common = ["pkcs12", "-export", "-inkey", "key.pem", "-out", "file.p12", "-name", "кілт"];
    let password = format!("pass:{PASSWORD}");
    openssl(dir, &[&common[..], &["-passout", &password], options].concat());
    std::fs::read(dir.join("file.p12")).unwrap()
}

const KINDS: [&[&str]; 3] = [
    &["-newkey", "rsa:2048"],
    &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
];

#[test]
fn files_of_every_scheme_give_their_key() {
    let schemes: [&[&str]; 10] = [
        &[],
        // RC2 with 40 bits for certificates, three-key triple DES for keys.
        &["-legacy"],
        &["-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-2DES"],
        &["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha384"],
        &["-keypbe", "AES-128-CBC", "-certpbe", "AES-192-CBC", "-macalg", "sha512"],
        &["-keypbe", "DES-EDE3-CBC", "-certpbe", "DES-EDE3-CBC", "-macalg", "sha1"],
        &["-keypbe", "NONE", "-certpbe", "NONE"],
        &["-iter", "100000"],
        &["-nomaciter"],
        &["-macalg", "sha224"],
    ];
    for kind in KINDS {
        let (dir, certificate) = pair(kind);
        for scheme in schemes {
            let own = ["-in", "certificate.pem"];
            let file = export(dir.path(), &[&own[..], scheme].concat());
            if scheme == ["-macalg", "sha224"] {
                let refused = read(&file, PASSWORD).unwrap_err();
                assert!(matches!(refused, Pkcs12Error::Unsupported(_)), "{refused}");
                continue;
            }
            let opened =
                read(&file, PASSWORD).unwrap_or_else(|error| panic!("{scheme:?}: {error}"));
            assert_eq!(opened.certificates(), [certificate.clone()]);
            assert_eq!(opened.keys()[0].label, "кілт");
            let signer = opened.signer(&KeyChoice::Label("кілт".to_owned())).unwrap();
            assert_eq!(signer.certificate(), &certificate);
            sign_checked(&signer, b"message").unwrap();
            assert_eq!(read(&file, "Сөз Aa2").unwrap_err(), Pkcs12Error::WrongPassword);
        }
    }
}

#[test]
fn files_that_cannot_be_used_say_why() {
    let (dir, certificate) = pair(KINDS[1]);
    let own = ["-in", "certificate.pem"];
    let with = |options: &[&str]| export(dir.path(), &[&own[..], options].concat());
    let why = |file: &[u8]| read(file, PASSWORD).unwrap_err().to_string();
    assert!(why(&with(&["-nomac"])).contains("without a code"));
    assert!(why(&with(&["-legacy", "-keypbe", "PBE-SHA1-RC4-128"])).contains("RC4"));
    assert!(why(&with(&["-iter", "3000000"])).contains("more than 2000000 iterations"));
    // Each count is within the bound, their sum is not.
    assert!(why(&with(&["-iter", "900000"])).contains("more than 2000000 iterations"));
    assert!(why(b"-----BEGIN CERTIFICATE-----").contains("not a PKCS#12 file"));

    // A key alone: the certificate comes from elsewhere.
    let file = export(dir.path(), &["-nocerts"]);
    let missing = read(&file, PASSWORD).unwrap().signer(&KeyChoice::Only).err().unwrap();
    assert!(matches!(&missing, SignError::NoSuchKey(text) if text.contains("no certificate")));
    let signer = read(&file, PASSWORD).unwrap().signer_with(&KeyChoice::Only, certificate);
    sign_checked(&signer.unwrap(), b"message").unwrap();
    let nobody = KeyChoice::Label("nobody".to_owned());
    let missing = read(&file, PASSWORD).unwrap().signer(&nobody).err().unwrap();
    assert!(matches!(&missing, SignError::NoSuchKey(text) if text.contains("кілт")), "{missing}");
}

#[test]
fn openssl_opens_what_we_write() {
    let (dir, certificate) = pair(KINDS[0]);
    let key = GostPrivateKey::generate(GostCurve::Tc26A512, &SystemRandom).unwrap();
    let key = SoftwareKey::gost(key);
    let pin = Pin::new(PASSWORD.to_owned());
    let file = Pkcs12::write(&key, &[&certificate], "кілт", &pin, &SystemRandom).unwrap();
    std::fs::write(dir.path().join("ours.p12"), file).unwrap();
    let password = format!("pass:{PASSWORD}");
    let certificates =
        openssl(dir.path(), &["pkcs12", "-in", "ours.p12", "-nokeys", "-passin", &password]);
    assert_eq!(read_certificates(&certificates).unwrap(), [certificate]);
    // OpenSSL has no name for the key's algorithm, but takes the key out of its encryption.
    let shown = Command::new("openssl")
        .args(["pkcs12", "-in", "ours.p12", "-info", "-nocerts", "-nodes", "-passin", &password])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&shown.stderr).into_owned();
    let expected =
        "Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256";
    assert!(shown.contains("MAC: sha256, Iteration 2048") && shown.contains(expected), "{shown}");
}
