//! Outbound fetches. They go only to hosts the operator allowed, whatever a document says.

use std::time::Duration;

use ureq::http::Uri;

use crate::limits;

/// Gets things over the network, under limits.
pub trait Fetch: Send + Sync {
    /// GETs `url`; a body over `max` bytes is an error.
    ///
    /// # Errors
    /// [`FetchError`].
    fn get(&self, url: &str, max: usize) -> Result<Vec<u8>, FetchError>;

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

    fn within(allowed: &[String], time: Duration) -> Self {
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
        let mut answer = answer.map_err(|error| failure(url, max, error))?;
        if !answer.status().is_success() {
            return Err(FetchError::Status(url.to_owned(), answer.status().as_u16()));
        }
        let body = answer.body_mut().with_config().limit(max as u64).read_to_vec();
        body.map_err(|error| failure(url, max, error))
    }
}

impl Fetch for HttpFetch {
    fn get(&self, url: &str, max: usize) -> Result<Vec<u8>, FetchError> {
        self.allowed.check(url)?;
        Self::finish(url, max, self.agent.get(url).call())
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
