//! One file of the hub over HTTP: what it is (HEAD), and its bytes into the cache (GET), continued where they broke
//! off.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LOCATION, RANGE};
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::WithoutBody;
use ureq::{Agent, Body, RequestBuilder};

use crate::data::Progress;

/// Further attempts after a busy answer or a broken body, and the pause before the first of them; it doubles.
const RETRIES: u32 = 2;
const PAUSE: Duration = Duration::from_millis(300);
/// Redirects followed.
const REDIRECTS: usize = 5;
/// How often a file that another process is downloading is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// What the hub says of a file.
pub(super) struct Remote {
    /// 40 hexadecimal digits.
    pub commit: String,
    /// SHA-256 of a large file, another short name of a small one.
    pub etag: String,
    /// Bytes.
    pub size: u64,
}

/// A connection's settings: time-outs, proxy, authorities, token.
pub(super) struct Client {
    agent: Agent,
    token: Option<String>,
    patience: Duration,
}

/// Why a request failed, as a clause, and whether the next may succeed.
struct Refusal {
    why: String,
    transient: bool,
}

/// Whether `text` has the form of a SHA-256.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl Client {
    /// A client that gives up after `patience` without a byte.
    pub fn new(patience: Duration, token: Option<String>) -> Self {
        let agent = Agent::config_builder()
            .timeout_resolve(Some(patience))
            .timeout_connect(Some(patience))
            .timeout_per_read(Some(patience))
            .timeout_per_write(Some(patience))
            .http_status_as_error(false)
            .max_redirects(0)
            .accept_encoding("identity")
            .user_agent(concat!("plasticity-bench/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(authorities()).build())
            .build()
            .new_agent();
        Self { agent, token, patience }
    }

    /// Asks what the file at `url` is. The error is a clause.
    pub fn head(&self, url: &str) -> Result<Remote, String> {
        Self::with_retries(|| self.head_once(url))
    }

    fn with_retries<T>(mut attempt: impl FnMut() -> Result<T, Refusal>) -> Result<T, String> {
        let mut pause = PAUSE;
        for left in (0..=RETRIES).rev() {
            match attempt() {
                Err(refusal) if refusal.transient && left > 0 => thread::sleep(pause),
                Err(refusal) => return Err(refusal.why),
                Ok(value) => return Ok(value),
            }
            pause *= 2;
        }
        unreachable!("the last attempt returns")
    }

    fn head_once(&self, url: &str) -> Result<Remote, Refusal> {
        // The hub describes the file while it sends on to its storage.
        let described = |response: &Response<Body>| text(response, "X-Repo-Commit").is_some();
        let response = self.follow(url, |url| self.agent.head(url), described)?;
        if !response.status().is_redirection() {
            check(&response)?;
        }
        remote(&response)
    }

    /// Makes a request and follows redirects up to an answer that is none, or that is `enough`. Nobody but the hub
    /// itself gets the token.
    fn follow(
        &self,
        url: &str,
        request: impl Fn(&Uri) -> RequestBuilder<WithoutBody>,
        enough: impl Fn(&Response<Body>) -> bool,
    ) -> Result<Response<Body>, Refusal> {
        let mut url: Uri = url.parse().map_err(|_| final_refusal(format!("{url} is no address")))?;
        let hub = url.authority().cloned();
        for _ in 0..=REDIRECTS {
            let mut request = request(&url);
            if let Some(token) = self.token.as_ref().filter(|_| url.authority() == hub.as_ref()) {
                request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            }
            let response = request.call().map_err(|error| self.refusal(&error))?;
            if !response.status().is_redirection() || enough(&response) {
                return Ok(response);
            }
            url = next(&url, &response)?;
        }
        Err(final_refusal(format!("more than {REDIRECTS} redirects")))
    }

    /// Brings the file to `blob`. What an earlier call left in `blob.incomplete` is continued. The error is a clause.
    pub fn fetch(
        &self,
        url: &str,
        remote: &Remote,
        blob: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), String> {
        let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
        if let Some(folder) = blob.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        }
        let part = blob.with_added_extension("incomplete");
        let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&part);
        let mut file = opened.map_err(|error| failed(&part, error))?;
        wait_for(&file, progress);
        if blob.is_file() {
            // Another process has brought it meanwhile.
            let _ = fs::remove_file(&part);
            return Ok(());
        }
        let mut have = file.seek(SeekFrom::End(0)).map_err(|error| failed(&part, error))?;
        if have > remote.size {
            file.set_len(0).map_err(|error| failed(&part, error))?;
            have = file.seek(SeekFrom::Start(0)).map_err(|error| failed(&part, error))?;
        }
        progress.total(remote.size);
        progress.advance(have);
        let mut shown = have;
        Self::with_retries(|| self.append(url, remote.size, &mut file, &mut shown, progress))?;
        file.sync_all().and_then(|()| fs::rename(&part, blob)).map_err(|error| failed(blob, error))
    }

    /// Appends what is still missing of `size` bytes.
    fn append(
        &self,
        url: &str,
        size: u64,
        file: &mut File,
        shown: &mut u64,
        progress: &mut dyn Progress,
    ) -> Result<(), Refusal> {
        let on_disk = |error: io::Error| final_refusal(format!("writing it failed: {error}"));
        let mut have = file.seek(SeekFrom::End(0)).map_err(on_disk)?;
        if have == size {
            return Ok(());
        }
        let range = |url: &Uri| {
            let request = self.agent.get(url);
            if have > 0 { request.header(RANGE, format!("bytes={have}-")) } else { request }
        };
        let response = self.follow(url, range, |_| false)?;
        check(&response)?;
        let continued = response.status() == StatusCode::PARTIAL_CONTENT
            && text(&response, CONTENT_RANGE.as_str())
                .is_some_and(|range| range.starts_with(&format!("bytes {have}-")));
        if have > 0 && !continued {
            // The server sends the file from its beginning.
            file.set_len(0).map_err(on_disk)?;
            have = file.seek(SeekFrom::Start(0)).map_err(on_disk)?;
        }
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.broken(&error, have, size)),
            };
            have += count as u64;
            if have > size {
                file.set_len(0).map_err(on_disk)?;
                return Err(final_refusal(format!("more than the {size} bytes that the hub states")));
            }
            file.write_all(&buffer[..count]).map_err(on_disk)?;
            progress.advance(have.saturating_sub(*shown));
            *shown = have.max(*shown);
        }
        if have < size {
            return Err(Refusal {
                why: format!("the connection ended after {have} of {size} bytes"),
                transient: true,
            });
        }
        Ok(())
    }

    fn broken(&self, error: &io::Error, have: u64, size: u64) -> Refusal {
        if error.kind() == io::ErrorKind::TimedOut {
            return final_refusal(self.silence());
        }
        Refusal { why: format!("{error} after {have} of {size} bytes"), transient: true }
    }

    fn refusal(&self, error: &ureq::Error) -> Refusal {
        match error {
            ureq::Error::Timeout(_) => final_refusal(self.silence()),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                final_refusal(self.silence())
            }
            ureq::Error::Io(error) => Refusal { why: error.to_string(), transient: true },
            other => final_refusal(other.to_string()),
        }
    }

    fn silence(&self) -> String {
        format!("no answer for {} s", self.patience.as_secs_f64())
    }
}

fn final_refusal(why: String) -> Refusal {
    Refusal { why, transient: false }
}

/// The system's authorities, with whatever `SSL_CERT_FILE` and `SSL_CERT_DIR` name; those of Mozilla where the system
/// has none, as in a bare container.
fn authorities() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    RootCerts::from(found.iter().map(|der| Certificate::from_der(der).to_owned()))
}

/// Takes the file's lock; says so once where another process holds it. On a file system without locks it goes on:
/// what two processes mix up is noticed by its SHA-256.
fn wait_for(file: &File, progress: &mut dyn Progress) {
    let mut told = false;
    while let Err(TryLockError::WouldBlock) = file.try_lock() {
        if !told {
            progress.message("another process is downloading this file; waiting for it");
            told = true;
        }
        thread::sleep(LOOK);
    }
}

fn text<'a>(response: &'a Response<Body>, header: &str) -> Option<&'a str> {
    response.headers().get(header)?.to_str().ok()
}

/// The address to which a response sends on.
fn next(url: &Uri, response: &Response<Body>) -> Result<Uri, Refusal> {
    let location = text(response, LOCATION.as_str()).unwrap_or_default();
    let whole = match (location.starts_with('/'), url.scheme_str(), url.authority()) {
        (true, Some(scheme), Some(host)) => format!("{scheme}://{host}{location}"),
        _ => location.to_owned(),
    };
    whole.parse().map_err(|_| final_refusal(format!("a redirect to `{location}`")))
}

fn check(response: &Response<Body>) -> Result<(), Refusal> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let why = match status.as_u16() {
        401 | 403 => {
            format!("the hub answered {status}: the file needs a token in HF_TOKEN that may read it")
        }
        _ => format!("the hub answered {status}"),
    };
    Err(Refusal { why, transient: status.is_server_error() || status.as_u16() == 429 })
}

/// What the headers say. They become file names, so nothing else than names is taken.
fn remote(response: &Response<Body>) -> Result<Remote, Refusal> {
    let missing = |what: &str| final_refusal(format!("the hub's answer has no sound {what}"));
    let header = |names: [&str; 2]| names.iter().find_map(|name| text(response, name));
    let commit = text(response, "X-Repo-Commit").filter(|text| text.len() == 40 && is_hex(text));
    let etag = header(["X-Linked-Etag", ETAG.as_str()])
        .map(|etag| etag.trim_start_matches("W/").trim_matches('"'))
        .filter(|etag| !etag.is_empty() && etag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    let size = header(["X-Linked-Size", CONTENT_LENGTH.as_str()]).and_then(|text| text.parse().ok());
    Ok(Remote {
        commit: commit.ok_or_else(|| missing("X-Repo-Commit"))?.to_owned(),
        etag: etag.ok_or_else(|| missing("ETag"))?.to_owned(),
        size: size.ok_or_else(|| missing("length"))?,
    })
}
