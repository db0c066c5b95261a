//! Why something was refused: machine-readable codes with wording in Kazakh, Russian and English.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::text::{Language, Texts};

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded(include_str!("reason.toml")));

/// A machine-readable code. The spelling ([`ReasonCode::as_str`]) is part of the API and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// The certificate's validity has not begun at the time of judgement.
    NotYetValid,
    /// The certificate's validity has ended at the time of judgement.
    Expired,
    /// The certificate was revoked at or before the time of judgement.
    Revoked,
    /// The certificate was suspended (`certificateHold`) at the time of judgement.
    OnHold,
    /// Nobody could say whether the certificate is revoked.
    RevocationUnknown,
    /// No path leads from the certificate to a trust anchor.
    UntrustedIssuer,
    /// A path was found, but a certificate in it breaks a rule of RFC 5280 §6.1.
    PathInvalid,
    /// The certificate's key usage does not allow signing documents.
    WrongKeyUsage,
    /// The IIN of the request is not the one of the certificate.
    IinMismatch,
    /// The BIN of the request is not the one of the certificate.
    BinMismatch,
    /// The certificate's holder has no right to sign for this organisation.
    NoRightToSign,
    /// The signature value does not belong to the signed octets and the certificate's key.
    BadSignature,
    /// The signed content was changed after signing: a digest differs.
    ContentChanged,
    /// An algorithm that this program does not implement, or that the policy refuses.
    UnsupportedAlgorithm,
    /// The signature's structure breaks its standard.
    Malformed,
    /// A construction that is allowed by a standard but refused here because it can deceive.
    Refused,
    /// The signature carries no certificate to judge it by.
    CertificateMissing,
    /// The signed reference to the signing certificate names another certificate.
    CertificateMismatch,
    /// The detached content was not given.
    ContentMissing,
    /// Something was added to the document after it was signed.
    AddedAfterSigning,
    /// The document was signed with content in it that is hidden, covered or used by nothing.
    HiddenContent,
    /// The claimed signing time lies in the future or outside the certificate's validity.
    ClaimedTimeImplausible,
    /// A time-stamp proves nothing: it was made for something else, by nobody who is trusted, or
    /// contradicts another one.
    TimestampInvalid,
}

/// A code with the technical detail of the case (English, for logs and experts; never a secret).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The machine-readable code.
    pub code: ReasonCode,
    /// What exactly was found, in English; may be empty.
    pub detail: String,
}

impl ReasonCode {
    /// Every code, in the order of declaration.
    pub const ALL: [Self; 23] = [
        Self::NotYetValid,
        Self::Expired,
        Self::Revoked,
        Self::OnHold,
        Self::RevocationUnknown,
        Self::UntrustedIssuer,
        Self::PathInvalid,
        Self::WrongKeyUsage,
        Self::IinMismatch,
        Self::BinMismatch,
        Self::NoRightToSign,
        Self::BadSignature,
        Self::ContentChanged,
        Self::UnsupportedAlgorithm,
        Self::Malformed,
        Self::Refused,
        Self::CertificateMissing,
        Self::CertificateMismatch,
        Self::ContentMissing,
        Self::AddedAfterSigning,
        Self::HiddenContent,
        Self::ClaimedTimeImplausible,
        Self::TimestampInvalid,
    ];

    /// The code as it stands in the API, for example `not-yet-valid`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotYetValid => "not-yet-valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::OnHold => "on-hold",
            Self::RevocationUnknown => "revocation-unknown",
            Self::UntrustedIssuer => "untrusted-issuer",
            Self::PathInvalid => "path-invalid",
            Self::WrongKeyUsage => "wrong-key-usage",
            Self::IinMismatch => "iin-mismatch",
            Self::BinMismatch => "bin-mismatch",
            Self::NoRightToSign => "no-right-to-sign",
            Self::BadSignature => "bad-signature",
            Self::ContentChanged => "content-changed",
            Self::UnsupportedAlgorithm => "unsupported-algorithm",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::CertificateMissing => "certificate-missing",
            Self::CertificateMismatch => "certificate-mismatch",
            Self::ContentMissing => "content-missing",
            Self::AddedAfterSigning => "added-after-signing",
            Self::HiddenContent => "hidden-content",
            Self::ClaimedTimeImplausible => "claimed-time-implausible",
            Self::TimestampInvalid => "timestamp-invalid",
        }
    }

    /// The sentence a person sees.
    pub fn message(self, language: Language) -> &'static str {
        TEXTS.get(self.as_str(), language)
    }
}

impl Reason {
    /// A reason with its detail.
    pub fn new(code: ReasonCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl From<ReasonCode> for Reason {
    fn from(code: ReasonCode) -> Self {
        Self::new(code, "")
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail.as_str() {
            "" => write!(f, "{}", self.code),
            detail => write!(f, "{}: {detail}", self.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_sentence_in_three_languages() {
        for code in ReasonCode::ALL {
            for language in Language::ALL {
                let message = code.message(language);
                assert_ne!(message, code.as_str(), "{code} has no {language} text");
            }
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(json, format!("\"{code}\""), "JSON spelling differs from as_str");
        }
    }
}
