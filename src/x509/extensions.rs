//! The extensions of a certificate (RFC 5280 §4.2), read strictly. One that does not read is
//! remembered: the certificate can still be shown, but no path goes through it.

use std::sync::Arc;

use super::GeneralName;
use super::der::{self, DerError, Reader};
use super::name::Name;
use crate::limits;

/// `anyPolicy` (RFC 5280 §4.2.1.4).
pub(crate) const ANY_POLICY: &str = "2.5.29.32.0";

/// The key usage bits (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u16);

/// The basic constraints (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the key may sign certificates.
    pub ca: bool,
    /// How many intermediate certificates may follow.
    pub path_length: Option<u32>,
}

/// The name constraints (RFC 5280 §4.2.1.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints {
    /// Bases of the permitted subtrees.
    pub permitted: Vec<GeneralName>,
    /// Bases of the excluded subtrees.
    pub excluded: Vec<GeneralName>,
}

/// The policy constraints (RFC 5280 §4.2.1.11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyConstraints {
    /// Certificates that may follow before an explicit policy is needed.
    pub require_explicit_policy: Option<u32>,
    /// Certificates that may follow before mapping is no longer allowed.
    pub inhibit_policy_mapping: Option<u32>,
}

/// Where a CRL about the certificate is found (RFC 5280 §4.2.1.13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistributionPoint {
    /// The names of the point; empty where the field is absent.
    pub names: Vec<GeneralName>,
    /// The reasons its CRL covers, as named bits; `None` is all.
    pub reasons: Option<u16>,
    /// Who issues its CRL, where that is not the certificate's issuer.
    pub crl_issuer: Vec<GeneralName>,
    /// A name relative to the issuer of the CRL.
    pub(crate) relative: Option<Vec<u8>>,
}

/// Everything of the extensions that is used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions {
    pub key_usage: Option<KeyUsage>,
    pub extended_key_usage: Option<Vec<String>>,
    pub basic_constraints: Option<BasicConstraints>,
    pub has_policies: bool,
    pub policies: Vec<String>,
    pub policy_mappings: Vec<(String, String)>,
    pub policy_constraints: PolicyConstraints,
    pub inhibit_any_policy: Option<u32>,
    pub name_constraints: Option<NameConstraints>,
    pub alternative_names: Vec<GeneralName>,
    pub subject_key_id: Option<Vec<u8>>,
    pub authority_key_id: Option<Vec<u8>>,
    pub crl_points: Vec<DistributionPoint>,
    pub crl_urls: Vec<Arc<str>>,
    pub delta_crl_urls: Vec<Arc<str>>,
    pub ocsp_urls: Vec<String>,
    pub issuer_urls: Vec<String>,
    /// Dotted identifiers of all, of the critical ones, and of those that do not read.
    pub all: Vec<String>,
    pub critical: Vec<String>,
    pub malformed: Vec<String>,
}

impl KeyUsage {
    /// `digitalSignature`.
    pub fn digital_signature(self) -> bool {
        self.0 & 1 != 0
    }

    /// `nonRepudiation`, which X.509 now calls `contentCommitment`.
    pub fn non_repudiation(self) -> bool {
        self.0 & 2 != 0
    }

    /// `keyCertSign`.
    pub fn key_cert_sign(self) -> bool {
        self.0 & (1 << 5) != 0
    }

    /// `cRLSign`.
    pub fn crl_sign(self) -> bool {
        self.0 & (1 << 6) != 0
    }
}

impl DistributionPoint {
    /// Addresses of this point.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(|name| match name {
            GeneralName::Uri(url) => Some(url.as_str()),
            _ => None,
        })
    }

    /// Whether one of the names of the point, a relative one completed with the name of the CRL's
    /// issuer, is one of these; a point without names goes by that of its CRLs' issuer.
    pub(crate) fn is_named(&self, names: &[GeneralName], crl_issuer: &Name) -> bool {
        let relative = self.relative.as_deref().and_then(|relative| {
            let base = self.crl_issuer.iter().find_map(|name| match name {
                GeneralName::Directory(name) => Some(name),
                _ => None,
            });
            base.unwrap_or(crl_issuer).below(relative).ok()
        });
        let relative = relative.map(GeneralName::Directory);
        let own = match (self.names.is_empty(), &relative) {
            (true, None) => &self.crl_issuer,
            _ => &self.names,
        };
        own.iter().chain(&relative).any(|own| names.iter().any(|name| own.matches(name)))
    }

    /// Reads the content of a `DistributionPoint`.
    fn read(mut fields: Reader<'_>) -> Result<Self, DerError> {
        let mut point = Self::default();
        if let Some(name) = fields.optional(0xa0)? {
            (point.names, point.relative) = point_name(Reader::new(name.content))?;
        }
        if let Some(reasons) = fields.optional(0x81)? {
            point.reasons = Some(der::named_bits(reasons.content)?);
        }
        if let Some(issuer) = fields.optional(0xa2)? {
            point.crl_issuer = GeneralName::read_all(Reader::new(issuer.content))?;
        }
        fields.finish()?;
        Ok(point)
    }
}

impl Extensions {
    /// Takes one extension.
    pub(crate) fn take(&mut self, oid: String, critical: bool, value: &[u8]) {
        if self.read(&oid, value).is_err() {
            self.malformed.push(oid.clone());
        }
        if critical {
            self.critical.push(oid.clone());
        }
        self.all.push(oid);
    }

    /// The critical extension that path validation does not know, if there is one.
    pub(crate) fn unknown_critical(&self) -> Option<&str> {
        self.critical.iter().map(String::as_str).find(|oid| !PROCESSED.contains(oid))
    }

    fn read(&mut self, oid: &str, value: &[u8]) -> Result<(), DerError> {
        match oid {
            "2.5.29.15" => {
                let mut reader = Reader::new(value);
                let bits = der::named_bits(reader.expect(der::BIT_STRING)?.content)?;
                reader.finish()?;
                self.key_usage = Some(KeyUsage(bits));
            }
            "2.5.29.37" => self.extended_key_usage = Some(list(value, |reader| reader.oid())?),
            "2.5.29.19" => self.basic_constraints = Some(basic_constraints(value)?),
            "2.5.29.32" => {
                self.has_policies = true;
                self.policies = list(value, |reader| reader.enter(der::SEQUENCE)?.oid())?;
            }
            "2.5.29.33" => {
                self.policy_mappings = list(value, |reader| {
                    let mut pair = reader.enter(der::SEQUENCE)?;
                    let both = (pair.oid()?, pair.oid()?);
                    pair.finish().map(|()| both)
                })?;
            }
            "2.5.29.36" => self.policy_constraints = policy_constraints(value)?,
            "2.5.29.54" => {
                let mut reader = Reader::new(value);
                self.inhibit_any_policy = Some(der::small(reader.integer()?)?);
                reader.finish()?;
            }
            "2.5.29.30" => self.name_constraints = Some(name_constraints(value)?),
            "2.5.29.17" => {
                let names = Reader::only(value, der::SEQUENCE)?;
                self.alternative_names = GeneralName::read_all(names)?;
            }
            "2.5.29.14" => {
                let mut reader = Reader::new(value);
                self.subject_key_id = Some(reader.expect(der::OCTET_STRING)?.content.to_vec());
                reader.finish()?;
            }
            "2.5.29.35" => self.authority_key_id = key_id(value)?,
            "2.5.29.31" => {
                self.crl_points = points(value)?;
                self.crl_urls = urls(&self.crl_points);
            }
            "2.5.29.46" => self.delta_crl_urls = urls(&points(value)?),
            "1.3.6.1.5.5.7.1.1" => self.access(value)?,
            _ => {}
        }
        Ok(())
    }

    fn access(&mut self, value: &[u8]) -> Result<(), DerError> {
        let descriptions = list(value, |reader| {
            let mut fields = reader.enter(der::SEQUENCE)?;
            let pair = (fields.oid()?, GeneralName::read(&mut fields)?);
            fields.finish().map(|()| pair)
        })?;
        for (method, location) in descriptions {
            match (method.as_str(), location) {
                ("1.3.6.1.5.5.7.48.1", GeneralName::Uri(url)) => self.ocsp_urls.push(url),
                ("1.3.6.1.5.5.7.48.2", GeneralName::Uri(url)) => self.issuer_urls.push(url),
                _ => {}
            }
        }
        Ok(())
    }
}

// The extensions that may be critical because they are processed. Extended key usage and the
// alternative names bear on the leaf only, and its purpose and name constraints judge them.
const PROCESSED: &[&str] = &[
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.30",
    "2.5.29.31",
    "2.5.29.32",
    "2.5.29.33",
    "2.5.29.36",
    "2.5.29.37",
    "2.5.29.54",
];

/// Reads the content of a `DistributionPointName`: full names, or one relative name.
pub(crate) fn point_name(
    mut reader: Reader<'_>,
) -> Result<(Vec<GeneralName>, Option<Vec<u8>>), DerError> {
    let found = match reader.peek() {
        Some(0xa0) => (GeneralName::read_all(reader.enter(0xa0)?)?, None),
        Some(0xa1) => (Vec::new(), Some(reader.enter(0xa1)?.rest().to_vec())),
        _ => return Err(DerError("not the name of a distribution point")),
    };
    reader.finish().map(|()| found)
}

/// The `keyIdentifier` of an authority key identifier (RFC 5280 §4.2.1.1).
pub(crate) fn key_id(value: &[u8]) -> Result<Option<Vec<u8>>, DerError> {
    let mut fields = Reader::only(value, der::SEQUENCE)?;
    let id = fields.optional(0x80)?;
    let issuer = fields.optional(0xa1)?;
    if let Some(issuer) = &issuer {
        GeneralName::read_all(Reader::new(issuer.content))?;
    }
    // Appendix A.2: both or neither.
    if fields.optional(0x82)?.is_some() != issuer.is_some() {
        return Err(DerError("an issuer without serial number, or the other way round"));
    }
    fields.finish()?;
    Ok(id.map(|id| id.content.to_vec()))
}

/// Reads a `CRLDistributionPoints` value.
pub(crate) fn points(value: &[u8]) -> Result<Vec<DistributionPoint>, DerError> {
    list(value, |reader| DistributionPoint::read(reader.enter(der::SEQUENCE)?))
}

/// The addresses of these points.
pub(crate) fn urls(points: &[DistributionPoint]) -> Vec<Arc<str>> {
    points.iter().flat_map(DistributionPoint::urls).map(Arc::from).collect()
}

fn list<T>(
    value: &[u8],
    mut item: impl FnMut(&mut Reader<'_>) -> Result<T, DerError>,
) -> Result<Vec<T>, DerError> {
    let mut reader = Reader::only(value, der::SEQUENCE)?;
    let mut items = Vec::new();
    while !reader.is_empty() {
        if items.len() == limits::EXTENSION_ITEMS {
            return Err(DerError("an extension with too many items"));
        }
        items.push(item(&mut reader)?);
    }
    if items.is_empty() { Err(DerError("an empty list")) } else { Ok(items) }
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, DerError> {
    let mut fields = Reader::only(value, der::SEQUENCE)?;
    let ca = fields.optional(der::BOOLEAN)?.map_or(Ok(false), |e| der::boolean(e.content))?;
    let length = fields.optional(der::INTEGER)?;
    let path_length = length.map(|element| der::small(element.content)).transpose()?;
    fields.finish()?;
    Ok(BasicConstraints { ca, path_length })
}

fn policy_constraints(value: &[u8]) -> Result<PolicyConstraints, DerError> {
    let mut fields = Reader::only(value, der::SEQUENCE)?;
    let mut number =
        |tag| fields.optional(tag)?.map(|element| der::small(element.content)).transpose();
    let constraints = PolicyConstraints {
        require_explicit_policy: number(0x80)?,
        inhibit_policy_mapping: number(0x81)?,
    };
    fields.finish()?;
    Ok(constraints)
}

fn name_constraints(value: &[u8]) -> Result<NameConstraints, DerError> {
    let mut fields = Reader::only(value, der::SEQUENCE)?;
    if fields.is_empty() {
        return Err(DerError("name constraints that constrain nothing"));
    }
    let mut subtrees = |tag| match fields.optional(tag)? {
        None => Ok(Vec::new()),
        Some(element) if element.content.is_empty() => Err(DerError("an empty list of subtrees")),
        Some(element) => subtrees(Reader::new(element.content)),
    };
    let constraints = NameConstraints { permitted: subtrees(0xa0)?, excluded: subtrees(0xa1)? };
    fields.finish()?;
    Ok(constraints)
}

fn subtrees(mut reader: Reader<'_>) -> Result<Vec<GeneralName>, DerError> {
    let mut bases = Vec::new();
    while !reader.is_empty() {
        let mut fields = reader.enter(der::SEQUENCE)?;
        let base = GeneralName::read(&mut fields)?;
        // RFC 5280 §4.2.1.10: minimum is zero and maximum absent in this profile.
        if let Some(minimum) = fields.optional(0x80)?
            && der::small(minimum.content)? != 0
        {
            return Err(DerError("a subtree with a minimum"));
        }
        fields.finish()?;
        if !base.is_sound_base() {
            return Err(DerError("a name constraint that is not written as its form demands"));
        }
        bases.push(base);
    }
    Ok(bases)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_does_not_read_is_remembered() {
        let mut extensions = Extensions::default();
        extensions.take("2.5.29.15".to_owned(), true, &[3, 2, 6, 0xc0]);
        extensions.take("2.5.29.19".to_owned(), true, &[0x30, 3, 1, 1]);
        let usage = extensions.key_usage.unwrap();
        assert!(usage.digital_signature() && usage.non_repudiation() && !usage.key_cert_sign());
        assert_eq!(extensions.malformed, ["2.5.29.19"]);
        assert_eq!(extensions.unknown_critical(), None);
        extensions.take("1.2.398.3.3.5".to_owned(), true, &[]);
        assert_eq!(extensions.unknown_critical(), Some("1.2.398.3.3.5"));
    }

    proptest! {
        #[test]
        fn any_octets_are_no_panic(
            which in prop::sample::select(PROCESSED),
            value in prop::collection::vec(any::<u8>(), 0..48),
        ) {
            let wrapped = der::write(der::SEQUENCE, &[&value]);
            for value in [&value, &wrapped] {
                Extensions::default().take(which.to_owned(), true, value);
                let _ = points(value);
            }
        }
    }
}
