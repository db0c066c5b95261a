//! When nobody can say whether a certificate is revoked: the request is held with `try later`,
//! nothing is lost, and the same call succeeds when somebody answers again.

use qoltanba::pki::double::How;
use serde_json::json;

use crate::Alone;
use crate::kit::client::Reply;
use crate::kit::service::{PAYMENTS, Service, Setup};
use crate::kit::walk::{Walk, once};

#[track_caller]
fn held(reply: Reply) {
    assert!(reply.retry_after.is_some(), "no word on when to come back");
    reply.refused(503, "revocation-unknown");
}

#[test]
fn however_the_authority_fails_a_choice_is_held_and_succeeds_later() {
    let alone = Alone::begin();
    let service = Service::start("outages");
    let walk = Walk::paid(&service, "person");
    let before = walk.case();
    for (ocsp, crl) in [
        (How::Down, How::Down),
        (How::Closed, How::Closed),
        (How::Garbage, How::Garbage),
        (How::Stale, How::Stale),
        (How::WrongSignature, How::WrongSignature),
        (How::Unknown, How::Unknown),
        (How::WrongNonce, How::Down),
        (How::WrongCertId, How::Down),
    ] {
        alone.misbehave(ocsp, crl);
        // A list held in memory would answer.
        service.restart();
        held(walk.choose("person"));
        let after = walk.case();
        assert_eq!(after["values"], before["values"], "{ocsp:?}");
        assert_eq!(after["attachments"], before["attachments"]);
        assert_eq!(after["payment"], before["payment"]);
        alone.misbehave(How::None, How::None);
        let check = walk.choose("person").expect(200);
        assert_eq!(check["revocation"]["source"], "ocsp", "{ocsp:?}");
    }
    walk.register();
}

#[test]
fn a_fresh_list_answers_where_the_responder_does_not() {
    let alone = Alone::begin();
    let service = Service::start("crl-instead");
    let walk = Walk::paid(&service, "person");
    for how in [How::Down, How::Garbage, How::Stale, How::WrongSignature, How::WrongNonce] {
        alone.misbehave(how, How::None);
        let check = walk.choose("person").expect(200);
        let source = &check["revocation"];
        assert_eq!(
            (&source["source"], &source["status"]),
            (&json!("crl"), &json!("good")),
            "{how:?}"
        );
        walk.choose("revoked").refused(422, "revoked");
    }
    let number = walk.register();
    assert!(number.ends_with('1'), "{number}");
}

#[test]
fn at_signing_and_at_registration_the_same_call_succeeds_later() {
    let alone = Alone::begin();
    let service = Service::start("held");
    let walk = Walk::paid(&service, "person");
    walk.choose("person").expect(200);
    let fail = || {
        alone.misbehave(How::Down, How::Down);
        service.restart();
    };

    fail();
    held(walk.prepare());
    held(walk.prepare());
    alone.misbehave(How::None, How::None);
    let prepared = walk.prepare().expect(200);

    fail();
    held(walk.complete(&prepared));
    assert_eq!(walk.case()["incomingNumber"], json!(null));
    alone.misbehave(How::None, How::None);
    let case = walk.complete(&prepared).expect(200);
    assert!(case["incomingNumber"].as_str().unwrap().ends_with('1'));

    let database = service.database();
    let count = |action: &str| {
        let query = "SELECT count(*) FROM audit WHERE action = ?1";
        database.query_row(query, [action], |row| row.get::<_, u32>(0)).unwrap()
    };
    assert_eq!(count("certificate-held"), 3);
    assert_eq!(count("registered"), 1);
}

#[test]
fn a_login_waits_until_somebody_answers() {
    let alone = Alone::begin();
    let service = Service::start("login-held");
    alone.misbehave(How::Down, How::Down);
    let client = crate::kit::client::Client::new(&service, "person");
    let challenge = client.challenge().expect(201);
    held(client.answer(&challenge, "person"));
    alone.misbehave(How::None, How::None);
    let _ = crate::kit::client::Client::log_in(&service, "person");
}

#[test]
fn a_payment_counts_when_the_gateway_says_so_of_this_request_and_amount() {
    let _alone = Alone::begin();
    let setup = Setup { signed_payments: true, ..Setup::default() };
    let service = Service::start_with("payment", &setup);
    let walk = Walk::new(&service, "person", "0", &once);
    walk.begin();
    let payment = |part: &str| walk.applicant.post(&walk.path(part), &json!({}));
    let misbehave = |how: &str| {
        let url = format!("{}/misbehave", *PAYMENTS);
        assert_eq!(walk.applicant.post(&url, &json!({ "how": how })).status, 204);
    };
    // Another request was paid: its message is what is replayed below.
    let other = Walk::new(&service, "first-head", "1", &once);
    other.begin();
    other.pay();
    payment("/payment/check").refused(409, "no-invoice");
    misbehave("down");
    payment("/payment").refused(503, "payment-gateway-unavailable");
    misbehave("none");
    let invoice = payment("/payment").expect(200);
    payment("/payment/check").refused(409, "not-paid");
    for forged in ["other-body", "wrapped", "replayed"] {
        misbehave(forged);
        payment("/payment/check").refused(503, "payment-gateway-untrusted");
        assert_eq!(walk.case()["state"], "awaiting-payment", "{forged}");
    }
    misbehave("none");
    walk.applicant.post(invoice["payAt"].as_str().unwrap(), &json!({})).expect(200);
    for (how, code) in [
        ("down", "payment-gateway-unavailable"),
        ("garbage", "payment-gateway-unavailable"),
        ("wrong-amount", "payment-gateway-contradiction"),
        ("wrong-request", "payment-gateway-contradiction"),
        ("unsigned", "payment-gateway-untrusted"),
        ("wrong-signer", "payment-gateway-untrusted"),
        ("other-body", "payment-gateway-untrusted"),
        ("wrapped", "payment-gateway-untrusted"),
        ("stale", "payment-gateway-untrusted"),
        ("other-question", "payment-gateway-untrusted"),
        ("replayed", "payment-gateway-untrusted"),
    ] {
        misbehave(how);
        payment("/payment/check").refused(503, code);
        assert_eq!(walk.case()["state"], "awaiting-payment", "{how}");
    }
    misbehave("none");
    let paid = payment("/payment/check").expect(200);
    assert_eq!(paid["state"], "awaiting-certificate");
    assert_eq!(payment("/payment/check").expect(200)["version"], paid["version"]);
    walk.register();
}
