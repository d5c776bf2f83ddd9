//! The networks of an actor with critics: trained ones, targets, temperature.

use crate::agents::networks::{Make, NetworkChoice};
use crate::agents::settings::{self, ActorCriticSettings};
use crate::agents::target::Target;
use crate::agents::temperature::Temperature;
use crate::agents::{AgentError, Look};
use crate::environments::ActionSpace;
use crate::random::Stream;
use crate::state::{StateDict, StateError};
use crate::trained::Trained;

/// All that a reset makes anew.
pub(super) struct Networks {
    pub actor: Trained,
    pub actor_target: Option<Target>,
    pub critics: Vec<Trained>,
    pub targets: Vec<Target>,
    pub temperature: Temperature,
}

/// Streams of start values are numbered from here after each reset.
const PER_START: u64 = 1 << 16;

impl Networks {
    /// Untrained ones; `start` counts the resets before.
    pub fn new(make: &Make, settings: &ActorCriticSettings, start: u64) -> Result<Self, AgentError> {
        let ActionSpace::Continuous(bounds) = &make.spaces.action else {
            unreachable!("an agent with an actor is made for continuous actions alone");
        };
        let (features, actions) = (make.spaces.features(), bounds.len());
        let first = start * PER_START;
        let sizes = (features, settings.policy.outputs(actions));
        let actor = make.trained("actor", &make.actor, sizes, first)?;
        let critic_sizes = (features + actions, 1);
        let critics = (1..=settings.critics as u64)
            .map(|number| {
                make.trained(&format!("critic{number}"), &make.critic, critic_sizes, first + number)
            })
            .collect::<Result<Vec<_>, _>>()?;
        // A target's own start values are never used.
        let mut unused = Stream::new(0, "target", 0);
        let mut target = |name: String, of: &Trained, choice: &NetworkChoice, sizes: (usize, usize)| {
            let network = choice.build(sizes.0, None, sizes.1, &mut unused)?;
            Ok::<_, AgentError>(Target::new(name, network, of.network())?)
        };
        let mut targets = Vec::new();
        for (number, critic) in critics.iter().enumerate() {
            targets.push(target(format!("target{}", number + 1), critic, &make.critic, critic_sizes)?);
        }
        let mut actor_target = None;
        if settings.actor_target {
            actor_target = Some(target("actor_target".to_owned(), &actor, &make.actor, sizes)?);
        }
        let temperature = settings::temperature(&make.agent, actions);
        Ok(Self { actor, actor_target, critics, targets, temperature })
    }

    /// What is trained.
    pub fn trained(&mut self) -> impl Iterator<Item = &mut Trained> {
        std::iter::once(&mut self.actor).chain(&mut self.critics)
    }

    pub fn follow(&self, tau: f64) -> candle_core::Result<()> {
        if let Some(target) = &self.actor_target {
            target.follow(self.actor.network(), tau)?;
        }
        self.targets
            .iter()
            .zip(&self.critics)
            .try_for_each(|(target, critic)| target.follow(critic.network(), tau))
    }

    pub fn looks(&self) -> Vec<Look<'_>> {
        let actor = Look { name: self.actor.name(), network: self.actor.network(), takes_actions: false };
        let critics = self.critics.iter().map(|critic| (critic.name(), critic.network()));
        // One target says what all would: they differ from the critics by their delay alone.
        let targets = self.targets.iter().take(1).map(|target| (target.name.as_str(), target.network()));
        let others =
            critics.chain(targets).map(|(name, network)| Look { name, network, takes_actions: true });
        std::iter::once(actor).chain(others).collect()
    }

    pub fn save(&self, state: &mut StateDict) {
        for part in std::iter::once(&self.actor).chain(&self.critics) {
            state.insert_part(part.name(), part);
        }
        for target in self.actor_target.iter().chain(&self.targets) {
            state.insert_part(&target.name, target);
        }
        state.insert_part("temperature", &self.temperature);
    }

    pub fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        for part in self.trained() {
            let name = part.name().to_owned();
            state.load_part(&name, part)?;
        }
        for target in self.actor_target.iter_mut().chain(&mut self.targets) {
            let name = target.name.clone();
            state.load_part(&name, target)?;
        }
        state.load_part("temperature", &mut self.temperature)
    }
}
