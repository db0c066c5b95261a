//! Character classes and names of XML 1.0 (fifth edition) and of Namespaces in XML 1.0.

/// White space (XML 1.0 §2.3).
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Characters that may stand in a document (§2.2).
pub fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Place of the first character that may not stand in a document.
pub fn forbidden(text: &str) -> Option<usize> {
    let octets = text.as_bytes();
    let mut from = 0;
    // U+FFFE and U+FFFF begin with the octet EF; all other forbidden ones are one octet < 0x20.
    while let Some(found) = octets[from..]
        .iter()
        .position(|octet| (*octet < 0x20 && !matches!(octet, 9 | 10 | 13)) || *octet == 0xEF)
    {
        let at = from + found;
        if octets[at] != 0xEF || matches!(octets.get(at + 1..at + 3), Some([0xBF, 0xBE | 0xBF])) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Length of the prefix of a qualified name (0 without one); `None` if it is none (Namespaces §4).
pub fn qualified(name: &str) -> Option<usize> {
    match name.bytes().position(|octet| octet == b':') {
        None => is_ncname(name).then_some(0),
        Some(colon) => {
            let (prefix, local) = (&name[..colon], &name[colon + 1..]);
            (is_ncname(prefix) && is_ncname(local)).then_some(colon)
        }
    }
}

/// A name without a colon (Namespaces §3).
pub fn is_ncname(name: &str) -> bool {
    let octets = name.as_bytes();
    let plain = |octet: &u8| octet.is_ascii_alphabetic() || *octet == b'_';
    if octets.first().is_some_and(plain) {
        let rest = octets.iter().skip(1);
        let mut rest =
            rest.skip_while(|o| plain(o) || o.is_ascii_digit() || matches!(o, b'-' | b'.'));
        match rest.next() {
            None => return true,
            Some(octet) if octet.is_ascii() => return false,
            Some(_) => {}
        }
    }
    let mut chars = name.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

/// A namespace name that canonicalization takes: an absolute URI (RFC 3986 §3), ASCII only, as
/// libxml2 has it. C14N 1.0 §1.3 has relative ones fail.
pub fn is_absolute_uri(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let mut octets = scheme.bytes();
    let named = octets.next().is_some_and(|octet| octet.is_ascii_alphabetic())
        && octets.all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    named
        && is_authority(authority)
        && consists_of(path, b":@/")
        && consists_of(query, b":@/?")
        && consists_of(fragment, b":@/?[]")
}

fn is_authority(authority: &str) -> bool {
    let (user, place) = authority.split_once('@').unwrap_or(("", authority));
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((literal, "")) => (literal, None),
        Some((literal, port)) => (literal, Some(port.strip_prefix(':').unwrap_or("?"))),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let literal = if place.starts_with('[') { ":".as_bytes() } else { b"" };
    let number = |port: &str| {
        !port.is_empty() && port.len() < 9 && port.bytes().all(|octet| octet.is_ascii_digit())
    };
    consists_of(user, b":") && consists_of(host, literal) && port.is_none_or(number)
}

/// Unreserved characters, sub-delimiters, whole escapes, and these.
fn consists_of(text: &str, others: &[u8]) -> bool {
    let escape = |piece: &str| {
        piece.len() >= 2 && piece.bytes().take(2).all(|octet| octet.is_ascii_hexdigit())
    };
    let known = |octet: u8| {
        octet.is_ascii_alphanumeric()
            || b"-._~!$&'()*+,;=%".contains(&octet)
            || others.contains(&octet)
    };
    let escapes = memchr::memchr(b'%', text.as_bytes()).is_some();
    text.bytes().all(known) && (!escapes || text.split('%').skip(1).all(escape))
}

fn starts_name(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic() || c == '_';
    }
    matches!(c,
        '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}' | '\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}'
        | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    }
    starts_name(c) || matches!(c, '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}' | '\u{2040}')
}
