//! Certificate policies along a path: RFC 5280 §6.1 as corrected by RFC 9618.
//!
//! RFC 9618 replaces the tree, which grows without bound, by a graph with one node for each
//! policy and depth. Only the lowest level is kept here: a node without children above it never
//! matters again, and every node remembers the policies of the anchor's domain it descends from,
//! which is all the final intersection asks for.

use std::collections::{BTreeMap, BTreeSet};

use super::Certificate;
use super::extensions::ANY_POLICY;

/// What the relying party asks of policies (RFC 5280 §6.1.1 c–g).
#[derive(Clone, Copy, Debug, Default)]
pub struct PolicyRequest<'a> {
    /// Acceptable policies as dotted identifiers; empty is any policy.
    pub acceptable: &'a [&'a str],
    /// Whether the path must be valid for at least one of them.
    pub explicit: bool,
    /// Whether mappings are not allowed.
    pub inhibit_mapping: bool,
    /// Whether `anyPolicy` in certificates is not honoured.
    pub inhibit_any: bool,
}

impl PolicyRequest<'_> {
    /// Whether nothing is asked.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { acceptable, explicit, inhibit_mapping, inhibit_any } = self;
        acceptable.is_empty() && !explicit && !inhibit_mapping && !inhibit_any
    }
}

/// The state of §6.1.2 that concerns policies.
#[derive(Debug)]
pub(crate) struct Policies<'a> {
    level: BTreeMap<&'a str, Node<'a>>,
    explicit: u32,
    mapping: u32,
    any: u32,
}

#[derive(Clone, Debug)]
struct Node<'a> {
    expected: BTreeSet<&'a str>,
    /// Policies of the anchor's domain; `anyPolicy` for the chain of such nodes.
    roots: BTreeSet<&'a str>,
}

impl Node<'_> {
    fn any() -> Self {
        Self { expected: one(ANY_POLICY), roots: one(ANY_POLICY) }
    }
}

impl<'a> Policies<'a> {
    /// The state before the first certificate of a path of `length` (anchor not counted).
    pub(crate) fn new(request: &PolicyRequest<'_>, length: u32) -> Self {
        let start = |now: bool| if now { 0 } else { length + 1 };
        Self {
            level: BTreeMap::from([(ANY_POLICY, Node::any())]),
            explicit: start(request.explicit),
            mapping: start(request.inhibit_mapping),
            any: start(request.inhibit_any),
        }
    }

    /// §6.1.3 (d)–(f): takes the policies of the next certificate.
    pub(crate) fn process(
        &mut self,
        certificate: &'a Certificate,
        last: bool,
    ) -> Result<(), String> {
        let extensions = certificate.extensions();
        let mut next: BTreeMap<&str, Node<'_>> = BTreeMap::new();
        if extensions.has_policies && !self.level.is_empty() {
            let named = extensions.policies.iter().map(String::as_str);
            for policy in named.filter(|policy| *policy != ANY_POLICY) {
                if next.contains_key(policy) {
                    return Err(format!("policy {policy} stands twice"));
                }
                let roots = self.roots_of(policy);
                let roots = match roots.is_empty() {
                    true if self.level.contains_key(ANY_POLICY) => one(policy),
                    _ => roots,
                };
                if !roots.is_empty() {
                    next.insert(policy, Node { expected: one(policy), roots });
                }
            }
            let any = extensions.policies.iter().any(|policy| policy == ANY_POLICY);
            if any && (self.any > 0 || (!last && certificate.is_self_issued())) {
                let expected: BTreeSet<&str> =
                    self.level.values().flat_map(|node| node.expected.iter().copied()).collect();
                for policy in expected {
                    if !next.contains_key(policy) {
                        let roots = self.roots_of(policy);
                        next.insert(policy, Node { expected: one(policy), roots });
                    }
                }
            }
        }
        self.level = next;
        self.needed()
    }

    /// §6.1.4 (a), (b), (h)–(j): prepares for the certificate after this one.
    pub(crate) fn prepare(&mut self, certificate: &'a Certificate) -> Result<(), String> {
        let extensions = certificate.extensions();
        let mut mappings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, to) in &extensions.policy_mappings {
            if from == ANY_POLICY || to == ANY_POLICY {
                return Err("a policy mapping from or to anyPolicy".to_owned());
            }
            mappings.entry(from).or_default().insert(to);
        }
        for (from, to) in mappings {
            if self.mapping == 0 {
                self.level.remove(from);
            } else if let Some(node) = self.level.get_mut(from) {
                node.expected = to;
            } else if self.level.contains_key(ANY_POLICY) {
                self.level.insert(from, Node { expected: to, roots: one(from) });
            }
        }
        if !certificate.is_self_issued() {
            for counter in [&mut self.explicit, &mut self.mapping, &mut self.any] {
                *counter = counter.saturating_sub(1);
            }
        }
        self.constrain(certificate);
        let inhibit = extensions.inhibit_any_policy.unwrap_or(u32::MAX);
        self.any = self.any.min(inhibit);
        Ok(())
    }

    /// Applies policy constraints (also those of the trust anchor, RFC 5937 §3.2).
    pub(crate) fn constrain(&mut self, certificate: &Certificate) {
        let constraints = certificate.extensions().policy_constraints;
        self.explicit = self.explicit.min(constraints.require_explicit_policy.unwrap_or(u32::MAX));
        self.mapping = self.mapping.min(constraints.inhibit_policy_mapping.unwrap_or(u32::MAX));
    }

    /// §6.1.5 (a), (b), (g): the end.
    pub(crate) fn wrap_up(
        mut self,
        leaf: &Certificate,
        request: &PolicyRequest<'_>,
    ) -> Result<(), String> {
        self.explicit = self.explicit.saturating_sub(1);
        if leaf.extensions().policy_constraints.require_explicit_policy == Some(0) {
            self.explicit = 0;
        }
        if !request.acceptable.is_empty() && !request.acceptable.contains(&ANY_POLICY) {
            self.level.retain(|_, node| {
                let mut roots = node.roots.iter();
                roots.any(|root| *root == ANY_POLICY || request.acceptable.contains(root))
            });
        }
        self.needed()
    }

    fn roots_of(&self, policy: &str) -> BTreeSet<&'a str> {
        let parents = self.level.values().filter(|node| node.expected.contains(policy));
        parents.flat_map(|node| node.roots.iter().copied()).collect()
    }

    fn needed(&self) -> Result<(), String> {
        if self.explicit == 0 && self.level.is_empty() {
            return Err("the path is valid for no acceptable certificate policy".to_owned());
        }
        Ok(())
    }
}

fn one(policy: &str) -> BTreeSet<&str> {
    BTreeSet::from([policy])
}
