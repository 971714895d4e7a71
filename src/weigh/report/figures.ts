/** Numbers as they are printed: three figures say all that a measurement knows. */

export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const digits = Math.floor(Math.log10(Math.abs(value)));
  if (digits < -3) return '< 0.001';
  return digits >= 2 ? Math.round(value).toString() : value.toFixed(Math.min(3, 2 - digits));
}

export const range = (low: number, high: number): string => `${figure(low)}–${figure(high)}`;

export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
