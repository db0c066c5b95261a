//! The XML declaration (XML 1.0 §2.8, §4.3.3).

use super::super::XmlError;
use super::super::chars::is_space;
use super::Builder;

impl Builder<'_> {
    /// Checks `<?xml version="1.0" encoding="UTF-8" standalone="no"?>`, if the document begins with
    /// it. Anywhere else its name is no target of an instruction.
    pub(super) fn declaration(&mut self) -> Result<(), XmlError> {
        let content = self.source.strip_prefix("<?xml").filter(|rest| rest.starts_with(is_space));
        let Some(content) = content else { return Ok(()) };
        let wrong = || self.error("a broken XML declaration");
        let end = content.find("?>").ok_or_else(wrong)?;
        let mut rest = content.get(..end).unwrap_or_default();
        let mut expected = ["version", "encoding", "standalone"].into_iter();
        let mut first = true;
        loop {
            let found = rest.trim_start_matches(is_space);
            if found.is_empty() && !first {
                self.at = "<?xml".len() + end + "?>".len();
                return Ok(());
            }
            let (name, after) = found.split_once('=').ok_or_else(wrong)?;
            let name = name.trim_end_matches(is_space);
            if found.len() == rest.len() || !expected.any(|expected| expected == name) {
                return Err(wrong());
            }
            if first && name != "version" {
                return Err(wrong());
            }
            first = false;
            let after = after.trim_start_matches(is_space);
            let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''));
            let quote = quote.ok_or_else(wrong)?;
            let (value, after) =
                after.get(1..).and_then(|after| after.split_once(quote)).ok_or_else(wrong)?;
            match (name, value) {
                ("version", "1.0") | ("standalone", "yes" | "no") => {}
                ("version", _) => {
                    return Err(XmlError::Refused("an XML version other than 1.0".to_owned()));
                }
                ("encoding", encoding) if encoding.eq_ignore_ascii_case("UTF-8") => {}
                ("encoding", _) => {
                    return Err(XmlError::Refused("an encoding other than UTF-8".to_owned()));
                }
                _ => return Err(wrong()),
            }
            rest = after;
        }
    }
}
