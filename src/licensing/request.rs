//! The request document: what the applicant signs (form, consent, manifest of attachments).

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::markup::{self, DocumentError, Reader};
use super::{Attachment, Field, Wording};
use crate::identity::Applicant;
use crate::limits;
use crate::text::Language;
use crate::xml::{Element, Writer};

/// Namespace of the request document.
pub const REQUEST: &str = "urn:qoltanba:request:1";

/// A request as the applicant signs it. Its XML is the original; see `to_xml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RequestDocument {
    /// Identifier of the request.
    pub id: String,
    /// Identifier of the service in the catalogue.
    pub service: String,
    /// Name of the service.
    pub service_name: Wording,
    /// Procedure asked for: issue, re-issue, duplicate.
    pub procedure: String,
    /// Identifier and version of the form that was filled in.
    pub form: String,
    /// Language the applicant worked in.
    pub language: Language,
    /// Number the request is made under.
    pub applicant: Applicant,
    /// Name of the applicant.
    pub applicant_name: String,
    /// The filled-in form, in its order.
    pub fields: Vec<Field>,
    /// The consent the applicant gives by signing, in the words shown.
    pub consent: String,
    /// The attached documents.
    pub attachments: Vec<Attachment>,
    /// The payment, where the service has a fee.
    pub payment: Option<PaymentInfo>,
    /// When the document was made, to the second.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// What the payment gateway confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PaymentInfo {
    /// The gateway's number of the payment.
    pub reference: String,
    /// Amount in tiyn (1/100 tenge).
    pub amount: u64,
    /// When it was paid, to the second.
    #[serde(with = "time::serde::rfc3339")]
    pub paid_at: OffsetDateTime,
}

impl RequestDocument {
    /// The XML to sign: namespace [`REQUEST`], moments in UTC, digests in hexadecimal. Equal
    /// requests give equal octets.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.start("Request", &[("xmlns", REQUEST)]);
        writer.element("Id", &[], &self.id);
        markup::write_service(&mut writer, &self.service, &self.service_name);
        writer.element("Procedure", &[], &self.procedure);
        writer.element("Form", &[], &self.form);
        writer.element("Language", &[], self.language.code());
        markup::write_applicant(&mut writer, "Applicant", &self.applicant, &self.applicant_name);
        markup::write_fields(&mut writer, &self.fields);
        writer.element("Consent", &[], &self.consent);
        writer.start("Attachments", &[]);
        for attachment in &self.attachments {
            write_attachment(&mut writer, attachment);
        }
        writer.end();
        if let Some(payment) = &self.payment {
            writer.start("Payment", &[]).element("Reference", &[], &payment.reference);
            writer.element("Amount", &[("unit", "tiyn")], &payment.amount.to_string());
            writer.element("PaidAt", &[], &markup::moment(payment.paid_at)).end();
        }
        writer.element("CreatedAt", &[], &markup::moment(self.created_at));
        writer.finish()
    }

    /// Reads a request from the octets that its signature covers, signature removed.
    ///
    /// # Errors
    /// [`DocumentError`]: no accepted XML, or not exactly a request document.
    pub fn from_xml(octets: &[u8]) -> Result<Self, DocumentError> {
        markup::parse(octets, (REQUEST, "Request"), &[], |reader| {
            let id = reader.text("Id")?;
            let (service, service_name) = markup::read_service(reader.take("Service")?)?;
            let procedure = reader.text("Procedure")?;
            let form = reader.text("Form")?;
            let language = reader.value("Language", "one of kk, ru, en")?;
            let (applicant, applicant_name) = markup::read_applicant(reader.take("Applicant")?)?;
            Ok(Self {
                id,
                service,
                service_name,
                procedure,
                form,
                language,
                applicant,
                applicant_name,
                fields: markup::read_fields(reader.take("Fields")?)?,
                consent: reader.text("Consent")?,
                attachments: read_attachments(reader.take("Attachments")?)?,
                payment: reader.optional("Payment").map(read_payment).transpose()?,
                created_at: reader.moment("CreatedAt")?,
            })
        })
    }
}

fn write_attachment(writer: &mut Writer, attachment: &Attachment) {
    writer.start("Attachment", &[]);
    writer.element("Name", &[], &attachment.name);
    writer.element("MediaType", &[], &attachment.media_type);
    writer.element("Size", &[], &attachment.size.to_string());
    writer.element("SHA256", &[], &attachment.sha256).end();
}

fn read_attachments(element: Element<'_>) -> Result<Vec<Attachment>, DocumentError> {
    let mut reader = Reader::open(element, &[])?;
    let attachments = reader.many("Attachment", |element| {
        let mut reader = Reader::open(element, &[])?;
        let attachment = Attachment {
            name: reader.text("Name")?,
            media_type: reader.text("MediaType")?,
            size: markup::number(&reader.text("Size")?, "Size")?,
            sha256: markup::sha256(reader.text("SHA256")?, "SHA256")?,
        };
        reader.close().map(|()| attachment)
    })?;
    reader.close()?;
    if attachments.len() > limits::ATTACHMENTS {
        return Err(markup::value("Attachments", "within the number of attachments of a request"));
    }
    Ok(attachments)
}

fn read_payment(element: Element<'_>) -> Result<PaymentInfo, DocumentError> {
    let mut reader = Reader::open(element, &[])?;
    let reference = reader.text("Reference")?;
    let amount = reader.take("Amount")?;
    if markup::attribute(amount, "unit")? != "tiyn" {
        return Err(markup::value("Amount", "in tiyn"));
    }
    let amount = markup::number(&markup::text(amount, &[("", "unit")])?, "Amount")?;
    let payment = PaymentInfo { reference, amount, paid_at: reader.moment("PaidAt")? };
    reader.close()?;
    Ok(payment)
}
