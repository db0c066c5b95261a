//! When two values of a PDF say the same, however they are written.

use lopdf::{Dictionary, Object, StringFormat};

use super::tree;

/// Whether two dictionaries agree but for these keys.
pub(super) fn same_but(old: &Dictionary, new: &Dictionary, keys: &[&[u8]]) -> bool {
    let rest = |dictionary: &Dictionary| {
        let mut rest = dictionary.clone();
        for key in keys {
            rest.remove(key);
        }
        plain(&Object::Dictionary(rest))
    };
    rest(old) == rest(new)
}

/// The document information says the same, but for who wrote the file last and when.
pub(super) fn same_information(old: &Dictionary, new: &Dictionary) -> bool {
    let texts = |dictionary: &Dictionary| -> Vec<(Vec<u8>, Object)> {
        let kept = dictionary.iter().filter(|(key, _)| {
            !["ModDate", "Producer"].map(str::as_bytes).contains(&key.as_slice())
        });
        let mut texts: Vec<(Vec<u8>, Object)> = kept
            .map(|(key, value)| match value {
                // One text may be written in two encodings.
                Object::String(..) => (key.clone(), Object::string_literal(tree::text(value))),
                value => (key.clone(), value.clone()),
            })
            .collect();
        texts.sort_by(|a, b| a.0.cmp(&b.0));
        texts
    };
    texts(old) == texts(new)
}

/// The value with every string written the same way. Values are nested at most as deep as the
/// parser allows.
pub(super) fn plain(object: &Object) -> Object {
    match object {
        Object::String(octets, _) => Object::String(octets.clone(), StringFormat::Literal),
        Object::Array(items) => Object::Array(items.iter().map(plain).collect()),
        Object::Dictionary(dictionary) => {
            let mut out = Dictionary::new();
            dictionary.iter().for_each(|(key, value)| out.set(key.clone(), plain(value)));
            Object::Dictionary(out)
        }
        other => other.clone(),
    }
}
