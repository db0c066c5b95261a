//! What need not be worked out twice about certificates: the form read from octets that came
//! before, that an issuer's key made a certificate's signature, and that a path is put together as
//! it must be. None depends on time, trust or revocation, which are judged anew for every document.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use super::Certificate;
use crate::limits;

/// A table with a fixed number of places. What falls on a taken place takes it over, so that the
/// table never grows, and nobody who fills it can make it slower than having none.
pub(crate) struct Places<K, V> {
    hashing: RandomState,
    count: usize,
    places: OnceLock<Box<[Place<K, V>]>>,
}

type Place<K, V> = Mutex<Option<(K, V)>>;

impl<K, V> Places<K, V> {
    pub(crate) fn new(count: usize) -> Self {
        Self { hashing: RandomState::new(), count, places: OnceLock::new() }
    }

    /// What `look` sees in the place of this mark: key and value, if it is taken.
    fn with<T>(&self, mark: &[u8], look: impl FnOnce(&mut Option<(K, V)>) -> T) -> Option<T> {
        let empty = || (0..self.count).map(|_| Mutex::new(None)).collect();
        let places = self.places.get_or_init(empty);
        let place = self.hashing.hash_one(mark) % (places.len() as u64).max(1);
        let place = places.get(usize::try_from(place).ok()?)?;
        Some(look(&mut place.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The certificate these octets are, in whatever encoding `read` reads. The very same octets are
/// read once as long as their place is theirs.
pub fn read_known(
    encoded: &[u8],
    read: impl FnOnce(&[u8]) -> Option<Certificate>,
) -> Option<Certificate> {
    static KNOWN: LazyLock<Places<Box<[u8]>, Certificate>> =
        LazyLock::new(|| Places::new(limits::KNOWN_CERTIFICATES));
    if encoded.len() > limits::KNOWN_CERTIFICATE_BYTES {
        return read(encoded);
    }
    // A certificate ends in its signature, so the last octets tell certificates apart; the key is
    // the whole.
    let mark = encoded.get(encoded.len().saturating_sub(64)..).unwrap_or_default();
    let known = KNOWN.with(mark, |place| match place {
        Some((key, certificate)) if **key == *encoded => Some(certificate.clone()),
        _ => None,
    });
    if let Some(known) = known.flatten() {
        return Some(known);
    }
    let certificate = read(encoded)?;
    KNOWN.with(mark, |place| *place = Some((encoded.into(), certificate.clone())));
    Some(certificate)
}

/// The certificate of these DER octets, read once as long as their place is theirs; `None` if they
/// are none. No base64 text is DER, so both kinds of key stay apart.
pub fn known_certificate(der: &[u8]) -> Option<Certificate> {
    read_known(der, |der| Certificate::from_der(der).ok())
}

/// Whether these certificates make a path by every rule that no time bears on; if that is not known
/// of the very same path, `judge` is asked, and a good answer is remembered.
pub(crate) fn known_structure<E>(
    path: &[Certificate],
    judge: impl FnOnce() -> Result<(), E>,
) -> Result<(), E> {
    static KNOWN: LazyLock<Places<Box<[Certificate]>, ()>> =
        LazyLock::new(|| Places::new(limits::KNOWN_PATHS));
    if path.iter().any(|one| one.der().len() > limits::KNOWN_CERTIFICATE_BYTES) {
        return judge();
    }
    let mark: &[u8] = path.first().map_or(&[], |leaf| leaf.digest());
    let known =
        KNOWN.with(mark, |place| place.as_ref().is_some_and(|(known, ())| **known == *path));
    if known == Some(true) {
        return Ok(());
    }
    judge()?;
    KNOWN.with(mark, |place| *place = Some((path.into(), ())));
    Ok(())
}

/// Signatures that were found good: certificate and the issuer's key, by their digests. It belongs
/// to a trust store and goes with it.
pub(crate) struct GoodSignatures(Places<Edge, ()>);

type Edge = ([u8; 32], [u8; 32]);

impl Default for GoodSignatures {
    fn default() -> Self {
        Self(Places::new(limits::GOOD_SIGNATURES))
    }
}

impl GoodSignatures {
    /// Whether the key of `issuer` is known to have made the signature of `child`; if not,
    /// `verify` is asked, and a good answer is remembered.
    pub(crate) fn check<E>(
        &self,
        child: &Certificate,
        issuer: &Certificate,
        verify: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let edge = (*child.digest(), *issuer.key_digest());
        let known =
            self.0.with(&edge.0, |place| place.as_ref().is_some_and(|(key, ())| *key == edge));
        if known == Some(true) {
            return Ok(());
        }
        verify()?;
        self.0.with(&edge.0, |place| *place = Some((edge, ())));
        Ok(())
    }
}

impl std::fmt::Debug for GoodSignatures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GoodSignatures")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::testing::Authority;

    #[test]
    fn a_signature_is_verified_once_for_certificate_and_key_and_only_if_good() {
        let (one, other) = (Authority::root("One"), Authority::root("Other"));
        let (one, other) = (&one.certificate, &other.certificate);
        let known = GoodSignatures::default();
        let asked = |child, issuer, answer: Result<(), ()>| {
            let mut asked = false;
            let result = known.check(child, issuer, || {
                asked = true;
                answer
            });
            (asked, result)
        };
        assert_eq!(asked(one, other, Err(())), (true, Err(())));
        assert_eq!(asked(one, other, Ok(())), (true, Ok(())));
        assert_eq!(asked(one, other, Err(())), (false, Ok(())));
        // Neither another key nor another certificate is known by it.
        assert_eq!(asked(one, one, Err(())), (true, Err(())));
        assert_eq!(asked(other, other, Err(())), (true, Err(())));
    }

    #[test]
    fn a_path_is_judged_once_and_only_a_good_answer_is_kept_and_for_no_other_path() {
        let [one, two] = ["One", "Two"].map(|name| Authority::root(name).certificate);
        let asked = |path: &[&Certificate], answer: Result<(), ()>| {
            let mut asked = false;
            let path: Vec<Certificate> = path.iter().map(|one| (*one).clone()).collect();
            let result = known_structure(&path, || {
                asked = true;
                answer
            });
            (asked, result)
        };
        assert_eq!(asked(&[&one, &two], Err(())), (true, Err(())));
        assert_eq!(asked(&[&one, &two], Ok(())), (true, Ok(())));
        assert_eq!(asked(&[&one, &two], Err(())), (false, Ok(())));
        assert_eq!(asked(&[&one], Err(())), (true, Err(())));
        assert_eq!(asked(&[&one, &one], Err(())), (true, Err(())));
        assert_eq!(asked(&[&one, &two, &two], Err(())), (true, Err(())));
        assert_eq!(asked(&[&two, &one], Err(())), (true, Err(())));
    }

    #[test]
    fn the_same_octets_are_read_once_and_others_are_not_taken_for_them() {
        let certificate = Authority::root("Root").certificate;
        let read = |octets: &[u8], says| read_known(octets, |_| says);
        let octets = [certificate.der(), b"a test of this table only"].concat();
        assert_eq!(read(&octets, None), None);
        assert_eq!(read(&octets, Some(certificate.clone())), Some(certificate.clone()));
        assert_eq!(read(&octets, None), Some(certificate));
        // The same end, and another beginning.
        let mut other = octets.clone();
        other[0] ^= 1;
        assert_eq!(read(&other, None), None);
    }
}
