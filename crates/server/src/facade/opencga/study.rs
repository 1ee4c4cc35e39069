//! `{study}`: `[[organization@]project:]study` by id or UUID, or `*` for every record of the trail,
//! those without a study among them.

use search::{Clause, Field, Query};

use crate::instance::OpenTrail;
use crate::problem::{Code, Problem};

/// Values of a trail that are looked through for a project's or an organization's name.
const PLACES_MAX: usize = 1_000;

/// The conditions that a study makes, and what a person should know of them.
#[derive(Debug, Default)]
pub(super) struct Study {
    pub(super) clauses: Vec<Clause>,
    pub(super) warnings: Vec<String>,
}

/// The parts of a name.
#[derive(Debug, PartialEq, Eq)]
struct Name<'t> {
    organization: Option<&'t str>,
    project: Option<&'t str>,
    /// None for `*`.
    study: Option<&'t str>,
}

impl<'t> Name<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let (organization, rest) = match text.split_once('@') {
            Some((organization, rest)) => (Some(organization), rest),
            None => (None, text),
        };
        let (project, study) = match rest.split_once(':') {
            Some((project, study)) => (Some(project), study),
            None => (None, rest),
        };
        let parts = [organization, project, Some(study)];
        let good = |part: &str| {
            (1..=1_024).contains(&part.len())
                && !part.chars().any(|c| c.is_control() || matches!(c, '@' | ':' | ','))
        };
        let all_good = parts.into_iter().flatten().all(good);
        let study = Some(study).filter(|study| *study != "*");
        all_good.then_some(Self { organization, project, study })
    }
}

/// Finds a study among what the trail's records name.
///
/// # Errors
/// When no record names it.
pub(super) fn resolve(open: &OpenTrail, text: &str) -> Result<Study, Problem> {
    let name = Name::parse(text).ok_or_else(|| {
        Problem::parameter("study", "is one study, written [[organization@]project:]study, or *")
    })?;
    let mut study = Study::default();
    let named = name.study.map(|id| Clause::exactly(Field::Study, id));
    study.clauses.extend(named);
    let base = Query { clauses: study.clauses.clone(), ..Query::default() };
    let fields = [Field::Organization, Field::Project];
    let found = open.projection.facets(&base, &fields, PLACES_MAX)?;
    if found.count == 0 && name.study.is_some() {
        return Err(absent(format!(
            "no record of this trail names the study `{text}`; `*` means every record, also those \
             without a study"
        )));
    }
    let wanted = [name.organization, name.project];
    for ((wanted, field), facet) in wanted.into_iter().zip(fields).zip(found.facets) {
        let Some(wanted) = wanted else { continue };
        let values: Vec<&str> = facet.values.iter().map(|(value, _)| value.as_str()).collect();
        place(&mut study, field, wanted, &values)?;
    }
    Ok(study)
}

/// Records seldom say the organization and the project of their study. Where those that do all name
/// the one that is wanted, the rest are of it too; where they name several, the rest are left out.
fn place(study: &mut Study, field: Field, wanted: &str, values: &[&str]) -> Result<(), Problem> {
    match values {
        [] => {}
        [only] if *only == wanted => {}
        several if several.contains(&wanted) => {
            study.clauses.push(Clause::exactly(field, wanted));
            study.warnings.push(format!(
                "the trail has studies of this name in several places; only records that name the \
                 {field} `{wanted}` themselves are given. The study's UUID gives them all"
            ));
        }
        _ => {
            let message = format!("no record of this trail names the {field} `{wanted}` with it");
            return Err(absent(message));
        }
    }
    Ok(())
}

fn absent(message: String) -> Problem {
    Problem::new(Code::NoSuchResource).detail(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_is_named_with_what_it_lies_in() {
        let name = |organization, project, study| Some(Name { organization, project, study });
        for (text, expected) in [
            ("phase1", name(None, None, Some("phase1"))),
            ("1000G:phase1", name(None, Some("1000G"), Some("phase1"))),
            ("acme@1000G:phase1", name(Some("acme"), Some("1000G"), Some("phase1"))),
            ("*", name(None, None, None)),
            ("acme@*", name(Some("acme"), None, None)),
            ("acme@rd:*", name(Some("acme"), Some("rd"), None)),
            ("", None),
            ("a,b", None),
            ("@x", None),
            ("a@:x", None),
            ("a:b:c", None),
            ("a@b@c", None),
            ("a\u{7}", None),
        ] {
            assert_eq!(Name::parse(text), expected, "{text}");
        }
    }
}
