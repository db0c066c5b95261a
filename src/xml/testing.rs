//! What the tests of this room share: signers, and other programs to check us with.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use crate::crypto::verify;
use crate::signature::FoundSignature;
use crate::token::{Signer, SoftwareSigner};
use crate::x509::Certificate;

pub use super::random::{Dice, document};

/// A signer with its PKCS#8 key, for programs that sign beside us.
pub type TestSigner = (Arc<dyn Signer>, Vec<u8>);

/// An ECDSA P-256 key with a self-signed certificate.
pub fn p256_signer() -> TestSigner {
    static SIGNER: LazyLock<TestSigner> = LazyLock::new(|| {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        signer(&key.serialize_der(), certificate.der())
    });
    SIGNER.clone()
}

/// A P-256 key with a self-signed certificate of this name: dotted types and values.
pub fn named_signer(name: &[(&str, &str)]) -> TestSigner {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for (oid, value) in name {
        let oid = oid.split('.').map(|arc| arc.parse().unwrap()).collect();
        params.distinguished_name.push(rcgen::DnType::CustomDnType(oid), *value);
    }
    signer(&key.serialize_der(), params.self_signed(&key).unwrap().der())
}

/// An RSA-2048 key with a self-signed certificate.
pub fn rsa_signer() -> TestSigner {
    static SIGNER: LazyLock<TestSigner> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let openssl = |arguments: &str| run("openssl", arguments, folder.path());
        openssl(
            "req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -subj /CN=test -days 30",
        );
        openssl("pkcs8 -topk8 -nocrypt -in k.pem -outform DER -out k.der");
        openssl("x509 -in c.pem -outform DER -out c.der");
        let file = |name| std::fs::read(folder.path().join(name)).unwrap();
        signer(&file("k.der"), &file("c.der"))
    });
    SIGNER.clone()
}

pub fn signer(pkcs8: &[u8], certificate: &[u8]) -> TestSigner {
    let certificate = Certificate::from_der(certificate).unwrap();
    (Arc::new(SoftwareSigner::new(pkcs8, certificate).unwrap()), pkcs8.to_vec())
}

/// Whether the signature value belongs to the certificate the signature points to.
pub fn value_holds(found: &FoundSignature) -> bool {
    let (Some(certificate), Ok(algorithm)) = (&found.certificate, &found.algorithm) else {
        return false;
    };
    let key = certificate.public_key();
    verify(*algorithm, found.value_form, key, &found.signed_octets, &found.value).is_ok()
}

/// Whether `xmlsec1 --verify` accepts a document of ours.
pub fn xmlsec1_accepts(document: &[u8], certificate: &Certificate) -> bool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("d.xml"), document).unwrap();
    std::fs::write(folder.path().join("c.der"), certificate.der()).unwrap();
    let arguments = "--verify --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties \
                     --trusted-der c.der d.xml";
    let mut command = Command::new("xmlsec1");
    command.args(arguments.split_whitespace()).current_dir(&folder);
    command.output().expect("xmlsec1 is needed").status.success()
}

/// Runs a program that must succeed.
pub fn run(program: &str, arguments: &str, folder: &Path) -> Vec<u8> {
    let out = Command::new(program).args(arguments.split_whitespace()).current_dir(folder).output();
    let out = out.unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    assert!(out.status.success(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// Lets xmlsec1 fill in the signature template of a document.
pub fn xmlsec1_signs(template: &str, signer: &TestSigner, files: &[(&str, &[u8])]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    std::fs::write(folder.path().join("t.xml"), template).unwrap();
    std::fs::write(folder.path().join("k.der"), &signer.1).unwrap();
    std::fs::write(folder.path().join("c.der"), signer.0.certificate().der()).unwrap();
    run("openssl", "pkcs8 -inform DER -nocrypt -in k.der -out k.pem", folder.path());
    run("openssl", "x509 -inform DER -in c.der -out c.pem", folder.path());
    run("xmlsec1", "--sign --privkey-pem k.pem,c.pem --output s.xml t.xml", folder.path());
    std::fs::read(folder.path().join("s.xml")).unwrap()
}
