//! Distinguished names (RFC 5280 §4.1.2.4, RFC 4514).

use std::fmt;

use x509_parser::x509::X509Name;

/// A distinguished name: its DER for comparison, its attributes for people.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    der: Vec<u8>,
    attributes: Vec<(String, String)>,
}

impl Name {
    /// Reads a parsed name; attribute values that are no text are left out of the attributes.
    pub fn new(name: &X509Name<'_>) -> Self {
        let attributes = name
            .iter_attributes()
            .filter_map(|attribute| {
                let value = attribute.as_str().ok()?;
                Some((attribute.attr_type().to_id_string(), value.to_owned()))
            })
            .collect();
        Self { der: name.as_raw().to_vec(), attributes }
    }

    /// The DER of the whole name.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Attributes as (dotted OID, value), in the order of the name.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(oid, value)| (oid.as_str(), value.as_str()))
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
        for (index, (oid, value)) in self.attributes.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}={}", short_name(oid), escaped(value))?;
        }
        Ok(())
    }
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

fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        let edge = (c == ' ' && (index == 0 || index == last)) || (c == '#' && index == 0);
        match c {
            '\0' => out.push_str("\\00"),
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => out.extend(['\\', c]),
            _ if edge => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}
