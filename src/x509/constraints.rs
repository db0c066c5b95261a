//! Name constraints along a path (RFC 5280 §6.1.3 b, c and §6.1.4 g).

use super::extensions::NameConstraints;
use super::{Certificate, GeneralName};
use crate::limits;

const EMAIL_ADDRESS: &str = "1.2.840.113549.1.9.1";

/// The constraints gathered so far. Permitted subtrees of several certificates are kept apart:
/// a name must lie in one of each.
#[derive(Debug, Default)]
pub(crate) struct Constraints<'a> {
    gathered: Vec<&'a NameConstraints>,
    comparisons: usize,
}

impl<'a> Constraints<'a> {
    /// Adds the constraints of a certificate for those below it.
    pub(crate) fn add(&mut self, certificate: &'a Certificate) {
        self.gathered.extend(certificate.extensions().name_constraints.as_ref());
    }

    /// Checks every name of a certificate.
    pub(crate) fn check(&mut self, certificate: &Certificate) -> Result<(), String> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let subject = certificate.subject();
        if !subject.is_empty() {
            self.check_name(&GeneralName::Directory(subject.clone()))?;
        }
        let alternative = certificate.alternative_names();
        alternative.iter().try_for_each(|name| self.check_name(name))?;
        if alternative.is_empty() {
            let mailboxes = subject.attributes().filter(|(oid, _)| *oid == EMAIL_ADDRESS);
            for (_, mailbox) in mailboxes {
                self.check_name(&GeneralName::Email(mailbox.to_owned()))?;
            }
        }
        Ok(())
    }

    fn check_name(&mut self, name: &GeneralName) -> Result<(), String> {
        let Self { gathered, comparisons } = self;
        for constraints in gathered.iter() {
            for base in &constraints.excluded {
                spend(comparisons)?;
                let bears = base.same_form(name);
                if bears && (!name.is_sound() || name.within(base, true) != Some(false)) {
                    return Err(format!("the name {name:?} is excluded by {base:?}"));
                }
            }
            let mut permitted = None;
            for base in &constraints.permitted {
                spend(comparisons)?;
                if permitted != Some(true) && base.same_form(name) {
                    permitted = Some(name.is_sound() && name.within(base, false) == Some(true));
                }
            }
            if permitted == Some(false) {
                return Err(format!("the name {name:?} lies in no permitted subtree"));
            }
        }
        Ok(())
    }
}

fn spend(comparisons: &mut usize) -> Result<(), String> {
    *comparisons += 1;
    match *comparisons > limits::PATH_NAME_COMPARISONS {
        true => Err("too many comparisons of names with constraints".to_owned()),
        false => Ok(()),
    }
}
