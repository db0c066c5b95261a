//! The recipe as data: who is in the test PKI (`certs/recipe.toml`).

use serde::{Deserialize, Serialize};

use super::PkiError;
use crate::identity::{Bin, Iin, Role};
use crate::token::NewKey;

const EMBEDDED: &str = include_str!("../../certs/recipe.toml");

/// Everyone in the test PKI.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Certification authorities, issuers first.
    #[serde(rename = "authority")]
    pub(super) authorities: Vec<Authority>,
    #[serde(rename = "organisation")]
    pub(super) organisations: Vec<Organisation>,
    #[serde(rename = "holder")]
    pub(super) holders: Vec<Holder>,
}

/// The algorithm of every key of one test PKI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// RSA with 2048 bits, signatures RSASSA-PKCS1-v1_5 with SHA-256.
    Rsa,
    /// ECDSA on P-256 with SHA-256.
    P256,
    /// GOST R 34.10-2012 with 512 bits over Streebog-512, which Kazakhstan calls GOST 34.10-2015.
    /// SoftHSM does not have it, so these keys lie in PKCS#12 files.
    Gost,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authority {
    pub id: String,
    pub name: String,
    /// The authority that certifies it; a root certifies itself.
    pub issuer: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organisation {
    pub id: String,
    pub name: String,
    pub bin: Bin,
    pub locality: Option<String>,
    pub region: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Holder {
    pub id: String,
    /// Label of the token that holds the key.
    pub token: String,
    pub profile: Profile,
    /// Common name of a service or system; a person's is made of surname and given name.
    pub name: Option<String>,
    pub surname: Option<String>,
    pub given: Option<String>,
    pub patronymic: Option<String>,
    pub iin: Option<Iin>,
    /// Object identifier of an information system.
    pub system: Option<String>,
    pub organisation: Option<String>,
    #[serde(default)]
    pub roles: Vec<Role>,
    #[serde(default = "issuing_authority")]
    pub issuer: String,
    /// First and last day of validity, counted from the day the PKI is made.
    #[serde(default = "a_year")]
    pub valid_days: [i64; 2],
    /// Reason of a revocation that stands from the beginning.
    pub revoked: Option<String>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Profile {
    /// Signing documents.
    Sign,
    /// Login (and encryption).
    Auth,
    Ocsp,
    Tsa,
}

impl Recipe {
    /// The recipe built into the program.
    ///
    /// # Errors
    /// [`PkiError::Shape`] if it does not parse.
    pub fn embedded() -> Result<Self, PkiError> {
        toml::from_str(EMBEDDED).map_err(|error| PkiError::Shape("recipe.toml", error.to_string()))
    }

    pub(super) fn organisation(&self, holder: &Holder) -> Result<Option<&Organisation>, PkiError> {
        let Some(id) = &holder.organisation else { return Ok(None) };
        let found = self.organisations.iter().find(|organisation| organisation.id == *id);
        found.map(Some).ok_or_else(|| {
            PkiError::Shape("recipe.toml", format!("{}: no organisation {id}", holder.id))
        })
    }
}

impl Algorithm {
    /// The word used in addresses and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::P256 => "p256",
            Self::Gost => "gost",
        }
    }

    /// The kind of key that a token makes; `None` where keys lie in PKCS#12 files.
    pub(super) fn on_token(self) -> Option<NewKey> {
        match self {
            Self::Rsa => Some(NewKey::Rsa2048),
            Self::P256 => Some(NewKey::P256),
            Self::Gost => None,
        }
    }

    /// Whether keys lie inside SoftHSM's tokens; otherwise in PKCS#12 files.
    pub fn uses_tokens(self) -> bool {
        self.on_token().is_some()
    }
}

impl std::str::FromStr for Algorithm {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        let mut all = [Self::Rsa, Self::P256, Self::Gost].into_iter();
        all.find(|algorithm| algorithm.as_str() == text).ok_or_else(|| {
            PkiError::Shape("the algorithm", format!("{text}: rsa, p256 or gost is needed"))
        })
    }
}

impl Holder {
    /// The common name; a person's is surname and given name.
    pub fn common_name(&self) -> String {
        let person = || [&self.surname, &self.given].map(|name| name.clone().unwrap_or_default());
        self.name.clone().unwrap_or_else(|| person().join(" ").trim().to_owned())
    }
}

fn issuing_authority() -> String {
    "ca".to_owned()
}

fn a_year() -> [i64; 2] {
    [-1, 365]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_recipe_names_each_holder_once_with_plausible_numbers() {
        let recipe = Recipe::embedded().unwrap();
        let ids: BTreeSet<_> = recipe.holders.iter().map(|holder| &holder.id).collect();
        assert_eq!(ids.len(), recipe.holders.len());
        for holder in &recipe.holders {
            assert!(holder.iin.iter().all(|iin| iin.plausible().is_ok()), "{}", holder.id);
            recipe.organisation(holder).unwrap();
        }
        assert!(recipe.organisations.iter().all(|o| o.bin.plausible().is_ok()));
        assert!(recipe.authorities.iter().all(|authority| authority.name.contains("TEST")));
    }

    // pkcs11-tool takes the first token whose label begins with the one given.
    #[test]
    fn no_token_label_begins_with_another() {
        let recipe = Recipe::embedded().unwrap();
        let labels: BTreeSet<_> = recipe.holders.iter().map(|holder| &holder.token).collect();
        for label in &labels {
            let begins = |other: &&&String| other.starts_with(label.as_str());
            assert_eq!(labels.iter().filter(begins).count(), 1, "{label}");
        }
    }

    #[test]
    fn its_names_use_every_letter_that_is_only_kazakh() {
        let recipe = Recipe::embedded().unwrap();
        let names: String = recipe.holders.iter().map(Holder::common_name).collect();
        for letter in "ӘҒҚҢӨҰҮҺІ".chars() {
            assert!(names.contains(letter), "{letter}");
        }
    }
}
