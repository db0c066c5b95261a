//! Paths through a small hierarchy of our own: what is found, and which reason is given.

use rcgen::{CustomExtension, KeyUsagePurpose};
use time::Duration;

use super::testing::{Authority, NOW, authority_params, params};
use super::*;
use crate::reason::ReasonCode;

struct World {
    root: Authority,
    issuing: Authority,
}

impl World {
    fn new() -> Self {
        let root = Authority::root("Root");
        let issuing = root.below(authority_params("Issuing"));
        Self { root, issuing }
    }

    fn trust(&self) -> TrustStore {
        let (root, issuing) = (&self.root.certificate, &self.issuing.certificate);
        TrustStore::new(vec![root.clone()], vec![issuing.clone()])
    }

    fn leaf(&self, change: impl FnOnce(&mut rcgen::CertificateParams)) -> Certificate {
        let mut params = params("Leaf");
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        change(&mut params);
        self.issuing.issue(params).certificate
    }
}

fn code(trust: &TrustStore, leaf: &Certificate) -> (ReasonCode, bool) {
    let purpose = Purpose::Documents;
    let request = PathRequest { purpose, ..PathRequest::new(leaf, &[], NOW) };
    let failure = validate(trust, &request).unwrap_err();
    (failure.reason.code, failure.path.is_some())
}

#[test]
fn a_signature_that_is_known_spares_no_other_check() {
    let world = World::new();
    let trust = world.trust();
    let leaf = world.leaf(|_| ());
    let path = |leaf: &Certificate, at| validate(&trust, &PathRequest::new(leaf, &[], at));
    assert!(path(&leaf, NOW).is_ok() && path(&leaf, NOW).is_ok());
    let late = path(&leaf, NOW + Duration::days(700)).unwrap_err();
    assert_eq!(late.reason.code, ReasonCode::Expired);
    // The same certificate with another signature is another certificate.
    let mut der = leaf.der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let forged = Certificate::from_der(&der).unwrap();
    assert_eq!(path(&forged, NOW).unwrap_err().reason.code, ReasonCode::UntrustedIssuer);
    // Another store knows nothing of it.
    let stranger = TrustStore::new(vec![Authority::root("Root").certificate], Vec::new());
    assert!(validate(&stranger, &PathRequest::new(&leaf, &[], NOW)).is_err());
}

#[test]
fn a_path_leads_from_the_leaf_to_the_anchor() {
    let world = World::new();
    let leaf = world.leaf(|_| {});
    let path = validate(&world.trust(), &PathRequest::new(&leaf, &[], NOW)).unwrap();
    let expected = [&leaf, &world.issuing.certificate, &world.root.certificate];
    assert_eq!(path.certificates().iter().collect::<Vec<_>>(), expected);
    assert_eq!(path.issuer(), Some(&world.issuing.certificate));
    assert_eq!(path.links().count(), 2);

    // The intermediate may come along with the document instead; then nothing of it is trusted.
    let extra = [world.issuing.certificate.clone()];
    let bare = TrustStore::new(vec![world.root.certificate.clone()], Vec::new());
    assert!(validate(&bare, &PathRequest::new(&leaf, &[], NOW)).is_err());
    assert!(validate(&bare, &PathRequest::new(&leaf, &extra, NOW)).is_ok());
    let empty = TrustStore::default();
    let all = [world.issuing.certificate.clone(), world.root.certificate.clone()];
    assert!(validate(&empty, &PathRequest::new(&leaf, &all, NOW)).is_err());
}

#[test]
fn each_refusal_has_its_code_and_keeps_the_path_it_can() {
    let world = World::new();
    let day = Duration::days(1);
    let expired = world.leaf(|params| params.not_after = NOW - day);
    assert_eq!(code(&world.trust(), &expired), (ReasonCode::Expired, true));
    let early = world.leaf(|params| params.not_before = NOW + day);
    assert_eq!(code(&world.trust(), &early), (ReasonCode::NotYetValid, true));
    let login = world.leaf(|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    assert_eq!(code(&world.trust(), &login), (ReasonCode::WrongKeyUsage, true));
    let unknown = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    let critical = world.leaf(|params| {
        let mut unknown = unknown.clone();
        unknown.set_criticality(true);
        params.custom_extensions.push(unknown);
    });
    assert_eq!(code(&world.trust(), &critical), (ReasonCode::PathInvalid, true));
    let harmless = world.leaf(|params| params.custom_extensions.push(unknown));
    assert!(validate(&world.trust(), &PathRequest::new(&harmless, &[], NOW)).is_ok());
}

#[test]
fn a_twin_of_the_authority_is_not_trusted() {
    let (world, twin) = (World::new(), World::new());
    let leaf = twin.leaf(|_| {});
    assert_eq!(code(&world.trust(), &leaf), (ReasonCode::UntrustedIssuer, false));
    let extra = [twin.issuing.certificate.clone(), twin.root.certificate.clone()];
    let failure = validate(&world.trust(), &PathRequest::new(&leaf, &extra, NOW)).unwrap_err();
    assert_eq!(failure.reason.code, ReasonCode::UntrustedIssuer);
}

#[test]
fn a_leaf_that_is_no_authority_issues_nothing() {
    let world = World::new();
    let middle = world.issuing.below(params("Middle"));
    let leaf = middle.issue(params("Leaf")).certificate;
    let extra = [middle.certificate.clone()];
    let failure = validate(&world.trust(), &PathRequest::new(&leaf, &extra, NOW)).unwrap_err();
    assert_eq!(failure.reason.code, ReasonCode::PathInvalid);
    assert_eq!(failure.certificate, Some(middle.certificate));
}

#[test]
fn a_good_path_is_found_past_a_bad_candidate() {
    // The same key under two certificates: one expired and one cross-certified by another root.
    let old = Authority::root("Old root");
    let new = Authority::root("New root");
    let mut expired = authority_params("Issuing");
    expired.not_after = NOW - Duration::days(1);
    let issuing = old.below(expired);
    let cross = authority_params("Issuing").signed_by(issuing.issuer.key(), &new.issuer).unwrap();
    let cross = Certificate::from_der(cross.der()).unwrap();
    let leaf = issuing.issue(params("Leaf")).certificate;
    let anchors = vec![old.certificate.clone(), new.certificate.clone()];
    let trust = TrustStore::new(anchors, vec![issuing.certificate.clone(), cross.clone()]);
    let path = validate(&trust, &PathRequest::new(&leaf, &[], NOW)).unwrap();
    assert_eq!(path.issuer(), Some(&cross));
    // Without the new root the reason is the expired one, not that nobody is trusted.
    let trust = TrustStore::new(vec![old.certificate], vec![cross, issuing.certificate.clone()]);
    let failure = validate(&trust, &PathRequest::new(&leaf, &[], NOW)).unwrap_err();
    assert_eq!(failure.reason.code, ReasonCode::Expired);
    assert_eq!(failure.certificate, Some(issuing.certificate));
}

#[test]
fn the_store_tells_anchors_from_intermediates() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.pem");
    let pem = [world.root.issuer.pem(), world.issuing.issuer.pem()].concat();
    std::fs::write(&bundle, format!("# the hierarchy\n{pem}")).unwrap();
    std::fs::write(folder.path().join("root.cer"), world.root.certificate.der()).unwrap();
    std::fs::write(folder.path().join("README"), "no certificate").unwrap();
    let store = TrustStore::load(&[folder.path().to_owned()]).unwrap();
    assert!(store.is_anchor(&world.root.certificate));
    assert_eq!(store.intermediates(), std::slice::from_ref(&world.issuing.certificate));

    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    assert!(matches!(TrustStore::load(&[empty]), Err(TrustError::Empty(_))));
    let absent = folder.path().join("absent.pem");
    assert!(matches!(TrustStore::load(&[absent]), Err(TrustError::Unreadable { .. })));
}

#[test]
fn a_maze_of_authorities_ends_within_the_budget() {
    // Every authority certifies every other under one name, and none leads to the anchor.
    let world = World::new();
    let twelve: Vec<Authority> = (0..12).map(|_| Authority::root("Maze")).collect();
    let mut extra = Vec::new();
    for above in &twelve {
        for below in &twelve {
            let cross = authority_params("Maze").signed_by(below.issuer.key(), &above.issuer);
            extra.push(Certificate::from_der(cross.unwrap().der()).unwrap());
        }
    }
    let leaf = twelve[0].issue(params("Leaf")).certificate;
    let started = std::time::Instant::now();
    assert!(validate(&world.trust(), &PathRequest::new(&leaf, &extra, NOW)).is_err());
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
