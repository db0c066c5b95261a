//! The service under people who repeat, race and pretend: over HTTP, with a certification
//! authority in memory and a revocation source that does what a test tells it.

mod deferred;
mod front;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use qoltanba::licensing::OfficerRole;
use qoltanba::store::{LicenceKey, LicenceRow, StoreExt as _};
use qoltanba::x509::RevocationStatus;
use qoltanba::xml;
use qoltanba::xml::wss;
use serde_json::{Value, json};
use time::macros::datetime;

use world::*;

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

#[test]
fn a_signed_message_is_answered_with_its_body_and_any_other_with_a_fault() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let message = "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body>\
                   <pay xmlns='urn:pay'>100</pay></e:Body></e:Envelope>";
    let options = wss::MessageOptions {
        lifetime: Some(time::Duration::minutes(5)),
        ..wss::MessageOptions::new(NOW)
    };
    let signed = wss::sign(message.as_bytes(), &*person.signer, &options).unwrap();
    let open = |query: &str, octets: &[u8]| {
        person.send("POST", &format!("/api/v1/soap/open{query}"), "text/xml", octets)
    };
    let opened = open("?within=300", &signed).is(200);
    let body = opened["body"].as_str().unwrap();
    assert!(body.contains("<pay xmlns=\"urn:pay\">100</pay></e:Body>"), "{body}");
    assert_eq!(opened["report"]["document"]["format"], "SOAP");
    assert_eq!(opened["report"]["signatures"][0]["format"], "WS-Security");
    assert_eq!(opened["created"], "2026-11-21T12:00:00Z");

    let text = String::from_utf8(signed.clone()).unwrap();
    let fault = |reply: Reply, status, code: &str, sentence: &str| {
        let text = reply.is(status);
        let text = text.as_str().unwrap();
        assert!(text.contains("<soap:Fault>") && text.contains(code), "{text}");
        assert!(text.contains(sentence), "{text}");
    };
    let changed = text.replace(">100<", ">900<");
    let sentence = "изменён после подписания";
    fault(open("?lang=ru", changed.as_bytes()), 500, "sec:FailedCheck", sentence);
    fault(open("?lang=en", message.as_bytes()), 500, "sec:InvalidSecurity", "Security header");
    fault(open("?actor=urn:bus", &signed), 500, "sec:InvalidSecurity", "Security");
    fault(open("", b"no XML"), 500, "soap:Client", "XML");
    let twelve =
        message.replace("schemas.xmlsoap.org/soap/envelope/", "www.w3.org/2003/05/soap-envelope");
    fault(open("", twelve.as_bytes()), 400, "soap:Sender", "Security");
    // Who signed must pass, and revocation must be known now.
    world.source.next(|| RevocationStatus::Revoked { at: NOW, reason: None });
    fault(open("", &signed), 500, "sec:InvalidSecurityToken", "Fault");
    world.source.next(|| RevocationStatus::Unknown);
    fault(open("", &signed), 500, "soap:Server", "Fault");
}
