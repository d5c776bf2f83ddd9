/* Sizes of blocks, and what host and kernels hand each other: layout.rs has the same, field by field. */
#define THREADS 128
#define TILE 32      /* columns of a block's tile: outputs forward, inputs backward */
#define GROUPS 4     /* THREADS / TILE: each has RUN rows of a pass */
#define DEPTH 32     /* terms of a sum that are in shared memory at a time */
#define PITCH 36     /* of a tile's rows there: quarter warps read four numbers each without conflicts */
#define UNITS 16     /* outputs of a block that updates weights */
#define CHUNKS 8     /* in which a block adds its threads' coefficient sums */
#define PASS_ROWS (BATCH < 64 ? (BATCH + 3) / 4 * 4 : 64)
#define RUN (PASS_ROWS / GROUPS)
#define MAX_LAYERS 17
#define MAX_P 10     /* coefficients of P at most, */
#define MAX_Q 9      /* of Q, its constant included, */
#define MAX_SET 19   /* and of a set */
#define LIMIT 19     /* in a curve, behind the set as it is drawn: the limit of its direct evaluation, */
#define GAIN 20      /* the gain, and its gradient by the set before it */
#define CURVE 40     /* numbers of a curve */
#define KEY 8        /* words of a generator's key */
#define SUMS (MAX_P + MAX_Q)

/* Below this an output or a gradient is 0, as on the processor. */
#define NEGLIGIBLE 1e-18f
#define LEAST_NORMAL 1.17549435e-38f
#define LARGEST 3.4028234e38f

/* A linear layer: sizes, and where its things stand among a network's numbers. */
typedef struct {
    int inputs, outputs;
    int weight, bias, set;  /* among parameters; set: -1 without trained coefficients */
    int z, y, dz;           /* in the work space: (BATCH, outputs) each */
} Layer;

/* What an optimiser does in one step. Of SGD: step_size, beta1 is the momentum, coupled the weight decay, and
 * shrink is 1 for Nesterov's form. */
typedef struct {
    float step_size, inverse_root, epsilon, beta1, beta2, rest1, rest2, coupled, shrink, least, least_root;
} Rule;

/* One step of one network. */
typedef struct {
    int rows;     /* 0: none to take */
    int trained;  /* whether coefficients are */
    Rule weights, coefficients;
} Step;

/* One network. */
typedef struct {
    float *p, *m, *v;
    const float *start;      /* the first parameters: of the penalty, and of a perturbation by them */
    float *work;
    double *curves;          /* (hidden layers, CURVE) */
    double *sums;            /* (hidden layers, tiles, SUMS) */
    const float *inputs;     /* (examples, inputs) */
    const unsigned *labels;  /* (examples) */
    unsigned *dead;
    const float *box;        /* (hidden layers, 2, MAX_SET) */
    const double *points;    /* that a gain is taken over: (count), and for unit-gain as many weights */
    const double *widths;    /* half-widths of fresh weights and biases: (layers, 2) */
    double bound, epsilon;   /* of the constraint */
    double noise;            /* of a perturbation: factor on what it adds, a float by value, */
    float first, second;     /* settings of the activation */
    float penalty;
    float shrink;            /* and on what was there */
    int constraint;
    int count;
} Seat;

/* What came of a step. */
typedef struct {
    float loss;
    unsigned correct;
} Taken;

typedef struct {
    const Seat *seats;          /* (slots) */
    const Step *steps;          /* (slots, chunk) */
    const unsigned *positions;  /* (slots, chunk, BATCH) */
    const float *noise;         /* (slots, chunk, hidden layers, MAX_P), version D alone */
    const unsigned *keys;       /* (slots, chunk, KEY), of perturbations that draw */
    Taken *taken;               /* (slots, chunk) */
    int chunk, step;            /* steps of the round, and the one to take */
    int layer, layers;          /* the one to work on, and how many there are, the head last */
    int tiles;                  /* of the widest hidden layer */
    Layer all[MAX_LAYERS];
} Job;

typedef struct ALIGNED16 {
    float x, y, z, w;
} Four;

#define CONSTRAINT_PROPER_DEGREE 1
#define CONSTRAINT_TAIL_SLOPE 2
#define CONSTRAINT_OUTPUT_BOUND 3
#define CONSTRAINT_COEFFICIENT_BOX 4
#define CONSTRAINT_LIPSCHITZ 5
#define CONSTRAINT_UNIT_GAIN 6
#define CONSTRAINT_PROJECTED_TAIL_SLOPE 7

DEVICE float flushed(float x, float least) { return fabsf(x) < least ? 0.0f : x; }
