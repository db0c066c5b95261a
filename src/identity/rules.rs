//! Match rules: whose certificate may sign a request, and whose a result (DESIGN decisions 5, 6).

use serde::{Deserialize, Serialize};

use super::{Bin, Holder, Iin};
use crate::reason::{Reason, ReasonCode};

/// Who asks for a licence: the numbers a request is made under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Applicant {
    /// A natural person or a sole trader.
    Person {
        /// The person's number.
        iin: Iin,
    },
    /// A legal person.
    Organisation {
        /// The organisation's number.
        bin: Bin,
    },
}

/// Whether `holder` may sign a request of `applicant`; `recorded` says that an authority of this
/// holder to sign for the organisation is on record although the certificate gives none.
///
/// # Errors
/// `iin-mismatch`, `bin-mismatch` or `no-right-to-sign`.
pub fn match_applicant(
    applicant: &Applicant,
    holder: &Holder,
    recorded: bool,
) -> Result<(), Reason> {
    match applicant {
        Applicant::Person { iin } if holder.iin.as_ref() == Some(iin) => Ok(()),
        Applicant::Person { .. } => Err(ReasonCode::IinMismatch.into()),
        Applicant::Organisation { bin } => signs_for(bin, holder, recorded),
    }
}

/// Whether `holder` acts for the authority with this BIN. What the officer may do there is
/// decided by the authority's own dated list, not by the certificate.
///
/// # Errors
/// `bin-mismatch` if the certificate names another organisation or none.
pub fn match_authority(authority: &Bin, holder: &Holder) -> Result<(), Reason> {
    match &holder.bin {
        Some(bin) if bin == authority => Ok(()),
        _ => Err(ReasonCode::BinMismatch.into()),
    }
}

fn signs_for(bin: &Bin, holder: &Holder, recorded: bool) -> Result<(), Reason> {
    if holder.bin.as_ref() != Some(bin) {
        return Err(ReasonCode::BinMismatch.into());
    }
    if recorded || holder.may_sign_for_organisation() {
        return Ok(());
    }
    Err(ReasonCode::NoRightToSign.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Role;

    fn holder(roles: &[Role]) -> Holder {
        Holder {
            iin: "871008401427".parse().ok(),
            bin: "940140000385".parse().ok(),
            roles: roles.to_vec(),
            ..Holder::default()
        }
    }

    #[test]
    fn a_person_matches_by_iin_alone() {
        let own = Applicant::Person { iin: "871008401427".parse().unwrap() };
        let other = Applicant::Person { iin: "760212350620".parse().unwrap() };
        assert_eq!(match_applicant(&own, &holder(&[]), false), Ok(()));
        let refused = match_applicant(&other, &holder(&[Role::FirstHead]), true);
        assert_eq!(refused, Err(ReasonCode::IinMismatch.into()));
    }

    #[test]
    fn an_organisation_needs_its_bin_and_a_right_to_sign() {
        let own = Applicant::Organisation { bin: "940140000385".parse().unwrap() };
        let other = Applicant::Organisation { bin: "950341000052".parse().unwrap() };
        for role in [Role::FirstHead, Role::RightToSign] {
            assert_eq!(match_applicant(&own, &holder(&[role]), false), Ok(()));
        }
        let employee = holder(&[Role::Organisation, Role::Employee]);
        let refused = match_applicant(&own, &employee, false);
        assert_eq!(refused, Err(ReasonCode::NoRightToSign.into()));
        assert_eq!(match_applicant(&own, &employee, true), Ok(()));
        let refused = match_applicant(&other, &holder(&[Role::FirstHead]), true);
        assert_eq!(refused, Err(ReasonCode::BinMismatch.into()));
    }
}
