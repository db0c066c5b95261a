//! Signing: a signature dictionary, its field and its stamp are appended, everything but the
//! hexadecimal string of `/Contents` is digested, and the CMS signature is put there.

use rasn::prelude::*;
use time::OffsetDateTime;

use super::field::{self, Changes};
use super::file::File;
use super::hole::{Dictionary, Waiting};
use super::stamp::Stamp;
use super::update::{Update, text_string};
use super::{PdfError, tree};
use crate::cms;
use crate::crypto::SignatureAlgorithm;
use crate::limits;
use crate::token::Signer;
use crate::x509::Certificate;

/// Bytes of a CMS signature beside its certificates, issuer and value: attributes, digests,
/// identifiers.
const SIGNER_BYTES: usize = 768;

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
    /// The name of the field: a prepared one that is empty, or a new one. `None` makes the first
    /// free `SignatureN`.
    pub field_name: Option<String>,
    /// Certifies the document (DocMDP): only its first signature can.
    pub certification: Option<Certification>,
    /// Certificates carried beside the signer's own, for example its issuers.
    pub certificates: Vec<Certificate>,
    /// Whether room is kept for a time-stamp inside the signature (level T). Without it the file
    /// is smaller, and only a document time-stamp can raise it.
    pub for_timestamp: bool,
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
            certification: None,
            certificates: Vec::new(),
            for_timestamp: true,
        }
    }
}

/// What a certification signature permits later (ISO 32000-1 §12.8.2.2 table 254).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certification {
    /// Nothing but material to verify it later.
    NoChanges = 1,
    /// Filling in forms and signing.
    FormFilling = 2,
    /// Annotations too.
    Annotations = 3,
}

/// A document that lacks nothing but the signature value. It survives between two calls as octets.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub struct Prepared {
    waiting: Waiting,
    cms: cms::Prepared,
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
    let stamp = if options.for_timestamp { limits::PDF_TIMESTAMP_BYTES } else { 0 };
    // The issuer's name stands in the message beside the certificate, and a value is about as
    // long as its key; what the DER of an ECDSA value has more is in SIGNER_BYTES.
    let own = certificate.issuer().der().len() + certificate.public_key().octets.len();
    let room = SIGNER_BYTES + certificate.der().len() + own + stamp;
    let waiting = waiting(pdf, options, room)?;
    let cms_options =
        cms::SigningOptions { certificates: options.certificates.clone(), ..Default::default() };
    let digest = waiting.digest(algorithm.digest());
    let cms = cms::prepare(&digest, certificate, algorithm, cms_options)?;
    Ok(Prepared { waiting, cms })
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
    // A value that does not verify does not get past the next step.
    let value = signer.sign(prepared.to_be_signed())?;
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
        self.waiting.filled(&self.cms.complete(value)?)
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
        Ok(Self { waiting: prepared.waiting.checked()?, ..prepared })
    }
}

/// The document with its signature dictionary, field and stamp, and a gap for a signature of
/// `room` bytes beside the certificates that are carried.
pub(super) fn waiting(
    pdf: &[u8],
    options: &SigningOptions,
    room: usize,
) -> Result<Waiting, PdfError> {
    if pdf.len() > limits::DOCUMENT_BYTES {
        return Err(PdfError::Malformed("the document is too large".to_owned()));
    }
    let file = File::open(pdf)?;
    refuse_if_certified(&file)?;
    let fields = tree::fields(&file)?;
    let wanted = options.field_name.as_deref();
    let empty = fields.iter().find(|field| {
        *field.kind == *b"Sig" && field.value.is_none() && Some(field.name.as_ref()) == wanted
    });
    let mut references = empty.map_or(Ok(String::new()), |field| field::lock(&file, field))?;
    let mut catalog = Changes::new();
    let mut update = Update::new(&file);
    let signature = update.reserve();
    if let Some(level) = options.certification {
        if fields.iter().any(|field| *field.kind == *b"Sig" && field.value.is_some()) {
            return Err(PdfError::Unsupported("a certification after another signature"));
        }
        let (_, root) = file.catalog()?;
        if root.dictionary().is_some_and(|root| root.has(b"Perms")) {
            return Err(PdfError::Unsupported("a certification beside other permissions"));
        }
        references.push_str(&format!(
            "<</Type/SigRef/TransformMethod/DocMDP/TransformParams\
             <</Type/TransformParams/V/1.2/P {}>>>>",
            level as u8
        ));
        catalog.push(("Perms", format!("<</DocMDP {signature} 0 R>>").into_bytes()));
    }
    let dictionary = dictionary(options, &references, room);
    let start = update.object((signature, 0), &dictionary.text);
    let stamp = options.stamp.as_ref();
    match empty {
        Some(field) => {
            field::fill(&file, &mut update, field, signature, stamp, &mut catalog)?;
        }
        None => {
            let name = field::free_name(&fields, wanted)?;
            field::write_signed(&file, &mut update, signature, &name, stamp, &mut catalog)?;
        }
    }
    field::write_catalog(&file, &mut update, &catalog)?;
    Ok(dictionary.within(update.finish(), start))
}

fn dictionary(options: &SigningOptions, references: &str, room: usize) -> Dictionary {
    let mut behind = format!("/M{}", date(options.signing_time));
    let said = [("Name", &options.name), ("Reason", &options.reason)];
    for (key, value) in said.into_iter().chain([("Location", &options.location)]) {
        if let Some(value) = value {
            behind.push_str(&format!("/{key}{}", text_string(value)));
        }
    }
    if !references.is_empty() {
        behind.push_str(&format!("/Reference[{references}]"));
    }
    let carried: usize = options.certificates.iter().map(|one| one.der().len()).sum();
    let before = "/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached";
    Dictionary::new(before, room + carried, &behind)
}

/// A date (ISO 32000-1 §7.9.4) in universal time.
fn date(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = time.to_hms();
    format!("(D:{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z)")
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
