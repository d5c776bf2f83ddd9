//! Which units draw their curve with which set of coefficients.

/// How far a set of coefficients is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// One set for the layer (Molina et al. 2020).
    Layer,
    /// One set for all layers: the recurrent rational of Delfosse et al. 2024, arXiv 2102.09407.
    Network,
    /// One set for the layers that a map gives the same number (pairs, triples: arXiv 2102.09407).
    Map,
    /// That many groups of neighbouring units (Yang & Wang 2024, arXiv 2409.10594: KAT).
    Groups(usize),
    /// A set for each unit.
    Unit,
}

/// The sets of an activation layer with a given number of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sets {
    /// Units of the layer.
    pub units: usize,
    /// Sets of coefficients.
    pub count: usize,
}

impl Sharing {
    /// The sets for a layer of `units` units.
    #[must_use]
    pub fn sets(self, units: usize) -> Sets {
        let count = match self {
            Self::Layer | Self::Network | Self::Map => 1,
            Self::Groups(groups) => groups,
            Self::Unit => units,
        };
        Sets { units, count }
    }
}

impl Sets {
    /// The runs of elements in a row of `inputs` that share a set, as (set, first, length), in order.
    /// A row may hold several positions for each unit (the pixels of a channel), unit by unit.
    pub fn runs(self, inputs: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let positions = (inputs / self.units).max(1);
        // The unit u belongs to set ⌊u·sets/units⌋: contiguous, sizes equal to within one.
        let first = move |set: usize| (set * self.units).div_ceil(self.count) * positions;
        (0..self.count).map(move |set| (set, first(set), first(set + 1) - first(set)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_a_row_in_order() {
        for (sharing, units, inputs) in [
            (Sharing::Layer, 5, 5),
            (Sharing::Groups(3), 7, 7),
            (Sharing::Groups(3), 7, 28),
            (Sharing::Groups(8), 32, 32),
            (Sharing::Unit, 6, 6),
            (Sharing::Unit, 6, 24),
        ] {
            let sets = sharing.sets(units);
            let mut at = 0;
            for (set, first, len) in sets.runs(inputs) {
                assert_eq!(first, at);
                let positions = inputs / units;
                (first..first + len).for_each(|e| assert_eq!(e / positions * sets.count / units, set));
                at += len;
            }
            assert_eq!(at, inputs, "{sharing:?}");
        }
    }
}
