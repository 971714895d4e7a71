/** `{{name}}` in the texts of a lab, replaced by this student's values. */
import type { Values } from './seed.ts';

const placeholder = /\{\{(\w+)\}\}/g;

/** In all strings of a value; the shape stays. */
export function fill<T>(value: T, values: Values): T {
  if (typeof value === 'string') return value.replace(placeholder, (whole, name: string) => values[name] ?? whole) as T;
  if (Array.isArray(value)) return value.map((one: unknown) => fill(one, values)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [fill(key, values), fill(one, values)])) as T;
}

/** The names that a value asks for. */
export function placeholders(value: unknown): ReadonlySet<string> {
  return new Set([...JSON.stringify(value).matchAll(placeholder)].map(([, name = '']) => name));
}
