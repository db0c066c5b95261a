//! The structure tree that makes a printed document readable aloud (ISO 32000-1 §14.7, §14.8).

use lopdf::{Dictionary, Document, Object, ObjectId, dictionary};

/// Structure elements in reading order.
pub(super) struct Tree {
    nodes: Vec<Node>,
    open: Vec<usize>,
}

struct Node {
    tag: &'static str,
    alternative: Option<String>,
    parent: Option<usize>,
    kids: Vec<Kid>,
}

enum Kid {
    Node(usize),
    Content { page: usize, mark: i64 },
}

impl Tree {
    /// A tree with its `Document` element open.
    pub(super) fn new() -> Self {
        let root = Node { tag: "Document", alternative: None, parent: None, kids: Vec::new() };
        Self { nodes: vec![root], open: vec![0] }
    }

    /// Opens an element inside the one that is open.
    pub(super) fn open(&mut self, tag: &'static str, alternative: Option<String>) {
        let parent = self.open.last().copied().unwrap_or(0);
        let node = self.nodes.len();
        self.nodes.push(Node { tag, alternative, parent: Some(parent), kids: Vec::new() });
        if let Some(parent) = self.nodes.get_mut(parent) {
            parent.kids.push(Kid::Node(node));
        }
        self.open.push(node);
    }

    /// Closes the element that is open.
    pub(super) fn close(&mut self) {
        self.open.pop();
    }

    /// Adds a piece of a page's content to the element that is open.
    pub(super) fn content(&mut self, page: usize, mark: i64) {
        let open = self.open.last().copied().unwrap_or(0);
        if let Some(node) = self.nodes.get_mut(open) {
            node.kids.push(Kid::Content { page, mark });
        }
    }

    /// Writes the tree into `document`, whose pages are `pages`, and gives its root.
    pub(super) fn write(&self, document: &mut Document, pages: &[ObjectId]) -> ObjectId {
        let root = document.new_object_id();
        let ids: Vec<ObjectId> = self.nodes.iter().map(|_| document.new_object_id()).collect();
        let mut owners: Vec<Vec<Object>> = vec![Vec::new(); pages.len()];
        for (node, id) in self.nodes.iter().zip(&ids) {
            let mut kids = Vec::with_capacity(node.kids.len());
            let home = node.kids.iter().find_map(Kid::page);
            for kid in &node.kids {
                let (page, mark) = match kid {
                    Kid::Node(at) => {
                        kids.extend(ids.get(*at).map(|id| Object::Reference(*id)));
                        continue;
                    }
                    Kid::Content { page, mark } => (*page, *mark),
                };
                own(&mut owners, page, mark, *id);
                kids.push(match pages.get(page) {
                    Some(target) if home != Some(page) => Object::Dictionary(dictionary! {
                        "Type" => "MCR", "Pg" => *target, "MCID" => mark,
                    }),
                    _ => Object::Integer(mark),
                });
            }
            let parent = node.parent.and_then(|at| ids.get(at)).copied().unwrap_or(root);
            let mut element = dictionary! { "S" => node.tag, "P" => parent };
            if let Some(page) = home.and_then(|page| pages.get(page)) {
                element.set("Pg", *page);
            }
            match (kids.pop(), kids.is_empty()) {
                (Some(only), true) => element.set("K", only),
                (Some(last), false) => {
                    kids.push(last);
                    element.set("K", kids);
                }
                (None, _) => {}
            }
            if let Some(text) = &node.alternative {
                element.set("Alt", lopdf::text_string(text));
            }
            if node.tag == "TH" {
                element.set("A", dictionary! { "O" => "Table", "Scope" => "Column" });
            }
            document.set_object(*id, element);
        }
        let mut numbers = Vec::new();
        for (page, owners) in owners.into_iter().enumerate() {
            numbers.push(Object::Integer(i64::try_from(page).unwrap_or(i64::MAX)));
            numbers.push(Object::Array(owners));
        }
        let parents = document.add_object(dictionary! { "Nums" => numbers });
        let mut dictionary = Dictionary::new();
        dictionary.set("Type", "StructTreeRoot");
        dictionary.set("K", ids.first().copied().map_or(Object::Null, Object::Reference));
        dictionary.set("ParentTree", parents);
        dictionary.set("ParentTreeNextKey", i64::try_from(pages.len()).unwrap_or(i64::MAX));
        document.set_object(root, dictionary);
        root
    }
}

impl Kid {
    fn page(&self) -> Option<usize> {
        match self {
            Self::Node(_) => None,
            Self::Content { page, .. } => Some(*page),
        }
    }
}

/// Notes for the parent tree which element a marked piece of a page belongs to.
fn own(owners: &mut [Vec<Object>], page: usize, mark: i64, element: ObjectId) {
    let (Some(owners), Ok(at)) = (owners.get_mut(page), usize::try_from(mark)) else { return };
    if owners.len() <= at {
        owners.resize(at + 1, Object::Null);
    }
    if let Some(owner) = owners.get_mut(at) {
        *owner = Object::Reference(element);
    }
}
