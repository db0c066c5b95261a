//! Formats of signatures and their levels.

use serde::{Deserialize, Serialize};

/// The baseline level of an AdES signature (EN 319 132-1 §6.1 and its sisters for CMS and PDF):
/// what it carries so that it can be verified later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The signature alone.
    #[default]
    B,
    /// With a time-stamp over its value.
    T,
    /// With the certificates and revocation values too.
    Lt,
    /// With a time-stamp over all of it.
    Lta,
}

/// The format and level of one signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum SignatureFormat {
    /// XML signature without XAdES properties (W3C xmldsig-core1).
    XmlDsig,
    /// The signature of a SOAP message (OASIS WS-Security 1.1).
    WsSecurity,
    /// ETSI EN 319 132-1.
    Xades(Level),
    /// RFC 5652 without `signingCertificate(V2)`.
    Cms,
    /// ETSI EN 319 122-1.
    Cades(Level),
    /// A PDF signature that is not PAdES (ISO 32000-1 §12.8).
    Pdf,
    /// ETSI EN 319 142-1.
    Pades(Level),
}

impl Level {
    /// Every level, the lowest first.
    pub const ALL: [Self; 4] = [Self::B, Self::T, Self::Lt, Self::Lta];

    /// `B`, `T`, `LT` or `LTA`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::B => "B",
            Self::T => "T",
            Self::Lt => "LT",
            Self::Lta => "LTA",
        }
    }
}

impl SignatureFormat {
    /// The name of format and level.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::XmlDsig => "XMLDSig",
            Self::WsSecurity => "WS-Security",
            Self::Xades(Level::B) => "XAdES-B-B",
            Self::Xades(Level::T) => "XAdES-B-T",
            Self::Xades(Level::Lt) => "XAdES-B-LT",
            Self::Xades(Level::Lta) => "XAdES-B-LTA",
            Self::Cms => "CMS",
            Self::Cades(Level::B) => "CAdES-B-B",
            Self::Cades(Level::T) => "CAdES-B-T",
            Self::Cades(Level::Lt) => "CAdES-B-LT",
            Self::Cades(Level::Lta) => "CAdES-B-LTA",
            Self::Pdf => "PDF",
            Self::Pades(Level::B) => "PAdES-B-B",
            Self::Pades(Level::T) => "PAdES-B-T",
            Self::Pades(Level::Lt) => "PAdES-B-LT",
            Self::Pades(Level::Lta) => "PAdES-B-LTA",
        }
    }

    /// The same format at another level; formats without levels stay what they are.
    #[must_use]
    pub fn at(self, level: Level) -> Self {
        match self {
            Self::Xades(_) => Self::Xades(level),
            Self::Cades(_) => Self::Cades(level),
            Self::Pades(_) => Self::Pades(level),
            Self::XmlDsig | Self::WsSecurity | Self::Cms | Self::Pdf => self,
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        let levels = Level::ALL.into_iter();
        let ades =
            levels.flat_map(|level| [Self::Xades(level), Self::Cades(level), Self::Pades(level)]);
        [Self::XmlDsig, Self::WsSecurity, Self::Cms, Self::Pdf].into_iter().chain(ades)
    }
}

impl From<SignatureFormat> for &'static str {
    fn from(format: SignatureFormat) -> Self {
        format.as_str()
    }
}

impl TryFrom<String> for SignatureFormat {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::all().find(|format| format.as_str() == name).ok_or("unknown signature format")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_read_back() {
        for format in SignatureFormat::all() {
            assert_eq!(SignatureFormat::try_from(format.as_str().to_owned()), Ok(format));
        }
        assert!(SignatureFormat::try_from("XAdES".to_owned()).is_err());
    }
}
