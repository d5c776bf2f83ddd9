//! plasticity-bench: benchmarks of the loss of plasticity in continual learning.
//!
//! Streams of tasks on small images, networks with (constrained) rational activations beside fixed ones,
//! probes at every task's edges, CSV. The binary of the same name is a thin shell around this library.
//!
//! # The flow of one run
//!
//! The rooms stand in the order in which a run passes through them, and each imports only those before
//! it:
//!
//! 1. [`spec`]: TOML is read, checked against the [`catalogue`] of all that can be named, and becomes a
//!    grid of [`spec::Plan`]s. A plan says everything that determines a run and can only be valid.
//! 2. [`data`]: a name becomes verified images in memory.
//! 3. [`tasks`]: images and a seed become a lazy stream of tasks; any task follows from the seed and its
//!    own number.
//! 4. [`nn`], on the fused [`kernels`]: the network and its activations.
//! 5. [`methods`]: what is done against the loss of plasticity, at the edges of tasks and steps.
//!    On the [`optimizers`] they make a network in training, [`trained`]: supervised runs have one, agents
//!    several.
//! 6. [`train`]: the loop. One network and one optimiser learn the whole stream; or one of the [`agents`]
//!    acts in [`environments`] and learns from what it sees.
//!    With the feature `cuda` its steps can be taken by a `device`.
//! 7. [`measure`] looks at the network at each task's start and end with the [`probes`], and hands rows to
//!    [`record`], which keeps them.
//! 8. [`runner`]: many runs side by side, one thread each, and what becomes of failures and interrupts.
//! 9. [`results`]: the folders of many runs read back; [`report`]: tables, plots and a page of them.
//! 10. [`cli`]: the command line.
//!
//! [`random`] serves them all: every draw comes from a stream derived from (seed, purpose, number), so
//! one seed gives the same bytes whatever the number of jobs, probed or not. [`atomic`], [`sha256`],
//! [`stderr`] and [`text_table`] are small shared tools.
//!
//! # A run, start to end
//!
//! ```
//! use plasticity_bench::catalogue::catalogue;
//! use plasticity_bench::data::{self, Silent};
//! use plasticity_bench::record::{self, ProbeRow, TaskRow};
//! use plasticity_bench::runner::{self, Options, Trainer};
//! use plasticity_bench::spec::Spec;
//! use plasticity_bench::train::checkpoint::Keep;
//!
//! # fn main() -> anyhow::Result<()> {
//! let spec = r#"
//!     name = "first-steps"
//!     data = { dataset = "generated-digits", scaling = "symmetric" }
//!     stream = { family = "shuffled-labels", tasks = 2, examples = 64, steps = 200, batch_size = 16 }
//!     network = { kind = "mlp", hidden = [16] }
//!     activation = { name = "rational", start = "relu", constraint = "tail-slope" }
//!     optimizer = { name = "adam", learning_rate = 3e-3 }
//!     probes = { names = ["srank", "output_scale"], samples = 64 }
//! "#;
//! let plans = Spec::parse(spec, "first-steps.toml", &[], &catalogue())?.plans(None)?;
//!
//! let digits = data::load("generated-digits", None, &mut Silent)?;
//! let out = tempfile::tempdir()?;
//! let options = Options { quiet: true, ..Options::new(out.path()) };
//! let summary = runner::run_all(&plans, &Trainer::new([digits], Keep::None, false), &options)?;
//! assert_eq!(summary.done, 1);
//!
//! let folder = &summary.runs[0].dir;
//! let tasks = record::read::<TaskRow>(folder)?;
//! assert_eq!(tasks.len(), 2);
//! assert!(tasks[0].online_accuracy > Some(0.2), "better than chance on the first task");
//!
//! // The constraint's bound, 1 by default, holds in every row.
//! let probes = record::read::<ProbeRow>(folder)?;
//! let tails: Vec<_> = probes.iter().filter(|row| row.probe == "output_scale_tail_slope").collect();
//! assert_eq!(tails.len(), 4, "one hidden layer at the start and the end of two tasks");
//! assert!(tails.iter().all(|row| row.value <= Some(1.0)));
//! # Ok(())
//! # }
//! ```
//!
//! # Adding to it
//!
//! An activation, a constraint, a task family, a method or a probe is one file with its formula, its
//! source and its tests, and one line in the list of its room ([`nn::activation::registry`],
//! [`nn::activation::rational::constraints`], [`tasks::entries`], [`methods::entries`],
//! [`probes::entries`]). Specs, `list` and the checks read those lists.

pub mod agents;
pub mod atomic;
pub mod catalogue;
pub mod cli;
pub mod data;
#[cfg(feature = "cuda")]
pub mod device;
pub mod diagnostics;
pub mod environments;
pub mod kernels;
pub mod measure;
pub mod methods;
pub mod nn;
pub mod optimizers;
pub mod probes;
pub mod random;
pub mod record;
pub mod report;
pub mod results;
pub mod runner;
pub mod sha256;
pub mod spec;
pub mod state;
pub mod stderr;
pub mod tasks;
pub mod text_table;
pub mod train;
pub mod trained;
pub mod words;

/// Pages of docs/ whose code the doc tests compile and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../docs/add-an-activation.md")]
    struct AddAnActivation;
    #[doc = include_str!("../docs/add-a-method.md")]
    struct AddAMethod;
}
