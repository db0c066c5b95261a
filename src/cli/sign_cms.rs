//! `qoltanba sign` for CMS: a message over any content, or one more signer of a message.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use qoltanba::cms::{self, CmsError, Content};
use qoltanba::crypto::DigestAlgorithm;
use qoltanba::problem::{Kind, Problem};
use qoltanba::reason::ReasonCode;
use qoltanba::signature::ContentFile;
use qoltanba::token::{Signer, sign_checked};
use time::OffsetDateTime;

/// What is wanted.
pub struct Wish<'a> {
    /// The file to be signed, or a message that gets another signer.
    pub file: &'a Path,
    /// Whether the content stays outside the message.
    pub detached: bool,
    /// The content of a detached message that is given.
    pub content: Option<&'a Path>,
    /// The signer to be counter-signed, from 1.
    pub counter_sign: Option<NonZeroUsize>,
    /// The claimed time.
    pub now: OffsetDateTime,
}

/// The signed message, what was signed, the content beside it, and where it is written.
pub struct Signed {
    pub message: Vec<u8>,
    pub to_be_signed: Vec<u8>,
    pub content: Option<ContentFile>,
    pub name: Option<PathBuf>,
}

/// Signs with `signer`. A file that is a message already gets one more signer, or one of its
/// signers a counter-signature.
pub fn sign(wish: &Wish<'_>, signer: &dyn Signer) -> Result<Signed, Problem> {
    let (certificate, algorithm) = (signer.certificate(), signer.algorithm());
    let mut options =
        cms::SigningOptions { signing_time: Some(wish.now), ..cms::SigningOptions::default() };
    let beside = wish.content.map(open).transpose()?;
    let given = message(wish.file)?;
    let (prepared, content, name) = match (given, wish.counter_sign) {
        (Some(message), None) => {
            let unread = RefCell::new(None);
            let digest = |algorithm: DigestAlgorithm| {
                let digest = beside.as_ref().map(|one| one.digest(algorithm)).transpose();
                digest
                    .map_err(|error| unread.replace(Some(error)))
                    .ok()
                    .flatten()
                    .unwrap_or_default()
            };
            let content = match beside {
                Some(_) => Content::Digested(&digest),
                None => Content::Inside,
            };
            let prepared = cms::prepare_beside(&message, &content, certificate, algorithm, options);
            if let (Some(path), Some(error)) = (wish.content, unread.take()) {
                return Err(failed(path, &error));
            }
            (prepared.map_err(broken)?, beside, None)
        }
        (Some(message), Some(place)) => {
            let place = place.get() - 1;
            let prepared = cms::prepare_counter(&message, place, certificate, algorithm, options);
            (prepared.map_err(broken)?, beside, None)
        }
        (None, Some(_)) => {
            let detail = "only a CMS message has signers to be counter-signed";
            return Err(Problem::new(Kind::BadInput, "no-signature", detail));
        }
        (None, None) => {
            let file = open(wish.file)?;
            let digest =
                file.digest(algorithm.digest()).map_err(|error| failed(wish.file, &error))?;
            let content = match wish.detached {
                true => Some(file),
                false => {
                    options.content =
                        Some(file.octets().map_err(|error| failed(wish.file, &error))?);
                    None
                }
            };
            let prepared = cms::prepare(&digest, certificate, algorithm, options);
            let extension = if wish.detached { "p7s" } else { "cms" };
            let mut name = wish.file.as_os_str().to_owned();
            name.push(format!(".{extension}"));
            (prepared.map_err(broken)?, content, Some(PathBuf::from(name)))
        }
    };
    let value = sign_checked(signer, prepared.to_be_signed())?;
    let to_be_signed = prepared.to_be_signed().to_vec();
    let message = prepared.complete(&value).map_err(broken)?;
    Ok(Signed { message, to_be_signed, content, name })
}

/// The file, if it is a message: one that could be, but cannot be read, is content.
fn message(path: &Path) -> Result<Option<Vec<u8>>, Problem> {
    let size = std::fs::metadata(path).map_err(|error| failed(path, &error))?.len();
    if size > qoltanba::limits::CMS_BYTES as u64 {
        return Ok(None);
    }
    let octets = super::read_file(path)?;
    Ok(cms::to_der(&octets).is_ok().then_some(octets))
}

fn open(path: &Path) -> Result<ContentFile, Problem> {
    ContentFile::open(path).map_err(|error| failed(path, &error))
}

fn broken(error: CmsError) -> Problem {
    let (kind, code) = match error {
        CmsError::WrongDigest => (Kind::BadInput, "wrong-content"),
        CmsError::NoSuchSigner(_) => (Kind::BadInput, "no-signature"),
        CmsError::WrongValue => return Problem::refused(vec![ReasonCode::BadSignature.into()]),
        _ => (Kind::Unreadable, "broken-cms"),
    };
    Problem::new(kind, code, error.to_string())
}

fn failed(path: &Path, error: &std::io::Error) -> Problem {
    let detail = format!("{}: {error}", path.display());
    let kind = match error.kind() {
        std::io::ErrorKind::FileTooLarge => Kind::TooLarge,
        _ => Kind::NotFound,
    };
    Problem::new(kind, "cannot-read", detail)
}
