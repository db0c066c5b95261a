//! Joining `xml:base` values for Canonical XML 1.1 (§2.4, the function join-URI-References).

/// Resolves `reference` against `base`, both of which may be relative: RFC 3986 §5.2 with the changes
/// of C14N 1.1 §2.4 (no scheme is needed, leading `..` stay, a fragment of the base goes), and where
/// these leave it open as libxml2 has it: only merged paths lose their dots.
pub(super) fn join(base: &str, reference: &str) -> String {
    // A base that ends in `..` names a folder.
    let upwards = base == ".." || base.ends_with("/..");
    let base = if upwards { format!("{base}/") } else { base.to_owned() };
    let (base, reference) = (Parts::of(&base), Parts::of(reference));
    if reference.scheme.is_some() {
        return reference.written();
    }
    let path;
    let joined = if reference.authority.is_some() {
        Parts { scheme: base.scheme, ..reference }
    } else if reference.path.is_empty() {
        let query = reference.query.or(base.query);
        Parts { query, fragment: reference.fragment, ..base }
    } else {
        path = match reference.path.starts_with('/') {
            true => reference.path.to_owned(),
            false => without_dots(&merged(&base, reference.path)),
        };
        let (scheme, authority) = (base.scheme, base.authority);
        Parts { scheme, authority, path: &path, ..reference }
    };
    joined.written()
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
    fn written(self) -> String {
        let mut out = String::new();
        for (before, part, after) in [
            ("", self.scheme, ":"),
            ("//", self.authority, ""),
            ("", Some(self.path), ""),
            ("?", self.query, ""),
            ("#", self.fragment, ""),
        ] {
            if let Some(part) = part {
                out.extend([before, part, after]);
            }
        }
        out
    }

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
    let folder = base.path.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
    folder.unwrap_or_default() + path
}

fn without_dots(path: &str) -> String {
    let rest = path.trim_start_matches('/');
    let root = path.len() - rest.len();
    let mut kept: Vec<&str> = Vec::new();
    // Whether what is kept names a folder, and whether the path ends above its root.
    let (mut folder, mut above) = (false, false);
    // C14N 1.1 folds empty pieces: consecutive slashes become one.
    for piece in rest.split('/') {
        (folder, above) = (true, false);
        match (piece, kept.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => drop(kept.pop()),
            ("..", None) if root > 0 => above = true,
            _ => {
                kept.push(piece);
                folder = false;
            }
        }
    }
    if kept.is_empty() && above {
        return String::new();
    }
    let mut joined = "/".repeat(root) + &kept.join("/");
    if folder && !kept.is_empty() {
        joined.push('/');
    }
    joined
}
