//! Roles: the object identifiers under 1.2.398.3.3.4 in a certificate's extended key usage.

use serde::{Deserialize, Serialize};

/// What the national certification authority says its holder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A natural person.
    Individual,
    /// An organisation (its persons and its information systems).
    Organisation,
    /// First head of an organisation.
    FirstHead,
    /// Person with the right to sign for the organisation.
    RightToSign,
    /// Person with the right to sign financial documents.
    RightToSignFinancial,
    /// Person of the personnel department.
    Personnel,
    /// Employee without the right to sign.
    Employee,
    /// Information system of an organisation.
    InformationSystem,
}

impl Role {
    /// Every role with its object identifier.
    pub const TABLE: [(Self, &'static str); 8] = [
        (Self::Individual, "1.2.398.3.3.4.1.1"),
        (Self::Organisation, "1.2.398.3.3.4.1.2"),
        (Self::FirstHead, "1.2.398.3.3.4.1.2.1"),
        (Self::RightToSign, "1.2.398.3.3.4.1.2.2"),
        (Self::RightToSignFinancial, "1.2.398.3.3.4.1.2.3"),
        (Self::Personnel, "1.2.398.3.3.4.1.2.4"),
        (Self::Employee, "1.2.398.3.3.4.1.2.5"),
        (Self::InformationSystem, "1.2.398.3.3.4.1.2.6"),
    ];

    /// The role's object identifier in dotted form.
    pub fn oid(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// The role with this object identifier.
    pub fn from_oid(oid: &str) -> Option<Self> {
        Self::TABLE.iter().find(|(_, known)| *known == oid).map(|(role, _)| *role)
    }

    /// The role's name as reports spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Individual => "individual",
            Self::Organisation => "organisation",
            Self::FirstHead => "first-head",
            Self::RightToSign => "right-to-sign",
            Self::RightToSignFinancial => "right-to-sign-financial",
            Self::Personnel => "personnel",
            Self::Employee => "employee",
            Self::InformationSystem => "information-system",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (role, oid) in Role::TABLE {
            assert_eq!(role.oid(), oid);
            assert_eq!(Role::from_oid(oid), Some(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{}\"", role.as_str()));
        }
    }
}
