//! A sandbox that runs is steered from another shell.

use std::fs;

use crate::kyc::{FINPASS, SandboxProcess, kyc, kyc_with_input, write_for_the_owner};

#[test]
fn the_clock_is_shown_and_moved() {
    let sandbox = SandboxProcess::start();
    let clock = |arguments: &[&str]| {
        kyc(
            &[&["clock", "--json"], arguments].concat(),
            &sandbox.environment,
        )
    };
    assert_eq!(clock(&["freeze"]).answer()["mode"], "frozen");
    let before = clock(&[]).answer()["now"].clone();
    let moved = clock(&["advance", "1d"]).answer();
    assert_ne!(moved["now"], before);
    assert_eq!(moved["changes"], 0);

    let shown = kyc(&["clock"], &sandbox.environment);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stdout.ends_with("  stands still\n"), "{shown:?}");

    assert_eq!(clock(&["show"]).answer()["mode"], "frozen");
    let year = moved["now"].as_str().unwrap()[..4].parse::<u32>().unwrap();
    let date = format!("{}-12-10", year.saturating_add(2));
    let to = clock(&["to", &date]).answer();
    assert_eq!(to["now"], format!("{date}T00:00:00.000Z"));
    let back = clock(&["advance", "-5m"]);
    assert_eq!(
        (back.code, back.error()["field"].as_str()),
        (2, Some("advance"))
    );
    assert!(
        back.stderr.contains("time does not go backwards"),
        "{back:?}"
    );

    let past = clock(&["to", "2020-01-01T00:00:00Z"]);
    assert_eq!((past.code, past.error()["field"].as_str()), (2, Some("to")));
    let length = clock(&["advance", "a week"]);
    assert_eq!(
        (length.code, length.error()["field"].as_str()),
        (2, Some("advance"))
    );
}

#[test]
fn the_clock_is_moved_to_an_event() {
    let sandbox = SandboxProcess::start();
    let until = |arguments: &[&str]| {
        kyc(
            &[&["clock", "until"], arguments].concat(),
            &sandbox.environment,
        )
    };
    kyc(&["clock", "freeze"], &sandbox.environment);
    let session = br#"{"verification":{"person":{"firstName":"Expire","lastName":"Invented"}}}"#;
    let created = kyc_with_input(
        &["veriff", "create-session", "--data", "-"],
        &sandbox.environment,
        session,
    );
    assert_eq!(created.code, 0, "{created:?}");

    let none = until(&["j_1.revoked", "--json"]);
    assert_eq!(
        (none.code, none.error()["field"].as_str()),
        (2, Some("until"))
    );
    assert!(none.stderr.contains("j_1.expired at "), "{none:?}");

    let moved = until(&["j_1.expired"]);
    assert_eq!(moved.code, 0, "{moved:?}");
    assert!(
        moved.stdout.contains("  j_1  veriff  decided: expired\n"),
        "{moved:?}"
    );
    assert_eq!(until(&["j_1.expired"]).code, 2, "it came");
    assert_eq!(until(&["j_1"]).code, 2);
}

#[test]
fn a_fault_is_switched_on_and_off() {
    let sandbox = SandboxProcess::start();
    let faults = |arguments: &[&str]| kyc(&[&["faults"], arguments].concat(), &sandbox.environment);
    assert_eq!(faults(&[]).stdout, "no fault is on\n");
    let on = faults(&["on", "finpass=400:1", "--operation", "initialize"]);
    assert!(
        on.stdout
            .starts_with("f_1  finpass initialize  400  1 left"),
        "{on:?}"
    );
    assert_eq!(faults(&["--json"]).answer()["faults"][0]["status"], 400);

    let refused = kyc(
        &[&FINPASS[..], &["--timeout", "0.5"]].concat(),
        &sandbox.environment,
    );
    assert_ne!(refused.code, 0, "{refused:?}");
    assert_eq!(
        faults(&[]).stdout,
        "no fault is on\n",
        "it has met its one request"
    );
    assert_eq!(kyc(&FINPASS, &sandbox.environment).code, 0);

    let all = faults(&[
        "on",
        "finpro=502",
        "--gateway-page",
        "--rate",
        "10%",
        "--seed",
        "4",
    ]);
    assert!(
        all.stdout.starts_with(
            "f_2  finpro any operation  502, as a gateway's page  10 % of requests, seed 4"
        ),
        "{all:?}"
    );
    faults(&["off", "f_2"]);
    faults(&["on", "veriff=delay:10"]);
    assert_eq!(faults(&["off", "f_3"]).stdout, "f_3 is off\n");
    for arguments in [
        &["on", "finpass"][..],
        &["on", "finpass=x"],
        &["on", "finpass=503:x"],
        &["on", "finpass=99"],
        &["on", "acme=503"],
        &["on", "finpass=503", "--rate", "some"],
        &["on", "finpass=503", "--operation", "decision"],
        &["on", "finpass=503", "--journey", "19"],
        &["on", "finpass=503", "--journey", "j_9999"],
        &["on", "finpass=600"],
        &["off", "f_9"],
        &["off", "../clock"],
    ] {
        let run = faults(arguments);
        assert_eq!(run.code, 2, "{run:?}");
        assert_eq!(run.stdout, "", "{run:?}");
    }
}

#[test]
fn each_setting_can_be_changed() {
    let sandbox = SandboxProcess::start_with(&[
        "--listen",
        "127.0.0.1:0",
        "--set",
        "finpass.api-key=another",
        "--set",
        "finpass.reply-delay=1ms",
    ]);
    let refused = kyc(&FINPASS, &sandbox.environment);
    assert_eq!(refused.code, 3, "{refused:?}");
    let accepted = kyc(&FINPASS, &sandbox.with(&[("FINPASS_API_KEY", "another")]));
    assert_eq!(accepted.code, 0, "{accepted:?}");

    let listed = kyc(&["sandbox", "--settings", "--json"], &[]).answer();
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    for name in [
        "body-limit",
        "finpass.api-key",
        "finpro.data-outcome",
        "veriff.reply-signing",
        "deepvue.plan",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(
        kyc(&["sandbox", "--settings"], &[])
            .stdout
            .contains("finpass.api-key  a text\n")
    );

    for (change, field) in [
        ("finpass.auth", "--set"),
        ("nothing", "--set"),
        (
            "finpass.validation-status=many",
            "finpass.validation-status",
        ),
        ("veriff.reply-signing=perhaps", "veriff.reply-signing"),
        ("veriff.failure=503", "--set"),
    ] {
        let run = kyc(&["sandbox", "--json", "--set", change], &[]);
        assert_eq!(
            (run.code, run.error()["field"].as_str()),
            (2, Some(field)),
            "{change}"
        );
    }
}

#[test]
fn webhooks_and_people_are_listed() {
    let sandbox = SandboxProcess::start_with(&[
        "--listen",
        "127.0.0.1:0",
        "--webhook-url",
        "http://127.0.0.1:9/hooks",
    ]);
    let run = |arguments: &[&str]| kyc(arguments, &sandbox.environment);
    assert_eq!(run(&["webhooks"]).stdout, "no webhook was made\n");
    assert_eq!(run(&["webhooks", "show", "w_0001"]).code, 2);
    let elsewhere = run(&[
        "webhooks",
        "to",
        "http://127.0.0.1:9/other",
        "--provider",
        "veriff",
        "--json",
    ]);
    assert_eq!(elsewhere.answer()["finpro"], "http://127.0.0.1:9/hooks");
    assert_eq!(elsewhere.answer()["veriff"], "http://127.0.0.1:9/other");
    assert_eq!(
        run(&["webhooks", "to", "nowhere"]).stdout,
        "webhooks are kept and sent nowhere\n"
    );
    assert_eq!(run(&["webhooks", "to", "ftp://127.0.0.1/hooks"]).code, 2);
    assert!(run(&["people"]).stdout.contains("9000000001"));
    assert_eq!(
        run(&["people", "explain", "9000000010", "--json"]).answer()["finpass"],
        "HTTP 500"
    );
    assert_eq!(run(&["people", "explain", "nobody"]).code, 2);
}

#[test]
fn people_are_invented() {
    let sandbox = SandboxProcess::start();
    let new = |arguments: &[&str]| {
        kyc(
            &[&["people", "new"], arguments].concat(),
            &sandbox.environment,
        )
    };
    let person = [
        "--like",
        "approve",
        "--archetype",
        "05",
        "--name",
        "Goes round",
    ];
    let first = new(&person);
    let says = "9001000005  Goes round: approves everything, accounts: circular\n";
    assert_eq!((first.code, first.stdout.as_str()), (0, says), "{first:?}");
    let second = new(&[&person[..], &["--json"]].concat()).answer();
    assert_eq!(second["mobile"], "9001000025");
    let listed = kyc(&["people", "--json"], &sandbox.environment).answer();
    assert_eq!(listed["people"][11]["mobile"], "9001000025");
    let listed = kyc(&["people"], &sandbox.environment);
    assert!(listed.stdout.contains("Goes round"), "{listed:?}");

    let mobile = second["mobile"].as_str().unwrap();
    let explain = ["people", "explain", mobile, "--json"];
    let explained = kyc(&explain, &sandbox.environment).answer();
    assert_eq!(explained["does"], second["does"]);

    for (arguments, field, says) in [
        (&["--like", "approves"][..], "like", "approve, slow"),
        (&["--archetype", "77"], "archetype", "05 circular"),
        (&["--name", "a\u{1b}[2J"], "name", "letters"),
    ] {
        let run = new(&[arguments, &["--json"]].concat());
        assert_eq!(
            (run.code, run.error()["field"].as_str()),
            (2, Some(field)),
            "{run:?}"
        );
        let rule = run.error()["rule"].as_str().unwrap().to_owned();
        assert!(rule.contains(says), "{rule}");
    }
}

#[test]
fn a_sandbox_is_found_by_its_file_and_a_wrong_token_is_refused() {
    let sandbox = SandboxProcess::start();
    let wrong = sandbox.with(&[("KYC_SANDBOX_TOKEN", "wrong")]);
    let refused = kyc(&["clock", "freeze", "--json"], &wrong);
    assert_eq!(
        (refused.code, refused.error()["field"].as_str()),
        (2, Some("KYC_SANDBOX_TOKEN"))
    );

    let directory = tempfile::tempdir().unwrap();
    let home = [(
        "XDG_RUNTIME_DIR".to_owned(),
        directory.path().to_str().unwrap().to_owned(),
    )];
    let none = kyc(&["clock", "--json"], &home);
    assert_eq!(
        (none.code, none.error()["field"].as_str()),
        (2, Some("KYC_SANDBOX_URL"))
    );

    let file = directory.path().join("kyc");
    fs::create_dir(&file).unwrap();
    let (url, token) = (
        sandbox.value("KYC_SANDBOX_URL"),
        sandbox.value("KYC_SANDBOX_TOKEN"),
    );
    let file = file.join("sandbox.json");
    let text = format!(r#"{{"url":"{url}","token":"{token}"}}"#);
    write_for_the_owner(&file, text);
    assert_eq!(kyc(&["clock", "freeze"], &home).code, 0);
    // Not by a token that others may read.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(kyc(&["clock", "freeze"], &home).code, 2);
    }

    let gone = sandbox.with(&[("KYC_SANDBOX_URL", "http://127.0.0.1:9")]);
    let unreached = kyc(&["clock"], &gone);
    assert_eq!(unreached.code, 5, "{unreached:?}");
    let malformed = sandbox.with(&[("KYC_SANDBOX_URL", "nowhere")]);
    assert_eq!(kyc(&["clock"], &malformed).code, 2);
}

#[test]
fn an_event_is_triggered() {
    let sandbox = SandboxProcess::start();
    let trigger =
        |arguments: &[&str]| kyc(&[&["trigger"], arguments].concat(), &sandbox.environment);
    assert!(
        trigger(&["--list"])
            .stdout
            .contains("veriff.decision.approved\n")
    );
    let declined = trigger(&["veriff.decision.declined", "--set", "reasonCode=106"]);
    assert_eq!(declined.code, 0, "{declined:?}");
    assert!(
        declined.stdout.contains("veriff decision.declined"),
        "{declined:?}"
    );
    let made = trigger(&["finpro.CONSENT_APPROVED", "--json"]).answer();
    let shown = kyc(
        &[
            "webhooks",
            "show",
            made["webhook"].as_str().unwrap(),
            "--json",
        ],
        &sandbox.environment,
    );
    assert!(
        shown.answer()["body"]
            .as_str()
            .unwrap()
            .contains("CONSENT_APPROVED")
    );

    for (arguments, field) in [
        (&["finpro.DATA_RDY"][..], "event"),
        (&["finpro.CONSENT_APPROVED", "--set", "consentID=x"], "set"),
        (&["finpro.CONSENT_APPROVED", "--set", "consentID"], "--set"),
        (&["finpro.CONSENT_APPROVED", "--times", "0"], "times"),
        (&["finpro.CONSENT_APPROVED", "--sign", "twice"], "sign"),
    ] {
        let run = trigger(&[arguments, &["--json"]].concat());
        assert_eq!(
            (run.code, run.error()["field"].as_str()),
            (2, Some(field)),
            "{run:?}"
        );
    }
}

#[test]
fn webhooks_are_sent_to_this_machine_only_and_the_old_secrets_are_printed() {
    let sandbox = SandboxProcess::start();
    for url in ["http://192.0.2.1/hooks", "https://example.com/hooks"] {
        let refused = kyc(&["webhooks", "to", url, "--json"], &sandbox.environment);
        assert_eq!(
            (refused.code, refused.error()["field"].as_str()),
            (2, Some("url")),
            "{refused:?}"
        );
        let started = kyc(
            &[
                "sandbox",
                "--listen",
                "127.0.0.1:0",
                "--webhook-url",
                url,
                "--json",
            ],
            &[],
        );
        assert_eq!(
            (started.code, started.error()["field"].as_str()),
            (2, Some("--webhook-url")),
            "{started:?}"
        );
    }
    kyc(&["trigger", "veriff.event.started"], &sandbox.environment);
    let shown = kyc(&["webhooks", "show", "w_0001"], &sandbox.environment);
    for part in ["x-sandbox-webhook", "content-type", "vrf-hmac-signature"] {
        assert!(shown.stdout.contains(part), "{part}: {shown:?}");
    }
    assert!(!shown.stdout.contains("body_base64"), "{shown:?}");
    let list = kyc(&["webhooks"], &sandbox.environment);
    assert!(list.stdout.contains("not sent: no URL is set"), "{list:?}");
    for (name, secret) in [
        (
            "VERIFF_WEBHOOK_SECRET",
            "00000000-dead-4000-8000-000000000000",
        ),
        ("FINPRO_WEBHOOK_SECRET", "sandbox-finpro-old-webhook-secret"),
    ] {
        let printed = format!("#   {name} was '{secret}'");
        assert!(
            sandbox.comments.contains(&printed),
            "{:?}",
            sandbox.comments
        );
    }
}

#[test]
fn an_event_happens_in_a_journey_that_there_is() {
    let sandbox = SandboxProcess::start();
    let trigger =
        |arguments: &[&str]| kyc(&[&["trigger"], arguments].concat(), &sandbox.environment);
    trigger(&["finpro.CONSENT_APPROVED"]);
    let revoked = trigger(&["finpro.CONSENT_REVOKED", "--journey", "j_1"]);
    assert_eq!((revoked.code, revoked.stdout.lines().count()), (0, 1));
    assert!(
        revoked.stdout.contains("CONSENT_REVOKED  j_1"),
        "{revoked:?}"
    );
    let again = trigger(&["finpro.CONSENT_REVOKED", "--journey", "j_1", "--json"]);
    assert_eq!(
        (again.code, again.error()["field"].as_str()),
        (2, Some("journey"))
    );
}
