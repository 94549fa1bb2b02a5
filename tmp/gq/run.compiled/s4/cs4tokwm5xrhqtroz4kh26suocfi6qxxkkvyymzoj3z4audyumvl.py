# AOT ID: ['1_backward']
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


cpp_fused__to_copy_embedding_dense_backward_mul_pixel_unshuffle_sub_sum_0 = async_compile.cpp_pybinding(['const float*', 'const float*', 'const float*', 'float*', 'float*', 'float*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2,
                       at::BFloat16* out_ptr3)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(192L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(192L)))
                {
                    auto tmp0 = static_cast<float>(0.0);
                    auto tmp1 = at::vec::Vectorized<float>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            #pragma GCC ivdep
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(48L); x1+=static_cast<int64_t>(1L))
            {
                {
                    float tmp_acc0 = 0;
                    float tmp_acc1 = 0;
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(24L); x2+=static_cast<int64_t>(1L))
                    {
                        for(int64_t x3=static_cast<int64_t>(0L); x3<static_cast<int64_t>(24L); x3+=static_cast<int64_t>(1L))
                        {
                            {
                                {
                                    auto tmp0 = in_ptr0[static_cast<int64_t>(4L*x3 + 96L*((static_cast<int64_t>(c10::div_floor_integer(static_cast<int64_t>(x1), static_cast<int64_t>(4L))) % static_cast<int64_t>(4L))) + 384L*x2 + 9216L*(c10::div_floor_integer(static_cast<int64_t>(x1), static_cast<int64_t>(16L))) + 27648L*x0 + ((static_cast<int64_t>(x1) % static_cast<int64_t>(4L))))];
                                    auto tmp1 = in_ptr1[static_cast<int64_t>(3L*((static_cast<int64_t>(x1) % static_cast<int64_t>(4L))) + 12L*x3 + 288L*((static_cast<int64_t>(c10::div_floor_integer(static_cast<int64_t>(x1), static_cast<int64_t>(4L))) % static_cast<int64_t>(4L))) + 1152L*x2 + 27648L*x0 + (c10::div_floor_integer(static_cast<int64_t>(x1), static_cast<int64_t>(16L))))];
                                    auto tmp2 = in_ptr2[static_cast<int64_t>(x1 + 48L*x3 + 1152L*x2 + 27648L*x0)];
                                    auto tmp3 = float(tmp1 - tmp2);
                                    auto tmp4 = static_cast<float>(1.0);
                                    auto tmp5 = float(tmp3 * tmp4);
                                    auto tmp6 = float(tmp0 * tmp5);
                                    auto tmp7 = float(tmp0 * tmp2);
                                    tmp_acc0 = tmp_acc0 + tmp6;
                                    tmp_acc1 = tmp_acc1 + tmp7;
                                }
                            }
                        }
                    }
                    out_ptr1[static_cast<int64_t>(x1 + 144L*x0)] = tmp_acc0;
                    out_ptr2[static_cast<int64_t>(x1 + 144L*x0)] = tmp_acc1;
                }
            }
        }
    }
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
                                auto tmp0 = in_ptr0[static_cast<int64_t>(4L*x2 + 96L*((static_cast<int64_t>(c10::div_floor_integer(static_cast<int64_t>(x3), static_cast<int64_t>(4L))) % static_cast<int64_t>(4L))) + 384L*x1 + 9216L*(c10::div_floor_integer(static_cast<int64_t>(x3), static_cast<int64_t>(16L))) + 27648L*x0 + ((static_cast<int64_t>(x3) % static_cast<int64_t>(4L))))];
                                auto tmp1 = static_cast<float>(0.1);
                                auto tmp2 = float(tmp0 * tmp1);
                                auto tmp3 = c10::convert<at::BFloat16>(tmp2);
                                out_ptr3[static_cast<int64_t>(x3 + 48L*x2 + 1152L*x1 + 27648L*x0)] = tmp3;
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


cpp_fused__to_copy_add_addcmul_lt_mul_scalar_tensor_silu_silu_backward_split_sum_unsqueeze_where_1 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'float*', 'float*', 'float*', 'float*', 'at::BFloat16*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0,
                       const at::BFloat16* in_ptr1,
                       const at::BFloat16* in_ptr2,
                       const at::BFloat16* in_ptr3,
                       const at::BFloat16* in_ptr4,
                       const at::BFloat16* in_ptr5,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2,
                       float* out_ptr3,
                       at::BFloat16* out_ptr5,
                       at::BFloat16* out_ptr6,
                       at::BFloat16* out_ptr7)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(12L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0L) && x0 < static_cast<int64_t>(12L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(32L) && x0 < static_cast<int64_t>(48L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr2 + static_cast<int64_t>(x0));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(1280L) && x0 < static_cast<int64_t>(1296L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr3 + static_cast<int64_t>(x0));
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
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(12L); x2+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x2 >= static_cast<int64_t>(0L) && x2 < static_cast<int64_t>(12L)))
                        {
                            auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr4 + static_cast<int64_t>(12L + x2 + 24L*x0), static_cast<int64_t>(12L));
                            auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(x2 + 12L*x1 + 6912L*x0), static_cast<int64_t>(12L));
                            auto tmp4 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr4 + static_cast<int64_t>(x2 + 24L*x0), static_cast<int64_t>(12L));
                            auto tmp22 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x2 + 12L*x1 + 6912L*x0), static_cast<int64_t>(12L));
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
                            auto tmp13 = decltype(tmp12)(1)/(decltype(tmp12)(1) + tmp12.neg().exp());
                            auto tmp14 = tmp12.neg();
                            auto tmp15 = tmp14.exp();
                            auto tmp16 = tmp15 + tmp7;
                            auto tmp17 = tmp12 / tmp16;
                            auto tmp18 = (tmp17);
                            auto tmp19 = static_cast<float>(8.0);
                            auto tmp20 = at::vec::Vectorized<float>(tmp19);
                            auto tmp21 = at::vec::VecMask<float,1>(tmp18 < tmp20);
                            auto tmp23 = at::vec::convert<float>(tmp22);
                            auto tmp24 = static_cast<float>(0.0);
                            auto tmp25 = at::vec::Vectorized<float>(tmp24);
                            auto tmp26 = decltype(tmp23)::blendv(tmp25, tmp23, inductor_vec_mask_cast<float,1>(tmp21));
                            auto tmp27 = (tmp26);
                            auto tmp28 = tmp27 * tmp13;
                            auto tmp29 = tmp7 - tmp13;
                            auto tmp30 = tmp12 * tmp29;
                            auto tmp31 = tmp30 + tmp7;
                            auto tmp32 = tmp28 * tmp31;
                            auto tmp33 = at::vec::convert<at::BFloat16>(tmp32);
                            auto tmp34 = tmp8 * tmp7;
                            auto tmp35 = tmp32 * tmp34;
                            auto tmp36 = at::vec::convert<at::BFloat16>(tmp35);
                            tmp33.store(in_out_ptr0 + static_cast<int64_t>(x2 + 12L*x1 + 6912L*x0), static_cast<int64_t>(12L));
                            tmp36.store(out_ptr5 + static_cast<int64_t>(x2 + 12L*x1 + 6912L*x0), static_cast<int64_t>(12L));
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
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(12L); x1+=static_cast<int64_t>(16L))
            {
                {
                    float tmp_acc0 = 0;
                    at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                    float tmp_acc1 = 0;
                    at::vec::Vectorized<float> tmp_acc1_vec = at::vec::Vectorized<float>(0);
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(576L); x2+=static_cast<int64_t>(1L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0L) && x1 < static_cast<int64_t>(12L)))
                            {
                                auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x1 + 12L*x2 + 6912L*x0), static_cast<int64_t>(12L));
                                auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(x1 + 12L*x2 + 6912L*x0), static_cast<int64_t>(12L));
                                auto tmp1 = at::vec::convert<float>(tmp0);
                                auto tmp3 = at::vec::convert<float>(tmp2);
                                auto tmp4 = static_cast<float>(1.0);
                                auto tmp5 = at::vec::Vectorized<float>(tmp4);
                                auto tmp6 = tmp3 * tmp5;
                                auto tmp7 = tmp1 * tmp6;
                                tmp_acc0_vec = sum_masked_reduce(tmp_acc0_vec, tmp1, static_cast<int64_t>(12L));
                                tmp_acc1_vec = sum_masked_reduce(tmp_acc1_vec, tmp7, static_cast<int64_t>(12L));
                            }
                        }
                    }
                    if(C10_UNLIKELY(x1 >= static_cast<int64_t>(0L) && x1 < static_cast<int64_t>(12L)))
                    {
                        auto at_BFloat16_tmp_acc0_vec = at::vec::convert<at::BFloat16>(tmp_acc0_vec);
                        at_BFloat16_tmp_acc0_vec.store(out_ptr6 + static_cast<int64_t>(x1 + 24L*x0), static_cast<int64_t>(12L));
                        auto at_BFloat16_tmp_acc1_vec = at::vec::convert<at::BFloat16>(tmp_acc1_vec);
                        at_BFloat16_tmp_acc1_vec.store(out_ptr7 + static_cast<int64_t>(x1 + 24L*x0), static_cast<int64_t>(12L));
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused_add_2 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0)
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
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_3 = async_compile.cpp_pybinding(['const at::BFloat16*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const at::BFloat16* in_ptr0,
                       float* out_ptr0)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(12L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0L) && x0 < static_cast<int64_t>(12L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_squeeze_sum_view_4 = async_compile.cpp_pybinding(['const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'float*', 'float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const at::BFloat16* in_ptr0,
                       const at::BFloat16* in_ptr1,
                       const at::BFloat16* in_ptr2,
                       const at::BFloat16* in_ptr3,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2,
                       float* out_ptr3)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(16L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(16L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(24L + x0), static_cast<int64_t>(16));
                    auto tmp5 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(48L + x0), static_cast<int64_t>(16));
                    auto tmp8 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(72L + x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    auto tmp3 = at::vec::convert<float>(tmp2);
                    auto tmp4 = tmp1 + tmp3;
                    auto tmp6 = at::vec::convert<float>(tmp5);
                    auto tmp7 = tmp4 + tmp6;
                    auto tmp9 = at::vec::convert<float>(tmp8);
                    auto tmp10 = tmp7 + tmp9;
                    auto tmp11 = (tmp10);
                    tmp11.store(out_ptr1 + static_cast<int64_t>(x0));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(16L) && x0 < static_cast<int64_t>(24L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(8L));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(24L + x0), static_cast<int64_t>(8L));
                    auto tmp5 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(48L + x0), static_cast<int64_t>(8L));
                    auto tmp8 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(72L + x0), static_cast<int64_t>(8L));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    auto tmp3 = at::vec::convert<float>(tmp2);
                    auto tmp4 = tmp1 + tmp3;
                    auto tmp6 = at::vec::convert<float>(tmp5);
                    auto tmp7 = tmp4 + tmp6;
                    auto tmp9 = at::vec::convert<float>(tmp8);
                    auto tmp10 = tmp7 + tmp9;
                    auto tmp11 = (tmp10);
                    tmp11.store(out_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(8L));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr2 + static_cast<int64_t>(x0));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr3 + static_cast<int64_t>(x0));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(1280L) && x0 < static_cast<int64_t>(1296L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr3 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_addcmul_lt_mul_scalar_tensor_silu_silu_backward_split_sum_unsqueeze_where_5 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'float*', 'float*', 'at::BFloat16*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0,
                       const at::BFloat16* in_ptr1,
                       const at::BFloat16* in_ptr2,
                       const at::BFloat16* in_ptr3,
                       float* out_ptr0,
                       float* out_ptr1,
                       at::BFloat16* out_ptr3,
                       at::BFloat16* out_ptr4,
                       at::BFloat16* out_ptr5)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(1536L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(1536L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0));
                }
            }
        }
    }
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
                            auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(16L + x2 + 32L*x0), static_cast<int64_t>(16));
                            auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x2 + 16L*x1 + 2304L*x0), static_cast<int64_t>(16));
                            auto tmp4 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(x2 + 32L*x0), static_cast<int64_t>(16));
                            auto tmp22 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x2 + 16L*x1 + 2304L*x0), static_cast<int64_t>(16));
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
                            auto tmp13 = decltype(tmp12)(1)/(decltype(tmp12)(1) + tmp12.neg().exp());
                            auto tmp14 = tmp12.neg();
                            auto tmp15 = tmp14.exp();
                            auto tmp16 = tmp15 + tmp7;
                            auto tmp17 = tmp12 / tmp16;
                            auto tmp18 = (tmp17);
                            auto tmp19 = static_cast<float>(8.0);
                            auto tmp20 = at::vec::Vectorized<float>(tmp19);
                            auto tmp21 = at::vec::VecMask<float,1>(tmp18 < tmp20);
                            auto tmp23 = at::vec::convert<float>(tmp22);
                            auto tmp24 = static_cast<float>(0.0);
                            auto tmp25 = at::vec::Vectorized<float>(tmp24);
                            auto tmp26 = decltype(tmp23)::blendv(tmp25, tmp23, inductor_vec_mask_cast<float,1>(tmp21));
                            auto tmp27 = (tmp26);
                            auto tmp28 = tmp27 * tmp13;
                            auto tmp29 = tmp7 - tmp13;
                            auto tmp30 = tmp12 * tmp29;
                            auto tmp31 = tmp30 + tmp7;
                            auto tmp32 = tmp28 * tmp31;
                            auto tmp33 = at::vec::convert<at::BFloat16>(tmp32);
                            auto tmp34 = tmp8 * tmp7;
                            auto tmp35 = tmp32 * tmp34;
                            auto tmp36 = at::vec::convert<at::BFloat16>(tmp35);
                            tmp33.store(in_out_ptr0 + static_cast<int64_t>(x2 + 16L*x1 + 2304L*x0), static_cast<int64_t>(16));
                            tmp36.store(out_ptr3 + static_cast<int64_t>(x2 + 16L*x1 + 2304L*x0), static_cast<int64_t>(16));
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
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(16L); x1+=static_cast<int64_t>(16L))
            {
                {
                    float tmp_acc0 = 0;
                    at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                    float tmp_acc1 = 0;
                    at::vec::Vectorized<float> tmp_acc1_vec = at::vec::Vectorized<float>(0);
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(144L); x2+=static_cast<int64_t>(1L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(16L)))
                            {
                                auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x1 + 16L*x2 + 2304L*x0), static_cast<int64_t>(16));
                                auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x1 + 16L*x2 + 2304L*x0), static_cast<int64_t>(16));
                                auto tmp1 = at::vec::convert<float>(tmp0);
                                auto tmp3 = at::vec::convert<float>(tmp2);
                                auto tmp4 = static_cast<float>(1.0);
                                auto tmp5 = at::vec::Vectorized<float>(tmp4);
                                auto tmp6 = tmp3 * tmp5;
                                auto tmp7 = tmp1 * tmp6;
                                tmp_acc0_vec = tmp_acc0_vec + tmp1;
                                tmp_acc1_vec = tmp_acc1_vec + tmp7;
                            }
                        }
                    }
                    if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(16L)))
                    {
                        auto at_BFloat16_tmp_acc0_vec = at::vec::convert<at::BFloat16>(tmp_acc0_vec);
                        at_BFloat16_tmp_acc0_vec.store(out_ptr4 + static_cast<int64_t>(x1 + 32L*x0), static_cast<int64_t>(16));
                        auto at_BFloat16_tmp_acc1_vec = at::vec::convert<at::BFloat16>(tmp_acc1_vec);
                        at_BFloat16_tmp_acc1_vec.store(out_ptr5 + static_cast<int64_t>(x1 + 32L*x0), static_cast<int64_t>(16));
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused_add_6 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(9216L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(9216L)))
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
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_squeeze_sum_view_7 = async_compile.cpp_pybinding(['const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'float*', 'float*', 'float*', 'float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const at::BFloat16* in_ptr0,
                       const at::BFloat16* in_ptr1,
                       const at::BFloat16* in_ptr2,
                       const at::BFloat16* in_ptr3,
                       const at::BFloat16* in_ptr4,
                       const at::BFloat16* in_ptr5,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2,
                       float* out_ptr3,
                       float* out_ptr4,
                       float* out_ptr5)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(12L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0L) && x0 < static_cast<int64_t>(12L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    tmp1.store(out_ptr2 + static_cast<int64_t>(x0));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(32L + x0), static_cast<int64_t>(32));
                    auto tmp5 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(64L + x0), static_cast<int64_t>(32));
                    auto tmp8 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(96L + x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    auto tmp3 = at::vec::convert<float,2,at::BFloat16,1>(tmp2);
                    auto tmp4 = tmp1 + tmp3;
                    auto tmp6 = at::vec::convert<float,2,at::BFloat16,1>(tmp5);
                    auto tmp7 = tmp4 + tmp6;
                    auto tmp9 = at::vec::convert<float,2,at::BFloat16,1>(tmp8);
                    auto tmp10 = tmp7 + tmp9;
                    auto tmp11 = (tmp10);
                    tmp11.store(out_ptr3 + static_cast<int64_t>(x0));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr4 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr4 + static_cast<int64_t>(x0));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr5 + static_cast<int64_t>(x0));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(1280L) && x0 < static_cast<int64_t>(1296L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr5 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_addcmul_lt_mul_scalar_tensor_silu_silu_backward_split_sum_unsqueeze_where_8 = async_compile.cpp_pybinding(['at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'float*', 'float*', 'at::BFloat16*', 'at::BFloat16*', 'at::BFloat16*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(at::BFloat16* in_out_ptr0,
                       const at::BFloat16* in_ptr0,
                       const at::BFloat16* in_ptr1,
                       const at::BFloat16* in_ptr2,
                       const at::BFloat16* in_ptr3,
                       float* out_ptr0,
                       float* out_ptr1,
                       at::BFloat16* out_ptr3,
                       at::BFloat16* out_ptr4,
                       at::BFloat16* out_ptr5)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2048L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(2048L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0));
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
                for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(12L); x2+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x2 >= static_cast<int64_t>(0L) && x2 < static_cast<int64_t>(12L)))
                        {
                            auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(12L + x2 + 24L*x0), static_cast<int64_t>(12L));
                            auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x2 + 12L*x1 + 6912L*x0), static_cast<int64_t>(12L));
                            auto tmp4 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(x2 + 24L*x0), static_cast<int64_t>(12L));
                            auto tmp22 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x2 + 12L*x1 + 6912L*x0), static_cast<int64_t>(12L));
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
                            auto tmp13 = decltype(tmp12)(1)/(decltype(tmp12)(1) + tmp12.neg().exp());
                            auto tmp14 = tmp12.neg();
                            auto tmp15 = tmp14.exp();
                            auto tmp16 = tmp15 + tmp7;
                            auto tmp17 = tmp12 / tmp16;
                            auto tmp18 = (tmp17);
                            auto tmp19 = static_cast<float>(8.0);
                            auto tmp20 = at::vec::Vectorized<float>(tmp19);
                            auto tmp21 = at::vec::VecMask<float,1>(tmp18 < tmp20);
                            auto tmp23 = at::vec::convert<float>(tmp22);
                            auto tmp24 = static_cast<float>(0.0);
                            auto tmp25 = at::vec::Vectorized<float>(tmp24);
                            auto tmp26 = decltype(tmp23)::blendv(tmp25, tmp23, inductor_vec_mask_cast<float,1>(tmp21));
                            auto tmp27 = (tmp26);
                            auto tmp28 = tmp27 * tmp13;
                            auto tmp29 = tmp7 - tmp13;
                            auto tmp30 = tmp12 * tmp29;
                            auto tmp31 = tmp30 + tmp7;
                            auto tmp32 = tmp28 * tmp31;
                            auto tmp33 = at::vec::convert<at::BFloat16>(tmp32);
                            auto tmp34 = tmp8 * tmp7;
                            auto tmp35 = tmp32 * tmp34;
                            auto tmp36 = at::vec::convert<at::BFloat16>(tmp35);
                            tmp33.store(in_out_ptr0 + static_cast<int64_t>(x2 + 12L*x1 + 6912L*x0), static_cast<int64_t>(12L));
                            tmp36.store(out_ptr3 + static_cast<int64_t>(x2 + 12L*x1 + 6912L*x0), static_cast<int64_t>(12L));
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
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(12L); x1+=static_cast<int64_t>(16L))
            {
                {
                    float tmp_acc0 = 0;
                    at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                    float tmp_acc1 = 0;
                    at::vec::Vectorized<float> tmp_acc1_vec = at::vec::Vectorized<float>(0);
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(576L); x2+=static_cast<int64_t>(1L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0L) && x1 < static_cast<int64_t>(12L)))
                            {
                                auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_out_ptr0 + static_cast<int64_t>(x1 + 12L*x2 + 6912L*x0), static_cast<int64_t>(12L));
                                auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x1 + 12L*x2 + 6912L*x0), static_cast<int64_t>(12L));
                                auto tmp1 = at::vec::convert<float>(tmp0);
                                auto tmp3 = at::vec::convert<float>(tmp2);
                                auto tmp4 = static_cast<float>(1.0);
                                auto tmp5 = at::vec::Vectorized<float>(tmp4);
                                auto tmp6 = tmp3 * tmp5;
                                auto tmp7 = tmp1 * tmp6;
                                tmp_acc0_vec = sum_masked_reduce(tmp_acc0_vec, tmp1, static_cast<int64_t>(12L));
                                tmp_acc1_vec = sum_masked_reduce(tmp_acc1_vec, tmp7, static_cast<int64_t>(12L));
                            }
                        }
                    }
                    if(C10_UNLIKELY(x1 >= static_cast<int64_t>(0L) && x1 < static_cast<int64_t>(12L)))
                    {
                        auto at_BFloat16_tmp_acc0_vec = at::vec::convert<at::BFloat16>(tmp_acc0_vec);
                        at_BFloat16_tmp_acc0_vec.store(out_ptr4 + static_cast<int64_t>(x1 + 24L*x0), static_cast<int64_t>(12L));
                        auto at_BFloat16_tmp_acc1_vec = at::vec::convert<at::BFloat16>(tmp_acc1_vec);
                        at_BFloat16_tmp_acc1_vec.store(out_ptr5 + static_cast<int64_t>(x1 + 24L*x0), static_cast<int64_t>(12L));
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_add_9 = async_compile.cpp_pybinding(['const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const at::BFloat16* in_ptr0,
                       const at::BFloat16* in_ptr1,
                       const at::BFloat16* in_ptr2,
                       float* out_ptr0)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(256L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(256L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp5 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    auto tmp3 = at::vec::convert<float,2,at::BFloat16,1>(tmp2);
                    auto tmp4 = tmp1 + tmp3;
                    auto tmp6 = at::vec::convert<float,2,at::BFloat16,1>(tmp5);
                    auto tmp7 = tmp4 + tmp6;
                    tmp7.store(out_ptr0 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_mul_slice_sum_10 = async_compile.cpp_pybinding(['const at::BFloat16*', 'const float*', 'const float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const at::BFloat16* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       float* out_ptr0,
                       float* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        #pragma GCC ivdep
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(4L); x0+=static_cast<int64_t>(1L))
        {
            for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(51L); x1+=static_cast<int64_t>(32L))
            {
                {
                    float tmp_acc0 = 0;
                    at::vec::VectorizedN<float,2> tmp_acc0_vec = at::vec::VectorizedN<float,2>(0);
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(576L); x2+=static_cast<int64_t>(1L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(32L)))
                            {
                                auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 51L*x2 + 29376L*x0), static_cast<int64_t>(32));
                                auto tmp2 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x1 + 51L*x2 + 29376L*x0), static_cast<int64_t>(32));
                                auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                                auto tmp3 = tmp1 * tmp2;
                                tmp_acc0_vec = tmp_acc0_vec + tmp3;
                            }
                            if(C10_UNLIKELY(x1 >= static_cast<int64_t>(32L) && x1 < static_cast<int64_t>(51L)))
                            {
                                auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 51L*x2 + 29376L*x0), static_cast<int64_t>(19L));
                                auto tmp2 = at::vec::VectorizedN<float,2>::loadu(in_ptr1 + static_cast<int64_t>(x1 + 51L*x2 + 29376L*x0), static_cast<int64_t>(19L));
                                auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                                auto tmp3 = tmp1 * tmp2;
                                tmp_acc0_vec = sum_masked_reduce(tmp_acc0_vec, tmp3, static_cast<int64_t>(19L));
                            }
                        }
                    }
                    if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(32L)))
                    {
                        tmp_acc0_vec.store(out_ptr0 + static_cast<int64_t>(x1 + 51L*x0));
                    }
                    if(C10_UNLIKELY(x1 >= static_cast<int64_t>(32L) && x1 < static_cast<int64_t>(51L)))
                    {
                        tmp_acc0_vec.store(out_ptr0 + static_cast<int64_t>(x1 + 51L*x0), static_cast<int64_t>(19L));
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
                        auto tmp0 = at::vec::Vectorized<float>::loadu(out_ptr0 + static_cast<int64_t>(x1 + 51L*x0), static_cast<int64_t>(16));
                        auto tmp1 = in_ptr2[static_cast<int64_t>(x0)];
                        auto tmp2 = at::vec::Vectorized<float>(tmp1);
                        auto tmp3 = tmp0 * tmp2;
                        tmp3.store(out_ptr1 + static_cast<int64_t>(x1 + 144L*x0));
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_embedding_dense_backward_silu_backward_squeeze_sum_view_11 = async_compile.cpp_pybinding(['float*', 'const int64_t*', 'const float*', 'const float*', 'const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'const float*', 'float*', 'float*', 'float*', 'float*', 'float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(float* in_out_ptr0,
                       const int64_t* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       const at::BFloat16* in_ptr3,
                       const at::BFloat16* in_ptr4,
                       const at::BFloat16* in_ptr5,
                       const float* in_ptr6,
                       float* out_ptr0,
                       float* out_ptr2,
                       float* out_ptr3,
                       float* out_ptr4,
                       float* out_ptr5,
                       float* out_ptr6,
                       float* out_ptr7)
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
                        auto tmp0 = in_ptr0[static_cast<int64_t>(x0)];
                        auto tmp18 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x1 + 64L*x0), static_cast<int64_t>(16));
                        auto tmp1 = static_cast<int64_t>(2);
                        auto tmp2 = min_propagate_nan(tmp1, tmp0);
                        auto tmp3 = static_cast<int64_t>(-3);
                        auto tmp4 = max_propagate_nan(tmp3, tmp2);
                        auto tmp5 = 3L;
                        auto tmp6 = c10::convert<int64_t>(tmp5);
                        auto tmp7 = int64_t(static_cast<std::make_unsigned_t<int64_t>>(tmp4) + static_cast<std::make_unsigned_t<int64_t>>(tmp6));
                        auto tmp8 = tmp4 < 0;
                        auto tmp9 = tmp8 ? tmp7 : tmp4;
                        auto tmp10 = static_cast<int64_t>(0);
                        auto tmp11 = tmp0 >= tmp10;
                        auto tmp12 = static_cast<int64_t>(3);
                        auto tmp13 = tmp0 < tmp12;
                        auto tmp14 = decltype(tmp11)(tmp11 & tmp13);
                        auto tmp15 = static_cast<int64_t>(-1);
                        auto tmp16 = tmp0 != tmp15;
                        auto tmp17 = decltype(tmp14)(tmp14 & tmp16);
                        auto tmp19 = static_cast<float>(0.0);
                        auto tmp20 = at::vec::VecMask<float,1>::from(tmp17);
                        auto tmp21 = at::vec::Vectorized<float>(tmp19);
                        auto tmp22 = decltype(tmp18)::blendv(tmp21, tmp18, inductor_vec_mask_cast<float,1>(tmp20));
                        (tmp22 + at::vec::Vectorized<float>::loadu(out_ptr0 + static_cast<int64_t>(x1 + 64L*tmp9))).store(out_ptr0 + static_cast<int64_t>(x1 + 64L*tmp9));
                    }
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(256L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(256L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp2 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = decltype(tmp0)(1)/(decltype(tmp0)(1) + tmp0.neg().exp());
                    auto tmp3 = tmp2 * tmp1;
                    auto tmp4 = static_cast<float>(1.0);
                    auto tmp5 = at::vec::Vectorized<float>(tmp4);
                    auto tmp6 = tmp5 - tmp1;
                    auto tmp7 = tmp0 * tmp6;
                    auto tmp8 = tmp7 + tmp5;
                    auto tmp9 = tmp3 * tmp8;
                    tmp9.store(in_out_ptr0 + static_cast<int64_t>(x0));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr3 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    tmp1.store(out_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr4 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    tmp1.store(out_ptr3 + static_cast<int64_t>(x0), static_cast<int64_t>(12L));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(24L + x0), static_cast<int64_t>(16));
                    auto tmp5 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(48L + x0), static_cast<int64_t>(16));
                    auto tmp8 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(72L + x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    auto tmp3 = at::vec::convert<float>(tmp2);
                    auto tmp4 = tmp1 + tmp3;
                    auto tmp6 = at::vec::convert<float>(tmp5);
                    auto tmp7 = tmp4 + tmp6;
                    auto tmp9 = at::vec::convert<float>(tmp8);
                    auto tmp10 = tmp7 + tmp9;
                    auto tmp11 = (tmp10);
                    tmp11.store(out_ptr4 + static_cast<int64_t>(x0));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(16L) && x0 < static_cast<int64_t>(24L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(x0), static_cast<int64_t>(8L));
                    auto tmp2 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(24L + x0), static_cast<int64_t>(8L));
                    auto tmp5 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(48L + x0), static_cast<int64_t>(8L));
                    auto tmp8 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr5 + static_cast<int64_t>(72L + x0), static_cast<int64_t>(8L));
                    auto tmp1 = at::vec::convert<float>(tmp0);
                    auto tmp3 = at::vec::convert<float>(tmp2);
                    auto tmp4 = tmp1 + tmp3;
                    auto tmp6 = at::vec::convert<float>(tmp5);
                    auto tmp7 = tmp4 + tmp6;
                    auto tmp9 = at::vec::convert<float>(tmp8);
                    auto tmp10 = tmp7 + tmp9;
                    auto tmp11 = (tmp10);
                    tmp11.store(out_ptr4 + static_cast<int64_t>(x0), static_cast<int64_t>(8L));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(64L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(64L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(64L + x0), static_cast<int64_t>(16));
                    auto tmp3 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(128L + x0), static_cast<int64_t>(16));
                    auto tmp5 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(192L + x0), static_cast<int64_t>(16));
                    auto tmp2 = tmp0 + tmp1;
                    auto tmp4 = tmp2 + tmp3;
                    auto tmp6 = tmp4 + tmp5;
                    tmp6.store(out_ptr5 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(64L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(64L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(64L + x0), static_cast<int64_t>(16));
                    auto tmp3 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(128L + x0), static_cast<int64_t>(16));
                    auto tmp5 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(192L + x0), static_cast<int64_t>(16));
                    auto tmp2 = tmp0 + tmp1;
                    auto tmp4 = tmp2 + tmp3;
                    auto tmp6 = tmp4 + tmp5;
                    tmp6.store(out_ptr6 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(144L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(144L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr6 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr6 + static_cast<int64_t>(144L + x0), static_cast<int64_t>(16));
                    auto tmp3 = at::vec::Vectorized<float>::loadu(in_ptr6 + static_cast<int64_t>(288L + x0), static_cast<int64_t>(16));
                    auto tmp5 = at::vec::Vectorized<float>::loadu(in_ptr6 + static_cast<int64_t>(432L + x0), static_cast<int64_t>(16));
                    auto tmp2 = tmp0 + tmp1;
                    auto tmp4 = tmp2 + tmp3;
                    auto tmp6 = tmp4 + tmp5;
                    tmp6.store(out_ptr7 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused_silu_backward_sum_12 = async_compile.cpp_pybinding(['float*', 'const float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(float* in_out_ptr0,
                       const float* in_ptr0,
                       float* out_ptr1)
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
                    auto tmp2 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = decltype(tmp0)(1)/(decltype(tmp0)(1) + tmp0.neg().exp());
                    auto tmp3 = tmp2 * tmp1;
                    auto tmp4 = static_cast<float>(1.0);
                    auto tmp5 = at::vec::Vectorized<float>(tmp4);
                    auto tmp6 = tmp5 - tmp1;
                    auto tmp7 = tmp0 * tmp6;
                    auto tmp8 = tmp7 + tmp5;
                    auto tmp9 = tmp3 * tmp8;
                    tmp9.store(in_out_ptr0 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(64L); x0+=static_cast<int64_t>(16L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(64L)))
                {
                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                    auto tmp1 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(64L + x0), static_cast<int64_t>(16));
                    auto tmp3 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(128L + x0), static_cast<int64_t>(16));
                    auto tmp5 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(192L + x0), static_cast<int64_t>(16));
                    auto tmp2 = tmp0 + tmp1;
                    auto tmp4 = tmp2 + tmp3;
                    auto tmp6 = tmp4 + tmp5;
                    tmp6.store(out_ptr1 + static_cast<int64_t>(x0));
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
''')


cpp_fused__to_copy_13 = async_compile.cpp_pybinding(['const at::BFloat16*', 'const at::BFloat16*', 'const at::BFloat16*', 'float*', 'float*', 'float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C"  void  kernel(const at::BFloat16* in_ptr0,
                       const at::BFloat16* in_ptr1,
                       const at::BFloat16* in_ptr2,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    {
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(1296L); x0+=static_cast<int64_t>(32L))
        {
            {
                if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(1280L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(1280L) && x0 < static_cast<int64_t>(1296L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16L));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr1 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr1 + static_cast<int64_t>(x0));
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
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(32));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr2 + static_cast<int64_t>(x0));
                }
                if(C10_UNLIKELY(x0 >= static_cast<int64_t>(5504L) && x0 < static_cast<int64_t>(5508L)))
                {
                    auto tmp0 = at::vec::Vectorized<at::BFloat16>::loadu(in_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(4L));
                    auto tmp1 = at::vec::convert<float,2,at::BFloat16,1>(tmp0);
                    tmp1.store(out_ptr2 + static_cast<int64_t>(x0), static_cast<int64_t>(4L));
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
        primals_2, primals_9, primals_11, primals_16, primals_18, convolution, view_2, addmm, div, addmm_1, cat_2, addmm_2, div_2, add_4, cat_3, unsqueeze_8, convert_element_type_1, convert_element_type_2, convolution_1, convert_element_type_5, addmm_5, convert_element_type_10, convolution_2, convert_element_type_14, convert_element_type_16, add_9, convert_element_type_18, convolution_4, addmm_6, convert_element_type_26, convolution_5, convert_element_type_30, convert_element_type_32, add_12, convert_element_type_34, add_13, addmm_7, convert_element_type_42, convolution_8, convert_element_type_46, convert_element_type_48, add_16, convert_element_type_50, permute_11, permute_15, permute_19, tangents_1 = args
        args.clear()
        buf111 = empty_strided_cpu((3, 64), (64, 1), torch.float32)
        assert_size_stride_grouped((tangents_1, primals_2, convolution), ((4, 3, 96, 96), (4, 3, 96, 96), (4, 48, 24, 24)), ((27648, 9216, 96, 1), (27648, 1, 288, 3), (27648, 1, 1152, 48)), 'input')
        buf99 = empty_strided_cpu((4, 144, 1, 1), (144, 1, 1, 1), torch.float32)
        buf96 = reinterpret_tensor(buf99, (4, 48, 1, 1), (144, 1, 1, 1), 0)  # alias
        buf97 = reinterpret_tensor(buf99, (4, 48, 1, 1), (144, 1, 1, 1), 48)  # alias
        buf0 = empty_strided_cpu((4, 48, 24, 24), (27648, 1, 1152, 48), torch.bfloat16)
        assert_size_stride_grouped((add_16, convert_element_type_50), ((4, 12, 24, 24), (48, 12, 3, 3)), ((6912, 1, 288, 12), (108, 1, 36, 12)), 'input')
        cpp_fused__to_copy_embedding_dense_backward_mul_pixel_unshuffle_sub_sum_0(tangents_1, primals_2, convolution, buf111, buf96, buf97, buf0)
        del convolution
        del primals_2
        del tangents_1
        # Topologically Sorted Source Nodes: [view_5, permute_10, clone_4, view_6, mul_6, convert_element_type_51, convolution_backward], Original ATen: [aten.pixel_unshuffle, aten.mul, aten._to_copy, aten.convolution_backward]
        buf1 = torch.ops.aten.convolution_backward.default(buf0, add_16, convert_element_type_50, [48], (1, 1), (1, 1), (1, 1), False, (0, 0), 1, [True, True, True])
        del add_16
        del buf0
        del convert_element_type_50
        buf2 = buf1[0]
        assert_tensor_metadata(buf2, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf2 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf3 = buf1[1]
        assert_tensor_metadata(buf3, (48, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf3 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf4 = buf1[2]
        assert_tensor_metadata(buf4, (48, ), (1, ), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf4 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        del buf1
        assert_size_stride_grouped((convert_element_type_46, convert_element_type_48), ((4, 12, 24, 24), (12, 12, 3, 3)), ((6912, 1, 288, 12), (108, 1, 36, 12)), 'input')
        # Topologically Sorted Source Nodes: [convolution_backward_1], Original ATen: [aten.convolution_backward]
        buf7 = torch.ops.aten.convolution_backward.default(buf2, convert_element_type_46, convert_element_type_48, [12], (1, 1), (1, 1), (1, 1), False, (0, 0), 1, [True, True, True])
        del convert_element_type_46
        del convert_element_type_48
        buf8 = buf7[0]
        assert_tensor_metadata(buf8, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf8 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf9 = buf7[1]
        assert_tensor_metadata(buf9, (12, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf9 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf10 = buf7[2]
        assert_tensor_metadata(buf10, (12, ), (1, ), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf10 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        del buf7
        buf12 = empty_strided_cpu((12, ), (1, ), torch.float32)
        buf6 = empty_strided_cpu((48, ), (1, ), torch.float32)
        buf11 = empty_strided_cpu((12, 12, 3, 3), (108, 1, 36, 12), torch.float32)
        buf5 = empty_strided_cpu((48, 12, 3, 3), (108, 1, 36, 12), torch.float32)
        assert_size_stride_grouped((addmm_7, convolution_8), ((4, 24), (4, 12, 24, 24)), ((24, 1), (6912, 1, 288, 12)), 'input')
        buf14 = buf8; del buf8  # reuse
        buf17 = empty_strided_cpu((4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16)
        buf25 = empty_strided_cpu((4, 24, 1, 1), (24, 1, 1, 1), torch.bfloat16)
        buf15 = reinterpret_tensor(buf25, (4, 12, 1, 1), (24, 1, 1, 1), 12)  # alias
        buf16 = reinterpret_tensor(buf25, (4, 12, 1, 1), (24, 1, 1, 1), 0)  # alias
        assert_size_stride_grouped((add_13, convert_element_type_42), ((4, 12, 24, 24), (12, 12, 3, 3)), ((6912, 1, 288, 12), (108, 1, 36, 12)), 'input')
        cpp_fused__to_copy_add_addcmul_lt_mul_scalar_tensor_silu_silu_backward_split_sum_unsqueeze_where_1(buf14, buf10, buf4, buf9, buf3, addmm_7, convolution_8, buf12, buf6, buf11, buf5, buf17, buf15, buf16)
        del addmm_7
        del buf10
        del buf14
        del buf3
        del buf4
        del buf9
        del convolution_8
        # Topologically Sorted Source Nodes: [getitem_14, chunk_3, add_9, mul_10, mul_11, convolution_backward_2], Original ATen: [aten.unsqueeze, aten.split, aten.add, aten.mul, aten.convolution_backward]
        buf18 = torch.ops.aten.convolution_backward.default(buf17, add_13, convert_element_type_42, [12], (1, 1), (1, 1), (1, 1), False, (0, 0), 1, [True, True, True])
        del add_13
        del convert_element_type_42
        buf19 = buf18[0]
        assert_tensor_metadata(buf19, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf19 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf22 = buf2; del buf2  # reuse
        cpp_fused_add_2(buf22, buf19)
        del buf19
        buf20 = buf18[1]
        assert_tensor_metadata(buf20, (12, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf20 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf21 = buf18[2]
        assert_tensor_metadata(buf21, (12, ), (1, ), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf21 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        del buf18
        assert_size_stride(permute_11, (24, 64), (64, 1), 'input')
        del buf15
        del buf16
        buf26 = empty_strided_cpu((4, 64), (64, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [squeeze, squeeze_1, mm], Original ATen: [aten.squeeze, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf25, (4, 24), (24, 1), 0), permute_11, out=buf26)
        del permute_11
        buf24 = empty_strided_cpu((12, ), (1, ), torch.float32)
        assert_size_stride_grouped((add_12, convert_element_type_34), ((4, 16, 12, 12), (16, 12, 2, 2)), ((2304, 1, 192, 16), (48, 1, 24, 12)), 'input')
        cpp_fused__to_copy_3(buf21, buf24)
        del buf21
        # Topologically Sorted Source Nodes: [convolution_backward_3], Original ATen: [aten.convolution_backward]
        buf30 = torch.ops.aten.convolution_backward.default(buf22, add_12, convert_element_type_34, [12], (2, 2), (0, 0), (1, 1), True, (0, 0), 1, [True, True, True])
        del add_12
        del convert_element_type_34
        buf31 = buf30[0]
        assert_tensor_metadata(buf31, (4, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf31 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf32 = buf30[1]
        assert_tensor_metadata(buf32, (16, 12, 2, 2), (48, 1, 24, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf32 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf33 = buf30[2]
        assert_tensor_metadata(buf33, (12, ), (1, ), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf33 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        del buf30
        buf35 = empty_strided_cpu((12, ), (1, ), torch.float32)
        assert_size_stride_grouped((convert_element_type_30, convert_element_type_32), ((4, 16, 12, 12), (16, 16, 3, 3)), ((2304, 1, 192, 16), (144, 1, 48, 16)), 'input')
        cpp_fused__to_copy_3(buf33, buf35)
        del buf33
        # Topologically Sorted Source Nodes: [convolution_backward_4], Original ATen: [aten.convolution_backward]
        buf36 = torch.ops.aten.convolution_backward.default(buf31, convert_element_type_30, convert_element_type_32, [16], (1, 1), (1, 1), (1, 1), False, (0, 0), 1, [True, True, True])
        del convert_element_type_30
        del convert_element_type_32
        buf37 = buf36[0]
        assert_tensor_metadata(buf37, (4, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf37 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf38 = buf36[1]
        assert_tensor_metadata(buf38, (16, 16, 3, 3), (144, 1, 48, 16), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf38 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf39 = buf36[2]
        assert_tensor_metadata(buf39, (16, ), (1, ), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf39 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        del buf36
        buf41 = empty_strided_cpu((16, ), (1, ), torch.float32)
        buf29 = empty_strided_cpu((24, ), (1, ), torch.float32)
        buf34 = empty_strided_cpu((16, 12, 2, 2), (48, 1, 24, 12), torch.float32)
        buf23 = empty_strided_cpu((12, 12, 3, 3), (108, 1, 36, 12), torch.float32)
        assert_size_stride(convert_element_type_5, (4, 64), (64, 1), 'input')
        cpp_fused__to_copy_squeeze_sum_view_4(buf39, buf25, buf32, buf20, buf41, buf29, buf34, buf23)
        del buf20
        del buf32
        del buf39
        buf27 = empty_strided_cpu((24, 64), (64, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [squeeze, squeeze_1, permute_12, mm_1], Original ATen: [aten.squeeze, aten.t, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf25, (24, 4), (1, 24), 0), convert_element_type_5, out=buf27)
        buf28 = empty_strided_cpu((24, 64), (64, 1), torch.float32)
        buf40 = empty_strided_cpu((16, 16, 3, 3), (144, 1, 48, 16), torch.float32)
        assert_size_stride_grouped((addmm_6, convolution_5), ((4, 32), (4, 16, 12, 12)), ((32, 1), (2304, 1, 192, 16)), 'input')
        buf43 = buf37; del buf37  # reuse
        buf46 = empty_strided_cpu((4, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16)
        buf53 = empty_strided_cpu((4, 32, 1, 1), (32, 1, 1, 1), torch.bfloat16)
        buf44 = reinterpret_tensor(buf53, (4, 16, 1, 1), (32, 1, 1, 1), 16)  # alias
        buf45 = reinterpret_tensor(buf53, (4, 16, 1, 1), (32, 1, 1, 1), 0)  # alias
        assert_size_stride_grouped((convolution_4, convert_element_type_26), ((4, 16, 12, 12), (16, 16, 3, 3)), ((2304, 1, 192, 16), (144, 1, 48, 16)), 'input')
        cpp_fused__to_copy_add_addcmul_lt_mul_scalar_tensor_silu_silu_backward_split_sum_unsqueeze_where_5(buf43, buf27, buf38, addmm_6, convolution_5, buf28, buf40, buf46, buf44, buf45)
        del addmm_6
        del buf38
        del buf43
        del convolution_5
        # Topologically Sorted Source Nodes: [getitem_11, chunk_2, add_6, mul_17, mul_18, convolution_backward_5], Original ATen: [aten.unsqueeze, aten.split, aten.add, aten.mul, aten.convolution_backward]
        buf47 = torch.ops.aten.convolution_backward.default(buf46, convolution_4, convert_element_type_26, [16], (1, 1), (1, 1), (1, 1), False, (0, 0), 1, [True, True, True])
        del buf46
        del convert_element_type_26
        del convolution_4
        buf48 = buf47[0]
        assert_tensor_metadata(buf48, (4, 16, 12, 12), (2304, 1, 192, 16), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf48 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf58 = buf31; del buf31  # reuse
        assert_size_stride_grouped((add_9, convert_element_type_18), ((4, 12, 24, 24), (16, 12, 2, 2)), ((6912, 1, 288, 12), (48, 1, 24, 12)), 'input')
        cpp_fused_add_6(buf58, buf48)
        del buf48
        # Topologically Sorted Source Nodes: [add_21, convolution_backward_6], Original ATen: [aten.add, aten.convolution_backward]
        buf59 = torch.ops.aten.convolution_backward.default(buf58, add_9, convert_element_type_18, [16], (2, 2), (0, 0), (1, 1), False, (0, 0), 1, [True, True, True])
        del add_9
        del buf58
        del convert_element_type_18
        buf49 = buf47[1]
        assert_tensor_metadata(buf49, (16, 16, 3, 3), (144, 1, 48, 16), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf49 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf50 = buf47[2]
        assert_tensor_metadata(buf50, (16, ), (1, ), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf50 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        del buf47
        assert_size_stride(permute_15, (32, 64), (64, 1), 'input')
        del buf44
        del buf45
        buf54 = empty_strided_cpu((4, 64), (64, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [squeeze_2, squeeze_3, mm_2], Original ATen: [aten.squeeze, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf53, (4, 32), (32, 1), 0), permute_15, out=buf54)
        del permute_15
        buf60 = buf59[0]
        assert_tensor_metadata(buf60, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf60 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf63 = buf22; del buf22  # reuse
        cpp_fused_add_2(buf63, buf60)
        del buf60
        buf61 = buf59[1]
        assert_tensor_metadata(buf61, (16, 12, 2, 2), (48, 1, 24, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf61 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf62 = buf59[2]
        assert_tensor_metadata(buf62, (16, ), (1, ), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf62 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        del buf59
        assert_size_stride_grouped((convert_element_type_14, convert_element_type_16), ((4, 12, 24, 24), (12, 12, 3, 3)), ((6912, 1, 288, 12), (108, 1, 36, 12)), 'input')
        # Topologically Sorted Source Nodes: [convolution_backward_7], Original ATen: [aten.convolution_backward]
        buf66 = torch.ops.aten.convolution_backward.default(buf63, convert_element_type_14, convert_element_type_16, [12], (1, 1), (1, 1), (1, 1), False, (0, 0), 1, [True, True, True])
        del convert_element_type_14
        del convert_element_type_16
        buf67 = buf66[0]
        assert_tensor_metadata(buf67, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf67 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf68 = buf66[1]
        assert_tensor_metadata(buf68, (12, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf68 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf69 = buf66[2]
        assert_tensor_metadata(buf69, (12, ), (1, ), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf69 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        del buf66
        buf71 = empty_strided_cpu((12, ), (1, ), torch.float32)
        buf52 = empty_strided_cpu((16, ), (1, ), torch.float32)
        buf65 = empty_strided_cpu((16, ), (1, ), torch.float32)
        buf57 = empty_strided_cpu((32, ), (1, ), torch.float32)
        buf64 = empty_strided_cpu((16, 12, 2, 2), (48, 1, 24, 12), torch.float32)
        buf70 = empty_strided_cpu((12, 12, 3, 3), (108, 1, 36, 12), torch.float32)
        cpp_fused__to_copy_squeeze_sum_view_7(buf69, buf50, buf62, buf53, buf61, buf68, buf71, buf52, buf65, buf57, buf64, buf70)
        del buf50
        del buf61
        del buf62
        del buf68
        del buf69
        buf55 = empty_strided_cpu((32, 64), (64, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [squeeze_2, squeeze_3, permute_16, mm_3], Original ATen: [aten.squeeze, aten.t, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf53, (32, 4), (1, 32), 0), convert_element_type_5, out=buf55)
        del buf53
        buf56 = empty_strided_cpu((32, 64), (64, 1), torch.float32)
        buf51 = empty_strided_cpu((16, 16, 3, 3), (144, 1, 48, 16), torch.float32)
        assert_size_stride_grouped((addmm_5, convolution_2), ((4, 24), (4, 12, 24, 24)), ((24, 1), (6912, 1, 288, 12)), 'input')
        buf73 = buf67; del buf67  # reuse
        buf76 = buf17; del buf17  # reuse
        buf83 = buf25; del buf25  # reuse
        buf74 = reinterpret_tensor(buf83, (4, 12, 1, 1), (24, 1, 1, 1), 12)  # alias
        buf75 = reinterpret_tensor(buf83, (4, 12, 1, 1), (24, 1, 1, 1), 0)  # alias
        assert_size_stride_grouped((convolution_1, convert_element_type_10), ((4, 12, 24, 24), (12, 12, 3, 3)), ((6912, 1, 288, 12), (108, 1, 36, 12)), 'input')
        cpp_fused__to_copy_add_addcmul_lt_mul_scalar_tensor_silu_silu_backward_split_sum_unsqueeze_where_8(buf73, buf55, buf49, addmm_5, convolution_2, buf56, buf51, buf76, buf74, buf75)
        del addmm_5
        del buf49
        del buf55
        del buf73
        del convolution_2
        # Topologically Sorted Source Nodes: [getitem_8, chunk_1, add_4, mul_24, mul_25, convolution_backward_8], Original ATen: [aten.unsqueeze, aten.split, aten.add, aten.mul, aten.convolution_backward]
        buf77 = torch.ops.aten.convolution_backward.default(buf76, convolution_1, convert_element_type_10, [12], (1, 1), (1, 1), (1, 1), False, (0, 0), 1, [True, True, True])
        del buf76
        del convert_element_type_10
        del convolution_1
        buf78 = buf77[0]
        assert_tensor_metadata(buf78, (4, 12, 24, 24), (6912, 1, 288, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf78 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf88 = buf63; del buf63  # reuse
        assert_size_stride_grouped((convert_element_type_2, convert_element_type_1), ((4, 51, 24, 24), (12, 51, 3, 3)), ((29376, 1, 1224, 51), (459, 1, 153, 51)), 'input')
        cpp_fused_add_2(buf88, buf78)
        del buf78
        # Topologically Sorted Source Nodes: [add_25, convolution_backward_9], Original ATen: [aten.add, aten.convolution_backward]
        buf89 = torch.ops.aten.convolution_backward.default(buf88, convert_element_type_2, convert_element_type_1, [12], (1, 1), (1, 1), (1, 1), False, (0, 0), 1, [True, True, True])
        del buf88
        del convert_element_type_1
        del convert_element_type_2
        buf79 = buf77[1]
        assert_tensor_metadata(buf79, (12, 12, 3, 3), (108, 1, 36, 12), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf79 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf80 = buf77[2]
        assert_tensor_metadata(buf80, (12, ), (1, ), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf80 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        del buf77
        assert_size_stride(permute_19, (24, 64), (64, 1), 'input')
        del buf74
        del buf75
        buf84 = empty_strided_cpu((4, 64), (64, 1), torch.bfloat16)
        # Topologically Sorted Source Nodes: [squeeze_4, squeeze_5, mm_4], Original ATen: [aten.squeeze, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf83, (4, 24), (24, 1), 0), permute_19, out=buf84)
        del permute_19
        buf102 = empty_strided_cpu((4, 64), (64, 1), torch.float32)
        cpp_fused__to_copy_add_9(buf26, buf54, buf84, buf102)
        del buf26
        del buf54
        del buf84
        buf90 = buf89[0]
        assert_tensor_metadata(buf90, (4, 51, 24, 24), (29376, 1, 1224, 51), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf90 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        assert_size_stride(cat_3, (4, 51, 24, 24), (29376, 1, 1224, 51), 'input')
        buf95 = empty_strided_cpu((4, 51, 1, 1), (51, 1, 204, 204), torch.float32)
        assert_size_stride(unsqueeze_8, (4, 1, 1, 1), (1, 1, 1, 1), 'input')
        buf98 = reinterpret_tensor(buf99, (4, 48, 1, 1), (144, 1, 1, 1), 96)  # alias
        cpp_fused__to_copy_mul_slice_sum_10(buf90, cat_3, unsqueeze_8, buf95, buf98)
        del buf90
        del buf95
        del cat_3
        del unsqueeze_8
        buf91 = buf89[1]
        assert_tensor_metadata(buf91, (12, 51, 3, 3), (459, 1, 153, 51), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf91 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        buf92 = buf89[2]
        assert_tensor_metadata(buf92, (12, ), (1, ), torch.bfloat16, 'torch.ops.aten.convolution_backward.default')
        # buffer buf92 (op: torch.ops.aten.convolution_backward.default) is assumed to be not aligned
        del buf89
        assert_size_stride(primals_18, (144, 64), (64, 1), 'input')
        del buf96
        del buf97
        del buf98
        buf103 = empty_strided_cpu((4, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [convert_element_type_65, convert_element_type_81, add_22, convert_element_type_97, add_26, squeeze_6, squeeze_7, linear_4, permute_23, addmm_default], Original ATen: [aten._to_copy, aten.add, aten.squeeze, aten.t]
        extern_kernels.addmm(buf102, reinterpret_tensor(buf99, (4, 144), (144, 1), 0), primals_18, alpha=1, beta=1, out=buf103)
        del primals_18
        assert_size_stride(primals_11, (4, ), (1, ), 'input')
        assert_size_stride(addmm_1, (4, 64), (64, 1), 'input')
        buf113 = buf102; del buf102  # reuse
        buf114 = buf113; del buf113  # reuse
        buf82 = empty_strided_cpu((12, ), (1, ), torch.float32)
        buf94 = empty_strided_cpu((12, ), (1, ), torch.float32)
        buf87 = empty_strided_cpu((24, ), (1, ), torch.float32)
        buf106 = empty_strided_cpu((1, 64), (64, 1), torch.float32)
        buf117 = empty_strided_cpu((1, 64), (64, 1), torch.float32)
        buf101 = empty_strided_cpu((1, 144), (144, 1), torch.float32)
        assert_size_stride(primals_16, (64, 64), (64, 1), 'input')
        cpp_fused__to_copy_embedding_dense_backward_silu_backward_squeeze_sum_view_11(buf114, primals_11, buf103, addmm_1, buf80, buf92, buf83, buf99, buf111, buf82, buf94, buf87, buf106, buf117, buf101)
        del addmm_1
        del buf80
        del buf92
        del primals_11
        buf104 = empty_strided_cpu((4, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [input_7, permute_27, mm_8], Original ATen: [aten.t, aten.mm]
        extern_kernels.mm(buf103, primals_16, out=buf104)
        del primals_16
        assert_size_stride(addmm_2, (4, 64), (64, 1), 'input')
        buf108 = buf104; del buf104  # reuse
        buf110 = empty_strided_cpu((1, 64), (64, 1), torch.float32)
        assert_size_stride(cat_2, (4, 6), (6, 1), 'input')
        cpp_fused_silu_backward_sum_12(buf108, addmm_2, buf110)
        del addmm_2
        buf109 = empty_strided_cpu((64, 6), (6, 1), torch.float32)
        # Topologically Sorted Source Nodes: [mul_33, sub_7, mul_34, add_28, mul_35, permute_31, mm_10], Original ATen: [aten.silu_backward, aten.t, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf108, (64, 4), (1, 64), 0), cat_2, out=buf109)
        del cat_2
        assert_size_stride(primals_9, (64, 64), (64, 1), 'input')
        buf115 = buf108; del buf108  # reuse
        # Topologically Sorted Source Nodes: [input_3, permute_34, mm_11], Original ATen: [aten.t, aten.mm]
        extern_kernels.mm(buf114, primals_9, out=buf115)
        del primals_9
        assert_size_stride(addmm, (4, 64), (64, 1), 'input')
        buf119 = buf115; del buf115  # reuse
        buf121 = empty_strided_cpu((1, 64), (64, 1), torch.float32)
        cpp_fused_silu_backward_sum_12(buf119, addmm, buf121)
        del addmm
        buf85 = buf27; del buf27  # reuse
        # Topologically Sorted Source Nodes: [squeeze_4, squeeze_5, permute_20, mm_5], Original ATen: [aten.squeeze, aten.t, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf83, (24, 4), (1, 24), 0), convert_element_type_5, out=buf85)
        del buf83
        del convert_element_type_5
        buf81 = empty_strided_cpu((12, 12, 3, 3), (108, 1, 36, 12), torch.float32)
        buf86 = empty_strided_cpu((24, 64), (64, 1), torch.float32)
        buf93 = empty_strided_cpu((12, 51, 3, 3), (459, 1, 153, 51), torch.float32)
        assert_size_stride(div_2, (4, 64), (64, 1), 'input')
        cpp_fused__to_copy_13(buf79, buf85, buf91, buf81, buf86, buf93)
        del buf79
        del buf85
        del buf91
        buf105 = empty_strided_cpu((64, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [permute_28, mm_9], Original ATen: [aten.t, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf103, (64, 4), (1, 64), 0), div_2, out=buf105)
        del buf103
        del div_2
        assert_size_stride(div, (4, 64), (64, 1), 'input')
        buf116 = empty_strided_cpu((64, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [permute_35, mm_12], Original ATen: [aten.t, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf114, (64, 4), (1, 64), 0), div, out=buf116)
        del buf114
        del div
        assert_size_stride(view_2, (4, 64), (64, 1), 'input')
        buf120 = empty_strided_cpu((64, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [mul_39, sub_9, mul_40, add_30, mul_41, permute_38, mm_13], Original ATen: [aten.silu_backward, aten.t, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf119, (64, 4), (1, 64), 0), view_2, out=buf120)
        del buf119
        del view_2
        assert_size_stride(add_4, (4, 64), (64, 1), 'input')
        buf100 = empty_strided_cpu((144, 64), (64, 1), torch.float32)
        # Topologically Sorted Source Nodes: [squeeze_6, squeeze_7, permute_24, mm_7], Original ATen: [aten.squeeze, aten.t, aten.mm]
        extern_kernels.mm(reinterpret_tensor(buf99, (144, 4), (1, 144), 0), add_4, out=buf100)
        del add_4
        return (None, None, None, None, None, None, buf120, reinterpret_tensor(buf121, (64, ), (1, ), 0), buf116, reinterpret_tensor(buf117, (64, ), (1, ), 0), None, buf111, None, buf109, reinterpret_tensor(buf110, (64, ), (1, ), 0), buf105, reinterpret_tensor(buf106, (64, ), (1, ), 0), buf100, reinterpret_tensor(buf101, (144, ), (1, ), 0), buf93, buf94, buf86, buf87, buf81, buf82, buf70, buf71, buf64, buf65, buf56, buf57, buf51, buf52, buf40, buf41, buf34, buf35, buf28, buf29, buf23, buf24, buf11, buf12, buf5, buf6, )

runner = Runner(partitions=[])
call = runner.call
recursively_apply_fns = runner.recursively_apply_fns


def get_args():
    from torch._dynamo.testing import rand_strided
    primals_2 = rand_strided((4, 3, 96, 96), (27648, 1, 288, 3), device='cpu', dtype=torch.float32)
    primals_9 = rand_strided((64, 64), (64, 1), device='cpu', dtype=torch.float32)
    primals_11 = rand_strided((4, ), (1, ), device='cpu', dtype=torch.int64)
    primals_16 = rand_strided((64, 64), (64, 1), device='cpu', dtype=torch.float32)
    primals_18 = rand_strided((144, 64), (64, 1), device='cpu', dtype=torch.float32)
    convolution = rand_strided((4, 48, 24, 24), (27648, 1, 1152, 48), device='cpu', dtype=torch.float32)
    view_2 = rand_strided((4, 64), (64, 1), device='cpu', dtype=torch.float32)
    addmm = rand_strided((4, 64), (64, 1), device='cpu', dtype=torch.float32)
    div = rand_strided((4, 64), (64, 1), device='cpu', dtype=torch.float32)
    addmm_1 = rand_strided((4, 64), (64, 1), device='cpu', dtype=torch.float32)
    cat_2 = rand_strided((4, 6), (6, 1), device='cpu', dtype=torch.float32)
    addmm_2 = rand_strided((4, 64), (64, 1), device='cpu', dtype=torch.float32)
    div_2 = rand_strided((4, 64), (64, 1), device='cpu', dtype=torch.float32)
    add_4 = rand_strided((4, 64), (64, 1), device='cpu', dtype=torch.float32)
    cat_3 = rand_strided((4, 51, 24, 24), (29376, 1, 1224, 51), device='cpu', dtype=torch.float32)
    unsqueeze_8 = rand_strided((4, 1, 1, 1), (1, 1, 1, 1), device='cpu', dtype=torch.float32)
    convert_element_type_1 = rand_strided((12, 51, 3, 3), (459, 1, 153, 51), device='cpu', dtype=torch.bfloat16)
    convert_element_type_2 = rand_strided((4, 51, 24, 24), (29376, 1, 1224, 51), device='cpu', dtype=torch.bfloat16)
    convolution_1 = rand_strided((4, 12, 24, 24), (6912, 1, 288, 12), device='cpu', dtype=torch.bfloat16)
    convert_element_type_5 = rand_strided((4, 64), (64, 1), device='cpu', dtype=torch.bfloat16)
    addmm_5 = rand_strided((4, 24), (24, 1), device='cpu', dtype=torch.bfloat16)
    convert_element_type_10 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.bfloat16)
    convolution_2 = rand_strided((4, 12, 24, 24), (6912, 1, 288, 12), device='cpu', dtype=torch.bfloat16)
    convert_element_type_14 = rand_strided((4, 12, 24, 24), (6912, 1, 288, 12), device='cpu', dtype=torch.bfloat16)
    convert_element_type_16 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.bfloat16)
    add_9 = rand_strided((4, 12, 24, 24), (6912, 1, 288, 12), device='cpu', dtype=torch.bfloat16)
    convert_element_type_18 = rand_strided((16, 12, 2, 2), (48, 1, 24, 12), device='cpu', dtype=torch.bfloat16)
    convolution_4 = rand_strided((4, 16, 12, 12), (2304, 1, 192, 16), device='cpu', dtype=torch.bfloat16)
    addmm_6 = rand_strided((4, 32), (32, 1), device='cpu', dtype=torch.bfloat16)
    convert_element_type_26 = rand_strided((16, 16, 3, 3), (144, 1, 48, 16), device='cpu', dtype=torch.bfloat16)
    convolution_5 = rand_strided((4, 16, 12, 12), (2304, 1, 192, 16), device='cpu', dtype=torch.bfloat16)
    convert_element_type_30 = rand_strided((4, 16, 12, 12), (2304, 1, 192, 16), device='cpu', dtype=torch.bfloat16)
    convert_element_type_32 = rand_strided((16, 16, 3, 3), (144, 1, 48, 16), device='cpu', dtype=torch.bfloat16)
    add_12 = rand_strided((4, 16, 12, 12), (2304, 1, 192, 16), device='cpu', dtype=torch.bfloat16)
    convert_element_type_34 = rand_strided((16, 12, 2, 2), (48, 1, 24, 12), device='cpu', dtype=torch.bfloat16)
    add_13 = rand_strided((4, 12, 24, 24), (6912, 1, 288, 12), device='cpu', dtype=torch.bfloat16)
    addmm_7 = rand_strided((4, 24), (24, 1), device='cpu', dtype=torch.bfloat16)
    convert_element_type_42 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.bfloat16)
    convolution_8 = rand_strided((4, 12, 24, 24), (6912, 1, 288, 12), device='cpu', dtype=torch.bfloat16)
    convert_element_type_46 = rand_strided((4, 12, 24, 24), (6912, 1, 288, 12), device='cpu', dtype=torch.bfloat16)
    convert_element_type_48 = rand_strided((12, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.bfloat16)
    add_16 = rand_strided((4, 12, 24, 24), (6912, 1, 288, 12), device='cpu', dtype=torch.bfloat16)
    convert_element_type_50 = rand_strided((48, 12, 3, 3), (108, 1, 36, 12), device='cpu', dtype=torch.bfloat16)
    permute_11 = rand_strided((24, 64), (64, 1), device='cpu', dtype=torch.bfloat16)
    permute_15 = rand_strided((32, 64), (64, 1), device='cpu', dtype=torch.bfloat16)
    permute_19 = rand_strided((24, 64), (64, 1), device='cpu', dtype=torch.bfloat16)
    tangents_1 = rand_strided((4, 3, 96, 96), (27648, 9216, 96, 1), device='cpu', dtype=torch.float32)
    return [primals_2, primals_9, primals_11, primals_16, primals_18, convolution, view_2, addmm, div, addmm_1, cat_2, addmm_2, div_2, add_4, cat_3, unsqueeze_8, convert_element_type_1, convert_element_type_2, convolution_1, convert_element_type_5, addmm_5, convert_element_type_10, convolution_2, convert_element_type_14, convert_element_type_16, add_9, convert_element_type_18, convolution_4, addmm_6, convert_element_type_26, convolution_5, convert_element_type_30, convert_element_type_32, add_12, convert_element_type_34, add_13, addmm_7, convert_element_type_42, convolution_8, convert_element_type_46, convert_element_type_48, add_16, convert_element_type_50, permute_11, permute_15, permute_19, tangents_1]


def benchmark_compiled_module(args, times=10, repeat=10):
    from torch._inductor.utils import print_performance
    fn = lambda: call(list(args))
    return print_performance(fn, times=times, repeat=repeat, device='cpu')


if __name__ == "__main__":
    from torch._inductor.wrapper_benchmark import compiled_module_main
    args = get_args()
    compiled_module_main('None', lambda times, repeat: benchmark_compiled_module(args, times=times, repeat=repeat))
