//! The holder of a certificate: person and organisation as its subject names them.

use serde::{Deserialize, Serialize};

use super::{Bin, Iin, Role};

/// Person, organisation and roles read from a certificate's subject and extended key usage by
/// the national profile: `serialNumber=IIN…`, `OU=BIN…`, `CN`, `O`, `GN` (the patronymic).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Common name; for persons surname and given name.
    pub name: String,
    /// Patronymic, which the national profile keeps in `GN`.
    pub patronymic: Option<String>,
    /// Number of the person.
    pub iin: Option<Iin>,
    /// Number of the organisation.
    pub bin: Option<Bin>,
    /// Name of the organisation.
    pub organisation: Option<String>,
    /// Roles, in the order of the certificate.
    pub roles: Vec<Role>,
}

impl Holder {
    /// Reads a holder from subject attributes (dotted OID, value) and extended key usages.
    pub fn from_subject<'a>(
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
        extended_key_usage: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut holder = Self {
            roles: extended_key_usage.into_iter().filter_map(Role::from_oid).collect(),
            ..Self::default()
        };
        for (oid, value) in attributes {
            match oid {
                "2.5.4.3" if holder.name.is_empty() => value.clone_into(&mut holder.name),
                "2.5.4.42" => holder.patronymic = Some(value.to_owned()),
                "2.5.4.10" => holder.organisation = Some(value.to_owned()),
                // Both attributes carry both prefixes in the field (NCANode's notes), so the
                // prefix decides, not the attribute. The first of each kind counts.
                "2.5.4.5" | "2.5.4.11" => holder.take_number(value),
                _ => {}
            }
        }
        holder
    }

    /// Whether the certificate lets its holder act for the organisation it names.
    pub fn may_sign_for_organisation(&self) -> bool {
        self.bin.is_some()
            && self.roles.iter().any(|role| matches!(role, Role::FirstHead | Role::RightToSign))
    }

    /// Name with patronymic, as documents print it.
    pub fn full_name(&self) -> String {
        match &self.patronymic {
            Some(patronymic) => format!("{} {patronymic}", self.name),
            None => self.name.clone(),
        }
    }

    fn take_number(&mut self, value: &str) {
        if let Some(iin) = value.strip_prefix("IIN") {
            self.iin = self.iin.take().or(iin.parse().ok());
        } else if let Some(bin) = value.strip_prefix("BIN") {
            self.bin = self.bin.take().or(bin.parse().ok());
        }
    }
}
