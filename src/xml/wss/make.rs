//! Signing messages, in one call or in two with the key elsewhere.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};

use super::super::c14n::{Canonicalization, Subset};
use super::super::document::{Document, Element};
use super::super::ids::Ids;
use super::super::place::place;
use super::super::sign::{Prepared, digest_of, find};
use super::super::{DSIG, Writer, XmlError, encoding};
use super::envelope::Envelope;
use super::{BASE64, SoapError, SoapVersion, WSSE, WSU, X509V3};
use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, digest, hex};
use crate::limits;
use crate::token::{Signer, sign_checked};
use crate::x509::Certificate;

/// How a message carries the certificate (X.509 token profile §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenForm {
    /// In a `KeyIdentifier`, as the state's gateway wants it.
    #[default]
    KeyIdentifier,
    /// In a `BinarySecurityToken` that the signature refers to.
    BinarySecurityToken,
}

/// How a message is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageOptions {
    /// The time of signing; ids are made from it, and the Timestamp.
    pub time: OffsetDateTime,
    /// How long the message is good: a Timestamp is added and signed. The state's gateway wants
    /// none.
    pub lifetime: Option<Duration>,
    /// How the certificate goes along.
    pub token: TokenForm,
    /// To whom the Security header is addressed; `None` for the ultimate receiver.
    pub actor: Option<String>,
}

impl MessageOptions {
    /// The form of the state's gateway: no Timestamp, a key identifier, for the ultimate receiver.
    pub fn new(time: OffsetDateTime) -> Self {
        Self { time, lifetime: None, token: TokenForm::default(), actor: None }
    }
}

/// Prepares the signature over a message's Body. Octets are only put in (the Body's `wsu:Id`, the
/// Security header and a Header around it where there was none), so what was signed inside the
/// message before stays as it was; line ends become LF and a byte order mark goes.
///
/// # Errors
/// [`SoapError`] where it is no message, or a Security header for this actor is signed already.
pub fn prepare(
    message: &[u8],
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    options: &MessageOptions,
) -> Result<Prepared, SoapError> {
    let document = Document::parse(message)?;
    let envelope = Envelope::of(&document)?;
    let security = envelope.security(options.actor.as_deref()).map_err(SoapError::Security)?;
    let taken = |name, namespace| {
        let mut children = security.into_iter().flat_map(Element::children);
        children.any(|child| child.is(namespace, name))
    };
    if taken("Signature", DSIG) || (options.lifetime.is_some() && taken("Timestamp", WSU)) {
        return Err(SoapError::refused("the Security header is signed or stamped already"));
    }
    let uuid = unique(message, certificate, options.time);
    let ids = Ids::of(&document)?;
    for kind in ["id", "TS", "X509"] {
        if ids.element(&format!("{kind}-{uuid}")).is_some() {
            return Err(SoapError::refused("an id of the signature is taken"));
        }
    }

    let mut edits = Edits::default();
    let id = match envelope.body.attribute_of(WSU, "Id") {
        Some(id) => id.to_owned(),
        None => edits.name_body(envelope.body, &format!("id-{uuid}")),
    };
    // The Body as it will be signed; the header comes before it and changes nothing in it.
    let named = Document::parse(edits.apply(document.source()).as_bytes())?;
    let body = digest_of(&named, of(Envelope::of(&named)?.body))?;
    let stamp = options.lifetime.map(|lifetime| timestamp(&uuid, options.time, lifetime));
    let stamped = stamp.as_deref().map(|stamp| {
        let stamp = Document::parse(stamp.as_bytes())?;
        digest_of(&stamp, Subset::DOCUMENT)
    });
    let mut covered = vec![(id, body)];
    if let Some(value) = stamped.transpose()? {
        covered.push((format!("TS-{uuid}"), value));
    }
    let signature = signature(&covered, &uuid, certificate, algorithm, options.token);

    // Exclusive canonicalization makes SignedInfo independent of where it will stand.
    let draft = Document::parse(signature.as_bytes())?;
    let signed_info = find(draft.root(), DSIG, "SignedInfo")?;
    let signed_info =
        Canonicalization::EXCLUSIVE.octets(&draft, of(signed_info), limits::XML_CANONICAL_BYTES)?;
    let (head, tail) = place(&draft, find(draft.root(), DSIG, "SignatureValue")?);
    let token = match options.token {
        TokenForm::KeyIdentifier => String::new(),
        TokenForm::BinarySecurityToken => binary_token(&uuid, certificate),
    };
    let stamp = stamp.unwrap_or_default();
    let at = edits.place_header(&document, &envelope, security, options.actor.as_deref());
    let (before, after) = edits.apply_around(document.source(), at);
    Ok(Prepared::new(
        &signed_info,
        before + &token + &head,
        tail + &stamp + &after,
        method(algorithm),
        certificate,
    ))
}

/// Signs a message: [`prepare`], the signer, [`Prepared::complete`].
///
/// # Errors
/// As those three.
pub fn sign(
    message: &[u8],
    signer: &dyn Signer,
    options: &MessageOptions,
) -> Result<Vec<u8>, SoapError> {
    let prepared = prepare(message, signer.certificate(), signer.algorithm(), options)?;
    let value = sign_checked(signer, prepared.to_be_signed()).map_err(XmlError::from)?;
    Ok(prepared.complete(&value)?)
}

fn of(element: Element<'_>) -> Subset<'_> {
    Subset { apex: Some(element), excluded: &[] }
}

/// A UUID (RFC 9562 §5.8) made from what is signed, by whom and when.
fn unique(message: &[u8], certificate: &Certificate, time: OffsetDateTime) -> String {
    let time = time.unix_timestamp_nanos().to_be_bytes();
    let all = [message, certificate.der(), &time].concat();
    let mut name = digest(DigestAlgorithm::Sha256, &all);
    name.truncate(16);
    for (index, octet) in name.iter_mut().enumerate() {
        match index {
            6 => *octet = *octet & 0x0f | 0x80,
            8 => *octet = *octet & 0x3f | 0x80,
            _ => {}
        }
    }
    let name = hex(&name);
    let groups = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    groups.map(|(from, to)| name.get(from..to).unwrap_or_default()).join("-")
}

fn method(algorithm: SignatureAlgorithm) -> &'static str {
    algorithm.row().xml_uris.first().copied().unwrap_or_default()
}

/// The signature element, without its value.
fn signature(
    covered: &[(String, Vec<u8>)],
    uuid: &str,
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    token: TokenForm,
) -> String {
    let exclusive = [("Algorithm", Canonicalization::EXCLUSIVE.uri())];
    let sha256 = DigestAlgorithm::Sha256.row().xml_uris.first().copied().unwrap_or_default();
    let mut writer = Writer::fragment();
    writer.start("ds:Signature", &[("xmlns:ds", DSIG)]).start("ds:SignedInfo", &[]);
    writer.element("ds:CanonicalizationMethod", &exclusive, "");
    writer.element("ds:SignatureMethod", &[("Algorithm", method(algorithm))], "");
    for (id, value) in covered {
        writer.start("ds:Reference", &[("URI", &format!("#{id}"))]).start("ds:Transforms", &[]);
        writer.element("ds:Transform", &exclusive, "").end();
        writer.element("ds:DigestMethod", &[("Algorithm", sha256)], "");
        writer.element("ds:DigestValue", &[], &encoding::encode(value)).end();
    }
    writer.end().element("ds:SignatureValue", &[], "").start("ds:KeyInfo", &[]);
    writer.start("wsse:SecurityTokenReference", &[("xmlns:wsse", WSSE)]);
    match token {
        TokenForm::KeyIdentifier => {
            let kinds = [("EncodingType", BASE64), ("ValueType", X509V3)];
            let der = encoding::encode(certificate.der());
            writer.element("wsse:KeyIdentifier", &kinds, &der);
        }
        TokenForm::BinarySecurityToken => {
            let target = format!("#X509-{uuid}");
            writer.element("wsse:Reference", &[("URI", &target), ("ValueType", X509V3)], "");
        }
    }
    writer.into_string()
}

fn binary_token(uuid: &str, certificate: &Certificate) -> String {
    let id = format!("X509-{uuid}");
    let attributes = [
        ("xmlns:wsse", WSSE),
        ("xmlns:wsu", WSU),
        ("EncodingType", BASE64),
        ("ValueType", X509V3),
        ("wsu:Id", &id),
    ];
    let mut writer = Writer::fragment();
    let der = encoding::encode(certificate.der());
    writer.element("wsse:BinarySecurityToken", &attributes, &der);
    writer.into_string()
}

fn timestamp(uuid: &str, time: OffsetDateTime, lifetime: Duration) -> String {
    let moment = |time: OffsetDateTime| {
        let time = time.to_offset(UtcOffset::UTC);
        let time = time.replace_nanosecond(0).unwrap_or(time);
        time.format(&Rfc3339).unwrap_or_default()
    };
    let id = format!("TS-{uuid}");
    let mut writer = Writer::fragment();
    writer.start("wsu:Timestamp", &[("xmlns:wsu", WSU), ("wsu:Id", &id)]);
    writer.element("wsu:Created", &[], &moment(time));
    writer.element("wsu:Expires", &[], &moment(time.saturating_add(lifetime)));
    writer.into_string()
}

/// Pieces of the source that are replaced: place, length, what comes instead.
#[derive(Default)]
struct Edits(Vec<(usize, usize, String)>);

impl Edits {
    /// Gives the Body an id; its prefix is one that means nothing inside the Body.
    fn name_body(&mut self, body: Element<'_>, id: &str) -> String {
        let free = (0..).map(|n| if n == 0 { "wsu".to_owned() } else { format!("wsu{n}") });
        let mut free = free.filter(|prefix| body.binding(prefix).is_none());
        let prefix = free.next().unwrap_or_default();
        let name = body.data().name.qualified;
        let put = format!(" xmlns:{prefix}=\"{WSU}\" {prefix}:Id=\"{id}\"");
        self.0.push(((name.start + name.length) as usize, 0, put));
        id.to_owned()
    }

    /// Makes room for the signature; gives the place it goes to, which is after the edit there.
    fn place_header(
        &mut self,
        document: &Document,
        envelope: &Envelope<'_>,
        security: Option<Element<'_>>,
        actor: Option<&str>,
    ) -> usize {
        let open = opening(envelope.version, actor);
        let close = "</wsse:Security>";
        let root = document.root().qualified_name();
        let header = match root.split_once(':') {
            Some((prefix, _)) => format!("{prefix}:Header"),
            None => "Header".to_owned(),
        };
        let (around, open, close) = match (security, envelope.header) {
            (Some(security), _) => (security, String::new(), String::new()),
            (None, Some(header)) => (header, open, close.to_owned()),
            (None, None) => {
                let at = envelope.body.data().name.qualified.start.saturating_sub(1) as usize;
                self.0.push((at, 0, format!("<{header}>{open}")));
                self.0.push((at, 0, format!("{close}</{header}>")));
                return self.0.len() - 1;
            }
        };
        let data = around.data();
        if data.empty_tag {
            // `<a/>` becomes `<a>…</a>`.
            self.0.push((data.closes_at as usize, 2, format!(">{open}")));
            let end = format!("{close}</{}>", around.qualified_name());
            self.0.push((data.closes_at as usize + 2, 0, end));
        } else {
            let at = content_start(document.source(), around);
            self.0.push((at, 0, open));
            self.0.push((at, 0, close));
        }
        self.0.len() - 1
    }

    fn apply(&self, source: &str) -> String {
        self.apply_around(source, usize::MAX).0
    }

    /// The edited source, cut before what edit number `cut` puts in.
    fn apply_around(&self, source: &str, cut: usize) -> (String, String) {
        let mut order: Vec<_> = self.0.iter().enumerate().collect();
        // Edits of one place keep their order.
        order.sort_by_key(|(_, edit)| edit.0);
        let (mut before, mut after) = (String::with_capacity(source.len() + 4096), String::new());
        let (mut at, mut out) = (0, &mut before);
        for (index, (place, length, put)) in order {
            out.push_str(source.get(at..*place).unwrap_or_default());
            if index == cut {
                out = &mut after;
            }
            out.push_str(put);
            at = place + length;
        }
        out.push_str(source.get(at..).unwrap_or_default());
        (before, after)
    }
}

/// The start tag of a Security header.
fn opening(version: SoapVersion, actor: Option<&str>) -> String {
    let addressing = format!("soap:{}", version.addressing());
    let mut attributes = vec![
        ("xmlns:wsse", WSSE),
        ("xmlns:wsu", WSU),
        ("xmlns:soap", version.namespace()),
        ("soap:mustUnderstand", "1"),
    ];
    if let Some(actor) = actor {
        attributes.push((&addressing, actor));
    }
    let mut writer = Writer::fragment();
    // Text closes the tag; the end tag is the caller's.
    writer.start("wsse:Security", &attributes).text("\u{200B}");
    let whole = writer.into_string();
    whole.rsplit_once('\u{200B}').map(|(open, _)| open.to_owned()).unwrap_or_default()
}

/// The place after an element's start tag. `>` may stand in attribute values.
fn content_start(source: &str, element: Element<'_>) -> usize {
    let from = element.data().name.qualified.start as usize;
    let mut quote = None;
    for (at, octet) in source.bytes().enumerate().skip(from) {
        match (quote, octet) {
            (None, b'"' | b'\'') => quote = Some(octet),
            (Some(open), _) if open == octet => quote = None,
            (None, b'>') => return at + 1,
            _ => {}
        }
    }
    source.len()
}
