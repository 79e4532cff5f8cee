/* The ladder of a play as SVG: two ends, an arrow for each packet, and beside it what the script said of it. */

const RUNG = 26;
const CHAR = 6.7;

function rungLabel(entry) {
  if (entry.kind === "event") return entry.text;
  const start = entry.text.indexOf(" > ");
  const rest = start < 0 ? entry.text : entry.text.slice(start + 3).replace(/^\S+ /, "");
  return rest.replace(/ len 0$/, "");
}

function fitted(text, room) {
  text = plain(text);
  for (const part of [/ <[^>]*>/, / win \d+/]) if (text.length > room) text = text.replace(part, "");
  return text.length <= room ? text : `${text.slice(0, Math.max(1, room - 1))}…`;
}

/* Entries that carry again what went the same way before. */
function repeats(result) {
  const seen = new Set();
  return result.transcript.map((entry) => {
    const place = entry.packet.length ? segmentOf(entry.packet) : null;
    if (!place || !place.length) return false;
    const key = [entry.kind, entry.connection, place.seq, place.length].join();
    const known = seen.has(key);
    seen.add(key);
    return known;
  });
}

/* What colours a rung: the note that the play left on it. */
function rungTone(entry, again) {
  const tones = again ? ["again"] : [];
  if (/^(missed|nearest|checksum)/.test(entry.note)) tones.push("missed");
  else if (/ignored|passed over/.test(entry.note)) tones.push("ignored");
  else if (entry.note === "met") tones.push("met");
  return tones.join(" ");
}

function rungNote(result, entry, again) {
  const words = again && !/retransmission/.test(entry.note) ? ["again"] : [];
  if (entry.note) words.push(entry.note);
  if (result.steps[entry.step]) words.push(`step ${entry.step + 1}`);
  return words.join(", ");
}

/* Heights of the rungs: all the same, or true to time but never so close that they cannot be read. */
function rungHeights(result, scale) {
  const times = result.transcript.map((entry) => entry.time);
  if (scale !== "time" || times.length < 2) return times.map((_, i) => i * RUNG);
  const span = times.at(-1) - times[0] || 1;
  const length = Math.max(600, times.length * RUNG);
  let last = -18;
  return times.map((time) => (last = Math.max(last + 18, ((time - times[0]) / span) * length)));
}

/* `beside` places the rungs in rows that several ladders share: {places: the row of each entry, count, parted: a row}. */
function ladder(result, width, scale, selected, select, beside = null) {
  const narrow = width < 560;
  const left = 74;
  const right = width - (narrow ? 12 : Math.min(210, width * 0.26));
  const top = 40;
  const again = repeats(result);
  const even = (row) => row * RUNG;
  const heights = (beside ? beside.places.map(even) : rungHeights(result, scale)).map((height) => height + top + 22);
  const bottom = (beside ? even(beside.count - 1) + top + 22 : heights.at(-1) ?? top) + 22;
  const several = result.connections.length > 1;
  const [first] = result.connections;
  const end = (address, port) => (several ? address : `${address.includes(":") ? `[${address}]` : address}:${port}`);
  const drawing = svg("svg", {
    class: "ladder", width, height: bottom + 6, viewBox: `0 0 ${width} ${bottom + 6}`, role: "group",
    "aria-label": `Ladder of ${result.transcript.length} packets and events; the table below says the same`,
  });
  if (first) {
    drawing.append(
      svg("text", { x: left, y: 16, class: "end" }, narrow ? "tcpprobe" : end(first.local, first.lport)),
      svg("text", { x: right, y: 16, class: "end", "text-anchor": "end" }, narrow ? "target" : end(first.remote, first.rport)),
      svg("text", { x: left, y: 30, class: "who" }, narrow ? "" : "tcpprobe"),
      svg("text", { x: right, y: 30, class: "who", "text-anchor": "end" }, narrow ? "" : "target"),
    );
  }
  drawing.append(
    svg("line", { x1: left, x2: left, y1: top, y2: bottom, class: "pole" }),
    svg("line", { x1: right, x2: right, y1: top, y2: bottom, class: "pole" }),
  );
  if (beside && beside.parted >= 0) {
    const y = even(beside.parted) + top + 22;
    drawing.append(svg("rect", { x: 0, y: y - 17, width, height: 24, class: "parted" }));
    if (!beside.places.includes(beside.parted)) drawing.append(svg("text", { x: (left + right) / 2, y, class: "parted-word", "text-anchor": "middle" }, "nothing here"));
  }
  const room = Math.floor((right - left - 24) / CHAR);
  result.transcript.forEach((entry, index) => {
    const y = heights[index];
    const tone = rungTone(entry, again[index]);
    const note = rungNote(result, entry, again[index]);
    const prefix = several ? `${entry.connection}: ` : "";
    const group = svg("g", {
      class: `rung ${entry.kind} ${tone} ${index === selected ? "selected" : ""}`,
      "data-index": index, onclick: () => select(index),
    });
    group.append(
      svg("title", {}, `${seconds(entry.time)} ${entry.text}${note ? ` (${note})` : ""}`),
      svg("rect", { x: 0, y: y - 16, width, height: 22, class: "hit" }),
      svg("text", { x: left - 10, y, class: "time", "text-anchor": "end" }, seconds(entry.time)),
    );
    if (entry.kind === "event") {
      group.append(
        svg("text", { x: left + 12, y, class: "event" }, fitted(`· ${prefix}${rungLabel(entry)}`, Math.floor((width - left - 16) / CHAR))),
      );
    } else {
      const [from, to] = entry.kind === "sent" ? [left, right] : [right, left];
      const turn = from < to ? -1 : 1;
      group.append(
        svg("text", { x: (left + right) / 2, y: y - 4, class: "label", "text-anchor": "middle" }, fitted(prefix + rungLabel(entry), room)),
        svg("line", { x1: from, x2: to + turn * 7, y1: y, y2: y, class: "shaft" }),
        svg("path", { d: `M${to} ${y}l${turn * 9} -4v8z`, class: "head" }),
      );
      if (note && !narrow) group.append(svg("text", { x: right + 10, y: y + 1, class: "note" }, fitted(note, Math.floor((width - right - 12) / CHAR))));
    }
    drawing.append(group);
  });
  return drawing;
}
