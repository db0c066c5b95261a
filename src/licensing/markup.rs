//! What the XML of all documents has in common: strict reading, and the parts they share.
//!
//! A document is read only from octets whose signature was verified. Reading is strict all the
//! same: the elements stand in their order, none is unknown, none is missing, none is repeated,
//! and no text stands where only elements belong.
//!
//! Identifiers stand in attributes called `code`: signature readers take `id` for an XML id.

use std::fmt::Display;
use std::str::FromStr;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};

use super::{Authority, Field, Origin, Signatory, Wording};
use crate::identity::Applicant;
use crate::text::Language;
use crate::xml::{Document, Element, Writer, XML, XmlError};

/// Why octets are not the document they should be.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not XML that is accepted here.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The root element is another one.
    #[error("the document begins with {found}, not with {expected}")]
    Root {
        /// The root element found.
        found: String,
        /// The root element and namespace expected.
        expected: String,
    },
    /// An element lacks a part.
    #[error("{element} lacks {missing}")]
    Missing {
        /// The element.
        element: String,
        /// The child element or attribute.
        missing: String,
    },
    /// An element has a part that is unknown or stands in the wrong place.
    #[error("{element} must not have {found} there")]
    Unexpected {
        /// The element.
        element: String,
        /// The child element, attribute or text.
        found: String,
    },
    /// An element has a part twice.
    #[error("{element} has {repeated} more than once")]
    Repeated {
        /// The element.
        element: String,
        /// The child element.
        repeated: String,
    },
    /// A text that cannot be read as what it should be.
    #[error("{element} is not {expected}")]
    Value {
        /// The element or attribute.
        element: String,
        /// What it should be.
        expected: &'static str,
    },
}

/// Reads the children of one element, one after the other.
pub(super) struct Reader<'a> {
    element: Element<'a>,
    namespace: &'a str,
    children: Vec<Element<'a>>,
    next: usize,
}

/// Parses octets and opens their root, which must be `name` of `namespace`.
pub(super) fn parse<T>(
    octets: &[u8],
    (namespace, name): (&str, &str),
    attributes: &[&str],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, DocumentError>,
) -> Result<T, DocumentError> {
    let document = Document::parse(octets)?;
    let root = document.root();
    if !root.is(namespace, name) {
        let found = format!("{} of {}", root.name(), root.namespace().unwrap_or("no namespace"));
        return Err(DocumentError::Root { found, expected: format!("{name} of {namespace}") });
    }
    let mut reader = Reader::open(root, attributes)?;
    let value = read(&mut reader)?;
    reader.close()?;
    Ok(value)
}

impl<'a> Reader<'a> {
    /// Opens an element that holds elements only and has exactly these attributes.
    pub(super) fn open(element: Element<'a>, attributes: &[&str]) -> Result<Self, DocumentError> {
        only_attributes(element, &attributes.iter().map(|name| ("", *name)).collect::<Vec<_>>())?;
        if !element.text().trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            return Err(unexpected(element, "text"));
        }
        let namespace = element.namespace().unwrap_or_default();
        Ok(Self { element, namespace, children: element.children().collect(), next: 0 })
    }

    /// The element being read.
    pub(super) fn element(&self) -> Element<'a> {
        self.element
    }

    /// The next child, which must be `name`.
    pub(super) fn take(&mut self, name: &str) -> Result<Element<'a>, DocumentError> {
        match self.optional(name) {
            Some(child) => Ok(child),
            None if self.rest().iter().any(|child| child.is(self.namespace, name)) => {
                Err(self.wrong())
            }
            None => Err(missing(self.element, name)),
        }
    }

    /// The next child if it is `name`.
    pub(super) fn optional(&mut self, name: &str) -> Option<Element<'a>> {
        let child = self.children.get(self.next).copied()?;
        let found = child.is(self.namespace, name);
        self.next += usize::from(found);
        found.then_some(child)
    }

    /// The next children that are `name`; may be none.
    pub(super) fn many<T>(
        &mut self,
        name: &str,
        read: impl Fn(Element<'a>) -> Result<T, DocumentError>,
    ) -> Result<Vec<T>, DocumentError> {
        std::iter::from_fn(|| self.optional(name)).map(read).collect()
    }

    /// The text of the next child, which must be `name`.
    pub(super) fn text(&mut self, name: &str) -> Result<String, DocumentError> {
        text(self.take(name)?, &[])
    }

    /// The value of the next child, which must be `name` and hold nothing but it.
    pub(super) fn value<T: FromStr>(
        &mut self,
        name: &str,
        expected: &'static str,
    ) -> Result<T, DocumentError> {
        let text = self.text(name)?;
        text.parse().map_err(|_| DocumentError::Value { element: name.to_owned(), expected })
    }

    /// The moment in the next child.
    pub(super) fn moment(&mut self, name: &str) -> Result<OffsetDateTime, DocumentError> {
        let text = self.text(name)?;
        OffsetDateTime::parse(&text, &Rfc3339)
            .map_err(|_| value(name, "a date and time of RFC 3339"))
    }

    /// The day in the next child.
    pub(super) fn day(&mut self, name: &str) -> Result<Date, DocumentError> {
        let text = self.text(name)?;
        Date::parse(&text, format_description!("[year]-[month]-[day]"))
            .map_err(|_| value(name, "a date of the form YYYY-MM-DD"))
    }

    /// The next three children: `name` in Kazakh, Russian and English.
    pub(super) fn wording(&mut self, name: &str) -> Result<Wording, DocumentError> {
        let [kk, ru, en] = Language::ALL.map(|language| {
            let child = self.take(name)?;
            if child.attribute_of(XML, "lang") != Some(language.code()) {
                return Err(value(name, "in the languages kk, ru, en in this order"));
            }
            text(child, &[(XML, "lang")])
        });
        Ok(Wording { kk: kk?, ru: ru?, en: en? })
    }

    /// Ends the element: nothing may be left.
    pub(super) fn close(self) -> Result<(), DocumentError> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.wrong()) }
    }

    fn rest(&self) -> &[Element<'a>] {
        self.children.get(self.next..).unwrap_or_default()
    }

    /// What is wrong with the next child.
    fn wrong(&self) -> DocumentError {
        let Some(child) = self.rest().first() else { return unexpected(self.element, "nothing") };
        let before = self.children.get(..self.next).unwrap_or_default();
        if before.iter().any(|other| other.is(self.namespace, child.name())) {
            let (element, repeated) = (self.element.name().into(), child.name().into());
            return DocumentError::Repeated { element, repeated };
        }
        unexpected(self.element, child.qualified_name())
    }
}

/// The text of an element that holds only text and has exactly these attributes.
pub(super) fn text(
    element: Element<'_>,
    attributes: &[(&str, &str)],
) -> Result<String, DocumentError> {
    only_attributes(element, attributes)?;
    match element.children().next() {
        Some(child) => Err(unexpected(element, child.qualified_name())),
        None => Ok(element.text()),
    }
}

/// An attribute's value.
pub(super) fn attribute(element: Element<'_>, name: &str) -> Result<String, DocumentError> {
    element.attribute(name).map(str::to_owned).ok_or_else(|| missing(element, name))
}

/// A number written the one way: no sign, no leading zeros.
pub(super) fn number<T: FromStr + Display>(text: &str, name: &str) -> Result<T, DocumentError> {
    let parsed = text.parse::<T>().ok().filter(|number| number.to_string() == text);
    parsed.ok_or_else(|| value(name, "a whole number in range"))
}

/// A SHA-256 value in lower-case hexadecimal digits.
pub(super) fn sha256(text: String, name: &str) -> Result<String, DocumentError> {
    let sound = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if sound { Ok(text) } else { Err(value(name, "64 lower-case hexadecimal digits")) }
}

pub(super) fn value(element: &str, expected: &'static str) -> DocumentError {
    DocumentError::Value { element: element.to_owned(), expected }
}

fn missing(element: Element<'_>, missing: &str) -> DocumentError {
    DocumentError::Missing { element: element.name().into(), missing: missing.into() }
}

fn unexpected(element: Element<'_>, found: &str) -> DocumentError {
    DocumentError::Unexpected { element: element.name().into(), found: found.into() }
}

fn only_attributes(element: Element<'_>, known: &[(&str, &str)]) -> Result<(), DocumentError> {
    for (namespace, name, _) in element.attributes() {
        if !known.contains(&(namespace, name)) {
            return Err(unexpected(element, &format!("the attribute {name}")));
        }
    }
    match known.iter().find(|(namespace, name)| element.attribute_of(namespace, name).is_none()) {
        Some((_, name)) => Err(missing(element, &format!("the attribute {name}"))),
        None => Ok(()),
    }
}

pub(super) fn read_applicant(element: Element<'_>) -> Result<(Applicant, String), DocumentError> {
    let mut reader = Reader::open(element, &[])?;
    let applicant = match reader.optional("IIN") {
        Some(iin) => {
            let iin = text(iin, &[])?.parse().map_err(|_| value("IIN", "twelve digits"))?;
            Applicant::Person { iin }
        }
        None => Applicant::Organisation { bin: reader.value("BIN", "twelve digits")? },
    };
    let name = reader.text("Name")?;
    reader.close()?;
    Ok((applicant, name))
}

pub(super) fn read_fields(element: Element<'_>) -> Result<Vec<Field>, DocumentError> {
    let mut reader = Reader::open(element, &[])?;
    let fields = reader.many("Field", |element| {
        let mut field = Reader::open(element, &["code", "number"])?;
        let id = attribute(element, "code")?;
        let number = number(&attribute(element, "number")?, "number")?;
        let read =
            Field { id, number, label: field.wording("Label")?, value: field.text("Value")? };
        field.close().map(|()| read)
    })?;
    reader.close()?;
    Ok(fields)
}

pub(super) fn read_service(element: Element<'_>) -> Result<(String, Wording), DocumentError> {
    let mut reader = Reader::open(element, &["code"])?;
    let name = reader.wording("Name")?;
    reader.close()?;
    Ok((attribute(element, "code")?, name))
}

pub(super) fn read_wordings(
    element: Element<'_>,
    name: &str,
) -> Result<Vec<Wording>, DocumentError> {
    let mut reader = Reader::open(element, &[])?;
    let wordings = reader.many(name, |element| {
        let mut reader = Reader::open(element, &[])?;
        let wording = reader.wording("Text")?;
        reader.close().map(|()| wording)
    })?;
    reader.close()?;
    Ok(wordings)
}

pub(super) fn read_authority(element: Element<'_>) -> Result<Authority, DocumentError> {
    let mut reader = Reader::open(element, &[])?;
    let bin = reader.value("BIN", "twelve digits")?;
    let authority = Authority { bin, name: reader.wording("Name")? };
    reader.close()?;
    Ok(authority)
}

pub(super) fn read_signatory(element: Element<'_>) -> Result<Signatory, DocumentError> {
    let mut reader = Reader::open(element, &[])?;
    let name = reader.text("Name")?;
    let signatory = Signatory { name, position: reader.wording("Position")? };
    reader.close()?;
    Ok(signatory)
}

pub(super) fn read_origin(element: Element<'_>) -> Result<Origin, DocumentError> {
    let mut reader = Reader::open(element, &[])?;
    let origin = Origin {
        request_id: reader.text("Id")?,
        incoming_number: reader.text("IncomingNumber")?,
        request_sha256: sha256(text(reader.take("SHA256")?, &[])?, "SHA256")?,
    };
    reader.close()?;
    Ok(origin)
}

pub(super) fn write_wording(writer: &mut Writer, name: &str, wording: &Wording) {
    for language in Language::ALL {
        writer.element(name, &[("xml:lang", language.code())], wording.text(language));
    }
}

pub(super) fn write_applicant(writer: &mut Writer, name: &str, who: &Applicant, called: &str) {
    writer.start(name, &[]);
    match who {
        Applicant::Person { iin } => writer.element("IIN", &[], iin.as_str()),
        Applicant::Organisation { bin } => writer.element("BIN", &[], bin.as_str()),
    };
    writer.element("Name", &[], called).end();
}

pub(super) fn write_fields(writer: &mut Writer, fields: &[Field]) {
    writer.start("Fields", &[]);
    for field in fields {
        writer.start("Field", &[("code", &field.id), ("number", &field.number.to_string())]);
        write_wording(writer, "Label", &field.label);
        writer.element("Value", &[], &field.value).end();
    }
    writer.end();
}

pub(super) fn write_service(writer: &mut Writer, id: &str, name: &Wording) {
    writer.start("Service", &[("code", id)]);
    write_wording(writer, "Name", name);
    writer.end();
}

pub(super) fn write_authority(writer: &mut Writer, authority: &Authority) {
    writer.start("Authority", &[]).element("BIN", &[], authority.bin.as_str());
    write_wording(writer, "Name", &authority.name);
    writer.end();
}

pub(super) fn write_signatory(writer: &mut Writer, signatory: &Signatory) {
    writer.start("Signatory", &[]).element("Name", &[], &signatory.name);
    write_wording(writer, "Position", &signatory.position);
    writer.end();
}

pub(super) fn write_origin(writer: &mut Writer, origin: &Origin) {
    writer.start("Request", &[]);
    writer.element("Id", &[], &origin.request_id);
    writer.element("IncomingNumber", &[], &origin.incoming_number);
    writer.element("SHA256", &[], &origin.request_sha256).end();
}

/// A moment as documents carry it: RFC 3339, to the second, in UTC.
pub(super) fn moment(moment: OffsetDateTime) -> String {
    let at = moment.to_offset(UtcOffset::UTC);
    let time = format!("T{:02}:{:02}:{:02}Z", at.hour(), at.minute(), at.second());
    day(at.date()) + &time
}

/// A day as documents carry it: RFC 3339 `full-date`.
pub(super) fn day(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}
