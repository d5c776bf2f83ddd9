//! Where a probe puts its values.

use super::view::{LayerView, Measurement};

/// Takes the values of one probe on one layer.
pub(super) struct Report<'a> {
    probe: &'static str,
    units: Option<usize>,
    samples: usize,
    measurements: &'a mut Vec<Measurement>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        probe: &'static str,
        view: &LayerView<'_>,
        measurements: &'a mut Vec<Measurement>,
    ) -> Self {
        Self { probe, units: Some(view.units), samples: view.samples, measurements }
    }

    /// Of a probe of a whole network; [`Report::on`] says on how many samples.
    pub(super) fn of_network(probe: &'static str, measurements: &'a mut Vec<Measurement>) -> Self {
        Self { probe, units: None, samples: 0, measurements }
    }

    /// The same for values measured on so many samples.
    pub(super) fn on(&mut self, samples: usize) -> Report<'_> {
        Report { probe: self.probe, units: self.units, samples, measurements: &mut *self.measurements }
    }

    /// The probe's only value, measured on the samples.
    pub(super) fn sampled(&mut self, value: Option<f64>) {
        self.add("", value.filter(|v| v.is_finite()), Some(self.samples));
    }

    /// One of several, measured on the samples.
    pub(super) fn sampled_part(&mut self, part: &str, value: Option<f64>) {
        self.add(part, value.filter(|v| v.is_finite()), Some(self.samples));
    }

    /// The probe's main value, which rests on no sample.
    pub(super) fn fact(&mut self, value: Option<f64>) {
        self.add("", value.filter(|v| v.is_finite()), None);
    }

    /// A further one.
    pub(super) fn fact_part(&mut self, part: &str, value: Option<f64>) {
        self.add(part, value.filter(|v| v.is_finite()), None);
    }

    fn add(&mut self, part: &str, value: Option<f64>, samples: Option<usize>) {
        let Some(value) = value else { return };
        let probe = if part.is_empty() { self.probe.to_owned() } else { format!("{}_{part}", self.probe) };
        self.measurements.push(Measurement { probe, value, units: self.units, samples });
    }
}
