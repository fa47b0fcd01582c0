//! A browser with a sandbox of its own.
//!
//! A flow is a test that calls [`visit`] with its name, the width of the window and what to do:
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_person_approves() {
//!     visit("a_person_approves", Width::Phone, Settings::default(), async |page| {
//!         page.open("/deepvue/…").await;
//!         page.fill(&[("mobile", "9001000000")]).await;
//!         page.press("Next").await;
//!         page.sees("We would have sent 123456").await;
//!         page.fits().await;
//!         page.is_accessible().await;
//!     })
//!     .await;
//! }
//! ```
//!
//! It needs Chromium and its driver. Where there are none it is skipped and says so, unless `KYC_BROWSER=required`. axe-core is
//! the file that `KYC_AXE` names, or the one that `.ci/run` installs below the target directory; without it accessibility is not
//! checked, and that is said too. A picture of a page on which a flow failed is in `target/browser`; with `KYC_PICTURES=DIR` every
//! page that [`Page::picture`] is called on is there.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, TimeoutConfiguration, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use futures_util::FutureExt as _;
use http::Request;
use hyper_util::client::legacy::connect::HttpConnector;
use kyc_sandbox::{Sandbox, Settings};
use provider_core::{Body, ExchangeLimits, Transport as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use url::Url;

/// Far longer than anything here takes: it only detects what never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser is several busy processes: more of them at a time are slower together.
static BROWSERS: Semaphore = Semaphore::const_new(2);

pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";

/// How wide the window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// 320 px, the narrowest that pages are made for.
    Phone,
    /// 480 px, as the README's pictures are.
    Picture,
    /// 1280 px.
    Desktop,
}

/// A page of a sandbox in a browser.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) sandbox: Sandbox,
    pub(crate) origin: String,
    name: &'static str,
    client: Client,
    axe: Option<String>,
}

/// The driver's process; it ends with the test.
struct Driver {
    process: Child,
    url: String,
}

impl Driver {
    /// Starts the driver, if there is one.
    fn start() -> Option<Self> {
        let is_there = |program: &str| {
            let mut command = Command::new(program);
            let asked = command.arg("--version").stdout(Stdio::null());
            asked.stderr(Stdio::null()).status().is_ok()
        };
        if !is_there("chromium") || !is_there("chromedriver") {
            return None;
        }
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let lines = BufReader::new(process.stdout.take()?).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        })?;
        Some(Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _status = self.process.wait();
    }
}

/// What a browser is started with.
fn capabilities(profile: &Path) -> Capabilities {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--hide-scrollbars",
    ];
    let arguments = arguments.into_iter().map(str::to_owned);
    let profile = format!("--user-data-dir={}", profile.display());
    let arguments: Vec<String> = arguments.chain([profile]).collect();
    let mut capabilities = Capabilities::new();
    capabilities.insert("goog:chromeOptions".to_owned(), json!({"args": arguments}));
    capabilities
}

/// Runs a flow in a browser of this width, against a sandbox with these settings.
pub(crate) async fn visit(
    name: &'static str,
    width: Width,
    settings: Settings,
    flow: impl AsyncFnOnce(&Page),
) {
    let _turn = BROWSERS.acquire().await.unwrap();
    let Some(driver) = Driver::start() else {
        let is_required = env::var("KYC_BROWSER").is_ok_and(|value| value == "required");
        assert!(!is_required, "there is no chromium, or no chromedriver");
        println!("skipped: there is no chromium, or no chromedriver");
        return;
    };
    let profile = tempfile::tempdir().unwrap();
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities(profile.path()))
        .connect(&driver.url)
        .await
        .unwrap();
    let sandbox = Sandbox::new(settings);
    let served = sandbox.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let page = Page {
        origin: format!("http://{}", served.address()),
        sandbox,
        name,
        client,
        axe: axe().map(|file| fs::read_to_string(file).unwrap()),
    };
    let patience = TimeoutConfiguration::new(Some(PATIENCE), Some(PATIENCE), None);
    page.client.update_timeouts(patience).await.unwrap();
    // As in a window that is looked at.
    page.command(
        "Emulation.setFocusEmulationEnabled",
        json!({"enabled": true}),
    )
    .await;
    page.set_width(width).await;
    let outcome = AssertUnwindSafe(flow(&page)).catch_unwind().await;
    if outcome.is_err() {
        page.save(&failures().join(format!("{name}.png"))).await;
    }
    let _closed = page.client.clone().close().await;
    drop(driver);
    served.shutdown().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// axe-core: the file that `KYC_AXE` names, or where `.ci/run` installs it.
fn axe() -> Option<PathBuf> {
    if let Some(named) = env::var_os("KYC_AXE") {
        return Some(named.into());
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let installed = target.join("tools/browser/node_modules/axe-core/axe.min.js");
    installed.is_file().then_some(installed)
}

fn failures() -> PathBuf {
    let target = env::current_exe().unwrap();
    let target = target.ancestors().nth(3).unwrap().join("browser");
    fs::create_dir_all(&target).unwrap();
    target
}

/// Whoever sent the person to the sandbox, and to whom it returns: a server that notes what it is asked for.
pub(crate) struct Lender {
    pub(crate) origin: String,
    asked: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Lender {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let notes = Arc::clone(&notes);
                tokio::spawn(async move {
                    let mut stream = tokio::io::BufReader::new(stream);
                    let mut line = String::new();
                    let mut first = None;
                    while stream.read_line(&mut line).await.is_ok_and(|read| read > 2) {
                        first.get_or_insert_with(|| line.clone());
                        line.clear();
                    }
                    let path = first.as_deref().and_then(|line| line.split(' ').nth(1));
                    if let Some(path) = path.filter(|path| path.starts_with("/back")) {
                        notes.lock().unwrap().push(path.to_owned());
                    }
                    let page =
                        "<!DOCTYPE html><html lang=en><title>Lender</title><h1>Welcome back</h1>";
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close";
                    let reply = format!("{head}\r\ncontent-length: {}\r\n\r\n{page}", page.len());
                    let _went_away = stream.write_all(reply.as_bytes()).await;
                });
            }
        });
        Self {
            origin,
            asked,
            server,
        }
    }

    /// Where people return to.
    pub(crate) fn url(&self) -> String {
        format!("{}/back?case=7", self.origin)
    }

    /// The parameters of the last return, beside the lender's own.
    pub(crate) fn returned(&self) -> Vec<(String, String)> {
        let asked = self.asked.lock().unwrap();
        let url = Url::parse(&self.origin).unwrap();
        let url = url.join(asked.last().unwrap()).unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert!(
            pairs.contains(&("case".to_owned(), "7".to_owned())),
            "{url}"
        );
        pairs
            .into_iter()
            .filter(|(name, _)| name != "case")
            .collect()
    }
}

impl Drop for Lender {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Calls an operation as its caller does: the status, and the body.
pub(crate) async fn call(
    sandbox: &Sandbox,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: String,
) -> (u16, Value) {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://localhost{path}"))
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.into_bytes())).unwrap();
    let limits = ExchangeLimits::new(PATIENCE, usize::MAX);
    let reply = sandbox.transport().send(request, limits).await.unwrap();
    let body = serde_json::from_slice(reply.body()).unwrap_or_default();
    (reply.status().as_u16(), body)
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session_id.unwrap_or_default();
        base_url.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let Self(command, parameters) = self;
        let body = json!({"cmd": command, "params": parameters});
        (http::Method::POST, Some(body.to_string()))
    }
}

impl Page {
    /// Opens a path of the sandbox.
    pub(crate) async fn open(&self, path: &str) {
        let url = format!("{}{path}", self.origin);
        self.client.goto(&url).await.unwrap();
    }

    /// Opens a URL of a reply, which has been asked for in process.
    pub(crate) async fn follow(&self, url: &str) {
        let url = Url::parse(url).unwrap();
        let query = url.query().map(|query| format!("?{query}"));
        self.open(&format!("{}{}", url.path(), query.unwrap_or_default()))
            .await;
    }

    /// Goes back to the page before, as with the browser's own button.
    pub(crate) async fn back(&self) {
        self.client.back().await.unwrap();
    }

    /// The title of the screen, once it has these words.
    pub(crate) async fn title_with(&self, words: &str) -> String {
        let path = format!("//h1[contains(., {words:?})]");
        let found = self.element(Locator::XPath(&path)).await;
        found.unwrap().text().await.unwrap()
    }

    /// What is found here, once it is there.
    async fn element(&self, locator: Locator<'_>) -> Result<Element, CmdError> {
        loop {
            let found = self.client.wait().at_most(PATIENCE).for_element(locator);
            match found.await {
                Err(error) if is_of_a_page_that_was_left(&error) => {}
                found => return found,
            }
        }
    }

    /// Waits for the screen of this title, which is narrow, accessible, and says what it is. Its pictures are kept, if pictures
    /// are wanted.
    pub(crate) async fn screen(&self, title: &str) {
        let path = format!("//h1[normalize-space()={title:?}]");
        if let Err(error) = self.element(Locator::XPath(&path)).await {
            panic!("`{title}`: {error} in: {}", self.text().await);
        }
        self.fits().await;
        self.is_accessible().await;
        let text = self.text().await;
        assert!(text.contains("Invented people. Do not type real data."));
        if env::var("KYC_PICTURES").is_err() {
            return;
        }
        let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = title.chars().map(word).collect();
        for width in [Width::Desktop, Width::Phone] {
            self.set_width(width).await;
            for looks in ["dark", "light"] {
                self.prefers("prefers-color-scheme", looks).await;
                self.picture(&format!("{}-{name}-{looks}-{width:?}", self.name))
                    .await;
            }
        }
    }

    /// What is said to be wrong has the focus, so that it is read first.
    pub(crate) async fn is_told(&self, words: &str) {
        self.find("#error:focus").await;
        let told = self.focused().await;
        assert!(told.contains(words), "{told}");
    }

    /// Clicks the element of this selector.
    pub(crate) async fn click(&self, selector: &str) {
        self.click_at(Locator::Css(selector)).await;
    }

    /// Clicks what is found here. What was found on a page that was just left cannot be clicked, and is looked for again.
    async fn click_at(&self, locator: Locator<'_>) {
        let clicked = async {
            loop {
                let clicked = match self.element(locator).await {
                    Ok(found) => found.click().await,
                    Err(error) => Err(error),
                };
                match clicked {
                    Err(error) if is_of_a_page_that_was_left(&error) => {}
                    clicked => {
                        break clicked.unwrap_or_else(|error| panic!("{locator:?}: {error}"));
                    }
                }
            }
        };
        let clicked = tokio::time::timeout(PATIENCE, clicked).await;
        clicked.unwrap_or_else(|_| panic!("{locator:?} is always stale"));
    }

    /// Goes on to this element by the Tab key alone.
    pub(crate) async fn tab_to(&self, selector: &str) {
        let there = format!("return document.activeElement.matches({selector:?})");
        for _ in 0..40 {
            if self.run(&there).await == json!(true) {
                return;
            }
            self.keys(TAB).await;
        }
        panic!("the Tab key does not lead to {selector}");
    }

    /// Presses the element of this selector by keys alone.
    pub(crate) async fn enter(&self, selector: &str) {
        self.tab_to(selector).await;
        self.keys(ENTER).await;
    }

    /// The same browser, at the same sandbox on another address.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self {
            origin: format!("http://{address}"),
            ..self.clone()
        }
    }

    /// Opens the console with the token, so that it may be acted on.
    pub(crate) async fn open_console(&self) {
        self.open(&format!("/?token={}", self.sandbox.control_token()))
            .await;
    }

    /// The path that is open, with its query.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.as_str().trim_start_matches(&self.origin).to_owned()
    }

    /// Fills the fields of a form, by their names. A box is ticked with `on`.
    pub(crate) async fn fill(&self, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            let field = self
                .find(&format!("[name='{name}']:not([type='hidden'])"))
                .await;
            let kind = field.attr("type").await.unwrap().unwrap_or_default();
            match (field.tag_name().await.unwrap().as_str(), kind.as_str()) {
                ("select", _) => field.select_by_value(value).await.unwrap(),
                (_, "checkbox" | "radio") => field.click().await.unwrap(),
                _ => {
                    field.clear().await.unwrap();
                    field.send_keys(value).await.unwrap();
                }
            }
        }
    }

    /// Presses the first button or link with this text.
    pub(crate) async fn press(&self, text: &str) {
        let words = format!("normalize-space()='{text}'");
        let path = format!("//button[{words}] | //a[{words}] | //summary[{words}]");
        self.click_at(Locator::XPath(&path)).await;
    }

    /// Types keys where the focus is, as on a keyboard.
    pub(crate) async fn keys(&self, keys: &str) {
        let focused = self.client.active_element().await.unwrap();
        focused.send_keys(keys).await.unwrap();
    }

    /// The text of what has the focus.
    pub(crate) async fn focused(&self) -> String {
        self.client
            .active_element()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// The element of this selector, once it is there.
    pub(crate) async fn find(&self, selector: &str) -> Element {
        let found = self.element(Locator::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    /// How many elements a selector has.
    pub(crate) async fn count(&self, selector: &str) -> usize {
        self.client
            .find_all(Locator::Css(selector))
            .await
            .unwrap()
            .len()
    }

    /// Waits until the page has this text. A script that waits by itself ends with the page that it is in, so each look is its own.
    pub(crate) async fn sees(&self, text: &str) {
        let look =
            "return document.body !== null && document.body.innerText.includes(arguments[0])";
        let seen = async {
            // A page that is just left answers with an error.
            while !matches!(
                self.client.execute(look, vec![json!(text)]).await,
                Ok(Value::Bool(true))
            ) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, seen).await.is_err() {
            panic!("`{text}` is not seen in: {}", self.text().await);
        }
    }

    /// The whole text of the page.
    pub(crate) async fn text(&self) -> String {
        let text = self.run("return document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Runs a script in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Asserts that nothing is wider than the window.
    pub(crate) async fn fits(&self) {
        let found = self.run(
            "const wide = document.scrollingElement.scrollWidth - window.innerWidth; \
             return wide <= 0 ? [] : [...document.querySelectorAll('body *')] \
               .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1) \
               .map(e => e.outerHTML.slice(0, 120)).slice(0, 5).concat(['wider by ' + wide])",
        );
        assert_eq!(found.await, json!([]), "{}", self.path().await);
    }

    /// Asserts that axe-core finds nothing.
    pub(crate) async fn is_accessible(&self) {
        let Some(axe) = &self.axe else {
            println!("not checked: .ci/run has installed no axe-core, and KYC_AXE names none");
            return;
        };
        self.client.execute(axe, Vec::new()).await.unwrap();
        let script = "const done = arguments[0]; axe.run(document).then(r => done(r.violations.map(v => \
            v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + n.failureSummary).join(' | '))), e => done(['' + e]))";
        let found = self.client.execute_async(script, Vec::new()).await.unwrap();
        assert_eq!(found, json!([]), "{}", self.path().await);
    }

    /// Looks as on a system with these wishes, such as `prefers-color-scheme` and `dark`.
    pub(crate) async fn prefers(&self, name: &str, value: &str) {
        let features = json!({"features": [{"name": name, "value": value}]});
        self.command("Emulation.setEmulatedMedia", features).await;
    }

    pub(crate) async fn set_width(&self, width: Width) {
        let (width, height) = match width {
            Width::Phone => (320, 640),
            Width::Picture => (480, 400),
            Width::Desktop => (1280, 800),
        };
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", size)
            .await;
    }

    async fn command(&self, name: &'static str, parameters: Value) -> Value {
        self.client
            .issue_cmd(DevTools(name, parameters))
            .await
            .unwrap()
    }

    /// Keeps a picture of the whole page, if pictures are wanted.
    pub(crate) async fn picture(&self, name: &str) {
        if let Ok(directory) = env::var("KYC_PICTURES") {
            fs::create_dir_all(&directory).unwrap();
            self.save(&Path::new(&directory).join(format!("{name}.png")))
                .await;
        }
    }

    /// Keeps a picture of the whole page in this file.
    pub(crate) async fn save(&self, file: &Path) {
        let taken = self
            .client
            .issue_cmd(DevTools(
                "Page.captureScreenshot",
                json!({"captureBeyondViewport": true}),
            ))
            .await;
        let picture = taken.ok().and_then(|taken| {
            let picture = taken.get("data")?.as_str()?.to_owned();
            STANDARD.decode(picture).ok()
        });
        if let Some(picture) = picture {
            fs::write(file, picture).unwrap();
            println!("a picture of the page: {}", file.display());
        }
    }
}

/// Whether a page was left while something was looked for on it or was about to be clicked. The driver has a code for one of the ways in
/// which it notices, and words for the others.
fn is_of_a_page_that_was_left(error: &CmdError) -> bool {
    let text = error.to_string();
    let words = ["aborted by navigation", "does not belong to the document"];
    error.is_stale_element_reference() || words.iter().any(|words| text.contains(words))
}
