//! Detached content that lies in a file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::crypto::{DigestAlgorithm, Digester};
use crate::limits;

/// A file that a detached signature was made over. It is digested piece by piece, so it may be of
/// any size; each digest is made once.
#[derive(Debug)]
pub struct ContentFile {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    digests: HashMap<DigestAlgorithm, Vec<u8>>,
}

impl ContentFile {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { inner: Mutex::new(Inner { file, digests: HashMap::new() }) })
    }

    /// The digest of all of it.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn digest(&self, algorithm: DigestAlgorithm) -> io::Result<Vec<u8>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = inner.digests.get(&algorithm) {
            return Ok(known.clone());
        }
        let value = digest_of(&mut inner.file, algorithm)?;
        inner.digests.insert(algorithm, value.clone());
        Ok(value)
    }

    /// All of it, up to [`limits::DOCUMENT_BYTES`].
    ///
    /// # Errors
    /// Those of reading it; [`io::ErrorKind::FileTooLarge`].
    pub fn octets(&self) -> io::Result<Vec<u8>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.file.rewind()?;
        let mut octets = Vec::new();
        let limit = limits::DOCUMENT_BYTES;
        (&inner.file).take(limit as u64 + 1).read_to_end(&mut octets)?;
        if octets.len() > limit {
            let what = format!("it has more than {limit} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        Ok(octets)
    }
}

/// The digest of a whole file, read piece by piece.
///
/// # Errors
/// Those of reading it.
pub(crate) fn digest_of(
    file: &mut (impl Read + Seek),
    algorithm: DigestAlgorithm,
) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut digester = Digester::new(algorithm);
    let mut piece = vec![0; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(digester.finish()),
            read => digester.update(piece.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest;

    #[test]
    fn a_file_has_the_digest_of_its_octets_as_often_as_it_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("content");
        let octets: Vec<u8> = (0..1_000_003_u32).map(|n| n as u8).collect();
        std::fs::write(&path, &octets).unwrap();
        let file = ContentFile::open(&path).unwrap();
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            for _ in 0..2 {
                assert_eq!(file.digest(algorithm).unwrap(), digest(algorithm, &octets));
            }
        }
        assert_eq!(file.octets().unwrap(), octets);
        std::fs::File::options().write(true).open(&path).unwrap().set_len(1 << 33).unwrap();
        assert_eq!(file.octets().unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
