//! Reading a time-stamp's response and token, and verifying the token as far as it goes.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use qoltanba::signature::Stamped;
use qoltanba::timestamp::{Request, TimestampQuestion, Token, read_response, verify};
use qoltanba::x509::{Certificate, TrustStore};
use time::macros::datetime;

static NOBODY: LazyLock<TrustStore> = LazyLock::new(|| {
    let stranger = Certificate::from_der_or_pem(include_bytes!("certificate.pem"));
    TrustStore::new(vec![stranger.expect("the certificate reads")], Vec::new())
});

fuzz_target!(|octets: &[u8]| {
    let request = Request::new(vec![7; 32], [7; 16], Some("1.2.398.3.3.2.6.2"));
    assert!(request.answer(octets).is_err(), "nobody signed an answer to this");
    let token = read_response(octets).and_then(Token::read).or_else(|_| Token::read(octets));
    let Ok(token) = token else { return };
    let data = Stamped::from(&b"data"[..]);
    let now = datetime!(2026-01-01 0:00 UTC);
    // Once among strangers, and once with the token's own certificates believed, so that the
    // checks behind the path are reached.
    let own = TrustStore::new(token.signature().certificates.clone(), Vec::new());
    for trust in [&*NOBODY, &own] {
        let question = TimestampQuestion {
            data: &data,
            extra: &[],
            trust,
            revocation: None,
            at: now,
            now,
            skew: time::Duration::ZERO,
            policies: &[],
            accuracy: Some(time::Duration::seconds(1)),
        };
        let stands = verify(&token, &question).is_ok();
        assert!(!stands || !std::ptr::eq(trust, &*NOBODY), "nobody is believed");
    }
});
