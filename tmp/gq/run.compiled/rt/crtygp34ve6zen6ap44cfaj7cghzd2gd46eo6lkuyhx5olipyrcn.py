# AOT ID: ['2_inference']
from ctypes import c_void_p, c_long, c_int
import torch
import math
import random
import os
import tempfile
from math import inf, nan
from cmath import nanj
from torch._inductor.hooks import run_intermediate_hooks
from torch._inductor.utils import maybe_profile
from torch._inductor.codegen.memory_planning import _align as align
from torch import device, empty_strided
from torch._inductor.async_compile import AsyncCompile
from torch._inductor.select_algorithm import extern_kernels
from torch._inductor.runtime.runtime_utils import assert_tensor_metadata

aten = torch.ops.aten
inductor_ops = torch.ops.inductor
_quantized = torch.ops._quantized
assert_size_stride = torch._C._dynamo.guards.assert_size_stride
assert_size_stride_grouped = torch._C._dynamo.guards.assert_size_stride_grouped
assert_alignment = torch._C._dynamo.guards.assert_alignment
empty_strided_cpu = torch._C._dynamo.guards._empty_strided_cpu
empty_strided_cpu_pinned = torch._C._dynamo.guards._empty_strided_cpu_pinned
empty_strided_cuda = torch._C._dynamo.guards._empty_strided_cuda
empty_strided_xpu = torch._C._dynamo.guards._empty_strided_xpu
empty_strided_mtia = torch._C._dynamo.guards._empty_strided_mtia
reinterpret_tensor = torch._C._dynamo.guards._reinterpret_tensor
alloc_from_pool = torch.ops.inductor._alloc_from_pool
async_compile = AsyncCompile()
empty_strided_p2p = torch._C._distributed_c10d._SymmetricMemory.empty_strided_p2p


cpp_fused_cos_mul_sin_stack_sub_unsqueeze_0 = async_compile.cpp_pybinding(['const float*', 'const float*', 'const float*', 'const float*', 'float*', 'float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       const float* in_ptr3,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2,
                       float* out_ptr3)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        {
            {
                auto tmp0 = in_ptr0[static_cast<int64_t>(0L)];
                out_ptr0[static_cast<int64_t>(0L)] = tmp0;
            }
        }
    }
    {
        {
            {
                auto tmp0 = in_ptr0[static_cast<int64_t>(0L)];
                auto tmp1 = in_ptr1[static_cast<int64_t>(0L)];
                auto tmp2 = float(tmp0 - tmp1);
                out_ptr1[static_cast<int64_t>(0L)] = tmp2;
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(16L); x1+=static_cast<int64_t>(16L))
            {
                {
                    if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(16L)))
                    {
                        auto tmp0 = in_ptr2[static_cast<int64_t>(x0)];
                        auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x1), static_cast<int64_t>(16));
                        auto tmp2 = at::vec::Vectorized<float>(tmp0);
                        auto tmp3 = tmp2 * tmp1;
                        auto tmp4 = tmp3.sin();
                        auto tmp5 = tmp3.cos();
                        tmp4.store(out_ptr2 + static_cast<int64_t>(x1 + 16L*x0));
                        tmp5.store(out_ptr3 + static_cast<int64_t>(x1 + 16L*x0));
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused_silu_1 = async_compile.cpp_pybinding(['float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(float* in_out_ptr0)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(64L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(64L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = tmp0.neg();
                    auto tmp2 = tmp1.exp();
                    auto tmp3 = static_cast<float>(1.0);
                    auto tmp4 = at::vec::Vectorized<float>(tmp3);
                    auto tmp5 = tmp2 + tmp4;
                    auto tmp6 = tmp0 / tmp5;
                    tmp6.store(in_out_ptr0 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused_cat_log1p_slice_2 = async_compile.cpp_pybinding(['const float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       float* out_ptr0,
                       float* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(5L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0L) && x0 < static_cast<int64_t>(5L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(5L));
                    auto tmp1 = tmp0.log1p();
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(5L));
                }
            }
        }
    }
    {
        {
            {
                auto tmp0 = in_ptr0[static_cast<int64_t>(5L)];
                out_ptr1[static_cast<int64_t>(0L)] = tmp0;
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_embedding_silu_3 = async_compile.cpp_pybinding(['float*', 'const int64_t*', 'const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(float* in_out_ptr0,
                       const int64_t* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1,
                       at::BFloat16* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(64L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(64L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp7 = in_ptr0[static_cast<int64_t>(0L)];
                    auto tmp13 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = tmp0.neg();
                    auto tmp2 = tmp1.exp();
                    auto tmp3 = static_cast<float>(1.0);
                    auto tmp4 = at::vec::Vectorized<float>(tmp3);
                    auto tmp5 = tmp2 + tmp4;
                    auto tmp6 = tmp0 / tmp5;
                    auto tmp8 = tmp7;
                    auto tmp9 = c10::convert<int64_t>(tmp8);
                    TORCH_CHECK((0 <= tmp9) & (tmp9 < 3L), "index out of bounds: 0 <= tmp9 < 3L");
                    auto tmp11 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x0 + 64L*tmp7), static_cast<int64_t>(16));
                    auto tmp12 = tmp6 + tmp11;
                    auto tmp14 = tmp12 + tmp13;
                    auto tmp15 = at::vec::convert<at::BFloat16>(tmp14);
                    tmp14.store(in_out_ptr0 + static_cast<int64_t>(x0));
                    tmp15.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    tmp15.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    tmp15.store(out_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_4 = async_compile.cpp_pybinding(['const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(1536L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(1536L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(24L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(16L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(16L) && x0 < static_cast<int64_t>(24L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(8L));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(8L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_5 = async_compile.cpp_pybinding(['const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2048L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(2048L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(32L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(32L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused_repeat_replication_pad2d_6 = async_compile.cpp_pybinding(['const float*', 'const float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       float* out_ptr0,
                       float* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(28L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(28L); x1+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(3L); x2+=static_cast<int64_t>(1L))
                {
                    {
                        {
                            auto tmp0 = in_ptr0[static_cast<int64_t>(24L*std::min(static_cast<int64_t>(23L), static_cast<int64_t>(std::max(static_cast<int64_t>(0L), static_cast<int64_t>((-2L) + x0)))) + 576L*x2 + std::min(static_cast<int64_t>(23L), static_cast<int64_t>(std::max(static_cast<int64_t>(0L), static_cast<int64_t>((-2L) + x1)))))];
                            out_ptr0[static_cast<int64_t>(x2 + 3L*x1 + 84L*x0)] = tmp0;
                        }
                    }
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(48L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(25L); x1+=static_cast<int64_t>(16L))
            {
                {
                    if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(16L)))
                    {
                        auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x1 + 25L*((static_cast<int64_t>(x0) % static_cast<int64_t>(16L)))), static_cast<int64_t>(16));
                        tmp0.store(out_ptr1 + static_cast<int64_t>(x1 + 25L*x0));
                    }
                    if(C10_UNLIKELY(x1 >= static_cast<int64_t>(16L) && x1 < static_cast<int64_t>(25L)))
                    {
                        auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x1 + 25L*((static_cast<int64_t>(x0) % static_cast<int64_t>(16L)))), static_cast<int64_t>(9L));
                        tmp0.store(out_ptr1 + static_cast<int64_t>(x1 + 25L*x0), static_cast<int64_t>(9L));
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_cat_div_mul_new_ones_pixel_unshuffle_pow_rsub_split_sqrt_sub_unsqueeze_7 = async_compile.cpp_pybinding(['const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'float*', 'float*', 'float*', 'float*', 'at::BFloat16*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       const float* in_ptr3,
                       const float* in_ptr4,
                       const float* in_ptr5,
                       const float* in_ptr6,
                       const float* in_ptr7,
                       const float* in_ptr8,
                       const float* in_ptr9,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2,
                       float* out_ptr3,
                       at::BFloat16* out_ptr4,
                       at::BFloat16* out_ptr5,
                       at::BFloat16* out_ptr6)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(24L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(24L); x1+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(48L); x2+=static_cast<int64_t>(1L))
                {
                    {
                        {
                            auto tmp0 = in_ptr0[static_cast<int64_t>(4L*x1 + 96L*((static_cast<int64_t>(c10::div_floor_integer(static_cast<int64_t>(x2), static_cast<int64_t>(4L))) % static_cast<int64_t>(4L))) + 384L*x0 + 9216L*(c10::div_floor_integer(static_cast<int64_t>(x2), static_cast<int64_t>(16L))) + ((static_cast<int64_t>(x2) % static_cast<int64_t>(4L))))];
                            auto tmp1 = in_ptr1[static_cast<int64_t>(x2 + 48L*x1 + 1152L*x0)];
                            auto tmp2 = float(tmp0 - tmp1);
                            out_ptr0[static_cast<int64_t>(x1 + 24L*x0 + 576L*x2)] = tmp2;
                        }
                    }
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(1728L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(1728L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    tmp0.store(out_ptr1 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(48L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(48L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(96L + x0), static_cast<int64_t>(16));
                    auto tmp4 = in_ptr4[static_cast<int64_t>(0L)];
                    auto tmp6 = in_ptr5[static_cast<int64_t>(0L)];
                    auto tmp1 = static_cast<float>(1.0);
                    auto tmp2 = at::vec::Vectorized<float>(tmp1);
                    auto tmp3 = tmp0 + tmp2;
                    auto tmp5 = float(tmp1 - tmp4);
                    auto tmp7 = float(tmp1 - tmp6);
                    auto tmp8 = static_cast<float>(0.1);
                    auto tmp9 = float(tmp7 * tmp8);
                    auto tmp10 = float(tmp9 * tmp9);
                    auto tmp11 = float(tmp6 * tmp8);
                    auto tmp12 = float(tmp11 * tmp11);
                    auto tmp13 = float(tmp10 + tmp12);
                    auto tmp14 = std::sqrt(tmp13);
                    auto tmp15 = tmp5 / tmp14;
                    auto tmp16 = at::vec::Vectorized<float>(tmp15);
                    auto tmp17 = tmp3 * tmp16;
                    tmp17.store(out_ptr2 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(3L); x0+=static_cast<int64_t>(1L))
        {
            {
                {
                    auto tmp0 = static_cast<float>(1.0);
                    out_ptr3[static_cast<int64_t>(x0)] = tmp0;
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(51L); x0+=static_cast<int64_t>(32L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(576L); x1+=static_cast<int64_t>(32L))
            {
                {
                    if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(32L) && x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(576L)))
                    {
                        alignas(std::max(std::size_t(32), alignof(at::BFloat16))) at::BFloat16 tmp5[32*32];
                        for (long x0_inner = 0; x0_inner < static_cast<int64_t>(32); x0_inner++)
                        {
                            auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr6 + static_cast<int64_t>(x1 + 576L*x0 + 576L*x0_inner), static_cast<int64_t>(32));
                            auto tmp1 = in_ptr7[static_cast<int64_t>(x0 + x0_inner)];
                            auto tmp2 = at::vec::VectorizedN<float,2>(tmp1);
                            auto tmp3 = tmp0 * tmp2;
                            auto tmp4 = at::vec::convert<at::BFloat16,1,float,2>(tmp3);
                            tmp4.store(tmp5 + static_cast<int64_t>(32L*x0_inner), static_cast<int64_t>(32));
                        }
                        transpose_mxn<at::BFloat16,static_cast<int64_t>(32),static_cast<int64_t>(32),false>(tmp5, static_cast<int64_t>(32), out_ptr4 + static_cast<int64_t>(x0 + 51L*x1), static_cast<int64_t>(51L));
                    }
                    if(C10_UNLIKELY(x0 >= static_cast<int64_t>(32L) && x0 < static_cast<int64_t>(51L) && x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(576L)))
                    {
                        alignas(std::max(std::size_t(32), alignof(at::BFloat16))) at::BFloat16 tmp5[32*32];
                        for (long x0_inner = 0; x0_inner < static_cast<int64_t>(19L); x0_inner++)
                        {
                            auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr6 + static_cast<int64_t>(x1 + 576L*x0 + 576L*x0_inner), static_cast<int64_t>(32));
                            auto tmp1 = in_ptr7[static_cast<int64_t>(x0 + x0_inner)];
                            auto tmp2 = at::vec::VectorizedN<float,2>(tmp1);
                            auto tmp3 = tmp0 * tmp2;
                            auto tmp4 = at::vec::convert<at::BFloat16,1,float,2>(tmp3);
                            tmp4.store(tmp5 + static_cast<int64_t>(32L*x0_inner), static_cast<int64_t>(32));
                        }
                        transpose_mxn<at::BFloat16,static_cast<int64_t>(19L),static_cast<int64_t>(32),false>(tmp5, static_cast<int64_t>(32), out_ptr4 + static_cast<int64_t>(x0 + 51L*x1), static_cast<int64_t>(51L));
                    }
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(5508L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(5504L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr8 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr5 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(5504L) && x0 < static_cast<int64_t>(5508L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr8 + static_cast<int64_t>(x0), static_cast<int64_t>(4L));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr5 + static_cast<int64_t>(x0), static_cast<int64_t>(4L));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(12L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0L) && x0 < static_cast<int64_t>(12L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr9 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr6 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_8 = async_compile.cpp_pybinding(['const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(1296L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(1280L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(1280L) && x0 < static_cast<int64_t>(1296L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(12L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0L) && x0 < static_cast<int64_t>(12L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_addcmul_clamp_silu_split_unsqueeze_9 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*', 'const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(576L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(12L); x1+=static_cast<int64_t>(16L))
            {
                {
                    if(C10_LIKELY(x1 >= static_cast<int64_t>(0L) && x1 < static_cast<int64_t>(12L)))
                    {
                        auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(12L + x1), static_cast<int64_t>(12L));
                        auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x1 + 12L*x0), static_cast<int64_t>(12L));
                        auto tmp4 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x1), static_cast<int64_t>(12L));
                        auto tmp1 = at::vec::convert<float>(tmp0);
                        auto tmp3 = at::vec::convert<float>(tmp2);
                        auto tmp5 = at::vec::convert<float>(tmp4);
                        auto tmp6 = static_cast<float>(1.0);
                        auto tmp7 = at::vec::Vectorized<float>(tmp6);
                        auto tmp8 = tmp5 + tmp7;
                        auto tmp9 = tmp3 * tmp8;
                        auto tmp10 = tmp7 * tmp9;
                        auto tmp11 = tmp1 + tmp10;
                        auto tmp12 = (tmp11);
                        auto tmp13 = tmp12.neg();
                        auto tmp14 = tmp13.exp();
                        auto tmp15 = tmp14 + tmp7;
                        auto tmp16 = tmp12 / tmp15;
                        auto tmp17 = at::vec::convert<at::BFloat16>(tmp16);
                        auto tmp18 = static_cast<float>(8.0);
                        auto tmp19 = at::vec::Vectorized<float>(tmp18);
                        auto tmp20 = at::vec::minimum(tmp16, tmp19);
                        auto tmp21 = at::vec::convert<at::BFloat16>(tmp20);
                        tmp21.store(in_out_ptr0 + static_cast<int64_t>(x1 + 12L*x0), static_cast<int64_t>(12L));
                    }
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(1296L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(1280L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(1280L) && x0 < static_cast<int64_t>(1296L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(12L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0L) && x0 < static_cast<int64_t>(12L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_10 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*', 'const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(6912L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(6912L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    auto tmp3 = at::vec::convert<float,2,at::BFloat16,1>(tmp2);
                    auto tmp4 = tmp1 + tmp3;
                    auto tmp5 = at::vec::convert<at::BFloat16,1,float,2>(tmp4);
                    tmp5.store(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(768L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(768L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(16L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(16L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_11 = async_compile.cpp_pybinding(['const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2304L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(2304L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(16L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(16L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_addcmul_clamp_silu_split_unsqueeze_12 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*', 'const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(144L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(16L); x1+=static_cast<int64_t>(16L))
            {
                {
                    if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(16L)))
                    {
                        auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(16L + x1), static_cast<int64_t>(16));
                        auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x1 + 16L*x0), static_cast<int64_t>(16));
                        auto tmp4 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x1), static_cast<int64_t>(16));
                        auto tmp1 = at::vec::convert<float>(tmp0);
                        auto tmp3 = at::vec::convert<float>(tmp2);
                        auto tmp5 = at::vec::convert<float>(tmp4);
                        auto tmp6 = static_cast<float>(1.0);
                        auto tmp7 = at::vec::Vectorized<float>(tmp6);
                        auto tmp8 = tmp5 + tmp7;
                        auto tmp9 = tmp3 * tmp8;
                        auto tmp10 = tmp7 * tmp9;
                        auto tmp11 = tmp1 + tmp10;
                        auto tmp12 = (tmp11);
                        auto tmp13 = tmp12.neg();
                        auto tmp14 = tmp13.exp();
                        auto tmp15 = tmp14 + tmp7;
                        auto tmp16 = tmp12 / tmp15;
                        auto tmp17 = at::vec::convert<at::BFloat16>(tmp16);
                        auto tmp18 = static_cast<float>(8.0);
                        auto tmp19 = at::vec::Vectorized<float>(tmp18);
                        auto tmp20 = at::vec::minimum(tmp16, tmp19);
                        auto tmp21 = at::vec::convert<at::BFloat16>(tmp20);
                        tmp21.store(in_out_ptr0 + static_cast<int64_t>(x1 + 16L*x0), static_cast<int64_t>(16));
                    }
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2304L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(2304L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(16L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(16L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_13 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*', 'const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2304L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(2304L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    auto tmp3 = at::vec::convert<float,2,at::BFloat16,1>(tmp2);
                    auto tmp4 = tmp1 + tmp3;
                    auto tmp5 = at::vec::convert<at::BFloat16,1,float,2>(tmp4);
                    tmp5.store(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(768L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(768L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(12L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0L) && x0 < static_cast<int64_t>(12L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_14 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*', 'const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(6912L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(6912L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    auto tmp3 = at::vec::convert<float,2,at::BFloat16,1>(tmp2);
                    auto tmp4 = tmp1 + tmp3;
                    auto tmp5 = at::vec::convert<at::BFloat16,1,float,2>(tmp4);
                    tmp5.store(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(1296L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(1280L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(1280L) && x0 < static_cast<int64_t>(1296L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(12L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0L) && x0 < static_cast<int64_t>(12L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_15 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*', 'const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(6912L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(6912L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    auto tmp3 = at::vec::convert<float,2,at::BFloat16,1>(tmp2);
                    auto tmp4 = tmp1 + tmp3;
                    auto tmp5 = at::vec::convert<at::BFloat16,1,float,2>(tmp4);
                    tmp5.store(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(5184L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(5184L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(48L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(32L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(32L) && x0 < static_cast<int64_t>(48L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused_add_addcmul_mul_pixel_shuffle_pixel_unshuffle_split_sub_unsqueeze_16 = async_compile.cpp_pybinding(['const float*', 'const float*', 'const float*', 'const at::BFloat16*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       const at::BFloat16* in_ptr3,
                       float* out_ptr0)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(24L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(24L); x1+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(3L); x2+=static_cast<int64_t>(1L))
                {
                    #pragma GCC ivdep
                    for(int64_t x3=static_cast<int64_t>(0L); x3<static_cast<int64_t>(4L); x3+=static_cast<int64_t>(1L))
                    {
                        for(int64_t x4=static_cast<int64_t>(0L); x4<static_cast<int64_t>(4L); x4+=static_cast<int64_t>(16L))
                        {
                            {
                                if(C10_LIKELY(x4 >= static_cast<int64_t>(0L) && x4 < static_cast<int64_t>(4L)))
                                {
                                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(48L + x4 + 4L*x3 + 16L*x2), static_cast<int64_t>(4L));
                                    auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x4 + 4L*x3 + 16L*x2 + 48L*x1 + 1152L*x0), static_cast<int64_t>(4L));
                                    auto tmp3 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x4 + 4L*x3 + 16L*x2), static_cast<int64_t>(4L));
                                    auto tmp4 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x4 + 4L*x1 + 96L*x3 + 384L*x0 + 9216L*x2), static_cast<int64_t>(4L));
                                    auto tmp11 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x4 + 4L*x3 + 16L*x2 + 48L*x1 + 1152L*x0), static_cast<int64_t>(4L));
                                    auto tmp2 = tmp0 * tmp1;
                                    auto tmp5 = tmp4 - tmp1;
                                    auto tmp6 = tmp3 * tmp5;
                                    auto tmp7 = static_cast<float>(1.0);
                                    auto tmp8 = at::vec::Vectorized<float>(tmp7);
                                    auto tmp9 = tmp8 * tmp6;
                                    auto tmp10 = tmp2 + tmp9;
                                    auto tmp12 = at::vec::convert<float>(tmp11);
                                    auto tmp13 = static_cast<float>(0.1);
                                    auto tmp14 = at::vec::Vectorized<float>(tmp13);
                                    auto tmp15 = tmp12 * tmp14;
                                    auto tmp16 = tmp10 + tmp15;
                                    tmp16.store(out_ptr0 + static_cast<int64_t>(x4 + 4L*x1 + 96L*x3 + 384L*x0 + 9216L*x2), static_cast<int64_t>(4L));
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


async_compile.wait(globals())
del async_compile

class Runner:
    def __init__(self, partitions):
        self.partitions = partitions

    def recursively_apply_fns(self, fns):
        new_callables = []
        for fn, c in zip(fns, self.partitions):
            new_callables.append(fn(c))
        self.partitions = new_callables

    def call(self, args):
        arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1, arg6_1, arg7_1, arg8_1, arg9_1, arg10_1, arg11_1, arg12_1, arg13_1, arg14_1, arg15_1, arg16_1, arg17_1, arg18_1, arg19_1, arg20_1, arg21_1, arg22_1, arg23_1, arg24_1, arg25_1, arg26_1, arg27_1, arg28_1, arg29_1, arg30_1, arg31_1, arg32_1, arg33_1, arg34_1, arg35_1, arg36_1, arg37_1, arg38_1, arg39_1, arg40_1, arg41_1, arg42_1, arg43_1, arg44_1 = args
        args.clear()
        assert_size_stride(arg3_1, (1, ), (1, ), 'input')
        buf2 = empty_strided_cpu((1, 2), (2, 1), torch.float32)
        buf0 = reinterpret_tensor(buf2, (1, 1), (2, 1), 0)  # alias
        assert_size_stride(arg4_1, (1, ), (1, ), 'input')
        buf1 = reinterpret_tensor(buf2, (1, 1), (2, 1), 1)  # alias
        assert_size_stride(arg5_1, (16, ), (1, ), 'input')
        buf5 = empty_strided_cpu((1, 4, 16), (64, 16, 1), torch.float32)
        buf3 = reinterpret_tensor(buf5, (1, 2, 16), (64, 16, 1), 0)  # alias
        buf4 = reinterpret_tensor(buf5, (1, 2, 16), (64, 16, 1), 32)  # alias
        assert_size_stride_grouped((arg7_1, arg6_1), ((64, ), (64, 64)), ((1, ), (64, 1)), 'input')
        cpp_fused_cos_mul_sin_stack_sub_unsqueeze_0(arg3_1, arg4_1, buf2, arg5_1, buf0, buf1, buf3, buf4)
        del arg5_1
        del buf0
        del buf1
        del buf2
        del buf3
        del buf4
        buf6 = empty_strided_cpu((1, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [features, input_1], Original ATen: [aten.view, aten.t, aten.addmm]
        extern_kernels.addmm(arg7_1, reinterpret_tensor(buf5, (1, 64), (64, 1), 0), reinterpret_tensor(arg6_1, (64, 64), (1, 64), 0), alpha=1, beta=1, out=buf6)
        del arg6_1
        del arg7_1
        buf7 = buf6; del buf6  # reuse
        assert_size_stride_grouped((arg9_1, arg8_1), ((64, ), (64, 64)), ((1, ), (64, 1)), 'input')
        cpp_fused_silu_1(buf7)
        buf8 = reinterpret_tensor(buf5, (1, 64), (64, 1), 0); del buf5  # reuse
        # Topologically Sorted Source Nodes: [input_2, input_3], Original ATen: [aten.silu, aten.t, aten.addmm]
        extern_kernels.addmm(arg9_1, buf7, reinterpret_tensor(arg8_1, (64, 64), (1, 64), 0), alpha=1, beta=1, out=buf8)
        del arg8_1
        del arg9_1
        assert_size_stride(arg12_1, (1, 6), (6, 1), 'input')
        buf11 = empty_strided_cpu((1, 6), (6, 1), torch.float32)
        buf9 = reinterpret_tensor(buf11, (1, 5), (6, 1), 0)  # alias
        buf10 = reinterpret_tensor(buf11, (1, 1), (6, 1), 5)  # alias
        assert_size_stride_grouped((arg14_1, arg13_1), ((64, ), (64, 6)), ((1, ), (6, 1)), 'input')
        cpp_fused_cat_log1p_slice_2(arg12_1, buf9, buf10)
        del arg12_1
        del buf10
        del buf9
        buf12 = buf7; del buf7  # reuse
        # Topologically Sorted Source Nodes: [input_5], Original ATen: [aten.t, aten.addmm]
        extern_kernels.addmm(arg14_1, buf11, reinterpret_tensor(arg13_1, (6, 64), (1, 6), 0), alpha=1, beta=1, out=buf12)
        del arg13_1
        del arg14_1
        del buf11
        buf13 = buf12; del buf12  # reuse
        assert_size_stride_grouped((arg16_1, arg15_1), ((64, ), (64, 64)), ((1, ), (64, 1)), 'input')
        cpp_fused_silu_1(buf13)
        buf14 = empty_strided_cpu((1, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [input_6, input_7], Original ATen: [aten.silu, aten.t, aten.addmm]
        extern_kernels.addmm(arg16_1, buf13, reinterpret_tensor(arg15_1, (64, 64), (1, 64), 0), alpha=1, beta=1, out=buf14)
        del arg15_1
        del arg16_1
        del buf13
        assert_size_stride_grouped((arg10_1, arg11_1), ((1, ), (3, 64)), ((1, ), (64, 1)), 'input')
        buf15 = buf8; del buf8  # reuse
        buf17 = empty_strided_cpu((1, 64), (64, 1), torch.bfloat16)
        buf21 = empty_strided_cpu((1, 64), (64, 1), torch.bfloat16)
        buf25 = empty_strided_cpu((1, 64), (64, 1), torch.bfloat16)
        assert_size_stride_grouped((arg18_1, arg17_1), ((144, ), (144, 64)), ((1, ), (64, 1)), 'input')
        cpp_fused__to_copy_add_embedding_silu_3(buf15, arg10_1, arg11_1, buf14, buf17, buf21, buf25)
        del arg10_1
        del arg11_1
        del buf14
        buf16 = empty_strided_cpu((1, 144), (144, 1), torch.float32)
        # Topologically Sorted Source Nodes: [linear_4], Original ATen: [aten.t, aten.addmm]
        extern_kernels.addmm(arg18_1, buf15, reinterpret_tensor(arg17_1, (64, 144), (1, 64), 0), alpha=1, beta=1, out=buf16)
        del arg17_1
        del arg18_1
        del buf15
        assert_size_stride(arg21_1, (24, 64), (64, 1), 'input')
        buf18 = empty_strided_cpu((24, 64), (64, 1), torch.bfloat16)
        assert_size_stride(arg22_1, (24, ), (1, ), 'input')
        buf19 = empty_strided_cpu((24, ), (1, ), torch.bfloat16)
        cpp_fused__to_copy_4(arg21_1, arg22_1, buf18, buf19)
        del arg21_1
        del arg22_1
        buf20 = empty_strided_cpu((1, 24), (24, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [linear_5], Original ATen: [aten._to_copy, aten.t, aten.addmm]
        extern_kernels.addmm(buf19, buf17, reinterpret_tensor(buf18, (64, 24), (1, 64), 0), alpha=1, beta=1, out=buf20)
        del buf17
        assert_size_stride(arg29_1, (32, 64), (64, 1), 'input')
        buf22 = empty_strided_cpu((32, 64), (64, 1), torch.bfloat16)
        assert_size_stride(arg30_1, (32, ), (1, ), 'input')
        buf23 = empty_strided_cpu((32, ), (1, ), torch.bfloat16)
        cpp_fused__to_copy_5(arg29_1, arg30_1, buf22, buf23)
        del arg29_1
        del arg30_1
        buf24 = empty_strided_cpu((1, 32), (32, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [linear_6], Original ATen: [aten._to_copy, aten.t, aten.addmm]
        extern_kernels.addmm(buf23, buf21, reinterpret_tensor(buf22, (64, 32), (1, 64), 0), alpha=1, beta=1, out=buf24)
        del buf21
        del buf22
        del buf23
        assert_size_stride(arg37_1, (24, 64), (64, 1), 'input')
        buf26 = buf18; del buf18  # reuse
        assert_size_stride(arg38_1, (24, ), (1, ), 'input')
        buf27 = buf19; del buf19  # reuse
        cpp_fused__to_copy_4(arg37_1, arg38_1, buf26, buf27)
        del arg37_1
        del arg38_1
        buf28 = empty_strided_cpu((1, 24), (24, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [linear_7], Original ATen: [aten._to_copy, aten.t, aten.addmm]
        extern_kernels.addmm(buf27, buf25, reinterpret_tensor(buf26, (64, 24), (1, 64), 0), alpha=1, beta=1, out=buf28)
        del buf25
        del buf26
        del buf27
        assert_size_stride(arg2_1, (1, 3, 24, 24), (1728, 576, 24, 1), 'input')
        buf29 = empty_strided_cpu((1, 3, 28, 28), (2352, 1, 84, 3), torch.float32)
        assert_size_stride(arg0_1, (16, 5, 5), (25, 5, 1), 'input')
        buf30 = empty_strided_cpu((48, 5, 5), (25, 5, 1), torch.float32)
        cpp_fused_repeat_replication_pad2d_6(arg2_1, arg0_1, buf29, buf30)
        del arg0_1
        # Topologically Sorted Source Nodes: [padded, repeat, filters, upsampled], Original ATen: [aten.replication_pad2d, aten.repeat, aten.unsqueeze, aten.convolution]
        buf31 = extern_kernels.convolution(buf29, reinterpret_tensor(buf30, (48, 1, 5, 5), (25, 0, 5, 1), 0), stride=(1, 1), padding=(0, 0), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=3, bias=None)
        assert_tensor_metadata(buf31, (1, 48, 24, 24), (27648, 1, 1152, 48), torch.float32, 'torch.ops.aten.convolution.default')
        del buf29
        del buf30
        assert_size_stride(arg1_1, (1, 3, 96, 96), (27648, 9216, 96, 1), 'input')
        buf34 = empty_strided_cpu((1, 51, 24, 24), (29376, 576, 24, 1), torch.float32)
        buf32 = reinterpret_tensor(buf34, (1, 48, 24, 24), (29376, 576, 24, 1), 0)  # alias
        buf33 = reinterpret_tensor(buf34, (1, 3, 24, 24), (29376, 576, 24, 1), 27648)  # alias
        buf37 = empty_strided_cpu((1, 51, 1, 1), (51, 1, 51, 51), torch.float32)
        buf35 = reinterpret_tensor(buf37, (1, 48, 1, 1), (51, 1, 51, 51), 0)  # alias
        buf36 = reinterpret_tensor(buf37, (1, 3, 1, 1), (51, 1, 51, 51), 48)  # alias
        buf38 = empty_strided_cpu((1, 51, 24, 24), (29376, 1, 1224, 51), torch.bfloat16)
        assert_size_stride(arg19_1, (12, 51, 3, 3), (459, 1, 153, 51), 'input')
        buf39 = empty_strided_cpu((12, 51, 3, 3), (459, 1, 153, 51), torch.bfloat16)
        assert_size_stride(arg20_1, (12, ), (1, ), 'input')
        buf40 = empty_strided_cpu((12, ), (1, ), torch.bfloat16)
        cpp_fused__to_copy_add_cat_div_mul_new_ones_pixel_unshuffle_pow_rsub_split_sqrt_sub_unsqueeze_7(arg1_1, buf31, arg2_1, buf16, arg4_1, arg3_1, buf34, buf37, arg19_1, arg20_1, buf32, buf33, buf35, buf36, buf38, buf39, buf40)
        del arg19_1
        del arg20_1
        del arg2_1
        del arg3_1
        del arg4_1
        del buf32
        del buf33
        del buf34
        del buf35
        del buf36
        del buf37
        # Topologically Sorted Source Nodes: [features_1, x], Original ATen: [aten.mul, aten._to_copy, aten.convolution]
        buf41 = extern_kernels.convolution(buf38, buf39, buf40, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf41, (1, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        del buf38
        del buf39
        assert_size_stride(arg23_1, (12, 12, 3, 3), (108, 1, 36, 12), 'input')
        buf42 = empty_strided_cpu((12, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16)
        assert_size_stride(arg24_1, (12, ), (1, ), 'input')
        buf43 = buf40; del buf40  # reuse
        cpp_fused__to_copy_8(arg23_1, arg24_1, buf42, buf43)
        del arg23_1
        del arg24_1
        # Topologically Sorted Source Nodes: [conv2d_2], Original ATen: [aten._to_copy, aten.convolution]
        buf44 = extern_kernels.convolution(buf41, buf42, buf43, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf44, (1, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        buf45 = buf44; del buf44  # reuse
        assert_size_stride(arg25_1, (12, 12, 3, 3), (108, 1, 36, 12), 'input')
        buf46 = buf42; del buf42  # reuse
        assert_size_stride(arg26_1, (12, ), (1, ), 'input')
        buf47 = buf43; del buf43  # reuse
        cpp_fused__to_copy_add_addcmul_clamp_silu_split_unsqueeze_9(buf45, buf20, arg25_1, arg26_1, buf46, buf47)
        del arg25_1
        del arg26_1
        del buf20
        # Topologically Sorted Source Nodes: [getitem_8, chunk_1, add_4, addcmul_1, hidden, hidden_1, conv2d_3], Original ATen: [aten.unsqueeze, aten.split, aten.add, aten.addcmul, aten.silu, aten.clamp, aten._to_copy, aten.convolution]
        buf48 = extern_kernels.convolution(buf45, buf46, buf47, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf48, (1, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        del buf45
        buf49 = buf41; del buf41  # reuse
        assert_size_stride(arg27_1, (16, 12, 2, 2), (48, 1, 24, 12), 'input')
        buf50 = empty_strided_cpu((16, 12, 2, 2), (48, 1, 24, 12), torch.bfloat16)
        assert_size_stride(arg28_1, (16, ), (1, ), 'input')
        buf51 = empty_strided_cpu((16, ), (1, ), torch.bfloat16)
        cpp_fused__to_copy_add_10(buf49, buf48, arg27_1, arg28_1, buf50, buf51)
        del arg27_1
        del arg28_1
        del buf48
        # Topologically Sorted Source Nodes: [x_2], Original ATen: [aten._to_copy, aten.convolution]
        buf52 = extern_kernels.convolution(buf49, buf50, buf51, stride=(2, 2), padding=(0, 0), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf52, (1, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16, 'torch.ops.aten.convolution.default')
        assert_size_stride(arg31_1, (16, 16, 3, 3), (144, 1, 48, 16), 'input')
        buf53 = empty_strided_cpu((16, 16, 3, 3), (144, 1, 48, 16), torch.bfloat16)
        assert_size_stride(arg32_1, (16, ), (1, ), 'input')
        buf54 = buf51; del buf51  # reuse
        cpp_fused__to_copy_11(arg31_1, arg32_1, buf53, buf54)
        del arg31_1
        del arg32_1
        # Topologically Sorted Source Nodes: [conv2d_5], Original ATen: [aten._to_copy, aten.convolution]
        buf55 = extern_kernels.convolution(buf52, buf53, buf54, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf55, (1, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16, 'torch.ops.aten.convolution.default')
        buf56 = buf55; del buf55  # reuse
        assert_size_stride(arg33_1, (16, 16, 3, 3), (144, 1, 48, 16), 'input')
        buf57 = buf53; del buf53  # reuse
        assert_size_stride(arg34_1, (16, ), (1, ), 'input')
        buf58 = buf54; del buf54  # reuse
        cpp_fused__to_copy_add_addcmul_clamp_silu_split_unsqueeze_12(buf56, buf24, arg33_1, arg34_1, buf57, buf58)
        del arg33_1
        del arg34_1
        del buf24
        # Topologically Sorted Source Nodes: [getitem_11, chunk_2, add_6, addcmul_2, hidden_2, hidden_3, conv2d_6], Original ATen: [aten.unsqueeze, aten.split, aten.add, aten.addcmul, aten.silu, aten.clamp, aten._to_copy, aten.convolution]
        buf59 = extern_kernels.convolution(buf56, buf57, buf58, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf59, (1, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16, 'torch.ops.aten.convolution.default')
        del buf56
        del buf57
        del buf58
        buf60 = buf52; del buf52  # reuse
        assert_size_stride(arg35_1, (16, 12, 2, 2), (48, 1, 24, 12), 'input')
        buf61 = buf50; del buf50  # reuse
        assert_size_stride(arg36_1, (12, ), (1, ), 'input')
        buf62 = buf47; del buf47  # reuse
        cpp_fused__to_copy_add_13(buf60, buf59, arg35_1, arg36_1, buf61, buf62)
        del arg35_1
        del arg36_1
        del buf59
        # Topologically Sorted Source Nodes: [x_3, conv_transpose2d], Original ATen: [aten.add, aten._to_copy, aten.convolution]
        buf63 = extern_kernels.convolution(buf60, buf61, buf62, stride=(2, 2), padding=(0, 0), dilation=(1, 1), transposed=True, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf63, (1, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        del buf60
        del buf61
        buf64 = buf63; del buf63  # reuse
        assert_size_stride(arg39_1, (12, 12, 3, 3), (108, 1, 36, 12), 'input')
        buf65 = buf46; del buf46  # reuse
        assert_size_stride(arg40_1, (12, ), (1, ), 'input')
        buf66 = buf62; del buf62  # reuse
        cpp_fused__to_copy_add_14(buf64, buf49, arg39_1, arg40_1, buf65, buf66)
        del arg39_1
        del arg40_1
        del buf49
        # Topologically Sorted Source Nodes: [conv2d_7], Original ATen: [aten._to_copy, aten.convolution]
        buf67 = extern_kernels.convolution(buf64, buf65, buf66, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf67, (1, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        buf68 = buf67; del buf67  # reuse
        assert_size_stride(arg41_1, (12, 12, 3, 3), (108, 1, 36, 12), 'input')
        buf69 = buf65; del buf65  # reuse
        assert_size_stride(arg42_1, (12, ), (1, ), 'input')
        buf70 = buf66; del buf66  # reuse
        cpp_fused__to_copy_add_addcmul_clamp_silu_split_unsqueeze_9(buf68, buf28, arg41_1, arg42_1, buf69, buf70)
        del arg41_1
        del arg42_1
        del buf28
        # Topologically Sorted Source Nodes: [getitem_14, chunk_3, add_9, addcmul_3, hidden_4, hidden_5, conv2d_8], Original ATen: [aten.unsqueeze, aten.split, aten.add, aten.addcmul, aten.silu, aten.clamp, aten._to_copy, aten.convolution]
        buf71 = extern_kernels.convolution(buf68, buf69, buf70, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf71, (1, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        del buf68
        del buf69
        del buf70
        buf72 = buf64; del buf64  # reuse
        assert_size_stride(arg43_1, (48, 12, 3, 3), (108, 1, 36, 12), 'input')
        buf73 = empty_strided_cpu((48, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16)
        assert_size_stride(arg44_1, (48, ), (1, ), 'input')
        buf74 = empty_strided_cpu((48, ), (1, ), torch.bfloat16)
        cpp_fused__to_copy_add_15(buf72, buf71, arg43_1, arg44_1, buf73, buf74)
        del arg43_1
        del arg44_1
        del buf71
        # Topologically Sorted Source Nodes: [x_4, trunk], Original ATen: [aten.add, aten._to_copy, aten.convolution]
        buf75 = extern_kernels.convolution(buf72, buf73, buf74, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf75, (1, 48, 24, 24), (27648, 1, 1152, 48), torch.bfloat16, 'torch.ops.aten.convolution.default')
        del buf72
        del buf73
        del buf74
        buf76 = empty_strided_cpu((1, 3, 24, 4, 24, 4), (27648, 9216, 384, 96, 4, 1), torch.float32)
        cpp_fused_add_addcmul_mul_pixel_shuffle_pixel_unshuffle_split_sub_unsqueeze_16(buf16, buf31, arg1_1, buf75, buf76)
        del arg1_1
        return (reinterpret_tensor(buf76, (1, 3, 96, 96), (27648, 9216, 96, 1), 0), )

runner = Runner(partitions=[])
call = runner.call
recursively_apply_fns = runner.recursively_apply_fns


def get_args():
    from torch._dynamo.testing import rand_strided
    arg0_1 = rand_strided((16, 5, 5), (25, 5, 1), device='cpu', dtype=torch.float32)
    arg1_1 = rand_strided((1, 3, 96, 96), (27648, 9216, 96, 1), device='cpu', dtype=torch.float32)
    arg2_1 = rand_strided((1, 3, 24, 24), (1728, 576, 24, 1), device='cpu', dtype=torch.float32)
    arg3_1 = rand_strided((1, ), (1, ), device='cpu', dtype=torch.float32)
    arg4_1 = rand_strided((1, ), (1, ), device='cpu', dtype=torch.float32)
    arg5_1 = rand_strided((16, ), (1, ), device='cpu', dtype=torch.float32)
    arg6_1 = rand_strided((64, 64), (64, 1), device='cpu', dtype=torch.float32)
    arg7_1 = rand_strided((64, ), (1, ), device='cpu', dtype=torch.float32)
    arg8_1 = rand_strided((64, 64), (64, 1), device='cpu', dtype=torch.float32)
    arg9_1 = rand_strided((64, ), (1, ), device='cpu', dtype=torch.float32)
    arg10_1 = rand_strided((1, ), (1, ), device='cpu', dtype=torch.int64)
    arg11_1 = rand_strided((3, 64), (64, 1), device='cpu', dtype=torch.float32)
    arg12_1 = rand_strided((1, 6), (6, 1), device='cpu', dtype=torch.float32)
    arg13_1 = rand_strided((64, 6), (6, 1), device='cpu', dtype=torch.float32)
    arg14_1 = rand_strided((64, ), (1, ), device='cpu', dtype=torch.float32)
    arg15_1 = rand_strided((64, 64), (64, 1), device='cpu', dtype=torch.float32)
    arg16_1 = rand_strided((64, ), (1, ), device='cpu', dtype=torch.float32)
    arg17_1 = rand_strided((144, 64), (64, 1), device='cpu', dtype=torch.float32)
    arg18_1 = rand_strided((144, ), (1, ), device='cpu', dtype=torch.float32)
    arg19_1 = rand_strided((12, 51, 3, 3), (459, 1, 153, 51), device='cpu', dtype=torch.float32)
    arg20_1 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    arg21_1 = rand_strided((24, 64), (64, 1), device='cpu', dtype=torch.float32)
    arg22_1 = rand_strided((24, ), (1, ), device='cpu', dtype=torch.float32)
    arg23_1 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.float32)
    arg24_1 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    arg25_1 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.float32)
    arg26_1 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    arg27_1 = rand_strided((16, 12, 2, 2), (48, 1, 24, 12), device='cpu', dtype=torch.float32)
    arg28_1 = rand_strided((16, ), (1, ), device='cpu', dtype=torch.float32)
    arg29_1 = rand_strided((32, 64), (64, 1), device='cpu', dtype=torch.float32)
    arg30_1 = rand_strided((32, ), (1, ), device='cpu', dtype=torch.float32)
    arg31_1 = rand_strided((16, 16, 3, 3), (144, 1, 48, 16), device='cpu', dtype=torch.float32)
    arg32_1 = rand_strided((16, ), (1, ), device='cpu', dtype=torch.float32)
    arg33_1 = rand_strided((16, 16, 3, 3), (144, 1, 48, 16), device='cpu', dtype=torch.float32)
    arg34_1 = rand_strided((16, ), (1, ), device='cpu', dtype=torch.float32)
    arg35_1 = rand_strided((16, 12, 2, 2), (48, 1, 24, 12), device='cpu', dtype=torch.float32)
    arg36_1 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    arg37_1 = rand_strided((24, 64), (64, 1), device='cpu', dtype=torch.float32)
    arg38_1 = rand_strided((24, ), (1, ), device='cpu', dtype=torch.float32)
    arg39_1 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.float32)
    arg40_1 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    arg41_1 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.float32)
    arg42_1 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    arg43_1 = rand_strided((48, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.float32)
    arg44_1 = rand_strided((48, ), (1, ), device='cpu', dtype=torch.float32)
    return [arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1, arg6_1, arg7_1, arg8_1, arg9_1, arg10_1, arg11_1, arg12_1, arg13_1, arg14_1, arg15_1, arg16_1, arg17_1, arg18_1, arg19_1, arg20_1, arg21_1, arg22_1, arg23_1, arg24_1, arg25_1, arg26_1, arg27_1, arg28_1, arg29_1, arg30_1, arg31_1, arg32_1, arg33_1, arg34_1, arg35_1, arg36_1, arg37_1, arg38_1, arg39_1, arg40_1, arg41_1, arg42_1, arg43_1, arg44_1]


def benchmark_compiled_module(args, times=10, repeat=10):
    from torch._inductor.utils import print_performance
    fn = lambda: call(list(args))
    return print_performance(fn, times=times, repeat=repeat, device='cpu')


if __name__ == "__main__":
    from torch._inductor.wrapper_benchmark import compiled_module_main
    args = get_args()
    compiled_module_main('None', lambda times, repeat: benchmark_compiled_module(args, times=times, repeat=repeat))
