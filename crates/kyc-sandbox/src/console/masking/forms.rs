//! The forms in which values travel: JSON, XML, forms, headers, targets.

use super::kinds::{Kind, parts, value};
use super::{Author, Masked, Provenance, Shown};
use crate::exchange::decoded;

/// How deep a document is followed by its names; deeper, names are those of the last level.
const DEPTH: usize = 64;

/// A body, by the type that it claims and the form that it has.
pub(crate) fn body(
    bytes: &[u8],
    content_type: &str,
    author: Author,
    known: &dyn Provenance,
) -> Masked {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return binary(bytes, author, known);
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let begins = text.trim_start_matches('\u{feff}').trim_start();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return pairs(text, author, known);
    }
    if essence.eq_ignore_ascii_case("multipart/form-data") {
        return multipart(text, content_type, author, known);
    }
    if begins.starts_with('<') && !essence.eq_ignore_ascii_case("text/html") {
        return xml(text, author, known);
    }
    if begins.starts_with(['{', '[', '"']) {
        return json(text, author, known);
    }
    match author {
        Author::Caller => value("", text, author, known),
        Author::Sandbox => parts(text),
    }
}

/// What is no text: where it is, and how much.
fn binary(bytes: &[u8], author: Author, known: &dyn Provenance) -> Masked {
    let mut found = Masked::default();
    for chunk in bytes.utf8_chunks() {
        // Short texts among other bytes are no texts.
        if chunk.valid().len() > 16 {
            match author {
                Author::Caller => found.append(value("", chunk.valid(), author, known)),
                Author::Sandbox => found.append(parts(chunk.valid())),
            }
        } else {
            found.plain(&chunk.valid().replace(|c: char| !c.is_ascii_graphic(), "·"));
        }
        if !chunk.invalid().is_empty() {
            found.plain("·");
        }
        if found.pieces.len() > 200 {
            found.plain("…");
            break;
        }
    }
    found
}

/// A value that is written with escapes: judged as it means, cut out as it is written.
fn written(name: &str, raw: &str, meant: &str, author: Author, known: &dyn Provenance) -> Masked {
    let judged = value(name, meant, author, known);
    if raw == meant {
        return judged;
    }
    let worst = judged.pieces.iter().find_map(|piece| match piece.shown {
        Shown::Masked(kind) => Some(Shown::Masked(kind)),
        _ => None,
    });
    let mut found = Masked {
        looks_real: judged.looks_real,
        ..Masked::default()
    };
    found.push(raw, worst.unwrap_or(Shown::Plain));
    found
}

/// JSON, also where it is broken.
fn json(text: &str, author: Author, known: &dyn Provenance) -> Masked {
    let mut found = Masked::default();
    let mut names: Vec<(bool, String)> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '{' | '[' => {
                // The values of a list are those of its name.
                let name = names
                    .last()
                    .map(|(_, name)| name.clone())
                    .unwrap_or_default();
                if names.len() < DEPTH {
                    names.push((first == '{', name));
                }
                rest = take(&mut found, rest, 1);
            }
            '}' | ']' => {
                names.pop();
                rest = take(&mut found, rest, 1);
            }
            '"' => {
                let length = string_length(rest);
                let (quoted, after) = rest.split_at(length);
                let is_name = after.trim_start().starts_with(':');
                let raw = quoted.strip_prefix('"').unwrap_or(quoted);
                let closes = raw.ends_with('"') && length > 1;
                let raw = if closes {
                    raw.strip_suffix('"').unwrap_or(raw)
                } else {
                    raw
                };
                let meant = serde_json::from_str::<String>(&format!("\"{raw}\""));
                let meant = meant.unwrap_or_else(|_| raw.to_owned());
                found.plain("\"");
                if is_name {
                    // A name may be a value too, in a map by number.
                    found.append(parts(raw));
                    if let Some((_, name)) = names.last_mut() {
                        *name = meant;
                    }
                } else {
                    let name = names.last().map_or("", |(_, name)| name.as_str());
                    found.append(written(name, raw, &meant, author, known));
                }
                if closes {
                    found.plain("\"");
                }
                rest = after;
            }
            ',' | ':' => rest = take(&mut found, rest, 1),
            first if first.is_whitespace() => rest = take(&mut found, rest, first.len_utf8()),
            _ => {
                let end = |c: char| {
                    c.is_whitespace() || matches!(c, ',' | ':' | '{' | '}' | '[' | ']' | '"')
                };
                let length = rest.find(end).unwrap_or(rest.len());
                let (word, after) = rest.split_at(length);
                let name = names.last().map_or("", |(_, name)| name.as_str());
                found.append(value(name, word, author, known));
                rest = after;
            }
        }
    }
    found
}

fn take<'t>(found: &mut Masked, text: &'t str, length: usize) -> &'t str {
    let (taken, rest) = text.split_at(length);
    found.plain(taken);
    rest
}

/// The length of the string at the beginning, with its quotes; all, if it has no end.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place.saturating_add(1),
            _ => {}
        }
    }
    text.len()
}

/// XML: attributes by their names, texts by their elements'.
fn xml(text: &str, author: Author, known: &dyn Provenance) -> Masked {
    let mut found = Masked::default();
    let mut element = "";
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        found.append(written(element, before, &unescaped(before), author, known));
        let is_comment = tag.starts_with("<!--");
        let end = if is_comment { "-->" } else { ">" };
        let length = tag
            .find(end)
            .map_or(tag.len(), |place| place.saturating_add(end.len()));
        let (tag, after) = tag.split_at(length);
        if is_comment || tag.starts_with("<!") {
            found.append(value("", tag, Author::Caller, known));
        } else {
            let name = tag.trim_start_matches(['<', '/', '?']);
            element = name
                .split(|c: char| c.is_whitespace() || matches!(c, '>' | '/' | '?'))
                .next()
                .unwrap_or_default();
            attributes(&mut found, tag, author, known);
        }
        rest = after;
    }
    found.append(written(element, rest, &unescaped(rest), author, known));
    found
}

fn attributes(found: &mut Masked, tag: &str, author: Author, known: &dyn Provenance) {
    let is_declaration = tag.starts_with("<?");
    let mut rest = tag;
    while let Some(quote) = rest.find(['"', '\'']) {
        let (before, quoted) = rest.split_at(quote);
        let name = before.trim_end().trim_end_matches('=').trim_end();
        let name = name.rsplit(char::is_whitespace).next().unwrap_or_default();
        found.append(parts(before));
        let mark = if quoted.starts_with('"') { '"' } else { '\'' };
        let inner = quoted.get(1..).unwrap_or_default();
        let length = inner.find(mark).unwrap_or(inner.len());
        let (raw, after) = inner.split_at(length);
        found.plain(quoted.get(..1).unwrap_or_default());
        if is_declaration || name.starts_with("xmlns") {
            found.plain(raw);
        } else {
            found.append(written(name, raw, &unescaped(raw), author, known));
        }
        rest = after;
        if rest.starts_with(mark) {
            rest = take(found, rest, 1);
        }
    }
    found.append(parts(rest));
}

/// The text that the entities of XML stand for.
fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, entity) = rest.split_at(start);
        out.push_str(before);
        let length = entity
            .find(';')
            .map_or(entity.len(), |end| end.saturating_add(1));
        let (entity, after) = entity.split_at(length);
        let number = |radix, digits: &str| {
            let code = u32::from_str_radix(digits, radix).ok();
            code.and_then(char::from_u32)
        };
        let name = entity.trim_matches(['&', ';']);
        let c = match (name, name.strip_prefix("#x"), name.strip_prefix('#')) {
            ("lt", ..) => Some('<'),
            ("gt", ..) => Some('>'),
            ("amp", ..) => Some('&'),
            ("quot", ..) => Some('"'),
            ("apos", ..) => Some('\''),
            (_, Some(digits), _) => number(16, digits),
            (_, _, Some(digits)) => number(10, digits),
            _ => None,
        };
        match c {
            Some(c) => out.push(c),
            None => out.push_str(entity),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `name=value` with `&` between.
fn pairs(text: &str, author: Author, known: &dyn Provenance) -> Masked {
    let mut found = Masked::default();
    for (place, pair) in text.split('&').enumerate() {
        if place > 0 {
            found.plain("&");
        }
        let (name, raw) = match pair.split_once('=') {
            Some((name, raw)) => (Some(name), raw),
            None => (None, pair),
        };
        if let Some(name) = name {
            found.append(parts(name));
            found.plain("=");
        }
        let name = decoded(name.unwrap_or_default()).unwrap_or_default();
        let meant = decoded(raw).unwrap_or_else(|| raw.to_owned());
        found.append(written(&name, raw, &meant, author, known));
    }
    found
}

/// The parts of a form with files.
fn multipart(text: &str, content_type: &str, author: Author, known: &dyn Provenance) -> Masked {
    let mut found = Masked::default();
    let boundary = content_type.split("boundary=").nth(1).unwrap_or_default();
    let boundary = boundary
        .split(';')
        .next()
        .unwrap_or_default()
        .trim_matches('"');
    if boundary.is_empty() {
        return value("", text, author, known);
    }
    let delimiter = format!("--{boundary}");
    for (place, part) in text.split(&delimiter).enumerate() {
        if place > 0 {
            found.plain(&delimiter);
        }
        let gap = ["\r\n\r\n", "\n\n"]
            .into_iter()
            .find(|gap| part.contains(gap));
        let Some((head, inner)) = gap.and_then(|gap| part.split_once(gap)) else {
            found.append(parts(part));
            continue;
        };
        found.append(parts(head));
        found.plain("\n\n");
        let name = head.split("name=\"").nth(1).unwrap_or_default();
        let name = name.split('"').next().unwrap_or_default();
        let (raw, end) = inner.split_at(inner.trim_end_matches(['\r', '\n']).len());
        match head.contains("filename=") {
            true => found.push(raw, Shown::Masked(Kind::File)),
            false => found.append(value(name, raw, author, known)),
        }
        found.plain(end);
    }
    found
}

/// Headers that say nothing about anybody.
const HARMLESS: [&str; 24] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "allow",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "retry-after",
    "transfer-encoding",
    "user-agent",
    "x-content-type-options",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
    "x-sandbox-journey",
    "x-sandbox-now",
    "traceparent",
    "idempotency-key",
];

/// Headers with credentials or signatures, beside those whose names say so.
const CREDENTIALS: [&str; 11] = [
    "x-api-key",
    "x-api-secret",
    "client_id",
    "client_secret",
    "client-id",
    "organisationid",
    "appidentifier",
    "x-auth-client",
    "vrf-auth-client",
    "x-hmac-signature",
    "x-signature",
];

/// Whether a header is one of these.
pub(super) fn is_credential(name: &str) -> bool {
    CREDENTIALS.contains(&name)
}

/// Lines `name: value`.
pub(crate) fn head(bytes: &[u8], author: Author, known: &dyn Provenance) -> Masked {
    let mut found = Masked::default();
    let text = String::from_utf8_lossy(bytes);
    for line in text.split_inclusive('\n') {
        let end = if line.ends_with('\n') { "\n" } else { "" };
        let line = line.trim_end_matches('\n');
        let (name, raw) = line.split_once(": ").unwrap_or((line, ""));
        found.plain(name);
        found.plain(": ");
        if HARMLESS.contains(&name) {
            found.append(parts(raw).harmless());
        } else if is_credential(name) {
            found.push(raw, Shown::Masked(Kind::Secret));
        } else {
            found.append(value(name, raw, author, known));
        }
        found.plain(end);
    }
    found
}

impl Masked {
    /// The same without tokens: an id of a request or a trace is nobody's.
    fn harmless(mut self) -> Self {
        for piece in &mut self.pieces {
            if matches!(piece.shown, Shown::Masked(Kind::Token | Kind::Account)) {
                piece.shown = Shown::Plain;
            }
        }
        self
    }
}

/// Path and query.
pub(crate) fn target(text: &str, author: Author, known: &dyn Provenance) -> Masked {
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    let mut found = Masked::default();
    for (place, segment) in path.split('/').enumerate() {
        if place > 0 {
            found.plain("/");
        }
        // A segment is a word of the interface or an id.
        let meant = decoded(segment).unwrap_or_else(|| segment.to_owned());
        found.append(written("", segment, &meant, Author::Sandbox, known));
    }
    if let Some(query) = query {
        found.plain("?");
        found.append(pairs(query, author, known));
    }
    found
}
