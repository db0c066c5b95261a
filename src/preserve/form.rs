//! What each format does for a level: its functions under one shape.

use super::PreserveError;
use crate::signature::{Level, SignatureFormat, Stamped, ValidationMaterial};
use crate::{cms, pdf, xml};

type Outcome<T> = Result<T, PreserveError>;

/// A format whose signatures have levels.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Xml,
    Cms,
    Pdf,
}

/// A document that waits for its archive time-stamp.
pub(super) enum Draft {
    Xml(Box<xml::Draft>),
    Cms(Box<cms::Draft>),
    Pdf(Box<pdf::Draft>),
}

/// Calls the function of the format's room.
macro_rules! room {
    ($form:expr, $function:ident($($argument:expr),*)) => {
        match $form {
            Form::Xml => xml::$function($($argument),*).map_err(refused),
            Form::Cms => cms::$function($($argument),*).map_err(refused),
            Form::Pdf => pdf::$function($($argument),*).map_err(refused),
        }
    };
}

impl Form {
    /// The level a signature has, and its form.
    pub(super) fn of(format: SignatureFormat) -> Outcome<(Level, Self)> {
        match format {
            SignatureFormat::Xades(level) => Ok((level, Self::Xml)),
            SignatureFormat::Cades(level) => Ok((level, Self::Cms)),
            SignatureFormat::Pades(level) => Ok((level, Self::Pdf)),
            SignatureFormat::XmlDsig
            | SignatureFormat::Cms
            | SignatureFormat::Pdf
            | SignatureFormat::WsSecurity => Err(PreserveError::NoLevels(format)),
        }
    }

    /// What a signature time-stamp of signature `n` is made over.
    pub(super) fn to_be_stamped(
        self,
        document: &[u8],
        content: Option<&[u8]>,
        n: usize,
    ) -> Outcome<Stamped> {
        room!(self, to_be_stamped(document, content, n))
    }

    /// The document with that time-stamp.
    pub(super) fn with_timestamp(
        self,
        document: &[u8],
        n: usize,
        token: &[u8],
    ) -> Outcome<Vec<u8>> {
        room!(self, with_timestamp(document, n, token))
    }

    /// The document with certificates and revocation values.
    pub(super) fn with_material(
        self,
        document: &[u8],
        n: usize,
        material: &ValidationMaterial,
    ) -> Outcome<Vec<u8>> {
        room!(self, with_material(document, n, material))
    }

    /// What an archive time-stamp is made over, and the document that waits for it.
    pub(super) fn to_be_archived(
        self,
        document: &[u8],
        content: Option<&[u8]>,
        n: usize,
    ) -> Outcome<(Stamped, Draft)> {
        Ok(match self {
            Self::Xml => {
                let (over, draft) = xml::to_be_archived(document, content, n).map_err(refused)?;
                (over, Draft::Xml(Box::new(draft)))
            }
            Self::Cms => {
                let (over, draft) = cms::to_be_archived(document, content, n).map_err(refused)?;
                (over, Draft::Cms(Box::new(draft)))
            }
            Self::Pdf => {
                let (over, draft) = pdf::to_be_archived(document, content, n).map_err(refused)?;
                (over, Draft::Pdf(Box::new(draft)))
            }
        })
    }
}

impl Draft {
    /// The document with the archive time-stamp.
    pub(super) fn finish(self, token: &[u8]) -> Outcome<Vec<u8>> {
        match self {
            Self::Xml(draft) => draft.finish(token).map_err(refused),
            Self::Cms(draft) => draft.finish(token).map_err(refused),
            Self::Pdf(draft) => draft.finish(token).map_err(refused),
        }
    }
}

fn refused(error: impl std::fmt::Display) -> PreserveError {
    PreserveError::Format(error.to_string())
}
