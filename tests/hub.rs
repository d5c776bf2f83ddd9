//! The hub's side of the data sets, against a server on the loopback interface that answers in the
//! hub's way and fails in the ways that networks fail.
#![cfg(feature = "hub")]

mod loopback;
mod small;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use loopback::{Fault, Server};
use plasticity_bench::data::{
    DataError, Evidence, Folder, HubAccess, Loaded, Places, Progress, Report, Silent, fetch_with, load_with,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A cache of its own and the server's address.
fn places(server: &Server, cache: &Path) -> Places {
    Places {
        folders: vec![Folder { path: cache.join("no-data-folder"), named_by: "the test" }],
        hub: Some(HubAccess {
            endpoint: Some(server.address()),
            cache: Some(cache.join("hub")),
            offline: false,
            patience: Duration::from_secs(20),
        }),
    }
}

fn offline(places: &Places) -> Places {
    Places { hub: places.hub.clone().map(|access| HubAccess { offline: true, ..access }), ..places.clone() }
}

fn load(places: &Places) -> Result<Loaded, DataError> {
    load_with(&small::manifest(), places, &mut Silent)
}

fn assert_is_the_set(loaded: &Loaded) {
    assert_eq!(loaded.evidence, Evidence::Content);
    assert_eq!(loaded.set.train.pixels, small::pixels(0));
    assert_eq!(loaded.set.test.pixels, small::pixels(1));
}

fn assert_missing(result: Result<Loaded, DataError>, parts: &[&str]) {
    let error = result.unwrap_err();
    assert!(matches!(error, DataError::Missing { .. }), "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

#[derive(Default)]
struct Recorder {
    totals: Vec<u64>,
    advanced: u64,
    messages: Vec<String>,
}

impl Progress for Recorder {
    fn total(&mut self, bytes: u64) {
        self.totals.push(bytes);
    }
    fn advance(&mut self, bytes: u64) {
        self.advanced += bytes;
    }
    fn message(&mut self, text: &str) {
        self.messages.push(text.to_owned());
    }
}

#[test]
fn a_set_is_downloaded_once_with_progress_and_then_read_from_the_cache() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    let places = places(&server, cache.path());
    let mut progress = Recorder::default();
    assert_is_the_set(&load_with(&small::manifest(), &places, &mut progress).unwrap());
    let sizes: Vec<u64> = (0..2).map(|split| small::parquet_file(split).len() as u64).collect();
    // Two downloads, then the decoding of what they hold, each with its own bar.
    assert_eq!((progress.totals.len(), &progress.totals[..2]), (3, &sizes[..]));
    assert_eq!(progress.advanced, progress.totals.iter().sum::<u64>());
    assert!(progress.messages[0].contains("mnist/train/0000.parquet"), "{:?}", progress.messages);
    let requests = server.lines();
    let base = "/datasets/ylecun/mnist/resolve/refs%2Fconvert%2Fparquet/mnist";
    let expected = ["train", "test"].map(|split| {
        [format!("HEAD {base}/{split}/0000.parquet"), format!("GET {base}/{split}/0000.parquet")]
    });
    assert_eq!(requests, expected.concat());

    let loaded = load(&places).unwrap();
    assert_is_the_set(&loaded);
    assert!(loaded.place.starts_with("the hub's cache"), "{}", loaded.place);
    assert_is_the_set(&load(&offline(&places)).unwrap());
    assert_eq!(server.requests().len(), 4, "the cache was not used");
}

#[test]
fn a_redirect_to_another_server_is_followed() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    server.set(Fault::Redirect);
    assert_is_the_set(&load(&places(&server, cache.path())).unwrap());
    assert!(server.lines().iter().any(|line| line.starts_with("GET /cdn/")));
}

/// Two further attempts continue where the body broke off, and so does the next call.
#[test]
fn a_body_that_breaks_off_is_an_error_and_the_next_try_continues_it() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    let places = places(&server, cache.path());
    server.set(Fault::Truncated);
    assert_missing(load(&places), &[&server.address(), "mnist/train/0000.parquet could not be downloaded"]);
    assert_missing(load(&offline(&places)), &["not there", "HF_HUB_OFFLINE"]);
    let part =
        files(cache.path()).into_iter().find(|path| path.extension().is_some_and(|e| e == "incomplete"));
    let have = part.unwrap().metadata().unwrap().len();
    let size = small::parquet_file(0).len() as u64;
    assert!(have > size / 2 && have < size, "{have} of {size}");

    server.set(Fault::None);
    let before = server.requests().len();
    let mut progress = Recorder::default();
    assert_is_the_set(&load_with(&small::manifest(), &places, &mut progress).unwrap());
    let get = &server.requests()[before + 1];
    assert_eq!(get.header("Range"), Some(format!("bytes={have}-").as_str()), "{}", get.line);
    assert_eq!(progress.advanced, progress.totals.iter().sum::<u64>(), "what was there counts");
    assert!(files(cache.path()).iter().all(|path| path.extension().is_none_or(|e| e != "incomplete")));
}

#[test]
fn a_server_without_ranges_is_read_from_the_beginning() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    let places = places(&server, cache.path());
    server.set(Fault::TruncatedWhole);
    assert_missing(load(&places), &["could not be downloaded"]);
    assert_is_the_set(&{
        server.set(Fault::None);
        load(&places).unwrap()
    });
}

/// What another program left under the name of an unfinished download may be anything: the hash tells.
#[test]
fn a_foreign_beginning_is_noticed_and_thrown_away() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    let places = places(&server, cache.path());
    let etag = small::hex(&Sha256::digest(small::parquet_file(0)));
    let part = cache.path().join("hub/datasets--ylecun--mnist/blobs").join(etag + ".incomplete");
    small::write(&part, b"something else");
    let text = load(&places).unwrap_err().to_string();
    assert!(text.contains("SHA-256") && text.contains("thrown away"), "{text}");
    assert_is_the_set(&load(&places).unwrap());
}

#[test]
fn altered_bytes_are_refused_and_thrown_away() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    let places = places(&server, cache.path());
    server.set(Fault::Altered);
    let error = load(&places).unwrap_err();
    assert!(matches!(error, DataError::Corrupt { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("SHA-256") && text.contains("thrown away") && text.contains(&server.address()),
        "{text}"
    );
    server.set(Fault::None);
    assert_is_the_set(&load(&places).unwrap());
}

#[test]
fn an_error_page_is_no_file() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    let places = places(&server, cache.path());
    server.set(Fault::ErrorPage);
    assert_missing(load(&places), &["403 Forbidden", "HF_TOKEN"]);
    server.set(Fault::None);
    assert_is_the_set(&load(&places).unwrap());
}

/// All files under a folder, links followed.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_corrupt_cached_copy_is_an_error_that_fetch_cures() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    let places = places(&server, cache.path());
    load(&places).unwrap();
    let cached = files(cache.path()).into_iter().find(|path| path.ends_with("train/0000.parquet")).unwrap();
    let good = std::fs::read(&cached).unwrap();
    std::fs::write(&cached, &good[..good.len() - 9]).unwrap();

    let text = load(&places).unwrap_err().to_string();
    assert!(text.contains("`plasticity-bench data fetch small`") && text.contains("0000.parquet"), "{text}");
    assert!(fetch_with(&small::manifest(), &offline(&places), &mut Silent).is_err());
    let mut progress = Recorder::default();
    let report: Report = fetch_with(&small::manifest(), &places, &mut progress).unwrap();
    assert_eq!((report.examples, report.evidence), ((20, 10), Evidence::Content));
    assert!(progress.messages[0].contains("is corrupt and is downloaded anew"), "{:?}", progress.messages);
    assert_is_the_set(&load(&offline(&places)).unwrap());
}

/// A corrupt file in a data folder is the user's: fetching does not touch it, nor hide it.
#[test]
fn fetch_leaves_a_corrupt_data_folder_alone() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    let mut places = places(&server, cache.path());
    load(&places).unwrap();
    let folder = TempDir::new().unwrap();
    small::write_idx(folder.path(), false);
    let labels = folder.path().join(small::IDX_NAMES[1]);
    small::write(&labels, b"labels");
    places.folders = vec![Folder { path: folder.path().into(), named_by: "--data-dir" }];
    let error = fetch_with(&small::manifest(), &places, &mut Silent).unwrap_err();
    assert!(error.to_string().contains(labels.to_str().unwrap()), "{error}");
    assert_eq!(server.requests().len(), 4);
    assert!(labels.exists());
}

#[test]
fn a_file_that_the_hub_does_not_have_is_named() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    let places = places(&server, cache.path());
    server.set(Fault::NotFound);
    assert_missing(load(&places), &["mnist/train/0000.parquet could not be downloaded", "not found"]);
    // A file that is there later must be found all the same.
    server.set(Fault::None);
    assert_is_the_set(&load(&places).unwrap());
}

#[test]
fn a_hub_that_fails_or_is_silent_is_given_up_in_bounded_time() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    let mut places = places(&server, cache.path());
    server.set(Fault::Unavailable);
    assert_missing(load(&places), &["503"]);
    server.set(Fault::Silent);
    places.hub.as_mut().unwrap().patience = Duration::from_millis(300);
    assert_missing(load(&places), &["no answer for 0.3 s"]);
    // Nobody listens on a port that was just given back.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    places.hub.as_mut().unwrap().endpoint = Some(format!("http://{gone}"));
    places.hub.as_mut().unwrap().patience = Duration::from_secs(20);
    assert_missing(load(&places), &["could not be downloaded", "Connection refused"]);
}

#[test]
fn offline_means_that_nobody_is_asked() {
    let (server, cache) = (Server::start(), TempDir::new().unwrap());
    assert_missing(
        load(&offline(&places(&server, cache.path()))),
        &["not asked, since HF_HUB_OFFLINE is set"],
    );
    assert!(server.requests().is_empty());
}

/// Runs [`in_a_process_of_its_own`] there, with the hub's variables set.
fn with_environment(server: &Server, folder: &Path, more: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["in_a_process_of_its_own", "--exact", "--ignored", "--nocapture"])
        .current_dir(folder)
        .env_remove("PLASTICITY_DATA_DIR")
        .env_remove("HF_HUB_CACHE")
        .env_remove("HF_HUB_OFFLINE")
        .env_remove("HF_TOKEN")
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .env("HF_ENDPOINT", server.address())
        .env("HF_HOME", folder.join("home"))
        .envs(more.iter().copied())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "run by the_environment_is_honoured, which sets its environment"]
fn in_a_process_of_its_own() {
    match load_with(&small::manifest(), &Places::standard(None), &mut Silent) {
        Ok(loaded) => println!("loaded from {} {:?}", loaded.place, loaded.files),
        Err(error) => println!("error: {error}"),
    }
    #[cfg(feature = "candle-datasets")]
    if std::env::var_os("SECOND_READER").is_some() {
        use plasticity_bench::data::{Manifest, SecondReader, verify_with};
        let manifest = Manifest { name: "mnist", ..small::manifest() };
        let second = Some(SecondReader::CandleDatasets);
        for report in verify_with(&manifest, &Places::standard(None), second, &mut Silent).unwrap() {
            println!("{}", report.unwrap());
        }
    }
}

/// What our client downloads, the hub's own finds in the cache; and candle reads the same from it.
#[cfg(feature = "candle-datasets")]
#[test]
fn candle_reads_the_same_from_the_cache() {
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    let text = with_environment(&server, folder.path(), &[("SECOND_READER", "1")]);
    assert!(text.contains("read the same by candle-datasets: 20 and 10 images"), "{text}");
    assert_eq!(server.requests().len(), 4, "candle took it from the cache");
}

#[test]
fn the_environment_is_honoured() {
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    let text = with_environment(&server, folder.path(), &[("HF_HUB_OFFLINE", "1")]);
    assert!(text.contains("error: ") && text.contains("HF_HUB_OFFLINE is set"), "{text}");
    assert!(server.requests().is_empty());

    let text = with_environment(&server, folder.path(), &[]);
    assert!(text.contains(&format!("loaded from {}", server.address())), "{text}");
    assert!(!files(&folder.path().join("home/hub/datasets--ylecun--mnist")).is_empty());

    let text = with_environment(&server, folder.path(), &[("HF_HUB_OFFLINE", "true")]);
    assert!(text.contains("loaded from the hub's cache"), "{text}");

    // `data` in the current folder comes before the hub, and the variable before `data`.
    small::write_idx(&folder.path().join("data/mnist"), true);
    let text = with_environment(&server, folder.path(), &[]);
    assert!(text.contains("loaded from data (the default)"), "{text}");
    let other = folder.path().join("elsewhere");
    small::write_idx(&other, false);
    let text = with_environment(&server, folder.path(), &[("PLASTICITY_DATA_DIR", other.to_str().unwrap())]);
    assert!(text.contains("elsewhere (PLASTICITY_DATA_DIR)"), "{text}");
}

/// An address that is none is named; an empty one is the public hub; neither keeps the cache from being used.
#[test]
fn an_unusable_address_does_not_hide_the_cache() {
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    let text = with_environment(&server, folder.path(), &[("HF_ENDPOINT", "hub.example.org")]);
    assert!(text.contains("HF_ENDPOINT is `hub.example.org`, which is no address"), "{text}");
    let text = with_environment(&server, folder.path(), &[("HF_ENDPOINT", ""), ("HF_HUB_OFFLINE", "1")]);
    assert!(text.contains("https://huggingface.co/datasets/ylecun/mnist: not asked"), "{text}");
    with_environment(&server, folder.path(), &[]);
    for endpoint in ["", "hub.example.org", "ftp://hub.example.org"] {
        let text = with_environment(&server, folder.path(), &[("HF_ENDPOINT", endpoint)]);
        assert!(text.contains("loaded from the hub's cache"), "{endpoint}: {text}");
    }
}

#[test]
fn the_token_goes_to_the_hub_and_not_where_it_sends_on() {
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    with_environment(&server, folder.path(), &[("HF_TOKEN", "hf_secret")]);
    let tokens: Vec<_> =
        server.requests().iter().map(|request| request.header("Authorization").map(str::to_owned)).collect();
    assert_eq!(tokens, vec![Some("Bearer hf_secret".to_owned()); 4]);

    // The token that `hf auth login` keeps in a file.
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    small::write(&folder.path().join("home/token"), b"hf_kept\n");
    let other = Server::start();
    server.set(Fault::RedirectTo(other.host()));
    let text = with_environment(&server, folder.path(), &[]);
    assert!(text.contains("loaded from"), "{text}");
    assert!(server.requests().iter().all(|r| r.header("Authorization") == Some("Bearer hf_kept")));
    assert!(
        !other.requests().is_empty() && other.requests().iter().all(|r| r.header("Authorization").is_none())
    );
}

#[test]
fn a_proxy_is_used_and_left_out_where_no_proxy_says_so() {
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    let hub = ("HF_ENDPOINT", "http://hub.invalid");
    let proxy = server.address();
    let text = with_environment(&server, folder.path(), &[hub, ("HTTP_PROXY", &proxy)]);
    assert!(text.contains("loaded from http://hub.invalid"), "{text}");
    assert!(server.lines()[0].starts_with("CONNECT hub.invalid"), "{:?}", server.lines());
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    let environment = [("HTTP_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "127.0.0.1")];
    let text = with_environment(&server, folder.path(), &environment);
    assert!(text.contains("loaded from"), "{text}");
}

/// The certificate is of an authority of its own (`tests/reference/authority/make.sh`).
#[test]
fn a_private_authority_is_trusted_where_the_environment_names_it() {
    const CERTIFICATE: &[u8] = include_bytes!("reference/authority/server.pem");
    const KEY: &[u8] = include_bytes!("reference/authority/server-key.pem");
    const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/authority/authority.pem");
    let (server, folder) = (Server::start_tls(CERTIFICATE, KEY), TempDir::new().unwrap());
    let text = with_environment(&server, folder.path(), &[]);
    assert!(text.contains("could not be downloaded") && text.contains("certificate"), "{text}");
    let text = with_environment(&server, folder.path(), &[("SSL_CERT_FILE", AUTHORITY)]);
    assert!(text.contains(&format!("loaded from {}", server.address())), "{text}");
}
