//! Forms and their validation, field by field.
//!
//! A field has one or more parts; each part is one value. The key of a value is the field's id
//! (`basis`), or `field.part` where the part has an id (`period.from`).

mod value;

pub(super) use value::plain;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Wording;
use crate::text::{Language, Texts};

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded(include_str!("form.toml")));

/// A form of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Form {
    /// Identifier within the service.
    pub id: String,
    /// Number of the annex that prescribes it.
    pub annex: Option<String>,
    /// Title.
    pub name: Wording,
    /// What is issued on it, as the line under the title of a licence says it.
    pub result: Wording,
    /// What the applicant agrees to by signing.
    pub consent: Wording,
    /// How the form is to be filled in, by the order.
    pub note: Option<Wording>,
    /// Fields in the order of the form.
    pub fields: Vec<Field>,
}

/// A numbered field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Identifier within the service.
    pub id: String,
    /// Number in the form, from one.
    pub number: u8,
    /// Label.
    pub label: Wording,
    /// Help for the one who fills it in.
    pub help: Option<Wording>,
    /// Who fills it in.
    pub by: FilledBy,
    /// Its values.
    pub parts: Vec<Part>,
}

/// Who fills a field in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FilledBy {
    /// The applicant.
    #[default]
    Applicant,
    /// The form itself: the value never changes.
    Fixed,
    /// The system, from the certificate of the one who signs.
    Signer,
    /// The system, on registration.
    Registration,
}

/// One value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Identifier within the field; empty where the field has one value.
    #[serde(default)]
    pub id: String,
    /// Label within the field.
    pub label: Option<Wording>,
    /// What the value must look like.
    pub kind: Kind,
    /// Whether it must be there.
    #[serde(default = "yes")]
    pub required: bool,
    /// Greatest length in characters.
    #[serde(default = "longest")]
    pub max: usize,
    /// Whether line ends (U+000A) are allowed.
    #[serde(default)]
    pub lines: bool,
    /// Part of the same field that names an earlier or equal date.
    pub not_before: Option<String>,
    /// The value of a fixed field.
    #[serde(default, skip_deserializing)]
    pub value: Option<String>,
}

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Free text.
    Text,
    /// `DD.MM.YYYY`.
    Date,
    /// ISO 3166-1 alpha-2.
    Country,
    /// ISO 4217.
    Currency,
    /// Above zero, up to 15 digits and two after the point.
    Money,
    /// Above zero, up to 15 digits and six after the point.
    Number,
    /// Ten digits of the Eurasian Economic Union's goods nomenclature.
    GoodsCode,
    /// The value the form gives.
    Fixed,
}

/// How far the form must be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// What stands there must be sound; anything may be missing.
    Draft,
    /// The applicant's own part is whole.
    Complete,
    /// As it is signed: with the fixed values and the authorised person.
    Signed,
    /// As it is registered: with the number.
    Registered,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldFault {
    /// Key of the value, `field` or `field.part`.
    pub field: String,
    /// Machine-readable code.
    pub code: FaultCode,
    /// The greatest length, where that is the fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

/// Machine-readable codes of faults; their spelling is part of the API and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultCode {
    /// The form has no such field.
    UnknownField,
    /// The system fills this field in.
    NotEnteredByHand,
    /// Not the value the form gives.
    FixedValue,
    /// Missing or blank.
    Required,
    /// Longer than allowed.
    TooLong,
    /// A control character, or one that hides or reorders text.
    ForbiddenCharacter,
    /// Not `DD.MM.YYYY`.
    DateFormat,
    /// Not in the calendar.
    NoSuchDate,
    /// The end lies before the beginning.
    PeriodReversed,
    /// Not in ISO 3166-1.
    UnknownCountry,
    /// Not in ISO 4217.
    UnknownCurrency,
    /// Not ten digits.
    GoodsCodeFormat,
    /// Not an amount.
    MoneyFormat,
    /// Not a number.
    NumberFormat,
}

/// Every fault of `values` as a filling-in of `form` up to `stage`, in the order of the form;
/// values the form does not know come last.
pub fn validate(form: &Form, values: &BTreeMap<String, String>, stage: Stage) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    for field in &form.fields {
        for part in &field.parts {
            let key = field.key(part);
            let value = values.get(&key).map(String::as_str);
            let earlier = part.not_before.as_ref().and_then(|id| values.get(&field.key_of(id)));
            if let Err(code) = judge(field, part, value, earlier.map(String::as_str), stage) {
                let max = (code == FaultCode::TooLong).then_some(part.max);
                faults.push(FieldFault { field: key, code, max });
            }
        }
    }
    let strays = values.keys().filter(|key| form.part(key).is_none());
    faults.extend(strays.map(|key| FieldFault {
        field: key.clone(),
        code: FaultCode::UnknownField,
        max: None,
    }));
    faults
}

fn judge(
    field: &Field,
    part: &Part,
    value: Option<&str>,
    earlier: Option<&str>,
    stage: Stage,
) -> Result<(), FaultCode> {
    let due = match field.by {
        FilledBy::Applicant => Stage::Complete,
        FilledBy::Fixed | FilledBy::Signer => Stage::Signed,
        FilledBy::Registration => Stage::Registered,
    };
    // The form's own value may be repeated at any time; the system's others only when they exist.
    let by_system = matches!(field.by, FilledBy::Signer | FilledBy::Registration);
    match value {
        None if part.required && stage >= due => Err(FaultCode::Required),
        None => Ok(()),
        Some(_) if by_system && stage < due => Err(FaultCode::NotEnteredByHand),
        Some(text) => value::check(part, text, earlier, stage >= due),
    }
}

impl Form {
    /// The field and part a value's key names.
    pub fn part(&self, key: &str) -> Option<(&Field, &Part)> {
        let (id, part_id) = key.split_once('.').unwrap_or((key, ""));
        if key.ends_with('.') {
            return None;
        }
        let field = self.fields.iter().find(|field| field.id == id)?;
        let part = field.parts.iter().find(|part| part.id == part_id)?;
        Some((field, part))
    }

    /// The field with this identifier.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// Keys of the values that `by` fills in.
    pub fn keys_by(&self, by: FilledBy) -> impl Iterator<Item = String> {
        let fields = self.fields.iter().filter(move |field| field.by == by);
        fields.flat_map(|field| field.parts.iter().map(|part| field.key(part)))
    }

    /// The values the form itself gives.
    pub fn fixed_values(&self) -> impl Iterator<Item = (String, String)> {
        let parts = self.fields.iter().flat_map(|f| f.parts.iter().map(move |part| (f, part)));
        parts.filter_map(|(field, part)| Some((field.key(part), part.value.clone()?)))
    }
}

impl Field {
    /// The key of a part's value.
    pub fn key(&self, part: &Part) -> String {
        self.key_of(&part.id)
    }

    fn key_of(&self, part: &str) -> String {
        if part.is_empty() { self.id.clone() } else { format!("{}.{part}", self.id) }
    }
}

impl FieldFault {
    /// The sentence a person sees beside the field.
    pub fn message(&self, language: Language) -> String {
        let text = TEXTS.get(self.code.as_str(), language);
        text.replace("{max}", &self.max.unwrap_or_default().to_string())
    }

    /// Whether the value cannot even be kept in a draft. All else may be kept and put right later.
    pub fn bars_saving(&self) -> bool {
        use FaultCode as F;
        matches!(
            self.code,
            F::UnknownField
                | F::NotEnteredByHand
                | F::FixedValue
                | F::TooLong
                | F::ForbiddenCharacter
        )
    }
}

impl FaultCode {
    /// Every code.
    pub const ALL: [Self; 14] = [
        Self::UnknownField,
        Self::NotEnteredByHand,
        Self::FixedValue,
        Self::Required,
        Self::TooLong,
        Self::ForbiddenCharacter,
        Self::DateFormat,
        Self::NoSuchDate,
        Self::PeriodReversed,
        Self::UnknownCountry,
        Self::UnknownCurrency,
        Self::GoodsCodeFormat,
        Self::MoneyFormat,
        Self::NumberFormat,
    ];

    /// The code as it stands in the API, for example `period-reversed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownField => "unknown-field",
            Self::NotEnteredByHand => "not-entered-by-hand",
            Self::FixedValue => "fixed-value",
            Self::Required => "required",
            Self::TooLong => "too-long",
            Self::ForbiddenCharacter => "forbidden-character",
            Self::DateFormat => "date-format",
            Self::NoSuchDate => "no-such-date",
            Self::PeriodReversed => "period-reversed",
            Self::UnknownCountry => "unknown-country",
            Self::UnknownCurrency => "unknown-currency",
            Self::GoodsCodeFormat => "goods-code-format",
            Self::MoneyFormat => "money-format",
            Self::NumberFormat => "number-format",
        }
    }
}

fn yes() -> bool {
    true
}

/// Length of values whose kind bounds them anyway.
fn longest() -> usize {
    40
}

#[cfg(test)]
mod tests;
