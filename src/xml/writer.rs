//! Writing XML in one pass.

use super::chars;

/// Builds a well-formed, escaped document in one pass.
///
/// Names are the program's own and are not checked in release builds; texts and attribute values
/// may be anything. A character that XML 1.0 cannot carry in any form (a control character such
/// as U+0000, or U+FFFE) becomes U+FFFD: the reader sees that something stood there, and nothing
/// can fail after a form was accepted. Carriage returns, and tabs and line feeds in attributes,
/// are written as character references, so that they survive a parser.
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    open: Vec<String>,
    in_tag: bool,
}

impl Writer {
    /// Starts a document with its XML declaration.
    pub fn new() -> Self {
        Self { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), ..Self::default() }
    }

    /// Starts a piece without declaration, to be put into a document.
    pub(super) fn fragment() -> Self {
        Self::default()
    }

    /// Opens an element. Namespace declarations are attributes (`xmlns`, `xmlns:p`).
    pub fn start(&mut self, name: &str, attributes: &[(&str, &str)]) -> &mut Self {
        debug_assert!(chars::qualified(name).is_some(), "no XML name: {name}");
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        for (attribute, value) in attributes {
            debug_assert!(chars::qualified(attribute).is_some(), "no XML name: {attribute}");
            self.out.push(' ');
            self.out.push_str(attribute);
            self.out.push_str("=\"");
            escape(value, true, &mut self.out);
            self.out.push('"');
        }
        self.open.push(name.to_owned());
        self.in_tag = true;
        self
    }

    /// Adds text to the open element.
    pub fn text(&mut self, text: &str) -> &mut Self {
        debug_assert!(!self.open.is_empty(), "text outside the root");
        if !text.is_empty() && !self.open.is_empty() {
            self.close_tag();
            escape(text, false, &mut self.out);
        }
        self
    }

    /// Closes the element opened last.
    pub fn end(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            if self.in_tag {
                self.out.push_str("/>");
                self.in_tag = false;
            } else {
                self.out.push_str("</");
                self.out.push_str(&name);
                self.out.push('>');
            }
        }
        self
    }

    /// Writes an element that holds text only.
    pub fn element(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> &mut Self {
        self.start(name, attributes).text(text).end()
    }

    /// Closes what is still open and hands the document over.
    pub fn finish(self) -> Vec<u8> {
        self.into_string().into_bytes()
    }

    /// Adds what is written already.
    pub(super) fn raw(&mut self, written: &str) -> &mut Self {
        if !written.is_empty() {
            self.close_tag();
            self.out.push_str(written);
        }
        self
    }

    pub(super) fn into_string(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }

    fn close_tag(&mut self) {
        if self.in_tag {
            self.out.push('>');
            self.in_tag = false;
        }
    }
}

fn escape(text: &str, attribute: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            '"' if attribute => out.push_str("&quot;"),
            '\t' if attribute => out.push_str("&#x9;"),
            '\n' if attribute => out.push_str("&#xA;"),
            c if chars::is_char(c) => out.push(c),
            _ => out.push('\u{FFFD}'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Document;
    use proptest::prelude::*;

    fn carried(text: &str) -> String {
        text.chars().map(|c| if chars::is_char(c) { c } else { '\u{FFFD}' }).collect()
    }

    proptest! {
        #[test]
        fn any_text_survives_writing_and_parsing(text in any::<String>(), value in any::<String>()) {
            let mut writer = Writer::new();
            writer.start("p:a", &[("xmlns:p", "urn:p"), ("v", &value)]).text(&text);
            let document = Document::parse(&writer.finish()).unwrap();
            let root = document.root();
            prop_assert!(root.is("urn:p", "a"));
            prop_assert_eq!(root.text(), carried(&text));
            prop_assert_eq!(root.attribute("v").unwrap(), carried(&value));
        }
    }
}
