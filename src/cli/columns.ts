/** How wide to print: a terminal's own width, 80 characters at least and where there is none. */
export function columnsOf(stream: { readonly columns?: number }): number {
  return Math.max(80, stream.columns ?? 80);
}
