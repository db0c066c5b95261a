//! A signature whose key is elsewhere: two calls, and nothing kept between them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qoltanba::token::Signer as _;
use serde_json::{Value, json};

use super::world::{APPLICANT, AUTHORITY, Person, World};

const DOCUMENT: &str = "<contract><sum Id='sum'>1000</sum></contract>";

fn wish(person: &Person, document: &str, more: Value) -> Value {
    let mut wish = person.certificate();
    wish["document"] = STANDARD.encode(document).into();
    for (name, value) in more.as_object().unwrap() {
        wish[name] = value.clone();
    }
    wish
}

/// Both calls; the signed document.
fn signed(person: &Person, document: &str, more: Value) -> String {
    let prepared = person.post("/api/v1/sign/prepare", &wish(person, document, more)).is(200);
    let answer = value(person, &prepared);
    let document = person.post("/api/v1/sign/complete", &answer).is(200);
    document.as_str().unwrap().to_owned()
}

fn value(person: &Person, prepared: &Value) -> Value {
    let mut answer = person.certificate();
    answer["ticket"] = prepared["ticket"].clone();
    answer["signature"] = person.sign(prepared["toBeSigned"].as_str().unwrap()).into();
    answer
}

fn scopes(person: &Person, document: &str) -> Vec<(String, Value)> {
    let reply =
        person.send("POST", "/api/v1/verify", "application/xml", document.as_bytes()).is(200);
    assert_eq!(reply["verdict"], "TOTAL-PASSED", "{reply}");
    let signatures = reply["signatures"].as_array().unwrap().iter();
    let scope =
        |one: &Value| (one["signedScope"][0]["kind"].as_str().unwrap().to_owned(), one.clone());
    signatures.map(scope).collect()
}

fn people(world: &World) -> [Person; 2] {
    let person = |iin: &str, bin| Person {
        base: world.base.clone(),
        session: String::new(),
        signer: world.signer(iin, bin).into(),
    };
    [person(APPLICANT, None), person("850101300105", Some(AUTHORITY))]
}

#[test]
fn two_people_sign_in_turn_without_being_logged_in() {
    let world = World::start();
    let [first, second] = people(&world);
    let more = json!({
        "role": "applicant", "commitment": "http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin",
        "covers": "without-signatures",
    });
    let once = signed(&first, DOCUMENT, more);
    let twice = signed(&second, &once, json!({ "covers": "without-signatures" }));
    let thrice = signed(&second, &twice, json!({ "covers": { "signature": 0 } }));
    let scopes = scopes(&first, &thrice);
    let kinds: Vec<_> = scopes.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["document", "signature", "document"]);
    let claims = &scopes[0].1["claims"];
    assert_eq!(claims["roles"][0], "applicant");
    assert_eq!(claims["commitments"][0], "http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin");
    assert_eq!(claims["contentTypes"][0], "application/xml");
    let part = signed(&first, DOCUMENT, json!({ "covers": { "element": "sum" } }));
    assert_eq!(self::scopes(&first, &part)[0].0, "element");
    // The digest is the one of the octets.
    let prepared = first.post("/api/v1/sign/prepare", &wish(&first, DOCUMENT, json!({}))).is(200);
    let octets = STANDARD.decode(prepared["toBeSigned"].as_str().unwrap()).unwrap();
    let digest = qoltanba::crypto::digest(qoltanba::crypto::DigestAlgorithm::Sha256, &octets);
    assert_eq!(prepared["digest"], STANDARD.encode(digest));
    assert_eq!(prepared["digestAlgorithm"], "SHA-256");
}

#[test]
fn a_value_of_another_document_or_person_is_refused() {
    let world = World::start();
    let [first, second] = people(&world);
    let prepare = |person: &Person, document: &str| {
        person.post("/api/v1/sign/prepare", &wish(person, document, json!({}))).is(200)
    };
    let (one, two) = (prepare(&first, DOCUMENT), prepare(&first, "<other/>"));
    let refused = |answer: &Value, status: u16, code: &str| {
        let problem = first.post("/api/v1/sign/complete", answer).is(status);
        assert_eq!(problem["code"], code, "{problem}");
    };
    // The value of one document with the ticket of another.
    let mut crossed = value(&first, &one);
    crossed["ticket"] = two["ticket"].clone();
    refused(&crossed, 422, "bad-signature");
    // Another person's value, and another person's certificate.
    let mut stolen = value(&first, &one);
    stolen["signature"] = second.sign(one["toBeSigned"].as_str().unwrap()).into();
    refused(&stolen, 422, "bad-signature");
    let mut other = value(&first, &one);
    other["certificate"] = STANDARD.encode(second.signer.certificate().der()).into();
    refused(&other, 400, "other-certificate");
    // A ticket somebody put together.
    let mut forged = value(&first, &one);
    let ticket = one["ticket"].as_str().unwrap();
    let (head, tail) = ticket.split_at(ticket.len() / 2);
    forged["ticket"] = format!("{head}{}", tail.chars().rev().collect::<String>()).into();
    refused(&forged, 400, "bad-ticket");
    // Repeated, the same call gives the same document.
    let answer = value(&first, &one);
    let document = first.post("/api/v1/sign/complete", &answer).is(200);
    assert_eq!(first.post("/api/v1/sign/complete", &answer).is(200), document);
    // What cannot be signed is said at once.
    for (document, code) in [("hello", "unknown-format"), ("<a><b></a>", "broken-xml")] {
        let reply = first.post("/api/v1/sign/prepare", &wish(&first, document, json!({})));
        assert_eq!(reply.is(422)["code"], code);
    }
    let missing = wish(&first, DOCUMENT, json!({ "covers": { "element": "nothing" } }));
    assert_eq!(first.post("/api/v1/sign/prepare", &missing).is(422)["code"], "broken-xml");
    world.source.next(|| qoltanba::x509::RevocationStatus::Revoked {
        at: super::world::NOW - time::Duration::days(1),
        reason: None,
    });
    let revoked = value(&first, &prepare(&first, DOCUMENT));
    assert_eq!(first.post("/api/v1/sign/complete", &revoked).status, 422);
}
