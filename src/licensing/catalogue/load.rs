//! Reading the catalogue: TOML rows into services, and the checks that keep a wrong row from
//! surprising a request half-way.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    Act, ApplicantKind, Authority, Catalogue, Document, Fee, Ground, InForce, Numbering, Procedure,
    Rate, ResultKind, Service, StepKind,
};
use crate::licensing::Wording;
use crate::licensing::form::{Field, FilledBy, Form, Kind, Part};

pub(super) const SERVICES: &[&str] = &[include_str!("import-export-licence.toml")];
pub(super) const RATES: &str = include_str!("rates.toml");

/// What is wrong with a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// A file is not the TOML it should be.
    #[error("catalogue file: {0}")]
    Unreadable(String),
    /// A service contradicts itself.
    #[error("service {service}: {fault}")]
    Inconsistent {
        /// Which service.
        service: String,
        /// What is wrong.
        fault: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceRow {
    id: String,
    kind: ResultKind,
    name: Wording,
    authority: Authority,
    #[serde(rename = "act")]
    acts: Vec<Act>,
    in_force: InForce,
    applicants: Vec<ApplicantKind>,
    channels: Vec<String>,
    #[serde(default, rename = "fee")]
    fees: Vec<Fee>,
    series: Numbering,
    #[serde(default, rename = "document")]
    documents: Vec<Document>,
    #[serde(rename = "ground")]
    grounds: Vec<Ground>,
    #[serde(rename = "procedure")]
    procedures: Vec<Procedure>,
    #[serde(rename = "form")]
    forms: Vec<FormRow>,
    field: BTreeMap<String, FieldRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormRow {
    id: String,
    annex: Option<String>,
    name: Wording,
    result: Wording,
    consent: Wording,
    note: Option<Wording>,
    fields: Vec<String>,
    #[serde(default)]
    fixed: BTreeMap<String, String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldRow {
    label: Wording,
    help: Option<Wording>,
    #[serde(default)]
    by: FilledBy,
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RatesFile {
    index: Vec<Rate>,
}

pub(super) fn catalogue(sources: &[&str], rates: &str) -> Result<Catalogue, CatalogueError> {
    let rates: RatesFile = read(rates)?;
    let mut services: Vec<Service> = Vec::new();
    for source in sources {
        let service = service(read(source)?, &rates.index)?;
        let overlaps = services.iter().any(|other| {
            other.id == service.id
                && (other.in_force.on(service.in_force.from)
                    || service.in_force.on(other.in_force.from))
        });
        if overlaps {
            return Err(fault(&service.id, "two versions hold on the same day"));
        }
        services.push(service);
    }
    Ok(Catalogue { services })
}

fn read<T: serde::de::DeserializeOwned>(source: &str) -> Result<T, CatalogueError> {
    toml::from_str(source).map_err(|e| CatalogueError::Unreadable(e.to_string()))
}

fn fault(service: &str, fault: impl Into<String>) -> CatalogueError {
    CatalogueError::Inconsistent { service: service.to_owned(), fault: fault.into() }
}

fn service(row: ServiceRow, rates: &[Rate]) -> Result<Service, CatalogueError> {
    let id = row.id.clone();
    let forms: Result<Vec<Form>, String> =
        row.forms.into_iter().map(|form| resolve(form, &row.field)).collect();
    let service = Service {
        id: row.id,
        kind: row.kind,
        name: row.name,
        authority: row.authority,
        acts: row.acts,
        in_force: row.in_force,
        applicants: row.applicants,
        channels: row.channels,
        fees: row.fees,
        rates: rates.to_vec(),
        series: row.series,
        documents: row.documents,
        grounds: row.grounds,
        procedures: row.procedures,
        forms: forms.map_err(|e| fault(&id, e))?,
    };
    check(&service).map_err(|e| fault(&id, e))?;
    Ok(service)
}

fn resolve(row: FormRow, rows: &BTreeMap<String, FieldRow>) -> Result<Form, String> {
    let mut fields = Vec::with_capacity(row.fields.len());
    for (id, number) in row.fields.iter().zip(1..) {
        let known = rows.get(id).cloned();
        let FieldRow { label, help, by, mut parts } =
            known.ok_or_else(|| format!("form {} names an unknown field {id}", row.id))?;
        for part in &mut parts {
            part.value = row.fixed.get(id).cloned();
            if (by == FilledBy::Fixed) != part.value.is_some() {
                return Err(format!("form {}: field {id} is not fixed as it says", row.id));
            }
        }
        unique(&format!("part of field {id}"), parts.iter().map(|part| part.id.as_str()))?;
        let date = |id: &String| parts.iter().any(|p| p.id == *id && p.kind == Kind::Date);
        if parts.iter().any(|part| part.not_before.iter().any(|id| !date(id))) {
            return Err(format!("form {}: field {id} is compared with no date", row.id));
        }
        fields.push(Field { id: id.clone(), number, label, help, by, parts });
    }
    unique("field", fields.iter().map(|field: &Field| field.id.as_str()))?;
    let Some(stray) = row.fixed.keys().find(|id| !row.fields.contains(id)) else {
        let FormRow { id, annex, name, result, consent, note, .. } = row;
        return Ok(Form { id, annex, name, result, consent, note, fields });
    };
    Err(format!("form {} fixes an unknown field {stray}", row.id))
}

fn check(service: &Service) -> Result<(), String> {
    unique("form", service.forms.iter().map(|form| form.id.as_str()))?;
    unique("ground", service.grounds.iter().map(|ground| ground.code.as_str()))?;
    unique("document", service.documents.iter().map(|document| document.id.as_str()))?;
    unique("procedure", service.procedures.iter().map(|procedure| procedure.id.as_str()))?;
    let prefixes = [&service.series.incoming, &service.series.licence, &service.series.refusal];
    unique("number prefix", prefixes.iter().map(|series| series.prefix.as_str()))?;
    if service.grounds.is_empty() {
        return Err("no ground of refusal".into());
    }
    for procedure in service.procedures.iter().filter(|procedure| procedure.open) {
        if procedure.forms.is_empty() {
            return Err(format!("procedure {} has no form", procedure.id));
        }
        if let Some(id) = procedure.forms.iter().find(|id| service.form(id).is_none()) {
            return Err(format!("procedure {} names an unknown form {id}", procedure.id));
        }
        walkable(procedure)?;
    }
    Ok(())
}

/// The steps must lead from registration to delivery: an expert is named before the examination,
/// something is proposed before it is agreed or decided, and decision, signature and delivery stand
/// last, each once, in this order.
fn walkable(procedure: &Procedure) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("procedure {}: {what}", procedure.id));
    unique("step", procedure.steps.iter().map(|step| step.id.as_str()))?;
    let kinds: Vec<StepKind> = procedure.steps.iter().map(|step| step.act).collect();
    let Some((body, [StepKind::Decide, StepKind::Sign, StepKind::Deliver])) =
        kinds.split_last_chunk::<3>()
    else {
        return wrong("decide, sign and deliver must be its last steps");
    };
    let place = |kind| body.iter().position(|k| *k == kind);
    let count = |kind| body.iter().filter(|k| **k == kind).count();
    let (assign, examine) = (place(StepKind::Assign), place(StepKind::Examine));
    if count(StepKind::Assign) != 1 || count(StepKind::Examine) != 1 || assign > examine {
        return wrong("one assignment and then one examination are needed");
    }
    if body.iter().any(|k| matches!(k, StepKind::Decide | StepKind::Sign | StepKind::Deliver)) {
        return wrong("decide, sign and deliver stand once each");
    }
    if place(StepKind::Agree).is_some_and(|agree| Some(agree) < examine) {
        return wrong("nothing is proposed yet at an agreement");
    }
    for (place, step) in procedure.steps.iter().enumerate() {
        let earlier = |id: &String| procedure.steps.iter().take(place).any(|s| s.id == *id);
        if step.role.is_none() != (step.act == StepKind::Deliver) {
            return wrong("every step but the delivery needs a role");
        }
        if step.returns_to.iter().chain(&step.not_by).any(|id| !earlier(id)) {
            return wrong("a step refers to one that does not stand before it");
        }
        let returns = step.returns_to.is_some();
        if returns && !matches!(step.act, StepKind::Agree | StepKind::Decide) {
            return wrong("only an agreement or a decision may send back");
        }
        // A return behind the examination would leave its old proposal standing unexamined.
        let to_examination =
            |id: &String| procedure.step(id).is_some_and(|s| s.act == StepKind::Examine);
        if returns && !step.returns_to.iter().all(to_examination) {
            return wrong("a case is sent back to its examination");
        }
    }
    Ok(())
}

fn unique<'a>(what: &str, ids: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(format!("{what} {id} stands twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = include_str!("import-export-licence.toml");

    fn load(source: &str) -> Result<Catalogue, CatalogueError> {
        catalogue(&[source], RATES)
    }

    /// Each change would let a request get stuck or skip a step, and must not load.
    #[test]
    fn a_catalogue_that_could_strand_a_request_does_not_load() {
        assert!(load(SERVICE).is_ok());
        for (from, to, says) in [
            ("act = \"assign\"", "act = \"route\"", "one assignment"),
            ("act = \"decide\"", "act = \"agree\"", "last steps"),
            ("act = \"agree\"", "act = \"sign\"", "stand once each"),
            ("act = \"route\"", "act = \"agree\"", "nothing is proposed"),
            ("returns_to = \"examination\"", "returns_to = \"delivery\"", "stand before it"),
            ("returns_to = \"examination\"", "returns_to = \"intake\"", "to its examination"),
            ("role = \"expert\"\n", "", "needs a role"),
            ("role = \"expert\"", "role = \"expart\"", "unknown variant"),
            ("forms = [\"export\", \"import\"]", "forms = [\"transit\"]", "unknown form"),
            ("\"licence-type\", \"contract\"", "\"contract\", \"contract\"", "stands twice"),
            ("licence-type = \"ЭКСПОРТ\"", "basis = \"ЭКСПОРТ\"", "not fixed as it says"),
            ("code = \"data-untrue\"", "code = \"documents-incomplete\"", "stands twice"),
            ("not_before = \"from\"", "not_before = \"begin\"", "no date"),
            ("working_days = 1 }", "days = 1 }", "unknown field"),
            ("ru = \"Выдача лицензии\", ", "", "missing field"),
            ("prefix = \"KZ{yy}LAA\"", "prefix = \"KZ{yy}RAA\"", "stands twice"),
        ] {
            let broken = SERVICE.replacen(from, to, 1);
            assert_ne!(broken, SERVICE, "{from} is not in the file");
            let error = load(&broken).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(says), "{from} -> {to}: {error}");
        }
    }

    #[test]
    fn two_versions_of_a_service_must_not_hold_on_one_day() {
        let ended = SERVICE.replacen(
            "in_force = { from = \"2026-07-12\" }",
            "in_force = { from = \"2026-07-12\", to = \"2027-06-30\" }",
            1,
        );
        let next = SERVICE.replacen("from = \"2026-07-12\"", "from = \"2027-07-01\"", 1);
        assert!(catalogue(&[&ended, &next], RATES).is_ok());
        assert!(catalogue(&[SERVICE, &next], RATES).is_err());
    }
}
