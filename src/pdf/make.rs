//! Signing: a signature dictionary, its field and its stamp are appended, everything but the
//! hexadecimal string of `/Contents` is digested, and the CMS signature is put there.

use rasn::prelude::*;
use time::OffsetDateTime;

use super::file::{File, with_entries};
use super::stamp::Stamp;
use super::update::{Update, text_string};
use super::{PdfError, tree};
use crate::cms;
use crate::crypto::{Digester, SignatureAlgorithm, hex};
use crate::limits;
use crate::token::{Signer, sign_checked};
use crate::x509::Certificate;

/// What a signature says beside the document.
#[derive(Clone, Debug)]
pub struct SigningOptions {
    /// The claimed signing time (`/M`).
    pub signing_time: OffsetDateTime,
    /// The signer's name.
    pub name: Option<String>,
    /// Why the document is signed.
    pub reason: Option<String>,
    /// Where it is signed.
    pub location: Option<String>,
    /// The visible stamp; `None` makes an invisible signature.
    pub stamp: Option<Stamp>,
    /// The name of the new field; `None` takes the first free `SignatureN`.
    pub field_name: Option<String>,
    /// Certificates carried beside the signer's own, for example its issuers.
    pub certificates: Vec<Certificate>,
}

/// A document that lacks nothing but the signature value. It survives between two calls as octets.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub struct Prepared {
    document: OctetString,
    gap_start: u64,
    gap_end: u64,
    cms: cms::Prepared,
}

impl SigningOptions {
    /// An invisible signature at this time that says nothing more.
    pub fn at(signing_time: OffsetDateTime) -> Self {
        Self {
            signing_time,
            name: None,
            reason: None,
            location: None,
            stamp: None,
            field_name: None,
            certificates: Vec::new(),
        }
    }
}

/// Appends a PAdES-B-B signature (ETSI EN 319 142-1 §6) that waits for its value.
///
/// # Errors
/// [`PdfError`] for a broken, encrypted or certified file, a page that is not there, a stamp that
/// cannot be drawn, or an algorithm this program does not sign with.
pub fn prepare(
    pdf: &[u8],
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    options: &SigningOptions,
) -> Result<Prepared, PdfError> {
    if pdf.len() > limits::DOCUMENT_BYTES {
        return Err(PdfError::Malformed("the document is too large".to_owned()));
    }
    let file = File::open(pdf)?;
    refuse_if_certified(&file)?;
    let field_name = field_name(&file, options)?;
    let mut update = Update::new(&file);
    let [signature, widget] = std::array::from_fn(|_| update.reserve());
    let dictionary = Dictionary::new(options);
    let start = update.object((signature, 0), &dictionary.text);
    let page = write_widget(&file, &mut update, [signature, widget], &field_name, options)?;
    write_form(&file, &mut update, widget, page)?;
    let mut document = update.finish();

    let gap = start + dictionary.gap.start..start + dictionary.gap.end;
    let range = format!("[0 {} {} {}]", gap.start, gap.end, document.len() - gap.end);
    let place = start + dictionary.byte_range.start..start + dictionary.byte_range.end;
    let place = document.get_mut(place).unwrap_or_default();
    // Spaces fill the rest: the dictionary was written before the numbers were known.
    let padded = format!("{range:<width$}", width = place.len());
    place.copy_from_slice(padded.get(..place.len()).unwrap_or_default().as_bytes());

    let mut digester = Digester::new(algorithm.digest());
    digester.update(document.get(..gap.start).unwrap_or_default());
    digester.update(document.get(gap.end..).unwrap_or_default());
    let cms_options =
        cms::SigningOptions { certificates: options.certificates.clone(), ..Default::default() };
    let cms = cms::prepare(&digester.finish(), certificate, algorithm, cms_options)?;
    Ok(Prepared {
        document: document.into(),
        gap_start: gap.start as u64,
        gap_end: gap.end as u64,
        cms,
    })
}

/// Signs with a key that is at hand; the value is checked before it is used.
///
/// # Errors
/// As [`prepare`], and [`PdfError::Sign`].
pub fn sign(
    pdf: &[u8],
    signer: &dyn Signer,
    options: &SigningOptions,
) -> Result<Vec<u8>, PdfError> {
    let prepared = prepare(pdf, signer.certificate(), signer.algorithm(), options)?;
    let value = sign_checked(signer, prepared.to_be_signed())?;
    prepared.complete(&value)
}

impl Prepared {
    /// The octets to be signed: the DER `SET OF` signed attributes.
    pub fn to_be_signed(&self) -> &[u8] {
        self.cms.to_be_signed()
    }

    /// Puts the value in (ECDSA as r ‖ s) and returns the signed document.
    ///
    /// # Errors
    /// [`PdfError::Cms`] for a value that does not verify, [`PdfError::SignatureTooLarge`].
    pub fn complete(self, value: &[u8]) -> Result<Vec<u8>, PdfError> {
        let signature = hex(&self.cms.complete(value)?);
        let mut document = self.document.to_vec();
        let bounds = usize::try_from(self.gap_start).ok().zip(usize::try_from(self.gap_end).ok());
        let place = bounds.and_then(|(start, end)| document.get_mut(start + 1..end - 1));
        let place = place.ok_or_else(|| PdfError::malformed("the prepared document is damaged"))?;
        match place.get_mut(..signature.len()) {
            Some(place) => place.copy_from_slice(signature.as_bytes()),
            None => return Err(PdfError::SignatureTooLarge),
        }
        Ok(document)
    }

    /// Octets to store between two calls.
    ///
    /// # Errors
    /// [`PdfError::Malformed`] if it cannot be encoded, which no prepared document meets.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PdfError> {
        rasn::der::encode(self).map_err(|error| PdfError::Malformed(error.to_string()))
    }

    /// Takes stored octets back.
    ///
    /// # Errors
    /// [`PdfError::Malformed`].
    pub fn from_bytes(stored: &[u8]) -> Result<Self, PdfError> {
        let prepared: Self =
            rasn::der::decode(stored).map_err(|error| PdfError::Malformed(error.to_string()))?;
        let sane = prepared.gap_start < prepared.gap_end.saturating_sub(1)
            && prepared.gap_end <= prepared.document.len() as u64;
        match sane {
            true => Ok(prepared),
            false => Err(PdfError::malformed("the prepared document is damaged")),
        }
    }
}

/// The text of a signature dictionary, and where its holes are.
struct Dictionary {
    text: Vec<u8>,
    byte_range: std::ops::Range<usize>,
    gap: std::ops::Range<usize>,
}

impl Dictionary {
    fn new(options: &SigningOptions) -> Self {
        let mut text = String::from(
            "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached\n/ByteRange ",
        );
        let hole = |text: &mut String, size: usize, fill: &str| {
            let start = text.len();
            text.push_str(&fill.repeat(size));
            start..text.len()
        };
        // "[0 " and three numbers of at most ten digits.
        let byte_range = hole(&mut text, 36, " ");
        text.push_str("\n/Contents ");
        let start = text.len();
        text.push('<');
        hole(&mut text, limits::PDF_SIGNATURE_BYTES * 2, "0");
        text.push('>');
        let gap = start..text.len();
        text.push_str(&format!("\n/M{}", date(options.signing_time)));
        let said = [("Name", &options.name), ("Reason", &options.reason)];
        for (key, value) in said.into_iter().chain([("Location", &options.location)]) {
            if let Some(value) = value {
                text.push_str(&format!("/{key}{}", text_string(value)));
            }
        }
        text.push_str(">>");
        Self { text: text.into_bytes(), byte_range, gap }
    }
}

/// A date (ISO 32000-1 §7.9.4) in universal time.
fn date(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = time.to_hms();
    format!("(D:{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z)")
}

fn write_widget(
    file: &File<'_>,
    update: &mut Update<'_, '_>,
    [signature, widget]: [u32; 2],
    field_name: &str,
    options: &SigningOptions,
) -> Result<lopdf::ObjectId, PdfError> {
    let (page_id, page) = tree::page(file, options.stamp.as_ref().map_or(0, |stamp| stamp.page))?;
    let (rect, appearance) = match &options.stamp {
        None => ([0.0; 4], String::new()),
        Some(stamp) => (stamp.rect, format!("/AP<</N {} 0 R>>", stamp.write(update)?)),
    };
    let [left, bottom, right, top] = rect;
    let (number, generation) = page_id;
    // Flags: print and locked (§12.5.3).
    let text = format!(
        "<</Type/Annot/Subtype/Widget/FT/Sig/T{}/V {signature} 0 R/F 132\
         /Rect[{left} {bottom} {right} {top}]/P {number} {generation} R{appearance}>>",
        text_string(field_name)
    );
    update.object((widget, 0), text.as_bytes());
    let old = file.text(&page, page.value.span.clone());
    let annotations = update.appended(old, "Annots", &format!("{widget} 0 R"))?;
    update.rewrite(page_id, &page, &[("Annots", annotations)])?;
    Ok(page_id)
}

/// Names the field in the form, and the form in the catalog where it is new.
fn write_form(
    file: &File<'_>,
    update: &mut Update<'_, '_>,
    widget: u32,
    page: lopdf::ObjectId,
) -> Result<(), PdfError> {
    let (root, catalog) = file.catalog()?;
    if root == page {
        return Err(PdfError::malformed("the catalog is a page"));
    }
    let item = format!("{widget} 0 R");
    // 3: signatures exist, and only appending keeps them (§12.7.2).
    let flags = ("SigFlags", b"3".to_vec());
    let text = file.text(&catalog, catalog.value.span.clone());
    let form = catalog.dictionary().and_then(|catalog| catalog.get(b"AcroForm").ok());
    match form.map(lopdf::Object::as_reference) {
        None => {
            let form = update.reserve();
            update.object((form, 0), format!("<</Fields[{item}]/SigFlags 3>>").as_bytes());
            update.rewrite(root, &catalog, &[("AcroForm", format!("{form} 0 R").into_bytes())])
        }
        Some(Ok(id)) => {
            let form = file.load(id)?;
            let form = form.ok_or_else(|| PdfError::malformed("the form is not there"))?;
            let old = file.text(&form, form.value.span.clone());
            let fields = update.appended(old, "Fields", &item)?;
            update.rewrite(id, &form, &[("Fields", fields), flags])
        }
        Some(Err(_)) => {
            let span = catalog.value.entry(b"AcroForm").unwrap_or_default();
            let old = file.text(&catalog, span);
            let fields = update.appended(old, "Fields", &item)?;
            let form = with_entries(old, &[("Fields", fields), flags])?;
            let text = with_entries(text, &[("AcroForm", form)])?;
            update.object(root, &text);
            Ok(())
        }
    }
}

fn field_name(file: &File<'_>, options: &SigningOptions) -> Result<String, PdfError> {
    let fields = tree::fields(file)?;
    let taken = |name: &str| fields.iter().any(|field| *field.name == *name);
    match &options.field_name {
        Some(name) if taken(name) => Err(PdfError::Unsupported("a field of this name exists")),
        // A full stop separates the names of a field's ancestors (§12.7.3.2).
        Some(name) if name.is_empty() || name.contains('.') => {
            Err(PdfError::Unsupported("a field name that is empty or has a full stop"))
        }
        Some(name) => Ok(name.clone()),
        None => {
            let mut names = (1..).map(|number| format!("Signature{number}"));
            Ok(names.find(|name| !taken(name)).unwrap_or_default())
        }
    }
}

/// A certification signature of level 1 allows no change at all (§12.8.2.2).
fn refuse_if_certified(file: &File<'_>) -> Result<(), PdfError> {
    let (_, catalog) = file.catalog()?;
    let Some(catalog) = catalog.dictionary() else { return Ok(()) };
    let Some(permissions) = tree::dictionary(file, catalog, b"Perms")? else { return Ok(()) };
    let Some(signature) = tree::dictionary(file, &permissions, b"DocMDP")? else { return Ok(()) };
    let references = file.get(&signature, b"Reference")?;
    for reference in references.as_array().map(Vec::as_slice).unwrap_or_default() {
        let reference = file.resolve(reference)?;
        let Ok(reference) = reference.as_dict() else { continue };
        let parameters = tree::dictionary(file, reference, b"TransformParams")?;
        let level = parameters.and_then(|parameters| parameters.get(b"P").ok()?.as_i64().ok());
        if level == Some(1) {
            return Err(PdfError::Certified);
        }
    }
    Ok(())
}
