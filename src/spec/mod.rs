//! What is asked: TOML in, a checked grid of single-run plans out.

mod catalogue;
mod plan;

pub use catalogue::{Catalogue, Choice, Entry, Kind, Parameter, Value};
pub use plan::{DataPlan, ExamplesFrom, Length, Order, Plan, ProbesPlan, Scaling, StreamPlan};
