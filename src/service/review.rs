//! The officers' side: tasks, and the steps the catalogue lists.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::App;
use super::case_view::CaseView;
use super::cases::Loaded;
use super::edge::{Answer, Body, Path, Wanted, answer};
use super::login::Session;
use crate::licensing::Case;
use crate::licensing::case::{Decision, StepAct};
use crate::licensing::workflow::{self, Actor, Command};
use crate::limits;
use crate::problem::{Kind, Problem};
use crate::store::{CaseFilter, StoreExt as _};

/// What an officer does, on the version of the case that was seen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActBody {
    /// The case's version as it was shown.
    seen: u64,
    /// The act: `{"act":"route"}`, `{"act":"assign","expert":"IIN"}`,
    /// `{"act":"examine","complete":true,"corresponds":true,"proposal":{"decision":"issue"}}`,
    /// `{"act":"agree"}`, `{"act":"return","remarks":"…"}`,
    /// `{"act":"decide","decision":"refuse","grounds":["…"],"reason":"…"}`.
    #[schema(value_type = Object)]
    act: StepAct,
}

/// The registered requests that wait for this officer.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "officer",
    responses((status = 200, body = Vec<CaseView>), (status = 403, description = "no office held")))]
pub async fn tasks(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
) -> Answer<Json<Vec<CaseView>>> {
    answer(&app, language, move |app| {
        let officer = app.officer(&session).ok_or_else(|| {
            Problem::new(Kind::Forbidden, "no-office", "You are not on the authority's list.")
        })?;
        let now = app.now();
        let services = app.catalogue.services().iter();
        let steps = services.flat_map(|service| &service.procedures).flat_map(|p| &p.steps);
        let held = |role| officer.appointments.iter().any(|held| Some(held.role) == role);
        let steps = steps.filter(|step| held(step.role));
        let mut states: Vec<_> = steps.map(|step| format!("at-step:{}", step.id)).collect();
        states.sort();
        states.dedup();
        let mut tasks = Vec::new();
        if states.is_empty() {
            return Ok(tasks);
        }
        // Others' cases may fill whole pages, so pages are turned until there are tasks enough.
        let mut filter = CaseFilter { states, ..CaseFilter::default() };
        while tasks.len() < limits::STORE_PAGE_ROWS {
            let rows = app.store.view(|view| view.cases(&filter))?;
            let Some(last) = rows.last() else { break };
            filter.after = Some(last.id.clone());
            for row in &rows {
                let case: Case = serde_json::from_str(&row.body).map_err(Problem::internal)?;
                let service = app.service_of(&case)?;
                if workflow::may_act(service, &case, &officer, now).is_ok() {
                    tasks.push(CaseView::new(app, &case, language)?);
                }
            }
        }
        Ok(tasks)
    })
    .await
}

/// Does a step. Deciding gives the result its number in the same change, so that a number is
/// never without a decision nor a decision without a number.
#[utoipa::path(post, path = "/api/v1/requests/{id}/steps", tag = "officer",
    params(("id" = String, Path)), request_body = ActBody,
    responses((status = 200, body = CaseView), (status = 403, description = "another role's step"),
        (status = 409, description = "another step, or changed meanwhile")))]
pub async fn act(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    session: Session,
    Path(id): Path<String>,
    Body(body): Body<ActBody>,
) -> Answer<Json<CaseView>> {
    answer(&app, language, move |app| {
        if let StepAct::Assign { expert } = &body.act {
            check_expert(app, expert)?;
        }
        app.store.change(|change| {
            let (mut loaded, officer) = Loaded::at_authority(app, change, &id, &session)?;
            let actor = Actor::Officer(officer);
            let command = Command::Act { seen: body.seen, act: body.act.clone() };
            loaded.apply(app, change, command, &actor)?;
            if loaded.case.decision().is_some() && loaded.case.result_number.is_none() {
                let number = result_number(app, change, &loaded.case)?;
                let command = Command::AssignNumber { number };
                loaded.apply(app, change, command, &Actor::System)?;
            }
            CaseView::new(app, &loaded.case, language)
        })
    })
    .await
}

fn result_number(
    app: &App,
    change: &mut dyn crate::store::Change,
    case: &Case,
) -> Result<String, Problem> {
    let series = &app.service_of(case)?.series;
    let series = match case.decision() {
        Some(Decision::Issue) => &series.licence,
        _ => &series.refusal,
    };
    let now = app.now();
    Ok(series.number(now, change.number(&series.prefix(now), &case.id)?))
}

/// Only somebody on the authority's list can be made the expert.
fn check_expert(app: &App, expert: &str) -> Result<(), Problem> {
    let authority = app.config.authority.as_ref();
    let mut officers = authority.into_iter().flat_map(|authority| &authority.officers);
    let known = officers.any(|officer| {
        officer.iin.as_str() == expert
            && officer.role == crate::licensing::OfficerRole::Expert
            && officer.acts_at(app.now())
    });
    if known {
        return Ok(());
    }
    Err(Problem::new(
        Kind::BadInput,
        "no-such-expert",
        "No expert with this IIN is on the list today.",
    ))
}
