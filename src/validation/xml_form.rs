//! Reports as XML: the same names and values as the JSON, one element for each.

use serde::Serialize;
use serde_json::Value;

/// The report as an XML document with this root. A list is one `item` for each entry; what JSON
/// writes as `null` is an empty element with `nil="true"`.
///
/// # Errors
/// Those of serialising the report, which are none for the reports of this room.
pub fn to_xml(report: &impl Serialize, root: &str) -> Result<String, serde_json::Error> {
    let value = serde_json::to_value(report)?;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Reports are made here and nest a dozen levels, so recursion is bounded.
    write(&mut out, root, &value, 0);
    Ok(out)
}

fn write(out: &mut String, name: &str, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    let mut parent = |children: &mut dyn Iterator<Item = (&str, &Value)>| {
        out.push_str(&format!("{indent}<{name}>\n"));
        children.for_each(|(name, child)| write(out, name, child, depth + 1));
        out.push_str(&format!("{indent}</{name}>\n"));
    };
    match value {
        Value::Object(fields) => {
            parent(&mut fields.iter().map(|(name, value)| (name.as_str(), value)));
        }
        Value::Array(items) => parent(&mut items.iter().map(|value| ("item", value))),
        Value::Null => out.push_str(&format!("{indent}<{name} nil=\"true\"/>\n")),
        Value::String(text) => {
            out.push_str(&format!("{indent}<{name}>"));
            escape(out, text);
            out.push_str(&format!("</{name}>\n"));
        }
        Value::Bool(_) | Value::Number(_) => {
            out.push_str(&format!("{indent}<{name}>{value}</{name}>\n"));
        }
    }
}

/// Certificates bring any characters; those XML cannot hold (XML 1.0 §2.2) are replaced.
fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_values_are_those_of_the_json() {
        let json = serde_json::json!({"a": [1, true], "b": "<&\u{1}", "c": null});
        let xml = to_xml(&json, "report").unwrap();
        let lines: Vec<&str> = xml.lines().skip(1).map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "<report>",
                "<a>",
                "<item>1</item>",
                "<item>true</item>",
                "</a>",
                "<b>&lt;&amp;\u{fffd}</b>",
                "<c nil=\"true\"/>",
                "</report>",
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_stays_well_formed(text in any::<String>()) {
            let xml = to_xml(&serde_json::json!({ "text": text }), "report").unwrap();
            prop_assert!(crate::xml::read(xml.as_bytes(), None).is_ok());
        }
    }
}
