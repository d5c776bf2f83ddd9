/* The same for a C compiler: a block's threads are fibers of one system thread, which take turns at barriers. */
#include <math.h>
#include <string.h>
static __thread int emulated_thread, emulated_block, emulated_slot;
static void emulated_barrier(void);
#define KERNEL(name) static void name
#define DEVICE static inline
#define FAR static
#define SHARED static __thread
#define BARRIER() emulated_barrier()
#define THREAD emulated_thread
#define BLOCK emulated_block
#define SLOT emulated_slot
#define ALIGNED16 __attribute__((aligned(16)))
#define UNROLL
static inline unsigned BITS_OF(float x) { unsigned bits; memcpy(&bits, &x, 4); return bits; }
static inline float FLOAT_OF(unsigned bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline unsigned long long WIDE_BITS_OF(double x) { unsigned long long bits; memcpy(&bits, &x, 8); return bits; }
static inline double WIDE_OF(unsigned long long bits) { double x; memcpy(&x, &bits, 8); return x; }
