//! A test PKI in GOST with its services, and documents signed by whoever is asked to.

use std::sync::{Arc, LazyLock};

use qoltanba::crypto::{DigestAlgorithm, SystemRandom, digest};
use qoltanba::identity::Applicant;
use qoltanba::licensing::print::licence_pdf;
use qoltanba::licensing::{Authority, DocumentKind, Licence, Origin, Signatory, Wording};
use qoltanba::pki::double::{self, Double, Settings};
use qoltanba::pki::{Algorithm, Options, World, create};
use qoltanba::text::Language;
use qoltanba::timestamp::{Token, read_response};
use qoltanba::token::{Signer, sign_checked};
use qoltanba::validation::{Question, SignatureReport, Verifier};
use qoltanba::x509::{
    HttpFetch, RevocationChecker, RevocationConfig, RevocationMethod, TrustStore,
};
use qoltanba::{cms, pdf, xml};
use rasn::prelude::*;
use rasn_cms::tsp::{MessageImprint, TimeStampReq};
use rasn_cms::{AlgorithmIdentifier, Attribute, ContentInfo, SignedData};
use time::OffsetDateTime;
use time::macros::date;

use crate::kit;

/// A test PKI and its running services.
pub struct Place {
    pub world: World,
    pub double: Arc<Double>,
}

pub static GOST: LazyLock<Place> = LazyLock::new(|| start("gost"));

/// One with services that may be told to misbehave without anyone else noticing.
pub static APART: LazyLock<Place> = LazyLock::new(|| start("gost-apart"));

fn start(name: &str) -> Place {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let options = Options {
        algorithm: Algorithm::Gost,
        base_url: format!("http://{}", listener.local_addr().unwrap()),
        module: None,
        now: now(),
    };
    let dir = kit::scratch(name);
    let world = create(&dir, &options, &SystemRandom, &mut |_| {}).unwrap();
    let double = Double::open(&world, Settings::system()).unwrap();
    let served = Arc::clone(&double);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            double::serve(listener, served, std::future::pending()).await.unwrap();
        });
    });
    Place { world, double }
}

pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

pub const FORMATS: [&str; 3] = ["XML", "PDF", "CMS"];

/// A document of this format, signed.
pub fn signed(format: &str, signer: &dyn Signer) -> Vec<u8> {
    match format {
        "XML" => {
            let options = xml::SigningOptions::new(now());
            xml::sign("<хат>мәтін</хат>".as_bytes(), signer, &options).unwrap()
        }
        "PDF" => pdf::sign(&printed(), signer, &pdf::SigningOptions::at(now())).unwrap(),
        _ => message("мәтін".as_bytes(), signer),
    }
}

/// A CMS signature with its content inside.
pub fn message(content: &[u8], signer: &dyn Signer) -> Vec<u8> {
    let options = cms::SigningOptions {
        signing_time: Some(now()),
        content: Some(content.to_vec()),
        certificates: Vec::new(),
    };
    let digest = digest(signer.algorithm().digest(), content);
    let prepared = cms::prepare(&digest, signer.certificate(), signer.algorithm(), options);
    let prepared = prepared.unwrap();
    let value = sign_checked(signer, prepared.to_be_signed()).unwrap();
    prepared.complete(&value).unwrap()
}

/// Changes one octet of what is signed.
pub fn forged(format: &str, document: &[u8]) -> Vec<u8> {
    let wanted: &[u8] = if format == "PDF" { b"/Title" } else { "мәтін".as_bytes() };
    let at = document.windows(wanted.len()).position(|part| part == wanted).unwrap();
    let mut document = document.to_vec();
    match format {
        // Another letter: the last octet of a UTF-8 sequence.
        "XML" | "CMS" => document[at + wanted.len() - 1] ^= 1,
        _ => document[at + 1] ^= 1,
    }
    document
}

/// The signatures' reports under the trust of these test PKIs; the authorities themselves name no
/// responder, so that OCSP alone is never enough.
pub fn judged(
    worlds: &[&World],
    order: &[RevocationMethod],
    document: &[u8],
) -> Vec<SignatureReport> {
    let all = |id: &str| worlds.iter().map(|world| world.certificate(id).unwrap()).collect();
    let trust = TrustStore::new(all("root"), all("ca"));
    let hosts = worlds.iter().map(|world| world.base_url().trim_start_matches("http://"));
    let config = RevocationConfig {
        order: order.to_vec(),
        allowed_hosts: hosts.map(str::to_owned).collect(),
        pause_after_failure: time::Duration::ZERO,
        trust: Some(Arc::new(trust.clone())),
        ..RevocationConfig::default()
    };
    let fetch = HttpFetch::new(&config.allowed_hosts);
    let checker = RevocationChecker::new(config, Arc::new(fetch));
    let question = Question {
        document,
        content: None,
        at: None,
        now: now(),
        purpose: Default::default(),
        language: Language::En,
    };
    let verified = Verifier::new(trust, Some(Arc::new(checker))).verify(&question).unwrap();
    verified.report.signatures
}

/// A time-stamp from this authority over data, its imprint made with this digest.
pub fn stamp(world: &World, algorithm: DigestAlgorithm, data: &[u8]) -> Token {
    let oid: Vec<u32> =
        algorithm.row().oids[0].split('.').map(|arc| arc.parse().unwrap()).collect();
    let request = TimeStampReq {
        version: 1,
        message_imprint: MessageImprint {
            hash_algorithm: AlgorithmIdentifier {
                algorithm: ObjectIdentifier::new(oid).unwrap(),
                parameters: None,
            },
            hashed_message: digest(algorithm, data).into(),
        },
        req_policy: None,
        nonce: Some(Integer::from(42)),
        cert_req: true,
        extensions: None,
    };
    let mut response = ureq::post(&world.addresses().tsp())
        .header("content-type", "application/timestamp-query")
        .send(rasn::der::encode(&request).unwrap().as_slice())
        .unwrap();
    let response = response.body_mut().read_to_vec().unwrap();
    Token::read(read_response(&response).unwrap()).unwrap()
}

/// Changes a `SignedData`.
pub fn rewritten(message: &[u8], change: impl FnOnce(&mut SignedData)) -> Vec<u8> {
    let mut info: ContentInfo = rasn::der::decode(message).unwrap();
    let mut signed: SignedData = rasn::der::decode(info.content.as_bytes()).unwrap();
    change(&mut signed);
    info.content = Any::new(rasn::der::encode(&signed).unwrap());
    rasn::der::encode(&info).unwrap()
}

/// Puts a time-stamp over the value into the only signature of a CMS message.
pub fn stamped(message: &[u8], make: impl FnOnce(&[u8]) -> Token) -> Vec<u8> {
    rewritten(message, |signed| {
        let mut signer = (*signed.signer_infos.to_vec()[0]).clone();
        let token = make(&signer.signature);
        let kind = ObjectIdentifier::new(vec![1, 2, 840, 113_549, 1, 9, 16, 2, 14]).unwrap();
        let values = SetOf::from_vec(vec![Any::new(token.der().to_vec())]);
        signer.unsigned_attrs = Some(SetOf::from_vec(vec![Attribute { r#type: kind, values }]));
        signed.signer_infos = SetOf::from_vec(vec![signer]);
    })
}

/// The print of a licence.
pub fn printed() -> Vec<u8> {
    let three = |text: &str| Wording::new(text, text, text);
    let licence = Licence {
        number: "KZ26LAA00000001".to_owned(),
        code: "059q9Ie4wIB_Uc1RHb674gI0TVwnxMRNVGE53dkIU9M".to_owned(),
        verify_url: "http://127.0.0.1:8480/v/059q9Ie4wIB".to_owned(),
        document: DocumentKind::Licence,
        service: "import-export-licence".to_owned(),
        service_name: three("Лицензия"),
        kind: "export".to_owned(),
        kind_name: three("на экспорт"),
        annex_to: None,
        authority: Authority {
            name: three("Комитет"), bin: "141040001226".parse().unwrap()
        },
        holder: Applicant::Organisation { bin: "150340001226".parse().unwrap() },
        holder_name: "«ҰЛЫ ДАЛА САУДА» ЖШС (ТЕСТ)".to_owned(),
        fields: Vec::new(),
        conditions: Vec::new(),
        valid_from: date!(2026 - 12 - 01),
        valid_to: date!(2027 - 11 - 30),
        issued_at: now().replace_nanosecond(0).unwrap(),
        signatory: Signatory {
            name: "БАСШЫ".to_owned(), position: three("Руководитель")
        },
        origin: Origin {
            request_id: "request".to_owned(),
            incoming_number: "KZ26RAA00000001".to_owned(),
            request_sha256: "a".repeat(64),
        },
    };
    licence_pdf(&licence, Language::Kk).unwrap().pdf
}
