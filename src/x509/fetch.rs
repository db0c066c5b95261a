//! Outbound fetches. They go only to hosts the operator allowed, whatever a document says.

use std::io::Read as _;
use std::time::Duration;

use ureq::http::Uri;

use super::Large;
use crate::limits;

/// Gets things over the network, under limits.
pub trait Fetch: Send + Sync {
    /// GETs `url`; a body over `max` bytes is an error.
    ///
    /// # Errors
    /// [`FetchError`].
    fn get(&self, url: &str, max: usize) -> Result<Vec<u8>, FetchError>;

    /// As [`Fetch::get`], for bodies of many megabytes.
    ///
    /// # Errors
    /// [`FetchError`].
    fn get_large(&self, url: &str, max: usize) -> Result<Large, FetchError> {
        self.get(url, max).map(Large::from)
    }

    /// POSTs `body` and returns the answer's body, of `max` bytes at most.
    ///
    /// # Errors
    /// [`FetchError`].
    fn post(
        &self,
        url: &str,
        media_type: &str,
        body: &[u8],
        max: usize,
    ) -> Result<Vec<u8>, FetchError>;
}

/// Why nothing was fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address is not `http://host…`.
    #[error("not an address that is fetched: {0}")]
    BadAddress(String),
    /// The host is not one of those the operator allowed.
    #[error("the host {0} is not allowed")]
    NotAllowed(String),
    /// The other side does not answer, or broke off.
    #[error("{0} does not answer: {1}")]
    Unreachable(String, String),
    /// The time for one fetch ran out.
    #[error("{0} did not answer in time")]
    TimedOut(String),
    /// The answer has a status other than success; redirects are not followed.
    #[error("{0} answered with status {1}")]
    Status(String, u16),
    /// The body is larger than allowed.
    #[error("{0} sent more than {1} bytes")]
    TooLarge(String, usize),
}

/// The hosts that may be asked: `host` with any port, or `host:port`.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<String>);

/// Fetches over HTTP. What is fetched is signed, so the transport need not be.
pub struct HttpFetch {
    agent: ureq::Agent,
    allowed: AllowedHosts,
}

impl AllowedHosts {
    /// These hosts.
    pub fn new(hosts: &[String]) -> Self {
        Self(hosts.iter().map(|host| host.trim().to_ascii_lowercase()).collect())
    }

    /// Whether `url` may be fetched.
    ///
    /// # Errors
    /// [`FetchError::BadAddress`] or [`FetchError::NotAllowed`].
    pub fn check(&self, url: &str) -> Result<(), FetchError> {
        let bad = || FetchError::BadAddress(url.chars().take(200).collect());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let authority = uri.authority().ok_or_else(bad)?;
        if uri.scheme_str() != Some("http") || authority.as_str().contains('@') {
            return Err(bad());
        }
        let host = authority.host().to_ascii_lowercase();
        let with_port = format!("{host}:{}", authority.port_u16().unwrap_or(80));
        match self.0.iter().any(|allowed| *allowed == host || *allowed == with_port) {
            true => Ok(()),
            false => Err(FetchError::NotAllowed(with_port)),
        }
    }
}

impl HttpFetch {
    /// A client that may ask these hosts.
    pub fn new(allowed: &[String]) -> Self {
        Self::within(allowed, Duration::from_millis(limits::FETCH_MILLISECONDS))
    }

    /// As [`HttpFetch::new`], with the time one fetch may take.
    pub fn within(allowed: &[String], time: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(time))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent("qoltanba")
            .build()
            .new_agent();
        Self { agent, allowed: AllowedHosts::new(allowed) }
    }

    fn finish(
        url: &str,
        max: usize,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Vec<u8>, FetchError> {
        let mut octets = Vec::new();
        let mut body = Self::body(url, max, answer)?;
        match body.read_to_end(&mut octets) {
            Ok(_) => Ok(octets),
            Err(error) => Err(failure(url, max, error.into())),
        }
    }

    fn body(
        url: &str,
        max: usize,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<ureq::BodyReader<'static>, FetchError> {
        let answer = answer.map_err(|error| failure(url, max, error))?;
        if !answer.status().is_success() {
            return Err(FetchError::Status(url.to_owned(), answer.status().as_u16()));
        }
        // The limit counts as exceeded already when it is reached.
        Ok(answer.into_body().into_with_config().limit(max as u64 + 1).reader())
    }
}

impl Fetch for HttpFetch {
    fn get(&self, url: &str, max: usize) -> Result<Vec<u8>, FetchError> {
        self.allowed.check(url)?;
        Self::finish(url, max, self.agent.get(url).call())
    }

    fn get_large(&self, url: &str, max: usize) -> Result<Large, FetchError> {
        self.allowed.check(url)?;
        let body = Self::body(url, max, self.agent.get(url).call())?;
        match Large::read(body, max + 1) {
            Ok(octets) if octets.len() > max => Err(FetchError::TooLarge(url.to_owned(), max)),
            outcome => outcome.map_err(|error| failure(url, max, error.into())),
        }
    }

    fn post(
        &self,
        url: &str,
        media_type: &str,
        body: &[u8],
        max: usize,
    ) -> Result<Vec<u8>, FetchError> {
        self.allowed.check(url)?;
        Self::finish(url, max, self.agent.post(url).content_type(media_type).send(body))
    }
}

fn failure(url: &str, max: usize, error: ureq::Error) -> FetchError {
    let url = url.to_owned();
    match error {
        ureq::Error::Timeout(_) => FetchError::TimedOut(url),
        ureq::Error::BodyExceedsLimit(_) => FetchError::TooLarge(url, max),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            FetchError::TimedOut(url)
        }
        error => FetchError::Unreachable(url, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stub;
    use super::*;

    #[test]
    fn only_allowed_hosts_and_plain_addresses_are_fetched() {
        let hosts = ["ocsp.pki.gov.kz".to_owned(), "127.0.0.1:8080".to_owned()];
        let allowed = AllowedHosts::new(&hosts);
        for url in
            ["http://ocsp.pki.gov.kz/", "http://OCSP.pki.gov.kz:81/x", "http://127.0.0.1:8080/"]
        {
            assert_eq!(allowed.check(url), Ok(()), "{url}");
        }
        for url in [
            "http://127.0.0.1:8081/",
            "http://127.0.0.1/",
            "http://evil.ocsp.pki.gov.kz/",
            "http://ocsp.pki.gov.kz.evil/",
        ] {
            assert!(matches!(allowed.check(url), Err(FetchError::NotAllowed(_))), "{url}");
        }
        for url in [
            "http://ocsp.pki.gov.kz@169.254.169.254/",
            "http://a@ocsp.pki.gov.kz/",
            "https://ocsp.pki.gov.kz/",
            "file:///etc/passwd",
            "ldap://ocsp.pki.gov.kz/",
            "",
        ] {
            assert!(matches!(allowed.check(url), Err(FetchError::BadAddress(_))), "{url}");
        }
    }

    #[test]
    fn limits_hold() {
        let stub = Stub::start();
        let fetch = HttpFetch::within(std::slice::from_ref(&stub.host), Duration::from_millis(400));
        stub.on("/small", |body| [b"got ", body].concat());
        stub.on("/large", |_| vec![0; 2_000]);
        stub.on("/slow", |_| {
            std::thread::sleep(Duration::from_millis(900));
            Vec::new()
        });
        assert_eq!(fetch.post(&stub.url("/small"), "a/b", b"it", 100), Ok(b"got it".to_vec()));
        let large = fetch.get(&stub.url("/large"), 1_999);
        assert_eq!(large, Err(FetchError::TooLarge(stub.url("/large"), 1_999)));
        assert_eq!(fetch.get(&stub.url("/large"), 2_000).map(|body| body.len()), Ok(2_000));
        let many = 1 << 20;
        stub.on("/many", move |_| vec![7; many]);
        let kept = fetch.get_large(&stub.url("/many"), many);
        assert_eq!(
            kept.map(|body| (body.len(), body.iter().all(|one| *one == 7))),
            Ok((many, true))
        );
        let large = fetch.get_large(&stub.url("/many"), many - 1).map(|body| body.len());
        assert_eq!(large, Err(FetchError::TooLarge(stub.url("/many"), many - 1)));
        let absent = fetch.get(&stub.url("/absent"), 100);
        assert_eq!(absent, Err(FetchError::Status(stub.url("/absent"), 500)));
        assert_eq!(
            fetch.get(&stub.url("/slow"), 100),
            Err(FetchError::TimedOut(stub.url("/slow")))
        );
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let fetch = HttpFetch::new(&[gone.to_string()]);
        let gone = fetch.get(&format!("http://{gone}/"), 100);
        assert!(matches!(gone, Err(FetchError::Unreachable(..))), "{gone:?}");
    }

    #[test]
    fn redirects_are_not_followed() {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let target = Stub::start();
        target.on("/", |_| b"secret".to_vec());
        let location = target.url("/");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 2_000]);
                let head = format!(
                    "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
                );
                let _ = stream.write_all(head.as_bytes());
            }
        });
        let fetch = HttpFetch::new(&[host.clone(), target.host.clone()]);
        let url = format!("http://{host}/");
        assert_eq!(fetch.get(&url, 100), Err(FetchError::Status(url.clone(), 302)));
        assert!(target.hits.lock().unwrap().is_empty());
    }
}
