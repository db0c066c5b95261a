//! The client: several authorities, asked in order until one gives a token that stands.

use std::sync::Arc;

use super::{Request, TimestampError, TimestampQuestion, Token, VerifiedTimestamp, verify};
use crate::crypto::{DigestAlgorithm, Random};
use crate::limits;
use crate::x509::Fetch;

/// Asks authorities for time-stamps. Shared by threads.
pub struct TimestampClient {
    authorities: Vec<String>,
    policy: Option<String>,
    fetch: Arc<dyn Fetch>,
    random: Arc<dyn Random>,
}

/// No authority gave a token that stands: each with its reason, in the order of asking.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time-stamp: {}", .0.iter().map(|(url, why)| format!("{url}: {why}")).collect::<Vec<_>>().join("; "))]
pub struct StampError(pub Vec<(String, String)>);

impl TimestampClient {
    /// A client of these authorities (addresses, in order); `policy` is asked for, dotted.
    pub fn new(
        authorities: Vec<String>,
        policy: Option<String>,
        fetch: Arc<dyn Fetch>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { authorities, policy, fetch, random }
    }

    /// A verified time-stamp over `question.data` from the first authority that gives one.
    ///
    /// # Errors
    /// [`StampError`] with what each authority did.
    pub fn stamp(
        &self,
        question: &TimestampQuestion<'_>,
    ) -> Result<(Token, VerifiedTimestamp), StampError> {
        let mut reasons = Vec::new();
        for url in self.authorities.iter().take(limits::TIMESTAMP_AUTHORITIES) {
            match self.ask(url, question) {
                Ok(stamp) => return Ok(stamp),
                Err(error) => reasons.push((url.clone(), error)),
            }
        }
        Err(StampError(reasons))
    }

    fn ask(
        &self,
        url: &str,
        question: &TimestampQuestion<'_>,
    ) -> Result<(Token, VerifiedTimestamp), String> {
        let mut nonce = [0; 16];
        if !self.random.fill(&mut nonce) {
            return Err("no randomness for the request".to_owned());
        }
        let imprint = question.data.digest(DigestAlgorithm::Sha256);
        let imprint = imprint.ok_or("the SHA-256 of what is to be stamped is not known")?;
        let request = Request::new(imprint, nonce, self.policy.as_deref());
        let (kind, body) = ("application/timestamp-query", request.to_der());
        let response = self.fetch.post(url, kind, &body, limits::TIMESTAMP_BYTES);
        let response = response.map_err(|error| error.to_string())?;
        let token = request.answer(&response).map_err(|error| error.to_string())?;
        let stamp = verify(&token, question)
            .map_err(|reason| TimestampError::Refused(reason).to_string())?;
        Ok((token, stamp))
    }
}
