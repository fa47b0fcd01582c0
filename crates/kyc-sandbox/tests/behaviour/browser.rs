//! A person at the pages, without a browser: follows links and sends forms.

use kyc_sandbox::Sandbox;

use crate::{Reply, send};

pub(crate) struct Browser<'s> {
    sandbox: &'s Sandbox,
    pub(crate) cookies: Vec<String>,
    /// Where it is, as path and query.
    pub(crate) at: String,
    pub(crate) page: Reply,
}

impl<'s> Browser<'s> {
    /// Opens a page, with no cookies.
    pub(crate) async fn open(sandbox: &'s Sandbox, path: &str) -> Self {
        Self::open_with(sandbox, path, Vec::new()).await
    }

    pub(crate) async fn open_with(sandbox: &'s Sandbox, path: &str, cookies: Vec<String>) -> Self {
        let mut browser = Self {
            sandbox,
            cookies,
            at: String::new(),
            page: send(sandbox, "GET", "/style.css", &[], "").await,
        };
        browser.get(path).await;
        browser
    }

    pub(crate) async fn get(&mut self, path: &str) {
        self.load("GET", path, &[], String::new()).await;
    }

    /// Sends the page's form with these fields and what it carries itself.
    pub(crate) async fn send(&mut self, fields: &[(&str, &str)]) {
        let hidden = self.hidden();
        let hidden = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let all: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        self.post(&all, &[]).await;
    }

    /// Sends these fields only, with these headers.
    pub(crate) async fn post(&mut self, fields: &[(&str, &str)], headers: &[(&str, &str)]) {
        let fields = fields
            .iter()
            .map(|(n, v)| format!("{}={}", escape(n), escape(v)));
        let body = fields.collect::<Vec<_>>().join("&");
        let at = self.at.clone();
        self.load("POST", &at, headers, body).await;
    }

    /// The names and values that the page's form carries.
    pub(crate) fn hidden(&self) -> Vec<(String, String)> {
        let inputs = self.page.text.split("<input type=\"hidden\"").skip(1);
        let attribute = |input: &str, name: &str| {
            let (_, rest) = input.split_once(&format!("{name}=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        inputs
            .map(|input| (attribute(input, "name"), attribute(input, "value")))
            .collect()
    }

    pub(crate) fn title(&self) -> &str {
        let (_, rest) = self.page.text.split_once("<h1>").unwrap();
        rest.split("</h1>").next().unwrap()
    }

    /// What is wrong, as the page says it.
    pub(crate) fn error(&self) -> Option<&str> {
        let (_, rest) = self.page.text.split_once("<p class=\"error\"")?;
        let (_, rest) = rest.split_once('>')?;
        rest.split("</p>").next()
    }

    pub(crate) fn shows(&self, text: &str) -> bool {
        self.page.text.contains(text)
    }

    /// The address of a link with these words.
    pub(crate) fn link(&self, words: &str) -> Option<String> {
        let (before, _) = self.page.text.split_once(&format!(">{words}</a>"))?;
        let (_, href) = before.rsplit_once("href=\"")?;
        let href = href.split('"').next()?;
        Some(href.replace("&amp;", "&"))
    }

    async fn load(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: String) {
        let cookies = self.cookies.join("; ");
        let mut all = vec![("cookie", cookies.as_str())];
        all.extend(headers);
        let reply = send(self.sandbox, method, path, &all, body).await;
        self.at = path.to_owned();
        for cookie in reply.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookies.push(cookie.to_owned());
        }
        let location = reply.header("location").map(str::to_owned);
        self.page = reply;
        if let (303, Some(location)) = (self.page.status, location) {
            Box::pin(self.load("GET", &location, &[], String::new())).await;
        }
    }
}

fn escape(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
