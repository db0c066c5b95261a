//! Tests of tokens, responses and the client.

use std::sync::Arc;

use proptest::prelude::*;
use time::Duration;

use super::testing::{Says, V1, mixed_params, tsa, tsa_params, usage};
use super::*;
use crate::crypto::SystemRandom;
use crate::reason::ReasonCode;
use crate::signature::Stamped;
use crate::x509::testing::{Authority, Holder, NOW, Stub};
use crate::x509::{
    Certificate, HttpFetch, RevocationAnswer, RevocationSource, RevocationStatus, TrustStore,
};

const DATA: &[u8] = b"what was signed";

struct World {
    tsa: Holder,
    trust: TrustStore,
    data: Stamped,
}

fn world_of(make: impl Fn(&Authority) -> Holder) -> World {
    let root = Authority::root("Root");
    let tsa = make(&root);
    World {
        tsa,
        trust: TrustStore::new(vec![root.certificate], Vec::new()),
        data: Stamped::from(DATA),
    }
}

impl World {
    fn question(&self) -> TimestampQuestion<'_> {
        TimestampQuestion {
            data: &self.data,
            extra: &[],
            trust: &self.trust,
            revocation: None,
            at: NOW,
            now: NOW,
            skew: Duration::ZERO,
            policies: &[],
            accuracy: None,
        }
    }

    fn judge(&self, says: &Says) -> Result<VerifiedTimestamp, Reason> {
        verify(&Token::read(&says.token(&self.tsa)).unwrap(), &self.question())
    }

    fn code(&self, says: &Says) -> ReasonCode {
        self.judge(says).unwrap_err().code
    }
}

fn good() -> Says {
    Says::about(DATA, NOW - Duration::hours(1))
}

#[test]
fn a_good_token_proves_its_time_with_either_reference_and_odd_numbers() {
    let world = world_of(tsa);
    for naming in [V1, super::testing::V2] {
        // Serial and nonce are negative, as the national authority writes them.
        let says = Says { naming: Some(naming), nonce: Some(vec![0xf0, 1]), ..good() };
        let stamp = world.judge(&says).unwrap();
        assert_eq!(stamp.info.time, NOW - Duration::hours(1));
        assert_eq!(stamp.info.serial, [0x81, 2, 3]);
        assert_eq!(stamp.info.nonce, Some(vec![0xf0, 1]));
        assert_eq!(stamp.info.accuracy, Some(Duration::SECOND));
        assert_eq!(stamp.path.certificates().len(), 2);
    }
}

#[test]
fn a_token_for_other_data_or_without_a_named_certificate_proves_nothing() {
    let world = world_of(tsa);
    let other = Says { imprint: vec![7; 32], ..good() };
    assert_eq!(world.code(&other), ReasonCode::TimestampInvalid);
    assert_eq!(world.code(&Says { naming: None, ..good() }), ReasonCode::CertificateMismatch);
    let md5 = Says { imprint_oid: "1.2.840.113549.2.5", ..good() };
    let reason = world.judge(&md5).unwrap_err();
    assert_eq!(reason.code, ReasonCode::UnsupportedAlgorithm);
    assert_eq!(reason.detail, "imprint: MD5");
    let sha1 = Says { imprint_oid: "1.3.14.3.2.26", imprint: vec![1; 20], ..good() };
    assert_eq!(world.code(&sha1), ReasonCode::UnsupportedAlgorithm);
    let future = Says { time: NOW + Duration::HOUR, ..good() };
    assert_eq!(world.code(&future), ReasonCode::TimestampInvalid);
}

#[test]
fn a_spoilt_signature_and_a_missing_certificate_are_told_apart() {
    let world = world_of(tsa);
    let mut token = good().token(&world.tsa);
    let last = token.len() - 1;
    token[last] ^= 1;
    let spoilt = verify(&Token::read(&token).unwrap(), &world.question()).unwrap_err();
    assert_eq!(spoilt.code, ReasonCode::BadSignature);
    let bare = Says { with_certificate: false, ..good() };
    assert_eq!(world.code(&bare), ReasonCode::CertificateMissing);
}

#[test]
fn only_a_time_stamping_authority_may_stamp() {
    let loose = world_of(|root| {
        let mut params = tsa_params();
        params.custom_extensions = vec![usage(false)];
        root.issue(params)
    });
    let mixed = world_of(|root| root.issue(mixed_params()));
    let nobody = world_of(|root| root.issue(crate::x509::testing::params("Signer")));
    for world in [loose, mixed, nobody] {
        assert_eq!(world.code(&good()), ReasonCode::WrongKeyUsage);
    }
    let mut stranger = world_of(tsa);
    stranger.trust = TrustStore::new(vec![Authority::root("Other").certificate], Vec::new());
    assert_eq!(stranger.code(&good()), ReasonCode::UntrustedIssuer);
    let expired = world_of(|root| {
        let mut params = tsa_params();
        params.not_after = NOW - Duration::minutes(1);
        root.issue(params)
    });
    assert_eq!(expired.code(&good()), ReasonCode::Expired);
}

struct Always(RevocationStatus);

impl RevocationSource for Always {
    fn ask(
        &self,
        _: &Certificate,
        _: &Certificate,
        _: time::OffsetDateTime,
        now: time::OffsetDateTime,
    ) -> RevocationAnswer {
        RevocationAnswer { status: self.0.clone(), ..RevocationAnswer::unknown(now, "") }
    }
}

#[test]
fn revocation_policy_and_accuracy_count() {
    let world = world_of(tsa);
    let token = Token::read(&good().token(&world.tsa)).unwrap();
    let asked = |status| {
        let source = Always(status);
        let question = TimestampQuestion { revocation: Some(&source), ..world.question() };
        verify(&token, &question).map_err(|reason| reason.code).map(|_| ())
    };
    assert_eq!(asked(RevocationStatus::Good), Ok(()));
    assert_eq!(asked(RevocationStatus::Unknown), Err(ReasonCode::RevocationUnknown));
    let revoked = RevocationStatus::Revoked { at: NOW, reason: None };
    assert_eq!(asked(revoked), Err(ReasonCode::Revoked));
    assert_eq!(asked(RevocationStatus::OnHold { at: NOW }), Err(ReasonCode::OnHold));

    let (own, other) = (["1.2.398.3.3.2.6.2".to_owned()], ["1.2.3".to_owned()]);
    let question = world.question();
    assert!(verify(&token, &TimestampQuestion { policies: &own, ..question }).is_ok());
    assert!(verify(&token, &TimestampQuestion { policies: &other, ..question }).is_err());
    let half = Some(Duration::milliseconds(500));
    assert!(verify(&token, &TimestampQuestion { accuracy: half, ..question }).is_err());
}

/// A stub that stamps whatever it is asked for, with the nonce of the request.
fn stamping(request: &[u8], tsa: &Holder, change: impl Fn(&mut Says)) -> Vec<u8> {
    let nonce = request[request.len() - 19..request.len() - 3].to_vec();
    let mut says = Says { nonce: Some(nonce), ..good() };
    change(&mut says);
    says.response(tsa)
}

#[test]
fn authorities_are_asked_in_order_until_one_stamps() {
    let world = world_of(tsa);
    let key = rcgen::KeyPair::try_from(world.tsa.key.serialized_der()).unwrap();
    let holder = Arc::new(Holder { certificate: world.tsa.certificate.clone(), key });
    let stub = Stub::start();
    let on = |path: &str, change: fn(&mut Says)| {
        let holder = holder.clone();
        stub.on(path, move |request| stamping(request, &holder, change));
    };
    on("/nonce", |says| says.nonce = Some(vec![1]));
    on("/imprint", |says| says.imprint = vec![9; 32]);
    on("/policy", |says| says.policy = "1.2.3");
    on("/unnamed", |says| says.naming = None);
    on("/good", |_| {});
    stub.on("/garbage", |_| vec![0x30, 3, 1, 2]);
    // Rejected: unacceptedPolicy is bit 15.
    stub.on("/refuses", |_| vec![0x30, 9, 0x30, 7, 2, 1, 2, 3, 2, 0, 1]);
    let bad = ["/down", "/garbage", "/refuses", "/nonce", "/imprint", "/policy", "/unnamed"];
    let client = |paths: &[&str]| {
        let urls = paths.iter().map(|path| stub.url(path)).collect();
        let fetch = Arc::new(HttpFetch::new(std::slice::from_ref(&stub.host)));
        let policy = Some("1.2.398.3.3.2.6.2".to_owned());
        TimestampClient::new(urls, policy, fetch, Arc::new(SystemRandom))
    };
    let all: Vec<&str> = bad.iter().copied().chain(["/good"]).collect();
    let (_, stamp) = client(&all).stamp(&world.question()).unwrap();
    assert_eq!(stamp.info.time, NOW - Duration::hours(1));
    assert!(all.iter().all(|path| stub.hits(path) == 1));

    let StampError(reasons) = client(&bad).stamp(&world.question()).unwrap_err();
    let told = ["500", "not a time-stamp", "", "nonce", "imprint", "policy", "certificate"];
    assert_eq!(reasons.len(), bad.len());
    for ((url, why), told) in reasons.iter().zip(told) {
        assert!(why.contains(told), "{url}: {why}");
    }
    let (url, why) = &reasons[2];
    assert!(why.contains("status 2"), "{url}: {why}");
}

#[test]
fn national_samples_verify_but_their_imprint_is_refused_by_name() {
    let Some(corpora) = crate::testing::corpora("national time-stamps") else { return };
    let folder = corpora.join("kz/nuca-test/tsp");
    let response = std::fs::read(folder.join("tsp_response.bin")).unwrap();
    let token = std::fs::read(folder.join("tsp_token.bin")).unwrap();
    assert_eq!(read_response(&response).unwrap(), token);
    let token = Token::read(&token).unwrap();
    let world = world_of(tsa);
    let reason = verify(&token, &world.question()).unwrap_err();
    assert_eq!(reason.code, ReasonCode::UnsupportedAlgorithm);
    // The GOST signature stands, or it would be named first.
    assert_eq!(reason.detail, "imprint: SHA-1");
}

proptest! {
    #[test]
    fn any_octets_are_no_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (read_response(&octets), Token::read(&octets));
    }

    #[test]
    fn a_changed_octet_is_no_panic_and_never_another_time(at in 0_usize..900, with in 1_u8..) {
        let world = world_of(tsa);
        let mut token = good().token(&world.tsa);
        if let Some(octet) = token.get_mut(at) {
            *octet ^= with;
            if let Ok(read) = Token::read(&token)
                && let Ok(stamp) = verify(&read, &world.question())
            {
                prop_assert_eq!(stamp.info.time, NOW - Duration::hours(1));
            }
        }
    }
}
