/* A factor on R that depends on its effective set: the constraints `lipschitz` and `unit-gain`. A block takes it
 * together, in f64, over points that the host gives. */
#if ACTIVATION == RATIONAL

/* R and R' at one point by Horner's rule; ∂R/∂aᵢ = w·xⁱ, ∂R/∂cₖ = v·tᵏ. Coefficients are sums of few f32 products and
 * |x| is at most 2·10⁷, whose ninth power leaves f64 far from its end. */
typedef struct {
    double t, w, v, r, slope;
} Near;

DEVICE Near near_point(const double *set, double x) {
    Near at;
    at.t = EVEN ? fabs(x) : x;
    double p = set[DEGREE_P], dp = 0.0, s = q_of(set, DEGREE_Q), ds = 0.0;
    UNROLL for (int i = DEGREE_P - 1; i >= 0; i--) {
        dp = fma(dp, x, p);
        p = fma(p, x, set[i]);
    }
    UNROLL for (int k = DEGREE_Q - 1; k >= 0; k--) {
        ds = fma(ds, at.t, s);
        s = fma(s, at.t, q_of(set, k));
    }
    at.w = 1.0 / (FLOOR + (ABSOLUTE ? fabs(s) : s));
    at.r = p * at.w;
    at.v = -(at.w * at.r);
    if (ABSOLUTE && s < 0.0) at.v = -at.v;
    at.slope = fma(at.v, EVEN && x < 0.0 ? -ds : ds, at.w * dp);
    return at;
}

/* lim |R(x)/x|, and the two coefficients whose quotient it is. */
typedef struct {
    double slope, lead;
    int m, n;
} Tail;

DEVICE Tail tail_of(const double *set) {
    Tail tail;
    tail.m = 0, tail.n = 0;
    for (int i = 0; i < P_COUNT; i++) tail.m = set[i] != 0.0 ? i : tail.m;
    for (int k = 0; k < Q_COUNT; k++) tail.n = q_of(set, k) != 0.0 ? k : tail.n;
    tail.lead = tail.n > 0 ? q_of(set, tail.n) : FLOOR + fabs(q_of(set, 0));
    tail.slope = fabs(set[tail.m] / tail.lead);
    if (tail.m <= tail.n) tail.slope = 0.0;
    if (tail.m > tail.n + 1) tail.slope = WIDE_OF(0x7ff0000000000000ull);
    return tail;
}

/* weight·∂(that slope)/∂ by number i of the set. */
DEVICE double by_tail(const double *set, const Tail *tail, double weight, int i) {
    const int k = i - P_COUNT + FIRST_B;
    if (i < P_COUNT) return i == tail->m ? weight * tail->slope / set[i] : 0.0;
    if (k != tail->n) return 0.0;
    return -(weight * tail->slope / tail->lead * (k > 0 ? 1.0 : sign_d(q_of(set, 0))));
}

/* weight·∂R'(x)/∂ by number i of the set. With f = xⁱ: (f'Q - fQ')/Q²; with f = |x|ᵏ or xᵏ: -σ(f'R + fR' - fRQ'/Q)/Q. */
FAR double by_slope(const double *set, double x, double weight, int i) {
    const Far at = far_point(set, x);
    const double q = at.d * power_d(at.t, at.n), r = far_value(set, x), slope = far_slope(set, x);
    const double within = EVEN ? at.t : x, inner = EVEN ? at.side : 1.0;
    double s = 0.0, ds = 0.0;
    for (int k = Q_COUNT - 1; k >= 0; k--) {
        ds = fma(ds, within, s);
        s = fma(s, within, q_of(set, k));
    }
    const double sigma = ABSOLUTE ? sign_d(s) : 1.0, dq = sigma * inner * ds;
    const int k = i < P_COUNT ? i : i - P_COUNT + FIRST_B;
    const double base = i < P_COUNT ? x : within;
    const double f = power_d(base, k), df = k == 0 ? 0.0 : (double)k * power_d(base, k - 1);
    if (i < P_COUNT) return weight * (df - f * dq / q) / q;
    return -(weight * sigma * (inner * df * r + f * (slope - r * dq / q)) / q);
}

/* min(1, bound/sup|R'|), the supremum over the points and the tail. A thread takes every THREADSth point; of equal
 * slopes the first thread's first one stands. */
DEVICE void lipschitz_gain(const Seat *seat, const double *set, double *each, double *run, double *gain) {
    double most = 0.0, place = 0.0;
    for (int n = THREAD; n < seat->count; n += THREADS) {
        const double x = seat->points[n];
        const double here = fabs(near_point(set, x).slope);
        if (exceeds(here, most)) most = here, place = x;
    }
    each[THREAD] = most, each[THREADS + THREAD] = place;
    BARRIER();
    if (THREAD < CHUNKS) {
        most = 0.0, place = 0.0;
        for (int j = THREAD * (THREADS / CHUNKS); j < (THREAD + 1) * (THREADS / CHUNKS); j++) {
            if (exceeds(each[j], most)) most = each[j], place = each[THREADS + j];
        }
        run[THREAD] = most, run[CHUNKS + THREAD] = place;
    }
    BARRIER();
    most = 0.0, place = 0.0;
    for (int j = 0; j < CHUNKS; j++) {
        if (exceeds(run[j], most)) most = run[j], place = run[CHUNKS + j];
    }
    const Tail tail = tail_of(set);
    const double steepest = exceeds(tail.slope, most) ? tail.slope : most;
    double factor = 1.0, moves = 0.0;
    if (!(steepest <= seat->bound)) {
        factor = steepest != steepest ? steepest : is_finite_d(steepest) ? seat->bound / steepest : 0.0;
        moves = is_finite_d(steepest) ? -factor / steepest : 0.0;
    }
    if (THREAD == 0) gain[0] = factor;
    if (THREAD < SET) {
        double by = 0.0;
        if (moves != 0.0) {
            by = tail.slope > most ? by_tail(set, &tail, moves, THREAD)
                                   : by_slope(set, place, moves * sign_d(far_slope(set, place)), THREAD);
            if (EVEN && THREAD >= P_COUNT) by = sign_d(set[THREAD]) * by;
        }
        gain[1 + THREAD] = by;
    }
}

/* bound/√Σ wR², the sum over the points. A thread takes every THREADSth; the threads add up as in `backward`. */
DEVICE void unit_gain(const Seat *seat, const double *set, double *each, double *run, double *gain) {
    double by[USED + 1];
    UNROLL for (int i = 0; i <= USED; i++) by[i] = 0.0;
    for (int n = THREAD; n < seat->count; n += THREADS) {
        const double x = seat->points[n], weight = seat->points[seat->count + n];
        const Near at = near_point(set, x);
        const double up = 2.0 * weight * at.r;
        by[USED] = fma(weight * at.r, at.r, by[USED]);
        double power = 1.0;
        UNROLL for (int i = 0; i < P_COUNT; i++) {
            by[i] = fma(up * at.w, power, by[i]);
            power = power * x;
        }
        power = 1.0;
        UNROLL for (int k = 0; k < Q_COUNT; k++) {
            by[P_COUNT + k] = fma(up * at.v, power, by[P_COUNT + k]);
            power = power * at.t;
        }
    }
    UNROLL for (int i = 0; i <= USED; i++) each[i * THREADS + THREAD] = by[i];
    add_runs(each, USED + 1, run);
    const double moment = sum_of_runs(run, USED);
    /* R = 0 has no scale; a gain of 1 lets it grow one. */
    const double factor = moment == 0.0 ? 1.0 : seat->bound / sqrt(moment);
    const double moves = moment == 0.0 ? 0.0 : -0.5 * factor / moment;
    if (THREAD == 0) gain[0] = factor;
    if (THREAD < SET) {
        double of = moves * sum_of_runs(run, THREAD < P_COUNT ? THREAD : THREAD + FIRST_B);
        if (EVEN && THREAD >= P_COUNT) of = sign_d(set[THREAD]) * of;
        gain[1 + THREAD] = of;
    }
}

/* The gain, and behind it its gradient by the set. Every thread of the block. */
DEVICE void take_gain(const Seat *seat, const double *set, double *each, double *run, double *gain) {
    if (seat->constraint == CONSTRAINT_LIPSCHITZ) {
        lipschitz_gain(seat, set, each, run, gain);
    } else {
        unit_gain(seat, set, each, run, gain);
    }
}

#endif
