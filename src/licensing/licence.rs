//! The licence document: what the authority signs and the holder keeps.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use super::markup::{self, DocumentError, Reader};
use super::{Field, Wording};
use crate::identity::{Applicant, Bin};
use crate::xml::{Element, Writer};

/// Namespace of the licence document.
pub const LICENCE: &str = "urn:qoltanba:licence:1";

/// A licence or permit. Its XML is the original, its PDF the presentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Licence {
    /// Number from the register.
    pub number: String,
    /// Unguessable verification code: whoever holds it may see the document.
    pub code: String,
    /// Address behind the QR code.
    pub verify_url: String,
    /// Whether the law calls it a licence or a permit.
    pub document: DocumentKind,
    /// Identifier of the service in the catalogue.
    pub service: String,
    /// Name of the service.
    pub service_name: Wording,
    /// What is licensed, as an identifier: `export`, `import`.
    pub kind: String,
    /// What is licensed, as the line under the title: "for the export of …".
    pub kind_name: Wording,
    /// The licence or permit this is an annex to; an annex is issued with it or later, and has a
    /// number and a signature of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annex_to: Option<AnnexTo>,
    /// Who issues.
    pub authority: Authority,
    /// Number of the holder.
    pub holder: Applicant,
    /// Name of the holder.
    pub holder_name: String,
    /// The licensed particulars, in the order of the form.
    pub fields: Vec<Field>,
    /// Special conditions; may be empty.
    pub conditions: Vec<Wording>,
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity, inclusive.
    pub valid_to: Date,
    /// When the document was made, to the second.
    #[serde(with = "time::serde::rfc3339")]
    pub issued_at: OffsetDateTime,
    /// Who signs.
    pub signatory: Signatory,
    /// The request this answers.
    pub origin: Origin,
}

/// What an annex belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnexTo {
    /// Number of the licence or permit.
    pub number: String,
    /// The day it was issued.
    pub issued: Date,
}

/// Whether the law calls the document a licence or a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentKind {
    /// Licence (лицензия).
    Licence,
    /// Permit (рұқсат, разрешение).
    Permit,
}

/// The authority that decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Its name.
    pub name: Wording,
    /// Its number.
    pub bin: Bin,
}

/// The official who signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signatory {
    /// Name in full.
    pub name: String,
    /// Position.
    pub position: Wording,
}

/// The request a decision answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Origin {
    /// Identifier of the request.
    pub request_id: String,
    /// Incoming number it was registered under.
    pub incoming_number: String,
    /// SHA-256 of the signed request's octets, lower-case hexadecimal.
    pub request_sha256: String,
}

impl Licence {
    /// The XML to sign: namespace [`LICENCE`], moments in UTC,
    /// digests in hexadecimal. Equal licences give equal octets.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.start("Licence", &[("xmlns", LICENCE), ("document", self.document.as_str())]);
        writer.element("Number", &[], &self.number);
        writer.element("Code", &[], &self.code);
        writer.element("VerifyAt", &[], &self.verify_url);
        markup::write_service(&mut writer, &self.service, &self.service_name);
        writer.start("Kind", &[("code", &self.kind)]);
        markup::write_wording(&mut writer, "Name", &self.kind_name);
        writer.end();
        if let Some(main) = &self.annex_to {
            writer.start("AnnexTo", &[]);
            writer.element("Number", &[], &main.number);
            writer.element("Issued", &[], &markup::day(main.issued));
            writer.end();
        }
        markup::write_authority(&mut writer, &self.authority);
        markup::write_applicant(&mut writer, "Holder", &self.holder, &self.holder_name);
        markup::write_fields(&mut writer, &self.fields);
        writer.start("Conditions", &[]);
        for condition in &self.conditions {
            writer.start("Condition", &[]);
            markup::write_wording(&mut writer, "Text", condition);
            writer.end();
        }
        writer.end();
        writer.element("ValidFrom", &[], &markup::day(self.valid_from));
        writer.element("ValidTo", &[], &markup::day(self.valid_to));
        writer.element("IssuedAt", &[], &markup::moment(self.issued_at));
        markup::write_signatory(&mut writer, &self.signatory);
        markup::write_origin(&mut writer, &self.origin);
        writer.finish()
    }

    /// The number in canonical octets that begin as a licence document does. The rest is not read:
    /// whoever uses more than the number reads it with [`Self::from_xml`].
    pub fn number_in(canonical: &[u8]) -> Option<&str> {
        let rest =
            canonical.strip_prefix(b"<Licence xmlns=\"")?.strip_prefix(LICENCE.as_bytes())?;
        let rest = rest.strip_prefix(b"\" document=\"")?;
        let rest = rest.strip_prefix(b"licence").or_else(|| rest.strip_prefix(b"permit"))?;
        let rest = rest.strip_prefix(b"\"><Number>")?;
        // Without references, so that it stands here as it is meant.
        let end = rest.iter().take(64).position(|octet| matches!(octet, b'<' | b'&'))?;
        let (number, rest) = rest.split_at_checked(end)?;
        rest.starts_with(b"</Number>").then(|| std::str::from_utf8(number).ok())?
    }

    /// Reads a licence from the octets that its signature covers, signature removed.
    ///
    /// # Errors
    /// [`DocumentError`]: no accepted XML, or not exactly a licence document.
    pub fn from_xml(octets: &[u8]) -> Result<Self, DocumentError> {
        markup::parse(octets, (LICENCE, "Licence"), &["document"], |reader| {
            let document = match markup::attribute(reader.element(), "document")?.as_str() {
                "licence" => DocumentKind::Licence,
                "permit" => DocumentKind::Permit,
                _ => return Err(markup::value("document", "licence or permit")),
            };
            let number = reader.text("Number")?;
            let code = reader.text("Code")?;
            let verify_url = reader.text("VerifyAt")?;
            let (service, service_name) = markup::read_service(reader.take("Service")?)?;
            let (kind, kind_name) = markup::read_service(reader.take("Kind")?)?;
            let annex_to = reader.optional("AnnexTo").map(read_annex_to).transpose()?;
            let authority = markup::read_authority(reader.take("Authority")?)?;
            let (holder, holder_name) = markup::read_applicant(reader.take("Holder")?)?;
            Ok(Self {
                number,
                code,
                verify_url,
                document,
                service,
                service_name,
                kind,
                kind_name,
                annex_to,
                authority,
                holder,
                holder_name,
                fields: markup::read_fields(reader.take("Fields")?)?,
                conditions: markup::read_wordings(reader.take("Conditions")?, "Condition")?,
                valid_from: reader.day("ValidFrom")?,
                valid_to: reader.day("ValidTo")?,
                issued_at: reader.moment("IssuedAt")?,
                signatory: markup::read_signatory(reader.take("Signatory")?)?,
                origin: markup::read_origin(reader.take("Request")?)?,
            })
        })
    }
}

fn read_annex_to(element: Element<'_>) -> Result<AnnexTo, DocumentError> {
    let mut reader = Reader::open(element, &[])?;
    let annex_to = AnnexTo { number: reader.text("Number")?, issued: reader.day("Issued")? };
    reader.close().map(|()| annex_to)
}

impl DocumentKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Licence => "licence",
            Self::Permit => "permit",
        }
    }
}
