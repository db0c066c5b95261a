use proptest::prelude::*;

use super::*;
use crate::licensing::catalogue::Catalogue;
use crate::licensing::sample;

fn form(id: &str) -> Form {
    let catalogue = Catalogue::embedded().unwrap();
    catalogue.services()[0].form(id).unwrap().clone()
}

/// The code at `key` when `values` of the sample are changed to hold `text` there.
fn code(key: &str, text: &str, stage: Stage) -> Option<FaultCode> {
    let mut values = sample::values();
    values.insert(key.into(), text.into());
    let faults = validate(&form("export"), &values, stage);
    assert!(faults.iter().all(|fault| fault.field == key), "{faults:?}");
    faults.first().map(|fault| fault.code)
}

#[test]
fn a_whole_form_has_no_fault() {
    assert_eq!(validate(&form("export"), &sample::values(), Stage::Complete), []);
}

#[test]
fn each_kind_is_judged_by_its_own_rule() {
    use FaultCode as F;
    for (key, text, expected) in [
        ("period.from", "1.12.2026", Some(F::DateFormat)),
        ("period.from", "01/12/2026", Some(F::DateFormat)),
        ("period.from", "29.02.2027", Some(F::NoSuchDate)),
        ("period.from", "00.12.2026", Some(F::NoSuchDate)),
        ("contract.date", "29.02.2028", None),
        ("period.to", "30.11.2026", Some(F::PeriodReversed)),
        ("period.to", "01.12.2026", None),
        ("destination-country.code", "CN", None),
        ("destination-country.code", "cn", Some(F::UnknownCountry)),
        ("destination-country.code", "XX", Some(F::UnknownCountry)),
        ("currency.code", "EUR", None),
        ("currency.code", "EURO", Some(F::UnknownCurrency)),
        ("goods.code", "271019310", Some(F::GoodsCodeFormat)),
        ("goods.code", "27101931000", Some(F::GoodsCodeFormat)),
        ("goods.code", "٢٧١٠١٩٣١٠٠", Some(F::GoodsCodeFormat)),
        ("value", "0.01", None),
        ("value", "999999999999999.99", None),
        ("value", "0", Some(F::MoneyFormat)),
        ("value", "0.00", Some(F::MoneyFormat)),
        ("value", "-5", Some(F::MoneyFormat)),
        ("value", "1,5", Some(F::MoneyFormat)),
        ("value", "1e5", Some(F::MoneyFormat)),
        ("value", "007", Some(F::MoneyFormat)),
        ("value", "1.234", Some(F::MoneyFormat)),
        ("value", "1.", Some(F::MoneyFormat)),
        ("value", "1000000000000000", Some(F::MoneyFormat)),
        ("quantity", "0.000001", None),
        ("quantity", "0.0000001", Some(F::NumberFormat)),
        ("quantity", "ten", Some(F::NumberFormat)),
        ("basis", " ", Some(F::Required)),
        ("basis", "a\u{7}b", Some(F::ForbiddenCharacter)),
        ("basis", "a\nb", Some(F::ForbiddenCharacter)),
        ("additional", "a\nb", None),
        ("additional", "a\r\nb", Some(F::ForbiddenCharacter)),
        ("buyer", "abc\u{202e}cba", Some(F::ForbiddenCharacter)),
        ("buyer", "a\u{200b}b", Some(F::ForbiddenCharacter)),
        ("buyer", "a\u{fffe}b", Some(F::ForbiddenCharacter)),
        ("additional", "", None),
        ("licence-type", "ЭКСПОРТ", None),
        ("licence-type", "ИМПОРТ", Some(F::FixedValue)),
        ("number", "1", Some(F::NotEnteredByHand)),
        ("authorised-person", "X", Some(F::NotEnteredByHand)),
        ("seller", "X", Some(F::UnknownField)),
        ("basis.", "X", Some(F::UnknownField)),
        ("period", "X", Some(F::UnknownField)),
        ("", "X", Some(F::UnknownField)),
    ] {
        assert_eq!(code(key, text, Stage::Complete), expected, "{key} = {text:?}");
    }
}

#[test]
fn length_is_counted_in_characters_and_named_in_the_message() {
    assert_eq!(code("unit", &"ә".repeat(50), Stage::Complete), None);
    let mut values = sample::values();
    values.insert("unit".into(), "ә".repeat(51));
    let faults = validate(&form("export"), &values, Stage::Draft);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].message(Language::Ru), "Не более 50 знаков");
    assert!(faults[0].bars_saving());
}

#[test]
fn a_draft_may_be_empty_and_each_stage_asks_for_more() {
    let form = form("export");
    assert_eq!(validate(&form, &BTreeMap::new(), Stage::Draft), []);
    let missing = |values: &BTreeMap<_, _>, stage| -> Vec<String> {
        let faults = validate(&form, values, stage);
        assert!(faults.iter().all(|fault| fault.code == FaultCode::Required));
        faults.into_iter().map(|fault| fault.field).collect()
    };
    let mut values = sample::values();
    assert_eq!(missing(&values, Stage::Signed), ["licence-type", "authorised-person"]);
    values.extend(form.fixed_values());
    values.insert("authorised-person".into(), "Асқаров Асқар".into());
    assert_eq!(missing(&values, Stage::Signed), Vec::<String>::new());
    assert_eq!(missing(&values, Stage::Registered), ["number"]);
    values.insert("number".into(), "KZ26RAA00000001".into());
    assert_eq!(missing(&values, Stage::Registered), Vec::<String>::new());
}

#[test]
fn every_fault_has_its_sentence_in_three_languages() {
    assert_eq!(TEXTS.incomplete(), Some(vec![]));
    for code in FaultCode::ALL {
        for language in Language::ALL {
            assert_ne!(TEXTS.get(code.as_str(), language), code.as_str());
        }
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{}\"", code.as_str()));
    }
}

/// The labels are the words of the order: both annexes as printed, cell borders aside.
#[test]
fn kazakh_labels_are_the_words_of_the_order() {
    let printed = include_str!("../catalogue/order-144-forms.txt");
    let mut rest = printed;
    for (id, fixed) in [("export", "ЭКСПОРТ"), ("import", "ИМПОРТ")] {
        let form = form(id);
        let start = rest.find(&form.name.kk).expect("the title of the form");
        rest = &rest[start + form.name.kk.len()..];
        let annex = rest.split("Нысан").next().unwrap();
        let cells = annex.replace('|', "\n");
        let mut lines = cells.lines().map(str::trim).filter(|line| !line.is_empty());
        for field in &form.fields {
            let label = format!("{}. {}", field.number, field.label.kk);
            assert_eq!(lines.next(), Some(label.as_str()));
            if field.by == FilledBy::Fixed {
                assert_eq!(lines.next(), Some(fixed));
                assert_eq!(field.parts[0].value.as_deref(), Some(fixed));
            }
        }
        assert_eq!(form.fields.len(), 18);
        assert!(lines.next().unwrap().starts_with(&form.consent.kk));
        let note = lines.next().unwrap();
        assert_eq!(note, format!("Ескертпе. {}", form.note.unwrap().kk));
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_nothing_hidden_passes(
        values in prop::collection::btree_map("[a-z.-]{0,12}|period\\.(from|to)|value|goods\\.code", any::<String>(), 0..8),
    ) {
        let form = form("import");
        for stage in [Stage::Draft, Stage::Complete, Stage::Signed, Stage::Registered] {
            let faults = validate(&form, &values, stage);
            for (key, text) in &values {
                let refused = faults.iter().any(|fault| fault.field == *key);
                prop_assert!(refused || form.part(key).is_some());
                let hidden = text.contains(['\0', '\r', '\u{202e}', '\u{feff}']);
                prop_assert!(refused || !hidden);
            }
        }
    }

    #[test]
    fn every_real_day_is_a_date(year in 1900_i32..2200, ordinal in 1_u16..=365) {
        let day = time::Date::from_ordinal_date(year, ordinal).unwrap();
        let text = format!("{:02}.{:02}.{year}", day.day(), u8::from(day.month()));
        prop_assert_eq!(value::date(&text), Ok(day));
    }
}
