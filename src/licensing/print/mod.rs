//! Documents as PDF: the same layout for licence, permit, annex, refusal and report, one file per
//! language.
//!
//! Tagged (ISO 32000-1 §14.8), fonts embedded, equal input gives equal octets. The signer adds the
//! XML original and the signatures afterwards by incremental update.

mod annex;
mod blocks;
mod face;
mod finish;
mod licence;
mod ornament;
mod qr;
mod refusal;
mod report;
mod sheet;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod tree;

use std::sync::LazyLock;

pub use licence::{duplicate_pdf, licence_pdf};
pub use refusal::refusal_pdf;
pub use report::{ReportSeal, report_pdf, sealed_report_pdf};

use crate::text::{Language, Texts};

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded(include_str!("texts.toml")));

/// A finished PDF and where its visible signature goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Printed {
    /// The file.
    pub pdf: Vec<u8>,
    /// The place kept free for the visible signature.
    pub stamp: StampPlace,
}

/// A rectangle of a page in PDF's own coordinates: points from the lower left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StampPlace {
    /// Page, counted from 0.
    pub page: usize,
    /// Left edge.
    pub x: f32,
    /// Lower edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

/// Why a document could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// A text has a character that the document's faces lack.
    #[error("the character {0:?} cannot be printed in a document")]
    Character(char),
    /// The verification address does not fit into a QR code.
    #[error("the verification address is too long for a QR code")]
    Address,
    /// The embedded faces could not be read.
    #[error("the embedded fonts could not be read")]
    Font,
    /// The PDF could not be written.
    #[error("the PDF could not be written: {0}")]
    Write(#[from] lopdf::Error),
}

/// The face of the printed text, for the visible signature: a TrueType program with Latin and
/// Cyrillic, every letter of Kazakh among it.
pub fn stamp_font() -> &'static [u8] {
    face::REGULAR
}

/// Whether documents can print `text`; forms ask before anything is signed.
///
/// # Errors
/// [`PrintError::Character`] with the first character that cannot be printed.
pub fn check_printable(text: &str) -> Result<(), PrintError> {
    face::printable(text).map(drop)
}

fn phrase(key: &'static str, language: Language) -> &'static str {
    TEXTS.get(key, language)
}

impl StampPlace {
    fn from_top(page: usize, x: f32, y: f32, (width, height): (f32, f32)) -> Self {
        Self { page, x, y: sheet::HEIGHT - y - height, width, height }
    }
}
