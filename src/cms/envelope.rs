//! The wrappings a CMS message comes in: DER or BER as it is, one-line or folded base64, PEM.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::CmsError;
use crate::limits;

/// The labels in use (RFC 7468 §8 and §9).
const LABELS: [&str; 2] = ["CMS", "PKCS7"];

/// The message's own octets.
pub(super) fn unwrap(message: &[u8]) -> Result<Cow<'_, [u8]>, CmsError> {
    // Base64 is a third longer than what it holds, line ends come on top.
    if message.len() > limits::CMS_BYTES * 3 / 2 {
        return Err(CmsError::TooLarge);
    }
    let octets = match message.first() {
        Some(0x30) => Cow::Borrowed(message),
        _ => Cow::Owned(from_text(message)?),
    };
    if octets.len() > limits::CMS_BYTES {
        return Err(CmsError::TooLarge);
    }
    Ok(octets)
}

fn from_text(message: &[u8]) -> Result<Vec<u8>, CmsError> {
    let malformed = |what: &str| CmsError::Malformed(what.to_owned());
    let text = std::str::from_utf8(message).map_err(|_| malformed("neither BER nor text"))?.trim();
    let body = if text.starts_with("-----BEGIN") { pem_body(text) } else { Some(text) };
    let body = body.ok_or_else(|| malformed("the PEM block is not labelled CMS or PKCS7"))?;
    let digits: Vec<u8> = body.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    STANDARD.decode(digits).map_err(|_| malformed("neither BER nor base64"))
}

fn pem_body(text: &str) -> Option<&str> {
    LABELS.iter().find_map(|label| {
        let body = text.strip_prefix(&format!("-----BEGIN {label}-----"))?;
        body.strip_suffix(&format!("-----END {label}-----"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrapping_gives_the_same_octets() {
        let octets = [0x30, 0x03, 0x02, 0x01, 0x05];
        for text in [
            "MAMCAQU=",
            " MAMC\r\nAQU=\r\n",
            "-----BEGIN CMS-----\r\nMAMCAQU=\r\n-----END CMS-----\r\n",
            "-----BEGIN PKCS7-----\nMAMCAQU=\n-----END PKCS7-----\n",
        ] {
            assert_eq!(unwrap(text.as_bytes()).unwrap().as_ref(), octets, "{text}");
        }
        assert_eq!(unwrap(&octets).unwrap().as_ref(), octets);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----", "Ә"] {
            assert!(
                matches!(unwrap(text.as_bytes()), Ok(octets) if octets.is_empty())
                    || matches!(unwrap(text.as_bytes()), Err(CmsError::Malformed(_))),
                "{text}"
            );
        }
        assert_eq!(unwrap(&vec![0x30; limits::CMS_BYTES + 1]), Err(CmsError::TooLarge));
    }
}
