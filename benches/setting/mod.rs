//! What the benchmarks share: a test PKI on SoftHSM with its services, a licence and its PDF, both
//! signed by the head's key.
#![allow(dead_code, reason = "each benchmark uses its part")]

pub mod sized;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use qoltanba::crypto::SystemRandom;
use qoltanba::identity::Applicant;
use qoltanba::licensing::print::{Printed, licence_pdf, stamp_font};
use qoltanba::licensing::{Authority, DocumentKind, Field, Licence, Origin, Signatory, Wording};
use qoltanba::pdf::{self, Relationship, Stamp};
use qoltanba::pki::double::{self, Double, Settings};
use qoltanba::pki::{Algorithm, Options, World, create, softhsm};
use qoltanba::text::Language;
use qoltanba::token::Signer;
use qoltanba::x509::{Fetch as _, HttpFetch};
use qoltanba::{limits, xml};
use time::OffsetDateTime;
use time::macros::date;

/// Where the certificates of the test PKI point to.
pub const AUTHORITY: &str = "127.0.0.1:22610";

/// Processor time of one measurement.
const LEAST: Duration = Duration::from_millis(700);

/// Documents as the product makes them.
pub struct Documents {
    /// A licence, XAdES-B-B.
    pub xml: Vec<u8>,
    /// Its PDF with the XML attached, PAdES-B-B with a visible stamp.
    pub pdf: Vec<u8>,
}

/// The directory of the benchmarks' files.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench")
}

/// The test PKI, made once and kept. Call it first: the process starts anew with SoftHSM's
/// configuration in its environment.
pub fn world() -> World {
    let dir = directory().join("pki");
    let module = softhsm::module().expect("SoftHSM must be installed: apt-get install softhsm2");
    softhsm::configure(&dir).expect("SoftHSM's configuration");
    softhsm::enter(&dir).expect("a new start with SoftHSM's configuration");
    let options = Options {
        algorithm: Algorithm::Rsa,
        base_url: format!("http://{AUTHORITY}"),
        module: Some(module),
        now: OffsetDateTime::now_utc(),
    };
    create(&dir, &options, &SystemRandom, &mut |_| ()).expect("the test PKI")
}

/// The same people with GOST keys, in PKCS#12 files.
pub fn gost_world() -> World {
    let options = Options {
        algorithm: Algorithm::Gost,
        base_url: format!("http://{AUTHORITY}"),
        module: None,
        now: OffsetDateTime::now_utc(),
    };
    create(&directory().join("pki-gost"), &options, &SystemRandom, &mut |_| ())
        .expect("the GOST test PKI")
}

/// Starts the authority's services: CRLs and OCSP, signed by keys in SoftHSM.
pub fn serve_authority(world: &World, runtime: &tokio::runtime::Runtime) {
    let double: Arc<Double> = Double::open(world, Settings::system()).expect("the double");
    let listener = runtime.block_on(tokio::net::TcpListener::bind(AUTHORITY));
    let listener = listener.expect("a free port for the authority's services");
    runtime.spawn(double::serve(listener, double, std::future::pending()));
}

/// Fetches the CRLs that a licence's certificates need, into files.
pub fn crl_files(world: &World) -> Vec<PathBuf> {
    let fetch = HttpFetch::new(&[AUTHORITY.to_owned()]);
    let addresses = world.addresses();
    let urls = [addresses.crl(), addresses.delta_crl(), addresses.root_crl()];
    let file = |(index, url): (usize, &String)| {
        let path = directory().join(format!("{index}.crl"));
        std::fs::write(&path, fetch.get(url, limits::CRL_BYTES).expect("a CRL")).expect("a file");
        path
    };
    urls.iter().enumerate().map(file).collect()
}

/// The head's key.
pub fn signer(world: &World) -> Box<dyn Signer> {
    world.signer("officer-head").expect("the head's key")
}

/// A signed licence and its signed PDF.
pub fn documents(signer: &dyn Signer) -> Documents {
    let licence = licence();
    let now = OffsetDateTime::now_utc();
    let xml = xml::sign(&licence.to_xml(), signer, &xml::SigningOptions::new(now)).expect("XML");
    let printed = licence_pdf(&licence, Language::Kk).expect("a print");
    let pdf = signed_pdf(&printed, &xml, signer, now);
    Documents { xml, pdf }
}

/// The print with the signed XML attached, signed with a visible stamp.
pub fn signed_pdf(
    printed: &Printed,
    xml: &[u8],
    signer: &dyn Signer,
    now: OffsetDateTime,
) -> Vec<u8> {
    let document =
        pdf::attach(&printed.pdf, "licence.xml", "application/xml", Relationship::Source, xml)
            .expect("an attachment");
    let place = printed.stamp;
    let mut options = pdf::SigningOptions::at(now);
    options.stamp = Some(Stamp {
        page: place.page,
        rect: [place.x, place.y, place.x + place.width, place.y + place.height],
        lines: vec!["Қол қойылды".to_owned(), "Тест".to_owned()],
        font: stamp_font().into(),
    });
    pdf::sign(&document, signer, &options).expect("PDF")
}

/// The licence of the benchmarks.
pub fn licence() -> Licence {
    let three = |text: &str| Wording::new(text, text, text);
    let fields = (1..=18).map(|number| Field {
        id: format!("field-{number}"),
        number,
        label: three("Код товара по товарной номенклатуре"),
        value: "2710193100 — Газойль, арнайы өңдеу процестеріне арналған".to_owned(),
    });
    Licence {
        number: "KZ26LAA00000001".to_owned(),
        code: "059q9Ie4wIB_Uc1RHb674gI0TVwnxMRNVGE53dkIU9M".to_owned(),
        verify_url: "http://127.0.0.1:8480/v/059q9Ie4wIB_Uc1RHb674gI0TVwnxMRNVGE53dkIU9M"
            .to_owned(),
        document: DocumentKind::Licence,
        service: "import-export-licence".to_owned(),
        service_name: three("Лицензия на импорт и (или) экспорт отдельных видов товаров"),
        kind: "export".to_owned(),
        kind_name: three("на экспорт отдельных видов товаров"),
        annex_to: None,
        authority: Authority {
            name: three("Комитет торговли"),
            bin: "141040001226".parse().expect("a BIN"),
        },
        holder: Applicant::Organisation { bin: "150340001226".parse().expect("a BIN") },
        holder_name: "«ҰЛЫ ДАЛА САУДА» ЖШС (ТЕСТ)".to_owned(),
        fields: fields.collect(),
        conditions: Vec::new(),
        valid_from: date!(2026 - 12 - 01),
        valid_to: date!(2027 - 11 - 30),
        issued_at: OffsetDateTime::now_utc().replace_nanosecond(0).expect("a time"),
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

/// How often it runs in a second of processor time, so that other programs hardly count.
pub fn rate(work: impl Fn()) -> f64 {
    work();
    let began = processor_time();
    let mut count = 0;
    loop {
        for _ in 0..8 {
            work();
        }
        count += 8;
        let took = processor_time() - began;
        if took >= LEAST {
            return f64::from(count) / took.as_secs_f64();
        }
    }
}

/// Time this thread has had the processor (Linux, `proc(5)`, `schedstat`).
pub fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}
