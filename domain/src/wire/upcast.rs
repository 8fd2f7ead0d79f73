//! Brings old forms of events up to date, one step at a time.

use super::WireError;
use serde_json::Value;

/// A stored event whose form is not the current one.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub type_name: String,
    pub schema_version: u32,
    pub payload: Value,
}

/// One step from one form to the next.
pub struct Upcaster {
    pub type_name: &'static str,
    pub schema_version: u32,
    /// Pure. Gives none, one or several forms, each nearer to a current one; or a reason why not.
    pub upcast: fn(Stored) -> Result<Vec<Stored>, String>,
}

/// Longest chain of steps; more can only be a circle.
const STEPS_MAX: usize = 100;

/// Applies the steps until none fits any more.
pub(super) fn upcast(upcasters: &[Upcaster], stored: Stored) -> Result<Vec<Stored>, WireError> {
    let mut forms = vec![stored];
    for _step in 0..STEPS_MAX {
        let mut is_settled = true;
        let mut next = Vec::with_capacity(forms.len());
        for form in forms {
            let fits = |it: &&Upcaster| {
                it.type_name == form.type_name && it.schema_version == form.schema_version
            };
            match upcasters.iter().find(fits) {
                None => next.push(form),
                Some(upcaster) => {
                    is_settled = false;
                    next.extend(step(upcaster, form)?);
                }
            }
        }
        if is_settled {
            return Ok(next);
        }
        forms = next;
    }
    let form = forms.swap_remove(0);
    Err(refused(&form.type_name, form.schema_version, "the upcasters form a circle".to_owned()))
}

fn step(upcaster: &Upcaster, form: Stored) -> Result<Vec<Stored>, WireError> {
    (upcaster.upcast)(form)
        .map_err(|reason| refused(upcaster.type_name, upcaster.schema_version, reason))
}

fn refused(type_name: &str, schema_version: u32, reason: String) -> WireError {
    WireError::Upcast { type_name: type_name.to_owned(), schema_version, reason }
}
