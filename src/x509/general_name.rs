//! General names (RFC 5280 §4.2.1.6) and whether one lies within a subtree (§4.2.1.10).

use super::Name;
use super::der::{DerError, Reader};

/// A general name. Forms this program cannot compare are kept by their tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeneralName {
    /// `rfc822Name`: a mailbox, or in a constraint a host or a domain.
    Email(String),
    /// `dNSName`.
    Dns(String),
    /// `directoryName`.
    Directory(Name),
    /// `uniformResourceIdentifier`.
    Uri(String),
    /// `iPAddress`: 4 or 16 octets, twice that in a constraint.
    Ip(Vec<u8>),
    /// Any other form: its context tag and octets.
    Other(u8, Vec<u8>),
}

impl GeneralName {
    /// Reads the next element.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DerError> {
        let element = reader.element()?;
        let text = || match std::str::from_utf8(element.content) {
            Ok(text) if text.is_ascii() => Ok(text.to_owned()),
            _ => Err(DerError("a general name that is not ASCII")),
        };
        Ok(match element.tag {
            0x81 => Self::Email(text()?),
            0x82 => Self::Dns(text()?),
            0xa4 => Self::Directory(Name::from_der(element.content)?),
            0x86 => Self::Uri(text()?),
            0x87 => Self::Ip(element.content.to_vec()),
            0xa0 | 0xa3 | 0xa5 | 0x88 => Self::Other(element.tag, element.content.to_vec()),
            _ => return Err(DerError("not a general name")),
        })
    }

    /// Reads all that is left.
    pub(crate) fn read_all(mut reader: Reader<'_>) -> Result<Vec<Self>, DerError> {
        let mut names = Vec::new();
        while !reader.is_empty() {
            names.push(Self::read(&mut reader)?);
        }
        match names.is_empty() {
            true => Err(DerError("general names are missing")),
            false => Ok(names),
        }
    }

    /// Whether two names are the same, as names of distribution points are compared.
    pub fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Directory(a), Self::Directory(b)) => a.matches(b),
            _ => self == other,
        }
    }

    /// Whether both are of the same form, so that a constraint of one bears on the other.
    pub(crate) fn same_form(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(a, _), Self::Other(b, _)) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether a name of a certificate is written as its form demands.
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::Email(mailbox) => split_mailbox(mailbox).is_some_and(|(_, host)| is_host(host)),
            Self::Dns(host) => is_host(host.strip_prefix("*.").unwrap_or(host)),
            Self::Ip(octets) => matches!(octets.len(), 4 | 16),
            Self::Directory(_) | Self::Uri(_) | Self::Other(..) => true,
        }
    }

    /// Whether the base of a subtree is written as its form demands.
    pub(crate) fn is_sound_base(&self) -> bool {
        match self {
            Self::Email(base) => match split_mailbox(base) {
                Some((_, host)) => is_host(host),
                None => is_host(base.strip_prefix('.').unwrap_or(base)),
            },
            Self::Dns(base) => base.is_empty() || is_host(base),
            Self::Uri(base) => is_host(base.strip_prefix('.').unwrap_or(base)),
            Self::Ip(octets) => match octets.len() {
                8 => is_mask(&octets[4..]),
                32 => is_mask(&octets[16..]),
                _ => false,
            },
            Self::Directory(_) | Self::Other(..) => true,
        }
    }

    /// Whether this name of a certificate lies within the subtree of `base`; `None` where that
    /// cannot be told. `widest` asks whether any name that a wildcard stands for does.
    pub(crate) fn within(&self, base: &Self, widest: bool) -> Option<bool> {
        match (self, base) {
            (Self::Directory(name), Self::Directory(base)) => Some(name.is_within(base)),
            (Self::Email(mailbox), Self::Email(base)) => {
                let (local, host) = split_mailbox(mailbox)?;
                Some(match split_mailbox(base) {
                    Some((other, base)) => local == other && host.eq_ignore_ascii_case(base),
                    None => host_within(host, base),
                })
            }
            (Self::Dns(host), Self::Dns(base)) => Some(match host.strip_prefix("*.") {
                Some(parent) if widest => {
                    domain_within(parent, base)
                        || base.split_once('.').is_some_and(|(_, up)| {
                            domain_within(up, parent) && domain_within(parent, up)
                        })
                        || domain_within(base, parent)
                }
                Some(parent) => domain_within(parent, base),
                None => domain_within(host, base),
            }),
            (Self::Uri(uri), Self::Uri(base)) => {
                host_of_uri(uri).map(|host| host_within(host, base))
            }
            (Self::Ip(address), Self::Ip(base)) => Some(
                base.len() == address.len() * 2
                    && address
                        .iter()
                        .zip(base)
                        .zip(base.iter().skip(address.len()))
                        .all(|((octet, base), mask)| octet & mask == base & mask),
            ),
            _ => None,
        }
    }
}

// A DNS subtree holds its base and whatever adds labels on the left; an empty base holds all.
fn domain_within(host: &str, base: &str) -> bool {
    if base.is_empty() || host.eq_ignore_ascii_case(base) {
        return true;
    }
    let Some(start) = host.len().checked_sub(base.len() + 1) else { return false };
    let (_, tail) = host.split_at(start);
    tail.starts_with('.') && tail[1..].eq_ignore_ascii_case(base)
}

// Hosts of mailboxes and URIs: the base is one host, or with a leading period all hosts below it.
fn host_within(host: &str, base: &str) -> bool {
    match base.strip_prefix('.') {
        Some(domain) => !host.eq_ignore_ascii_case(domain) && domain_within(host, domain),
        None => host.eq_ignore_ascii_case(base),
    }
}

fn split_mailbox(mailbox: &str) -> Option<(&str, &str)> {
    mailbox.rsplit_once('@').filter(|(local, _)| !local.is_empty() && !local.contains('@'))
}

// The host of a URI, if it has one that is a name: constraints bear on nothing else.
fn host_of_uri(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    (is_host(host) && !host.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.'))
        .then_some(host)
}

fn is_host(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
        })
}

fn is_mask(mask: &[u8]) -> bool {
    let ones: u32 = mask.iter().map(|octet| octet.leading_ones()).sum();
    let all: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    let first_gap = mask.iter().position(|octet| *octet != 0xff).unwrap_or(mask.len());
    ones == all && mask.iter().skip(first_gap + 1).all(|octet| *octet == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(text: &str) -> GeneralName {
        GeneralName::Dns(text.to_owned())
    }

    #[test]
    fn dns_subtrees_end_at_labels() {
        for (host, base, inside) in [
            ("a.gov.kz", "gov.kz", true),
            ("GOV.kz", "gov.kz", true),
            ("mygov.kz", "gov.kz", false),
            ("kz", "gov.kz", false),
            ("anything", "", true),
        ] {
            assert_eq!(dns(host).within(&dns(base), false), Some(inside), "{host} in {base}");
        }
        // A wildcard may stand for an excluded host, and is not inside a narrower permission.
        assert_eq!(dns("*.gov.kz").within(&dns("pki.gov.kz"), true), Some(true));
        assert_eq!(dns("*.gov.kz").within(&dns("pki.gov.kz"), false), Some(false));
    }

    #[test]
    fn mailboxes_hosts_and_domains() {
        let mail = |text: &str| GeneralName::Email(text.to_owned());
        for (mailbox, base, inside) in [
            ("a@gov.kz", "gov.kz", true),
            ("a@x.gov.kz", "gov.kz", false),
            ("a@x.gov.kz", ".gov.kz", true),
            ("a@gov.kz", ".gov.kz", false),
            ("a@GOV.kz", "a@gov.kz", true),
            ("A@gov.kz", "a@gov.kz", false),
        ] {
            assert_eq!(mail(mailbox).within(&mail(base), false), Some(inside), "{mailbox} {base}");
        }
    }

    #[test]
    fn addresses_under_masks() {
        let base = GeneralName::Ip(vec![10, 1, 0, 0, 255, 255, 0, 0]);
        assert_eq!(GeneralName::Ip(vec![10, 1, 2, 3]).within(&base, false), Some(true));
        assert_eq!(GeneralName::Ip(vec![10, 2, 2, 3]).within(&base, false), Some(false));
        assert_eq!(GeneralName::Ip(vec![0; 16]).within(&base, false), Some(false));
        assert!(base.is_sound_base());
        for mask in [[255, 0, 255, 0], [255, 253, 0, 0], [0, 1, 0, 0]] {
            let base = GeneralName::Ip([&[10, 1, 0, 0], &mask[..]].concat());
            assert!(!base.is_sound_base(), "{mask:?}");
        }
    }

    #[test]
    fn the_host_of_a_uri() {
        assert_eq!(host_of_uri("http://u@Pki.gov.kz:80/x?y@z"), Some("Pki.gov.kz"));
        assert_eq!(host_of_uri("http://10.0.0.1/x"), None);
        assert_eq!(host_of_uri("urn:x:y"), None);
    }
}
