//! What is offered: the services of the catalogue as they are in force today.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::edge::{Answer, Path, Wanted, answer};
use crate::licensing::almaty;
use crate::licensing::catalogue::Service;
use crate::text::Language;

/// A service in short.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceView {
    id: String,
    name: String,
    authority: String,
    /// The fee today, in tenge; none for a free service.
    fee: Option<u64>,
    forms: Vec<FormView>,
}

/// A form in short.
#[derive(Serialize, ToSchema)]
pub struct FormView {
    id: String,
    name: String,
}

/// The services offered today.
#[utoipa::path(get, path = "/api/v1/services", tag = "services",
    responses((status = 200, body = Vec<ServiceView>)))]
pub async fn all(State(app): State<Arc<App>>, Wanted(language): Wanted) -> Json<Vec<ServiceView>> {
    let today = almaty(app.now()).date();
    let offered = app.catalogue.services().iter().filter(|service| service.in_force.on(today));
    Json(offered.map(|service| ServiceView::new(service, language, today)).collect())
}

/// One service whole: forms with every field, documents, grounds of refusal, steps.
#[utoipa::path(get, path = "/api/v1/services/{id}", tag = "services", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404)))]
pub async fn one(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Path(id): Path<String>,
) -> Answer<Json<Service>> {
    answer(&app, language, move |app| app.service_today(&id).cloned()).await
}

impl ServiceView {
    fn new(service: &Service, language: Language, today: time::Date) -> Self {
        Self {
            id: service.id.clone(),
            name: service.name.text(language).to_owned(),
            authority: service.authority.name.text(language).to_owned(),
            fee: service.fee_on(today).ok().flatten(),
            forms: service
                .forms
                .iter()
                .map(|form| FormView {
                    id: form.id.clone(),
                    name: form.name.text(language).to_owned(),
                })
                .collect(),
        }
    }
}
