//! The documents in other hands: schemathesis looks for requests that the sandbox answers otherwise than its document says, and
//! clients that are generated from the documents, in Python and TypeScript, make one call of each operation; those of `kyc journey serve` run a whole
//! journey.
//!
//! What that needs is installed once below the target directory, at the versions in `openapi/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use kyc_proof::catalogue::{Setup, all_operations};
use kyc_sandbox::{FinproSettings, Sandbox, SandboxTransport, credentials};
use serde_json::{Map, Value, json};

use crate::Settings;
use crate::inputs::Inputs;
use crate::process::{Running, program};

/// The scripts, beside this crate's sources.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi");

/// The most cases of an operation in a phase of schemathesis.
const CASES: [&str; 2] = ["300", "20"];

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let tools = Tools::installed()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let finpro = FinproSettings::default().with_rate_limit(u64::MAX);
    let sandbox = Sandbox::new(kyc_sandbox::Settings::default().with_finpro(finpro));
    let served = runtime.block_on(sandbox.serve("127.0.0.1:0".parse()?))?;
    let urls = served.base_urls();
    let setup = Setup::standard(Arc::new(sandbox.transport()));
    let inputs = Inputs::new(&SandboxTransport::base_urls(), &setup)?;
    for (name, base_url, headers, secret) in [
        (
            "finpass",
            urls.finpass.as_str(),
            json!({
                "x-api-key": credentials::FINPASS_API_KEY, "x-api-secret": credentials::FINPASS_API_SECRET,
            }),
            None,
        ),
        (
            "finpro",
            urls.finpro.as_str(),
            json!({
                "client_id": credentials::FINPRO_CLIENT_ID, "client_secret": credentials::FINPRO_CLIENT_SECRET,
                "organisationId": credentials::FINPRO_ORGANISATION_ID, "appIdentifier": credentials::FINPRO_APP_IDENTIFIER,
            }),
            None,
        ),
        (
            "veriff",
            urls.veriff.as_str(),
            json!({ "x-auth-client": credentials::VERIFF_API_KEY }),
            Some(credentials::VERIFF_SHARED_SECRET),
        ),
        (
            "deepvue",
            urls.deepvue.as_str(),
            json!({
                "client-id": credentials::DEEPVUE_CLIENT_ID, "x-api-key": credentials::DEEPVUE_CLIENT_SECRET,
            }),
            None,
        ),
    ] {
        println!("  {name}");
        let folder = tempfile::tempdir()?;
        let folder = folder.path();
        let document = folder.join("document.json");
        let mut kyc = Command::new(program()?);
        fs::write(&document, output(kyc.args(["openapi", name]))?)?;
        // Each call has a session of its own: one that was submitted or deleted takes no more.
        let requests = |client: usize| -> Result<Value> {
            let mut requests = Map::new();
            for (place, subject) in all_operations()
                .iter()
                .enumerate()
                .filter(|(_, subject)| subject.provider == name)
            {
                let session = format!("00000000-0000-4000-8000-{client:06}{place:06}");
                let input = inputs.of(subject, "9000000001", &session);
                requests.insert(subject.method.to_owned(), runtime.block_on(input)?);
            }
            Ok(requests.into())
        };
        let provider = json!({
            "base_url": base_url, "headers": headers, "secret": secret, "document": document,
            "requests": folder.join("requests.json"),
        });
        let tool = |command: &mut Command| {
            command
                .current_dir(folder)
                .env("PROVIDER", provider.to_string());
            command.env("PYTHONPATH", format!("{SCRIPTS}:{}", folder.display()));
            output(command)
        };
        let cases = CASES[usize::from(settings.short)];
        let mut schemathesis = Command::new(tools.python("schemathesis"));
        schemathesis
            .args([
                "--config-file",
                &format!("{SCRIPTS}/schemathesis.toml"),
                "run",
            ])
            .arg(&document);
        schemathesis.args([
            "--url",
            base_url,
            "--max-examples",
            cases,
            "--seed",
            &settings.seed.to_string(),
        ]);
        schemathesis
            .args(["--continue-on-failure", "--no-color"])
            .env("SCHEMATHESIS_HOOKS", "hooks");
        let found = tool(&mut schemathesis)?;
        let summary = found.lines().filter(|line| line.contains(" generated, "));
        summary.for_each(|line| println!("    schemathesis: {}", line.trim()));

        tool(&mut tools.python_client(&document))?;
        fs::write(folder.join("requests.json"), requests(1)?.to_string())?;
        let calls = tool(Command::new(tools.python("python")).arg(format!("{SCRIPTS}/calls.py")))?;
        println!("    Python: {} operations answered", calls.lines().count());

        for file in ["client.ts", "generate.mjs", "package.json", "tsconfig.json"] {
            fs::copy(Path::new(SCRIPTS).join(file), folder.join(file))?;
        }
        tools.link(folder)?;
        tool(&mut tools.types(&document))?;
        fs::write(folder.join("requests.json"), requests(2)?.to_string())?;
        tool(Command::new("node").arg("generate.mjs"))?;
        tool(&mut Command::new(tools.node("tsc")))?;
        let calls = tool(Command::new("node").arg("calls.js"))?;
        println!(
            "    TypeScript: {} operations answered",
            calls.lines().count()
        );
    }
    runtime.block_on(served.shutdown());
    journeys(&tools)
}

/// The clients of `kyc journey serve` run a whole journey, with the sandbox's clock a thousand times as fast.
fn journeys(tools: &Tools) -> Result<()> {
    println!("  journeys");
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let document = folder.join("document.json");
    let kyc = |arguments: &[&str]| {
        let mut kyc = Command::new(program()?);
        kyc.args(arguments);
        anyhow::Ok(kyc)
    };
    fs::write(&document, output(&mut kyc(&["openapi", "journeys"])?)?)?;
    let db = folder.join("journeys.db");
    let mut serve = kyc(&["journey", "serve", "--sandbox", "--json"])?;
    serve
        .args(["--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"])
        .arg("--db")
        .arg(&db)
        .env_remove("KYC_JOURNEY_TOKEN")
        .stdout(Stdio::piped());
    let mut serving = Running(serve.spawn()?);
    let told = serving.0.stdout.take().context("its output")?;
    let told = serde_json::Deserializer::from_reader(told).into_iter::<Value>();
    let told = told.into_iter().next().context("where it serves")??;
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    let (sandbox, console) = (text("sandbox"), text("console"));
    let control = console.split_once("token=").context("a token")?.1;
    let mut fast = kyc(&["clock", "fast", "1000"])?;
    fast.env("KYC_SANDBOX_URL", sandbox)
        .env("KYC_SANDBOX_TOKEN", control);
    output(&mut fast)?;
    let server = json!({
        "base_url": text("url"), "token": text("token"), "start": {
            "applicant": { "mobile": "9001000000" }, "consent": {},
            "notice_text": "I agree that my identity is verified and my accounts are read.",
            "plan": {
                "accounts": { "provider": "finpro", "aggregators": ["onemoney"] }, "verification": {},
            },
        },
    });
    let tool = |command: &mut Command| {
        command
            .current_dir(folder)
            .env("PROVIDER", server.to_string())
            .env("PYTHONPATH", folder);
        output(command)
    };
    tool(&mut tools.python_client(&document))?;
    tool(Command::new(tools.python("python")).arg(format!("{SCRIPTS}/journey.py")))?;
    println!("    Python: a whole journey");
    for file in ["journey.ts", "package.json", "tsconfig.json"] {
        fs::copy(Path::new(SCRIPTS).join(file), folder.join(file))?;
    }
    tools.link(folder)?;
    tool(&mut tools.types(&document))?;
    tool(&mut Command::new(tools.node("tsc")))?;
    tool(Command::new("node").arg("journey.js"))?;
    println!("    TypeScript: a whole journey");
    Ok(())
}

/// The directory with what is installed.
struct Tools(PathBuf);

impl Tools {
    fn installed() -> Result<Self> {
        let program = env::current_exe()?;
        let target = program.ancestors().nth(2).context("a target directory")?;
        let tools = Self(target.join("tools/openapi"));
        fs::create_dir_all(&tools.0)?;
        let needs = ["requirements.txt", "package.json"];
        let is_same = |file: &&str| {
            let read = |folder: &Path| fs::read(folder.join(file)).ok();
            read(&tools.0) == read(Path::new(SCRIPTS))
        };
        if needs.iter().all(is_same) {
            return Ok(tools);
        }
        println!("  what the documents are tried with is installed once");
        let mut python = Command::new("python3");
        output(python.args(["-m", "venv", "python"]).current_dir(&tools.0))?;
        let mut pip = Command::new(tools.python("pip"));
        output(
            pip.args(["install", "--quiet", "-r"])
                .arg(format!("{SCRIPTS}/requirements.txt")),
        )?;
        fs::copy(
            format!("{SCRIPTS}/package.json"),
            tools.0.join("package.json"),
        )?;
        let mut npm = Command::new("npm");
        output(
            npm.args(["install", "--no-audit", "--no-fund"])
                .current_dir(&tools.0),
        )?;
        fs::copy(
            format!("{SCRIPTS}/requirements.txt"),
            tools.0.join("requirements.txt"),
        )?;
        Ok(tools)
    }

    fn python_client(&self, document: &Path) -> Command {
        let mut command = Command::new(self.python("openapi-python-client"));
        command.args(["generate", "--meta", "none", "--output-path", "client"]);
        command.arg("--path").arg(document);
        command
    }

    fn types(&self, document: &Path) -> Command {
        let mut command = Command::new(self.node("openapi-typescript"));
        command.arg(document).args(["-o", "types.ts"]);
        command
    }

    fn link(&self, folder: &Path) -> Result<()> {
        let modules = self.0.join("node_modules");
        std::os::unix::fs::symlink(modules, folder.join("node_modules"))?;
        Ok(())
    }

    fn python(&self, program: &str) -> PathBuf {
        self.0.join("python/bin").join(program)
    }

    fn node(&self, program: &str) -> PathBuf {
        self.0.join("node_modules/.bin").join(program)
    }
}

/// What a program prints, if it succeeds.
fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_owned();
    let ran = command
        .output()
        .with_context(|| format!("cannot start {}", name.display()))?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    ensure!(
        ran.status.success(),
        "{} failed:\n{text}{}",
        name.display(),
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(text)
}
