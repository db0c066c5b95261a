//! The service: API, pages, public look-up, over axum.

mod case_view;
mod cases;
mod checks;
mod code;
mod deferred;
mod edge;
mod front;
mod login;
mod offer;
mod pages;
mod payment_gateway;
mod register;
mod reload;
mod requests;
mod result_document;
mod results;
mod review;
mod routes;
mod seal;
mod sign_request;
mod signing;
mod soap;
mod verify;

use std::sync::Arc;

use time::OffsetDateTime;

use crate::config::{Config, KeyError, OfficerConfig};
use crate::crypto::Random;
use crate::gateway::Payments;
use crate::licensing::Catalogue;
use crate::problem::{Kind, Problem};
use crate::signature::Level;
use crate::store::{Sqlite, Store};
use crate::timestamp::TimestampClient;
use crate::validation::Verifier;

pub use deferred::Tickets;
pub use front::Front;
pub use login::Session;
pub use register::licence_of;
pub use reload::Reload;
pub use routes::router;
pub use seal::Seal;

/// Everything the handlers share.
pub struct App {
    /// The configuration.
    pub config: Config,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The verifier.
    pub verifier: Arc<Verifier>,
    /// The time-stamping authorities, where signatures are raised above level B.
    pub stamps: Option<TimestampClient>,
    /// The payment gateway, where one is configured.
    pub payments: Option<Arc<dyn Payments>>,
    /// The services offered.
    pub catalogue: Catalogue,
    /// The clock.
    pub clock: fn() -> OffsetDateTime,
    /// The random source.
    pub random: Arc<dyn Random>,
    /// Seals the tickets of deferred signatures.
    pub tickets: Tickets,
    /// The service's own seal, where one is configured.
    pub seal: Option<Seal>,
}

impl App {
    /// Opens store and trust store and reads the catalogue, as the configuration says.
    ///
    /// # Errors
    /// What stands in the way, for the operator to mend.
    pub fn open(
        config: Config,
        clock: fn() -> OffsetDateTime,
        random: Arc<dyn Random>,
    ) -> Result<Self, Problem> {
        let mut catalogue = Catalogue::embedded().map_err(Problem::internal)?;
        if let Some(authority) = &config.authority {
            let ids: Vec<_> = catalogue.services().iter().map(|s| s.authority.id.clone()).collect();
            ids.iter().for_each(|id| catalogue.configure(id, &authority.bin));
        }
        let store = Sqlite::open(&config.service.database)?;
        let verifier = Arc::new(config.verifier(&[])?);
        let payments = config
            .payment
            .as_ref()
            .map(|payment| payment_gateway::connect(payment, &config, &verifier, clock, &random));
        let payments = payments.transpose()?;
        let stamps = match config.timestamps.level {
            Level::B => None,
            _ => Some(config.timestamp_client(&[], None)?),
        };
        let tickets = match &config.service.ticket_key {
            Some(path) => Tickets::new(&ticket_key(path)?),
            None => Tickets::of_this_process(random.as_ref())?,
        };
        let seal = config.seal.as_ref();
        let seal = seal.map(|seal| Ok(Seal::new(seal.key.signer(&config.token)?, seal.keep_days)));
        let seal = seal.transpose().map_err(|error: KeyError| {
            Problem::new(Kind::BadInput, "bad-seal", format!("[seal]: {error}"))
        })?;
        let store = Arc::new(store);
        Ok(Self {
            store,
            verifier,
            stamps,
            payments,
            catalogue,
            clock,
            random,
            tickets,
            seal,
            config,
        })
    }

    /// The time now.
    pub fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }

    /// The entries of the authority's list of officers that name this person; the certificate
    /// must be the authority's.
    pub(crate) fn officers(&self, session: &Session) -> impl Iterator<Item = &OfficerConfig> {
        let authority = self.config.authority.as_ref();
        let authority = authority.filter(|authority| session.bin.as_ref() == Some(&authority.bin));
        let officers = authority.into_iter().flat_map(|authority| &authority.officers);
        officers.filter(|officer| session.iin.as_ref() == Some(&officer.iin))
    }
}

/// The key of tickets, for services that answer each other's.
fn ticket_key(path: &std::path::Path) -> Result<zeroize::Zeroizing<Vec<u8>>, Problem> {
    let bad = |why: String| {
        let detail = format!("[service] ticket_key {}: {why}", path.display());
        Problem::new(Kind::BadInput, "bad-ticket-key", detail)
    };
    let key = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let key = zeroize::Zeroizing::new(key);
    match key.len() {
        32..=1024 => Ok(key),
        length => Err(bad(format!("{length} octets; 32 random ones are right"))),
    }
}
