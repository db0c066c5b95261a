//! Keys and programs for the tests of this floor.

use std::path::Path;
use std::process::{Command, Output};

use crate::token::SoftwareSigner;
use crate::x509::Certificate;

/// A P-256 key with a self-made certificate.
pub(crate) fn p256(name: &str) -> SoftwareSigner {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    let certificate = parameters.self_signed(&key).unwrap();
    let certificate = Certificate::from_der(certificate.der()).unwrap();
    SoftwareSigner::new(&key.serialize_der(), certificate).unwrap()
}

/// An RSA-2048 key with a self-made certificate, from openssl; the PEM files stay in `folder`.
pub(crate) fn rsa(folder: &Path) -> SoftwareSigner {
    let arguments =
        "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=Rsa -keyout k.pem -out c.pem";
    run(folder, "openssl", &arguments.split(' ').collect::<Vec<_>>());
    let arguments = "pkcs8 -topk8 -nocrypt -in k.pem -outform DER -out k.der";
    run(folder, "openssl", &arguments.split(' ').collect::<Vec<_>>());
    let certificate = std::fs::read(folder.join("c.pem")).unwrap();
    let certificate = Certificate::from_der_or_pem(&certificate).unwrap();
    SoftwareSigner::new(&std::fs::read(folder.join("k.der")).unwrap(), certificate).unwrap()
}

/// Runs a program that must succeed.
pub(crate) fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = attempt(folder, program, arguments);
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    said
}

/// Runs a program.
pub(crate) fn attempt(folder: &Path, program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command.output().unwrap_or_else(|error| panic!("{program} is needed by this test: {error}"))
}

/// Whether a signature stands: no fault, and its value verifies with its certificate.
pub(crate) fn stands(found: &crate::signature::FoundSignature) -> bool {
    let (Ok(algorithm), Some(certificate)) = (&found.algorithm, &found.certificate) else {
        return false;
    };
    let key = certificate.public_key();
    found.faults.is_empty()
        && crate::crypto::verify(
            *algorithm,
            found.value_form,
            key,
            &found.signed_octets,
            &found.value,
        )
        .is_ok()
}
