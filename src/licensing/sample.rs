//! A sound request for tests.

use std::collections::BTreeMap;

use super::Attachment;
use super::catalogue::{Catalogue, Service};
use crate::identity::Applicant;

/// The one service of the embedded catalogue.
pub(super) fn service() -> Service {
    Catalogue::embedded().unwrap().services()[0].clone()
}

/// An applicant by BIN.
pub(super) fn applicant() -> Applicant {
    Applicant::Organisation { bin: "940140000385".parse().unwrap() }
}

/// What the applicant enters on the export form.
pub(super) fn values() -> BTreeMap<String, String> {
    [
        ("period.from", "01.12.2026"),
        ("period.to", "30.11.2027"),
        ("contract.number", "EX-17/2026"),
        ("contract.date", "15.10.2026"),
        ("applicant.name", "«Ұлы Дала Экспорт» ЖШС"),
        ("applicant.address", "Алматы қ., Абай даңғылы, 1"),
        ("buyer", "Silk Road Trading Ltd., Urumqi"),
        ("destination-country.code", "CN"),
        ("destination-country.name", "Қытай"),
        ("buyer-country.code", "CN"),
        ("buyer-country.name", "Қытай"),
        ("currency.code", "USD"),
        ("currency.name", "АҚШ доллары"),
        ("value", "125000.50"),
        ("statistical-value", "125000.50"),
        ("origin-country.code", "KZ"),
        ("origin-country.name", "Қазақстан"),
        ("quantity", "1500"),
        ("unit", "килограмм"),
        ("goods.code", "2710193100"),
        ("goods.description", "Газойль"),
        ("basis", "Келісімшарт, № EX-17/2026"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// An attachment of this name.
pub(super) fn attachment(name: &str) -> Attachment {
    Attachment {
        name: name.to_owned(),
        media_type: "application/pdf".to_owned(),
        size: 1024,
        sha256: digest('a'),
    }
}

/// A digest made of one hexadecimal digit.
pub(super) fn digest(digit: char) -> String {
    digit.to_string().repeat(64)
}
