/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clones of hot functions for wider instruction sets, picked at start-up. */
#ifndef WALLOC_NET_KERN_H
#define WALLOC_NET_KERN_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) \
    && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) \
    && defined(__linux__)
# define NET_CLONES __attribute__ ((target_clones ("default", "avx2,fma", \
    "arch=x86-64-v4")))
#else
# define NET_CLONES
#endif

#define NET_INLINE static inline __attribute__ ((always_inline))

#endif
