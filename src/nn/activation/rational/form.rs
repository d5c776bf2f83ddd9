//! The five forms of R(x) = P(x)/Q(x), P(x) = Σ aᵢxⁱ.
//!
//! | version | Q(x) | trained |
//! |---|---|---|
//! | A | 1 + Σ_{k≥1} \|bₖ\|·\|x\|ᵏ | a₀…aₘ, b₁…bₙ |
//! | B | 1 + \|Σ_{k≥1} bₖxᵏ\| | a₀…aₘ, b₁…bₙ |
//! | C | 0.1 + \|Σ_{k≥0} bₖxᵏ\| | a₀…aₘ, b₀…bₙ |
//! | D | B; each aᵢ times a draw of U(0.9, 1.1) in training | as B |
//! | N | 1 + Σ_{k≥1} bₖxᵏ, with poles where that is 0 | as B |
//!
//! Source: Molina et al. 2020, "Padé Activation Units" (A, B); Delfosse et al. 2024, arXiv 2102.09407,
//! and its library `ml-research/rational_activations` (all five letters).
//!
//! **At the corners sgn(0) = +1**: for b in |b|, for x in |x|, for S in |S|. `PyTorch` takes 0 there, and
//! with an identity start (every b = 0) it never trains b at all; with +1 it does.

/// Most coefficients that a numerator can have: degree 9.
pub const MAX_A: usize = 10;
/// Most coefficients that a denominator can have, its constant included: degree 8.
pub const MAX_C: usize = 9;
/// Most coefficients in one set.
pub const MAX_LEN: usize = MAX_A + MAX_C;

/// sgn with sgn(0) = +1 (module text).
#[inline(always)]
#[must_use]
pub fn sign(x: f64) -> f64 {
    if x < 0.0 { -1.0 } else { 1.0 }
}

/// Which denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the module's table describes each letter")]
pub enum Version {
    A,
    B,
    C,
    D,
    N,
}

impl Version {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::A, Self::B, Self::C, Self::D, Self::N];

    /// The version that a spec names.
    #[must_use]
    pub fn named(letter: &str) -> Option<Self> {
        match letter {
            "A" => Some(Self::A),
            "B" => Some(Self::B),
            "C" => Some(Self::C),
            "D" => Some(Self::D),
            "N" => Some(Self::N),
            _ => None,
        }
    }

    /// What Q is without its polynomial.
    #[must_use]
    pub fn floor(self) -> f64 {
        if self == Self::C { 0.1 } else { 1.0 }
    }

    /// Whether the polynomial in Q is one in |x|, with coefficients |bₖ| (A).
    #[must_use]
    pub fn even(self) -> bool {
        self == Self::A
    }

    /// Whether Q takes the absolute value of its polynomial (B, C, D).
    #[must_use]
    pub fn absolute(self) -> bool {
        matches!(self, Self::B | Self::C | Self::D)
    }

    /// Lowest power in Q that has a coefficient.
    #[must_use]
    pub fn first_b(self) -> usize {
        usize::from(self != Self::C)
    }
}

/// Version and degrees (m, n): what a flat slice of coefficients [a₀…aₘ, b…bₙ] means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    /// Which denominator.
    pub version: Version,
    /// Degree of P, 1 to 9.
    pub m: usize,
    /// Degree of Q, 1 to 8.
    pub n: usize,
}

impl Form {
    /// Coefficients in a set.
    #[must_use]
    pub fn len(self) -> usize {
        self.m + 1 + self.n + 1 - self.version.first_b()
    }

    /// Never: a set has at least a₀.
    #[must_use]
    pub fn is_empty(self) -> bool {
        false
    }

    /// Where aₘ stands.
    #[must_use]
    pub fn lead_a(self) -> usize {
        self.m
    }

    /// Where bₙ stands.
    #[must_use]
    pub fn lead_b(self) -> usize {
        self.len() - 1
    }

    /// `a0 … am, b1 … bn` (from b0 in version C).
    #[must_use]
    pub fn names(self) -> Vec<String> {
        let a = (0..=self.m).map(|i| format!("a{i}"));
        a.chain((self.version.first_b()..=self.n).map(|k| format!("b{k}"))).collect()
    }

    /// Gradients by aᵢ and by the polynomial's cₖ (|bₖ| in version A, else bₖ) as one flat gradient by
    /// the coefficients `theta`: ∂cₖ/∂bₖ = sgn(bₖ) in version A.
    pub fn flatten(self, theta: &[f64], by_a: &[f64], by_c: &[f64], out: &mut [f64]) {
        out[..=self.m].copy_from_slice(&by_a[..=self.m]);
        let first = self.version.first_b();
        let lower = self.m + 1..self.len();
        let (b, out) = (&theta[lower.clone()], &mut out[lower]);
        for ((out, &b), &g) in out.iter_mut().zip(b).zip(&by_c[first..=self.n]) {
            *out = if self.version.even() { sign(b) * g } else { g };
        }
    }
}
