/* Which packets of several plays belong side by side, and where the plays part. */

const MOST = 4e6;

/* What makes two entries the same: who speaks and what, apart from times, windows and options, which differ in every play. */
function outline(entry) {
  const said = entry.kind === "event" ? entry.text.replace(/\d+(\.\d+)?/g, "#") : rungLabel(entry).replace(/ <[^>]*>| win \d+/g, "");
  return [entry.kind, entry.connection, said].join("\n");
}

const judged = (entry) => (/^(missed|nearest)/.exec(entry.note) ?? /^met/.exec(entry.note) ?? [""])[0];

/* Rows of indices, one per play, null where a play has nothing to set beside the others' entry. */
function aligned(transcripts) {
  const outlines = transcripts.map((entries) => entries.map(outline));
  let rows = outlines[0].map((_, index) => [index]);
  let spine = outlines[0];
  outlines.slice(1).forEach((other, run) => {
    const nobody = Array(run + 1).fill(null);
    const found = pairs(spine, other);
    rows = found.map(([at, index]) => [...(at === null ? nobody : rows[at]), index]);
    spine = found.map(([at, index]) => (at === null ? other[index] : spine[at]));
  });
  return rows;
}

/* The longest common subsequence, as pairs of indices; what has no partner stands alone, where it comes. */
function pairs(one, other) {
  const [n, m] = [one.length, other.length];
  if (n * m > MOST) return Array.from({ length: Math.max(n, m) }, (_, i) => [i < n ? i : null, i < m ? i : null]);
  const lengths = Array.from({ length: n + 1 }, () => new Uint16Array(m + 1));
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      lengths[i][j] = one[i] === other[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < n || j < m) {
    if (i < n && j < m && one[i] === other[j]) found.push([i++, j++]);
    else if (j >= m || (i < n && lengths[i + 1][j] >= lengths[i][j + 1])) found.push([i++, null]);
    else found.push([null, j++]);
  }
  return found;
}

/* What stands alone on both sides at the same place is one step of the script answered differently: one row. */
function folded(rows, transcripts) {
  const out = [];
  for (const row of rows) {
    const last = out.at(-1);
    const kind = (each) => each.map((index, run) => (index === null ? null : transcripts[run][index].kind)).find(Boolean);
    if (last && kind(last) === kind(row) && last.every((index, run) => index === null || row[run] === null) && last.some((index) => index === null) && row.some((index) => index === null)) {
      out[out.length - 1] = last.map((index, run) => index ?? row[run]);
    } else out.push(row);
  }
  return out;
}

/* The first row in which the plays are not the same: another entry, none at all, or another judgement; -1 for none. */
function parting(rows, transcripts) {
  return rows.findIndex((row) => {
    const entries = row.map((index, run) => (index === null ? null : transcripts[run][index]));
    return entries.includes(null) || new Set(entries.map(outline)).size > 1 || new Set(entries.map(judged)).size > 1;
  });
}
