//! How many runs train side by side where `--jobs` does not say.

use std::num::NonZero;

use anyhow::{Context, anyhow};

/// Slurm's count of a task's cores. The machine's own count is of no use there: without confinement to
/// its cores a task sees all of the machine's.
const SLURM: &str = "SLURM_CPUS_PER_TASK";

/// `jobs`, or Slurm's count within one of its tasks, or the number of cores.
pub fn count(jobs: Option<u16>) -> anyhow::Result<usize> {
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    match jobs {
        Some(jobs) => Ok(jobs.into()),
        None => std::env::var(SLURM).map_or_else(|_| Ok(cores()), |text| granted(&text)),
    }
}

fn granted(text: &str) -> anyhow::Result<usize> {
    let wrong = || format!("{SLURM} is {text:?} and not a number of cores: unset it or give --jobs");
    let count: usize = text.parse().with_context(wrong)?;
    if count == 0 { Err(anyhow!(wrong())) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_go_first_and_a_wrong_count_is_told() {
        assert_eq!(count(Some(3)).unwrap(), 3);
        assert_eq!(granted("12").unwrap(), 12);
        for wrong in ["0", "", "two", "-1"] {
            let said = granted(wrong).unwrap_err().to_string();
            assert!(said.starts_with("SLURM_CPUS_PER_TASK is") && said.contains("--jobs"), "{said}");
        }
    }
}
