//! GOST signatures and digests against OpenSSL's GOST engine, in both directions.

#[path = "kit/gost_engine.rs"]
mod gost_engine;

use std::fmt::Write as _;

use gost_engine::Engine;
use qoltanba::crypto::{
    DigestAlgorithm, GostCurve, GostPrivateKey, Random as _, SystemRandom, digest, hex,
};

const CASES: usize = 1000;

#[test]
fn signatures_with_512_bits() {
    both_ways(GostCurve::Tc26A512, "gost2012_512", "A");
}

#[test]
fn signatures_with_256_bits_of_parameter_set_a() {
    both_ways(GostCurve::Tc26A256, "gost2012_256", "TCA");
}

#[test]
fn signatures_of_34_310() {
    both_ways(GostCurve::CryptoProA, "gost2012_256", "A");
}

#[test]
fn streebog() {
    let Some(engine) = Engine::find() else { return };
    for (algorithm, name) in [
        (DigestAlgorithm::Streebog512, "md_gost12_512"),
        (DigestAlgorithm::Streebog256, "md_gost12_256"),
    ] {
        let messages: Vec<Vec<u8>> = (0..CASES).map(|length| random(length % 300 + 1)).collect();
        let input: String = messages.iter().map(|message| hex(message) + "\n").collect();
        let answer = engine.run(&["hash", name], &input).unwrap();
        assert_eq!(answer.lines().count(), CASES);
        for (message, theirs) in messages.iter().zip(answer.lines()) {
            assert_eq!(hex(&digest(algorithm, message)), theirs);
        }
    }
}

fn both_ways(curve: GostCurve, kind: &str, set: &str) {
    let Some(engine) = Engine::find() else { return };
    let length = curve.octets();

    // What the engine signs. Ten keys; its values are ours reversed.
    let mut template = Vec::new();
    for _ in 0..10 {
        let lines = engine.run(&["make", kind, set, &(CASES / 10).to_string()], "").unwrap();
        assert_eq!(lines.lines().count(), CASES / 10);
        for line in lines.lines() {
            let mut parts = line.split(' ').map(unhex);
            let mut next = || parts.next().unwrap();
            let (spki, digest, mut value) = (next(), next(), next());
            value.reverse();
            let key = &spki[spki.len() - 2 * length..];
            assert!(curve.verify(key, &digest, &value), "{line}");
            template = spki;
        }
    }

    // What we sign; each tenth is spoilt on the way.
    let (mut input, mut expected) = (String::new(), String::new());
    let mut key = GostPrivateKey::generate(curve, &SystemRandom).unwrap();
    for case in 0..CASES {
        if case % 100 == 0 {
            key = GostPrivateKey::generate(curve, &SystemRandom).unwrap();
            let start = template.len() - 2 * length;
            template[start..].copy_from_slice(&key.public());
        }
        let mut digest = random(length);
        let mut value = key.sign(&digest, &SystemRandom).unwrap();
        value.reverse();
        let spoilt = case % 10 == 9;
        digest[case % length] ^= u8::from(spoilt);
        writeln!(input, "{} {} {}", hex(&template), hex(&digest), hex(&value)).unwrap();
        expected.push_str(if spoilt { "0\n" } else { "1\n" });
    }
    assert_eq!(engine.run(&["verify"], &input).unwrap(), expected);
}

fn random(length: usize) -> Vec<u8> {
    let mut octets = vec![0; length];
    assert!(SystemRandom.fill(&mut octets));
    octets
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}
