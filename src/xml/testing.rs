//! Random documents for the tests of this room: rich in namespaces, Kazakh letters, line ends,
//! references, CDATA, comments, instructions and `xml:` attributes.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use crate::crypto::verify;
use crate::signature::FoundSignature;
use crate::token::{Signer, SoftwareSigner};
use crate::x509::Certificate;

/// A small generator (splitmix64), so that a seed names a document.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    pub fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len())]
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

const NAMES: &[&str] = &["a", "b", "жол", "Қолтаңба", "х-1", "Ә_ғ", "data"];
const PREFIXES: &[&str] = &["p", "q", "қ", "ns1"];
// No `&`: libxml2 2.9 writes it unescaped in namespace names, against C14N 1.0 §2.3.
const URIS: &[&str] = &["urn:a", "urn:b", "http://example.kz/x#y", "http://example.kz/%D2%9B?a=b"];
const TEXTS: &[&str] = &[
    "мәтін",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "&amp;",
    "&lt;",
    "&gt;",
    ">",
    "\"",
    "'",
    "&#13;",
    "&#xA;",
    "&#9;",
    "&#x49B;",
    "&quot;",
    "&apos;",
    "😀",
    "ұ",
    "]]&gt;",
    "&#xD;&#xA;",
    "x",
    "\u{85}",
    "\u{2028}",
];
const VALUES: &[&str] = &[
    "мән", " ", "\n", "\r\n", "\r", "\t", "&amp;", "&lt;", "&gt;", ">", "&#13;", "&#10;", "&#9;",
    "&quot;", "&apos;", "Ғ", "  x  ", "&#32;",
];

/// A random document; `ids` takes the values of the `xml:id` attributes put on its elements.
pub fn document(dice: &mut Dice, ids: &mut Vec<String>) -> String {
    let mut out = String::new();
    if dice.one_in(2) {
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n");
    }
    asides(dice, &mut out);
    element(dice, 0, &mut Vec::new(), ids, &mut out);
    asides(dice, &mut out);
    out
}

fn asides(dice: &mut Dice, out: &mut String) {
    for _ in 0..dice.below(3) {
        aside(dice, out);
        out.push_str(dice.pick(&["\n", "", "\r\n "]));
    }
}

fn aside(dice: &mut Dice, out: &mut String) {
    out.push_str(dice.pick(&[
        "<!--түсінік-->",
        "<!---->",
        "<!-- a\r\nb &amp; < -->",
        "<?pi?>",
        "<?pi  data ?>",
        "<?нұсқау a=\"b\"\r\n&lt; <?>",
    ]));
}

/// `scope` holds the bound prefixes, the nearest last.
fn element(
    dice: &mut Dice,
    depth: usize,
    scope: &mut Vec<(String, String)>,
    ids: &mut Vec<String>,
    out: &mut String,
) {
    let outer = scope.len();
    let mut tag = String::new();
    let mut declared: Vec<&str> = Vec::new();
    for _ in 0..[0, 0, 1, 2, 3][dice.below(5)] {
        let prefix = if dice.one_in(3) { "" } else { dice.pick(PREFIXES) };
        if declared.contains(&prefix) {
            continue;
        }
        declared.push(prefix);
        let uri = if prefix.is_empty() && dice.one_in(3) { "" } else { dice.pick(URIS) };
        let colon = if prefix.is_empty() { "" } else { ":" };
        let _ = write!(tag, " xmlns{colon}{prefix}=\"{uri}\"");
        scope.push((prefix.to_owned(), uri.to_owned()));
    }
    if dice.one_in(20) {
        tag.push_str(" xmlns:xml='http://www.w3.org/XML/1998/namespace'");
    }
    let bound: Vec<String> = scope
        .iter()
        .map(|(prefix, _)| prefix.clone())
        .filter(|prefix| !prefix.is_empty())
        .collect();
    for index in 0..dice.below(5) {
        let space = dice.pick(&[" ", "\n ", "\t", "\r\n"]);
        let local = format!("{}{index}", dice.pick(NAMES));
        let name = match bound.len() {
            0 => local,
            _ if dice.one_in(2) => local,
            count => format!("{}:{local}", bound[dice.below(count)]),
        };
        let value: String = (0..dice.below(4)).map(|_| dice.pick(VALUES)).collect();
        let quote = dice.pick(&["\"", "'"]);
        let equals = dice.pick(&["=", " = "]);
        let _ = write!(tag, "{space}{name}{equals}{quote}{value}{quote}");
    }
    for (odds, attribute) in [
        (5, " xml:lang='kk'"),
        (9, " xml:lang='ru'"),
        (6, " xml:space='preserve'"),
        (9, " xml:space='default'"),
    ] {
        if dice.one_in(odds) && !tag.contains(&attribute[..9]) {
            tag.push_str(attribute);
        }
    }
    if dice.one_in(2) {
        let id = format!("id-{}", ids.len());
        let _ = write!(tag, " xml:id=\"{id}\"");
        ids.push(id);
    }
    let prefix = match bound.len() {
        0 => String::new(),
        _ if dice.one_in(2) => String::new(),
        count => format!("{}:", bound[dice.below(count)]),
    };
    let name = format!("{prefix}{}", dice.pick(NAMES));
    if depth > 0 && dice.one_in(6) {
        let _ = write!(out, "<{name}{tag}/>");
    } else {
        let _ = write!(out, "<{name}{tag}>");
        for _ in 0..dice.below(if depth < 5 { 6 } else { 2 }) {
            match dice.below(8) {
                0..=2 => out.push_str(dice.pick(TEXTS)),
                3 => aside(dice, out),
                4 => out.push_str(dice.pick(&[
                    "<![CDATA[<&>\r\n]]>",
                    "<![CDATA[]]>",
                    "<![CDATA[ә\r]]>",
                ])),
                _ if depth < 6 => element(dice, depth + 1, scope, ids, out),
                _ => {}
            }
        }
        let _ = write!(out, "</{name}{}>", dice.pick(&["", " ", "\r\n"]));
    }
    scope.truncate(outer);
}

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
    let key = found.certificate.as_ref().unwrap().public_key();
    let algorithm = found.algorithm.clone().unwrap();
    verify(algorithm, found.value_form, key, &found.signed_octets, &found.value).is_ok()
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
