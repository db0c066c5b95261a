//! A strict reader of PDF objects (ISO 32000-1 §7.2–7.3) that knows where each value stands in
//! the file: signatures are judged by positions, which object libraries throw away.
//!
//! Nothing is repaired: a key that stands twice, an unclosed string, a bad number is an error.

use std::ops::Range;

use lopdf::{Dictionary, Object, StringFormat};

use crate::limits;

/// Nesting of arrays and dictionaries. Honest files stay under a dozen.
pub(super) const DEPTH: usize = 64;

/// What is wrong, and where (an offset into the octets given).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at offset {at}")]
pub(super) struct SyntaxError {
    pub what: &'static str,
    pub at: usize,
}

/// A value with its place; the entries of a dictionary have theirs too.
#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub object: Object,
    pub span: Range<usize>,
    /// Key and place of the value, for a dictionary; places count from the same zero as `span`.
    pub entries: Vec<(Vec<u8>, Range<usize>)>,
    /// How many values it holds, its own included: the measure of the work it makes.
    pub values: usize,
}

/// A cursor over octets.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    pub(super) octets: &'a [u8],
    pub(super) at: usize,
    pub(super) values: usize,
}

pub(super) type Parsed<T> = Result<T, SyntaxError>;

/// Parses the one value that `octets` hold.
pub(super) fn value(octets: &[u8]) -> Parsed<Spanned> {
    let mut cursor = Cursor::new(octets, 0);
    let value = cursor.value()?;
    cursor.space();
    match cursor.at == octets.len() {
        true => Ok(value),
        false => cursor.error("something follows the value"),
    }
}

impl Spanned {
    /// The place of the value of a key.
    pub(super) fn entry(&self, key: &[u8]) -> Option<Range<usize>> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, span)| span.clone())
    }
}

impl<'a> Cursor<'a> {
    pub(super) fn new(octets: &'a [u8], at: usize) -> Self {
        Self { octets, at, values: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn error<T>(&self, what: &'static str) -> Parsed<T> {
        Err(SyntaxError { what, at: self.at })
    }

    /// Skips white space and comments.
    pub(super) fn space(&mut self) {
        loop {
            match self.peek() {
                Some(octet) if is_space(octet) => self.at += 1,
                Some(b'%') => {
                    while self.peek().is_some_and(|octet| octet != b'\n' && octet != b'\r') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Takes this keyword, which must end there.
    pub(super) fn keyword(&mut self, word: &[u8]) -> bool {
        let rest = self.rest();
        let ends = rest.get(word.len()).is_none_or(|octet| !is_regular(*octet));
        let found = rest.starts_with(word) && ends;
        if found {
            self.at += word.len();
        }
        found
    }

    /// Takes exactly these octets.
    pub(super) fn literal(&mut self, octets: &[u8]) -> bool {
        let found = self.rest().starts_with(octets);
        if found {
            self.at += octets.len();
        }
        found
    }

    /// Takes digits without a sign.
    pub(super) fn unsigned(&mut self) -> Parsed<u64> {
        let (mut number, mut digits) = (0u64, 0);
        for octet in self.rest().iter().take_while(|octet| octet.is_ascii_digit()).take(20) {
            // Nineteen digits fit.
            number = number.wrapping_mul(10).wrapping_add(u64::from(octet - b'0'));
            digits += 1;
        }
        match digits {
            1..=19 => {
                self.at += digits;
                Ok(number)
            }
            _ => self.error("a number is expected"),
        }
    }

    /// Takes one value; `n g R` is a reference.
    pub(super) fn value(&mut self) -> Parsed<Spanned> {
        self.space();
        let start = self.at;
        let before = self.values;
        let mut entries = Vec::new();
        let object = match self.rest().starts_with(b"<<") {
            true => Object::Dictionary(self.dictionary(DEPTH, Some(&mut entries))?),
            false => self.object(DEPTH)?,
        };
        let values = self.values - before + 1;
        Ok(Spanned { object, span: start..self.at, entries, values })
    }

    fn object(&mut self, depth: usize) -> Parsed<Object> {
        self.space();
        let Some(first) = self.peek() else { return self.error("a value is expected") };
        self.count()?;
        match first {
            b'/' => self.name().map(Object::Name),
            b'(' => self.string().map(|octets| Object::String(octets, StringFormat::Literal)),
            b'[' => self.array(depth).map(Object::Array),
            b'<' if self.rest().starts_with(b"<<") => {
                self.dictionary(depth, None).map(Object::Dictionary)
            }
            b'<' => self.hexadecimal().map(|o| Object::String(o, StringFormat::Hexadecimal)),
            b'0'..=b'9' | b'+' | b'-' | b'.' => self.number(),
            _ if self.keyword(b"true") => Ok(Object::Boolean(true)),
            _ if self.keyword(b"false") => Ok(Object::Boolean(false)),
            _ if self.keyword(b"null") => Ok(Object::Null),
            _ => self.error("a value is expected"),
        }
    }

    /// One more value.
    pub(super) fn count(&mut self) -> Parsed<()> {
        self.values += 1;
        match self.values > limits::PDF_VALUES {
            true => self.error("an object has too many values"),
            false => Ok(()),
        }
    }

    pub(super) fn dictionary(
        &mut self,
        depth: usize,
        mut entries: Option<&mut Vec<(Vec<u8>, Range<usize>)>>,
    ) -> Parsed<Dictionary> {
        let depth = self.deeper(depth)?;
        self.at += 2;
        let mut dictionary = Dictionary::new();
        loop {
            self.space();
            if self.literal(b">>") {
                return Ok(dictionary);
            }
            if self.peek() != Some(b'/') {
                return self.error("a dictionary key is expected");
            }
            let key = self.name()?;
            if dictionary.has(&key) {
                return self.error("a dictionary key stands twice");
            }
            self.space();
            let start = self.at;
            let value = self.object(depth)?;
            if let Some(entries) = entries.as_deref_mut() {
                entries.push((key.clone(), start..self.at));
            }
            dictionary.set(key, value);
        }
    }

    fn array(&mut self, depth: usize) -> Parsed<Vec<Object>> {
        let depth = self.deeper(depth)?;
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.space();
            if self.literal(b"]") {
                return Ok(items);
            }
            items.push(self.object(depth)?);
        }
    }

    pub(super) fn deeper(&self, depth: usize) -> Parsed<usize> {
        match depth.checked_sub(1) {
            Some(depth) => Ok(depth),
            None => self.error("values are nested too deep"),
        }
    }

    pub(super) fn name(&mut self) -> Parsed<Vec<u8>> {
        self.at += 1;
        let mut name = Vec::new();
        while let Some(octet) = self.peek().filter(|octet| is_regular(*octet)) {
            self.at += 1;
            name.push(match octet {
                b'#' => match (self.nibble(), self.nibble()) {
                    (Some(high), Some(low)) => high << 4 | low,
                    _ => return self.error("a bad # in a name"),
                },
                octet => octet,
            });
        }
        Ok(name)
    }

    fn nibble(&mut self) -> Option<u8> {
        let digit = digit(self.peek()?)?;
        self.at += 1;
        Some(digit)
    }

    fn hexadecimal(&mut self) -> Parsed<Vec<u8>> {
        self.at += 1;
        let Some(length) = memchr::memchr(b'>', self.rest()) else {
            return self.error("a string does not end");
        };
        let text = self.rest().get(..length).unwrap_or_default();
        let mut octets = Vec::with_capacity(length / 2 + 1);
        let (mut high, mut bad) = (None, false);
        // Long strings are digits without anything between them.
        let (pairs, last) = text.as_chunks::<2>();
        let mut seen = 0;
        octets.extend(pairs.iter().map(|[high, low]| {
            let (high, low) = (DIGITS[usize::from(*high)], DIGITS[usize::from(*low)]);
            seen |= high | low;
            high << 4 | low
        }));
        let rest = if seen < 16 { last } else { text };
        if seen >= 16 {
            octets.clear();
        }
        for octet in rest.iter().filter(|octet| !is_space(**octet)) {
            match (digit(*octet), high.take()) {
                (Some(digit), None) => high = Some(digit << 4),
                (Some(digit), Some(high)) => octets.push(high | digit),
                (None, _) => bad = true,
            }
        }
        if bad {
            return self.error("a bad hexadecimal string");
        }
        // An odd string ends with a zero (§7.3.4.3).
        octets.extend(high);
        self.at += length + 1;
        Ok(octets)
    }

    fn string(&mut self) -> Parsed<Vec<u8>> {
        self.at += 1;
        let (mut octets, mut open) = (Vec::new(), 0usize);
        loop {
            let Some(octet) = self.peek() else { return self.error("a string does not end") };
            self.at += 1;
            match octet {
                b')' if open == 0 => return Ok(octets),
                b')' => open -= 1,
                b'(' => open += 1,
                b'\\' => {
                    octets.extend(self.escape());
                    continue;
                }
                b'\r' => {
                    self.literal(b"\n");
                    octets.push(b'\n');
                    continue;
                }
                _ => {}
            }
            octets.push(octet);
        }
    }

    fn escape(&mut self) -> Option<u8> {
        let octet = self.peek()?;
        self.at += 1;
        Some(match octet {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'\n' => return None,
            b'\r' => {
                self.literal(b"\n");
                return None;
            }
            b'0'..=b'7' => {
                let mut code = u32::from(octet - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else { break };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                // ISO 32000-1 table 3: high-order overflow is ignored.
                (code & 0xff) as u8
            }
            other => other,
        })
    }

    pub(super) fn number(&mut self) -> Parsed<Object> {
        let reference = self.clone().reference();
        if let Some((number, generation, at)) = reference {
            self.at = at;
            return Ok(Object::Reference((number, generation)));
        }
        let rest = self.rest();
        let length = rest
            .iter()
            .take_while(|octet| octet.is_ascii_digit() || b"+-.".contains(octet))
            .count();
        let text = rest.get(..length).and_then(|text| std::str::from_utf8(text).ok());
        let text = text.unwrap_or_default();
        let ends = rest.get(length).is_none_or(|octet| !is_regular(*octet));
        let number = match text.contains('.') {
            true => text.parse().ok().map(Object::Real),
            false => text.parse().ok().map(Object::Integer),
        };
        match number {
            Some(number) if ends && length < 64 => {
                self.at += length;
                Ok(number)
            }
            _ => self.error("a bad number"),
        }
    }

    pub(super) fn reference(mut self) -> Option<(u32, u16, usize)> {
        let number = u32::try_from(self.unsigned().ok()?).ok()?;
        self.must_space()?;
        let generation = u16::try_from(self.unsigned().ok()?).ok()?;
        self.must_space()?;
        self.keyword(b"R").then_some((number, generation, self.at))
    }

    fn must_space(&mut self) -> Option<()> {
        let before = self.at;
        self.space();
        (self.at > before).then_some(())
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }
}

pub(super) fn digit(octet: u8) -> Option<u8> {
    let value = DIGITS[usize::from(octet)];
    (value < 16).then_some(value)
}

pub(super) fn is_space(octet: u8) -> bool {
    matches!(octet, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

pub(super) fn is_regular(octet: u8) -> bool {
    REGULAR[usize::from(octet)]
}

/// The value of each hexadecimal digit; 255 for what is none.
static DIGITS: [u8; 256] = {
    let (mut table, mut octet) = ([255u8; 256], 0);
    while octet < 256 {
        table[octet] = match octet as u8 {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'a'..=b'f' => digit - b'a' + 10,
            digit @ b'A'..=b'F' => digit - b'A' + 10,
            _ => 255,
        };
        octet += 1;
    }
    table
};

/// Neither white space nor a delimiter (§7.2.2).
static REGULAR: [bool; 256] = {
    let (mut table, mut octet) = ([true; 256], 0);
    while octet < 256 {
        table[octet] = !matches!(
            octet as u8,
            0 | b'\t'
                | b'\n'
                | 12
                | b'\r'
                | b' '
                | b'('
                | b')'
                | b'<'
                | b'>'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'/'
                | b'%'
        );
        octet += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_stand_where_they_say() {
        let text =
            b"<< /A 12 0 R /B#20C [1 -2.5 (x\\)\\101(y)) <4 1 4> true null] % note\n/D <</E/F>> >>";
        let parsed = value(text).unwrap();
        let dictionary = parsed.object.as_dict().unwrap();
        assert_eq!(dictionary.get(b"A").unwrap().as_reference().unwrap(), (12, 0));
        let list = dictionary.get(b"B C").unwrap().as_array().unwrap();
        assert_eq!(list[2].as_str().unwrap(), b"x)A(y)");
        assert_eq!(list[3].as_str().unwrap(), b"A\x40");
        assert_eq!(&text[parsed.entry(b"D").unwrap()], b"<</E/F>>");
        assert_eq!(&text[parsed.entry(b"A").unwrap()], b"12 0 R");
    }

    #[test]
    fn nothing_is_repaired() {
        for text in [
            "<</A 1/A 2>>",
            "<</A 1",
            "(a",
            "<4g>",
            "[1 2",
            "1.2.3",
            "--1",
            "/a#zz",
            "<</A>>",
            "1 2",
            "",
            "nul",
            "trueish",
        ] {
            assert!(value(text.as_bytes()).is_err(), "{text}");
        }
        assert!(value("[".repeat(100_000).as_bytes()).is_err());
        assert!(value(format!("[{}]", "1 ".repeat(limits::PDF_VALUES)).as_bytes()).is_err());
        assert!(value("<</A".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_octets_are_no_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = value(&octets);
        }

        #[test]
        fn near_objects_are_no_panic(text in "[<>/\\[\\]()#0-9 R.+\\-a\\\\%\n]{0,80}") {
            let _ = value(text.as_bytes());
        }
    }
}
