//! One filled-in field of a form, as documents carry and print it.

use serde::{Deserialize, Serialize};

use super::Wording;

/// A field with its label at the time of filling in, so that a document stays readable when the
/// form changes later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Stable name of the field in its form, for example `goods`.
    pub id: String,
    /// Number of the field in the printed form; the orders count from 1.
    pub number: u8,
    /// What the form calls the field.
    pub label: Wording,
    /// What was filled in; may be empty, may have several lines.
    pub value: String,
}
