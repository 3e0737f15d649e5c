/** The text with a capital at its beginning, as event messages have. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
