/* A report or a results file that is dropped on the page is compared with what is on it, without any network. */

const EMBEDDED = /<script type="application\/x-tcpprobe" data-kind="\w+">([A-Za-z0-9+/=\s]*)<\/script>/g;

async function linesOf(file) {
  const text = await file.text();
  if (!/^\s*</.test(text)) return text;
  const parts = [];
  for (const [, block] of text.matchAll(EMBEDDED)) parts.push(await inflateText(block));
  return parts.join("");
}

async function take(files) {
  const runs = compared.runs ?? (await ownRuns());
  const taken = [];
  for (const file of files) {
    try {
      taken.push(runFrom(await linesOf(file), file.name));
    } catch (error) {
      notice(`${file.name} cannot be compared: ${error.message}`);
    }
  }
  if (!taken.length) return;
  notice("");
  const began = ({ run }) => Date.parse(run.started) || 0;
  useRuns([...runs, ...taken].sort((a, b) => began(a) - began(b)));
  state.set({ view: names ? "" : "compare", case: "", pkt: "", diff: "" });
  await show();
  scrollTo(0, 0);
  tell(`Compared with ${taken.map(({ name }) => plain(name)).join(", ")}`);
}

function notice(text) {
  $("#notice").textContent = plain(text);
  $("#notice").hidden = !text;
}

function startDrop() {
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let depth = 0;
  const hover = (step) => {
    depth = Math.max(0, depth + step);
    document.body.classList.toggle("dropping", depth > 0);
  };
  addEventListener("dragenter", (event) => carries(event) && hover(1));
  addEventListener("dragleave", (event) => carries(event) && hover(-1));
  addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    hover(-depth);
    take([...event.dataTransfer.files]);
  });
  $("#compare-with").addEventListener("change", (event) => {
    take([...event.target.files]);
    event.target.value = "";
  });
}
