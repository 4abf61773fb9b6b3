// Numbers, sizes, dates and names as people read them.

const count = new Intl.NumberFormat("en");
const day = new Intl.DateTimeFormat("en", {dateStyle: "medium", timeZone: "UTC"});

// Control characters, and those that turn the direction of text around, would let a name look
// like another one.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A name or path that is safe to show. */
export const printable = (text) => text.replace(UNPRINTABLE, "\ufffd");

/** What comes after the last slash. */
export const nameOf = (path) => printable(path.slice(path.lastIndexOf("/") + 1));

/** What comes before the last slash. */
export const folderOf = (path) => path.slice(0, Math.max(path.lastIndexOf("/"), 0));

/** 12480 -> "12,480". */
export const number = (value) => count.format(value);

/** (1, "picture") -> "1 picture". */
export const counted = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

/** Bytes -> "3.4 MB". */
export function bytes(value) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** ISO 8601 -> "May 17, 2024, 09:30", by the camera's clock, whatever zone the reader is in. */
export function taken(text) {
  const parts = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}:\d{2}))?/.exec(text);
  if (!parts) return text;
  const date = day.format(new Date(Date.UTC(parts[1], parts[2] - 1, parts[3])));
  return parts[4] ? `${date}, ${parts[4]}` : date;
}

/** Seconds since 1970 -> "May 17, 2024". */
export const changed = (seconds) => day.format(new Date(seconds * 1000));

export const score = (value) => value.toFixed(4);
export const standout = (value) => value.toFixed(1);
export const percent = (value) => (value < 0.001 ? "< 0.1%" : `${(value * 100).toFixed(1)}%`);
export const took = (milliseconds) =>
    milliseconds < 1 ? "under 1 ms" : `${number(Math.round(milliseconds))} ms`;
