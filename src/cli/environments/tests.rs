use std::path::Path;

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn call(words: &[&str]) -> Result<Exit, Failure> {
    run(&Line::parse_from([&["environments"], words].concat()).args)
}

/// Header and rows.
fn read(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    (lines.next().unwrap(), lines.collect())
}

/// The trajectory's states and actions, row by row through `step`, are the trajectory again: in the same bits
/// for a mechanism whose step follows from its state. A trajectory played from its own file is the same file.
#[test]
fn a_trajectory_is_its_single_steps_and_replays() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for name in ["reacher-easy", "walker-walk", "Acrobot-v1"] {
        let (out, again, rows, stepped) = (path("a.csv"), path("b.csv"), path("rows.csv"), path("step.csv"));
        let rollout = |policy: &str, out: &str| {
            call(&["rollout", name, "--seed", "3", "--policy", policy, "--steps", "12", "--out", out])
                .unwrap();
        };
        rollout("random", &out);
        rollout(&out, &again);
        assert_eq!(std::fs::read(&out).unwrap(), std::fs::read(&again).unwrap(), "{name}");

        let (header, played) = read(Path::new(&out));
        assert_eq!(played.len(), 13);
        let columns = |header: &[String], stems: &[&str]| -> Vec<usize> {
            let of = |(i, column): (usize, &String)| {
                let stem = column.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
                stems.contains(&stem).then_some(i)
            };
            header.iter().enumerate().filter_map(of).collect()
        };
        let pick = |row: &[String], columns: &[usize]| -> Vec<String> {
            columns.iter().map(|&i| row[i].clone()).collect()
        };
        let (before, action) = (columns(&header, &["qpos", "qvel", "target"]), columns(&header, &["action"]));
        let mut table = rows::Table::new(&[pick(&header, &before), pick(&header, &action)].concat());
        for pair in played.windows(2) {
            table.push(&[pick(&pair[0], &before), pick(&pair[1], &action)].concat());
        }
        table.write(Path::new(&rows)).unwrap();
        call(&["step", name, "--in", &rows, "--out", &stepped]).unwrap();
        let (step_header, steps) = read(Path::new(&stepped));
        let wanted = columns(&header, &["qpos", "qvel", "observation", "reward", "terminated", "truncated"]);
        assert_eq!(step_header, pick(&header, &wanted), "{name}");
        let wanted: Vec<_> = played[1..].iter().map(|row| pick(row, &wanted)).collect();
        assert_eq!(steps, wanted, "{name}");
    }
}

#[test]
fn a_state_that_is_no_number_leaves_its_row_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, out) = (folder.path().join("rows.csv"), folder.path().join("out.csv"));
    std::fs::write(&rows, "qvel_0,qpos_0,action_0,other\n0,1,0.5,x\nNaN,1,0.5,x\n0,2,NaN,x\n").unwrap();
    let line = ["step", "pendulum-swingup", "--in", rows.to_str().unwrap(), "--out", out.to_str().unwrap()];
    call(&line).unwrap();
    let (header, rows) = read(&out);
    assert_eq!(header.len(), 2 + 3 + 3);
    assert!(rows[0].iter().all(|cell| !cell.is_empty()) && rows[1].iter().all(String::is_empty), "{rows:?}");
    assert!(rows[2].iter().all(String::is_empty), "{rows:?}");
}

#[test]
fn what_is_wrong_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let short = file("short.csv", "qpos_0,qvel_0\n1,2\n");
    let word = file("word.csv", "qpos_0,qvel_0,action_0\n1,2,left\n");
    let wild = file("wild.csv", "action_0\n7\n");
    let out = file("out.csv", "");
    let play =
        |name, policy| ["rollout", name, "--policy", policy, "--out", &out].map(str::to_owned).to_vec();
    let step = |input| ["step", "pendulum-swingup", "--in", input, "--out", &out].map(str::to_owned).to_vec();
    for (line, words) in [
        (step(&short), "has no column action_0"),
        (step(&word), "word.csv:2: action_0 is \"left\", which is no number"),
        (play("walker-fly", "zero"), "walker-fly"),
        (play("CartPole-v1", "best"), "--policy best: take random, zero, or a file"),
        (play("CartPole-v1", &wild), "there are the actions 0 to 1"),
        (
            ["render", "CartPole-v1", "--policy", "zero", "--out", "x.mp4"].map(str::to_owned).to_vec(),
            "end it in .gif or .png",
        ),
    ] {
        let words_of: Vec<&str> = line.iter().map(String::as_str).collect();
        let error = format!("{:#}", call(&words_of).unwrap_err().error);
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn pictures_are_drawn_of_what_has_one() {
    let folder = tempfile::tempdir().unwrap();
    for (name, file, begins) in
        [("hopper-hop", "hop.gif", &b"GIF89a"[..]), ("CartPole-v1", "pole.png", &b"\x89PNG"[..])]
    {
        let out = folder.path().join(file);
        let line = ["render", name, "--policy", "random", "--steps", "6", "--out", out.to_str().unwrap()];
        call(&line).unwrap();
        let bytes = std::fs::read(&out).unwrap();
        assert!(bytes.starts_with(begins) && bytes.len() > 1000, "{name}: {}", bytes.len());
    }
}
