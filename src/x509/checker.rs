//! Asks OCSP responders and CRLs whether a certificate is revoked.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use super::answers::{Answer, Answers, NoAnswer, Terms};
use super::crl_cache::CrlCache;
use super::crl_status::{CrlCheck, Located};
use super::ocsp::{OcspCheck, OcspError, OcspRequest, OcspResponse, REQUEST_TYPE};
use super::path::validate;
use super::path_request::{PathRequest, Purpose};
use super::revocation::{Freshness, RevocationAnswer, RevocationSource, RevocationStatus};
use super::{AllowedHosts, Certificate, Crl, Fetch, FetchError, TrustStore};
use crate::crypto::{DigestAlgorithm, Random, SystemRandom, VerifyError};
use crate::limits;

/// Whether and where revocation is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationMode {
    /// Responders and CRLs are asked over the network.
    #[default]
    Online,
    /// Only the given CRL files and the cache directory are read.
    Offline,
    /// Nothing is asked; every answer is unknown.
    Off,
}

/// One way to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationMethod {
    /// An OCSP responder (RFC 6960).
    Ocsp,
    /// A CRL (RFC 5280 §6.3).
    Crl,
}

/// How revocation is asked.
#[derive(Clone, Debug)]
pub struct RevocationConfig {
    /// Whether and where.
    pub mode: RevocationMode,
    /// The ways, in order; the next is tried when one gives no answer.
    pub order: Vec<RevocationMethod>,
    /// CRLs given as files, DER or PEM.
    pub crl_files: Vec<PathBuf>,
    /// Where fetched CRLs are kept, so that certificates can be checked while nobody answers.
    /// With a directory, CRLs are fetched also when OCSP answers.
    pub cache_dir: Option<PathBuf>,
    /// Hosts that may be asked: `host`, or `host:port`.
    pub allowed_hosts: Vec<String>,
    /// How old answers may be.
    pub freshness: Freshness,
    /// How long a fetched CRL is used before it is asked for again.
    pub crl_refresh: Duration,
    /// How long an OCSP answer is used again; zero asks every time. `None` uses it until the
    /// responder itself says that a newer one is due, an hour at most; where it does not say,
    /// every question is asked.
    pub ocsp_reuse: Option<Duration>,
    /// How long an address that failed is left alone, and a responder that gave no usable answer
    /// about a certificate is not asked about it again.
    pub pause_after_failure: Duration,
    /// Whether a responder that does not know the certificate by SHA-256 is asked by SHA-1.
    pub ocsp_sha1: bool,
    /// For CRLs signed by somebody other than the issuer's key: where such signers are found.
    pub trust: Option<Arc<TrustStore>>,
}

impl Default for RevocationConfig {
    fn default() -> Self {
        Self {
            mode: RevocationMode::Online,
            order: vec![RevocationMethod::Ocsp, RevocationMethod::Crl],
            crl_files: Vec::new(),
            cache_dir: None,
            allowed_hosts: Vec::new(),
            freshness: Freshness::default(),
            crl_refresh: Duration::minutes(10),
            ocsp_reuse: None,
            pause_after_failure: Duration::seconds(10),
            ocsp_sha1: true,
            trust: None,
        }
    }
}

/// The [`RevocationSource`] over OCSP and CRLs. Shared by threads.
pub struct RevocationChecker {
    config: RevocationConfig,
    hosts: AllowedHosts,
    fetcher: Arc<dyn Fetch>,
    random: Arc<dyn Random>,
    files: Vec<Located>,
    problems: Vec<String>,
    memory: RevocationMemory,
}

/// What a checker has learnt: CRLs, OCSP answers, addresses that fail. A checker of the same
/// configuration over another trust store can go on with it, since all of it is judged anew each
/// time it is used.
#[derive(Clone)]
pub struct RevocationMemory(Arc<Memory>);

struct Memory {
    crls: CrlCache,
    answers: Answers,
    failed: Mutex<HashMap<String, (OffsetDateTime, String)>>,
}

/// A signer of a CRL, and the signer of the CRL about that signer: nobody goes deeper honestly.
const SIGNER_DEPTH: u8 = 2;

impl RevocationSource for RevocationChecker {
    fn may_wait(&self) -> bool {
        self.config.mode == RevocationMode::Online
    }

    fn ask(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> RevocationAnswer {
        let times = (at, now);
        if self.config.mode == RevocationMode::Off {
            return RevocationAnswer::unknown(now, "revocation checks are switched off");
        }
        let mut why = Vec::new();
        for method in &self.config.order {
            let answer = match method {
                RevocationMethod::Ocsp => self.ask_ocsp(certificate, issuer, times),
                RevocationMethod::Crl => self.ask_crl(certificate, issuer, times, 0),
            };
            match answer {
                Ok(answer) if answer.status != RevocationStatus::Unknown => {
                    if *method == RevocationMethod::Ocsp && self.config.cache_dir.is_some() {
                        let _ = self.crls_of(certificate, issuer, times);
                    }
                    return answer;
                }
                Ok(answer) => why.push(answer.why.unwrap_or_default()),
                Err(reason) => why.push(reason),
            }
        }
        why.extend(self.problems.iter().cloned());
        RevocationAnswer::unknown(now, why.join("; "))
    }

    fn memory(&self) -> Option<RevocationMemory> {
        Some(self.memory.clone())
    }

    fn with_evidence<'a>(&'a self, evidence: &[&[u8]]) -> Option<Box<dyn RevocationSource + 'a>> {
        match self.config.mode {
            RevocationMode::Off => None,
            _ => Some(Box::new(Self::with_evidence(self, evidence))),
        }
    }
}

impl RevocationChecker {
    /// A checker that asks through `fetcher`. CRL files that do not read are left out and listed
    /// in [`RevocationChecker::problems`].
    pub fn new(config: RevocationConfig, fetcher: Arc<dyn Fetch>) -> Self {
        Self::with_random(config, fetcher, Arc::new(SystemRandom))
    }

    /// As [`RevocationChecker::new`], with the source of nonces.
    pub fn with_random(
        config: RevocationConfig,
        fetcher: Arc<dyn Fetch>,
        random: Arc<dyn Random>,
    ) -> Self {
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for path in &config.crl_files {
            let place: Arc<str> = path.display().to_string().into();
            match Crl::load(path) {
                Ok(crl) => files.push(Located { crl: Arc::new(crl), place }),
                Err(error) => problems.push(format!("{place}: {error}")),
            }
        }
        let memory = Memory {
            crls: CrlCache::new(
                config.cache_dir.clone(),
                config.crl_refresh,
                config.pause_after_failure,
            ),
            answers: Answers::default(),
            failed: Mutex::default(),
        };
        Self {
            hosts: AllowedHosts::new(&config.allowed_hosts),
            memory: RevocationMemory(Arc::new(memory)),
            config,
            fetcher,
            random,
            files,
            problems,
        }
    }

    /// The same, going on with what a checker of the same configuration has learnt.
    #[must_use]
    pub fn remembering(self, memory: RevocationMemory) -> Self {
        Self { memory, ..self }
    }

    /// What is wrong with the given CRL files.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    pub(super) fn freshness(&self) -> Freshness {
        self.config.freshness
    }

    fn ask_ocsp(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        (at, now): (OffsetDateTime, OffsetDateTime),
    ) -> Result<RevocationAnswer, String> {
        let urls = certificate.ocsp_urls();
        if urls.is_empty() {
            return Err("OCSP: the certificate names no responder".to_owned());
        }
        if self.config.mode == RevocationMode::Offline {
            return Err("OCSP: not asked, offline".to_owned());
        }
        let question = (issuer.public_key().spki.clone(), certificate.serial().to_vec());
        let freshness = self.config.freshness;
        let check = OcspCheck { certificate, issuer, nonce: None, at, now, freshness };
        let (reuse, pause) = (self.config.ocsp_reuse, self.config.pause_after_failure);
        let ask = || {
            let mut none = NoAnswer::from(String::new());
            for url in urls.iter().take(limits::STATUS_ADDRESSES) {
                match self.ask_responder(url, &check) {
                    Ok(outcome) => return Ok(outcome),
                    Err(NoAnswer { why, always }) => {
                        none.why = format!("OCSP: {why}");
                        none.always &= always;
                    }
                }
            }
            Err(none)
        };
        let judge = |held: &Answer| self.believed(held, &check);
        self.memory.0.answers.obtain(question, Terms { at, now, reuse, pause }, &judge, &ask)
    }

    fn ask_responder(
        &self,
        url: &str,
        check: &OcspCheck<'_>,
    ) -> Result<(Answer, RevocationAnswer), NoAnswer> {
        let mut result = Err(String::new().into());
        let hashes: &[_] = match self.config.ocsp_sha1 {
            true => &[DigestAlgorithm::Sha256, DigestAlgorithm::Sha1],
            false => &[DigestAlgorithm::Sha256],
        };
        for hash in hashes {
            let mut nonce = vec![0; 16];
            if !self.random.fill(&mut nonce) {
                return Err("no randomness for the request".to_owned().into());
            }
            let (certificate, issuer) = (check.certificate, check.issuer);
            let request = OcspRequest::new(certificate, issuer, *hash, Some(nonce.clone()));
            let der = self.fetch(url, check.now, &|| {
                let body = request.to_der();
                self.fetcher.post(url, REQUEST_TYPE, &body, limits::OCSP_BYTES)
            })?;
            let response = match OcspResponse::read(&der) {
                Ok(response) => response,
                // What a responder says that cannot find the issuer by this hash.
                Err(error @ OcspError::Refused("unauthorized" | "malformedRequest")) => {
                    result = Err(error.to_string().into());
                    continue;
                }
                Err(error) => return Err(error.to_string().into()),
            };
            let (url, received) = (url.to_owned(), check.now);
            let mut held = Answer { response, der: der.into(), url, received, next_update: None };
            let check = OcspCheck { nonce: Some(&nonce), ..*check };
            let answer = self.believed(&held, &check);
            held.next_update = answer.as_ref().ok().and_then(|answer| answer.next_update);
            match answer {
                Ok(answer) if answer.status != RevocationStatus::Unknown => {
                    return Ok((held, answer));
                }
                Ok(answer) => result = Ok((held, answer)),
                Err(why) => {
                    let always = held.response.check(&check).is_err_and(|error| error.is_final());
                    return Err(NoAnswer { why, always });
                }
            }
        }
        result
    }

    pub(super) fn believed(
        &self,
        held: &Answer,
        check: &OcspCheck<'_>,
    ) -> Result<RevocationAnswer, String> {
        let answer = held.response.check(check).map_err(|error| error.to_string())?;
        if let Some(responder) = answer.responder.as_ref().filter(|_| answer.check_responder) {
            let times = (check.at, check.now);
            match self.ask_crl(responder, check.issuer, times, 0) {
                Ok(own) if own.status == RevocationStatus::Good => {}
                Ok(_) => return Err("the responder's certificate is revoked".to_owned()),
                // RFC 6960 §4.2.2.2.1: no way is named to ask, so the policy decides.
                Err(_) if responder.crl_urls().is_empty() => {}
                Err(why) => return Err(format!("the responder's own status is unknown: {why}")),
            }
        }
        Ok(RevocationAnswer {
            status: answer.status,
            source: "ocsp",
            url: Some(held.url.as_str().into()),
            at: Some(answer.this_update),
            next_update: answer.next_update,
            asked_at: check.now,
            why: answer.note.map(|note| format!("OCSP: {note}")),
            evidence: held.der.clone(),
        })
    }

    fn ask_crl(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        times: (OffsetDateTime, OffsetDateTime),
        depth: u8,
    ) -> Result<RevocationAnswer, String> {
        let (crls, failures) = self.crls_of(certificate, issuer, times);
        self.judge_crls(&crls, failures, (certificate, issuer), times, depth)
    }

    /// What these CRLs say; `failures` are told beside the reason why none does.
    pub(super) fn judge_crls(
        &self,
        crls: &[Located],
        failures: Vec<String>,
        (certificate, issuer): (&Certificate, &Certificate),
        times: (OffsetDateTime, OffsetDateTime),
        depth: u8,
    ) -> Result<RevocationAnswer, String> {
        let (at, now) = times;
        let signed = |crl: &Crl| self.signed(crl, issuer, times, depth);
        let check =
            CrlCheck { certificate, at, now, freshness: self.config.freshness, signed: &signed };
        let answer = check.run(crls).map_err(|reason| {
            let mut reasons = failures;
            if reasons.is_empty() || !crls.is_empty() {
                reasons.push(reason);
            }
            format!("CRL: {}", reasons.join(", "))
        })?;
        let crl = &answer.located.crl;
        Ok(RevocationAnswer {
            status: answer.status,
            source: "crl",
            url: Some(answer.located.place.clone()),
            at: Some(crl.this_update()),
            next_update: crl.next_update(),
            asked_at: now,
            why: answer.note.map(|note| format!("CRL: {note}")),
            evidence: crl.evidence(),
        })
    }

    // The given files, and what the certificate's addresses hold.
    fn crls_of(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        times: (OffsetDateTime, OffsetDateTime),
    ) -> (Vec<Located>, Vec<String>) {
        let mut crls = self.files.clone();
        let mut failures = Vec::new();
        let plausible = |crl: &Crl| self.plausible(crl, issuer, times.0);
        let mut obtain = |url: &Arc<str>, crls: &mut Vec<Located>| {
            let get = || self.fetcher.get_large(url, limits::CRL_BYTES);
            let fetch = || self.fetch(url, times.1, &get);
            match self.memory.0.crls.obtain(url, times.1, &fetch, &plausible) {
                Ok(crl) => crls.push(Located { crl, place: Arc::clone(url) }),
                Err(reason) => failures.push(reason),
            }
        };
        for url in certificate.crl_urls().iter().take(limits::STATUS_ADDRESSES) {
            obtain(url, &mut crls);
        }
        let mut deltas = certificate.delta_crl_urls().to_vec();
        for located in &crls {
            if located.crl.issuer().matches(certificate.issuer()) {
                deltas.extend(located.crl.delta_urls().iter().cloned());
            }
        }
        deltas.dedup();
        for url in deltas.iter().take(limits::STATUS_ADDRESSES) {
            obtain(url, &mut crls);
        }
        (crls, failures)
    }

    // Whether a CRL is worth keeping: a key of its issuer's name signed it. Whether that signer may
    // is asked each time.
    fn plausible(&self, crl: &Crl, issuer: &Certificate, at: OffsetDateTime) -> Result<(), String> {
        let trust = self.config.trust.as_deref();
        let known = trust.into_iter().flat_map(|trust| trust.named(crl.issuer()));
        let mut why = "nobody known signed the CRL".to_owned();
        for signer in
            [issuer].into_iter().filter(|one| one.subject().matches(crl.issuer())).chain(known)
        {
            match crl.verify(signer.public_key(), at) {
                Ok(()) => return Ok(()),
                Err(VerifyError::Unsupported(error)) => why = error.to_string(),
                Err(_) => why = "the signature of the CRL is wrong".to_owned(),
            }
        }
        Err(why)
    }

    // RFC 5280 §6.3.3 (f), (g): signed by the issuer's key, or by somebody of the CRL issuer's
    // name whose own path is valid and who is not revoked.
    fn signed(
        &self,
        crl: &Crl,
        issuer: &Certificate,
        times: (OffsetDateTime, OffsetDateTime),
        depth: u8,
    ) -> Result<(), String> {
        let allowed = issuer.key_usage().is_none_or(|usage| usage.crl_sign());
        let mut why = "nobody known signed the CRL".to_owned();
        if crl.issuer().matches(issuer.subject()) {
            match crl.verify(issuer.public_key(), times.0) {
                Ok(()) if allowed => return Ok(()),
                Ok(()) => why = "the issuer's key usage does not allow signing CRLs".to_owned(),
                Err(VerifyError::Unsupported(error)) => return Err(error.to_string()),
                Err(_) => why = "the signature of the CRL is wrong".to_owned(),
            }
        }
        let Some(trust) = self.config.trust.as_ref().filter(|_| depth < SIGNER_DEPTH) else {
            return Err(why);
        };
        for signer in trust.named(crl.issuer()) {
            if signer == issuer || crl.verify(signer.public_key(), times.0).is_err() {
                continue;
            }
            let request = PathRequest {
                purpose: Purpose::CrlIssuer,
                ..PathRequest::new(signer, &[], times.0)
            };
            let path = match validate(trust, &request) {
                Ok(path) => path,
                Err(failure) => {
                    why = format!("the signer of the CRL is not trusted: {}", failure.reason);
                    continue;
                }
            };
            // A CRL that speaks about its own signer only leads back here; the depth ends it.
            let revoked = path.issuer().is_some_and(|above| {
                let own = self.ask_crl(signer, above, times, depth + 1);
                own.is_ok_and(|own| own.status != RevocationStatus::Good)
            });
            if !revoked {
                return Ok(());
            }
            why = "the signer of the CRL is revoked".to_owned();
        }
        Err(why)
    }

    // Fetches if the host is allowed and did not fail a moment ago.
    fn fetch<T>(
        &self,
        url: &str,
        now: OffsetDateTime,
        fetch: &dyn Fn() -> Result<T, FetchError>,
    ) -> Result<T, String> {
        if self.config.mode != RevocationMode::Online {
            return Err("nothing is stored, and fetching is switched off".to_owned());
        }
        self.hosts.check(url).map_err(|error| error.to_string())?;
        let failed = || self.memory.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, reason)) = failed().get(url)
            && (*since..*since + self.config.pause_after_failure).contains(&now)
        {
            return Err(reason.clone());
        }
        let result = fetch().map_err(|error| error.to_string());
        let mut failed = failed();
        failed.retain(|_, (since, _)| *since + self.config.pause_after_failure > now);
        match &result {
            Ok(_) => failed.remove(url),
            Err(reason) => failed.insert(url.to_owned(), (now, reason.clone())),
        };
        result
    }
}

impl RevocationMemory {
    /// Has the directory of CRLs looked into again: they may have been replaced there.
    pub fn look_again(&self) {
        self.0.crls.look_again();
    }

    /// Whether both are one memory.
    #[cfg(test)]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
