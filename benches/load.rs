//! The HTTP endpoint under load, and beside it in the same run a bare server that does for each
//! request what nobody can leave out: take the body, SHA-256, one RSA-2048 verification.
//!
//! Both run in this process behind the same HTTP library; rounds alternate, so that whatever else
//! the machine does meets both. Clients are threads with one kept connection each, over loopback.
//! `cargo bench --bench load -- NAME…` runs only the servers whose name contains one of these.

mod setting;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::ServiceExt as _;
use axum::body::Bytes;
use axum::routing::post;
use memchr::memmem;
use qoltanba::config::Config;
use qoltanba::crypto::{Provider, SystemRandom, providers, use_provider};
use qoltanba::pki::World;
use qoltanba::service::{App, router};
use qoltanba::token::Signer as _;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const BARE: &str = "bare: SHA-256 + one RSA-2048";
const CACHED: &str = "verify, cached CRLs";
const ONLINE: &str = "verify, OCSP asked each time";
/// Connections, each with one request under way.
const CLIENTS: usize = 16;
/// Rounds for each server; together five seconds.
const ROUNDS: u32 = 5;
const ROUND: Duration = Duration::from_secs(1);
/// One request in this many carries a licence with a letter changed.
const CHANGED_EVERY: usize = 10;
/// The open loop offers this share of what the closed loop reached.
const OFFERED: f64 = 0.5;

fn main() {
    let world = setting::world();
    let runtime = Runtime::new().expect("a runtime");
    setting::serve_authority(&world, &runtime);
    let signer = setting::signer(&world);
    let whole = Sent::new("14 KB", setting::documents(&signer).xml, ["ДАЛА", "ДОЛА"]);
    let small = Sent::new("3.5 KB", setting::sized::licence(&signer, 3_500), ["Тауар", "Товар"]);

    let message = b"what the bare server verifies".to_vec();
    let value = signer.sign(&message).expect("a signature");
    let key = signer.certificate().public_key().octets.clone();
    let bare = bare(&runtime, key, message, value);
    let [offline, online] = ["offline", "online"].map(|mode| service(&world, &runtime, mode));
    let bare = |sent| Server::new(BARE, bare, sent, "/", ["ok", "ok"], providers().last());
    let ours = |name, address, sent, provider| {
        let verdicts = ["TOTAL-PASSED", "TOTAL-FAILED"];
        Server::new(name, address, sent, "/api/v1/verify?lang=en", verdicts, Some(provider))
    };
    // Asking once online fills the cache of CRLs that the offline service then reads.
    let ring = providers().last().expect("a library");
    ours(ONLINE, online, &whole, ring).warm_up();
    let mut servers = Vec::new();
    for sent in [&small, &whole] {
        servers.push(bare(sent));
        servers.extend(providers().iter().rev().map(|one| ours(CACHED, offline, sent, one)));
    }
    servers.push(ours(ONLINE, online, &whole, ring));
    let asked: Vec<String> = std::env::args().skip(1).filter(|one| !one.starts_with('-')).collect();
    servers.retain(|server| asked.is_empty() || asked.iter().any(|one| server.name.contains(one)));
    servers.iter().for_each(Server::warm_up);

    let mut closed: Vec<Outcome> = servers.iter().map(|_| Outcome::default()).collect();
    for _ in 0..ROUNDS {
        for (server, outcome) in servers.iter().zip(&mut closed) {
            outcome.add(server.round(None));
        }
    }
    let mut open: Vec<Outcome> = servers.iter().map(|_| Outcome::default()).collect();
    for _ in 0..ROUNDS {
        for ((server, outcome), closed) in servers.iter().zip(&mut open).zip(&closed) {
            outcome.add(server.round(Some(closed.rate() * OFFERED)));
        }
    }
    print!("{}", table(&servers, &closed, &open));
    let wrong: usize = closed.iter().chain(&open).map(|one| one.wrong + one.errors).sum();
    if wrong > 0 {
        eprintln!("{wrong} requests failed or were answered wrongly");
        std::process::exit(1);
    }
}

/// What a document in load is called, and the document whole and with a letter changed.
struct Sent {
    size: &'static str,
    good: Vec<u8>,
    changed: Vec<u8>,
}

/// A server under load, what is sent to it, and which library checks signature values meanwhile.
struct Server {
    name: String,
    size: &'static str,
    address: SocketAddr,
    requests: Requests,
    provider: &'static Provider,
}

/// The two requests, as octets, and what each answer must contain.
struct Requests {
    good: (Vec<u8>, &'static str),
    changed: (Vec<u8>, &'static str),
}

/// What came of one or several rounds.
#[derive(Default)]
struct Outcome {
    latencies: Vec<Duration>,
    took: Duration,
    errors: usize,
    wrong: usize,
}

impl Sent {
    fn new(size: &'static str, good: Vec<u8>, [word, other]: [&str; 2]) -> Self {
        let changed = String::from_utf8_lossy(&good).replacen(word, other, 1).into_bytes();
        assert_ne!(good, changed);
        Self { size, good, changed }
    }
}

impl Requests {
    fn new(path: &str, good: &[u8], changed: &[u8], expected: [&'static str; 2]) -> Self {
        let request = |body: &[u8]| {
            let length = body.len();
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/xml\r\n\
                 content-length: {length}\r\n\r\n"
            );
            [head.as_bytes(), body].concat()
        };
        Self { good: (request(good), expected[0]), changed: (request(changed), expected[1]) }
    }
}

impl Server {
    fn new(
        name: &str,
        address: SocketAddr,
        sent: &Sent,
        path: &str,
        expected: [&'static str; 2],
        provider: Option<&'static Provider>,
    ) -> Self {
        let provider = provider.expect("a library");
        let requests = Requests::new(path, &sent.good, &sent.changed, expected);
        let name = format!("{name}, {}, {}", sent.size, provider.name);
        Self { name, size: sent.size, address, requests, provider }
    }

    fn warm_up(&self) {
        assert!(use_provider(self.provider.name));
        let mut client = Client::connect(self.address).expect("a connection");
        for (request, expected) in [&self.requests.good, &self.requests.changed] {
            for _ in 0..20 {
                let answer = client.ask(request).expect("an answer");
                let text = String::from_utf8_lossy(answer);
                assert!(text.contains(expected), "{}: {text}", self.name);
            }
        }
    }

    /// One round: as fast as the answers come, or at a rate for all clients together. At a rate,
    /// latency counts from when the request was due, so that waiting is not left out.
    fn round(&self, rate: Option<f64>) -> Outcome {
        assert!(use_provider(self.provider.name));
        let began = Instant::now();
        let end = began + ROUND;
        let every = rate.map(|rate| Duration::from_secs_f64(CLIENTS as f64 / rate));
        let client = |index: usize| {
            let mut outcome = Outcome::default();
            let Ok(mut client) = Client::connect(self.address) else {
                return Outcome { errors: 1, ..outcome };
            };
            let mut due = began + every.unwrap_or_default().mul_f64(index as f64 / CLIENTS as f64);
            for turn in index.. {
                if every.is_some() {
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                } else {
                    due = Instant::now();
                }
                if due >= end {
                    break;
                }
                let changed = turn % CHANGED_EVERY == 0;
                let (request, expected) =
                    if changed { &self.requests.changed } else { &self.requests.good };
                match client.ask(request) {
                    Ok(answer) if memmem::find(answer, expected.as_bytes()).is_some() => {
                        outcome.latencies.push(due.elapsed())
                    }
                    Ok(_) => outcome.wrong += 1,
                    Err(_) => {
                        outcome.errors += 1;
                        match Client::connect(self.address) {
                            Ok(again) => client = again,
                            Err(_) => break,
                        }
                    }
                }
                due += every.unwrap_or_default();
            }
            outcome
        };
        let mut all = Outcome::default();
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..CLIENTS).map(|index| scope.spawn(move || client(index))).collect();
            threads.into_iter().for_each(|one| all.add(one.join().expect("a client")));
        });
        all.took = began.elapsed();
        all
    }
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.took += other.took;
        self.errors += other.errors;
        self.wrong += other.wrong;
    }

    fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let index = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(index).map_or(f64::NAN, |one| one.as_secs_f64() * 1e3)
    }
}

/// A kept HTTP/1.1 connection: no more of the protocol than our own answers need.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// The whole answer, head and body; any status but 200 is an error.
    fn ask(&mut self, request: &[u8]) -> std::io::Result<&[u8]> {
        let broken = |what: &str| std::io::Error::other(what.to_owned());
        self.stream.write_all(request)?;
        self.buffer.clear();
        let mut chunk = [0; 16 * 1024];
        let mut whole = usize::MAX;
        while self.buffer.len() < whole {
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(broken("the connection ended"));
            }
            self.buffer.extend_from_slice(&chunk[..read]);
            let head = memmem::find(&self.buffer, b"\r\n\r\n");
            if let Some(head) = head.filter(|_| whole == usize::MAX) {
                // Both servers write the names of headers in small letters.
                let text = str::from_utf8(&self.buffer[..head]).map_err(std::io::Error::other)?;
                if !text.starts_with("HTTP/1.1 200") {
                    return Err(broken(text));
                }
                let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
                let length = length.and_then(|text| text.trim().parse::<usize>().ok());
                whole = head + 4 + length.ok_or_else(|| broken("no content-length"))?;
            }
        }
        Ok(&self.buffer)
    }
}

/// Starts the bare server.
fn bare(runtime: &Runtime, key: Vec<u8>, message: Vec<u8>, value: Vec<u8>) -> SocketAddr {
    let work = move |body: Bytes| {
        let digest = ring::digest::digest(&ring::digest::SHA256, &body);
        std::hint::black_box(digest);
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key);
        let good = key.verify(&message, &value).is_ok();
        std::future::ready(if good { "{\"verdict\":\"ok\"}" } else { "{}" })
    };
    let router = axum::Router::new().route("/", post(work));
    let (listener, address) = listener(runtime);
    runtime.spawn(async move { axum::serve(listener, router).await });
    address
}

/// Starts the service over a store of its own.
fn service(world: &World, runtime: &Runtime, mode: &str) -> SocketAddr {
    let dir = setting::directory().join(mode);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a directory");
    let issuer = world.certificate_path("ca").expect("the issuer");
    let text = format!(
        "[service]\ndatabase = \"qoltanba.db\"\n\
         [trust]\ncertificates = [{:?}, {issuer:?}]\n\
         [revocation]\nmode = \"{mode}\"\ncrl_cache = {:?}\nallowed_hosts = [{:?}]\n",
        world.trust_dir(),
        setting::directory().join("crl"),
        setting::AUTHORITY,
    );
    let file = dir.join("qoltanba.toml");
    std::fs::write(&file, text).expect("a configuration");
    let config = Config::load(&file).expect("a configuration");
    let app = App::open(config, OffsetDateTime::now_utc, Arc::new(SystemRandom));
    let service = router(Arc::new(app.expect("the service"))).into_make_service();
    let (listener, address) = listener(runtime);
    runtime.spawn(async move { axum::serve(listener, service).await });
    address
}

fn listener(runtime: &Runtime) -> (TcpListener, SocketAddr) {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn table(servers: &[Server], closed: &[Outcome], open: &[Outcome]) -> String {
    let mut text = format!(
        "\n{}\n{:<48}{:>12}{:>14}\n",
        "═".repeat(110),
        "in process",
        "median",
        "RSA checks"
    );
    let parts = in_process();
    let unit = parts.iter().find(|(name, _)| name.contains("RSA-2048 verification"));
    for (name, nanoseconds) in &parts {
        let ratio = unit.map_or(f64::NAN, |(_, unit)| nanoseconds / unit);
        let _ = writeln!(text, "{name:<48}{:>9.1} µs{ratio:>14.2}", nanoseconds / 1e3);
    }
    if parts.is_empty() {
        text.push_str("(not measured yet: cargo bench --bench in_process)\n");
    }
    let _ = writeln!(
        text,
        "\nover HTTP, {CLIENTS} connections, signed licences (XML), one in {CHANGED_EVERY} changed\n\
         {:<48}{:>8}{:>10}{:>10}{:>10}{:>8}{:>8}{:>8}",
        "", "requests", "per s", "p50 ms", "p99 ms", "errors", "wrong", "share"
    );
    for (loop_name, outcomes) in [("closed loop", closed), ("open loop, half that rate", open)] {
        let _ = writeln!(text, "{loop_name}");
        for (server, one) in servers.iter().zip(outcomes) {
            // The bare server that takes the same document.
            let base = servers.iter().position(|other| other.size == server.size);
            let base = base.and_then(|place| outcomes.get(place)).map_or(f64::NAN, Outcome::rate);
            let share = match std::ptr::eq(outcomes, closed) {
                true => format!("{:.0} %", 100.0 * one.rate() / base),
                false => String::new(),
            };
            let _ = writeln!(
                text,
                "  {:<46}{:>8}{:>10.0}{:>10.2}{:>10.2}{:>8}{:>8}{share:>8}",
                server.name,
                one.latencies.len(),
                one.rate(),
                one.percentile(0.5),
                one.percentile(0.99),
                one.errors,
                one.wrong,
            );
        }
    }
    text + "═".repeat(110).as_str() + "\n"
}

/// The medians that the other benchmark left, in nanoseconds, the quickest first.
fn in_process() -> Vec<(String, f64)> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion");
    let directories = std::fs::read_dir(directory.join("in-process")).into_iter().flatten();
    let read = |directory: std::path::PathBuf| {
        let json = |name: &str| {
            let octets = std::fs::read(directory.join("new").join(name)).ok()?;
            serde_json::from_slice::<serde_json::Value>(&octets).ok()
        };
        let name = json("benchmark.json")?["function_id"].as_str()?.to_owned();
        Some((name, json("estimates.json")?["median"]["point_estimate"].as_f64()?))
    };
    let mut found: Vec<_> = directories.flatten().filter_map(|entry| read(entry.path())).collect();
    found.sort_by(|one, other| one.1.total_cmp(&other.1));
    found
}
