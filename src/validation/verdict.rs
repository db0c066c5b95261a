//! Verdict words (ETSI EN 319 102-1 §5.1.3) and the mapping from reasons to them.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::reason::ReasonCode;

/// The verdict on a signature or a document; worse ones compare greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// Every check passed.
    #[serde(rename = "TOTAL-PASSED")]
    TotalPassed,
    /// What is known does not suffice for a verdict.
    #[serde(rename = "INDETERMINATE")]
    Indeterminate,
    /// A check failed for good.
    #[serde(rename = "TOTAL-FAILED")]
    TotalFailed,
}

/// Why a verdict is not TOTAL-PASSED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)] // The words are the standard's own (EN 319 102-1 table 6).
pub enum SubIndication {
    FormatFailure,
    HashFailure,
    SigCryptoFailure,
    Revoked,
    SigConstraintsFailure,
    ChainConstraintsFailure,
    CertificateChainGeneralFailure,
    CryptoConstraintsFailureNoPoe,
    NoSigningCertificateFound,
    NoCertificateChainFound,
    RevokedNoPoe,
    OutOfBoundsNoPoe,
    OutOfBoundsNotRevoked,
    TryLater,
    SignedDataNotFound,
    RevokedCaNoPoe,
    NoPoe,
    TimestampOrderFailure,
    NotYetValid,
    Expired,
}

/// Where the time of judgement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSource {
    /// The clock of this machine: nothing proves that the signature existed earlier.
    Now,
    /// The caller named the time.
    Given,
    /// The registration moment, which the audit log proves (DESIGN decision 8).
    Register,
    /// A time-stamp over the signature that stands.
    TimeStamp,
}

/// The time a signature is judged at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedTime {
    /// The moment.
    pub time: OffsetDateTime,
    /// What makes it believable.
    pub source: TimeSource,
}

impl SubIndication {
    /// The word as the standard spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FormatFailure => "FORMAT_FAILURE",
            Self::HashFailure => "HASH_FAILURE",
            Self::SigCryptoFailure => "SIG_CRYPTO_FAILURE",
            Self::Revoked => "REVOKED",
            Self::SigConstraintsFailure => "SIG_CONSTRAINTS_FAILURE",
            Self::ChainConstraintsFailure => "CHAIN_CONSTRAINTS_FAILURE",
            Self::CertificateChainGeneralFailure => "CERTIFICATE_CHAIN_GENERAL_FAILURE",
            Self::CryptoConstraintsFailureNoPoe => "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
            Self::NoSigningCertificateFound => "NO_SIGNING_CERTIFICATE_FOUND",
            Self::NoCertificateChainFound => "NO_CERTIFICATE_CHAIN_FOUND",
            Self::RevokedNoPoe => "REVOKED_NO_POE",
            Self::OutOfBoundsNoPoe => "OUT_OF_BOUNDS_NO_POE",
            Self::OutOfBoundsNotRevoked => "OUT_OF_BOUNDS_NOT_REVOKED",
            Self::TryLater => "TRY_LATER",
            Self::SignedDataNotFound => "SIGNED_DATA_NOT_FOUND",
            Self::RevokedCaNoPoe => "REVOKED_CA_NO_POE",
            Self::NoPoe => "NO_POE",
            Self::TimestampOrderFailure => "TIMESTAMP_ORDER_FAILURE",
            Self::NotYetValid => "NOT_YET_VALID",
            Self::Expired => "EXPIRED",
        }
    }
}

impl Verdict {
    /// The word as the standard spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TotalPassed => "TOTAL-PASSED",
            Self::Indeterminate => "INDETERMINATE",
            Self::TotalFailed => "TOTAL-FAILED",
        }
    }

    /// Verdict and sub-indication for one reason at its gravest.
    ///
    /// Revocation and validity are told apart by the verifier, which knows the times.
    pub fn of(code: ReasonCode) -> (Self, SubIndication) {
        use ReasonCode as R;
        use SubIndication as S;
        match code {
            R::Malformed | R::Refused | R::AddedAfterSigning | R::HiddenContent => {
                (Self::TotalFailed, S::FormatFailure)
            }
            R::ContentChanged => (Self::TotalFailed, S::HashFailure),
            R::BadSignature => (Self::TotalFailed, S::SigCryptoFailure),
            R::ContentMissing => (Self::Indeterminate, S::SignedDataNotFound),
            R::CertificateMissing | R::CertificateMismatch => {
                (Self::Indeterminate, S::NoSigningCertificateFound)
            }
            R::UnsupportedAlgorithm => (Self::Indeterminate, S::CryptoConstraintsFailureNoPoe),
            R::UntrustedIssuer => (Self::Indeterminate, S::NoCertificateChainFound),
            R::PathInvalid => (Self::Indeterminate, S::CertificateChainGeneralFailure),
            R::WrongKeyUsage => (Self::Indeterminate, S::ChainConstraintsFailure),
            R::NotYetValid | R::Expired => (Self::Indeterminate, S::OutOfBoundsNoPoe),
            R::Revoked => (Self::Indeterminate, S::RevokedNoPoe),
            R::OnHold | R::RevocationUnknown => (Self::Indeterminate, S::TryLater),
            R::IinMismatch
            | R::BinMismatch
            | R::NoRightToSign
            | R::ClaimedTimeImplausible
            | R::TimestampInvalid => (Self::Indeterminate, S::SigConstraintsFailure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_spelled_as_the_standard_spells_them() {
        for verdict in [Verdict::TotalPassed, Verdict::Indeterminate, Verdict::TotalFailed] {
            let json = serde_json::to_string(&verdict).unwrap();
            assert_eq!(json, format!("\"{}\"", verdict.as_str()));
        }
        for code in ReasonCode::ALL {
            let why = Verdict::of(code).1;
            assert_eq!(serde_json::to_string(&why).unwrap(), format!("\"{}\"", why.as_str()));
        }
    }

    #[test]
    fn unknown_revocation_is_neither_valid_nor_invalid() {
        let (verdict, why) = Verdict::of(ReasonCode::RevocationUnknown);
        assert_eq!((verdict, why), (Verdict::Indeterminate, SubIndication::TryLater));
    }

    #[test]
    fn no_reason_leaves_a_verdict_passed() {
        for code in ReasonCode::ALL {
            assert!(Verdict::of(code).0 > Verdict::TotalPassed, "{code}");
        }
    }
}
