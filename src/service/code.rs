//! Verification codes: 128 unguessable bits that a person can read off paper and type.

use super::App;
use crate::problem::{Kind, Problem};

/// Crockford's base 32: no I, L, O, U, so that nothing is mistaken for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code, and how they are grouped.
const LENGTH: usize = 26;
const GROUP: usize = 7;

impl App {
    /// A new code, for example `3Q9ZK1M-7BD0XRT-4G8WJ2H-5NCVE`.
    pub(super) fn new_code(&self) -> Result<String, Problem> {
        let mut octets = [0; 16];
        if !self.random.fill(&mut octets) {
            return Err(Problem::internal("the random source failed"));
        }
        Ok(spell(u128::from_be_bytes(octets)))
    }
}

/// The code as it stands in the register, from what somebody typed: any case, with or without
/// hyphens, O for 0, I or L for 1.
pub(super) fn tidy(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric).take(LENGTH + 1);
    let letters = letters.map(|letter| match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        letter => letter,
    });
    group(&letters.collect::<Vec<_>>())
}

/// Nothing is found under this code.
pub(super) fn unknown() -> Problem {
    Problem::new(Kind::NotFound, "no-such-licence", "The register has no such licence or document.")
}

fn spell(bits: u128) -> String {
    let letters = (0..LENGTH).rev().map(|place| {
        let digit = (bits >> (5 * place)) & 31;
        char::from(ALPHABET.get(digit as usize).copied().unwrap_or(b'0'))
    });
    group(&letters.collect::<Vec<_>>())
}

fn group(letters: &[char]) -> String {
    let groups = letters.chunks(GROUP).map(|group| group.iter().collect::<String>());
    groups.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_code_is_found_however_it_is_typed(bits in any::<u128>()) {
            let code = spell(bits);
            prop_assert_eq!(code.len(), 29);
            prop_assert_eq!(&tidy(&code), &code);
            let careless = code.to_lowercase().replace('-', "").replace('0', "o").replace('1', "l");
            prop_assert_eq!(&tidy(&careless), &code);
        }
    }

    #[test]
    fn codes_of_different_bits_differ() {
        assert_ne!(spell(0), spell(1));
        assert_ne!(spell(u128::MAX), spell(u128::MAX >> 1));
        assert_eq!(spell(0), "0000000-0000000-0000000-00000");
    }
}
