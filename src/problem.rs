//! The one place where errors become what the outside sees: problem details over HTTP
//! (RFC 9457) and exit codes on the command line.

use serde::Serialize;

use crate::cms::CmsError;
use crate::config::{ConfigError, NoAuthority, VerifierError};
use crate::gateway::PaymentError;
use crate::licensing::DocumentError;
use crate::licensing::form::FieldFault;
use crate::licensing::print::PrintError;
use crate::licensing::workflow::WorkflowError;
use crate::pdf::PdfError;
use crate::preserve::PreserveError;
use crate::reason::{Reason, ReasonCode};
use crate::store::StoreError;
use crate::text::Language;
use crate::token::{Pkcs12Error, SignError};
use crate::validation::{PolicyError, ReasonInfo, ReplayError, Unreadable};
use crate::x509::TrustError;
use crate::xml::XmlError;

/// The kinds of problem; each has one HTTP status and one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The input breaks a rule; the detail or the faults say which.
    BadInput,
    /// Nobody is logged in, or the session has ended.
    NotLoggedIn,
    /// The one who is logged in may not do this.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The address does not take this HTTP method.
    BadMethod,
    /// The step does not fit the state of the request.
    Conflict,
    /// The input is larger than its limit.
    TooLarge,
    /// The document is not one that can be judged or processed.
    Unreadable,
    /// A certificate or signature was refused; the reasons say why.
    Refused,
    /// Something outside does not answer; the same call may succeed later.
    TryLater,
    /// A fault of this program or its machine.
    Internal,
}

/// A problem as callers see it. It never holds a secret; internal detail goes to the log.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The kind.
    pub kind: Kind,
    /// The machine-readable code, stable.
    pub code: &'static str,
    /// What happened, for the person or program that reads it.
    pub detail: String,
    /// Why a certificate or signature was refused.
    pub reasons: Vec<Reason>,
    /// What is wrong with which field.
    pub faults: Vec<Fault>,
    /// The workflow's own error, which speaks every language.
    workflow: Option<WorkflowError>,
}

/// What is wrong with one field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// The field's id.
    pub field: String,
    /// The machine-readable code.
    pub code: String,
    /// The sentence for people.
    pub message: String,
}

impl Kind {
    /// The HTTP status (RFC 9110 §15).
    pub fn status(self) -> u16 {
        match self {
            Self::BadInput => 400,
            Self::NotLoggedIn => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::BadMethod => 405,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::Unreadable | Self::Refused => 422,
            Self::Internal => 500,
            Self::TryLater => 503,
        }
    }

    /// The exit code: 1 refused, 2 try later, 3 unusable input, 4 anything else.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::TryLater => 2,
            Self::BadInput
            | Self::BadMethod
            | Self::TooLarge
            | Self::Unreadable
            | Self::NotFound => 3,
            Self::NotLoggedIn | Self::Forbidden | Self::Conflict | Self::Internal => 4,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::BadInput => "The input is not right",
            Self::NotLoggedIn => "Log in first",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::BadMethod => "Not in this way",
            Self::Conflict => "Not possible in this state",
            Self::TooLarge => "Too large",
            Self::Unreadable => "The document cannot be read",
            Self::Refused => "The certificate or signature was refused",
            Self::TryLater => "Try again later",
            Self::Internal => "Internal error",
        }
    }
}

impl Problem {
    /// A problem with its code and detail.
    pub fn new(kind: Kind, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            detail: detail.into(),
            reasons: Vec::new(),
            faults: Vec::new(),
            workflow: None,
        }
    }

    /// An internal fault: the detail is logged, callers only learn that there was one.
    pub fn internal(detail: impl std::fmt::Display) -> Self {
        tracing::error!(%detail, "internal error");
        Self::new(Kind::Internal, "internal", "The error was logged.")
    }

    /// A refused certificate or signature. Where only an unanswered revocation question stands in
    /// the way, the same call may succeed later.
    pub fn refused(reasons: Vec<Reason>) -> Self {
        use crate::reason::ReasonCode::RevocationUnknown;
        let later = reasons.iter().all(|reason| reason.code == RevocationUnknown);
        let kind = if later { Kind::TryLater } else { Kind::Refused };
        let code = reasons.first().map_or("refused", |reason| reason.code.as_str());
        let detail = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self { reasons, ..Self::new(kind, code, detail) }
    }

    /// The problem details object, sentences in `language`.
    pub fn to_json(&self, language: Language) -> serde_json::Value {
        let detail = match &self.workflow {
            Some(error) => error.message(language).to_string(),
            None => self.detail.clone(),
        };
        let mut json = serde_json::json!({
            "type": format!("urn:qoltanba:problem:{}", self.code),
            "title": self.kind.title(),
            "status": self.kind.status(),
            "code": self.code,
            "detail": detail,
        });
        if !self.reasons.is_empty() {
            let infos = self.reasons.iter().map(|reason| ReasonInfo::new(reason, language));
            json["reasons"] = serde_json::json!(infos.collect::<Vec<_>>());
        }
        let faults = match &self.workflow {
            Some(WorkflowError::FormFaults(faults)) => {
                faults.iter().map(|fault| Fault::of_field(fault, language)).collect()
            }
            _ => self.faults.clone(),
        };
        if !faults.is_empty() {
            json["faults"] = serde_json::json!(faults);
        }
        json
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.detail, self.code)?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {}: {}", fault.field, fault.message))
    }
}

impl std::error::Error for Problem {}

impl From<Unreadable> for Problem {
    fn from(error: Unreadable) -> Self {
        let (kind, code) = match &error {
            Unreadable::TooLarge(_) => (Kind::TooLarge, "document-too-large"),
            Unreadable::Content(_) => (Kind::Unreadable, "unreadable-file"),
            Unreadable::UnknownFormat => (Kind::Unreadable, "unknown-format"),
            Unreadable::Broken { .. } => (Kind::Unreadable, "broken-document"),
            Unreadable::NotSigned { .. } => (Kind::Unreadable, "not-signed"),
            Unreadable::Policy(_) => (Kind::BadInput, "bad-policy"),
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<PreserveError> for Problem {
    fn from(error: PreserveError) -> Self {
        let detail = error.to_string();
        let mut problem = match error {
            PreserveError::Unreadable(error) => return error.into(),
            PreserveError::Policy(error) => return error.into(),
            PreserveError::NotPassed(reasons) => Self::refused(reasons),
            PreserveError::NoSuchSignature(_) | PreserveError::NoLevels(_) => {
                Self::new(Kind::BadInput, "cannot-preserve", "")
            }
            PreserveError::Stamp(_) => Self::new(Kind::TryLater, "no-time-stamp", ""),
            PreserveError::Material(_) => Self::new(Kind::TryLater, "material-missing", ""),
            PreserveError::Format(_) => Self::new(Kind::Unreadable, "cannot-preserve", ""),
        };
        problem.detail = detail;
        problem
    }
}

impl From<SignError> for Problem {
    fn from(error: SignError) -> Self {
        let (kind, code) = match &error {
            SignError::PinIncorrect { .. } => (Kind::Refused, "pin-incorrect"),
            SignError::PinLocked => (Kind::Refused, "pin-locked"),
            SignError::TokenGone(_) => (Kind::TryLater, "token-gone"),
            SignError::NoSuchKey(_) => (Kind::NotFound, "no-such-key"),
            SignError::Busy => (Kind::TryLater, "token-busy"),
            SignError::UnsupportedKey(_) => (Kind::BadInput, "unsupported-key"),
            SignError::KeyMismatch => (Kind::Refused, "key-mismatch"),
            SignError::Failed(_) => (Kind::Internal, "token-failed"),
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<Pkcs12Error> for Problem {
    fn from(error: Pkcs12Error) -> Self {
        let (kind, code) = match error {
            Pkcs12Error::WrongPassword => (Kind::Refused, "password-incorrect"),
            Pkcs12Error::TooLarge | Pkcs12Error::TooManyBags | Pkcs12Error::TooManyIterations => {
                (Kind::TooLarge, "key-file-too-large")
            }
            Pkcs12Error::Malformed(_) => (Kind::Unreadable, "broken-key-file"),
            Pkcs12Error::Unsupported(_) => (Kind::Unreadable, "unsupported-key-file"),
            Pkcs12Error::Key(error) => return error.into(),
            Pkcs12Error::Random => return Self::internal(error),
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        let (kind, code) = match &error {
            PaymentError::Unavailable(_) => (Kind::TryLater, "payment-gateway-unavailable"),
            PaymentError::Contradiction(_) => (Kind::TryLater, "payment-gateway-contradiction"),
            PaymentError::Untrusted(_) => (Kind::TryLater, "payment-gateway-untrusted"),
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => {
                Self::new(Kind::Conflict, "changed-meanwhile", "Someone else changed it meanwhile.")
            }
            StoreError::Busy => Self::new(Kind::TryLater, "store-busy", "The store is busy."),
            error => Self::internal(error),
        }
    }
}

impl From<WorkflowError> for Problem {
    fn from(error: WorkflowError) -> Self {
        use WorkflowError as W;
        let kind = match &error {
            W::NotYours | W::WrongActor | W::RoleMissing(_) | W::NotAssigned | W::SamePerson => {
                Kind::Forbidden
            }
            W::FormFaults(_) => Kind::BadInput,
            _ => Kind::Conflict,
        };
        let mut problem = Self::new(kind, error.code(), error.message(Language::En));
        if let W::FormFaults(faults) = &error {
            problem.faults = faults.iter().map(|f| Fault::of_field(f, Language::En)).collect();
        }
        problem.workflow = Some(error);
        problem
    }
}

impl Fault {
    /// A form's fault in `language`.
    pub fn of_field(fault: &FieldFault, language: Language) -> Self {
        Self {
            field: fault.field.clone(),
            code: fault.code.as_str().to_owned(),
            message: fault.message(language),
        }
    }
}

impl From<XmlError> for Problem {
    fn from(error: XmlError) -> Self {
        match error {
            XmlError::WrongValue => Self::refused(vec![ReasonCode::BadSignature.into()]),
            XmlError::Sign(error) => error.into(),
            error => Self::new(Kind::Unreadable, "broken-xml", error.to_string()),
        }
    }
}

impl From<PdfError> for Problem {
    fn from(error: PdfError) -> Self {
        match error {
            PdfError::Cms(CmsError::WrongValue) => {
                Self::refused(vec![ReasonCode::BadSignature.into()])
            }
            PdfError::Sign(error) => error.into(),
            error => Self::new(Kind::Unreadable, "broken-pdf", error.to_string()),
        }
    }
}

impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        Self::new(Kind::Unreadable, "broken-document", error.to_string())
    }
}

impl From<PrintError> for Problem {
    fn from(error: PrintError) -> Self {
        Self::new(Kind::BadInput, "not-printable", error.to_string())
    }
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Self::new(Kind::BadInput, "bad-configuration", error.to_string())
    }
}

impl From<TrustError> for Problem {
    fn from(error: TrustError) -> Self {
        Self::new(Kind::BadInput, "bad-trust-store", error.to_string())
    }
}

impl From<VerifierError> for Problem {
    fn from(error: VerifierError) -> Self {
        match error {
            VerifierError::Trust(error) => error.into(),
            VerifierError::Policy(error) => error.into(),
            VerifierError::Crl(detail) => Self::new(Kind::BadInput, "bad-crl", detail),
        }
    }
}

impl From<PolicyError> for Problem {
    fn from(error: PolicyError) -> Self {
        Self::new(Kind::BadInput, "bad-policy", error.to_string())
    }
}

impl From<NoAuthority> for Problem {
    fn from(error: NoAuthority) -> Self {
        Self::new(Kind::BadInput, "no-authority", error.to_string())
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        Self::new(Kind::Unreadable, "bad-diagnostic", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unanswered_question_asks_to_come_back_a_revoked_certificate_does_not() {
        let unknown = Reason::from(ReasonCode::RevocationUnknown);
        assert_eq!(Problem::refused(vec![unknown.clone()]).kind, Kind::TryLater);
        let both = vec![ReasonCode::Revoked.into(), unknown];
        let problem = Problem::refused(both);
        assert_eq!((problem.kind, problem.code), (Kind::Refused, "revoked"));
    }

    #[test]
    fn problem_details_speak_the_callers_language() {
        let problem = Problem::refused(vec![ReasonCode::Expired.into()]);
        let json = problem.to_json(Language::Ru);
        assert_eq!(json["reasons"][0]["message"], "Срок действия сертификата истёк.");
        assert_eq!(json["status"], 422);
    }
}
