//! A dead man's switch: an address that is asked for when a run begins and when it has ended.
//!
//! Whoever knows the address can keep the switch quiet. So it is a secret, and nothing of it, nor of
//! what the library below says of it, is shown.

use std::time::Duration;

use geokeep::jobs::config::Hooks;
use geokeep::words::one_line;
use ureq::http::{StatusCode, Uri};

use crate::render;

/// A switch that does not answer must not hold a run up.
const PING_TIME: Duration = Duration::from_secs(10);

pub(super) fn ping(hooks: &Hooks, ending: &str, body: &str) {
    let Some(address) = &hooks.ping_url else {
        return;
    };
    if let Err(e) = with_ending(address.trim(), ending).and_then(|uri| post(&uri, &one_line(body)))
    {
        render::remark(&format!("the ping{ending} was not heard: {e}"));
    }
}

/// The ending belongs to the path, before what may follow it.
fn with_ending(address: &str, ending: &str) -> Result<Uri, String> {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    let is_http = |s: &str| s.eq_ignore_ascii_case("http") || s.eq_ignore_ascii_case("https");
    if !scheme.is_some_and(is_http) {
        return Err("the address does not begin with http:// or https://".to_owned());
    }
    let address = address.split('#').next().unwrap_or_default();
    let (path, query) = match address.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (address, String::new()),
    };
    let whole = format!("{}{ending}{query}", path.trim_end_matches('/'));
    let uri = whole.parse::<Uri>().ok().filter(has_machine);
    uri.ok_or_else(|| "the address is not written as one".to_owned())
}

/// Whether it names a machine, and nothing stands behind that but the number of a port.
fn has_machine(uri: &Uri) -> bool {
    let whole = uri.authority().map_or("", |authority| authority.as_str());
    let machine = whole.rsplit('@').next().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    !host.is_empty() && (machine == host || uri.port_u16().is_some())
}

/// Only an answer of the address itself, and only that all is well, counts as heard: the page to
/// which a redirect leads has not heard anything.
fn post(uri: &Uri, body: &str) -> Result<(), String> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(PING_TIME))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    // What the answer says beyond its status is not read.
    let status = agent
        .post(uri)
        .send(body)
        .map_err(|e| in_words(&e))?
        .status();
    match status {
        _ if status.is_success() => Ok(()),
        _ if status.is_redirection() => Err(format!(
            "the answer leads to another address ({}), which is not followed",
            status.as_u16()
        )),
        StatusCode::NOT_FOUND => Err("nobody knows that address (404)".to_owned()),
        _ => Err(format!("the answer was {}", status.as_u16())),
    }
}

/// The library's own texts may quote the address.
fn in_words(error: &ureq::Error) -> String {
    use ureq::Error;
    let text = match error {
        Error::Timeout(_) => return format!("no answer within {} seconds", PING_TIME.as_secs()),
        Error::Io(e) => return e.kind().to_string(),
        Error::HostNotFound => "its machine is not known",
        Error::ConnectionFailed => "no connection",
        Error::Tls(_) | Error::Rustls(_) | Error::TlsRequired => {
            "no connection that can be trusted"
        }
        Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => "the proxy does not lead there",
        Error::Http(_) | Error::BadUri(_) => "the address is not written as one",
        Error::Protocol(_) | Error::LargeResponseHeader(..) => "the answer is not understood",
        _ => "it could not be sent",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_stands_where_it_belongs() {
        for (address, expected) in [
            ("https://hc-ping.com/x", "https://hc-ping.com/x/start"),
            ("HTTPS://hc-ping.com/x/", "https://hc-ping.com/x/start"),
            ("http://h/x/?create=1#top", "http://h/x/start?create=1"),
            ("http://[::1]:81/x", "http://[::1]:81/x/start"),
            ("http://me:word@h:81", "http://me:word@h:81/start"),
        ] {
            let uri = with_ending(address, "/start").map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_address_is_not_shown() {
        for address in [
            "SECRET",
            "hc-ping.com/SECRET",
            "ftp://h/SECRET",
            "http:///SECRET",
            "http://h/SEC RET",
            "http://[SECRET",
            "http://h:SECRET/",
            "://SECRET",
            "file:///SECRET",
            "http://",
        ] {
            let told = with_ending(address, "/fail").map(|uri| uri.to_string());
            assert!(told.is_err_and(|e| !e.contains("SEC")), "{address}");
        }
    }
}
