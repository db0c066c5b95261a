//! PINs: taken from a prompt, the environment or a file; wiped from memory, never shown.

use std::fmt;
use std::path::Path;

use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

/// A PIN. It is wiped when dropped, and neither `Debug` nor any error shows it.
#[derive(Clone)]
pub struct Pin(Zeroizing<String>);

/// Why no PIN came from its source. The PIN itself is never part of it.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The environment variable is not set, or is no text.
    #[error("no PIN in the environment variable {0}")]
    Environment(String),
    /// The file cannot be read.
    #[error("no PIN in the file {0}: {1}")]
    File(String, std::io::Error),
    /// There is no terminal to ask at.
    #[error("no PIN from the terminal: {0}")]
    Prompt(std::io::Error),
}

impl Pin {
    /// Takes a PIN that is already in memory.
    pub fn new(pin: String) -> Self {
        Self(Zeroizing::new(pin))
    }

    /// Takes the PIN from an environment variable.
    ///
    /// # Errors
    /// [`PinError::Environment`] if it is not set.
    pub fn from_env(name: &str) -> Result<Self, PinError> {
        std::env::var(name).map(Self::new).map_err(|_| PinError::Environment(name.to_owned()))
    }

    /// Takes the PIN from a file; one line end at its end is no part of it.
    ///
    /// # Errors
    /// [`PinError::File`] if it cannot be read.
    pub fn from_file(path: &Path) -> Result<Self, PinError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| PinError::File(path.display().to_string(), error))?;
        let text = Zeroizing::new(text);
        let pin = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Self::new(pin.strip_suffix('\r').unwrap_or(pin).to_owned()))
    }

    /// Asks at the terminal, without showing what is typed.
    ///
    /// # Errors
    /// [`PinError::Prompt`] if there is no terminal.
    pub fn prompt(text: &str) -> Result<Self, PinError> {
        rpassword::prompt_password(text).map(Self::new).map_err(PinError::Prompt)
    }

    pub(super) fn auth(&self) -> AuthPin {
        AuthPin::from(self.0.as_str())
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Compares without telling by its time where two PINs differ.
    pub(super) fn same(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        let differing = a.iter().zip(b).fold(0, |seen, (a, b)| seen | (a ^ b));
        a.len() == b.len() && differing == 0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_pin_without_one_line_end() {
        let dir = tempfile::tempdir().unwrap();
        for (written, pin) in [("1234\n", "1234"), ("1234\r\n", "1234"), ("12 \n\n", "12 \n")] {
            let path = dir.path().join("pin");
            std::fs::write(&path, written).unwrap();
            assert!(Pin::from_file(&path).unwrap().same(&Pin::new(pin.to_owned())));
        }
        assert!(!Pin::new("1234".to_owned()).same(&Pin::new("12345".to_owned())));
        assert!(!Pin::new("1234".to_owned()).same(&Pin::new("1235".to_owned())));
    }

    #[test]
    fn neither_debug_nor_errors_show_a_pin() {
        assert_eq!(format!("{:?}", Pin::new("73194".to_owned())), "Pin(…)");
        let missing = Pin::from_file(Path::new("/nowhere/pin")).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/pin"));
        assert!(Pin::from_env("QOLTANBA_NO_SUCH_VARIABLE").is_err());
    }
}
