//! One filled-in field of a form, as documents carry and print it.

use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

use super::Wording;
use super::form::{Form, Kind};

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

/// The filled-in fields of a form, in its order. The parts of a field stand in one value as people
/// write them; empty parts are left out.
pub fn document_fields(form: &Form, values: &BTreeMap<String, String>) -> Vec<Field> {
    let field = |field: &super::form::Field| {
        let mut value = String::new();
        let mut before = None;
        for part in &field.parts {
            let text = values.get(&field.key(part)).map_or("", |text| text.trim());
            if text.is_empty() {
                continue;
            }
            value.push_str(match (before, part.kind) {
                (None, _) => "",
                (Some(Kind::Date), Kind::Date) => " – ",
                (Some(Kind::Country | Kind::Currency | Kind::GoodsCode), _) => " — ",
                (Some(_), _) => ", ",
            });
            value.push_str(text);
            before = Some(part.kind);
        }
        Field { id: field.id.clone(), number: field.number, label: field.label.clone(), value }
    };
    form.fields.iter().map(field).collect()
}
