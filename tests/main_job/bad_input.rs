//! Bad input over HTTP: a clear answer with a code, the service alive, nothing lost.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::calm;
use crate::kit::client::{Client, Reply, certificate};
use crate::kit::service::{Service, host};
use crate::kit::walk::Walk;

const MIB: usize = 1024 * 1024;

/// Refused with a problem of the caller's, whatever its code.
#[track_caller]
fn clear(reply: &Reply) {
    let text = String::from_utf8_lossy(&reply.octets);
    assert!((400..500).contains(&reply.status), "{} {text}", reply.status);
    assert_eq!(reply.media_type, "application/problem+json", "{text}");
    assert!(reply.json["code"].as_str().is_some_and(|code| !code.is_empty()), "{text}");
    assert!(reply.json["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{text}");
    assert_eq!(reply.json["status"], reply.status);
}

fn alive(service: &Service) {
    assert_eq!(Client::new(service, "").get("/health/ready").status, 200);
}

#[test]
fn json_that_is_not_what_the_call_takes() {
    let _calm = calm();
    let service = Service::start("bad-json");
    let walk = Walk::paid(&service, "person");
    let before = walk.case();
    let deep = "[".repeat(100_000);
    let deep_object = "{\"a\":".repeat(20_000);
    let doubled = r#"{"certificate":"AA==","certificate":"AA=="}"#;
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", b"".to_vec()),
        ("cut off", br#"{"certificate":"#.to_vec()),
        ("another type", br#"{"certificate":17}"#.to_vec()),
        ("a list", b"[]".to_vec()),
        ("an unknown field", br#"{"certificate":"AA==","admin":true}"#.to_vec()),
        ("a field twice", doubled.as_bytes().to_vec()),
        ("deep lists", deep.into_bytes()),
        ("deep objects", deep_object.into_bytes()),
        ("UTF-16", "{\"certificate\":\"\"}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("Windows-1251", b"{\"certificate\":\"\xd2\xe5\xf1\xf2\"}".to_vec()),
        ("a lone surrogate", br#"{"certificate":"\ud800"}"#.to_vec()),
        ("no base64", br#"{"certificate":"???"}"#.to_vec()),
        ("no certificate", br#"{"certificate":"AAAA"}"#.to_vec()),
        ("two values", br#"{"certificate":"AA=="}{}"#.to_vec()),
    ];
    let paths = [
        ("POST", "/api/v1/login/challenge".to_owned()),
        ("POST", "/api/v1/login".to_owned()),
        ("POST", walk.path("/certificate")),
        ("POST", walk.path("/signature/prepare")),
        ("POST", walk.path("/signature")),
        ("POST", walk.path("/steps")),
        ("PUT", walk.path("")),
        ("PUT", walk.path("/form")),
    ];
    for (method, path) in &paths {
        for (what, body) in &bodies {
            let reply = walk.applicant.send(method, path, "application/json", Some(body));
            let reply = reply.unwrap_or_else(|error| panic!("{path} with {what}: {error}"));
            println!("{method} {path} with {what}: {}", reply.json["code"]);
            clear(&reply);
        }
    }
    let deep = json!({ "goods.code": "x".repeat(100_000) });
    clear(&walk.applicant.put(&walk.path("/form"), &deep));
    let unknown = json!({ "no-such-field": "1" });
    let reply = walk.applicant.put(&walk.path("/form"), &unknown);
    clear(&reply);
    assert_eq!(reply.json["faults"][0]["field"], "no-such-field", "{}", reply.json);
    assert_eq!(walk.case(), before);
    walk.register();
}

#[test]
fn bodies_over_their_limit() {
    let _calm = calm();
    let service = Service::start("too-large");
    let walk = Walk::paid(&service, "person");
    let before = walk.case();
    let json = format!("{{\"certificate\":\"{}\"}}", "A".repeat(300 * 1024));
    let cases = [
        ("POST", walk.path("/certificate"), "application/json", json.into_bytes()),
        (
            "PUT",
            walk.path("/attachments/big.pdf?document=contract"),
            "application/pdf",
            vec![b'%'; 17 * MIB],
        ),
        ("POST", "/api/v1/verify".to_owned(), "application/xml", vec![b'<'; 33 * MIB]),
    ];
    for (method, path, media_type, body) in cases {
        let reply = walk.applicant.send(method, &path, media_type, Some(&body));
        let reply = reply.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(reply.status, 413, "{path}: {}", reply.json);
        clear(&reply);
        // The same without a length given before.
        let reply = chunked(&service, &walk.applicant, method, &path, media_type, &body);
        assert!(
            reply.starts_with("HTTP/1.1 413"),
            "{path}: {}",
            reply.lines().next().unwrap_or("")
        );
        assert!(reply.contains("application/problem+json"), "{path}: {reply}");
    }
    assert_eq!(walk.case(), before);
    // At the limit itself it is taken.
    let full = vec![b'%'; 16 * MIB];
    let path = walk.path("/attachments/full.pdf?document=contract");
    walk.applicant.send("PUT", &path, "application/pdf", Some(&full)).unwrap().expect(200);
    alive(&service);
}

/// Sends a body in chunks, and gives what was answered.
fn chunked(
    service: &Service,
    client: &Client,
    method: &str,
    path: &str,
    media_type: &str,
    body: &[u8],
) -> String {
    let url = service.url();
    let mut stream = TcpStream::connect(host(&url)).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Content-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n",
        client.session.as_deref().unwrap_or("")
    );
    stream.write_all(head.as_bytes()).unwrap();
    for chunk in body.chunks(64 * 1024) {
        let size = format!("{:x}\r\n", chunk.len());
        // The service may stop reading when it has seen enough.
        let sent = [size.as_bytes(), chunk, b"\r\n"].concat();
        if stream.write_all(&sent).is_err() {
            break;
        }
    }
    let _ = stream.write_all(b"0\r\n\r\n");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_body_that_ends_early_changes_nothing() {
    let _calm = calm();
    let service = Service::start("cut-off");
    let walk = Walk::paid(&service, "person");
    let before = walk.case();
    let url = service.url();
    for path in [walk.path("/form"), walk.path("/attachments/cut.pdf?document=contract")] {
        let mut stream = TcpStream::connect(host(&url)).unwrap();
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/pdf\r\nContent-Length: 1000\r\n\r\n{{\"quantity\":",
            walk.applicant.session.as_ref().unwrap()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert_eq!(walk.case(), before);
    alive(&service);
}

#[test]
fn documents_that_are_none() {
    let _calm = calm();
    let service = Service::start("no-documents");
    let anyone = Client::new(&service, "");
    let deep = "<a>".repeat(100_000);
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;</a>";
    let outside = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>";
    let pdf = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\nxref\n0 1\n9999999999 65535 f \n\
        trailer<</Root 1 0 R/Size 99999999/Prev 9>>\nstartxref\n44\n%%EOF";
    let latin: Vec<u8> = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>".to_vec();
    let documents: Vec<(&str, &str, Vec<u8>)> = vec![
        ("nothing", "unknown-format", Vec::new()),
        ("noise", "unknown-format", (0..=255).collect()),
        ("text", "unknown-format", "Лицензия".into()),
        ("unsigned XML", "not-signed", b"<a/>".to_vec()),
        ("broken XML", "broken-document", b"<a><b></a>".to_vec()),
        ("deep XML", "broken-document", deep.into_bytes()),
        ("entities", "broken-document", bomb.into()),
        ("outside entity", "broken-document", outside.into()),
        ("another encoding", "broken-document", latin),
        ("broken PDF", "broken-document", pdf.to_vec()),
        ("a PDF's beginning", "broken-document", b"%PDF-1.7\n".to_vec()),
        (
            "broken CMS",
            "broken-document",
            b"\x30\x82\xff\xff\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02".to_vec(),
        ),
    ];
    for (what, code, document) in &documents {
        for media_type in ["application/octet-stream", "application/pdf", "", "x/y; z"] {
            let reply = anyone.send("POST", "/api/v1/verify", media_type, Some(document));
            let reply = reply.unwrap();
            clear(&reply);
            assert_eq!(
                (reply.status, &reply.json["code"]),
                (422, &json!(code)),
                "{what}: {}",
                reply.json
            );
        }
    }
    let forms: [(&str, &[u8]); 5] = [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"garbage"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n\r\n--b--\r\n",
        ),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b--\r\n",
        ),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncut off",
        ),
    ];
    for (media_type, body) in forms {
        clear(&anyone.send("POST", "/api/v1/verify", media_type, Some(body)).unwrap());
    }
    for query in ["at=yesterday", "at=2026-02-30T00:00:00Z", "at="] {
        let path = format!("/api/v1/verify?{query}");
        let reply = anyone.send("POST", &path, "application/xml", Some(b"<a/>")).unwrap();
        clear(&reply);
        assert_eq!(reply.status, 400, "{query}: {}", reply.json);
    }
    alive(&service);
}

#[test]
fn names_and_kinds_of_attachments() {
    let _calm = calm();
    let service = Service::start("attachments");
    let walk = Walk::paid(&service, "person");
    let before = walk.case();
    let put = |name: &str, media_type: &str, query: &str, body: &[u8]| {
        let path = walk.path(&format!("/attachments/{name}{query}"));
        walk.applicant.send("PUT", &path, media_type, Some(body)).unwrap()
    };
    let (pdf, contract) = ("application/pdf", "?document=contract");
    let long = "x".repeat(300);
    for name in [
        "%2e%2e%2f%2e%2e%2fqoltanba.toml",
        "..%2fqoltanba.db",
        "..%5c..%5cboot.ini",
        "%2fetc%2fpasswd",
        "a%00b.pdf",
        "a%0d%0aSet-Cookie:%20x=1",
        "%e2%80%aefdp.exe",
        "%ff%fe.pdf",
        "%20",
        long.as_str(),
    ] {
        let reply = put(name, pdf, contract, b"x");
        assert!((400..500).contains(&reply.status), "{name}: {} {}", reply.status, reply.json);
        clear(&reply);
    }
    // A path of the address itself leads elsewhere, never to a file.
    for name in ["../../../qoltanba.db", "../form", "a/b.pdf"] {
        let reply = put(name, pdf, contract, b"x");
        assert!((400..500).contains(&reply.status), "{name}: {}", reply.status);
    }
    for media_type in ["nonsense", "/", &format!("a/{long}")] {
        clear(&put("kind.pdf", media_type, contract, b"x"));
    }
    clear(&put("empty.pdf", pdf, contract, b""));
    clear(&put("which.pdf", pdf, "", b"x"));
    clear(&put("which.pdf", pdf, "?document=no-such", b"x"));
    clear(&put("contract.pdf", pdf, contract, b"another one under a name that is taken"));
    assert_eq!(walk.case(), before);
    // A name of the applicant's language is one.
    let name = "%D0%BA%D0%B5%D0%BB%D1%96%D1%81%D1%96%D0%BC%20%E2%84%96%201.pdf";
    put(name, pdf, contract, b"x").expect(200);
    let attached = walk.case()["attachments"].clone();
    let one = attached.as_array().unwrap().iter().find(|one| one["name"] == "келісім № 1.pdf");
    let sha256 = one.unwrap()["sha256"].as_str().unwrap().to_owned();
    let fetched = walk.applicant.get(&walk.path(&format!("/documents/{sha256}")));
    assert_eq!((fetched.status, fetched.octets), (200, b"x".to_vec()));
    walk.applicant.delete(&walk.path(&format!("/attachments/{name}"))).expect(200);
    walk.applicant.delete(&walk.path(&format!("/attachments/{name}"))).expect(200);
    assert_eq!(walk.case()["attachments"], before["attachments"]);
}

#[test]
fn addresses_and_methods_that_are_not_there() {
    let _calm = calm();
    let service = Service::start("addresses");
    let person = Client::log_in(&service, "person");
    let wish = |service: &str, form: &str, applicant: &str, language: &str| json!({ "service": service, "form": form, "applicant": applicant, "language": language });
    let begin = |id: &str, wish: &Value| person.put(&format!("/api/v1/requests/{id}"), wish);
    let (known, id) = ("import-export-licence", "request-of-a-test-1");
    for id in ["short", "..%2f..%2f..%2f..%2fetc", "request%20with%20space", &"x".repeat(65)] {
        begin(id, &wish(known, "import", "person", "kk")).refused(400, "bad-id");
    }
    begin(id, &wish("no-such", "import", "person", "kk")).refused(404, "no-such-service");
    begin(id, &wish(known, "no-such", "person", "kk")).refused(409, "unknown-form");
    begin(id, &wish(known, "import", "organisation", "kk")).refused(403, "no-such-applicant");
    begin(id, &wish(known, "import", "nobody", "kk")).refused(400, "bad-json");
    begin(id, &wish(known, "import", "person", "de")).refused(400, "bad-json");
    person.get(&format!("/api/v1/requests/{id}")).refused(404, "no-such-request");
    for path in ["/api/v1/no-such", "/no/such", "/api/v1/licences/NO-SUCH", "/api/v1/documents/x/y"]
    {
        clear(&person.get(path));
    }
    clear(&person.get("/api/v1/licences?iin=17"));
    clear(&person.get("/api/v1/licences?what=1"));
    clear(&person.send("DELETE", "/api/v1/verify", "", None).unwrap());
    clear(&person.post("/api/v1/requests/%ff%fe/certificate", &certificate("person")));
    alive(&service);
}
