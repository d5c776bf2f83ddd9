/* exp, tanh, erf, ln(1 + x), ln, sin and cos as the processor's kernels have them, and a logarithm in f64. CUDA's own
 * functions promise no bits. */

/* eˣ for x in [-87, 88]; outside, the value at the nearer end. NaN stays NaN. */
DEVICE float exp_f(float x) {
    const float bounded = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    const float shifted = fmaf(bounded, 1.44269504f, 12582912.0f);
    const float n = shifted - 12582912.0f;
    const float r = fmaf(n, 2.1219444e-4f, fmaf(n, -0.6933594f, bounded));
    float sum = 1.0f / 5040.0f;
    sum = fmaf(sum, r, 1.0f / 720.0f);
    sum = fmaf(sum, r, 1.0f / 120.0f);
    sum = fmaf(sum, r, 1.0f / 24.0f);
    sum = fmaf(sum, r, 1.0f / 6.0f);
    sum = fmaf(sum, r, 0.5f);
    sum = fmaf(sum, r, 1.0f);
    sum = fmaf(sum, r, 1.0f);
    return sum * FLOAT_OF((BITS_OF(shifted) - BITS_OF(12582912.0f) + 127u) << 23);
}

DEVICE float signed_as(float magnitude, float x) {
    return FLOAT_OF((BITS_OF(magnitude) & 0x7fffffffu) | (BITS_OF(x) & 0x80000000u));
}

DEVICE float tanh_f(float x) {
    const float magnitude = fabsf(x), square = x * x;
    float p = 0.0022493165f;
    p = fmaf(p, square, -0.0083051f);
    p = fmaf(p, square, 0.021756927f);
    p = fmaf(p, square, -0.053957775f);
    p = fmaf(p, square, 0.13333297f);
    p = fmaf(p, square, -0.33333334f);
    const float near = fmaf(p * square, x, x);
    const float far = signed_as(1.0f - 2.0f / (exp_f(2.0f * magnitude) + 1.0f), x);
    return magnitude < 0.62f ? near : far;
}

DEVICE float erf_f(float x) {
    const float magnitude = fabsf(x), square = x * x;
    float p = -9.67359e-6f;
    p = fmaf(p, square, 1.1268254e-4f);
    p = fmaf(p, square, -8.4843964e-4f);
    p = fmaf(p, square, 0.0052210535f);
    p = fmaf(p, square, -0.026865438f);
    p = fmaf(p, square, 0.11283783f);
    p = fmaf(p, square, -0.37612638f);
    p = fmaf(p, square, 0.12837917f);
    const float near = fmaf(p, x, x);
    const float t = magnitude < 4.2f ? magnitude : 4.2f;
    float q = 1.5350561e-6f;
    q = fmaf(q, t, -4.4057208e-5f);
    q = fmaf(q, t, 5.801135e-4f);
    q = fmaf(q, t, -0.004682335f);
    q = fmaf(q, t, 0.026204586f);
    q = fmaf(q, t, -0.10970449f);
    q = fmaf(q, t, -0.6322191f);
    q = fmaf(q, t, -1.130007f);
    q = fmaf(q, t, 2.651009e-4f);
    const float far = signed_as(1.0f - exp_f(q), x);
    return magnitude > 0.97f ? far : near;
}

/* ln x for normal numbers x > 0. */
DEVICE float ln_f(float x) {
    const unsigned bits = BITS_OF(x);
    const int exponent = (int)(bits >> 23) - 127;
    const float mantissa = FLOAT_OF((bits & 0x007fffffu) | 0x3f800000u);
    const int halve = mantissa > 1.41421356f;
    const float m = halve ? 0.5f * mantissa : mantissa, e = (float)exponent + (halve ? 1.0f : 0.0f);
    const float s = (m - 1.0f) / (m + 1.0f), square = s * s;
    float p = 1.0f / 9.0f;
    p = fmaf(p, square, 1.0f / 7.0f);
    p = fmaf(p, square, 0.2f);
    p = fmaf(p, square, 1.0f / 3.0f);
    p = fmaf(p, square, 1.0f);
    return fmaf(e, 0.69314718f, 2.0f * s * p);
}

/* ln(1 + x) for x ≥ 0. */
DEVICE float ln_1p_f(float x) {
    const float y = 1.0f + x, lost = x - (y - 1.0f);
    return x != x ? x : ln_f(y) + lost / y;
}

/* sin α and cos α of α = 2π·turn/2³². */
DEVICE void sin_cos_of_turn_f(unsigned turn, float *sine, float *cosine) {
    const unsigned quarter = (turn + (1u << 29)) >> 30;
    const float r = (float)(int)(turn - (quarter << 30)) * (1.57079633f / 1073741824.0f), square = r * r;
    float p = 1.0f / 362880.0f;
    p = fmaf(p, square, -1.0f / 5040.0f);
    p = fmaf(p, square, 1.0f / 120.0f);
    p = fmaf(p, square, -1.0f / 6.0f);
    const float odd = fmaf(p * square, r, r);
    float even = -1.0f / 3628800.0f;
    even = fmaf(even, square, 1.0f / 40320.0f);
    even = fmaf(even, square, -1.0f / 720.0f);
    even = fmaf(even, square, 1.0f / 24.0f);
    even = fmaf(even, square, -0.5f);
    even = fmaf(even, square, 1.0f);
    const int turned = quarter & 1u;
    *sine = FLOAT_OF(BITS_OF(turned ? even : odd) ^ (quarter & 2u) << 30);
    *cosine = FLOAT_OF(BITS_OF(turned ? odd : even) ^ ((quarter + 1u) & 2u) << 30);
}

/* ln x for a finite x ≥ 1; what is not finite comes back. */
DEVICE double log_d(double x) {
    if (!(x <= 1.7976931348623157e308)) return x;
    const unsigned long long bits = WIDE_BITS_OF(x);
    const int exponent = (int)(bits >> 52) - 1023;
    const double mantissa = WIDE_OF((bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull);
    const int halve = mantissa > 1.4142135623730951;
    const double m = halve ? 0.5 * mantissa : mantissa, e = (double)exponent + (halve ? 1.0 : 0.0);
    const double s = (m - 1.0) / (m + 1.0), square = s * s;
    double p = 1.0 / 21.0;
    p = fma(p, square, 1.0 / 19.0);
    p = fma(p, square, 1.0 / 17.0);
    p = fma(p, square, 1.0 / 15.0);
    p = fma(p, square, 1.0 / 13.0);
    p = fma(p, square, 1.0 / 11.0);
    p = fma(p, square, 1.0 / 9.0);
    p = fma(p, square, 1.0 / 7.0);
    p = fma(p, square, 1.0 / 5.0);
    p = fma(p, square, 1.0 / 3.0);
    p = fma(p, square, 1.0);
    return fma(e, 0.6931471805599453, 2.0 * s * p);
}

DEVICE float sigmoid_f(float x) { return 1.0f / (1.0f + exp_f(-x)); }

DEVICE float exp_m1_f(float x) { return tanh_f(x * 0.5f) * (exp_f(x) + 1.0f); }
