//! Login by signed challenge: each challenge works once, for its own key, for a while.

use serde_json::json;

use crate::calm;
use crate::kit::client::{Client, certificate, sign};
use crate::kit::service::Service;

#[test]
fn a_challenge_works_once_and_for_its_own_key_only() {
    let _calm = calm();
    let service = Service::start("challenge");
    let client = Client::new(&service, "person");
    let challenge = client.challenge().expect(201);
    client.answer(&challenge, "person").expect(200);
    client.answer(&challenge, "person").refused(401, "no-such-challenge");

    // Signed by another key: refused, and spent.
    let challenge = client.challenge().expect(201);
    client.answer(&challenge, "first-head").refused(422, "bad-signature");
    client.answer(&challenge, "person").refused(401, "no-such-challenge");

    // The value of one challenge does not answer another.
    let (first, second) = (client.challenge().expect(201), client.challenge().expect(201));
    let value = sign("person", first["toBeSigned"].as_str().unwrap());
    let answer = json!({ "challenge": second["id"], "signature": value });
    client.post("/api/v1/login", &answer).refused(422, "bad-signature");

    let late = client.challenge().expect(201);
    end(&service, "challenge");
    client.answer(&late, "person").refused(401, "no-such-challenge");
}

#[test]
fn certificates_that_are_no_good_open_no_session() {
    let _calm = calm();
    let service = Service::start("no-login");
    for (holder, code) in [
        ("expired", "expired"),
        ("not-yet-valid", "not-yet-valid"),
        ("revoked", "revoked"),
        ("on-hold", "on-hold"),
        ("untrusted", "untrusted-issuer"),
    ] {
        let client = Client::new(&service, holder);
        let challenge = client.challenge().expect(201);
        client.answer(&challenge, holder).refused(422, code);
    }
    let text = json!({ "certificate": "bm90IGEgY2VydGlmaWNhdGU=" });
    let nobody = Client::new(&service, "");
    nobody.post("/api/v1/login/challenge", &text).refused(400, "bad-certificate");
}

#[test]
fn a_session_ends_with_its_time_and_at_logout() {
    let _calm = calm();
    let service = Service::start("session");
    let mut client = Client::log_in(&service, "person");
    assert_eq!(client.get("/api/v1/requests").expect(200), json!([]));
    end(&service, "session");
    client.get("/api/v1/requests").refused(401, "not-logged-in");

    client = Client::log_in(&service, "person");
    client.post("/api/v1/logout", &json!({})).expect(204);
    client.get("/api/v1/requests").refused(401, "not-logged-in");
    client.session = None;
    client.get("/api/v1/requests").refused(401, "not-logged-in");
    client.session = Some("made-up".to_owned());
    let body = certificate("person");
    let path = "/api/v1/requests/request-of-nobody/certificate";
    client.post(path, &body).refused(401, "not-logged-in");
}

/// Lets the time of every ticket of this kind run out.
fn end(service: &Service, kind: &str) {
    let changed = service.database().execute(
        "UPDATE tickets SET expires_at = '2026-01-01T00:00:00.000000000Z' WHERE kind = ?1",
        [kind],
    );
    assert!(changed.unwrap() > 0, "no {kind} is there");
}
