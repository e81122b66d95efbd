//! A mail: through the system's sendmail, or a server.
//!
//! The password goes only through a connection that nobody else can read, and neither it nor what
//! the library below says of it is shown.

use std::error::Error;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use geokeep::backup::host_name;
use geokeep::jobs::config::Notices;
use geokeep::words::why;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, SmtpTransport, Transport};
use ureq::http::Uri;

use super::{Notice, PROGRAM_TIME, in_time, program};

/// How long a server may take for one answer.
const STEP_TIME: Duration = Duration::from_secs(20);
/// No password is longer, in bytes.
const PASSWORD_MAX: u64 = 4096;
/// Where sendmail is put: often in no folder of the search path, least of all that of cron.
const SENDMAIL: [&str; 3] = ["/usr/sbin/sendmail", "/usr/lib/sendmail", "/sbin/sendmail"];

pub(super) fn send(notices: &Notices, notice: &Notice) -> Result<(), String> {
    let message = message(notices, notice)?;
    match &notices.smtp {
        Some(address) => {
            let server = Server::at(address, notices)?;
            in_time(move || server.send(&message))
        }
        None => by_sendmail(&message),
    }
}

fn message(notices: &Notices, notice: &Notice) -> Result<Message, String> {
    let host = host();
    let from = match &notices.mail_from {
        Some(from) => mailbox(from)?,
        None => mailbox(&format!("geokeep@{host}"))?,
    };
    let now = jiff::Timestamp::now().as_nanosecond();
    let id = format!("<geokeep.{now}.{}@{host}>", std::process::id());
    let mut builder = Message::builder()
        .from(from)
        .subject(notice.subject.clone())
        .message_id(Some(id));
    for to in &notices.mail_to {
        builder = builder.to(mailbox(to)?);
    }
    // So that nobody's "I am on holiday" answers it, RFC 3834.
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    let by_itself = HeaderValue::new(name, "auto-generated".to_owned());
    let text = format!("{}\n", notice.lines.join("\n"));
    let message = builder
        .raw_header(by_itself)
        .header(ContentType::TEXT_PLAIN);
    let message = message.body(text);
    message.map_err(|_| "no mail can be made of it".to_owned())
}

/// This machine, as a part of addresses.
fn host() -> String {
    let host: String = host_name()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || ['.', '-'].contains(c))
        .collect();
    if host.is_empty() {
        "localhost".to_owned()
    } else {
        host
    }
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    let parsed = text.parse();
    parsed.map_err(|_| format!("'{text}' is not a mail address"))
}

fn by_sendmail(message: &Message) -> Result<(), String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("sendmail"));
    let mut all = found.chain(SENDMAIL.map(PathBuf::from));
    let Some(sendmail) = all.find(|path| path.is_file()) else {
        return Err("this machine has no sendmail; name a server: 'smtp' in [notices]".to_owned());
    };
    let envelope = message.envelope();
    let mut command = vec![sendmail.to_string_lossy().into_owned(), "-i".to_owned()];
    if let Some(from) = envelope.from() {
        command.extend(["-f".to_owned(), from.to_string()]);
    }
    // What follows is no option, whatever it begins with.
    command.push("--".to_owned());
    command.extend(envelope.to().iter().map(ToString::to_string));
    let text = message.formatted();
    let text = String::from_utf8_lossy(&text);
    program::tell(&command, &text, PROGRAM_TIME).map_err(|e| format!("sendmail: {e}"))
}

/// A server, and how to talk to it.
#[derive(Debug)]
struct Server {
    host: String,
    port: u16,
    security: Security,
    // Not shown, whatever prints this: `Credentials` hides itself.
    credentials: Option<Credentials>,
}

/// What keeps others from reading along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    /// TLS from the first byte on.
    Tls,
    /// TLS after a word in the clear; without it nothing is sent.
    StartTls,
    /// Nothing: no other machine hears of it.
    ThisMachine,
}

impl Server {
    fn at(address: &str, notices: &Notices) -> Result<Self, String> {
        let (host, port, security) = read_address(address)?;
        let credentials = match (&notices.smtp_user, &notices.smtp_password_file) {
            (Some(user), Some(file)) => Some(Credentials::new(user.clone(), password(file)?)),
            (None, None) => None,
            _ => return Err("'smtp_user' and 'smtp_password_file' belong together".to_owned()),
        };
        Ok(Self {
            host,
            port,
            security,
            credentials,
        })
    }

    fn send(self, message: &Message) -> Result<(), String> {
        let tls = match self.security {
            Security::ThisMachine => Tls::None,
            secure => {
                let parameters = TlsParameters::new(self.host.clone());
                let parameters =
                    parameters.map_err(|_| "no certificates can be read".to_owned())?;
                match secure {
                    Security::Tls => Tls::Wrapper(parameters),
                    _ => Tls::Required(parameters),
                }
            }
        };
        let mut builder = SmtpTransport::builder_dangerous(self.host)
            .port(self.port)
            .tls(tls)
            .hello_name(ClientId::Domain(host()))
            .timeout(Some(STEP_TIME));
        if let Some(credentials) = self.credentials {
            builder = builder
                .credentials(credentials)
                .authentication(vec![Mechanism::Plain, Mechanism::Login]);
        }
        builder
            .build()
            .send(message)
            .map(drop)
            .map_err(|e| in_words(&e))
    }
}

fn read_address(address: &str) -> Result<(String, u16, Security), String> {
    let uri = address.trim().parse::<Uri>().ok();
    let parts = uri.as_ref().and_then(|uri| {
        let host = uri.host().filter(|host| !host.is_empty())?;
        Some((
            uri.scheme_str()?,
            host,
            uri.authority()?.as_str(),
            uri.port_u16(),
        ))
    });
    let Some((scheme, host, authority, port)) = parts else {
        return Err("'smtp' is not an address such as smtps://mail.town.example".to_owned());
    };
    if authority.contains('@') {
        return Err(
            "'smtp' holds a name; put it in 'smtp_user', and a password in a file".to_owned(),
        );
    }
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let here = is_this_machine(&host);
    match scheme {
        "smtps" => Ok((host, port.unwrap_or(465), Security::Tls)),
        "smtp" if here => Ok((host, port.unwrap_or(25), Security::ThisMachine)),
        "smtp" => Ok((host, port.unwrap_or(587), Security::StartTls)),
        _ => Err("'smtp' begins with neither smtps:// nor smtp://".to_owned()),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn password(file: &Path) -> Result<String, String> {
    use std::io::Read;
    let mut text = String::new();
    let read = std::fs::File::open(file)
        .and_then(|file| file.take(PASSWORD_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(e) => Err(format!("the password cannot be read: {}", why(&e))),
    }
}

/// The library's own texts may quote what was sent.
fn in_words(error: &lettre::transport::smtp::Error) -> String {
    if let Some(status) = error.status() {
        let when = if error.is_transient() { " for now" } else { "" };
        return format!("the server refuses it{when} ({status})");
    }
    let text = if error.is_timeout() {
        "the server does not answer in time"
    } else if error.is_tls() || is_of_tls(error) {
        "no connection that can be trusted"
    } else if error.is_client() {
        "the server does not offer what is needed: TLS, or a way to log in"
    } else if error.is_response() {
        "the answer of the server is not understood"
    } else {
        "no connection to the server"
    };
    text.to_owned()
}

/// Whether the certificate is none that this machine trusts, or that of another server: TLS tells that
/// as data which is not valid.
fn is_of_tls(error: &lettre::transport::smtp::Error) -> bool {
    let mut causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<std::io::Error>();
        cause.is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_to_this_machine_is_anything_sent_in_the_clear() {
        for (address, expected) in [
            ("smtps://mail.example", Some((465, Security::Tls))),
            ("smtps://mail.example:1465", Some((1465, Security::Tls))),
            ("smtp://mail.example", Some((587, Security::StartTls))),
            ("smtp://10.0.0.1:25", Some((25, Security::StartTls))),
            ("smtp://localhost.example", Some((587, Security::StartTls))),
            ("smtp://localhost", Some((25, Security::ThisMachine))),
            ("smtp://[::1]:2525", Some((2525, Security::ThisMachine))),
            ("smtps://127.0.0.1", Some((465, Security::Tls))),
            ("http://mail.example", None),
            ("mail.example", None),
            ("smtp://me:SECRET@mail.example", None),
            ("", None),
        ] {
            let read = read_address(address);
            if let Err(said) = &read {
                assert!(!said.contains("SECRET"), "{said}");
            }
            let read = read.ok().map(|(_, port, security)| (port, security));
            assert_eq!(read, expected, "{address}");
        }
    }
}
