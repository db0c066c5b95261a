//! XML signatures: xmlsec1, signxml and xml-crypto.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use qoltanba::crypto::{DigestAlgorithm, hex, verify};
use qoltanba::signature::{FoundSignature, Stamped, ValidationMaterial};
use qoltanba::token::{Signer as _, SoftwareSigner};
use qoltanba::x509::Certificate;
use qoltanba::xml::c14n::Canonicalization;
use qoltanba::xml::{self, Covers, SigningOptions};
use time::OffsetDateTime;

use super::{is_there, peers, run, say, shell};

/// Names, letters, line ends, references and white space that canonical forms differ in. There is
/// no comment: some peers sign comments for `URI=""`, which xmldsig-core1 §4.4.3.3 leaves out.
const INPUT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<l:licence xmlns:l=\"urn:l\" \
    xmlns=\"urn:d\" xmlns:unused=\"urn:u\" number='KZ-1' l:b=\"2\" a = \"&lt;&#9;&quot;\">\r\n\
    <holder xml:lang=\"kk\" id=\"holder\">Қазақстан &amp; Ә ғ &#x4B1; <![CDATA[<&>]]>\t&#13;</holder>\
    <p:x xmlns:p=\"urn:p\"><y xmlns=\"\" p:z=\"\"/></p:x></l:licence>\n";

const METHODS: [&str; 6] = [
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2006/12/xml-c14n11#WithComments",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
];

const KEYS: [&str; 2] = ["rsa", "p256"];
const EVERY: [usize; 6] = [0, 1, 2, 3, 4, 5];

/// Both keys as every program reads them, and the document to be signed.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let make = "-nodes -days 30 -subj /CN=peer -addext keyUsage=digitalSignature";
        for (name, kind) in [("rsa", "rsa:2048"), ("p256", "ec -pkeyopt ec_paramgen_curve:P-256")] {
            shell(
                at,
                &format!(
                    "openssl req -x509 -newkey {kind} {make} -keyout {name}.key.pem -out {name}.cert.pem"
                ),
            );
            shell(
                at,
                &format!(
                    "openssl pkcs8 -topk8 -nocrypt -in {name}.key.pem -outform DER -out {name}.key.der"
                ),
            );
        }
        fs::write(at.join("input.xml"), INPUT).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    fn signer(&self, key: &str) -> SoftwareSigner {
        let certificate = Certificate::from_der_or_pem(&self.read(&format!("{key}.cert.pem")));
        SoftwareSigner::new(&self.read(&format!("{key}.key.der")), certificate.unwrap()).unwrap()
    }

    /// Files of this beginning, sorted.
    fn files(&self, beginning: &str) -> Vec<PathBuf> {
        let all = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        let chosen =
            |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(beginning);
        let mut files: Vec<_> = all.filter(chosen).collect();
        files.sort();
        files
    }

    /// Every signature of the peer's documents stands here, and none of a changed one does.
    fn all_verify(&self, peer: &str, expected: usize) {
        let files = self.files(&format!("{peer}-"));
        assert_eq!(files.len(), expected, "{files:?}");
        // Key and canonicalization of what was read, by how often it was.
        let mut kinds = BTreeMap::new();
        for path in files {
            let octets = fs::read(&path).unwrap();
            let found = xml::read(&octets, None).unwrap();
            assert_eq!(found.len(), 1, "{}", path.display());
            assert_eq!(found[0].faults, vec![], "{}", path.display());
            assert!(holds(&found[0]), "{}", path.display());
            assert!(found[0].scope.covers_whole_document, "{}", path.display());
            let text = String::from_utf8(octets).unwrap();
            let key = found[0].certificate.as_ref().unwrap().public_key().kind.to_string();
            *kinds.entry((key, canonicalization(&text))).or_insert(0) += 1;
            let changed = text.replacen("KZ-1", "KZ-2", 1);
            let found = xml::read(changed.as_bytes(), None).unwrap();
            assert!(!found[0].faults.is_empty(), "{}", path.display());
        }
        say(&format!("{peer}: {expected} documents verify here, and changed they do not:"));
        kinds.iter().for_each(|((key, how), count)| say(&format!("  {count} {key}, {how}")));
    }

    /// Our documents in each canonicalization and level, and changed ones nobody may take.
    fn write_ours(&self, methods: &[usize]) -> usize {
        let mut made = 0;
        for key in KEYS {
            let signer = self.signer(key);
            let options = SigningOptions {
                signer_role: Some("head".to_owned()),
                commitment: Some("http://uri.etsi.org/01903/v1.2.2#ProofOfApproval".to_owned()),
                ..SigningOptions::new(OffsetDateTime::now_utc())
            };
            let signed = xml::sign(INPUT.as_bytes(), &signer, &options).unwrap();
            let [t, lta] = self.levels(&signed);
            let mut documents =
                vec![("b".to_owned(), signed), ("t".into(), t), ("lta".into(), lta)];
            for number in methods {
                let canonicalization = Canonicalization::from_uri(METHODS[*number]).unwrap();
                let options = SigningOptions { canonicalization, ..options.clone() };
                let signed = xml::sign(INPUT.as_bytes(), &signer, &options).unwrap();
                documents.push((format!("c14n{number}"), signed));
            }
            for (level, document) in documents {
                let text = String::from_utf8(document).unwrap();
                let changed = text.replacen("KZ-1", "KZ-2", 1);
                fs::write(self.path().join(format!("ours-{key}-{level}.xml")), text).unwrap();
                fs::write(self.path().join(format!("bad-{key}-{level}.xml")), changed).unwrap();
                made += 1;
            }
        }
        made
    }

    /// Levels T and LTA (two archive time-stamps), with tokens of OpenSSL's authority.
    fn levels(&self, signed: &[u8]) -> [Vec<u8>; 2] {
        let over = xml::to_be_stamped(signed, None, 0).unwrap();
        let t = xml::with_timestamp(signed, 0, &self.token(&over)).unwrap();
        let certificate = Certificate::from_der_or_pem(&self.read("tsa.cert.pem")).unwrap();
        let material = |crl: &[u8]| ValidationMaterial {
            certificates: vec![certificate.der().to_vec()],
            ocsp: Vec::new(),
            crls: vec![crl.to_vec()],
        };
        let mut last = t.clone();
        for crl in [b"one", b"two"] {
            last = xml::with_material(&last, 0, &material(crl)).unwrap();
            let (over, draft) = xml::to_be_archived(&last, None, 0).unwrap();
            last = draft.finish(&self.token(&over)).unwrap();
        }
        [t, last]
    }

    fn token(&self, over: &Stamped) -> Vec<u8> {
        if !self.path().join("tsa.cert.pem").exists() {
            let conf = "[tsa]\ndefault_tsa=a\n[a]\nserial=serial\ncrypto_device=builtin\n\
                default_policy=1.2.3\ndigests=sha256\nsigner_digest=sha256\ness_cert_id_alg=sha256\n";
            fs::write(self.path().join("tsa.conf"), conf).unwrap();
            shell(
                self.path(),
                "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=tsa \
                -keyout tsa.key.pem -out tsa.cert.pem -addext extendedKeyUsage=critical,timeStamping",
            );
        }
        let digest = hex(&over.digest(DigestAlgorithm::Sha256).unwrap());
        shell(self.path(), &format!("openssl ts -query -digest {digest} -sha256 -cert -out q.tsq"));
        shell(
            self.path(),
            "openssl ts -reply -config tsa.conf -section a -queryfile q.tsq \
            -signer tsa.cert.pem -inkey tsa.key.pem -token_out -out token.der",
        );
        self.read("token.der")
    }

    /// What a peer says of our documents: each stands, and each changed one falls.
    fn judged_by(&self, peer: &str, said: &str, made: usize) {
        let lines: Vec<_> = said.lines().collect();
        let ours = lines.iter().filter(|line| line.starts_with("ok ours-")).count();
        let bad = lines.iter().filter(|line| line.starts_with("bad bad-")).count();
        assert_eq!((ours, bad, lines.len()), (made, made, 2 * made), "{said}");
        say(&format!("{peer}: {made} documents of ours verify there, {bad} changed ones do not:"));
        let mut kinds = BTreeMap::new();
        for path in self.files("ours-") {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let key = name.split('-').nth(1).unwrap().to_owned();
            *kinds.entry((key, canonicalization(&text))).or_insert(0) += 1;
        }
        kinds.iter().for_each(|((key, how), count)| say(&format!("  {count} {key}, {how}")));
    }
}

/// What a document's `CanonicalizationMethod` is called.
fn canonicalization(text: &str) -> String {
    let (_, method) = text.split_once("CanonicalizationMethod Algorithm=\"").unwrap();
    let uri = method.split('"').next().unwrap();
    let name = match uri {
        _ if uri.contains("xml-exc-c14n") => "exclusive C14N",
        _ if uri.contains("c14n11") => "C14N 1.1",
        _ => "C14N 1.0",
    };
    format!("{name}{}", if uri.ends_with("WithComments") { " with comments" } else { "" })
}

fn holds(found: &FoundSignature) -> bool {
    let Some(certificate) = &found.certificate else { return false };
    let algorithm = found.algorithm.clone().unwrap();
    let key = certificate.public_key();
    verify(algorithm, found.value_form, key, &found.signed_octets, &found.value).is_ok()
}

#[test]
fn xmlsec1_both_ways() {
    let Some(_) = peers("xmlsec1") else { return };
    let desk = Desk::new();
    for (key, method) in [("rsa", "rsa-sha256"), ("p256", "ecdsa-sha256")] {
        for (number, uri) in METHODS.iter().enumerate() {
            let template = format!(
                "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo>\
                 <CanonicalizationMethod Algorithm=\"{uri}\"/><SignatureMethod \
                 Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#{method}\"/><Reference URI=\"\">\
                 <Transforms><Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
                 <Transform Algorithm=\"{uri}\"/></Transforms><DigestMethod \
                 Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><DigestValue/></Reference>\
                 </SignedInfo><SignatureValue/><KeyInfo><X509Data/></KeyInfo></Signature></l:licence>"
            );
            fs::write(desk.path().join("t.xml"), INPUT.replace("</l:licence>", &template)).unwrap();
            let line = format!(
                "xmlsec1 --sign --privkey-pem {key}.key.pem,{key}.cert.pem \
                 --output xmlsec1-{key}-{number}.xml t.xml"
            );
            shell(desk.path(), &line);
        }
    }
    desk.all_verify("xmlsec1", 12);
    let made = desk.write_ours(&EVERY);
    let mut said = String::new();
    for path in desk.files("ours-").into_iter().chain(desk.files("bad-")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let key = name.split('-').nth(1).unwrap();
        let out = Command::new("xmlsec1")
            .args([
                "--verify",
                "--id-attr:Id",
                "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
            ])
            .args(["--trusted-pem", &format!("{key}.cert.pem"), name])
            .current_dir(desk.path())
            .output()
            .unwrap();
        said += if out.status.success() { "ok " } else { "bad " };
        said += &format!("{name}\n");
    }
    desk.judged_by("xmlsec1", &said, made);
    let seen = xml::read(&desk.read("ours-rsa-b.xml"), None).unwrap();
    assert!(holds(&seen[0]) && seen[0].claims.roles == ["head"]);
    let _ = desk.signer("rsa").certificate();
    let element = SigningOptions {
        covers: Covers::Element("holder".to_owned()),
        ..SigningOptions::new(OffsetDateTime::now_utc())
    };
    let signed = xml::sign(INPUT.as_bytes(), &desk.signer("p256"), &element).unwrap();
    fs::write(desk.path().join("element.xml"), signed).unwrap();
    shell(
        desk.path(),
        "xmlsec1 --verify --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties \
        --id-attr:id urn:d:holder --trusted-pem p256.cert.pem element.xml",
    );
}

#[test]
fn signxml_both_ways_and_its_xades() {
    let Some(folder) = peers("signxml") else { return };
    let python = folder.join("venv/bin/python");
    if !is_there(&python, "signxml") {
        return;
    }
    let desk = Desk::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/peers/signxml_peer.py");
    run(Command::new(&python).args([script, "make"]).current_dir(desk.path()));
    desk.all_verify("signxml", 14);
    let xades: Vec<_> = desk
        .files("signxml-")
        .into_iter()
        .filter(|path| {
            let found = xml::read(&fs::read(path).unwrap(), None).unwrap().remove(0);
            found.format.as_str() == "XAdES-B-B"
        })
        .collect();
    assert_eq!(xades.len(), 2, "their XAdES is read as XAdES");
    let made = desk.write_ours(&EVERY);
    let said = run(Command::new(&python).args([script, "check"]).current_dir(desk.path()));
    desk.judged_by("signxml", &said, made);
    // The octets under every time-stamp, computed a second time by other means.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/peers/xades_octets.py");
    let said = run(Command::new(&python).arg(script).current_dir(desk.path()));
    let holds = said.lines().filter(|line| line.starts_with("ok ")).count();
    assert_eq!((holds, said.lines().count()), (8, 8), "{said}");
    say("lxml and openssl ts: 8 time-stamps of ours (signature, archive, archive again) hold");
}

#[test]
fn xml_crypto_both_ways() {
    let Some(folder) = peers("xml-crypto") else { return };
    let modules = folder.join("node_modules");
    if !is_there(&modules.join("xml-crypto"), "xml-crypto") {
        return;
    }
    let desk = Desk::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/peers/xml_crypto_peer.js");
    let node = |how: &str| {
        let mut command = Command::new("node");
        run(command.args([script, how]).env("NODE_PATH", &modules).current_dir(desk.path()))
    };
    node("make");
    desk.all_verify("xml-crypto", 8);
    say("skipped: xml-crypto with C14N 1.1, because it has no such canonicalization");
    let made = desk.write_ours(&[0, 1, 4, 5]);
    desk.judged_by("xml-crypto", &node("check"), made);
}
