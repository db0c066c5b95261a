//! The main job over HTTP and on the command line: the program as a child process, people with
//! tokens, and doubles around it that misbehave.

#[path = "../kit/mod.rs"]
mod kit;

mod algorithms;
mod bad_input;
mod cms_signing;
mod command_line;
mod crash;
mod levels;
mod login;
mod officers;
mod outages;
mod pages;
mod refusals;
mod reload;
mod reports;
mod sealed;
mod signing;

use qoltanba::pki::double::{How, Service};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Revocations and misbehaviours of the certification authority's double belong to the whole
/// process.
static STANDING: RwLock<()> = RwLock::new(());

/// While this is held, the double behaves and nobody is revoked who was not from the beginning.
pub fn calm() -> RwLockReadGuard<'static, ()> {
    kit::world();
    STANDING.read().unwrap_or_else(PoisonError::into_inner)
}

/// While this is held, the double is this test's alone. It is as it was at the end, also after a
/// failure.
pub struct Alone(#[allow(dead_code)] RwLockWriteGuard<'static, ()>);

impl Alone {
    pub fn begin() -> Self {
        kit::world();
        Self(STANDING.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Every service of the authority that knows of revocations misbehaves.
    pub fn misbehave(&self, ocsp: How, crl: How) {
        kit::double().misbehave(Service::Ocsp, ocsp, 1.0, None);
        kit::double().misbehave(Service::Crl, crl, 1.0, None);
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.misbehave(How::None, How::None);
        let url = format!("{}/misbehave", *kit::service::PAYMENTS);
        let well = ureq::post(url).content_type("application/json").send(r#"{"how":"none"}"#);
        drop(well);
        for holder in ["person", "first-head", "officer-head"] {
            let _ = kit::double().release(holder);
        }
    }
}
