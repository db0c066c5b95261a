//! `qoltanba sign --format cms`: messages with the content in them or beside them, several
//! signers, counter-signatures; OpenSSL agrees.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::calm;
use crate::kit::service::{Service, Setup};
use crate::kit::{algorithm, run, world};

const TEXT: &str = "Мазмұны құжаттың\n";

/// The command line in the folder of a service that does not run.
struct Desk {
    service: Service,
}

impl Desk {
    fn new(name: &str) -> Self {
        let service = Service::start_with(name, &Setup::default());
        fs::write(service.dir().join("note.txt"), TEXT).unwrap();
        Self { service }
    }

    fn path(&self, name: &str) -> String {
        self.service.dir().join(name).display().to_string()
    }

    /// Signs; gives the exit code and what was said.
    fn sign(&self, holder: &str, arguments: &[&str]) -> (i32, String) {
        let world = world();
        let pin = world.pin_path(holder).unwrap().display().to_string();
        let key = match world.key_path(holder).unwrap() {
            Some(path) => ["--p12".to_owned(), path.display().to_string()],
            None => ["--token".to_owned(), world.entry(holder).unwrap().token.clone()],
        };
        let key = ["sign", &key[0], &key[1], "--key", holder, "--pin-file", &pin];
        let output = self.service.command(&[&key[..], arguments].concat());
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
    }

    /// The report on a message; the exit code must be this.
    fn report(&self, code: i32, arguments: &[&str]) -> Value {
        let output = self.service.command(&[&["verify", "--json"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}{output:?}");
        serde_json::from_str(&said).unwrap()
    }
}

fn signers(report: &Value) -> Vec<&str> {
    let signatures = report["signatures"].as_array().unwrap();
    signatures.iter().map(|one| one["signer"]["iin"].as_str().unwrap()).collect()
}

/// What OpenSSL takes for the content; it fails if a signature does not verify.
fn openssl(message: &str, more: &[&str]) -> String {
    let common = ["cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", message];
    run("openssl", &[&common[..], more].concat())
}

#[test]
fn a_message_carries_its_content_and_gets_more_signers() {
    let _calm = calm();
    let desk = Desk::new("cms-attached");
    let (code, said) = desk.sign("first-head", &["--format", "cms", "note.txt"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("TOTAL-PASSED  note.txt.cms"), "{said}");
    let report = desk.report(0, &["note.txt.cms"]);
    assert_eq!(report["signatures"][0]["format"], "CAdES-B-B", "{report}");
    assert_eq!(signers(&report), ["780921310808"]);

    // One more signer; without --format the file says what it is.
    let (code, said) = desk.sign("person", &["-o", "two.cms", "note.txt.cms"]);
    assert_eq!(code, 0, "{said}");
    let report = desk.report(0, &["two.cms"]);
    assert_eq!(signers(&report), ["780921310808", "850314310803"]);
    // A counter-signature is over the first one's value, not over the content.
    let (code, said) =
        desk.sign("officer-head", &["--counter-sign", "1", "-o", "three.cms", "two.cms"]);
    assert_eq!(code, 0, "{said}");
    let report = desk.report(0, &["three.cms"]);
    let signatures = report["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), 3, "{report}");
    let counter = signatures.iter().find(|one| one["signer"]["iin"] == "700511310804").unwrap();
    assert_eq!(counter["signedScope"][0]["kind"], "signature", "{counter}");
    if algorithm() != qoltanba::pki::Algorithm::Gost {
        for name in ["note.txt.cms", "two.cms", "three.cms"] {
            assert!(openssl(&desk.path(name), &[]).contains(TEXT.trim()), "{name}");
        }
    }
    // Nothing flipped passes.
    let message = fs::read(desk.path("three.cms")).unwrap();
    let at = message.windows(6).position(|octets| octets == &TEXT.as_bytes()[..6]).unwrap();
    let mut changed = message;
    changed[at] ^= 1;
    fs::write(desk.path("changed.cms"), changed).unwrap();
    desk.report(1, &["changed.cms"]);
    let (code, said) = desk.sign("person", &["-o", "no.cms", "changed.cms"]);
    assert_ne!(code, 0, "{said}");
    assert!(!Path::new(&desk.path("no.cms")).exists());
}

#[test]
fn a_detached_message_leaves_the_content_where_it_is() {
    let _calm = calm();
    let desk = Desk::new("cms-detached");
    let (code, said) = desk.sign("first-head", &["--format", "cms", "--detached", "note.txt"]);
    assert_eq!(code, 0, "{said}");
    let message = fs::read(desk.path("note.txt.p7s")).unwrap();
    assert!(!message.windows(6).any(|octets| octets == &TEXT.as_bytes()[..6]));
    desk.report(0, &["--content", "note.txt", "note.txt.p7s"]);
    desk.report(2, &["note.txt.p7s"]);

    // A second signer needs the content, and the right one.
    let (code, said) = desk.sign("person", &["-o", "two.p7s", "note.txt.p7s"]);
    assert_ne!(code, 0, "{said}");
    fs::write(desk.path("other.txt"), "басқа").unwrap();
    let wrong = ["--content", "other.txt", "-o", "two.p7s", "note.txt.p7s"];
    let (code, said) = desk.sign("person", &wrong);
    assert_ne!(code, 0, "{said}");
    // A folder can be opened, and not be read.
    fs::create_dir(desk.path("folder")).unwrap();
    let folder = ["--content", "folder", "-o", "two.p7s", "note.txt.p7s"];
    let (code, said) = desk.sign("person", &folder);
    assert!(code != 0 && said.contains("folder: "), "{said}");
    assert!(!Path::new(&desk.path("two.p7s")).exists());
    let (code, said) =
        desk.sign("person", &["--content", "note.txt", "-o", "two.p7s", "note.txt.p7s"]);
    assert_eq!(code, 0, "{said}");
    let report = desk.report(0, &["--content", "note.txt", "two.p7s"]);
    assert_eq!(signers(&report), ["780921310808", "850314310803"]);
    if algorithm() != qoltanba::pki::Algorithm::Gost {
        let content = desk.path("note.txt");
        openssl(&desk.path("two.p7s"), &["-content", &content]);
    }
    fs::write(desk.path("note.txt"), "Мазмуны\n").unwrap();
    desk.report(1, &["--content", "note.txt", "two.p7s"]);
}

#[test]
fn what_looks_like_a_message_and_is_none_is_content() {
    let _calm = calm();
    let desk = Desk::new("cms-content");
    // Base64 of a message begins like this; so does this word.
    fs::write(desk.path("letter.txt"), "MINISTRY\n").unwrap();
    let (code, said) = desk.sign("first-head", &["--format", "cms", "letter.txt"]);
    assert_eq!(code, 0, "{said}");
    desk.report(0, &["letter.txt.cms"]);
    let (code, said) = desk.sign("first-head", &["letter.txt"]);
    assert_ne!(code, 0, "{said}");
    let (code, said) = desk.sign("first-head", &["--format", "pdf", "note.txt"]);
    assert_ne!(code, 0, "{said}");
}
