//! Languages and the texts people see. Each room keeps its texts in a TOML file beside its code.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language of the program's texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Kazakh.
    #[default]
    Kk,
    /// Russian.
    Ru,
    /// English.
    En,
}

/// Texts by key, each in every language.
pub struct Texts {
    by_key: HashMap<String, [String; 3]>,
}

impl Language {
    /// Every language, in the order documents present them.
    pub const ALL: [Self; 3] = [Self::Kk, Self::Ru, Self::En];

    /// The two-letter code of ISO 639-1.
    pub fn code(self) -> &'static str {
        match self {
            Self::Kk => "kk",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|language| language.code() == code).ok_or(UnknownLanguage)
    }
}

/// A language code other than `kk`, `ru` and `en`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown language: one of kk, ru, en is needed")]
pub struct UnknownLanguage;

impl Texts {
    /// Texts of an embedded TOML file of tables `[key]` with `kk`, `ru` and `en`.
    ///
    /// A file that does not parse, or that lacks a language for a key, gives texts that lack it,
    /// so that [`Texts::get`] shows the key; the test of each room calls [`Texts::incomplete`].
    pub fn embedded(source: &str) -> Self {
        let tables: HashMap<String, HashMap<String, String>> =
            toml::from_str(source).unwrap_or_default();
        let by_key = tables
            .into_iter()
            .map(|(key, mut table)| {
                let text = Language::ALL.map(|l| table.remove(l.code()).unwrap_or_default());
                (key, text)
            })
            .collect();
        Self { by_key }
    }

    /// The text of `key` in `language`, or the key itself where it is not written.
    pub fn get<'a>(&'a self, key: &'a str, language: Language) -> &'a str {
        match self.by_key.get(key).map(|texts| texts[language as usize].as_str()) {
            None | Some("") => key,
            Some(text) => text,
        }
    }

    /// The keys that lack a language; `None` if there are no texts at all (a file that does not
    /// parse).
    pub fn incomplete(&self) -> Option<Vec<&str>> {
        if self.by_key.is_empty() {
            return None;
        }
        let lacking = self.by_key.iter().filter(|(_, texts)| texts.iter().any(String::is_empty));
        Some(lacking.map(|(key, _)| key.as_str()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_text_shows_its_key_and_is_counted() {
        let texts = Texts::embedded("[a]\nkk = 'ә'\nru = 'а'\nen = 'a'\n[b]\nkk = 'б'\n");
        assert_eq!(texts.get("a", Language::Kk), "ә");
        assert_eq!(texts.get("b", Language::En), "b");
        assert_eq!(texts.get("c", Language::Ru), "c");
        assert_eq!(texts.incomplete(), Some(vec!["b"]));
        assert_eq!(Texts::embedded("no toml at all").incomplete(), None);
    }
}
