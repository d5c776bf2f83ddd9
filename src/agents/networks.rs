//! An agent's networks from the choices of a plan.

use candle_core::DType;

use super::AgentError;
use crate::environments::Spaces;
use crate::nn::{Blueprint, Dims, Network, NetworkError, build_from};
use crate::random::Stream;
use crate::spec::Choice;
use crate::trained::Trained;

/// What a network and its training are.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkChoice {
    /// `mlp` with its sizes, or `cnn` where observations are images.
    pub network: Choice,
    /// Activation.
    pub activation: Choice,
    /// Optimiser.
    pub optimizer: Choice,
    /// Methods against the loss of plasticity.
    pub methods: Vec<Choice>,
}

/// Everything that an agent is made from.
#[derive(Clone, Debug)]
pub struct Make {
    /// The agent with its parameters, all of them resolved.
    pub agent: Choice,
    /// The actor's network; a Q network where there is no actor.
    pub actor: NetworkChoice,
    /// The critics'.
    pub critic: NetworkChoice,
    /// What goes in and out.
    pub spaces: Spaces,
    /// Master seed.
    pub seed: u64,
}

impl NetworkChoice {
    /// A network for `inputs` features (an observation of shape `image`, where it is one) and so many
    /// outputs.
    pub(super) fn build(
        &self,
        inputs: usize,
        image: Option<Dims>,
        outputs: usize,
        init: &mut Stream,
    ) -> Result<Box<dyn Network>, AgentError> {
        if image.is_none() && self.network.name != "mlp" {
            return Err(NetworkError::Settings(format!(
                "network.kind = \"{}\" takes images, and these observations are none: take mlp",
                self.network.name
            ))
            .into());
        }
        let dims = image.unwrap_or((1, 1, inputs));
        let (network, activation) = (&self.network, &self.activation);
        Ok(build_from(&Blueprint { network, activation, dims, outputs, dtype: DType::F32 }, init)?)
    }
}

impl Make {
    /// An untrained network; `number` tells its start values from those of the others.
    pub(super) fn trained(
        &self,
        name: &str,
        of: &NetworkChoice,
        sizes: (usize, usize),
        number: u64,
    ) -> Result<Trained, AgentError> {
        let image =
            self.spaces.image().filter(|(channels, height, width)| sizes.0 == channels * height * width);
        let mut init = Stream::new(self.seed, "init", number);
        let network = of.build(sizes.0, image, sizes.1, &mut init)?;
        Ok(Trained::new(name, network, &of.optimizer, &of.methods, self.seed)?)
    }
}
