/** FNV-1a, 32 bits: to find what is then compared whole. @param stride look at every so-many-eth byte */
export function fnv1a(bytes: Uint8Array, stride = 1): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < bytes.length; index += stride) value = Math.imul(value ^ (bytes[index] ?? 0), 0x01000193);
  return value >>> 0;
}
