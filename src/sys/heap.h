#pragma once
// The heap of a daemon that is small for most of its life and now and then holds a list of thousands for a moment.
namespace ffrtmp::sys {

// One heap for all threads, and what is freed at its end goes back to the kernel at once: by itself glibc keeps a heap
// a thread, and keeps back the more the more was freed before. Before the first thread. Source: mallopt(3).
void keep_heap_small();
// Gives back what is free in the middle, too. Costs a walk over what is free. Source: malloc_trim(3).
void trim_heap();

}  // namespace ffrtmp::sys
