/** A word as a message shows it: in quotes where its borders would be lost, never with a raw control character. */
export const quote = (text: string): string =>
  /^[\x21-\x7e]+$/.test(text) && !text.includes('"') ? text : JSON.stringify(text);
