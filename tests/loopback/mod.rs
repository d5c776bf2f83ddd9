//! A server that answers as the Hugging Face hub does when a file of a data set is asked for: HEAD and
//! then GET on `/datasets/OWNER/NAME/resolve/REVISION/PATH`, with the commit, the content's hash as `ETag`
//! and the length.

use std::io::{BufRead, BufReader, Write};
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
    /// The training labels' table is another, under the right hash.
    Altered,
    /// GET gives a 403 page, after a HEAD without fault.
    ErrorPage,
    /// Both requests are sent on to another path by 302, as to the hub's storage.
    Redirect,
    /// 404 with the hub's code.
    NotFound,
    /// 503.
    Unavailable,
    /// No answer.
    Silent,
}

struct State {
    fault: Fault,
    requests: Vec<String>,
}

pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { fault: Fault::None, requests: Vec::new() }));
        let shared = Arc::clone(&state);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || answer(stream, address, &shared));
            }
        });
        Self { address, state }
    }

    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn set(&self, fault: Fault) {
        self.state.lock().unwrap().fault = fault;
    }

    /// "METHOD path" of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

fn answer(mut stream: TcpStream, address: SocketAddr, state: &Mutex<State>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else { return };
    // The headers, up to the empty line.
    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
    let words: Vec<&str> = request.split(' ').collect();
    let (method, path) = (words[0], words[1]);
    let fault = {
        let mut state = state.lock().unwrap();
        state.requests.push(format!("{method} {path}"));
        state.fault
    };
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
        Fault::Redirect if !path.starts_with("/cdn/") => plain(
            "302 Found",
            &format!(
                "{commit}X-Linked-Etag: \"{etag}\"\r\nX-Linked-Size: {}\r\nLocation: http://{address}/cdn{path}\r\n",
                good.len()
            ),
            b"",
        ),
        Fault::Altered if get => plain("200 OK", "", &altered(split)),
        _ => plain("200 OK", &format!("{commit}ETag: \"{etag}\"\r\n"), &good),
    };
    let sent = if fault == Fault::Truncated && get { &response[..response.len() / 2] } else { &response[..] };
    // A client that has gone away is no fault of this side.
    let _ = stream.write_all(sent);
}

/// A well-formed table with one label changed.
fn altered(split: usize) -> Vec<u8> {
    let images: Vec<_> = small::pixels(split)
        .chunks(small::SIZE)
        .map(|image| Some(small::png(image, 28, 28, png::ColorType::Grayscale)))
        .collect();
    let mut labels: Vec<_> = small::labels(split).iter().map(|&label| Some(i64::from(label))).collect();
    labels[3] = Some((labels[3].unwrap() + 1) % 10);
    small::table("image", &images, &[("label", &labels)])
}
