use proptest::prelude::*;

use super::*;
use crate::crypto::{GostCurve, GostPrivateKey, SystemRandom};
use crate::token::{Signer as _, sign_checked};
use crate::x509::der::{self, write, write_oid};

fn pin() -> Pin {
    Pin::new("Құпия Aa1".to_owned())
}

fn written(curve: GostCurve) -> (SoftwareKey, Vec<u8>) {
    let key = SoftwareKey::gost(GostPrivateKey::generate(curve, &SystemRandom).unwrap());
    let file = Pkcs12::write(&key, &[], "кілт", &pin(), &SystemRandom).unwrap();
    (key, file)
}

#[test]
fn what_was_written_is_read_with_its_password_only() {
    for curve in GostCurve::ALL {
        let (key, file) = written(curve);
        let read = Pkcs12::read(&file, &pin()).unwrap();
        let keys = read.keys();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].label, "кілт");
        assert_eq!(keys[0].public_key.as_ref(), Some(key.public_key()));
        for wrong in ["", "Құпия aa1", "Құпия Aa1 "] {
            let refused = Pkcs12::read(&file, &Pin::new(wrong.to_owned())).unwrap_err();
            assert_eq!(refused, Pkcs12Error::WrongPassword);
        }
        // Without a certificate there is nobody to sign as.
        let refused = read.signer(&KeyChoice::Only).err().unwrap();
        assert!(matches!(refused, SignError::NoSuchKey(_)), "{refused}");
    }
}

#[test]
fn a_certificate_of_another_key_makes_no_signer() {
    let (_, file) = written(GostCurve::Tc26A512);
    let other = crate::x509::testing::Authority::root("Root").certificate;
    let read = Pkcs12::read(&file, &pin()).unwrap();
    let refused = read.signer_with(&KeyChoice::Only, other).err().unwrap();
    assert_eq!(refused, SignError::KeyMismatch);
}

#[test]
fn a_key_and_its_certificate_sign() {
    let holder = crate::x509::testing::Authority::root("Root").signer();
    let signer =
        SoftwareSigner::new(&holder.key.serialize_der(), holder.certificate.clone()).unwrap();
    sign_checked(&signer, b"message").unwrap();
    assert_eq!(signer.certificate(), &holder.certificate);
}

#[test]
fn no_cut_file_is_read() {
    let (_, file) = written(GostCurve::Tc26A512);
    for end in 0..file.len() {
        let refused = Pkcs12::read(&file[..end], &pin()).unwrap_err();
        assert!(matches!(refused, Pkcs12Error::Malformed(_)), "{end}: {refused}");
    }
}

#[test]
fn hostile_files_cost_no_work() {
    let mac = |iterations: &[u8]| {
        let sha1 = write(SEQUENCE, &[&write_oid("1.3.14.3.2.26")]);
        let info = write(SEQUENCE, &[&sha1, &write(OCTET_STRING, &[&[0; 20]])]);
        let count = write(der::INTEGER, &[iterations]);
        write(SEQUENCE, &[&info, &write(OCTET_STRING, &[b"salt"]), &count])
    };
    let file = |mac: &[u8]| {
        let safe = write(CONTENT, &[&write(OCTET_STRING, &[&write(SEQUENCE, &[])])]);
        let safe = write(SEQUENCE, &[&write_oid(DATA), &safe]);
        write(SEQUENCE, &[&write(der::INTEGER, &[&[3]]), &safe, mac])
    };
    let read = |file: &[u8]| Pkcs12::read(file, &pin()).unwrap_err();
    // 2³¹ − 1, and a number beyond all counting.
    for many in [&[0x7f, 0xff, 0xff, 0xff][..], &[0x7f; 20]] {
        assert_eq!(read(&file(&mac(many))), Pkcs12Error::TooManyIterations);
    }
    assert!(matches!(read(&file(&mac(&[0]))), Pkcs12Error::Malformed(_)));
    assert!(matches!(read(&file(&mac(&[0xff]))), Pkcs12Error::Malformed(_)));
    assert_eq!(read(&file(&mac(&[1]))), Pkcs12Error::WrongPassword);
    assert!(matches!(read(&file(&[])), Pkcs12Error::Unsupported(_)));
    assert_eq!(read(&vec![0x30; limits::PKCS12_BYTES + 1]), Pkcs12Error::TooLarge);
    let nested = [[0x30, 0x80].repeat(100_000), [0, 0].repeat(20_000)].concat();
    assert!(matches!(read(&nested), Pkcs12Error::Malformed(_)));
}

#[test]
fn the_bags_of_one_file_are_counted() {
    let bags = |count: usize| {
        let other = write(SEQUENCE, &[&write_oid("1.2.3"), &write(CONTENT, &[])]);
        write(SEQUENCE, &[&other.repeat(count)])
    };
    let password = Password::new(&pin());
    let open = |octets: &[u8]| {
        let found = Pkcs12 { keys: Vec::new(), certificates: Vec::new() };
        let budget = Budget::new();
        Opening { password: &password, budget, bags: 0, found }.bags(octets, 3)
    };
    assert_eq!(open(&bags(limits::PKCS12_BAGS)), Ok(()));
    assert_eq!(open(&bags(limits::PKCS12_BAGS + 1)), Err(Pkcs12Error::TooManyBags));
    let within = |inner: &[u8]| {
        let kind = write_oid(&format!("{BAGS}6"));
        write(SEQUENCE, &[&write(SEQUENCE, &[&kind, &write(CONTENT, &[inner])])])
    };
    let three = within(&within(&within(&bags(0))));
    assert_eq!(open(&three), Ok(()));
    assert!(matches!(open(&within(&three)), Err(Pkcs12Error::Malformed(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_changed_bit_never_gives_another_key(at in any::<prop::sample::Index>(), bit in 0..8u32) {
        static FILE: std::sync::LazyLock<(SoftwareKey, Vec<u8>)> =
            std::sync::LazyLock::new(|| written(GostCurve::Tc26A256));
        let (key, mut file) = (&FILE.0, FILE.1.clone());
        let at = at.index(file.len());
        file[at] ^= 1u8 << bit;
        // An iteration count may have grown, which takes its time.
        if let Ok(read) = Pkcs12::read(&file, &pin()) {
            let keys = read.keys();
            prop_assert_eq!(keys[0].public_key.as_ref(), Some(key.public_key()));
        }
    }

    #[test]
    fn any_octets_are_no_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Pkcs12::read(&octets, &pin()).is_err());
        let _ = SoftwareKey::from_pkcs8(&octets);
        let sequence = write(SEQUENCE, &[&octets]);
        prop_assert!(Pkcs12::read(&sequence, &pin()).is_err());
        let _ = SoftwareKey::from_pkcs8(&sequence);
    }
}
