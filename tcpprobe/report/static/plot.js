/* Time and sequence (Stevens, TCP/IP Illustrated 1, 1994): data as ticks, what was acknowledged, SACK blocks, the window's edge. */

const FEWEST = 4;
const PLOT = { height: 300, left: 64, right: 14, top: 22, bottom: 34 };

/* Per connection and direction with enough data: its ticks, and what the other end said of them. */
function flows(result) {
  const found = new Map();
  const scales = new Map();
  const at = (entry, kind) => {
    const key = `${entry.connection}\n${kind}`;
    if (!found.has(key)) found.set(key, { connection: entry.connection, kind, base: baseOf(result, entry.connection, kind), data: [], acks: [] });
    return found.get(key);
  };
  result.transcript.forEach((entry, index) => {
    const segment = entry.packet.length ? segmentOf(entry.packet) : null;
    if (!segment) return;
    const [mine, theirs] = [at(entry, entry.kind), at(entry, entry.kind === "sent" ? "received" : "sent")];
    mine.base ??= segment.seq;
    if (segment.flags & SYN) scales.set(mine, segment.wscale ?? null);
    if (segment.size) mine.data.push({ index, time: entry.time, from: (segment.seq - mine.base) | 0, size: segment.size });
    if (segment.flags & ACK && theirs.base !== null && !(segment.flags & RST)) {
      theirs.acks.push({
        index, time: entry.time, ack: (segment.ack - theirs.base) | 0, window: segment.window, plain: Boolean(segment.flags & SYN),
        sack: segment.sack.map((edge) => (edge - theirs.base) | 0),
      });
    }
  });
  for (const flow of found.values()) {
    const other = found.get(`${flow.connection}\n${flow.kind === "sent" ? "received" : "sent"}`);
    /* RFC 7323 2.2: both ends must have offered a scale; the window of a SYN is never scaled. */
    const scale = Number.isInteger(scales.get(flow)) && Number.isInteger(scales.get(other)) ? Math.min(14, scales.get(other)) : 0;
    for (const one of flow.acks) one.edge = one.ack + one.window * (one.plain ? 1 : 2 ** scale);
    repeatedData(flow.data);
  }
  return [...found.values()].filter((flow) => flow.data.length >= FEWEST);
}

function baseOf(result, name, kind) {
  const connection = result.connections.find((one) => one.name === name);
  return connection?.[kind === "sent" ? "iss" : "irs"] ?? null;
}

/* Marks the segments that begin below what had been sent by then. */
function repeatedData(data) {
  let next = -Infinity;
  for (const one of data) {
    one.again = one.from < next;
    next = Math.max(next, one.from + one.size);
  }
}

/* Round numbers from 0 or `low` to `high`, about `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) found.push(value);
  return found;
}

function extents(flow) {
  const times = [...flow.data, ...flow.acks].map((one) => one.time);
  const starts = flow.data.map((one) => one.from);
  const ends = flow.data.map((one) => one.from + one.size);
  const [low, high] = [Math.min(...starts), Math.max(...ends)];
  const edge = Math.max(high, ...flow.acks.map((one) => one.edge));
  /* A window that dwarfs the data would flatten it: then only what is near is shown. */
  const far = edge > high + 1.5 * (high - low);
  const top = (far ? high : edge) + 0.06 * (high - low);
  return { from: Math.min(...times), to: Math.max(...times), low: low - 0.04 * (high - low), top, far };
}

function plotView(flow, width, selected, select) {
  const range = extents(flow);
  const [left, right] = [PLOT.left, width - PLOT.right];
  const [top, bottom] = [PLOT.top, PLOT.height - PLOT.bottom];
  const x = (time) => left + 8 + ((time - range.from) / (range.to - range.from || 1)) * (right - left - 16);
  const y = (seq) => bottom - ((seq - range.low) / (range.top - range.low || 1)) * (bottom - top);
  const inside = (seq) => Math.max(top, Math.min(bottom, y(seq)));
  const again = flow.data.filter((one) => one.again).length;
  const drawing = svg("svg", {
    class: "plot", width, height: PLOT.height, viewBox: `0 0 ${width} ${PLOT.height}`, role: "group",
    "aria-label": `Time and sequence of ${flow.data.length} segments with data, ${again} of them again; the table says the same`,
  });
  for (const time of ticks(range.from, range.to, Math.max(2, Math.floor(width / 140)))) {
    drawing.append(svg("line", { x1: x(time), x2: x(time), y1: top, y2: bottom, class: "grid" }), svg("text", { x: x(time), y: bottom + 15, "text-anchor": "middle" }, seconds(time)));
  }
  for (const seq of ticks(range.low, range.top, 5)) {
    drawing.append(svg("line", { x1: left, x2: right, y1: y(seq), y2: y(seq), class: "grid" }), svg("text", { x: left - 6, y: y(seq) + 4, "text-anchor": "end" }, (Math.round(seq) || 0).toLocaleString("en")));
  }
  drawing.append(svg("text", { x: right, y: PLOT.height - 4, "text-anchor": "end", class: "axis" }, "time"), svg("text", { x: left - 6, y: 11, "text-anchor": "end", class: "axis" }, "sequence"));
  drawing.append(stairs(flow.acks, (one) => one.ack, x, inside, range.to, "acked"), stairs(flow.acks, (one) => one.edge, x, inside, range.to, "edge"));
  for (const { time, sack } of flow.acks) {
    for (let i = 0; i + 1 < sack.length; i += 2) drawing.append(svg("line", { x1: x(time), x2: x(time), y1: inside(sack[i]), y2: inside(sack[i + 1]), class: "sack" }));
  }
  for (const one of flow.data) drawing.append(tick(one, x(one.time), y(one.from), y(one.from + one.size), one.index === selected, select));
  return drawing;
}

/* A line that keeps its height until the next value, as what is acknowledged does. */
function stairs(points, value, x, y, end, name) {
  if (!points.length) return svg("g", {});
  let d = `M${x(points[0].time).toFixed(1)} ${y(value(points[0])).toFixed(1)}`;
  for (const point of points.slice(1)) d += `H${x(point.time).toFixed(1)}V${y(value(point)).toFixed(1)}`;
  return svg("path", { d: `${d}H${x(end).toFixed(1)}`, class: name });
}

function tick(one, x, bottom, top, chosen, select) {
  const height = Math.max(1, bottom - top);
  return svg("g", { class: `tick ${one.again ? "again" : ""} ${chosen ? "selected" : ""}`, "data-index": one.index, onclick: () => select(one.index) },
    svg("title", {}, `${seconds(one.time)} seq ${one.from} len ${one.size}${one.again ? ", again" : ""}`),
    svg("rect", { x: x - 6, y: top - 3, width: 12, height: height + 6, class: "hit" }),
    svg("path", { d: `M${x} ${bottom}v${-height}M${x - 3} ${top}h6M${x - 3} ${bottom}h6` }));
}

function plotLegend(flow) {
  const has = { data: true, again: flow.data.some((one) => one.again), acked: flow.acks.length, sack: flow.acks.some((one) => one.sack.length), edge: flow.acks.length };
  const words = { data: "data", again: "again, or out of order", acked: "acknowledged", sack: "SACK blocks", edge: extents(flow).far ? "edge of the window (beyond the top where it cannot be seen)" : "edge of the window" };
  return el("ul", { class: "legend" }, Object.keys(words).filter((name) => has[name]).map((name) => el("li", {}, el("i", { class: `swatch swatch-${name}`, "aria-hidden": "true" }), words[name])));
}

function drawPlots() {
  const place = $("#plots");
  const several = view.result.connections.length > 1;
  const found = flows(view.result);
  place.hidden = !found.length;
  place.replaceChildren(...found.map((flow) => el("div", { class: "plot-box" },
    el("h3", {}, flow.kind === "sent" ? "Data sent to the target" : "Data that came from the target", several ? el("span", {}, ` on connection ${flow.connection}`) : ""),
    plotView(flow, Math.max(320, Math.floor($("#ladder").clientWidth)), view.selected, choose), plotLegend(flow))));
  if (found.length) place.prepend(el("h2", {}, "Data over time"));
}
