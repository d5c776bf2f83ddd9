//! A learner as two safetensors files and a few numbers, and back.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::CheckpointError;
use crate::kernels::inplace::update;
use crate::nn::{Network, Parameter, Role};
use crate::train::Learner;

/// Prefix of the method's lists among the moments.
const METHOD: &str = "method.";

struct Named {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// The parameters' file.
pub(super) fn parameters(learner: &Learner, folder: &Path) -> Result<Vec<u8>, CheckpointError> {
    serialize(&parameter_tensors(learner.network())?, folder)
}

/// The file of the moments and of what the method keeps.
pub(super) fn moments(learner: &Learner, folder: &Path) -> Result<Vec<u8>, CheckpointError> {
    let mut tensors = moment_tensors(learner);
    for (name, values) in learner.method().state() {
        tensors.push(Named { name: format!("{METHOD}{name}"), shape: vec![values.len()], values });
    }
    serialize(&tensors, folder)
}

fn serialize(tensors: &[Named], folder: &Path) -> Result<Vec<u8>, CheckpointError> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views: Result<Vec<_>, _> = tensors
        .iter()
        .zip(&bytes)
        .map(|(t, b)| TensorView::new(Dtype::F32, t.shape.clone(), b).map(|view| (t.name.as_str(), view)))
        .collect();
    let serialized = views.and_then(|views| safetensors::serialize(views, None));
    serialized.map_err(|e| CheckpointError::Content { path: folder.to_path_buf(), why: e.to_string() })
}

/// Columns of a coefficient matrix (sets, names) as `PyTorch` users expect them: a rational's a… are its
/// numerator, its b… its denominator; any other activation keeps one tensor.
fn columns(network: &dyn Network, parameter: &Parameter) -> Vec<(String, Vec<usize>)> {
    let Role::Coefficients(site) = parameter.role else { return Vec::new() };
    let site = &network.sites()[site];
    let names = &site.coefficients.as_ref().expect("a site with a parameter has coefficients").names;
    let pick = |first: char| (0..names.len()).filter(|&i| names[i].starts_with(first)).collect::<Vec<_>>();
    let (numerator, denominator) = (pick('a'), pick('b'));
    if !denominator.is_empty() && numerator.len() + denominator.len() == names.len() {
        vec![
            (format!("{}.numerator", site.name), numerator),
            (format!("{}.denominator", site.name), denominator),
        ]
    } else {
        vec![(parameter.name.clone(), (0..names.len()).collect())]
    }
}

fn parameter_tensors(network: &dyn Network) -> Result<Vec<Named>, CheckpointError> {
    let mut tensors = Vec::new();
    for parameter in network.parameters() {
        let values = parameter.to_vec().map_err(|e| CheckpointError::Content {
            path: PathBuf::from(&parameter.name),
            why: e.to_string(),
        })?;
        let shape = parameter.values.dims().to_vec();
        let parts = columns(network, parameter);
        if parts.is_empty() {
            tensors.push(Named { name: parameter.name.clone(), shape, values });
            continue;
        }
        for (name, picked) in parts {
            let part: Vec<f32> =
                values.chunks_exact(shape[1]).flat_map(|set| picked.iter().map(|&i| set[i])).collect();
            let shape = if shape[0] == 1 { vec![picked.len()] } else { vec![shape[0], picked.len()] };
            tensors.push(Named { name, shape, values: part });
        }
    }
    for buffer in network.buffers() {
        let values = buffer.values.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tensors.push(Named { name: buffer.name.clone(), shape: vec![values.len()], values });
    }
    Ok(tensors)
}

fn moment_tensors(learner: &Learner) -> Vec<Named> {
    let mut tensors = Vec::new();
    for (parameter, state) in learner.network().parameters().iter().zip(learner.optimizer().states()) {
        for (what, values) in [("first", &state.first), ("second", &state.second)] {
            if !values.is_empty() {
                tensors.push(Named {
                    name: format!("{}.{what}", parameter.name),
                    shape: parameter.values.dims().to_vec(),
                    values: values.clone(),
                });
            }
        }
    }
    tensors
}

fn values(tensors: &SafeTensors<'_>, name: &str, path: &Path) -> Result<Vec<f32>, CheckpointError> {
    let fail = |why: String| CheckpointError::Content { path: path.to_path_buf(), why };
    let view = tensors.tensor(name).map_err(|e| fail(format!("{name}: {e}")))?;
    if view.dtype() != Dtype::F32 {
        return Err(fail(format!("{name} is not f32")));
    }
    Ok(view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

fn open<'a>(bytes: &'a [u8], path: &Path) -> Result<SafeTensors<'a>, CheckpointError> {
    SafeTensors::deserialize(bytes)
        .map_err(|e| CheckpointError::Content { path: path.to_path_buf(), why: e.to_string() })
}

/// Puts saved values into the network.
pub(super) fn load_parameters(
    network: &dyn Network,
    bytes: &[u8],
    path: &Path,
) -> Result<(), CheckpointError> {
    let fail = |why: String| CheckpointError::Content { path: path.to_path_buf(), why };
    let tensors = open(bytes, path)?;
    for parameter in network.parameters() {
        let shape = parameter.values.dims();
        let mut whole = vec![0.0f32; parameter.values.elem_count()];
        let parts = columns(network, parameter);
        if parts.is_empty() {
            whole = values(&tensors, &parameter.name, path)?;
        }
        for (name, picked) in parts {
            let part = values(&tensors, &name, path)?;
            if part.len() != picked.len() * shape[0] {
                return Err(fail(format!("{name} has {} values", part.len())));
            }
            for (set, part) in whole.chunks_exact_mut(shape[1]).zip(part.chunks_exact(picked.len())) {
                picked.iter().zip(part).for_each(|(&i, &v)| set[i] = v);
            }
        }
        if whole.len() != parameter.values.elem_count() {
            return Err(fail(format!("{} has {} values", parameter.name, whole.len())));
        }
        update(&parameter.values, |old| old.copy_from_slice(&whole)).map_err(|e| fail(e.to_string()))?;
    }
    for buffer in network.buffers() {
        let saved = values(&tensors, &buffer.name, path)?;
        let mut kept = buffer.values.lock().unwrap_or_else(PoisonError::into_inner);
        if saved.len() != kept.len() {
            return Err(fail(format!("{} has {} values", buffer.name, saved.len())));
        }
        kept.copy_from_slice(&saved);
    }
    Ok(())
}

/// Puts saved moments into the optimiser, and the method's lists into the method.
pub(super) fn load_moments(
    learner: &mut Learner,
    bytes: &[u8],
    steps: &[u64],
    path: &Path,
) -> Result<(), CheckpointError> {
    let fail = |why: String| CheckpointError::Content { path: path.to_path_buf(), why };
    let tensors = open(bytes, path)?;
    let names: Vec<String> = learner.network().parameters().iter().map(|p| p.name.clone()).collect();
    let states = learner.optimizer_mut().states_mut();
    let counted: usize = states.iter().map(|state| state.steps.len()).sum();
    if steps.len() != counted {
        return Err(fail(format!("{} step counts in place of {counted}", steps.len())));
    }
    let mut steps = steps.iter().copied();
    for (state, name) in states.iter_mut().zip(&names) {
        for (what, into) in [("first", &mut state.first), ("second", &mut state.second)] {
            if !into.is_empty() {
                let saved = values(&tensors, &format!("{name}.{what}"), path)?;
                if saved.len() != into.len() {
                    return Err(fail(format!("{name}.{what} has {} values", saved.len())));
                }
                *into = saved;
            }
        }
        state.steps.fill_with(|| steps.next().expect("counted above"));
    }
    // Sorted, because a safetensors file keeps no order of its own.
    let mut kept: Vec<&str> =
        tensors.names().into_iter().filter_map(|name| name.strip_prefix(METHOD)).collect();
    kept.sort_unstable();
    let kept = kept
        .into_iter()
        .map(|name| Ok((name.to_owned(), values(&tensors, &format!("{METHOD}{name}"), path)?)))
        .collect::<Result<_, CheckpointError>>()?;
    learner.method_mut().restore(kept);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::{self, Silent};
    use crate::methods::Method;
    use crate::random::Stream;
    use crate::spec::Spec;
    use crate::tasks;

    const SPEC: &str = "name = 'x'\ndata = { dataset = 'generated-digits' }\nnetwork = 'mlp'\noptimizer = 'adam'\n\
                        stream = { family = 'shuffled-labels', tasks = 1, examples = 8, steps = 1, \
                        batch_size = 1 }\nactivation = 'rational'\n";

    /// Keeps the age of every unit of two layers.
    struct Ages(Vec<(String, Vec<f32>)>);

    impl Method for Ages {
        fn state(&self) -> Vec<(String, Vec<f32>)> {
            self.0.clone()
        }

        fn restore(&mut self, state: Vec<(String, Vec<f32>)>) {
            self.0 = state;
        }
    }

    fn learner(seed: u64) -> Learner {
        let catalogue = crate::catalogue::catalogue();
        let plan = Spec::parse(SPEC, "x.toml", &[], &catalogue).unwrap().plans(None).unwrap().remove(0);
        let data = Arc::new(data::load("generated-digits", None, &mut Silent).unwrap());
        let stream = tasks::stream(&plan, data).unwrap();
        Learner::new(&plan, &*stream, &mut Stream::new(seed, "init", 0)).unwrap()
    }

    #[test]
    fn what_a_method_keeps_and_all_parameters_are_brought_back() {
        let ages = [("b".to_owned(), vec![1.0, -0.0]), ("a".to_owned(), vec![f32::MIN_POSITIVE])];
        let mut one = learner(0).with_method(Box::new(Ages(ages.to_vec())));
        one.optimizer_mut().states_mut()[0].first[3] = 0.1;
        let here = Path::new("x");
        let (parameters, moments) = (parameters(&one, here).unwrap(), moments(&one, here).unwrap());
        let mut other = learner(1).with_method(Box::new(Ages(Vec::new())));
        let steps = vec![7; one.optimizer().states().len()];
        load_parameters(other.network(), &parameters, here).unwrap();
        load_moments(&mut other, &moments, &steps, here).unwrap();
        let [b, a] = ages;
        assert_eq!(other.method().state(), [a, b], "by name");
        assert_eq!(other.optimizer().states()[0].first, one.optimizer().states()[0].first);
        assert!(other.optimizer().states().iter().all(|state| state.steps == [7]));
        assert_eq!(super::parameters(&other, here).unwrap(), parameters);
        assert!(
            load_parameters(other.network(), &moments, here).unwrap_err().to_string().contains("--fresh")
        );
    }
}
