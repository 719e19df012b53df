// Charts over time, drawn by uPlot: steps, lines or a stack, with a legend that is also read aloud.

import { el, refill, svg } from "./dom.js";
import { clock, clockWithSeconds, day, number, short, time } from "./format.js";

const uPlot = globalThis.uPlot;
const LEAST_PIXELS = 8;
const DAY_SECONDS = 86_400;

/** Return a color of the style sheet: `people`, `bots`, `line` … */
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** One chart. `series` are `{key, label, color}`; `kind` is `steps`, `line` or `stack`. */
export class TimeChart {
  constructor({ kind = "steps", height = 200, unit = "", format = number, onZoom = null }) {
    Object.assign(this, { kind, height, unit, format, onZoom, plot: null, shape: "" });
    this.legend = el("ul", { class: "legend" });
    this.canvas = el("div", { class: "canvas", role: "img" });
    this.element = el("div", { class: "chart" }, this.legend, this.canvas);
    new ResizeObserver(() => this.fit()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /** Show these values: `times` are the starts of steps, `values` a list for each series, `wholes` what each is in all. */
  show({ title, times, values, series, span, wholeUntil = null, marks = [], wholes = values.map(sum) }) {
    this.shown = { title, times, values, series, span, wholeUntil, marks, wholes };
    const shape = JSON.stringify([series.map(({ key }) => key), times.length > 0]);
    if (!this.plot || shape !== this.shape) {
      this.shape = shape;
      this.redraw();
    } else {
      this.plot.setData(this.data(), false);
      this.plot.setScale("x", { min: span.start, max: span.end });
    }
    this.canvas.setAttribute("aria-label", `${title}, ${time(span.start)} to ${time(span.end)}; the table below has the figures`);
    this.tell(null);
  }

  /** Begin anew: after another choice of colors, or of series. */
  redraw() {
    if (!this.shown) return;
    this.plot?.destroy();
    this.plot = new uPlot(this.options(), this.data(), this.canvas);
  }

  fit() {
    const width = this.canvas.clientWidth;
    if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: this.height });
  }

  /** The last step reaches to the end of the span. */
  data() {
    const { times, values, span } = this.shown;
    const isLine = this.kind === "line";
    const drawn = this.kind === "stack" ? stacked(values) : values;
    if (isLine || times.length === 0) return [times, ...drawn];
    return [[...times, span.end], ...drawn.map((list) => [...list, list.at(-1)])];
  }

  options() {
    const { series } = this.shown;
    const [text, grid] = [color("muted"), color("line")];
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    const paths = this.kind === "line" ? uPlot.paths.linear() : uPlot.paths.stepped({ align: 1 });
    return {
      width: this.canvas.clientWidth || 300,
      height: this.height,
      padding: [8, 22, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false },
      scales: {
        x: { time: true, range: () => [this.shown.span.start, this.shown.span.end] },
        y: { range: (_, low, high) => [0, high > 0 ? high * 1.08 : 1] },
      },
      axes: [
        { ...axis, grid: { show: false }, values: (_, splits) => timeLabels(splits, this.shown.span), space: () => (this.isLong() ? 100 : 70), size: () => (this.hasDays() ? 42 : 28) },
        { ...axis, values: (_, splits) => splits.map((value) => (value % 1 ? value : short(value))), size: 46, space: 34 },
      ],
      series: [{}, ...series.map((one) => this.lineOf(one, paths))],
      hooks: {
        drawAxes: [(plot) => this.drawBehind(plot)],
        setCursor: [(plot) => this.tell(plot.cursor.idx)],
        setSelect: [(plot) => this.zoom(plot)],
      },
    };
  }

  /** Whether the labels of the axis are days alone. */
  isLong() {
    const { start, end } = this.shown.span;
    return end - start > 5 * DAY_SECONDS;
  }

  /** Whether the labels of the axis have days below their times. */
  hasDays() {
    const { start, end } = this.shown.span;
    return !this.isLong() && (end - start > DAY_SECONDS / 2 || day(start) !== day(end - 1));
  }

  lineOf({ label, color: name }, paths) {
    const stroke = color(name);
    const isStack = this.kind === "stack";
    return {
      label,
      paths,
      stroke: isStack ? color("card") : stroke,
      width: isStack ? 0.5 : 1.75,
      fill: isStack ? stroke : this.kind === "steps" ? `${stroke}1f` : undefined,
      spanGaps: true,
      points: { show: false },
    };
  }

  /** Draw what lies behind the lines: what was counted again later, and what is not counted to its end yet. */
  drawBehind(plot) {
    const { marks, wholeUntil, span } = this.shown;
    const { ctx, bbox } = plot;
    const x = (seconds) => plot.valToPos(Math.min(Math.max(seconds, span.start), span.end), "x", true);
    ctx.save();
    for (const { start, end } of marks) {
      ctx.fillStyle = `${color("mark")}2e`;
      ctx.fillRect(x(start), bbox.top, Math.max(x(end) - x(start), 2), bbox.height);
      ctx.fillStyle = color("mark");
      ctx.fillRect(x(start), bbox.top, Math.max(x(end) - x(start), 2), 3 * devicePixelRatio);
    }
    if (wholeUntil !== null && wholeUntil < span.end) {
      const left = x(wholeUntil);
      ctx.beginPath();
      ctx.rect(left, bbox.top, bbox.left + bbox.width - left, bbox.height);
      ctx.clip();
      ctx.strokeStyle = color("line");
      ctx.lineWidth = devicePixelRatio;
      for (let offset = left - bbox.height; offset < bbox.left + bbox.width; offset += 7 * devicePixelRatio) {
        ctx.moveTo(offset, bbox.top + bbox.height);
        ctx.lineTo(offset + bbox.height, bbox.top);
      }
      ctx.stroke();
    }
    ctx.restore();
  }

  zoom(plot) {
    const { left, width } = plot.select;
    if (width >= LEAST_PIXELS && this.onZoom) {
      const step = this.shown.span.step;
      const start = Math.floor(plot.posToVal(left, "x") / step) * step;
      const end = Math.ceil(plot.posToVal(left + width, "x") / step) * step;
      plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      this.onZoom(start, end);
    }
  }

  /** Show in the legend the values of one step, or those of all. */
  tell(place) {
    const { times, values, series, span, wholes } = this.shown;
    const at = place === null || place === undefined || times.length === 0 ? null : Math.min(place, times.length - 1);
    const items = series.map(({ label, color: name }, index) =>
      el(
        "li",
        {},
        el("span", { class: "swatch", style: { "--swatch": `var(--${name})` } }),
        el("span", {}, label),
        el("b", {}, `${this.format(at === null ? wholes[index] : values[index][at])}${this.unit}`),
      ),
    );
    const when = at === null ? (this.kind === "line" ? "on average" : "in all") : stepTime(times[at], span);
    refill(this.legend, items, el("li", { class: "when" }, when));
  }
}

/** Return a small line without axes; it is decoration beside a number. */
export function sparkline(values, name, { width = 120, height = 28 } = {}) {
  const most = Math.max(1, ...values.map((value) => value ?? 0));
  const x = (index) => (values.length > 1 ? (index * width) / (values.length - 1) : 0);
  const points = values.map((value, index) => `${x(index).toFixed(1)},${(height - 2 - ((value ?? 0) / most) * (height - 4)).toFixed(1)}`);
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("polygon", { points: `0,${height} ${points.join(" ")} ${width},${height}`, class: "area", style: { fill: `var(--${name})` } }),
    svg("polyline", { points: points.join(" "), style: { stroke: `var(--${name})` }, "vector-effect": "non-scaling-stroke" }),
  );
}

export const sum = (list) => list.reduce((total, value) => total + (value ?? 0), 0);

function stacked(values) {
  const tops = [];
  for (const list of [...values].reverse()) {
    const below = tops.at(-1);
    tops.push(list.map((value, index) => (value ?? 0) + (below ? below[index] : 0)));
  }
  return tops.reverse();
}

function stepTime(seconds, { step }) {
  if (step >= DAY_SECONDS) return day(seconds);
  return step < 60 ? clockWithSeconds(seconds) : time(seconds);
}

function timeLabels(splits, { step, start, end }) {
  let last = null;
  return splits.map((seconds) => {
    const today = day(seconds);
    const isNew = today !== last && (end - start > DAY_SECONDS / 2 || last !== null);
    last = today;
    if (step >= DAY_SECONDS || end - start > 5 * DAY_SECONDS) return isNew ? today : "";
    return isNew ? `${clock(seconds)}\n${today}` : clock(seconds);
  });
}
