//! The catalogue: services as data. A new service is a new file; no code knows a service by name.

mod load;

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use super::Wording;
use super::calendar::{self, iso_date};
use super::form::Form;
use crate::identity::{Applicant, Bin};

pub use load::CatalogueError;

/// Days on which something holds, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// First day.
    #[serde(with = "iso_date")]
    pub from: Date,
    /// Last day; none while nothing ended it.
    #[serde(default, with = "iso_date::option", skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
}

/// Every service known, with its versions.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    services: Vec<Service>,
}

/// One service under one version of its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Stable identifier, the same over all versions.
    pub id: String,
    /// What is issued.
    pub kind: ResultKind,
    /// Name of the service.
    pub name: Wording,
    /// Who provides it.
    pub authority: Authority,
    /// Legal acts the rules come from.
    pub acts: Vec<Act>,
    /// When these rules hold: a request falls under those of its registration day.
    pub in_force: InForce,
    /// Which numbers an applicant may ask under.
    pub applicants: Vec<ApplicantKind>,
    /// Electronic channels, as host names.
    pub channels: Vec<String>,
    /// Fees with their dates; none for a free service.
    pub fees: Vec<Fee>,
    /// Monthly calculation index, by first day.
    pub rates: Vec<Rate>,
    /// How numbers look, by what they number.
    pub series: Numbering,
    /// Documents a request takes.
    pub documents: Vec<Document>,
    /// Grounds of refusal.
    pub grounds: Vec<Ground>,
    /// Procedures with their steps.
    pub procedures: Vec<Procedure>,
    /// Forms.
    pub forms: Vec<Form>,
}

/// What a service ends with, if it does not end with a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultKind {
    /// A licence.
    Licence,
    /// A permit.
    Permit,
}

/// The kind of number an applicant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicantKind {
    /// A natural person or sole trader.
    Iin,
    /// A legal person.
    Bin,
}

/// Who provides a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Stable identifier; the configuration names the authority by it.
    pub id: String,
    /// Name.
    pub name: Wording,
    /// Number; the configuration gives it where the catalogue does not.
    pub bin: Option<Bin>,
}

/// A legal act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Number.
    pub number: String,
    /// Day of adoption.
    #[serde(with = "iso_date")]
    pub adopted: Date,
    /// Number in the state register of legal acts.
    pub registration: Option<String>,
    /// When it holds.
    pub in_force: InForce,
    /// Title.
    pub title: Wording,
}

/// A fee in monthly calculation indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// How many indices.
    pub indices: u32,
    /// When this fee holds.
    pub in_force: InForce,
}

/// The monthly calculation index from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// First day.
    #[serde(with = "iso_date")]
    pub from: Date,
    /// The index, in tenge.
    pub tenge: u32,
}

/// The number series of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbering {
    /// Incoming numbers of requests.
    pub incoming: Series,
    /// Numbers of licences or permits.
    pub licence: Series,
    /// Numbers of refusals.
    pub refusal: Series,
}

/// How the numbers of one series look: a prefix and a counted number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Text before the digits; `{yy}` stands for the year in Almaty, two digits.
    pub prefix: String,
    /// Least count of digits.
    pub digits: u8,
}

/// A document a request takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Identifier within the service.
    pub id: String,
    /// Whether a request without it stays a draft.
    pub required: bool,
    /// Whether the operator may change the row, because its source lies outside the order.
    #[serde(default)]
    pub configurable: bool,
    /// Name.
    pub name: Wording,
}

/// A ground of refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    /// Machine-readable code, stable.
    pub code: String,
    /// Wording.
    pub name: Wording,
}

/// A procedure of a service: issue, re-issue, duplicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// Identifier within the service.
    pub id: String,
    /// Whether requests are taken; a named procedure may wait for its rules.
    pub open: bool,
    /// Name.
    pub name: Wording,
    /// Forms a request may be made on.
    #[serde(default)]
    pub forms: Vec<String>,
    /// Steps of the authority, in order.
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
}

/// A step of the authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Identifier within the procedure.
    pub id: String,
    /// What is done.
    pub act: StepKind,
    /// Who does it; none for a step of the system.
    pub role: Option<OfficerRole>,
    /// Name.
    pub name: Wording,
    /// Time it should take; it warns, it never cuts off.
    pub deadline: Option<Deadline>,
    /// The earlier step this one may send the case back to.
    pub returns_to: Option<String>,
    /// Steps whose officer must not do this one as well.
    #[serde(default)]
    pub not_by: Vec<String>,
}

/// What is done in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// The request is taken in and passed on.
    Route,
    /// The expert is named.
    Assign,
    /// The named expert examines and proposes.
    Examine,
    /// The proposal is agreed, or sent back.
    Agree,
    /// Issue or refuse, or sent back.
    Decide,
    /// The result is numbered and signed.
    Sign,
    /// The result is handed to the applicant; the system does it.
    Deliver,
}

/// Roles of the authority's officers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfficerRole {
    /// Chancery: takes requests in.
    Chancery,
    /// Head of the department: names the expert.
    HeadOfDepartment,
    /// Expert: examines and proposes.
    Expert,
    /// Legal service: agrees.
    LegalService,
    /// Head of the authority, or who may sign for it: decides and signs.
    Head,
}

/// Time a step should take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DeadlineRow", into = "DeadlineRow")]
pub struct Deadline {
    /// How long.
    pub span: calendar::Span,
    /// From when.
    pub counted_from: CountedFrom,
}

/// Where a deadline begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountedFrom {
    /// When the case reached the step.
    #[default]
    Step,
    /// When the request was registered.
    Registration,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeadlineRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    working_days: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_minutes: Option<u16>,
    #[serde(default)]
    counted_from: CountedFrom,
}

impl InForce {
    /// Whether `day` lies inside.
    pub fn on(&self, day: Date) -> bool {
        self.from <= day && self.to.is_none_or(|to| day <= to)
    }
}

impl OfficerRole {
    /// Every role.
    pub const ALL: [Self; 5] =
        [Self::Chancery, Self::HeadOfDepartment, Self::Expert, Self::LegalService, Self::Head];

    /// The role as data and the API spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chancery => "chancery",
            Self::HeadOfDepartment => "head-of-department",
            Self::Expert => "expert",
            Self::LegalService => "legal-service",
            Self::Head => "head",
        }
    }
}

impl Series {
    /// The spelled-out prefix at `now`. The register counts from one under each.
    pub fn prefix(&self, now: OffsetDateTime) -> String {
        let year = calendar::almaty(now).year().rem_euclid(100);
        self.prefix.replace("{yy}", &format!("{year:02}"))
    }

    /// The number with the counted value `count`, for example `KZ26LAA00000001`.
    pub fn number(&self, now: OffsetDateTime, count: u64) -> String {
        format!("{}{count:0width$}", self.prefix(now), width = usize::from(self.digits))
    }
}

impl Service {
    /// The form with this identifier.
    pub fn form(&self, id: &str) -> Option<&Form> {
        self.forms.iter().find(|form| form.id == id)
    }

    /// The procedure with this identifier.
    pub fn procedure(&self, id: &str) -> Option<&Procedure> {
        self.procedures.iter().find(|procedure| procedure.id == id)
    }

    /// The ground of refusal with this code.
    pub fn ground(&self, code: &str) -> Option<&Ground> {
        self.grounds.iter().find(|ground| ground.code == code)
    }

    /// The document with this identifier.
    pub fn document(&self, id: &str) -> Option<&Document> {
        self.documents.iter().find(|document| document.id == id)
    }

    /// Whether an applicant with this kind of number may ask.
    pub fn takes(&self, applicant: &Applicant) -> bool {
        let kind = match applicant {
            Applicant::Person { .. } => ApplicantKind::Iin,
            Applicant::Organisation { .. } => ApplicantKind::Bin,
        };
        self.applicants.contains(&kind)
    }

    /// The fee of a request paid on `day`, in tenge: the indices of the fee at the newest index.
    /// `Ok(None)` for a free service.
    ///
    /// # Errors
    /// [`NoRate`] where there is a fee but no index is known for the day.
    pub fn fee_on(&self, day: Date) -> Result<Option<u64>, NoRate> {
        let Some(fee) = self.fees.iter().find(|fee| fee.in_force.on(day)) else {
            return Ok(None);
        };
        let known = self.rates.iter().filter(|rate| rate.from <= day);
        let rate = known.max_by_key(|rate| rate.from).ok_or(NoRate)?;
        Ok(Some(u64::from(fee.indices) * u64::from(rate.tenge)))
    }
}

/// No monthly calculation index is known for the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the monthly calculation index of this day is not in the reference data")]
pub struct NoRate;

impl Procedure {
    /// The step with this identifier.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The step after the one with this identifier.
    pub fn after(&self, id: &str) -> Option<&Step> {
        let place = self.steps.iter().position(|step| step.id == id)?;
        self.steps.get(place + 1)
    }
}

impl Catalogue {
    /// The catalogue compiled into the program.
    ///
    /// # Errors
    /// Whatever is wrong with the data; the tests hold that nothing is.
    pub fn embedded() -> Result<Self, CatalogueError> {
        Self::from_sources(load::SERVICES, load::RATES)
    }

    /// A catalogue of service files and one file of rates, all TOML.
    ///
    /// # Errors
    /// The first thing that is wrong, with the service it stands in.
    pub fn from_sources(services: &[&str], rates: &str) -> Result<Self, CatalogueError> {
        load::catalogue(services, rates)
    }

    /// Gives an authority its number, as the installation is configured.
    pub fn configure(&mut self, authority: &str, bin: &Bin) {
        for service in &mut self.services {
            if service.authority.id == authority {
                service.authority.bin = Some(bin.clone());
            }
        }
    }

    /// Every version of every service.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service under the rules of `day`; a day outside all versions finds none.
    pub fn service_on(&self, id: &str, day: Date) -> Option<&Service> {
        self.services.iter().find(|service| service.id == id && service.in_force.on(day))
    }
}

impl TryFrom<DeadlineRow> for Deadline {
    type Error = &'static str;

    fn try_from(row: DeadlineRow) -> Result<Self, Self::Error> {
        let span = match (row.working_days, row.working_minutes) {
            (Some(days), None) => calendar::Span::WorkingDays(days),
            (None, Some(minutes)) => calendar::Span::WorkingMinutes(minutes),
            _ => return Err("either working_days or working_minutes is needed"),
        };
        Ok(Self { span, counted_from: row.counted_from })
    }
}

impl From<Deadline> for DeadlineRow {
    fn from(deadline: Deadline) -> Self {
        let (working_days, working_minutes) = match deadline.span {
            calendar::Span::WorkingDays(days) => (Some(days), None),
            calendar::Span::WorkingMinutes(minutes) => (None, Some(minutes)),
        };
        Self { working_days, working_minutes, counted_from: deadline.counted_from }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::licensing::sample;
    use crate::text::Language;

    #[test]
    fn the_fee_is_ten_indices_of_the_day() {
        let service = sample::service();
        assert_eq!(service.fee_on(date!(2026 - 11 - 20)), Ok(Some(43_250)));
        assert_eq!(service.fee_on(date!(2026 - 07 - 11)), Ok(None));
        let mut older = service;
        older.fees[0].in_force.from = date!(2020 - 01 - 01);
        assert_eq!(older.fee_on(date!(2025 - 12 - 31)), Ok(Some(39_320)));
        assert_eq!(older.fee_on(date!(2024 - 12 - 31)), Err(NoRate));
    }

    #[test]
    fn numbers_carry_the_year_of_almaty() {
        let licence = sample::service().series.licence;
        assert_eq!(licence.number(datetime!(2026-11-20 10:00 +5), 1), "KZ26LAA00000001");
        let new_year = datetime!(2026-12-31 20:00 UTC);
        assert_eq!(licence.number(new_year, 123_456_789), "KZ27LAA123456789");
    }

    #[test]
    fn rules_hold_from_their_first_day_and_the_authority_is_configured() {
        let mut catalogue = Catalogue::embedded().unwrap();
        let id = "import-export-licence";
        assert!(catalogue.service_on(id, date!(2026 - 07 - 11)).is_none());
        let bin: Bin = "940140000385".parse().unwrap();
        catalogue.configure("committee-of-trade", &bin);
        let service = catalogue.service_on(id, date!(2026 - 07 - 12)).unwrap();
        assert_eq!(service.authority.bin, Some(bin));
        assert!(!service.procedure("re-issue").unwrap().open);
    }

    /// Every wording of the service, wherever it stands, is written in three languages.
    #[test]
    fn every_label_has_three_languages() {
        fn walk(value: &serde_json::Value, count: &mut usize) {
            match value {
                serde_json::Value::Object(map) => {
                    if map.contains_key("kk") {
                        *count += 1;
                        for language in Language::ALL {
                            let text = map[language.code()].as_str().unwrap();
                            assert!(!text.trim().is_empty(), "{map:?}");
                        }
                        // A Russian text pasted into the Kazakh one, or the other way round.
                        assert_ne!(map["kk"], map["en"], "{map:?}");
                    }
                    map.values().for_each(|value| walk(value, count));
                }
                serde_json::Value::Array(list) => list.iter().for_each(|v| walk(v, count)),
                _ => {}
            }
        }
        let mut count = 0;
        walk(&serde_json::to_value(sample::service()).unwrap(), &mut count);
        assert!(count > 100, "{count}");
    }
}
