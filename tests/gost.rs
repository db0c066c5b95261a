//! GOST signatures and digests against OpenSSL's GOST engine and the Python package gostcrypto, in
//! both directions.

#[path = "kit/gost_engine.rs"]
mod gost_engine;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

#[test]
fn signatures_and_digests_of_gostcrypto() {
    let python = match gostcrypto() {
        Ok(python) => python,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "skipped: gostcrypto, because {why}");
            return;
        }
    };
    let start = std::time::Instant::now();
    // A thousand in each direction: pure Python takes up to 0.26 s of a processor for both with 512
    // bits, 0.06 s with 256 bits.
    let curves = [
        (GostCurve::Tc26A512, "512", 200),
        (GostCurve::Tc26A256, "256", 400),
        (GostCurve::CryptoProA, "2004", 400),
    ];
    assert_eq!(curves.iter().map(|(_, _, cases)| cases).sum::<usize>(), CASES);
    std::thread::scope(|scope| {
        for (curve, name, cases) in curves {
            scope.spawn({
                let python = &python;
                move || python_both_ways(python, curve, name, cases)
            });
        }
    });
    for (algorithm, bits) in
        [(DigestAlgorithm::Streebog512, "512"), (DigestAlgorithm::Streebog256, "256")]
    {
        let messages: Vec<_> = (0..100).map(|length| random(3 * length + 1)).collect();
        let lines: String = messages.iter().map(|m| format!("hash {bits} {}\n", hex(m))).collect();
        let ours = messages.iter().map(|message| hex(&digest(algorithm, message)));
        assert!(ask(&python, &lines).lines().eq(ours));
    }
    let seconds = start.elapsed().as_secs();
    let _ = writeln!(std::io::stderr(), "gostcrypto: {CASES} cases each way in {seconds} s");
}

// There every number has its highest octet first: each half of ours reversed.
fn python_both_ways(python: &Path, curve: GostCurve, name: &str, count: usize) {
    let turned = |octets: &[u8]| -> String {
        octets
            .chunks(curve.octets())
            .map(|half| hex(&half.iter().rev().copied().collect::<Vec<_>>()))
            .collect()
    };
    let (mut input, mut expected) = (String::new(), Vec::new());
    let mut cases = Vec::new();
    for case in 0..count {
        let key = GostPrivateKey::generate(curve, &SystemRandom).unwrap();
        let digest = random(curve.octets());
        let secret = turned(&key.to_little_endian());
        writeln!(input, "sign {name} {secret} {}", turned(&digest)).unwrap();
        let value = key.sign(&digest, &SystemRandom).unwrap();
        let spoilt = case % 10 == 9;
        let mut asked = digest.clone();
        asked[case % curve.octets()] ^= u8::from(spoilt);
        let public = turned(&key.public());
        writeln!(input, "verify {name} {public} {} {}", turned(&asked), turned(&value)).unwrap();
        expected.push(if spoilt { "0" } else { "1" });
        cases.push((key, digest));
    }
    let answer = ask(python, &input);
    let answers: Vec<_> = answer.lines().collect();
    assert_eq!(answers.len(), 2 * count);
    for ((pair, (key, digest)), expected) in answers.chunks(2).zip(&cases).zip(expected) {
        let value: Vec<u8> = unhex(pair[0])
            .chunks(curve.octets())
            .flat_map(|half| half.iter().rev().copied().collect::<Vec<_>>())
            .collect();
        assert!(curve.verify(&key.public(), digest, &value), "{pair:?}");
        assert_eq!(pair[1], expected);
    }
}

/// A Python with gostcrypto, made once.
fn gostcrypto() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gostcrypto");
    let python = folder.join("bin/python");
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    };
    if run(&python, &["-c", "import gostcrypto"]).is_err() {
        run(Path::new("python3"), &["-m", "venv", folder.to_str().unwrap()])?;
        let install = ["-m", "pip", "install", "--quiet", "--retries", "1", "gostcrypto==1.2.5"];
        run(&python, &install)?;
    }
    Ok(python)
}

fn ask(python: &Path, lines: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kit/python_gost.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, lines) = (child.stdin.take().unwrap(), lines.to_owned());
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn random(length: usize) -> Vec<u8> {
    let mut octets = vec![0; length];
    assert!(SystemRandom.fill(&mut octets));
    octets
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}
