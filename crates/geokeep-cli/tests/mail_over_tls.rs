//! Mails through servers that speak TLS: what stands between the password and whoever reads along, tried
//! with a server and a TLS of other people's (aiosmtpd, OpenSSL), with certificates that are made here.
//! A certificate that is not trusted was told as "no connection to the server".

use crate::common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use common::{Desk, Ended, ended, tiny};
use serde_json::Value;

/// The server, until it is dropped.
struct Server {
    process: Child,
    told: Receiver<Value>,
    ports: [u64; 3],
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// `None` if this machine lacks what it takes.
    fn start(desk: &Desk) -> Option<Self> {
        let python = python()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mail_server.py");
        let mut process = Command::new(python)
            .arg(script)
            .args([desk.path("server.pem"), desk.path("server.key")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, told) = channel();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        let first: Value = told.recv_timeout(Duration::from_secs(60)).unwrap();
        let ports = serde_json::from_value(first["ports"].clone()).unwrap();
        Some(Self {
            process,
            told,
            ports,
        })
    }

    fn next(&self) -> Value {
        self.told.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    fn heard_nothing(&self) -> bool {
        self.told.recv_timeout(Duration::from_millis(300)).is_err()
    }
}

/// A Python that has the server.
fn python() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/python");
    let has_it = |python: &PathBuf| {
        let mut asked = Command::new(python);
        let asked = asked.args(["-c", "import aiosmtpd"]).stderr(Stdio::null());
        asked.status().is_ok_and(|status| status.success())
    };
    let found = [venv, PathBuf::from("python3")].into_iter().find(has_it);
    if found.is_none() {
        testkit::skipped("no Python has aiosmtpd (pip install aiosmtpd)");
    }
    found
}

/// An authority, and a certificate of it for `localhost`; `None` if there is no OpenSSL.
fn certificates(desk: &Desk) -> Option<()> {
    let openssl = |arguments: &str| {
        let words = arguments.split(' ');
        let mut command = Command::new("openssl");
        let command = command.args(words).current_dir(desk.root());
        command.output().ok().filter(|done| done.status.success())
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    fs::write(desk.path("extensions"), "subjectAltName=DNS:localhost\n").unwrap();
    let made = [
        format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"),
        format!("req -x509 {key} -keyout other.key -out other.pem -days 2 -subj /CN=other"),
        format!("req {key} -keyout server.key -out server.csr -subj /CN=localhost"),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out server.pem"
            .to_owned(),
    ];
    let made = made.iter().try_for_each(|one| openssl(one).map(drop));
    if made.is_none() {
        testkit::skipped("openssl cannot make certificates here");
    }
    made
}

/// Tries the notices of the job, with the authority that this machine is told to trust.
fn notify(desk: &Desk, server: &str, authority: &str) -> Ended {
    let text = format!(
        "[notices]\nmail_to = [\"gis@town.example\"]\nmail_from = \"geokeep@town.example\"\nsmtp = \"{server}\"\n\
         smtp_user = \"geokeep\"\nsmtp_password_file = \"password\"\n\
         [[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"backups\"\nnotify = [\"mail\"]\n"
    );
    fs::write(desk.path("geokeep.toml"), text).unwrap();
    let mut command = desk.command(&["notify", "--test"]);
    ended(command.env("SSL_CERT_FILE", desk.path(authority)))
}

#[test]
fn a_password_goes_only_to_a_server_that_is_the_right_one() {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    fs::write(desk.path("password"), "open-sesame\n").unwrap();
    if certificates(&desk).is_none() {
        return;
    }
    let Some(server) = Server::start(&desk) else {
        return;
    };
    let [tls, starttls, clear] = server.ports;
    // Not the name by which this machine knows itself: there nothing need be hidden.
    let starttls = format!("smtp://LOCALHOST:{starttls}");
    for address in [&format!("smtps://localhost:{tls}"), &starttls] {
        let sent = notify(&desk, address, "ca.pem");
        assert_eq!(sent.code, 0, "{address}: {sent:?}");
        let login = server.next();
        assert_eq!(login["password"], "open-sesame", "{login}");
        let mail = server.next();
        assert_eq!(mail["tls"], true, "{address}: {mail}");
        assert!(
            mail["mail"].as_str().unwrap().contains("this is a test"),
            "{mail}"
        );
    }
    // An authority that nobody here trusts; the certificate of another server; no TLS at all.
    for (address, authority, why) in [
        (
            &format!("smtps://localhost:{tls}"),
            "other.pem",
            "no connection that can be trusted",
        ),
        (&starttls, "other.pem", "no connection that can be trusted"),
        (
            &format!("smtps://127.0.0.1:{tls}"),
            "ca.pem",
            "no connection that can be trusted",
        ),
        (
            &format!("smtp://LOCALHOST:{clear}"),
            "ca.pem",
            "the server does not offer what is needed",
        ),
    ] {
        let refused = notify(&desk, address, authority);
        assert_eq!(refused.code, 3, "{address}: {refused:?}");
        assert!(refused.err.contains(why), "{address}: {refused:?}");
        assert!(server.heard_nothing(), "{address}");
    }
}
