//! Which format a document has, judged by its first octets.

use std::cell::RefCell;

use super::policy::PolicyError;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{ContentFile, FoundSignature};
use crate::{cms, limits, pdf, xml};

/// A document format that can carry signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentFormat {
    /// XML with XML signatures.
    Xml,
    /// PDF.
    Pdf,
    /// CMS SignedData, as DER, BER, base64 or PEM.
    Cms,
}

/// Why a document could not be judged at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Larger than its format allows: [`limits::PDF_BYTES`] or [`limits::DOCUMENT_BYTES`].
    #[error("the document is larger than {0} bytes")]
    TooLarge(usize),
    /// The file with the document or its content cannot be read.
    #[error("the file cannot be read: {0}")]
    Content(String),
    /// Neither XML, PDF nor CMS.
    #[error("the document is neither XML, PDF nor CMS")]
    UnknownFormat,
    /// The format's reader refused it.
    #[error("the {} document cannot be read: {why}", .format.name())]
    Broken {
        /// The format its first octets announce.
        format: DocumentFormat,
        /// What the reader said.
        why: String,
    },
    /// The policy to judge under is unusable.
    #[error(transparent)]
    Policy(PolicyError),
    /// It can be read, but nobody signed it.
    #[error("the {} document carries no signature", .format.name())]
    NotSigned {
        /// The document's format.
        format: DocumentFormat,
    },
}

impl DocumentFormat {
    /// The format a document announces; `None` for anything else.
    pub fn detect(document: &[u8]) -> Option<Self> {
        let text = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
        let head = &text[..text.len().min(1024)];
        // ISO 32000-1 annex H.3.4.1: the header stands within the first 1024 bytes.
        if memchr::memchr_iter(b'%', head).any(|at| head[at..].starts_with(b"%PDF-")) {
            return Some(Self::Pdf);
        }
        match text.trim_ascii_start() {
            [b'<', ..] => Some(Self::Xml),
            [0x30, ..] | [b'M', b'I', ..] => Some(Self::Cms),
            text if text.starts_with(b"-----BEGIN") => Some(Self::Cms),
            _ => None,
        }
    }

    /// The format's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xml => "XML",
            Self::Pdf => "PDF",
            Self::Cms => "CMS",
        }
    }
}

/// The signatures of a document, read under the limits table; `content` is what a detached
/// signature was made over.
///
/// # Errors
/// [`Unreadable`]; a document without signatures is one too.
pub fn read(
    document: &[u8],
    content: Option<&[u8]>,
) -> Result<(DocumentFormat, Vec<FoundSignature>), Unreadable> {
    read_digested(document, content).map(|(format, found, _)| (format, found))
}

/// What was read, and the SHA-256 of the document where that is known.
type Digested = (DocumentFormat, Vec<FoundSignature>, Option<Vec<u8>>);

/// The same with the SHA-256 of the document, where reading it made most of that.
pub(super) fn read_digested(
    document: &[u8],
    content: Option<&[u8]>,
) -> Result<Digested, Unreadable> {
    let format = DocumentFormat::detect(document).ok_or(Unreadable::UnknownFormat)?;
    // A PDF is read where it lies; the other formats are taken apart in memory.
    let largest = match format {
        DocumentFormat::Pdf => limits::PDF_BYTES,
        DocumentFormat::Xml | DocumentFormat::Cms => limits::DOCUMENT_BYTES,
    };
    if document.len() > largest {
        return Err(Unreadable::TooLarge(largest));
    }
    let broken = |why: String| Unreadable::Broken { format, why };
    let mut sha256 = None;
    let found = match format {
        DocumentFormat::Xml => xml::read(document, content).map_err(|e| broken(e.to_string()))?,
        DocumentFormat::Pdf => {
            let (found, digest) =
                pdf::read_digested(document).map_err(|e| broken(e.to_string()))?;
            sha256 = Some(digest);
            found
        }
        DocumentFormat::Cms => cms::read(document, content).map_err(|e| broken(e.to_string()))?,
    };
    if found.is_empty() {
        return Err(Unreadable::NotSigned { format });
    }
    Ok((format, bounded(found), sha256))
}

/// The same, where the detached content lies in a file.
///
/// # Errors
/// As [`read`]; [`Unreadable::Content`].
pub(super) fn read_over(
    document: &[u8],
    content: &ContentFile,
) -> Result<(DocumentFormat, Vec<FoundSignature>), Unreadable> {
    let unreadable = |why: std::io::Error| Unreadable::Content(why.to_string());
    match DocumentFormat::detect(document) {
        Some(format @ DocumentFormat::Xml) => {
            Ok((format, found(format, xml::read_over(document, content))?))
        }
        Some(format @ DocumentFormat::Cms) => {
            let problem = RefCell::new(None);
            let digest = |algorithm| {
                content.digest(algorithm).unwrap_or_else(|why| {
                    problem.replace(Some(why));
                    Vec::new()
                })
            };
            let found = cms::read_with(document, &cms::Content::Digested(&digest));
            // No verdict over a file that could not be read.
            if let Some(why) = problem.take() {
                return Err(unreadable(why));
            }
            let found = found.map_err(|why| Unreadable::Broken { format, why: why.to_string() })?;
            // Signed without attributes, over the octets themselves.
            if found.iter().any(|one| one.signed_octets.is_empty())
                && let Ok(octets) = content.octets()
            {
                return read(document, Some(&octets));
            }
            Ok((format, bounded(found)))
        }
        _ => read(document, Some(&content.octets().map_err(unreadable)?)),
    }
}

/// What a reader of this format found.
pub(super) fn found(
    format: DocumentFormat,
    read: Result<Vec<FoundSignature>, xml::XmlError>,
) -> Result<Vec<FoundSignature>, Unreadable> {
    let found = read.map_err(|why| Unreadable::Broken { format, why: why.to_string() })?;
    if found.is_empty() {
        return Err(Unreadable::NotSigned { format });
    }
    Ok(bounded(found))
}

/// Leaves out the time-stamps that are too many to be judged. Nobody signed that they are there, so
/// what is left proves less, and nothing else.
fn bounded(mut found: Vec<FoundSignature>) -> Vec<FoundSignature> {
    let mut left = limits::TIMESTAMPS_JUDGED;
    for one in &mut found {
        let room = left.min(limits::TIMESTAMPS);
        if one.timestamps.len() > room {
            one.timestamps.truncate(room);
            let detail = "there are more time-stamps than are judged; the last ones are left out";
            one.warnings.push(Reason::new(ReasonCode::Refused, detail));
        }
        left -= one.timestamps.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{CarriedTimestamp, Stamped, TimestampKind};

    #[test]
    fn formats_are_told_by_their_first_octets() {
        let detect = DocumentFormat::detect;
        assert_eq!(detect(b"\xef\xbb\xbf <a/>"), Some(DocumentFormat::Xml));
        assert_eq!(detect(b"%PDF-1.7"), Some(DocumentFormat::Pdf));
        assert_eq!(detect(b"\x30\x82"), Some(DocumentFormat::Cms));
        assert_eq!(detect(b"-----BEGIN CMS-----"), Some(DocumentFormat::Cms));
        assert_eq!(detect(b"MIIK"), Some(DocumentFormat::Cms));
        assert_eq!(detect(b"hello"), None);
        assert_eq!(detect(b""), None);
    }

    #[test]
    fn time_stamps_are_judged_up_to_a_number_and_the_oldest_are_kept() {
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let signer = xml::testing::p256_signer().0;
        let signed = xml::sign(b"<a/>", &*signer, &xml::SigningOptions::new(now)).unwrap();
        let one = xml::read(&signed, None).unwrap().remove(0);
        let stamps = |count: u8| {
            let stamp = |number| CarriedTimestamp {
                kind: TimestampKind::Signature,
                token: vec![number],
                over: Stamped::Octets(Vec::new()),
            };
            FoundSignature { timestamps: (0..count).map(stamp).collect(), ..one.clone() }
        };
        let found = bounded([vec![stamps(65)], vec![stamps(60); 5]].concat());
        let kept: Vec<_> = found.iter().map(|one| one.timestamps.len()).collect();
        assert_eq!(kept, [64, 60, 60, 60, 12, 0]);
        let told: Vec<_> = found.iter().map(|one| one.warnings.len()).collect();
        assert_eq!(told, [1, 0, 0, 0, 1, 1]);
        assert_eq!(found[0].timestamps[0].token, [0]);
        assert!(found.iter().all(|one| one.faults.is_empty()));
    }
}
