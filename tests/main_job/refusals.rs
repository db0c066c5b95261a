//! Each refusal of a certificate or signature (DESIGN §3.4), provoked over HTTP: the code, the
//! evidence that is kept, and that the request loses nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::kit::client::{Client, certificate};
use crate::kit::service::Service;
use crate::kit::walk::Walk;
use crate::{Alone, calm, kit};

/// What the applicant has entered, brought and paid.
fn possessions(case: &Value) -> Value {
    json!([case["values"], case["attachments"], case["payment"], case["incomingNumber"]])
}

/// What is written down of the last check of a request.
fn evidence(service: &Service, id: &str) -> Value {
    let query = "SELECT body FROM evidence WHERE case_id = ?1 ORDER BY place DESC LIMIT 1";
    let body = service.database().query_row(query, [id], |row| row.get::<_, String>(0));
    serde_json::from_str(&body.unwrap()).unwrap()
}

/// The kept words of a responder or a list, by their digest.
fn kept(service: &Service, sha256: &Value) -> Vec<u8> {
    let query = "SELECT bytes FROM documents WHERE sha256 = ?1";
    service.database().query_row(query, [sha256.as_str().unwrap()], |row| row.get(0)).unwrap()
}

/// Chooses a holder's certificate for a paid request of `applicant`: it is refused with exactly
/// these codes, the evidence is kept, nothing is lost, and the right certificate is accepted.
fn refused_at_choice(name: &str, applicant: &str, chosen: &str, codes: &[&str]) -> Value {
    let _calm = calm();
    let service = Service::start(name);
    let walk = Walk::paid(&service, applicant);
    let before = walk.case();

    let problem = walk.choose(chosen).refused(422, codes[0]);
    let reasons = problem["reasons"].as_array().unwrap();
    let said: Vec<_> = reasons.iter().map(|reason| reason["code"].as_str().unwrap()).collect();
    assert_eq!(said, codes, "{problem}");
    assert!(reasons.iter().all(|reason| !reason["message"].as_str().unwrap().is_empty()));

    let after = walk.case();
    assert_eq!(possessions(&after), possessions(&before));
    assert_eq!(after["state"], "awaiting-certificate");
    let check = after["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(check["reasons"], json!(codes), "{check}");
    let evidence = evidence(&service, &walk.id);
    assert_eq!(evidence["stage"], "choice");
    let serial = kit::world().certificate(chosen).unwrap().serial_hex();
    assert_eq!(evidence["certificate"]["serial"], serial);
    for sha256 in check["evidence"].as_array().unwrap() {
        assert!(!kept(&service, sha256).is_empty());
    }
    walk.prepare().refused(409, "certificate-not-chosen");
    walk.register();
    evidence
}

#[test]
fn a_certificate_that_is_not_yet_valid() {
    refused_at_choice(
        "not-yet-valid",
        "person",
        "not-yet-valid",
        &["not-yet-valid", "iin-mismatch"],
    );
}

#[test]
fn an_expired_certificate() {
    refused_at_choice(
        "expired",
        "person",
        "expired",
        &["expired", "revocation-unknown", "iin-mismatch"],
    );
}

#[test]
fn a_revoked_certificate_with_the_responders_own_words() {
    let evidence = refused_at_choice("revoked", "person", "revoked", &["revoked", "iin-mismatch"]);
    let asked = &evidence["asked"];
    assert_eq!((&asked["source"], &asked["status"]), (&json!("ocsp"), &json!("revoked")));
    assert_eq!(asked["url"], kit::world().addresses().ocsp());
    assert!(asked["answerOf"].is_string() && asked["askedAt"].is_string(), "{asked}");
    assert_eq!(asked["answer"].as_array().unwrap().len(), 1);
}

#[test]
fn a_certificate_on_hold() {
    let evidence = refused_at_choice("on-hold", "person", "on-hold", &["on-hold", "iin-mismatch"]);
    assert_eq!(evidence["asked"]["status"], "on-hold");
}

#[test]
fn a_certificate_of_somebody_nobody_trusts() {
    refused_at_choice("untrusted", "person", "untrusted", &["untrusted-issuer"]);
}

#[test]
fn a_certificate_for_logging_in() {
    let codes = ["wrong-key-usage", "iin-mismatch"];
    refused_at_choice("wrong-usage", "person", "wrong-usage", &codes);
}

#[test]
fn the_certificate_of_another_person() {
    refused_at_choice("iin-mismatch", "person", "first-head", &["iin-mismatch"]);
}

#[test]
fn the_certificate_of_another_organisation() {
    refused_at_choice("bin-mismatch", "first-head", "officer-head", &["bin-mismatch"]);
}

#[test]
fn an_employee_without_the_right_to_sign() {
    refused_at_choice("no-right", "employee-signing", "employee", &["no-right-to-sign"]);
}

#[test]
fn keys_that_are_too_weak_or_of_another_kind() {
    let _calm = calm();
    let service = Service::start("unsupported");
    let walk = Walk::paid(&service, "person");
    let before = walk.case();
    let dir = kit::scratch("unsupported");
    let curve = ["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"];
    let kinds = [("RSA with 1024 bits", &["rsa:1024"][..]), ("another curve", &curve)];
    for (kind, key) in kinds {
        let der = self_made(&dir, key);
        let chosen = json!({ "certificate": STANDARD.encode(der) });
        for part in ["/certificate", "/signature/prepare"] {
            let problem = walk.applicant.post(&walk.path(part), &chosen);
            let problem = problem.refused(422, "unsupported-algorithm");
            assert_eq!(problem["reasons"][0]["code"], "unsupported-algorithm", "{kind}");
        }
        let login = Client::new(&service, "");
        login.post("/api/v1/login/challenge", &chosen).refused(422, "unsupported-algorithm");
    }
    assert_eq!(possessions(&walk.case()), possessions(&before));
    walk.register();
}

/// A certificate over a key of this kind, made by its own holder.
fn self_made(dir: &std::path::Path, kind: &[&str]) -> Vec<u8> {
    let file = |name: &str| dir.join(name).display().to_string();
    let (key, out) = (file("weak.key"), file("weak.der"));
    let subject = "/CN=WEAK/serialNumber=IIN850314310803";
    let request = ["req", "-x509", "-newkey"];
    let arguments = [
        "-nodes",
        "-keyout",
        &key,
        "-subj",
        subject,
        "-outform",
        "DER",
        "-out",
        &out,
        "-addext",
        "keyUsage=digitalSignature,nonRepudiation",
        "-addext",
        "basicConstraints=CA:FALSE",
    ];
    kit::run("openssl", &[&request[..], kind, &arguments].concat());
    std::fs::read(out).unwrap()
}

#[test]
fn a_certificate_revoked_between_choice_and_signing() {
    let _alone = Alone::begin();
    let service = Service::start("revoked-before-signing");
    let walk = Walk::paid(&service, "person");
    walk.choose("person").expect(200);
    let before = walk.case();
    kit::double().revoke("person", "keyCompromise", None).unwrap();
    walk.prepare().refused(422, "revoked");
    let after = walk.case();
    assert_eq!(possessions(&after), possessions(&before));
    assert_eq!(after["state"], "awaiting-certificate", "another one has to be chosen");
    assert_eq!(evidence(&service, &walk.id)["stage"], "signing");
    walk.choose("person").refused(422, "revoked");
    kit::double().release("person").unwrap();
    walk.register();
}

#[test]
fn a_certificate_revoked_between_signing_and_registration() {
    let _alone = Alone::begin();
    let service = Service::start("revoked-before-registration");
    let walk = Walk::paid(&service, "person");
    walk.choose("person").expect(200);
    let prepared = walk.prepare().expect(200);
    let before = walk.case();
    kit::double().revoke("person", "superseded", None).unwrap();
    walk.complete(&prepared).refused(422, "revoked");
    let after = walk.case();
    assert_eq!(possessions(&after), possessions(&before));
    assert_eq!(after["incomingNumber"], Value::Null);
    let evidence = evidence(&service, &walk.id);
    assert_eq!(
        (&evidence["stage"], &evidence["asked"]["status"]),
        (&json!("registration"), &json!("revoked"))
    );
    kit::double().release("person").unwrap();
    // What was signed is not lost either way: the same number would have been the first.
    assert!(walk.register().ends_with('1'), "a refused registration took a number");
}

#[test]
fn a_signature_value_that_is_not_the_keys() {
    let _calm = calm();
    let service = Service::start("bad-signature");
    let walk = Walk::paid(&service, "person");
    walk.choose("person").expect(200);
    let prepared = walk.prepare().expect(200);
    let before = walk.case();
    let value = walk.applicant.sign(prepared["toBeSigned"].as_str().unwrap());
    let mut flipped = STANDARD.decode(&value).unwrap();
    flipped[17] ^= 4;
    let another = crate::kit::client::sign("first-head", prepared["toBeSigned"].as_str().unwrap());
    for wrong in [STANDARD.encode(flipped), another] {
        let reply = walk.applicant.post(&walk.path("/signature"), &json!({ "signature": wrong }));
        reply.refused(422, "bad-signature");
        assert_eq!(possessions(&walk.case()), possessions(&before));
    }
    // Choosing again and signing rightly registers it.
    walk.register();
}

#[test]
fn a_document_altered_after_it_was_signed() {
    let _calm = calm();
    let service = Service::start("content-changed");
    let walk = Walk::paid(&service, "person");
    walk.register();
    let signed = walk.document("request.xml");
    let anyone = Client::new(&service, "");
    let verify = |document: &[u8]| {
        let reply = anyone.send("POST", "/api/v1/verify", "application/xml", Some(document));
        reply.unwrap().expect(200)
    };
    assert_eq!(verify(&signed)["verdict"], "TOTAL-PASSED");
    let text = String::from_utf8(signed).unwrap();
    let altered = text.replacen("125000.50", "925000.50", 1);
    assert_ne!(altered, text);
    let report = verify(altered.as_bytes());
    assert_eq!(report["verdict"], "TOTAL-FAILED");
    assert_eq!(report["signatures"][0]["subIndication"], "HASH_FAILURE");
    assert_eq!(report["signatures"][0]["reasons"][0]["code"], "content-changed", "{report}");
}

#[test]
fn a_request_changed_after_it_was_prepared_is_prepared_again() {
    let _calm = calm();
    let service = Service::start("changed-after-prepare");
    let walk = Walk::paid(&service, "person");
    walk.choose("person").expect(200);
    let prepared = walk.prepare().expect(200);
    let mut values = crate::kit::walk::values("import");
    values["quantity"] = json!("1501");
    walk.applicant.put(&walk.path("/form"), &values).expect(200);
    walk.complete(&prepared).refused(409, "changed-after-prepare");
    assert_eq!(walk.case()["values"]["quantity"], "1501");
    walk.register();
}

#[test]
fn another_applicants_request_is_not_found() {
    let _calm = calm();
    let service = Service::start("not-own");
    let walk = Walk::paid(&service, "person");
    let other = Client::log_in(&service, "first-head");
    other.get(&walk.path("")).refused(404, "no-such-request");
    let body = certificate("first-head");
    other.post(&walk.path("/certificate"), &body).refused(404, "no-such-request");
    other.put(&walk.path("/form"), &json!({})).refused(404, "no-such-request");
    assert_eq!(walk.case()["state"], "awaiting-certificate");
}
