//! Signature wrapping: signed content is moved, doubled and covered up in every classical way, and
//! forged content put where a naive reader looks. None is accepted, or what is handed on is octet
//! for octet what was signed.

mod positions;
mod world;

use std::collections::BTreeMap;

use qoltanba::licensing::{Licence, RequestDocument};
use qoltanba::validation::{Policy, Purpose, Question};
use qoltanba::xml::wss::{MessageOptions, Receiver, SoapVersion, TokenForm};
use qoltanba::xml::{self, wss};

use positions::{Attack, Signed, attacks};
use world::{NOW, World};

/// What became of the forgeries of one document.
#[derive(Debug, Default)]
struct Tally {
    made: usize,
    /// A signature in it passed, over the original.
    original: usize,
}

/// Reads what a signature handed on as its consumer does.
type Reader<'a> = &'a dyn Fn(&[u8]) -> String;

fn question(document: &[u8]) -> Question<'_> {
    Question {
        document,
        content: None,
        at: None,
        now: NOW,
        purpose: Purpose::Document,
        language: Default::default(),
    }
}

/// The signed octets of every signature that passed; none where the document is refused.
fn passed(world: &World, document: &str) -> Vec<Vec<u8>> {
    let Ok(verified) = world.verifier.verify(&question(document.as_bytes())) else {
        return Vec::new();
    };
    let both = verified.found.iter().zip(&verified.judgements);
    let good = both.filter(|(_, judgement)| judgement.passed());
    good.flat_map(|(found, _)| found.scope.octets.clone()).collect()
}

/// Prints a line that the test runner does not swallow.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn holds(world: &World, name: &str, signed: &Signed, read: Reader<'_>) {
    let original = passed(world, &signed.whole());
    assert_eq!(original.len(), 1, "{name}: the honest document passes");
    let honest = read(&original[0]);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for Attack { position, document } in attacks(signed) {
        let tally = tallies.entry(position).or_default();
        tally.made += 1;
        for octets in passed(world, &document) {
            assert!(
                octets == original[0],
                "{name}, {position}: something else passed:\n{document}"
            );
            assert_eq!(read(&octets), honest, "{name}, {position}");
            tally.original += 1;
        }
    }
    say(&format!("{name}: {tallies:?}"));
    assert_eq!(tallies.len(), 8, "{name}: every position is tried");
    assert!(tallies.values().all(|tally| tally.made > 0));
    // Some forgeries leave the digest whole, so it is the reading that protects.
    let kept: usize = tallies.values().map(|tally| tally.original).sum();
    assert!(kept > 0, "{name}: no forgery keeps its signature, which tests nothing");
}

#[test]
fn licences_and_requests_as_this_program_signs_them() {
    let world = World::new();
    let options = xml::SigningOptions::new(NOW);
    let (licence, request) = (world::licence(), world::request());
    let sign = |octets: &[u8]| xml::sign(octets, &world.signer, &options).unwrap();
    let signed = Signed::new(sign(&licence.to_xml()), "KZ26LAA00000001", "KZ66FAKE");
    holds(&world, "licence", &signed, &|octets| {
        assert_eq!(Licence::from_xml(octets).unwrap(), licence);
        licence.number.clone()
    });
    let signed = Signed::new(sign(&request.to_xml()), "871008401427", "850101300103");
    holds(&world, "request", &signed, &|octets| {
        assert_eq!(RequestDocument::from_xml(octets).unwrap(), request);
        request.id.clone()
    });
}

#[test]
fn licences_and_requests_signed_by_an_id_as_others_do() {
    let world = World::new();
    let documents = [
        ("licence by id", world::licence().to_xml(), "KZ26LAA00000001", "KZ66FAKE"),
        ("request by id", world::request().to_xml(), "871008401427", "850101300103"),
    ];
    for (name, octets, value, forged) in documents {
        for attribute in ["Id", "ID", "id", "xml:id"] {
            let signed = Signed::new(world.sign_by_id(&octets, attribute), value, forged);
            holds(&world, &format!("{name} ({attribute})"), &signed, &|octets| {
                let text = String::from_utf8(octets.to_vec()).unwrap();
                assert!(text.contains(value) && !text.contains(forged));
                text
            });
        }
    }
}

#[test]
fn messages() {
    let world = World::new();
    let policy = Policy::built_in().unwrap();
    for (version, token) in [
        (SoapVersion::V11, TokenForm::KeyIdentifier),
        (SoapVersion::V11, TokenForm::BinarySecurityToken),
        (SoapVersion::V12, TokenForm::KeyIdentifier),
    ] {
        let message = format!(
            "<e:Envelope xmlns:e=\"{}\"><e:Body><pay xmlns=\"urn:pay\"><to>HONEST</to></pay>\
             </e:Body></e:Envelope>",
            version.namespace()
        );
        let options = MessageOptions { token, ..MessageOptions::new(NOW) };
        let octets = wss::sign(message.as_bytes(), &world.signer, &options).unwrap();
        let signed = Signed::message(octets, "HONEST", "FORGED");
        let name = format!("message {version:?} {token:?}");
        let open = |document: &str| {
            let question = Question { purpose: Purpose::Login, ..question(document.as_bytes()) };
            world.verifier.open_message(&question, &Receiver::default(), &policy)
        };
        let honest = open(&signed.whole()).unwrap().1.body;
        let (mut refused, mut original) = (0, 0);
        for Attack { position, document } in attacks(&signed) {
            match open(&document) {
                Err(_) => refused += 1,
                Ok((_, message)) => {
                    assert!(message.body == honest, "{name}, {position}:\n{document}");
                    // The forged value may stand in the message, but never beside the Body.
                    assert!(!document.contains("FORGED"), "{name}, {position}:\n{document}");
                    original += 1;
                }
            }
        }
        println!("{name} opened: {refused} refused, {original} give the original");
        assert!(refused > 20 && original > 0);
        // The same judged as a document: whatever passes is the Body that was signed.
        holds(&world, &name, &signed, &|octets| {
            assert_eq!(octets, honest);
            String::from_utf8(octets.to_vec()).unwrap()
        });
    }
}
