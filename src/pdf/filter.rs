//! Streams decoded by their filters (ISO 32000-1 §7.4).

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use lopdf::{Dictionary, Document, Object, Stream};

use super::PdfError;

/// How many times its size a stream is first given room for: what text mostly takes.
const ROOM: usize = 6;

/// How hard streams are compressed: beyond it files get hardly smaller, and the token waits.
const LEVEL: u32 = 6;

/// Fewer octets are not worth the tables of a compression.
const FEW: usize = 160;

thread_local! {
    /// Its tables are made once, not for every stream.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(true));
    static DEFLATER: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(LEVEL), true));
}

/// The octets of a stream to be written.
pub(super) struct Packed {
    pub octets: Vec<u8>,
    /// Whether they are a zlib stream.
    pub deflated: bool,
}

/// A stream decoded by its filters, under a limit in bytes.
pub(super) fn decode_stream(
    filters: Dictionary,
    encoded: &[u8],
    limit: usize,
) -> Result<Vec<u8>, PdfError> {
    if encoded.len() > limit {
        return Err(PdfError::TooMany("bytes in a stream"));
    }
    if !filters.has(b"Filter") {
        // What is not encoded needs no second copy.
        return Ok(encoded.to_vec());
    }
    let plain = is_flate(&filters).then(|| inflated(encoded, limit)).flatten();
    if let Some(decoded) = plain {
        return Ok(decoded);
    }
    Stream::new(filters, encoded.to_vec())
        .decompressed_content_with_limit(limit)
        .map_err(|error| PdfError::Malformed(format!("a stream does not decode: {error}")))
}

impl Packed {
    /// Compressed, unless that is no shorter.
    pub(super) fn new(octets: Vec<u8>) -> Self {
        match deflated(&octets) {
            Some(octets) => Self { octets, deflated: true },
            None => Self { octets, deflated: false },
        }
    }
}

/// Compresses the streams of a document that have no filter yet, where that helps. The library's
/// own way makes the tables anew for each stream and tries twice as long for two octets in a
/// hundred.
pub fn compress(document: &mut Document) {
    for object in document.objects.values_mut() {
        let Object::Stream(stream) = object else { continue };
        if !stream.allows_compression || stream.dict.has(b"Filter") {
            continue;
        }
        if let Some(deflated) = deflated(&stream.content) {
            stream.dict.set("Filter", "FlateDecode");
            stream.set_content(deflated);
        }
    }
}

/// The octets as a zlib stream; `None` where that is no shorter, or they are few.
pub(super) fn deflated(octets: &[u8]) -> Option<Vec<u8>> {
    if octets.len() < FEW {
        return None;
    }
    DEFLATER.with_borrow_mut(|deflater| {
        deflater.reset();
        let mut out = Vec::with_capacity(octets.len());
        let status = deflater.compress_vec(octets, &mut out, FlushCompress::Finish).ok()?;
        (status == Status::StreamEnd).then_some(out)
    })
}

/// Whether the one filter is that of nearly all streams, without parameters.
fn is_flate(filters: &Dictionary) -> bool {
    let one = match filters.get(b"Filter") {
        Ok(Object::Array(list)) => match list.as_slice() {
            [one] => one,
            _ => return false,
        },
        Ok(one) => one,
        Err(_) => return false,
    };
    one.as_name().is_ok_and(|name| name == b"FlateDecode") && !filters.has(b"DecodeParms")
}

/// A whole and well-formed zlib stream (RFC 1950); `None` for anything else, which the library
/// then judges.
fn inflated(encoded: &[u8], limit: usize) -> Option<Vec<u8>> {
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(true);
        let mut out = Vec::with_capacity(encoded.len().saturating_mul(ROOM).min(limit) + 64);
        loop {
            let taken = usize::try_from(inflater.total_in()).ok()?;
            let (rest, before) = (encoded.get(taken..)?, out.len());
            let status = inflater.decompress_vec(rest, &mut out, FlushDecompress::None).ok()?;
            if out.len() > limit {
                return None;
            }
            match status {
                Status::StreamEnd => return Some(out),
                // Nothing more comes of what is there.
                _ if out.len() == before && out.len() < out.capacity() => return None,
                _ if out.len() == out.capacity() => out.reserve(out.len()),
                _ => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filters() -> Dictionary {
        Dictionary::from_iter([("Filter", Object::Name(b"FlateDecode".to_vec()))])
    }

    fn deflated(plain: &[u8]) -> Vec<u8> {
        let mut stream = Stream::new(Dictionary::new(), plain.to_vec());
        stream.compress().unwrap();
        stream.content
    }

    #[test]
    fn the_limit_holds_to_the_byte() {
        let plain = vec![b'a'; 100_000];
        let encoded = deflated(&plain);
        assert_eq!(decode_stream(filters(), &encoded, 100_000).unwrap(), plain);
        assert!(decode_stream(filters(), &encoded, 99_999).is_err());
        assert_eq!(
            decode_stream(filters(), &super::deflated(&plain).unwrap(), 100_000).unwrap(),
            plain
        );
        assert_eq!(super::deflated(b"short"), None);
    }

    proptest! {
        #[test]
        fn the_short_way_gives_what_the_library_gives(
            word in prop::collection::vec(any::<u8>(), 1..40), times in 1usize..3_000, cut in 0usize..64,
        ) {
            let plain = word.repeat(times);
            let encoded = deflated(&plain);
            if encoded.len() < plain.len() {
                let cut = encoded.len().saturating_sub(cut);
                let encoded = &encoded[..cut];
                let library = Stream::new(filters(), encoded.to_vec())
                    .decompressed_content_with_limit(1 << 20);
                prop_assert_eq!(decode_stream(filters(), encoded, 1 << 20).ok(), library.ok());
            }
        }
    }
}
