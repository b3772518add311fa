// LD_PRELOAD: CLOCK_REALTIME plus the seconds that stand in the file STEPPED_CLOCK names, eight bytes, read anew each time. Waits until a time of that
// clock end when it says so: the kernel's own clock does not step, and a wait that is always over would be a loop that burns a processor.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static const volatile int64_t* offset_s;

static int (*real_clock_gettime)(clockid_t, struct timespec*);

__attribute__((constructor)) static void begin(void) {
  const int fd = open(getenv("STEPPED_CLOCK"), O_RDONLY);
  offset_s = mmap(0, 8, PROT_READ, MAP_SHARED, fd, 0);
  if (fd < 0 || offset_s == MAP_FAILED) abort();
  real_clock_gettime = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t id, struct timespec* out) {
  if (!real_clock_gettime) begin();
  const int result = real_clock_gettime(id, out);
  if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) out->tv_sec += *offset_s;
  return result;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval* out, void* zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

static struct timespec unstepped(const struct timespec* until) {
  struct timespec real = *until;
  real.tv_sec -= *offset_s;
  return real;
}

// Of conditions on CLOCK_REALTIME; the C++ library waits on the steady clock by another function.
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const struct timespec* until) {
  static int (*real_wait)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*);
  if (!real_wait) *(void**)&real_wait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  if (!real_wait) *(void**)&real_wait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  const struct timespec real = unstepped(until);
  return real_wait(condition, mutex, &real);
}

int sem_timedwait(sem_t* semaphore, const struct timespec* until) {
  static int (*real_wait)(sem_t*, const struct timespec*);
  if (!real_wait) *(void**)&real_wait = dlsym(RTLD_NEXT, "sem_timedwait");
  const struct timespec real = unstepped(until);
  return real_wait(semaphore, &real);
}
