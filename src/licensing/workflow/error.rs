//! Why a command was not taken: stable codes with wording in three languages.

use std::sync::LazyLock;

use crate::licensing::catalogue::OfficerRole;
use crate::licensing::form::FieldFault;
use crate::text::{Language, Texts};

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded(include_str!("error.toml")));

/// Why a command was not taken. The case is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkflowError {
    /// The service or its version is not the one of the case.
    #[error("the case belongs to another service or version of its rules")]
    WrongService,
    /// The applicant is not the one of the case.
    #[error("the case is another applicant's")]
    NotYours,
    /// An applicant, an officer or the system where another of them is needed.
    #[error("this kind of actor cannot give the command")]
    WrongActor,
    /// The officer has no appointment to the role for this service and day.
    #[error("the officer does not hold the role {} for this service today", .0.as_str())]
    RoleMissing(OfficerRole),
    /// The examination belongs to the named expert.
    #[error("the case is assigned to another expert")]
    NotAssigned,
    /// The officer did a step that must be in other hands (executor and signatory are separate).
    #[error("an earlier step must be in other hands")]
    SamePerson,
    /// The officer is the applicant, or signed the request for it.
    #[error("an officer must not decide on an own request")]
    OwnRequest,
    /// The case stands elsewhere.
    #[error("the case does not stand where the command applies")]
    WrongState,
    /// The step the case waits at has another act.
    #[error("this step does something else")]
    WrongStep,
    /// The officer acted on a version that is no longer the present one.
    #[error("the case changed since it was seen")]
    Stale,
    /// Faults of the form, field by field.
    #[error("the form has {} faults", .0.len())]
    FormFaults(Vec<FieldFault>),
    /// The form is not of the procedure.
    #[error("the procedure has no such form")]
    UnknownForm,
    /// The row is not in the service's list of documents.
    #[error("the service takes no such document")]
    UnknownDocument,
    /// Name, media type or size of an attachment.
    #[error("the attachment's name, type or size cannot be taken")]
    AttachmentRefused,
    /// Another file of this name is attached; detach it first.
    #[error("another attachment has this name")]
    AttachmentNameTaken,
    /// The limit of attachments is reached.
    #[error("no more attachments can be taken")]
    TooManyAttachments,
    /// The service is free or the fee is paid.
    #[error("nothing is to be paid")]
    PaymentNotDue,
    /// Another order is open at the gateway.
    #[error("a payment order is open")]
    PaymentUnderWay,
    /// The order is not the one last made.
    #[error("the payment order is not this case's")]
    UnknownPayment,
    /// The order is not over the fee of the day.
    #[error("the amount is not the fee of the day")]
    AmountDiffers,
    /// The reference data lack the index of the day.
    #[error("the monthly calculation index of the day is not known")]
    FeeUnknown,
    /// A later check of a certificate that was not chosen.
    #[error("this certificate is not the chosen one")]
    CertificateNotChosen,
    /// Checks at signing and registration are missing for the present revision.
    #[error("the chosen certificate was not checked for this revision at signing and registration")]
    ChecksMissing,
    /// The limit of checks is reached.
    #[error("no more certificate checks can be kept")]
    TooManyChecks,
    /// A second registration with another number or document.
    #[error("the request is registered under another number or document")]
    AlreadyRegistered,
    /// A second number for the result.
    #[error("the result has another number")]
    AlreadyNumbered,
    /// A second document of the same kind.
    #[error("another document is recorded as signed")]
    AlreadySigned,
    /// A result is signed only with its number.
    #[error("the result has no number yet")]
    NumberMissing,
    /// The PDF came before the XML.
    #[error("the PDF carries the signed XML, which must come first")]
    XmlFirst,
    /// No ground of refusal was given.
    #[error("a refusal needs a ground")]
    GroundMissing,
    /// A ground that the catalogue does not list, or twice.
    #[error("a ground is unknown or given twice")]
    UnknownGround,
    /// A reason or remark is blank.
    #[error("a written reason is needed")]
    TextMissing,
    /// A reason or remark is too long or holds control characters.
    #[error("the text is too long or holds forbidden characters")]
    TextRefused,
    /// Issue is proposed though documents are incomplete or do not correspond.
    #[error("issue is proposed against the findings")]
    ProposalContradicts,
    /// The expert's proposal is a refusal.
    #[error("issue was not proposed; the case must be sent back")]
    IssueNotProposed,
    /// The day lies outside the rules' dates.
    #[error("the service's rules are not in force today")]
    NotInForce,
    /// The procedure is unknown or waits for its rules.
    #[error("the procedure is not open")]
    ProcedureNotOpen,
    /// The applicant's kind of number is not taken.
    #[error("the service is not for this kind of applicant")]
    ApplicantNotTaken,
    /// A SHA-256 is malformed.
    #[error("a digest is not 64 lower-case hexadecimal digits")]
    BadDigest,
    /// A number of another system is malformed.
    #[error("a number or reference is malformed")]
    BadNumber,
}

impl WorkflowError {
    /// The code as it stands in the API, for example `wrong-state`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongService => "wrong-service",
            Self::NotYours => "not-yours",
            Self::WrongActor => "wrong-actor",
            Self::RoleMissing(_) => "role-missing",
            Self::NotAssigned => "not-assigned",
            Self::SamePerson => "same-person",
            Self::OwnRequest => "own-request",
            Self::WrongState => "wrong-state",
            Self::WrongStep => "wrong-step",
            Self::Stale => "stale",
            Self::FormFaults(_) => "form-faults",
            Self::UnknownForm => "unknown-form",
            Self::UnknownDocument => "unknown-document",
            Self::AttachmentRefused => "attachment-refused",
            Self::AttachmentNameTaken => "attachment-name-taken",
            Self::TooManyAttachments => "too-many-attachments",
            Self::PaymentNotDue => "payment-not-due",
            Self::PaymentUnderWay => "payment-under-way",
            Self::UnknownPayment => "unknown-payment",
            Self::AmountDiffers => "amount-differs",
            Self::FeeUnknown => "fee-unknown",
            Self::CertificateNotChosen => "certificate-not-chosen",
            Self::ChecksMissing => "checks-missing",
            Self::TooManyChecks => "too-many-checks",
            Self::AlreadyRegistered => "already-registered",
            Self::AlreadyNumbered => "already-numbered",
            Self::AlreadySigned => "already-signed",
            Self::NumberMissing => "number-missing",
            Self::XmlFirst => "xml-first",
            Self::GroundMissing => "ground-missing",
            Self::UnknownGround => "unknown-ground",
            Self::TextMissing => "text-missing",
            Self::TextRefused => "text-refused",
            Self::ProposalContradicts => "proposal-contradicts",
            Self::IssueNotProposed => "issue-not-proposed",
            Self::NotInForce => "not-in-force",
            Self::ProcedureNotOpen => "procedure-not-open",
            Self::ApplicantNotTaken => "applicant-not-taken",
            Self::BadDigest => "bad-digest",
            Self::BadNumber => "bad-number",
        }
    }

    /// The sentence a person sees.
    pub fn message(&self, language: Language) -> &'static str {
        TEXTS.get(self.code(), language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_sentence_in_three_languages() {
        assert_eq!(TEXTS.incomplete(), Some(vec![]));
        // The codes are read off the source, so that a new one cannot be forgotten here.
        let source = include_str!("error.rs");
        let codes: Vec<&str> = source
            .lines()
            .filter_map(|line| {
                line.trim().strip_prefix("Self::")?.split_once("=> \"")?.1.split('"').next()
            })
            .collect();
        assert_eq!(codes.len(), 40);
        for code in codes {
            for language in Language::ALL {
                assert_ne!(TEXTS.get(code, language), code);
            }
        }
        assert_eq!(WorkflowError::Stale.code(), "stale");
        assert_eq!(
            WorkflowError::NotYours.message(Language::En),
            "This is another applicant's request"
        );
    }
}
