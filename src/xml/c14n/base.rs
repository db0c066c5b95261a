//! Joining `xml:base` values for Canonical XML 1.1 (§2.4, the function join-URI-References).

/// Resolves `reference` against `base`, both of which may be relative (RFC 3986 §5.2 with the
/// changes of C14N 1.1 §2.4: no scheme is needed, leading `..` stay, a fragment of the base goes).
pub(super) fn join(base: &str, reference: &str) -> String {
    let (base, reference) = (Parts::of(base), Parts::of(reference));
    let (scheme, authority, path, query) = if reference.scheme.is_some() {
        (reference.scheme, reference.authority, without_dots(reference.path), reference.query)
    } else if reference.authority.is_some() {
        (base.scheme, reference.authority, without_dots(reference.path), reference.query)
    } else if reference.path.is_empty() {
        let query = reference.query.or(base.query);
        (base.scheme, base.authority, without_dots(base.path), query)
    } else {
        let path = if reference.path.starts_with('/') {
            without_dots(reference.path)
        } else {
            without_dots(&merged(&base, reference.path))
        };
        (base.scheme, base.authority, path, reference.query)
    };
    let mut joined = String::new();
    for (before, part, after) in [("", scheme, ":"), ("//", authority, "")] {
        if let Some(part) = part {
            joined.push_str(before);
            joined.push_str(part);
            joined.push_str(after);
        }
    }
    joined.push_str(&path);
    for (before, part) in [("?", query), ("#", reference.fragment)] {
        if let Some(part) = part {
            joined.push_str(before);
            joined.push_str(part);
        }
    }
    joined
}

#[derive(Clone, Copy)]
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// RFC 3986, appendix B.
    fn of(uri: &'a str) -> Self {
        let cut = |text: &'a str, at: char| match text.split_once(at) {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        let (rest, fragment) = cut(uri, '#');
        let (rest, query) = cut(rest, '?');
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest)) if !scheme.is_empty() && !scheme.contains('/') => {
                (Some(scheme), rest)
            }
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path, query, fragment }
    }
}

fn merged(base: &Parts<'_>, path: &str) -> String {
    if base.path.is_empty() && base.authority.is_some() {
        return format!("/{path}");
    }
    // A base that ends in `.` or `..` names a folder.
    let folder = match base.path.rsplit_once('/') {
        Some((_, "." | "..")) => format!("{}/", base.path),
        Some((folder, _)) => format!("{folder}/"),
        None if matches!(base.path, "." | "..") => format!("{}/", base.path),
        None => String::new(),
    };
    folder + path
}

fn without_dots(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut pieces = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(piece) = pieces.next() {
        let last = pieces.peek().is_none();
        match piece {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                match kept.last() {
                    Some(&"..") | None if !rooted => kept.push(".."),
                    _ => {
                        kept.pop();
                    }
                }
                if last {
                    kept.push("");
                }
            }
            // C14N 1.1 folds empty pieces: consecutive slashes become one.
            "" if !last => {}
            _ => kept.push(piece),
        }
    }
    let joined = kept.join("/");
    if rooted { format!("/{joined}") } else { joined }
}
