//! The study that a record does not name and its query does.
//!
//! OpenCGA writes variant reads without a study, but the query says which; and parameters name
//! studies as `organization@project:study`. What is lifted from there is marked as derived, so that
//! nobody takes it for what OpenCGA recorded, and so that the record can be written back.

use std::borrow::Cow;

use event::{Event, Json, Place};

use super::record::DERIVED;
use crate::members::{Members, fits, string};

pub(super) const STUDY: &str = "/scope/study/id";
const PROJECT: &str = "/scope/project/id";
const ORGANIZATION: &str = "/scope/organization/id";

/// A study as people name it in queries.
struct Named<'t> {
    organization: Option<&'t str>,
    project: Option<&'t str>,
    study: &'t str,
}

impl<'t> Named<'t> {
    /// Reads `[[organization@]project:]study`. A list, a negation or a pattern names no one study.
    fn parse(text: &'t str) -> Option<Self> {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
        let (prefix, study) = match text.rsplit_once(':') {
            Some((prefix, study)) => (Some(prefix), study),
            None => (None, text),
        };
        let (organization, project) = match prefix.map(|p| p.split_once('@').ok_or(p)) {
            Some(Ok((organization, project))) => (Some(organization), Some(project)),
            Some(Err(project)) => (None, Some(project)),
            None => (None, None),
        };
        let parts = [organization, project, Some(study)];
        let good = parts.into_iter().flatten().all(|p| fits(p, 256) && p.chars().all(plain));
        good.then_some(Self { organization, project, study })
    }
}

/// Lifts study, project and organization into the event's scope where they are named and the record
/// does not say otherwise.
pub(super) fn derive(event: &mut Event<'static>) {
    let taken = event.attributes.as_ref().and_then(|json| Members::parse(json.as_str()));
    if taken.as_ref().is_some_and(|attributes| attributes.peek(DERIVED).is_some()) {
        return;
    }
    let Some(text) = named(event, taken.as_ref()) else { return };
    let Some(named) = Named::parse(&text) else { return };
    let scope = event.scope.get_or_insert_default();
    let recorded = scope.study.as_ref().and_then(|study| study.id.as_deref());
    if recorded.is_some_and(|id| id != named.study) {
        return;
    }
    let mut derived = Vec::new();
    let mut lift = |place: &mut Option<Place<'static>>, id: Option<&str>, at| {
        if let (true, Some(id)) = (place.is_none(), id) {
            *place = Some(Place { id: Some(id.to_owned().into()), ..Place::default() });
            derived.push(at);
        }
    };
    lift(&mut scope.study, Some(named.study), STUDY);
    lift(&mut scope.project, named.project, PROJECT);
    lift(&mut scope.organization, named.organization, ORGANIZATION);
    if derived.is_empty() {
        return;
    }
    let list: Vec<String> = derived.iter().map(|at| format!("\"{at}\"")).collect();
    let mut attributes = taken.map(Members::into_owned).unwrap_or_default();
    attributes.put(DERIVED, format!("[{}]", list.join(",")));
    event.attributes = attributes.into_attributes();
}

/// The text that names the study: in the query of a variant read, or among the parameters.
fn named(event: &Event<'_>, attributes: Option<&Members<'_>>) -> Option<String> {
    let query = attributes.and_then(|a| a.peek("query")).and_then(Members::parse);
    let from_query = query.and_then(|query| query.peek("study").and_then(string));
    from_query.or_else(|| {
        let params = Members::parse(event.params.as_ref()?.as_str())?;
        ["study", "studyId", "studyStr"].iter().find_map(|name| params.peek(name).and_then(string))
    })
}

/// The pointers of what was lifted.
pub(super) fn derived(event: &Event<'_>) -> Vec<Cow<'static, str>> {
    let list = event.attributes.as_ref().and_then(|json| derived_list(json));
    list.unwrap_or_default()
}

fn derived_list(attributes: &Json<'_>) -> Option<Vec<Cow<'static, str>>> {
    let attributes = Members::parse(attributes.as_str())?;
    let list: Vec<String> = serde_json::from_str(attributes.peek(DERIVED)?).ok()?;
    let known = |at: &String| [STUDY, PROJECT, ORGANIZATION].contains(&at.as_str());
    let ours = !list.is_empty() && list.iter().all(known);
    ours.then(|| list.into_iter().map(Cow::Owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::Moment;

    #[test]
    fn only_what_names_one_study_is_lifted() {
        for (text, expected) in [
            ("acme@rd:phase1", Some((Some("acme"), Some("rd"), "phase1"))),
            ("rd:phase1", Some((None, Some("rd"), "phase1"))),
            ("phase1", Some((None, None, "phase1"))),
            ("a,b", None),
            ("!phase1", None),
            ("~phase.*", None),
            ("", None),
            (":", None),
            ("@:s", None),
        ] {
            let seen = Named::parse(text).map(|n| (n.organization, n.project, n.study));
            assert_eq!(seen, expected, "{text}");
        }
    }

    #[test]
    fn a_study_that_the_record_names_is_not_overruled() {
        let mut event = Event::new(Moment::from_micros(0), "opencga", "UPDATE");
        event.params = Some(Json::parse(r#"{"study":"o@p:other"}"#).unwrap().into_owned());
        let study = Place { id: Some("phase1".into()), ..Place::default() };
        event.scope = Some(event::Scope { study: Some(study), ..event::Scope::default() });
        let before = event.clone();
        derive(&mut event);
        assert_eq!(event, before);
    }
}
