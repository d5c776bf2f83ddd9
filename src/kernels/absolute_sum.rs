//! Σ|w| in f64, as a loop from the first to the last adds it, to the bit, but vectorised.

use super::element::vectorized;

/// Numbers that are added side by side.
const LANES: usize = 16;

/// Σ|w| over the slice in rising order of its places, in f64.
///
/// A loop that must keep this order waits for each addition. Where all partial sums are exact their order does
/// not matter: numbers of at least 2ᵏ in f32 are multiples of 2ᵏ⁻²³, and sums of them are exact below 2ᵏ⁺³⁰. Only
/// slices that hold smaller numbers beside large ones are added one by one.
#[must_use]
pub fn absolute_sum(values: &[f32]) -> f64 {
    let (whole, rest) = values.as_chunks::<LANES>();
    // Both arrays are made inside, or they would not stay in registers.
    let (sums, leasts) = vectorized(
        #[inline(always)]
        || {
            let (mut sums, mut leasts) = ([0.0f64; LANES], [f32::INFINITY; LANES]);
            for chunk in whole {
                for lane in 0..LANES {
                    let magnitude = chunk[lane].abs();
                    sums[lane] += f64::from(magnitude);
                    let above_0 = if magnitude > 0.0 { magnitude } else { f32::INFINITY };
                    leasts[lane] = if above_0 < leasts[lane] { above_0 } else { leasts[lane] };
                }
            }
            (sums, leasts)
        },
    );
    let rest = rest.iter().map(|w| w.abs());
    let sum = sums.iter().sum::<f64>() + rest.clone().map(f64::from).sum::<f64>();
    let least = leasts.into_iter().chain(rest.filter(|w| *w > 0.0)).fold(f32::INFINITY, f32::min);
    // The power of two at or below the least; subnormal numbers are multiples of the same 2⁻¹⁴⁹.
    let power = f32::from_bits((least.to_bits() & 0x7f80_0000).max(f32::MIN_POSITIVE.to_bits()));
    if sum < f64::from(power) * (1u64 << 30) as f64 {
        return sum;
    }
    values.iter().map(|w| f64::from(w.abs())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn it_is_the_sum_in_order_to_the_bit() {
        let mut draws = Stream::new(4, "test", 0);
        for spread in [1.0, 8.0, 25.0, 60.0, 140.0] {
            for len in [1, 15, 16, 50, 784] {
                let values: Vec<f32> = (0..len)
                    .map(|_| draws.uniform(-1.0, 1.0) as f32 * (draws.unit() * -spread).exp2() as f32)
                    .collect();
                let expected: f64 = values.iter().map(|w| f64::from(w.abs())).sum();
                assert_eq!(absolute_sum(&values).to_bits(), expected.to_bits(), "{spread} {len}");
            }
        }
        // Added the other way round, the small ones would be lost.
        let mut values = vec![1e-10f32; 64];
        values[5] = 3e9;
        assert_eq!(absolute_sum(&values), values.iter().map(|w| f64::from(w.abs())).sum::<f64>());
        assert_eq!(absolute_sum(&[0.0; 40]).to_bits(), 0.0f64.to_bits());
        assert_eq!(absolute_sum(&[1.0, f32::NEG_INFINITY]), f64::INFINITY);
        assert!(absolute_sum(&[f32::NAN; 20]).is_nan() && absolute_sum(&[f32::NAN; 3]).is_nan());
    }
}
