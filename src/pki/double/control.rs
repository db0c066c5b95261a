//! The double's own controls: who is revoked, which service misbehaves.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use super::{Double, How, Service};
use crate::pki::PkiError;

/// Which certificate, by serial number or by its name in the recipe, and what about it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    #[serde(alias = "id")]
    serial: String,
    reason: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Misbehave {
    service: Service,
    how: How,
    #[serde(default = "always")]
    rate: f64,
    times: Option<u32>,
}

pub(super) fn routes() -> Router<Arc<Double>> {
    Router::new()
        .route("/control/revoke", post(revoke))
        .route("/control/hold", post(hold))
        .route("/control/release", post(release))
        .route("/control/misbehave", post(misbehave))
        .route("/control/state", get(state))
}

async fn revoke(State(double): State<Arc<Double>>, Json(order): Json<Revoke>) -> Response {
    let reason = order.reason.as_deref().unwrap_or("unspecified");
    done(double.revoke(&order.serial, reason, order.at))
}

async fn hold(State(double): State<Arc<Double>>, Json(order): Json<Revoke>) -> Response {
    done(double.revoke(&order.serial, "certificateHold", order.at))
}

async fn release(State(double): State<Arc<Double>>, Json(order): Json<Revoke>) -> Response {
    done(double.release(&order.serial))
}

async fn misbehave(State(double): State<Arc<Double>>, Json(order): Json<Misbehave>) -> Response {
    if !(0.0..=1.0).contains(&order.rate) {
        return (StatusCode::BAD_REQUEST, "the rate lies between 0 and 1\n").into_response();
    }
    double.misbehave(order.service, order.how, order.rate, order.times);
    StatusCode::NO_CONTENT.into_response()
}

async fn state(State(double): State<Arc<Double>>) -> Response {
    let orders = double.plan.orders();
    let orders: serde_json::Map<String, serde_json::Value> = orders
        .into_iter()
        .map(|(service, order)| (format!("{service:?}").to_lowercase(), json!(order)))
        .collect();
    Json(json!({"revoked": double.register.all(), "misbehaving": orders})).into_response()
}

fn done(result: Result<(), PkiError>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

fn always() -> f64 {
    1.0
}
