/* Rationals R = P/Q of five forms under constraints, one trained set a layer.
 *
 * Powers of a large |x| overflow f32 long before R does. |x| below a limit goes the direct way in f32; the rest is
 * evaluated in f64, divided through by its leading power (`Far`). At every corner sgn(0) = +1. */
#if ACTIVATION == RATIONAL

#define EVEN (VERSION == 0)                     /* Q's polynomial is one in |x| with coefficients |b| */
#define ABSOLUTE (VERSION >= 1 && VERSION <= 3) /* Q takes its absolute value */
#define FIRST_B (VERSION == 2 ? 0 : 1)
#define FLOOR (VERSION == 2 ? 0.1 : 1.0)
#define P_COUNT (DEGREE_P + 1)
#define Q_COUNT (DEGREE_Q + 1)
#define SET (P_COUNT + Q_COUNT - FIRST_B)
#define USED (P_COUNT + Q_COUNT)

#define CURVE_OF(seat, layer, wanted) const Curve curve = read_curve(seat, layer, wanted)
#define VALUE(seat, z) curve_value(seat, &curve, z)
#define SLOPE(seat, z, y, dy) curve_slope(seat, &curve, z, y, dy, by)
#define SUMS_START()   \
    double by[USED];   \
    UNROLL for (int i = 0; i < USED; i++) by[i] = 0.0
#define SUMS_STORE(to)                                       \
    SHARED double each[USED * THREADS], run[USED * CHUNKS];  \
    add_up(by, each, run, to)
#define HAS_GAIN(seat) ((seat)->constraint == CONSTRAINT_LIPSCHITZ || (seat)->constraint == CONSTRAINT_UNIT_GAIN)

/* A set as both passes draw it. */
typedef struct {
    const double *set;  /* effective coefficients, rounded to f32 */
    float p[P_COUNT], q[Q_COUNT], limit;
} Curve;

DEVICE double sign_d(double x) { return x < 0.0 ? -1.0 : 1.0; }

/* Coefficient number k of Q's polynomial. */
DEVICE double q_of(const double *set, int k) {
    const double b = k < FIRST_B ? 0.0 : set[P_COUNT + k - FIRST_B];
    return EVEN ? fabs(b) : b;
}

DEVICE Curve read_curve(const Seat *seat, int layer, int wanted) {
    Curve curve;
    curve.set = seat->curves + (long)(wanted ? layer : 0) * CURVE;
    UNROLL for (int i = 0; i < P_COUNT; i++) curve.p[i] = (float)curve.set[i];
    UNROLL for (int k = 0; k < Q_COUNT; k++) curve.q[k] = (float)q_of(curve.set, k);
    curve.limit = (float)curve.set[LIMIT];
    return curve;
}

/* tanh by expm1's Taylor polynomial and six doublings, as the processor's: arithmetic alone. */
DEVICE float squash_f(float x) {
    const float magnitude = fabsf(x) > 10.0f ? 10.0f : fabsf(x), u = magnitude * -0.03125f;
    float sum = 1.0f / 40320.0f;
    sum = fmaf(sum, u, 1.0f / 5040.0f);
    sum = fmaf(sum, u, 1.0f / 720.0f);
    sum = fmaf(sum, u, 1.0f / 120.0f);
    sum = fmaf(sum, u, 1.0f / 24.0f);
    sum = fmaf(sum, u, 1.0f / 6.0f);
    sum = fmaf(sum, u, 0.5f);
    sum = fmaf(sum, u, 1.0f);
    float e = u * sum;
    for (int i = 0; i < 6; i++) e = fmaf(e, e, e + e);
    const float t = -e / (2.0f + e);
    return x < 0.0f ? -t : t;
}

DEVICE double tanh_d(double x) {
    const double magnitude = fabs(x) > 20.0 ? 20.0 : fabs(x), u = magnitude * -0.03125;
    double sum = 0.0;
    /* Horner over 1/k!, k from 16 down: each inverse is one rounded quotient. */
    double factorial = 20922789888000.0;
    for (int k = 16; k >= 1; k--) {
        sum = fma(sum, u, 1.0 / factorial);
        factorial = factorial / (double)k;
    }
    double e = u * sum;
    for (int i = 0; i < 6; i++) e = fma(e, e, e + e);
    const double t = -e / (2.0 + e);
    return x < 0.0 ? -t : t;
}

/* A curve far out. For |x| > 1, P = xᵐ·p(1/x) and Q = |x|ⁿ·d(1/x) with m, n the highest powers whose coefficients
 * are not 0; else m = n = 0. */
typedef struct {
    double x, t, side, p, d, sigma;
    int m, n;
} Far;

/* tᵉ by repeated squaring. */
FAR double power_d(double t, int e) {
    double base = t, product = 1.0;
    for (int left = e < 0 ? -e : e; left > 0; left >>= 1) {
        if (left & 1) product = product * base;
        base = base * base;
    }
    return e < 0 ? 1.0 / product : product;
}

/* sgn(x)ᵏ·|x|ᵉ */
FAR double signed_power(const Far *at, int k, int e) {
    const double magnitude = power_d(at->t, e);
    return at->side < 0.0 && k % 2 == 1 ? -magnitude : magnitude;
}

FAR Far far_point(const double *set, double x) {
    Far at;
    at.x = x, at.t = fabs(x), at.side = sign_d(x), at.m = 0, at.n = 0;
    const double within = EVEN ? at.t : x;
    double p = 0.0, s = 0.0, level = FLOOR;
    if (at.t > 1.0) {
        for (int i = 0; i < P_COUNT; i++) at.m = set[i] != 0.0 ? i : at.m;
        for (int k = 0; k < Q_COUNT; k++) at.n = q_of(set, k) != 0.0 ? k : at.n;
        for (int i = 0; i <= at.m; i++) p = fma(p, 1.0 / x, set[i]);
        for (int k = 0; k <= at.n; k++) s = fma(s, 1.0 / within, q_of(set, k));
        s = (at.n % 2 == 1 ? sign_d(within) : 1.0) * s;
        level = FLOOR / power_d(at.t, at.n);
    } else {
        for (int i = P_COUNT - 1; i >= 0; i--) p = fma(p, x, set[i]);
        for (int k = Q_COUNT - 1; k >= 0; k--) s = fma(s, within, q_of(set, k));
    }
    at.sigma = ABSOLUTE ? sign_d(s) : 1.0;
    at.p = p;
    at.d = fma(at.sigma, s, level);
    return at;
}

DEVICE int is_finite_d(double x) { return fabs(x) <= 1.7976931348623157e308; }

FAR double far_value(const double *set, double x) {
    if (!is_finite_d(x)) return WIDE_OF(0x7ff8000000000000ull);
    const Far at = far_point(set, x);
    return at.p / at.d * signed_power(&at, at.m, at.m - at.n);
}

/* R'(x) by P'Q - PQ' as a polynomial, whose leading terms cancel exactly where m = n. */
FAR double far_slope(const double *set, double x) {
    if (!is_finite_d(x)) return WIDE_OF(0x7ff8000000000000ull);
    const Far at = far_point(set, x);
    double w[MAX_P + MAX_Q];
    for (int i = 0; i < MAX_P + MAX_Q; i++) w[i] = 0.0;
    for (int k = 0; k < Q_COUNT; k++) {
        const double turned = EVEN && k % 2 == 1 ? at.side : 1.0;
        const double q = fma(at.sigma * turned, q_of(set, k), k == 0 ? FLOOR : 0.0);
        for (int i = 0; i < P_COUNT; i++) {
            if (i != k) w[i + k - 1] = w[i + k - 1] + ((double)i - (double)k) * set[i] * q;
        }
    }
    double sum = 0.0;
    if (at.t > 1.0) {
        int top = 0;
        for (int i = 0; i < MAX_P + MAX_Q; i++) top = w[i] != 0.0 ? i : top;
        for (int i = 0; i <= top; i++) sum = fma(sum, 1.0 / x, w[i]);
        return sum / at.d / at.d * signed_power(&at, top, top - 2 * at.n);
    }
    for (int i = MAX_P + MAX_Q - 1; i >= 0; i--) sum = fma(sum, x, w[i]);
    return sum / at.d / at.d;
}

/* weight·∂R(x)/∂ by each coefficient of P, then of Q's polynomial. */
FAR void far_gradient(const double *set, double x, double weight, double *out) {
    if (!is_finite_d(x)) {
        for (int i = 0; i < USED; i++) out[i] = WIDE_OF(0x7ff8000000000000ull);
        return;
    }
    const Far at = far_point(set, x);
    for (int i = 0; i < P_COUNT; i++) out[i] = weight / at.d * signed_power(&at, i, i - at.n);
    const double outer = -weight * at.sigma * at.p / at.d / at.d;
    for (int k = 0; k < Q_COUNT; k++) {
        out[P_COUNT + k] = outer * signed_power(&at, at.m + (EVEN ? 0 : k), k + at.m - 2 * at.n);
    }
}

DEVICE float curve_value(const Seat *seat, const Curve *curve, float x) {
    const float t = EVEN ? fabsf(x) : x;
    float r;
    if (fabsf(x) < curve->limit) {
        float p = curve->p[P_COUNT - 1], s = curve->q[Q_COUNT - 1];
        UNROLL for (int i = P_COUNT - 2; i >= 0; i--) p = fmaf(p, x, curve->p[i]);
        UNROLL for (int k = Q_COUNT - 2; k >= 0; k--) s = fmaf(s, t, curve->q[k]);
        r = p / ((float)FLOOR + (ABSOLUTE ? fabsf(s) : s));
    } else {
        r = (float)far_value(curve->set, (double)x);
    }
    if (seat->constraint == CONSTRAINT_OUTPUT_BOUND) {
        const float c = (float)seat->bound;
        r = c * squash_f(r * (1.0f / c));
    }
    return r;
}

/* dy·R'(x); adds dy·∂R/∂ by each coefficient to `by`. */
DEVICE float curve_slope(const Seat *seat, const Curve *curve, float x, float y, float dy, double *by) {
    if (seat->constraint == CONSTRAINT_OUTPUT_BOUND) {
        const float share = y / (float)seat->bound;
        dy = dy * (1.0f - share) * (1.0f + share);
    }
    if (!(fabsf(x) < curve->limit)) {
        if (dy == 0.0f && fabsf(x) <= LARGEST) return 0.0f;
        double far_by[USED];
        far_gradient(curve->set, (double)x, (double)dy, far_by);
        UNROLL for (int i = 0; i < USED; i++) by[i] = by[i] + far_by[i];
        return (float)((double)dy * far_slope(curve->set, (double)x));
    }
    const float t = EVEN ? fabsf(x) : x;
    float p = fmaf(curve->p[P_COUNT - 1], x, curve->p[P_COUNT - 2]), dp = curve->p[P_COUNT - 1];
    UNROLL for (int i = P_COUNT - 3; i >= 0; i--) {
        dp = fmaf(dp, x, p);
        p = fmaf(p, x, curve->p[i]);
    }
    float s = fmaf(curve->q[Q_COUNT - 1], t, curve->q[Q_COUNT - 2]), ds = curve->q[Q_COUNT - 1];
    UNROLL for (int k = Q_COUNT - 3; k >= 0; k--) {
        ds = fmaf(ds, t, s);
        s = fmaf(s, t, curve->q[k]);
    }
    const float w = 1.0f / ((float)FLOOR + (ABSOLUTE ? fabsf(s) : s));
    const float r = p * w, u = dy * w;
    float v = -(u * r);
    if (ABSOLUTE && s < 0.0f) v = -v;
    const float inner = EVEN && x < 0.0f ? -ds : ds;
    float power = x;
    by[0] = by[0] + (double)u;
    by[1] = fma((double)u, (double)power, by[1]);
    UNROLL for (int i = 2; i < P_COUNT; i++) {
        power = power * x;
        by[i] = fma((double)u, (double)power, by[i]);
    }
    power = t;
    if (FIRST_B == 0) by[P_COUNT] = by[P_COUNT] + (double)v;
    by[P_COUNT + 1] = fma((double)v, (double)power, by[P_COUNT + 1]);
    UNROLL for (int k = 2; k < Q_COUNT; k++) {
        power = power * t;
        by[P_COUNT + k] = fma((double)v, (double)power, by[P_COUNT + k]);
    }
    return fmaf(v, inner, u * dp);
}

/* `count` numbers of each thread → their sums by CHUNKS runs of neighbours. */
DEVICE void add_runs(const double *each, int count, double *run) {
    BARRIER();
    for (int e = THREAD; e < count * CHUNKS; e += THREADS) {
        const double *of = each + e / CHUNKS * THREADS + e % CHUNKS * (THREADS / CHUNKS);
        double sum = 0.0;
        for (int j = 0; j < THREADS / CHUNKS; j++) sum = sum + of[j];
        run[e] = sum;
    }
    BARRIER();
}

/* Number i of a block's sums. */
DEVICE double sum_of_runs(const double *run, int i) {
    double sum = 0.0;
    for (int q = 0; q < CHUNKS; q++) sum = sum + run[i * CHUNKS + q];
    return sum;
}

/* A block's sums (`backward`). */
DEVICE void add_up(const double *by, double *each, double *run, double *to) {
    UNROLL for (int i = 0; i < USED; i++) each[i * THREADS + THREAD] = by[i];
    add_runs(each, USED, run);
    if (THREAD < USED) to[THREAD < P_COUNT ? THREAD : MAX_P + THREAD - P_COUNT] = sum_of_runs(run, THREAD);
}

/* Whether the leading coefficient of Q is |bₙ| + epsilon. */
#define KEEPS_OFF_ZERO(seat) \
    ((seat)->constraint == CONSTRAINT_PROPER_DEGREE || (seat)->constraint == CONSTRAINT_TAIL_SLOPE || \
     (seat)->constraint == CONSTRAINT_PROJECTED_TAIL_SLOPE)

/* The trained set → the effective one, noise included. */
DEVICE void effective_set(const Seat *seat, const float *raw, const float *noise, double *set) {
    for (int i = 0; i < SET; i++) set[i] = (double)raw[i];
    if (seat->constraint == CONSTRAINT_TAIL_SLOPE) {
        set[DEGREE_P] = seat->bound * (fabs(set[SET - 1]) + seat->epsilon) * tanh_d(set[DEGREE_P]);
    }
    if (KEEPS_OFF_ZERO(seat)) {
        set[SET - 1] = fabs(set[SET - 1]) + seat->epsilon;
    }
    if (VERSION == 3) {
        for (int i = 0; i < P_COUNT; i++) set[i] = set[i] * (double)noise[i];
    }
}

/* Whether `here` takes the place of the greatest so far: NaN does, and stays. */
DEVICE int exceeds(double here, double most) { return !(here <= most) && most == most; }

/* The effective set → the one that is drawn, and below which |x| the direct way is taken. */
DEVICE void draw_set(const Seat *seat, const double *set, double *curve) {
    double largest = 1.0;
    for (int i = 0; i < SET; i++) {
        curve[i] = (double)(float)(HAS_GAIN(seat) && i < P_COUNT ? set[i] * curve[GAIN] : set[i]);
        if (exceeds(fabs(curve[i]), largest)) largest = fabs(curve[i]);
    }
    /* P, Q, their derivatives and P/Q² are each at most 90·largest·|x|^degree, which stays below 1e16: |x| below the
     * greatest 2ⁱ whose power does. NaN fails every comparison: no x is direct. */
    const double budget = 1e16 / (90.0 * largest);
    double limit = 0.0, power = 1.0;
    const double growth = DEGREE_P <= 5 && DEGREE_Q <= 4 ? 32.0 : 512.0;
    for (double at = 1.0; power <= budget; at = at * 2.0) {
        limit = at;
        power = power * growth;
    }
    curve[LIMIT] = limit;
}

/* The gradient by the drawn set, of P's coefficients and of Q's polynomial → by the trained one. */
DEVICE void raise_gradient(const Seat *seat, const float *raw, const float *noise, const double *curve,
                           const double *by, double *gradient) {
    for (int i = 0; i < P_COUNT; i++) gradient[i] = by[i];
    for (int i = P_COUNT; i < SET; i++) {
        const double by_q = by[MAX_P + i - P_COUNT + FIRST_B];
        gradient[i] = EVEN ? sign_d(curve[i]) * by_q : by_q;
    }
    if (HAS_GAIN(seat)) {
        /* Of g·a, drawn in a's place: by a it is g times as much, and g itself moves with the set. */
        const double gain = curve[GAIN];
        double by_gain = 0.0;
        for (int i = 0; i < P_COUNT; i++) by_gain = fma(curve[i], gradient[i], by_gain);
        by_gain = gain != 0.0 ? by_gain / gain : 0.0;
        for (int i = 0; i < P_COUNT; i++) gradient[i] = gradient[i] * gain;
        for (int i = 0; i < SET; i++) gradient[i] = fma(by_gain, curve[GAIN + 1 + i], gradient[i]);
    }
    if (VERSION == 3) {
        for (int i = 0; i < P_COUNT; i++) gradient[i] = gradient[i] * (double)noise[i];
    }
    const double last = (double)raw[SET - 1];
    if (seat->constraint == CONSTRAINT_TAIL_SLOPE) {
        const double rho = tanh_d((double)raw[DEGREE_P]), beta = fabs(last) + seat->epsilon;
        const double by_lead = gradient[DEGREE_P];
        gradient[DEGREE_P] = by_lead * seat->bound * beta * (1.0 - rho) * (1.0 + rho);
        gradient[SET - 1] = gradient[SET - 1] + by_lead * seat->bound * rho;
    }
    if (KEEPS_OFF_ZERO(seat)) {
        gradient[SET - 1] = gradient[SET - 1] * sign_d(last);
    }
}

#endif
