//! IIN and BIN: the twelve-digit numbers of persons and organisations.
//!
//! Law: resolutions № 565 of 2003 (P030000565_) and № 406 of 2007 (P070000406_).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Individual identification number of a natural person: twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Iin(String);

/// Business identification number of an organisation: twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bin(String);

/// Why twelve digits were not accepted as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not exactly twelve digits.
    #[error("twelve digits are needed")]
    NotTwelveDigits,
}

/// The date part of a number is impossible, or its check digit is wrong. Both only warn: the
/// national test certificates have wrong ones on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Implausible;

impl Iin {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks the date of birth, the century digit and the check digit.
    ///
    /// # Errors
    /// [`Implausible`] if one is wrong; a reason to warn, never to refuse a certificate.
    pub fn plausible(&self) -> Result<(), Implausible> {
        let d = digits(&self.0);
        let day = d[4] * 10 + d[5];
        let sound = month(&d) && (1..=31).contains(&day) && d[6] <= 6 && check_digit(&d);
        if sound { Ok(()) } else { Err(Implausible) }
    }
}

impl Bin {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks the month of registration, the kind digit and the check digit.
    ///
    /// # Errors
    /// [`Implausible`] if one is wrong; a reason to warn, never to refuse a certificate.
    pub fn plausible(&self) -> Result<(), Implausible> {
        let d = digits(&self.0);
        let sound = month(&d) && (4..=6).contains(&d[4]) && d[5] <= 3 && check_digit(&d);
        if sound { Ok(()) } else { Err(Implausible) }
    }
}

/// The check digit that completes eleven digits, or `None` where the number is never issued.
pub fn complete(eleven: &[u8; 11]) -> Option<u8> {
    let weigh = |weights: [u32; 11]| -> u32 {
        weights.iter().zip(eleven).map(|(w, d)| w * u32::from(*d)).sum::<u32>() % 11
    };
    let first = weigh([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    let digit = if first == 10 { weigh([3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) } else { first };
    u8::try_from(digit).ok().filter(|digit| *digit < 10)
}

fn digits(number: &str) -> [u8; 12] {
    let mut out = [0; 12];
    for (slot, byte) in out.iter_mut().zip(number.bytes()) {
        *slot = byte.wrapping_sub(b'0');
    }
    out
}

fn month(d: &[u8; 12]) -> bool {
    (1..=12).contains(&(d[2] * 10 + d[3]))
}

fn check_digit(d: &[u8; 12]) -> bool {
    let mut eleven = [0; 11];
    eleven.copy_from_slice(&d[..11]);
    complete(&eleven) == Some(d[11])
}

fn twelve_digits(text: &str) -> Result<String, NumberError> {
    let sound = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if sound { Ok(text.to_owned()) } else { Err(NumberError::NotTwelveDigits) }
}

macro_rules! number {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = NumberError;
            fn from_str(text: &str) -> Result<Self, NumberError> {
                twelve_digits(text).map(Self)
            }
        }
        impl TryFrom<String> for $name {
            type Error = NumberError;
            fn try_from(text: String) -> Result<Self, NumberError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(number: $name) -> Self {
                number.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

number!(Iin);
number!(Bin);

#[cfg(test)]
mod tests {
    use super::*;

    fn iin(text: &str) -> bool {
        text.parse::<Iin>().unwrap().plausible().is_ok()
    }

    fn bin(text: &str) -> bool {
        text.parse::<Bin>().unwrap().plausible().is_ok()
    }

    // Published vectors: github valery1707/kaz-person-id and ZhymabekRoman/kz-iin-validator.
    #[test]
    fn published_numbers_are_judged_as_published() {
        for good in ["871008401427", "760212350620", "800416300257", "830717350867"] {
            assert!(iin(good), "{good}");
        }
        for bad in ["821214240092", "000813159890", "000000000000"] {
            assert!(!iin(bad), "{bad}");
        }
        for good in ["940140000385", "950341000052", "961141000023", "070941024691"] {
            assert!(bin(good), "{good}");
        }
        assert!(!bin("940140000380"));
    }

    #[test]
    fn numbers_of_the_national_test_certificates_parse_but_warn() {
        assert!(!iin("123456789011"));
        assert!(!bin("123456789021"));
    }

    #[test]
    fn anything_but_twelve_ascii_digits_is_refused() {
        for bad in ["", "12345678901", "1234567890123", "12345678901x", "१२३४५६७८९०१२"]
        {
            assert_eq!(bad.parse::<Iin>(), Err(NumberError::NotTwelveDigits));
        }
    }
}
