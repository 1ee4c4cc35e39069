//! Where things can be looked at: a link for each type of target, made by a template.
//!
//! **Trust.** Templates are the operator's. What a source sends only fills the places after the host,
//! escaped, so that no event can choose where a link leads.

use std::collections::BTreeMap;

use event::Target;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What need not be escaped in any part of a URL (RFC 3986 section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The places of a template.
const PLACES: [&str; 4] = ["id", "name", "uuid", "type"];

/// Templates of links, by `type` or by `system/type` of targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(BTreeMap<String, String>);

/// A template that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the link for `{key}` cannot be used: write https://host/path with {{id}}, {{name}}, {{uuid}} or {{type}} behind the host"
)]
pub struct LinkError {
    /// The type that it is for.
    pub key: String,
}

impl Links {
    /// Takes templates such as `https://lims.example/samples/{id}`.
    ///
    /// # Errors
    /// Names the first one that cannot be used.
    pub fn new(templates: BTreeMap<String, String>) -> Result<Self, LinkError> {
        let wrong = templates.iter().find(|(_, template)| !is_template(template));
        match wrong {
            Some((key, _)) => Err(LinkError { key: key.clone() }),
            None => Ok(Self(templates)),
        }
    }

    /// Where a target of a system can be looked at; `None` without a template, or without a value
    /// that the template needs.
    pub(crate) fn href(&self, system: &str, target: &Target<'_>) -> Option<String> {
        let template = self
            .0
            .get(&format!("{system}/{}", target.kind))
            .or_else(|| self.0.get(target.kind.as_ref()))?;
        let mut href = String::new();
        let mut rest = template.as_str();
        while let Some((before, place, after)) = next_place(rest) {
            let value = match place {
                "id" => target.id.as_deref()?,
                "name" => target.name.as_deref()?,
                "uuid" => target.uuid.as_deref()?,
                _ => target.kind.as_ref(),
            };
            href.push_str(before);
            href.extend(utf8_percent_encode(value, UNRESERVED));
            rest = after;
        }
        href.push_str(rest);
        Some(href)
    }
}

/// The text before the next place, the place, and the text behind it.
fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (place, after) = rest.split_once('}')?;
    Some((before, place, after))
}

fn is_template(template: &str) -> bool {
    let Some(rest) = template.strip_prefix("https://").or_else(|| template.strip_prefix("http://"))
    else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let mut rest = template;
    while let Some((_, place, after)) = next_place(rest) {
        if !PLACES.contains(&place) {
            return false;
        }
        rest = after;
    }
    // What is left has no place that was not closed.
    !host.is_empty()
        && !host.contains(['{', '@'])
        && !rest.contains(['{', '}'])
        && template.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(key: &str, template: &str) -> Result<Links, LinkError> {
        Links::new([(key.to_owned(), template.to_owned())].into())
    }

    fn target(kind: &'static str, id: Option<&'static str>) -> Target<'static> {
        Target { kind: kind.into(), id: id.map(Into::into), ..Target::default() }
    }

    #[test]
    fn a_value_fills_its_place_and_chooses_nothing_else() {
        let links = links("sample", "https://lims.example/{type}/{id}?from=audit").unwrap();
        for (id, expected) in [
            ("S-17", "https://lims.example/sample/S-17?from=audit"),
            ("../../x?y#z", "https://lims.example/sample/..%2F..%2Fx%3Fy%23z?from=audit"),
            ("\"><script>", "https://lims.example/sample/%22%3E%3Cscript%3E?from=audit"),
        ] {
            let href = links.href("lims", &target("sample", Some(id)));
            assert_eq!(href.as_deref(), Some(expected));
        }
        assert_eq!(links.href("lims", &target("sample", None)), None);
        assert_eq!(links.href("lims", &target("file", Some("x"))), None);
    }

    #[test]
    fn a_systems_own_template_comes_first() {
        let links = Links::new(
            [
                ("file".to_owned(), "https://a.example/{id}".to_owned()),
                ("opencga/file".to_owned(), "https://b.example/{id}".to_owned()),
            ]
            .into(),
        )
        .unwrap();
        let file = target("file", Some("1"));
        assert_eq!(links.href("opencga", &file).as_deref(), Some("https://b.example/1"));
        assert_eq!(links.href("lims", &file).as_deref(), Some("https://a.example/1"));
    }

    #[test]
    fn a_template_that_a_source_could_misuse_is_refused() {
        for template in [
            "javascript:{id}",
            "https://{id}/x",
            "https://{id}.example/x",
            "https://user@host/{id}",
            "https://host/{colour}",
            "https://host/{id",
            "https:///{id}",
            "https://host/a b",
            "",
        ] {
            assert!(links("sample", template).is_err(), "{template}");
        }
        assert!(links("sample", "http://localhost:8080/#/samples/{id}").is_ok());
    }
}
