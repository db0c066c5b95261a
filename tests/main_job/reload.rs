//! A running service takes over trust store and revocation lists when it is told to (SIGHUP), and
//! no question that comes meanwhile fails.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use qoltanba::crypto::{DigestAlgorithm, digest, hex};
use qoltanba::xml;
use serde_json::Value;
use time::OffsetDateTime;

use crate::Alone;
use crate::kit::client::Client;
use crate::kit::service::{Service, Setup};
use crate::kit::{self, world};

/// Puts a file in its place whole, as an operator's copying does.
fn put(place: &Path, octets: &[u8]) {
    let part = place.with_extension("part");
    fs::write(&part, octets).unwrap();
    fs::rename(part, place).unwrap();
}

fn fetched(url: &str) -> Vec<u8> {
    ureq::get(url).call().unwrap().body_mut().read_to_vec().unwrap()
}

/// The first signature's conclusion: the sub-indication, or the verdict where there is none.
fn conclusion(client: &Client, document: &[u8]) -> String {
    let sent = client.send("POST", "/api/v1/verify", "application/octet-stream", Some(document));
    let report = sent.expect("an answer").expect(200);
    let signature: &Value = &report["signatures"][0];
    let told = signature["subIndication"].as_str().or(signature["verdict"].as_str());
    told.unwrap_or_else(|| panic!("no conclusion: {report}")).to_owned()
}

#[test]
fn lists_and_anchors_replaced_while_people_ask_are_taken_over_and_nobody_is_refused() {
    let _alone = Alone::begin();
    kit::double();
    let dir = kit::scratch("reload");
    let (trust, lists, cache) = (dir.join("trust"), dir.join("lists"), dir.join("cache"));
    for folder in [&trust, &lists, &cache] {
        fs::create_dir(folder).unwrap();
    }
    let anchor = trust.join("root.cer");
    put(&anchor, world().certificate("root").unwrap().der());
    put(&trust.join("ca.cer"), world().certificate("ca").unwrap().der());
    let addresses = world().addresses();
    put(&lists.join("root.crl"), &fetched(&addresses.root_crl()));
    // The authority's list lies where fetched ones do: only being told makes it looked at again.
    let url = addresses.crl();
    let name = hex(&digest(DigestAlgorithm::Sha256, url.as_bytes()));
    let list = cache.join(format!("{name}.crl"));
    put(&list, &fetched(&url));

    let setup = Setup {
        revocation: format!(
            "mode = \"offline\"\ncrls = [\"{}\"]\ncrl_cache = \"{}\"\n",
            lists.display(),
            cache.display()
        ),
        trust: Some(trust.clone()),
        ..Setup::default()
    };
    let service = Service::start_with("reload", &setup);
    let signer = world().signer("person").unwrap();
    let options = xml::SigningOptions::new(OffsetDateTime::now_utc());
    let document = xml::sign("<request>өтініш</request>".as_bytes(), &signer, &options).unwrap();
    let client = Client::new(&service, "");
    let now_says = || conclusion(&client, &document);
    let comes_to_say = |wanted: &str| {
        let started = Instant::now();
        while !now_says().starts_with(wanted) {
            let waited = started.elapsed();
            assert!(waited < Duration::from_secs(20), "{} and not {wanted}", now_says());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    assert_eq!(now_says(), "TOTAL-PASSED");

    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                // A failed request, or a conclusion that nobody brought about, is a panic here.
                let client = Client::new(&service, "");
                while !done.load(Ordering::Relaxed) {
                    let told = conclusion(&client, &document);
                    let known = ["TOTAL-PASSED", "REVOKED", "NO_CERTIFICATE_CHAIN_FOUND"];
                    assert!(known.iter().any(|one| told.starts_with(one)), "{told}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Also when an assertion fails, so that the threads end.
        let _end = End(&done);
        for round in 0..3 {
            kit::double().revoke("person", "keyCompromise", None).unwrap();
            put(&list, &fetched(&url));
            if round == 0 {
                assert_eq!(now_says(), "TOTAL-PASSED", "before it is told");
            }
            service.hang_up();
            comes_to_say("REVOKED");
            kit::double().release("person").unwrap();
            put(&list, &fetched(&url));
            service.hang_up();
            comes_to_say("TOTAL-PASSED");

            put(&anchor, world().certificate("untrusted").unwrap().der());
            service.hang_up();
            comes_to_say("NO_CERTIFICATE_CHAIN_FOUND");
            put(&anchor, b"half a certificate");
            service.hang_up();
            put(&anchor, world().certificate("root").unwrap().der());
            service.hang_up();
            comes_to_say("TOTAL-PASSED");
        }
    });
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked > 30, "{asked} questions");
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
