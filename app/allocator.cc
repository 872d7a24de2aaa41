// SPDX-License-Identifier: Apache-2.0
#include <jemalloc/jemalloc.h>

// jemalloc's settings. What is free goes back to the system also while nothing is allocated; but not
// at once for large pieces, as by default: what a fetch brings is large, and the next one wants it.
const char* malloc_conf = "background_thread:true,oversize_threshold:0";
