//! The same mechanism in another world: heavier, slippery, weak, with less gravity.

use super::model::{Geom, Model};

/// What is changed. The default changes nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Changes {
    /// Gravity is multiplied by it: 0 or more.
    pub gravity: f64,
    /// Masses and moments of inertia are multiplied by it: more than 0.
    pub mass: f64,
    /// The strength of every motor is multiplied by it: 0 or more.
    pub gear: f64,
    /// The damping of every joint is multiplied by it: 0 or more.
    pub damping: f64,
    /// The sliding friction of every contact is multiplied by it: 0 or more.
    pub friction: f64,
    /// If given, the coefficient of sliding friction of every contact before it is multiplied: 0 or more.
    pub sliding: Option<f64>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { gravity: 1.0, mass: 1.0, gear: 1.0, damping: 1.0, friction: 1.0, sliding: None }
    }
}

impl Changes {
    /// Changes a model. The inverse weights, which set how soft contacts and limits are, stay as they were
    /// compiled, as in MuJoCo when the numbers of a compiled model are changed.
    ///
    /// # Errors
    /// If a number is out of its range.
    pub fn apply(&self, model: &mut Model) -> Result<(), String> {
        let all = [
            ("gravity", self.gravity),
            ("mass", self.mass),
            ("gear", self.gear),
            ("damping", self.damping),
            ("friction", self.friction),
            ("sliding", self.sliding.unwrap_or(0.0)),
        ];
        for (name, value) in all {
            let positive = name == "mass";
            if !value.is_finite() || value < 0.0 || (positive && value == 0.0) {
                let range = if positive { "more than 0" } else { "0 or more" };
                return Err(format!("{name} is {value}: give a finite number, {range}."));
            }
        }
        model.gravity = model.gravity.map(|g| g * self.gravity);
        for body in &mut model.bodies {
            body.mass *= self.mass;
            body.inertia *= self.mass;
        }
        for actuator in &mut model.actuators {
            actuator.gear *= self.gear;
        }
        for joint in &mut model.joints {
            joint.damping *= self.damping;
        }
        for Geom { friction, .. } in &mut model.geoms {
            *friction = self.sliding.unwrap_or(*friction) * self.friction;
        }
        Ok(())
    }
}
