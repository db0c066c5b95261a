//! The routes, their description (OpenAPI), and what goes with every answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::routing::get;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::edge::blocking;
use super::front::Front;
use super::{
    App, deferred, login, offer, pages, register, requests, results, review, seal, sign_request,
    soap, verify,
};
use crate::problem::{Kind, Problem};
use crate::service::edge::{Refusal, Wanted};
use crate::store::StoreExt as _;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Qoltanba",
        description = "Signatures and licence documents for Kazakhstan's e-licensing. Errors are \
                       problem details (RFC 9457) with a stable `code`; sentences come in the \
                       language of `?lang=` or `Accept-Language`.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "verify", description = "Verify signed documents"),
        (name = "sign", description = "Sign documents with a key that is elsewhere; no login"),
        (name = "register", description = "Look licences up; no login"),
        (name = "services", description = "What can be asked for; no login"),
        (name = "login", description = "Log in by signing a challenge"),
        (name = "applicant", description = "Requests and the applicant's cabinet"),
        (name = "officer", description = "Tasks and steps of the authority"),
    )
)]
struct Description;

/// The whole service.
pub fn router(app: Arc<App>) -> Front {
    let (api, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(verify::verify))
        .routes(routes!(seal::one))
        .routes(routes!(soap::open))
        .routes(routes!(register::look_up))
        .routes(routes!(register::one))
        .routes(routes!(register::document))
        .routes(routes!(offer::all))
        .routes(routes!(offer::one))
        .routes(routes!(login::challenge))
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(requests::cabinet))
        .routes(routes!(requests::begin, requests::one))
        .routes(routes!(requests::fill))
        .routes(routes!(requests::attach, requests::detach))
        .routes(routes!(requests::pay))
        .routes(routes!(requests::check_payment))
        .routes(routes!(requests::choose_certificate))
        .routes(routes!(requests::document))
        .routes(routes!(sign_request::prepare))
        .routes(routes!(sign_request::complete))
        .routes(routes!(review::tasks))
        .routes(routes!(review::act))
        .routes(routes!(results::prepare))
        .routes(routes!(results::complete))
        .routes(routes!(deferred::prepare))
        .routes(routes!(deferred::complete))
        .split_for_parts();
    let description = Arc::new(description);
    let mut router = api
        .route("/api/v1/openapi.json", get(move || async move { Json((*description).clone()) }))
        .route("/health/live", get(|| async { "ok" }))
        .route("/health/ready", get(ready))
        .merge(pages::routes())
        .fallback(missing)
        .method_not_allowed_fallback(not_that_way);
    // Only where it is read: every layer costs every call a copy of its route and allocations.
    if tracing::enabled!(tracing::Level::DEBUG)
        || tracing::enabled!(target: "tower_http::trace", tracing::Level::DEBUG)
    {
        // Failures are told by what stands before the router.
        router = router.layer(TraceLayer::new_for_http().make_span_with(span).on_failure(()));
    }
    Front::new(router.with_state(app))
}

/// Names a call in the log by its route: the address itself may carry a licence's code.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map(MatchedPath::as_str).unwrap_or_default();
    tracing::debug_span!("request", method = %request.method(), route)
}

/// Whether the store can be read.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    let read = blocking(&app, |app| Ok(app.store.view(|view| view.audit_head())?)).await;
    match read {
        Ok(_) => (StatusCode::OK, "ready"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read"),
    }
}

async fn not_that_way(Wanted(language): Wanted) -> Refusal {
    let detail = "This address does not take this method.";
    Refusal::new(Problem::new(Kind::BadMethod, "bad-method", detail), language)
}

async fn missing(Wanted(language): Wanted) -> Refusal {
    let problem = Problem::new(Kind::NotFound, "no-such-address", "There is nothing here.");
    Refusal::new(problem, language)
}
