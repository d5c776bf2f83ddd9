/* Activations without coefficients: value and slope as the processor's kernels have them. The numbers are those of
 * `Activation` in shape.rs; a and b are an entry's settings. */
#define RELU 0
#define LEAKY_RELU 1
#define ELU 2
#define CELU 3
#define SELU 4
#define GELU 5
#define SWISH 6
#define MISH 7
#define SOFTPLUS 8
#define TANH 9
#define SIGMOID 10
#define IDENTITY 11
#define SMOOTH_LEAKY 12
#define RATIONAL 13

#if ACTIVATION != RATIONAL

#define CURVE_OF(seat, layer, wanted)
#define VALUE(seat, z) value(z, (seat)->first, (seat)->second)
#define SLOPE(seat, z, y, dy) ((dy) * slope(z, y, (seat)->first, (seat)->second))
#define SUMS_START()
#define SUMS_STORE(to)

/* λ and λα of Klambauer et al. 2017. */
#define SELU_LAMBDA 1.0507009873554805f
#define SELU_LIMIT 1.7580993408473766f

/* Where mish is x to the last bit, exp is not asked for more. */
DEVICE float cut(float x) { return x > 20.0f ? 20.0f : x; }

DEVICE float value(float x, float a, float b) {
#if ACTIVATION == RELU
    return x < 0.0f ? 0.0f : x;
#elif ACTIVATION == LEAKY_RELU
    return x > 0.0f ? x : x * a;
#elif ACTIVATION == ELU
    return x > 0.0f ? x : a * exp_m1_f(x);
#elif ACTIVATION == CELU
    return x > 0.0f ? x : a * exp_m1_f(x * b);
#elif ACTIVATION == SELU
    return x > 0.0f ? SELU_LAMBDA * x : SELU_LIMIT * exp_m1_f(x);
#elif ACTIVATION == GELU
    return x * (0.5f * (1.0f + erf_f(x * 0.70710678f)));
#elif ACTIVATION == SWISH
    return x * sigmoid_f(x * a);
#elif ACTIVATION == MISH
    const float e = exp_f(cut(x)), n = e * (e + 2.0f);
    return x * (n / (n + 2.0f));
#elif ACTIVATION == SOFTPLUS
    return (x < 0.0f ? 0.0f : x) + ln_1p_f(exp_f(-fabsf(x * a))) * b;
#elif ACTIVATION == TANH
    return tanh_f(x);
#elif ACTIVATION == SIGMOID
    return sigmoid_f(x);
#elif ACTIVATION == IDENTITY
    return x;
#elif ACTIVATION == SMOOTH_LEAKY
    return x * (a + (1.0f - a) * sigmoid_f(x * b));
#endif
}

DEVICE float slope(float x, float y, float a, float b) {
#if ACTIVATION == RELU
    return x > 0.0f ? 1.0f : 0.0f;
#elif ACTIVATION == LEAKY_RELU
    return x > 0.0f ? 1.0f : a;
#elif ACTIVATION == ELU
    return x > 0.0f ? 1.0f : a * exp_f(x);
#elif ACTIVATION == CELU
    return x > 0.0f ? 1.0f : exp_f(x * b);
#elif ACTIVATION == SELU
    return x > 0.0f ? SELU_LAMBDA : SELU_LIMIT * exp_f(x);
#elif ACTIVATION == GELU
    const float density = exp_f(x * x * -0.5f) * 0.3989423f;
    return 0.5f * (1.0f + erf_f(x * 0.70710678f)) + x * density;
#elif ACTIVATION == SWISH
    const float s = sigmoid_f(x * a);
    return s + a * y * (1.0f - s);
#elif ACTIVATION == MISH
    const float c = cut(x), e = exp_f(c), n = e * (e + 2.0f), m = n + 2.0f;
    return n / m + c * (4.0f * (n + 1.0f) / (m * m)) * (e / (1.0f + e));
#elif ACTIVATION == SOFTPLUS
    return sigmoid_f(x * a);
#elif ACTIVATION == TANH
    return 1.0f - y * y;
#elif ACTIVATION == SIGMOID
    return y * (1.0f - y);
#elif ACTIVATION == IDENTITY
    return 1.0f;
#elif ACTIVATION == SMOOTH_LEAKY
    const float gate = sigmoid_f(x * b);
    return a + (1.0f - a) * gate * (1.0f + x * b * (1.0f - gate));
#endif
}

#endif
