//! Going through an object without making its value: as strict as reading it, and for one who
//! only asks which objects it refers to. Most objects of a document are asked nothing else.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use lopdf::Object;

use super::syntax::{Cursor, DEPTH, Parsed, Spanned, digit, is_regular, is_space};

/// Keys of a dictionary that are compared one by one; more are hashed.
const FEW: usize = 16;

/// The keys of a dictionary so far.
#[derive(Default)]
struct Keys<'a> {
    few: [&'a [u8]; FEW],
    count: usize,
    many: HashSet<&'a [u8]>,
    /// What keys with escapes mean.
    escaped: HashSet<Vec<u8>>,
}

impl Spanned {
    /// Calls for every reference in the value.
    pub(super) fn references(&self, found: &mut dyn FnMut(u32)) {
        references(&self.object, found);
    }
}

fn references(object: &Object, found: &mut dyn FnMut(u32)) {
    let mut own = vec![object];
    while let Some(object) = own.pop() {
        match object {
            Object::Reference((target, _)) => found(*target),
            Object::Array(items) => own.extend(items),
            Object::Dictionary(dictionary) => own.extend(dictionary.iter().map(|(_, one)| one)),
            _ => {}
        }
    }
}

impl<'a> Cursor<'a> {
    /// Goes over one value, as [`Cursor::value`] does: `entry` is called for the entries of a
    /// dictionary, `found` for every reference anywhere in it. Returns how many values it holds.
    pub(super) fn skim(
        &mut self,
        entry: &mut dyn FnMut(&[u8], Range<usize>),
        found: &mut dyn FnMut(u32),
    ) -> Parsed<usize> {
        self.space();
        let before = self.values;
        match self.rest().starts_with(b"<<") {
            true => self.skim_dictionary(DEPTH, entry, found)?,
            false => self.skim_object(DEPTH, found)?,
        }
        Ok(self.values - before + 1)
    }

    fn skim_object(&mut self, depth: usize, found: &mut dyn FnMut(u32)) -> Parsed<()> {
        self.space();
        let Some(first) = self.peek() else { return self.error("a value is expected") };
        self.count()?;
        match first {
            b'/' => self.skim_name().map(drop),
            b'(' => self.skim_string(),
            b'[' => self.skim_array(depth, found),
            b'<' if self.rest().starts_with(b"<<") => {
                self.skim_dictionary(depth, &mut |_, _| (), found)
            }
            b'<' => self.skim_hexadecimal(),
            b'0'..=b'9' | b'+' | b'-' | b'.' => self.skim_number(found),
            _ if self.keyword(b"true") || self.keyword(b"false") || self.keyword(b"null") => Ok(()),
            _ => self.error("a value is expected"),
        }
    }

    fn skim_dictionary(
        &mut self,
        depth: usize,
        entry: &mut dyn FnMut(&[u8], Range<usize>),
        found: &mut dyn FnMut(u32),
    ) -> Parsed<()> {
        let inner = self.deeper(depth)?;
        self.at += 2;
        let mut keys = Keys::default();
        loop {
            self.space();
            if self.literal(b">>") {
                return Ok(());
            }
            if self.peek() != Some(b'/') {
                return self.error("a dictionary key is expected");
            }
            let key = self.skim_name()?;
            if !keys.insert(key.clone()) {
                return self.error("a dictionary key stands twice");
            }
            self.space();
            let value = self.at;
            self.skim_object(inner, found)?;
            entry(&key, value..self.at);
        }
    }

    fn skim_array(&mut self, depth: usize, found: &mut dyn FnMut(u32)) -> Parsed<()> {
        let depth = self.deeper(depth)?;
        self.at += 1;
        loop {
            self.space();
            if self.literal(b"]") {
                return Ok(());
            }
            self.skim_object(depth, found)?;
        }
    }

    /// The name: as it stands, or what its escapes mean.
    fn skim_name(&mut self) -> Parsed<Cow<'a, [u8]>> {
        let rest = self.rest().get(1..).unwrap_or_default();
        let length = rest.iter().take_while(|octet| is_regular(**octet)).count();
        let name = rest.get(..length).unwrap_or_default();
        if memchr::memchr(b'#', name).is_some() {
            return self.name().map(Cow::Owned);
        }
        self.at += 1 + length;
        Ok(Cow::Borrowed(name))
    }

    fn skim_string(&mut self) -> Parsed<()> {
        self.at += 1;
        let mut open = 0usize;
        loop {
            let Some(next) = memchr::memchr3(b'(', b')', b'\\', self.rest()) else {
                return self.error("a string does not end");
            };
            self.at += next + 1;
            match self.octets.get(self.at - 1) {
                Some(b')') if open == 0 => return Ok(()),
                Some(b')') => open -= 1,
                Some(b'(') => open += 1,
                _ => self.at += 1,
            }
        }
    }

    fn skim_hexadecimal(&mut self) -> Parsed<()> {
        self.at += 1;
        let Some(length) = memchr::memchr(b'>', self.rest()) else {
            return self.error("a string does not end");
        };
        let text = self.rest().get(..length).unwrap_or_default();
        if !text.iter().all(|octet| digit(*octet).is_some() || is_space(*octet)) {
            return self.error("a bad hexadecimal string");
        }
        self.at += length + 1;
        Ok(())
    }

    fn skim_number(&mut self, found: &mut dyn FnMut(u32)) -> Parsed<()> {
        let rest = self.rest();
        let digits = rest.iter().take_while(|octet| octet.is_ascii_digit()).count();
        let ends = rest.get(digits).is_none_or(|octet| !is_regular(*octet));
        if !(1..=18).contains(&digits) || !ends {
            return self.number().map(drop);
        }
        match reference_after(rest.get(digits..).unwrap_or_default()) {
            Likely::No => {}
            Likely::Plain if digits < 10 => {
                let number = rest.iter().take(digits);
                found(number.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')));
                self.at += digits + PLAIN.len();
                return Ok(());
            }
            Likely::Plain | Likely::Maybe => {
                if let Some((number, _, at)) = self.clone().reference() {
                    found(number);
                    self.at = at;
                    return Ok(());
                }
            }
        }
        self.at += digits;
        Ok(())
    }
}

/// What a number is by what stands behind it.
enum Likely {
    /// A number.
    No,
    /// The first one of a reference, as nearly all are written.
    Plain,
    /// To be read to know.
    Maybe,
}

/// Generation and end of nearly every reference.
const PLAIN: &[u8] = b" 0 R";

fn reference_after(rest: &[u8]) -> Likely {
    let goes_on = |octet: &u8| is_space(*octet) || *octet == b'%';
    if rest.starts_with(PLAIN) && rest.get(PLAIN.len()).is_none_or(|next| !is_regular(*next)) {
        return Likely::Plain;
    }
    match rest {
        [b' ', rest @ ..] => {
            let digits = rest.iter().take_while(|octet| octet.is_ascii_digit()).count();
            match rest.get(digits..).unwrap_or_default() {
                [b' ', b'R', ..] => Likely::Maybe,
                [b' ', next, ..] if digits > 0 && !goes_on(next) => Likely::No,
                [next, ..] if !goes_on(next) => Likely::No,
                _ => Likely::Maybe,
            }
        }
        [next, ..] if goes_on(next) => Likely::Maybe,
        _ => Likely::No,
    }
}

impl<'a> Keys<'a> {
    /// Whether the key is new.
    fn insert(&mut self, key: Cow<'a, [u8]>) -> bool {
        let few = self.few.get(..self.count).unwrap_or_default();
        let known = few.contains(&key.as_ref())
            || (!self.escaped.is_empty() && self.escaped.contains(key.as_ref()));
        match (key, self.few.get_mut(self.count)) {
            _ if known => false,
            (Cow::Owned(key), _) => !self.many.contains(key.as_slice()) && self.escaped.insert(key),
            (Cow::Borrowed(key), Some(place)) => {
                *place = key;
                self.count += 1;
                true
            }
            (Cow::Borrowed(key), None) => self.many.insert(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What both ways of reading say: place behind the value, values, references, entries.
    type Said = Option<(usize, usize, Vec<u32>, Vec<(Vec<u8>, Range<usize>)>)>;

    fn skimmed(text: &[u8]) -> Said {
        let mut cursor = Cursor::new(text, 0);
        let (mut found, mut entries) = (Vec::new(), Vec::new());
        let mut entry = |key: &[u8], span| entries.push((key.to_vec(), span));
        let values = cursor.skim(&mut entry, &mut |number| found.push(number)).ok()?;
        found.sort_unstable();
        found.dedup();
        Some((cursor.at(), values, found, entries))
    }

    fn read(text: &[u8]) -> Said {
        let mut cursor = Cursor::new(text, 0);
        let value = cursor.value().ok()?;
        let mut found = Vec::new();
        value.references(&mut |number| found.push(number));
        found.sort_unstable();
        found.dedup();
        Some((cursor.at(), value.values, found, value.entries))
    }

    #[test]
    fn references_are_found_where_they_are_some() {
        let text =
            b"<</A 1 0 R/B[2  0 R 3 0 R4 5 0 R%6 0 R\n](7 0 R)/C(\\) 8 0 R)/D<9 0>/E 10 0 R>>";
        assert_eq!(skimmed(text), None);
        let text =
            b"<</A 1 0 R/B[2  0 R 3 0 5 0 R%6 0 R\n]/C(\\) 8 0 R)/D<90>/E 10 0 R/F 11%\n0 R>>";
        assert_eq!(skimmed(text).unwrap().2, [1, 2, 5, 10, 11]);
        let many: String = (0..40).map(|number| format!("/K{number} {number} 0 R")).collect();
        assert_eq!(skimmed(format!("<<{many}>>").as_bytes()).unwrap().2.len(), 40);
        assert_eq!(skimmed(format!("<<{many}/K39 1>>").as_bytes()), None);
        assert_eq!(skimmed(b"<</A 1/#41 2>>"), None);
        assert_eq!(skimmed(b"<</#41 1/A 2>>"), None);
        assert_eq!(skimmed(format!("<<{many}/K3#39 1>>").as_bytes()), None);
        assert_eq!(skimmed(b"<</A#42 1 0 R>>").unwrap().3, [(b"AB".to_vec(), 8..13)]);
    }

    proptest! {
        #[test]
        fn both_ways_of_reading_agree(text in "[<>/\\[\\]()0-9 R.+\\-aA\\\\%\n]{0,80}") {
            prop_assert_eq!(skimmed(text.as_bytes()), read(text.as_bytes()));
        }

        #[test]
        fn both_agree_on_pieces_in_any_order(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "/A", "/B#41", " 1 ", "12 0 R ", "[", "]", "<<", ">>", "(a(b)\\)", ")", "<41>",
                    "<4g>", "true ", "null ", "-1.5 ", "% 3 0 R\n", " 7 0 ", "/Length",
                ]),
                0..24,
            ),
        ) {
            let text = format!("<<{}>>", pieces.concat());
            prop_assert_eq!(skimmed(text.as_bytes()), read(text.as_bytes()));
        }

        #[test]
        fn both_agree_on_what_is_well_formed(
            entries in prop::collection::vec(
                (
                    prop::sample::select(vec!["/A", "/#41", "/B#41", "/BA", "/Length", "/C %/A\n"]),
                    prop::sample::select(vec![
                        " 1", " 12 0 R", "[3 0 R 4 (a(b)\\)) 5 0 R]", "(a(b)\\))", "<41 4>",
                        "<4g>", " true", " null", " -1.5", "% 3 0 R\n7", " 7 0", "/A", "(",
                        "<</A 6 0 R/B 1>>", "<</#41 1/A 2>>", "<</#41[[<</A 8 0 R>>]]>>", "<<[",
                    ]),
                ),
                0..5,
            ),
        ) {
            let entries: String = entries.iter().map(|(key, value)| format!("{key}{value}")).collect();
            let text = format!("<<{entries}>>");
            prop_assert_eq!(skimmed(text.as_bytes()), read(text.as_bytes()));
        }
    }
}
