//! The parts of a SOAP message, and to whom its header blocks are addressed.

use super::super::document::{Document, Element};
use super::{SoapError, WSSE};
use crate::reason::{Reason, ReasonCode};

/// A version of SOAP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SoapVersion {
    /// W3C Note of 2000.
    #[default]
    V11,
    /// W3C Recommendation of 2007.
    V12,
}

/// The parts of one message; there is nothing else in it.
pub(super) struct Envelope<'a> {
    pub version: SoapVersion,
    pub header: Option<Element<'a>>,
    pub body: Element<'a>,
}

impl SoapVersion {
    const ALL: [Self; 2] = [Self::V11, Self::V12];

    /// The namespace of its Envelope.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    /// The version a message is written in; 1.1 where that cannot be told, as SOAP 1.2 appendix A
    /// wants faults about unknown versions.
    pub fn of_message(message: &[u8]) -> Self {
        let document = Document::parse(message);
        document.ok().and_then(|document| Self::of(document.root())).unwrap_or_default()
    }

    /// The media type of its messages.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml; charset=utf-8",
            Self::V12 => "application/soap+xml; charset=utf-8",
        }
    }

    /// The attribute that says to whom a header block is addressed.
    pub(super) fn addressing(self) -> &'static str {
        match self {
            Self::V11 => "actor",
            Self::V12 => "role",
        }
    }

    /// Everybody who gets the message.
    fn next(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/actor/next",
            Self::V12 => "http://www.w3.org/2003/05/soap-envelope/role/next",
        }
    }

    fn of(root: Element<'_>) -> Option<Self> {
        Self::ALL.into_iter().find(|version| root.is(version.namespace(), "Envelope"))
    }
}

/// Whether these octets are a SOAP message of a version known here.
pub fn is_message(octets: &[u8]) -> bool {
    memchr::memmem::find(octets, b"Envelope").is_some()
        && Document::parse(octets).is_ok_and(|document| is_envelope(document.root()))
}

/// Whether a document is a SOAP message of a version known here.
pub fn is_envelope(root: Element<'_>) -> bool {
    SoapVersion::of(root).is_some()
}

impl<'a> Envelope<'a> {
    /// The parts of a message: a Header or none, then exactly one Body (SOAP 1.1 §4, SOAP 1.2 §5).
    pub(super) fn of(document: &'a Document) -> Result<Self, SoapError> {
        let root = document.root();
        let Some(version) = SoapVersion::of(root) else {
            return Err(match root.name() {
                "Envelope" => SoapError::Version,
                _ => SoapError::NotSoap("the root is no Envelope".to_owned()),
            });
        };
        let mut children = root.children().peekable();
        let header = children.next_if(|child| child.is(version.namespace(), "Header"));
        let body = children.next().filter(|child| child.is(version.namespace(), "Body"));
        match (body, children.next()) {
            (Some(body), None) => Ok(Self { version, header, body }),
            _ => Err(SoapError::NotSoap(
                "an Envelope holds a Header or none, one Body, and nothing else".to_owned(),
            )),
        }
    }

    /// The header blocks addressed to who plays `actor`; to the ultimate receiver without one.
    pub(super) fn addressed(
        &self,
        actor: Option<&str>,
    ) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let version = self.version;
        let actor = actor.map(str::to_owned);
        let blocks = self.header.into_iter().flat_map(Element::children);
        blocks.filter(move |block| match addressee(*block, version) {
            Some(named) => named == version.next() || Some(named) == actor.as_deref(),
            None => actor.is_none(),
        })
    }

    /// The one Security header addressed to who plays `actor` (WSS 1.1 §5: no two are addressed
    /// alike).
    pub(super) fn security(&self, actor: Option<&str>) -> Result<Option<Element<'a>>, Reason> {
        let mut blocks = self.addressed(actor).filter(|block| block.is(WSSE, "Security"));
        let (first, second) = (blocks.next(), blocks.next());
        match second {
            None => Ok(first),
            Some(_) => Err(Reason::new(
                ReasonCode::Refused,
                "two Security headers are addressed to the same receiver",
            )),
        }
    }

    /// Whether a header block must be understood by whom it is addressed to.
    pub(super) fn must_understand(&self, block: Element<'_>) -> bool {
        let value = block.attribute_of(self.version.namespace(), "mustUnderstand");
        value.is_some_and(|value| matches!(value.trim(), "1" | "true"))
    }
}

/// Whom a block names; `None` for the ultimate receiver.
fn addressee(block: Element<'_>, version: SoapVersion) -> Option<&str> {
    const ULTIMATE: &str = "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver";
    let named = block.attribute_of(version.namespace(), version.addressing());
    named.filter(|named| !named.is_empty() && (version != SoapVersion::V12 || *named != ULTIMATE))
}
