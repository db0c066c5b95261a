//! What every answer carries, and bodies as they come over the wire.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use qoltanba::limits;

use super::*;

const HEADERS: [&str; 4] = [
    "x-frame-options: DENY\r\n",
    "referrer-policy: no-referrer\r\n",
    "x-content-type-options: nosniff\r\n",
    "content-security-policy: default-src 'none'; ",
];

/// Sends pieces one after the other on a connection of their own; gives the whole answer.
fn exchange(world: &World, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(world.base.trim_start_matches("http://")).unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        stream.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn head(method: &str, path: &str, more: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n").into_bytes()
}

#[test]
fn every_answer_carries_the_headers_that_keep_pages_apart() {
    let world = World::start();
    let cases = [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/verify", 303),
        ("GET", "/health/live", 200),
        ("GET", "/api/v1/openapi.json", 200),
        ("GET", "/nothing-here", 404),
        ("DELETE", "/api/v1/verify", 405),
        ("GET", "/api/v1/requests/x", 401),
    ];
    for (method, path, status) in cases {
        let answer = exchange(&world, &[&head(method, path, "")]);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answer}");
        for header in HEADERS {
            assert_eq!(answer.matches(header).count(), 1, "{method} {path}: {header} in {answer}");
        }
    }
}

#[test]
fn a_body_that_comes_in_pieces_is_read_whole() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let options = xml::SigningOptions::new(datetime!(2026-07-01 12:00 UTC));
    let signed = xml::sign(b"<a>in pieces</a>", &*person.signer, &options).unwrap();
    let whole = person.send("POST", "/api/v1/verify", "text/xml", &signed).is(200);
    let (first, rest) = signed.split_at(100);
    let (second, third) = rest.split_at(1000);

    let length = format!("content-length: {}\r\n", signed.len());
    let length = head("POST", "/api/v1/verify", &length);
    let in_pieces = exchange(&world, &[&length, first, second, third]);
    let chunked =
        |piece: &[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
    let [one, two, three] = [first, second, third].map(chunked);
    let announced = head("POST", "/api/v1/verify", "transfer-encoding: chunked\r\n");
    let in_chunks = exchange(&world, &[&announced, &one, &two, &three, b"0\r\n\r\n"]);
    for answer in [in_pieces, in_chunks] {
        let sha256 = whole["document"]["sha256"].as_str().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains(sha256), "{answer}");
    }
}

#[test]
fn pieces_that_are_too_much_together_are_refused() {
    let world = World::start();
    // Two pieces fit, the third does not; nobody said before how much would come.
    let piece = vec![b' '; limits::JSON_BODY_BYTES / 2];
    let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
    let announced = head("POST", "/api/v1/login", "transfer-encoding: chunked\r\n");
    let answer = |pieces: usize| {
        let mut sent = vec![announced.as_slice()];
        sent.extend(std::iter::repeat_n(chunk.as_slice(), pieces));
        sent.push(b"0\r\n\r\n");
        exchange(&world, &sent)
    };
    assert!(answer(2).contains("\"bad-json\""), "{}", answer(2));
    assert!(answer(3).contains("\"too-large\""), "{}", answer(3));
}

#[test]
fn a_form_may_be_as_large_as_a_document() {
    let world = World::start();
    let person = world.log_in(APPLICANT, None);
    let part = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    let body = [part.as_bytes(), &vec![b'x'; 3_000_000], b"\r\n--b--\r\n"].concat();
    let sent = person.send("POST", "/api/v1/verify", "multipart/form-data; boundary=b", &body);
    assert_eq!(sent.is(422)["status"], 422);
}
