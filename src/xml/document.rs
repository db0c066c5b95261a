//! The checked tree: one arena of nodes in document order, over one pool of characters.

use std::borrow::Cow;

/// A well-formed, namespace-resolved document that passed every check of this room.
///
/// It owns one copy of its source (line ends normalized); nodes are places in it. Only attribute
/// values that had to be normalized are stored a second time.
#[derive(Debug)]
pub struct Document {
    pub(super) pool: String,
    pub(super) source_length: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) elements: Vec<ElementData>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) declarations: Vec<Declaration>,
    /// The elements with an attribute whose name is `id` in any letter case and namespace.
    pub(super) with_ids: Vec<u32>,
    pub(super) root: u32,
}

/// An element of a [`Document`].
#[derive(Clone, Copy)]
pub struct Element<'a> {
    pub(super) document: &'a Document,
    pub(super) index: u32,
}

/// A piece of the pool.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub start: u32,
    pub length: u32,
}

#[derive(Debug)]
pub(super) struct Node {
    pub kind: Kind,
    /// The element around this node; [`NONE`] beside and at the root.
    pub parent: u32,
    /// The first node after this one's subtree.
    pub end: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// The index into `elements`.
    Element(u32),
    Text(Span),
    Comment(Span),
    Instruction(Span, Span),
}

#[derive(Debug)]
pub(super) struct ElementData {
    pub name: Name,
    /// First and last + 1 of its `attributes`, which stand in canonical order.
    pub attributes: (u32, u32),
    /// First and last + 1 of the `declarations` made on it.
    pub declarations: (u32, u32),
    /// Place of the end tag in the source; of `/>` for an empty-element tag.
    pub closes_at: u32,
    pub empty_tag: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    /// As written, with its prefix.
    pub qualified: Span,
    pub prefix_length: u32,
    /// Index into `declarations`, or [`NONE`].
    pub namespace: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    pub name: Name,
    pub value: Span,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Declaration {
    /// Empty for the default namespace.
    pub prefix: Span,
    /// Empty where the default namespace is taken back.
    pub uri: Span,
}

/// Whether two names are the same. Most are short, and compared by their first and last octets,
/// which overlap: calling for a comparison costs more.
pub(super) fn same_name(one: &[u8], other: &[u8]) -> bool {
    fn ends<const N: usize>(one: &[u8], other: &[u8]) -> bool {
        one.first_chunk::<N>() == other.first_chunk() && one.last_chunk::<N>() == other.last_chunk()
    }
    one.len() == other.len()
        && match one.len() {
            0 => true,
            1 => ends::<1>(one, other),
            2..4 => ends::<2>(one, other),
            4..8 => ends::<4>(one, other),
            8..16 => ends::<8>(one, other),
            16..32 => ends::<16>(one, other),
            32..=64 => ends::<32>(one, other),
            _ => one == other,
        }
}

fn local_part(Name { qualified, prefix_length, .. }: Name) -> Span {
    let skipped = if prefix_length == 0 { 0 } else { prefix_length + 1 };
    Span { start: qualified.start + skipped, length: qualified.length - skipped }
}

/// No node, no namespace.
pub(super) const NONE: u32 = u32::MAX;

impl Document {
    /// The root element.
    pub fn root(&self) -> Element<'_> {
        Element { document: self, index: self.root }
    }

    /// The source the tree was read from, line ends normalized.
    pub(super) fn source(&self) -> &str {
        self.pool.get(..self.source_length).unwrap_or_default()
    }

    pub(super) fn str(&self, span: Span) -> &str {
        let start = span.start as usize;
        self.pool.get(start..start + span.length as usize).unwrap_or_default()
    }

    pub(super) fn octets(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        self.pool.as_bytes().get(start..start + span.length as usize).unwrap_or_default()
    }

    pub(super) fn uri(&self, namespace: u32) -> &str {
        self.declarations.get(namespace as usize).map_or("", |found| self.str(found.uri))
    }

    pub(super) fn prefix(&self, name: Name) -> &str {
        self.str(Span { start: name.qualified.start, length: name.prefix_length })
    }

    pub(super) fn local(&self, name: Name) -> &str {
        self.str(local_part(name))
    }

    /// Whether this is the name `local` of `namespace`. Most names have another length.
    fn is_named(&self, name: Name, namespace: &str, local: &str) -> bool {
        let own = local_part(name);
        own.length as usize == local.len()
            && same_name(self.octets(own), local.as_bytes())
            && same_name(self.uri(name.namespace).as_bytes(), namespace.as_bytes())
    }
}

impl<'a> Element<'a> {
    /// The local name.
    pub fn name(self) -> &'a str {
        self.document.local(self.data().name)
    }

    /// The namespace, if it has one.
    pub fn namespace(self) -> Option<&'a str> {
        Some(self.document.uri(self.data().name.namespace)).filter(|uri| !uri.is_empty())
    }

    /// Whether this is the element `local` of `namespace` (`""` for none), whatever its prefix.
    pub fn is(self, namespace: &str, local: &str) -> bool {
        self.document.is_named(self.data().name, namespace, local)
    }

    /// The value of an attribute without namespace, normalized (XML 1.0 §3.3.3).
    pub fn attribute(self, local: &str) -> Option<&'a str> {
        self.attribute_of("", local)
    }

    /// The value of an attribute of `namespace`.
    pub fn attribute_of(self, namespace: &str, local: &str) -> Option<&'a str> {
        let document = self.document;
        let named = |one: &&Attribute| document.is_named(one.name, namespace, local);
        self.attribute_data().iter().find(named).map(|found| document.str(found.value))
    }

    /// The attributes: namespace (`""` for none), local name, value; namespace declarations are
    /// none.
    pub fn attributes(self) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        let document = self.document;
        self.attribute_data().iter().map(move |attribute| {
            let name = attribute.name;
            (document.uri(name.namespace), document.local(name), document.str(attribute.value))
        })
    }

    /// The element children, in order.
    pub fn children(self) -> impl Iterator<Item = Element<'a>> {
        self.child_nodes().filter_map(move |index| match self.document.nodes[index as usize].kind {
            Kind::Element(_) => Some(Element { document: self.document, index }),
            _ => None,
        })
    }

    /// The first element child with this local name, in any namespace.
    pub fn child(self, local: &str) -> Option<Element<'a>> {
        self.children().find(|child| child.name() == local)
    }

    /// The direct text, concatenated: pieces around comments and children belong together.
    pub fn text(self) -> String {
        let document = self.document;
        let pieces =
            self.child_nodes().filter_map(|index| match document.nodes[index as usize].kind {
                Kind::Text(span) => Some(document.str(span)),
                _ => None,
            });
        pieces.collect()
    }

    /// The text of an element that holds no other elements.
    pub(super) fn leaf(self) -> Option<Cow<'a, str>> {
        let mut text = Cow::Borrowed("");
        for index in self.child_nodes() {
            match self.document.nodes[index as usize].kind {
                Kind::Element(_) => return None,
                Kind::Text(span) if text.is_empty() => text = self.document.str(span).into(),
                Kind::Text(span) => text.to_mut().push_str(self.document.str(span)),
                Kind::Comment(_) | Kind::Instruction(..) => {}
            }
        }
        Some(text)
    }

    /// The element around this one.
    pub fn parent(self) -> Option<Element<'a>> {
        let parent = self.node().parent;
        (parent != NONE).then_some(Element { document: self.document, index: parent })
    }

    /// This element and every element in it, in document order.
    pub fn descendants(self) -> impl Iterator<Item = Element<'a>> {
        let document = self.document;
        (self.index..self.node().end).filter_map(move |index| {
            match document.nodes[index as usize].kind {
                Kind::Element(_) => Some(Element { document, index }),
                _ => None,
            }
        })
    }

    /// Whether `other` is this element or stands in it.
    pub fn contains(self, other: Element<'_>) -> bool {
        (self.index..self.node().end).contains(&other.index)
    }

    /// The name as written, for people to read.
    pub fn qualified_name(self) -> &'a str {
        self.document.str(self.data().name.qualified)
    }

    /// The declaration of a prefix (`""` for the default namespace) that holds at this element:
    /// prefix and namespace name, which is empty where the default one was taken back.
    pub(super) fn binding(self, prefix: &str) -> Option<(&'a str, &'a str)> {
        let document = self.document;
        let mut around = std::iter::successors(Some(self), |element| element.parent());
        around.find_map(|element| {
            let mut declared = element.declarations().iter();
            let found = declared.find(|found| document.str(found.prefix) == prefix)?;
            Some((document.str(found.prefix), document.str(found.uri)))
        })
    }

    pub(super) fn attribute_data(self) -> &'a [Attribute] {
        let (from, to) = self.data().attributes;
        self.document.attributes.get(from as usize..to as usize).unwrap_or_default()
    }

    pub(super) fn declarations(self) -> &'a [Declaration] {
        let (from, to) = self.data().declarations;
        self.document.declarations.get(from as usize..to as usize).unwrap_or_default()
    }

    pub(super) fn node(self) -> &'a Node {
        &self.document.nodes[self.index as usize]
    }

    pub(super) fn data(self) -> &'a ElementData {
        match self.node().kind {
            Kind::Element(data) => &self.document.elements[data as usize],
            // An `Element` is only ever made for a node of this kind.
            _ => &self.document.elements[0],
        }
    }

    fn child_nodes(self) -> impl Iterator<Item = u32> {
        let document = self.document;
        let end = self.node().end;
        let first = Some(self.index + 1).filter(|first| *first < end);
        std::iter::successors(first, move |index| {
            Some(document.nodes[*index as usize].end).filter(|next| *next < end)
        })
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.index == other.index
    }
}

impl Eq for Element<'_> {}

impl std::fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{}>", self.qualified_name())
    }
}

#[cfg(test)]
mod tests {
    use super::same_name;

    #[test]
    fn names_of_every_length_differ_by_any_octet() {
        for length in 0..70 {
            let name = vec![b'a'; length];
            assert!(same_name(&name, &name.clone()));
            assert!(!same_name(&name, &vec![b'a'; length + 1]));
            for place in 0..length {
                let mut other = name.clone();
                other[place] = b'b';
                assert!(!same_name(&name, &other), "{length} {place}");
            }
        }
    }
}
