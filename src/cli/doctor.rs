//! `doctor`: what this machine has, in one table.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::data::Place;
use super::{Exit, Failure, output, workers};
use crate::data::{self, HubAccess};
use crate::{kernels, record, runner};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// Seconds to wait for the hub
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    patience: u64,
}

/// Prints the table.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut table = output::table(["what", "here"]);
    for (what, here) in rows(args) {
        table.add_row([what, here]);
    }
    output::print(&table.to_string())?;
    Ok(Exit::Done)
}

fn rows(args: &Args) -> Vec<(String, String)> {
    let jobs = workers::count(None).map_or_else(|error| error.to_string(), |jobs| jobs.to_string());
    let mut rows = vec![
        ("program", format!("{} {}", record::version(), record::commit().unwrap_or("(commit not known)"))),
        ("vectors", kernels::name().to_owned()),
        ("runs side by side", format!("{jobs} (--jobs; the cores that this process may use)")),
        ("memory", memory()),
        ("device", device()),
        (
            "hub",
            data::reach(&HubAccess { patience: Duration::from_secs(args.patience), ..HubAccess::from_env() }),
        ),
        ("Slurm", slurm()),
    ]
    .into_iter()
    .map(|(what, here)| (what.to_owned(), here))
    .collect::<Vec<_>>();
    for listing in data::list(args.place.data_dir.as_deref()) {
        let here = listing.found.unwrap_or_else(|| "not here".into());
        rows.push((format!("data: {}", listing.manifest.name), here));
    }
    rows
}

/// The first card, if this build has kernels for it and everything that they need is here.
#[cfg(feature = "cuda")]
fn device() -> String {
    match plasticity_bench_cuda::describe(0) {
        Ok(card) => format!("cpu; cuda:0 is {card}"),
        Err(error) => format!("cpu; --device cuda cannot be used: {error}"),
    }
}

/// Kernels are those of the processor; a card is named so that nobody wonders.
#[cfg(not(feature = "cuda"))]
fn device() -> String {
    let card = Path::new("/dev/nvidia0").exists();
    if card {
        "cpu; this build does not use the NVIDIA card of this machine (--features cuda)".into()
    } else {
        "cpu".into()
    }
}

/// Free memory, and the least limit of the control groups that this process is in.
fn memory() -> String {
    let free = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| free(&text));
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limit = limit(&groups, Path::new("/sys/fs/cgroup"));
    let words = |bytes: u64| runner::memory_in_words(bytes as f64);
    match (free, limit) {
        (Some(free), Some(limit)) => format!("{} free, limited to {}", words(free), words(limit)),
        (Some(free), None) => format!("{} free", words(free)),
        (None, Some(limit)) => format!("limited to {}", words(limit)),
        (None, None) => "not known on this system".into(),
    }
}

/// Bytes that /proc/meminfo calls available.
fn free(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The least memory limit on the way from this process's control group (version 2) to the root of all.
fn limit(groups: &str, root: &Path) -> Option<u64> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let own: PathBuf = root.join(own);
    let limits = own.ancestors().take_while(|folder| folder.starts_with(root)).filter_map(|folder| {
        // `max` stands for no limit.
        std::fs::read_to_string(folder.join("memory.max")).ok()?.trim().parse().ok()
    });
    limits.min()
}

fn slurm() -> String {
    if let Ok(job) = env::var("SLURM_JOB_ID") {
        return format!("within job {job}");
    }
    let paths = env::var_os("PATH").unwrap_or_default();
    match env::split_paths(&paths).map(|folder| folder.join("sbatch")).find(|path| path.is_file()) {
        Some(path) => format!("{}: `submit --engine slurm` can be used", path.display()),
        None => "no sbatch on the path".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_on_the_way_to_the_root_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("user/job");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join("memory.max"), "max\n").unwrap();
        std::fs::write(root.path().join("user/memory.max"), "1048576\n").unwrap();
        std::fs::write(root.path().join("memory.max"), "2097152\n").unwrap();
        assert_eq!(limit("0::/user/job\n", root.path()), Some(1 << 20));
        assert_eq!(limit("0::/\n", root.path()), Some(1 << 21));
        assert_eq!(limit("1:memory:/job\n", root.path()), None, "version 1 says nothing here");
    }

    #[test]
    fn free_memory_is_in_bytes() {
        assert_eq!(free("MemTotal: 9 kB\nMemAvailable:   2 kB\n"), Some(2048));
        assert_eq!(free("MemTotal: 9 kB\n"), None);
    }

    #[test]
    fn every_data_set_has_a_row() {
        let folder = tempfile::tempdir().unwrap();
        let args = Args { place: Place { data_dir: Some(folder.path().into()) }, patience: 1 };
        let rows = rows(&args);
        for manifest in data::MANIFESTS {
            assert!(rows.iter().any(|(what, _)| what.ends_with(manifest.name)), "{}", manifest.name);
        }
    }
}
