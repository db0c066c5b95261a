//! Small documents that ask for much work. Nobody needs a key for them: digests can be right without
//! one, and wrong ones cost as much.

use super::super::reference::Context;
use super::super::transform::Budget;
use super::super::*;
use super::{BASE64, reference, template};
use crate::limits;
use crate::xml::testing::p256_signer;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// The faults of the only signature, read with this much left to spend.
fn faults(text: &str, detached: Option<&[u8]>, budget: Option<Budget>) -> Vec<String> {
    // A digest that is wrong, not one that is missing.
    let text = text.replace("<ds:DigestValue/>", "<ds:DigestValue>AAAA</ds:DigestValue>");
    let text = text.replace("<ds:SignatureValue/>", "<ds:SignatureValue>AAAA</ds:SignatureValue>");
    let document = Document::parse(text.as_bytes()).unwrap();
    let outside = Outside { detached: detached.map(Detached::Octets), ..Outside::default() };
    let mut context = Context::of(&document, outside).unwrap().unwrap();
    context.budget = budget.unwrap_or_else(Budget::new);
    let signature = context.signatures[0];
    let found = read_one(&mut context, signature);
    found.faults.into_iter().map(|fault| fault.detail).collect()
}

fn with(references: &str, content: &str) -> String {
    format!("<r>{content}{}</r>", template(&p256_signer(), EXCLUSIVE, references, ""))
}

fn refused(faults: &[String], what: &str) -> usize {
    faults.iter().filter(|fault| fault.contains(what)).count()
}

#[test]
fn walks_that_write_nothing_are_counted() {
    let text = with(&reference("", &[(EXCLUSIVE, "")]).repeat(30), &"<!---->".repeat(1_000));
    assert_eq!(refused(&faults(&text, None, None), "differs"), 30);
    // SignedInfo has some nodes too, then eleven references of a thousand fit.
    let budget = Budget { octets: usize::MAX, steps: 12_500 };
    let told = faults(&text, None, Some(budget));
    assert_eq!((refused(&told, "differs"), refused(&told, "nodes under signatures")), (10, 20));
}

#[test]
fn text_that_is_decoded_again_and_again_is_counted() {
    let text = with(
        &reference("#t", &[(BASE64, "")]).repeat(30),
        &format!("<t id='t'>{}</t>", "QUFB".repeat(1_000)),
    );
    assert_eq!(refused(&faults(&text, None, None), "differs"), 30);
    let budget = Budget { octets: 49_000, steps: usize::MAX };
    let told = faults(&text, None, Some(budget));
    let (differ, refused) = (refused(&told, "differs"), refused(&told, "octets under signatures"));
    assert!((5..12).contains(&differ) && differ + refused == 30, "{told:?}");
}

#[test]
fn detached_content_that_is_digested_again_and_again_is_counted() {
    let text = with(&reference("file", &[]).repeat(30), "");
    let content = vec![b'x'; 10_000];
    assert_eq!(refused(&faults(&text, Some(&content), None), "differs"), 30);
    let budget = Budget { octets: 60_000, steps: usize::MAX };
    let told = faults(&text, Some(&content), Some(budget));
    let (differ, refused) = (refused(&told, "differs"), refused(&told, "octets under signatures"));
    assert!((3..6).contains(&differ) && differ + refused == 30, "{told:?}");
}

#[test]
fn hints_about_the_key_have_a_number() {
    let text = with(&reference("", &[(EXCLUSIVE, "")]), "");
    let hint = "<ds:X509SubjectName>CN=x</ds:X509SubjectName>";
    for (count, fits) in [(limits::KEY_HINTS, true), (limits::KEY_HINTS + 1, false)] {
        let text = text.replace(
            "<ds:X509Data/>",
            &format!("<ds:X509Data>{}</ds:X509Data>", hint.repeat(count)),
        );
        assert_eq!(refused(&faults(&text, None, None), "too many hints") == 0, fits);
    }
}

#[test]
fn an_empty_id_is_nobodys() {
    let text = with(&reference("#", &[(EXCLUSIVE, "")]), "<a id=''>x</a>");
    assert_eq!(faults(&text, None, None), ["the reference \"#\""]);
}
