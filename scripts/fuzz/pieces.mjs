/** Texts and values that parsers are most often wrong about. */

/** Pieces of texts: characters that mean something to some language, and those of Unicode that few expect. */
export const PIECES = [
  ...["\0", "\t", "\n", "\r\n", "\u2028", "\u00a0", "\u200b", "\ufeff", "\ufffd", "\u0085"],
  ...["\x1b[2J", "\x9b1m", "\u202e", "é", "e\u0301", "ﬃ", "한", "😀", "\ud800", "\udc00"],
  ...["{", "}", "[", "]", "(", ")", "<", ">", '"', "'", "`", "\\", "/", "|", "&", "*", "%", "#"],
  ...["-", "- ", ": ", ",", ".", "..", "../", "//", "!", "!!", "?", "@", "^", "$", "~", "=", "_"],
  ...["0", "-1", "1e999", "-0", "NaN", "Infinity", "9007199254740993", "0x7fffffff", "1e-400"],
  ...["null", "true", "[]", "{}", '""', "__proto__", "constructor", "toString", "\\u0000"],
];

/** Values of JSON. */
export const VALUES = [
  ...[null, true, false, "", [], {}, 0, -0, -1, 1, 0.5, 1e308, 5e-324, 2 ** 31, 2 ** 32, 2 ** 53],
  ...[-(2 ** 53), "0", "\0", "\ud800", "../..", "/etc/passwd", "__proto__", "constructor", [null]],
  ...["x".repeat(300), "😀".repeat(101), [[[[[]]]]], { constructor: null }, Array(50).fill(0)],
];
