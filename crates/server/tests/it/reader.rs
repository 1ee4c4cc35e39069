//! A reader of the pages, signed in, without a browser.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::app::{Answered, TestApp};

/// Somebody with a session.
pub(crate) struct Reader<'a> {
    app: &'a TestApp,
    cookies: String,
}

impl<'a> Reader<'a> {
    pub(crate) async fn sign_in(app: &'a TestApp, zone: &str) -> Self {
        let form = format!("to=/t/lab&token={}", app.token);
        let request = Request::post("/signin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form));
        let answer = app.send(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let session = answer.header("set-cookie").split(';').next().unwrap();
        let zone = zone.replace('/', "%2F");
        Self { app, cookies: format!("{session}; zone={zone}") }
    }

    pub(crate) async fn ask(&self, path: &str) -> Answered {
        let request = Request::get(path).header("cookie", &self.cookies).body(Body::empty());
        self.app.send(request.unwrap()).await
    }

    pub(crate) async fn send(&self, path: &str, form: &str) -> Answered {
        let request = Request::post(path)
            .header("cookie", &self.cookies)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()));
        self.app.send(request.unwrap()).await
    }

    /// A page, after the redirections on the way to it.
    pub(crate) async fn page(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for _ in 0..3 {
            let answer = self.ask(&path).await;
            if answer.status == StatusCode::SEE_OTHER {
                answer.header("location").clone_into(&mut path);
                continue;
            }
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
            return answer.text().to_owned();
        }
        panic!("{path} leads nowhere");
    }

    /// The indexes of all rows of a list, page after page.
    pub(crate) async fn rows(&self, path: &str) -> Vec<u64> {
        let mut all = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let page = self.page(&path).await;
            assert!(!page.contains("id=\"fault\""), "{path}");
            let rows = between(&page, "<tr id=\"e", "\"");
            all.extend(rows.iter().map(|index| index.parse::<u64>().unwrap()));
            next = between(&page, "rel=\"next\" href=\"", "\"").pop();
        }
        all
    }
}

/// Every text between two others, with its entities read.
pub(crate) fn between(page: &str, before: &str, after: &str) -> Vec<String> {
    let parts = page.split(before).skip(1);
    parts.filter_map(|part| Some(unescape(part.split_once(after)?.0))).collect()
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, entity)) = rest.split_once('&') {
        out.push_str(plain);
        let (name, after) = entity.split_once(';').unwrap();
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            number => {
                let digits = number.strip_prefix('#').unwrap();
                let code = match digits.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).unwrap(),
                    None => digits.parse().unwrap(),
                };
                char::from_u32(code).unwrap()
            }
        });
        rest = after;
    }
    out.push_str(rest);
    out
}
