/* What every step ends with under shrink and perturb: θ ← shrink·θ + noise·ε, on weights and biases.
 *
 * ε is the first parameters, or drawn: as the processor's generator of that step draws it, to the bit. That generator
 * is ChaCha8 (key from the host), whose block number n can be had without those before it. Numbers are drawn for the
 * layers in order, each weight and then its bias. A uniform number takes one draw of 64 bits. A normal one takes a
 * pair of them, and another pair as long as the point lies outside the circle (Marsaglia's polar method), so which
 * pair makes which number is found by counting: `accept` counts what each block keeps, and each block of `perturb`
 * adds up the counts before it. They are integers: their sums have no order to keep. */
#define PERTURB_START 1
#define PERTURB_NORMAL 2
#define PERTURB_FRESH 3
#if PERTURB

/* Draws of 64 bits in a block of the generator. */
#define DRAWS 8
#define PAIRS (DRAWS / 2)

/* Numbers to draw. */
DEVICE long draws_of(const Job *job) {
    long all = 0;
    for (int l = 0; l < job->layers; l++) all += (long)(job->all[l].inputs + 1) * job->all[l].outputs;
    return all;
}

/* Where a drawn number belongs: its layer, whether it is a bias, and its place among the parameters. */
typedef struct {
    int layer, is_bias;
    long at;
} Place;

DEVICE Place place_of(const Job *job, long number) {
    Place place;
    place.layer = 0;
    for (;; place.layer++) {
        const Layer *of = &job->all[place.layer];
        const long weights = (long)of->inputs * of->outputs;
        place.is_bias = number >= weights;
        place.at = place.is_bias ? of->bias + number - weights : of->weight + number;
        if (number < weights + of->outputs || place.layer + 1 == job->layers) return place;
        number -= weights + of->outputs;
    }
}

DEVICE void perturb_one(const Seat *seat, long at, float added) {
    seat->p[at] = fmaf(seat->shrink, seat->p[at], added);
}

#if PERTURB != PERTURB_START

DEVICE const unsigned *key_of(const Job *job) {
    return job->keys + ((long)SLOT * job->chunk + job->step) * KEY;
}

DEVICE unsigned rotated(unsigned x, int by) { return x << by | x >> (32 - by); }

#define QUARTER(a, b, c, d)                              \
    w[a] += w[b], w[d] = rotated(w[d] ^ w[a], 16);       \
    w[c] += w[d], w[b] = rotated(w[b] ^ w[c], 12);       \
    w[a] += w[b], w[d] = rotated(w[d] ^ w[a], 8);        \
    w[c] += w[d], w[b] = rotated(w[b] ^ w[c], 7)

/* Block number `number` of ChaCha8 as numbers on [0, 1), 53 bits each (Bernstein 2008; stream 0). */
DEVICE void draw_block(const unsigned *key, long number, double *units) {
    const unsigned long long n = (unsigned long long)number;
    const unsigned first[16] = {0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u, key[0], key[1],
                                key[2], key[3], key[4], key[5], key[6], key[7],
                                (unsigned)n, (unsigned)(n >> 32), 0u, 0u};
    unsigned w[16];
    UNROLL for (int i = 0; i < 16; i++) w[i] = first[i];
    UNROLL for (int round = 0; round < 4; round++) {
        QUARTER(0, 4, 8, 12);
        QUARTER(1, 5, 9, 13);
        QUARTER(2, 6, 10, 14);
        QUARTER(3, 7, 11, 15);
        QUARTER(0, 5, 10, 15);
        QUARTER(1, 6, 11, 12);
        QUARTER(2, 7, 8, 13);
        QUARTER(3, 4, 9, 14);
    }
    UNROLL for (int i = 0; i < DRAWS; i++) {
        const unsigned low = w[2 * i] + first[2 * i], high = w[2 * i + 1] + first[2 * i + 1];
        const unsigned long long bits = (unsigned long long)high << 32 | low;
        units[i] = (double)(bits >> 11) * 1.1102230246251565e-16;
    }
}

DEVICE double uniform_d(double unit, double low, double high) { return low + (high - low) * unit; }

#endif

#if PERTURB == PERTURB_NORMAL

/* ln x for a normal x below 1, as FreeBSD's e_log.c has it: what the processor's normal numbers are made with. */
DEVICE double log_of_unit(double x) {
    const unsigned long long bits = WIDE_BITS_OF(x);
    const unsigned high = (unsigned)(bits >> 32) + (0x3ff00000u - 0x3fe6a09eu);
    const double k = (double)((int)(high >> 20) - 0x3ff);
    const unsigned long long mantissa = (unsigned long long)((high & 0x000fffffu) + 0x3fe6a09eu) << 32;
    const double f = WIDE_OF(mantissa | (bits & 0xffffffffull)) - 1.0;
    const double half = 0.5 * f * f, s = f / (2.0 + f), z = s * s, w = z * z;
    const double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    const double odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 +
                       w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    const double r = odd + even;
    return s * (half + r) + k * 1.90821492927058770002e-10 - half + f + k * 6.93147180369123816490e-01;
}

/* The points of a generator's block, and the squares of their distances where they make a number, else 0. */
DEVICE int draw_pairs(const unsigned *key, long number, double *x, double *squares) {
    double units[DRAWS];
    int kept = 0;
    draw_block(key, number, units);
    UNROLL for (int i = 0; i < PAIRS; i++) {
        const double y = uniform_d(units[2 * i + 1], -1.0, 1.0);
        x[i] = uniform_d(units[2 * i], -1.0, 1.0);
        const double square = x[i] * x[i] + y * y;
        const int keeps = square > 0.0 && square < 1.0;
        squares[i] = keeps ? square : 0.0;
        kept += keeps;
    }
    return kept;
}

/* Numbers of all threads of the block before this one, and of all of them. */
DEVICE unsigned before(unsigned own, unsigned *each, unsigned *all) {
    BARRIER();
    each[THREAD] = own;
    BARRIER();
    unsigned sum = 0u;
    *all = 0u;
    for (int t = 0; t < THREADS; t++) {
        sum += t < THREAD ? each[t] : 0u;
        *all += each[t];
    }
    return sum;
}

/* How many numbers each block's points make. */
KERNEL(accept)(const Job job) {
    SHARED unsigned each[THREADS];
    if (!takes(&job)) return;
    double x[PAIRS], squares[PAIRS];
    unsigned all;
    before((unsigned)draw_pairs(key_of(&job), (long)BLOCK * THREADS + THREAD, x, squares), each, &all);
    if (THREAD == 0) job.seats[SLOT].accepted[BLOCK] = all;
}

/* A block its points. The last one goes on until there are numbers enough. */
KERNEL(perturb)(const Job job) {
    SHARED unsigned each[THREADS];
    if (!takes(&job)) return;
    const Seat *seat = job.seats + SLOT;
    const long wanted = draws_of(&job);
    unsigned earlier = 0u, all;
    for (int b = THREAD; b < BLOCK; b += THREADS) earlier += seat->accepted[b];
    before(earlier, each, &all);
    long first = all;
    for (long block = BLOCK; first < wanted; block++) {
        double x[PAIRS], squares[PAIRS];
        const int kept = draw_pairs(key_of(&job), block * THREADS + THREAD, x, squares);
        long number = first + before((unsigned)kept, each, &all);
        for (int i = 0; i < PAIRS; i++) {
            if (squares[i] > 0.0 && number < wanted) {
                const double normal = x[i] * sqrt(-2.0 * log_of_unit(squares[i]) / squares[i]);
                perturb_one(seat, place_of(&job, number).at, (float)(seat->noise * normal));
                number++;
            }
        }
        if (BLOCK + 1 < job.blocks) return;
        first += all;
    }
}

#else

/* A thread a block of the generator, or as many of the first parameters. */
KERNEL(perturb)(const Job job) {
    if (!takes(&job)) return;
    const Seat *seat = job.seats + SLOT;
    const long wanted = draws_of(&job);
    const float noise = (float)seat->noise;
#if PERTURB == PERTURB_FRESH
    const long own = (long)BLOCK * THREADS + THREAD, first = own * DRAWS;
    double units[DRAWS];
    draw_block(key_of(&job), own, units);
#endif
    UNROLL for (int i = 0; i < DRAWS; i++) {
#if PERTURB == PERTURB_FRESH
        const long number = first + i;
#else
        const long number = ((long)BLOCK * DRAWS + i) * THREADS + THREAD;
#endif
        if (number < wanted) {
            const Place place = place_of(&job, number);
#if PERTURB == PERTURB_FRESH
            const double width = seat->widths[2 * place.layer + place.is_bias];
            const float drawn = (float)uniform_d(units[i], -width, width);
#else
            const float drawn = seat->start[place.at];
#endif
            perturb_one(seat, place.at, noise * drawn);
        }
    }
}

#endif
#endif
