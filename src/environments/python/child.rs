//! A program at the other end of a pipe that answers one frame with one frame, or is given up in words.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::EnvironmentError;

/// Longest frame that is believed: a longer one is no frame but something that was printed.
const LONGEST: u32 = 1 << 30;
/// What is kept of the program's complaints.
const KEPT: usize = 1 << 14;
/// Variable that names the interpreter.
const INTERPRETER: &str = "PLASTICITY_PYTHON";
/// Variable with the seconds after which a silent program is given up.
const PATIENCE: &str = "PLASTICITY_PYTHON_TIMEOUT";

/// How the program is run.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The Python interpreter.
    pub interpreter: OsString,
    /// How long it may take until it is ready: packages are imported and models compiled.
    pub start: Duration,
    /// How long it may take to answer.
    pub answer: Duration,
}

impl Launch {
    /// By `interpreter` if given; by `PLASTICITY_PYTHON` if that is set; by `python3` otherwise. It is given
    /// up after `PLASTICITY_PYTHON_TIMEOUT` seconds (60 by default), after five times as many at the start.
    ///
    /// # Errors
    /// If `PLASTICITY_PYTHON_TIMEOUT` is no number of seconds.
    pub fn new(interpreter: Option<&str>) -> Result<Self, EnvironmentError> {
        let of_variable = || std::env::var_os(INTERPRETER).filter(|path| !path.is_empty());
        let answer = patience(std::env::var(PATIENCE).ok().as_deref())?;
        Ok(Self {
            interpreter: interpreter
                .map(OsString::from)
                .or_else(of_variable)
                .unwrap_or_else(|| OsString::from("python3")),
            start: 5 * answer,
            answer,
        })
    }
}

/// Seconds by the variable's text.
pub fn patience(text: Option<&str>) -> Result<Duration, EnvironmentError> {
    let seconds = text.map_or(Ok(60), str::parse::<u64>);
    match seconds {
        Ok(seconds @ 1..=1_000_000) => Ok(Duration::from_secs(seconds)),
        _ => Err(EnvironmentError::Outside(format!(
            "{PATIENCE} is \"{}\": set it to whole seconds, 1 to 1000000, or leave it out for 60",
            text.unwrap_or_default()
        ))),
    }
}

/// The running program.
pub struct Child {
    name: String,
    launch: Launch,
    process: std::process::Child,
    requests: Option<Sender<Vec<u8>>>,
    replies: Receiver<io::Result<Vec<u8>>>,
    complaints: Arc<Mutex<Vec<u8>>>,
    /// Why it was given up.
    given_up: Option<String>,
}

impl Child {
    /// Runs `script` with `name` as its argument and gives its first frame.
    pub fn start(script: &str, name: &str, launch: &Launch) -> Result<(Self, Vec<u8>), EnvironmentError> {
        let mut process = Command::new(&launch.interpreter)
            .args(["-c", script, name])
            // Nothing is drawn, and a run has one thread.
            .env("MUJOCO_GL", "disabled")
            .env("OMP_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                EnvironmentError::Outside(format!(
                    "{name} needs Python, but {} cannot be run ({error}): install it, or name the \
                     interpreter that has the packages by environment.python in the spec or by {INTERPRETER}",
                    launch.interpreter.display()
                ))
            })?;
        let piped = "the pipe was asked for";
        let (stdin, stdout) = (process.stdin.take().expect(piped), process.stdout.take().expect(piped));
        let (requests, to_write) = channel::<Vec<u8>>();
        // A thread for each pipe: whichever side stops, nobody waits for ever.
        thread::spawn(move || write(stdin, &to_write));
        let (read, replies) = channel();
        thread::spawn(move || read_frames(stdout, &read));
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let (stderr, heap) = (process.stderr.take().expect(piped), Arc::clone(&complaints));
        thread::spawn(move || collect(stderr, &heap));
        let mut child = Self {
            name: name.to_owned(),
            launch: launch.clone(),
            process,
            requests: Some(requests),
            replies,
            complaints,
            given_up: None,
        };
        let first = child.receive(launch.start)?;
        Ok((child, first))
    }

    /// Its answer to a request.
    pub fn ask(&mut self, request: Vec<u8>) -> Result<Vec<u8>, EnvironmentError> {
        if let Some(why) = &self.given_up {
            return Err(EnvironmentError::Outside(why.clone()));
        }
        if let Some(requests) = &self.requests {
            // Where the program has ended, the reply below says so.
            let _ = requests.send(request);
        }
        self.receive(self.launch.answer)
    }

    /// The next frame without its `E`, or what went wrong.
    fn receive(&mut self, patience: Duration) -> Result<Vec<u8>, EnvironmentError> {
        let why = match self.replies.recv_timeout(patience) {
            Ok(Ok(frame)) => match frame.split_first() {
                Some((b'E', text)) => {
                    // The program itself goes on: a refused action is no crash.
                    let text = String::from_utf8_lossy(text);
                    return Err(EnvironmentError::Outside(format!("python:{}: {text}", self.name)));
                }
                _ => return Ok(frame),
            },
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                format!("what it wrote is no answer{}", self.last_words())
            }
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => {
                let end = self.ending();
                format!("its program ended ({end}){}", self.last_words())
            }
            Err(RecvTimeoutError::Timeout) => format!(
                "its program did not answer within {} s and was ended; if it is only slow, set {PATIENCE} to more \
                 seconds{}",
                patience.as_secs_f64(),
                self.last_words()
            ),
        };
        let why = format!("python:{}: {why}", self.name);
        self.end();
        self.given_up = Some(why.clone());
        Err(EnvironmentError::Outside(why))
    }

    /// How it ended, once it has closed its output.
    fn ending(&mut self) -> String {
        for _ in 0..20 {
            // What it wrote last may still be on its way, and so may its end.
            thread::sleep(Duration::from_millis(50));
            match self.process.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) => {}
                Err(error) => return error.to_string(),
            }
        }
        "it closed its output and did nothing more".to_owned()
    }

    /// The last line of its complaints.
    fn last_words(&self) -> String {
        let complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&complaints);
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        last.map_or_else(String::new, |line| format!("; its last line on stderr: {}", line.trim()))
    }

    fn end(&mut self) {
        self.requests = None;
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

fn write(mut stdin: impl Write, requests: &Receiver<Vec<u8>>) {
    for request in requests {
        let length = u32::try_from(request.len()).expect("a request is far below 4 GiB");
        let sent = stdin.write_all(&length.to_le_bytes()).and_then(|()| stdin.write_all(&request));
        if sent.and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read_frames(mut stdout: impl Read, frames: &Sender<io::Result<Vec<u8>>>) {
    loop {
        let frame = read_frame(&mut stdout);
        let last = frame.is_err();
        if frames.send(frame).is_err() || last {
            return;
        }
    }
}

fn read_frame(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length == 0 || length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; length as usize];
    from.read_exact(&mut frame)?;
    Ok(frame)
}

/// Keeps the end of what is written to stderr.
fn collect(mut stderr: impl Read, heap: &Mutex<Vec<u8>>) {
    let mut block = [0; 4096];
    while let Ok(n @ 1..) = stderr.read(&mut block) {
        let mut heap = heap.lock().unwrap_or_else(PoisonError::into_inner);
        heap.extend(&block[..n]);
        let surplus = heap.len().saturating_sub(KEPT);
        heap.drain(..surplus);
    }
}
