/** Preloaded into a process, it sets the process's clock back by a year. */
const A_YEAR_MS = 365 * 86_400_000;
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [RealDate.now() - A_YEAR_MS] : given));
  }

  static now() {
    return RealDate.now() - A_YEAR_MS;
  }
};
