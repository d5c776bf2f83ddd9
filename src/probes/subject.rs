//! A layer under the probes, with what several of them need.

use std::cell::OnceCell;

use super::spectrum::Spectrum;
use super::unit_moments::UnitMoments;
use super::view::LayerView;

/// A view, and what has been computed of it so far.
pub(super) struct Subject<'a> {
    pub(super) view: &'a LayerView<'a>,
    columns: OnceCell<Option<UnitMoments>>,
    spectrum: OnceCell<Option<Spectrum>>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(view: &'a LayerView<'a>) -> Self {
        let LayerView { name, samples, units, features, .. } = view;
        assert!(
            features.is_empty() || features.len() == samples * units,
            "{name}: {} features are not {samples} samples of {units} units",
            features.len()
        );
        Self { view, columns: OnceCell::new(), spectrum: OnceCell::new() }
    }

    /// Moments of each unit; `None` if there are no features or some are not finite.
    pub(super) fn columns(&self) -> Option<&UnitMoments> {
        let columns = self.columns.get_or_init(|| {
            let LayerView { features, units, .. } = *self.view;
            let usable = !features.is_empty() && features.iter().all(|x| x.is_finite());
            usable.then(|| UnitMoments::new(features, units))
        });
        columns.as_ref()
    }

    /// Pre-activations and φ' at each, (samples, units of the layer before its activation); `None` if either
    /// is absent or not finite.
    pub(super) fn slopes(&self) -> Option<(&'a [f32], &'a [f32])> {
        let (z, slopes) = (self.view.pre_activations, self.view.slopes?);
        let usable = !z.is_empty() && z.len() == slopes.len();
        (usable && z.iter().chain(slopes).all(|x| x.is_finite())).then_some((z, slopes))
    }

    /// Singular values of the features; `None` as for [`Subject::columns`].
    pub(super) fn spectrum(&self) -> Option<&Spectrum> {
        let spectrum = self.spectrum.get_or_init(|| {
            let columns = self.columns()?;
            Spectrum::new(self.view.features, columns)
        });
        spectrum.as_ref()
    }
}
