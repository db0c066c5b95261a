//! Who computes the checks of RSA and ECDSA values: a table of one function for each library, so
//! that another one is one more row. GOST values are our own (`gost`).

use std::sync::atomic::{AtomicUsize, Ordering};

/// A library that checks signature values.
pub struct Provider {
    /// Its name.
    pub name: &'static str,
    verify: fn(Scheme, Message<'_>) -> bool,
}

/// What is computed: algorithm, curve, and how the value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Pkcs1Sha1,
    Pkcs1Sha256,
    Pkcs1Sha384,
    Pkcs1Sha512,
    PssSha256,
    PssSha384,
    PssSha512,
    P256Sha256Fixed,
    P384Sha384Fixed,
    P256Sha256Der,
    P256Sha384Der,
    P384Sha256Der,
    P384Sha384Der,
}

/// The octets of `subjectPublicKey`, the message, the signature value.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub key: &'a [u8],
    pub octets: &'a [u8],
    pub value: &'a [u8],
}

/// What a library calls a scheme. Both have the same interface.
macro_rules! parameters {
    ($scheme:expr, $library:ident) => {{
        use $library::signature as s;
        let parameters: &'static dyn s::VerificationAlgorithm = match $scheme {
            Scheme::Pkcs1Sha1 => &s::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Scheme::Pkcs1Sha256 => &s::RSA_PKCS1_2048_8192_SHA256,
            Scheme::Pkcs1Sha384 => &s::RSA_PKCS1_2048_8192_SHA384,
            Scheme::Pkcs1Sha512 => &s::RSA_PKCS1_2048_8192_SHA512,
            Scheme::PssSha256 => &s::RSA_PSS_2048_8192_SHA256,
            Scheme::PssSha384 => &s::RSA_PSS_2048_8192_SHA384,
            Scheme::PssSha512 => &s::RSA_PSS_2048_8192_SHA512,
            Scheme::P256Sha256Fixed => &s::ECDSA_P256_SHA256_FIXED,
            Scheme::P384Sha384Fixed => &s::ECDSA_P384_SHA384_FIXED,
            Scheme::P256Sha256Der => &s::ECDSA_P256_SHA256_ASN1,
            Scheme::P256Sha384Der => &s::ECDSA_P256_SHA384_ASN1,
            Scheme::P384Sha256Der => &s::ECDSA_P384_SHA256_ASN1,
            Scheme::P384Sha384Der => &s::ECDSA_P384_SHA384_ASN1,
        };
        parameters
    }};
}

fn by_ring(scheme: Scheme, message: Message<'_>) -> bool {
    let key = ring::signature::UnparsedPublicKey::new(parameters!(scheme, ring), message.key);
    key.verify(message.octets, message.value).is_ok()
}

/// As ring, but an RSA key that was prepared is kept, which ring has no way to do: preparing it is
/// a good part of the work of each value.
#[cfg(feature = "aws-lc-rs")]
fn by_aws_lc(scheme: Scheme, message: Message<'_>) -> bool {
    use aws_lc_rs::signature::{ParsedPublicKey, UnparsedPublicKey};
    use std::cell::RefCell;
    use std::hash::{BuildHasher as _, RandomState};

    /// Keys of one thread; one that falls on a taken place takes it over. In tests all do.
    const PLACES: usize = if cfg!(test) { 1 } else { 64 };
    type Prepared = (Scheme, Box<[u8]>, ParsedPublicKey);
    thread_local! {
        static HASHING: RandomState = RandomState::new();
        static KEYS: RefCell<[Option<Prepared>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
    }

    let Message { key, octets, value } = message;
    let parameters = parameters!(scheme, aws_lc_rs);
    let rsa = !matches!(
        scheme,
        Scheme::P256Sha256Fixed
            | Scheme::P384Sha384Fixed
            | Scheme::P256Sha256Der
            | Scheme::P256Sha384Der
            | Scheme::P384Sha256Der
            | Scheme::P384Sha384Der
    );
    if !rsa {
        return UnparsedPublicKey::new(parameters, key).verify(octets, value).is_ok();
    }
    let place = HASHING.with(|hashing| hashing.hash_one(key)) as usize % PLACES;
    KEYS.with_borrow_mut(|keys| {
        let Some(place) = keys.get_mut(place) else { return false };
        if !place.as_ref().is_some_and(|known| known.0 == scheme && *known.1 == *key) {
            *place =
                ParsedPublicKey::new(parameters, key).ok().map(|one| (scheme, key.into(), one));
        }
        place.as_ref().is_some_and(|known| known.2.verify_sig(octets, value).is_ok())
    })
}

/// The libraries built in; the first is used unless another is asked for.
static PROVIDERS: &[Provider] = &[
    #[cfg(feature = "aws-lc-rs")]
    Provider { name: "aws-lc-rs", verify: by_aws_lc },
    Provider { name: "ring", verify: by_ring },
];

static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// The libraries built in, the default one first.
pub fn providers() -> &'static [Provider] {
    PROVIDERS
}

/// Uses the library of this name from now on, in the whole process; `false` if it is not built in.
pub fn use_provider(name: &str) -> bool {
    let place = PROVIDERS.iter().position(|provider| provider.name == name);
    if let Some(place) = place {
        IN_USE.store(place, Ordering::Relaxed);
    }
    place.is_some()
}

/// Whether the value belongs to message and key, as the library in use has it.
pub(super) fn verify(scheme: Scheme, message: Message<'_>) -> bool {
    let provider = PROVIDERS.get(IN_USE.load(Ordering::Relaxed));
    provider.is_some_and(|provider| (provider.verify)(scheme, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

    // RSA and the other schemes go through the vectors of `tests/conformance_wycheproof.rs`, with
    // whatever library is the default.
    #[test]
    fn every_library_takes_good_values_and_refuses_others() {
        assert!(use_provider(providers()[0].name) && !use_provider("another"));
        let (random, how) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(how, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(how, pkcs8.as_ref(), &random).unwrap();
        let value = pair.sign(&random, b"a message").unwrap();
        let key = pair.public_key().as_ref();
        let good = Message { key, octets: b"a message", value: value.as_ref() };
        for Provider { name, verify } in providers() {
            let verify = |message| verify(Scheme::P256Sha256Fixed, message);
            assert!(verify(good), "{name}");
            assert!(!verify(Message { octets: b"another", ..good }), "{name}");
            assert!(!verify(Message { value: &value.as_ref()[1..], ..good }), "{name}");
            assert!(!verify(Message { key: &key[1..], ..good }), "{name}");
        }
    }

    #[cfg(feature = "aws-lc-rs")]
    #[test]
    fn a_kept_key_is_taken_for_no_other_key_and_no_other_scheme() {
        use aws_lc_rs::rsa::{KeyPair, KeySize};
        use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};

        let pairs = [(); 2].map(|()| KeyPair::generate(KeySize::Rsa2048).unwrap());
        let [own, other] = pairs.each_ref().map(|pair| pair.public_key().as_ref());
        let mut value = vec![0; pairs[0].public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        pairs[0].sign(&RSA_PKCS1_SHA256, &random, b"a message", &mut value).unwrap();
        let ask =
            |scheme, key| by_aws_lc(scheme, Message { key, octets: b"a message", value: &value });
        for _ in 0..2 {
            assert!(ask(Scheme::Pkcs1Sha256, own));
            assert!(!ask(Scheme::Pkcs1Sha256, other));
            assert!(ask(Scheme::Pkcs1Sha256, own));
            assert!(!ask(Scheme::PssSha256, own));
            assert!(!ask(Scheme::Pkcs1Sha256, b"no key"));
        }
    }
}
