//! When a service misbehaves, and how.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::crypto::Random;

/// A service of the double.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Certificate status (RFC 6960).
    Ocsp,
    /// Certificate revocation lists (RFC 5280 §5).
    Crl,
    /// Time-stamps (RFC 3161).
    Tsp,
}

/// A way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Not at all.
    None,
    /// Answers 503.
    Down,
    /// Closes the connection without an answer.
    Closed,
    /// Answers rightly, but later than anyone should wait.
    Slow,
    /// An old answer: OCSP of a month ago, CRL past its next update, time-stamp of yesterday.
    Stale,
    /// A signature value with a bit flipped.
    WrongSignature,
    /// Another nonce than the one asked with; a CRL has none and stays as it is.
    WrongNonce,
    /// An answer about another certificate; for time-stamps, over another imprint. A CRL stays as
    /// it is.
    WrongCertId,
    /// OCSP: status unknown. CRL: 404. Time-stamp: the request is rejected.
    Unknown,
    /// Random octets under the right content type.
    Garbage,
}

/// The standing orders, one for each service.
#[derive(Default)]
pub(super) struct Plan(Mutex<BTreeMap<Service, Order>>);

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Order {
    how: How,
    rate: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
}

impl How {
    /// The misbehaviour with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::from(name)).ok()
    }
}

impl Plan {
    pub fn set(&self, service: Service, how: How, rate: f64, times: Option<u32>) {
        let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match how {
            How::None => orders.remove(&service),
            how => orders.insert(service, Order { how, rate, times }),
        };
    }

    /// How the next request is treated; what it asks for itself comes first.
    pub fn next(&self, service: Service, asked: Option<How>, random: &dyn Random) -> How {
        if let Some(how) = asked {
            return how;
        }
        let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(order) = orders.get_mut(&service) else { return How::None };
        let mut dice = [0; 4];
        let thrown = order.rate >= 1.0 || random.fill(&mut dice);
        let chance = f64::from(u32::from_be_bytes(dice)) / f64::from(u32::MAX);
        if !thrown || (order.rate < 1.0 && chance >= order.rate) || order.times == Some(0) {
            return How::None;
        }
        order.times = order.times.map(|left| left - 1);
        order.how
    }

    pub fn orders(&self) -> BTreeMap<Service, Order> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Dice(u8);

    impl Random for Dice {
        fn fill(&self, out: &mut [u8]) -> bool {
            out.fill(self.0);
            true
        }
    }

    #[test]
    fn orders_end_after_their_times_and_strike_at_their_rate() {
        let plan = Plan::default();
        let next = |dice| plan.next(Service::Ocsp, None, &Dice(dice));
        plan.set(Service::Ocsp, How::Down, 1.0, Some(2));
        assert_eq!([next(0), next(0), next(0)], [How::Down, How::Down, How::None]);
        plan.set(Service::Ocsp, How::Slow, 0.5, None);
        assert_eq!(
            [next(0x10), next(0x7e), next(0x81), next(0xff)].map(|how| how == How::Slow),
            [true, true, false, false]
        );
        plan.set(Service::Ocsp, How::Slow, 0.0, None);
        assert_eq!(next(0), How::None);
        assert_eq!(plan.next(Service::Crl, None, &Dice(0)), How::None);
        let asked = plan.next(Service::Crl, How::from_name("wrong-cert-id"), &Dice(0));
        assert_eq!(asked, How::WrongCertId);
    }
}
