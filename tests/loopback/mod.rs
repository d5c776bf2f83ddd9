//! A server that answers as the Hugging Face hub does when a file of a data set is asked for: HEAD and
//! then GET on `/datasets/OWNER/NAME/resolve/REVISION/PATH`, with the commit, the content's hash as `ETag`
//! and the length; ranges are honoured. It is a proxy too: CONNECT leads to itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::small;

/// What goes wrong.
#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
    None,
    /// Bodies end after half their length.
    Truncated,
    /// The same, by a server that knows no ranges.
    TruncatedWhole,
    /// One byte is another than under the stated hash.
    Altered,
    /// GET gives a 403 page, after a HEAD without fault.
    ErrorPage,
    /// Both requests are sent on to another path by 302, as to the hub's storage.
    Redirect,
    /// The same to another server.
    RedirectTo(SocketAddr),
    /// 404 with the hub's code.
    NotFound,
    /// 503.
    Unavailable,
    /// No answer.
    Silent,
}

struct State {
    fault: Fault,
    requests: Vec<Request>,
}

/// What was asked.
#[derive(Clone)]
pub struct Request {
    /// "METHOD path".
    pub line: String,
    /// Further headers as "Name: value".
    headers: Vec<String>,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    scheme: &'static str,
}

impl Server {
    pub fn start() -> Self {
        Self::accept(answer)
    }

    /// Over TLS, with a certificate for 127.0.0.1 of an authority that no system knows.
    pub fn start_tls(certificate: &[u8], key: &[u8]) -> Self {
        use rustls::pki_types::pem::PemObject;
        use rustls::pki_types::{CertificateDer, PrivateKeyDer};
        let certificates = vec![CertificateDer::from_pem_slice(certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = Arc::new(builder.with_single_cert(certificates, key).unwrap());
        let mut server = Self::accept(move |stream, address, state| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            answer(rustls::StreamOwned::new(connection, stream), address, state);
        });
        server.scheme = "https";
        server
    }

    fn accept(serve: impl Fn(TcpStream, SocketAddr, &Mutex<State>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { fault: Fault::None, requests: Vec::new() }));
        let (shared, serve) = (Arc::clone(&state), Arc::new(serve));
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, serve) = (Arc::clone(&shared), Arc::clone(&serve));
                thread::spawn(move || serve(stream, address, &shared));
            }
        });
        Self { address, state, scheme: "http" }
    }

    pub fn address(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub fn host(&self) -> SocketAddr {
        self.address
    }

    pub fn set(&self, fault: Fault) {
        self.state.lock().unwrap().fault = fault;
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// "METHOD path" of every request so far.
    pub fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }
}

/// Reads a request up to the empty line.
fn request(stream: &mut impl Read) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let line = first.rsplit_once(' ')?.0.to_owned();
    let headers = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    Some(Request { line, headers })
}

fn answer(mut stream: impl Read + Write, address: SocketAddr, state: &Mutex<State>) {
    let Some(mut asked) = request(&mut stream) else { return };
    if asked.line.starts_with("CONNECT ") {
        state.lock().unwrap().requests.push(asked);
        if stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").is_err() {
            return;
        }
        let Some(inner) = request(&mut stream) else { return };
        asked = inner;
    }
    let (method, path) = asked.line.split_once(' ').unwrap();
    let fault = {
        let mut state = state.lock().unwrap();
        state.requests.push(asked.clone());
        state.fault
    };
    let from: Option<usize> = asked
        .header("Range")
        .filter(|_| fault != Fault::TruncatedWhole)
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let split = usize::from(path.contains("/test/"));
    let good = small::parquet_file(split);
    let etag = small::hex(&Sha256::digest(&good));
    let commit = "X-Repo-Commit: 0123456789abcdef0123456789abcdef01234567\r\n";
    let plain = |status: &str, headers: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
            body.len()
        );
        let body = if method == "HEAD" { &[][..] } else { body };
        [head.as_bytes(), body].concat()
    };
    let get = method == "GET";
    let response = match fault {
        Fault::Silent => return thread::sleep(Duration::from_secs(30)),
        Fault::NotFound => plain("404 Not Found", &format!("{commit}X-Error-Code: EntryNotFound\r\n"), b""),
        Fault::Unavailable => plain("503 Service Unavailable", "", b"busy"),
        Fault::ErrorPage if get => plain("403 Forbidden", "", b"<html>forbidden</html>"),
        Fault::Redirect | Fault::RedirectTo(_) if !path.starts_with("/cdn/") => {
            let to = if let Fault::RedirectTo(other) = fault { other } else { address };
            let about = format!("{commit}X-Linked-Etag: \"{etag}\"\r\nX-Linked-Size: {}\r\n", good.len());
            plain("302 Found", &format!("{about}Location: http://{to}/cdn{path}\r\n"), b"")
        }
        Fault::Altered if get => {
            let mut altered = good.clone();
            altered[good.len() / 2] ^= 1;
            plain("200 OK", "", &altered)
        }
        _ => match from {
            Some(from) => {
                let range = format!("Content-Range: bytes {from}-{}/{}\r\n", good.len() - 1, good.len());
                plain("206 Partial Content", &range, &good[from..])
            }
            None => plain("200 OK", &format!("{commit}ETag: \"{etag}\"\r\n"), &good),
        },
    };
    let breaks = matches!(fault, Fault::Truncated | Fault::TruncatedWhole) && get;
    let sent = if breaks { &response[..response.len() / 2] } else { &response[..] };
    // A client that has gone away is no fault of this side.
    let _ = stream.write_all(sent);
}
