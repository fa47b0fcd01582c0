//! A call as a command for a shell. Secrets and what is masked are variables, never values.

use std::fmt::Write as _;

use crate::providers::veriff::signing::signs_body;
use crate::state::{Message, Provider};

use super::masking::{Kind, Masked, Shown};
use super::nearest::credentials;

/// Headers that the program itself sets, or that say nothing.
const OWN: [&str; 8] = [
    "host",
    "content-length",
    "connection",
    "accept",
    "accept-encoding",
    "user-agent",
    "x-request-id",
    "transfer-encoding",
];

/// A call and what may be seen of it.
pub(super) struct Copied<'c> {
    pub(super) provider: Provider,
    pub(super) base_url: &'c str,
    pub(super) method: &'c http::Method,
    pub(super) target: &'c Masked,
    pub(super) request: Message<'c>,
    pub(super) body: &'c Masked,
}

/// A word of a shell, made of texts and variables.
#[derive(Default)]
struct Word {
    text: String,
    /// Whether it ends with a quoted text.
    is_quoted: bool,
    /// Values and the variables that stand for them.
    variables: Vec<(String, String)>,
}

impl Word {
    fn add(&mut self, masked: &Masked) {
        for piece in &masked.pieces {
            match piece.shown {
                Shown::Plain | Shown::Invented => self.literal(&piece.text),
                Shown::Masked(kind) => self.variable(kind, &piece.text),
            }
        }
    }

    fn literal(&mut self, text: &str) {
        if !text.is_empty() {
            let quoted = text.replace('\'', r"'\''");
            if self.is_quoted {
                self.text.pop();
            } else {
                self.text.push('\'');
            }
            self.text.push_str(&quoted);
            self.text.push('\'');
            self.is_quoted = true;
        }
    }

    fn variable(&mut self, kind: Kind, value: &str) {
        let mut known = self.variables.iter();
        let name = match known.find(|(known, _)| known == value) {
            Some((_, name)) => name.clone(),
            None => {
                let base = kind.variable();
                let is_of = |name: &str| {
                    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_') == base
                };
                let count = self
                    .variables
                    .iter()
                    .filter(|(_, name)| is_of(name))
                    .count();
                let name = match count {
                    0 => base.to_owned(),
                    count => format!("{base}_{}", count.saturating_add(1)),
                };
                self.variables.push((value.to_owned(), name.clone()));
                name
            }
        };
        let _infallible = write!(self.text, "\"${name}\"");
        self.is_quoted = false;
    }

    /// What was written since the last time.
    fn take(&mut self) -> String {
        self.is_quoted = false;
        match std::mem::take(&mut self.text) {
            text if text.is_empty() => "''".to_owned(),
            text => text,
        }
    }
}

/// As a command of curl.
pub(super) fn curl(call: &Copied<'_>) -> String {
    let mut word = Word::default();
    word.literal(call.base_url);
    word.add(call.target);
    let url = word.take();
    word.add(call.body);
    let body = word.take();
    let has_body = call.request.length > 0;

    let mut command = String::new();
    let mut lines = vec![format!("curl -X {} {url}", call.method)];
    for (name, value) in call.request.headers() {
        if OWN.contains(&name) || name == "x-hmac-signature" {
            continue;
        }
        let mut known = credentials(call.provider).iter();
        if let Some((_, variable)) = known.find(|(known, _)| *known == name) {
            lines.push(format!("-H {name}:\\ \"${variable}\""));
        } else if name == "content-type"
            && let Ok(value) = std::str::from_utf8(value)
            && !value.contains('\'')
        {
            lines.push(format!("-H '{name}: {value}'"));
        }
    }
    let is_signed = call.request.header("x-hmac-signature").is_some();
    if is_signed {
        lines.push("-H x-hmac-signature:\\ \"$SIGNATURE\"".to_owned());
    }
    if has_body {
        lines.push("--data-binary \"$BODY\"".to_owned());
        let _infallible = writeln!(command, "BODY={body}");
    }
    if is_signed {
        let signed = match signs_body(call.method) {
            true if has_body => "\"$BODY\"".to_owned(),
            true => "''".to_owned(),
            false => {
                let mut path = url.split('/').map(|part| part.trim_matches('\''));
                let id = path.find(|part| uuid::Uuid::try_parse(part).is_ok());
                id.unwrap_or("\"$TOKEN\"").to_owned()
            }
        };
        let _infallible = writeln!(
            command,
            "SIGNATURE=$(printf %s {signed} | openssl dgst -sha256 -hmac \"$VERIFF_SHARED_SECRET\" -r | cut -d' ' -f1)"
        );
    }
    command.push_str(&lines.join(" \\\n  "));
    command
}

/// As a command of `kyc`, where an operation takes its request as JSON.
pub(super) fn kyc(call: &Copied<'_>, operation: &str, template: &str) -> Option<String> {
    let text = std::str::from_utf8(call.request.body).ok()?;
    let is_object = text.trim_start().starts_with('{');
    if !call.request.is_whole() || !(text.is_empty() || is_object) {
        return None;
    }
    let mut word = Word::default();
    word.add(call.body);
    let body = word.take();
    let mut command = String::new();
    if is_object {
        let _infallible = write!(command, "printf %s {body} | ");
    }
    let _infallible = write!(command, "kyc {} {operation}", call.provider);
    if is_object {
        command.push_str(" --data -");
    }
    // The id in the path, with the name that the command gives it.
    let flag = match template.split('/').nth(2) {
        Some("attempts") => "--attempt-id",
        Some("media") => "--media-id",
        _ => "--session-id",
    };
    word.add(call.target);
    let target = word.take();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let segments = template.split('/').zip(path.split('/'));
    for (_, segment) in segments.filter(|(wanted, _)| wanted.starts_with('{')) {
        let _infallible = write!(command, " {flag} {}", segment.trim_matches('\''));
    }
    for pair in query.split('&') {
        if let Some((name, value)) = pair.split_once('=') {
            let name = name.trim_matches('\'').replace('_', "-");
            let _infallible = write!(command, " --{name} {}", value.trim_matches('\''));
        }
    }
    Some(command)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::super::masking::{Author, Provenance, body, target};
    use super::*;

    struct Nothing;

    impl Provenance for Nothing {
        fn is_own_id(&self, id: &str) -> bool {
            id.ends_with("00aa")
        }
    }

    fn copied(
        provider: Provider,
        path: &str,
        head: &str,
        text: &str,
        method: &Method,
    ) -> (String, Option<String>) {
        let request = Message {
            head: head.as_bytes(),
            body: text.as_bytes(),
            length: text.len(),
        };
        let call = Copied {
            provider,
            base_url: "http://127.0.0.1:8787/x",
            method,
            target: &target(path, Author::Caller, &Nothing),
            request,
            body: &body(
                text.as_bytes(),
                "application/json",
                Author::Caller,
                &Nothing,
            ),
        };
        (
            curl(&call),
            kyc(&call, "initialize", "/v1/sessions/{id}/decision"),
        )
    }

    #[test]
    fn no_secret_and_nothing_masked_is_in_a_copy() {
        let head = "host: x\nx-api-key: hidden-key\nx-api-secret: hidden-secret\nx-odd: hidden\ncontent-type: application/json\n";
        let text = r#"{"mobile_number":"9000000001","again":"9000000001","other":"9000000002","it's":"ACTIVE"}"#;
        let (curl, kyc) = copied(Provider::Finpass, "/init", head, text, &Method::POST);
        assert_eq!(
            curl,
            "BODY='{\"mobile_number\":\"'\"$MOBILE\"'\",\"again\":\"'\"$MOBILE\"'\",\"other\":\"'\"$MOBILE_2\"'\",\"it'\\''s\":\"ACTIVE\"}'\n\
             curl -X POST 'http://127.0.0.1:8787/x/init' \\\n  -H x-api-key:\\ \"$FINPASS_API_KEY\" \\\n  -H x-api-secret:\\ \"$FINPASS_API_SECRET\" \\\n  -H 'content-type: application/json' \\\n  --data-binary \"$BODY\""
        );
        let kyc = kyc.unwrap();
        assert!(
            kyc.starts_with("printf %s '{") && kyc.contains("| kyc finpass initialize --data -"),
            "{kyc}"
        );
        assert!(!kyc.contains("9000000001"));
    }

    #[test]
    fn a_signature_is_made_again() {
        let session = "00000000-0000-4000-8000-0000000000aa";
        let (curl, kyc) = copied(
            Provider::Veriff,
            &format!("/v1/sessions/{session}/decision?version=1"),
            "x-auth-client: hidden\nx-hmac-signature: hidden\n",
            "",
            &Method::GET,
        );
        assert!(
            curl.contains(&format!("printf %s {session} | openssl")),
            "{curl}"
        );
        assert!(!curl.contains("hidden") && !curl.contains("BODY"), "{curl}");
        let expected = format!("kyc veriff initialize --session-id {session} --version 1");
        assert_eq!(kyc.as_deref(), Some(expected.as_str()));
        // Which of the two is signed is said by the method, not by whether there is a body.
        let path = format!("/v1/sessions/{session}/mfa/generate");
        for (method, text, signed) in [
            (&Method::POST, "", "''"),
            (&Method::POST, "{}", "\"$BODY\""),
            (&Method::DELETE, "{}", session),
        ] {
            let head = "x-hmac-signature: hidden\n";
            let (curl, _) = copied(Provider::Veriff, &path, head, text, method);
            let expected = format!("printf %s {signed} | openssl");
            assert!(curl.contains(&expected), "{curl}");
        }
    }
}
