/** What /proc and /sys show or change of the host and no container may see: moby's list (daemon/pkg/oci/defaults.go). */

/** Hidden: each tells about the hardware or other containers. */
export const maskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  // Counting interrupts tells keystrokes apart: GHSA-6fw5-f8r9-fgfm, with the host's thermal_throttle files.
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  // Measuring power tells secrets of other processes apart: GHSA-jq35-85cj-fj4p.
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

/** Shown but not writable: each changes the machine. */
export const readonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];
