//! A problem on its way to a client.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Code;

/// The most details that one problem names; the rest are counted.
const DETAILS_MAX: usize = 100;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Detail {
    /// Position of the event in the request, from zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// JSON pointer of the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The parameter of the URL, or the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The rule that is broken, as a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Byte offset in the body, or in the parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

/// A refusal: what the client is told, and what only the diagnostics say.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: Code,
    detail: Option<String>,
    errors: Vec<Detail>,
    errors_left_out: usize,
    members: Map<String, Value>,
    retry_after_seconds: Option<u32>,
    /// For the diagnostics only.
    internal: Option<String>,
}

impl Problem {
    /// A problem of a kind.
    pub fn new(code: Code) -> Self {
        Self(Box::new(Parts {
            code,
            detail: None,
            errors: Vec::new(),
            errors_left_out: 0,
            members: Map::new(),
            retry_after_seconds: None,
            internal: None,
        }))
    }

    /// Says what happened this time, for a person.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Names one thing that is wrong.
    #[must_use]
    pub fn because(mut self, detail: Detail) -> Self {
        if self.0.errors.len() < DETAILS_MAX {
            self.0.errors.push(detail);
        } else {
            self.0.errors_left_out += 1;
        }
        self
    }

    /// Adds a member for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// Keeps the reason for the diagnostics: the chain of an error.
    #[must_use]
    pub fn caused_by(mut self, error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        self.0.internal = Some(text);
        self
    }

    /// A body, batch or event beyond a limit.
    pub fn too_large(limit: usize, unit: &str, detail: impl Into<String>) -> Self {
        Self::new(Code::TooLarge).detail(detail).with("limit", limit).with("unit", unit)
    }

    /// A parameter of the URL, or a header, that is wrong.
    pub fn parameter(name: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(Code::InvalidParameter).detail(format!("{name}: {message}")).because(Detail {
            parameter: Some(name.to_owned()),
            message,
            ..Detail::default()
        })
    }

    /// What kind it is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened, for a person.
    pub fn message(&self) -> &str {
        self.0.detail.as_deref().unwrap_or_else(|| self.0.code.title())
    }

    /// The reason that only the diagnostics say.
    pub fn internal(&self) -> Option<&str> {
        self.0.internal.as_deref()
    }

    /// The problem as a JSON object (RFC 9457).
    pub fn to_json(&self) -> Value {
        let Parts { code, detail, errors, errors_left_out, members, .. } = self.0.as_ref();
        let mut object = Map::new();
        object.insert("type".to_owned(), code.url().into());
        object.insert("title".to_owned(), code.title().into());
        object.insert("status".to_owned(), code.status().as_u16().into());
        object.insert("code".to_owned(), code.as_str().into());
        if let Some(detail) = detail {
            object.insert("detail".to_owned(), detail.as_str().into());
        }
        if !errors.is_empty() {
            object.insert("errors".to_owned(), json!(errors));
        }
        if *errors_left_out > 0 {
            object.insert("errors_left_out".to_owned(), json!(errors_left_out));
        }
        object.extend(members.clone());
        Value::Object(object)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json().to_string()));
        *response.status_mut() = self.0.code.status();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.0.code == Code::Unauthenticated {
            let how = HeaderValue::from_static("Bearer realm=\"indelible\"");
            headers.insert(header::WWW_AUTHENTICATE, how);
        }
        // Left for whoever counts and logs.
        response
            .extensions_mut()
            .insert(Told { code: self.0.code, internal: self.0.internal.map(Into::into) });
        response
    }
}

/// What a response says of the problem that it carries, to the log line and the metrics.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) code: Code,
    pub(crate) internal: Option<std::sync::Arc<str>>,
}
