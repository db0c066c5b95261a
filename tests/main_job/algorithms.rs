//! What other programs sign with: every row of the table through X.509, CMS and XML, and weak
//! digests under strong signatures.

use std::fs;
use std::path::{Path, PathBuf};

use crate::kit;
use crate::kit::service::PROGRAM;

/// A directory with a key and a certificate that is its own anchor.
struct Signer {
    dir: PathBuf,
}

const EXTENSIONS: &str = "[req]\ndistinguished_name = dn\nx509_extensions = own\n[dn]\n\
    [own]\nbasicConstraints = critical,CA:FALSE\nkeyUsage = critical,nonRepudiation\n\
    subjectKeyIdentifier = hash\n[issuer]\nbasicConstraints = critical,CA:TRUE\n\
    keyUsage = critical,keyCertSign\nsubjectKeyIdentifier = hash\n\
    [leaf]\nkeyUsage = critical,nonRepudiation\nsubjectKeyIdentifier = hash\n\
    authorityKeyIdentifier = keyid\n";

const RSA: &[&str] = &["-newkey", "rsa:2048"];
const P256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P384: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"];
const PSS: &[&str] = &["rsa_padding_mode:pss", "rsa_pss_saltlen:max"];

impl Signer {
    fn new(name: &str, key: &[&str], extensions: &str) -> Self {
        let dir = kit::scratch(&format!("algorithms-{name}"));
        fs::write(dir.join("openssl.cnf"), EXTENSIONS).unwrap();
        fs::write(dir.join("qoltanba.toml"), "").unwrap();
        fs::write(dir.join("data"), "мәтін").unwrap();
        let this = Self { dir };
        let (config, own, certificate) =
            (this.path("openssl.cnf"), this.path("key.pem"), this.path("own.pem"));
        let fixed =
            ["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=Own", "-config", &config];
        let more = ["-extensions", extensions, "-keyout", &own, "-out", &certificate];
        kit::run("openssl", &[&fixed[..], key, &more].concat());
        this
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn qoltanba(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let config = self.path("qoltanba.toml");
        let arguments = [&["--config", &config], arguments].concat();
        let output = kit::output(PROGRAM, &arguments);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    fn verify(&self, more: &[&str], document: &str) -> (Option<i32>, String) {
        let trust = self.path("own.pem");
        let fixed = ["verify", "--trust", &trust, "--revocation", "off"];
        self.qoltanba(&[&fixed[..], more, &[document]].concat())
    }

    fn xml(&self, method: &str, digest: &str) -> String {
        let template = format!(
            "<a><b>text</b><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo>\
             <CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
             <SignatureMethod Algorithm=\"{method}\"/><Reference URI=\"\"><Transforms><Transform \
             Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/></Transforms>\
             <DigestMethod Algorithm=\"{digest}\"/><DigestValue/></Reference></SignedInfo>\
             <SignatureValue/><KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo>\
             </Signature></a>"
        );
        let (from, to) = (self.path("template.xml"), self.path("signed.xml"));
        fs::write(&from, template).unwrap();
        let key = format!("{},{}", self.path("key.pem"), self.path("own.pem"));
        kit::run("xmlsec1", &["--sign", "--privkey-pem", &key, "--output", &to, &from]);
        to
    }
}

#[test]
fn cms_of_every_pair_of_key_and_digest() {
    for (name, key, options) in
        [("rsa", RSA, &[][..]), ("pss", RSA, PSS), ("p256", P256, &[]), ("p384", P384, &[])]
    {
        let signer = Signer::new(&format!("cms-{name}"), key, "own");
        for digest in ["sha256", "sha384", "sha512"] {
            let (data, own, key) =
                (signer.path("data"), signer.path("own.pem"), signer.path("key.pem"));
            let signed = signer.path(&format!("{digest}.p7s"));
            let mut arguments =
                vec!["cms", "-sign", "-nodetach", "-binary", "-cades", "-in", &data];
            arguments.extend(["-signer", &own, "-inkey", &key, "-md", digest]);
            arguments.extend(["-outform", "DER", "-out", &signed]);
            arguments.extend(options.iter().flat_map(|option| ["-keyopt", option]));
            kit::run("openssl", &arguments);
            let (code, said) = signer.verify(&[], &signed);
            assert_eq!(code, Some(0), "{name} {digest}: {said}");
            // What was kept is judged the same again, parameters included.
            let (_, stored) = signer.verify(&["--report", "diagnostic"], &signed);
            let kept = signer.path("diagnostic.json");
            fs::write(&kept, stored).unwrap();
            let (code, said) = signer.qoltanba(&["report", "replay", &kept]);
            assert_eq!(code, Some(0), "{name} {digest}, replayed: {said}");
        }
    }
}

#[test]
fn certificates_of_every_pair_of_key_and_digest() {
    for (name, key, options) in
        [("rsa", RSA, &[][..]), ("pss", RSA, PSS), ("p256", P256, &[]), ("p384", P384, &[])]
    {
        let issuer = Signer::new(&format!("ca-{name}"), key, "issuer");
        let (key, config) = (issuer.path("leaf.key"), issuer.path("openssl.cnf"));
        let request = issuer.path("leaf.csr");
        let subject = ["req", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=Leaf", "-config"];
        let files = [config.as_str(), "-keyout", &key, "-out", &request];
        kit::run("openssl", &[&subject[..], &files].concat());
        for digest in ["-sha256", "-sha384", "-sha512"] {
            let (own, own_key, leaf) =
                (issuer.path("own.pem"), issuer.path("key.pem"), issuer.path("leaf.pem"));
            let mut arguments = vec!["x509", "-req", "-in", &request, "-CA", &own, "-CAkey"];
            arguments.extend([own_key.as_str(), "-days", "9", digest, "-extfile", &config]);
            arguments.extend(["-extensions", "leaf", "-out", &leaf]);
            arguments.extend(options.iter().flat_map(|option| ["-sigopt", option]));
            kit::run("openssl", &arguments);
            let (code, said) = issuer.qoltanba(&["x509", "verify", "--trust", &own, &leaf]);
            assert_eq!(code, Some(0), "{name} {digest}: {said}");
            let arguments = ["x509", "verify", "--trust", &own, "--policy", "kz-2026", &leaf];
            let (code, said) = issuer.qoltanba(&arguments);
            assert_eq!(code, Some(0), "{name} {digest}: {said}");
        }
        // The authority itself signs no documents.
        let own = issuer.path("own.pem");
        let arguments = ["x509", "verify", "--trust", &own, "--purpose", "documents", &own];
        let (code, said) = issuer.qoltanba(&arguments);
        assert!(code == Some(1) && said.contains("nonRepudiation"), "{code:?} {said}");
    }
}

#[test]
fn a_weak_digest_under_a_good_xml_signature_is_refused_by_name() {
    let signer = Signer::new("xml", P256, "own");
    const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    for method in ["ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512"] {
        let signed = signer.xml(&format!("{MORE}{method}"), sha256);
        let (code, said) = signer.verify(&[], &signed);
        assert_eq!(code, Some(0), "{method}: {said}");
    }
    let method = format!("{MORE}ecdsa-sha256");
    let signed = signer.xml(&method, "http://www.w3.org/2000/09/xmldsig#sha1");
    let (code, said) = signer.verify(&[], &signed);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("digest: SHA-1 is accepted until 2014-01-01 only"), "{said}");
    let changed = fs::read_to_string(&signed).unwrap().replace("<b>text</b>", "<b>test</b>");
    fs::write(signer.path("changed.xml"), changed).unwrap();
    let (code, said) = signer.verify(&[], &signer.path("changed.xml"));
    assert_eq!(code, Some(1), "changed content is told apart from a weak digest: {said}");
    // How grave it is, is the policy's word.
    let lenient = qoltanba::validation::Policy::built_in().unwrap();
    let lenient = lenient.source().replace("digest = \"fail\"", "digest = \"warn\"");
    fs::write(signer.path("lenient.toml"), lenient).unwrap();
    let (code, said) = signer.verify(&["--policy", &signer.path("lenient.toml")], &signed);
    assert_eq!(code, Some(0), "{said}");
    assert!(Path::new(&signed).exists() && said.contains("SHA-1"), "the warning stays: {said}");
}
