//! Every level made with what the doubles of the authority answer, over HTTP: verified with all of
//! them cut off, and written for other programs (`make interop`, `QOLTANBA_INTEROP_OUT`).

mod kit;

use std::path::PathBuf;
use std::sync::Arc;

use qoltanba::crypto::{DigestAlgorithm, SystemRandom, digest};
use qoltanba::signature::{Level, SignatureFormat, Stamped};
use qoltanba::text::Language;
use qoltanba::timestamp::{TimestampClient, TimestampQuestion};
use qoltanba::token::{Signer, sign_checked};
use qoltanba::validation::{Question, Verdict, Verified, Verifier};
use qoltanba::x509::{
    HttpFetch, RevocationChecker, RevocationConfig, RevocationMode, RevocationSource, TrustStore,
};
use qoltanba::{cms, pdf};
use time::OffsetDateTime;

const CONTENT: &[u8] = "Лицензияның мазмұны".as_bytes();

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn trust() -> TrustStore {
    let certificate = |id| kit::world().certificate(id).unwrap();
    TrustStore::new(vec![certificate("root")], vec![certificate("ca")])
}

fn hosts() -> Vec<String> {
    vec![kit::world().base_url().trim_start_matches("http://").to_owned()]
}

fn verifier(mode: RevocationMode) -> Verifier {
    let allowed_hosts = hosts();
    let fetch = Arc::new(HttpFetch::new(&allowed_hosts));
    let trusted = Some(Arc::new(trust()));
    let config =
        RevocationConfig { mode, allowed_hosts, trust: trusted, ..RevocationConfig::default() };
    let source: Arc<dyn RevocationSource> = Arc::new(RevocationChecker::new(config, fetch));
    Verifier::new(trust(), Some(source))
}

fn judged(document: &[u8], content: Option<&[u8]>, mode: RevocationMode) -> Verified {
    let question = Question {
        document,
        content,
        at: None,
        now: now(),
        purpose: Default::default(),
        language: Language::En,
    };
    verifier(mode).verify(&question).unwrap()
}

/// A token of the double's.
fn stamp(over: &Stamped) -> Vec<u8> {
    let fetch = Arc::new(HttpFetch::new(&hosts()));
    let policy = Some("1.2.398.3.3.2.6.2".to_owned());
    let authorities = vec![kit::world().addresses().tsp()];
    let client = TimestampClient::new(authorities, policy, fetch, Arc::new(SystemRandom));
    let trust = trust();
    let question = TimestampQuestion {
        data: over,
        extra: &[],
        trust: &trust,
        revocation: None,
        at: now(),
        now: now(),
        skew: time::Duration::minutes(5),
        policies: &[],
        accuracy: None,
    };
    client.stamp(&question).unwrap().0.der().to_vec()
}

fn signer(id: &str) -> Box<dyn Signer> {
    kit::world().signer(id).unwrap()
}

/// Raises one signature of a document; detached content comes second.
type Raise = fn(&[u8], Option<&[u8]>, usize) -> Vec<u8>;

/// One of the two formats, as functions over documents.
struct Format {
    name: &'static str,
    content: Option<&'static [u8]>,
    of: fn(Level) -> SignatureFormat,
    stamped: fn(&[u8], usize) -> Vec<u8>,
    lasting: Raise,
    archived: fn(&[u8], Option<&[u8]>) -> Vec<u8>,
}

const PDF: Format = Format {
    name: "pdf",
    content: None,
    of: SignatureFormat::Pades,
    stamped: |document, n| {
        let token = stamp(&pdf::to_be_stamped(document, None, n).unwrap());
        pdf::with_timestamp(document, n, &token).unwrap()
    },
    lasting: |document, _, n| {
        let material = judged(document, None, RevocationMode::Online).material(n).unwrap();
        pdf::with_material(document, n, &material).unwrap()
    },
    archived: |document, _| {
        let (over, draft) = pdf::to_be_archived(document, None, 0).unwrap();
        draft.finish(&stamp(&over)).unwrap()
    },
};

const CMS: Format = Format {
    name: "cms",
    content: None,
    of: SignatureFormat::Cades,
    stamped: |document, n| {
        let token = stamp(&cms::to_be_stamped(document, None, n).unwrap());
        cms::with_timestamp(document, n, &token).unwrap()
    },
    lasting: |document, content, n| {
        let material = judged(document, content, RevocationMode::Online).material(n).unwrap();
        cms::with_material(document, n, &material).unwrap()
    },
    archived: |document, content| {
        let (over, draft) = cms::to_be_archived(document, content, 0).unwrap();
        draft.finish(&stamp(&over)).unwrap()
    },
};

const DETACHED: Format = Format { name: "detached", content: Some(CONTENT), ..CMS };

impl Format {
    /// Checks and, where asked for, leaves the document for other programs.
    fn leave(&self, name: &str, document: &[u8], level: Level) {
        // At B and T the status of certificates is asked for; above, the document is enough.
        let mode = match level {
            Level::B | Level::T => RevocationMode::Online,
            Level::Lt | Level::Lta => RevocationMode::Offline,
        };
        let verified = judged(document, self.content, mode);
        for (found, judgement) in verified.found.iter().zip(&verified.judgements) {
            assert_eq!(judgement.verdict, Verdict::TotalPassed, "{name} {:?}", judgement.reasons);
            assert_eq!(found.format, (self.of)(level), "{name}");
        }
        if let Some(folder) = std::env::var_os("QOLTANBA_INTEROP_OUT") {
            let extension = if self.name == "pdf" { "pdf" } else { "cms" };
            let file = format!("{}-{name}-{}.{extension}", self.name, level.as_str());
            std::fs::write(PathBuf::from(folder).join(file), document).unwrap();
        }
    }

    fn every_level(&self, name: &str, document: &[u8]) {
        self.leave(name, document, Level::B);
        let t = (self.stamped)(document, 0);
        self.leave(name, &t, Level::T);
        let lt = (self.lasting)(&t, self.content, 0);
        self.leave(name, &lt, Level::Lt);
        let lta = (self.archived)(&lt, self.content);
        self.leave(name, &lta, Level::Lta);
        // Archived again, which covers the first archive time-stamp too.
        let lta = (self.archived)(&(self.lasting)(&lta, self.content, 0), self.content);
        self.leave(&format!("{name}-again"), &lta, Level::Lta);
    }
}

fn ready() {
    let _ = (kit::world(), kit::double());
    if let Some(folder) = std::env::var_os("QOLTANBA_INTEROP_OUT") {
        let folder = PathBuf::from(folder);
        std::fs::create_dir_all(&folder).unwrap();
        for id in ["root", "ca"] {
            let file = format!("{id}.pem");
            std::fs::copy(kit::world().dir().join("certs").join(&file), folder.join(&file))
                .unwrap();
        }
        std::fs::write(folder.join("content"), CONTENT).unwrap();
    }
}

fn issuers() -> Vec<qoltanba::x509::Certificate> {
    vec![kit::world().certificate("ca").unwrap()]
}

fn message(attached: bool) -> Vec<u8> {
    let signer = signer("officer-head");
    let options = cms::SigningOptions {
        content: attached.then(|| CONTENT.to_vec()),
        certificates: issuers(),
        ..Default::default()
    };
    let digest = digest(DigestAlgorithm::Sha256, CONTENT);
    let prepared =
        cms::prepare(&digest, signer.certificate(), signer.algorithm(), options).unwrap();
    let value = sign_checked(&*signer, prepared.to_be_signed()).unwrap();
    prepared.complete(&value).unwrap()
}

fn options() -> pdf::SigningOptions {
    pdf::SigningOptions { certificates: issuers(), ..pdf::SigningOptions::at(now()) }
}

fn page() -> Vec<u8> {
    use printpdf::{Mm, PdfDocument, PdfPage, PdfSaveOptions};
    let mut document = PdfDocument::new("Licence");
    document.with_pages(vec![PdfPage::new(Mm(210.0), Mm(297.0), Vec::new())]);
    document.save(&PdfSaveOptions::default(), &mut Vec::new())
}

#[test]
fn cms_attached_and_detached_at_every_level() {
    ready();
    CMS.every_level("one", &message(true));
    DETACHED.every_level("one", &message(false));
}

#[test]
fn pdf_at_every_level() {
    ready();
    let signed = pdf::sign(&page(), &*signer("officer-expert"), &options()).unwrap();
    PDF.every_level("one", &signed);
}

#[test]
fn a_certified_pdf_at_every_level() {
    ready();
    let certification = Some(pdf::Certification::FormFilling);
    let options = pdf::SigningOptions { certification, ..options() };
    let signed = pdf::sign(&page(), &*signer("officer-expert"), &options).unwrap();
    PDF.every_level("certified", &signed);
}

#[test]
fn officer_head_and_seal_in_prepared_fields() {
    ready();
    let people = ["officer-expert", "officer-head", "seal"];
    let fields: Vec<pdf::EmptyField> = people
        .iter()
        .map(|name| pdf::EmptyField { name: (*name).to_owned(), page: 0, rect: [0.0; 4] })
        .collect();
    let mut document = pdf::prepare_fields(&page(), &fields).unwrap();
    for (n, who) in people.into_iter().enumerate() {
        let options = pdf::SigningOptions { field_name: Some(who.to_owned()), ..options() };
        document = pdf::sign(&document, &*signer(who), &options).unwrap();
        document = (PDF.stamped)(&document, n);
    }
    PDF.leave("three", &document, Level::T);
    for n in 0..people.len() {
        document = (PDF.lasting)(&document, None, n);
    }
    PDF.leave("three", &document, Level::Lt);
    PDF.leave("three", &(PDF.archived)(&document, None), Level::Lta);
}
