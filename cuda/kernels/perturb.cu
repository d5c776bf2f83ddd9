/* What every step ends with under shrink and perturb: θ ← shrink·θ + noise·ε, on weights and biases.
 *
 * ε is the first parameters, or drawn: as the processor's generator of that step draws it, to the bit. That generator
 * is ChaCha8 (key from the host), whose block number n can be had without those before it. Numbers are drawn for the
 * layers in order, each weight and then its bias. A uniform number takes 64 bits. Normal ones come in blocks of
 * 2·HALF: HALF words for the radius of as many points, HALF for their angles; the first half of the numbers are the
 * cosines' (Box & Muller 1958). */
#define PERTURB_START 1
#define PERTURB_NORMAL 2
#define PERTURB_FRESH 3
#if PERTURB

/* Words, and draws of 64 bits, in a block of the generator. */
#define WORDS 16
#define DRAWS (WORDS / 2)
/* Points of a block of normal numbers. */
#define HALF 256

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

DEVICE void perturb_one(const Seat *seat, long at, float drawn) {
    seat->p[at] = fmaf(seat->shrink, seat->p[at], (float)seat->noise * drawn);
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

/* Block number `number` of ChaCha8 (Bernstein 2008; stream 0). */
DEVICE void draw_block(const unsigned *key, long number, unsigned *w) {
    const unsigned long long n = (unsigned long long)number;
    const unsigned first[WORDS] = {0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u, key[0], key[1],
                                   key[2], key[3], key[4], key[5], key[6], key[7],
                                   (unsigned)n, (unsigned)(n >> 32), 0u, 0u};
    UNROLL for (int i = 0; i < WORDS; i++) w[i] = first[i];
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
    UNROLL for (int i = 0; i < WORDS; i++) w[i] += first[i];
}

/* On [-width, width), by 53 of 64 bits. */
DEVICE double uniform_d(unsigned low, unsigned high, double width) {
    const unsigned long long bits = (unsigned long long)high << 32 | low;
    return -width + (width - -width) * ((double)(bits >> 11) * 1.1102230246251565e-16);
}

#endif

#if PERTURB == PERTURB_NORMAL

/* A point at the angle 2π·angle/2³², as far out as √(-2 ln u) with 31 bits of u. */
DEVICE void point(unsigned u, unsigned angle, float *x, float *y) {
    const float unit = ((float)(int)(u >> 1) + 0.5f) * (1.0f / 2147483648.0f), radius = sqrtf(-2.0f * ln_f(unit));
    float sine, cosine;
    sin_cos_of_turn_f(angle, &sine, &cosine);
    *x = radius * cosine, *y = radius * sine;
}

/* A thread as many points as a block of the generator has words: a share of a block of normal numbers. */
KERNEL(perturb)(const Job job) {
    if (!takes(&job)) return;
    const Seat *seat = job.seats + SLOT;
    const long wanted = draws_of(&job), own = (long)BLOCK * THREADS + THREAD;
    const long whole = own / (HALF / WORDS), share = own % (HALF / WORDS), first = whole * 2 * HALF + share * WORDS;
    if (first >= wanted) return;
    const long from = whole * (2 * HALF / WORDS) + share;
    unsigned u[WORDS], angles[WORDS];
    draw_block(key_of(&job), from, u);
    draw_block(key_of(&job), from + HALF / WORDS, angles);
    UNROLL for (int i = 0; i < WORDS; i++) {
        float x, y;
        point(u[i], angles[i], &x, &y);
        const long cosine = first + i, sine = cosine + HALF;
        if (cosine < wanted) perturb_one(seat, place_of(&job, cosine).at, x);
        if (sine < wanted) perturb_one(seat, place_of(&job, sine).at, y);
    }
}

#else

/* A thread a block of the generator, or as many of the first parameters. */
KERNEL(perturb)(const Job job) {
    if (!takes(&job)) return;
    const Seat *seat = job.seats + SLOT;
    const long wanted = draws_of(&job);
#if PERTURB == PERTURB_FRESH
    const long own = (long)BLOCK * THREADS + THREAD, first = own * DRAWS;
    unsigned words[WORDS];
    draw_block(key_of(&job), own, words);
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
            perturb_one(seat, place.at, (float)uniform_d(words[2 * i], words[2 * i + 1], width));
#else
            perturb_one(seat, place.at, seat->start[place.at]);
#endif
        }
    }
}

#endif
#endif
