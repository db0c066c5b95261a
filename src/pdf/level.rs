//! Raising signatures to a higher level (EN 319 142-1 §6): a signature time-stamp goes into the
//! gap of its signature, everything else is appended.

use super::field::{self, Changes};
use super::file::File;
use super::hole::{self, Dictionary, Waiting};
use super::read::Placed;
use super::update::Update;
use super::{PdfError, dss, read, tree};
use crate::cms::{self, CmsError};
use crate::crypto::DigestAlgorithm;
use crate::limits;
use crate::signature::{Stamped, ValidationMaterial};

/// What the signature time-stamp of signature `n` (in the order of [`super::read`]) is made over.
///
/// # Errors
/// [`PdfError`] where the document cannot be read, or has no such signature.
pub fn to_be_stamped(
    document: &[u8],
    _content: Option<&[u8]>,
    n: usize,
) -> Result<Stamped, PdfError> {
    let message = message(&placed(document, n)?.contents)?.to_vec();
    Ok(cms::to_be_stamped(&message, None, 0)?)
}

/// Level T: the document with this signature time-stamp inside signature `n`.
///
/// # Errors
/// As [`to_be_stamped`]; [`PdfError::Unsupported`] where a later signature already covers it (a
/// document time-stamp does instead), [`PdfError::SignatureTooLarge`].
pub fn with_timestamp(document: &[u8], n: usize, token: &[u8]) -> Result<Vec<u8>, PdfError> {
    let placed = placed(document, n)?;
    if placed.is_covered {
        return Err(PdfError::Unsupported("a time-stamp in a signature that a later one covers"));
    }
    let message = message(&placed.contents)?;
    let stamped = cms::with_timestamp(message, 0, token)?;
    let mut document = document.to_vec();
    hole::fill(&mut document, &placed.gap, &stamped)?;
    Ok(document)
}

/// Level LT: the document with certificates and revocation values in its security store, named as
/// those of signature `n`.
///
/// # Errors
/// As [`to_be_stamped`]; [`PdfError::TooMany`].
pub fn with_material(
    document: &[u8],
    n: usize,
    material: &ValidationMaterial,
) -> Result<Vec<u8>, PdfError> {
    let placed = placed(document, n)?;
    let file = File::open(document)?;
    let mut update = Update::new(&file);
    let changes = dss::write(&file, &mut update, material, &placed.contents)?;
    field::write_catalog(&file, &mut update, &changes)?;
    Ok(update.finish())
}

/// A document time-stamp that waits for its token.
#[derive(Clone, Debug)]
pub struct Draft {
    waiting: Waiting,
    over: Stamped,
}

/// Level LTA: what a document time-stamp is made over. It covers all there is; it can be done
/// again later, and then covers the one before.
///
/// # Errors
/// As [`to_be_stamped`].
pub fn to_be_archived(
    document: &[u8],
    _content: Option<&[u8]>,
    n: usize,
) -> Result<(Stamped, Draft), PdfError> {
    placed(document, n)?;
    let file = File::open(document)?;
    let fields = tree::fields(&file)?;
    let mut catalog = Changes::new();
    let mut update = Update::new(&file);
    let signature = update.reserve();
    let entries = "/Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161";
    let dictionary = Dictionary::new(entries, limits::PDF_SIGNATURE_BYTES, "");
    let start = update.object((signature, 0), &dictionary.text);
    let name = field::free_name(&fields, None)?;
    field::write_signed(&file, &mut update, signature, &name, None, &mut catalog)?;
    field::write_catalog(&file, &mut update, &catalog)?;
    let waiting = dictionary.within(update.finish(), start);
    let algorithm = DigestAlgorithm::Sha256;
    let over = Stamped::Digest(algorithm, waiting.digest(algorithm));
    Ok((over.clone(), Draft { waiting, over }))
}

impl Draft {
    /// The document with the time-stamp.
    ///
    /// # Errors
    /// [`PdfError::Cms`] for a token over something else, [`PdfError::SignatureTooLarge`].
    pub fn finish(self, token: &[u8]) -> Result<Vec<u8>, PdfError> {
        let imprint = cms::imprint(token);
        let fits = imprint.is_some_and(|(algorithm, value, _)| {
            algorithm.and_then(|algorithm| self.over.digest(algorithm)) == Some(value)
        });
        if !fits {
            return Err(CmsError::WrongTimestamp.into());
        }
        self.waiting.filled(token)
    }
}

fn placed(document: &[u8], n: usize) -> Result<Placed, PdfError> {
    let placed = read::placed(document)?.into_iter().nth(n);
    placed.flatten().ok_or(PdfError::Cms(CmsError::NoSuchSigner(n)))
}

/// The message at the beginning of a gap's octets.
fn message(contents: &[u8]) -> Result<&[u8], PdfError> {
    let (_, rest) = cms::parse(contents)?;
    Ok(contents.get(..contents.len() - rest.len()).unwrap_or_default())
}
