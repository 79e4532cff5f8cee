/* The page's whole state is its hash, so every view can be linked to, and Back works.
   case, pkt, scale: a scenario, its selected packet, its ladder's scale; q, v, l, rfc, need, tag, req: the list's filters;
   view: compare (several runs) or run (the last of them), diff: a scenario side by side;
   theme: light or dark. */

const state = {
  get all() {
    return new URLSearchParams(location.hash.slice(1));
  },
  get(name) {
    return this.all.get(name) ?? "";
  },
  list(name) {
    return this.get(name).split(",").filter(Boolean);
  },
  /* The hash with changes made; a value of "" or null leaves the name out. */
  href(changes) {
    const next = this.all;
    for (const name of [...next.keys()]) if (next.get(name) === "") next.delete(name);
    for (const [name, value] of Object.entries(changes)) {
      if (value === "" || value === null) next.delete(name);
      else next.set(name, value);
    }
    return `#${next.toString().replace(/%2C/g, ",").replace(/\+/g, "%20")}`;
  },
  /* `quiet` replaces the entry in the history: for what is typed, selected or moved. */
  set(changes, quiet = false) {
    const href = this.href(changes);
    if (href === (location.hash || "#")) return;
    if (quiet) {
      history.replaceState(null, "", href);
      show();
    } else {
      location.hash = href;
    }
  },
};

const FILTERS = ["q", "v", "l", "rfc", "need", "tag", "req"];
