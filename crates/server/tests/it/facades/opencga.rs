//! OpenCGA's audit service. The real records are read by `tests/clients/opencga.py`.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use registry::Scope;
use serde_json::{Value, json};

use super::{Reader, ask, bearer, check_access, import, json_of};
use crate::app::Answered;

const V2: &str = "/opencga/webservices/rest/v2";
const COMPOSED: &[u8] = include_bytes!("../../../../dialect/tests/data/opencga/composed.jsonl");

/// The one result of an answer.
#[track_caller]
fn result(answered: &Answered) -> Value {
    let response = json_of(answered)["responses"][0].clone();
    assert_eq!(response["numResults"], response["results"].as_array().unwrap().len());
    response
}

/// Checks that it is a refusal of OpenCGA's, and gives its message.
#[track_caller]
fn refusal(answered: &Answered, status: u16) -> String {
    assert_eq!(answered.status.as_u16(), status, "{}", answered.text());
    assert_eq!(answered.header("content-type"), "application/json");
    let json = answered.json();
    assert_eq!(json["events"][0]["type"], "ERROR");
    assert_eq!(json["responses"][0]["numResults"], 0);
    json["events"][0]["message"].as_str().unwrap().to_owned()
}

fn lab_reader() -> Reader {
    Reader::new(V2, bearer)
}

impl Reader {
    async fn search(&self, study: &str, query: &str) -> Answered {
        self.get(&format!("/studies/{study}/audit/search?{query}")).await
    }

    async fn login(&self, body: Value) -> Answered {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{V2}/users/login?skip=0&limit=1000"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()));
        self.app.send(request.unwrap()).await
    }
}

fn members(results: &Value, name: &str) -> Vec<String> {
    let results = results["results"].as_array().unwrap();
    results.iter().map(|one| one[name].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test]
async fn case_8_records_without_a_study_are_found_organization_wide() {
    let reader = lab_reader();
    assert_eq!(import(&reader.app, "opencga", COMPOSED), 5);
    let all = result(&reader.search("*", "count=true").await);
    assert_eq!(
        members(&all, "action"),
        ["LOGIN", "UPDATE_ACLS", "UPDATE_ACLS", "SEARCH", "UPDATE"]
    );
    assert_eq!(all["numMatches"], 5);
    for spelling in ["phase1", "rd:phase1", "acme@rd:phase1"] {
        let of_study = result(&reader.search(spelling, "").await);
        let actions = members(&of_study, "action");
        assert_eq!(actions, ["UPDATE_ACLS", "UPDATE_ACLS", "SEARCH", "UPDATE"], "{spelling}");
        assert_eq!(
            members(&of_study, "studyId"),
            ["phase1", "phase1", "", "phase1"],
            "as recorded"
        );
    }
    for wrong in ["phase2", "rd2:phase1", "other@rd:phase1", "phase1,phase2", "a:b:c"] {
        let status = if wrong.contains([',']) || wrong == "a:b:c" { 400 } else { 404 };
        refusal(&reader.search(wrong, "").await, status);
    }
    let login = result(&reader.search("*", "resource=USER&status=ERROR&date=20250930").await);
    assert_eq!(members(&login, "userId"), ["asmith"]);
    for (status, count) in [
        // Words that the platform does not have are no mistake there; ours are none of its.
        ("MAYBE", 0),
        ("failure", 0),
        ("~^fail", 0),
        ("ERROR,MAYBE", 2),
        ("!MAYBE", 5),
        ("!MAYBE,ERROR", 5),
    ] {
        let found = result(&reader.search("*", &format!("status={status}")).await);
        assert_eq!(found["numResults"], count, "{status}");
    }
    let question = "target.type:=USER outcome:(=failure|=denied) from:2025-09-30T00:00:00Z \
                    to:2025-10-01T00:00:00Z";
    check_access(&reader.app, "opencga", "search", question).await;
}

#[tokio::test]
async fn two_projects_with_a_study_of_one_name_are_told_apart() {
    let reader = lab_reader();
    let text = String::from_utf8(COMPOSED.to_vec()).unwrap();
    let other = text.replace("@rd:", "@clinic:").replace("9a6b", "9a6c");
    import(&reader.app, "opencga", COMPOSED);
    import(&reader.app, "opencga", Box::leak(other.into_bytes().into_boxed_slice()));
    let both = result(&reader.search("phase1", "").await);
    assert_eq!(both["numResults"], 8);
    let answered = reader.search("acme@clinic:phase1", "include=params.study,params.studyId").await;
    assert_eq!(answered.json()["events"][0]["type"], "WARNING");
    assert_eq!(result(&answered)["numResults"], 4);
    assert!(!answered.text().contains("@rd:"));
}

#[tokio::test]
async fn events_of_other_platforms_are_records_too() {
    let reader = lab_reader();
    reader.app.fill(30).await;
    let failed = result(&reader.search("*", "status=ERROR&count=True&limit=2&skip=1").await);
    assert_eq!((&failed["numMatches"], &failed["numResults"]), (&json!(3), &json!(2)));
    assert_eq!(members(&failed, "id"), ["e13", "e23"]);
    assert_eq!(failed["results"][0]["status"]["name"], "ERROR");
    assert_eq!(failed["results"][0]["userId"], "u1");
    let path = "/admin/audit/groupBy?fields=action,userId&entity=sample&count=true&limit=2";
    let groups = result(&reader.get(path).await);
    assert_eq!(groups["numMatches"], 3);
    let first = json!({"_id": {"action": "create", "userId": "u0"}, "count": 10});
    assert_eq!(groups["results"][0], first);
    let bare = reader.get("/admin/audit/groupBy?fields=status&entity=sample").await;
    let bare = result(&bare);
    assert_eq!(bare["results"][0], json!({"_id": {"status": "SUCCESS"}, "items": []}));
    let none = reader.get("/admin/audit/groupBy?fields=action&entity=FILE&count=true").await;
    assert_eq!(result(&none)["results"], json!([]));
    let empty = result(&reader.search("*", "skip=30").await);
    assert_eq!(empty["results"], json!([]));
}

#[tokio::test]
async fn groups_are_by_study_version_and_parts_of_the_date() {
    let reader = lab_reader();
    let text = String::from_utf8(COMPOSED.to_vec()).unwrap();
    // The same five records two years later, of a newer version and of another study of that name.
    let later = text
        .replace("9a6b", "9a6c")
        .replace("5.0.0", "5.1.0")
        .replace("99f00001", "99f00002")
        .replace(":17592323", ":18223043");
    import(&reader.app, "opencga", COMPOSED);
    import(&reader.app, "opencga", Box::leak(later.into_bytes().into_boxed_slice()));
    for (fields, expected) in [
        (
            "studyUuid",
            json!([[{"studyUuid": "99f00001-0199-0002-0001-98e12f9c50c2"}, 2],
                             [{"studyUuid": "99f00002-0199-0002-0001-98e12f9c50c2"}, 2]]),
        ),
        (
            "apiVersion,action",
            json!([[{"apiVersion": "5.0.0", "action": "UPDATE_ACLS"}, 2],
                                     [{"apiVersion": "5.1.0", "action": "UPDATE_ACLS"}, 2]]),
        ),
        ("year", json!([[{"year": 2025}, 2], [{"year": 2027}, 2]])),
        ("month", json!([[{"year": 2025, "month": 9}, 2], [{"year": 2027, "month": 9}, 2]])),
        (
            "day,year",
            json!([[{"year": 2025, "month": 9, "day": 30}, 2],
                   [{"year": 2027, "month": 9, "day": 30}, 2]]),
        ),
        (
            "day,userId",
            json!([[{"userId": "asmith", "year": 2025, "month": 9, "day": 30}, 2],
                   [{"userId": "asmith", "year": 2027, "month": 9, "day": 30}, 2]]),
        ),
    ] {
        let path = format!("/admin/audit/groupBy?fields={fields}&entity=FILE&count=true");
        let groups = result(&reader.get(&path).await);
        let groups: Vec<Value> = groups["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| json!([group["_id"], group["count"]]))
            .collect();
        assert_eq!(json!(groups), expected, "{fields}");
    }
    let path = "/admin/audit/groupBy?fields=day&entity=FILE&count=true&date=20270101-20280101";
    assert_eq!(result(&reader.get(path).await)["results"][0]["_id"]["year"], 2027);
    let none = reader.get("/admin/audit/groupBy?fields=day&entity=NOTE&count=true").await;
    assert_eq!(result(&none)["results"], json!([]));
    // A login has neither study nor UUID.
    let logins = reader.get("/admin/audit/groupBy?fields=studyUuid&entity=USER&count=true").await;
    assert_eq!(result(&logins)["results"], json!([{"_id": {"studyUuid": ""}, "count": 2}]));
    let mut found = Vec::new();
    for query in ["studyUuid=99f00002-0199-0002-0001-98e12f9c50c2", "studyUuid=phase1"] {
        found.push(result(&reader.search("*", query).await)["numResults"].clone());
    }
    assert_eq!(found, [json!(3), json!(0)], "a UUID is compared with UUIDs alone");
}

#[tokio::test]
async fn any_of_several_dates_is_meant_by_a_comma() {
    let reader = lab_reader();
    import(&reader.app, "opencga", COMPOSED);
    for (date, count) in [
        ("2024,20250930", 5),
        ("2024,2026", 0),
        ("%3C=20250930113855,%3E=20250930113905", 1),
        ("20250930113855-20250930113859,20250930113905", 4),
    ] {
        let found = result(&reader.search("*", &format!("count=true&date={date}")).await);
        assert_eq!(found["numMatches"], count, "{date}");
    }
    let question = "during:(2024-01-01T00:00:00Z..2025-01-01T00:00:00Z|\
                    2025-09-30T00:00:00Z..2025-10-01T00:00:00Z)";
    check_access(&reader.app, "opencga", "search", question).await;
}

#[tokio::test]
async fn a_login_takes_a_token_as_the_password() {
    let reader = lab_reader();
    let token = reader.token.as_str();
    let about = ask(&reader.app, &format!("{V2}/meta/about?skip=0&limit=1000"), &[]).await;
    assert_eq!(result(&about)["results"][0]["Version"], "5.0.0");
    for body in [
        json!({"user": "ana", "password": token, "organization": "acme"}),
        json!({"refreshToken": token, "organization": null}),
    ] {
        let tokens = result(&reader.login(body).await)["results"][0].clone();
        assert_eq!(tokens, json!({"token": token, "refreshToken": token}));
    }
    for (body, status) in [
        (json!({"user": "ana", "password": "idl_wrong"}), 401),
        (json!({"refreshToken": "wrong"}), 401),
        (json!({"user": "ana", "password": token, "refreshToken": token}), 422),
        (json!({"user": "ana"}), 422),
        (json!({"password": token}), 422),
        (json!({"user": 7}), 422),
        (json!([]), 422),
    ] {
        let message = refusal(&reader.login(body.clone()).await, status);
        assert!(!message.contains(token), "{body}");
    }
}

#[tokio::test]
async fn a_token_opens_its_own_trail_and_no_other() {
    let reader = lab_reader();
    let app = &reader.app;
    import(app, "opencga", COMPOSED);
    let path = format!("{V2}/studies/*/audit/search");
    let bearer = |token: &str| format!("Bearer {token}");
    refusal(&ask(app, &path, &[]).await, 401);
    refusal(&ask(app, &path, &[("authorization", "Bearer nothing")]).await, 401);
    let by_sid = ask(app, &format!("{path}?sid={}", reader.token), &[]).await;
    assert_eq!(result(&by_sid)["numResults"], 5);
    assert!(!by_sid.text().contains(&reader.token), "a token is not repeated");
    let blind = bearer(&app.token(Some("lab"), &[Scope::Append]));
    refusal(&ask(app, &path, &[("authorization", &blind)]).await, 403);
    let everyone = bearer(&app.token);
    let message = refusal(&ask(app, &path, &[("authorization", &everyone)]).await, 400);
    assert!(message.contains("x-indelible-trail"), "{message}");
    let named = |trail| [("authorization", everyone.as_str()), ("x-indelible-trail", trail)];
    assert_eq!(result(&ask(app, &path, &named("lab")).await)["numResults"], 5);
    refusal(&ask(app, &path, &named("nowhere")).await, 404);
    let own = bearer(&reader.token);
    let other = [("authorization", own.as_str()), ("x-indelible-trail", "system")];
    refusal(&ask(app, &path, &other).await, 403);
}

#[tokio::test]
async fn hostile_parameters_are_refused_by_name() {
    let reader = lab_reader();
    import(&reader.app, "opencga", COMPOSED);
    let long = format!("action={}", "a,".repeat(300));
    let expression = format!("action=~{}", "a".repeat(2_000));
    for query in [
        "limit=5001",
        "limit=-1",
        "limit=1e3",
        "limit=1&limit=1",
        "skip=-1",
        "skip=1000001",
        "skip=99999999999999999999",
        "count=maybe",
        "colour=red",
        "date=today",
        "date=20241301",
        "date=2024-",
        "date=2024,2025;2026",
        "date=2024,",
        "date=2024,soon",
        "action=A,B;C",
        "action=~(",
        "action=~(?=x)",
        "action=~(a)%5C1",
        "status=~/x",
        "include=,",
        "exclude=a..b",
        "sort=id",
        "sort=date&order=up",
        "resourceId=%ff",
        "userId=~",
        "action=!",
        &long,
        &expression,
        "action=~(((a%7B100%7D)%7B100%7D)%7B100%7D)",
    ] {
        refusal(&reader.search("*", query).await, 400);
    }
    for query in [
        "",
        "fields=action",
        "entity=FILE",
        "fields=colour&entity=FILE",
        "fields=&entity=FILE",
        "fields=action,action,action,action,action&entity=FILE",
        "fields=action&entity=FILE&before=--",
    ] {
        refusal(&reader.get(&format!("/admin/audit/groupBy?{query}")).await, 400);
    }
    refusal(&reader.get("/files/x/info").await, 404);
}

#[tokio::test]
async fn a_page_is_whole_or_refused() {
    let reader = lab_reader();
    for run in 0..2 {
        let events: Vec<String> = (0..3)
            .map(|number| {
                let note = "n".repeat(6 * 1024 * 1024);
                format!(
                    r#"{{"id":"big{run}{number}","occurred_at":"2026-01-01T00:00:00Z","source":{{"system":"lims"}},"action":"note","params":{{"note":"{note}"}}}}"#
                )
            })
            .collect();
        let answer = reader.app.append(format!("[{}]", events.join(","))).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    reader.app.settle();
    let message = refusal(&reader.search("*", "limit=6").await, 413);
    assert!(message.contains("fewer"), "{message}");
    assert_eq!(result(&reader.search("*", "limit=3&exclude=params").await)["numResults"], 3);
}
