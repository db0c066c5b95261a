//! The certification authority's services as an HTTP double: certificates, CRLs, OCSP,
//! time-stamps, signed with the test PKI's keys.
//!
//! Certificates are revoked, held and released at run time (`POST /control/…`), and each service
//! can be told to misbehave: for the next requests or at a rate (`POST /control/misbehave`), or
//! for one request (query `?misbehave=slow`, or the header `x-misbehave`).

mod control;
mod crl;
mod line;
mod misbehave;
mod ocsp;
mod register;
mod tsp;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use time::OffsetDateTime;
use tokio::net::TcpListener;

use self::line::{Cut, Listening};
use self::misbehave::Plan;
pub use self::misbehave::{How, Service};
use self::register::Register;
use super::{PkiError, World};
use crate::crypto::Random;
use crate::limits;
use crate::token::Signer;
use crate::x509::Certificate;

/// The services of one test PKI with their present state.
pub struct Double {
    world: World,
    settings: Settings,
    root: Box<dyn Signer>,
    ca: Box<dyn Signer>,
    ocsp: Box<dyn Signer>,
    tsa: Box<dyn Signer>,
    register: Register,
    plan: Plan,
}

/// What the double takes from outside.
pub struct Settings {
    /// Tells the time.
    pub clock: Box<dyn Fn() -> OffsetDateTime + Send + Sync>,
    /// Serial numbers of time-stamps, garbage, and the dice of misbehaviour by rate.
    pub random: Box<dyn Random>,
    /// How long a slow service takes.
    pub slow: Duration,
}

/// A misbehaviour asked for with the request itself.
#[derive(Deserialize)]
struct Asked {
    misbehave: Option<How>,
}

impl Settings {
    /// The system's clock and random source; slow is a second more than anyone waits.
    pub fn system() -> Self {
        Self {
            clock: Box::new(OffsetDateTime::now_utc),
            random: Box::new(crate::crypto::SystemRandom),
            slow: Duration::from_millis(limits::FETCH_MILLISECONDS + 1_000),
        }
    }
}

impl Double {
    /// Opens the token or the files with the authority's keys.
    ///
    /// # Errors
    /// [`PkiError`] if it cannot be opened.
    pub fn open(world: &World, settings: Settings) -> Result<Arc<Self>, PkiError> {
        Ok(Arc::new(Self {
            root: world.signer("root")?,
            ca: world.signer("ca")?,
            ocsp: world.signer("ocsp")?,
            tsa: world.signer("tsa")?,
            register: Register::new(world, (settings.clock)()),
            plan: Plan::default(),
            world: world.clone(),
            settings,
        }))
    }

    /// Revokes a certificate, or puts it on hold (`certificateHold`), by serial number or by its
    /// name in the recipe.
    ///
    /// # Errors
    /// [`PkiError`] if no such certificate was issued, or the reason is none of RFC 5280 §5.3.1.
    pub fn revoke(
        &self,
        certificate: &str,
        reason: &str,
        at: Option<OffsetDateTime>,
    ) -> Result<(), PkiError> {
        self.register.revoke(certificate, reason, at.unwrap_or_else(|| self.now()))
    }

    /// Takes a certificate off the lists again.
    ///
    /// # Errors
    /// [`PkiError`] if no such certificate was issued.
    pub fn release(&self, certificate: &str) -> Result<(), PkiError> {
        self.register.release(certificate)
    }

    /// Lets a service misbehave from now on: at a rate between 0 and 1, and so many times at most.
    pub fn misbehave(&self, service: Service, how: How, rate: f64, times: Option<u32>) {
        self.plan.set(service, how, rate, times);
    }

    fn now(&self) -> OffsetDateTime {
        (self.settings.clock)()
    }

    fn garbage(&self) -> Vec<u8> {
        let mut octets = vec![0; 300];
        // Zeros, if the source fails, are garbage as well.
        let _ = self.settings.random.fill(&mut octets);
        octets
    }

    /// The file served under this name, if there is one.
    fn certificate(&self, name: &str) -> Option<&Certificate> {
        let addresses = self.world.addresses();
        let named = |address: String| address.rsplit('/').next() == Some(name);
        if named(addresses.root_certificate()) {
            Some(self.root.certificate())
        } else if named(addresses.issuer_certificate()) {
            Some(self.ca.certificate())
        } else {
            None
        }
    }
}

/// The routes of the double. Served by [`serve`] it can also close connections without an
/// answer; served otherwise it answers 503 in their place.
pub fn router(double: Arc<Double>) -> Router {
    Router::new()
        .route("/cert/{name}", get(certificate))
        .route("/crl/{name}", get(revocation_list))
        .route("/ocsp", post(status))
        .route("/tsp", post(time_stamp))
        .merge(control::routes())
        .layer(DefaultBodyLimit::max(limits::OCSP_BYTES))
        .with_state(double)
}

/// Serves the double until `stop` is done.
///
/// # Errors
/// Those of the listener.
pub async fn serve(
    listener: TcpListener,
    double: Arc<Double>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router(double).into_make_service_with_connect_info::<Cut>();
    axum::serve(Listening(listener), service).with_graceful_shutdown(stop).await
}

async fn certificate(State(double): State<Arc<Double>>, Path(name): Path<String>) -> Response {
    match double.certificate(&name) {
        Some(certificate) => typed("application/pkix-cert", certificate.der().to_vec()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn revocation_list(
    State(double): State<Arc<Double>>,
    Path(name): Path<String>,
    asked: Query<Asked>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    let Some(list) = crl::List::named(&double, &name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let how = double.plan.next(Service::Crl, asked.told(&headers), &*double.settings.random);
    if how == How::Unknown {
        return StatusCode::NOT_FOUND.into_response();
    }
    answer(double, how, &extensions, "application/pkix-crl", move |double, how| {
        crl::make(double, list, how)
    })
    .await
}

async fn status(
    State(double): State<Arc<Double>>,
    asked: Query<Asked>,
    headers: HeaderMap,
    extensions: Extensions,
    request: Bytes,
) -> Response {
    let how = double.plan.next(Service::Ocsp, asked.told(&headers), &*double.settings.random);
    answer(double, how, &extensions, "application/ocsp-response", move |double, how| {
        ocsp::respond(double, &request, how)
    })
    .await
}

async fn time_stamp(
    State(double): State<Arc<Double>>,
    asked: Query<Asked>,
    headers: HeaderMap,
    extensions: Extensions,
    request: Bytes,
) -> Response {
    let how = double.plan.next(Service::Tsp, asked.told(&headers), &*double.settings.random);
    answer(double, how, &extensions, "application/timestamp-reply", move |double, how| {
        tsp::respond(double, &request, how)
    })
    .await
}

/// Plays the misbehaviours that every service has; leaves the others to `make`.
async fn answer(
    double: Arc<Double>,
    how: How,
    extensions: &Extensions,
    content_type: &'static str,
    make: impl FnOnce(&Double, How) -> Result<Vec<u8>, PkiError> + Send + 'static,
) -> Response {
    match how {
        How::Down => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        How::Closed => {
            if let Some(ConnectInfo(cut)) = extensions.get::<ConnectInfo<Cut>>() {
                cut.cut();
            }
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        How::Slow => tokio::time::sleep(double.settings.slow).await,
        How::Garbage => return typed(content_type, double.garbage()),
        _ => {}
    }
    match tokio::task::spawn_blocking(move || make(&double, how)).await {
        Ok(Ok(octets)) => typed(content_type, octets),
        Ok(Err(error)) => failed(&error.to_string()),
        Err(error) => failed(&error.to_string()),
    }
}

fn typed(content_type: &'static str, octets: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, content_type)], Body::from(octets)).into_response()
}

fn failed(detail: &str) -> Response {
    tracing::error!(detail, "the certification authority's double failed");
    (StatusCode::INTERNAL_SERVER_ERROR, detail.to_owned()).into_response()
}

impl Asked {
    fn told(&self, headers: &HeaderMap) -> Option<How> {
        let header = headers.get("x-misbehave").and_then(|value| value.to_str().ok());
        self.misbehave.or_else(|| header.and_then(How::from_name))
    }
}
