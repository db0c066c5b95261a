//! Distinguished names as KeyInfo writes them (xmldsig-core1 §4.5.4: RFC 4514, in practice also
//! RFC 2253, RFC 1779 and the forward order of some libraries).

use crate::x509::Name;
use crate::x509::der::Reader;

/// Whether the text is this name. Letter case and runs of spaces do not count (RFC 5280 §7.1), and
/// the order may be either; a keyword that is not known stands for any attribute.
pub(super) fn same(text: &str, name: &Name) -> bool {
    let Some(written) = parse(text) else { return false };
    let attributes = name.attributes().map(|(oid, value)| (oid, plain(value)));
    let attributes: Vec<(&str, String)> = attributes.collect();
    let equal = |written: &(Option<String>, String), attribute: &(&str, String)| {
        written.1 == attribute.1 && written.0.as_deref().is_none_or(|oid| oid == attribute.0)
    };
    let in_order = |mut pairs: Box<dyn Iterator<Item = &(Option<String>, String)> + '_>| {
        attributes.iter().all(|attribute| pairs.next().is_some_and(|one| equal(one, attribute)))
    };
    written.len() == attributes.len()
        && (in_order(Box::new(written.iter().rev())) || in_order(Box::new(written.iter())))
}

/// Attribute types (where the keyword is known) and values, as they are written.
fn parse(text: &str) -> Option<Vec<(Option<String>, String)>> {
    let text = text.trim();
    let mut out = Vec::new();
    if text.is_empty() {
        return Some(out);
    }
    let mut rest = text;
    loop {
        let (keyword, after) = rest.split_once('=')?;
        let (value, after) = value(after.trim_start())?;
        out.push((oid(keyword.trim())?, plain(&value)));
        match after {
            Some(after) => rest = after,
            None => return Some(out),
        }
    }
}

/// One value, and what follows its separator.
fn value(text: &str) -> Option<(String, Option<&str>)> {
    let mut octets = Vec::new();
    let (mut quoted, mut escaped_end) = (false, 0);
    let mut chars = text.char_indices();
    let mut after = None;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                let hex = text.get(at + 1..at + 3).and_then(|two| u8::from_str_radix(two, 16).ok());
                match (hex, chars.next()?) {
                    (Some(octet), _) => {
                        octets.push(octet);
                        chars.next();
                    }
                    (None, (_, c)) => octets.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                }
                escaped_end = octets.len();
            }
            '"' => quoted = !quoted,
            ',' | ';' | '+' if !quoted => {
                after = text.get(at + 1..);
                break;
            }
            _ => octets.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    if quoted {
        return None;
    }
    // `#` and the DER of the value (RFC 4514 §2.4).
    if let (Some(digits), 0) = (octets.strip_prefix(b"#"), escaped_end) {
        let digits = std::str::from_utf8(digits).ok()?.trim();
        let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let der = (0..digits.len()).step_by(2).map(pair).collect::<Option<Vec<u8>>>()?;
        octets = Reader::new(&der).element().ok()?.content.to_vec();
    }
    Some((String::from_utf8(octets).ok()?, after))
}

/// The attribute type of a keyword, dotted; `None` inside for one that is not known.
fn oid(keyword: &str) -> Option<Option<String>> {
    let keyword = keyword.to_ascii_uppercase();
    let dotted = keyword.strip_prefix("OID.").unwrap_or(&keyword);
    if dotted.starts_with(|c: char| c.is_ascii_digit()) {
        return dotted
            .bytes()
            .all(|c| c == b'.' || c.is_ascii_digit())
            .then(|| Some(dotted.to_owned()));
    }
    let known = match dotted {
        "CN" | "COMMONNAME" => "2.5.4.3",
        "SN" | "SURNAME" => "2.5.4.4",
        "SERIALNUMBER" => "2.5.4.5",
        "C" | "COUNTRYNAME" => "2.5.4.6",
        "L" | "LOCALITYNAME" => "2.5.4.7",
        "ST" | "S" | "STATEORPROVINCENAME" => "2.5.4.8",
        "STREET" | "STREETADDRESS" => "2.5.4.9",
        "O" | "ORGANIZATIONNAME" => "2.5.4.10",
        "OU" | "ORGANIZATIONALUNITNAME" => "2.5.4.11",
        "T" | "TITLE" => "2.5.4.12",
        "G" | "GN" | "GIVENNAME" => "2.5.4.42",
        "UID" => "0.9.2342.19200300.100.1.1",
        "DC" => "0.9.2342.19200300.100.1.25",
        "E" | "EMAIL" | "EMAILADDRESS" => "1.2.840.113549.1.9.1",
        _ => return (!dotted.is_empty()).then_some(None),
    };
    Some(Some(known.to_owned()))
}

fn plain(value: &str) -> String {
    value.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::testing::named_signer;
    use proptest::prelude::*;

    #[test]
    fn the_usual_ways_to_write_a_name_are_understood() {
        let signer = named_signer(&[
            ("2.5.4.6", "KZ"),
            ("2.5.4.10", "\"Рога, и + копыта\""),
            ("2.5.4.5", "IIN123456789011"),
            ("2.5.4.3", "ТЕСТОВ  ТЕСТ"),
        ]);
        let name = signer.0.certificate().subject();
        for text in [
            &name.to_string(),
            "CN=ТЕСТОВ ТЕСТ, SERIALNUMBER=IIN123456789011, O=\\\"Рога\\, и \\+ копыта\\\", C=KZ",
            "C=kz,O=\\22Рога\\2C и \\+ копыта\\22;2.5.4.5=IIN123456789011,cn=Тестов Тест",
            "C=KZ,O=\\\"Рога\\, и \\+ копыта\\\",OID.2.5.4.5=#0c0f49494e313233343536373839303131,\
             CN=ТЕСТОВ ТЕСТ",
            "C=KZ,O=\\\"Рога\\, и \\+ копыта\\\",WHAT=IIN123456789011,CN=\"ТЕСТОВ ТЕСТ\"",
        ] {
            assert!(same(text, name), "{text}");
        }
        for text in [
            "",
            "CN=ТЕСТОВ ТЕСТ",
            "CN=ТЕСТОВ ТЕСТ,C=KZ,2.5.4.5=IIN123456789011,O=\\\"Рога\\, и \\+ копыта\\\"",
            "C=KZ,O=\\\"Рога\\, и \\+ копыта\\\",CN=IIN123456789011,CN=ТЕСТОВ ТЕСТ",
            "CN=\"ТЕСТОВ ТЕСТ",
            "ТЕСТОВ ТЕСТ",
        ] {
            assert!(!same(text, name), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[\\PC\\\\,+=#\"a-f0-9]{0,40}") {
            let _ = parse(&text);
        }
    }
}
