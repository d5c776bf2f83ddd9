/* What CUDA calls the things that kernels.cu is written with. */
#define KERNEL(name) extern "C" __global__ void __launch_bounds__(128) name
#define DEVICE static __device__ __forceinline__
#define FAR static __device__ __noinline__
#define SHARED __shared__
#define BARRIER() __syncthreads()
#define THREAD ((int)threadIdx.x)
#define BLOCK ((int)blockIdx.x)
#define SLOT ((int)blockIdx.y)
#define ALIGNED16 __align__(16)
#define UNROLL _Pragma("unroll")
#define BITS_OF(x) __float_as_uint(x)
#define FLOAT_OF(bits) __uint_as_float(bits)
#define WIDE_BITS_OF(x) ((unsigned long long)__double_as_longlong(x))
#define WIDE_OF(bits) __longlong_as_double((long long)(bits))
