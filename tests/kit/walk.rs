//! The walk of a request, step by step: applicant, officers, result.

use serde_json::{Value, json};

use super::client::{Client, Reply, certificate};
use super::service::Service;
use super::world;

/// A stand-in for the scanned contract.
pub const CONTRACT: &[u8] = b"%PDF-1.4\n% A contract.\n%%EOF\n";

/// How one step is sent: method, path, media type, body. The answer is the last one given.
pub type Send<'a> = dyn Fn(&Client, &str, &str, &str, &[u8]) -> Reply + 'a;

/// One request on its way.
pub struct Walk<'a> {
    /// The service.
    pub service: &'a Service,
    /// The request's id.
    pub id: String,
    /// The applicant.
    pub applicant: Client,
    send: &'a Send<'a>,
}

/// Sends a step once.
pub fn once(client: &Client, method: &str, path: &str, media_type: &str, body: &[u8]) -> Reply {
    let body = (method != "GET").then_some(body);
    client.send(method, path, media_type, body).expect("an answer")
}

impl<'a> Walk<'a> {
    /// A request that waits for its certificate: form, attachment and payment are done.
    pub fn paid(service: &'a Service, holder: &str) -> Self {
        let walk = Self::new(service, holder, "0", &once);
        walk.begin();
        walk.pay();
        walk
    }

    /// A request to be begun by this holder, each step sent through `send`.
    pub fn new(service: &'a Service, holder: &str, name: &str, send: &'a Send<'a>) -> Self {
        let applicant = Client::log_in(service, holder);
        // The gateway's double knows a request by its id, whichever service it comes from.
        let place = service.url().rsplit(':').next().unwrap_or_default().to_owned();
        Self { service, id: format!("request-of-a-test-{place}-{name}"), applicant, send }
    }

    /// The request as its applicant sees it.
    pub fn case(&self) -> Value {
        self.applicant.get(&self.path("")).expect(200)
    }

    /// Begins, fills and attaches.
    pub fn begin(&self) {
        let organisation = world().certificate(&self.applicant.holder).unwrap().holder().bin;
        let (applicant, form) = match organisation {
            Some(_) => ("organisation", "export"),
            None => ("person", "import"),
        };
        let wish = json!({
            "service": "import-export-licence",
            "form": form,
            "applicant": applicant,
            "language": "kk",
        });
        self.step("PUT", "", &wish).expect(200);
        let filled = self.step("PUT", "/form", &values(form)).expect(200);
        assert_eq!(filled["faults"], json!([]));
        let path = self.path("/attachments/contract.pdf?document=contract");
        (self.send)(&self.applicant, "PUT", &path, "application/pdf", CONTRACT).expect(200);
    }

    /// Pays at the gateway and has the payment checked.
    pub fn pay(&self) {
        let invoice = self.step("POST", "/payment", &json!({})).expect(200);
        self.applicant.post(invoice["payAt"].as_str().unwrap(), &json!({})).expect(200);
        self.step("POST", "/payment/check", &json!({})).expect(200);
    }

    /// Chooses the certificate of a holder.
    pub fn choose(&self, holder: &str) -> Reply {
        self.step("POST", "/certificate", &certificate(holder))
    }

    /// Asks for the octets to sign with the applicant's own certificate.
    pub fn prepare(&self) -> Reply {
        self.step("POST", "/signature/prepare", &certificate(&self.applicant.holder))
    }

    /// Signs what was prepared and completes the request.
    pub fn complete(&self, prepared: &Value) -> Reply {
        let signature = self.applicant.sign(prepared["toBeSigned"].as_str().unwrap());
        self.step("POST", "/signature", &json!({ "signature": signature }))
    }

    /// Chooses, signs and registers; gives the incoming number.
    pub fn register(&self) -> String {
        self.choose(&self.applicant.holder).expect(200);
        let prepared = self.prepare().expect(200);
        let case = self.complete(&prepared).expect(200);
        case["incomingNumber"].as_str().unwrap().to_owned()
    }

    /// An officer's act on the version the officer sees.
    pub fn act(&self, officer: &Client, act: &Value) -> Reply {
        let seen = officer.get(&self.path("")).expect(200)["version"].clone();
        let body = json!({ "seen": seen, "act": act }).to_string();
        (self.send)(officer, "POST", &self.path("/steps"), "application/json", body.as_bytes())
    }

    /// The review up to and without the head's decision.
    pub fn review(&self, proposal: &Value) {
        for (officer, act) in acts(proposal) {
            let officer = Client::log_in(self.service, officer);
            self.act(&officer, &act).expect(200);
        }
    }

    /// The head decides and signs; gives the result's number.
    pub fn decide(&self, decision: &Value) -> String {
        let head = Client::log_in(self.service, "officer-head");
        let mut act = decision.clone();
        act["act"] = json!("decide");
        self.act(&head, &act).expect(200);
        self.sign_result(&head)
    }

    /// The head's loop: sign what is next until nothing is left.
    pub fn sign_result(&self, head: &Client) -> String {
        let send = |part: &str, body: &Value| {
            let path = self.path(&format!("/result/{part}"));
            let body = body.to_string();
            (self.send)(head, "POST", &path, "application/json", body.as_bytes()).expect(200)
        };
        let mut state = send("prepare", &certificate(&head.holder));
        while let Some(next) = state["toSign"].as_array().filter(|next| !next.is_empty()) {
            let values = next.iter().map(|one| {
                let value = head.sign(one["toBeSigned"].as_str().unwrap());
                (one["document"].as_str().unwrap().to_owned(), Value::from(value))
            });
            let values: serde_json::Map<_, _> = values.collect();
            state = send("signatures", &json!({ "signatures": values }));
        }
        assert_eq!(state["request"]["state"], "closed", "{state}");
        state["request"]["resultNumber"].as_str().unwrap().to_owned()
    }

    /// A document of the request.
    pub fn document(&self, name: &str) -> Vec<u8> {
        let case = self.case();
        let documents = case["documents"].as_array().unwrap();
        let document = documents.iter().find(|document| document["name"] == name).unwrap();
        let path = format!("/documents/{}", document["sha256"].as_str().unwrap());
        let reply = self.applicant.get(&self.path(&path));
        assert_eq!(reply.status, 200);
        reply.octets
    }

    /// An address under the request's.
    pub fn path(&self, part: &str) -> String {
        format!("/api/v1/requests/{}{part}", self.id)
    }

    fn step(&self, method: &str, part: &str, body: &Value) -> Reply {
        let (path, body) = (self.path(part), body.to_string());
        (self.send)(&self.applicant, method, &path, "application/json", body.as_bytes())
    }
}

/// Who does what before the head decides.
pub fn acts(proposal: &Value) -> [(&'static str, Value); 4] {
    let expert = world().certificate("officer-expert").unwrap().holder().iin;
    let corresponds = proposal["decision"] == "issue";
    [
        ("officer-chancery", json!({ "act": "route" })),
        ("officer-head-of-department", json!({ "act": "assign", "expert": expert })),
        (
            "officer-expert",
            json!({
                "act": "examine",
                "complete": true,
                "corresponds": corresponds,
                "proposal": proposal,
            }),
        ),
        ("officer-legal-service", json!({ "act": "agree" })),
    ]
}

/// What the applicant enters.
pub fn values(form: &str) -> Value {
    let mut values = json!({
        "period.from": "01.12.2026",
        "period.to": "30.11.2027",
        "contract.number": "EX-17/2026",
        "contract.date": "15.10.2026",
        "applicant.name": "«ҰЛЫ ДАЛА САУДА» ЖШС (ТЕСТ)",
        "applicant.address": "Өскемен қ., Қабанбай батыр көшесі, 12",
        "currency.code": "USD",
        "currency.name": "АҚШ доллары",
        "value": "125000.50",
        "statistical-value": "125000.50",
        "origin-country.code": "KZ",
        "origin-country.name": "Қазақстан",
        "quantity": "1500",
        "unit": "килограмм",
        "goods.code": "2710193100",
        "goods.description": "Газойль, арнайы өңдеу процестеріне арналған",
        "basis": "Келісімшарт № EX-17/2026, 15.10.2026",
    });
    let (partner, first, second) = match form {
        "export" => ("buyer", "destination-country", "buyer-country"),
        _ => ("seller", "dispatch-country", "seller-country"),
    };
    values[partner] = json!("Silk Road Trading Ltd., Urumqi");
    for country in [first, second] {
        values[format!("{country}.code")] = json!("CN");
        values[format!("{country}.name")] = json!("Қытай");
    }
    values
}
