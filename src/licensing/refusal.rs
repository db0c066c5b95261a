//! The reasoned refusal: the other answer an authority signs.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::markup::{self, DocumentError, Reader};
use super::{Authority, Origin, Signatory, Wording};
use crate::identity::Applicant;
use crate::xml::{Element, Writer};

/// Namespace of the refusal document.
pub const REFUSAL: &str = "urn:qoltanba:refusal:1";

/// A reasoned refusal. Its XML is the original, its PDF the presentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Refusal {
    /// Number from the register.
    pub number: String,
    /// Unguessable verification code: whoever holds it may see the document.
    pub code: String,
    /// Address behind the QR code.
    pub verify_url: String,
    /// Identifier of the service in the catalogue.
    pub service: String,
    /// Name of the service.
    pub service_name: Wording,
    /// Who refuses.
    pub authority: Authority,
    /// Number of the applicant.
    pub applicant: Applicant,
    /// Name of the applicant.
    pub applicant_name: String,
    /// Grounds in law, at least one.
    pub grounds: Vec<Ground>,
    /// What in this request meets the grounds, in the words and language of the officer.
    pub reason: String,
    /// When the document was made, to the second.
    #[serde(with = "time::serde::rfc3339")]
    pub issued_at: OffsetDateTime,
    /// Who signs.
    pub signatory: Signatory,
    /// The request this answers.
    pub origin: Origin,
}

/// A ground of refusal from the service's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    /// Its identifier in the catalogue.
    pub code: String,
    /// Its wording in law.
    pub text: Wording,
}

impl Refusal {
    /// The XML to sign: namespace [`REFUSAL`], moments in UTC, digests in hexadecimal. Equal
    /// refusals give equal octets.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.start("Refusal", &[("xmlns", REFUSAL)]);
        writer.element("Number", &[], &self.number);
        writer.element("Code", &[], &self.code);
        writer.element("VerifyAt", &[], &self.verify_url);
        markup::write_service(&mut writer, &self.service, &self.service_name);
        markup::write_authority(&mut writer, &self.authority);
        markup::write_applicant(&mut writer, "Applicant", &self.applicant, &self.applicant_name);
        writer.start("Grounds", &[]);
        for ground in &self.grounds {
            writer.start("Ground", &[("code", &ground.code)]);
            markup::write_wording(&mut writer, "Text", &ground.text);
            writer.end();
        }
        writer.end();
        writer.element("Reason", &[], &self.reason);
        writer.element("IssuedAt", &[], &markup::moment(self.issued_at));
        markup::write_signatory(&mut writer, &self.signatory);
        markup::write_origin(&mut writer, &self.origin);
        writer.finish()
    }

    /// Reads a refusal from the octets that its signature covers, signature removed.
    ///
    /// # Errors
    /// [`DocumentError`]: no accepted XML, or not exactly a refusal document.
    pub fn from_xml(octets: &[u8]) -> Result<Self, DocumentError> {
        markup::parse(octets, (REFUSAL, "Refusal"), &[], |reader| {
            let number = reader.text("Number")?;
            let code = reader.text("Code")?;
            let verify_url = reader.text("VerifyAt")?;
            let (service, service_name) = markup::read_service(reader.take("Service")?)?;
            let authority = markup::read_authority(reader.take("Authority")?)?;
            let (applicant, applicant_name) = markup::read_applicant(reader.take("Applicant")?)?;
            Ok(Self {
                number,
                code,
                verify_url,
                service,
                service_name,
                authority,
                applicant,
                applicant_name,
                grounds: read_grounds(reader.take("Grounds")?)?,
                reason: reader.text("Reason")?,
                issued_at: reader.moment("IssuedAt")?,
                signatory: markup::read_signatory(reader.take("Signatory")?)?,
                origin: markup::read_origin(reader.take("Request")?)?,
            })
        })
    }
}

fn read_grounds(element: Element<'_>) -> Result<Vec<Ground>, DocumentError> {
    let mut reader = Reader::open(element, &[])?;
    let grounds = reader.many("Ground", |element| {
        let mut reader = Reader::open(element, &["code"])?;
        let code = markup::attribute(element, "code")?;
        let ground = Ground { code, text: reader.wording("Text")? };
        reader.close().map(|()| ground)
    })?;
    reader.close()?;
    Ok(grounds)
}
