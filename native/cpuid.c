/* Part of libtare.so: the CPUID instruction, which Linux lets everybody execute and Node cannot. */
#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* registers: EAX, EBX, ECX, EDX. Returns 0 where the processor has no such instruction. */
__attribute__((visibility("default"))) int tare_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]) {
#if defined(__x86_64__)
  __cpuid_count(leaf, subleaf, registers[0], registers[1], registers[2], registers[3]);
  return 1;
#else
  (void)leaf, (void)subleaf, (void)registers;
  return 0;
#endif
}
