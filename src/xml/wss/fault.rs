//! What is wrong with a message, and the SOAP fault that says so.

use std::sync::LazyLock;

use super::super::{Writer, XmlError};
use super::{SoapVersion, WSSE, WSU};
use crate::reason::{Reason, ReasonCode};
use crate::text::{Language, Texts};

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded(include_str!("fault.toml")));

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoapError {
    /// It is no XML that is accepted.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// It is no SOAP message.
    #[error("no SOAP message: {0}")]
    NotSoap(String),
    /// Its Envelope is of an unknown version.
    #[error("an Envelope of an unknown version of SOAP")]
    Version,
    /// Header blocks that must be understood are not: namespace and local name.
    #[error("header blocks that must be understood and are not: {}", names(.0))]
    NotUnderstood(Vec<(String, String)>),
    /// The Security header is missing, doubled, or not as it must be.
    #[error("the Security header: {}", .0.detail)]
    Security(Reason),
    /// The signature or its certificate was refused, for these reasons.
    #[error("the signature: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Failed(Vec<Reason>),
    /// It is older than the receiver takes, or signs no time.
    #[error("the message is not fresh: {0}")]
    Expired(String),
}

/// A fault's code: the version's own, and that of WS-Security (WSS 1.1 §12) if there is one.
struct Code {
    of_soap: [&'static str; 2],
    of_security: Option<(&'static str, &'static str)>,
}

const SENDER: [&str; 2] = ["Client", "Sender"];
const RECEIVER: [&str; 2] = ["Server", "Receiver"];

impl SoapError {
    pub(super) fn refused(what: &str) -> Self {
        Self::Security(Reason::new(ReasonCode::Refused, what))
    }

    /// The sentence a person reads.
    pub fn message(&self, language: Language) -> &'static str {
        let key = match self {
            Self::Xml(_) => "not-xml",
            Self::NotSoap(_) => "not-soap",
            Self::Version => "version",
            Self::NotUnderstood(_) => "not-understood",
            Self::Security(_) => "security",
            Self::Expired(_) => "expired",
            Self::Failed(reasons) => {
                let code = reasons.first().map_or(ReasonCode::Malformed, |reason| reason.code);
                return code.message(language);
            }
        };
        TEXTS.get(key, language)
    }

    /// The HTTP status a fault goes with (SOAP 1.1 §6.2; SOAP 1.2 part 2 §7.5.2.2).
    pub fn http_status(&self, version: SoapVersion) -> u16 {
        match version {
            SoapVersion::V12 if self.code().of_soap == SENDER => 400,
            _ => 500,
        }
    }

    /// The message that answers one with this error: a fault, its sentence in `language` and, in
    /// SOAP 1.2, in the others too.
    pub fn fault(&self, version: SoapVersion, language: Language) -> Vec<u8> {
        let Code { of_soap, of_security } = self.code();
        let of_soap = format!("soap:{}", of_soap[version as usize]);
        let security = of_security.map(|(_, name)| format!("sec:{name}"));
        let declared: Vec<_> =
            of_security.iter().map(|(namespace, _)| ("xmlns:sec", *namespace)).collect();
        let mut writer = Writer::new();
        writer.start("soap:Envelope", &[("xmlns:soap", version.namespace())]);
        match version {
            SoapVersion::V11 => {
                writer.start("soap:Body", &[]).start("soap:Fault", &[]);
                // The security code stands alone (WSS 1.1 §12). There is no detail: that would say
                // that the Body was processed (SOAP 1.1 §4.4).
                writer.element("faultcode", &declared, security.as_ref().unwrap_or(&of_soap));
                let text = format!("{} [{self}]", self.message(language));
                writer.element("faultstring", &[("xml:lang", language.code())], &text);
            }
            SoapVersion::V12 => {
                self.header(&mut writer);
                writer.start("soap:Body", &[]).start("soap:Fault", &[]);
                writer.start("soap:Code", &[]).element("soap:Value", &[], &of_soap);
                if let Some(security) = &security {
                    writer.start("soap:Subcode", &[]);
                    writer.element("soap:Value", &declared, security).end();
                }
                writer.end().start("soap:Reason", &[]);
                let others = Language::ALL.into_iter().filter(|other| *other != language);
                for language in [language].into_iter().chain(others) {
                    let text = self.message(language);
                    writer.element("soap:Text", &[("xml:lang", language.code())], text);
                }
                writer.end().start("soap:Detail", &[]);
                let namespace = [("xmlns", "urn:qoltanba:fault:1")];
                writer.element("Finding", &namespace, &self.to_string());
            }
        }
        writer.finish()
    }

    /// What SOAP 1.2 §5.4.7 and §5.4.8 ask to be said in the header.
    fn header(&self, writer: &mut Writer) {
        match self {
            Self::NotUnderstood(blocks) => {
                writer.start("soap:Header", &[]);
                for (namespace, name) in blocks {
                    let qualified = format!("b:{name}");
                    let attributes = [("xmlns:b", namespace.as_str()), ("qname", &qualified)];
                    // A block without namespace breaks SOAP itself and has no name to tell.
                    let from = usize::from(namespace.is_empty()) * 2;
                    writer.element(
                        "soap:NotUnderstood",
                        attributes.get(from..).unwrap_or_default(),
                        "",
                    );
                }
                writer.end();
            }
            Self::Version => {
                writer.start("soap:Header", &[]).start("soap:Upgrade", &[]);
                for version in [SoapVersion::V12, SoapVersion::V11] {
                    let attributes = [("xmlns:b", version.namespace()), ("qname", "b:Envelope")];
                    writer.element("soap:SupportedEnvelope", &attributes, "");
                }
                writer.end().end();
            }
            _ => {}
        }
    }

    fn code(&self) -> Code {
        let plain = |of_soap| Code { of_soap, of_security: None };
        let security = |name| Code { of_soap: SENDER, of_security: Some((WSSE, name)) };
        match self {
            Self::Xml(_) | Self::NotSoap(_) => plain(SENDER),
            Self::Version => plain(["VersionMismatch"; 2]),
            Self::NotUnderstood(_) => plain(["MustUnderstand"; 2]),
            Self::Security(_) => security("InvalidSecurity"),
            Self::Expired(_) => {
                Code { of_soap: SENDER, of_security: Some((WSU, "MessageExpired")) }
            }
            Self::Failed(reasons) => {
                use ReasonCode as R;
                match reasons.first().map_or(R::Malformed, |reason| reason.code) {
                    R::RevocationUnknown => plain(RECEIVER),
                    R::BadSignature | R::ContentChanged => security("FailedCheck"),
                    R::UnsupportedAlgorithm => security("UnsupportedAlgorithm"),
                    R::CertificateMissing => security("SecurityTokenUnavailable"),
                    R::Malformed | R::Refused | R::ContentMissing | R::AddedAfterSigning => {
                        security("InvalidSecurity")
                    }
                    R::IinMismatch | R::BinMismatch | R::NoRightToSign => {
                        security("FailedAuthentication")
                    }
                    _ => security("InvalidSecurityToken"),
                }
            }
        }
    }
}

fn names(blocks: &[(String, String)]) -> String {
    blocks.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_stands_in_three_languages() {
        assert_eq!(TEXTS.incomplete(), Some(vec![]));
        let all = [
            SoapError::NotSoap(String::new()),
            SoapError::Version,
            SoapError::NotUnderstood(Vec::new()),
            SoapError::refused(""),
            SoapError::Expired(String::new()),
            SoapError::Xml(XmlError::Limit("")),
            SoapError::Failed(Vec::new()),
        ];
        for error in all {
            for language in Language::ALL {
                assert!(error.message(language).ends_with('.'), "{error:?}");
            }
        }
    }
}
