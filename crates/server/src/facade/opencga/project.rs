//! `include` and `exclude`: which members of a record are wanted, as paths with dots.

use serde_json::{Map, Value};

use crate::params::Params;
use crate::problem::Problem;

/// The most paths of a list.
const PATHS_MAX: usize = 64;

/// Which members are wanted.
#[derive(Debug, Default)]
pub(super) struct Projection {
    include: Vec<Vec<String>>,
    exclude: Vec<Vec<String>>,
}

impl Projection {
    /// Takes the two lists out of the parameters.
    pub(super) fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self { include: paths(params, "include")?, exclude: paths(params, "exclude")? })
    }

    /// The record with what is wanted of it, in its order.
    pub(super) fn apply(&self, record: String) -> String {
        if self.include.is_empty() && self.exclude.is_empty() {
            return record;
        }
        // A record is what a writer of ours wrote.
        let Ok(mut value) = serde_json::from_str::<Value>(&record) else { return record };
        if !self.include.is_empty() {
            let paths: Vec<&[String]> = self.include.iter().map(Vec::as_slice).collect();
            value = included(&value, &paths).unwrap_or_else(|| Value::Object(Map::new()));
        }
        for path in &self.exclude {
            exclude(&mut value, path);
        }
        value.to_string()
    }
}

fn paths(params: &mut Params, name: &str) -> Result<Vec<Vec<String>>, Problem> {
    let Some(text) = params.take(name)? else { return Ok(Vec::new()) };
    let paths: Vec<Vec<String>> =
        text.split(',').map(|path| path.split('.').map(ToOwned::to_owned).collect()).collect();
    if paths.len() > PATHS_MAX || paths.iter().flatten().any(String::is_empty) {
        let message = format!("lists up to {PATHS_MAX} fields with commas, as id,status.name");
        return Err(Problem::parameter(name, message));
    }
    Ok(paths)
}

/// What some paths lead to; all of a value where a path ends.
fn included(value: &Value, paths: &[&[String]]) -> Option<Value> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value.clone());
    }
    match value {
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, member) in members {
                let inner: Vec<&[String]> = paths
                    .iter()
                    .filter_map(|path| path.split_first())
                    .filter(|(first, _)| *first == name)
                    .map(|(_, rest)| rest)
                    .collect();
                if !inner.is_empty()
                    && let Some(member) = included(member, &inner)
                {
                    kept.insert(name.clone(), member);
                }
            }
            Some(Value::Object(kept))
        }
        // A path goes through lists, as in MongoDB.
        Value::Array(items) => {
            Some(items.iter().filter_map(|item| included(item, paths)).collect())
        }
        _ => None,
    }
}

fn exclude(value: &mut Value, path: &[String]) {
    match (value, path) {
        (Value::Object(members), [last]) => {
            members.shift_remove(last);
        }
        (Value::Object(members), [first, rest @ ..]) => {
            if let Some(member) = members.get_mut(first) {
                exclude(member, rest);
            }
        }
        (Value::Array(items), path) => items.iter_mut().for_each(|item| exclude(item, path)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(query: &str) -> String {
        let mut params = Params::of(&format!("/x?{query}").parse().unwrap()).unwrap();
        let record = r#"{"id":"a","status":{"name":"SUCCESS","n":1.50},"list":[{"x":1,"y":2}]}"#;
        Projection::take(&mut params).unwrap().apply(record.to_owned())
    }

    #[test]
    fn paths_choose_members() {
        assert_eq!(apply("include=status.name,id"), r#"{"id":"a","status":{"name":"SUCCESS"}}"#);
        assert_eq!(apply("include=nothing"), "{}");
        assert_eq!(apply("include=list.x"), r#"{"list":[{"x":1}]}"#);
        assert_eq!(apply("exclude=status.n,list"), r#"{"id":"a","status":{"name":"SUCCESS"}}"#);
        assert_eq!(apply("include=status&exclude=status.name"), r#"{"status":{"n":1.50}}"#);
        assert_eq!(apply("exclude=id.x,list.y.z"), apply(""), "what is not there");
    }

    #[test]
    fn a_list_has_bounds() {
        for bad in ["include=a,,b".to_owned(), format!("exclude={}a", "a,".repeat(64))] {
            let mut params = Params::of(&format!("/x?{bad}").parse().unwrap()).unwrap();
            assert!(Projection::take(&mut params).is_err());
        }
    }
}
