//! Reading signatures strictly: found through the form, each judged in its own revision, the gap
//! exactly the hexadecimal string of its own `/Contents` and nothing else.

use std::ops::Range;

use lopdf::{Dictionary, Object, ObjectId};
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use super::diagnose::diagnose;
use super::digests::Digests;
use super::file::{File, Text};
use super::lasting::{self, DocumentStamp};
use super::permissions::Permissions;
use super::tree::{self, Field};
use super::xref::Entry;
use super::{PdfError, changes, shadow};
use crate::cms::{self, Content};
use crate::crypto::{DigestAlgorithm, UnsupportedAlgorithm, ValueForm, verify};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{FoundSignature, ScopeItem, SignatureFormat, SignedScope};

/// A signature dictionary whose place in the file is proven.
struct Located {
    id: ObjectId,
    offset: usize,
    dictionary: Dictionary,
    /// The hexadecimal string with its brackets.
    gap: Range<usize>,
    /// Where the signed octets end.
    end: usize,
    contents: Vec<u8>,
}

/// Reads every signature of the form, in the order of their fields.
///
/// # Errors
/// [`PdfError`] for a file whose structure is broken or that is encrypted: no signature of such a
/// file means anything. What is wrong with one signature stands in its faults.
pub fn read(pdf: &[u8]) -> Result<Vec<FoundSignature>, PdfError> {
    read_with(pdf, &Digests::new(pdf))
}

/// As [`read`], with the SHA-256 of the whole file, which costs little beside it.
///
/// # Errors
/// As [`read`].
pub fn read_digested(pdf: &[u8]) -> Result<(Vec<FoundSignature>, Vec<u8>), PdfError> {
    let digests = Digests::new(pdf);
    let found = read_with(pdf, &digests)?;
    Ok((found, digests.whole(DigestAlgorithm::Sha256)))
}

fn read_with(pdf: &[u8], digests: &Digests<'_>) -> Result<Vec<FoundSignature>, PdfError> {
    let mut found = match read_strictly(pdf, digests) {
        // A refusal stays a refusal; it only gets words for what was done.
        Err(PdfError::Malformed(why)) => {
            let why = std::iter::once(why).chain(diagnose(pdf)).collect::<Vec<_>>();
            return Err(PdfError::Malformed(why.join("; ")));
        }
        result => result?,
    };
    let unplaced = |one: &&mut FoundSignature| one.scope.items.is_empty();
    let mut unplaced = found.iter_mut().filter(unplaced).peekable();
    if unplaced.peek().is_some() {
        let findings = diagnose(pdf);
        for one in unplaced {
            let told = findings.iter().map(|what| Reason::new(ReasonCode::Refused, what.as_str()));
            one.faults.extend(told);
        }
    }
    Ok(found)
}

fn read_strictly(pdf: &[u8], digests: &Digests<'_>) -> Result<Vec<FoundSignature>, PdfError> {
    let file = File::open(pdf)?;
    let fields = tree::fields(&file)?;
    let signed: Vec<&Field> =
        fields.iter().filter(|field| *field.kind == *b"Sig" && field.value.is_some()).collect();
    if signed.len() > limits::SIGNATURES {
        return Err(PdfError::TooMany("signatures"));
    }
    let mut located: Vec<Result<Located, Reason>> =
        signed.iter().map(|field| locate(&file, field)).collect();
    refuse_doubles(&mut located);
    let covered = located.iter().flatten().map(|one| one.end).max().unwrap_or(0);
    let (mut found, mut ends, mut stamps) = (Vec::new(), Vec::new(), Vec::new());
    let mut odd = Vec::new();
    for (index, (field, located)) in signed.iter().zip(&located).enumerate() {
        let id = match field.name.as_ref() {
            "" => format!("signature-{}", index + 1),
            name => name.to_owned(),
        };
        match located {
            Ok(located) if lasting::is_time_stamp(&located.dictionary) => {
                match document_stamp(&file, located, digests) {
                    Ok(stamp) => stamps.push(stamp),
                    Err(reason) => odd.push(Reason::new(
                        ReasonCode::TimestampInvalid,
                        format!("document time-stamp {id}: {reason}"),
                    )),
                }
            }
            Ok(located) => {
                found.push(judge(&file, id, located, covered, digests));
                ends.push(Some(located.end));
            }
            Err(reason) => {
                found.push(broken(id, vec![reason.clone()]));
                ends.push(None);
            }
        }
    }
    let covering = stamps.iter().filter(|one| one.end == pdf.len()).any(DocumentStamp::stands);
    if !covering {
        refuse_uncovered(&mut found, &ends);
    }
    lasting::hand_out(&file, &mut stamps, &ends, &mut found);
    found.iter_mut().for_each(|one| one.warnings.extend(odd.iter().cloned()));
    if covered > 0 {
        let newest = (covered < pdf.len()).then(|| file.revision(covered)).transpose();
        // A revision that cannot be read was told with its signature.
        let prepared = newest.map(|newest| shadow::prepared(newest.as_ref().unwrap_or(&file)));
        for one in found.iter_mut().filter(|one| !one.scope.items.is_empty()) {
            one.warnings.extend(prepared.iter().flatten().cloned());
        }
    }
    Ok(found)
}

/// A document time-stamp must stand in the revision it covers, as a signature must.
fn document_stamp(
    file: &File<'_>,
    located: &Located,
    digests: &Digests<'_>,
) -> Result<DocumentStamp, Reason> {
    let revision = file.revision(located.end);
    let revision =
        revision.map_err(|error| Reason::new(ReasonCode::Malformed, error.to_string()))?;
    if let Some(reason) = outside_revision(file, &revision, located) {
        return Err(reason);
    }
    let digest = |algorithm| digests.around(&located.gap, located.end, algorithm);
    DocumentStamp::read(&located.contents, located.end, &digest)
}

/// Where one signature stands, for those who add to it.
pub(super) struct Placed {
    /// The hexadecimal string with its brackets.
    pub gap: Range<usize>,
    pub contents: Vec<u8>,
    /// Whether another signature, or a document time-stamp, covers its octets.
    pub is_covered: bool,
}

/// Where the signatures stand, in the order of [`read`]; `None` for one whose place is wrong.
pub(super) fn placed(pdf: &[u8]) -> Result<Vec<Option<Placed>>, PdfError> {
    let file = File::open(pdf)?;
    let fields = tree::fields(&file)?;
    let signed = fields.iter().filter(|field| *field.kind == *b"Sig" && field.value.is_some());
    let mut located: Vec<Result<Located, Reason>> =
        signed.take(limits::SIGNATURES).map(|field| locate(&file, field)).collect();
    refuse_doubles(&mut located);
    let last = located.iter().flatten().map(|one| one.end).max().unwrap_or(0);
    let signatures = located
        .into_iter()
        .filter(|one| !one.as_ref().is_ok_and(|one| lasting::is_time_stamp(&one.dictionary)));
    let placed =
        |one: Located| Placed { is_covered: one.end < last, gap: one.gap, contents: one.contents };
    Ok(signatures.map(|one| one.ok().map(placed)).collect())
}

/// The revision a signature covers, as a document of its own that can be read further (its
/// attachments, its text). It differs from the signed octets by the gap only, which holds nothing
/// but the signature. `None` if the signature has faults, or if `pdf` is not the document it was
/// found in.
pub fn signed_revision<'a>(pdf: &'a [u8], found: &FoundSignature) -> Option<&'a [u8]> {
    let [start, resume, end] = range(found)?;
    let (revision, algorithm) = (pdf.get(..end)?, found.algorithm.as_ref().ok()?);
    if !found.faults.is_empty() || resume < start {
        return None;
    }
    // The signed attributes hold the digest of what was signed (RFC 5652 §5.3).
    let digests = Digests::new(revision);
    let digest = digests.around(&(start..resume), end, algorithm.digest());
    found.signed_octets.windows(digest.len()).any(|window| window == digest).then_some(revision)
}

/// Everything before the value of a signature: the document as it was printed, and what the
/// signature says beside its value. Time-stamps and further signatures leave it as it is.
pub fn before_signature<'a>(pdf: &'a [u8], found: &FoundSignature) -> Option<&'a [u8]> {
    let [start, ..] = range(found)?;
    pdf.get(..start)
}

/// Beginning and end of the gap, and the end of the signed revision.
fn range(found: &FoundSignature) -> Option<[usize; 3]> {
    let item = found.scope.items.first()?;
    let numbers: Vec<usize> =
        item.what.split(['-', ' ']).filter_map(|number| number.parse().ok()).collect();
    let [0, start, resume, end] = numbers[..] else { return None };
    Some([start, resume, end])
}

/// Finds the signature dictionary of a field and proves its `/ByteRange` (ISO 32000-1 §12.8.1).
fn locate(file: &File<'_>, field: &Field) -> Result<Located, Reason> {
    let malformed = |what: &str| Reason::new(ReasonCode::Malformed, what);
    let id = field.value.as_ref().and_then(|value| value.as_reference().ok());
    let id = id.ok_or_else(|| malformed("the signature dictionary is no object of its own"))?;
    let loaded = file.load(id).map_err(|error| malformed(&error.to_string()))?;
    let loaded = loaded.ok_or_else(|| malformed("the signature dictionary is not there"))?;
    let (Text::File, None, Some(dictionary)) = (&loaded.text, &loaded.stream, loaded.dictionary())
    else {
        return Err(malformed("the signature dictionary is no plain dictionary of the file"));
    };
    let Some(Entry::At { offset, .. }) = file.entry(id.0) else {
        return Err(malformed("the signature dictionary is not there"));
    };
    let gap = loaded.value.entry(b"Contents");
    let gap = gap.ok_or_else(|| malformed("the signature has no /Contents"))?;
    if gap.len() > limits::CMS_BYTES * 2 + 2 {
        return Err(malformed("/Contents is too long"));
    }
    let contents = dictionary.get(b"Contents").and_then(Object::as_str).unwrap_or_default();
    let text = file.octets().get(gap.clone()).unwrap_or_default();
    // The reader took nothing but digits and white space: an even number of digits and no white
    // space is twice the octets, and no escapes of another kind of string are.
    let plain = text.starts_with(b"<")
        && text.len() == contents.len() * 2 + 2
        && memchr::memchr3(b' ', b'\n', b'\r', text).is_none()
        && memchr::memchr3(b'\t', 0x0c, 0, text).is_none();
    if !plain || contents.is_empty() {
        return Err(malformed("/Contents is no plain hexadecimal string"));
    }
    if contents.iter().all(|octet| *octet == 0) {
        return Err(malformed("/Contents holds no signature"));
    }
    let range = dictionary.get(b"ByteRange").ok();
    let range = range.ok_or_else(|| malformed("the signature has no /ByteRange"))?;
    let numbers: Option<Vec<usize>> = range.as_array().ok().and_then(|range| {
        let numbers = range.iter().map(|one| usize::try_from(one.as_i64().ok()?).ok());
        numbers.collect()
    });
    let Some([0, first, second, length]) = numbers.as_deref() else {
        return Err(malformed("/ByteRange is not [0 a b c]"));
    };
    if (*first, *second) != (gap.start, gap.end) {
        let detail = "/ByteRange leaves out something else than the string of /Contents";
        return Err(Reason::new(ReasonCode::Refused, detail));
    }
    let end = second.checked_add(*length).filter(|end| *end <= file.octets().len());
    let end = end.ok_or_else(|| malformed("/ByteRange reaches beyond the end of the file"))?;
    Ok(Located {
        id,
        offset,
        dictionary: dictionary.clone(),
        gap,
        end,
        contents: contents.to_vec(),
    })
}

/// One dictionary stands for one signature, one signature for one revision, and no CMS message
/// is used twice.
fn refuse_doubles(located: &mut [Result<Located, Reason>]) {
    let twice: Vec<bool> = located
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let others = located.iter().enumerate().filter(|(other, _)| *other != index);
            one.as_ref().is_ok_and(|one| {
                others.flat_map(|(_, other)| other).any(|other| {
                    other.id == one.id || other.end == one.end || other.contents == one.contents
                })
            })
        })
        .collect();
    for (one, twice) in located.iter_mut().zip(twice) {
        if twice {
            let detail = "two fields share a signature dictionary, a revision or a signature";
            *one = Err(Reason::new(ReasonCode::Refused, detail));
        }
    }
}

/// A signature that does not verify covers nothing: what it brought after the last one that does
/// is covered by none.
fn refuse_uncovered(found: &mut [FoundSignature], ends: &[Option<usize>]) {
    let stands = |one: &FoundSignature| {
        let (Ok(algorithm), Some(certificate)) = (&one.algorithm, &one.certificate) else {
            return false;
        };
        let key = certificate.public_key();
        one.faults.is_empty()
            && verify(*algorithm, one.value_form, key, &one.signed_octets, &one.value).is_ok()
    };
    if found.len() < 2 {
        return;
    }
    let standing: Vec<bool> = found.iter().map(stands).collect();
    let whole = |one: &FoundSignature| one.scope.covers_whole_document;
    if found.iter().zip(&standing).any(|(one, stands)| *stands && whole(one)) {
        return;
    }
    let ends = || ends.iter().zip(&standing);
    let last = ends().filter(|one| *one.1).filter_map(|one| *one.0).max().unwrap_or(0);
    if !ends().any(|(end, stands)| !stands && end.is_none_or(|end| end > last)) {
        return;
    }
    let judged = |one: &&mut FoundSignature| !one.scope.items.is_empty();
    for one in found.iter_mut().filter(judged).filter(|one| !one.scope.covers_whole_document) {
        let detail = "what follows is covered by no signature that verifies";
        one.faults.push(Reason::new(ReasonCode::AddedAfterSigning, detail));
    }
}

fn judge(
    file: &File<'_>,
    id: String,
    located: &Located,
    covered: usize,
    digests: &Digests<'_>,
) -> FoundSignature {
    let mut faults = Vec::new();
    let mut later = changes::Later::default();
    match file.revision(located.end) {
        Ok(revision) => {
            faults.extend(outside_revision(file, &revision, located));
            if located.end < file.octets().len() {
                later = match permissions(&revision, located) {
                    Ok(permissions) => changes::after(&revision, file, covered, &permissions),
                    Err(error) => {
                        faults.push(Reason::new(ReasonCode::Malformed, error.to_string()));
                        later
                    }
                };
                faults.append(&mut later.faults);
            }
        }
        Err(error) => {
            let detail = format!("the signed octets are no document by themselves: {error}");
            faults.push(Reason::new(ReasonCode::Malformed, detail));
        }
    }
    let mut found = match cms_signature(digests, located, &mut faults) {
        Some(found) => found,
        None => return broken(id, faults),
    };
    found.id = id;
    found.faults.extend(faults);
    found.warnings.append(&mut later.warnings);
    judge_dictionary(&located.dictionary, &mut found);
    let what = ranges(&located.gap, located.end);
    found.scope = SignedScope {
        items: vec![ScopeItem { kind: "bytes".to_owned(), what }],
        covers_whole_document: located.end == file.octets().len(),
        later: later.permitted,
        octets: Vec::new(),
    };
    found
}

/// What the signer permits, as the signed revision tells it.
fn permissions(revision: &File<'_>, located: &Located) -> Result<Permissions, PdfError> {
    let fields = tree::fields(revision)?;
    let own = fields.iter().find(|field| {
        let value = field.value.as_ref().and_then(|value| value.as_reference().ok());
        value == Some(located.id)
    });
    let field = own.and_then(|field| field.id).map(|id| revision.load(id)).transpose()?.flatten();
    let field = field.as_ref().and_then(|field| field.dictionary());
    Permissions::of(revision, &located.dictionary, field)
}

/// The signature must already stand in the revision it signs, at the same place.
fn outside_revision(file: &File<'_>, revision: &File<'_>, located: &Located) -> Option<Reason> {
    // It was found there.
    if revision.is(file) {
        return None;
    }
    let at = |entry| matches!(entry, Some(Entry::At { offset, .. }) if offset == located.offset);
    let stands =
        at(revision.entry(located.id.0)) && revision.generation(located.id.0) == Some(located.id.1);
    let named = tree::fields(revision).is_ok_and(|fields| {
        let wanted = |field: &Field| {
            let value = field.value.as_ref().and_then(|value| value.as_reference().ok());
            *field.kind == *b"Sig" && value == Some(located.id)
        };
        fields.iter().any(wanted)
    });
    let detail = "the signature does not belong to the revision it claims to sign";
    (!stands || !named).then(|| Reason::new(ReasonCode::Refused, detail))
}

fn cms_signature(
    digests: &Digests<'_>,
    located: &Located,
    faults: &mut Vec<Reason>,
) -> Option<FoundSignature> {
    let (message, rest) = match cms::parse(&located.contents) {
        Ok(parsed) => parsed,
        Err(error) => {
            faults.push(Reason::new(ReasonCode::Malformed, error.to_string()));
            return None;
        }
    };
    if rest.iter().fold(0, |all, octet| all | octet) != 0 {
        faults.push(Reason::new(ReasonCode::Refused, "something follows the CMS signature"));
    }
    if message.signers() != 1 {
        // ISO 32000-1 §12.8.3.3: one signer.
        faults.push(Reason::new(ReasonCode::Refused, "the CMS signature has several signers"));
    }
    if message.has_content() {
        faults.push(Reason::new(ReasonCode::Refused, "the CMS signature carries other content"));
    }
    let digest = |algorithm| digests.around(&located.gap, located.end, algorithm);
    message.signatures(&Content::Digested(&digest)).into_iter().next()
}

fn judge_dictionary(dictionary: &Dictionary, found: &mut FoundSignature) {
    let kind = dictionary.get(b"Type").and_then(Object::as_name).unwrap_or(b"Sig");
    let sub_filter = dictionary.get(b"SubFilter").and_then(Object::as_name).unwrap_or_default();
    found.format = match (sub_filter, found.format) {
        (b"ETSI.CAdES.detached", SignatureFormat::Cades(level)) => SignatureFormat::Pades(level),
        _ => SignatureFormat::Pdf,
    };
    match sub_filter {
        b"adbe.pkcs7.detached" | b"ETSI.CAdES.detached" if kind == b"Sig" => {}
        other => {
            let name: String = String::from_utf8_lossy(other).chars().take(64).collect();
            let detail = format!("the kind of signature {name:?} is not accepted");
            found.faults.push(Reason::new(ReasonCode::Refused, detail));
        }
    }
    let said = dictionary.get(b"M").and_then(Object::as_str).ok().and_then(date);
    if found.claimed_time.is_some() && matches!(found.format, SignatureFormat::Pades(_)) {
        let detail = "PAdES keeps the signing time in /M, not in the CMS signature";
        found.warnings.push(Reason::new(ReasonCode::Malformed, detail));
    }
    found.claimed_time = found.claimed_time.or(said);
}

fn ranges(gap: &Range<usize>, end: usize) -> String {
    format!("0-{} {}-{end}", gap.start, gap.end)
}

fn broken(id: String, faults: Vec<Reason>) -> FoundSignature {
    FoundSignature {
        id,
        format: SignatureFormat::Pdf,
        algorithm: Err(UnsupportedAlgorithm { name: "none".to_owned() }),
        digests: Vec::new(),
        value_form: ValueForm::Der,
        signed_octets: Vec::new(),
        value: Vec::new(),
        certificate: None,
        certificates: Vec::new(),
        claimed_time: None,
        claims: Default::default(),
        scope: SignedScope::default(),
        faults,
        warnings: Vec::new(),
        timestamps: Vec::new(),
        evidence: Vec::new(),
    }
}

/// A date (ISO 32000-1 §7.9.4): `D:YYYYMMDDHHmmSSOHH'mm'`; what is left out is the smallest.
fn date(text: &[u8]) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.strip_prefix("D:").unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count().min(14);
    let (digits, zone) = text.split_at_checked(digits)?;
    let field = |range: Range<usize>, default: u8| match digits.get(range) {
        Some(digits) => digits.parse().ok(),
        None => Some(default),
    };
    let year = digits.get(..4)?.parse().ok()?;
    let month = Month::try_from(field(4..6, 1)?).ok()?;
    let date = Date::from_calendar_date(year, month, field(6..8, 1)?).ok()?;
    let time = Time::from_hms(field(8..10, 0)?, field(10..12, 0)?, field(12..14, 0)?).ok()?;
    let offset = match zone.split_at_checked(1) {
        Some((sign @ ("+" | "-"), rest)) => {
            let (hours, minutes) = rest.split_once('\'').unwrap_or((rest, ""));
            let minutes = minutes.trim_end_matches('\'');
            let hours: i8 = hours.parse().ok()?;
            let minutes: i8 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
            let sign = if sign == "-" { -1 } else { 1 };
            UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()?
        }
        _ => UtcOffset::UTC,
    };
    Some(date.with_time(time).assume_offset(offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn dates_are_read_with_their_zone() {
        assert_eq!(date(b"D:20261121101500Z"), Some(datetime!(2026-11-21 10:15 UTC)));
        assert_eq!(date(b"D:20261121101500+05'00'"), Some(datetime!(2026-11-21 10:15 +5)));
        assert_eq!(date(b"D:20261121101500-03'30"), Some(datetime!(2026-11-21 10:15 -3:30)));
        assert_eq!(date(b"D:2026"), Some(datetime!(2026-01-01 0:00 UTC)));
        for text in [b"D:".as_slice(), b"", b"D:20261321", b"D:2026112110+99'00'", b"\xff"] {
            assert_eq!(date(text), None);
        }
    }
}
