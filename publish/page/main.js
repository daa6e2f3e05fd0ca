// The page: reads what lies beside it, again and again while the job runs.

const page = {results: null, index: null, have: 0, seen: -1, cut: null, wasCut: false, ahead: 0, changed: 0, updated: "", signs: [], decoder: new TextDecoder(), over: false};
const often = 2000, seldom = 15000; // ms between two looks: of a reader who looks, and of one who does not

async function read(name, headers) {
  const answer = await fetch(name, {cache: "no-cache", headers});
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer;
}

// show brings the results to the screen. What has not changed is left alone,
// so that nothing that a reader has opened or marked is lost.
function show() {
  const {tests: list, artifacts, ...head} = page.results;
  once("head", [head, page.signs], () => showHead(document.getElementById("head"), page.results, page.signs));
  once("tests", [page.seen, list?.length], () => showTests(list || []));
  once("files", [artifacts, list?.length], () => showFiles(document.getElementById("files"), page.results));
  log.followButton.hidden = page.results.state !== "running";
}

const shown = {};

function once(what, state, draw) {
  const text = JSON.stringify(state);
  if (shown[what] === text) return;
  shown[what] = text;
  draw();
}

// look reads what is new. It returns whether there will be more.
async function look() {
  const answer = await read("log.json");
  const index = await answer.json();
  signOfLife(index, answer.headers.get("Date"));
  page.index = index;
  if (index.results !== page.seen) {
    page.results = await (await read("results.json")).json();
    page.seen = index.results;
  }
  show();
  await readLog(index);
  showAllAround();
  log.status.textContent = bytes(index.size);
  return index.state === "running";
}

// signOfLife warns when the bot has not written for long: it may be dead.
function signOfLife(index, date) {
  const now = performance.now();
  if (index.updated !== page.updated) { page.updated = index.updated; page.changed = now; }
  const server = date ? new Date(date) - new Date(index.updated) : 0;
  if (date) page.ahead = new Date(date) - Date.now();
  const silent = Math.max(now - page.changed, server) / 1000;
  page.signs = index.state === "running" && silent > 100 ? [`No sign of life from the bot for ${span(silent)}. What it said until then is below; another bot will take over.`] : [];
}

async function readLog(index) {
  if (index.log) return readWhole(index);
  const fresh = (index.chunks || []).filter(c => c.to > page.have);
  const bodies = fresh.map(c => {
    const skip = Math.max(0, page.have - c.from), name = `log.${c.from}-${c.to}.txt`;
    const body = read(name, skip ? {Range: `bytes=${skip}-`} : {}).then(async a => new Uint8Array(await a.arrayBuffer()).subarray(a.status === 206 ? 0 : skip));
    body.catch(() => {}); // awaited below, unless one before it fails
    return body;
  });
  for (const [i, c] of fresh.entries()) {
    const data = await bodies[i];
    if (c.from > page.have) {
      if (log.rest) feed("\n");
      const missing = Math.max(0, c.line - log.next + 1);
      cutLog(missing, `[${plural(missing, "line")} (${bytes(c.from - page.have)}) are cut out here, the log is too long]`);
      page.wasCut = true;
    }
    feed(page.decoder.decode(data, {stream: true}));
    page.have = c.to;
  }
}

// readWhole reads the finished log, or what is missing of it.
async function readWhole(index) {
  if (page.over) return;
  if (page.have > 0 && (index.cut || page.wasCut)) { clearLog(); page.have = 0; page.decoder = new TextDecoder(); }
  const answer = page.have < index.size ? await read(index.log, page.have ? {Range: `bytes=${page.have}-`} : {}) : null;
  page.cut = index.cut || null;
  if (answer) await pour(answer, answer.status === 206 ? 0 : page.have);
  if (log.rest) feed("\n");
  page.over = true;
}

// pour feeds a body as it comes, without its first bytes.
async function pour(answer, skip) {
  const reader = answer.body.getReader();
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const data = value.subarray(Math.min(skip, value.length));
    skip -= value.length - data.length;
    page.have += data.length;
    pourText(page.decoder.decode(data, {stream: true}));
  }
}

// pourText feeds text. Where the log is cut it shows the line that says so, and
// counts those that are missing.
function pourText(text) {
  while (page.cut && text) {
    const end = text.indexOf("\n") + 1, left = page.cut.line - log.next;
    if (!end) break;
    if (left > 0) {
      const some = text.split("\n", left).join("\n").length + 1;
      feed(text.slice(0, some));
      text = text.slice(some);
      continue;
    }
    const words = log.rest + text.slice(0, end - 1);
    log.rest = "";
    cutLog(page.cut.lines, words);
    text = text.slice(end);
    page.cut = null;
  }
  if (text) feed(text);
}

async function watch() {
  for (let failures = 0; ;) {
    try {
      if (!await look()) return;
      failures = 0;
    } catch (error) {
      failures++; // once is nothing: a chunk may have gone since its index was read
      if (location.protocol === "file:" || page.results.state !== "running" && failures > 5) return showCarried();
      if (failures > 1) page.signs = [`The log cannot be read right now (${error.message}). Trying again.`];
      show();
    }
    await new Promise(wake => setTimeout(wake, document.hidden ? seldom : often));
  }
}

// showCarried shows the end of the log that the page brings along: for pages
// that are opened from a disk, where a browser reads nothing else.
function showCarried() {
  const carried = page.carried;
  if (!carried || log.blocks.length) return;
  if (carried.first > 1) cutLog(carried.first - 1, `[${plural(carried.first - 1, "line")} before are in the plain text, log.txt]`);
  feed(carried.text);
  if (log.rest) feed("\n");
  showAllAround();
  log.status.textContent = bytes(carried.size);
  if (page.results.state === "running") { page.signs = ["This page was opened from a disk, where it cannot read the log beside it."]; show(); }
  goTo();
}

// goTo follows the address: #L12, #L12-L20, #test=NAME.
function goTo() {
  const lines = /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash), test = /^#test=(.+)$/.exec(location.hash);
  if (lines) return showLine(Number(lines[1]), Number(lines[2] || lines[1]));
  try { return test ? showTest(decodeURIComponent(test[1])) : true; } catch { return true; }
}

const help = [["n, p", "next, previous failure"], ["/", "find in the log"], ["t", "filter tests"], ["Enter", "next match, Shift: previous"], ["f", "follow the log"], ["w", "wrap lines"],
  ["g, G", "top, end"], ["d", "dark or light"], ["Esc", "leave a field"], ["?", "this help"]];

const keys = {
  n: () => stepFailure(1), p: () => stepFailure(-1), j: () => stepFailure(1), k: () => stepFailure(-1),
  "/": () => log.input.focus(), t: () => tests.input.focus(), f: () => follow(!log.follow), w: () => document.getElementById("wrap").click(),
  g: () => scrollTo({top: 0}), G: toEnd, d: turn, "?": () => document.getElementById("help").showModal(),
};

function onKey(e) {
  if (e.key === "Escape") e.target.blur?.();
  if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName) || !Object.hasOwn(keys, e.key)) return;
  e.preventDefault();
  keys[e.key]();
}

// turn changes between dark and light, and remembers.
function turn() {
  const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(dark ? "light" : "dark");
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* not allowed: for this page only */ }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.documentElement.style.colorScheme = theme;
}

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  page.results = data.results;
  page.carried = data.log;
  try { const theme = localStorage.getItem("theme"); if (theme === "dark" || theme === "light") setTheme(theme); } catch { /* not allowed */ }
  openTests(document.getElementById("tests"));
  openLog(document.getElementById("log"));
  document.getElementById("foot").append("Press ", el("kbd", {}, "?"), " for keys · ", el("a", {href: "results.json"}, "results.json"), " · ", el("a", {href: "junit.xml"}, "junit.xml"), " · ",
    el("button", {onclick: turn}, "Dark or light"),
    el("dialog", {id: "help"}, el("table", {}, ...help.map(([key, what]) => el("tr", {}, el("td", {}, el("kbd", {}, key)), el("td", {}, what)))), el("button", {onclick: () => document.getElementById("help").close()}, "Close")));
  show();
  addEventListener("hashchange", goTo);
  addEventListener("keydown", onKey);
  addEventListener("wheel", e => { if (e.deltaY < 0 && log.follow) follow(false); }, {passive: true});
  setInterval(() => { const t = document.getElementById("took"); if (t && !page.results.finished) t.textContent = took(page.results); }, 1000);
  page.ready = watch().then(goTo);
}

start();
