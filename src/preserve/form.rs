//! What each format does for a level: its functions under one shape.

use super::PreserveError;
use crate::signature::{Level, SignatureFormat, Stamped, ValidationMaterial};
use crate::{cms, pdf, xml};

type Outcome<T> = Result<T, PreserveError>;

/// The functions of one format over a whole document; the number is the signature's.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// What a signature time-stamp is made over.
    pub to_be_stamped: fn(&[u8], Option<&[u8]>, usize) -> Outcome<Stamped>,
    /// The document with that time-stamp.
    pub with_timestamp: fn(&[u8], usize, &[u8]) -> Outcome<Vec<u8>>,
    /// The document with certificates and revocation values.
    pub with_material: fn(&[u8], usize, &ValidationMaterial) -> Outcome<Vec<u8>>,
    /// What an archive time-stamp is made over, and the document that waits for it.
    pub to_be_archived: fn(&[u8], Option<&[u8]>, usize) -> Outcome<(Stamped, Draft)>,
}

/// A document that waits for its archive time-stamp.
pub(super) enum Draft {
    Xml(xml::Draft),
    Cms(cms::Draft),
    Pdf(pdf::Draft),
}

impl Draft {
    pub(super) fn finish(self, token: &[u8]) -> Outcome<Vec<u8>> {
        match self {
            Self::Xml(draft) => draft.finish(token).map_err(refused),
            Self::Cms(draft) => draft.finish(token).map_err(refused),
            Self::Pdf(draft) => draft.finish(token).map_err(refused),
        }
    }
}

impl Form {
    /// The level a signature has, and the functions of its format.
    pub(super) fn of(format: SignatureFormat) -> Outcome<(Level, Self)> {
        match format {
            SignatureFormat::Xades(level) => Ok((level, XML)),
            SignatureFormat::Cades(level) => Ok((level, CMS)),
            SignatureFormat::Pades(level) => Ok((level, PDF)),
            SignatureFormat::XmlDsig | SignatureFormat::Cms | SignatureFormat::Pdf => {
                Err(PreserveError::NoLevels(format))
            }
        }
    }
}

macro_rules! form {
    ($room:ident, $draft:ident) => {
        Form {
            to_be_stamped: |document, content, n| {
                $room::to_be_stamped(document, content, n).map_err(refused)
            },
            with_timestamp: |document, n, token| {
                $room::with_timestamp(document, n, token).map_err(refused)
            },
            with_material: |document, n, material| {
                $room::with_material(document, n, material).map_err(refused)
            },
            to_be_archived: |document, content, n| {
                let (over, draft) =
                    $room::to_be_archived(document, content, n).map_err(refused)?;
                Ok((over, Draft::$draft(draft)))
            },
        }
    };
}

const XML: Form = form!(xml, Xml);
const CMS: Form = form!(cms, Cms);
const PDF: Form = form!(pdf, Pdf);

fn refused(error: impl std::fmt::Display) -> PreserveError {
    PreserveError::Format(error.to_string())
}
