//! The document security store (EN 319 142-1 §5.4.2, ISO 32000-2 §12.8.4.3): certificates and
//! revocation values for every signature of the document.

use lopdf::{Dictionary, Object, ObjectId};

use super::PdfError;
use super::field::Changes;
use super::file::{File, with_entries};
use super::tree;
use super::update::Update;
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::limits;
use crate::signature::ValidationMaterial;

/// A value and the stream it stands in.
pub(super) type Held = (ObjectId, Vec<u8>);

/// What the store holds.
#[derive(Default)]
pub(super) struct Store {
    pub certificates: Vec<Held>,
    pub ocsp: Vec<Held>,
    pub crls: Vec<Held>,
}

/// The kinds of values: in the store, and under one signature.
const KEYS: [(&str, &str); 3] = [("Certs", "Cert"), ("OCSPs", "OCSP"), ("CRLs", "CRL")];

impl Store {
    /// Reads the store; an empty one where there is none.
    pub(super) fn read(file: &File<'_>) -> Result<Self, PdfError> {
        let mut store = Self::default();
        let (_, catalog) = file.catalog()?;
        let Some(catalog) = catalog.dictionary() else { return Ok(store) };
        let Some(own) = tree::dictionary(file, catalog, b"DSS")? else { return Ok(store) };
        let each = tree::dictionary(file, &own, b"VRI")?.unwrap_or_default();
        let mut holders = vec![(own, true)];
        for (_, one) in each.iter().take(limits::SIGNATURES) {
            if let Object::Dictionary(one) = file.resolve(one)? {
                holders.push((one, false));
            }
        }
        for (holder, whole) in &holders {
            for (list, (all, one)) in store.lists().into_iter().zip(KEYS) {
                let key = if *whole { all } else { one };
                let Object::Array(items) = file.get(holder, key.as_bytes())? else { continue };
                for id in items.iter().filter_map(|item| item.as_reference().ok()) {
                    if list.iter().any(|known| known.0 == id) {
                        continue;
                    }
                    if list.len() >= limits::CERTIFICATES {
                        return Err(PdfError::TooMany("values in the security store"));
                    }
                    if let Some(stream) = file.load(id)? {
                        list.push((id, file.decoded(&stream)?));
                    }
                }
            }
        }
        Ok(store)
    }

    /// The revocation values.
    pub(super) fn evidence(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.ocsp.iter().chain(&self.crls).map(|held| &held.1)
    }

    fn lists(&mut self) -> [&mut Vec<Held>; 3] {
        [&mut self.certificates, &mut self.ocsp, &mut self.crls]
    }
}

/// Adds material to the store, and names it as that of the signature with these `/Contents`.
pub(super) fn write(
    file: &File<'_>,
    update: &mut Update<'_, '_>,
    material: &ValidationMaterial,
    contents: &[u8],
) -> Result<Changes, PdfError> {
    let mut store = Store::read(file)?;
    let given = [&material.certificates, &material.ocsp, &material.crls];
    let (mut all, mut own) = (String::new(), String::new());
    for ((list, values), (key, one)) in store.lists().into_iter().zip(given).zip(KEYS) {
        let mut named = String::new();
        for value in values {
            let known = list.iter().find(|held| held.1 == *value).map(|held| held.0);
            let id = known.unwrap_or_else(|| {
                let id = (update.reserve(), 0);
                update.stream(id.0, "", value);
                list.push((id, value.clone()));
                id
            });
            named.push_str(&reference(id));
        }
        if list.len() > limits::CERTIFICATES {
            return Err(PdfError::TooMany("values in the security store"));
        }
        let whole: String = list.iter().map(|held| reference(held.0)).collect();
        all.push_str(&entry(key, &whole));
        own.push_str(&entry(one, &named));
    }
    // The key is the SHA-1 of the signature, as the specification has it; nothing is proved by it.
    let key = hex(&digest(DigestAlgorithm::Sha1, contents)).to_uppercase();
    let (_, catalog) = file.catalog()?;
    let root = catalog.dictionary().cloned().unwrap_or_default();
    let old = tree::dictionary(file, &root, b"DSS")?.unwrap_or_default();
    let known = known(file, &old)?;
    let each = with_entries(&known, &[(key.as_str(), format!("<<{own}>>").into_bytes())])?;
    let text = [b"<</Type/DSS", all.as_bytes(), b"/VRI", each.as_slice(), b">>"].concat();
    match root.get(b"DSS").and_then(Object::as_reference) {
        Ok(id) => {
            update.object(id, &text);
            Ok(Changes::new())
        }
        Err(_) => {
            let number = update.reserve();
            update.object((number, 0), &text);
            Ok(vec![("DSS", format!("{number} 0 R").into_bytes())])
        }
    }
}

/// The signatures that have material of their own, written anew with the references they have.
fn known(file: &File<'_>, store: &Dictionary) -> Result<Vec<u8>, PdfError> {
    let mut text = String::from("<<");
    for (key, one) in tree::dictionary(file, store, b"VRI")?.unwrap_or_default().iter() {
        let name: String = key.iter().map(|octet| char::from(*octet)).collect();
        // A key is a hexadecimal digest; what is none names no signature.
        if !name.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            continue;
        }
        let Object::Dictionary(one) = file.resolve(one)? else { continue };
        let mut own = String::new();
        for (_, key) in KEYS {
            if let Object::Array(items) = file.get(&one, key.as_bytes())? {
                let items = items.iter().filter_map(|item| item.as_reference().ok());
                own.push_str(&entry(key, &items.map(reference).collect::<String>()));
            }
        }
        text.push_str(&format!("/{name}<<{own}>>"));
    }
    text.push_str(">>");
    Ok(text.into_bytes())
}

fn entry(key: &str, references: &str) -> String {
    if references.is_empty() { String::new() } else { format!("/{key}[{references}]") }
}

fn reference((number, generation): ObjectId) -> String {
    format!("{number} {generation} R ")
}
