//! A certification authority in memory, a signer, and documents.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qoltanba::crypto::{DigestAlgorithm, digest};
use qoltanba::identity::Applicant;
use qoltanba::licensing::{
    Authority, DocumentKind, Licence, Origin, RequestDocument, Signatory, Wording,
};
use qoltanba::text::Language;
use qoltanba::token::{Signer as _, SoftwareSigner};
use qoltanba::validation::Verifier;
use qoltanba::x509::{
    Certificate, RevocationAnswer, RevocationSource, RevocationStatus, TrustStore,
};
use qoltanba::xml::Document;
use qoltanba::xml::c14n::{Canonicalization, Subset};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use time::macros::{date, datetime};
use time::{Duration, OffsetDateTime};

pub const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

struct Good;

impl RevocationSource for Good {
    fn ask(
        &self,
        _: &Certificate,
        _: &Certificate,
        _: OffsetDateTime,
        now: OffsetDateTime,
    ) -> RevocationAnswer {
        let status = RevocationStatus::Good;
        RevocationAnswer { status, source: "ocsp", ..RevocationAnswer::unknown(now, "") }
    }
}

pub struct World {
    pub verifier: Verifier,
    pub signer: SoftwareSigner,
}

impl World {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (params.not_before, params.not_after) =
            (NOW - Duration::days(365), NOW + Duration::days(365));
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "SIGNER");
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) =
            (NOW - Duration::days(30), NOW + Duration::days(30));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let certificate = Certificate::from_der(certificate.der()).unwrap();
        let root = Certificate::from_der(issuer.der()).unwrap();
        let trust = TrustStore::new(vec![root], Vec::new());
        Self {
            verifier: Verifier::new(trust, Some(std::sync::Arc::new(Good))),
            signer: SoftwareSigner::new(&key.serialize_der(), certificate).unwrap(),
        }
    }

    /// Signs a document by an id on its root, enveloped: the form of many others.
    pub fn sign_by_id(&self, octets: &[u8], attribute: &str) -> Vec<u8> {
        const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
        const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
        let text = String::from_utf8(octets.to_vec()).unwrap();
        let root = text.find("?>").unwrap() + 2;
        let at = root + text[root..].find(" xmlns=").unwrap();
        let text = format!("{} {attribute}=\"signed\"{}", &text[..at], &text[at..]);
        let canonical = |text: &str, apex: bool| {
            let document = Document::parse(text.as_bytes()).unwrap();
            let child = document.root().child("SignedInfo");
            let apex = if apex { child } else { Some(document.root()) };
            Canonicalization::EXCLUSIVE
                .octets(&document, Subset { apex, excluded: &[] }, 1 << 20)
                .unwrap()
        };
        let value = STANDARD.encode(digest(DigestAlgorithm::Sha256, &canonical(&text, false)));
        let info = format!(
            "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
             <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>\
             <ds:Reference URI=\"#signed\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{DSIG}enveloped-signature\"/>\
             <ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
             <ds:DigestValue>{value}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        );
        let alone = format!("<ds:Signature xmlns:ds=\"{DSIG}\">{info}</ds:Signature>");
        let value = STANDARD.encode(self.signer.sign(&canonical(&alone, true)).unwrap());
        let certificate = STANDARD.encode(self.signer.certificate().der());
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{DSIG}\">{info}<ds:SignatureValue>{value}</ds:SignatureValue>\
             <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
             </ds:X509Data></ds:KeyInfo></ds:Signature>"
        );
        let close = text.rfind("</").unwrap();
        format!("{}{signature}{}", &text[..close], &text[close..]).into_bytes()
    }
}

fn wording() -> Wording {
    Wording::new("а", "а", "a")
}

pub fn licence() -> Licence {
    Licence {
        number: "KZ26LAA00000001".to_owned(),
        code: "x".to_owned(),
        verify_url: "http://127.0.0.1/v/x".to_owned(),
        document: DocumentKind::Licence,
        service: "import-export-licence".to_owned(),
        service_name: wording(),
        kind: "export".to_owned(),
        kind_name: wording(),
        annex_to: None,
        authority: Authority { name: wording(), bin: "940140000385".parse().unwrap() },
        holder: Applicant::Person { iin: "871008401427".parse().unwrap() },
        holder_name: "АСҚАРОВ <АСҚАР> & Ко".to_owned(),
        fields: Vec::new(),
        conditions: Vec::new(),
        valid_from: date!(2026 - 12 - 01),
        valid_to: date!(2027 - 11 - 30),
        issued_at: NOW,
        signatory: Signatory { name: "X".to_owned(), position: wording() },
        origin: Origin {
            request_id: "request-0123456789".to_owned(),
            incoming_number: "KZ26RAA00000001".to_owned(),
            request_sha256: "0".repeat(64),
        },
    }
}

pub fn request() -> RequestDocument {
    RequestDocument {
        id: "request-0123456789".to_owned(),
        service: "import-export-licence".to_owned(),
        service_name: wording(),
        procedure: "issue".to_owned(),
        form: "export-1".to_owned(),
        language: Language::Kk,
        applicant: Applicant::Person { iin: "871008401427".parse().unwrap() },
        applicant_name: "АСҚАРОВ АСҚАР".to_owned(),
        fields: Vec::new(),
        consent: "Келісемін".to_owned(),
        attachments: Vec::new(),
        payment: None,
        created_at: NOW,
    }
}
