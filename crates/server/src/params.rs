//! Parameters of the URL: each known, each once, each decoded strictly.

use axum::http::Uri;
use percent_encoding::percent_decode_str;

use crate::problem::Problem;

/// The most bytes of a URL's query.
const QUERY_BYTES_MAX: usize = 64 * 1024;

/// The parameters of one URL, taken out one after the other.
#[derive(Debug)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Decodes the query of a URL, as forms encode it: `+` is a space.
    ///
    /// # Errors
    /// [`Code::InvalidParameter`](crate::Code::InvalidParameter) for what is not UTF-8 or too long.
    pub fn of(uri: &Uri) -> Result<Self, Problem> {
        let query = uri.query().unwrap_or_default();
        if query.len() > QUERY_BYTES_MAX {
            let message = format!("the query of the URL has at most {QUERY_BYTES_MAX} bytes");
            return Err(Problem::parameter("?", message));
        }
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(|| Problem::parameter("?", "is not UTF-8"))?;
            let value = decode(value).ok_or_else(|| Problem::parameter(&name, "is not UTF-8"))?;
            Ok((name, value))
        });
        pairs.collect::<Result<_, Problem>>().map(Self)
    }

    /// Whether a character stands in any value that was not taken yet.
    pub(crate) fn has(&self, character: char) -> bool {
        self.0.iter().any(|(_, value)| value.contains(character))
    }

    /// Takes a parameter that may stand once. One that is empty counts as absent.
    ///
    /// # Errors
    /// When it stands twice.
    pub fn take(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = self.take_all(name);
        let value = values.pop();
        if values.is_empty() {
            Ok(value.filter(|value| !value.is_empty()))
        } else {
            Err(Problem::parameter(name, "stands twice"))
        }
    }

    /// Takes every value of a parameter.
    pub fn take_all(&mut self, name: &str) -> Vec<String> {
        self.0.extract_if(.., |(other, _)| other == name).map(|(_, value)| value).collect()
    }

    /// Takes a parameter that must be there.
    ///
    /// # Errors
    /// When it is absent or stands twice.
    pub fn required(&mut self, name: &str) -> Result<String, Problem> {
        self.take(name)?.ok_or_else(|| Problem::parameter(name, "is required"))
    }

    /// Takes a whole number within bounds.
    ///
    /// # Errors
    /// When it is not one.
    pub fn number(
        &mut self,
        name: &str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, Problem> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        let message = || format!("is a whole number from {} to {}", bounds.start(), bounds.end());
        number.map(Some).ok_or_else(|| Problem::parameter(name, message()))
    }

    /// Takes one of some words.
    ///
    /// # Errors
    /// When it is another.
    pub fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = || format!("is one of {}", known.join(", "));
        found.map(Some).ok_or_else(|| Problem::parameter(name, message()))
    }

    /// What was not taken.
    pub fn rest(self) -> Vec<(String, String)> {
        self.0
    }

    /// Refuses what was not taken.
    ///
    /// # Errors
    /// Names the first unknown parameter.
    pub fn finish(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::parameter(name, "is not a parameter of this resource")),
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        Params::of(&format!("/x?{query}").parse().unwrap()).unwrap()
    }

    #[test]
    fn each_parameter_is_known_and_stands_once() {
        let mut one = params("q=a+b%20c%2B&limit=7&q2=&limit=8");
        assert_eq!(one.take("q").unwrap().as_deref(), Some("a b c+"));
        assert!(one.number("limit", 1..=10).is_err(), "it stands twice");
        assert_eq!(one.take("q2").unwrap(), None);
        assert!(one.finish().is_ok());
        assert!(params("x=1").finish().is_err());
        assert!(Params::of(&"/x?a=%ff".parse().unwrap()).is_err());
        for bad in ["n=0", "n=11", "n=-1", "n=1e1", "n=99999999999999999999"] {
            assert!(params(bad).number("n", 1..=10).is_err(), "{bad}");
        }
        assert!(params("o=up").word("o", &[("down", 1)]).is_err());
    }
}
