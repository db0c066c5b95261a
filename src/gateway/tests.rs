//! Client and double over HTTP, with every forgery the client must see through.

use std::sync::Arc;

use proptest::prelude::*;
use rcgen::KeyUsagePurpose;
use time::OffsetDateTime;
use time::macros::datetime;

use super::message::{About, Answer, Question};
use super::*;
use crate::crypto::{Random, SystemRandom};
use crate::token::{Signer, SoftwareSigner};
use crate::validation::Verifier;
use crate::x509::testing::{Authority, NOW, params};
use crate::x509::{Certificate, HttpFetch, TrustStore};
use crate::xml::wss;

struct World {
    base: String,
    gateway: Certificate,
    stranger: Certificate,
    client: Arc<dyn Signer>,
    verifier: Arc<Verifier>,
}

fn system(authority: &Authority, name: &str) -> Arc<dyn Signer> {
    let mut params = params(name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let holder = authority.issue(params);
    Arc::new(SoftwareSigner::new(&holder.key.serialize_der(), holder.certificate).unwrap())
}

fn clock() -> OffsetDateTime {
    NOW
}

fn later() -> OffsetDateTime {
    NOW + time::Duration::hours(2)
}

impl World {
    fn start() -> Self {
        let authority = Authority::root("Root");
        let signer = |name| system(&authority, name);
        let (own, stranger, client) = (signer("Gateway"), signer("Stranger"), signer("Client"));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (gateway, other) = (own.certificate().clone(), stranger.certificate().clone());
        let keys = Keys { own, stranger, client: client.certificate().clone() };
        let double = PaymentDouble::new(base.as_str(), clock).signing(keys);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, double.router()).await.unwrap();
            });
        });
        let trust = TrustStore::new(vec![authority.certificate.clone()], Vec::new());
        let verifier = Arc::new(Verifier::new(trust, None));
        Self { base, gateway, stranger: other, client, verifier }
    }

    fn fetch(&self) -> Arc<HttpFetch> {
        Arc::new(HttpFetch::new(&[self.base.replace("http://", "")]))
    }

    fn signed(&self) -> SignedPayments {
        SignedPayments {
            url: format!("{}/soap", self.base),
            certificates: vec![self.gateway.clone()],
            signer: Arc::clone(&self.client),
            verifier: Arc::clone(&self.verifier),
            fetch: self.fetch(),
            clock,
            random: Arc::new(SystemRandom),
        }
    }

    fn local(&self) -> LocalPayments {
        LocalPayments::new(self.base.as_str(), self.fetch())
    }

    fn post(&self, path: &str, body: &str) {
        let url = if path.starts_with("http") { path.to_owned() } else { self.base.clone() + path };
        ureq::post(url).content_type("application/json").send(body).unwrap();
    }

    fn misbehave(&self, how: &str) {
        self.post("/misbehave", &format!("{{\"how\":\"{how}\"}}"));
    }
}

fn invoice(request: &str) -> Invoice {
    Invoice {
        request: request.to_owned(), amount: 39_320, purpose: "Лицензия & <б>".to_owned()
    }
}

fn kind(error: PaymentError) -> &'static str {
    match error {
        PaymentError::Unavailable(_) => "unavailable",
        PaymentError::Contradiction(_) => "contradiction",
        PaymentError::Untrusted(_) => "untrusted",
    }
}

#[test]
fn both_forms_open_an_invoice_once_and_learn_that_it_was_paid() {
    let world = World::start();
    let both: [(&str, Box<dyn Payments>, &str); 2] = [
        ("signed", Box::new(world.signed()), "text/xml"),
        ("local", Box::new(world.local()), "application/json"),
    ];
    for (name, payments, media_type) in both {
        let invoice = invoice(name);
        let opened = payments.open(&invoice).unwrap();
        assert_eq!((opened.amount, opened.paid_at), (39_320, None));
        assert_eq!(payments.open(&invoice).unwrap(), opened);
        let unpaid = payments.check(&invoice, &opened.reference).unwrap();
        assert_eq!(unpaid.state.paid_at, None);
        world.post(&opened.pay_at, "");
        let paid = payments.check(&invoice, &opened.reference).unwrap();
        assert_eq!((paid.state.paid_at, paid.media_type), (Some(NOW), media_type));
        assert_eq!(PaymentState::of_message(&paid.message), Some(paid.state));
        let absent = payments.check(&invoice, "PAY-0").unwrap_err();
        assert_eq!(kind(absent), "unavailable");
    }
}

#[test]
fn no_forged_paid_is_believed() {
    let world = World::start();
    let payments = world.signed();
    let (ours, other) = (invoice("ours"), invoice("other"));
    let (mine, theirs) = (payments.open(&ours).unwrap(), payments.open(&other).unwrap());
    world.post(&theirs.pay_at, "");
    assert!(payments.check(&other, &theirs.reference).unwrap().state.paid_at.is_some());
    for (how, wanted) in [
        ("down", "unavailable"),
        ("garbage", "unavailable"),
        ("wrong-amount", "contradiction"),
        ("wrong-request", "contradiction"),
        ("unsigned", "untrusted"),
        ("wrong-signer", "untrusted"),
        ("other-body", "untrusted"),
        ("wrapped", "untrusted"),
        ("stale", "untrusted"),
        ("other-question", "untrusted"),
        ("replayed", "untrusted"),
    ] {
        world.misbehave(how);
        let told = payments.check(&ours, &mine.reference).unwrap_err();
        assert_eq!(kind(told.clone()), wanted, "{how}: {told}");
        let told = payments.open(&ours).unwrap_err();
        assert_eq!(kind(told.clone()), wanted, "{how}: {told}");
        // An old "paid" of the same invoice is no better.
        if how == "replayed" {
            assert_eq!(kind(payments.check(&other, &theirs.reference).unwrap_err()), wanted);
        }
    }
    world.misbehave("none");
    assert_eq!(payments.check(&ours, &mine.reference).unwrap().state, mine);
}

#[test]
fn the_signer_must_be_the_gateway_and_must_pass() {
    let world = World::start();
    let ask = |payments: SignedPayments| payments.open(&invoice("r")).map_err(kind);
    assert!(ask(world.signed()).is_ok());
    let pinned = vec![world.stranger.clone()];
    let other = SignedPayments { certificates: pinned, ..world.signed() };
    assert_eq!(ask(other), Err("untrusted"));
    let none = Arc::new(Verifier::new(TrustStore::default(), None));
    assert_eq!(ask(SignedPayments { verifier: none, ..world.signed() }), Err("untrusted"));
    // Clocks that are hours apart: the gateway takes no such question.
    assert_eq!(ask(SignedPayments { clock: later, ..world.signed() }), Err("unavailable"));
    struct Empty;
    impl Random for Empty {
        fn fill(&self, _: &mut [u8]) -> bool {
            false
        }
    }
    let random = Arc::new(Empty);
    assert_eq!(ask(SignedPayments { random, ..world.signed() }), Err("unavailable"));
}

#[test]
fn the_gateway_answers_nobody_but_its_client() {
    let world = World::start();
    let stranger = system(&Authority::root("Other"), "Client");
    let payments = SignedPayments { signer: stranger, ..world.signed() };
    assert_eq!(payments.open(&invoice("r")).map_err(kind), Err("unavailable"));
    let question = Question { id: "1".into(), at: NOW, about: About::State("PAY-1".into()) };
    let answer = ureq::post(format!("{}/soap", world.base)).send(&question.message()[..]);
    assert!(matches!(answer, Err(ureq::Error::StatusCode(500))), "{answer:?}");
}

fn body(message: &[u8]) -> Vec<u8> {
    let (signer, _) = crate::xml::testing::p256_signer();
    let signed = wss::sign(message, &*signer, &wss::MessageOptions::new(NOW)).unwrap();
    wss::open(&signed, &wss::Receiver::default()).unwrap().body
}

#[test]
fn a_field_that_stands_twice_or_holds_more_than_text_is_odd() {
    let state = PaymentState {
        reference: "PAY-1".into(),
        request: "r".into(),
        amount: 5,
        pay_at: "http://x".into(),
        paid_at: Some(NOW),
    };
    let answer = Answer { id: "1".into(), to: "2".into(), at: NOW, told: Ok(state) };
    let text = String::from_utf8(answer.message()).unwrap();
    assert_eq!(Answer::read(&body(text.as_bytes())).unwrap(), answer);
    for (from, to) in [
        ("<amount>5", "<amount>+5"),
        ("<amount>5</amount>", "<amount>5</amount><amount>6</amount>"),
        ("<amount>5</amount>", "<amount><b>5</b></amount>"),
        ("<amount>5", "<amount>99999999999999999999"),
        ("<paidAt>", "<paidAt>2026-11-21T12:00:00Z</paidAt><paidAt>"),
        ("<correlationId>2", "<correlationId>1</correlationId><correlationId>2"),
        ("<code>", "<code>SCSS002</code><code>"),
        ("Z</responseDate>", "</responseDate>"),
        ("<invoice xmlns=\"urn:qoltanba:payment:1\">", "<invoice>"),
        ("SendMessageResponse", "SendMessage"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        assert!(Answer::read(&body(changed.as_bytes())).is_err(), "{from} {to}");
    }
}

proptest! {
    #[test]
    fn messages_survive_writing_and_reading(
        words in prop::array::uniform4("[ -~Ѐ-ҿ]{0,40}"),
        amount in any::<u64>(),
        refused in any::<bool>(),
    ) {
        let [first, second, third, fourth] = words;
        let at = datetime!(2026-11-21 12:00:00.123456 UTC);
        let invoice =
            Invoice { request: first.clone(), amount, purpose: second.clone() };
        let question = Question { id: third.clone(), at, about: About::Open(invoice) };
        prop_assert_eq!(&Question::read(&body(&question.message())).unwrap(), &question);
        let about = About::State(first.clone());
        let question = Question { about, ..question };
        prop_assert_eq!(&Question::read(&body(&question.message())).unwrap(), &question);
        let told = match refused {
            true => Err((format!("E{first}"), second)),
            false => Ok(PaymentState {
                reference: first,
                request: second,
                amount,
                pay_at: fourth.clone(),
                paid_at: None,
            }),
        };
        let answer = Answer { id: third, to: fourth, at, told };
        prop_assert_eq!(&Answer::read(&body(&answer.message())).unwrap(), &answer);
    }

    #[test]
    fn any_body_is_read_or_refused(text in ".{0,200}") {
        let _ = Answer::read(text.as_bytes());
        let _ = Question::read(format!("<a>{text}</a>").as_bytes());
    }
}
