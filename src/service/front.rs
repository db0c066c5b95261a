//! What stands before every route: the headers of every answer, and a word in the log about a call
//! that failed. One service around the router, since a layer of the router costs every call a copy
//! of its route and an allocation or two.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use pin_project_lite::pin_project;
use tower_service::Service;

/// The whole service, as [`axum::serve`] takes it by [`axum::ServiceExt::into_make_service`].
#[derive(Clone)]
pub struct Front(Router);

pin_project! {
    /// An answer under way.
    pub struct Answering {
        #[pin]
        answer: RouteFuture<Infallible>,
        method: Method,
    }
}

/// Nothing from elsewhere, no inline scripts, no frames.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";

/// What goes with every answer.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY)),
];

impl Front {
    /// Before these routes.
    pub(super) fn new(router: Router) -> Self {
        Self(router)
    }
}

impl Service<Request> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router always is.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        let method = request.method().clone();
        Answering { answer: self.0.call(request), method }
    }
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.answer.poll(context))?;
        add_headers(response.headers_mut());
        if response.status().is_server_error() {
            // The address stays out of the log: it may carry a licence's code.
            tracing::error!(method = %this.method, status = %response.status(), "a call failed");
        }
        Poll::Ready(Ok(response))
    }
}

fn add_headers(headers: &mut HeaderMap) {
    headers.reserve(HEADERS.len());
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
}
