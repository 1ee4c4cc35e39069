//! Hand-written events and what finds them: the meaning of each field, told without our own code.

use std::sync::Arc;

use search::{Options, Order, Projection, Query, Text};
use serde_json::Value;

use crate::feed::MemoryFeed;
use crate::generate::Catalogue;

const EVENTS: [&str; 4] = [
    r#"{"id":"ev-0","occurred_at":"2026-01-01T08:00:00Z","source":{"system":"opencga","instance":"prod","format":"audit/2","version":"2.1.0","region":"eu","host":"node7"},"actor":{"type":"user","id":"ana01","name":"Ana María Gómez","email":"ana@lab.example","roles":["qa","Admin"],"credential":{"id":"cred-9","label":"laptop key","ending":"x7f"}},"authorized_by":{"id":"boss","name":"Bo Ss"},"session":"sess-1","client":{"ip":"10.1.2.3","user_agent":"Mozilla/5.0 (X11)","host":"pc-12"},"action":"UPDATE","target":{"type":"sample","id":"S-17","name":"Blood of lot 42","uuid":"9f-aa"},"related":[{"role":"input","type":"file","id":"F-1","name":"reads.fastq"}],"scope":{"organization":{"id":"acme","name":"Acme Labs"},"workspace":{"name":"north wing"},"project":{"id":"prj-1"},"study":{"id":"st-1","uuid":"st-uuid"},"user":{"id":"u-1"},"context":"Workspace"},"outcome":{"status":"failure","code":"E42","name":"NotAllowed","message":"quota exceeded"},"operation":"op-1","reason":{"text":"Wrong label printed","code":"R7"},"params":{"limit":25,"deep":{"colour":"dark blue"}},"before":{"status":"enabled"},"after":{"status":"disabled","flag":true},"attributes":{"tool":"bcftools norm"}}"#,
    r#"{"id":"ev-1","occurred_at":"2026-01-02T08:00:00Z","source":{"system":"seqera"},"actor":{"type":"service","id":"bot"},"action":"workflow_launched","target":{"type":"workflow","id":"W-1"},"outcome":{"status":"success"},"client":{"ip":"2001:db8::5"}}"#,
    r#"{"id":"ev-2","occurred_at":"2026-01-03T08:00:00Z","source":{"system":"opencga"},"action":"DeleteFile","target":{"type":"file","id":"F-1"}}"#,
    r#"{"id":"ev-3","occurred_at":"2026-01-03T08:00:00Z","source":{"system":"tdp"},"action":"read","reason":{"text":"lot 42"},"params":["lot","42"]}"#,
];

/// Questions, and the indexes they find, newest first.
const TABLE: [(&str, &[u64]); 144] = [
    ("", &[3, 2, 1, 0]),
    ("id:ev-1", &[1]),
    ("id:EV-1", &[1]),
    ("id:=EV-1", &[]),
    ("id:ev*", &[3, 2, 1, 0]),
    ("actor:ana01", &[0]),
    ("actor:ANA01", &[0]),
    ("actor:gómez", &[0]),
    ("actor:GÓMEZ", &[0]),
    ("actor:\"maría gómez\"", &[0]),
    ("actor:\"gómez maría\"", &[]),
    ("actor:ana@lab.example", &[0]),
    ("actor:an*", &[0]),
    ("actor:ana", &[0]),
    ("actor:b", &[]),
    ("actor:none", &[3, 2]),
    ("-actor:bot", &[3, 2, 0]),
    ("actor.id:ana", &[]),
    ("actor.id:ana01", &[0]),
    ("actor.type:service", &[1]),
    ("actor.name:\"ana maría gómez\"", &[0]),
    ("actor.name:ana", &[]),
    ("actor.email:ana@*", &[0]),
    ("role:admin", &[0]),
    ("role:=admin", &[]),
    ("credential:x7f", &[0]),
    ("credential:\"laptop key\"", &[0]),
    ("authorized_by:\"bo ss\"", &[0]),
    ("session:sess-1", &[0]),
    ("ip:10.0.0.0/8", &[0]),
    ("ip:10.1.2.3", &[0]),
    ("ip:2001:db8::/32", &[1]),
    ("ip:11.0.0.0/8", &[]),
    ("has:ip", &[1, 0]),
    ("user_agent:mozilla", &[0]),
    ("user_agent:\"5 0 x11\"", &[0]),
    ("host:node7", &[0]),
    ("host:PC-12", &[0]),
    ("action:update", &[0]),
    ("action:=update", &[]),
    ("action:=UPDATE", &[0]),
    ("action:(update|read)", &[3, 0]),
    ("action:delete*", &[2]),
    ("-action:delete*", &[3, 1, 0]),
    ("action:run_started", &[1]),
    ("action:=run_started", &[]),
    ("action:Peruse", &[3, 2]),
    ("action:(peruse|run_started) -action:read", &[2, 1]),
    ("kind:delete", &[2]),
    ("kind:access", &[3]),
    ("kind:(delete|update)", &[2, 0]),
    ("target:sample/S-17", &[0]),
    ("target:sample/*", &[0]),
    ("target:f-1", &[2]),
    ("target:file/F-1", &[2]),
    ("target:\"lot 42\"", &[0]),
    ("target:9f-aa", &[0]),
    ("target:none", &[3]),
    ("target.type:file", &[2]),
    ("target.id:S-17", &[0]),
    ("target.name:\"blood of lot 42\"", &[0]),
    ("target.uuid:9f-aa", &[0]),
    ("related:F-1", &[0]),
    ("related:file/F-1", &[0]),
    ("related:sample/F-1", &[]),
    ("related:reads.fastq", &[0]),
    ("organization:acme", &[0]),
    ("org:\"acme labs\"", &[0]),
    ("workspace:\"north wing\"", &[0]),
    ("project:prj-1", &[0]),
    ("study:st-uuid", &[0]),
    ("study.uuid:st-uuid", &[0]),
    ("study.uuid:st-1", &[]),
    ("user:u-1", &[0]),
    ("context:workspace", &[0]),
    ("outcome:failure", &[0]),
    ("outcome:none", &[3, 2]),
    ("outcome.code:e42", &[0]),
    ("operation:op-1", &[0]),
    ("reason:label", &[0]),
    ("reason:\"wrong label\"", &[0]),
    ("reason:r7", &[0]),
    ("reason:none", &[2, 1]),
    ("params:blue", &[0]),
    ("params:\"colour dark blue\"", &[0]),
    ("params:\"lot 42\"", &[]),
    ("params:lot params:42", &[3]),
    ("before:disabled", &[]),
    ("after:disabled", &[0]),
    ("after:\"flag true\"", &[0]),
    ("attributes:bcf*", &[0]),
    ("source:opencga", &[2, 0]),
    ("instance:prod format:audit/2 region:eu", &[0]),
    ("version:2.1.0", &[0]),
    ("version:none", &[3, 2, 1]),
    ("via:api imported:no recorded_by:tok", &[3, 2, 1, 0]),
    ("imported:yes", &[]),
    ("\"lot 42\"", &[3, 0]),
    ("lot", &[3, 0]),
    ("S-17", &[0]),
    ("F-1", &[2, 0]),
    ("workflow_launched", &[1]),
    ("quota -ana", &[]),
    ("10.1.2.3", &[0]),
    ("10.1.2.3*", &[0]),
    ("\"::ffff:10.1.2.3\"", &[0]),
    ("10.0.0.0/8", &[0]),
    ("10.1.2", &[]),
    ("10.1.2*", &[]),
    ("-10.0.0.0/8", &[3, 2, 1]),
    ("\"2001:DB8:0::5\"", &[1]),
    ("\"2001:db8::/32\"", &[1]),
    ("mozilla", &[0]),
    ("MOZ*", &[0]),
    ("\"5 0 x11\"", &[0]),
    ("\"x11 5\"", &[]),
    ("NODE7", &[0]),
    ("pc*", &[0]),
    ("opencga", &[2, 0]),
    ("prod audit/2 2.1.0 eu", &[0]),
    ("aud*", &[0]),
    ("service", &[1]),
    ("ADMIN qa", &[0]),
    ("cred-9 x7f \"laptop key\" key", &[0]),
    ("boss \"bo ss\"", &[0]),
    ("file", &[2]),
    ("workflow", &[1]),
    ("\"ana maría gó\"*", &[0]),
    ("\"blood of l\"*", &[0]),
    ("9f-aa st-uuid workspace r7", &[0]),
    ("failure", &[0]),
    ("success", &[1]),
    ("ev-1", &[1]),
    ("api", &[]),
    ("tok", &[]),
    ("no", &[]),
    ("delete", &[]),
    ("access", &[]),
    ("late:365d", &[3, 2, 1, 0]),
    ("late:36500d", &[]),
    ("from:2026-01-02 to:2026-01-03", &[1]),
    ("during:(..2026-01-02|2026-01-03..2026-01-04)", &[3, 2, 0]),
    ("-during:2026-01-02..2026-01-03", &[3, 2, 0]),
    ("during:2026-01-02.. during:..2026-01-04", &[3, 2, 1]),
];

fn projected(folder: &std::path::Path) -> (Arc<MemoryFeed>, Arc<Projection>) {
    let feed = MemoryFeed::new();
    for event in EVENTS {
        feed.append_json(event);
    }
    let options = Options::new(Arc::new(Catalogue));
    let projection = Projection::open(folder, Arc::clone(&feed) as _, options).unwrap();
    projection.catch_up_once().unwrap();
    (feed, projection)
}

/// Members that no text is looked for in.
const NOT_SEARCHED: [&str; 3] = ["/occurred_at", "/related/0/role", "/related/0/type"];

/// The text of every value in a JSON text, with its place.
fn leaves(value: &Value, place: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(at, item)| leaves(item, &format!("{place}/{at}"), found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, item)| leaves(item, &format!("{place}/{name}"), found));
        }
        Value::String(text) => found.push((place.to_owned(), text.clone())),
        value => found.push((place.to_owned(), value.to_string())),
    }
}

#[test]
fn a_text_is_found_in_every_member_that_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let (feed, projection) = projected(folder.path());
    let mut all = Vec::new();
    leaves(&serde_json::from_str(EVENTS[0]).unwrap(), "", &mut all);
    for (place, text) in all {
        let texts = vec![Text { text, prefix: false, negated: false }];
        let query = Query { texts, ..Query::default() };
        let expected = !NOT_SEARCHED.contains(&place.as_str());
        let scanned = query.matches_recorded(&feed.all()[0], &Catalogue);
        assert_eq!(scanned, expected, "{place}: {query}, scanned");
        let found = projection.search(&query, Order::Newest, 10, None).unwrap().indexes;
        assert_eq!(found.contains(&0), expected, "{place}: {query}");
    }
}

#[test]
fn every_field_finds_what_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let (feed, projection) = projected(folder.path());
    for (text, expected) in TABLE {
        let query = Query::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let page = projection.search(&query, Order::Newest, 10, None).unwrap();
        assert_eq!(page.indexes, expected, "{text}");
        let mut scanned: Vec<u64> = feed
            .all()
            .iter()
            .filter(|recorded| query.matches_recorded(recorded, &Catalogue))
            .map(|recorded| recorded.index)
            .collect();
        scanned.reverse();
        assert_eq!(scanned, expected, "{text}, scanned");
    }
    assert_eq!(projection.history("file", "F-1", 10, None).unwrap().indexes, [2]);
    assert_eq!(
        projection.distinct(search::Field::Action, "DEL", 5).unwrap(),
        [("DeleteFile".to_owned(), 1)]
    );
}
