//! Saved views: what is saved stays in the list until it is removed, and there is an end to saving.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::StatusCode;
use event::{Draft, Event, Received};
use registry::{Secret, Slug};
use trail::Batch;

use crate::app::{Answered, TestApp};
use crate::reader::{Reader, between};

/// An event about a view, as the server records it, or as it did when such events named no trail.
fn about_view(action: &str, id: &str, names_trail: bool, state: &str) -> String {
    let mut text = format!(
        r#"{{"occurred_at":"2026-01-01T00:00:00Z","source":{{"system":"indelible"}},"action":"{action}","target":{{"type":"view","id":"{id}","name":"N"}}"#
    );
    if names_trail {
        text.push_str(r#","related":[{"role":"of","type":"trail","id":"lab"}]"#);
    }
    if action == "view.save" {
        write!(text, r#","after":{state}"#).unwrap();
    }
    text + "}"
}

fn state(trail: &str, name: &str, owner: &str) -> String {
    format!(
        r#"{{"name":"{name}","trail":"{trail}","query":"?q=a","shared":true,"owner":"{owner}"}}"#
    )
}

/// Puts events on the `system` trail.
fn record(app: &TestApp, events: &[String]) {
    let system = app.instance.trail(&Slug::parse("system").unwrap()).unwrap();
    let draft = |text: &String| {
        Draft::new(&Event::parse(text).unwrap(), None, &mut server::instance::salt).unwrap()
    };
    for events in events.chunks(1_000) {
        let batch = Batch {
            drafts: events.iter().map(draft).collect(),
            recorded_by: "server".into(),
            received: Arc::new(Received { via: "server".into(), ..Received::default() }),
            atomic: true,
        };
        system.trail.append(batch).unwrap();
    }
    app.settle();
}

/// The id of the token of an application, to which views belong.
fn token_id(app: &TestApp) -> String {
    Secret::parse(&app.token).unwrap().0.to_string()
}

async fn save(reader: &Reader<'_>, name: &str) -> Answered {
    reader.send("/t/lab/views", &format!("name={name}&here=%2Ft%2Flab%3Fq%3Db&shared=yes")).await
}

/// Names and ids of the saved views that the reader can remove.
async fn saved(reader: &Reader<'_>) -> Vec<(String, String)> {
    let page = reader.page("/t/lab/views").await;
    let ids = between(&page, "name=\"remove\" value=\"", "\"");
    let names = between(&page, "aria-label=\"Remove the view ", "\"");
    names.into_iter().zip(ids).collect()
}

#[tokio::test]
async fn a_view_counts_however_many_were_saved_and_removed_before_it() {
    let app = TestApp::new();
    let me = token_id(&app);
    // More than one page, each of those that name their trail and of those that do not.
    let mut events = vec![about_view("view.save", "first", false, &state("lab", "First", &me))];
    for number in 0..1_020 {
        let (id, names_trail) = (format!("v{number}"), number % 2 == 0);
        for action in ["view.save", "view.remove"] {
            events.push(about_view(action, &id, names_trail, &state("lab", "Gone", &me)));
        }
    }
    // An older event of a view, which a later one that names the trail removes.
    events.push(about_view("view.save", "old", false, &state("lab", "Old", &me)));
    events.push(about_view("view.remove", "old", true, ""));
    events.push(about_view("view.save", "there", false, &state("other", "Elsewhere", &me)));
    record(&app, &events);
    let reader = Reader::sign_in(&app, "utc").await;
    let names = async || -> Vec<String> {
        saved(&reader).await.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names().await, ["First"]);
    assert_eq!(save(&reader, "Last").await.status, StatusCode::SEE_OTHER);
    assert_eq!(names().await, ["First", "Last"]);
    assert!(reader.page("/t/lab").await.contains(">Last</a>"), "in the list, too");
    for (_, id) in saved(&reader).await {
        let answer = reader.send("/t/lab/views", &format!("remove={id}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    }
    assert_eq!(names().await, [""; 0]);
    // What was removed is on record, with the trail that it was of.
    let path = "/api/v1/trails/system/events?q=action:view.remove+related:%3Dtrail/lab&limit=1";
    let event = &app.get(path).await.json()["events"][0];
    assert_eq!(event["before"]["name"], "Last");
    assert_eq!(event["target"]["name"], "Last");
}

#[tokio::test]
async fn there_is_an_end_to_saving_views() {
    let app = TestApp::new();
    let me = token_id(&app);
    let mut events: Vec<String> = (0..199)
        .map(|number| about_view("view.save", &format!("v{number}"), true, &state("lab", "A", &me)))
        .collect();
    for number in 0..50 {
        // Neither views of other trails count nor those of tokens that are over.
        let ids = [format!("o{number}"), format!("g{number}")];
        events.push(about_view("view.save", &ids[0], false, &state("other", "B", &me)));
        events.push(about_view("view.save", &ids[1], true, &state("lab", "C", "tok-gone")));
    }
    record(&app, &events);
    let reader = Reader::sign_in(&app, "utc").await;
    // However many try at once.
    let (one, two, three) =
        tokio::join!(save(&reader, "X"), save(&reader, "X"), save(&reader, "X"));
    let mut codes = [one, two, three].map(|answer| answer.status.as_u16());
    codes.sort_unstable();
    assert_eq!(codes, [303, 422, 422]);
    let refused = save(&reader, "Y").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("200 saved views"), "{}", refused.text());
    let views = saved(&reader).await;
    assert_eq!(views.len(), 200);
    reader.send("/t/lab/views", &format!("remove={}", views[0].1)).await;
    assert_eq!(save(&reader, "Y").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_view_has_a_name_and_a_question_of_some_length() {
    let app = TestApp::new();
    let reader = Reader::sign_in(&app, "utc").await;
    let long = format!("name=A&here=%2Ft%2Flab%3Fq%3D{}", "a".repeat(9_000));
    for (form, code, advice) in [
        (&*format!("name={}&here=", "a".repeat(81)), StatusCode::BAD_REQUEST, "1 to 80 characters"),
        ("name=+&here=", StatusCode::BAD_REQUEST, "1 to 80 characters"),
        (&long, StatusCode::UNPROCESSABLE_ENTITY, "too long to be saved"),
    ] {
        let answer = reader.send("/t/lab/views", form).await;
        assert_eq!(answer.status, code, "{}", answer.text());
        assert!(answer.text().contains(advice), "{}", answer.text());
    }
    assert!(saved(&reader).await.is_empty());
}
