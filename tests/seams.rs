//! The service under people who repeat, race and pretend: over HTTP, with a certification
//! authority in memory and a revocation source that does what a test tells it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qoltanba::config::{AuthorityConfig, Config, OfficerConfig};
use qoltanba::crypto::SystemRandom;
use qoltanba::gateway::{Invoice, PaymentError, PaymentState, Payments};
use qoltanba::identity::Applicant;
use qoltanba::licensing::{
    Authority, Catalogue, DocumentKind, Licence, OfficerRole, Origin, Signatory, Wording,
};
use qoltanba::service::{App, router};
use qoltanba::store::audit::AuditEntry;
use qoltanba::store::{LicenceKey, LicenceRow, Sqlite, Store, StoreExt as _};
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

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const AUTHORITY: &str = "940140000385";
const APPLICANT: &str = "871008401427";

/// What happens when the revocation of a certificate is asked for.
type Hook = Box<dyn FnOnce() -> RevocationStatus + Send>;

/// Answers "good", unless a hook waits: it is called once.
#[derive(Clone, Default)]
struct Source(Arc<Mutex<Vec<Hook>>>);

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
    fn next(&self, hook: impl FnOnce() -> RevocationStatus + Send + 'static) {
        self.0.lock().unwrap().push(Box::new(hook));
    }
}

/// Everything is paid at once.
struct Paid;

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

    fn check(&self, invoice: &Invoice, _: &str) -> Result<(PaymentState, Vec<u8>), PaymentError> {
        let state = self.open(invoice)?;
        let message = serde_json::to_vec(&state).unwrap();
        Ok((state, message))
    }
}

struct World {
    base: String,
    source: Source,
    store: Arc<dyn Store>,
    issuer: CertifiedIssuer<'static, KeyPair>,
    _directory: tempfile::TempDir,
}

/// Somebody with a key, logged in.
#[derive(Clone)]
struct Person {
    base: String,
    session: String,
    signer: Arc<SoftwareSigner>,
}

fn officers() -> Vec<OfficerConfig> {
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
    fn start() -> Self {
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
            verifier: Verifier::new(
                TrustStore::new(vec![root], Vec::new()),
                Some(Arc::new(source.clone())),
            ),
            payments: Some(Arc::new(Paid)),
            catalogue: Catalogue::embedded().unwrap(),
            clock: || NOW,
            random: Arc::new(SystemRandom),
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
                    axum::serve(listener, router(Arc::new(app))).await.unwrap();
                });
        });
        Self { base, source, store, issuer, _directory: directory }
    }

    fn signer(&self, iin: &str, bin: Option<&str>) -> SoftwareSigner {
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

    fn log_in(&self, iin: &str, bin: Option<&str>) -> Person {
        let signer = Arc::new(self.signer(iin, bin));
        let mut person = Person { base: self.base.clone(), session: String::new(), signer };
        let challenge = person.post("/api/v1/login/challenge", &person.certificate()).is(201);
        let signature = person.sign(challenge["toBeSigned"].as_str().unwrap());
        let answer = json!({ "challenge": challenge["id"], "signature": signature });
        let session = person.post("/api/v1/login", &answer).is(200);
        person.session = session["session"].as_str().unwrap().to_owned();
        person
    }

    fn officer(&self, role: OfficerRole) -> Person {
        let officer = officers().into_iter().find(|officer| officer.role == role).unwrap();
        self.log_in(officer.iin.as_str(), Some(AUTHORITY))
    }
}

struct Reply {
    status: u16,
    json: Value,
}

impl Reply {
    fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.json);
        self.json
    }
}

impl Person {
    fn certificate(&self) -> Value {
        json!({ "certificate": STANDARD.encode(self.signer.certificate().der()) })
    }

    fn sign(&self, to_be_signed: &str) -> String {
        STANDARD.encode(self.signer.sign(&STANDARD.decode(to_be_signed).unwrap()).unwrap())
    }

    fn send(&self, method: &str, path: &str, media_type: &str, body: &[u8]) -> Reply {
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

    fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, "application/json", body.to_string().as_bytes())
    }

    fn put(&self, path: &str, body: &Value) -> Reply {
        self.send("PUT", path, "application/json", body.to_string().as_bytes())
    }

    fn get(&self, path: &str) -> Reply {
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

    fn attach(&self, path: &str, name: &str) -> Reply {
        let path = format!("{path}/attachments/{name}?document=contract");
        self.send("PUT", &path, "application/pdf", b"%PDF-1.7 contract")
    }

    /// A whole and paid request; gives its path.
    fn begin(&self, id: &str) -> String {
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
    fn prepare(&self, path: &str) -> Value {
        self.post(&format!("{path}/certificate"), &self.certificate()).is(200);
        let prepared = self.post(&format!("{path}/signature/prepare"), &self.certificate()).is(200);
        json!({ "signature": self.sign(prepared["toBeSigned"].as_str().unwrap()) })
    }

    fn register(&self, path: &str) {
        let signature = self.prepare(path);
        self.post(&format!("{path}/signature"), &signature).is(200);
    }

    fn act(&self, path: &str, act: Value) {
        let seen = self.get(path).is(200)["version"].clone();
        self.post(&format!("{path}/steps"), &json!({ "seen": seen, "act": act })).is(200);
    }

    fn signatures(&self, state: &Value) -> Value {
        let one = |one: &Value| {
            let name = one["document"].as_str().unwrap().to_owned();
            (name, Value::String(self.sign(one["toBeSigned"].as_str().unwrap())))
        };
        let signatures = state["toSign"].as_array().unwrap().iter().map(one);
        json!({ "signatures": signatures.collect::<serde_json::Map<_, _>>() })
    }
}

fn values() -> BTreeMap<String, String> {
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
fn entry() -> AuditEntry {
    AuditEntry {
        at: NOW,
        actor: "test".to_owned(),
        action: "test".to_owned(),
        object: String::new(),
        details: json!({}),
    }
}

/// A licence that somebody wrote and signed alone.
fn made_up(number: &str, by: &Person) -> Vec<u8> {
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

const EXPERT: &str = "850101300103";
const ID: &str = "request-0123456789";

#[test]
fn what_is_registered_is_what_was_signed_even_if_the_form_changes_meanwhile() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let path = person.begin(ID);
    let signature = person.prepare(&path);
    // While the signature is judged, the form is changed and prepared anew.
    let (other, at) = (person.clone(), path.clone());
    world.source.next(move || {
        let mut values = values();
        values.insert("quantity".to_owned(), "999999".to_owned());
        other.put(&format!("{at}/form"), &json!(values)).is(200);
        other.post(&format!("{at}/signature/prepare"), &other.certificate()).is(200);
        RevocationStatus::Good
    });
    let refused = person.post(&format!("{path}/signature"), &signature).is(409);
    assert_eq!(refused["code"], "changed-after-prepare");
    assert_eq!(person.get(&path).is(200)["incomingNumber"], Value::Null);
}

#[test]
fn a_document_made_up_around_a_refusals_number_tells_nothing_of_the_refused() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let path = person.begin(ID);
    person.register(&path);
    let case = person.get(&path).is(200);
    let request = case["documents"].as_array().unwrap();
    let request = request.iter().find(|one| one["name"] == "request.xml").unwrap();
    let number = "KZ26XAA00000001";
    let refusal = LicenceRow {
        number: number.to_owned(),
        code: "code".to_owned(),
        case_id: ID.to_owned(),
        service: "import-export-licence".to_owned(),
        kind: "refusal".to_owned(),
        holder_name: "SOMEBODY REFUSED".to_owned(),
        holder_iin: Some(APPLICANT.to_owned()),
        holder_bin: None,
        state: "refused".to_owned(),
        issued_at: NOW,
        valid_from: None,
        valid_to: None,
        xml_sha256: request["sha256"].as_str().unwrap().to_owned(),
        pdf_sha256: BTreeMap::new(),
    };
    world
        .store
        .change(|change| {
            change.put_licence(&refusal)?;
            change.audit_append(&entry())
        })
        .unwrap();
    let signed = made_up(number, &person);
    let report = person.send("POST", "/api/v1/verify", "application/xml", &signed).is(200);
    assert_eq!(report["licence"]["state"], "unknown");
    assert_eq!(report["licence"]["holder"], Value::Null);
}

#[test]
fn an_unanswered_revocation_question_holds_the_request_and_the_same_call_succeeds_later() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let path = person.begin(ID);
    let unknown = || world.source.next(|| RevocationStatus::Unknown);
    person.post(&format!("{path}/certificate"), &person.certificate()).is(200);
    unknown();
    let prepare = || person.post(&format!("{path}/signature/prepare"), &person.certificate());
    assert_eq!(prepare().is(503)["code"], "revocation-unknown");
    let to_be_signed = prepare().is(200)["toBeSigned"].as_str().unwrap().to_owned();
    let signature = json!({ "signature": person.sign(&to_be_signed) });
    unknown();
    let complete = || person.post(&format!("{path}/signature"), &signature);
    assert_eq!(complete().is(503)["code"], "revocation-unknown");
    let case = complete().is(200);
    assert_eq!(case["incomingNumber"], "KZ26RAA00000001");
    assert_eq!(complete().is(200)["incomingNumber"], "KZ26RAA00000001");
    // What could not be answered stands in the log and among the evidence all the same.
    let rows = world.store.view(|view| view.audit_of(ID, 0)).unwrap();
    assert_eq!(rows.iter().filter(|row| row.action == "certificate-held").count(), 2);
    assert_eq!(world.store.view(|view| view.evidence(ID)).unwrap().len(), 5);
}

#[test]
fn an_attachment_sent_again_is_the_same_attachment() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let path = person.begin(ID);
    let case = person.attach(&path, "contract.pdf").is(200);
    assert_eq!(case["attachments"].as_array().unwrap().len(), 1);
}

#[test]
fn signatures_of_a_result_sent_again_lead_on_and_never_to_a_second_licence() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let path = person.begin(ID);
    person.register(&path);
    let issue = json!({ "decision": "issue" });
    world.officer(OfficerRole::Chancery).act(&path, json!({ "act": "route" }));
    world
        .officer(OfficerRole::HeadOfDepartment)
        .act(&path, json!({ "act": "assign", "expert": EXPERT }));
    world.officer(OfficerRole::Expert).act(
        &path,
        json!({ "act": "examine", "complete": true, "corresponds": true, "proposal": issue }),
    );
    world.officer(OfficerRole::LegalService).act(&path, json!({ "act": "agree" }));
    let head = world.officer(OfficerRole::Head);
    head.act(&path, json!({ "act": "decide", "decision": "issue" }));
    let at = format!("{path}/result");
    let first = head.post(&format!("{at}/prepare"), &head.certificate()).is(200);
    // A licence that is signed but not in the register yet is nobody's to have.
    let listed = |person: &Person| {
        let case = person.get(&path).is(200);
        let names = case["documents"].as_array().unwrap().iter();
        names.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let xml = head.signatures(&first);
    let send = |signatures: &Value| head.post(&format!("{at}/signatures"), signatures);
    let next = send(&xml).is(200);
    assert_eq!(next["toSign"].as_array().unwrap().len(), 3);
    assert!(!listed(&person).contains(&"result.xml".to_owned()), "{:?}", listed(&person));
    let again = send(&xml).is(200);
    assert_eq!(again["toSign"].as_array().unwrap().len(), 3);
    let pdfs = head.signatures(&again);
    assert!(send(&pdfs).is(200)["toSign"].as_array().unwrap().is_empty());
    for signatures in [&pdfs, &xml] {
        let done = send(signatures).is(200);
        assert_eq!(done["request"]["resultNumber"], "KZ26LAA00000001");
        assert!(done["toSign"].as_array().unwrap().is_empty());
    }
    assert!(listed(&person).contains(&"result.xml".to_owned()));
    // The register vouches for what its authority signed, not for what names its numbers.
    let row = world.store.view(|view| view.licence(LicenceKey::Case(ID))).unwrap().unwrap();
    let document = |sha256: &str| world.store.view(|view| view.document(sha256)).unwrap().unwrap();
    let judged = |octets: &[u8]| person.send("POST", "/api/v1/verify", "text/xml", octets).is(200);
    for sha256 in row.pdf_sha256.values().chain([&row.xml_sha256]) {
        let report = judged(&document(sha256).bytes);
        assert_eq!(report["licence"]["number"], "KZ26LAA00000001");
        assert_eq!(report["licence"]["matchesRegister"], true);
    }
    let report = judged(&made_up("KZ26LAA00000001", &person));
    assert_eq!((&report["verdict"], &report["licence"]), (&json!("TOTAL-PASSED"), &Value::Null));
}

#[test]
fn tasks_are_found_behind_more_than_a_page_of_others_tasks() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let chancery = world.officer(OfficerRole::Chancery);
    let department = world.officer(OfficerRole::HeadOfDepartment);
    let assigned = |id: &str| {
        let path = person.begin(id);
        person.register(&path);
        chancery.act(&path, json!({ "act": "route" }));
        department.act(&path, json!({ "act": "assign", "expert": EXPERT }));
    };
    assigned(ID);
    let row = world.store.view(|view| view.case(ID)).unwrap().unwrap();
    // More requests than a page holds wait for another expert, and are older.
    world
        .store
        .change(|change| {
            for index in 0..=qoltanba::limits::STORE_PAGE_ROWS {
                let mut other = row.clone();
                other.id = format!("other-request-{index:04}");
                other.version = 0;
                other.incoming_number = None;
                other.body = other.body.replace(ID, &other.id).replace(EXPERT, "850101300199");
                change.put_case(&other)?;
            }
            change.audit_append(&entry())
        })
        .unwrap();
    let newest = "request-9876543210";
    assigned(newest);
    let tasks = world.officer(OfficerRole::Expert).get("/api/v1/tasks").is(200);
    let ids: Vec<_> = tasks.as_array().unwrap().iter().map(|task| task["id"].as_str()).collect();
    assert_eq!(ids, [Some(ID), Some(newest)]);
}

#[test]
fn a_form_that_sends_a_part_twice_is_refused() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let part =
        "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n<a/>\r\n";
    let body = format!("{part}{part}--b--\r\n");
    let sent =
        person.send("POST", "/api/v1/verify", "multipart/form-data; boundary=b", body.as_bytes());
    assert_eq!(sent.is(400)["code"], "repeated-part");
}

#[test]
fn a_query_that_does_not_fit_is_a_problem_with_a_code() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    for path in ["/api/v1/licences?iin=12", "/api/v1/licences?colour=red"] {
        assert_eq!(person.get(path).is(400)["code"], "bad-query", "{path}");
    }
    let at = "/api/v1/verify?at=yesterday";
    assert_eq!(person.send("POST", at, "text/xml", b"<a/>").is(400)["code"], "bad-query");
}

#[test]
fn times_at_the_ends_of_time_are_judged() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let end = datetime!(9999-12-31 23:59:59 UTC);
    let signed = xml::sign(b"<a/>", &*person.signer, &xml::SigningOptions::new(end)).unwrap();
    let send = |path: &str| person.send("POST", path, "text/xml", &signed);
    let report = send("/api/v1/verify").is(200);
    let warning = &report["signatures"][0]["warnings"][0]["code"];
    assert_eq!(warning, "claimed-time-implausible");
    send("/verify").is(200);
    for at in ["9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00%2B23:59"] {
        let report = send(&format!("/api/v1/verify?at={at}"));
        assert!([200, 400].contains(&report.status), "{at}: {}", report.json);
    }
}

/// What the service logs at its most talkative.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn neither_codes_nor_sessions_nor_signatures_are_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter("qoltanba=trace,tower_http=trace,axum=trace")
        .with_writer(move || writer.clone())
        .init();
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    person.get("/v/THE-CODE-OF-A-LICENCE").is(404);
    person.get("/api/v1/documents/THE-CODE-OF-A-LICENCE/licence.xml").is(404);
    let path = person.begin(ID);
    let signature = person.prepare(&path);
    person.post(&format!("{path}/signature"), &signature).is(200);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("/v/{code}"), "{log}");
    let value = signature["signature"].as_str().unwrap();
    for secret in ["THE-CODE-OF-A-LICENCE", person.session.as_str(), value] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn a_command_line_that_is_wrong_is_no_verdict() {
    let run = |arguments: &[&str]| {
        let program = std::process::Command::new(env!("CARGO_BIN_EXE_qoltanba"))
            .args(arguments)
            .current_dir(std::env::temp_dir())
            .output()
            .unwrap();
        program.status.code()
    };
    assert_eq!(run(&["verify", "--no-such-option", "x"]), Some(3));
    assert_eq!(run(&["verify"]), Some(3));
    assert_eq!(run(&["verify", "/dev/zero"]), Some(3));
    assert_eq!(run(&["verify", "--help"]), Some(0));
}

#[test]
fn documents_of_the_public_take_turns_and_leave_room_for_everybody_else() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let signed = xml::sign(b"<a/>", &*person.signer, &xml::SigningOptions::new(NOW)).unwrap();
    let (began, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let all = qoltanba::limits::JUDGED_AT_ONCE + 6;
    for _ in 0..all {
        let (began, release) = (began.clone(), release.clone());
        world.source.next(move || {
            began.fetch_add(1, Ordering::SeqCst);
            while !release.load(Ordering::SeqCst) {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            RevocationStatus::Good
        });
    }
    std::thread::scope(|scope| {
        let send = || person.send("POST", "/api/v1/verify", "text/xml", &signed).is(200);
        let sent: Vec<_> = (0..all).map(|_| scope.spawn(send)).collect();
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        let judged = began.load(Ordering::SeqCst);
        // Others are served meanwhile.
        person.get("/api/v1/requests").is(200);
        release.store(true, Ordering::SeqCst);
        assert!((1..=qoltanba::limits::JUDGED_AT_ONCE).contains(&judged), "{judged}");
        sent.into_iter().for_each(|sent| drop(sent.join().unwrap()));
    });
    assert_eq!(began.load(Ordering::SeqCst), all);
}
