//! Tokens and the test PKI on them, against SoftHSM, OpenSC and OpenSSL.

mod kit;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use qoltanba::token::{
    KeyChoice, Module, Pin, SignError, Signer, Token, TokenChoice, TokenOptions, TriesLeft,
    sign_checked,
};

const SESSION_HANDLE_INVALID: u64 = 0xb3;
const DEVICE_REMOVED: u64 = 0x32;
const PIN_INCORRECT: u64 = 0xa0;
const PIN_LOCKED: u64 = 0xa4;
const FLAG_FINAL_TRY: u64 = 0x20_000;
const FLAG_LOCKED: u64 = 0x40_000;

fn label(id: &str) -> TokenChoice {
    TokenChoice::Label(kit::world().entry(id).unwrap().token.clone())
}

fn wrong_pin() -> Pin {
    Pin::new("not it".to_owned())
}

/// A token of its own for each test: login counts for the whole process.
fn open(module: &Arc<Module>, id: &str) -> Result<Arc<Token>, SignError> {
    Token::open(module, &label(id), Some(&kit::world().pin(id).unwrap()))
}

fn refusal<T>(result: Result<T, SignError>) -> SignError {
    result.err().expect("a refusal")
}

#[test]
fn a_token_is_found_and_its_key_signs_what_its_certificate_verifies() {
    let world = kit::world();
    let module = world.module().unwrap();
    let shown = module.tokens().unwrap();
    let shown = shown.iter().find(|token| token.label == "applicant-person").unwrap();
    let token = open(&module, "person").unwrap();
    assert_eq!(&token.info().serial, &shown.serial);

    let keys = token.keys().unwrap();
    assert_eq!(keys.len(), 1);
    let certificate = keys[0].certificate.clone().unwrap();
    assert_eq!(certificate, world.certificate("person").unwrap());
    let serial = KeyChoice::CertificateSerial(certificate.serial_hex().to_uppercase());
    let by_id = KeyChoice::Id(b"person".to_vec());
    let by_label = KeyChoice::Label("person".to_owned());
    for choice in [KeyChoice::Only, serial, by_id, by_label] {
        let signer = token.signer(&choice).unwrap();
        assert_eq!(signer.certificate(), &certificate);
        sign_checked(&signer, "құжат".as_bytes()).unwrap();
    }
    let none = refusal(token.signer(&KeyChoice::Label("nobody".to_owned())));
    assert!(matches!(&none, SignError::NoSuchKey(text) if text.contains("person")), "{none}");
}

#[test]
fn private_keys_never_leave_their_token() {
    let world = kit::world();
    let entries = world.entries().iter();
    for token in entries.map(|entry| &entry.token).collect::<std::collections::BTreeSet<_>>() {
        let pin = std::fs::read_to_string(world.dir().join(format!("pins/{token}.pin"))).unwrap();
        let module = world.module_path().unwrap().to_str().unwrap();
        let listed = kit::run(
            "pkcs11-tool",
            &[
                "--module",
                module,
                "--token-label",
                token,
                "--pin",
                pin.trim(),
                "-O",
                "-y",
                "privkey",
            ],
        );
        let keys = listed.matches("Private Key Object").count();
        assert!(keys > 0, "{token}");
        let guarded = "Access:     sensitive, always sensitive, never extractable, local";
        assert_eq!(listed.matches(guarded).count(), keys, "{token}: {listed}");
    }
}

#[test]
fn without_a_pin_certificates_are_shown_and_keys_are_not() {
    let module = kit::world().module().unwrap();
    let token = Token::open(&module, &label("officer-expert"), None).unwrap();
    assert!(!token.is_logged_in());
    assert!(token.keys().unwrap()[0].certificate.is_some());
    let refused = refusal(token.signer(&KeyChoice::Only));
    assert!(matches!(&refused, SignError::NoSuchKey(text) if text.contains("PIN")), "{refused}");
    // The same token with its PIN, later.
    sign_checked(&open(&module, "officer-expert").unwrap().signer(&KeyChoice::Only).unwrap(), b"x")
        .unwrap();
}

#[test]
fn a_missing_token_is_named_with_those_that_are_there() {
    let module = kit::world().module().unwrap();
    let choice = TokenChoice::Label("no-such-token".to_owned());
    let refused = refusal(Token::open(&module, &choice, None)).to_string();
    assert!(refused.contains("no-such-token") && refused.contains("applicant-person"), "{refused}");
    assert!(Module::open(Path::new("/nowhere/module.so")).is_err());
    assert!(matches!(
        refusal(Token::open(&module, &TokenChoice::Only, None)),
        SignError::TokenGone(_)
    ));
}

#[test]
fn a_wrong_pin_is_reported_with_the_tries_left_and_tried_once() {
    let faulty = kit::Faulty::new("wrong-pin");
    // Zero as the code: the calls are only counted.
    faulty.fail("C_Login", 0, 10, 0);
    let refused = refusal(Token::open(&faulty.module, &label("expired"), Some(&wrong_pin())));
    assert_eq!(refused, SignError::PinIncorrect { tries_left: Some(TriesLeft::Few) });
    assert_eq!(faulty.left("C_Login"), 9);
    for (flag, expected) in [
        (FLAG_FINAL_TRY, SignError::PinIncorrect { tries_left: Some(TriesLeft::One) }),
        (FLAG_LOCKED, SignError::PinLocked),
    ] {
        faulty.fail("C_GetTokenInfo", flag, 1_000, 0);
        let pin = wrong_pin();
        assert_eq!(refusal(Token::open(&faulty.module, &label("expired"), Some(&pin))), expected);
        faulty.fail("C_GetTokenInfo", 0, 0, 0);
    }
    open(&faulty.module, "expired").expect("the right PIN still opens the token");
}

#[test]
fn a_locked_pin_is_told_apart_and_not_tried_again() {
    let faulty = kit::Faulty::new("locked");
    faulty.fail("C_Login", PIN_LOCKED, 5, 0);
    assert_eq!(refusal(open(&faulty.module, "not-yet-valid")), SignError::PinLocked);
    assert_eq!(faulty.left("C_Login"), 4);
}

#[test]
fn an_open_token_is_shared_with_who_has_its_pin_and_nobody_else() {
    let faulty = kit::Faulty::new("shared");
    let token = open(&faulty.module, "revoked").unwrap();
    faulty.fail("C_Login", PIN_INCORRECT, 5, 0);
    assert!(Arc::ptr_eq(&token, &open(&faulty.module, "revoked").unwrap()));
    for pin in [None, Some(&wrong_pin())] {
        let refused = refusal(Token::open(&faulty.module, &label("revoked"), pin));
        assert_eq!(refused, SignError::PinIncorrect { tries_left: None });
    }
    assert_eq!(faulty.left("C_Login"), 5, "no try of the real PIN was spent");
}

#[test]
fn a_lost_connection_is_made_anew_once_and_the_key_found_again() {
    let faulty = kit::Faulty::new("lost");
    let token = open(&faulty.module, "on-hold").unwrap();
    let signer = token.signer(&KeyChoice::Only).unwrap();
    for code in [SESSION_HANDLE_INVALID, DEVICE_REMOVED] {
        faulty.fail("C_Sign", code, 1, 0);
        sign_checked(&signer, b"once lost").unwrap();
        faulty.fail("C_Sign", code, 10, 0);
        assert!(matches!(refusal(sign_checked(&signer, b"gone")), SignError::TokenGone(_)));
        assert_eq!(faulty.left("C_Sign"), 8, "tried twice, not more");
        faulty.fail("C_Sign", 0, 0, 0);
        sign_checked(&signer, b"back").unwrap();
    }
}

#[test]
fn after_a_pin_error_on_reconnection_nothing_is_tried_any_more() {
    let faulty = kit::Faulty::new("poisoned");
    let token = open(&faulty.module, "untrusted").unwrap();
    let signer = token.signer(&KeyChoice::Only).unwrap();
    faulty.fail("C_Sign", DEVICE_REMOVED, 1, 0);
    faulty.fail("C_Login", PIN_INCORRECT, 10, 0);
    for _ in 0..3 {
        assert!(matches!(refusal(signer.sign(b"x")), SignError::PinIncorrect { .. }));
    }
    assert_eq!(faulty.left("C_Login"), 9);
    assert!(!token.is_logged_in());
}

#[test]
fn a_busy_token_says_so_after_its_wait() {
    let faulty = kit::Faulty::new("busy");
    let world = kit::world();
    let options =
        TokenOptions { sessions: 1, wait: Duration::from_millis(100), ..TokenOptions::default() };
    let pin = world.pin("wrong-usage").unwrap();
    let token =
        Token::open_with(&faulty.module, &label("wrong-usage"), Some(&pin), options).unwrap();
    let signer = token.signer(&KeyChoice::Only).unwrap();
    faulty.fail("C_Sign", 0, 1, 1_500);
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| sign_checked(&signer, b"slow"));
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(refusal(sign_checked(&signer, b"impatient")), SignError::Busy);
        slow.join().unwrap().unwrap();
    });
    sign_checked(&signer, b"free again").unwrap();
}

#[test]
fn eight_threads_share_a_token() {
    let world = kit::world();
    let signer = Arc::new(world.signer("officer-head").unwrap());
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let signer = Arc::clone(&signer);
            scope.spawn(move || {
                for round in 0..25_u8 {
                    sign_checked(&*signer, &[thread, round]).unwrap();
                }
            });
        }
    });
}

#[test]
fn a_certificate_beside_the_token_is_paired_with_its_own_key_only() {
    let world = kit::world();
    let token = world.token("seal").unwrap();
    let own = world.certificate("seal").unwrap();
    sign_checked(&token.signer_with(&KeyChoice::Only, own).unwrap(), b"x").unwrap();
    let other = world.certificate("person").unwrap();
    let refused = refusal(token.signer_with(&KeyChoice::Only, other));
    assert_eq!(refused, SignError::KeyMismatch);
}

#[test]
fn several_keys_on_a_token_are_not_guessed_between() {
    let token = kit::world().token("ca").unwrap();
    assert!(matches!(refusal(token.signer(&KeyChoice::Only)), SignError::NoSuchKey(_)));
}
