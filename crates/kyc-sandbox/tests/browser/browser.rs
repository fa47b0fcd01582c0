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
//! the file that `KYC_AXE` names; without it accessibility is not checked, and that is said too. A picture of a page on which a
//! flow failed is in `target/browser`; with `KYC_PICTURES=DIR` every page that [`Page::picture`] is called on is there.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::elements::Element;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use futures_util::FutureExt as _;
use hyper_util::client::legacy::connect::HttpConnector;
use kyc_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use url::Url;

/// Far longer than anything here takes: it only detects what never comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// How wide the window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// 320 px, the narrowest that pages are made for.
    Phone,
    /// 1280 px.
    Desktop,
}

/// A page of a sandbox in a browser.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) sandbox: Sandbox,
    pub(crate) origin: String,
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
    name: &str,
    width: Width,
    settings: Settings,
    flow: impl AsyncFnOnce(&Page),
) {
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
        client,
        axe: env::var("KYC_AXE")
            .ok()
            .map(|file| fs::read_to_string(file).unwrap()),
    };
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

fn failures() -> PathBuf {
    let target = env::current_exe().unwrap();
    let target = target.ancestors().nth(3).unwrap().join("browser");
    fs::create_dir_all(&target).unwrap();
    target
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
        let found = self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::XPath(&path));
        found.await.unwrap().click().await.unwrap();
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
        let found = self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(selector));
        found
            .await
            .unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    /// How many elements a selector has.
    pub(crate) async fn count(&self, selector: &str) -> usize {
        self.client
            .find_all(Locator::Css(selector))
            .await
            .unwrap()
            .len()
    }

    /// Waits until the page has this text.
    pub(crate) async fn sees(&self, text: &str) {
        let script = "const [text, done] = arguments; \
            const look = () => document.body && document.body.innerText.includes(text) ? done(true) : setTimeout(look, 20); \
            setTimeout(() => done(false), 20000); look();";
        let seen = self
            .client
            .execute_async(script, vec![json!(text)])
            .await
            .unwrap();
        assert_eq!(
            seen,
            json!(true),
            "`{text}` is not seen in: {}",
            self.text().await
        );
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
            println!("not checked: KYC_AXE names no axe-core");
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

    async fn save(&self, file: &Path) {
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
