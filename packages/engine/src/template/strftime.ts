import { TemplateError } from "../errors.js";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
];
const DAY_MS = 86_400_000;

/**
 * Formats a date at 0:00 as Python's `strftime` does in the C locale.
 *
 * @param date  `YYYY-MM-DD`
 * @throws TemplateError on an unsupported directive
 */
export function strftime(format: string, date: string): string {
  const day = new Date(`${date}T00:00:00Z`);
  // glibc's flags: no padding, spaces, zeros, uppercase.
  return format.replace(/%([-_0^]?)([^]?)/gu, (all, flag: string, directive: string) => {
    const value = field(directive, day);
    if (value === null) throw new TemplateError(`asks for the date as ${all}, not known here`);
    if (flag === "-") return value.replace(/^[0 ]+(?=.)/, "");
    if (flag === "_") return value.replace(/^0+(?=.)/, (zeros) => " ".repeat(zeros.length));
    return flag === "^" ? value.toUpperCase() : value;
  });
}

/** Returns a field of a date, or null if the directive is not supported. */
function field(directive: string, day: Date): string | null {
  const two = (value: number) => String(value).padStart(2, "0");
  const weekday = day.getUTCDay();
  const year = day.getUTCFullYear();
  const month = day.getUTCMonth();
  const date = day.getUTCDate();
  const dayOfYear = Math.round((day.getTime() - Date.UTC(year, 0, 1)) / DAY_MS) + 1;
  const short = (names: readonly string[], index: number) => names[index]?.slice(0, 3) ?? "";
  switch (directive) {
    case "a":
      return short(DAYS, weekday);
    case "A":
      return DAYS[weekday] ?? "";
    case "b":
    case "h":
      return short(MONTHS, month);
    case "B":
      return MONTHS[month] ?? "";
    case "c":
      return `${short(DAYS, weekday)} ${short(MONTHS, month)} ${String(date).padStart(2)} 00:00:00 ${year}`;
    case "C":
      return two(Math.floor(year / 100));
    case "d":
      return two(date);
    case "D":
    case "x":
      return `${two(month + 1)}/${two(date)}/${two(year % 100)}`;
    case "e":
      return String(date).padStart(2);
    case "f":
      return "000000";
    case "F":
      return `${year}-${two(month + 1)}-${two(date)}`;
    case "H":
    case "M":
    case "S":
      return "00";
    case "I":
      return "12";
    case "j":
      return String(dayOfYear).padStart(3, "0");
    case "m":
      return two(month + 1);
    case "n":
      return "\n";
    case "p":
      return "AM";
    case "R":
      return "00:00";
    case "t":
      return "\t";
    case "T":
    case "X":
      return "00:00:00";
    case "u":
      return String(weekday === 0 ? 7 : weekday);
    case "U":
      return two(Math.floor((dayOfYear + 6 - weekday) / 7));
    case "w":
      return String(weekday);
    case "W":
      return two(Math.floor((dayOfYear + 6 - ((weekday + 6) % 7)) / 7));
    case "y":
      return two(year % 100);
    case "Y":
      return String(year);
    case "z":
    case "Z":
      return "";
    case "%":
      return "%";
    default:
      return null;
  }
}
