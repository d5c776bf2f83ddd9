//! One activation site, driven as the training step drives it.

use plasticity_bench::kernels::element::{ElementKernel, Gradients, Kernel, Mode, Saved};
use plasticity_bench::kernels::real::Real;
use plasticity_bench::nn::activation::{Activation, Coefficients, rational};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::Choice;

/// An activation for `units` units and its coefficients.
pub fn build(choice: &Choice, units: usize) -> (Activation, Coefficients) {
    let activation = rational::build(choice, units).unwrap();
    let coefficients = activation.coefficients.clone().unwrap();
    (activation, coefficients)
}

/// Evaluation-mode outputs of rows of `inputs`.
pub fn values<T: Real>(activation: &Activation, theta: &[T], inputs: usize, z: &[T]) -> Vec<T>
where
    dyn Kernel: ElementKernel<T>,
{
    both(activation, theta, inputs, z, &vec![T::ZERO; z.len()], &mut Mode::Evaluate).0
}

/// y, dz and dθ for upstream gradients dy.
pub fn both<T: Real>(
    activation: &Activation,
    theta: &[T],
    inputs: usize,
    z: &[T],
    dy: &[T],
    mode: &mut Mode<'_>,
) -> (Vec<T>, Vec<T>, Vec<T>)
where
    dyn Kernel: ElementKernel<T>,
{
    let kernel: &dyn Kernel = activation.kernel.as_ref();
    let (mut y, mut dz) = (vec![T::ZERO; z.len()], vec![T::of(7.0); z.len()]);
    let (mut saved, mut gradient) = (Vec::new(), vec![T::ZERO; theta.len()]);
    kernel.forward(theta, inputs, z, &mut y, &mut saved, mode);
    let gradients = Gradients { dz: &mut dz, d_coefficients: &mut gradient };
    kernel.backward(theta, inputs, Saved { z, y: &y, extra: &saved }, dy, gradients);
    (y, dz, gradient)
}

/// Standard normal numbers times `scale`.
pub fn normals(stream: &mut Stream, count: usize, scale: f64) -> Vec<f64> {
    (0..count).map(|_| scale * stream.normal()).collect()
}
