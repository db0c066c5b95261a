//! Hostile XML: entity bombs, external entities, document types, includes, references that lead
//! outside. Each is refused at once; nobody is connected to, no file is opened, memory does not
//! grow. The documents are read in a child process with bounded memory, beside a listener, a file
//! and a pipe that must stay untouched.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use qoltanba::validation::{Question, Verifier};
use qoltanba::x509::TrustStore;
use qoltanba::xml::wss::{Receiver, open};
use qoltanba::xml::{self, Document};
use time::macros::datetime;

const CHILD: &str = "QOLTANBA_BAD_XML";
const SECRET: &str = "CANARY-5f1c0f2e";

/// Processor time one document may take, in milliseconds, read in four ways. Without optimisation
/// our own bombs, which are read far into, take many times as long; the public ones do not.
const MILLISECONDS: f64 = 50.0;
const OUR_MILLISECONDS: f64 = if cfg!(debug_assertions) { 500.0 } else { MILLISECONDS };
/// Memory all of them together may add at the worst moment, in KiB.
const KIBIBYTES: u64 = 16 * 1024;

#[test]
fn hostile_documents_are_refused_at_once_and_reach_nothing() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return read_all(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let documents = folder.path().join("documents");
    fs::create_dir(&documents).unwrap();
    let canary = folder.path().join("canary.txt");
    fs::write(&canary, SECRET).unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());

    let targets = [
        format!("file://{}", canary.display()),
        canary.display().to_string(),
        format!("file://{}", pipe.display()),
        pipe.display().to_string(),
        format!("{host}/evil.dtd"),
        format!("{}/evil.dtd", host.trim_start_matches("http:")),
    ];
    let mut written = 0;
    for target in &targets {
        for (kind, document) in hostile(target) {
            fs::write(documents.join(format!("{kind}-{written}.xml")), document).unwrap();
            written += 1;
        }
    }
    for (name, document) in bombs() {
        fs::write(documents.join(format!("refused-{name}.xml")), document).unwrap();
    }
    let mut known = 0;
    match corpus() {
        Some(corpus) => {
            for entry in fs::read_dir(&corpus).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if let Some(name) = name.strip_suffix(".xml") {
                    // The corpus has two honest documents; the namespace of one is a relative URI,
                    // which no canonical form takes.
                    let kind = if name == "simple" { "harmless" } else { "refused" };
                    let to = documents.join(format!("{kind}-public-{name}.xml"));
                    fs::copy(corpus.join(format!("{name}.xml")), to).unwrap();
                    known += 1;
                }
            }
            assert!(known >= 8, "{} is not what it was", corpus.display());
        }
        None => say("skipped: the public documents, because QOLTANBA_CORPORA names no folder"),
    }

    // Whoever opens the pipe for reading lets this thread through.
    let opened = Arc::new(AtomicBool::new(false));
    let (flag, path) = (opened.clone(), pipe.clone());
    let waiting = std::thread::spawn(move || {
        let file = fs::OpenOptions::new().write(true).open(path);
        flag.store(true, Ordering::SeqCst);
        file
    });

    let limited = "ulimit -v 1048576; exec timeout 60 \"$0\" \"$@\"";
    let test = "hostile_documents_are_refused_at_once_and_reach_nothing";
    let output = Command::new("bash")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, &documents)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(!opened.load(Ordering::SeqCst), "somebody opened the pipe");
    fs::File::open(&pipe).unwrap();
    waiting.join().unwrap().unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "a connection came");
    assert!(!said.contains(SECRET), "{said}");

    let rows: Vec<Vec<&str>> = said
        .lines()
        .filter_map(|line| line.split_once("ROW\t"))
        .map(|(_, row)| row.split('\t').collect())
        .collect();
    assert_eq!(rows.len(), fs::read_dir(&documents).unwrap().count(), "{said}");
    let (mut worst, mut worst_public) = (0.0_f64, 0.0_f64);
    for row in &rows {
        let [name, milliseconds, outcome] = row[..] else { panic!("{row:?}") };
        let milliseconds: f64 = milliseconds.parse().unwrap();
        let public = name.contains("-public-");
        let limit = if public { MILLISECONDS } else { OUR_MILLISECONDS };
        assert!(milliseconds <= limit, "{name} took {milliseconds} ms: {outcome}");
        let seen = if public { &mut worst_public } else { &mut worst };
        *seen = seen.max(milliseconds);
        let refused = outcome.starts_with("refused");
        assert_eq!(refused, name.starts_with("refused"), "{name}: {outcome}");
        let passed = outcome.contains("TOTAL-PASSED");
        assert!(!passed, "{name}: {outcome}");
    }
    let grown: u64 = said.split_once("GROWN\t").unwrap().1.lines().next().unwrap().parse().unwrap();
    assert!(grown <= KIBIBYTES, "memory grew by {grown} KiB");
    say(&format!(
        "{} hostile documents: {known} public ones at worst {worst_public:.2} ms of processor time, \
         ours {worst:.2} ms; {grown} KiB more; no connection, no file, no pipe",
        rows.len()
    ));
}

/// Prints a line that the test runner does not swallow.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The child: reads every document in every way the program has.
fn read_all(folder: &Path) {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files: Vec<_> = files.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    let verifier = Verifier::new(TrustStore::new(Vec::new(), Vec::new()), None);
    // What every reading needs once is not the documents' doing.
    let _ = judge(&verifier, b"<a><Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/></a>");
    let peak = status("VmHWM:");
    let mut rows = String::new();
    for (octets, path) in &files {
        let before = processor_time();
        let outcome = judge(&verifier, octets);
        let milliseconds = processor_time() - before;
        let name = path.file_name().unwrap().to_string_lossy();
        let outcome = outcome.replace(['\n', '\t'], " ");
        writeln!(rows, "ROW\t{name}\t{milliseconds}\t{outcome}").unwrap();
    }
    println!("\n{rows}GROWN\t{}", status("VmHWM:") - peak);
}

fn judge(verifier: &Verifier, octets: &[u8]) -> String {
    let parsed = Document::parse(octets).map(|_| ());
    let read = xml::read(octets, None).map(|found| found.len());
    let opened = open(octets, &Receiver::default()).map(|_| ());
    assert!(opened.is_err());
    let verdict = verifier.verify(&Question {
        document: octets,
        content: None,
        at: None,
        now: datetime!(2026-11-21 12:00 UTC),
        purpose: Default::default(),
        language: Default::default(),
    });
    let verdict = match verdict {
        Ok(verified) => format!("{:?}", verified.report),
        Err(error) => error.to_string(),
    };
    match parsed {
        Err(error) => {
            assert_eq!(read.unwrap_err(), error);
            format!("refused: {error}; {opened:?}; {verdict}")
        }
        Ok(()) => format!("read: {read:?}; {opened:?}; {verdict}"),
    }
}

/// Processor time of this thread, in milliseconds.
fn processor_time() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Documents that lead to `target`; those that begin with `refused` are no documents we take.
fn hostile(target: &str) -> Vec<(&'static str, String)> {
    let signature = |inside: &str, key_info: &str| {
        format!(
            "<a><Signature xmlns='http://www.w3.org/2000/09/xmldsig#'><SignedInfo>\
             <CanonicalizationMethod Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'/>\
             <SignatureMethod Algorithm='http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'/>\
             <Reference URI='{target}'>{inside}\
             <DigestMethod Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'/>\
             <DigestValue>AAAA</DigestValue></Reference></SignedInfo>\
             <SignatureValue>AAAA</SignatureValue>{key_info}</Signature></a>"
        )
    };
    let xslt = format!(
        "<Transforms><Transform Algorithm='http://www.w3.org/TR/1999/REC-xslt-19991116'>\
         <x:stylesheet xmlns:x='http://www.w3.org/1999/XSL/Transform' version='1.0'>\
         <x:include href='{target}'/></x:stylesheet></Transform></Transforms>"
    );
    let retrieval = format!(
        "<KeyInfo><RetrievalMethod URI='{target}' \
         Type='http://www.w3.org/2000/09/xmldsig#rawX509Certificate'/></KeyInfo>"
    );
    let token = format!(
        "<KeyInfo><s:SecurityTokenReference xmlns:s='{}'><s:Reference URI='{target}'/>\
         </s:SecurityTokenReference></KeyInfo>",
        xml::wss::WSSE
    );
    vec![
        ("refused", format!("<!DOCTYPE a [<!ENTITY e SYSTEM '{target}'>]><a>&e;</a>")),
        ("refused", format!("<!DOCTYPE a [<!ENTITY e PUBLIC 'x' '{target}'>]><a b='&e;'/>")),
        ("refused", format!("<!DOCTYPE a SYSTEM '{target}'><a/>")),
        ("refused", format!("<!DOCTYPE a PUBLIC '-//X' '{target}'><a/>")),
        ("refused", format!("<!DOCTYPE a [<!ENTITY % p SYSTEM '{target}'> %p;]><a/>")),
        (
            "refused",
            format!("<?xml version='1.0'?><!DOCTYPE a [<!NOTATION n SYSTEM '{target}'>]><a/>"),
        ),
        ("refused", format!("\u{feff}<!-- x --><!DOCTYPE a SYSTEM '{target}'><a/>")),
        ("refused", format!("<a><!DOCTYPE a SYSTEM '{target}'></a>")),
        (
            "harmless",
            format!(
                "<a xmlns:i='http://www.w3.org/2001/XInclude'><i:include href='{target}' parse='text'/></a>"
            ),
        ),
        ("harmless", format!("<?xml-stylesheet href='{target}' type='text/xsl'?><a/>")),
        (
            "harmless",
            format!(
                "<a xmlns:x='http://www.w3.org/2001/XMLSchema-instance' x:schemaLocation='urn:a {target}' xml:base='{target}'/>"
            ),
        ),
        ("harmless", signature("", "")),
        ("harmless", signature(&xslt, "")),
        ("harmless", signature("", &retrieval)),
        ("harmless", signature("", &token)),
    ]
}

/// Documents that grow.
fn bombs() -> Vec<(&'static str, String)> {
    let mut laughs = String::from("<!DOCTYPE a [<!ENTITY a0 'ha'>");
    for level in 1..40 {
        let before = format!("&a{};", level - 1);
        write!(laughs, "<!ENTITY a{level} '{}'>", before.repeat(10)).unwrap();
    }
    laughs.push_str("]><a>&a39;</a>");
    vec![
        ("laughs", laughs),
        ("undeclared", "<a>&lol;</a>".to_owned()),
        ("depth", "<a>".repeat(200_000)),
        (
            "attributes",
            format!(
                "<a{}/>",
                (0..2_000).fold(String::new(), |mut all, n| {
                    write!(all, " a{n}='x'").unwrap();
                    all
                })
            ),
        ),
        (
            "namespaces",
            (0..150).fold(String::new(), |mut all, n| {
                write!(all, "<a xmlns:a{n}='urn:a' xmlns:b{n}='urn:b'>").unwrap();
                all
            }),
        ),
        ("number", format!("<a>&#{};</a>", "0".repeat(100_000))),
        ("open", format!("<a b='{}", "x".repeat(100_000))),
        ("comment", format!("<a><!--{}", "-".repeat(100_000))),
    ]
}

fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let folder = std::env::var_os("QOLTANBA_CORPORA").map_or(beside, PathBuf::from);
    Some(folder.join("bad-xml")).filter(|folder| folder.is_dir())
}
