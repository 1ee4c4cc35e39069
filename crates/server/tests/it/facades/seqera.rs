//! Seqera Platform's audit log API.

use registry::Scope;
use serde_json::{Value, json};

use super::{Reader, ask, bearer, check_access, import, json_of};
use crate::app::Answered;

const LOGS: &str = "/seqera/admin/audit-logs-v2";
const V2: &[u8] = include_bytes!("../../../../dialect/tests/data/seqera/v2-records.jsonl");
const V1: &[u8] = include_bytes!("../../../../dialect/tests/data/seqera/v1-iso-dates.csv");

fn lab_reader() -> Reader {
    Reader::new(LOGS, bearer)
}

impl Reader {
    /// The records of a page, and the token of the next.
    async fn page(&self, query: &str) -> (Vec<Value>, Option<String>) {
        let json = json_of(&self.get(&format!("?{query}")).await);
        let logs = json["auditLogs"].as_array().unwrap().clone();
        (logs, json["nextPageToken"].as_str().map(ToOwned::to_owned))
    }

    async fn events(&self, query: &str) -> Vec<String> {
        let (logs, _) = self.page(query).await;
        logs.iter().map(|log| log["event"].as_str().unwrap().to_owned()).collect()
    }
}

#[track_caller]
fn refusal(answered: &Answered, status: u16) -> String {
    assert_eq!(answered.status.as_u16(), status, "{}", answered.text());
    assert_eq!(answered.header("content-type"), "application/json");
    let json = answered.json();
    assert_eq!(json.as_object().unwrap().len(), 1, "only a message: {json}");
    json["message"].as_str().unwrap().to_owned()
}

/// The records of the file as the API gives them.
fn expected(state: bool) -> Vec<Value> {
    let text = std::str::from_utf8(V2).unwrap();
    let records = text.lines().rev().map(|line| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        if !state {
            record["target"].as_object_mut().unwrap().remove("state");
        }
        record
    });
    records.collect()
}

#[tokio::test]
async fn records_come_back_newest_first_page_by_page() {
    let reader = lab_reader();
    import(&reader.app, "seqera", V2);
    for state in [false, true] {
        let attributes = if state { "&attributes=state" } else { "" };
        for max in [1, 3, 7, 100] {
            let (mut all, mut token) = (Vec::new(), Some(String::new()));
            while let Some(next) = token {
                let query = format!("max={max}&nextPageToken={next}{attributes}");
                let (page, more) = reader.page(&query).await;
                assert!(page.len() <= max);
                all.extend(page);
                token = more;
            }
            assert_eq!(all, expected(state), "pages of {max}");
        }
    }
}

#[tokio::test]
async fn case_12_both_times_are_inclusive() {
    let reader = lab_reader();
    import(&reader.app, "seqera", V2);
    let after = "timestampAfterOrEqual=2026-06-02T08:06:30Z";
    let before = "timestampBeforeOrEqual=2026-06-02T08:08:00Z";
    let both = ["studio_session_ssh_auth_failed", "scim_token_created", "access_token_created"];
    assert_eq!(reader.events(&format!("{after}&{before}")).await, both);
    let late = "timestampAfterOrEqual=2026-06-02T08:08:00.001Z";
    assert_eq!(reader.events(late).await, ["credentials_updated", "workflow_completed"]);
    let early = "timestampBeforeOrEqual=2026-06-02T10:05:02%2B02:00";
    assert_eq!(reader.events(early).await, ["workflow_dropped", "participant_role_updated"]);
}

#[tokio::test]
async fn a_list_is_narrowed_by_event_actor_and_target() {
    let reader = lab_reader();
    import(&reader.app, "seqera", V2);
    import(&reader.app, "seqera", V1);
    let runs = reader.events("target=workflow/3kQ8bVxT5mYpZr&max=1000").await;
    assert!(runs.contains(&"workflow_dropped".to_owned()) && runs.len() > 4, "{runs:?}");
    assert_eq!(reader.events("actor=bjones").await, ["studio_session_ssh_auth_failed"]);
    let two = reader.events("event=access_token_created,credentials_updated").await;
    assert_eq!(two, ["credentials_updated", "access_token_created"]);
    // A name of today finds what was written under the name of old, and the other way round.
    for name in ["workflow_updated", "workflow_status_changed"] {
        assert!(
            reader
                .events(&format!("event={name}"))
                .await
                .contains(&"workflow_status_changed".to_owned())
        );
    }
    assert_eq!(reader.events("event=nothing_happened").await, [""; 0]);
    check_access(&reader.app, "seqera", "search", "actor:bjones").await;
}

#[tokio::test]
async fn one_record_is_found_by_its_number() {
    let reader = lab_reader();
    reader.app.fill(3).await;
    import(&reader.app, "seqera", V2);
    let (logs, _) = reader.page("attributes=state").await;
    assert_eq!(logs.len(), 10);
    for log in &logs {
        let id = log["id"].as_str().unwrap();
        let one = reader.get(&format!("/{id}?attributes=state")).await;
        assert_eq!(&one.json(), log, "{id}");
    }
    let own = reader.get("/1048577").await.json();
    assert_eq!(own, expected(false)[6], "the number that the platform gave it");
    // What came from elsewhere has a number too, and says what it can.
    let other = logs.iter().find(|log| log["event"] == "create").unwrap();
    assert!(other["id"].as_str().unwrap().parse::<u64>().unwrap() >= 1 << 52);
    assert_eq!(other["actor"], json!({"type": "user", "userName": "u0", "isRoot": false}));
    for absent in ["1", "e0", "-1", "01048577", "18446744073709551616", "4503599627370600", "%00"] {
        refusal(&reader.get(&format!("/{absent}")).await, 404);
    }
}

#[tokio::test]
async fn a_table_streams_with_and_without_images() {
    let reader = lab_reader();
    import(&reader.app, "seqera", V2);
    let mut widths = Vec::new();
    for query in ["", "?attributes=state"] {
        let answered = reader.get(&format!("/export-csv{query}")).await;
        assert_eq!(answered.header("content-type"), "text/csv");
        let mut table = csv::Reader::from_reader(answered.body.as_slice());
        widths.push(table.headers().unwrap().len());
        let ids: Vec<String> =
            table.records().map(|record| record.unwrap()[0].to_owned()).collect();
        assert_eq!(ids.first().map(String::as_str), Some("1048583"));
        assert_eq!(ids.len(), 7);
        assert_eq!(answered.text().contains("auditImageType"), !query.is_empty());
    }
    assert_eq!(widths, [24, 29]);
    let none = reader.get("/export-csv?timestampAfterOrEqual=2030-01-01T00:00:00Z").await;
    assert_eq!(none.text().lines().count(), 1, "a header");
}

#[tokio::test]
async fn refusals_have_a_message_and_nothing_else() {
    let reader = lab_reader();
    import(&reader.app, "seqera", V2);
    for query in [
        "max=0",
        "max=1001",
        "max=99999999999",
        "max=x",
        "nextPageToken=x",
        "nextPageToken=o0-0",
        "attributes=all",
        "timestampAfterOrEqual=today",
        "timestampBeforeOrEqual=2026-13-01T00:00:00Z",
        "colour=red",
        "max=1&max=2",
        "actor=%ff",
        "event=,",
    ] {
        refusal(&reader.get(&format!("?{query}")).await, 400);
    }
    refusal(&reader.get("/export-csv?max=1").await, 400);
    refusal(&reader.get("/1048577?max=1").await, 400);
    refusal(&ask(&reader.app, LOGS, &[]).await, 401);
    let blind = format!("Bearer {}", reader.app.token(Some("lab"), &[Scope::Append]));
    refusal(&ask(&reader.app, LOGS, &[("authorization", &blind)]).await, 403);
    let everyone = format!("Bearer {}", reader.app.token);
    let message = refusal(&ask(&reader.app, LOGS, &[("authorization", &everyone)]).await, 400);
    assert!(message.contains("x-indelible-trail"), "{message}");
    refusal(&ask(&reader.app, "/seqera/user-info", &[]).await, 404);
}
