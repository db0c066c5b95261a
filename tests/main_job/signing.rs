//! `qoltanba sign` with all it can be told, as a person calls it; the outcome is looked at by
//! `qoltanba verify` and by xmlsec1.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json as value};

use crate::command_line::{DEMO, exits, json, pin, qoltanba, shown};
use crate::kit;

const LETTER: &str =
    "<letter xmlns=\"urn:test\"><to id=\"to\">Комитет</to><body>Сәлем</body></letter>";
const APPROVAL: &str = "http://uri.etsi.org/01903/v1.2.2#ProofOfApproval";
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// A folder with a letter in it, and who signs there.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str, document: &str) -> Self {
        let folder = kit::scratch(&format!("signing-{name}"));
        fs::write(folder.join("0.xml"), document).unwrap();
        for holder in ["first-head", "officer-head"] {
            fs::write(folder.join(format!("{holder}.pin")), pin(holder)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Signs one file into another; what was printed.
    #[track_caller]
    fn sign(&self, holder: &str, options: &[&str], from: &str, to: &str, code: i32) -> String {
        let (pin, from, to) = (self.path(&format!("{holder}.pin")), self.path(from), self.path(to));
        let token = match holder {
            "first-head" => "applicant-first-head",
            other => other,
        };
        let key = ["sign", "--token", token, "--pin-file", shown(&pin), "--output", shown(&to)];
        let said = exits(&qoltanba(&[&key, options, &[shown(&from)]].concat()), code);
        assert_eq!(to.exists(), code == 0, "{said}");
        said
    }

    /// The signatures that the report tells of.
    #[track_caller]
    fn verify(&self, name: &str, code: i32) -> Vec<Value> {
        let output = qoltanba(&["verify", "--json", shown(&self.path(name))]);
        exits(&output, code);
        json(&output)["signatures"].as_array().unwrap().clone()
    }

    fn verdicts(&self, name: &str, code: i32) -> Vec<String> {
        let told = self.verify(name, code);
        told.iter().map(|one| one["verdict"].as_str().unwrap().to_owned()).collect()
    }

    /// Whether xmlsec1 takes the signature found by this expression.
    fn xmlsec1(&self, ids: &[&str], signature: &str, name: &str) -> bool {
        let (root, ca) = (DEMO.join("pki/trust/root.pem"), DEMO.join("pki/certs/ca.pem"));
        let mut arguments = vec!["--verify", "--trusted-pem", shown(&root)];
        arguments.extend(["--untrusted-pem", shown(&ca), "--enabled-key-data", "x509"]);
        let own = ["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"];
        arguments.extend(own.iter().chain(ids));
        let path = self.path(name);
        arguments.extend(["--node-xpath", signature, shown(&path)]);
        kit::output("xmlsec1", &arguments).status.success()
    }
}

const FIRST: &str = "(//*[local-name()='Signature'])[1]";
const SECOND: &str = "(//*[local-name()='Signature'])[2]";

#[test]
fn a_commitment_is_signed_and_told() {
    let desk = Desk::new("commitment", LETTER);
    desk.sign("first-head", &["--commitment", APPROVAL, "--role", "Басшы"], "0.xml", "1.xml", 0);
    let told = desk.verify("1.xml", 0).remove(0);
    assert_eq!(told["claims"]["commitments"], value!([APPROVAL]));
    assert_eq!(told["claims"]["roles"], value!(["Басшы"]));
    let said = exits(&qoltanba(&["verify", shown(&desk.path("1.xml"))]), 0);
    assert!(said.contains(&format!("commitment {APPROVAL}")), "{said}");
    assert!(desk.xmlsec1(&[], FIRST, "1.xml"));
    // It is signed: another one in its place is no signature.
    desk.put("2.xml", &desk.text("1.xml").replace("ProofOfApproval", "ProofOfCreation"));
    assert_eq!(desk.verdicts("2.xml", 1), ["TOTAL-FAILED"]);
    assert!(!desk.xmlsec1(&[], FIRST, "2.xml"));
}

#[test]
fn each_canonicalization_can_be_had() {
    let desk = Desk::new("canonicalization", LETTER);
    for (name, uri) in [
        ("1.0", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        ("1.1-with-comments", "http://www.w3.org/2006/12/xml-c14n11#WithComments"),
        ("exclusive-with-comments", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"),
    ] {
        let to = format!("{name}.xml");
        desk.sign("first-head", &["--canonicalization", name], "0.xml", &to, 0);
        assert_eq!(desk.text(&to).matches(&format!("\"{uri}\"")).count(), 3, "{name}");
        assert_eq!(desk.verdicts(&to, 0), ["TOTAL-PASSED"]);
        assert!(desk.xmlsec1(&[], FIRST, &to), "{name}");
    }
    desk.sign("first-head", &["--canonicalization", "2.0"], "0.xml", "none.xml", 3);
}

#[test]
fn one_element_is_covered_and_nothing_else() {
    let desk = Desk::new("element", LETTER);
    desk.sign("first-head", &["--covers", "#to"], "0.xml", "1.xml", 0);
    let told = desk.verify("1.xml", 0).remove(0);
    assert_eq!(told["coversWholeDocument"], false);
    assert_eq!(told["signedScope"][0]["kind"], "element");
    let what = told["signedScope"][0]["what"].as_str().unwrap();
    assert!(what.contains("to"), "{what}");
    let id = ["--id-attr:id", "urn:test:to"];
    for (from, to, stands) in [("Сәлем", "Сау", true), ("Комитет", "Министр", false)]
    {
        desk.put("2.xml", &desk.text("1.xml").replace(from, to));
        let wanted = if stands { "TOTAL-PASSED" } else { "TOTAL-FAILED" };
        assert_eq!(desk.verdicts("2.xml", i32::from(!stands)), [wanted], "{from}");
        assert_eq!(desk.xmlsec1(&id, FIRST, "2.xml"), stands, "{from}");
    }
    for wrong in ["#nowhere", "#", "everything"] {
        desk.sign("first-head", &["--covers", wrong], "0.xml", "none.xml", 3);
    }
}

#[test]
fn signers_stand_side_by_side_or_one_over_the_other() {
    let desk = Desk::new("several", LETTER);
    let beside = ["--covers", "without-signatures"];
    desk.sign("first-head", &beside, "0.xml", "1.xml", 0);
    desk.sign("officer-head", &beside, "1.xml", "2.xml", 0);
    assert_eq!(desk.verdicts("2.xml", 0), ["TOTAL-PASSED"; 2]);
    // Either stands without the other.
    let both = desk.text("2.xml");
    let (start, end) = ("<ds:Signature ", "</ds:Signature>");
    let places: Vec<_> = both.match_indices(start).map(|one| one.0).collect();
    let ends: Vec<_> = both.match_indices(end).map(|one| one.0 + end.len()).collect();
    assert_eq!((places.len(), ends.len()), (2, 2), "{both}");
    for (from, to) in places.iter().zip(&ends) {
        desk.put("3.xml", &(both[..*from].to_owned() + &both[*to..]));
        assert_eq!(desk.verdicts("3.xml", 0), ["TOTAL-PASSED"]);
    }
    // Over the document with the signature in it: the earlier one cannot be taken out any more.
    desk.sign("officer-head", &["--covers", "document"], "1.xml", "4.xml", 0);
    assert_eq!(desk.verdicts("4.xml", 0), ["TOTAL-PASSED"; 2]);
    let both = desk.text("4.xml");
    let (from, to) = (both.find(start).unwrap(), both.find(end).unwrap() + end.len());
    desk.put("5.xml", &(both[..from].to_owned() + &both[to..]));
    assert_eq!(desk.verdicts("5.xml", 1), ["TOTAL-FAILED"]);
}

#[test]
fn a_counter_signature_is_for_one_signature() {
    let desk = Desk::new("counter", LETTER);
    desk.sign("first-head", &[], "0.xml", "1.xml", 0);
    desk.sign("officer-head", &["--counter-sign", "1"], "1.xml", "2.xml", 0);
    let told = desk.verify("2.xml", 0);
    assert_eq!(told.len(), 2);
    let scope = |one: &Value| one["signedScope"][0]["kind"].clone();
    assert_eq!((scope(&told[0]), scope(&told[1])), (value!("document"), value!("signature")));
    assert_eq!(told[1]["signer"]["iin"], "700511310804");
    let ids = ["--id-attr:Id", "http://www.w3.org/2000/09/xmldsig#:SignatureValue"];
    assert!(desk.xmlsec1(&ids, FIRST, "2.xml") && desk.xmlsec1(&ids, SECOND, "2.xml"));
    // Put onto another signature of the same letter and signer, it is for nothing that is there.
    desk.sign("first-head", &["--role", "x"], "0.xml", "other.xml", 0);
    let (mine, other) = (desk.text("2.xml"), desk.text("other.xml"));
    let unsigned = between(&mine, "<xades:UnsignedProperties", "</xades:UnsignedProperties>");
    let end = "</xades:QualifyingProperties>";
    desk.put("3.xml", &other.replace(end, &format!("{unsigned}{end}")));
    assert_eq!(desk.verdicts("3.xml", 2), ["TOTAL-PASSED", "INDETERMINATE"]);
    assert!(!desk.xmlsec1(&ids, SECOND, "3.xml"));
    for (place, code) in [("2", 3), ("0", 3), ("-1", 3)] {
        desk.sign("officer-head", &["--counter-sign", place], "1.xml", "none.xml", code);
    }
    let both = ["--counter-sign", "1", "--covers", "#to"];
    desk.sign("officer-head", &both, "1.xml", "none.xml", 3);
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap();
    &text[start..text.find(to).unwrap() + to.len()]
}

#[test]
fn a_soap_message_is_signed_by_ws_security() {
    let message = format!(
        "<s:Envelope xmlns:s=\"{SOAP}\"><s:Body><SendMessage xmlns=\"urn:m\"><to>Комитет</to>\
         </SendMessage></s:Body></s:Envelope>"
    );
    let desk = Desk::new("soap", &message);
    desk.sign("officer-head", &[], "0.xml", "1.xml", 0);
    let told = desk.verify("1.xml", 0).remove(0);
    assert_eq!(told["format"], "WS-Security");
    assert_eq!(told["signer"]["iin"], "700511310804");
    assert!(told["signedScope"][0]["what"].as_str().unwrap().contains("Body"), "{told}");
    // The certificate comes as a key identifier, which xmlsec1 does not know: it is given the key.
    let certificate = DEMO.join("pki/certs/officer-head.pem");
    let key = kit::run("openssl", &["x509", "-in", shown(&certificate), "-pubkey", "-noout"]);
    desk.put("key.pem", &key);
    let xmlsec1 = |name: &str| {
        let (body, key, path) = (format!("{SOAP}:Body"), desk.path("key.pem"), desk.path(name));
        let how = ["--verify", "--id-attr:Id", &body, "--pubkey-pem", shown(&key), shown(&path)];
        kit::output("xmlsec1", &how).status.success()
    };
    assert!(xmlsec1("1.xml"));
    desk.put("2.xml", &desk.text("1.xml").replace("Комитет", "Министр"));
    assert_eq!(desk.verdicts("2.xml", 1), ["TOTAL-FAILED"]);
    assert!(!xmlsec1("2.xml"));
    // The signed Body in the header, another one in its place.
    let text = desk.text("1.xml");
    let body = between(&text, "<s:Body", "</s:Body>");
    let moved = text.replace(body, "<s:Body><SendMessage xmlns=\"urn:m\"/></s:Body>");
    desk.put("3.xml", &moved.replace("</s:Header>", &format!("<w>{body}</w></s:Header>")));
    assert_eq!(desk.verdicts("3.xml", 1), ["TOTAL-FAILED"]);
    assert!(xmlsec1("3.xml"), "who does not know SOAP is deceived");

    desk.sign("officer-head", &["--lifetime", "300"], "0.xml", "4.xml", 0);
    let told = desk.verify("4.xml", 0).remove(0);
    assert!(told["claimedTime"].is_string(), "{told}");
    assert!(desk.text("4.xml").contains("<wsu:Expires>"));
    // Signed already; and options that mean nothing here, or nothing elsewhere.
    desk.sign("officer-head", &[], "1.xml", "none.xml", 3);
    for wrong in [["--role", "x"], ["--commitment", APPROVAL], ["--covers", "without-signatures"]] {
        let said = desk.sign("officer-head", &wrong, "0.xml", "none.xml", 3);
        assert!(said.contains("option-does-not-fit"), "{said}");
    }
    let letter = Desk::new("soap-not", LETTER);
    letter.sign("officer-head", &["--lifetime", "300"], "0.xml", "none.xml", 3);
    letter.sign("officer-head", &["--counter-sign", "1"], "0.xml", "none.xml", 3);
    assert!(!Path::new(&letter.path("none.xml")).exists());
}
