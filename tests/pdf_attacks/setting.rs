//! An authority, an officer and a citizen, a licence, and the verifier that believes the authority.

use std::sync::LazyLock;

use qoltanba::identity::Applicant;
use qoltanba::licensing::print::{Printed, licence_pdf, report_pdf, stamp_font};
use qoltanba::licensing::{Authority, DocumentKind, Field, Licence, Origin, Signatory, Wording};
use qoltanba::pdf::{self, Relationship, SigningOptions, Stamp};
use qoltanba::text::Language;
use qoltanba::token::SoftwareSigner;
use qoltanba::validation::{Purpose, Question, Report, Verdict, Verifier};
use qoltanba::x509::{Certificate, TrustStore};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::OffsetDateTime;
use time::macros::{date, datetime};

/// When everything happens.
pub const NOW: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);

/// Who is there.
pub struct People {
    /// Signs licences.
    pub officer: SoftwareSigner,
    /// Has a certificate of the same authority and no right to anything.
    pub citizen: SoftwareSigner,
    verifier: Verifier,
}

pub static PEOPLE: LazyLock<People> = LazyLock::new(people);

/// The licence as it was printed, not signed.
pub static PRINTED: LazyLock<Printed> =
    LazyLock::new(|| licence_pdf(&licence(), Language::Kk).unwrap());

/// The licence with an attachment, signed by the officer with a visible stamp.
pub static SIGNED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let base = pdf::attach(
        &PRINTED.pdf,
        "licence.xml",
        "application/xml",
        Relationship::Source,
        b"<licence/>",
    );
    pdf::sign(&base.unwrap(), &PEOPLE.officer, &stamped()).unwrap()
});

/// What the verifier says of a document; `Err` where it cannot be read.
pub fn judge(document: &[u8]) -> Result<Report, String> {
    let question = Question {
        document,
        content: None,
        at: None,
        now: NOW,
        purpose: Purpose::Document,
        language: Language::En,
    };
    match PEOPLE.verifier.verify(&question) {
        Ok(verified) => Ok(verified.report),
        Err(error) => Err(error.to_string()),
    }
}

/// The document passes, and the officer signed it.
pub fn passes(document: &[u8]) -> bool {
    judge(document).is_ok_and(|report| {
        report.verdict == Verdict::TotalPassed
            && report.signatures.iter().any(|one| one.signer.name == "Officer")
    })
}

/// Every reason against a document, in one line.
pub fn reasons(document: &[u8]) -> String {
    match judge(document) {
        Err(error) => error,
        Ok(report) => {
            let told = report.signatures.iter().flat_map(|one| &one.reasons);
            let told: Vec<String> =
                told.map(|one| format!("{}: {}", one.code, one.detail)).collect();
            told.join("; ")
        }
    }
}

/// Every warning of a document.
pub fn warnings(document: &[u8]) -> Vec<String> {
    let report = judge(document).unwrap();
    let told = report.signatures.into_iter().flat_map(|one| one.warnings);
    told.map(|one| format!("{}: {}", one.code, one.detail)).collect()
}

/// Signs once more, with a good certificate.
pub fn by_citizen(document: &[u8]) -> Result<Vec<u8>, pdf::PdfError> {
    pdf::sign(document, &PEOPLE.citizen, &SigningOptions::at(NOW))
}

fn stamped() -> SigningOptions {
    let place = PRINTED.stamp;
    let stamp = Stamp {
        page: place.page,
        rect: [place.x, place.y, place.x + place.width, place.y + place.height],
        lines: vec!["Қол қойылды".to_owned(), "Әйгерім".to_owned()],
        font: stamp_font().into(),
    };
    SigningOptions { stamp: Some(stamp), ..SigningOptions::at(NOW) }
}

fn people() -> People {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut parameters = parameters("Authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let anchor = parameters.self_signed(&key).unwrap();
    let anchor = Certificate::from_der(anchor.der()).unwrap();
    let issuer = Issuer::new(parameters, key);
    let person = |name: &str| {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let mut parameters = self::parameters(name);
        parameters.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters.signed_by(&key, &issuer).unwrap();
        let certificate = Certificate::from_der(certificate.der()).unwrap();
        SoftwareSigner::new(&key.serialize_der(), certificate).unwrap()
    };
    let (officer, citizen) = (person("Officer"), person("Citizen"));
    let verifier = Verifier::new(TrustStore::new(vec![anchor], Vec::new()), None);
    People { officer, citizen, verifier }
}

fn parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.not_before = datetime!(2026-01-01 00:00 UTC);
    parameters.not_after = datetime!(2028-01-01 00:00 UTC);
    parameters
}

fn licence() -> Licence {
    let three = |text: &str| Wording::new(text, text, text);
    let fields = (1..=12).map(|number| Field {
        id: format!("field-{number}"),
        number,
        label: three("Код товара по товарной номенклатуре"),
        value: "2710193100 — Газойль, арнайы өңдеу процестеріне арналған".to_owned(),
    });
    Licence {
        number: "KZ26LAA00000001".to_owned(),
        code: "7QF4-M2KX-9TRB-WV3H".to_owned(),
        verify_url: "http://127.0.0.1:8480/v/7QF4-M2KX-9TRB-WV3H".to_owned(),
        document: DocumentKind::Licence,
        service: "import-export-licence".to_owned(),
        service_name: three("Лицензия на экспорт"),
        kind: "export".to_owned(),
        kind_name: three("на экспорт отдельных видов товаров"),
        annex_to: None,
        authority: Authority {
            name: three("Комитет торговли"),
            bin: "141040001226".parse().unwrap(),
        },
        holder: Applicant::Organisation { bin: "150340001226".parse().unwrap() },
        holder_name: "«ҰЛЫ ДАЛА САУДА» ЖШС (ТЕСТ)".to_owned(),
        fields: fields.collect(),
        conditions: Vec::new(),
        valid_from: date!(2026 - 12 - 01),
        valid_to: date!(2027 - 11 - 30),
        issued_at: NOW,
        signatory: Signatory {
            name: "БАСШЫ".to_owned(), position: three("Руководитель")
        },
        origin: Origin {
            request_id: "request".to_owned(),
            incoming_number: "KZ26RAA00000001".to_owned(),
            request_sha256: "a".repeat(64),
        },
    }
}

#[test]
fn the_honest_licence_passes_without_a_warning() {
    assert!(passes(&SIGNED), "{}", reasons(&SIGNED));
    assert_eq!(warnings(&SIGNED), Vec::<String>::new());
}

#[test]
fn a_second_signature_leaves_the_first_valid_and_is_told() {
    let twice = by_citizen(&SIGNED).unwrap();
    let report = judge(&twice).unwrap();
    assert_eq!(report.verdict, Verdict::TotalPassed, "{}", reasons(&twice));
    assert_eq!(report.signatures.len(), 2);
}

#[test]
fn the_report_is_printed_in_three_languages() {
    let report = judge(&by_citizen(&SIGNED).unwrap()).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    for (language, wanted) in [
        (Language::Kk, "Қолтаңбалар жарамды"),
        (Language::Ru, "Подписи действительны"),
        (Language::En, "The signatures are valid"),
    ] {
        // A name that no face can show is no reason to print nothing.
        let printed = report_pdf(&report, "licence-\u{534e}.pdf", NOW, language).unwrap();
        assert_eq!(printed, report_pdf(&report, "licence-\u{534e}.pdf", NOW, language).unwrap());
        let path = folder.path().join("report.pdf");
        std::fs::write(&path, &printed).unwrap();
        if let Some(look) = std::env::var_os("QOLTANBA_LOOK") {
            let look = std::path::Path::new(&look).join(format!("report-{language}.pdf"));
            std::fs::write(look, &printed).unwrap();
        }
        let run = |program: &str, arguments: &[&str]| {
            let mut command = std::process::Command::new(program);
            let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
            assert!(output.status.success(), "{program}");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        run("qpdf", &["--check", "report.pdf"]);
        let text = run("pdftotext", &["-layout", "report.pdf", "-"]);
        for wanted in [wanted, "licence-?.pdf", "Officer", "Citizen", "PAdES-B-B"] {
            assert!(text.contains(wanted), "{wanted} not in {text}");
        }
    }
}

/// For the eyes and the peers of whoever works on PDFs.
#[test]
fn the_licence_can_be_looked_at() {
    if let Some(folder) = std::env::var_os("QOLTANBA_LOOK") {
        let folder = std::path::Path::new(&folder);
        std::fs::write(folder.join("printed.pdf"), &PRINTED.pdf).unwrap();
        std::fs::write(folder.join("signed.pdf"), &*SIGNED).unwrap();
    }
}
