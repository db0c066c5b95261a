//! A service with a certification authority in memory, and the people who use it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::ServiceExt as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qoltanba::config::{AuthorityConfig, Config, OfficerConfig};
use qoltanba::crypto::SystemRandom;
use qoltanba::gateway::{Confirmation, Invoice, PaymentError, PaymentState, Payments};
use qoltanba::identity::Applicant;
use qoltanba::licensing::{
    Authority, Catalogue, DocumentKind, Licence, OfficerRole, Origin, Signatory, Wording,
};
use qoltanba::service::{App, Tickets, router};
use qoltanba::store::audit::AuditEntry;
use qoltanba::store::{Sqlite, Store};
use qoltanba::token::{Signer as _, SoftwareSigner};
use qoltanba::validation::Verifier;
use qoltanba::x509::{
    Certificate, RevocationAnswer, RevocationSource, RevocationStatus, TrustStore,
};
use qoltanba::xml;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use serde_json::{Value, json};
use time::macros::{date, datetime};
use time::{Duration, OffsetDateTime};

pub const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
pub const AUTHORITY: &str = "940140000385";
pub const APPLICANT: &str = "871008401427";

/// What happens when the revocation of a certificate is asked for.
pub type Hook = Box<dyn FnOnce() -> RevocationStatus + Send>;

/// Answers "good", unless a hook waits: it is called once.
#[derive(Clone, Default)]
pub struct Source(pub Arc<Mutex<Vec<Hook>>>);

impl RevocationSource for Source {
    fn ask(
        &self,
        _: &Certificate,
        _: &Certificate,
        _: OffsetDateTime,
        now: OffsetDateTime,
    ) -> RevocationAnswer {
        let hook = self.0.lock().unwrap().pop();
        let status = hook.map_or(RevocationStatus::Good, |hook| hook());
        RevocationAnswer { status, source: "ocsp", ..RevocationAnswer::unknown(now, "") }
    }
}

impl Source {
    pub fn next(&self, hook: impl FnOnce() -> RevocationStatus + Send + 'static) {
        self.0.lock().unwrap().push(Box::new(hook));
    }
}

/// Everything is paid at once.
pub struct Paid;

impl Payments for Paid {
    fn open(&self, invoice: &Invoice) -> Result<PaymentState, PaymentError> {
        Ok(PaymentState {
            reference: "PAY-1".to_owned(),
            request: invoice.request.clone(),
            amount: invoice.amount,
            pay_at: "http://127.0.0.1/pay".to_owned(),
            paid_at: Some(NOW),
        })
    }

    fn check(&self, invoice: &Invoice, _: &str) -> Result<Confirmation, PaymentError> {
        let state = self.open(invoice)?;
        let message = serde_json::to_vec(&state).unwrap();
        Ok(Confirmation { state, message, media_type: "application/json" })
    }
}

pub struct World {
    pub base: String,
    pub source: Source,
    pub store: Arc<dyn Store>,
    pub issuer: CertifiedIssuer<'static, KeyPair>,
    pub _directory: tempfile::TempDir,
}

/// Somebody with a key, logged in.
#[derive(Clone)]
pub struct Person {
    pub base: String,
    pub session: String,
    pub signer: Arc<SoftwareSigner>,
}

pub fn officers() -> Vec<OfficerConfig> {
    let roles = [
        ("850101300101", OfficerRole::Chancery),
        ("850101300102", OfficerRole::HeadOfDepartment),
        (EXPERT, OfficerRole::Expert),
        ("850101300104", OfficerRole::LegalService),
        ("850101300105", OfficerRole::Head),
    ];
    let officer = |(iin, role): (&str, OfficerRole)| OfficerConfig {
        iin: iin.parse().unwrap(),
        name: format!("OFFICER {iin}"),
        role,
        services: Vec::new(),
        from: date!(2026 - 01 - 01),
        until: date!(2026 - 12 - 31),
    };
    roles.map(officer).into()
}

impl World {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (params.not_before, params.not_after) =
            (NOW - Duration::days(365), NOW + Duration::days(365));
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let root = Certificate::from_der(issuer.der()).unwrap();
        let source = Source::default();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&directory.path().join("q.db")).unwrap());
        let authority = AuthorityConfig { bin: AUTHORITY.parse().unwrap(), officers: officers() };
        let app = App {
            config: Config { authority: Some(authority), ..Config::default() },
            store: store.clone(),
            stamps: None,
            verifier: Arc::new(Verifier::new(
                TrustStore::new(vec![root], Vec::new()),
                Some(Arc::new(source.clone())),
            )),
            payments: Some(Arc::new(Paid)),
            catalogue: Catalogue::embedded().unwrap(),
            clock: || NOW,
            random: Arc::new(SystemRandom),
            tickets: Tickets::new(&[7; 32]),
            seal: None,
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap()
                .block_on(async {
                    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                    let service = router(Arc::new(app)).into_make_service();
                    axum::serve(listener, service).await.unwrap();
                });
        });
        Self { base, source, store, issuer, _directory: directory }
    }

    pub fn signer(&self, iin: &str, bin: Option<&str>) -> SoftwareSigner {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, format!("PERSON {iin}"));
        let serial = DnType::CustomDnType(vec![2, 5, 4, 5]);
        params.distinguished_name.push(serial, format!("IIN{iin}"));
        if let Some(bin) = bin {
            params.distinguished_name.push(DnType::OrganizationalUnitName, format!("BIN{bin}"));
        }
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) =
            (NOW - Duration::days(30), NOW + Duration::days(30));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let certificate = Certificate::from_der(certificate.der()).unwrap();
        SoftwareSigner::new(&key.serialize_der(), certificate).unwrap()
    }

    pub fn log_in(&self, iin: &str, bin: Option<&str>) -> Person {
        let signer = Arc::new(self.signer(iin, bin));
        let mut person = Person { base: self.base.clone(), session: String::new(), signer };
        let challenge = person.post("/api/v1/login/challenge", &person.certificate()).is(201);
        let signature = person.sign(challenge["toBeSigned"].as_str().unwrap());
        let answer = json!({ "challenge": challenge["id"], "signature": signature });
        let session = person.post("/api/v1/login", &answer).is(200);
        person.session = session["session"].as_str().unwrap().to_owned();
        person
    }

    pub fn officer(&self, role: OfficerRole) -> Person {
        let officer = officers().into_iter().find(|officer| officer.role == role).unwrap();
        self.log_in(officer.iin.as_str(), Some(AUTHORITY))
    }
}

pub struct Reply {
    pub status: u16,
    pub json: Value,
}

impl Reply {
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.json);
        self.json
    }
}

impl Person {
    pub fn certificate(&self) -> Value {
        json!({ "certificate": STANDARD.encode(self.signer.certificate().der()) })
    }

    pub fn sign(&self, to_be_signed: &str) -> String {
        STANDARD.encode(self.signer.sign(&STANDARD.decode(to_be_signed).unwrap()).unwrap())
    }

    pub fn send(&self, method: &str, path: &str, media_type: &str, body: &[u8]) -> Reply {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.session))
            .header("content-type", media_type)
            .body(body)
            .unwrap();
        let mut answer = agent.run(request).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply { status: answer.status().as_u16(), json }
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, "application/json", body.to_string().as_bytes())
    }

    pub fn put(&self, path: &str, body: &Value) -> Reply {
        self.send("PUT", path, "application/json", body.to_string().as_bytes())
    }

    pub fn get(&self, path: &str) -> Reply {
        let mut answer = ureq::get(format!("{}{path}", self.base))
            .config()
            .http_status_as_error(false)
            .build()
            .header("authorization", format!("Bearer {}", self.session))
            .call()
            .unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply { status: answer.status().as_u16(), json }
    }

    pub fn attach(&self, path: &str, name: &str) -> Reply {
        let path = format!("{path}/attachments/{name}?document=contract");
        self.send("PUT", &path, "application/pdf", b"%PDF-1.7 contract")
    }

    /// A whole and paid request; gives its path.
    pub fn begin(&self, id: &str) -> String {
        let path = format!("/api/v1/requests/{id}");
        let wish = json!({
            "service": "import-export-licence", "form": "export",
            "applicant": "person", "language": "kk",
        });
        self.put(&path, &wish).is(200);
        self.put(&format!("{path}/form"), &json!(values())).is(200);
        self.attach(&path, "contract.pdf").is(200);
        self.post(&format!("{path}/payment"), &json!({})).is(200);
        self.post(&format!("{path}/payment/check"), &json!({})).is(200);
        path
    }

    /// Chooses the certificate and prepares the signature; gives its value.
    pub fn prepare(&self, path: &str) -> Value {
        self.post(&format!("{path}/certificate"), &self.certificate()).is(200);
        let prepared = self.post(&format!("{path}/signature/prepare"), &self.certificate()).is(200);
        json!({ "signature": self.sign(prepared["toBeSigned"].as_str().unwrap()) })
    }

    pub fn register(&self, path: &str) {
        let signature = self.prepare(path);
        self.post(&format!("{path}/signature"), &signature).is(200);
    }

    pub fn act(&self, path: &str, act: Value) {
        let seen = self.get(path).is(200)["version"].clone();
        self.post(&format!("{path}/steps"), &json!({ "seen": seen, "act": act })).is(200);
    }

    pub fn signatures(&self, state: &Value) -> Value {
        let one = |one: &Value| {
            let name = one["document"].as_str().unwrap().to_owned();
            (name, Value::String(self.sign(one["toBeSigned"].as_str().unwrap())))
        };
        let signatures = state["toSign"].as_array().unwrap().iter().map(one);
        json!({ "signatures": signatures.collect::<serde_json::Map<_, _>>() })
    }
}

pub fn values() -> BTreeMap<String, String> {
    [
        ("period.from", "01.12.2026"),
        ("period.to", "30.11.2027"),
        ("contract.number", "EX-17/2026"),
        ("contract.date", "15.10.2026"),
        ("applicant.name", "АСҚАРОВ АСҚАР"),
        ("applicant.address", "Алматы қ., Абай даңғылы, 1"),
        ("buyer", "Silk Road Trading Ltd., Urumqi"),
        ("destination-country.code", "CN"),
        ("destination-country.name", "Қытай"),
        ("buyer-country.code", "CN"),
        ("buyer-country.name", "Қытай"),
        ("currency.code", "USD"),
        ("currency.name", "АҚШ доллары"),
        ("value", "125000.50"),
        ("statistical-value", "125000.50"),
        ("origin-country.code", "KZ"),
        ("origin-country.name", "Қазақстан"),
        ("quantity", "1500"),
        ("unit", "килограмм"),
        ("goods.code", "2710193100"),
        ("goods.description", "Газойль"),
        ("basis", "Келісімшарт, № EX-17/2026"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// Changes of the store need a row in the log.
pub fn entry() -> AuditEntry {
    AuditEntry {
        at: NOW,
        actor: "test".to_owned(),
        action: "test".to_owned(),
        object: String::new(),
        details: json!({}),
    }
}

/// A licence that somebody wrote and signed alone.
pub fn made_up(number: &str, by: &Person) -> Vec<u8> {
    let wording = Wording::new("а", "а", "a");
    let licence = Licence {
        number: number.to_owned(),
        code: "x".to_owned(),
        verify_url: "http://127.0.0.1/v/x".to_owned(),
        document: DocumentKind::Licence,
        service: "import-export-licence".to_owned(),
        service_name: wording.clone(),
        kind: "export".to_owned(),
        kind_name: wording.clone(),
        annex_to: None,
        authority: Authority { name: wording.clone(), bin: AUTHORITY.parse().unwrap() },
        holder: Applicant::Person { iin: APPLICANT.parse().unwrap() },
        holder_name: "X".to_owned(),
        fields: Vec::new(),
        conditions: Vec::new(),
        valid_from: date!(2026 - 12 - 01),
        valid_to: date!(2027 - 11 - 30),
        issued_at: NOW,
        signatory: Signatory { name: "X".to_owned(), position: wording },
        origin: Origin {
            request_id: ID.to_owned(),
            incoming_number: "KZ26RAA00000001".to_owned(),
            request_sha256: "0".repeat(64),
        },
    };
    let options = xml::SigningOptions::new(NOW);
    xml::sign(&licence.to_xml(), &*by.signer, &options).unwrap()
}

pub const EXPERT: &str = "850101300103";
pub const ID: &str = "request-0123456789";
