//! Certificate revocation lists (RFC 5280 §5): read in one pass, verified once, then an index.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use time::OffsetDateTime;

use super::crl_index::{CrlIndex, Entry};
use super::der::{self, DerError, Element, Reader};
use super::extensions::{key_id, point_name, points, urls};
use super::large::Large;
use super::signed::{AlgorithmIdentifier, Signed, accepted};
use super::{GeneralName, Name};
use crate::crypto::{DigestAlgorithm, PublicKey, VerifyError, digest};
use crate::limits;

/// A CRL: what it says of itself, and the index of its entries.
pub struct Crl {
    issuer: Name,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    extensions: CrlExtensions,
    /// Issuers of certificates in an indirect CRL; the first is the CRL's own.
    issuers: Vec<Vec<GeneralName>>,
    index: CrlIndex,
    digest: Vec<u8>,
    algorithm: AlgorithmIdentifier,
    state: Mutex<State>,
}

/// Why octets are no CRL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// Larger than [`limits::CRL_BYTES`].
    #[error("the CRL is larger than {} bytes", limits::CRL_BYTES)]
    TooLarge,
    /// Not a DER CRL.
    #[error("not a CRL: {0}")]
    Malformed(&'static str),
}

/// One revoked certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlEntry {
    /// Since when.
    pub since: OffsetDateTime,
    /// The reason code of RFC 5280 §5.3.1, if one is given.
    pub reason: Option<u8>,
}

/// The scope of a CRL (RFC 5280 §5.2.5).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct IssuingPoint {
    pub names: Vec<GeneralName>,
    pub user_certificates: bool,
    pub authority_certificates: bool,
    pub reasons: Option<u16>,
    pub indirect: bool,
    pub attribute_certificates: bool,
}

#[derive(Debug, Default)]
struct CrlExtensions {
    number: Option<Vec<u8>>,
    delta_base: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    issuing_point: Option<IssuingPoint>,
    freshest: Vec<Arc<str>>,
    expired_from: Option<OffsetDateTime>,
    unknown_critical: bool,
}

struct State {
    /// The CRL's octets: kept until the signature is verified, and longer if they are few.
    octets: Option<Octets>,
    /// What was asked for as evidence before.
    evidence: Option<Arc<[u8]>>,
    verified_by: Option<Vec<u8>>,
}

struct Octets {
    der: Large,
    tbs: Range<usize>,
    signature: Vec<u8>,
}

impl Crl {
    /// Reads a CRL in DER, or in PEM (RFC 7468).
    ///
    /// # Errors
    /// [`CrlError`]; the signature is checked by [`Crl::verify`].
    pub fn read(octets: &[u8]) -> Result<Self, CrlError> {
        if octets.len() > limits::CRL_BYTES {
            return Err(CrlError::TooLarge);
        }
        Self::take(Large::copy(octets))
    }

    /// Reads a CRL file; as [`Crl::read`], without a copy.
    ///
    /// # Errors
    /// [`CrlError`].
    pub fn load(path: &Path) -> Result<Self, CrlError> {
        let octets = File::open(path).and_then(|file| Large::read(file, limits::CRL_BYTES + 1));
        Self::take(octets.map_err(|error| CrlError::Unreadable(error.to_string()))?)
    }

    /// Reads a CRL and keeps the octets until they are verified.
    pub(crate) fn take(octets: Large) -> Result<Self, CrlError> {
        if octets.len() > limits::CRL_BYTES {
            return Err(CrlError::TooLarge);
        }
        let octets = if octets.trim_ascii_start().starts_with(b"-----BEGIN") {
            let (_, pem) = x509_parser::pem::parse_x509_pem(octets.trim_ascii_start())
                .map_err(|_| CrlError::Malformed("not PEM"))?;
            pem.contents.into()
        } else {
            octets
        };
        parse(octets).map_err(|DerError(what)| CrlError::Malformed(what))
    }

    /// Who signed it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was made.
    pub fn this_update(&self) -> OffsetDateTime {
        self.this_update
    }

    /// When the next one is due.
    pub fn next_update(&self) -> Option<OffsetDateTime> {
        self.next_update
    }

    /// The CRL number, big-endian without leading zeros.
    pub fn number(&self) -> Option<&[u8]> {
        self.extensions.number.as_deref()
    }

    /// For a delta CRL, the number of the base it needs at least.
    pub fn delta_base(&self) -> Option<&[u8]> {
        self.extensions.delta_base.as_deref()
    }

    /// Key identifier of the key that signed it.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.extensions.authority_key_id.as_deref()
    }

    /// Addresses of delta CRLs for this base.
    pub fn delta_urls(&self) -> &[Arc<str>] {
        &self.extensions.freshest
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SHA-256 over the CRL's octets.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Since when expired certificates stay listed (`expiredCertsOnCRL`, X.509 §9.5.2.8).
    pub fn expired_from(&self) -> Option<OffsetDateTime> {
        self.extensions.expired_from
    }

    pub(crate) fn issuing_point(&self) -> Option<&IssuingPoint> {
        self.extensions.issuing_point.as_ref()
    }

    /// Whether something critical in it is not understood, so that it must not be used
    /// (RFC 5280 §5.2, §5.3).
    pub fn has_unknown_critical(&self) -> bool {
        self.extensions.unknown_critical
    }

    /// Every entry with this serial number, and the certificate issuers it holds for (in an
    /// indirect CRL these differ from the CRL's issuer).
    pub fn entries_of<'a>(
        &'a self,
        serial: &'a [u8],
    ) -> impl Iterator<Item = (&'a [GeneralName], CrlEntry)> + 'a {
        let issuers = |entry: &Entry| self.issuers.get(usize::from(entry.issuer));
        self.index
            .find(serial)
            .map(move |entry| (issuers(&entry).map_or(&[][..], Vec::as_slice), entry.into()))
    }

    /// The entry for a serial number (DER content octets) of a certificate of this issuer.
    pub fn find(&self, serial: &[u8], issuer: &Name) -> Option<CrlEntry> {
        let wanted = |entry: &Entry| match self.issuers.get(usize::from(entry.issuer)) {
            Some(names) => names.iter().any(|name| match name {
                GeneralName::Directory(name) => name.matches(issuer),
                _ => false,
            }),
            None => false,
        };
        self.index.find(serial).find(wanted).map(CrlEntry::from)
    }

    /// Checks the signature, and that its algorithm is accepted at `at`. The signature is computed
    /// once, and the octets of a large CRL are then let go; the date is looked at each time.
    ///
    /// # Errors
    /// [`VerifyError`]; an algorithm past its date at `at` is unsupported.
    pub fn verify(&self, key: &PublicKey, at: OffsetDateTime) -> Result<(), VerifyError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &state.verified_by {
            accepted(self.algorithm.signature()?, at)?;
            return if *known == key.spki { Ok(()) } else { Err(VerifyError::Wrong) };
        }
        let octets = state.octets.as_ref().ok_or(VerifyError::Wrong)?;
        let signed = Signed {
            octets: octets.der.get(octets.tbs.clone()).unwrap_or_default(),
            algorithm: &self.algorithm,
            value: &octets.signature,
        };
        signed.verify(key, at)?;
        let large = octets.der.len() > limits::CRL_EVIDENCE_BYTES;
        state.verified_by = Some(key.spki.clone());
        if large {
            state.octets = None;
        }
        Ok(())
    }

    /// What is kept as evidence: the CRL's octets, or the SHA-256 of a large one.
    pub fn evidence(&self) -> Arc<[u8]> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { octets, evidence, .. } = &mut *state;
        let small = |octets: &&Octets| octets.der.len() <= limits::CRL_EVIDENCE_BYTES;
        let first = || match octets.as_ref().filter(small) {
            Some(octets) => Arc::from(&octets.der[..]),
            None => Arc::from(self.digest.as_slice()),
        };
        evidence.get_or_insert_with(first).clone()
    }
}

impl From<Entry> for CrlEntry {
    fn from(entry: Entry) -> Self {
        let since = OffsetDateTime::from_unix_timestamp(entry.since);
        Self { since: since.unwrap_or(OffsetDateTime::UNIX_EPOCH), reason: entry.reason }
    }
}

impl CrlEntry {
    /// The reason by its name in RFC 5280 §5.3.1, if one is given.
    pub fn reason_name(&self) -> Option<&'static str> {
        self.reason.and_then(super::revocation::reason)
    }
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crl({} of {}, {} entries)", self.issuer, self.this_update, self.len())
    }
}

fn parse(der: Large) -> Result<Crl, DerError> {
    let mut outer = Reader::only(&der, der::SEQUENCE)?;
    let header = der.len() - outer.rest().len();
    let tbs = outer.expect(der::SEQUENCE)?;
    let algorithm = AlgorithmIdentifier::read(&mut outer)?;
    let signature = der::octets_of_bits(outer.expect(der::BIT_STRING)?.content)?.to_vec();
    outer.finish()?;

    let mut fields = Reader::new(tbs.content);
    let version = fields.optional(der::INTEGER)?;
    if version.is_some_and(|version| version.content != [1]) {
        return Err(DerError("a version other than 2"));
    }
    if AlgorithmIdentifier::read(&mut fields)? != algorithm {
        return Err(DerError("the algorithm inside differs from the one outside"));
    }
    let issuer = Name::from_der(fields.expect(der::SEQUENCE)?.whole)?;
    let this_update = fields.time()?;
    let next_update = match fields.peek() {
        Some(der::UTC_TIME | der::GENERALIZED_TIME) => Some(fields.time()?),
        _ => None,
    };
    let entries = fields.optional(der::SEQUENCE)?;
    let mut extensions = CrlExtensions::default();
    if let Some(list) = fields.optional(0xa0)? {
        let mut list = Reader::only(list.content, der::SEQUENCE)?;
        while !list.is_empty() {
            extensions.take(list.enter(der::SEQUENCE)?, &issuer)?;
        }
    }
    fields.finish()?;

    let list = entries.map_or(&[][..], |list| list.content);
    let indirect = extensions.issuing_point.as_ref().is_some_and(|point| point.indirect);
    let own = [GeneralName::Directory(issuer.clone())];
    let walk = |put: &mut dyn FnMut(&[u8], Entry)| walk(list, indirect, &own, put);
    // A national entry has 38 octets, the shortest possible one 20. Nobody chooses the value of
    // their signature.
    let size = (list.len() / 38, list.len() / 20);
    let (index, (issuers, understood)) = CrlIndex::build(&signature, size, walk)?;
    extensions.unknown_critical |= !understood;

    let tbs = header..header + tbs.whole.len();
    let digest = digest(DigestAlgorithm::Sha256, &der);
    let octets = Some(Octets { tbs, signature, der });
    let state = Mutex::new(State { octets, evidence: None, verified_by: None });
    Ok(Crl {
        issuer,
        this_update,
        next_update,
        extensions,
        issuers,
        index,
        digest,
        algorithm,
        state,
    })
}

// Gives every entry of the list to `put`. Returned are the issuers that entries refer to, and
// whether everything critical was understood.
fn walk(
    list: &[u8],
    indirect: bool,
    own: &[GeneralName],
    put: &mut dyn FnMut(&[u8], Entry),
) -> Result<(Vec<Vec<GeneralName>>, bool), DerError> {
    let mut issuers = vec![own.to_vec()];
    let mut understood = true;
    let mut reader = Reader::new(list);
    while !reader.is_empty() {
        let mut fields = reader.enter(der::SEQUENCE)?;
        let serial = fields.integer()?;
        let since = fields.time()?.unix_timestamp();
        let mut reason = None;
        if let Some(list) = fields.optional(der::SEQUENCE)? {
            let mut list = Reader::new(list.content);
            while !list.is_empty() {
                let (oid, critical, value) = extension(list.enter(der::SEQUENCE)?)?;
                match oid {
                    // reasonCode
                    [0x55, 0x1d, 0x15] => {
                        let code = Reader::new(value).expect(der::ENUMERATED)?;
                        reason = Some(der::small(code.content)?.min(u32::from(u8::MAX)) as u8);
                    }
                    // certificateIssuer: holds for the following entries too (RFC 5280 §5.3.3).
                    [0x55, 0x1d, 0x1d] if indirect => {
                        let names = GeneralName::read_all(Reader::only(value, der::SEQUENCE)?)?;
                        if issuers.len() > usize::from(u16::MAX) {
                            return Err(DerError("too many certificate issuers"));
                        }
                        issuers.push(names);
                    }
                    // invalidityDate and holdInstruction change nothing here.
                    [0x55, 0x1d, 0x18 | 0x17] => {}
                    _ => understood &= !critical,
                }
            }
        }
        fields.finish()?;
        put(serial, Entry { since, reason, issuer: (issuers.len() - 1) as u16 });
    }
    Ok((issuers, understood))
}

// An extension's identifier (content octets), criticality and value.
fn extension<'a>(mut fields: Reader<'a>) -> Result<(&'a [u8], bool, &'a [u8]), DerError> {
    let oid = fields.expect(der::OID)?.content;
    let critical = fields.optional(der::BOOLEAN)?.map_or(Ok(false), |e| der::boolean(e.content))?;
    let value = fields.expect(der::OCTET_STRING)?.content;
    fields.finish().map(|()| (oid, critical, value))
}

impl CrlExtensions {
    fn take(&mut self, fields: Reader<'_>, issuer: &Name) -> Result<(), DerError> {
        let (oid, critical, value) = extension(fields)?;
        let number = |value| -> Result<Vec<u8>, DerError> {
            let mut reader = Reader::new(value);
            let octets = reader.integer()?;
            reader.finish()?;
            Ok(octets.iter().copied().skip_while(|octet| *octet == 0).collect())
        };
        match oid {
            // cRLNumber, deltaCRLIndicator
            [0x55, 0x1d, 0x14] => {
                self.number = Some(number(value)?);
                // RFC 5280 §5.2.3 makes it non-critical.
                self.unknown_critical |= critical;
            }
            [0x55, 0x1d, 0x1b] => self.delta_base = Some(number(value)?),
            // authorityKeyIdentifier
            [0x55, 0x1d, 0x23] => self.authority_key_id = key_id(value)?,
            // issuingDistributionPoint
            [0x55, 0x1d, 0x1c] => self.issuing_point = Some(IssuingPoint::read(value, issuer)?),
            // freshestCRL
            [0x55, 0x1d, 0x2e] => self.freshest = urls(&points(value)?),
            // expiredCertsOnCRL
            [0x55, 0x1d, 0x3c] => self.expired_from = Some(Reader::new(value).time()?),
            _ => self.unknown_critical |= critical,
        }
        Ok(())
    }
}

impl IssuingPoint {
    fn read(value: &[u8], issuer: &Name) -> Result<Self, DerError> {
        let mut fields = Reader::only(value, der::SEQUENCE)?;
        let mut point = Self::default();
        if let Some(name) = fields.optional(0xa0)? {
            let (names, relative) = point_name(Reader::new(name.content))?;
            point.names = names;
            if let Some(relative) = relative {
                point.names.push(GeneralName::Directory(issuer.below(&relative)?));
            }
        }
        let flag = |found: Option<Element<'_>>| {
            found.map_or(Ok(false), |element| der::boolean(element.content))
        };
        point.user_certificates = flag(fields.optional(0x81)?)?;
        point.authority_certificates = flag(fields.optional(0x82)?)?;
        let reasons = fields.optional(0x83)?;
        point.reasons = reasons.map(|element| der::named_bits(element.content)).transpose()?;
        point.indirect = flag(fields.optional(0x84)?)?;
        point.attribute_certificates = flag(fields.optional(0x85)?)?;
        fields.finish()?;
        Ok(point)
    }
}
