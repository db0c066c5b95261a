//! Content streams cut into operands and operators (ISO 32000-1 §7.8.2). Nothing is copied, and
//! numbers are read only when an operator asks for them: most of a page is of no interest here.

use super::syntax::{digit, is_regular, is_space};

/// Operands kept for an operator: none that counts here takes more.
const OPERANDS: usize = 6;

/// One piece of a content stream.
pub(super) enum Token<'a> {
    Number(&'a [u8]),
    Name(&'a [u8]),
    Text(Text<'a>),
    Operator(&'a [u8]),
    Other,
}

/// A string as it stands.
pub(super) enum Text<'a> {
    /// Without the outer parentheses.
    Literal(&'a [u8]),
    /// Without the brackets.
    Hexadecimal(&'a [u8]),
}

/// A cursor over a content stream.
pub(super) struct Tokens<'a> {
    octets: &'a [u8],
    at: usize,
}

/// The last numbers before an operator.
#[derive(Default)]
pub(super) struct Operands<'a> {
    last: [&'a [u8]; OPERANDS],
    count: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.octets.get(self.at..)?;
        let skipped = rest.iter().position(|octet| !is_space(*octet))?;
        let rest = rest.get(skipped..)?;
        self.at += skipped;
        let first = *rest.first()?;
        let regular =
            |rest: &[u8]| rest.iter().position(|one| !is_regular(*one)).unwrap_or(rest.len());
        match first {
            b'0'..=b'9' | b'+' | b'-' | b'.' => {
                let length = regular(rest);
                self.at += length;
                Some(Token::Number(rest.get(..length)?))
            }
            b'%' => {
                self.at += memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                Some(Token::Other)
            }
            b'/' => {
                let length = regular(rest.get(1..)?);
                self.at += 1 + length;
                Some(Token::Name(rest.get(1..1 + length)?))
            }
            b'(' => {
                self.at += 1;
                Some(Token::Text(Text::Literal(self.literal())))
            }
            b'<' if rest.get(1) != Some(&b'<') => {
                let length = memchr::memchr(b'>', rest).unwrap_or(rest.len());
                self.at += length + 1;
                Some(Token::Text(Text::Hexadecimal(rest.get(1..length)?)))
            }
            one if is_regular(one) => {
                let length = regular(rest);
                self.at += length;
                Some(Token::Operator(rest.get(..length)?))
            }
            _ => {
                self.at += 1;
                Some(Token::Other)
            }
        }
    }

    fn literal(&mut self) -> &'a [u8] {
        let (start, mut open) = (self.at, 1usize);
        loop {
            let rest = self.octets.get(self.at..).unwrap_or_default();
            let Some(next) = memchr::memchr3(b'(', b')', b'\\', rest) else {
                self.at = self.octets.len();
                return self.octets.get(start..).unwrap_or_default();
            };
            self.at += next + 1;
            match rest.get(next) {
                Some(b'(') => open += 1,
                Some(b')') => {
                    open -= 1;
                    if open == 0 {
                        return self.octets.get(start..self.at - 1).unwrap_or_default();
                    }
                }
                _ => self.at = (self.at + 1).min(self.octets.len()),
            }
        }
    }

    /// Past the corners that follow, with their numbers: those of a path that is no rectangle any
    /// more. A code of squares has thousands.
    pub(super) fn skip_corners(&mut self) {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let is_of_corner =
            |one: u8| is_space(one) || matches!(one, b'0'..=b'9' | b'.' | b'-' | b'm' | b'l');
        let end = rest.iter().position(|one| !is_of_corner(*one)).unwrap_or(rest.len());
        // What stands behind the last corner belongs to the next operator.
        let corners = rest.get(..end).unwrap_or_default();
        let is_corner = |three: &[u8]| {
            is_space(three[0]) && matches!(three[1], b'm' | b'l') && is_space(three[2])
        };
        self.at += corners.windows(3).rposition(is_corner).map_or(0, |last| last + 2);
    }

    /// Past an inline image, whose octets mean nothing here (§8.9.7).
    pub(super) fn skip_image(&mut self) {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let end = memchr::memmem::find_iter(rest, b"EI").find(|end| {
            let before = end.checked_sub(1).and_then(|before| rest.get(before));
            let around = [before, rest.get(end + 2)];
            around.iter().all(|one| one.is_some_and(|one| is_space(*one)))
        });
        self.at = end.map_or(self.octets.len(), |end| self.at + end + 2);
    }
}

impl Text<'_> {
    /// How many octets it has.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Hexadecimal(digits) => {
                digits.iter().filter(|octet| octet.is_ascii_hexdigit()).count().div_ceil(2)
            }
            Self::Literal(octets) if memchr::memchr(b'\\', octets).is_none() => octets.len(),
            Self::Literal(_) => self.octets().len(),
        }
    }

    /// What it says.
    pub(super) fn octets(&self) -> Vec<u8> {
        match self {
            Self::Hexadecimal(digits) => {
                let digits: Vec<u8> = digits.iter().filter_map(|octet| digit(*octet)).collect();
                let pair = |pair: &[u8]| pair[0] << 4 | pair.get(1).copied().unwrap_or(0);
                digits.chunks(2).map(pair).collect()
            }
            Self::Literal(text) => unescaped(text),
        }
    }
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let (mut out, mut octets) = (Vec::with_capacity(text.len()), text.iter().copied().peekable());
    while let Some(octet) = octets.next() {
        if octet != b'\\' {
            out.push(octet);
            continue;
        }
        let Some(next) = octets.next() else { break };
        if !next.is_ascii_digit() {
            out.push(next);
            continue;
        }
        let mut code = u32::from(next - b'0');
        for _ in 0..2 {
            let Some(digit) = octets.next_if(|octet| (b'0'..=b'7').contains(octet)) else { break };
            code = code * 8 + u32::from(digit - b'0');
        }
        out.push((code & 0xff) as u8);
    }
    out
}

impl<'a> Operands<'a> {
    pub(super) fn push(&mut self, number: &'a [u8]) {
        self.last[self.count % OPERANDS] = number;
        self.count += 1;
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// The last `N` numbers; `None` where there are fewer.
    pub(super) fn last<const N: usize>(&self) -> Option<[f32; N]> {
        let first = self.count.checked_sub(N).filter(|_| N <= OPERANDS)?;
        Some(std::array::from_fn(|at| number(self.last[(first + at) % OPERANDS])))
    }
}

/// The number that an operand begins with, as lenient readers take it; it is finite.
fn number(text: &[u8]) -> f32 {
    const POWERS: [f64; 19] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18,
    ];
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let (mut value, mut digits_behind, mut point) = (0u64, 0, false);
    for octet in digits {
        match octet {
            b'0'..=b'9' if value < 100_000_000_000_000_000 => {
                value = value * 10 + u64::from(octet - b'0');
                digits_behind += usize::from(point);
            }
            // More digits than a place on a page has.
            b'0'..=b'9' if point => {}
            b'.' if !point => point = true,
            _ => break,
        }
    }
    let power = POWERS.get(digits_behind).copied().unwrap_or(1e18);
    let value = (value as f64 / power) as f32;
    if negative { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(octets: &[u8]) -> Vec<Vec<u8>> {
        let (mut out, mut tokens) = (Vec::new(), Tokens::new(octets));
        while let Some(token) = tokens.next() {
            if let Token::Text(text) = token {
                assert_eq!(text.len(), text.octets().len());
                out.push(text.octets());
            }
        }
        out
    }

    #[test]
    fn strings_are_cut_where_they_end() {
        let content = b"BT (a\\)(b)\\101) Tj [<41 4>-3(x)] TJ % (no)\r(y) ' (open";
        let expected: [&[u8]; 5] = [b"a)(b)A", b"A\x40", b"x", b"y", b"open"];
        assert_eq!(texts(content), expected);
    }

    #[test]
    fn numbers_are_what_they_say() {
        for text in ["0", "-1.5", "+.25", "595.27563", "7.", "-0.00001", "123456.789"] {
            assert_eq!(number(text.as_bytes()), text.parse::<f32>().unwrap(), "{text}");
        }
        assert_eq!(number(b"1.2.3"), 1.2);
        assert_eq!(number(b"-x"), 0.0);
        assert!(number("9".repeat(500).as_bytes()).is_finite());
    }

    /// Operators that are no corners, with the numbers before them.
    fn operators(octets: &[u8], skips: bool) -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
        let (mut out, mut numbers, mut tokens) = (Vec::new(), Vec::new(), Tokens::new(octets));
        while let Some(token) = tokens.next() {
            match token {
                Token::Number(number) => numbers.push(number.to_vec()),
                Token::Operator(b"m" | b"l") => {
                    numbers.clear();
                    if skips {
                        tokens.skip_corners();
                    }
                }
                // No operator, whatever stands between corners.
                Token::Operator(word) if word.iter().all(|one| b"ml0123456789.-".contains(one)) => {
                    numbers.clear();
                }
                Token::Operator(word) => out.push((word.to_vec(), std::mem::take(&mut numbers))),
                _ => {}
            }
        }
        out
    }

    #[test]
    fn corners_are_skipped_and_nothing_else() {
        let path = b"1 2 m 3 4 l -5 .6 l 7 8 m 9 10 re 1 2 l 3 0 0 1 0 0 cm f 1 l";
        let found = operators(path, true);
        assert_eq!(found, operators(path, false));
        let words: Vec<&[u8]> = found.iter().map(|(word, _)| word.as_slice()).collect();
        assert_eq!(words, [b"re".as_slice(), b"cm", b"f"]);
        let mut tokens = Tokens::new(path);
        while !matches!(tokens.next(), Some(Token::Operator(b"m"))) {}
        tokens.skip_corners();
        assert!(matches!(tokens.next(), Some(Token::Number(b"9"))));
    }

    #[test]
    fn an_image_ends_at_its_own_end() {
        let mut tokens = Tokens::new(b"BI /W 1 ID xEI yEIz\nEI (t) Tj");
        assert!(matches!(tokens.next(), Some(Token::Operator(b"BI"))));
        tokens.skip_image();
        assert!(matches!(tokens.next(), Some(Token::Text(_))));
    }

    proptest! {
        #[test]
        fn near_content_is_no_panic(text in "[<>/\\[\\]()#0-9 TjBIE.+\\-a\\\\%\n]{0,80}") {
            texts(text.as_bytes());
        }

        #[test]
        fn skipping_corners_changes_nothing(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    " m ", " l\n", "m", "l", " 12 ", "-.5", " re ", "h", "%m\n", "(m l )", " ", "/m",
                    " f ", "1 0 0 1 0 0 cm", "<6d>",
                ]),
                0..40,
            ),
        ) {
            let content = pieces.concat();
            prop_assert_eq!(
                operators(content.as_bytes(), true),
                operators(content.as_bytes(), false)
            );
        }

        #[test]
        fn numbers_are_read_as_by_others(value in -100_000i64..100_000, places in 0usize..5) {
            let text = format!("{:.places$}", value as f64 / 97.0);
            let wanted: f32 = text.parse().unwrap();
            prop_assert!((number(text.as_bytes()) - wanted).abs() <= wanted.abs() * 1e-6);
        }
    }
}
