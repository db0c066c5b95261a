//! The adapter of the payment gateway, as the configuration has it.

use std::net::IpAddr;
use std::sync::Arc;

use time::OffsetDateTime;

use crate::config::{Config, PaymentConfig};
use crate::crypto::Random;
use crate::gateway::{LocalPayments, Payments, SignedPayments};
use crate::problem::{Kind, Problem};
use crate::validation::Verifier;
use crate::x509::{Certificate, HttpFetch};

/// The gateway: signed both ways, or on this machine.
///
/// # Errors
/// What stands in the way, for the operator to mend.
pub(super) fn connect(
    payment: &PaymentConfig,
    config: &Config,
    verifier: &Arc<Verifier>,
    clock: fn() -> OffsetDateTime,
    random: &Arc<dyn Random>,
) -> Result<Arc<dyn Payments>, Problem> {
    let host = payment.url.split('/').nth(2).unwrap_or_default().to_owned();
    let fetch = Arc::new(HttpFetch::new(std::slice::from_ref(&host)));
    let bad = |code, detail: String| Err(Problem::new(Kind::BadInput, code, detail));
    match (&payment.key, payment.certificates.as_slice(), payment.unsigned) {
        (None, [], true) if !on_this_machine(&host) => {
            let detail = "[payment] url must be on this machine: what it answers is not signed";
            bad("payment-not-local", detail.to_owned())
        }
        (None, [], true) => Ok(Arc::new(LocalPayments::new(payment.url.clone(), fetch))),
        (Some(key), certificates @ [_, ..], false) => {
            let signer = match key.signer(&config.token) {
                Ok(signer) => signer,
                Err(error) => return bad("payment-key", format!("[payment] key: {error}")),
            };
            let certificates = certificates.iter().map(|path| {
                let octets = std::fs::read(path).map_err(|error| error.to_string());
                let read = octets.and_then(|octets| {
                    Certificate::from_der_or_pem(&octets).map_err(|error| error.to_string())
                });
                read.map_err(|why| format!("[payment] certificates: {}: {why}", path.display()))
            });
            let certificates = match certificates.collect() {
                Ok(certificates) => certificates,
                Err(why) => return bad("payment-certificate", why),
            };
            Ok(Arc::new(SignedPayments {
                url: payment.url.clone(),
                certificates,
                signer,
                verifier: Arc::clone(verifier),
                fetch,
                clock,
                random: Arc::clone(random),
            }))
        }
        _ => {
            let detail = "[payment] has a key and the gateway's certificates, or says \
                          `unsigned = true` of a gateway on this machine";
            bad("payment-form", detail.to_owned())
        }
    }
}

fn on_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost"
        || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KeyConfig;
    use crate::crypto::SystemRandom;
    use crate::x509::TrustStore;

    fn code(payment: &PaymentConfig) -> Option<&'static str> {
        let verifier = Arc::new(Verifier::new(TrustStore::default(), None));
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let clock = OffsetDateTime::now_utc;
        connect(payment, &Config::default(), &verifier, clock, &random).err().map(|one| one.code)
    }

    #[test]
    fn an_unsigned_gateway_must_be_here_and_said_to_be_unsigned() {
        let at = |url: &str, unsigned| PaymentConfig {
            url: url.to_owned(),
            unsigned,
            ..PaymentConfig::default()
        };
        for url in ["http://127.0.0.1:8482", "http://[::1]:8482/pay", "http://localhost"] {
            assert_eq!(code(&at(url, true)), None, "{url}");
            assert_eq!(code(&at(url, false)), Some("payment-form"), "{url}");
        }
        for url in ["http://pay.example.kz", "http://10.0.0.1:80", ""] {
            assert_eq!(code(&at(url, true)), Some("payment-not-local"), "{url}");
        }
    }

    #[test]
    fn a_signed_gateway_needs_key_and_certificates_that_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let pin_file = folder.path().join("pin");
        std::fs::write(&pin_file, "1234").unwrap();
        let nowhere = folder.path().join("nowhere");
        let pin_file = Some(pin_file);
        let key = KeyConfig { p12: Some(nowhere.clone()), pin_file, ..KeyConfig::default() };
        let whole = PaymentConfig {
            url: "http://pay.example.kz".to_owned(),
            certificates: vec![nowhere],
            key: Some(key.clone()),
            unsigned: false,
        };
        assert_eq!(code(&whole), Some("payment-key"));
        let without = PaymentConfig { key: None, ..whole.clone() };
        assert_eq!(code(&without), Some("payment-form"));
        let both = PaymentConfig { unsigned: true, ..whole.clone() };
        assert_eq!(code(&both), Some("payment-form"));
        let unpinned = PaymentConfig { certificates: Vec::new(), ..whole.clone() };
        assert_eq!(code(&unpinned), Some("payment-form"));
        let nothing = KeyConfig { p12: None, ..key };
        assert_eq!(code(&PaymentConfig { key: Some(nothing), ..whole }), Some("payment-key"));
    }
}
