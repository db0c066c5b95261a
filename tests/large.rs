//! Documents larger than memory should hold: the command line verifies them in a fraction of their
//! size, or says why it does not. `QOLTANBA_LARGE_MB` sets the size of the enveloped document
//! (`make large` takes 200); the detached content always has 200 MB.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qoltanba::crypto::{DigestAlgorithm, Digester, digest};
use qoltanba::token::{Signer as _, SoftwareSigner};
use qoltanba::x509::Certificate;
use qoltanba::xml::Document;
use qoltanba::xml::c14n::{Canonicalization, Subset};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

const MEGABYTE: usize = 1_000_000;
/// Memory the program may take, in KiB; most of it is the program itself.
const KIBIBYTES: u64 = 96 * 1024;

struct World {
    folder: tempfile::TempDir,
    signer: SoftwareSigner,
}

struct Told {
    code: Option<i32>,
    text: String,
    /// Peak of resident memory, in KiB.
    peak: u64,
    took: Duration,
}

impl World {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "SIGNER");
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let certificate = Certificate::from_der(certificate.der()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("root.der"), issuer.der()).unwrap();
        fs::write(folder.path().join("q.toml"), "").unwrap();
        let signer = SoftwareSigner::new(&key.serialize_der(), certificate).unwrap();
        Self { folder, signer }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// A signature over something with this digest.
    fn signature(&self, uri: &str, transforms: &str, value: &[u8]) -> String {
        const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
        let value = STANDARD.encode(value);
        let info = format!(
            "<ds:SignedInfo><ds:CanonicalizationMethod \
             Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/><ds:SignatureMethod \
             Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>\
             <ds:Reference URI=\"{uri}\">{transforms}<ds:DigestMethod \
             Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
             <ds:DigestValue>{value}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        );
        let alone = format!("<ds:Signature xmlns:ds=\"{DSIG}\">{info}</ds:Signature>");
        let document = Document::parse(alone.as_bytes()).unwrap();
        let apex = document.root().child("SignedInfo");
        let subset = Subset { apex, excluded: &[] };
        let octets = Canonicalization::EXCLUSIVE.octets(&document, subset, MEGABYTE).unwrap();
        let value = STANDARD.encode(self.signer.sign(&octets).unwrap());
        let certificate = STANDARD.encode(self.signer.certificate().der());
        format!(
            "<ds:Signature xmlns:ds=\"{DSIG}\">{info}<ds:SignatureValue>{value}\
             </ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
        )
    }

    /// A document of this size, written in its canonical form, so that its digest is that of its
    /// octets. Half of it are rows, half is one text, as where a file is carried inside.
    fn enveloped(&self, name: &str, bytes: usize, last: &str) {
        let mut file = BufWriter::new(File::create(self.path(name)).unwrap());
        let mut digester = Digester::new(DigestAlgorithm::Sha256);
        let mut written = 0;
        let mut write = |piece: &str| {
            digester.update(piece.as_bytes());
            file.write_all(piece.as_bytes()).unwrap();
            written += piece.len();
            written
        };
        write("<register xmlns=\"urn:register\" xmlns:x=\"urn:x\">\n<rows>");
        for row in 0.. {
            let row = format!(
                "<row id=\"r{row}\" x:n=\"{row}\"><holder>АСҚАРОВ &amp; Ко &lt;{row}&gt;</holder>\
                 <state>active</state></row>\n"
            );
            if write(&row) > bytes / 2 {
                break;
            }
        }
        write("</rows><file>");
        let line = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg==\n";
        let lines = line.repeat(1000);
        while write(&lines) < bytes {}
        write("</file></register>");
        let value = digester.finish();
        let transforms = "<ds:Transforms><ds:Transform \
             Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/><ds:Transform \
             Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/></ds:Transforms>";
        let signature = self.signature("", transforms, &value);
        drop(file);
        let mut file = File::options().write(true).open(self.path(name)).unwrap();
        let end = std::io::Seek::seek(&mut file, std::io::SeekFrom::End(-11)).unwrap();
        assert!(end > 0);
        file.write_all(format!("{signature}{last}</register>").as_bytes()).unwrap();
    }

    fn verify(&self, arguments: &[&str]) -> Told {
        let begun = Instant::now();
        let output = self.path("output");
        let to = || Stdio::from(File::options().append(true).create(true).open(&output).unwrap());
        let _ = fs::remove_file(&output);
        let mut child = Command::new(env!("CARGO_BIN_EXE_qoltanba"))
            .args(["--config", "q.toml", "verify", "--trust", "root.der", "--revocation", "off"])
            .args(arguments)
            .current_dir(self.folder.path())
            .stdout(to())
            .stderr(to())
            .spawn()
            .unwrap();
        let mut peak = 0;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            peak = peak.max(peak_of(child.id()).unwrap_or(0));
            std::thread::sleep(Duration::from_millis(2));
        };
        let text = fs::read_to_string(&output).unwrap();
        Told { code: status.code(), text, peak, took: begun.elapsed() }
    }
}

fn peak_of(process: u32) -> Option<u64> {
    let text = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"));
    let text = text.ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[test]
fn an_enveloped_signature_over_a_large_document() {
    let megabytes = std::env::var("QOLTANBA_LARGE_MB").map_or(36, |text| text.parse().unwrap());
    let world = World::new();
    world.enveloped("large.xml", megabytes * MEGABYTE, "\n");
    let told = world.verify(&["large.xml"]);
    println!("{megabytes} MB enveloped: {:?}, {} KiB at most", told.took, told.peak);
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert!(told.text.contains("TOTAL-PASSED") && told.text.contains("the whole document"));
    assert!(0 < told.peak && told.peak < KIBIBYTES, "{} KiB", told.peak);

    // One octet near the end, so that everything was read.
    let path = world.path("large.xml");
    let mut file = File::options().read(true).write(true).open(&path).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::End(-20_000)).unwrap();
    file.write_all(b"-").unwrap();
    drop(file);
    let told = world.verify(&["large.xml"]);
    assert_eq!(told.code, Some(1), "{}", told.text);
    assert!(told.text.contains("TOTAL-FAILED"), "{}", told.text);
}

#[test]
fn a_large_document_of_another_form_is_told_so() {
    let world = World::new();
    world.enveloped("large.xml", 34 * MEGABYTE, "<more/>");
    let told = world.verify(&["large.xml"]);
    assert_eq!(told.code, Some(3), "{}", told.text);
    assert!(told.text.contains("larger than 33554432 bytes"), "{}", told.text);
    assert!(told.text.contains("last child of its root"), "{}", told.text);
    assert!(told.peak < KIBIBYTES, "{} KiB", told.peak);
}

#[test]
fn a_detached_signature_over_a_large_file() {
    let world = World::new();
    let line: Vec<u8> = (0..MEGABYTE).map(|n| (n / 7) as u8).collect();
    let mut file = File::create(world.path("content.bin")).unwrap();
    let mut digester = Digester::new(DigestAlgorithm::Sha256);
    for _ in 0..200 {
        digester.update(&line);
        file.write_all(&line).unwrap();
    }
    let value = digester.finish();
    assert_ne!(value, digest(DigestAlgorithm::Sha256, &line));
    let signature = world.signature("content.bin", "", &value);
    fs::write(world.path("s.xml"), format!("<a>{signature}</a>")).unwrap();
    let told = world.verify(&["--content", "content.bin", "s.xml"]);
    println!("200 MB detached: {:?}, {} KiB at most", told.took, told.peak);
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert!(0 < told.peak && told.peak < KIBIBYTES, "{} KiB", told.peak);
    file.write_all(b"x").unwrap();
    let told = world.verify(&["--content", "content.bin", "s.xml"]);
    assert_eq!(told.code, Some(1), "{}", told.text);

    // Transformed content has to be in memory, so it is not taken at this size.
    let base64 = "<ds:Transforms><ds:Transform \
         Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"/></ds:Transforms>";
    let signature = world.signature("content.bin", base64, &value);
    fs::write(world.path("s.xml"), format!("<a>{signature}</a>")).unwrap();
    let told = world.verify(&["--content", "content.bin", "s.xml"]);
    assert_eq!(told.code, Some(1), "{}", told.text);
    assert!(told.text.contains("must fit into memory"), "{}", told.text);
    assert!(told.peak < KIBIBYTES, "{} KiB", told.peak);
}
