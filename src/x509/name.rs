//! Distinguished names (RFC 5280 §4.1.2.4, RFC 4514).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, RelativeDistinguishedName, X509Name};

use super::der::{self, DerError, Reader};

/// A distinguished name: its DER, its form for comparison, its attributes for people. Cloning
/// shares them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(Arc<Forms>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Forms {
    der: Vec<u8>,
    attributes: Vec<(String, String)>,
    /// One entry for each relative name, equal for names that match by RFC 5280 §7.1.
    comparable: Vec<Vec<u8>>,
    /// As people read it.
    text: Box<str>,
}

impl Name {
    /// Reads a DER name.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, DerError> {
        match X509Name::from_der(der) {
            Ok(([], name)) => Ok(Self::new(&name)),
            _ => Err(DerError("not a distinguished name")),
        }
    }

    /// Reads a parsed name; attribute values that are no text are left out of the attributes.
    pub fn new(name: &X509Name<'_>) -> Self {
        let attributes: Vec<(String, String)> = name
            .iter_attributes()
            .filter_map(|attribute| {
                let value = attribute.as_str().ok()?;
                Some((attribute.attr_type().to_id_string(), value.to_owned()))
            })
            .collect();
        let comparable = name.iter_rdn().map(comparable).collect();
        let text = written(&attributes).into();
        Self(Arc::new(Forms { der: name.as_raw().to_vec(), attributes, comparable, text }))
    }

    /// Whether both are the same name by RFC 5280 §7.1: letter case, runs of spaces and the type
    /// of string do not count.
    pub fn matches(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.0.der == other.0.der
            || self.0.comparable == other.0.comparable
    }

    /// Whether this name is `base` or lies below it (RFC 5280 §7.1).
    pub fn is_within(&self, base: &Self) -> bool {
        self.0.comparable.starts_with(&base.0.comparable)
    }

    /// Whether the name has no attributes at all.
    pub fn is_empty(&self) -> bool {
        self.0.comparable.is_empty()
    }

    /// The form for comparison: equal for names that match.
    pub(crate) fn comparable(&self) -> &[Vec<u8>] {
        &self.0.comparable
    }

    /// The name with one more relative name below it, given as the content of a
    /// `RelativeDistinguishedName` (RFC 5280 §4.2.1.13, `nameRelativeToCRLIssuer`).
    pub(crate) fn below(&self, relative: &[u8]) -> Result<Self, DerError> {
        let relative = der::write(der::SET, &[relative]);
        let whole = Reader::only(&self.0.der, der::SEQUENCE)?;
        Self::from_der(&der::write(der::SEQUENCE, &[whole.rest(), &relative]))
    }

    /// The DER of the whole name.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Attributes as (dotted OID, value), in the order of the name.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.attributes.iter().map(|(oid, value)| (oid.as_str(), value.as_str()))
    }

    /// The first common name, or the whole name where there is none.
    pub fn common_name(&self) -> String {
        let found = self.attributes().find(|(oid, _)| *oid == "2.5.4.3");
        found.map_or_else(|| self.to_string(), |(_, value)| value.to_owned())
    }
}

/// The string form of RFC 4514: last attribute first, special characters escaped.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

/// As RFC 4514 §2 writes it, the last relative name first.
fn written(attributes: &[(String, String)]) -> String {
    let one = |(oid, value): &(String, String)| format!("{}={}", short_name(oid), escaped(value));
    attributes.iter().rev().map(one).collect::<Vec<_>>().join(",")
}

fn comparable(relative: &RelativeDistinguishedName<'_>) -> Vec<u8> {
    let mut attributes: Vec<Vec<u8>> = relative.iter().map(comparable_attribute).collect();
    attributes.sort();
    attributes
        .iter()
        .flat_map(|one| [&(one.len() as u32).to_be_bytes()[..], one].concat())
        .collect()
}

fn comparable_attribute(attribute: &AttributeTypeAndValue<'_>) -> Vec<u8> {
    let value = attribute.attr_value();
    let octets = value.data;
    let wide = |width: usize| {
        let units =
            octets.chunks(width).map(|unit| unit.iter().fold(0, |n, o| n << 8 | u32::from(*o)));
        units.map(char::from_u32).collect::<Option<String>>()
    };
    let text = match value.tag().0 {
        // UTF8String, NumericString, PrintableString, IA5String, VisibleString
        12 | 18 | 19 | 22 | 26 => String::from_utf8(octets.to_vec()).ok(),
        // TeletexString, UniversalString, BMPString
        20 => wide(1),
        28 => wide(4),
        30 => wide(2),
        _ => None,
    };
    let mut out = attribute.attr_type().as_bytes().to_vec();
    match text {
        Some(text) => {
            out.push(0);
            let words = text.split_whitespace().map(str::to_lowercase);
            out.extend(words.collect::<Vec<_>>().join(" ").into_bytes());
        }
        None => {
            out.extend([0xff, value.tag().0 as u8]);
            out.extend(octets);
        }
    }
    out
}

fn short_name(oid: &str) -> &str {
    match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.42" => "GN",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "E",
        _ => oid,
    }
}

fn escaped(value: &str) -> Cow<'_, str> {
    let special = |c| matches!(c, '\0' | ',' | '+' | '"' | '\\' | '<' | '>' | ';');
    if !value.contains(special) && !value.starts_with([' ', '#']) && !value.ends_with(' ') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        let edge = (c == ' ' && (index == 0 || index == last)) || (c == '#' && index == 0);
        match c {
            '\0' => out.push_str("\\00"),
            _ if edge || special(c) => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out.into()
}
