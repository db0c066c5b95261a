//! The story: what an applicant, five officers and a third party do, over HTTP.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use qoltanba::config::{Config, FILE_NAME};
use qoltanba::crypto::{Random as _, SystemRandom};
use qoltanba::licensing::almaty;
use qoltanba::problem::{Kind, Problem};
use qoltanba::store::{Sqlite, StoreExt as _, audit};
use qoltanba::text::Language;
use serde_json::{Value, json};
use time::{Date, Duration, OffsetDateTime};

use super::client::{Client, text};
use super::setting::Setting;
use super::tell;
use crate::cli::pki_problem;

/// Tells the whole story; the first step that fails ends it.
pub fn tell(setting: &Setting, language: Language) -> Result<(), Problem> {
    let story = Story { setting, language };
    let keys = match setting.world.algorithm().uses_tokens() {
        true => "SoftHSM tokens",
        false => "PKCS#12 files",
    };
    println!("\nQoltanba, the main job end to end. Keys live in {keys}; every step is HTTP.");
    let licence = story.licence()?;
    story.refusal()?;
    story.third_party(&licence)?;
    story.audit()
}

struct Story<'a> {
    setting: &'a Setting,
    language: Language,
}

/// What the third party gets into its hands.
struct Licence {
    number: String,
    code: String,
}

impl Story<'_> {
    /// A firm asks for an export licence and gets it.
    fn licence(&self) -> Result<Licence, Problem> {
        tell::chapter("A firm asks for a licence to export goods");
        let head = self.log_in("first-head")?;
        let id = self.begin(&head, "export", "organisation", "kk")?;
        self.fill(&head, &id, "export")?;
        self.attach(&head, &id)?;
        self.pay(&head, &id)?;

        let employee = self.setting.world.certificate("employee").map_err(pki_problem)?;
        let employee = base64::engine::general_purpose::STANDARD.encode(employee.der());
        let path = format!("/api/v1/requests/{id}/certificate?lang={}", self.language);
        let refusal = head.post(&path, &json!({ "certificate": employee }))?.answered(422)?;
        tell::refused(&format!(
            "A colleague's certificate is refused ({}): {}",
            text(&refusal, "code")?,
            refusal["reasons"][0]["message"].as_str().unwrap_or_default()
        ));
        tell::detail("Nothing is lost: form, attachment and payment stay; another is chosen.");

        self.choose_and_sign(&head, &id)?;
        self.review(&id, &json!({ "decision": "issue" }))?;
        let number = self.sign_result(&id)?;
        tell::step(&format!("Licence {number} is in the register and in the applicant's cabinet"));
        self.save(&head, &id, "licence")?;
        let code = self.code_of(&number)?;
        Ok(Licence { number, code })
    }

    /// A person asks for an import licence and is refused with reasons.
    fn refusal(&self) -> Result<(), Problem> {
        tell::chapter("A person asks for a licence to import goods, and is refused");
        let person = self.log_in("person")?;
        let id = self.begin(&person, "import", "person", "ru")?;
        self.fill(&person, &id, "import")?;
        self.attach(&person, &id)?;
        self.pay(&person, &id)?;
        self.choose_and_sign(&person, &id)?;
        let service = person.get("/api/v1/services/import-export-licence")?.answered(200)?;
        let ground = text(&service["grounds"][0], "code")?.to_owned();
        let decision = json!({
            "decision": "refuse",
            "grounds": [ground],
            "reason": "Тауар сипаттамасы келісімшартқа сәйкес келмейді.",
        });
        self.review(&id, &decision)?;
        let number = self.sign_result(&id)?;
        tell::step(&format!("Refusal {number}, signed and with its reasons, is in the cabinet"));
        self.save(&person, &id, "refusal")
    }

    /// Somebody who has nothing but the documents.
    fn third_party(&self, licence: &Licence) -> Result<(), Problem> {
        tell::chapter("A third party verifies");
        let anyone = Client::new(&self.setting.service);
        for name in ["licence.xml", "licence-kk.pdf", "refusal.xml", "refusal-ru.pdf"] {
            let octets = self.load(name)?;
            let report = anyone.post_octets("/api/v1/verify", &octets)?.answered(200)?;
            if report["verdict"] != "TOTAL-PASSED" {
                return Err(unexpected(&format!("{name}: {report}")));
            }
            let signature = &report["signatures"][0];
            tell::step(&format!(
                "{name}: {}, {} by {}",
                text(&report, "verdict")?,
                text(signature, "format")?,
                text(&signature["signer"], "name")?
            ));
            if let Some(number) = report["licence"]["number"].as_str() {
                let state = text(&report["licence"], "state")?;
                tell::detail(&format!("Licence {number} is {state} today"));
            }
        }
        let forged = forge(self.load("licence.xml")?);
        let path = format!("/api/v1/verify?lang={}", self.language);
        let report = anyone.post_octets(&path, &forged)?.answered(200)?;
        if report["verdict"] != "TOTAL-FAILED" {
            return Err(unexpected(&format!("a forged licence: {report}")));
        }
        tell::refused(&format!(
            "licence.xml with one letter changed: {}: {}",
            text(&report, "verdict")?,
            report["signatures"][0]["reasons"][0]["message"].as_str().unwrap_or_default()
        ));
        let public = anyone.get(&format!("/api/v1/licences/{}", licence.number))?.answered(200)?;
        tell::step(&format!(
            "Public look-up of {}: {}, {}",
            licence.number,
            text(&public, "holder")?,
            text(&public, "state")?
        ));
        let page = anyone.get(&format!("/v/{}?lang={}", licence.code, self.language))?;
        if page.status != 200 {
            return Err(unexpected("the page behind the QR code"));
        }
        tell::step(&format!(
            "The page behind the QR code: {}/v/{}",
            self.setting.service, licence.code
        ));
        Ok(())
    }

    fn audit(&self) -> Result<(), Problem> {
        tell::chapter("The audit log");
        let config = Config::load(&self.setting.dir.join(FILE_NAME))?;
        let store = Sqlite::open_read_only(&config.service.database)?;
        let head = store
            .view(|view| audit::verify(view, &[]))
            .map_err(|error| unexpected(&error.to_string()))?;
        tell::step(&format!(
            "{} rows, each chained to the one before; the chain is whole",
            head.rows
        ));
        tell::detail(&format!("head {}", head.hash));
        Ok(())
    }

    fn log_in(&self, id: &str) -> Result<Client, Problem> {
        let signer = self.setting.world.signer(id).map_err(pki_problem)?;
        let entry = self.setting.world.entry(id).map_err(pki_problem)?;
        let client = Client::log_in(&self.setting.service, signer)?;
        let place = match self.setting.world.key_path(id).map_err(pki_problem)? {
            None => format!("on token «{}»", entry.token),
            Some(_) => format!("in the file {id}.p12"),
        };
        tell::step(&format!("{} logs in: a challenge signed by the key {place}", entry.name));
        Ok(client)
    }

    fn begin(
        &self,
        client: &Client,
        form: &str,
        applicant: &str,
        language: &str,
    ) -> Result<String, Problem> {
        let mut octets = [0; 16];
        if !SystemRandom.fill(&mut octets) {
            return Err(unexpected("no randomness"));
        }
        let id = URL_SAFE_NO_PAD.encode(octets).replace('_', "-");
        let body = json!({
            "service": "import-export-licence",
            "form": form,
            "applicant": applicant,
            "language": language,
        });
        client.put(&format!("/api/v1/requests/{id}"), &body)?.answered(200)?;
        Ok(id)
    }

    fn fill(&self, client: &Client, id: &str, form: &str) -> Result<(), Problem> {
        let path = format!("/api/v1/requests/{id}/form?lang={}", self.language);
        let mut values = values(form);
        let today = almaty(OffsetDateTime::now_utc()).date();
        let (from, to) = (day(today)?, day(today.saturating_add(Duration::days(364)))?);
        values.insert("period.from", &from);
        values.insert("period.to", &to);
        let goods = values.insert("goods.code", "27101").unwrap_or_default();
        let draft = client.put(&path, &json!(values))?.answered(200)?;
        tell::refused(&format!(
            "The form has a mistake, and says where: {}: {}",
            draft["faults"][0]["field"].as_str().unwrap_or_default(),
            draft["faults"][0]["message"].as_str().unwrap_or_default()
        ));
        values.insert("goods.code", goods);
        let filled = client.put(&path, &json!(values))?.answered(200)?;
        match filled["faults"].as_array() {
            Some(faults) if faults.is_empty() => {
                tell::step("The 18-field form is filled in and valid, field by field");
                Ok(())
            }
            _ => Err(unexpected(&filled["faults"].to_string())),
        }
    }

    fn attach(&self, client: &Client, id: &str) -> Result<(), Problem> {
        let path = format!("/api/v1/requests/{id}/attachments/contract.pdf?document=contract");
        let reply = client.upload(&path, "application/pdf", CONTRACT)?.answered(200)?;
        let sha256 = reply["attachments"][0]["sha256"].as_str().unwrap_or_default();
        tell::step(&format!(
            "The contract is attached ({} bytes, SHA-256 {}…)",
            CONTRACT.len(),
            &sha256.get(..16).unwrap_or_default()
        ));
        Ok(())
    }

    fn pay(&self, client: &Client, id: &str) -> Result<(), Problem> {
        let path = format!("/api/v1/requests/{id}/payment");
        let invoice = client.post(&path, &json!({}))?.answered(200)?;
        let early = client.post(&format!("{path}/check"), &json!({}))?;
        if early.status != 409 {
            return Err(unexpected("an unpaid request passed for a paid one"));
        }
        let payer = Client::new("");
        payer.post(text(&invoice, "payAt")?, &json!({}))?.answered(200)?;
        client.post(&format!("{path}/check"), &json!({}))?.answered(200)?;
        tell::step(&format!(
            "The fee of {} tenge is paid at the gateway ({}); its signed message says so",
            invoice["amount"],
            text(&invoice, "reference")?
        ));
        Ok(())
    }

    fn choose_and_sign(&self, client: &Client, id: &str) -> Result<(), Problem> {
        let certificate = json!({ "certificate": client.certificate() });
        let path = format!("/api/v1/requests/{id}");
        let check = client.post(&format!("{path}/certificate"), &certificate)?.answered(200)?;
        let by = text(&check["revocation"], "source")?.to_uppercase();
        tell::step(&format!(
            "The certificate of {} is chosen and checked: path, validity, usage, {by}, identity",
            text(&check["signer"], "name")?
        ));
        let to_sign =
            client.post(&format!("{path}/signature/prepare"), &certificate)?.answered(200)?;
        let signature = client.sign(text(&to_sign, "toBeSigned")?)?;
        let signed = json!({ "signature": signature });
        let case = client.post(&format!("{path}/signature"), &signed)?.answered(200)?;
        tell::step(&format!(
            "The request with the manifest of its attachments is signed by the applicant's key ({})",
            text(&to_sign, "algorithm")?
        ));
        tell::step(&format!(
            "Signature and certificate verified; registered as {}",
            text(&case, "incomingNumber")?
        ));
        Ok(())
    }

    /// Chancery, head of department, expert, legal service, head.
    fn review(&self, id: &str, decision: &Value) -> Result<(), Problem> {
        let issue = decision["decision"] == "issue";
        let expert = self.setting.world.certificate("officer-expert").map_err(pki_problem)?;
        let expert = expert.holder().iin.map(String::from).unwrap_or_default();
        let mut decide = decision.clone();
        decide["act"] = json!("decide");
        let acts = [
            ("officer-chancery", "chancery takes the request in", json!({ "act": "route" })),
            (
                "officer-head-of-department",
                "head of department names the expert",
                json!({ "act": "assign", "expert": expert }),
            ),
            (
                "officer-expert",
                if issue {
                    "expert examines and proposes to issue"
                } else {
                    "expert examines and proposes to refuse"
                },
                json!({ "act": "examine", "complete": true, "corresponds": issue, "proposal": decision }),
            ),
            ("officer-legal-service", "legal service agrees", json!({ "act": "agree" })),
            (
                "officer-head",
                if issue { "head decides: issue" } else { "head decides: refuse" },
                decide,
            ),
        ];
        for (officer, what, act) in acts {
            let client = self.officer(officer)?;
            let tasks = client.get("/api/v1/tasks")?.answered(200)?;
            let waiting =
                tasks.as_array().is_some_and(|tasks| tasks.iter().any(|task| task["id"] == *id));
            if !waiting {
                return Err(unexpected(&format!("{officer} has no task for {id}")));
            }
            let case = client.get(&format!("/api/v1/requests/{id}"))?.answered(200)?;
            let body = json!({ "seen": case["version"], "act": act });
            client.post(&format!("/api/v1/requests/{id}/steps"), &body)?.answered(200)?;
            let name = &self.setting.world.entry(officer).map_err(pki_problem)?.name;
            tell::step(&format!("{name}: {what}"));
        }
        Ok(())
    }

    /// The head signs XML, then the presentations; the service says what is next.
    fn sign_result(&self, id: &str) -> Result<String, Problem> {
        let head = self.officer("officer-head")?;
        let path = format!("/api/v1/requests/{id}/result");
        let certificate = json!({ "certificate": head.certificate() });
        let mut state = head.post(&format!("{path}/prepare"), &certificate)?.answered(200)?;
        let mut signed = Vec::new();
        while let Some(to_sign) = state["toSign"].as_array().filter(|list| !list.is_empty()) {
            let mut signatures = BTreeMap::new();
            for one in to_sign {
                let name = text(one, "document")?.to_owned();
                signatures.insert(name.clone(), head.sign(text(one, "toBeSigned")?)?);
                signed.push(name);
            }
            let body = json!({ "signatures": signatures });
            state = head.post(&format!("{path}/signatures"), &body)?.answered(200)?;
        }
        tell::step(&format!(
            "The head's key signs {}; each was verified before it left",
            signed.join(", ")
        ));
        Ok(text(&state["request"], "resultNumber")?.to_owned())
    }

    fn officer(&self, id: &str) -> Result<Client, Problem> {
        let signer = self.setting.world.signer(id).map_err(pki_problem)?;
        Client::log_in(&self.setting.service, signer)
    }

    fn save(&self, client: &Client, id: &str, kind: &str) -> Result<(), Problem> {
        let case = client.get(&format!("/api/v1/requests/{id}"))?.answered(200)?;
        let directory = self.directory();
        std::fs::create_dir_all(&directory).map_err(Problem::internal)?;
        let mut names = Vec::new();
        for document in case["documents"].as_array().into_iter().flatten() {
            let (name, sha256) = (text(document, "name")?, text(document, "sha256")?);
            let name = match name {
                "request.xml" => format!("{kind}-request.xml"),
                "result.pdf" | "contract.pdf" => continue,
                result => result.replace("result", kind),
            };
            let octets = client.get(&format!("/api/v1/requests/{id}/documents/{sha256}"))?;
            if octets.status != 200 {
                return Err(unexpected(&format!("{name} cannot be had")));
            }
            std::fs::write(directory.join(&name), octets.octets).map_err(Problem::internal)?;
            names.push(name);
        }
        tell::detail(&format!("Saved: {}", names.join(", ")));
        Ok(())
    }

    fn load(&self, name: &str) -> Result<Vec<u8>, Problem> {
        std::fs::read(self.directory().join(name)).map_err(Problem::internal)
    }

    fn directory(&self) -> PathBuf {
        self.setting.dir.join("documents")
    }

    /// The code stands in the signed licence, as on its QR code.
    fn code_of(&self, number: &str) -> Result<String, Problem> {
        let found = qoltanba::xml::read(&self.load("licence.xml")?, None)?;
        let octets = found.iter().flat_map(|signature| &signature.scope.octets);
        let licences =
            octets.filter_map(|octets| qoltanba::licensing::Licence::from_xml(octets).ok());
        let own = licences.into_iter().find(|licence| licence.number == number);
        own.map(|licence| licence.code).ok_or_else(|| unexpected("no code in the licence"))
    }
}

/// Changes one letter of the holder's name.
fn forge(octets: Vec<u8>) -> Vec<u8> {
    String::from_utf8_lossy(&octets).replacen("ДАЛА", "ДОЛА", 1).into_bytes()
}

fn unexpected(what: &str) -> Problem {
    Problem::new(Kind::Internal, "story", format!("the story went wrong: {what}"))
}

/// A day as forms have it.
fn day(date: Date) -> Result<String, Problem> {
    let format = time::macros::format_description!("[day].[month].[year]");
    date.format(&format).map_err(Problem::internal)
}

/// What the applicant enters beside the period.
fn values<'a>(form: &str) -> BTreeMap<&'a str, &'a str> {
    let common = [
        ("contract.number", "EX-17/2026"),
        ("contract.date", "15.10.2026"),
        ("applicant.name", "«ҰЛЫ ДАЛА САУДА» ЖШС (ТЕСТ)"),
        ("applicant.address", "Өскемен қ., Қабанбай батыр көшесі, 12"),
        ("currency.code", "USD"),
        ("currency.name", "АҚШ доллары"),
        ("value", "125000.50"),
        ("statistical-value", "125000.50"),
        ("origin-country.code", "KZ"),
        ("origin-country.name", "Қазақстан"),
        ("quantity", "1500"),
        ("unit", "килограмм"),
        ("goods.code", "2710193100"),
        ("goods.description", "Газойль, арнайы өңдеу процестеріне арналған"),
        ("basis", "Келісімшарт № EX-17/2026, 15.10.2026"),
    ];
    let own = match form {
        "export" => [
            ("buyer", "Silk Road Trading Ltd., Urumqi"),
            ("destination-country.code", "CN"),
            ("destination-country.name", "Қытай"),
            ("buyer-country.code", "CN"),
            ("buyer-country.name", "Қытай"),
        ],
        _ => [
            ("seller", "Silk Road Trading Ltd., Urumqi"),
            ("dispatch-country.code", "CN"),
            ("dispatch-country.name", "Қытай"),
            ("seller-country.code", "CN"),
            ("seller-country.name", "Қытай"),
        ],
    };
    common.into_iter().chain(own).collect()
}

/// A stand-in for the scanned contract.
const CONTRACT: &[u8] = b"%PDF-1.4\n% A contract, for the demonstration.\n%%EOF\n";
