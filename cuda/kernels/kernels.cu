/* Training steps of many small networks side by side: multilayer perceptrons on batches of examples.
 *
 * The subset of C that a CUDA compiler and a C compiler read alike. What differs between the two (threads, barriers,
 * shared memory) are the macros of prelude_cuda.h or prelude_emulator.h, put before this file together with
 *
 *   BATCH       rows of a batch, at most
 *   ACTIVATION  number of the activation (activations.h), RATIONAL for a rational
 *   VERSION, DEGREE_P, DEGREE_Q   of a rational: 0 to 4 for A, B, C, D, N; degrees of P and Q
 *   SGD         1: stochastic gradient descent, 0: Adam
 *   L2_INIT     1: a penalty on the distance to the start
 *   PERTURB     what every step ends with (perturb.cu): nothing, or one of PERTURB_START, _NORMAL, _FRESH
 *
 * Bits. Every operation is an IEEE one, rounded once; fused ones are written out, so the file is compiled without
 * contraction. A sum of products runs through one chain in index order, whatever the tiles are; the sums of a
 * rational's coefficients run in the order that `backward` and `coefficients` state. So a network's numbers depend on
 * nothing beside it: not on the other networks of a launch, its slot, or the number of steps in a round.
 *
 * A slot of a launch is one network. A network whose step has no rows, or whose loss was not finite, is passed over;
 * that is the same for all threads of a block, so every barrier is met by all.
 */

DEVICE const Step *step_of(const Job *job) { return job->steps + (long)SLOT * job->chunk + job->step; }

/* Whether the slot's network takes the step. */
DEVICE int takes(const Job *job) {
    return step_of(job)->rows > 0 && *job->seats[SLOT].dead == 0u;
}

/* Row number `row` of what layer number `layer` reads. */
DEVICE const float *row_of(const Job *job, int layer, int row) {
    const Seat *seat = job->seats + SLOT;
    if (layer == 0) {
        const unsigned *positions = job->positions + ((long)SLOT * job->chunk + job->step) * BATCH;
        return seat->inputs + (long)positions[row] * job->all[0].inputs;
    }
    return seat->work + job->all[layer - 1].y + (long)row * job->all[layer].inputs;
}

/* y = f(x Wᵀ + b), a block a tile of outputs. Each sum: from 0, inputs in order, the bias last; where the inputs are
 * no multiple of DEPTH, zeros follow. */
KERNEL(forward)(const Job job) {
    SHARED Four weights[TILE * PITCH / 4], inputs[PASS_ROWS * DEPTH / 4];
    float *w = (float *)weights, *x = (float *)inputs;
    if (!takes(&job)) return;
    const Seat *seat = job.seats + SLOT;
    const Layer here = job.all[job.layer];
    const int rows = step_of(&job)->rows, column = THREAD % TILE, group = THREAD / TILE;
    const int begin = BLOCK * TILE, output = begin + column;
    const int is_head = job.layer + 1 == job.layers;
    for (int top = 0; top < rows; top += PASS_ROWS) {
        float sum[RUN];
        UNROLL for (int j = 0; j < RUN; j++) sum[j] = 0.0f;
        for (int k = 0; k < here.inputs; k += DEPTH) {
            BARRIER();
            for (int e = THREAD; e < TILE * DEPTH; e += THREADS) {
                const int o = e / DEPTH, i = e % DEPTH;
                const int inside = begin + o < here.outputs && k + i < here.inputs;
                w[o * PITCH + i] = inside ? seat->p[here.weight + (long)(begin + o) * here.inputs + k + i] : 0.0f;
            }
            for (int e = THREAD; e < PASS_ROWS * DEPTH; e += THREADS) {
                const int r = e / DEPTH, i = e % DEPTH;
                const int inside = top + r < rows && k + i < here.inputs;
                x[e] = inside ? row_of(&job, job.layer, top + r)[k + i] : 0.0f;
            }
            BARRIER();
            UNROLL for (int i = 0; i < DEPTH / 4; i++) {
                const Four b = weights[column * (PITCH / 4) + i];
                UNROLL for (int j = 0; j < RUN; j++) {
                    const Four a = inputs[(group * RUN + j) * (DEPTH / 4) + i];
                    sum[j] = fmaf(a.x, b.x, sum[j]);
                    sum[j] = fmaf(a.y, b.y, sum[j]);
                    sum[j] = fmaf(a.z, b.z, sum[j]);
                    sum[j] = fmaf(a.w, b.w, sum[j]);
                }
            }
        }
        if (output < here.outputs) {
            CURVE_OF(seat, job.layer, !is_head);
            const float bias = seat->p[here.bias + output];
            UNROLL for (int j = 0; j < RUN; j++) {
                const int row = top + group * RUN + j;
                if (row < rows) {
                    const float z = sum[j] + bias;
                    seat->work[here.z + (long)row * here.outputs + output] = z;
                    if (!is_head) {
                        const float y = flushed(VALUE(seat, z), NEGLIGIBLE);
                        seat->work[here.y + (long)row * here.outputs + output] = y;
                    }
                }
            }
        }
    }
}

/* Softmax cross-entropy: mean loss, correct rows, and the gradient by the logits. A thread a row; classes in order;
 * the rows' losses are added in order, in f64. */
KERNEL(head)(const Job job) {
    SHARED double losses[BATCH];
    SHARED unsigned hits[BATCH];
    if (!takes(&job)) return;
    const Seat *seat = job.seats + SLOT;
    const Layer here = job.all[job.layers - 1];
    const int rows = step_of(&job)->rows, classes = here.outputs;
    const unsigned *positions = job.positions + ((long)SLOT * job.chunk + job.step) * BATCH;
    const float scale = (float)(1.0 / (double)rows);
    for (int row = THREAD; row < rows; row += THREADS) {
        const float *z = seat->work + here.z + (long)row * classes;
        float *d = seat->work + here.dz + (long)row * classes;
        const int label = (int)seat->labels[positions[row]];
        int best = 0;
        for (int k = 0; k < classes; k++) {
            if (z[k] > z[best]) best = k;
        }
        float sum = 0.0f;
        for (int k = 0; k < classes; k++) {
            d[k] = exp_f(z[k] - z[best]);
            sum = sum + d[k];
        }
        for (int k = 0; k < classes; k++) {
            const float share = d[k] / sum;
            d[k] = flushed((k == label ? share - 1.0f : share) * scale, NEGLIGIBLE);
        }
        const double loss = log_d((double)sum) + (double)(z[best] - z[label]);
        losses[row] = loss;
        hits[row] = best == label && loss == loss ? 1u : 0u;
    }
    BARRIER();
    if (THREAD == 0) {
        double total = 0.0;
        unsigned correct = 0u;
        for (int row = 0; row < rows; row++) {
            total = total + losses[row];
            correct += hits[row];
        }
        Taken taken;
        taken.loss = (float)(total / (double)rows);
        taken.correct = correct;
        job.taken[(long)SLOT * job.chunk + job.step] = taken;
        if (!(fabsf(taken.loss) <= LARGEST)) *seat->dead = 1u;
    }
}

/* From layer `layer` to the one before it: dz = f'(z)·(dz W), a block a tile of the columns of W, outputs in order,
 * zeros behind them as in `forward`.
 *
 * Sums of a rational's coefficients: each thread adds its rows in order, in f64; a block adds its threads in CHUNKS
 * runs of neighbours, then those in order. */
KERNEL(backward)(const Job job) {
    SHARED Four gradients[PASS_ROWS * DEPTH / 4];
    SHARED float w[DEPTH * TILE];
    float *d = (float *)gradients;
    if (!takes(&job)) return;
    const Seat *seat = job.seats + SLOT;
    const Layer here = job.all[job.layer], before = job.all[job.layer - 1];
    const int rows = step_of(&job)->rows, column = THREAD % TILE, group = THREAD / TILE;
    const int begin = BLOCK * TILE, input = begin + column;
    SUMS_START();
    for (int top = 0; top < rows; top += PASS_ROWS) {
        float sum[RUN];
        UNROLL for (int j = 0; j < RUN; j++) sum[j] = 0.0f;
        for (int k = 0; k < here.outputs; k += DEPTH) {
            BARRIER();
            for (int e = THREAD; e < DEPTH * TILE; e += THREADS) {
                const int o = e / TILE, i = e % TILE;
                const int inside = k + o < here.outputs && begin + i < here.inputs;
                w[e] = inside ? seat->p[here.weight + (long)(k + o) * here.inputs + begin + i] : 0.0f;
            }
            for (int e = THREAD; e < PASS_ROWS * DEPTH; e += THREADS) {
                const int r = e / DEPTH, o = e % DEPTH;
                const int inside = top + r < rows && k + o < here.outputs;
                d[e] = inside ? seat->work[here.dz + (long)(top + r) * here.outputs + k + o] : 0.0f;
            }
            BARRIER();
            UNROLL for (int o = 0; o < DEPTH / 4; o++) {
                const float *b = w + o * 4 * TILE + column;
                const float b0 = b[0], b1 = b[TILE], b2 = b[2 * TILE], b3 = b[3 * TILE];
                UNROLL for (int j = 0; j < RUN; j++) {
                    const Four a = gradients[(group * RUN + j) * (DEPTH / 4) + o];
                    sum[j] = fmaf(a.x, b0, sum[j]);
                    sum[j] = fmaf(a.y, b1, sum[j]);
                    sum[j] = fmaf(a.z, b2, sum[j]);
                    sum[j] = fmaf(a.w, b3, sum[j]);
                }
            }
        }
        if (input < here.inputs) {
            CURVE_OF(seat, job.layer - 1, 1);
            UNROLL for (int j = 0; j < RUN; j++) {
                const int row = top + group * RUN + j;
                if (row < rows) {
                    const long at = (long)row * here.inputs + input;
                    const float z = seat->work[before.z + at], y = seat->work[before.y + at];
                    const float dy = flushed(sum[j], NEGLIGIBLE);
                    seat->work[before.dz + at] = flushed(SLOPE(seat, z, y, dy), NEGLIGIBLE);
                }
            }
        }
    }
    SUMS_STORE(seat->sums + ((long)(job.layer - 1) * job.tiles + BLOCK) * SUMS);
}

/* What a step on parameters reads, in registers: through a pointer all of it would be read again behind every store. */
typedef struct {
    float *p, *m, *v;
    const float *start;
    float penalty;
    Rule rule;
} Stepper;

DEVICE Stepper stepper_of(const Seat *seat, const Rule *rule) {
    Stepper by;
    by.p = seat->p, by.m = seat->m, by.v = seat->v, by.start = seat->start, by.penalty = seat->penalty;
    by.rule = *rule;
    return by;
}

/* One optimiser step on parameter number `at`. */
DEVICE void step_parameter(const Stepper *by, long at, float g) {
    const float p = by->p[at];
    if (L2_INIT) g = g + by->penalty * (p - by->start[at]);
    if (SGD) {
        const float d = fmaf(by->rule.coupled, p, flushed(g, LEAST_NORMAL));
        const float b = flushed(fmaf(by->rule.beta1, by->m[at], d), LEAST_NORMAL);
        const float direction = by->rule.shrink > 0.0f ? fmaf(by->rule.beta1, b, d) : b;
        by->m[at] = b;
        by->p[at] = flushed(fmaf(-by->rule.step_size, direction, p), LEAST_NORMAL);
    } else {
        const float least = by->rule.least, w = p * by->rule.shrink;
        const float normal = LEAST_NORMAL < least ? LEAST_NORMAL : least;
        const float d = fmaf(by->rule.coupled, w, g);
        const float first = fmaf(by->rule.rest1, d, by->rule.beta1 * by->m[at]);
        const float root = flushed(d, by->rule.least_root);
        const float second = flushed(fmaf(by->rule.rest2 * root, root, by->rule.beta2 * by->v[at]), normal);
        const float length = fmaf(sqrtf(second), by->rule.inverse_root, by->rule.epsilon);
        const float value = w - by->rule.step_size * first / length;
        const int rests = fabsf(first) < least && fabsf(value) <= fabsf(w);
        by->m[at] = rests ? 0.0f : first;
        by->v[at] = second;
        by->p[at] = flushed(rests ? w : value, LEAST_NORMAL);
    }
}

/* Gradients of a layer's weight and bias, and the optimiser's step on them: a block THREADS inputs of UNITS outputs.
 * Rows in order. The gradient is never written. */
KERNEL(update)(const Job job) {
    SHARED Four gradients[PASS_ROWS * UNITS / 4];
    float *d = (float *)gradients;
    if (!takes(&job)) return;
    const Seat *seat = job.seats + SLOT;
    const Step *step = step_of(&job);
    const Layer here = job.all[job.layer];
    const int across = (here.inputs + THREADS - 1) / THREADS;
    const int input = BLOCK % across * THREADS + THREAD, begin = BLOCK / across * UNITS;
    const int has_biases = BLOCK % across == 0 && THREAD < UNITS && begin + THREAD < here.outputs;
    float sum[UNITS], bias = 0.0f;
    UNROLL for (int o = 0; o < UNITS; o++) sum[o] = 0.0f;
    for (int top = 0; top < step->rows; top += PASS_ROWS) {
        const int rows = step->rows - top < PASS_ROWS ? step->rows - top : PASS_ROWS;
        BARRIER();
        for (int e = THREAD; e < rows * UNITS; e += THREADS) {
            const int r = e / UNITS, o = e % UNITS;
            const int inside = begin + o < here.outputs;
            d[e] = inside ? seat->work[here.dz + (long)(top + r) * here.outputs + begin + o] : 0.0f;
        }
        BARRIER();
        for (int r = 0; r < rows; r++) {
            const float x = input < here.inputs ? row_of(&job, job.layer, top + r)[input] : 0.0f;
            UNROLL for (int o = 0; o < UNITS / 4; o++) {
                const Four a = gradients[r * (UNITS / 4) + o];
                sum[4 * o] = fmaf(a.x, x, sum[4 * o]);
                sum[4 * o + 1] = fmaf(a.y, x, sum[4 * o + 1]);
                sum[4 * o + 2] = fmaf(a.z, x, sum[4 * o + 2]);
                sum[4 * o + 3] = fmaf(a.w, x, sum[4 * o + 3]);
            }
            if (has_biases) bias = bias + d[r * UNITS + THREAD];
        }
    }
    const Stepper by = stepper_of(seat, &step->weights);
    if (input < here.inputs) {
        UNROLL for (int o = 0; o < UNITS; o++) {
            if (begin + o < here.outputs) {
                step_parameter(&by, here.weight + (long)(begin + o) * here.inputs + input, sum[o]);
            }
        }
    }
    if (has_biases) step_parameter(&by, here.bias + begin + THREAD, bias);
}

#if ACTIVATION == RATIONAL

/* A block a hidden layer: the set that its rational is drawn with, from the trained one. */
KERNEL(lower)(const Job job) {
    SHARED double set[SET], each[(USED + 1) * THREADS], run[(USED + 1) * CHUNKS];
    if (!takes(&job)) return;
    const Seat *seat = job.seats + SLOT;
    const long at = ((long)SLOT * job.chunk + job.step) * (job.layers - 1) + BLOCK;
    double *curve = seat->curves + BLOCK * CURVE;
    if (THREAD == 0) {
        effective_set(seat, seat->p + job.all[BLOCK].set, VERSION == 3 ? job.noise + at * MAX_P : 0, set);
    }
    if (HAS_GAIN(seat)) {
        BARRIER();
        take_gain(seat, set, each, run, curve + GAIN);
    }
    if (THREAD == 0) draw_set(seat, set, curve);
}

/* A block a hidden layer: the gradient by the trained set, the optimiser's step on it, the projection. Tiles of
 * `backward` in order. */
KERNEL(coefficients)(const Job job) {
    SHARED double by[SUMS];
    if (!takes(&job)) return;
    const Seat *seat = job.seats + SLOT;
    const Step *step = step_of(&job);
    const Layer here = job.all[BLOCK];
    if (THREAD < SUMS) {
        double sum = 0.0;
        for (int tile = 0; tile * TILE < here.outputs; tile++) {
            sum = sum + seat->sums[((long)BLOCK * job.tiles + tile) * SUMS + THREAD];
        }
        by[THREAD] = sum;
    }
    BARRIER();
    if (THREAD > 0) return;
    const long at = ((long)SLOT * job.chunk + job.step) * (job.layers - 1) + BLOCK;
    double gradient[MAX_SET];
    raise_gradient(seat, seat->p + here.set, VERSION == 3 ? job.noise + at * MAX_P : 0,
                   seat->curves + BLOCK * CURVE, by, gradient);
    const Stepper stepper = stepper_of(seat, &step->coefficients);
    for (int i = 0; i < SET; i++) {
        if (step->trained) step_parameter(&stepper, here.set + i, (float)gradient[i]);
        if (seat->constraint == CONSTRAINT_COEFFICIENT_BOX) {
            const float least = seat->box[(2 * BLOCK) * MAX_SET + i], most = seat->box[(2 * BLOCK + 1) * MAX_SET + i];
            const float p = seat->p[here.set + i];
            seat->p[here.set + i] = p < least ? least : p > most ? most : p;
        }
    }
    if (seat->constraint == CONSTRAINT_PROJECTED_TAIL_SLOPE) {
        float *a = seat->p + here.set + DEGREE_P;
        const float most = (float)(seat->bound * (fabs((double)seat->p[here.set + SET - 1]) + seat->epsilon));
        *a = *a > most ? most : *a < -most ? -most : *a;
    }
}

#endif
