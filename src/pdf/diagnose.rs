//! What a forger did to a file that is refused: read leniently, as careless readers do, and used
//! for nothing but the words of the refusal. No verdict rests on anything said here.

use std::collections::BTreeSet;
use std::ops::Range;

/// Largest file looked at; a refusal of a larger one says less.
const SIZE: usize = 32 * 1024 * 1024;
/// Findings told; more would say nothing new.
const TOLD: usize = 8;
/// Object numbers listed in one finding.
const LISTED: usize = 8;
/// Objects and signatures looked at.
const OBJECTS: usize = 20_000;
const SIGNATURES: usize = 16;

/// An object as it stands in the file, whatever the cross-reference sections say.
struct Seen {
    number: u32,
    /// Where its number stands.
    at: usize,
    /// Its text, up to `endobj` or the octets of a stream.
    body: Range<usize>,
}

/// What stands where the signature should.
enum Contents {
    Text(Range<usize>),
    Wrong(&'static str),
}

/// What looks like a trick in `octets`, in plain words.
pub(super) fn diagnose(octets: &[u8]) -> Vec<String> {
    if octets.len() > SIZE {
        return Vec::new();
    }
    let objects = objects(octets);
    let mut out = Vec::new();
    let mut signed_end = None;
    let signatures = objects.iter().filter(|one| is_signature(octets, one));
    let signatures: Vec<&Seen> = signatures.take(SIGNATURES).collect();
    for one in &signatures {
        signature(octets, one, &objects, &mut signed_end, &mut out);
    }
    for (index, one) in signatures.iter().enumerate() {
        if signatures.iter().skip(index + 1).any(|other| other.number == one.number) {
            out.push(format!("the signature dictionary, object {}, stands twice", one.number));
        }
    }
    if let Some(end) = signed_end {
        after(octets, end, &objects, &mut out);
    }
    ending(octets, &mut out);
    let mut told = BTreeSet::new();
    out.retain(|finding| told.insert(finding.clone()));
    out.truncate(TOLD);
    out
}

/// Every object that stands in `octets`, listed or not: its number and its place.
pub(super) fn places(octets: &[u8]) -> Vec<(u32, usize)> {
    objects(octets).iter().map(|one| (one.number, one.at)).collect()
}

fn signature(
    octets: &[u8],
    one: &Seen,
    objects: &[Seen],
    signed_end: &mut Option<usize>,
    out: &mut Vec<String>,
) {
    let body = octets.get(one.body.clone()).unwrap_or_default();
    let who = format!("signature object {}", one.number);
    let contents = contents(body);
    if let Contents::Wrong(what) = contents {
        out.push(format!("{who}: {what}"));
    }
    let Some(value) = value_of(body, b"ByteRange") else {
        out.push(format!("{who}: /ByteRange is missing, so that nothing is signed"));
        return;
    };
    let Some(numbers) = list(body.get(value..).unwrap_or_default()) else {
        out.push(format!("{who}: /ByteRange is null or no list of numbers"));
        return;
    };
    let [first, a, second, b] = numbers[..] else {
        out.push(format!("{who}: /ByteRange has {} numbers, not four", numbers.len()));
        return;
    };
    if [first, a, second, b].iter().any(|number| *number < 0) {
        out.push(format!("{who}: /ByteRange has a negative number"));
        return;
    }
    if first != 0 {
        out.push(format!("{who}: /ByteRange leaves out the first {first} bytes"));
    }
    let Some(end) = second.checked_add(b).and_then(|end| usize::try_from(end).ok()) else { return };
    let (gap_start, gap_end) = (to_place(first.saturating_add(a)), to_place(second));
    if gap_start > gap_end {
        out.push(format!("{who}: the two parts of /ByteRange overlap"));
        return;
    }
    if end > octets.len() {
        out.push(format!("{who}: /ByteRange reaches beyond the end of the file"));
    } else {
        *signed_end = Some(signed_end.map_or(end, |known| known.max(end)));
    }
    let Contents::Text(text) = contents else { return };
    let text = one.body.start + text.start..one.body.start + text.end;
    if text == (gap_start..gap_end) {
        return;
    }
    if gap_start <= text.start && text.end < gap_end {
        let inside = listed(objects.iter().filter(|one| one.at > text.end && one.at < gap_end));
        let what = if inside.is_empty() { String::new() } else { format!(": objects {inside}") };
        out.push(format!(
            "signature wrapping, {who}: /ByteRange leaves out {} bytes that are not the \
             signature{what}",
            gap_end - text.end
        ));
    } else if octets.get(gap_start) != Some(&b'<') {
        out.push(format!(
            "{who}: /ByteRange leaves out bytes {gap_start}–{gap_end}, where no signature stands"
        ));
    } else if !text.contains(&gap_start) {
        out.push(format!(
            "{who}: another copy of the signature than the one that /ByteRange leaves out"
        ));
    }
}

/// What stands behind the octets that any signature covers.
fn after(octets: &[u8], end: usize, objects: &[Seen], out: &mut Vec<String>) {
    if end >= octets.len() {
        return;
    }
    let behind = octets.get(end..).unwrap_or_default();
    let old = objects.iter().filter(|one| one.at < end).map(|one| one.number);
    let old: BTreeSet<u32> = old.collect();
    let added = objects.iter().filter(|one| one.at >= end);
    let redefined = listed(added.clone().filter(|one| old.contains(&one.number)));
    let fresh = listed(added.filter(|one| !old.contains(&one.number)));
    if !redefined.is_empty() {
        out.push(format!("incremental saving: objects {redefined} are redefined after signing"));
    }
    if !fresh.is_empty() {
        out.push(format!("incremental saving: objects {fresh} are added after signing"));
    }
    if redefined.is_empty() && fresh.is_empty() {
        out.push(format!("{} bytes are added after signing", behind.len()));
    }
    let has = |word: &[u8]| find(behind, word, 0).is_some();
    match (has(b"trailer") || has(b"/XRef"), has(b"startxref")) {
        (true, true) => {}
        (true, false) => out.push("the update has a trailer and no startxref".to_owned()),
        (false, _) => out.push("the update has no cross-reference section".to_owned()),
    }
}

/// Whether the last `startxref` leads anywhere and ends the file.
fn ending(octets: &[u8], out: &mut Vec<String>) {
    let word = b"startxref";
    let last = octets.windows(word.len()).rposition(|window| window == word);
    let Some(last) = last else {
        out.push("there is no startxref".to_owned());
        return;
    };
    let rest = octets.get(last + word.len()..).unwrap_or_default().trim_ascii_start();
    let digits = rest.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let (number, rest) = rest.split_at(digits);
    let target = std::str::from_utf8(number).ok().and_then(|text| text.parse::<usize>().ok());
    let there = target.and_then(|at| octets.get(at..)).unwrap_or_default();
    let is_section = there.starts_with(b"xref") || there.first().is_some_and(u8::is_ascii_digit);
    if !is_section {
        out.push("the last startxref leads to no cross-reference section".to_owned());
    }
    if rest.trim_ascii() != b"%%EOF" {
        out.push("something else than %%EOF follows the last startxref".to_owned());
    }
}

fn is_signature(octets: &[u8], one: &Seen) -> bool {
    let body = octets.get(one.body.clone()).unwrap_or_default();
    let signs = value_of(body, b"Type").is_some_and(|at| {
        let rest = body.get(at..).unwrap_or_default();
        rest.starts_with(b"/Sig") && !rest.get(4).is_some_and(u8::is_ascii_alphanumeric)
    });
    let range = value_of(body, b"ByteRange").is_some();
    range || (signs && value_of(body, b"Filter").is_some())
}

fn contents(body: &[u8]) -> Contents {
    let Some(at) = value_of(body, b"Contents") else {
        return Contents::Wrong("/Contents, the signature itself, is missing");
    };
    let rest = body.get(at..).unwrap_or_default();
    if rest.starts_with(b"null") {
        return Contents::Wrong("/Contents, the signature itself, is null");
    }
    if rest.starts_with(b"/") || rest.starts_with(b">") {
        return Contents::Wrong("/Contents, the signature itself, has no value");
    }
    if !rest.starts_with(b"<") || rest.starts_with(b"<<") {
        return Contents::Wrong("/Contents is no hexadecimal string");
    }
    let Some(length) = rest.iter().position(|octet| *octet == b'>') else {
        return Contents::Wrong("/Contents does not end");
    };
    let digits = rest.get(1..length).unwrap_or_default();
    if digits.is_empty() {
        return Contents::Wrong("/Contents, the signature itself, is empty");
    }
    if digits.iter().all(|digit| *digit == b'0') {
        return Contents::Wrong("/Contents holds zeros in place of a signature");
    }
    Contents::Text(at..at + length + 1)
}

/// Every `n g obj`, the octets of streams apart.
fn objects(octets: &[u8]) -> Vec<Seen> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(hit) = find(octets, b"obj", at).filter(|_| out.len() < OBJECTS) {
        at = hit + 3;
        let Some((start, number)) = head(octets, hit) else { continue };
        let end = find(octets, b"endobj", at).unwrap_or(octets.len());
        let body = octets.get(at..end).unwrap_or_default();
        let stream = find(body, b"stream", 0).map(|stream| at + stream);
        out.push(Seen { number, at: start, body: at..stream.unwrap_or(end) });
        at = match stream {
            Some(stream) => find(octets, b"endstream", stream).map_or(end, |end| end + 9),
            None => end,
        };
    }
    out
}

/// The numbers before `obj`, read backwards.
fn head(octets: &[u8], at: usize) -> Option<(usize, u32)> {
    let text = octets.get(..at)?;
    let number = |text: &[u8]| -> Option<(usize, u32)> {
        let digits = text.iter().rev().take(10).take_while(|octet| octet.is_ascii_digit()).count();
        let start = text.len() - digits;
        let number = std::str::from_utf8(text.get(start..)?).ok()?.parse().ok()?;
        Some((start, number))
    };
    let trimmed = text.trim_ascii_end();
    let (start, _) = number(trimmed)?;
    let before = trimmed.get(..start)?;
    let trimmed = before.trim_ascii_end();
    if trimmed.len() == before.len() {
        return None;
    }
    number(trimmed)
}

/// Where the value of a key begins.
fn value_of(body: &[u8], key: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(hit) = find(body, key, at) {
        at = hit + key.len();
        let named = hit.checked_sub(1).and_then(|before| body.get(before)) == Some(&b'/');
        let rest = body.get(at..).unwrap_or_default();
        if named && !rest.first().is_some_and(u8::is_ascii_alphanumeric) {
            return Some(at + rest.len() - rest.trim_ascii_start().len());
        }
    }
    None
}

fn list(rest: &[u8]) -> Option<Vec<i64>> {
    let rest = rest.strip_prefix(b"[")?;
    let end = rest.iter().position(|octet| *octet == b']')?;
    let text = std::str::from_utf8(rest.get(..end)?).ok()?;
    text.split_ascii_whitespace().map(|number| number.parse().ok()).collect()
}

fn listed<'a>(objects: impl Iterator<Item = &'a Seen>) -> String {
    let numbers: BTreeSet<u32> = objects.map(|one| one.number).collect();
    let more = if numbers.len() > LISTED { " and more" } else { "" };
    let text: Vec<String> = numbers.iter().take(LISTED).map(u32::to_string).collect();
    text.join(", ") + more
}

fn to_place(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn find(octets: &[u8], word: &[u8], from: usize) -> Option<usize> {
    let rest = octets.get(from..)?;
    let first = *word.first()?;
    let mut at = 0;
    loop {
        let tail = rest.get(at..)?;
        at += tail.iter().position(|octet| *octet == first)?;
        if rest.get(at..)?.starts_with(word) {
            return Some(from + at);
        }
        at += 1;
    }
}
