//! Octets by their kind, and the quick look over a whole document before it is read.

use std::borrow::Cow;

use super::super::XmlError;
use super::super::chars::forbidden;
use super::malformed;

/// May stand in a name. Octets of other letters than those of ASCII are looked at later.
pub(super) const NAME: u8 = 1;
/// May begin a name.
pub(super) const START: u8 = 2;
/// White space.
pub(super) const SPACE: u8 = 4;

/// What each octet may be.
pub(super) static KINDS: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let mut kinds = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        kinds[octet] = match octet as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => NAME | START,
            b'0'..=b'9' | b'-' | b'.' | b':' => NAME,
            0x80.. => NAME | START,
            b' ' | b'\t' | b'\n' | b'\r' => SPACE,
            _ => 0,
        };
        octet += 1;
    }
    kinds
}

pub(super) fn is(octet: u8, kind: u8) -> bool {
    KINDS[octet as usize] & kind != 0
}

/// The text with line ends as XML 1.0 §2.11 has them: before anything else, CR LF and CR become
/// LF. Characters that XML 1.0 forbids are refused.
pub(super) fn checked(source: &str) -> Result<Cow<'_, str>, XmlError> {
    if !source.as_bytes().chunks(256).any(suspicious) {
        return Ok(Cow::Borrowed(source));
    }
    let source = if memchr::memchr(b'\r', source.as_bytes()).is_some() {
        Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(source)
    };
    match forbidden(&source) {
        Some(position) => Err(malformed(position, "a character that XML 1.0 forbids")),
        None => Ok(source),
    }
}

/// Whether a carriage return, or perhaps a forbidden character, is among the octets. Without a
/// branch for each octet, so that many are looked at in one step.
fn suspicious(octets: &[u8]) -> bool {
    let odd = |octet: u8| (octet < 0x20 && octet != b'\t' && octet != b'\n') | (octet == 0xEF);
    octets.iter().fold(false, |found, octet| found | odd(*octet))
}
