//! The form over a list and the facets beside it, both edits of the one question.

use search::{Facets, Field, Query};

use super::criteria::{Criteria, excluding, form_value, includes, including, with_form_value};
use super::row::NO_OUTCOME;
use super::text::{self, Html, grouped};
use super::visit::Visit;
use crate::instance::OpenTrail;
use crate::params::Params;
use crate::problem::Problem;

/// The fields of the form: their names in the URL and for a person.
pub(crate) const FORM: [(&str, &str, Field); 13] = [
    ("f.actor", "User name", Field::Actor),
    ("f.type", "Entity type", Field::TargetType),
    ("f.action", "Action", Field::Action),
    ("f.target", "Entity", Field::Target),
    ("f.outcome", "Outcome", Field::Outcome),
    ("f.source", "Source system", Field::System),
    ("f.organization", "Organization", Field::Organization),
    ("f.workspace", "Workspace", Field::Workspace),
    ("f.project", "Project", Field::Project),
    ("f.study", "Study", Field::Study),
    ("f.ip", "IP address or network", Field::Ip),
    ("f.reason", "Reason", Field::Reason),
    ("f.imported", "Imported or live", Field::Imported),
];

/// The facets beside a list.
const FACETS: [(Field, &str); 9] = [
    (Field::Outcome, "Outcome"),
    (Field::Kind, "Kind of action"),
    (Field::Action, "Action"),
    (Field::TargetType, "Entity type"),
    (Field::Actor, "User"),
    (Field::System, "Source system"),
    (Field::Organization, "Organization"),
    (Field::Project, "Project"),
    (Field::Study, "Study"),
];

/// Values of a facet that are shown.
const TOP: usize = 8;

/// Values that a list of choices offers.
const CHOICES_MAX: usize = 200;

/// One input of the form.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) value: String,
    /// What can be chosen, with how many events each; empty for free text.
    pub(crate) choices: Vec<(String, String)>,
}

/// A facet, ready to be shown.
#[derive(Debug)]
pub(crate) struct FacetView {
    pub(crate) title: &'static str,
    pub(crate) values: Vec<FacetValue>,
    /// How many more values there are.
    pub(crate) more: String,
}

/// One value of a facet.
#[derive(Debug)]
pub(crate) struct FacetValue {
    pub(crate) text: Html,
    pub(crate) plain: String,
    pub(crate) count: String,
    pub(crate) included: bool,
    pub(crate) include: String,
    pub(crate) exclude: String,
}

/// Takes the form's fields out of a URL. Where one differs from what the page showed (`was`), the
/// question changes with it; the answer is the question to go to, or `None` when no form was sent.
pub(crate) fn submitted(
    params: &mut Params,
    criteria: &Criteria,
    visit: &Visit,
) -> Result<Option<Query>, Problem> {
    let was = params.take("was")?;
    let mut query = criteria.query.clone();
    let mut sent = was.is_some();
    let was = was.unwrap_or_default();
    let was = super::criteria::parse(&was, &visit.taste.clock).unwrap_or_default();
    for (name, _, field) in FORM {
        let values = params.take_all(name);
        let Some(value) = values.into_iter().next_back() else { continue };
        sent = true;
        if value.trim() != form_value(&was, field) {
            query = with_form_value(query, field, &value);
        }
    }
    Ok(sent.then_some(query))
}

/// The inputs of the form. Actions are those of the chosen type of entity.
pub(crate) fn inputs(open: &OpenTrail, query: &Query) -> Result<Vec<Input>, Problem> {
    let of_type = match form_value(query, Field::TargetType).as_str() {
        "" => Query::default(),
        kind => with_form_value(Query::default(), Field::TargetType, kind),
    };
    let counted = open.projection.facets(
        &Query::default(),
        &[Field::TargetType, Field::Outcome, Field::System],
        CHOICES_MAX,
    )?;
    let actions = open.projection.facets(&of_type, &[Field::Action], CHOICES_MAX)?;
    let choices = |facets: &Facets, field: Field| {
        let facet = facets.facets.iter().find(|facet| facet.field == field);
        let values = facet.map(|facet| facet.values.clone()).unwrap_or_default();
        let mut list: Vec<(String, String)> = values
            .into_iter()
            .map(|(value, count)| {
                let title = format!("{} ({})", text::plain(&value), grouped(count));
                (value, title)
            })
            .collect();
        list.sort();
        list
    };
    let words = |list: [(&str, &str); 2]| {
        list.map(|(word, title)| (word.to_owned(), title.to_owned())).to_vec()
    };
    let list = FORM.into_iter().map(|(name, title, field)| {
        let choices = match field {
            Field::TargetType | Field::System => choices(&counted, field),
            Field::Outcome => {
                let none = ("none".to_owned(), NO_OUTCOME.to_owned());
                choices(&counted, field).into_iter().chain([none]).collect()
            }
            Field::Action => choices(&actions, field),
            Field::Reason => words([("any", "Given"), ("none", "Missing")]),
            Field::Imported => words([("no", "Live"), ("yes", "Imported")]),
            _ => Vec::new(),
        };
        let mut input = Input { name, title, value: form_value(query, field), choices };
        let known = input.choices.iter().any(|(value, _)| *value == input.value);
        if !input.choices.is_empty() && !input.value.is_empty() && !known {
            let value = input.value.clone();
            input.choices.push((value.clone(), text::plain(&value)));
        }
        input
    });
    Ok(list.collect())
}

/// The facets of what is meant.
pub(crate) fn facets(
    open: &OpenTrail,
    question: &Query,
    criteria: &Criteria,
) -> Result<(Vec<FacetView>, u64), Problem> {
    let fields = FACETS.map(|(field, _)| field);
    let counted = open.projection.facets(question, &fields, TOP)?;
    let slug = open.slug.as_str();
    let href = |query: Query| format!("/t/{slug}{}", criteria.asking(query).href());
    let views = counted.facets.iter().filter_map(|facet| {
        let (_, title) = FACETS.into_iter().find(|(field, _)| *field == facet.field)?;
        let values: Vec<FacetValue> = facet
            .values
            .iter()
            .map(|(value, count)| FacetValue {
                text: text::clipped(value, 60),
                plain: text::plain(value),
                count: grouped(*count),
                included: includes(&criteria.query, facet.field, value),
                include: href(including(criteria.query.clone(), facet.field, value)),
                exclude: href(excluding(criteria.query.clone(), facet.field, value)),
            })
            .collect();
        let more = facet.distinct.saturating_sub(values.len() as u64);
        let more = match more {
            0 => String::new(),
            1 => "1 more value".to_owned(),
            more => format!("{} more values", grouped(more)),
        };
        (!values.is_empty()).then_some(FacetView { title, values, more })
    });
    Ok((views.collect(), counted.count))
}
