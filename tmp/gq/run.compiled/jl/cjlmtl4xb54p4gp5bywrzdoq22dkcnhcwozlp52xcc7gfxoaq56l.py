# AOT ID: ['1_forward']
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


cpp_fused_repeat_replication_pad2d_0 = async_compile.cpp_pybinding(['const float*', 'const float*', 'const float*', 'float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(3L); x1+=static_cast<int64_t>(16L))
            {
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(9216L); x2+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0L) && x1 < static_cast<int64_t>(3L) && x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(9216L)))
                        {
                            alignas(std::max(std::size_t(16), alignof(float))) float tmp1[16*16];
                            for (long x1_inner = 0; x1_inner < static_cast<int64_t>(3L); x1_inner++)
                            {
                                auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x2 + 9216L*x1 + 9216L*x1_inner + 27648L*x0), static_cast<int64_t>(16));
                                tmp0.store(tmp1 + static_cast<int64_t>(16L*x1_inner));
                            }
                            transpose_mxn<float,static_cast<int64_t>(3L),static_cast<int64_t>(16),false>(tmp1, static_cast<int64_t>(16), out_ptr0 + static_cast<int64_t>(x1 + 3L*x2 + 27648L*x0), static_cast<int64_t>(3L));
                        }
                    }
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(28L); x1+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(28L); x2+=static_cast<int64_t>(1L))
                {
                    #pragma GCC ivdep
                    for(int64_t x3=static_cast<int64_t>(0L); x3<static_cast<int64_t>(3L); x3+=static_cast<int64_t>(1L))
                    {
                        {
                            {
                                auto tmp0 = in_ptr1[static_cast<int64_t>(24L*std::min(static_cast<int64_t>(23L), static_cast<int64_t>(std::max(static_cast<int64_t>(0L), static_cast<int64_t>((-2L) + x1)))) + 576L*x3 + 1728L*x0 + std::min(static_cast<int64_t>(23L), static_cast<int64_t>(std::max(static_cast<int64_t>(0L), static_cast<int64_t>((-2L) + x2)))))];
                                out_ptr1[static_cast<int64_t>(x3 + 3L*x2 + 84L*x1 + 2352L*x0)] = tmp0;
                            }
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
                        auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x1 + 25L*((static_cast<int64_t>(x0) % static_cast<int64_t>(16L)))), static_cast<int64_t>(16));
                        tmp0.store(out_ptr2 + static_cast<int64_t>(x1 + 25L*x0));
                    }
                    if(C10_UNLIKELY(x1 >= static_cast<int64_t>(16L) && x1 < static_cast<int64_t>(25L)))
                    {
                        auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x1 + 25L*((static_cast<int64_t>(x0) % static_cast<int64_t>(16L)))), static_cast<int64_t>(9L));
                        tmp0.store(out_ptr2 + static_cast<int64_t>(x1 + 25L*x0), static_cast<int64_t>(9L));
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused_add_cos_div_mul_pow_rsub_sin_sqrt_stack_sub_unsqueeze_1 = async_compile.cpp_pybinding(['const float*', 'const float*', 'const float*', 'const float*', 'float*', 'float*', 'float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       const float* in_ptr3,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2,
                       float* out_ptr3,
                       float* out_ptr4)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0L) && x0 < static_cast<int64_t>(4L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(4L));
                    auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(4L));
                    auto tmp2 = tmp0 - tmp1;
                    auto tmp3 = static_cast<float>(1.0);
                    auto tmp4 = at::vec::Vectorized<float>(tmp3);
                    auto tmp5 = tmp4 - tmp1;
                    auto tmp6 = tmp4 - tmp0;
                    auto tmp7 = static_cast<float>(0.1);
                    auto tmp8 = at::vec::Vectorized<float>(tmp7);
                    auto tmp9 = tmp6 * tmp8;
                    auto tmp10 = tmp9 * tmp9;
                    auto tmp11 = tmp0 * tmp8;
                    auto tmp12 = tmp11 * tmp11;
                    auto tmp13 = tmp10 + tmp12;
                    auto tmp14 = tmp13.sqrt();
                    auto tmp15 = tmp5 / tmp14;
                    [&]
                    {
                        __at_align__ std::array<float, 16> tmpbuf;
                        tmp0.store(tmpbuf.data(), static_cast<int64_t>(4L));
                        #pragma GCC unroll 16
                        for (long x0_inner = 0; x0_inner < static_cast<int64_t>(4L); x0_inner++)
                        {
                            out_ptr0[static_cast<int64_t>(2L*x0 + 2L*x0_inner)] = tmpbuf[x0_inner];
                        }
                    }
                    ()
                    ;
                    [&]
                    {
                        __at_align__ std::array<float, 16> tmpbuf;
                        tmp2.store(tmpbuf.data(), static_cast<int64_t>(4L));
                        #pragma GCC unroll 16
                        for (long x0_inner = 0; x0_inner < static_cast<int64_t>(4L); x0_inner++)
                        {
                            out_ptr1[static_cast<int64_t>(2L*x0 + 2L*x0_inner)] = tmpbuf[x0_inner];
                        }
                    }
                    ()
                    ;
                    tmp15.store(out_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(4L));
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(2L); x1+=static_cast<int64_t>(1L))
            {
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(16L); x2+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(16L)))
                        {
                            auto tmp0 = in_ptr2[static_cast<int64_t>(x1 + 2L*x0)];
                            auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x2), static_cast<int64_t>(16));
                            auto tmp2 = at::vec::Vectorized<float>(tmp0);
                            auto tmp3 = tmp2 * tmp1;
                            auto tmp4 = tmp3.sin();
                            auto tmp5 = tmp3.cos();
                            tmp4.store(out_ptr3 + static_cast<int64_t>(x2 + 16L*x1 + 64L*x0));
                            tmp5.store(out_ptr4 + static_cast<int64_t>(x2 + 16L*x1 + 64L*x0));
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


cpp_fused_silu_2 = async_compile.cpp_pybinding(['const float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       float* out_ptr0)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(256L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(256L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = tmp0.neg();
                    auto tmp2 = tmp1.exp();
                    auto tmp3 = static_cast<float>(1.0);
                    auto tmp4 = at::vec::Vectorized<float>(tmp3);
                    auto tmp5 = tmp2 + tmp4;
                    auto tmp6 = tmp0 / tmp5;
                    tmp6.store(out_ptr0 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused_cat_log1p_slice_3 = async_compile.cpp_pybinding(['const float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       float* out_ptr0,
                       float* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(5L); x1+=static_cast<int64_t>(16L))
            {
                {
                    if(C10_LIKELY(x1 >= static_cast<int64_t>(0L) && x1 < static_cast<int64_t>(5L)))
                    {
                        auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 6L*x0), static_cast<int64_t>(5L));
                        auto tmp1 = tmp0.log1p();
                        tmp1.store(out_ptr0 + static_cast<int64_t>(x1 + 6L*x0), static_cast<int64_t>(5L));
                    }
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            {
                {
                    auto tmp0 = in_ptr0[static_cast<int64_t>(5L + 6L*x0)];
                    out_ptr1[static_cast<int64_t>(6L*x0)] = tmp0;
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_embedding_silu_4 = async_compile.cpp_pybinding(['float*', 'const float*', 'const int64_t*', 'const float*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(float* in_out_ptr0,
                       const float* in_ptr0,
                       const int64_t* in_ptr1,
                       const float* in_ptr2,
                       at::BFloat16* out_ptr0)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(64L); x1+=static_cast<int64_t>(16L))
            {
                {
                    if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(64L)))
                    {
                        auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 64L*x0), static_cast<int64_t>(16));
                        auto tmp7 = in_ptr1[static_cast<int64_t>(x0)];
                        auto tmp13 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(x1 + 64L*x0), static_cast<int64_t>(16));
                        auto tmp1 = tmp0.neg();
                        auto tmp2 = tmp1.exp();
                        auto tmp3 = static_cast<float>(1.0);
                        auto tmp4 = at::vec::Vectorized<float>(tmp3);
                        auto tmp5 = tmp2 + tmp4;
                        auto tmp6 = tmp0 / tmp5;
                        auto tmp8 = tmp7;
                        auto tmp9 = c10::convert<int64_t>(tmp8);
                        TORCH_CHECK((0 <= tmp9) & (tmp9 < 3L), "index out of bounds: 0 <= tmp9 < 3L");
                        auto tmp11 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x1 + 64L*tmp7), static_cast<int64_t>(16));
                        auto tmp12 = tmp6 + tmp11;
                        auto tmp14 = tmp12 + tmp13;
                        auto tmp15 = at::vec::convert<at::BFloat16>(tmp14);
                        tmp14.store(in_out_ptr0 + static_cast<int64_t>(x1 + 64L*x0));
                        tmp15.store(out_ptr0 + static_cast<int64_t>(x1 + 64L*x0), static_cast<int64_t>(16));
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_cat_div_mul_new_ones_pixel_unshuffle_pow_rsub_split_sqrt_sub_unsqueeze_5 = async_compile.cpp_pybinding(['const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'const float*', 'float*', 'float*', 'float*', 'float*', 'float*', 'at::BFloat16*', 'at::BFloat16*', 'at::BFloat16*'], r'''
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
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2,
                       float* out_ptr3,
                       float* out_ptr4,
                       at::BFloat16* out_ptr5,
                       at::BFloat16* out_ptr6,
                       at::BFloat16* out_ptr7)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(24L); x1+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(24L); x2+=static_cast<int64_t>(1L))
                {
                    #pragma GCC ivdep
                    for(int64_t x3=static_cast<int64_t>(0L); x3<static_cast<int64_t>(48L); x3+=static_cast<int64_t>(1L))
                    {
                        {
                            {
                                auto tmp0 = in_ptr0[static_cast<int64_t>(3L*((static_cast<int64_t>(x3) % static_cast<int64_t>(4L))) + 12L*x2 + 288L*((static_cast<int64_t>(c10::div_floor_integer(static_cast<int64_t>(x3), static_cast<int64_t>(4L))) % static_cast<int64_t>(4L))) + 1152L*x1 + 27648L*x0 + (c10::div_floor_integer(static_cast<int64_t>(x3), static_cast<int64_t>(16L))))];
                                auto tmp1 = in_ptr1[static_cast<int64_t>(x3 + 48L*x2 + 1152L*x1 + 27648L*x0)];
                                auto tmp2 = float(tmp0 - tmp1);
                                out_ptr0[static_cast<int64_t>(x2 + 24L*x1 + 576L*x3 + 29376L*x0)] = tmp2;
                            }
                        }
                    }
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(1728L); x1+=static_cast<int64_t>(16L))
            {
                {
                    if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(1728L)))
                    {
                        auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x1 + 1728L*x0), static_cast<int64_t>(16));
                        tmp0.store(out_ptr1 + static_cast<int64_t>(x1 + 29376L*x0));
                    }
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(51L); x1+=static_cast<int64_t>(16L))
            {
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(576L); x2+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(48L) && x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(576L)))
                        {
                            alignas(std::max(std::size_t(16), alignof(float))) float tmp1[16*16];
                            for (long x1_inner = 0; x1_inner < static_cast<int64_t>(16); x1_inner++)
                            {
                                auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x2 + 576L*x1 + 576L*x1_inner + 29376L*x0), static_cast<int64_t>(16));
                                tmp0.store(tmp1 + static_cast<int64_t>(16L*x1_inner));
                            }
                            transpose_mxn<float,static_cast<int64_t>(16),static_cast<int64_t>(16),false>(tmp1, static_cast<int64_t>(16), out_ptr2 + static_cast<int64_t>(x1 + 51L*x2 + 29376L*x0), static_cast<int64_t>(51L));
                        }
                        if(C10_UNLIKELY(x1 >= static_cast<int64_t>(48L) && x1 < static_cast<int64_t>(51L) && x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(576L)))
                        {
                            alignas(std::max(std::size_t(16), alignof(float))) float tmp1[16*16];
                            for (long x1_inner = 0; x1_inner < static_cast<int64_t>(3L); x1_inner++)
                            {
                                auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x2 + 576L*x1 + 576L*x1_inner + 29376L*x0), static_cast<int64_t>(16));
                                tmp0.store(tmp1 + static_cast<int64_t>(16L*x1_inner));
                            }
                            transpose_mxn<float,static_cast<int64_t>(3L),static_cast<int64_t>(16),false>(tmp1, static_cast<int64_t>(16), out_ptr2 + static_cast<int64_t>(x1 + 51L*x2 + 29376L*x0), static_cast<int64_t>(51L));
                        }
                    }
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(48L); x1+=static_cast<int64_t>(16L))
            {
                {
                    if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(48L)))
                    {
                        auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr4 + static_cast<int64_t>(96L + x1 + 144L*x0), static_cast<int64_t>(16));
                        auto tmp4 = in_ptr5[static_cast<int64_t>(x0)];
                        auto tmp1 = static_cast<float>(1.0);
                        auto tmp2 = at::vec::Vectorized<float>(tmp1);
                        auto tmp3 = tmp0 + tmp2;
                        auto tmp5 = at::vec::Vectorized<float>(tmp4);
                        auto tmp6 = tmp3 * tmp5;
                        tmp6.store(out_ptr3 + static_cast<int64_t>(x1 + 51L*x0));
                    }
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(3L); x1+=static_cast<int64_t>(1L))
            {
                {
                    {
                        auto tmp0 = static_cast<float>(1.0);
                        out_ptr4[static_cast<int64_t>(x1 + 51L*x0)] = tmp0;
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
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr6 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr5 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(5504L) && x0 < static_cast<int64_t>(5508L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr6 + static_cast<int64_t>(x0), static_cast<int64_t>(4L));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr5 + static_cast<int64_t>(x0), static_cast<int64_t>(4L));
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(576L); x1+=static_cast<int64_t>(1L))
            {
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(51L); x2+=static_cast<int64_t>(32L))
                {
                    {
                        if(C10_LIKELY(x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(32L)))
                        {
                            auto tmp0 = at::vec::VectorizedN<float,2>::loadu(out_ptr2 + static_cast<int64_t>(x2 + 51L*x1 + 29376L*x0), static_cast<int64_t>(32));
                            auto tmp1 = at::vec::VectorizedN<float,2>::loadu(in_ptr7 + static_cast<int64_t>(x2 + 51L*x0), static_cast<int64_t>(32));
                            auto tmp2 = tmp0 * tmp1;
                            auto tmp3 = at::vec::convert<at::BFloat16,1,float,2>(tmp2);
                            tmp3.store(out_ptr6 + static_cast<int64_t>(x2 + 51L*x1 + 29376L*x0), static_cast<int64_t>(32));
                        }
                        if(C10_UNLIKELY(x2 >= static_cast<int64_t>(32L) && x2 < static_cast<int64_t>(51L)))
                        {
                            auto tmp0 = at::vec::VectorizedN<float,2>::loadu(out_ptr2 + static_cast<int64_t>(x2 + 51L*x1 + 29376L*x0), static_cast<int64_t>(19L));
                            auto tmp1 = at::vec::VectorizedN<float,2>::loadu(in_ptr7 + static_cast<int64_t>(x2 + 51L*x0), static_cast<int64_t>(19L));
                            auto tmp2 = tmp0 * tmp1;
                            auto tmp3 = at::vec::convert<at::BFloat16,1,float,2>(tmp2);
                            tmp3.store(out_ptr6 + static_cast<int64_t>(x2 + 51L*x1 + 29376L*x0), static_cast<int64_t>(19L));
                        }
                    }
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
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr8 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr7 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_6 = async_compile.cpp_pybinding(['const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
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


cpp_fused__to_copy_7 = async_compile.cpp_pybinding(['const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
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


cpp_fused__to_copy_add_addcmul_clamp_silu_split_unsqueeze_8 = async_compile.cpp_pybinding(['const at::BFloat16*', 'const at::BFloat16*', 'const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const at::BFloat16* in_ptr0,
                       const at::BFloat16* in_ptr1,
                       const float* in_ptr2,
                       const float* in_ptr3,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1,
                       at::BFloat16* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(576L); x1+=static_cast<int64_t>(1L))
            {
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(12L); x2+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x2 >= static_cast<int64_t>(0L) && x2 < static_cast<int64_t>(12L)))
                        {
                            auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(12L + x2 + 24L*x0), static_cast<int64_t>(12L));
                            auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x2 + 12L*x1 + 6912L*x0), static_cast<int64_t>(12L));
                            auto tmp4 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x2 + 24L*x0), static_cast<int64_t>(12L));
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
                            tmp21.store(out_ptr0 + static_cast<int64_t>(x2 + 12L*x1 + 6912L*x0), static_cast<int64_t>(12L));
                        }
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
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(1280L) && x0 < static_cast<int64_t>(1296L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
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
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_9 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*', 'const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
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
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(27648L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(27648L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
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


cpp_fused__to_copy_10 = async_compile.cpp_pybinding(['const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*'], r'''
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


cpp_fused__to_copy_add_addcmul_clamp_silu_split_unsqueeze_12 = async_compile.cpp_pybinding(['const at::BFloat16*', 'const at::BFloat16*', 'const float*', 'const float*', 'at::BFloat16*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const at::BFloat16* in_ptr0,
                       const at::BFloat16* in_ptr1,
                       const float* in_ptr2,
                       const float* in_ptr3,
                       at::BFloat16* out_ptr0,
                       at::BFloat16* out_ptr1,
                       at::BFloat16* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(144L); x1+=static_cast<int64_t>(1L))
            {
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(16L); x2+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(16L)))
                        {
                            auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(16L + x2 + 32L*x0), static_cast<int64_t>(16));
                            auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x2 + 16L*x1 + 2304L*x0), static_cast<int64_t>(16));
                            auto tmp4 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x2 + 32L*x0), static_cast<int64_t>(16));
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
                            tmp21.store(out_ptr0 + static_cast<int64_t>(x2 + 16L*x1 + 2304L*x0), static_cast<int64_t>(16));
                        }
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
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<at::BFloat16,1,float,2>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
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
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
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
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(9216L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(9216L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
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
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(27648L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(27648L)))
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
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(1536L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(1536L)))
                {
                    auto tmp0 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
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
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<at::BFloat16>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(16L) && x0 < static_cast<int64_t>(24L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(8L));
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
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(27648L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(27648L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
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
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(24L); x1+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(24L); x2+=static_cast<int64_t>(1L))
                {
                    for(int64_t x3=static_cast<int64_t>(0L); x3<static_cast<int64_t>(3L); x3+=static_cast<int64_t>(16L))
                    {
                        #pragma GCC ivdep
                        for(int64_t x4=static_cast<int64_t>(0L); x4<static_cast<int64_t>(4L); x4+=static_cast<int64_t>(1L))
                        {
                            for(int64_t x5=static_cast<int64_t>(0L); x5<static_cast<int64_t>(4L); x5+=static_cast<int64_t>(16L))
                            {
                                {
                                    if(C10_LIKELY(x3 >= static_cast<int64_t>(0L) && x3 < static_cast<int64_t>(3L) && x5 >= static_cast<int64_t>(0L) && x5 < static_cast<int64_t>(4L)))
                                    {
                                        alignas(std::max(std::size_t(16), alignof(float))) float tmp4[16*16];
                                        transpose_mxn<float,static_cast<int64_t>(4L),static_cast<int64_t>(3L),false>(in_ptr2 + static_cast<int64_t>(x3 + 3L*x5 + 12L*x2 + 288L*x4 + 1152L*x1 + 27648L*x0), static_cast<int64_t>(3L), tmp4, static_cast<int64_t>(4L));
                                        for (long x3_inner = 0; x3_inner < static_cast<int64_t>(3L); x3_inner++)
                                        {
                                            auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(48L + x5 + 4L*x4 + 16L*x3 + 16L*x3_inner + 144L*x0), static_cast<int64_t>(4L));
                                            auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x5 + 4L*x4 + 16L*x3 + 16L*x3_inner + 48L*x2 + 1152L*x1 + 27648L*x0), static_cast<int64_t>(4L));
                                            auto tmp3 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x5 + 4L*x4 + 16L*x3 + 16L*x3_inner + 144L*x0), static_cast<int64_t>(4L));
                                            auto tmp5 = at::vec::Vectorized<float>::loadu(tmp4 + static_cast<int64_t>(4L*x3_inner), static_cast<int64_t>(4L));
                                            auto tmp12 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x5 + 4L*x4 + 16L*x3 + 16L*x3_inner + 48L*x2 + 1152L*x1 + 27648L*x0), static_cast<int64_t>(4L));
                                            auto tmp2 = tmp0 * tmp1;
                                            auto tmp6 = tmp5 - tmp1;
                                            auto tmp7 = tmp3 * tmp6;
                                            auto tmp8 = static_cast<float>(1.0);
                                            auto tmp9 = at::vec::Vectorized<float>(tmp8);
                                            auto tmp10 = tmp9 * tmp7;
                                            auto tmp11 = tmp2 + tmp10;
                                            auto tmp13 = at::vec::convert<float>(tmp12);
                                            auto tmp14 = static_cast<float>(0.1);
                                            auto tmp15 = at::vec::Vectorized<float>(tmp14);
                                            auto tmp16 = tmp13 * tmp15;
                                            auto tmp17 = tmp11 + tmp16;
                                            tmp17.store(out_ptr0 + static_cast<int64_t>(x5 + 4L*x2 + 96L*x4 + 384L*x1 + 9216L*x3 + 9216L*x3_inner + 27648L*x0), static_cast<int64_t>(4L));
                                        }
                                    }
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
        primals_1, primals_2, primals_3, primals_4, primals_5, primals_6, primals_7, primals_8, primals_9, primals_10, primals_11, primals_12, primals_13, primals_14, primals_15, primals_16, primals_17, primals_18, primals_19, primals_20, primals_21, primals_22, primals_23, primals_24, primals_25, primals_26, primals_27, primals_28, primals_29, primals_30, primals_31, primals_32, primals_33, primals_34, primals_35, primals_36, primals_37, primals_38, primals_39, primals_40, primals_41, primals_42, primals_43, primals_44, primals_45 = args
        args.clear()
        assert_size_stride(primals_2, (4, 3, 96, 96), (27648, 9216, 96, 1), 'input')
        buf0 = empty_strided_cpu((4, 3, 96, 96), (27648, 1, 288, 3), torch.float32)
        assert_size_stride(primals_3, (4, 3, 24, 24), (1728, 576, 24, 1), 'input')
        buf1 = empty_strided_cpu((4, 3, 28, 28), (2352, 1, 84, 3), torch.float32)
        assert_size_stride(primals_1, (16, 5, 5), (25, 5, 1), 'input')
        buf2 = empty_strided_cpu((48, 5, 5), (25, 5, 1), torch.float32)
        cpp_fused_repeat_replication_pad2d_0(primals_2, primals_3, primals_1, buf0, buf1, buf2)
        del primals_1
        del primals_2
        # Topologically Sorted Source Nodes: [repeat, filters, padded, upsampled], Original ATen: [aten.repeat, aten.unsqueeze, aten.replication_pad2d, aten.convolution]
        buf3 = extern_kernels.convolution(buf1, reinterpret_tensor(buf2, (48, 1, 5, 5), (25, 0, 5, 1), 0), stride=(1, 1), padding=(0, 0), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=3, bias=None)
        assert_tensor_metadata(buf3, (4, 48, 24, 24), (27648, 1, 1152, 48), torch.float32, 'torch.ops.aten.convolution.default')
        del buf1
        del buf2
        assert_size_stride_grouped((primals_4, primals_5), ((4, ), (4, )), ((1, ), (1, )), 'input')
        buf6 = empty_strided_cpu((4, 2), (2, 1), torch.float32)
        buf4 = reinterpret_tensor(buf6, (4, 1), (2, 1), 0)  # alias
        buf5 = reinterpret_tensor(buf6, (4, 1), (2, 1), 1)  # alias
        buf25 = empty_strided_cpu((4, ), (1, ), torch.float32)
        assert_size_stride(primals_6, (16, ), (1, ), 'input')
        buf9 = empty_strided_cpu((4, 4, 16), (64, 16, 1), torch.float32)
        buf7 = reinterpret_tensor(buf9, (4, 2, 16), (64, 16, 1), 0)  # alias
        buf8 = reinterpret_tensor(buf9, (4, 2, 16), (64, 16, 1), 32)  # alias
        assert_size_stride_grouped((primals_8, primals_7), ((64, ), (64, 64)), ((1, ), (64, 1)), 'input')
        cpp_fused_add_cos_div_mul_pow_rsub_sin_sqrt_stack_sub_unsqueeze_1(primals_4, primals_5, buf6, primals_6, buf4, buf5, buf25, buf7, buf8)
        del buf4
        del buf5
        del buf6
        del primals_4
        del primals_5
        del primals_6
        buf10 = empty_strided_cpu((4, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [features, input_1], Original ATen: [aten.view, aten.t, aten.addmm]
        extern_kernels.addmm(primals_8, reinterpret_tensor(buf9, (4, 64), (64, 1), 0), reinterpret_tensor(primals_7, (64, 64), (1, 64), 0), alpha=1, beta=1, out=buf10)
        del primals_7
        del primals_8
        buf11 = empty_strided_cpu((4, 64), (64, 1), torch.float32)
        assert_size_stride_grouped((primals_10, primals_9), ((64, ), (64, 64)), ((1, ), (64, 1)), 'input')
        cpp_fused_silu_2(buf10, buf11)
        buf12 = empty_strided_cpu((4, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [input_3], Original ATen: [aten.t, aten.addmm]
        extern_kernels.addmm(primals_10, buf11, reinterpret_tensor(primals_9, (64, 64), (1, 64), 0), alpha=1, beta=1, out=buf12)
        del primals_10
        assert_size_stride(primals_13, (4, 6), (6, 1), 'input')
        buf15 = empty_strided_cpu((4, 6), (6, 1), torch.float32)
        buf13 = reinterpret_tensor(buf15, (4, 5), (6, 1), 0)  # alias
        buf14 = reinterpret_tensor(buf15, (4, 1), (6, 1), 5)  # alias
        assert_size_stride_grouped((primals_15, primals_14), ((64, ), (64, 6)), ((1, ), (6, 1)), 'input')
        cpp_fused_cat_log1p_slice_3(primals_13, buf13, buf14)
        del primals_13
        buf16 = empty_strided_cpu((4, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [input_5], Original ATen: [aten.t, aten.addmm]
        extern_kernels.addmm(primals_15, buf15, reinterpret_tensor(primals_14, (6, 64), (1, 6), 0), alpha=1, beta=1, out=buf16)
        del primals_14
        del primals_15
        buf17 = empty_strided_cpu((4, 64), (64, 1), torch.float32)
        assert_size_stride_grouped((primals_17, primals_16), ((64, ), (64, 64)), ((1, ), (64, 1)), 'input')
        cpp_fused_silu_2(buf16, buf17)
        buf18 = empty_strided_cpu((4, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [input_7], Original ATen: [aten.t, aten.addmm]
        extern_kernels.addmm(primals_17, buf17, reinterpret_tensor(primals_16, (64, 64), (1, 64), 0), alpha=1, beta=1, out=buf18)
        del primals_17
        assert_size_stride_grouped((primals_11, primals_12), ((4, ), (3, 64)), ((1, ), (64, 1)), 'input')
        buf19 = buf18; del buf18  # reuse
        buf33 = empty_strided_cpu((4, 64), (64, 1), torch.bfloat16)
        assert_size_stride_grouped((primals_19, primals_18), ((144, ), (144, 64)), ((1, ), (64, 1)), 'input')
        cpp_fused__to_copy_add_embedding_silu_4(buf19, buf12, primals_11, primals_12, buf33)
        del primals_12
        buf20 = empty_strided_cpu((4, 144), (144, 1), torch.float32)
        # Topologically Sorted Source Nodes: [linear_4], Original ATen: [aten.t, aten.addmm]
        extern_kernels.addmm(primals_19, buf19, reinterpret_tensor(primals_18, (64, 144), (1, 64), 0), alpha=1, beta=1, out=buf20)
        del primals_19
        buf23 = empty_strided_cpu((4, 51, 24, 24), (29376, 576, 24, 1), torch.float32)
        buf21 = reinterpret_tensor(buf23, (4, 48, 24, 24), (29376, 576, 24, 1), 0)  # alias
        buf22 = reinterpret_tensor(buf23, (4, 3, 24, 24), (29376, 576, 24, 1), 27648)  # alias
        buf24 = empty_strided_cpu((4, 51, 24, 24), (29376, 1, 1224, 51), torch.float32)
        buf28 = empty_strided_cpu((4, 51, 1, 1), (51, 1, 51, 51), torch.float32)
        buf26 = reinterpret_tensor(buf28, (4, 48, 1, 1), (51, 1, 51, 51), 0)  # alias
        buf27 = reinterpret_tensor(buf28, (4, 3, 1, 1), (51, 1, 51, 51), 48)  # alias
        assert_size_stride(primals_20, (12, 51, 3, 3), (459, 1, 153, 51), 'input')
        buf29 = empty_strided_cpu((12, 51, 3, 3), (459, 1, 153, 51), torch.bfloat16)
        buf30 = empty_strided_cpu((4, 51, 24, 24), (29376, 1, 1224, 51), torch.bfloat16)
        assert_size_stride(primals_21, (12, ), (1, ), 'input')
        buf31 = empty_strided_cpu((12, ), (1, ), torch.bfloat16)
        cpp_fused__to_copy_add_cat_div_mul_new_ones_pixel_unshuffle_pow_rsub_split_sqrt_sub_unsqueeze_5(buf0, buf3, primals_3, buf23, buf20, buf25, primals_20, buf28, primals_21, buf21, buf22, buf24, buf26, buf27, buf29, buf30, buf31)
        del buf21
        del buf22
        del buf23
        del buf26
        del buf27
        del buf28
        del primals_20
        del primals_21
        del primals_3
        # Topologically Sorted Source Nodes: [x], Original ATen: [aten._to_copy, aten.convolution]
        buf32 = extern_kernels.convolution(buf30, buf29, buf31, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf32, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        assert_size_stride(primals_22, (24, 64), (64, 1), 'input')
        buf34 = empty_strided_cpu((24, 64), (64, 1), torch.bfloat16)
        assert_size_stride(primals_23, (24, ), (1, ), 'input')
        buf35 = empty_strided_cpu((24, ), (1, ), torch.bfloat16)
        cpp_fused__to_copy_6(primals_22, primals_23, buf34, buf35)
        del primals_22
        del primals_23
        buf36 = empty_strided_cpu((4, 24), (24, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [linear_5], Original ATen: [aten._to_copy, aten.t, aten.addmm]
        extern_kernels.addmm(buf35, buf33, reinterpret_tensor(buf34, (64, 24), (1, 64), 0), alpha=1, beta=1, out=buf36)
        assert_size_stride(primals_24, (12, 12, 3, 3), (108, 1, 36, 12), 'input')
        buf37 = empty_strided_cpu((12, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16)
        assert_size_stride(primals_25, (12, ), (1, ), 'input')
        buf38 = buf31; del buf31  # reuse
        cpp_fused__to_copy_7(primals_24, primals_25, buf37, buf38)
        del primals_24
        del primals_25
        # Topologically Sorted Source Nodes: [conv2d_2], Original ATen: [aten._to_copy, aten.convolution]
        buf39 = extern_kernels.convolution(buf32, buf37, buf38, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf39, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        buf40 = empty_strided_cpu((4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16)
        assert_size_stride(primals_26, (12, 12, 3, 3), (108, 1, 36, 12), 'input')
        buf41 = empty_strided_cpu((12, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16)
        assert_size_stride(primals_27, (12, ), (1, ), 'input')
        buf42 = buf38; del buf38  # reuse
        cpp_fused__to_copy_add_addcmul_clamp_silu_split_unsqueeze_8(buf36, buf39, primals_26, primals_27, buf40, buf41, buf42)
        del primals_26
        del primals_27
        # Topologically Sorted Source Nodes: [conv2d_3], Original ATen: [aten._to_copy, aten.convolution]
        buf43 = extern_kernels.convolution(buf40, buf41, buf42, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf43, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        buf44 = buf43; del buf43  # reuse
        assert_size_stride(primals_28, (16, 12, 2, 2), (48, 1, 24, 12), 'input')
        buf45 = empty_strided_cpu((16, 12, 2, 2), (48, 1, 24, 12), torch.bfloat16)
        assert_size_stride(primals_29, (16, ), (1, ), 'input')
        buf46 = empty_strided_cpu((16, ), (1, ), torch.bfloat16)
        cpp_fused__to_copy_add_9(buf44, buf32, primals_28, primals_29, buf45, buf46)
        del primals_28
        del primals_29
        # Topologically Sorted Source Nodes: [x_2], Original ATen: [aten._to_copy, aten.convolution]
        buf47 = extern_kernels.convolution(buf44, buf45, buf46, stride=(2, 2), padding=(0, 0), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf47, (4, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16, 'torch.ops.aten.convolution.default')
        assert_size_stride(primals_30, (32, 64), (64, 1), 'input')
        buf48 = empty_strided_cpu((32, 64), (64, 1), torch.bfloat16)
        assert_size_stride(primals_31, (32, ), (1, ), 'input')
        buf49 = empty_strided_cpu((32, ), (1, ), torch.bfloat16)
        cpp_fused__to_copy_10(primals_30, primals_31, buf48, buf49)
        del primals_30
        del primals_31
        buf50 = empty_strided_cpu((4, 32), (32, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [linear_6], Original ATen: [aten._to_copy, aten.t, aten.addmm]
        extern_kernels.addmm(buf49, buf33, reinterpret_tensor(buf48, (64, 32), (1, 64), 0), alpha=1, beta=1, out=buf50)
        del buf49
        assert_size_stride(primals_32, (16, 16, 3, 3), (144, 1, 48, 16), 'input')
        buf51 = empty_strided_cpu((16, 16, 3, 3), (144, 1, 48, 16), torch.bfloat16)
        assert_size_stride(primals_33, (16, ), (1, ), 'input')
        buf52 = buf46; del buf46  # reuse
        cpp_fused__to_copy_11(primals_32, primals_33, buf51, buf52)
        del primals_32
        del primals_33
        # Topologically Sorted Source Nodes: [conv2d_5], Original ATen: [aten._to_copy, aten.convolution]
        buf53 = extern_kernels.convolution(buf47, buf51, buf52, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf53, (4, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16, 'torch.ops.aten.convolution.default')
        buf54 = empty_strided_cpu((4, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16)
        assert_size_stride(primals_34, (16, 16, 3, 3), (144, 1, 48, 16), 'input')
        buf55 = empty_strided_cpu((16, 16, 3, 3), (144, 1, 48, 16), torch.bfloat16)
        assert_size_stride(primals_35, (16, ), (1, ), 'input')
        buf56 = buf52; del buf52  # reuse
        cpp_fused__to_copy_add_addcmul_clamp_silu_split_unsqueeze_12(buf50, buf53, primals_34, primals_35, buf54, buf55, buf56)
        del primals_34
        del primals_35
        # Topologically Sorted Source Nodes: [conv2d_6], Original ATen: [aten._to_copy, aten.convolution]
        buf57 = extern_kernels.convolution(buf54, buf55, buf56, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf57, (4, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16, 'torch.ops.aten.convolution.default')
        del buf56
        buf58 = buf57; del buf57  # reuse
        assert_size_stride(primals_36, (16, 12, 2, 2), (48, 1, 24, 12), 'input')
        buf59 = empty_strided_cpu((16, 12, 2, 2), (48, 1, 24, 12), torch.bfloat16)
        assert_size_stride(primals_37, (12, ), (1, ), 'input')
        buf60 = buf42; del buf42  # reuse
        cpp_fused__to_copy_add_13(buf58, buf47, primals_36, primals_37, buf59, buf60)
        del primals_36
        del primals_37
        # Topologically Sorted Source Nodes: [conv_transpose2d], Original ATen: [aten._to_copy, aten.convolution]
        buf61 = extern_kernels.convolution(buf58, buf59, buf60, stride=(2, 2), padding=(0, 0), dilation=(1, 1), transposed=True, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf61, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        buf62 = buf61; del buf61  # reuse
        assert_size_stride(primals_38, (24, 64), (64, 1), 'input')
        buf63 = empty_strided_cpu((24, 64), (64, 1), torch.bfloat16)
        assert_size_stride(primals_39, (24, ), (1, ), 'input')
        buf64 = buf35; del buf35  # reuse
        cpp_fused__to_copy_add_14(buf62, buf44, primals_38, primals_39, buf63, buf64)
        del primals_38
        del primals_39
        buf65 = empty_strided_cpu((4, 24), (24, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [linear_7], Original ATen: [aten._to_copy, aten.t, aten.addmm]
        extern_kernels.addmm(buf64, buf33, reinterpret_tensor(buf63, (64, 24), (1, 64), 0), alpha=1, beta=1, out=buf65)
        del buf64
        assert_size_stride(primals_40, (12, 12, 3, 3), (108, 1, 36, 12), 'input')
        buf66 = empty_strided_cpu((12, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16)
        assert_size_stride(primals_41, (12, ), (1, ), 'input')
        buf67 = buf60; del buf60  # reuse
        cpp_fused__to_copy_7(primals_40, primals_41, buf66, buf67)
        del primals_40
        del primals_41
        # Topologically Sorted Source Nodes: [conv2d_7], Original ATen: [aten._to_copy, aten.convolution]
        buf68 = extern_kernels.convolution(buf62, buf66, buf67, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf68, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        buf69 = empty_strided_cpu((4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16)
        assert_size_stride(primals_42, (12, 12, 3, 3), (108, 1, 36, 12), 'input')
        buf70 = empty_strided_cpu((12, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16)
        assert_size_stride(primals_43, (12, ), (1, ), 'input')
        buf71 = buf67; del buf67  # reuse
        cpp_fused__to_copy_add_addcmul_clamp_silu_split_unsqueeze_8(buf65, buf68, primals_42, primals_43, buf69, buf70, buf71)
        del primals_42
        del primals_43
        # Topologically Sorted Source Nodes: [conv2d_8], Original ATen: [aten._to_copy, aten.convolution]
        buf72 = extern_kernels.convolution(buf69, buf70, buf71, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf72, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution.default')
        del buf71
        buf73 = buf72; del buf72  # reuse
        assert_size_stride(primals_44, (48, 12, 3, 3), (108, 1, 36, 12), 'input')
        buf74 = empty_strided_cpu((48, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16)
        assert_size_stride(primals_45, (48, ), (1, ), 'input')
        buf75 = empty_strided_cpu((48, ), (1, ), torch.bfloat16)
        cpp_fused__to_copy_add_15(buf73, buf62, primals_44, primals_45, buf74, buf75)
        del primals_44
        del primals_45
        # Topologically Sorted Source Nodes: [trunk], Original ATen: [aten._to_copy, aten.convolution]
        buf76 = extern_kernels.convolution(buf73, buf74, buf75, stride=(1, 1), padding=(1, 1), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1)
        assert_tensor_metadata(buf76, (4, 48, 24, 24), (27648, 1, 1152, 48), torch.bfloat16, 'torch.ops.aten.convolution.default')
        del buf75
        buf77 = empty_strided_cpu((4, 3, 24, 4, 24, 4), (27648, 9216, 384, 96, 4, 1), torch.float32)
        cpp_fused_add_addcmul_mul_pixel_shuffle_pixel_unshuffle_split_sub_unsqueeze_16(buf20, buf3, buf0, buf76, buf77)
        return (reinterpret_tensor(buf77, (4, 3, 96, 96), (27648, 9216, 96, 1), 0), buf0, primals_9, primals_11, primals_16, primals_18, buf3, reinterpret_tensor(buf9, (4, 64), (64, 1), 0), buf10, buf11, buf12, buf15, buf16, buf17, buf19, buf24, reinterpret_tensor(buf25, (4, 1, 1, 1), (1, 1, 1, 1), 0), buf29, buf30, buf32, buf33, buf36, buf37, buf39, buf40, buf41, buf44, buf45, buf47, buf50, buf51, buf53, buf54, buf55, buf58, buf59, buf62, buf65, buf66, buf68, buf69, buf70, buf73, buf74, buf63, buf48, buf34, )

runner = Runner(partitions=[])
call = runner.call
recursively_apply_fns = runner.recursively_apply_fns


def get_args():
    from torch._dynamo.testing import rand_strided
    primals_1 = rand_strided((16, 5, 5), (25, 5, 1), device='cpu', dtype=torch.float32)
    primals_2 = rand_strided((4, 3, 96, 96), (27648, 9216, 96, 1), device='cpu', dtype=torch.float32)
    primals_3 = rand_strided((4, 3, 24, 24), (1728, 576, 24, 1), device='cpu', dtype=torch.float32)
    primals_4 = rand_strided((4, ), (1, ), device='cpu', dtype=torch.float32)
    primals_5 = rand_strided((4, ), (1, ), device='cpu', dtype=torch.float32)
    primals_6 = rand_strided((16, ), (1, ), device='cpu', dtype=torch.float32)
    primals_7 = rand_strided((64, 64), (64, 1), device='cpu', dtype=torch.float32)
    primals_8 = rand_strided((64, ), (1, ), device='cpu', dtype=torch.float32)
    primals_9 = rand_strided((64, 64), (64, 1), device='cpu', dtype=torch.float32)
    primals_10 = rand_strided((64, ), (1, ), device='cpu', dtype=torch.float32)
    primals_11 = rand_strided((4, ), (1, ), device='cpu', dtype=torch.int64)
    primals_12 = rand_strided((3, 64), (64, 1), device='cpu', dtype=torch.float32)
    primals_13 = rand_strided((4, 6), (6, 1), device='cpu', dtype=torch.float32)
    primals_14 = rand_strided((64, 6), (6, 1), device='cpu', dtype=torch.float32)
    primals_15 = rand_strided((64, ), (1, ), device='cpu', dtype=torch.float32)
    primals_16 = rand_strided((64, 64), (64, 1), device='cpu', dtype=torch.float32)
    primals_17 = rand_strided((64, ), (1, ), device='cpu', dtype=torch.float32)
    primals_18 = rand_strided((144, 64), (64, 1), device='cpu', dtype=torch.float32)
    primals_19 = rand_strided((144, ), (1, ), device='cpu', dtype=torch.float32)
    primals_20 = rand_strided((12, 51, 3, 3), (459, 1, 153, 51), device='cpu', dtype=torch.float32)
    primals_21 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    primals_22 = rand_strided((24, 64), (64, 1), device='cpu', dtype=torch.float32)
    primals_23 = rand_strided((24, ), (1, ), device='cpu', dtype=torch.float32)
    primals_24 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.float32)
    primals_25 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    primals_26 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.float32)
    primals_27 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    primals_28 = rand_strided((16, 12, 2, 2), (48, 1, 24, 12), device='cpu', dtype=torch.float32)
    primals_29 = rand_strided((16, ), (1, ), device='cpu', dtype=torch.float32)
    primals_30 = rand_strided((32, 64), (64, 1), device='cpu', dtype=torch.float32)
    primals_31 = rand_strided((32, ), (1, ), device='cpu', dtype=torch.float32)
    primals_32 = rand_strided((16, 16, 3, 3), (144, 1, 48, 16), device='cpu', dtype=torch.float32)
    primals_33 = rand_strided((16, ), (1, ), device='cpu', dtype=torch.float32)
    primals_34 = rand_strided((16, 16, 3, 3), (144, 1, 48, 16), device='cpu', dtype=torch.float32)
    primals_35 = rand_strided((16, ), (1, ), device='cpu', dtype=torch.float32)
    primals_36 = rand_strided((16, 12, 2, 2), (48, 1, 24, 12), device='cpu', dtype=torch.float32)
    primals_37 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    primals_38 = rand_strided((24, 64), (64, 1), device='cpu', dtype=torch.float32)
    primals_39 = rand_strided((24, ), (1, ), device='cpu', dtype=torch.float32)
    primals_40 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.float32)
    primals_41 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    primals_42 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.float32)
    primals_43 = rand_strided((12, ), (1, ), device='cpu', dtype=torch.float32)
    primals_44 = rand_strided((48, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.float32)
    primals_45 = rand_strided((48, ), (1, ), device='cpu', dtype=torch.float32)
    return [primals_1, primals_2, primals_3, primals_4, primals_5, primals_6, primals_7, primals_8, primals_9, primals_10, primals_11, primals_12, primals_13, primals_14, primals_15, primals_16, primals_17, primals_18, primals_19, primals_20, primals_21, primals_22, primals_23, primals_24, primals_25, primals_26, primals_27, primals_28, primals_29, primals_30, primals_31, primals_32, primals_33, primals_34, primals_35, primals_36, primals_37, primals_38, primals_39, primals_40, primals_41, primals_42, primals_43, primals_44, primals_45]


def benchmark_compiled_module(args, times=10, repeat=10):
    from torch._inductor.utils import print_performance
    fn = lambda: call(list(args))
    return print_performance(fn, times=times, repeat=repeat, device='cpu')


if __name__ == "__main__":
    from torch._inductor.wrapper_benchmark import compiled_module_main
    args = get_args()
    compiled_module_main('None', lambda times, repeat: benchmark_compiled_module(args, times=times, repeat=repeat))
