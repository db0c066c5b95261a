//! Depths, forms and policies of the report over HTTP.

use qoltanba::validation::{Diagnostic, Policy};
use time::OffsetDateTime;

use crate::calm;
use crate::kit::client::{Client, Reply};
use crate::kit::service::{Service, Setup};
use crate::kit::{scratch, world};

#[test]
fn a_call_chooses_policy_depth_and_form_of_the_report() {
    let _calm = calm();
    // The built-in policy under another name, and with less patience.
    let built_in = Policy::built_in().unwrap();
    let strict = built_in.source().replace("id = \"kz-2026\"", "id = \"strict\"");
    let strict = strict
        .replace("name = \"SHA-256\"", "name = \"SHA-256\"\nuntil = \"2020-01-01T00:00:00Z\"");
    let path = scratch("report-policies").join("strict.toml");
    std::fs::write(&path, &strict).unwrap();
    let mut setup = Setup::default();
    setup.revocation += &format!("[validation]\npolicies = ['{}']\n", path.display());
    let service = Service::start_with("reports", &setup);
    let anyone = Client::new(&service, "");
    let options = qoltanba::xml::SigningOptions::new(OffsetDateTime::now_utc());
    let signer = world().signer("person").unwrap();
    let signed = qoltanba::xml::sign("<a>өтініш</a>".as_bytes(), &signer, &options).unwrap();
    let judged = |query: &str| -> Reply {
        let path = format!("/api/v1/verify?{query}");
        anyone.send("POST", &path, "application/xml", Some(&signed)).unwrap()
    };

    let simple = judged("").expect(200);
    assert_eq!(simple["verdict"], "TOTAL-PASSED", "{simple}");
    assert_eq!(simple["policy"]["id"], "kz-2026");
    assert_eq!(simple["policy"]["sha256"], built_in.name().sha256);
    let named = judged("policy=kz-2026&report=simple&format=json").expect(200);
    for part in ["document", "policy", "verdict"] {
        assert_eq!(named[part], simple[part]);
    }

    let detailed = judged("report=detailed").expect(200);
    let blocks = detailed["signatures"][0]["blocks"].as_array().unwrap();
    let names: Vec<&str> = blocks.iter().map(|one| one["block"].as_str().unwrap()).collect();
    assert!(names.contains(&"cryptographic") && names.contains(&"revocation"), "{names:?}");

    let diagnostic = judged("report=diagnostic");
    assert_eq!(diagnostic.status, 200);
    let stored = Diagnostic::read(&diagnostic.octets).unwrap();
    let replayed = stored.replay(None, qoltanba::text::Language::En).unwrap();
    assert_eq!(replayed.report.verdict.as_str(), "TOTAL-PASSED");

    let under = judged("policy=strict").expect(200);
    assert_eq!(under["policy"]["id"], "strict");
    assert_eq!(under["verdict"], "INDETERMINATE", "{under}");
    let reasons = under["signatures"][0]["reasons"].to_string();
    assert!(reasons.contains("digest: SHA-256 is accepted until 2020-01-01 only"), "{reasons}");

    for (depth, root) in
        [("simple", "report"), ("detailed", "detailedReport"), ("diagnostic", "diagnosticReport")]
    {
        let reply = judged(&format!("report={depth}&format=xml&policy=strict"));
        assert_eq!((reply.status, reply.media_type.as_str()), (200, "application/xml"));
        let text = String::from_utf8(reply.octets).unwrap();
        assert!(text.contains(&format!("<{root}>")), "{depth}: {text}");
        assert!(qoltanba::xml::read(text.as_bytes(), None).is_ok(), "{depth}");
    }

    let problem = judged("policy=nobody").refused(400, "bad-policy");
    assert!(problem["detail"].as_str().unwrap().contains("nobody"), "{problem}");
    for query in ["report=deep", "format=yaml", "report=", "at=yesterday", "report=simple&report=x"]
    {
        let problem = judged(query).refused(400, "bad-query");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{query}: {problem}");
    }
}
