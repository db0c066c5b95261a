//! The generator of forgeries: eight positions, each in several variants.

/// A signed document in pieces.
pub struct Signed {
    /// Before the signed element; for a message, the Envelope's start tag.
    before: String,
    /// The signed element with its value; the signature may stand in it.
    content: String,
    after: String,
    /// The signature, with the Security header around it in a message.
    signature: String,
    /// Where in `content` the signature stood; outside where `None`.
    inside: Option<usize>,
    value: String,
    forged: String,
    message: bool,
}

/// One forgery.
pub struct Attack {
    /// Which of the eight it is.
    pub position: &'static str,
    /// The document.
    pub document: String,
}

const ID_NAMES: [&str; 5] = ["Id", "ID", "id", "xml:id", "wsu:Id"];
const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

impl Signed {
    /// A document whose signature is the last child of its root.
    pub fn new(octets: Vec<u8>, value: &str, forged: &str) -> Self {
        let text = String::from_utf8(octets).unwrap();
        let text = text.split_once("?>").map_or(text.as_str(), |(_, rest)| rest).trim().to_owned();
        let from = text.find("<ds:Signature ").unwrap();
        let to = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
        assert!(text.contains(value));
        Self {
            before: String::new(),
            content: format!("{}{}", &text[..from], &text[to..]),
            after: String::new(),
            signature: text[from..to].to_owned(),
            inside: Some(from),
            value: value.to_owned(),
            forged: forged.to_owned(),
            message: false,
        }
    }

    /// A message whose Body is signed.
    pub fn message(octets: Vec<u8>, value: &str, forged: &str) -> Self {
        let text = String::from_utf8(octets).unwrap();
        let text = text.split_once("?>").map_or(text.as_str(), |(_, rest)| rest).trim().to_owned();
        let header = text.find("<e:Header>").unwrap();
        let body = text.find("<e:Body").unwrap();
        let end = text.find("</e:Envelope>").unwrap();
        let inner = text[header..body].strip_prefix("<e:Header>").unwrap();
        Self {
            before: text[..header].to_owned(),
            content: text[body..end].to_owned(),
            after: text[end..].to_owned(),
            signature: inner.strip_suffix("</e:Header>").unwrap().to_owned(),
            inside: None,
            value: value.to_owned(),
            forged: forged.to_owned(),
            message: true,
        }
    }

    /// The honest document.
    pub fn whole(&self) -> String {
        self.around(&self.content, &self.signature)
    }

    /// A document of this kind with this content and signature.
    fn around(&self, content: &str, signature: &str) -> String {
        match self.inside {
            Some(at) => format!("{}{signature}{}", &content[..at], &content[at..]),
            None => {
                let header = format!("<e:Header>{signature}</e:Header>");
                format!("{}{header}{content}{}", self.before, self.after)
            }
        }
    }

    /// The content with another value, and without its id.
    fn forgery(&self) -> String {
        let content = self.content.replace(&self.value, &self.forged);
        match self.id() {
            Some((attribute, id)) => content.replacen(&format!(" {attribute}=\"{id}\""), "", 1),
            None => content,
        }
    }

    /// The attribute that is the signed element's id, with its value.
    fn id(&self) -> Option<(String, String)> {
        let tag = &self.content[..self.content.find('>').unwrap()];
        let name = ID_NAMES.iter().find(|name| tag.contains(&format!(" {name}=\"")))?;
        let rest = tag.split_once(&format!(" {name}=\"")).unwrap().1;
        Some(((*name).to_owned(), rest[..rest.find('"').unwrap()].to_owned()))
    }

    /// The forged element with things put in as its first or last children.
    fn forged_with(&self, first: &str, last: &str) -> String {
        let forged = self.forgery();
        let open = forged.find('>').unwrap() + 1;
        let close = forged.rfind("</").unwrap();
        format!("{}{first}{}{last}{}", &forged[..open], &forged[open..close], &forged[close..])
    }

    /// The forged document, with the original and the signature put somewhere.
    fn documents(&self, original: &str, position: &'static str, all: &mut Vec<Attack>) {
        let mut put = |document: String| all.push(Attack { position, document });
        let signature = &self.signature;
        if self.message {
            let forged = self.forgery();
            // In the header beside the signature, in it, after the Body, in the Body.
            put(self.around(&forged, &format!("{original}{signature}")));
            put(self.around(&forged, &format!("{signature}{original}")));
            let inner =
                signature.replace("</wsse:Security>", &format!("{original}</wsse:Security>"));
            put(self.around(&forged, &inner));
            put(self.around(&format!("{forged}{original}"), signature));
            put(self.around(&format!("{original}{forged}"), signature));
            put(self.around(&self.forged_with(original, ""), signature));
            put(self.around(&self.forged_with("", original), signature));
            put(self.around(&self.forged_with("", &format!("{original}{signature}")), ""));
        } else {
            put(self.forged_with("", &format!("{original}{signature}")));
            put(self.forged_with("", &format!("{signature}{original}")));
            put(self.forged_with(&format!("{original}{signature}"), ""));
            put(self.forged_with(signature, original));
        }
    }
}

/// Every forgery of a signed document.
pub fn attacks(signed: &Signed) -> Vec<Attack> {
    let mut all = Vec::new();
    let (whole, forged) = (signed.whole(), signed.forgery());
    let (original, signature) = (&signed.content, &signed.signature);

    // Siblings under a root of the attacker's, the signature with one or beside both.
    let inner = if signed.message { original } else { &whole };
    let open = match signed.message {
        true => signed.before.replace("<e:Envelope", "<w"),
        false => "<w>".to_owned(),
    };
    for (first, second) in [(&forged, inner), (inner, &forged)] {
        for document in [
            format!("{open}{first}{second}</w>"),
            format!("{open}{first}{second}{signature}</w>"),
            format!("{open}{signature}{first}{second}</w>"),
        ] {
            all.push(Attack { position: "sibling", document });
        }
    }
    if signed.message {
        for content in [format!("{forged}{original}"), format!("{original}{forged}")] {
            let document = signed.around(&content, signature);
            all.push(Attack { position: "sibling", document });
        }
    }

    // The forged element around the honest document.
    for document in [signed.forged_with("", &whole), signed.forged_with(&whole, "")] {
        let document = match signed.message {
            true => signed.around(&document, ""),
            false => document,
        };
        all.push(Attack { position: "ancestor", document });
    }
    signed.documents(original, "ancestor", &mut all);

    // Inside an Object, of the signature itself or of another one.
    let object = format!("<ds:Object>{original}</ds:Object></ds:Signature>");
    let with_object = signature.replace("</ds:Signature>", &object);
    let document = match signed.message {
        true => signed.around(&forged, &with_object),
        false => signed.forged_with("", &with_object),
    };
    all.push(Attack { position: "object", document });
    let object = format!(
        "<ds:Object xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{original}</ds:Object>"
    );
    signed.documents(&object, "object", &mut all);

    // In a header, and moved with a wrapper around it.
    for (position, wrapper) in [
        ("header", "Header"),
        ("header", "h:Header xmlns:h=\"http://schemas.xmlsoap.org/soap/envelope/\""),
        ("header", "h:Envelope xmlns:h=\"http://schemas.xmlsoap.org/soap/envelope/\""),
        ("moved", "Wrapper"),
        ("moved", "Wrapper xmlns=\"urn:w\""),
        ("moved", "a xmlns=\"\"><b"),
    ] {
        let names: Vec<&str> = wrapper.split("><").collect();
        let close: String = names
            .iter()
            .rev()
            .map(|name| format!("</{}>", name.split(' ').next().unwrap()))
            .collect();
        signed.documents(&format!("<{wrapper}>{original}{close}"), position, &mut all);
    }

    // The forged element has the original's id, under each name an id can have.
    let id = signed.id().map_or("x".to_owned(), |(_, id)| id);
    for name in ID_NAMES {
        let declared =
            if name == "wsu:Id" { format!(" xmlns:wsu=\"{WSU}\"") } else { String::new() };
        let attribute = format!("{declared} {name}=\"{id}\"");
        let position = match signed.id() {
            Some((own, _)) if own == name => "duplicate id",
            None if name == "Id" => "duplicate id",
            _ => "id confusion",
        };
        // The value is forged already, so the forgery of this is its own.
        let at = forged.find([' ', '>']).unwrap();
        let forged = match forged[..forged.find('>').unwrap()].contains("xmlns:wsu=") {
            true => {
                format!("{}{}{}", &forged[..at], attribute.replace(&declared, ""), &forged[at..])
            }
            false => format!("{}{attribute}{}", &forged[..at], &forged[at..]),
        };
        let close = forged.rfind("</").unwrap();
        let documents = match signed.message {
            true => vec![
                signed.around(&forged, &format!("{original}{signature}")),
                signed.around(&forged, &format!("{signature}<w>{original}</w>")),
                signed.around(&forged, &format!("{signature}{original}")),
            ],
            false => vec![
                format!("{}{original}{signature}{}", &forged[..close], &forged[close..]),
                format!("{}{signature}<w>{original}</w>{}", &forged[..close], &forged[close..]),
                format!("<w>{forged}{whole}</w>"),
                format!("<w>{whole}{forged}</w>"),
            ],
        };
        all.extend(documents.into_iter().map(|document| Attack { position, document }));
    }
    // The reference leads elsewhere, or by another kind of name.
    for uri in [format!("URI=\"{id}\""), format!("URI=\"#xpointer(id('{id}'))\"")] {
        let other = signature.replace(&format!("URI=\"#{id}\""), &uri);
        let other = other.replace("URI=\"\"", &uri);
        let document = match signed.message {
            true => signed.around(&forged, &other),
            false => signed.forged_with("", &other),
        };
        all.push(Attack { position: "id confusion", document });
    }

    // Comments: in the digest, in the value, in the signed text, each over honest and forged content.
    let mut comment = |document: String| all.push(Attack { position: "comment", document });
    for inside in ["<!---->", "<!--x-->", "<?x?>"] {
        for tag in ["<ds:DigestValue", "<ds:SignatureValue"] {
            let tag = signature.find(tag).unwrap();
            let at = tag + signature[tag..].find('>').unwrap() + 5;
            let broken = format!("{}{inside}{}", &signature[..at], &signature[at..]);
            comment(signed.around(original, &broken));
            comment(match signed.message {
                true => signed.around(&forged, &broken),
                false => signed.forged_with("", &broken),
            });
        }
        let half = signed.value.len() / 2;
        let (left, right) = signed.value.split_at(half);
        let split = original.replacen(&signed.value, &format!("{left}{inside}{right}"), 1);
        let close = split.rfind("</").unwrap();
        comment(match signed.inside {
            None => signed.around(&split, signature),
            Some(_) => format!("{}{signature}{}", &split[..close], &split[close..]),
        });
        let added = original.replacen(&signed.value, &format!("{}{inside}", signed.value), 1);
        let longer = original.replacen(
            &signed.value,
            &format!("{}{inside}{}", signed.value, signed.forged),
            1,
        );
        for content in [added, longer] {
            if signed.inside.is_none() {
                comment(signed.around(&content, signature));
            } else {
                let at = content.rfind("</").unwrap();
                comment(format!("{}{signature}{}", &content[..at], &content[at..]));
            }
        }
    }
    all
}
