// From a stretch of a chart to the period of the page.

import { isoTime } from "./format.js";
import { change } from "./view.js";

const LEAST_SECONDS = 300;

/** Show a stretch of time, of five minutes at least, in all panels. */
export function zoomTo(start, end) {
  change({ period: `${isoTime(start)}/${isoTime(Math.max(end, start + LEAST_SECONDS))}` });
}
