//! The parts of an event: who, where, what, why.

use std::borrow::Cow;

use super::value::{
    Parsed, Reading, array, object, object_of_some, once, plain_text, required, sequence, text,
    unknown, vacant,
};
use crate::json::{Scanner, is_pointer};
use crate::limits::{
    ENDING_BYTES_MAX, ID_BYTES_MAX, PROSE_BYTES_MAX, REDACTED_MAX, RELATED_MAX, ROLES_MAX,
    SYSTEM_BYTES_MAX, TEXT_BYTES_MAX,
};
use crate::write::{ORGANIZATION, PROJECT, STUDY, USER, WORKSPACE};
use crate::{
    Actor, Client, Credential, Invalid, Outcome, Person, Place, Reason, Related, Rule, Scope,
    Source, Status, Target,
};

pub(super) fn source<'a>(s: &mut Scanner<'a>, r: &Reading, out: &mut Source<'a>) -> Parsed<()> {
    let mut system = None;
    object(s, "/source", |s, key| match key {
        "system" => text(s, &mut system, "/source/system", SYSTEM_BYTES_MAX),
        "instance" => text(s, &mut out.instance, "/source/instance", ID_BYTES_MAX),
        "format" => text(s, &mut out.format, "/source/format", ID_BYTES_MAX),
        "version" => text(s, &mut out.version, "/source/version", ID_BYTES_MAX),
        "region" => text(s, &mut out.region, "/source/region", ID_BYTES_MAX),
        "host" => text(s, &mut out.host, "/source/host", ID_BYTES_MAX),
        "sequence" => {
            let number = sequence(s, "/source/sequence")?;
            once(&mut out.sequence, "/source/sequence", number)
        }
        _ => r.unknown(s, "/source", key),
    })?;
    out.system = required(system, "/source/system")?;
    Ok(())
}

pub(super) fn actor<'a>(s: &mut Scanner<'a>, r: &mut Reading, out: &mut Actor<'a>) -> Parsed<()> {
    let (mut kind, mut roles) = (None, None);
    object(s, "/actor", |s, key| match key {
        "type" => text(s, &mut kind, "/actor/type", ID_BYTES_MAX),
        "id" => r.text(s, &mut out.id, "/actor/id", TEXT_BYTES_MAX),
        "name" => r.text(s, &mut out.name, "/actor/name", TEXT_BYTES_MAX),
        "email" => r.text(s, &mut out.email, "/actor/email", TEXT_BYTES_MAX),
        "roles" => r.fill(s, &mut roles, "/actor/roles", |s, at| {
            let mut list = Vec::new();
            array(s, at, ROLES_MAX, |s| {
                list.push(plain_text(s, at, ID_BYTES_MAX)?);
                Ok(())
            })?;
            Ok(list)
        }),
        "credential" => credential(s, r, vacant(&mut out.credential, "/actor/credential")?),
        _ => r.unknown(s, "/actor", key),
    })?;
    out.kind = required(kind, "/actor/type")?;
    out.roles = roles.unwrap_or_default();
    Ok(())
}

fn credential<'a>(s: &mut Scanner<'a>, r: &Reading, out: &mut Credential<'a>) -> Parsed<()> {
    object_of_some(s, "/actor/credential", |s, key| match key {
        "id" => text(s, &mut out.id, "/actor/credential/id", ID_BYTES_MAX),
        "label" => text(s, &mut out.label, "/actor/credential/label", ID_BYTES_MAX),
        "ending" => text(s, &mut out.ending, "/actor/credential/ending", ENDING_BYTES_MAX),
        _ => r.unknown(s, "/actor/credential", key),
    })
}

pub(super) fn person<'a>(s: &mut Scanner<'a>, r: &mut Reading, out: &mut Person<'a>) -> Parsed<()> {
    object_of_some(s, "/authorized_by", |s, key| match key {
        "id" => r.text(s, &mut out.id, "/authorized_by/id", TEXT_BYTES_MAX),
        "name" => r.text(s, &mut out.name, "/authorized_by/name", TEXT_BYTES_MAX),
        _ => r.unknown(s, "/authorized_by", key),
    })
}

pub(super) fn client<'a>(s: &mut Scanner<'a>, r: &mut Reading, out: &mut Client<'a>) -> Parsed<()> {
    object_of_some(s, "/client", |s, key| match key {
        "ip" => r.text(s, &mut out.ip, "/client/ip", TEXT_BYTES_MAX),
        "user_agent" => r.text(s, &mut out.user_agent, "/client/user_agent", TEXT_BYTES_MAX),
        "host" => r.text(s, &mut out.host, "/client/host", TEXT_BYTES_MAX),
        _ => r.unknown(s, "/client", key),
    })
}

pub(super) fn target<'a>(s: &mut Scanner<'a>, r: &mut Reading, out: &mut Target<'a>) -> Parsed<()> {
    let mut kind = None;
    object(s, "/target", |s, key| match key {
        "type" => text(s, &mut kind, "/target/type", ID_BYTES_MAX),
        "id" => r.text(s, &mut out.id, "/target/id", TEXT_BYTES_MAX),
        "name" => r.text(s, &mut out.name, "/target/name", TEXT_BYTES_MAX),
        "uuid" => r.text(s, &mut out.uuid, "/target/uuid", TEXT_BYTES_MAX),
        "schema_version" => {
            text(s, &mut out.schema_version, "/target/schema_version", ID_BYTES_MAX)
        }
        "url" => r.text(s, &mut out.url, "/target/url", TEXT_BYTES_MAX),
        _ => r.unknown(s, "/target", key),
    })?;
    out.kind = required(kind, "/target/type")?;
    Ok(())
}

pub(super) fn related<'a>(
    s: &mut Scanner<'a>,
    r: &mut Reading,
    slot: &mut Option<Vec<Related<'a>>>,
) -> Parsed<()> {
    let entry = r.is_entry();
    r.fill(s, slot, "/related", |s, at| {
        let mut list = Vec::new();
        array(s, at, RELATED_MAX, |s| {
            let (mut role, mut kind) = (None, None);
            let mut out = Related::default();
            object(s, at, |s, key| match key {
                "role" => text(s, &mut role, "/related/role", ID_BYTES_MAX),
                "type" => text(s, &mut kind, "/related/type", ID_BYTES_MAX),
                "id" => text(s, &mut out.id, "/related/id", TEXT_BYTES_MAX),
                "name" => text(s, &mut out.name, "/related/name", TEXT_BYTES_MAX),
                _ => unknown(s, entry, at, key),
            })?;
            out.role = required(role, "/related/role")?;
            out.kind = required(kind, "/related/type")?;
            list.push(out);
            Ok(())
        })?;
        Ok(list)
    })
}

pub(super) fn scope<'a>(s: &mut Scanner<'a>, r: &mut Reading, out: &mut Scope<'a>) -> Parsed<()> {
    object_of_some(s, "/scope", |s, key| {
        let (slot, pointers) = match key {
            "organization" => (&mut out.organization, ORGANIZATION),
            "workspace" => (&mut out.workspace, WORKSPACE),
            "project" => (&mut out.project, PROJECT),
            "study" => (&mut out.study, STUDY),
            "user" => (&mut out.user, USER),
            "context" => return text(s, &mut out.context, "/scope/context", ID_BYTES_MAX),
            _ => return r.unknown(s, "/scope", key),
        };
        place(s, r, pointers, vacant(slot, pointers[0])?)
    })
}

fn place<'a>(
    s: &mut Scanner<'a>,
    r: &mut Reading,
    [parent, id, name, uuid]: [&'static str; 4],
    out: &mut Place<'a>,
) -> Parsed<()> {
    object_of_some(s, parent, |s, key| match key {
        "id" => r.text(s, &mut out.id, id, TEXT_BYTES_MAX),
        "name" => r.text(s, &mut out.name, name, TEXT_BYTES_MAX),
        "uuid" => r.text(s, &mut out.uuid, uuid, TEXT_BYTES_MAX),
        _ => r.unknown(s, parent, key),
    })
}

pub(super) fn outcome<'a>(
    s: &mut Scanner<'a>,
    r: &mut Reading,
    out: &mut Outcome<'a>,
) -> Parsed<()> {
    let mut status = None;
    object(s, "/outcome", |s, key| match key {
        "status" => {
            let word = plain_text(s, "/outcome/status", ID_BYTES_MAX)?;
            let known = Status::parse(&word).ok_or_else(|| {
                let message = "expected one of success, failure, denied, unknown";
                Invalid::new("/outcome/status", Rule::Vocabulary, message)
            })?;
            once(&mut status, "/outcome/status", known)
        }
        "code" => r.text(s, &mut out.code, "/outcome/code", TEXT_BYTES_MAX),
        "name" => r.text(s, &mut out.name, "/outcome/name", TEXT_BYTES_MAX),
        "message" => r.text(s, &mut out.message, "/outcome/message", PROSE_BYTES_MAX),
        "detail" => r.text(s, &mut out.detail, "/outcome/detail", PROSE_BYTES_MAX),
        _ => r.unknown(s, "/outcome", key),
    })?;
    out.status = required(status, "/outcome/status")?;
    Ok(())
}

pub(super) fn reason<'a>(s: &mut Scanner<'a>, r: &mut Reading, out: &mut Reason<'a>) -> Parsed<()> {
    const TEXT: &str = "/reason/text";
    let mut words = None;
    object(s, "/reason", |s, key| match key {
        "text" => r.text(s, &mut words, TEXT, PROSE_BYTES_MAX),
        "code" => text(s, &mut out.code, "/reason/code", ID_BYTES_MAX),
        _ => r.unknown(s, "/reason", key),
    })?;
    if !r.holes().contains(&TEXT) {
        out.text = required(words, TEXT)?;
    }
    Ok(())
}

pub(super) fn redacted<'a>(
    s: &mut Scanner<'a>,
    r: &mut Reading,
    slot: &mut Option<Vec<Cow<'a, str>>>,
) -> Parsed<()> {
    r.fill(s, slot, "/redacted", |s, at| {
        let mut list = Vec::new();
        array(s, at, REDACTED_MAX, |s| {
            let pointer = plain_text(s, at, TEXT_BYTES_MAX)?;
            if !is_pointer(&pointer) {
                let message = "expected a JSON pointer (RFC 6901), such as /params/token";
                return Err(Invalid::new(at, Rule::Pointer, message));
            }
            list.push(pointer);
            Ok(())
        })?;
        Ok(list)
    })
}
