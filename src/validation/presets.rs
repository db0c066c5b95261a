//! Presets: the addresses of the national hierarchies, so that operators need not copy them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

static PRESETS: LazyLock<BTreeMap<String, Preset>> =
    LazyLock::new(|| toml::from_str(include_str!("presets.toml")).unwrap_or_default());

/// The services of one hierarchy.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Preset {
    /// OCSP responders.
    pub ocsp: Vec<String>,
    /// Time-stamping authorities.
    pub time_stamps: Vec<String>,
    /// The policy to ask them for, dotted.
    pub time_stamp_policy: String,
    /// CRLs and delta CRLs.
    pub crl: Vec<String>,
    /// Where the operator finds the certificates; this program never fetches them.
    pub certificates: Vec<String>,
}

impl Preset {
    /// The preset of this name: `kz-production` or `kz-test`.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.get(name)
    }

    /// The names there are.
    pub fn names() -> Vec<&'static str> {
        PRESETS.keys().map(String::as_str).collect()
    }

    /// The hosts of its OCSP responders, time-stamping authorities and CRLs.
    pub fn hosts(&self) -> Vec<String> {
        let addresses = self.ocsp.iter().chain(&self.time_stamps).chain(&self.crl);
        let host = |address: &String| {
            let authority = address.split('/').nth(2)?;
            Some(authority.strip_suffix(":80").unwrap_or(authority).to_owned())
        };
        let mut hosts: Vec<String> = addresses.filter_map(host).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::AllowedHosts;

    #[test]
    fn presets_allow_their_own_addresses_and_no_others() {
        assert_eq!(Preset::names(), ["kz-production", "kz-test"]);
        for name in Preset::names() {
            let preset = Preset::named(name).unwrap();
            let allowed = AllowedHosts::new(&preset.hosts());
            for address in preset.ocsp.iter().chain(&preset.time_stamps).chain(&preset.crl) {
                assert_eq!(allowed.check(address), Ok(()), "{address}");
            }
            assert!(allowed.check("http://example.kz/").is_err());
        }
        let production = Preset::named("kz-production").unwrap().hosts();
        assert_eq!(production, ["crl.pki.gov.kz", "ocsp.pki.gov.kz", "tsp.pki.gov.kz"]);
        assert_eq!(Preset::named("kz"), None);
    }
}
