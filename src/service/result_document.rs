//! The result as a document: made from the case, read back from its signed octets, presented as
//! PDF, entered into the register.

use std::collections::BTreeMap;

use super::App;
use super::signing::whole_seconds;
use crate::identity::Applicant;
use crate::licensing::case::{Decision, DocumentKind as CaseDocument};
use crate::licensing::catalogue::{ResultKind, Service};
use crate::licensing::print::{Printed, StampPlace, licence_pdf, refusal_pdf, stamp_font};
use crate::licensing::{
    Authority, Case, DocumentKind, Ground, Licence, Origin, Refusal, Signatory, Wording, almaty,
    document_fields,
};
use crate::pdf::{self, Relationship, SigningOptions, Stamp};
use crate::problem::Problem;
use crate::store::{LicenceRow, REFUSAL_KIND, StoreExt as _};
use crate::text::Language;
use crate::x509::Certificate;
use crate::xml;

/// A licence or a refusal.
pub(super) enum ResultDocument {
    Licence(Box<Licence>),
    Refusal(Box<Refusal>),
}

impl ResultDocument {
    /// The document of a decided and numbered case, with a new code.
    pub fn make(app: &App, case: &Case, certificate: &Certificate) -> Result<Self, Problem> {
        let service = app.service_of(case)?;
        let lacks = |what: &str| Problem::internal(format!("the case has no {what}"));
        let number = case.result_number.clone().ok_or_else(|| lacks("result number"))?;
        let code = app.new_code()?;
        let verify_url =
            format!("{}/v/{code}", app.config.service.public_url.trim_end_matches('/'));
        let authority = authority(app, service)?;
        let signatory = Signatory { name: certificate.holder().full_name(), position: head() };
        let origin = Origin {
            request_id: case.id.clone(),
            incoming_number: case.incoming_number.clone().ok_or_else(|| lacks("number"))?,
            request_sha256: case
                .documents
                .get(&CaseDocument::Request)
                .cloned()
                .ok_or_else(|| lacks("signed request"))?,
        };
        let issued_at = whole_seconds(app.now());
        match case.decision().ok_or_else(|| lacks("decision"))? {
            Decision::Issue => {
                let form = service.form(&case.form).ok_or_else(|| lacks("form"))?;
                let values = case.completed_values(form);
                let day = |key: &str| {
                    let format = time::macros::format_description!("[day].[month].[year]");
                    let text = values.get(key).map(String::as_str).unwrap_or_default();
                    time::Date::parse(text, &format).map_err(|_| lacks(key))
                };
                Ok(Self::Licence(Box::new(Licence {
                    valid_from: day("period.from")?,
                    valid_to: day("period.to")?,
                    fields: document_fields(form, &values),
                    number,
                    code,
                    verify_url,
                    document: match service.kind {
                        ResultKind::Licence => DocumentKind::Licence,
                        ResultKind::Permit => DocumentKind::Permit,
                    },
                    service: service.id.clone(),
                    service_name: service.name.clone(),
                    kind: form.id.clone(),
                    kind_name: form.result.clone(),
                    annex_to: None,
                    authority,
                    holder: case.applicant.clone(),
                    holder_name: case.applicant_name.clone(),
                    conditions: Vec::new(),
                    issued_at,
                    signatory,
                    origin,
                })))
            }
            Decision::Refuse { grounds, reason } => {
                let named = grounds.iter().filter_map(|code| service.ground(code));
                let grounds =
                    named.map(|g| Ground { code: g.code.clone(), text: g.name.clone() }).collect();
                Ok(Self::Refusal(Box::new(Refusal {
                    number,
                    code,
                    verify_url,
                    service: service.id.clone(),
                    service_name: service.name.clone(),
                    authority,
                    applicant: case.applicant.clone(),
                    applicant_name: case.applicant_name.clone(),
                    grounds,
                    reason: reason.clone(),
                    issued_at,
                    signatory,
                    origin,
                })))
            }
        }
    }

    /// Reads a result from what the signature of its XML covers.
    pub fn read(signed: &[u8]) -> Result<Self, Problem> {
        let found = xml::read(signed, None)?;
        let octets = found.iter().flat_map(|signature| &signature.scope.octets);
        for octets in octets {
            if let Ok(licence) = Licence::from_xml(octets) {
                return Ok(Self::Licence(Box::new(licence)));
            }
            if let Ok(refusal) = Refusal::from_xml(octets) {
                return Ok(Self::Refusal(Box::new(refusal)));
            }
        }
        Err(Problem::internal("a signed result is neither licence nor refusal"))
    }

    /// The result that was signed under this digest, with its octets.
    pub fn registered(app: &App, sha256: &str) -> Result<(Self, Vec<u8>), Problem> {
        let document = app.store.view(|view| view.document(sha256))?;
        let document = document.ok_or_else(|| Problem::internal("a signed result is gone"))?;
        Ok((Self::read(&document.bytes)?, document.bytes))
    }

    /// Whether what was signed is this case's result.
    pub fn check(&self, case: &Case) -> Result<(), Problem> {
        let decided = matches!(
            (self, case.decision()),
            (Self::Licence(_), Some(Decision::Issue))
                | (Self::Refusal(_), Some(Decision::Refuse { .. }))
        );
        let origin = self.origin();
        let same = case.result_number.as_deref() == Some(self.number())
            && origin.request_id == case.id
            && case.documents.get(&CaseDocument::Request) == Some(&origin.request_sha256);
        if decided && same {
            return Ok(());
        }
        Err(Problem::internal("the signed octets are not this request's result"))
    }

    /// The XML to be signed.
    pub fn to_xml(&self) -> Vec<u8> {
        match self {
            Self::Licence(licence) => licence.to_xml(),
            Self::Refusal(refusal) => refusal.to_xml(),
        }
    }

    /// The PDF in `language` with the signed XML attached, and how it is to be signed.
    pub fn present(
        &self,
        language: Language,
        signed_xml: &[u8],
        certificate: &Certificate,
        app: &App,
    ) -> Result<(Vec<u8>, SigningOptions), Problem> {
        let Printed { pdf: document, stamp } = match self {
            Self::Licence(licence) => licence_pdf(licence, language)?,
            Self::Refusal(refusal) => refusal_pdf(refusal, language)?,
        };
        let name = format!("{}.xml", self.number());
        let document =
            pdf::attach(&document, &name, "application/xml", Relationship::Source, signed_xml)?;
        let now = app.now();
        let holder = certificate.holder();
        let mut options = SigningOptions::at(now);
        options.name = Some(holder.full_name());
        options.for_timestamp = app.stamps.is_some();
        options.stamp = Some(self::stamp(stamp, false, certificate, language, now));
        Ok((document, options))
    }

    /// The entry in the register.
    pub fn row(
        &self,
        case: &Case,
        xml_sha256: &str,
        pdf_sha256: BTreeMap<String, String>,
    ) -> Result<LicenceRow, Problem> {
        let (holder_iin, holder_bin) = match &case.applicant {
            Applicant::Person { iin } => (Some(iin.to_string()), None),
            Applicant::Organisation { bin } => (None, Some(bin.to_string())),
        };
        let (state, issued_at, valid_from, valid_to, code) = match self {
            Self::Licence(licence) => {
                let (from, to) = (Some(licence.valid_from), Some(licence.valid_to));
                ("active", licence.issued_at, from, to, &licence.code)
            }
            Self::Refusal(refusal) => ("refused", refusal.issued_at, None, None, &refusal.code),
        };
        Ok(LicenceRow {
            number: self.number().to_owned(),
            code: code.clone(),
            case_id: case.id.clone(),
            service: case.service.clone(),
            kind: self.kind().to_owned(),
            holder_name: case.applicant_name.clone(),
            holder_iin,
            holder_bin,
            state: state.to_owned(),
            issued_at,
            valid_from,
            valid_to,
            xml_sha256: xml_sha256.to_owned(),
            pdf_sha256,
        })
    }

    /// The number of the licence or refusal.
    pub fn number(&self) -> &str {
        match self {
            Self::Licence(licence) => &licence.number,
            Self::Refusal(refusal) => &refusal.number,
        }
    }

    /// The kind of licence, or `refusal`.
    pub fn kind(&self) -> &str {
        match self {
            Self::Licence(licence) => &licence.kind,
            Self::Refusal(_) => REFUSAL_KIND,
        }
    }

    /// The role the signature claims.
    pub fn signer_role(&self) -> String {
        let (Self::Licence(_) | Self::Refusal(_)) = self;
        head().en
    }

    fn origin(&self) -> &Origin {
        match self {
            Self::Licence(licence) => &licence.origin,
            Self::Refusal(refusal) => &refusal.origin,
        }
    }
}

fn authority(app: &App, service: &Service) -> Result<Authority, Problem> {
    let configured = app.config.authority.as_ref();
    let configured = configured.ok_or_else(|| Problem::internal("no authority is configured"))?;
    Ok(Authority { name: service.authority.name.clone(), bin: configured.bin.clone() })
}

fn head() -> Wording {
    Wording::new("Басшы", "Руководитель", "Head")
}

/// The visible signature in its place: who, for whom, when, with which certificate; a `seal` is
/// named as one.
pub(super) fn stamp(
    place: StampPlace,
    seal: bool,
    certificate: &Certificate,
    language: Language,
    now: time::OffsetDateTime,
) -> Stamp {
    let (left, bottom) = (place.x, place.y);
    Stamp {
        page: place.page,
        rect: [left, bottom, left + place.width, bottom + place.height],
        lines: stamp_lines(seal, language, certificate, now),
        font: stamp_font().into(),
    }
}

fn stamp_lines(
    seal: bool,
    language: Language,
    certificate: &Certificate,
    now: time::OffsetDateTime,
) -> Vec<String> {
    let holder = certificate.holder();
    let (title, certificate_number) = match (language, seal) {
        (Language::Kk, false) => ("Электрондық цифрлық қолтаңба қойылды", "Сертификат нөмірі"),
        (Language::Ru, false) => ("Подписано электронной цифровой подписью", "Номер сертификата"),
        (Language::En, false) => {
            ("Signed with an electronic digital signature", "Certificate number")
        }
        (Language::Kk, true) => ("Электрондық мөр басылды", "Сертификат нөмірі"),
        (Language::Ru, true) => ("Заверено электронной печатью", "Номер сертификата"),
        (Language::En, true) => ("Sealed electronically", "Certificate number"),
    };
    let format = time::macros::format_description!("[day].[month].[year] [hour]:[minute] (UTC+5)");
    let mut lines = vec![title.to_owned(), holder.full_name()];
    lines.extend(holder.organisation);
    lines.push(almaty(now).format(&format).unwrap_or_default());
    lines.push(format!("{certificate_number} {}", certificate.serial_hex()));
    lines
}
